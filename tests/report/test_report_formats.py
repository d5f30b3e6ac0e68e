"""One record, many readers: JUnit XML, Markdown, annotations and SARIF say what the record says, whatever a server said."""

import json
import re
from contextlib import ExitStack
from dataclasses import replace
from typing import get_args
from xml.etree import ElementTree as ET

import pytest
from filelock import FileLock
from msgspec import structs

from mmconform.commands.cli import main
from mmconform.errors import MisuseError
from mmconform.judging import deviations
from mmconform.paths import REPORTS
from mmconform.record import record
from mmconform.record.rows import FindingStanding, NotPlayedRow
from mmconform.report.badge import badge
from mmconform.report.failure import failures
from mmconform.report.github import github
from mmconform.report.har import har
from mmconform.report.junit import junit
from mmconform.report.markdown import markdown
from mmconform.report.sarif import sarif
from mmconform.report.summary import problems, summarise
from mmconform.servers.target import resolve
from mmconform.version import Version
from mmconform.world.people import MADE, PERSONAS
from tests.rows import changes, findings, header, make_record, observations, operations

#: What a server could put into an answer to break out of a report, or into a terminal.
HOSTILE = (
    "]]></failure><x/>\x00\x1b[31m\x08\ud800\ufffe\u202e\r\n::error file=x::gotcha\n"
    "%0A::set-env::100% `` ``` | </details><script>alert(1)</script> @everyone **bold** ![i](http://x) \u2028--> ​"
)
VERSION = Version(5, 36, 1)


def row(clause, outcome, persona="member", **more):
    operation, rule = clause.split(".")[:2]
    seen = {"clause": clause, "operation": operation, "rule": rule, "persona": persona, "test": "t", "outcome": outcome}
    return {**seen, "count": 1, "signature": "", "seen": "…", **more}


def failing(clause, standing="new", text="500 x", **more):
    evidence = {"method": "PUT", "url": f"/api/v4/x?q={text}", "body": text, "status": 500, "media": text, "answer": text}
    return row(
        clause,
        "fail",
        standing=standing,
        signature=text,
        seen=text,
        evidence={**evidence, "about": "other", "which": f"a team of {text}"},
        **more,
    )


@pytest.fixture
def make(contract):
    """A record of some rows, with the footer that a run would give it."""

    def make(*rows, served=1, errors=0, not_taped=0, **server):
        ids = {r["operation"] for r in rows}
        rows = observations(*rows)
        asked = operations(
            *(
                {"operation": id_, "in_scope": id_ in ids, "sent": 3, "reached": 2, "served": served, "exercised": served > 0}
                for id_ in contract.operations
            )
        )
        footer = summarise(
            *(contract, VERSION, rows, asked, deviations.load(contract)),
            errors=errors,
            not_taped=not_taped,
            is_whole=False,
            finished="2026-11-22T00:00:09Z",
        )
        return make_record(header(spec=contract.digest, server=server), rows, asked, footer)

    return make


def cases(text):
    return {(c.get("classname"), c.get("name")): c for c in ET.fromstring(text.encode()).iter("testcase")}


def properties(case):
    return {p.get("name"): p.get("value") for p in case.findall("properties/property")}


def as_sarif(contract, *records):
    return json.loads(sarif(contract, records, deviations.load(contract)))


# -- JUnit ---------------------------------------------------------------------------------------------------------


def test_junit_names_operation_rule_and_persona(contract, make):
    one = make(row("CreateJob.status", "pass"), row("RevokeUserAccessToken.effect.revokes", "pass", "token_user"))
    found = cases(junit(contract, [one]))
    assert {("CreateJob", "status as member"), ("RevokeUserAccessToken", "effect.revokes as token_user")} <= found.keys()
    case = found["CreateJob", "status as member"]
    clause = contract.clauses["CreateJob.status"]
    assert properties(case) == {"clause": clause.id, "place": clause.place}
    assert [child.tag for child in case] == ["properties"]


def test_junit_has_one_case_for_all_that_a_persona_saw_of_a_clause(contract, make):
    """The worst decides, and the failure tells of the new one only."""
    rows = [row("CreateJob.status", "pass"), failing("CreateJob.status", "known", "500 old"), failing("CreateJob.status")]
    case = cases(junit(contract, [make(*rows)]))["CreateJob", "status as member"]
    assert properties(case)["standing"] == "new" and properties(case)["signature"] == "500 x; 500 old"
    [failure] = case.findall("failure")
    assert failure.get("message") == "500 x" and failure.get("type") == "status"
    assert "CreateJob.status is not kept" in failure.text and "500 old" not in failure.text
    assert "repeat    curl -i -X PUT" in failure.text and "- clause: CreateJob.status" in failure.text


def test_junit_does_not_fail_for_a_known_deviation_but_tells_it(contract, make):
    case = cases(junit(contract, [make(failing("CreateJob.status", "known"))]))["CreateJob", "status as member"]
    assert case.find("failure") is None
    assert properties(case)["standing"] == "known"
    assert case.find("system-out").text.startswith("known deviation\nCreateJob.status is not kept")


def test_junit_tells_what_was_kept_though_it_is_known_to_be_broken(contract, make):
    """Of whoever should have met it, with the reason; another one who saw it kept is no news, and nobody is a failure."""
    listed = deviations.load(contract)
    broken = next(
        d for d in listed if d.clause == "CreateUserAccessToken.status" and d.is_in(VERSION) and d.personas < {*PERSONAS, *MADE}
    )
    [of_it, *_], other = sorted(broken.personas), next(p for p in PERSONAS if p not in broken.personas)
    text = junit(contract, [make(*(row(broken.clause, "pass", persona) for persona in (of_it, other)))], listed)
    suite = ET.fromstring(text.encode()).find("testsuite")
    assert properties(suite)["kept_though_known"] == broken.clause and suite.get("failures") == suite.get("errors") == "0"
    case, plain = (cases(text)["CreateUserAccessToken", f"status as {persona}"] for persona in (of_it, other))
    assert properties(case)["standing"] == "kept though known" and "standing" not in properties(plain)
    for said in (case.find("system-out").text, suite.find("system-out").text):
        assert said.startswith("kept by what was asked here; known to be broken in this version, and not met\n")
        assert broken.signature in said and " ".join(broken.reason.split()) in said
    assert plain.find("system-out") is None and f"{broken.clause}: " in suite.find("system-out").text
    met = junit(contract, [make(failing(broken.clause, "known", broken.signature, persona=of_it))], listed)
    assert "though" not in met


def test_junit_gives_the_reason_of_a_skip_and_of_what_was_not_seen(contract, make):
    rows = [
        row("CreateJob.status", "skip", "everyone", signature="not-in-version", seen="not-in-version"),
        row("CreateJob.media", "error", signature="no connection", seen="no connection: refused"),
        row("CreateJob.auth", "pass"),
    ]
    found = cases(junit(contract, [make(*rows)]))
    assert found["CreateJob", "status as everyone"].find("skipped").get("message") == "not-in-version"
    assert found["CreateJob", "media as member"].find("error").get("message") == "no connection: refused"
    assert found["CreateJob", "schema as anybody"].find("skipped").get("message").startswith("unobserved")


def test_junit_counts_what_it_holds(contract, make):
    one, other = make(failing("CreateJob.status"), row("CreateJob.auth", "pass")), make(row("CreateJob.auth", "pass"))
    text = junit(contract, [replace(one, footer=structs.replace(one.footer, seconds=4.5)), other])
    root = ET.fromstring(text.encode())
    for level in (root, *root):
        for counted, element in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(level.get(counted)) == len(list(level.iter(element))), counted
    assert root.get("failures") == "1" and len(root) == 2
    assert root[0].get("name") == "recorded:5.36.1" and [suite.get("time") for suite in root] == ["4.5", "9.0"]
    assert [properties(suite)["elapsed"] for suite in root] == ["9.0", "9.0"], "of the tests alone, and of the run"


# -- Markdown ------------------------------------------------------------------------------------------------------


def test_markdown_begins_with_how_many_promises_were_verified(contract, make):
    one = make(row("CreateJob.auth", "pass"), failing("CreateJob.input", "known"), failing("CreateJob.status"))
    text = markdown(contract, [one])
    assert f"Verified 3 of {len(contract.clauses)} promises: 1 new, 1 known." in text
    assert "| ❌ red | `Mattermost 5.36.1` | `recorded:5.36.1` |" in text
    [cells] = [line for line in text.split("\n") if line.startswith("| `CreateJob`")]
    assert cells.replace("| `CreateJob` |", "").split("|")[0].strip() == "✖"


NOT_HAD = {"guest": "a guest calls with a token, and these are off"}
NOT_PLAYED = NotPlayedRow("suites/generated/test_principles.py::test_forbidden[x]", "not-on-this-target", "it changes settings")


def test_markdown_says_as_whom_nobody_asked_and_what_the_suites_left_out(contract, make):
    one = make(row("CreateJob.auth", "pass"))
    footer = structs.replace(one.footer, absent=NOT_HAD, not_played=(NOT_PLAYED,), unanswered={"GetUser": 1})
    text = markdown(contract, [replace(one, footer=footer)])
    assert "- nobody asked as `guest`: `a guest calls with a token, and these are off`\n" in text
    assert "- not played: `not-on-this-target: test_forbidden (it changes settings)`\n" in text
    assert "- no answer in time: `1 request of principles, which so show nothing: GetUser (1)`\n" in text
    assert "nobody asked" not in markdown(contract, [one]) and "no answer" not in markdown(contract, [one])


def test_markdown_of_a_part_says_so(contract, make):
    one = make(row("CreateJob.auth", "pass"))
    text = markdown(contract, [of_a_part(one)])
    assert "- of a part only: `-k word`" in text and "| ✅ green (a part) |" in text
    assert "part" not in markdown(contract, [one])


def test_markdown_shows_only_what_is_new_in_full(contract, make):
    text = markdown(contract, [make(failing("CreateJob.input", "known", "200 old"), failing("CreateJob.status"))])
    assert "### ✖ `CreateJob.status` as member" in text and "- clause: CreateJob.status" in text
    assert "200 old" not in text and "### ✖ `CreateJob.input`" not in text


def test_markdown_folds_the_tables_of_several_records(contract, make):
    assert "<details>" not in markdown(contract, [make(row("CreateJob.auth", "pass"))])
    assert markdown(contract, [make(row("CreateJob.auth", "pass"))] * 2).count("<details>") == 2


def test_markdown_and_badge_say_how_many_promises_were_kept_though_they_are_known_to_be_broken(contract, make):
    listed = deviations.load(contract)
    broken = next(d for d in listed if d.clause == "CreateJob.status" and d.is_in(VERSION) and not d.is_rare)
    one = make(row(broken.clause, "pass"), row("CreateJob.auth", "pass"))
    text = markdown(contract, [one], listed)
    assert re.search(r"^\| `CreateJob` \|.* ◑ \|", text, re.MULTILINE) and "◑ kept by what was asked here" in text
    assert "0 new, 0 known, 1 kept though known." in text and "| 2, 1 though known | 0 |" in text
    assert "- kept by what was asked here; known to be broken in this version, and not met: `CreateJob.status`" in text
    assert json.loads(badge(contract, [one], listed))["message"] == "2 kept (1 though known), 0 known, 0 new"
    met = make(failing(broken.clause, "known", broken.signature), row("CreateJob.auth", "pass"))
    assert "though known" not in markdown(contract, [met], listed) + badge(contract, [met], listed)


# -- annotations ---------------------------------------------------------------------------------------------------

COMMAND = re.compile(r"::(?P<level>error|notice) (?P<given>[^:]*)::(?P<message>[^\r\n]*)")


def commands(text):
    """The annotations as GitHub's runner reads them."""

    def unescape(value):
        for character, code in (("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C"), ("%", "%25")):
            value = value.replace(code, character)
        return value

    read = [COMMAND.fullmatch(line) for line in text.splitlines()]
    assert all(read), text
    return [
        ({k: unescape(v) for k, _, v in (part.partition("=") for part in m["given"].split(","))}, unescape(m["message"]))
        for m in read
    ]


def test_an_annotation_stands_beside_the_promise(contract, make):
    clause = contract.clauses["CreateJob.permission"]
    [(given, message)] = commands(github(contract, [make(failing(clause.id))]))
    assert given == {"file": clause.file, "line": str(clause.line), "title": clause.id}
    by = "asked by member (about somebody else's, in a team of 500 x)"
    assert message.startswith(f"“{clause.text}” is not kept by Mattermost 5.36.1\n500 x, {by}\ncurl ")


def test_there_are_no_annotations_for_what_is_known(contract, make):
    assert github(contract, [make(failing("CreateJob.status", "known"), row("CreateJob.auth", "pass"))]) == ""


def test_what_several_targets_and_personas_show_is_one_annotation(contract, make):
    one = make(failing("CreateJob.status"), failing("CreateJob.status", persona="outsider"))
    other = make(failing("CreateJob.status"), name="11.0.3")
    [(_, message)] = commands(github(contract, [one, other]))
    assert "5.36.1, 11.0.3" in message and "member, outsider" in message


# -- what contradicts a principle ----------------------------------------------------------------------------------


def contradicted(one, **more):
    """The record with a finding of each standing; one of the reference server that shows what it should not."""
    side = {"method": "GET", "url": "/api/v4/users", "status": 200, "credential": "member's session"}
    about = {"principle": "hidden", "operation": "GetUserAccessToken", "beside": "CreateJob", "personas": ["member"]}
    about |= {"field": "token", "seen": "`token` is shown", "evidence": [side], **more}
    told = [{**about, "standing": standing} for standing in get_args(FindingStanding)]
    return replace(one, findings=findings(*told))


def test_what_contradicts_a_principle_stands_apart_and_makes_nothing_red(contract, make):
    one = contradicted(make(row("CreateJob.auth", "pass")))
    text = markdown(contract, [one])
    assert (
        "| ✅ green |" in text
        and "What contradicts one breaks no promise: 1 new, 1 known, 1 gap of the document (new: no entry" in text
    )
    new, folded = text[text.index("### Principles") :].split("<details>")
    assert new.count("\n- ") == 1 and folded.count("\n- ") == 2
    assert "- ✖ hidden: `GetUserAccessToken`, `token`, beside `CreateJob`, for member: `` `token` is shown ``\n" in new
    [(given, message)] = commands(github(contract, [one, one]))
    assert given == {"title": "principle hidden: GetUserAccessToken, token"}
    assert message == (
        "`token` is shown, for member, by Mattermost 5.36.1; it breaks no promise\nGET /api/v4/users by member's session: 200"
    )
    assert github(contract, [one]).startswith("::notice ")
    [invocation] = as_sarif(contract, one)["runs"][0]["invocations"]
    [note] = invocation["toolExecutionNotifications"]
    assert invocation["executionSuccessful"] and (note["level"], note["descriptor"]["id"]) == ("note", "principle-hidden")
    assert note["message"]["text"].startswith("GetUserAccessToken, token: `token` is shown, for member")


def test_a_run_without_findings_says_nothing_of_principles(contract, make):
    assert "rinciple" not in markdown(contract, [make(row("CreateJob.auth", "pass"))])


def test_a_hostile_finding_does_not_break_out(contract, make):
    side = {"method": "GET", "url": HOSTILE, "status": 200, "credential": "member's session"}
    one = contradicted(make(row("CreateJob.auth", "pass")), field=HOSTILE, seen=HOSTILE, evidence=[side])
    for text in (markdown(contract, [one]), github(contract, [one]), sarif(contract, [one], [])):
        assert not steering(text) and "gotcha" in text
    assert len(commands(github(contract, [one]))) == 1
    without_code = re.sub(r"(?s)(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", markdown(contract, [one]))
    assert not any(word in without_code for word in ("gotcha", "script", "everyone", "**bold**"))


# -- SARIF ---------------------------------------------------------------------------------------------------------


def test_sarif_points_at_the_very_sentence(contract, make, root):
    log = as_sarif(contract, make(*(failing(id_) for id_ in contract.clauses if id_.split(".")[1] in ("permission", "auth"))))
    [run] = log["runs"]
    assert len(run["results"]) > 15
    for result in run["results"]:
        clause = contract.clauses[result["ruleId"]]
        [location] = result["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"] == {"uri": clause.file, "uriBaseId": "%SRCROOT%"}
        line = (root / clause.file).read_text(encoding="utf-8").split("\n")[place["region"]["startLine"] - 1]
        if clause.origin == "document":
            words = re.sub(r"[\s*#]+", " ", line).strip()
            assert words and words in re.sub(r"\s+", " ", clause.text), f"{clause.place}: {line}"
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == clause.id


def test_sarif_holds_what_the_standard_requires(contract, make):
    """Sections 3.13, 3.14, 3.19, 3.20, 3.27, 3.35 and 3.49 of SARIF 2.1.0."""
    text = "500 app.job.save.app_error"
    place = next(d.place for d in deviations.load(contract) if (d.clause, d.signature) == ("CreateJob.status", text))
    known = failing("CreateJob.status", "known", text, persona="system_admin", deviation=place)
    log = as_sarif(contract, make(known, failing("CreateJob.auth")), make(row("CreateJob.auth", "pass"), not_taped=2))
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json") and len(log["runs"]) == 2
    for run in log["runs"]:
        assert run["automationDetails"]["id"].endswith("/")
        ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert len(set(ids)) == len(ids) and all(rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"])
        for invocation in run["invocations"]:
            assert isinstance(invocation["executionSuccessful"], bool)
            assert all(note["message"]["text"] for note in invocation["toolExecutionNotifications"])
        for result in run["results"]:
            assert result["message"]["text"] and result["occurrenceCount"] >= 1
            assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in result["partialFingerprints"].values())
            assert all(place["physicalLocation"]["region"]["startLine"] >= 1 for place in result["locations"])
    first, second = log["runs"]
    assert [result["level"] for result in first["results"]] == ["error", "note"]
    new, note = first["results"]
    assert "suppressions" not in new
    [suppression] = note["suppressions"]
    assert suppression["kind"] == "external" and suppression["status"] == "accepted"
    assert suppression["justification"].startswith("ambiguous: ") and "deviations/jobs.yaml:" in suppression["justification"]
    assert [i["executionSuccessful"] for run in (first, second) for i in run["invocations"]] == [True, False]


def test_the_same_finding_has_the_same_fingerprint_in_another_version(contract, make):
    one, other = make(failing("CreateJob.status")), make(failing("CreateJob.status", persona="outsider"), name="11.0.3")
    log = as_sarif(contract, one, other)
    fingerprints = [run["results"][0]["partialFingerprints"] for run in log["runs"]]
    assert fingerprints[0] == fingerprints[1]


# -- all of them ---------------------------------------------------------------------------------------------------


def reds(contract, one):
    """Whether each format says that the run is not green."""
    log = as_sarif(contract, one)["runs"][0]
    xml = ET.fromstring(junit(contract, [one]).encode())
    return {
        "junit": int(xml.get("failures")) + int(xml.get("errors")) > 0,
        "markdown": "| ❌ red |" in markdown(contract, [one]),
        "github": github(contract, [one]) != "",
        "sarif": any(r["level"] == "error" for r in log["results"]) or not log["invocations"][0]["executionSuccessful"],
        "badge": json.loads(badge(contract, [one]))["color"] != "brightgreen",
    }


@pytest.mark.parametrize(
    ("rows", "more"),
    [
        ([row("CreateJob.auth", "pass")], {}),
        ([failing("CreateJob.status", "known")], {}),
        ([row("CreateJob.auth", "skip", signature="needs-licence")], {}),
        ([failing("CreateJob.status")], {}),
        ([row("CreateJob.auth", "error", signature="no answer")], {}),
        ([row("CreateJob.auth", "pass")], {"served": 0}),
        ([row("CreateJob.auth", "pass")], {"errors": 1}),
        ([row("CreateJob.auth", "pass")], {"not_taped": 1}),
        ([], {}),
    ],
    ids=["kept", "known", "skipped", "new", "unseen", "not exercised", "broken test", "not taped", "nothing"],
)
def test_every_format_is_red_when_the_record_is(contract, make, rows, more):
    one = make(*rows, **more)
    assert reds(contract, one) == dict.fromkeys(("junit", "markdown", "github", "sarif", "badge"), not one.footer.green)


def test_a_fixed_deviation_makes_every_format_red(contract, make):
    one = make(row("CreateJob.auth", "pass"))
    one = replace(one, footer=structs.replace(one.footer, fixed=("deviations/jobs.yaml:4 CreateJob.input",), green=False))
    assert all(reds(contract, one).values())
    assert [kind for kind, _ in problems(one)] == ["fixed"]


def test_a_new_change_makes_every_format_red(contract, make):
    one = make(row("CreateJob.auth", "pass"))
    change = {"against": "recorded:5.30.3", "clause": "CreateJob.status", "personas": ["member"], "standing": "new"}
    change |= {"operation": "CreateJob", "of": "answer", "effect": "different", "count": 1}
    changed = replace(
        one, changes=changes({**change, "before": "201", "after": HOSTILE}), footer=structs.replace(one.footer, green=False)
    )
    assert all(reds(contract, changed).values())
    assert all(not steering(text) for text in (github(contract, [changed]), markdown(contract, [changed])))
    known = replace(one, changes=changes({**change, "before": "201", "after": "400", "standing": "known"}))
    assert not any(reds(contract, known).values())


@pytest.mark.parametrize(
    ("told", "says"), [({"request": "a/b/c", "number": 2}, "for member, first in answer 2 of a/b/c; "), ({}, "for member; ")]
)
def test_a_new_change_says_which_answer_of_which_test_showed_it_where_one_did(make, told, says):
    change = {"against": "recorded:5.30.3", "clause": "CreateJob.status", "personas": ["member"], "standing": "new", **told}
    change |= {"operation": "CreateJob", "of": "answer", "effect": "different", "count": 1, "before": "201", "after": "400"}
    ((kind, sentence),) = problems(replace(make(row("CreateJob.auth", "pass")), changes=changes(change)))
    assert kind == "changed" and says in sentence


@pytest.fixture
def hostile(make):
    return make(
        failing("CreateJob.status", text=HOSTILE),
        failing("CreateJob.input", "known", HOSTILE),
        row("CreateJob.media", "error", signature=HOSTILE, seen=HOSTILE),
        name=HOSTILE,
        build=HOSTILE,
    )


def steering(text):
    return {c for c in text if not c.isprintable() and c != "\n"}


def test_a_hostile_answer_does_not_break_out_of_junit(contract, hostile):
    text = junit(contract, [hostile])
    found = cases(text)
    assert not steering(text) and len(found) == len(set(found))
    assert not list(ET.fromstring(text.encode()).iter("x"))
    assert "gotcha" in found["CreateJob", "status as member"].find("failure").text


def test_a_hostile_answer_does_not_break_out_of_an_annotation(contract, hostile):
    text = github(contract, [hostile])
    assert not steering(text)
    assert [given.get("title") for given, _ in commands(text)] == ["error", "CreateJob.status"]
    assert "100% ``" in commands(text)[1][1]


def test_a_hostile_answer_does_not_break_out_of_sarif(contract, hostile):
    text = sarif(contract, [hostile], deviations.load(contract))
    assert not steering(text)
    assert len(json.loads(text)["runs"][0]["results"]) == 2


def test_a_hostile_answer_does_not_break_out_of_markdown(contract, hostile):
    """Outside of code, nothing that the server said is left."""
    text = markdown(contract, [hostile])
    assert not steering(text) and "gotcha" in text
    without_blocks = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", text)
    without_code = re.sub(r"(?s)(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", without_blocks)
    for word in ("gotcha", "script", "everyone", "**bold**", "</details>", "http://x"):
        assert word not in without_code, word
    assert re.search(r"(?m)^(`{4,})text$", text), "the block's fence is longer than any in the answer"
    overview = [line for line in text.split("\n") if line.startswith("| ❌")]
    assert len(overview) == 1 and len(re.findall(r"(?<!\\)\|", overview[0])) == 9, "no cell more than there are columns"


def test_a_failure_cannot_steer_a_terminal(contract, hostile):
    for failure in failures(contract, hostile):
        assert not steering(failure.explain())


# -- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def reports(tmp_path, contract, make):
    """Two records in a folder of reports."""
    for name in ("11.0.3", "5.36.1"):
        one = make(failing("CreateJob.status"), name=name, version=name)
        header = structs.replace(one.header, target=f"recorded:{name}")
        record.write(tmp_path / name / record.NAME, replace(one, header=header))
    return tmp_path


def test_records_are_found_by_file_folder_and_target(reports):
    path = reports / "5.36.1" / record.NAME
    for name in (str(path), str(path.parent), "recorded:5.36.1", "5.36.1"):
        assert record.find([name], reports) == [path]
    assert record.find([reports, path], reports) == [reports / "11.0.3" / record.NAME, path]


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        ("whole-11.1.0", ["recorded:11.1.0/whole", "11.1.0/whole", "whole-11.1.0"]),
        ("127.0.0.1-8065", ["http://127.0.0.1:8065", "http://127.0.0.1:8065/api/v4", "127.0.0.1:8065", "127.0.0.1-8065"]),
        ("chat.example.org-sub", ["https://chat.example.org/sub", "chat.example.org-sub"]),
        ("reference-5.36.1", ["reference@5.36.1", "reference-5.36.1"]),
        ("5.36.1", ["v5.36.1"]),
    ],
)
def test_a_record_is_found_by_its_target_and_by_the_name_of_its_folder(tmp_path, folder, names):
    path = tmp_path / folder / record.NAME
    path.parent.mkdir()
    path.write_text("{}")
    assert [record.find([name], tmp_path) for name in names] == [[path]] * len(names)


@pytest.mark.parametrize("parts", ["5.36", "recorded:5.36", "v5.36", "recorded:5", "11.0"])
def test_the_first_parts_of_a_version_find_the_record_of_what_runs_take_them_for(reports, parts):
    (target,) = resolve(parts)
    assert record.find([parts], reports) == [reports / target.slug / record.NAME]


def test_messages_name_a_record_by_what_can_be_typed_again():
    assert record.name_of(REPORTS / "whole-11.1.0" / record.NAME, "recorded:11.1.0/whole") == "recorded:11.1.0/whole"
    assert record.name_of(REPORTS / "saved" / "nobodys" / record.NAME, "recorded:11.1.0/whole").startswith(
        "reports/saved/nobodys/"
    )


def test_records_of_the_reference_server_have_to_be_named(reports):
    """A folder of reports holds a hundred of them after `mmconform prove`."""
    mutant = reports / "reference-get-tells-the-value" / record.NAME
    mutant.parent.mkdir()
    mutant.write_text("{}")
    assert mutant not in record.find([reports], reports)
    assert record.find([mutant.parent], reports) == record.find([mutant.parent.name], reports) == [mutant]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("recorded:9.9.9", "no record `recorded:9.9.9`, and no tape of version `9.9.9`; there are 4.0.5, "),
        ("9.11", "no record `9.11`; `pytest --target 9.11` makes"),
        ("5.3", "no record `5.3`, and no tape of version `5.3`; there are 4.0.5, "),
        ("11.6.0", "no record `11.6.0`, and no tape of version `11.6.0`, but of 11.6.0-dev; there are 4.0.5, "),
        ("11.1/whole", "no record `11.1/whole`, and no tape of the whole API `11.1/whole`; there are 10.8.1/whole, "),
        ("http://127.0.0.1:9", "no record `http://127.0.0.1:9`; `pytest --target http://127.0.0.1:9` makes"),
        ("nothing", "no record `nothing`; `pytest --target …` makes"),
        ("11.1.0/whole", "no record `11.1.0/whole`; `pytest --target 11.1.0/whole --spec=FILE` makes"),
        ("reports/none", "no record `reports/none`: there is no such file or folder"),
    ],
)
def test_a_record_that_is_not_there_is_one_clear_line(reports, name, says):
    with pytest.raises(MisuseError, match=re.escape(says)):
        record.find([name], reports)


@pytest.mark.parametrize("name", ["5.36.1", "{}/5.36.1", "{}"])
def test_where_only_the_record_of_the_run_before_is_it_is_named(reports, name):
    for folder in ("11.0.3", "5.36.1"):
        record.set_aside(reports / folder / record.NAME)
    with pytest.raises(
        MisuseError, match=r"the last run came to no end, or goes on; that of the run before is .*observations\.previous"
    ):
        record.find([name.format(reports)], reports)


@pytest.mark.parametrize(
    ("is_held", "says"),
    [(True, "a run is in progress, and has no record before its end"), (False, "the last run came to no end")],
)
def test_of_a_live_server_it_is_known_whether_a_run_goes_on(reports, is_held, says):
    """The lock is there from its first request on, and stays as a file after whoever was killed with it."""
    folder = reports / "127.0.0.1-9"
    folder.mkdir()
    with ExitStack() as held:
        lock = FileLock(folder / record.LOCK)
        held.enter_context(lock)
        if is_held:
            with pytest.raises(MisuseError, match=f"no record `127.0.0.1:9`: {says}$"):
                record.find(["127.0.0.1:9"], reports)
        else:
            held.close()
            (folder / record.LOCK).touch()
        (folder / record.PREVIOUS).touch()
        with pytest.raises(MisuseError, match=f"no record `127.0.0.1:9`: {says}; that of the run before is "):
            record.find(["127.0.0.1:9"], reports)


@pytest.mark.parametrize("format_", ["junit", "markdown", "github", "sarif"])
def test_the_command_writes_every_format(reports, tmp_path, capsys, format_):
    to = tmp_path / "there"
    records = [str(reports / name) for name in ("5.36.1", "11.0.3")]
    assert main(["report", *records, "--format", format_, "--output", str(to)]) == 0
    assert capsys.readouterr() == ("", "")
    assert "11.0.3" in to.read_text(encoding="utf-8") and "CreateJob" in to.read_text(encoding="utf-8")


def test_a_record_of_other_documents_is_not_explained_by_ours(command, reports):
    path = reports / "5.36.1" / record.NAME
    digest = json.loads(path.read_text().split("\n")[0])["spec"]
    path.write_text(path.read_text().replace(digest, "0" * 64))
    done = command("report", path, "--format", "junit")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "the record of recorded:5.36.1 was judged against other documents" in done.stderr and done.stderr.count("\n") == 1


# -- a badge -------------------------------------------------------------------------------------------------------


def test_a_badge_counts_the_promises_of_one_server_and_the_green_of_several(contract, make):
    green, red = make(row("CreateJob.auth", "pass"), name="11.0.3"), make(failing("CreateJob.status"), name="5.36.1")
    assert json.loads(badge(contract, [green])) == {
        "schemaVersion": 1,
        "label": "Mattermost 11.0.3",
        "message": "1 kept, 0 known, 0 new",
        "color": "brightgreen",
    }
    assert json.loads(badge(contract, [red]))["color"] == "red"
    several = json.loads(badge(contract, [green, red]))
    assert (several["label"], several["message"], several["color"]) == ("Mattermost API v4", "1 of 2 servers green", "red")


def test_a_badge_of_a_run_with_an_error_is_not_green_and_says_so(contract, make):
    unseen = json.loads(badge(contract, [make(row("CreateJob.auth", "error", signature="no answer"))]))
    assert (unseen["color"], unseen["message"]) == ("orange", "0 kept, 0 known, 0 new, 1 error")


def of_a_part(one):
    return replace(one, header=structs.replace(one.header, selection="-k word"))


def test_a_badge_of_a_part_says_so_and_is_not_green(contract, make):
    part, whole = of_a_part(make(row("CreateJob.auth", "pass"))), make(row("CreateJob.auth", "pass"))
    said = json.loads(badge(contract, [part]))
    assert (said["color"], said["message"]) == ("lightgrey", "part: 1 kept, 0 known, 0 new")
    said = json.loads(badge(contract, [part, whole]))
    assert (said["color"], said["message"]) == ("lightgrey", "part: 2 of 2 servers green")
    assert json.loads(badge(contract, [of_a_part(make(failing("CreateJob.status")))]))["color"] == "red"


def test_a_badge_keeps_what_a_server_calls_itself_in_its_place(contract, hostile):
    text = badge(contract, [hostile])
    assert not steering(text) and text.count("\n") == 1 and json.loads(text)["schemaVersion"] == 1


@pytest.mark.parametrize("format_", [junit, markdown, github, sarif, har])
def test_of_a_failure_each_says_where_that_lies_which_was_asked_about(contract, make, format_):
    """Whether somebody may be served hangs on it."""
    text = format_(contract, [make(failing("CreateJob.permission", text="theirs"))], [])
    assert "member (about somebody else's, in a team of theirs)" in text


@pytest.mark.parametrize("format_", [junit, markdown, github, sarif, har])
def test_of_a_failure_each_says_who_asked_whom_the_name_alone_does_not_tell_and_what_was_set_otherwise(contract, make, format_):
    """Who repeats it without that is refused as documented, and takes it for the finding."""
    broken = failing("CreateJob.permission", persona="slash_manager")
    broken["evidence"] |= {"settings": ["the role team_user has manage_slash_commands too"]}
    text = format_(contract, [make(broken)], [])
    so = f"slash_manager is {MADE['slash_manager']}, while the role team_user has manage_slash_commands too"
    assert text.count(so) == 1


# -- an HTTP archive -----------------------------------------------------------------------------------------------


def test_an_archive_holds_the_exchange_of_each_failure_as_har_1_2_asks(contract, make):
    log = json.loads(har(contract, [make(row("CreateJob.auth", "pass"), failing("CreateJob.status", text="a=b"))]))["log"]
    assert log["version"] == "1.2" and {"name", "version"} <= log["creator"].keys()
    [entry] = log["entries"]
    assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= entry.keys()
    request, response = entry["request"], entry["response"]
    assert {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"} <= request.keys()
    assert {"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL"} <= response.keys()
    assert request["url"].endswith("/api/v4/x?q=a=b") and request["queryString"] == [{"name": "q", "value": "a=b"}]
    assert request["postData"] == {"mimeType": "application/json", "text": "a=b"}
    assert (response["status"], response["statusText"]) == (500, "Internal Server Error")
    assert entry["comment"].startswith(
        "CreateJob.status, new, recorded:5.36.1, asked by member (about somebody else's, in a team "
    )


def test_an_archive_keeps_a_hostile_answer_in_its_place(contract, hostile):
    text = har(contract, [hostile])
    assert not steering(text)
    assert all(entry["request"]["url"].startswith("http://recorded.invalid/") for entry in json.loads(text)["log"]["entries"])


def test_a_record_without_a_failure_is_an_empty_archive(contract, make):
    assert json.loads(har(contract, [make(row("CreateJob.auth", "pass"))]))["log"]["entries"] == []


def test_the_command_writes_an_archive_and_a_badge(reports, tmp_path):
    record_, archive, shield = str(reports / "5.36.1"), tmp_path / "run.har", tmp_path / "badge.json"
    assert main(["report", record_, "--format", "har", "--output", str(archive)]) == 0
    assert main(["report", record_, "--format", "badge", "--output", str(shield)]) == 0
    assert json.loads(archive.read_text(encoding="utf-8"))["log"]["entries"]
    assert json.loads(shield.read_text(encoding="utf-8"))["label"] == "Mattermost 5.36.1"
