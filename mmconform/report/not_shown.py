"""What our lists know to have changed between two versions, and what the same requests to both do not show.

Of permissions these lists are ``data/permissions.yaml``: whoever holds one that a version retired may ask nothing with it there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from mmconform.contract.clause import Contract
from mmconform.contract.permission import Holds, is_there, leaves, permissions
from mmconform.judging import deviations, known_changes
from mmconform.judging.changes import Comparison, ServedAlone, effect_of_answers, effect_of_field, ways_broken
from mmconform.judging.deviations import Deviation
from mmconform.judging.known_changes import KnownChange
from mmconform.record.record import Record
from mmconform.record.rows import Effect
from mmconform.version import Version
from mmconform.world.people import power

#: What stands above them.
HEAD = "Our lists know these changes between the two as well, which the same requests did not show"


#: Beside what our lists know of operations that were not judged.
_UNTRIED = "that is known where what they need is on; with it off, as here, nobody tried: such a request of yours tells"


@dataclass(frozen=True)
class NotShown:
    """One of them.

    Attributes:
        operations: In the order of the contract.
        personas: Least powerful first; none where it is known of no caller apart.
        before, after: What the first of the two servers answers and what the other one does, each all that it may be, as in
            ``Change``. Of a promise that is broken in one of them, nothing: what was answered where it is not, nobody has told;
            and so of a permission that nobody was seen to use.
        text: All of it, as a sentence.
        reason: Why, alone: it may say of which requests it is true.
        is_untried: Some of the operations are off on one of the two, where nobody knows whether it is so.
    """

    operations: tuple[str, ...]
    personas: tuple[str, ...]
    before: frozenset[str]
    after: frozenset[str]
    text: str
    reason: str
    is_untried: bool = False

    @property
    def effect(self) -> Effect | None:
        """What it is to who calls the server, whichever of the answers it gave and gives; nothing where nobody has told these."""
        effects = {_effect(was, is_) for was, is_ in product(self.before, self.after)}
        return effects.pop() if len(effects) == 1 else "different" if effects else None


def _effect(was: str, is_: str) -> Effect:
    """Return what a change from one answer, or field with its types, to another is."""
    if was[:1].isdigit():
        return effect_of_answers(was, is_)
    return effect_of_field(*(set(said.rpartition(": ")[2].split("|")) - {"absent"} for said in (was, is_)))


def not_shown(
    contract: Contract,
    older: Record,
    newer: Record,
    comparison: Comparison,
    known: tuple[Iterable[KnownChange], Iterable[Deviation]],
) -> Iterator[NotShown]:
    """Yield each, whichever of the two versions is the newer.

    A deviation is told of whoever could be judged in one of them only.

    Args:
        comparison: Of the two.
    """
    between = before, after = Version.parse(older.header.server.version), Version.parse(newer.header.server.version)
    ways, served = (ways_broken(older), ways_broken(newer)), (comparison.served_before, comparison.served_after)
    seen = comparison.changes
    forth = [replace(change, before=change.after, after=change.before) if after < before else change for change in seen]
    off = {*comparison.off_before, *comparison.off_after, *comparison.off_both}
    entries = known_changes.not_shown(known[0], forth, *sorted(between))
    for entry in entries:
        personas = tuple(sorted(entry.personas, key=power))
        who = f", for {', '.join(personas)}" if personas else ""
        was, is_ = ("|".join(sorted(said)) for said in (entry.before, entry.after))
        operations = tuple(name for name in contract.operations if name in entry.operations)
        text = f"{entry.versions.began}: {was} → {is_}{who}: {', '.join(operations)}: {entry.reason} ({entry.source})"
        is_untried = bool(off & {*operations})
        text += f"; {_UNTRIED}" if is_untried else ""
        sides = (entry.after, entry.before) if after < before else (entry.before, entry.after)
        yield NotShown(operations, personas, *sides, text, entry.reason, is_untried)
    yield from _retired(contract, between, served[1 if after < before else 0])
    told = {(operation, persona) for entry in entries for operation in entry.operations for persona in entry.personas}
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for deviation, persona in deviations.between(known[1], before, after):
        clause = contract.clauses.get(deviation.clause)
        is_of_one = ((deviation.clause, persona) in ways[0]) != ((deviation.clause, persona) in ways[1])
        if clause and is_of_one and (clause.operation, persona) not in told:
            news = "no longer broken" if deviation.is_in(before) else "broken"
            evidence = f"({deviation.evidence.strip()})"
            why = f"{news}: {deviation.signature}: {deviation.verdict}: {deviation.reason.strip()} {evidence}"
            clauses, callers = found.setdefault(why, ({}, {}))
            clauses[clause.id] = callers[persona] = None
    for why, (names, callers) in found.items():
        operations = tuple(dict.fromkeys(name.partition(".")[0] for name in names))
        text = f"{', '.join(names)}, for {', '.join(callers)}: {why}"
        yield NotShown(operations, tuple(callers), frozenset(), frozenset(), text, why)


def worse(found: Iterable[NotShown]) -> list[NotShown]:
    """Return those that are a loss to who calls the server, whichever of the answers they name it gave and gives."""
    return [one for one in found if one.effect == "worse"]


def counted_apart(found: Iterable[NotShown]) -> str:
    """Return how many of these are worse, as it stands behind the count of changed answers; nothing where none is."""
    count = len(worse(found))
    return f"{count} worse that our lists alone know" if count else ""


def _retired(contract: Contract, between: tuple[Version, Version], served: Iterable[ServedAlone]) -> Iterator[NotShown]:
    """Yield the permissions that the older of two versions has, the newer no longer, and operations demand.

    Args:
        served: Whom the older served and the newer was not seen to.
    """
    older, newer = sorted(between)
    demanding: dict[str, dict[str, None]] = {}
    for name, operation in contract.operations.items():
        for term in leaves(operation.requirement.demand):
            if isinstance(term, Holds) and is_there(term.permission, older) and is_there(term.permission, newer) is False:
                demanding.setdefault(term.permission, {})[name] = None
    for permission, names in demanding.items():
        of = permissions()[permission]
        gone = f"The documented permission `{permission}` was retired: on a server made since, nobody holds it"
        lost = [one for one in served if one.operation in names]
        personas = tuple(dict.fromkeys(one.persona for one in lost))
        was, is_ = frozenset(says for one in lost for says in one.served), frozenset(says for one in lost for says in one.said)
        who = f"served until then, for {', '.join(personas)}: " if lost else ""
        text = f"since {of.versions.until}: {who}{', '.join(names)}: {gone} ({of.source})"
        sides = (was, is_) if between[0] < between[1] else (is_, was)
        yield NotShown(tuple(names), personas, *sides, text, gone)
