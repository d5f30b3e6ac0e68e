"""What a pytest process keeps during a run: the targets, what surrounds the live ones, the worlds on them."""

import random
import signal
import time
import warnings
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mmconform.driving.generate import MAX_EXAMPLES, SEED
from mmconform.errors import MisuseError
from mmconform.files import check_writable
from mmconform.paths import IS_CHECKOUT, REPORTS
from mmconform.plugin.options import option
from mmconform.plugin.output import Output
from mmconform.plugin.run import Run
from mmconform.plugin.whole import Whole
from mmconform.principles.sightings import Stock
from mmconform.report.folded import WIDTH
from mmconform.safety.guard import Guard
from mmconform.servers.live import live_server
from mmconform.servers.live.keeper import Keeper
from mmconform.servers.live.lease import Leased, LeaseMark
from mmconform.servers.live.locks import note_alone, ran_alone
from mmconform.servers.live.prepare import MOST_PEOPLE
from mmconform.servers.live.recording import Recording
from mmconform.servers.target import Target, resolve
from mmconform.wire.client import Patience
from mmconform.wire.tape import tape
from mmconform.wire.tape.cassette import recording_to
from mmconform.wire.tape.redact import TAPED_RUN
from mmconform.world.build import build, new_run_id
from mmconform.world.place import RESIDENT, SPOTS, Place
from mmconform.world.register import Register
from mmconform.world.spare import NoSpareError, Spare, find
from mmconform.world.world import World

#: Accounts that a run of a few tests makes.
_FEW = 20


class Interrupted(KeyboardInterrupt):
    """A signal ended the run: under this name pytest shows no line of our code for it."""

    __module__ = "builtins"


class Process:
    """One pytest process.

    Attributes:
        servers: What surrounds the tests on each live target, by its slug.
        narrowed: What of the command line keeps the run from being a whole one.
        told: In an xdist worker, what the first process knows.
        disturbed: What somebody else was seen to change of what the tests rely on.
        output: What the user reads; None in an xdist worker.
        problems: What else is to be said at the end.

    Raises:
        MisuseError: options that do not go together, or a target that cannot be used.
    """

    def __init__(self, config: pytest.Config, narrowed: str) -> None:
        self.config, self.narrowed = config, narrowed
        self.is_worker = hasattr(config, "workerinput")
        self.told: dict[str, Any] = getattr(config, "workerinput", {}).get("mmconform", {})
        self.is_dry = option(config, "--dry-run")
        self.judges_nothing = self.is_dry or config.option.collectonly or config.option.setuponly or config.option.setupplan
        if self.is_dry and getattr(config.option, "numprocesses", None):
            raise MisuseError("--dry-run sends nothing; leave out -n")
        is_rewriting = config.getoption("--record-mode") == "rewrite"
        self.whole_wanted = is_rewriting and bool(option(config, "--spec"))
        self.recording_wanted = is_rewriting and not self.whole_wanted
        if config.getoption("--record-mode") not in (None, "none", "rewrite"):
            raise MisuseError("--record-mode knows `rewrite` (record a whole tape) and `none`; a tape is never recorded in part")
        self.patience = self._patience()
        self.is_named = bool(option(config, "--target") or option(config, "--spec"))
        names = option(config, "--target") or ["recorded"]
        addresses = {slug: server["url"] for slug, server in self.told.get("servers", {}).items()}
        usable = {"allow_remote": option(config, "--allow-remote"), "patience": self.patience, "running": addresses}
        self.targets = [target for name in names for target in resolve(name, **usable)]
        self.is_live = not self.targets[0].is_recorded
        if len(self.targets) > 1 and any(
            not t.is_reference and t.is_recorded != self.targets[0].is_recorded for t in self.targets
        ):
            raise MisuseError("one run judges tapes, or reference servers, or one live server")
        self.is_free = self.is_live and not self.recording_wanted  # to ask what it likes
        documents = option(config, "--spec"), option(config, "--overlay")
        self.run = Run(*documents, self._seed(), self._examples(), option(config, "--reports").absolute())
        self.registers: dict[str, Register] = {}
        self.worlds: dict[str, World] = {}
        self.places: dict[str, Place] = {}
        self.spares: dict[str, Spare | NoSpareError] = {}
        self.keepers: dict[str, Keeper] = {}
        self._ran_alone: dict[str, int] = {}
        self.servers: dict[str, live_server.LiveServer] = {}
        self.recording: Recording | None = None
        self.whole: Whole | None = None
        self.run_id = new_run_id()
        self.is_interrupted = False
        self.disturbed = ""
        self.output: Output | None = None
        self.problems: list[str] = []

    def say(self, text: str) -> None:
        """Write a line where the user looks, if there is such a place."""
        if terminal := self.config.pluginmanager.get_plugin("terminalreporter"):
            terminal.write_line(text)

    def say_meanwhile(self, text: str) -> None:
        """Write a line where the user looks while a test goes on, in the process that the user started."""
        reporter, capture = (self.config.pluginmanager.get_plugin(name) for name in ("terminalreporter", "capturemanager"))
        if reporter and not self.is_worker:
            with capture.global_and_fixture_disabled() if capture else nullcontext():
                reporter.ensure_newline()
                if reporter._tw.width_of_current_line:  # dots of -q, of which it knows nothing
                    reporter.line("")
                reporter.write_line(text)

    @property
    def width(self) -> int:
        """How many columns a line has where the user looks: those of the terminal, if it is one."""
        terminal: Any = self.config.pluginmanager.get_plugin("terminalreporter")
        return terminal._tw.fullwidth if terminal and terminal._tw._file.isatty() else WIDTH

    def hide(self, text: str) -> str:
        """Return a text without the secrets of any target."""
        for target in self.targets:
            text = target.redactor.hide(text)
        return text

    def interrupt(self, *_: object) -> None:
        """Handle a signal that ends the run.

        Raises:
            Interrupted: lost where it meets a finalizer or a callback of the garbage collector, such as Hypothesis has;
                so the next test asks again.
        """
        if not self.is_interrupted:
            self.say_meanwhile("interrupted: what the run has changed is undone; that takes a moment")
        self.is_interrupted = True
        warnings.simplefilter("ignore", pytest.PytestUnraisableExceptionWarning)  # of what is lost so
        raise Interrupted

    def _patience(self) -> Patience:
        request, run = (option(self.config, name) for name in ("--request-timeout", "--run-timeout"))
        if not (request > 0 and run > 0):
            raise MisuseError("--request-timeout and --run-timeout are seconds, more than 0")
        return Patience(request, self.told.get("until", time.monotonic() + run))

    def _seed(self) -> int:
        seed: int | None = self.config.getoption("--hypothesis-seed", None)
        if not self.is_free and seed not in (None, SEED):
            raise MisuseError("tapes hold the answers to one sequence of requests; --hypothesis-seed is for live targets")
        try:
            if seed is not None:
                return int(seed)
        except ValueError:
            raise MisuseError(f"--hypothesis-seed={seed}: expected a whole number") from None
        if not self.is_free or self.whole_wanted or all(target.is_reference for target in self.targets):
            return SEED
        return int(self.told["seed"]) if self.told else random.SystemRandom().randrange(2**31)

    def _examples(self) -> int:
        examples: int | None = option(self.config, "--max-examples")
        if examples is not None and examples < 1:
            raise MisuseError(f"--max-examples={examples}: at least one")
        if self.targets[0].is_whole:
            return self.targets[0].examples or MAX_EXAMPLES
        if not self.is_free and examples not in (None, MAX_EXAMPLES):
            raise MisuseError("tapes hold the answers to one sequence of requests; --max-examples is for live targets")
        return MAX_EXAMPLES if examples is None else examples

    def open(self) -> None:
        """Enter live servers (once, by the process that the user started), begin the tape, and prepare what workers are told of.

        Raises:
            MisuseError: see :func:`mmconform.servers.live.live_server.enter_server`, and :meth:`prepare`.
        """
        is_recording = self.recording_wanted or self.whole_wanted
        if is_recording and not IS_CHECKOUT:
            raise MisuseError("tapes are recorded in a clone of the repository: a package has none")
        if is_recording and not self.is_live:
            raise MisuseError("--record-mode=rewrite needs a live server: --target http://HOST:PORT")
        if is_recording and (getattr(self.config.option, "numprocesses", None) or len(self.targets) > 1):
            raise MisuseError("a tape is recorded from one server by one process; leave out -n and further targets")
        if self.recording_wanted and option(self.config, "--overlay"):
            raise MisuseError("a tape is recorded with our own documents; leave out --overlay")
        if self.whole_wanted and not (self.run.is_official and option(self.config, "--described-by")):
            raise MisuseError(
                "a tape of the whole API is recorded with the official description (--spec), and says where that is found "
                "(--described-by COMMIT); one of our own operations with our own documents: leave out --spec"
            )
        for target in self.targets if not self.is_worker else ():
            check_writable(self.run.path(target).parent)
        if not self.is_live:
            return
        begun: Recording | None = None
        if is_recording:
            may_replace, built_from = option(self.config, "--replace-tape"), option(self.config, "--built-from")
            begun = Recording(self.targets[0], may_replace=may_replace, built_from=built_from, is_whole=self.whole_wanted)
        try:
            self._enter()
            if getattr(self.config.option, "numprocesses", None):  # the tests are the workers', who are told
                self.prepare()
        except BaseException:
            if begun:
                begun.drop()
            raise
        if begun and self.whole_wanted:
            self.whole = Whole(self.run, begun)
        else:
            self.recording = begun

    def _enter(self) -> None:
        for signal_ in (signal.SIGINT, signal.SIGTERM):  # a run that changes a server has something to tidy up
            signal.signal(signal_, self.interrupt)
        for target in self.targets:
            if self.is_worker:
                server = self.told["servers"][target.slug]
                target.redactor.learn(server["operator"])
                target.told_roles = {role: frozenset(held) for role, held in server["roles"].items()}
                self.servers[target.slug] = live_server.LiveServer(
                    target,
                    server["operator"],
                    frozenset(server["switched_off"]),
                    server["may_configure"],
                    server["has_people"],
                    lacks=frozenset(server["lacks"]),
                    stands_on_tokens=server["stands_on_tokens"],
                    run=self.run_id,
                )
                target.guard = self.guard(target)
                if not target.is_thrown_away:
                    target.guard = Leased(target.guard, LeaseMark(live_server.mark_of(target)).confirm)
                continue
            self.servers[target.slug] = live_server.enter_server(
                target,
                self.run_id,
                create_first_admin=option(self.config, "--create-first-admin") or target.is_reference,
                newcomers=_FEW if self.narrowed else MOST_PEOPLE,
            )

    def prepare(self) -> None:
        """Prepare the servers that were entered: not before there are tests to ask them.

        Raises:
            MisuseError: see :func:`mmconform.servers.live.live_server.prepare_server`.
        """
        for target in self.targets if not self.is_worker else ():
            if server := self.servers.get(target.slug):
                live_server.prepare_server(
                    server,
                    disruptive=option(self.config, "--disruptive"),
                    recording=self.recording_wanted,
                    asks_everything=self.is_free and bool(option(self.config, "--spec")),
                )
                target.guard = Leased(self.guard(target), server.lease.confirm) if server.lease else self.guard(target)

    def guard(self, target: Target) -> Guard:
        """Return what decides which requests are sent to a target."""
        server = self.servers.get(target.slug)
        is_throwaway = server is not None and not server.has_people
        note = server.sent_log.note if server and not target.is_thrown_away else lambda sending, status: None
        lacks = server.lacks if server else frozenset()
        disruptive = option(self.config, "--disruptive")
        return Guard(self.run.contract, target.version, disruptive, is_throwaway, note, lacks, self.register(target))

    def register(self, target: Target) -> Register:
        """Return what is this process's own on a target."""
        return self.registers.setdefault(target.slug, Register())

    @property
    def has_lost_a_server(self) -> bool:
        """Whether somebody else may use one of the servers now: no other test begins."""
        return any(server.lease is not None and server.lease.is_lost for server in self.servers.values())

    @property
    def is_unheard(self) -> bool:
        """Whether what the run says can be written no more."""
        return self.output is not None and bool(self.output.lost)

    @property
    def ends_early(self) -> bool:
        """Whether no other test is begun."""
        return self.patience.is_over or self.has_lost_a_server or bool(self.disturbed) or self.is_unheard

    def tell(self) -> dict[str, Any]:
        """Return what an xdist worker has to know."""
        servers = {
            slug: {
                "operator": str(server.operator),  # xdist sends nothing but plain texts
                "switched_off": sorted(server.switched_off),
                "lacks": sorted(server.lacks),
                "stands_on_tokens": server.stands_on_tokens,
                "may_configure": server.may_configure,
                "has_people": server.has_people,
                "url": server.target.base_url,
                "roles": {role: sorted(held) for role, held in server.target.told_roles.items()},
            }
            for slug, server in self.servers.items()
        }
        return {"seed": self.run.seed, "until": self.patience.until, "servers": servers}

    def tell_seen(self) -> dict[str, Any]:
        """Return what this process saw for the principles, by target, as xdist can send it."""
        return {slug: msgspec.to_builtins(sightings.seen) for slug, sightings in self.run.sightings.items()}

    def learn_seen(self, told: dict[str, Any]) -> None:
        """Add what an xdist worker saw for the principles."""
        for target in self.targets:
            if target.slug in told:
                self.run.noting(target).add(msgspec.convert(told[target.slug], Stock))

    def clean(self) -> Counter[str]:
        """Leave every live server as it was.

        Raises:
            MisuseError: one of them refuses or is gone; the others are left as they were all the same.
        """
        done: Counter[str] = Counter()
        problems: list[MisuseError] = []
        for server in self.servers.values():
            try:
                done += server.clean()
            except MisuseError as error:
                problems.append(error)
            problems += [MisuseError(f"NOT AS IT WAS: {difference}") for difference in server.aftermath.ours]
        for target in self.targets:
            target.close()
        if problems:
            raise MisuseError("\n".join(str(problem) for problem in problems))
        return done

    def world(self, target: Target) -> World:
        """Return the world on a target, making it when it is first asked for."""
        if target.slug not in self.worlds:
            run_id = TAPED_RUN if target.is_recorded else self.run_id
            server = self.servers.get(target.slug)
            operator = server.operator if server else "redacted-operator"
            if server and self.is_worker:  # another one may have asked what ends every session
                operator = server.sign_in_again()
            with self._recording_of_the_world(target):
                client = target.client(tape.WORLD)
                world = World(client, target.version, run_id, operator, register=self.register(target))
                if server:
                    world.switched_off = server.switched_off
                    world.told_roles = target.told_roles
                    world.may_disrupt = option(self.config, "--disruptive") and not server.has_people
                    world.journal = None if target.is_thrown_away else server.journal(self.run_id)
                build(world)
            if server and not target.is_thrown_away:
                world.keeper = self.keepers[target.slug] = self._keeper(target, world, server)
            client.close()
            self.worlds[target.slug] = world
        return self.worlds[target.slug]

    def _recording_of_the_world(self, target: Target) -> AbstractContextManager[object]:
        path = self.recorded_to(tape.WORLD)
        return recording_to(path, target.redactor, target.base_url) if path else nullcontext()

    def catch_up(self, target: Target) -> None:
        """Look after the people of a world, where a test of another process ran alone: what it asked may have signed all out.

        Raises:
            MisuseError: they cannot be made anew.
            UnseenError: the server does not answer.
        """
        number = ran_alone(REPORTS / target.slug)
        if self.is_worker and target.slug in self.keepers and number != self._ran_alone.get(target.slug):
            client = target.client()
            self.keepers[target.slug].look("a test of another process", client)
            client.close()
        self._ran_alone[target.slug] = number

    def note_alone(self, target: Target) -> None:
        """Have the other processes catch up, after a test that ran alone and asked what is on the closed list."""
        if self.is_worker:
            note_alone(REPORTS / target.slug)
            self._ran_alone[target.slug] = ran_alone(REPORTS / target.slug)

    def place(self, target: Target) -> Place:
        """Return what lies ready in the world on a target, making it when it is first asked for.

        Raises:
            MisuseError: the server refuses.
        """
        if target.slug not in self.places:
            self.places[target.slug] = Place(self.world(target), target.client())
            self._show(target, self.worlds[target.slug], self.places[target.slug])
        return self.places[target.slug]

    def spare(self, target: Target) -> Spare:
        """Return the role that nobody has on a target, looking for it when it is first asked for.

        Raises:
            NoSpareError: there is none, or nobody allows to change it.
        """
        if target.slug not in self.spares:
            self.spares[target.slug] = self._spare(target)
        found = self.spares[target.slug]
        if isinstance(found, NoSpareError):
            raise found
        return found

    def _spare(self, target: Target) -> Spare | NoSpareError:
        server = self.servers.get(target.slug)
        if server is None or not server.may_configure:
            return NoSpareError("the server has users of its own; --disruptive fills a role of its that nobody has all the same")
        try:
            return find(self.world(target), target.client(), self.place(target))
        except NoSpareError as missing:
            return missing

    def _show(self, target: Target, world: World, place: Place) -> None:
        """Tell who takes note for the principles what is ours."""
        noting = self.run.noting(target)
        noting.knows("user", (person.id for person in world.people.values()))
        for kind in ("team", "channel"):
            noting.knows(kind, (place.standing(kind, spot, RESIDENT) for spot in SPOTS))

    def _keeper(self, target: Target, world: World, server: live_server.LiveServer) -> Keeper:
        guard, operations = self.guard(target), self.run.contract.operations
        return Keeper(world, lambda id_: id_ in operations and not guard.is_harmless(operations[id_]), server.sign_in_again)

    @property
    def losses(self) -> Counter[str]:
        """What operations did to the people of the worlds, which were made anew then."""
        return sum((keeper.losses for keeper in self.keepers.values()), Counter[str]())

    @property
    def falls(self) -> list[str]:
        """After which requests the servers were no longer there."""
        return [str(fall) for target in self.targets for fall in target.origin.fallen]

    @property
    def meanwhile(self) -> list[str]:
        """What somebody else changed on the servers while this run went on."""
        return [difference for server in self.servers.values() for difference in server.aftermath.others]

    def recorded_to(self, cassette: str) -> Path | None:
        """Return the file to which a cassette is recorded; None where no tape is in the making."""
        return self.recording.folder / cassette if self.recording else None
