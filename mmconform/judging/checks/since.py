"""since: in which versions the operation is there."""

from mmconform.contract.clause import Clause
from mmconform.judging.checks.verdict import KEPT, Context, Verdict, broken
from mmconform.knowledge import Unknown
from mmconform.world import kinds


def since(clause: Clause, at: Context) -> Verdict | Unknown | None:
    """The operation is there from its first version to its last, and in no other."""
    if not at.is_routed or at.is_anonymous:
        return None
    if at.operation.exists_in(at.version) is None:
        return Unknown("partly-understood")
    if at.exists:
        if at.has_no_route and _may_miss_its_route(at):
            return Unknown("unknown-identifier")
        if at.has_no_route:
            return broken(at.exchange.says, f"version {at.version} has no such route, but should", "the route")
        # A 404 that is no server's own may come from anything on the way; it shows nothing.
        return KEPT if str(at.exchange.status) in at.operation.answers and at.exchange.json_or_none is not None else None
    if at.exchange.is_success:
        return broken(
            f"{at.exchange.status} outside its versions",
            f"version {at.version} serves it, but should not have it",
            "no such route",
        )
    return KEPT


def _may_miss_its_route(at: Context) -> bool:
    """Whether a path may hold what the operation's route does not take: a name of some form, where ids are letters and digits."""
    return any(p.place == "path" and kinds.is_puzzling(p) and not p.name.lower().endswith("id") for p in at.operation.parameters)
