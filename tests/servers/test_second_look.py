"""Before a server is blamed: is everything that a run relies on still as the run made it?"""

import json

import pytest

from mmconform.judging.judge import Judge
from mmconform.reference import named
from mmconform.reference.server import Reference
from mmconform.servers.live.second_look import changed_meanwhile, sent_twice
from mmconform.servers.target import resolve
from mmconform.version import Version
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.tape.redact import Redactor
from mmconform.world.build import build
from mmconform.world.kinds.user import login
from mmconform.world.people import PERSONAS
from mmconform.world.world import Person, World


@pytest.fixture
def app():
    app = named.app("reference@5.36.1", "5.36.1")
    app.store.config["ServiceSettings"]["EnableUserAccessTokens"] = True
    return app


@pytest.fixture
def world(app):
    with Reference(app, "operator", "a password") as running:
        client = Client(running.url, Redactor(replaying=False))
        world = World(client, Version(5, 36, 1), "abc123", login(client, "operator", "a password", "operator"))
        build(world)
        yield world


def user(app, world, persona):
    return app.store.users[world.people[persona].id]


def session_of(app, world, persona):
    return app.store.sessions.pop(world.people[persona].session)


#: What somebody else does meanwhile, and what the look finds.
DOES = {
    "ends a session": (lambda app, w: session_of(app, w, "outsider"), "the session of mmc-abc123-outsider was ended"),
    "ends the administrator's": (lambda app, w: app.store.sessions.pop(w.operator), "the administrator's session was ended"),
    "deactivates somebody": (
        lambda app, w: setattr(user(app, w, "member"), "is_active", False),
        "mmc-abc123-member was deactivated",
    ),
    "takes a role away": (lambda app, w: user(app, w, "token_user").roles.pop(), "the roles of mmc-abc123-token were changed"),
    "gives a role": (lambda app, w: user(app, w, "member").roles.append("system_admin"), "the roles of mmc-abc123-member"),
    "revokes a token": (
        lambda app, w: app.store.tokens.pop(w.people["team_admin"].token_id),
        "the token of mmc-abc123-teamadmin was revoked",
    ),
    "switches tokens off": (
        lambda app, w: app.store.config["ServiceSettings"].update(EnableUserAccessTokens=False),
        "ServiceSettings.EnableUserAccessTokens was changed",
    ),
    "switches commands off": (
        lambda app, w: app.store.config["ServiceSettings"].update(EnableCommands=False),
        "ServiceSettings.EnableCommands was changed",
    ),
    "archives the team": (
        lambda app, w: setattr(app.store.teams[w.team_id], "is_archived", True),
        "the team of the run was archived",
    ),
    "deletes the command": (
        lambda app, w: setattr(app.store.commands[w.command_id], "is_deleted", True),
        "the command of the run was deleted",
    ),
    "changes what a role holds": (
        lambda app, w: app.store.roles["system_user"].permissions.add("edit_other_users"),
        "the role `system_user` holds `edit_other_users`",
    ),
}


def test_nothing_was_changed_where_nobody_changed_anything(world):
    assert changed_meanwhile(world, world.client) == ""


@pytest.mark.parametrize("what", DOES)
def test_what_somebody_else_did_meanwhile_is_seen(app, world, what):
    does, told = DOES[what]
    does(app, world)
    assert changed_meanwhile(world, world.client).startswith(told)


def test_whom_a_test_made_is_looked_at_too(app, world):
    member = world.people["member"]
    made = Person(PERSONAS["team_admin"], member.id, member.username, member.session, "", "")
    assert changed_meanwhile(world, world.client, [made]) == ""
    assert changed_meanwhile(world, world.client, [Person(made.persona, "z" * 26, "mmc-abc123-x", None, "", "")]).startswith(
        "mmc-abc123-x was deactivated"
    )


def test_features_that_are_off_anyway_are_not_missed(app, world):
    app.store.config["ServiceSettings"].update(EnableUserAccessTokens=False)
    world.switched_off = frozenset({"personal access tokens"})
    assert changed_meanwhile(world, world.client) == ""


def test_a_server_that_cannot_be_looked_at_is_not_blamed(world, closed_port):
    with pytest.raises(UnseenError):
        changed_meanwhile(world, Client(closed_port, Redactor(replaying=False)))


def test_what_is_taken_back_is_neither_kept_nor_broken(contract):
    target = resolve("recorded:5.36.1")[0]
    judge = Judge(contract, target, [])
    judge.conclude("GetUserAccessTokens.permission", "member", "200, not denied", "200", None)
    judge.conclude("GetUserAccessTokens.auth", "anonymous", "", "", None)
    judge.withdraw("somebody did something")
    (only,) = judge.observations
    assert (only.clause, only.outcome, only.signature) == ("GetUserAccessTokens.status", "error", "somebody did something")
    assert judge.coverage == {} and judge.answers == []


class Channels:
    """A server with channels, and something in front that sends every so many changes twice and passes the second answer on."""

    def __init__(self, every=0, without=()):
        self.every, self.without, self.changes, self.is_archived, self.names = every, without, 0, False, set()

    def __call__(self, method, path, headers, body):
        self.changes += 1
        answer = self.change(method, path, body)
        if self.every and self.changes % self.every == 0:
            answer = self.change(method, path, body)
        return answer[0], [("Content-Type", "application/json")], json.dumps(answer[1]).encode()

    def change(self, method, path, body):
        if path.endswith("/channels"):
            return self.make(json.loads(body)["name"])
        if method in self.without:
            return self.refused("api.context.404.app_error")
        if self.is_archived == (method == "DELETE"):
            what = "delete_channel.deleted" if self.is_archived else "restore_channel.restored"
            return self.refused(f"api.channel.{what}.app_error")
        self.is_archived = not self.is_archived
        return 200, {"status": "OK"}

    def make(self, name):
        if name in self.names:
            return self.refused("store.sql_channel.save_channel.exists.app_error")
        self.names.add(name)
        self.is_archived = False
        return 201, {"id": "c" * 26}

    @staticmethod
    def refused(id_):
        return 400, {"id": id_, "message": "no", "detailed_error": "", "status_code": 400}


def looked(serve, server):
    world = World(Client(serve(server).url, Redactor(replaying=False)), Version(11, 1), "abc123", "operator", team_id="t" * 26)
    return [sent_twice(world, world.client) for _ in range(3)]


@pytest.mark.parametrize("every", [1, 2, 9, 10])
def test_a_front_that_sends_changes_twice_is_noticed(serve, every):
    assert looked(serve, Channels(every))[0].startswith("something in front of the server sends requests twice")


@pytest.mark.parametrize("without", [(), ("POST",), ("DELETE",)])
def test_nobody_sends_twice_where_every_change_is_made_once(serve, without):
    """Nor where a server does not know one of the two changes, and however often it is looked at."""
    assert looked(serve, Channels(without=without)) == ["", "", ""]
