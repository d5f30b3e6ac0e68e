"""Second looks, before a server is blamed: is what a run relies on still as the run made it?

Somebody else can end sessions, deactivate people, take roles away or switch features off while tests go on; what a test saw
then says nothing about the server. Nothing of this happens on a tape, and nothing of it is recorded.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import cycle, islice
from typing import Any

from mmconform.errors import MisuseError
from mmconform.servers.live.alive import whoami
from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange
from mmconform.world.admin import unlike
from mmconform.world.behaviours import refusals
from mmconform.world.build import confirm_roles
from mmconform.world.features import ROLES, TOKENS, arranged, has, settings_of
from mmconform.world.world import Person, World

#: How often something is changed to see whether requests arrive once: what happens to every tenth shows itself.
_CHANGES = 30


def changed_meanwhile(world: World, client: Client, made: Iterable[Person] = ()) -> str:
    """Return what somebody else has changed of what a run relies on, the first that is found; nothing when all is as it was.

    Args:
        made: People whom a test made, beside those of the world, and did not change since.

    Raises:
        UnseenError: the server does not answer.
        MisuseError: it does not tell.
    """
    return next(_Look(world, client, [*world.people.values(), *made]).changes(), "")


def sent_twice(world: World, client: Client) -> str:
    """Return that something in front of the server sends requests again that were answered; nothing where that is not seen.

    A channel of ours is made, archived and restored in turn. Of a request that arrives twice the second answer is passed on:
    that it is done already. So would that be of a token which was revoked just before.

    Raises:
        UnseenError: the server does not answer.
    """
    admin, name = world.admin(client).off_tape, world.name("h")
    world.note(what="channel", name=name, team=world.team_id)
    about = {"team_id": world.team_id, "name": name, "display_name": name, "type": "O"}
    made = admin.ask("POST", "/api/v4/channels", about)
    if not made.is_success:
        return _is_done_already(made, "channel-exists")
    channel = f"/api/v4/channels/{made.json_id}"
    changes = cycle([("DELETE", channel, "already-archived"), ("POST", f"{channel}/restore", "not-archived")])
    for method, url, refusal in islice(changes, _CHANGES):
        answer = admin.ask(method, url)
        if not answer.is_success:
            return _is_done_already(answer, refusal)
    return ""


def _is_done_already(answer: Exchange, refusal: str) -> str:
    """Return what it means that something is done already which was sent once; nothing where it is refused for another reason."""
    if answer.error_id not in {row.id for row in refusals()[refusal]}:
        return ""
    return (
        f"something in front of the server sends requests twice ({answer.method} {answer.path} was sent once, and answered "
        f"{answer.says}): have it send nothing again that changes something"
    )


class _Look:
    def __init__(self, world: World, client: Client, people: list[Person]) -> None:
        self._world, self._client, self._people = world, client, people
        self._admin = world.admin(client).off_tape

    def changes(self) -> Iterator[str]:
        """Yield what is not as it was, by few requests; what the server does not tell is not looked at."""
        yield from self._settings()
        yield from self._accounts()
        yield from self._sessions()
        yield from self._tokens()
        yield from self._team()
        if has(ROLES, self._world.version):
            yield from self._roles()

    def _settings(self) -> Iterator[str]:
        answer = self._admin.config()
        if answer.status == 401:
            yield "the administrator's session was ended by somebody else meanwhile"
        features = (feature for feature in arranged(self._world.version) if feature.limit is None)
        on = (feature for feature in features if feature.name not in self._world.switched_off)
        yield from (f"{name} was changed by somebody else meanwhile" for name in unlike(answer, settings_of(on)))

    def _accounts(self) -> Iterator[str]:
        answer = self._admin.ask("POST", "/api/v4/users/ids", [person.id for person in self._people])
        rows = {row.get("id"): row for row in _rows(answer)}
        for person in self._people if answer.is_success else ():
            row = rows.get(person.id, {})
            if not row or row.get("delete_at"):
                yield f"{person.username} was deactivated by somebody else meanwhile"
            elif set(str(row.get("roles")).split()) != person.persona.system_roles_among(self._world.roles):
                yield f"the roles of {person.username} were changed by somebody else meanwhile"

    def _sessions(self) -> Iterator[str]:
        for person in self._people:
            if person.session and whoami(self._client, person.session, person.persona.name).status == 401:
                yield f"the session of {person.username} was ended by somebody else meanwhile"

    def _tokens(self) -> Iterator[str]:
        for person in self._people if TOKENS not in self._world.switched_off else ():
            token = self._admin.ask("GET", f"/api/v4/users/tokens/{person.token_id}") if person.token_id else None
            if token and (token.status == 404 or (token.is_success and token.json_object.get("is_active") is False)):
                yield f"the token of {person.username} was revoked or disabled by somebody else meanwhile"

    def _team(self) -> Iterator[str]:
        team = self._world.team_id
        found = self._admin.ask("GET", f"/api/v4/teams/{team}")
        if found.status == 404 or (found.is_success and found.json_object.get("delete_at")):
            yield "the team of the run was archived by somebody else meanwhile"
        with suppress(MisuseError):
            yield from self._places(list(self._admin.rows(f"/api/v4/teams/{team}/members")))
        with suppress(MisuseError):
            commands = self._admin.listed(f"/api/v4/commands?team_id={team}&custom_only=true") if self._world.command_id else []
            if self._world.command_id not in {"", *(row.get("id") for row in commands)}:
                yield "the command of the run was deleted by somebody else meanwhile"

    def _places(self, rows: list[dict[str, Any]]) -> Iterator[str]:
        members = {row.get("user_id"): row for row in rows if not row.get("delete_at")}
        for person in self._world.people.values():
            if (person.persona.team_role or "") != _team_role(members.get(person.id)):
                yield f"the place of {person.username} in the team was changed by somebody else meanwhile"

    def _roles(self) -> Iterator[str]:
        try:
            confirm_roles(self._admin, self._world.version)
        except MisuseError as error:
            yield str(error)


def _team_role(member: dict[str, Any] | None) -> str:
    if member is None:
        return ""
    is_admin = "team_admin" in str(member.get("roles")).split() or member.get("scheme_admin")
    if member.get("scheme_guest") is True:
        return "team_guest"
    return "team_admin" if is_admin else "team_user"


def _rows(answer: Exchange) -> list[dict[str, Any]]:
    rows = answer.json_or_none if answer.is_success else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
