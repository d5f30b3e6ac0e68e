"""Sends requests. Keeps no cookies, follows no redirects, reads no proxy or netrc from the environment."""

import os
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests

from mmconform.exchange import Exchange
from mmconform.tape.cassette import NotOnTape
from mmconform.tape.redact import Redactor


class UnseenError(Exception):
    """No answer came, or not a whole one: nothing can be said about the server."""


class NotTapedError(Exception):
    """The tape has no answer to this request: nothing can be said about the server."""


class Client:
    """An HTTP client for one target.

    Args:
        base_url: Scheme, host and, where the server lives under one, path; no slash at the end.
        redactor: Learns every secret that an answer carries.
        timeout: Seconds to wait for a connection, and for each part of an answer.
    """

    def __init__(self, base_url: str, redactor: Redactor, timeout: float = 30) -> None:
        self.redactor = redactor
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = os.environ.get("MM_CA_BUNDLE") or True
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.clear()

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
            UnseenError: the connection failed, timed out, or broke off.
            NotTapedError: the answers come from a tape, and it has none to this.
        """
        request = requests.Request(method, self.base_url + url, headers=dict(headers or {}), **arguments)
        prepared = self._session.prepare_request(request)
        sent = {name: value for name, value in prepared.headers.items() if name.lower() != "content-length"}
        if token:
            prepared.headers["Authorization"] = f"Bearer {token}"
        try:
            response = self._send(prepared)
        except NotOnTape:
            raise NotTapedError(f"{method} {url}") from None
        except requests.RequestException as error:
            raise UnseenError(f"{method} {url}: {_reason(error)}") from error
        except ValueError:  # of http.client, which shows the header; a credential is not for showing
            raise UnseenError(f"{method} {url}: a header holds characters that cannot be sent") from None
        self.redactor.learn_answer({name: [value] for name, value in response.headers.items()}, response.content)
        body = prepared.body
        return Exchange(
            operation,
            persona,
            about,
            method,
            str(prepared.url)[len(self.base_url) :] or "/",
            sent,
            body.encode() if isinstance(body, str) else body,
            response.status_code,
            {name.lower(): value for name, value in response.headers.items()},
            response.content,
            own,
        )

    def _send(self, prepared: requests.PreparedRequest) -> requests.Response:
        """Send; a GET once more when the connection was lost, as RFC 9110, 9.2.2 allows.

        A server may close a connection just when the next request is on its way; that says nothing about the server.
        """
        try:
            return self._session.send(prepared, allow_redirects=False, timeout=self.timeout)
        except requests.exceptions.ConnectTimeout:
            raise
        except requests.exceptions.ConnectionError:
            if prepared.method != "GET":
                raise
            return self._session.send(prepared, allow_redirects=False, timeout=self.timeout)

    def close(self) -> None:
        self._session.close()


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted (MM_CA_BUNDLE names a file of your own authority)"
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ReadTimeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection"
    return type(error).__name__
