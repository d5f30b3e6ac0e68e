"""The operations of ``specs/small.yaml``: in which order 11.1.0 looks at what, and what it does."""

import re
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

from mmconform.reference.app import Answer, App, Call, RefusedError
from mmconform.reference.golang import LIST, TEXT, first_value, struct
from mmconform.reference.operations import decoded, operation, permitted
from mmconform.reference.rows import channel_member_row, channel_row, file_row, media_of, post_row, team_row, user_row
from mmconform.reference.store import Channel, File, Post, Team, User

#: What each of them asks for, where it is one permission; see ``operations.NEEDS``.
NEEDS: dict[str, str | None] = {
    "GetTeam": "view_team",
    "GetChannel": "read_channel",
    "GetChannelMembers": "read_channel",
    "CreatePost": "create_post",
    "UploadFile": "upload_file",
    "UpdateUserActive": "sysconsole_write_user_management_users",
    "GetSchemes": "sysconsole_read_user_management_permissions",
    "GetComplianceReports": "read_compliance_export_job",
}
OK = {"status": "OK"}
LONGEST_LIST = 1000


def allowed(so: bool) -> None:
    """Go on if that is so."""
    if not so:
        raise RefusedError("denied")


# -- what is there -------------------------------------------------------------------------------------------------


def found_user(app: App, id_: str) -> User:
    """Return the user with an id."""
    if id_ not in app.store.users:
        raise RefusedError("no-user")
    return app.store.users[id_]


def found_team(app: App, id_: str) -> Team:
    """Return the team with an id, archived or not."""
    if id_ not in app.store.teams:
        raise RefusedError("no-team")
    return app.store.teams[id_]


def found_channel(app: App, id_: str) -> Channel:
    """Return the channel with an id, archived or not."""
    if id_ not in app.store.channels:
        raise RefusedError("no-channel")
    return app.store.channels[id_]


def found_post(app: App, id_: str) -> Post:
    """Return the post with an id, unless it is deleted."""
    post = app.store.posts.get(id_)
    if post is None or post.is_deleted:
        raise RefusedError("no-post")
    return post


def is_guest(app: App, user: str) -> bool:
    """Whether a user is a guest."""
    return "system_guest" in found_user(app, user).roles


def join_team(app: App, team: Team, user: str) -> None:
    """Let a user into a team, and whoever is no guest into the channels that all are in."""
    if user in team.members:
        return
    team.members[user] = ["team_guest" if is_guest(app, user) else "team_user"]
    if not is_guest(app, user):
        for channel in app.store.channels.values():
            if channel.team == team.id and channel.name in ("town-square", "off-topic"):
                join_channel(app, channel, user)


def join_channel(app: App, channel: Channel, user: str) -> None:
    """Let a member of its team into a channel."""
    if user not in app.store.teams[channel.team].members:
        raise RefusedError("not-in-the-team")
    channel.members.setdefault(user, ["channel_guest" if is_guest(app, user) else "channel_user"])


# -- teams and channels --------------------------------------------------------------------------------------------


@operation("GetTeam")
def get_team(app: App, call: Call) -> Answer:
    team = found_team(app, app.id_in_path(call, "team_id"))
    is_shown_to_all = team.is_open and app.has(call, "list_public_teams")
    allowed(is_shown_to_all or app.has_in_team(call, team.id, app.needs[call.operation]))
    return Answer(200, team_row(app, team, call))


@operation("GetChannel")
def get_channel(app: App, call: Call) -> Answer:
    channel = found_channel(app, app.id_in_path(call, "channel_id"))
    is_shown_to_the_team = channel.is_open and app.has_in_team(call, channel.team, "read_public_channel")
    allowed(is_shown_to_the_team or app.has_in_channel(call, channel.id, app.needs[call.operation]))
    return Answer(200, channel_row(app, channel))


@operation("GetChannelMembers")
def get_members(app: App, call: Call) -> Answer:
    id_ = app.id_in_path(call, "channel_id")
    allowed(app.has_in_channel(call, id_, app.needs[call.operation]))
    channel = found_channel(app, id_)
    rows = [channel_member_row(app, channel, user) for user in channel.members]
    return Answer(200, app.page(call, rows, "members-not-read"))


@operation("AddChannelMember")
def add_members(app: App, call: Call) -> Answer:
    id_ = app.id_in_path(call, "channel_id")
    wanted, is_one = people_named(call)
    channel = found_channel(app, id_)
    allowed(channel.is_open or app.has_in_channel(call, id_, "manage_private_channel_members"))
    adds_others = app.has_in_channel(call, id_, "manage_public_channel_members")  # before the caller joins by this request
    refused, rows = [], []
    for user in wanted:
        try:
            _let_in(app, call, channel, user, adds_others)
            rows.append(channel_member_row(app, channel, user))
        except RefusedError as error:
            refused.append(error)
    if refused and not rows:
        raise refused[-1]
    return Answer(201, rows[0] if is_one else rows)


def people_named(call: Call) -> tuple[list[str], bool]:
    """Return the ids of whom the body names, and whether it names one by themselves."""
    try:
        sent = first_value(call.body)
    except ValueError:
        sent = None
    sent = sent if isinstance(sent, dict) else {}
    many = sent.get("user_ids")
    ids: list[Any] = many if isinstance(many, list) else [sent.get("user_id")]
    if len(ids) > LONGEST_LIST or not all(map(_is_id, ids)):
        raise RefusedError("bad-body")
    return ids, ids == [sent.get("user_id")]


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[A-Za-z0-9]{26}", value) is not None


def _let_in(app: App, call: Call, channel: Channel, user: str, adds_others: bool) -> None:
    is_self = user == call.caller
    if channel.is_open and not (is_self and user in channel.members):
        allowed(app.has_in_team(call, channel.team, "join_public_channels") if is_self else adds_others)
    join_channel(app, channel, found_user(app, user).id)


# -- posts ---------------------------------------------------------------------------------------------------------

_POST = {**dict.fromkeys(("id", "user_id", "channel_id", "root_id", "message"), TEXT), "file_ids": LIST}


@operation("CreatePost")
def create_post(app: App, call: Call) -> Answer:
    fields, fits = struct(decoded(app, call), _POST)
    if not fits:
        raise RefusedError("bad-body")
    channel = app.store.channels.get(fields.get("channel_id", ""))
    may = channel and (
        app.has_in_channel(call, channel.id, app.needs[call.operation])
        or (channel.is_open and app.has_in_team(call, channel.team, "create_post_public"))
    )
    if channel is None or not may:
        raise RefusedError("denied")
    if channel.is_archived:
        raise RefusedError("no-post-to-archived")
    root = app.store.posts.get(fields.get("root_id", ""))
    if fields.get("root_id") and (root is None or root.is_deleted or root.root or root.channel != channel.id):
        raise RefusedError("no-root")
    post = Post(channel.id, call.caller, app.stored(fields.get("message", ""), "post-not-saved"), fields.get("root_id", ""))
    app.store.posts[post.id] = post
    _attach(app, post, fields.get("file_ids", []))
    return Answer(201, post_row(app, post))


def _attach(app: App, post: Post, files: list[str]) -> None:
    """Hang files on a post: its author's, that hang on none. Others are left out."""
    for file in (app.store.files[id_] for id_ in files if id_ in app.store.files):
        if file.user == post.user and not file.post:
            file.post, file.channel = post.id, post.channel
            post.files.append(file.id)


@operation("GetPost")
def get_post(app: App, call: Call) -> Answer:
    id_ = app.id_in_path(call, "post_id")
    is_shown_deleted = wants_deleted(call)
    allowed(not is_shown_deleted or app.has(call, "manage_system"))
    post = app.store.posts.get(id_) if is_shown_deleted else None
    post = post or found_post(app, id_)
    allowed(app.reads(call, found_channel(app, post.channel)))
    return Answer(200, post_row(app, post))


def wants_deleted(call: Call) -> bool:
    """Whether the query asks for what is deleted too."""
    return call.asked("include_deleted") in ("1", "t", "T", "true", "TRUE", "True")


@operation("GetPostThread")
def get_thread(app: App, call: Call) -> Answer:
    post = found_post(app, app.id_in_path(call, "post_id"))
    allowed(app.reads(call, found_channel(app, post.channel)))
    root = post.root or post.id
    others = [
        other
        for other in app.store.posts.values()
        if root in (other.id, other.root) and not other.is_deleted and other is not post
    ]
    thread = [post, *others]
    posts = {other.id: post_row(app, other) for other in thread}
    return Answer(200, {"order": list(posts), "posts": posts, "next_post_id": "", "prev_post_id": ""})


@operation("DeletePost")
def delete_post(app: App, call: Call) -> Answer:
    post = found_post(app, app.id_in_path(call, "post_id"))
    needed = "delete_post" if post.user == call.caller else "delete_others_posts"
    allowed(app.has_in_channel(call, post.channel, needed))
    if app.store.channels[post.channel].is_archived:
        raise RefusedError("no-deleting-in-archived")
    for other in app.store.posts.values():
        other.is_deleted = other.is_deleted or post.id in (other.id, other.root)
        for file in other.files if other.is_deleted else ():
            app.store.files.pop(file, None)
    return Answer(200, OK)


# -- files ---------------------------------------------------------------------------------------------------------


@operation("UploadFile")
def upload(app: App, call: Call) -> Answer:
    if not call.body:
        raise RefusedError("no-upload")
    channel, files = _form(call) if _is_form(call) else (call.asked("channel_id") or "", _alone(call))
    if not _is_id(channel):
        raise RefusedError("bad-parameter")
    allowed(app.has_in_channel(call, channel, app.needs[call.operation]))
    made = [File(channel, call.caller, name, content) for name, content in files]
    app.store.files |= {file.id: file for file in made}
    return Answer(201, {"file_infos": [file_row(app, file) for file in made], "client_ids": []})


def _is_form(call: Call) -> bool:
    return call.headers.get("content-type", "").lower().startswith("multipart/form-data")


def _alone(call: Call) -> list[tuple[str, bytes]]:
    """Return the file that the body is, with the name that the query gives it."""
    name = call.asked("filename")
    if not name:
        raise RefusedError("bad-parameter")
    return [(name, call.body)]


def _form(call: Call) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the channel that a form or the query names, and the files with their names."""
    head = f"Content-Type: {call.headers['content-type']}\r\n\r\n".encode()
    form = message_from_bytes(head + call.body, policy=HTTP)
    if not form.is_multipart():
        raise RefusedError("no-upload")
    channel, files = call.asked("channel_id") or "", []
    for part in form.iter_parts():
        field, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if name := part.get_filename():
            files.append((name, content))
        elif field == "channel_id":
            if channel not in ("", told := content.decode("utf-8", "replace")):
                raise RefusedError("several-channels")
            channel = told
        elif field not in ("client_ids", None):
            raise RefusedError("bad-body")
    return channel, files


@operation("GetFile")
def get_file(app: App, call: Call) -> Answer:
    file = app.store.files.get(app.id_in_path(call, "file_id"))
    if file is None:
        raise RefusedError("no-file")
    channel = found_channel(app, file.channel)
    allowed(file.user == call.caller or app.reads(call, channel))
    return Answer(200, file.content, media_of(file))


# -- people --------------------------------------------------------------------------------------------------------


@operation("GetUser")
def get_user(app: App, call: Call) -> Answer:
    id_ = app.id_in_path(call, "user_id")
    allowed(app.sees(call, id_))
    return Answer(200, user_row(app, found_user(app, id_)))


@operation("UpdateUserActive")
def set_active(app: App, call: Call) -> Answer:
    id_ = app.id_in_path(call, "user_id")
    sent = decoded(app, call)
    active = sent.get("active") if isinstance(sent, dict) else None
    if not isinstance(active, bool):
        raise RefusedError("bad-body")
    is_leaving = not active and id_ == call.caller
    if not is_leaving and not app.has(call, app.needs[call.operation]):
        raise RefusedError("may-not-activate")
    if is_leaving and not app.store.is_on("EnableUserDeactivation", "TeamSettings"):
        raise RefusedError("leaving-is-off")
    return activate(app, _in_reach(app, call, id_), active)


@operation("DeleteUser")
def deactivate(app: App, call: Call) -> Answer:
    id_ = app.id_in_path(call, "user_id")
    allowed(app.reaches(call, id_))
    may_leave = app.store.is_on("EnableUserDeactivation", "TeamSettings") or app.has(call, "manage_system")
    if id_ == call.caller and not may_leave:
        raise RefusedError("leaving-is-off")
    return activate(app, _in_reach(app, call, id_), False)


def _in_reach(app: App, call: Call, id_: str) -> User:
    """Return the user with an id, if they are no administrator or the caller is one."""
    user = found_user(app, id_)
    allowed(not app.is_administrator(id_) or app.has(call, "manage_system"))
    return user


def activate(app: App, user: User, is_active: bool) -> Answer:
    """Activate an account, or deactivate it, end its sessions and disable its bots."""
    user.is_active = is_active
    if not is_active:
        app.store.end_sessions(user=user.id)
        for bot in [other for other in app.store.users.values() if other.owner == user.id and other is not user]:
            activate(app, bot, False)
    return Answer(200, OK)


@operation("Logout")
def logout(app: App, call: Call) -> Answer:
    if call.session:
        app.store.sessions.pop(call.session.token, None)
    return Answer(200, OK)


# -- what takes a licence ------------------------------------------------------------------------------------------


@operation("GetSchemes")
def get_schemes(app: App, call: Call) -> Answer:
    permitted(app, call)
    if call.asked("scope") not in (None, "", "team", "channel"):
        raise RefusedError("bad-body")
    return Answer(200, app.page(call, [], "schemes-not-read"))


@operation("GetComplianceReports")
def get_reports(app: App, call: Call) -> Answer:
    permitted(app, call)
    raise RefusedError("no-licence-for-compliance")
