"""Getting a live server ready: who else is there, and that nobody gets in between."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from mmconform.errors import MisuseError
from mmconform.reference import named
from mmconform.reference.app import Answer
from mmconform.reference.server import Reference
from mmconform.servers.live import live_server
from mmconform.servers.live.prepare import people
from mmconform.servers.target import Server, Target
from mmconform.version import Version
from mmconform.wire.client import Client
from mmconform.wire.tape.redact import Redactor
from mmconform.world.world import World, build, login


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
        return people(World(client, Version(5, 36, 1), "", "t"))

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


def test_a_server_is_for_one_run_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(live_server, "REPORTS", tmp_path)
    server = Server(Version(5, 36, 1), "5.36.0", "5.36.1", "", "team", "")
    target = Target("http://127.0.0.1:1", "one", "http://127.0.0.1:1", server, Redactor(replaying=False))
    with live_server.only_run(target), pytest.raises(MisuseError, match=r"^a run on http://127\.0\.0\.1:1 is in progress"):
        live_server.only_run(target)
    live_server.only_run(target).close()


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
