"""Who may touch a server at the same time, and who has to wait."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Thread, Timer

import pytest
from filelock import FileLock

from mmconform.errors import MisuseError
from mmconform.servers.live import locks
from mmconform.servers.live.journal import Journal
from mmconform.servers.target import Server, Target
from mmconform.version import Version
from mmconform.wire.tape.redact import Redactor


@pytest.fixture
def target(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "REPORTS", tmp_path)
    server = Server(Version(5, 36, 1), "5.36.0", "5.36.1", "", "team", "")
    return Target("http://127.0.0.1:1", "one", "http://127.0.0.1:1", server, Redactor(replaying=False))


def test_a_run_waits_for_who_only_looks_whether_there_is_one(target, tmp_path):
    """`mmconform report` does so where a record is missing, and a run that began in that moment was refused."""
    locks.only_run(target).close()
    look = FileLock(tmp_path / "one" / "run.lock", thread_local=False)
    look.acquire()
    Timer(0.1, look.release).start()
    locks.only_run(target).close()


def test_a_server_is_for_one_run_at_a_time(target, tmp_path):
    with locks.only_run(target), pytest.raises(MisuseError, match=r"^a run on http://127\.0\.0\.1:1 is in progress"):
        locks.only_run(target)
    locks.only_run(target).close()
    assert (tmp_path / "one" / "run.lock").stat().st_mode & 0o077 == 0


def test_a_server_is_for_one_run_at_a_time_by_whichever_name(target, tmp_path):
    """Of localhost, the journals of a run that went on at 127.0.0.1 were taken for those of a dead one, and undone."""
    by_name = replace(target, slug="two", base_url="http://localhost:1")
    with locks.only_run(by_name):
        Journal(tmp_path / "two" / "journal-abc123.jsonl", by_name.base_url).note(what="team", name="t")
        for _ in range(2):  # nor does who was refused keep anything
            with pytest.raises(MisuseError, match=r"^a run on http://127\.0\.0\.1:1 is in progress, or tidies up"):
                locks.only_run(target)
        assert not is_held(tmp_path / "one" / "run.lock")
    locks.only_run(target).close()


def is_held(path: Path) -> bool:
    lock = FileLock(path, blocking=False)
    try:
        with lock:
            return False
    except TimeoutError:
        return True


def test_a_test_that_must_be_alone_waits_for_all_others_and_lets_nobody_in(tmp_path):
    """Which worker's turn it is, is written down by each itself."""
    told = []

    def play(worker, alone):
        with locks.turn(tmp_path, worker, alone=alone):
            told.append(worker)

    lonely, late = (Thread(target=play, args=arguments) for arguments in (("gw2", True), ("gw3", False)))
    with ExitStack() as inside:
        for worker in ("gw0", "gw1"):  # at the same time
            inside.enter_context(locks.turn(tmp_path, worker, alone=False))
        assert not is_held(tmp_path / "door.lock")
        lonely.start()
        while not is_held(tmp_path / "door.lock"):  # until it waits in the door
            pass
        late.start()
        told.append("gw0 and gw1 leave")
    lonely.join()
    late.join()
    assert told == ["gw0 and gw1 leave", "gw2", "gw3"]
    assert not any(is_held(path) for path in tmp_path.glob("*.lock"))
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("*.lock")} == {0}
