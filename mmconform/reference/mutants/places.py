"""Flaws in the operations of ``specs/small.yaml``: on teams, channels, posts, files and people."""

from functools import partial

from mmconform.reference.app import SMALL, App, Call
from mmconform.reference.mutants.flaw import mutant, only_in
from mmconform.reference.places import people_named, wants_deleted

_mutant = partial(mutant, document=SMALL.name)


@_mutant("GetChannel", "permission")
def channel_is_shown_to_everybody(app: App) -> None:
    """Whoever has a session is shown private channels that they are not in."""
    only_in(app, "GetChannel", "has_in_channel", lambda call, channel, permission: True)


@_mutant("GetChannelMembers", "permission")
def channel_members_are_listed_for_everybody(app: App) -> None:
    """Whoever has a session learns who is in a channel."""
    app.needs["GetChannelMembers"] = None


@_mutant("AddChannelMember", "permission")
def channel_takes_whom_an_outsider_adds(app: App) -> None:
    """Who is not even in the team lets people into its channels."""
    only_in(app, "AddChannelMember", "has_in_channel", lambda call, channel, permission: True)


@_mutant("CreatePost", "permission")
def post_to_any_channel_of_the_team(app: App) -> None:
    """Who may post to the public channels of a team posts to its private ones."""
    app.needs["CreatePost"] = "read_public_channel"


@_mutant("GetPost", "permission")
def post_is_shown_to_everybody(app: App) -> None:
    """Whoever has a session reads what stands in private channels, post by post."""
    only_in(app, "GetPost", "reads", lambda call, channel: True)


@_mutant("GetPost", "permission")
def post_is_shown_to_who_asks_for_deleted_ones_too(app: App) -> None:
    """A flag that is to take more than the request without it takes nothing."""
    has, reads = app.has, app.reads
    only_in(app, "GetPost", "has", lambda call, permission: wants_deleted(call) or has(call, permission))
    only_in(app, "GetPost", "reads", lambda call, channel: wants_deleted(call) or reads(call, channel))


@_mutant("AddChannelMember", "permission")
def channel_takes_all_whom_somebody_names_after_themselves(app: App) -> None:
    """Of several people it is asked of the first alone whether the caller may let them in."""
    usual = app.has_in_channel

    def changed(call: Call, channel: str, permission: str) -> bool:
        first, *others = people_named(call)[0]
        is_first_alone = permission == "manage_public_channel_members" and first == call.caller and others
        return bool(is_first_alone) or usual(call, channel, permission)

    only_in(app, "AddChannelMember", "has_in_channel", changed)


@_mutant("DeletePost", "permission")
def post_of_others_is_deleted_by_any_member(app: App) -> None:
    """Who may delete their own posts deletes everybody's."""
    usual = app.has_in_channel
    only_in(app, "DeletePost", "has_in_channel", lambda call, channel, permission: usual(call, channel, "delete_post"))


@_mutant("UploadFile", "permission")
def file_is_taken_from_everybody(app: App) -> None:
    """Whoever has a session leaves files for any channel."""
    app.needs["UploadFile"] = None


@_mutant("GetFile", "permission")
def file_is_given_to_everybody(app: App) -> None:
    """Whoever knows its id gets a file of a private channel."""
    only_in(app, "GetFile", "reads", lambda call, channel: True)


@_mutant("DeleteUser", "permission")
def user_is_deactivated_by_everybody(app: App) -> None:
    """Whoever has a session deactivates anybody but administrators."""
    only_in(app, "DeleteUser", "reaches", lambda call, user: True)


@_mutant("GetSchemes", "permission")
def schemes_are_listed_for_everybody(app: App) -> None:
    """Whoever has a session lists the permission schemes."""
    app.needs["GetSchemes"] = None


# -- what only whoever holds a permission without the role that ships with it can notice -----------------------------------------


@_mutant("GetSchemes", "permission")
def schemes_are_listed_for_who_reads_channels_in_the_console(app: App) -> None:
    """A neighbouring permission, which nobody but administrators holds, lists the permission schemes too."""
    usual = app.has
    neighbour = "sysconsole_read_user_management_channels"
    only_in(app, "GetSchemes", "has", lambda call, permission: usual(call, permission) or usual(call, neighbour))


@_mutant("DeletePost", "permission")
def post_is_deleted_without_a_question_to_who_manages_jobs(app: App) -> None:
    """Whoever holds a permission that has nothing to do with it is asked for nothing else."""
    usual = app.has_in_channel
    only_in(
        app,
        "DeletePost",
        "has_in_channel",
        lambda call, channel, permission: app.has(call, "manage_jobs") or usual(call, channel, permission),
    )


@_mutant("DeleteUser", "permission")
def user_is_deactivated_by_administrators_alone(app: App) -> None:
    """What the document says is enough is not: whoever holds it and is no administrator is refused."""
    only_in(app, "DeleteUser", "reaches", lambda call, user: user == call.caller or app.has(call, "manage_system"))
