"""The token of a slash command: who may replace it."""

from mmconform.plugin.suite import FILLED, UNKNOWN_ID, Actor, Granting, NewPerson, Stage, applies, clause, join, new_team


@clause("RegenCommandToken.permission")
def test_a_member_without_the_permission_cannot_regenerate(member: Actor, team_admin: Actor) -> None:
    """Must have `manage_slash_commands` permission for the team the command is in."""
    command = member.new_command()
    assert member.do("RegenCommandToken", command_id=command).denied
    assert team_admin.do("RegenCommandToken", command_id=command).served


@clause("RegenCommandToken.permission")
def test_an_outsider_cannot_regenerate(outsider: Actor, system_admin: Actor) -> None:
    """Whoever is not in the team has no permission in it."""
    command = system_admin.new_command()
    assert outsider.do("RegenCommandToken", command_id=command).denied
    assert system_admin.do("RegenCommandToken", command_id=command).served


@clause("RegenCommandToken.permission")
def test_the_administrator_of_another_team_cannot_regenerate(team_admin: Actor, stage: Stage, system_admin: Actor) -> None:
    """The permission counts in the team of the command and in no other."""
    command = system_admin.new_command(new_team(stage))
    assert team_admin.do("RegenCommandToken", command_id=command).denied
    assert system_admin.do("RegenCommandToken", command_id=command).served


@clause("RegenCommandToken.permission")
def test_a_team_administrator_who_leaves_loses_it(new_person: NewPerson, stage: Stage, system_admin: Actor) -> None:
    """With the membership goes the permission, in the same session."""
    admin, command = new_person("team_admin"), system_admin.new_command()
    assert admin.do("RegenCommandToken", command_id=command).served
    stage.operator("DELETE", f"/api/v4/teams/{stage.world.team_id}/members/{admin.id}")
    assert admin.do("RegenCommandToken", command_id=command).denied
    assert system_admin.do("RegenCommandToken", command_id=command).served


@clause("RegenCommandToken.permission")
def test_a_member_who_becomes_team_administrator_gains_it(new_person: NewPerson, stage: Stage, system_admin: Actor) -> None:
    """With the role in the team comes the permission, in the same session."""
    person, command = new_person("member"), system_admin.new_command()
    assert person.do("RegenCommandToken", command_id=command).denied
    stage.operator("PUT", f"/api/v4/teams/{stage.world.team_id}/members/{person.id}/roles", {"roles": "team_user team_admin"})
    assert person.do("RegenCommandToken", command_id=command).served


@clause("RegenCommandToken.permission")
def test_an_outsider_who_joins_as_administrator_gains_it(new_person: NewPerson, stage: Stage, system_admin: Actor) -> None:
    """The team is what counts, not the account."""
    person, command = new_person("outsider"), system_admin.new_command()
    assert person.do("RegenCommandToken", command_id=command).denied
    join(stage, stage.world.team_id, person.id, "team_admin")
    assert person.do("RegenCommandToken", command_id=command).served


@clause("RegenCommandToken.status")
def test_unknown_command(team_admin: Actor, system_admin: Actor) -> None:
    """An id that no command has gets 404, from whoever asks."""
    assert team_admin.do("RegenCommandToken", command_id=UNKNOWN_ID).refused_as("no-command")
    assert system_admin.do("RegenCommandToken", command_id=UNKNOWN_ID).refused_as("no-command")


@clause("RegenCommandToken.status")
def test_deleted_command(system_admin: Actor, stage: Stage) -> None:
    """What is deleted has no token any more."""
    command = system_admin.new_command()
    assert system_admin.do("RegenCommandToken", command_id=command).served
    stage.operator("DELETE", f"/api/v4/commands/{command}")
    assert system_admin.do("RegenCommandToken", command_id=command).refused_as("no-command")


@clause("RegenCommandToken.permission")
def test_in_an_archived_team_the_permission_still_counts(
    stage: Stage, team_admin: Actor, new_person: NewPerson, system_admin: Actor
) -> None:
    """Archiving a team takes nobody's permission: its administrator is served, an outsider is not."""
    team, admin, outsider = new_team(stage), new_person("outsider"), new_person("outsider")
    join(stage, team, admin.id, "team_admin")
    command = system_admin.new_command(team)
    stage.operator("DELETE", f"/api/v4/teams/{team}")
    assert admin.do("RegenCommandToken", command_id=command).served
    assert outsider.do("RegenCommandToken", command_id=command).denied


@clause("RegenCommandToken.permission")
@applies(since="4.1")
def test_through_a_token_its_owner_may_regenerate(team_admin: Actor, member: Actor) -> None:
    """A token carries its owner's permissions in the team."""
    command = member.new_command()
    assert team_admin.through().do("RegenCommandToken", command_id=command).served
    assert member.through().do("RegenCommandToken", command_id=command).denied


@clause("RegenCommandToken.auth")
def test_the_tokens_of_the_command_are_no_credentials(team_admin: Actor, stage: Stage, anonymous: Actor) -> None:
    """The token of a slash command lets nobody in."""
    command = team_admin.new_command()
    token = team_admin.must("RegenCommandToken", command_id=command)["token"]
    bearer = anonymous.having({"Authorization": f"Bearer {token}"})
    assert bearer.do("RegenCommandToken", command_id=command).refused_as("no-session")
    assert team_admin.do("RegenCommandToken", command_id=command).served


@clause("RegenCommandToken.permission")
@applies(since="4.9", until="11.2")
def test_the_creator_regenerates_as_long_as_they_have_the_permission(
    new_person: NewPerson, granting: Granting, system_admin: Actor
) -> None:
    """To have made the command is not enough."""
    creator = new_person("member").called("slash_manager")
    with granting("team_user", "manage_slash_commands"):
        own = creator.make_command()
        assert creator.do("RegenCommandToken", command_id=own).served
    assert creator.do("RegenCommandToken", command_id=own).denied
    assert system_admin.do("RegenCommandToken", command_id=own).served


@clause("RegenCommandToken.permission")
@applies(since="4.9")
def test_with_the_permission_others_commands_are_within_reach(
    new_person: NewPerson, granting: Granting, system_admin: Actor
) -> None:
    """The documentation names one permission; servers ask a second one of whoever did not make the command."""
    manager, foreign = new_person("member").called("slash_manager"), system_admin.new_command()
    with granting("team_user", "manage_slash_commands"):
        assert manager.do("RegenCommandToken", command_id=foreign).served


@clause("RegenCommandToken.permission")
@applies(since="6.0", why=FILLED)
def test_the_permission_for_others_commands_alone_is_not_enough(
    new_person: NewPerson, granting: Granting, system_admin: Actor
) -> None:
    """Must have `manage_slash_commands`: `manage_others_slash_commands` is another permission."""
    manager, foreign = new_person("member").called("slash_manager"), system_admin.new_command()
    with granting("team_user", "manage_others_slash_commands"):
        assert manager.do("RegenCommandToken", command_id=foreign).denied
    assert system_admin.do("RegenCommandToken", command_id=foreign).served


@clause("RegenCommandToken.permission")
@applies(since="6.0", why=FILLED, until="11.2")
def test_with_both_permissions_others_commands_are_within_reach(
    new_person: NewPerson, granting: Granting, system_admin: Actor
) -> None:
    """In the team, and only as long as they are held."""
    manager, foreign = new_person("member").called("slash_manager"), system_admin.new_command()
    with granting("team_user", "manage_slash_commands", "manage_others_slash_commands"):
        assert manager.do("RegenCommandToken", command_id=foreign).served
    assert manager.do("RegenCommandToken", command_id=foreign).denied


@clause("RegenCommandToken.permission")
@applies(since="6.0", why=FILLED, until="11.2")
def test_held_in_the_system_the_permission_counts_in_every_team(
    stage: Stage, token_user: Actor, granting: Granting, system_admin: Actor
) -> None:
    """A system role reaches into teams to which its holder does not belong."""
    holder, foreign = token_user.called("slash_manager"), system_admin.new_command(new_team(stage))
    assert holder.do("RegenCommandToken", command_id=foreign).denied
    with granting("system_user_access_token", "manage_slash_commands", "manage_others_slash_commands"):
        assert holder.do("RegenCommandToken", command_id=foreign).served


@clause("RegenCommandToken.permission")
def test_a_creator_who_administers_the_team_no_longer(new_person: NewPerson, stage: Stage, system_admin: Actor) -> None:
    """To have made the command is not enough: with the role goes the permission, in the same session."""
    admin = new_person("team_admin")
    command = admin.make_command()
    assert admin.do("RegenCommandToken", command_id=command).served
    stage.operator("PUT", f"/api/v4/teams/{stage.world.team_id}/members/{admin.id}/roles", {"roles": "team_user"})
    assert admin.do("RegenCommandToken", command_id=command).denied
    assert system_admin.do("RegenCommandToken", command_id=command).served


@clause("RegenCommandToken.permission")
def test_a_creator_who_left_the_team(new_person: NewPerson, stage: Stage, system_admin: Actor) -> None:
    """The command stays and works; who made it may no longer touch it."""
    admin = new_person("team_admin")
    command = admin.make_command()
    stage.operator("DELETE", f"/api/v4/teams/{stage.world.team_id}/members/{admin.id}")
    assert admin.do("RegenCommandToken", command_id=command).denied
    assert system_admin.do("RegenCommandToken", command_id=command).served
