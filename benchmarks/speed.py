"""Four ratios of processor time, each measured in one run: `python benchmarks/speed.py [RECORDS]`.

A further tape beside a bare loop over its cassettes; reading records (all in `reports/`, unless a folder is named) beside plain
JSON; drawing the page of them; and `--collect-only` beside that of pytest where there is nothing. Processor time: work that goes
on beside adds to it, but less than to seconds, and to the loop less than to the suites.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import yaml

from mmconform.paths import REPORTS, ROOT
from mmconform.record import record
from mmconform.wire.tape import tape

ROUNDS = 3


def least(*works: Callable[[], float]) -> list[float]:
    """Return the least seconds of each of some works, done in turn: what goes on beside only adds to them."""
    rounds = [[work() for work in works] for _ in range(ROUNDS)]
    return [min(seconds) for seconds in zip(*rounds, strict=True)]


def timed(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def spent(*command: str) -> float:
    """Return the seconds of processor time of a command of Python's and of what it starts."""
    before = os.times()
    subprocess.run([sys.executable, *command], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def replay(*versions: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return spent("-m", "pytest", "-q", f"--reports={folder}", *(f"--target=recorded:{version}" for version in versions))


def bare_loop(version: str) -> float:
    """Return what the least takes that has to be done with a tape: read its cassettes, look up each answer, parse it."""
    start = time.process_time()
    for path in tape.cassettes(tape.place(version)).values():
        interactions = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["interactions"]
        answers = defaultdict(list)
        for one in interactions:
            answers[_key(one["request"])].append(one["response"]["body"]["string"])
        for one in interactions:
            try:
                json.loads(answers[_key(one["request"])][0])
            except ValueError:
                continue
    return time.process_time() - start


def _key(request: dict) -> tuple:
    return request["method"], request["uri"], request["body"], str(request["headers"])


def further_tapes(first: str, *others: str) -> str:
    loops = [partial(bare_loop, version) for version in others]
    one, every, *bare = least(partial(replay, first), partial(replay, first, *others), *loops)
    further, loop = (every - one) / len(others), sum(bare) / len(others)
    return f"a further tape, of {len(others)}: {further:.2f} s, a bare loop {loop:.2f} s: {further / loop:.1f} times"


def reading(paths: list[Path]) -> str:
    def plain() -> None:
        for path in paths:
            for line in path.read_bytes().splitlines():
                json.loads(line)

    def ours() -> None:
        for path in paths:
            record.read(path)

    read, parsed = least(partial(timed, ours), partial(timed, plain))
    size = sum(path.stat().st_size for path in paths) / 1e6
    return f"reading {len(paths)} records, {size:.1f} MB: {read:.2f} s, plain JSON {parsed:.2f} s: {read / parsed:.2f} times"


def page(folder: Path) -> str:
    with tempfile.TemporaryDirectory() as output:
        (drawn,) = least(partial(spent, "-m", "mmconform", "report", str(folder), "--output", f"{output}/page.html"))
    return f"drawing the page of them, start included: {drawn:.2f} s"


def collecting() -> str:
    with tempfile.TemporaryDirectory() as empty:
        ours, bare = (partial(spent, "-m", "pytest", "--collect-only", *where) for where in ((), (empty, f"--rootdir={empty}")))
        ours, bare = least(ours, bare)
    return f"--collect-only: {ours:.2f} s, pytest with its plugins, where there is nothing, {bare:.2f} s: {ours / bare:.2f} times"


def main(folder: Path = REPORTS) -> None:
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; processor time")
    paths = record.find([folder])
    for told in (further_tapes(*tape.every()[-6:-1]), reading(paths), page(folder), collecting()):
        print(told, flush=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
