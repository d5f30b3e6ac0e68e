"""Lines of a record from plain data, as tests write them."""

import msgspec

from mmconform.record.record import Record
from mmconform.record.rows import FORMAT, AnswerRow, ChangeRow, FindingRow, Footer, Header, ObservationRow, OperationRow


def _of(kind, rows):
    return [msgspec.convert({"kind": kind.__struct_config__.tag, **row}, kind) if isinstance(row, dict) else row for row in rows]


def observations(*rows):
    return _of(ObservationRow, rows)


def operations(*rows):
    return _of(OperationRow, rows)


def changes(*rows):
    return _of(ChangeRow, rows)


def findings(*rows):
    return _of(FindingRow, rows)


def header(version="5.36.1", **more):
    """Return the header of a record of a tape, as data, but for what is told otherwise."""
    server = dict.fromkeys(("name", "version", "calls_itself", "build", "x_version_id"), version)
    return {
        "target": f"recorded:{version}",
        "server": {**server, "commit": "c" * 40, "edition": "team", **more.pop("server", {})},
        "spec": "0" * 64,
        "clauses": 96,
        "tools": {"pytest": "9"},
        "seed": 7,
        "max_examples": 100,
        "started": "2026-11-22T00:00:00Z",
        "selection": "",
        **more,
    }


def make_record(header, observed=(), about=(), footer=None, answers=(), changed=()):
    """Return a record: its header, observations, operations, footer, answers and changes, each as data or as a line."""
    (header,) = _of(Header, [{"format": FORMAT, **header}] if isinstance(header, dict) else [header])
    (footer,) = _of(Footer, [footer])
    return Record(header, observations(*observed), operations(*about), footer, _of(AnswerRow, answers), changes(*changed))


def seen(judge, test="t"):
    """Return what a judge has seen, as the record of a run would hold it."""
    clauses = judge.contract.clauses
    return [
        ObservationRow(
            clause=o.clause,
            operation=clauses[o.clause].operation,
            rule=clauses[o.clause].rule,
            persona=o.persona,
            test=test,
            outcome=o.outcome,
            count=o.count,
            standing=o.standing,
            signature=o.signature,
            seen=o.seen,
            deviation=o.deviation,
            evidence=o.evidence,
        )
        for o in judge.observations
    ]
