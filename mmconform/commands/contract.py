"""`mmconform contract`: every promise of the documents."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from mmconform.commands.shared import FINE, add_documents, add_format
from mmconform.contract.build import build
from mmconform.contract.clause import RULES, Clause, Contract
from mmconform.documents.load import load
from mmconform.errors import MisuseError

EXAMPLE = "mmconform contract --operation CreateJob"


def configure(parser: argparse.ArgumentParser) -> None:
    add_documents(parser)
    add_format(parser)
    parser.add_argument("--operation", metavar="ID", help="only this operation's")
    parser.add_argument("--rule", choices=RULES, help="only clauses of this rule")


def run(options: argparse.Namespace) -> int:
    contract = build(load(options.spec, options.overlay).document)
    if options.operation and options.operation not in contract.operations:
        what = f"{contract.suggestion(options.operation)}there are {', '.join(contract.operations)}"
        raise MisuseError(f"no operation `{options.operation}`; {what}")
    about, rule = options.operation, options.rule
    clauses = [c for c in contract.clauses.values() if about in (None, c.operation) and rule in (None, c.rule)]
    if options.format == "json":
        remarks = [asdict(r) for r in contract.remarks if options.operation in (None, r.operation)]
        shown = {"clauses": [_as_json(c, contract) for c in clauses], "remarks": remarks}
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return FINE
    for clause in clauses:
        print(f"{clause.id}\n  {clause.text}\n  {clause.place}" + (f", ours: {clause.evidence}" if clause.evidence else ""))
        if clause.rule == "permission" and not contract.operations[clause.operation].requirement.is_understood:
            print("  not judged: a sentence beside it is not understood")
    for remark in contract.remarks:
        if options.operation in (None, remark.operation) and options.rule is None:
            what = f"informative ({remark.reason})" if remark.reason else "warning: not understood"
            print(f"{remark.operation}: {what}\n  {remark.text}\n  {remark.file}:{remark.line}")
    quoted = sum(1 for c in clauses if c.origin == "document")
    puzzling = sum(1 for r in contract.remarks if r.reason is None)
    print(
        f"{len(clauses)} promises, {quoted} from the documents and {len(clauses) - quoted} of ours with evidence; "
        f"{puzzling} sentences not understood"
    )
    return FINE


def _as_json(clause: Clause, contract: Contract) -> dict[str, Any]:
    operation = contract.operations[clause.operation]
    extra: dict[str, Any] = {}
    if clause.rule == "permission":
        extra["requirement"] = operation.requirement.as_json()
        extra["judged"] = operation.requirement.is_understood
    if clause.rule == "since":
        extra |= {"since": str(operation.since or ""), "removed": str(operation.removed or "")}
    return {**asdict(clause), "method": operation.method, "path": operation.path, **extra}
