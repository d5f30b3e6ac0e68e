"""auth, permission: who is let in."""

import re
from typing import Any

from mmconform.contract.clause import Clause
from mmconform.contract.permission import Requirement
from mmconform.judging.checks.verdict import KEPT, UNKNOWN_REQUEST, Context, Verdict, broken
from mmconform.knowledge import Unknown, every
from mmconform.wire.exchange import NO_ROUTE
from mmconform.world.behaviours import gate


def auth(clause: Clause, at: Context) -> Verdict | Unknown | None:
    """An anonymous caller never gets a 2xx, and gets 401 wherever the request reaches the operation."""
    if not at.is_anonymous:
        return None
    asked = at.operation.requirement.authenticated
    if isinstance(asked, Unknown):
        return asked if at.is_answered else None
    if at.exchange.is_success:
        return broken(f"{at.exchange.status} for anonymous", f"an anonymous caller was served with {at.exchange.status}", "401")
    if not at.is_answered or at.has_no_route:  # a route that is not there breaks another promise
        return None
    if at.exchange.status == 401:
        return KEPT
    return broken(at.exchange.says, f"an anonymous caller was answered {at.exchange.says}, not 401", "401")


def permission(clause: Clause, at: Context) -> Verdict | Unknown | None:
    """Whoever lacks the permission never gets a 2xx, whatever the request looks like; whoever has it is not refused.

    Only a valid request about something that exists counts as proof: a wrong id must not look like a refusal. The
    existence of what the caller may not see may be hidden behind 404.
    """
    if at.is_anonymous or not at.exists:
        return None
    if at.entitled is False and at.exchange.is_success and at.is_routed:
        if at.exchange.withheld:
            return _of_a_part(at)
        status = at.exchange.status
        seen = f"served with {status} without the permission"
        return broken(f"{status} without permission", seen, f"a refusal: who may call has {_demanded(at)}", at.source_of_roles)
    if at.is_valid is False:
        return None
    unknown = every([at.is_valid, True if at.entitled is False else at.entitled])
    if isinstance(unknown, Unknown):
        return unknown if unknown.reason else None
    return _of_the_entitled(at) if at.entitled is True else _of_the_others(at)


def _of_a_part(at: Context) -> Verdict | Unknown:
    """Judge who was served with several things, of which one is withheld from them: it may have been left out."""
    if not _tells_of(at.exchange.json_or_none, at.exchange.withheld):
        return Unknown(UNKNOWN_REQUEST)
    status = at.exchange.status
    seen = f"served with {status}, beside what the caller may, with what only others may"
    wanted = f"nothing of what is withheld: who may call has {_demanded(at)}"
    return broken(f"{status} with what is withheld", seen, wanted, at.source_of_roles)


def _tells_of(value: Any, withheld: frozenset[str]) -> bool:
    """Return whether an answer holds an object that is, or is about, one of these, and that tells of no error."""
    if isinstance(value, dict):
        own = any(item in withheld for key, item in value.items() if re.search("(^|_)id$", key) and isinstance(item, str))
        return not value.get("error") and (own or any(_tells_of(item, withheld) for item in value.values()))
    return isinstance(value, list) and any(_tells_of(item, withheld) for item in value)


def _of_the_entitled(at: Context) -> Verdict | Unknown | None:
    if at.exchange.status in (401, 403):
        if at.exchange.variant:  # which may demand more than the plain request
            return Unknown(UNKNOWN_REQUEST)
        if not at.exchange.error_id:  # an error of the server's that is none of its refusals says nothing about permissions
            return None
        if at.is_about_nothing and gate(at.exchange.error_id, at.exchange.status) is None:
            return Unknown("unknown-identifier")
        says = at.exchange.says
        seen, wanted = f"refused with {says} in spite of the permission", f"served: {at.exchange.persona} has {_demanded(at)}"
        return _unless_gated(at, broken(f"{says} with permission", seen, wanted, at.source_of_roles))
    return KEPT if at.exchange.is_success else None


def _demanded(at: Context) -> str:
    return str(at.operation.requirement)


def _of_the_others(at: Context) -> Verdict | Unknown | None:
    refusals = (403,) if at.is_about_nothing else (403, 404)
    if at.exchange.status in refusals and at.exchange.error_id not in ("", NO_ROUTE):
        return _unless_gated(at, KEPT)
    return None


def _unless_gated(at: Context, verdict: Verdict) -> Verdict | Unknown:
    """Return a verdict about a refusal, unless it is one for want of something that this server does not offer."""
    reason = gate(at.exchange.error_id, at.exchange.status)
    return verdict if reason is None else reason


def is_let_in(at: Context) -> bool:
    """Whether an answer shows an entitled caller past the permission check, be it to what this server does not offer."""
    if at.is_anonymous or not at.is_permission_told or at.is_valid is not True or at.entitled_but_for_a_licence is not True:
        return False
    is_refused = at.exchange.status in (401, 403) and gate(at.exchange.error_id, at.exchange.status) is None
    return not is_refused and not at.has_no_route


def is_kept_out(at: Context) -> bool:
    """Whether an answer shows that a caller who is not entitled was refused, for that and no other reason."""
    if not at.is_permission_told or at.is_valid is not True or at.entitled is not False:
        return False
    if at.is_anonymous:  # whom nothing but a session keeps out where nothing but a session is demanded
        return at.operation.requirement == Requirement() and at.exchange.status == 401
    return _of_the_others(at) is KEPT


def gate_of(at: Context) -> str:
    """Return the error id by which the server tells somebody who may ask that it does not offer the operation; else nothing."""
    if at.is_anonymous and at.is_valid is True and at.has_no_route:  # others may not have been asked
        return at.exchange.error_id
    if at.is_anonymous or at.entitled is False or at.is_valid is not True or at.exchange.status < 400:
        return ""
    return "" if gate(at.exchange.error_id, at.exchange.status) is None else at.exchange.error_id
