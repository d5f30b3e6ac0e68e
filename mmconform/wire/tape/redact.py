"""Keeps secrets off the tape, and keeps equal what was equal and different what was different.

Every secret value becomes a placeholder of its own: ``redacted`` and a keyed hash, as long as the value, where there is
room, and of its alphabet. The key lives as long as the recording, so a placeholder tells nothing; but a token that
leaks, or one that did not change when it should have, still shows. Credentials become the persona's name. Redacting
what is redacted changes nothing, since redaction also runs on replay.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from bisect import insort
from collections import defaultdict
from collections.abc import Container, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from mmconform.wire.tape.find_secrets import (
    SECRET_COOKIES,
    SECRET_FIELDS,
    cookies_in,
    likely_secrets_in,
    parameters_in,
    secrets_in,
)

MARK = "redacted"
#: On tape this word stands for the random run id.
TAPED_RUN = "taped0"

__all__ = ["MARK", "SECRET_COOKIES", "SECRET_FIELDS", "TAPED_RUN", "Redactor", "exposed"]

_SHORTEST = 8
#: So many letters of a secret tell where it may begin; what is shorter is none.
_START = 4
#: What may be base64 of a secret, and a text in JSON.
_BASE64, _LITERAL = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}"), re.compile(r'"[^"\\]*(?:\\.[^"\\]*)+"')
_WORD = re.compile(r"""[^\s"'<>]+""")
#: What is left of a word where a long text was cut, as pytest and we do; and where one was broken into several lines.
_CUT = re.compile(r"(?<!\w)\w{5,}+(?=\.\.\.|…)|(?<=\.\.\.)\w{5,}|(?<=…)\w{5,}")
_BROKEN = re.compile(r"""(['"])[ \t]{0,99}\r?\n[E>|+?\s-]{0,99}b?\1""")
#: How many letters of a secret are more than chance.
_TELLING = 5
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
        self._by_start: dict[str, list[str]] = defaultdict(list)
        self._credentials: dict[str, str] = {}
        self._likely: set[str] = set()
        self._certain: set[str] = set()
        self._run: tuple[str, ...] = ()

    @property
    def values(self) -> frozenset[str]:
        """Every value seen so far that is certainly a secret (on replay: its placeholder)."""
        return frozenset(self._certain)

    def values_in(self, content: bytes) -> frozenset[str]:
        """Return which of these values stand in an answer: every one is looked at so, and most tell of none."""
        text = content.decode("utf-8", "replace")
        known = list(self._by_start.items())  # other threads learn meanwhile
        return frozenset(v for start, values in known if start in text for v in values if v in self._certain and v in text)

    @property
    def credentials(self) -> Mapping[str, str]:
        """Whose every session and token is."""
        return self._credentials

    def learn(self, value: str, placeholder: str | None = None) -> None:
        """Remember a secret value; without a placeholder it gets one of its own."""
        if len(value) >= _SHORTEST or placeholder:
            known = placeholder or (value if value.startswith(MARK) else self._placeholder(value))
            if len(value) >= _START and value not in self._placeholders:
                self._placeholders[value] = known
                if known.lower() != TAPED_RUN and value not in self._likely:
                    self._certain.add(value)
                insort(self._by_start[value[:_START]], value, key=lambda secret: -len(secret))

    def learn_run(self, run: str) -> None:
        """Remember the id that stands in all names of a run: no secret, and on tape the same word each time."""
        self._run = (run, run.upper())
        self.learn(run, TAPED_RUN)
        self.learn(run.upper(), TAPED_RUN.upper())

    def learn_credential(self, value: str, persona: str) -> None:
        """Remember a session or token as the credential of a persona."""
        self._credentials[value] = persona
        self.learn(value)

    def learn_answer(self, headers: Mapping[str, list[str]], body: bytes) -> None:
        """Remember every secret that an answer carries (:mod:`mmconform.wire.tape.find_secrets`)."""
        for value in secrets_in(headers, body):
            self.learn(value)
        for value in likely_secrets_in(body):
            if value not in self._placeholders:
                self._likely.add(value)
                self.learn(value)

    def text(self, text: str, *, keeps_names: bool = False) -> str:
        """Return the text with every known secret replaced, also one that is quoted for an address or for JSON, or is base64.

        Args:
            keeps_names: The names of the run stay what they are on the server, for whoever looks there.
        """
        return text if self.replaying else self._clean(text, self._run if keeps_names else ())

    def body(self, body: bytes, *, keeps_names: bool = False) -> bytes:
        """Return the bytes with every known secret replaced, as :meth:`text` does."""
        if self.replaying:
            return body
        text = self.text(body.decode("utf-8", "surrogateescape"), keeps_names=keeps_names)
        return text.encode("utf-8", "surrogateescape")

    def hide(self, text: str) -> str:
        """Return text for people to see: no known secret, on replay too, and no part of one that was cut or broken into lines.

        The names of the run stay what they are on the server.
        """
        shown = self._clean(text, self._run)
        joined = _BROKEN.sub("", shown)
        if joined != shown and (whole := self._replaced(joined, self._run)) != joined:
            shown = whole
        return _CUT.sub(lambda cut: MARK if self._is_cut(cut[0]) else cut[0], shown)

    def _is_cut(self, word: str) -> bool:
        """Whether a word is part of a secret, ends with the begin of one or begins with the end of one."""
        return any(
            word in value or any(word.endswith(value[:n]) or word.startswith(value[-n:]) for n in range(_TELLING, len(value)))
            for value, placeholder in self._placeholders.items()
            if placeholder != value
        )

    def _clean(self, text: str, but: Container[str]) -> str:
        return self._undisguised(self._replaced(text, but), but)

    def _replaced(self, text: str, but: Container[str] = ()) -> str:
        """Replace every known secret but some, of two at the same place the longer one; as quickly for thousands as for one."""
        pieces, done = [], 0
        for at in range(len(text) - _START + 1):
            if at >= done and (known := self._by_start.get(text[at : at + _START])):
                value = next((value for value in known if text.startswith(value, at) and value not in but), "")
                if value:
                    pieces += [text[done:at], self._placeholders[value]]
                    done = at + len(value)
        return "".join([*pieces, text[done:]]) if done else text

    def _undisguised(self, text: str, but: Container[str]) -> str:
        """Replace secrets in words and texts that are read otherwise than they are written."""
        if "%" in text:
            text = _WORD.sub(lambda word: self._if_secret(word[0], unquote(word[0]), but), text)
        if "\\" in text:
            with suppress(ValueError, RecursionError):
                json.loads(text)  # so that every text in it ends
                text = _LITERAL.sub(lambda literal: self._literal(literal[0], but), text)
        return _BASE64.sub(lambda word: self._base64(word[0], but), text)

    def _if_secret(self, written: str, read: str, but: Container[str]) -> str:
        return written if read == written or (clean := self._replaced(read, but)) == read else clean

    def _literal(self, literal: str, but: Container[str]) -> str:
        read = json.loads(literal)
        clean = self._replaced(read, but)
        return literal if clean == read else json.dumps(clean)

    def _base64(self, word: str, but: Container[str]) -> str:
        plain = word.rstrip("=").translate(_URL_SAFE)
        for start in range(4):
            piece = plain[start:]
            with suppress(binascii.Error, UnicodeDecodeError):
                read = base64.b64decode(piece[: len(piece) - (len(piece) % 4 == 1)] + "=" * (-len(piece) % 4)).decode("ascii")
                if read.isprintable() and self._replaced(read, but) != read:
                    return self._placeholder(word)
        return word

    def credential(self, header: str) -> str:
        """Return an ``Authorization`` header with the persona's name for its credential."""
        scheme, space, value = header.partition(" ")
        return scheme + space + self._credentials[value] if value in self._credentials else self.text(header)

    def whose(self, credential: str, persona: str) -> str:
        """Return what a credential is called, or the persona where it is unknown."""
        return self._credentials.get(credential, persona)

    def named(self, text: str) -> str:
        """Return the text with ``<whose it is>`` for every credential."""
        for value, whose in self._credentials.items():
            text = text.replace(value, f"<{whose}>")
        return text

    def _placeholder(self, value: str) -> str:
        padding = len(value) - len(value.rstrip("="))
        digest = hmac.new(self._key, value.encode(), hashlib.sha256).digest()
        letters = base64.b32encode(digest * (len(value) // 32 + 1)).decode().lower().replace("=", "")
        length = max(len(value) - padding, len(MARK) + _DISTINCT)
        return (MARK + letters)[:length] + "=" * padding


_URL_SAFE = str.maketrans("-_", "+/")


def exposed(headers: dict[str, list[str]], body: bytes) -> list[str]:
    """Return the secret-bearing places of a recorded message that do not hold a placeholder."""
    found = []
    for name, values in headers.items():
        if name.lower() == "token":
            found += [f"header {name}" for value in values if not value.startswith(MARK)]
        if name.lower() == "set-cookie":
            found += [f"cookie in {name}" for value in values for s in cookies_in(value) if s and not s.startswith(MARK)]
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
                    found.extend(f"parameter in {at}{key}" for value in parameters_in(child) if not value.startswith(MARK))
                else:
                    walk(child, f"{at}{key}.")

    with suppress(ValueError, RecursionError):
        walk(json.loads(body), "")
    return found
