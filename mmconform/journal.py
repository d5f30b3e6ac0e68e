"""What a live run changed on a server, written down before each change, so that it can be undone later."""

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from mmconform.client import Client, UnseenError
from mmconform.errors import MisuseError
from mmconform.exchange import Exchange

_TRIES = 3


class Journal:
    """A file of JSON lines, one a change; gone when everything is undone.

    A line is ``{"what": "user", "name": …}`` before and ``{"what": "user", "name": …, "id": …}`` after something is
    made; ``{"what": "config", "before": {section: {key: value}}}`` and ``{"what": "role", "id": …, "permissions": […]}`` tell
    what was there before; ``{"what": "lease", "run": …}`` who took the server for itself.
    """

    def __init__(self, path: Path, url: str) -> None:
        self.path, self.url = path, url

    def note(self, **entry: Any) -> None:
        """Append a line, the first one below the server's address; it is on disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        first = [] if self.path.exists() else [{"what": "server", "url": self.url}]
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps({**line, "at": time.time_ns()}) + "\n" for line in [*first, entry])
            file.flush()
            os.fsync(file.fileno())


def read(path: Path) -> list[dict[str, Any]]:
    """Return a journal's entries; a last line that was cut short by a crash is left out."""
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entries.append(json.loads(line))
        except ValueError:
            break
    return entries


def of_server(folder: Path, url: str) -> list[Path]:
    """Return the journals below a folder that tell of changes on a server."""
    found = []
    for path in sorted(folder.rglob("journal-*.jsonl")):
        entries = read(path)
        if entries and _same(str(entries[0].get("url", "")), url):
            found.append(path)
    return found


def runs_of(paths: list[Path]) -> set[str]:
    """Return the runs that, as journals tell, took the lease on their server."""
    return {str(entry.get("run")) for path in paths for entry in read(path) if entry.get("what") == "lease"}


def _same(one: str, other: str) -> bool:
    def plain(url: str) -> str:
        return url.rstrip("/").replace("//localhost", "//127.0.0.1").replace("//[::1]", "//127.0.0.1")

    return plain(one) == plain(other)


def undo(paths: list[Path], client: Client, token: str) -> Counter[str]:
    """Undo what the journals of a server tell, newest first whichever tells it, and remove them.

    What is already gone counts as undone.

    Returns:
        How many of each were put right, such as ``{"users deactivated": 6, "settings restored": 2}``.

    Raises:
        MisuseError: the server cannot be reached or refuses; the journals then stay.
    """
    done: Counter[str] = Counter()
    failed: list[str] = []

    def call(method: str, url: str, **arguments: Any) -> Exchange:
        for rest in reversed(range(_TRIES)):  # whatever is asked here may be asked twice
            try:
                return client.send(method, url, persona="operator", token=token, **arguments)
            except UnseenError as error:
                if not rest:
                    raise MisuseError(
                        f"cleanup stopped: {error}; the journals in {paths[0].parent} stay, run `mmconform cleanup` again"
                    ) from None
        raise AssertionError("unreachable")

    def attempt(what: str, exchange: Exchange, gone: tuple[int, ...] = (404,)) -> None:
        if exchange.is_success:
            done[what] += 1
        elif exchange.status not in gone:
            failed.append(f"{exchange.method} {exchange.path}: {exchange.says}")

    named: set[tuple[str, str]] = set()
    told = [entry for path in paths for entry in read(path)]
    for entry in sorted(told, key=lambda entry: int(entry.get("at", 0)), reverse=True):
        id_, name = entry.get("id"), str(entry.get("name", ""))
        if name and (entry["what"], name) in named:
            continue  # the line before the change; the one after it has the id
        named.add((entry["what"], name))
        match entry["what"]:
            case "config":
                restored = restore(call, entry["before"])
                attempt("settings restored", restored)
            case "user":
                found = call("GET", f"/api/v4/users/username/{name}") if not id_ else None
                id_ = id_ or (found.json_id if found and found.is_success else None)
                if id_:
                    tokens, before = call("GET", f"/api/v4/users/{id_}/tokens?per_page=200"), None
                    while tokens.is_success and tokens.json_or_none and tokens.json != before:
                        before = tokens.json
                        for row in before:
                            attempt("tokens revoked", call("POST", "/api/v4/users/tokens/revoke", json={"token_id": row["id"]}))
                        tokens = call("GET", f"/api/v4/users/{id_}/tokens?per_page=200")
                        if failed:
                            break
                    if tokens.is_success and tokens.json_or_none and not failed:
                        failed.append(f"the tokens of user {id_}: still there after they were revoked")
                    attempt("users deactivated", call("DELETE", f"/api/v4/users/{id_}"))
            case "team":
                found = call("GET", f"/api/v4/teams/name/{name}") if not id_ else None
                id_ = id_ or (found.json_id if found and found.is_success else None)
                if id_:
                    attempt("teams archived", call("DELETE", f"/api/v4/teams/{id_}"))
            case "command" if id_:
                attempt("commands deleted", call("DELETE", f"/api/v4/commands/{id_}"))
            case "role" if id_:
                patch = {"permissions": entry["permissions"]}
                attempt("roles restored", call("PUT", f"/api/v4/roles/{id_}/patch", json=patch))
            case "oauth" if id_:
                provider = {"ServiceSettings": {"EnableOAuthServiceProvider": True}}
                gone = call("DELETE", f"/api/v4/oauth/apps/{id_}")
                if gone.status == 501:  # no application can be deleted while the provider is switched off
                    restore(call, provider)
                    gone = call("DELETE", f"/api/v4/oauth/apps/{id_}")
                    restore(call, {"ServiceSettings": {"EnableOAuthServiceProvider": False}})
                attempt("applications deleted", gone)
            case "job" if id_:
                # A job that is no longer running cannot be cancelled, and needs not be.
                attempt("jobs cancelled", call("POST", f"/api/v4/jobs/{id_}/cancel"), (400, 404, 500, 501))
    if failed:
        raise MisuseError(f"cleanup could not undo everything ({failed[0]}); the journals in {paths[0].parent} stay")
    for path in paths:
        path.unlink()
    return done


def part(config: Exchange, sections: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the settings of a server's configuration that have the same names as those given.

    Raises:
        MisuseError: the answer holds no such section.
    """
    found = config.json_object
    for section in sections:
        if not isinstance(found.get(section), dict):
            raise MisuseError(f"the server's configuration holds no {section}: it answered {config.says}")
    return {section: {key: found[section].get(key) for key in values} for section, values in sections.items()}


def restore(call: Any, before: dict[str, dict[str, Any]]) -> Exchange:
    """Put settings back, leaving all others as they are now; returns the answer, which may be a refusal."""
    found: Exchange = call("GET", "/api/v4/config")
    config = found.json_object
    if not found.is_success or not all(isinstance(config.get(section, {}), dict) for section in before):
        return found
    for section, values in before.items():
        config.setdefault(section, {}).update(values)
    changed: Exchange = call("PUT", "/api/v4/config", json=config)
    return changed
