"""One request of an operation, put together: from what somebody says it holds, what was drawn, and things of this run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mmconform.contract.clause import Body, Operation
from mmconform.contract.naming import Named, filled, items_of, with_items
from mmconform.driving.generate import Case
from mmconform.safety.guard import require_filled
from mmconform.wire.exchange import Exchange
from mmconform.world import kinds
from mmconform.world.place import RESIDENT, Place, Spot
from mmconform.world.world import Person, World


@dataclass(frozen=True)
class Probe:
    """Who asks, about whose thing (``self`` or ``other``), lying where; nowhere where the operation names no place."""

    persona: str
    about: str
    spot: Spot | None


@dataclass(frozen=True)
class Variant:
    """In what a request differs from the plain one of its probe.

    Attributes:
        name: In words.
        query: What the query holds beside, or instead.
        body: Properties that the JSON object which is its body holds beside, or instead.
        is_batch: The body is the one about several things.
        last: The probe of which the last of these is, about what the caller may not touch; None where all are the probe's own.
    """

    name: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, bool] = field(default_factory=dict)
    is_batch: bool = False
    last: Probe | None = None


PLAIN = Variant()


@dataclass(frozen=True)
class Request:
    """What is sent.

    Attributes:
        path: Filled in, below the address under which the API lives.
        body: As keyword arguments of ``requests.Request``: ``json``, ``data``, ``files``.
        said: The parameters, and ``""`` for the body, of which somebody says what they hold.
        names: What it names, by kind and filler.
        things: The ids of all things that it names.
        withheld: Those of what the caller may not touch, where that is a part of it alone.
    """

    path: str
    params: Mapping[str, Any]
    body: Mapping[str, Any]
    said: frozenset[str]
    names: Mapping[str, str] = field(default_factory=dict)
    things: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()


class Composer:
    """Puts together the requests of one operation, and makes good what served ones consumed.

    Args:
        core: A valid case, for what a request must hold beside what the contract knows.
    """

    def __init__(self, operation: Operation, world: World, place: Place, core: Case | None) -> None:
        self._operation, self._world, self._place, self._core = operation, world, place, core

    def compose(
        self, probe: Probe, caller: Person | None, things: Mapping[str, str] | None = None, variant: Variant = PLAIN
    ) -> Request:
        """Return a request, written down if it may make something.

        Args:
            things: Ids that it names instead of others of their kinds.
            variant: In what it differs from the plain one.

        Raises:
            MisuseError, NotHereError: what it names cannot be made.
            HeldBackError: a placeholder of its path is not filled.
        """
        core, sample = self._core, self._operation.sample
        if core:
            self._world.register.draw(*core.values)
        # beside what these name, nothing that anybody has
        self._world.register.draw(sample.path, sample.query, sample.body, sample.batch)
        said = self._said(probe, caller, things or {}, variant)
        path = {**(core.path_parameters if core else {}), **said.values("path")}
        require_filled(self._operation, path)
        self._world.register.learn_words(*path.values())
        params = {**self._required(core), **said.values("query"), **variant.query}
        last = self._said(variant.last, caller, {}, variant) if variant.last else None
        body = self._batch(said, last) if variant.is_batch else self._with(self._body(core, said), variant.body)
        withheld = frozenset(last.things - said.things if last else ())
        request = Request(
            self._operation.filled(path), params, body, said.parameters, said.names, withheld.union(said.things), withheld
        )
        self._note_making(request)
        return request

    def _said(self, probe: Probe, caller: Person | None, things: Mapping[str, str], variant: Variant) -> "_Said":
        return _Said(self._operation, self._place, probe, caller, things, self._consumed(variant))

    def _consumed(self, variant: Variant) -> frozenset[str]:
        """Return the kinds of what is made for a request: what it consumes, and what a flag may leave other than it was."""
        operation = self._operation
        if not variant.body or not operation.harmless or operation.consumes:
            return operation.consumes
        return frozenset({p.resource for p in operation.parameters if p.place == "path" and p.resource} - {"user", "bot"})

    def served(self, probe: Probe, caller: Person | None, request: Request, answer: Exchange, variant: Variant = PLAIN) -> None:
        """Write down what a served request made, let go of what it consumed, and put people's places and sessions back."""
        self._make_good(probe, caller, variant, request.things)
        self._note_making(request, answer.json_id if isinstance(answer.json_or_none, dict) else "")

    def _make_good(
        self, probe: Probe, caller: Person | None, variant: Variant = PLAIN, things: frozenset[str] = frozenset()
    ) -> None:
        consumes = self._consumed(variant)
        self._place.forget(consumes, probe.spot)
        if "user" in consumes and probe.about == "self":
            self._place.spend(probe.persona)
        is_callers = probe.about == "self" or "user" not in self._operation.kinds  # of nobody else the request says anything
        whose = caller if is_callers and caller else self._world.people[RESIDENT]
        if "membership" in consumes and probe.spot:
            for person in (whose, *(person for person in self._world.people.values() if person.id in things - {whose.id})):
                in_team = kinds.scope_of(self._operation.kinds) == "team"
                self._place.settle(person, probe.spot, in_team=in_team, is_raised=bool(variant.body))
        if "sessions" in consumes:
            self._place.sign_in(whose)
        if "calm" in consumes:
            self._place.calm()

    def _note_making(self, request: Request, id_: str | None = None) -> None:
        """Write down what a request may make, before it is sent, and what it has made."""
        kind = kinds.by_name().get(self._operation.makes)
        if kind and kind.what and (id_ or (id_ is None and kind.is_ours_to_make(self._world))):
            self._world.note(**kind.made(dict(request.names)), **({"id": id_} if id_ else {}))

    # -- what a request holds ------------------------------------------------------------------------------------------

    def _required(self, core: Case | None) -> dict[str, Any]:
        drawn = dict(core.drawn.query or {}) if core else {}
        return {name: value for name, value in drawn.items() if name in self._operation.required_query}

    def _body(self, core: Case | None, said: "_Said") -> dict[str, Any]:
        body, sample = self._operation.body, self._operation.sample.body
        if body is None:
            return self._undeclared(said.filled(sample))
        if not body.is_json:
            return _form({**said.filled(sample or {}), **said.in_body(body)})
        if sample is not None and not isinstance(sample, dict):
            return {"json": said.filled(sample)}
        drawn = core.body if core and isinstance(core.body, dict) else {}
        return {"json": {**(drawn if sample is None else said.filled(sample)), **said.in_body(body)}}

    def _batch(self, said: "_Said", last: "_Said | None") -> dict[str, Any]:
        """Return the body about several things; where the last one is of another probe, each asks for what the first does."""
        batch = self._operation.sample.batch
        if last is None:
            return {"json": said.filled(batch)}
        first, *_ = items_of(batch)
        return {"json": said.filled(with_items(batch, [said.filled(first), last.filled(first)]))}

    @staticmethod
    def _with(body: dict[str, Any], more: Mapping[str, bool]) -> dict[str, Any]:
        return {**body, "json": {**body.get("json", {}), **more}} if more else body

    @staticmethod
    def _undeclared(content: Any) -> dict[str, Any]:
        """Return a body of which a document says nothing: bytes where it is a text."""
        return {} if content is None else {"data": content} if isinstance(content, str) else {"json": content}


class _Said:
    """What somebody says that one request holds: its things, looked up or made when they are first named.

    Args:
        things: Ids that it names instead of others of their kinds.
        consumed: The kinds of what is made for it.

    Attributes:
        names: What the request names so far, by kind and filler.
        things: The ids of all things that it names so far.
    """

    def __init__(
        self,
        operation: Operation,
        place: Place,
        probe: Probe,
        caller: Person | None,
        things: Mapping[str, str],
        consumed: frozenset[str],
    ) -> None:
        self._operation, self._place, self._probe, self._caller, self._instead = operation, place, probe, caller, things
        self._consumed = consumed
        self.names: dict[str, str] = {}
        self.things: set[str] = set()

    @property
    def parameters(self) -> frozenset[str]:
        """The parameters, and ``""`` for the body, of which it is said."""
        sample = self._operation.sample
        return frozenset({*sample.path, *sample.query, *([] if sample.body is None else [""])})

    def values(self, place: str) -> dict[str, Any]:
        """Return what parameters hold; in a query an id only where one is required: each is one more question."""
        said = self._operation.sample.path if place == "path" else self._operation.sample.query
        ids = {
            p.name: self._give(Named(str(p.resource)))
            for p in self._operation.parameters
            if p.place == place and p.name not in said and p.resource in kinds.by_name() and (place == "path" or p.required)
        }
        return {**ids, **self.filled(dict(said))}

    def in_body(self, body: Body) -> dict[str, Any]:
        """Return what the identifiers of a body hold."""
        return {name: self._give(Named(kind)) for name, kind in body.resources.items() if kind in kinds.by_name()}

    def filled(self, value: Any) -> Any:
        """Return a value of the sample with what it names in it."""
        return filled(value, self._give)

    def _give(self, named: Named) -> Any:
        if named.kind == "caller":
            value = (self._caller or self._place.resident).id
        elif named.is_filler:
            value = self.names.get(named.kind) or self._place.filler(named.kind)
        else:
            value = self._thing(named)
            self.things.add(value)
        if not named.which and not named.part:
            self.names[named.kind] = value
        return self._place.part(named.kind, value, named.part) if named.part else value

    def _thing(self, named: Named) -> str:
        probe, kind = self._probe, named.kind
        if kind in self._instead and not named.which:
            return self._instead[kind]
        if kind == "user" and probe.about == "self" and self._caller and not named.which:
            return self._caller.id
        owner = probe.persona if probe.about == "self" else RESIDENT
        if named.which or kind not in self._consumed:
            return self._place.standing(kind, probe.spot, owner, named.which)
        return self._place.fresh(kind, probe.spot, owner)


def _form(values: dict[str, Any]) -> dict[str, Any]:
    files = {name: value for name, value in values.items() if isinstance(value, tuple)}
    return {"data": {name: value for name, value in values.items() if name not in files}, "files": files}
