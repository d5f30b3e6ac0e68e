"""Which records a report is about."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from shlex import quote

from mmconform.contract.clause import Contract
from mmconform.errors import MisuseError
from mmconform.paths import RUN, shown
from mmconform.record import record
from mmconform.record.record import Record


def given(named: Iterable[str | Path]) -> list[Record]:
    """Return the records that are named.

    Raises:
        MisuseError: as :func:`mmconform.record.record.find` and :func:`mmconform.record.record.read` do.
    """
    return [record.read(path) for path in record.find(named)]


def current(
    folder: Path,
    tapes: Collection[str],
    contract: Contract,
    read: Callable[[Path], Record] = record.read,
    *,
    with_live: bool = False,
) -> tuple[list[Record], list[str]]:
    """Return the records of tapes in the folder to which runs write, and why each of its other records is left out.

    What a run on a live server left there can be of any age, and may be nobody else's business, so that a report has it named.

    Args:
        tapes: The names of those that there are.
        contract: The records have to be about the same documents.
        read: Reads one of them.
        with_live: Those of live servers too, for whoever looks at their own.

    Raises:
        MisuseError: none is left.
    """
    found: list[Record] = []
    left_out: list[str] = []
    for path in sorted(folder.glob(f"*/{record.NAME}")):
        if record.is_a_references(path.relative_to(folder)):
            continue
        try:
            this_record = read(path)
        except MisuseError as error:
            left_out.append(str(error))
            continue
        header = this_record.header
        target = header.target
        kind, _, name = target.partition(":")
        file, to_see_it = shown(path), f"to see it: mmconform report {quote(record.name_of(path, target))}"
        if header.documents:
            left_out.append(f"{file}: was judged by other documents; {to_see_it} {' '.join(map(quote, header.documents))}")
        elif header.selection:
            left_out.append(f"{file}: is of a part only ({header.selection}); {to_see_it}")
        elif kind != "recorded" and not with_live:
            left_out.append(f"{file}: is about {target}; {to_see_it}")
        elif kind == "recorded" and name not in tapes:
            left_out.append(f"{file}: there is no tape of {name} any more")
        elif header.spec != contract.digest:
            left_out.append(f"{file}: was judged against other documents; run {RUN} {target} again")
        else:
            found.append(this_record)
    if not found:
        why = f" ({left_out[0]})" if left_out else ""
        what = "run pytest --target recorded:all first" if tapes else "there is no tape here: name a record"
        raise MisuseError(f"no record {'' if with_live else 'of a tape '}in {folder.name}/{why}; {what}")
    return found, left_out
