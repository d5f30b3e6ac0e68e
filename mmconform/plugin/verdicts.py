"""What comes of one test: its verdicts, and whether it may be believed."""

from collections.abc import Generator, Iterable
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

import msgspec
import pytest
from vcr import VCR

from mmconform.errors import MisuseError, NotHereError
from mmconform.judging.judge import NOT_HERE, Coverage, Judge, Observation
from mmconform.paths import ROOT
from mmconform.plugin.attendance import Attendance
from mmconform.plugin.fixtures import JUDGE, cassette_of, clause_of, performing, target_of
from mmconform.plugin.left_out import leave_out, not_played
from mmconform.plugin.process import Interrupted, Process
from mmconform.record.rows import AnswerRow, NotPlayedRow, ObservationRow
from mmconform.report.failure import gather
from mmconform.servers.live.second_look import changed_meanwhile, sent_twice
from mmconform.servers.target import Target, describe
from mmconform.wire.client import UnseenError
from mmconform.wire.tape.cassette import configure
from mmconform.world.place import Place
from mmconform.world.world import Person, World

_SECONDS = pytest.StashKey[float]()


class Verdicts:
    """The hooks of pytest's around each test, in the process that the user started and in each xdist worker.

    Attributes:
        attendance: Which tests came to judge.
    """

    def __init__(self, process: Process, attendance: Attendance) -> None:
        self.process, self.attendance = process, attendance
        self.current: Any = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> bool | None:
        """When the run was interrupted, or ends early, no other test begins."""
        if self.process.is_interrupted:
            raise Interrupted
        return True if self.process.ends_early else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self.current = item

    def pytest_recording_configure(self, vcr: VCR) -> None:
        target = target_of(self.current)
        if target and (path := self.process.recorded_to(f"{cassette_of(self.current)}.yaml")):
            configure(vcr, target.redactor, target.base_url, path)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, request: pytest.FixtureRequest) -> Generator[None, object, object]:
        """What a test needs to begin with may be switched off, as what it asks for later may (``performing``)."""
        try:
            return (yield)
        except NotHereError as missing:
            judge = request.node.stash.get(JUDGE, None)
            clause = judge and judge.contract.clauses.get(clause_of(request.node))
            if judge is None or clause is None:
                raise
            leave_out(NOT_HERE, str(missing), judge, clause)

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """A test whose exchanges showed something new fails after its last request, with everything it saw."""
        judge = pyfuncitem.stash.get(JUDGE, None)
        result = None
        with performing(pyfuncitem) if judge else nullcontext():
            result = yield
        if judge:
            self._look_again(pyfuncitem, judge)
            if self.process.whole:
                self.process.whole.end(pyfuncitem, judge)
            new = [_row(o, pyfuncitem, judge) for o in judge.observations if o.standing == "new"]
            unseen = [o for o in judge.observations if o.outcome == "error"]
            if new:
                server, name = describe(judge.target.server), judge.target.name
                failures = gather(judge.contract, server, name, new, self.process.run.documents)
                pytest.fail("\n\n".join(failure.explain() for failure in failures), pytrace=False)
            if judge.not_taped:
                name = f"{judge.target.tape}/{cassette_of(pyfuncitem)}.yaml".removeprefix(f"{ROOT}/")
                pytest.fail(
                    f"{len(judge.not_taped)} requests are not on {name} (first: {judge.not_taped[0]}); this says nothing about "
                    "the server. Record the tape anew: pytest --target http://HOST:PORT --record-mode=rewrite",
                    pytrace=False,
                )
            if unseen:
                pytest.fail(
                    "\n".join(f"{o.clause}: could not be seen: {o.seen} ({o.count} times)" for o in unseen), pytrace=False
                )
        return result

    def _look_again(self, item: pytest.Function, judge: Judge) -> None:
        """Before a live server is blamed: did somebody else change what the test relies on? Then it says nothing."""
        server = self.process.servers.get(judge.target.slug)
        if server is None:
            return
        is_blamed = any(o.standing == "new" for o in judge.observations)
        reason = "; ".join(server.meanwhile)
        server.meanwhile.clear()
        if is_blamed and not reason and (world := self.process.worlds.get(judge.target.slug)):
            stage: Any = item.funcargs.get("stage")
            try:
                made = stage.unchanged() if stage else ()
                reason = changed_meanwhile_on(judge.target, world, made) or _sent_twice(judge.target, world)
            except (UnseenError, MisuseError) as error:
                judge.withdraw(f"whether it was the server's doing could not be looked at: {error}")
            self.process.disturbed = reason
        if reason:
            judge.withdraw(reason)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Function, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        report = yield
        if call.excinfo and isinstance(call.excinfo.value, MisuseError | UnseenError):
            report.longrepr = str(call.excinfo.value)
        judge = item.stash.get(JUDGE, None)
        target = target_of(item)
        if call.when == "setup":
            item.stash[_SECONDS] = call.duration
        ended = call.when == "call" or (call.when == "setup" and report.skipped)
        if target and (ended or report.failed):
            rows = [_row(o, item, judge) for o in judge.observations] if judge and ended else []
            left_out = not_played(item, call.excinfo.value if call.excinfo else None) if ended else []
            fails = any(row.state in ("new", "error") for row in rows)
            taped = judge.not_taped if judge else []
            report.conformance = {
                "target": target.slug,
                "rows": msgspec.to_builtins(rows),  # as a worker can send them
                "answers": msgspec.to_builtins(_answers(item, judge)) if judge and ended else [],
                "coverage": {k: asdict(v) for k, v in judge.coverage.items()} if judge and ended else {},
                "errors": int(report.failed and not fails and not taped),
                "not_taped": len(taped),
                "not_played": msgspec.to_builtins(left_out),
                "absent": place.absent if isinstance(place := item.funcargs.get("place"), Place) else {},
                "seconds": item.stash.get(_SECONDS, 0.0) + call.duration,
                "generated": "stage" not in item.fixturenames,
                "asks": call.when == "call" and "questions" in item.fixturenames,
            }
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        """In the first process: gather what the tests, wherever they ran, saw."""
        seen = getattr(report, "conformance", None)
        if seen is None or self.process.is_worker:
            return
        is_told = any(row["outcome"] == "skip" for row in seen["rows"])
        if report.skipped and not is_told and not seen["not_played"]:
            self.attendance.skipped[report.nodeid] = _reason(report)
        elif seen["rows"] or seen["coverage"] or seen["asks"] or report.failed or report.skipped:
            self.attendance.judged.add(report.nodeid)
        coverage = {operation: Coverage(**reach) for operation, reach in seen["coverage"].items()}
        rows = msgspec.convert(seen["rows"], list[ObservationRow])
        answers = msgspec.convert(seen["answers"], list[AnswerRow])
        left_out = msgspec.convert(seen["not_played"], list[NotPlayedRow])
        told = (seen["target"], rows, answers, coverage, seen["not_taped"])
        how = {"seconds": seen["seconds"], "errors": seen["errors"], "is_generated": seen["generated"], "absent": seen["absent"]}
        self.process.run.take(*told, **how, not_played=[one for one in left_out if one.part or not is_told])


def _row(observation: Observation, item: Any, judge: Judge) -> ObservationRow:
    clause = judge.contract.clauses[observation.clause]
    return ObservationRow(
        clause=clause.id,
        operation=clause.operation,
        rule=clause.rule,
        persona=observation.persona,
        test=item.nodeid,
        outcome=observation.outcome,
        count=observation.count,
        standing=observation.standing,
        signature=observation.signature,
        seen=observation.seen,
        cassette=f"{cassette_of(item)}.yaml" if judge.target.is_recorded else "",
        deviation=observation.deviation,
        evidence=observation.evidence,
    )


def _answers(item: Any, judge: Judge) -> list[AnswerRow]:
    name, as_shipped = cassette_of(item), item.get_closest_marker("as_shipped") is not None
    return [msgspec.structs.replace(answer, request=answer.request or name, as_shipped=as_shipped) for answer in judge.answers]


def _reason(report: Any) -> str:
    """Return why a test was skipped, in the words of who skipped it."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else getattr(report, "wasxfail", "") or "xfail"
    return str(reason).removeprefix("Skipped: ").partition("\n")[0][:200] or "without a reason"


def changed_meanwhile_on(target: Target, world: World, made: Iterable[Person] = ()) -> str:
    """Return what somebody else changed of what tests rely on; of a server that we started nobody else knows."""
    if target.is_reference:
        return ""
    client = target.client()
    try:
        return changed_meanwhile(world, client, made)
    finally:
        client.close()


def _sent_twice(target: Target, world: World) -> str:
    if target.is_reference:
        return ""
    client = target.client()
    try:
        return sent_twice(world, client)
    finally:
        client.close()
