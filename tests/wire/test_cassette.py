"""Cassettes: what is written is safe and whole, and what is played is what was recorded."""

import json
from threading import Event, Thread

import pytest
from vcr.serializers import yamlserializer

from mmconform.errors import MisuseError
from mmconform.files import write_whole
from mmconform.wire.client import Client, NotTapedError
from mmconform.wire.tape.cassette import NOT_TAPED, TAPE_URL, CompactYaml, Player, recording_to
from mmconform.wire.tape.redact import Redactor

#: One in every place in which a server hands secrets out.
CANARIES = [f"canary{name:a<20}" for name in ("header", "cookie", "csrf", "field", "deep", "secret", "refresh", "turn")]
HEADER, COOKIE, CSRF, FIELD, DEEP, SECRET, REFRESH, TURN = CANARIES


def telltale(method, path, headers, body):
    """Answers with secrets in every place, and with those of the last answer elsewhere."""
    answer = {
        "token": FIELD,
        "rows": [{"props": {"access_token": DEEP}}],
        "client_secret": SECRET,
        "refresh_token": REFRESH,
        "turn_password": TURN,
        "note": f"the token is {FIELD} and the session {HEADER}",
    }
    headers = [
        ("Content-Type", "application/json"),
        ("Token", HEADER),
        ("Set-Cookie", f"MMAUTHTOKEN={COOKIE}; Path=/; HttpOnly"),
        ("Set-Cookie", f"MMCSRF={CSRF}; Path=/"),
        ("X-Request-Id", HEADER),
    ]
    return 200, headers, json.dumps(answer).encode()


@pytest.fixture
def tape(tmp_path, serve):
    """Record what ``requests`` (a function of a client) asks of a server; returns a function that replays."""

    class Tape:
        path = tmp_path / "tape" / "one.yaml"

        def record(self, answer, requests):
            server = serve(answer)
            redactor = Redactor(replaying=False)
            client = Client(server.url, redactor)
            with recording_to(self.path, redactor, server.url):
                return requests(client)

        def replay(self, requests):
            redactor = Redactor(replaying=True)
            return requests(Client(TAPE_URL, redactor, player=Player(self.path, redactor, TAPE_URL)))

    return Tape()


def counting():
    """Answers 1, 2, 3 …, and the path."""
    count = iter(range(1, 100))
    return lambda method, path, headers, body: (200, [("Content-Type", "text/plain")], f"{next(count)} {path}".encode())


def ask(client, url="/a", method="GET", persona="member", **arguments):
    return client.send(method, url, persona=persona, **arguments).answer.decode()


# -- secrets -----------------------------------------------------------------------------------------------------------


def login_then_use(client):
    """As a suite does: what an answer says is learnt and sent back in every place."""
    client.send("POST", "/login", persona="anonymous", json={"login_id": "a", "password": "x"})
    client.redactor.learn_credential(HEADER, "member")
    client.send("POST", "/use", persona="member", token=HEADER, json={"token": FIELD, "note": DEEP})
    cookies = {"Cookie": f"MMAUTHTOKEN={COOKIE}; MMCSRF={CSRF}", "X-CSRF-Token": CSRF, "X-Requested-With": "XMLHttpRequest"}
    return client.send("GET", f"/use?access_token={FIELD}&x={TURN}", persona="member", headers=cookies)


@pytest.fixture
def taped(tape):
    tape.record(telltale, login_then_use)
    return tape.path.read_text(encoding="utf-8")


@pytest.mark.parametrize("canary", CANARIES)
def test_no_secret_is_written_to_a_cassette(taped, canary):
    assert canary not in taped
    assert "canary" not in taped


def test_the_address_of_the_server_is_not_written_to_a_cassette(taped):
    assert "127.0.0.1" not in taped and TAPE_URL in taped


def test_credentials_become_the_persona_on_the_cassette(taped):
    assert "Bearer member" in taped


def test_a_secret_that_leaks_elsewhere_still_shows_on_the_cassette(tape):
    """The same placeholder stands in the field and in the note."""
    tape.record(telltale, login_then_use)
    answer = tape.replay(
        lambda client: client.send("POST", "/login", persona="anonymous", json={"login_id": "a", "password": "x"})
    )
    assert answer.json["token"] in answer.json["note"]
    assert answer.answer_headers["token"] in answer.json["note"]
    assert answer.json["token"] != answer.answer_headers["token"]


def test_unneeded_headers_are_not_written(taped):
    assert "x-request-id" not in taped.lower() and "user-agent" not in taped.lower()


def test_a_byte_that_is_repeated_for_long_stands_there_once(tape):
    long = lambda n: {"data": b"<" + b"x" * n + b">"}  # noqa: E731
    asked = lambda client, *numbers: [ask(client, method="POST", **long(n)) for n in numbers]  # noqa: E731
    tape.record(counting(), lambda client: asked(client, 9_999, 300_000, 300_001))
    written = tape.path.read_text(encoding="utf-8")
    assert len(written) < 12_000 and "<x (300000 times)>" in written and "x" * 9_999 in written
    assert tape.replay(lambda client: asked(client, 300_001, 300_000, 9_999)) == ["3 /a", "2 /a", "1 /a"]
    with pytest.raises(NotTapedError):
        tape.replay(lambda client: asked(client, 300_002))


@pytest.mark.parametrize(("kind", "stands"), [("application/json", False), ("text/plain", True)])
def test_the_kind_of_a_body_stands_there_where_it_is_not_json(tape, kind, stands):
    tape.record(counting(), lambda client: ask(client, method="POST", data=b"x", headers={"Content-Type": kind}))
    request = tape.path.read_text(encoding="utf-8").splitlines()[1]
    assert (kind in request) == stands


# -- playing -----------------------------------------------------------------------------------------------------------


def test_answers_to_the_same_request_come_in_order_and_the_last_one_stays(tape):
    tape.record(counting(), lambda client: [ask(client), ask(client), ask(client)])
    assert tape.replay(lambda client: [ask(client) for _ in range(5)]) == ["1 /a", "2 /a", "3 /a", "3 /a", "3 /a"]


def test_requests_may_be_replayed_in_any_order(tape):
    tape.record(counting(), lambda client: [ask(client, "/a"), ask(client, "/b")])
    assert tape.replay(lambda client: [ask(client, "/b"), ask(client, "/a"), ask(client, "/b")]) == ["2 /b", "1 /a", "2 /b"]


def test_each_replay_begins_anew(tape):
    tape.record(counting(), lambda client: [ask(client), ask(client)])
    assert tape.replay(ask) == tape.replay(ask) == "1 /a"


ANOTHER = {
    "path": {"url": "/b"},
    "query": {"url": "/a?x=1"},
    "method": {"method": "DELETE"},
    "body": {"method": "POST", "json": {"a": 1}},
    "credential": {"token": "redactedtoken"},
    "cookie": {"headers": {"Cookie": "MMAUTHTOKEN=redacted"}},
    "CSRF": {"headers": {"X-CSRF-Token": "redacted"}},
    "requested with": {"headers": {"X-Requested-With": "XMLHttpRequest"}},
}


@pytest.mark.parametrize("what", ANOTHER)
def test_another_request_is_not_answered_with_this_ones_answer(tape, what):
    tape.record(counting(), lambda client: [ask(client), ask(client, method="POST", json={"a": 2}), ask(client, "/a?x=2")])
    with pytest.raises(NotTapedError):
        tape.replay(lambda client: ask(client, **ANOTHER[what]))


@pytest.mark.parametrize("what", ANOTHER)
def test_two_requests_that_differ_in_one_thing_are_told_apart(tape, what):
    both = lambda client: [ask(client), ask(client, **ANOTHER[what])]  # noqa: E731
    recorded = tape.record(counting(), both)
    assert tape.replay(both) == recorded and len(set(recorded)) == 2


def test_the_persona_whose_credential_it_is_tells_requests_apart(tape):
    def as_both(client):
        redacted = client.redactor.replaying
        answers = []
        for persona in ("member", "team_admin"):
            token = persona if redacted else f"secret-of-{persona}-0123456789"
            client.redactor.learn_credential(token, persona)
            answers.append(ask(client, persona=persona, token=token))
        return answers

    assert tape.record(counting(), as_both) == tape.replay(as_both) == ["1 /a", "2 /a"]


def test_a_request_that_is_not_on_the_tape_says_which(tape):
    tape.record(counting(), ask)
    with pytest.raises(NotTapedError, match=r"^PUT /other\?x=1$"):
        tape.replay(lambda client: ask(client, "/other?x=1", "PUT"))


@pytest.mark.parametrize(
    "body",
    [bytes(range(256)), b"", "…ünï".encode(), b"a\r\nb\n", b"- {yaml: [", b"\xff\xfe", "\U0001f600\u2028\x85".encode()],
    ids=["all bytes", "empty", "umlauts", "line ends", "yaml", "no UTF-8", "odd line ends"],
)
def test_bodies_survive(tape, body):
    def post(client):
        return client.send("POST", "/a", persona="member", data=body).answer

    answer = lambda method, path, headers, sent: (200, [("Content-Type", "application/octet-stream")], sent)  # noqa: E731
    assert tape.record(answer, post) == body
    assert tape.replay(post) == body


@pytest.mark.parametrize(
    "url",
    [
        "/a?x[]=1&y=[2]",
        "/a b?c d",
        "/%zz?q=%zz%20",
        "/ä/%C3%A4?ö=ü",
        "/a#part",
        "/a/../b//c?",
        "/a?x=~!$&'()*+,;=:@/?%5B",
        "/{}|^`",
    ],
)
def test_an_address_is_found_as_it_was_sent(tape, url):
    """On its way to a server it is put into form by libraries that no replay passes."""
    asked = lambda client: [ask(client, "/"), ask(client, url), ask(client, "/a", params={"x[y]": "a b~[ä", "z": ""})]  # noqa: E731
    assert tape.record(counting(), asked) == tape.replay(asked)


def test_status_and_headers_survive(tape):
    answer = lambda *_: (418, [("Content-Type", "a/b"), ("Location", "/c")], b"x")  # noqa: E731
    send = lambda client: client.send("GET", "/a", persona="member")  # noqa: E731
    recorded = tape.record(answer, send)
    replayed = tape.replay(send)
    assert replayed.status == recorded.status == 418
    kept = {name: replayed.answer_headers.get(name) for name in ("content-type", "location")}
    assert kept == {"content-type": "a/b", "location": "/c"}


def test_headers_of_one_name_survive(tape):
    answer = lambda *_: (200, [("Allow", "GET"), ("Allow", "PUT"), ("Retry-After", "  7")], b"x")  # noqa: E731
    asked = lambda client: client.send("GET", "/a", persona="member").answer_headers  # noqa: E731
    recorded, replayed = tape.record(answer, asked), tape.replay(asked)
    assert {name: recorded[name] for name in replayed} == replayed == {"allow": "GET, PUT", "retry-after": "7"}


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "{", "[]", "hello", "interactions: 3", "interactions: [{}]", "version: 1"])
def test_a_file_that_is_no_cassette_is_refused_in_one_line(tape, text):
    write_whole(tape.path, text)
    with pytest.raises(MisuseError) as caught:
        tape.replay(ask)
    assert str(tape.path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "new \udc80")
    assert path.read_text() == "old"


def test_a_written_file_can_be_read_by_others(tmp_path):
    write_whole(tmp_path / "a.txt", "x")
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_cassette_that_was_cut_short_is_refused_or_lacks_only_answers(tape, share):
    """Cut within an entry it is corrupt; cut between two it is found by the tape's digests, and not here."""
    tape.record(counting(), lambda client: [ask(client, f"/{i}") for i in range(5)])
    text = tape.path.read_text(encoding="utf-8")
    tape.path.write_text(text[: int(len(text) * share)].rpartition("\n")[0] + "\n    bro", encoding="utf-8")
    with pytest.raises(MisuseError, match=r"one\.yaml: is corrupt or cut short"):
        tape.replay(lambda client: ask(client, "/0"))


def test_a_cassette_has_a_line_for_every_request_and_a_line_for_its_answer(tape):
    """So that a difference between two recordings can be read."""
    tape.record(counting(), lambda client: [ask(client, f"/{i}") for i in range(3)])
    lines = tape.path.read_text(encoding="utf-8").splitlines()
    assert [line.split(":")[0] for line in lines] == ["interactions", *["- request", "  response"] * 3, "version"]


def test_what_is_not_for_the_tape_takes_nothing_from_it(tape):
    """It may be asked on another thread, at any moment: what the tests ask meanwhile is on the tape all the same."""
    over = Event()

    def ask_beside(client):
        def beside():
            while not over.is_set():
                client.send("GET", "/beside", persona="operator", headers=NOT_TAPED)

        others = [Thread(target=beside) for _ in range(3)]
        for other in others:
            other.start()
        try:
            return [ask(client, f"/{number}") for number in range(60)]
        finally:
            over.set()
            for other in others:
                other.join()

    recorded = tape.record(lambda method, path, *_: (200, [], path.encode()), ask_beside)
    assert tape.replay(lambda client: [ask(client, f"/{number}") for number in range(60)]) == recorded
    assert "beside" not in tape.path.read_text()


def test_what_is_sent_to_somebody_else_is_not_on_the_tape(tape, serve):
    """The reference server asks a WebRTC gateway, in the process that records it."""
    other = serve(lambda *_: (200, [], b"{}"))

    def ask(client):
        Client(other.url, Redactor(replaying=False)).send("GET", "/elsewhere", persona="anonymous")
        return client.send("GET", "/api/v4/users", persona="anonymous")

    tape.record(lambda *_: (200, [], b"[]"), ask)
    assert len(other.requests) == 1 and "elsewhere" not in tape.path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "body", [None, "", "null", "~", "=", "<<", "&a *a", "1e3", "0o7", "yes", "2026-11-27", "a\u2028b", "ä\n", b"\xff\0"]
)
def test_a_cassette_is_read_as_vcrpy_reads_it(body):
    request = {"method": "PUT", "uri": TAPE_URL, "body": body, "headers": {}}
    response = {"status": {"code": 200, "message": "OK"}, "headers": {"token": ["a", "1"]}, "body": {"string": body}}
    cassette = {"interactions": [{"request": request, "response": response}], "version": 1}
    text = CompactYaml.serialize(cassette)
    assert CompactYaml.deserialize(text) == yamlserializer.deserialize(text) == cassette
