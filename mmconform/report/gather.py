"""Which records a report is about."""

from collections.abc import Collection, Sequence
from pathlib import Path

from mmconform import record
from mmconform.contract.clause import Contract
from mmconform.errors import MisuseError
from mmconform.record import Record


def given(paths: Sequence[Path]) -> list[Record]:
    """Return the records in files and, however deep, in folders.

    Raises:
        MisuseError: a folder holds none, or a file is none (:func:`mmconform.record.read`).
    """
    found: dict[Path, Record] = {}
    for path in paths:
        files = sorted(path.rglob(record.NAME)) if path.is_dir() else [path]
        if not files:
            raise MisuseError(f"{path} holds no record ({record.NAME}); run pytest first")
        for file in files:
            if file.resolve() not in found:
                found[file.resolve()] = record.read(file)
    return list(found.values())


def current(folder: Path, tapes: Collection[str], contract: Contract) -> tuple[list[Record], list[str]]:
    """Return the records of tapes in the folder to which runs write, and why each of its other records is left out.

    What a run on a live server left there can be of any age, and may be nobody else's business, so that it has to be named.

    Args:
        tapes: The names of those that there are.
        contract: The records have to be about the same documents.

    Raises:
        MisuseError: none is left.
    """
    found: list[Record] = []
    left_out: list[str] = []
    for path in sorted(folder.glob(f"*/{record.NAME}")):
        try:
            one = record.read(path)
        except MisuseError as error:
            left_out.append(str(error))
            continue
        target = one.header["target"]
        kind, _, name = target.partition(":")
        if kind != "recorded":
            left_out.append(f"{path}: is about {target}; name it to have it in the report")
        elif name not in tapes:
            left_out.append(f"{path}: there is no tape of {name} any more")
        elif one.header["spec"] != contract.digest:
            left_out.append(f"{path}: was judged against other documents; run pytest --target {target} again")
        else:
            found.append(one)
    if not found:
        why = f" ({left_out[0]})" if left_out else ""
        raise MisuseError(f"no record of a tape in {folder.name}/{why}; run pytest --target recorded:all first")
    return found, left_out
