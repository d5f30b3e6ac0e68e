"""The record of a run: JSON lines with a header and a footer. Every verdict that anybody reads comes from it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from mmconform.errors import DocumentError
from mmconform.files import write_whole

FORMAT = 1
NAME = "observations.jsonl"
_SCHEMA = json.loads((Path(__file__).with_suffix(".schema.json")).read_text(encoding="utf-8"))
_VALIDATOR = Draft202012Validator(_SCHEMA)


@dataclass(frozen=True)
class Record:
    """A complete record. Rows are plain objects as ``record.schema.json`` describes them."""

    header: dict[str, Any]
    observations: list[dict[str, Any]]
    operations: list[dict[str, Any]]
    footer: dict[str, Any]


def write(path: Path, record: Record) -> None:
    """Write a record; the file is there whole or not at all."""
    rows: Iterable[dict[str, Any]] = (
        {"kind": "header", "format": FORMAT, **record.header},
        *({"kind": "operation", **row} for row in record.operations),
        *({"kind": "observation", **row} for row in record.observations),
        {"kind": "footer", "observations": len(record.observations), **record.footer},
    )
    write_whole(path, "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows))


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
        flaw = next(iter(_VALIDATOR.iter_errors(row)), None)
        if flaw:
            raise DocumentError(str(path), number, f"is no line of a record: {flaw.message[:120]}")
        rows.append(row)
    if not rows or rows[-1]["kind"] != "footer":
        raise DocumentError(str(path), len(lines), "the footer is missing: the run was interrupted, or the file cut short")
    observations = [row for row in rows if row["kind"] == "observation"]
    if len(observations) != rows[-1]["observations"]:
        raise DocumentError(
            str(path), len(lines), f"the footer counts {rows[-1]['observations']} observations, not {len(observations)}"
        )
    return Record(rows[0], observations, [row for row in rows if row["kind"] == "operation"], rows[-1])
