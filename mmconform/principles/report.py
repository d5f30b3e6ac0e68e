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
    found = [finding for finding in (*seen.findings, *hidden.find(seen.sightings)) if not _is_meant(contract, finding)]
    return [row for group in _together(found) for row in _rows(group, deviations, version)]


def _is_meant(contract: Contract, finding: Finding) -> bool:
    operation = contract.operations[finding.operation]
    path = contract.base + operation.path
    return any(
        exempt.is_about(finding.principle, operation.method, path, finding.field, finding.persona) for exempt in exceptions()
    )


def _key(finding: Finding) -> tuple[str, str, str, str]:
    return finding.operation, finding.principle, finding.beside, finding.field


def _together(findings: Iterable[Finding]) -> Iterator[list[Finding]]:
    for _, group in groupby(sorted(findings, key=lambda finding: (*_key(finding), finding.persona)), _key):
        yield list(group)


def _rows(group: Sequence[Finding], deviations: Sequence[Deviation], version: Version) -> Iterator[FindingRow]:
    """Yield a row for whom it is new, and one for each entry that makes it known."""
    places = {finding.persona: _known(finding, deviations, version) for finding in group}
    for place in sorted(set(places.values())):
        several = [finding for finding in group if places[finding.persona] == place]
        first = several[0]
        yield FindingRow(
            principle=first.principle,
            operation=first.operation,
            beside=first.beside,
            field=first.field,
            personas=tuple(dict.fromkeys(finding.persona for finding in several)),
            seen=first.seen,
            standing="known" if place else "gap" if first.is_gap else "new",
            deviation=place,
            evidence=first.evidence,
        )


def _known(finding: Finding, deviations: Iterable[Deviation], version: Version) -> str:
    """Return the entry that makes a finding known: it names ``<operation>.<principle>``, with the field as signature."""
    clause = f"{finding.operation}.{finding.principle}"
    return next((d.place for d in deviations if d.covers(clause, finding.persona, finding.field, version)), "")
