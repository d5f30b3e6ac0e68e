"""Whom the documentation lets call an operation, about something of the world or of anybody's."""

from typing import Literal

from mmconform.contract.clause import Operation
from mmconform.contract.knowledge import Knowledge, Unknown, some
from mmconform.contract.permission import UNKNOWN_RELATION, Holds, Oneself, Term, Within, is_met
from mmconform.world import kinds
from mmconform.world.people import IN_CHANNELS, Persona, Roles

#: Where what is asked about lies: nobody knows; in our team; in a channel of it that the caller is in, or is not in.
Place = Literal["", "team", "own channel", "other channel"]


def entitlement(operation: Operation, persona: Persona, roles: Roles, about: str) -> Knowledge:
    """Return whether the documentation lets a persona call an operation.

    Args:
        operation: What is called; its requirement is what the documentation demands.
        persona: Who asks.
        roles: Who holds what on the server.
        about: As in :class:`mmconform.wire.exchange.Exchange`.
    """
    if persona.is_anonymous:
        asked = operation.requirement.authenticated
        return asked if isinstance(asked, Unknown) else not asked
    if not operation.requirement.is_understood:
        return Unknown("partly-understood")
    place = _place(operation, about)

    def knows(term: Term) -> Knowledge:
        match term:
            case Oneself():
                return Unknown() if about == "unclear" else about == "self"
            case Holds():
                return holds(persona, term, roles, place)
            case Within(versions):
                return Unknown("unknown-in-version") if (known := versions.include(roles.version)) is None else known
        return Unknown(UNKNOWN_RELATION)

    return is_met(operation.requirement.demand, knows)


def _place(operation: Operation, about: str) -> Place:
    scope = kinds.scope_of(operation.kinds) if about in ("self", "other") else ""
    if scope == "channel":
        return "own channel" if about == "self" else "other channel"
    return scope


def holds(persona: Persona, term: Holds, roles: Roles, place: Place) -> Knowledge:
    """Return whether a persona holds a permission, in whatever is asked about.

    Args:
        place: Where that lies. Of the members of our team and its channels the roles are known; anywhere else somebody
            may hold what a role in teams or channels gives, and may not.
    """
    everywhere = some(roles.hold(role, term.permission) for role in ("system_user", *persona.roles))
    if everywhere is True or term.scope in ("", "system"):
        return everywhere
    sure, possible = _roles_there(term.scope, ("team_user", persona.team_role) if persona.team_role else (), place)
    known = some([everywhere, *(roles.hold(role, term.permission) for role in sure)])
    if possible is not None and all(roles.hold(role, term.permission) is False for role in possible):
        return known
    return some([known, Unknown("unknown-identifier")])


def _roles_there(scope: str, in_team: tuple[str, ...], place: Place) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Return which roles count in a place for certain, and which may; None where any may."""
    if scope == "team":
        return (in_team, ()) if place else ((), in_team)
    if scope != "channel":
        return (), None
    if place == "own channel" and in_team:
        return (*in_team, "channel_user"), ("channel_admin",)  # the operator may have made it
    return (in_team, ()) if place.endswith("channel") else ((), (*in_team, *IN_CHANNELS))
