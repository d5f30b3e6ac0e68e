"""Undoes on a server what journals tell."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmconform.errors import MisuseError
from mmconform.servers.live.journal import read, restore
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.exchange import Exchange

_TRIES = 3
_OAUTH_ON = {"ServiceSettings": {"EnableOAuthServiceProvider": True}}
_OAUTH_OFF = {"ServiceSettings": {"EnableOAuthServiceProvider": False}}
#: A job that may be ours is not older, by the server's clock, than its line in the journal and this many milliseconds.
_CLOCKS = 60_000


def undo(paths: list[Path], client: Client, token: str) -> Counter[str]:
    """Undo what the journals of a server tell, newest first whichever tells it, and remove them.

    What is already gone counts as undone.

    Returns:
        How many of each were put right, such as ``{"users deactivated": 6, "settings restored": 2}``.

    Raises:
        MisuseError: the server cannot be reached or refuses; the journals then stay.
    """
    undoing = _Undoing(paths[0].parent, client, token)
    for entry in sorted((e for path in paths for e in _told(path)), key=lambda e: int(e.get("at", 0)), reverse=True):
        undoing.put_right(entry)
    if undoing.failed:
        raise MisuseError(f"cleanup could not undo everything ({undoing.failed[0]}); the journals in {paths[0].parent} stay")
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


class _Undoing:
    """Undoes one change after the other.

    Attributes:
        done: How many of each were put right.
        failed: What the server refused.
    """

    def __init__(self, folder: Path, client: Client, token: str) -> None:
        self.done: Counter[str] = Counter()
        self.failed: list[str] = []
        self._folder, self._client, self._token = folder, client, token
        self._named: set[tuple[str, str]] = set()

    def put_right(self, entry: dict[str, Any]) -> None:
        """Undo one change, or note that the server refuses."""
        id_, name = str(entry.get("id") or ""), str(entry.get("name", ""))
        if name and (entry["what"], name) in self._named:
            return  # the line before the change; the one after it has the id
        self._named.add((entry["what"], name))
        match entry["what"]:
            case "config":
                self._attempt("settings restored", restore(self._call, entry["before"]))
            case "role" if id_:
                patch = {"permissions": entry["permissions"]}
                self._attempt("roles restored", self._call("PUT", f"/api/v4/roles/{id_}/patch", json=patch))
            case "user":
                self._user(id_ or self._id(f"/api/v4/users/username/{name}"))
            case "team":
                self._team(id_ or self._id(f"/api/v4/teams/name/{name}"))
            case "command" if id_:
                self._attempt("commands deleted", self._call("DELETE", f"/api/v4/commands/{id_}"))
            case "oauth":
                self._application(id_, name)
            case "job" if id_:
                self._job(id_)
            case "job" if "type" in entry:
                self._lost_jobs(entry)

    def _call(self, method: str, url: str, **arguments: Any) -> Exchange:
        for rest in reversed(range(_TRIES)):  # whatever is asked here may be asked twice
            try:
                return self._client.send(method, url, persona="operator", token=self._token, **arguments)
            except UnseenError as error:
                if not rest:
                    raise MisuseError(
                        f"cleanup stopped: {error}; the journals in {self._folder} stay, run `mmconform cleanup` again"
                    ) from None
        raise AssertionError("unreachable")

    def _attempt(self, what: str, exchange: Exchange, gone: tuple[int, ...] = (404,)) -> None:
        if exchange.is_success:
            self.done[what] += 1
        elif exchange.status not in gone:
            self.failed.append(f"{exchange.method} {exchange.path}: {exchange.says}")

    def _id(self, url: str) -> str:
        found = self._call("GET", url)
        return str(found.json_id or "") if found.is_success else ""

    def _rows(self, url: str) -> list[dict[str, Any]]:
        return _listed(self._call("GET", url))

    def _user(self, id_: str) -> None:
        if not id_:
            return
        before: list[dict[str, Any]] = []
        while (tokens := self._rows(f"/api/v4/users/{id_}/tokens?per_page=200")) and tokens != before and not self.failed:
            before = tokens
            for row in tokens:
                self._attempt("tokens revoked", self._call("POST", "/api/v4/users/tokens/revoke", json={"token_id": row["id"]}))
        if tokens and not self.failed:
            self.failed.append(f"the tokens of user {id_}: still there after they were revoked")
        self._attempt("users deactivated", self._call("DELETE", f"/api/v4/users/{id_}"))

    def _team(self, id_: str) -> None:
        if not id_:
            return
        for command in self._rows(f"/api/v4/commands?team_id={id_}&custom_only=true"):  # also one whose id was never told
            self._attempt("commands deleted", self._call("DELETE", f"/api/v4/commands/{command['id']}"))
        self._attempt("teams archived", self._call("DELETE", f"/api/v4/teams/{id_}"))

    def _application(self, id_: str, name: str) -> None:
        if not id_:
            found = _listed(self._of_oauth("GET", "/api/v4/oauth/apps?per_page=200"))
            id_ = next((str(row["id"]) for row in found if row.get("name") == name), "")
        if id_:
            self._attempt("applications deleted", self._of_oauth("DELETE", f"/api/v4/oauth/apps/{id_}"))

    def _of_oauth(self, method: str, url: str) -> Exchange:
        """Ask, where need be with the provider switched on for the moment: while it is off no application is told or deleted."""
        answer = self._call(method, url)
        if answer.status == 501:
            restore(self._call, _OAUTH_ON)
            answer = self._call(method, url)
            restore(self._call, _OAUTH_OFF)
        return answer

    def _job(self, id_: str) -> None:
        # A job that is no longer running cannot be cancelled, and needs not be.
        self._attempt("jobs cancelled", self._call("POST", f"/api/v4/jobs/{id_}/cancel"), (400, 404, 500, 501))

    def _lost_jobs(self, asked: dict[str, Any]) -> None:
        """Cancel what a run that was killed while it asked for a job may have got, unless it is running already."""
        since = int(asked.get("at", 0)) // 10**6 - _CLOCKS
        for row in self._rows("/api/v4/jobs?per_page=200"):
            if row.get("type") == asked["type"] and row.get("status") == "pending" and int(row.get("create_at") or 0) >= since:
                self._job(str(row["id"]))


def _listed(answer: Exchange) -> list[dict[str, Any]]:
    rows = answer.json_or_none if answer.is_success else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
