"""Tests that break on purpose, in each phase and with every secret of a run at hand: pytest shows none of them."""

import json
from functools import partial
from types import SimpleNamespace

import pytest

from mmconform.driving.actor import Actor, Reply, Token
from mmconform.errors import MisuseError
from mmconform.paths import ROOT
from mmconform.plugin.veil import Veil
from mmconform.servers.live.live_server import LiveServer
from mmconform.servers.target import Server, Target
from mmconform.version import Version
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.wire.secret import Secret
from mmconform.wire.tape.redact import Redactor
from mmconform.world.people import PERSONAS
from mmconform.world.world import Person, World

#: One process after the other: runs of the reference server write one record.
pytestmark = pytest.mark.xdist_group("reference")

BROKEN = """
import json, os, pytest, requests
from mmconform.plugin.suite import clause

def everything(stage, member, system_admin):
    token = member.new_token()
    held = {"operator": stage.world.operator, "admin": system_admin.credential}
    held["headers"] = {"Authorization": f"Bearer {token.value}"}
    held["people"], held["raw"] = stage.world.people, str(token.value).encode() * 9
    held["password"], held["known"] = os.environ.get("MM_ADMIN_PASSWORD", ""), sorted(stage.client.redactor.values)
    with open(os.environ["KNOWN"], "a") as file:
        file.write(json.dumps([held["password"], *held["known"]]) + "\\n")
    print("printed", held)
    return held

@pytest.fixture
def breaks_before(stage, member, system_admin):
    held = everything(stage, member, system_admin)
    raise RuntimeError(f"setup broke with {held}")

@pytest.fixture
def breaks_after(stage, member, system_admin):
    yield
    held = everything(stage, member, system_admin)
    assert held == {}

@pytest.mark.vcr
@clause("GetUserAccessToken.status")
def test_setup(breaks_before):
    pass

@pytest.mark.vcr
@clause("GetUserAccessToken.status")
def test_teardown(member, breaks_after):
    assert member.look().refused

@pytest.mark.vcr
@clause("GetUserAccessToken.status")
def test_exception(stage, member, system_admin):
    held = everything(stage, member, system_admin)
    raise ValueError(held["headers"], held["operator"])

@pytest.mark.vcr
@clause("GetUserAccessToken.status")
def test_assertion(stage, member, system_admin):
    held = everything(stage, member, system_admin)
    assert member.look().served or member.look().refused
    assert sorted(held["known"]) == [held["operator"]], held

@pytest.mark.vcr
@clause("GetUserAccessToken.status")
def test_deep_inside(stage, member, system_admin, monkeypatch):
    everything(stage, member, system_admin)
    def breaks(self, request, **more):
        headers = dict(request.headers)
        body = request.body
        raise TypeError("deep inside", headers)
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", breaks)
    system_admin.do("CreateUserAccessToken", user_id=member.id, body={"description": member.credential})
"""

WAYS = [["-l", "--tb=long", "-vv"], ["--tb=short", "-rA"], ["-l", "--tb=auto", "-n1"], ["--tb=line"], ["--tb=native", "-l"]]


def pieces(secret):
    return [secret, secret[:9], secret[-9:], secret.upper()]


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_no_secret_shows_where_a_test_breaks(as_user, run_pytest, tmp_path, way):
    (tmp_path / "test_broken.py").write_text(BROKEN)
    known = tmp_path / "known"
    report = tmp_path / "junit.xml"
    arguments = ["-c", ROOT / "pyproject.toml", "--rootdir", ROOT, "--target", "reference", tmp_path / "test_broken.py", *way]
    run = partial(as_user, "pytest") if "-n1" in way else run_pytest
    done = run(*arguments, f"--junitxml={report}", "-o", "junit_logging=all", KNOWN=known)
    shown = done.stdout + done.stderr
    held = {value for line in known.read_text().splitlines() for value in json.loads(line)}
    secrets = {value for value in held if len(value) > 9 and "@" not in value}
    assert len(secrets) > 20 and "deep inside" in shown and done.returncode == 1, shown
    record = (ROOT / "reports" / "reference" / "observations.jsonl").read_text(encoding="utf-8")
    for text in (shown, report.read_text(encoding="utf-8"), record):
        assert not {secret for secret in secrets for piece in pieces(secret) if piece in text}


def test_no_object_shows_the_secrets_that_it_holds():
    secret = "abcdefghijklmnopqrstuvwxy1"
    redactor = Redactor(replaying=False)
    redactor.learn_credential(secret, "member")
    client = Client("http://x", redactor)
    server = Server(Version(5, 36, 1), "5.36.1", "5.36.1", "", "team", "")
    target = Target("http://x", "x", "http://x", server, redactor, admin=("admin", secret))
    person = Person(PERSONAS["member"], "id", "name", secret, "id", secret)
    world = World(client, Version(5, 36, 1), "run", secret, {"member": person})
    exchange = Exchange(
        "",
        "member",
        "self",
        "GET",
        f"/a?access_token={secret}",
        {"Cookie": secret},
        secret.encode(),
        200,
        {"token": secret},
        secret.encode(),
    )
    actor = Actor("member", person, secret, None, {"Cookie": secret})
    objects = [
        Secret(secret),
        redactor,
        client,
        target,
        person,
        world,
        exchange,
        Reply(exchange, None),
        actor,
        Token("id", secret),
    ]
    objects += [LiveServer(target, secret, frozenset()), {"headers": Secret(secret)}]
    assert [type(one) for one in objects if secret in repr(one)] == []
    assert f"Bearer {Secret(secret)}" == f"Bearer {secret}" and json.dumps(Secret(secret)) == f'"{secret}"'


@pytest.mark.parametrize(
    "error", [KeyError("a-canary"), AssertionError("assert 'a-canary' == 'x'"), ValueError({"SiteName": "a-canary"})]
)
def test_where_a_test_breaks_over_what_others_document_nothing_of_an_answer_is_shown(error):
    """Whatever a traceback is asked for: configurations, logs and profiles are judged in memory."""

    def breaks(answer):
        raise error

    def shown(shows_values):
        veil = Veil(lambda text: text, shows_values=shows_values)
        report = SimpleNamespace(longrepr="a-canary", longreprtext="a-canary", sections=[])
        call = pytest.CallInfo.from_call(lambda: breaks({"SiteName": "a-canary"}), "call")
        hook = veil.pytest_runtest_makereport(call)
        next(hook)
        with pytest.raises(StopIteration):
            hook.send(report)
        return str(report.longrepr)

    assert "a-canary" in shown(True), "of our own documents all is shown"
    told = shown(False)
    assert "a-canary" not in told and "test_veil.py:" in told and "in breaks" in told and type(error).__name__ in told


@pytest.mark.parametrize(
    "error", [pytest.fail.Exception("a promise is broken"), MisuseError("ours"), UnseenError("GET /x", "no connection")]
)
def test_what_we_say_ourselves_is_shown_whoever_wrote_the_document(error):
    def breaks():
        raise error

    report = SimpleNamespace(longrepr=str(error), longreprtext=str(error), sections=[])
    hook = Veil(lambda text: text, shows_values=False).pytest_runtest_makereport(pytest.CallInfo.from_call(breaks, "call"))
    next(hook)
    with pytest.raises(StopIteration):
        hook.send(report)
    assert report.longrepr == str(error)
