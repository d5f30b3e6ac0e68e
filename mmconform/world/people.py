"""Who asks, and which permissions each of them holds in which version of the server."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from mmconform.contract.permission import AnyOf, Requirement
from mmconform.documents.reader import read
from mmconform.paths import DATA
from mmconform.version import Version


@dataclass(frozen=True)
class Persona:
    """A kind of caller.

    Attributes:
        short: What its user name ends with (names have room for 22 characters).
        roles: System roles beside ``system_user``.
        team_role: ``team_user`` or ``team_admin`` of the world's team, or None outside it.
    """

    name: str
    short: str
    roles: tuple[str, ...] = ()
    team_role: str | None = None

    @property
    def is_anonymous(self) -> bool:
        return self.name == "anonymous"


PERSONAS = {
    persona.name: persona
    for persona in (
        Persona("anonymous", "nobody"),
        Persona("member", "member", team_role="team_user"),
        Persona("token_user", "token", ("system_user_access_token",), "team_user"),
        Persona("other_token_user", "token2", ("system_user_access_token",), "team_user"),
        Persona("team_admin", "teamadmin", team_role="team_admin"),
        Persona("outsider", "outsider"),
        Persona("system_admin", "sysadmin", ("system_admin",), "team_user"),
    )
}

#: Callers whom single tests make, beside the personas of the world: how the record calls them.
MADE = {
    "editor": "a token_user who was given edit_other_users",
    "bot_editor": "the same, asking about a bot",
    "bot": "a bot, through a token of its own",
    "holder_of_one": "an outsider who was given the one permission that is asked for",
    "holder_of_others": "an outsider who was given the permissions of all other operations",
    "slash_manager": "a member who was given manage_slash_commands in the team",
}


@dataclass(frozen=True)
class Grant:
    """A role holds a permission from one version until another."""

    role: str
    permission: str
    since: Version
    until: Version | None
    source: str


@cache
def grants() -> tuple[Grant, ...]:
    """Return who holds what, from ``data/roles.yaml``."""
    data: list[dict[str, Any]] = read(DATA / "roles.yaml")[0].data
    return tuple(
        Grant(
            entry["role"],
            permission,
            Version.parse(entry["since"]),
            Version.parse(entry["until"]) if "until" in entry else None,
            entry["source"],
        )
        for entry in data
        for permission in entry["permissions"]
    )


def role_holds(role: str, permission: str, version: Version) -> bool:
    """Return whether a built-in role, as it is shipped, holds a permission in a version."""
    return any(
        g.role == role and g.permission in (permission, "*") and g.since <= version and (g.until is None or version < g.until)
        for g in grants()
    )


def unlike_a_fresh_role(role: str, granted: set[str], version: Version) -> list[str]:
    """Return the permissions in which a server's role is unlike the one that is shipped, of those that our data name.

    A system administrator holds all that there are; which these are in a version, is told by who else holds them.
    """
    named = {g.permission for g in grants()} - {"*"}
    here = [g for g in grants() if g.since <= version and not (g.until and version >= g.until)]
    if role == "system_admin":
        return sorted({g.permission for g in here} - {"*"} - granted)
    return sorted(({g.permission for g in here if g.role == role} ^ granted) & named)


def role_exists(role: str, version: Version) -> bool:
    """Return whether a version knows a role."""
    return any(g.role == role and g.since <= version for g in grants())


def holds(persona: Persona, permission: str, version: Version, *, in_team: bool) -> bool:
    """Return whether a persona holds a permission through its system roles or, ``in_team``, through its team role."""
    roles = [] if persona.is_anonymous else ["system_user", *persona.roles]
    if in_team and persona.team_role:
        roles.append(persona.team_role)
    return any(role_holds(role, permission, version) for role in roles)


def is_entitled(requirement: Requirement, persona: Persona, version: Version, about: str) -> bool | None:
    """Return whether the requirement lets the persona through.

    Args:
        requirement: What the documentation demands.
        persona: Who asks.
        version: The server's version.
        about: As in :class:`mmconform.wire.exchange.Exchange`.

    Returns:
        None when it depends on what cannot be known: an own id stands somewhere in the request, and self may do more
        than others.
    """
    if persona.is_anonymous:
        return not requirement.authenticated

    def met(groups: tuple[AnyOf, ...]) -> bool:
        in_team = about == "other" or about == "self"
        return all(
            any(holds(persona, t.permission, version, in_team=in_team and t.scope != "system") for t in group) for group in groups
        )

    as_self = requirement.or_self or met(requirement.all_of)
    as_other = met(requirement.all_of) and met(requirement.for_others)
    if about == "self":
        return as_self
    if about == "unclear" and as_self != as_other:
        return None
    return as_other
