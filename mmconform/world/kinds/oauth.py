"""OAuth applications, registered by the operator; while the provider is off no application is told or deleted."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from mmconform.world.admin import SWITCHED_OFF, Admin
from mmconform.world.features import OAUTH, features
from mmconform.world.kinds.kind import Entry, Kind, Owner, Undoing, is_name_of_ours

#: Where an application has people sent back to.
BACK = "http://conformance.invalid/back"
_URL = "/api/v4/oauth/apps"
_Told = TypeVar("_Told")


class Application(Kind):
    name, what = "oauth-app", "oauth"
    address = "/oauth/apps/{}"
    made_by = ("POST /oauth/apps",)
    consumed_by = ("DELETE /oauth/apps/{app_id}",)

    def make(self, owner: Owner) -> str:
        return str(register(owner)["id"])

    def leftovers(self, admin: Admin) -> Iterator[Entry]:
        for row in admin.rows(_URL, none=[SWITCHED_OFF]):
            if is_name_of_ours(row.get("name")):
                yield {"what": "oauth", "name": str(row["name"]), "id": str(row.get("id"))}

    def lost(self, undoing: Undoing, entry: Entry) -> Iterator[str]:
        yield from (str(row["id"]) for row in _there(undoing) if row.get("name") == entry.get("name"))

    def undo(self, undoing: Undoing, entry: Entry) -> bool:
        delete = lambda: undoing.admin.ask("DELETE", f"{_URL}/{entry['id']}")  # noqa: E731
        return undoing.attempt("applications deleted", _with_provider(undoing.admin, delete))

    def twins(self, undoing: Undoing) -> Iterator[Entry]:
        return undoing.namesakes("oauth", _there(undoing), "name")

    def left(self, undoing: Undoing) -> Iterator[str]:
        undone = undoing.ids("oauth")
        there = {row.get("id") for row in _there(undoing)} if undone else set()
        yield from (f"application {id_} is still there" for id_ in undone if id_ in there)


def register(owner: Owner) -> dict[str, Any]:
    """Return what the server tells of a new application: journalled before.

    Raises:
        NotHereError: the server's OAuth provider is switched off.
        MisuseError: it refuses.
    """
    name = owner.naming.name("o")
    about = {"name": name, "description": name, "homepage": "http://conformance.invalid", "is_trusted": True}
    owner.world.note(what="oauth", name=name)
    app = owner.arranged(_URL, {**about, "callback_urls": [BACK]})
    owner.world.note(what="oauth", name=name, id=app["id"])
    return app


def _there(undoing: Undoing) -> list[dict[str, Any]]:
    return _with_provider(undoing.admin, lambda: list(undoing.rows(_URL, SWITCHED_OFF)))


def _with_provider(admin: Admin, ask: Callable[[], _Told]) -> _Told:
    """Ask, where need be with the provider switched on for the moment."""
    if admin.ask("GET", f"{_URL}?per_page=1").status != SWITCHED_OFF:
        return ask()
    provider = features()[OAUTH]
    admin.restore({provider.section: {provider.key: True}})
    try:
        return ask()
    finally:
        admin.restore({provider.section: {provider.key: False}})
