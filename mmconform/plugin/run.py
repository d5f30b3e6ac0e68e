"""One run: the contract, the targets, what was seen on each, and the records at the end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from mmconform.contract.build import build
from mmconform.contract.clause import RULES, Contract, Operation, Rule
from mmconform.contract.permission import Holds, leaves
from mmconform.documents.load import load
from mmconform.driving.generate import MAX_EXAMPLES, SEED, Generator
from mmconform.judging import deviations, known_changes
from mmconform.judging.deviations import Deviation
from mmconform.judging.judge import NOT_HERE, NOT_ON_TAPE, Coverage, Judge
from mmconform.judging.known_changes import KnownChange
from mmconform.paths import REPORTS
from mmconform.principles import report
from mmconform.principles.sightings import Sightings
from mmconform.record import record
from mmconform.record.provenance import now, tools
from mmconform.record.rows import FORMAT, AnswerRow, Header, NotPlayedRow, ObservationRow, OperationRow
from mmconform.report import neighbours, summary
from mmconform.safety.guard import HELD_BACK, WOULD_DO_HARM
from mmconform.servers.target import Target, describe
from mmconform.world.behaviours import is_newer, newest
from mmconform.world.place import LISTS_OPEN_TEAMS

#: Reasons for which a test was not run that is about this version.
_NOT_RUN = (NOT_HERE, NOT_ON_TAPE, "needs-licence", *HELD_BACK)


@dataclass
class Seen:
    """What the tests of one target saw.

    Attributes:
        generated_tests: Those of which the requests were generated, among those that observed something.
        generated_for: The operations to which they sent them.
    """

    rows: list[ObservationRow] = field(default_factory=list)
    answers: list[AnswerRow] = field(default_factory=list)
    coverage: dict[str, Coverage] = field(default_factory=dict)
    errors: int = 0
    not_taped: int = 0
    not_played: list[NotPlayedRow] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    seconds: float = 0
    generated_tests: set[str] = field(default_factory=set)
    generated_for: set[str] = field(default_factory=set)


class Run:
    """A run over some documents and targets.

    Args:
        specs: Documents instead of our own; empty for ours.
        overlays: Overlays beside our own.
        seed: Of the generator.
        max_examples: Fuzzed cases for each operation.
        reports: Where the records go.
    """

    def __init__(
        self,
        specs: list[Path],
        overlays: list[Path],
        seed: int = SEED,
        max_examples: int = MAX_EXAMPLES,
        reports: Path = REPORTS,
    ) -> None:
        self.seed, self.max_examples, self.reports = seed, max_examples, reports
        self.documents = tuple([f"--spec={path}" for path in specs] + [f"--overlay={path}" for path in overlays])
        loaded = load(specs, overlays)
        self.document, self.is_official, self.is_ours = loaded.document, loaded.is_official, not specs
        self.contract: Contract = build(self.document)
        self.deviations: list[Deviation] = deviations.known(self.contract, is_ours=not specs, is_official=loaded.is_official)
        self.known_changes: list[KnownChange] = [] if specs else known_changes.load(self.contract)
        self.started = now()
        self.seen: dict[str, Seen] = {}
        self.sightings: dict[str, Sightings] = {}

    def noting(self, target: Target) -> Sightings:
        """Return what takes note of a target's answers for the principles."""
        return self.sightings.setdefault(target.slug, Sightings(self.contract, target))

    @cached_property
    def generator(self) -> Generator:
        # What another seed draws is not drawn again.
        return Generator(self.document, self.seed, self.max_examples, kept_in=REPORTS / ".cases" if self.seed == SEED else None)

    def judge(self, target: Target, rules: Sequence[Rule] = ()) -> Judge:
        """Return a judge for one test on a target, of promises of these kinds or of all."""
        return Judge(self.contract, target, self.known(target), rules or RULES, tells_gaps=self.is_official, vouches=self.is_ours)

    def known(self, target: Target) -> list[Deviation]:
        """Return the known deviations that a target may show: none where it is to keep the document."""
        return [] if target.keeps_documents else self.deviations

    def take(
        self,
        target: str,
        rows: Iterable[ObservationRow],
        answers: Iterable[AnswerRow],
        coverage: dict[str, Coverage],
        not_taped: int,
        *,
        seconds: float = 0,
        errors: int = 0,
        is_generated: bool = False,
        not_played: Iterable[NotPlayedRow] = (),
        absent: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Add what one test saw, and how long it took."""
        seen = self.seen.setdefault(target, Seen())
        rows = list(rows)
        seen.rows += rows
        seen.answers += answers
        seen.not_taped += not_taped
        seen.not_played += not_played
        seen.absent |= absent
        seen.seconds += seconds
        seen.errors += errors
        if is_generated:
            seen.generated_tests |= {row.test for row in rows}
            seen.generated_for |= coverage.keys()
        for operation, reached in coverage.items():
            seen.coverage.setdefault(operation, Coverage()).add(reached)

    @staticmethod
    def _is_in_scope(operation: Operation, target: Target, seen: Seen) -> bool:
        """Whether a target is known to have an operation, and it could be asked about something that is known to exist."""
        coverage = seen.coverage.get(operation.id)
        exists = operation.exists_in(target.version) is True
        return coverage is not None and exists and not (coverage.puzzling and not coverage.reached)

    @property
    def is_partly_unseen(self) -> bool:
        """Whether some test, or some request of one, came to nothing."""
        return any(seen.errors or any(row.outcome == "error" for row in seen.rows) for seen in self.seen.values())

    def fail(self, targets: Iterable[Target]) -> None:
        """Note that something went wrong which is no verdict: the run cannot be green."""
        for target in targets:
            self.seen.setdefault(target.slug, Seen()).errors += 1

    def finish(
        self,
        target: Target,
        selection: str,
        left_out: list[str],
        before: record.Record | None = None,
        *,
        counts_principles: bool = False,
    ) -> record.Record:
        """Write the record of a target and return it.

        Args:
            counts_principles: What is new of the principles makes the run red.
            selection: What narrowed the run.
            left_out: What was asked for and not judged, in sentences.
            before: The record of the version before, where this run was over both.
        """
        seen = self.seen.setdefault(target.slug, Seen())
        states = summary.clause_states(self.contract, seen.rows)
        skipped = {
            id_
            for id_ in self.contract.operations
            if all(states[c.id] == "skip" for c in self.contract.of(id_) if c.rule != "since")
        }
        sightings = self.sightings.get(target.slug)
        beside = sightings.seen.served if sightings else {}
        held = {row.operation for row in seen.rows if row.signature == WOULD_DO_HARM}
        lacking = {row.operation for row in seen.rows if row.signature == NOT_HERE and row.test in seen.generated_tests}
        operations = [
            OperationRow(
                operation=id_,
                in_scope=(in_scope := self._is_in_scope(operation, target, seen) and id_ not in skipped | held),
                sent=(coverage := seen.coverage.get(id_, Coverage())).sent,
                reached=coverage.reached,
                served=coverage.served,
                exercised=in_scope and coverage.served > 0,
                let_in=coverage.let_in,
                kept_out=coverage.kept_out,
                gate="" if coverage.served else coverage.gate,
                for_principles=beside.get(id_, 0),
            )
            for id_, operation in self.contract.operations.items()
        ]
        rows = sorted(seen.rows, key=lambda r: (r.clause, r.persona, r.outcome, r.signature, r.test))
        answers = sorted(seen.answers, key=lambda a: (a.request, a.number))
        if target.is_thrown_away:
            answers = []  # nobody compares a flaw with anything
        header = Header(
            format=FORMAT,
            target=target.name,
            server=describe(target.server),
            spec=self.contract.digest,
            clauses=len(self.contract.clauses),
            tools=tools(),
            seed=self.seed,
            max_examples=self.max_examples,
            started=self.started,
            selection=selection,
            roles=self._roles(target),
            newest_known=str(newest()) if is_newer(target.version) else "",
            documents=self.documents,
        )
        findings = report.rows(self.contract, sightings.seen, self.known(target), target.version) if sightings else []
        footer = summary.summarise(
            self.contract,
            target.version,
            rows,
            operations,
            self.known(target),
            not_exercised=[
                row.operation
                for row in operations
                if row.in_scope and not row.exercised and not row.gate and row.operation in seen.generated_for
                if row.operation not in lacking  # what it is about cannot be made there
                if not summary.is_about_nothing(self.contract, row)  # who is let in is all it can show
                if not self.is_official  # nobody vouches that what was asked is a request that is served
                if not target.is_whole  # it holds what was served when it was recorded, and nobody can ask more
            ],
            by_hand=[] if selection or left_out else _by_hand(rows, seen.generated_tests),
            left_out=left_out,
            errors=seen.errors,
            not_taped=seen.not_taped,
            not_played=sorted(seen.not_played, key=lambda one: (one.reason, one.test, one.part)),
            absent=seen.absent,
            unanswered=sightings.seen.unanswered if sightings else {},
            counted=sum(finding.standing == "new" for finding in findings) if counts_principles else 0,
            is_whole=neighbours.is_whole(header, left_out),
            finished=now(),
            seconds=round(seen.seconds, 3),
        )
        result = record.Record(header, rows, operations, footer, answers, findings=findings)
        if before:
            result = neighbours.beside(self.contract, self.known_changes, before, result)
        record.write(self.path(target), result)
        return result

    def _roles(self, target: Target) -> dict[str, tuple[str, ...]]:
        """Return what the server said that its roles hold, of the permissions by which it is decided who is asked."""
        named = {
            leaf.permission
            for operation in self.contract.operations.values()
            for leaf in leaves(operation.requirement.demand)
            if isinstance(leaf, Holds)
        }
        named.add(LISTS_OPEN_TEAMS)
        return {role: tuple(sorted(held & named)) for role, held in sorted(target.told_roles.items())}

    def path(self, target: Target) -> Path:
        """Return where the record of a target goes."""
        return self.reports / target.slug / record.NAME


def _by_hand(rows: list[ObservationRow], generated: set[str]) -> list[ObservationRow]:
    """Return the rows of hand-written tests, if all of them were run that are about this version."""
    found = [row for row in rows if row.test not in generated]
    return [] if any(row.outcome == "skip" and row.signature in _NOT_RUN for row in found) else found
