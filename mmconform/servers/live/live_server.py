"""What surrounds the tests on a live server: preparation, journal, clean-up, and the tape when one is recorded."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import RLock
from typing import Any

from mmconform.errors import MisuseError, NotHereError
from mmconform.paths import REPORTS
from mmconform.servers.live import journal, tidy
from mmconform.servers.live.aftermath import Aftermath, SentLog, compare, touched_by
from mmconform.servers.live.alive import is_alive
from mmconform.servers.live.lease import Lease
from mmconform.servers.live.locks import only_run
from mmconform.servers.live.prepare import (
    MOST_PEOPLE,
    ask_roles,
    find_obstacles,
    login_and_password,
    own_session,
    prepare,
    sign_in,
    sign_out,
    stands_on_tokens,
)
from mmconform.servers.live.state import State, look
from mmconform.servers.live.webrtc_gateway import Gateway
from mmconform.servers.target import Target
from mmconform.wire.client import Client, UnseenError
from mmconform.world.admin import OPERATOR, Admin, part, unlike
from mmconform.world.features import TOKENS, features

#: What an administrator who was given as a token is told.
TOKENS_STAY_ON = "MM_ADMIN_TOKEN may be a personal access token, which ends when they are switched off: give MM_ADMIN_LOGIN and \
MM_ADMIN_PASSWORD instead"
#: Seconds that tidying up may take, whatever time the run had left.
CLEANING = 300
_TRIES = 5


@dataclass
class LiveServer:
    """A live server during a run.

    Attributes:
        operator: The administrator's session or token.
        switched_off: Features that a run needs and may not switch on.
        lacks: Features of which the server says that it does not have them.
        may_configure: Whether tests may change server-wide settings.
        before: What it was set to before the first change.
        aftermath: What is different afterwards.
        has_people: Whether somebody uses it beside the administrator and ourselves.
        meanwhile: What somebody else was seen to change while a test went on, which says nothing about the server then.
        stands_on_tokens: The operator would be locked out while personal access tokens are switched off.
        has_signed_in: The operator's session is one that this process began, and ends.
        session: Its account and its id, where these are known.
    """

    target: Target
    operator: str = field(repr=False)
    switched_off: frozenset[str]
    may_configure: bool = True
    has_people: bool = True
    gateway: Gateway | None = None
    journals: list[Path] = field(default_factory=list)
    lock: ExitStack | None = None
    before: State | None = None
    aftermath: Aftermath = field(default_factory=Aftermath)
    lease: Lease | None = None
    meanwhile: list[str] = field(default_factory=list)
    lacks: frozenset[str] = frozenset()
    stands_on_tokens: bool = False
    run: str = ""
    has_signed_in: bool = False
    session: tuple[str, str] | None = None
    _turn: RLock = field(default_factory=RLock, repr=False)

    def journal(self, name: str) -> journal.Journal:
        """Open a journal of this run, which goes on where it was open before."""
        path = REPORTS / self.target.slug / f"journal-{name}.jsonl"
        if path not in self.journals:
            self.journals.append(path)
        return journal.Journal(path, self.target.base_url)

    @property
    def is_changed(self) -> bool:
        """Whether settings of a test are still in force: it journals them, and the journal goes when they are put back."""
        return any((REPORTS / self.target.slug).glob("journal-settings-*.jsonl"))

    @contextmanager
    def settings(self, client: Client, wanted: dict[str, dict[str, Any]]) -> Iterator[None]:
        """Change server-wide settings for a while; at its end they have to be so still.

        Raises:
            NotHereError: the server says that it changed them, and did not; or whoever is to put them back would be locked out.
            MisuseError: it refuses.
        """
        tokens = features()[TOKENS]
        if self.stands_on_tokens and wanted.get(tokens.section, {}).get(tokens.key) is False:
            raise NotHereError(TOKENS_STAY_ON)
        admin = Admin(client, self.operator)
        before = part(admin.config(), wanted)
        with self.changing(lambda: not admin.change(before), what="config", before=before):
            fixed = admin.change(wanted)
            if fixed:
                raise NotHereError(f"{', '.join(fixed)} cannot be set on this server: is it fixed by its environment?")
            try:
                yield
            finally:
                other = unlike(admin.config(), wanted)
                self.meanwhile += [f"{name} was changed by somebody else" for name in other]

    @contextmanager
    def changing(self, undo: Callable[[], bool], **entry: Any) -> Iterator[None]:
        """Change what every test sees, for a while.

        Args:
            undo: Puts it back and returns whether it did. It is tried more than once: no later test would see the server
                that it is about; and where that fails, ``is_changed`` says so to all of them.
            entry: What the journal says of it.
        """
        note = self.journal(f"settings-{secrets.token_hex(3)}")
        note.note(**entry)
        try:
            yield
        finally:
            for _ in range(_TRIES):
                with suppress(UnseenError, MisuseError):
                    if undo():
                        note.path.unlink()
                        break

    def sign_in_again(self) -> str:
        """Return the administrator's session; a new one where the old one was ended, by whichever process of the run.

        Raises:
            MisuseError: no login and password are known, or the server refuses.
            UnseenError: it does not answer.
        """
        with self._turn:  # the lease is renewed on another thread
            client = self.target.to_be_tidied().client()
            client.guard = None  # signing in changes nothing for anybody else, and a lease is confirmed by who is signed in
            if not is_alive(client, self.operator, OPERATOR):
                self.sign_in(client, ours=self.target.admin or login_and_password())
                self.note_session()
                if self.lease:
                    self.lease.token = self.operator
            client.close()
        return self.operator

    def sign_in(self, client: Client, *, ours: tuple[str, str] | None, create_first_admin: bool = False) -> None:
        """Become the administrator; see :func:`mmconform.servers.live.prepare.sign_in`."""
        began = time.monotonic()
        self.operator = sign_in(client, create_first_admin=create_first_admin, ours=ours)
        self.has_signed_in = not self.target.is_thrown_away
        if self.has_signed_in:
            self.session = own_session(Admin(client, self.operator), time.monotonic() - began)

    def note_session(self) -> None:
        """Write down which session the run began, for a later cleanup to end it."""
        if self.session:
            account, session = self.session
            self.journal(f"{self.run}-server").note(what="session", user=account, session=session)

    def _undo(self, paths: list[Path], client: Client) -> Counter[str]:
        admin = tidy.Persistent(client, self.operator)
        ended = Counter[str]()
        with suppress(UnseenError):  # a session expires; what is to be undone does not
            ended = tidy.end_sessions(admin, journal.sessions_of(paths) - {self.session})  # of workers that were killed
        try:
            return tidy.undo(paths, admin) + ended
        except MisuseError as error:
            until = (
                "; for up to five minutes the lease of this run keeps other runs out, but not that cleanup" if self.lease else ""
            )
            raise MisuseError(f"{error}{until}") from None

    def _left_by_workers(self) -> list[Path]:
        """Return the journals of workers that died: all of this server, which the first process has for itself."""
        return journal.of_server(REPORTS, self.target.base_url) if self.lock and self.operator else []

    def clean(self) -> Counter[str]:
        """Undo everything that the journals of this stage tell, newest first.

        Raises:
            MisuseError: the server refuses or is gone; says which journal stays.
        """
        until = time.monotonic() + CLEANING
        client = self.target.to_be_tidied(replace(self.target.patience, until=until)).client()
        done: Counter[str] = Counter()
        try:
            with suppress(MisuseError, UnseenError):  # of what then cannot be undone, undoing says more
                if self.operator and not is_alive(client, self.operator, OPERATOR):
                    self.sign_in_again()
            if self.lease and self.lease.was_taken:
                self._confirm_lease(self.lease, client)
            paths = [path for path in dict.fromkeys([*self.journals, *self._left_by_workers()]) if path.exists()]
            if self.target.is_thrown_away:
                for path in paths:
                    path.unlink()
            elif paths:
                entries = [entry for path in paths for entry in journal.read(path)]
                done = self._undo(paths, client)
                self._compare(client, entries)
        finally:
            if self.lease:
                self.lease.release()
            if self.has_signed_in:
                client.guard = None  # signing out changes nothing for anybody else
                sign_out(client, self.operator)
            client.close()
            if self.gateway:
                self.gateway.__exit__(None, None, None)
            if self.lock:
                self.lock.close()
        return done

    def _confirm_lease(self, lease: Lease, client: Client) -> None:
        """Look with the time that tidying up has: that of the run may be over, and then nothing would be put back."""
        lease.take_time(client.patience)
        try:
            lease.confirm()
        except UnseenError as error:
            url = self.target.base_url
            raise MisuseError(f"nothing was put back: {error}; the journals stay, run `mmconform cleanup {url}`") from None

    @property
    def sent_log(self) -> SentLog:
        """The log of the requests that may change something; told apart by the server's folder alone, since one run has it."""
        return SentLog(REPORTS / self.target.slug / "sent.jsonl")

    def _compare(self, client: Client, entries: list[dict[str, Any]]) -> None:
        if not self.before:
            return
        try:
            admin = tidy.Persistent(client, self.operator)
            self.aftermath = compare(self.before, admin, self.sent_log, touched_by(entries, self.before))
        except UnseenError as error:
            raise MisuseError(f"whether the server is as it was could not be seen: {error}") from None
        self.sent_log.path.unlink(missing_ok=True)


def enter_server(target: Target, run_id: str, *, create_first_admin: bool, newcomers: int = MOST_PEOPLE) -> LiveServer:
    """Sign in on a live server, and look whether it can be judged: but for an account that was asked for, nothing is changed.

    Args:
        newcomers: How many accounts the run may make.

    Raises:
        MisuseError: somebody else uses it, an earlier run left it changed, or something would stop the run.
    """
    server = LiveServer(target, "", frozenset(), lock=only_run(target), run=run_id)
    try:
        if target.is_reference:  # what a run that was killed left there went with its server
            for path in (REPORTS / target.slug).glob("journal-*.jsonl"):
                path.unlink()
        if journal.of_server(REPORTS, target.base_url):
            raise MisuseError(f"an earlier run on {target.base_url} was interrupted; first `mmconform cleanup {target.base_url}`")
        server.sign_in(target.client(), create_first_admin=create_first_admin, ours=target.admin)
        if not target.is_thrown_away:
            mark = mark_of(target)
            server.lease = Lease(target.to_be_tidied().client(), server.operator, run_id, mark, server.sign_in_again)
            server.lease.refuse_others()
            stop_at_obstacles(target, server.operator, newcomers)
    except UnseenError as error:
        server.clean()
        raise MisuseError(f"preparing {target.base_url} failed: {error}") from None
    except BaseException:
        server.clean()
        raise
    return server


def prepare_server(server: LiveServer, *, disruptive: bool, recording: bool, asks_everything: bool = False) -> None:
    """Take a server that was entered for this run alone, and prepare it. Cleaning it undoes what was done when that fails.

    Args:
        asks_everything: Probes ask about the whole of a document.

    Raises:
        MisuseError: somebody else came first; see also :func:`mmconform.servers.live.prepare.prepare`.
    """
    target = server.target
    try:
        note = server.journal(f"{server.run}-server")
        if server.lease:
            note.note(what="lease", run=server.run, user=server.lease.account)
            server.note_session()
            server.lease.take()
            server.sent_log.path.unlink(missing_ok=True)
            server.before = look(Admin(target.client(), server.operator))
        how = {"disruptive": disruptive, "recording": recording, "asks_everything": asks_everything}
        found = prepare(target, note, server.operator, **how)
        target.told_roles = ask_roles(target, server.operator)
        server.stands_on_tokens = stands_on_tokens(Admin(target.client(), server.operator))
    except UnseenError as error:
        raise MisuseError(f"preparing {target.base_url} failed: {error}") from None
    server.switched_off, server.lacks, server.gateway = found.switched_off, found.lacks, found.gateway
    server.has_people = found.has_people
    server.may_configure = disruptive or not found.has_people


def mark_of(target: Target) -> Path:
    """Return the file that tells the processes of a run until when its lease on the server lasts."""
    return REPORTS / target.slug / "lease"


def stop_at_obstacles(target: Target, token: str, newcomers: int) -> None:
    """Look, before anything is changed, for what would stop a run.

    Raises:
        MisuseError: there is something; one line says all of it.
    """
    client = target.client()
    found = list(find_obstacles(Admin(client, token), target.version, newcomers))
    client.close()
    if found:
        raise MisuseError(f"{target.base_url} cannot be judged as it is: {'; '.join(found)}")
