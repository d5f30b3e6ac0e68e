"""What the size of a document costs: `python benchmarks/documents.py ../shared/official/11.1.yaml`.

Judges the answers of a tape by our eleven operations and by the given document, in turn, so that the ratio holds on a busy
machine too; only operations that both describe. Then says what loading the document and `mmconform contract` take.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from mmconform.contract.build import build
from mmconform.contract.clause import Contract
from mmconform.documents.load import load
from mmconform.documents.reader import read
from mmconform.judging.judge import Judge
from mmconform.judging.routes import reaches
from mmconform.notebooks.tables import _taped
from mmconform.paths import CASSETTES, ROOT
from mmconform.servers.target import resolve
from mmconform.wire.exchange import Exchange


def answers(contract: Contract, folder: Path, names: set[str]) -> Iterator[Exchange]:
    """Yield what stands on a tape about the operations."""
    for path in sorted(folder.glob("generated/**/*.yaml")):
        for pair in read(path, binary=True)[0].data["interactions"]:
            for name in sorted(names):
                taped = _taped(name, "system_admin", pair)
                if reaches(contract, contract.operations[name], taped):
                    yield taped
                    break


def seconds(contract: Contract, version: str, exchanges: list[Exchange]) -> float:
    judge = Judge(contract, resolve(f"recorded:{version}")[0], ())
    began = time.process_time()
    for exchange in exchanges:
        judge.see(exchange)
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("document", type=Path)
    parser.add_argument("--version", default="5.36.1", help="whose tape is judged")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    ours = build(load().document)
    began = time.process_time()
    document = load([given.document]).document
    loading = time.process_time() - began
    theirs = build(document)
    building = time.process_time() - began - loading
    exchanges = list(answers(ours, CASSETTES / given.version, set(ours.operations) & set(theirs.operations)))
    ratios, ms = [], []
    for _ in range(given.rounds):
        small, large = (seconds(contract, given.version, exchanges) for contract in (ours, theirs))
        ratios.append(large / small)
        ms.append((1000 * small / len(exchanges), 1000 * large / len(exchanges)))
    began = time.perf_counter()
    command = [sys.executable, "-m", "mmconform", "contract", "--spec", str(given.document)]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    whole = time.perf_counter() - began
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    print(f"{given.document.name}: {len(theirs.operations)} operations, {len(theirs.clauses)} promises")
    print(f"loaded in {loading:.1f} s, understood in {building:.1f} s; `mmconform contract --spec` takes {whole:.1f} s")
    ours_ms, theirs_ms = (statistics.median(one) for one in zip(*ms, strict=True))
    print(f"{len(exchanges)} answers judged: {ours_ms:.2f} ms each with {len(ours.operations)} operations, ", end="")
    print(f"{theirs_ms:.2f} ms with {len(theirs.operations)}: {statistics.median(ratios):.2f} times")


if __name__ == "__main__":
    main()
