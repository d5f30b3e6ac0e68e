"""One run of the suites in a process of its own, on whichever machine it is called."""

import hashlib
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock

from mmconform.errors import MisuseError
from mmconform.paths import CASSETTES, DEVIATIONS, PACKAGE, REPORTS, ROOT, SPECS, SUITES
from mmconform.record.provenance import tools
from mmconform.record.record import NAME
from mmconform.wire.tape.tape import LABEL

#: How often a run is begun whose process was killed.
_ATTEMPTS = 2
#: Beside the first so many targets are too many to be named.
_MANY = 3
#: Where pytest begins to show the tables.
_TABLES = re.compile(r"^=+ conformance =+$", re.MULTILINE)
#: What a run says of the server, below where the last record is and above what pytest sums up.
_LEFT = re.compile(r"^  record: [^\n]*\n\n((?:[^\n=\d][^\n]*\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """What is to be run.

    Attributes:
        targets: As ``--target`` takes them.
        options: More of pytest's.
        tests: Which of the suites, as node ids name them; all where none is named.
        code: The ``fingerprint`` of who wants it.
    """

    targets: tuple[str, ...]
    options: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    code: str = ""

    @property
    def name(self) -> str:
        """Its targets: all of a few, of more the first and how many others."""
        first, *others = self.targets
        if len(others) >= _MANY:
            return f"{first} and {len(others)} more"
        return " and ".join(filter(None, (", ".join(self.targets[:-1]), self.targets[-1])))


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes:
        status: pytest's: 0 green, 1 not.
        said: What it printed before the tables.
        records: The files, by the slug of the target.
        left: What it said of how it left a live server.
    """

    job: Job
    status: int
    said: str
    records: dict[str, bytes]
    left: str = ""

    @property
    def was_killed(self) -> bool:
        return self.status < 0


class Watch:
    """Sees the runs on this machine, and can end them."""

    def __init__(self, learn: Callable[[str, str], None] = lambda name, line: None) -> None:
        self.learn = learn
        self._running: set[subprocess.Popen[str]] = set()
        self._is_over, self._lock = False, Lock()

    @contextmanager
    def running(self, command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
        """Run a process: in a session of its own, so that Ctrl-C reaches it once, from us.

        Raises:
            MisuseError: all was ended before.
        """
        with self._lock:
            if self._is_over:
                raise MisuseError("not begun any more")
            pipe = subprocess.PIPE
            process = subprocess.Popen(  # noqa: S603
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=pipe,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            self._running.add(process)
        try:
            with process:
                yield process
        finally:
            self._running.discard(process)

    def stop(self) -> None:
        """End what goes on, so that each run puts its server back, and begin nothing more.

        By SIGTERM, which a run of a live server takes as Ctrl-C: SIGINT is ignored by all that a shell's background has started.
        """
        with self._lock:
            self._is_over = True
            for process in self._running:
                process.terminate()


def work(job: Job, watch: Watch | None = None) -> Outcome:
    """Run pytest, once more where its process was killed, and return what came of it.

    Raises:
        MisuseError: it came to nothing, or this checkout is another one than that of who wants it.
    """
    if job.code and job.code != fingerprint():
        raise MisuseError(
            f"the checkout in {ROOT} on {platform.node()}, or a package there, is of another version than that of who asks"
        )
    for _ in range(_ATTEMPTS):
        outcome = _attempt(job, watch or Watch())
        if not outcome.was_killed:
            break
    if outcome.status not in (0, 1):
        last = [line for line in outcome.said.splitlines() if line.strip(" !")] or ["it said nothing"]
        raise MisuseError(f"the run on {job.name} came to nothing: {last[-1].removeprefix('Exit: ')}")
    return outcome


def command(job: Job, folder: str) -> list[str]:
    """Return how to run it with its records in a folder, from anywhere: what lies there is no module for it to import."""
    targets = [f"--target={target}" for target in job.targets]
    tests = [f"{ROOT}/{test}" for test in job.tests] or [str(SUITES)]
    quiet = ("-q", "--no-header", "-o", f"cache_dir={folder}/.pytest_cache")  # a campaign is nobody's last run
    return [sys.executable, "-P", "-m", "pytest", *quiet, f"--reports={folder}", *job.options, *targets, *tests]


def _attempt(job: Job, watch: Watch) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        # Nobody else writes there: a run that goes on after who waits for it has died is in nobody's way.
        # Unbuffered, it ends at its next test where nobody reads what it prints any more.
        # What Hypothesis keeps, it keeps where we write too.
        kept = {"HYPOTHESIS_STORAGE_DIRECTORY": str(REPORTS / ".hypothesis")}
        with watch.running(command(job, folder), kept | os.environ | {"PYTHONUNBUFFERED": "1"}) as process:
            assert process.stdout
            lines = []
            for line in process.stdout:
                lines.append(line)
                watch.learn(job.name, line)
        records = {path.parent.name: path.read_bytes() for path in sorted(Path(folder).glob(f"*/{NAME}"))}
    said = "".join(lines)
    left = _LEFT.findall(said) if any("://" in target for target in job.targets) else []
    return Outcome(job, process.returncode, _TABLES.split(said)[0], records, "".join(left[-1:]))


@cache
def fingerprint() -> str:
    """Return the digest of what decides what a run says: code, documents, data, deviations, suites, tapes and packages."""
    files = {path for folder in (PACKAGE, SUITES, SPECS, DEVIATIONS) for path in folder.rglob("*") if path.is_file()}
    files |= {ROOT / "conftest.py", *CASSETTES.glob(f"*/{LABEL}"), *CASSETTES.glob(f"*/*/{LABEL}")}
    digest = hashlib.sha256(repr(sorted(tools().items())).encode())
    for path in sorted(path for path in files if path.suffix != ".pyc"):
        digest.update(f"\n{path.relative_to(PACKAGE.parent).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()
