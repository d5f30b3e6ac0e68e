"""``hidden``: what the operation that reads a thing blanks for somebody, no other answer shows them.

Derived: which operation reads a kind (the one that names nothing but the thing), and what it blanks for whom, from its answers
to the administrator and to them. Compared are the same field of the same thing, for the same caller, with the value that the
administrator reads; what is merely left out of a shorter form is not blanked, and what was just renewed is its maker's.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import product

import msgspec

from mmconform.contract.clause import Contract
from mmconform.driving.principles.questions import Questions, flags
from mmconform.driving.principles.sightings import Finding, Sighting, Sightings
from mmconform.driving.probes import CALLERS
from mmconform.record.rows import Evidence
from mmconform.wire.client import Client, HeldBackError, UnseenError
from mmconform.world.world import Person, World

#: Who sees all.
_MIGHTIEST = "system_admin"


def ask_all(questions: Questions) -> None:
    """Ask everything that can be asked with a switch once more with each of its switches on, and read what was shown."""
    questions.open_team()
    reader = Reader(questions.contract, questions.sightings, questions.world, questions.client)
    people = [(name, questions.world.people[name]) for name in CALLERS if name in questions.world.people]
    for operation in questions.reading:
        for flag, (name, person) in product(flags(operation), people):
            questions.ask(operation, name, person, params={flag: "true"})
    reader.read_new()


class Reader:
    """Reads what answers showed, as who was shown it and as the administrator, with the kind's own operation."""

    def __init__(self, contract: Contract, sightings: Sightings, world: World, client: Client) -> None:
        self._contract, self._sightings, self._world, self._client = contract, sightings, world, client
        self._before = len(sightings.seen.sightings)

    def read_new(self) -> None:
        """Read what was sighted since this reader came, except by whoever cannot be asked any more."""
        asked: set[tuple[str, str]] = set()
        known = {(one.caller, one.thing) for one in self._sightings.seen.sightings[: self._before] if one.is_reading}
        for one in self._sightings.seen.sightings[self._before :]:
            person = self._world.people.get(one.persona)
            if person is None or person.id != one.caller or one.kind not in self._sightings.reads or one.is_reading:
                continue
            for who in (person, self._world.people[_MIGHTIEST]):
                if (who.id, one.thing) not in asked and (one.is_change or (who.id, one.thing) not in known):
                    asked.add((who.id, one.thing))
                    self._read(who, one)

    def _read(self, who: Person, one: Sighting) -> None:
        operation = self._sightings.reads[one.kind]
        name = next(p.name for p in operation.parameters if p.place == "path")
        with suppress(UnseenError, HeldBackError):
            answer = self._client.send(
                operation.method,
                self._contract.base + operation.filled({name: one.thing}),
                persona=who.persona.name,
                token=who.session,
                operation=operation.id,
                about="self" if one.thing == who.id else "other",
                own=frozenset({who.id}),
            )
            self._sightings.note(answer)


def find(sightings: Iterable[Sighting]) -> Iterator[Finding]:
    """Yield what was shown although it is blanked; a pure function of what was seen."""
    readings: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
    of_all: dict[str, list[Sighting]] = defaultdict(list)
    shown = []
    for one in sightings:
        if not one.is_reading:
            shown.append(one)
        elif one.persona == _MIGHTIEST:
            of_all[one.thing].append(one)
        else:
            readings[one.caller, one.thing].append(one)
    for one in shown:
        own = readings[one.caller, one.thing]
        for field in sorted(_blanked(own)):
            if one.fields.get(field) in _values(of_all[one.thing], field):
                yield _finding(one, own[0], field)


def _blanked(readings: Iterable[Sighting]) -> set[str]:
    """Return the fields that every reading has, and has blank."""
    blank = [{field for field, value in one.fields.items() if not value} for one in readings]
    return set.intersection(*blank) if blank else set()


def _values(readings: Iterable[Sighting], field: str) -> set[str]:
    """Return what the administrator reads there, filled."""
    return {value for one in readings if (value := one.fields.get(field))}


def _finding(shown: Sighting, read: Sighting, field: str) -> Finding:
    seen = f"`{shown.place}{field}` is shown, as the administrator reads it; {read.operation} leaves it blank for them"
    sides = (_side(shown.evidence, f"{shown.place}{field}: shown"), _side(read.evidence, f"{field}: blank"))
    return Finding("hidden", shown.operation, read.operation, field, shown.persona, seen, sides)


def _side(one: Evidence, told: str) -> Evidence:
    """Return one side as evidence: what is to be hidden is not repeated by us."""
    return msgspec.structs.replace(one, answer=told)
