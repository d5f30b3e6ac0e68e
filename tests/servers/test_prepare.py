"""Getting a live server ready: who else is there, and that nobody gets in between."""

import json
import time
from contextlib import nullcontext
from urllib.parse import parse_qs, urlsplit

import pytest

from mmconform.errors import MisuseError, NotHereError
from mmconform.reference import named
from mmconform.reference.app import Answer
from mmconform.reference.server import Reference
from mmconform.reference.store import User
from mmconform.servers.live import live_server
from mmconform.servers.live.journal import Journal
from mmconform.servers.live.live_server import LiveServer
from mmconform.servers.live.prepare import people, prepare, sign_in, stands_on_tokens
from mmconform.servers.live.state import look
from mmconform.servers.target import live
from mmconform.version import Version
from mmconform.wire.client import Client
from mmconform.wire.tape.redact import Redactor
from mmconform.world.admin import Admin
from mmconform.world.build import build
from mmconform.world.features import ENDLESS, JOBS
from mmconform.world.kinds.user import login
from mmconform.world.world import World


def user(name, **more):
    return {"id": name, "username": name, "email": f"{name}@example.org", "delete_at": 0, **more}


def ours(number):
    return user(f"mmc-aaaaaa-{number}", email=f"mmc-aaaaaa-{number}@conformance.invalid")


@pytest.fixture
def count(serve):
    """Count the people on a server that has the given users beside the administrator."""

    def count(users):
        users = [user("admin"), *users]

        def answer(method, path, headers, body):
            data = users[0]
            if not path.endswith("/me"):
                page = int(parse_qs(urlsplit(path).query).get("page", ["0"])[0])
                data = users[page * 200 : page * 200 + 200]
            return 200, [("Content-Type", "application/json")], json.dumps(data).encode()

        client = Client(serve(answer).url, Redactor(replaying=False))
        return people(Admin(client, "t"))

    return count


def test_an_empty_server_has_no_people(count):
    assert count([]) == 0


@pytest.mark.parametrize("before", [0, 150, 199, 200, 450])
def test_people_are_found_behind_any_number_of_ours(count, before):
    """What earlier runs left fills the first pages of the list."""
    assert count([*(ours(n) for n in range(before)), user("zoe"), user("zed")]) == 2


def test_bots_and_deactivated_people_do_not_count(count):
    assert count([user("bot", is_bot=True), user("gone", delete_at=5)]) == 0


def test_a_name_like_ours_with_another_address_is_somebody(count):
    assert count([user("mmc-maria")]) == 1


# -- a run does not take away what it stands on ------------------------------------------------------------------------

#: How an administrator is known, and what the server tells of them: whether they are locked out while tokens are switched off.
STANDING = {
    "a token": ("given", {}, [{"id": "t", "is_active": True}], True),
    "a token of an early server, that tells no state": ("given", {}, [{"id": "t"}], True),
    "a session, and no tokens": ("given", {}, [], False),
    "a session, and a disabled token": ("given", {}, [{"id": "t", "is_active": False}], False),
    "a bot's token": ("given", {"is_bot": True}, [{"id": "t", "is_active": True}], False),
    "login and password": ("", {}, [{"id": "t", "is_active": True}], False),
}


@pytest.fixture
def administrator(serve, monkeypatch):
    def administrator(case):
        given, more, tokens, _ = STANDING[case]
        monkeypatch.setenv("MM_ADMIN_TOKEN", given)

        def answer(method, path, headers, body):
            data = tokens if "/tokens" in path else user("admin", **more)
            return 200, [("Content-Type", "application/json")], json.dumps(data).encode()

        return Admin(Client(serve(answer).url, Redactor(replaying=False)), given or "a session")

    return administrator


@pytest.mark.parametrize("case", STANDING)
def test_who_would_be_locked_out_while_tokens_are_off_is_known(administrator, case):
    assert stands_on_tokens(administrator(case)) is STANDING[case][3]


def test_a_server_before_tokens_locks_nobody_out(serve, monkeypatch):
    monkeypatch.setenv("MM_ADMIN_TOKEN", "given")
    error = json.dumps({"id": "api.context.404.app_error", "message": "", "detailed_error": "", "status_code": 404}).encode()
    me = json.dumps(user("admin")).encode()
    running = serve(lambda method, path, *_: (404, [], error) if "/tokens" in path else (200, [], me))
    assert not stands_on_tokens(Admin(Client(running.url, Redactor(replaying=False)), "given"))


@pytest.mark.parametrize("key, is_refused", [("EnableUserAccessTokens", True), ("EnableCommands", False)])
def test_no_test_switches_off_what_the_administrator_stands_on(tmp_path, monkeypatch, key, is_refused):
    """Whoever is to put the setting back could not."""
    monkeypatch.setattr(live_server, "REPORTS", tmp_path)
    app = named.app("reference@5.36.1", "5.36.1")
    app.store.config["ServiceSettings"].update(EnableUserAccessTokens=True, EnableCommands=True)
    with Reference(app, "operator", "a password") as running:
        target = live(running.url)
        client = target.client()
        server = LiveServer(target, login(client, "operator", "a password", "operator"), frozenset(), stands_on_tokens=True)
        refused = pytest.raises(NotHereError, match="MM_ADMIN_LOGIN") if is_refused else nullcontext()
        with refused, server.settings(client, {"ServiceSettings": {key: False}}):
            assert app.store.config["ServiceSettings"][key] is False
        assert app.store.config["ServiceSettings"][key] is True
        assert not list(tmp_path.rglob("journal-*"))


class NowAndThen:
    """A server behind something that answers in its place whatever is asked for the first time."""

    def __init__(self):
        self.is_spoilt, self.asked = False, set()

    def __call__(self, method, path, headers, body):
        is_first = (method, path) not in self.asked
        self.asked.add((method, path))
        if self.is_spoilt and is_first:
            return 413, [("X-Version-Id", "")], b"<html>too large</html>"
        told = {
            "users/me": user("admin"),
            "config": {"ServiceSettings": {"A": 1}},
            "client": {"IsLicensed": "false"},
            "roles": [],
        }
        return (
            200,
            [],
            json.dumps(next((data for end, data in told.items() if path.partition("?")[0].endswith(end)), {})).encode(),
        )


def test_the_comparison_with_before_asks_again_like_undoing(serve, tmp_path, monkeypatch):
    """Else a run behind a gateway that answers now and then did not know whether it left the server as it was."""
    monkeypatch.setattr(live_server, "REPORTS", tmp_path)
    front = NowAndThen()
    running = serve(front)
    target = live(running.url)
    server = LiveServer(target, "a session", frozenset(), before=look(Admin(target.client(), "a session")))
    server.journal("run").note(what="command", id="c")
    front.is_spoilt = True
    front.asked.clear()
    assert server.clean() == {"commands deleted": 1}
    assert not server.aftermath.ours + server.aftermath.others
    assert ("GET", "/api/v4/roles") in front.asked, "it was compared"


# -- whatever keeps our people out is said at the first of them --------------------------------------------------------


@pytest.mark.parametrize("error", ["api.context.mfa_required.app_error", "api.some.plugin.app_error"])
def test_a_server_that_lets_none_of_our_people_in_is_told_by_the_first(serve, error):
    """As in front of a proxy, or of a plugin, that asks for more than any setting tells."""
    app = named.app("reference@5.36.1", "5.36.1")
    app.store.config["ServiceSettings"]["EnableUserAccessTokens"] = True
    running = Reference(app, "operator", "a password").start()
    plain = app.answer

    def guarded(call):
        answer = plain(call)
        if call.session and not app.is_administrator(call.session.user) and call.path != "/api/v4/users/me":
            return Answer(401, {"id": error, "message": "Something more is required.", "status_code": 401})
        return answer

    app.answer = guarded
    client = Client(running.url, Redactor(replaying=False))
    world = World(client, Version(5, 36, 1), "abc123", login(client, "operator", "a password", "operator"))
    with pytest.raises(MisuseError) as caught:
        build(world)
    running.close()
    assert f"by the member answered 401 {error}" in str(caught.value) and len(world.people) == 1
    assert ("ServiceSettings.EnforceMultifactorAuthentication has to be false" in str(caught.value)) == ("mfa" in error)


@pytest.mark.parametrize("mark, said", [((), "in the place of the server's error"), ((("X-Version-Id", ""),), "answered 403")])
def test_pages_in_the_place_of_refusals_are_found_by_the_first(serve, mark, said):
    """With the server's headers or without: what our people are refused would be blamed on it."""
    app = named.app("reference@5.36.1", "5.36.1")
    app.store.config["ServiceSettings"]["EnableUserAccessTokens"] = True
    plain = app.answer

    def dressed(call):
        answer = plain(call)
        return Answer(403, "<html>Sorry</html>", "text/html", mark) if answer.status == 403 else answer

    app.answer = dressed
    with Reference(app, "operator", "a password") as running:
        client = Client(running.url, Redactor(replaying=False))
        world = World(client, Version(5, 36, 1), "abc123", login(client, "operator", "a password", "operator"))
        with pytest.raises(MisuseError, match=said):
            build(world)
        assert len(world.people) == 1


# -- tokens that have to end (from 11.10 on) ---------------------------------------------------------------------------


@pytest.fixture
def strict():
    """A server that takes no token without an end within ten days."""
    app = named.app("reference@5.36.1", "5.36.1")
    app.store.config["ServiceSettings"].update(EnableUserAccessTokens=True, MaximumPersonalAccessTokenLifetimeDays=10)
    plain, asked = app.answer, []

    def answer(call):
        if call.method == "POST" and call.path.endswith("/tokens"):
            asked.append(json.loads(call.body))
            ends = asked[-1].get("expires_at", 0)
            days = app.store.config["ServiceSettings"]["MaximumPersonalAccessTokenLifetimeDays"]
            if days and not time.time() * 1000 < ends < (time.time() + 10 * 86400) * 1000:
                return Answer(400, {"id": "app.user_access_token.expires_at", "message": "No.", "status_code": 400})
        return plain(call)

    app.answer = answer
    with Reference(app, "operator", "a password") as running:
        yield app, running, asked


def prepared(running, tmp_path, **options):
    target = live(running.url)
    token = sign_in(target.client(), ours=("operator", "a password"))
    found = prepare(target, Journal(tmp_path / "journal-a.jsonl", running.url), token, recording=False, **options)
    world = World(target.client(), Version(5, 36, 1), "abc123", token, switched_off=found.switched_off)
    build(world)
    return found, world


def test_where_a_run_may_it_lifts_the_limit_and_its_tokens_do_not_end(strict, tmp_path):
    app, running, asked = strict
    found, _ = prepared(running, tmp_path, disruptive=True)
    assert app.store.config["ServiceSettings"]["MaximumPersonalAccessTokenLifetimeDays"] == 0
    assert ENDLESS not in found.switched_off and all("expires_at" not in body for body in asked) and asked


def test_where_it_may_not_its_tokens_end_and_making_one_as_documented_is_not_judged(strict, tmp_path, contract):
    app, running, asked = strict
    app.store.users["z"] = User("zoe", "zoe@example.org", "", ["system_user"])
    _, world = prepared(running, tmp_path, disruptive=False)
    assert app.store.config["ServiceSettings"]["MaximumPersonalAccessTokenLifetimeDays"] == 10
    assert all(person.token for person in world.people.values()) and all("expires_at" in body for body in asked)
    assert [o.id for o in contract.operations.values() if world.lacks(o)] == ["CreateUserAccessToken"]


# -- what a server says that it lacks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("licence", "lacks", "no_jobs"),
    [
        (Answer(200, {"IsLicensed": "false"}), {"a licence", "an Enterprise build"}, False),
        (Answer(200, {"IsLicensed": "true"}), {"an Enterprise build"}, True),
        (Answer(500, {"id": "some.error", "message": "No.", "status_code": 500}), {"an Enterprise build"}, True),
    ],
)
def test_a_licence_is_told_in_a_place_of_its_own_and_one_that_is_not_told_may_be_there(tmp_path, licence, lacks, no_jobs):
    app = named.app("reference@5.36.1", "5.36.1")
    plain = app.answer
    app.answer = lambda call: licence if call.path.startswith("/api/v4/license/client") else plain(call)
    with Reference(app, "operator", "a password") as running:
        found = prepare(
            live(running.url),
            Journal(tmp_path / "journal-a.jsonl", running.url),
            sign_in(live(running.url).client(), ours=("operator", "a password")),
            disruptive=False,
            recording=False,
        )
    assert found.lacks & {"a licence", "an Enterprise build"} == lacks
    assert (JOBS in found.switched_off) is no_jobs
