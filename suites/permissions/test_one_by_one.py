"""Permissions one by one, where built-in roles hold several or none (a role can be given them without a licence from 6.0 on)."""

import pytest

from mmconform.plugin.suite import FILLED, Actor, Granting, applies, clause

ASKED_FOR = {
    "CreateUserAccessToken": "create_user_access_token",
    "EnableUserAccessToken": "create_user_access_token",
    "GetUserAccessTokensForUser": "read_user_access_token",
    "GetUserAccessToken": "read_user_access_token",
    "RevokeUserAccessToken": "revoke_user_access_token",
    "DisableUserAccessToken": "revoke_user_access_token",
    "CreateJob": "manage_jobs",
}
#: Never given: `manage_system` to everybody, not even for a moment; the ones for commands are a team's (test_commands.py).
OF_OTHERS = {"GetUserAccessTokens": "manage_system", "SearchUserAccessTokens": "manage_system", "RegenCommandToken": ""}
GIVEN = {*ASKED_FOR.values(), "edit_other_users"}


@pytest.mark.parametrize("operation", ASKED_FOR)
@clause("{operation}.permission")
@applies(since="6.0", why=FILLED)
def test_the_permission_that_is_asked_for_is_enough(operation: str, outsider: Actor, granting: Granting) -> None:
    """Must have this one: whoever holds it and none of the others is served."""
    holder = outsider.called("holder_of_one")
    assert holder.ask(operation).denied
    with granting("system_user", ASKED_FOR[operation]):
        assert holder.ask(operation).served
    assert holder.ask(operation).denied


@pytest.mark.parametrize("operation", [*ASKED_FOR, *OF_OTHERS])
@clause("{operation}.permission")
@applies(since="6.0", why=FILLED)
def test_no_other_permission_stands_in_for_it(operation: str, outsider: Actor, system_admin: Actor, granting: Granting) -> None:
    """Whoever holds what all the other operations ask for, but not what this one does, is refused."""
    holder = outsider.called("holder_of_others")
    with granting("system_user", *sorted(GIVEN - {ASKED_FOR.get(operation)})):
        assert holder.ask(operation).denied
        assert system_admin.ask(operation).served
