"""Records as SARIF 2.1.0: rules are clauses, and a result points at the very sentence in the document."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from mmconform import __version__
from mmconform.contract.clause import Clause, Contract
from mmconform.errors import plain
from mmconform.judging.deviations import Deviation
from mmconform.record.record import Record
from mmconform.record.rows import FindingRow, ServerRow
from mmconform.report.failure import Failure, failures
from mmconform.report.summary import problems

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(contract: Contract, records: Sequence[Record], known: Sequence[Deviation]) -> str:
    """Return one run for each record.

    A new failure is an error; a known one is a note with a suppression that tells the deviation's reason and evidence.
    What else keeps a run from being green is a notification of its invocation, and so is what contradicts a principle in a new
    way: there is no rule of the document that it breaks, and no line to point at.
    """
    runs = [_run(contract, record, known) for record in records]
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": runs}, indent=1, ensure_ascii=False) + "\n"


def _run(contract: Contract, record: Record, known: Sequence[Deviation]) -> dict[str, Any]:
    places = {id_: number for number, id_ in enumerate(contract.clauses)}
    header, wrong = record.header, problems(record)
    return {
        "tool": {
            "driver": {
                "name": "mattermost-conformance",
                "semanticVersion": __version__,
                "rules": [_rule(clause) for clause in contract.clauses.values()],
            }
        },
        "automationDetails": {"id": f"conformance/{plain(header.target)}/"},
        "invocations": [
            {
                "executionSuccessful": not wrong,
                "startTimeUtc": header.started,
                "endTimeUtc": record.footer.finished,
                "toolExecutionNotifications": [
                    {"level": "error", "descriptor": {"id": kind}, "message": _message(sentence)} for kind, sentence in wrong
                ]
                + [_contradiction(row) for row in record.findings if row.standing == "new"],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(failure, places, known) for failure in failures(contract, record)],
        "properties": {
            "server": {key: plain(value) for key, value in msgspec.structs.asdict(header.server).items()},
            "spec": header.spec,
        },
    }


def _server(server: ServerRow) -> dict[str, str]:
    return {key: plain(value) for key, value in msgspec.structs.asdict(server).items()}


def _rule(clause: Clause) -> dict[str, Any]:
    return {
        "id": clause.id,
        "shortDescription": _message(clause.text),
        "help": _message(f"{clause.text} ({clause.place})" + (f" Our addition: {clause.evidence}" if clause.evidence else "")),
        "defaultConfiguration": {"level": "error"},
        "properties": {"operation": clause.operation, "rule": clause.rule, "origin": clause.origin},
    }


def _result(failure: Failure, places: dict[str, int], known: Sequence[Deviation]) -> dict[str, Any]:
    clause, so = failure.clause, failure.circumstances
    result = {
        "ruleId": clause.id,
        "ruleIndex": places[clause.id],
        "level": "error" if failure.standing == "new" else "note",
        "message": _message(f"Mattermost {failure.server.name}: {failure.seen}, asked by {failure.asked_by}{so and f'; {so}'}"),
        "locations": [{"physicalLocation": _location(clause)}],
        "partialFingerprints": {"clauseAndSignature/v1": hashlib.sha256(_identity(failure)).hexdigest()},
        "occurrenceCount": failure.count,
        "properties": {
            "personas": [plain(persona) for persona in failure.personas],
            "signature": plain(failure.signature),
            "standing": failure.standing,
        },
    }
    if failure.standing == "known":
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": _why(failure, known)}]
    return result


def _contradiction(row: FindingRow) -> dict[str, Any]:
    what = ", ".join(filter(None, (row.operation, row.field)))
    message = f"{what}: {row.seen}, for {', '.join(row.personas)}; it breaks no promise"
    return {"level": "note", "descriptor": {"id": f"principle-{row.principle}"}, "message": _message(message)}


def _location(clause: Clause) -> dict[str, Any]:
    path = Path(clause.file)
    base = {} if path.is_absolute() else {"uriBaseId": "%SRCROOT%"}
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    region = {"startLine": max(clause.line, 1), "message": _message(clause.text)}
    return {"artifactLocation": {"uri": uri, **base}, "region": region}


def _identity(failure: Failure) -> bytes:
    """What stays the same from run to run, and between versions, so that a service knows a result again."""
    return json.dumps([failure.clause.id, failure.signature, failure.standing]).encode()


def _why(failure: Failure, known: Sequence[Deviation]) -> str:
    covering = (entry for entry in known if entry.place in failure.deviations)
    about = (entry for entry in covering if (entry.clause, entry.signature) == (failure.clause.id, failure.signature))
    reasons = [f"{entry.verdict}: {entry.reason} Evidence: {entry.evidence} ({entry.place})" for entry in about]
    return plain("; ".join(reasons) or "was a known deviation when the record was made")


def _message(text: str) -> dict[str, str]:
    """A message without links: what looks like one, ``[text](address)``, came from a server (SARIF 2.1.0, 3.11.6)."""
    return {"text": plain(text).replace("](", "] (")}
