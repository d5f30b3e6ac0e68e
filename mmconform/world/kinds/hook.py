"""Webhooks of a team, made by the operator: what comes in goes to a channel of ours, what goes out to an address of nobody's."""

from collections.abc import Iterator
from typing import Any, ClassVar

from mmconform.world.admin import SWITCHED_OFF, Admin
from mmconform.world.kinds.channel import channel_of
from mmconform.world.kinds.kind import Entry, Kind, Owner, Undoing, is_gone, is_name_of_ours

#: Where what goes out would be sent.
NOWHERE = "http://conformance.invalid/"


class Hook(Kind):
    """Both kinds of hooks, which differ in their address and in what they are told of themselves."""

    within = scope = "team"
    url: ClassVar[str] = ""

    def content(self, owner: Owner, name: str) -> dict[str, Any]:
        """Return what a hook is to be."""
        return {"channel_id": channel_of(owner), "display_name": name, "description": owner.purpose}

    def make(self, owner: Owner) -> str:
        name = owner.naming.name("w")
        owner.world.note(what=self.what, name=name)
        id_ = str(owner.arranged(self.url, self.content(owner, name))["id"])
        owner.world.note(what=self.what, name=name, id=id_)
        return id_

    def leftovers(self, admin: Admin) -> Iterator[Entry]:
        for row in admin.rows(self.url, none=[SWITCHED_OFF]) if self.what else ():
            if is_name_of_ours(row.get("display_name")):
                yield {"what": self.what, "name": str(row["display_name"]), "id": str(row.get("id"))}

    def lost(self, undoing: Undoing, entry: Entry) -> Iterator[str]:
        rows = undoing.rows(self.url, SWITCHED_OFF)
        yield from (str(row["id"]) for row in rows if row.get("display_name") == entry.get("name"))

    def undo(self, undoing: Undoing, entry: Entry) -> bool:
        return undoing.attempt("webhooks deleted", undoing.admin.ask("DELETE", f"{self.url}/{entry['id']}"))

    def twins(self, undoing: Undoing) -> Iterator[Entry]:
        return undoing.namesakes(self.what, undoing.rows(self.url, SWITCHED_OFF), "display_name")

    def left(self, undoing: Undoing) -> Iterator[str]:
        for id_ in undoing.ids(self.what):
            if not is_gone(undoing.admin.ask("GET", f"{self.url}/{id_}")):
                yield f"webhook {id_} is still there"


class IncomingHook(Hook):
    name = what = "incoming-hook"
    address = "/hooks/incoming/{}"
    url = "/api/v4/hooks/incoming"
    consumed_by = ("DELETE /hooks/incoming/{hook_id}",)


class OutgoingHook(Hook):
    name = what = "outgoing-hook"
    address = "/hooks/outgoing/{}"
    url = "/api/v4/hooks/outgoing"
    consumed_by = ("DELETE /hooks/outgoing/{hook_id}",)

    def content(self, owner: Owner, name: str) -> dict[str, Any]:
        """Return what a hook is to be: nobody says the word upon which it calls."""
        calls = {"team_id": owner.team_id, "trigger_words": [name], "callback_urls": [NOWHERE]}
        return {**super().content(owner, name), **calls}
