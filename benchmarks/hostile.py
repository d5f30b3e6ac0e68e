"""A real server behind a bad gateway: `python benchmarks/hostile.py http://127.0.0.1:8065`.

Runs the suites through a gateway that spoils some of the answers (late, reset, cut, too large, 429, 502, …), and counts
what the record says: errors there must be, but no verdict that the same run without the gateway would not give.
"""

import argparse
import gzip
import http.client
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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import urlsplit

from mmconform import record
from mmconform.record import REPORTS
from mmconform.spec.load import ROOT

FAULTS = ("late", "hang", "reset", "cut", "chunk cut", "gzip bomb", "deep", "429", "502", "503", "no gzip")
#: Requests that pass before the first fault, so that a run begins at all; of the others one in so many is spoilt.
SPARED, ONE_IN = 80, 40


class Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behind, draw, seen, lock = ("", 0), random.Random(), Counter[str](), Lock()

    def any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.lock:
            self.seen["requests"] += 1
            spoil = self.seen["requests"] > SPARED and self.draw.randrange(ONE_IN) == 0
            fault = self.draw.choice(FAULTS) if spoil else ""
            self.seen[fault] += 1
        if fault == "429":  # a gateway that limits asks nobody behind it
            return self.say(429, b"slow down", ("Retry-After", "1"))
        connection = http.client.HTTPConnection(*self.behind, timeout=120)
        connection.request(self.command, self.path, body or None, dict(self.headers.items()))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in ("content-length", "transfer-encoding", "connection")]
        self.close_connection = bool(fault)
        match fault:
            case "late":
                time.sleep(2)
            case "hang":
                time.sleep(8)
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return self.connection.close()
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
                return self.say(int(fault), b"<html>Bad Gateway</html>", ("Content-Type", "text/html"))
        return self.say(answer.status, content, *kept)

    def say(self, status: int, content: bytes, *headers: tuple[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(n in ("Content-Length", "Transfer-Encoding") for n, _ in headers) and status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = any  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:
        return

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    parts = urlsplit(given.url)
    Gateway.behind, Gateway.draw = (str(parts.hostname), parts.port or 80), random.Random(given.seed)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    began = time.monotonic()
    options = ["-q", "--target", url, "--request-timeout", "5", "--run-timeout", "400"]
    done = subprocess.run([sys.executable, "-m", "pytest", *options], cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, --seed {given.seed}")
    print(f"{dict(Gateway.seen)}")
    path = REPORTS / url.partition("//")[2].replace(":", "-") / record.NAME
    if not path.exists():
        print(done.stdout[-2000:])
        return 1
    said = record.read(path)
    outcomes = Counter(row.get("standing") or row["outcome"] for row in said.observations)
    print(f"{seconds:.0f} s, status {done.returncode}, observations {dict(outcomes)}, green: {said.footer['green']}")
    for row in said.observations:
        if row.get("standing") == "new":
            print(f"WRONG {row['test']} {row['persona']} {row['signature']}: {row['seen'][:200]}")
    undone = subprocess.run(
        [sys.executable, "-m", "mmconform", "cleanup", url], cwd=ROOT, capture_output=True, text=True, check=False
    )
    print((undone.stdout + undone.stderr).strip())
    return int(bool(outcomes["new"]) or said.footer["green"] or "INTERNALERROR" in done.stdout)


if __name__ == "__main__":
    sys.exit(main())
