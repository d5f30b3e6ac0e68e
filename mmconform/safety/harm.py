"""What is harmless to send and what must never happen: two lists, as data."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from mmconform.contract.templates import pattern_of
from mmconform.documents.reader import read
from mmconform.paths import DATA


@dataclass(frozen=True)
class Row:
    """One operation of a list.

    Attributes:
        method: In capitals, or ``*`` for any.
        path: What its path looks like.
        parameter: The row is about requests with this in their query only.
        where: The row is about documents only that say which part of the request names such a resource.
        needs: The feature without which a server can do nothing of that.
        changes: What it may change of what is compared before and after a run.
        reads: It changes nothing, although it is a POST.
        drawn: The row is about requests only that hold what was drawn: a probe's names what is ours.
        sets: The settings that it changes, as ``Section.Key``, whatever it says.
    """

    method: str
    path: re.Pattern[str]
    parameter: str
    reason: str
    where: str = ""
    needs: str = ""
    changes: frozenset[str] = frozenset()
    reads: bool = False
    drawn: bool = False
    sets: tuple[str, ...] = ()

    def is_about(self, method: str, path: str, parameters: frozenset[str] = frozenset()) -> bool:
        """Whether a request, or an operation by its template, is meant."""
        is_it = self.method in ("*", method) and bool(self.path.fullmatch(path))
        return is_it and (not self.parameter or self.parameter in parameters)


def _rows(name: str) -> Iterator[Row]:
    data: list[dict[str, Any]] = read(DATA / name)[0].data
    for group in data:
        yield from rows_of(group)


def rows_of(group: dict[str, Any]) -> Iterator[Row]:
    """Yield the operations of one entry of a list."""
    for operation in group["operations"]:
        method, _, rest = operation.partition(" ")
        path, _, parameter = rest.partition("?")
        about = method, pattern_of(path), parameter, group["reason"], group.get("where", ""), group.get("needs", "")
        how = frozenset(group.get("changes", ())), group.get("reads", False), group.get("drawn", False)
        yield Row(*about, *how, tuple(group.get("sets", ())))


@cache
def harmless() -> tuple[Row, ...]:
    """Return ``data/harmless.yaml``."""
    return tuple(_rows("harmless.yaml"))


@cache
def dangerous() -> tuple[Row, ...]:
    """Return ``data/dangerous.yaml``."""
    return tuple(_rows("dangerous.yaml"))


@lru_cache(4096)
def harmless_about(method: str, path: str) -> tuple[Row, ...]:
    """Return the rows of :func:`harmless` about an operation: kept, since every request asks for them."""
    return tuple(row for row in harmless() if row.is_about(method, path))


@lru_cache(4096)
def dangerous_about(method: str, path: str, parameters: frozenset[str] = frozenset()) -> tuple[Row, ...]:
    """Return the rows of :func:`dangerous` about a request, or an operation by its template; kept, too."""
    return tuple(row for row in dangerous() if row.is_about(method, path, parameters))


def only_reads(method: str, path: str) -> bool:
    """Return whether an operation is declared to change nothing although it is no GET."""
    return any(row.reads for row in harmless_about(method, path))


def danger(method: str, path: str) -> str:
    """Return why nobody but a disruptive run sends an operation, whatever it says, by its template; nothing where many may."""
    rows = (row for row in dangerous_about(method, path) if not (row.needs or row.drawn))
    return next((row.reason for row in rows), "")


def set_by(method: str, path: str) -> list[str]:
    """Return the settings that an operation of the closed list changes, by its template."""
    return [setting for row in dangerous_about(method, path) for setting in row.sets]


@cache
def _ordinary() -> tuple[re.Pattern[str], ...]:
    return tuple(pattern_of(path) for path in read(DATA / "ordinary.yaml")[0].data["paths"])


def is_ordinary(path: str) -> bool:
    """Whether what lies at a path is somebody's or some team's own: no setting, role or licence changes with it."""
    return any(pattern.fullmatch(path) for pattern in _ordinary())
