"""Holders of `edit_other_users`, which a role can be given without a licence from 6.0 on."""

import pytest

from mmconform.plugin.suite import FILLED, Actor, Granting, NewPerson, Stage, applies, clause

ROLE, PERMISSION = "system_user_access_token", "edit_other_users"
ACTS = [
    "GetUserAccessTokensForUser",
    "GetUserAccessToken",
    "RevokeUserAccessToken",
    "DisableUserAccessToken",
    "EnableUserAccessToken",
]


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ["CreateUserAccessToken", *ACTS])
@applies(since="6.0", why=FILLED)
def test_with_both_permissions_others_tokens_are_within_reach(
    operation: str, new_person: NewPerson, member: Actor, granting: Granting
) -> None:
    """For non-self requests, must also have the `edit_other_users` permission: with both, and only with both."""
    holder = new_person("token_user").called("editor")
    assert holder.ask(operation, member).denied
    with granting(ROLE, PERMISSION):
        assert holder.ask(operation, member).served
    assert holder.ask(operation, member).denied


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ["CreateUserAccessToken", *ACTS])
@applies(since="6.0", why=FILLED)
def test_one_of_the_two_permissions_is_not_enough(
    operation: str, member: Actor, outsider: Actor, system_admin: Actor, granting: Granting
) -> None:
    """Whoever may edit other users, but not make, read or revoke tokens, is refused."""
    with granting("system_user", PERMISSION):
        assert outsider.ask(operation, member).denied
        assert system_admin.ask(operation, member).served


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ["CreateUserAccessToken", *ACTS])
@applies(since="6.0", why=FILLED)
def test_with_both_permissions_administrators_tokens_are_within_reach_too(
    operation: str, new_person: NewPerson, system_admin: Actor, granting: Granting
) -> None:
    """For non-self requests the documentation makes no difference between people.

    Servers do: since 7.10 such a holder makes no token for an administrator (CVE-2023-2515), since 10.7 they reach none of
    an administrator's tokens (MM-62687).
    """
    holder = new_person("token_user").called("editor")
    with granting(ROLE, PERMISSION):
        assert holder.ask(operation, system_admin).served


@clause("GetUserAccessTokens.permission")
@applies(since="6.0", why=FILLED)
def test_listing_and_searching_all_takes_more(
    new_person: NewPerson, system_admin: Actor, granting: Granting, stage: Stage
) -> None:
    """Must have `manage_system` permission: `edit_other_users` is not it."""
    holder = new_person("token_user").called("editor")
    with granting(ROLE, PERMISSION):
        assert holder.ask("GetUserAccessTokens").denied
        stage.clause = "SearchUserAccessTokens.permission"
        assert holder.ask("SearchUserAccessTokens", system_admin).denied
    stage.clause = "GetUserAccessTokens.permission"
    assert system_admin.ask("GetUserAccessTokens").served
