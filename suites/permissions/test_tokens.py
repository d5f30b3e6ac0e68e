"""Personal access tokens: who may make, see, find, revoke, disable and enable whose."""

import pytest

from mmconform.plugin.suite import (
    TOKEN_ACTIONS,
    UNKNOWN_ID,
    Actor,
    Behaves,
    NewPerson,
    Stage,
    applies,
    clause,
    give_roles,
    makes_tokens,
)

# -- whose ---------------------------------------------------------------------------------------------------------


@clause("CreateUserAccessToken.permission")
def test_a_holder_makes_a_token_for_me(token_user: Actor) -> None:
    """`me` is the caller."""
    reply = token_user.do("CreateUserAccessToken", user_id="me", body={"description": "mine"})
    assert reply.served
    assert reply["user_id"] == token_user.id, "a token made for `me` belongs to somebody else"


@clause("CreateUserAccessToken.permission")
def test_a_holder_makes_no_token_for_an_administrator(token_user: Actor, system_admin: Actor) -> None:
    """For non-self requests, must also have the `edit_other_users` permission."""
    assert token_user.ask("CreateUserAccessToken", system_admin).denied
    assert system_admin.ask("CreateUserAccessToken").served


@clause("CreateUserAccessToken.permission")
def test_an_administrator_makes_a_token_for_another_administrator(new_person: NewPerson, system_admin: Actor) -> None:
    """`manage_system` reaches other administrators too."""
    assert system_admin.ask("CreateUserAccessToken", new_person("system_admin")).served


@clause("CreateUserAccessToken.permission")
def test_who_the_token_belongs_to_is_not_for_the_body_to_say(
    token_user: Actor, other_token_user: Actor, system_admin: Actor
) -> None:
    """A `user_id` in the body does not make somebody else's token of it."""
    body = {"description": "mine", "user_id": other_token_user.id}
    reply = token_user.do("CreateUserAccessToken", user_id=token_user.id, body=body)
    assert reply.served
    assert reply["user_id"] == token_user.id, "the body decided whose token it is"


@clause("GetUserAccessTokensForUser.permission")
def test_a_holder_does_not_list_the_tokens_of_an_unknown_user(token_user: Actor, system_admin: Actor) -> None:
    """Who may not see others' tokens does not learn who exists either."""
    assert token_user.do("GetUserAccessTokensForUser", user_id=UNKNOWN_ID).denied
    assert system_admin.do("GetUserAccessTokensForUser", user_id=system_admin.id).served


@clause("GetUserAccessToken.permission")
def test_without_the_permission_even_an_unknown_token_is_denied(member: Actor, system_admin: Actor) -> None:
    """The permission comes before the look-up: who may read no token cannot try out ids."""
    assert member.do("GetUserAccessToken", token_id=UNKNOWN_ID).denied
    assert system_admin.do("GetUserAccessToken", token_id=system_admin.new_token().id).served


@clause("GetUserAccessToken.status")
def test_a_holder_is_told_that_a_token_is_unknown(token_user: Actor) -> None:
    """With the permission, an id that no token has gets 404."""
    assert token_user.do("GetUserAccessToken", token_id=UNKNOWN_ID).refused_as("no-token")


@pytest.mark.parametrize("operation", TOKEN_ACTIONS)
@clause("{operation}.permission")
def test_without_the_permission_no_act_tells_whether_a_token_is(operation: str, member: Actor, system_admin: Actor) -> None:
    """The permission comes before the look-up."""
    assert member.do(operation, body={"token_id": UNKNOWN_ID}).denied
    assert system_admin.ask(operation).served


@pytest.mark.parametrize("operation", TOKEN_ACTIONS)
@clause("{operation}.status")
def test_acting_on_an_unknown_token(operation: str, token_user: Actor) -> None:
    """With the permission, an id that no token has gets 404."""
    assert token_user.do(operation, body={"token_id": UNKNOWN_ID}).refused_as("no-token")


@pytest.mark.parametrize("operation", TOKEN_ACTIONS)
@clause("{operation}.permission")
def test_the_token_itself_is_no_id(operation: str, token_user: Actor, system_admin: Actor) -> None:
    """Whoever knows the secret but not the id can do nothing with it here."""
    token = token_user.new_token()
    assert token_user.do(operation, body={"token_id": token.value}).refused_as("no-token")
    assert system_admin.do(operation, body={"token_id": token.id}).served


@clause("GetUserAccessTokens.permission")
def test_listing_everybodys_tokens_is_not_for_holders(token_user: Actor, system_admin: Actor) -> None:
    """Must have `manage_system` permission: the permission to read one's own tokens is not enough."""
    assert token_user.do("GetUserAccessTokens").denied
    assert system_admin.do("GetUserAccessTokens").served


@clause("SearchUserAccessTokens.permission")
def test_searching_tokens_is_not_for_holders_even_for_their_own(token_user: Actor, system_admin: Actor) -> None:
    """Must have `manage_system` permission, whatever is searched for."""
    assert token_user.do("SearchUserAccessTokens", body={"term": token_user.username}).denied
    assert system_admin.do("SearchUserAccessTokens", body={"term": token_user.username}).served


@clause("SearchUserAccessTokens.permission")
def test_the_permission_to_search_comes_before_the_body(member: Actor, system_admin: Actor) -> None:
    """Who may not search is told so, and not what is wrong with the term."""
    assert member.do("SearchUserAccessTokens", raw="{").denied
    assert system_admin.do("SearchUserAccessTokens", body={"term": member.username}).served


@clause("CreateUserAccessToken.permission")
def test_the_body_comes_before_the_permission_to_create(member: Actor, system_admin: Actor) -> None:
    """Who may not make tokens learns first that the body is wrong; they are never served."""
    assert member.do("CreateUserAccessToken", user_id=member.id, body={"description": ""}).refused_as("bad-body")
    assert system_admin.ask("CreateUserAccessToken").served


@clause("CreateUserAccessToken.status")
@applies(since="5.12")
def test_a_missing_user_and_a_wrong_body(system_admin: Actor, behaves: Behaves) -> None:
    """To 7.9 the body is looked at first, then the user."""
    reply = system_admin.do("CreateUserAccessToken", user_id=UNKNOWN_ID, body={"description": ""})
    if behaves("a-missing-user-comes-before-the-body"):
        assert reply.refused_as("no-user")
    else:
        assert reply.refused_as("bad-body")


@clause("GetUserAccessTokensForUser.permission")
def test_an_administrator_lists_the_tokens_of_an_unknown_user(system_admin: Actor) -> None:
    """There are none; no document says that the user has to exist."""
    reply = system_admin.do("GetUserAccessTokensForUser", user_id=UNKNOWN_ID)
    assert reply.served
    assert not reply.json, "a user that is not has tokens"


# -- the permission comes and goes ---------------------------------------------------------------------------------


@clause("CreateUserAccessToken.permission")
def test_the_role_works_and_ends_within_a_session(new_person: NewPerson, stage: Stage, system_admin: Actor) -> None:
    """Given and taken between two calls of one session, the permission counts at once."""
    person = new_person("member")
    assert person.ask("CreateUserAccessToken").denied
    give_roles(stage, person.id, ("system_user_access_token",))
    assert person.ask("CreateUserAccessToken").served
    give_roles(stage, person.id, ())
    assert person.ask("CreateUserAccessToken").denied
    assert system_admin.ask("CreateUserAccessToken", person).served


@clause("RevokeUserAccessToken.permission")
@makes_tokens
def test_who_lost_the_role_cannot_revoke_their_own_token(new_person: NewPerson, stage: Stage, system_admin: Actor) -> None:
    """The permission is asked for even about oneself."""
    person = new_person("token_user")
    token = person.new_token()
    give_roles(stage, person.id, ())
    assert person.do("RevokeUserAccessToken", body={"token_id": token.id}).denied
    assert system_admin.do("RevokeUserAccessToken", body={"token_id": token.id}).served


@clause("EnableUserAccessToken.permission")
@makes_tokens
def test_enabling_needs_the_permission_to_create(new_person: NewPerson, stage: Stage, system_admin: Actor) -> None:
    """Must have `create_user_access_token` permission."""
    person = new_person("token_user")
    token = person.new_token()
    person.must("DisableUserAccessToken", body={"token_id": token.id})
    give_roles(stage, person.id, ())
    assert person.do("EnableUserAccessToken", body={"token_id": token.id}).denied
    assert system_admin.do("EnableUserAccessToken", body={"token_id": token.id}).served


# -- through a token -----------------------------------------------------------------------------------------------


@clause("CreateUserAccessToken.permission")
def test_through_a_token_its_owner_may_what_they_may(token_user: Actor, system_admin: Actor) -> None:
    """A token carries its owner's permissions: enough for one's own tokens, not for others'."""
    through = token_user.through()
    assert through.ask("CreateUserAccessToken").served
    assert through.ask("CreateUserAccessToken", system_admin).denied
    assert system_admin.through().ask("CreateUserAccessToken", token_user).served


@clause("GetUserAccessTokens.permission")
def test_through_a_token_an_administrator_lists_everybodys(system_admin: Actor, token_user: Actor) -> None:
    """`manage_system` holds through a token too, and only the administrator's."""
    assert token_user.through().do("GetUserAccessTokens").denied
    assert system_admin.through().do("GetUserAccessTokens").served


@clause("CreateUserAccessToken.permission")
def test_through_the_token_of_a_member_nothing_is_made(member: Actor, system_admin: Actor) -> None:
    """Somebody else may make a token for a member; it gives the member no permission."""
    assert member.through().ask("CreateUserAccessToken").denied
    assert system_admin.ask("CreateUserAccessToken", member).served


# -- on users that are not, or not any more ------------------------------------------------------------------------


@clause("CreateUserAccessToken.status")
@applies(since="5.12")
def test_no_token_for_an_unknown_user(system_admin: Actor) -> None:
    """A token belongs to a user who exists."""
    assert system_admin.do("CreateUserAccessToken", user_id=UNKNOWN_ID, body={"description": "x"}).refused_as("no-user")


@clause("CreateUserAccessToken.permission")
def test_a_token_made_for_a_deactivated_user_lets_nobody_in(new_person: NewPerson, stage: Stage, system_admin: Actor) -> None:
    """Making one is not refused; using it is."""
    person = new_person("token_user")
    stage.operator("PUT", f"/api/v4/users/{person.id}/active", {"active": False})
    through = person.through()
    assert through.do("GetUserAccessTokensForUser", user_id=person.id).refused_as("no-session")
    assert system_admin.do("GetUserAccessTokensForUser", user_id=person.id).served
