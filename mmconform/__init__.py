"""Does this server keep the promises of the Mattermost REST API v4?

For notebooks, ``mmconform.load()`` and its siblings in :mod:`mmconform.notebooks.frame` return pandas tables. They are imported
when they are first asked for, since nothing else needs pandas.
"""

import sys
from typing import Any

# JupyterLab brings a library with which jsonschema checks the format `iri`, which we never ask for. It takes most of a
# second to load, at the start of every run and command, so jsonschema is imported as if it were not there.
_SLOW = "rfc3987_syntax"
sys.modules.setdefault(_SLOW, None)  # type: ignore[arg-type]
import jsonschema  # noqa: E402, F401

if sys.modules[_SLOW] is None:
    del sys.modules[_SLOW]

from mmconform.errors import MisuseError  # noqa: E402

__version__ = "0.1.0"

_TABLES = ("access", "answers", "clauses", "exchanges", "known_deviations", "load", "runs", "send", "states", "timeline")


def __getattr__(name: str) -> Any:
    if name not in _TABLES:
        raise AttributeError(f"module `mmconform` has no `{name}`")
    try:
        from mmconform.notebooks import frame
    except ModuleNotFoundError as error:
        raise MisuseError(f"mmconform.{name} needs `{error.name}`; `pip install -e .[notebooks]` in the checkout") from None
    return getattr(frame, name)
