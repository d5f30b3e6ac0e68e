"""What the processes of a run know of one another."""

from types import SimpleNamespace

import pytest

from mmconform.plugin import process as the_process
from mmconform.plugin.attendance import Attendance
from mmconform.plugin.conformance import Conformance
from mmconform.plugin.process import Process

SERVER = SimpleNamespace(slug="a", client=lambda: SimpleNamespace(close=lambda: None))


# -- after a test that ran alone, which may have signed out everybody ---------------------------------------------------


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """A process of a run that has people on the server; ``looked`` tells after what it looked after them."""
    monkeypatch.setattr(the_process, "REPORTS", tmp_path)

    def worker(*, is_worker=True):
        made = Process.__new__(Process)
        made.is_worker, made.looked, made._ran_alone = is_worker, [], {}
        made.keepers = {"a": SimpleNamespace(look=lambda cause, client: made.looked.append(cause))}
        made.catch_up(SERVER)
        made.looked.clear()
        return made

    return worker


def test_who_did_not_run_alone_looks_once(worker):
    one, other = worker(), worker()
    for each in (one, other):
        each.catch_up(SERVER)
    assert one.looked == other.looked == []
    one.note_alone(SERVER)
    for each in (one, other, one, other):
        each.catch_up(SERVER)
    assert one.looked == [] and other.looked == ["a test of another process"]


def test_who_runs_alone_after_another_did_misses_nothing(worker):
    one, other = worker(), worker()
    other.note_alone(SERVER)
    one.catch_up(SERVER)
    one.note_alone(SERVER)
    assert len(one.looked) == 1
    other.catch_up(SERVER)
    assert len(other.looked) == 1


def test_a_run_of_one_process_has_nothing_to_catch_up_with(worker, tmp_path):
    alone = worker(is_worker=False)
    alone.note_alone(SERVER)
    alone.catch_up(SERVER)
    assert alone.looked == [] and not [*tmp_path.rglob("alone")]


# -- after the end of a worker -----------------------------------------------------------------------------------------


def test_what_somebody_else_changed_is_known_to_the_first_process_whichever_process_saw_it():
    """Else what answers showed then counts for the principles, which compare what all processes saw."""
    failed = []
    process = SimpleNamespace(problems=[], targets=[], disturbed="", learn_seen=lambda told: None)
    process.run = SimpleNamespace(fail=failed.append)
    process.config = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda name: None))
    first = Conformance(process, Attendance())
    for told in ("somebody else signed out", ""):
        first.pytest_testnodedown(SimpleNamespace(workeroutput={"mmconform": {"seen": {}, "disturbed": told}}), None)
    assert process.disturbed == "somebody else signed out" and process.problems == failed == []
