"""What our lists know to have changed between two versions, and what the same requests to both do not show."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mmconform.contract.clause import Contract
from mmconform.judging import deviations, known_changes
from mmconform.judging.changes import Change
from mmconform.judging.deviations import Deviation
from mmconform.judging.known_changes import KnownChange
from mmconform.version import Version
from mmconform.world.people import power


@dataclass(frozen=True)
class NotShown:
    """One of them.

    Attributes:
        operations: In the order of the contract.
        personas: Least powerful first; none where it is known of no caller apart.
        before, after: What the first of the two servers answers and what the other one does, each all that it may be, as in
            ``Change``. Of a promise that is broken in one of them, nothing: what was answered where it is not, nobody has told.
        text: All of it, as a sentence.
        reason: Why, alone: it may say of which requests it is true.
    """

    operations: tuple[str, ...]
    personas: tuple[str, ...]
    before: frozenset[str]
    after: frozenset[str]
    text: str
    reason: str


def not_shown(
    contract: Contract,
    seen: Iterable[Change],
    ways: Sequence[Collection[tuple[str, str]]],
    between: tuple[Version, Version],
    known: tuple[Iterable[KnownChange], Iterable[Deviation]],
) -> Iterator[NotShown]:
    """Yield each, whichever of the two versions is the newer.

    Args:
        seen: What changed from the one to the other.
        ways: For each of the two, of which clause and persona something was seen. A deviation is told of whoever could be
            judged in one of them only.
    """
    before, after = between
    forth = [replace(change, before=change.after, after=change.before) if after < before else change for change in seen]
    entries = known_changes.not_shown(known[0], forth, *sorted(between))
    for entry in entries:
        personas = tuple(sorted(entry.personas, key=power))
        who = f", for {', '.join(personas)}" if personas else ""
        was, is_ = ("|".join(sorted(said)) for said in (entry.before, entry.after))
        operations = tuple(name for name in contract.operations if name in entry.operations)
        text = f"since {entry.versions.since}: {was} → {is_}{who}: {', '.join(operations)}: {entry.reason} ({entry.source})"
        sides = (entry.after, entry.before) if after < before else (entry.before, entry.after)
        yield NotShown(operations, personas, *sides, text, entry.reason)
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
