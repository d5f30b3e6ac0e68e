"""Published advisories, found again: two servers, before and after a repair, each with the description of its own commit.

    MM_ADMIN_LOGIN=… MM_ADMIN_PASSWORD=… python benchmarks/advisories.py BEFORE AFTER --documents BEFORE.yaml AFTER.yaml [ROW …]

Runs the probes and the principles on both, and says of each row whether it was found before, and is clean after. Both servers run
already, with empty databases. What either served to nobody is not comparable.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmconform.documents.reader import read
from mmconform.paths import REPORTS, ROOT
from mmconform.record import record
from mmconform.record.record import NAME, Record, slug_of

ROWS = Path(__file__).with_suffix("")
ASKED = ("suites/generated/test_probes.py", "suites/generated/test_principles.py")


@dataclass(frozen=True)
class Row:
    """An advisory, and what has to be found where it is not repaired.

    Attributes:
        found: A principle, or the rule of a promise.
        fields: Any of which a finding names.
        version: What the repair's parent calls itself.
    """

    id: str
    operations: list[str]
    persona: str
    repair: str
    version: str
    found: str
    fields: list[str]
    source: str

    def is_in(self, seen: Record) -> bool:
        """Return whether a record shows it: the right operation, persona and field."""
        by_principle = any(
            one.principle == self.found
            and one.operation in self.operations
            and self.persona in one.personas
            and one.field in self.fields
            for one in seen.findings
        )
        by_promise = any(
            (one.rule, one.persona) == (self.found, self.persona) and one.operation in self.operations
            for one in seen.observations
            if one.standing in ("new", "known")
        )
        return by_principle or by_promise

    def is_served(self, seen: Record) -> bool:
        """Return whether somebody was served by one of its operations, when it was probed or asked for a principle."""
        return any(one.served or one.for_principles for one in seen.operations if one.operation in self.operations)


def rows(wanted: list[str]) -> list[Row]:
    """Return the rows that are asked for, or all."""
    data: list[dict[str, Any]] = [read(path)[0].data for path in sorted(ROWS.glob("*.yaml"))]
    return [Row(**one) for one in data if not wanted or one["id"] in wanted]


def ask(url: str, document: str, operations: list[str]) -> Record:
    """Run the probes and the principles on a server, and return the record.

    Args:
        operations: To which the run is narrowed; all without any.
    """
    narrowed = [f"--operation={one}" for one in operations]
    options = ["-q", "--tb=no", "--max-examples=1", "--create-first-admin", f"--spec={document}", *narrowed]
    command = [sys.executable, "-m", "pytest", *options, "--target", url, *ASKED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"{url}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return record.read(REPORTS / slug_of(url.rstrip("/").partition("//")[2]) / NAME)


def main() -> None:
    """Ask both servers, and say of each row what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--documents", nargs=2, required=True, metavar=("BEFORE", "AFTER"))
    parser.add_argument(
        "--narrow",
        action="append",
        default=[],
        metavar="OPERATION",
        help="ask about these operations only (patterns; several times)",
    )
    parser.add_argument("rows", nargs="*", metavar="ROW")
    options = parser.parse_intermixed_args()
    both = [ask(url, doc, options.narrow) for url, doc in zip((options.before, options.after), options.documents, strict=True)]
    for row in rows(options.rows):
        found, left = (row.is_in(seen) for seen in both)
        served = all(row.is_served(seen) for seen in both)
        verdict = f"{'found' if found else 'not found'} before, {'not clean' if left else 'clean'} after"
        print(f"{row.id}  {verdict if served else 'not comparable: its operations were served to nobody'}")


if __name__ == "__main__":
    main()
