"""Noticed wrong answers: one falsified answer, and the test that judges it says so by its own clause."""

import json
import os
import subprocess
import sys

import pytest

from mmconform.paths import ROOT

#: In one process: what all of them look at is long to make.
pytestmark = pytest.mark.xdist_group("noticed")


@pytest.fixture(scope="module")
def flips(tmp_path_factory):
    """Every run of every test on the tape of 5.36.1: as it is, and falsified."""
    folder = tmp_path_factory.mktemp("flips")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MM_")}
    environment |= {"FLIPS": str(folder / "flips.jsonl"), "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "flips", "--target", "recorded:5.36.1", "--tb=no", "-rN"]
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    return [json.loads(line) for line in (folder / "flips.jsonl").read_text(encoding="utf-8").splitlines()]


def test_unfalsified_every_test_passes(flips):
    plain = [run for run in flips if run["kind"] == "none"]
    assert len(plain) > 400
    assert [run["test"] for run in plain if run["outcome"] == "failed"] == []


def test_nearly_every_falsification_is_noticed_by_the_tests_own_clause(flips):
    """At least 95 %; `suites/permissions/README.md` lists what is not."""
    falsified = [run for run in flips if run["kind"] not in ("none", "nothing to falsify") and run["outcome"] != "skipped"]
    survivors = [f"{r['kind']}: {r['test']}" for r in falsified if not any(c.startswith(r["clause"]) for c in r["found"])]
    share = 1 - len(survivors) / len(falsified)
    report = "\n".join([f"{len(falsified)} falsified answers, {share:.1%} noticed; survivors:", *survivors])
    assert len(falsified) > 1200, report
    assert share >= 0.95, report
    kinds = {run["kind"] for run in falsified}
    assert kinds == {"status", "error id", "leaked secret", "wrong owner", "missing field", "media"}


def test_a_failure_names_the_caller_who_was_judged(flips):
    """Whom it names is also whose request it repeats."""
    broken = [run for run in flips if run["kind"] not in ("none", "nothing to falsify") and run["blamed"]]
    assert len(broken) > 1200
    assert [f"{run['blamed']}, not {run['asked']}: {run['test']}" for run in broken if run["blamed"] != [run["asked"]]] == []
