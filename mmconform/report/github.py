"""New failures and contradictions as annotations: workflow commands of GitHub Actions, which shows them beside the promise."""

from collections.abc import Sequence

from mmconform.contract.clause import Contract
from mmconform.errors import plain
from mmconform.judging.deviations import Deviation
from mmconform.record.record import Record
from mmconform.record.rows import FindingRow
from mmconform.report.failure import Failure, failures
from mmconform.report.summary import problems


def github(contract: Contract, records: Sequence[Record], known: Sequence[Deviation] = ()) -> str:
    """Return one ``::error`` line for every clause that is broken in a new way, whatever number of targets show it.

    What else makes a run red has a line of its own, without a place. What contradicts a principle in a new way breaks no
    promise: it is a ``::notice``. GitHub shows the first ten of a kind in a step.
    """
    found: dict[tuple[str, str], list[Failure]] = {}
    contradictions: dict[tuple[str, ...], list[tuple[Record, FindingRow]]] = {}
    lines = []
    for record in records:
        for failure in failures(contract, record):
            if failure.standing == "new":
                found.setdefault((failure.clause.id, failure.signature), []).append(failure)
        for row in record.findings:
            if row.standing == "new":
                contradictions.setdefault((row.principle, row.operation, row.beside, row.field), []).append((record, row))
        for kind, sentence in problems(record):
            lines.append(_command(f"{record.header.target}: {sentence}", title=kind))
    for (id_, _), same in found.items():
        clause, first = same[0].clause, same[0]
        servers = ", ".join(failure.server.name for failure in same)
        message = f"“{clause.text}” is not kept by Mattermost {servers}\n{plain(first.seen)}, asked by {first.asked_by}"
        if first.evidence:
            message += "".join(f"\n{line}" for line in (first.curl, first.circumstances) if line)
        lines.append(_command(message, file=clause.file, line=str(max(clause.line, 1)), title=id_))
    lines += [_notice(same) for same in contradictions.values()]
    return "".join(line + "\n" for line in lines)


def _notice(same: Sequence[tuple[Record, FindingRow]]) -> str:
    row = same[0][1]
    servers = ", ".join(dict.fromkeys(record.header.server.name for record, _ in same))
    sides = "".join(f"\n{side.method} {plain(side.url)} by {side.credential or 'nobody'}: {side.status}" for side in row.evidence)
    message = f"{plain(row.seen)}, for {', '.join(row.personas)}, by Mattermost {servers}; it breaks no promise{sides}"
    what = f"{row.operation}, {plain(row.field)}" if row.field else row.operation
    return _command(message, "notice", title=f"principle {row.principle}: {what}")


def _command(message: str, level: str = "error", **properties: str) -> str:
    options = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {options}::{_data(message)}"


def _data(text: str) -> str:
    """A message: per cent first, so that nothing is escaped twice. Line ends are ours; the server's are escaped before."""
    return "%0A".join(plain(line) for line in text.replace("%", "%25").split("\n"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
