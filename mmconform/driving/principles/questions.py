"""Plain questions: what each reading operation of a document is asked about things of ours, by whomever, with nothing judged."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from mmconform.contract.clause import Contract, Operation, Parameter
from mmconform.driving.principles.sightings import Finding, Sightings
from mmconform.errors import MisuseError, NotHereError
from mmconform.wire.client import Client, HeldBackError, UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.world import kinds
from mmconform.world.kinds.team import new_team
from mmconform.world.place import OPEN, RESIDENT, Place, Spot
from mmconform.world.world import Person, World


class Questions:
    """Asks on one target.

    Args:
        operations: Those that the run is about.
        drawn: For each operation the query of a valid request, for what it requires beside identifiers.
    """

    def __init__(
        self,
        contract: Contract,
        operations: Iterable[Operation],
        drawn: Mapping[str, Mapping[str, Any]],
        world: World,
        client: Client,
        place: Place,
        sightings: Sightings,
    ) -> None:
        self.contract, self.world, self.client, self.place, self.sightings = contract, world, client, place, sightings
        self._drawn = drawn
        self.reading = [one for one in operations if one.method == "GET" and not one.consumes and self._is_known(one)]
        self._dead: set[tuple[str, str]] = set()

    def _is_known(self, operation: Operation) -> bool:
        """Whether each identifier that a question has to hold is of a kind that can be made."""
        path = [p for p in operation.parameters if p.place == "path"]
        held = [*path, *(p for p in operation.parameters if p.place == "query" and p.required and p.identifies)]
        is_there = operation.exists_in(self.world.version) is True and not self.world.lacks(operation)
        return is_there and len(path) == len(set(operation.placeholders)) and all(p.resource in kinds.by_name() for p in held)

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
            required = {
                name: value for name, value in self._drawn.get(operation.id, {}).items() if name in operation.required_query
            }
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
        except (MisuseError, NotHereError, HeldBackError, UnseenError, KeyError):
            return None
        if sent and answer.status == 401:
            self.sightings.over.add(sent)
        self.sightings.note(answer)
        return answer

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

    def open_team(self) -> None:
        """Have a team that everybody may find and join, which lists show to those who may see it."""
        if ("open team", "") not in self.world.kept:
            admin = self.world.admin(self.client)
            with suppress(MisuseError, UnseenError):
                id_ = new_team(self.world, admin, self.world.name("t"))
                admin.ask("PUT", f"/api/v4/teams/{id_}/patch", {"allow_open_invite": True})
                self.world.kept["open team", ""] = id_
                self.sightings.knows("team", [id_])


def flags(operation: Operation) -> Iterator[str]:
    """Yield the switches of an operation: what may be left out of its query, and is true or false."""
    yield from (
        p.name for p in operation.parameters if p.place == "query" and not p.required and p.schema.get("type") == "boolean"
    )
