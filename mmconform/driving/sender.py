"""Turns generated cases into requests of real personas about real resources.

The first valid case is the core: every persona sends it about its own resource, about somebody else's and about one
that does not exist. All other cases take personas and kinds of resources in turn, so that each meets every other; every
second one is the system administrator's, since only who is let in gets deep into the server.
A request that consumes its token (revoke, disable) gets a fresh one the next time.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, cycle, product
from typing import Any
from urllib.parse import unquote

from mmconform.contract.clause import Operation
from mmconform.contract.templates import below_the_api
from mmconform.driving.asking import Asker
from mmconform.driving.generate import Case
from mmconform.errors import NotHereError, SwitchedOffError
from mmconform.judging.judge import Judge
from mmconform.judging.schemas import mismatches
from mmconform.safety.guard import WOULD_DO_HARM, require_filled
from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange
from mmconform.world import kinds
from mmconform.world.kinds import job
from mmconform.world.kinds.kind import Kind, Owner
from mmconform.world.people import PERSONAS
from mmconform.world.whose import whose
from mmconform.world.world import Person, World

ABOUT = ("self", "other", "nobody")

_MIGHTIEST = "system_admin"

#: Stand in for somebody else: never the caller.
_OTHERS = ("other_token_user", "token_user")

#: What only probes judge by documents that are not ours: they know where a thing lies and who is there, and ask plainly. A drawn
#: flag (`include_deleted`) may raise what is demanded, and a drawn word of a path may be none to the router.
_OF_PROBES = ("permission", "since")


@dataclass(frozen=True)
class Planned:
    """A case, who sends it and about whose resource."""

    case: Case
    persona: str
    about: str


def plan(cases: tuple[Case, ...]) -> Iterator[Planned]:
    """Yield what to send, in a fixed order."""
    core = next((case for case in cases if case.valid), None)
    if core:
        for persona, about in product(PERSONAS, ABOUT):
            yield Planned(core, persona, about)
    rota = zip(cycle(product(PERSONAS, ABOUT)), cycle(product([_MIGHTIEST], ABOUT)))
    turns = chain.from_iterable(rota)
    for case in cases:
        if case is not core:
            persona, about = next(turns)
            yield Planned(case, persona, about)


def spares(operation: Operation, about: str) -> bool:
    """Return whether a request leaves the caller and what is there what they are: what consumes them is asked by probes."""
    return "caller" not in operation.consumes and (not operation.consumes or about == "nobody")


class Sender(Asker):
    """Sends planned cases for one operation to one target and has the answers judged."""

    def __init__(self, operation: Operation, world: World, client: Client, judge: Judge) -> None:
        super().__init__(operation, world, client, judge)
        self._fresh: dict[tuple[str, str], str] = {}  # what is consumed, by kind and persona
        self._makes_tokens = operation.id == "CreateUserAccessToken"
        path = below_the_api(self.contract.base + operation.path)
        known = (kinds.by_name()[name] for name in operation.identified if name in kinds.by_name())
        self._consumed = {kind.name for kind in known if kind.is_consumed_by(operation.method, path)}

    def ask_all(self, cases: tuple[Case, ...]) -> None:
        """Send what is planned for the cases; of an operation that is not there, only as much as shows that."""
        reason = self._out_of_scope()
        why = self.world.what_is_lacking(self.operation) if reason == "not-on-this-target" else ""
        for clause in self.contract.of(self.operation.id) if reason else ():
            if clause.rule != "since":
                self.judge.skip(clause, reason, why=why)
        if not self.judge.vouches:
            self.judged = [clause for clause in self.contract.of(self.operation.id) if clause.rule not in _OF_PROBES]
        if reason == "not-on-this-target":  # what is switched off answers everybody so
            self.judged = list(self.contract.of(self.operation.id, "since"))
        for case in cases:
            self.world.register.draw(*case.values)
        planned = [request for request in plan(cases) if spares(self.operation, request.about)]
        if cases and not planned:
            self.judge.held_back(self.operation.id, WOULD_DO_HARM, "it ends its caller's session; probes make one for it")
        for request in planned[: len(PERSONAS) * len(ABOUT)] if reason else planned:
            self.ask(request.persona, partial(self._send, request))

    def _out_of_scope(self) -> str:
        exists = self.operation.exists_in(self.world.version)
        if exists is None:
            return "partly-understood"
        if not exists:
            return "not-in-version"
        return "not-on-this-target" if self.world.lacks(self.operation) else ""

    def lose(self) -> None:
        self._fresh.clear()

    def _send(self, planned: Planned) -> Exchange:
        case, about = planned.case, planned.about
        path = case.path_parameters
        body = case.body
        bound = False
        for parameter in self.operation.parameters:
            if parameter.resource and parameter.place == "path" and self._fits(parameter.schema, path.get(parameter.name)):
                value = self._resource(parameter.resource, planned.persona, about)
                if value:
                    path[parameter.name], bound = value, True
        if self.operation.body and isinstance(body, dict):
            for name, resource in self.operation.body.resources.items():
                schema = self.operation.body.schema["properties"][name]
                value = self._resource(resource, planned.persona, about) if self._fits(schema, body.get(name)) else None
                if value:
                    body, bound = {**body, name: value}, True
        person = self.world.people.get(planned.persona)
        fresh = {id_ for (_, persona), id_ in self._fresh.items() if persona == planned.persona}
        own = frozenset({person.id, person.token_id, *fresh} - {""}) if person else frozenset()
        require_filled(self.operation, path)
        arguments = case.request(path, body)
        self.world.register.draw(*self.operation.named_in(unquote(arguments["url"])))  # as it is written in a path
        if job.makes_jobs(self.operation):
            job.note(self.world)
        exchange = self.client.send(
            arguments["method"],
            self.contract.base + arguments["url"],
            persona=planned.persona,
            token=person.session if person else None,
            operation=self.operation.id,
            about=self._whose(arguments, person) if bound else self._about(arguments, own),
            meant=about if bound else "",
            own=own,
            headers={
                k: v
                for k, v in (arguments.get("headers") or {}).items()
                if k.lower() == "content-type" or k in (case.drawn.headers or {})
            },
            **{key: arguments[key] for key in ("params", "json", "data", "files") if arguments.get(key) is not None},
        )
        if self._consumed and exchange.is_success:
            self._fresh.clear()
        if exchange.is_success and self._makes_tokens:
            # What is not needed any more only makes every later list longer.
            made = exchange.json_or_none
            if isinstance(made, dict) and made.get("id"):
                self.world.admin(self.client).ask("POST", "/api/v4/users/tokens/revoke", {"token_id": made["id"]})
        if job.makes_jobs(self.operation):
            job.note(self.world, exchange)
        return exchange

    def _fits(self, schema: Any, value: Any) -> bool:
        return isinstance(value, str) and not mismatches(self.contract, schema, value)

    def _resource(self, kind: str, persona: str, about: str) -> str | None:
        """Return the id of a resource of the caller or of somebody else; None leaves the generated one."""
        known = kinds.by_name().get(kind)
        is_meant = about != "nobody" and self.operation.exists_in(self.world.version)
        if known is None or not (is_meant or known.is_never_drawn):
            return None
        person = self._owner(persona, about)
        owner = Owner(self.world, self.client, person.persona.name, person, person.session, self.world, "spare")
        try:
            id_ = self._fresh_one(known, owner) if kind in self._consumed else known.standing(owner)
            self.world.register.learn(id_)
            self.world.belongs(kind, id_, owner.id if known.is_owned else "")
            return id_
        except SwitchedOffError as missing:
            self.leave_out(str(missing))
        except NotHereError:
            pass
        return None

    def _fresh_one(self, kind: Kind, owner: Owner) -> str:
        if (kind.name, owner.persona) not in self._fresh:
            self._fresh[kind.name, owner.persona] = kind.make(owner)
        return self._fresh[kind.name, owner.persona]

    def _owner(self, persona: str, about: str) -> Person:
        if about == "self" and persona in self.world.people:
            return self.world.people[persona]
        return self.world.people[next(name for name in _OTHERS if name != persona)]

    def _whose(self, arguments: dict[str, Any], person: Person | None) -> str:
        url, body = self.contract.base + arguments["url"], json.dumps(arguments.get("json") or {}).encode()
        return whose(self.world, self.contract, self.operation.id, url, body, person.id if person else "")

    def _about(self, arguments: dict[str, Any], own: frozenset[str]) -> str:
        text = f"{arguments['url']} {arguments.get('json')} {arguments.get('data')}"
        if any(id_ in text for id_ in own) or "/me/" in f"{arguments['url']}/":
            return "unclear"
        return "nobody"
