"""Flaws that no sentence of ``specs/small.yaml`` names: what one operation hides or ends, another one shows or lets go on."""

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from mmconform.reference.app import SMALL, Answer, App, Call, RefusedError
from mmconform.reference.mutants.flaw import before, fields, mutant
from mmconform.reference.operations import decoded
from mmconform.reference.places import activate, is_guest, join_channel
from mmconform.reference.rows import post_row

_mutant = partial(mutant, document=SMALL.name)


@_mutant("GetChannel", "hidden")
def channel_tells_how_to_join_its_team(app: App) -> None:
    """Who is shown a channel is told of its team what only those learn who may invite to it."""

    def with_team(channel: dict[str, object], call: Call) -> dict[str, object]:
        team = app.store.teams[str(channel["team_id"])]
        return {**channel, "team": {"id": team.id, "name": team.name, "invite_id": team.invite}}

    fields(app, "GetChannel", with_team)


@_mutant("GetUser", "hidden")
def account_shows_the_hash_of_its_password(app: App) -> None:
    """Administrators are shown the hash of everybody's password."""

    def with_hash(user: dict[str, object], call: Call) -> dict[str, object]:
        return {**user, "password": "$2a$10$" + str(user["id"]) * 2} if app.has(call, "manage_system") else user

    fields(app, "GetUser", with_hash)


@_mutant("DeleteUser", "ended")
def deactivated_keep_their_sessions(app: App) -> None:
    """Who is deactivated goes on with the session that they had."""
    handler = app.handlers["DeleteUser"]

    def keeping(app: App, call: Call) -> Answer:
        kept = dict(app.store.sessions)
        answer = handler(app, call)
        app.store.sessions |= kept
        return answer

    app.handlers["DeleteUser"] = keeping


@_mutant("GetPostThread", "ended")
def who_left_a_channel_still_reads_threads_in_it(app: App) -> None:
    """Who has written in a thread reads it for ever."""
    handler = app.handlers["GetPostThread"]
    usual = app.reads

    def reading(app: App, call: Call) -> Answer:
        post = call.parameters["post_id"]
        has_written = any(
            written.user == call.caller for written in app.store.posts.values() if post in (written.id, written.root)
        )
        app.reads = lambda call, channel: has_written or usual(call, channel)  # type: ignore[method-assign]
        try:
            return handler(app, call)
        finally:
            app.reads = usual  # type: ignore[method-assign]

    app.handlers["GetPostThread"] = reading


def _writes(app: App, attribute: str, field: str) -> None:
    """Have a post be in one respect what its author's request says of it, which lists no such thing."""
    handler = app.handlers["CreatePost"]

    def writing(app: App, call: Call) -> Answer:
        answer, sent = handler(app, call), decoded(app, call)
        post = app.store.posts[answer.data["id"]]
        setattr(post, attribute, sent.get(field) or getattr(post, attribute))
        return answer._replace(data=post_row(app, post))

    app.handlers["CreatePost"] = writing


@_mutant("CreatePost", "unlisted")
def post_is_as_old_as_its_author_says(app: App) -> None:
    """Who writes something says when it was."""
    _writes(app, "created", "create_at")


@_mutant("CreatePost", "unlisted")
def post_is_by_whom_its_author_says(app: App) -> None:
    """Who writes something says who did."""
    _writes(app, "user", "user_id")


def _letting_go_of_guests(app: App, operation: str, role: str) -> None:
    """Have whoever is something in a team deactivate guests with an operation."""
    handler = app.handlers[operation]

    def letting(app: App, call: Call) -> Answer:
        target = app.store.users.get(call.parameters["user_id"])
        is_known = any(role in team.members.get(call.caller, ()) for team in app.store.teams.values())
        if target and call.caller != target.id and is_guest(app, target.id) and is_known:
            return activate(app, target, False)
        return handler(app, call)

    app.handlers[operation] = letting


@_mutant("DeleteUser", "consistent")
def administrators_of_a_team_deactivate_guests(app: App) -> None:
    """Who is an administrator of a team deletes guests, whom they may not make inactive."""
    _letting_go_of_guests(app, "DeleteUser", "team_admin")


@_mutant("UpdateUserActive", "consistent")
def members_make_guests_inactive(app: App) -> None:
    """Who is in a team makes guests inactive, whom they may not delete."""
    _letting_go_of_guests(app, "UpdateUserActive", "team_user")


def _reaching_administrators(app: App, operation: str) -> None:
    """Have an operation not look whether it is about an administrator."""
    handler, usual = app.handlers[operation], app.is_administrator

    def reaching(app: App, call: Call) -> Answer:
        app.is_administrator = lambda user: False  # type: ignore[method-assign]
        try:
            return handler(app, call)
        finally:
            app.is_administrator = usual  # type: ignore[method-assign]

    app.handlers[operation] = reaching


@_mutant("DeleteUser", "bounded")
def who_edits_others_deletes_administrators(app: App) -> None:
    """Who may edit other users deletes an administrator too."""
    _reaching_administrators(app, "DeleteUser")


@_mutant("UpdateUserActive", "bounded")
def who_manages_users_makes_administrators_inactive(app: App) -> None:
    """Who manages users in the system console makes an administrator inactive too."""
    _reaching_administrators(app, "UpdateUserActive")


@_mutant("CreatePost", "confidential")
def answers_hang_on_posts_of_any_channel(app: App) -> None:
    """Who answers, where they may write, what was written in a channel of others reads it in the thread of their answer."""
    handler = app.handlers["CreatePost"]

    def answering(app: App, call: Call) -> Answer:
        sent = decoded(app, call)
        root = app.store.posts.get(str(sent.get("root_id"))) if isinstance(sent, dict) else None
        if root is None:
            return handler(app, call)
        answer = handler(app, replace(call, body=json.dumps({**sent, "root_id": ""}).encode()))
        post = app.store.posts[answer.data["id"]]
        post.root = root.id
        return answer._replace(data=post_row(app, post))

    app.handlers["CreatePost"] = answering


@_mutant("AddChannelMember", "confidential")
def body_says_into_which_channel_somebody_is_let(app: App) -> None:
    """Who may let people into the channel that the path names lets them into the one that the body names."""
    handler = app.handlers["AddChannelMember"]

    def letting(app: App, call: Call) -> Answer:
        answer, sent = handler(app, call), decoded(app, call)
        channel = app.store.channels.get(str(sent.get("channel_id"))) if isinstance(sent, dict) else None
        if channel:
            join_channel(app, channel, str(sent.get("user_id")))
        return answer

    app.handlers["AddChannelMember"] = letting


def _hiding_what_is_archived(app: App, operations: Iterable[str]) -> None:
    """Have operations refuse what lies in archived channels while a setting says that nobody is to see it."""
    section, key = app.store.config.setdefault("TeamSettings", {}), "ExperimentalViewArchivedChannels"
    section[key] = True

    def hide(call: Call) -> None:
        files, posts = app.store.files, app.store.posts
        thing = posts.get(call.parameters.get("post_id", "")) or files.get(call.parameters.get("file_id", ""))
        if thing and app.store.channels[thing.channel].is_archived and not app.store.is_on(key, "TeamSettings"):
            raise RefusedError("denied")

    for operation in operations:
        before(app, operation, hide)


@_mutant("GetPostThread", "forbidden")
def threads_of_archived_channels_are_shown(app: App) -> None:
    """Where nobody is to see archived channels, threads in them are shown all the same."""
    _hiding_what_is_archived(app, ("GetPost", "GetFile"))


@_mutant("GetFile", "forbidden")
def files_of_archived_channels_are_shown(app: App) -> None:
    """Where nobody is to see archived channels, files in them are shown all the same."""
    _hiding_what_is_archived(app, ("GetPost", "GetPostThread"))
