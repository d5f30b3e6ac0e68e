"""Requests that are not as the documentation wants them, from callers who may call."""

import json
from typing import Any

import pytest

from mmconform.plugin.suite import TOKEN_ACTIONS, Actor, Behaves, Stage, applies, clause

CREATE = "CreateUserAccessToken"
#: Looks like an id or a token; begins like our placeholders, so that nobody takes it for a secret on a tape.
CHOSEN = "redactedzzzzzzzzzzzzzzzzzz"


def _size(text: str) -> str:
    return f"{len(text)}-times-{text[0]!a}-{len(text.encode())}-bytes"


UNREADABLE = ["", "{", "[]", "5", '"text"', "true", "\x00", "<a/>", "description=x"]


# -- making a token ------------------------------------------------------------------------------------------------


@clause("CreateUserAccessToken.input")
@pytest.mark.parametrize("raw", [*UNREADABLE, '{"description": 5}', '{"description": ["x"]}', '{"description": {}}'])
def test_unreadable_body_of_a_token(token_user: Actor, raw: str) -> None:
    """What is no object, or has a description that is no text, is refused."""
    assert token_user.do(CREATE, user_id="me", raw=raw).refused_as("bad-body")
    assert token_user.ask(CREATE).served


@clause("CreateUserAccessToken.input")
@pytest.mark.parametrize("body", [None, {}, {"description": None}, {"description": ""}, {"name": "x"}])
def test_a_token_without_a_description(token_user: Actor, body: Any) -> None:
    """A description is required, and not an empty one."""
    assert token_user.do(CREATE, user_id="me", raw=json.dumps(body)).refused_as("bad-body")
    assert token_user.ask(CREATE).served


@clause("CreateUserAccessToken.input")
@pytest.mark.parametrize("description", ["x" * 255, "é" * 127, "🦆" * 63, " ", "<b>&</b>", "'; --"], ids=_size)
def test_descriptions_that_fit(token_user: Actor, description: str) -> None:
    """Up to 255 bytes of anything are kept as they are."""
    reply = token_user.do(CREATE, user_id="me", body={"description": description})
    assert reply.served
    assert reply["description"] == description, "the description is not what was sent"


@clause("CreateUserAccessToken.input")
@pytest.mark.parametrize("description", ["x" * 256, "é" * 128, "🦆" * 64, "x" * 70_000], ids=_size)
def test_descriptions_that_are_too_long(token_user: Actor, description: str) -> None:
    """255 is the limit, and it counts bytes: 128 letters of two bytes are too many."""
    assert token_user.do(CREATE, user_id="me", body={"description": description}).refused_as("description-too-long")
    assert token_user.ask(CREATE).served


@clause("CreateUserAccessToken.input")
def test_a_nul_in_a_description(token_user: Actor) -> None:
    """PostgreSQL stores no NUL; the caller's mistake is to be refused as one."""
    assert token_user.do(CREATE, user_id="me", body={"description": "a\x00b"}).refused
    assert token_user.ask(CREATE).served


@clause("CreateUserAccessToken.input")
@pytest.mark.parametrize(
    "raw", ['{"description": "x"} trailing', '{"description": "x", "more": {"a": [1]}}', '{"DESCRIPTION": "x"}']
)
def test_ignored_parts_of_a_body(token_user: Actor, raw: str) -> None:
    """Servers read the first JSON value, ignore unknown keys, and take keys in any case; no document says otherwise."""
    assert token_user.do(CREATE, user_id="me", raw=raw).served


@clause("CreateUserAccessToken.input")
@pytest.mark.parametrize("key", ["id", "token", "user_id", "is_active"])
def test_what_the_server_decides(token_user: Actor, key: str) -> None:
    """Nothing but the description is taken from the body."""
    given = {"is_active": False}.get(key, CHOSEN)
    reply = token_user.do(CREATE, user_id="me", body={"description": "x", key: given})
    assert reply.served
    assert reply.exchange.json_object.get(key) != given, f"the caller chose the {key}"


@clause("{operation}.input")
@pytest.mark.parametrize("length", [1, 25, 27, 200])
@pytest.mark.parametrize(
    ("operation", "parameter"),
    [
        (CREATE, "user_id"),
        ("GetUserAccessTokensForUser", "user_id"),
        ("GetUserAccessToken", "token_id"),
        ("RegenCommandToken", "command_id"),
    ],
)
def test_ids_of_another_length(operation: str, parameter: str, length: int, system_admin: Actor) -> None:
    """An id has 26 characters; in the path, another length is refused as a bad parameter."""
    body = {"description": "x"} if operation == CREATE else None
    assert system_admin.do(operation, body=body, **{parameter: "a" * length}).refused_as("bad-parameter")
    assert system_admin.ask(operation).served


@clause("GetUserAccessToken.input")
@pytest.mark.parametrize("word", ["me", "search", "revoke", "enable", "disable"])
def test_words_that_look_like_ids(system_admin: Actor, word: str) -> None:
    """The names of sibling operations, and `me`, are no token's id."""
    assert system_admin.do("GetUserAccessToken", token_id=word).refused_as("bad-parameter")
    assert system_admin.ask("GetUserAccessToken").served


@clause("GetUserAccessToken.status")
def test_ids_have_a_case(token_user: Actor) -> None:
    """An id in capitals is another id (PostgreSQL)."""
    token = token_user.new_token()
    assert token_user.do("GetUserAccessToken", token_id=token.id.upper()).refused_as("no-token")
    assert token_user.do("GetUserAccessToken", token_id=token.id).served


# -- revoke, disable, enable ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", TOKEN_ACTIONS)
@clause("{operation}.input")
@pytest.mark.parametrize(
    "raw", [*UNREADABLE, "null", "{}", '{"token_id": null}', '{"token_id": 5}', '{"token_id": ""}', '{"token_id": ["x"]}']
)
def test_body_without_a_token_id(operation: str, token_user: Actor, raw: str) -> None:
    """Whatever names no token finds none; servers say 404 here, where the documentation makes one expect 400."""
    assert token_user.do(operation, raw=raw).refused_as("no-token")
    assert token_user.ask(operation).served


@pytest.mark.parametrize("operation", TOKEN_ACTIONS)
@clause("{operation}.input")
def test_a_nul_in_the_id_of_a_token(operation: str, token_user: Actor) -> None:
    """PostgreSQL looks up no NUL; the caller's mistake is to be refused as one."""
    assert token_user.do(operation, body={"token_id": "a\x00b"}).refused
    assert token_user.ask(operation).served


@pytest.mark.parametrize("operation", TOKEN_ACTIONS)
@clause("{operation}.input")
def test_another_key_that_is_a_text(operation: str, token_user: Actor) -> None:
    """Unknown keys are ignored."""
    token = token_user.new_token()
    assert token_user.do(operation, body={"token_id": token.id, "more": "x"}).served


@pytest.mark.parametrize("operation", TOKEN_ACTIONS)
@clause("{operation}.input")
def test_another_key_that_is_no_text(operation: str, token_user: Actor, behaves: Behaves) -> None:
    """To 7.2 one value that is no text spoils the whole body, so that no token is named; then no longer."""
    token = token_user.new_token()
    reply = token_user.do(operation, body={"token_id": token.id, "more": 1})
    if behaves("a-map-with-one-wrong-value-is-still-read"):
        assert reply.served
    else:
        assert reply.refused_as("no-token")


# -- searching -----------------------------------------------------------------------------------------------------


@clause("SearchUserAccessTokens.input")
@pytest.mark.parametrize("raw", [*UNREADABLE, '{"term": 5}', '{"term": ["x"]}', "null", "{}", '{"term": null}', '{"term": ""}'])
def test_a_search_for_nothing(system_admin: Actor, raw: str) -> None:
    """A search needs a term that is a text, and not an empty one."""
    assert system_admin.do("SearchUserAccessTokens", raw=raw).refused_as("bad-body")
    assert system_admin.do("SearchUserAccessTokens", body={"term": "x"}).served


@clause("SearchUserAccessTokens.input")
def test_a_nul_in_a_term(system_admin: Actor) -> None:
    """PostgreSQL compares no NUL; the caller's mistake is to be refused as one."""
    assert system_admin.do("SearchUserAccessTokens", body={"term": "a\x00b"}).refused
    assert system_admin.do("SearchUserAccessTokens", body={"term": "x"}).served


# -- jobs ----------------------------------------------------------------------------------------------------------


@clause("CreateJob.input")
@pytest.mark.parametrize("raw", [*UNREADABLE, '{"type": 5}', '{"type": ["x"]}'])
def test_unreadable_body_of_a_job(system_admin: Actor, raw: str) -> None:
    """What is no object, or has a type that is no text, is refused."""
    assert system_admin.do("CreateJob", raw=raw).refused_as("bad-body")
    assert system_admin.ask("CreateJob").served


@clause("CreateJob.input")
@pytest.mark.parametrize("raw", ["null", "{}", '{"type": null}', '{"type": ""}', '{"type": "Data_Retention"}'])
def test_job_without_a_type(system_admin: Actor, raw: str) -> None:
    """A job needs a kind that exists, in the right case."""
    assert system_admin.do("CreateJob", raw=raw).refused_as("unknown-job-type")
    assert system_admin.ask("CreateJob").served


@clause("CreateJob.input")
@applies(since="4.2")
@pytest.mark.parametrize("data", [{"n": 1}, {"o": {}}, {"l": ["x"]}, {"b": True}, [], "x", 5], ids=json.dumps)
def test_job_data_of_other_types(system_admin: Actor, stage: Stage, data: Any) -> None:
    """Data map texts to texts."""
    assert system_admin.do("CreateJob", body={"type": stage.world.harmless_job, "data": data}).refused_as("bad-body")
    assert system_admin.ask("CreateJob").served


# -- commands ------------------------------------------------------------------------------------------------------


@clause("RegenCommandToken.status")
@pytest.mark.parametrize("raw", ["{", "null", f'{{"token": "{CHOSEN}"}}'])
def test_unexpected_body(system_admin: Actor, raw: str) -> None:
    """The operation takes no body, and what is sent is ignored: the server chooses the token."""
    reply = system_admin.do("RegenCommandToken", command_id=system_admin.new_command(), raw=raw)
    assert reply.served
    assert reply["token"] != CHOSEN, "the caller chose the token"
