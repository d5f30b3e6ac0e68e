"""A real server behind a bad gateway: `python benchmarks/hostile.py http://127.0.0.1:8065`.

Runs the suites through a gateway that spoils some of the answers (late, reset, cut, too large, 429, 502, …), and counts
what the record says: errors there must be, but no verdict that the same run without the gateway would not give.
"""

import argparse
import gzip
import os
import platform
import random
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from threading import Lock

from gateway import Gateway, in_front_of

from mmconform.paths import REPORTS, ROOT
from mmconform.record import record

FAULTS = ("late", "hang", "reset", "cut", "chunk cut", "gzip bomb", "deep", "429", "502", "503", "no gzip")
#: Requests that pass before the first fault, so that a run begins at all; of the others one in so many is spoilt.
SPARED, ONE_IN = 80, 40


class Bad(Gateway):
    """Spoils one answer in so many."""

    draw, seen, lock = random.Random(), Counter[str](), Lock()

    def pass_on(self, body: bytes) -> None:
        with self.lock:
            self.seen["requests"] += 1
            spoil = self.seen["requests"] > SPARED and self.draw.randrange(ONE_IN) == 0
            fault = self.draw.choice(FAULTS) if spoil else ""
            self.seen[fault] += 1
        if fault == "429":  # a gateway that limits asks nobody behind it
            self.say(429, b"slow down", [("Retry-After", "1")])
            return
        status, content, kept = self.ask(body)
        self.close_connection = bool(fault)
        match fault:
            case "late":
                time.sleep(2)
            case "hang":
                time.sleep(8)
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return
            case "cut":
                kept.append(("Content-Length", str(len(content) + 10)))
            case "chunk cut":
                kept.append(("Transfer-Encoding", "chunked"))
                content = b"ffff\r\n" + content
            case "gzip bomb":
                content = gzip.compress(b"\0" * 10**8)
                kept.append(("Content-Encoding", "gzip"))
            case "no gzip":
                kept.append(("Content-Encoding", "gzip"))
            case "deep":
                content = b"[" * 9999 + b"]" * 9999
            case "502" | "503":
                status, content, kept = int(fault), b"<html>Bad Gateway</html>", [("Content-Type", "text/html")]
        self.say(status, content, kept)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    Bad.draw = random.Random(given.seed)
    with in_front_of(given.url, Bad) as url:
        return judge(url, given.seed)


def judge(url: str, seed: int) -> int:
    began = time.monotonic()
    options = ["-q", "--target", url, "--request-timeout", "5", "--run-timeout", "400"]
    done = subprocess.run([sys.executable, "-m", "pytest", *options], cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, --seed {seed}")
    print(f"{dict(Bad.seen)}")
    path = REPORTS / url.partition("//")[2].replace(":", "-") / record.NAME
    if not path.exists():
        print(done.stdout[-2000:])
        return 1
    said = record.read(path)
    outcomes = Counter(row.state for row in said.observations)
    print(f"{seconds:.0f} s, status {done.returncode}, observations {dict(outcomes)}, green: {said.footer.green}")
    for row in said.observations:
        if row.standing == "new":
            print(f"WRONG {row.test} {row.persona} {row.signature}: {row.seen[:200]}")
    undone = subprocess.run(
        [sys.executable, "-m", "mmconform", "cleanup", url], cwd=ROOT, capture_output=True, text=True, check=False
    )
    print((undone.stdout + undone.stderr).strip())
    return int(bool(outcomes["new"]) or said.footer.green or "INTERNALERROR" in done.stdout)


if __name__ == "__main__":
    sys.exit(main())
