"""Which permission is missing: a server in developer mode says it in its refusal, whether or not a role can be changed on it."""

import pytest

from mmconform.plugin.suite import Actor, Settings, clause

DEVELOPER = {"ServiceSettings": {"EnableDeveloper": True}}
OWN = {
    "CreateUserAccessToken": "create_user_access_token",
    "EnableUserAccessToken": "create_user_access_token",
    "GetUserAccessTokensForUser": "read_user_access_token",
    "GetUserAccessToken": "read_user_access_token",
    "RevokeUserAccessToken": "revoke_user_access_token",
    "DisableUserAccessToken": "revoke_user_access_token",
    "GetUserAccessTokens": "manage_system",
    "SearchUserAccessTokens": "manage_system",
}
OF_OTHERS = [operation for operation, permission in OWN.items() if permission != "manage_system"]


def require_named(caller: Actor, operation: str, about: Actor, permission: str) -> None:
    """Expect that a caller is refused for lack of a permission."""
    reply = caller.ask(operation, about)
    assert reply.denied
    missing = reply.missing_permission
    assert reply.shows(missing == permission, f"the permission that is missing is `{missing}`")


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", OWN)
def test_what_a_member_lacks_is_what_is_asked_for(operation: str, member: Actor, settings: Settings) -> None:
    """Must have this permission, and not another one that the same people hold."""
    with settings(**DEVELOPER):
        require_named(member, operation, member, OWN[operation])


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", OF_OTHERS)
def test_what_a_holder_lacks_for_others_is_edit_other_users(
    operation: str, token_user: Actor, member: Actor, settings: Settings
) -> None:
    """For non-self requests, must also have the `edit_other_users` permission."""
    with settings(**DEVELOPER):
        require_named(token_user, operation, member, "edit_other_users")
