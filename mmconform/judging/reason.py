"""Why something is as it is, and the source that says so."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reason:
    """A reason.

    Attributes:
        source: Files of a server's source, with `;` between several; empty where the text names it.
        place: ``file:line`` of the known deviation that says it.
    """

    text: str
    source: str = ""
    place: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.text} ({self.source})" if self.source else self.text

    @property
    def _sources(self) -> set[str]:
        return set(self.source.split("; ")) if self.source else set()

    def joined(self, other: "Reason") -> "Reason | None":
        """Return both as one, where one of them is read in the other's source too; else nothing."""
        if not (self._sources and other._sources) or not (self._sources <= other._sources or other._sources <= self._sources):
            return None
        longer = max(self, other, key=lambda reason: len(reason._sources))
        return Reason(
            self.text if self.text == other.text else f"{self.text} {other.text[:1].upper()}{other.text[1:]}", longer.source
        )


def each_once(reasons: Iterable[Reason]) -> list[Reason]:
    """Return reasons with those of the same source as one."""
    found: list[Reason] = []
    for reason in dict.fromkeys(reasons):
        for i, other in enumerate(found):
            if joined := other.joined(reason):
                found[i] = joined
                break
        else:
            found.append(reason)
    return found
