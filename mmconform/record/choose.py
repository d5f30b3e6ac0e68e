"""Which records a report is about."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from shlex import quote

from mmconform.contract.clause import Contract
from mmconform.errors import MisuseError
from mmconform.paths import RUN, shown
from mmconform.record import record
from mmconform.record.record import Record
from mmconform.record.rows import Header


def given(
    named: Iterable[str | Path],
    spec: str,
    read: Callable[[Path], Record] = record.read,
    written: Callable[[tuple[str, ...]], str] = record.as_options,
) -> tuple[list[Record], dict[Path, str]]:
    """Return the records that are named, and by the folder of a target a line, where that of a whole run is kept beside.

    So it is where the last run came to no end, or was of a part: that is taken all the same, and said unless its file is named.

    Args:
        spec: The digest of the documents that they are to be about.
        read: Reads one of them.
        written: As of :func:`mmconform.record.record.check`, which is for the caller to do.

    Raises:
        MisuseError: as :func:`mmconform.record.record.find` and :func:`mmconform.record.record.read` do; or one is about other
            documents, and one from before is not: it is for whoever named the one to say which of both they mean.
    """
    named = [*named]
    paths = record.find(named)
    found = [read(path) for path in paths]
    before = [path for name in named for path in record.below(Path(name), record.PREVIOUS)]
    unended = [path for path in before if not path.with_name(record.NAME).exists()]
    said = {path.parent: f"left out: {shown(path.parent)}: {record.instead_of_last(path.parent)}" for path in unended}
    files = {Path(name).resolve() for name in named if Path(name).is_file()}
    for path, one in zip(paths, found, strict=True):
        kept = path.with_name(record.PREVIOUS)
        if one.header.spec != spec and path.resolve() not in files:
            name_one_that_fits(path, one.header, spec, written)
        if one.header.selection and path.resolve() not in files and record.is_of_whole_run(kept):
            said[path.parent] = f"{shown(path)}: is of a part only ({one.header.selection}); the whole run before: {shown(kept)}"
    return found, said


def name_one_that_fits(
    path: Path, last: Header, spec: str, written: Callable[[tuple[str, ...]], str] = record.as_options
) -> None:
    """Say where a record from before is that was judged by the documents with this digest, if there is one.

    Args:
        path, last: The record that was not, and its header.
        written: How whoever asks for it names documents.

    Raises:
        MisuseError: there is.
    """
    for kept in (path.with_name(record.PREVIOUS), path.with_name(record.PREVIOUS_PART)):
        if record.head_of(kept).get("spec") == spec:
            how = f"name its documents with {written(last.documents)}" if last.documents else "leave these out"
            before = f"or name {shown(kept)}, of a run before, which was judged by these"
            raise MisuseError(f"the record of {last.target} was judged by other documents than these; {how}, {before}")


def current(
    folder: Path,
    tapes: Collection[str],
    contract: Contract,
    read: Callable[[Path], Record] = record.read,
    *,
    with_live: bool = False,
    to_see: Callable[[Path, Header], str] | None = None,
) -> tuple[list[Record], dict[Path, str]]:
    """Return the records of tapes in the folder to which runs write, and what is to be said of the others.

    Where the last run came to no end, or was of a part, the record from before it is taken, if that is of a whole run on the
    same server. What a run on a live server left there can be of any age, and may be nobody else's business, so that a report
    has it named.

    Args:
        tapes: The names of those that there are.
        contract: The records have to be about the same documents.
        read: Reads one of them.
        with_live: Those of live servers too, for whoever looks at their own.
        to_see: Says how one is seen that is not taken; on the command line where it is not given.

    Returns:
        The records; and by the folder of a target a line that says why its last record is not among them, and which is instead.

    Raises:
        MisuseError: none is left.
    """
    found: list[Record] = []
    said: dict[Path, str] = {}

    def look(path: Path) -> tuple[Record | None, str]:
        """Return a record, where there is one that can be read, and why it is not taken."""
        if not path.exists():
            return None, ""
        try:
            this_record = read(path)
        except MisuseError as error:
            return None, str(error)
        return this_record, _why_not(path, this_record.header, tapes, contract, to_see or _command, with_live=with_live)

    for place in sorted({path.parent for name in (record.NAME, record.PREVIOUS) for path in folder.glob(f"*/{name}")}):
        if record.is_a_references(place.relative_to(folder)):
            continue
        path, before = place / record.NAME, place / record.PREVIOUS
        last, why = look(path)
        if last and not why:
            found.append(last)
            continue
        older, why_not_older = look(before)
        if older and not why_not_older and (last is None or last.header.server == older.header.server):
            found.append(older)
            said[place] = (
                f"taken from before: {shown(before)}, of a run begun {older.header.started}; {why or record.of_last_run(place)}"
            )
        elif older and not why_not_older:
            said[place] = f"left out: {why}; the whole one from before is of another build: {shown(before)}"
        else:
            said[place] = f"left out: {why or f'{why_not_older}; {record.of_last_run(place)}'}"
    if not found:
        why = f" ({next(iter(said.values())).removeprefix('left out: ')})" if said else ""
        what = "run pytest --target recorded:all first" if tapes else "there is no tape here: name a record"
        raise MisuseError(f"no record {'' if with_live else 'of a tape '}in {folder.name}/{why}; {what}")
    return found, said


def kept_of(
    found: Iterable[Record],
    folder: Path,
    contract: Contract,
    read: Callable[[Path], Record] = record.read,
    to_see: Callable[[Path, Header], str] | None = None,
) -> tuple[list[Record], dict[Path, str]]:
    """Return the records that were kept of servers, as before an upgrade, beside those of what they are now.

    A copy of what is found, as it is until the server is asked again, is no record more.

    Args:
        found: What stands for itself: of a server that is not among it nothing is looked for.
        folder: That in which they are kept.
        contract, read, to_see: As of :func:`current`.

    Returns:
        They, and a line of each that is not among them, as :func:`current` does.
    """
    runs = {(record.base_of(one.header.target), one.header.started) for one in found}
    servers = {record.base_of(one.header.target) for one in found if one.kind == "server"}
    kept: list[Record] = []
    said: dict[Path, str] = {}
    for path in sorted(folder.glob(f"*/{record.NAME}")):
        if record.base_of(str(record.head_of(path).get("target"))) not in servers:
            continue
        try:
            one = read(path)
        except MisuseError as error:
            said[path.parent] = f"left out: {error}"
            continue
        if why := _why_not(path, one.header, (), contract, to_see or _command, with_live=True):
            said[path.parent] = f"left out: {why}"
        elif (run := (record.base_of(one.header.target), one.header.started)) not in runs:
            runs.add(run)
            kept.append(one)
    return kept, said


def _command(path: Path, header: Header) -> str:
    documents = f" {record.as_options(header.documents)}" if header.documents else ""
    apart = quote(f"{record.slug_of(header.target)}.html")  # beside the page of all others, which would be gone
    return f"mmconform report {quote(record.name_of(path, header.target))}{documents} --output {apart}"


def _why_not(
    path: Path,
    header: Header,
    tapes: Collection[str],
    contract: Contract,
    to_see: Callable[[Path, Header], str],
    *,
    with_live: bool,
) -> str:
    """Return why nobody takes a record who named none; nothing where it is taken."""
    target = header.target
    kind, _, name = target.partition(":")
    file, to_see_it = shown(path), f"to see it: {to_see(path, header)}"
    if header.documents:
        return f"{file}: was judged by other documents; {to_see_it}"
    if header.selection:
        return f"{file}: is of a part only ({header.selection}); {to_see_it}"
    if kind != "recorded" and not with_live:
        return f"{file}: is about {target}; {to_see_it}"
    if kind == "recorded" and name not in tapes:
        return f"{file}: there is no tape of {name} any more"
    if header.spec != contract.digest:
        return f"{file}: was judged against other documents; run {RUN} {target} again"
    return ""
