"""A server, or something in front of it, that does its worst: nothing hangs, nothing grows, and no verdict is wrong."""

import gc
import gzip
import json
import re
import resource
import socket
import struct
import time
import zlib
from contextlib import nullcontext
from email.utils import formatdate
from http.server import HTTPServer
from queue import Queue
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from mmconform.driving.sender import Sender
from mmconform.errors import MisuseError
from mmconform.judging.judge import Judge
from mmconform.report.failure import gather
from mmconform.servers.target import Server, Target, describe, resolve
from mmconform.version import Version
from mmconform.wire import client as wire
from mmconform.wire.client import DEEPEST, MOST_BYTES, Client, Patience, UnseenError
from mmconform.wire.tape.cassette import recording_to
from mmconform.wire.tape.redact import Redactor
from mmconform.world.build import build
from mmconform.world.world import World
from tests.rows import seen

APP_ERROR = b'{"id": "a.b", "message": "no", "detailed_error": "", "status_code": 503}'
#: Colour, window title, a link, clear the screen, carriage return, a C1 control, right-to-left override.
ESCAPES = "\x1b[31mred\x1b]0;title\x07\x1b]8;;http://x\x1b\\\x1b[2J\rgone\x9b1mbold\u202elast<script>alert(1)</script>"


@pytest.fixture
def speak():
    """Start a server that handles each connection with ``say(connection, request)`` after the request came."""
    running, over = [], Event()

    def speak(say):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.05)
        requests = []

        def one(connection):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65536)
                if not piece:
                    return
                head += piece
            sent = re.search(rb"(?i)content-length: (\d+)", head)
            while sent and len(head.partition(b"\r\n\r\n")[2]) < int(sent[1]):
                head += connection.recv(65536)
            requests.append(head)
            try:
                say(connection, head)
            except OSError:
                pass
            finally:
                connection.close()

        def accept():
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                except OSError:
                    return
                connection.settimeout(None)
                Thread(target=one, args=(connection,), daemon=True).start()

        thread = Thread(target=accept, daemon=True)
        thread.start()
        running.append((thread, listener))
        speak.requests = requests
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    speak.over = over
    yield speak
    over.set()
    for thread, listener in running:
        thread.join()  # before its socket's number is free for another
        listener.close()


def ask(url, seconds=5.0, method="GET", **more):
    return Client(url, Redactor(replaying=False), Patience(seconds)).send(method, "/a", persona="member", **more)


def unseen(url, seconds=5.0, method="GET"):
    with pytest.raises(UnseenError) as caught:
        ask(url, seconds, method)
    return caught.value.reason


VERSION_ID = "X-Version-Id: 5.36.0.5.36.1.hash.false"


def message(status, body=b"", *headers):
    """An answer of a Mattermost server."""
    return foreign(status, body, VERSION_ID, *headers)


def foreign(status, body=b"", *headers):
    """An answer of anybody."""
    lines = [f"HTTP/1.1 {status} X", *headers]
    if not any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


# -- time --------------------------------------------------------------------------------------------------------------


def drip(connection, data, every=0.02):
    for byte in data:
        connection.sendall(bytes([byte]))
        time.sleep(every)


DRIPS = {
    "the body": lambda c, _: (c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), drip(c, b"x" * 9999)),
    "the headers": lambda c, _: (c.sendall(b"HTTP/1.1 200 OK\r\n"), drip(c, b"X: y\r\n" * 9999)),
    "the status line": lambda c, _: drip(c, b"HTTP/1.1 200 " + b"OK" * 9999),
    "chunks": lambda c, _: (c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), drip(c, b"1\r\nx\r\n" * 999)),
}


@pytest.mark.parametrize("what", DRIPS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_whole_answer_has_so_many_seconds_not_each_byte(speak, what, method):
    url, began = speak(DRIPS[what]), time.monotonic()
    assert unseen(url, 0.3, method) == "no answer in time"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_server_that_never_answers_is_left(speak, method):
    url, began = speak(lambda *_: speak.over.wait(10)), time.monotonic()
    assert unseen(url, 0.3, method) == "no answer in time"
    assert time.monotonic() - began < 2


def test_a_client_goes_on_after_an_answer_that_did_not_come_in_time(speak):
    turns = iter([lambda c: speak.over.wait(10), lambda c: c.sendall(message(200, b"{}"))])
    client = Client(speak(lambda c, _: next(turns)(c)), Redactor(replaying=False), Patience(0.3))
    with pytest.raises(UnseenError):
        client.send("POST", "/a", persona="member")
    assert client.send("POST", "/a", persona="member").status == 200


def test_when_the_time_of_the_run_is_over_nothing_is_sent(speak):
    url = speak(lambda c, _: c.sendall(message(200, b"{}")))
    client = Client(url, Redactor(replaying=False), Patience(5, time.monotonic() - 1))
    with pytest.raises(UnseenError, match="the run has no time left"):
        client.send("GET", "/a", persona="member")
    assert speak.requests == []


# -- what breaks -------------------------------------------------------------------------------------------------------


def reset(connection, _):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


HALF = {
    "less than announced": message(200, b"{}", "Content-Length: 100"),
    "a chunk cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{}",
    "no last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "no chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "gzip cut": message(200, gzip.compress(b"x" * 10**5, mtime=0)[:50], "Content-Encoding: gzip", "Content-Length: 60"),
    "no gzip": message(200, b"hello", "Content-Encoding: gzip"),
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n",
    "two lengths": message(200, b"{}", "Content-Length: 2", "Content-Length: 3"),
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000,
    "a header without end": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10**6,
}


@pytest.mark.parametrize("what", HALF)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_no_whole_answer_is_unseen(speak, what, method):
    assert unseen(speak(lambda c, _: c.sendall(HALF[what])), method=method)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_reset_is_unseen(speak, method):
    assert unseen(speak(reset), method=method) == "no connection"


# -- what asks for patience --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", ["1", "0", None, "date", "soon", "-1"])
def test_a_429_is_obeyed_and_the_request_sent_again(speak, after):
    given = formatdate(time.time() + 1, usegmt=True) if after == "date" else after
    header = [f"Retry-After: {given}"] if given else []
    answers = iter([message(429, b"limit exceeded", *header, "Connection: close"), message(201, b"{}")])
    began = time.monotonic()
    assert ask(speak(lambda c, _: c.sendall(next(answers))), method="POST", json={"a": 1}).status == 201
    assert len(speak.requests) == 2 and speak.requests[0] == speak.requests[1]
    assert time.monotonic() - began < 3
    if after == "1":
        assert time.monotonic() - began >= 1


@pytest.mark.parametrize("after", ["60", "999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_429_that_asks_for_more_than_there_is_time_is_unseen_at_once(speak, after):
    began = time.monotonic()
    reason = unseen(speak(lambda c, _: c.sendall(message(429, b"", f"Retry-After: {after}"))), 5)
    assert reason == "the server asks for fewer requests (429)" and time.monotonic() - began < 2


def test_a_429_for_ever_is_unseen(speak):
    url = speak(lambda c, _: c.sendall(message(429, b"", "Connection: close")))
    assert unseen(url, 1.5) == "the server asks for fewer requests (429)"
    assert len(speak.requests) == 2


# -- what a gateway says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 401, 403, 404, 500, 502, 503, 504, 520, 599])
@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"", b'{"error": "upstream"}', b"[]", b"\xff", b"[" * 10**5])
def test_what_a_gateway_says_is_unseen(speak, status, body):
    said = foreign(status, body, "Content-Type: text/html", "X-Request-Id: abc")
    assert unseen(speak(lambda c, _: c.sendall(said))) == f"a gateway in front of the server answered {status}"


@pytest.mark.parametrize("said", [message(503, b"busy"), foreign(503, APP_ERROR)])
def test_the_servers_own_503_is_an_answer(speak, said):
    assert ask(speak(lambda c, _: c.sendall(said))).status == 503


def test_a_500_of_the_servers_own_may_look_like_anything(speak):
    assert ask(speak(lambda c, _: c.sendall(message(500, b"<html>oops</html>", "Content-Type: text/html")))).status == 500


INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"


@pytest.mark.parametrize("interim", [INTERIM, INTERIM * 3, b"HTTP/1.1 100 Continue\r\n\r\n" + INTERIM, b"HTTP/1.1 102 P\r\n\r\n"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_interim_answer_is_not_the_answer(speak, interim, method):
    url = speak(lambda c, _: c.sendall(interim + message(201, b'{"a": 1}')))
    answer = ask(url, method=method)
    assert (answer.status, answer.answer, answer.answer_headers.get("link")) == (201, b'{"a": 1}', None)


def test_interim_answers_without_end_are_unseen(speak):
    assert unseen(speak(lambda c, _: c.sendall(INTERIM * 1000))) == "no connection"


EXTRA = [b"extra", b"\0" * 70_000, message(200, b'{"of": "another"}'), INTERIM]


@pytest.mark.parametrize("extra", EXTRA, ids=range(len(EXTRA)))
def test_what_follows_an_answer_is_not_the_next_ones(speak, extra):
    number = iter(range(10**6))

    def say(connection, _):
        connection.sendall(message(200, b'{"number": %d}' % next(number)) + extra)
        speak.over.wait(0.2)  # as long as the connection is kept, it could be used once more

    client = Client(speak(say), Redactor(replaying=False), Patience(5))
    assert [client.send("POST", "/a", persona="member").json["number"] for _ in range(4)] == [0, 1, 2, 3]


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, br", "x-unknown", "br\x1b[1m"])
def test_a_coding_that_nobody_asked_for_is_unseen_and_named(speak, coding):
    said = message(200, b"\x0b\x02\x80{}\x03", "Content-Type: application/json", f"Content-Encoding: {coding}")
    reason = unseen(speak(lambda c, _: c.sendall(said)))
    assert reason.startswith("the answer is in a coding that nobody asked for (") and is_plain(reason)
    assert coding.rpartition(" ")[2][:4] in reason or "\x1b" in coding


#: Without the time: two processes have to collect the same tests.
ONCE = gzip.compress(b"{}", mtime=0)
TWICE = gzip.compress(ONCE, mtime=0)
CODED = [("gzip", ONCE), ("GZIP", ONCE), ("gzip, gzip", TWICE)]


@pytest.mark.parametrize(("coding", "body"), [*CODED, ("identity", b"{}"), ("deflate", zlib.compress(b"{}"))])
def test_a_coding_that_can_be_read_is(speak, coding, body):
    assert ask(speak(lambda c, _: c.sendall(message(200, body, f"Content-Encoding: {coding}")))).answer == b"{}"


@pytest.mark.parametrize("headers", [[], ["Content-Encoding: gzip"]])
def test_what_is_compressed_and_does_not_say_so_is_unseen(speak, headers):
    body = TWICE if headers else ONCE
    said = message(200, body, "Content-Type: application/json", *headers)
    assert unseen(speak(lambda c, _: c.sendall(said))) == "the answer is compressed twice, or does not say that it is"


@pytest.mark.parametrize("after", ["0", "-1", "Thu, 01 Jan 1970 00:00:00 GMT", "soon", "1e-9", ""])
def test_a_429_is_never_answered_at_once_and_ever_more_slowly(speak, monkeypatch, after):
    waits = []
    monkeypatch.setattr(wire, "time", SimpleNamespace(monotonic=time.monotonic, time=time.time, sleep=waits.append))
    answers = iter([*[message(429, b"", f"Retry-After: {after}")] * 6, message(200, b"{}")])
    assert ask(speak(lambda c, _: c.sendall(next(answers))), 60).status == 200
    assert waits[0] >= 0.5 and waits == sorted(waits) and sum(waits) > 30


@pytest.fixture
def gone(serve):
    """Return a client that waits so many seconds, and its server, which was there a moment ago."""

    def gone(patience):
        server = serve(lambda *_: (200, [], b"{}"))
        client = Client(server.url, Redactor(replaying=False), Patience(patience))
        client.send("GET", "/a", persona="member")
        server.shutdown()
        server.server_close()
        return client, server

    return gone


def test_a_server_that_is_restarted_is_waited_for(gone):
    """Nobody listens for a while: nothing was sent, so anything may be sent again."""
    client, server = gone(20)
    answers = []
    waiting = Thread(target=lambda: answers.append(client.send("POST", "/b", persona="member")))
    waiting.start()
    waiting.join(0.7)
    assert not answers
    again = HTTPServer(server.server_address, server.RequestHandlerClass)
    again.requests = []
    again.handle_request()
    waiting.join(10)
    again.server_close()
    assert [answer.status for answer in answers] == [200] and len(again.requests) == 1


@pytest.fixture
def mortal(serve):
    """Return a client that waits a moment, and a server that ends when it is asked to die."""

    def answer(method, path, headers, body):
        if path != "/die":
            return 200, [], b"{}"
        server.socket.close()
        return None

    server = serve(answer)
    client = Client(server.url, Redactor(replaying=False), Patience(0.4))
    return client, server


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_what_ends_the_server_is_named(mortal, method):
    client, server = mortal
    client.send("GET", "/a", persona="member")
    with pytest.raises(UnseenError):
        client.send(method, "/die", persona="system_admin", operation="ExtractContent")
    for _ in range(3):
        with pytest.raises(UnseenError, match="no connection"):
            client.send("GET", "/b", persona="member", operation="GetOther")
    (fall,) = client.origin.fallen
    assert str(fall).startswith("the server ended while it was asked ExtractContent by system_admin; it did not come back")
    again = HTTPServer(server.server_address, server.RequestHandlerClass)
    again.requests = []
    waiting = Thread(target=again.handle_request)
    waiting.start()
    assert client.send("GET", "/c", persona="member").status == 200
    waiting.join(5)
    again.server_close()
    assert str(client.origin.fallen[0]).endswith("; it was there again later") and len(client.origin.fallen) == 1


def test_a_connection_that_is_lost_and_a_server_that_is_stopped_between_requests_name_nothing(serve, gone):
    server = serve(lambda method, path, *_: None if path == "/x" else (200, [], b"{}"))
    client = Client(server.url, Redactor(replaying=False), Patience(5))
    with pytest.raises(UnseenError):
        client.send("POST", "/x", persona="member")
    assert client.send("GET", "/a", persona="member").status == 200
    client_of_the_gone, _ = gone(0.4)
    with pytest.raises(UnseenError):
        client_of_the_gone.send("GET", "/a", persona="member")
    assert client.origin.fallen == client_of_the_gone.origin.fallen == []


def test_a_server_that_is_gone_is_waited_for_once(gone):
    client, _ = gone(1.2)
    took = []
    for _ in range(5):
        began = time.monotonic()
        with pytest.raises(UnseenError, match="no connection"):
            client.send("POST", "/b", persona="member")
        took.append(time.monotonic() - began)
    assert took[0] > 0.4 and sum(took[1:]) < took[0]


# -- size --------------------------------------------------------------------------------------------------------------


def endless(connection, start=b"", piece=b"x" * 65536):
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + start)
    while True:
        connection.sendall(piece)


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def bomb():
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(squeeze.compress(b"\0" * 10**6) for _ in range(400)) + squeeze.flush()


HUGE = {
    "without length": lambda c, _: endless(c, b"\r\n"),
    "announced": lambda c, _: endless(c, b"Content-Length: 99999999999\r\n\r\n"),
    "in chunks": lambda c, _: endless(c, b"Transfer-Encoding: chunked\r\n\r\n", chunk(b"x" * 65536)),
    "a redirect": lambda c, _: endless(c, b"Location: http://127.0.0.1:1/\r\n\r\n"),
    "a gzip bomb": lambda c, _: c.sendall(message(200, bomb(), "Content-Encoding: gzip")),
}


@pytest.mark.parametrize("what", HUGE)
def test_a_huge_answer_is_not_read_to_its_end(speak, what):
    url = speak(HUGE[what])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert unseen(url, 30) == f"the answer is larger than {MOST_BYTES // 2**20} MB"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < 8 * MOST_BYTES


def test_an_answer_as_large_as_allowed_is_read(speak):
    assert len(ask(speak(lambda c, _: c.sendall(message(200, b"x" * MOST_BYTES))), 30).answer) == MOST_BYTES


DEEP = {
    "lists": b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
    "objects": b'{"token":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1),
    "deeper than any parser": b"[" * 10**6 + b"]" * 10**6,
    "and not closed": b"[" * 10**6,
    "a token within": b'{"token":' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("what", DEEP)
def test_deep_json_is_unseen(speak, what):
    assert unseen(speak(lambda c, _: c.sendall(message(200, DEEP[what])))) == "the answer is nested too deeply"


WIDE = [b"[" * DEEPEST + b"]" * DEEPEST, b"[" + b"{}," * 9999 + b"{}]", json.dumps("[" * 9999).encode(), b"{" * 500 + b"x"]


@pytest.mark.parametrize("body", WIDE, ids=range(len(WIDE)))
def test_json_that_is_only_wide_is_an_answer(speak, body):
    assert ask(speak(lambda c, _: c.sendall(message(200, body)))).answer == body


# -- credentials -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308, 201, 401, 407])
@pytest.mark.parametrize("place", ["{}/steal", "//{host}/steal", "\x80\xff", "http://[", ""])
def test_a_credential_goes_nowhere_else(serve, speak, status, place):
    elsewhere = serve(lambda *_: (200, [], b""))
    at = place.format(elsewhere.url, host=elsewhere.url.partition("//")[2])
    said = f"HTTP/1.1 {status} X\r\n{VERSION_ID}\r\nLocation: {at}\r\nRefresh: 0;url={at}\r\nContent-Length: 0\r\n\r\n".encode(
        "latin-1"
    )
    answer = ask(speak(lambda c, _: c.sendall(said)), token="a-secret-credential")
    assert answer.status == status and elsewhere.requests == []


# -- what a terminal sees ----------------------------------------------------------------------------------------------


def is_plain(text):
    return all(c.isprintable() or c == "\n" for c in text)


def target_of(url):
    server = Server(Version(5, 36, 1), "5.36.1", "5.36.1", "", "team", "5.36.1")
    return Target(url, "hostile", url, server, Redactor(replaying=False), patience=Patience(5))


def evil(status=400, **more):
    """An answer with control characters wherever a server may put text."""
    data = json.dumps({"id": ESCAPES, "message": ESCAPES, "roles": ESCAPES, "username": ESCAPES, "status_code": status} | more)
    return lambda *_: (
        status,
        [("Content-Type", "application/json; x=\x1b[31m"), ("X-Version-Id", "5.36.1.\x1b[1m")],
        data.encode(),
    )


def test_a_failure_shows_no_control_characters(serve, contract):
    """Whatever the answer holds: ids, messages, media type."""
    shown = 0
    for status in (200, 201, 400, 418, 500):
        target = target_of(serve(evil(status)).url)
        for operation in contract.operations.values():
            judge = Judge(contract, target, [])
            for persona in ("anonymous", "member", "system_admin"):
                judge.see(
                    target.client().send(
                        operation.method,
                        contract.base + operation.path.replace("{user_id}", "u").replace("{", "").replace("}", ""),
                        persona=persona,
                        operation=operation.id,
                        about="other",
                        json={"token_id": ESCAPES} if operation.body else None,
                    )
                )
            rows = seen(judge)
            failures = gather(contract, describe(target.server), target.name, rows)
            shown += len(failures)
            assert all(is_plain(failure.explain()) for failure in failures)
    assert shown > 100


SAID = [
    evil(),
    evil(200),
    evil(200, roles=[]),
    lambda *_: (200, [], b"[1]"),
    lambda *_: (200, [], b'"x"'),
    lambda *_: (200, [], b"\xff"),
]


@pytest.mark.parametrize("said", SAID, ids=range(len(SAID)))
def test_the_line_in_which_a_world_fails_shows_no_control_characters(serve, said):
    target = target_of(serve(said).url)
    with pytest.raises(MisuseError) as caught:
        build(World(target.client(), target.version, "abc123", "operator-token"))
    assert is_plain(str(caught.value)) and "\n" not in str(caught.value)


VERSIONS = [f"5.36.1{ESCAPES}", "5.36.1/../../x", "../../x", "5.36.1 [bold]", 5, None, "9" * 5000, "5.36.1\n", "٥.٣٦.١"]


@pytest.mark.parametrize("version", VERSIONS, ids=range(len(VERSIONS)))
@pytest.mark.parametrize("key", ["Version", "BuildNumber", "BuildHash"])
def test_a_server_says_nothing_with_its_version(serve, version, key):
    """It is shown, and names a folder: so it is a version, or not believed."""

    def answer(method, path, headers, body):
        data = {"Version": "5.36.0", "BuildNumber": "5.36.1", "BuildHash": "0", key: version}
        return 200, [("X-Version-Id", "5.36.0.5.36.1.\x1b[1m")], json.dumps(data).encode()

    try:
        server = resolve(serve(answer).url)[0].server
    except MisuseError as error:
        assert is_plain(str(error)) and "\n" not in str(error)
    else:
        assert server.name in ("5.36.1", "5.36.0")
        assert all(is_plain(text) for text in (server.calls_itself, server.build, server.commit, server.version_id))


# -- whole suites ------------------------------------------------------------------------------------------------------


def test_generated_requests_go_on_and_judge_nothing_that_they_did_not_see(speak, contract):
    """Every answer is one of a kind that says nothing about the server."""
    close = "Connection: close"  # without it, whether the next request still gets through is a matter of luck
    kinds = [
        message(200, b"{}", "Content-Length: 100", close),
        message(200, b"hello", "Content-Encoding: gzip", close),
        foreign(502, b"<html>", close),
        message(429, b"", "Retry-After: 99", close),
        message(200, DEEP["lists"], close),
    ]
    number = iter(range(10**6))
    target = target_of(speak(lambda c, _: c.sendall(kinds[next(number) % len(kinds)])))
    judge = Judge(contract, target, [])
    operation = contract.operations["RevokeUserAccessToken"]
    world = World(target.client(), target.version, "abc123", "operator-token")

    class Fixed(Sender):
        def _send(self, planned):
            return self.client.send(
                "POST", "/api/v4/users/tokens/revoke", persona=planned.persona, json={}, operation=operation.id
            )

    class Case:
        valid, values = True, ()

    Fixed(operation, world, target.client(), judge).ask_all((Case(),))
    assert {o.outcome for o in judge.observations} == {"error"}
    assert {o.signature for o in judge.observations} == {
        "the answer broke off",
        "the answer is not in the encoding that it names",
        "a gateway in front of the server answered 502",
        "the server asks for fewer requests (429)",
        "the answer is nested too deeply",
    }
    assert sum(o.count for o in judge.observations) == len(speak.requests) == 21


@pytest.mark.parametrize("is_recording", [False, True], ids=["live", "recording"])
def test_a_connection_is_closed_as_soon_as_its_answer_was_read(speak, tmp_path, is_recording):
    """Not when the collector of garbage comes by: a server takes only so many at once."""
    ended = Queue()

    def say(connection, request):
        connection.sendall(message(200, b"{}", "Content-Type: application/json", "Content-Length: 2"))
        connection.settimeout(2)
        ended.put(connection.recv(1))

    client = Client(speak(say), Redactor(replaying=False))
    recording = recording_to(tmp_path / "a.yaml", client.redactor, client.base_url)
    gc.disable()
    try:
        with recording if is_recording else nullcontext():
            for number in range(3):
                client.send("GET", f"/api/v4/users/{number}", persona="member")
                assert ended.get(timeout=10) == b""
    finally:
        gc.enable()
