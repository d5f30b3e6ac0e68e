"""How like Mattermost the reference server is: `python benchmarks/fidelity.py [VERSION …]`.

Records the suites' run against `reference@V` and puts that tape beside the one of the real V: the requests are the same
by construction, so the nth exchange of a cassette is paired with the nth of the other. Two agree when method, path and
query (with ids as `{id}`) and the fields of the body sent are the same, and so are status, error id, and the top-level
fields of the answer with their JSON types (of a list: of its rows). What has no partner disagrees too. Helper requests count
like all others. The reference knows no tape; where the two differ, it is mended, or the difference is listed.

`--tape FOLDER` takes a tape that lies elsewhere as the real one, for a version recorded after the reference was written.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from mmconform.paths import ROOT
from mmconform.wire.tape import tape

GOAL = 0.99
_ID = re.compile(r"[A-Za-z0-9]{26}")
_KINDS = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object", type(None): "null"}


def shape(text):
    """Return the top-level fields of a JSON text with their types, of a list those of its rows; else what it begins with."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return f"no JSON: {str(text)[:20]!r}"
    if isinstance(value, dict):
        return {name: _KINDS[type(one)] for name, one in value.items()}
    if isinstance(value, list):
        rows = {json.dumps(shape(json.dumps(row)), sort_keys=True) for row in value}
        return [json.loads(row) for row in sorted(rows)]
    return _KINDS[type(value)]


def sent(request):
    """Return what was asked, without ids: method, path and query, fields of the body."""
    address = urlsplit(request["uri"])
    body = request["body"]
    fields = shape(body) if body else ""
    return request["method"], _ID.sub("{id}", f"{address.path}?{address.query}"), fields


def got(response):
    """Return what was answered: status, error id, shape."""
    text = response["body"]["string"]
    found = shape(text)
    error = json.loads(text).get("id", "") if response["status"]["code"] >= 400 and isinstance(found, dict) else ""
    return response["status"]["code"], error, found


def exchanges(path):
    """Return the exchanges of a cassette; none where there is no such cassette."""
    if not path.is_file():
        return []
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["interactions"]


def compare(real, ours):
    """Return how many requests there are, and each kind of disagreement with its number and the first cassette that shows it."""
    total, differing, first = 0, Counter(), {}
    for name in sorted(tape.cassettes(real).keys() | tape.cassettes(ours).keys()):
        for one, other in zip_longest(exchanges(real / name), exchanges(ours / name)):
            total += 1
            if one is None or other is None:
                what = f"only on the {'reference' if one is None else 'real'} tape: {sent((one or other)['request'])[:2]}"
            elif sent(one["request"]) != sent(other["request"]):
                what = f"other requests: {sent(one['request'])} | {sent(other['request'])}"
            elif got(one["response"]) != got(other["response"]):
                what = f"{sent(one['request'])[:2]}: {got(one['response'])} | {got(other['response'])}"
            else:
                continue
            differing[what] += 1
            first.setdefault(what, name)
    return total, differing, first


def measure(version, real):
    """Record the reference as a version and compare; returns the version, the number of requests, and the disagreements."""
    target = f"reference@{version}"
    command = [sys.executable, "-m", "pytest", "-q", "--target", target, "--record-mode=rewrite"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not (ROOT / "reports" / f"reference-{version}" / "tape" / tape.LABEL).is_file():
        sys.exit(f"recording {target} failed:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return version, *compare(real, tape.place(f"reference-{version}"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("versions", nargs="*", metavar="VERSION")
    parser.add_argument("--tape", type=Path, help="the real tape, if it is not in cassettes/")
    given = parser.parse_args()
    versions = given.versions or tape.every()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda version: measure(version, given.tape or tape.place(version)), versions)
        worst = 1.0
        for version, total, differing, first in results:
            agreeing = 1 - sum(differing.values()) / total
            worst = min(worst, agreeing)
            print(f"{version:8} {agreeing:8.3%} of {total} requests agree")
            for what, times in differing.most_common():
                print(f"    {times:4} × {what}  [{first[what]}]")
    sys.exit(worst < GOAL)


if __name__ == "__main__":
    main()
