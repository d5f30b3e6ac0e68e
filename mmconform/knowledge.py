"""Yes, no, or unknown: what nobody knows is neither, and is not judged."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Unknown:
    """Neither yes nor no; ``reason`` is one of ``mmconform.judging.judge.SKIPS``, or nothing where there is none to tell."""

    reason: str = ""

    def __bool__(self) -> bool:
        raise TypeError("unknown is neither yes nor no")


Knowledge = bool | Unknown


def every(parts: Iterable[Knowledge]) -> Knowledge:
    """Return whether all are so: one that is not decides, whatever is unknown."""
    known = list(parts)
    if any(part is False for part in known):
        return False
    return next((part for part in known if isinstance(part, Unknown)), True)


def some(parts: Iterable[Knowledge]) -> Knowledge:
    """Return whether any is so: one that is decides, whatever is unknown."""
    known = list(parts)
    if any(part is True for part in known):
        return True
    return next((part for part in known if isinstance(part, Unknown)), False)


def opposite(part: Knowledge) -> Knowledge:
    """Return no for yes, and yes for no."""
    return part if isinstance(part, Unknown) else not part
