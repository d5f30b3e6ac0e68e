"""A lease on a server that is visible there, so that two runs, from whatever machine, exclude each other.

It is a preference of the administrator who runs, which every version has (api4/preference.go since v4.0.0): no people
see it, and nothing is left when it is deleted. Preferences know no "only if there is none", so whoever writes one looks
again after a moment: of two who wrote at once, one finds that the other was first, or their own gone.
It lasts a few minutes and is renewed while the run goes on, by the server's clock; after a crash it expires.
"""

import json
import platform
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from threading import Event, Thread
from typing import Any

from mmconform.errors import MisuseError
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.cassette import NOT_TAPED
from mmconform.world.world import OPERATOR

_CATEGORY, _NAME = "mmconform", "lease"
_LASTS, _RENEWED, _MOMENT = 300.0, 60.0, 1.0


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


class Lease:
    """The lease of one run.

    Args:
        client: Used by nobody else: the lease is renewed on another thread.
        token: The administrator's.
    """

    def __init__(self, client: Client, token: str, run: str) -> None:
        self._client, self._token, self.run = client, token, run
        self._since = 0.0
        self._over = Event()
        self.is_lost = False

    def take(self) -> None:
        """Take the lease and keep it until it is released.

        Raises:
            MisuseError: somebody else has it, or the server refuses; says who and what to do.
            UnseenError: the server does not answer.
        """
        self.refuse_others()
        self._since = self._write(None)
        time.sleep(_MOMENT)
        found = self.holders()
        if not found or found[0].run != self.run:
            with suppress(UnseenError):
                self._delete([other for other in found if other.run == self.run])
            self._refuse(found)
            raise MisuseError(f"somebody cleaned {self._client.base_url} up just now; try again")
        Thread(target=self._renew, daemon=True).start()

    def refuse_others(self) -> None:
        """Look whether somebody has it.

        Raises:
            MisuseError: they have; says who and what to do.
        """
        self._refuse(self.holders())

    def release(self) -> None:
        """Give the lease back; whoever cannot be told sees it expire."""
        self._over.set()
        with suppress(UnseenError, MisuseError):
            self._delete([holder for holder in self.holders() if holder.run == self.run])

    def clear(self) -> None:
        """Take it from whoever has it."""
        self._delete(self.holders())

    def holders(self) -> list[Holder]:
        """Return who has a lease that has not expired, the first to have come first."""
        found = []
        for user in self._administrators():
            answer = self._call("GET", f"/api/v4/users/{user}/preferences/{_CATEGORY}/name/{_NAME}")
            holder = _holder(user, answer.json_object.get("value")) if answer.is_success else None
            if holder and holder.until > _now(answer):
                found.append(holder)
        return sorted(found)

    def _refuse(self, holders: list[Holder]) -> None:
        if holders:
            raise MisuseError(
                f"{self._client.base_url} is in use by {holders[0]}; wait for its end, or, if it is dead, "
                f"`mmconform cleanup` where it ran"
            )

    def _renew(self) -> None:
        while not self._over.wait(_RENEWED):
            with suppress(UnseenError, MisuseError):
                found = self.holders()
                if [holder.run for holder in found] != [self.run]:  # somebody else's, or taken away
                    self.is_lost = True
                    return
                self._write(self._since)

    def _administrators(self) -> Iterator[str]:
        page = 0
        while True:
            # Before 5.x there is no such filter, and everybody is told; an account of ours holds no lease.
            answer = self._call("GET", f"/api/v4/users?role=system_admin&page={page}&per_page=200")
            rows = answer.json_or_none
            if not answer.is_success or not isinstance(rows, list):
                raise MisuseError(f"asking for the administrators failed: the server answered {answer.says}")
            for row in rows:
                if isinstance(row, dict) and "system_admin" in str(row.get("roles")).split() and not row.get("delete_at"):
                    yield str(row.get("id"))
            if len(rows) < 200:
                return
            page += 1

    def _write(self, since: float | None) -> float:
        me = self._call("GET", "/api/v4/users/me")
        since = _now(me) if since is None else since
        value = {"run": self.run, "machine": platform.node(), "since": since, "until": _now(me) + _LASTS}
        row = {"user_id": me.json_id, "category": _CATEGORY, "name": _NAME, "value": json.dumps(value)}
        answer = self._call("PUT", f"/api/v4/users/{me.json_id}/preferences", json=[row])
        if not answer.is_success:
            raise MisuseError(f"taking the lease on the server failed: it answered {answer.says}")
        return since

    def _delete(self, holders: list[Holder]) -> None:
        for holder in holders:
            row = {"user_id": holder.user, "category": _CATEGORY, "name": _NAME, "value": "-"}
            self._call("POST", f"/api/v4/users/{holder.user}/preferences/delete", json=[row])

    def _call(self, method: str, url: str, **arguments: Any) -> Exchange:
        return self._client.send(method, url, persona=OPERATOR, token=self._token, headers=NOT_TAPED, **arguments)


def _now(answer: Exchange) -> float:
    """Return the server's time, or ours where it does not tell."""
    try:
        return parsedate_to_datetime(answer.answer_headers["date"]).timestamp()
    except (KeyError, ValueError, OverflowError):
        return time.time()


def _holder(user: str, value: Any) -> Holder | None:
    try:
        told = json.loads(value)
        return Holder(float(told["since"]), str(told["run"]), float(told["until"]), str(told["machine"]), user)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
