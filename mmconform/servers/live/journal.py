"""What a live run changed on a server, written down before each change, so that it can be undone later."""

import json
import os
import time
from pathlib import Path
from typing import Any

from mmconform.files import files_below, open_private, writing


class Journal:
    """A file of JSON lines, one a change; gone when everything is undone.

    A line is ``{"what": "user", "name": …}`` before and ``{"what": "user", "name": …, "id": …}`` after something is
    made; ``{"what": "config", "before": {section: {key: value}}}`` and ``{"what": "role", "id": …, "permissions": […]}`` tell
    what was there before; ``{"what": "lease", "run": …, "user": …}`` which run took the server for itself, as which
    account, and ``{"what": "session", "user": …, "session": …}`` which session it began there. A command is told after it was
    made, with the team in whose list it is: ``{"what": "command", "id": …, "team": …}``. A job has no name: ``{"what":
    "job", "type": …}`` stands before one is asked for, and ``{"what": "job", "id": …}``, with nothing if it is refused,
    after it.
    """

    def __init__(self, path: Path, url: str) -> None:
        self.path, self.url = path, url

    def note(self, **entry: Any) -> None:
        """Append a line, the first one below the server's address; it is on disk when this returns.

        Raises:
            MisuseError: it cannot be written; then nothing may be changed either.
        """
        first = [] if self.path.exists() else [{"what": "server", "url": self.url}]
        with writing(self.path), open_private(self.path, "a") as file:
            file.writelines(json.dumps({**line, "at": time.time_ns()}) + "\n" for line in [*first, entry])
            file.flush()
            os.fsync(file.fileno())


def read(path: Path) -> list[dict[str, Any]]:
    """Return a journal's entries; a last line that was cut short by a crash is left out, as is a journal that went away."""
    entries: list[dict[str, Any]] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:  # its run has just put everything back
        return entries
    for line in lines:
        try:
            entries.append(json.loads(line))
        except ValueError:
            break
    return entries


def of_server(folder: Path, url: str) -> list[Path]:
    """Return the journals below a folder that tell of changes on a server."""
    found = []
    for path in files_below(folder, "journal-*.jsonl"):
        entries = read(path)
        if entries and _same(str(entries[0].get("url", "")), url):
            found.append(path)
    return found


def runs_of(paths: list[Path]) -> set[str]:
    """Return the runs that, as journals tell, took the lease on their server."""
    return {str(entry.get("run")) for path in paths for entry in read(path) if entry.get("what") == "lease"}


def accounts_of(paths: list[Path]) -> set[str]:
    """Return the ids of the administrators as whom runs took the lease on their server; older journals do not tell."""
    lines = (entry for path in paths for entry in read(path) if entry.get("what") == "lease")
    return {str(entry["user"]) for entry in lines if entry.get("user")}


def sessions_of(paths: list[Path]) -> set[tuple[str, str]]:
    """Return the account and the id of each session that runs began as administrators, as far as journals tell."""
    lines = (entry for path in paths for entry in read(path))
    return {(str(entry["user"]), str(entry["session"])) for entry in lines if entry.get("user") and entry.get("session")}


def _same(address: str, other: str) -> bool:
    def plain(address: str) -> str:
        return address.rstrip("/").replace("//localhost", "//127.0.0.1").replace("//[::1]", "//127.0.0.1")

    return plain(address) == plain(other)
