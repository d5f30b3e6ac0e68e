"""``confidential``: what the operation that reads a thing refuses somebody, no other operation tells them or lets them use.

Somebody writes where those who ask are not: into each thing a random mark. Whoever is then refused such a thing by the operation
that reads its kind, and is served about one that lies where they are, lacks sight of it. They send everything that the document
has, and name it wherever a request names one of its kind, and wherever an answer about that kind does. What comes back, and what
they read of what they made, holds no mark of it, and no id that they did not send; the administrator reads the thing unchanged.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from itertools import combinations, islice, product
from typing import Any

from mmconform.contract.clause import Operation
from mmconform.contract.naming import Named, filled, names_in
from mmconform.contract.permission import Holds, leaves
from mmconform.contract.templates import below_the_api
from mmconform.driving.composing import Probe
from mmconform.driving.probes import is_signed_out_for_good
from mmconform.errors import MisuseError, NotHereError
from mmconform.principles.data import lets_in, uses
from mmconform.principles.hideaways import FEW, Hidden, Hideaway, Hider, names_of
from mmconform.principles.questions import Questions, flags
from mmconform.principles.schemas import properties
from mmconform.principles.sightings import Finding
from mmconform.safety import harm
from mmconform.wire.exchange import Exchange
from mmconform.world import kinds
from mmconform.world.admin import PAGE, SWITCHED_OFF, moments
from mmconform.world.entitlement import entitlement
from mmconform.world.place import OPEN

#: Who asks: a change that somebody was served nobody else sends once more.
STRANGERS = ("member", "guest", "outsider", "channel_admin", "team_admin")
#: Of them who reads as a member does.
_LIKE_MEMBERS = ("channel_admin",)
_MIGHTIEST = "system_admin"
#: What a request must not spend of who sends it.
_ONES_OWN = frozenset({"user", "caller", "sessions"})
#: What of a thing may be known to whom it is hidden from: what it is called.
_KNOWN_PARTS = re.compile(r"(name|email)$")
_ID = re.compile(r"[a-z0-9]{26}")


@dataclass(frozen=True)
class Attempt:
    """A request by which somebody may learn of what is hidden from them, or use it.

    Attributes:
        things: Ids that it names instead of their own, by kind.
        params, body: What it holds beside.
    """

    operation: Operation
    about: str
    things: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | Sequence[Any] | None = None

    def about_others(self, instead: Mapping[str, str]) -> "Attempt":
        """Return the same with other ids."""

        def exchanged(value: Any) -> Any:
            if isinstance(value, Mapping):
                return {name: exchanged(content) for name, content in value.items()}
            if isinstance(value, list):
                return [exchanged(item) for item in value]
            return _ID.sub(lambda found: instead.get(found[0], found[0]), value) if isinstance(value, str) else value

        return replace(self, things=exchanged(self.things), params=exchanged(self.params), body=exchanged(self.body))


def only_reads(operation: Operation, base: str) -> bool:
    """Return whether an operation changes nothing."""
    template = below_the_api(base + operation.path)
    return operation.method == "GET" or harm.only_reads(operation.method, template)


# -- what is asked ---------------------------------------------------------------------------------------------------------


def plain(operation: Operation, word: str) -> Iterator[Attempt]:
    """Yield what names nothing that is hidden: as it is, with each switch on, and searching for what stands beside the marks."""
    held = {p.name for p in operation.parameters if p.place == "query"}
    whole = {"per_page": str(PAGE)} if "per_page" in held else {}
    for about in _abouts(operation):
        yield Attempt(operation, about, params=whole)
        yield from (Attempt(operation, about, params={**whole, flag: "true"}) for flag in flags(operation))
        for name in sorted(held):
            if kinds.is_search(name):
                yield Attempt(operation, about, params={name: word})
        for name in _properties(operation):
            if kinds.is_search(name):
                yield Attempt(operation, about, body={name: word})


def naming(operation: Operation, things: Mapping[str, str], identifying: Mapping[str, "Property"]) -> Iterator[Attempt]:
    """Yield what names hidden things: each by itself among one's own, and all together; also where nothing has to be named."""
    named = sorted(operation.kinds & things.keys())
    sizes = dict.fromkeys((1, len(named))) if named else ()
    for about, size in product(_abouts(operation), sizes):
        for some in combinations(named, size):
            yield Attempt(operation, about, {kind: things[kind] for kind in some})
    if named and (on := dict.fromkeys(flags(operation), "true")):
        yield Attempt(operation, "self", {kind: things[kind] for kind in named}, on)
    for parameter in operation.parameters:
        if parameter.place == "query" and not parameter.required and (kind := kinds.kind_of(parameter)) in things:
            yield Attempt(operation, "self", params={parameter.name: things[kind]})
    for name, known in identifying.items():
        if known.kind in things:
            id_ = things[known.kind]
            yield Attempt(operation, "self", body={name: [id_] if known.is_list else id_})


def _abouts(operation: Operation) -> tuple[str, ...]:
    """Return whose is what a request names beside: the caller's own, and of what only reads the resident's too."""
    if operation.method == "GET" and "user" in operation.kinds:
        return "self", "other"
    return ("self",)


def _properties(operation: Operation) -> Mapping[str, Any]:
    """Return the properties that a body lists, or that it is known to hold."""
    body, sample = operation.body, operation.sample.body
    listed = body.schema.get("properties") if body and body.is_json else None
    return {**(listed if isinstance(listed, dict) else {}), **(sample if isinstance(sample, dict) else {})}


# -- which properties name something ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Property:
    """What a property of a thing holds: the id of one of a kind, or a list of them."""

    kind: str
    is_list: bool = False


def learn(told: Any, known: Mapping[str, str], found: dict[str, Property]) -> None:
    """Learn from an answer which properties name things: those that hold the id of one that is known, by its kind."""
    if isinstance(told, list):
        for item in told:
            learn(item, known, found)
    elif isinstance(told, dict):
        for name, value in told.items():
            if isinstance(value, str) and value in known and name != "id":
                found.setdefault(name, Property(known[value]))
            elif isinstance(value, list) and value and isinstance(value[0], str) and value[0] in known:
                found.setdefault(name, Property(known[value[0]], is_list=True))
            else:
                learn(value, known, found)


# -- who asks --------------------------------------------------------------------------------------------------------------


def ask_all(questions: Questions) -> "Search":
    """Hide things, have everybody ask for them who is not to see them, and return what was hidden."""
    search = Search(questions)
    strangers = [Stranger(search, name) for name in STRANGERS if name in questions.world.people]
    for stranger in strangers:
        stranger.ask_plainly()
    for stranger in strangers:
        questions.found(stranger.look())
    return search


class Search:
    """All that is asked about what was hidden, on one target.

    Attributes:
        served: The changes that somebody was served.
        plain: The operations by which somebody was served about what is not hidden.
        closed: Those that the server has not.
        readable: What the administrator reads.
        identifying: The properties that name things.
    """

    def __init__(self, questions: Questions) -> None:
        self.questions, self.contract, self.sightings = questions, questions.contract, questions.sightings
        self.hider = Hider(questions)
        self.hideaways, self.word = list(self.hider.hide()), self.hider.word
        self.served: set[tuple[str, str]] = set()
        self.plain: set[str] = set()
        self.closed: set[str] = set()
        self.site = self._site()
        self._mute: set[str] = set()
        self._suspected: set[tuple[str, ...]] = set()
        self._looks = {kind: list(self._looking_at(kind)) for kind in self.sightings.reads}
        self.readable = {secret.id for place in self.hideaways for secret in place.secrets if self.is_read_by(_MIGHTIEST, secret)}
        self.identifying = self._identifying()
        self._before = {place.name: self.steady_state(place) for place in self.hideaways}

    def _site(self) -> str:
        """Return the address by which the server knows links to itself."""
        settings = self.questions.world.admin(self.questions.client).config().json_object.get("ServiceSettings")
        told = settings.get("SiteURL") if isinstance(settings, dict) else ""
        return str(told or self.questions.client.base_url)

    def is_read_by(self, name: str, secret: Hidden) -> bool:
        """Return whether somebody is served a thing by the operation that reads its kind."""
        answer = self.questions.read(secret.kind, secret.id, name)
        return answer is not None and answer.is_success

    def sees_kind(self, name: str, kind: str) -> bool:
        """Return whether somebody, or an ordinary member, is served about a thing of a kind where they are."""
        questions, reading = self.questions, self.sightings.reads[kind]
        for who in (name, "member"):
            answer = questions.ask(reading, who, questions.world.people[who], spot=OPEN)
            if answer is not None and answer.is_success:
                return True
        return False

    def _looking_at(self, kind: str) -> Iterator[Operation]:
        """Yield the operations that read one thing of a kind, and name nothing else."""
        for operation in self.questions.contract.operations.values():
            named = [p for p in operation.parameters if p.place == "path"]
            is_alone = len(named) == 1 and named[0].resource in names_of(kind) and len(operation.placeholders) == 1
            if operation.method == "GET" and is_alone and not operation.consumes and not operation.required_query:
                yield operation

    def looks(self, kind: str) -> Sequence[Operation]:
        """Return the operations that read one thing of a kind."""
        return self._looks.get(kind, ())

    # -- what the administrator reads ----------------------------------------------------------------------------------

    def _identifying(self) -> dict[str, Property]:
        """Return the properties that name things, as the answers about what is hidden show, and as the document says."""
        found: dict[str, Property] = {}
        known = {secret.id: secret.kind for place in self.hideaways for secret in place.secrets}
        for operation in self.contract.operations.values():
            found |= {name: Property(kind) for name, kind in (operation.body.resources if operation.body else {}).items()}
        people = {person.id: "user" for person in self.questions.world.people.values()}
        for place in self.hideaways:
            for secret in place.secrets:
                answer = self.questions.read(secret.kind, secret.id, _MIGHTIEST)
                learn(answer.json_or_none if answer else None, known | people, found)
        return found

    def named_by(self, operation: Operation) -> dict[str, Property]:
        """Return the properties by which a request may name things: those that its body lists, and that its answers hold."""
        if operation.method == "GET" or (operation.body and not operation.body.is_json):
            return {}
        held = {*_properties(operation), *self._answered(operation)}
        return {name: known for name, known in self.identifying.items() if name in held}

    def _answered(self, operation: Operation) -> Iterable[str]:
        schemas = (schema for answer in operation.answers.values() for schema in answer.content.values())
        return (name for schema in schemas for name in self._held(schema))

    def _held(self, schema: Any) -> Iterable[str]:
        for part in (schema, schema.get("items")) if isinstance(schema, dict) else ():
            yield from properties(self.contract, part)

    def state(self, place: Hideaway, ids: Iterable[str]) -> dict[tuple[str, str], str]:
        """Return what the administrator reads of hidden things, by thing and address, as digests."""
        admin, wanted, told = self.questions.world.people[_MIGHTIEST], set(ids), {}
        for secret in (secret for secret in place.secrets if secret.id in wanted):
            for operation in self._telling_of(secret.kind):
                answer = self.questions.ask(operation, _MIGHTIEST, admin, about=dict.fromkeys(names_of(secret.kind), secret.id))
                if answer is None or not answer.is_success:
                    self._mute.add(operation.id)
                else:
                    told[secret.id, operation.id] = blake2b(answer.answer, digest_size=9).hexdigest()
        return told

    def _telling_of(self, kind: str) -> Iterable[Operation]:
        """Return what tells of a thing: of one that many other things lie in, its own reading alone."""
        if kinds.scope_of([kind]) != "channel":
            return [self.sightings.reads[kind]]
        return [look for look in self._looks.get(kind, ()) if look.id not in self._mute]

    def steady_state(self, place: Hideaway) -> dict[tuple[str, str], str]:
        """Return what the administrator reads of a place, without what changes by itself in a moment."""
        first, second = (self.state(place, [secret.id for secret in place.secrets]) for _ in islice(moments(), 2))
        return {key: told for key, told in first.items() if second.get(key) == told}

    def changes(self, attempt: Attempt, place: Hideaway, ids: Iterable[str]) -> bool:
        """Return whether hidden things are read otherwise than the last time; of requests that are alike, once."""
        before, now = self._before[place.name], self.state(place, ids)
        is_changed = any(before.get(key, told) != told for key, told in now.items())
        before |= {key: told for key, told in now.items() if key in before}
        body = sorted(attempt.body) if isinstance(attempt.body, Mapping) else ()
        shape = (attempt.operation.id, *sorted(attempt.things), *sorted(attempt.params), *body)
        is_new = is_changed and shape not in self._suspected
        if is_changed:
            self._suspected.add(shape)
        return is_new


class Stranger:
    """Somebody to whom things are hidden."""

    def __init__(self, search: Search, name: str) -> None:
        self._search, self._questions, self._name = search, search.questions, name
        self._person = self._questions.world.people[name]
        self._refusals: dict[str, Exchange] = {}
        self._hidden: dict[str, Hidden] = {}
        self._findings: dict[tuple[str, str], Finding] = {}
        self._reading: list[Operation] = []
        self._told: list[tuple[Operation, Exchange, str]] = []

    def ask_plainly(self) -> None:
        """Ask what takes no id that is hidden: before anybody sends one, which others may be told as what was sent."""
        base, reads_more = self._search.contract.base, self._name not in _LIKE_MEMBERS
        self._reading = [
            operation
            for operation in self._operations()
            if reads_more and only_reads(operation, base) and self._may_be_told(operation)
        ]

    def look(self) -> list[Finding]:
        """Ask for changes, then about what is hidden, and once more what takes no id, and return what contradicts."""
        self._ask_to_read()
        for operation in self._operations():
            if not only_reads(operation, self._search.contract.base) and self._may_be_served(operation):
                self._ask_naming(operation, FEW)
                self._use(operation)
        for operation in self._reading:
            self._ask_naming(operation, None if self._name == "member" else FEW)
            for about in _abouts(operation):
                self._try(Attempt(operation, about))
        return list(self._findings.values())

    def _operations(self) -> Iterator[Operation]:
        for operation in self._questions.known:
            is_open = operation.id not in self._search.closed and not is_signed_out_for_good(operation, self._person.persona)
            if is_open and not _ONES_OWN & operation.consumes:
                yield operation

    # -- what is hidden ------------------------------------------------------------------------------------------------

    def _ask_to_read(self) -> None:
        """Ask to read each thing with the operation that reads its kind: what is refused here, and not elsewhere, is hidden."""
        secrets = [secret for place in self._search.hideaways for secret in place.secrets if secret.id in self._search.readable]
        sees = {kind: self._search.sees_kind(self._name, kind) for kind in {secret.kind for secret in secrets}}
        for secret in (secret for secret in secrets if sees[secret.kind]):
            answer = self._questions.read(secret.kind, secret.id, self._name)
            if answer is not None and is_refused(answer):
                self._refusals[secret.id], self._hidden[secret.id] = answer, secret
        for operation, answer, id_ in self._told:
            if hidden := self._hidden.get(id_):
                self._find(operation, hidden, f"is told the id of {a(hidden.kind)} that they may not read", answer)

    # -- what is asked -------------------------------------------------------------------------------------------------

    def _may_be_told(self, operation: Operation) -> bool:
        """Ask about nothing that is hidden, and return whether somebody may be served at all about what is."""
        answers = [self._try(attempt) for attempt in plain(operation, self._search.word)]
        told = ((answer, id_) for answer in answers if answer for id_ in self._search.readable if id_.encode() in answer.answer)
        self._told += ((operation, *seen) for seen in told)
        is_served = any(answer is not None and answer.is_success for answer in answers)
        if is_served:
            self._search.plain.add(operation.id)
        return is_served or (self._name == "outsider" and operation.id in self._search.plain)

    def _may_be_served(self, operation: Operation) -> bool:
        """Whether a sentence may let in somebody who is where the thing lies: else no sight decides."""
        roles, about = self._questions.world.roles, "self" if operation.kinds else "other"
        everybody = (self._person.persona, self._questions.world.people["member"].persona)
        return any(
            entitlement(operation, persona, roles, about, OPEN.position(persona, in_channel=True)) is not False
            for persona in everybody
        )

    def _ask_naming(self, operation: Operation, few: Container[str] | None) -> None:
        """Ask about what is hidden, in some of the places or in all."""
        for place in self._search.hideaways:
            things = {kind: id_ for kind, id_ in place.things.items() if id_ in self._hidden}
            if (few is None or place.name in few) and _names_known_parts(operation, things):
                for attempt in naming(operation, things, self._search.named_by(operation)):
                    if not self._is_entitled(attempt, place):
                        self._try(attempt, place)

    def _use(self, operation: Operation) -> None:
        """Do with what is hidden whatever else can be done with a name or an id."""
        path = below_the_api(self._search.contract.base + operation.path)
        for use, place in product(uses(), self._search.hideaways):
            is_hidden = place.name in FEW and place.things.get("channel") in self._hidden and not self._holds(place, lets_in())
            if is_hidden and use.is_by(operation.method, path):
                with suppress(MisuseError, NotHereError, KeyError):
                    body = filled(use.body, partial(self._give, place))
                    self._try(Attempt(operation, "self", body=body), place)

    def _give(self, place: Hideaway, named: Named) -> str:
        """Return what is named of a place, of the caller, or of the server.

        Raises:
            KeyError: there is no such thing.
        """
        if named.kind == "caller":
            return self._person.username if named.part else self._person.id
        if named.kind == "site":
            return self._search.site
        id_ = place.things[named.kind]
        return self._questions.place.part(named.kind, id_, named.part) if named.part else id_

    def _is_entitled(self, attempt: Attempt, place: Hideaway) -> bool:
        """Whether a sentence may let them do this for what they are where the thing lies, as the administrator of its team is."""
        operation, there = attempt.operation, place.position(self._person.persona)
        if "membership" in operation.consumes and self._holds(place, lets_in()):
            return True
        named = [
            leaf.permission
            for leaf in leaves(operation.requirement.demand)
            if isinstance(leaf, Holds) and leaf.scope == "channel"
        ]
        entitled = entitlement(operation, self._person.persona, self._questions.world.roles, attempt.about, there)
        return self._holds(place, named) and entitled is not False

    def _holds(self, place: Hideaway, permissions: Iterable[str]) -> bool:
        """Whether they hold any of these for what they are where a place is."""
        roles, there = self._questions.world.roles, place.position(self._person.persona)
        return any(roles.hold(role, one) is True for one, role in product(permissions, there.roles))

    # -- one request ---------------------------------------------------------------------------------------------------

    def _try(self, attempt: Attempt, place: Hideaway | None = None) -> Exchange | None:
        is_change = not only_reads(attempt.operation, self._search.contract.base)
        key = (attempt.operation.id, repr((sorted(attempt.things.items()), attempt.params, attempt.body)))
        if (is_change and key in self._search.served) or attempt.operation.id in self._search.closed:
            return None
        answer = self._send(attempt)
        if answer is None:
            return None
        if answer.status == SWITCHED_OFF:
            self._search.closed.add(attempt.operation.id)
        self._tell(attempt.operation, answer)
        if place and is_change and answer.is_success:
            self._search.served.add(key)
            self._look_after(attempt, place, answer)
        return answer

    def _send(self, attempt: Attempt) -> Exchange | None:
        probe = Probe(self._name, attempt.about, OPEN)
        return self._questions.send(attempt.operation, probe, things=attempt.things, body=attempt.body, params=attempt.params)

    def _tell(self, operation: Operation, answer: Exchange, *before: Exchange) -> None:
        """Note what an answer tells of what is hidden: no id any more, which they have sent, and may be told as what they did.

        Args:
            before: The request after which it was asked, if that is what was at fault.
        """
        for secret in self._hidden.values():
            if secret.mark.encode() in answer.answer:
                seen = f"is told what was put into {a(secret.kind)} that they may not read"
                self._find(operation, secret, seen, answer, *before)

    def _look_after(self, attempt: Attempt, place: Hideaway, answer: Exchange) -> None:
        """Look what a served change has done: to what is hidden, and to what they made."""
        sent = answer.url.encode() + (answer.body or b"")
        named = {secret.id for secret in place.secrets if secret.id.encode() in sent and secret.id in self._hidden}
        if self._search.changes(attempt, place, named) and (again := self._again(attempt, place)):
            one = self._hidden[again.of]
            self._find(attempt.operation, one, f"changes {a(one.kind)} that they may not read: {again.what}", answer)
        if any(self._search.is_read_by(self._name, self._hidden[id_]) for id_ in named):
            self._is_let_in(attempt, place, answer)
        for read in self._read_made(attempt.operation, answer):
            self._tell(attempt.operation, read, answer)

    def _is_let_in(self, attempt: Attempt, place: Hideaway, answer: Exchange) -> None:
        """Note that they may read afterwards what was hidden from them, and ask no more about it."""
        for secret in (
            secret for secret in place.secrets if secret.id in self._hidden and self._search.is_read_by(self._name, secret)
        ):
            self._note(attempt.operation, secret, f"may read {a(secret.kind)} afterwards", answer)
            del self._hidden[secret.id]

    def _again(self, attempt: Attempt, place: Hideaway) -> "HiddenChange | None":
        """Do the same to another such place, which nothing else can have changed, and return what that changes."""
        fresh = self._search.hider.again(place)
        if fresh is None:
            return None
        instead = {old.id: new.id for old, new in zip(place.secrets, fresh.secrets, strict=True)}
        other = attempt.about_others(instead)
        before = self._search.steady_state(fresh)
        if self._send(other) is None:
            return None
        now = self._search.state(fresh, instead.values())
        back = {new: old for old, new in instead.items()}
        return next(
            (HiddenChange(back[of], path) for (of, path), told in now.items() if before.get((of, path), told) != told), None
        )

    def _read_made(self, operation: Operation, answer: Exchange) -> Iterator[Exchange]:
        """Yield what they read of the thing that they made or changed."""
        id_, kind = answer.json_id, self._kind_answered(operation)
        for look in self._search.looks(kind) if id_ and kind and id_ not in self._refusals else ():
            if read := self._questions.ask(look, self._name, self._person, about=dict.fromkeys(names_of(kind), id_)):
                yield read

    def _kind_answered(self, operation: Operation) -> str:
        """Return of which kind that is of which an answer tells: that which is read in the same shape."""

        def shapes(operation: Operation) -> list[Any]:
            return [
                answer.content.get("application/json") for status, answer in operation.answers.items() if status in ("200", "201")
            ]

        told = [shape for shape in shapes(operation) if shape]
        reads = self._search.sightings.reads.items()
        return next((kind for kind, reading in reads if any(shape in told for shape in shapes(reading))), "")

    def _find(self, operation: Operation, secret: Hidden, seen: str, *answers: Exchange) -> None:
        """Note what contradicts, if the thing is still hidden."""
        if (operation.id, secret.kind) not in self._findings and not self._search.is_read_by(self._name, secret):
            self._note(operation, secret, seen, *answers)

    def _note(self, operation: Operation, secret: Hidden, seen: str, *answers: Exchange) -> None:
        reading, refusal, side = self._search.sightings.reads[secret.kind], self._refusals[secret.id], self._search.sightings.side
        sides = [*(side(answer, seen) for answer in reversed(answers)), side(refusal, f"refused with {refusal.says}")]
        if operation is not reading:
            seen = f"{seen}; {reading.id} answers them {refusal.says}"
            finding = Finding("confidential", operation.id, reading.id, secret.kind, self._name, seen, tuple(sides))
            self._findings.setdefault((operation.id, secret.kind), finding)


@dataclass(frozen=True)
class HiddenChange:
    """What has changed of a hidden thing: what the administrator reads of it at an address."""

    of: str
    what: str


def _names_known_parts(operation: Operation, things: Mapping[str, str]) -> bool:
    sample = operation.sample
    named = names_in([dict(sample.path), dict(sample.query), sample.body])
    return all(_KNOWN_PARTS.search(name.part) for name in named if name.part and name.kind in things)


def is_refused(answer: Exchange) -> bool:
    """Return whether an answer is the server's own refusal to show a thing."""
    return answer.status in (403, 404) and bool(answer.error_id)


def a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
