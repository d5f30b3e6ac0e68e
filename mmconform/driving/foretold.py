"""Who would send what to a server of which nobody has looked at more than its version: what ``--dry-run`` tells.

Each way to ask decides as it does in a run: by the same guard, and by what it spares.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import combinations, product

from mmconform.contract.clause import Operation
from mmconform.driving.near_misses import decides
from mmconform.driving.outlook import Foresight, Senders
from mmconform.driving.sender import ABOUT, spares
from mmconform.safety.guard import Guard
from mmconform.world.callers import why_nobody
from mmconform.world.features import features, needed_by
from mmconform.world.people import BESIDE, PERSONAS, Roles
from mmconform.world.spare import NEAR_MISS

#: How an operation is asked about: by hand-written tests, by generated requests, by probes, by near misses.
BY_HAND, GENERATED, PROBES, NEAR_MISSES = "by hand", "generated", "probes", "near misses"


@dataclass(frozen=True)
class Situation:
    """What a dry run does not look at, and by which others send an operation.

    Attributes:
        has_people: Others than the administrator use the server.
        lacks: Features of which the server says that it does not have them.
    """

    has_people: bool = False
    lacks: frozenset[str] = frozenset()

    def __le__(self, other: "Situation") -> bool:
        """Whether all of this is so in the other one, too."""
        return self.has_people <= other.has_people and self.lacks <= other.lacks

    def __str__(self) -> str:
        """In words, after “where”."""
        lacks = [f"says that it lacks {' and '.join(sorted(self.lacks))}"] * bool(self.lacks)
        return f"the server {' and '.join([*['has people of its own'] * self.has_people, *lacks])}"


#: An empty server that has everything, a licence among it.
EMPTY = Situation()


@dataclass(frozen=True)
class Foretold:
    """What a run would send to a server.

    Attributes:
        situations: Who sends each operation, also where the version does not have it, wherever that may differ; what is so in
            several of these situations together is one of them, too.
    """

    situations: Mapping[str, Mapping[Situation, Senders]]

    @property
    def senders(self) -> dict[str, Senders]:
        """Who sends each operation to an empty server that has everything."""
        return {id_: said[EMPTY] for id_, said in self.situations.items()}

    def otherwise(self, id_: str) -> Iterator[tuple[Situation, Senders]]:
        """Yield where others send an operation than where less is so."""
        said = self.situations[id_]
        for where, senders in said.items():
            if any(less <= where and _sending(said[less]) != _sending(senders) for less in said):
                yield where, senders

    def sent(self, where: Situation = EMPTY) -> set[str]:
        """Return the operations of which somebody sends requests."""
        return {id_ for id_, said in self.situations.items() if "" in said[_that_of(said, where)].values()}

    def counted(self) -> Iterator[tuple[Situation, int]]:
        """Yield where other operations are sent than where less is so, and how many.

        Of what servers are built with and licensed for, a server that lacks all comes first: it is the commonest.
        """
        everywhere = {where for said in self.situations.values() for where in said}
        named = {name for where in everywhere for name in where.lacks if features()[name].told}
        none, *lacks = _parts(named)
        people = sorted({where.has_people for where in everywhere})
        sent = {where: self.sent(where) for where in (Situation(*one) for one in product(people, (none, *reversed(lacks))))}
        for where, these in sent.items():
            if any(less <= where and sent[less] != these for less in sent):
                yield where, len(these)


def foretell(guard: Guard, asked: Mapping[str, Collection[str]]) -> Foretold:
    """Return what is sent of some operations.

    Args:
        guard: Of a run on that server.
        asked: How each operation is asked about.
    """
    foresight = cache(partial(_foresight, guard))

    def said(operation: Operation, ways: Collection[str]) -> dict[Situation, Senders]:
        people = (False, True) if guard.is_disruptive else (False,)  # else the guard is the same
        lacks = _parts(name for name in needed_by(operation) if name and features()[name].can_be_told)
        situations = (Situation(*where) for where in product(people, lacks))
        return {where: _together(_ways(foresight(where), operation, ways)) for where in situations}

    return Foretold({id_: said(guard.contract.operations[id_], ways) for id_, ways in asked.items()})


def accounts_of_probes(guard: Guard, asked: Collection[str]) -> int:
    """Return how many accounts probes of these operations make of an empty server that has everything, at most."""
    return _foresight(replace(guard, contract=guard.contract.part(asked)), EMPTY).outlook().accounts


def _foresight(guard: Guard, where: Situation) -> Foresight:
    absent = [name for name, one in BESIDE.items() if why_nobody(one, guard.version, None, ())]
    there = replace(guard, is_throwaway=not where.has_people, lacks=where.lacks)
    return Foresight(guard.contract, there, Roles(guard.version), {}, is_licensed=False, absent=absent)


def _parts(names: Iterable[str]) -> list[frozenset[str]]:
    """Return every set of some of these names, the empty one among them."""
    some = sorted(names)
    return [frozenset(part) for many in range(len(some) + 1) for part in combinations(some, many)]


def _that_of(situations: Collection[Situation], where: Situation) -> Situation:
    """Return which of an operation's situations is there where this is so: of those that are, the one that holds the others."""
    return max((one for one in situations if one <= where), key=lambda one: (one.has_people, len(one.lacks)))


def _sending(said: Senders) -> set[tuple[str, str]]:
    return {way for way, why in said.items() if not why}


def _ways(foresight: Foresight, operation: Operation, ways: Collection[str]) -> Iterator[Senders]:
    guard = foresight.guard
    if BY_HAND in ways:
        yield {(who, about): guard.refuses(operation, who, about) for who, about in product(PERSONAS, ABOUT)}
    if GENERATED in ways:
        consumed = "it consumes what it is about, or its caller's session: only probes make that for it"
        yield {
            (who, about): guard.refuses(operation, who, about) if spares(operation, about) else consumed
            for who, about in product(PERSONAS, ABOUT)
        }
    if PROBES in ways:
        yield foresight.senders(operation)
    if NEAR_MISSES in ways and decides(operation):
        callers = ("holder", NEAR_MISS, "system_admin")
        yield {(who, "other"): guard.refuses(operation, who, "other", is_spending=True) for who in callers}


def _together(ways: Iterable[Senders]) -> Senders:
    """Return who sends in some way."""
    found: Senders = {}
    for said in ways:
        for way, why in said.items():
            found[way] = found.get(way, why) and why
    return found
