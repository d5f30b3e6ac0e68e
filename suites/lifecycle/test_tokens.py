"""What a token's life is: made, used, disabled, enabled, revoked; and what outlives what."""

from itertools import count

import pytest

from mmconform.plugin.suite import LIST, Actor, Behaves, NewPerson, Stage, applies, clause, give_roles, makes_tokens


@clause("CreateUserAccessToken.effect.authenticates")
def test_a_token_lets_its_owner_in(new_person: NewPerson, stage: Stage) -> None:
    """Generate a user access token that can be used to authenticate with the Mattermost REST API."""
    person = new_person("token_user")
    made = person.do("CreateUserAccessToken", user_id=person.id, body={"description": "mine"})
    assert made.served
    through = person.having({"Authorization": f"Bearer {made['token']}"})
    reply = through.do(LIST, user_id="me")
    assert reply.served
    assert reply.shows({str(user) for (user,) in reply.rows("user_id")} <= {person.id}, "the token speaks for somebody else")
    stage.clause = f"{LIST}.effect.lists-the-user"
    assert reply.shows(bool(reply.ids), "the list does not hold the token")


@clause("CreateUserAccessToken.effect.authenticates")
def test_no_two_tokens_are_the_same(token_user: Actor) -> None:
    """Each has an id and a value of its own, even with the same description."""
    first, second = (token_user.ask("CreateUserAccessToken") for _ in range(2))
    assert first.served
    assert second.served
    assert first["id"] != second["id"], "two tokens share an id"
    assert first["token"] != second["token"], "two tokens share a value"


@clause("RevokeUserAccessToken.effect.revokes")
def test_a_revoked_token_is_gone(token_user: Actor) -> None:
    """It lets nobody in, is in no list, and cannot be revoked again."""
    token = token_user.new_token()
    assert token_user.do("RevokeUserAccessToken", body={"token_id": token.id}).served
    assert token_user.through(token).look().refused_as("no-session")
    assert token_user.do("GetUserAccessToken", token_id=token.id).refused_as("no-token")
    assert token_user.do("RevokeUserAccessToken", body={"token_id": token.id}).refused_as("no-token")
    assert token.id not in token_user.do(LIST, user_id="me", query="per_page=200").ids, "the list still holds the revoked token"


@clause("RevokeUserAccessToken.effect.deletes-sessions")
@makes_tokens
def test_revoking_ends_the_tokens_session(new_person: NewPerson) -> None:
    """Delete any sessions using the token: one that was just served is refused."""
    person = new_person("token_user")
    token = person.new_token()
    through = person.through(token)
    assert through.look().served
    assert person.do("RevokeUserAccessToken", body={"token_id": token.id}).served
    assert through.look().refused_as("no-session")


@clause("RevokeUserAccessToken.effect.revokes")
def test_a_token_revokes_itself(token_user: Actor) -> None:
    """And is gone with the answer."""
    token = token_user.new_token()
    through = token_user.through(token)
    assert through.do("RevokeUserAccessToken", body={"token_id": token.id}).served
    assert through.do("RevokeUserAccessToken", body={"token_id": token.id}).refused_as("no-session")


@clause("RevokeUserAccessToken.effect.revokes")
def test_revoking_one_token_leaves_the_others(token_user: Actor) -> None:
    """Only the one that was named."""
    gone, stays = token_user.new_token(), token_user.new_token()
    assert token_user.do("RevokeUserAccessToken", body={"token_id": gone.id}).served
    assert token_user.through(stays).look().served


@clause("DisableUserAccessToken.effect.disables")
def test_a_disabled_token_lets_nobody_in(token_user: Actor) -> None:
    """It is refused, but still there, and says that it is not active."""
    token = token_user.new_token()
    assert token_user.do("DisableUserAccessToken", body={"token_id": token.id}).served
    assert token_user.through(token).look().refused_as("no-session")
    seen = token_user.do("GetUserAccessToken", token_id=token.id)
    assert seen.served
    assert seen["is_active"] is False, "a disabled token calls itself active"


@clause("DisableUserAccessToken.effect.deletes-sessions")
def test_disabling_ends_the_tokens_session(token_user: Actor) -> None:
    """Delete any sessions using the token: one that was just served is refused."""
    token = token_user.new_token()
    through = token_user.through(token)
    assert through.look().served
    assert token_user.do("DisableUserAccessToken", body={"token_id": token.id}).served
    assert through.look().refused_as("no-session")


@clause("DisableUserAccessToken.effect.can-be-enabled-again")
def test_a_disabled_token_comes_back(token_user: Actor) -> None:
    """The token can be re-enabled using `/users/tokens/enable`."""
    token = token_user.new_token()
    assert token_user.do("DisableUserAccessToken", body={"token_id": token.id}).served
    assert token_user.do("EnableUserAccessToken", body={"token_id": token.id}).served
    assert token_user.through(token).look().served


@clause("EnableUserAccessToken.effect.enables")
def test_an_enabled_token_is_active(token_user: Actor) -> None:
    """Re-enable a personal access token that has been disabled."""
    token = token_user.new_token()
    token_user.must("DisableUserAccessToken", body={"token_id": token.id})
    assert token_user.do("EnableUserAccessToken", body={"token_id": token.id}).served
    assert token_user.do("GetUserAccessToken", token_id=token.id)["is_active"] is True, "an enabled token is not active"


@clause("EnableUserAccessToken.effect.enables")
def test_enabling_what_is_enabled_changes_nothing(token_user: Actor, stage: Stage) -> None:
    """And neither does disabling twice."""
    token = token_user.new_token()
    assert token_user.do("EnableUserAccessToken", body={"token_id": token.id}).served
    assert token_user.through(token).look().served
    stage.clause = "DisableUserAccessToken.effect.disables"
    for _ in range(2):
        assert token_user.do("DisableUserAccessToken", body={"token_id": token.id}).served
    assert token_user.through(token).look().refused_as("no-session")


@clause("RevokeUserAccessToken.effect.revokes")
@applies(since="4.4")
def test_a_revoked_token_cannot_be_enabled(token_user: Actor) -> None:
    """Revoking is for good."""
    token = token_user.new_token()
    token_user.must("RevokeUserAccessToken", body={"token_id": token.id})
    assert token_user.do("EnableUserAccessToken", body={"token_id": token.id}).refused_as("no-token")
    assert token_user.through(token).look().refused_as("no-session")


@clause("DisableUserAccessToken.effect.disables")
def test_a_token_disables_itself_and_cannot_undo_it(token_user: Actor) -> None:
    """Disabled, it is no credential any more, not even to enable itself."""
    token = token_user.new_token()
    through = token_user.through(token)
    assert through.do("DisableUserAccessToken", body={"token_id": token.id}).served
    assert through.do("EnableUserAccessToken", body={"token_id": token.id}).refused_as("no-session")
    assert token_user.do("EnableUserAccessToken", body={"token_id": token.id}).served


@clause("GetUserAccessToken.secret")
def test_the_value_is_told_once(token_user: Actor, stage: Stage) -> None:
    """The token value stands in the answer that made it, and in no later one."""
    token = token_user.new_token()
    seen = token_user.do("GetUserAccessToken", token_id=token.id)
    gone = token_user.do("RevokeUserAccessToken", body={"token_id": token.id})
    for reply, stage.clause in (seen, "GetUserAccessToken.secret"), (gone, "RevokeUserAccessToken.schema"):
        assert reply.served
        assert reply.shows(token.value not in reply.text, "the answer holds the token's value")


@pytest.mark.parametrize("operation", ["DisableUserAccessToken", "EnableUserAccessToken"])
@clause("{operation}.schema")
def test_acting_on_a_token_does_not_tell_its_value(token_user: Actor, operation: str) -> None:
    """Done, and nothing else."""
    token = token_user.new_token()
    reply = token_user.do(operation, body={"token_id": token.id})
    assert reply.served
    assert token.value not in reply.text, "the answer holds the token's value"


@clause("SearchUserAccessTokens.effect.finds")
def test_a_search_does_not_tell_the_value(system_admin: Actor, token_user: Actor, stage: Stage) -> None:
    """Not in the answer, and not to who guesses: a search for the value finds nothing."""
    token = token_user.new_token()
    by_id = system_admin.do("SearchUserAccessTokens", body={"term": token.id})
    assert by_id.served
    assert by_id.ids == [token.id], "a search for an id does not find just that token"
    stage.clause = "SearchUserAccessTokens.schema"
    assert by_id.shows(token.value not in by_id.text, "the answer holds the token's value")
    stage.clause = ""
    by_value = system_admin.do("SearchUserAccessTokens", body={"term": token.value})
    assert by_value.served
    assert by_value.ids == [], "a search for a token's value finds it"


@clause("SearchUserAccessTokens.effect.searches-id-user-name")
@makes_tokens
def test_searches_look_at_token_id_user_id_and_username(system_admin: Actor, new_person: NewPerson) -> None:
    """And not at the description."""
    person = new_person("token_user")
    token = person.new_token("a description that stands nowhere else")
    for term in (token.id, person.id, person.username):
        found = system_admin.do("SearchUserAccessTokens", body={"term": term})
        assert found.served
        assert found.ids == [token.id], "the search does not find the token"
    elsewhere = system_admin.do("SearchUserAccessTokens", body={"term": "a description that stands nowhere else"})
    assert elsewhere.served
    assert elsewhere.ids == [], "the search finds a description"


@clause("SearchUserAccessTokens.effect.finds")
@makes_tokens
def test_beginnings_of_terms(system_admin: Actor, new_person: NewPerson, behaves: Behaves) -> None:
    """To 6.1 the beginning of a name finds it; then the whole name is needed. No document says either."""
    person = new_person("token_user")
    token = person.new_token()
    found = system_admin.do("SearchUserAccessTokens", body={"term": person.username[:-1]})
    assert found.served
    assert (token.id in found.ids) == behaves("search-finds-by-prefix"), "beginnings count otherwise than expected"


@clause("SearchUserAccessTokens.effect.finds")
@pytest.mark.parametrize("wildcard", ["%", "_"])
@makes_tokens
def test_wildcards_in_terms(system_admin: Actor, new_person: NewPerson, behaves: Behaves, wildcard: str) -> None:
    """To 5.14 `%` and `_` stand for anything; then for themselves. No document says either."""
    person = new_person("token_user")
    token = person.new_token()
    term = person.username[:3] + wildcard + ("" if wildcard == "%" else person.username[4:])
    found = system_admin.do("SearchUserAccessTokens", body={"term": term})
    assert found.served
    assert (token.id in found.ids) == behaves("search-takes-wildcards"), "wildcards count otherwise than expected"


@clause("SearchUserAccessTokens.effect.finds")
@makes_tokens
def test_a_backslash_as_a_term(system_admin: Actor, new_person: NewPerson, behaves: Behaves) -> None:
    """From 5.15 to 6.1 it is taken out of the term, and the empty rest finds everything."""
    token = new_person("token_user").new_token()
    found = system_admin.do("SearchUserAccessTokens", body={"term": "\\"})
    assert found.served
    assert (token.id in found.ids) == behaves("search-for-a-backslash-finds-everything"), (
        "a backslash counts otherwise than expected"
    )


@clause("SearchUserAccessTokens.effect.finds")
@pytest.mark.parametrize("part", ["the end", "the middle", "the address"])
@makes_tokens
def test_parts_that_are_no_beginning(system_admin: Actor, new_person: NewPerson, part: str) -> None:
    """The end or the middle of a name finds nothing, and neither does an e-mail address."""
    person = new_person("token_user")
    token = person.new_token()
    name = person.username
    term = {"the end": name[-9:], "the middle": name[3:-3], "the address": f"{name}@conformance.invalid"}[part]
    found = system_admin.do("SearchUserAccessTokens", body={"term": term})
    assert found.served
    assert token.id not in found.ids, "a part of the name finds the token"


@clause("SearchUserAccessTokens.effect.finds")
@makes_tokens
def test_terms_have_a_case(system_admin: Actor, new_person: NewPerson) -> None:
    """A name in capitals finds nothing (PostgreSQL)."""
    person = new_person("token_user")
    person.new_token()
    found = system_admin.do("SearchUserAccessTokens", body={"term": person.username.upper()})
    assert found.served
    assert found.ids == [], "the search does not mind the case"


@clause("SearchUserAccessTokens.effect.finds")
@makes_tokens
def test_searches_find_disabled_tokens_too(system_admin: Actor, new_person: NewPerson) -> None:
    """What is disabled is still there."""
    person = new_person("token_user")
    token = person.new_token()
    person.must("DisableUserAccessToken", body={"token_id": token.id})
    found = system_admin.do("SearchUserAccessTokens", body={"term": person.username})
    assert found.served
    assert found.ids == [token.id], "a disabled token is not found"


@clause("GetUserAccessTokens.effect.lists-everybody")
@makes_tokens
def test_an_administrator_lists_everybodys_tokens(system_admin: Actor, new_person: NewPerson) -> None:
    """Get a page of user access tokens for users on the system: the newest of two users are on some page."""
    tokens = {new_person("token_user").new_token().id for _ in range(2)}
    seen: set[str] = set()
    for _ in range(3):  # pages shift while others make and revoke tokens
        for page in count():
            reply = system_admin.do("GetUserAccessTokens", query=f"page={page}&per_page=200")
            assert reply.served
            is_news = bool(set(reply.ids) - seen)
            seen |= set(reply.ids)
            if len(reply.ids) < 200 or not is_news:
                break
        if tokens <= seen:
            break
    assert tokens <= seen, "a user's token is on no page"


@clause("GetUserAccessTokensForUser.effect.lists-the-user")
@applies(since="4.4")
@makes_tokens
def test_a_list_holds_disabled_tokens_too(new_person: NewPerson) -> None:
    """What is disabled is still there, and says so."""
    person = new_person("token_user")
    on, off = person.new_token(), person.new_token()
    person.must("DisableUserAccessToken", body={"token_id": off.id})
    reply = person.do(LIST, user_id="me")
    assert reply.served
    assert {str(id_): is_active for id_, is_active in reply.rows("id", "is_active")} == {on.id: True, off.id: False}, (
        "the list does not tell which is active"
    )


@clause("GetUserAccessTokensForUser.effect.lists-the-user")
def test_somebody_without_tokens_has_an_empty_list(new_person: NewPerson) -> None:
    """A list, and not null."""
    reply = new_person("token_user").do(LIST, user_id="me")
    assert reply.served
    assert reply.json == [], "no tokens are not an empty list"


# -- what a token outlives -----------------------------------------------------------------------------------------


@clause("CreateUserAccessToken.effect.authenticates")
def test_a_token_outlives_the_role(new_person: NewPerson, stage: Stage) -> None:
    """Who loses the permission to make tokens keeps those there are."""
    person = new_person("token_user")
    through = person.through()
    give_roles(stage, person.id, ())
    reply = through.do("GetUserAccessTokensForUser", user_id="me")
    assert reply.refused_as("no-permission") | reply.served


@clause("CreateUserAccessToken.effect.authenticates")
def test_a_token_outlives_a_logout_through_it(new_person: NewPerson, stage: Stage) -> None:
    """Logging out ends a session; the token makes a new one."""
    person = new_person("token_user")
    through = person.through()
    assert through.look().served
    stage.client.send("POST", "/api/v4/users/logout", persona=through.persona, token=through.credential)
    assert through.look().served


@clause("CreateUserAccessToken.effect.authenticates")
def test_a_token_outlives_the_revoking_of_all_sessions(new_person: NewPerson, stage: Stage) -> None:
    """The sessions end; the token makes a new one."""
    person = new_person("token_user")
    through = person.through()
    assert through.look().served
    for session in stage.operator("GET", f"/api/v4/users/{person.id}/sessions"):
        stage.operator("POST", f"/api/v4/users/{person.id}/sessions/revoke", {"session_id": session["id"]})
    assert through.look().served


@clause("RegenCommandToken.effect.makes-a-new-token")
def test_every_call_makes_another_token(team_admin: Actor) -> None:
    """Generate a new token for the command."""
    command = team_admin.new_command()
    first, second = (team_admin.do("RegenCommandToken", command_id=command) for _ in range(2))
    assert first.served
    assert second.served
    assert first["token"] != second["token"], "the token is still the old one"


@clause("RegenCommandToken.effect.makes-a-new-token")
def test_the_command_has_the_token_that_was_told(team_admin: Actor, stage: Stage) -> None:
    """The list of commands shows it, and no longer the old one."""
    command = team_admin.new_command()
    reply = team_admin.do("RegenCommandToken", command_id=command)
    assert reply.served
    commands = stage.operator("GET", f"/api/v4/commands?team_id={stage.world.team_id}&custom_only=true")
    tokens = [c["token"] for c in commands if c["id"] == command]
    assert tokens == [reply["token"]], "the command has another token than the one that was told"
