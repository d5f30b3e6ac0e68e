"""Questions of the principles: any operation, about things of ours, by whomever, with nothing judged."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mmconform.contract.clause import Contract, Operation, Parameter
from mmconform.driving.composing import Composer, Probe
from mmconform.driving.generate import Case
from mmconform.driving.probes import can_be_probed, is_closed
from mmconform.errors import MisuseError, NotHereError
from mmconform.principles.sightings import Finding, Sightings
from mmconform.wire.client import Client, HeldBackError, UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.world import kinds
from mmconform.world.kinds.kind import Owner
from mmconform.world.place import OPEN, OPEN_TEAM, RESIDENT, Place, Spot
from mmconform.world.world import Person, World

#: Why something cannot be had.
_CANNOT = (MisuseError, NotHereError, UnseenError)


class Questions:
    """Asks on one target.

    Args:
        operations: Those that the run is about.
        core: Returns a valid case of an operation, for what a request has to hold beside what is known.
        beat: Called after each answer.

    Attributes:
        reading: The operations that only read, of which each identifier is of a kind that can be made.
        known: Those of which a served request is known.
        changing: Those of them that change something.
    """

    def __init__(
        self,
        contract: Contract,
        operations: Iterable[Operation],
        core: Callable[[Operation], Case | None],
        world: World,
        client: Client,
        place: Place,
        sightings: Sightings,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self.contract, self.world, self.client, self.place, self.sightings = contract, world, client, place, sightings
        self._core, self._beat = core, beat
        about = [operation for operation in operations if not is_closed(operation)]
        self.reading = [
            operation for operation in about if operation.method == "GET" and not operation.consumes and self._is_known(operation)
        ]
        self.known = [operation for operation in about if can_be_probed(operation) and self._is_there(operation)]
        self.changing = [operation for operation in self.known if operation.method != "GET"]
        self._dead: set[tuple[str, str]] = set()

    def _is_known(self, operation: Operation) -> bool:
        """Whether each identifier that a question has to hold is of a kind that can be made."""
        path = [p for p in operation.parameters if p.place == "path"]
        held = [*path, *(p for p in operation.parameters if p.place == "query" and p.required and p.identifies)]
        return (
            self._is_there(operation)
            and len(path) == len(set(operation.placeholders))
            and all(p.resource in kinds.by_name() for p in held)
        )

    def _is_there(self, operation: Operation) -> bool:
        return operation.exists_in(self.world.version) is True and not self.world.lacks(operation)

    def ask(
        self,
        operation: Operation,
        persona: str,
        person: Person | None,
        credential: str | None = None,
        *,
        about: Mapping[str, str] | None = None,
        spot: Spot | None = OPEN,
        params: Mapping[str, str] | None = None,
    ) -> Exchange | None:
        """Ask one question; None where it could not be asked, or no answer came.

        Args:
            credential: Instead of the person's session.
            about: Instead of the resident's, what it names, by kind.
            params: Of the query.
        """
        sent = credential or (person.session if person else None)
        try:
            named = [(p, self._thing(p, about or {}, spot)) for p in operation.parameters if self._names(p)]
            path = {p.name: id_ for p, id_ in named if p.place == "path"}
            required = self._required(operation)
            answer = self.client.send(
                operation.method,
                self.contract.base + operation.filled(path),
                persona=persona,
                token=sent,
                operation=operation.id,
                about="self" if person and person.id in path.values() else "other",
                own=frozenset({person.id}) if person else frozenset(),
                params={**required, **{p.name: id_ for p, id_ in named if p.place == "query"}, **(params or {})},
            )
        except (*_CANNOT, HeldBackError, KeyError) as error:
            self._count_unanswered(error, operation.id)
            return None
        if sent and answer.status == 401:
            self.sightings.over.add(sent)
        self._note(operation, answer)
        return answer

    def _required(self, operation: Operation) -> dict[str, Any]:
        """Return what the query of a question has to hold beside identifiers."""
        core = self._core(operation) if operation.required_query else None
        drawn = dict(core.drawn.query or {}) if core else {}
        return {name: value for name, value in drawn.items() if name in operation.required_query}

    def send(
        self,
        operation: Operation,
        probe: Probe,
        *,
        caller: Person | None = None,
        things: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | Sequence[Any] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Exchange | None:
        """Send a request that may change something, as a probe does; None where it could not be sent, or no answer came.

        What a served one made is written down, and what it consumed is made good.

        Args:
            caller: Who asks instead of the world's person of the probe's name.
            things: Ids of ours that it names instead of others of their kinds.
            body: Properties that a JSON object holds beside what it holds anyway, or instead; a list is the whole of it.
            params: What the query holds beside.
        """
        caller = caller or self.world.people.get(probe.persona)
        is_said = operation.body is None or operation.sample.body is not None
        core = None if is_said and not operation.required_query else self._core(operation)  # drawing takes its time
        composer = Composer(operation, self.world, self.place, core)
        try:
            request = composer.compose(probe, caller, things)
            content = dict(request.body)
            if body:
                content["json"] = _with(content.get("json", {}), body)
            answer = self.client.send(
                operation.method,
                self.contract.base + request.path,
                persona=probe.persona,
                token=caller.session if caller else None,
                operation=operation.id,
                about=probe.about,
                own=frozenset({caller.id}) if caller else frozenset(),
                is_spending=True,
                params={**request.params, **(params or {})},
                **content,
            )
        except (*_CANNOT, HeldBackError, KeyError) as error:
            self._count_unanswered(error, operation.id)
            return None
        if answer.is_success:
            composer.served(probe, caller, request, answer)
        self._note(operation, answer)
        return answer

    def read(self, kind: str, id_: str, persona: str = "system_admin") -> Exchange | None:
        """Read a thing of ours with the operation that reads its kind; None where there is none, or no answer came."""
        operation = self.sightings.reads.get(kind)
        if operation is None:
            return None
        return self.ask(operation, persona, self.world.people.get(persona), about={kind: id_})

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Go on without what cannot be had; where that is so because no answer came, it is counted."""
        try:
            yield
        except _CANNOT as error:
            self._count_unanswered(error, "")

    def _count_unanswered(self, error: Exception, operation: str) -> None:
        if isinstance(error, UnseenError):
            self.sightings.lose(operation)
        elif isinstance(error.__context__, UnseenError):  # of what was to be made first
            self.sightings.lose("")

    def _note(self, operation: Operation, answer: Exchange) -> None:
        if answer.is_success:
            self.sightings.count(operation.id)
        self.sightings.note(answer)
        self._beat()

    @staticmethod
    def _names(parameter: Parameter) -> bool:
        return parameter.resource in kinds.by_name() and (parameter.place == "path" or parameter.required)

    def _thing(self, parameter: Parameter, about: Mapping[str, str], spot: Spot | None) -> str:
        """Return the id of what a parameter names.

        Raises:
            MisuseError, NotHereError: it cannot be made, or could not be before.
        """
        kind = str(parameter.resource)
        if kind in about:
            return about[kind]
        key = (kind, spot.name if spot else "")
        if key in self._dead:
            raise MisuseError(f"no {kind}")
        try:
            return self.place.standing(kind, spot, RESIDENT)
        except (MisuseError, NotHereError):
            self._dead.add(key)
            raise

    def found(self, findings: Iterable[Finding]) -> None:
        """Keep what contradicts a principle."""
        self.sightings.seen.findings += findings

    def owner(self, person: Person) -> Owner:
        """Return somebody as whose a thing is."""
        return Owner(self.world, self.client, person.persona.name, person, person.session, self.world)

    def open_team(self) -> None:
        """Have a team that everybody may find and join, which lists show to those who may see it."""
        with self.trying():
            self.sightings.knows("team", [self.place.standing("team", OPEN_TEAM, RESIDENT)])


def _with(content: Any, more: Mapping[str, Any] | Sequence[Any]) -> Any:
    """Return a body with what it is to hold beside: an object, or each object of a list; or what is the whole of it."""
    if not isinstance(more, Mapping):
        return list(more)
    if isinstance(content, list):
        return [_with(item, more) for item in content]
    return {**content, **more} if isinstance(content, dict) else content


def new_mark() -> str:
    """Return a text that nobody has ever sent."""
    return f"mark{secrets.token_hex(10)}"


def flags(operation: Operation) -> Iterator[str]:
    """Yield the switches of an operation: what may be left out of its query, and is true or false."""
    yield from (name for place, name in operation.flags if place == "query" and name not in operation.required_query)
