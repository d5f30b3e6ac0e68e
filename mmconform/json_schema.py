"""jsonschema, imported without what makes its import slow. Who uses it, or a library that does, imports this first.

Beside it jsonschema-rs, which says no more than whether a value is valid, and that twenty times as fast.
"""

import sys
from typing import Any

import jsonschema_rs

# JupyterLab brings a library with which jsonschema checks the format `iri`, which we never ask for. It takes most of a
# second to load, at the start of every run and command, so jsonschema is imported as if it were not there.
_SLOW = "rfc3987_syntax"
sys.modules.setdefault(_SLOW, None)  # type: ignore[arg-type]
from jsonschema import Draft202012Validator  # noqa: E402

if sys.modules[_SLOW] is None:
    del sys.modules[_SLOW]


class Glance:
    """Says at once of most values that they are valid.

    Args:
        schema: JSON Schema (2020-12).
    """

    def __init__(self, schema: Any) -> None:
        try:
            self._validator: jsonschema_rs.Draft202012Validator | None = jsonschema_rs.Draft202012Validator(schema)
        except ValueError:  # what is wrong with the schema, or what is not understood of it, is the other's to say
            self._validator = None

    def is_valid(self, value: Any) -> bool:
        """Return whether a value is valid for certain; one that is not may yet be found to be."""
        try:
            return self._validator is not None and self._validator.is_valid(value)
        except ValueError:  # half a character, which a server may send and UTF-8 has not
            return False


__all__ = ["Draft202012Validator", "Glance"]
