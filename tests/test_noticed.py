"""Noticed wrong answers: one falsified answer, and the test that judges it says so by its own clause."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmconform.spec.load import ROOT


@pytest.fixture(scope="module")
def flips(tmp_path_factory):
    """Every run of every test on the tape of 5.36.1: as it is, and falsified."""
    path = tmp_path_factory.mktemp("flips") / "flips.jsonl"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MM_")} | {"FLIPS": str(path)}
    environment["PYTHONPATH"] = f"{ROOT / 'tests'}{os.pathsep}{ROOT}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "flips", "--target", "recorded:5.36.1", "--tb=no", "-rN"]
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def test_unfalsified_every_test_passes(flips):
    plain = [run for run in flips if run["kind"] == "none"]
    assert len(plain) > 400
    assert [run["test"] for run in plain if run["outcome"] == "failed"] == []


def test_nearly_every_falsification_is_noticed_by_the_tests_own_clause(flips):
    """At least 95 %; `suites/permissions/README.md` lists what is not."""
    falsified = [run for run in flips if run["kind"] not in ("none", "nothing to falsify")]
    survivors = [f"{r['kind']}: {r['test']}" for r in falsified if not any(c.startswith(r["clause"]) for c in r["found"])]
    share = 1 - len(survivors) / len(falsified)
    assert len(falsified) > 700
    assert share >= 0.95, "\n".join(survivors)
    assert {run["kind"] for run in falsified} == {"status", "error id", "leaked secret", "wrong owner", "missing field", "media"}
