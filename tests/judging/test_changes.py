"""What changed between two records: all of it, in the right words, and nothing else."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from mmconform import paths
from mmconform.commands import cli, runs
from mmconform.commands import compare as compare_command
from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.driving.generate import SEED
from mmconform.errors import DocumentError, MisuseError
from mmconform.judging import deviations, known_changes, taped
from mmconform.judging.access import PROBES
from mmconform.judging.changes import NOT_RUN, OTHERWISE, compare
from mmconform.judging.deviations import Deviation
from mmconform.judging.judge import NOT_ON_TAPE
from mmconform.judging.kept import Asked, Kept
from mmconform.judging.kept import write as write_kept
from mmconform.judging.reason import Reason, each_once
from mmconform.paths import SPECS, SUITES
from mmconform.record import record
from mmconform.record.rows import FindingRow, OperationRow
from mmconform.report import comparison as comparison_page
from mmconform.report.comparison import Page
from mmconform.report.failure import failures
from mmconform.report.felt import felt
from mmconform.report.markdown import inert
from mmconform.report.marks import NEW_FINDING, WHY_SKIPPED
from mmconform.report.neighbours import side_by_side
from mmconform.report.not_shown import NotShown
from mmconform.report.requests import Requests
from mmconform.version import Version, Versions
from mmconform.wire.exchange import Exchange, Position
from tests.rows import make_record

CONTRACT = build(load().document)
SERVER = dict.fromkeys(("calls_itself", "build", "commit", "edition", "x_version_id"), "x")
FOOTER = {
    **dict.fromkeys(("pass", "known", "new", "skip", "error", "not_taped", "changed"), 0),
    "green": True,
    "fixed": [],
    "not_exercised": [],
    "left_out": [],
    "not_met": [],
    "unobserved": [],
    "finished": "2026-11-22T00:00:09Z",
}
NO = "403 api.context.permissions.app_error"


def answer(says, operation="CreateJob", persona="member", **more):
    status, _, error = says.partition(" ")
    told = {"request": "a/b", "number": 1, "about": "self", "valid": True, "status": int(status), "error": error}
    return {**told, "operation": operation, "persona": persona, **more}


def seen(outcome, clause="CreateJob.permission", persona="member", signature=""):
    operation, rule = clause.split(".")[:2]
    told = {"clause": clause, "operation": operation, "rule": rule, "persona": persona, "test": "t"}
    return {**told, "outcome": outcome, "count": 1, "signature": signature}


def of(version, answers=(), observations=(), **header):
    told = {"target": f"recorded:{version}", "server": {**SERVER, "name": version, "version": version}}
    told |= {"spec": CONTRACT.digest, "clauses": 1, "tools": {}, "seed": 1, "max_examples": 100, "selection": ""}
    told |= {"started": "2026-11-22T00:00:00Z"}
    return make_record({**told, **header}, observations, [], FOOTER, answers)


#: Beside what a test is about: without it an operation would seem to have come or gone.
SERVED = answer("201", persona="system_admin")


def changes(before, after, *, promises=((), ())):
    old, new = ([SERVED, *answers] for answers in (before, after))
    return compare(CONTRACT, of("5.0.0", old, promises[0]), of("5.1.0", new, promises[1])).changes


def told(change):
    return change.clause, change.kind, change.personas, change.before, change.after, change.effect, change.count


def test_equal_records_show_no_difference():
    answers = [answer("201", fields={"id": "string"}), answer(NO, persona="outsider")]
    assert changes(answers, answers, promises=([seen("pass")], [seen("pass")])) == []


ANSWERS = [
    ("201", NO, True, "permission", "worse"),
    ("201", NO, False, "permission", "different"),
    (NO, "201", True, "permission", "different"),
    (NO, "404 store.gone", True, "permission", "different"),
    ("400 a", "400 b", False, "status", "different"),
    ("400 a", "500 b", False, "status", "worse"),
    ("500 a", "400 b", True, "status", "better"),
    ("404 api.context.404.app_error", "501 b", True, "status", "different"),
    ("404 api.context.404.app_error", "500 b", True, "status", "worse"),
    ("500 a", "500 b", True, "status", "different"),
    ("500 a", "201", True, "status", "better"),
    ("201", "401 s", True, "auth", "worse"),
    ("400", "401 s", False, "auth", "different"),
]


@pytest.mark.parametrize(("before", "after", "valid", "rule", "effect"), ANSWERS)
def test_another_answer_to_the_same_request_is_a_change(before, after, valid, rule, effect):
    found = changes([answer(before, valid=valid)], [answer(after, valid=valid)])
    assert [told(change) for change in found] == [(f"CreateJob.{rule}", "answer", ("member",), before, after, effect, 1)]


def test_the_same_change_is_told_once_for_all_who_meet_it():
    people = ("outsider", "member", "token_user")
    before = [answer("201", persona=p) for p in people] + [answer("201")]
    after = [answer(NO, persona=p) for p in people] + [answer(NO)]
    (change,) = changes(before, after)
    assert (change.personas, change.count) == (("member", "token_user", "outsider"), 4)


def test_only_answers_to_the_same_request_are_compared():
    before = [answer("201", request="one"), answer("400 a", request="two")]
    comparison = compare(CONTRACT, of("5.0.0", [SERVED, *before]), of("5.1.0", [SERVED, answer("500 x", request="three")]))
    assert (comparison.changes, comparison.pairs, comparison.alone) == ([], 1, 3)


def test_a_request_sent_twice_is_compared_with_its_own_turn():
    before = [answer("201", number=1), answer(NO, number=2)]
    assert changes(before, before) == []
    assert len(changes(before, list(reversed(before)))) == 2


def test_what_a_probe_asks_is_compared_with_the_like_and_not_by_its_turn():
    """What is asked beside the plain requests hangs on who is served by these: the second one is about something else there."""
    flags = [answer("201", which="a team of theirs with all=true"), answer("400 a", which="a team of theirs with all=false")]
    assert changes([answer("201", which="a team of theirs"), *flags], [answer("201", which="a team of theirs"), flags[1]]) == []
    (change,) = changes(flags, [answer(NO, which="a team of theirs with all=true"), flags[1]])
    assert (change.before, change.after) == ("201", NO)
    others = [answer("201", which="with all=true", about="self")], [answer(NO, which="with all=true", about="other")]
    assert changes(*others) == []


def test_a_record_that_does_not_tell_what_its_requests_are_about_is_compared_by_their_turns():
    """Those of before did not."""
    assert len(changes([answer("201")], [answer(NO, which="a team of theirs")])) == 1


def test_an_operation_that_is_served_to_nobody_any_more_is_gone():
    gone = "404 api.context.404.app_error"
    served = [answer("200", "GetWebrtcToken"), answer("401 s", "GetWebrtcToken", "anonymous")]
    absent = [answer(gone, "GetWebrtcToken"), answer(gone, "GetWebrtcToken", "anonymous")]
    (left,) = changes(served, absent)
    assert told(left) == ("GetWebrtcToken.since", "operation", ("member",), "200", gone, "worse", 1)
    (came,) = changes(absent, served)
    assert told(came) == ("GetWebrtcToken.since", "operation", ("member",), gone, "200", "better", 1)


ABSENT = "404 api.context.404.app_error"


def test_what_no_route_was_there_for_is_new_whatever_it_answers_and_is_told_once():
    """401 and 403 of an operation that did not exist are no other answer: it came. What nobody is served misses nobody."""
    said = {
        "CreateJob": {"anonymous": "401 s", "member": NO, "system_admin": "201"},
        "RegenCommandToken": {"anonymous": "401 s", "member": NO, "system_admin": "501 off"},
        "GetUserAccessToken": {"anonymous": "401 s", "system_admin": "501 off"},
    }
    here = [answer(says, operation, who) for operation, whom in said.items() for who, says in whom.items()]
    away = [{**one, "status": 404, "error": "api.context.404.app_error"} for one in here]
    away[-1] |= {"error": ""}  # a page, where not even the API takes the address
    old, new = of("5.0.0", away), of("5.1.0", here)
    found = compare(CONTRACT, old, new)
    assert {c.operation: (c.kind, c.personas, c.before, c.after, c.effect) for c in found.changes} == {
        "CreateJob": ("operation", ("system_admin",), ABSENT, "201", "better"),
        "RegenCommandToken": ("operation", ("system_admin",), ABSENT, "501 off", "better"),
        "GetUserAccessToken": ("operation", ("system_admin",), ABSENT, "501 off", "better"),
    }
    text = Page(CONTRACT, old, new, found).text()
    assert "+ 3 new operations\n" in text and "0 worse, 0 different, 1 better (0, 0, 3, counted for each operation);" in text
    assert "    201, for system_admin: CreateJob\n" in text
    back = compare(CONTRACT, new, old).changes
    assert {c.operation: c.effect for c in back} == {
        "CreateJob": "worse",
        "RegenCommandToken": "different",
        "GetUserAccessToken": "different",
    }
    assert "▼ 1 operation gone\n" in Page(CONTRACT, new, old, compare(CONTRACT, new, old)).text()


@pytest.mark.parametrize("is_back", [False, True])
@pytest.mark.parametrize(
    ("says", "why", "is_told"), [(NO, "would-do-harm", True), ("200", "would-do-harm", False), (NO, "", False)]
)
def test_of_what_comes_or_goes_it_is_told_where_whoever_may_was_not_asked(says, why, is_told, is_back):
    """The refusals alone read as if nobody might, or as if that were better."""
    held = [seen("skip", "RegenCommandToken.permission", "system_admin", signature=why)] * bool(why)
    there = of("5.1.0", [SERVED, answer(says, "RegenCommandToken", "member")], held)
    away = of("5.0.0", [SERVED, answer(ABSENT, "RegenCommandToken", "member")])
    records = (there, away) if is_back else (away, there)
    page = Page(CONTRACT, *records, compare(CONTRACT, *records))
    told = f"refused by all who were asked, and whoever may was not: RegenCommandToken: {WHY_SKIPPED['would-do-harm']}"
    assert (told in page.text(), told in page.markdown().replace("\\", "")) == (is_told, is_told)


def test_a_thing_that_is_not_found_is_no_operation_that_is_not_there():
    one = [answer("404 store.gone", "RegenCommandToken"), answer(ABSENT, "RegenCommandToken")]
    assert [c.kind for c in changes(one, [answer(NO, "RegenCommandToken")] * 2)] == ["answer", "answer"]


FIELDS = [
    ({"id": "string"}, {"id": "string", "a": "number"}, [("a: absent", "a: number", "better")]),
    ({"id": "string", "a": "number"}, {"id": "string"}, [("a: number", "a: absent", "worse")]),
    ({"id": "string"}, {"id": "number"}, [("id: string", "id: number", "worse")]),
    ({"id": "string"}, {"id": "null|string"}, [("id: string", "id: null|string", "worse")]),
    ({"id": "null|string"}, {"id": "string"}, [("id: null|string", "id: string", "different")]),
    ({"id": "null"}, {"id": "array"}, [("id: null", "id: array", "different")]),
    ({"id": "array"}, {"id": "null"}, [("id: array", "id: null", "worse")]),
    ({"id": "string"}, {"id": "string"}, []),
]


@pytest.mark.parametrize(("before", "after", "expected"), FIELDS)
def test_a_field_that_comes_goes_or_is_of_another_type_is_a_change(before, after, expected):
    found = changes([answer("201", fields=before)], [answer("201", fields=after)])
    assert [(c.before, c.after, c.effect) for c in found] == expected
    assert all((c.clause, c.kind) == ("CreateJob.schema", "field") for c in found)


@pytest.mark.parametrize("is_gone", [False, True])
def test_what_only_a_caller_of_one_side_was_told_is_no_field_that_came_or_went(is_gone):
    """As a bot that the one was asked as, and the other could not be: its account has fields that no other has."""
    asked_of_both, of_a_bot = (
        answer("200", fields={"id": "string"}),
        answer("200", fields={"id": "string", "is_bot": "boolean"}, persona="bot", number=2),
    )
    one, other = [asked_of_both], [asked_of_both, of_a_bot]
    assert changes(*((other, one) if is_gone else (one, other))) == []


IN_DOUBT = seen("skip", signature="unknown-in-version")
PROMISES = [
    ([seen("pass")], [seen("fail", signature="x")], ("kept", "broken: x", "worse")),
    ([seen("fail", signature="x")], [seen("pass")], ("broken: x", "kept", "better")),
    ([seen("fail", signature="x")], [seen("fail", signature="y")], ("broken: x", "broken: y", "different")),
    ([seen("fail", signature="x")], [seen("fail", signature=s) for s in "xy"], ("not broken that way", "broken: y", "different")),
    ([seen("fail", signature=s) for s in "xy"], [seen("fail", signature="x")], ("broken: y", "not broken that way", "different")),
    ([seen("pass"), seen("fail", signature="x")], [seen("fail", signature="x")], None),
    ([seen("pass")], [seen("skip", signature="not-in-version")], None),
    ([seen("pass")], [], None),
    # What was judged in one of them only is no news about the other.
    ([seen("pass"), IN_DOUBT], [seen("fail", signature="x")], ("kept as far as it was judged", "broken: x", "different")),
    ([seen("fail", signature="x")], [seen("pass"), IN_DOUBT], ("broken: x", "kept as far as it was judged", "different")),
    ([seen("pass")], [seen("fail", signature="x"), IN_DOUBT], ("kept", "broken: x", "worse")),
    ([seen("pass"), seen("skip", signature="not-in-version")], [seen("fail", signature="x")], ("kept", "broken: x", "worse")),
]


@pytest.mark.parametrize(("before", "after", "expected"), PROMISES)
def test_a_promise_is_kept_or_broken_otherwise(before, after, expected):
    found = changes([], [], promises=(before, after))
    assert [(c.before, c.after, c.effect) for c in found] == ([expected] if expected else [])
    assert all(told(c)[:3] == ("CreateJob.permission", "promise", ("member",)) for c in found)


def broken(signature, request="a/b", count=1, **more):
    """What was seen broken, with the status that the signature begins with, in a test of which the cassette is known."""
    told = {"cassette": f"{request}.yaml", "evidence": {"status": int(signature[:3])}, "count": count}
    return {**seen("fail", signature=signature), **told, **more}


def asked(says, request="a/b"):
    return answer(says, request=request, valid=False)


WAYS = [
    # really kept by the same request
    (asked("201"), [broken("201 x")], asked("400 a"), [seen("pass")], [("answer", "better", ["broken: 201 x → kept"])]),
    # answered by an error of the server, which is told once, whichever promise it breaks or hides
    (
        *(asked("201"), [broken("201 x")], asked("500 a"), [seen("pass")]),
        [("answer", "worse", ["broken: 201 x → answered 500 a"])],
    ),
    (
        *(asked("201"), [broken("201 x")], asked("500 a"), [broken("500 a")]),
        [("answer", "worse", ["broken: 201 x → broken: 500 a"])],
    ),
    (asked("201"), [seen("pass")], asked("500 a"), [broken("500 a")], [("answer", "worse", ["kept → broken: 500 a"])]),
    # broken otherwise
    (
        *(asked("201"), [broken("201 x")], asked("403 a"), [broken("403 y")]),
        [("answer", "different", ["broken: 201 x → broken: 403 y"])],
    ),
    # broken otherwise by another request, which was so before
    (
        *(asked("201"), [broken("201 x"), broken("404 y", "c/d")], asked("400 a"), [broken("404 y", "c/d")]),
        [("answer", "better", ["broken: 201 x → not broken that way"])],
    ),
    # judged by another test than the one that asked
    (asked("201"), [broken("201 x", "w/w")], asked("400 a"), [seen("pass")], [("answer", "better", ["broken: 201 x → kept"])]),
    # not asked there, though something else was
    (asked("201", "c/d"), [broken("201 x", "c/d")], asked("400 a"), [seen("pass")], [("promise", "different", [])]),
]


@pytest.mark.parametrize(("old", "was", "new", "is_", "expected"), WAYS)
@pytest.mark.parametrize("is_back", [False, True])
def test_a_promise_is_mended_only_where_the_same_requests_show_it_kept(old, was, new, is_, expected, is_back):
    """And is worse only where they showed it kept before: both ways round."""
    sides = [([old], was), ([new], is_)][:: -1 if is_back else 1]
    found = changes(sides[0][0], sides[1][0], promises=(sides[0][1], sides[1][1]))
    opposite = {"worse": "better", "better": "worse", "different": "different"}
    for kind, effect, promises in expected:
        (change,) = found
        assert (change.kind, change.effect) == (kind, opposite[effect] if is_back else effect)
        ways = [" → ".join([p.before, p.after][:: -1 if is_back else 1]) for p in change.promises]
        assert ways == promises and all(p.effect == change.effect for p in change.promises)


@pytest.mark.parametrize("is_back", [False, True])
def test_a_promise_that_the_same_answer_breaks_in_one_version_only_makes_nothing_worse_for_who_got_it(is_back):
    """Its permission was retired, so that whoever is served holds none."""
    served, kept, shown = asked("201"), [seen("pass")], [broken("201 without permission")]
    sides = [([served], kept), ([served], shown)][:: -1 if is_back else 1]
    old, new = (of(f"5.{i}.0", [SERVED, *answers], rows) for i, (answers, rows) in enumerate(sides))
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    (change,) = page.comparison.changes
    assert (change.kind, change.effect, change.answered_alike) == ("promise", "different", True)
    assert "CreateJob.permission: answered as before, and judged otherwise: “" in page.text()
    of_body = [{**row, "clause": "CreateJob.schema", "rule": "schema"} for row in (*kept, *shown)]
    (change,) = changes([served], [served], promises=(of_body[:1], of_body[1:]))
    assert (change.effect, change.answered_alike) == ("worse", False), "what stands in it may be another"


def test_what_stands_in_an_answer_that_was_refused_before_is_told_apart_and_does_not_make_it_worse_that_it_is_served():
    shown = [{**broken("201 the body"), "clause": "CreateJob.schema", "rule": "schema"}]
    kept = [seen("pass", "CreateJob.schema")]
    found = changes([asked("403 a")], [asked("201")], promises=(kept, shown))
    assert [(c.kind, c.effect, c.promises) for c in found] == [("promise", "worse", ()), ("answer", "different", ())]


def test_which_request_showed_a_promise_broken_may_be_unclear_and_is_no_news_then():
    """Of two requests that were answered alike one showed it, and one fails now: nobody knows which."""
    old, new = [asked("201"), asked("201")], [asked("500 a"), asked("400 b")]
    found = {c.kind: c for c in changes(old, new, promises=([broken("201 x")], [seen("pass")])) if c.kind == "promise"}
    assert (found["promise"].effect, found["promise"].before) == ("different", "broken: 201 x")


def test_the_test_that_showed_a_promise_broken_on_a_live_server_is_found_by_its_name():
    """Which has no tape, so that no cassette is named."""
    row = broken("201 x", cassette="", test="suites/jobs/test_made.py::test_a_b[127.0.0.1-8065-CreateJob]")
    live = {"target": "http://127.0.0.1:8065"}
    before = of("5.0.0", [SERVED, asked("201", "jobs/made/a_b/CreateJob")], [row], **live)
    after = of("5.1.0", [SERVED, asked("500 a", "jobs/made/a_b/CreateJob")], [seen("pass")])
    (change,) = compare(CONTRACT, before, after).changes
    assert (change.kind, change.effect, len(change.promises)) == ("answer", "worse", 1)


def test_the_worst_comes_first():
    before = [answer("201", fields={"id": "string"}), answer("400 a", persona="outsider"), answer("500 a", persona="token_user")]
    after = [answer("500 b"), answer("400 b", persona="outsider"), answer("400 a", persona="token_user")]
    assert [change.effect for change in changes(before, after)] == ["worse", "different", "better"]


def test_of_what_is_worse_comes_first_what_is_refused_then_what_fails_what_is_gone_and_what_is_no_longer_promised():
    """In the order in which the README promises it, whatever the number of operations."""
    people = {"outsider": ("201", NO), "member": ("400 a", "500 b")}
    before, after = ([answer(said[i], persona=who) for who, said in people.items()] for i in (0, 1))
    before.append(answer("200", "GetWebrtcToken"))
    after.append(answer("404 api.context.404.app_error", "GetWebrtcToken"))
    for operation in ("CreateJob", "RegenCommandToken"):
        before.append(answer("201", operation, "bot", fields={"id": "string", "x": "number"}))
        after.append(answer("201", operation, "bot", fields={"x": "number"}))
    old = of("5.0.0", [SERVED, *before], [seen("pass", persona="token_user")])
    new = of("5.1.0", [SERVED, *after], [seen("fail", persona="token_user", signature="x")])
    found = compare(CONTRACT, old, new)
    assert {c.effect for c in found.changes} == {"worse"}
    assert [c.kind for c in found.changes] == ["answer", "answer", "operation", "field", "field", "promise"]
    text = Page(CONTRACT, old, new, found).text()
    places = [
        text.index(words) for words in ("201 → 403", "400 a → 500", "1 operation gone", "absent, 2 operations", "broken: x")
    ]
    assert places == sorted(places)


ALIKE = ("EnableUserAccessToken", "CreateUserAccessToken", "DisableUserAccessToken")


def test_the_same_change_of_several_operations_is_read_once():
    """With all of them, every promise, the number of answers, and the reason once; another change of one of them stands apart."""
    before, after = ([answer(says, operation, "bot") for operation in ALIKE] for says in ("200", NO))
    before, after = [*before, answer("400 a", ALIKE[0])], [*after, answer("500 b", ALIKE[0])]
    served = [answer("200", operation, "system_admin") for operation in ALIKE]
    old, new = of("8.0.0", [*before, *served]), of("8.1.0", [*after, *served])
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    for text in (page.text(), page.markdown().replace("`", "")):
        assert text.count("403 api.context.permissions.app_error, 3 operations") == 1 and "500 b, 1 operation" in text
        assert text.count("Bots reach no tokens through the rights of a user.") == 1
        assert all(f"{operation}.permission" in text for operation in ALIKE)
        assert text.count("Must have create_user_access_token permission") == 1 or text.count("`create_user_access_token`") == 1
    assert "3 of 3 requests that had the old answer: about their own; “a/b”; first seen in answer 1 of:\n" in page.text()
    assert page.markdown().count("1 of 1 requests that had the old answer") == 4


def test_of_what_is_alike_otherwise_comes_first_what_meets_those_with_the_fewest_permissions():
    before = [answer("200", ALIKE[0], "system_admin"), answer("200", ALIKE[1], "bot"), answer("200", ALIKE[2], "guest")]
    after = [answer(f"40{i} x", of_it["operation"], of_it["persona"]) for i, of_it in enumerate(before)]
    served = [answer("200", operation, "member") for operation in ALIKE]
    old, new = of("5.0.0", [*before, *served]), of("5.1.0", [*after, *served])
    told = re.findall("for (.*):", Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text())
    assert told == ["guest", "bot", "system_admin"]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"spec": "0"}, "by our own documents, without --spec, in another state: ask one of the two again, by the other"),
        ({"seed": 2}, r"different requests.*`mmconform compare --save NAME TARGET` keeps one"),
        ({"max_examples": 5}, r"different requests.*`mmconform compare --save NAME TARGET` keeps one"),
    ],
)
def test_records_of_different_requests_are_not_compared_and_how_to_get_one_that_is_is_told(header, says):
    with pytest.raises(MisuseError, match=says):
        compare(CONTRACT, of("5.0.0"), of("5.1.0", **header))
    with pytest.raises(MisuseError, match="other documents"):
        compare(CONTRACT, of("5.0.0", spec="0"), of("5.1.0", spec="0"))


# -- what is known to have changed ---------------------------------------------------------------------------------

KNOWN = known_changes.KnownChange(
    frozenset({"CreateJob"}), Versions.parse(">=5.1"), frozenset({"201"}), frozenset({NO}), "because", "a.go@v5.1.0", "x:1"
)


def known(change, entries, older=(5, 0), newer=(5, 1)):
    return known_changes.is_known(change, CONTRACT, entries, Version(*older), Version(*newer))


def test_a_known_change_is_one_of_its_operation_answers_versions_and_people():
    (change,) = changes([answer("201")], [answer(NO)])
    assert known(change, [KNOWN]) and not known(change, [])
    assert not known(change, [KNOWN], (5, 1), (5, 2)) and not known(change, [KNOWN], (4, 9), (5, 0))
    assert known(change, [KNOWN], (4, 0), (11, 0))
    assert not known(replace(change, after="404 x"), [KNOWN]) and not known(replace(change, before="400"), [KNOWN])
    assert not known(replace(change, operation="RegenCommandToken"), [KNOWN])


def test_a_change_that_was_carried_back_lies_between_the_patches_of_each_line():
    (change,) = changes([answer("201")], [answer(NO)])
    back = replace(KNOWN, versions=Versions.parse(">=5.3, >=5.1.2 <5.2", ">=5.2 <5.3"))
    assert known(change, [back], (5, 1, 1), (5, 1, 2)) and not known(change, [back], (5, 1, 0), (5, 1, 1))
    assert known(change, [back], (5, 1, 1), (5, 2)) and known(change, [back], (5, 2), (5, 3)), "it may have changed there"
    assert known_changes.unmet([back], [], Version(5, 2), Version(5, 3)) == [], "nobody knows that it did"
    assert known_changes.unmet([back], [], Version(5, 1, 1), Version(5, 3)) == [back]


def test_what_is_known_for_some_is_new_when_somebody_else_meets_it():
    (change,) = changes([answer("201")], [answer(NO)])
    some, others = (replace(KNOWN, personas=frozenset({p})) for p in ("member", "outsider"))
    both = replace(change, personas=("member", "outsider"))
    assert known(change, [some]) and not known(change, [others])
    assert not known(both, [some]) and known(both, [some, others])


def test_an_operation_that_comes_or_goes_as_documented_is_known():
    served, gone = answer("200", "GetWebrtcToken"), answer("404 x", "GetWebrtcToken")
    (left,) = changes([served], [gone])
    assert known(left, [], (5, 5), (5, 6)) and not known(left, [], (5, 4), (5, 5)) and not known(left, [], (5, 6), (5, 7))
    assert "leaves with 5.6.0" in known_changes.explain(left, CONTRACT, [], Version(5, 5), Version(5, 6))


def test_a_known_change_between_two_versions_that_is_not_met_is_told():
    (change,) = changes([answer("201")], [answer(NO)])
    assert known_changes.unmet([KNOWN], [change], Version(5, 0), Version(5, 1)) == []
    assert known_changes.unmet([KNOWN], [], Version(5, 0), Version(5, 1)) == [KNOWN]
    assert known_changes.unmet([KNOWN], [], Version(5, 1), Version(5, 2)) == []


GOOD = 'operation: CreateJob\n  versions: ">=5.1"\n  before: "201"\n  after: "400"\n  reason: r\n  source: s\n'
BAD = {
    "no list": ("a: 1\n", 1, "expected a list"),
    "no mapping": ("- a\n", 1, "expected a mapping"),
    "no source": ("- " + GOOD.replace("  source: s\n", ""), 1, "no `source`"),
    "a strange key": (f"- {GOOD}  colour: red\n", 1, "`colour` is no part"),
    "a strange operation": (f"- {GOOD.replace('CreateJob', 'MakeTea')}", 1, "`MakeTea` is no operation"),
    "a strange persona": (f"- {GOOD}  personas: [king]\n", 1, "`king` is no persona"),
    "a strange version": (f"- {GOOD.replace('>=5.1', 'soon')}", 1, "`soon` is no span of versions"),
    "the same twice": (f"- {GOOD}- {GOOD}", 7, "says the same as"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_data_is_refused_with_its_line(tmp_path, case):
    text, line, message = BAD[case]
    path = tmp_path / "changes.yaml"
    path.write_text(text)
    with pytest.raises(DocumentError, match=message) as caught:
        known_changes.load(CONTRACT, path)
    assert f"changes.yaml:{line}:" in str(caught.value)


def test_documents_of_other_operations_can_be_compared():
    """What is known of ours says nothing of them, and was refused as a slip."""
    small = build(load([SPECS / "small.yaml"]).document)
    rows = [[answer(says, "GetUser", who) for who in ("system_admin", "member")] for says in ("200", "200")]
    old, new = (
        of(version, told, spec=small.digest, documents=("--spec=specs/small.yaml",))
        for version, told in zip(("5.0.0", "5.1.0"), rows, strict=True)
    )
    assert "GetUser" in small.operations and "CreateUserAccessToken" not in small.operations
    assert "no difference" in Page(small, old, new, compare(small, old, new)).text()
    with pytest.raises(DocumentError, match="is no operation of the contract"):
        known_changes.load(small)


def test_our_own_data_loads():
    assert len(known_changes.load(CONTRACT)) > 20


# -- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    """Two records in files: a valid request is refused in the later one, in words that are no Markdown."""
    paths = []
    for version, says in (("5.0.0", "201"), ("5.1.0", "403 <img>|*x*")):
        paths.append(tmp_path / version)
        record.write(paths[-1], of(version, [SERVED, answer(says)]))
    return [str(path) for path in paths]


def test_the_command_tells_what_got_worse_and_exits_with_1(files, capsys):
    assert cli.main(["compare", *files]) == 1
    told = capsys.readouterr().out
    assert "1 worse" in told and "CreateJob.permission" in told and "201 → 403" in told and "specs/source" in told
    assert cli.main(["compare", files[1], files[0]]) == 0
    assert cli.main(["compare", files[0], files[0]]) == 0 and "no difference" in capsys.readouterr().out


def test_the_comparison_for_machines(files, capsys):
    assert cli.main(["compare", *files, "--format", "json"]) == 1
    page = json.loads(capsys.readouterr().out)
    (change,) = page["changes"]
    assert (change["effect"], change["clause"], change["personas"]) == ("worse", "CreateJob.permission", ["member"])
    assert page["after"]["server"]["name"] == "5.1.0" and change["promise"] and change["place"].startswith("specs/")


def test_markdown_holds_nothing_of_the_servers_own(files, capsys):
    assert cli.main(["compare", *files, "--format", "markdown"]) == 1
    page = capsys.readouterr().out
    outside = re.sub(r"(`+).*?\1", "", page)  # of code, in which nothing is markup
    title = "Mattermost 5.0.0 (`recorded:5.0.0`) → 5.1.0 (`recorded:5.1.0`)"
    told = "1 worse, 0 different, 0 better; 2 answers to the same requests compared, of 1 operation"
    assert page.startswith(f"# {title}\n\n{title}: {told}\n")
    assert "<img>" not in outside and "*x*" not in outside.replace("\\*", "")


def test_a_source_in_markdown_is_code_and_its_brackets_are_the_sentences():
    """(file@commit function) is one pair of brackets around code and a word."""
    assert inert("Why. (a/b.go@30140c0a27 SessionHas)") == "Why. (`a/b.go@30140c0a27` SessionHas)"
    assert inert("see [https://a.b/c], and @you.") == "see \\[`https://a.b/c`\\], and `@you`."
    assert inert("@channel") == "`@channel`"


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Where records are kept under names."""
    for module in (compare_command, runs):
        monkeypatch.setattr(module, "SAVED", tmp_path / "saved")
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    return tmp_path / "saved"


def test_a_record_is_kept_under_a_name_and_compared_with_later(files, saved, capsys):
    assert cli.main(["compare", "--save", "before", files[0]]) == 0
    said = capsys.readouterr().out
    assert f"mmconform compare before {files[0]}" in said and "it is red" not in said
    assert cli.main(["compare", "before", files[1]]) == 1 and "1 worse" in capsys.readouterr().out
    assert record.read(saved / "before" / record.NAME).header == record.read(Path(files[0])).header


def test_who_keeps_a_red_record_is_told_so(files, saved, capsys):
    one = record.read(Path(files[0]))
    record.write(Path(files[0]), replace(one, footer=msgspec.structs.replace(one.footer, new=1, green=False)))
    assert cli.main(["compare", "--save", "before", files[0]]) == 0
    assert "it is red: 1 new; a page that says more: mmconform report " in capsys.readouterr().out


@pytest.mark.parametrize("target", ["http://127.0.0.1:8065", "reference"])
def test_of_the_whole_api_a_live_server_is_asked_by_probes_that_are_the_same_each_time(target, monkeypatch, tmp_path):
    """All suites would take half an hour; and what a run draws for itself could not be compared."""
    monkeypatch.setattr(runs, "REPORTS", tmp_path)
    one = SimpleNamespace(name=target, slug="x", is_recorded=False, is_whole=False)
    chosen = ("--disruptive", "--spec=api.yaml", "--operation=GetUser")
    job = runs._job(one, chosen)
    assert job.tests == ("suites/generated/test_probes.py",) and (SUITES.parent / job.tests[0]).is_file()
    assert {*chosen, "--max-examples=1", f"--hypothesis-seed={SEED}"} <= set(job.options)
    assert runs._job(one, chosen[:1]).tests == () and not any("examples" in option for option in runs._job(one, ()).options)
    taped = SimpleNamespace(name="recorded:11.1.0/whole", slug="y", is_recorded=True, is_whole=True)
    assert runs._job(taped, chosen).options == ("--tb=no", "--spec=api.yaml") and not runs._job(taped, chosen).tests


def test_a_live_server_is_asked_about_the_operations_that_a_record_is_of(monkeypatch, tmp_path):
    """What a probe is answered hangs on what others did before: they archive what it names, or join its caller."""
    ran = []
    monkeypatch.setattr(runs, "_job", lambda target, options: ran.append(options) or pytest.fail("run"))
    for name, selection in (("part", "--operation=Get* --operation=A suites/x.py"), ("all", "")):
        record.write(tmp_path / name, of("5.0.0", [SERVED], selection=selection, seed=SEED))
    for kept, options in ((str(tmp_path / "part"), ("--operation=A", "--operation=Get*")), (str(tmp_path / "all"), ())):
        with pytest.raises(pytest.fail.Exception):
            runs.records_of([kept, "reference"], ("--spec=api.yaml", "--operation=GetUser"))
        assert ran.pop() == ("--spec=api.yaml", *options)
    for names, options, spec in (
        (["reference"], ("--operation=GetUser",), ("--spec=api.yaml",)),
        (["5.36.1", "reference"], (), ()),
    ):
        with pytest.raises(pytest.fail.Exception):
            runs.records_of(names, (*spec, "--operation=GetUser"))
        assert ran.pop() == (*spec, *options)


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (["5.36.1", "11.1.0/whole"], ()),
        (["recorded:11.1.0/whole", "5.36.1"], ("--spec=api.yaml",)),
        (["5.36.1", "reference"], ("--spec=api.yaml",)),
        (["5.36.1"], ("--spec=api.yaml",)),
    ],
)
def test_nothing_runs_that_would_be_judged_by_documents_which_the_other_is_not(names, options, monkeypatch):
    """It would take a minute, and the advice to run one of them again would not help."""
    monkeypatch.setattr(runs, "_job", lambda *_: pytest.fail("run"))
    with pytest.raises(MisuseError, match=r"^recorded:5\.36\.1 is a tape of our own documents' operations") as raised:
        runs.records_of(names, options)
    assert "recorded:11.1.0/whole" in str(raised.value) and str(raised.value).endswith("; nothing was asked")


def test_records_of_different_documents_are_told_apart():
    ours, others, same = (of("5.0.0", [SERVED], spec=spec, documents=by) for spec, by in (("0", ()), ("1", BY), ("2", BY)))
    with pytest.raises(
        MisuseError, match=r"^the one record was judged by our own documents, without --spec, the other by --spec"
    ):
        compare(CONTRACT, ours, others)
    with pytest.raises(
        MisuseError, match=r"^the one record was judged by --spec=api\.yaml, the other by .*, in another state: ask"
    ):
        compare(CONTRACT, others, same)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"spec": "0", "documents": ("--spec=api.yaml",)}, "was judged by --spec=api.yaml, in another state or not named here"),
        ({"spec": "0"}, "was judged by our own documents, without --spec, in another state"),
        ({}, "is of other requests: each run of a server draws its own"),
    ],
)
def test_no_server_is_asked_whose_answers_could_not_be_compared(header, says, tmp_path, monkeypatch, capsys):
    """It would take minutes, and be refused only then."""
    monkeypatch.setattr(runs, "_job", lambda *_: pytest.fail("run"))
    record.write(tmp_path / "kept", of("5.0.0", [SERVED], **header))
    assert cli.main(["compare", str(tmp_path / "kept"), "reference"]) == 2
    told = capsys.readouterr().err
    assert says in told and told.endswith("nothing was asked\n")


BY = ("--spec=api.yaml",)


def test_records_of_other_operations_are_not_compared_where_probes_were_asked(files):
    parts = "--operation=Get* suites/generated/test_probes.py", "suites/generated/test_probes.py"
    few, all_ = (of("5.0.0", [SERVED], documents=("--spec=api.yaml",), selection=part) for part in parts)
    with pytest.raises(MisuseError, match="of different operations"):
        compare(CONTRACT, few, all_)
    more = replace(all_, header=msgspec.structs.replace(all_.header, selection=f"{parts[1]} suites/generated/test_principles.py"))
    assert compare(CONTRACT, few, few).changes == compare(CONTRACT, all_, more).changes == []


def test_the_command_that_compares_what_was_kept_takes_the_same_documents_and_operations(files, saved, capsys):
    assert cli.main(["compare", "--save", "before", files[0], "--operation=Create*", "--create-first-admin"]) == 0
    assert capsys.readouterr().out.endswith(f"mmconform compare before {files[0]} '--operation=Create*'\n")


def test_a_version_may_be_written_as_tags_are(monkeypatch):
    """v5.36.1 is no name under which a record would be kept."""
    monkeypatch.setattr(runs, "_job", lambda target, _: pytest.fail(target.name))
    with pytest.raises(pytest.fail.Exception, match=r"^recorded:5\.36\.1$"):
        runs.records_of(["v5.36.1"])


def test_what_is_to_be_done_next_asks_no_live_server_again(files):
    """A tape keeps its name: to run the one test that is told makes its record one of a part."""
    live = of("5.0.0", target="http://127.0.0.1:8065")
    assert runs.place_of("http://127.0.0.1:8065", live).endswith("reports/127.0.0.1-8065")
    assert runs.place_of("5.0.0", of("5.0.0")) == "5.0.0" and runs.place_of(files[0], live) == files[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--save", "5.36.1", "FILE"], "`5.36.1` is no name"),
        (["--save", "../x", "FILE"], "`../x` is no name"),
        (["--save", "", "FILE"], "`` is no name"),
        (["--save", "before", "FILE", "FILE"], "are two"),
        (["--save", "there", "FILE"], "as `there` a record is kept already, of ? of ? ("),
        (["FILE"], "compare with what?"),
        (["befor", "FILE"], "no record is kept as `befor` (kept are: there); or name a target"),
    ],
)
def test_what_cannot_be_kept_is_told_in_one_line_and_nothing_is_written_over(files, saved, capsys, arguments, says):
    (saved / "there").mkdir(parents=True)
    (saved / "there" / record.NAME).write_text("kept")
    assert cli.main(["compare", *(files[0] if one == "FILE" else one for one in arguments)]) == 2
    told = capsys.readouterr().err
    assert says in told and told.count("\n") == 1
    assert [path.name for path in saved.iterdir()] == ["there"] and (saved / "there" / record.NAME).read_text() == "kept"


def test_what_was_switched_off_is_told_while_it_can_still_be_mended(tmp_path, saved, capsys):
    """After the upgrade it is too late."""
    kept = tmp_path / "off.jsonl"
    record.write(kept, of("5.0.0", [answer("200", "GetWebrtcToken")], OFF))
    assert cli.main(["compare", "--save", "before", str(kept)]) == 0
    assert "not judged in it, since what they need is switched off on" in (told := capsys.readouterr().out)
    assert "CreateJob; no comparison" in told


@pytest.mark.parametrize("name", ["reports/none.jsonl", "1.2.3", "recorded:all", "nonsense"])
def test_what_is_neither_a_record_nor_a_target_is_refused_in_one_line(files, capsys, name):
    assert cli.main(["compare", files[0], name]) == 2
    told = capsys.readouterr().err
    assert told.startswith("mmconform: ") and told.count("\n") == 1


def test_a_page_explains_a_change_in_two_steps():
    moved = compare(CONTRACT, of("5.0.0", [SERVED, answer("400 x")]), of("6.0.0", [SERVED, answer("500 app.job.save.app_error")]))
    page = Page(CONTRACT, of("5.0.0"), of("6.0.0"), moved)
    assert "    why   since 5.28.0: Errors are named after the application" in page.text()


def entry(version, signature, **more):
    """A known deviation of servers from a version on, as members see it."""
    of = {"clause": "CreateJob.permission", "personas": frozenset({"member"}), "versions": Versions.parse(f">={version}")}
    told = {"verdict": "server", "reason": f"why {signature}", "evidence": "e", "first_seen": "f", "place": "p:1"}
    return Deviation(**{**of, **told, "signature": signature, **more})


KEPT, X, Y = [seen("pass")], [seen("fail", signature="x")], [seen("fail", signature="y")]
NOT_ALL = f"not all could be judged: {WHY_SKIPPED['unknown-in-version']}"
KNOWN_ONES = [
    # worse, and different since one of the two was judged in part only, or in another way
    (KEPT, X, entry("5.1", "x"), "known deviation, server: why x (e)"),
    ([*KEPT, IN_DOUBT], X, entry("5.1", "x"), f"known deviation, server: why x (e); of 5.0.0 {NOT_ALL}"),
    (Y, X, entry("5.1", "x"), "known deviation, server: why x (e)"),
    # better
    (X, KEPT, entry("5.0", "x"), "was a known deviation, server: why x (e)"),
    (X, [*KEPT, IN_DOUBT], entry("5.0", "x"), f"was a known deviation, server: why x (e); of 5.1.0 {NOT_ALL}"),
    # of another version, in another way, of another promise or caller, and where nobody knows
    (KEPT, X, entry("5.2", "x"), ""),
    (KEPT, X, entry("5.1", "y"), ""),
    (KEPT, X, entry("5.1", "x", clause="CreateJob.status"), ""),
    (KEPT, X, entry("5.1", "x", personas=frozenset({"outsider"})), ""),
    (KEPT, X, entry("5.1", "x", versions=Versions.parse(">=6", ">=5.1 <6")), ""),
]


@pytest.mark.parametrize(("before", "after", "known", "reason"), KNOWN_ONES)
def test_a_promise_that_is_known_to_be_broken_is_told_with_the_reason(before, after, known, reason):
    old, new = of("5.0.0", [SERVED], before), of("5.1.0", [SERVED], after)
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new), [known])
    (change,) = page.json()["changes"]
    assert (change["kind"], change["reason"]) == ("promise", reason)
    assert all(one in page.text() for one in reason.split("; ")) and ("why" in page.text()) == bool(reason)


def test_the_command_knows_the_deviations_of_the_documents(tmp_path, capsys):
    """Between a server that keeps a promise and one that is known not to."""
    known = next(d for d in deviations.load(CONTRACT) if d.versions.include(Version(11, 0)))
    told = known.clause, sorted(known.personas)[0], known.signature
    rows = [seen("pass", *told[:2])], [seen("fail", *told)]
    files = [tmp_path / name for name in ("before", "after")]
    for file, seen_there in zip(files, rows, strict=True):
        record.write(file, of("11.0.0", [], seen_there))
    cli.main(["compare", *map(str, files), "--format", "json"])
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert known.reason.strip() in change["reason"] and known.evidence.strip() in change["reason"]


@pytest.mark.parametrize("is_before", [True, False])
def test_a_record_of_a_part_is_told_to_be_one(is_before):
    part, whole = of("5.0.0", [SERVED], selection="-k *x*"), of("5.1.0", [SERVED, answer("201")])
    before, after = (part, whole) if is_before else (whole, part)
    page = Page(CONTRACT, before, after, compare(CONTRACT, before, after))
    assert "what recorded:5.0.0 was not asked; its record is of a part only (-k *x*)" in page.text()
    assert "of a part only" in page.markdown() and "*x*" not in page.markdown().replace("\\*", "")
    assert "of a part only" not in Page(CONTRACT, whole, whole, compare(CONTRACT, whole, whole)).text()
    again = of("5.1.0", [SERVED], selection="*x* -k")  # in another order
    both = Page(CONTRACT, part, again, compare(CONTRACT, part, again)).text()
    assert both.count("of a part only") == 1
    assert "Not compared: what neither was asked; their records are of a part only (-k *x*)\n" in both


@pytest.mark.parametrize(("selection", "is_told"), [(PROBES, True), (f"{PROBES} -k x", False)])
def test_what_compare_asks_itself_is_no_part_of_a_run(selection, is_told):
    """Of a whole API it always asks probes alone: that is what was compared, and nothing that somebody left out."""
    records = [of(version, [SERVED], documents=BY, selection=selection) for version in ("5.0.0", "5.1.0")]
    told = Page(CONTRACT, *records, compare(CONTRACT, *records)).text()
    assert ("Both were asked by probes, as compare does with a whole API" in told, "of a part only" in told) == (
        is_told,
        not is_told,
    )


# -- what the same requests do not show ---------------------------------------------------------------------------------------


OF_TOKENS = [name for name in CONTRACT.operations if re.search("UserAccessToken$|TokensForUser", name)]


@pytest.mark.parametrize("is_back", [False, True])
def test_whom_one_server_only_was_asked_as_is_named_and_what_is_known_to_have_changed_there(is_back):
    """That since 7.10 a holder of edit_other_users makes no token for an administrator (CVE-2023-2515), and so on."""
    both = [answer("200", "CreateUserAccessToken", "system_admin"), answer("404 x", "RegenCommandToken", "member")]
    alone = [answer(NO, "CreateUserAccessToken", "editor"), answer(NO, "GetUserAccessToken", "editor"), answer(NO, persona="bot")]
    clause = "CreateUserAccessToken.permission"
    bots = [answer(says, "CreateUserAccessToken", "bot") for says in ("200", NO)]
    old, new = (
        of("5.36.1", [*both, bots[0]]),
        of("11.0.3", [*both, *alone, bots[1]], [seen("fail", clause, "bot_editor", "403 y")]),
    )
    before, after = (new, old) if is_back else (old, new)
    page = Page(CONTRACT, before, after, compare(CONTRACT, before, after), deviations.load(CONTRACT))
    for text in (page.text(), page.markdown().replace("`", "").replace("\\", "")):
        _, _, told = text.partition("Asked of recorded:11.0.3 only, 3 answers; ")
        told, _, known_ones = told.partition(
            "Our lists know these changes between the two as well, which the same requests did not show:"
        )
        assert "As editor (2), bot (1)" in told and "system_admin" not in told and "member" not in told
        known_ones, _, felt = known_ones.partition("Who would feel what")
        cve = "since 7.10.0 (and patch releases from 7.1.8, 7.7.4, 7.8.3, 7.9.2 on): 200 → 403 api.context.permissions.app_error"
        cve += ", for editor: CreateUserAccessToken: A token for an "
        assert cve in " ".join(known_ones.split()) and "CVE-2023-2515" in known_ones
        assert not re.search(r"\.permission, for (bot_)?editor", known_ones), "it is told already"
        # Of an entry about several callers and operations, what was shown for one of them in one operation is told of the others.
        since = "since 8.1.0 (not known from 7.8.1 until 8.1.0): 200 → 403 api.context.permissions.app_error, for"
        assert f"{since} bot_editor: CreateUserAccessToken: " in known_ones
        assert f"{since} bot, bot_editor: {', '.join(OF_TOKENS[:1] + OF_TOKENS[2:])}: " in known_ones
        verb = "served" if is_back else "refused"
        by_lists = "(by our lists, not by these requests: "
        # The one is refused everywhere; the other only where it is about an administrator's tokens, and that has to be said.
        assert (
            f"bot_editor: {verb} in {', '.join(sorted(OF_TOKENS))} {by_lists}Bots reach no tokens through the rights of" in felt
        )
        assert f"editor: {verb} in CreateUserAccessToken {by_lists}A token for an administrator is made by administrators" in felt
        assert f"RevokeUserAccessToken {by_lists}Whoever may edit other users reaches no administrator's tokens without" in felt
        assert f"bot: {verb} in CreateUserAccessToken (1 of 1: about their own; “a/b”), DisableUser" in felt
    assert page.json()["only_before" if is_back else "only_after"]["bot"] == {"CreateJob": 1}
    assert any("CVE-2023-2515" in line for line in page.json()["not_shown"])
    assert [sum(of.values()) for of in page.json()["why_not_before" if not is_back else "why_not_after"].values()] == [3]


HOW_MANY = " (with how many of the requests to both were served)"
GONE_PERMISSION = "`manage_slash_commands` was retired: on a server made since, nobody holds it"


@pytest.mark.parametrize("is_back", [False, True])
def test_a_permission_that_a_version_retired_is_told_as_a_loss_of_those_who_were_served_with_it(is_back):
    """On the newer server no test asks with it any more, and what else it answers them says nothing of having been served."""
    request, clause = "permissions/commands/held_in_the_system", "RegenCommandToken"
    others = answer("200", clause, "system_admin"), answer("404 a", clause, "slash_manager", request="a/c")
    alone = [answer("200", clause, "slash_manager", request=request), answer("200", clause, request="no/such"), SERVED]
    skipped = {**seen("skip", f"{clause}.permission", "", "not-in-version"), "cassette": f"{request}.yaml"}
    old, new = of("11.1.0", [*others, *alone]), of("11.2.0", [*others, SERVED], [skipped])
    before, after = (new, old) if is_back else (old, new)
    found = compare(CONTRACT, before, after)
    (lost,) = found.served_after if is_back else found.served_before
    assert (lost.operation, lost.persona, lost.served, lost.said) == (clause, "slash_manager", ("200",), ("404 a",))
    assert not (found.served_before if is_back else found.served_after)
    text = " ".join(Page(CONTRACT, before, after, found).text().split())
    assert "Served by recorded:11.1.0, and not tried on recorded:11.2.0: slash_manager in RegenCommandToken (1) " in text
    assert f'mmconform.exchanges("11.1.0", "RegenCommandToken", cassette="{request}")' in text
    assert f"since 11.2.0: served until then, for slash_manager: {clause}: The documented permission {GONE_PERMISSION} (" in text
    felt = f"slash_manager: {'served' if is_back else 'refused'} in {clause} (by our lists, not by these requests: The documented"
    assert felt in text
    both = of("11.0.1", old.answers), of("11.1.0", new.answers)
    assert GONE_PERMISSION not in " ".join(Page(CONTRACT, *both, compare(CONTRACT, *both)).text().split())


def test_of_chosen_operations_our_lists_tell_nothing_of_others():
    """An entry about several was told of those alone that nobody had chosen: of none, and counted as worse."""
    chosen = ("GetUserAccessToken", "GetUserAccessTokensForUser")
    sides = {"8.1.0": "200", "10.11.6": NO}
    old, new = (of(of_it, [SERVED, *(answer(says, name, "editor") for name in chosen)]) for of_it, says in sides.items())
    told = {}
    for patterns in ([], ["Get*"], [chosen[0]]):
        found = compare(CONTRACT, old, new, patterns)
        told[tuple(patterns)] = Page(CONTRACT, old, new, found, patterns=patterns).not_shown
    about = "administrator's tokens"
    of_editors = {names: [one.operations for one in found if about in one.reason] for names, found in told.items()}
    assert of_editors[()] and set(of_editors[()][0]).isdisjoint(chosen), "others were not asked"
    assert of_editors["Get*",] == of_editors[chosen[0],] == []
    assert all(one.operations for found in told.values() for one in found)


@pytest.mark.parametrize("is_back", [False, True])
def test_what_our_lists_alone_know_to_be_worse_is_counted_apart_and_found(is_back, tmp_path, capsys):
    """Both times the headline stands, in every format, and by the exit status; the other way round it is no loss."""
    request, clause = "permissions/commands/held_in_the_system", "RegenCommandToken"
    both = [answer("404 a", clause, "slash_manager", request="a/c"), answer("200", clause, "system_admin"), SERVED]
    skipped = {**seen("skip", f"{clause}.permission", "", "not-in-version"), "cassette": f"{request}.yaml"}
    old = of("11.1.0", [*both, answer("200", clause, "slash_manager", request=request)])
    records = [old, of("11.2.0", both, [skipped])][:: -1 if is_back else 1]
    page = Page(CONTRACT, *records, compare(CONTRACT, *records))
    told = "operations that were judged on both; and 1 worse that our lists alone know"
    assert told in page.markdown() or is_back
    assert (page.text().count(f"{told} (below); 3 answers"), page.text().count(f"{told} (above)")) == (
        (0, 0) if is_back else (1, 1)
    )
    assert f"No change, 1 operation{HOW_MANY}: CreateJob (1 of 1)\n" in page.text(), "not of what our lists know to be otherwise"
    lost = [line for line in page.json()["not_shown"] if GONE_PERMISSION in line]
    assert len(lost) == 1 and page.json()["worse_by_our_lists_alone"] == ([] if is_back else lost)
    files = [tmp_path / name for name in ("before.jsonl", "after.jsonl")]
    for file, one in zip(files, records, strict=True):
        record.write(file, one)
    assert cli.main(["compare", *map(str, files)]) == (0 if is_back else 1)
    assert (told in " ".join(capsys.readouterr().out.split())) is not is_back


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        ("200", "403 a", "worse"),
        ("200 | 201", "403 a", "worse"),
        ("400 a", "500 b", "worse"),
        ("x: string", "x: absent", "worse"),
        ("200 | 404 a", "403 a", "different"),  # it may have been refused before
        ("403 a", "200", "different"),  # as where an answer shows it
        ("500 a", "400 b", "better"),
        ("x: absent", "x: number", "better"),
        ("", "403 a", None),  # nobody has told what was answered
    ],
)
def test_what_our_lists_know_is_worse_where_every_answer_that_they_name_is(before, after, effect):
    said = [frozenset(filter(None, says.split(" | "))) for says in (before, after)]
    assert NotShown(("CreateJob",), (), *said, "text", "reason").effect == effect


def test_whom_the_earlier_server_alone_was_seen_to_serve_is_told_to_feel_that():
    """Of whom no list knows anything: that the later one does not serve them is not said."""
    asked_so, plain = (answer("201", persona="bot", request=request) for request in ("a/loop", "a/once"))
    refused = answer(NO, persona="bot", request="a/loop")
    old = of("5.0.0", [SERVED, refused, asked_so, plain])
    new = of("5.1.0", [SERVED, refused])
    feels = "served before, and now not tried"
    assert feels not in Page(CONTRACT, new, old, compare(CONTRACT, new, old)).text()
    text = Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text()
    assert f"\n  bot: {feels} in CreateJob\n" in text
    assert "Served by recorded:5.0.0, and not tried on recorded:5.1.0: bot in CreateJob (1)\n" in text, "not what was not run"
    served = of("5.1.0", [SERVED, refused, answer("201", persona="bot", request="b/else")])
    assert feels not in Page(CONTRACT, old, served, compare(CONTRACT, old, served)).text()


def test_a_promise_that_is_known_to_be_broken_tells_nothing_of_what_was_answered_where_it_was_not():
    """So that nobody is said to feel it: of whoever one of the two only was asked as, the other may never have served them."""
    told = entry("5.1", "403 x, not served", clause="RegenCommandToken.permission", personas=frozenset({"slash_manager"}))
    judged = [seen("fail", told.clause, "slash_manager", told.signature)]
    old, new = of("5.0.0", [SERVED]), of("5.1.0", [SERVED], judged)
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new), [told])
    line = "RegenCommandToken.permission, for slash_manager: broken: 403 x, not served: server: why 403 x, not served (e)"
    assert [one.text for one in page.not_shown] == [line] and f"  {line}\n" in page.text()
    assert "Who would feel" not in page.text()


def test_what_is_known_and_was_shown_or_lies_elsewhere_is_not_told_again():
    editors = [answer(says, "CreateUserAccessToken", "editor") for says in ("200", NO)]
    served = answer("200", "CreateUserAccessToken", "system_admin")
    judged = [[seen(outcome, "CreateUserAccessToken.permission", "editor", "403 x")] for outcome in ("pass", "fail")]
    old, new = (of(v, [served, e], j) for v, e, j in zip(("5.36.1", "11.0.3"), editors, judged, strict=True))
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new), deviations.load(CONTRACT))
    assert not any("CVE-2023-2515" in one.text for one in page.not_shown)
    assert not any("CreateUserAccessToken.permission, for editor" in one.text for one in page.not_shown)
    near = Page(CONTRACT, of("11.0.1"), of("11.0.3"), compare(CONTRACT, of("11.0.1"), of("11.0.3")), deviations.load(CONTRACT))
    assert near.not_shown == [] and "Our lists" not in near.text()


def test_the_first_or_last_of_several_changes_to_an_answer_is_told_with_all_of_them():
    entries = [
        replace(KNOWN, after=frozenset({"404 a"})),
        replace(KNOWN, before=frozenset({"404 a"}), after=frozenset({"404 b"})),
    ]
    (change,) = changes([answer("201")], [answer("404 b")])
    between = Version(5, 0), Version(5, 1)
    assert known_changes.not_shown(entries, [change], *between) == []
    assert known_changes.not_shown(entries, [], *between) == entries


def contradicting(version, *fields, standing="new"):
    """A record with such findings of principles, or none, though they were asked for."""
    told = {"principle": "hidden", "operation": "CreateJob", "beside": "GetJob", "personas": ("member",), "seen": "it is shown"}
    found = [FindingRow(**told, field=name, standing=standing) for name in fields]
    asked = [OperationRow("CreateJob", True, 1, 1, 1, True, for_principles=1)]
    return replace(of(version, [SERVED]), findings=found, operations=asked)


def test_findings_of_principles_are_told_beside_the_changes_and_are_none():
    old, new = contradicting("5.0.0", "type", "data"), contradicting("5.1.0", "data")
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    told = f"Findings of principles, which break no promise and count for no change here ({NEW_FINDING}): 2 → 1\n"
    assert f"{told}  before only: hidden: CreateJob, type, beside GetJob (new)\n" in page.text()
    assert "0 worse" in page.text() or "no difference" in page.text()
    assert "before only: hidden: CreateJob, type" in page.markdown() and "now only" not in page.text()
    none = contradicting("5.1.0")
    assert ": 2 → 0\n" in Page(CONTRACT, old, none, compare(CONTRACT, old, none)).text()
    not_asked = of("5.1.0", [SERVED])
    text = Page(CONTRACT, old, not_asked, compare(CONTRACT, old, not_asked)).text()
    told = "2 before of principles for which the other was not asked"
    assert f": {told}\n" in text and "before only" not in text, "as if they had been mended"
    by_probes = of("5.1.0", [SERVED, answer("200", request="generated/probes/who_is_served/CreateJob")])
    text = Page(CONTRACT, old, by_probes, compare(CONTRACT, old, by_probes)).text()
    told = ": 2 → 0 (of hidden, as far as one answer shows it)\n"
    assert told in text, "probes look for what is hidden, too: a repair was told as not asked"
    assert "Findings" not in Page(CONTRACT, none, none, compare(CONTRACT, none, none)).text()


@pytest.mark.parametrize("is_back", [False, True])
@pytest.mark.parametrize("name", ["password", "[].user.password"])
def test_to_hide_what_should_be_hidden_is_no_loss(is_back, name):
    """A field that is gone is one: but to show it was a finding, of the one server and not of the other."""
    shown, blank = ([answer("201", fields={"id": "string", **more})] for more in ({name: "string"}, {}))
    told = {"principle": "hidden", "beside": "", "personas": ("member",), "seen": "it holds a text of 60", "standing": "new"}
    old = replace(of("5.0.0", [SERVED, *shown]), findings=[FindingRow(**told, operation="CreateJob", field="password")])
    new = of("5.1.0", [SERVED, *blank])
    records = [old, new][:: -1 if is_back else 1]
    found = compare(CONTRACT, *records)
    (change,) = found.changes
    assert (change.kind, change.effect) == ("field", "worse" if is_back else "better")
    assert "why   who is shown it should not be: a finding of principles" in Page(CONTRACT, *records, found).text()
    for other in ("token", "id"):  # another field's finding says nothing of this one
        old.findings[0] = FindingRow(**told, operation="CreateJob", field=other)
        (change,) = compare(CONTRACT, *records).changes
        assert change.effect == ("better" if is_back else "worse")


def test_what_both_have_switched_off_is_not_told_as_unchanged():
    off = seen("skip", "CreateUserAccessToken.permission", "", "not-on-this-target")
    refused = answer("501 a", "CreateUserAccessToken", "member")
    old, new = (of(version, [SERVED, refused], [off]) for version in ("5.0.0", "5.1.0"))
    text = Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text()
    assert "No change, 1 operation (with how many of the requests to both were served): CreateJob (1 of 1)\n" in text
    assert "no difference in the 1 of 11 operations that were judged on both" in " ".join(text.split())


@pytest.mark.parametrize("documents", [(), ("--spec=api.yaml",)])
@pytest.mark.parametrize("after", ["http://127.0.0.1:8065", "http://127.0.0.2:8065"])
@pytest.mark.parametrize("fields", [("absent", "absent|number"), ("absent|number", "absent"), ("absent", "number")])
def test_what_some_rows_of_a_list_have_on_one_side_is_no_change_of_a_server_that_was_asked_before(documents, after, fields):
    """Its lists tell what the first run left: of one server, asked twice, a field was said to have come."""
    targets = "http://127.0.0.1:8065", after
    old, new = (
        of("5.0.0", [{**SERVED, "fields": {"[].id": "string", "[].a": types}}], target=target, documents=documents)
        for target, types in zip(targets, fields, strict=True)
    )
    is_told_apart = bool(documents) and targets[0] == after and fields[1] != "number"
    found = compare(CONTRACT, old, new)
    assert [change.kind for change in found.changes] == ["field"] * (not is_told_apart)
    assert len(found.of_some_rows) == is_told_apart
    text = " ".join(Page(CONTRACT, old, new, found).text().split())
    said = "it is not known whether it is a change that some rows of a list have a field on one side alone: CreateJob ([].a)"
    assert (said in text, "no difference" in text) == (is_told_apart, is_told_apart)


@pytest.mark.parametrize("is_named_itself", [False, True])
def test_where_the_last_run_was_by_other_documents_the_one_before_that_was_by_these_is_named(tmp_path, capsys, is_named_itself):
    """What a comparison tells to run again is of the record that stood there then."""
    place = tmp_path / "ours"
    record.write(tmp_path / "kept", of("5.0.0", [SERVED]))
    record.write(place / record.NAME, of("5.0.0", [SERVED], spec="1", documents=BY))
    record.write(place / record.PREVIOUS, of("5.0.0", [SERVED]))
    named = place / record.NAME if is_named_itself else place
    assert cli.main(["compare", str(tmp_path / "kept"), str(named)]) == 2
    told = capsys.readouterr().err
    assert ("name its documents with --spec=api.yaml, or name" in told and record.PREVIOUS in told) != is_named_itself
    assert cli.main(["compare", str(tmp_path / "kept"), str(place / record.PREVIOUS)]) == 0


def test_silence_about_an_operation_is_explained():
    """Nothing changed, it was asked of one only, or of neither."""
    same, lone = answer("404 x", "RegenCommandToken", "member"), answer("404 x", "CreateUserAccessToken", "member")
    old, new = of("5.0.0", [SERVED, answer("201"), same]), of("5.1.0", [SERVED, answer(NO), same, lone])
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    for text in (page.text(), page.markdown()):
        assert f"No change, 1 operation{HOW_MANY}: RegenCommandToken (0 of 1)\n" in text, "nobody was served"
        assert "CreateJob: no type of job that does anything was made, so that nothing is known of these\n" in text
        [neither] = [line for line in text.splitlines() if line.startswith("Asked of neither, 8 operations: ")]
        assert "GetWebrtcToken" in neither and not re.search("CreateJob|Regen|CreateUserAccessToken", neither)
    assert page.json()["operations_compared"] == ["CreateJob", "RegenCommandToken"]


def test_who_would_feel_what_is_told_of_few_operations_too():
    people = ("member", "team_admin", "bot")
    before = [
        *(answer("201", persona=who) for who in people),
        answer(NO, "RegenCommandToken", "guest"),
        answer("400 a", persona="outsider"),
    ]
    after = [
        *(answer(NO, persona=who) for who in people),
        answer("200", "RegenCommandToken", "guest"),
        answer("400 b", persona="outsider"),
    ]
    served = answer("200", "RegenCommandToken", "system_admin")
    old, new = of("5.0.0", [SERVED, *before, served]), of("5.1.0", [SERVED, *after, served])
    _, _, told = Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text().partition("Who would feel what")
    assert "  guest: served in RegenCommandToken (1 of 1: about their own; “a/b”)\n" in told and "none" not in told
    assert "  member, team_admin, bot: refused in CreateJob (1 of 1: about their own; “a/b”)\n" in told and "outsider" not in told
    assert "Who would feel" not in Page(CONTRACT, old, old, compare(CONTRACT, old, old)).text()


def test_two_reasons_of_the_same_source_are_read_once_and_none_is_lost():
    first, second = Reason("8.1.0: bots.", "a.go@1 F"), Reason("known: bots too.", "a.go@1 F; b.go@2 G")
    other, bare = Reason("else.", "c.go@3 H"), Reason("documented: it comes")
    assert [str(one) for one in each_once([first, bare, second, other, first, bare])] == [
        "8.1.0: bots. Known: bots too. (a.go@1 F; b.go@2 G)",
        "documented: it comes",
        "else. (c.go@3 H)",
    ]


def test_a_terminal_reads_lines_of_its_width_and_what_is_copied_stays_whole(files, monkeypatch, capsys):
    """A word does, and a command: pasted in two lines it would be two."""
    sides = [record.read(Path(file)) for file in files]
    wide = Page(CONTRACT, *sides, compare(CONTRACT, *sides), words=files).text()
    for columns in (50, 90):
        monkeypatch.setenv("COLUMNS", str(columns))
        cli.main(["compare", *files])
        narrow = capsys.readouterr().out
        assert narrow.split() == wide.split(), "nothing is lost, and no word is broken"
        commands = [line.strip() for line in narrow.splitlines() if line.startswith(" " * 8)]
        assert f"mmconform report {' '.join(files)} --output page.html" in commands
        long = [line.strip() for line in narrow.splitlines() if len(line) > columns and len(line.split()) > 1]
        assert set(long) <= set(commands)
    assert max(map(len, wide.splitlines())) > 90


# -- which requests show it ------------------------------------------------------------------------------------------------------


ODD, PLAIN = "permissions/jobs/much_data", "permissions/jobs/a_type"
NODE = "suites/permissions/test_jobs.py::test_much_data[{}]"


def sides(target="recorded:5.1.0", slug="5.1.0"):
    """Two records: of a member's three requests about their own that were served one fails, in a test of its own."""

    def of_one(says, version, slug, **header):
        rows = [answer("201", request=PLAIN), answer("201", request=PLAIN), answer(says, request=ODD, number=3, valid=False)]
        shown = {**seen("fail" if says > "5" else "pass", "CreateJob.status", signature=says if says > "5" else "")}
        exchange = {"status": int(says[:3]), "answer": says, "method": "POST", "url": "/x?y=1"}
        shown |= {"test": NODE.format(slug), "evidence": exchange, "standing": "new" if says > "5" else ""}
        return of(version, [SERVED, *rows], [shown], **header)

    return of_one("201", "5.0.0", "5.0.0"), of_one("500 app.bad", "5.1.0", slug, target=target)


def test_a_change_tells_which_requests_show_it_and_of_how_many():
    """That of three one fails, and what was special about it: else it reads as if nobody were served any more."""
    before, after = sides()
    page = Page(CONTRACT, before, after, compare(CONTRACT, before, after))
    which = "1 of 3 requests that had the old answer, none of them valid: about their own; “much data”"
    rest = "as before: “a type”; first seen in answer 3 of"
    assert f"    {which}, such as POST /x?y=1; {rest}:\n" in page.text()
    assert f"for `member`: {which}, such as `POST /x?y=1`; {rest} `pytest --target" in page.markdown()
    assert "  member: fails in CreateJob (1 of 3: about their own; “much data”)\n" in page.text()
    (change,) = page.json()["changes"]
    (caller,) = change["callers"]
    assert caller == {
        "persona": "member",
        "count": 1,
        "of": 3,
        "valid": 0,
        "about": ("self",),
        "tests": ({"test": ODD, "which": "", "about": "self"},),
        "others": ({"test": PLAIN, "which": "", "about": "self"},),
    }
    assert change["run"] == f"pytest --target recorded:5.1.0 '{NODE.format('5.1.0')}'"


PROBE = "generated/probes/who_is_served/CreateJob"


def probed(version, says):
    """A record: of three requests of a member two are about channels of others, and answered so."""
    where = ("a public channel of theirs", "a private channel of others", "a public channel of others")
    rows = [answer("201", which=where[0], request=PROBE), *(answer(says, which=one, request=PROBE) for one in where[1:])]
    rows += [answer(says, "CreateUserAccessToken", which=where[0], request=PROBE), answer("200", "CreateUserAccessToken", "bot")]
    return of(version, [SERVED, *rows, answer("201", "CreateUserAccessToken", request="a/c")])


def test_what_the_requests_of_a_probe_are_about_is_told_in_place_of_its_name():
    """Which is the same for all of them."""
    old, new = probed("5.0.0", "201"), probed("5.1.0", NO)
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    told = "a public channel of theirs, a private channel of others, a public channel of others"
    assert f"    3 of 5 requests that had the old answer: about their own; {told}; as before: “a/c”; first seen" in page.text()
    felt = "CreateJob (2 of 3: about their own; a private channel of others, a public channel of others; as before: a public"
    assert felt in page.text() and "who is served" not in page.text()
    (caller,) = next(change["callers"] for change in page.json()["changes"] if change["operation"] == "CreateJob")
    assert {sent["which"] for sent in caller["tests"]} == {"a private channel of others", "a public channel of others"}
    assert caller["others"] == ({"test": PROBE, "which": "a public channel of theirs", "about": "self"},)


TOKEN_PROBE = "generated/probes/who_is_served/CreateUserAccessToken"


def asked_for(whom, says, **more):
    told = {"request": TOKEN_PROBE, "which": "a public channel of theirs", "about": whom}
    return answer(says, "CreateUserAccessToken", **{**told, **more})


def whole(side, answers):
    """A record of a tape of the whole API, on which the administrator is served."""
    served = asked_for("self", "200", persona="system_admin", request="a/c", which="")
    return of(f"5.{side}.0", [served, *answers], target=f"recorded:5.{side}.0/whole", documents=["--spec=x.yaml"])


def on_whole_tape(folder, answers):
    """Write a tape on which a member asks for the tokens of these."""
    tape = Kept()
    for row in answers:
        url = f"/api/v4/users/{'0' * 25}{1 if row['about'] == 'self' else 2}/tokens"
        body = b'{"description":"text","of":"00000000000000000000000003"}'
        where = Position(frozenset({"team_user", "channel_user"}), "public")
        one = Exchange(row["operation"], "member", row["about"], "POST", url, {}, body, row["status"], {}, b"", position=where)
        tape.asked.append(Asked(row["request"], one))
    folder.mkdir(parents=True)
    write_kept(folder, "CreateUserAccessToken", tape)


def test_whom_requests_are_about_is_told_where_that_alone_tells_the_changed_from_the_others(tmp_path, monkeypatch):
    """Two about the same place, of which one adds who asks and the other somebody else, read as if they were the same."""
    monkeypatch.setattr(taped, "CASSETTES", tmp_path)
    before = [asked_for("self", "200"), asked_for("other", "200")]
    after = [asked_for("self", "200"), asked_for("other", "403")]
    on_whole_tape(tmp_path / "5.1.0" / "whole", after)
    old, new = whole(0, before), whole(1, after)
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    kinds = [f"about {whom} in a public channel of theirs" for whom in ("somebody else", "themselves")]
    told = f"1 of 2 requests that had the old answer: {kinds[0]}; as before: {kinds[1]}; first"
    assert f"    {told}" in page.text() and told in page.markdown()
    assert f"  member: refused in CreateUserAccessToken (1 of 2: {kinds[0]}; as before: {kinds[1]})\n" in page.text()
    sent = f'as member, {kinds[0]}: POST /api/v4/users/<somebody else>/tokens {{"description":"text","of":"…"}}'
    assert f"    sent: {sent}\n" in page.text() and [change["sent"] for change in page.json()["changes"]] == [sent]
    both = [asked_for("self", "404"), asked_for("other", "404")]
    page = Page(CONTRACT, old, whole(1, both), compare(CONTRACT, old, whole(1, both)))
    assert "2 of 2 requests that had the old answer: a public channel of theirs; first" in page.text(), "told where it tells"
    assert "sent: " not in page.text(), "on the tape they are answered otherwise"


def test_a_request_tells_of_each_id_in_it_what_it_names_and_of_no_other_text():
    contract = build(load([SPECS / "small.yaml"]).document)
    ids = [f"{i:026d}" for i in range(3)]
    body = f'{{"user_id":"{ids[1]}","post_root_id":"{ids[2]}","note":"text"}}'.encode()
    url = f"/api/v4/channels/{ids[0]}/members?after={ids[2]}"
    one = Exchange("AddChannelMember", "guest", "other", "POST", url, {}, body, 201, {}, b"")
    sent = 'POST /api/v4/channels/<channel>/members?after=… {"user_id":"<somebody else>","post_root_id":"…","note":"text"}'
    assert taped.in_words(contract, one, "somebody else") == sent


def test_where_requests_that_read_the_same_are_answered_in_two_ways_it_is_said_that_nobody_knows_why():
    before, after = ([asked_for("other", "200"), asked_for("other", says)] for says in ("200", "403"))
    old, new = whole(0, before), whole(1, after)
    text = Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text()
    alike = "a public channel of theirs; some that read the same are answered as before: in what these differ no record holds"
    assert f"1 of 2 requests that had the old answer: {alike};" in text and f"(1 of 2: {alike})" in text
    old, new = (whole(side, [dict(row, request="a/b", which="") for row in rows]) for side, rows in enumerate((before, after)))
    assert "read the same" not in Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text(), "a test may send many things"


def test_that_a_reason_is_not_told_since_no_list_of_ours_has_these_operations_is_said_once():
    """Silence below a change reads as if there were none."""
    old, new = whole(0, [asked_for("other", "200")]), whole(1, [asked_for("other", "403")])
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    assert page.text().count("its reason is not known here") == page.markdown().count("its reason is not known here") == 1
    same = Page(CONTRACT, old, old, compare(CONTRACT, old, old))
    ours = [replace(one, header=msgspec.structs.replace(one.header, documents=())) for one in (old, new)]
    for other in (same, Page(CONTRACT, *ours, compare(CONTRACT, *ours))):
        assert "is not known here" not in other.text() + other.markdown()


def test_of_very_many_operations_it_is_told_how_many_requests_show_a_change_and_how_to_learn_more(monkeypatch):
    """Of each operation, for the sum of several tells of none; then of this one all that is told of few."""
    monkeypatch.setattr(comparison_page, "_FEW_OPERATIONS", 3)
    old, new = probed("5.0.0", "201"), probed("5.1.0", NO)
    text = Page(CONTRACT, old, new, compare(CONTRACT, old, new), (), ("a", "b", "--spec=c")).text()
    assert "    3 of 5 requests that had the old answer: about their own; a public channel of theirs, a private" in text
    assert "Who would feel what (of the requests to each operation that had the old answer):\n" in text
    assert "  member: refused in 1 of 2: CreateUserAccessToken; in 2 of 3: CreateJob\n" in text and "some requests" not in text
    command, _, name = text.splitlines()[-1].strip().rpartition("=")
    assert command == "mmconform compare a b --spec=c --operation" and "mmconform.exchanges" not in text
    assert name in ("CreateJob", "CreateUserAccessToken")
    patterns = ["CreateJob"]
    told = compare(CONTRACT, old, new, patterns)
    page = Page(CONTRACT, old, new, told, (), ("a", "b", "--spec=c"), patterns)
    assert {change.operation for change in told.changes} == {"CreateJob"} and told.pairs == 4
    assert "2 of 3 requests that had the old answer: about their own; a private channel of others" in page.text()
    assert (
        'mmconform.exchanges("5.1.0", "CreateJob", cassette="generated/probes/who_is_served/CreateJob")' in page.text()
        and "UserAccessToken" not in page.text()
    )
    assert "mmconform compare a b --spec=c --operation=CreateJob --format markdown" in page.text()


@pytest.mark.parametrize(
    ("words", "kept"),
    [(("before", "reports/x"), "reports/x"), (("reports/saved/before", "5.1.0"), ""), (("reports/x", "a"), "reports/x")],
)
def test_how_to_keep_what_the_next_run_takes_the_place_of_is_told(words, kept):
    """The commands that a comparison prints were of no use after the next run."""
    old, new = of("5.0.0", [SERVED, answer("201")]), of("5.1.0", [SERVED, answer(NO)])
    text = Page(CONTRACT, old, new, compare(CONTRACT, old, new), words=words).text()
    assert (f"        mmconform compare --save NAME {kept}\n" in text) == bool(kept) and text.count("--save NAME") == bool(kept)


def test_how_many_requests_it_is_to_each_of_several_operations_is_told_before_their_names(monkeypatch):
    """Behind them it reads as if it were said of the last alone, and the others were refused to everybody."""
    monkeypatch.setattr(comparison_page, "_FEW_OPERATIONS", 3)
    some, all_ = ("CreateJob", "RegenCommandToken"), ("CreateUserAccessToken", "GetUserAccessTokens")
    same = [answer("201", name, request="a/c") for name in some]
    before = [answer("201", name) for name in (*some, *all_)] + [
        answer("404 api.context.404.app_error", "GetUserAccessTokensForUser", "bot")
    ]
    after = [answer(NO, name) for name in (*some, *all_)] + [answer("200", "GetUserAccessTokensForUser", "bot")]
    served = [answer("200", name, "system_admin") for name in all_]
    old, new = (of(f"5.{i}.0", [*served, *same, *rows]) for i, rows in enumerate((before, after)))
    told = Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text()
    assert f"  member: refused in all: {', '.join(all_)}; in 1 of 2: {', '.join(some)}\n" in told
    assert "  bot: served where nobody was: GetUserAccessTokensForUser\n" in told
    monkeypatch.undo()
    few = Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text()
    assert "RegenCommandToken (together 4 of 6: about their own; “a/b”)" in few, "a sum is told to be one"


def test_a_comparison_of_some_operations_is_asked_for_by_their_names(files, capsys):
    assert cli.main(["compare", *files, "--operation=*Token"]) == 0 and "CreateJob" not in capsys.readouterr().out
    assert cli.main(["compare", *files, "--operation=Create*"]) == 1 and "1 worse" in capsys.readouterr().out
    assert cli.main(["compare", *files, "--operation=CreateJb"]) == 2
    assert "no such operation; did you mean CreateJob? `mmconform contract` lists them" in capsys.readouterr().err


def test_an_example_is_told_only_where_it_surely_shows_the_change():
    """Of two requests that failed in one test one had failed before: which of them the record keeps, nobody knows."""
    before, after = sides()
    twice = [answer("500 app.bad", request=ODD, number=4, valid=False)]
    before, after = (replace(side, answers=[*side.answers, *of("5.0.0", twice).answers]) for side in (before, after))
    text = Page(CONTRACT, before, after, compare(CONTRACT, before, after)).text()
    assert "none of them valid: about their own; “much data”; as before: “a type”; first" in text and "such as" not in text


def test_what_is_answered_as_before_is_no_kind_of_which_some_is_not_and_no_long_list():
    """Of a test that sends several requests one may change; and of those that changed otherwise another change tells."""
    before, after = sides()
    kinds = [f"permissions/jobs/{name}" for name in ("kind_c", "kind_b", "kind_a")]
    mixed = [answer("201", request=request) for request in (ODD, *kinds, "permissions/jobs/gone")]
    old = replace(before, answers=[*before.answers, *of("5.0.0", mixed).answers])
    new = replace(
        after, answers=[*after.answers, *of("5.1.0", [*mixed[:-1], answer("404 x", request=mixed[-1]["request"])]).answers]
    )
    text = Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text()
    assert "1 of 8 requests that had the old answer" in text
    assert "“much data”, such as POST /x?y=1; as before: “a type”, “kind c” and 2 more kinds; first seen" in text


TAPED = """interactions:
- request: {{body: '{{"type": "{0}"}}', headers: {{authorization: [Bearer member]}}, method: POST, uri: 'http://r.invalid/api/v4/jobs'}}
  response: {{body: {{string: '{{"id":"{2}"}}'}}, headers: {{}}, status: {{code: {1}, message: x}}}}
"""


def test_requests_that_show_a_change_are_told_with_what_differs_in_them_where_a_tape_holds_them(tmp_path, monkeypatch):
    """The name of their test says what is special about them all, and no value of any."""
    monkeypatch.setattr(taped, "CASSETTES", tmp_path)
    rows = ("a", 400, "x"), ("b", 400, "x"), ("c" * 26, 400, "x"), ("d", 201, "")  # not in the order of the answers
    first, *rest = (TAPED.format(*row) for row in rows)
    (tmp_path / "5.1.0" / ODD).parent.mkdir(parents=True)
    (tmp_path / "5.1.0" / f"{ODD}.yaml").write_text(first + "".join(line.partition("\n")[2] for line in rest))
    said = [("403 y", "201"), ("201", "400 x"), ("201", "400 x"), ("201", "400 x")]
    old, new = (of(f"5.{i}.0", [SERVED, *(answer(both[i], request=ODD) for both in said)]) for i in (0, 1))
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    sent = 'POST /api/v4/jobs {"type": "a"}, {"type": "b"}, {"type": "…"}'
    assert (
        f"    sent: {sent}\n" in page.text()
        and f"; sent: `{sent}`; what one of them sent, and each answer: `mmconform.exchanges(" in page.markdown()
    )
    assert sent in [change["sent"] for change in page.json()["changes"]]
    assert f"    sent: {sent}\n" in Page(CONTRACT, new, old, compare(CONTRACT, new, old)).text(), "from the tape of either"
    pair = [of(f"5.{i}.0", [SERVED, *(answer(both[i], request=ODD) for both in (("400 x", "400 x"), *said))]) for i in (0, 1)]
    text = Page(CONTRACT, *pair, compare(CONTRACT, *pair)).text()
    assert "answer 201 → 400 x" in text and sent not in text, "which of them show it, nobody can say"
    rows = [[SERVED, *(answer(both, request=test) for test in (PLAIN, ODD))] for both in ("201", "400 x")]
    page = Page(CONTRACT, *(pair := [of(f"5.{i}.0", rows[i]) for i in (0, 1)]), compare(CONTRACT, *pair))
    assert f"    sent: {sent} (in “much data”)\n" in page.text()
    told = f"; sent: `{sent}` (in “much data”); what one of them sent, and each answer: `mmconform.exchanges("
    assert told in page.markdown(), "what stands on another cassette does not stand behind its name"
    elsewhere = replace(new, header=msgspec.structs.replace(new.header, target="recorded:../5.1.0"))
    assert "sent: " not in Page(CONTRACT, old, elsewhere, compare(CONTRACT, old, elsewhere)).text()


@pytest.mark.parametrize(
    ("types", "sent", "count"),
    [
        ((["a", "old"], ["a", "new", "newer"]), '{"type": "a"}', 1),  # what both were asked, and no value that one alone was
        ((["old"], ["new"]), '{"type": "old"} before, {"type": "new"} after', 1),
        ((["a", "a", "old"], ["new", "new", "a"]), '{"type": "a"}', 2),
        ((["a", "c" * 26], ["d" * 26, "a"]), '{"type": "…"}, {"type": "a"}', 0),  # in another order, and with another id
    ],
)
def test_requests_that_count_as_the_same_and_are_not_are_told(types, sent, count, tmp_path, monkeypatch):
    """Each version is asked about what it has: of a job, another type."""
    monkeypatch.setattr(taped, "CASSETTES", tmp_path)
    pair = []
    for i, (of_side, says) in enumerate(zip(types, ("201", "400 x"), strict=True)):
        first, *rest = (TAPED.format(name, says[:3], says[4:]) for name in of_side)
        (tmp_path / f"5.{i}.0" / ODD).parent.mkdir(parents=True)
        (tmp_path / f"5.{i}.0" / f"{ODD}.yaml").write_text(first + "".join(line.partition("\n")[2] for line in rest))
        pair.append(of(f"5.{i}.0", [SERVED, *(answer(says, request=ODD) for _ in of_side)]))
    page = Page(CONTRACT, *pair, compare(CONTRACT, *pair))
    assert page.json()["changes"][0]["sent"] == f"POST /api/v4/jobs {sent}"
    told = re.search(r"\nOf these, at least (\d+) of CreateJob (?:is|are) not the same: .* such as (.*)", page.text())
    assert int(told[1] if told else 0) == count and (not told or re.fullmatch(r"POST \S+ {.*} before, {.*} after", told[2]))
    assert ("Of these" in page.markdown()) == bool(count)


@pytest.mark.parametrize(
    ("newer", "target", "is_told"),
    [("5.1.0", "http://a:1", True), ("5.0.0", "http://a:1", False), ("5.1.0", "recorded:5.1.0", False)],
)
def test_that_requests_may_not_be_the_same_is_said_of_what_no_tape_tells(newer, target, is_told):
    old, new = of("5.0.0", [SERVED]), of(newer, [SERVED], target=target)
    text = Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text()
    assert ("\nThe same requests are those of the same tests, which ask each server about what its" in text) == is_told


@pytest.mark.parametrize(
    ("targets", "is_told"), [(("recorded:5.0.0", "http://a:1"), True), (("http://a:1", "http://a:1"), False)]
)
def test_what_recordings_do_not_tell_of_an_upgrade_is_said(targets, is_told):
    old, new = (of(f"5.{i}.0", [SERVED], target=target) for i, target in enumerate(targets))
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    for text in (page.text(), page.markdown()):
        assert ("made before an upgrade still works after it was not tried" in text) == is_told


def test_where_the_requests_of_a_change_stand_is_told_where_a_tape_holds_them():
    """The test that sends them passes, and then prints none of them."""
    taped, live = sides(), sides("http://127.0.0.1:8065", "127.0.0.1-8065")
    texts = [Page(CONTRACT, *pair, compare(CONTRACT, *pair)).text() for pair in (taped, live)]
    call = 'mmconform.exchanges("5.1.0", "CreateJob", cassette="permissions/jobs/much_data")'
    assert f"    what one of them sent, and each answer:\n        {call}\n" in texts[0]
    assert texts[0].endswith("notebooks/6-explore.ipynb") and "exchanges" not in texts[1]


def test_each_change_has_its_own_way_to_the_requests_that_show_it():
    """Of several operations that changed alike each, for somebody who met it there."""
    served = [SERVED, *(answer("200", name, "system_admin") for name in ALIKE)]
    old, new = (
        of(version, [*served, *(answer(says, name, "bot") for name in ALIKE)])
        for version, says in (("5.0.0", "200"), ("5.1.0", NO))
    )
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    lines = page.text().splitlines()
    told = [line.strip() for line in lines if 'mmconform.exchanges("' in line]
    calls = sorted(f'mmconform.exchanges("5.1.0", "{name}", cassette="a/b")' for name in ALIKE)
    assert sorted(told) == calls == sorted(change["exchanges"] for change in page.json()["changes"])
    assert all(f"; what one of them sent, and each answer: `{call}`" in page.markdown() for call in calls)


@pytest.mark.parametrize(
    ("target", "slug"), [("recorded:5.1.0", "5.1.0"), ("http://127.0.0.1:8065", "127.0.0.1-8065")], ids=["tape", "live"]
)
def test_the_test_that_showed_a_change_first_is_a_command_to_paste(target, slug):
    """As failures print it."""
    before, after = sides(target, slug)
    page = Page(CONTRACT, before, after, compare(CONTRACT, before, after))
    command = f"pytest --target {target} '{NODE.format(slug)}'"
    assert f"        {command}\n" in page.text() and f"`{command}`" in page.markdown()
    assert any(f"in        {command}" in failure.explain() for failure in failures(CONTRACT, after))


def test_the_test_that_showed_a_promise_or_a_field_otherwise_is_a_command_too():
    shown = [{**seen("pass"), "test": NODE.format("5.0.0")}], [{**seen("fail", signature="x"), "test": NODE.format("5.1.0")}]
    fields = [[answer("201", request=ODD, fields=of_it)] for of_it in ({"id": "string"}, {"id": "string", "a": "number"})]
    before, after = of("5.0.0", [SERVED, *fields[0]], shown[0]), of("5.1.0", [SERVED, *fields[1]], shown[1])
    told = Page(CONTRACT, before, after, compare(CONTRACT, before, after)).json()["changes"]
    assert [change["kind"] for change in told] == ["promise", "field"]
    assert {change["run"] for change in told} == {f"pytest --target recorded:5.1.0 '{NODE.format('5.1.0')}'"}


def test_what_a_caller_feels_in_one_operation_in_two_ways_is_told_apart():
    """Refused in CreateJob and served in CreateJob contradict each other where nobody says what differs."""
    said = {"types_without_a_worker": ("201", "400 a"), "a_nul": ("201", "500 b"), "much_data": ("500 b", "201")}
    old, new = (
        of(version, [SERVED, *(answer(both[i], request=f"permissions/jobs/{test}") for test, both in said.items())])
        for i, version in enumerate(("5.0.0", "5.1.0"))
    )
    (line,) = [
        line
        for line in Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text().splitlines()
        if line.startswith("  member: ")
    ]
    assert line == (
        "  member: refused in CreateJob (1 of 2: about their own; “types without a worker”); "
        "fails in CreateJob (1 of 2: about their own; “a nul”); served in CreateJob (1 of 1: about their own; “much data”)"
    )


@pytest.mark.parametrize("is_back", [False, True])
@pytest.mark.parametrize("others", ["fail", "pass", None])
def test_a_promise_that_others_see_broken_is_said_to_be_kept_for_these_callers_only(is_back, others):
    """In the list of a page too, on which the promise as a whole stands as before."""
    rows = [seen(others, signature="x", persona="guest")] if others else []
    records = [of(v, [SERVED], [*rows, seen(o, signature="y")]) for v, o in (("5.0.0", "pass"), ("5.1.0", "fail"))]
    before, after = records[:: -1 if is_back else 1]
    (row,) = side_by_side(CONTRACT, [], [before, after])[1].changes
    kept = "kept for these callers, broken for others" if others == "fail" else "kept"
    assert (row.before, row.after) == (("broken: y", kept) if is_back else (kept, "broken: y"))


def test_what_is_counted_at_the_head_can_be_added_up_and_is_told_once_more_at_the_end():
    before = [answer("200", operation, "bot") for operation in ALIKE]
    after = [answer(NO, operation, "bot") for operation in ALIKE]
    served = [answer("200", operation, "system_admin") for operation in ALIKE]
    old = of("5.0.0", [*before, *served, SERVED, answer("400 a")])
    new = of("5.1.0", [*after, *served, SERVED, answer("500 b")])
    lines = Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text().splitlines()
    counts = "2 worse, 0 different, 0 better (4, 0, 0, counted for each operation)"
    assert len([line for line in lines if line.startswith("▼")]) == 2 and any("Worse, 2 changes: " in line for line in lines)
    head, end = (line for line in lines if counts in line)
    assert lines[0] == head and end in lines[-6:] and head.startswith(f"{end}; ")
    page = Page(CONTRACT, old, old, compare(CONTRACT, old, old)).text()
    assert page.count("no difference") == 1 and "mmconform report" not in page


@pytest.mark.parametrize(
    ("words", "operation", "told"),
    [
        ("its test is for servers from 6.0 on (why)", "CreateJob", "its test is for servers from 6.0 on (why)"),
        ("", "CreateJob", "its test is for servers of other versions"),  # which has the operation: so said older records
        ("not-in-version", "GetWebrtcToken", WHY_SKIPPED["not-in-version"]),
    ],
)
def test_why_one_server_only_was_asked_is_told_in_the_words_of_its_record(words, operation, told):
    skipped = {**seen("skip", signature="not-in-version"), "test": NODE.format("5.0.0"), "seen": words}
    old, new = of("5.0.0", [SERVED], [skipped]), of("5.1.0", [SERVED, answer("200", operation, request=ODD)])
    text = Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text()
    assert f"Asked of recorded:5.1.0 only, 1 answer; why not of recorded:5.0.0:\n  {told} (1: “much data”)\n" in text


def test_why_one_server_only_was_asked_is_told():
    """Its test was skipped on the other, is not in that record, or asked less there."""
    skipped = {**seen("skip", signature="not-in-version"), "test": NODE.format("5.0.0"), "seen": "its test is for others"}
    old = of("5.0.0", [SERVED, answer("201", request=PLAIN)], [skipped])
    requests = [*[ODD] * 3, *[PLAIN] * 2, "a/new"]
    new = of("5.1.0", [SERVED, *(answer("201", request=request) for request in requests)])
    found = compare(CONTRACT, old, new)
    assert (found.alone, found.why_not_before, found.why_not_after) == (
        5,
        {"not-in-version: its test is for others": {ODD: 3}, OTHERWISE: {PLAIN: 1}, NOT_RUN: {"a/new": 1}},
        {},
    )
    text = Page(CONTRACT, old, new, found).text()
    assert "answers to the same requests compared, of 1 operation, 5 answers of one of them only: see below" in text
    why = "its test is for others (3: “much data”)\n  its test asks otherwise there, or less (1: “a type”)"
    told = f"{why}\n  its test was not run there (1: “a/new”)\n  As member (5)\n"
    assert f"Asked of recorded:5.1.0 only, 5 answers; why not of recorded:5.0.0:\n  {told}" in text


def test_a_promise_that_both_break_alike_is_named_though_nothing_changed():
    clauses = ("RegenCommandToken.permission", "CreateJob.status", "CreateJob.permission")
    rows = [seen("fail", clause, "slash_manager", "x") for clause in clauses]
    other = [*rows[:2], seen("fail", clauses[2], "slash_manager", "y"), seen("fail", clauses[2], "member", "x")]
    old, new = of("5.0.0", [SERVED], rows), of("5.1.0", [SERVED], other)
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    for text in (page.text(), page.markdown()):
        assert (
            "Broken before and after in the same way, 2 promises: status of CreateJob; permission of RegenCommandToken"
            in text.splitlines()
        )
    assert page.json()["broken_alike"] == ["CreateJob.status", "RegenCommandToken.permission"]
    new = of("5.1.0", [SERVED], [*other, seen("fail", "CreateJob.status", "member", "z")])
    kept = of("5.0.0", [SERVED], [*rows, seen("pass", "CreateJob.status")])
    text = Page(CONTRACT, kept, new, compare(CONTRACT, kept, new)).text()
    assert "CreateJob.status: broken before too, for slash_manager; now in more ways: “" in text
    rest = "Broken before and after in the same way, beside those named above, 1 promise: permission of RegenCommandToken"
    assert rest in text.splitlines(), "what is told as a change is not said to be the same"


def test_a_promise_that_each_breaks_by_other_requests_is_not_broken_in_the_same_way():
    """Before 6.0 much data failed, since then a NUL: it was said to be broken in the same way, as the error is the same."""
    much, nul = "p/much", "p/nul"
    sides = {"5.0.0": ("500 x", "201"), "5.1.0": ("201", "500 x")}
    old, new = (
        of(version, map(asked, says, (much, nul)), [broken("500 x", (much, nul)[says.index("500 x")])])
        for version, says in sides.items()
    )
    told = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    assert "in the same way" not in told.text() and told.json()["broken_alike"] == []
    both = Page(CONTRACT, old, old, compare(CONTRACT, old, old))
    assert "Broken before and after in the same way, 1 promise: permission of CreateJob" in both.text().splitlines()
    other = [broken("500 x", much), broken("500 y", nul)]
    more = of("5.1.0", [asked("500 x", much), asked("500 y", nul)], other)
    told = Page(CONTRACT, old, more, compare(CONTRACT, old, more))
    assert told.json()["broken_alike"] == ["CreateJob.permission"]


def test_to_whom_a_promise_was_broken_already_is_said():
    """“For others” was said of those who are named right above."""
    one, two = "p/one", "p/two"
    guest, member = seen("pass", persona="guest"), broken("500 x", one)
    old = of("5.0.0", [SERVED, asked("500 x", one), asked("200", two)], [member, guest])
    rows = [member, broken("500 x", two), broken("500 x", two, persona="guest")]
    asked_by_guest = [answer(says, persona="guest", request=two) for says in ("200", "500 x")]
    new = of("5.1.0", [SERVED, asked("500 x", one), asked("500 x", two), asked_by_guest[1]], rows)
    old = replace(old, answers=[*old.answers, *of("5.0.0", asked_by_guest[:1]).answers])
    text = Page(CONTRACT, old, new, compare(CONTRACT, old, new)).text()
    assert "broken before too, for member; now for more callers: “" in text
    assert "for others" not in text


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([seen("pass", "CreateJob.status")], "kept before and after"),
        ([seen("fail", "CreateJob.status", "guest", "500 app.bad")], "broken before and after, by answers to other requests"),
        ([seen("fail", "CreateJob.status", "member", "400 a")], "broken before and after"),
        (
            [seen("fail", "CreateJob.status", "guest", "400 a")],
            "broken before and after, by answers to other requests",
        ),  # to whom it is not this
        ([], "not judged before and after"),
    ],
)
def test_of_each_promise_that_stands_beside_a_change_it_is_said_whether_it_is_kept(rows, says):
    """Also of one that the other answer neither breaks nor mends."""
    standing = [{**row, "standing": "new" if row["outcome"] == "fail" else ""} for row in rows]
    old, new = (of(f"5.{i}.0", [SERVED, answer(one)], standing) for i, one in enumerate(("201", "400 a")))
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    assert f"    CreateJob.status: {says}: “" in page.text() and f"> `CreateJob.status`: {says}: “" in page.markdown()


def test_who_callers_are_is_said_where_their_names_alone_do_not_tell():
    old, new = (of(f"5.{i}.0", [SERVED, answer(one, persona="editor")]) for i, one in enumerate(("201", NO)))
    line = "Callers: editor = a token_user who was given edit_other_users"
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new))
    assert line in page.text().splitlines() and inert(line) in page.markdown().splitlines()
    assert "Callers: " not in Page(CONTRACT, old, old, compare(CONTRACT, old, old)).text()


ALREADY = [
    # what others than this member saw on the other side, and what becomes of the promise
    ([], "no longer kept", "now kept"),
    ([seen("pass", "CreateJob.status", "guest")], "no longer kept", "now kept"),
    (
        [seen("fail", "CreateJob.status", "guest", "500 app.bad")],
        "broken before too, for guest; now for more callers",
        "still broken, for guest; now for fewer callers",
    ),
    (
        [seen("fail", "CreateJob.status", "guest", "x")],
        "broken before too, for guest; now in more ways",
        "still broken, for guest; now in fewer ways",
    ),
]


@pytest.mark.parametrize(("others", "lost", "won"), ALREADY)
def test_a_promise_is_no_longer_kept_only_where_it_was_kept_to_everybody(others, lost, won):
    """Else it is said to be no longer kept, and to be broken before and after."""
    kept, fails = sides()
    kept = replace(kept, observations=[*kept.observations, *of("5.0.0", (), others).observations])
    both = replace(fails, observations=[*fails.observations, *of("5.1.0", (), others).observations])
    for before, after, news in ((kept, both, lost), (both, kept, won)):
        page = Page(CONTRACT, before, after, compare(CONTRACT, before, after))
        assert f"CreateJob.status: {news}: “" in page.text() and f"> `CreateJob.status`: {news}: “" in page.markdown()


@pytest.mark.parametrize(
    ("others", "lost", "won"), [(KEPT, "no longer kept", "now kept"), (X, *ALREADY[2][1:]), (Y, *ALREADY[3][1:])]
)
def test_a_promise_that_no_answer_tells_of_is_no_longer_kept_only_where_it_was_kept_to_everybody(others, lost, won):
    of_others = [{**row, "persona": "guest"} for row in others]
    kept, fails = of("5.0.0", [SERVED], [*KEPT, *of_others]), of("5.1.0", [SERVED], [*X, *of_others])
    for before, after, news in ((kept, fails, lost), (fails, kept, won)):
        page = Page(CONTRACT, before, after, compare(CONTRACT, before, after))
        assert [change.kind for change in page.comparison.changes] == ["promise"]
        assert f"CreateJob.permission: {news}: “" in page.text()
    in_doubt = replace(kept, observations=[*kept.observations, *of("5.0.0", (), [IN_DOUBT]).observations])
    text = Page(CONTRACT, in_doubt, fails, compare(CONTRACT, in_doubt, fails)).text()
    assert "kept as far as it was judged → broken: x" in text and "CreateJob.permission: “" in text
    assert f"why   of 5.0.0 {NOT_ALL}" in text
    assert "could be judged" not in Page(CONTRACT, kept, fails, compare(CONTRACT, kept, fails)).text()


@pytest.mark.parametrize("is_back", [False, True])
def test_a_promise_is_told_that_one_server_only_was_asked_about_so_that_it_shows(is_back):
    """It is counted among those that are known to be broken, on one side; no request to both tells of it."""
    known = replace(entry("5.0", "x"), personas=frozenset({"guest"}))
    met = {**seen("fail", persona="guest", signature="x"), "standing": "known"}
    same = [seen("pass", "CreateJob.status"), seen("pass")]
    records = of("5.0.0", [SERVED], same), of("5.1.0", [SERVED], [*same, met, seen("pass", "CreateJob.auth")])
    page = Page(CONTRACT, *records[:: -1 if is_back else 1], compare(CONTRACT, *records[:: -1 if is_back else 1]), [known])
    assert page.comparison.changes == []
    was, is_, side = ("known", "kept", "now") if is_back else ("kept", "known", "before")
    rest = f"unobserved {'93 → 94' if is_back else '94 → 93'}"
    counts = f"known {'1 → 0' if is_back else '0 → 1'}, kept 2 → 2, {rest}"
    moved = f"{was} → {is_}, 1 promise: permission of CreateJob"
    unmet = f"known to be broken {side} too, though nothing that was asked there shows it: permission of CreateJob"
    assert f"\n96 promises, before → after: {counts}:\n  {moved}\n  {unmet}\n" in page.text()
    assert f"\n\n- {moved}\n- {unmet}\n" in page.markdown()
    states = ("known", "pass") if is_back else ("pass", "known")
    assert page.json()["moved"] == [{"from": states[0], "to": states[1], "promises": ["CreateJob.permission"]}]
    assert page.json()["states_after" if is_back else "states_before"] == {"pass": 2, "unobserved": 94}


def test_a_deviation_that_an_answer_already_explains_is_named_by_its_place_and_explained_once():
    fails, clause = "500 app.job.save.app_error", "CreateJob.status"
    known = entry("6.0", fails, clause=clause)
    kept = {**seen("pass", clause), "test": NODE.format("5.36.1")}
    broken_now = {**seen("fail", clause, signature=fails), "test": NODE.format("6.0.0"), "evidence": {"status": 500}}
    old = of("5.36.1", [SERVED, answer("201", request=ODD)], [kept])
    new = of("6.0.0", [SERVED, answer(fails, request=ODD)], [broken_now])
    page = Page(CONTRACT, old, new, compare(CONTRACT, old, new), [known])
    assert "PostgreSQL takes no NUL. (commit 1ae1c38c9f (jsonb)); known deviation, server: p:1\n" in page.text()
    assert known.reason not in page.text() and known.reason in page.json()["changes"][0]["promises"][0]["reason"]


# -- what a server has switched off -------------------------------------------------------------------------------------------


OFF = [seen("skip", persona="everyone", signature="not-on-this-target"), seen("pass", "CreateJob.since", "system_admin")]
ON = [seen("pass"), seen("pass", "CreateJob.since", "system_admin")]
NOT_OFFERED = "501 app.jobs.off"
WHERE_OFF = "where what they need is switched off"


@pytest.mark.parametrize("is_before", [True, False])
def test_what_one_server_has_switched_off_is_not_compared_and_told(is_before):
    """It is its administrator's setting: an upgrade took nothing away."""
    on = of("5.0.0", [SERVED, answer("200", "GetWebrtcToken")], ON)
    off = of("5.0.0", [answer(NOT_OFFERED, persona="system_admin"), answer("200", "GetWebrtcToken")], OFF)
    before, after = (off, on) if is_before else (on, off)
    found = compare(CONTRACT, before, after)
    assert found.changes == [] and found.pairs == 1
    assert (found.off_before, found.off_after) == ((("CreateJob",), ()) if is_before else ((), ("CreateJob",)))
    page = Page(CONTRACT, before, after, found)
    for text in (page.text(), page.markdown()):
        assert f"CreateJob: not judged on {(before if is_before else after).header.target}" in text.replace("`", "")
    assert page.json()["off_before" if is_before else "off_after"] == ("CreateJob",)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (
            "http://127.0.0.1:8065",
            f"CreateJob: not judged on http://127.0.0.1:8065, {WHERE_OFF}, and left so, and judged on the other: empty",
        ),
        ("recorded:5.0.0", f"CreateJob: not judged on recorded:5.0.0, {WHERE_OFF}, and left so, and judged on the other"),
        ("recorded:5.0.0/whole", "CreateJob: not on the tape recorded:5.0.0/whole, but on the other"),
    ],
)
def test_what_a_tape_of_the_whole_api_does_not_hold_is_not_switched_off_and_where_to_look_is_told_of_live_servers(target, says):
    off = [seen("skip", persona="everyone", signature=NOT_ON_TAPE)] if target.endswith("/whole") else OFF
    before, after = of("5.0.0", [], off, target=target), of("5.1.0", [SERVED], ON)
    told = Page(CONTRACT, before, after, compare(CONTRACT, before, after)).text()
    assert f"Not compared: {says}" in told
    assert ("empty servers of these versions" in told) == target.startswith("http") and (
        "switched off" in told
    ) != target.endswith("/whole")


def test_of_other_documents_what_is_off_may_lack_what_it_is_asked_about():
    """An import cannot be deleted on 10.8: nobody switched that off."""
    before, after = (of(v, [SERVED], of_it, documents=BY) for v, of_it in (("5.0.0", [*OFF[:1]]), ("5.1.0", ON)))
    before.answers.clear()
    told = Page(CONTRACT, before, after, compare(CONTRACT, before, after)).text()
    assert f"CreateJob: not judged on recorded:5.0.0, {WHERE_OFF}, or could not be made, and left so" in " ".join(told.split())


def test_what_neither_tape_of_the_whole_api_holds_is_named():
    off = [seen("skip", persona="everyone", signature=NOT_ON_TAPE)]
    before, after = (of(f"5.{i}.0", [answer("200", "GetWebrtcToken")], off, target=f"recorded:5.{i}.0/whole") for i in (0, 1))
    told = Page(CONTRACT, before, after, compare(CONTRACT, before, after)).text()
    assert "On neither tape: CreateJob\n" in told and "witched off" not in told


def test_what_both_have_switched_off_is_compared_as_it_is():
    before, after = (of("5.0.0", [answer(says)], OFF) for says in ("501 a", "501 b"))
    found = compare(CONTRACT, before, after)
    assert [told(change)[3:5] for change in found.changes] == [("501 a", "501 b")]
    text = Page(CONTRACT, before, after, found).text()
    assert "CreateJob (1 answer compared all the same, 1 of them not alike, told with the others)" in text


def test_what_both_have_switched_off_is_named_and_no_difference_is_said_of_the_rest_alone():
    """Of an upgrade in between: what is off on a server with people is off before and after, and nobody asked."""
    answers = [answer("200", "GetWebrtcToken"), answer(NOT_OFFERED)]
    before, after = (of("5.0.0", answers, OFF) for _ in range(2))
    found = compare(CONTRACT, before, after)
    assert (found.pairs, found.pairs_off, found.compared) == (1, 1, {"GetWebrtcToken"})
    assert found.changes == [] and found.off_both == ("CreateJob",) and not found.off_before
    page = Page(CONTRACT, before, after, found)
    for text in (page.text(), page.markdown()):
        said = f"Not judged on both, {WHERE_OFF}: CreateJob (1 answer compared all the same, all of them alike); of what they do"
        assert said in text
        assert f"no difference in the 1 of {len(CONTRACT.operations)} operations that were judged on both" in text
    assert page.json()["off_both"] == ("CreateJob",)


@pytest.mark.parametrize(
    ("versions", "documents", "is_told"),
    [(("10.8.1", "11.0.3"), (), True), (("10.8.1", "11.1.0"), (), False), (("10.8.1", "11.0.3"), BY, False)],
)
def test_recordings_are_named_for_what_is_off_where_there_are_some(versions, documents, is_told):
    """Of a version that is on no tape the advice led to a refusal."""
    before, after = (of(one, [answer("200", "GetWebrtcToken")], OFF, documents=documents, target="http://x") for one in versions)
    told = Page(CONTRACT, before, after, compare(CONTRACT, before, after)).text()
    assert ("`mmconform compare 10.8.1 11.0.3`, of recordings, tells, or empty servers" in told) == is_told
    assert ("on this says nothing: empty servers of these versions (`mmconform" in " ".join(told.split())) == (not is_told)


@pytest.mark.parametrize("is_off", [False, True])
def test_of_what_our_lists_know_it_is_said_that_nobody_tried_it_where_it_is_off(is_off):
    """Whether it concerns who has that off decided about the exit status, and nothing told."""
    name = "GetUserAccessTokensForUser"
    skipped = [{**row, "clause": row["clause"].replace("CreateJob", name), "operation": name} for row in (OFF if is_off else ON)]
    old, new = (
        of(version, [answer("200", "GetWebrtcToken"), answer("401 a", name)], skipped) for version in ("10.8.1", "11.1.0")
    )
    found = Page(CONTRACT, old, new, compare(CONTRACT, old, new)).known_worse
    assert [("with it off, as here, nobody tried" in one.text, one.operations) for one in found] == [(is_off, (name,))]


@pytest.mark.parametrize("is_untried", [False, True])
def test_who_would_feel_what_our_lists_know_is_told_of_servers_that_have_it_on(is_untried):
    """“Fails” stood there flatly of an operation that is off, beside “nobody tried”."""
    one = NotShown(("CreateJob",), ("member",), frozenset({"200"}), frozenset({"500 a"}), "t", "Why. More", is_untried)
    (line,) = felt([], [one], Requests(CONTRACT, of("5.0.0"), of("5.1.0")), is_brief=False)
    on = ", where what they need is on" if is_untried else ""
    assert line == f"member: fails in CreateJob (by our lists{on}, not by these requests: Why)"


LACKING = [{**seen("skip", persona="everyone", signature="not-on-this-target"), "seen": "switched off there: tokens"}]


@pytest.mark.parametrize(
    ("lacking", "where"),
    [
        ((LACKING, LACKING), "on both, "),
        ((LACKING, []), "on recorded:5.0.0, "),
        (([], LACKING), "on recorded:5.1.0, "),
        (([], []), ""),
    ],
)
def test_of_what_was_asked_in_part_for_what_is_off_it_is_told(lacking, where):
    """“0 of 162 were served” says nothing where what they are about could not be made."""
    before, after = (of(f"5.{i}.0", [SERVED], [*ON, *of_it]) for i, of_it in enumerate(lacking))
    told = Page(CONTRACT, before, after, compare(CONTRACT, before, after)).text()
    assert (f"With tokens switched off {where}only what needs none was asked of CreateJob: of the rest" in told) == bool(where)
    assert ("With tokens" in told) == bool(where) and "No change, 1 operation" in told


@pytest.mark.parametrize("is_lacking_before", [True, False])
def test_what_could_not_be_made_on_one_of_two_was_not_asked_about_there(is_lacking_before):
    """Beside a recording, a server without tokens seemed to refuse four operations that are about them."""
    about_some, about_none = answer("200", about="other"), answer("404 app.none", about="nobody", valid=False)
    same = answer("403 x", about="nobody", number=2)
    on, off = of("5.0.0", [about_some, same], ON), of("5.1.0", [about_none, same], [*ON, *LACKING])
    before, after = (off, on) if is_lacking_before else (on, off)
    found = compare(CONTRACT, before, after)
    assert found.changes == [] and found.pairs == 1
    assert (found.why_not_after if not is_lacking_before else found.why_not_before) == {OTHERWISE: {"a/b": 1}}
    both = [replace(one, observations=off.observations) for one in (on, off)]
    assert len(compare(CONTRACT, *both).changes) == 1, "where it could be made on neither, the same was asked"


def test_a_part_that_took_the_place_of_what_is_compared_is_named():
    """It was said that each run draws its own requests, to who had repeated the finding as advised."""
    whole, part = of("5.0.0", [SERVED], ON), of("5.1.0", [SERVED], ON, seed=2, selection="suites/a.py")
    with pytest.raises(
        MisuseError, match=r"that of recorded:5\.1\.0 is of a part \(suites/a\.py\).*observations\.previous\.jsonl"
    ):
        compare(CONTRACT, whole, part)


def test_what_was_asked_in_part_is_told_while_it_can_still_be_mended(tmp_path, saved, capsys):
    kept = tmp_path / "off.jsonl"
    record.write(kept, of("5.0.0", [SERVED], [*ON, *LACKING]))
    assert cli.main(["compare", "--save", "before", str(kept)]) == 0
    assert f"With tokens switched off on {kept}, only what needs none was asked of CreateJob" in capsys.readouterr().out


def test_what_neither_version_has_is_not_judged_on_both():
    """Among “3 of 11 operations that were judged on both” was one that both versions answer with 404."""
    gone = answer("404 api.context.404.app_error", "GetWebrtcToken")
    before, after = (of(version, [SERVED, gone], ON) for version in ("10.8.1", "11.1.0"))
    found = compare(CONTRACT, before, after)
    told = Page(CONTRACT, before, after, found).text()
    assert found.compared == {"CreateJob"} and "In neither version, 1 operation: GetWebrtcToken\n" in told
    assert "of 1 operation" in " ".join(told.split()) and "GetWebrtcToken (0 of 1)" not in told


def test_of_one_address_before_and_after_it_is_said_which():
    address = "http://127.0.0.1:8065"
    before = of("5.0.0", [SERVED], ON, target=address)
    after = of("5.1.0", [answer(NOT_OFFERED, persona="system_admin")], OFF, target=address)
    told = Page(CONTRACT, before, after, compare(CONTRACT, before, after)).text()
    assert "CreateJob: not judged on http://127.0.0.1:8065 as 5.1.0" in " ".join(told.split())


def test_what_was_judged_in_part_is_not_switched_off():
    before = of("5.0.0", [SERVED], ON)
    after = of("5.0.0", [answer(NO, persona="system_admin")], [*OFF, *ON])
    assert len(compare(CONTRACT, before, after).changes) == 1


def test_two_records_of_one_address_and_version_are_told_apart_by_when_they_began(record_of, contract):
    """Both were `http://127.0.0.1:8065 as 11.0.3`."""
    asked = [{"operation": "CreateJob", "about": "other", "persona": "member", "status": 403}]
    days = ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")
    old, new = (
        record_of("11.0.3", target="http://127.0.0.1:8065", started=day, answers=answers)
        for day, answers in zip(days, (asked, []), strict=True)
    )
    said = Page(contract, old, new, compare(contract, old, new)).text()
    assert f"Asked of http://127.0.0.1:8065 as 11.0.3 of {days[0]} only" in said
    assert f"why not of http://127.0.0.1:8065 as 11.0.3 of {days[1]}" in said
