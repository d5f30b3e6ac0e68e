"""Which requests show a change: of what kind they are, how many of how many, and the command that sends the first again."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from mmconform.contract.clause import Contract
from mmconform.judging.changes import Caller, Change, Sent, by_question, request_of
from mmconform.judging.repeat import rerun
from mmconform.judging.taped import Line, line, of_test, unlike
from mmconform.record.record import Record, slug_of
from mmconform.record.rows import ObservationRow
from mmconform.report.alike import many
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.tape import WHOLE

#: So many kinds of requests are named, and so much of one that is an example.
_FEW_KINDS, _FEW_OTHERS, _LONG = 4, 2, 90
#: So much is told of several requests together.
_LONG_LIST = 180
_GENERATED = "generated requests"


class Requests:
    """Those of two records, about documents that have all of their operations."""

    def __init__(self, contract: Contract, before: Record, after: Record) -> None:
        self._contract, self._records = contract, (before, after)
        self._said = [
            Counter((answer.operation, answer.persona, answer.says, answer.request) for answer in record.answers)
            for record in self._records
        ]
        self._answers = by_question(before, after)
        self._tests = {
            request_of(row, slug_of(record.header.target)): (record, row.test)
            for record in self._records
            for row in record.observations
        }

        #: On a tape of the whole API one test judges what all others asked of an operation.
        self._judges = {
            row.operation: (record, row.test)
            for record in self._records
            if record.header.target.endswith(f"/{WHOLE}")
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
        count, callers = sum(change.count for change in changes), [caller for change in changes for caller in change.callers]
        if changes[0].kind == "promise":
            return f"seen by {many(count, 'caller')}"
        if not callers:
            return "once" if count == 1 else f"{count} times"
        valid = "" if any(caller.valid for caller in callers) else ", none of them valid"
        example = f", such as {literal(request)}" if valid and (request := self._example(changes)) else ""
        of = sum(caller.of for caller in callers)
        if is_brief:
            return f"{count} of {of} requests that had the old answer{valid}: {text(self.kinds(callers))}"
        others = f"; as before: {text(same)}" if (same := self._others(callers)) else ""
        return f"{count} of {of} requests that had the old answer{valid}: {text(self.kinds(callers))}{example}{others}"

    def _others(self, callers: Collection[Caller]) -> str:
        """Return the kinds of requests that are answered as before, whoever sends them; of no kind of which some are not."""
        changed = {_kind(test) for caller in callers for test in caller.tests}
        same = dict.fromkeys(_kind(test) for caller in callers for test in caller.others)
        return _some([kind for kind in same if kind not in changed], _FEW_OTHERS)

    def kinds(self, callers: Iterable[Caller], most: int = _FEW_KINDS) -> str:
        """Return what these requests are: whether all are about the callers' own things, and which tests send them."""
        callers = list(callers)
        whose = "about their own; " if all(caller.about == ("self",) for caller in callers) else ""
        return whose + _some(dict.fromkeys(_kind(test) for caller in callers for test in caller.tests), most)

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

    def sent(self, changes: Sequence[Change]) -> str:
        """Return what requests were that show these changes, and in what they differ, in one line; where a tape holds them.

        They are those of one test that were answered so: what both were asked, or else what the one was and what the other. An id
        is left out, and of a long line its end.
        """
        for change in changes:
            tests = dict.fromkeys(sent.test for caller in change.callers for sent in caller.tests)
            for test in sorted(tests, key=is_generated):
                for side in (1, 0):
                    if lines := dict.fromkeys(map(line, self._showing(change, test, side))):
                        return self._of_both(change, test, side, [*lines])
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
    return target.startswith("recorded:") and not target.endswith(f"/{WHOLE}")


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


def _cut(line: str) -> str:
    return line if len(line) <= _LONG else f"{line[:_LONG]}…"


def is_generated(test: str) -> bool:
    """Whether a test, as the records name it, sends what was drawn, as many callers."""
    return test.split("/")[:2] == ["generated", "cases"]


def _kind(sent: Sent) -> str:
    """Return the kind of request that a test sends: which of its own it is, or as its name tells it, which is a sentence."""
    function = [*sent.test.split("/"), "", ""][2]
    return _GENERATED if is_generated(sent.test) else sent.which or f"“{function.replace('_', ' ') or sent.test}”"


def _some(kinds: Iterable[str], most: int) -> str:
    """Return the first of these kinds, those that tell nothing last, and how many more there are."""
    names = sorted(kinds, key=lambda kind: kind == _GENERATED)
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {many(more, 'more kind')}" if more > 0 else "")


def share(callers: Collection[tuple[Change, Caller]]) -> tuple[int, int]:
    """Return how many of one caller's requests show changes of one operation, and of how many that were answered so before."""
    return sum(caller.count for _, caller in callers), sum({change.before: caller.of for change, caller in callers}.values())
