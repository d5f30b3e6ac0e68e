"""What a run may name in a request that changes something: what it made, and what it drew at random; nobody else's."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from mmconform.wire.tape.redact import MARK

#: How servers write identifiers (model/utils.go@v5.36.1 NewId), and addresses of people.
_LENGTH = 26
_ID = re.compile(rf"(?<![A-Za-z0-9])[a-z0-9]{{{_LENGTH}}}(?![A-Za-z0-9])")
#: Each begins where no other could have begun: a long text without one is read once.
_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+")
#: Parts of a query or body that name people.
_NAMES = re.compile(r"(?:^|_)(?:usernames?|login_id|emails?)$")
#: What an answer calls what was made, and a bot; what is secret of it no request names by accident, but tests do.
_MADE = ("id", "user_id", "token", "client_secret")
#: Nobody has an address there (RFC 2606).
_NOWHERE = ".invalid"
#: Fewer different characters has no identifier that was drawn at random: it is a test's own, of something that is not there.
_LEAST = 4


class Register:
    """The identifiers, names and addresses that requests of one run may hold."""

    def __init__(self) -> None:
        self._ours: set[str] = set()
        self._beginnings: tuple[str, ...] = ()

    def learn(self, *values: object) -> None:
        """Take in what this run made."""
        self._ours.update(str(value) for value in values if value)

    def learn_names(self, beginning: str) -> None:
        """Take in how all names begin that this run gives."""
        self._beginnings = (*self._beginnings, beginning)

    def learn_words(self, *values: object) -> None:
        """Take in what an overlay has a request say: a time, a kind, anybody's emoji; never an identifier or an address."""
        self.learn(*(value for value in map(str, values) if not any(_marks(value))))

    def learn_made(self, answer: bytes) -> None:
        """Take in what the answer to a request to make something tells of it, files that were uploaded too."""
        try:
            content = json.loads(answer)
        except ValueError:
            return
        if isinstance(content, dict):
            files = content.get("file_infos")
            self.learn(*map(content.get, _MADE), *(f.get("id") for f in files or () if isinstance(f, dict)))

    def draw(self, *values: object) -> None:
        """Take in what was drawn at random, whatever it is made of: if anybody has it, that is by accident."""
        for value in values:
            self._ours.update(_texts(value))

    def knows(self, value: str) -> bool:
        """Whether it is ours, or nobody's."""
        return _is_made_up(value) or value.endswith(_NOWHERE) or value in self._ours or value.startswith(self._beginnings)

    def foreign(self, url: str, body: bytes) -> Iterator[str]:
        """Yield what a request holds that looks like an identifier or an address, or names somebody, and is not ours."""
        text = body.decode("utf-8", "replace")
        held = [*_marks(unquote_plus(url)), *_marks(text), *_people(text)]
        yield from (value for value in held if not self.knows(value))


def may_be_given(value: object) -> bool:
    """Return whether a value looks like an identifier that a server gave; another one, which a test made up, nobody has."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None and not _is_made_up(value)


def _is_made_up(value: str) -> bool:
    return value.startswith(MARK) or (len(value) == _LENGTH and len(set(value)) < _LEAST)


def _marks(text: str) -> Iterator[str]:
    yield from _ID.findall(text)
    yield from _ADDRESS.findall(text)


def _people(body: str) -> Iterator[str]:
    """Yield the names of people in a JSON body."""
    try:
        content = json.loads(body) if body else None
    except (ValueError, RecursionError):
        return
    if isinstance(content, Mapping):
        for value in (value for name, value in content.items() if _NAMES.search(name)):
            yield from (name for name in (value if isinstance(value, list) else [value]) if isinstance(name, str))


def _texts(value: Any) -> Iterator[str]:
    """Yield a value as it may stand in a request, with all that is within it that looks like an identifier."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _texts(name)
            yield from _texts(part)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, str):
        yield value
        yield from _marks(value)
    elif value is not None:
        yield str(value)
