"""Runs the suites for commands that need the record of a target."""

import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from mmconform.driving.generate import SEED
from mmconform.errors import MisuseError
from mmconform.paths import REPORTS, ROOT, SAVED
from mmconform.record import record
from mmconform.record.record import NAME, Record
from mmconform.servers.target import Target, resolve

#: What pytest is told about live targets.
LIVE_OPTIONS = ("--allow-remote", "--create-first-admin", "--disruptive")
#: How far pytest says that it is.
_PERCENT = re.compile(r"\[ *(\d+)%\]")


def records_of(names: Sequence[str], options: Sequence[str] = ()) -> list[Record]:
    """Return the record of each name: one that is there, or that of a run of the suites over a target.

    Runs go side by side, and are told on standard error, on a terminal with how far they are.

    Args:
        names: Records of runs (files, or the folders in which they are) or targets.
        options: Of ``LIVE_OPTIONS``.

    Raises:
        MisuseError: a name is neither, a record is broken, or a run came to nothing.
    """
    chosen = [_file(name) or _target(name, "--allow-remote" in options) for name in names]
    kept = {choice: record.read(choice) for choice in chosen if isinstance(choice, Path)}  # before a run writes over one of them
    targets = {target.slug: target for target in chosen if isinstance(target, Target)}
    runs: list[_Running] = []
    progress, ended = Progress(), SimpleQueue[_Running]()
    try:
        for target in targets.values():
            runs.append(_Running(target, options, progress, ended))
        for _ in runs:  # whichever comes first: where one came to nothing, nobody needs the others
            ended.get().confirm()
    finally:  # whatever ends this, no run goes on alone, and each puts its server back
        for run in runs:
            run.stop()
        progress.end()
    return [kept[choice] if isinstance(choice, Path) else record.read(REPORTS / choice.slug / NAME) for choice in chosen]


def _file(name: str) -> Path | None:
    for path in (Path(name), SAVED / name):
        file = path / NAME if path.is_dir() else path
        if file.is_file():
            return file
    return None


def _target(name: str, allow_remote: bool) -> Target:
    if name.endswith(".jsonl") or ("/" in name and ":" not in name):
        raise MisuseError(f"{name}: there is no record of a run; `pytest --target …` writes them to {REPORTS.name}/")
    targets = resolve(name, allow_remote=allow_remote)
    if len(targets) > 1:
        raise MisuseError(f"`{name}` is more than one server; name one")
    return targets[0]


class Progress:
    """Shows on a terminal how far runs are, in one line; elsewhere nothing."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._shares: dict[str, str] = {}

    def learn(self, name: str, line: str) -> None:
        """Take note of a line that pytest printed."""
        if percent := _PERCENT.search(line):
            self._shares[name] = f"{name} {percent[1]} %"
            self._write("\r" + "   ".join(self._shares.values()))

    def end(self) -> None:
        """Leave the line."""
        if self._shares:
            self._write("\n")

    def _write(self, text: str) -> None:
        if self._is_shown:
            sys.stderr.write(text)
            sys.stderr.flush()


def _command(target: Target, options: Sequence[str]) -> list[str]:
    live = [] if target.is_recorded else [f"--hypothesis-seed={SEED}", *options]
    return [sys.executable, "-m", "pytest", "--target", target.name, "-q", "--no-header", "--tb=no", *live]


class _Running:
    """A whole run of the suites, a live one with the requests of the tapes, so that answers can be compared."""

    def __init__(self, target: Target, options: Sequence[str], progress: Progress, ended: "SimpleQueue[_Running]") -> None:
        sys.stderr.write(f"running the suites on {target.name} …\n")
        pipe = subprocess.PIPE
        self._target, self._progress, self._ended, self._last = target, progress, ended, "it said nothing"
        # In a session of its own, so that Ctrl-C reaches it once: from us.
        self._process = subprocess.Popen(  # noqa: S603
            _command(target, options), cwd=ROOT, stdout=pipe, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._last = line.rstrip("\n") if line.strip(" !\n") else self._last
            self._progress.learn(self._target.name, line)
        self._ended.put(self)

    def confirm(self) -> None:
        """Look how it ended.

        Raises:
            MisuseError: it came to nothing.
        """
        if self._process.wait() not in (0, 1):
            raise MisuseError(f"the run on {self._target.name} came to nothing: {self._last.removeprefix('Exit: ')}")

    def stop(self) -> None:
        """Interrupt it, if it goes on, and wait until it has put its server back."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
