"""input: what is asked."""

from mmconform.contract.clause import Clause
from mmconform.judging.checks.verdict import KEPT, Context, Verdict, broken
from mmconform.knowledge import Unknown


def input_refused(clause: Clause, at: Context) -> Verdict | Unknown | None:
    """A request that breaks the schema is not served. It counts as refused for that only if the caller may call.

    Where nobody tells who may, 400 alone is no refusal of the caller.
    """
    if not (at.is_answered and at.violations) or at.entitled is False:
        return None
    if isinstance(at.entitled, Unknown) and not at.entitled.reason:
        return None
    if at.exchange.is_success:
        flaw = at.violations[0]
        return broken(f"{at.exchange.status} for {flaw}", f"served with {at.exchange.status} although {flaw}", "a refusal")
    if at.exchange.status == 400:
        return KEPT
    if isinstance(at.entitled, Unknown):
        return at.entitled
    return KEPT if at.is_permission_told and 400 <= at.exchange.status < 500 else None
