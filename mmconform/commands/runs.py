"""Runs the suites for commands that need the record of a target."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mmconform.driving.generate import SEED
from mmconform.errors import MisuseError
from mmconform.paths import REPORTS, ROOT, SAVED
from mmconform.record import record
from mmconform.record.record import NAME, Record
from mmconform.servers.target import Target, resolve

#: What pytest is told about live targets.
LIVE_OPTIONS = ("--allow-remote", "--create-first-admin", "--disruptive")


def records_of(names: Sequence[str], options: Sequence[str] = ()) -> list[Record]:
    """Return the record of each name: one that is there, or that of a run of the suites over a target.

    Runs go side by side, and are told on standard error.

    Args:
        names: Records of runs (files, or the folders in which they are) or targets.
        options: Of ``LIVE_OPTIONS``.

    Raises:
        MisuseError: a name is neither, a record is broken, or a run came to nothing.
    """
    chosen = [_file(name) or _target(name, "--allow-remote" in options) for name in names]
    kept = {choice: record.read(choice) for choice in chosen if isinstance(choice, Path)}  # before a run writes over one of them
    targets = {target.slug: target for target in chosen if isinstance(target, Target)}
    runs: dict[str, subprocess.Popen[str]] = {}
    try:
        for slug, target in targets.items():
            runs[slug] = _start(target, options)
        for slug, run in runs.items():
            _await(targets[slug], run)
    finally:  # whatever ends this, no run goes on alone, and each puts its server back
        for run in runs.values():
            if run.poll() is None:
                run.send_signal(signal.SIGINT)
                run.communicate()
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


def _start(target: Target, options: Sequence[str]) -> subprocess.Popen[str]:
    """Begin a whole run; a live one with the requests of the tapes, so that answers can be compared."""
    sys.stderr.write(f"running the suites on {target.name} …\n")
    live = [] if target.is_recorded else [f"--hypothesis-seed={SEED}", *options]
    command = [sys.executable, "-m", "pytest", "--target", target.name, "-q", "--no-header", "--tb=no", *live]
    pipe = subprocess.PIPE
    # In a session of its own, so that Ctrl-C reaches it once: from us.
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=subprocess.STDOUT, text=True, start_new_session=True)  # noqa: S603


def _await(target: Target, run: "subprocess.Popen[str]") -> None:
    output, _ = run.communicate()
    if run.returncode not in (0, 1):
        last = next((line for line in reversed(output.splitlines()) if line.strip(" !")), "it said nothing")
        raise MisuseError(f"the run on {target.name} came to nothing: {last.removeprefix('Exit: ')}")
