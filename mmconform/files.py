"""Writes files that are there whole or not at all."""

import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write text in UTF-8; whoever reads meanwhile sees the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
