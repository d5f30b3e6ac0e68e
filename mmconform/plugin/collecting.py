"""Which tests come together for which targets, in which order; and instead of a dry run's tests, what they would send."""

import gc
from collections import Counter
from collections.abc import Callable, Generator
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from mmconform.contract.clause import Operation
from mmconform.driving.foretold import BY_HAND, GENERATED, NEAR_MISSES, PROBES, accounts_of_probes, foretell
from mmconform.driving.near_misses import decides, demanded
from mmconform.errors import MisuseError
from mmconform.paths import ROOT, SUITES
from mmconform.plugin.attendance import Attendance
from mmconform.plugin.fixtures import ROLE, cassette_of, clause_of, target_of
from mmconform.plugin.options import option
from mmconform.plugin.process import Process
from mmconform.report.folded import folded
from mmconform.report.plan import plan
from mmconform.servers.made import made_on
from mmconform.servers.target import Target

#: The generated requests come before what others leave behind.
SUITES_IN_TURN = ("generated", "permissions", "lifecycle", "compatibility")
#: Of them, what ends people and things, and looks at what the others were answered.
_LAST = "test_principles.py"
#: How a test asks about an operation, by the fixture that only such tests have.
_WAYS = {"spare": NEAR_MISSES, "reader": PROBES, "cases": GENERATED}
#: Options of pytest's own with which the user picks tests by how they ended last time.
FROM_LAST_TIME = ("lf", "stepwise")


class Collecting:
    """The hooks of pytest's that decide what is asked, in the process that the user started and in each xdist worker.

    Attributes:
        attendance: Which tests were asked for.
    """

    def __init__(self, process: Process, attendance: Attendance) -> None:
        self.process, self.attendance = process, attendance

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
        if "racing" in marks:
            is_fit = not (target.is_recorded or target.is_thrown_away) and self.process.is_free
            return is_fit and metafunc.definition.path in self._named_files
        is_untaped = "untaped" in marks
        return not (is_untaped or self._is_generic(metafunc)) or is_untaped == self._may_ask_anything(target)

    @cached_property
    def _named_files(self) -> set[Path]:
        """The files that the command line names, or of which it names a test."""
        config = self.process.config
        return {Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args}

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
        if any(config.getoption(name, None) for name in FROM_LAST_TIME):  # then it is the user who leaves them out
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
            clause, operation = clauses.get(clause_of(item)), self._operation_of(item)
            is_other_rule = rules and clause and clause.rule not in rules
            is_other = patterns and operation and not any(fnmatchcase(operation.id, pattern) for pattern in patterns)
            return not (is_other_rule or is_other)

        _keep(config, items, is_asked)

    def _leave_out_strange(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out tests of clauses that the documents do not have."""
        known = {"", *self.process.run.contract.clauses}
        _keep(config, items, lambda item: not target_of(item) or clause_of(item) in known)

    def _target_of(self, item: pytest.Item) -> int:
        target = target_of(item)
        return self.process.targets.index(target) if target else 0

    def _place(self, item: pytest.Item) -> tuple[int, int, str, str]:
        target, suite = target_of(item), item.path.parent.name
        turn = SUITES_IN_TURN.index(suite) if suite in SUITES_IN_TURN else len(SUITES_IN_TURN)
        role = str(item.callspec.params.get(ROLE, "")) if target else ""  # type: ignore[attr-defined]
        return self._target_of(item), turn, f"{item.path.name == _LAST:d} {item.path.name}", role

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note files that could not be read: a run goes on with ``--continue-on-collection-errors``."""
        if report.failed:
            self.attendance.uncollected[report.nodeid] = "could not be collected"

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if self.process.recording and self.process.narrowed:
            pytest.exit("a tape is recorded whole: leave out -k, -m, --ignore and paths when recording", returncode=2)
        if session.items:
            try:
                self.process.prepare()
            except MisuseError as error:
                self.process.problems.append(str(error))
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
        by_hand = Counter(t.slug for item in session.items if (t := target_of(item)) and clause_of(item))
        width = self.process.width
        for target in self.process.targets:
            items = [item for item in session.items if target_of(item) is target]
            ways = self._ways(items)
            foretold = foretell(self.process.guard(target), ways)
            operations = self.process.run.contract.operations
            self.process.say(f"\n{plan(target, operations, foretold, by_hand[target.slug], width)}")
            if principles := [item for item in items if "questions" in getattr(item, "fixturenames", ())]:
                what = "of principles ask what probes may, the closed list never, and put together what they were answered"
                self.process.say(f"{len(principles)} test{'s' * (len(principles) > 1)} {what}")
            if not target.is_recorded:
                self._say_what_is_made(target, items, {id_ for id_, of in ways.items() if PROBES in of}, width)
                beside = (
                    "A dry run does not look whether people use the server, what its roles hold, and what is switched off there, "
                    f"which then is left out: mmconform doctor {target.base_url} does, and says what a run would reach"
                )
                self.process.say("\n".join(folded(beside, width)))
        return True

    def _ways(self, items: list[pytest.Item]) -> dict[str, set[str]]:
        """Return how each operation is asked about by tests, in the order of the document."""
        ways: dict[str, set[str]] = {}
        for item in items:
            if operation := self._operation_of(item):
                ways.setdefault(operation.id, set()).add(self._way_of(item))
        return {id_: ways[id_] for id_ in self.process.run.contract.operations if id_ in ways}

    def _say_what_is_made(self, target: Target, items: list[pytest.Item], probed: set[str], width: int) -> None:
        made = made_on(target.version, {cassette_of(item) for item in items})
        said = [f"makes {made}"] if made.by_kind != made.of_world or not probed else []
        if probed:
            accounts = accounts_of_probes(self.process.guard(target), probed)
            said.append(f"probes make {accounts} accounts at most, who asks among them, and what they ask about")
        untold = [item for item in items if not {"untaped", "racing"}.isdisjoint(mark.name for mark in item.iter_markers())]
        if rest := sum(self._way_of(item) != PROBES for item in untold):
            said.append(f"not counted: what {rest} other test{'s' * (rest > 1)} make that are on no tape")
        self.process.say("\n".join(line for one in said for line in folded(one, width)))

    @staticmethod
    def _way_of(item: pytest.Item) -> str:
        fixtures = getattr(item, "fixturenames", ())
        return next((way for fixture, way in _WAYS.items() if fixture in fixtures), BY_HAND)

    def _operation_of(self, item: pytest.Item) -> Operation | None:
        if not target_of(item):
            return None
        contract = self.process.run.contract
        clause = contract.clauses.get(clause_of(item))
        operation = item.callspec.params.get("operation")  # type: ignore[attr-defined]
        return operation if isinstance(operation, Operation) else contract.operations[clause.operation] if clause else None


def _keep(config: pytest.Config, items: list[pytest.Item], is_kept: Callable[[pytest.Item], bool]) -> None:
    """Leave out all other tests, and tell pytest, so that its numbers add up."""
    parts: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        parts[is_kept(item)].append(item)
    if parts[False]:
        config.hook.pytest_deselected(items=parts[False])
        items[:] = parts[True]
