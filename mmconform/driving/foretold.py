"""Who would send what to a server of which nobody has looked at more than its version: what ``--dry-run`` tells.

Each way to ask decides as it does in a run: by the same guard, and by what it spares.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from mmconform.contract.clause import Operation
from mmconform.driving.near_misses import decides
from mmconform.driving.outlook import Foresight, Senders
from mmconform.driving.sender import ABOUT, spares
from mmconform.safety.guard import Guard
from mmconform.world.callers import why_nobody
from mmconform.world.features import features
from mmconform.world.people import BESIDE, PERSONAS, Roles
from mmconform.world.spare import NEAR_MISS

#: How an operation is asked about: by hand-written tests, by generated requests, by probes, by near misses.
BY_HAND, GENERATED, PROBES, NEAR_MISSES = "by hand", "generated", "probes", "near misses"


@dataclass(frozen=True)
class Condition:
    """What a dry run does not look at, and what else is sent, or is not, where it is so.

    Attributes:
        where: In words, after “where”.
        senders: Of the operations of which more or fewer send then.
    """

    where: str
    senders: Mapping[str, Senders]


@dataclass(frozen=True)
class Foretold:
    """What a run would send to an empty server that has everything, a licence among it.

    Attributes:
        senders: Of each operation; also where the version does not have it.
        conditions: Where the server is otherwise.
    """

    senders: Mapping[str, Senders]
    conditions: tuple[Condition, ...] = ()

    def sent(self, *, where: Collection[str] = ()) -> set[str]:
        """Return the operations of which somebody sends requests, where these conditions are met."""
        met = [condition.senders for condition in self.conditions if condition.where in where]
        return {
            id_
            for id_ in self.senders
            if any("" in said.values() for said in [of[id_] for of in met if id_ in of] or [self.senders[id_]])
        }


def foretell(guard: Guard, asked: Mapping[str, Collection[str]]) -> Foretold:
    """Return what is sent of some operations.

    Args:
        guard: Of a run on that server.
        asked: How each operation is asked about.
    """
    empty = replace(guard, is_throwaway=True, lacks=frozenset())
    plain = _senders(empty, asked)
    told = [
        (f"the server says that it lacks {feature.name}", replace(empty, lacks=frozenset({feature.name})))
        for feature in features().values()
        if feature.told
    ]
    if guard.is_disruptive:
        told.append(("the server has people of its own", replace(empty, is_throwaway=False)))
    conditions = (Condition(where, _others(plain, _senders(other, asked))) for where, other in told)
    return Foretold(plain, tuple(condition for condition in conditions if condition.senders))


def _others(plain: Mapping[str, Senders], other: Mapping[str, Senders]) -> dict[str, Senders]:
    """Return those of operations of which others send."""
    return {id_: said for id_, said in other.items() if _sending(said) != _sending(plain[id_])}


def _sending(said: Senders) -> set[tuple[str, str]]:
    return {way for way, why in said.items() if not why}


def _senders(guard: Guard, asked: Mapping[str, Collection[str]]) -> dict[str, Senders]:
    operations = guard.contract.operations
    absent = [name for name, one in BESIDE.items() if why_nobody(one, guard.version, None, ())]
    foresight = Foresight(guard.contract, guard, Roles(guard.version), {}, is_licensed=False, absent=absent)
    return {id_: _together(_ways(foresight, operations[id_], ways)) for id_, ways in asked.items()}


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
