"""One run as pytest sees it, from its first line to the records at the end."""

import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from mmconform.contract.build import build
from mmconform.contract.clause import RULES, Contract
from mmconform.contract.fit import misfits
from mmconform.documents.load import load
from mmconform.driving.outlook import untold
from mmconform.errors import MisuseError, meant
from mmconform.judging.deviations import by_entry
from mmconform.paths import ROOT, SUITES, shown
from mmconform.plugin.attendance import Attendance
from mmconform.plugin.collecting import FROM_LAST_TIME, Collecting
from mmconform.plugin.fixtures import Fixtures
from mmconform.plugin.options import asked_paths, holds_suites, option
from mmconform.plugin.output import Output
from mmconform.plugin.process import Process
from mmconform.plugin.run import Run
from mmconform.plugin.veil import Veil
from mmconform.plugin.verdicts import Verdicts, changed_meanwhile_on
from mmconform.record import record
from mmconform.record.record import NAME, Record
from mmconform.report.encoding import tolerate
from mmconform.report.terminal import show
from mmconform.servers.live.tidy import in_words, staying
from mmconform.servers.target import Target, confirm_described
from mmconform.version import Version
from mmconform.wire.client import UnseenError
from mmconform.wire.tape import tape
from mmconform.world.behaviours import is_newer, newest

#: What is true of every server: its API deletes no account and no team, and nothing takes a conversation away.
_BUT = "(but accounts can only be deactivated, teams archived, and messages among these accounts stay{}); of what the run made: "
_LEFT = f"left the server as it was {_BUT}"
_PUT_BACK = f"put back what this run had changed {_BUT}"
#: And of some: they have no route to take it away.
_NO_ROUTE = "; and this server has no route to take away "
_PUT_RIGHT = "put right of what this run made or changed, but not everything{}: "
#: Settings of pytest that decide what is collected.
_WHAT_IS_A_TEST = ("python_", "norecursedirs", "testpaths")
#: Who sets one of these has a server in mind.
_MEANS_A_SERVER = ("MM_ADMIN_TOKEN", "MM_ADMIN_LOGIN")


def begin(config: pytest.Config) -> None:
    """Resolve the targets, prepare those that are live, and register the hooks and fixtures of the run.

    Raises:
        MisuseError: it cannot begin; what was begun is undone.
    """
    if unknown := [rule for rule in option(config, "--rule") if rule not in RULES]:
        what = f"there is no such kind of promises{meant(unknown[0], RULES) or ';'} there are {', '.join(RULES)}"
        raise MisuseError(f"--rule {unknown[0]}: {what}")
    process = Process(config, _narrowed(config))
    _confirm_tapes_answer(process)
    contract = process.run.contract
    for pattern in option(config, "--operation"):
        if not contract.matching([pattern]):
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
    attendance = Attendance()
    config.pluginmanager.register(Conformance(process, attendance), "mmconform")
    config.pluginmanager.register(Collecting(process, attendance), "mmconform-collecting")
    config.pluginmanager.register(Verdicts(process, attendance), "mmconform-verdicts")
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
    confirm_described(whole, is_official=process.run.is_official)
    if (specs := option(process.config, "--spec")) and not whole:
        is_asked = process.targets[0].is_recorded and not process.judges_nothing
        if is_asked and process.run.contract.digest != build(load([]).document).digest:
            what = "a tape answers the requests that are made of our own documents"
            raise MisuseError(f"{what}; {specs[0]} is asked of a server: --target http://HOST:PORT, or --target reference")


def _narrowed(config: pytest.Config) -> str:
    """Return what of the command line keeps a run from being a whole one."""
    options = [f"-k {config.option.keyword}" if config.option.keyword else ""]
    options += [f"-m {config.option.markexpr}" if config.option.markexpr else ""]
    options += [f"-o {setting}" for setting in config.option.override_ini or () if setting.startswith(_WHAT_IS_A_TEST)]
    options += [f"{name}={value}" for name in ("--operation", "--rule") for value in option(config, name)]
    options += [f"--{name}" for name in ("ignore", "ignore-glob", "deselect") if config.getoption(name.replace("-", "_"), None)]
    options += [f"--{name}" for name in FROM_LAST_TIME if config.getoption(name, None)]
    if [Path(config.invocation_params.dir, argument).resolve() for argument in config.args] != [SUITES]:
        options += [argument.removeprefix(f"{ROOT}/") for argument in map(str, config.args)]
    return " ".join(part for part in options if part)


class Conformance:
    """The hooks of one run, in the process that the user started and in each xdist worker.

    Attributes:
        attendance: Which tests were asked for and which came to judge.
    """

    def __init__(self, process: Process, attendance: Attendance) -> None:
        self.process, self.attendance = process, attendance
        self._has_begun = False
        self._cleaned: Counter[str] = Counter()
        self._losses: Counter[str] = Counter()
        self._falls: list[str] = []
        self._is_clean = True
        self._why_ended = ""
        self._tape: Path | None = None
        self._told = ""
        self._records: list[tuple[Target, Record]] = []
        self._kept: dict[str, Path] = {}
        self._session: pytest.Session | None = None
        if terminal := process.config.pluginmanager.get_plugin("terminalreporter"):
            tolerate(terminal._tw._file)
            process.output = terminal._tw._file = Output(terminal._tw._file)

    # -- workers -------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker what only the first process knows."""
        node.workerinput["mmconform"] = self.process.tell()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take over what an xdist worker put right and knows; of one that was killed, its journals tell."""
        knows = getattr(node, "workeroutput", {}).get("mmconform", {})
        self._cleaned.update(knows.get("cleaned", {}))
        self._losses.update(knows.get("losses", {}))
        self._falls += knows.get("falls", [])
        self.attendance.learn(knows.get("attendance", {}))
        self.process.learn_seen(knows.get("seen", {}))
        self.process.disturbed = self.process.disturbed or knows.get("disturbed", "")
        if error or not knows:
            self.process.run.fail(self.process.targets)
            how = knows.get("why_ended") or error or "it told nothing"
            self.process.problems.append(f"the worker {node.gateway.id} died ({how}); its tests are not judged")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Keep what ended a worker: of that, xdist passes on no more than that it was interrupted."""
        if isinstance(excinfo.value, pytest.exit.Exception):
            self._why_ended = str(excinfo.value.msg)

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
            f"known deviations: {_span(known)} on our list (one may break several promises, or none)",
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

    # -- the end -------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self._session = session
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            why = self.process.narrowed or "none was collected"
            if not any(map(holds_suites, asked_paths(session.config))):
                why += f": none of the suites is there; call pytest in {ROOT}"
            self.process.problems.append(f"nothing to ask: no test is selected ({why})")
        ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not self.process.judges_nothing
        stopped = self._was_stopped(session)
        steps: tuple[Callable[[], None], ...] = (lambda: self._finish_tape(ended and not stopped), self._clean)
        for step in steps:
            try:
                step()
            except MisuseError as error:
                self.process.problems.append(str(error))
                session.exitstatus = 2
        if self.process.is_worker:
            knows = {"cleaned": dict(self._cleaned), "losses": dict(self._losses), "falls": self._falls}
            knows["attendance"] = self.attendance.tell()
            knows["seen"] = self.process.tell_seen()
            knows |= {"disturbed": self.process.disturbed, "why_ended": self._why_ended}
            session.config.workeroutput["mmconform"] = knows  # type: ignore[attr-defined]
        elif ended and (self.attendance.asked or self.process.is_named):
            self._set_records_aside()
            self._write_records(session, stopped)

    def pytest_unconfigure(self) -> None:
        """When all is said: a verdict that nobody could read is none."""
        if self.process.output:
            self.process.output.flush()
        if self.process.is_unheard and self._session:
            self._session.exitstatus = 2

    def _was_stopped(self, session: pytest.Session) -> bool:
        """Return whether the run was ended before its time; what is wrong with it is noted."""
        if self.process.patience.is_over:
            seconds = option(self.process.config, "--run-timeout")
            self.process.problems.append(f"the run took longer than {seconds:g} s (--run-timeout) and was ended")
        self._look_at_the_end()
        if self.process.disturbed:
            self.process.problems.append(f"{self.process.disturbed}; no other test was begun, run it again")
        if self.process.ends_early:
            self.process.run.fail(self.process.targets)
            return True
        return bool(session.shouldstop or session.shouldfail)

    def _look_at_the_end(self) -> None:
        """Look once more whether somebody else changed what all tests relied on, also where nothing was blamed."""
        process = self.process
        for target in process.targets if not (process.disturbed or process.has_lost_a_server or process.is_interrupted) else ():
            if target.slug in process.servers and target.slug in process.worlds:
                with suppress(UnseenError, MisuseError):  # cleaning up will meet it too
                    process.disturbed = process.disturbed or changed_meanwhile_on(target, process.worlds[target.slug])

    def _finish_tape(self, is_whole: bool) -> None:
        """Keep the recording, or throw it away.

        Raises:
            MisuseError: a secret stands on it, or it cannot take its place.
        """
        recording, run = self.process.recording, self.process.run
        if whole := self.process.whole:
            if is_whole and run.is_partly_unseen:
                whole.recording.drop()
                self.process.problems.append("some requests were not answered; the recording was thrown away")
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
            self.process.problems.append(f"{why}; the recording was thrown away")
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
                self.process.problems.append(str(error))
                session.exitstatus = 2
                continue
            self._records.append((target, written))
            if not written.footer.green and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        terminal = terminalreporter._tw
        if self._records:
            terminalreporter.section("conformance")
        for target, written in self._records:
            text = show(self.process.run.contract, written, colour=terminal.hasmarkup, width=self.process.width)
            terminalreporter.write_line(text)
            terminalreporter.write_line(f"  record: {shown(self.process.run.path(target))}")
            kept = self._kept.pop(target.slug, None)
            if kept and (written.header.selection or not target.is_recorded):  # a whole run of a tape can be had again
                terminalreporter.write_line(f"  kept from before: {record.run_before(kept.parent)}")
            terminalreporter.write_line("")
        for kept in self._kept.values():  # of a run that came to no end
            terminalreporter.write_line(f"the record from before is kept: {record.run_before(kept.parent)}")
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
            stays = staying(self._cleaned)
            terminalreporter.write_line(said.format(stays and _NO_ROUTE + stays) + in_words(self._cleaned))
        for problem in self.process.problems:
            terminalreporter.write_line(problem, red=True)
        if self._records and not self._is_clean:
            terminalreporter.write_line("what is said of the server stands, but it is not as it was: exit status 2", red=True)


def _in_scope(contract: Contract, version: Version) -> int:
    """Return how many promises can be judged: of an operation that a version has not, only since when it has it."""
    return sum(1 for c in contract.clauses.values() if c.rule == "since" or contract.operations[c.operation].exists_in(version))


def _span(counts: list[int]) -> str:
    return str(counts[0]) if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"
