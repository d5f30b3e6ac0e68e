"""Which requests show a change: of what kind they are, how many of how many, and the command that sends the first again."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from mmconform.judging.changes import Caller, Change, Sent, request_of
from mmconform.judging.repeat import rerun
from mmconform.record.record import Record, slug_of
from mmconform.record.rows import ObservationRow
from mmconform.report.alike import many
from mmconform.wire.tape.tape import WHOLE

#: So many kinds of requests are named, and so much of one that is an example.
_FEW_KINDS, _FEW_OTHERS, _LONG = 4, 2, 90
_GENERATED = "generated requests"


class Requests:
    """Those of two records."""

    def __init__(self, before: Record, after: Record) -> None:
        self._records = before, after
        self._said = [
            Counter((answer.operation, answer.persona, answer.says, answer.request) for answer in record.answers)
            for record in self._records
        ]
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
                        return line if len(line) <= _LONG else f"{line[:_LONG]}…"
        return ""


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
