"""Records as a badge: the answer of an endpoint for shields.io, which draws it."""

import json
from collections.abc import Sequence

from mmconform.contract.clause import Contract
from mmconform.errors import plain
from mmconform.judging.deviations import Deviation
from mmconform.record.record import Record
from mmconform.report.summary import kept_though_known


def badge(contract: Contract, records: Sequence[Record], known: Sequence[Deviation] = ()) -> str:
    """Return one object as https://shields.io/badges/endpoint-badge takes it.

    Of one record its server and how many promises are kept (and of these how many though it is known that this version breaks
    them), known and new; of several how many are green. It is red where a promise is broken in a new way, orange where a run is
    not green for another reason (an error, something left out), and grey where a run was of a part only, which it says.
    """
    is_green = all(record.footer.green for record in records)
    is_part = any(record.header.selection for record in records)
    fine = "lightgrey" if is_part else "brightgreen"
    color = "red" if any(record.footer.new for record in records) else fine if is_green else "orange"
    message = f"{'part: ' if is_part else ''}{_message(contract, records, known)}"
    answer = {"schemaVersion": 1, "label": _label(records), "message": message, "color": color}
    return json.dumps(answer, ensure_ascii=False) + "\n"


def _label(records: Sequence[Record]) -> str:
    names = [record.header.server.name for record in records]
    return f"Mattermost {plain(names[0])}" if len(names) == 1 else "Mattermost API v4"


def _message(contract: Contract, records: Sequence[Record], known: Sequence[Deviation]) -> str:
    if len(records) == 1:
        footer, unmet = records[0].footer, len(kept_though_known(contract, records[0], known))
        though = f" ({unmet} though known)" if unmet else ""
        errors = f", {footer.errors} error{'s' if footer.errors > 1 else ''}" if footer.errors else ""
        return f"{footer.kept} kept{though}, {footer.known} known, {footer.new} new{errors}"
    return f"{sum(record.footer.green for record in records)} of {len(records)} servers green"
