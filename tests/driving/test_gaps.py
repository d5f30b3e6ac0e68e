"""A test that gets an unexpected answer gives a verdict, or says in a line that it could not be set up; it never breaks."""

import json
from collections import Counter

import pytest

#: Where most is read of answers; all hand-written suites are tried by hand (`benchmarks/README.md`).
SUITE = "suites/lifecycle/test_tokens.py"


@pytest.fixture(scope="module")
def gaps(run_pytest, tmp_path_factory):
    """Every run of every test of a suite: as it is, and with each gap."""
    folder = tmp_path_factory.mktemp("gaps")
    options = ["-q", "-p", "tests.gaps", "--target", "recorded:11.0.3", "--tb=no", "-rN", "--reports", folder / "reports"]
    run_pytest(*options, SUITE, GAPS=folder / "gaps.jsonl")
    return [json.loads(line) for line in (folder / "gaps.jsonl").read_text(encoding="utf-8").splitlines()]


def test_without_a_gap_every_test_passes(gaps):
    assert {run["outcome"] for run in gaps if run["gap"] == "none"} == {"passed"}


def test_no_gap_breaks_a_test(gaps):
    tried = [run for run in gaps if run["gap"] != "none"]
    assert Counter(run["gap"] for run in tried).keys() >= {"refused", "id", "token", "is_active", "user_id"}
    assert [(run["test"], run["gap"], run["broke"]) for run in tried if run["broke"]] == []


def test_what_is_missing_is_held_against_the_promise_that_it_breaks(gaps):
    """The schema promises an id; it promises no `is_active`, and so whoever says that a token is disabled has to tell it."""
    by_gap = {(run["test"].split("::")[1].split("[")[0], run["gap"], run["answer"]): run["found"] for run in gaps}
    disabled = {gap[1:]: found for gap, found in by_gap.items() if gap[0] == "test_a_disabled_token_lets_nobody_in"}
    assert [found for (gap, _), found in disabled.items() if gap == "is_active"] == [["DisableUserAccessToken.effect.disables"]]
    listed = {gap[1:]: found for gap, found in by_gap.items() if gap[0] == "test_a_list_holds_disabled_tokens_too"}
    assert ["GetUserAccessTokensForUser.schema"] in [found for (gap, _), found in listed.items() if gap == "id"]
