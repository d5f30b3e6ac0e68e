"""Which operation a request reaches, decided on what was really sent."""

import re
from functools import cache

from mmconform.contract.clause import Contract, Operation
from mmconform.wire.exchange import Exchange
from mmconform.world import kinds

#: What an identifier in a path may consist of. Servers route ids by ``[A-Za-z0-9]+`` (api4/api.go since v4.0.0); an id with
#: anything else in it, or none, matches no route and gets 404, or a redirect, before authentication.
_SEGMENT = r"[A-Za-z0-9]+"
#: And a name, of which somebody tells what stands there.
_NAME = r"[^/]+"


@cache
def _pattern(path: str, names: frozenset[str] = frozenset()) -> re.Pattern[str]:
    parts = re.split(r"\{([^{}]*)\}", path)
    told = (re.escape(part) if i % 2 == 0 else _NAME if part in names else _SEGMENT for i, part in enumerate(parts))
    return re.compile("".join(told))


def reaches(contract: Contract, operation: Operation, exchange: Exchange) -> bool:
    """Return whether the path and method are those of the operation, and of no other that is more literal.

    What somebody says that stands in its path (``Exchange.told``) is what the server routes there.
    """
    if exchange.method != operation.method or not exchange.path.startswith(contract.base):
        return False
    path = exchange.path[len(contract.base) :]
    if not _pattern(operation.path, _names(operation, exchange)).fullmatch(path):
        return False
    return not any(_pattern(other.path).fullmatch(path) for other in contract.more_literal(operation))


def _names(operation: Operation, exchange: Exchange) -> frozenset[str]:
    """Return the path parameters that are known to hold a name of ours, which is more than letters and digits."""
    of_kinds = {p.name for p in operation.parameters if p.place == "path" and kinds.is_name(p.resource or "")}
    return frozenset(of_kinds) | exchange.told
