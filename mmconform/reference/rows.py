"""How things are told: in the fields of the version."""

from mimetypes import guess_type
from pathlib import PurePath
from typing import Any

from mmconform.reference.app import App, Call
from mmconform.reference.facts import is_in, table
from mmconform.reference.store import Channel, File, Post, Team, User, now


def shaped(app: App, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out the fields that this version does not know yet, or no longer."""
    for row in table("fields.yaml"):
        if row["of"] == kind and not is_in(row, app.version):
            fields.pop(row["field"], None)
    return fields


def user_row(app: App, user: User) -> dict[str, Any]:
    gone = 0 if user.is_active else now()
    texts = dict.fromkeys(("auth_data", "auth_service", "nickname", "first_name", "last_name", "position", "remote_id"), "")
    times = {"create_at": user.created, "update_at": user.created, "delete_at": gone, "last_password_update": user.created}
    about = {"id": user.id, "username": user.username, "email": user.email, "roles": " ".join(user.roles), "locale": "en"}
    objects: dict[str, Any] = {"notify_props": {}, "timezone": {}, "disable_welcome_email": False}
    return shaped(app, "user", {**about, **times, **texts, **objects, **({"is_bot": True} if user.owner else {})})


def team_row(app: App, team: Team, call: Call) -> dict[str, Any]:
    """Tell of a team; its address and how to be invited only whom servers tell it (app/team.go@91ce593d27 SanitizeTeam)."""
    texts = dict.fromkeys(("description", "company_name", "allowed_domains"), "")
    texts["email"] = team.email if app.has_in_team(call, team.id, "manage_team") else ""
    texts["invite_id"] = team.invite if app.has_in_team(call, team.id, "invite_user") else ""
    times = {"create_at": now(), "update_at": now(), "delete_at": now() if team.is_archived else 0}
    about = {"id": team.id, "name": team.name, "display_name": team.name, "type": "O", "allow_open_invite": team.is_open}
    nothing = dict.fromkeys(("scheme_id", "group_constrained", "policy_id"))
    return shaped(app, "team", {**about, **texts, **times, **nothing, "cloud_limits_archived": False})


def team_member_row(app: App, team: Team, user: str) -> dict[str, Any]:
    about = {"team_id": team.id, "user_id": user, "delete_at": 0, "explicit_roles": ""}
    return shaped(app, "member", {**about, **_as_member(team.members[user])})


def channel_row(app: App, channel: Channel) -> dict[str, Any]:
    times = {"create_at": channel.created, "update_at": channel.created, "delete_at": now() if channel.is_archived else 0}
    about = {"id": channel.id, "team_id": channel.team, "type": "O" if channel.is_open else "P", "creator_id": channel.creator}
    texts = {"name": channel.name, "display_name": channel.name, "header": "", "purpose": ""}
    return {**about, **times, **texts, "total_msg_count": 0, "props": None}


def channel_member_row(app: App, channel: Channel, user: str) -> dict[str, Any]:
    about = {"channel_id": channel.id, "user_id": user, "explicit_roles": ""}
    return {**about, **_as_member(channel.members[user]), "msg_count": 0, "mention_count": 0, "notify_props": {}}


def _as_member(roles: list[str]) -> dict[str, Any]:
    held = {role.rpartition("_")[2] for role in roles}
    return {"roles": " ".join(roles), **{f"scheme_{what}": what in held for what in ("guest", "user", "admin")}}


def post_row(app: App, post: Post) -> dict[str, Any]:
    answers = sum(reply.root == (post.root or post.id) and not reply.is_deleted for reply in app.store.posts.values())
    times = {"create_at": post.created, "update_at": post.created, "edit_at": 0, "delete_at": now() if post.is_deleted else 0}
    about = {"id": post.id, "channel_id": post.channel, "user_id": post.user, "root_id": post.root, "message": post.message}
    more: dict[str, Any] = {"type": "", "props": {}, "hashtags": "", "is_pinned": False, "file_ids": post.files or None}
    return {**about, **times, **more, "reply_count": answers}


def file_row(app: App, file: File) -> dict[str, Any]:
    times = {"create_at": file.created, "update_at": file.created, "delete_at": 0}
    about = {"id": file.id, "user_id": file.user, "channel_id": file.channel, "name": file.name, "size": len(file.content)}
    kind = {"extension": PurePath(file.name).suffix[1:], "mime_type": media_of(file)}
    return {**about, **times, **kind, **({"post_id": file.post} if file.post else {})}


def media_of(file: File) -> str:
    return guess_type(file.name)[0] or "application/octet-stream"
