"""The record of a run: JSON lines with a header and a footer. Every verdict that anybody reads comes from it."""

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import Any, get_args

import msgspec

from mmconform.errors import DocumentError, MisuseError, plain
from mmconform.files import files_below, is_locked, write_whole
from mmconform.paths import REPORTS, RUN, SAVED, shown
from mmconform.record.rows import FORMAT, AnswerRow, ChangeRow, FindingRow, Footer, Header, ObservationRow, OperationRow, Row
from mmconform.version import Version
from mmconform.wire.tape import tape

NAME = "observations.jsonl"
#: The record before, also while pytest goes on and after a run that came to no end. What reads it in place of the last says so
#: (:mod:`mmconform.record.choose`).
PREVIOUS = "observations.previous.jsonl"
#: That of a part, where the one of a whole run is kept as the record before.
PREVIOUS_PART = "observations.previous-part.jsonl"
#: Who has a run on a live server holds this lock beside its record.
LOCK = "run.lock"
_DECODER = msgspec.json.Decoder(Row)


class RecordError(DocumentError):
    """A record that cannot be used. Its text starts with ``file:line:``."""


class ForeignRecordError(RecordError):
    """The file is no record, or a line of it is not as ``record.schema.json`` says."""


class OtherFormatError(RecordError):
    """The record was written by another version of this suite."""


class CutShortError(RecordError):
    """Lines are missing: the run was interrupted, or the file cut short."""


#: Of what records are, by how much that tells a reader: their own server, a recording, and ours, which is no news of Mattermost.
KINDS = ("server", "recording", "reference")


@dataclass(frozen=True)
class Record:
    """A complete record.

    Attributes:
        file: Where it was read; nothing of one that was just made.
    """

    header: Header
    observations: list[ObservationRow]
    operations: list[OperationRow]
    footer: Footer
    answers: list[AnswerRow] = field(default_factory=list)
    changes: list[ChangeRow] = field(default_factory=list)
    findings: list[FindingRow] = field(default_factory=list)
    file: Path | None = field(default=None, compare=False)

    def part(self, names: Container[str]) -> "Record":
        """Return what it says of these operations; its header and footer are those of the whole."""
        return replace(
            self,
            observations=[row for row in self.observations if row.operation in names],
            operations=[row for row in self.operations if row.operation in names],
            answers=[row for row in self.answers if row.operation in names],
            changes=[row for row in self.changes if row.operation in names],
            findings=[row for row in self.findings if row.operation in names],
        )

    @property
    def kind(self) -> str:
        """Of what it is, as :data:`KINDS` calls it: a record tells of its target alone."""
        kind = self.header.target.partition(":")[0].partition("@")[0]
        return {"recorded": "recording", "reference": "reference"}.get(kind, "server")

    @property
    def rows(self) -> list[Row]:
        """All lines, in the order in which they are written."""
        return [self.header, *self.operations, *self.observations, *self.answers, *self.changes, *self.findings, self.footer]


def narrowed_to(header: Header) -> tuple[str, ...]:
    """Return what narrowed a run to some operations, sorted, as options: of others nothing was asked in it."""
    return tuple(sorted(option for option in header.selection.split() if option.startswith("--operation=")))


def write(path: Path, record: Record) -> None:
    """Write a record; the file is there whole or not at all."""
    lines = {
        "operations": len(record.operations),
        "observations": len(record.observations),
        "answers": len(record.answers),
        "changes": len(record.changes),
        "findings": len(record.findings),
    }
    rows = [*record.rows[:-1], msgspec.structs.replace(record.footer, **lines)]
    write_whole(path, "".join(_line(row) for row in rows), private=True)


def _line(row: Row) -> str:
    try:
        return msgspec.json.encode(row).decode() + "\n"
    except UnicodeEncodeError:  # half a character, which a server may send and UTF-8 has not
        return msgspec.json.encode(_whole_characters(msgspec.to_builtins(row))).decode() + "\n"


def _whole_characters(node: object) -> object:
    if isinstance(node, str):
        return node.encode("utf-8", "backslashreplace").decode()
    if isinstance(node, dict):
        return {_whole_characters(key): _whole_characters(value) for key, value in node.items()}
    return [_whole_characters(child) for child in node] if isinstance(node, list | tuple) else node


def set_aside(path: Path) -> Path | None:
    """Keep a record under another name, so that nobody takes it for that of the run that begins now.

    Returns:
        Where the record before is, if there was one.
    """
    if not path.exists():
        return None
    with suppress(FileNotFoundError):
        path.replace(place_aside(path))
    return path.with_name(PREVIOUS)


def place_aside(path: Path) -> Path:
    """Return where a record is kept when the next run begins: one of a part only does not take the place of a whole run's."""
    kept = path.with_name(PREVIOUS)
    return path.with_name(PREVIOUS_PART) if is_of_whole_run(kept) and not is_of_whole_run(path) else kept


def is_of_whole_run(path: Path) -> bool:
    """Return whether the header of a record, of whichever format, says that nothing narrowed the run."""
    return head_of(path).get("selection") == ""


def head_of(path: Path) -> dict[str, Any]:
    """Return the header of a record, of whichever format, as data that nobody has checked; empty where there is none."""
    try:
        with path.open("rb") as file:
            header = msgspec.json.decode(file.readline())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}


def slug_of(name: str) -> str:
    """Return the name of one target (``recorded:5.36.1``, ``reference@5.36.1``, ``https://…``) as file names hold it."""
    if re.match(r"https?://", name):
        return re.sub(r"[^A-Za-z0-9.]+", "-", base_of(name).partition("//")[2]).strip("-")
    kind, _, version = name.partition(":")
    if tape.is_of_whole(version):
        return f"{tape.WHOLE}-{version.partition('/')[0]}"
    return version if kind == "recorded" and not version.startswith("reference") else re.sub(r"[^\w.]+", "-", name)


def base_of(url: str) -> str:
    """Return the address of a server, given that or the one of its API."""
    return url.rstrip("/").removesuffix("/api/v4")


#: ``host:port``, as people write it.
WITHOUT_SCHEME = re.compile(r"(?!(recorded|https?):)[\w.-]+:\d+(/|$)")
_VERSION = re.compile(rf"v?(\d[\w.+-]*(?:/{tape.WHOLE})?)")


def target_named(name: str) -> str:
    """Return the target that a name is, in full; nothing where it is that of a file or a folder."""
    if version := _VERSION.fullmatch(name):
        return f"recorded:{version[1]}"
    if WITHOUT_SCHEME.match(name):
        return f"http://{name}"
    return name if re.match(r"recorded\b|reference\b|https?://", name) else ""


def full_target(name: str) -> str:
    """Return the target that a name is, of a tape with the version in full; nothing where it is that of a file or a folder."""
    target = target_named(name)
    if target.startswith("recorded:") and (taped := tape.begun_by(target.removeprefix("recorded:").removeprefix("v"))):
        return f"recorded:{taped}"
    return target


def find(named: Iterable[str | Path], folder: Path = REPORTS) -> list[Path]:
    """Return the files of the records that are named.

    Args:
        named: Files, folders that hold records however deep, or targets (``recorded:5.36.1``, ``5.36.1``,
            ``recorded:11.1.0/whole``, ``http://…``; of a version the first parts, as runs take them) whose record is in
            ``reports/``, or the name of its folder there.

    Raises:
        MisuseError: there is none of that name.
    """
    found = [path for name in named for path in _find(str(name), folder)]
    return list({path.resolve(): path for path in reversed(found)}.values())[::-1]


def _find(name: str, folder: Path) -> list[Path]:
    target = full_target(name)
    own = folder / (slug_of(target) if target else name)
    # In a notebook the working directory is another one than where the command line was: there names begin at the checkout too.
    places = (Path(name), own, folder / SAVED.name / name, folder.parent / name)
    for path in places:
        if path.is_file():
            return [path]
        if name and (found := below(path, NAME)):
            return found
    if kept := next((file for path in places if name for file in below(path, PREVIOUS)), None):
        raise MisuseError(f"no record `{name}`: {instead_of_last(kept.parent)}")
    if target and is_locked(own / LOCK):
        raise MisuseError(f"no record `{name}`: {of_last_run(own)}")
    if Path(name).is_dir():
        raise MisuseError(f"{name} holds no record ({NAME}); run pytest first")
    if not target and ("/" in name or name.endswith(".jsonl") or name.startswith((".", "~"))):
        raise MisuseError(f"no record `{name}`: there is no such file or folder")
    version = target.removeprefix("recorded:")
    if re.match(r"\d", version) and version not in (*tape.every(), *tape.every_whole()):
        raise MisuseError(f"no record `{name}`, and {tape.none_of(version)}; `{RUN} http://HOST:PORT` makes that of a server")
    run = f"{RUN} {name if target else '…'}" + (" --spec=FILE" if tape.is_of_whole(target) else "")
    raise MisuseError(f"no record `{name}`; `{run}` makes that of a recorded version or a server")


def of_last_run(folder: Path) -> str:
    """Return what is known of the run of which a folder should have the record, and does not."""
    if is_locked(folder / LOCK):
        return "a run is in progress, and has no record before its end"
    return "the last run came to no end" if (folder / LOCK).exists() else "the last run came to no end, or goes on"


def instead_of_last(folder: Path) -> str:
    """Return why a folder has not the record of the last run, and where that of the run before is."""
    return f"{of_last_run(folder)}; that of the run before is {run_before(folder)}"


def run_before(folder: Path) -> str:
    """Return where the record of the run before is kept: of two the one begun later, and what it is where it is of a part."""
    whole, part = folder / PREVIOUS, folder / PREVIOUS_PART
    if str(head_of(part).get("started", "")) > str(head_of(whole).get("started", "")):
        selection = plain(str(head_of(part).get("selection")))
        return f"{shown(part)}, of a part only ({selection}); that of the whole run before it is {shown(whole)}"
    return shown(whole)


def below(folder: Path, name: str) -> list[Path]:
    """Return the files of that name, however deep; those of our reference server only where they are named themselves."""
    return [file for file in files_below(folder, name) if not is_a_references(file.relative_to(folder))]


def name_of(path: Path, target: str) -> str:
    """Return what finds a record: its target, or else the name that it is kept under, or else its file."""
    if path == REPORTS / slug_of(target) / NAME:
        return target
    name = path.parent.name
    return name if path.parent.parent.resolve() == SAVED.resolve() and _finds(name, path) else shown(path)


def _finds(name: str, path: Path) -> bool:
    try:
        return [file.resolve() for file in find([name])] == [path.resolve()]
    except MisuseError:
        return False


def called(records: Sequence[Record]) -> list[str]:
    """Return how each of some records that stand together is called, so that no other of them is called the same.

    By its target; and where another file is of this too, as before the upgrade of a server and after it, by what finds each
    (:func:`name_of`).
    """
    files = {(record.header.target, record.file and record.file.resolve()) for record in records}
    several = Counter(target for target, _ in files)
    return [
        name_of(record.file, record.header.target) if record.file and several[record.header.target] > 1 else record.header.target
        for record in records
    ]


def is_a_references(path: Path) -> bool:
    """Return whether a record below a folder is of our reference server: no news about Mattermost, unless it is named itself."""
    return path.parts[0].startswith(("reference", "recorded-reference"))


def age(record: Record) -> tuple[Version, bool, str, str]:
    """Return what orders records wherever several stand together: the version of the server, the oldest first.

    What is under development comes before its release, and of one version what was begun first.

    Raises:
        MisuseError: the record does not say the version.
    """
    header = record.header
    try:
        version = Version.parse(header.server.version)
    except ValueError:
        raise MisuseError(f"the record of {header.target} does not say of which version it is") from None
    return version, tape.is_release(header.server.name), header.started, header.target


def as_options(documents: Iterable[str]) -> str:
    """Return the documents that a header names, as the command line takes them."""
    return " ".join(map(quote, documents)) or "--spec and --overlay"


def judged_by(header: Header) -> str:
    """Return in words by which documents a record was judged."""
    return as_options(header.documents) if header.documents else "our own documents, without --spec"


def check(
    records: Iterable[Record], spec: str, clauses: Container[str], written: Callable[[tuple[str, ...]], str] = as_options
) -> None:
    """Check that records are about the documents with this digest and these clauses.

    Args:
        written: How whoever asks for them names documents.

    Raises:
        MisuseError: names the first that is not.
    """
    records = [*records]
    for name, record in zip(called(records), records, strict=True):
        if record.header.spec != spec or not all(row.clause in clauses for row in record.observations):
            raise MisuseError(
                f"the record of {name} was judged against other documents than these; "
                f"run pytest again, or name its documents with {written(record.header.documents)}"
            )


def read(path: Path) -> Record:
    """Return the record in a file.

    Raises:
        RecordError: it cannot be read.
        ForeignRecordError, OtherFormatError, CutShortError: says which line and why.
    """
    try:
        *lines, rest = path.read_bytes().split(b"\n")
    except OSError as error:
        raise RecordError(str(path), None, f"cannot be read: {error.strerror or error}") from None
    if lines:
        _check_format(path, lines[0])
    if rest:
        raise CutShortError(str(path), len(lines) + 1, "is cut short: this line is not complete; run pytest again")
    rows: dict[type[Row], list[Row]] = {kind: [] for kind in get_args(Row)}
    for number, line in enumerate(lines, 1):
        row = _decoded(path, number, line)
        if isinstance(row, Header) != (number == 1) or (isinstance(row, Footer) and number != len(lines)):
            raise ForeignRecordError(
                str(path), number, f"a line of the kind `{type(row).__struct_config__.tag}` stands where none belongs"
            )
        rows[type(row)].append(row)
    return _whole(path, len(lines), rows)


def _check_format(path: Path, line: bytes) -> None:
    try:
        first = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        first = None
    if not isinstance(first, dict) or first.get("kind") != "header":
        what = f"is not the header of a record: either the file is none (runs write {REPORTS.name}/…/{NAME}), or it is corrupt"
        raise ForeignRecordError(str(path), 1, what)
    if first.get("format") != FORMAT:
        text = f"is of format {str(first.get('format'))[:20]}, and this suite reads format {FORMAT}; run pytest again"
        raise OtherFormatError(str(path), 1, text)


def _check_version(path: Path, header: Header) -> None:
    """Refuse a record that says it is of one version and was made of another: a line or a tape was changed."""
    target = re.fullmatch(r"(?:recorded:(?:reference-)?|reference@)([^:]+)(?::.*)?", header.target)
    with suppress(ValueError):  # a version that is none is said where versions are compared
        if target and Version.parse(target[1]) != Version.parse(header.server.version):
            what = f"is of {header.target[:60]}, and of a server of version {header.server.version[:20]}; run pytest again"
            raise ForeignRecordError(str(path), 1, what)


def _decoded(path: Path, number: int, line: bytes) -> Row:
    try:
        row: Row = _DECODER.decode(line)
        return row
    except msgspec.ValidationError as error:
        raise ForeignRecordError(str(path), number, f"is no line of a record: {str(error)[:120]}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ForeignRecordError(str(path), number, "is no JSON; the record is corrupt or was cut short") from None


def _whole(path: Path, lines: int, rows: dict[type[Row], list[Row]]) -> Record:
    if not rows[Footer]:
        raise CutShortError(str(path), lines, "is cut short: its last line, the footer, is missing; run pytest again")
    record = Record(
        rows[Header][0],  # type: ignore[arg-type]
        rows[ObservationRow],  # type: ignore[arg-type]
        rows[OperationRow],  # type: ignore[arg-type]
        rows[Footer][0],  # type: ignore[arg-type]
        rows[AnswerRow],  # type: ignore[arg-type]
        rows[ChangeRow],  # type: ignore[arg-type]
        rows[FindingRow],  # type: ignore[arg-type]
        file=path,
    )
    _check_version(path, record.header)
    footer = record.footer
    for kind, counted, found in (
        ("operations", footer.operations, record.operations),
        ("observations", footer.observations, record.observations),
        ("answers", footer.answers, record.answers),
        ("changes", footer.changes, record.changes),
        ("findings", footer.findings, record.findings),
    ):
        if counted != len(found):
            raise CutShortError(str(path), lines, f"the footer counts {counted} {kind}, not {len(found)}")
    return record
