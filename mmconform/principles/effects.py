"""What a request brings about: which fields of what it names are others afterwards, as the administrator reads them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mmconform.contract.clause import Operation
from mmconform.driving.composing import Probe
from mmconform.driving.probes import spots_of
from mmconform.errors import MisuseError, NotHereError
from mmconform.principles.data import by_the_way
from mmconform.principles.questions import Questions
from mmconform.principles.sightings import fields_of
from mmconform.wire.exchange import Exchange
from mmconform.world import kinds
from mmconform.world.build import new_name
from mmconform.world.kinds.kind import Kind
from mmconform.world.kinds.user import new_password
from mmconform.world.people import PERSONAS
from mmconform.world.place import OPEN, RESIDENT, Spot
from mmconform.world.world import PREFIX, Person

ADMINISTRATOR = "system_admin"
MEMBER, GUEST = "member", "guest"
_ROLES = {MEMBER: "system_user", GUEST: "system_guest"}
#: Accounts cannot be deleted: after so many they stay as they have become.
_MOST_TARGETS = 12
#: What servers draw at random.
_ID = re.compile(r"[a-z0-9]{26}")
_AN_ID = "an identifier"
#: Numbers from here on are moments, in milliseconds.
_A_MOMENT = 10**12


@dataclass(frozen=True)
class Situation:
    """In what state that is which a request names.

    Attributes:
        target: Whether the user whom it names is a member or a guest.
        is_inside: They are in the team or channel that it names.
        is_archived: The channel or team that it names is archived.
    """

    spot: Spot | None
    target: str = MEMBER
    is_inside: bool = True
    is_archived: bool = False

    @property
    def unlike_others(self) -> tuple[str, ...]:
        """In what it differs from the plain one: nothing, or few words."""
        in_private = self.spot is not None and self.spot is not OPEN and self.spot.is_home
        told = {GUEST: self.target == GUEST, "private channel": in_private, "archived": self.is_archived}
        return tuple(word for word, so in told.items() if so)


@dataclass(frozen=True)
class EffectTrial:
    """One request, about fresh things.

    Attributes:
        body: What it holds beside what is known to be served, or instead.
    """

    operation: Operation
    situation: Situation
    body: Mapping[str, Any] = field(default_factory=dict)


#: Values by the operation that reads them and the names of their fields.
Fields = Mapping[tuple[str, str], Any]
#: What such fields are afterwards, in words that are the same for things of the same kind.
Effect = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Outcome:
    """What came of a trial.

    Attributes:
        read: The operations that were asked before and after.
        before: What the fields that changed were, as the server told it; ``after`` what they are.
    """

    answer: Exchange
    read: frozenset[str]
    effect: Effect
    before: Fields = field(default_factory=dict)
    after: Fields = field(default_factory=dict)

    @property
    def fields(self) -> str:
        """The names of the fields that changed."""
        return ", ".join(sorted({name for _, name in self.effect}))

    def is_like(self, other: "Outcome") -> bool:
        """Return whether both brought about the same, by all that was read after both of them."""
        shared = self.read & other.read
        ours, theirs = ({key: side.effect[key] for key in side.effect if key[0] in shared} for side in (self, other))
        return bool(ours) and ours == theirs


def base_of(kind: str) -> str:
    """Return the kind of which another one is a state or a special case: a post, of which some are edited."""
    known = kinds.by_name()[kind]
    names = [kind.name for kind in type(known).__mro__ if issubclass(kind, Kind) and kind.name]
    return known.state_of or names[-1]


def situations(operation: Operation) -> Iterator[Situation]:
    """Yield the states in which it is tried, the plain one first."""
    named = {base_of(kind) for kind in operation.kinds}
    spots = [spot for spot in spots_of(operation) if spot is None or (spot.is_home and spot.is_joined)]
    if named.isdisjoint(("channel", "post")):
        spots = spots[:1]
    has_place = not named.isdisjoint(("channel", "team"))
    for spot in spots:
        for target in (MEMBER, GUEST) if "user" in named else (MEMBER,):
            for is_inside in (True, False) if "user" in named and has_place else (True,):
                yield Situation(spot, target, is_inside)
    if "channel" in operation.kinds:
        yield Situation(spots[0], is_archived=True)


class Laboratory:
    """Tries requests, each about things that none before it has changed."""

    def __init__(self, questions: Questions) -> None:
        self._questions, self._place, self._world = questions, questions.place, questions.world
        self._admin = questions.world.admin(questions.client)
        self._things: dict[tuple[str, Spot | None, bool], str] = {}
        self._targets: dict[tuple[str, bool], str] = {}
        self._settled: dict[tuple[str, str], bool] = {}
        self._unchanged: dict[frozenset[str], Fields] = {}
        self._made = 0

    def trial(self, trial: EffectTrial, persona: str = ADMINISTRATOR, caller: Person | None = None) -> Outcome | None:
        """Send a request and read what it changed; None where it could not be sent."""
        try:
            things = self._things_for(trial)
        except (MisuseError, NotHereError):
            return None
        ids = {base_of(kind): id_ for kind, id_ in things.items()}
        before = self._unchanged.get(frozenset(ids.values())) or self._read(ids)
        probe = Probe(persona, "other", trial.situation.spot)
        answer = self._questions.send(trial.operation, probe, caller=caller, things=things, body=trial.body)
        if answer is None:
            return None
        after = self._read(ids) if answer.is_success else before
        effect = changes(before, after, {id_: kind for kind, id_ in ids.items()})
        was, is_now = ({key: values[key] for key in effect if key in values} for values in (before, after))
        self._unchanged = {} if answer.is_success else {**self._unchanged, frozenset(ids.values()): before}
        if answer.is_success:
            self._let_go(things, {key: was.get(key) for key in effect})
        return Outcome(answer, frozenset(reading.id for reading in self._readings(ids)), effect, was, is_now)

    # -- reading ---------------------------------------------------------------------------------------------------

    def _readings(self, ids: Mapping[str, str]) -> list[Operation]:
        """Return the operations that read one of the things that are named, or what one is in another."""
        reads = self._questions.sightings.reads
        found = [reads[kind] for kind in ids if kind in reads]
        for operation in self._questions.reading:
            named = [base_of(p.resource) for p in operation.parameters if p.place == "path" and p.resource]
            is_one = operation.path.endswith("}") and len(set(named)) == len(named) > 1 and not operation.required_query
            if is_one and set(named) <= ids.keys():
                found.append(operation)
        return found

    def _read(self, ids: Mapping[str, str]) -> dict[tuple[str, str], Any]:
        """Return what the administrator reads; nothing of what is not there."""
        told: dict[tuple[str, str], Any] = {}
        for operation in self._readings(ids):
            answer = self._questions.ask(operation, ADMINISTRATOR, self._world.people[ADMINISTRATOR], about=ids)
            if answer is not None and answer.is_success:
                shown = fields_of(answer.json_object)
                told |= {(operation.id, name): value for name, value in shown if name not in by_the_way()}
        return told

    # -- things ----------------------------------------------------------------------------------------------------

    def _things_for(self, trial: EffectTrial) -> dict[str, str]:
        """Return the ids of what a request names, in the situation in which it is to be; the composer names what nobody reads.

        Raises:
            MisuseError, NotHereError: they cannot be made.
        """
        situation, named = trial.situation, self.named_by(trial.operation)
        people = {kind for kind in named if base_of(kind) == "user"}
        is_about_a_team = {base_of(kind) for kind in named} == {"team"}
        things = {kind: self._thing(kind, situation, is_about_a_team) for kind in sorted(named - people)}
        for kind in people:
            things[kind] = self._target(GUEST if kind == "guest-account" else situation.target, is_alone=len(named) == 1)
            if len(named) > 1:
                self._settle(things[kind], {base_of(name): id_ for name, id_ in things.items()}, situation)
        return things

    def named_by(self, operation: Operation) -> frozenset[str]:
        """Return the kinds of what a request names that can be read."""
        known = {kind for kind in operation.kinds if kind in kinds.by_name() and not kinds.by_name()[kind].is_absent}
        return frozenset(kind for kind in known if base_of(kind) in self._questions.sightings.reads)

    def _thing(self, kind: str, situation: Situation, is_about_a_team: bool) -> str:
        """Return a thing that no request before has changed; the team in which something is to happen is the world's."""
        if kind == "team" and not is_about_a_team:
            return self._world.team_id
        is_archived = situation.is_archived and kind in ("channel", "team")
        key = (kind, situation.spot, is_archived)
        if key not in self._things:
            self._things[key] = self._place.new(f"archived-{kind}" if is_archived else kind, situation.spot, RESIDENT)
        return self._things[key]

    def _target(self, what: str, *, is_alone: bool) -> str:
        """Return somebody whom a request is about: alone, or in a place, of which only that changes."""
        key = (what, is_alone)
        if key not in self._targets:
            self._made += 1
            name = new_name(self._world, PERSONAS["outsider"])
            self._world.note(what="user", name=name)
            self._targets[key] = self._admin.make_user(name, new_password())
            self._world.note(what="user", name=name, id=self._targets[key])
            self._reset(key, {})
        return self._targets[key]

    def _reset(self, key: tuple[str, bool], before: Mapping[str, Any]) -> None:
        """Make somebody what they were: active, a member or a guest, with what their profile said."""
        url = f"/api/v4/users/{self._targets[key]}"
        self._admin.ask("PUT", f"{url}/active", {"active": True})
        self._admin.ask("PUT", f"{url}/roles", {"roles": _ROLES[key[0]]})
        if before:
            self._admin.ask("PUT", f"{url}/patch", before)

    def _settle(self, user: str, ids: Mapping[str, str], situation: Situation) -> None:
        """Have somebody be in the team and channel of a request, or in the team alone, or in none."""
        team, channel = ids.get("team", self._world.team_id), ids.get("channel", "")
        self._put(user, f"teams/{team}", partial(self._admin.join, team, user), is_in=bool(channel) or situation.is_inside)
        if channel:
            self._put(user, f"channels/{channel}", partial(self._admin.join_channel, channel, user), is_in=situation.is_inside)

    def _put(self, user: str, place: str, join: Callable[[], None], *, is_in: bool) -> None:
        """Have somebody be in a place, or not in it, unless nothing has changed since they were made to be so."""
        if self._settled.get((user, place)) is is_in:
            return
        self._admin.ask("DELETE", f"/api/v4/{place}/members/{user}")
        if is_in:
            join()  # anew, as an ordinary member
        self._settled[user, place] = is_in
        self._unchanged = {}

    def _let_go(self, things: Mapping[str, str], before: Fields) -> None:
        """Use nothing again that a served request has changed; people are made what they were, or others take their place."""
        operations = self._questions.contract.operations
        named = {reading: {base_of(kind) for kind in operations[reading].kinds} for reading, _ in before}
        changed = {kind for kinds_named in named.values() if len(kinds_named) == 1 for kind in kinds_named}
        used = set(things.values())
        self._settled = {key: is_in for key, is_in in self._settled.items() if key[0] not in used}
        self._things = {key: id_ for key, id_ in self._things.items() if id_ not in used or base_of(key[0]) not in changed}
        for key in [key for key, id_ in self._targets.items() if id_ in used and "user" in changed]:
            self._reset(key, {name: value for (_, name), value in before.items() if isinstance(value, str) and "." not in name})
            now = self._read({"user": self._targets[key]})
            if self._made < _MOST_TARGETS and any(now.get(name) != value for name, value in before.items()):
                del self._targets[key]


def changes(before: Fields, after: Fields, names: Mapping[str, str]) -> Effect:
    """Return the fields that are others afterwards, and what they are: a moment or an identifier is one, whichever.

    Args:
        names: What the request named, by its id.
    """
    effect = {}
    for key in before.keys() | after.keys():
        was, is_now = _told(before.get(key), names), _told(after.get(key), names)
        if was != is_now or (is_now == _AN_ID and before.get(key) != after.get(key)):
            effect[key] = is_now
    return effect


def _told(value: Any, names: Mapping[str, str]) -> str:
    """Return what is the same of a value for things of the same kind."""
    if isinstance(value, int) and value >= _A_MOMENT:
        return "a moment"
    if isinstance(value, str) and value in names:
        return f"{{{names[value]}}}"
    if isinstance(value, str) and value.startswith(PREFIX):
        return "a name"
    if isinstance(value, str) and _ID.fullmatch(value):
        return _AN_ID
    return json.dumps(value, sort_keys=True)
