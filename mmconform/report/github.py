"""New failures as annotations: workflow commands of GitHub Actions, which shows them beside the promise."""

from collections.abc import Sequence

from mmconform.contract.clause import Contract
from mmconform.errors import plain
from mmconform.judging.deviations import Deviation
from mmconform.record.record import Record
from mmconform.report.failure import Failure, failures
from mmconform.report.summary import problems


def github(contract: Contract, records: Sequence[Record], known: Sequence[Deviation] = ()) -> str:
    """Return one ``::error`` line for every clause that is broken in a new way, whatever number of targets show it.

    What else makes a run red has a line of its own, without a place. GitHub shows the first ten of a step.
    """
    found: dict[tuple[str, str], list[Failure]] = {}
    lines = []
    for record in records:
        for failure in failures(contract, record):
            if failure.standing == "new":
                found.setdefault((failure.clause.id, failure.signature), []).append(failure)
        for kind, sentence in problems(record):
            lines.append(_command(f"{record.header.target}: {sentence}", title=kind))
    for (id_, _), same in found.items():
        clause, first = same[0].clause, same[0]
        servers = ", ".join(failure.server.name for failure in same)
        message = (
            f"“{clause.text}” is not kept by Mattermost {servers}\n{plain(first.seen)}, asked by {', '.join(first.personas)}"
        )
        if first.evidence:
            message += f"\n{first.curl}"
        lines.append(_command(message, file=clause.file, line=str(max(clause.line, 1)), title=id_))
    return "".join(line + "\n" for line in lines)


def _command(message: str, **properties: str) -> str:
    options = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::error {options}::{_data(message)}"


def _data(text: str) -> str:
    """A message: per cent first, so that nothing is escaped twice. Line ends are ours; the server's are escaped before."""
    return "%0A".join(plain(line) for line in text.replace("%", "%25").split("\n"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
