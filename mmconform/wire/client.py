"""Sends requests. Keeps no cookies, follows no redirects, reads no proxy or netrc from the environment.

Nothing that a server does keeps a request from ending: it has so many seconds, waits included, and its answer so many
bytes. What could not be seen within that says nothing about the server. Each request has a connection of its own, so that
nothing that follows an answer can be taken for the next.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import chain
from math import inf
from threading import Thread
from typing import Any, NamedTuple, Protocol

import requests

from mmconform.errors import plain
from mmconform.wire.connection import Adapter
from mmconform.wire.exchange import Exchange
from mmconform.wire.origin import Answer, Origin
from mmconform.wire.reasons import reason, was_refused
from mmconform.wire.tape.cassette import NOT_TAPED, NotOnTape, Player
from mmconform.wire.tape.redact import Redactor

#: No answer of this API is larger, or nested deeper; what is, is not read to its end.
MOST_BYTES, DEEPEST = 16 * 2**20, 100
_PIECE = 2**16
#: The codings of an answer that can be read; none is asked for.
_CODINGS = ("", "identity", "gzip", "x-gzip", "deflate")
#: How gzip and zstd begin.
_SQUEEZED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
_TOO_MANY = 429
#: How long to wait after a 429 that does not say, and after the first one whatever it says; after each further one twice as long.
_A_WHILE, _LEAST = 1.0, 0.5
#: How long to wait before asking again a server at which nobody listens.
_RESTART = 0.5
#: How long an interrupted run waits for the answer that is on its way, so that it knows what to undo.
_GRACE = 5.0


class UnseenError(Exception):
    """No answer came, or not a whole one, or none of the server's own: nothing can be said about the server.

    Attributes:
        reason: Why, without the request: the same tomorrow.
    """

    def __init__(self, request: str, reason: str) -> None:
        super().__init__(f"{request}: {reason}")
        self.reason = reason


class HeldBackError(Exception):
    """A request was not sent, since it would do harm: nothing can be said about the server.

    Attributes:
        reason: One word for it, by which such requests are counted.
    """

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(why)
        self.reason = reason


class NotTapedError(Exception):
    """The tape has no answer to this request: nothing can be said about the server."""


@dataclass(frozen=True)
class Patience:
    """How long to wait.

    Attributes:
        request: Seconds for one request and its whole answer.
        until: When to send nothing any more, on the monotonic clock, which all processes of a machine share.
    """

    request: float = 60
    until: float = inf

    @classmethod
    def of_a_command(cls, seconds: float) -> "Patience":
        """Return how long a whole command that begins now may wait for servers."""
        return cls(until=time.monotonic() + seconds)

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until

    @property
    def left(self) -> float:
        """Seconds that a request that begins now may take."""
        return min(self.request, self.until - time.monotonic())


PATIENT = Patience()


class Sending(NamedTuple):
    """A request that is about to be sent: its method and address, what is meant by it, who asks and about whose resource.

    Attributes:
        is_spending: What it may consume, the caller's session too, was made for this request.
    """

    method: str
    url: str
    operation: str
    persona: str
    about: str
    is_spending: bool = False
    body: bytes = b""


class Guarding(Protocol):
    """What every request to a live server passes by."""

    def before(self, sending: Sending) -> None:
        """Let it through, or raise HeldBackError."""

    def after(self, sending: Sending, status: int, answer: bytes = b"") -> None:
        """Take note of its answer, of which the status is 0 where none came; or raise UnseenError: it is nobody's to judge."""


class Client:
    """An HTTP client for one target.

    Args:
        base_url: Scheme, host and, where the server lives under one, path; no slash at the end.
        redactor: Learns every secret that an answer carries.
        origin: Tells the server's own answers from others'.
        guard: Decides what is sent; without one everything is.
        player: Answers instead of a server.
    """

    def __init__(
        self,
        base_url: str,
        redactor: Redactor,
        patience: Patience = PATIENT,
        origin: Origin | None = None,
        guard: Guarding | None = None,
        player: Player | None = None,
    ) -> None:
        self.guard, self.player = guard, player
        self.redactor = redactor
        self.base_url = base_url.rstrip("/")
        self.patience = patience
        self.origin = origin or Origin()
        self.settings: tuple[str, ...] = ()
        self._adapter = Adapter()
        self._trusted = os.environ.get("MM_CA_BUNDLE") or True

    def send(
        self,
        method: str,
        url: str,
        *,
        persona: str,
        token: str | None = None,
        operation: str = "",
        about: str = "nobody",
        meant: str = "",
        own: frozenset[str] = frozenset(),
        is_spending: bool = False,
        headers: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> Exchange:
        """Send one request (``json``, ``data``, ``params`` as in requests) and return the exchange.

        Args:
            about: As in :class:`mmconform.wire.exchange.Exchange`; ``meant`` and ``own`` too.
            is_spending: As in :class:`Sending`.

        Raises:
            HeldBackError: the guard does not let it through.
            UnseenError: the connection failed, took too long, or broke off; the answer is too large or too deep to be
                read; the server asks for fewer requests (429) for longer than there is time; or a gateway answered.
            NotTapedError: the answers come from a tape, and it has none to this.
        """
        prepared = _prepared(method, self.base_url + url, headers or {}, **arguments)
        sent = {name: value for name, value in prepared.headers.items() if name.lower() != "content-length"}
        if token:
            prepared.headers["Authorization"] = f"Bearer {token}"
        address = str(prepared.url)[len(self.base_url) :] or "/"
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        sending = Sending(method, address, operation, persona, meant or about, is_spending, body or b"")
        answer = self._guarded(sending, f"{method} {url}", prepared)
        self.redactor.learn_answer({name: [value] for name, value in answer.headers.items()}, answer.content)
        return Exchange(
            operation,
            persona,
            about,
            method,
            address,
            sent,
            body,
            answer.status,
            answer.headers,
            answer.content,
            own,
            self.redactor.whose(token, persona) if token else "",
            settings=self.settings,
            meant="" if meant == about else meant,
        )

    @contextmanager
    def under(self, *settings: str) -> Iterator[None]:
        """Have the exchanges of a while say what the run has set otherwise on the server."""
        before = self.settings
        self.settings = (*before, *settings)
        try:
            yield
        finally:
            self.settings = before

    def _guarded(self, sending: Sending, request: str, prepared: requests.PreparedRequest) -> Answer:
        if self.guard is None:
            return self._answer(request, prepared, f"{sending.operation or request} by {sending.persona}")
        self.guard.before(sending)
        status, content = 0, b""
        try:
            answer = self._answer(request, prepared, f"{sending.operation or request} by {sending.persona}")
            status, content = answer.status, answer.content
        finally:
            self.guard.after(sending, status, content)
        return answer

    def _answer(self, request: str, prepared: requests.PreparedRequest, asked: str) -> Answer:
        """Return what the server itself answers, as soon as it listens and has no reason any more to refuse the message."""
        until, least = time.monotonic() + self.patience.left, _LEAST
        while True:
            left = until - time.monotonic()
            if left <= 0:
                raise UnseenError(request, "the run has no time left")
            try:
                answer = self._played(prepared) if self.player else self._within(left, partial(self._send, prepared, left, asked))
            except NotOnTape:
                raise NotTapedError(request) from None
            except requests.RequestException as error:
                if was_refused(error):
                    self.origin.nobody_listens()
                if not (was_refused(error) and self._waits_for_the_server(until)):
                    raise UnseenError(request, reason(error)) from error
                continue
            except _UnreadableError as error:
                raise UnseenError(request, str(error)) from None
            except ValueError:  # of http.client, which shows the header; a credential is not for showing
                raise UnseenError(request, "a header holds characters that cannot be sent") from None
            self.origin.answered()
            if answer.status == _TOO_MANY:
                wait = 0 if self.redactor.replaying else max(_asked_to_wait(answer.headers), least)
                if wait >= until - time.monotonic():
                    raise UnseenError(request, "the server asks for fewer requests (429)")
                time.sleep(wait)
                least *= 2
            elif doubt := self._doubt(prepared, answer):
                raise UnseenError(request, doubt)
            else:
                return answer

    def _waits_for_the_server(self, until: float) -> bool:
        """Wait a moment for a server that has answered before and is perhaps restarted; not once more for one that is gone."""
        if self.origin.has_answered and not self.origin.is_gone and time.monotonic() + _RESTART < until:
            time.sleep(_RESTART)
            return True
        self.origin.is_gone = self.origin.has_answered
        return False

    def _doubt(self, prepared: requests.PreparedRequest, answer: Answer) -> str:
        """Return why an answer says nothing about the server; nothing where it does."""
        if not self.redactor.replaying and (doubt := self.origin.doubt(prepared, answer)):
            return doubt
        if "json" in answer.headers.get("content-type", "") and answer.content.startswith(_SQUEEZED):
            return "the answer is compressed twice, or does not say that it is"
        return "the answer is nested too deeply" if _depth(answer.content) > DEEPEST else ""

    def _played(self, prepared: requests.PreparedRequest) -> Answer:
        assert self.player
        return self.player.answer(str(prepared.method), str(prepared.url), prepared.headers, prepared.body)

    def _within(self, seconds: float, work: Callable[[], Answer]) -> Answer:
        """Do the work on another thread, and leave it alone when it takes longer.

        A timeout of a socket is between two bytes; a server that sends one now and then would never meet it.
        """
        done: list[Answer] = []
        failed: list[BaseException] = []

        def run() -> None:
            try:
                done.append(work())
            except BaseException as error:
                failed.append(error)

        thread = Thread(target=run, daemon=True)
        thread.start()
        try:
            thread.join(seconds)
        except BaseException:
            thread.join(min(seconds, _GRACE))
            raise
        if failed:
            raise failed[0]
        if not done:
            self._adapter = Adapter()  # the old one's connections are the thread's
            raise requests.exceptions.ReadTimeout
        return done[0]

    def _send(self, prepared: requests.PreparedRequest, seconds: float, asked: str) -> Answer:
        """Send; a GET once more when the connection was lost, as RFC 9110, 9.2.2 allows.

        A server may close a connection just when the next request is on its way; that says nothing about the server.
        """
        try:
            return self._send_once(prepared, seconds)
        except requests.exceptions.ConnectTimeout:
            raise
        except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            if not was_refused(error):
                self.origin.broke_off(asked)
            if prepared.method != "GET":
                raise
            return self._send_once(prepared, seconds)

    def _send_once(self, prepared: requests.PreparedRequest, seconds: float) -> Answer:
        # The adapter, not a session: that one also looks into where a redirect would lead. Its timeout, a little longer
        # than anybody waits, only ends the thread.
        is_recorded = not NOT_TAPED.items() <= prepared.headers.items()
        adapter = self._adapter if is_recorded else Adapter(is_recorded=False)
        response = adapter.send(prepared, stream=True, timeout=seconds + 1, verify=self._trusted)
        try:
            return Answer(response.status_code, _lower(response.headers), _whole(response))
        finally:
            response.close()  # which gives the connection back; an answer that vcrpy recorded does not by itself
            adapter.close()  # its connection too: nothing that still comes is the answer to the next request

    def close(self) -> None:
        self._adapter.close()


def _prepared(
    method: str, url: str, headers: Mapping[str, str], *, params: Any = "", data: Any = None, json: Any = None, files: Any = None
) -> requests.PreparedRequest:
    """Return a request as requests puts it into form, without the cookies and credentials that it would look for elsewhere."""
    request = requests.PreparedRequest()
    request.prepare_method(method)
    request.prepare_url(url, params)
    request.prepare_headers(headers)
    request.prepare_body(data, files, json)
    return request


class _UnreadableError(Exception):
    """What came is no answer that anybody would read."""


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _whole(response: requests.Response) -> bytes:
    """Read an answer to its end.

    Raises:
        _UnreadableError: it is too large, or in a coding that nobody asked for.
    """
    codings = [coding.strip().lower() for coding in response.headers.get("Content-Encoding", "").split(",")]
    if strange := [coding for coding in codings if coding not in _CODINGS]:
        raise _UnreadableError(f"the answer is in a coding that nobody asked for ({plain(strange[0])[:20]})")
    pieces, size = [], 0
    for piece in response.iter_content(_PIECE):
        size += len(piece)
        if size > MOST_BYTES:
            raise _UnreadableError(f"the answer is larger than {MOST_BYTES // 2**20} MB")
        pieces.append(piece)
    return b"".join(pieces)


def _asked_to_wait(headers: Mapping[str, str]) -> float:
    """Return the seconds of ``Retry-After``, which gives them or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0)
    except (ValueError, OverflowError):
        return _A_WHILE


def _depth(content: bytes) -> int:
    """Return how deep the JSON is nested; 0 for what is no JSON, and for what has too few brackets to be deep."""
    if content.count(b"[") + content.count(b"{") <= DEEPEST:
        return 0
    try:
        level = [json.loads(content)]
    except ValueError:
        return 0
    except RecursionError:
        return DEEPEST + 1
    depth = 0
    while level := [node for node in level if isinstance(node, list | dict)]:
        depth += 1
        level = list(chain.from_iterable(node.values() if isinstance(node, dict) else node for node in level))
    return depth
