"""What a run says while it goes on."""

import os
import re

import pytest

from mmconform.paths import ROOT, SPECS
from mmconform.plugin.output import Heartbeat


@pytest.mark.parametrize(("every", "said"), [(0, ["test_x: 1 answers so far", "test_x: 2 answers so far"]), (3600, [])])
def test_a_test_that_takes_long_says_now_and_then_how_many_answers_it_had(every, said):
    told = []
    heart = Heartbeat("test_x", told.append, every)
    heart.beat()
    heart.beat()
    assert told == said


@pytest.mark.xdist_group("reference")
def test_a_principle_is_not_silent_on_the_terminal(run_pytest, tmp_path):
    """A test of one asks for minutes, and nothing told whether it still did."""
    (tmp_path / "hurry.py").write_text("from mmconform.plugin.output import Heartbeat\nHeartbeat.__init__.__defaults__ = (0,)\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    which = ("suites/generated/test_principles.py", "-k", "test_hidden or test_unlisted", f"--reports={tmp_path / 'reports'}")
    options = (f"--spec={SPECS / 'small.yaml'}", "-q", "-p", "hurry")  # with -q a dot stands before
    ran = run_pytest("--target", "reference", *options, *which, PYTHONPATH=path)
    counted = [int(number) for number in re.findall(r"^test_unlisted\[.*\]: (\d+) answers so far$", ran.stdout, re.MULTILINE)]
    assert counted and counted == [*range(1, len(counted) + 1)], ran.stdout
