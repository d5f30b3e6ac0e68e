"""The eleven operations: in which order each looks at what, and what it does."""

import json
import re
from collections.abc import Callable
from typing import Any

import requests

from mmconform.reference.app import LONGEST_BODY, Answer, App, Call, Handler, RefusedError, secret_of
from mmconform.reference.golang import NUMBER, OBJECT, TEXT, TEXTS, YES_NO, first_value, struct, texts
from mmconform.reference.store import AccessToken, Command, new_id, now

#: What each operation asks for, as the documentation says it. Written down once more, and not taken from the contract:
#: that is read from prose, and a mistake in reading must not be on both sides.
NEEDS: dict[str, str | None] = {
    "CreateUserAccessToken": "create_user_access_token",
    "GetUserAccessTokensForUser": "read_user_access_token",
    "GetUserAccessTokens": "manage_system",
    "SearchUserAccessTokens": "manage_system",
    "GetUserAccessToken": "read_user_access_token",
    "RevokeUserAccessToken": "revoke_user_access_token",
    "DisableUserAccessToken": "revoke_user_access_token",
    "EnableUserAccessToken": "create_user_access_token",
    "RegenCommandToken": "manage_slash_commands",
    "CreateJob": "manage_jobs",
    "GetWebrtcToken": None,
}
HANDLERS: dict[str, Handler] = {}
LONGEST_DESCRIPTION = 255
LONGEST_JOB_DATA = 1024


def operation(name: str) -> Callable[[Handler], Handler]:
    """Register what answers an operation."""

    def register(handler: Handler) -> Handler:
        HANDLERS[name] = handler
        return handler

    return register


def permitted(app: App, call: Call) -> None:
    """Go on if the caller holds the permission that the operation asks for."""
    if not app.has(call, app.needs[call.operation]):
        raise RefusedError("denied", app.needs[call.operation])


def in_reach(app: App, call: Call, user: str) -> None:
    """Go on if the caller may act on what belongs to a user."""
    if not app.reaches(call, user):
        raise RefusedError("no-permission", "edit_other_users")


def found_token(app: App, id_: str) -> AccessToken:
    """Return the token with an id."""
    if "\0" in id_ and app.does["a-nul-reaches-the-database"]:
        raise RefusedError("token-not-read")
    if id_ not in app.store.tokens:
        raise RefusedError("no-token")
    return app.store.tokens[id_]


def row(app: App, token: AccessToken) -> dict[str, Any]:
    """Return a token as everybody but its maker sees it: without its value."""
    shown = {"id": token.id, "user_id": token.user, "description": token.description}
    return {**shown, "is_active": token.is_active} if app.does["a-token-knows-whether-it-is-active"] else shown


def decoded(app: App, call: Call) -> Any:
    """Return the JSON of the body."""
    if len(call.body) > LONGEST_BODY and app.does["bodies-and-addresses-have-limits"]:
        raise RefusedError("body-too-large")
    try:
        return first_value(call.body)
    except ValueError:
        raise RefusedError("bad-body") from None


# -- personal access tokens ----------------------------------------------------------------------------------------


@operation("CreateUserAccessToken")
def create_token(app: App, call: Call) -> Answer:
    user = app.id_in_path(call, "user_id")
    if app.does["a-missing-user-comes-before-the-body"] and user not in app.store.users:
        raise RefusedError("no-user")
    if app.does["an-oauth-session-may-not-make-tokens"] and call.session and call.session.kind == "oauth":
        raise RefusedError("denied")
    description = _description(app, call)
    permitted(app, call)
    in_reach(app, call, user)
    if (
        app.does["no-token-for-an-administrator-without-their-permission"]
        and app.is_administrator(user)
        and not app.has(call, "manage_system")
    ):
        raise RefusedError("denied")
    if app.does["a-token-needs-an-existing-user"] and user not in app.store.users:
        raise RefusedError("no-user")
    if not app.tokens_are_on_for(user):
        raise RefusedError("tokens-off")
    if len(description.encode("utf-8", "replace")) > LONGEST_DESCRIPTION:
        raise RefusedError("description-too-long")
    token = AccessToken(user, app.stored(description, "token-not-saved"))
    app.store.tokens[token.id] = token
    return Answer(200, {**row(app, token), "token": token.value})


def _description(app: App, call: Call) -> str:
    kinds = {"id": TEXT, "token": TEXT, "user_id": TEXT, "description": TEXT}
    if app.does["a-token-knows-whether-it-is-active"]:
        kinds["is_active"] = YES_NO
    fields, fits = struct(decoded(app, call), kinds)
    description = fields.get("description", "")
    if not description or not (fits or app.does["a-wrong-field-beside-the-description-is-overlooked"]):
        raise RefusedError("bad-body")
    return str(description)


@operation("GetUserAccessTokensForUser")
def list_of_user(app: App, call: Call) -> Answer:
    user = app.id_in_path(call, "user_id")
    permitted(app, call)
    in_reach(app, call, user)
    rows = [row(app, token) for token in app.store.tokens.values() if token.user == user]
    return Answer(200, app.page(call, rows, "token-list-not-read"))


@operation("GetUserAccessTokens")
def list_of_all(app: App, call: Call) -> Answer:
    permitted(app, call)
    rows = [row(app, token) for token in app.store.tokens.values()]
    return Answer(200, app.page(call, rows, "all-tokens-not-read"))


@operation("SearchUserAccessTokens")
def search(app: App, call: Call) -> Answer:
    permitted(app, call)
    fields, fits = struct(decoded(app, call), {"term": TEXT})
    if not fits or not fields.get("term"):
        raise RefusedError("bad-body")
    term = re.compile(pattern(app, app.stored(fields["term"], "search-not-read")), re.DOTALL)
    rows = []
    for token in app.store.tokens.values():
        user = app.store.users.get(token.user)
        if user and any(term.fullmatch(text) for text in (token.id, user.id, user.username)):
            rows.append(row(app, token))
    return Answer(200, rows)


def pattern(app: App, term: str) -> str:
    """Return the expression for which a search looks: an exact text, a beginning, or a pattern of LIKE."""
    if app.does["search-takes-wildcards"]:
        parts = re.findall(r"\\.|.", term + "%", re.DOTALL)
        return "".join({"%": ".*", "_": "."}.get(part) or re.escape(part[-1]) for part in parts)
    return re.escape(term.replace("\\", "")) + (".*" if app.does["search-finds-by-prefix"] else "")


@operation("GetUserAccessToken")
def get_token(app: App, call: Call) -> Answer:
    id_ = app.id_in_path(call, "token_id")
    permitted(app, call)
    token = found_token(app, id_)
    in_reach(app, call, token.user)
    return Answer(200, row(app, token))


def _named_token(app: App, call: Call) -> AccessToken:
    """Return the token that the body names. Who may not act learns that first, and that a token is none second."""
    id_ = texts(call.body, keeps_the_rest=app.does["a-map-with-one-wrong-value-is-still-read"]).get("token_id", "")
    if not app.does["an-oauth-session-changes-tokens"] and call.session and call.session.kind == "oauth":
        raise RefusedError("denied")
    permitted(app, call)
    token = found_token(app, id_)
    in_reach(app, call, token.user)
    return token


@operation("RevokeUserAccessToken")
def revoke(app: App, call: Call) -> Answer:
    token = _named_token(app, call)
    del app.store.tokens[token.id]
    app.store.end_sessions(access_token=token.id)
    return Answer(200, {"status": "OK"})


@operation("DisableUserAccessToken")
def disable(app: App, call: Call) -> Answer:
    token = _named_token(app, call)
    token.is_active = False
    app.store.end_sessions(access_token=token.id)
    return Answer(200, {"status": "OK"})


@operation("EnableUserAccessToken")
def enable(app: App, call: Call) -> Answer:
    token = _named_token(app, call)
    token.is_active = True
    return Answer(200, {"status": "OK"})


# -- commands, jobs, WebRTC ----------------------------------------------------------------------------------------


@operation("RegenCommandToken")
def regenerate(app: App, call: Call) -> Answer:
    command = found_command(app, app.id_in_path(call, "command_id"))
    if not app.manages_commands(call, command.team, app.needs[call.operation]):
        raise RefusedError("denied")
    if (
        app.does["others-commands-take-a-second-permission"]
        and command.creator != call.caller
        and not app.has_in_team(call, command.team, "manage_others_slash_commands")
    ):
        raise RefusedError("no-permission")
    command.token = new_id()
    return Answer(200, {"token": command.token})


def found_command(app: App, id_: str) -> Command:
    """Return the command with an id; there are none while commands are switched off."""
    if not app.store.is_on("EnableCommands"):
        raise RefusedError("commands-off")
    command = app.store.commands.get(id_)
    if command is None or command.is_deleted:
        raise RefusedError("no-command")
    return command


_JOB = {
    **dict.fromkeys(("id", "type", "status"), TEXT),
    **dict.fromkeys(("priority", "create_at", "start_at", "last_activity_at", "progress"), NUMBER),
}


@operation("CreateJob")
def create_job(app: App, call: Call) -> Answer:
    value = decoded(app, call)
    fields, fits = struct(value, {**_JOB, "data": TEXTS if app.does["job-data-are-texts"] else OBJECT})
    holds_null = isinstance(value, dict) and (
        ("data" in value and value["data"] is None) or None in (fields.get("data") or {}).values()
    )
    if not fits or (holds_null and not app.does["null-in-job-data-is-nothing"]):
        raise RefusedError("bad-body")
    job = app.jobs.get(fields.get("type", ""))
    if app.does["an-unknown-job-type-is-refused-before-the-permission"]:
        if job is None:
            raise RefusedError("unknown-job-type")
        needed = app.needs[call.operation]
        if needed is not None and app.does["a-type-of-job-has-a-permission-of-its-own"]:
            needed = job.permission
        if not app.has(call, needed):
            raise RefusedError("denied", needed)
        if app.does["a-job-needs-a-worker"] and not job.has_worker:
            raise RefusedError("job-without-worker")
    else:
        permitted(app, call)
        if job is None:
            raise RefusedError("unknown-job-type")
    made = _new_job(app, fields)
    app.store.jobs[made["id"]] = made
    return Answer(201, made)


def _new_job(app: App, fields: dict[str, Any]) -> dict[str, Any]:
    data = fields.get("data")
    if data is not None and app.does["job-data-are-texts"]:
        data = {key: value or "" for key, value in data.items()}
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    too_long = len(text.encode("utf-8", "replace")) > LONGEST_JOB_DATA and app.does["job-data-have-little-room"]
    if too_long or ("\\u0000" in text and app.does["a-nul-in-job-data-reaches-the-database"]):
        raise RefusedError("job-not-saved")
    times = {"priority": 0, "create_at": now(), "start_at": 0, "last_activity_at": 0}
    return {"id": new_id(), "type": fields["type"], **times, "status": "pending", "progress": 0, "data": data}


@operation("GetWebrtcToken")
def webrtc_token(app: App, call: Call) -> Answer:
    settings = app.store.config["WebrtcSettings"]
    if not settings.get("Enable"):
        raise RefusedError("webrtc-off")
    assert call.session
    if not _is_let_in_by(settings.get("GatewayAdminUrl", "")):
        raise RefusedError("webrtc-gateway-away")
    return Answer(
        200,
        {
            "token": secret_of(call.session),
            "gateway_url": settings["GatewayWebsocketUrl"],
            "stun_uri": settings["StunURI"],
            "turn_uri": settings["TurnURI"],
            "turn_password": new_id(),
            "turn_username": f"{now() // 1000}:{settings['TurnUsername']}",
        },
    )


def _is_let_in_by(gateway: str) -> bool:
    """Whether a gateway takes the token; where none is named, there is nobody to say no."""
    if not gateway:
        return True
    try:
        told = requests.post(gateway, json={"janus": "add_token"}, timeout=5).json()
    except (requests.RequestException, ValueError):
        return False
    return isinstance(told, dict) and told.get("janus") == "success"
