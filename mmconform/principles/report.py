"""From what was seen to the lines of the record: one finding an operation, field and reason, with everybody for whom it is so."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from mmconform.contract.clause import Contract
from mmconform.judging.deviations import Deviation
from mmconform.principles import hidden
from mmconform.principles.data import exceptions
from mmconform.principles.sightings import Finding, Stock
from mmconform.record.rows import FindingRow
from mmconform.version import Version


def rows(contract: Contract, seen: Stock, deviations: Sequence[Deviation], version: Version) -> list[FindingRow]:
    """Return what contradicts a principle and is not meant, by operation."""
    found = [one for one in (*seen.findings, *hidden.find(seen.sightings)) if not _is_meant(contract, one)]
    return [row for group in _together(found) for row in _rows(group, deviations, version)]


def _is_meant(contract: Contract, one: Finding) -> bool:
    operation = contract.operations[one.operation]
    path = contract.base + operation.path
    return any(exempt.is_about(one.principle, operation.method, path, one.field, one.persona) for exempt in exceptions())


def _key(one: Finding) -> tuple[str, str, str, str]:
    return one.operation, one.principle, one.beside, one.field


def _together(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    for _, group in groupby(sorted(findings, key=lambda one: (*_key(one), one.persona)), _key):
        yield list(group)


def _rows(group: Sequence[Finding], deviations: Sequence[Deviation], version: Version) -> Iterator[FindingRow]:
    """Yield a row for whom it is new, and one for each entry that makes it known."""
    places = {one.persona: _known(one, deviations, version) for one in group}
    for place in sorted(set(places.values())):
        several = [one for one in group if places[one.persona] == place]
        first = several[0]
        yield FindingRow(
            principle=first.principle,
            operation=first.operation,
            beside=first.beside,
            field=first.field,
            personas=tuple(dict.fromkeys(one.persona for one in several)),
            seen=first.seen,
            standing="known" if place else "gap" if first.is_gap else "new",
            deviation=place,
            evidence=first.evidence,
        )


def _known(one: Finding, deviations: Iterable[Deviation], version: Version) -> str:
    """Return the entry that makes a finding known: it names ``<operation>.<principle>``, with the field as signature."""
    clause = f"{one.operation}.{one.principle}"
    return next((d.place for d in deviations if d.covers(clause, one.persona, one.field, version)), "")
