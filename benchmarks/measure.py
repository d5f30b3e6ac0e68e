"""What the figures in the README come from: `python benchmarks/measure.py`.

Runs the suites on every tape as a user would, and replays one cassette of growing size to see what an answer costs.
"""

import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from mmconform.paths import CASSETTES, ROOT
from mmconform.wire.client import Client
from mmconform.wire.tape import tape
from mmconform.wire.tape.cassette import TAPE_URL, Player
from mmconform.wire.tape.redact import Redactor

SIZES = (10, 100, 1000, 5000)
MEMBER = "redactedmembermembermember"


def suites(versions: list[str], *options: str) -> tuple[float, int]:
    """Return how many seconds a run over some tapes takes, and how many requests it judges."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", *(f"--target=recorded:{v}" for v in versions), *options]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return time.perf_counter() - start, sum(int(n) for n in re.findall(r"(\d+) requests judged", told))


def replay(size: int) -> tuple[float, float, float]:
    """Return milliseconds to load a cassette of so many exchanges, for one answer, and for finding it."""
    entry = """- request:
    body: '{{"token_id": "{n:026d}"}}'
    headers:
      authorization: [Bearer member]
      content-type: [application/json]
    method: POST
    uri: {url}/api/v4/users/tokens/revoke
  response:
    body: {{string: '{{"status":"OK"}}'}}
    headers: {{content-type: [application/json]}}
    status: {{code: 200, message: OK}}
"""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.yaml"
        path.write_text("interactions:\n" + "".join(entry.format(n=n, url=TAPE_URL) for n in range(size)) + "version: 1\n")
        redactor = Redactor(replaying=True)
        redactor.learn_credential(MEMBER, "member")
        start = time.perf_counter()
        player = Player(path, redactor, TAPE_URL)
        loaded = time.perf_counter()
        spent, find = 0.0, player.answer

        def timed(*request):
            nonlocal spent
            began = time.perf_counter()
            answer = find(*request)
            spent += time.perf_counter() - began
            return answer

        player.answer = timed
        client = Client(TAPE_URL, redactor, player=player)
        for n in range(size):
            body = {"token_id": f"{n:026d}"}
            client.send("POST", "/api/v4/users/tokens/revoke", persona="member", token=MEMBER, json=body)
        ended = time.perf_counter()
    return (loaded - start) * 1e3, (ended - loaded) * 1e3 / size, spent * 1e3 / size


def main() -> None:
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    versions = tape.every()
    for some in (versions[-1:], versions[-4:], versions):
        seconds, requests = suites(some)
        print(f"suites over {len(some):2} tapes: {seconds:5.1f} s for {requests} requests, {seconds / len(some):.1f} s a tape")
    seconds, requests = suites(versions, "-n", "2")
    print(f"suites over {len(versions)} tapes with -n 2: {seconds:5.1f} s for {requests} requests")
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "mmconform", "campaign", "recorded:all"], cwd=ROOT, capture_output=True, check=False)
    print(f"mmconform campaign recorded:all: {time.perf_counter() - start:5.1f} s")
    size = sum(p.stat().st_size for p in CASSETTES.rglob("*.yaml"))
    print(f"tapes: {size / len(versions) / 1e6:.1f} MB a version")
    for n in SIZES:
        load, whole, match = replay(n)
        print(f"cassette of {n:5}: load {load:7.1f} ms; an answer {whole:5.2f} ms, of which matching {match:5.3f} ms")


if __name__ == "__main__":
    main()
