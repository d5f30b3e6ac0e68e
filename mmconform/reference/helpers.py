"""The endpoints that a run needs beside the operations: accounts, teams, channels, commands, roles, bots, settings, OAuth.

They serve what the suites ask of them and answer in the shapes of the version; they are no promise of anything.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from mmconform.contract.permission import permissions
from mmconform.reference.app import BASE, Answer, App, Call, Handler, RefusedError, Route
from mmconform.reference.golang import number
from mmconform.reference.places import (
    OK,
    activate,
    allowed,
    found_channel,
    found_team,
    found_user,
    is_guest,
    join_team,
)
from mmconform.reference.rows import channel_member_row, channel_row, shaped, team_member_row, team_row, user_row
from mmconform.reference.store import Application, Channel, Command, Role, Session, Team, User, new_id, now
from mmconform.version import Version

_ROUTES: list[tuple[Route, Version]] = []


def routes(version: Version) -> list[Route]:
    """Return the endpoints that a version has."""
    return [route for route, since in _ROUTES if since <= version]


def _serves(
    method: str, path: str, *, base: str = BASE, since: str = "4.0", is_open: bool = False, operator: bool = False
) -> Callable[[Handler], Handler]:
    """Register an endpoint; ``operator`` ones are for administrators."""

    def register(handler: Handler) -> Handler:
        def guarded(app: App, call: Call) -> Answer:
            if operator and not app.has(call, "manage_system"):
                raise RefusedError("no-permission")
            return handler(app, call)

        _ROUTES.append((Route(method, base + path, guarded, is_open=is_open), Version.parse(since)))
        return handler

    return register


def _sent(call: Call) -> dict[str, Any]:
    try:
        value = json.loads(call.body or b"{}")
    except ValueError:
        raise RefusedError("bad-body") from None
    if not isinstance(value, dict):
        raise RefusedError("bad-body")
    return value


# -- what the server is --------------------------------------------------------------------------------------------


@_serves("GET", "/system/ping", is_open=True)
def _ping(app: App, call: Call) -> Answer:
    return Answer(200, OK)


@_serves("GET", "/config/client", is_open=True)
def _client_config(app: App, call: Call) -> Answer:
    version = str(app.version)
    build = {"BuildNumber": version, "BuildHash": "reference", "BuildEnterpriseReady": "false"}
    return Answer(200, {"Version": version, **build})


@_serves("GET", "/license/client", is_open=True)
def _client_licence(app: App, call: Call) -> Answer:
    return Answer(200, {"IsLicensed": "false"})


@_serves("GET", "/config", operator=True)
def _config(app: App, call: Call) -> Answer:
    return Answer(200, app.store.config)


@_serves("PUT", "/config", operator=True)
def _replace_config(app: App, call: Call) -> Answer:
    app.store.config = {section: dict(values) for section, values in _sent(call).items()}
    return Answer(200, app.store.config)


@_serves("PUT", "/config/patch", since="5.20", operator=True)
def _patch_config(app: App, call: Call) -> Answer:
    for section, values in _sent(call).items():
        app.store.config.setdefault(section, {}).update(values)
    return Answer(200, app.store.config)


# -- accounts ------------------------------------------------------------------------------------------------------


@_serves("POST", "/users", is_open=True)
def _make_user(app: App, call: Call) -> Answer:
    """The first account is the administrator's; all others are made by one."""
    is_first = not app.store.users
    if not is_first and not app.has(call, "manage_system"):
        raise RefusedError("no-open-server")
    sent = _sent(call)
    if not all(isinstance(sent.get(key), str) and sent[key] for key in ("username", "email", "password")):
        raise RefusedError("bad-body")
    if app.store.user_called(sent["username"]):
        raise RefusedError("user-exists")
    user = User(sent["username"], sent["email"], sent["password"], ["system_user", *(["system_admin"] if is_first else [])])
    app.store.users[user.id] = user
    return Answer(201, user_row(app, user))


@_serves("POST", "/users/login", is_open=True)
def _login(app: App, call: Call) -> Answer:
    sent = _sent(call)
    user = app.store.user_called(str(sent.get("login_id", "")))
    if user is None or user.owner or user.password != sent.get("password") or not user.is_active:
        raise RefusedError("wrong-password")
    if is_guest(app, user.id):
        raise RefusedError("no-licence-for-guests")
    session = Session(user.id, "login", csrf=new_id())
    app.store.sessions[session.token] = session
    return Answer(200, user_row(app, user), headers=(("Token", session.token),))


@_serves("GET", "/users", operator=True)
def _list_users(app: App, call: Call) -> Answer:
    page, size = number(call.asked("page") or "0") or 0, number(call.asked("per_page") or "60") or 60
    users = [user for user in app.store.users.values() if call.asked("role") in (None, *user.roles)]
    return Answer(200, [user_row(app, user) for user in users[page * size : page * size + size]])


@_serves("GET", "/users/username/{username}", operator=True)
def _get_user_by_name(app: App, call: Call) -> Answer:
    user = app.store.user_called(call.parameters["username"])
    if user is None:
        raise RefusedError("no-user")
    return Answer(200, user_row(app, user))


@_serves("POST", "/users/ids", operator=True)
def _get_users_by_ids(app: App, call: Call) -> Answer:
    try:
        wanted = [str(id_) for id_ in json.loads(call.body)]
    except (ValueError, TypeError):
        raise RefusedError("bad-body") from None
    return Answer(200, [user_row(app, app.store.users[id_]) for id_ in wanted if id_ in app.store.users])


@_serves("GET", "/users/{user_id}/preferences/{category}/name/{name}", operator=True)
def _get_preference(app: App, call: Call) -> Answer:
    user, category, name = app.id_in_path(call, "user_id"), call.parameters["category"], call.parameters["name"]
    if (user, category, name) not in app.store.preferences:
        raise RefusedError("no-preference")
    value = app.store.preferences[user, category, name]
    return Answer(200, {"user_id": user, "category": category, "name": name, "value": value})


@_serves("PUT", "/users/{user_id}/preferences", operator=True)
def _set_preferences(app: App, call: Call) -> Answer:
    for user, category, name, value in _preferences(app, call):
        app.store.preferences[user, category, name] = value
    return Answer(200, OK)


@_serves("POST", "/users/{user_id}/preferences/delete", operator=True)
def _delete_preferences(app: App, call: Call) -> Answer:
    for user, category, name, _ in _preferences(app, call):
        app.store.preferences.pop((user, category, name), None)
    return Answer(200, OK)


def _preferences(app: App, call: Call) -> list[tuple[str, str, str, str]]:
    try:
        user = app.id_in_path(call, "user_id")
        return [(user, str(row["category"]), str(row["name"]), str(row["value"])) for row in json.loads(call.body)]
    except (ValueError, KeyError, TypeError):
        raise RefusedError("bad-body") from None


@_serves("PUT", "/users/{user_id}/roles", operator=True)
def _set_roles(app: App, call: Call) -> Answer:
    found_user(app, app.id_in_path(call, "user_id")).roles = _roles(app, call)
    return Answer(200, OK)


@_serves("GET", "/users/{user_id}/sessions", operator=True)
def _sessions(app: App, call: Call) -> Answer:
    user = app.id_in_path(call, "user_id")
    return Answer(200, [_session(app, session) for session in app.store.sessions.values() if session.user == user])


def _session(app: App, session: Session) -> dict[str, Any]:
    about = {"id": session.id, "token": "", "user_id": session.user, "device_id": "", "roles": "", "props": {}}
    times = {"create_at": session.created, "expires_at": now(), "last_activity_at": now()}
    more = {"is_oauth": session.kind == "oauth", "expired_notify": False, "team_members": [], "local": False}
    return shaped(app, "session", {**about, **times, **more})


@_serves("POST", "/users/{user_id}/sessions/revoke", operator=True)
def _revoke_session(app: App, call: Call) -> Answer:
    wanted = _sent(call).get("session_id")
    for session in list(app.store.sessions.values()):
        if session.id == wanted:
            del app.store.sessions[session.token]
    return Answer(200, OK)


# -- teams ---------------------------------------------------------------------------------------------------------


@_serves("POST", "/teams")
def _make_team(app: App, call: Call) -> Answer:
    if not app.has(call, "create_team"):
        raise RefusedError("no-team-creation")
    sent = _sent(call)
    name = str(sent.get("name", ""))  # its address is no account's: that of who made it is a secret on tapes
    team = Team(name, is_open=sent.get("allow_open_invite") is True, email=f"{name}@conformance.invalid")
    app.store.teams[team.id] = team
    for channel in ("town-square", "off-topic"):
        _keep(app, Channel(team.id, channel, True, call.caller))
    join_team(app, team, call.caller)
    team.members[call.caller] = ["team_user", "team_admin"]
    return Answer(201, team_row(app, team, call))


@_serves("GET", "/teams", operator=True)
def _list_teams(app: App, call: Call) -> Answer:
    page, size = number(call.asked("page") or "0") or 0, number(call.asked("per_page") or "60") or 60
    return Answer(200, [team_row(app, team, call) for team in list(app.store.teams.values())[page * size : page * size + size]])


@_serves("GET", "/teams/name/{name}", operator=True)
def _get_team_by_name(app: App, call: Call) -> Answer:
    found = next((team for team in app.store.teams.values() if team.name == call.parameters["name"]), None)
    return Answer(200, team_row(app, found_team(app, found.id if found else ""), call))


@_serves("POST", "/teams/{team_id}/restore", since="5.24", operator=True)
def _restore_team(app: App, call: Call) -> Answer:
    team = found_team(app, app.id_in_path(call, "team_id"))
    team.is_archived = False
    return Answer(200, team_row(app, team, call))


@_serves("PUT", "/teams/{team_id}/patch")
def _patch_team(app: App, call: Call) -> Answer:
    team = found_team(app, app.id_in_path(call, "team_id"))
    allowed(app.has_in_team(call, team.id, "manage_team"))
    team.is_open = _sent(call).get("allow_open_invite", team.is_open) is True
    return Answer(200, team_row(app, team, call))


@_serves("DELETE", "/teams/{team_id}", operator=True)
def _archive_team(app: App, call: Call) -> Answer:
    found_team(app, app.id_in_path(call, "team_id")).is_archived = True
    return Answer(200, OK)


@_serves("POST", "/teams/{team_id}/members")
def _join(app: App, call: Call) -> Answer:
    id_, user = app.id_in_path(call, "team_id"), str(_sent(call).get("user_id", ""))
    if user == call.caller:
        allowed(app.has(call, "join_public_teams" if found_team(app, id_).is_open else "join_private_teams"))
    else:
        allowed(app.has_in_team(call, id_, "add_user_to_team"))
        allowed(app.has_in_team(call, id_, "invite_guest") or not is_guest(app, user))
    team = found_team(app, id_)
    join_team(app, team, user)
    return Answer(201, team_member_row(app, team, user))


@_serves("GET", "/teams/{team_id}/members/{user_id}")
def _get_member(app: App, call: Call) -> Answer:
    id_, user = app.id_in_path(call, "team_id"), app.id_in_path(call, "user_id")
    allowed(app.has_in_team(call, id_, "view_team") and app.sees(call, user))
    return Answer(200, team_member_row(app, _team_of(app, id_, user), user))


def _team_of(app: App, id_: str, user: str) -> Team:
    team = found_team(app, id_)
    if user not in team.members:
        raise RefusedError("not-in-the-team")
    return team


@_serves("DELETE", "/teams/{team_id}/members/{user_id}")
def _leave(app: App, call: Call) -> Answer:
    id_, user = app.id_in_path(call, "team_id"), app.id_in_path(call, "user_id")
    allowed(user == call.caller or app.has_in_team(call, id_, "remove_user_from_team"))
    found_team(app, id_).members.pop(user, None)
    for channel in app.store.channels.values():
        if channel.team == id_:
            channel.members.pop(user, None)
    return Answer(200, OK)


@_serves("PUT", "/teams/{team_id}/members/{user_id}/roles")
def _set_team_roles(app: App, call: Call) -> Answer:
    id_, user = app.id_in_path(call, "team_id"), app.id_in_path(call, "user_id")
    allowed(app.has_in_team(call, id_, "manage_team_roles"))
    _team_of(app, id_, user).members[user] = _roles(app, call)
    return Answer(200, OK)


def _roles(app: App, call: Call) -> list[str]:
    """Return the roles that a body names, all of which there are."""
    roles = str(_sent(call).get("roles", "")).split()
    if not all(role in app.store.roles for role in roles):
        raise RefusedError("no-such-role")
    return roles


# -- channels ------------------------------------------------------------------------------------------------------


def _keep(app: App, channel: Channel) -> None:
    app.store.channels[channel.id] = channel


@_serves("POST", "/channels")
def _make_channel(app: App, call: Call) -> Answer:
    sent = _sent(call)
    team, kind = str(sent.get("team_id", "")), sent.get("type")
    if kind not in ("O", "P") or not team or not sent.get("display_name"):
        raise RefusedError("bad-body")
    allowed(app.has_in_team(call, team, "create_public_channel" if kind == "O" else "create_private_channel"))
    channel = Channel(found_team(app, team).id, str(sent.get("name", "")), kind == "O", call.caller)
    channel.members[call.caller] = ["channel_user", "channel_admin"]
    _keep(app, channel)
    return Answer(201, channel_row(app, channel))


@_serves("GET", "/teams/{team_id}/channels")
def _list_public_channels(app: App, call: Call) -> Answer:
    allowed(app.has_in_team(call, app.id_in_path(call, "team_id"), "list_team_channels"))
    return _list_channels(app, call, is_open=True)


@_serves("GET", "/teams/{team_id}/channels/private", since="5.26", operator=True)
def _list_private_channels(app: App, call: Call) -> Answer:
    return _list_channels(app, call, is_open=False)


def _list_channels(app: App, call: Call, *, is_open: bool) -> Answer:
    team = call.parameters["team_id"]
    here = [channel for channel in app.store.channels.values() if channel.team == team and channel.is_open is is_open]
    rows = [channel_row(app, channel) for channel in here if not channel.is_archived]
    return Answer(200, app.page(call, rows, "no-route"))


@_serves("DELETE", "/channels/{channel_id}")
def _archive_channel(app: App, call: Call) -> Answer:
    channel = found_channel(app, app.id_in_path(call, "channel_id"))
    allowed(app.has_in_channel(call, channel.id, "delete_public_channel" if channel.is_open else "delete_private_channel"))
    if channel.is_archived:
        raise RefusedError("already-archived")
    channel.is_archived = True
    return Answer(200, OK)


@_serves("GET", "/channels/{channel_id}/members/{user_id}")
def _get_channel_member(app: App, call: Call) -> Answer:
    id_, user = app.id_in_path(call, "channel_id"), app.id_in_path(call, "user_id")
    allowed(app.has_in_channel(call, id_, "read_channel"))
    return Answer(200, channel_member_row(app, _channel_of(app, id_, user), user))


def _channel_of(app: App, id_: str, user: str) -> Channel:
    channel = found_channel(app, id_)
    if user not in channel.members:
        raise RefusedError("not-in-the-channel")
    return channel


@_serves("PUT", "/channels/{channel_id}/members/{user_id}/roles")
def _set_channel_roles(app: App, call: Call) -> Answer:
    id_, user = app.id_in_path(call, "channel_id"), app.id_in_path(call, "user_id")
    allowed(app.has_in_channel(call, id_, "manage_channel_roles"))
    _channel_of(app, id_, user).members[user] = _roles(app, call)
    return Answer(200, OK)


@_serves("DELETE", "/channels/{channel_id}/members/{user_id}")
def _leave_channel(app: App, call: Call) -> Answer:
    channel, user = found_channel(app, app.id_in_path(call, "channel_id")), app.id_in_path(call, "user_id")
    needed = f"manage_{'public' if channel.is_open else 'private'}_channel_members"
    allowed(user == call.caller or app.has_in_channel(call, channel.id, needed))
    _channel_of(app, channel.id, user).members.pop(user)
    return Answer(200, OK)


# -- commands and jobs ---------------------------------------------------------------------------------------------


def _command(app: App, command: Command) -> dict[str, Any]:
    texts = ("username", "icon_url", "auto_complete_desc", "auto_complete_hint", "display_name", "description", "plugin_id")
    times = {"create_at": now(), "update_at": now(), "delete_at": 0}
    ids = {"id": command.id, "token": command.token, "creator_id": command.creator, "team_id": command.team}
    sent = {key: command.fields.get(key, "") for key in ("trigger", "method", "url")}
    return shaped(app, "command", {**ids, **times, **sent, **dict.fromkeys(texts, ""), "auto_complete": False})


@_serves("POST", "/commands")
def _make_command(app: App, call: Call) -> Answer:
    sent = _sent(call)
    if not app.manages_commands(call, str(sent.get("team_id", "")), "manage_slash_commands"):
        raise RefusedError("no-permission")
    command = Command(str(sent["team_id"]), call.caller, sent)
    app.store.commands[command.id] = command
    return Answer(201, _command(app, command))


@_serves("GET", "/commands", operator=True)
def _list_commands(app: App, call: Call) -> Answer:
    here = [c for c in app.store.commands.values() if c.team == call.asked("team_id") and not c.is_deleted]
    return Answer(200, [_command(app, command) for command in here])


@_serves("DELETE", "/commands/{command_id}", operator=True)
def _delete_command(app: App, call: Call) -> Answer:
    command = app.store.commands.get(app.id_in_path(call, "command_id"))
    if command is None or command.is_deleted:
        raise RefusedError("no-command")
    command.is_deleted = True
    return Answer(200, OK)


@_serves("GET", "/jobs", since="4.1", operator=True)
def _list_jobs(app: App, call: Call) -> Answer:
    return Answer(200, app.page(call, list(reversed(app.store.jobs.values())), "no-route"))


@_serves("POST", "/jobs/{job_id}/cancel", operator=True)
def _cancel_job(app: App, call: Call) -> Answer:
    job = app.store.jobs.get(app.id_in_path(call, "job_id"))
    if job is None:
        raise RefusedError("no-route")
    job["status"] = "canceled"
    return Answer(200, OK)


# -- roles, bots, OAuth --------------------------------------------------------------------------------------------


def _role(app: App, role: Role) -> dict[str, Any]:
    times = {"create_at": now(), "update_at": now(), "delete_at": 0}
    about = {"id": role.id, "name": role.name, "display_name": role.name, "description": ""}
    flags = {"scheme_managed": False, "built_in": True}
    every = {name for name, permission in permissions().items() if permission.versions.include(app.version)}
    held = (role.permissions | every if "*" in role.permissions else role.permissions) - {"*"}
    return shaped(app, "role", {**about, **times, **flags, "permissions": sorted(held), "scheme_id": None})


@_serves("GET", "/roles", since="6.0", operator=True)
def _list_roles(app: App, call: Call) -> Answer:
    return Answer(200, [_role(app, role) for role in app.store.roles.values()])


@_serves("POST", "/roles/names", since="4.9")
def _get_roles(app: App, call: Call) -> Answer:
    names = json.loads(call.body)
    return Answer(200, [_role(app, role) for role in app.store.roles.values() if role.name in names])


@_serves("GET", "/roles/name/{name}", since="4.9")
def _get_role(app: App, call: Call) -> Answer:
    role = app.store.roles.get(call.parameters["name"])
    if role is None:
        raise RefusedError("no-route")
    return Answer(200, _role(app, role))


def _role_with(app: App, id_: str) -> Role:
    role = next((r for r in app.store.roles.values() if r.id == id_), None)
    if role is None:
        raise RefusedError("no-route")
    return role


@_serves("GET", "/roles/{role_id}", since="4.9")
def _get_role_by_id(app: App, call: Call) -> Answer:
    return Answer(200, _role(app, _role_with(app, call.parameters["role_id"])))


@_serves("PUT", "/roles/{role_id}/patch", since="4.9", operator=True)
def _patch_role(app: App, call: Call) -> Answer:
    role = _role_with(app, call.parameters["role_id"])
    role.permissions = set(_sent(call).get("permissions", [])) | (role.permissions & {"*"})
    return Answer(200, _role(app, role))


def _bot(app: App, user: User) -> dict[str, Any]:
    times = {"create_at": user.created, "update_at": user.created, "delete_at": 0 if user.is_active else now()}
    return {"user_id": user.id, "username": user.username, "display_name": user.username, "owner_id": user.owner, **times}


@_serves("POST", "/bots", since="5.10")
def _make_bot(app: App, call: Call) -> Answer:
    if not app.has(call, "create_bot"):
        raise RefusedError("no-permission")
    if not app.store.is_on("EnableBotAccountCreation"):
        raise RefusedError("bots-off")
    name = str(_sent(call).get("username", ""))
    bot = User(name, f"{name}@localhost", "", ["system_user"], owner=call.caller)
    app.store.users[bot.id] = bot
    return Answer(201, _bot(app, bot))


@_serves("POST", "/bots/{bot_id}/disable", since="5.10", operator=True)
def _disable_bot(app: App, call: Call) -> Answer:
    id_ = app.id_in_path(call, "bot_id")
    activate(app, found_user(app, id_), False)
    return Answer(200, _bot(app, app.store.users[id_]))


@_serves("POST", "/bots/{bot_id}/enable", since="5.10", operator=True)
def _enable_bot(app: App, call: Call) -> Answer:
    id_ = app.id_in_path(call, "bot_id")
    activate(app, found_user(app, id_), True)
    return Answer(200, _bot(app, app.store.users[id_]))


@_serves("POST", "/bots/{bot_id}/assign/{user_id}", since="5.12", operator=True)
def _hand_over_bot(app: App, call: Call) -> Answer:
    bot = found_user(app, app.id_in_path(call, "bot_id"))
    bot.owner = found_user(app, app.id_in_path(call, "user_id")).id
    return Answer(200, _bot(app, bot))


@_serves("POST", "/users/{user_id}/convert_to_bot", since="5.26", operator=True)
def _convert_to_bot(app: App, call: Call) -> Answer:
    user = found_user(app, app.id_in_path(call, "user_id"))
    user.owner = user.id
    app.store.end_sessions(user=user.id)  # a bot has none of its own: what opens one is a token
    return Answer(200, _bot(app, user))


@_serves("POST", "/oauth/apps", operator=True)
def _make_application(app: App, call: Call) -> Answer:
    if not app.store.is_on("EnableOAuthServiceProvider"):
        raise RefusedError("oauth-off")
    made = Application(call.caller, _sent(call))
    app.store.applications[made.id] = made
    return Answer(201, _application(app, made))


@_serves("GET", "/oauth/apps", operator=True)
def _list_applications(app: App, call: Call) -> Answer:
    if not app.store.is_on("EnableOAuthServiceProvider"):
        raise RefusedError("oauth-off")
    here = list(app.store.applications.values()) if not number(call.asked("page") or "0") else []
    return Answer(200, [_application(app, application) for application in here])


def _application(app: App, made: Application) -> dict[str, Any]:
    sent = {key: made.fields.get(key, "") for key in ("name", "description", "homepage")}
    about = {"id": made.id, "creator_id": made.creator, "client_secret": made.secret, "icon_url": "", "mattermost_app_id": ""}
    more = {"create_at": now(), "update_at": now(), "callback_urls": made.fields.get("callback_urls", []), "is_trusted": True}
    return shaped(app, "application", {**about, **sent, **more})


@_serves("DELETE", "/oauth/apps/{app_id}", operator=True)
def _delete_application(app: App, call: Call) -> Answer:
    if not app.store.is_on("EnableOAuthServiceProvider"):
        raise RefusedError("oauth-off")
    if app.store.applications.pop(app.id_in_path(call, "app_id"), None) is None:
        raise RefusedError("no-route")
    return Answer(200, OK)


@_serves("POST", "/oauth/authorize", base="")
def _authorize(app: App, call: Call) -> Answer:
    sent = _sent(call)
    application = app.store.applications.get(str(sent.get("client_id", "")))
    if application is None:
        raise RefusedError("bad-body")
    code = new_id()
    application.codes[code] = call.caller
    return Answer(200, {"redirect": f"{sent.get('redirect_uri', '')}?code={code}&state={sent.get('state', '')}"})


@_serves("POST", "/oauth/access_token", base="", is_open=True)
def _grant(app: App, call: Call) -> Answer:
    sent = dict(parse_qsl(call.body.decode()))
    application = app.store.applications.get(sent.get("client_id", ""))
    if application is None or application.secret != sent.get("client_secret") or sent.get("code") not in application.codes:
        raise RefusedError("bad-body")
    session = Session(application.codes.pop(sent["code"]), "oauth", csrf=new_id())
    app.store.sessions[session.token] = session
    about = {"token_type": "bearer", "expires_in": 3600, "scope": "user", "refresh_token": new_id(), "id_token": ""}
    return Answer(200, shaped(app, "grant", {"access_token": session.token, **about}))
