"""What answers showed of things of ours: which fields, filled or blank, to whom. Kept apart from who judges a promise by them."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import msgspec

from mmconform.contract.clause import Contract, Operation, Principle
from mmconform.judging.judge import evidence
from mmconform.principles.data import credentials
from mmconform.principles.schemas import followed
from mmconform.record.rows import Evidence
from mmconform.servers.target import Target
from mmconform.wire.exchange import Exchange

_ID = re.compile(r"[a-z0-9]{26}")
#: How hashes of passwords begin: bcrypt, PBKDF2, Argon2, as in the crypt format.
_HASH = re.compile(r"\$(?:2[abxy]\$\d\d|pbkdf2[a-z0-9-]*|argon2[a-z]*|[56])\$[^\s\"]{16,}")
#: How deep an answer is looked into.
_DEEPEST = 8


class Sighting(msgspec.Struct, frozen=True):
    """What one answer showed somebody of one thing.

    Attributes:
        caller: The id of who asked.
        place: Where in the answer it stood.
        fields: The digests of its fields' values; nothing for a blank one.
        is_reading: It is the answer of the kind's own reading operation to the plain question.
        is_change: The operation may have changed it.
    """

    operation: str
    persona: str
    caller: str
    kind: str
    thing: str
    place: str
    fields: dict[str, str]
    is_reading: bool
    is_change: bool
    evidence: Evidence


class Finding(msgspec.Struct, frozen=True):
    """What contradicts a principle, for one persona (:class:`mmconform.record.rows.FindingRow`).

    Attributes:
        is_gap: It does no harm: the document is merely silent about it.
    """

    principle: Principle
    operation: str
    beside: str
    field: str
    persona: str
    seen: str
    evidence: tuple[Evidence, ...] = ()
    is_gap: bool = False


class Stock(msgspec.Struct):
    """What a process tells of the principles: what was sighted, what was found at once, and which operations served somebody.

    Attributes:
        unanswered: How many requests of an operation had no answer of the server's own; of none: to make something first.
    """

    sightings: list[Sighting] = []
    findings: list[Finding] = []
    served: dict[str, int] = {}
    unanswered: dict[str, int] = {}


def reading_operations(contract: Contract) -> Mapping[str, Operation]:
    """Return for each kind the operation that reads one: names nothing else, tells its id; the shortest path of several."""
    found: dict[str, Operation] = {}
    for operation in sorted(contract.operations.values(), key=lambda operation: (len(operation.path), operation.path)):
        named = [p for p in operation.parameters if p.place == "path"]
        ends = operation.path.endswith("}") or operation.path.endswith("/info")
        if operation.method == "GET" and len(named) == 1 and named[0].resource and ends and _tells_an_id(contract, operation):
            found.setdefault(named[0].resource, operation)
    return found


def _tells_an_id(contract: Contract, operation: Operation) -> bool:
    answer = operation.answers.get("200")
    schema = answer.content.get("application/json") if answer else None
    return "id" in (followed(contract, schema).get("properties") or {})


class Sightings:
    """The stock of one target in one process.

    Attributes:
        things: The kinds of the things of ours that requests named, by their ids.
        reads: The operation that reads a kind.
        read: Who has been asked to read which thing.
        over: Sessions and tokens that were seen to open nothing any more: whoever tells one gives nothing away.
    """

    def __init__(self, contract: Contract, target: Target) -> None:
        self._contract, self._target = contract, target
        self.things: dict[str, str] = {}
        self.reads = reading_operations(contract)
        self.seen = Stock()
        self.over: set[str] = set()
        self.read: set[tuple[str, str]] = set()
        self._known: set[tuple[str, ...]] = set()
        self._told: set[tuple[str, str, str]] = set()

    def knows(self, kind: str, ids: Iterable[str]) -> None:
        """Learn of things of ours."""
        self.things |= dict.fromkeys(ids, kind)

    def add(self, seen: Stock) -> None:
        """Add what another process saw."""
        self.seen.sightings += seen.sightings
        self.seen.findings += seen.findings
        for operation, times in seen.served.items():
            self.count(operation, times)
        for operation, times in seen.unanswered.items():
            self.lose(operation, times)

    def count(self, operation: str, times: int = 1) -> None:
        """Count that an operation served what was asked for a principle."""
        self.seen.served[operation] = self.seen.served.get(operation, 0) + times

    def lose(self, operation: str, times: int = 1) -> None:
        """Count that no answer came to what was asked for a principle: what it would have shown was not seen."""
        self.seen.unanswered[operation] = self.seen.unanswered.get(operation, 0) + times

    def note(self, exchange: Exchange) -> None:
        """Look at one answer."""
        operation = self._contract.operations.get(exchange.operation)
        if operation is None or not exchange.is_success:
            return
        self._learn(operation, exchange)
        self._note_credentials(exchange)
        for place, thing in _objects(exchange.json_or_none):
            if kind := self.things.get(str(thing.get("id"))):
                self._note(operation, exchange, kind, place, thing)

    def _learn(self, operation: Operation, exchange: Exchange) -> None:
        """Learn of which kind the things are that the request names, if we have put them there."""
        if exchange.as_meant not in ("self", "other"):
            return
        resources = {p.name: p.resource for p in operation.parameters if p.place == "path" and p.resource}
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self._contract.base + operation.path))
        found = re.fullmatch(pattern, exchange.path)
        in_body = operation.body.resources if operation.body else {}
        named = [(found[name], kind) for name, kind in resources.items()] if found else []
        named += [(exchange.json_sent.get(name), kind) for name, kind in in_body.items()]
        self.things |= {str(id_): kind for id_, kind in named if kind in self.reads and _ID.fullmatch(str(id_))}

    def caller_of(self, exchange: Exchange) -> str:
        """Return the id of who asked; empty for whoever has no account."""
        return next((id_ for id_ in sorted(exchange.own) if self.things.get(id_) == "user"), min(exchange.own, default=""))

    def _note(self, operation: Operation, exchange: Exchange, kind: str, place: str, thing: dict[str, Any]) -> None:
        fields = {name: "" if is_blank(value) else _digest(value) for name, value in fields_of(thing)}
        caller = self.caller_of(exchange)
        is_reading = operation is self.reads.get(kind) and not exchange.query and not place
        key = (operation.id, caller, str(thing["id"]), place, str(is_reading), _digest(fields))
        is_change = operation.method != "GET"
        if key in self._known and not (is_change or is_reading):
            return
        self._known.add(key)
        self.seen.sightings.append(
            Sighting(
                operation.id,
                exchange.persona,
                caller,
                kind,
                str(thing["id"]),
                place,
                fields,
                is_reading,
                is_change,
                self.side(exchange),
            )
        )

    # -- credentials ---------------------------------------------------------------------------------------------------

    def _note_credentials(self, exchange: Exchange) -> None:
        """A password's hash, a second factor's secret and somebody else's credential are shown to nobody."""
        others = {
            whose
            for value, whose in self._target.redactor.credentials.items()
            if whose.partition("'")[0] != exchange.persona and value not in self.over and value.encode() in exchange.answer
        }
        for whose in sorted(others):
            self._tell(exchange, f"the credential of {whose}", f"the answer holds a session or token of {whose}")
        if b"$" in exchange.answer and _HASH.search(exchange.answer.decode("utf-8", "replace")):
            self._tell(exchange, "the hash of a password", "the answer holds what begins as the hash of a password does")
        for place, thing in _objects(exchange.json_or_none):
            for field in sorted(credentials().get(self.things.get(str(thing.get("id")), ""), ())):
                if not is_blank(value := thing.get(field)):
                    self._tell(exchange, field, f"`{place}{field}` holds {told(value)}")

    def _tell(self, exchange: Exchange, field: str, seen: str) -> None:
        key = (exchange.operation, field, exchange.persona)
        if key not in self._told:
            self._told.add(key)
            sides = (self.side(exchange, seen),)
            self.seen.findings.append(Finding("hidden", exchange.operation, "", field, exchange.persona, seen, sides))

    def side(self, exchange: Exchange, shows: str = "") -> Evidence:
        """Return an exchange as evidence, without its answer: of that is told what matters only.

        Args:
            shows: What the answer shows, in our words.
        """
        return msgspec.structs.replace(evidence(replace(exchange, answer=b""), self._target, {}), answer=shows)


def is_blank(value: Any) -> bool:
    """Return whether a field tells nothing: empty, a mask, or what stands for no number."""
    if isinstance(value, str):
        return not value.strip("*")
    return value in (None, 0, -1, [], {})


def told(value: Any) -> str:
    """Return what may be said of a value that was to be hidden."""
    return f"a text of {len(value)} characters" if isinstance(value, str) else f"a value ({type(value).__name__})"


def _digest(value: Any) -> str:
    return blake2b(json.dumps(value, sort_keys=True, default=str).encode("utf-8", "backslashreplace"), digest_size=9).hexdigest()


def _objects(node: Any, place: str = "", deep: int = _DEEPEST) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object of an answer, with where it stands: ``channels[].``; a key that is an id is told as ``*``."""
    if not deep:
        return
    if isinstance(node, list):
        for child in node:
            yield from _objects(child, f"{place.removesuffix('.')}[].", deep - 1)
    elif isinstance(node, dict):
        yield place, node
        for name, child in node.items():
            yield from _objects(child, f"{place}{'*' if _ID.fullmatch(str(name)) else name}.", deep - 1)


def fields_of(thing: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of an object, those of an object that it has as ``props.name``; no other things."""
    for name, value in thing.items():
        if isinstance(value, dict) and value and "id" not in value:
            yield from ((f"{name}.{inner}", content) for inner, content in value.items() if not isinstance(content, dict | list))
        elif not (isinstance(value, list) and any(isinstance(item, dict) for item in value)):
            yield name, value
