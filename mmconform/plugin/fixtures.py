"""The fixtures of suites, and what becomes of a hand-written test: an observation of its clause."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from typing import Any

import pytest

from mmconform.contract.clause import Contract, Operation
from mmconform.driving.actor import Actor, Reply, Stage, someone
from mmconform.driving.expectation import BrokenPromiseError, Expectation
from mmconform.driving.generate import Case
from mmconform.driving.probes import is_closed
from mmconform.driving.races import race
from mmconform.errors import MisuseError, NotHereError
from mmconform.judging import kept
from mmconform.judging.judge import NOT_GENERATED, NOT_HERE, NOT_ON_TAPE, OF_ACCESS, Judge
from mmconform.judging.kept import Kept
from mmconform.paths import REPORTS
from mmconform.plugin.left_out import LeftOut, leave_out, leave_out_part
from mmconform.plugin.options import option
from mmconform.plugin.output import Heartbeat
from mmconform.plugin.process import Process
from mmconform.plugin.whole import few
from mmconform.principles.forbidden import Switching
from mmconform.principles.hidden import Reader
from mmconform.principles.questions import Questions
from mmconform.record.rows import Documented
from mmconform.servers.live.locks import turn
from mmconform.servers.live.prepare import is_on_this_machine
from mmconform.servers.target import Target
from mmconform.version import Version
from mmconform.wire.client import Client, HeldBackError, NotTapedError, UnseenError
from mmconform.wire.tape.name import cassette_name
from mmconform.world.admin import ArrangingError
from mmconform.world.behaviours import NotKnownError
from mmconform.world.behaviours import behaves as _behaves
from mmconform.world.callers import DISRUPTIVE
from mmconform.world.features import TOKENS
from mmconform.world.people import PERSONAS
from mmconform.world.place import Place
from mmconform.world.spare import NoSpareError, Spare
from mmconform.world.world import World

#: What a test's exchanges are judged by.
JUDGE = pytest.StashKey[Judge]()

#: The parameter of tests that fill a role with what another one holds: those of one come together.
ROLE = "role"
#: Fixtures with which a test changes what others see.
_ALONE = {"settings", "spare", "lent", "switching", "race"}
#: Why a test that turns settings is not played.
_IS_PEOPLES = f"the server has users of its own; {DISRUPTIVE}, changes its settings all the same"
Settings = Callable[..., AbstractContextManager[None]]
Granting = Callable[..., AbstractContextManager[None]]


def target_of(item: Any) -> Target | None:
    """Return the target of a test; nothing for a test that is none of ours."""
    callspec = getattr(item, "callspec", None)
    target = callspec.params.get("target") if callspec else None
    return target if isinstance(target, Target) else None


@lru_cache(maxsize=1)  # every row of a test names it
def cassette_of(item: Any) -> str:
    """Return the name of a test's cassette on the tape of its target."""
    target = target_of(item)
    return cassette_name(item, target.slug if target else "")


def _actor(persona: str) -> Any:
    def actor(self: "Fixtures", stage: Stage) -> Actor:
        person = stage.world.people.get(persona)
        return Actor(persona, person, person.session if person else None, stage)

    actor.__doc__ = f"The world's {persona.replace('_', ' ')}: may be asked, must not be changed."
    return pytest.fixture(name=persona)(actor)


class Fixtures:
    """What a test can ask for by name, during one run."""

    def __init__(self, process: Process) -> None:
        self.process = process

    @pytest.fixture
    def contract(self) -> Contract:
        """The contract: all operations and clauses."""
        return self.process.run.contract

    @pytest.fixture
    def world(self, target: Target) -> World:
        """The users, team, command and tokens on the target."""
        try:
            return self.process.world(target)
        except MisuseError as error:
            pytest.exit(str(error), returncode=2)

    @pytest.fixture
    def client(self, request: pytest.FixtureRequest, target: Target, vcr: object) -> Iterator[Client]:
        """An HTTP client for the target; of a tape the test's cassette answers, and one that is recorded is open (``vcr``)."""
        client = target.client(f"{cassette_name(request.node, target.slug)}.yaml")
        yield client
        client.close()

    @pytest.fixture
    def judge(self, request: pytest.FixtureRequest, target: Target) -> Judge:
        """Judges exchanges; what it has seen when the test ends decides the test and goes into the record."""
        judge = self.process.run.judge(target, option(self.process.config, "--rule"))
        if target.slug in self.process.places and "stage" not in request.fixturenames:
            judge.beside = self.process.run.noting(target)
        if whole := self.process.whole:
            judge.keeper = whole.keeper(request.node, judge)
        request.node.stash[JUDGE] = judge
        return judge

    @pytest.fixture
    def cases(self, operation: Any, judge: Judge) -> tuple[Case, ...]:
        """The generated cases of the operation. Where its schemas defeat the generator, that is counted and shown."""
        generator = self.process.run.generator
        if reason := generator.not_generated(operation.id):
            leave_out(NOT_GENERATED, f"{operation.id}: {reason}", judge, *judge.contract.of(operation.id))
        cases = generator.cases(operation.id)
        return few(cases) if self.process.whole else cases

    @pytest.fixture
    def on_tape(self, operation: Operation, target: Target, judge: Judge) -> Kept:
        """All that a tape of the whole API holds of the operation."""
        assert target.tape
        found = kept.read(target.tape, operation.id)
        if found is None:
            leave_out(NOT_ON_TAPE, operation.id, judge, *judge.contract.of(operation.id))
        return found

    @pytest.fixture
    def core(self, operation: Any) -> Case | None:
        """The first valid case of the operation, where its schemas do not defeat the generator."""
        return self._core(operation)

    @pytest.fixture
    def place(self, target: Target, world: World) -> Place:
        """The teams, channels, posts and files about which everybody is asked the same."""
        try:
            return self.process.place(target)
        except MisuseError as error:
            pytest.exit(str(error), returncode=2)

    @pytest.fixture
    def spare(self, target: Target, operation: Any, judge: Judge) -> Spare:
        """The role that nobody has; a test that fills it waits until it is alone."""
        try:
            return self.process.spare(target).forgetful()
        except NoSpareError as missing:
            about = judge.contract.of(operation.id, "permission")
            leave_out(missing.reason, str(missing), judge, *about, persona="near_miss")
        except MisuseError as error:
            pytest.exit(str(error), returncode=2)

    @pytest.fixture
    def switching(self, target: Target, client: Client) -> Switching:
        """Changes server-wide settings for a while, journalled and read back, where a run may."""
        server = self.process.servers.get(target.slug)
        if server is None or not server.may_configure:
            raise LeftOut(NOT_HERE, _IS_PEOPLES)
        return partial(server.settings, client)

    @pytest.fixture
    def lent(self, request: pytest.FixtureRequest, target: Target) -> Spare | None:
        """The role that nobody has, where there is one that can be filled."""
        try:
            return self.process.spare(target).forgetful()
        except NoSpareError as missing:
            leave_out_part(request.node, "as somebody whose role is filled for it", missing.reason, str(missing))
            return None

    @pytest.fixture
    def questions(
        self, request: pytest.FixtureRequest, target: Target, world: World, place: Place, client: Client
    ) -> Iterator[Questions]:
        """What principles ask: every reading operation that the run is about, about things of ours."""
        run, patterns = self.process.run, option(self.process.config, "--operation")
        about = [
            operation
            for operation in run.contract.operations.values()
            if not patterns or any(fnmatchcase(operation.id, pattern) for pattern in patterns)
        ]
        beat = Heartbeat(request.node.name, self.process.say_meanwhile).beat
        yield Questions(run.contract, about, self._core, world, client, place, run.noting(target), beat)
        place.see_off_doubles()

    def _core(self, operation: Operation) -> Case | None:
        return next((case for case in self.process.run.generator.cases(operation.id) if case.valid), None)

    @pytest.fixture
    def reader(self, target: Target, world: World, client: Client) -> Reader:
        """Reads what answers showed, for the principles."""
        return Reader(self.process.run.contract, self.process.run.noting(target), world, client)

    @pytest.fixture
    def vcr_markers(self, request: pytest.FixtureRequest, vcr_markers: list[Any]) -> list[Any]:
        """Say instead of pytest-recording which of our tests record a cassette: all while a tape is in the making."""
        if target_of(request.node) is None:
            return vcr_markers
        return [pytest.mark.vcr.mark] if self.process.recording else []

    @pytest.fixture
    def stage(
        self, request: pytest.FixtureRequest, target: Target, world: World, client: Client, judge: Judge
    ) -> Iterator[Stage]:
        """Where the test plays; a test that cannot be played on its target ends here."""
        reason = skip_reason(request.node, judge, world)
        if reason:
            clause = judge.contract.clauses[clause_of(request.node)]
            operation = judge.contract.operations[clause.operation]
            if reason == "not-in-version" and operation.exists_in(world.version):
                why = of_other_versions(request.node, world.version)
            else:
                why = world.what_is_lacking(operation) if reason == NOT_HERE else ""
            leave_out(reason, why, judge, clause)
        frees = not (target.is_recorded or target.is_thrown_away)
        about = judge.contract.clauses[clause_of(request.node)].operation
        where = judge.contract, world, client, judge, cassette_name(request.node, target.slug), about
        stage = Stage(*where, seed=self.process.run.seed, frees=frees)
        yield stage
        stage.see_off()

    anonymous = _actor("anonymous")
    member = _actor("member")
    token_user = _actor("token_user")
    other_token_user = _actor("other_token_user")
    team_admin = _actor("team_admin")
    outsider = _actor("outsider")
    system_admin = _actor("system_admin")

    @pytest.fixture
    def tokens(self, stage: Stage) -> None:
        """Without this feature the test has nothing to ask about."""
        stage.world.need(TOKENS)

    @pytest.fixture
    def new_person(self, stage: Stage) -> Callable[[str], Actor]:
        """Makes people of a test's own, by the name of their persona; they may be changed."""
        return lambda persona: someone(stage, PERSONAS[persona])

    @pytest.fixture
    def behaves(self, target: Target) -> Callable[[str], bool]:
        """Whether servers of this version behave in a named way (``data/behaviours.yaml``)."""
        return lambda name: _behaves(name, target.version)

    @pytest.fixture
    def settings(self, request: pytest.FixtureRequest, target: Target, world: World, client: Client, judge: Judge) -> Settings:
        """Changes server-wide settings for a while: ``with settings(ServiceSettings={"EnableCommands": False}): …``."""
        server = self.process.servers.get(target.slug)
        if server is None:
            return lambda **sections: client.under(*_in_words(sections))
        if not server.may_configure:
            leave_out(NOT_HERE, _IS_PEOPLES, judge, judge.contract.clauses[clause_of(request.node)])

        @contextmanager
        def changed(**sections: Any) -> Iterator[None]:
            with server.settings(client, sections), client.under(*_in_words(sections)):
                yield

        return changed

    @pytest.fixture
    def race(
        self, request: pytest.FixtureRequest, target: Target, world: World, judge: Judge
    ) -> Callable[[Actor, Callable[[], object]], int]:
        """Has many callers use a credential while it ends: a load, so in a disruptive run on a server of this machine only."""
        if not (world.may_disrupt and is_on_this_machine(target)):
            why = "many callers at once are for a throwaway server on this machine, with --disruptive"
            leave_out(NOT_HERE, why, judge, judge.contract.clauses[clause_of(request.node)])
        return race

    @pytest.fixture
    def granting(
        self, request: pytest.FixtureRequest, target: Target, stage: Stage, settings: Settings
    ) -> Callable[..., AbstractContextManager[None]]:
        """Grants a built-in role more permissions for a while (from 4.9 on, when roles became data)."""

        @contextmanager
        def granted(role: str, *permissions: str) -> Iterator[None]:
            found = stage.admin.role(role)
            before = list(found["permissions"])

            def put(held: list[str]) -> bool:
                return stage.admin.change_role(found["id"], held)

            server = self.process.servers.get(target.slug)
            noted = (
                server.changing(lambda: put(before), what="role", id=found["id"], permissions=before) if server else nullcontext()
            )
            with noted:
                if not put([*before, *permissions]):
                    raise NotHereError(f"what the role {role} holds cannot be changed on this server: it says so, and does not")
                with stage.client.under(f"the role {role} has {', '.join(permissions)} too"):
                    yield
                if not server:
                    put(before)

        return granted

    @pytest.fixture(autouse=True, name="turn")
    def _turn(self, request: pytest.FixtureRequest) -> Iterator[None]:
        """On a live server: tests that change server-wide settings, or ask what is on the closed list, run alone."""
        target = target_of(request.node)
        server = self.process.servers.get(target.slug) if target else None
        if server is None:
            yield
            return
        worker = os.environ.get("PYTEST_XDIST_WORKER", "")
        with turn(REPORTS / server.target.slug, worker, alone=_is_alone(request)):
            if server.is_changed:
                raise MisuseError("a test before could not put the server's settings back; nothing is judged on what is left")
            self.process.catch_up(server.target)
            yield
            if _is_about_all(request):
                self.process.note_alone(server.target)


def _in_words(sections: dict[str, dict[str, Any]]) -> list[str]:
    return [f"{section}.{key} is {json.dumps(value)}" for section, values in sections.items() for key, value in values.items()]


def _is_alone(request: pytest.FixtureRequest) -> bool:
    """Return whether others would feel what a test does, whatever the number of workers."""
    return _is_about_all(request) or not _ALONE.isdisjoint(request.fixturenames)


def _is_about_all(request: pytest.FixtureRequest) -> bool:
    """Return whether a test asks what is on the closed list."""
    operation = getattr(request.node, "callspec", None) and request.node.callspec.params.get("operation")
    return isinstance(operation, Operation) and is_closed(operation)


def clause_of(item: Any) -> str:
    """Return the id of the clause that a test is about."""
    mark = item.get_closest_marker("clause")
    operation = item.callspec.params.get("operation") if hasattr(item, "callspec") else None
    return str(mark.args[0]).replace("{operation}", str(getattr(operation, "id", operation))) if mark else ""


def of_other_versions(item: Any, version: Version) -> str:
    """Return in words for which versions a test is, where that is not this one; whether its operation is there does not count."""
    mark = item.get_closest_marker("applies")
    since, until, why = (mark.kwargs.get(key) for key in ("since", "until", "why")) if mark else (None, None, None)
    if since and version < Version.parse(since):
        return f"its test is for servers from {since} on" + (f" ({why})" if why else "")
    return f"its test is for servers before {until}" if until and version >= Version.parse(until) else ""


def skip_reason(item: Any, judge: Judge, world: World) -> str:
    """Return why a hand-written test cannot be run on its target; nothing when it can."""
    clause = judge.contract.clauses[clause_of(item)]
    operation = judge.contract.operations[clause.operation]
    exists = operation.exists_in(world.version)
    if exists is None:
        return "partly-understood"
    if of_other_versions(item, world.version) or (clause.rule != "since" and not exists):
        return "not-in-version"
    return NOT_HERE if world.lacks(operation) else ""


@contextmanager
def performing(item: Any) -> Iterator[None]:
    """Turn what happens in a hand-written test into an observation of its clause.

    An assertion that fails is a verdict about the server, to be classified as known or new; it does not pass through.
    A test without a stage judges its exchanges itself.
    """
    if "stage" not in item.funcargs:
        yield
        return
    stage: Stage = item.funcargs["stage"]
    judge, clause = stage.judge, clause_of(item)
    try:
        yield
    except BrokenPromiseError as broken:
        _conclude_broken(judge, broken.expectation, clause, broken.is_unsteady)
    except AssertionError as failure:
        told = str(failure).partition("\n")[0]
        if not stage.expectations or not told or told.startswith("assert "):
            raise  # of no answer: a mistake in the test, and nothing about the server
        broken_one = stage.expectations[-1].reply.shows(False, told)
        if doubt := broken_one.reply.doubt:
            _leave_unjudged(judge, clause, doubt, told)
        else:
            _conclude_broken(judge, broken_one, clause, broken_one.reply.is_unsteady)
    except HeldBackError as held:
        leave_out(held.reason, str(held), judge, judge.contract.clauses[clause])
    except NotHereError as missing:
        leave_out(NOT_HERE, str(missing), judge, judge.contract.clauses[clause])
    except NotTapedError as missing:
        judge.not_taped.append(str(missing))
    except NotKnownError as unknown:
        _leave_unjudged(judge, clause, unknown.reason, str(unknown))
    except ArrangingError as error:
        if not _conclude_of_arranging(stage, error, clause):
            raise
    except UnseenError as error:
        judge.unseen(judge.contract.clauses[clause].operation, _subject(stage), error.reason, str(error))
    else:
        if not stage.expectations:
            pytest.fail("the test expected nothing of any answer", pytrace=False)
        judge.conclude(clause, _subject(stage), "", "", None)
    _tell_what_is_documented(stage, clause)


def _tell_what_is_documented(stage: Stage, clause: str) -> None:
    """Say of the answers by which a test has judged who is let in whether it wanted the caller let in."""
    judge = stage.judge
    judged = {o.clause for o in judge.observations if o.outcome in ("pass", "fail")}
    for one in stage.expectations:
        promise, said = judge.contract.clauses.get(_clause_of(one, clause)), _DOCUMENTED.get(one.wanted)
        if said is None or promise is None or promise.id not in judged or promise.rule not in OF_ACCESS:
            continue
        if one.reply.number and promise.operation == one.reply.exchange.operation:
            judge.judged_by(one.reply.number, said)


#: What a test says of who is let in by what it wants of an answer.
_DOCUMENTED: dict[tuple[str, ...], Documented] = {("served",): "allowed", ("denied",): "denied"}


def _leave_unjudged(judge: Judge, clause: str, reason: str, why: str) -> None:
    """Note that a test says nothing about its clause; what the checks saw that is new, is told as always."""
    judge.skip(judge.contract.clauses[clause], reason, why=why)
    if not any(o.standing == "new" for o in judge.observations):
        raise LeftOut(reason, why)


#: Of a database that is read from replicas, among others.
_UNSTEADY = "asked the same a moment later, the server says something else: it lags behind what it was told"


def _conclude_broken(judge: Judge, broken: Expectation, clause: str, is_unsteady: bool) -> None:
    reply, exchange = broken.reply, broken.reply.exchange
    if is_unsteady:
        judge.unseen(exchange.operation, exchange.persona, _UNSTEADY, f"{_UNSTEADY}: {reply}")
        return
    clause = _clause_of(broken, clause)
    failed = [o for o in judge.observations if o.outcome == "fail"]
    if any((o.clause, o.signature) == (clause, exchange.says) for o in failed):
        return  # what every answer is judged by has said it of this one already
    form = f"{exchange.operation}.schema", exchange.persona
    if broken.is_of_the_form and any((o.clause, o.persona) == form for o in failed):
        return
    expected = {"expected": " or ".join(broken.wanted), "source": broken.source}
    judge.conclude(clause, exchange.persona, broken.signature, broken.seen, exchange, expected)


def _clause_of(expected: Expectation, clause: str) -> str:
    """Return the promise that is kept where this is met, and else broken, in a test about that clause."""
    reply, exchange = expected.reply, expected.reply.exchange
    if not expected.is_met and expected.wanted == ("served",) and exchange.status == 403 and reply.is_denied:
        # Who ought to be served is told to lack the permission: that is what is broken, whatever else the test is about.
        return f"{exchange.operation}.permission"
    return expected.clause or clause


def _conclude_of_arranging(stage: Stage, error: ArrangingError, clause: str) -> bool:
    """Note what the operator was answered, who may call everything, where the documents describe what they asked for.

    Returns whether they do; else it says nothing about a promise.
    """
    sent, contract = error.exchange, stage.contract
    path = sent.path.removeprefix(contract.base)
    operation = next((one for one in contract.operations.values() if one.is_at(sent.method, path)), None)
    if operation is None or not operation.exists_in(stage.world.version):
        return False
    reply = Reply(replace(sent, operation=operation.id, persona="system_admin"), stage)
    if error.complaint:
        broken = replace(reply.shows(False, error.complaint), clause=f"{operation.id}.schema", is_of_the_form=True)
    else:
        broken = replace(reply.served, clause=f"{operation.id}.status")
    if doubt := reply.doubt:
        _leave_unjudged(stage.judge, clause, doubt, str(error))
    else:
        _conclude_broken(stage.judge, broken, clause, reply.is_unsteady)
    return True


def _subject(stage: Stage) -> str:
    """Return whom a test is about: the persona of the first answer of which something was expected."""
    return stage.expectations[0].reply.exchange.persona if stage.expectations else "everyone"
