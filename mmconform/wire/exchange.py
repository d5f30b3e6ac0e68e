"""One request and its response, as plain data that checks can judge at any later time."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

#: The error id of a path that no route matches (api4/api.go Handle404, all versions).
NO_ROUTE = "api.context.404.app_error"


@dataclass(frozen=True)
class Position:
    """What a caller is where a thing lies.

    Attributes:
        roles: Those that they have in its team and its channel.
        channel: Whether that is ``public`` or ``private``; empty where it lies in none.
    """

    roles: frozenset[str]
    channel: str = ""

    @property
    def words(self) -> str:
        """Where that is, as the caller sees it."""
        is_in = {role.partition("_")[0] for role in self.roles}
        if not self.channel:
            return f"a {'conversation' if 'channel' in is_in else 'team'} of theirs" if is_in else "where they do not belong"
        return (
            f"a {self.channel} channel {'of theirs' if 'channel' in is_in else 'of others' if is_in else 'in a team of others'}"
        )


@dataclass(frozen=True, repr=False)
class Exchange:
    """One request and its response.

    Attributes:
        operation: The operationId that was meant, or empty for a helper endpoint.
        persona: Who asked.
        about: Whose resource the request names: ``self``, ``other`` (somebody else's, or a team's), ``nobody`` (it names none
            that exists, or what is nobody's, such as a job), ``unclear`` (nobody knows: an own id stands somewhere in it, but
            not where it belongs, or an id of which the run does not know whose it is).
        url: Path and query as sent, without scheme, host and the path under which the server lives.
        headers: Of the request, without the credential.
        answer_headers: Names in lower case.
        credential: Whose session or token was sent, as the redactor calls it; nothing where none was, or in another header.
        own: The ids of the caller's own account and tokens.
        settings: What the run had set otherwise on the server when it was asked.
        variant: In what it differs from the plain request, of which alone the document says who may ask.
        withheld: The ids, among those that it names, of what the caller may not touch; the rest of it they may.
        position: What the caller is where that lies which the request names; None where nobody knows.
        told: The parameters, and ``""`` for the body, of which somebody says what they hold: no value there is a puzzle.
        meant: What its test or its plan takes ``about`` for, by which it is judged, since what is nobody's can be asked for
            all the same; nothing where both are the same.
    """

    operation: str
    persona: str
    about: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    status: int
    answer_headers: Mapping[str, str]
    answer: bytes
    own: frozenset[str] = field(default=frozenset())
    credential: str = ""
    position: Position | None = None
    told: frozenset[str] = frozenset()
    settings: tuple[str, ...] = ()
    variant: str = ""
    withheld: frozenset[str] = frozenset()
    meant: str = ""

    def __repr__(self) -> str:
        """What may be shown of it: neither what was sent nor what was answered."""
        return f"<{self.method} {self.path} by {self.persona}: {self.status}>"

    @property
    def as_meant(self) -> str:
        """Whose resource it was to name."""
        return self.meant or self.about

    @cached_property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.url).query, keep_blank_values=True)

    @cached_property
    def json(self) -> Any:
        """The answer as JSON.

        Raises:
            ValueError: it is none, or one nested too deeply to be read.
        """
        try:
            return json.loads(self.answer.decode("utf-8"))
        except RecursionError:
            raise ValueError("nested too deeply") from None

    @cached_property
    def json_or_none(self) -> Any:
        try:
            return self.json
        except ValueError:
            return None

    @property
    def json_object(self) -> dict[str, Any]:
        """The answer as a JSON object; an empty one when it is none."""
        data = self.json_or_none
        return data if isinstance(data, dict) else {}

    @property
    def json_id(self) -> str:
        """The ``id`` of what the answer is about, or nothing."""
        return str(self.json_object.get("id", ""))

    @property
    def json_sent(self) -> Any:
        """The request's body as JSON; an empty object when it is none."""
        return object_in(self.body)

    @property
    def fields(self) -> dict[str, str]:
        """The top-level fields of a successful JSON answer with their JSON types, as in ``{"data": "null|object"}``.

        Those of the rows of a list begin with ``[].``; a field that only some rows have is also of type ``absent``.
        """
        data = self.json_or_none if self.is_success else None
        if isinstance(data, dict):
            return {str(name): _json_type(value) for name, value in sorted(data.items())}
        rows = [row for row in data if isinstance(row, dict)] if isinstance(data, list) else []
        types, had = defaultdict[str, set[str]](set), Counter[str]()
        for row in rows:  # once: rows may have ever new names
            had.update(row.keys())
            for name, value in row.items():
                types[name].add(_json_type(value))
        for name in (name for name, times in had.items() if times < len(rows)):
            types[name].add("absent")
        return {f"[].{name}": "|".join(sorted(types[name])) for name in sorted(types)}

    @property
    def answered_at(self) -> float:
        """The server's time when it answered, in seconds since 1970; ours where it does not tell."""
        try:
            return parsedate_to_datetime(self.answer_headers["date"]).timestamp()
        except (KeyError, ValueError, OverflowError):
            return time.time()

    @cached_property
    def error_id(self) -> str:
        """The ``id`` of an ``AppError`` answer, or nothing."""
        return self.json_id if self.status >= 400 else ""

    @property
    def says(self) -> str:
        """Status and error id: what tells one refusal from another."""
        return f"{self.status} {self.error_id}".strip()

    @property
    def has_no_route(self) -> bool:
        """Whether the server says that it has no such path."""
        return self.says == f"404 {NO_ROUTE}"

    @property
    def which(self) -> str:
        """What tells it from others of the same test, in words: where that lies which it names, and a flag or several things."""
        where = self.position.words if self.position else ""
        return " with ".join(part for part in (where, self.variant) if part)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def object_in(body: bytes | None) -> dict[str, Any]:
    """Return a request's body as a JSON object; an empty one when it is none."""
    try:
        sent = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return sent if isinstance(sent, dict) else {}


def _json_type(value: Any) -> str:
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")
