"""Undoes on a server what journals tell, and believes that it did when it was read back.

An answer of 200 changed nothing where something in front of the server gave it, or where a setting is fixed by the
server's environment; and only a 404 that is an ``AppError`` of the server says that something is gone.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmconform.errors import MisuseError
from mmconform.servers.live.alive import sessions
from mmconform.servers.live.journal import read
from mmconform.wire.client import UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.world import kinds
from mmconform.world.admin import Admin
from mmconform.world.kinds import job
from mmconform.world.kinds.kind import STAY, Entry, Undoing

_TRIES = 3
#: How often, and after how many seconds, a change is looked for: a replica of the database may lag behind.
_LOOKS, _MOMENT = 5, 0.5


def undo(paths: list[Path], admin: Admin) -> Counter[str]:
    """Undo what the journals of a server tell, newest first whichever tells it, read it back, and remove them.

    What is already gone counts as undone.

    Returns:
        How many of each were put right, such as ``{"accounts deactivated": 6, "changes of Section.Key undone": 2}``, and how many
        cannot be on this server: ``{"imports stay": 1}``.

    Raises:
        MisuseError: the server cannot be reached or refuses, or what it says that it undid is not undone; the journals
            then stay.
    """
    undoing = Undoing(Persistent(admin.client, admin.token))
    later = f"the journals in {paths[0].parent} stay, run `mmconform cleanup {admin.client.base_url}` again"
    try:
        entries = (entry for path in paths for entry in job.told(read(path)))
        _put_right(undoing, sorted(entries, key=lambda entry: int(entry.get("at", 0)), reverse=True))
        _undo_twins(undoing)
        _confirm(undoing, list(undoing.undone))
    except UnseenError as error:
        raise MisuseError(f"cleanup stopped: {error}; {later}") from None
    if undoing.failed:
        more = f", and {len(undoing.failed) - 1} more" if undoing.failed[1:] else ""
        raise MisuseError(f"cleanup could not undo everything ({undoing.failed[0]}{more}); {later}")
    for path in paths:
        path.unlink()
    return undoing.done


def end_sessions(admin: Admin, begun: Iterable[tuple[str, str]]) -> Counter[str]:
    """End what is left of sessions that runs began, each an account and an id; what the server does not do it keeps, and expires.

    Raises:
        UnseenError: the server does not answer.
    """
    ended = Counter[str]()
    for account, session in begun:
        if any(row.get("id") == session for row in sessions(admin, account)[1]):
            revoked = admin.ask("POST", f"/api/v4/users/{account}/sessions/revoke", {"session_id": session})
            ended["sessions ended"] += revoked.is_success
    return ended


def in_words(done: Mapping[str, int]) -> str:
    """Return what was put right as people say it: ``6 accounts deactivated, 1 change of Section.Key undone``."""
    return ", ".join(_said(number, what) for what, number in done.items() if number and not what.endswith(STAY))


def staying(done: Mapping[str, int]) -> str:
    """Return in the same way what the server has no route to take away: ``2 imports``; nothing where it takes all away."""
    return ", ".join(_said(number, what.removesuffix(STAY)) for what, number in done.items() if number and what.endswith(STAY))


def _said(number: int, what: str) -> str:
    thing, *rest = what.split(" ", 1)
    return " ".join([str(number), thing.removesuffix("s") if number == 1 else thing, *rest])


class Persistent(Admin):
    """Asks more than once: whatever is asked here may be."""

    def ask(self, method: str, url: str, json: Any = None) -> Exchange:
        for _ in range(_TRIES - 1):
            with suppress(UnseenError):
                return super().ask(method, url, json)
        return super().ask(method, url, json)


def _put_right(undoing: Undoing, entries: Iterable[Entry]) -> None:
    """Undo one change after the other, newest first."""
    named: set[tuple[str, str]] = set()
    for entry in entries:
        what, name = entry["what"], str(entry.get("name", ""))
        kind = kinds.by_line().get(what)
        if kind is None or (what, name) in named:  # the line before a change; the one after it has the id
            continue
        if name:
            named.add((what, name))
        if kind.may_hide:
            _confirm(undoing, [undone for undone in undoing.undone if not kinds.by_line()[undone].may_hide])
        for id_ in [str(entry["id"])] if entry.get("id") else kind.lost(undoing, entry):
            _undo(undoing, {**entry, "id": id_})


def _undo(undoing: Undoing, entry: Entry) -> None:
    undoing.told[entry["what"]].append(entry)
    if kinds.by_line()[entry["what"]].undo(undoing, entry):
        undoing.undone[entry["what"]].append(entry)


def _undo_twins(undoing: Undoing) -> None:
    """Undo what a request made that something in front of the server sent twice: only one answer came, and told one id."""
    for what in list(undoing.told):
        for entry in list(kinds.by_line()[what].twins(undoing)):
            _undo(undoing, entry)


def _confirm(undoing: Undoing, whats: Iterable[str]) -> None:
    """Read back what was put right of these kinds of lines; what is not, after some moments, has failed."""
    undone = [kinds.by_line()[what] for what in whats]
    left: list[str] = []
    for rest in reversed(range(_LOOKS)):
        left = [complaint for kind in undone for complaint in kind.left(undoing)]
        if not left or not rest:
            break
        time.sleep(_MOMENT)
    undoing.failed += left
    for kind in undone:
        del undoing.undone[kind.what]
