"""What changed between two records: promises, answers to the same requests, fields, and whole operations."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, get_args

from mmconform.contract.clause import Contract
from mmconform.errors import MisuseError
from mmconform.judging.checks.verdict import NO_ROUTE
from mmconform.record.record import Record
from mmconform.record.rows import AnswerRow, ChangeKind, Effect
from mmconform.world.people import MADE, PERSONAS

#: What a change means to who calls the server, worst first. ``worse``: a promise is broken that was kept, a valid
#: request is refused that was served, a field or an operation is gone, a field has another type, the server fails.
#: ``better`` is the opposite, or something new; ``different`` is all else, such as another error id.
EFFECTS: tuple[Effect, ...] = get_args(Effect)
KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)

_ORDER = [*PERSONAS, *MADE]
_Asked = tuple[str, str, str, int]
_Answers = dict[_Asked, AnswerRow]


@dataclass(frozen=True)
class Change:
    """One difference between two servers, for everybody who meets it.

    Attributes:
        clause: The promise that it is about.
        kind: One of ``KINDS``.
        before, after: An answer (``403 api.context.permissions.app_error``), a field with its type, or whether the
            promise was kept.
        count: How many answers showed it.
        request, number: The first of them, as the records name it.
    """

    operation: str
    clause: str
    kind: ChangeKind
    personas: tuple[str, ...]
    before: str
    after: str
    effect: Effect
    count: int
    request: str = ""
    number: int = 0


@dataclass(frozen=True)
class Comparison:
    """The changes, worst first, and how many answers could be compared.

    Attributes:
        pairs: Requests that both servers answered.
        alone: Answers of one server only: a test that is about its version alone, or a narrower run.
        off_before, off_after: Operations that were not compared, since one of the servers had switched them off: that is a
            setting of its administrator's, and no change of the server.
    """

    changes: list[Change]
    pairs: int
    alone: int
    off_before: tuple[str, ...] = ()
    off_after: tuple[str, ...] = ()


#: Why something was not judged that a server of another version may be judged by.
_NOT_KNOWN = ("unknown-in-version", "unknown-permission", "unknown-relation", "unknown-request", "partly-understood")


def compare(contract: Contract, before: Record, after: Record) -> Comparison:
    """Return what changed from one record to another.

    Raises:
        MisuseError: the records were made of other documents or other requests, so that nothing can be compared.
    """
    old_header, new_header = before.header, after.header
    if old_header.spec != new_header.spec:
        raise MisuseError("the two records were made of different documents; run one of them again")
    if (old_header.seed, old_header.max_examples) != (new_header.seed, new_header.max_examples):
        raise MisuseError(
            "the two records were made of different requests: each run of a server draws its own. "
            "`mmconform compare --save NAME TARGET` keeps one of those that every comparison sends"
        )
    if before.header.spec != contract.digest:
        raise MisuseError("the records were made of other documents than ours; run them again")
    off_before, off_after = _switched_off(before), _switched_off(after)
    old, new = _asked(before, but=off_before ^ off_after), _asked(after, but=off_before ^ off_after)
    both = [key for key in old if key in new]
    operations = list(_operations(old, new, both))
    moved = {change.operation for change in operations}
    changes = [
        *operations,
        *_promises(before, after, moved),
        *_answers(contract, old, new, [key for key in both if key[1] not in moved]),
        *_fields(contract, old, new, moved),
    ]
    places = {clause: place for place, clause in enumerate(contract.clauses)}
    changes.sort(key=lambda c: (EFFECTS.index(c.effect), KINDS.index(c.kind), places.get(c.clause, -1), c.before, c.after))
    off = (tuple(sorted(one - other)) for one, other in ((off_before, off_after), (off_after, off_before)))
    return Comparison(changes, len(both), len(old) + len(new) - 2 * len(both), *off)


def _switched_off(record: Record) -> set[str]:
    """Return the operations of which nothing was judged, but since when they are there, for a setting of the server's."""
    rows = [row for row in record.observations if row.rule != "since"]
    judged = {row.operation for row in rows if row.outcome != "skip"}
    return {row.operation for row in rows if row.signature == "not-on-this-target"} - judged


def _asked(record: Record, but: Collection[str] = ()) -> _Answers:
    """Return the answers by what was asked: the same test, operation and persona, the same time round.

    Args:
        but: Of these operations none.
    """
    times: Counter[tuple[str, str, str]] = Counter()
    found: _Answers = {}
    for answer in (answer for answer in record.answers if answer.operation not in but):
        key = (answer.request, answer.operation, answer.persona)
        times[key] += 1
        found[(*key, times[key])] = answer
    return found


def _in_order(personas: Any) -> tuple[str, ...]:
    return tuple(sorted(set(personas), key=lambda p: _ORDER.index(p) if p in _ORDER else len(_ORDER)))


def _operations(old: _Answers, new: _Answers, both: list[_Asked]) -> Iterator[Change]:
    """Yield the operations that one server serves to somebody, and the other, though asked the same, to nobody."""
    served = [{key[1] for key in answers if answers[key].is_served} for answers in (old, new)]
    for operation in sorted(served[0] ^ served[1]):
        keys = [key for key in both if key[1] == operation]
        telling = [key for key in keys if old[key].is_served or new[key].is_served]
        if telling:
            first = telling[0]
            gone = operation in served[0]
            after = Counter(new[key].says for key in telling).most_common(1)[0][0]
            before = Counter(old[key].says for key in telling).most_common(1)[0][0]
            who = _in_order(key[2] for key in telling)
            effect: Effect = "worse" if gone else "better"
            number = new[first].number
            yield Change(operation, f"{operation}.since", "operation", who, before, after, effect, len(telling), first[0], number)


def _promises(before: Record, after: Record, moved: set[str]) -> Iterator[Change]:
    """Yield the promises that one server keeps to somebody and the other breaks, or breaks in another way."""

    old, new = ways_broken(before), ways_broken(after)
    old_doubts, new_doubts = _doubts(before), _doubts(after)
    groups: dict[tuple[str, str, str, Effect], list[str]] = defaultdict(list)
    for key in old.keys() & new.keys():
        gone, come = old[key] - new[key], new[key] - old[key]
        if gone or come:
            was = _broken(gone) if gone else _otherwise(old[key], is_in_doubt=key in old_doubts)
            is_ = _broken(come) if come else _otherwise(new[key], is_in_doubt=key in new_doubts)
            # What one of the two was not judged by, it may do as well.
            is_known = key not in (new_doubts if gone else old_doubts)
            groups[key[0], was, is_, _worsening(gone, come) if is_known else "different"].append(key[1])
    for (clause, was, is_, effect), personas in groups.items():
        operation = clause.partition(".")[0]
        if operation not in moved:
            yield Change(operation, clause, "promise", _in_order(personas), was, is_, effect, len(personas))


def ways_broken(record: Record) -> dict[tuple[str, str], set[str]]:
    """Return, for each clause and persona of which something was seen, in which ways the promise is broken."""
    broken: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in record.observations:
        if row.outcome in ("pass", "fail"):
            broken[row.clause, row.persona] |= {row.signature} if row.outcome == "fail" else set()
    return broken


def _doubts(record: Record) -> set[tuple[str, str]]:
    """Return the clauses, with the persona, of which something was not judged since nobody knows what is right there."""
    return {(row.clause, row.persona) for row in record.observations if row.outcome == "skip" and row.signature in _NOT_KNOWN}


def _otherwise(signatures: set[str], *, is_in_doubt: bool) -> str:
    if is_in_doubt:
        return "kept as far as it was judged" if not signatures else "not seen broken that way, nor judged in all"
    return "kept" if not signatures else "not broken that way"


def _broken(signatures: set[str]) -> str:
    return "broken: " + "; ".join(sorted(signatures))


def _worsening(gone: set[str], come: set[str]) -> Effect:
    return "different" if gone and come else "worse" if come else "better"


def _answers(contract: Contract, old: _Answers, new: _Answers, keys: list[_Asked]) -> Iterator[Change]:
    """Yield the requests that the two servers answer with another status or error id."""
    groups: dict[tuple[str, str, str, Effect], list[_Asked]] = defaultdict(list)
    for key in keys:
        was, is_ = old[key], new[key]
        if was.says != is_.says:
            groups[key[1], was.says, is_.says, _effect(was, is_)].append(key)
    for (operation, before, after, effect), of_group in groups.items():
        first = of_group[0]
        rule = _rule({int(before[:3]), int(after[:3])})
        clause = f"{operation}.{rule}" if f"{operation}.{rule}" in contract.clauses else f"{operation}.status"
        who = _in_order(key[2] for key in of_group)
        yield Change(operation, clause, "answer", who, before, after, effect, len(of_group), first[0], new[first].number)


def _effect(was: AnswerRow, is_: AnswerRow) -> Effect:
    is_begun = was.error == NO_ROUTE and is_.status == 501  # an operation that is new, and not offered here
    fails, failed = is_.status >= 500 and not is_begun, was.status >= 500
    if fails != failed:
        return "worse" if fails else "better"
    return "worse" if was.is_served and not is_.is_served and was.valid else "different"


def _rule(statuses: set[int]) -> str:
    if 401 in statuses:
        return "auth"
    return "permission" if 403 in statuses else "status"


def _fields(contract: Contract, old: _Answers, new: _Answers, moved: set[str]) -> Iterator[Change]:
    """Yield the fields of answers that only one of the servers sends, or that are of another type."""
    was, is_ = _shapes(old), _shapes(new)
    for operation in sorted((was.keys() & is_.keys()) - moved):
        for name in sorted(was[operation].keys() | is_[operation].keys()):
            before, after = was[operation].get(name, {}), is_[operation].get(name, {})
            if before.keys() == after.keys():
                continue
            kinds = ["|".join(sorted(types)) or "absent" for types in (before, after)]
            personas = _in_order(p for who in (after or before).values() for p in who)
            effect = _effect_of_field(before.keys(), after.keys())
            old_field, new_field = (f"{name}: {kind}" for kind in kinds)
            count = sum(map(len, (after or before).values()))
            yield Change(operation, f"{operation}.schema", "field", personas, old_field, new_field, effect, count)


def _effect_of_field(before: Collection[str], after: Collection[str]) -> Effect:
    """Return what it is to a client that a field is of other types; of none where it is absent."""
    if not before:
        return "better"
    # Who reads what was always null has something to read; and what is never null any more is nobody's loss.
    is_harmless = after and (set(before) == {"null"} or not set(after) - set(before))
    return "different" if is_harmless else "worse"


def _shapes(answers: _Answers) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Return, for each operation, its answers' fields, each field's types, and who saw them."""
    shapes: dict[str, dict[str, dict[str, list[str]]]] = {}
    for (_, operation, persona, _), answer in answers.items():
        for name, types in answer.fields.items():
            for kind in types.split("|"):
                shapes.setdefault(operation, {}).setdefault(name, {}).setdefault(kind, []).append(persona)
    return shapes
