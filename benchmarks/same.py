"""The same input gives the same record, in any order and with any number of workers: `python benchmarks/same.py`.

Replays one tape again and again, shuffled and with 0, 1 and 2 workers, and compares the records byte by byte, but for
when the run was and what of the command line it names.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from mmconform.paths import REPORTS, ROOT
from mmconform.record.record import NAME

SHUFFLE = """
import random, pytest
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    random.Random({seed}).shuffle(items)
"""
WHEN = ("started", "finished", "seconds")


def record(version: str, options: list[str], path: str) -> list[str]:
    """Replay a tape and return the lines of its record, without when it was."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{path}"}
    command = [sys.executable, "-m", "pytest", "-q", "--target", f"recorded:{version}", *options]
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
    rows = [json.loads(line) for line in (REPORTS / version / NAME).read_text(encoding="utf-8").splitlines()]
    return [json.dumps({key: value for key, value in row.items() if key not in WHEN}) for row in rows]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--version", default="5.36.1")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, recorded:{given.version}, --seed {given.seed}")
    differing = 0
    with tempfile.TemporaryDirectory() as folder:
        first = record(given.version, [], folder)
        for number, options in enumerate(([], ["-n", "1"], ["-n", "2"], ["-p", "shuffled"], ["-p", "shuffled", "-n", "2"])):
            (Path(folder) / "shuffled.py").write_text(SHUFFLE.format(seed=given.seed + number))
            found = record(given.version, options, folder)
            different = [(a, b) for a, b in zip(first, found, strict=False) if a != b]
            same = not different and len(first) == len(found)
            verdict = "the same" if same else f"{len(different)} lines differ"
            print(f"{' '.join(options) or 'again':18} {verdict}: {len(found)} lines", flush=True)
            for a, b in different[:3]:
                print(f"  - {a[:300]}\n  + {b[:300]}")
            differing += not same
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())
