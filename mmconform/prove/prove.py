"""Can the suites fail? They are run on every mutant of the reference server, and each has to be caught by its own clauses."""

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from mmconform.errors import MisuseError
from mmconform.paths import REPORTS, ROOT, SPECS
from mmconform.record import record
from mmconform.record.provenance import now
from mmconform.reference.mutants import MUTANTS, Mutant
from mmconform.reference.named import name_of
from mmconform.servers.target import slug_of

WORKERS = 2
_PUBLISHED = ROOT / "benchmarks" / "prove.json"


@dataclass(frozen=True)
class Proof:
    """What the suites said of one mutant.

    Attributes:
        by: The clauses that failed as new.
        errors: Tests that broke without a verdict.
    """

    name: str
    mutant: Mutant
    by: frozenset[str]
    errors: int

    @property
    def is_killed(self) -> bool:
        return bool(self.by)

    @property
    def is_as_declared(self) -> bool:
        """Whether exactly the declared clauses failed; of a flaw that the suites are known not to see, none."""
        return not self.errors and self.by == (frozenset() if self.mutant.blind else self.mutant.kills)

    @property
    def difference(self) -> str:
        """What is not as declared, in words; nothing if all is."""
        declared = frozenset() if self.mutant.blind else self.mutant.kills
        parts = [f"{clause} failed, and is not declared" for clause in sorted(self.by - declared)]
        parts += [f"{clause} is declared, and did not fail" for clause in sorted(declared - self.by)]
        return "; ".join(parts + ([f"{self.errors} tests broke without a verdict"] if self.errors else []))


Findings = Mapping[str, set[tuple[str, str]]]


def chosen(text: str, document: str = "") -> list[str]:
    """Return the mutants whose name or operation holds a text, by operation.

    Args:
        document: The file in ``specs/`` that they are about; empty for the eleven operations.

    Raises:
        MisuseError: there is none.
    """
    about = [name for name, mutant in MUTANTS.items() if mutant.document == document]
    found = [name for name in about if text.lower() in f"{name} {MUTANTS[name].operation}".lower()]
    if not found:
        raise MisuseError(f"no mutant is called like `{text}`; `mmconform prove --list` shows them")
    return found


def prove(names: list[str], progress: Callable[[float], None] = lambda share: None) -> list[Proof]:
    """Run the suites on mutants, in two processes, each of which generates the requests once.

    Args:
        names: Of mutants that are all about one document.
        progress: Is told now and then which share is done.

    Raises:
        MisuseError: a run broke off.
    """
    document = MUTANTS[names[0]].document
    judging = [f"--spec={SPECS / document}"] if document else []
    shares = [names[i::WORKERS] for i in range(WORKERS) if names[i::WORKERS]]
    done = [0.0] * len(shares)

    def run(number: int) -> None:
        targets = [f"--target={name_of(name)}" for name in shares[number]]
        command = [sys.executable, "-m", "pytest", "-q", "--tb=no", *judging, *targets]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=subprocess.STDOUT, text=True) as process:  # noqa: S603
            assert process.stdout
            last = ""
            for line in process.stdout:
                last = line.strip() or last
                if percent := re.search(r"\[ *(\d+)%\]$", last):
                    done[number] = int(percent[1]) / 100
                    progress(sum(done) / len(done))
        if process.returncode not in (0, 1):
            raise MisuseError(f"the run on {', '.join(shares[number][:3])} … broke off: {last}")

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(run, range(len(shares))))
    return [_read(name) for name in names]


def _read(name: str) -> Proof:
    seen = record.read(REPORTS / slug_of(name_of(name)) / record.NAME)
    by = frozenset(row.clause for row in seen.observations if row.standing == "new")
    by |= {f"{row.operation}.{row.principle}" for row in seen.findings if row.standing == "new"}
    return Proof(name, MUTANTS[name], by, seen.footer.errors)


def published() -> dict[str, Any] | None:
    """Return the proof that is kept beside the code, as :func:`as_json` gave it; nothing where there is none.

    Raises:
        MisuseError: it is not whole.
    """
    try:
        found = json.loads(_PUBLISHED.read_text(encoding="utf-8"))
        return {key: found[key] for key in ("made", "spec", "seconds", "mutants")}
    except OSError:
        return None
    except (ValueError, TypeError, KeyError):
        raise MisuseError(f"{_PUBLISHED.relative_to(ROOT)}: is no whole proof; restore it from git") from None


def as_json(proofs: Sequence[Proof], spec: str, seconds: Sequence[float], beside: Findings | None = None) -> dict[str, Any]:
    """Return the proofs for a machine.

    Args:
        spec: The digest of the documents whose promises were proved.
        seconds: How long the suites took, and then plain Schemathesis, with the same number of processes.
        beside: What plain Schemathesis found on each mutant, as (operation, failure).
    """
    rows = []
    for proof in proofs:
        row: dict[str, Any] = {
            "name": proof.name,
            "operation": proof.mutant.operation,
            "killed": proof.is_killed,
            "by": sorted(proof.by),
            "flaw": proof.mutant.flaw,
            "as_declared": proof.is_as_declared,
        }
        if proof.mutant.blind:
            row["blind"] = proof.mutant.blind
        if beside is not None:
            row["schemathesis"] = [f"{operation}: {failure}" for operation, failure in sorted(beside[proof.name])]
        rows.append(row)
    taken = {name: round(duration, 1) for name, duration in zip(("mmconform", "schemathesis"), seconds, strict=False)}
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    return {"made": now(), "machine": machine, "spec": spec, "seconds": taken, "mutants": rows}
