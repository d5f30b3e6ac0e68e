"""Whom the documentation lets call an operation, about something of the world or of anybody's."""

from typing import Literal

from mmconform.contract.clause import Operation
from mmconform.contract.permission import UNKNOWN_RELATION, Holds, Is, Oneself, Term, Where, Within, is_met
from mmconform.knowledge import Knowledge, Unknown, some
from mmconform.wire.exchange import Position
from mmconform.world import kinds
from mmconform.world.people import CHANNEL_SPARE, IN_CHANNELS, Persona, Roles

#: Where what is asked about lies: nobody knows; in our team; in a channel of it that the caller is in, or is not in.
Place = Literal["", "team", "own channel", "other channel"]


#: What whoever made a thing is to it; in a probe about one's own that is the caller.
_OWNING = ("author", "uploader", "creator", "owner")
#: By which roles somebody is what to a channel.
_IN_CHANNEL = {
    "member": {"channel_user", "channel_guest", "channel_admin", CHANNEL_SPARE},
    "non-guest member": {"channel_user", "channel_admin", CHANNEL_SPARE},
    "admin": {"channel_admin"},
}


def entitlement(
    operation: Operation,
    persona: Persona,
    roles: Roles,
    about: str,
    position: Position | None = None,
    *,
    is_licensed: bool = False,
) -> Knowledge:
    """Return whether the documentation lets a persona call an operation: of a bot it does not say so.

    Args:
        operation: What is called; its requirement is what the documentation demands.
        persona: Who asks.
        roles: Who holds what on the server.
        about: As in :class:`mmconform.wire.exchange.Exchange`; ``position`` too.
        is_licensed: The server has whatever licence is demanded; else nobody knows.
    """
    if persona.is_anonymous:
        asked = operation.requirement.authenticated
        return asked if isinstance(asked, Unknown) else not asked
    if persona.is_bot:
        return Unknown(UNKNOWN_RELATION)
    if not operation.requirement.is_understood:
        return Unknown("partly-understood")
    place = _place(operation, about)

    def knows(term: Term) -> Knowledge:
        match term:
            case Oneself():
                if about == "other" and kinds.are_places(operation.kinds):
                    return Unknown(UNKNOWN_RELATION)  # of whom the request speaks is not said
                return Unknown() if about == "unclear" else about == "self"
            case Holds():
                return holds(persona, term, roles, place) if position is None else _holds_as(persona, term, roles, position)
            case Within(versions):
                return Unknown("unknown-in-version") if (known := versions.include(roles.version)) is None else known
            case Is(relation, of) if relation in _OWNING and about in ("self", "other") and _is_whose(operation, of, position):
                return about == "self"
            case Is("one of", "users") if about in ("self", "other") and "user" in operation.kinds:
                return about == "self"
            case Where(thing, state) if position and thing in operation.states:
                return operation.states[thing] == state
            case Is(relation, "channel") if position and relation in _IN_CHANNEL:
                return not position.roles.isdisjoint(_IN_CHANNEL[relation])
            case Where("channel", state) if position and position.channel:
                return state == position.channel
            case Where("licence") if is_licensed:
                return True
        return Unknown(UNKNOWN_RELATION)

    return is_met(operation.requirement.demand, knows)


def _is_whose(operation: Operation, of: str, position: Position | None) -> bool:
    """Return whether a request says whose such a thing is: it names one, or the user of whose things it tells."""
    if any(kinds.is_a(named, of) for named in operation.kinds):
        return position is not None or kinds.is_owned(of)
    return kinds.is_owned(of) and "user" in operation.kinds


def _holds_as(persona: Persona, term: Holds, roles: Roles, position: Position) -> Knowledge:
    """Return whether a persona holds a permission through its system roles, or through what it is where the thing lies."""
    held_by = persona.system_roles if term.scope in ("", "system") else (*persona.system_roles, *sorted(position.roles))
    return some(roles.hold(role, term.permission) for role in held_by)


def _place(operation: Operation, about: str) -> Place:
    scope = kinds.scope_of(operation.identified) if about in ("self", "other") else ""
    if scope == "channel":
        return "own channel" if about == "self" else "other channel"
    return scope


def holds(persona: Persona, term: Holds, roles: Roles, place: Place) -> Knowledge:
    """Return whether a persona holds a permission, in whatever is asked about.

    Args:
        place: Where that lies. Of the members of our team and its channels the roles are known; anywhere else somebody
            may hold what a role in teams or channels gives, and may not.
    """
    everywhere = some(roles.hold(role, term.permission) for role in persona.system_roles)
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
