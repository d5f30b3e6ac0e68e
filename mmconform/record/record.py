"""The record of a run: JSON lines with a header and a footer. Every verdict that anybody reads comes from it."""

import json
from collections.abc import Container, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmconform.errors import DocumentError, MisuseError
from mmconform.files import write_whole
from mmconform.json_schema import Draft202012Validator
from mmconform.paths import REPORTS
from mmconform.version import Version

FORMAT = 4
NAME = "observations.jsonl"
#: The record before, while a run goes on and after one that came to no end. No reader looks for it.
PREVIOUS = "observations.previous.jsonl"
_SCHEMA = json.loads((Path(__file__).with_suffix(".schema.json")).read_text(encoding="utf-8"))
_VALIDATORS = {
    one["$ref"].rpartition("/")[2]: Draft202012Validator({**one, "$defs": _SCHEMA["$defs"]}) for one in _SCHEMA["oneOf"]
}


@dataclass(frozen=True)
class Record:
    """A complete record. Rows are plain objects as ``record.schema.json`` describes them."""

    header: dict[str, Any]
    observations: list[dict[str, Any]]
    operations: list[dict[str, Any]]
    footer: dict[str, Any]
    answers: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)


def write(path: Path, record: Record) -> None:
    """Write a record; the file is there whole or not at all."""
    rows: Iterable[dict[str, Any]] = (
        {"kind": "header", "format": FORMAT, **record.header},
        *({"kind": "operation", **row} for row in record.operations),
        *({"kind": "observation", **row} for row in record.observations),
        *({"kind": "answer", **row} for row in record.answers),
        *({"kind": "change", **row} for row in record.changes),
        {
            "kind": "footer",
            "operations": len(record.operations),
            "observations": len(record.observations),
            "answers": len(record.answers),
            "changes": len(record.changes),
            **record.footer,
        },
    )
    write_whole(path, "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows), private=True)


def set_aside(path: Path) -> None:
    """Keep a record under another name, so that nobody takes it for that of the run that begins now."""
    with suppress(FileNotFoundError):
        path.replace(path.with_name(PREVIOUS))


def find(named: Iterable[str | Path], folder: Path = REPORTS) -> list[Path]:
    """Return the files of the records that are named.

    Args:
        named: Files, folders that hold records however deep, or targets (``recorded:5.36.1``, ``5.36.1``) whose record
            is in ``reports/``.

    Raises:
        MisuseError: there is none of that name.
    """
    found = [path for name in named for path in _find(str(name), folder)]
    return list({path.resolve(): path for path in reversed(found)}.values())[::-1]


def _find(name: str, folder: Path) -> list[Path]:
    for path in (Path(name), folder / name.removeprefix("recorded:")):
        if path.is_file():
            return [path]
        found = [one for one in sorted(path.rglob(NAME)) if name and not is_a_references(one.relative_to(path))]
        if found:
            return found
    if Path(name).is_dir():
        raise MisuseError(f"{name} holds no record ({NAME}); run pytest first")
    if name.endswith((".jsonl", "/")) or name.startswith(("/", ".", "~")):
        raise MisuseError(f"no record `{name}`: there is no such file or folder")
    raise MisuseError(f"no record `{name}`; `pytest --target {name}` makes that of a recorded version or a server")


def is_a_references(path: Path) -> bool:
    """Return whether a record below a folder is of our reference server: no news about Mattermost, unless it is named itself."""
    return path.parts[0].startswith(("reference", "recorded-reference"))


def age(record: Record) -> tuple[Version, str]:
    """Return what orders records: the version of the server, then the target.

    Raises:
        MisuseError: the record does not say the version.
    """
    try:
        return Version.parse(record.header["server"]["version"]), record.header["target"]
    except ValueError:
        raise MisuseError(f"the record of {record.header['target']} does not say of which version it is") from None


def check(records: Iterable[Record], spec: str, clauses: Container[str]) -> None:
    """Check that records are about the documents with this digest and these clauses.

    Raises:
        MisuseError: names the first that is not.
    """
    for record in records:
        if record.header["spec"] != spec or not all(row["clause"] in clauses for row in record.observations):
            raise MisuseError(
                f"the record of {record.header['target']} was judged against other documents than these; "
                "run pytest again, or name its documents with --spec and --overlay"
            )


def read(path: Path) -> Record:
    """Return the record in a file.

    Raises:
        DocumentError: it is not there, not a record, of another format, cut short, or holds a line that is not as
            ``record.schema.json`` says.
    """
    try:
        *lines, rest = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(str(path), None, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if rest:
        raise DocumentError(str(path), len(lines) + 1, "the last line is not complete; the record was cut short")
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise DocumentError(str(path), number, "is no JSON; the record is corrupt or was cut short") from None
        if number == 1:
            if not isinstance(row, dict) or row.get("kind") != "header":
                raise DocumentError(str(path), 1, "is not the header of a record")
            if row.get("format") != FORMAT:
                raise DocumentError(str(path), 1, f"is of format {row.get('format')}, and this suite reads format {FORMAT}")
        validator = _VALIDATORS.get(row.get("kind")) if isinstance(row, dict) else None
        if not validator:
            raise DocumentError(str(path), number, "is no line of a record: unknown kind")
        if flaw := next(iter(validator.iter_errors(row)), None):
            raise DocumentError(str(path), number, f"is no line of a record: {flaw.message[:120]}")
        rows.append(row)
    if not rows or rows[-1]["kind"] != "footer":
        raise DocumentError(str(path), len(lines), "the footer is missing: the run was interrupted, or the file cut short")
    by_kind: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _VALIDATORS}
    for row in rows:
        by_kind[row["kind"]].append(row)
    for kind in ("operation", "observation", "answer", "change"):
        counted, found = rows[-1][f"{kind}s"], len(by_kind[kind])
        if counted != found:
            raise DocumentError(str(path), len(lines), f"the footer counts {counted} {kind}s, not {found}")
    return Record(rows[0], by_kind["observation"], by_kind["operation"], rows[-1], by_kind["answer"], by_kind["change"])
