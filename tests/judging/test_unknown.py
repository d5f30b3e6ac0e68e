"""What is not known is not judged, is counted by its reason, and is shown wherever verdicts are."""

import json
from dataclasses import replace

import pytest

from mmconform.contract.build import build
from mmconform.contract.clause import RULES
from mmconform.documents.load import load
from mmconform.judging.deviations import Deviation
from mmconform.judging.judge import SKIPS, Coverage, Judge
from mmconform.plugin.run import Run
from mmconform.record import record as records
from mmconform.report.markdown import markdown
from mmconform.report.page import page_data
from mmconform.report.summary import skip_reasons, unserved
from mmconform.report.terminal import show
from mmconform.servers.target import Server, Target
from mmconform.version import Version, Versions
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.redact import Redactor
from tests import rows as lines

UNKNOWN = ("unknown-permission", "unknown-relation", "unknown-identifier", "unknown-in-version", "partly-understood")
CLAUSE = "CreateJob.permission"


def target(version="5.36.1"):
    server = Server(Version.parse(version), version, version, "", "team", "")
    return Target(f"recorded:{version}", version, "http://recorded.invalid", server, Redactor(replaying=True))


def deviation(versions, unknown=""):
    spans = Versions.parse(versions, unknown)
    return Deviation(CLAUSE, frozenset({"member"}), spans, "201", "documentation", "r", "e", "2026", "deviations/a.yaml:1")


@pytest.mark.parametrize(
    ("known", "outcome", "standing"),
    [
        (deviation(">=5.0"), "fail", "known"),
        (deviation(">=6.0"), "fail", "new"),
        (deviation(">=6.0", ">=5.36 <6.0"), "skip", ""),
    ],
)
def test_a_deviation_between_the_versions_of_which_it_is_known_is_neither_known_nor_new(contract, known, outcome, standing):
    judge = Judge(contract, target(), [known])
    judge.conclude(CLAUSE, "member", "201", "served", None)
    (seen,) = judge.observations
    assert (seen.outcome, seen.standing) == (outcome, standing)
    assert outcome != "skip" or seen.signature == "unknown-in-version"


@pytest.mark.parametrize("signature", ["200", "201", "204"])
def test_each_signature_of_one_entry_is_known(contract, signature):
    """An entry of several signatures is several deviations with one place."""
    entry = [replace(deviation(">=5.0"), signature=listed) for listed in ("200", "201", "204")]
    judge = Judge(contract, target(), entry)
    judge.conclude(CLAUSE, "member", signature, "served", None)
    (seen,) = judge.observations
    assert (seen.standing, seen.deviation) == ("known", "deviations/a.yaml:1")


@pytest.mark.parametrize(
    ("persona", "status", "error", "documented"),
    [
        ("member", 201, "", "denied"),
        ("member", 403, "api.context.permissions.app_error", "denied"),
        ("system_admin", 201, "", "allowed"),
        ("system_admin", 403, "api.context.permissions.app_error", "allowed"),
        ("system_admin", 500, "store.app_error", ""),
        ("team_bot", 403, "api.context.permissions.app_error", ""),
    ],
)
def test_an_answer_tells_what_is_documented_where_a_check_has_judged_it_by_that(contract, persona, status, error, documented):
    """An error of the server says nothing of who may, and no sentence says what a bot may: these are not judged."""
    answer = json.dumps({"id": error, "message": "x", "status_code": status} if error else {"id": "a" * 26}).encode()
    sent, kind = b'{"type": "message_export"}', {"content-type": "application/json"}
    exchange = Exchange("CreateJob", persona, "other", "POST", "/api/v4/jobs", kind, sent, status, kind, answer)
    for rules, told in ((RULES, documented), (("schema",), "")):
        judge = Judge(contract, target(), [], rules)
        judge.see(exchange)
        assert [row.documented for row in judge.answers] == [told]
        judged = [o for o in judge.observations if o.clause == CLAUSE and o.outcome in ("pass", "fail")]
        assert bool(judged) == bool(told)


@pytest.fixture
def unjudged(record_of):
    """A record in which one promise could not be judged for a reason."""
    return lambda reason, **header: record_of(
        "5.36.1", {"clause": CLAUSE, "outcome": "skip", "signature": reason, "persona": "member"}, **header
    )


@pytest.mark.parametrize("reason", UNKNOWN)
def test_every_reason_is_counted_and_shown_in_every_report(contract, unjudged, tmp_path, reason):
    assert reason in SKIPS
    record = unjudged(reason)
    assert record.footer.reasons[reason] == 1 and skip_reasons(contract, record)[reason] == ["CreateJob"]
    assert f"skipped, {reason}: CreateJob" in show(contract, record, colour=False, width=100)
    assert f"skipped, `{reason}`: `CreateJob`" in markdown(contract, [record])
    shown = page_data(contract, [record], [])
    assert shown["reasons"][reason] and any(f["signature"] == reason for f in shown["findings"])
    records.write(tmp_path / "observations.jsonl", record)
    assert records.read(tmp_path / "observations.jsonl").footer.reasons == record.footer.reasons


def test_a_server_that_is_newer_than_the_data_is_said_to_be(contract, unjudged):
    record = unjudged("partly-understood", newest_known="5.30.0")
    sentence = "5.36.1 is newer than 5.30.0, the newest version of which our data tell: judged by the newest rules"
    assert sentence in " ".join(show(contract, record, colour=False, width=100).split())
    assert sentence in markdown(contract, [record])
    assert page_data(contract, [record], [])["targets"][0]["newest_known"] == "5.30.0"


@pytest.mark.parametrize(("version", "told"), [("11.6.3", ""), ("11.7.0", "11.6.0"), ("12.0.0", "11.6.0")])
def test_the_record_of_a_newer_server_tells_the_newest_version_of_the_data(tmp_path, version, told):
    run, at = Run([], [], reports=tmp_path), target(version)
    assert run.finish(at, "some", []).header.newest_known == told


def test_the_record_keeps_what_the_server_said_of_its_roles(tmp_path, monkeypatch):
    """Of the permissions that the documents name: who reads the record, reads who was entitled."""
    run, at = Run([], [], reports=tmp_path), target()
    asked = replace(at, told_roles={"system_user": frozenset({"manage_jobs", "create_team"})})
    assert run.finish(asked, "some", []).header.roles == {"system_user": ("manage_jobs",)}


@pytest.mark.parametrize(("reached", "in_scope"), [(0, False), (1, True)])
def test_what_could_only_be_asked_about_the_unknown_is_not_said_to_be_unexercised(tmp_path, monkeypatch, reached, in_scope):
    run, at = Run([], [], reports=tmp_path), target()
    rows = [{"clause": "CreateJob.status", "outcome": "pass", "signature": "", "operation": "CreateJob", "rule": "status"}]
    rows = [{**row, "persona": "member", "test": "t", "count": 1} for row in rows]
    about = {"CreateJob": Coverage(sent=3, reached=reached, served=0, puzzling=2)}
    run.take(at.slug, lines.observations(*rows), [], about, 0, is_generated=True)
    footer = run.finish(at, "some", []).footer
    assert ("CreateJob" in footer.not_exercised) is in_scope


ONE = """\
openapi: 3.0.3
info: {{title: {title}, version: '4.0.0'}}
servers: [{{url: "http://x.example/api/v4"}}]
paths:
  /brand/image:
    get: {{operationId: GetBrandImage, description: x, responses: {{"200": {{description: x}}, "404": {{description: x}}}}}}
"""


@pytest.mark.parametrize(("title", "is_red"), [("Ours", True), ("Mattermost API Reference", False)])
def test_of_the_official_description_what_served_nobody_is_told_and_makes_no_run_red(write, tmp_path, title, is_red):
    """Whether an installation has an image of its own its server does not tell: a missing one and a fault are the same 404."""
    run, at = Run([write("one.yaml", ONE.format(title=title))], [], reports=tmp_path), target()
    row = {"clause": "GetBrandImage.status", "outcome": "pass", "signature": "", "operation": "GetBrandImage", "rule": "status"}
    rows = lines.observations({**row, "persona": "member", "test": "t", "count": 1})
    run.take(at.slug, rows, [], {"GetBrandImage": Coverage(sent=1, reached=1)}, 0, is_generated=True)
    record = run.finish(at, "some", [])
    told = "nobody was served, which no answer explains: GetBrandImage"
    assert (record.footer.not_exercised, record.footer.green) == ((("GetBrandImage",), False) if is_red else ((), True))
    assert (told in " ".join(show(run.contract, record, colour=False, width=130).split())) is not is_red


def test_what_can_be_asked_only_about_nothing_is_not_told_as_served_to_nobody(write, tmp_path):
    """An administrator got 200, of a policy that no run can make: a page said served, and the terminal that nobody was."""
    document = ONE.format(title="Mattermost API Reference").replace("/brand/image", "/access_control_policies/{policy_id}")
    policy = (
        "parameters: [{name: policy_id, in: path, required: true, x-resource: access-policy, schema: {type: string}}], responses"
    )
    run, at = Run([write("one.yaml", document.replace("responses", policy, 1))], [], reports=tmp_path), target()
    run.take(at.slug, [], [], {"GetBrandImage": Coverage(sent=1, reached=1, let_in=1)}, 0, is_generated=True)
    record = run.finish(at, "some", [])
    assert unserved(run.contract, record) == ([], ["GetBrandImage"])
    text = " ".join(show(run.contract, record, colour=False, width=200).split())
    assert "asked about what no run can make, so that it is seen who is let in alone: GetBrandImage" in text
    assert "nobody was served" not in text


# -- minimum versions ----------------------------------------------------------------------------------------------------

DOCUMENT = """\
openapi: 3.0.3
info: {{title: T, version: '1'}}
paths:
  /x:
    get:
      operationId: X
      description: |
{text}
      responses: {{'200': {{description: ok}}}}
"""
MIN = "__Minimum server version__: "
EXISTS = {
    "one": ([MIN + "4.1"], {"4.0": False, "4.1": True}),
    "the second is about a part": ([MIN + "3.10", "With a parameter.", MIN + "6.5"], {"3.9": False, "5.36": True}),
    "the same twice": ([MIN + "4.1", MIN + "4.1"], {"4.0": False, "4.1": True}),
    "one after the other": ([MIN + "4.1", MIN + "6.5"], {"4.0": False, "5.0": None, "6.5": True}),
    "the higher first": ([MIN + "6.5", "With a parameter.", MIN + "4.1"], {"4.0": None, "5.0": None, "6.5": True}),
    "with a condition": ([MIN + "5.24 or later with a licence"], {"5.0": None, "5.24": True}),
    "without a number": ([MIN + "soon"], {"4.0": None, "11.0": None}),
}


@pytest.mark.parametrize("case", EXISTS)
def test_since_when_an_operation_is_there_is_said_only_where_that_is_certain(tmp_path, case):
    lines, expected = EXISTS[case]
    path = tmp_path / "x.yaml"
    path.write_text(DOCUMENT.format(text="\n\n".join(f"        {line}" for line in lines)), encoding="utf-8")
    contract = build(load([path]).document)
    operation = contract.operations["X"]
    assert {v: operation.exists_in(Version.parse(v)) for v in expected} == expected
    unclear = None in expected.values()
    assert unclear == any(remark.reason is None and "inimum" in remark.text for remark in contract.remarks)


SESSIONS = {
    "No permission required for open teams.": False,
    "No current authentication required.": False,
    "Local mode only.": False,
    "Anyone may call this.": False,
    "Requires authentication if the server is closed.": False,
    "Authenticated user must have the `add_user_to_team` permission somewhere.": True,
    "If updating an old channel, `manage_public_channel_members` permission is required.": True,
}


@pytest.mark.parametrize("sentence", SESSIONS)
def test_a_sentence_that_may_let_somebody_in_leaves_no_promise_about_sessions(tmp_path, sentence):
    path = tmp_path / "x.yaml"
    text = DOCUMENT.format(text=f"        ##### Permissions\n        {sentence}").replace("paths:", "security: [{s: []}]\npaths:")
    path.write_text(text, encoding="utf-8")
    requirement = build(load([path]).document).operations["X"].requirement
    assert requirement.is_understood is False
    assert (requirement.authenticated is True) == SESSIONS[sentence]


@pytest.mark.parametrize(
    ("status", "error", "seen"),
    [
        (404, "app.thing.missing", ("skip", "undeclared-refusal")),
        (501, "api.thing.license.error", ("skip", "undeclared-refusal")),
        (404, "", ("fail", "404")),  # whose is it?
        (500, "app.thing.broken", ("fail", "500 app.thing.broken")),
        (202, "", ("fail", "202")),
    ],
)
def test_a_refusal_that_the_official_description_does_not_declare_is_a_gap_in_it(contract, status, error, seen):
    answer = json.dumps({"id": error} if error else {}).encode()
    url = contract.base + contract.operations["CreateJob"].path
    exchange = Exchange("CreateJob", "member", "other", "POST", url, {}, b'{"type": "x"}', status, {}, answer)
    for tells_gaps, expected in ((True, seen), (False, ("fail", f"{status} {error}".strip()))):
        judge = Judge(contract, target("4.10.10"), [], tells_gaps=tells_gaps)  # of which our document tells, were it official
        judge.see(exchange, contract.of("CreateJob", "status"))
        assert [(o.outcome, o.signature) for o in judge.observations] == [expected]


DATED = """\
openapi: 3.0.0
info: {title: Mattermost API Reference, version: "1"}
servers: [{url: /api/v4}]
paths:
  /old: {get: {operationId: Old, responses: {"200": {description: x, content: {application/json: {schema: {type: array}}}}}}}
  /dated:
    get:
      operationId: Dated
      description: "__Minimum server version__: 9.2"
      responses: {"200": {description: x, content: {application/json: {schema: {type: array}}}}}
"""
GONE = {"id": "api.context.404.app_error", "message": "no", "detailed_error": "", "status_code": 404}


@pytest.mark.parametrize(
    ("version", "operation", "status", "answer", "rule", "outcome"),
    [
        ("9.11.2", "Old", 200, {}, "schema", "fail"),
        ("9.1.0", "Old", 200, {}, "schema", "fail"),  # a description is a little ahead of its release
        ("8.1.0", "Old", 200, {}, "schema", "skip"),
        ("10.8.1", "Old", 200, {}, "schema", "skip"),
        ("10.8.1", "Dated", 200, {}, "schema", "skip"),
        ("10.8.1", "Old", 500, {}, "status", "fail"),
        ("10.8.1", "Old", 501, {}, "status", "skip"),
        ("10.0.1", "Old", 200, {}, "schema", "fail"),  # of which the own description may tell nothing new
        ("10.8.1", "Dated", 404, GONE, "since", "skip"),
        ("8.1.0", "Dated", 200, [], "since", "fail"),  # it is there before the version that is told
        ("9.11.2", "Dated", 404, GONE, "since", "fail"),
    ],
)
def test_by_a_description_of_another_major_version_nobody_is_blamed(write, version, operation, status, answer, rule, outcome):
    """What a server does otherwise may be the description's age, but for what is wrong at any."""
    dated = build(load([write("document.yaml", DATED)]).document)
    judge = Judge(dated, target(version), [], tells_gaps=True, vouches=False)
    told = json.dumps(answer).encode()
    headers = {"content-type": "application/json"}
    asked = dated.operations[operation]
    judge.see(Exchange(operation, "member", "nobody", "GET", f"/api/v4{asked.path}", {}, None, status, headers, told))
    (seen,) = [one for one in judge.observations if one.clause == f"{operation}.{rule}"]
    assert seen.outcome == outcome
    assert outcome != "skip" or seen.signature == "unknown-in-version"
    plain = Judge(dated, target(version), [], vouches=False)  # others' documents are of no version of Mattermost's
    plain.conclude(f"{operation}.{rule}", "member", "x", "seen", None)
    assert plain.observations[0].outcome == "fail"
