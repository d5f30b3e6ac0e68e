"""How a server written in Go reads what it is sent (encoding/json, strconv, net/http of Go 1)."""

import json
import re
from typing import Any

_JSON = json.JSONDecoder(parse_constant=lambda name: _no(name))
_NEXT = 2**64
#: What a field of a Go struct takes.
TEXT, NUMBER, YES_NO, LIST, TEXTS, OBJECT = "text", "number", "yes or no", "list", "texts", "object"


def _no(what: str) -> Any:
    raise ValueError(what)


def first_value(body: bytes) -> Any:
    """Return the first JSON value; what follows it is not looked at.

    Raises:
        ValueError: there is none.
    """
    text = body.decode("utf-8", "replace").lstrip(" \t\r\n")
    try:
        return _JSON.raw_decode(text)[0]
    except RecursionError:
        raise ValueError("nested too deeply") from None


def struct(value: Any, kinds: dict[str, str]) -> tuple[dict[str, Any], bool]:
    """Return the fields of a struct that a JSON value gives, and whether all of it fits.

    Keys count in any case, unknown ones are ignored, and null leaves a field as it is.
    """
    if value is None:
        return {}, True
    if not isinstance(value, dict):
        return {}, False
    fields, fits = {}, True
    for key, content in value.items():
        name = key if key in kinds else key.lower()
        if name not in kinds or content is None:
            continue
        if _takes(kinds[name], content):
            fields[name] = content
        else:
            fits = False
    return fields, fits


def texts(body: bytes, *, keeps_the_rest: bool) -> dict[str, str]:
    """Return a map of texts; empty when the body is none. With ``keeps_the_rest`` only what is no text is left out."""
    try:
        value = first_value(body)
    except ValueError:
        return {}
    if not isinstance(value, dict):
        return {}
    found = {key: text or "" for key, text in value.items() if isinstance(text, str | None)}
    return found if keeps_the_rest or len(found) == len(value) else {}


def _takes(kind: str, value: Any) -> bool:
    """Whether a Go field of a kind takes a JSON value."""
    match kind:
        case "text":
            return isinstance(value, str)
        case "number":
            return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
        case "yes or no":
            return isinstance(value, bool)
        case "list":
            return isinstance(value, list) and all(isinstance(item, str | None) for item in value)
        case "texts":
            return isinstance(value, dict) and all(isinstance(item, str | None) for item in value.values())
    return isinstance(value, dict)


def plain_text(text: str) -> str:
    """Return a text as Go stores it: half of a surrogate pair becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def number(text: str) -> int | None:
    """Return what ``strconv.Atoi`` reads, or nothing."""
    if not re.fullmatch("[+-]?[0-9]+", text, re.ASCII) or len(text) > 40:
        return None
    value = int(text)
    return value if -(2**63) <= value < 2**63 else None


def wrapped(value: int) -> int:
    """Return a number as 64 bits hold it."""
    return (value + 2**63) % _NEXT - 2**63
