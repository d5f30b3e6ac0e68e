"""When something was recorded, and with which versions of which tools."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version as installed

from mmconform import __version__

#: Schemathesis has jsonschema-rs say which of what it draws is valid.
_TOOLS = ("schemathesis", "hypothesis", "jsonschema-rs", "pytest", "pytest-recording", "vcrpy", "requests")


def tools() -> dict[str, str]:
    """Return the versions of everything that decides which requests are made and how they are replayed."""
    return {"mmconform": __version__, "python": platform.python_version(), **{name: installed(name) for name in _TOOLS}}


def now() -> str:
    """Return the time as records write it: UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
