"""Which operation a request reaches, decided on what was really sent."""

import re
from functools import cache

from mmconform.contract.clause import Contract, Operation
from mmconform.wire.exchange import Exchange

#: What a path parameter may consist of. Servers route ids by ``[A-Za-z0-9]+`` (api4/api.go since v4.0.0); an id with
#: anything else in it, or none, matches no route and gets 404, or a redirect, before authentication.
_SEGMENT = r"[A-Za-z0-9]+"


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{[^{}]*\\}", _SEGMENT, re.escape(path)))


def reaches(contract: Contract, operation: Operation, exchange: Exchange) -> bool:
    """Return whether the path and method are those of the operation, and of no other that is more literal."""
    if exchange.method != operation.method or not exchange.path.startswith(contract.base):
        return False
    path = exchange.path[len(contract.base) :]
    if not _pattern(operation.path).fullmatch(path):
        return False
    return not any(_pattern(other.path).fullmatch(path) for other in contract.more_literal(operation))
