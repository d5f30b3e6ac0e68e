"""How servers refuse and behave in which version: what the hand-written suites expect, as data."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from mmconform.documents.reader import read
from mmconform.knowledge import Unknown
from mmconform.paths import DATA
from mmconform.version import Version, Versions


@dataclass(frozen=True)
class Refusal:
    """A status and error id, and in which versions they are given."""

    status: int
    id: str
    versions: Versions
    source: str


class NotKnownError(Exception):
    """What a server is to do is not known, so that a test says nothing about it.

    Attributes:
        reason: One of ``mmconform.judging.judge.SKIPS``.
    """

    def __init__(self, message: str, reason: str = "unknown-in-version") -> None:
        super().__init__(message)
        self.reason = reason


@cache
def refusals() -> dict[str, tuple[Refusal, ...]]:
    """Return every named refusal from ``data/answers.yaml``."""
    data: dict[str, list[dict[str, Any]]] = read(DATA / "answers.yaml")[0].data
    return {
        name: tuple(Refusal(e["status"], e["id"], Versions.of(e), e["source"]) for e in entries) for name, entries in data.items()
    }


def refusal(name: str, version: Version) -> list[Refusal]:
    """Return what a named refusal is in a version; several when the version's patches differ.

    Raises:
        KeyError: no refusal has that name, or it does not exist in that version: a mistake in a test.
        NotKnownError: nobody has read what servers of that version say.
    """
    found = [r for r in refusals()[name] if r.versions.include(version)]
    if not found and any(r.versions.include(version) is None for r in refusals()[name]):
        raise NotKnownError(f"how {version} refuses with `{name}` is not known")
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
def _gates() -> tuple[tuple[re.Pattern[str], int | None, Unknown], ...]:
    data: list[dict[str, Any]] = read(DATA / "gates.yaml")[0].data
    return tuple((re.compile(row["id"]), row.get("status"), Unknown(row["reason"])) for row in data)


def gate(error_id: str, status: int | None = None) -> Unknown | None:
    """Return why an error says nothing about permissions, by its id and status (``data/gates.yaml``); None where it may."""
    rows = (reason for pattern, only, reason in _gates() if only in (None, status) and pattern.search(error_id))
    return next(rows, None)


def gate_in_words(error_id: str) -> str:
    """Return in a few words why an error that is one of a gate says that the server does not offer something."""
    rows: list[dict[str, Any]] = read(DATA / "gates.yaml")[0].data
    return next(str(row["says"]) for row in rows if re.search(row["id"], error_id))


@cache
def _that_keep_secrets() -> frozenset[str]:
    data: list[dict[str, str]] = read(DATA / "keeps_secrets.yaml")[0].data
    return frozenset(row["operation"] for row in data)


def keeps_secrets(method: str, path: str) -> bool:
    """Return whether the server's source says of an operation that it tells no secret (``data/keeps_secrets.yaml``)."""
    return f"{method} {path}" in _that_keep_secrets()


@cache
def _behaviours() -> dict[str, list[dict[str, Any]]]:
    data: dict[str, list[dict[str, Any]]] = read(DATA / "behaviours.yaml")[0].data
    return data


def _shows(name: str, version: Version) -> bool | None:
    told = [Versions.of(row).include(version) for row in _behaviours()[name]]
    return True if True in told else None if None in told else False


def behaves(name: str, version: Version) -> bool:
    """Return whether servers of a version behave in a named way (``data/behaviours.yaml``).

    Raises:
        KeyError: no behaviour has that name: a mistake in a test.
        NotKnownError: nobody has read what servers of that version do.
    """
    shows = _shows(name, version)
    if shows is None:
        raise NotKnownError(f"whether in {version} `{name}` is not known")
    return shows


def differences(version: Version) -> list[tuple[str, bool, bool]]:
    """Return every named behaviour: whether servers of a version are known to show it, and whether it breaks the document."""
    return [(name, _shows(name, version) is True, any(row.get("breaks") for row in rows)) for name, rows in _behaviours().items()]


#: What the documentation names for all of them.
_MANAGE_JOBS = "manage_jobs"


@dataclass(frozen=True)
class JobType:
    """A type of job that a version takes.

    Attributes:
        permission: What it takes to create one.
        has_worker: Whether a server without a licence has something that works such jobs off.
    """

    name: str
    permission: str
    has_worker: bool


def job_types(version: Version) -> list[JobType]:
    """Return the types of jobs that POST /jobs takes in a version (``data/job_types.yaml``)."""
    rows: list[dict[str, Any]] = read(DATA / "job_types.yaml")[0].data
    has_own = _shows("a-type-of-job-has-a-permission-of-its-own", version)
    return [
        JobType(row["type"], row.get("permission", _MANAGE_JOBS) if has_own else _MANAGE_JOBS, bool(row.get("worker")))
        for row in rows
        if Versions.of(row).include(version) is True
    ]


@cache
def harmless_job(version: Version) -> str:
    """Return the type of a job that does nothing in a version (``data/harmless_jobs.yaml``)."""
    rows: list[dict[str, Any]] = read(DATA / "harmless_jobs.yaml")[0].data
    return next((row["type"] for row in rows if Versions.of(row).include(version)), str(rows[0]["type"]))


@cache
def newest() -> Version:
    """Return the newest version of which these data tell (``data/newest.yaml``)."""
    return Version.parse(read(DATA / "newest.yaml")[0].data["version"])


def is_newer(version: Version) -> bool:
    """Return whether a version is of a later line than the newest of which data tell: it is judged by the newest rules."""
    return version[:2] > newest()[:2]
