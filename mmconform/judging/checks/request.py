"""input: what is asked."""

from mmconform.contract.clause import Clause
from mmconform.judging.checks.verdict import KEPT, Setting, Verdict, broken


def input_refused(clause: Clause, at: Setting) -> Verdict | None:
    """A request that breaks the schema is not served. It counts as refused for that only if the caller may call."""
    if not (at.is_answered and at.violations) or at.is_entitled is not True:
        return None
    if at.exchange.is_success:
        flaw = at.violations[0]
        return broken(f"{at.exchange.status} for {flaw}", f"served with {at.exchange.status} although {flaw}")
    return KEPT if 400 <= at.exchange.status < 500 else None
