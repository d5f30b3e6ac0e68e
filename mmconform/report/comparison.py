"""What changed between two servers, for a terminal, for a Markdown page, and for machines."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain, groupby
from shlex import quote
from typing import Any

import msgspec

from mmconform.contract.clause import PRINCIPLES, Contract
from mmconform.errors import plain
from mmconform.judging import known_changes
from mmconform.judging.access import PROBES, has_probed
from mmconform.judging.changes import (
    EFFECTS,
    NO_OPERATION,
    NOT_JUDGED_IN_ALL,
    NOT_RUN,
    OTHERWISE,
    Change,
    Comparison,
    ServedAlone,
    broken_alike,
    doubts,
    flat,
    lacking_in_part,
    ways_broken,
)
from mmconform.judging.deviations import Deviation, explain
from mmconform.judging.known_changes import KnownChange
from mmconform.judging.reason import Reason
from mmconform.paths import REPORTS, SAVED
from mmconform.record.record import Record
from mmconform.record.rows import Effect, FindingRow
from mmconform.report.alike import Alike, alike, counted, first_of, many
from mmconform.report.felt import felt
from mmconform.report.folded import folded
from mmconform.report.markdown import code, inert
from mmconform.report.marks import EFFECT_SIGNS, MARKS, NEW_FINDING, WHY_SKIPPED
from mmconform.report.not_shown import HEAD, counted_apart, not_shown, worse
from mmconform.report.requests import Requests, exchanges_call, kinds_of_tests
from mmconform.report.summary import STATES, clause_states, kept_though_known
from mmconform.safety.guard import HELD_BACK
from mmconform.version import Version
from mmconform.wire.tape.tape import every, is_of_whole
from mmconform.world.features import JOBS
from mmconform.world.people import MADE, power

#: What a line begins with that is no sentence.
_BEGIN = re.compile(r" *(why +)?")
#: How a text of somebody else's is written, as prose or literally.
_Writing = Callable[[str], str]

_TITLES: dict[Effect, tuple[str, str]] = {
    "worse": (
        "Worse",
        "a valid request is refused that was served; any fails (5xx) that did not; a field or an operation is gone; what was "
        "promised is no longer kept",
    ),
    "different": (
        "Different",
        "another answer where none is promised, as where what is not valid was served and is refused; or one of the two was not "
        "judged in all; or the same answer, judged otherwise",
    ),
    "better": ("Better", "new, or mended"),
}
#: What a reason begins with that is a known deviation of the later server, and of the earlier one.
_IS_KNOWN, _WAS_KNOWN = "known deviation", "was a known deviation"
#: Of more operations than these, those that changed in the same way are told together.
_FEW_OPERATIONS = 50
#: So many kinds of tests are named that one server only was asked by, for each reason.
_FEW_TESTS = 6
#: So many callers are named to whom a promise was broken already.
_FEW_CALLERS = 4
#: What a line begins with that is to be copied as it is, so that it is not folded.
_COMMAND = " " * 8
_IN_NOTEBOOK = "What is written mmconform.exchanges(…) above is asked in notebooks/6-explore.ipynb"
_ABOUT_ITS_OWN = "The same requests are those of the same tests, which ask each server about what its version has"
_LEFT_BY_US = (
    "Lists show what the run before left on this server, too. So it is not known whether it is a change that some rows of a list "
    "have a field on one side alone"
)
_OF_JOBS = ": of {} the type of a job may be another"
_TO_BE_HIDDEN = "who is shown it should not be: a finding of principles on that side (hidden, below)"
_FELT_HEAD = "Who would feel what"
_HOW_MANY = "of the requests to each operation that had the old answer"
_WHICH = "in brackets: of how many requests that had the old answer, and which"
#: Of others' documents.
_BY_PROBES = (
    "Both were asked by probes, as compare does with a whole API: each operation about what was made for it. What principles and "
    "near misses ask is no part of it"
)
#: Of others' documents.
_WHY_NOT = (
    "A change without a `why` below: its reason is not known here, since our list of changes is of our own few operations only; "
    "release notes, or the server's source, may tell it"
)
#: Why one of the two has no answer that the other has, beside the reasons for which tests are skipped.
_WHY_ALONE = {OTHERWISE: "its test asks otherwise there, or less", NOT_RUN: "its test was not run there"}


class Page:
    """A comparison with all that its readers need to know beside it.

    Args:
        deviations: Those that are known of the documents.
        words: What `mmconform compare` was given: the names of both, and options. Their targets where nobody says.
        patterns: Like which the names of the operations are that this is about, as the comparison is; none: of all.
    """

    def __init__(
        self,
        contract: Contract,
        before: Record,
        after: Record,
        comparison: Comparison,
        deviations: Collection[Deviation] = (),
        words: Sequence[str] = (),
        patterns: Sequence[str] = (),
    ) -> None:
        known = known_changes.load(contract, is_of_many=bool(after.header.documents))
        if patterns:
            names = contract.matching(patterns)
            contract, before, after = contract.part(names), before.part(names), after.part(names)
            known = [replace(one, operations=ours) for one in known if (ours := one.operations & contract.operations.keys())]
        self.contract, self.before, self.after, self.comparison = contract, before, after, comparison
        older, newer = (Version.parse(record.header.server.version) for record in (before, after))
        ways = ways_broken(before), ways_broken(after)
        unknown = doubts(before), doubts(after)

        self.is_of_many = len(contract.operations) > _FEW_OPERATIONS
        self._narrowed = "".join(f" {quote(f'--operation={pattern}')}" for pattern in patterns)
        self.words = tuple(words) or (before.header.target, after.header.target)
        self.reasons = {
            change: why_changed(change, contract, ways, unknown, (older, newer), (known, deviations))
            for change in flat([*comparison.changes, *comparison.of_some_rows])
        }
        self.groups = alike(comparison.changes, _each_why_once(comparison.changes, self.reasons))
        self.not_shown = list(not_shown(contract, before, after, comparison, (known, deviations)))
        self.known_worse = worse(self.not_shown)
        self.broken_alike = broken_alike(before, after)
        self._ways = ways
        self._broken = [_by_clause(of_side) for of_side in ways]
        self._states = [clause_states(contract, record.observations) for record in (before, after)]
        self._unmet = [kept_though_known(contract, record, deviations) for record in (before, after)]
        self._requests = Requests(contract, before, after)

    @property
    def is_worse(self) -> bool:
        """Whether something got worse, by the answers, or by what our lists alone know to have changed."""
        return bool(self.known_worse) or any(change.effect == "worse" for change in self.comparison.changes)

    def text(self, width: int = 0) -> str:
        """Return the comparison for a terminal, in lines of so many columns; 0: as long as they are.

        A word stays whole, so that a test, a file or an address can be copied.
        """
        lines = [f"{self._headline()}; {self._compared()}", *self._apart()]
        for effect, groups in self._by_effect():
            lines += ["", self._section(effect)]
            for group in groups:
                lines += [*([] if self.is_of_many else [""]), f"{EFFECT_SIGNS[effect]} {group.name()}"]
                lines += [f"    {line}" for line in (*_whom(group), *self._who_may_is_not_told(group))]
                if self.is_of_many:
                    lines += [f"    {news}: {first_of(names)}" for news, names in self._kept_or_not(group).items()]
                    if any(change.callers for change in group.changes):
                        lines += [f"    {self._requests.shown_by(group.changes, is_brief=True)}"]
                else:
                    lines += [f"    {', '.join(clauses)}: {quote}" for clauses, quote in self._quotes(group, is_all=False)]
                    turn, command = self._requests.first(group.one)
                    first = f"; first seen in{turn}:" if command else ""
                    shown_by = self._requests.shown_by(group.changes)
                    lines += [f"    {shown_by}{first}"]
                    lines += [f"{_COMMAND}{command}"] if command else []
                    sent = self._requests.sent(group.changes)
                    lines += [f"    sent: {sent}"] if sent and sent not in shown_by else []
                    lines += self._sent(group)
                lines += [f"    why   {reason}" for reason in _whys(group.reasons)]
        for head, rest in self._beside():
            lines += ["", head, *(one if one.startswith(_COMMAND) else f"  {one}" for one in rest)]
        is_told = self.groups or self.known_worse
        lines += ["", *self._still(), *(["", self._headline(where="above"), *self._next()] if is_told else [])]
        return "\n".join(part for line in map(plain, lines) for part in (_folded(line, width) if width else [line]))

    def markdown(self) -> str:
        """Return the comparison as Markdown."""
        lines = [f"# {self._title(inert, code)}", "", f"{self._headline(inert, code)}; {self._compared()}"]
        lines += [line for part in self._apart() for line in ("", inert(part))]
        for effect, groups in self._by_effect():
            lines += ["", f"## {self._section(effect)}"]
            for group in groups:
                lines += ["", f"### {EFFECT_SIGNS[effect]} {group.name(code)}", ""]
                lines += [
                    line for clauses, quote in self._quotes(group) for line in (f"> {_listed(clauses)}: {inert(quote)}", "")
                ]
                for change in group.changes:
                    turn, command = self._requests.first(change)
                    first = f"; first seen in{inert(turn)} {code(command)}" if command else ""
                    shown_by = self._requests.shown_by([change], inert, code)
                    line = self._requests.sent([change], inert, code)
                    sent = f"; sent: {line}" if line and line not in shown_by else ""
                    sent += f"; what one of them sent, and each answer: {code(call)}" if (call := self._exchanges(change)) else ""
                    lines.append(f"- {code(change.operation)}, for {_listed(change.personas)}: {shown_by}{first}{sent}")
                lines += [f"- {inert(line)}" for line in self._who_may_is_not_told(group)]
                lines += [f"- why: {inert(reason)}" for reason in _whys(group.reasons)]
        for head, rest in self._beside():
            lines += ["", inert(head), "", *(f"- {inert(one.strip())}" for one in rest)]
        lines += [line for one in self._still() for line in ("", inert(one))]
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """Return the comparison as plain data."""

        def side(record: Record) -> dict[str, Any]:
            return {"target": record.header.target, "server": msgspec.structs.asdict(record.header.server)}

        def told(change: Change) -> dict[str, Any]:
            clause = self.contract.clauses.get(change.clause)
            quote = {"promise": clause.text, "place": clause.place} if clause else {}
            promises = [told(promise) for promise in change.promises]
            run = self._requests.first(change)[1]
            return {
                **asdict(change),
                **quote,
                "reason": "; ".join(map(str, self.reasons[change])),
                "run": run,
                "exchanges": self._exchanges(change),
                "sent": self._requests.sent([change]),
                "promises": promises,
            }

        counts: dict[str, Any] = {"compared": self.comparison.pairs, "alone": self.comparison.alone}
        counts |= {"compared_off": self.comparison.pairs_off, "differ_off": self.comparison.differ_off}
        counts |= {"why_not_before": self.comparison.why_not_before, "why_not_after": self.comparison.why_not_after}
        only = {"only_before": self.comparison.only_before, "only_after": self.comparison.only_after}
        off = {"off_before": self.comparison.off_before, "off_after": self.comparison.off_after}
        off |= {"off_both": self.comparison.off_both}
        return {
            "before": side(self.before),
            "after": side(self.after),
            **counts,
            **off,
            **only,
            "not_shown": [one.text for one in self.not_shown],
            "worse_by_our_lists_alone": [one.text for one in self.known_worse],
            "broken_alike": list(self.broken_alike),
            "states_before": dict(Counter(self._states[0].values())),
            "states_after": dict(Counter(self._states[1].values())),
            "moved": [{"from": was, "to": is_, "promises": names} for (was, is_), names in self._moved().items()],
            "operations_compared": sorted(self.comparison.compared),
            "changes": [told(change) for change in self.comparison.changes],
            "of_some_rows": [told(change) for change in self.comparison.of_some_rows],
        }

    def _title(self, text: _Writing = str, literal: _Writing = str) -> str:
        servers = [(record.header.server.name, record.header.target) for record in (self.before, self.after)]
        return "Mattermost " + " → ".join(f"{text(name)} ({literal(target)})" for name, target in servers)

    def _headline(self, text: _Writing = str, literal: _Writing = str, where: str = "below") -> str:
        """Return how many changes are told below, and how many that is where one of several operations counts for each.

        Apart from them, how many are worse that no answer shows.

        Args:
            where: These stand from here.
        """
        sizes = {effect: [len(group.operations) for group in self.groups if group.one.effect == effect] for effect in EFFECTS}
        told = (
            ", ".join(f"{len(of)} {effect}" for effect, of in sizes.items())
            if self.groups
            else f"no difference{in_how_many(self.contract, self.comparison)}"
        )
        if max(chain([0], *sizes.values())) > 1:
            told += f" ({', '.join(str(sum(of)) for of in sizes.values())}, counted for each operation)"
        told += f"; and {counted_apart(self.known_worse)} ({where})" if self.known_worse else ""
        return f"{self._title(text, literal)}: {told}"

    def _compared(self) -> str:
        alone = f", {many(self.comparison.alone, 'answer')} of one of them only: see below" if self.comparison.alone else ""
        asked = counted(self.comparison.compared)
        return f"{many(self.comparison.pairs, 'answer')} to the same requests compared, of {asked}{alone}"

    def _section(self, effect: Effect) -> str:
        head, meaning = _TITLES[effect]
        return f"{head}, {many(sum(group.one.effect == effect for group in self.groups), 'change')}: {meaning}"

    def _apart(self) -> list[str]:
        """Return what was not the same that was asked, what was not compared, and of whose documents no reason is known."""
        is_untold = bool(self.after.header.documents) and any(not group.reasons for group in self.groups)
        doubtful = {f"{one.operation} ({one.after.partition(': ')[0]})" for one in self.comparison.of_some_rows}
        left = [f"{_LEFT_BY_US}: {', '.join(sorted(doubtful))}"] * bool(doubtful)
        return [*self._unlike(), *not_compared(self.before, self.after, self.comparison), *left, *[_WHY_NOT] * is_untold]

    def _unlike(self) -> list[str]:
        """Return of which requests that count as the same it is known that they are not; or that some may not be."""
        if unlike := self._requests.unlike():
            return [
                f"Of these, at least {count} of {name} {'is' if count == 1 else 'are'} not the same: each is asked about what "
                f"its version has, such as {such}"
                for name, (count, such) in unlike.items()
            ]
        targets = {record.header.target for record in (self.before, self.after)}
        is_live = not all(target.startswith("recorded:") for target in targets)
        is_same = self.before.header.server.version == self.after.header.server.version
        such = _OF_JOBS.format(", ".join(idle)) if (idle := self._about_jobs()) else ""
        return [_ABOUT_ITS_OWN + such] if is_live and not is_same else []

    def _beside(self) -> Iterator[tuple[str, list[str]]]:
        """Yield what the changes do not tell: a headline, and a line for each part of it."""
        found, (old, new) = self.comparison, _names(self.before, self.after)
        sides = (
            (self.before, old, found.only_before, new, found.why_not_after, found.served_before),
            (self.after, new, found.only_after, old, found.why_not_before, found.served_after),
        )
        for record, name, only, other, whys, served in sides:
            if only:
                asked = sorted(((sum(of.values()), persona) for persona, of in only.items()), key=lambda one: (-one[0], one[1]))
                head = f"Asked of {name} only, {many(sum(count for count, _ in asked), 'answer')}; why not of {other}:"
                lines = [f"{_why_alone(why)} ({sum(of.values())}: {kinds_of_tests(of, _FEW_TESTS)})" for why, of in whys.items()]
                lines.append("As " + ", ".join(f"{persona} ({count})" for count, persona in asked))
                if served:
                    lines.append(f"Served by {name}, and not tried on {other}: {_served(served)}")
                    call = exchanges_call(record, served[0].operation, served[0].persona, served[0].test)
                    lines += ["what one of them sent, and each answer:", f"{_COMMAND}{call}"] if call else []
                yield head, lines
        if self.not_shown:
            yield f"{HEAD}:", [one.text for one in self.not_shown]
        told = self.comparison.changes, self.not_shown, self._requests, found.served_before
        if feelings := felt(*told, is_brief=self.is_of_many):
            yield f"{_FELT_HEAD} ({_HOW_MANY if self.is_of_many else _WHICH}):", feelings
        if callers := self._callers():
            yield f"Callers: {callers}", []
        head, lines = self._counted()
        yield head + ":" * bool(lines), lines
        yield from self._of_principles()

    def _callers(self) -> str:
        """Return who those are whose names alone do not tell it, of all whom this names."""
        found = self.comparison
        told = [change.personas for change in found.changes] + [one.personas for one in self.not_shown]
        named = {persona for personas in (*told, found.only_before, found.only_after) for persona in personas}
        return "; ".join(f"{name} = {about}" for name, about in MADE.items() if name in named)

    def _of_principles(self) -> Iterator[tuple[str, list[str]]]:
        """Yield which findings of principles either of the two has alone: of those for which both were looked at."""
        sides = self.before, self.after
        if not any(record.findings for record in sides):
            return
        of_both = frozenset.intersection(*map(_principles_of, sides))
        found = [{_finding(row): row for row in record.findings} for record in sides]
        both = [{name: row.standing for name, row in of_it.items() if row.principle in of_both} for of_it in found]
        alone = ("before only", both[0], both[1]), ("now only", both[1], both[0])
        lines = [f"{when}: {name} ({of[name]})" for when, of, other in alone for name in sorted(of.keys() - other.keys())]
        of = "" if of_both == frozenset(PRINCIPLES) else f" (of {', '.join(sorted(of_both))}, as far as one answer shows it)"
        counts = [f"{len(both[0])} → {len(both[1])}{of}"] if of_both else []
        for when, of_it in zip(("before", "now"), found, strict=True):
            if rest := [row for row in of_it.values() if row.principle not in of_both]:
                counts.append(f"{len(rest)} {when} of principles for which the other was not asked")
        yield (
            f"Findings of principles, which break no promise and count for no change here ({NEW_FINDING}): {'; '.join(counts)}",
            lines,
        )

    def _still(self) -> list[str]:
        """Return the operations of which nothing is told, for silence could mean either; and what was broken and is."""
        comparison = self.comparison
        off = {*comparison.off_before, *comparison.off_after, *comparison.off_both}
        asked = {answer.operation for record in (self.before, self.after) for answer in record.answers}
        changed = {change.operation for change in (*comparison.changes, *comparison.of_some_rows)}
        listed = {name for one in self.not_shown for name in one.operations}
        same = [name for name in self.contract.operations if name in comparison.compared - changed - listed - off]
        nowhere = [name for name in self.contract.operations if name in comparison.nowhere]
        neither = [name for name in self.contract.operations if name not in {*asked, *off, *changed, *nowhere}]
        told = same if self.is_of_many else [f"{name} ({self._requests.served(name)})" for name in same]
        so_many = "" if self.is_of_many else " (with how many of the requests to both were served)"
        parts = ("No change", told, so_many), ("Asked of neither", neither, ""), ("In neither version", nowhere, "")
        return (
            [f"{what}, {counted(names)}{how}: {first_of(names)}" for what, names, how in parts if names]
            + self._still_broken()
            + self._idle()
            + self._of_fresh()
        )

    def _idle(self) -> list[str]:
        """Return of which operations nothing is known where they would make a thing that does something."""
        idle = self._about_jobs()
        return [f"{', '.join(idle)}: no type of job that does anything was made, so that nothing is known of these"] * bool(idle)

    def _about_jobs(self) -> list[str]:
        return [o.id for o in self.contract.operations.values() if o.needs == JOBS and o.id in self.comparison.compared]

    def _still_broken(self) -> list[str]:
        """Return the promises that neither of the two keeps, and of which no change tells."""
        told = {promise.clause for change in self.comparison.changes for promise in _promises(change) if self._news(promise)}
        besides = ", beside those named above" if told & self.broken_alike.keys() else ""
        found = {
            is_alone: [clause for clause, alone in self.broken_alike.items() if alone == is_alone and clause not in told]
            for is_alone in (True, False)
        }
        ways = {True: f"in the same way{besides}", False: f"in the same way, and in another too{besides}"}
        return [
            f"Broken before and after {ways[is_alone]}, {many(len(rest), 'promise')}: {self._clauses(rest)}"
            for is_alone, rest in found.items()
            if rest
        ]

    def _clauses(self, clauses: Sequence[str]) -> str:
        return first_of(clauses) if self.is_of_many else _by_rule(clauses)

    def _counted(self) -> tuple[str, list[str]]:
        """Return how many promises either keeps, as their tables count them, and which are counted otherwise now.

        Of a promise the worst counts that anybody saw. So this may tell of one that no change above is about: one of the two only
        was asked what shows it.
        """
        old, new = (Counter(of_side.values()) for of_side in self._states)
        counts = ", ".join(f"{MARKS[state].word} {old[state]} → {new[state]}" for state in STATES if old[state] or new[state])
        lines = [
            f"{MARKS[was].word} → {MARKS[is_].word}, {many(len(clauses), 'promise')}: {self._clauses(clauses)}"
            for (was, is_), clauses in self._moved().items()
        ]
        moved = {clause for clauses in self._moved().values() for clause in clauses}
        for side, unmet in zip(("before", "now"), self._unmet, strict=True):
            if of := sorted(moved & unmet.keys()):
                lines.append(f"known to be broken {side} too, though nothing that was asked there shows it: {self._clauses(of)}")
        return f"{many(len(self.contract.clauses), 'promise')}, before → after: {counts}", lines

    def _moved(self) -> dict[tuple[str, str], list[str]]:
        """Return the promises by what they were and are, worst first; nothing of what one of the two was asked nothing about."""
        old, new = self._states
        found: dict[tuple[str, str], list[str]] = {}
        for clause in self.contract.clauses:
            states = old[clause], new[clause]
            if states[0] != states[1] and "unobserved" not in states:
                found.setdefault(states, []).append(clause)
        return dict(sorted(found.items(), key=lambda one: (STATES.index(one[0][1]), STATES.index(one[0][0]))))

    def _news(self, promise: Change) -> str:
        """Return what becomes of a promise: to others than these callers it may have been broken before, or still be."""
        if promise.answered_alike:
            return "answered as before, and judged otherwise"
        if promise.effect == "different":
            return ""  # it may have been broken, or be, where it was not judged
        old, new = (of_side.get(promise.clause, set()) for of_side in self._broken)
        was, is_ = (self._to_whom(promise, ways) for ways in self._ways)
        if promise.before.startswith("kept"):
            more = "in more ways" if new - old else "for more callers"
            return f"broken before too, {was}; now {more}" if old else "no longer kept"
        if promise.after.startswith("kept"):
            fewer = "in fewer ways" if old - new else "for fewer callers"
            return f"still broken, {is_}; now {fewer}" if new else "now kept"
        return ""

    @staticmethod
    def _to_whom(promise: Change, ways: Mapping[tuple[str, str], set[str]]) -> str:
        """Return to whom one of the servers breaks a promise beside what changed: to some of these callers by other requests."""
        who = sorted({persona for (clause, persona), of in ways.items() if clause == promise.clause and of}, key=power)
        others = [persona for persona in who if persona not in promise.personas]
        same = [persona for persona in who if persona in promise.personas]
        return " and ".join(
            [f"for {first_of(others, _FEW_CALLERS)}"] * bool(others) + [f"for {', '.join(same)} by other requests"] * bool(same)
        )

    def _before_and_after(self, change: Change) -> str:
        """Return whether the promise is kept that another answer is about and does not break or mend: to anybody, in all."""
        states = [of[change.clause] for of in self._states]
        words = {"known": "broken", "new": "broken", "unobserved": "not judged"}
        was, is_ = (words.get(state, MARKS[state].word) for state in states)
        is_shown = any(
            way.startswith(says)
            for of_side, says in zip(self._ways, (change.before, change.after), strict=True)
            for persona in change.personas  # of whom it may be as promised, while the same answer to others is not
            for way in of_side.get((change.clause, persona), ())
        )
        others = ", by answers to other requests" if "broken" in (was, is_) and not is_shown else ""
        return (f"{was} before and after" if was == is_ else f"{was} before, {is_} now") + others

    def _kept_or_not(self, group: Alike) -> dict[str, list[str]]:
        """Return the promises that changes are about or are told with them, by what becomes of them."""
        found: dict[str, list[str]] = {}
        for promise in (promise for change in group.changes for promise in _promises(change)):
            if news := self._news(promise):
                found.setdefault(news, []).append(promise.clause)
        return found

    def _of_fresh(self) -> list[str]:
        """Return what recordings cannot tell of an upgrade."""
        if not any(record.header.target.startswith("recorded:") for record in (self.before, self.after)):
            return []
        return [
            "Recordings are of servers made afresh, without a licence, not of one that was upgraded: whether a token, bot or "
            "role made before an upgrade still works after it was not tried. What each was built from, not always a release: "
            "docs/recordings.md"
        ]

    def _next(self) -> list[str]:
        """Return where there is more, with the commands that tell it."""
        words = " ".join(map(quote, self.words))
        return [
            "All of this with its promises and tests (or as json), and both sides with every answer:",
            f"{_COMMAND}mmconform compare {words}{self._narrowed} --format markdown",
            f"{_COMMAND}mmconform report {words} --output page.html",
            *self._of_one(words),
            *self._to_keep(),
            *([_IN_NOTEBOOK] if any(map(self._sent, self.groups)) and not self.is_of_many else []),
        ]

    def _to_keep(self) -> list[str]:
        """Return how to keep what the next run on the same server takes the place of, and with it these commands."""
        places = [place.split("/") for place in self.words[:2]]
        passing = ["/".join(place) for place in places if place[0] == REPORTS.name and SAVED.name not in place]
        if not passing:
            return []
        kept = [f"{_COMMAND}mmconform compare --save NAME {quote(place)}" for place in passing]
        return ["The next run on that server takes the place of its record; to keep this one, under a name of yours:", *kept]

    def _of_one(self, words: str) -> list[str]:
        """Return how to learn which requests show a change, where that is told of few operations only."""
        first = next((group.one for group in self.groups if group.one.callers), None)
        if first is None or not self.is_of_many:
            return []
        return [
            "Which requests show a change, of whom, about what, and where they stand, of this operation or any other:",
            f"{_COMMAND}mmconform compare {words} --operation={first.operation}",
        ]

    def _sent(self, group: Alike) -> list[str]:
        """Return lines that tell where the requests of changes stand, for each operation of them."""
        commands = dict.fromkeys(_COMMAND + call for change in group.changes if (call := self._exchanges(change)))
        return ["    what one of them sent, and each answer:", *commands] if commands else []

    def _exchanges(self, change: Change) -> str:
        """Return the call that shows requests of a change with their answers, which a test that passes does not; of a tape."""
        if not change.callers:
            return ""
        caller = change.callers[0]
        return exchanges_call(self.after, change.operation, caller.persona, caller.tests[0].test)

    def _by_effect(self) -> list[tuple[Effect, list[Alike]]]:
        return [(effect, list(groups)) for effect, groups in groupby(self.groups, lambda group: group.one.effect)]

    def _who_may_is_not_told(self, group: Alike) -> list[str]:
        """Return of which operations that come or go refusals alone are told, as whoever may was not asked; and why."""
        if not group.is_about_routes:
            return []
        record = self.after if group.one.before == NO_OPERATION else self.before
        names = {change.operation for change in group.changes}
        served = {answer.operation for answer in record.answers if answer.is_served}
        found: dict[str, list[str]] = {}
        for row in record.observations:
            if row.operation in names - served and row.rule == "permission" and row.signature in HELD_BACK:
                found.setdefault(row.signature, []).append(row.operation)
        return [
            f"refused by all who were asked, and whoever may was not: {first_of(sorted(set(of)))}: {WHY_SKIPPED[why]}"
            for why, of in found.items()
        ]

    def _quotes(self, group: Alike, *, is_all: bool = True) -> list[tuple[list[str], str]]:
        """Return what was promised about what changed: the clauses that say the same, and it, with the places.

        Args:
            is_all: Also what neither is kept nor broken by another answer that is neither worse nor better.
        """
        found: dict[tuple[str, str], dict[str, str]] = {}
        for change in group.changes:
            news = {promise.clause: self._news(promise) for promise in _promises(change)}
            own = [change.clause] if is_all or change.kind != "answer" or change.effect != "different" else []
            for name in dict.fromkeys([*own, *(name for name, new in news.items() if new)]):
                clause = self.contract.clauses.get(name)
                said = f"“{clause.text}”" if clause else "nothing is promised about that"
                state = news[name] if name in news else self._before_and_after(change) if clause else ""
                found.setdefault((said, state), {})[name] = clause.place if clause else ""
        return [
            (
                list(places),
                f"{f'{news}: ' if news else ''}{said}" + (f" ({_placed(places.values())})" if any(places.values()) else ""),
            )
            for (said, news), places in found.items()
        ]


def in_how_many(contract: Contract, comparison: Comparison) -> str:
    """Return of how many operations it is true that nothing differs, to stand behind that; nothing where it is of all."""
    of, all_ = len(comparison.compared), len(contract.operations) - len(comparison.nowhere)
    return "" if of == all_ else f" in the {of} of {many(all_, 'operation')} that were judged on both"


def not_compared(before: Record, after: Record, comparison: Comparison) -> list[str]:
    """Return what was not compared of two records, in sentences: not asked, or switched off, on one side or on both."""
    if _is_by_probes(before) and _is_by_probes(after):
        parts = [_BY_PROBES]
    else:
        parts = [
            f"Not compared: what {was_not}; {what} of a part only ({selection})"
            for was_not, what, selection in _selections(_names(before, after), before, after)
        ]
    return [*parts, *left_off(before, after, comparison)]


def left_off(before: Record, after: Record, comparison: Comparison) -> list[str]:
    """Return what was not compared for what is switched off, or not on a tape, on one side or on both."""
    names, of_each = _names(before, after), [lacking_in_part(record) for record in (before, after)]
    sides = zip(names, (comparison.off_before, comparison.off_after), strict=True)
    said = [f"Not compared: {', '.join(found)}: {_why_off(name, (before, after))}" for name, found in sides if found]
    said += [_off_on_both(comparison, (before, after))] * bool(comparison.off_both)
    if of_each[0] == of_each[1]:
        return [*said, *asked_in_part("both", of_each[0])]
    return [*said, *chain.from_iterable(asked_in_part(*side) for side in zip(names, of_each, strict=True))]


def asked_in_part(target: str, lacking: Mapping[str, Sequence[str]]) -> list[str]:
    """Return of which operations a server was asked a part only, as ``lacking_in_part`` has it, for each of what it lacks."""
    return [
        f"With {feature} switched off on {target}, only what needs none was asked of {', '.join(names)}: of the rest this says "
        "nothing"
        for feature, names in lacking.items()
    ]


def _names(before: Record, after: Record) -> tuple[str, str]:
    """Return the targets of two records; where both are one address, as which version, and, where that is one too, when."""
    (old, was), (new, is_) = ((record.header.target, record.header.server.name) for record in (before, after))
    if old != new:
        return old, new
    began = [f" of {record.header.started}" if was == is_ else "" for record in (before, after)]
    return f"{old} as {was}{began[0]}", f"{new} as {is_}{began[1]}"


def _is_by_probes(record: Record) -> bool:
    """Whether a run was what a comparison makes of documents that are not ours: all that probes ask."""
    return bool(record.header.documents) and record.header.selection == PROBES


def _selections(names: tuple[str, str], before: Record, after: Record) -> list[tuple[str, str, str]]:
    """Return which record is of a part only, and of which; of both, where that is the same."""
    one, other = (record.header.selection for record in (before, after))
    if one and sorted(one.split()) == sorted(other.split()):
        return [("neither was asked", "their records are", one)]
    return [(f"{name} was not asked", "its record is", part) for name, part in zip(names, (one, other), strict=True) if part]


def why_changed(
    change: Change,
    contract: Contract,
    ways: Sequence[Mapping[tuple[str, str], set[str]]],
    unknown: Sequence[Mapping[tuple[str, str], set[str]]],
    between: tuple[Version, Version],
    known: tuple[Iterable[KnownChange], Collection[Deviation]],
) -> tuple[Reason, ...]:
    """Return why something changed, or why a promise is broken, on the one side or the other.

    Args:
        ways: For each of the two servers, in which ways promises are broken there.
        unknown: For each of the two, of which promises something was not judged, and why.
    """
    older, newer = between
    if change.is_to_be_hidden:
        return (Reason(_TO_BE_HIDDEN),)
    if change.kind != "promise":
        return known_changes.reasons(change, contract, known[0], older, newer)
    old, new = ({who: of_side.get((change.clause, who), set()) for who in change.personas} for of_side in ways)
    come = {who: new[who] - old[who] for who in change.personas}
    gone = {who: old[who] - new[who] for who in change.personas}
    now = [replace(why, text=f"{_IS_KNOWN}, {why.text}") for why in explain(change.clause, newer, come, known[1])]
    then = explain(change.clause, older, gone, known[1])
    was_known = (replace(why, text=f"{_WAS_KNOWN}, {why.text}") for why in then)
    return (*now, *was_known, *_not_judged_in_all(change, unknown, between))


def _not_judged_in_all(
    change: Change, unknown: Sequence[Mapping[tuple[str, str], set[str]]], between: tuple[Version, Version]
) -> Iterator[Reason]:
    """Yield why nobody can say that a promise is kept on the side where it is not seen broken."""
    for said, of_side, version in zip((change.before, change.after), unknown, between, strict=True):
        why = {reason for who in change.personas for reason in of_side.get((change.clause, who), ())}
        if why and said in NOT_JUDGED_IN_ALL:
            yield Reason(f"of {version} not all could be judged: {'; '.join(WHY_SKIPPED[reason] for reason in sorted(why))}")


def _folded(line: str, width: int) -> list[str]:
    """Return a line in several, which begin below its first word; below its text, where that has a name before it."""
    if line.startswith(_COMMAND):
        return [line]
    begin = _BEGIN.match(line)
    first = begin[0] if begin else ""
    return folded(line[len(first) :], width, first, " " * (len(first) if first.strip() else len(first) + 2)) or [""]


def _whom(group: Alike) -> list[str]:
    """Return who meets it in which operations; of operations that come or go, what they are answered."""
    if group.is_about_routes:
        return [f"{said}, for {', '.join(who)}: {first_of(names)}" for (said, who), names in group.answers.items()]
    return [f"for {', '.join(personas)}: {first_of(names)}" for personas, names in group.callers.items()]


def _why_alone(why: str) -> str:
    """Return why one of the two has no such answer: what its record says of that, or else what the reason means."""
    reason, _, words = why.partition(": ")
    return words or {**WHY_SKIPPED, **_WHY_ALONE}.get(reason, reason)


def _served(alone: Iterable[ServedAlone]) -> str:
    """Return who was served in which operations, and how many of their requests."""
    found = {persona: list(of) for persona, of in groupby(alone, lambda one: one.persona)}
    told = (
        f"{persona} in {first_of([one.operation for one in of])} ({sum(one.count for one in of)})"
        for persona, of in found.items()
    )
    return "; ".join(told)


def _principles_of(record: Record) -> frozenset[str]:
    """Return the principles that a run looks for: all in their own tests, and what one answer shows while probes ask."""
    if any(row.for_principles for row in record.operations):
        return frozenset(PRINCIPLES)
    beside = {"hidden"} if has_probed(record) else set[str]()
    return frozenset(beside | {row.principle for row in record.findings})


def _finding(row: FindingRow) -> str:
    beside = f", beside {row.beside}" if row.beside else ""
    return f"{row.principle}: {row.operation}, {row.field}{beside}"


def _placed(places: Iterable[str]) -> str:
    """Return places (``file:line``), a file that several are in once."""
    lines: dict[str, list[str]] = {}
    for place in dict.fromkeys(places):
        file, _, line = place.rpartition(":")
        lines.setdefault(file, []).append(f":{line}")
    return ", ".join(f"{file}{', '.join(of)}" for file, of in lines.items())


def _promises(change: Change) -> tuple[Change, ...]:
    """Return the promises that a change is about."""
    return (change,) if change.kind == "promise" else change.promises


def _by_clause(ways: Mapping[tuple[str, str], set[str]]) -> dict[str, set[str]]:
    """Return in which ways a server breaks each promise to anybody."""
    found: dict[str, set[str]] = {}
    for (clause, _), of_caller in ways.items():
        found.setdefault(clause, set()).update(of_caller)
    return found


def _by_rule(clauses: Iterable[str]) -> str:
    """Return clauses, those of several operations with the same rules together."""
    operations: dict[str, list[str]] = {}
    for clause in clauses:
        operation, _, rule = clause.partition(".")
        operations.setdefault(operation, []).append(rule)
    rules: dict[str, list[str]] = {}
    for operation, of in operations.items():
        rules.setdefault(", ".join(of), []).append(operation)
    return "; ".join(f"{rule} of {', '.join(of)}" for rule, of in rules.items())


def _whys(reasons: Iterable[Reason]) -> list[str]:
    """Return reasons; those that only name the place of a known deviation stand behind the last of the others."""
    bare = {reason.text for reason in reasons if reason.text.startswith((_IS_KNOWN, _WAS_KNOWN)) and not reason.source}
    told = [str(reason) for reason in reasons if reason.text not in bare]
    places: dict[str, list[str]] = {}
    for text in sorted(bare):
        head, _, place = text.partition(": ")
        places.setdefault(head, []).append(place)
    named = [f"{head}: {_placed(of)}" for head, of in places.items()]
    return [*told[:-1], "; ".join([*told[-1:], *named])] if told or named else []


def _each_why_once(changes: Iterable[Change], reasons: Mapping[Change, tuple[Reason, ...]]) -> dict[Change, tuple[Reason, ...]]:
    """Return reasons with the same told once: of a promise that an answer breaks for a reason, where its deviation is known."""
    told = dict(reasons)
    for promise in (promise for change in changes if reasons[change] for promise in change.promises):
        told[promise] = tuple(Reason(f"{why.text.partition(':')[0]}: {why.place}") for why in reasons[promise])
    return told


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(code, names))


def off_means(*, is_ours: bool) -> str:
    """Return what it is to be off: of our own operations it is a setting alone, of others also what could not be made there."""
    return "what they need is switched off" + ("" if is_ours else ", or could not be made")


def _why_off(target: str, records: Sequence[Record]) -> str:
    """Return why operations were not judged on the target of one of two records, which have them on the other side."""
    if is_of_whole(target):
        return f"not on the tape {target}, but on the other"
    is_ours = not records[0].header.documents
    advice = "" if target.startswith("recorded") else f": {_where_to_look(records, is_ours=is_ours)}"
    return f"not judged on {target}, where {off_means(is_ours=is_ours)}, and left so, and judged on the other{advice}"


def _off_on_both(comparison: Comparison, records: Sequence[Record]) -> str:
    """Return what is not known of operations that were judged on neither side, and what their answers are all the same."""
    names, pairs, differ = ", ".join(comparison.off_both), comparison.pairs_off, comparison.differ_off
    if all(is_of_whole(record.header.target) for record in records):
        return f"On neither tape: {names}"
    is_ours = not records[0].header.documents
    unlike = f"{differ} of them not alike, told with the others" if differ else "all of them alike"
    alike = f" ({many(pairs, 'answer')} compared all the same, {unlike})" * bool(pairs)
    what = f"Not judged on both, where {off_means(is_ours=is_ours)}: {names}{alike}"
    return f"{what}; of what they do where it is on this says nothing: {_where_to_look(records, is_ours=is_ours)}"


#: On which a run switches on what it needs.
_EMPTY = "empty servers of these versions (`mmconform compare http://ONE http://OTHER` switches it on there)"


def _where_to_look(records: Sequence[Record], *, is_ours: bool) -> str:
    """Return what tells of operations that are off: empty servers, and of our own operations recordings, where there are."""
    versions = [record.header.server.version for record in records]
    taped = [name for name in versions if name in every()]
    if is_ours and len({*taped}) == len(versions):
        return f"`mmconform compare {' '.join(versions)}`, of recordings, tells, or {_EMPTY}"
    return f"{_EMPTY} tell"
