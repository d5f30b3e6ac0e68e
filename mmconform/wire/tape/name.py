"""How the cassette of a test is called."""

import re
import zlib
from pathlib import PurePath
from typing import Any

#: File names get no longer and no odder than this; other parameters are cut and numbered.
_PLAIN = re.compile(r"[\w.-]{0,60}", re.ASCII)


def cassette_name(item: Any, target: str) -> str:
    """Return the path of a test's cassette within a tape, without ending: suite, file, test, parameters.

    Args:
        item: A pytest item.
        target: The slug of its target, which is no part of the name.
    """
    callspec = getattr(item, "callspec", None)
    parameters = "-".join(p for p in callspec._idlist if p != target) if callspec else ""
    return _name(item.path, item.originalname, parameters)


def name_of_test(test: str, target: str) -> str:
    """Return the same of a test as pytest names it (``suites/lifecycle/test_tokens.py::test_it[5.36.1-member]``)."""
    path, _, called = test.partition("::")
    function, _, parameters = called.removesuffix("]").partition("[")
    return _name(PurePath(path), function, f"-{parameters}-".replace(f"-{target}-", "-", 1)[1:-1])


def _name(path: PurePath, function: str, parameters: str) -> str:
    parts = [path.parent.name, path.stem.removeprefix("test_"), function.removeprefix("test_")]
    if not _PLAIN.fullmatch(parameters):
        plain = re.sub(r"[^\w.]+", "-", parameters, flags=re.ASCII).strip("-")[:40]
        parameters = f"{plain}-{zlib.crc32(parameters.encode()):08x}"
    return "/".join([*parts, *([parameters] if parameters else [])])
