"""Where secrets stand in a message: headers, cookies, fields of JSON, forms, addresses.

What is certainly a secret is kept off tapes and records, and an answer that shows it where it must not is held against the
server. What is only likely one (JSON within a text, which a user may have written; a body that is no JSON) is kept off them too,
and held against nobody. Everything takes time linear in the message.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, unquote_plus

#: Fields whose values are secrets wherever they stand in an answer.
SECRET_FIELDS = frozenset(
    (
        *("token", "access_token", "refresh_token", "csrf", "secret", "client_secret"),
        *("password", "new_password", "current_password", "turn_password"),
    )
)
#: Parameters whose values are secrets, in the address to which an OAuth client is sent back.
SECRET_PARAMETERS = ("code", "access_token")
SECRET_COOKIES = ("MMAUTHTOKEN", "MMCSRF")
_SECRET_HEADERS = ("token", "x-csrf-token")
_ADDRESSES = ("redirect", "location")
_COOKIES = ("set-cookie", "cookie")

_FIELDS = "|".join(sorted(SECRET_FIELDS))
#: A cookie of ours, several in one header too, whatever attributes stand around them.
_COOKIE = re.compile(rf"""(?i)(?<![\w!#$%&*+.^`|~-])(?:{"|".join(SECRET_COOKIES)})[ \t]*=[ \t]*"?([^;,\s"]*)""")
_PARAMETER = re.compile(rf"""[?#&](?:{"|".join(SECRET_PARAMETERS)})=([^&#\s"'<>]*)""")
#: In what is no JSON: a form; JSON that is broken, or a sentence; a part of a multipart message.
_LOOSE = (
    re.compile(rf"(?i)(?:^|[&?#])(?:{_FIELDS})=([^&\s]{{8,400}})"),
    re.compile(rf"""(?i)\b(?:{_FIELDS})\\?["']?[ \t]{{0,9}}[:=][ \t]{{0,9}}\\?["']?([^\s"'&;,<>{{}}\\]{{8,400}})"""),
    re.compile(rf"""(?i)\bname="?(?:{_FIELDS})"?[^\n]{{0,200}}\n(?:[^\n]{{2,200}}\n){{0,4}}\r?\n([^\r\n]{{8,400}})"""),
)
_NESTED_AT_MOST = 4
#: Of which a body that holds a secret has one, in whatever case; or characters that are written by their numbers.
_SIGNS = tuple(sign.encode() for sign in (*SECRET_FIELDS, *_ADDRESSES, "\\u"))


def secrets_in(headers: Mapping[str, list[str]], body: bytes) -> Iterator[str]:
    """Yield what is certainly a secret."""
    for name, value in _lines(headers):
        if name in _SECRET_HEADERS:
            yield value
        elif name in _COOKIES:
            yield from cookies_in(value)
        elif name in _ADDRESSES:
            yield from parameters_in(value)
    for key, text in _texts(_json(body)):
        if key in SECRET_FIELDS:
            yield text
        elif key in _ADDRESSES:
            yield from parameters_in(text)


def likely_secrets_in(body: bytes) -> Iterator[str]:
    """Yield what is only likely a secret."""
    found = _json(body)
    nested = [text for key, text in _texts(found) if key not in SECRET_FIELDS]
    if found is None and _may_hold(body):
        yield from _loose(body.decode("utf-8", "replace"))
    for _ in range(_NESTED_AT_MOST):
        inner = [
            node for text in nested if text[:1] in ("{", "[") and (node := _json(text.encode("utf-8", "replace"))) is not None
        ]
        nested = []
        for node in inner:
            for key, text in _texts(node):
                if key in SECRET_FIELDS:
                    yield text
                else:
                    nested.append(text)


def cookies_in(header: str) -> list[str]:
    """Return the secret cookies of a ``Set-Cookie`` or ``Cookie`` header, whatever else stands there."""
    return [form for value in _COOKIE.findall(header) if value for form in {value, unquote(value)}]


def parameters_in(address: str) -> list[str]:
    """Return the secrets in the query or the fragment of an address."""
    return [unquote_plus(value) for value in _PARAMETER.findall(address)]


def _lines(headers: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    return ((name.lower(), value) for name, values in headers.items() for value in values)


def _may_hold(body: bytes) -> bool:
    """Whether to look at all: most answers say nothing of the kind."""
    low = body.lower()
    return any(sign in low for sign in _SIGNS)


@lru_cache(maxsize=1)  # what is certain and what is likely is asked of the same answer
def _json(body: bytes) -> Any:
    if not _may_hold(body):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _texts(root: Any) -> Iterator[tuple[str, str]]:
    """Yield every text of some JSON with the field in which it stands, also as one of a list."""
    waiting: list[tuple[str, Any]] = [("", root)]
    while waiting:
        key, node = waiting.pop()
        if isinstance(node, str):
            yield key, node
        elif isinstance(node, list):
            waiting += [(key, child) for child in node]
        elif isinstance(node, dict):
            waiting += [(name.lower(), child) for name, child in node.items()]


def _loose(text: str) -> Iterator[str]:
    for value in (value for pattern in _LOOSE for value in pattern.findall(text)):
        if _looks_secret(value):
            yield value
            yield unquote_plus(value)


def _looks_secret(value: str) -> bool:
    """Whether it is no word: a sentence about a password is none."""
    return len(value) >= 16 and any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
