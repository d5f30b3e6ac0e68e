"""Where runs are made: in processes on this machine, or by Dask on any number of machines, both as ``concurrent.futures``."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager

from mmconform.campaign.work import Job, Outcome, Watch, work
from mmconform.errors import MisuseError

Submit = Callable[[Job], "Future[Outcome]"]
#: How many processes this machine bears.
CORES = os.cpu_count() or 1
#: How long to wait for a scheduler and its first worker, in seconds.
_PATIENCE = 30


def place(
    scheduler: str = "", processes: int = CORES, learn: Callable[[str, str], None] = lambda name, line: None
) -> AbstractContextManager[Submit]:
    """Return where runs are made: on the workers of a scheduler where one is named, else here.

    Args:
        scheduler: The address of Dask's, such as ``tcp://10.0.0.1:8786``.
        processes: How many go side by side here.
        learn: Is told the name of a job and each line that its run prints, here.
    """
    return dask(scheduler) if scheduler else here(processes, learn)


@contextmanager
def here(processes: int, learn: Callable[[str, str], None]) -> Iterator[Submit]:
    """Processes on this machine. Whoever leaves while some go on, interrupts them and waits."""
    watch = Watch(learn)
    with ThreadPoolExecutor(processes) as pool:
        try:
            yield lambda job: pool.submit(work, job, watch)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            watch.stop()


@contextmanager
def dask(scheduler: str) -> Iterator[Submit]:
    """Workers of a Dask scheduler, which gives what a lost one was at to another.

    Raises:
        MisuseError: Dask is not installed, or there is no scheduler, or no worker.
    """
    try:
        from distributed import Client
    except ImportError:
        raise MisuseError("--scheduler needs the extra `dask`: pip install --require-hashes -r requirements-dask.lock") from None
    try:
        client = Client(scheduler, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise MisuseError(f"--scheduler {scheduler}: nobody answers there ({error})") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError:
            raise MisuseError(f"--scheduler {scheduler}: it has no worker; start `dask worker --nthreads 1` somewhere") from None
        pool = client.get_executor(pure=False)
        try:
            yield lambda job: pool.submit(work, job)
        finally:
            pool.shutdown(wait=False)
