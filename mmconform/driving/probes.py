"""Asks everybody the same: who is served, and who is refused, about things of the same kind that this run made.

A probe is one valid request, which names a thing of its owner, lying in one spot; who asks differs. What a served request
consumes is made anew for the next one, a caller too. So each refusal stands beside a served request about the same.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from mmconform.contract.clause import Operation, Sample
from mmconform.contract.templates import below_the_api
from mmconform.driving.asking import Asker
from mmconform.driving.composing import PLAIN, Composer, Probe, Variant
from mmconform.driving.generate import Case
from mmconform.driving.variants import Plain, asked_beside
from mmconform.judging.checks.verdict import UNKNOWN_REQUEST
from mmconform.judging.judge import Judge
from mmconform.knowledge import Knowledge, Unknown
from mmconform.safety.guard import UNFILLED, WOULD_DO_HARM
from mmconform.safety.harm import danger, set_by
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.exchange import Exchange, Position
from mmconform.world import kinds
from mmconform.world.admin import Sections
from mmconform.world.entitlement import entitlement
from mmconform.world.people import PROBING, Persona, Roles, known_persona
from mmconform.world.place import LISTS_OPEN_TEAMS, OPEN, OPEN_TEAM, SPOTS, TEAMS, Place, Spot
from mmconform.world.world import Person, World

#: Where it is asked, by where what is asked about lies.
_SPOTS: dict[str, tuple[Spot | None, ...]] = {"channel": SPOTS, "team": TEAMS, "": (None,)}
#: Channels in no team, in which whoever has one is an ordinary member.
_CONVERSATIONS = frozenset({"direct-channel", "group-channel"})
#: Who asks where each one who is served costs an account, which servers keep for ever: of those whom roles make alike, one.
_FEW = frozenset({"anonymous", "guest", "member", "system_admin"})


def _lies_in(operation: Operation) -> str:
    """Return in which place of ours lies what an operation names, or is consumed of it."""
    return kinds.scope_of(operation.kinds)


def _owned(named: Iterable[str]) -> frozenset[str]:
    """Return those kinds of which each thing belongs to one person."""
    return frozenset(kind for kind in named if kinds.by_name()[kind].is_owned)


def can_be_probed(operation: Operation) -> bool:
    """Return whether it is known what each identifier of a request stands for, and which request is served."""
    if unknown_names(operation) or not operation.kinds <= kinds.by_name().keys() or _makes_what_nobody_undoes(operation):
        return False
    is_whole = bool(operation.harmless) and operation.body is None  # there is nothing more to say
    return operation.method == "GET" or bool(operation.consumes) or is_whole or operation.sample != Sample()


def _makes_what_nobody_undoes(operation: Operation) -> bool:
    return bool(operation.makes) and operation.makes not in kinds.by_name()


def is_closed(operation: Operation) -> bool:
    """Return whether an operation is on the closed list: probes ask about it where a run may, and nothing else does."""
    return bool(danger(operation.method, below_the_api(operation.path)))


def why_not(operation: Operation) -> tuple[str, str]:
    """Return why an operation that cannot be probed is not: a reason of the record's, and in words."""
    if unknown := unknown_names(operation):
        return UNFILLED, f"nobody says what `{{{unknown[0]}}}` stands for"
    if reason := danger(operation.method, below_the_api(operation.path)):
        return WOULD_DO_HARM, reason
    if _makes_what_nobody_undoes(operation):
        return WOULD_DO_HARM, f"nobody says how what it makes is undone, of the kind `{operation.makes}`"
    return UNKNOWN_REQUEST, "nobody says what a request says that is served"


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
            for name in PROBING:
                probe = Probe(name, about, spot)
                if name not in _FEW and _costs_an_account(operation, about):
                    continue
                if about == "other" or _can_be_own(owned, probe):
                    yield probe
    if _reads_a_team(operation):
        yield from (Probe(name, "other", OPEN_TEAM) for name in PROBING)


def _costs_an_account(operation: Operation, about: str) -> bool:
    """Whether everybody who is served makes an account, or consumes their own; a bot of somebody's is one too."""
    return operation.makes == "user" or (about == "self" and ("user" in operation.consumes or "bot" in operation.kinds))


def _reads_a_team(operation: Operation) -> bool:
    """Whether an operation shows one team, by whatever it is named."""
    return operation.method == "GET" and operation.kinds == {"team"} and operation.path.endswith("}")


def is_shown_by_right(probe: Probe, roles: Roles) -> bool:
    """Whether who asks is shown, or may be, what is asked about, whatever a sentence says: nothing is expected then."""
    persona = known_persona(probe.persona)
    if probe.spot is not OPEN_TEAM or persona is None or persona.is_anonymous or "system_admin" in persona.roles:
        return False
    return any(roles.hold(role, LISTS_OPEN_TEAMS) is not False for role in persona.system_roles_among(roles))


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
    """Return whether a request would end a session that nobody can renew by signing in."""
    return persona.calls_with_token and "caller" in operation.consumes


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
        self._plain: dict[Probe, Plain] = {}

    def ask_all(self, core: Case | None) -> None:
        """Send all probes, or say why there are none.

        Args:
            core: A valid case, for what a request must hold beside what the contract knows.
        """
        if not can_be_probed(self.operation):
            reason, why = why_not(self.operation)
            self.judge.held_back(self.operation.id, reason, why)
            return
        self._note_settings()
        roles = self.judge.target.roles or self.world.roles
        for probe in probes(self.operation):
            if probe.persona == "anonymous" or (self._can_ask(probe.persona) and not is_shown_by_right(probe, roles)):
                self.ask(probe.persona, partial(self._send, probe, core))
        self.held_back = ("status",)  # the operation was asked, and is judged by that
        for probe, variant in asked_beside(self.operation, list(self._plain.values())):
            self.ask(probe.persona, partial(self._send, probe, core, variant))

    def _note_settings(self) -> None:
        """Write down what the settings are that an operation of the closed list changes: a killed run compares nothing.

        Raises:
            UnseenError: the server does not tell.
        """
        sets = set_by(self.operation.method, below_the_api(self.operation.path)) if self.world.may_disrupt else []
        config = self.world.admin(self.client).config().json_object if sets else {}
        before: Sections = {}
        for section, _, key in (setting.partition(".") for setting in sets):
            if key in (config.get(section) or {}):
                before.setdefault(section, {})[key] = config[section][key]
        if before:
            self.world.note(what="config", before=before)

    def _can_ask(self, persona: str) -> bool:
        """Return whether there is such a caller, whom the request does not sign out for good."""
        person = self.world.people.get(persona)
        return person is not None and not is_signed_out_for_good(self.operation, person.persona)

    def _send(self, probe: Probe, core: Case | None, variant: Variant = PLAIN) -> Exchange:
        caller = self._caller(probe)
        composer = Composer(self.operation, self.world, self._place, core)
        request = composer.compose(probe, caller, variant=variant)
        exchange = self.client.send(
            self.operation.method,
            self.contract.base + request.path,
            persona=probe.persona,
            token=caller.session if caller else None,
            operation=self.operation.id,
            about=probe.about,
            own=frozenset({caller.id}) if caller else frozenset(),
            is_spending=True,
            params=request.params,
            **request.body,
        )
        if exchange.is_success:
            composer.served(probe, caller, request, exchange, variant)
        probe = variant.last or probe  # of several things the last decides who may ask
        exchange = replace(
            exchange,
            about=probe.about,
            position=position_of(self.operation, probe),
            told=request.said,
            variant=variant.name,
            withheld=request.withheld,
        )
        entitled = self._entitled(probe, exchange.position)
        self._confirm(probe, caller, exchange, entitled)
        if variant is PLAIN:
            self._plain[probe] = Plain(probe, exchange.is_success, entitled)
        return exchange

    def _entitled(self, probe: Probe, position: Position | None) -> Knowledge:
        persona, roles = known_persona(probe.persona), self.judge.target.roles or self.world.roles
        return entitlement(self.operation, persona, roles, probe.about, position) if persona else Unknown()

    def _confirm(self, probe: Probe, caller: Person | None, exchange: Exchange, entitled: Knowledge) -> None:
        """Before a server is blamed: look whether the caller is there what they are to be.

        Raises:
            UnseenError: they are not, and what was answered says nothing.
        """
        if caller is None or probe.spot is None or "channel" in self.operation.consumes:
            return
        is_blamed = entitled is (not exchange.is_success) and exchange.status != 404
        if is_blamed and not self._place.is_as_told(caller, probe.spot):
            raise UnseenError(
                f"{exchange.method} {exchange.path}", "the caller is no longer what they were in that team or channel"
            )

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
