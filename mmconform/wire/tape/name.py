"""How the cassette of a test is called."""

import re
import zlib
from typing import Any

#: File names get no longer and no odder than this; other parameters are cut and numbered.
_PLAIN = re.compile(r"[\w.-]{0,60}", re.ASCII)


def cassette_name(item: Any, target: str) -> str:
    """Return the path of a test's cassette within a tape, without ending: suite, file, test, parameters.

    Args:
        item: A pytest item.
        target: The slug of its target, which is no part of the name.
    """
    parts = [item.path.parent.name, item.path.stem.removeprefix("test_"), item.originalname.removeprefix("test_")]
    callspec = getattr(item, "callspec", None)
    parameters = "-".join(p for p in callspec._idlist if p != target) if callspec else ""
    if not _PLAIN.fullmatch(parameters):
        plain = re.sub(r"[^\w.]+", "-", parameters, flags=re.ASCII).strip("-")[:40]
        parameters = f"{plain}-{zlib.crc32(parameters.encode()):08x}"
    return "/".join([*parts, *([parameters] if parameters else [])])
