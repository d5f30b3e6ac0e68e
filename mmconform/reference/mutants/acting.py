"""Flaws of revoking, disabling and enabling."""

from mmconform.reference.app import Answer, App, Call, RefusedError
from mmconform.reference.golang import texts
from mmconform.reference.mutants.flaw import after, before, error, fields, instead, mutant, only_in, showing
from mmconform.reference.store import AccessToken

REVOKE, DISABLE, ENABLE = "RevokeUserAccessToken", "DisableUserAccessToken", "EnableUserAccessToken"


def _named(app: App, call: Call) -> AccessToken | None:
    return app.store.tokens.get(texts(call.body, keeps_the_rest=True).get("token_id", ""))


def _look_up_first(app: App, operation: str) -> None:
    def look(call: Call) -> None:
        if _named(app, call) is None:
            raise RefusedError("no-token")

    before(app, operation, look)


def _leaving_sessions(app: App, operation: str) -> None:
    handler = app.handlers[operation]

    def changed(app: App, call: Call) -> Answer:
        sessions = dict(app.store.sessions)
        answer = handler(app, call)
        app.store.sessions = sessions
        return answer

    app.handlers[operation] = changed


def _doing_nothing(app: App, operation: str) -> None:
    handler = app.handlers[operation]

    def changed(app: App, call: Call) -> Answer:
        token = _named(app, call)
        tokens, sessions, was_active = dict(app.store.tokens), dict(app.store.sessions), token and token.is_active
        answer = handler(app, call)
        app.store.tokens, app.store.sessions = tokens, sessions
        if token:
            token.is_active = bool(was_active)
        return answer

    app.handlers[operation] = changed


# -- revoking ------------------------------------------------------------------------------------------------------


@mutant(REVOKE, "permission")
def revoke_needs_no_permission(app: App) -> None:
    """Whoever has a session revokes their own tokens."""
    app.needs[REVOKE] = None


@mutant(REVOKE, "permission")
def revoke_of_anybody(app: App) -> None:
    """Whoever revokes their own tokens revokes others' too."""
    only_in(app, REVOKE, "reaches", lambda call, user: True)


@mutant(REVOKE, "permission")
def revoke_tells_whether_a_token_is(app: App) -> None:
    """The token is looked up first, so that who may revoke none can try out ids."""
    _look_up_first(app, REVOKE)


@mutant(REVOKE, "effect.deletes-sessions effect.revokes")
def revoke_leaves_the_session(app: App) -> None:
    """The token's session goes on after the token is gone."""
    _leaving_sessions(app, REVOKE)


@mutant(REVOKE, "effect.revokes")
def revoke_only_disables(app: App) -> None:
    """The token is still there, though it lets nobody in."""

    def changed(app: App, call: Call) -> Answer:
        return app.handlers[DISABLE](app, call)

    app.handlers[REVOKE] = changed


@mutant(REVOKE, "effect.revokes effect.deletes-sessions")
def revoke_does_nothing(app: App) -> None:
    """The answer is OK, and the token as before."""
    _doing_nothing(app, REVOKE)


@mutant(REVOKE, "auth")
def revoke_with_a_forged_cookie(app: App) -> None:
    """A cookie is enough, so that a foreign page can revoke tokens (CSRF)."""
    only_in(app, REVOKE, "is_from_our_client", lambda call, session: True)


@mutant(REVOKE, "schema")
def revoke_says_nothing(app: App) -> None:
    """The answer is an empty object."""
    fields(app, REVOKE, lambda done, call: {})


@mutant(REVOKE, "status input")
def revoke_fails_on_nul(app: App) -> None:
    """A NUL in the id is an error of the server."""
    showing(app, REVOKE, "a-nul-reaches-the-database", True)


@mutant(REVOKE, "input permission")
def revoke_takes_anything_for_done(app: App) -> None:
    """A body that names no token is answered with OK."""

    def done(call: Call) -> Answer:
        named = texts(call.body, keeps_the_rest=True).get("token_id", "")
        return Answer(200, {"status": "OK"}) if not named else error(404, "app.user_access_token.get_by_user.app_error")

    instead(app, REVOKE, "no-token", done)


# -- disabling -----------------------------------------------------------------------------------------------------


@mutant(DISABLE, "permission")
def disable_needs_no_permission(app: App) -> None:
    """Whoever has a session disables their own tokens."""
    app.needs[DISABLE] = None


@mutant(DISABLE, "permission")
def disable_of_anybody(app: App) -> None:
    """Whoever disables their own tokens disables others' too."""
    only_in(app, DISABLE, "reaches", lambda call, user: True)


@mutant(DISABLE, "permission")
def disable_asks_for_the_permission_to_create(app: App) -> None:
    """Who may make tokens may disable them."""
    app.needs[DISABLE] = "create_user_access_token"


@mutant(DISABLE, "effect.deletes-sessions effect.disables")
def disable_leaves_the_session(app: App) -> None:
    """The token's session goes on after the token was disabled."""
    _leaving_sessions(app, DISABLE)


@mutant(DISABLE, "effect.disables effect.deletes-sessions GetUserAccessTokensForUser.effect.lists-the-user")
def disable_does_nothing(app: App) -> None:
    """The answer is OK, and the token as before."""
    _doing_nothing(app, DISABLE)


@mutant(DISABLE, "effect.disables effect.deletes-sessions")
def disable_lets_in_all_the_same(app: App) -> None:
    """The token is called disabled, and opens a new session."""
    usual = app.lets_in

    def lets_in(token: AccessToken) -> bool:
        active, token.is_active = token.is_active, True
        try:
            return usual(token)
        finally:
            token.is_active = active

    app.lets_in = lets_in  # type: ignore[method-assign]


@mutant(
    DISABLE,
    "effect.disables effect.can-be-enabled-again EnableUserAccessToken.effect.enables EnableUserAccessToken.permission "
    "GetUserAccessTokensForUser.effect.lists-the-user SearchUserAccessTokens.effect.finds",
)
def disable_revokes(app: App) -> None:
    """The token is gone, for whatever needs a disabled one."""

    def gone(done: Answer, call: Call) -> Answer:
        token = _named(app, call)
        if token:
            del app.store.tokens[token.id]
        return done

    after(app, DISABLE, gone)


# -- enabling ------------------------------------------------------------------------------------------------------


@mutant(ENABLE, "permission")
def enable_needs_no_permission(app: App) -> None:
    """Whoever has a session enables their own tokens."""
    app.needs[ENABLE] = None


@mutant(ENABLE, "permission")
def enable_of_anybody(app: App) -> None:
    """Whoever enables their own tokens enables others' too."""
    only_in(app, ENABLE, "reaches", lambda call, user: True)


@mutant(ENABLE, "permission")
def enable_asks_for_the_permission_to_revoke(app: App) -> None:
    """Who may revoke tokens may enable them."""
    app.needs[ENABLE] = "revoke_user_access_token"


@mutant(ENABLE, "permission")
def enable_tells_whether_a_token_is(app: App) -> None:
    """The token is looked up first, so that who may enable none can try out ids."""
    _look_up_first(app, ENABLE)


@mutant(ENABLE, "effect.enables DisableUserAccessToken.effect.can-be-enabled-again")
def enable_does_nothing(app: App) -> None:
    """The answer is OK, and the token as before."""
    _doing_nothing(app, ENABLE)


@mutant(ENABLE, "status")
def enable_answers_204(app: App) -> None:
    """204 for 200."""
    after(app, ENABLE, lambda answer, call: answer._replace(status=204, data=""))


@mutant(ENABLE, "permission")
def enable_takes_the_value_for_the_id(app: App) -> None:
    """The secret value does as well as the id."""

    def by_value(call: Call) -> None:
        named = texts(call.body, keeps_the_rest=True).get("token_id", "")
        token = next((known for known in app.store.tokens.values() if named and known.value == named), None)
        if token:
            call.body = f'{{"token_id": "{token.id}"}}'.encode()

    before(app, ENABLE, by_value)
