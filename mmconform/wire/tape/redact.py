"""Keeps secrets off the tape, and keeps equal what was equal and different what was different.

Every secret value becomes a placeholder of its own: ``redacted`` and a keyed hash, as long as the value, where there is
room, and of its alphabet. The key lives as long as the recording, so a placeholder tells nothing; but a token that
leaks, or one that did not change when it should have, still shows. Credentials become the persona's name. Redacting
what is redacted changes nothing, since redaction also runs on replay.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
from contextlib import suppress
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlsplit

MARK = "redacted"
#: Fields whose values are secrets wherever they stand in an answer.
SECRET_FIELDS = frozenset(
    (
        *("token", "access_token", "refresh_token", "csrf", "secret", "client_secret"),
        *("password", "new_password", "current_password", "turn_password"),
    )
)
#: Query parameters whose values are secrets, in the address to which an OAuth client is sent back.
SECRET_PARAMETERS = ("code", "access_token")
SECRET_COOKIES = ("MMAUTHTOKEN", "MMCSRF")
#: On tape this word stands for the random run id.
TAPED_RUN = "taped0"

_SHORTEST = 8
#: Letters that tell one placeholder from another; a secret shorter than mark and letters becomes longer.
_DISTINCT = 6


class Redactor:
    """Knows the secrets of one run.

    Args:
        replaying: The answers come from a tape: what looks like a placeholder is one.
    """

    def __init__(self, *, replaying: bool) -> None:
        self.replaying = replaying
        self._key = secrets.token_bytes(32)
        self._placeholders: dict[str, str] = {}
        self._credentials: dict[str, str] = {}

    @property
    def values(self) -> frozenset[str]:
        """Every secret value seen so far (on replay: its placeholder)."""
        return frozenset(value for value, placeholder in self._placeholders.items() if placeholder.lower() != TAPED_RUN)

    def learn(self, value: str, placeholder: str | None = None) -> None:
        """Remember a secret value; without a placeholder it gets one of its own."""
        if len(value) >= _SHORTEST or placeholder:
            known = placeholder or (value if value.startswith(MARK) else self._placeholder(value))
            self._placeholders.setdefault(value, known)

    def learn_credential(self, value: str, persona: str) -> None:
        """Remember a session or token as the credential of a persona."""
        self._credentials[value] = persona
        self.learn(value)

    def learn_answer(self, headers: dict[str, list[str]], body: bytes) -> None:
        """Remember every secret that an answer carries in its headers, cookies and JSON fields."""
        for name, values in headers.items():
            if name.lower() == "token":
                for value in values:
                    self.learn(value)
            if name.lower() == "set-cookie":
                for value in values:
                    for secret in _cookie_secrets(value):
                        self.learn(secret)
        if any(field.encode() in body for field in (*SECRET_FIELDS, "redirect")):
            with suppress(ValueError):
                self._learn_fields(json.loads(body))

    def text(self, text: str) -> str:
        """Return the text with every known secret replaced."""
        if self.replaying:
            return text
        for value, placeholder in self._placeholders.items():
            if value in text:
                text = text.replace(value, placeholder)
        return text

    def body(self, body: bytes) -> bytes:
        """Return the bytes with every known secret replaced."""
        if self.replaying:
            return body
        for value, placeholder in self._placeholders.items():
            if value.encode() in body:
                body = body.replace(value.encode(), placeholder.encode())
        return body

    def credential(self, header: str) -> str:
        """Return an ``Authorization`` header with the persona's name for its credential."""
        scheme, space, value = header.partition(" ")
        return scheme + space + self._credentials[value] if value in self._credentials else self.text(header)

    def _placeholder(self, value: str) -> str:
        padding = len(value) - len(value.rstrip("="))
        digest = hmac.new(self._key, value.encode(), hashlib.sha256).digest()
        letters = base64.b32encode(digest * (len(value) // 32 + 1)).decode().lower().replace("=", "")
        length = max(len(value) - padding, len(MARK) + _DISTINCT)
        return (MARK + letters)[:length] + "=" * padding

    def _learn_fields(self, node: Any) -> None:
        if isinstance(node, list):
            for child in node:
                self._learn_fields(child)
        elif isinstance(node, dict):
            for key, child in node.items():
                if key in SECRET_FIELDS and isinstance(child, str):
                    self.learn(child)
                elif key == "redirect" and isinstance(child, str):
                    for name, value in parse_qsl(urlsplit(child).query):
                        if name in SECRET_PARAMETERS:
                            self.learn(value)
                else:
                    self._learn_fields(child)


def _cookie_secrets(header: str) -> list[str]:
    cookie: SimpleCookie = SimpleCookie()
    try:
        cookie.load(header)
    except CookieError:
        return []
    return [cookie[name].value for name in SECRET_COOKIES if name in cookie]


def exposed(headers: dict[str, list[str]], body: bytes) -> list[str]:
    """Return the secret-bearing places of a recorded message that do not hold a placeholder."""
    found = []
    for name, values in headers.items():
        if name.lower() == "token":
            found += [f"header {name}" for value in values if not value.startswith(MARK)]
        if name.lower() == "set-cookie":
            found += [f"cookie in {name}" for value in values for s in _cookie_secrets(value) if s and not s.startswith(MARK)]
        if name.lower() in ("authorization", "cookie"):
            found += [f"header {name}" for value in values if re.search(rf"\b(?!{MARK})[a-z0-9]{{26}}\b", value)]

    def walk(node: Any, at: str) -> None:
        if isinstance(node, list):
            for child in node:
                walk(child, at)
        elif isinstance(node, dict):
            for key, child in node.items():
                if key in SECRET_FIELDS and isinstance(child, str):
                    if len(child) >= _SHORTEST and not child.startswith(MARK):
                        found.append(f"field {at}{key}")
                elif key == "redirect" and isinstance(child, str):
                    sent = parse_qsl(urlsplit(child).query)
                    found.extend(f"{n} in {at}{key}" for n, v in sent if n in SECRET_PARAMETERS and not v.startswith(MARK))
                else:
                    walk(child, f"{at}{key}.")

    with suppress(ValueError):
        walk(json.loads(body), "")
    return found
