"""Flaws of letting somebody in, which all operations share, and the server that refuses nobody."""

from typing import Any

from mmconform.reference.app import Answer, App, Call, RefusedError, contract
from mmconform.reference.mutants.flaw import mutant
from mmconform.reference.store import AccessToken, Session

LIST, CREATE = "GetUserAccessTokensForUser", "CreateUserAccessToken"


def _letting_anonymous_in(app: App, operation: str) -> None:
    usual = app.session

    def session(call: Call) -> Session | None:
        found = usual(call)
        if (
            found
            or call.operation != operation
            or {"authorization", "cookie"} & call.headers.keys()
            or call.asked("access_token")
        ):
            return found
        return next(iter(app.store.sessions.values()))

    app.session = session  # type: ignore[method-assign]


@mutant(LIST, "auth")
def list_without_a_session(app: App) -> None:
    """Whoever has no session is taken for the first who has one."""
    _letting_anonymous_in(app, LIST)


@mutant("CreateJob", "auth")
def job_without_a_session(app: App) -> None:
    """Whoever has no session is taken for the first who has one."""
    _letting_anonymous_in(app, "CreateJob")


@mutant("GetWebrtcToken", "auth", on="5.5.3")
def webrtc_without_a_session(app: App) -> None:
    """Whoever has no session is taken for the first who has one."""
    _letting_anonymous_in(app, "GetWebrtcToken")


@mutant("SearchUserAccessTokens", "auth")
def search_answers_strangers_with_403(app: App) -> None:
    """Without a session the answer is 403 instead of 401."""
    route = app.route

    def changed(call: Call) -> Any:
        found = route(call)
        return found._replace(is_open=True) if found.operation == "SearchUserAccessTokens" else found

    app.route = changed  # type: ignore[method-assign]


@mutant(LIST, "auth")
def any_session_counts_in_the_query(app: App) -> None:
    """A password session is let in by `access_token` in the address, where logs and histories keep it."""
    usual = app.session

    def session(call: Call) -> Session | None:
        try:
            return usual(call)
        except RefusedError:
            return app.opened_by(call.asked("access_token") or "")

    app.session = session  # type: ignore[method-assign]


@mutant(LIST, "auth")
def any_scheme_counts(app: App) -> None:
    """`Basic` and `Session` do as well as `Bearer`."""
    usual = app._in_header
    app._in_header = lambda call: usual(call) or call.headers.get("authorization", "").rpartition(" ")[2] or None  # type: ignore[method-assign]


@mutant(LIST, "auth")
def logging_out_does_nothing(app: App) -> None:
    """The session goes on."""
    _keeping_sessions(app, "/api/v4/users/logout")


@mutant(LIST, "auth")
def revoking_a_session_does_nothing(app: App) -> None:
    """The session goes on."""
    _keeping_sessions(app, "/sessions/revoke")


def _keeping_sessions(app: App, path: str) -> None:
    usual = app.answer

    def answer(call: Call) -> Answer:
        sessions = dict(app.store.sessions)
        answered = usual(call)
        if call.path.endswith(path):
            app.store.sessions = sessions
        return answered

    app.answer = answer  # type: ignore[method-assign]


@mutant(CREATE, "effect.authenticates permission GetUserAccessTokensForUser.auth")
def tokens_of_deactivated_users_let_in(app: App) -> None:
    """A token outlives its user's account."""
    usual = app.lets_in

    def lets_in(token: AccessToken) -> bool:
        user = app.store.users.get(token.user)
        active = user is not None and user.is_active
        if user:
            user.is_active = True
        try:
            return usual(token)
        finally:
            if user:
                user.is_active = active

    app.lets_in = lets_in  # type: ignore[method-assign]


@mutant(CREATE, "effect.authenticates EnableUserAccessToken.effect.enables")
def tokens_let_in_while_they_are_off(app: App) -> None:
    """Personal access tokens work although they are switched off."""
    usual = app.opened_by

    def opened_by(credential: str) -> Session | None:
        settings = app.store.config["ServiceSettings"]
        was, settings["EnableUserAccessTokens"] = settings["EnableUserAccessTokens"], True
        try:
            return usual(credential)
        finally:
            settings["EnableUserAccessTokens"] = was

    app.opened_by = opened_by  # type: ignore[method-assign]


@mutant(
    "*",
    "CreateUserAccessToken.permission GetUserAccessTokensForUser.permission GetUserAccessTokens.permission "
    "SearchUserAccessTokens.permission GetUserAccessToken.permission RevokeUserAccessToken.permission "
    "DisableUserAccessToken.permission EnableUserAccessToken.permission RegenCommandToken.permission CreateJob.permission",
)
def tokens_may_everything(app: App) -> None:
    """Through a personal access token everybody is an administrator."""
    usual = app.has
    app.has = lambda call, permission: usual(call, permission) or bool(call.session and call.session.kind == "token")  # type: ignore[method-assign]


@mutant(
    "*",
    "GetUserAccessTokens.permission SearchUserAccessTokens.permission RegenCommandToken.permission CreateJob.permission",
)
def applications_may_everything(app: App) -> None:
    """Through an OAuth application everybody is an administrator."""
    usual = app.has
    app.has = lambda call, permission: usual(call, permission) or bool(call.session and call.session.kind == "oauth")  # type: ignore[method-assign]


@mutant("GetUserAccessTokens", "permission", on="5.0.3")
def two_credentials_add_up(app: App) -> None:
    """Of a header and a cookie either is enough to be an administrator."""
    usual = app.has

    def has(call: Call, permission: str | None) -> bool:
        header = app.opened_by(app._in_header(call) or "") if "cookie" in call.headers else None
        cookie = app.opened_by(app._in_cookie(call) or "") if header else None
        users = [app.store.users[session.user] for session in (header, cookie) if session]
        return usual(call, permission) or any(permission and app.grant(user.roles, permission) for user in users)

    app.has = has  # type: ignore[method-assign]


_PAT = "UserAccessToken"
#: Who gets in, who may, and what is wrong input: of all. Neither media nor secrets: what is served is well made; what stands for
#: a refusal of a page that is none is no page.
_OF_ALL = "auth permission input"
_MORE = {
    f"Create{_PAT}": "status schema effect.authenticates",
    f"Get{_PAT}sForUser": "schema effect.lists-the-user",
    f"Get{_PAT}s": "schema",
    f"Search{_PAT}s": "schema",
    f"Get{_PAT}": "status schema effect.gets-the-one",
    f"Revoke{_PAT}": "status effect.revokes effect.deletes-sessions",
    f"Disable{_PAT}": "status effect.disables effect.deletes-sessions",
    f"Enable{_PAT}": "status effect.enables",
    "RegenCommandToken": "status schema",
    "CreateJob": "status effect.creates-a-job",
}
_EVERYTHING = " ".join(f"{name}.{rule}" for name, more in _MORE.items() for rule in f"{_OF_ALL} {more}".split())


@mutant("*", _EVERYTHING)
def always_ok(app: App) -> None:
    """Every operation is served to everybody: whoever asks for whatever gets a success."""
    usual, session, eleven = app.refuse, app.session, contract().operations
    app.has = lambda call, permission: True  # type: ignore[method-assign]
    app.reaches = lambda call, user: True  # type: ignore[method-assign]
    app.has_in_team = lambda call, team, permission: True  # type: ignore[method-assign]

    def somebody(call: Call) -> Session | None:
        try:
            found = session(call)
        except RefusedError:
            found = None
        return found or (next(iter(app.store.sessions.values()), None) if call.operation in eleven else None)

    def refuse(call: Call, name: str, permission: str = "") -> Answer:
        return Answer(200, {"status": "OK"}) if call.operation in eleven else usual(call, name, permission)

    app.session, app.refuse = somebody, refuse  # type: ignore[method-assign]
