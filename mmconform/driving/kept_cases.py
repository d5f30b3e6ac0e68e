"""What was generated before, kept in files: generating is a third of a run on a tape, and the same every time."""

import base64
import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from mmconform.errors import MisuseError
from mmconform.files import write_whole
from mmconform.record.provenance import tools

#: Of a case of Schemathesis', what its request is made of; beside the body, where it has one.
PARTS = ("method", "path_parameters", "headers", "cookies", "query", "media_type", "multipart_content_types")
_NAMES = {"phase", "valid", *PARTS}
#: So many files are kept, the newest: one for an operation of a document.
_MOST = 4000


class KeptCases:
    """Cases in a folder, under a digest of all that decides what they are.

    A file that is not there, cannot be read or cannot be written is none: whoever asks generates.

    Args:
        decisive: What decides, beside the versions of our tools: JSON.
    """

    def __init__(self, folder: Path, *decisive: Any) -> None:
        self._folder = folder
        self._digest = hashlib.sha256(json.dumps([*decisive, tools()], sort_keys=True).encode())

    def read(self, operation: str) -> list[dict[str, Any]] | None:
        """Return, for each case of an operation, what :meth:`write` was given; None where nothing is kept of it."""
        try:
            rows = json.loads(self._path(operation).read_text(encoding="ascii"))
            is_whole = rows and all(_NAMES <= row.keys() <= _NAMES | {"body"} for row in rows)
            return [_read_back(row) for row in rows] if is_whole else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, operation: str, rows: list[dict[str, Any]]) -> None:
        """Keep the cases of an operation, unless one of them is nothing that JSON can say."""
        told = [_told(row) for row in rows]
        with suppress(MisuseError, OSError, TypeError, ValueError):
            text = json.dumps(told)
            if repr(json.loads(text)) == repr(told):
                write_whole(self._path(operation), text, private=True)
                self._thin_out()

    def _path(self, operation: str) -> Path:
        digest = self._digest.copy()
        digest.update(operation.encode())
        return self._folder / f"{digest.hexdigest()[:32]}.json"

    def _thin_out(self) -> None:
        files = list(self._folder.glob("*.json"))
        if len(files) > _MOST:
            for file in sorted(files, key=lambda path: path.stat().st_mtime)[: _MOST // 2]:
                file.unlink(missing_ok=True)


def _told(row: dict[str, Any]) -> dict[str, Any]:
    if "body" not in row:
        return row
    body = row["body"]
    return row | {"body": {"bytes": base64.b64encode(body).decode()} if isinstance(body, bytes) else {"json": body}}


def _read_back(row: dict[str, Any]) -> dict[str, Any]:
    if "body" not in row:
        return row
    body = row["body"]
    return row | {"body": base64.b64decode(body["bytes"]) if "bytes" in body else body["json"]}
