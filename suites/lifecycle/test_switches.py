"""Features switched off and on again while people use them."""

from mmconform.plugin.suite import Actor, Settings, Stage, clause

TOKENS_OFF = {"ServiceSettings": {"EnableUserAccessTokens": False}}
COMMANDS_OFF = {"ServiceSettings": {"EnableCommands": False}}


@clause("CreateUserAccessToken.status")
def test_no_token_is_made_while_tokens_are_off(token_user: Actor, system_admin: Actor, settings: Settings) -> None:
    """501, for administrators too; and again as before when they are on."""
    with settings(**TOKENS_OFF):
        assert token_user.do("CreateUserAccessToken", user_id="me", body={"description": "x"}).refused_as("tokens-off")
        assert system_admin.do("CreateUserAccessToken", user_id="me", body={"description": "x"}).refused_as("tokens-off")
    assert token_user.do("CreateUserAccessToken", user_id="me", body={"description": "x"}).served


@clause("CreateUserAccessToken.permission")
def test_the_permission_comes_before_the_switch(member: Actor, system_admin: Actor, settings: Settings) -> None:
    """Who may make no tokens does not learn whether anybody may."""
    with settings(**TOKENS_OFF):
        assert member.do("CreateUserAccessToken", user_id="me", body={"description": "x"}).denied
    assert system_admin.ask("CreateUserAccessToken", member).served


@clause("CreateUserAccessToken.effect.authenticates")
def test_tokens_sleep_while_tokens_are_off(token_user: Actor, settings: Settings) -> None:
    """Off, a token lets nobody in, not even one that was just used, and sessions do; on again, it does too."""
    through = token_user.through()
    assert through.look().served
    with settings(**TOKENS_OFF):
        assert through.look().refused_as("no-session")
        assert token_user.look().served
    assert through.look().served


@clause("GetUserAccessTokensForUser.status")
def test_tokens_can_be_seen_while_tokens_are_off(token_user: Actor, stage: Stage, settings: Settings) -> None:
    """Seeing what there is needs no switch."""
    token = token_user.new_token()
    with settings(**TOKENS_OFF):
        assert token_user.look().served
        stage.clause = "GetUserAccessToken.status"
        assert token_user.do("GetUserAccessToken", token_id=token.id).served


@clause("RevokeUserAccessToken.effect.revokes")
def test_tokens_can_be_revoked_while_tokens_are_off(token_user: Actor, settings: Settings) -> None:
    """Tidying up needs no switch."""
    token = token_user.new_token()
    with settings(**TOKENS_OFF):
        assert token_user.do("RevokeUserAccessToken", body={"token_id": token.id}).served
    assert token_user.do("GetUserAccessToken", token_id=token.id).refused_as("no-token")


@clause("EnableUserAccessToken.effect.enables")
def test_tokens_can_be_disabled_and_enabled_while_tokens_are_off(token_user: Actor, stage: Stage, settings: Settings) -> None:
    """And nobody gets in by that until they are on."""
    token = token_user.new_token()
    with settings(**TOKENS_OFF):
        stage.clause = "DisableUserAccessToken.effect.disables"
        assert token_user.do("DisableUserAccessToken", body={"token_id": token.id}).served
        stage.clause = ""
        assert token_user.do("EnableUserAccessToken", body={"token_id": token.id}).served
        assert token_user.through(token).look().refused_as("no-session")
    assert token_user.through(token).look().served


@clause("SearchUserAccessTokens.status")
def test_an_administrator_searches_and_lists_while_tokens_are_off(
    system_admin: Actor, token_user: Actor, stage: Stage, settings: Settings
) -> None:
    """Seeing what there is needs no switch."""
    token = token_user.new_token()
    with settings(**TOKENS_OFF):
        assert system_admin.do("SearchUserAccessTokens", body={"term": token.id}).served
        stage.clause = "GetUserAccessTokens.status"
        assert system_admin.do("GetUserAccessTokens").served


@clause("RegenCommandToken.status")
def test_no_command_has_a_token_while_commands_are_off(system_admin: Actor, settings: Settings) -> None:
    """To 5.21 501, then as if there were no command; and again as before when they are on."""
    command = system_admin.new_command()
    with settings(**COMMANDS_OFF):
        assert system_admin.do("RegenCommandToken", command_id=command).refused_as("commands-off")
    assert system_admin.do("RegenCommandToken", command_id=command).served


@clause("RegenCommandToken.permission")
def test_nobody_without_permission_is_served_while_commands_are_off(
    member: Actor, system_admin: Actor, settings: Settings
) -> None:
    """The switch comes first: it tells everybody the same."""
    command = system_admin.new_command()
    with settings(**COMMANDS_OFF):
        assert member.do("RegenCommandToken", command_id=command).refused_as("commands-off")
    assert system_admin.do("RegenCommandToken", command_id=command).served
