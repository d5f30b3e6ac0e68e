"""The data of the page and the page around it; what a browser makes of it is in test_browser.py."""

import base64
import hashlib
import json
import os
import re
from dataclasses import replace
from typing import get_args
from xml.etree import ElementTree

import pytest
from msgspec import structs

from mmconform.commands.cli import main
from mmconform.contract.clause import PRINCIPLES, RULES, Contract
from mmconform.contract.permission import permissions
from mmconform.errors import MisuseError
from mmconform.paths import ROOT
from mmconform.prove import prove
from mmconform.record import choose, record
from mmconform.record.rows import FindingStanding
from mmconform.report.marks import MARKS, PRINCIPLE_MEANS
from mmconform.report.page import as_html, command, page_data
from mmconform.report.summary import STATES, clause_states, summarise
from mmconform.version import Version
from mmconform.world.entitlement import entitlement
from mmconform.world.people import MADE, PERSONAS, PROBING, TEAM_BOT, Roles
from tests import rows as lines
from tests.conftest import flaw

#: A known deviation as `deviations/jobs.yaml` has it, and one that nobody knows.
KNOWN = {"clause": "CreateJob.status", "outcome": "fail", "standing": "known", "signature": "500 app.job.save.app_error"}
EVIDENCE = {
    "method": "POST",
    "url": "/api/v4/jobs",
    "body": "{}",
    "status": 500,
    "media": "application/json",
    "answer": "{}",
    "about": "other",
}
NEW = {"clause": "CreateJob.schema", "outcome": "fail", "standing": "new", "signature": "$.id: type", "evidence": EVIDENCE}


def wide(contract, times=46):
    """Return a contract of very many operations, as large as the official description's, and the record of a run on it.

    Of each ten one is gated, of each hundred one breaks a promise.
    """
    ids = {f"{id_}{n}": (id_, f"tag {n % 40}") for n in range(times) for id_ in contract.operations}
    operations = {new: replace(contract.operations[id_], id=new, tags=(tag,)) for new, (id_, tag) in ids.items()}
    large = Contract(contract.base, contract.digest, contract.components, operations)
    large.add(
        replace(clause, id=clause.id.replace(id_, new, 1), operation=new)
        for new, (id_, _) in ids.items()
        for clause in contract.of(id_)
    )
    rows = [
        {
            "clause": clause.id,
            "operation": clause.operation,
            "rule": clause.rule,
            "test": "suites/a/test_b.py::c",
            "count": 3,
            "persona": persona,
            "outcome": "pass" if n % 100 else "fail",
            "signature": "" if n % 100 else "500 x",
            **({} if n % 100 else {"standing": "new", "seen": "answered 500", "evidence": {**EVIDENCE, "answer": "x" * 600}}),
        }
        for n, clause in enumerate(large.clauses.values())
        if n % 3
        for persona in ("member", "guest", "system_admin")
    ]
    asked = [
        {
            "operation": id_,
            "in_scope": True,
            "sent": 6,
            "reached": 5,
            "served": 0 if n % 10 == 1 else 3,
            "exercised": True,
            "let_in": n % 2,
            "kept_out": 1,
            "gate": "api.license_error" if n % 10 == 1 else "",
        }
        for n, id_ in enumerate(operations)
    ]
    rows, asked = lines.observations(*rows), lines.operations(*asked)
    finished = {"errors": 0, "not_taped": 0, "is_whole": False, "finished": "2026-11-22T00:01:00Z"}
    footer = summarise(large, Version(11, 1, 0), rows, asked, [], **finished)
    about = lines.header("11.1.0", spec=contract.digest, clauses=len(large.clauses))
    return large, lines.make_record(about, rows, asked, footer)


def test_very_many_operations_are_grouped_by_tag_in_a_page_of_a_few_megabytes(contract):
    large, run = wide(contract)
    shown = page_data(large, [run], [])
    assert len(shown["operations"]) == 506 and len(shown["tags"]) == 40
    assert {one["tag"] for one in shown["operations"]} == set(shown["tags"])
    assert len(as_html(large, [run], []).encode()) < 5_000_000
    gates = [gate for *_, gate, _, _ in shown["targets"][0]["coverage"].values() if gate]
    assert len(gates) == 51 and set(gates) == {"api.license_error"}


def test_few_operations_are_not_grouped(data, record_of):
    shown = data(record_of("9.11.2"))
    assert shown["tags"] == [] and not any("tag" in one for one in shown["operations"])


CONTRADICTION = {
    "principle": "hidden",
    "operation": "GetUserAccessToken",
    "beside": "GetUserAccessTokens",
    "field": "token",
    "personas": ["member"],
    "seen": "`token` is shown",
    "standing": "new",
    "evidence": [{**EVIDENCE, "status": 200, "credential": "member's session"}, {**EVIDENCE, "status": 403}],
}


def test_what_contradicts_a_principle_stands_once_with_where_it_was_seen(data, record_of):
    old, new = record_of("9.11.2"), record_of("11.0.3")
    ended = {**CONTRADICTION, "principle": "ended", "field": "a session", "standing": "known", "deviation": "deviations/a.yaml:3"}
    old.findings.extend(lines.findings(CONTRADICTION))
    new.findings.extend(lines.findings(ended, CONTRADICTION))
    first, second = data(new, old)["contradictions"]
    assert (first["principle"], second["principle"]) == ("hidden", "ended")
    assert [here["state"] for here in first["at"]] == ["n", "n"] and second["at"][0] is None
    assert second["at"][1]["entry"] == "deviations/a.yaml:3" and second["at"][1]["personas"] == ["member"]
    assert [(side["who"], side["status"]) for side in first["at"][0]["sides"]] == [("member's session", 200), ("nobody", 403)]


def test_of_what_contradicts_a_principle_the_worst_is_shown_whoever_comes_first(data, record_of):
    """One entry of the list may make it known for some, where it is new, or a gap, for others."""
    one = record_of("11.0.3")
    standings = get_args(FindingStanding)
    for field, order in (("x", standings), ("y", standings[::-1]), ("z", ("gap", "known"))):
        one.findings.extend(lines.findings(*({**CONTRADICTION, "field": field, "standing": standing} for standing in order)))
    shown = data(one)
    assert [row["at"][0]["state"] for row in shown["contradictions"]] == ["n", "n", "k"]
    assert len(shown["standings"]) == len(standings) == len({one["mark"] for one in shown["standings"].values()})


def test_each_principle_is_explained():
    assert tuple(PRINCIPLE_MEANS) == PRINCIPLES


@pytest.fixture
def data(contract, known, record_of):
    """Make the page's data of some records."""
    # These records keep what is known of their versions: what is said of that has a test of its own.
    rare = [replace(deviation, is_rare=True) for deviation in known]
    return lambda *records: page_data(contract, records, rare)


def clause(data, name):
    return next(row for row in data["clauses"] if row["id"] == name)


def test_versions_stand_in_order_whatever_order_they_are_given_in(data, record_of):
    names = ["10.8.1", "4.10.10", "4.3.4", "9.11.2"]
    assert [t["name"] for t in data(*map(record_of, names))["targets"]] == ["4.3.4", "4.10.10", "9.11.2", "10.8.1"]


def test_records_stand_in_one_order_wherever_several_are_told_of(record_of, tmp_path, capsys):
    """On the page, in files for CI and in notebooks: what is under development before its release, what was begun first first."""
    tables = pytest.importorskip("mmconform.notebooks.tables")
    later, earlier = ({"target": target, "started": f"2026-11-2{day}T00:00:00Z"} for target, day in (("a:1", 4), ("b:1", 3)))
    told = [record_of("11.6.0", **later), record_of("11.6.0", **earlier), record_of("11.6.0-dev"), record_of("11.0.3")]
    for number, one in enumerate(told):
        record.write(tmp_path / str(number) / record.NAME, one)
    expected = ["recorded:11.0.3", "recorded:11.6.0-dev", "b:1", "a:1"]
    assert main(["report", str(tmp_path), "--output", str(tmp_path / "page.html")]) == 0
    page = json.loads(parts((tmp_path / "page.html").read_text(encoding="utf-8"))[2])
    assert [one["target"] for one in page["targets"]] == expected
    capsys.readouterr()
    assert main(["report", str(tmp_path), "--format", "junit"]) == 0
    suites = ElementTree.fromstring(capsys.readouterr().out)
    assert [suite.get("name") for suite in suites] == expected
    assert list(tables.runs(tmp_path).target) == expected


def test_two_records_of_one_version_have_names_of_their_own(data, record_of):
    live = {"target": "http://127.0.0.1:8065"}
    shown = data(record_of("9.11.2"), record_of("9.11.2", **live), record_of("9.11.2", **live, started="2026-11-23T00:00:00Z"))
    assert [(t["name"], t["below"]) for t in shown["targets"]] == [
        ("9.11.2 127.0.0.1:8065 2026-11-22T00:00:00Z", "127.0.0.1:8065 2026-11-22T00:00:00Z"),
        ("9.11.2 recorded", "recorded"),
        ("9.11.2 127.0.0.1:8065 2026-11-23T00:00:00Z", "127.0.0.1:8065 2026-11-23T00:00:00Z"),
    ]


def test_beside_recordings_a_server_is_called_by_its_address_and_they_are_called_recorded(data, record_of):
    live = ["http://127.0.0.1:8065", "http://127.0.0.1:8066/chat", "https://127.0.0.1:8065"]
    shown = data(record_of("5.36.1", target=live[0]), record_of("9.11.2"), *(record_of("11.0.3", target=one) for one in live[1:]))
    assert [(t["name"], t["called"], t["below"]) for t in shown["targets"]] == [
        ("5.36.1", "5.36.1 127.0.0.1:8065", "127.0.0.1:8065"),
        ("9.11.2", "9.11.2 recorded", "recorded"),
        ("11.0.3 127.0.0.1:8066/chat", "11.0.3 127.0.0.1:8066/chat", "127.0.0.1:8066/chat"),
        ("11.0.3 https://127.0.0.1:8065", "11.0.3 https://127.0.0.1:8065", "https://127.0.0.1:8065"),
    ]


def test_recordings_alone_and_one_server_alone_are_called_by_their_version(data, record_of):
    for records in ([record_of("9.11.2"), record_of("11.0.3")], [record_of("11.0.3", target="http://127.0.0.1:8065")]):
        shown = data(*records)["targets"]
        assert [t["called"] for t in shown] == [t["name"] for t in shown] == [one.header.server.name for one in records]
        assert all(t["below"] == t["target"].removeprefix("http://") * (t["kind"] == "server") for t in shown)


def test_two_recordings_of_one_version_are_called_by_their_targets(data, record_of):
    shown = data(record_of("11.0.3"), record_of("11.0.3", target="recorded:11.0.3/whole"))["targets"]
    assert [t["name"] for t in shown] == ["11.0.3 recorded", "11.0.3 recorded:11.0.3/whole"]


def test_the_states_are_those_of_the_record_and_no_others(data, contract, record_of):
    old, new = record_of("4.10.10"), record_of("11.0.3", KNOWN, NEW)
    shown = data(old, new)
    by_letter = {state[0]: state for state in STATES}
    for t, one in enumerate((old, new)):
        states = clause_states(contract, one.observations)
        assert {row["id"]: by_letter[row["at"][t]] for row in shown["clauses"]} == states
    assert clause(shown, "CreateJob.status")["at"] == "pk"
    assert clause(shown, "CreateJob.schema")["at"] == "pn"


def test_what_is_known_to_be_broken_and_was_not_met_is_no_plain_promise_kept(contract, known, record_of):
    version, live = Version(11, 0, 3), "http://127.0.0.1:8065"
    records = [record_of("4.10.10"), record_of("11.0.3", KNOWN, target=live), record_of("11.0.3", target="reference")]
    shown = page_data(contract, records, known)
    broken = {d.clause for d in known if d.is_in(version) and not d.is_rare} - {"CreateJob.status"}
    t = next(t for t, one in enumerate(shown["targets"]) if one["target"] == live)
    assert len(broken) > 5 and {row["id"] for row in shown["clauses"] if row["at"][t] == "c"} == broken
    assert shown["targets"][t]["unmet"] == len(broken) and clause(shown, "CreateJob.status")["at"][t] == "k"
    for row in shown["clauses"]:
        expected = {
            d.place for d in known if d.clause == row["id"] and d.is_in(version) and not d.is_rare and row["id"] in broken
        }
        assert {shown["deviations"][number]["place"] for number in (row["unmet"] or [[]] * 3)[t]} == expected
    reference = next(t for t, one in enumerate(shown["targets"]) if one["target"] == "reference")
    assert not any(row["at"][reference] == "c" for row in shown["clauses"]), "that is no server of which it is known"


def test_a_persona_who_is_not_to_see_a_deviation_saw_the_promise_kept(contract, known, record_of):
    (one, *_) = [d for d in known if d.is_in(Version(11, 0, 3)) and not d.is_rare and 0 < len(d.personas) < len(PERSONAS)]
    others = {p for p in PERSONAS if all(p not in d.personas for d in known if d.clause == one.clause)}
    told = [{"clause": one.clause, "outcome": "pass", "persona": p} for p in (*others, *one.personas)]
    shown = clause(page_data(contract, [record_of("11.0.3", *told)], known), one.clause)
    assert others and {p: shown["by"][p] for p in others | one.personas} == dict.fromkeys(others, "p") | dict.fromkeys(
        one.personas, "c"
    )


def test_what_one_persona_saw_is_told_apart(data, record_of):
    both = [NEW, {**NEW, "persona": "member", "outcome": "pass", "standing": "", "count": 5}]
    row = clause(data(record_of("11.0.3", *both)), "CreateJob.schema")
    assert (row["at"], row["by"]["system_admin"], row["by"]["member"]) == ("n", "n", "p")
    assert row["kept"] == {"member": {"at": [5], "tests": {"suites/some/test_it.py::test_it": "1"}}}


def test_who_saw_it_kept_is_told_with_the_tests_of_that_version_alone(data, record_of):
    """Of 11.6.0-dev a panel named three tests that were skipped there: they had passed on others."""
    kept = {"clause": "CreateJob.schema", "persona": "member", "outcome": "pass", "count": 2}
    one, other = ({**kept, "test": f"suites/some/test_{name}.py::test_it[{name}]"} for name in ("a", "b"))
    row = clause(data(record_of("9.11.2", one, other), record_of("11.0.3", other)), "CreateJob.schema")
    tests = {"suites/some/test_a.py::test_it": "10", "suites/some/test_b.py::test_it": "11"}
    assert row["kept"]["member"] == {"at": [4, 2], "tests": tests}


def test_marks_are_those_of_the_terminal(data, record_of):
    shown = data(record_of("11.0.3"))["states"]
    of_the_page = shown.pop("c")
    assert {state: one["mark"] for state, one in zip(STATES, shown.values(), strict=True)} == {
        s: m.sign for s, m in MARKS.items()
    }
    assert len({one["mark"] for one in (of_the_page, *shown.values())}) == len(STATES) + 1


def test_what_a_run_says_is_what_its_footer_says(data, record_of):
    one = record_of("4.10.10", {**KNOWN, "signature": "500 store.sql_job.save.app_error"}, NEW)
    (target,) = data(one)["targets"]
    assert (target["verified"], target["known"], target["new"], target["green"]) == (96, 1, 1, False)
    assert {key: target[key] for key in ("skip", "error", "not_taped", "unobserved")} == {
        "skip": 0,
        "error": 0,
        "not_taped": 0,
        "unobserved": 0,
    }


def test_the_documented_minimum_lies_between_versions(data, record_of):
    shown = {o["id"]: o for o in data(*map(record_of, ["4.0.5", "4.1.2", "4.6.3", "5.5.3", "5.6.5"]))["operations"]}
    assert (shown["CreateJob"]["since"], shown["CreateJob"]["since_at"]) == ("4.1.0", 1)
    assert (shown["GetUserAccessTokens"]["since"], shown["GetUserAccessTokens"]["since_at"]) == ("4.7.0", 3)
    assert (shown["GetWebrtcToken"]["since_at"], shown["GetWebrtcToken"]["removed_at"]) == (None, 4)


def test_the_minimum_of_a_version_that_is_not_there_is_behind_the_last(data, record_of):
    shown = {o["id"]: o for o in data(record_of("4.0.5"))["operations"]}
    assert shown["CreateJob"]["since_at"] == 1


def test_a_known_finding_names_its_card(data, known, record_of):
    (entry,) = [d for d in known if d.clause == "CreateJob.status" and d.signature == KNOWN["signature"]]
    shown = data(record_of("9.11.2", {**KNOWN, "evidence": EVIDENCE, "deviation": entry.place}))
    (finding,) = [f for f in shown["findings"] if f["clause"] == "CreateJob.status"]
    card = shown["deviations"][finding["at"][0]["card"]]
    assert (card["place"], card["verdict"], card["reason"]) == (entry.place, entry.verdict, entry.reason.strip())


def test_an_entry_about_several_clauses_is_one_card(data, known, record_of):
    cards = data(record_of("9.11.2"))["deviations"]
    assert [card["place"] for card in cards] == list(dict.fromkeys(d.place for d in known))
    assert sum(len(card["clauses"]) * len(card["signatures"]) for card in cards) == len(known)


def test_the_same_exchange_in_two_versions_is_kept_once(data, record_of):
    shown = data(
        record_of("9.11.2", NEW), record_of("10.8.1", NEW), record_of("11.0.3", {**NEW, "evidence": {**EVIDENCE, "body": "x"}})
    )
    (finding,) = [f for f in shown["findings"] if f["clause"] == "CreateJob.schema"]
    assert [at["exchange"] for at in finding["at"]] == [0, 0, 1]
    assert len(shown["exchanges"]) == 2
    expected = """curl -i -X POST "$SERVER"/api/v4/jobs -H "Authorization: Bearer $SYSTEM_ADMIN" """
    assert shown["exchanges"][0]["curl"].startswith(expected)
    live = data(record_of("9.11.2", NEW, target="http://127.0.0.1:8065"))["exchanges"][0]["curl"]
    assert live.startswith("curl -i -X POST http://127.0.0.1:8065/api/v4/jobs ")


def test_a_skipped_clause_says_why(data, record_of):
    shown = data(record_of("11.0.3"))
    reasons = {f["clause"]: f["signature"] for f in shown["findings"] if f["at"][0]["state"] == "s"}
    assert set(reasons) == {c["id"] for c in shown["clauses"] if c["operation"] == "GetWebrtcToken" and c["rule"] != "since"}
    assert set(reasons.values()) == {"not-in-version"}
    assert shown["reasons"]["not-in-version"]


CHANGE = {
    "against": "recorded:9.11.2",
    "operation": "CreateJob",
    "clause": "CreateJob.status",
    "of": "answer",
    "personas": ["member"],
    "before": "403 a",
    "after": "404 b",
    "effect": "different",
    "count": 2,
    "request": "a/b",
    "number": 1,
    "standing": "new",
    "reason": "",
}


def test_changed_answers_are_told_and_a_new_one_is_red(data, record_of):
    promise = {**CHANGE, "of": "promise"}
    (target,) = data(record_of("11.0.3", changes=[CHANGE, promise]))["targets"]
    assert target["changes"] == [{k: v for k, v in CHANGE.items() if k not in ("operation", "request", "number")}]
    assert (target["green"], target["changed"]) == (False, 2)


def test_a_promise_that_no_answer_tells_of_is_among_the_changes(data, record_of):
    """A comparison counts it: without it a version of which one says "worse" would look harmless on the page."""
    promise = {**CHANGE, "of": "promise", "effect": "worse", "standing": "known", "apart": True}
    (target,) = data(record_of("11.0.3", changes=[CHANGE, promise]))["targets"]
    assert [(change["of"], change["effect"]) for change in target["changes"]] == [("answer", "different"), ("promise", "worse")]


def of_retired(record_of):
    """Records of two versions between which a permission was retired, with which the older alone was asked and served.

    And somebody asks both about themselves and about somebody else, of which the latter is answered otherwise.
    """
    served, probe = "permissions/commands/held_in_the_system", f"generated/probes/who_is_served/{GET}"
    both = [asked("RegenCommandToken", "slash_manager", "other", 404, "a", request="a/c")]
    own, others = ({"about": about, "request": probe, "which": "a public channel of theirs"} for about in ("self", "other"))
    both.append(asked(GET, "member", status=403, error="x", **own))
    skipped = {"clause": "RegenCommandToken.permission", "outcome": "skip", "signature": "not-in-version"}
    skipped |= {"persona": "everyone", "cassette": f"{served}.yaml"}
    older = [asked("RegenCommandToken", "slash_manager", "other", 200, request=served)]
    older.append(asked(GET, "member", status=403, error="x", **others))
    newer = [asked(GET, "member", status=404, error="x", **others)]
    return record_of("11.1.0", answers=[*both, *older]), record_of("11.2.0", skipped, answers=[*both, *newer])


def told_by_both(records, folder, capsys):
    """What a page of two records tells of the newer one, and what a comparison tells of both, as data; and how that ends."""
    files = [folder / f"{n}.jsonl" for n in range(len(records))]
    for file, one in zip(files, records, strict=True):
        record.write(file, one)
    page = folder / "page.html"
    assert main(["report", *map(str, files), "--output", str(page)]) == 0
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text("utf-8"), re.S)[1])
    capsys.readouterr()
    status = main(["compare", *map(str, files), "--format", "json"])
    return data["targets"][-1], json.loads(capsys.readouterr().out), status


@pytest.mark.parametrize(
    ("make", "worse"),
    [
        (of_retired, "1 worse that our lists alone know"),
        (lambda record_of: (record_of("4.0.5"), record_of("4.1.2")), ""),
        (lambda record_of: (record_of("11.0.1"), record_of("11.0.3")), ""),
    ],
    ids=["a loss", "operations that came, broken", "nothing"],
)
def test_what_our_lists_alone_know_is_told_of_a_version_as_a_comparison_tells_it(record_of, tmp_path, capsys, make, worse):
    """A comparison counted it and ended with 1, and the row of changed answers said 0."""
    shown, compared, status = told_by_both(make(record_of), tmp_path, capsys)
    assert [text for _, text in shown["lists"]["told"]] == compared["not_shown"]
    assert [text for effect, text in shown["lists"]["told"] if effect == "worse"] == compared["worse_by_our_lists_alone"]
    assert (shown["lists"]["worse"], status) == (worse, 1 if worse else 0)
    until = permissions()["manage_slash_commands"].versions.until
    assert [text.startswith(f"since {until}: served") for text in compared["worse_by_our_lists_alone"]] == [True] * status


def test_what_our_lists_know_beside_a_version_that_is_not_on_the_page_is_not_told_as_nothing(data, record_of):
    older, newer = of_retired(record_of)
    (target,) = data(record_of("11.2.0", changes=[{**CHANGE, "against": older.header.target}]))["targets"]
    assert target["lists"] is None
    assert [target["lists"] for target in data(older, newer)["targets"]] == [None, None], "neither was compared"


def test_a_changed_answer_says_which_of_a_probes_requests_it_was(record_of, tmp_path, capsys):
    """So a comparison tells it; and of a record whose other version is not here only how many they are is known."""
    shown, compared, _ = told_by_both(of_retired(record_of), tmp_path, capsys)
    (change,) = shown["changes"]
    where = "in a public channel of theirs"
    said = f"1 of 2 requests that had the old answer: about somebody else {where}; as before: about themselves {where}"
    assert (change["clause"], change["requests"]) == (compared["changes"][0]["clause"], said)


def switched_off(contract, *operations):
    """What a run sees of operations that are switched off on its target."""
    here = {"outcome": "skip", "signature": "not-on-this-target", "persona": "everyone"}
    return [{**here, "clause": c.id} for name in operations for c in contract.of(name) if c.rule != "since"]


@pytest.mark.parametrize("sides", [(True, False), (False, True), (True, True)], ids=["before", "after", "both"])
def test_no_changed_answers_is_told_of_what_was_compared_alone_in_the_words_of_a_comparison(
    contract, record_of, tmp_path, capsys, sides
):
    """The page said that there are none where one server had eight of eleven operations switched off."""
    off, same = (GET, "CreateUserAccessToken"), [asked("CreateJob", "member", "nobody", 403, "x")]
    records = [
        record_of(name, *(switched_off(contract, *off) if is_off else ()), answers=same, target=f"http://127.0.0.1:{port}")
        for name, port, is_off in zip(("11.0.1", "11.0.3"), (8065, 8066), sides, strict=True)
    ]
    shown, compared, _ = told_by_both(records, tmp_path, capsys)
    assert shown["changes"] == compared["changes"] == []
    assert shown["apart"]["compared"] == len(compared["operations_compared"]) == 1
    assert main(["compare", *(str(tmp_path / f"{n}.jsonl") for n in (0, 1))]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"no difference{shown['apart']['where']}; " in told and "1 of 10 operations" in shown["apart"]["where"]
    (why,) = shown["apart"]["why"]
    assert why in told and all(name in why for name in off)
    assert why.startswith("Not judged on both, where " if all(sides) else "Not compared: ")


def test_where_both_were_asked_about_all_nothing_stands_beside_what_changed(contract, record_of, tmp_path, capsys):
    """What neither version has is none of them."""
    every = [asked(name, "member", "nobody", 403, "x") for name in contract.operations]
    shown, *_ = told_by_both([record_of(name, answers=every) for name in ("11.0.1", "11.0.3")], tmp_path, capsys)
    assert shown["changes"] == [] and shown["apart"] is None


def test_of_a_part_it_is_said_that_all_else_was_not_compared(contract, record_of, tmp_path, capsys):
    every = [asked(name, "member", "nobody", 403, "x") for name in contract.operations]
    parts = [record_of(name, answers=every, selection="-k status") for name in ("11.0.1", "11.0.3")]
    shown, *_ = told_by_both(parts, tmp_path, capsys)
    why = ["Not compared: what neither was asked; their records are of a part only (-k status)"]
    assert shown["apart"] == {"compared": len(contract.operations) - 1, "where": "", "why": why}


# -- who may do what -----------------------------------------------------------------------------------------------


def asked(operation, persona, about, status, error="", **more):
    return {"operation": operation, "persona": persona, "about": about, "status": status, "error": error, **more}


def access(shown):
    return {(a["operation"], a["persona"], a["about"]): (a["documented"], a["answered"]) for a in shown["access"]}


GET = "GetUserAccessTokensForUser"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([asked(GET, "token_user", "self", 200)], ("a", "a")),
        ([asked(GET, "token_user", "other", 403, "x")], ("d", "d")),
        ([asked(GET, "token_user", "other", 200)], ("d", "a")),
        ([asked(GET, "token_user", "other", 404, "x")], ("d", "d")),
        ([asked(GET, "system_admin", "other", 404, "x")], ("a", "o")),
        ([asked(GET, "system_admin", "other", 500, "x")], ("a", "o")),
        ([asked(GET, "token_user", "other", 200), asked(GET, "token_user", "other", 403)], ("d", "b")),
    ],
)
def test_who_is_let_in_stands_beside_who_should_be(data, record_of, answers, expected):
    assert list(access(data(record_of("9.11.2", answers=answers))).values()) == [expected]


def test_where_the_document_makes_no_difference_all_are_one(data, record_of):
    answers = [asked("CreateJob", "member", about, 403, "x") for about in ("self", "other")]
    assert access(data(record_of("9.11.2", answers=answers))) == {("CreateJob", "member", "any"): ("d", "d")}


@pytest.mark.parametrize(
    "answer",
    [
        asked(GET, "token_user", "self", 200, valid=False),
        asked(GET, "token_user", "nobody", 404),
        asked(GET, "token_user", "other", 200, as_shipped=False),
    ],
    ids=["invalid", "about nobody", "in a test that changes roles"],
)
def test_what_proves_nothing_about_who_may_is_left_out(data, record_of, answer):
    assert access(data(record_of("9.11.2", answers=[answer]))) == {}


def test_of_a_caller_whom_a_test_makes_the_answers_are_told_that_judged_who_may(data, record_of):
    """Not those of other tests; and a 404 refuses where the operation of that version says so (`data/answers.yaml`)."""
    hidden = "store.sql_command.save.get.app_error"
    told = {"operation": "RegenCommandToken", "persona": "slash_manager", "about": "other", "as_shipped": False}
    here, elsewhere = ({"request": f"permissions/commands/{name}"} for name in ("it", "something_else"))
    answers = [{**told, **here, "status": 404, "error": hidden}, {**told, **elsewhere, "status": 200}]
    seen = {"clause": "RegenCommandToken.permission", "outcome": "pass", "persona": "slash_manager"}
    test = "suites/permissions/test_commands.py::test_it[{}]"
    records = [record_of(v, {**seen, "test": test.format(v)}, answers=answers) for v in ("5.12.6", "11.6.0-dev")]
    shown = data(*records)
    assert [(row["persona"], row["about"], row["answered"], row["documented"], row["state"]) for row in shown["access"]] == [
        ("slash_manager", "any", "od", "--", "pp")
    ]
    assert shown["access"][0]["answers"] == [{f"404 {hidden}": 1}] * 2 and shown["apart"] == ["slash_manager"]


#: Somebody who was given a permission for a while: one test asks in both ways, the other one is refused.
IN_TURN = "suites/permissions/test_commands.py::test_for_a_while[{}]"
BOTH = [
    {"operation": "RegenCommandToken", "persona": "slash_manager", "about": "other", "as_shipped": False, **answer}
    for answer in (
        {"request": "permissions/commands/for_a_while", "number": 1, "status": 200},
        {"request": "permissions/commands/for_a_while", "number": 2, "status": 403, "error": "x"},
        {"request": "permissions/commands/others_commands", "number": 1, "status": 403, "error": "x"},
    )
]


def served_and_refused(record_of, called="5.36.1", **header):
    """The record of a run in which they were, and their schema was broken where they were served."""
    of = {"persona": "slash_manager", "test": IN_TURN.format(called)}
    others = {**of, "test": of["test"].replace("for_a_while", "others_commands")}
    passed = [{"clause": "RegenCommandToken.permission", "outcome": "pass", **test} for test in (of, others)]
    broken = {**NEW, "clause": "RegenCommandToken.schema", **of, "evidence": {**EVIDENCE, "status": 200}}
    return record_of("5.36.1", *passed, broken, answers=BOTH, **header)


def test_of_who_was_served_and_refused_it_is_told_which_requests_were_and_how_to_see_them(data, record_of):
    shown = data(served_and_refused(record_of))
    [row] = [row for row in shown["access"] if row["persona"] == "slash_manager"]
    [both] = row["both"]
    assert both["which"] == {"200": "“for a while” (answer 1)", "403 x": "“for a while” (answer 2), “others commands”"}
    assert both["calls"] == [
        f'mmconform.exchanges("5.36.1", "RegenCommandToken", cassette="permissions/commands/{test}")'
        for test in ("for_a_while", "others_commands")
    ]
    kept = shown["exchanges"][both["served"]]
    assert (kept["status"], kept["so"]) == ("200", f"slash_manager is {MADE['slash_manager']}")


def test_on_a_live_server_no_tape_can_show_what_was_asked(data, record_of):
    shown = data(served_and_refused(record_of, "127.0.0.1-8065", target="http://127.0.0.1:8065"))
    [row] = [row for row in shown["access"] if row["persona"] == "slash_manager"]
    assert row["both"][0]["calls"] == [] and row["both"][0]["which"]["200"] == "“for a while” (answer 1)"


def test_which_requests_were_answered_how_is_told_of_nobody_who_was_answered_in_one_way(data, record_of):
    answers = [asked(GET, "token_user", "self", 200), asked(GET, "token_user", "other", 403)]
    assert not any("both" in row for row in data(record_of("9.11.2", answers=answers))["access"])


def test_probes_that_were_served_are_told_apart_by_where_the_thing_lies(data, record_of):
    request = "generated/probes/who_is_served/CreateJob"
    places = {200: "a team of theirs", 403: "where they do not belong"}
    answers = [asked("CreateJob", "guest", "other", s, request=request, which=which) for s, which in places.items()]
    [row] = [row for row in data(record_of("11.0.3", answers=answers))["access"] if row["persona"] == "guest"]
    told = {"200": "about another's in a team of theirs", "403": "about another's where they do not belong"}
    assert row["both"][0]["which"] == told


def probed(record_of, operation="CreateJob", name="11.0.3", *, as_shipped=False, **header):
    """The record of a run in which everybody asked the same: each was refused, and what of a bot was not judged says why."""
    request = f"generated/probes/who_is_served/{operation}"
    how = {"request": request, "as_shipped": as_shipped}
    by = {persona: {} if persona == TEAM_BOT else {"documented": "denied"} for persona in PROBING}
    answers = [asked(operation, persona, "other", 403, "x", **how, **judged) for persona, judged in by.items()]
    test = f"suites/generated/test_probes.py::test_who_is_served[{name}-{operation}]"
    told = [
        {"clause": f"{operation}.{rule}", "test": test, "persona": persona, "outcome": "pass"}
        for persona in PROBING
        for rule in ["auth" if persona == "anonymous" else "permission"]
    ]
    unjudged = {"outcome": "skip", "signature": "unknown-relation"}
    return record_of(
        name, *({**row, **(unjudged if row["persona"] == TEAM_BOT else {})} for row in told), answers=answers, **header
    )


@pytest.mark.parametrize("operation", ["CreateJob", GET], ids=["alike for all", "where it differs whose it is"])
def test_whoever_asks_wherever_things_lie_is_told_of_judged_or_not(data, record_of, operation):
    """The cell of a bot was empty, though it had been refused: no check knows what a bot may."""
    shown = data(probed(record_of, operation))
    told = [row for row in shown["access"] if row["operation"] == operation]
    assert {(row["persona"], row["about"], row["answered"]) for row in told} == {(name, "any", "d") for name in PROBING}
    assert {row["persona"]: row["state"] for row in told} == {n: "u" if n == TEAM_BOT else "p" for n in PROBING}
    assert [row["reasons"] for row in told if "reasons" in row] == [[["unknown-relation"]]]
    assert set(shown["apart"]) == set(PROBING) and shown["bots"] == [TEAM_BOT]


def test_what_probes_were_answered_is_told_though_the_run_judged_other_rules(data, record_of):
    """As with `--rule=schema`; or no sentence says who may."""
    run = probed(record_of)
    run = replace(run, observations=[row for row in run.observations if row.rule not in ("permission", "auth")])
    shown = data(run)
    assert {row["persona"]: row["answered"] + row["state"] for row in shown["access"]} == dict.fromkeys(PROBING, "du")


def test_of_a_tape_of_the_whole_api_the_checks_alone_have_judged_who_may(data, record_of):
    """Whether somebody may depends on where the thing lies, which a record does not hold: most of its answers are to probes."""
    whole = probed(record_of, GET, as_shipped=True, target="recorded:11.0.3/whole")
    whole = replace(whole, answers=[structs.replace(row, status=200, error="", documented="") for row in whole.answers])
    shown = data(whole)
    assert {row["documented"] for row in shown["access"]} == {"-"}, "not refused, as a member is who asks for what is another's"
    assert {row["persona"]: row["state"] for row in shown["access"]} == {n: "u" if n == TEAM_BOT else "p" for n in PROBING}


def test_of_people_as_they_are_their_roles_say_what_is_documented_and_findings_what_is_against_it(data, record_of):
    """Of which the one is about somebody else's, and the other does not say about whose."""
    answers = [asked(GET, persona, about, 403, "x") for persona in ("token_user", "member") for about in ("self", "other")]
    of_other = {"clause": f"{GET}.permission", "outcome": "fail", "standing": "new", "signature": "200 without permission"}
    of_one = {**of_other, "persona": "token_user", "evidence": {**EVIDENCE, "status": 200}}
    shown = data(record_of("9.11.2", of_one, {**of_other, "persona": "member"}, answers=answers))
    assert {(row["persona"], row["about"]): row["state"] + row["wrong"] for row in shown["access"]} == {
        ("token_user", "self"): "u-",
        ("token_user", "other"): "na",
        ("member", "self"): "n-",
        ("member", "other"): "n-",
    }


@pytest.mark.parametrize("test", ["test_matrix.py::test_who_may_call[9.11.2-x]", "test_matrix.py::test_something_else[9.11.2-x]"])
def test_of_people_as_they_are_what_is_documented_is_no_verdict_without_a_check(data, record_of, test):
    """Nor is one of another test, which asked something else."""
    clause = f"{GET}.permission"
    seen = {"clause": clause, "persona": "token_user", "outcome": "pass", "test": f"suites/permissions/{test}"}
    skipped = {"clause": clause, "persona": "everyone", "outcome": "skip", "signature": "not-on-this-target"}
    answers = [asked(GET, "token_user", "self", 200), asked(GET, "token_user", "other", 200)]
    own, others = data(record_of("9.11.2", seen, skipped, answers=answers))["access"]
    is_judged = "who_may_call" in test
    assert (own["documented"], own["answered"], own["state"]) == ("a", "a", "p" if is_judged else "u")
    assert own.get("reasons") == (None if is_judged else [["not-on-this-target"]])
    assert (others["documented"], others["answered"], others["state"]) == ("d", "a", "u"), "a check would have failed"


def test_every_persona_is_explained(data, record_of):
    shown = data(record_of("9.11.2"))["personas"]
    assert list(shown) == [*PERSONAS, *MADE]
    assert all(shown.values())


# -- the whole page ------------------------------------------------------------------------------------------------

HOSTILE = '</script><img src=x onerror="hurt()"><!-- {{data}} \x1b[31mred\x1b[0m \x07\u202e\u2028`code`'


def parts(html):
    script = re.search(r"<script>(.*?)</script>", html, re.S)[1]
    return re.search(r"<style>(.*?)</style>", html, re.S)[1], script, re.search(r'id="data">(.*?)</script>', html, re.S)[1]


def digest(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_lets_this_script_and_this_style_run_and_nothing_else(contract, known, record_of):
    html = as_html(contract, [record_of("11.0.3")], known)
    style, script, _ = parts(html)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src {digest(style)}",
        f"script-src {digest(script)}",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_what_was_seen_is_of_the_version_and_of_the_exchange_beside_it(contract, known, record_of):
    bare = {**NEW, "seen": "without an exchange", "test": "suites/a/test_a.py::test_a"}
    bare.pop("evidence")
    shown = {**NEW, "seen": "seen in 11.0.3", "test": "suites/b/test_b.py::test_b", "evidence": {**EVIDENCE, "url": "/newer"}}
    older = {**NEW, "seen": "seen in 9.11.2", "evidence": {**EVIDENCE, "url": "/older"}}
    data = page_data(contract, [record_of("9.11.2", older), record_of("11.0.3", bare, shown)], known)
    (finding,) = [f for f in data["findings"] if f["clause"] == NEW["clause"]]
    told = [(here["seen"], here["test"], data["exchanges"][here["exchange"]]["url"]) for here in finding["at"]]
    assert told[1] == ("seen in 11.0.3", "suites/b/test_b.py::test_b", "/newer")
    assert (told[0][0], told[0][2]) == ("seen in 9.11.2", "/older")


def test_what_a_server_says_cannot_end_the_data(contract, known, record_of):
    hostile = {**NEW, "signature": HOSTILE, "seen": HOSTILE, "evidence": {**EVIDENCE, "answer": HOSTILE, "url": HOSTILE}}
    html = as_html(contract, [record_of("11.0.3", hostile, selection=HOSTILE)], known)
    assert html.count("</script>") == 2
    assert "<img" not in html
    read = json.loads(parts(html)[2])
    (finding,) = [f for f in read["findings"] if f["clause"] == NEW["clause"]]
    assert finding["at"][0]["seen"].startswith('</script><img src=x onerror="hurt()"><!-- {{data}} \\u001b[31mred')
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u2028\u202e]", html)


def test_the_script_makes_no_html_of_text():
    script = (ROOT / "mmconform" / "report" / "page.js").read_text(encoding="utf-8")
    for way in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "DOMParser",
        'setTimeout("',
    ):
        assert way not in script


def test_nothing_is_fetched(contract, known, record_of):
    style, script, _ = parts(as_html(contract, [record_of("11.0.3")], known))
    for text in (style, script):
        assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttpRequest|import\(", text)


def test_the_same_records_make_the_same_page(contract, known, record_of):
    one, other = record_of("9.11.2", NEW), record_of("11.0.3", KNOWN)
    assert as_html(contract, [one, other], known) == as_html(contract, [other, one], known)


def refusal(contract, known, *records):
    with pytest.raises(MisuseError) as caught:
        as_html(contract, records, known)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_record_about_other_documents_is_refused(contract, known, record_of):
    said = refusal(contract, known, record_of("9.11.2"), record_of("11.0.3", spec="0" * 64))
    assert said.startswith("the record of recorded:11.0.3 was judged against other documents")


def test_a_record_of_no_version_is_refused(contract, known, record_of):
    one = record_of("11.0.3")
    server = structs.replace(one.header.server, version="newest")
    one = replace(one, header=structs.replace(one.header, server=server))
    assert "does not say of which version it is" in refusal(contract, known, one)


def test_without_a_record_there_is_no_page(contract, known):
    assert refusal(contract, known).startswith("there is no record")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"target": "recorded:5.36.1", "selection": "", "seed": 1, "max_examples": 2}, "pytest --target recorded:5.36.1"),
        (
            {"target": "http://127.0.0.1:8065", "selection": "-k Job", "seed": 1, "max_examples": 2},
            "pytest --target http://127.0.0.1:8065 -k Job --hypothesis-seed=1 --max-examples=2",
        ),
    ],
)
def test_the_command_repeats_the_run(header, expected, record_of):
    assert command(structs.replace(record_of("5.36.1").header, **header)) == expected


# -- which records -------------------------------------------------------------------------------------------------


@pytest.fixture
def reports(tmp_path, record_of):
    """A folder of records as runs leave it."""
    for name, one in {
        "9.11.2": record_of("9.11.2"),
        "gone": record_of("3.0.0"),
        "live": record_of("11.0.3", target="http://127.0.0.1:8065"),
        "stale": record_of("10.8.1", spec="0" * 64),
    }.items():
        record.write(tmp_path / name / record.NAME, one)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / record.NAME).write_text("{", encoding="utf-8")
    return tmp_path


def test_by_default_the_records_of_tapes_are_taken_and_the_others_named(reports, contract):
    found, remarks = choose.current(reports, {"9.11.2", "10.8.1", "11.0.3"}, contract)
    assert [one.header.target for one in found] == ["recorded:9.11.2"]
    said = [line.removeprefix(f"left out: {reports}") for line in remarks.values()]
    assert [line.partition(" ")[0] for line in said] == [
        f"/{n}/{record.NAME}:{m}" for n, m in (("cut", "1:"), ("gone", ""), ("live", ""), ("stale", ""))
    ]
    assert "no tape of 3.0.0 any more" in said[1]
    assert "to see it: mmconform report " in said[2]
    assert "run pytest --target recorded:10.8.1 again" in said[3]


def previous(folder, one):
    record.write(folder / record.PREVIOUS, one)


def test_where_the_last_run_came_to_no_end_the_record_from_before_is_taken_and_named(reports, record_of, contract):
    """The page came out with one version fewer, and nobody was told."""
    previous(reports / "5.36.1", record_of("5.36.1"))
    found, remarks = choose.current(reports, {"9.11.2", "5.36.1"}, contract)
    assert [one.header.target for one in found] == ["recorded:5.36.1", "recorded:9.11.2"]
    file = reports / "5.36.1" / record.PREVIOUS
    assert remarks[reports / "5.36.1"].startswith(
        f"taken from before: {file}, of a run begun {found[0].header.started}; the last"
    )
    assert remarks[reports / "5.36.1"].endswith("came to no end, or goes on")


def test_where_the_last_run_was_of_a_part_the_whole_one_from_before_is_taken(reports, record_of, contract):
    whole, part = record_of("9.11.2"), record_of("9.11.2", selection="-k Job")
    record.write(reports / "9.11.2" / record.NAME, part)
    previous(reports / "9.11.2", whole)
    found, remarks = choose.current(reports, {"9.11.2"}, contract)
    assert [one.header for one in found] == [whole.header]
    said = remarks[reports / "9.11.2"]
    assert said.startswith("taken from before: ") and "is of a part only (-k Job); to see it: mmconform report " in said


def of_another_build(one):
    return replace(one, header=structs.replace(one.header, server=structs.replace(one.header.server, commit="another")))


@pytest.mark.parametrize("before", ["a part", "other documents", "another build", "broken", "nothing"])
def test_of_the_record_from_before_none_is_taken_that_would_not_be_taken_itself(reports, record_of, contract, before):
    record.write(reports / "9.11.2" / record.NAME, record_of("9.11.2", selection="-k Job"))
    file = reports / "9.11.2" / record.PREVIOUS
    if before == "broken":
        file.write_text("{")
    elif before != "nothing":
        header = {"a part": {"selection": "-k User"}, "other documents": {"spec": "0" * 64}}.get(before, {})
        one = record_of("9.11.2", **header)
        record.write(file, of_another_build(one) if before == "another build" else one)
    with pytest.raises(MisuseError):
        choose.current(reports, {"9.11.2"}, contract)
    _, remarks = choose.current(reports, {"9.11.2"}, contract, with_live=True)
    said = remarks[reports / "9.11.2"]
    assert said.startswith(f"left out: {reports / '9.11.2' / record.NAME}: is of a part only (-k Job)")
    assert said.endswith(f"is of another build: {file}") == (before == "another build")


@pytest.mark.parametrize("header", [{"selection": "-k Job"}, {"target": "http://127.0.0.1:9"}])
def test_what_is_left_of_a_run_that_came_to_no_end_is_named_where_it_is_not_taken(reports, record_of, contract, header):
    previous(reports / "5.36.1", record_of("5.36.1", **header))
    _, remarks = choose.current(reports, {"9.11.2", "5.36.1"}, contract)
    file = reports / "5.36.1" / record.PREVIOUS
    assert remarks[reports / "5.36.1"].startswith(f"left out: {file}: is ")
    said = remarks[reports / "5.36.1"]
    assert f"mmconform report {file} --output " in said and ".html; the last run came to no end" in said


def test_a_folder_that_is_given_says_which_run_below_it_came_to_no_end(reports, record_of, contract):
    previous(reports / "5.36.1", record_of("5.36.1"))
    (reports / "cut" / record.NAME).unlink()
    found, remarks = choose.given([reports], contract.digest)
    assert "recorded:5.36.1" not in [one.header.target for one in found]
    place = reports / "5.36.1"
    assert [*remarks.values()] == [
        f"left out: {place}: the last run came to no end, or goes on; that of the run before is {place / record.PREVIOUS}"
    ]


@pytest.mark.parametrize("is_later", [True, False])
def test_of_two_records_from_before_the_later_one_is_that_of_the_run_before(reports, record_of, is_later):
    """The whole one is kept however many parts follow, and was named as that of the run before; a part from before it is not."""
    place = reports / "5.36.1"
    previous(place, record_of("5.36.1", started="2026-11-22T10:00:00Z"))
    part = record_of("5.36.1", selection="-k Job", started=f"2026-11-22T{11 if is_later else 9:02}:00:00Z")
    record.write(place / record.PREVIOUS_PART, part)
    whole = str(place / record.PREVIOUS)
    before = f"{place / record.PREVIOUS_PART}, of a part only (-k Job); that of the whole run before it is {whole}"
    with pytest.raises(MisuseError) as error:
        record.find([place])
    said = f"no record `{place}`: the last run came to no end, or goes on; that of the run before is"
    assert str(error.value) == f"{said} {before if is_later else whole}"


@pytest.mark.parametrize("name", [record.PREVIOUS, record.PREVIOUS_PART])
def test_who_names_what_was_judged_by_other_documents_last_is_told_what_was_judged_by_these_before(
    reports, record_of, contract, name
):
    """It said to run pytest again; and whoever names one gets no other."""
    place = reports / "5.36.1"
    record.write(place / record.NAME, record_of("5.36.1", spec="0" * 64, documents=("--spec=my api.yaml",)))
    record.write(place / name, record_of("5.36.1"))
    with pytest.raises(MisuseError) as error:
        choose.given([place], contract.digest)
    assert str(error.value) == (
        "the record of recorded:5.36.1 was judged by other documents than these; name its documents with '--spec=my api.yaml', "
        f"or name {place / name}, of a run before, which was judged by these"
    )
    found, _ = choose.given([place], "0" * 64)
    assert found[0].header.documents, "by its documents it is as it was"
    assert choose.given([place / record.NAME], contract.digest)[0], "a file is that one"
    record.write(place / record.NAME, record_of("5.36.1"))
    record.write(place / name, record_of("5.36.1", spec="0" * 64, documents=("--spec=my api.yaml",)))
    with pytest.raises(
        MisuseError, match=f"other documents than these; leave these out, or name {place / name}, of a run before"
    ):
        choose.given([place], "0" * 64)


@pytest.mark.parametrize(("before", "is_said"), [({}, True), ({"selection": "-k Job"}, False)])
def test_a_named_record_of_a_part_says_where_the_whole_one_from_before_is(reports, record_of, contract, before, is_said):
    """Whoever followed two commands that a comparison prints got a page about the one test of the first."""
    record.write(reports / "5.36.1" / record.NAME, record_of("5.36.1", selection="-k Token"))
    previous(reports / "5.36.1", record_of("5.36.1", **before))
    found, remarks = choose.given([reports / "5.36.1"], contract.digest)
    assert found[0].header.selection == "-k Token"
    file, whole = reports / "5.36.1" / record.NAME, reports / "5.36.1" / record.PREVIOUS
    assert [*remarks.values()] == [f"{file}: is of a part only (-k Token); the whole run before: {whole}"] * is_said


def test_where_nothing_is_left_that_is_said(reports, contract):
    with pytest.raises(MisuseError, match="no record of a tape"):
        choose.current(reports, set(), contract)


@pytest.mark.parametrize("has_tapes", [False, True])
def test_a_report_for_which_none_is_named_is_of_live_servers_where_no_tape_was_judged(
    has_tapes, tmp_path, record_of, contract, monkeypatch, capsys
):
    """Whoever had judged their own server alone was told to judge tapes first."""
    live = record_of("11.0.3")
    live = replace(live, header=structs.replace(live.header, target="http://127.0.0.1:8065"))
    record.write(tmp_path / "127.0.0.1-8065" / record.NAME, live)
    if has_tapes:
        record.write(tmp_path / "9.11.2" / record.NAME, record_of("9.11.2"))
    monkeypatch.setattr("mmconform.commands.report.REPORTS", tmp_path)
    assert main(["report", "--output", str(tmp_path / "page.html")]) == 0
    shown = [one["target"] for one in json.loads(parts((tmp_path / "page.html").read_text(encoding="utf-8"))[2])["targets"]]
    assert shown == (["recorded:9.11.2"] if has_tapes else ["http://127.0.0.1:8065"])


def test_given_files_and_folders_are_all_read_once(reports, contract):
    found, _ = choose.given([reports / "live", reports / "live" / record.NAME, reports / "9.11.2"], contract.digest)
    assert [one.header.target for one in found] == ["http://127.0.0.1:8065", "recorded:9.11.2"]


def test_a_folder_without_records_is_refused(tmp_path):
    with pytest.raises(MisuseError, match="holds no record"):
        choose.given([tmp_path], "0" * 64)


def test_the_command_writes_the_page(reports, tmp_path, capsys):
    assert main(["report", str(reports / "live"), "--output", str(tmp_path / "page.html")]) == 0
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert json.loads(parts(html)[2])["targets"][0]["target"] == "http://127.0.0.1:8065"
    assert capsys.readouterr().out == f"1 record in one page: {(tmp_path / 'page.html').as_uri()}\n"


def test_a_page_that_cannot_be_written_is_one_line(reports, capsys):
    assert main(["report", str(reports / "live"), "--output", str(reports / "live" / record.NAME / "page.html")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


FLAWS = (
    flaw(
        "CreateJob",
        *("CreateJob.effect.a", "CreateJob.effect.b", "GetUserAccessToken.status"),
        flaw="Something.",
        schemathesis=["POST /jobs: Server error"],
    ),
    flaw("*", "CreateJob.auth", flaw="All."),
    flaw("CreateJob", flaw="B.", blind="dark"),
)


def test_flaws_stand_with_how_many_promises_of_which_rule_noticed_them(contract, known, record_of, proof):
    shown = page_data(contract, [record_of("9.11.2")], known, proof(*FLAWS))["proof"]["mutants"]
    assert [one["by"] for one in shown] == [{"effect": 2}, {"auth": 1}, {}]
    assert [one["others"] for one in shown] == [["GetUserAccessToken.status"], [], []]
    assert [one.get("blind") for one in shown] == [None, None, "dark"]
    assert [one["plain"] for one in shown] == [["POST /jobs: Server error"], None, None]


def test_without_a_proof_of_its_documents_the_page_claims_none(contract, known, data, record_of, proof):
    assert data(record_of("9.11.2"))["proof"] is None
    assert page_data(contract, [record_of("9.11.2")], known, {**proof(*FLAWS), "spec": "0" * 64})["proof"] is None


@pytest.mark.parametrize("text", ["", "[]", '{"mutants": []}'])
def test_a_proof_that_is_not_whole_is_one_line(monkeypatch, tmp_path, reports, capsys, text):
    monkeypatch.setattr(prove, "_PUBLISHED", ROOT / os.path.relpath(tmp_path / "prove.json", ROOT))
    (tmp_path / "prove.json").write_text(text)
    assert main(["report", str(reports / "live"), "--output", str(tmp_path / "page.html")]) == 2
    assert capsys.readouterr().err.endswith("is no whole proof; restore it from git\n")


def test_the_commands_page_holds_the_proof_that_is_published(reports, tmp_path):
    assert main(["report", str(reports / "live"), "--output", str(tmp_path / "page.html")]) == 0
    shown = json.loads(parts((tmp_path / "page.html").read_text(encoding="utf-8"))[2])["proof"]
    assert [one["name"] for one in shown["mutants"]] == [one["name"] for one in prove.published()["mutants"]]


def test_rules_and_entitlement_are_what_the_library_says(data, contract, record_of):
    shown = data(record_of("9.11.2", answers=[asked(GET, p, "other", 403) for p in PERSONAS]))
    assert tuple(shown["rules"]) == RULES
    for row in shown["access"]:
        entitled = entitlement(contract.operations[GET], PERSONAS[row["persona"]], Roles(Version(9, 11, 2)), "other")
        assert row["documented"] == ("a" if entitled else "d")
