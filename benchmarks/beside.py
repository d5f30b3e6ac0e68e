"""A whole document on one live server, by our probes and by plain Schemathesis: `python benchmarks/beside.py URL DOCUMENT`.

One after the other in one run: the probes, one example each, then `st run` with one worker, an administrator's personal
access token and a time limit, as somebody would run it who has only the document; but for what our merging mends in that:
on the document of 11.1 as it stands it ends in a traceback (4.32.5: a media type is null). Schemathesis calls whatever the
document names, as an administrator: **on a throwaway server only**, whose `ServiceSettings.EnableUserAccessTokens` is on.
Needs MM_ADMIN_LOGIN and MM_ADMIN_PASSWORD.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import requests

from mmconform.contract.build import build
from mmconform.contract.clause import Contract, Operation
from mmconform.contract.templates import below_the_api, pattern_of
from mmconform.documents.load import load
from mmconform.paths import REPORTS, ROOT
from mmconform.record import record
from mmconform.servers.live.prepare import sign_in
from mmconform.servers.target import Target, live


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("document", type=Path)
    parser.add_argument("--seconds", type=int, default=600, help="that plain Schemathesis may take")
    options = parser.parse_args()
    target = live(options.url)
    contract = build(load([options.document]).document)
    described = len(contract.operations)
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, {target.server.name}, {described} operations described")
    print("                     asked  2xx  seen who may  requests  seconds  of processor  MB", flush=True)
    for name, run in (("probes", _probes), ("plain Schemathesis", _plain)):
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        asked, served, seen, sent = run(target, contract, options)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(
            f"{name:19}{asked:7}{served:5}{seen:>14}{sent:10}{time.monotonic() - began:9.0f}{processor:14.0f}"
            f"{after.ru_maxrss / 1024:4.0f}",
            flush=True,
        )


def _probes(target: Target, contract: Contract, options: argparse.Namespace) -> tuple[int, int, str, int]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--target",
        target.base_url,
        f"--spec={options.document}",
        "--create-first-admin",
        "-q",
    ]
    command += ["suites/generated/test_probes.py", "--max-examples=1", "--tb=no"]
    subprocess.run(command, cwd=ROOT, check=False, capture_output=True)
    rows = record.read(REPORTS / target.slug / record.NAME).operations
    asked = [row for row in rows if row.sent]
    return (
        len(asked),
        sum(row.served > 0 for row in asked),
        str(sum(row.is_decisive for row in asked)),
        sum(row.sent for row in rows),
    )


def _plain(target: Target, contract: Contract, options: argparse.Namespace) -> tuple[int, int, str, int]:
    token = _access_token(target)
    operation_of = _router(contract)
    with tempfile.TemporaryDirectory() as folder:
        har, document = Path(folder) / "run.har", Path(folder) / "document.json"
        document.write_text(json.dumps(load([options.document]).document.data), encoding="utf-8")
        command = [
            str(Path(sys.executable).with_name("st")),
            "run",
            str(document),
            "--url",
            target.base_url,  # the paths of what is merged begin with /api/v4
        ]
        command += [
            "-w",
            "1",
            "-H",
            f"Authorization: Bearer {token}",
            "--max-time",
            str(options.seconds),
            "--continue-on-failure",
        ]
        command += ["--report-har-path", str(har), "--no-color"]
        subprocess.run(command, cwd=folder, check=False, capture_output=True)
        statuses: dict[str, set[int]] = defaultdict(set)
        sent = 0
        for method, path, status in _exchanges(har):
            sent += 1
            if operation := operation_of(method, path):
                statuses[operation.id].add(status)
    return len(statuses), sum(any(200 <= status < 300 for status in seen) for seen in statuses.values()), "-", sent


def _exchanges(har: Path) -> Iterator[tuple[str, str, int]]:
    for entry in json.loads(har.read_text(encoding="utf-8"))["log"]["entries"]:
        yield entry["request"]["method"], entry["request"]["url"].partition("?")[0], entry["response"]["status"]


def _router(contract: Contract) -> Callable[[str, str], Operation | None]:
    """Return what finds the operation of a request: of several templates that fit, the one with the fewest placeholders."""
    routes = sorted(contract.operations.values(), key=lambda operation: len(operation.placeholders))
    patterns = [(operation, pattern_of(below_the_api(operation.path))) for operation in routes]

    def find(method: str, path: str) -> Operation | None:
        below = below_the_api(path)
        fits = (operation for operation, pattern in patterns if operation.method.upper() == method and pattern.fullmatch(below))
        return next(fits, None)

    return find


def _access_token(target: Target) -> str:
    session = sign_in(target.client(), create_first_admin=True)
    answer = requests.post(
        f"{target.base_url}/api/v4/users/me/tokens",
        headers={"Authorization": f"Bearer {session}"},
        json={"description": "plain Schemathesis"},
        timeout=60,
    )
    answer.raise_for_status()
    return str(answer.json()["token"])


if __name__ == "__main__":
    main()
