"""What people see in the terminal: what is judged, the table, and what is new."""

import re
from dataclasses import replace

import msgspec
import pytest

from mmconform.contract.clause import RULES
from mmconform.record.rows import FindingRow, Footer
from mmconform.report.marks import NEW_FINDING
from mmconform.report.summary import summarise
from mmconform.report.terminal import show, show_briefly
from mmconform.version import Version
from tests.rows import header, make_record, observations, operations

NEW = {"standing": "new", "signature": "500 x", "seen": "answered 500\x1b[2J", "outcome": "fail"}


@pytest.fixture
def shown(contract):
    """The table of a record with these observations of CreateJob."""

    def shown(*rows, width=100, findings=(), for_principles=0, about=None, gate="", **problems):
        common = {"operation": "CreateJob", "persona": "member", "test": "suites/a/test_b.py::c", "outcome": "pass", "count": 1}
        rows = observations(*({**common, "rule": row["clause"].split(".")[1], **row} for row in rows))
        reached = {"in_scope": True, "sent": 3, "reached": 2, "served": 1, "exercised": True, "for_principles": for_principles}
        reached["gate"] = gate
        asked = operations({"operation": "CreateJob", **reached})
        told = {"errors": 0, "not_taped": 0, **problems}
        footer = summarise(contract, Version(5, 36, 1), rows, asked, [], **told, is_whole=False, finished="2026-11-22T00:00:00Z")
        record = replace(make_record(header(**(about or {})), rows, asked, footer), findings=list(findings))
        return show(contract, record, colour=False, width=width)

    return shown


def test_operations_that_were_not_asked_are_counted_not_shown(shown, contract):
    text = shown({"clause": "CreateJob.auth"})
    assert "\nCreateJob " in text and "GetUserAccessToken" not in text
    others = len(contract.clauses) - len([*contract.of("CreateJob")])
    assert f"  not asked: 10 other operations, with {others} promises\n" in text


def test_the_counts_of_the_last_line_are_all_promises(shown, contract):
    """Those that no test was about stood nowhere in it, and a test that broke is none of them."""
    skips = {"clause": "CreateJob.schema", "outcome": "skip", "signature": "not-on-this-target"}
    in_error = {"clause": "CreateJob.media", "outcome": "error", "signature": "x"}
    seen = {"clause": "CreateJob.auth"}, {"clause": "CreateJob.status", **NEW}, skips, in_error
    last = shown(*seen, errors=1).rpartition(" promises: ")[2]
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (kept|known|new|skipped|in error|unobserved)", last)}
    assert counts["kept"] == counts["skipped"] == counts["in error"] == 1 and sum(counts.values()) == len(contract.clauses)
    others = len(contract.clauses) - len([*contract.of("CreateJob")])
    assert f"{counts['unobserved']} unobserved ({others} not asked for)" in last


def test_every_operation_is_asked_or_not_and_counted_once(contract):
    """Some are asked, and nothing that was asked shows anything of their promises."""
    rows = observations(
        {
            "clause": "CreateJob.auth",
            "operation": "CreateJob",
            "rule": "auth",
            "persona": "member",
            "test": "t",
            "outcome": "pass",
        }
        | {"count": 1}
    )
    reached = {"in_scope": True, "sent": 3, "reached": 2, "served": 1, "exercised": True}
    asked = operations(*({"operation": name, **reached} for name in ("CreateJob", "RegenCommandToken")))
    more = {"errors": 0, "not_taped": 0, "is_whole": False, "finished": "2026-11-22T00:00:00Z"}
    text = show(
        contract,
        make_record(header(), rows, asked, summarise(contract, Version(5, 36, 1), rows, asked, [], **more)),
        colour=False,
        width=100,
    )
    assert "  not asked: 9 other operations" in text and "  asked, and nothing judged: 1 other operation, with " in text


def test_what_is_new_follows_the_table_with_its_promise_and_who_saw_it(shown, contract):
    text = shown({"clause": "CreateJob.auth"}, {"clause": "CreateJob.status", **NEW}, {"clause": "CreateJob.media"})
    place = contract.clauses["CreateJob.status"].place
    table, _, new = text.partition(f"\n  ✖ CreateJob.status ({place})\n")
    assert "CreateJob" in table and "answered 500" not in table
    assert new.startswith("      answered 500\\u001b[2J\n      asked by member; in one test, first test_b.py::c\n")
    assert "  RED  1 new; verified 3 of 96 promises: 2 kept, 0 known, 1 new" in new
    shown_by = {"about": "other", "which": "a public channel of others"}
    text = shown({"clause": "CreateJob.status", **NEW, "evidence": shown_by})
    assert "asked by member (about somebody else's, in a public channel of others); in one test" in " ".join(text.split())


def test_of_what_is_new_nothing_is_cut_however_long(shown):
    name, error = f"suites/a/test_b.py::test_{'long_' * 20}name[5.36.1]", f"403 {'api.' * 20}app_error"
    text = shown({"clause": "CreateJob.status", **NEW, "seen": f"by somebody: {error}, not served", "test": name}, width=80)
    assert name.rpartition("/")[2] in text and error.split()[1] in text and "not served" in text
    told = FOUND.seen + " in " + error
    text = shown({"clause": "CreateJob.auth"}, findings=[msgspec.structs.replace(FOUND, seen=told)], width=80)
    assert error.split()[1] in text


def test_what_is_known_is_not_told_again(shown):
    text = shown({"clause": "CreateJob.status", **NEW, "standing": "known"})
    assert "▲" in text and "answered 500" not in text and "GREEN" in text


UNMET = "  known to be broken in this version, and not met by what was asked here: "


@pytest.mark.parametrize(
    ("row", "about", "is_told"),
    [
        ({"clause": "CreateJob.permission"}, {}, True),
        ({"clause": "CreateJob.permission", **NEW, "standing": "known"}, {}, False),
        ({"clause": "CreateJob.auth"}, {}, False),  # it keeps that one
        ({"clause": "CreateJob.permission"}, {"documents": ("--spec=a.yaml",)}, False),
        ({"clause": "CreateJob.permission"}, {"target": "reference"}, False),
        ({"clause": "CreateJob.permission"}, {"target": "reference@5.36.1"}, True),
    ],
)
def test_what_looks_kept_and_is_known_to_be_broken_is_told(shown, row, about, is_told):
    """On a server with people who shows it is not asked: the tick is true of the others alone."""
    text = shown(row, about=about, width=80)
    assert (UNMET + "CreateJob.permission\n" in shown(row, about=about)) == is_told
    line = next(line for line in text.splitlines() if line.startswith("CreateJob "))
    assert ("◑" in line, "●" in line) == (is_told, not is_told and row.get("standing") != "known")
    assert ("◑ kept by what was asked here; known to be broken" in text) == is_told, "the legend has what is in the table"
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize("target", ["http://127.0.0.1:8065", "recorded:5.36.1"])
def test_who_skips_on_a_live_server_is_told_who_says_why(shown, target):
    skipped = {"clause": "CreateJob.auth", "outcome": "skip", "signature": "not-on-this-target"}
    text = shown(skipped, {"clause": "CreateJob.status"}, about={"target": target})
    assert ("(`mmconform doctor http://127.0.0.1:8065` says why)" in text) == ("://" in target)
    text = " ".join(
        shown(skipped, {"clause": "CreateJob.status"}, about={"target": target, "documents": ("--spec=a b.yaml",)}).split()
    )
    assert ("(`mmconform doctor http://127.0.0.1:8065 '--spec=a b.yaml'` says why)" in text) == ("://" in target)


def test_what_is_switched_off_is_named_where_it_is_known(shown):
    off = {"outcome": "skip", "signature": "not-on-this-target", "seen": "switched off there: personal access tokens"}
    text = shown({"clause": "CreateJob.auth", **off}, {"clause": "CreateJob.status"}, about={"target": "http://127.0.0.1:8065"})
    said = "(switched off there: personal access tokens; `mmconform doctor http://127.0.0.1:8065` says more)"
    assert said in " ".join(text.split())


def test_who_looks_before_a_run_is_not_named_for_what_single_requests_meet(shown):
    """It says nothing of it."""
    met = {"outcome": "skip", "signature": "not-on-this-target", "seen": "guest makes no emoji here: 403"}
    text = shown({"clause": "CreateJob.auth", **met}, {"clause": "CreateJob.status"}, about={"target": "http://127.0.0.1:8065"})
    assert "(guest makes no emoji here: 403)" in " ".join(text.split()) and "mmconform doctor" not in text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("api.license_error", "needs a licence"),
        ("app.plugin.disabled.app_error", "switched off"),
        ("api.context.404.app_error", "not in this build, or behind a feature flag"),
        ("app.pap.get_policy.app_error", "only in other builds, or switched off"),
    ],
)
def test_what_is_not_offered_is_said_in_words_and_the_id_behind(shown, error, words):
    text = shown({"clause": "CreateJob.auth"}, gate=error)
    assert f" not offered here, {words}: CreateJob ({error}) " in " ".join(text.split())


FOUND = FindingRow(
    principle="hidden",
    operation="CreateJob",
    beside="GetJob",
    field="data",
    personas=("member",),
    seen="`data` is shown",
    standing="new",
)


def test_what_contradicts_a_principle_is_told_apart_and_makes_no_run_red(shown):
    text = shown({"clause": "CreateJob.auth"}, findings=[FOUND])
    assert "\n  principle hidden: CreateJob, data\n      `data` is shown\n      for member\n" in text
    said = "  principles: 1 new finding, 0 known, of 0 answers with a 2xx; they break no promise and make no run red"
    assert f"{said.strip()} ({NEW_FINDING})" in " ".join(text.split()) and "GREEN" in text
    known = shown({"clause": "CreateJob.auth"}, findings=[msgspec.structs.replace(FOUND, standing="known")])
    assert "0 new findings, 1 known" in known and NEW_FINDING not in " ".join(known.split())


def test_that_nothing_contradicts_a_principle_is_told_where_they_were_asked_about(shown):
    assert "principles: 0 new findings, 0 known, of 5 answers with a 2xx" in shown({"clause": "CreateJob.auth"}, for_principles=5)
    assert "principles" not in shown({"clause": "CreateJob.auth"})


def test_what_principles_had_no_answer_to_is_told_and_makes_no_run_red(shown):
    text = shown({"clause": "CreateJob.auth"}, unanswered={"CreateJob": 1, "GetUser": 3, "": 1})
    said = "no answer in time: 5 requests of principles, which so show nothing: "
    assert f"{said}GetUser (3), to make what others are about (1), CreateJob (1)" in " ".join(text.split()) and "GREEN" in text
    assert "no answer in time" not in shown({"clause": "CreateJob.auth"})


def test_it_makes_a_run_red_where_that_is_asked_for(shown):
    text = shown({"clause": "CreateJob.auth"}, findings=[FOUND], counted=1)
    assert "  principles: 1 new finding, and --fail-on principles" in text and "RED" in text


def test_what_else_makes_a_run_red_is_a_line_and_stands_beside_the_verdict(shown):
    text = shown({"clause": "CreateJob.auth"}, not_taped=2, not_exercised=["CreateJob"])
    assert "  not-taped: 2 requests that the tape has no answer for" in text
    assert "  RED  1 operation not exercised, 2 requests not taped; verified 1 of 96 promises: 1 kept, 0 known, 0 new" in text


@pytest.mark.parametrize(
    ("many", "width", "is_full", "is_whole"), [(19, 80, 0, 1), (19, 120, 1, 1), (1000, 80, 0, 0), (1, 40, 0, 1)]
)
def test_the_one_line_of_a_server_fits_the_terminal(contract, many, width, is_full, is_whole):
    """In few words where it is narrow, and only cut where these are too many; nothing is made for fewer than 80 columns."""
    counts = dict.fromkeys(("pass", "known", "new", "skip"), many) | dict.fromkeys(("error", "changed", "not_taped"), 0)
    lists = {"fixed": [], "not_exercised": [], "unobserved": []}
    record = make_record(
        header("10.11.6"), [], [], msgspec.convert({"kind": "footer", "green": False, **counts, **lists}, Footer)
    )
    line = show_briefly(contract, record, colour=False, width=width)
    assert len(line) <= max(width, 80) and line.startswith("10.11.6  ") and "  RED  " in line
    assert f"{many} new; " in line and f"{many} kept, {many} known, {many} skipped" in line
    assert ("verified" in line, line.endswith(f", {len(contract.clauses)} unobserved")) == (is_full, is_whole)


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"new": 2, "error": 3}, "2 new, 3 in error"),
        ({"not_exercised": ["CreateJob"]}, "1 operation not exercised"),
        ({"not_taped": 1}, "1 request not taped"),
        ({}, ""),
    ],
)
def test_the_one_line_of_a_server_says_first_why_it_is_red_and_nothing_twice(contract, about, why):
    counts = {"pass": 9, "known": 1} | dict.fromkeys(("new", "skip", "error", "changed", "not_taped"), 0)
    footer = {"green": not why, **counts, "fixed": [], "not_exercised": [], "unobserved": [], **about}
    told = {"persona": "member", "test": "suites/a/test_b.py::c", "outcome": "pass", "count": 1}
    seen = observations(*({**told, "clause": c.id, "operation": c.operation, "rule": c.rule} for c in contract.clauses.values()))
    record = make_record(header(), seen, [], msgspec.convert({"kind": "footer", **footer}, Footer))
    line = show_briefly(contract, record, colour=False, width=80)
    verified = 10 + about.get("new", 0)
    told = f"  RED  {why}; {verified} of 96: 9 kept, 1 known" if why else "  GREEN  10 of 96: 9 kept, 1 known, 0 new"
    assert line.endswith(told)


def test_the_lines_of_servers_are_worded_and_aligned_alike_however_long_each_is(contract):
    def line(name, many, width):
        counts = dict.fromkeys(("pass", "known", "skip"), many) | dict.fromkeys(("new", "error", "changed", "not_taped"), 0)
        lists = {"fixed": [], "not_exercised": [], "unobserved": []}
        footer = msgspec.convert({"kind": "footer", "green": True, **counts, **lists}, Footer)
        return show_briefly(contract, make_record(header(name), [], [], footer), colour=False, width=width)

    for width, verified in ((80, "{} of 96: "), (100, "verified {} of 96 promises: ")):
        for name, many in (("4.0.5", 2), ("11.6.0-dev", 45)):
            assert line(name, many, width).startswith(f"{name:12}GREEN  {verified.format(2 * many)}{many} kept, ")


def test_the_table_and_what_is_told_below_it_fit_eighty_columns(shown):
    text = shown({"clause": "CreateJob.auth"}, {"clause": "CreateJob.status", **NEW}, width=80, gate="api.context.404.app_error")
    assert max(map(len, text.split("\n"))) <= 80


ALL = [{"clause": f"CreateJob.{rule}"} for rule in ("auth", "schema", "media", "effect")]
STATES = [
    {"clause": "CreateJob.status", **NEW},
    {"clause": "CreateJob.input", **NEW, "standing": "known"},
    {"clause": "CreateJob.permission", "outcome": "skip", "signature": "not-on-this-target"},
    {"clause": "DisableUserAccessToken.effect.disables", "operation": "DisableUserAccessToken"},
]


@pytest.mark.parametrize("width", [80, 92])
def test_no_entry_of_the_legend_is_broken_and_it_says_each_head_that_is_cut(shown, width):
    """ "form" stood for the schema, and "a number: so many" at the end of a line."""
    lines = shown(*ALL, *STATES, width=width).partition("\n  skipped, ")[0].split("\n")
    heads = next(line for line in lines if line.startswith("operation")).split()[1:]
    entries = [entry for line in lines if line.startswith("  ") for entry in line.strip().split("   ")]
    assert "● kept" in entries and max(map(len, lines)) <= width
    assert [f"{head}: {rule}" in entries for head, rule in zip(heads, RULES, strict=True)] == [
        head != rule and width == 80 for head, rule in zip(heads, RULES, strict=True)
    ]
    assert all(rule.startswith(head.rstrip(".")) or head == "page" for head, rule in zip(heads, RULES, strict=True))


def test_the_header_says_what_is_judged_by_what_and_where_the_record_goes(run_pytest, known):
    done = run_pytest("suites/permissions/test_commands.py", "--collect-only", "--target", "recorded:4.0.5")
    lines = done.stdout.split("\n")
    assert "target: recorded:4.0.5 (Mattermost 4.0.5, team edition)" in lines
    [contract] = [line for line in lines if line.startswith("contract: ")]
    in_scope, promises = contract.removeprefix("contract: ").split(" promises in scope, 11 operations, spec ")[0].split(" of ")
    assert 0 < int(in_scope) < int(promises) == 96
    shown_by_it = {entry.place for entry in known if entry.is_in(Version(4, 0, 5))}
    listed = f"known deviations: {len(shown_by_it)} on our list (one may break several promises, or none)"
    assert listed in lines
    assert "record: reports/4.0.5/observations.jsonl; generator seed" in done.stdout


@pytest.mark.parametrize(
    ("target", "administrator", "is_told"),
    [
        ([], {"MM_ADMIN_TOKEN": "t"}, True),
        ([], {"MM_ADMIN_LOGIN": "boss"}, True),
        ([], {}, False),
        (["--target=recorded"], {"MM_ADMIN_TOKEN": "t"}, False),
    ],
)
def test_who_names_an_administrator_and_no_target_is_told_that_a_recording_is_judged(run_pytest, target, administrator, is_told):
    done = run_pytest("suites/permissions/test_webrtc.py", "--collect-only", *target, **administrator)
    lines = done.stdout.split("\n")
    assert ("note: no --target was given: a recording is judged, not your server" in lines) == is_told, done.stdout


def test_the_header_of_all_recordings_names_the_first_and_the_last(run_pytest):
    done = run_pytest("suites/permissions/test_webrtc.py", "--collect-only", "--target", "recorded:all")
    assert " servers, Mattermost 4.0.5 to " in done.stdout
    assert "record: reports/*/observations.jsonl" in done.stdout


def test_of_very_many_operations_a_tag_is_a_row_and_below_it_what_is_new(contract):
    operations_ = {
        f"Op{n}": replace(contract.operations["CreateJob"], id=f"Op{n}", tags=("even" if n % 2 == 0 else "odd",))
        for n in range(22)
    }
    large = replace(contract, operations=operations_, clauses={}, _clauses_of={})
    of_one = contract.clauses["CreateJob.auth"]
    large.add(replace(of_one, id=f"{name}.auth", operation=name) for name in operations_)
    common = {"rule": "auth", "persona": "anonymous", "test": "suites/a/test_b.py::c", "count": 1}
    rows = observations(
        *(
            {**common, "clause": f"{name}.auth", "operation": name, "outcome": "pass", **(NEW if name == "Op3" else {})}
            for name in operations_
        )
    )
    asked = operations(
        *(
            {"operation": name, "in_scope": True, "sent": 3, "reached": 2, "served": 1, "exercised": True, **decisive}
            for name, decisive in zip(
                operations_, [{"let_in": 1, "kept_out": 1}, {"let_in": 1}, {"kept_out": 1}, *[{}] * 19], strict=True
            )
        )
    )
    whole = {"errors": 0, "not_taped": 0, "is_whole": False, "finished": "2026-11-22T00:00:00Z"}
    footer = summarise(large, Version(5, 36, 1), rows, asked, [], **whole)
    record = make_record(header(clauses=22), rows, asked, footer)
    for width, odd in ((80, "✖1"), (130, "✖1●10")):
        text = show(large, record, colour=False, width=width)
        lines = [line.split() for line in text.splitlines() if "(11) " in line or line.strip().startswith("Op")]
        assert lines == [["even", "(11)", "●11"], ["odd", "(11)", odd], ["Op3", "✖"]]
        assert ("of each the worst (130 columns show all)" in " ".join(text.split())) == (width == 80)
    assert "of 22 operations 22 were asked, 22 served somebody, and of 1 it was seen who is let in and who is not" in text
