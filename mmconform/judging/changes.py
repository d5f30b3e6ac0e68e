"""What changed between two records: promises, answers to the same requests, fields, and whole operations."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from mmconform.contract.clause import Contract
from mmconform.errors import MisuseError
from mmconform.judging.access import PROBES
from mmconform.judging.judge import NOT_HERE, NOT_ON_TAPE
from mmconform.record.record import PREVIOUS, Record, judged_by, narrowed_to, slug_of
from mmconform.record.rows import About, AnswerRow, ChangeKind, Effect, ObservationRow
from mmconform.version import Version
from mmconform.wire.exchange import NO_ROUTE, Exchange
from mmconform.wire.tape.name import name_of_test
from mmconform.world.features import OFF_THERE
from mmconform.world.people import MADE, PERSONAS, power

#: What a change means to who calls the server, worst first. ``worse``: a promise is broken that was kept, a valid
#: request is refused that was served, a field or an operation is gone, a field has another type, the server fails.
#: ``better`` is the opposite, or something new, but for a request that is served now and was refused: that may be a hole, and is
#: ``different``, as is all else, such as another error id, or a promise that the same answer breaks in one of the versions only:
#: what is asked of these is not the same, and who calls them meets nothing new.
EFFECTS: tuple[Effect, ...] = get_args(Effect)
KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)

#: What a server says of an operation for which it has no route.
NO_OPERATION = f"404 {NO_ROUTE}"

_ORDER = [*PERSONAS, *MADE]
#: The test, the operation, the persona, what the request is about where that is told, and the how manieth like that.
Asked = tuple[str, str, str, str, int]
#: The rules about which answer somebody gets, whatever stands in it.
_OF_ANSWERS = ("status", "input", "auth", "permission")
#: The rules about what stands in an answer that is served.
_OF_CONTENT = ("schema", "media", "secret", "paging")
_Answers = dict[Asked, AnswerRow]


@dataclass(frozen=True)
class Sent:
    """What sent some requests.

    Attributes:
        test: As the records name it.
        which: Which of its requests they are, in words; nothing where nobody says.
        about: Whose things they name.
    """

    test: str
    which: str = ""
    about: About = "unclear"


@dataclass(frozen=True)
class Caller:
    """How one of those who meet a change meets it.

    Attributes:
        count: Their requests that show it.
        of: Their requests to the operation that the earlier server answered like these, and that the later one was asked as well.
        valid: How many of those that show it are valid and about something that exists.
        about: Whose things those name.
        tests: What sent those, each once.
        others: What sent those of ``of`` that the later server answers as the earlier one did, each once.
    """

    persona: str
    count: int
    of: int
    valid: int
    about: tuple[About, ...]
    tests: tuple[Sent, ...]
    others: tuple[Sent, ...] = ()


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
        promises: Those that are kept or broken by just these answers, and so are told with them and not once more.
        callers: Of another answer: which requests show it, for each of ``personas``.
        answered_alike: Of a promise: what shows it broken on one side is answered so on the other, and breaks nothing there.
        is_to_be_hidden: Of a field: showing it was a finding of principles, on the one side and not on the other.
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
    promises: tuple["Change", ...] = ()
    callers: tuple[Caller, ...] = ()
    answered_alike: bool = False
    is_to_be_hidden: bool = False


@dataclass(frozen=True)
class ServedAlone:
    """Somebody whom one of two servers served in an operation, and the other was seen to do so by no answer.

    Attributes:
        count: Their requests that were served, none of which the other was asked, since it is of another version.
        test: What sent the first of them.
        served: How they were served, each answer once.
        said: What the other answers to all that it was asked there as them.
    """

    operation: str
    persona: str
    count: int
    test: str
    served: tuple[str, ...]
    said: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """The changes, worst first, and how many answers could be compared.

    Attributes:
        pairs: Requests that both servers answered, but for those to ``off_both``.
        alone: Answers of one server only: a test that is about its version alone, or a narrower run.
        off_before, off_after: Operations that were not compared, since one of the servers had switched them off, which is a
            setting of its administrator's, or since the one tape does not hold them: that is no change of the server.
        off_both: Those that both had switched off: of what they do where they are on this says nothing.
        pairs_off, differ_off: Requests to these that both answered, which are compared all the same, and how many of them they
            answer otherwise.
        compared: The operations that both servers were asked about, but for those, and for what is ``nowhere``.
        only_before, only_after: Whom one of the servers only was asked as: the operations, and how many answers each has.
        why_not_before, why_not_after: How many answers one of the servers lacks that the other gave, by why its own record has no
            such test (the reason for which it was skipped there, with what the record says of it behind a colon, ``OTHERWISE`` or
            ``NOT_RUN``), and by that test.
        served_before, served_after: Whom one of the servers only served, by requests that the other was not asked.
        of_some_rows: Fields that some rows of a list have on one side, of a server that was asked before: its lists tell what
            that run left, too, and this may be of these rows, so that they are among no ``changes``.
        nowhere: Operations that neither version has.
    """

    changes: list[Change]
    pairs: int
    alone: int
    off_before: tuple[str, ...] = ()
    off_after: tuple[str, ...] = ()
    off_both: tuple[str, ...] = ()
    pairs_off: int = 0
    differ_off: int = 0
    compared: frozenset[str] = frozenset()
    only_before: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    only_after: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    why_not_before: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    why_not_after: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    served_before: tuple[ServedAlone, ...] = ()
    served_after: tuple[ServedAlone, ...] = ()
    of_some_rows: tuple[Change, ...] = ()
    nowhere: frozenset[str] = frozenset()


#: Why a record has no answer that another has: its test asked something else there, or was not run.
OTHERWISE, NOT_RUN = "asked otherwise", "not run"
#: What is said of a test that was skipped for the version of a server that has its operation, where the record does not say more.
_OF_OTHERS = "not-in-version: its test is for servers of other versions"
#: Those of these reasons that are the version's, and not how it was asked.
_OF_VERSION = ("not-in-version", OTHERWISE)

#: What is said of a promise on a side that does not break it, or not that way, as far as it was judged.
NOT_JUDGED_IN_ALL = "kept as far as it was judged", "not seen broken that way, nor judged in all"
#: Why something was not judged that a server of another version may be judged by.
_NOT_KNOWN = ("unknown-in-version", "unknown-permission", "unknown-relation", "unknown-request", "partly-understood")


def compare(contract: Contract, before: Record, after: Record, patterns: Collection[str] = ()) -> Comparison:
    """Return what changed from one record to another.

    Args:
        patterns: Of operations whose names are like one of these; none: of all.

    Raises:
        MisuseError: the records were made of other documents or other requests, so that nothing can be compared.
    """
    old_header, new_header = before.header, after.header
    if old_header.spec != new_header.spec:
        judged = [judged_by(header) for header in (old_header, new_header)]
        state = ", in another state" if judged[0] == judged[1] else ""
        raise MisuseError(
            f"the one record was judged by {judged[0]}, the other by {judged[1]}{state}: ask one of the two again, by the "
            "other's documents"
        )
    if (old_header.seed, old_header.max_examples) != (new_header.seed, new_header.max_examples):
        parts = [header for header in (old_header, new_header) if header.selection and header.selection != PROBES]
        whole = "".join(
            f"; that of {one.target} is of a part ({one.selection}), and what it took the place of, if anything, stands beside "
            f"it in {PREVIOUS}"
            for one in parts
        )
        raise MisuseError(
            "the two records were made of different requests: each run of a server draws its own. "
            f"`mmconform compare --save NAME TARGET` keeps one of those that every comparison sends{whole}"
        )
    if old_header.documents and new_header.documents and narrowed_to(old_header) != narrowed_to(new_header):
        raise MisuseError(
            "the two records were made of different operations: what a probe is answered hangs on what others did before. "
            "Ask both with the same --operation, or both without"
        )
    if before.header.spec != contract.digest:
        raise MisuseError("the records were made of other documents than ours; run them again")
    if patterns:
        names = contract.matching(patterns)
        contract, before, after = contract.part(names), before.part(names), after.part(names)
    off_before, off_after = (_not_judged(record, NOT_HERE, NOT_ON_TAPE) for record in (before, after))
    off_in_one = off_before ^ off_after
    old, new = ({key: answers[key] for key in answers if key[1] not in off_in_one} for answers in by_question(before, after))
    both = [key for key in old if key in new]
    operations = list(_operations(old, new, both))
    moved = {change.operation for change in operations}
    found = list(_fields(contract, {key: old[key] for key in both}, {key: new[key] for key in both}, moved))
    is_one = old_header.target == new_header.target and old_header.target.startswith("http")
    doubtful = [one for one in found if is_one and old_header.documents and _is_of_some_rows(one)]
    changes = [
        *operations,
        *_together(
            [one for one in _promises(before, after, old, new) if one[0].operation not in moved],
            list(_answers(contract, old, new, [key for key in both if key[1] not in moved])),
        ),
        *_hiding(before, after, [one for one in found if one not in doubtful]),
    ]
    places = {clause: place for place, clause in enumerate(contract.clauses)}
    changes.sort(key=lambda c: (EFFECTS.index(c.effect), severity(c), places.get(c.clause, -1), c.before, c.after))
    off_both = off_before & off_after
    counted, in_off = ([key for key in both if (key[1] in off_both) == is_off] for is_off in (False, True))
    off = tuple(sorted(off_before - off_after)), tuple(sorted(off_after - off_before)), tuple(sorted(off_both))
    gone, come = old.keys() - new.keys(), new.keys() - old.keys()
    only = _by_caller(gone), _by_caller(come)
    not_old, not_new = _why_alone(come, before, old), _why_alone(gone, after, new)
    why = _by_reason(not_old), _by_reason(not_new)
    served = _served_alone(not_new, old, new, moved), _served_alone(not_old, new, old, moved)
    differ_off = sum(old[key].says != new[key].says for key in in_off)
    versions = [Version.parse(header.server.version) for header in (old_header, new_header)]
    nowhere = frozenset(name for name, one in contract.operations.items() if all(one.exists_in(of) is False for of in versions))
    about = len(in_off), differ_off, frozenset(key[1] for key in counted) - nowhere
    rest = *off, *about, *only, *why, *served, tuple(doubtful), nowhere
    return Comparison(changes, len(counted), len(gone) + len(come), *rest)


def _why_alone(asked: Iterable[Asked], record: Record, answers: _Answers) -> dict[Asked, str]:
    """Return why a record has no answers to what another was asked, as in ``Comparison.why_not_before``."""
    slug = slug_of(record.header.target)
    skipped = {
        request_of(row, slug): f"{row.signature}: {row.seen}" if row.seen not in ("", row.signature) else row.signature
        for row in record.observations
        if row.outcome == "skip"
    }
    run, there = _sending(answers), {key[1] for key in answers}

    def why(test: str, operation: str) -> str:
        reason = skipped.get(test, NOT_RUN)
        return _OF_OTHERS if reason == "not-in-version" and operation in there else reason

    return {key: OTHERWISE if key[0] in run else why(*key[:2]) for key in asked}


def _by_reason(why_alone: Mapping[Asked, str]) -> dict[str, dict[str, int]]:
    """Return how many answers there are for each reason and test, most first."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for (test, *_), why in why_alone.items():
        found[why][test] += 1
    reasons = sorted(found, key=lambda why: (-found[why].total(), why))
    return {why: dict(sorted(found[why].items(), key=lambda one: (-one[1], one[0]))) for why in reasons}


def _served_alone(
    asked: Mapping[Asked, str], answers: _Answers, other: _Answers, moved: Collection[str]
) -> tuple[ServedAlone, ...]:
    """Return whom one server served by requests that the other was not asked, least powerful first.

    Args:
        asked: These requests, with the reasons.
        moved: Operations that came or went, which are told as such.
    """
    said: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for (_, operation, persona, *_), answer in other.items():
        said[operation, persona][answer.says] = None
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for key, why in asked.items():
        if why.partition(":")[0] in _OF_VERSION and answers[key].is_served and key[1] not in moved:
            found[key[1:3]].append((key[0], answers[key].says))
    return tuple(
        ServedAlone(
            operation,
            persona,
            len(served),
            min(served)[0],
            tuple(sorted({says for _, says in served})),
            tuple(said[operation, persona]),
        )
        for (operation, persona), served in sorted(found.items(), key=lambda one: (power(one[0][1]), one[0][0]))
        if not any(says.startswith("2") for says in said[operation, persona])
    )


def _sending(answers: _Answers) -> set[str]:
    return {request for request, *_ in answers}


def request_of(row: ObservationRow, slug: str) -> str:
    """Return what the answers to the same test are called in a record.

    Args:
        slug: Of the record's target.
    """
    return row.cassette.removesuffix(".yaml") or name_of_test(row.test, slug)


def _by_caller(asked: Iterable[Asked]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for _, operation, persona, *_ in asked:
        found[persona][operation] += 1
    return {persona: dict(sorted(found[persona].items())) for persona in _in_order(found)}


def severity(change: Change) -> int:
    """Return how much a change matters beside others of the same effect; 0 is the most.

    Of what is worse: what is refused that was served, where the server fails, what is gone, an operation or a field, and a
    promise that is broken with no such loss.
    """
    if change.effect != "worse" or change.kind == "promise":
        return KINDS.index(change.kind) if change.effect != "worse" else 4
    if change.kind != "answer":
        return 2 if change.kind == "operation" else 3
    if change.after >= "5":
        return 1
    return 0 if change.before.startswith("2") else 4


def switched_off(record: Record) -> set[str]:
    """Return the operations of which nothing was judged, but since when they are there, for a setting of the server's."""
    return _not_judged(record, NOT_HERE)


def lacking_in_part(record: Record) -> dict[str, list[str]]:
    """Return the operations of which a part could not be asked for what is switched off there, by that; the rest was judged."""
    found: dict[str, set[str]] = defaultdict(set)
    off = switched_off(record)
    for row in record.observations:
        if row.outcome == "skip" and row.signature == NOT_HERE and row.seen.startswith(OFF_THERE) and row.operation not in off:
            found[row.seen.removeprefix(OFF_THERE)].add(row.operation)
    return {feature: sorted(names) for feature, names in sorted(found.items())}


def _not_judged(record: Record, *reasons: str) -> set[str]:
    rows = [row for row in record.observations if row.rule != "since"]
    judged = {row.operation for row in rows if row.outcome != "skip"}
    return {row.operation for row in rows if row.signature in reasons} - judged


def by_question(*records: Record) -> list[dict[Asked, AnswerRow]]:
    """Return the answers of each record by what was asked: what has the same key in two of them was sent to both servers.

    That is the same test, operation and persona, about the like, the same time round. What a probe asks beside the plain requests
    hangs on what these were answered, so that by their turns alone others would meet. Where one of the records does not tell what
    its requests are about, as older ones, of none it counts. And it is not the same where a thing that it names on the one server
    could not be made on the other, for what is switched off there.
    """
    questions = _Questions(records)
    return [
        dict(zip(questions.of((answer.request, answer) for answer in record.answers), record.answers, strict=True))
        for record in records
    ]


def on_tape(records: Sequence[Record], test: str, exchanges: Sequence[Exchange]) -> dict[Asked, Exchange]:
    """Return all exchanges that a test had, in order, by what was asked, as :func:`by_question` names it for these records."""
    return dict(zip(_Questions(records).of((test, one) for one in exchanges), exchanges, strict=True))


class _Questions:
    """What counts as the same question in some records."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._tells_which = all(any(answer.which for answer in record.answers) for record in records)
        lacking = [{name for names in lacking_in_part(record).values() for name in names} for record in records]
        self._lacking_in_some = {name for names in lacking for name in names if not all(name in other for other in lacking)}

    def of(self, asked: Iterable[tuple[str, AnswerRow | Exchange]]) -> Iterator[Asked]:
        times: Counter[tuple[str, str, str, str]] = Counter()
        for test, one in asked:
            which = f"{one.about}: {one.which}" if self._tells_which and one.which else ""
            key = (test, one.operation, one.persona, which)
            times[key] += 1
            about = f"{which} {one.about}" if one.operation in self._lacking_in_some else which
            yield (*key[:3], about, times[key])


def _in_order(personas: Any) -> tuple[str, ...]:
    return tuple(sorted(set(personas), key=lambda p: _ORDER.index(p) if p in _ORDER else len(_ORDER)))


def _operations(old: _Answers, new: _Answers, both: list[Asked]) -> Iterator[Change]:
    """Yield the operations that one server serves to somebody, and the other, though asked the same, to nobody.

    And those for which only one of them has a route, though nobody is served: they are new, or gone, all the same.
    """
    served = [{key[1] for key in answers if answers[key].is_served} for answers in (old, new)]
    by_operation: dict[str, list[Asked]] = defaultdict(list)
    for key in both:
        by_operation[key[1]].append(key)
    for operation, keys in sorted(by_operation.items()):
        absent = [_is_absent([answers[key] for key in keys]) for answers in (old, new)]
        telling = [key for key in keys if old[key].is_served or new[key].is_served]
        effect: Effect
        if telling and (operation in served[0]) != (operation in served[1]):
            effect = "worse" if operation in served[0] else "better"
        elif absent[0] != absent[1]:
            # To whoever may most it says most: others are refused before. Nobody misses what served nobody.
            telling = [key for key in keys if key[2] == max((key[2] for key in keys), key=power)]
            effect = "better" if absent[0] else "different"
        else:
            continue
        before, after = (
            NO_OPERATION if is_absent else Counter(answers[key].says for key in telling).most_common(1)[0][0]
            for answers, is_absent in zip((old, new), absent, strict=True)
        )
        first, who = telling[0], _in_order(key[2] for key in telling)
        number = new[first].number
        yield Change(operation, f"{operation}.since", "operation", who, before, after, effect, len(telling), first[0], number)


def _is_absent(answers: list[AnswerRow]) -> bool:
    """Whether a server has no route for an operation: it says so to everybody; some addresses have not even that error."""
    return all(answer.status == 404 and answer.error in (NO_ROUTE, "") for answer in answers) and any(
        answer.error == NO_ROUTE for answer in answers
    )


def flat(changes: Iterable[Change]) -> Iterator[Change]:
    """Yield each change, and after it the promises that are told with it."""
    for change in changes:
        yield change
        yield from change.promises


#: A change, and the requests whose answers are it.
_Shown = tuple[Change, list[Asked]]


def _together(promises: list[_Shown], answers: list[_Shown]) -> Iterator[Change]:
    """Yield the changes of answers, each with the promises that are kept or broken by it, and all other promises.

    A failure of the server is told as the answer that it is, whichever promises it breaks or hides.
    """
    told_with: dict[int, list[Change]] = defaultdict(list)
    apart = []
    for promise, moved in promises:
        homes = [i for i, (_, keys) in enumerate(answers) if set(keys) & set(moved)]
        alike = [i for i in homes if _is_same(promise, moved, *answers[i])]
        if homes and (alike == homes[:1] == homes or all(map(_is_of_failure, (answers[i][0] for i in homes)))):
            told_with[homes[0]].append(promise)
        else:
            apart.append(promise)
    for i, (answer, _) in enumerate(answers):
        effects = {answer.effect, *(promise.effect for promise in told_with[i])}
        yield replace(answer, effect=min(effects - {"different"} or effects, key=EFFECTS.index), promises=tuple(told_with[i]))
    yield from apart


def _is_same(promise: Change, moved: list[Asked], answer: Change, keys: list[Asked]) -> bool:
    """Whether a promise is kept or broken by these answers: all of them, where it alone says whether that is good.

    What stands in an answer is not what changes with its status.
    """
    if promise.clause.partition(".")[2] in _OF_CONTENT:
        return False
    return promise.effect == answer.effect or (answer.effect == "different" and set(keys) == set(moved))


def _is_of_failure(answer: Change) -> bool:
    return answer.effect != "different" and (answer.before >= "5") != (answer.after >= "5")


def _promises(before: Record, after: Record, old: _Answers, new: _Answers) -> Iterator[_Shown]:
    """Yield the promises that one server keeps to somebody and the other breaks, or breaks in another way.

    One is mended where the requests that showed it broken show it kept now, and worse off the other way round. Where they
    are answered with an error of the server now, they show a failure, whatever the promise; where they break it otherwise,
    or were not judged or not asked on the other side, what became of it is not known, and it is called different; and so where
    they are answered alike.
    """
    sides = _Side(before, old), _Side(after, new)
    groups: dict[tuple[str, str, str, Effect, bool], list[tuple[str, list[Asked]]]] = defaultdict(list)
    for key in sorted(sides[0].ways.keys() & sides[1].ways.keys()):
        gone, come = (one.ways[key] - other.ways[key] for one, other in (sides, sides[::-1]))
        if gone or come:
            was = _Fate(key, gone, *sides)  # what became of what was broken
            is_ = _Fate(key, come, *sides[::-1])  # and what had been of what is
            moved = [*was.moved, *(asked for asked in is_.moved if asked not in was.moved)]
            fails = {_fails(old[asked], new[asked]) for asked in moved}
            effect: Effect = "different"
            is_alike = not (gone and come) and (was if gone else is_).is_alike
            if fails in ({(False, True)}, {(True, False)}):
                effect = "worse" if (False, True) in fails else "better"
            elif not (gone and come) and (was if gone else is_).is_kept and not is_alike:
                effect = "better" if gone else "worse"
            words = [
                _broken(ways) if ways else _of_these(fate.words, key[0], side)
                for ways, fate, side in ((gone, is_, sides[0]), (come, was, sides[1]))
            ]
            group = key[0], words[0], words[1], effect, is_alike
            groups[group].append((key[1], moved))
    for (clause, said, says, effect, is_alike), who in groups.items():
        personas, asked = _in_order(name for name, _ in who), [one for _, keys in who for one in keys]
        is_shown = all(keys for _, keys in who)  # to each of them by an answer that is another
        operation = clause.partition(".")[0]
        change = Change(operation, clause, "promise", personas, said, says, effect, len(who), answered_alike=is_alike)
        yield change, asked if is_shown else []


def _of_these(words: str, clause: str, side: "_Side") -> str:
    """Return what is said of a promise on a side where these callers see it kept: others may see it broken there."""
    is_broken = any(ways for (of, _), ways in side.ways.items() if of == clause)
    return f"{words} for these callers, broken for others" if words == "kept" and is_broken else words


class _Side:
    """What one of the two servers was seen to do.

    Attributes:
        ways: For each clause and persona of which something was seen, in which ways the promise is broken.
        doubts: The clauses, with the persona, of which something was not judged, since nobody knows what is right there.
    """

    def __init__(self, record: Record, answers: _Answers) -> None:
        self.answers, self.ways, self.doubts = answers, ways_broken(record), doubts(record)
        self._slug = slug_of(record.header.target)
        self._failures: dict[tuple[str, str], list[ObservationRow]] = defaultdict(list)
        for row in record.observations:
            if row.outcome == "fail":
                self._failures[row.clause, row.persona].append(row)
        self._turns: dict[tuple[str, str, str], list[Asked]] = defaultdict(list)
        for asked in answers:
            self._turns[asked[:3]].append(asked)
            self._turns["", *asked[1:3]].append(asked)

    def showing(self, key: tuple[str, str], ways: Collection[str]) -> tuple[list[Asked], int]:
        """Return requests among which are all that showed a promise broken in these ways, and how many showed it.

        They are those of the same tests and persona that were answered with the same status; of a tape of the whole API,
        where one test judges what others asked, those of the operation.
        """
        found: dict[Asked, None] = {}
        rows = [row for row in self._failures[key] if row.signature in ways]
        for row in rows:
            status = row.evidence.status if row.evidence else 0
            who = row.operation, row.persona
            turns = self._turns.get((request_of(row, self._slug), *who)) or self._turns.get(("", *who), [])
            found |= dict.fromkeys(asked for asked in turns if status in (0, self.answers[asked].status))
        return list(found), sum(row.count for row in rows)


class _Fate:
    """What the other server says to the requests that show a promise broken on the one.

    Attributes:
        moved: Those of them that it answers otherwise; the others would show the same again.
        is_kept: Whether the promise is kept there by what was asked and judged.
        is_alike: Whether it is kept there by the very answers that break it on the one: it asks for others there.
        words: What is to be said of it there.
    """

    def __init__(self, key: tuple[str, str], ways: Collection[str], own: _Side, other: _Side) -> None:
        showing, count = own.showing(key, ways)
        asked = [one for one in showing if one in other.answers]
        moved = [one for one in asked if own.answers[one].says != other.answers[one].says]
        # What was answered alike would have shown the same again: they are among the others, unless all of them were not asked.
        is_asked = len(asked) == len(showing) or (bool(moved) and len(showing) - len(asked) < count)
        self.moved = moved if is_asked else []
        broken = set(other.showing(key, other.ways[key])[0]) & set(self.moved)
        failing = [one for one in self.moved if other.answers[one].status >= 500]
        # Of which requests nobody can say: then only who breaks the promise in no way keeps it.
        is_otherwise = bool(broken or failing) or (not self.moved and bool(other.ways[key]))
        self.is_kept = is_asked and not is_otherwise and key not in other.doubts
        self.is_alike = self.is_kept and bool(asked) and not moved and key[0].partition(".")[2] in _OF_ANSWERS
        if failing and len(failing) == len(self.moved):
            self.words = "answered " + ", ".join(sorted({other.answers[one].says for one in failing}))
        elif not is_asked:
            self.words = "not asked that way"
        elif failing:
            self.words = "in part answered with an error of the server"
        elif broken:
            self.words = _broken(other.ways[key])
        else:
            self.words = _otherwise(other.ways[key], is_in_doubt=key in other.doubts)


def ways_broken(record: Record) -> dict[tuple[str, str], set[str]]:
    """Return, for each clause and persona of which something was seen, in which ways the promise is broken."""
    broken: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in record.observations:
        if row.outcome in ("pass", "fail"):
            broken[row.clause, row.persona] |= {row.signature} if row.outcome == "fail" else set()
    return broken


def broken_alike(before: Record, after: Record) -> dict[str, bool]:
    """Return the clauses that both servers break to the same caller in the same way, and whether in that way alone.

    It is the same way where a request that shows it on the one shows it on the other. Where what shows it on either was asked of
    both, and is answered otherwise there, the same error comes of other requests.
    """
    old, new = (_Side(*side) for side in zip((before, after), by_question(before, after), strict=True))
    found: dict[str, bool] = {}
    alone: dict[str, bool] = defaultdict(lambda: True)
    for key in sorted(old.ways.keys() & new.ways.keys()):
        ways = {way for way in old.ways[key] & new.ways[key] if _are_shown_alike(key, way, old, new)}
        alone[key[0]] &= ways == old.ways[key] == new.ways[key]
        if ways:
            found[key[0]] = True
    return {clause: alone[clause] for clause in found}


def _are_shown_alike(key: tuple[str, str], way: str, old: "_Side", new: "_Side") -> bool:
    showing = [set(side.showing(key, {way})[0]) for side in (old, new)]
    asked = [of_side & other.answers.keys() for of_side, other in zip(showing, (new, old), strict=True)]
    return bool(showing[0] & showing[1]) or not any(asked)


def doubts(record: Record) -> dict[tuple[str, str], set[str]]:
    """Return why something was not judged since nobody knows what is right there, by clause and persona."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in record.observations:
        if row.outcome == "skip" and row.signature in _NOT_KNOWN:
            found[row.clause, row.persona].add(row.signature)
    return found


def _otherwise(signatures: set[str], *, is_in_doubt: bool) -> str:
    if is_in_doubt:
        return NOT_JUDGED_IN_ALL[bool(signatures)]
    return "kept" if not signatures else "not broken that way"


def _broken(signatures: set[str]) -> str:
    return "broken: " + "; ".join(sorted(signatures))


def _answers(contract: Contract, old: _Answers, new: _Answers, keys: list[Asked]) -> Iterator[_Shown]:
    """Yield the requests that the two servers answer with another status or error id."""
    groups: dict[tuple[str, str, str, Effect], list[Asked]] = defaultdict(list)
    alike: dict[tuple[str, str, str], list[Asked]] = defaultdict(list)
    for key in keys:
        was, is_ = old[key], new[key]
        alike[(*key[1:3], was.says)].append(key)
        if was.says != is_.says:
            groups[key[1], was.says, is_.says, _effect(was, is_)].append(key)
    for (operation, before, after, effect), of_group in groups.items():
        first = of_group[0]
        rule = _rule({int(before[:3]), int(after[:3])})
        clause = f"{operation}.{rule}" if f"{operation}.{rule}" in contract.clauses else f"{operation}.status"
        who = _in_order(key[2] for key in of_group)
        callers = tuple(
            _caller([key for key in of_group if key[2] == persona], alike[operation, persona, before], old, new)
            for persona in who
        )
        number = new[first].number
        change = Change(operation, clause, "answer", who, before, after, effect, len(of_group), first[0], number, callers=callers)
        yield change, of_group


def _caller(asked: Sequence[Asked], of: Sequence[Asked], old: _Answers, new: _Answers) -> Caller:
    """Return how one persona asked what these requests are, of those that got the same answer before."""
    about = tuple(sorted({old[key].about for key in asked}))
    valid = sum(old[key].valid for key in asked)
    same = [key for key in of if old[key].says == new[key].says]
    tests, others = (tuple(dict.fromkeys(Sent(key[0], old[key].which, old[key].about) for key in keys)) for keys in (asked, same))
    return Caller(asked[0][2], len(asked), len(of), valid, about, tests, others)


def _effect(was: AnswerRow, is_: AnswerRow) -> Effect:
    return effect_of_answers(was.says, is_.says, is_valid=was.valid)


def effect_of_answers(was: str, is_: str, *, is_valid: bool = True) -> Effect:
    """Return what it is to who calls a server that it says something else to a request (``403 api.context.…``)."""
    failed, fails = _said_to_fail(was, is_)
    if fails != failed:
        return "worse" if fails else "better"
    return "worse" if was.startswith("2") and not is_.startswith("2") and is_valid else "different"


def _fails(was: AnswerRow, is_: AnswerRow) -> tuple[bool, bool]:
    """Return whether the one server failed, and whether the other does."""
    return _said_to_fail(was.says, is_.says)


def _said_to_fail(was: str, is_: str) -> tuple[bool, bool]:
    is_begun = was.endswith(f" {NO_ROUTE}") and is_.startswith("501")  # an operation that is new, and not offered here
    return was >= "5", is_ >= "5" and not is_begun


def _rule(statuses: set[int]) -> str:
    if 401 in statuses:
        return "auth"
    return "permission" if 403 in statuses else "status"


def _fields(contract: Contract, old: _Answers, new: _Answers, moved: set[str]) -> Iterator[Change]:
    """Yield the fields of answers to the same requests that only one of the servers sends, or that are of another type."""
    was, is_ = _shapes(old), _shapes(new)
    for operation in sorted((was.keys() & is_.keys()) - moved):
        for name in sorted(was[operation].keys() | is_[operation].keys()):
            before, after = was[operation].get(name, {}), is_[operation].get(name, {})
            if before.keys() == after.keys():
                continue
            kinds = ["|".join(sorted(types)) or "absent" for types in (before, after)]
            asked = [key for keys in (after or before).values() for key in keys]
            personas = _in_order(key[2] for key in asked)
            effect = effect_of_field(before.keys(), after.keys())
            old_field, new_field = (f"{name}: {kind}" for kind in kinds)
            answers, keys = next(
                (answers, shown[kind])
                for answers, shown, other in ((new, after, before), (old, before, after))
                for kind in shown
                if kind not in other
            )
            first = keys[0][0], answers[keys[0]].number
            yield Change(operation, f"{operation}.schema", "field", personas, old_field, new_field, effect, len(asked), *first)


def _is_of_some_rows(change: Change) -> bool:
    """Whether a field of a list is on both sides what some rows lack, so that it hangs on which rows there are."""
    name, *_ = change.after.partition(": ")
    is_absent = ["absent" in side.rpartition(": ")[2].split("|") for side in (change.before, change.after)]
    return name.startswith("[]") and all(is_absent)


def _hiding(before: Record, after: Record, fields: Iterable[Change]) -> Iterator[Change]:
    """Yield changes of fields, of those that are to be hidden judged by that: to show them no longer is no loss.

    That a field is to be hidden from whoever was shown it is a finding of principles, of the one record and not of the other.
    """
    was, is_ = (
        {(row.operation, row.field) for row in record.findings if row.principle == "hidden"} for record in (before, after)
    )
    for change in fields:
        name = change.before.rpartition(": ")[0]
        field_ = change.operation, name.rpartition(".")[2]
        is_hidden, is_shown = field_ in was - is_, field_ in is_ - was
        effect: Effect = "better" if is_hidden else "worse" if is_shown else change.effect
        yield replace(change, effect=effect, is_to_be_hidden=is_hidden or is_shown)


def effect_of_field(before: Collection[str], after: Collection[str]) -> Effect:
    """Return what it is to a client that a field is of other types; of none where it is absent."""
    if not before:
        return "better"
    # Who reads what was always null has something to read; and what is never null any more is nobody's loss.
    is_harmless = after and (set(before) == {"null"} or not set(after) - set(before))
    return "different" if is_harmless else "worse"


def _shapes(answers: _Answers) -> dict[str, dict[str, dict[str, list[Asked]]]]:
    """Return, for each operation, its answers' fields, each field's types, and which requests showed them."""
    shapes: dict[str, dict[str, dict[str, list[Asked]]]] = {}
    for asked, answer in answers.items():
        for name, types in answer.fields.items():
            for kind in types.split("|"):
                shapes.setdefault(asked[1], {}).setdefault(name, {}).setdefault(kind, []).append(asked)
    return shapes
