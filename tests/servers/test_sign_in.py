"""Signing in through something that takes away who asks, or forgets it."""

import itertools
import json

import pytest

from mmconform.errors import MisuseError
from mmconform.servers.live.prepare import sign_in
from mmconform.wire.client import Client
from mmconform.wire.tape.redact import Redactor

SESSION = "s" * 26
ME = {"id": "u" * 26, "username": "boss", "email": "boss@example.com", "roles": "system_user system_admin"}


def refused(status=401):
    error = {"id": "api.context.session_expired.app_error", "message": "no", "detailed_error": "", "status_code": status}
    return status, [("Content-Type", "application/json")], json.dumps(error).encode()


def server(headers, cookie_counts=True):
    """A server that knows one session."""
    cookie = headers.get("Cookie", "") if cookie_counts else ""
    if SESSION in headers.get("Authorization", "") or SESSION in cookie:
        return 200, [("Content-Type", "application/json")], json.dumps(ME).encode()
    return refused()


def come_in(url, ours=("boss", "password")):
    return sign_in(Client(url, Redactor(replaying=False)), ours=ours)


def behind(serve, front):
    """Put ``front(path, headers)`` before the server; it also lets the administrator log in."""

    def answer(method, path, headers, body):
        if path.endswith("/users/login"):
            return 200, [("Token", SESSION), ("Content-Type", "application/json")], json.dumps(ME).encode()
        return front(path, dict(headers))

    return serve(answer).url


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    for name in ("MM_ADMIN_TOKEN", "MM_ADMIN_LOGIN", "MM_ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def test_with_nothing_in_front_the_session_is_returned(serve):
    assert come_in(behind(serve, lambda path, headers: server(headers))) == SESSION


def without_authorization(cookie_counts):
    return lambda path, headers: server({**headers, "Authorization": ""}, cookie_counts)


@pytest.mark.parametrize(("cookie_counts", "shown"), [(True, r" \(as a cookie it is accepted\)"), (False, "")])
def test_what_drops_authorization_is_told_and_no_variable_that_was_not_set(serve, cookie_counts, shown):
    words = rf"^signed in, but the session is not accepted \(401\){shown}: does something in front drop `Authorization`\?$"
    with pytest.raises(MisuseError, match=words):
        come_in(behind(serve, without_authorization(cookie_counts)))


def test_a_token_that_was_given_is_named(serve, monkeypatch):
    monkeypatch.setenv("MM_ADMIN_TOKEN", SESSION)
    with pytest.raises(MisuseError, match=r"^there is MM_ADMIN_TOKEN, but it is not accepted .*as a cookie.*Authorization"):
        come_in(behind(serve, without_authorization(True)), None)
    monkeypatch.setenv("MM_ADMIN_TOKEN", "x" * 26)
    with pytest.raises(MisuseError, match=r"^the server does not accept MM_ADMIN_TOKEN"):
        come_in(behind(serve, lambda path, headers: server(headers)), None)


def cache(store, **marks):
    """A cache that knows addresses and not who asked."""
    ids = itertools.count()

    def front(path, headers):
        if path in store:
            return store[path]
        status, given, content = server(headers)
        named = [("X-Request-Id", f"{next(ids):026}")] if marks.get("named") else []
        if status == 200:
            store[path] = status, [*given, *named, *marks.get("added", [])], content
        return status, [*given, *named], content

    return front


FORGETS = r"forgets who asked|a cache in front of the server"


@pytest.mark.parametrize("marks", [{}, {"named": True}, {"added": [("Age", "3")]}], ids=str)
def test_a_cache_that_forgets_who_asked_is_found_before_anything_is_judged(serve, marks):
    with pytest.raises(MisuseError, match=FORGETS):
        come_in(behind(serve, cache({}, **marks)))


def test_a_server_that_lets_everybody_in_is_no_cache(serve):
    """That is for the run to judge."""
    assert come_in(behind(serve, lambda path, headers: server({"Authorization": SESSION}))) == SESSION


#: Of the server's errors, those in whose place something in front puts pages of its own; the headers it keeps.
PAGES = {"all": {400, 401, 404}, "401": {401}, "404": {404}, "400": {400}}


@pytest.mark.parametrize("which", PAGES)
def test_pages_in_the_place_of_errors_are_found_though_they_bear_the_servers_headers(serve, which):
    def front(path, headers):
        status = 404 if path.endswith("/mmconform") else 400 if path.endswith("/users/x") else 200
        answer = server(headers) if status == 200 else refused(status)
        if answer[0] in PAGES[which]:
            return answer[0], [("Content-Type", "text/html; charset=utf-8")], b"<html>Sorry</html>"
        return answer

    with pytest.raises(MisuseError, match=r"with text/html in the place of the server's error: something in front"):
        come_in(behind(serve, front))
