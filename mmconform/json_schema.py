"""jsonschema, imported without what makes its import slow. Who uses it, or a library that does, imports this first."""

import sys

# JupyterLab brings a library with which jsonschema checks the format `iri`, which we never ask for. It takes most of a
# second to load, at the start of every run and command, so jsonschema is imported as if it were not there.
_SLOW = "rfc3987_syntax"
sys.modules.setdefault(_SLOW, None)  # type: ignore[arg-type]
from jsonschema import Draft202012Validator  # noqa: E402

if sys.modules[_SLOW] is None:
    del sys.modules[_SLOW]

__all__ = ["Draft202012Validator"]
