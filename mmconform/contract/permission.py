"""What a sentence about permissions demands, as a structure, and what is known of each permission itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from mmconform.contract.knowledge import Knowledge, Unknown, every, some
from mmconform.documents.reader import read
from mmconform.paths import DATA
from mmconform.version import Version, Versions


@dataclass(frozen=True)
class Permission:
    """A permission: the scope in which it counts at the least, and the versions that have it."""

    name: str
    scope: str
    versions: Versions
    source: str


@cache
def permissions() -> dict[str, Permission]:
    """Return every permission by its name, from ``data/permissions.yaml``."""
    rows: list[dict[str, Any]] = read(DATA / "permissions.yaml")[0].data
    return {name: Permission(name, row["scope"], Versions.of(row), row["source"]) for row in rows for name in row["permissions"]}


def is_there(permission: str, version: Version) -> bool | None:
    """Return whether a version has a permission: False where it has no longer, None where that is not known, or not yet so."""
    known = permissions().get(permission)
    if known is None:
        return None
    return known.versions.include(version) or (False if known.versions.are_over(version) else None)


@dataclass(frozen=True)
class Holds:
    """To hold a permission, in the system roles or, where its scope is narrower, through the resource's team or channel.

    Attributes:
        scope: ``system``, ``team``, ``channel``, ``group``, ``playbook`` or ``run``; nothing where it is not known.
    """

    permission: str
    scope: str = ""

    def __str__(self) -> str:
        return self.permission if self.scope in ("", "system") else f"{self.permission} in the {self.scope}"


@dataclass(frozen=True)
class Oneself:
    """The request is about what is the caller's own."""

    def __str__(self) -> str:
        return "self"


@dataclass(frozen=True)
class Every:
    """All of some demands; of none, nothing."""

    parts: "tuple[Demand, ...]" = ()

    def __str__(self) -> str:
        others = [part for part in self.parts if isinstance(part, Some) and Oneself() in part.parts]
        always = [part for part in self.parts if part not in others]
        words = " and ".join(f"({part})" if isinstance(part, Some) and len(self.parts) > 1 else str(part) for part in always)
        return "; ".join([*([words] if words else []), *(f"for others also {part.without_self}" for part in others)])


@dataclass(frozen=True)
class Some:
    """Any of some demands."""

    parts: "tuple[Demand, ...]"

    @property
    def without_self(self) -> "Demand":
        rest = tuple(part for part in self.parts if part != Oneself())
        return rest[0] if len(rest) == 1 else Some(rest)

    def __str__(self) -> str:
        if Oneself() in self.parts:
            return f"self, or {self.without_self}"
        return " or ".join(f"({part})" if isinstance(part, Every) else str(part) for part in self.parts)


Demand = Holds | Oneself | Every | Some


def all_of(*demands: Demand) -> Demand:
    """Return several demands as one."""
    parts = tuple(
        dict.fromkeys(part for demand in demands for part in (demand.parts if isinstance(demand, Every) else (demand,)))
    )
    return parts[0] if len(parts) == 1 else Every(parts)


def with_scopes(demand: Demand) -> Demand:
    """Return a demand whose permissions count where the server's own list says, whatever words a sentence leaves out."""
    match demand:
        case Every(parts):
            return Every(tuple(map(with_scopes, parts)))
        case Some(parts):
            return Some(tuple(map(with_scopes, parts)))
        case Holds(permission):
            known = permissions().get(permission)
            return Holds(permission, known.scope) if known else demand
    return demand


def leaves(demand: Demand) -> Iterator[Holds | Oneself]:
    """Yield what a demand is made of."""
    if isinstance(demand, Every | Some):
        for part in demand.parts:
            yield from leaves(part)
    else:
        yield demand


def is_met(demand: Demand, holds: Callable[[Holds], Knowledge], is_self: Knowledge) -> Knowledge:
    """Return whether a demand is met, when it is known what is held, and whose the request is about."""
    match demand:
        case Every(parts):
            return every(is_met(part, holds, is_self) for part in parts)
        case Some(parts):
            return some(is_met(part, holds, is_self) for part in parts)
        case Oneself():
            return is_self
        case Holds():
            return holds(demand)


@dataclass(frozen=True)
class Requirement:
    """Who may call: whoever has a session, where one is needed, and meets the demand.

    Attributes:
        is_understood: Every sentence was. Otherwise nobody knows who may call: what is not understood can demand more than
            the rest, or less.
    """

    authenticated: Knowledge = True
    demand: Demand = Every()
    is_understood: bool = True

    def and_(self, other: "Requirement") -> "Requirement":
        """Return both as one."""
        return Requirement(some([self.authenticated, other.authenticated]), all_of(self.demand, other.demand))

    @property
    def names_permissions(self) -> bool:
        return any(isinstance(leaf, Holds) for leaf in leaves(self.demand))

    @property
    def differs_for_self(self) -> bool:
        """Whether it makes a difference whose resource a request is about."""
        return Oneself() in leaves(self.demand)

    def __str__(self) -> str:
        told = "nobody in particular" if self.authenticated is False else str(self.demand) or "a session"
        return told if self.is_understood else f"{told}, and what is not understood"

    def as_json(self) -> dict[str, Any]:
        """Return it as data: what is unknown is null, a demand is ``every`` or ``some``, a ``permission`` or ``self``."""
        known = None if isinstance(self.authenticated, Unknown) else self.authenticated
        return {"text": str(self), "authenticated": known, "understood": self.is_understood, "demand": _as_json(self.demand)}


def _as_json(demand: Demand) -> Any:
    match demand:
        case Every(parts):
            return {"every": [_as_json(part) for part in parts]}
        case Some(parts):
            return {"some": [_as_json(part) for part in parts]}
        case Holds(permission, scope):
            return {"permission": permission, "scope": scope or None}
        case Oneself():
            return "self"
    return None
