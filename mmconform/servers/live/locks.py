"""Who may touch a server: one run of this checkout, and of its tests one that changes settings, or any that do not."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from mmconform.errors import MisuseError
from mmconform.files import close_to_others, is_locked, open_private
from mmconform.paths import REPORTS
from mmconform.record.record import LOCK
from mmconform.servers.live.journal import of_server
from mmconform.servers.target import Target

#: Who only looks whether there is a run holds its lock for a moment (:func:`mmconform.files.is_locked`).
_A_LOOK = 0.5
#: A character for each test that ran alone and may have consumed what others stand on.
_ALONE = "alone"


def only_run(target: Target) -> ExitStack:
    """Return a lock on the server; until it is closed, no other run from this checkout and no cleanup touches it.

    A run that called the server by another name of this machine has another lock, and journals that tell of the same server.

    Raises:
        MisuseError: somebody else has it, or it cannot be written.
    """
    own = REPORTS / target.slug
    lock = _lock(own / LOCK, timeout=_A_LOOK)
    close_to_others(own)  # what an earlier version of ours, or another umask, left for everybody to read
    held = ExitStack()
    try:
        held.enter_context(lock)
        is_free = not any(is_locked(path.parent / LOCK) for path in of_server(REPORTS, target.base_url) if path.parent != own)
    except Timeout:
        is_free = False
    except BaseException:
        held.close()
        raise
    if not is_free:
        held.close()
        what = "is in progress, or tidies up after it was interrupted; wait for its end, or stop it first"
        raise MisuseError(f"a run on {target.base_url} {what}")
    return held


@contextmanager
def turn(folder: Path, worker: str, *, alone: bool) -> Iterator[None]:
    """Wait until a worker may run a test: alone, or beside the tests of others that need not be alone.

    Each test comes through one door and holds its worker's lock while it runs. Whoever wants to be alone stays in the door until
    all others have left, and so comes first.
    """
    own = _lock(folder / f"turn-{worker}.lock")
    with ExitStack() as held, _lock(folder / "door.lock") as door:
        for lock in map(_lock, sorted(folder.glob("turn-*.lock"))) if alone else [own]:
            held.enter_context(lock)
        if not alone:
            door.release()
        yield


def note_alone(folder: Path) -> None:
    """Have the other workers know of a test that ran alone and may have consumed what they stand on; called in its turn."""
    with open_private(folder / _ALONE, "a") as file:
        file.write(".")


def ran_alone(folder: Path) -> int:
    """Return how many such tests there were on a server, in this run and before."""
    path = folder / _ALONE
    return path.stat().st_size if path.exists() else 0


def _lock(path: Path, timeout: float = -1) -> FileLock:
    """Return a lock on a file that only its owner may read."""
    open_private(path, "a").close()
    return FileLock(path, timeout=timeout, mode=0o600, thread_local=False)
