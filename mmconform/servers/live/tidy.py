"""Undoes on a server what journals tell, and believes that it did when it was read back.

An answer of 200 changed nothing where something in front of the server gave it, or where a setting is fixed by the
server's environment; and only a 404 that is an ``AppError`` of the server says that something is gone.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from mmconform.errors import MisuseError
from mmconform.servers.live.journal import read
from mmconform.wire.client import UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.world.admin import GONE, SWITCHED_OFF, Admin, unlike

_TRIES = 3
#: How often, and after how many seconds, a change is looked for: a replica of the database may lag behind.
_LOOKS, _MOMENT = 5, 0.5
#: So many users are asked for at once.
_MANY = 200
_OAUTH_ON = {"ServiceSettings": {"EnableOAuthServiceProvider": True}}
_OAUTH_OFF = {"ServiceSettings": {"EnableOAuthServiceProvider": False}}
#: A job that may be ours is not older, by the server's clock, than its line in the journal and this many milliseconds.
_CLOCKS = 60_000
_UNFINISHED = ("pending", "in_progress")
_Told = TypeVar("_Told")


def undo(paths: list[Path], admin: Admin) -> Counter[str]:
    """Undo what the journals of a server tell, newest first whichever tells it, read it back, and remove them.

    What is already gone counts as undone.

    Returns:
        How many of each were put right, such as ``{"users deactivated": 6, "settings restored": 2}``.

    Raises:
        MisuseError: the server cannot be reached or refuses, or what it says that it undid is not undone; the journals
            then stay.
    """
    undoing = _Undoing(_Persistent(admin.client, admin.token))
    later = f"the journals in {paths[0].parent} stay, run `mmconform cleanup {admin.client.base_url}` again"
    try:
        for entry in sorted((e for path in paths for e in _told(path)), key=lambda e: int(e.get("at", 0)), reverse=True):
            undoing.put_right(entry)
        undoing.confirm()
    except UnseenError as error:
        raise MisuseError(f"cleanup stopped: {error}; {later}") from None
    if undoing.failed:
        more = f", and {len(undoing.failed) - 1} more" if undoing.failed[1:] else ""
        raise MisuseError(f"cleanup could not undo everything ({undoing.failed[0]}{more}); {later}")
    for path in paths:
        path.unlink()
    return undoing.done


def _told(path: Path) -> Iterator[dict[str, Any]]:
    """Yield a journal's entries, but of jobs that were asked for only the one, at its end, of which no answer is told."""
    asked: dict[str, Any] | None = None
    for entry in read(path):
        if entry["what"] == "job":
            asked = None if "id" in entry else entry
        if entry is not asked:
            yield entry
    if asked:
        yield asked


class _Persistent(Admin):
    """Asks more than once: whatever is asked here may be."""

    def ask(self, method: str, url: str, json: Any = None) -> Exchange:
        for _ in range(_TRIES - 1):
            with suppress(UnseenError):
                return super().ask(method, url, json)
        return super().ask(method, url, json)


class _Undoing:
    """Undoes one change after the other, and then reads back what has become of them.

    Attributes:
        done: How many of each were put right.
        failed: What the server refused, or did not do.
    """

    def __init__(self, admin: Admin) -> None:
        self.done: Counter[str] = Counter()
        self.failed: list[str] = []
        self._admin = admin
        self._named: set[tuple[str, str]] = set()
        self._settings: dict[str, dict[str, Any]] = {}
        self._roles: dict[str, list[str]] = {}
        self._users: list[str] = []
        self._teams: list[str] = []
        self._deleted: dict[str, set[str]] = {}  # commands, by their team
        self._applications: list[str] = []
        self._jobs: set[str] = set()

    def put_right(self, entry: dict[str, Any]) -> None:
        """Undo one change, or note that the server refuses."""
        id_, name = str(entry.get("id") or ""), str(entry.get("name", ""))
        if name and (entry["what"], name) in self._named:
            return  # the line before the change; the one after it has the id
        self._named.add((entry["what"], name))
        match entry["what"]:
            case "config":
                self._settings_back(entry["before"])
            case "role" if id_:
                self._role(id_, entry["permissions"])
            case "user":
                self._user(id_ or self._id(f"/api/v4/users/username/{name}"))
            case "team":
                self._team(id_ or self._id(f"/api/v4/teams/name/{name}"))
            case "command" if id_:
                self._command(id_, str(entry.get("team", "")))
            case "oauth":
                self._application(id_, name)
            case "job" if id_:
                self._job(id_)
            case "job" if "type" in entry:
                self._lost_jobs(entry)

    def confirm(self) -> None:
        """Read back what was put right; what is not, after some moments, has failed."""
        for rest in reversed(range(_LOOKS)):
            left = list(self._left())
            if not left or not rest:
                break
            time.sleep(_MOMENT)
        self.failed += left

    # -- asking ----------------------------------------------------------------------------------------------------

    def _attempt(self, what: str, exchange: Exchange) -> bool:
        """Note what came of a change; return whether the server says that it made it."""
        if exchange.is_success:
            self.done[what] += 1
        elif not _is_gone(exchange):
            self._fail(exchange)
        return exchange.is_success

    def _fail(self, exchange: Exchange) -> None:
        self.failed.append(f"{exchange.method} {exchange.path}: {exchange.says}")

    def _id(self, url: str) -> str:
        found = self._admin.ask("GET", url)
        if found.is_success and found.json_id:
            return found.json_id
        if not _is_gone(found):
            self._fail(found)
        return ""

    def _rows(self, url: str, *none: int, is_paged: bool = True) -> Iterator[dict[str, Any]]:
        """Yield the rows of a list; none where what it is of is gone, or where another status tells that there are none."""
        try:
            yield from (self._admin.rows if is_paged else self._admin.listed)(url, (GONE, *none))
        except MisuseError as error:
            self.failed.append(str(error))

    # -- putting right ---------------------------------------------------------------------------------------------

    def _settings_back(self, before: dict[str, dict[str, Any]]) -> None:
        for section, values in before.items():
            self._settings.setdefault(section, {}).update(values)  # what was there before the first change comes last
        try:
            self._attempt("settings restored", self._admin.restore(before))
        except MisuseError as error:
            self.failed.append(str(error))

    def _role(self, id_: str, permissions: list[str]) -> None:
        self._roles[id_] = permissions
        patch = {"permissions": permissions}
        self._attempt("roles restored", self._admin.ask("PUT", f"/api/v4/roles/{id_}/patch", patch))

    def _user(self, id_: str) -> None:
        if not id_:
            return
        url = f"/api/v4/users/{id_}/tokens"
        for row in list(self._rows(url)):
            self._attempt("tokens revoked", self._admin.ask("POST", "/api/v4/users/tokens/revoke", {"token_id": row["id"]}))
        if list(self._rows(url)) and not self.failed:
            self.failed.append(f"the tokens of user {id_} are still there after they were revoked")
        if self._attempt("users deactivated", self._admin.ask("DELETE", f"/api/v4/users/{id_}")):
            self._users.append(id_)

    def _team(self, id_: str) -> None:
        if not id_:
            return
        for command in self._commands(id_):  # also one whose id was never told
            self._attempt("commands deleted", self._admin.ask("DELETE", f"/api/v4/commands/{command['id']}"))
        if self._commands(id_) and not self.failed:
            self.failed.append(f"the commands of team {id_} are still there after they were deleted")
        if self._attempt("teams archived", self._admin.ask("DELETE", f"/api/v4/teams/{id_}")):
            self._teams.append(id_)

    def _command(self, id_: str, team: str) -> None:
        if self._attempt("commands deleted", self._admin.ask("DELETE", f"/api/v4/commands/{id_}")) and team:
            self._deleted.setdefault(team, set()).add(id_)

    def _commands(self, team: str) -> list[dict[str, Any]]:
        return list(self._rows(f"/api/v4/commands?team_id={team}&custom_only=true", SWITCHED_OFF, is_paged=False))

    def _application(self, id_: str, name: str) -> None:
        if not id_:
            id_ = next((str(row["id"]) for row in self._applications_there() if row.get("name") == name), "")
        if id_ and self._attempt(
            "applications deleted", self._with_oauth(lambda: self._admin.ask("DELETE", f"/api/v4/oauth/apps/{id_}"))
        ):
            self._applications.append(id_)

    def _applications_there(self) -> list[dict[str, Any]]:
        return self._with_oauth(lambda: list(self._rows("/api/v4/oauth/apps", SWITCHED_OFF)))

    def _with_oauth(self, ask: Callable[[], _Told]) -> _Told:
        """Ask, where need be with the provider switched on for the moment: while it is off no application is told or deleted."""
        if self._admin.ask("GET", "/api/v4/oauth/apps?per_page=1").status != SWITCHED_OFF:
            return ask()
        self._admin.restore(_OAUTH_ON)
        try:
            return ask()
        finally:
            self._admin.restore(_OAUTH_OFF)

    def _job(self, id_: str) -> None:
        # A job that is no longer running cannot be cancelled, and needs not be: what it is then is read back.
        self.done["jobs cancelled"] += self._admin.ask("POST", f"/api/v4/jobs/{id_}/cancel").is_success
        self._jobs.add(id_)

    def _lost_jobs(self, asked: dict[str, Any]) -> None:
        """Cancel what a run that was killed while it asked for a job may have got, unless it is running already."""
        since = int(asked.get("at", 0)) // 10**6 - _CLOCKS
        for row in self._rows("/api/v4/jobs"):
            if row.get("type") == asked["type"] and row.get("status") == "pending" and int(row.get("create_at") or 0) >= since:
                self._job(str(row["id"]))

    # -- reading back ----------------------------------------------------------------------------------------------

    def _left(self) -> Iterator[str]:
        """Yield what is not as it should be, with one request a list."""
        yield from chain(self._left_of_settings(), self._left_of_roles(), self._left_of_users())
        yield from chain(self._left_of_teams(), self._left_of_commands(), self._left_of_applications(), self._left_of_jobs())

    def _left_of_settings(self) -> Iterator[str]:
        if self._settings:
            try:
                now = unlike(self._admin.config(), self._settings)
            except MisuseError as error:
                yield str(error)
            else:
                yield from (f"{name} is {json.dumps(value)} after it was put back" for name, value in now.items())

    def _left_of_roles(self) -> Iterator[str]:
        for id_, permissions in self._roles.items():
            if not self._admin.role_holds(id_, permissions):
                yield f"the role {id_} does not hold what it held before"

    def _left_of_users(self) -> Iterator[str]:
        for start in range(0, len(self._users), _MANY):
            answer = self._admin.ask("POST", "/api/v4/users/ids", self._users[start : start + _MANY])
            if not isinstance(answer.json_or_none, list) or not answer.is_success:
                yield f"{answer.method} {answer.path}: {answer.says}"
            yield from (f"user {row.get('username')} is still active" for row in _listed(answer) if not row.get("delete_at"))

    def _left_of_teams(self) -> Iterator[str]:
        for id_ in self._teams:
            team = self._admin.ask("GET", f"/api/v4/teams/{id_}")
            if not _is_gone(team) and not (team.is_success and team.json_object.get("delete_at")):
                yield f"team {id_} is still there"

    def _left_of_commands(self) -> Iterator[str]:
        for team, ids in self._deleted.items():
            if team not in self._teams:  # of which they were read before it was archived
                yield from (f"command {row['id']} is still there" for row in self._commands(team) if row.get("id") in ids)

    def _left_of_applications(self) -> Iterator[str]:
        there = {row.get("id") for row in self._applications_there()} if self._applications else set()
        yield from (f"application {id_} is still there" for id_ in self._applications if id_ in there)

    def _left_of_jobs(self) -> Iterator[str]:
        unseen = set(self._jobs)
        for row in self._rows("/api/v4/jobs") if unseen else ():
            if row.get("id") in unseen and row.get("status") in _UNFINISHED:
                yield f"job {row['id']} is still {row['status']}"
            unseen.discard(str(row.get("id")))
            if not unseen:
                return


def _is_gone(answer: Exchange) -> bool:
    """Whether the server itself says that there is no such thing: anybody else's 404 is no ``AppError``."""
    return answer.status == 404 and bool(answer.error_id)


def _listed(answer: Exchange) -> list[dict[str, Any]]:
    rows = answer.json_or_none if answer.is_success else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
