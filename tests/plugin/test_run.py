"""From what the tests of a target saw to its record."""

import pytest

from mmconform.judging.judge import Coverage
from mmconform.plugin import run as run_module
from mmconform.plugin.run import Run
from mmconform.servers.target import Server, Target
from mmconform.version import Version
from mmconform.wire.tape.redact import Redactor
from tests.rows import observations

OPERATION = "CreateJob"
SERVER = Server(Version(5, 36, 1), "5.36.0", "5.36.1", "", "team", "")
TARGET = Target("recorded:5.36.1", "5.36.1", "http://recorded.invalid", SERVER, Redactor(replaying=True))


@pytest.fixture
def finish(tmp_path, monkeypatch):
    """Finish a run that saw these rows of one operation; returns the operation's row and the footer."""
    monkeypatch.setattr(run_module, "REPORTS", tmp_path)

    def finish(rows, served=1, is_generated=True):
        run = Run([], [])
        run.take(TARGET.slug, observations(*rows), [], {OPERATION: Coverage(3, 2, served)}, 0, is_generated=is_generated)
        record = run.finish(TARGET, "some", [])
        return next(row for row in record.operations if row.operation == OPERATION), record.footer

    return finish


def row(clause, outcome, **more):
    operation, rule = clause.split(".")[:2]
    seen = {"clause": clause, "operation": operation, "rule": rule, "persona": "member", "test": "t", "outcome": outcome}
    return {**seen, "count": 1, "signature": "", **more}


def test_one_skipped_test_does_not_take_an_operation_out_of_scope(finish):
    """It would hide that nothing else of it was exercised."""
    rows = [row("CreateJob.status", "pass"), row("CreateJob.permission", "skip", signature="not-in-version")]
    operation, footer = finish(rows, served=0)
    assert operation.in_scope is True and operation.exercised is False
    assert footer.not_exercised == (OPERATION,) and footer.green is False


def test_a_hand_written_test_alone_need_not_have_an_operation_served(finish):
    """It says itself what it expects; only where the requests are generated would a pass without any served mean nothing."""
    operation, footer = finish([row("CreateJob.status", "pass")], served=0, is_generated=False)
    assert operation.exercised is False and footer.not_exercised == () and footer.green is True


def test_an_operation_that_was_served_is_exercised(finish):
    operation, footer = finish([row("CreateJob.status", "pass")])
    assert operation.exercised is True and footer.not_exercised == ()


ABOUT_NOTHING = """\
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /api/v4/schemes/{scheme_id}:
    get:
      operationId: GetScheme
      parameters: [{name: scheme_id, in: path, required: true, x-resource: scheme, schema: {type: string}}]
      responses: {'200': {description: fine}}
"""


@pytest.mark.parametrize(("let_in", "missed"), [(1, ()), (0, ("GetScheme",))])
def test_what_nobody_can_serve_is_exercised_by_who_is_let_past_the_check(tmp_path, let_in, missed):
    """Of what no unlicensed server has a run names one that does not exist: no answer to that counts as served."""
    (document := tmp_path / "document.yaml").write_text(ABOUT_NOTHING, encoding="utf-8")
    run = Run([document], [], reports=tmp_path)
    rows = observations(row("GetScheme.status", "pass"))
    run.take(TARGET.slug, rows, [], {"GetScheme": Coverage(7, 7, served=0, let_in=let_in)}, 0, is_generated=True)
    assert run.finish(TARGET, "some", []).footer.not_exercised == missed


def test_an_operation_of_which_everything_was_skipped_is_out_of_scope(finish):
    rules = ("status", "media", "schema", "input", "auth", "permission", "effect.creates-a-job")
    rows = [row(f"CreateJob.{rule}", "skip", signature="not-on-this-target") for rule in rules]
    operation, footer = finish([*rows, row("CreateJob.since", "pass")], served=0)
    assert operation.in_scope is False and footer.not_exercised == ()


KNOWN_HERE = row("RegenCommandToken.permission", "pass")


def test_what_hand_written_tests_have_to_meet_is_missed_in_a_whole_run_of_other_requests(whole):
    assert "RegenCommandToken.permission" in "".join(whole([KNOWN_HERE]).not_met)


@pytest.mark.parametrize("reason", ["not-on-this-target", "needs-licence"])
def test_where_a_hand_written_test_was_not_run_nothing_is_missed(whole, reason):
    """It may be the one that meets it: a server that people use is not to be accused of keeping a promise."""
    assert whole([KNOWN_HERE, row("CreateJob.status", "skip", signature=reason, test="u")]).not_met == ()


def test_what_generated_requests_did_not_meet_is_not_missed(whole):
    assert whole([KNOWN_HERE], is_generated=True).not_met == ()


def test_a_narrowed_run_misses_nothing(whole):
    assert whole([KNOWN_HERE], selection="-k some").not_met == ()
    assert whole([KNOWN_HERE], left_out=["1 test never came to an end"]).not_met == ()


@pytest.fixture
def whole(tmp_path, monkeypatch):
    """The footer of a live run with a seed of its own on 5.36.1, of which one known deviation is that of `KNOWN_HERE`."""
    monkeypatch.setattr(run_module, "REPORTS", tmp_path)
    server = Server(Version(5, 36, 1), "5.36.0", "5.36.1", "", "team", "")
    target = Target("http://127.0.0.1:1", "x", "http://127.0.0.1:1", server, Redactor(replaying=False))

    def whole(rows, *, is_generated=False, selection="", left_out=()):
        run = Run([], [], seed=1)
        [who] = {
            p
            for d in run.deviations
            if d.clause == "RegenCommandToken.permission" and d.is_in(server.version)
            for p in d.personas
        }
        told = [{**r, "persona": who} for r in rows]
        run.take(target.slug, observations(*told), [], {OPERATION: Coverage(3, 2, 1)}, 0, is_generated=is_generated)
        return run.finish(target, selection, list(left_out)).footer

    return whole


@pytest.mark.parametrize(("reason", "missed"), [("not-on-this-target", ()), ("not-in-version", (OPERATION,))])
def test_what_is_about_a_thing_that_cannot_be_made_there_need_not_be_served(finish, reason, missed):
    """A token, where none can be made: the run was red for the setting of its administrator."""
    rows = [row("CreateJob.status", "pass"), row("CreateJob.permission", "skip", signature=reason)]
    assert finish(rows, served=0)[1].not_exercised == missed
