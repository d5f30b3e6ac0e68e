"""Known deviations, what they cover, and what a run says with them."""

import json

import pytest

from mmconform.contract.clause import RULES
from mmconform.errors import DocumentError, MisuseError
from mmconform.judging import deviations
from mmconform.judging.deviations import Deviation
from mmconform.report import summary
from mmconform.version import Version, Versions
from mmconform.world.people import MADE, PERSONAS
from tests.rows import observations
from tests.rows import operations as lines_of_operations

GOOD = """\
# comment
- clause: CreateJob.permission
  personas: [member]
  versions: ">=4.1 <5.6"
  signature: 201 without permission
  verdict: server
  reason: why
  evidence: a.go@v4.1.0
  first_seen: 2026-11-22, 5.5.3
"""


@pytest.fixture
def load(tmp_path, contract):
    """Load deviations from a text."""

    def load(text):
        (tmp_path / "deviations").mkdir(exist_ok=True)
        (tmp_path / "deviations" / "a.yaml").write_text(text, encoding="utf-8")
        return deviations.load(contract, tmp_path / "deviations")

    return load


def without(key):
    return "\n".join(line for line in GOOD.splitlines() if not line.startswith(("  " + key, "- " + key))).replace(
        "# comment\n  ", "# comment\n- "
    )


def test_a_deviation_is_read_with_its_place(load):
    (found,) = load(GOOD)
    assert found == Deviation(
        "CreateJob.permission",
        frozenset({"member"}),
        Versions.parse(">=4.1 <5.6"),
        "201 without permission",
        "server",
        "why",
        "a.go@v4.1.0",
        "2026-11-22, 5.5.3",
        "deviations/a.yaml:2",
    )


def test_all_means_every_persona(load):
    assert load(GOOD.replace("[member]", "all"))[0].personas == set(PERSONAS)


def test_several_clauses_and_signatures_are_a_deviation_each(load):
    text = GOOD.replace("CreateJob.permission", "[CreateJob.permission, CreateJob.since]").replace(
        "201 without permission", "[one, two]"
    )
    assert {(d.clause, d.signature) for d in load(text)} == {
        (clause, signature) for clause in ("CreateJob.permission", "CreateJob.since") for signature in ("one", "two")
    }


def test_of_an_entry_some_signatures_alone_may_be_met_by_generated_requests_alone(load):
    text = GOOD.replace("201 without permission", "[one, two]") + "  generated: [two]\n"
    assert {d.signature: d.is_met_by_hand for d in load(text)} == {"one": True, "two": False}
    assert [d.is_met_by_hand for d in load(GOOD + "  generated: true\n")] == [False]


RANGES = [
    (">=4.1", (4, 1, 0), None),
    ("<5.6", (0, 0, 0), (5, 6, 0)),
    (">=4.1 <5.6", (4, 1, 0), (5, 6, 0)),
    (">=4.10.2 <11", (4, 10, 2), (11, 0, 0)),
]


@pytest.mark.parametrize(("text", "since", "until"), RANGES)
def test_a_range_of_versions_is_read(load, text, since, until):
    (found,) = load(GOOD.replace(">=4.1 <5.6", text))
    assert found.versions.spans == ((since, until),)


BAD = {
    "no list": ("a: 1\n", 1, "expected a list"),
    "no mapping": ("- hello\n", 1, "expected a mapping"),
    "an unknown clause": (GOOD.replace("CreateJob.permission", "CreateJob.nothing"), 2, "`CreateJob.nothing` is no clause"),
    "an unknown persona": (GOOD.replace("[member]", "[king]"), 2, "`king` is no persona; there are anonymous"),
    "a persona that is no list": (GOOD.replace("[member]", "member"), 2, "`member` is no persona"),
    "an unknown verdict": (GOOD.replace("verdict: server", "verdict: bad"), 2, "`bad` is no verdict"),
    "server for our own addition": (GOOD.replace("CreateJob.permission", "CreateJob.status"), 2, "our own addition"),
    "one thing more": (GOOD + "  colour: red\n", 2, "`colour` is no part of a deviation"),
    "a wrong range": (GOOD.replace(">=4.1 <5.6", "4.1"), 2, "`versions: 4.1` is no range"),
    "a range upside down": (GOOD.replace(">=4.1 <5.6", "<5.6 >=4.1"), 2, "is no range"),
    "a range of words": (GOOD.replace(">=4.1 <5.6", "every one"), 2, "is no range"),
    "three bounds": (GOOD.replace(">=4.1 <5.6", ">=4.1 <5.6 <6"), 2, "is no range"),
    "the same twice": (GOOD + GOOD, 11, "`CreateJob.permission` overlaps with deviations/a.yaml:2"),
    "ranges that overlap": (GOOD + GOOD.replace(">=4.1 <5.6", ">=5.5"), 11, "overlaps with deviations/a.yaml:2"),
    "what is generated and not in it": (GOOD + "  generated: [another]\n", 2, "neither `true` nor a list of signatures"),
    "what is generated in a word": (GOOD + "  generated: mostly\n", 2, "neither `true` nor a list of signatures"),
    "broken YAML": (GOOD + "- {", 11, "broken YAML"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_deviation_is_refused_in_one_line_that_says_where(load, kind):
    text, line, message = BAD[kind]
    with pytest.raises(MisuseError) as caught:
        load(text)
    assert str(caught.value).startswith(f"deviations/a.yaml:{line}: ") and message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["clause", "personas", "versions", "signature", "verdict", "reason", "evidence", "first_seen"])
def test_a_deviation_that_lacks_something_is_refused(load, key):
    with pytest.raises(MisuseError, match=rf"^deviations/a\.yaml:2: the deviation has no `{key}`$"):
        load(without(key))


APART = {
    "versions": (">=4.1 <5.6", ">=5.6"),
    "personas": ("[member]", "[outsider]"),
    "signature": ("201 without permission", "200 without permission"),
    "clause": ("CreateJob.permission", "CreateJob.since"),
}


@pytest.mark.parametrize("what", APART)
def test_deviations_that_differ_in_one_thing_do_not_overlap(load, what):
    assert len(load(GOOD + GOOD.replace(*APART[what]))) == 2


def test_what_is_known_of_the_same_people_and_versions_for_the_same_reason_is_one_entry(contract):
    """Two cards of the page read alike: a hand-written test and a generated request had seen the same."""
    entries = deviations.by_entry(deviations.load(contract)).values()
    told = [({d.clause for d in one}, one[0].personas, str(one[0].versions), one[0].reason) for one in entries]
    assert [one for one in told if told.count(one) > 1] == []


def test_our_own_deviations_can_be_read_and_none_says_a_recording_is_its_evidence(contract):
    found = deviations.load(contract)
    assert found and all(d.reason and d.evidence for d in found)
    assert not [d.place for d in found if any(word in d.evidence for word in ("recording", "tape", "cassette"))]


# -- what they cover ---------------------------------------------------------------------------------------------------

COVERED = [
    ("CreateJob.permission", "member", "201 without permission", "4.1", True),
    ("CreateJob.permission", "member", "201 without permission", "5.5.3", True),
    ("CreateJob.permission", "member", "201 without permission", "5.6", False),
    ("CreateJob.permission", "member", "201 without permission", "4.0.9", False),
    ("CreateJob.permission", "outsider", "201 without permission", "4.1", False),
    ("CreateJob.permission", "member", "200 without permission", "4.1", False),
    ("CreateJob.permission", "member", "201 without permission, twice", "4.1", False),
    ("CreateJob.since", "member", "201 without permission", "4.1", False),
]


@pytest.mark.parametrize(("clause", "persona", "signature", "version", "expected"), COVERED)
def test_a_deviation_covers_exactly_what_it_names(load, clause, persona, signature, version, expected):
    assert load(GOOD)[0].covers(clause, persona, signature, Version.parse(version)) is expected


# -- what a run says ---------------------------------------------------------------------------------------------------


def row(outcome="pass", clause="CreateJob.permission", persona="member", signature="", standing=""):
    operation, rule = clause.split(".")[:2]
    made = {
        "clause": clause,
        "operation": operation,
        "rule": rule,
        "persona": persona,
        "test": "suites/a.py::test_b",
        "count": 1,
        "outcome": outcome,
        "signature": signature,
    }
    return {**made, "standing": standing} if standing else made


def scope(**changes):
    asked = {"sent": 3, "reached": 2, "served": 1}
    return {"operation": "CreateJob", "in_scope": True, "exercised": True, **asked, **changes}


SEEN = "201 without permission"
KNOWN = row("fail", signature=SEEN, standing="known")
NEW = row("fail", signature="500", standing="new")


@pytest.fixture
def summarise(contract, load):
    """The footer of a run on 4.1 with the deviation of ``GOOD``."""

    def summarise(rows, operations=None, version="4.1", errors=0, not_taped=0, is_whole=True, known=GOOD, **more):
        return summary.summarise(
            contract,
            Version.parse(version),
            observations(*rows),
            lines_of_operations(*(operations or [scope()])),
            load(known) if known else [],
            errors=errors,
            not_taped=not_taped,
            is_whole=is_whole,
            finished="2026-11-22T00:00:00Z",
            **more,
        )

    return summarise


def test_a_run_in_which_all_is_kept_or_known_is_green(summarise):
    footer = summarise([row(clause="CreateJob.status"), KNOWN])
    assert footer.green and (footer.kept, footer.known, footer.new) == (1, 1, 0)


RED = {
    "something new": {"rows": [KNOWN, NEW]},
    "an error": {"rows": [KNOWN, row("error", "CreateJob.status")]},
    "a test that broke": {"rows": [KNOWN], "errors": 1},
    "a request that is not taped": {"rows": [KNOWN], "not_taped": 1},
    "a fixed deviation": {"rows": [row()]},
    "an operation that is not exercised": {"rows": [KNOWN], "not_exercised": ["CreateJob"]},
    "what was asked for and left out": {"rows": [KNOWN], "left_out": ["2 tests never came to an end"]},
    "no observation at all": {"rows": [], "known": ""},
    "nothing but skips": {"rows": [row("skip", "CreateJob.status", "everyone", "not-in-version")], "known": ""},
}


@pytest.mark.parametrize("why", RED)
def test_a_run_is_not_green_with(summarise, why):
    footer = summarise(**RED[why])
    assert footer.green is False and summary.why_red(footer)


NOT_RED = {
    "a skip": {"rows": [KNOWN, row("skip", "CreateJob.status", "everyone", "not-in-version")]},
    "an operation out of scope": {"rows": [KNOWN], "operations": [scope(), scope(in_scope=False, exercised=False)]},
    "a deviation of another version": {"rows": [row()], "version": "5.6"},
    "a deviation in a part of a run": {"rows": [row()], "is_whole": False},
    "a deviation of somebody who was not there": {"rows": [row(persona="outsider")]},
    "a deviation that somebody else sees no more": {"rows": [KNOWN, row(persona="outsider")]},
}


@pytest.mark.parametrize("why", NOT_RED)
def test_a_run_is_green_in_spite_of(summarise, why):
    footer = summarise(**NOT_RED[why])
    assert footer.green is True and footer.fixed == () and summary.why_red(footer) == ()


def test_a_deviation_is_fixed_when_who_saw_it_sees_the_promise_kept(summarise):
    assert summarise([row()]).fixed == ("deviations/a.yaml:2 CreateJob.permission",)


def test_what_hand_written_tests_have_to_meet_is_missed_whatever_was_generated(summarise):
    """In a live run, of which the generated requests are others each time, it is not passed over in silence."""
    footer = summarise([row()], is_whole=False, by_hand=observations(row()))
    assert (footer.not_met, footer.fixed, footer.green) == (("deviations/a.yaml:2 CreateJob.permission",), (), False)


@pytest.mark.parametrize("excepted", ["rare", "generated"])
def test_what_only_some_generated_requests_meet_is_not_missed_in_a_live_run(summarise, excepted):
    footer = summarise([row()], is_whole=False, by_hand=observations(row()), known=GOOD + f"  {excepted}: true\n")
    assert footer.not_met == () and footer.green is True


def test_what_hand_written_tests_did_not_come_to_judge_is_not_missed(summarise):
    """They were skipped, or saw something else, which is new."""
    assert summarise([KNOWN], is_whole=False, by_hand=[]).not_met == ()
    assert summarise([NEW], is_whole=False, by_hand=observations(NEW)).not_met == ()


def test_a_deviation_that_is_gone_is_told_once(summarise):
    footer = summarise([row()], by_hand=observations(row()))
    assert footer.fixed and footer.not_met == ()


def test_a_rare_deviation_is_never_fixed(summarise):
    """Not to meet what few requests meet says nothing."""
    assert summarise([row()], known=GOOD + "  rare: true\n").fixed == ()


def test_a_deviation_that_still_shows_beside_a_pass_is_not_fixed(summarise):
    assert summarise([row(), KNOWN]).fixed == ()


def test_clauses_in_scope_that_nobody_saw_are_unobserved(summarise, contract):
    footer = summarise([KNOWN])
    assert list(footer.unobserved) == sorted(c.id for c in contract.of("CreateJob") if c.id != "CreateJob.permission")


STATES = [
    ([], "unobserved"),
    (["skip"], "skip"),
    (["pass", "skip"], "pass"),
    (["known", "pass"], "known"),
    (["error", "known"], "error"),
    (["new", "error", "known", "pass", "skip"], "new"),
]


@pytest.mark.parametrize(("seen", "expected"), STATES, ids=range(len(STATES)))
def test_the_worst_that_was_seen_is_the_state(seen, expected):
    rows = [row(s) if s in ("skip", "pass", "error") else row("fail", standing=s) for s in seen]
    assert summary.state_of(observations(*rows)) == expected


def test_every_rule_has_a_place_in_the_tables(contract):
    assert {clause.rule for clause in contract.clauses.values()} <= set(RULES)


# -- as a user ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_the_command_lists_them(command, form):
    told = command("deviations", "--format", form)
    assert told.returncode == 0
    assert "GetUserAccessTokens.status" in told.stdout
    if form == "json":
        assert {entry["clause"] for entry in json.loads(told.stdout)} >= {"GetUserAccessTokens.status", "CreateJob.input"}


def test_the_command_narrows_them_to_a_version(command):
    assert "store.sql_job.save" in command("deviations", "--version-of", "5.5.3").stdout
    assert "store.sql_job.save" not in command("deviations", "--version-of", "5.36.1").stdout


@pytest.mark.parametrize(
    ("arguments", "operations", "rules"),
    [
        (["--operation", "RegenCommandToken"], {"RegenCommandToken"}, None),
        (["--operation=Get*Tokens*"], {"GetUserAccessTokens", "GetUserAccessTokensForUser"}, None),
        (["--operation", "CreateJob", "--operation=Regen*"], {"CreateJob", "RegenCommandToken"}, None),
        (["--rule", "permission"], None, {"permission"}),
        (["--operation=*Command*", "--rule=permission", "--rule", "status"], {"RegenCommandToken"}, {"permission", "status"}),
    ],
)
def test_the_command_narrows_them_to_operations_and_rules(command, contract, arguments, operations, rules):
    def is_asked(clause):
        return (not operations or clause.operation in operations) and (not rules or clause.rule in rules)

    told = json.loads(command("deviations", "--format=json", *arguments).stdout)
    expected = [(d.place, d.clause) for d in deviations.load(contract) if is_asked(contract.clauses[d.clause])]
    assert expected and [(entry["place"], entry["clause"]) for entry in told] == expected


def test_where_none_is_like_that_one_line_says_what_was_asked(command):
    told = command("deviations", "--operation=RegenCommandToken", "--rule=paging", "--version-of=5.36.1")
    assert told.returncode == 0
    assert told.stdout == "nothing known for --operation RegenCommandToken --rule paging --version-of 5.36.1\n"
    assert json.loads(command("deviations", "--operation=RegenCommandToken", "--rule=paging", "--format=json").stdout) == []


def test_an_operation_that_there_is_not_is_refused_in_one_line_with_the_one_that_was_meant(command):
    told = command("deviations", "--operation", "RegenComandToken")
    assert told.returncode == 2 and not told.stdout
    assert told.stderr == (
        "mmconform: --operation RegenComandToken: the documents describe no such operation; did you mean RegenCommandToken? "
        "`mmconform contract` lists them\n"
    )


def test_what_is_known_of_the_eleven_operations_is_known_in_the_official_description_too_and_nowhere_else(contract):
    ours, official = deviations.load(contract), deviations.known(contract, is_ours=False, is_official=True)
    added = [entry for entry in official if not entry.place.startswith("deviations/official/")]
    assert {entry.place for entry in added} <= {entry.place for entry in ours} and len(added) > len(ours) / 2
    assert all(entry.is_rare for entry in added), "which tests meet it there, nobody told"
    assert not [one for one in official for other in official if one is not other and one.overlaps(other)]
    assert deviations.known(contract, is_ours=False, is_official=False) == []


HABIT = """\
- clause: "*.input"
  personas: [member]
  versions: ">=5"
  signature: "200 for query *"
  verdict: ambiguous
  reason: r
  evidence: e
  first_seen: f
"""


@pytest.mark.parametrize(
    ("clause", "persona", "signature", "is_covered"),
    [
        ("CreateJob.input", "member", '200 for query page: type "integer"', True),
        ("CreateJob.input", "member", '200 for body type: type "string"', False),
        ("CreateJob.status", "member", '200 for query page: type "integer"', False),
        ("CreateJob.input", "guest", '200 for query page: type "integer"', False),
    ],
)
def test_a_habit_is_known_of_every_operation(contract, tmp_path, clause, persona, signature, is_covered):
    (tmp_path / "habits.yaml").write_text(HABIT)
    (habit,) = deviations.load(contract, tmp_path, is_of_many=True)
    assert habit.covers(clause, persona, signature, Version(11)) is is_covered
    assert habit.is_rare, "whether a run meets it is chance"


def test_of_our_own_documents_each_operation_is_told_by_itself(contract, tmp_path):
    (tmp_path / "habits.yaml").write_text(HABIT)
    with pytest.raises(DocumentError, match=r"`\*\.input` is no clause"):
        deviations.load(contract, tmp_path)


def test_everybody_is_whoever_a_hand_written_test_makes_too_where_the_entry_is_about_the_official_description(contract, tmp_path):
    (tmp_path / "status.yaml").write_text(
        HABIT.replace('"*.input"', "CreateJob.status").replace("[member]", "all").replace('"200 for query *"', '"200"')
    )
    (of_many,) = deviations.load(contract, tmp_path, is_of_many=True)
    (ours,) = deviations.load(contract, tmp_path)
    assert of_many.personas == {*PERSONAS, *MADE} and ours.personas == set(PERSONAS)
