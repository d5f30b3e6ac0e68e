"""What our lists know to have changed between two versions, and what the same requests to both do not show."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from mmconform.contract.clause import Contract
from mmconform.judging import deviations, known_changes
from mmconform.judging.changes import Change
from mmconform.judging.deviations import Deviation
from mmconform.judging.known_changes import KnownChange
from mmconform.version import Version


def not_shown(
    contract: Contract,
    seen: Iterable[Change],
    ways: Sequence[Collection[tuple[str, str]]],
    between: tuple[Version, Version],
    known: tuple[Iterable[KnownChange], Iterable[Deviation]],
) -> Iterator[str]:
    """Yield a sentence for each, whichever of the two versions is the newer.

    Args:
        seen: What changed from the one to the other.
        ways: For each of the two, of which clause and persona something was seen. A deviation is told of whoever could be
            judged in one of them only.
    """
    before, after = between
    forth = [replace(change, before=change.after, after=change.before) if after < before else change for change in seen]
    entries = known_changes.not_shown(known[0], forth, *sorted(between))
    for entry in entries:
        who = f", for {', '.join(sorted(entry.personas))}" if entry.personas else ""
        was, is_ = ("|".join(sorted(said)) for said in (entry.before, entry.after))
        operations = ", ".join(name for name in contract.operations if name in entry.operations)
        yield f"since {entry.versions.since}: {was} → {is_}{who}: {operations}: {entry.reason} ({entry.source})"
    told = {(operation, persona) for entry in entries for operation in entry.operations for persona in entry.personas}
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for deviation, persona in deviations.between(known[1], before, after):
        clause = contract.clauses.get(deviation.clause)
        is_of_one = ((deviation.clause, persona) in ways[0]) != ((deviation.clause, persona) in ways[1])
        if clause and is_of_one and (clause.operation, persona) not in told:
            news = "no longer broken" if deviation.is_in(before) else "broken"
            evidence = f"({deviation.evidence.strip()})"
            why = f"{news}: {deviation.signature}: {deviation.verdict}: {deviation.reason.strip()} {evidence}"
            clauses, personas = found.setdefault(why, ({}, {}))
            clauses[clause.id] = personas[persona] = None
    for why, (names, callers) in found.items():
        yield f"{', '.join(names)}, for {', '.join(callers)}: {why}"
