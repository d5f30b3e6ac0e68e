"""Callers without the permission, asking about what is not, what cannot be, and what is somebody else's: what they are told."""

import json

import pytest

from mmconform.plugin.suite import TOKEN_ACTIONS, UNKNOWN_ID, Actor, Behaves, applies, clause

CREATE, LIST = "CreateUserAccessToken", "GetUserAccessTokensForUser"
IN_PATHS = {
    CREATE: "user_id",
    LIST: "user_id",
    "GetUserAccessToken": "token_id",
    "RegenCommandToken": "command_id",
}
#: Bodies that nobody can read as an object of texts, and those that can be read and say nothing.
UNREADABLE = ["", "{", "[]", "5", '"text"', "true", "<a/>", "description=x"]
EMPTY = ["null", "{}", '{"token_id": null}', '{"token_id": ""}', '{"more": "x"}']


@clause("{operation}.input")
@pytest.mark.parametrize("operation", IN_PATHS)
def test_an_id_that_cannot_be_comes_before_the_permission(operation: str, member: Actor, system_admin: Actor) -> None:
    """Of another length than ids have: whoever asks is told that, with the permission or without."""
    body = {"description": "x"} if operation == CREATE else None
    for length in (1, 25, 27):
        assert member.do(operation, body=body, **{IN_PATHS[operation]: "a" * length}).refused_as("bad-parameter")
    assert system_admin.ask(operation).served


@clause("GetUserAccessTokensForUser.permission")
def test_who_may_list_no_tokens_learns_not_who_exists(member: Actor, outsider: Actor, system_admin: Actor) -> None:
    """The same refusal about oneself, about somebody else and about nobody."""
    for user in ("me", outsider.id, UNKNOWN_ID):
        assert member.do(LIST, user_id=user).denied
    assert system_admin.do(LIST, user_id=outsider.id).served


@clause("CreateUserAccessToken.permission")
def test_who_may_make_no_tokens_and_asks_for_nobody(
    member: Actor, outsider: Actor, system_admin: Actor, behaves: Behaves
) -> None:
    """To 7.9 the permission comes first; then whoever asks learns who exists, which is no secret."""
    body = {"description": "x"}
    reply = member.do(CREATE, user_id=UNKNOWN_ID, body=body)
    if behaves("a-missing-user-comes-before-the-body"):
        assert reply.refused_as("no-user")
    else:
        assert reply.denied
    assert member.do(CREATE, user_id=outsider.id, body=body).denied
    assert system_admin.do(CREATE, user_id=outsider.id, body=body).served


@clause("CreateUserAccessToken.input")
def test_who_may_make_no_tokens_learns_first_that_the_body_is_wrong(member: Actor, outsider: Actor, system_admin: Actor) -> None:
    """Whatever is wrong with it, about oneself and about others."""
    for raw in [*UNREADABLE, "null", "{}", '{"description": 5}', '{"description": ""}']:
        for user in (member, outsider):
            assert member.do(CREATE, user_id=user.id, raw=raw).refused_as("bad-body")
    assert system_admin.ask(CREATE).served


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", TOKEN_ACTIONS)
def test_no_body_tells_who_may_not_act_anything(operation: str, member: Actor, token_user: Actor, system_admin: Actor) -> None:
    """Unreadable, empty, of a token that is not, of somebody's: the permission comes before all of it."""
    token = token_user.new_token()
    named = [json.dumps({"token_id": id_}) for id_ in (token.id, token.value, UNKNOWN_ID, "a", "a" * 200)]
    for raw in [*UNREADABLE, *EMPTY, '{"token_id": 5}', '{"token_id": ["x"]}', *named]:
        assert member.do(operation, raw=raw).denied
    assert system_admin.do(operation, body={"token_id": token.id}).served


@clause("GetUserAccessToken.permission")
def test_no_id_tells_who_may_not_read_anything(member: Actor, token_user: Actor, system_admin: Actor) -> None:
    """Of a token, of something else, of nothing: the permission comes before the look-up."""
    token = token_user.new_token()
    for id_ in (token.id, token_user.id, UNKNOWN_ID):
        assert member.do("GetUserAccessToken", token_id=id_).denied
    assert system_admin.do("GetUserAccessToken", token_id=token.id).served


@clause("SearchUserAccessTokens.permission")
@pytest.mark.parametrize("caller", ["member", "token_user", "team_admin"])
def test_no_body_tells_who_may_not_search_anything(caller: str, request: pytest.FixtureRequest, system_admin: Actor) -> None:
    """The permission comes before the body."""
    asks: Actor = request.getfixturevalue(caller)
    for raw in [*UNREADABLE, "null", "{}", '{"term": ""}', '{"term": 5}', json.dumps({"term": asks.id})]:
        assert asks.do("SearchUserAccessTokens", raw=raw).denied
    assert system_admin.do("SearchUserAccessTokens", body={"term": "x"}).served


@clause("GetUserAccessTokens.permission")
@pytest.mark.parametrize("caller", ["member", "token_user", "team_admin"])
def test_no_page_is_for_who_may_not_list_all(caller: str, request: pytest.FixtureRequest, system_admin: Actor) -> None:
    """Whatever page is asked for."""
    asks: Actor = request.getfixturevalue(caller)
    for query in ("", "page=0&per_page=0", "page=-1", "per_page=x", f"user_id={asks.id}", "page=9223372036854775807"):
        assert asks.do("GetUserAccessTokens", query=query).denied
    assert system_admin.do("GetUserAccessTokens").served


@clause("CreateJob.input")
def test_who_may_create_no_job_learns_first_that_the_body_is_wrong(member: Actor, system_admin: Actor) -> None:
    """What cannot be read is nobody's job."""
    for raw in [*UNREADABLE, '{"type": 5}', '{"type": ["x"]}']:
        assert member.do("CreateJob", raw=raw).refused_as("bad-body")
    assert system_admin.ask("CreateJob").served


@clause("CreateJob.permission")
def test_who_may_create_no_job_and_names_no_kind(member: Actor, token_user: Actor, system_admin: Actor, behaves: Behaves) -> None:
    """To 5.34 the permission comes first; then the kind, which decides which permission is needed."""
    for raw in ["null", "{}", '{"type": null}', '{"type": ""}', '{"type": "Data_Retention"}', '{"id": "x"}']:
        for caller in (member, token_user):
            reply = caller.do("CreateJob", raw=raw)
            if behaves("an-unknown-job-type-is-refused-before-the-permission"):
                assert reply.refused_as("unknown-job-type")
            else:
                assert reply.denied
    assert system_admin.ask("CreateJob").served


@clause("RegenCommandToken.status")
@pytest.mark.parametrize("caller", ["member", "outsider", "token_user"])
def test_unknown_command_without_the_permission(caller: str, request: pytest.FixtureRequest, system_admin: Actor) -> None:
    """No team, so no permission to ask for: 404, from whoever asks; and the id of something else is no command's."""
    asks: Actor = request.getfixturevalue(caller)
    for id_ in (UNKNOWN_ID, asks.id):
        assert asks.do("RegenCommandToken", command_id=id_).refused_as("no-command")
    assert system_admin.ask("RegenCommandToken").served


@clause("{operation}.input")
@pytest.mark.parametrize(("operation", "key"), [(CREATE, "description"), ("SearchUserAccessTokens", "term")])
@applies(since="10.0")
def test_a_body_that_is_too_large(operation: str, key: str, system_admin: Actor) -> None:
    """Over 300,000 bytes it is not read to its end (`ServiceSettings.MaximumPayloadSizeBytes`); no document says so."""
    path = {"user_id": "me"} if operation == CREATE else {}
    assert system_admin.do(operation, body={key: "x" * 301_000}, **path).refused_as("body-too-large")
    assert system_admin.ask(operation).served


@clause("{operation}.input")
@pytest.mark.parametrize("operation", [LIST, "GetUserAccessTokens", "RegenCommandToken"])
@applies(since="10.0")
def test_an_address_that_is_too_long(operation: str, anonymous: Actor, member: Actor, system_admin: Actor) -> None:
    """Over 2,048 characters nothing of it is looked at, not even who asks (`ServiceSettings.MaximumURLLength`)."""
    path = {IN_PATHS[operation]: UNKNOWN_ID} if operation in IN_PATHS else {}
    for caller in (anonymous, member, system_admin):
        assert caller.do(operation, query="x=" + "y" * 2048, **path).refused_as("address-too-long")
    assert system_admin.ask(operation).served
