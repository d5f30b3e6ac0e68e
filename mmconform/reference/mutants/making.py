"""Flaws of making a token."""

import itertools
import json
from typing import Any

from mmconform.reference.app import Answer, App, Call, RefusedError
from mmconform.reference.golang import struct
from mmconform.reference.mutants.flaw import after, before, error, fields, ignoring, instead, mutant, only_in, showing

CREATE = "CreateUserAccessToken"


def _sent(call: Call) -> dict[str, Any]:
    try:
        value = json.loads(call.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


@mutant(CREATE, "permission")
def create_needs_no_permission(app: App) -> None:
    """Whoever has a session makes tokens."""
    app.needs[CREATE] = None


@mutant(CREATE, "permission input status")
def create_asks_for_the_permission_to_manage_the_system(app: App) -> None:
    """Holders of create_user_access_token are refused, before anything else is said of what they ask."""
    app.needs[CREATE] = "manage_system"


@mutant(CREATE, "permission")
def create_asks_for_the_permission_to_read(app: App) -> None:
    """Who may read tokens may make them."""
    app.needs[CREATE] = "read_user_access_token"


@mutant(CREATE, "permission")
def create_for_anybody(app: App) -> None:
    """Whoever makes tokens makes them for others too."""
    only_in(app, CREATE, "reaches", lambda call, user: True)


@mutant(CREATE, "permission input status")
def create_takes_oneself_for_somebody_else(app: App) -> None:
    """An own id is not recognised: without edit_other_users nobody makes a token, or is told what else is wrong."""
    only_in(app, CREATE, "reaches", lambda call, user: app.has(call, "edit_other_users"))


@mutant(CREATE, "effect.authenticates", blind="that tokens differ can be seen, not that nobody can guess the next one")
def create_counts_its_tokens_up(app: App) -> None:
    """Each token is the one before plus one, and who has one knows the others."""

    def next_one(made: dict[str, Any], call: Call) -> dict[str, Any]:
        value = app.store.tokens[made["id"]].value = f"{next(numbers):026d}"
        return {**made, "token": value}

    numbers = itertools.count(10**9)
    fields(app, CREATE, next_one)


@mutant(CREATE, "status")
def create_answers_201(app: App) -> None:
    """201 for 200."""
    after(app, CREATE, lambda answer, call: answer._replace(status=201))


@mutant(CREATE, "status")
def create_ignores_the_switch(app: App) -> None:
    """Tokens are made although they are switched off."""
    ignoring(app, CREATE, "ServiceSettings", EnableUserAccessTokens=True)


@mutant(CREATE, "permission")
def create_looks_at_the_switch_first(app: App) -> None:
    """Who may make no tokens learns whether anybody may."""

    def look(call: Call) -> None:
        if not app.tokens_are_on_for(call.parameters["user_id"]):
            raise RefusedError("tokens-off")

    before(app, CREATE, look)


@mutant(CREATE, "permission input")
def create_looks_at_the_permission_before_the_body(app: App) -> None:
    """Who may make no tokens is not told what is wrong with the body."""

    def look(call: Call) -> None:
        if not app.has(call, app.needs[CREATE]):
            raise RefusedError("denied")

    before(app, CREATE, look)


@mutant(CREATE, "schema")
def create_drops_the_description(app: App) -> None:
    """The answer has no description."""
    fields(app, CREATE, lambda made, call: {name: made[name] for name in made if name != "description"})


@mutant(CREATE, "schema")
def create_tells_the_activity_as_text(app: App) -> None:
    """is_active is a text instead of true or false."""
    fields(app, CREATE, lambda made, call: {**made, "is_active": str(made["is_active"]).lower()})


@mutant(CREATE, "input")
def create_takes_the_id_from_the_body(app: App) -> None:
    """The caller chooses the id of the token."""

    def chosen(made: dict[str, Any], call: Call) -> dict[str, Any]:
        id_ = _sent(call).get("id")
        if not isinstance(id_, str) or len(id_) != len(made["id"]):
            return made
        token = app.store.tokens.pop(made["id"])
        token.id = id_
        app.store.tokens[id_] = token
        return {**made, "id": id_}

    fields(app, CREATE, chosen)


@mutant(CREATE, "input permission")
def create_takes_the_owner_from_the_body(app: App) -> None:
    """A user_id in the body decides whose the token is."""

    def chosen(made: dict[str, Any], call: Call) -> dict[str, Any]:
        owner = _sent(call).get("user_id")
        if not isinstance(owner, str):
            return made
        app.store.tokens[made["id"]].user = owner
        return {**made, "user_id": owner}

    fields(app, CREATE, chosen)


@mutant(CREATE, "input")
def create_takes_descriptions_of_any_length(app: App) -> None:
    """More than 255 bytes are taken."""
    handler = app.handlers[CREATE]

    def changed(app: App, call: Call) -> Answer:
        description = struct(_sent(call), {"description": "text"})[0].get("description", "")
        if len(description.encode("utf-8", "replace")) <= 255:
            return handler(app, call)
        call.body = b'{"description": "shortened"}'
        return handler(app, call)

    app.handlers[CREATE] = changed


@mutant(CREATE, "input status")
def create_fails_on_nul(app: App) -> None:
    """A NUL in the description is an error of the server."""
    showing(app, CREATE, "a-nul-reaches-the-database", True)


@mutant(CREATE, "media schema permission")
def create_refuses_in_html(app: App) -> None:
    """A caller without the permission gets a page instead of JSON."""
    instead(app, CREATE, "denied", lambda call: Answer(403, "<html><body>403</body></html>", "text/html"))


@mutant(CREATE, "permission")
def create_refuses_with_another_error_id(app: App) -> None:
    """The error id of a refusal is not the one that clients know."""
    instead(app, CREATE, "denied", lambda call: error(403))


@mutant(CREATE, "status permission")
def create_for_users_that_are_not(app: App) -> None:
    """A token is made for an id that no user has."""
    for behaviour in ("a-token-needs-an-existing-user", "a-missing-user-comes-before-the-body"):
        showing(app, CREATE, behaviour, False)


@mutant(CREATE, "effect.authenticates RevokeUserAccessToken.effect.revokes")
def create_makes_the_same_token_twice(app: App) -> None:
    """Who makes a second token with the same description gets the value of the first, and revoking one leaves its twin."""
    first: dict[tuple[str, str], str] = {}

    def same(made: dict[str, Any], call: Call) -> dict[str, Any]:
        if made["user_id"] != call.caller:
            return made
        token = app.store.tokens[made["id"]]
        token.value = first.setdefault((token.user, token.description), token.value)
        return {**made, "token": token.value}

    fields(app, CREATE, same)


@mutant(CREATE, "effect.authenticates")
def create_tells_another_value(app: App) -> None:
    """The token that somebody makes for themselves is not the one that they are told."""

    def other(made: dict[str, Any], call: Call) -> dict[str, Any]:
        return {**made, "token": made["token"][::-1]} if made["user_id"] == call.caller else made

    fields(app, CREATE, other)


@mutant(CREATE, "permission")
def create_by_an_application(app: App) -> None:
    """An OAuth session makes tokens, which outlive it."""
    showing(app, CREATE, "an-oauth-session-may-not-make-tokens", False)


@mutant(CREATE, "auth")
def create_with_a_forged_cookie(app: App) -> None:
    """A cookie is enough, so that a foreign page can make tokens (CSRF)."""
    only_in(app, CREATE, "is_from_our_client", lambda call, session: True)
