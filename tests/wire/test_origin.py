"""Who answered: what is not the server's own is told from what is, whatever its status and however it looks."""

import json

import pytest
from requests import Request

from mmconform.errors import MisuseError
from mmconform.servers.target import live
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.origin import REQUEST_ID, VERSION_ID, Answer, Origin
from mmconform.wire.tape.redact import Redactor

OURS = {VERSION_ID: "5.36.0.5.36.1.1f0b9aa9fa8e1e6f4ecd24d7e4f03ba7.false"}
JSON = {"content-type": "application/json"}
PLAIN = {"content-type": "text/plain; charset=utf-8"}
PAGE = {"content-type": "text/html; charset=utf-8", "server": "nginx"}
APP_ERROR = {"id": "api.context.404.app_error", "message": "No page.", "detailed_error": "", "status_code": 404}


def asked(path="/api/v4/users/me", method="GET", **headers):
    return Request(method, f"http://127.0.0.1:8065{path}", headers=headers).prepare()


def doubt(status, headers, content=b"", origin=None, request=None):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return (origin or Origin()).doubt(request or asked(), Answer(status, headers, body))


# -- others' -----------------------------------------------------------------------------------------------------------

PAGES = [(status, PAGE, b"<html>") for status in (200, 204, 302, 400, 401, 403, 404, 405, 413, 414, 431, 451, 460, 499, 500, 503)]
PAGES += [(status, PAGE, b"") for status in (*range(520, 531), 561, 599)]
LIKE_ERRORS = [
    {"id": "unauthorized", "message": "Unable to authenticate you.", "request_id": "4d9d"},
    {"id": "req-8f1", "message": "Forbidden", "status_code": 403},
    {"id": "a.b", "message": "Forbidden", "status_code": 403},
    {"message": "no Route matched with those values"},
    {**APP_ERROR, "status_code": 502},
    {**APP_ERROR, "id": "Not found!", "status_code": 403},
    {**APP_ERROR, "id": 7, "status_code": 403},
    {"error": APP_ERROR},
    [APP_ERROR],
    "Forbidden",
    None,
]


@pytest.mark.parametrize(("status", "headers", "content"), PAGES)
def test_a_page_of_somebody_else_is_told_whatever_its_status(status, headers, content):
    assert doubt(status, headers, content) == f"a gateway in front of the server answered {status}"


@pytest.mark.parametrize("data", LIKE_ERRORS, ids=range(len(LIKE_ERRORS)))
@pytest.mark.parametrize("mark", [VERSION_ID, REQUEST_ID, ""])
def test_a_gateways_json_is_no_error_of_the_server(data, mark):
    assert doubt(403, JSON, data, Origin(mark)) == "a gateway in front of the server answered 403"


def test_a_redirect_says_where_it_leads_without_what_is_new_every_time():
    to = {"location": "https://sso.example/login?state=f00d#x"}
    assert doubt(302, to).endswith("answered 302, which leads to https://sso.example/login")
    assert "\x1b" not in doubt(302, {"location": "https://x/\x1b[1m"})


GO = [
    (400, PLAIN, b"400 Bad Request"),
    (404, PLAIN, b"404 page not found\n"),
    (431, PLAIN, b"431 Request Header Fields Too Large"),
    (414, PLAIN, b"basicSecurityChecks: URL is too long\n"),
    (301, {"location": "/api/v4/users"}, b""),
    (301, {"location": "https://127.0.0.1/api/v4/users/me"}, b""),
    (301, {"location": "/login"}, b""),
]


@pytest.mark.parametrize(("status", "headers", "content"), GO)
def test_a_gateway_written_in_go_is_told_by_what_was_asked(status, headers, content):
    """Nothing is wrong with the request, so Go's own HTTP server has nothing to say to it."""
    assert doubt(status, headers, content)


# -- its own -----------------------------------------------------------------------------------------------------------

OWN = [
    (200, OURS | JSON, b"[]"),
    (500, OURS, b"<html>oops</html>"),
    (404, PLAIN, APP_ERROR),
    (414, JSON, {"id": "basic_security_check.url.too_long_error", "message": "long", "detailed_error": "", "status_code": 414}),
    (500, JSON, {"id": "", "message": "Internal Server Error", "detailed_error": "", "status_code": 500}),
]


@pytest.mark.parametrize(("status", "headers", "content"), OWN)
def test_the_servers_own_is_told_by_its_version_or_its_error(status, headers, content):
    assert doubt(status, headers, content) == ""


#: What the pages of old servers say in the router's place: to 4.6, and to 5.22.
SORRY = b'<a href="/error?message=Sorry%2C+we+could+not+find+the+page.&amp;details=">Not Found</a>.\n\n'
GONE = (
    b"<!DOCTYPE html><html><head></head>\n"
    b"<body onload=\"window.location = '/error?message\\u003DSorry%2C+no+page.\\u0026s\\u003DME'\">\n"
    b'<noscript><meta http-equiv="refresh" content="0; url=/error?message=Sorry%2C+no+page.&amp;s=ME"></noscript>\n'
    b'<a href="/error?message=Sorry%2C+no+page.&amp;s=ME" style="color: #c0c0c0;">...</a>\n</body></html>\n'
)

BARE = [
    (asked("/api/v4/users/a%0Ab"), 404, PAGE, SORRY),
    (asked("/api/v4/users/a%0Ab"), 404, PAGE, GONE),
    (asked("/api/v4/users/a%0Ab"), 404, PLAIN, b"404 page not found\n"),
    (asked(Cookie="a=\x01"), 400, PLAIN, b"400 Bad Request: invalid header value"),
    (asked("/api/v4/users?q=" + "x" * 2**20), 431, PLAIN, b"431 Request Header Fields Too Large"),
    (asked("/api/v4/users?q=" + "x" * 2**11), 414, PLAIN, b"basicSecurityChecks: URL is too long\n"),
    (asked("/api/v4//users/me?a=b"), 301, {"location": "/api/v4/users/me?a=b"}, b""),
    (asked("/api/v4/users//"), 301, {"location": "/api/v4/users/"}, b""),
    (asked("/chat/api/v4/users//me"), 301, {"location": "/api/v4/users/me"}, b""),
]


@pytest.mark.parametrize(("request_", "status", "headers", "content"), BARE, ids=range(len(BARE)))
def test_what_go_says_to_an_odd_request_is_the_servers_own(request_, status, headers, content):
    assert doubt(status, headers, content, request=request_) == ""
    assert doubt(status, headers | PAGE, b"<html>", request=request_)
    assert doubt(status, headers, content, request=asked("/api/v4/users/me")) or status != 404, "asked for something ordinary"


# -- where the version is stripped -------------------------------------------------------------------------------------

NAMED = {REQUEST_ID: "1mxkkjr1sjdumyd5g1mhwmpfho"}


def test_the_first_answers_show_by_what_the_server_is_told():
    assert Origin.learn([OURS, OURS]).mark == Origin.learn([{}, OURS]).mark == VERSION_ID
    assert Origin.learn([NAMED, NAMED]).mark == REQUEST_ID
    assert Origin.learn([NAMED, {REQUEST_ID: "2b5c-uuid"}]).mark == Origin.learn([{}, {}]).mark == ""


@pytest.mark.parametrize("mark", [REQUEST_ID, ""])
def test_where_the_version_is_stripped_errors_are_told_by_their_form(mark):
    assert doubt(404, PLAIN, APP_ERROR, Origin(mark)) == ""
    assert doubt(404, PAGE, b"<html>", Origin(mark))
    assert doubt(200, PAGE, b"<html>", Origin(mark))


def test_where_the_version_is_stripped_a_success_bears_a_name_of_the_servers():
    assert doubt(200, JSON | NAMED, b"[]", Origin(REQUEST_ID)) == ""
    assert doubt(200, JSON | {REQUEST_ID: "9f1c2d3e-0000-4000-8000-0123456789ab"}, b"[]", Origin(REQUEST_ID))


@pytest.mark.parametrize(
    ("content", "believed"), [(b"[]", True), (b"{}", True), (b'"in"', False), (b"hello", False), (b"", False)]
)
def test_where_every_mark_is_stripped_a_success_is_json(content, believed):
    assert (doubt(200, JSON, content, Origin("")) == "") is believed


# -- caches, and other servers -----------------------------------------------------------------------------------------

KEPT = [
    {"age": "31"},
    {"x-cache": "HIT"},
    {"x-cache": "Hit from cloudfront"},
    {"cf-cache-status": "HIT"},
    {"x-cache-status": "STALE"},
]
PASSED = [{"age": "0"}, {"age": "soon"}, {"x-cache": "MISS"}, {"cf-cache-status": "DYNAMIC"}, {"x-cache-status": "BYPASS"}]


@pytest.mark.parametrize("headers", KEPT)
def test_what_a_cache_kept_is_not_the_answer_to_this_request(headers):
    assert doubt(200, OURS | headers, b"[]").startswith("a cache in front of the server answered (")


@pytest.mark.parametrize("headers", PASSED)
def test_what_a_cache_let_pass_is(headers):
    assert doubt(200, OURS | headers, b"[]") == ""


def test_one_answer_given_twice_is_told_by_its_name():
    origin = Origin()
    assert doubt(200, OURS | NAMED, b"[]", origin) == ""
    assert "gave one answer twice" in doubt(200, OURS | NAMED, b"[]", origin)
    assert doubt(200, OURS | {REQUEST_ID: "x" * 26}, b"[]", origin) == ""


def test_a_name_that_every_answer_bears_names_none():
    origin = Origin()
    for path in ("/a", "/b", "/a", "/a"):
        assert doubt(200, OURS | NAMED, b"[]", origin, asked(path)) == ""


def version(text):
    return {VERSION_ID: text}


def test_after_another_server_has_answered_nothing_is_judged():
    origin = Origin.learn([version("11.1.0.11.1.0.aaaa.false")])
    assert doubt(200, version("11.1.0.11.1.0.bbbb.false"), b"[]", origin) == ""
    assert doubt(200, version("11.1.0.11.1.0.bbbb.true"), b"[]", origin) == ""
    assert "it was 11.1.0.11.1.0, and 11.2.0.11.2.0 answers" in doubt(200, version("11.2.0.11.2.0.aaaa.false"), b"[]", origin)
    assert doubt(200, version("11.1.0.11.1.0.bbbb.false"), b"[]", origin)
    assert doubt(404, PLAIN, APP_ERROR, origin)
    assert doubt(200, version("11.2.0.11.2.0.aaaa.false"), b"[]", origin.of_any_build()) == ""


def test_on_a_tape_nothing_of_this_is_decided(serve):
    server = serve(lambda *_: (403, [("X-Version-Id", ""), ("Content-Type", "text/html"), ("Age", "9")], b"<html>"))
    with pytest.raises(UnseenError):
        Client(server.url, Redactor(replaying=False)).send("GET", "/a", persona="member")
    assert Client(server.url, Redactor(replaying=True)).send("GET", "/a", persona="member").status == 403


# -- the first look ----------------------------------------------------------------------------------------------------

ABOUT = {"Version": "5.36.0", "BuildNumber": "5.36.1", "BuildHash": "0"}


def server_that(says, *headers):
    """What a server says about itself, behind something that strips its version."""
    return lambda *_: (200, [("Content-Type", "application/json"), ("X-Version-Id", ""), *headers], json.dumps(says).encode())


def strip(monkeypatch):
    """Let an empty X-Version-Id be none, as the fake server has to send one."""
    whole = Client._answer

    def without(self, *given):
        answer = whole(self, *given)
        return Answer(answer.status, {n: v for n, v in answer.headers.items() if n != VERSION_ID}, answer.content)

    monkeypatch.setattr(Client, "_answer", without)


def test_a_server_whose_version_is_stripped_is_a_server(serve, monkeypatch):
    strip(monkeypatch)
    target = live(serve(server_that(ABOUT)).url)
    assert (str(target.version), target.origin.mark) == ("5.36.1", "")
    assert "strips X-Version-Id and X-Request-Id" in target.origin.remark


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((301, [("Location", "https://chat.example/api/v4/system/ping")], b""), "redirects to https://chat.example;"),
        ((302, [("Location", "/login")], b"<html>"), "redirects to /login;"),
        (
            (200, [("Content-Type", "text/html")], b"<html>"),
            "is not a Mattermost server: /api/v4/system/ping answered 200 with text/html",
        ),
        ((400, [], b"Client sent an HTTP request to an HTTPS server.\n"), "speaks TLS: give https://"),
    ],
)
def test_what_is_no_server_is_told_in_a_line(serve, answer, words):
    with pytest.raises(MisuseError) as caught:
        live(serve(lambda *_: answer).url)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_json_of_somebody_else_lacks_the_version(serve, monkeypatch):
    strip(monkeypatch)
    with pytest.raises(MisuseError, match=r"answered 200 with application/json, without X-Version-Id"):
        live(serve(server_that({"status": "OK"})).url)
