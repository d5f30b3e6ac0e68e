"""What changed between two servers, for a terminal, for a Markdown page, and for machines."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from typing import Any

import msgspec

from mmconform.contract.clause import Contract
from mmconform.errors import plain
from mmconform.judging import known_changes
from mmconform.judging.changes import EFFECTS, Change, Comparison, flat, ways_broken
from mmconform.judging.deviations import Deviation, explain
from mmconform.judging.reason import Reason
from mmconform.record.record import Record
from mmconform.record.rows import Effect
from mmconform.report.alike import Alike, alike, counted, many
from mmconform.report.folded import folded
from mmconform.report.markdown import code, inert
from mmconform.report.marks import EFFECT_SIGNS
from mmconform.report.not_shown import not_shown
from mmconform.version import Version
from mmconform.wire.tape.tape import WHOLE
from mmconform.world.people import power

#: What a line begins with that is no sentence.
_BEGIN = re.compile(r" *(why   )?")
#: How a text of somebody else's is written, as prose or literally.
_Writing = Callable[[str], str]

_TITLES: dict[Effect, str] = {
    "worse": "Worse: what worked is refused, fails, or is gone; what was promised is no longer kept",
    "different": "Different: another answer where none is promised, or where one of the two was not judged in all",
    "better": "Better: new, or mended",
}
#: Of more operations than these, those that changed in the same way are told together.
_FEW_OPERATIONS = 50
_MORE = "Each change with its promise and the test that showed it first: --format markdown, or json."


class Page:
    """A comparison with all that its readers need to know beside it.

    Args:
        deviations: Those that are known of the documents.
    """

    def __init__(
        self,
        contract: Contract,
        before: Record,
        after: Record,
        comparison: Comparison,
        deviations: Collection[Deviation] = (),
    ) -> None:
        self.contract, self.before, self.after, self.comparison = contract, before, after, comparison
        older, newer = (Version.parse(record.header.server.version) for record in (before, after))
        known = known_changes.load(contract)
        ways = ways_broken(before), ways_broken(after)

        def explained(change: Change) -> tuple[Reason, ...]:
            """Return why it changed, or why the promise is broken, on the one side or the other."""
            if change.kind != "promise":
                return known_changes.reasons(change, contract, known, older, newer)
            old, new = ({who: of_side.get((change.clause, who), set()) for who in change.personas} for of_side in ways)
            come = {who: new[who] - old[who] for who in change.personas}
            gone = {who: old[who] - new[who] for who in change.personas}
            now = [replace(why, text=f"known deviation, {why.text}") for why in explain(change.clause, newer, come, deviations)]
            then = explain(change.clause, older, gone, deviations)
            return (*now, *(replace(why, text=f"was a known deviation, {why.text}") for why in then))

        self.is_of_many = len(contract.operations) > _FEW_OPERATIONS
        self.reasons = {change: explained(change) for change in flat(comparison.changes)}
        self.groups = alike(comparison.changes, self.reasons)
        self.not_shown = list(not_shown(contract, comparison.changes, ways, (older, newer), (known, deviations)))

    def text(self, width: int = 0) -> str:
        """Return the comparison for a terminal, in lines of so many columns; 0: as long as they are.

        A word stays whole, so that a test, a file or an address can be copied.
        """
        lines = [self._headline(), *self._apart()]
        for effect, groups in self._by_effect():
            lines += ["", _TITLES[effect]]
            for group in groups:
                lines += [*([] if self.is_of_many else [""]), f"{EFFECT_SIGNS[effect]} {group.name()}"]
                lines += [f"    {line}" for line in _whom(group)]
                if self.is_of_many:
                    lines += [f"    {news}: {_first(names)}" for news, names in _kept_or_not(group).items()]
                else:
                    lines += [f"    {', '.join(clauses)}: {quote}" for clauses, quote in self._quotes(group)]
                    lines += [f"    {_times(group.changes)}"]
                lines += [f"    why   {reason}" for reason in group.reasons]
        for head, rest in self._beside():
            lines += ["", head, *(f"  {one}" for one in rest)]
        lines += ["", *self._still(), *(["", _MORE] if self.is_of_many else [])]
        return "\n".join(part for line in map(plain, lines) for part in (_folded(line, width) if width else [line]))

    def markdown(self) -> str:
        """Return the comparison as Markdown."""
        lines = [f"# {self._title(inert, code)}", "", self._headline(inert, code)]
        lines += [line for part in self._apart() for line in ("", inert(part))]
        for effect, groups in self._by_effect():
            lines += ["", f"## {_TITLES[effect]}"]
            for group in groups:
                lines += ["", f"### {EFFECT_SIGNS[effect]} {group.name(code)}", ""]
                lines += [
                    line for clauses, quote in self._quotes(group) for line in (f"> {_listed(clauses)}: {inert(quote)}", "")
                ]
                for change in group.changes:
                    lines.append(f"- {code(change.operation)}, for {_listed(change.personas)}: {_times([change], code)}")
                lines += [f"- why: {inert(str(reason))}" for reason in group.reasons]
        for head, rest in self._beside():
            lines += ["", inert(head), "", *(f"- {inert(one)}" for one in rest)]
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
            return {**asdict(change), **quote, "reason": "; ".join(map(str, self.reasons[change])), "promises": promises}

        counts = {"compared": self.comparison.pairs, "alone": self.comparison.alone}
        only = {"only_before": self.comparison.only_before, "only_after": self.comparison.only_after}
        off = {"off_before": self.comparison.off_before, "off_after": self.comparison.off_after}
        off |= {"off_both": self.comparison.off_both}
        return {
            "before": side(self.before),
            "after": side(self.after),
            **counts,
            **off,
            **only,
            "not_shown": self.not_shown,
            "operations_compared": sorted(self.comparison.compared),
            "changes": [told(change) for change in self.comparison.changes],
        }

    def _title(self, text: _Writing = str, literal: _Writing = str) -> str:
        servers = [(record.header.server.name, record.header.target) for record in (self.before, self.after)]
        return "Mattermost " + " → ".join(f"{text(name)} ({literal(target)})" for name, target in servers)

    def _headline(self, text: _Writing = str, literal: _Writing = str) -> str:
        found = [change.effect for change in self.comparison.changes]
        told = ", ".join(f"{found.count(effect)} {effect}" for effect in EFFECTS) if found else self._nothing()
        alone = f" ({self.comparison.alone} of one only)" if self.comparison.alone else ""
        compared = f"{many(self.comparison.pairs, 'answer')} to the same requests compared{alone}"
        return f"{self._title(text, literal)}: {told}; {compared}"

    def _apart(self) -> list[str]:
        """Return what was not compared: one of the two was asked in part only, or has it switched off."""
        sides = (self.before, self.comparison.off_before), (self.after, self.comparison.off_after)
        parts = [
            f"Not compared: what {record.header.target} was not asked; its record is of a part only ({record.header.selection})"
            for record, _ in sides
            if record.header.selection
        ]
        parts += [f"Not compared: {', '.join(found)}: {_why_off(self._name(record))}" for record, found in sides if found]
        both = self.comparison.off_both
        return parts + [_off_on_both(both, (self.before, self.after))] * bool(both)

    def _nothing(self) -> str:
        """Return that there is no difference, and of how much that is true."""
        of, all_ = len(self.comparison.compared), len(self.contract.operations)
        return (
            "no difference"
            if of == all_
            else f"no difference in the {of} of {many(all_, 'operation')} that both were asked about"
        )

    def _name(self, record: Record) -> str:
        """Return the target of one of the two; where both are one address, which of them it was then."""
        target = record.header.target
        is_same = self.before.header.target == self.after.header.target
        return f"{target} as {record.header.server.name}" if is_same else target

    def _beside(self) -> Iterator[tuple[str, list[str]]]:
        """Yield what the changes do not tell: a headline, and a line for each part of it."""
        sides = (self.before, self.comparison.only_before), (self.after, self.comparison.only_after)
        for record, only in sides:
            if only:
                callers: dict[tuple[str, ...], list[str]] = {}
                for persona, operations in only.items():
                    callers.setdefault(tuple(operations), []).append(persona)
                count = sum(sum(operations.values()) for operations in only.values())
                head = f"Asked of {self._name(record)} only, {many(count, 'answer')}:"
                yield head, [f"as {', '.join(names)}: {_first(operations)}" for operations, names in callers.items()]
        if self.not_shown:
            yield "Our lists know these changes between the two as well, which the same requests did not show:", self.not_shown
        if felt := self._felt():
            yield "Who would feel what: where something that was served is refused now or fails, and the other way round:", felt

    def _still(self) -> list[str]:
        """Return the operations of which nothing is told: silence could mean either."""
        comparison = self.comparison
        off = {*comparison.off_before, *comparison.off_after, *comparison.off_both}
        asked = {answer.operation for record in (self.before, self.after) for answer in record.answers}
        changed = {change.operation for change in comparison.changes}
        same = [name for name in self.contract.operations if name in comparison.compared - changed]
        neither = [name for name in self.contract.operations if name not in asked | off | changed]
        parts = ("No change", same), ("Asked of neither", neither)
        return [f"{what}, {counted(names)}: {_first(names)}" for what, names in parts if names]

    def _by_effect(self) -> list[tuple[Effect, list[Alike]]]:
        return [(effect, list(groups)) for effect, groups in groupby(self.groups, lambda group: group.one.effect)]

    def _felt(self) -> list[str]:
        """Return where something is refused now that was served, and the other way round, a line for all who feel the same."""
        moved = [change for change in self.comparison.changes if change.kind in ("answer", "operation")]
        callers: dict[tuple[str, str], list[str]] = {}
        for persona in sorted({persona for change in moved for persona in change.personas}, key=power):
            of_them = [change for change in moved if persona in change.personas]
            lost = sorted({c.operation for c in of_them if c.before.startswith("2") and not c.after.startswith("2")})
            won = sorted({c.operation for c in of_them if c.after.startswith("2") and not c.before.startswith("2")})
            if lost or won:
                callers.setdefault((_first(lost) or "none", _first(won) or "none"), []).append(persona)
        return [f"{', '.join(who)}: refused in {lost}; served in {won}" for (lost, won), who in callers.items()]

    def _quotes(self, group: Alike) -> list[tuple[list[str], str]]:
        """Return what was promised about what changed: the clauses that say the same, and it, with the places."""
        found: dict[tuple[str, str], dict[str, str]] = {}
        for change in group.changes:
            news = {promise.clause: _news(promise) for promise in change.promises}
            for name in dict.fromkeys([change.clause, *(name for name, new in news.items() if new)]):
                clause = self.contract.clauses.get(name)
                said = f"“{clause.text}”" if clause else "nothing is promised about that"
                found.setdefault((said, news.get(name, "")), {})[name] = clause.place if clause else ""
        return [
            (
                list(places),
                f"{f'{news}: ' if news else ''}{said}"
                + (f" ({', '.join(dict.fromkeys(places.values()))})" if any(places.values()) else ""),
            )
            for (said, news), places in found.items()
        ]


def _folded(line: str, width: int) -> list[str]:
    """Return a line in several, which begin below its first word; below its text, where that has a name before it."""
    begin = _BEGIN.match(line)
    first = begin[0] if begin else ""
    return folded(line[len(first) :], width, first, " " * (len(first) if first.strip() else len(first) + 2)) or [""]


def _whom(group: Alike) -> list[str]:
    """Return who meets it in which operations; of operations that come or go, what they are answered."""
    if group.is_about_routes:
        return [f"{said}, for {', '.join(who)}: {_first(names)}" for (said, who), names in group.answers.items()]
    return [f"for {', '.join(personas)}: {_first(names)}" for personas, names in group.callers.items()]


def _news(promise: Change) -> str:
    if promise.before.startswith("kept"):
        return "no longer kept"
    return "now kept" if promise.after.startswith("kept") else ""


def _kept_or_not(group: Alike) -> dict[str, list[str]]:
    """Return the clauses that are no longer kept, and those that are now."""
    found: dict[str, list[str]] = {}
    for promise in (promise for change in group.changes for promise in change.promises if _news(promise)):
        found.setdefault(_news(promise), []).append(promise.clause)
    return found


def _times(changes: Sequence[Change], literal: _Writing = str) -> str:
    """Return how many answers showed it (of a promise, how many callers saw it), and the first."""
    count, first = sum(change.count for change in changes), changes[0]
    if first.kind == "promise":
        return f"seen by {many(count, 'caller')}"
    where = f", first in {literal(first.request)} ({first.number})" if first.request else ""
    return ("once" if count == 1 else f"{count} times") + where


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(code, names))


def _why_off(target: str) -> str:
    """Return why operations were not judged on a target that has them on the other side."""
    if target.endswith(f"/{WHOLE}"):
        return f"not on the tape {target}, but on the other"
    advice = "" if target.startswith("recorded") else ". Two recordings tell of them, or an empty server of that version"
    return f"switched off on {target}, and left so, and not on the other{advice}"


def _off_on_both(operations: Sequence[str], records: Sequence[Record]) -> str:
    """Return what is not known of operations that were judged on neither side."""
    names = ", ".join(operations)
    if all(record.header.target.endswith(f"/{WHOLE}") for record in records):
        return f"On neither tape: {names}"
    advice = "two recordings tell, or empty servers of these versions"
    return f"Switched off on both: {names}; of what they do where they are on this says nothing: {advice}"


def _first(names: Sequence[str], most: int = 12) -> str:
    """Return some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
