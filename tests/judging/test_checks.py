"""Every rule: which exchanges keep the promise, which break it and with what signature, and which say nothing."""

import json
from dataclasses import replace

import pytest

from mmconform.contract.build import build
from mmconform.contract.clause import RULES
from mmconform.documents.load import load
from mmconform.judging import schemas
from mmconform.judging.checks import CHECKS, EFFECTS, Context
from mmconform.judging.checks.access import gate_of, is_kept_out, is_let_in
from mmconform.judging.routes import reaches
from mmconform.judging.schemas import violations
from mmconform.knowledge import Unknown
from mmconform.version import Version
from mmconform.wire.exchange import Exchange

CONTRACT = build(load().document)
NOW = Version(5, 5, 3)
ID, OTHER = "abcdefghijklmnopqrstuvwxy1", "zzzzzzzzzzzzzzzzzzzzzzzzz2"
TOKEN = {"id": ID, "user_id": OTHER, "description": "d", "is_active": True}
JOB = {
    "id": ID,
    "type": "data_retention",
    "create_at": 1,
    "start_at": 0,
    "last_activity_at": 0,
    "status": "pending",
    "progress": 0,
}
WEBRTC = dict.fromkeys(("token", "gateway_url", "stun_uri", "turn_uri", "turn_username", "turn_password"), "x")
URLS = {
    "GetUserAccessTokensForUser": f"/users/{OTHER}/tokens",
    "CreateUserAccessToken": f"/users/{OTHER}/tokens",
    "GetUserAccessTokens": "/users/tokens",
    "SearchUserAccessTokens": "/users/tokens/search",
    "RevokeUserAccessToken": "/users/tokens/revoke",
    "GetUserAccessToken": f"/users/tokens/{ID}",
    "GetWebrtcToken": "/webrtc/token",
    "RegenCommandToken": f"/commands/{ID}/regen_token",
    "CreateJob": "/jobs",
}
BODIES = {
    "CreateUserAccessToken": {"description": "d"},
    "SearchUserAccessTokens": {"term": "x"},
    "RevokeUserAccessToken": {"token_id": ID},
    "CreateJob": {"type": "data_retention"},
}


def error(id_, status=403):
    return {"id": id_, "message": "no", "status_code": status}


def exchange(
    operation, status, answer=None, *, by="system_admin", about="other", url=None, body=None, media="application/json", **more
):
    sent = BODIES.get(operation) if body is None else body
    return Exchange(
        operation,
        by,
        about,
        more.pop("method", CONTRACT.operations[operation].method),
        "/api/v4" + (URLS[operation] if url is None else url),
        {"Content-Type": "application/json"},
        sent if sent is None or isinstance(sent, bytes) else json.dumps(sent).encode(),
        status,
        {"content-type": media} if media else {},
        answer if isinstance(answer, bytes) else json.dumps(answer).encode(),
        **more,
    )


def judged(rule, seen, version=NOW, secrets=()):
    """None when nothing is said, else "kept" or the signature of the failure."""
    clause = (
        next(CONTRACT.of(seen.operation, rule))
        if not rule.startswith("effect.")
        else CONTRACT.clauses[f"{seen.operation}.{rule}"]
    )
    verdict = CHECKS[clause.rule](clause, Context(CONTRACT, version, seen, frozenset(secrets)))
    if verdict is None:
        return None
    assert verdict.passed == (verdict.signature == "") == (verdict.seen == "") == (verdict.expected == "")
    return "kept" if verdict.passed else verdict.signature


def table(**cases):
    return pytest.mark.parametrize(("seen", "expected"), list(cases.values()), ids=[name.replace("_", " ") for name in cases])


def test_every_rule_has_a_check():
    assert tuple(CHECKS) == RULES


# -- status ------------------------------------------------------------------------------------------------------------


@table(
    declared=(exchange("CreateJob", 201, JOB), "kept"),
    another_success=(exchange("CreateJob", 200, JOB), "200"),
    a_refusal=(exchange("CreateJob", 403, error("x")), "kept"),
    undeclared=(exchange("CreateJob", 404, error("a.b", 404)), "404 a.b"),
    broken=(exchange("CreateJob", 500, error("a.b", 500)), "500 a.b"),
    broken_without_words=(exchange("CreateJob", 502, b"<html>", media="text/html"), "502"),
    a_501_that_is_not_named=(exchange("CreateJob", 501, error("a.b", 501)), "501 a.b"),
    a_501_that_is_named=(exchange("GetWebrtcToken", 501, error("a.b", 501)), "kept"),
    too_many_requests=(exchange("CreateJob", 429), None),
    too_long_an_address=(exchange("CreateJob", 414), None),
    too_large_a_body=(exchange("CreateJob", 413), None),
    too_large_headers=(exchange("CreateJob", 431), None),
    an_id_that_no_route_takes=(exchange("GetUserAccessToken", 500, url="/users/tokens/a-b"), None),
)
def test_the_status_is_one_of_those_declared(seen, expected):
    assert judged("status", seen) == expected


def test_the_status_of_an_operation_that_is_not_there_says_nothing():
    assert judged("status", exchange("GetWebrtcToken", 500), Version(5, 6)) is None
    assert judged("status", exchange("CreateJob", 500), Version(4, 0)) is None


# -- media -------------------------------------------------------------------------------------------------------------


@table(
    json=(exchange("CreateJob", 201, JOB), "kept"),
    with_a_charset=(exchange("CreateJob", 201, JOB, media="application/json; charset=utf-8"), "kept"),
    in_capitals=(exchange("CreateJob", 201, JOB, media="Application/JSON"), "kept"),
    html=(exchange("CreateJob", 201, JOB, media="text/html"), "201 text/html"),
    nothing=(exchange("CreateJob", 201, JOB, media=""), "201 no content type"),
    of_an_error=(exchange("CreateJob", 403, error("a.b"), media="text/plain"), "403 a.b text/plain"),
    of_an_undeclared_status=(exchange("CreateJob", 500, b"x", media="text/plain"), "500 text/plain"),
    of_an_undeclared_status_in_json=(exchange("CreateJob", 500, error("a.b")), "kept"),
    no_content=(exchange("CreateJob", 204, b"", media=""), None),
    too_many_requests=(exchange("CreateJob", 429, b"", media="text/plain"), None),
    no_route=(exchange("GetUserAccessToken", 404, b"", media="text/plain", url="/users/tokens/a-b"), None),
)
def test_the_media_type_is_one_of_those_declared(seen, expected):
    assert judged("media", seen) == expected


# -- schema ------------------------------------------------------------------------------------------------------------


@table(
    right=(exchange("GetUserAccessToken", 200, TOKEN), "kept"),
    with_more=(exchange("GetUserAccessToken", 200, {**TOKEN, "new": 1}), "kept"),
    a_field_missing=(exchange("GetUserAccessToken", 200, {"id": ID, "user_id": OTHER}), "200 the body: required description"),
    a_wrong_type=(exchange("GetUserAccessToken", 200, {**TOKEN, "is_active": ID}), '200 is_active: type "boolean"'),
    in_a_row=(
        exchange("GetUserAccessTokens", 200, [TOKEN, {**TOKEN, "id": "short"}]),
        '200 items/id: pattern "^[a-z0-9]{26}$"',
    ),
    no_list=(exchange("GetUserAccessTokens", 200, TOKEN), '200 the body: type "array"'),
    no_json=(exchange("GetUserAccessToken", 200, b"<html>"), "200 not JSON"),
    no_text=(exchange("GetUserAccessToken", 200, b"\xff"), "200 not JSON"),
    empty=(exchange("GetUserAccessToken", 200, b""), "200 not JSON"),
    an_error=(exchange("GetUserAccessToken", 403, error("a.b")), "kept"),
    an_error_of_another_shape=(
        exchange("GetUserAccessToken", 403, {"error": "no"}),
        "403 the body: required id, message, status_code",
    ),
    undeclared=(exchange("GetUserAccessToken", 500, b"boom"), None),
    too_many_requests=(exchange("GetUserAccessToken", 429, b"slow"), None),
    no_route=(exchange("GetUserAccessToken", 200, b"x", url="/users/tokens/a-b"), None),
)
def test_the_body_follows_its_schema(seen, expected):
    assert judged("schema", seen) == expected


@pytest.mark.parametrize("value", [{**TOKEN, "is_active": ID}, [ID], ID, {ID: ID}, {**TOKEN, "id": [{ID: 1}]}])
def test_a_signature_holds_nothing_that_is_another_tomorrow(value):
    signature = judged("schema", exchange("GetUserAccessToken", 200, value))
    assert signature not in (None, "kept") and ID not in signature and OTHER not in signature


ANSWERS = CONTRACT.operations["GetUserAccessToken"].answers
OF_200 = ANSWERS["200"]


@pytest.mark.parametrize(
    ("rule", "declared", "status", "answer", "media", "expected"),
    [
        ("status", {"4XX": OF_200}, 404, error("a.b", 404), "application/json", "kept"),
        ("status", {"4XX": OF_200}, 403, error("a.b"), "application/json", "kept"),
        ("status", {"4XX": OF_200}, 500, error("a.b", 500), "application/json", "500 a.b"),
        ("status", {"default": OF_200}, 500, error("a.b", 500), "application/json", "kept"),
        ("status", {"2XX": OF_200}, 404, error("a.b", 404), "application/json", "404 a.b"),
        ("media", {"204": OF_200}, 204, None, "text/html", None),
        ("media", {"203": OF_200}, 203, None, "text/html", "203 text/html"),
        ("media", {"205": OF_200}, 205, None, "text/html", "205 text/html"),
        ("media", {"404": OF_200}, 404, error("api.context.404.app_error", 404), "text/plain", None),
        ("media", {"404": OF_200}, 404, error("a.b", 404), "text/plain", "404 a.b text/plain"),
        ("media", {"200": replace(OF_200, content={"*/*": {}})}, 200, TOKEN, "image/png", "kept"),
        ("media", {"200": replace(OF_200, content={"*/*": {}})}, 200, TOKEN, "", "kept"),
        ("media", {"200": replace(OF_200, content={"image/*": {}})}, 200, TOKEN, "image/png", "kept"),
        ("media", {"200": replace(OF_200, content={"image/*": {}})}, 200, TOKEN, "text/html", "200 text/html"),
        ("media", {"200": replace(OF_200, content={"Image/PNG; q=1": {}})}, 200, TOKEN, "image/png", "kept"),
    ],
)
def test_what_is_declared_for_a_class_of_statuses_or_for_all_counts(rule, declared, status, answer, media, expected):
    operation = replace(CONTRACT.operations["GetUserAccessToken"], answers=declared)
    contract = replace(CONTRACT, operations={**CONTRACT.operations, operation.id: operation})
    seen = exchange(operation.id, status, answer, media=media)
    verdict = CHECKS[rule](contract.clauses[f"{operation.id}.{rule}"], Context(contract, NOW, seen))
    assert (verdict and (verdict.signature or "kept")) == expected


# -- input -------------------------------------------------------------------------------------------------------------


@table(
    refused=(exchange("CreateJob", 400, error("x", 400), body={}), "kept"),
    refused_otherwise=(exchange("CreateJob", 403, error("x"), body={}), "kept"),
    sent_elsewhere=(exchange("CreateJob", 302, body={}), None),
    nobody_there=(exchange("CreateJob", 502, body={}), None),
    served=(exchange("CreateJob", 201, JOB, body={}), "201 for body the body: required type"),
    served_in_spite_of_the_query=(
        exchange("GetUserAccessTokens", 200, [], url="/users/tokens?page=-1"),
        "200 for query page: minimum",
    ),
    no_number=(
        exchange("GetUserAccessTokens", 200, [], url="/users/tokens?per_page=x"),
        '200 for query per_page: type "integer"',
    ),
    no_body=(exchange("CreateJob", 201, JOB, body=b""), "201 for body: missing"),
    no_json=(exchange("CreateJob", 201, JOB, body=b"{"), "201 for body: not JSON"),
    a_valid_request=(exchange("CreateJob", 201, JOB), None),
    by_one_who_may_not=(exchange("CreateJob", 403, error("x"), body={}, by="member"), None),
    served_to_one_who_may_not=(exchange("CreateJob", 201, JOB, body={}, by="member"), None),
    by_nobody=(exchange("CreateJob", 401, error("x"), body={}, by="anonymous"), None),
    a_crash=(exchange("CreateJob", 500, error("x"), body={}), None),
    the_last_refusal=(exchange("CreateJob", 499, error("x"), body={}), "kept"),
    the_last_status_that_is_none=(exchange("CreateJob", 399, body={}), None),
    of_two_flaws_the_first_is_told=(
        exchange("GetUserAccessTokens", 200, [], url="/users/tokens?page=-1&per_page=x"),
        "200 for query page: minimum",
    ),
    too_many_requests=(exchange("CreateJob", 429, body={}), None),
    too_long_an_address=(exchange("CreateJob", 414, body={}), None),
    no_route=(exchange("GetUserAccessToken", 404, url="/users/tokens/a-b"), None),
    unclear_whose=(
        exchange("GetUserAccessTokensForUser", 200, [], by="token_user", about="unclear", url=f"/users/{ID}/tokens?page=x"),
        None,
    ),
)
def test_input_that_breaks_the_schema_is_refused(seen, expected):
    assert judged("input", seen) == expected


# -- auth --------------------------------------------------------------------------------------------------------------


@table(
    refused=(exchange("CreateJob", 401, error("a.b", 401), by="anonymous"), "kept"),
    served=(exchange("CreateJob", 201, JOB, by="anonymous"), "201 for anonymous"),
    forbidden=(exchange("CreateJob", 403, error("a.b"), by="anonymous"), "403 a.b"),
    bad_request=(exchange("CreateJob", 400, error("a.b", 400), by="anonymous", body={}), "400 a.b"),
    too_many_requests=(exchange("CreateJob", 429, by="anonymous"), None),
    too_long_an_address=(exchange("CreateJob", 414, by="anonymous"), None),
    somebody=(exchange("CreateJob", 403, error("a.b"), by="member"), None),
    somebody_made_by_a_test=(exchange("CreateJob", 403, error("a.b"), by="a_bot"), None),
    no_route=(exchange("GetUserAccessToken", 404, error("a.b", 404), by="anonymous", url="/users/tokens/a-b"), None),
    a_redirect=(exchange("GetUserAccessToken", 301, by="anonymous", url="/users/tokens/.."), None),
    served_without_a_route=(
        exchange("GetUserAccessToken", 200, TOKEN, by="anonymous", url="/users/tokens/a-b"),
        "200 for anonymous",
    ),
)
def test_an_anonymous_caller_gets_401_where_the_request_is_routed_and_never_anything(seen, expected):
    assert judged("auth", seen) == expected


def test_an_anonymous_caller_of_an_operation_that_is_not_there_is_not_owed_a_401():
    gone = exchange("GetWebrtcToken", 404, error("api.context.404.app_error", 404), by="anonymous")
    assert judged("auth", gone, Version(5, 6)) is None


# -- permission --------------------------------------------------------------------------------------------------------


@table(
    refused=(exchange("CreateJob", 403, error("a.b"), by="member", about="self"), "kept"),
    hidden=(exchange("RegenCommandToken", 404, error("a.b", 404), by="member"), "kept"),
    refused_by_nobody_knows_whom=(exchange("CreateJob", 403, b"<html>", by="member", media="text/html"), None),
    no_such_route_at_all=(exchange("RegenCommandToken", 404, error("api.context.404.app_error", 404), by="member"), None),
    refused_for_something_else=(exchange("RegenCommandToken", 400, error("a.b", 400), by="member"), None),
    served=(exchange("CreateJob", 201, JOB, by="member", about="self"), "201 without permission"),
    served_in_spite_of_bad_input=(exchange("CreateJob", 201, JOB, by="member", body={}), "201 without permission"),
    served_about_another=(exchange("GetUserAccessToken", 200, TOKEN, by="token_user"), "200 without permission"),
    a_wrong_id_is_no_refusal=(exchange("GetUserAccessToken", 404, error("a.b", 404), by="member", about="nobody"), None),
    a_wrong_id_forbidden=(exchange("GetUserAccessToken", 403, error("a.b"), by="member", about="nobody"), None),
    bad_input_is_no_refusal=(exchange("CreateJob", 403, error("a.b"), by="member", body={}), None),
    bad_input_refused=(exchange("CreateJob", 400, error("a.b", 400), by="member", body={}), None),
    nobody_in_particular=(exchange("CreateJob", 401, error("a.b", 401), by="anonymous"), None),
    nobody_in_particular_served=(exchange("CreateJob", 201, JOB, by="anonymous"), None),
    nobody_in_particular_forbidden=(exchange("CreateJob", 403, error("a.b"), by="anonymous"), None),
    entitled=(exchange("CreateJob", 201, JOB), "kept"),
    entitled_but_refused=(exchange("CreateJob", 403, error("a.b")), "403 a.b with permission"),
    entitled_but_logged_out=(exchange("CreateJob", 401, error("a.b", 401)), "401 a.b with permission"),
    entitled_and_broken=(exchange("CreateJob", 500, error("a.b", 500)), None),
    entitled_with_bad_input=(exchange("CreateJob", 403, error("a.b"), body={}), None),
    ones_own=(exchange("GetUserAccessToken", 200, TOKEN, by="token_user", about="self"), "kept"),
    ones_own_refused=(
        exchange("GetUserAccessToken", 403, error("a.b"), by="token_user", about="self"),
        "403 a.b with permission",
    ),
    the_teams=(exchange("RegenCommandToken", 200, {"token": "x"}, by="team_admin"), "kept"),
    from_outside=(exchange("RegenCommandToken", 200, {"token": "x"}, by="outsider"), "200 without permission"),
    unclear_whose=(exchange("GetUserAccessToken", 200, TOKEN, by="token_user", about="unclear"), None),
    no_route=(exchange("GetUserAccessToken", 200, TOKEN, by="member", url="/users/tokens/a-b"), None),
)
def test_only_those_who_are_entitled_are_served(seen, expected):
    assert judged("permission", seen) == expected


@table(
    refused_with_a_flag_that_may_demand_more=(
        *(exchange("CreateJob", 403, error("a.b"), variant="force=true"), "unknown: unknown-request"),
    ),
    served_with_a_flag=(exchange("CreateJob", 201, JOB, variant="force=true"), "kept"),
    let_in_by_a_flag=(exchange("CreateJob", 201, JOB, by="member", variant="force=true"), "201 without permission"),
    kept_out_in_spite_of_a_flag=(exchange("CreateJob", 403, error("a.b"), by="member", variant="force=true"), "kept"),
)
def test_a_flag_lets_nobody_in_and_may_keep_somebody_out(seen, expected):
    assert told_of(seen) == expected


def several(answer, status=201, **more):
    return exchange("CreateJob", status, answer, by="member", variant="a batch", withheld=frozenset({OTHER}), **more)


@table(
    shown=(several([{"id": ID}, {"id": OTHER}]), "201 with what is withheld"),
    named_by_what_is_shown=(several([{"id": ID, "user_id": OTHER}]), "201 with what is withheld"),
    within_something=(several({"posts": {"a": {"id": OTHER}}}), "201 with what is withheld"),
    left_out=(several([{"id": ID}]), "unknown: unknown-request"),
    told_to_have_failed=(several([{"id": ID}, {"user_id": OTHER, "error": error("a.b")}]), "unknown: unknown-request"),
    repeated=(several({"refused": [OTHER], OTHER: []}), "unknown: unknown-request"),
    nothing_told=(several({"status": "OK"}), "unknown: unknown-request"),
    refused_as_a_whole=(several(error("a.b"), 403), "kept"),
)
def test_of_several_things_what_is_withheld_is_not_shown(seen, expected):
    """Where an answer does not show it, it may have been left out: nothing is known."""
    assert told_of(seen) == expected


def told_of(seen):
    verdict = CHECKS["permission"](CONTRACT.clauses["CreateJob.permission"], Context(CONTRACT, NOW, seen))
    return f"unknown: {verdict.reason}" if isinstance(verdict, Unknown) else "kept" if verdict.passed else verdict.signature


def test_a_permission_proves_nothing_where_the_operation_is_not_there():
    assert judged("permission", exchange("CreateJob", 201, JOB, by="member"), Version(4, 0)) is None
    assert judged("permission", exchange("GetUserAccessTokens", 200, [], by="member"), Version(4, 6)) is None  # since 4.7


# -- since -------------------------------------------------------------------------------------------------------------

NO_ROUTE = error("api.context.404.app_error", 404)


@pytest.mark.parametrize(
    ("version", "seen", "expected"),
    [
        ("4.1", exchange("CreateJob", 201, JOB), "kept"),
        ("4.1", exchange("CreateJob", 404, NO_ROUTE), "404 api.context.404.app_error"),
        ("4.1", exchange("GetUserAccessToken", 404, error("a.b", 404)), "kept"),
        ("4.1", exchange("CreateJob", 404, error("a.b", 404)), None),
        ("4.1", exchange("GetUserAccessToken", 404, b"<html>", media="text/html"), None),
        ("4.0", exchange("CreateJob", 404, NO_ROUTE), "kept"),
        ("4.0", exchange("CreateJob", 201, JOB), "201 outside its versions"),
        ("5.5.3", exchange("GetWebrtcToken", 200, WEBRTC), "kept"),
        ("5.6", exchange("GetWebrtcToken", 404, NO_ROUTE), "kept"),
        ("5.6", exchange("GetWebrtcToken", 200, WEBRTC), "200 outside its versions"),
        ("4.1", exchange("CreateJob", 401, error("x", 401), by="anonymous"), None),
        ("4.1", exchange("GetUserAccessToken", 404, NO_ROUTE, url="/users/tokens/a-b"), None),
    ],
    ids=range(12),
)
def test_an_operation_is_there_in_its_versions_and_in_no_other(version, seen, expected):
    assert judged("since", seen, Version.parse(version)) == expected


# -- secret ------------------------------------------------------------------------------------------------------------

SECRET = "s3cr3ts3cr3ts3cr3ts3cr3t12"


@table(
    none=(exchange("GetUserAccessToken", 200, TOKEN), "kept"),
    the_field=(exchange("GetUserAccessToken", 200, {**TOKEN, "token": "x"}), "token in the answer"),
    the_field_empty=(exchange("GetUserAccessToken", 200, {**TOKEN, "token": ""}), "kept"),
    the_field_deep_within=(exchange("GetUserAccessTokens", 200, [TOKEN, {"a": {"token": "x"}}]), "token in the answer"),
    the_value_elsewhere=(
        exchange("GetUserAccessToken", 200, {**TOKEN, "description": f"a{SECRET}b"}),
        "secret value in the answer",
    ),
    the_value_in_a_refusal=(
        exchange("GetUserAccessToken", 403, {**error("a.b"), "message": SECRET}),
        "secret value in the answer",
    ),
    a_refusal=(exchange("GetUserAccessToken", 403, error("a.b")), None),
    nothing=(exchange("GetUserAccessTokens", 200, []), None),
    no_route=(exchange("GetUserAccessToken", 200, {"token": "x"}, url="/users/tokens/a-b"), None),
)
def test_an_answer_never_holds_the_token(seen, expected):
    assert judged("secret", seen, secrets=[SECRET]) == expected


@pytest.mark.parametrize("operation", ["SearchUserAccessTokens", "RevokeUserAccessToken"])
def test_what_keeps_secrets_without_a_promise_of_its_own_has_no_room_for_one(operation):
    """By the server's source; held against the schema, which stands for every answer of theirs."""
    right = [TOKEN] if operation.startswith("Search") else {"status": "OK"}
    leaky = [{**TOKEN, "token": SECRET}] if operation.startswith("Search") else {"status": "OK", "token": SECRET}
    assert judged("schema", exchange(operation, 200, right), secrets=[SECRET]) == "kept"
    assert judged("schema", exchange(operation, 200, leaky), secrets=[SECRET]) == "secret value in the answer"
    refusal = {**error("a.b", 404), "message": f"no {SECRET}"}
    assert judged("schema", exchange(operation, 404, refusal), secrets=[SECRET]) == "secret value in the answer"
    name = "term" if operation.startswith("Search") else "token_id"
    told_back = exchange(operation, 400, {**error("a.b", 400), "message": SECRET}, body={name: SECRET})
    assert judged("schema", told_back, secrets=[SECRET]) == "kept", "what the caller sent is no news"


def test_an_operation_that_is_not_there_tells_no_secret():
    answer = exchange("RevokeUserAccessToken", 200, {"status": "OK", "token": SECRET})
    assert judged("schema", answer, secrets=[SECRET]) == "secret value in the answer"
    assert judged("schema", answer, Version(4, 0), secrets=[SECRET]) is None


def test_a_verdict_about_permissions_says_from_where_it_is_known_who_holds_them():
    clause = CONTRACT.clauses["CreateJob.permission"]
    refused = Context(CONTRACT, NOW, exchange("CreateJob", 403, error("a.b")))
    assert CHECKS["permission"](clause, refused).source == "data/permissions.yaml"


def test_what_gives_a_secret_or_promises_to_keep_it_is_no_matter_of_its_schema():
    for operation, status, answer in (
        ("CreateUserAccessToken", 200, {**TOKEN, "token": SECRET}),
        ("RegenCommandToken", 200, {"token": SECRET}),
        ("GetUserAccessToken", 200, {**TOKEN, "token": SECRET}),  # its `secret` says so
    ):
        assert judged("schema", exchange(operation, status, answer), secrets=[SECRET]) == "kept"


# -- paging ------------------------------------------------------------------------------------------------------------


def page(rows, query):
    return exchange("GetUserAccessTokens", 200, [TOKEN] * rows, url=f"/users/tokens{query}")


@table(
    fewer=(page(1, "?per_page=2"), "kept"),
    as_many=(page(2, "?per_page=2"), "kept"),
    more=(page(3, "?per_page=2"), "more rows than asked for"),
    more_of_a_later_parameter=(page(3, "?page=5&per_page=2"), "more rows than asked for"),
    more_after_another_parameter=(page(3, "?zone=9&per_page=2"), "more rows than asked for"),
    none_asked_for=(page(1, "?per_page=0"), "more rows than asked for"),
    the_default=(page(60, ""), "kept"),
    more_than_the_default=(page(61, ""), "more rows than asked for"),
    the_most=(page(200, "?per_page=1000"), "kept"),
    more_than_the_most=(page(201, "?per_page=1000"), "more rows than asked for"),
    no_number=(page(61, "?per_page=x"), None),
    negative=(page(1, "?per_page=-1"), None),
    no_list=(exchange("GetUserAccessTokens", 200, {"a": 1}), None),
    refused=(exchange("GetUserAccessTokens", 403, error("a.b")), None),
)
def test_a_page_holds_no_more_rows_than_asked_for(seen, expected):
    assert judged("paging", seen) == expected


def test_a_list_that_takes_no_page_size_promises_none():
    described = CONTRACT.operations["GetUserAccessTokens"]
    for parameters in ((), (replace(described.parameters[0], name="sort"),)):
        operation = replace(described, parameters=parameters)
        contract = replace(CONTRACT, operations={**CONTRACT.operations, operation.id: operation})
        clause = contract.clauses["GetUserAccessTokens.paging"]
        assert CHECKS["paging"](clause, Context(contract, NOW, page(61, "?per_page=2"))) is None


# -- effect ------------------------------------------------------------------------------------------------------------


def of_user(rows, asked=OTHER, **more):
    return exchange(
        "GetUserAccessTokensForUser", 200, [{**TOKEN, "user_id": u} for u in rows], url=f"/users/{asked}/tokens", **more
    )


EFFECTS_SEEN = [
    ("lists-the-user", of_user([OTHER, OTHER]), "kept"),
    ("lists-the-user", of_user([OTHER, ID]), "rows of another user"),
    ("lists-the-user", of_user([ID], "me", own=frozenset({ID})), "kept"),
    ("lists-the-user", of_user([OTHER], "me", own=frozenset({ID})), "rows of another user"),
    ("lists-the-user", of_user([OTHER], "me"), None),
    ("lists-the-user", of_user([]), None),
    ("lists-the-user", of_user([ID], ID), "kept"),
    ("lists-the-user", of_user([OTHER], ID), "rows of another user"),
    ("gets-the-one", exchange("GetUserAccessToken", 200, TOKEN), "kept"),
    ("gets-the-one", exchange("GetUserAccessToken", 200, {**TOKEN, "id": OTHER}), "another token"),
    ("gets-the-one", exchange("GetUserAccessToken", 200, {**TOKEN, "id": "a" * 26}), "another token"),
    ("gets-the-one", exchange("GetUserAccessToken", 404, error("a.b", 404)), None),
    ("gives-credentials", exchange("GetWebrtcToken", 200, WEBRTC), "kept"),
    ("gives-credentials", exchange("GetWebrtcToken", 200, {**WEBRTC, "turn_password": ""}), "no turn_password"),
    ("gives-credentials", exchange("GetWebrtcToken", 200, {**WEBRTC, "turn_password": "", "stun_uri": ""}), "no stun_uri"),
    ("creates-a-job", exchange("CreateJob", 201, JOB), "kept"),
    ("creates-a-job", exchange("CreateJob", 201, {**JOB, "type": "other"}), "another job"),
    ("creates-a-job", exchange("CreateJob", 201, {**JOB, "type": "another"}), "another job"),
    ("creates-a-job", exchange("CreateJob", 201, {**JOB, "status": "success"}), "another job"),
    ("creates-a-job", exchange("CreateJob", 201, {**JOB, "status": "in_progress"}), "another job"),
    ("creates-a-job", exchange("CreateJob", 403, error("a.b")), None),
]


@pytest.mark.parametrize(("name", "seen", "expected"), EFFECTS_SEEN, ids=range(len(EFFECTS_SEEN)))
def test_an_answer_shows_the_effect(name, seen, expected):
    assert judged(f"effect.{name}", seen) == expected


def test_an_effect_that_no_answer_can_show_is_not_judged_by_one():
    assert judged("effect.revokes", exchange("RevokeUserAccessToken", 200, {"status": "OK"})) is None


def test_every_effect_check_belongs_to_a_promise():
    assert set(EFFECTS) <= {clause.id.partition(".effect.")[2] for clause in CONTRACT.clauses.values() if clause.rule == "effect"}


# -- routes and requests -----------------------------------------------------------------------------------------------

ROUTES = [
    ("GetUserAccessToken", "GET", f"/users/tokens/{ID}", True),
    ("GetUserAccessToken", "GET", "/users/tokens/search", True),  # only the POST is the search
    ("GetUserAccessToken", "GET", "/users/tokens/ABC", True),
    ("GetUserAccessToken", "GET", "/users/tokens/a-b", False),
    ("GetUserAccessToken", "GET", "/users/tokens/a.b", False),
    ("GetUserAccessToken", "GET", "/users/tokens/..", False),
    ("GetUserAccessToken", "GET", "/users/tokens/", False),
    ("GetUserAccessToken", "GET", f"/users/tokens/{ID}/", False),
    ("GetUserAccessToken", "GET", "/users/tokens/%20", False),
    ("GetUserAccessToken", "POST", f"/users/tokens/{ID}", False),
    ("GetUserAccessTokens", "GET", "/users/tokens", True),
    ("GetUserAccessTokens", "GET", "/users/tokens?page=1", True),
    ("SearchUserAccessTokens", "POST", "/users/tokens/search", True),
    ("GetUserAccessTokensForUser", "GET", f"/users/{ID}/tokens", True),
    ("RegenCommandToken", "PUT", f"/commands/{ID}/regen_token", True),
    ("RegenCommandToken", "PUT", f"/commands/{ID}/{ID}/regen_token", False),
]


@pytest.mark.parametrize(("operation", "method", "url", "expected"), ROUTES)
def test_a_request_reaches_the_operation_that_its_method_and_path_name(operation, method, url, expected):
    assert reaches(CONTRACT, CONTRACT.operations[operation], exchange(operation, 200, url=url, method=method)) is expected


def test_where_it_is_known_what_stands_in_a_path_a_name_is_routed_too():
    operation = CONTRACT.operations["GetUserAccessToken"]
    named = exchange(operation.id, 200, url="/users/tokens/a.b@c.invalid")
    assert not reaches(CONTRACT, operation, named)
    assert reaches(CONTRACT, operation, replace(named, told=frozenset({"token_id"})))
    assert not reaches(CONTRACT, operation, replace(named, told=frozenset({"other"})))


def test_a_more_literal_sibling_wins(write):
    path = write(
        "a.yaml",
        """\
openapi: 3.1.0
info: {title: A, version: "1"}
servers: [{url: /api/v4}]
paths:
  /things/{id}:
    get:
      operationId: One
      parameters: [{in: path, name: id, required: true, schema: {type: string}}]
      responses: {'200': {description: OK}}
  /things/all: {get: {operationId: All, responses: {'200': {description: OK}}}}
""",
    )
    contract = build(load([path]).document)
    seen = Exchange("One", "member", "nobody", "GET", "/api/v4/things/all", {}, None, 200, {}, b"")
    assert not reaches(contract, contract.operations["One"], seen)
    assert reaches(contract, contract.operations["All"], seen)


# -- how far a request came --------------------------------------------------------------------------------------------

OFF, UNLICENSED, NOWHERE = "api.x.disabled.app_error", "api.x.license_error", "api.context.404.app_error"


def get(status, answer=None, **more):
    return exchange("GetUserAccessToken", status, answer, **more)


#: Whether somebody entitled came past the permission check, somebody else was refused for it, and the gate that was met.
FAR = {
    "entitled and served": (get(200, TOKEN), (True, False, "")),
    "entitled, and it is not there": (get(404, error("a.b", 404)), (True, False, "")),
    "entitled, and the question is wrong": (get(400, error("a.b", 400)), (True, False, "")),
    "entitled and refused": (get(403, error("a.b")), (False, False, "")),
    "entitled and signed out": (get(401, error("a.b", 401)), (False, False, "")),
    "entitled, no route": (get(404, error(NOWHERE, 404)), (False, False, NOWHERE)),
    "entitled, switched off": (get(403, error(OFF)), (True, False, OFF)),
    "entitled, switched off, told with 400": (get(400, error(OFF, 400)), (True, False, OFF)),
    "entitled, no licence": (get(501, error(UNLICENSED, 501)), (True, False, UNLICENSED)),
    "entitled, of nobody's": (get(403, error(OFF), about="nobody"), (False, False, "")),
    "entitled, an id that is none": (get(403, error(OFF), url="/users/tokens/short"), (False, False, "")),
    "another, refused": (get(403, error("a.b"), by="member"), (False, True, "")),
    "another, told that it is not there": (get(404, error("a.b", 404), by="member"), (False, True, "")),
    "another, refused without a reason": (get(403, b"no", by="member"), (False, False, "")),
    "another, told that the question is wrong": (get(400, error("a.b", 400), by="member"), (False, False, "")),
    "another, switched off": (get(403, error(OFF), by="member"), (False, False, "")),
    "another, served": (get(200, TOKEN, by="member"), (False, False, "")),
    "another, no route": (get(404, error(NOWHERE, 404), by="member"), (False, False, "")),
    "another, of nobody's": (get(403, error("a.b"), by="member", about="nobody"), (False, False, "")),
    "nobody in particular": (get(401, error("a.b", 401), by="anonymous"), (False, False, "")),
    "nobody in particular, served": (get(200, TOKEN, by="anonymous"), (False, False, "")),
    "nobody in particular, no route": (get(404, error(NOWHERE, 404), by="anonymous"), (False, False, NOWHERE)),
    "nobody in particular, switched off": (get(501, error(OFF, 501), by="anonymous"), (False, False, "")),
    "nobody in particular, no route, an id that is none": (
        get(404, error(NOWHERE, 404), by="anonymous", url="/users/tokens/short"),
        (False, False, ""),
    ),
    "entitled, with the last status that is none": (get(399, error(OFF, 399)), (True, False, "")),
    "entitled, with the first status that is one": (get(400, error(OFF, 400)), (True, False, OFF)),
    **{
        f"nobody in particular, {status} where a session is all": (
            exchange("GetWebrtcToken", status, error("a.b", status), by="anonymous"),
            (False, status == 401, ""),
        )
        for status in (400, 401, 402, 403)
    },
    "nobody in particular, 401 where more is demanded": (get(401, error("a.b", 401), by="anonymous"), (False, False, "")),
}


def test_a_body_that_has_to_depart_from_the_document_breaks_nothing_and_any_other_does(contract):
    """Only where the overlay says so, and said what the body holds."""
    asked = contract.operations["RevokeUserAccessToken"]
    body = b'{"token_id": true}'
    sent = replace(exchange(asked.id, 200, method="POST", url=asked.path), body=body, told=frozenset({""}))
    departing = replace(contract, operations={asked.id: replace(asked, departs="a truth value is wanted")})
    assert not Context(departing, NOW, sent).violations
    assert Context(departing, NOW, replace(sent, told=frozenset())).violations and Context(contract, NOW, sent).violations


@pytest.mark.parametrize(("seen", "expected"), FAR.values(), ids=FAR)
def test_how_far_a_request_came(seen, expected):
    at = Context(CONTRACT, NOW, seen)
    assert (is_let_in(at), is_kept_out(at), gate_of(at)) == expected


VIOLATIONS = [
    ("GetUserAccessToken", f"/users/tokens/{ID}", None, []),
    ("GetUserAccessToken", "/users/tokens/short", None, ['path token_id: pattern "^[a-z0-9]{26}$"']),
    ("GetUserAccessTokensForUser", "/users/me/tokens", None, []),
    ("GetUserAccessTokens", "/users/tokens?page=0&per_page=60", None, []),
    ("GetUserAccessTokens", "/users/tokens?page=1.5", None, ['query page: type "integer"']),
    ("GetUserAccessTokens", "/users/tokens?page=", None, ['query page: type "integer"']),
    ("GetUserAccessTokens", "/users/tokens?page=1&page=x", None, []),
    ("GetUserAccessTokens", "/users/tokens?page=x&page=1", None, ['query page: type "integer"']),
    ("GetUserAccessTokens", "/users/tokens?unknown=x", None, []),
    ("CreateJob", "/jobs", {"type": "x"}, []),
    ("CreateJob", "/jobs", {"type": ""}, ["body type: minLength"]),
    ("CreateJob", "/jobs", {"type": "x", "data": {"made up": 1}}, ['body data/*: type "string"']),
    ("CreateJob", "/jobs", [1], ['body the body: type "object"']),
    ("CreateUserAccessToken", f"/users/{ID}/tokens", {"description": "x" * 256}, ["body description: maxLength"]),
]


@pytest.mark.parametrize(("operation", "url", "body", "expected"), VIOLATIONS, ids=range(len(VIOLATIONS)))
def test_in_what_a_request_breaks_the_schema_is_told_without_its_values(operation, url, body, expected):
    assert violations(CONTRACT, CONTRACT.operations[operation], exchange(operation, 200, url=url, body=body)) == expected


# -- what is not known ---------------------------------------------------------------------------------------------------

OTHERS = """\
openapi: 3.0.3
info: {title: T, version: '1'}
servers: [{url: 'http://h.example/api/v4'}]
security: [{s: []}]
components: {securitySchemes: {s: {type: http, scheme: bearer}}}
paths:
  /channels/{channel_id}:
    get:
      operationId: GetChannel
      description: "##### Permissions\\nMust have `read_channel` permission for the channel."
      parameters: [{name: channel_id, in: path, required: true, schema: {type: string}}]
      responses: {'200': &ok {description: ok, content: {application/json: {schema: {type: object}}}}, '404': *ok, '403': *ok}
  /system/things/{name}:
    get:
      operationId: GetThing
      description: "##### Permissions\\nMust have `manage_system` permission."
      parameters: [{name: name, in: path, required: true, schema: {type: string}}]
      responses: {'200': *ok}
  /things:
    get:
      operationId: GetThings
      description: "##### Permissions\\nMust have `manage_system` permission."
      parameters:
      - {name: in_team, in: query, description: The ID of the team, schema: {type: string}}
      - {name: sort, in: query, schema: {type: string}}
      responses: {'200': *ok}
    post:
      operationId: FindThings
      description: "##### Permissions\\nMust have `manage_system` permission."
      requestBody: {content: {application/json: {schema: {type: array, items: {type: string}}}}}
      responses: {'200': *ok}
    put:
      operationId: PutThing
      description: "##### Permissions\\nMust have `manage_system` permission."
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties: {name: {type: string}, deep: {type: object, properties: {user_ids: {type: array}}}}
      responses: {'200': *ok}
  /policies/{policy_id}:
    get:
      operationId: GetPolicy
      description: "##### Permissions\\nMust have `manage_system` permission."
      parameters: [{name: policy_id, in: path, required: true, schema: {type: string}, x-resource: retention-policy}]
      responses: {'200': *ok}
  /licensed:
    get:
      operationId: GetLicensed
      description: "##### Permissions\\nMust have `manage_system` permission. Requires an E20 license."
      responses: {'200': *ok}
  /plain:
    get:
      operationId: GetPlain
      description: Gets what is plain.
      responses: {'200': *ok}
  /half:
    get:
      operationId: GetHalf
      description: "##### Permissions\\nMust be authenticated. Whoever looks twice may see it once a `fortnight`."
      parameters: [{name: page, in: query, schema: {type: integer}}]
      responses: {'200': *ok}
  /open:
    get:
      operationId: GetOpen
      description: "##### Permissions\\nNo authentication required for this endpoint."
      responses: {'200': *ok}
"""
LATER = Version(11, 1)


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    path = tmp_path_factory.mktemp("others") / "others.yaml"
    path.write_text(OTHERS, encoding="utf-8")
    return build(load([path]).document)


def other(
    contract, rule, operation, status, answer=None, *, method="GET", url, body=None, by="system_admin", about="nobody", told=()
):
    """What a check says: None, "kept", the signature of the failure, or the reason why it is not judged."""
    sent = json.dumps(body).encode() if body is not None else None
    got = json.dumps(answer if answer is not None else {}).encode()
    media = {"content-type": "application/json"}
    seen = Exchange(operation, by, about, method, f"/api/v4{url}", {}, sent, status, media, got, told=frozenset(told))
    verdict = CHECKS[rule](contract.clauses[f"{operation}.{rule}"], Context(contract, LATER, seen))
    if isinstance(verdict, Unknown):
        return f"unknown: {verdict.reason}"
    if verdict is None:
        return None
    return "kept" if verdict.passed else verdict.signature


DENIED, MISSING = error("api.context.permissions.app_error"), error("app.channel.get.existing.app_error", 404)
NOBODY_KNOWS = "unknown: unknown-identifier"


@pytest.mark.parametrize("by", ["member", "outsider", "system_admin"])
@pytest.mark.parametrize(("status", "answer"), [(404, MISSING), (403, DENIED), (200, {})])
def test_an_identifier_of_an_unknown_kind_proves_nothing(others, by, status, answer):
    """A server that answers 404 to everybody keeps nothing."""
    told = other(others, "permission", "GetChannel", status, answer, url="/channels/abc", by=by)
    assert told in (NOBODY_KNOWS, "unknown: unknown-permission")


def test_whoever_certainly_lacks_the_permission_is_served_with_nothing_all_the_same(others):
    told = other(others, "permission", "GetThing", 200, url="/system/things/abc", by="member")
    assert told == "200 without permission"


@pytest.mark.parametrize(
    ("operation", "method", "url", "body", "expected"),
    [
        ("GetThings", "GET", "/things", None, "kept"),
        ("GetThings", "GET", "/things?sort=x", None, "kept"),
        ("GetThings", "GET", "/things?in_team=x", None, NOBODY_KNOWS),
        ("FindThings", "POST", "/things", ["x"], NOBODY_KNOWS),
        ("PutThing", "PUT", "/things", {"name": "x"}, "kept"),
        ("PutThing", "PUT", "/things", {"deep": {"user_ids": ["x"]}}, NOBODY_KNOWS),
    ],
)
def test_an_identifier_counts_wherever_it_stands_and_only_where_it_was_sent(others, operation, method, url, body, expected):
    assert other(others, "permission", operation, 200, method=method, url=url, body=body) == expected
    assert other(others, "permission", operation, 403, DENIED, method=method, url=url, body=body, by="member") == expected


def test_a_body_that_is_told_or_not_sent_holds_no_unknown_identifier(others):
    assert other(others, "permission", "FindThings", 200, method="POST", url="/things", body=["x"], told=[""]) == "kept"
    assert other(others, "permission", "FindThings", 200, method="POST", url="/things") == "kept"


def test_a_paragraph_that_is_understood_in_part_judges_nobody(others):
    for by, status in (("member", 403), ("member", 200), ("system_admin", 403)):
        assert other(others, "permission", "GetHalf", status, DENIED, url="/half", by=by) == "unknown: partly-understood"
    assert other(others, "input", "GetHalf", 403, DENIED, url="/half?page=x", by="member") == "unknown: partly-understood"
    assert other(others, "input", "GetHalf", 200, url="/half?page=x", by="member") == '200 for query page: type "integer"'
    assert other(others, "auth", "GetHalf", 200, url="/half", by="anonymous") == "200 for anonymous"


def test_a_sentence_that_may_let_everybody_in_takes_the_demand_for_a_session_back(others):
    for status in (200, 400, 401):
        assert other(others, "auth", "GetOpen", status, url="/open", by="anonymous") == "unknown: partly-understood"
    assert "GetOpen.permission" not in others.clauses


@pytest.mark.parametrize(
    ("by", "answer", "expected"),
    [
        ("system_admin", error("api.no_license"), "unknown: needs-licence"),
        ("member", error("api.no_license"), "unknown: needs-licence"),
        ("system_admin", error("api.emoji.disabled.app_error"), "unknown: not-on-this-target"),
        ("system_admin", DENIED, "403 api.context.permissions.app_error with permission"),
        ("member", DENIED, "kept"),
    ],
)
def test_what_is_not_offered_is_no_refusal(others, by, answer, expected):
    assert other(others, "permission", "GetThings", 403, answer, url="/things", by=by) == expected


@pytest.mark.parametrize(
    ("by", "status", "answer", "expected"),
    [
        ("system_admin", 403, error("a.b"), NOBODY_KNOWS),
        ("system_admin", 403, error("api.no_license"), "unknown: needs-licence"),
        ("member", 403, error("a.b"), "kept"),
        ("member", 404, error("a.b", 404), None),
        ("member", 402, error("a.b", 402), None),
    ],
)
def test_of_what_nobody_has_a_refusal_alone_shows_something(others, by, status, answer, expected):
    """Whoever is entitled may be refused since there is none; whoever is not, is refused by 403, and not by what is missing."""
    asked = {"url": "/policies/abcdefghijklmnopqrstuvwxy1", "by": by, "about": "other"}
    assert other(others, "permission", "GetPolicy", status, answer, **asked) == expected


SAYS_NOTHING = [("GetChannel", "/channels/abc"), ("GetHalf", "/half"), ("GetOpen", "/open"), ("GetPlain", "/plain")]


@pytest.mark.parametrize("by", ["anonymous", "member", "system_admin"])
@pytest.mark.parametrize(
    ("operation", "url"), [("GetChannel", "/channels/abc"), ("GetHalf", "/half"), ("GetOpen", "/open"), ("GetPlain", "/plain")]
)
def test_of_what_is_not_known_or_not_told_it_shows_nothing_how_far_a_request_came(others, operation, url, by):
    """An identifier of an unknown kind; a paragraph understood in part; an operation that says nothing of who may call."""
    for status, answer in ((200, {}), (403, DENIED), (404, MISSING)):
        seen = Exchange(operation, by, "other", "GET", f"/api/v4{url}", {}, None, status, {}, json.dumps(answer).encode())
        at = Context(others, LATER, seen)
        assert (is_let_in(at), is_kept_out(at), gate_of(at)) == (False, False, "")


def test_whoever_is_entitled_but_for_a_licence_is_let_in_and_judged_by_no_promise(others):
    """Past the permission check, where a member is not; whether the server has the licence nobody knows."""
    seen = Exchange(
        "GetLicensed", "system_admin", "other", "GET", "/api/v4/licensed", {}, None, 501, {}, b'{"id": "api.no_license"}'
    )
    entitled, member = Context(others, LATER, seen), Context(others, LATER, replace(seen, persona="member"))
    assert isinstance(entitled.entitled, Unknown) and entitled.entitled_but_for_a_licence is True
    assert is_let_in(entitled) and not is_let_in(member)


GONE = error(NO_ROUTE["id"], 404)
NO_SUCH_ROUTE = f"404 {NO_ROUTE['id']}"


@pytest.mark.parametrize(
    ("operation", "url", "expected"),
    [
        ("GetThing", "/system/things/abc", NOBODY_KNOWS),  # routes of names take other forms than routes of ids
        ("GetChannel", "/channels/abc", NO_SUCH_ROUTE),
        ("GetThings", "/things", NO_SUCH_ROUTE),
        ("GetHalf", "/half", NO_SUCH_ROUTE),
    ],
)
def test_only_a_name_in_the_path_may_be_what_a_route_does_not_take(others, operation, url, expected):
    """None of them says since when it is there, so that every version has it."""
    seen = Exchange(operation, "member", "nobody", "GET", f"/api/v4{url}", {}, None, 404, {}, json.dumps(GONE).encode())
    verdict = CHECKS["since"](others.clauses[f"{operation}.status"], Context(others, LATER, seen))
    assert (f"unknown: {verdict.reason}" if isinstance(verdict, Unknown) else verdict.signature) == expected


def test_of_a_caller_of_whom_nobody_knows_whether_he_may_400_alone_refuses_the_input(others):
    invalid = error("api.context.invalid_url_param.app_error", 400)
    assert other(others, "input", "GetHalf", 400, invalid, url="/half?page=x", by="member") == "kept"


def test_of_many_flaws_of_a_body_three_are_told():
    body = {"id": 1, "user_id": 1, "description": 1, "is_active": "x"}
    seen = exchange("GetUserAccessToken", 200, body)
    verdict = CHECKS["schema"](CONTRACT.clauses["GetUserAccessToken.schema"], Context(CONTRACT, NOW, seen))
    assert sum(f"{name}: type" in verdict.seen for name in body) == 3
    first = verdict.seen.removeprefix("the body of the 200 breaks its schema: ").partition(";")[0]
    assert verdict.signature == f"200 {first}"


def test_a_route_that_is_not_there_breaks_no_promise_about_sessions(others):
    gone = error(NO_ROUTE["id"], 404)
    assert other(others, "auth", "GetThings", 404, gone, url="/things", by="anonymous") is None
    assert (
        other(others, "auth", "GetThings", 404, MISSING, url="/things", by="anonymous")
        == "404 app.channel.get.existing.app_error"
    )


# -- what a large document costs ---------------------------------------------------------------------------------------


class Unsearchable(dict):
    """Knows what it holds, but not how to go through it."""

    def __iter__(self):
        raise AssertionError("the whole document is gone through for one answer")

    values = items = keys = __iter__


def test_what_an_answer_is_judged_by_is_looked_up_and_compiled_once(monkeypatch):
    contract = build(load().document)
    seen = exchange("GetUserAccessToken", 200, TOKEN)
    first = [CHECKS[c.rule](c, Context(contract, NOW, seen)) for c in contract.of(seen.operation)]
    contract.clauses, contract.operations = Unsearchable(contract.clauses), Unsearchable(contract.operations)
    contract.components = Unsearchable(contract.components)
    monkeypatch.setattr(schemas, "Draft202012Validator", None)
    assert [CHECKS[c.rule](c, Context(contract, NOW, seen)) for c in contract.of(seen.operation)] == first
    assert [verdict.passed for verdict in first if verdict]


def test_a_schema_made_where_another_was_is_not_taken_for_it():
    """Schemas are told apart by identity, which Python gives to something else as soon as it is free."""
    contract = build(load().document)
    kinds = {"string": "x", "integer": 1, "boolean": True, "array": [], "object": {}}
    for kind in list(kinds) * 50:
        assert not schemas.mismatches(contract, {"type": kind}, kinds[kind])
        assert schemas.mismatches(contract, {"type": kind}, None) == [f'the body: type "{kind}"']
