"""Cases a second on a live server, ours beside others: `python benchmarks/throughput.py http://127.0.0.1:8065`.

In one run and in turn, so that the ratios hold on a busy machine too: the property suite, plain Schemathesis under pytest,
`st run` with one worker, and a loop of `requests`. A case is a generated request; that ours sends one of them as every
persona about everybody's resource takes its time, but counts once. Generation, sending and checks count on both sides.
What ours does once, before its first case (seven accounts, a team), is shown apart, since the others are given a session;
plain Schemathesis goes on after a failure, which would otherwise cut its cases short. Needs the administrator's credentials
in the environment.
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

from mmconform.contract.build import build
from mmconform.documents.load import MERGED, load
from mmconform.driving.generate import Generator
from mmconform.paths import REPORTS, ROOT
from mmconform.record import record
from mmconform.servers.live.prepare import sign_in
from mmconform.servers.target import Target, live

PLAIN = """
import atexit, contextlib, os, schemathesis
import schemathesis.errors
from schemathesis.config import SchemathesisConfig
config = SchemathesisConfig.from_dict({{"generation": {{"max-examples": {examples}, "database": "none", "no-shrink": True}}}})
schema = schemathesis.openapi.from_path({document!r}, config=config)
schema.config.update(base_url={url!r} + "/api/v4")
sent = [0]
@schema.parametrize()
def test_plain(case):
    sent[0] += 1
    response = case.call(headers={{"Authorization": "Bearer " + os.environ["TOKEN"]}})
    with contextlib.suppress(schemathesis.errors.FailureGroup):
        case.validate_response(response)
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


def ours(target: Target, folder: str, examples: int, cases: int) -> tuple[float, float, float]:
    """Return cases a second without and with what is done once, and requests a second."""
    common = ("--target", target.base_url, "suites/generated", "--hypothesis-seed=1")
    once, _ = pytest(folder, *common, "-k", "GetWebrtcToken", "--max-examples=1")
    seconds, _ = pytest(folder, *common, f"--max-examples={examples}")
    sent = sum(row.sent for row in record.read(REPORTS / target.slug / record.NAME).operations)
    return cases / (seconds - once), cases / seconds, sent / seconds


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
    generator = Generator(load().document, 1, given.examples)
    contract = build(load().document)
    cases = sum(len(generator.cases(id_)) for id_, one in contract.operations.items() if one.exists_in(target.version))
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, Mattermost {target.server.name}, cases a second")
    print("  ours  with set-up  (requests)   plain Schemathesis   st run   requests   ours/plain  with set-up", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(given.rounds):
            a, whole, sent = ours(target, folder, given.examples, cases)
            b, c, d = plain(target, folder, given.examples, token), command(target, given.examples, token), loop(target, token)
            print(f"{a:6.0f}{whole:13.0f}{sent:12.0f}{b:21.0f}{c:9.0f}{d:11.0f}{a / b:13.2f}{whole / b:13.2f}", flush=True)


if __name__ == "__main__":
    main()
