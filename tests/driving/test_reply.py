"""An answer that is another one when the same is asked a moment later says nothing about the server."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from mmconform.contract.clause import Sample
from mmconform.driving import actor
from mmconform.driving.actor import Actor, Stage
from mmconform.driving.expectation import BrokenPromiseError
from mmconform.judging.judge import Judge
from mmconform.plugin import fixtures
from mmconform.safety.guard import Guard
from mmconform.servers.target import resolve
from mmconform.wire.client import Client, HeldBackError
from mmconform.wire.tape.redact import Redactor
from mmconform.world.admin import ArrangingError
from mmconform.world.behaviours import NotKnownError
from mmconform.world.people import PERSONAS
from mmconform.world.world import Person, World

GONE = (404, {"id": "a.b", "message": "no", "status_code": 404})
LIST = (200, [{"id": "t"}])


@pytest.fixture
def ask(serve, contract):
    """Let a server give one answer after the other, ask an operation once, and return the reply."""

    def ask(operation, *answers, is_live=False):
        turns = iter([*answers, *[answers[-1]] * 9])

        def answer(method, path, headers, body):
            status, data = next(turns)
            return status, [("X-Version-Id", "5.36.0"), ("Content-Type", "application/json")], json.dumps(data).encode()

        running = serve(answer)
        (target,) = resolve("recorded:5.36.1")
        target = replace(target, tape=None) if is_live else target
        client = Client(running.url, Redactor(replaying=False))
        stage = Stage(contract, World(client, target.version, "abc123", "t"), client, Judge(contract, target, []), "a test")
        return Actor("member", None, "s" * 26, stage).do(operation, user_id="u" * 26, body={"token_id": "t"}), running

    return ask


@pytest.mark.parametrize("first", [LIST, GONE, (200, [])])
@pytest.mark.parametrize("later", [LIST, GONE, (200, [])])
def test_a_read_is_steady_when_it_says_the_same_again(ask, first, later):
    reply, running = ask("GetUserAccessTokensForUser", first, later)
    assert reply.is_steady == (first == later) and len(running.requests) == 2


@pytest.mark.parametrize(("later", "is_steady"), [(GONE, True), ((200, {"status": "OK"}), False)])
def test_a_refusal_changed_nothing_and_is_asked_again(ask, later, is_steady):
    """A token that was just made is not there yet for who reads from a replica."""
    reply, running = ask("RevokeUserAccessToken", GONE, later)
    assert reply.is_steady == is_steady and len(running.requests) == 2


@pytest.mark.parametrize("operation", ["RevokeUserAccessToken", "CreateUserAccessToken", "CreateJob"])
def test_what_was_changed_is_not_changed_once_more(ask, operation):
    reply, running = ask(operation, (201 if operation == "CreateJob" else 200, {"status": "OK"}), GONE)
    assert reply.is_steady and len(running.requests) == 1


@pytest.mark.parametrize(("later", "is_unsteady"), [(GONE, False), ((200, {"status": "OK"}), True)])
def test_a_broken_promise_is_asked_again_at_once(ask, monkeypatch, later, is_unsteady):
    """Where a test grants a permission for a while, it is gone again when the test has ended; then a refusal is another one."""
    monkeypatch.setattr(actor, "_MOMENT", 0)
    reply, running = ask("RevokeUserAccessToken", GONE, later, (403, {"id": "a.b", "message": "no"}), is_live=True)
    with pytest.raises(BrokenPromiseError) as caught:
        assert reply.served
    assert caught.value.is_unsteady == is_unsteady and len(running.requests) == 2


LICENCE = (501, {"id": "api.license_error", "message": "no", "status_code": 501})
REFUSED = (403, {"id": "api.context.permissions.app_error", "message": "no", "status_code": 403})
BROKEN, UNKNOWN = BrokenPromiseError, NotKnownError


@pytest.fixture
def expect(serve, contract):
    """Let a caller ask about themselves a request made of a document alone, and expect something of the answer."""

    def expect(what, answer, *, vouches, persona="other_token_user"):
        status, data = answer
        head = [("X-Version-Id", "5.36.0"), ("Content-Type", "application/json")]
        running = serve(lambda *_: (status, head, json.dumps(data).encode()))
        (target,) = resolve("recorded:5.36.1")
        client, judge = Client(running.url, Redactor(replaying=False)), Judge(contract, target, [], vouches=vouches)
        person = Person(PERSONAS[persona], "u" * 26, "mmc-abc123-x", "s" * 26)
        stage = Stage(contract, World(client, target.version, "abc123", "t"), client, judge, "a test")
        reply = Actor(persona, person, "s" * 26, stage).ask("GetUserAccessTokensForUser")
        return bool(getattr(reply, what))

    return expect


@pytest.mark.parametrize(
    ("what", "answer", "ours", "others"),
    [
        ("served", LICENCE, BROKEN, "needs-licence"),
        ("denied", LICENCE, BROKEN, "needs-licence"),
        ("served", (400, {"id": "api.context.invalid_body_param.app_error"}), BROKEN, "unknown-request"),
        ("served", GONE, BROKEN, "unknown-request"),
        ("denied", GONE, BROKEN, "unknown-request"),
    ],
)
def test_where_nobody_vouches_for_a_document_an_unexpected_answer_proves_nothing(expect, what, answer, ours, others):
    with pytest.raises(ours):
        expect(what, answer, vouches=True)
    with pytest.raises(UNKNOWN) as unknown:
        expect(what, answer, vouches=False)
    assert unknown.value.reason == others


def test_what_is_as_a_test_expects_it_is_seen_whoever_vouches(expect):
    assert expect("served", LIST, vouches=False) and expect("served", LIST, vouches=True)


def test_a_test_s_own_request_is_a_verdict_where_it_is_valid_and_nothing_is_gated(ask, contract):
    def told(reply):
        return replace(reply, stage=replace(reply.stage, judge=Judge(contract, reply.stage.judge.target, [], vouches=False)))

    reply, _ = ask("GetUserAccessTokensForUser", GONE)
    with pytest.raises(BROKEN):
        assert told(reply).served
    reply, _ = ask("GetUserAccessTokensForUser", LICENCE)
    with pytest.raises(UNKNOWN):
        assert told(reply).served


@pytest.fixture
def play(serve, contract):
    """Let a test of a person's own play on a server that serves everything, under a guard."""

    def play(operation=None, persona="token_user", *, frees=False, **overlaid):
        head = [("X-Version-Id", "11.1.0"), ("Content-Type", "application/json")]
        running = serve(lambda *_: (200, head, b'{"id": "id1", "token": "secret1", "username": "mmc-abc123-x"}'))
        (target,) = resolve("recorded:11.0.3")
        target = replace(target, tape=None)
        asked = {**contract.operations, **({operation: replace(contract.operations[operation], **overlaid)} if operation else {})}
        of_others = replace(contract, operations=asked)
        client = Client(running.url, Redactor(replaying=False))
        world = World(client, target.version, "abc123", "operator", team_id="team")
        client.guard = Guard(of_others, target.version, register=world.register)
        person = Person(PERSONAS[persona], "u" * 26, "mmc-abc123-x", "s" * 26)
        world.register.learn(person.id)
        stage = Stage(of_others, world, client, Judge(of_others, target, []), "a test", frees=frees)
        return Actor(persona, person, "s" * 26, stage), running

    return play


def test_a_hand_written_test_may_consume_what_it_made(play):
    administrator, running = play("RevokeUserAccessToken", "system_admin", consumes=frozenset({"token"}))
    assert administrator.ask("RevokeUserAccessToken").exchange.status == 200
    assert [path for _, path, *_ in running.requests][-1] == "/api/v4/users/tokens/revoke"


@pytest.mark.parametrize("consumed", ["user", "caller", "sessions", "membership"])
def test_a_hand_written_test_does_not_consume_its_people(play, consumed):
    administrator, running = play("RevokeUserAccessToken", "system_admin", consumes=frozenset({consumed}))
    with pytest.raises(HeldBackError):
        administrator.do("RevokeUserAccessToken", body={"token_id": "x"})
    assert running.requests == []


def test_a_request_of_a_hand_written_test_holds_what_the_document_says_is_served(play):
    """Without the description no server makes a token, and whatever it says then proves nothing."""
    said = {"description": "made for a test", "term": "{user.username}"}
    token_user, running = play("CreateUserAccessToken", sample=Sample(body=said))
    token_user.ask("CreateUserAccessToken")
    assert json.loads(running.requests[-1][3]) == {**said, "term": "mmc-abc123-x"}


@pytest.mark.parametrize("frees", [True, False])
def test_whom_a_test_no_longer_needs_is_deactivated_where_accounts_are_few(play, frees):
    token_user, running = play(frees=frees)
    stage = token_user.stage
    stage.people.append((token_user.person, 0))
    stage.see_off()
    stage.see_off()
    asked = [(method, path, json.loads(body)) for method, path, _, body in running.requests]
    assert asked == ([("PUT", f"/api/v4/users/{'u' * 26}/active", {"active": False})] if frees else [])


def test_who_was_made_a_bot_is_left_to_the_end_of_the_run(play):
    # It owns itself, and a server that deactivates an owner deactivates their bots first: for ever (app/bot.go@91ce593d27).
    token_user, running = play(frees=True)
    stage = token_user.stage
    stage.people.append((token_user.person, 0))
    stage.operator("POST", f"/api/v4/users/{token_user.id}/convert_to_bot")
    asked = len(running.requests)
    stage.see_off()
    assert running.requests[asked:] == []


@pytest.mark.parametrize(("status", "is_let_in"), [(200, True), (403, True), (404, True), (401, False), (500, False)])
def test_let_in_is_who_is_known_whatever_else_they_are_told(ask, status, is_let_in):
    reply, _ = ask("RevokeUserAccessToken", (status, {"id": "a.b", "message": "no", "status_code": status}))
    assert reply.let_in.is_met == is_let_in


# -- what the operator arranges -------------------------------------------------------------------------------------------

MADE = {"id": "t" * 26, "user_id": "u" * 26, "description": "made for a test", "is_active": True, "token": "k" * 26}
DENIED = {"id": "api.context.permissions.app_error", "message": "no", "status_code": 403}


@pytest.mark.parametrize(
    ("answer", "clause", "signature"),
    [
        ((200, {k: v for k, v in MADE.items() if k != "token"}), "schema", "the answer holds no `token`"),
        ((200, {k: v for k, v in MADE.items() if k != "id"}), "schema", "the answer holds no `id`"),
        ((200, ["a"]), "schema", "the answer is no JSON object or list of them"),
        ((403, DENIED), "permission", "403 api.context.permissions.app_error, not served"),
        ((400, {**DENIED, "id": "a.b", "status_code": 400}), "status", "400 a.b, not served"),
        ((200, MADE), "", ""),
    ],
)
def test_what_the_operator_is_answered_breaks_the_promise_of_the_operation_in_whatever_test(ask, answer, clause, signature):
    """A run that can make no token knows why, and says which promise that breaks."""
    reply, _ = ask("GetUserAccessTokensForUser", LIST, answer)
    stage, of_test = reply.stage, "DisableUserAccessToken.effect.disables"
    holder = Actor("member", Person(PERSONAS["member"], "u" * 26, "someone", "s" * 26), "s" * 26, stage)
    item = SimpleNamespace(funcargs={"stage": stage}, get_closest_marker=lambda _: SimpleNamespace(args=[of_test]))
    with fixtures.performing(item):
        holder.new_token()
        assert reply.served
    seen = [o for o in stage.judge.observations if o.outcome == "fail" and o.clause.startswith("CreateUserAccessToken.")]
    broken = [(o.clause, o.signature, o.persona) for o in seen]
    assert broken == ([(f"CreateUserAccessToken.{clause}", signature, "system_admin")] if clause else [])


def test_what_the_documents_do_not_describe_breaks_no_promise(ask):
    stage = ask("GetUserAccessTokensForUser", LIST, (403, DENIED))[0].stage
    item = SimpleNamespace(funcargs={"stage": stage}, get_closest_marker=lambda _: SimpleNamespace(args=["CreateJob.status"]))
    with pytest.raises(ArrangingError, match="POST /api/v4/teams by the operator answered 403"), fixtures.performing(item):
        stage.operator("POST", "/api/v4/teams", {})
    assert {o.outcome for o in stage.judge.observations if o.persona != "member"} == set()
