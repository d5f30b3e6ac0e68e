"""since: in which versions the operation is there."""

from mmconform.contract.clause import Clause
from mmconform.judging.checks.verdict import KEPT, Setting, Verdict, broken

#: The error id of a path that no route matches (api4/api.go Handle404, all versions).
NO_ROUTE = "api.context.404.app_error"


def since(clause: Clause, at: Setting) -> Verdict | None:
    """The operation is there from its first version to its last, and in no other."""
    if not at.is_routed or at.is_anonymous:
        return None
    if at.exists:
        if at.exchange.says == f"404 {NO_ROUTE}":
            return broken(at.exchange.says, f"version {at.version} has no such route, but should")
        # A 404 that is no server's own may come from anything on the way; it shows nothing.
        return KEPT if str(at.exchange.status) in at.operation.answers and at.exchange.json_or_none is not None else None
    if at.exchange.is_success:
        return broken(f"{at.exchange.status} outside its versions", f"version {at.version} serves it, but should not have it")
    return KEPT
