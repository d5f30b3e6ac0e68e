"""Can the suites fail? They are run on every mutant of the reference server, and each has to be caught by its own clauses."""

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import Any

from mmconform.campaign.places import CORES, place
from mmconform.campaign.play import play, shares
from mmconform.campaign.work import Job, fingerprint
from mmconform.errors import MisuseError
from mmconform.files import write_whole
from mmconform.paths import REPORTS, ROOT, SPECS
from mmconform.record import record
from mmconform.record.provenance import now
from mmconform.record.record import slug_of
from mmconform.reference.mutants import MUTANTS, Mutant
from mmconform.reference.named import name_of

#: How many mutants a process tries: each has to start, and what is lost with one is done again.
_SHARE = 8
#: What a proof has done so far.
_GOING_ON = REPORTS / "prove.json"
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


def prove(
    names: list[str], progress: Callable[[float], None] = lambda share: None, scheduler: str = ""
) -> tuple[list[Proof], float]:
    """Run the suites on mutants, and return what they said and in how many seconds; what a broken proof had done stands.

    Args:
        names: Of mutants that are all about one document.
        progress: Is told now and then which share is done.
        scheduler: Where, as in :func:`mmconform.campaign.places.place`.

    Raises:
        MisuseError: a run broke off.
    """
    document = MUTANTS[names[0]].document
    judging = (f"--spec={SPECS / document}",) if document else ()
    done = Done.read()
    missing = [name_of(name) for name in names if name not in done.names]
    if len(missing) < len(names):
        sys.stderr.write(f"the proof that was broken off goes on: {len(names) - len(missing)} of {len(names)} are done\n")
    number = max(ceil(len(missing) / _SHARE), CORES)
    jobs = [Job(share, ("--tb=no", *judging)) for share in shares(missing, number)]
    begun = time.monotonic() - done.seconds
    if jobs:
        with place(scheduler, CORES) as submit:
            for outcome in play(jobs, submit):
                done.add({name for name in names if name_of(name) in outcome.job.targets}, time.monotonic() - begun)
                progress(len(done.names & {*names}) / len(names))
    proofs = [_read(name) for name in names]
    done.forget(names)
    return proofs, time.monotonic() - begun


@dataclass
class Done:
    """Which mutants a proof that goes on has tried, whose records so are in ``reports/``, and how long that took."""

    code: str
    names: set[str]
    seconds: float

    @classmethod
    def read(cls) -> "Done":
        """Return what a proof of the same code, asked for in the same way, had done when it broke off."""
        code = f"{fingerprint()} {os.environ.get('PYTEST_ADDOPTS', '')}".strip()
        with suppress(OSError, ValueError, TypeError, KeyError):
            kept = json.loads(_GOING_ON.read_text(encoding="utf-8"))
            if kept["code"] == code:
                return cls(code, {name for name in kept["names"] if _has_record(name)}, float(kept["seconds"]))
        return cls(code, set(), 0)

    def add(self, names: set[str], seconds: float) -> None:
        self.names |= names
        self.seconds = seconds
        self._write()

    def forget(self, names: Iterable[str]) -> None:
        """Have the next proof of these begin anew."""
        self.names.difference_update(names)
        self.seconds = 0
        self._write()

    def _write(self) -> None:
        write_whole(_GOING_ON, json.dumps({"code": self.code, "names": sorted(self.names), "seconds": self.seconds}))


def _has_record(name: str) -> bool:
    with suppress(MisuseError):
        return name in MUTANTS and bool(_read(name))
    return False


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
