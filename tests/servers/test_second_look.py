"""Before a server is blamed: is everything that a run relies on still as the run made it?"""

import pytest

from mmconform.judging.judge import Judge
from mmconform.reference import named
from mmconform.reference.server import Reference
from mmconform.servers.live.second_look import changed_meanwhile
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
