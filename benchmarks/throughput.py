"""Requests a second on a live server, ours beside others: `python benchmarks/throughput.py http://127.0.0.1:8065`.

In one run and in turn, so that the ratios hold on a busy machine too: the property suite (what it arranges beside its
cases is not counted, but takes its time), plain Schemathesis under pytest, `st run` with one worker, and a loop of
`requests`. Needs the administrator's credentials in the environment.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from datetime import date
from pathlib import Path

import requests

from mmconform import record
from mmconform.prepare import sign_in
from mmconform.record import REPORTS
from mmconform.spec.load import MERGED, ROOT
from mmconform.target import Target, live

PLAIN = """
import os, atexit, schemathesis
from schemathesis.config import SchemathesisConfig
config = SchemathesisConfig.from_dict({{"generation": {{"max-examples": {examples}, "database": "none", "no-shrink": True}}}})
schema = schemathesis.openapi.from_path({document!r}, config=config)
schema.config.update(base_url={url!r} + "/api/v4")
sent = [0]
@schema.parametrize()
def test_plain(case):
    sent[0] += 1
    case.call_and_validate(headers={{"Authorization": "Bearer " + os.environ["TOKEN"]}})
atexit.register(lambda: print("SENT", sent[0], flush=True))
"""


def pytest(folder: str, *arguments: str, **environment: str) -> tuple[float, str]:
    """Run pytest and return the seconds that its tests took, set-up included, and what it said."""
    report = Path(folder) / "junit.xml"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *arguments],
        cwd=environment.pop("cwd", str(ROOT)),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    tests = ElementTree.parse(report).iter("testcase")
    return sum(float(test.get("time", 0)) for test in tests), done.stdout


def ours(target: Target, folder: str, examples: int) -> float:
    seconds, _ = pytest(
        folder, "--target", target.base_url, "suites/property", f"--max-examples={examples}", "--hypothesis-seed=1"
    )
    sent = sum(row["sent"] for row in record.read(REPORTS / target.slug / record.NAME).operations)
    return sent / seconds


def plain(target: Target, folder: str, examples: int, token: str) -> float:
    (Path(folder) / "test_plain.py").write_text(PLAIN.format(examples=examples, document=str(MERGED), url=target.base_url))
    seconds, said = pytest(folder, "-p", "no:cacheprovider", "test_plain.py", cwd=folder, TOKEN=token)
    return int(re.findall(r"SENT (\d+)", said)[0]) / seconds


def command(target: Target, examples: int, token: str) -> float:
    arguments = ["--url", f"{target.base_url}/api/v4", "-w", "1", "-n", str(examples), "-H", f"Authorization: Bearer {token}"]
    st = Path(sys.executable).with_name("st")
    said = subprocess.run(
        [st, "run", MERGED, *arguments, "--phases", "examples,coverage,fuzzing"], capture_output=True, text=True, check=False
    )
    generated, seconds = re.findall(r"(\d+) generated", said.stdout), re.findall(r"in ([\d.]+)s", said.stdout)
    return int(generated[-1]) / float(seconds[-1])


def loop(target: Target, token: str, times: int = 1000) -> float:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        began = time.perf_counter()
        for _ in range(times):
            session.post(f"{target.base_url}/api/v4/users/tokens/revoke", json={"token_id": "x"}, timeout=60)
        return times / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    target = live(given.url)
    token = sign_in(target.client(), create_first_admin=True)
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, Mattermost {target.server.name}, requests a second")
    print("    ours   plain Schemathesis   st run   requests   ours/plain", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(given.rounds):
            a, b = ours(target, folder, given.examples), plain(target, folder, given.examples, token)
            c, d = command(target, given.examples, token), loop(target, token)
            print(f"{a:8.0f} {b:20.0f} {c:8.0f} {d:10.0f} {a / b:12.2f}", flush=True)


if __name__ == "__main__":
    main()
