"""``hidden``: what the operation that reads a thing blanks for somebody, no other answer shows them.

Derived: which operation reads a kind (the one that names nothing but the thing), and what it blanks for whom, from its answers
to the administrator and to them. Compared are the same field of the same thing, for the same caller, with the value that the
administrator reads; what is merely left out of a shorter form is not blanked, and what was just renewed is its maker's.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import product

import msgspec

from mmconform.contract.clause import Contract, Operation
from mmconform.driving.composing import Probe
from mmconform.errors import MisuseError, NotHereError
from mmconform.principles.questions import Questions, flags
from mmconform.principles.schemas import properties
from mmconform.principles.sightings import Finding, Sighting, Sightings
from mmconform.record.rows import Evidence
from mmconform.wire.client import Client, HeldBackError, UnseenError
from mmconform.world.people import CALLERS
from mmconform.world.place import OPEN, RESIDENT
from mmconform.world.world import Person, World

#: Who sees all.
_MIGHTIEST = "system_admin"


#: Who changes what is theirs.
_CHANGES = "member"
#: Kinds of which a member changes what is theirs, each alone.
_CHANGED = ("user", "channel", "post")


def ask_all(questions: Questions) -> None:
    """Ask everything that can be asked with a switch once more with each of its switches on, and read what was shown.

    What changes a thing is asked once for each text that its request lists: what an answer shows may hang on what was changed.
    """
    questions.open_team()
    reader = Reader(questions.contract, questions.sightings, questions.world, questions.client)
    people = [(name, questions.world.people[name]) for name in CALLERS if name in questions.world.people]
    for operation in questions.reading:
        for flag, (name, person) in product(flags(operation), people):
            questions.ask(operation, name, person, params={flag: "true"})
    for kind in _CHANGED:
        with suppress(MisuseError, NotHereError):
            _change_all(questions, kind)
    reader.read_new()


def _change_all(questions: Questions, kind: str) -> None:
    """Have a member change each text of a thing of theirs, one at a time.

    Raises:
        MisuseError, NotHereError: there is no such thing to change.
    """
    member = questions.place.double(questions.world.people[_CHANGES])
    thing = member.id if kind == "user" else questions.place.new(kind, OPEN, RESIDENT if kind == "channel" else _CHANGES)
    for operation in questions.changing:
        if operation.kinds == {kind} and operation.method in ("PUT", "PATCH") and not operation.consumes:
            probe = Probe(_CHANGES, "self" if kind == "user" else "other", OPEN)
            caller = member if kind == "user" else None
            for name in texts(questions.contract, operation):
                changed = {name: questions.place.filler("unique")}
                questions.send(operation, probe, caller=caller, things={kind: thing}, body=changed)


def texts(contract: Contract, operation: Operation) -> list[str]:
    """Return the properties that a request lists and that may hold any text: none that names something."""
    body = operation.body
    if body is None or not body.is_json:
        return []
    named = {*body.resources, *body.identifying, "id"}
    listed = properties(contract, body.schema).items()
    return [name for name, schema in listed if schema.get("type") == "string" and "enum" not in schema and name not in named]


class Reader:
    """Reads what answers showed, as who was shown it and as the administrator, with the kind's own operation."""

    def __init__(self, contract: Contract, sightings: Sightings, world: World, client: Client) -> None:
        self._contract, self._sightings, self._world, self._client = contract, sightings, world, client
        self._before = len(sightings.seen.sightings)

    def read_new(self) -> None:
        """Read what was sighted since this reader came, except by whoever cannot be asked any more.

        The administrator reads before them and after them: what is changed meanwhile is not hidden.
        """
        mightiest = self._world.people[_MIGHTIEST]
        for (thing, kind), people in self._unread().items():
            for person in (mightiest, *people, mightiest):
                self._read(person, kind, thing)

    def _unread(self) -> dict[tuple[str, str], list[Person]]:
        """Return who has not read what they were shown, or was shown it when it was changed."""
        found: dict[tuple[str, str], list[Person]] = defaultdict(list)
        for sighting in self._sightings.seen.sightings[self._before :]:
            person = self._world.people.get(sighting.persona)
            if (
                person is None
                or person.id != sighting.caller
                or sighting.kind not in self._sightings.reads
                or sighting.is_reading
            ):
                continue
            if sighting.is_change or (person.id, sighting.thing) not in self._sightings.read:
                self._sightings.read.add((person.id, sighting.thing))
                if person not in found[sighting.thing, sighting.kind]:
                    found[sighting.thing, sighting.kind].append(person)
        return found

    def _read(self, who: Person, kind: str, thing: str) -> None:
        operation = self._sightings.reads[kind]
        name = next(p.name for p in operation.parameters if p.place == "path")
        try:
            answer = self._client.send(
                operation.method,
                self._contract.base + operation.filled({name: thing}),
                persona=who.persona.name,
                token=who.session,
                operation=operation.id,
                about="self" if thing == who.id else "other",
                own=frozenset({who.id}),
            )
            self._sightings.note(answer)
        except UnseenError:
            self._sightings.lose(operation.id)
        except HeldBackError:
            pass


def find(sightings: Iterable[Sighting]) -> Iterator[Finding]:
    """Yield what was shown although it is blanked; a pure function of what was seen, in the order in which it was."""
    readings: dict[str, list[Sighting]] = defaultdict(list)
    shown: list[Sighting] = []
    for sighting in sightings:
        (readings[sighting.thing] if sighting.is_reading else shown).append(sighting)
    for sighting in shown:
        for field, value in sorted(sighting.fields.items()):
            if value and (read := _blanked(readings[sighting.thing], sighting.caller, field, value)):
                yield _finding(sighting, read, field)


def _blanked(readings: Sequence[Sighting], caller: str, field: str, value: str) -> Sighting | None:
    """Return how somebody read a field blank while the administrator read this value; None where they ever read it filled."""
    own = [number for number, reading in enumerate(readings) if reading.caller == caller]
    if not own or any(readings[number].fields.get(field) != "" for number in own):
        return None
    return next((readings[number] for number in own if _is_at(readings, number, field, value)), None)


def _is_at(readings: Sequence[Sighting], number: int, field: str, value: str) -> bool:
    """Whether the administrator reads a value in a field both last before a reading and first after it."""
    before = next((reading for reading in reversed(readings[:number]) if reading.persona == _MIGHTIEST), None)
    after = next((reading for reading in readings[number:] if reading.persona == _MIGHTIEST), None)
    return before is not None and after is not None and before.fields.get(field) == after.fields.get(field) == value


def _finding(shown: Sighting, read: Sighting, field: str) -> Finding:
    seen = f"`{shown.place}{field}` is shown, as the administrator reads it; {read.operation} leaves it blank for them"
    sides = (_side(shown.evidence, f"{shown.place}{field}: shown"), _side(read.evidence, f"{field}: blank"))
    return Finding("hidden", shown.operation, read.operation, field, shown.persona, seen, sides)


def _side(side: Evidence, told: str) -> Evidence:
    """Return one side as evidence: what is to be hidden is not repeated by us."""
    return msgspec.structs.replace(side, answer=told)
