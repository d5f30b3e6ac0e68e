"""What this room knows of versions, beside what all of the package knows: the files here."""

from functools import cache
from pathlib import Path
from typing import Any

from mmconform.documents.reader import read
from mmconform.version import Version, Versions

_HERE = Path(__file__).parent


@cache
def table(name: str) -> Any:
    """Return what a file of version facts beside this module says."""
    return read(_HERE / name)[0].data


def is_in(row: dict[str, Any], version: Version) -> bool:
    """Return whether a row of version facts speaks of a version."""
    return Versions.of(row).include(version) is True
