"""One run as pytest sees it: targets as parameters, verdicts from tests, the record at the end."""

import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import nullcontext, suppress
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec
import pytest
from vcr import VCR

from mmconform.contract.build import build
from mmconform.contract.clause import RULES, Contract, Operation
from mmconform.contract.fit import misfits
from mmconform.documents.load import load
from mmconform.driving.near_misses import decides, demanded
from mmconform.driving.outlook import untold
from mmconform.errors import MisuseError
from mmconform.judging.deviations import by_entry
from mmconform.judging.judge import Coverage, Judge, Observation
from mmconform.paths import ROOT, SUITES, shown
from mmconform.plugin import fixtures
from mmconform.plugin.attendance import Attendance, is_skipped_by_us
from mmconform.plugin.fixtures import JUDGE, Fixtures, target_of
from mmconform.plugin.options import option
from mmconform.plugin.process import Interrupted, Process
from mmconform.plugin.run import Run
from mmconform.plugin.veil import Veil
from mmconform.plugin.whole import described_by
from mmconform.record import record
from mmconform.record.record import NAME, Record
from mmconform.record.rows import AnswerRow, ObservationRow
from mmconform.report.encoding import tolerate
from mmconform.report.failure import gather
from mmconform.report.folded import folded
from mmconform.report.plan import plan
from mmconform.report.terminal import show
from mmconform.servers.live.second_look import changed_meanwhile, sent_twice
from mmconform.servers.live.tidy import in_words
from mmconform.servers.made import made_on
from mmconform.servers.target import Target, describe
from mmconform.version import Version
from mmconform.wire.client import UnseenError
from mmconform.wire.tape import tape
from mmconform.wire.tape.cassette import configure
from mmconform.wire.tape.name import cassette_name
from mmconform.world.behaviours import is_newer, newest
from mmconform.world.world import Person, World

#: Of the table where no terminal says how wide it is.
_WIDTH = 100
#: The generated requests come before what others leave behind.
SUITES_IN_TURN = ("generated", "permissions", "lifecycle", "compatibility")
#: Of them, what ends people and things, and looks at what the others were answered.
_LAST = "test_principles.py"
#: What is true of every server: its API deletes no account and no team.
_LEFT = "left the server as it was (but accounts can only be deactivated, and teams archived): "
_PUT_BACK = "put back what this run had changed (but accounts can only be deactivated, and teams archived): "
_PUT_RIGHT = "put right, but not everything: "
#: Settings of pytest that decide what is collected.
_WHAT_IS_A_TEST = ("python_", "norecursedirs", "testpaths")
#: Who sets one of these has a server in mind.
_MEANS_A_SERVER = ("MM_ADMIN_TOKEN", "MM_ADMIN_LOGIN")
_SECONDS = pytest.StashKey[float]()


def begin(config: pytest.Config) -> None:
    """Resolve the targets, prepare those that are live, and register the hooks and fixtures of the run.

    Raises:
        MisuseError: it cannot begin; what was begun is undone.
    """
    if unknown := [rule for rule in option(config, "--rule") if rule not in RULES]:
        raise MisuseError(f"--rule {unknown[0]}: there is no such kind of promises; there are {', '.join(RULES)}")
    process = Process(config, _narrowed(config))
    _confirm_tapes_answer(process)
    contract = process.run.contract
    for pattern in option(config, "--operation"):
        if not any(fnmatchcase(name, pattern) for name in contract.operations):
            what = f"{contract.suggestion(pattern)}{_listed(process.run)} lists them"
            raise MisuseError(f"--operation {pattern}: the documents describe no such operation; {what}")
    _confirm_something_is_promised(config, process.run)
    if not (config.option.collectonly or process.is_dry):
        try:
            process.open()
        except BaseException:
            process.clean()
            raise
    config.pluginmanager.register(Fixtures(process), "mmconform-fixtures")
    config.pluginmanager.register(Conformance(process), "mmconform")
    config.pluginmanager.register(Veil(process.hide, shows_values=process.run.is_ours), "mmconform-veil")


def _listed(run: Run) -> str:
    """Return the command that lists what the documents of a run promise."""
    return f"`{' '.join(['mmconform contract', *run.documents])}`"


def _confirm_something_is_promised(config: pytest.Config, run: Run) -> None:
    """Refuse what no promise is about, before anything is made on a server for it.

    Raises:
        MisuseError: so it is.
    """
    patterns, rules = option(config, "--operation") or ["*"], option(config, "--rule") or RULES
    clauses = run.contract.clauses.values()
    if not any(clause.rule in rules and any(fnmatchcase(clause.operation, p) for p in patterns) for clause in clauses):
        asked = " ".join(
            [*(f"--operation {p}" for p in option(config, "--operation")), *(f"--rule {r}" for r in option(config, "--rule"))]
        )
        raise MisuseError(f"{asked}: the documents promise nothing of that kind; {_listed(run)} lists what they do")


def _confirm_tapes_answer(process: Process) -> None:
    """Refuse documents on tape that are not ours: other requests would be made of them, and a tape answers none of these.

    Raises:
        MisuseError: so it is.
    """
    whole = [target for target in process.targets if target.is_whole]
    if whole and len(whole) < len(process.targets):
        raise MisuseError("tapes of the whole API are judged apart from those of our own operations")
    if whole and not process.run.is_official:
        raise MisuseError(
            f"{whole[0].name} is judged by the official description, which is not in this repository: --spec=FILE, "
            f"put together from {described_by(whole[0])}"
        )
    if (specs := option(process.config, "--spec")) and not whole:
        is_asked = process.targets[0].is_recorded and not process.judges_nothing
        if is_asked and process.run.contract.digest != build(load([]).document).digest:
            what = "a tape answers the requests that are made of our own documents"
            raise MisuseError(f"{what}; {specs[0]} is asked of a server: --target http://HOST:PORT, or --target reference")


#: Options of pytest's own with which the user picks tests by how they ended last time.
_FROM_LAST_TIME = ("lf", "stepwise")


def _narrowed(config: pytest.Config) -> str:
    """Return what of the command line keeps a run from being a whole one."""
    options = [f"-k {config.option.keyword}" if config.option.keyword else ""]
    options += [f"-m {config.option.markexpr}" if config.option.markexpr else ""]
    options += [f"-o {setting}" for setting in config.option.override_ini or () if setting.startswith(_WHAT_IS_A_TEST)]
    options += [f"{name}={value}" for name in ("--operation", "--rule") for value in option(config, name)]
    options += [f"--{name}" for name in ("ignore", "ignore-glob", "deselect") if config.getoption(name.replace("-", "_"), None)]
    options += [f"--{name}" for name in _FROM_LAST_TIME if config.getoption(name, None)]
    if [Path(config.invocation_params.dir, argument).resolve() for argument in config.args] != [SUITES]:
        options += [argument.removeprefix(f"{ROOT}/") for argument in map(str, config.args)]
    return " ".join(part for part in options if part)


class Conformance:
    """The hooks of one run, in the process that the user started and in each xdist worker.

    Attributes:
        attendance: Which tests were asked for and which came to judge.
        problems: What else is to be said at the end.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self.attendance = Attendance()
        self.problems: list[str] = []
        self.current: Any = None
        self._has_begun = False
        self._cleaned: Counter[str] = Counter()
        self._losses: Counter[str] = Counter()
        self._falls: list[str] = []
        self._is_clean = True
        self._tape: Path | None = None
        self._told = ""
        self._records: list[tuple[Target, Record]] = []
        self._kept: dict[str, Path] = {}
        if terminal := process.config.pluginmanager.get_plugin("terminalreporter"):
            tolerate(terminal._tw._file)

    # -- workers -------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker what only the first process knows."""
        node.workerinput["mmconform"] = self.process.tell()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take over what an xdist worker put right and knows; of one that died, its journals tell."""
        knows = getattr(node, "workeroutput", {}).get("mmconform", {})
        self._cleaned.update(knows.get("cleaned", {}))
        self._losses.update(knows.get("losses", {}))
        self._falls += knows.get("falls", [])
        self.attendance.learn(knows.get("attendance", {}))
        self.process.learn_seen(knows.get("seen", {}))
        if error or not knows:
            self.process.run.fail(self.process.targets)
            self.problems.append(f"the worker {node.gateway.id} died ({error or 'it told nothing'}); its tests are not judged")

    # -- the beginning -------------------------------------------------------------------------------------------------

    def pytest_report_header(self) -> list[str]:
        run, targets = self.process.run, self.process.targets
        contract, first, last = run.contract, targets[0], targets[-1]
        if first is last:
            what = f"{first.name} (Mattermost {first.server.name}, {first.server.edition} edition)"
        else:
            what = f"{len(targets)} servers, Mattermost {first.server.name} to {last.server.name}"
        scopes = [_in_scope(contract, target.version) for target in targets]
        known = [len(by_entry(d for d in run.deviations if d.is_in(target.version))) for target in targets]
        lines = [
            f"target: {what}",
            f"contract: {_span(scopes)} of {len(contract.clauses)} promises in scope, {len(contract.operations)} operations, "
            f"spec {contract.digest[:12]}",
            f"known deviations: {_span(known)}",
            f"record: {shown(run.reports)}/{first.slug if first is last else '*'}/{NAME}; generator seed {run.seed}",
        ]
        if not option(self.process.config, "--target") and any(map(os.environ.get, _MEANS_A_SERVER)):
            lines.append("note: no --target was given: a recording is judged, not your server")
        lines += [f"warning: {target.origin.remark}" for target in targets if target.origin.remark]
        for target in targets if run.is_official else ():
            lines += [f"warning: {misfit}" for misfit in misfits(contract, target.version, is_official=True)]
        lines += [f"warning: {news}" for news in untold(contract) if run.is_official]
        newer = [target.server.name for target in targets if is_newer(target.version)]
        if newer:
            lines.append(f"note: our data tell of versions to {newest()}; {', '.join(newer)} is judged by the newest rules")
        lines += [f"warning: cassettes/{name} is no tape of a version; it is left alone" for name in tape.foreign()]
        not_understood = sum(1 for remark in contract.remarks if remark.reason is None)
        if not_understood:
            what = f"{not_understood} sentences of the documentation were not understood"
            lines.append(f"warning: {what}; see {_listed(run)}")
        return lines

    # -- collecting ----------------------------------------------------------------------------------------------------

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "target" not in metafunc.fixturenames or metafunc._arg2fixturedefs.get("target"):
            return  # somebody's own fixture of that name
        targets = [target for target in self.process.targets if self._is_about(metafunc, target)]
        metafunc.parametrize("target", targets, ids=[target.slug for target in targets], scope="session")
        chosen = any("operation" in str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize"))
        if "operation" in metafunc.fixturenames and not chosen:
            mark = metafunc.definition.get_closest_marker("clause")
            contract = self.process.run.contract
            about = [
                operation
                for operation in contract.operations.values()
                if mark is None or mark.args[0].replace("{operation}", operation.id) in contract.clauses
            ]
            if "spare" in metafunc.fixturenames:  # who asks for the same comes together: the role is filled once for all of them
                about = sorted(filter(decides, about), key=demanded)
            metafunc.parametrize("operation", about, ids=lambda o: o.id)

    def _is_about(self, metafunc: pytest.Metafunc, target: Target) -> bool:
        """Whether a test is asked of a target."""
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        if target.is_whole or "whole" in marks:
            return target.is_whole and "whole" in marks
        if self.process.whole_wanted:
            return "kept" in marks
        if "racing" in marks and (target.is_recorded or target.is_thrown_away or not self.process.is_free):
            return False
        is_untaped = "untaped" in marks
        return not (is_untaped or self._is_generic(metafunc)) or is_untaped == self._may_ask_anything(target)

    @staticmethod
    def _is_generic(metafunc: pytest.Metafunc) -> bool:
        """Whether a hand-written test is about every operation alike: of documents that were given, probes ask that better."""
        by_itself = any("operation" in str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize"))
        return {"stage", "operation"} <= set(metafunc.fixturenames) and not by_itself

    def _may_ask_anything(self, target: Target) -> bool:
        """Whether no tape has to hold the answers: a live server is asked, about documents that were given."""
        return not target.is_recorded and self.process.is_free and bool(option(self.process.config, "--spec"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> Generator[None, object, object]:
        """Note what the command line asks for, and what of it somebody else takes away.

        Tests of one target stay together, and no test of a tape reaches the network.
        """
        if not self.process.narrowed:
            self._expect_all_files(items)
        for item in items:  # so that -k finds all tests about an operation, whatever they are called
            if operation := self._operation_of(item):
                item.extra_keyword_matches.add(operation.id)
        self._leave_out_others(config, items)
        for core in ("main", "mark"):  # what the user left out; asked again they find nothing more
            plugin: Any = config.pluginmanager.get_plugin(core)
            plugin.pytest_collection_modifyitems(items=items, config=config)
        _keep(config, items, lambda item: not self._asks_nobody(item))
        self._leave_out_strange(config, items)
        asked = {item.nodeid: target.slug for item in items if (target := target_of(item))}
        result = yield
        left_out = asked.keys() - {item.nodeid for item in items}
        if any(config.getoption(name, None) for name in _FROM_LAST_TIME):  # then it is the user who leaves them out
            asked = {id_: slug for id_, slug in asked.items() if id_ not in left_out}
            left_out = set()
        self.attendance.asked |= asked
        self.attendance.left_out |= left_out
        for item in items:
            if (target := target_of(item)) and target.is_recorded:
                item.add_marker(pytest.mark.block_network)
        items.sort(key=self._target_of if config.getoption("failedfirst", None) else self._place)
        return result

    @staticmethod
    def _asks_nobody(item: pytest.Item) -> bool:
        """Whether it is what pytest makes of one of our tests that has no target here."""
        is_ours = item.path.is_relative_to(SUITES)
        return is_ours and target_of(item) is None and "target" in getattr(item, "fixturenames", ())

    def _expect_all_files(self, items: list[pytest.Item]) -> None:
        for path in sorted(set(SUITES.rglob("test_*.py")) - {item.path for item in items}):
            self.attendance.uncollected.setdefault(path.relative_to(ROOT).as_posix(), "none of its tests was collected")

    def _leave_out_others(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out tests of operations and promises that the user did not ask for."""
        patterns, rules = (option(config, name) for name in ("--operation", "--rule"))
        clauses = self.process.run.contract.clauses

        def is_asked(item: pytest.Item) -> bool:
            if not target_of(item):
                return True  # somebody else's
            clause, operation = clauses.get(fixtures.clause_of(item)), self._operation_of(item)
            is_other_rule = rules and clause and clause.rule not in rules
            is_other = patterns and operation and not any(fnmatchcase(operation.id, pattern) for pattern in patterns)
            return not (is_other_rule or is_other)

        _keep(config, items, is_asked)

    def _leave_out_strange(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out tests of clauses that the documents do not have."""
        known = {"", *self.process.run.contract.clauses}
        _keep(config, items, lambda item: not target_of(item) or fixtures.clause_of(item) in known)

    def _target_of(self, item: pytest.Item) -> int:
        target = target_of(item)
        return self.process.targets.index(target) if target else 0

    def _place(self, item: pytest.Item) -> tuple[int, int, str, str]:
        target, suite = target_of(item), item.path.parent.name
        turn = SUITES_IN_TURN.index(suite) if suite in SUITES_IN_TURN else len(SUITES_IN_TURN)
        role = str(item.callspec.params.get(fixtures.ROLE, "")) if target else ""  # type: ignore[attr-defined]
        return self._target_of(item), turn, f"{item.path.name == _LAST:d} {item.path.name}", role

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note files that could not be read: a run goes on with ``--continue-on-collection-errors``."""
        if report.failed:
            self.attendance.uncollected[report.nodeid] = "could not be collected"

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not session.items and self.process.is_named:
            self.problems.append(f"nothing to ask: no test is selected ({self.process.narrowed or 'none was collected'})")
        if self.process.recording and self.process.narrowed:
            pytest.exit("a tape is recorded whole: leave out -k, -m, --ignore and paths when recording", returncode=2)
        if session.items:
            try:
                self.process.prepare()
            except MisuseError as error:
                self.problems.append(str(error))
                raise session.Interrupted("nothing was asked") from None
        # What is here stays until the end, and hardly anything that comes is garbage that only the collector finds: to look
        # for it, above all in each cassette while it is read, took a fifth of a run.
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Instead of a dry run's tests: who would send what."""
        if not self.process.is_dry:
            return None
        operations = {operation.id: operation for item in session.items if (operation := self._operation_of(item))}
        by_hand = Counter(t.slug for item in session.items if (t := target_of(item)) and fixtures.clause_of(item))
        for target in self.process.targets:
            tests = by_hand[target.slug]
            self._say(f"\n{plan(target.name, operations.values(), self.process.guard(target).refuses, tests)}")
            if not target.is_recorded:
                self._say_what_is_made(target, [item for item in session.items if target_of(item) is target])
                self._say(
                    "Whether people use this server, which settings a run would change there, and what stands in its way: "
                    f"mmconform doctor {target.base_url}"
                )
        if option(session.config, "--disruptive"):
            self._say(
                "On a server that has no people of its own, --disruptive sends the dangerous operations too; a run looks first."
            )
        return True

    def _say_what_is_made(self, target: Target, items: list[pytest.Item]) -> None:
        for line in folded(str(made_on(target.version, {cassette_of(item) for item in items})), _WIDTH, "makes ", ""):
            self._say(line)
        live_only = {"untaped", "racing"} if option(self.process.config, "--disruptive") else {"untaped"}
        if untold := sum(not live_only.isdisjoint(mark.name for mark in item.iter_markers()) for item in items):
            documents = " ".join(self.process.run.documents)
            probes = f"; of probes mmconform doctor {target.base_url} {documents} tells" if documents else ""
            self._say(f"not counted: what tests make that are on no tape ({untold}){probes}")

    def _say(self, text: str) -> None:
        if terminal := self.process.config.pluginmanager.get_plugin("terminalreporter"):
            terminal.write_line(text)

    def _operation_of(self, item: pytest.Item) -> Operation | None:
        if not target_of(item):
            return None
        contract = self.process.run.contract
        clause = contract.clauses.get(fixtures.clause_of(item))
        operation = item.callspec.params.get("operation")  # type: ignore[attr-defined]
        return operation if isinstance(operation, Operation) else contract.operations[clause.operation] if clause else None

    # -- a test --------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self) -> bool | None:
        """When the run was interrupted, its time is over, or it lost a server to somebody else, no other test begins."""
        if self.process.is_interrupted:
            raise Interrupted
        process = self.process
        return True if process.patience.is_over or process.has_lost_a_server or process.disturbed else None

    def pytest_runtest_logstart(self) -> None:
        """With the first test: what comes to no end is not to look like an earlier run."""
        if not (self.process.is_worker or self.process.judges_nothing):
            self._set_records_aside()

    def _set_records_aside(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            for target in self.process.targets:
                if kept := record.set_aside(self.process.run.path(target)):
                    self._kept[target.slug] = kept

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self.current = item

    def pytest_recording_configure(self, vcr: VCR) -> None:
        target = target_of(self.current)
        if target and (path := self.process.recorded_to(f"{cassette_of(self.current)}.yaml")):
            configure(vcr, target.redactor, target.base_url, path)

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """A test whose exchanges showed something new fails after its last request, with everything it saw."""
        judge = pyfuncitem.stash.get(JUDGE, None)
        result = None
        with fixtures.performing(pyfuncitem) if judge else nullcontext():
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
                reason = self._changed_meanwhile(world, judge.target, made) or self._sent_twice(world, judge.target)
            except (UnseenError, MisuseError) as error:
                judge.withdraw(f"whether it was the server's doing could not be looked at: {error}")
            self.process.disturbed = reason
        if reason:
            judge.withdraw(reason)

    @staticmethod
    def _sent_twice(world: World, target: Target) -> str:
        if target.is_reference:
            return ""
        client = target.client()
        try:
            return sent_twice(world, client)
        finally:
            client.close()

    def _changed_meanwhile(self, world: World, target: Target, made: Iterable[Person] = ()) -> str:
        if target.is_reference:  # started by ourselves: nobody else knows it
            return ""
        client = target.client()
        try:
            return changed_meanwhile(world, client, made)
        finally:
            client.close()

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
            fails = any(row.state in ("new", "error") for row in rows)
            taped = judge.not_taped if judge else []
            report.conformance = {
                "target": target.slug,
                "rows": msgspec.to_builtins(rows),  # as a worker can send them
                "answers": msgspec.to_builtins(_answers(item, judge)) if judge and ended else [],
                "coverage": {k: asdict(v) for k, v in judge.coverage.items()} if judge and ended else {},
                "errors": int(report.failed and not fails and not taped),
                "not_taped": len(taped),
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
        if report.skipped and not any(row["outcome"] == "skip" for row in seen["rows"]) and not is_skipped_by_us(report):
            self.attendance.skipped[report.nodeid] = _reason(report)
        elif seen["rows"] or seen["coverage"] or seen["asks"] or report.failed or report.skipped:
            self.attendance.judged.add(report.nodeid)
        coverage = {operation: Coverage(**reach) for operation, reach in seen["coverage"].items()}
        rows = msgspec.convert(seen["rows"], list[ObservationRow])
        answers = msgspec.convert(seen["answers"], list[AnswerRow])
        told = (seen["target"], rows, answers, coverage, seen["not_taped"])
        self.process.run.take(*told, seconds=seen["seconds"], errors=seen["errors"], is_generated=seen["generated"])

    # -- the end -------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not self.process.judges_nothing
        stopped = self._was_stopped(session)
        steps: tuple[Callable[[], None], ...] = (lambda: self._finish_tape(ended and not stopped), self._clean)
        for step in steps:
            try:
                step()
            except MisuseError as error:
                self.problems.append(str(error))
                session.exitstatus = 2
        if self.process.is_worker:
            knows = {"cleaned": dict(self._cleaned), "losses": dict(self._losses), "falls": self._falls}
            knows["attendance"] = self.attendance.tell()
            knows["seen"] = self.process.tell_seen()
            session.config.workeroutput["mmconform"] = knows  # type: ignore[attr-defined]
        elif ended and (self.attendance.asked or self.process.is_named):
            self._set_records_aside()
            self._write_records(session, stopped)

    def _was_stopped(self, session: pytest.Session) -> bool:
        """Return whether the run was ended before its time; what is wrong with it is noted."""
        if self.process.patience.is_over:
            seconds = option(self.process.config, "--run-timeout")
            self.problems.append(f"the run took longer than {seconds:g} s (--run-timeout) and was ended")
        self._look_at_the_end()
        if self.process.disturbed:
            self.problems.append(f"{self.process.disturbed}; no other test was begun, run it again")
        if self.process.patience.is_over or self.process.has_lost_a_server or self.process.disturbed:
            self.process.run.fail(self.process.targets)
            return True
        return bool(session.shouldstop or session.shouldfail)

    def _look_at_the_end(self) -> None:
        """Look once more whether somebody else changed what all tests relied on, also where nothing was blamed."""
        process = self.process
        for target in process.targets if not (process.disturbed or process.has_lost_a_server or process.is_interrupted) else ():
            if target.slug in process.servers and target.slug in process.worlds:
                with suppress(UnseenError, MisuseError):  # cleaning up will meet it too
                    process.disturbed = process.disturbed or self._changed_meanwhile(process.worlds[target.slug], target)

    def _finish_tape(self, is_whole: bool) -> None:
        """Keep the recording, or throw it away.

        Raises:
            MisuseError: a secret stands on it, or it cannot take its place.
        """
        recording, run = self.process.recording, self.process.run
        if whole := self.process.whole:
            if is_whole and run.is_partly_unseen:
                whole.recording.drop()
                self.problems.append("some requests were not answered; the recording was thrown away")
            elif is_whole:
                self._told = whole.finish(option(self.process.config, "--described-by"))
            else:
                whole.recording.drop()
        if not recording:
            return
        missing = [reason for target in self.process.targets for reason in self.attendance.missing(target.slug)]
        if not is_whole:
            recording.drop()
        elif run.is_partly_unseen or missing:
            recording.drop()
            why = missing[0] if missing else "some requests were not answered"
            self.problems.append(f"{why}; the recording was thrown away")
        else:
            self._tape = recording.finish(seed=run.seed, max_examples=run.max_examples, spec=run.contract.digest)

    def _clean(self) -> None:
        """Leave the servers as they were.

        Raises:
            MisuseError: not everything could be undone.
        """
        self._is_clean = False
        self._losses.update(self.process.losses)
        self._falls += self.process.falls
        try:
            self._cleaned.update(self.process.clean())
        except KeyboardInterrupt:
            url = self.process.targets[0].base_url
            raise MisuseError(f"interrupted while tidying up; `mmconform cleanup {url}` does the rest") from None
        self._is_clean = True

    def _write_records(self, session: pytest.Session, stopped: bool) -> None:
        narrowed = f"{self.process.narrowed} {'stopped early' if stopped else ''}".strip()
        done: dict[str, Record] = {}
        if self.process.disturbed:
            self.process.run.sightings.clear()
        for target in self.process.targets:
            before = done.get(tape.before(target.slug)) if target.is_recorded else None
            missing = self.attendance.missing(target.slug)
            try:
                written = done[target.slug] = self.process.run.finish(
                    target, narrowed, missing, before, counts_principles="principles" in option(session.config, "--fail-on")
                )
            except MisuseError as error:
                self.problems.append(str(error))
                session.exitstatus = 2
                continue
            self._records.append((target, written))
            if not written.footer.green and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminal = terminalreporter._tw
        width = terminal.fullwidth if sys.stdout.isatty() else _WIDTH
        if self._records:
            terminalreporter.section("conformance")
        for target, written in self._records:
            terminalreporter.write_line(show(self.process.run.contract, written, colour=terminal.hasmarkup, width=width))
            terminalreporter.write_line(f"  record: {shown(self.process.run.path(target))}")
            kept = self._kept.pop(target.slug, None)
            if kept and (written.header.selection or not target.is_recorded):  # a whole run of a tape can be had again
                terminalreporter.write_line(f"  kept from before: {shown(kept)}")
            terminalreporter.write_line("")
        for kept in self._kept.values():  # of a run that came to no end
            terminalreporter.write_line(f"the record from before is kept: {shown(kept)}")
        if self._tape:
            terminalreporter.write_line(f"recorded {shown(self._tape)}")
        if self._told:
            terminalreporter.write_line(self._told)
        for fall in self._falls:
            terminalreporter.write_line(fall, red=True)
        for loss, times in self._losses.items():
            terminalreporter.write_line(f"made anew after {loss}" + (f" ({times} times)" if times > 1 else ""))
        for difference in self.process.meanwhile:
            terminalreporter.write_line(f"changed meanwhile, not by a request of ours: {difference}")
        if self._cleaned:
            said = _PUT_RIGHT if not self._is_clean else _PUT_BACK if self.process.meanwhile else _LEFT
            terminalreporter.write_line(said + in_words(self._cleaned))
        for problem in self.problems:
            terminalreporter.write_line(problem, red=True)
        if self._records and not self._is_clean:
            terminalreporter.write_line("what is said of the server stands, but it is not as it was: exit status 2", red=True)


def _keep(config: pytest.Config, items: list[pytest.Item], is_kept: Callable[[pytest.Item], bool]) -> None:
    """Leave out all other tests, and tell pytest, so that its numbers add up."""
    parts: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        parts[is_kept(item)].append(item)
    if parts[False]:
        config.hook.pytest_deselected(items=parts[False])
        items[:] = parts[True]


def cassette_of(item: Any) -> str:
    """Return the name of a test's cassette on the tape of its target."""
    target = target_of(item)
    return cassette_name(item, target.slug if target else "")


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


def _in_scope(contract: Contract, version: Version) -> int:
    """Return how many promises can be judged: of an operation that a version has not, only since when it has it."""
    return sum(1 for c in contract.clauses.values() if c.rule == "since" or contract.operations[c.operation].exists_in(version))


def _span(counts: list[int]) -> str:
    return str(counts[0]) if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"
