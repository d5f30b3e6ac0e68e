"""The same people through an OAuth application: what an application may do in somebody's name."""

import pytest

from mmconform.plugin.suite import Actor, Behaves, Settings, Stage, application, applies, clause

SEES = ("GetUserAccessTokensForUser", "GetUserAccessToken")
OAUTH_ON = {"ServiceSettings": {"EnableOAuthServiceProvider": True}}


@clause("CreateUserAccessToken.permission")
@applies(since="4.1")
def test_an_application_makes_no_token(
    token_user: Actor, system_admin: Actor, stage: Stage, settings: Settings, behaves: Behaves
) -> None:
    """A token would outlive the application's own session; so not even an administrator's application makes one."""
    with settings(**OAUTH_ON), application(stage) as let_in:
        if not behaves("an-oauth-session-may-not-make-tokens"):
            assert let_in(token_user).ask("CreateUserAccessToken", token_user).served
            return
        assert let_in(token_user).ask("CreateUserAccessToken", token_user).denied
        assert let_in(system_admin).ask("CreateUserAccessToken", token_user).denied
        assert token_user.ask("CreateUserAccessToken").served


@clause("{operation}.permission")
@pytest.mark.parametrize(
    "operation",
    [
        "GetUserAccessTokensForUser",
        "GetUserAccessToken",
        "RevokeUserAccessToken",
        "DisableUserAccessToken",
        "EnableUserAccessToken",
    ],
)
def test_an_application_manages_the_tokens_there_are(
    operation: str, token_user: Actor, stage: Stage, settings: Settings, behaves: Behaves
) -> None:
    """No document says whether it may; servers let it, until CVE-2026-16045 was closed."""
    with settings(**OAUTH_ON), application(stage) as let_in:
        reply = let_in(token_user).ask(operation, token_user)
        if behaves("an-oauth-session-sees-tokens" if operation in SEES else "an-oauth-session-changes-tokens"):
            assert reply.served
        else:
            assert reply.denied


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ["GetUserAccessTokens", "SearchUserAccessTokens", "CreateJob", "RegenCommandToken"])
def test_an_application_has_its_users_permissions(
    operation: str, member: Actor, system_admin: Actor, stage: Stage, settings: Settings
) -> None:
    """Those of the user who let it in, and not one more."""
    with settings(**OAUTH_ON), application(stage) as let_in:
        assert let_in(member).ask(operation, system_admin).denied
        assert let_in(system_admin).ask(operation, system_admin).served


@clause("GetUserAccessTokensForUser.auth")
def test_an_applications_session_counts_in_the_query(
    token_user: Actor, anonymous: Actor, stage: Stage, settings: Settings
) -> None:
    """`access_token` in the query is for OAuth sessions, and for them it works."""
    with settings(**OAUTH_ON), application(stage) as let_in:
        session = let_in(token_user)
        reply = anonymous.do("GetUserAccessTokensForUser", user_id=token_user.id, query=f"access_token={session.credential}")
        assert reply.served
