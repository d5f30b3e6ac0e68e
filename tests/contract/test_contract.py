"""The contract says what the documents say, where they say it, and nothing else."""

import shutil
from pathlib import Path

import pytest

from mmconform.contract.build import build
from mmconform.contract.clause import RULES
from mmconform.contract.permission import Every, Holds, Oneself, Requirement, Some
from mmconform.documents.load import SOURCES, load
from mmconform.paths import SPECS
from mmconform.version import Version

CLAUSES = build(load().document).clauses
QUOTED = [clause for clause in CLAUSES.values() if clause.origin == "document" and clause.rule != "media"]
DECLARED = [clause for clause in CLAUSES.values() if clause.origin == "document" and clause.rule == "media"]
OURS = [clause for clause in CLAUSES.values() if clause.origin == "overlay"]


def needs(permission, for_others=None, scope="system"):
    one = Holds(permission, scope)
    return Requirement(demand=Every((one, Some((Oneself(), Holds(for_others, "system"))))) if for_others else one)


# Read off the seeds: who may call, and since when.
PROMISED = {
    "GetUserAccessTokensForUser": (needs("read_user_access_token", "edit_other_users"), Version(4, 1)),
    "CreateUserAccessToken": (needs("create_user_access_token", "edit_other_users"), Version(4, 1)),
    "GetUserAccessTokens": (needs("manage_system"), Version(4, 7)),
    "SearchUserAccessTokens": (needs("manage_system"), Version(4, 7)),
    "RevokeUserAccessToken": (needs("revoke_user_access_token", "edit_other_users"), Version(4, 1)),
    "GetUserAccessToken": (needs("read_user_access_token", "edit_other_users"), Version(4, 1)),
    "DisableUserAccessToken": (needs("revoke_user_access_token", "edit_other_users"), Version(4, 4)),
    "EnableUserAccessToken": (needs("create_user_access_token", "edit_other_users"), Version(4, 4)),
    "GetWebrtcToken": (Requirement(), None),
    "RegenCommandToken": (needs("manage_slash_commands", scope="team"), None),
    "CreateJob": (needs("manage_jobs"), Version(4, 1)),
}


def words(text):
    """The words of a text that is spread over lines, without the headings between them."""
    return [word for line in text.splitlines() if not line.strip().startswith("#") for word in line.split()]


def test_the_contract_has_the_documented_operations_and_no_other(contract):
    assert list(contract.operations) == list(PROMISED)
    assert contract.base == "/api/v4"


@pytest.mark.parametrize("operation", PROMISED)
def test_who_may_call_and_since_when_is_what_the_seeds_say(contract, operation):
    assert (contract.operations[operation].requirement, contract.operations[operation].since) == PROMISED[operation]


def test_only_webrtc_has_ended(contract):
    """It was removed in 5.6 (d1805733fe)."""
    ended = {o.id: o.removed for o in contract.operations.values() if o.removed}
    assert ended == {"GetWebrtcToken": Version(5, 6)}


@pytest.mark.parametrize("operation", PROMISED)
@pytest.mark.parametrize("rule", ["status", "schema", "media", "auth", "permission", "effect"])
def test_every_operation_promises_at_least_this(contract, operation, rule):
    assert list(contract.of(operation, rule))


# What only some descriptions promise.
SOME = {
    "since": set(PROMISED) - {"RegenCommandToken"},
    "secret": {"GetUserAccessTokensForUser", "GetUserAccessTokens", "GetUserAccessToken"},
    "paging": {"GetUserAccessTokensForUser", "GetUserAccessTokens"},
    "input": set(PROMISED) - {"GetWebrtcToken"},
}


@pytest.mark.parametrize("rule", SOME)
def test_a_rule_is_promised_only_where_a_document_or_the_overlay_says_so(contract, rule):
    assert {clause.operation for clause in contract.clauses.values() if clause.rule == rule} == SOME[rule]


@pytest.mark.parametrize("clause", CLAUSES.values(), ids=CLAUSES)
def test_a_clause_is_named_after_its_operation_and_rule(clause):
    operation, rule, *name = clause.id.split(".")
    assert (operation, rule) == (clause.operation, clause.rule) and rule in RULES
    assert bool(name) == (rule == "effect")
    assert CLAUSES[clause.id] is clause


@pytest.mark.parametrize("clause", QUOTED, ids=[clause.id for clause in QUOTED])
def test_a_quotation_stands_where_it_is_said_to_stand(clause, root):
    lines = (root / clause.file).read_text(encoding="utf-8").splitlines()
    quoted = clause.text.split()
    following = words("\n".join(lines[clause.line - 1 : clause.line + 8]))
    begins = following.index(quoted[0])
    assert begins < len(words(lines[clause.line - 1])), "the first word is on the line itself"
    starts = [i for i in range(len(words(lines[clause.line - 1]))) if following[i : i + len(quoted)] == quoted]
    assert len(starts) == 1


@pytest.mark.parametrize("clause", DECLARED, ids=[clause.id for clause in DECLARED])
def test_a_declared_media_type_stands_where_it_is_said_to_stand(clause, root):
    lines = (root / clause.file).read_text(encoding="utf-8").splitlines()
    assert lines[clause.line - 2 : clause.line] == ["produces:", "- application/json"]
    assert clause.text == "Produces application/json."


@pytest.mark.parametrize("clause", OURS, ids=[clause.id for clause in OURS])
def test_what_we_added_names_its_action_and_evidence(clause, root):
    assert clause.file == "specs/overlay.yaml"
    assert (root / clause.file).read_text(encoding="utf-8").splitlines()[clause.line - 1].startswith("- target: ")
    assert clause.evidence


def test_what_the_sources_never_say_is_not_held_against_a_server_as_theirs(contract):
    """The sources describe no refusal, no schema and no body: all that is ours."""
    assert {c.origin for c in contract.clauses.values() if c.rule in ("status", "schema", "input")} == {"overlay"}


def test_the_sentence_about_a_session_is_the_promise_about_anonymous_callers(contract):
    quoted = {c.operation: c.text for c in contract.clauses.values() if c.rule == "auth" and c.origin == "document"}
    assert quoted == {"GetWebrtcToken": "Must be authenticated."}


@pytest.mark.parametrize(("version", "exists"), [("4.0", False), ("4.1", True), ("4.10.2", True), ("11.0.3", True)])
def test_an_operation_exists_from_its_first_version_on(contract, version, exists):
    assert contract.operations["CreateJob"].exists_in(Version.parse(version)) is exists


@pytest.mark.parametrize(("version", "exists"), [("4.0", True), ("5.5.3", True), ("5.6", False), ("11.0.3", False)])
def test_an_operation_that_was_removed_is_gone_from_that_version_on(contract, version, exists):
    assert contract.operations["GetWebrtcToken"].exists_in(Version.parse(version)) is exists


def test_ids_in_requests_are_known_by_what_they_name(contract):
    named = {
        o.id: {p.name: p.resource for p in o.parameters if p.resource} | (dict(o.body.resources) if o.body else {})
        for o in contract.operations.values()
    }
    assert named["GetUserAccessTokensForUser"] == {"user_id": "user"}
    assert named["GetUserAccessToken"] == named["RevokeUserAccessToken"] == {"token_id": "token"}
    assert named["RegenCommandToken"] == {"command_id": "command"}


# -- other documents ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def raw():
    return build(load([SOURCES]).document)


def test_the_raw_seeds_give_a_contract_of_their_own(raw):
    assert len(raw.operations) == 11
    assert {clause.origin for clause in raw.clauses.values()} == {"document"}
    assert all(clause.rule != "schema" for clause in raw.clauses.values()), "the seeds declare no answers"


def test_the_raw_seeds_promise_the_same_in_prose(raw, contract):
    prose = ("permission", "secret", "paging", "effect")
    assert sorted(c.text for c in raw.clauses.values() if c.rule in prose) == sorted(
        c.text for c in contract.clauses.values() if c.rule in prose
    )


DESCRIBED = """\
openapi: 3.1.0
info: {title: A, version: "1"}
paths:
  /a:
    get:
      operationId: A
      responses: {'200': {description: OK}}
      description: """
#: A block that keeps its line ends.
KEPT = """|-
        Get it.

        ##### Permissions
        Must be
        awake. No permissions required.
"""
#: One whose lines are joined.
FOLDED = """>-
        It does this and
        that.
        Must be authenticated.
"""


@pytest.fixture
def described(write):
    """The contract of one operation with a description."""
    return lambda text: build(load([write("a.yaml", DESCRIBED + text)]).document)


def test_a_sentence_that_nobody_understands_is_listed_where_it_stands(described):
    contract = described(KEPT)
    assert [(r.line, r.text, r.reason) for r in contract.remarks] == [(9, "Get it.", None), (12, "Must be awake.", None)]
    assert contract.clauses["A.permission"].line == 13
    assert contract.operations["A"].requirement == Requirement(authenticated=False, is_understood=False)
    assert "A.auth" not in contract.clauses


def test_a_folded_sentence_is_found_on_its_own_line(described):
    assert described(FOLDED).clauses["A.permission"].line == 11


def test_the_digest_is_that_of_the_file_from_wherever_it_is_named(tmp_path, monkeypatch):
    """A record that was kept before an upgrade could not be compared afterwards, called from another folder."""
    folder, copies = tmp_path / "docs", tmp_path / "copies"
    for each in (folder, copies):
        each.mkdir()
        shutil.copy(SPECS / "mattermost.yaml", each / "mine.yaml")
    digests = {build(load([folder / "mine.yaml"]).document).digest, build(load([copies / "mine.yaml"]).document).digest}
    for here, name in ((tmp_path, "docs/mine.yaml"), (folder, "mine.yaml"), (copies, "../docs/mine.yaml")):
        monkeypatch.chdir(here)
        digests.add(build(load([Path(name)]).document).digest)
    assert len(digests) == 1
    (folder / "mine.yaml").write_bytes((folder / "mine.yaml").read_bytes().replace(b"must", b"may"))
    assert build(load([folder / "mine.yaml"]).document).digest not in digests


def test_the_digest_tells_two_documents_apart(raw, contract):
    assert raw.digest != contract.digest
    assert build(load().document).digest == contract.digest
