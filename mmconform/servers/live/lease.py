"""A lease on a server that is visible there, so that two runs, from whatever machine, exclude each other.

It is a preference of the administrator who runs, which every version has (api4/preference.go since v4.0.0): no people
see it, and nothing is left when it is deleted. Preferences know no "only if there is none", so whoever writes one looks
again after a moment: of two who wrote at once, one finds that the other was first, or their own gone.
It lasts a few minutes and is renewed while the run goes on, by the server's clock; after a crash it expires.

A run can also be stopped for longer than that (a laptop that sleeps) and go on afterwards. So before it changes anything it
looks at the clock, and, where its lease may have expired, at the server: if somebody else came meanwhile, it changes nothing
there any more, and puts nothing back.
"""

import json
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event, RLock, Thread
from typing import Any

from mmconform.errors import MisuseError
from mmconform.files import write_whole
from mmconform.wire.client import Client, Guarding, Patience, Sending, UnseenError
from mmconform.world.admin import Admin, moments

_CATEGORY, _NAME = "mmconform", "lease"
_LASTS, _RENEWED, _MOMENT = 300.0, 60.0, 1.0
#: Servers tell their time in whole seconds.
_DOUBT = 2.0
#: How long an xdist worker waits for the process that renews the lease, which may have slept as long as itself.
_PATIENCE = 30.0
#: How often it is tried to give the lease back.
_TRIES = 3
_READS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, order=True)
class Holder:
    """Who has a lease: since and until when (seconds, the server's clock), which run, on which machine, as which user."""

    since: float
    run: str
    until: float
    machine: str
    user: str

    def __str__(self) -> str:
        until = time.strftime("%H:%M:%S UTC", time.gmtime(self.until))
        return f"run {self.run[:20]} on {self.machine[:60]}, which holds it until {until} unless it goes on"


class LeaseLostError(MisuseError):
    """Somebody else may use the server now: nothing is changed there any more."""


class Lease:
    """The lease of one run.

    Args:
        client: Used by nobody else: the lease is renewed on another thread.
        token: The administrator's.
        mark: A file that tells the other processes of the run until when it lasts.
        sign_in_again: Sees to it that ``token`` is one that the server accepts: an operation that another process asked may have
            ended every session.
    """

    def __init__(
        self,
        client: Client,
        token: str,
        run: str,
        mark: Path | None = None,
        sign_in_again: Callable[[], object] = lambda: None,
    ) -> None:
        self._client, self.token, self.run, self._mark = client, token, run, mark
        self._sign_in_again = sign_in_again
        self._since, self._until = 0.0, 0.0
        self._over, self._turn = Event(), RLock()
        self._lost = ""

    @property
    def is_lost(self) -> bool:
        return bool(self._lost)

    @property
    def was_taken(self) -> bool:
        """Whether it was ours at some time."""
        return self._since > 0

    def take_time(self, patience: Patience) -> None:
        """Wait for the server as long as this allows, from now on."""
        self._client.patience = patience

    def confirm(self) -> None:
        """Look, before something is changed, whether the lease is still ours where it may have expired.

        Raises:
            LeaseLostError: it is not; says what to do.
            UnseenError: the server does not answer.
        """
        with self._turn:
            if not self._lost and clock() >= self._until:
                self._look()
        if self._lost:
            raise LeaseLostError(self._lost)

    def take(self) -> None:
        """Take the lease and keep it until it is released.

        Raises:
            MisuseError: somebody else has it, or the server refuses; says who and what to do.
            UnseenError: the server does not answer.
        """
        self.refuse_others()
        found = self._begin()
        if found is not None:
            self._refuse(found)
            raise MisuseError(f"somebody cleaned {self._client.base_url} up just now; try again")
        Thread(target=self._renew, daemon=True).start()

    def refuse_others(self) -> None:
        """Look whether somebody has it.

        Raises:
            MisuseError: they have; says who and what to do.
        """
        self._refuse(self.holders())

    @property
    def account(self) -> str:
        """The id of the administrator who runs; no other server knows it."""
        return self._admin.ask("GET", "/api/v4/users/me").json_id

    def release(self) -> None:
        """Give the lease back; whoever cannot be told sees it expire."""
        with self._turn:
            self._over.set()
        if self._mark:
            self._mark.unlink(missing_ok=True)
        for _ in islice(moments(), _TRIES):  # something in front may spoil an answer now and then
            with suppress(UnseenError, MisuseError):
                self._delete([holder for holder in self.holders() if holder.run == self.run])
                return

    def clear(self) -> None:
        """Take it from whoever has it."""
        self._delete(self.holders())

    def holders(self) -> list[Holder]:
        """Return who has a lease that has not expired, the first to have come first."""
        found = []
        for user in self._administrators():
            answer = self._admin.ask("GET", f"/api/v4/users/{user}/preferences/{_CATEGORY}/name/{_NAME}")
            holder = _holder(user, answer.json_object.get("value")) if answer.is_success else None
            if holder and holder.until > answer.answered_at:
                found.append(holder)
        return sorted(found)

    def _refuse(self, holders: list[Holder]) -> None:
        if holders:
            raise MisuseError(
                f"{self._client.base_url} is in use by {holders[0]}; wait for its end, or, if it is dead, "
                f"`mmconform cleanup` where it ran"
            )

    def _renew(self) -> None:
        while not self._over.wait(_RENEWED) and not self._lost:
            with suppress(UnseenError, MisuseError), self._turn:
                if not self._over.is_set():  # nobody signs in, nor writes a lease, after the end
                    self._sign_in_again()
                    self._look()

    def _look(self) -> None:
        """Renew the lease if it is ours, or nobody's since it expired; else it is lost."""
        found, has_expired = self.holders(), clock() >= self._until
        if [holder.run for holder in found] == [self.run]:
            self._write(self._since)
            return
        if not found and has_expired:
            again = self._begin()
            if again is None:
                return
            found = again
        by = f"run {found[0].run[:20]} on {found[0].machine[:60]} has it now" if found else "somebody has cleaned up there"
        url = self._client.base_url
        self._lost = (
            f"the lease on {url} was lost ({by}): this run changes nothing there any more, and puts nothing back; "
            f"when that has ended, `mmconform cleanup {url}`, here, undoes what it left"
        )
        self._tell("-1")

    def _begin(self) -> list[Holder] | None:
        """Write the lease and look again after a moment; return who has it if we have not."""
        self._since = self._write(None)
        time.sleep(_MOMENT)
        found = self.holders()
        if found and found[0].run == self.run:
            return None
        self._since, self._until = 0.0, 0.0
        with suppress(UnseenError):
            self._delete([other for other in found if other.run == self.run])
        return [other for other in found if other.run != self.run]

    def _tell(self, text: str) -> None:
        if self._mark:
            write_whole(self._mark, text, private=True)

    def _administrators(self) -> Iterator[str]:
        # Before 5.x there is no such filter, and everybody is told; an account of ours holds no lease.
        for row in self._admin.rows("/api/v4/users?role=system_admin"):
            if "system_admin" in str(row.get("roles")).split() and not row.get("delete_at"):
                yield str(row.get("id"))

    def _write(self, since: float | None) -> float:
        began = clock()
        me = self._admin.ask("GET", "/api/v4/users/me")
        since = me.answered_at if since is None else since
        value = {"run": self.run, "machine": platform.node(), "since": since, "until": me.answered_at + _LASTS}
        row = {"user_id": me.json_id, "category": _CATEGORY, "name": _NAME, "value": json.dumps(value)}
        answer = self._admin.ask("PUT", f"/api/v4/users/{me.json_id}/preferences", [row])
        if not answer.is_success:
            raise MisuseError(f"taking the lease on the server failed: it answered {answer.says}")
        self._until = began + _LASTS - _DOUBT
        self._tell(str(self._until))
        return since

    def _delete(self, holders: list[Holder]) -> None:
        for holder in holders:
            row = {"user_id": holder.user, "category": _CATEGORY, "name": _NAME, "value": "-"}
            self._admin.ask("POST", f"/api/v4/users/{holder.user}/preferences/delete", [row])

    @property
    def _admin(self) -> Admin:
        return Admin(self._client, self.token, is_taped=False)


class LeaseMark:
    """The lease as another process of the run sees it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def confirm(self) -> None:
        """Look, before something is changed, whether the lease is still the run's.

        Raises:
            LeaseLostError: it is not, or nobody renews it.
        """
        give_up = clock() + _PATIENCE
        while clock() >= self._until():
            if self._until() < 0 or clock() >= give_up:
                raise LeaseLostError("the run has lost its lease on the server: it changes nothing there any more")
            time.sleep(0.1)

    def _until(self) -> float:
        """Return what the file tells: until when, or that it is lost, which is before any time."""
        try:
            return float(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0.0


class Leased:
    """A guard that also asks, before anything is changed, whether the lease is still ours."""

    def __init__(self, guard: Guarding, confirm: Callable[[], None]) -> None:
        self._guard, self._confirm = guard, confirm

    def before(self, sending: Sending) -> None:
        if sending.method not in _READS:
            self._confirm()
        self._guard.before(sending)

    def after(self, sending: Sending, status: int, answer: bytes = b"") -> None:
        self._guard.after(sending, status, answer)


def clock() -> float:
    """Return the seconds of a clock that all processes of a machine share and that goes on while it sleeps."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.time() if boot is None else time.clock_gettime(boot)


def _holder(user: str, value: Any) -> Holder | None:
    try:
        stored = json.loads(value)
        return Holder(float(stored["since"]), str(stored["run"]), float(stored["until"]), str(stored["machine"]), user)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
