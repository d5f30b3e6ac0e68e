"""The pytest plugin: options, targets as parameters, the record at the end."""

import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from vcr import VCR

from mmconform import live, stagecraft
from mmconform.client import Client, Patience, UnseenError
from mmconform.errors import MisuseError
from mmconform.generate import MAX_EXAMPLES, SEED
from mmconform.judge import Coverage, Judge, Observation, explain
from mmconform.record import NAME
from mmconform.report.terminal import show
from mmconform.run import REPORTS, Run
from mmconform.spec.load import ROOT
from mmconform.tape import tape
from mmconform.tape.cassette import configure, open_cassette
from mmconform.tape.name import cassette_name
from mmconform.tape.redact import TAPED_RUN
from mmconform.target import Target, resolve
from mmconform.world import World, build, new_run_id

OWN_TESTS = ROOT / "tests"
#: Of the table where no terminal says how wide it is.
_WIDTH = 100


class Session:
    """What the plugin keeps for one pytest process."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.is_worker = hasattr(config, "workerinput")
        option = config.getoption
        self.recording_wanted = option("--record-mode") == "rewrite"
        if option("--record-mode") not in (None, "none", "rewrite"):
            raise MisuseError("--record-mode knows `rewrite` (record a whole tape) and `none`; a tape is never recorded in part")
        self.patience = self._patience()
        self.targets = resolve(option("--target"), allow_remote=option("--allow-remote"), patience=self.patience)
        self.is_live = not self.targets[0].is_recorded
        self.run = Run(option("--spec"), option("--overlay"), self._seed(), self._examples())
        self.worlds: dict[str, World] = {}
        self.current: Target | None = None
        self.stage: live.Stage | None = None
        self.recording: live.Recording | None = None
        self.run_id = new_run_id()
        self.narrowed = _narrowed(config)
        self.is_interrupted = False

    def interrupt(self, *_: object) -> None:
        """Handle a signal that ends the run.

        Raises:
            KeyboardInterrupt: lost where it meets a callback of the garbage collector, such as Hypothesis has; so the
                next test asks again.
        """
        self.is_interrupted = True
        raise KeyboardInterrupt

    def _patience(self) -> Patience:
        request, run = (self.config.getoption(name) for name in ("--request-timeout", "--run-timeout"))
        if not (request > 0 and run > 0):
            raise MisuseError("--request-timeout and --run-timeout are seconds, more than 0")
        shared: float | None = getattr(self.config, "workerinput", {}).get("mmconform", {}).get("until")
        return Patience(request, time.monotonic() + run if shared is None else shared)

    def _seed(self) -> int:
        given: int | None = self.config.getoption("--hypothesis-seed", None)
        if self.recording_wanted or not self.is_live:
            if given not in (None, SEED) and given is not None:
                raise MisuseError("tapes hold the answers to one sequence of requests; --hypothesis-seed is for live targets")
            return SEED
        if given is not None:
            return int(given)
        shared: int | None = getattr(self.config, "workerinput", {}).get("mmconform", {}).get("seed")
        return shared if shared is not None else random.SystemRandom().randrange(2**31)

    def _examples(self) -> int:
        given: int | None = self.config.getoption("--max-examples")
        if given is not None and (self.recording_wanted or not self.is_live) and given != MAX_EXAMPLES:
            raise MisuseError("tapes hold the answers to one sequence of requests; --max-examples is for live targets")
        return MAX_EXAMPLES if given is None else given

    # -- live ------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Prepare the server (once, by the process that the user started) and begin the tape."""
        if self.recording_wanted and not self.is_live:
            raise MisuseError("--record-mode=rewrite needs a live server: --target http://HOST:PORT")
        if not self.is_live:
            return
        for signal_ in (signal.SIGINT, signal.SIGTERM):  # a run that changes a server has something to tidy up
            signal.signal(signal_, self.interrupt)
        if self.is_worker:
            given = self.config.workerinput["mmconform"]  # type: ignore[attr-defined]
            off, may_configure = frozenset(given["switched_off"]), given["may_configure"]
            self.stage = live.Stage(self.targets[0], given["operator"], off, may_configure)
            return
        if self.recording_wanted and getattr(self.config.option, "numprocesses", None):
            raise MisuseError("a tape is recorded by one process; leave out -n")
        self.stage = live.set_stage(
            self.targets[0],
            self.run_id,
            create_first_admin=self.config.getoption("--create-first-admin"),
            disruptive=self.config.getoption("--disruptive"),
            recording=self.recording_wanted,
        )
        if self.recording_wanted:
            self.recording = live.Recording(self.targets[0])

    def world(self, target: Target) -> World:
        """Return the world on a target, making it when it is first asked for."""
        if target.slug not in self.worlds:
            client = target.client()
            run_id = TAPED_RUN if target.is_recorded else self.run_id
            operator = self.stage.operator if self.stage else "redacted-operator"
            world = World(client, target.version, run_id, operator)
            if self.stage:
                world.switched_off, world.journal = self.stage.switched_off, self.stage.journal(self.run_id)
            folder = target.tape or (self.recording.folder if self.recording else None)
            if folder:
                with open_cassette(folder / tape.WORLD, target.redactor, target.base_url, recording=self.recording is not None):
                    build(world)
            else:
                build(world)
            client.close()
            self.worlds[target.slug] = world
        return self.worlds[target.slug]

    def cassette_folder(self) -> Path:
        """Return the folder in which the current test's cassette is, or is being made."""
        if self.recording:
            return self.recording.folder
        return self.current.tape if self.current and self.current.tape else tape.CASSETTES


_KEY = pytest.StashKey[Session]()
_JUDGE = pytest.StashKey[Judge]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "Mattermost conformance")
    group.addoption(
        "--target",
        default="recorded",
        help="http(s)://HOST[:PORT][/PATH], recorded (the newest tape), recorded:VERSION, recorded:all",
    )
    group.addoption(
        "--spec",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="judge this OpenAPI document instead of ours (repeatable)",
    )
    group.addoption(
        "--overlay", action="append", type=Path, default=[], metavar="FILE", help="apply this overlay too (repeatable)"
    )
    group.addoption("--allow-remote", action="store_true", help="the target may be on another machine")
    group.addoption(
        "--create-first-admin", action="store_true", help="on an empty server, make the administrator's account first"
    )
    group.addoption(
        "--disruptive", action="store_true", help="change server-wide settings although the server has users of its own"
    )
    group.addoption(
        "--max-examples",
        type=int,
        default=None,
        metavar="N",
        help=f"fuzzed cases for each operation on a live target ({MAX_EXAMPLES})",
    )
    group.addoption(
        "--request-timeout", type=float, default=60, metavar="SECONDS", help="for one request and its whole answer (60)"
    )
    group.addoption(
        "--run-timeout",
        type=float,
        default=3600,
        metavar="SECONDS",
        help="after which a run ends, not green (3600)",
    )


def _is_own_tests_only(config: pytest.Config) -> bool:
    paths = [Path(config.invocation_params.dir, str(a).partition("::")[0]).resolve() for a in config.args]
    return bool(paths) and all(path.is_relative_to(OWN_TESTS) for path in paths)


def _leave(error: MisuseError) -> None:
    pytest.exit(str(error), returncode=2)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "clause(id): the one promise that a test proves")
    config.addinivalue_line("markers", "applies(since, until): the versions that a test is about")
    # Before it knows any plugin's options pytest looks for its own settings, next to whatever might be a path.
    given = [o for o in ("--spec", "--overlay") if o in config.invocation_params.args]
    if given and config.inipath != ROOT / "pyproject.toml":
        _leave(MisuseError(f"pytest takes what follows {given[0]} for a test to collect; write {given[0]}=FILE"))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Resolve the target and prepare it: not before a run really begins, since that changes a live server."""
    config = session.config
    if _is_own_tests_only(config) or config.option.showfixtures or config.option.show_fixtures_per_test:
        return
    try:
        ours = Session(config)
        if not config.option.collectonly:
            config.stash[_KEY] = ours  # so that what was begun is also ended
            ours.open()
    except MisuseError as error:
        if (begun := config.stash.get(_KEY, None)) and begun.stage:
            begun.stage.clean()
        if terminal := config.pluginmanager.get_plugin("terminalreporter"):
            config.pluginmanager.unregister(terminal)  # it would say the same once more
        _leave(error)
    config.stash[_KEY] = ours
    config.pluginmanager.register(stagecraft)
    config.stash[stagecraft.LIVE] = ours.stage
    config.option.disable_recording = ours.is_live and not ours.recording
    if not ours.is_live:
        config.option.block_network = True
    if not ours.is_worker:
        _FIRST[:] = [ours]


def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker what only the first process knows."""
    session = node.config.stash.get(_KEY, None)
    if session is None:
        return
    node.workerinput["mmconform"] = {
        "operator": session.stage.operator if session.stage else "",
        "switched_off": sorted(session.stage.switched_off) if session.stage else [],
        "may_configure": session.stage.may_configure if session.stage else True,
        "seed": session.run.seed,
        "until": session.patience.until,
    }


def pytest_testnodedown(node: Any) -> None:
    """Take over what an xdist worker put right."""
    node.config.stash.setdefault(_CLEANED, Counter()).update(getattr(node, "workeroutput", {}).get("cleaned", {}))


def pytest_report_header(config: pytest.Config) -> list[str]:
    session = config.stash.get(_KEY, None)
    if session is None:
        return []
    run = session.run
    names = ", ".join(f"{t.name} (Mattermost {t.server.name}, {t.server.edition} edition)" for t in session.targets)
    slug = "*" if len(session.targets) > 1 else session.targets[0].slug
    promises, operations = len(run.contract.clauses), len(run.contract.operations)
    lines = [
        f"target: {names}",
        f"contract: {promises} promises of {operations} operations, spec {run.contract.digest[:12]}; "
        f"{len(run.deviations)} known deviations",
        f"record: {REPORTS.name}/{slug}/{NAME}; generator seed {run.seed}",
    ]
    not_understood = sum(1 for remark in run.contract.remarks if remark.reason is None)
    if not_understood:
        lines.append(f"warning: {not_understood} sentences of the documentation were not understood; see `mmconform contract`")
    return lines


# -- parameters and fixtures ---------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    session = metafunc.config.stash.get(_KEY, None)
    if session is None:
        return
    if "target" in metafunc.fixturenames:
        metafunc.parametrize("target", session.targets, ids=[t.slug for t in session.targets], scope="session")
    chosen = any("operation" in str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize"))
    if "operation" in metafunc.fixturenames and not chosen:
        mark = metafunc.definition.get_closest_marker("clause")
        contract = session.run.contract
        about = [
            operation
            for operation in contract.operations.values()
            if mark is None or mark.args[0].replace("{operation}", operation.id) in contract.clauses
        ]
        metafunc.parametrize("operation", about, ids=lambda o: o.id)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of one target stay together, and the generated requests come before what others leave behind."""
    session = config.stash.get(_KEY, None)
    if session is None:
        return
    strange = [item for item in items if (mark := stagecraft.clause_of(item)) and mark not in session.run.contract.clauses]
    if strange:
        config.hook.pytest_deselected(items=strange)
        items[:] = [item for item in items if item not in strange]
    targets = [target.slug for target in session.targets]

    def place(item: pytest.Item) -> tuple[int, int, str]:
        target = _target_of(item)
        suite = item.path.parent.name
        turn = _SUITES.index(suite) if suite in _SUITES else len(_SUITES)
        return targets.index(target.slug) if target else 0, turn, item.path.name

    items.sort(key=place)


_SUITES = ("property", "permissions", "lifecycle", "compatibility")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    ours = session.config.stash.get(_KEY, None)
    if ours and ours.recording and ours.narrowed:
        _abort(ours)
        pytest.exit("a tape is recorded whole: leave out -k, -m, --ignore and paths when recording", returncode=2)


def _narrowed(config: pytest.Config) -> str:
    """Return what of the command line keeps a run from being a whole one."""
    option = config.option
    given = [f"-k {option.keyword}" if option.keyword else "", f"-m {option.markexpr}" if option.markexpr else ""]
    given += [f"--{name}" for name in ("ignore", "ignore-glob", "deselect") if config.getoption(name.replace("-", "_"), None)]
    if [Path(config.invocation_params.dir, a).resolve() for a in config.args] != [ROOT / "suites"]:
        given += [str(a) for a in config.args]
    return " ".join(part for part in given if part)


def _abort(session: Session) -> None:
    if session.recording:
        session.recording.drop()
    if session.stage:
        session.stage.clean()


def _target_of(item: pytest.Item) -> Target | None:
    callspec = getattr(item, "callspec", None)
    target = callspec.params.get("target") if callspec else None
    return target if isinstance(target, Target) else None


def _cassette_of(item: Any) -> str:
    target = _target_of(item)
    return cassette_name(item, target.slug if target else "")


@pytest.fixture
def contract(request: pytest.FixtureRequest) -> Any:
    """The contract: all operations and clauses."""
    return request.config.stash[_KEY].run.contract


@pytest.fixture
def world(request: pytest.FixtureRequest, target: Target) -> World:
    """The users, team, command and tokens on the target."""
    try:
        return request.config.stash[_KEY].world(target)
    except MisuseError as error:
        _leave(error)
        raise


@pytest.fixture
def client(target: Target, vcr: Any) -> Iterator[Client]:
    """An HTTP client for the target, within the test's cassette."""
    client = target.client()
    yield client
    client.close()


@pytest.fixture
def judge(request: pytest.FixtureRequest, target: Target) -> Judge:
    """Judges exchanges; what it has seen when the test ends decides the test and goes into the record."""
    judge = request.config.stash[_KEY].run.judge(target)
    request.node.stash[_JUDGE] = judge
    return judge


@pytest.fixture
def cases(request: pytest.FixtureRequest, operation: Any) -> Any:
    """The generated cases of the operation."""
    return request.config.stash[_KEY].run.generator.cases(operation.id)


@pytest.fixture(scope="module")
def vcr_cassette_dir() -> str:
    """pytest-recording's folder: none, since a cassette's whole path is its name."""
    return ""


@pytest.fixture
def default_cassette_name(request: pytest.FixtureRequest) -> str:
    """pytest-recording's name: the test's cassette on the tape of its target."""
    return str(request.config.stash[_KEY].cassette_folder() / _cassette_of(request.node))


def pytest_recording_configure(config: pytest.Config, vcr: VCR) -> None:
    session = config.stash.get(_KEY, None)
    if session and session.current:
        configure(vcr, session.current.redactor, session.current.base_url)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    session = item.config.stash.get(_KEY, None)
    if session:
        session.current = _target_of(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """When the time of the run is over, or it was interrupted, no other test begins."""
    session = item.config.stash.get(_KEY, None)
    if session and session.is_interrupted:
        raise KeyboardInterrupt
    return True if session and session.patience.is_over else None


# -- judging a test ------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A test whose exchanges showed something new fails after its last request, with everything it saw."""
    judge = pyfuncitem.stash.get(_JUDGE, None)
    result = None
    with stagecraft.performing(pyfuncitem) if judge else nullcontext():
        result = yield
    if judge:
        new = [o for o in judge.observations if o.standing == "new"]
        unseen = [o for o in judge.observations if o.outcome == "error"]
        if new:
            pytest.fail(explain(new, judge.contract, judge.target), pytrace=False)
        if judge.not_taped:
            name = f"cassettes/{judge.target.slug}/{_cassette_of(pyfuncitem)}.yaml"
            pytest.fail(
                f"{len(judge.not_taped)} requests are not on {name} (first: {judge.not_taped[0]}); this says nothing about the "
                "server. Record the tape anew: pytest --target http://HOST:PORT --record-mode=rewrite",
                pytrace=False,
            )
        if unseen:
            pytest.fail("\n".join(f"{o.clause}: could not be seen: {o.seen} ({o.count} times)" for o in unseen), pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if call.excinfo and isinstance(call.excinfo.value, MisuseError | UnseenError):
        report.longrepr = str(call.excinfo.value)
    judge = item.stash.get(_JUDGE, None)
    target = _target_of(item)
    ended = call.when == "call" or (call.when == "setup" and report.skipped)
    if target and (ended or report.failed):
        rows = [_row(o, item, judge) for o in judge.observations] if judge and ended else []
        fails = any(row.get("standing") == "new" or row["outcome"] == "error" for row in rows)
        taped = judge.not_taped if judge else []
        report.conformance = {
            "target": target.slug,
            "rows": rows,
            "coverage": {k: asdict(v) for k, v in judge.coverage.items()} if judge and ended else {},
            "errors": int(report.failed and not fails and not taped),
            "not_taped": len(taped),
        }
    return report


def _row(observation: Observation, item: Any, judge: Judge) -> dict[str, Any]:
    clause = judge.contract.clauses[observation.clause]
    row = {k: v for k, v in asdict(observation).items() if v not in ("", {})}
    row |= {"operation": clause.operation, "rule": clause.rule, "test": item.nodeid, "signature": observation.signature}
    if judge.target.is_recorded:
        row["cassette"] = f"{_cassette_of(item)}.yaml"
    return row


def pytest_runtest_logreport(report: Any) -> None:
    """In the first process: gather what the tests, wherever they ran, saw."""
    seen = getattr(report, "conformance", None)
    if seen and _FIRST:
        run = _FIRST[0].run
        run.take(seen["target"], seen["rows"], {k: Coverage(**v) for k, v in seen["coverage"].items()}, seen["not_taped"])
        run.seen[seen["target"]].errors += seen["errors"]


_FIRST: list[Session] = []


# -- the end -------------------------------------------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    ours = session.config.stash.get(_KEY, None)
    if ours is None:
        return
    ended = exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    problems: list[str] = []
    stopped = bool(session.shouldstop or session.shouldfail)
    if ours.patience.is_over and ended:
        stopped = True
        problems.append(f"the run took longer than {ours.config.getoption('--run-timeout'):g} s (--run-timeout) and was ended")
        ours.run.fail(ours.targets)
    if ours.stage and ours.stage.lease and ours.stage.lease.is_lost:
        stopped = True
        problems.append("somebody else took the server over while this run went on; what it says is about both")
        ours.run.fail(ours.targets)
    try:
        if ours.recording and (stopped or not ended):
            ours.recording.drop()
        elif ours.recording and ours.run.is_partly_unseen:
            ours.recording.drop()
            problems.append("some requests were not answered; the recording was thrown away")
        elif ours.recording:
            place = ours.recording.finish(seed=ours.run.seed, max_examples=ours.run.max_examples, spec=ours.run.contract.digest)
            session.config.stash[_TAPE] = place
    except MisuseError as error:
        problems.append(str(error))
        session.exitstatus = 2
    if ours.stage:
        try:
            cleaned = ours.stage.clean()
            if ours.is_worker:
                session.config.workeroutput["cleaned"] = dict(cleaned)  # type: ignore[attr-defined]
            session.config.stash.setdefault(_CLEANED, Counter()).update(cleaned)
        except MisuseError as error:
            problems.append(str(error))
            session.exitstatus = 2
        except KeyboardInterrupt:
            problems.append(f"interrupted while tidying up; `mmconform cleanup {ours.targets[0].base_url}` does the rest")
            session.exitstatus = 2
    session.config.stash[_PROBLEMS] = problems
    if ours.is_worker or not ended or session.config.option.collectonly:
        return
    if stopped:
        ours.narrowed = f"{ours.narrowed} stopped early".strip()
    for target in ours.targets:
        record = ours.run.finish(target, ours.narrowed)
        if not record.footer["green"] and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        session.config.stash.setdefault(_RECORDS, []).append((target, record))


_TAPE = pytest.StashKey[Path]()
_CLEANED = pytest.StashKey[Counter[str]]()
_PROBLEMS = pytest.StashKey[list[str]]()
_RECORDS = pytest.StashKey[list[Any]]()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    ours = config.stash.get(_KEY, None)
    if ours is None:
        return
    terminal = terminalreporter._tw
    records = config.stash.get(_RECORDS, [])
    if records:
        terminalreporter.section("conformance")
    for target, record in records:
        terminalreporter.write_line(
            show(
                ours.run.contract, record, colour=terminal.hasmarkup, width=terminal.fullwidth if sys.stdout.isatty() else _WIDTH
            )
        )
        terminalreporter.write_line(f"  record: {ours.run.path(target).relative_to(ROOT)}\n")
    if place := config.stash.get(_TAPE, None):
        terminalreporter.write_line(f"recorded {place.relative_to(ROOT)}")
    if cleaned := config.stash.get(_CLEANED, Counter()):
        terminalreporter.write_line("left the server as it was: " + ", ".join(f"{n} {what}" for what, n in cleaned.items()))
    for problem in config.stash.get(_PROBLEMS, []):
        terminalreporter.write_line(problem, red=True)
