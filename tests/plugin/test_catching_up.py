"""A worker looks after its people when a test of another worker ran alone, which may have signed all out."""

from types import SimpleNamespace

import pytest

from mmconform.plugin import process as the_process
from mmconform.plugin.process import Process

SERVER = SimpleNamespace(slug="a", client=lambda: SimpleNamespace(close=lambda: None))


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
