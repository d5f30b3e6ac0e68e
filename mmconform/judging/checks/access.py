"""auth, permission: who is let in."""

from mmconform.contract.clause import Clause
from mmconform.judging.checks.since import NO_ROUTE
from mmconform.judging.checks.verdict import KEPT, Setting, Verdict, broken


def auth(clause: Clause, at: Setting) -> Verdict | None:
    """An anonymous caller never gets a 2xx, and gets 401 wherever the request reaches the operation."""
    if not at.is_anonymous:
        return None
    if at.exchange.is_success:
        return broken(f"{at.exchange.status} for anonymous", f"an anonymous caller was served with {at.exchange.status}")
    if not at.is_answered:
        return None
    if at.exchange.status == 401:
        return KEPT
    return broken(at.exchange.says, f"an anonymous caller was answered {at.exchange.says}, not 401")


def permission(clause: Clause, at: Setting) -> Verdict | None:
    """Whoever lacks the permission never gets a 2xx, whatever the request looks like; whoever has it is not refused.

    Only a valid request about something that exists counts as proof: a wrong id must not look like a refusal. The
    existence of what the caller may not see may be hidden behind 404.
    """
    if at.is_anonymous or not at.exists:
        return None
    exchange, counts = at.exchange, at.is_routed and at.is_real and not at.violations
    if at.is_entitled is False:
        if exchange.is_success and at.is_routed:
            return broken(f"{exchange.status} without permission", f"served with {exchange.status} without the permission")
        refused = exchange.status in (403, 404) and exchange.error_id not in ("", NO_ROUTE)
        return KEPT if counts and refused else None
    if at.is_entitled and counts:
        if exchange.status in (401, 403):
            return broken(f"{exchange.says} with permission", f"refused with {exchange.says} in spite of the permission")
        return KEPT if exchange.is_success else None
    return None
