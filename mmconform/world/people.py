"""Who asks, and which permissions each of them holds in which version of the server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from mmconform.contract.knowledge import Knowledge, Unknown
from mmconform.contract.permission import is_there
from mmconform.documents.reader import read
from mmconform.paths import DATA
from mmconform.version import Version, Versions


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
    """A role holds a permission in some versions."""

    role: str
    permission: str
    versions: Versions
    source: str


@cache
def grants() -> tuple[Grant, ...]:
    """Return who holds what, from ``data/roles.yaml``."""
    data: list[dict[str, Any]] = read(DATA / "roles.yaml")[0].data
    return tuple(
        Grant(entry["role"], permission, Versions.of(entry), entry["source"])
        for entry in data
        for permission in entry["permissions"]
    )


def unlike_a_fresh_role(role: str, granted: set[str], version: Version) -> list[str]:
    """Return the permissions in which a server's role is unlike the one that is shipped, of those that our data name.

    A system administrator holds all that there are; which these are in a version, is told by who else holds them.
    """
    named = {g.permission for g in grants()} - {"*"}
    here = [g for g in grants() if g.versions.include(version)]
    if role == "system_admin":
        return sorted({g.permission for g in here} - {"*"} - granted)
    return sorted(({g.permission for g in here if g.role == role} ^ granted) & named)


def role_exists(role: str, version: Version) -> bool:
    """Return whether a version knows a role."""
    return any(g.role == role and g.versions.include(version) for g in grants())


#: What everybody is in a channel that they belong to, and what some are; which channels those are is known of nobody.
IN_CHANNELS = ("channel_user", "channel_admin")
#: The roles that decide about the people of a run: a server is asked for these.
ROLES = (
    *("system_user", *sorted({role for persona in PERSONAS.values() for role in persona.roles})),
    *("team_user", "team_admin", *IN_CHANNELS),
)


@dataclass(frozen=True)
class Roles:
    """Who holds what on one server.

    Attributes:
        told: What the server itself says of its roles; empty where it was not asked.
    """

    version: Version
    told: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def hold(self, role: str, permission: str) -> Knowledge:
        """Return whether a role holds a permission: as the server tells, or else as data do."""
        there = is_there(permission, self.version)
        if permission in self.told.get(role, ()):
            return True
        if role in self.told and (there is not None or any(permission in held for held in self.told.values())):
            return False
        if there is False:
            return False  # nobody holds what there is no longer
        return self._is_granted(role, permission, there)

    def _is_granted(self, role: str, permission: str, there: bool | None) -> Knowledge:
        active = [g for g in grants() if g.versions.include(self.version) and role not in self.told]
        if any(g.permission == permission for g in active):
            return any(g.role == role and g.permission in (permission, "*") for g in active)
        if there and any(g.role == role and g.permission == "*" for g in active):
            return True
        return Unknown("unknown-permission")
