"""Secrets stay where they belong: none in tapes, records, failures or lines, wherever an answer holds one."""

import json
import re

import pytest

from mmconform.errors import MisuseError
from mmconform.judging.judge import Judge
from mmconform.paths import ROOT
from mmconform.record import record
from mmconform.reference import named
from mmconform.reference.server import Reference
from mmconform.report.failure import gather
from mmconform.servers.live import live_server
from mmconform.servers.target import Server, Target, describe
from mmconform.version import Version
from mmconform.wire.client import Client
from mmconform.wire.tape import tape
from mmconform.wire.tape.cassette import recording_to
from mmconform.wire.tape.redact import Redactor
from mmconform.world.world import World
from tests.canary import Canaries
from tests.record.test_record import FOOTER, HEADER
from tests.rows import make_record, seen


@pytest.fixture
def canaries():
    return Canaries()


@pytest.fixture
def leaky(serve, canaries):
    """A server that puts new secrets into every field of every answer, and repeats those that it was sent."""

    def answer(method, path, headers, body):
        more, data = canaries.answer(id="a.b", user_id="u1", message="no", echo=[headers.get("Authorization"), body.decode()])
        status = 500 if "token_id" in body.decode() else 201
        return status, [("Content-Type", "application/json"), *more], json.dumps(data).encode()

    url = serve(answer).url
    return Target(url, "leaky", url, Server(Version(5, 36, 1), "5.36.1", "5.36.1", "", "team", ""), Redactor(replaying=False))


def ask_everything(target, contract, canaries, judge=None):
    client = target.client()
    for persona in ("anonymous", "member", "system_admin"):
        session, password = canaries.new("session"), canaries.new("password")
        target.redactor.learn_credential(session, persona)
        target.redactor.learn(password)
        for operation in contract.operations.values():
            exchange = client.send(
                operation.method,
                contract.base + operation.path.replace("{", "").replace("}", ""),
                persona=persona,
                token=None if persona == "anonymous" else session,
                operation=operation.id,
                about="other",
                json={"token_id": "x", "password": password, "token": session} if operation.method == "POST" else None,
            )
            if judge:
                judge.see(exchange)


def test_the_canaries_are_found_where_they_are(tmp_path, canaries):
    """Else the tests below would prove nothing."""
    secret = canaries.new()
    (tmp_path / "a").write_text(f"x {secret} y")
    assert canaries.found_in(tmp_path) == [f"{secret} in {tmp_path / 'a'}"]
    assert canaries.found_in(f"https://x/?{secret.upper()}") and not canaries.found_in("canary in a coal mine")


def others_words(status):
    """What somebody else's configuration, log or post may be: a word in every place that a shape does not need."""
    said = {"SiteURL": "a-canary", "users": ["a-canary"], "uu1uu1uu1uu1uu1uu1uu1uu1uu": "a-canary", "a-canary@x.example": 1}
    error = {"id": "api.some.app_error", "message": "a-canary", "detailed_error": "a-canary", "status_code": status}
    return [said, [said, said], ["a-canary"], "a-canary", *([error] if status >= 400 else [])]


@pytest.mark.parametrize("status", [200, 404, 500])
def test_of_what_others_documents_describe_only_the_shape_is_kept(serve, contract, status):
    """Configurations, logs, exports, profiles and posts are judged in memory."""
    turns = iter(others_words(status) * 50)

    def answer(method, path, headers, body):
        data = next(turns)
        return status, [("Content-Type", "application/json")], json.dumps(data).encode()

    url = serve(answer).url
    target = Target(url, "x", url, Server(Version(5, 36, 1), "5.36.1", "5.36.1", "", "team", ""), Redactor(replaying=False))
    judge = Judge(contract, target, [], vouches=False)
    client = target.client()
    for operation in contract.operations.values():
        for _ in others_words(status):
            path = operation.path.replace("{", "").replace("}", "")
            judge.see(
                client.send(operation.method, contract.base + path, persona="anonymous", operation=operation.id, about="other")
            )
    kept = [o.evidence for o in judge.observations if o.evidence]
    assert kept and any(one.answer for one in kept)
    assert "a-canary" not in repr(kept) and "a-canary" not in repr(judge.answers) and "a-canary" not in repr(judge.observations)
    assert "uu1uu1" not in repr(judge.answers)


def test_no_secret_comes_onto_a_tape(leaky, contract, canaries, tmp_path):
    with recording_to(tmp_path / "one.yaml", leaky.redactor, leaky.base_url):
        ask_everything(leaky, contract, canaries)
    assert (tmp_path / "one.yaml").stat().st_size > 10_000 and len(canaries.given) > 500
    assert canaries.found_in(tmp_path) == []
    assert tape.leaks(tmp_path, leaky.redactor.values) == []


def test_no_secret_comes_into_a_record_or_a_failure(leaky, contract, canaries, tmp_path):
    judge = Judge(contract, leaky, [])
    ask_everything(leaky, contract, canaries, judge)
    rows = seen(judge)
    failures = gather(contract, describe(leaky.server), leaky.name, rows)
    assert len(failures) > 10
    record.write(tmp_path / "record" / record.NAME, make_record(HEADER, rows, [], FOOTER, judge.answers))
    assert canaries.found_in("\n".join(failure.explain() for failure in failures), tmp_path / "record") == []


def test_no_secret_comes_into_a_line_that_says_what_failed(serve, canaries):
    def answer(method, path, headers, body):
        more, data = canaries.answer(id="api.some.error", status_code=400)
        return 400, more, json.dumps(data).encode()

    client = Client(serve(answer).url, Redactor(replaying=False))
    secret = canaries.new("operator")
    world = World(client, Version(5, 36, 1), "abc123", secret)
    for method, url in (("GET", "/api/v4/users/me"), ("POST", "/api/v4/users")):
        with pytest.raises(MisuseError) as caught:
            world.admin().must(method, url, {"password": canaries.new("password")})
        assert canaries.found_in(str(caught.value), repr(caught.value.__cause__)) == []


def test_a_journal_holds_no_secret(serve, canaries, tmp_path, monkeypatch):
    """Not even of the configuration, of which it keeps what was there before."""
    config = {"ServiceSettings": {"EnableCommands": False}, "SqlSettings": {"DataSource": canaries.new("sql")}}

    def answer(method, path, headers, body):
        if method == "PUT":
            config["ServiceSettings"] = json.loads(body)["ServiceSettings"]
        more, data = canaries.answer(**config)
        return 200, more, json.dumps(data).encode()

    monkeypatch.setattr(live_server, "REPORTS", tmp_path)
    url = serve(answer).url
    server = Server(Version(5, 36, 1), "5.36.1", "5.36.1", "", "team", "")
    target = Target(url, "one", url, server, Redactor(replaying=False))
    stage = live_server.LiveServer(target, canaries.new("operator"), frozenset())
    with stage.settings(target.client(), {"ServiceSettings": {"EnableCommands": True}}):
        assert list(tmp_path.rglob("journal-*")) != []
        assert canaries.found_in(tmp_path) == []


def test_no_secret_of_a_whole_run_is_left_anywhere(as_user):
    """Recorded, judged, reported and drawn into notebooks, through a gateway that knows every secret that passed.

    Of a version that has few operations, and WebRTC with its passwords beside tokens, sessions and OAuth.
    """
    password = "hush-hush-hush-hush"
    with Reference(named.app("reference@4.1.2", ""), "operator", password) as server:
        script = ROOT / "benchmarks" / "leaks.py"
        looked = as_user(script, server.url, "-p", "tests.fewer", MM_ADMIN_LOGIN="operator", MM_ADMIN_PASSWORD=password)
    assert looked.returncode == 0, looked.stdout + looked.stderr
    passed, files, taped = map(int, re.search(r"(\d+) secrets passed; (\d+) files \((\d+) of a tape", looked.stdout).groups())
    assert passed > 500 and files > taped > 300  # a whole tape, and the reports
