"""Which requests show a change: of what kind they are, how many of how many, and the command that sends the first again."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import cast

from mmconform.contract.clause import Contract, Operation
from mmconform.judging.changes import Asked, Caller, Change, Sent, by_question, on_tape, request_of
from mmconform.judging.repeat import rerun
from mmconform.judging.taped import Line, in_words, line, of_test, unlike
from mmconform.record.record import Record, slug_of
from mmconform.record.rows import About, AnswerRow, ObservationRow
from mmconform.report.alike import many
from mmconform.report.failure import placed
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.tape import is_of_whole

#: So many kinds of requests are named, and so much of one that is an example.
_FEW_KINDS, _FEW_OTHERS, _LONG = 4, 2, 90
#: So much is told of several requests together.
_LONG_LIST = 180
_GENERATED = "generated requests"
#: Whom requests are about that name a person, and whose things those name that do not.
_WHOM = {True: {"self": "themselves", "other": "somebody else"}, False: {"self": "their own", "other": "another's"}}
#: What is said where of requests that read the same some are answered as before.
_ALIKE = "some that read the same are answered as before: in what these differ no record holds"
#: Whom a probe names.
_PERSON = {"self": "caller", "other": "somebody else"}
#: What changed, with how one caller met it.
_Met = tuple[Change, Caller]
#: What somebody was answered: status and error id.
_Said = tuple[int, str]


class Requests:
    """Those of two records, about documents that have all of their operations."""

    def __init__(self, contract: Contract, before: Record, after: Record) -> None:
        self._contract, self._records = contract, (before, after)

    # Made when they are asked for: a page of very many records needs few of them.
    @cached_property
    def _said(self) -> list[Counter[tuple[str, str, str, str]]]:
        return [
            Counter((answer.operation, answer.persona, answer.says, answer.request) for answer in record.answers)
            for record in self._records
        ]

    @cached_property
    def _answers(self) -> list[dict[Asked, AnswerRow]]:
        return by_question(*self._records)

    @cached_property
    def _tests(self) -> dict[str, tuple[Record, str]]:
        slugs = [slug_of(record.header.target) for record in self._records]
        return {
            request_of(row, slug): (record, row.test)
            for record, slug in zip(self._records, slugs, strict=True)
            for row in record.observations
        }

    @cached_property
    def _judges(self) -> dict[str, tuple[Record, str]]:
        """On a tape of the whole API one test judges what all others asked of an operation."""
        return {
            row.operation: (record, row.test)
            for record in self._records
            if is_of_whole(record.header.target)
            for row in record.observations
        }

    def shown_by(
        self,
        changes: Sequence[Change],
        text: Callable[[str], str] = str,
        literal: Callable[[str], str] = str,
        *,
        is_brief: bool = False,
    ) -> str:
        """Return how many requests show a change, of how many, and what they are; of a promise, how many callers saw it.

        Args:
            text, literal: How what a record says is written: the names of tests, and a request.
            is_brief: Without what is answered as before, and an example.
        """
        count, met = (
            sum(change.count for change in changes),
            [(change, caller) for change in changes for caller in change.callers],
        )
        callers = [caller for _, caller in met]
        if changes[0].kind == "promise":
            return f"seen by {many(count, 'caller')}"
        if not callers:
            return "once" if count == 1 else f"{count} times"
        valid = "" if any(caller.valid for caller in callers) else ", none of them valid"
        example = f", such as {literal(request)}" if valid and (request := self._example(changes)) else ""
        of = sum(caller.of for caller in callers)
        if is_brief:
            return f"{count} of {of} requests that had the old answer{valid}: {text(self.kinds(met))}"
        others = f"; as before: {text(same)}" if (same := self._others(met, _FEW_OTHERS)) else ""
        return f"{count} of {of} requests that had the old answer{valid}: {text(self.kinds(met))}{example}{others}"

    def _others(self, met: Collection[_Met], most: int) -> str:
        """Return the kinds of requests that are answered as before, whoever sends them; of no kind of which some are not."""
        name = self._naming(met)
        changed = {name(change, sent) for change, caller in met for sent in caller.tests}
        same = dict.fromkeys(name(change, sent) for change, caller in met for sent in caller.others)
        return _some([kind for kind in same if kind not in changed], most)

    def kinds(self, met: Collection[_Met], most: int = _FEW_KINDS, *, tells_others: bool = False) -> str:
        """Return what these requests are: whether all are about the callers' own things, and which tests send them.

        Args:
            met: What changed, with how one caller met it.
            tells_others: Also which of a probe's requests are answered as before.
        """
        name = self._naming(met)
        is_own = all(caller.about == ("self",) for _, caller in met) and name is _plainly
        told = "about their own; " if is_own else ""
        told += _some(dict.fromkeys(name(change, sent) for change, caller in met for sent in caller.tests), most)
        if tells_others and _is_told(met) and (same := self._others(met, most)):
            told += f"; as before: {same}"
        return told + (f"; {_ALIKE}" if _is_mixed(met) else "")

    def _naming(self, met: Iterable[_Met]) -> Callable[[Change, Sent], str]:
        """Return what names a kind of requests: with whom they are about, where this alone tells the changed from the others."""
        is_needed = any(
            _kind(sent) == _kind(other) and sent.about != other.about
            for _, caller in met
            for sent in caller.tests
            for other in caller.others
            if _is_probe(sent.test)
        )
        return self._with_whom if is_needed else _plainly

    def _with_whom(self, change: Change, sent: Sent) -> str:
        """Return a kind of requests with whom, or whose things, they are about."""
        return _about_whom(self._contract.operations[change.operation], sent)

    def first(self, change: Change) -> tuple[str, str]:
        """Return which answer of a test showed a change first, and the command that runs the test; its name where that is all."""
        if change.kind == "promise":
            found = next(self._failures(change), None)
            return ("", rerun(found[0].header.target, found[0].header.documents, found[1].test)) if found else ("", "")
        if not change.request:
            return "", ""
        turn = f" answer {change.number} of"
        if change.request in self._tests:
            record, test = self._tests[change.request]
            return turn, rerun(record.header.target, record.header.documents, test)
        if change.operation in self._judges:
            record, test = self._judges[change.operation]
            return f"{turn} {change.request}, judged by", rerun(record.header.target, record.header.documents, test)
        return turn, change.request

    def sent(self, changes: Sequence[Change], text: Callable[[str], str] = str, literal: Callable[[str], str] = str) -> str:
        """Return what requests were that show these changes, and in what they differ, in one line; where a tape holds them.

        They are those of one test that were answered so: what both were asked, or else what the one was and what the other. Where
        it is another test than the first that shows a change, it is named. An id is left out, and of a long line its end. From a
        tape of the whole API it is one of them, with who sent it, and in place of an id the kind of what it names.

        Args:
            text, literal: How what a record says is written: the name of a test, and a request.
        """
        for change in changes:
            tests = dict.fromkeys(sent.test for caller in change.callers for sent in caller.tests)
            for test in sorted(tests, key=is_generated):
                for side in (1, 0):
                    if self._is_whole(side):
                        if found := self._on_whole(change, test, side):
                            who, request = self._told_of_whole(change, test, found)
                            return f"{text(who)}: {literal(request)}"
                    elif lines := dict.fromkeys(map(line, self._showing(change, test, side))):
                        in_which = "" if test == changes[0].request else f" (in {text(_kind(Sent(test)))})"
                        return literal(self._of_both(change, test, side, [*lines])) + in_which
        return ""

    def _of_both(self, change: Change, test: str, side: int, lines: Sequence[Line]) -> str:
        """Return requests that show a change on the tape of one side, without those that the other was not asked.

        Where it was asked no such at all, as of two versions that have other types of a thing, with what it was asked instead.
        """
        other_said = [change.before, change.after][1 - side]
        there = self._taped(change.operation, test, 1 - side)
        both = {line(exchange) for exchange in there if exchange.says == other_said} & {*lines}
        if both or not there:
            return _varied([one for one in lines if one in both or not there])
        instead = [*dict.fromkeys(map(line, self._showing(change, test, 1 - side)))]
        return _before_and_after(*((instead, lines) if side else (lines, instead)))

    def served(self, operation: str) -> str:
        """Return how many of the requests to an operation that both were asked the later one served, of how many."""
        old, new = self._answers
        both = [key for key in new if key[1] == operation and key in old]
        return f"{sum(new[key].is_served for key in both)} of {len(both)}"

    def unlike(self) -> dict[str, tuple[int, str]]:
        """Return how many requests of each operation differ from side to side, but for ids, with what a first one is on either.

        At least so many; none where not both are tapes of ours.
        """
        if not all(map(_is_tape, self._records)):
            return {}
        old, new = self._answers
        asked = dict.fromkeys(key[:2] for key in old if key in new)
        tapes = [record.header.target.partition(":")[2] for record in self._records]
        found = unlike(self._contract, (tapes[0], tapes[1]), asked)
        return {name: (count, _before_and_after([before], [after])) for name, (count, before, after) in found.items()}

    def _showing(self, change: Change, test: str, side: int) -> list[Exchange]:
        """Return the exchanges of a test that show a change, from the tape of one side.

        On which they stand in another order, and the same once; so only where all that were answered so there show it.
        """
        said, other_said = [change.before, change.after][:: -1 if side else 1]
        own, other = self._answers[side], self._answers[1 - side]
        alike = [key for key in own if key[:2] == (test, change.operation) and own[key].says == said]
        both = [other[key].says for key in alike if key in other]  # of the rest the other was not asked
        if set(both) != {other_said}:
            return []
        return [shown for shown in self._taped(change.operation, test, side) if shown.says == said]

    def _taped(self, operation: str, test: str, side: int) -> list[Exchange]:
        """Return the exchanges of a test from the tape of one side; none where it is no tape."""
        kind, _, tape = self._records[side].header.target.partition(":")
        return of_test(self._contract, operation, tape, test) if kind == "recorded" else []

    def _is_whole(self, side: int) -> bool:
        target = self._records[side].header.target
        return target.startswith("recorded:") and is_of_whole(target)

    def _told_of_whole(self, change: Change, test: str, found: Iterable[Exchange]) -> tuple[str, str]:
        """Return who sent one of these, somebody of whom not all requests show the change, if there is one; and the request."""
        in_part = {caller.persona for caller in change.callers if caller.others}
        shown = max(found, key=lambda one: one.persona in in_part)
        named = self._naming([(change, caller) for caller in change.callers])
        kind = named(change, Sent(test, shown.which, cast(About, shown.about)))
        person = _PERSON.get(shown.about, "user") if _is_probe(test) else "user"
        return f"as {shown.persona}, {kind}", _cut(in_words(self._contract, shown, person), _LONG_LIST)

    def _on_whole(self, change: Change, test: str, side: int) -> list[Exchange]:
        """Return the exchanges of a test that show a change, from a tape of the whole API, which tells who sent each."""
        _, _, tape = self._records[side].header.target.partition(":")
        said = [change.before, change.after]
        held = on_tape(self._records, test, of_test(self._contract, change.operation, tape, test))
        own, other = self._answers[side], self._answers[1 - side]
        return [
            shown
            for key, shown in held.items()
            if shown.says == said[side]
            and (key in own and own[key].says == said[side])
            and (key in other and other[key].says == said[1 - side])
        ]

    def _failures(self, change: Change) -> Iterator[tuple[Record, ObservationRow]]:
        """Yield what showed a promise broken, with the record, in the later one first."""
        for record, says in zip(self._records[::-1], (change.after, change.before), strict=True):
            for row in record.observations:
                is_it = row.outcome == "fail" and row.clause == change.clause and row.persona in change.personas
                if is_it and row.signature in says.removeprefix("broken: ").split("; "):
                    yield record, row

    def _example(self, changes: Sequence[Change]) -> str:
        """Return a request that shows one of these changes, where a record keeps one that surely does; else nothing."""
        callers = {(change.operation, caller.persona): caller for change in changes for caller in change.callers}
        for record, said, says in zip(self._records, self._said, (changes[0].before, changes[0].after), strict=True):
            slug = slug_of(record.header.target)
            for row in record.observations:
                caller, shown = callers.get((row.operation, row.persona)), row.evidence
                if row.outcome == "fail" and caller and shown and shown.status == int(says[:3]) and says[4:] in shown.answer:
                    # Where all that was answered so shows the change, this does.
                    tests = {sent.test for sent in caller.tests}
                    are_all = caller.count == sum(said[row.operation, row.persona, says, test] for test in tests)
                    if are_all and request_of(row, slug) in tests:
                        line = f"{shown.method} {shown.url} {shown.body}".strip()
                        return _cut(line)
        return ""


def _is_tape(record: Record) -> bool:
    target = record.header.target
    return target.startswith("recorded:") and not is_of_whole(target)


def _varied(lines: Sequence[Line]) -> str:
    """Return requests in one line: the first, and what the next have in the place where it differs."""
    (address, first), rest = lines[0], lines[1:]
    found = _cut(f"{address} {first}".strip())
    for number, (other, body) in enumerate(rest):
        more = _cut(body if other == address else f"{other} {body}".strip())
        if len(found) + len(more) > _LONG_LIST:
            return f"{found} and {len(rest) - number} more"
        found += f", {more}"
    return found


def _before_and_after(before: Sequence[Line], after: Sequence[Line]) -> str:
    """Return what either side was asked, one of which may not be known, in one line; an address of both once."""
    was, is_ = (_varied(lines) if lines else "" for lines in (before, after))
    if was and is_ and before[0][0] == after[0][0]:
        is_ = is_.removeprefix(f"{after[0][0]} ")
    return ", ".join(f"{asked} {when}" for asked, when in ((was, "before"), (is_, "after")) if asked)


def _cut(line: str, long: int = _LONG) -> str:
    return line if len(line) <= long else f"{line[:long]}…"


def kinds_of_tests(tests: Iterable[str], most: int) -> str:
    """Return what tests, as the records name them, send: the first kinds, each once, and how many more there are."""
    return _some(dict.fromkeys(_kind(Sent(test)) for test in tests), most)


def told_apart(operation: Operation, answers: Mapping[_Said, Sequence[AnswerRow]], most: int = _FEW_KINDS) -> dict[_Said, str]:
    """Return of what kind the requests are that were answered so: the first kinds, and how many more there are.

    Of a kind that was answered otherwise too it is told which of its test's judged answers these are.
    """
    found: dict[_Said, dict[str, list[int]]] = {}
    for said, rows in answers.items():
        for row in rows:
            kind = _about_whom(operation, Sent(row.request, row.which, row.about))
            found.setdefault(said, {}).setdefault(kind, []).append(row.number)
    of_several = {kind for kind, times in Counter(kind for kinds in found.values() for kind in kinds).items() if times > 1}
    return {
        said: _some((f"{kind} ({_turns(turns)})" if kind in of_several else kind for kind, turns in kinds.items()), most)
        for said, kinds in found.items()
    }


def _turns(turns: Sequence[int]) -> str:
    first = ", ".join(map(str, turns[:_FEW_KINDS]))
    more = len(turns) - _FEW_KINDS
    return f"answer{'s' if len(turns) > 1 else ''} {first}{f' and {more} more' if more > 0 else ''}"


def exchanges_call(record: Record, operation: str, persona: str, test: str) -> str:
    """Return the call that shows what a test sent, with each answer; nothing where that is on no tape.

    Who sent it is named where many do: a test by hand may give somebody more than they have, who stands there as they were
    made, or have them ask by a cookie, which is nobody's there.
    """
    kind, _, tape = record.header.target.partition(":")
    whose = f'"{persona}", ' if is_generated(test) or is_of_whole(tape) else ""
    return f'mmconform.exchanges("{tape}", "{operation}", {whose}cassette="{test}")' if kind == "recorded" else ""


def is_generated(test: str) -> bool:
    """Whether a test, as the records name it, sends what was drawn, as many callers."""
    return test.split("/")[:2] == ["generated", "cases"]


def _is_probe(test: str) -> bool:
    """Whether a test, as the records name it, sends probes, of each of which the record tells what it is."""
    return test.split("/")[:2] == ["generated", "probes"]


def _kind(sent: Sent) -> str:
    """Return the kind of request that a test sends: which of its own it is, or as its name tells it, which is a sentence."""
    function = [*sent.test.split("/"), "", ""][2]
    return _GENERATED if is_generated(sent.test) else sent.which or f"“{function.replace('_', ' ') or sent.test}”"


def _about_whom(operation: Operation, sent: Sent) -> str:
    whom = _WHOM["user" in operation.kinds].get(sent.about)
    if not whom or not _is_probe(sent.test):
        return _kind(sent)
    return f"about {whom} {placed(sent.which)}" if sent.which else f"{_kind(sent)} about {whom}"


def _plainly(_: Change, sent: Sent) -> str:
    return _kind(sent)


def _is_told(met: Iterable[_Met]) -> bool:
    """Whether it is told which of its requests a test sent."""
    return any(_is_probe(sent.test) for _, caller in met for sent in caller.tests)


def _is_mixed(met: Iterable[_Met]) -> bool:
    """Whether somebody's requests of one kind, of which it is told which they are, are answered otherwise in part."""
    return any(_is_probe(sent.test) and sent in caller.others for _, caller in met for sent in caller.tests)


def _some(kinds: Iterable[str], most: int) -> str:
    """Return the first of these kinds, those that tell nothing last, and how many more there are."""
    names = sorted(kinds, key=lambda kind: kind.startswith(_GENERATED))
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {many(more, 'more kind')}" if more > 0 else "")


def share(callers: Collection[tuple[Change, Caller]]) -> tuple[int, int]:
    """Return how many of one caller's requests show changes of one operation, and of how many that were answered so before."""
    return sum(caller.count for _, caller in callers), sum({change.before: caller.of for change, caller in callers}.values())
