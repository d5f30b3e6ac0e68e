"""Server versions: three numbers, ordered; whatever follows them (``-dev``, ``-rc1``) does not order."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple


class Version(NamedTuple):
    """A Mattermost server version such as 5.36.1."""

    major: int
    minor: int = 0
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Return the version that the text begins with, with or without a ``v``.

        Raises:
            ValueError: the text does not begin with a number.
        """
        found = re.match(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?", text.strip())
        if not found:
            raise ValueError(f"`{text}` is no version; expected something like 5.36.1")
        return cls(*(int(part) for part in found.groups() if part is not None))


_BOUND = re.compile(r"(>=|<)v?(\d+(?:\.\d+){0,2})")
_FIRST = Version(0)
#: From the first version to the second, exclusive; None for no end.
Span = tuple[Version, Version | None]


@dataclass(frozen=True)
class Versions:
    """Some versions, in spans, and some of which nobody knows whether they belong to them.

    A repair that was carried back into patch releases has several spans: ``>=10.6, >=10.5.2 <10.6``.
    """

    spans: tuple[Span, ...] = ((_FIRST, None),)
    unknown: tuple[Span, ...] = ()

    @classmethod
    def parse(cls, text: str, unknown: str = "") -> "Versions":
        """Return the versions that two texts tell: those that are meant, and those of which it is not known.

        Raises:
            ValueError: a text is no list of spans, a span holds no version, or two of them share one.
        """
        spans, open_ = _spans(text), _spans(unknown) if unknown else ()
        ordered = sorted([*spans, *open_], key=lambda span: span[0])
        for (_, until), (since, _) in pairwise(ordered):
            if until is None or since < until:
                raise ValueError(f"`{text}`{f' and `{unknown}`' if unknown else ''} hold {since} twice")
        return cls(spans, open_)

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Versions":
        """Return the versions that a row of data is about: its ``versions`` and ``unknown``; all where it names none.

        Raises:
            ValueError: as :meth:`parse`.
        """
        return cls.parse(str(row.get("versions", ">=0")), str(row.get("unknown", "")))

    def include(self, version: Version) -> bool | None:
        """Return whether a version is among them; None where that is not known."""
        if _any(self.spans, version):
            return True
        return None if _any(self.unknown, version) else False

    def are_over(self, version: Version) -> bool:
        """Return whether a version is later than all of them."""
        return all(until is not None and until <= version for _, until in [*self.spans, *self.unknown])

    def overlap(self, other: "Versions") -> bool:
        """Return whether a version is known to be among both."""
        return any((a[1] is None or b[0] < a[1]) and (b[1] is None or a[0] < b[1]) for a in self.spans for b in other.spans)

    @property
    def since(self) -> Version | None:
        """The first of them; None where there is no first one."""
        first = min((since for since, _ in self.spans), default=_FIRST)
        return None if first == _FIRST else first

    @property
    def until(self) -> Version | None:
        """The first version after all of them; None for no end."""
        ends = [until for _, until in self.spans]
        return None if None in ends or not ends else max(end for end in ends if end)

    @property
    def text(self) -> str:
        """Those that are meant, as :meth:`parse` reads them."""
        return ", ".join(f">={since}" + (f" <{until}" if until else "") for since, until in self.spans)

    @property
    def began(self) -> str:
        """Since when, in words: the version from which all have it, and beside it the patch releases of earlier ones that do."""
        (last, until), earlier = self.spans[-1], [str(since) for since, _ in self.spans[:-1]]
        if until or last == _FIRST:
            return str(self)
        patches = [f"and patch releases from {', '.join(earlier)} on"] if earlier else []
        beside = "; ".join([*patches, *self._not_known()])
        return f"since {last}" + (f" ({beside})" if beside else "")

    def _not_known(self) -> list[str]:
        return [f"not known {'; '.join(_bounds(span) for span in self.unknown)}"] if self.unknown else []

    def __str__(self) -> str:
        words = [f"from {since}" + (f" until {until}, exclusive" if until else " on") for since, until in self.spans]
        return " ".join(["; ".join(words), *(f"({why})" for why in self._not_known())])


def _spans(text: str) -> tuple[Span, ...]:
    return tuple(sorted(map(_span, text.split(",")), key=lambda span: span[0]))


def _span(text: str) -> Span:
    bounds = [_BOUND.fullmatch(part) for part in text.split()]
    kinds = [bound[1] for bound in bounds if bound]
    if len(kinds) != len(bounds) or kinds not in ([">="], ["<"], [">=", "<"]):
        raise ValueError(f"`{text.strip()}` is no span of versions; write `>=4.1`, `<5.6` or `>=4.1 <5.6`")
    ends = {bound[1]: Version.parse(bound[2]) for bound in bounds if bound}
    since, until = ends.get(">=", _FIRST), ends.get("<")
    if until is not None and until <= since:
        raise ValueError(f"`{text.strip()}` holds no version")
    return since, until


def _any(spans: Iterable[Span], version: Version) -> bool:
    return any(since <= version and (until is None or version < until) for since, until in spans)


def _bounds(span: Span) -> str:
    return f"from {span[0]}" + (f" until {span[1]}" if span[1] else " on")
