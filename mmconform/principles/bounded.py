"""``bounded``: nobody below an administrator acts on one, and nobody gives more than they have.

An administrator is made for it, and whatever names a user is asked about them by who holds less: in the end everything but
``manage_system``. What was served counts when the account, its sessions, tokens, status or preferences are read to be otherwise
afterwards. Whatever gives roles is asked to give those that hold what the giver lacks, and the target is read to have got them.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from mmconform.contract.clause import Contract, Operation
from mmconform.contract.permission import permissions
from mmconform.driving.composing import Probe
from mmconform.driving.near_misses import demanded
from mmconform.driving.probes import spots_of
from mmconform.errors import MisuseError
from mmconform.principles.questions import Questions
from mmconform.principles.schemas import answered, listed, properties
from mmconform.principles.sightings import Finding
from mmconform.principles.unlisted import reading_of
from mmconform.wire.exchange import Exchange
from mmconform.world import kinds
from mmconform.world.place import OPEN, RESIDENT
from mmconform.world.spare import NEAR_MISS, Spare
from mmconform.world.world import Person

#: Who asks beside those whose role is filled for it, the least powerful first.
_CALLERS = ("member", "channel_admin", "team_admin")
_MIGHTIEST = "system_admin"
#: What belongs to a user alone, by the kind; the others lie in teams and channels.
_CREDENTIALS = ("token", "session")
#: Says nothing by itself.
_BESIDE_THE_POINT = "update_at"
#: In which scopes a permission counts that is given in a team, or in a channel.
_WITHIN = {"team": ("team", "channel"), "channel": ("channel",)}
State = dict[str, Any]


def ask_all(questions: Questions, spare: Spare | None) -> None:
    """Ask about an administrator, and for roles.

    Args:
        spare: A role that can be filled; None where there is none.
    """
    for is_bot in (False, True):
        with questions.trying():
            questions.found(Reach(questions, spare, is_bot=is_bot).play())
    with questions.trying():
        questions.found(Giving(questions, spare).play())


@dataclass(frozen=True)
class Holder:
    """Who asks, and what they hold everywhere beside what everybody like them does."""

    name: str
    person: Person
    held: frozenset[str] = frozenset()


class _Asking:
    """Asks as callers who hold less than an administrator."""

    def __init__(self, questions: Questions, spare: Spare | None) -> None:
        self._questions, self._spare = questions, spare
        self._admin = questions.world.admin(questions.client)
        if spare:
            spare.person(NEAR_MISS)  # before things are made in which they are to be, too

    def _callers(self) -> Iterator[Holder]:
        yield from (Holder(name, self._questions.world.people[name]) for name in _CALLERS)
        if self._spare:
            yield self._holding(NEAR_MISS, self._spare.everything)

    def _holding(self, name: str, held: frozenset[str]) -> Holder:
        assert self._spare
        self._spare.hold(held)
        return Holder(name, self._spare.person(name), held)

    def _ask(self, operation: Operation, caller: Holder, things: Mapping[str, str], body: Mapping[str, Any]) -> Exchange | None:
        """Ask, and return the answer if it was served."""
        probe = Probe(caller.name, "other", spots_of(operation)[0])
        answer = self._questions.send(operation, probe, caller=caller.person, things=things, body=body)
        if answer is not None and answer.status == 401 and self._spare and self._spare.people.get(caller.person.persona.name):
            self._spare.sign_in_again(caller.person.persona.name)
            again = self._spare.person(caller.name)
            answer = self._questions.send(operation, probe, caller=again, things=things, body=body)
        return answer if answer is not None and answer.is_success else None

    def _join(self, person: Person) -> Person:
        self._admin.join(self._questions.world.team_id, person.id)
        self._admin.join_channel(self._questions.place.standing("channel", OPEN, RESIDENT), person.id)
        self._questions.sightings.knows("user", [person.id])
        return person


# -- nobody below an administrator acts on one -----------------------------------------------------------------------------


class Reach(_Asking):
    """Who holds less asks whatever names a user about an administrator.

    Args:
        is_bot: The administrator is a bot; what its owner may do with a bot, which is more, names no user.
    """

    def __init__(self, questions: Questions, spare: Spare | None, *, is_bot: bool = False) -> None:
        super().__init__(questions, spare)
        self._is_bot = is_bot
        self._readings = [operation for operation in questions.reading if self._is_of_the_account(operation)]
        self._person = self._new()

    def play(self) -> Iterator[Finding]:
        """Ask, and yield what was changed of the administrator.

        Raises:
            MisuseError: what it takes cannot be made.
        """
        self._state = self._read()
        besides = {"bot", "session"} if self._is_bot else set[str]()
        named = [operation for operation in self._questions.changing if operation.kinds & {"user", *_CREDENTIALS}]
        about = [operation for operation in named if not operation.kinds & besides]
        found: dict[str, list[Finding]] = {operation.id: [] for operation in about}
        first, others = self._first()
        for caller in first:
            for operation in about:
                found[operation.id] += self._of(operation, caller)
        for operation in (operation for operation in about if found[operation.id]):
            for caller in chain(others, self._narrower(operation)):
                found[operation.id] += self._of(operation, caller)
        yield from (finding for several in found.values() for finding in several)

    def _first(self) -> tuple[list[Holder], list[Holder]]:
        """Return who asks first, and who does where these are served: who lacks the least is let in if anybody is."""
        people = self._questions.world.people
        *others, strongest = (Holder(name, people[name]) for name in _CALLERS)
        if self._spare is None:
            return ([], []) if self._is_bot else ([*others, strongest], [])
        near_miss = self._holding(NEAR_MISS, self._spare.everything)
        return ([near_miss], []) if self._is_bot else ([strongest, near_miss], others)

    def _narrower(self, operation: Operation) -> Iterator[Holder]:
        """Yield who holds just what its sentence names, and what the roles for delegated administration hold."""
        if self._spare is None:
            return
        for permission in demanded(operation):
            if permission in self._spare.everything:
                yield self._holding("holder", frozenset({permission}))
        for name, held in self._spare.delegated.items():
            yield self._holding(name, held)

    def _of(self, operation: Operation, caller: Holder) -> Iterator[Finding]:
        for body in self._bodies(operation):
            with self._questions.trying():
                answer = self._ask(operation, caller, self._things(operation), body)
                if answer is not None and "membership" in operation.consumes:
                    self._join(self._person)
                if answer is not None and (changed := self._changed()):
                    yield self._finding(operation, caller, answer, changed)
                    self._repair()
                    return

    def _finding(self, operation: Operation, caller: Holder, answer: Exchange, changed: Mapping[str, Exchange]) -> Finding:
        names, reading = ", ".join(sorted(changed)), next(iter(changed.values()))
        names = f"a bot's {names}" if self._is_bot else names
        seen = f"who is no administrator changes of one: {names}"
        sides = self._questions.sightings.side(answer, "served"), self._questions.sightings.side(reading, f"changed: {names}")
        return Finding("bounded", operation.id, reading.operation, names, caller.name, seen, sides)

    def _bodies(self, operation: Operation) -> Iterator[dict[str, Any]]:
        """Yield what a request holds beside what it holds anyway: texts of an account that it lists, names by themselves."""
        yield {}
        texts = [name for name in sorted(listed(self._questions.contract, operation)) if self._state.get(name) == ""]
        if texts:
            yield {name: f"mark{secrets.token_hex(6)}" for name in texts}
        world = self._questions.world
        for name in ("username", "email") if texts else ():
            yield {name: world.name("x") + ("@conformance.invalid" if name == "email" else "")}

    def _things(self, operation: Operation) -> dict[str, str]:
        things = {"user": self._person.id}
        for kind in operation.kinds & set(_CREDENTIALS):
            things[kind] = kinds.by_name()[kind].make(self._questions.owner(self._person))
            self._questions.world.register.learn(things[kind])
            self._state = self._read()
        return things

    # -- how they are ------------------------------------------------------------------------------------------------------

    def _is_of_the_account(self, operation: Operation) -> bool:
        """Whether it reads the account, or what lies below it and is nobody's and nothing else's."""
        reads = self._questions.sightings.reads.get("user")
        path = [p.resource for p in operation.parameters if p.place == "path"]
        is_below = reads is not None and path == ["user"] and operation.path.startswith(f"{reads.path}/")
        return operation is reads or (is_below and is_of_an_account(self._questions.contract, operation))

    def _read(self) -> State:
        self._answers: dict[str, Exchange] = {}
        state: State = {}
        for operation in self._readings:
            mightiest = self._questions.world.people[_MIGHTIEST]
            answer = self._questions.ask(operation, _MIGHTIEST, mightiest, about={"user": self._person.id})
            for name, value in _facts(operation, answer):
                state[name], self._answers[name] = value, answer  # type: ignore[assignment]
        return state

    def _changed(self) -> dict[str, Exchange]:
        """Return what is otherwise than before, with the answer that tells so; what changes by itself is left out."""
        before, self._state = self._state, self._read()
        changed = {name for name in before.keys() | self._state.keys() if before.get(name) != self._state.get(name)}
        return {name: self._answers.get(name) or next(iter(self._answers.values())) for name in changed}

    def _repair(self) -> None:
        """Have the administrator be one again, or another one in their place."""
        user = f"/api/v4/users/{self._person.id}"
        try:
            self._admin.ask("PUT", f"{user}/active", {"active": True})
            self._admin.ask("PUT", f"{user}/roles", {"roles": "system_user system_admin"})
            if not self._is_bot:
                self._person = self._questions.place.signed_in_again(self._person)
        except MisuseError:
            self._person = self._new()
        self._state = self._read()

    def _new(self) -> Person:
        place, people = self._questions.place, self._questions.world.people
        if not self._is_bot:
            return self._join(place.double(people[_MIGHTIEST]))
        id_ = place.new("bot", None, RESIDENT)
        self._admin.give_roles(id_, [_MIGHTIEST])
        return self._join(replace(people[_MIGHTIEST], id=id_, session=None))


def is_of_an_account(contract: Contract, operation: Operation) -> bool:
    """Whether what an operation reads is a user's alone: it names the user, and no team or channel."""
    schema = answered(operation)
    rows = properties(contract, schema.get("items") if isinstance(schema, dict) and schema.get("type") == "array" else schema)
    return "user_id" in rows and not {"team_id", "channel_id"} & rows.keys()


def _facts(operation: Operation, answer: Exchange | None) -> Iterator[tuple[str, Any]]:
    """Yield what an answer tells of an account: its fields, or all that another operation tells of it, as one."""
    told = answer.json_or_none if answer is not None and answer.is_success else None
    last = operation.path.rpartition("/")[2]
    if isinstance(told, dict) and operation.path.endswith("}"):
        yield from ((name, value) for name, value in told.items() if name != _BESIDE_THE_POINT)
    elif isinstance(told, dict):
        yield last, {name: value for name, value in told.items() if not name.endswith("_at")}
    elif isinstance(told, list):
        yield last, sorted(_row(row) for row in told)


def _row(row: Mapping[str, Any]) -> str:
    """Return what stands for a row: where it has an id, that and whether it is active."""
    known = {name: row[name] for name in ("id", "is_active") if name in row}
    return json.dumps(known if "id" in known else row, sort_keys=True, default=str)


# -- nobody gives more than they have --------------------------------------------------------------------------------------


class Giving(_Asking):
    """Whoever may give roles gives somebody those that hold what they themselves lack."""

    def __init__(self, questions: Questions, spare: Spare | None) -> None:
        super().__init__(questions, spare)
        self._person = self._join(questions.place.double(questions.world.people["member"]))

    def play(self) -> Iterator[Finding]:
        """Ask, and yield what was given."""
        for operation in self._questions.changing:
            names = sorted(name for name in listed(self._questions.contract, operation) if is_of_roles(name))
            reading = reading_of(self._questions.contract, operation) if names and "user" in operation.kinds else None
            for caller in self._callers() if reading else ():
                for name in names:
                    yield from self._of(operation, reading, caller, name)  # type: ignore[arg-type]

    def _of(self, operation: Operation, reading: Operation, caller: Holder, name: str) -> Iterator[Finding]:
        held = self._held(reading, caller)
        for value in self._values(reading, name, held):
            with self._questions.trying():
                before = self._roles(reading)
                answer = self._ask(operation, caller, {"user": self._person.id}, {name: value})
                if answer is None:
                    continue
                for role in sorted(self._roles(reading) - before):
                    if lacking := sorted(self._counting(reading, role) - held):
                        yield self._finding(operation, reading, caller, answer, role, lacking)
                self._take_back(operation)

    def _finding(
        self, operation: Operation, reading: Operation, caller: Holder, answer: Exchange, role: str, lacking: list[str]
    ) -> Finding:
        few = ", ".join(lacking[:3]) + (f" and {len(lacking) - 3} more" if len(lacking) > 3 else "")
        seen = f"gives the role `{role}`, which holds what the giver lacks: {few}"
        sides = (
            self._questions.sightings.side(answer, "served"),
            self._questions.sightings.side(self._reading, f"has the role {role}"),
        )
        return Finding("bounded", operation.id, reading.id, "roles", caller.name, seen, sides)

    def _values(self, reading: Operation, name: str, held: frozenset[str]) -> Iterator[Any]:
        """Yield what a property that gives roles may hold: one role more than an ordinary one, or a switch that is on."""
        scope = _scope(reading)
        if not name.endswith("roles"):
            yield True
            return
        ordinary = f"{scope or 'system'}_user"
        for role in self._questions.world.told_roles:
            if self._counting(reading, role) - held:
                yield f"{ordinary} {role}"

    def _counting(self, reading: Operation, role: str) -> frozenset[str]:
        """Return what a role holds that counts where it is given."""
        told, scopes = self._questions.world.told_roles.get(role, frozenset()), _WITHIN.get(_scope(reading))
        return frozenset(
            name for name in told if scopes is None or (name in permissions() and permissions()[name].scope in scopes)
        )

    def _held(self, reading: Operation, caller: Holder) -> frozenset[str]:
        """Return what a caller holds there."""
        told, persona = self._questions.world.told_roles, caller.person.persona
        local = persona.local_roles(in_team=bool(persona.team_role), in_channel=_scope(reading) == "channel")
        return caller.held.union(*(told.get(role, frozenset()) for role in {*persona.system_roles, *local}))

    def _roles(self, reading: Operation) -> set[str]:
        mightiest = self._questions.world.people[_MIGHTIEST]
        answer = self._questions.ask(reading, _MIGHTIEST, mightiest, about={"user": self._person.id})
        if answer is None or not answer.is_success:
            raise MisuseError("what somebody's roles are cannot be read")
        self._reading = answer
        return set(str(answer.json_object.get("roles", "")).split())

    def _take_back(self, operation: Operation) -> None:
        """Have the administrator make them an ordinary one again, with the request that is served."""
        probe = Probe(_MIGHTIEST, "other", spots_of(operation)[0])
        self._questions.send(operation, probe, things={"user": self._person.id})


def is_of_roles(name: str) -> bool:
    """Whether a property gives a role, by its name."""
    return name.endswith("roles") or name.startswith("scheme_admin")


def _scope(reading: Operation) -> str:
    """Return in which place the roles count that an operation reads; nothing for the whole system."""
    named = [str(p.resource) for p in reading.parameters if p.place == "path"]
    return next((kind for kind in ("channel", "team") if kind in named), "")
