"""Flaws of seeing tokens: one, a user's, everybody's, those that a search finds."""

import sys
from typing import Any

from mmconform.reference.app import DEFAULT_PAGE, LONGEST_PAGE, Answer, App, Call, RefusedError
from mmconform.reference.golang import first_value, number
from mmconform.reference.mutants.flaw import after, before, error, fields, instead, mutant, only_in, rows, showing
from mmconform.reference.operations import row

LIST, ALL = "GetUserAccessTokensForUser", "GetUserAccessTokens"
SEARCH, GET = "SearchUserAccessTokens", "GetUserAccessToken"


def _values(app: App, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "token": app.store.tokens[row["id"]].value} for row in found]


# -- a user's ------------------------------------------------------------------------------------------------------


@mutant(LIST, "permission")
def list_needs_no_permission(app: App) -> None:
    """Whoever has a session lists their own tokens."""
    app.needs[LIST] = None


@mutant(LIST, "permission")
def list_of_anybody(app: App) -> None:
    """Whoever lists their own tokens lists others' too."""
    only_in(app, LIST, "reaches", lambda call, user: True)


@mutant(LIST, "secret")
def list_tells_values(app: App) -> None:
    """The list holds the secret value of each token."""
    rows(app, LIST, lambda found, call: _values(app, found))


@mutant(LIST, "effect.lists-the-user")
def list_holds_somebody_elses(app: App) -> None:
    """Without a page size, the first of several rows is somebody else's."""

    def mixed(found: list[dict[str, Any]], call: Call) -> list[dict[str, Any]]:
        others = [row(app, token) for token in app.store.tokens.values() if token.user != found[0]["user_id"]] if found else []
        return [others[0], *found[1:]] if others and len(found) > 1 and not call.asked("per_page") else found

    rows(app, LIST, mixed)


@mutant(LIST, "effect.lists-the-user DisableUserAccessToken.effect.disables")
def list_hides_disabled_tokens(app: App) -> None:
    """Disabled tokens are left out: who looks at the list alone cannot tell that from a token that was deleted."""
    rows(app, LIST, lambda found, call: [row for row in found if row["is_active"]])


@mutant(LIST, "effect.lists-the-user schema")
def list_is_null_when_empty(app: App) -> None:
    """Who has no tokens gets null instead of an empty list."""
    after(app, LIST, lambda answer, call: answer._replace(data=answer.data or None))


@mutant(LIST, "media")
def list_is_plain_text(app: App) -> None:
    """The list calls itself plain text."""
    after(app, LIST, lambda answer, call: answer._replace(media="text/plain"))


@mutant(LIST, "paging")
def list_pages_overlap(app: App) -> None:
    """Each page but the first begins with the last row of the one before."""
    _paged(app, LIST, lambda page, size, found: found[max(0, page * size - 1) :][:size])


@mutant(LIST, "paging")
def list_pages_are_one_too_long(app: App) -> None:
    """A page holds one row more than asked for."""
    _paged(app, LIST, lambda page, size, found: found[page * size :][: size + 1])


@mutant(LIST, "paging")
def list_takes_no_rows_for_the_default(app: App) -> None:
    """A page of no rows is a page of 60."""
    _paged(app, LIST, lambda page, size, found: found[page * (size or 60) :][: size or 60])


@mutant(LIST, "paging")
def list_counts_pages_from_one(app: App) -> None:
    """Page 1 is the first."""
    _paged(app, LIST, lambda page, size, found: found[max(0, page - 1) * size :][:size])


@mutant(LIST, "paging")
def list_has_no_limit(app: App) -> None:
    """More than 200 rows come when more are asked for."""
    _paged(app, LIST, lambda page, size, found: found[page * size :][:size], sys.maxsize)


def _paged(app: App, operation: str, cut: Any, longest: int = LONGEST_PAGE) -> None:
    def page(call: Call, found: list[Any], refusal: str) -> list[Any]:
        usual(call, found, refusal)
        asked, size = number(call.asked("page") or "0"), number(call.asked("per_page") or "60")
        chosen: list[Any] = cut(asked or 0, min(longest, DEFAULT_PAGE if size is None else size), found)
        return chosen

    usual = app.page
    only_in(app, operation, "page", page)


@mutant(LIST, "status input")
def list_fails_on_a_negative_page(app: App) -> None:
    """A negative page is an error of the server."""
    before(app, LIST, lambda call: _fail_below_zero(call))


def _fail_below_zero(call: Call) -> None:
    if (number(call.asked("page") or "0") or 0) < 0:
        raise RefusedError("token-list-not-read")


@mutant(LIST, "status")
def list_fails_on_a_page_beyond_all_numbers(app: App) -> None:
    """Page times page size overflows, and the database's refusal is an error of the server."""
    showing(app, LIST, "the-offset-overflows", True)


@mutant(LIST, "input")
def list_takes_any_page_size(app: App) -> None:
    """A page or page size that is no number is not refused."""
    showing(app, LIST, "a-page-that-is-none-is-the-default", True)


@mutant(LIST, "input")
def list_takes_ids_of_any_length(app: App) -> None:
    """An id of another length is the id of nobody, who has no tokens."""

    def nobodys(call: Call) -> Answer:
        if call.parameters["user_id"] == "me" or len(call.parameters["user_id"]) == 26:
            return app.refuse(call, "bad-parameter")
        return Answer(200, []) if app.reaches(call, call.parameters["user_id"]) else app.refuse(call, "no-permission")

    instead(app, LIST, "bad-parameter", nobodys)


# -- everybody's ---------------------------------------------------------------------------------------------------


@mutant(ALL, "permission")
def list_all_for_holders(app: App) -> None:
    """Who may read tokens lists everybody's."""
    app.needs[ALL] = "read_user_access_token"


@mutant(ALL, "permission")
def list_all_for_editors(app: App) -> None:
    """Who may edit other users lists everybody's tokens."""
    app.needs[ALL] = "edit_other_users"


@mutant(ALL, "secret")
def list_all_tells_values(app: App) -> None:
    """The list holds the secret value of each token."""
    rows(app, ALL, lambda found, call: _values(app, found))


@mutant(ALL, "effect.lists-everybody paging")
def list_all_is_ones_own(app: App) -> None:
    """The list holds the caller's tokens alone."""
    usual = app.page
    only_in(
        app,
        ALL,
        "page",
        lambda call, found, refusal: usual(call, [row for row in found if row["user_id"] == call.caller], refusal),
    )


@mutant(ALL, "paging")
def list_all_has_no_default_page(app: App) -> None:
    """Without a page size all rows come instead of 60."""
    usual = app.page

    def page(call: Call, found: list[Any], refusal: str) -> list[Any]:
        cut = usual(call, found, refusal)
        return cut if call.query else found

    only_in(app, ALL, "page", page)


@mutant(ALL, "paging")
def list_all_has_no_limit(app: App) -> None:
    """More than 200 rows come when more are asked for."""
    _paged(app, ALL, lambda page, size, found: found[page * size :][:size], sys.maxsize)


@mutant(ALL, "permission")
def list_all_for_who_manages_jobs(app: App) -> None:
    """Who may manage jobs lists everybody's tokens."""
    app.needs[ALL] = "manage_jobs"


@mutant(ALL, "since", on="4.6.3")
def list_all_is_there_too_early(app: App) -> None:
    """The operation is there before 4.7."""
    app.exists[ALL] = True


# -- searching -----------------------------------------------------------------------------------------------------


@mutant(SEARCH, "permission")
def search_for_holders(app: App) -> None:
    """Who may read tokens searches everybody's."""
    app.needs[SEARCH] = "read_user_access_token"


@mutant(SEARCH, "permission")
def search_looks_at_the_body_first(app: App) -> None:
    """Who may not search is told what is wrong with the term."""

    def look(call: Call) -> None:
        try:
            first_value(call.body)
        except ValueError:
            raise RefusedError("bad-body") from None

    before(app, SEARCH, look)


@mutant(SEARCH, "effect.searches-id-user-name")
def search_finds_descriptions(app: App) -> None:
    """A search looks at descriptions too."""
    rows(app, SEARCH, lambda found, call: _or_where(app, found, call, "description"))


@mutant(SEARCH, "effect.finds")
def search_finds_values(app: App) -> None:
    """Who knows the secret finds whose it is."""
    rows(app, SEARCH, lambda found, call: _or_where(app, found, call, "value"))


def _or_where(app: App, found: list[dict[str, Any]], call: Call, field: str) -> list[dict[str, Any]]:
    term = first_value(call.body)["term"]
    return found or [row(app, token) for token in app.store.tokens.values() if getattr(token, field) == term]


@mutant(SEARCH, "effect.finds")
def search_by_prefix(app: App) -> None:
    """The beginning of a name is enough."""
    showing(app, SEARCH, "search-finds-by-prefix", True)


@mutant(SEARCH, "effect.finds")
def search_does_not_mind_the_case(app: App) -> None:
    """A name in capitals finds its tokens."""

    def lower(call: Call) -> None:
        call.body = call.body.replace(b"MMC-", b"mmc-").lower() if b"MMC-" in call.body else call.body

    before(app, SEARCH, lower)


@mutant(SEARCH, "effect.finds")
def search_hides_disabled_tokens(app: App) -> None:
    """Disabled tokens are not found."""
    rows(app, SEARCH, lambda found, call: [row for row in found if row["is_active"]])


@mutant(SEARCH, "schema")
def search_tells_values(app: App) -> None:
    """What is found comes with its secret value."""
    rows(app, SEARCH, lambda found, call: _values(app, found))


@mutant(SEARCH, "effect.searches-id-user-name")
def search_does_not_look_at_user_ids(app: App) -> None:
    """The id of a user finds nothing."""
    rows(app, SEARCH, lambda found, call: [] if first_value(call.body)["term"] in app.store.users else found)


@mutant(SEARCH, "input")
def search_for_nothing_finds_everything(app: App) -> None:
    """An empty term, or none, is not refused but finds all tokens."""

    def everything(call: Call) -> Answer:
        try:
            value = first_value(call.body)
        except ValueError:
            return error(400, "api.context.invalid_body_param.app_error")
        if isinstance(value, dict) and value.get("term") in (None, ""):
            return Answer(200, [row(app, token) for token in app.store.tokens.values()])
        return error(400, "api.context.invalid_body_param.app_error")

    instead(app, SEARCH, "bad-body", everything)


@mutant(SEARCH, "status input")
def search_fails_on_nul(app: App) -> None:
    """A NUL in the term is an error of the server."""
    showing(app, SEARCH, "a-nul-reaches-the-database", True)


# -- one -----------------------------------------------------------------------------------------------------------


@mutant(GET, "permission")
def get_needs_no_permission(app: App) -> None:
    """Whoever has a session sees their own tokens."""
    app.needs[GET] = None


@mutant(GET, "permission")
def get_of_anybody(app: App) -> None:
    """Whoever sees their own tokens sees others' too."""
    only_in(app, GET, "reaches", lambda call, user: True)


@mutant(GET, "permission")
def get_tells_whether_a_token_is(app: App) -> None:
    """The token is looked up first, so that who may read none can try out ids."""

    def look(call: Call) -> None:
        if len(call.parameters["token_id"]) == 26 and call.parameters["token_id"] not in app.store.tokens:
            raise RefusedError("no-token")

    before(app, GET, look)


@mutant(GET, "secret")
def get_tells_the_value(app: App) -> None:
    """The answer holds the secret value."""
    fields(app, GET, lambda found, call: _values(app, [found])[0])


@mutant(GET, "effect.gets-the-one")
def get_tells_another_id(app: App) -> None:
    """The answer has the id of another token of the same user."""

    def other(found: dict[str, Any], call: Call) -> dict[str, Any]:
        ids = [token.id for token in app.store.tokens.values() if token.user == found["user_id"] and token.id != found["id"]]
        return {**found, "id": ids[0]} if ids else found

    fields(app, GET, other)


@mutant(GET, "status")
def get_does_not_mind_the_case(app: App) -> None:
    """An id in capitals is the same id."""

    def lower(call: Call) -> None:
        call.parameters["token_id"] = call.parameters["token_id"].lower()

    before(app, GET, lower)
