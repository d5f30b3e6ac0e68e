"""Each recorded version beside the one before it: what changed between them, known or not, is part of the newer one's record.

And records that a page puts side by side, whichever they are.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from msgspec import structs

from mmconform.contract.clause import Contract
from mmconform.driving.generate import MAX_EXAMPLES, SEED
from mmconform.errors import MisuseError
from mmconform.judging import known_changes
from mmconform.judging.changes import Change, Comparison, compare, flat
from mmconform.judging.known_changes import KnownChange
from mmconform.record.record import Record
from mmconform.record.rows import ChangeRow, Header
from mmconform.report.summary import beside_the_one_before
from mmconform.version import Version


def is_whole(header: Header, left_out: Sequence[str]) -> bool:
    """Return whether nothing was left out, by whomever, and the requests are those of the tapes."""
    is_narrow = header.selection or left_out
    return not is_narrow and (header.seed, header.max_examples) == (SEED, MAX_EXAMPLES)


def beside(contract: Contract, known: Sequence[KnownChange], before: Record, after: Record) -> Record:
    """Return a record with what changed from the version before; as it is where it is not of a whole run.

    Raises:
        MisuseError: the two were made of other documents or other requests.
    """
    if not is_whole(after.header, after.footer.left_out):
        return after
    changes = compare(contract, before, after).changes
    rows = _rows(contract, known, changes, before, after)
    older, newer = _versions(before, after)
    unmet = [f"{k.place} {', '.join(sorted(k.operations))}" for k in known_changes.unmet(known, changes, older, newer)]
    return replace(after, changes=rows, footer=beside_the_one_before(after.footer, before.header.target, rows, unmet))


def side_by_side(contract: Contract, known: Sequence[KnownChange], records: Sequence[Record]) -> list[Record]:
    """Return records, each with what changed from the one before it here, though no run was over both.

    What the run itself made of it stays: whether it was green; so a change that nobody lists is not judged. Where two were asked
    other requests, or other parts, nothing is told.

    Args:
        records: In the order in which they stand beside one another.
    """
    told = list(records[:1])
    for before, after in pairwise(records):
        is_told = after.footer.against == before.header.target
        told.append(after if is_told else _since(contract, known, before, after))
    return told


def _since(contract: Contract, known: Sequence[KnownChange], before: Record, after: Record) -> Record:
    """Return a record with what changed from another one, or with nothing where that cannot be told."""
    found = compared(contract, before, after)
    if found is None:
        return replace(after, changes=[], footer=structs.replace(after.footer, against=""))
    rows = _rows(contract, known, found.changes, before, after, not_listed="unjudged")
    return replace(after, changes=rows, footer=structs.replace(after.footer, against=before.header.target))


def compared(contract: Contract, before: Record, after: Record) -> Comparison | None:
    """Return what changed from one record to another that a page may put beside it; nothing where that cannot be told."""
    if before.header.selection != after.header.selection or before.footer.left_out or after.footer.left_out:
        return None
    try:
        _versions(before, after)
        return compare(contract, before, after)
    except (MisuseError, ValueError):  # other requests, or a version that is none
        return None


def _versions(before: Record, after: Record) -> tuple[Version, Version]:
    older, newer = (Version.parse(record.header.server.version) for record in (before, after))
    return older, newer


def _rows(
    contract: Contract,
    known: Sequence[KnownChange],
    changes: Sequence[Change],
    before: Record,
    after: Record,
    not_listed: Literal["new", "unjudged"] = "new",
) -> list[ChangeRow]:
    older, newer = _versions(before, after)
    return [
        ChangeRow(
            against=before.header.target,
            operation=change.operation,
            clause=change.clause,
            of=change.kind,
            personas=change.personas,
            before=change.before,
            after=change.after,
            effect=change.effect,
            count=change.count,
            standing="known" if known_changes.is_known(change, contract, known, older, newer) else not_listed,
            request=change.request,
            number=change.number,
            reason=known_changes.explain(change, contract, known, older, newer),
            apart=change is told and change.kind == "promise",
        )
        for told in changes
        for change in flat([told])
    ]
