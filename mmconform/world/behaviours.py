"""How servers refuse and behave in which version: what the hand-written suites expect, as data."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from mmconform.documents.reader import read
from mmconform.paths import DATA
from mmconform.version import Version


@dataclass(frozen=True)
class Refusal:
    """A status and error id, and in which versions they are given; ``until`` is exclusive."""

    status: int
    id: str
    since: Version
    until: Version | None
    source: str

    def holds_in(self, version: Version) -> bool:
        return self.since <= version and (self.until is None or version < self.until)


def _spans(entries: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Version, Version | None]]:
    return [
        (
            entry,
            Version.parse(str(entry.get("since", "0"))),
            Version.parse(str(entry["until"])) if "until" in entry else None,
        )
        for entry in entries
    ]


@cache
def refusals() -> dict[str, tuple[Refusal, ...]]:
    """Return every named refusal from ``data/answers.yaml``."""
    data: dict[str, list[dict[str, Any]]] = read(DATA / "answers.yaml")[0].data
    return {
        name: tuple(Refusal(e["status"], e["id"], since, until, e["source"]) for e, since, until in _spans(entries))
        for name, entries in data.items()
    }


def refusal(name: str, version: Version) -> list[Refusal]:
    """Return what a named refusal is in a version; several when the version's patches differ.

    Raises:
        KeyError: no refusal has that name, or it does not exist in that version: a mistake in a test.
    """
    found = [r for r in refusals()[name] if r.holds_in(version)]
    if not found:
        raise KeyError(f"the refusal `{name}` says nothing about version {version}")
    return found


def denial(operation: str, version: Version) -> list[Refusal]:
    """Return how an operation refuses a caller who lacks its permission."""
    own = f"denied.{operation}"
    return refusal(own if own in refusals() else "no-permission", version)


def absence(operation: str, version: Version) -> list[Refusal]:
    """Return how a version answers a request for an operation that it does not have."""
    own = f"absent.{operation}"
    return refusal(own if own in refusals() else "no-route", version)


@cache
def _behaviours() -> dict[str, list[tuple[dict[str, Any], Version, Version | None]]]:
    data: dict[str, list[dict[str, Any]]] = read(DATA / "behaviours.yaml")[0].data
    return {name: _spans(entries) for name, entries in data.items()}


def behaves(name: str, version: Version) -> bool:
    """Return whether servers of a version behave in a named way (``data/behaviours.yaml``).

    Raises:
        KeyError: no behaviour has that name: a mistake in a test.
    """
    return any(since <= version and (until is None or version < until) for _, since, until in _behaviours()[name])


def differences(version: Version) -> list[tuple[str, bool, bool]]:
    """Return every named behaviour: whether servers of a version show it, and whether it breaks the document."""
    return [
        (name, behaves(name, version), any(entry.get("breaks") for entry, *_ in spans)) for name, spans in _behaviours().items()
    ]
