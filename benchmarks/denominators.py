"""What a share of operations is a share of: `python -m benchmarks.denominators DOCUMENT RECORD`.

Of each operation of an official description: whether a Team Edition without a licence could serve it (else the gate, by the error
id with which the server answered, or a line of its source), whether it can be seen who is let in and who is not, and what a run
saw of it.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mmconform.contract.build import build
from mmconform.contract.clause import Contract, Operation
from mmconform.contract.permission import Requirement
from mmconform.contract.templates import below_the_api
from mmconform.documents.load import load
from mmconform.documents.reader import read
from mmconform.record import record
from mmconform.record.rows import OperationRow
from mmconform.safety.harm import Row, dangerous_about, rows_of
from mmconform.world.features import features

_OF_OURS = Path(__file__).parent / "not_offered.yaml"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("document", type=Path)
    parser.add_argument("record", type=Path)
    options = parser.parse_args()
    contract = build(load([options.document]).document)
    seen = {row.operation: row for row in record.read(options.record).operations}
    rows = {operation.id: _row(contract, operation, seen[operation.id]) for operation in contract.operations.values()}
    print(_HEAD, end="")
    print(yaml.safe_dump({"counts": dict(_counts(rows.values()))}, sort_keys=False), end="")
    print("operations:")
    for id_, row in rows.items():
        print(f"  {id_}: {yaml.safe_dump(row, default_flow_style=True, width=10_000, sort_keys=False).strip()}")


_HEAD = """\
# Made by benchmarks/denominators.py of a record, of benchmarks/not_offered.yaml and of the overlay. `servable`: by a Team Edition
# without a licence, with the settings of that server; else the `gate`, with the error id or the source. `decidable`: it can be
# seen who is let in and who is not; else why not. `closed`: nobody asks it without --disruptive, and why.
"""


def _row(contract: Contract, operation: Operation, seen: OperationRow) -> dict[str, Any]:
    gate, is_behind = _gate(contract, operation, seen)
    why_not = _undecidable(contract, operation, is_gated_first=bool(gate) and not is_behind)
    danger = next((row.reason for row in dangerous_about(operation.method, _path(contract, operation))), "")
    return {
        "tag": next(iter(operation.tags), ""),
        "servable": not gate,
        **({"gate": gate} if gate else {}),
        "decidable": why_not or True,
        **({"closed": danger} if danger and not seen.sent else {}),
        "seen": _seen(seen),
    }


def _path(contract: Contract, operation: Operation) -> str:
    return below_the_api(contract.base + operation.path)


def _gate(contract: Contract, operation: Operation, seen: OperationRow) -> tuple[str, bool]:
    """Return what closes an operation, and whether the permission is looked at before."""
    if seen.served:
        return "", False
    if seen.gate:
        return seen.gate, seen.kept_out > 0
    for gate, row, is_behind in _of_ours():
        if row.is_about(operation.method, _path(contract, operation)):
            return gate, is_behind
    feature = features().get(operation.needs)
    return (f"{feature.name}: {feature.source}", seen.kept_out > 0) if feature and feature.told else ("", False)


def _of_ours() -> Iterator[tuple[str, Row, bool]]:
    for group in read(_OF_OURS)[0].data:
        told = f"{group['gate']}: {group['id']}; {group['source']}"
        for row in rows_of({"reason": group["gate"], **group}):
            yield told, row, bool(group.get("is_behind_the_permission_check"))


def _undecidable(contract: Contract, operation: Operation, *, is_gated_first: bool) -> str:
    """Return why nobody can see who is let in and who is not."""
    if not any(contract.of(operation.id, "permission")):
        return "the document does not say who may"
    if operation.requirement.authenticated is False and operation.requirement.demand == Requirement().demand:
        return "everybody may"
    if not operation.requirement.is_understood:
        return "a sentence about who may is not understood"
    return "everybody is refused before the permission is looked at" if is_gated_first else ""


def _seen(seen: OperationRow) -> str:
    if seen.let_in and seen.kept_out:
        return "who is let in and who is not, and somebody served" if seen.served else "who is let in and who is not"
    return "somebody served" if seen.served else "asked" if seen.sent else "not asked"


def _counts(rows: Any) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for row in rows:
        is_decidable, is_decisive = row["decidable"] is True, row["seen"].startswith("who")
        found["all"] += 1
        found["servable"] += row["servable"]
        found["served"] += row["seen"].endswith("served")
        found["decidable"] += is_decidable
        found["decidable, and closed without --disruptive"] += is_decidable and "closed" in row
        found["seen who is let in and who is not"] += is_decisive
        found["not asked"] += row["seen"] == "not asked"
    return found


if __name__ == "__main__":
    main()
