"""Each recorded version beside the one before it: what changed between them, known or not, is part of the newer one's record."""

from collections.abc import Sequence
from dataclasses import replace

from mmconform.contract.clause import Contract
from mmconform.driving.generate import MAX_EXAMPLES, SEED
from mmconform.judging import known_changes
from mmconform.judging.changes import compare, flat
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
    older, newer = (Version.parse(record.header.server.version) for record in (before, after))
    changes = compare(contract, before, after).changes
    rows = [
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
            standing="known" if known_changes.is_known(change, contract, known, older, newer) else "new",
            request=change.request,
            number=change.number,
            reason=known_changes.explain(change, contract, known, older, newer),
            apart=change is told and change.kind == "promise",
        )
        for told in changes
        for change in flat([told])
    ]
    unmet = [f"{k.place} {', '.join(sorted(k.operations))}" for k in known_changes.unmet(known, changes, older, newer)]
    return replace(after, changes=rows, footer=beside_the_one_before(after.footer, before.header.target, rows, unmet))
