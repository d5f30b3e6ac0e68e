"""One function decides what a run says; everything that shows a verdict reads its result from the record."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec

from mmconform.contract.clause import RULES, Contract, Rule
from mmconform.judging.deviations import Deviation, load
from mmconform.record.record import Record
from mmconform.record.rows import ChangeRow, Footer, NotPlayedRow, ObservationRow, OperationRow
from mmconform.report.marks import EVERY_MARK, KEPT_THOUGH_KNOWN
from mmconform.safety.guard import HELD_BACK
from mmconform.version import Version
from mmconform.world import kinds

#: What can be said of a clause, worst first.
STATES = ("new", "error", "known", "pass", "skip", "unobserved")


def state_of(observations: Iterable[ObservationRow]) -> str:
    """Return the worst that was seen of one clause (``STATES``)."""
    seen = {o.state for o in observations}
    return next((state for state in STATES if state in seen), "unobserved")


_NOT_MET = "was not seen by the hand-written tests that meet it: gone on this server (narrow `versions`), or hidden by something"

_NOBODY: Mapping[str, str] = MappingProxyType({})
_ALL_ANSWERED: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Cell:
    """One operation and rule of a table: its worst state, and how many of its clauses are in each (``marks.EVERY_MARK``)."""

    state: str
    counts: dict[str, int]


def summarise(
    contract: Contract,
    version: Version,
    rows: Sequence[ObservationRow],
    operations: Sequence[OperationRow],
    deviations: Iterable[Deviation],
    *,
    by_hand: Sequence[ObservationRow] = (),
    not_exercised: Sequence[str] = (),
    left_out: Sequence[str] = (),
    not_played: Sequence[NotPlayedRow] = (),
    errors: int,
    not_taped: int,
    absent: Mapping[str, str] = _NOBODY,
    unanswered: Mapping[str, int] = _ALL_ANSWERED,
    counted: int = 0,
    is_whole: bool,
    finished: str,
    seconds: float = 0,
) -> Footer:
    """Return the footer of a record.

    Args:
        rows: The observations.
        by_hand: Of the observations those of hand-written tests, where all of them were run: what these have to meet does
            not depend on which requests were generated.
        not_exercised: Operations that were asked about with generated requests, none of which was valid and served.
        left_out: What was asked for and not judged, in sentences.
        not_played: What the suites themselves left out that is about no single promise.
        errors: Tests that broke without an observation.
        absent: As whom nobody asked of whom probes and principles expect it, and why.
        unanswered: Requests of principles that had no answer, by operation; they show nothing, and no promise is about them.
        counted: New findings of principles, where these count.
        is_whole: Nothing was left out, by whomever, and the requests are those of the tapes. Only then can a known deviation that
            was not met be called fixed.
    """
    states = clause_states(contract, rows)
    asked = {row.operation for row in operations if row.in_scope}
    tally = {state: sum(1 for s in states.values() if s == state) for state in STATES}
    fixed = [d.place + " " + d.clause for d in deviations if is_whole and _is_gone(d, version, rows)]
    not_met = [f"{d.place} {d.clause}" for d in deviations if d.is_met_by_hand and _is_gone(d, version, by_hand)]
    not_met = [entry for entry in not_met if entry not in fixed]
    unobserved = (c for c, s in states.items() if s == "unobserved" and contract.clauses[c].operation in asked)
    footer = Footer(
        green=False,
        kept=tally["pass"],
        known=tally["known"],
        new=tally["new"],
        skipped=tally["skip"],
        reasons=_counted_by_reason(states, rows),
        errors=tally["error"] + errors,
        fixed=tuple(fixed),
        not_met=tuple(not_met),
        changed=0,
        not_taped=not_taped,
        not_exercised=tuple(not_exercised),
        left_out=tuple(left_out),
        not_played=tuple(not_played),
        absent=dict(absent),
        unanswered=dict(unanswered),
        counted=counted,
        unobserved=tuple(sorted(unobserved)),
        finished=finished,
        seconds=seconds,
    )
    return _decided(footer)


def _decided(footer: Footer) -> Footer:
    return msgspec.structs.replace(footer, green=not why_red(footer))


def beside_the_one_before(footer: Footer, against: str, changes: Sequence[ChangeRow], unmet: Sequence[str]) -> Footer:
    """Return the footer of a version that was compared with the one before it.

    Args:
        against: The target before.
        changes: What this version answers otherwise.
        unmet: Known changes that this run disproves.
    """
    changed = sum(1 for change in changes if change.standing == "new")
    return _decided(msgspec.structs.replace(footer, changed=changed, against=against, fixed=(*footer.fixed, *unmet)))


def _counted_by_reason(states: dict[str, str], rows: Sequence[ObservationRow]) -> dict[str, int]:
    """Return how many clauses were not judged for which reason."""
    reasons = {(row.signature, row.clause) for row in rows if row.outcome == "skip" and states[row.clause] == "skip"}
    return dict(sorted(Counter(reason for reason, _ in reasons).items()))


def _is_gone(deviation: Deviation, version: Version, rows: Sequence[ObservationRow]) -> bool:
    """Whether all who should see a deviation in this version saw the clause kept, and none saw the deviation."""
    if deviation.is_rare or not deviation.is_in(version):
        return False
    about = [row for row in rows if row.clause == deviation.clause and row.persona in deviation.personas]
    if any(row.outcome == "fail" and row.signature == deviation.signature for row in about):
        return False
    return any(row.outcome == "pass" for row in about)


def kept_though_known(
    contract: Contract, record: Record, deviations: Iterable[Deviation] | None = None
) -> dict[str, list[Deviation]]:
    """Return the promises that look kept, of which it is known that this version breaks them: nobody asked so that it shows.

    With each the deviations that were not met. Of our own documents; a reference server that keeps them, or has a flaw of its
    own, is none of the versions.

    Args:
        deviations: What is known, where somebody has loaded it.
    """
    target = record.header.target
    if record.header.documents or (target.startswith("reference") and ("@" not in target or ":" in target)):
        return {}
    version, states = Version.parse(record.header.server.version), clause_states(contract, record.observations)
    found: dict[str, list[Deviation]] = {}
    for deviation in load(contract, is_of_many=True) if deviations is None else deviations:
        if deviation.is_in(version) and not deviation.is_rare and states.get(deviation.clause) == "pass":
            found.setdefault(deviation.clause, []).append(deviation)
    return found


def clause_states(contract: Contract, rows: Iterable[ObservationRow]) -> dict[str, str]:
    """Return the state of every clause of the contract."""
    by_clause: dict[str, list[ObservationRow]] = {clause: [] for clause in contract.clauses}
    for row in rows:
        by_clause.setdefault(row.clause, []).append(row)
    return {clause: state_of(seen) for clause, seen in by_clause.items()}


def in_each_state(contract: Contract, record: Record) -> dict[str, int]:
    """Return how many clauses are in each state (``STATES``); together these are all that there are."""
    tally = Counter(clause_states(contract, record.observations).values())
    return {state: tally[state] for state in STATES}


def unobserved(contract: Contract, record: Record) -> tuple[list[str], list[str]]:
    """Return the clauses that nothing in the run showed: of operations that it asked, and of those to which it sent nothing."""
    asked = {row.operation for row in record.operations if row.sent}
    found: tuple[list[str], list[str]] = ([], [])
    for clause, state in clause_states(contract, record.observations).items():
        if state == "unobserved":
            found[contract.clauses[clause].operation not in asked].append(clause)
    return found


def table(contract: Contract, record: Record, unmet: Collection[str] = ()) -> dict[str, dict[Rule, Cell]]:
    """Return the cells of a record, by operation and rule; a missing cell means that nothing is promised.

    Args:
        unmet: The promises that look kept and are known to be broken (:func:`kept_though_known`), which are no plain ones.
    """
    states = clause_states(contract, record.observations) | dict.fromkeys(unmet, KEPT_THOUGH_KNOWN.word)
    cells: dict[str, dict[Rule, Cell]] = {}
    for operation in contract.operations:
        for rule in RULES:
            if of_cell := Counter(states[clause.id] for clause in contract.of(operation, rule)):
                cells.setdefault(operation, {})[rule] = _cell(of_cell)
    return cells


def together(rows: Iterable[Mapping[Rule, Cell]]) -> dict[Rule, Cell]:
    """Return the cells of several operations as those of one row."""
    counts: dict[Rule, Counter[str]] = {}
    for cells in rows:
        for rule, cell in cells.items():
            counts.setdefault(rule, Counter()).update(cell.counts)
    return {rule: _cell(of_cell) for rule, of_cell in counts.items()}


def _cell(counts: Counter[str]) -> Cell:
    ordered = {state: counts[state] for state in EVERY_MARK if counts[state]}
    return Cell(next(iter(ordered)), ordered)


def skip_reasons(contract: Contract, record: Record) -> dict[str, list[str]]:
    """Return, for each reason to skip, the operations of which a clause could not be judged for it."""
    states = clause_states(contract, record.observations)
    reasons: dict[str, list[str]] = {}
    for row in record.observations:
        if row.outcome == "skip" and states[row.clause] == "skip":
            operations = reasons.setdefault(row.signature, [])
            if row.operation not in operations:
                operations.append(row.operation)
    return reasons


def left_out_by_us(record: Record) -> Iterator[str]:
    """Yield the tests about no single promise that the suites left out here, or parts of them: by the reason, a sentence each."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for one in record.footer.not_played:
        name = one.test.rpartition("::")[2].partition("[")[0]
        alike.setdefault((one.reason, one.part, one.why), []).append(name)
    for (reason, part, why), names in alike.items():
        yield f"{reason}: {', '.join(dict.fromkeys(names))}{f', {part}' * bool(part)}{f' ({why})' * bool(why)}"


def unanswered(record: Record) -> str:
    """Return which requests of principles had no answer, in a sentence; nothing where all had one."""
    counts = sorted(record.footer.unanswered.items(), key=lambda one: (-one[1], one[0]))
    if not counts:
        return ""
    number = sum(count for _, count in counts)
    named = ", ".join(f"{operation or 'to make what others are about'} ({count})" for operation, count in counts)
    return f"{number} request{'s' * (number != 1)} of principles, which so show nothing: {named}"


def held_back(record: Record) -> dict[str, dict[str, int]]:
    """Return how many requests to which operations were not sent, by the reason (``mmconform.safety.guard``)."""
    found: dict[str, dict[tuple[str, str], int]] = {}
    for row in record.observations:
        if row.signature in HELD_BACK and row.persona == "everyone":  # others' were sent
            tests = found.setdefault(row.signature, {})
            key = row.operation, row.test
            tests[key] = max(tests.get(key, 0), row.count)  # a request that is not sent leaves all clauses unjudged
    return {reason: _by_operation(tests) for reason, tests in found.items()}


def _by_operation(tests: dict[tuple[str, str], int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for (operation, _), count in tests.items():
        counts[operation] = counts.get(operation, 0) + count
    return counts


def newer_than_known(record: Record) -> list[str]:
    """Return what is to be said of a server that is newer than what our data tell of."""
    newest = record.header.newest_known
    version = record.header.server.version
    return (
        [f"{version} is newer than {newest}, the newest version of which our data tell: judged by the newest rules"]
        if newest
        else []
    )


def why_red(footer: Footer) -> tuple[str, ...]:
    """Return why a run is not green, in a few of the words of docs/words.md each; nothing where it is green.

    This decides it, and every verdict that says RED says these; :func:`problems` says which ones they are.
    """
    operations, deviations = len(footer.not_exercised), len(footer.not_met)
    reasons = (
        (footer.new, f"{footer.new} new"),
        (footer.errors, f"{footer.errors} in error"),
        (operations, f"{operations} operation{'s' * (operations > 1)} not exercised"),
        (deviations, f"{deviations} known deviation{'s' * (deviations > 1)} not met"),
        (footer.fixed, f"{len(footer.fixed)} fixed, to be taken off the list"),
        (footer.changed, f"{footer.changed} changed since {footer.against}"),
        (footer.not_taped, f"{footer.not_taped} request{'s' * (footer.not_taped > 1)} not taped"),
        (footer.left_out, "something left out"),
        (footer.counted, f"{footer.counted} new finding{'s' * (footer.counted > 1)} of principles"),
        (not footer.verified, "nothing verified"),
    )
    return tuple(said for is_so, said in reasons if is_so)


def unserved(contract: Contract, record: Record) -> tuple[list[str], list[str]]:
    """Return the operations whose valid requests served nobody, where no answer says why, and that make no run red.

    Of a document for whose requests nobody vouches: what passed there was shown by refusals alone.

    Returns:
        Those of which that is not explained; and those about what no run can make, where 2xx came all the same, of nothing.
    """
    red = set(record.footer.not_exercised)
    rows = record.operations if record.header.documents else ()
    found: tuple[list[str], list[str]] = ([], [])
    for row in rows:
        if row.in_scope and row.reached and not row.served and not row.gate and row.operation not in red:
            found[is_about_nothing(contract, row)].append(row.operation)
    return found


def is_about_nothing(contract: Contract, row: OperationRow) -> bool:
    """Return whether an operation let somebody in, and could be asked only about what does not exist on a server."""
    return row.let_in > 0 and kinds.is_absent(contract.operations[row.operation].kinds)


def problems(record: Record) -> list[tuple[str, str]]:
    """Return why a run is not green beside what is new: kinds and sentences; empty when nothing else is wrong."""
    footer = record.footer
    nothing_said = "nothing is said about the server"
    found = [("fixed", f"{entry} was not seen any more; delete the entry") for entry in footer.fixed]
    found += [("not-met", f"{entry} {_NOT_MET}") for entry in footer.not_met]
    for change in record.changes:
        if change.standing == "new":
            what = f"since {change.against}, {change.clause}: {change.before} → {change.after}"
            first = f", first in answer {change.number} of {change.request}" if change.request else ""
            who = f"for {', '.join(change.personas)}{first}"
            found.append(("changed", f"{what} {who}; find out why, and add it to mmconform/data/changes.yaml"))
    if footer.errors:
        found.append(("error", f"{footer.errors} tests broke or got no answer; {nothing_said}"))
    if footer.not_taped:
        found.append(("not-taped", f"{footer.not_taped} requests that the tape has no answer for; {nothing_said}"))
    if footer.counted:
        found.append(("principles", f"{footer.counted} new finding{'s' * (footer.counted != 1)}, and --fail-on principles"))
    if footer.not_exercised:
        found.append(("not-exercised", f"no valid request was served for {', '.join(footer.not_exercised)}"))
    found += [("left-out", f"{what}; what was asked for and not judged is not green") for what in footer.left_out]
    if not footer.verified:
        found.append(("nothing-verified", "no test judged any promise"))
    return found
