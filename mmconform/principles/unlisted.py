"""``unlisted``: a property that the request does not list has no effect.

Each operation that makes or changes something, and whose request lists properties, is asked once plain and once with what the
answers about such a thing hold beside these: by whom it serves that may the least, with values that nobody else gives. What the
administrator then reads of ours, and the server filled in itself before, was theirs to say who, when or what; where that is free
content, it is merely left out of the document.
"""

import re
import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from string import ascii_lowercase, digits
from typing import Any

import msgspec

from mmconform.contract.clause import Contract, Operation, Parameter
from mmconform.driving.composing import Probe
from mmconform.driving.probes import probes
from mmconform.principles.questions import Questions
from mmconform.principles.schemas import answered, listed, properties
from mmconform.principles.sightings import Finding, is_blank
from mmconform.wire.exchange import Exchange
from mmconform.world.people import CALLERS
from mmconform.world.place import OPEN, RESIDENT
from mmconform.world.world import Person

#: A time that no server gives by itself: in milliseconds, between 2001 and 2014.
_EARLIEST, _SPAN = 10**12, 4 * 10**11
_MIGHTIEST = "system_admin"
Values = Mapping[str, Any]


def ask_all(questions: Questions) -> None:
    """Ask each operation whose request lists properties with others beside them."""
    people = Subjects(questions)
    for operation in questions.changing:
        names = listed(questions.contract, operation)
        reading = reading_of(questions.contract, operation) if names and operation.method != "DELETE" else None
        if reading and "caller" not in operation.consumes:
            with questions.trying():
                questions.found(UnlistedTrial(questions, operation, reading, names, people).play())
            if "user" in operation.consumes:
                people.lose("user", "")


# -- what the document says ------------------------------------------------------------------------------------------------


def reading_of(contract: Contract, operation: Operation) -> Operation | None:
    """Return the operation that reads what another makes or changes.

    It answers with the same schema, or, beside a change that answers with something else, lies where what is changed does.
    """
    told = answered(operation)
    readings = [reading for reading in contract.operations.values() if _reads_one(contract, reading)]
    alike = [reading for reading in readings if told and answered(reading) == told and _can_be_named(reading, operation)]
    above = [
        reading for reading in readings if operation.method != "POST" and f"{operation.path}/".startswith(f"{reading.path}/")
    ]
    found = sorted(alike, key=lambda reading: len(reading.path)) or sorted(above, key=lambda reading: -len(reading.path))
    return found[0] if found else None


def _reads_one(contract: Contract, operation: Operation) -> bool:
    """Whether an operation shows one thing, of which each identifier is of a known kind."""
    is_one = operation.method == "GET" and operation.path.endswith("}")
    return is_one and all(p.resource for p in _path(operation)) and bool(properties(contract, answered(operation)))


def _can_be_named(reading: Operation, operation: Operation) -> bool:
    """Whether no more than one of the names that a reading takes is of what is new."""
    return len([p for p in _path(reading) if p.name not in operation.placeholders]) <= 1 or reading.path.startswith(
        operation.path
    )


def _path(operation: Operation) -> list[Parameter]:
    return [p for p in operation.parameters if p.place == "path"]


# -- what is asked ---------------------------------------------------------------------------------------------------------


class Subjects:
    """Whom and what changes are about: made for it, and the same as long as they can be read.

    Attributes:
        told: What each reading operation told of any of them, by its id: what is blank may be left out of the next answer.
    """

    def __init__(self, questions: Questions) -> None:
        self.told: dict[str, dict[str, Any]] = defaultdict(dict)
        self._questions = questions
        self._kept: dict[tuple[str, str], str] = {}
        self._callers: dict[str, Person] = {}

    def caller(self, persona: str) -> Person:
        """Return somebody who asks about themselves.

        Raises:
            MisuseError: the server refuses.
        """
        if persona not in self._callers:
            self._callers[persona] = self._settled(self._questions.place.spare(persona))
        return self._callers[persona]

    def thing(self, kind: str, owner: str) -> str:
        """Return the id of what is changed.

        Raises:
            MisuseError, NotHereError: it cannot be made.
        """
        key = (kind, "" if kind == "user" else owner)
        if key not in self._kept:
            self._kept[key] = self._new(kind, owner)
        return self._kept[key]

    def _new(self, kind: str, owner: str) -> str:
        place = self._questions.place
        if kind == "user":
            return self._settled(place.double(self._questions.world.people["member"])).id
        return place.new(kind, OPEN, owner)

    def lose(self, kind: str, owner: str) -> None:
        """Let go of what cannot be read any more."""
        self._kept.pop((kind, "" if kind == "user" else owner), None)
        if kind == "user":
            self._callers.pop(owner, None)
            self._questions.place.spend(owner)

    def _settled(self, person: Person) -> Person:
        if person.persona.team_role:
            channel = self._questions.place.standing("channel", OPEN, RESIDENT)
            self._questions.world.admin(self._questions.client).join_channel(channel, person.id, person.persona.channel_role)
        return person


@dataclass(frozen=True)
class Shown:
    """A served request, and how the administrator then reads what it was about."""

    answer: Exchange
    reading: Exchange

    @property
    def thing(self) -> dict[str, Any]:
        return self.reading.json_object


class UnlistedTrial:
    """One operation, asked plain and with more."""

    def __init__(
        self, questions: Questions, operation: Operation, reading: Operation, names: frozenset[str], people: Subjects
    ) -> None:
        self._questions, self._operation, self._reading, self._people = questions, operation, reading, people
        self._schemas = properties(questions.contract, answered(reading))
        self._listed = names
        self._probe = Probe(_MIGHTIEST, "other", None)

    def play(self) -> Iterator[Finding]:
        """Ask, and yield what had an effect.

        Raises:
            MisuseError, NotHereError: what it takes cannot be made.
        """
        plain = self._served_to_the_least()
        if plain is None:
            return
        sent = plain.answer.json_sent
        names = sorted((self._schemas.keys() | self._people.told[self._reading.id].keys()) - self._listed - sent.keys())
        silent = []
        for name, shown in self._accepted(names, plain):
            if self._probe.persona == _MIGHTIEST or not self._is_the_servers(name, plain.thing.get(name)):
                silent.append((name, shown))
            elif confirmed := self._confirm(name, plain):
                yield self._finding(name, confirmed, f"`{name}` is listed nowhere in the request, and is then what was sent")
        if silent:
            several = ", ".join(name for name, _ in silent)
            found = self._finding(several, silent[0][1], f"accepted, and listed nowhere: {several}")
            yield msgspec.structs.replace(found, is_gap=True)

    def _served_to_the_least(self) -> Shown | None:
        spots = list(probes(self._operation))
        here = [probe for probe in spots if probe.spot == spots[0].spot and probe.persona in CALLERS]
        for probe in sorted(here, key=lambda probe: CALLERS.index(probe.persona)):
            person = self._questions.world.people.get(probe.persona)
            if person is None and probe.persona != "anonymous":
                continue
            if probe.about == "self" and person and (person.persona.is_guest or "user" in self._operation.consumes):
                continue
            self._probe = probe
            if shown := self._ask({}):
                return shown
        return None

    # -- one request -------------------------------------------------------------------------------------------------------

    @property
    def _owner(self) -> str:
        return self._probe.persona if self._probe.about == "self" else RESIDENT

    @property
    def _subject(self) -> str:
        """The kind of what the request changes; nothing where it makes something."""
        last = _path(self._reading)[-1]
        is_theirs = last.name in self._operation.placeholders or (last.resource == "user" and "user" in self._operation.kinds)
        return str(last.resource) if is_theirs and last.resource not in self._operation.consumes - {"user"} else ""

    @property
    def _is_about_themselves(self) -> bool:
        return self._subject == "user" and self._probe.about == "self"

    def _ask(self, more: Values) -> Shown | None:
        """Ask, and read what it was about; None where it was not served, or cannot be read."""
        caller = self._people.caller(self._probe.persona) if self._is_about_themselves else None
        things = {} if caller or not self._subject else {self._subject: self._people.thing(self._subject, self._owner)}
        if caller:
            things["user"] = caller.id
        self._take_out(things)
        answer = self._questions.send(self._operation, self._probe, caller=caller, things=things, body=more)
        if answer is None or not answer.is_success:
            if caller and (answer is None or answer.status == 401):
                self._people.lose("user", self._probe.persona)
            return None
        mightiest = self._questions.world.people[_MIGHTIEST]
        reading = self._questions.ask(self._reading, _MIGHTIEST, mightiest, about=self._named(answer, things))
        if reading is None or not reading.is_success or not isinstance(reading.json_or_none, dict):
            self._people.lose(self._subject, self._owner)
            return None
        self._people.told[self._reading.id] |= reading.json_object
        return Shown(answer, reading)

    def _take_out(self, things: Mapping[str, str]) -> None:
        """Have who is let in somewhere not be there before."""
        if "membership" in self._operation.consumes and self._operation.method == "POST":
            place, spot = self._questions.place, self._probe.spot or OPEN
            ids = {
                str(p.resource): things.get(str(p.resource)) or place.standing(str(p.resource), spot, RESIDENT)
                for p in _path(self._reading)
            }
            path = self._reading.filled({p.name: ids[str(p.resource)] for p in _path(self._reading)})
            self._questions.world.admin(self._questions.client).ask("DELETE", self._questions.contract.base + path)

    def _named(self, answer: Exchange, things: Mapping[str, str]) -> dict[str, str]:
        """Return by kind what is to be read: what the request named, or the answer tells."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self._questions.contract.base + self._operation.path))
        named = match.groupdict() if (match := re.fullmatch(pattern, answer.path)) else {}
        told = answer.json_object if isinstance(answer.json_or_none, dict) else {}
        found = {}
        for parameter in _path(self._reading):
            ends = next((value for name, value in told.items() if parameter.name.endswith(name)), told.get("id"))
            kind = str(parameter.resource)
            found[kind] = str(named.get(parameter.name) or told.get(parameter.name) or things.get(kind) or ends)
        return found

    # -- what is sent ------------------------------------------------------------------------------------------------------

    def _accepted(self, names: Sequence[str], plain: Shown) -> list[tuple[str, Shown]]:
        """Return which of some properties are read as they were sent, and where; if all together are refused, in halves."""
        told = self._people.told[self._reading.id] | plain.thing
        values = {name: value for name in names if (value := self._other(name, told.get(name))) is not None}
        shown = self._ask(values) if values else None
        if shown:
            return [(name, shown) for name, value in values.items() if is_ours(shown.thing.get(name), value)]
        half = len(values) // 2
        some = list(values)
        return [*self._accepted(some[:half], plain), *self._accepted(some[half:], plain)] if half else []

    def _confirm(self, name: str, plain: Shown) -> Shown | None:
        """Send a property by itself, of what is changed after a plain request, and return how it is then read."""
        before = (self._ask({}) if self._subject else plain) or plain
        value = self._other(name, before.thing.get(name, self._people.told[self._reading.id].get(name)))
        shown = None if is_ours(before.thing.get(name), value) else self._ask({name: value})
        return shown if shown and is_ours(shown.thing.get(name), value) else None

    def _finding(self, field: str, shown: Shown, seen: str) -> Finding:
        sides = (
            self._questions.sightings.side(shown.answer, f"sent beside what is listed: {field}"),
            self._questions.sightings.side(shown.reading, "read as it was sent"),
        )
        return Finding("unlisted", self._operation.id, self._reading.id, field, self._probe.persona, seen, sides)

    def _is_the_servers(self, name: str, value: Any) -> bool:
        """Whether a property says who, when or what something is, which the server fills in: no content, no choice."""
        if _is_time(name, value) or self._is_id(name, value):
            return True
        is_choice = isinstance(value, bool) or bool(self._schemas.get(name, {}).get("enum"))
        return not is_blank(value) and (is_choice or self._ranks(value))

    def _is_id(self, name: str, value: Any) -> bool:
        return name == "id" or name.endswith("_id") or (isinstance(value, str) and value in self._questions.sightings.things)

    def _other(self, name: str, value: Any) -> Any:
        """Return a value of the same type that is not the thing's own, and is ours; None where there is none."""
        schema = self._schemas.get(name, {})
        types = _types(schema)
        if isinstance(value, bool) or (value is None and "boolean" in types):
            return not value
        if isinstance(value, int) or (value is None and "integer" in types):
            return _EARLIEST + secrets.randbelow(_SPAN) if _is_time(name, value) else 2 + secrets.randbelow(10**6)
        if isinstance(value, dict) or (value is None and "object" in types):
            return {_mark(): _mark()}
        if isinstance(value, str) or (value is None and "string" in types):
            text = self._text(name, value or "", schema)
            self._questions.world.register.draw(text)
            return text
        return None

    def _text(self, name: str, value: str, schema: Mapping[str, Any]) -> str:
        if self._is_id(name, value):
            return self._another(name, value)
        if self._ranks(value):
            return " ".join(dict.fromkeys([*value.split(), *value.replace("_user", "_admin").split()]))
        others = [allowed for allowed in schema.get("enum") or () if isinstance(allowed, str) and allowed not in ("", value)]
        return others[0] if others else f"{_mark()}@conformance.invalid" if name.endswith("email") else _mark()

    def _another(self, name: str, value: str) -> str:
        """Return the id of another thing of ours of the kind, where that is known."""
        known = self._questions.sightings.things.get(value) or _kinds(self._questions.contract).get(name, "")
        kind = "" if name == "id" else known  # a thing's own is nobody else's
        if kind in ("user", "team", "channel"):
            ids = (self._questions.place.standing(kind, OPEN, RESIDENT, which) for which in (1, 0))
            return next(id_ for id_ in ids if id_ != value)
        return "".join(secrets.choice(ascii_lowercase + digits) for _ in range(26))

    def _ranks(self, value: Any) -> bool:
        """Whether a text names roles of the server."""
        known = self._questions.world.told_roles
        return isinstance(value, str) and bool(value) and all(word in known for word in value.split())


@cache
def _kinds(contract: Contract) -> Mapping[str, str]:
    """Return what identifiers are of which kind, by their names."""
    return {p.name: p.resource for operation in contract.operations.values() for p in operation.parameters if p.resource}


def is_ours(value: Any, sent: Any) -> bool:
    """Return whether a value that is read is the one that was sent; an object holds it, and roles have no order."""
    if isinstance(sent, dict):
        return isinstance(value, dict) and sent.items() <= value.items()
    if isinstance(sent, str):
        return isinstance(value, str) and sorted(value.split()) == sorted(sent.split())
    return bool(type(value) is type(sent) and value == sent)


def _is_time(name: str, value: Any) -> bool:
    return name.endswith("_at") or (isinstance(value, int) and value >= _EARLIEST)


def _types(schema: Mapping[str, Any]) -> Sequence[str]:
    told = schema.get("type")
    return told if isinstance(told, list) else [str(told)]


def _mark() -> str:
    return f"mark{secrets.token_hex(6)}"
