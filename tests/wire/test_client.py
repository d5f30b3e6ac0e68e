"""The client: one request, one answer, and nothing carried over from one to the next."""

import json
from threading import Event

import pytest

from mmconform.wire.client import Client, Patience, UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.redact import Redactor

OK = (200, [("Content-Type", "application/json")], b"{}")


@pytest.fixture
def client():
    """Make a client for an address."""
    made = []

    def client(url, **arguments):
        made.append(Client(url, Redactor(replaying=False), **arguments))
        return made[-1]

    yield client
    for one in made:
        one.close()


def headers_of(server, number=-1):
    return {name.lower(): value for name, value in server.requests[number][2].items()}


def test_cookies_are_not_kept(serve, client):
    server = serve(lambda *_: (200, [("Set-Cookie", "MMAUTHTOKEN=abcdefghijklmnop; Path=/")], b""))
    one = client(server.url)
    one.send("GET", "/a", persona="member")
    one.send("GET", "/b", persona="member")
    assert "cookie" not in headers_of(server)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(serve, client, status):
    server = serve(lambda *_: (status, [("Location", "/elsewhere")], b""))
    answer = client(server.url).send("GET", "/a", persona="member")
    assert (answer.status, answer.answer_headers["location"]) == (status, "/elsewhere")
    assert [path for _, path, _, _ in server.requests] == ["/a"]


def test_whoever_has_no_token_sends_no_credential(serve, client, monkeypatch, write):
    """Not even one from the environment."""
    server = serve(lambda *_: OK)
    monkeypatch.setenv("NETRC", str(write("netrc", "machine 127.0.0.1\nlogin a\npassword b\n")))
    client(server.url).send("GET", "/a", persona="anonymous")
    assert {"authorization", "cookie"}.isdisjoint(headers_of(server))


def test_a_token_is_sent_and_is_not_kept_in_the_exchange(serve, client):
    server = serve(lambda *_: OK)
    one = client(server.url)
    answer = one.send("GET", "/a", persona="member", token="abcdefghijklmnop")
    assert headers_of(server)["authorization"] == "Bearer abcdefghijklmnop"
    assert "abcdefghijklmnop" not in str(answer)
    one.send("GET", "/b", persona="anonymous")
    assert "authorization" not in headers_of(server)


def test_no_proxy_of_the_environment_is_asked(serve, client, monkeypatch, closed_port):
    monkeypatch.setenv("HTTP_PROXY", closed_port)
    monkeypatch.setenv("http_proxy", closed_port)
    assert client(serve(lambda *_: OK).url).send("GET", "/a", persona="member").status == 200


def test_a_server_under_a_path_is_asked_there_and_the_exchange_leaves_it_out(serve, client):
    server = serve(lambda *_: OK)
    answer = client(f"{server.url}/chat/").send("GET", "/api/v4/jobs", persona="member", params={"a": "b c"})
    assert server.requests[0][1] == "/chat/api/v4/jobs?a=b+c"
    assert (answer.url, answer.path, answer.query) == ("/api/v4/jobs?a=b+c", "/api/v4/jobs", [("a", "b c")])


def test_an_exchange_holds_what_was_sent_and_answered(serve, client):
    server = serve(lambda *_: (403, [("X-Version-Id", "5.5.0")], b'{"id": "a.b", "message": "no"}'))
    answer = client(server.url).send(
        "POST", "/a", persona="member", operation="CreateJob", about="self", own=frozenset({"x"}), json={"type": "y"}
    )
    assert (answer.operation, answer.persona, answer.about, answer.method) == ("CreateJob", "member", "self", "POST")
    assert answer.body == server.requests[0][3] and answer.json_sent == {"type": "y"}
    assert (answer.status, answer.error_id, answer.says) == (403, "a.b", "403 a.b")
    assert answer.answer_headers["x-version-id"] == "5.5.0" and answer.own == {"x"} and not answer.is_success


@pytest.mark.parametrize(("status", "success"), [(200, True), (204, True), (299, True), (301, False), (400, False), (500, False)])
def test_only_a_2xx_is_a_success(serve, client, status, success):
    answer = client(serve(lambda *_: (status, [], b"")).url).send("GET", "/a", persona="member")
    assert answer.is_success is success


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1, 2]", b'"text"', b"null", b"\xff", b'{"id": 3}'])
def test_an_answer_of_any_shape_can_be_asked_for_its_error_id(serve, client, body):
    answer = client(serve(lambda *_: (500, [], body)).url).send("GET", "/a", persona="member")
    assert answer.error_id == ("3" if b"id" in body else "") and answer.says == f"500 {answer.error_id}".strip()


def test_secrets_are_learnt_from_every_answer(serve, client):
    server = serve(lambda *_: (200, [("Token", "session-0123456789")], b'{"token": "token-9876543210"}'))
    one = client(server.url)
    one.send("GET", "/a", persona="member")
    assert {"session-0123456789", "token-9876543210"} <= one.redactor.values


# -- no answer ---------------------------------------------------------------------------------------------------------


def test_a_closed_port_is_unseen(client, closed_port):
    with pytest.raises(UnseenError, match=r"^GET /a: no connection$"):
        client(closed_port).send("GET", "/a", persona="member")


def test_a_connection_that_is_closed_without_an_answer_is_unseen(serve, client):
    with pytest.raises(UnseenError, match=r"^GET /a: "):
        client(serve(lambda *_: None).url).send("GET", "/a", persona="member")


def test_a_slow_server_is_unseen(serve, client):
    done = Event()
    server = serve(lambda *_: done.wait(5) and OK)
    try:
        with pytest.raises(UnseenError, match=r"^GET /a: no answer in time$"):
            client(server.url, patience=Patience(0.05)).send("GET", "/a", persona="member")
    finally:
        done.set()


def test_an_answer_that_breaks_off_is_unseen(serve, client):
    server = serve(lambda *_: (200, [("Content-Length", "100")], b"short"))
    with pytest.raises(UnseenError, match=r"^GET /a: "):
        client(server.url).send("GET", "/a", persona="member")


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("POST", 1), ("PUT", 1)])
def test_only_a_reading_request_is_sent_again_when_the_connection_was_lost(serve, client, method, times):
    """RFC 9110, 9.2.2: what may have changed something is not repeated."""
    server = serve(lambda *_: None)
    with pytest.raises(UnseenError):
        client(server.url).send(method, "/x", persona="anonymous")
    assert len(server.requests) == times


def test_a_reading_request_is_served_when_it_is_sent_again(serve, client):
    answers = iter([None, (200, [], b"{}")])
    assert client(serve(lambda *_: next(answers)).url).send("GET", "/x", persona="anonymous").status == 200


FIELDS = [
    (200, b'{"b": null, "a": {"c": 1}, "d": true}', {"a": "object", "b": "null", "d": "boolean"}),
    (200, b'[{"a": 1}, {"a": null, "b": []}, 3]', {"[].a": "null|number", "[].b": "absent|array"}),
    (200, b"[]", {}),
    (200, b'"a"', {}),
    (200, b"<html>", {}),
    (403, b'{"id": "x"}', {}),
]


@pytest.mark.parametrize(("status", "body", "fields"), FIELDS)
def test_an_answer_has_fields_with_types(serve, client, status, body, fields):
    assert client(serve(lambda *_: (status, [], body)).url).send("GET", "/a", persona="member").fields == fields


def test_rows_may_have_ever_new_names():
    """Each row is looked at once: 20,000 rows with a name of their own each."""
    rows = [{"id": "x", f"name{number}": number} for number in range(20_000)]
    one = Exchange("", "member", "nobody", "GET", "/a", {}, None, 200, {}, json.dumps(rows).encode())
    assert (one.fields["[].id"], one.fields["[].name7"], len(one.fields)) == ("string", "absent|number", 20_001)
