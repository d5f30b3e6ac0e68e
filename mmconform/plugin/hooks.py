"""The pytest plugin: options, targets as parameters, the record at the end."""

import sys
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from vcr import VCR

from mmconform.contract.clause import Contract, Operation
from mmconform.driving.generate import MAX_EXAMPLES
from mmconform.errors import MisuseError
from mmconform.judging.judge import Coverage, Judge, Observation
from mmconform.paths import REPORTS, ROOT, TESTS
from mmconform.plugin import fixtures
from mmconform.plugin.session import Session
from mmconform.record.record import NAME, Record
from mmconform.report.failure import gather
from mmconform.report.plan import plan
from mmconform.report.terminal import show
from mmconform.servers.target import Target, describe
from mmconform.version import Version
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.tape import tape
from mmconform.wire.tape.cassette import configure
from mmconform.wire.tape.name import cassette_name
from mmconform.world.world import World

#: Of the table where no terminal says how wide it is.
_WIDTH = 100


_KEY = pytest.StashKey[Session]()
_JUDGE = pytest.StashKey[Judge]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "Mattermost conformance")
    group.addoption(
        "--target",
        action="append",
        metavar="TARGET",
        help="http(s)://HOST[:PORT][/PATH], recorded (the newest tape), recorded:VERSION, recorded:all, "
        "reference[@VERSION][:MUTANT], reference:all (every mutant); tapes and references are repeatable",
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
        "--dry-run", action="store_true", help="say who would send what, and what is held back and why; send nothing of it"
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
    return bool(paths) and all(path.is_relative_to(TESTS) for path in paths)


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
        ours = Session(config, _narrowed(config))
        if config.option.dry_run and getattr(config.option, "numprocesses", None):
            raise MisuseError("--dry-run sends nothing; leave out -n")
        if not (config.option.collectonly or config.option.dry_run):
            config.stash[_KEY] = ours  # so that what was begun is also ended
            ours.open()
            for target in ours.targets if not ours.is_worker else ():
                ours.run.path(target).unlink(missing_ok=True)  # what comes to no end is not to look like an earlier run
    except MisuseError as error:
        if begun := config.stash.get(_KEY, None):
            begun.clean()
        if terminal := config.pluginmanager.get_plugin("terminalreporter"):
            config.pluginmanager.unregister(terminal)  # it would say the same once more
        _leave(error)
    config.stash[_KEY] = ours
    config.pluginmanager.register(fixtures)
    config.stash[fixtures.LIVE] = ours.stages
    config.option.disable_recording = ours.is_live and not ours.recording
    if not ours.is_live:
        config.option.block_network = True
    if not ours.is_worker:
        _FIRST[:] = [ours]


def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker what only the first process knows."""
    session = node.config.stash.get(_KEY, None)
    if session is not None:
        node.workerinput["mmconform"] = session.tell()


def pytest_testnodedown(node: Any) -> None:
    """Take over what an xdist worker put right."""
    node.config.stash.setdefault(_CLEANED, Counter()).update(getattr(node, "workeroutput", {}).get("cleaned", {}))


def pytest_report_header(config: pytest.Config) -> list[str]:
    session = config.stash.get(_KEY, None)
    if session is None:
        return []
    run = session.run
    targets, contract = session.targets, run.contract
    first, last = targets[0], targets[-1]
    if first is last:
        what = f"{first.name} (Mattermost {first.server.name}, {first.server.edition} edition)"
    else:
        what = f"{len(targets)} servers, Mattermost {first.server.name} to {last.server.name}"
    scopes = [_in_scope(contract, target.version) for target in targets]
    known = [sum(1 for d in run.deviations if d.is_in(target.version)) for target in targets]
    lines = [
        f"target: {what}",
        f"contract: {_span(scopes)} of {len(contract.clauses)} promises in scope, {len(contract.operations)} operations, "
        f"spec {contract.digest[:12]}",
        f"known deviations: {_span(known)}",
        f"record: {REPORTS.name}/{first.slug if first is last else '*'}/{NAME}; generator seed {run.seed}",
    ]
    not_understood = sum(1 for remark in run.contract.remarks if remark.reason is None)
    if not_understood:
        lines.append(f"warning: {not_understood} sentences of the documentation were not understood; see `mmconform contract`")
    return lines


def _in_scope(contract: Contract, version: Version) -> int:
    """Return how many promises can be judged: of an operation that a version has not, only since when it has it."""
    return sum(1 for c in contract.clauses.values() if c.rule == "since" or contract.operations[c.operation].exists_in(version))


def _span(counts: list[int]) -> str:
    return str(counts[0]) if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"


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
    strange = [item for item in items if (mark := fixtures.clause_of(item)) and mark not in session.run.contract.clauses]
    if strange:
        config.hook.pytest_deselected(items=strange)
        items[:] = [item for item in items if item not in strange]
    for item in items:
        if _target_of(item):
            item.add_marker("vcr")  # whatever asks a target is recorded, or answered from its tape
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


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Instead of a dry run's tests: who would send what."""
    ours = session.config.stash.get(_KEY, None)
    if ours is None or not session.config.option.dry_run:
        return None
    operations = {operation.id: operation for item in session.items if (operation := _operation_of(ours, item))}
    tests = sum(1 for item in session.items if fixtures.clause_of(item))
    for target in ours.targets:
        _say(session.config, f"\n{plan(target.name, operations.values(), ours.guard(target).refuses, tests)}")
    if session.config.option.disruptive:
        _say(
            session.config,
            "On a server that has no people of its own, --disruptive sends the dangerous operations too; a run looks first.",
        )
    return True


def _say(config: pytest.Config, text: str) -> None:
    if terminal := config.pluginmanager.get_plugin("terminalreporter"):
        terminal.write_line(text)


def _operation_of(session: Session, item: pytest.Item) -> Operation | None:
    contract = session.run.contract
    clause = contract.clauses.get(fixtures.clause_of(item))
    callspec = getattr(item, "callspec", None)
    operation = callspec.params.get("operation") if callspec else None
    return operation if isinstance(operation, Operation) else contract.operations[clause.operation] if clause else None


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
    session.clean()


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
    with fixtures.performing(pyfuncitem) if judge else nullcontext():
        result = yield
    if judge:
        new = [_row(o, pyfuncitem, judge) for o in judge.observations if o.standing == "new"]
        unseen = [o for o in judge.observations if o.outcome == "error"]
        if new:
            failures = gather(judge.contract, describe(judge.target.server), judge.target.name, new)
            pytest.fail("\n\n".join(failure.explain() for failure in failures), pytrace=False)
        if judge.not_taped:
            name = f"{judge.target.tape}/{_cassette_of(pyfuncitem)}.yaml".removeprefix(f"{ROOT}/")
            pytest.fail(
                f"{len(judge.not_taped)} requests are not on {name} (first: {judge.not_taped[0]}); this says nothing about the "
                "server. Record the tape anew: pytest --target http://HOST:PORT --record-mode=rewrite",
                pytrace=False,
            )
        if unseen:
            pytest.fail("\n".join(f"{o.clause}: could not be seen: {o.seen} ({o.count} times)" for o in unseen), pytrace=False)
    return result


_SECONDS = pytest.StashKey[float]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if call.excinfo and isinstance(call.excinfo.value, MisuseError | UnseenError):
        report.longrepr = str(call.excinfo.value)
    judge = item.stash.get(_JUDGE, None)
    target = _target_of(item)
    if call.when == "setup":
        item.stash[_SECONDS] = call.duration
    ended = call.when == "call" or (call.when == "setup" and report.skipped)
    if target and (ended or report.failed):
        rows = [_row(o, item, judge) for o in judge.observations] if judge and ended else []
        fails = any(row.get("standing") == "new" or row["outcome"] == "error" for row in rows)
        taped = judge.not_taped if judge else []
        report.conformance = {
            "target": target.slug,
            "rows": rows,
            "answers": _answers(item, judge) if judge and ended else [],
            "coverage": {k: asdict(v) for k, v in judge.coverage.items()} if judge and ended else {},
            "errors": int(report.failed and not fails and not taped),
            "not_taped": len(taped),
            "seconds": item.stash.get(_SECONDS, 0.0) + call.duration,
        }
    return report


def _row(observation: Observation, item: Any, judge: Judge) -> dict[str, Any]:
    clause = judge.contract.clauses[observation.clause]
    row = {k: v for k, v in asdict(observation).items() if v not in ("", {})}
    row |= {"operation": clause.operation, "rule": clause.rule, "test": item.nodeid, "signature": observation.signature}
    if judge.target.is_recorded:
        row["cassette"] = f"{_cassette_of(item)}.yaml"
    return row


def _answers(item: Any, judge: Judge) -> list[dict[str, Any]]:
    return [{"request": _cassette_of(item), **answer} for answer in judge.answers]


def pytest_runtest_logreport(report: Any) -> None:
    """In the first process: gather what the tests, wherever they ran, saw."""
    seen = getattr(report, "conformance", None)
    if seen and _FIRST:
        run = _FIRST[0].run
        coverage = {operation: Coverage(**one) for operation, one in seen["coverage"].items()}
        run.take(seen["target"], seen["rows"], seen["answers"], coverage, seen["not_taped"], seen["seconds"])
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
    if any(stage.lease and stage.lease.is_lost for stage in ours.stages.values()):
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
    try:
        cleaned = ours.clean()
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
    if ours.is_worker or not ended or session.config.option.collectonly or session.config.option.dry_run:
        return
    if stopped:
        ours.narrowed = f"{ours.narrowed} stopped early".strip()
    done: dict[str, Record] = {}
    for target in ours.targets:
        before = done.get(tape.before(target.slug)) if target.is_recorded else None
        record = done[target.slug] = ours.run.finish(target, ours.narrowed, before)
        if not record.footer["green"] and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        session.config.stash.setdefault(_RECORDS, []).append((target, record))


#: What is true of every server: its API deletes no account and no team.
_LEFT = "left the server as it was (but accounts can only be deactivated, and teams archived): "

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
        terminalreporter.write_line(_LEFT + ", ".join(f"{n} {what}" for what, n in cleaned.items()))
    for problem in config.stash.get(_PROBLEMS, []):
        terminalreporter.write_line(problem, red=True)
