"""Interrupt runs and ask the server what is left: `python benchmarks/interrupt.py URL --times 10`, or `--spec FILE`.

Each is sent SIGINT or SIGKILL (in turn, with its workers) at a random moment after it has begun to change the server; with
`--spec` it is a run over that document, and SIGKILL comes right after a certain line stood in its journal (`moments.yaml`).
Then `mmconform cleanup` is called, and the server has to be as `look.py` saw it before; what nobody can undo is counted.
Needs the administrator's credentials in the environment, as a run does; what is disruptive wants a throwaway server.
"""

import argparse
import fnmatch
import json
import os
import platform
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from look import Look, of_environment

from mmconform.paths import REPORTS, ROOT
from mmconform.servers.target import live

SIGNALS = (signal.SIGINT, signal.SIGKILL)
#: Seconds that a run may take to come to its line.
_PATIENCE = 900


@dataclass(frozen=True)
class Moment:
    """When a run is killed.

    Attributes:
        line: What a line of the journal has to hold; `id: false` for none.
        number: The how many-th such line it is.
        run: What pytest is told beside the target.
    """

    name: str
    run: list[str]
    line: dict[str, Any] = field(default_factory=dict)
    number: int = 1

    def is_it(self, line: dict[str, Any]) -> bool:
        wanted = dict(self.line)
        if "id" in wanted and wanted.pop("id") != ("id" in line):
            return False
        return wanted.items() <= line.items()


def moments(spec: str) -> list[Moment]:
    """Return the moments of ``moments.yaml``."""
    rows = yaml.safe_load(Path(__file__).with_name("moments.yaml").read_text(encoding="utf-8"))
    return [Moment(**{**row, "run": [*row["run"], f"--spec={spec}", "--max-examples=1", "--tb=no"]}) for row in rows]


class Journals:
    """All lines that a run writes to its journals, which come and go."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[int, tuple[Any, str]] = {}

    def new_lines(self) -> Iterator[dict[str, Any]]:
        """Yield what was written since."""
        for path in self._folder.glob("journal-*.jsonl"):
            try:
                number = path.stat().st_ino
                if number not in self._files:
                    self._files[number] = (path.open(encoding="utf-8"), "")
            except FileNotFoundError:
                continue
        for number, (file, rest) in list(self._files.items()):
            *lines, rest = (rest + file.read()).split("\n")
            self._files[number] = (file, rest)
            yield from map(json.loads, lines)


def start(url: str, options: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", "--target", url, "-q", *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True, text=True, **pipes)


def folder_of(url: str) -> Path:
    return REPORTS / re.sub(r"[^A-Za-z0-9.]+", "-", url.partition("//")[2]).strip("-")


def at_random(url: str, within: float, draw: random.Random) -> Iterator[Callable[[], str]]:
    """Yield what interrupts a run some seconds after its first change."""
    number = 0
    while True:
        options, seconds, sent = ["-n", "2"] if number % 4 > 1 else [], draw.uniform(0.5, within), SIGNALS[number % 2]

        def interrupt(options: list[str] = options, seconds: float = seconds, sent: signal.Signals = sent) -> str:
            run = start(url, options)
            while run.poll() is None and not list(folder_of(url).glob("journal-*")):
                time.sleep(0.05)
            time.sleep(seconds)
            return f"{sent.name} {' '.join(options)} after {seconds:5.2f} s{ended(run, sent)}"

        yield interrupt
        number += 1


def at_line(url: str, moment: Moment, delay: float) -> str:
    """Kill a run right after a line of its journal, and say when that was."""
    run, journals, seen = start(url, moment.run), Journals(folder_of(url)), Counter[str]()
    until, began = time.monotonic() + _PATIENCE, time.monotonic()
    while run.poll() is None and time.monotonic() < until:
        for line in journals.new_lines():
            seen["lines"] += 1
            seen["such"] += moment.is_it(line)
        if seen["such"] >= moment.number:
            time.sleep(delay)
            break
        time.sleep(0.01)
    missed = "" if seen["such"] >= moment.number else " NOT REACHED"
    told = f"{moment.name} (line {seen['lines']}, {delay * 1000:.0f} ms after, {time.monotonic() - began:.0f} s){missed}"
    return told + ended(run, signal.SIGKILL)


def ended(run: subprocess.Popen[str], sent: signal.Signals) -> str:
    """Send a signal to a run and all that it started, and return what it said of itself."""
    if run.poll() is None:
        os.killpg(run.pid, sent)
    told, _ = run.communicate(timeout=300)
    itself = (re.findall(r"left the server as it was.*", told) or [""])[0]
    return f"\n    run ({run.returncode}): {itself}{_trace(told)}"


def cleaned(url: str) -> str:
    """Clean up, and return what that said."""
    command = [sys.executable, "-m", "mmconform", "cleanup", url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    said = done.stdout + done.stderr
    return f"    cleanup ({done.returncode}): {said.strip().replace(chr(10), ' | ')}{_trace(said)}"


def _trace(told: str) -> str:
    return f" TRACEBACK\n{told[-3000:]}" if "Traceback (most" in told else ""


def tell_differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return what is not as before, in words."""
    wrong = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return [f"      {key}: {str(before.get(key))[:300]} -> {str(after.get(key))[:300]}" for key in wrong]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--within", type=float, default=30, metavar="SECONDS", help="after its first change (30)")
    parser.add_argument("--spec", help="kill runs over this document, at the lines of moments.yaml")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="the moments of these names")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    target, draw = live(given.url), random.Random(given.seed)
    url, look = target.base_url, of_environment(target.base_url)
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, Mattermost {target.server.name}, --seed {given.seed}")
    if given.spec:
        chosen = [moment for moment in moments(given.spec) if fnmatch.fnmatch(moment.name, given.only)]
        steps: list[Callable[[], str]] = [lambda m=m: at_line(url, m, draw.uniform(0, 0.03)) for m in chosen]  # type: ignore[misc]
    else:
        random_steps = at_random(url, given.within, draw)
        steps = [next(random_steps) for _ in range(given.times)]
    flaws = sum(is_flawed(number, step, url, look) for number, step in enumerate(steps, 1))
    print(f"{len(steps)} interruptions, after {flaws} of which something was left")
    return int(flaws > 0)


def is_flawed(number: int, step: Callable[[], str], url: str, look: Look) -> bool:
    """Interrupt a run, clean up, and say whether the server is as it was before."""
    before, made = look.state(), look.archived
    print(f"{number:3} {step()}\n{cleaned(url)}", flush=True)
    wrong = tell_differences(before, look.state()) + [f"      {path.name}" for path in folder_of(url).glob("journal-*")]
    more = ", ".join(f"{count - made[what]} {what}" for what, count in look.archived.items() if count != made[what])
    print(f"    {'NOT AS BEFORE' if wrong else 'as before'}; {more or 'nothing'} more", *wrong, sep="\n", flush=True)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
