"""The paths of a document as a router takes them: which requests a template is about."""

import re
from functools import cache
from urllib.parse import unquote

_API = "/api/v4/"


@cache
def pattern_of(template: str) -> re.Pattern[str]:
    """Return what the paths of a template look like; ``{…}`` is one segment, ``/**`` at its end any number of them."""
    parts = re.split(r"(\{[^}]*\}|/\*\*$)", template)
    patterns = ("(/.*)?" if part == "/**" else "[^/]+" if part.startswith("{") else re.escape(part.lower()) for part in parts)
    return re.compile("".join(patterns), re.DOTALL)


def below_the_api(path: str) -> str:
    """Return a path as a router understands it, without what all have in common: decoded, no empty or dotted segments.

    Capitals are made small: a path that only something in front would take for another one is not worth the risk.
    """
    segments: list[str] = []
    for segment in unquote(path).split("/"):
        if segment == "..":
            segments[-1:] = []
        elif segment not in ("", "."):
            segments.append(segment)
    clean = "/" + "/".join(segments).lower()
    return "/" + clean.partition(_API)[2] if _API in clean + "/" else clean
