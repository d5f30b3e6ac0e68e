"""Asks everybody the same: who is served, and who is refused, about things of the same kind that this run made.

A probe is one valid request, which names a thing of its owner, lying in one spot; who asks differs. What a served request
consumes is made anew for the next one, a caller too. So each refusal stands beside a served request about the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mmconform.contract.clause import Body, Operation, Sample
from mmconform.contract.naming import Named, filled
from mmconform.driving.asking import Asker
from mmconform.driving.generate import Case
from mmconform.judging.judge import Judge
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.exchange import Exchange, Position
from mmconform.world import kinds
from mmconform.world.entitlement import entitlement
from mmconform.world.guard import require_filled
from mmconform.world.people import Persona, known_persona
from mmconform.world.place import OPEN, RESIDENT, SPOTS, TEAMS, Place, Spot
from mmconform.world.world import Person, World

#: Where it is asked, by where what is asked about lies.
_SPOTS: dict[str, tuple[Spot | None, ...]] = {"channel": SPOTS, "team": TEAMS, "": (None,)}
#: Channels in no team, in which whoever has one is an ordinary member.
_CONVERSATIONS = frozenset({"direct-channel", "group-channel"})
#: Who asks, the least powerful first: what only some may consume is there for all who may not.
CALLERS = ("anonymous", "outsider", "guest", "member", "channel_admin", "team_admin", "system_admin")


def _lies_in(operation: Operation) -> str:
    """Return in which place of ours lies what an operation names, or is consumed of it."""
    return kinds.scope_of(operation.kinds)


def _owned(named: Iterable[str]) -> frozenset[str]:
    """Return those kinds of which each thing belongs to one person."""
    return frozenset(kind for kind in named if kinds.by_name()[kind].is_owned)


@dataclass(frozen=True)
class Probe:
    """Who asks, about whose thing (``self`` or ``other``), lying where; nowhere where the operation names no place."""

    persona: str
    about: str
    spot: Spot | None


def can_be_probed(operation: Operation) -> bool:
    """Return whether it is known what each identifier of a request stands for, and which request is served."""
    if unknown_names(operation) or not operation.kinds <= kinds.by_name().keys():
        return False
    is_whole = bool(operation.harmless) and operation.body is None  # there is nothing more to say
    return operation.method == "GET" or bool(operation.consumes) or is_whole or operation.sample != Sample()


def unknown_names(operation: Operation) -> list[str]:
    """Return the placeholders of a path of which nobody says what they stand for."""
    path = (p for p in operation.parameters if p.place == "path" and p.resource and not kinds.is_puzzling(p))
    known = {*operation.sample.path, *(p.name for p in path)}
    return [name for name in operation.placeholders if name not in known]


def probes(operation: Operation) -> Iterator[Probe]:
    """Yield what to ask about an operation."""
    owned = _owned(operation.kinds)
    for spot in spots_of(operation):
        for about in ("other", "self") if owned else ("other",):
            for name in CALLERS:
                probe = Probe(name, about, spot)
                if about == "other" or _can_be_own(owned, probe):
                    yield probe


def spots_of(operation: Operation) -> tuple[Spot | None, ...]:
    """Return where that may lie which an operation names."""
    return _SPOTS[_lies_in(operation)]


def position_of(operation: Operation, probe: Probe) -> Position | None:
    """Return what the caller is where that lies which a probe is about; None where it lies nowhere."""
    persona = known_persona(probe.persona)
    if persona is None:
        return None
    if operation.kinds & _CONVERSATIONS:
        own = frozenset({"channel_guest" if persona.is_guest else "channel_user"})
        return Position(own if probe.about == "self" else frozenset())
    if probe.spot is None:
        return None
    return probe.spot.position(persona, in_channel=_lies_in(operation) == "channel")


def is_signed_out_for_good(operation: Operation, persona: Persona) -> bool:
    """Return whether a request would end a session that nobody can renew: without a licence a guest cannot sign in."""
    return persona.is_guest and "caller" in operation.consumes


def _can_be_own(owned: frozenset[str], probe: Probe) -> bool:
    """Return whether something of the caller's own can lie there: what lies in a place only where the caller is."""
    persona = known_persona(probe.persona)
    if persona is None or persona.is_anonymous:
        return False
    return not kinds.scope_of(owned) or (probe.spot is OPEN and persona.team_role is not None)


class Prober(Asker):
    """Sends the probes of one operation to one target and has the answers judged."""

    def __init__(self, operation: Operation, world: World, client: Client, judge: Judge, place: Place) -> None:
        super().__init__(operation, world, client, judge)
        self._place = place

    def ask_all(self, core: Case | None) -> None:
        """Send all probes.

        Args:
            core: A valid case, for what a request must hold beside what the contract knows.
        """
        for probe in probes(self.operation):
            if probe.persona == "anonymous" or self._can_ask(probe.persona):
                self.ask(probe.persona, partial(self._send, probe, core))

    def _can_ask(self, persona: str) -> bool:
        """Return whether there is such a caller, whom the request does not sign out for good."""
        person = self.world.people.get(persona)
        return person is not None and not is_signed_out_for_good(self.operation, person.persona)

    def _send(self, probe: Probe, core: Case | None) -> Exchange:
        caller = self._caller(probe)
        if core:
            self.world.register.draw(*core.values)
        sample = self.operation.sample
        self.world.register.draw(sample.path, sample.query, sample.body)  # beside what these name, nothing that anybody has
        told = _Told(self.operation, self._place, probe, caller)
        path = {**(core.path_parameters if core else {}), **told.values("path")}
        require_filled(self.operation, path)
        self.world.register.learn_words(*path.values())
        params = {**self._required(core), **told.values("query")}
        body = self._body(core, told)
        self._note_making(told)
        exchange = self.client.send(
            self.operation.method,
            self.contract.base + self.operation.filled(path),
            persona=probe.persona,
            token=caller.session if caller else None,
            operation=self.operation.id,
            about=probe.about,
            own=frozenset({caller.id}) if caller else frozenset(),
            is_spending=True,
            params=params,
            **body,
        )
        if exchange.is_success:
            self._make_good(probe, caller)
            self._note_making(told, exchange.json_id if isinstance(exchange.json_or_none, dict) else "")
        exchange = replace(exchange, position=position_of(self.operation, probe), told=told.names)
        self._confirm(probe, caller, exchange)
        return exchange

    def _make_good(self, probe: Probe, caller: Person | None) -> None:
        """Let go of what a served request consumed, and put people's places and sessions back."""
        consumes = self.operation.consumes
        self._place.forget(consumes, probe.spot)
        if "user" in consumes and probe.about == "self":
            self._place.spend(probe.persona)
        whose = caller if probe.about == "self" and caller else self.world.people[RESIDENT]
        if "membership" in consumes and probe.spot:
            self._place.settle(whose, probe.spot, in_team=_lies_in(self.operation) == "team")
        if "sessions" in consumes:
            self._place.sign_in(whose)

    def _note_making(self, told: "_Told", id_: str | None = None) -> None:
        """Write down what a request may make, before it is sent, and what it has made."""
        kind = kinds.by_name().get(self.operation.makes)
        if kind and kind.what and (id_ or id_ is None):
            self.world.note(**kind.made(told.given), **({"id": id_} if id_ else {}))

    def _confirm(self, probe: Probe, caller: Person | None, exchange: Exchange) -> None:
        """Before a server is blamed: look whether the caller is there what they are to be.

        Raises:
            UnseenError: they are not, and what was answered says nothing.
        """
        if caller is None or probe.spot is None or "channel" in self.operation.consumes:
            return
        roles = self.judge.target.roles or self.world.roles
        entitled = entitlement(self.operation, caller.persona, roles, probe.about, exchange.position)
        is_blamed = entitled is (not exchange.is_success) and exchange.status != 404
        if is_blamed and not self._place.is_as_told(caller, probe.spot):
            raise UnseenError(
                f"{exchange.method} {exchange.path}", "the caller is no longer what they were in that team or channel"
            )

    # -- what a request holds ------------------------------------------------------------------------------------------

    def _required(self, core: Case | None) -> dict[str, Any]:
        drawn = dict(core.drawn.query or {}) if core else {}
        return {name: value for name, value in drawn.items() if name in self.operation.required_query}

    def _body(self, core: Case | None, told: "_Told") -> dict[str, Any]:
        body, sample = self.operation.body, self.operation.sample.body
        if body is None:
            return self._undeclared(told.filled(sample))
        if not body.is_json:
            return _form({**told.filled(sample or {}), **told.in_body(body)})
        if sample is not None and not isinstance(sample, dict):
            return {"json": told.filled(sample)}
        drawn = core.body if core and isinstance(core.body, dict) else {}
        return {"json": {**(drawn if sample is None else told.filled(sample)), **told.in_body(body)}}

    @staticmethod
    def _undeclared(content: Any) -> dict[str, Any]:
        """Return a body of which a document says nothing: bytes where it is a text."""
        return {} if content is None else {"data": content} if isinstance(content, str) else {"json": content}

    # -- what it is about ----------------------------------------------------------------------------------------------

    def person(self, persona: str) -> Person | None:
        """Return who a persona is here; nobody for whoever has no account."""
        return self.world.people.get(persona)

    def _caller(self, probe: Probe) -> Person | None:
        """Return who asks: somebody made for this request, where it ends the caller's session or account."""
        person = self.person(probe.persona)
        if person is None:
            return None
        consumes = self.operation.consumes
        if "user" in consumes and probe.about == "self":
            return self._place.spare(probe.persona)
        return self._place.signed_in_again(person) if "caller" in consumes else person


class _Told:
    """What somebody says that one request holds: its things, looked up or made when they are first named.

    Attributes:
        given: What the request names so far, by kind and filler.
    """

    def __init__(self, operation: Operation, place: Place, probe: Probe, caller: Person | None) -> None:
        self._operation, self._place, self._probe, self._caller = operation, place, probe, caller
        self.given: dict[str, str] = {}

    @property
    def names(self) -> frozenset[str]:
        """The parameters, and ``""`` for the body, of which it is said."""
        sample = self._operation.sample
        return frozenset({*sample.path, *sample.query, *([] if sample.body is None else [""])})

    def values(self, place: str) -> dict[str, Any]:
        """Return what parameters hold; in a query an id only where one is required: each is one more question."""
        told = self._operation.sample.path if place == "path" else self._operation.sample.query
        ids = {
            p.name: self._give(Named(str(p.resource)))
            for p in self._operation.parameters
            if p.place == place and p.name not in told and p.resource in kinds.by_name() and (place == "path" or p.required)
        }
        return {**ids, **self.filled(dict(told))}

    def in_body(self, body: Body) -> dict[str, Any]:
        """Return what the identifiers of a body hold."""
        return {name: self._give(Named(kind)) for name, kind in body.resources.items() if kind in kinds.by_name()}

    def filled(self, value: Any) -> Any:
        """Return a value of the sample with what it names in it."""
        return filled(value, self._give)

    def _give(self, named: Named) -> Any:
        if named.kind == "caller":
            given = (self._caller or self._place.resident).id
        elif named.is_filler:
            given = self.given.get(named.kind) or self._place.filler(named.kind)
        else:
            given = self._thing(named)
        if not named.which and not named.part:
            self.given[named.kind] = given
        return self._place.part(named.kind, given, named.part) if named.part else given

    def _thing(self, named: Named) -> str:
        probe, kind = self._probe, named.kind
        if kind == "user" and probe.about == "self" and self._caller and not named.which:
            return self._caller.id
        owner = probe.persona if probe.about == "self" else RESIDENT
        if named.which or kind not in self._operation.consumes:
            return self._place.standing(kind, probe.spot, owner, named.which)
        return self._place.fresh(kind, probe.spot, owner)


def _form(values: dict[str, Any]) -> dict[str, Any]:
    files = {name: value for name, value in values.items() if isinstance(value, tuple)}
    return {"data": {name: value for name, value in values.items() if name not in files}, "files": files}
