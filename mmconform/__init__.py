"""Does this server keep the promises of the Mattermost REST API v4?

For notebooks, ``mmconform.load()`` and its siblings in :mod:`mmconform.notebooks.tables` return pandas tables. They are imported
when they are first asked for, since nothing else needs pandas.
"""

from typing import Any

from mmconform.errors import MisuseError

__version__ = "0.1.0"

_TABLES = (
    "access",
    "answers",
    "clauses",
    "exchanges",
    "findings",
    "known_deviations",
    "load",
    "newest",
    "not_shown",
    "runs",
    "send",
    "states",
    "timeline",
    "upgrade",
)


def __getattr__(name: str) -> Any:
    if name not in _TABLES:
        raise AttributeError(f"module `mmconform` has no `{name}`")
    try:
        from mmconform.notebooks import tables
    except ModuleNotFoundError as error:
        raise MisuseError(f"mmconform.{name} needs `{error.name}`, which `make develop` installs in a checkout") from None
    return getattr(tables, name)


def __dir__() -> list[str]:
    """What Tab completes to: the tables too, though nothing of them is imported yet."""
    return sorted({*globals(), *_TABLES})
