"""What is known to have changed from version to version: data, each entry with a reason and its source."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmconform.contract.clause import Contract
from mmconform.documents.reader import read
from mmconform.errors import DocumentError
from mmconform.judging.changes import Change
from mmconform.judging.reason import Reason
from mmconform.paths import DATA
from mmconform.version import Version, Versions
from mmconform.world.people import MADE, PERSONAS

FILE = DATA / "changes.yaml"
_KEYS = ("operation", "versions", "before", "after", "reason", "source")


@dataclass(frozen=True)
class KnownChange:
    """Something that servers answer otherwise since a version, and that no document tells.

    Attributes:
        versions: Those that say it the new way.
        before, after: What they said and say, as in ``Change``; each can be several.
        personas: To whom; empty for everybody whom it meets.
        place: ``file:line`` of the entry.
    """

    operations: frozenset[str]
    versions: Versions
    before: frozenset[str]
    after: frozenset[str]
    reason: str
    source: str
    place: str
    personas: frozenset[str] = frozenset()

    def covers(self, change: Change, older: Version, newer: Version) -> bool:
        """Whether this is the change, for some at least of those who meet it."""
        is_it = change.operation in self.operations and change.before in self.before and change.after in self.after
        return is_it and self.meets(change) and self.may_lie_between(older, newer)

    def meets(self, change: Change) -> bool:
        return not self.personas or bool(self.personas & set(change.personas))

    def lies_between(self, older: Version, newer: Version) -> bool:
        """Whether the newer of two versions is known to say it the new way, and the older the old way."""
        return self.versions.include(older) is False and self.versions.include(newer) is True

    def may_lie_between(self, older: Version, newer: Version) -> bool:
        """Whether it is not known that both versions say the same."""
        has_changed = {self.versions.include(older), self.versions.include(newer)}
        return None in has_changed or self.lies_between(older, newer)


def load(contract: Contract, path: Path = FILE, *, is_of_many: bool = False) -> list[KnownChange]:
    """Return the known changes of the contract's operations.

    Args:
        is_of_many: The contract is of any document: an operation that it does not have is no mistake.

    Raises:
        DocumentError: an unknown operation or key, something missing, or two entries for the same change.
    """
    name = f"data/{path.name}"
    source = read(path, name)[0]
    if not isinstance(source.data, list):
        raise DocumentError(name, 1, "expected a list of changes")
    found: list[KnownChange] = []
    for i, entry in enumerate(source.data):
        line = source.line_of(str(i))
        if not isinstance(entry, dict):
            raise DocumentError(name, line, "expected a mapping")
        for key in _KEYS:
            if not entry.get(key):
                raise DocumentError(name, line, f"the change has no `{key}`")
        unknown = sorted(entry.keys() - {*_KEYS, "personas", "unknown", "carried_back"})
        if unknown:
            raise DocumentError(name, line, f"`{unknown[0]}` is no part of a change")
        strange = sorted(_texts(entry["operation"]) - contract.operations.keys())
        if strange and not is_of_many:
            raise DocumentError(name, line, f"`{strange[0]}` is no operation of the contract; `mmconform contract` lists them")
        try:
            versions = Versions.of(entry)
        except ValueError as error:
            raise DocumentError(name, line, str(error)) from None
        operations, before, after = (_texts(entry[key]) for key in ("operation", "before", "after"))
        personas = _texts(entry.get("personas", []))
        strangers = sorted(personas - {*PERSONAS, *MADE})
        if strangers:
            raise DocumentError(name, line, f"`{strangers[0]}` is no persona; there are {', '.join([*PERSONAS, *MADE])}")
        reason, evidence = str(entry["reason"]), str(entry["source"])
        one = KnownChange(operations, versions, before, after, reason, evidence, f"{name}:{line}", personas)
        twin = next((k for k in found if _same(k, one)), None)
        if twin:
            raise DocumentError(name, line, f"says the same as {twin.place}; join them")
        found.append(one)
    return [one for one in found if one.operations & contract.operations.keys()]


def is_known(change: Change, contract: Contract, known: Iterable[KnownChange], older: Version, newer: Version) -> bool:
    """Return whether a change between neighbours is documented, or known for everybody who meets it.

    A promise that breaks is judged as a deviation, and never new here.
    """
    if change.kind == "promise" or (change.kind == "operation" and _documented(change, contract, older, newer)):
        return True
    covering = [k for k in known if k.covers(change, older, newer)]
    if any(not k.personas for k in covering):
        return True
    return bool(covering) and set(change.personas) <= {p for k in covering for p in k.personas}


def explain(change: Change, contract: Contract, known: Iterable[KnownChange], older: Version, newer: Version) -> str:
    """Return why something changed between two versions, as the document or the data say, or nothing."""
    return "; ".join(map(str, reasons(change, contract, known, older, newer)))


def reasons(
    change: Change, contract: Contract, known: Iterable[KnownChange], older: Version, newer: Version
) -> tuple[Reason, ...]:
    """Return the same, each reason with its source."""
    if documented := _documented(change, contract, older, newer):
        return (Reason(documented),)
    within = [k for k in known if change.operation in k.operations and k.may_lie_between(older, newer)]
    covering = [k for k in within if k.covers(change, older, newer)] or [
        k for k in within if change.after in k.after and k.meets(change)
    ]
    return tuple(Reason(f"{k.versions.began}: {k.reason}", k.source) for k in covering)


def _documented(change: Change, contract: Contract, older: Version, newer: Version) -> str:
    operation = contract.operations[change.operation]
    for version, what in ((operation.since, "comes with"), (operation.removed, "leaves with")):
        if change.kind == "operation" and version and older < version <= newer:
            return f"documented: {change.operation} {what} {version}"
    return ""


def unmet(known: Iterable[KnownChange], changes: Iterable[Change], older: Version, newer: Version) -> list[KnownChange]:
    """Return the known changes between two neighbouring versions that were not seen."""
    seen = list(changes)
    return [k for k in known if k.lies_between(older, newer) and not any(k.covers(change, older, newer) for change in seen)]


def not_shown(known: Iterable[KnownChange], changes: Iterable[Change], older: Version, newer: Version) -> list[KnownChange]:
    """Return the known changes between any two versions that no change shows, not even together with others that came later.

    One that is known for certain callers is told of those to whom no change shows it, an entry for all operations of the same.
    """
    seen = list(changes)

    def is_part(entry: KnownChange, change: Change) -> bool:
        is_step = change.before in entry.before or change.after in entry.after
        return change.operation in entry.operations and is_step and entry.meets(change)

    found: list[KnownChange] = []
    for entry in known:
        if not entry.lies_between(older, newer):
            continue
        shown = [change for change in seen if is_part(entry, change)]
        if not entry.personas:
            found += [] if shown else [entry]
            continue
        met = {(change.operation, persona) for change in shown for persona in change.personas}
        rest: dict[frozenset[str], set[str]] = {}
        for operation in sorted(entry.operations):
            rest.setdefault(frozenset(who for who in entry.personas if (operation, who) not in met), set()).add(operation)
        found += [replace(entry, operations=frozenset(of), personas=who) for who, of in rest.items() if who]
    return found


def _texts(value: Any) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset({str(value)})


def _same(change: KnownChange, other: KnownChange) -> bool:
    shared = (change.operations & other.operations, change.before & other.before, change.after & other.after)
    are_for_the_same = change.personas == other.personas or bool(change.personas & other.personas)
    return change.versions == other.versions and all(shared) and are_for_the_same
