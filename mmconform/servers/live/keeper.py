"""Notices that an operation signed out, deactivated, demoted or removed people of a world, and makes them what they were.

Else the next operation would be blamed for what it answers to the dead. No look is on a tape, and none happens on replay.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mmconform.errors import MisuseError
from mmconform.servers.live.alive import is_alive, whoami
from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange
from mmconform.world.admin import OPERATOR, Admin
from mmconform.world.build import make_again
from mmconform.world.kinds.user import is_in_team, put_back, signed_in_again
from mmconform.world.world import Person, World


def _told(lost: dict[str, str]) -> str:
    by_fate: dict[str, list[str]] = {}
    for name, what in lost.items():
        by_fate.setdefault(what, []).append(name)
    return "; ".join(f"{', '.join(names)} {what}" for what, names in by_fate.items())


@dataclass
class Keeper:
    """Keeps the people of one world what they are.

    Attributes:
        may_consume: Whether an operation, by its id, is one that may change people.
        sign_in: Signs the administrator in once more.
        losses: After which operation of whom what became of whom, and how often.
    """

    world: World
    may_consume: Callable[[str], bool]
    sign_in: Callable[[], str]
    losses: Counter[str] = field(default_factory=Counter)

    def after(self, exchange: Exchange, client: Client) -> frozenset[str]:
        """Look after everybody where an exchange gives reason to, and make anew who is no longer what they were.

        Returns:
            Who was not: what they were answered says nothing about the server.

        Raises:
            MisuseError: the administrator's own session is over and cannot be renewed, or the server makes nobody anew.
            UnseenError: the server does not answer.
        """
        # What a test changed for a while may keep somebody out until then: guests come in through a token that is switched off.
        if client.redactor.replaying or client.settings or not self._is_reason_to_look(exchange, client):
            return frozenset()
        return self.look(f"{exchange.operation} by {exchange.persona}", client)

    def look(self, cause: str, client: Client) -> frozenset[str]:
        """Look after everybody, and make anew who is no longer what they were; see :meth:`after`.

        Args:
            cause: What may have consumed them.
        """
        lost = {**self._keep_operator(cause, client), **self._keep_team(cause, client)}
        dead = {name: what for name, person in self.world.people.items() if (what := self._loss(person, client))}
        for name in dead:
            self.world.make_anew(self._anew(self.world.people[name], client))
        if lost := {**lost, **dead}:
            self.losses[f"{cause}: {_told(lost)}"] += 1
        return frozenset(dead)

    def _is_reason_to_look(self, exchange: Exchange, client: Client) -> bool:
        caller = self.world.people.get(exchange.persona)
        if exchange.status == 401 and caller:
            return not is_alive(client, caller.session, exchange.persona)
        is_refused = 300 <= exchange.status < 500 or (exchange.status == 501 and exchange.error_id)
        return not is_refused and self.may_consume(exchange.operation)

    def _keep_operator(self, cause: str, client: Client) -> dict[str, str]:
        if is_alive(client, self.world.operator, OPERATOR):
            return {}
        try:
            self.world.operator = self.sign_in()
        except MisuseError as error:
            raise MisuseError(f"the administrator's own session is over since {cause}, and there is no other: {error}") from None
        return {"the administrator": "signed out"}

    def _keep_team(self, cause: str, client: Client) -> dict[str, str]:
        team = f"/api/v4/teams/{self.world.team_id}"
        if self._call(client, "GET", team).json_object.get("delete_at") == 0:
            return {}
        restored = self._call(client, "POST", f"{team}/restore")
        if not restored.is_success:
            raise MisuseError(f"the run's team is archived since {cause}, and not restored: the server answered {restored.says}")
        return {"the run's team": "archived"}

    def _loss(self, person: Person, client: Client) -> str:
        """Return what became of somebody; nothing when they are what they were."""
        found = whoami(client, person.session, person.persona.name)
        if not found.is_success:
            account = self._call(client, "GET", f"/api/v4/users/{person.id}")
            return (
                "removed" if not account.is_success else "deactivated" if account.json_object.get("delete_at") else "signed out"
            )
        if set(str(found.json_object.get("roles")).split()) != person.persona.system_roles_among(self.world.roles):
            return "given other roles"
        is_there = is_in_team(self._admin(client), self.world, person)
        return "" if is_there else "taken out of the team, or given another role there"

    def _anew(self, person: Person, client: Client) -> Person:
        """Return somebody as they were: the same account where it can be had, else another."""
        again = self._restored(person, client)
        if again and not self._loss(again, client):
            return again
        return make_again(self.world, person.persona)

    def _restored(self, person: Person, client: Client) -> Person | None:
        put_back(self._admin(client), self.world, person)
        try:
            return person if person.persona.calls_with_token else signed_in_again(client, person)
        except MisuseError:
            return None

    def _call(self, client: Client, method: str, url: str, json: Any = None) -> Exchange:
        return self._admin(client).ask(method, url, json)

    def _admin(self, client: Client) -> Admin:
        return Admin(client, self.world.operator, is_taped=False)
