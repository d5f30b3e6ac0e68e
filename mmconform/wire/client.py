"""Sends requests. Keeps no cookies, follows no redirects, reads no proxy or netrc from the environment.

Nothing that a server does keeps a request from ending: it has so many seconds, waits included, and its answer so many
bytes. What could not be seen within that says nothing about the server.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import chain
from math import inf
from threading import Thread
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.cassette import NotOnTape
from mmconform.wire.tape.redact import Redactor

#: No answer of this API is larger, or nested deeper; what is, is not read to its end.
MOST_BYTES, DEEPEST = 16 * 2**20, 100
_PIECE = 2**16
#: RFC 9110, 15.6.3 to 15.6.5: with these a gateway says that it got no answer from the server behind it.
_OF_GATEWAYS = (502, 503, 504)
_TOO_MANY = 429
#: How long to wait after a 429 that does not say.
_A_WHILE = 1.0
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

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until

    @property
    def left(self) -> float:
        """Seconds that a request that begins now may take."""
        return min(self.request, self.until - time.monotonic())


PATIENT = Patience()


class Client:
    """An HTTP client for one target.

    Args:
        base_url: Scheme, host and, where the server lives under one, path; no slash at the end.
        redactor: Learns every secret that an answer carries.
    """

    def __init__(self, base_url: str, redactor: Redactor, patience: Patience = PATIENT) -> None:
        self.redactor = redactor
        self.base_url = base_url.rstrip("/")
        self.patience = patience
        self._adapter = HTTPAdapter()
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
        own: frozenset[str] = frozenset(),
        headers: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> Exchange:
        """Send one request (``json``, ``data``, ``params`` as in requests) and return the exchange.

        Raises:
            UnseenError: the connection failed, took too long, or broke off; the answer is too large or too deep to be
                read; the server asks for fewer requests (429) for longer than there is time; or a gateway answered.
            NotTapedError: the answers come from a tape, and it has none to this.
        """
        prepared = requests.Request(method, self.base_url + url, headers=dict(headers or {}), **arguments).prepare()
        sent = {name: value for name, value in prepared.headers.items() if name.lower() != "content-length"}
        if token:
            prepared.headers["Authorization"] = f"Bearer {token}"
        status, answered, content = self._answer(f"{method} {url}", prepared)
        self.redactor.learn_answer({name: [value] for name, value in answered.items()}, content)
        body = prepared.body
        return Exchange(
            operation,
            persona,
            about,
            method,
            str(prepared.url)[len(self.base_url) :] or "/",
            sent,
            body.encode() if isinstance(body, str) else body,
            status,
            {name.lower(): value for name, value in answered.items()},
            content,
            own,
        )

    def _answer(self, request: str, prepared: requests.PreparedRequest) -> "_Answer":
        """Return what the server itself answers, as soon as it has no reason any more to refuse the message."""
        began = time.monotonic()
        while True:
            left = self.patience.left - (time.monotonic() - began)
            if left <= 0:
                raise UnseenError(request, "the run has no time left")
            try:
                answer = self._within(left, partial(self._send, prepared, left))
            except NotOnTape:
                raise NotTapedError(request) from None
            except requests.RequestException as error:
                raise UnseenError(request, _reason(error)) from error
            except _UnreadableError as error:
                raise UnseenError(request, str(error)) from None
            except ValueError:  # of http.client, which shows the header; a credential is not for showing
                raise UnseenError(request, "a header holds characters that cannot be sent") from None
            status, headers, content = answer
            if status == _TOO_MANY:
                wait = 0 if self.redactor.replaying else _asked_to_wait(headers)
                if wait >= self.patience.left - (time.monotonic() - began):
                    raise UnseenError(request, "the server asks for fewer requests (429)")
                time.sleep(wait)
            elif status in _OF_GATEWAYS and not _is_the_servers_own(headers, content):
                raise UnseenError(request, f"a gateway in front of the server answered {status}")
            elif _depth(content) > DEEPEST:
                raise UnseenError(request, "the answer is nested too deeply")
            else:
                return answer

    def _within(self, seconds: float, work: "Callable[[], _Answer]") -> "_Answer":
        """Do the work on another thread, and leave it alone when it takes longer.

        A timeout of a socket is between two bytes; a server that sends one now and then would never meet it.
        """
        if self.redactor.replaying:
            return work()
        done: list[_Answer] = []
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
            self._adapter = HTTPAdapter()  # the old one's connections are the thread's
            raise requests.exceptions.ReadTimeout
        return done[0]

    def _send(self, prepared: requests.PreparedRequest, seconds: float) -> "_Answer":
        """Send; a GET once more when the connection was lost, as RFC 9110, 9.2.2 allows.

        A server may close a connection just when the next request is on its way; that says nothing about the server.
        """
        try:
            return self._send_once(prepared, seconds)
        except requests.exceptions.ConnectTimeout:
            raise
        except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError):
            if prepared.method != "GET":
                raise
            return self._send_once(prepared, seconds)

    def _send_once(self, prepared: requests.PreparedRequest, seconds: float) -> "_Answer":
        # The adapter, not a session: that one also looks into where a redirect would lead. Its timeout, a little longer
        # than anybody waits, only ends the thread.
        response = self._adapter.send(prepared, stream=True, timeout=seconds + 1, verify=self._trusted)
        try:
            pieces, size = [], 0
            for piece in response.iter_content(_PIECE):
                size += len(piece)
                if size > MOST_BYTES:
                    raise _UnreadableError(f"the answer is larger than {MOST_BYTES // 2**20} MB")
                pieces.append(piece)
        except BaseException:
            response.close()
            raise
        return response.status_code, dict(response.headers), b"".join(pieces)

    def close(self) -> None:
        self._adapter.close()


#: Status, headers, body.
_Answer = tuple[int, dict[str, str], bytes]


class _UnreadableError(Exception):
    """What came is no answer that anybody would read."""


def _is_the_servers_own(headers: Mapping[str, str], content: bytes) -> bool:
    """Whether a Mattermost server wrote an answer: it puts its version into every one, and an ``AppError`` into this."""
    if any(name.lower() == "x-version-id" for name in headers):
        return True
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and isinstance(data.get("id"), str) and "message" in data


def _asked_to_wait(headers: Mapping[str, str]) -> float:
    """Return the seconds of ``Retry-After``, which gives them or a date (RFC 9110, 10.2.3)."""
    given = next((value for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
    if given.isascii() and given.isdigit():
        return float(given[:9])
    try:
        return max(parsedate_to_datetime(given).timestamp() - time.time(), 0)
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


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted (MM_CA_BUNDLE names a file of your own authority)"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer broke off"
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return "the answer is not in the encoding that it names"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection"
    return type(error).__name__
