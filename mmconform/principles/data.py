"""What the principles are told, from ``data/principles.yaml``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from mmconform.contract.clause import Principle
from mmconform.contract.templates import below_the_api, pattern_of
from mmconform.documents.reader import read
from mmconform.paths import DATA

_UNNAMED = re.compile(r"{.*?}")


@dataclass(frozen=True)
class Ending:
    """One way in which somebody ends.

    Attributes:
        by: The administrator's request, as method and path, with its body.
        first: Requests of the administrator that make them what ends.
        ends: What is over.
        persona: What they were before; ``member`` where it does not matter.
        twin: As who they are answered from then on, who never was it; nobody (``""``) where a credential is over.
    """

    name: str
    by: str
    ends: Literal["account", "sessions", "token", "place", "rank"]
    body: Mapping[str, Any] | None = None
    persona: str = "member"
    twin: str = ""
    first: tuple[str, ...] = ()
    source: str = ""

    @property
    def is_of_credentials(self) -> bool:
        return self.ends in ("account", "sessions", "token")

    def is_over(self, credential: str) -> bool:
        """Return whether a credential is over after it: ``a session`` or ``a personal access token``."""
        return self.ends == "account" or credential == ("a session" if self.ends == "sessions" else "a personal access token")


@dataclass(frozen=True)
class Exempt:
    """A contradiction that is meant.

    Attributes:
        personas: For whom; everybody where none is named.
    """

    principle: Principle
    operation: str
    field: str
    reason: str
    source: str
    personas: Sequence[str] = ()

    def is_about(self, principle: str, method: str, path: str, field: str, persona: str) -> bool:
        """Return whether a finding is meant, by the operation's template."""
        verb, _, template = self.operation.partition(" ")
        is_there = method == verb and pattern_of(template).fullmatch(below_the_api(path))
        is_theirs = not self.personas or persona in self.personas
        return bool(is_there) and is_theirs and (principle, field) == (self.principle, self.field)


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = read(DATA / "principles.yaml")[0].data
    return data


@cache
def endings() -> tuple[Ending, ...]:
    """Return every way in which somebody ends."""
    return tuple(Ending(**{**entry, "first": tuple(entry.get("first", ()))}) for entry in _data()["endings"])


@dataclass(frozen=True)
class ThingsEnd:
    """One way in which a thing ends, by a request of whom it belongs to."""

    name: str
    kind: str
    by: str
    source: str


@cache
def things() -> tuple[ThingsEnd, ...]:
    """Return every way in which a thing ends."""
    return tuple(ThingsEnd(**entry) for entry in _data()["things"])


@dataclass(frozen=True)
class Use:
    """What somebody may do with a thing of which they know no more than its name or its id: a request, and what it holds."""

    by: str
    body: Any
    source: str

    def is_by(self, method: str, path: str) -> bool:
        """Return whether an operation is meant, by its template, whatever its parameters are called."""
        return _UNNAMED.sub("{}", self.by) == _UNNAMED.sub("{}", f"{method} {path}")


@cache
def uses() -> tuple[Use, ...]:
    """Return what somebody may do with hidden things."""
    return tuple(Use(**entry) for entry in _data()["uses"])


@cache
def places() -> tuple[ThingsEnd, ...]:
    """Return every way in which a place ends, so that nothing is changed in it any more."""
    return tuple(ThingsEnd(**entry) for entry in _data()["places"])


@cache
def sight() -> Mapping[str, frozenset[str]]:
    """Return the kinds of things that a permission lets see of which its name does not speak."""
    return {entry["permission"]: frozenset(entry["kinds"]) for entry in _data()["sight"]}


@cache
def lets_in() -> tuple[str, ...]:
    """Return the permissions by which somebody lets themselves in."""
    return tuple(entry["permission"] for entry in _data()["lets_in"])


@cache
def credentials() -> Mapping[str, frozenset[str]]:
    """Return the fields that hold a credential, by the kind of the thing whose it is."""
    return {entry["kind"]: frozenset(entry["fields"]) for entry in _data()["credentials"]}


@cache
def by_the_way() -> frozenset[str]:
    """Return the fields that whatever happens changes too: nobody's purpose."""
    return frozenset(name for row in _data()["by_the_way"] for name in row["fields"])


@dataclass(frozen=True)
class NeverSwitched:
    """Settings that no run turns to see what they forbid: whole sections, and some as ``Section.Key``."""

    reason: str
    source: str
    sections: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    def is_about(self, section: str, key: str) -> bool:
        return section in self.sections or f"{section}.{key}" in self.settings


@cache
def never_switched() -> tuple[NeverSwitched, ...]:
    """Return the settings that no run turns."""
    return tuple(NeverSwitched(**entry) for entry in _data()["never_switched"])


@cache
def exceptions() -> tuple[Exempt, ...]:
    """Return what looks like a contradiction and is meant."""
    return tuple(Exempt(**entry) for entry in _data()["exceptions"])
