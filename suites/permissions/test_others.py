"""Holders of `edit_other_users`, which a role can be given without a licence from 6.0 on."""

import pytest

from mmconform.suite import applies, clause

ROLE, PERMISSION = "system_user_access_token", "edit_other_users"
ACTS = [
    "GetUserAccessTokensForUser",
    "GetUserAccessToken",
    "RevokeUserAccessToken",
    "DisableUserAccessToken",
    "EnableUserAccessToken",
]


@pytest.mark.vcr
@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ["CreateUserAccessToken", *ACTS])
@applies(since="6.0")
def test_with_both_permissions_others_tokens_are_within_reach(operation, new_person, member, granting):
    """For non-self requests, must also have the `edit_other_users` permission: with both, and only with both."""
    holder = new_person("token_user")
    assert holder.ask(operation, member).denied
    with granting(ROLE, PERMISSION):
        assert holder.ask(operation, member).served
    assert holder.ask(operation, member).denied


@pytest.mark.vcr
@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ["CreateUserAccessToken", *ACTS])
@applies(since="6.0")
def test_one_of_the_two_permissions_is_not_enough(operation, member, outsider, system_admin, granting):
    """Whoever may edit other users, but not make, read or revoke tokens, is refused."""
    with granting("system_user", PERMISSION):
        assert outsider.ask(operation, member).denied
        assert system_admin.ask(operation, member).served


@pytest.mark.vcr
@clause("CreateUserAccessToken.permission")
@applies(since="6.0")
def test_no_token_for_an_administrator(new_person, system_admin, granting, behaves):
    """Such a token would be the administrator's power; refused since 7.10 (CVE-2023-2515)."""
    holder = new_person("token_user")
    with granting(ROLE, PERMISSION):
        reply = holder.ask("CreateUserAccessToken", system_admin)
        if behaves("edit-other-users-makes-tokens-for-administrators"):
            assert reply.served
        else:
            assert reply.denied


@pytest.mark.vcr
@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ACTS)
@applies(since="6.0")
def test_administrators_tokens(operation, new_person, system_admin, granting, behaves):
    """To 10.6 whoever may edit other users reaches administrators too; then no longer (MM-62687)."""
    holder = new_person("token_user")
    with granting(ROLE, PERMISSION):
        reply = holder.ask(operation, system_admin)
        if behaves("edit-other-users-reaches-administrators"):
            assert reply.served
        else:
            assert reply.denied


@pytest.mark.vcr
@clause("GetUserAccessTokens.permission")
@applies(since="6.0")
def test_listing_and_searching_all_takes_more(new_person, system_admin, granting):
    """Must have `manage_system` permission: `edit_other_users` is not it."""
    holder = new_person("token_user")
    with granting(ROLE, PERMISSION):
        assert holder.ask("GetUserAccessTokens").denied
        assert holder.ask("SearchUserAccessTokens", system_admin).denied
    assert system_admin.ask("GetUserAccessTokens").served
