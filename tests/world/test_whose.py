"""Whose resource a request names is told by what the world knows of what it made, and by nothing else."""

import json

import pytest

from mmconform.driving.actor import Actor, Stage
from mmconform.judging.judge import Judge
from mmconform.reference import named
from mmconform.reference.server import Reference
from mmconform.servers.target import resolve
from mmconform.version import Version
from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.redact import Redactor
from mmconform.world.build import build
from mmconform.world.kinds.user import login
from mmconform.world.whose import whose
from mmconform.world.world import World

ME, THEM, NOBODY, STRANGE = "member1abcdefghijklmnopqrs", "other1abcdefghijklmnopqrst", "z" * 26, "strange1abcdefghijklmnopqr"
MINE, THEIRS, GONE = "token1abcdefghijklmnopqrst", "token2abcdefghijklmnopqrst", "token3abcdefghijklmnopqrst"
BOT, COMMAND, OWN_COMMAND = "robot1abcdefghijklmnopqrst", "command1abcdefghijklmnopqr", "command2abcdefghijklmnopqr"
OWNERS = {
    **{("user", id_): id_ for id_ in (ME, THEM, BOT)},
    ("token", MINE): ME,
    ("token", THEIRS): THEM,
    ("token", GONE): None,
    ("command", COMMAND): "",
    ("command", OWN_COMMAND): ME,
}


@pytest.fixture
def world():
    return World(Client("http://127.0.0.1:9", Redactor(replaying=False)), Version(5, 36, 1), "abc123", None, owners=dict(OWNERS))


USERS, READ, REGEN = "/api/v4/users/{}/tokens", "/api/v4/users/tokens/{}", "/api/v4/commands/{}/regen_token"
LIST, GET, REVOKE = "GetUserAccessTokensForUser", "GetUserAccessToken", "RevokeUserAccessToken"


@pytest.mark.parametrize(
    ("operation", "url", "body", "about"),
    [
        (LIST, USERS.format("me"), None, "self"),
        (LIST, USERS.format(ME), None, "self"),
        (LIST, USERS.format(THEM), None, "other"),
        (LIST, USERS.format(BOT), None, "other"),  # a bot is not oneself, whoever made it
        (LIST, USERS.format(NOBODY), None, "nobody"),
        (LIST, USERS.format(MINE), None, "unclear"),  # one's own token, where a user belongs
        (LIST, USERS.format("me") + "/", None, "unclear"),  # misses the operation
        (LIST, USERS.format(STRANGE), None, "unclear"),  # a server may have given it: nobody knows to whom
        (GET, READ.format(MINE), None, "self"),
        (GET, READ.format(MINE) + f"?user_id={THEM}", None, "self"),
        (GET, READ.format(THEIRS), None, "other"),
        (GET, READ.format(GONE), None, "nobody"),
        (GET, READ.format(MINE.upper()), None, "nobody"),
        (GET, READ.format("search"), None, "nobody"),
        (REVOKE, "/api/v4/users/tokens/revoke", {"token_id": MINE, "more": THEM}, "self"),
        (REVOKE, "/api/v4/users/tokens/revoke", {"token_id": "a\x00b"}, "nobody"),
        (REVOKE, "/api/v4/users/tokens/revoke", {"token_id": [MINE]}, "unclear"),
        (REVOKE, "/api/v4/users/tokens/revoke", {"TOKEN_ID": MINE}, "unclear"),
        (REVOKE, "/api/v4/users/tokens/revoke", [], "nobody"),
        ("RegenCommandToken", REGEN.format(COMMAND), None, "other"),  # the operator's, in the team
        ("RegenCommandToken", REGEN.format(OWN_COMMAND), None, "self"),
        ("CreateJob", "/api/v4/jobs", {"type": "data_retention"}, "nobody"),  # a job has no owner
        ("SearchUserAccessTokens", "/api/v4/users/tokens/search", {"term": "mmc"}, "nobody"),
        ("GetUserAccessTokens", "/api/v4/users/tokens", None, "nobody"),
    ],
)
def test_what_a_request_names_tells_whose_it_is(contract, world, operation, url, body, about):
    assert whose(world, contract, operation, url, json.dumps(body).encode(), ME) == about


@pytest.mark.parametrize(("id_", "about"), [("me", "nobody"), (ME, "other"), (NOBODY, "nobody"), (STRANGE, "unclear")])
def test_who_has_no_account_has_nothing_of_their_own(contract, world, id_, about):
    assert whose(world, contract, LIST, USERS.format(id_), b"", "") == about
    assert whose(world, contract, "RegenCommandToken", REGEN.format(COMMAND), b"", "") == "other"


@pytest.fixture
def actors(contract):
    """Two callers of a new world on the reference server, whose answers are judged."""
    app = named.app("reference@5.36.1", "5.36.1")
    app.store.config["ServiceSettings"]["EnableUserAccessTokens"] = True
    with Reference(app, "operator", "a password") as running:
        client = Client(running.url, Redactor(replaying=False))
        world = World(client, Version(5, 36, 1), "abc123", login(client, "operator", "a password", "operator"))
        build(world)
        (target,) = resolve("recorded:5.36.1")
        stage = Stage(contract, world, client, Judge(contract, target, []), "a test")
        people = (world.people[name] for name in ("token_user", "system_admin"))
        yield [Actor(person.persona.name, person, person.session, stage) for person in people]


def test_what_a_test_makes_belongs_to_whom_it_was_made_for_until_it_is_ended(actors):
    """A test's own requests, and what it arranges: both are known, and the record tells it of each answer."""
    owner, admin = actors
    asked = [
        ("CreateUserAccessToken", {"user_id": owner.id, "body": {"description": "x"}}),
        (GET, {"token_id": owner.new_token().id}),
        (GET, {"token_id": admin.new_token().id}),
        ("RegenCommandToken", {"command_id": owner.new_command()}),
        ("CreateJob", {"body": {"type": "data_retention"}}),
    ]
    replies = [owner.do(operation, **named) for operation, named in asked]
    revoked = {"body": {"token_id": replies[0]["id"]}}
    replies += [owner.do(GET, token_id=replies[0]["id"]), owner.do(REVOKE, **revoked), owner.do(REVOKE, **revoked)]
    command = owner.new_command()
    owner.stage.operator("DELETE", f"/api/v4/commands/{command}")
    replies.append(admin.do("RegenCommandToken", command_id=command))
    told = ["self", "self", "other", "other", "nobody", "self", "self", "nobody", "nobody"]
    assert [answer.about for answer in owner.stage.judge.answers] == told == [reply.exchange.about for reply in replies]
    assert replies[-2].exchange.status == 404


def test_a_request_is_judged_by_what_it_was_meant_to_name(contract):
    """Nobody's is a job, and yet to ask for one is valid; without that it had named nothing that exists."""
    (target,) = resolve("recorded:5.36.1")
    sent = ("POST", "/api/v4/jobs", {}, b'{"type": "data_retention"}', 403, {}, b"{}")
    for meant, is_valid in (("other", True), ("", False)):
        at = Judge(contract, target, []).context(Exchange("CreateJob", "member", "nobody", *sent, meant=meant))
        assert (at.is_valid is True) == is_valid
