"""Bots, their owners, and others' bots (from 5.12 on, when bots could be made by whoever may)."""

import pytest

from mmconform.plugin.suite import (
    FILLED,
    TOKEN_ACTIONS,
    Actor,
    Granting,
    NewPerson,
    Settings,
    Stage,
    applies,
    clause,
    give_roles,
    new_bot,
)

BOTS_ON = {"ServiceSettings": {"EnableBotAccountCreation": True}}
ROLE = "system_user_access_token"
ALL = ["CreateUserAccessToken", "GetUserAccessTokensForUser", "GetUserAccessToken", *TOKEN_ACTIONS]


@clause("CreateUserAccessToken.permission")
@applies(since="5.12")
def test_a_bots_token_is_made_by_its_owner_and_by_no_holder(
    system_admin: Actor, token_user: Actor, stage: Stage, settings: Settings
) -> None:
    """To make tokens for oneself is not to make them for somebody's bot."""
    with settings(**BOTS_ON):
        bot = new_bot(stage, system_admin)
        assert token_user.ask("CreateUserAccessToken", bot).denied
        assert system_admin.ask("CreateUserAccessToken", bot).served


@clause("CreateUserAccessToken.permission")
@applies(since="5.12")
def test_a_bot_makes_no_token_for_itself(system_admin: Actor, stage: Stage, settings: Settings) -> None:
    """A bot is a user without the permission, unless somebody gives it."""
    with settings(**BOTS_ON):
        bot = new_bot(stage, system_admin)
        assert bot.ask("CreateUserAccessToken", bot).denied
        assert system_admin.ask("CreateUserAccessToken", bot).served


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ALL[1:])
@applies(since="5.12")
def test_a_bots_tokens_are_not_for_every_holder(
    operation: str, system_admin: Actor, token_user: Actor, stage: Stage, settings: Settings
) -> None:
    """For non-self requests, must also have another permission: a bot is not oneself."""
    with settings(**BOTS_ON):
        bot = new_bot(stage, system_admin)
        assert token_user.ask(operation, bot).denied
        assert system_admin.ask(operation, bot).served


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ALL)
@applies(since="6.0", why=FILLED)
def test_an_owner_who_may_manage_bots_manages_their_own_only(
    operation: str, new_person: NewPerson, stage: Stage, settings: Settings, granting: Granting
) -> None:
    """`manage_bots` reaches one's own bots; for others' it takes `manage_others_bots`."""
    with settings(**BOTS_ON), granting(ROLE, "create_bot", "manage_bots"):
        owner, other = new_person("token_user"), new_person("token_user")
        bot = new_bot(stage, owner)
        assert owner.ask(operation, bot).served
        assert other.ask(operation, bot).denied
    assert owner.ask(operation, bot).denied


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ALL)
@applies(since="6.0", why=FILLED)
def test_who_may_manage_others_bots_manages_them(
    operation: str, new_person: NewPerson, system_admin: Actor, stage: Stage, settings: Settings, granting: Granting
) -> None:
    """`manage_others_bots` stands in for `edit_other_users` where the other is a bot, and only there."""
    with settings(**BOTS_ON), granting(ROLE, "manage_others_bots"):
        holder, bot = new_person("token_user"), new_bot(stage, system_admin)
        assert holder.ask(operation, bot).served
        assert holder.ask(operation, new_person("member")).denied


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ALL)
@applies(since="6.0", why=FILLED)
def test_with_both_permissions_bots_tokens_are_within_reach_too(
    operation: str, new_person: NewPerson, system_admin: Actor, stage: Stage, settings: Settings, granting: Granting
) -> None:
    """For non-self requests the documentation makes no difference between people and bots.

    Servers do: from 8.1 on only the permissions for bots count.
    """
    with settings(**BOTS_ON), granting(ROLE, "edit_other_users"):
        holder, bot = new_person("token_user").called("bot_editor"), new_bot(stage, system_admin)
        assert holder.ask(operation, bot).served


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ALL)
@applies(since="5.12")
def test_a_bot_with_the_permission_reaches_its_own_tokens(
    operation: str, system_admin: Actor, stage: Stage, settings: Settings
) -> None:
    """About oneself the documentation asks one permission.

    Servers ask more of bots: from 8.1 on a bot is its owner's, and not its own.
    """
    with settings(**BOTS_ON):
        bot = new_bot(stage, system_admin)
        give_roles(stage, bot.id, (ROLE,))
        assert bot.ask(operation, bot).served


@clause("CreateUserAccessToken.effect.authenticates")
@applies(since="5.12")
def test_a_disabled_bot_does_not_get_in(system_admin: Actor, stage: Stage, settings: Settings) -> None:
    """As for people who were deactivated; and it comes back with its account."""
    with settings(**BOTS_ON):
        bot = new_bot(stage, system_admin)
        give_roles(stage, bot.id, (ROLE,))
        assert bot.do("GetUserAccessToken", token_id="z" * 26).refused_as("no-token")
        stage.operator("POST", f"/api/v4/bots/{bot.id}/disable")
        assert bot.do("GetUserAccessToken", token_id="z" * 26).refused_as("no-session")
        stage.operator("POST", f"/api/v4/bots/{bot.id}/enable")
        assert bot.do("GetUserAccessToken", token_id="z" * 26).refused_as("no-token")


@clause("CreateUserAccessToken.effect.authenticates")
@applies(since="5.12")
def test_a_bot_gets_in_while_tokens_are_off(system_admin: Actor, stage: Stage, settings: Settings) -> None:
    """The switch for personal access tokens is for persons."""
    with settings(ServiceSettings={"EnableBotAccountCreation": True, "EnableUserAccessTokens": False}):
        bot = new_bot(stage, system_admin)
        reply = bot.do("GetUserAccessTokensForUser", user_id=bot.id)
        assert reply.refused_as("no-permission") | reply.served


#: What an administrator's role lets a bot do that it may not otherwise.
OF_ADMINISTRATORS = ["GetUserAccessTokens", "SearchUserAccessTokens", "CreateJob", "RegenCommandToken"]


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", [*OF_ADMINISTRATORS, *ALL])
@applies(since="5.12")
def test_a_bot_with_the_role_of_an_administrator(
    operation: str, system_admin: Actor, member: Actor, stage: Stage, settings: Settings
) -> None:
    """Roles count for bots as for people: about others it may what an administrator may, and no longer than it has the role."""
    with settings(**BOTS_ON):
        bot = new_bot(stage, system_admin)
        assert bot.ask(operation, member).denied
        give_roles(stage, bot.id, ("system_admin",))
        assert bot.ask(operation, member).served
        give_roles(stage, bot.id, ())
        assert bot.ask(operation, member).denied


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ALL)
@applies(since="5.12")
def test_the_tokens_of_a_disabled_bot(
    operation: str, system_admin: Actor, token_user: Actor, stage: Stage, settings: Settings
) -> None:
    """To disable a bot puts its tokens into nobody's reach, and takes them out of nobody's."""
    with settings(**BOTS_ON):
        bot = new_bot(stage, system_admin)
        stage.operator("POST", f"/api/v4/bots/{bot.id}/disable")
        assert token_user.ask(operation, bot).denied
        assert system_admin.ask(operation, bot).served


def gets_in(stage: Stage, caller: Actor) -> None:
    """Whoever may see no tokens gets in, and is told no more than that: two promises."""
    reply = caller.do("GetUserAccessToken", token_id="z" * 26)
    assert reply.let_in
    stage.clause = "GetUserAccessToken.permission"
    assert reply.denied
    stage.clause = ""


@clause("CreateUserAccessToken.effect.authenticates")
@applies(since="5.12")
def test_a_bot_whose_owner_was_deactivated_does_not_get_in(new_person: NewPerson, stage: Stage, settings: Settings) -> None:
    """Servers disable the bots of whoever is deactivated, and do not enable them with their owner; no document says so."""
    with settings(**BOTS_ON):
        owner = new_person("system_admin")
        bot = new_bot(stage, owner)
        gets_in(stage, bot)
        stage.operator("PUT", f"/api/v4/users/{owner.id}/active", {"active": False})
        assert bot.do("GetUserAccessToken", token_id="z" * 26).refused_as("no-session")
        stage.operator("PUT", f"/api/v4/users/{owner.id}/active", {"active": True})
        assert bot.do("GetUserAccessToken", token_id="z" * 26).refused_as("no-session")


@clause("CreateUserAccessToken.effect.authenticates")
@applies(since="5.26")
def test_a_person_who_became_a_bot_gets_in_by_the_tokens_of_before(new_person: NewPerson, stage: Stage) -> None:
    """Whether they were used before or not. (That they are a bot now is not known at once: servers keep people in a cache.)"""
    person = new_person("member")
    used, fresh = person.through(), person.through()
    gets_in(stage, used)
    stage.operator("POST", f"/api/v4/users/{person.id}/convert_to_bot")
    for through in (used, fresh):
        gets_in(stage, through)


@clause("{operation}.permission")
@pytest.mark.parametrize("operation", ALL)
@applies(since="6.0", why=FILLED)
def test_a_bot_that_was_handed_over_is_its_new_owners(
    operation: str, new_person: NewPerson, stage: Stage, settings: Settings, granting: Granting
) -> None:
    """`manage_bots` reaches one's own bots: from then on the new owner's, and no longer the old one's."""
    with settings(**BOTS_ON), granting(ROLE, "create_bot", "manage_bots"):
        owner, heir = new_person("token_user"), new_person("token_user")
        bot = new_bot(stage, owner)
        assert heir.ask(operation, bot).denied
        stage.operator("POST", f"/api/v4/bots/{bot.id}/assign/{heir.id}")
        assert heir.ask(operation, bot).served
        assert owner.ask(operation, bot).denied
