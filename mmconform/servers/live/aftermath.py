"""What a server is set to after a run, compared with before, and whose doing a difference is: by the log of our requests."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmconform.contract.templates import below_the_api
from mmconform.files import open_private
from mmconform.safety.harm import dangerous_about, is_ordinary
from mmconform.servers.live.state import CONFIGURATION, ROLES, Difference, State, look
from mmconform.wire.client import Sending
from mmconform.world.admin import Admin


@dataclass(frozen=True)
class SentLog:
    """A file of the requests of a run that may have changed something, one a line; all its processes write it."""

    path: Path

    def note(self, sending: Sending, status: int) -> None:
        """Add a request and the status of its answer; neither query nor body, which are nobody's business."""
        line = {"method": sending.method, "path": sending.url.partition("?")[0], "status": status}
        with open_private(self.path, "a") as file:
            file.write(json.dumps({**line, "operation": sending.operation, "persona": sending.persona}) + "\n")

    def suspects(self, area: str) -> list[str]:
        """Return which requests may have changed the configuration, a role or the licence: those that were not refused."""
        rows = [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()] if self.path.exists() else []
        served = [row for row in rows if not 300 <= row["status"] < 500]
        return list(dict.fromkeys(f"{row['operation']} by {row['persona']}" for row in served if _could_change(row, area)))


def _could_change(row: dict[str, Any], area: str) -> bool:
    path = below_the_api(row["path"])
    known = dangerous_about(row["method"], path)
    return any(area in danger.changes for danger in known) or not (known or is_ordinary(path))


@dataclass
class Aftermath:
    """The differences between before and after a run.

    Attributes:
        ours: Those that a request of ours made, as far as is known, with the request.
        others: Those that none of ours can have made.
        restored: How many of ours were put back after all.
    """

    ours: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    restored: int = 0


def compare(before: State, admin: Admin, log: SentLog, touched: set[str]) -> Aftermath:
    """Look at a server once more, put back what a request of ours changed, and tell what is different all the same.

    Args:
        touched: The names of the settings and roles that the run changed itself, and has put back (``touched_by``).

    Raises:
        MisuseError: the server does not tell.
        UnseenError: it does not answer.
    """
    found = Aftermath()
    first = list(before.differences(look(admin)))
    mine = [difference for difference in first if difference.name in touched or log.suspects(difference.area)]
    if mine:
        _put_back(before, mine, admin)
    left = list(before.differences(look(admin))) if mine else first
    found.restored = len(first) - len(left)
    for difference in left:
        causes = log.suspects(difference.area) or (["this run itself"] if difference.name in touched else [])
        if causes:
            found.ours.append(f"{difference}; after {', '.join(causes[:5])}")
        else:
            found.others.append(str(difference))
    return found


def _put_back(before: State, mine: Iterable[Difference], admin: Admin) -> None:
    sections: dict[str, dict[str, Any]] = {}
    for difference in mine:
        if difference.area == CONFIGURATION and difference.key in before.settings:
            section, name = difference.key
            sections.setdefault(section, {})[name] = before.settings[difference.key]
        if difference.area == ROLES and difference.name in before.roles:
            id_, permissions = before.roles[difference.name]
            admin.ask("PUT", f"/api/v4/roles/{id_}/patch", {"permissions": sorted(permissions)})
    if sections:
        admin.restore(sections)


def touched_by(entries: Iterable[dict[str, Any]], before: State) -> set[str]:
    """Return the names of the settings and roles that journals tell of."""
    found: set[str] = set()
    roles = {id_: name for name, (id_, _) in before.roles.items()}
    for entry in entries:
        for section, values in (entry.get("before") or {}).items():
            found |= {f"{section}.{name}" for name in values}
        if entry.get("what") == "role":
            found.add(roles.get(str(entry.get("id")), ""))
    return found - {""}
