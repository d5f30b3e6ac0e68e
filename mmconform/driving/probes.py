"""Asks everybody the same: who is served, and who is refused, about things of the same kind that this run made.

A probe is one valid request, which names a thing of its owner, lying in one spot; who asks differs. What a served request
consumes is made anew for the next one, a caller too. So each refusal stands beside a served request about the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mmconform.contract.clause import Operation
from mmconform.driving.asking import Asker
from mmconform.driving.generate import Case
from mmconform.judging.judge import Judge
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.exchange import Exchange, Position
from mmconform.world import kinds
from mmconform.world.entitlement import entitlement
from mmconform.world.guard import require_filled
from mmconform.world.people import known_persona
from mmconform.world.place import OPEN, SPOTS, TEAMS, Place, Spot
from mmconform.world.world import Person, World

#: Who asks, the least powerful first: what only some may consume is there for all who may not.
CALLERS = ("anonymous", "outsider", "guest", "member", "channel_admin", "team_admin", "system_admin")
_IN_CHANNELS, _IN_TEAMS = frozenset({"channel", "post", "file"}), frozenset({"team"})
#: What belongs to one person.
_OWNED = frozenset({"user", "token", "post", "file"})


@dataclass(frozen=True)
class Probe:
    """Who asks, about whose thing (``self`` or ``other``), lying where; nowhere where the operation names no place."""

    persona: str
    about: str
    spot: Spot | None


def can_be_probed(operation: Operation) -> bool:
    """Return whether it is known what each identifier of a request stands for, and which request is served."""
    path = [p for p in operation.parameters if p.place == "path"]
    is_known = all(p.resource and not kinds.is_puzzling(p) for p in path) and len(path) == len(set(operation.placeholders))
    return is_known and (operation.method == "GET" or bool(operation.consumes) or operation.sample is not None)


def probes(operation: Operation) -> Iterator[Probe]:
    """Yield what to ask about an operation."""
    named = operation.kinds
    spots: tuple[Spot | None, ...] = SPOTS if named & _IN_CHANNELS else TEAMS if named & _IN_TEAMS else (None,)
    for spot in spots:
        for about in ("other", "self") if named & _OWNED else ("other",):
            for name in CALLERS:
                probe = Probe(name, about, spot)
                if about == "other" or _can_be_own(named, probe):
                    yield probe


def _can_be_own(named: frozenset[str], probe: Probe) -> bool:
    """Return whether something of the caller's own can lie there: posts and files only where the caller is."""
    persona = known_persona(probe.persona)
    if persona is None or persona.is_anonymous:
        return False
    return not named & {"post", "file"} or (probe.spot is OPEN and persona.team_role is not None)


class Prober(Asker):
    """Sends the probes of one operation to one target and has the answers judged."""

    def __init__(self, operation: Operation, world: World, client: Client, judge: Judge, place: Place) -> None:
        super().__init__(operation, world, client, judge)
        self._place = place
        self._fresh: dict[tuple[str, str, Spot | None], str] = {}

    def ask_all(self, core: Case | None) -> None:
        """Send all probes.

        Args:
            core: A valid case, for what a request must hold beside what the contract knows.
        """
        for probe in probes(self.operation):
            if probe.persona == "anonymous" or self._can_ask(probe.persona):
                self.ask(probe.persona, partial(self._send, probe, core))

    def _can_ask(self, persona: str) -> bool:
        """Return whether there is such a caller, whom the request does not sign out for good: a guest cannot sign in again."""
        person = self.world.people.get(persona)
        return person is not None and not (person.persona.is_guest and "caller" in self.operation.consumes)

    def _send(self, probe: Probe, core: Case | None) -> Exchange:
        caller = self._caller(probe)
        named = {kind: self._thing(kind, probe, caller) for kind in self.operation.kinds}
        path = {**(core.path_parameters if core else {}), **self._bound("path", named)}
        require_filled(self.operation, path)
        exchange = self.client.send(
            self.operation.method,
            self.contract.base + self.operation.filled(path),
            persona=probe.persona,
            token=caller.session if caller else None,
            operation=self.operation.id,
            about=probe.about,
            own=frozenset({caller.id}) if caller else frozenset(),
            is_spending=True,
            params={**self._required(core), **self._bound("query", named)},
            **self._body(core, named),
        )
        if exchange.is_success:
            self._forget(probe)
        exchange = replace(exchange, position=self._position(probe))
        self._confirm(probe, caller, exchange)
        return exchange

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

    def _bound(self, place: str, named: dict[str, str]) -> dict[str, str]:
        """Return the ids of what parameters name; in a query only where one is required: each is one more question."""
        return {
            p.name: named[p.resource]
            for p in self.operation.parameters
            if p.place == place and p.resource in named and (place == "path" or p.required)
        }

    def _required(self, core: Case | None) -> dict[str, Any]:
        drawn = dict(core.drawn.query or {}) if core else {}
        required = {p.name for p in self.operation.parameters if p.place == "query" and p.required}
        return {name: value for name, value in drawn.items() if name in required}

    def _body(self, core: Case | None, named: dict[str, str]) -> dict[str, Any]:
        body = self.operation.body
        if body is None:
            return {}
        ids = {name: named[kind] for name, kind in body.resources.items() if kind in named}
        sample = self.operation.sample
        if not body.is_json:
            return {"data": ids, "files": {name: ("small.txt", str(text)) for name, text in dict(sample or {}).items()}}
        drawn = core.body if core and isinstance(core.body, dict) else {}
        return {"json": {**(drawn if sample is None else sample), **ids}}

    # -- what it is about ----------------------------------------------------------------------------------------------

    def _caller(self, probe: Probe) -> Person | None:
        """Return who asks: somebody made for this request, where it ends the caller's session or account."""
        person = self.world.people.get(probe.persona)
        if person is None:
            return None
        consumes = self.operation.consumes
        if "user" in consumes and probe.about == "self":
            return self._place.double(person)
        return self._place.signed_in_again(person) if "caller" in consumes else person

    def _thing(self, kind: str, probe: Probe, caller: Person | None) -> str:
        if kind == "user" and probe.about == "self" and caller:
            return caller.id
        owner = probe.persona if probe.about == "self" else "resident"
        if kind not in self.operation.consumes:
            return self._place.standing(kind, probe.spot, owner)
        key = (kind, owner, probe.spot)
        if key not in self._fresh:
            self._fresh[key] = self._place.new(kind, probe.spot, owner)
        return self._fresh[key]

    def _forget(self, probe: Probe) -> None:
        self._fresh = {key: id_ for key, id_ in self._fresh.items() if key[2] != probe.spot}

    def _position(self, probe: Probe) -> Position | None:
        persona = known_persona(probe.persona)
        if probe.spot is None or persona is None:
            return None
        return probe.spot.position(persona, in_channel=bool(self.operation.kinds & _IN_CHANNELS))
