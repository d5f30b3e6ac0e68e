"""What a sentence about permissions demands, as a structure, and what is known of each permission itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from mmconform.documents.reader import read
from mmconform.knowledge import Knowledge, Unknown, every, opposite, some
from mmconform.paths import DATA
from mmconform.version import Version, Versions

#: Why nobody knows: how the caller stands to something, or how that is, is not known, or the sentence tells of other cases.
UNKNOWN_RELATION = "unknown-relation"


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


@cache
def meanings() -> dict[str, tuple[str, ...]]:
    """Return what servers call the permissions that documents call otherwise, from ``data/permission_names.yaml``."""
    rows: list[dict[str, Any]] = read(DATA / "permission_names.yaml")[0].data
    return {row["name"]: tuple(row["means"]) for row in rows}


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
class Is:
    """What the caller is to something: the author of a post, a member of a channel."""

    relation: str
    of: str

    def __str__(self) -> str:
        return f"{self.relation} of the {self.of}"


@dataclass(frozen=True)
class Where:
    """How something is: a channel public, a licence one for Cloud, a request one to deactivate."""

    thing: str
    state: str

    def __str__(self) -> str:
        return f"{self.thing}: {self.state}"


@dataclass(frozen=True)
class Within:
    """The server is of one of these versions."""

    versions: Versions

    def __str__(self) -> str:
        return f"version {self.versions.text}"


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


@dataclass(frozen=True)
class Cases:
    """What each case demands, beside its condition; elsewhere ``otherwise`` counts, and where that is None nobody tells."""

    cases: "tuple[tuple[Demand, Demand], ...]"
    otherwise: "Demand | None" = None

    def __str__(self) -> str:
        texts = [f"where {condition}: {demand or 'a session'}" for condition, demand in self.cases]
        return "; ".join([*texts, *([f"otherwise {str(self.otherwise) or 'a session'}"] if self.otherwise is not None else [])])


#: What a demand is made of.
Term = Holds | Oneself | Is | Where | Within
Demand = Term | Every | Some | Cases


def all_of(*demands: Demand) -> Demand:
    """Return several demands as one; of cases told one after another, the last says what counts otherwise."""
    parts: dict[Demand, None] = {}
    for part in (part for demand in demands for part in (demand.parts if isinstance(demand, Every) else (demand,))):
        last = next(reversed(parts), None)
        is_more = isinstance(part, Cases) and (part.otherwise is None or not part.cases)
        if isinstance(part, Cases) and is_more and isinstance(last, Cases) and last.otherwise is None:
            parts.popitem()
            parts[Cases((*last.cases, *part.cases), part.otherwise)] = None
        else:
            parts[part] = None
    return next(iter(parts)) if len(parts) == 1 else Every(tuple(parts))


def any_of(*demands: Demand) -> Demand:
    """Return several demands of which one is enough as one."""
    parts = tuple(dict.fromkeys(p for demand in demands for p in (demand.parts if isinstance(demand, Some) else (demand,))))
    return parts[0] if len(parts) == 1 else Some(parts)


def with_scopes(demand: Demand) -> Demand:
    """Return a demand whose permissions count where the server's own list says, whatever words a sentence leaves out."""
    match demand:
        case Every(parts):
            return all_of(*map(with_scopes, parts))
        case Some(parts):
            return any_of(*map(with_scopes, parts))
        case Cases(cases, otherwise):
            scoped = tuple((with_scopes(condition), with_scopes(then)) for condition, then in cases)
            return Cases(scoped, otherwise and with_scopes(otherwise))
        case Holds(permission):
            known = permissions().get(permission) or permissions().get(meanings().get(permission, ("",))[0])
            return Holds(permission, known.scope) if known else demand
    return demand


def leaves(demand: Demand) -> Iterator[Term]:
    """Yield what a demand is made of."""
    match demand:
        case Every(parts) | Some(parts):
            inner = list(parts)
        case Cases(cases, otherwise):
            inner = [*(part for case in cases for part in case), *([otherwise] if otherwise else [])]
        case _:
            yield demand
            return
    for part in inner:
        yield from leaves(part)


def is_met(demand: Demand, knows: Callable[[Term], Knowledge]) -> Knowledge:
    """Return whether a demand is met, when it is known of each term whether it is so."""
    match demand:
        case Every(parts):
            return every(is_met(part, knows) for part in parts)
        case Some(parts):
            return some(is_met(part, knows) for part in parts)
        case Cases(cases, otherwise):
            known_cases = [(is_met(condition, knows), is_met(then, knows)) for condition, then in cases]
            rest = Unknown(UNKNOWN_RELATION) if otherwise is None else is_met(otherwise, knows)
            return _is_met_in(known_cases, rest)
    return knows(demand)


def _is_met_in(cases: list[tuple[Knowledge, Knowledge]], rest: Knowledge) -> Knowledge:
    """Return whether what counts is met: sure where each case that may be this one says the same."""
    if any(applies is True and met is False for applies, met in cases):
        return False
    is_elsewhere = opposite(some(applies for applies, _ in cases))
    possible = [met for applies, met in [*cases, (is_elsewhere, rest)] if applies is not False]
    unknown = (known for case in [*cases, (is_elsewhere, rest)] for known in case if isinstance(known, Unknown))
    return possible[0] if len(set(possible)) == 1 else next(unknown)


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
        asked = some([self.authenticated, other.authenticated])
        return Requirement(asked, all_of(self.demand, other.demand), self.is_understood and other.is_understood)

    @property
    def names_permissions(self) -> bool:
        return any(isinstance(leaf, Holds) for leaf in leaves(self.demand))

    @property
    def differs_for_self(self) -> bool:
        """Whether it makes a difference whose resource a request is about."""
        return Oneself() in leaves(self.demand)

    def __str__(self) -> str:
        text = "nobody in particular" if self.authenticated is False else str(self.demand) or "a session"
        return text if self.is_understood else f"{text}, and what is not understood"

    def as_json(self) -> dict[str, Any]:
        """Return it as data: what is unknown is null, a demand is ``every``, ``some`` or ``cases``, or a term."""
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
        case Is(relation, of):
            return {"is": relation, "of": of}
        case Where(thing, state):
            return {"where": thing, "is": state}
        case Within(versions):
            return {"versions": versions.text}
        case Cases(cases, otherwise):
            rows = [{"if": _as_json(condition), "then": _as_json(then)} for condition, then in cases]
            return {"cases": rows, "otherwise": None if otherwise is None else _as_json(otherwise)}
    return None
