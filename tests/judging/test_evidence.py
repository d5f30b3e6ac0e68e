"""What shows who is let past the permission check, where nobody can be served: no licence, and nothing of that kind."""

import json

import pytest

from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.judging.checks import CHECKS, Context
from mmconform.judging.judge import Judge
from mmconform.knowledge import Unknown
from mmconform.servers.target import Server, Target
from mmconform.version import Version
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.redact import Redactor

PLACES = {"DeleteGroup": ("DELETE", "/groups/abc"), "GetRetention": ("GET", "/retention"), "GetZones": ("GET", "/zones")}
NOW = Version.parse("11.1.0")
DOCUMENT = r"""
openapi: 3.0.3
info: {title: Groups, version: '1'}
servers: [{url: /api/v4}]
security: [{session: []}]
components: {securitySchemes: {session: {type: http, scheme: bearer}}}
paths:
  /groups/{group_id}:
    delete:
      operationId: DeleteGroup
      description: "##### Permissions\nMust have `manage_system` permission."
      parameters: [{name: group_id, in: path, required: true, x-resource: group, schema: {type: string}}]
      responses: &any {'200': {description: Done.}}
  /retention:
    get:
      operationId: GetRetention
      description: "##### Permissions\nMust have `manage_system` permission.\n##### License\nRequires an E20 license."
      responses: *any
  /zones:
    get:
      operationId: GetZones
      description: "##### Permissions\nMust be logged in."
      responses: *any
"""
LICENCE, DENIED, MISSING = "api.license_error", "api.context.permissions.app_error", "app.group.no_rows"


@pytest.fixture(scope="module")
def contract(tmp_path_factory):
    path = tmp_path_factory.mktemp("documents") / "groups.yaml"
    path.write_text(DOCUMENT, encoding="utf-8")
    return build(load([path]).document)


def seen(operation, by, status, error=""):
    method, path = PLACES[operation]
    answer = json.dumps({"id": error, "message": "", "status_code": status} if error else {}).encode()
    media = {"content-type": "application/json"}
    return Exchange(operation, by, "other", method, f"/api/v4{path}", {}, None, status, media, answer)


def covered(contract, *exchanges):
    server = Server(NOW, "11.1.0", "11.1.0", "", "team", "")
    judge = Judge(contract, Target("recorded:11.1.0", "11.1.0", "http://recorded.invalid", server, Redactor(replaying=True)), [])
    for exchange in exchanges:
        judge.see(exchange)
    (found,) = judge.coverage.values()
    return found


@pytest.mark.parametrize("operation", ["DeleteGroup", "GetRetention"])
def test_a_gate_behind_the_permission_check_shows_who_gets_past_it(contract, operation):
    found = covered(contract, seen(operation, "system_admin", 501, LICENCE), seen(operation, "member", 403, DENIED))
    assert (found.let_in, found.kept_out, found.served, found.gate) == (1, 1, 0, LICENCE)


@pytest.mark.parametrize("operation", ["DeleteGroup", "GetRetention"])
def test_a_gate_before_the_permission_check_shows_nothing_of_who_may(contract, operation):
    found = covered(contract, seen(operation, "system_admin", 403, LICENCE), seen(operation, "member", 403, LICENCE))
    assert (found.kept_out, found.gate) == (0, LICENCE)


def test_nobody_is_refused_by_being_told_that_there_is_no_such_thing(contract):
    found = covered(contract, seen("DeleteGroup", "system_admin", 404, MISSING), seen("DeleteGroup", "member", 404, MISSING))
    assert (found.let_in, found.kept_out) == (1, 0)


def test_nobody_is_served_about_what_does_not_exist(contract):
    assert covered(contract, seen("DeleteGroup", "system_admin", 200)).served == 0


@pytest.mark.parametrize(
    ("by", "status", "error", "expected"),
    [
        ("system_admin", 403, DENIED, "unknown-identifier"),  # who knows what is done to nothing?
        ("system_admin", 501, LICENCE, None),
        ("member", 403, DENIED, "kept"),
        ("member", 404, MISSING, None),
        ("member", 200, "", "200 without permission"),
    ],
)
def test_what_is_said_of_a_thing_that_does_not_exist_blames_nobody_for_a_refusal(contract, by, status, error, expected):
    at = Context(contract, NOW, seen("DeleteGroup", by, status, error))
    verdict = CHECKS["permission"](contract.clauses["DeleteGroup.permission"], at)
    if isinstance(verdict, Unknown):
        assert verdict.reason == expected
    else:
        assert (verdict and ("kept" if verdict.passed else verdict.signature)) == expected


NO_SESSION = "api.context.session_expired.app_error"


def test_where_nothing_but_a_session_is_demanded_whoever_has_none_is_kept_out(contract):
    found = covered(contract, seen("GetZones", "member", 200), seen("GetZones", "anonymous", 401, NO_SESSION))
    assert (found.let_in, found.kept_out) == (1, 1)


@pytest.mark.parametrize(
    ("operation", "status"),
    [("GetZones", 200), ("GetZones", 403), ("GetRetention", 401)],  # the last demands more, which nobody lacks there
)
def test_else_whoever_has_no_session_shows_nothing_of_who_may(contract, operation, status):
    assert covered(contract, seen(operation, "anonymous", status, NO_SESSION if status > 200 else "")).kept_out == 0
