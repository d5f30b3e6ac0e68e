"""Who asks, and which permissions each of them holds in which version of the server."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from mmconform.contract.permission import is_there, meanings
from mmconform.documents.reader import read
from mmconform.knowledge import Knowledge, Unknown
from mmconform.paths import DATA
from mmconform.version import Version, Versions


@dataclass(frozen=True)
class Persona:
    """A kind of caller.

    Attributes:
        short: What its user name ends with (names have room for 22 characters).
        roles: System roles beside ``system_user``.
        team_role: ``team_user`` or ``team_admin`` of the world's team, or None outside it.
        channel_role: ``channel_user`` or ``channel_admin`` of the channels to which they belong.
        is_guest: Everything that they are is a guest's.
        is_bot: It is a bot: a user by its roles, of whom servers ask more or less than of people, which no sentence says.
        is_bare: They have none of the roles that everybody has.
        about: In words, of who is beside the people of every world.
    """

    name: str
    short: str
    roles: tuple[str, ...] = ()
    team_role: str | None = None
    channel_role: str = "channel_user"
    is_guest: bool = False
    is_bot: bool = False
    is_bare: bool = False
    about: str = ""

    @property
    def is_anonymous(self) -> bool:
        return self.name == "anonymous"

    @property
    def calls_with_token(self) -> bool:
        """Whether they call with a personal access token: without a licence no guest can sign in, and a bot never can."""
        return self.is_guest or self.is_bot

    @property
    def system_roles(self) -> tuple[str, ...]:
        """All their system roles."""
        if self.is_bare:
            return self.roles
        return ("system_guest",) if self.is_guest else ("system_user", *self.roles)

    def system_roles_among(self, roles: "Roles") -> frozenset[str]:
        """Return those of them that a server knows."""
        return frozenset(role for role in self.system_roles if role in ("system_user", "system_guest") or roles.know(role))

    def local_roles(self, *, in_team: bool, in_channel: bool) -> frozenset[str]:
        """Return what they are in a team and in one of its channels, of which they are members or not."""
        if not in_team:
            return frozenset()
        if self.is_guest:
            return frozenset({"team_guest", "channel_guest"} if in_channel else {"team_guest"})
        of_channel = {self.channel_role} if in_channel else set[str]()
        everybodys = set[str]() if self.is_bare else {"team_user", *(["channel_user"] if in_channel else [])}
        return frozenset({self.team_role or "team_user"} | of_channel | everybodys)


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

TEAM_BOT = "team_bot"
#: Who is there beside them when everybody is asked the same (``mmconform.driving.probes``).
BESIDE = {
    persona.name: persona
    for persona in (
        Persona(
            *("guest", "guest"),
            team_role="team_guest",
            is_guest=True,
            about="a guest of the team and of some of its channels",
        ),
        Persona(
            *("channel_admin", "chanadmin"),
            team_role="team_user",
            channel_role="channel_admin",
            about="a member of the team, and administrator of some of its channels",
        ),
        Persona(
            *(TEAM_BOT, "bot"),
            team_role="team_user",
            is_bot=True,
            about="a bot that is a member of the team and of some of its channels",
        ),
        Persona(
            *("resident", "resident"),
            team_role="team_user",
            about="a member of the team, to whom belongs what others are asked about",
        ),
    )
}

#: Who asks then, the least powerful first: what only some may consume is there for all who may not.
CALLERS = ("anonymous", "outsider", "guest", "member", "channel_admin", "team_admin", "system_admin")

#: Who asks the plain requests: a bot too, of whom no sentence says what it may, so that its answers are compared and no more.
PROBING = (*CALLERS[:-1], TEAM_BOT, CALLERS[-1])

#: Who is none of them (a bot, the holder of a single permission) comes before the administrator.
_POWER = {caller: i for i, caller in enumerate((*CALLERS[:-1], "", CALLERS[-1]))}


def power(persona: str) -> tuple[int, str]:
    """Return what orders callers, the least powerful first."""
    return _POWER.get(persona, _POWER[""]), persona


#: How the role that nobody has (``mmconform.world.spare``) is called here, whichever it is on a server, by where it is given to
#: somebody: in the system, in a team, in a channel.
SPARE, TEAM_SPARE, CHANNEL_SPARE = "spare", "team_spare", "channel_spare"
#: To whom it is given.
HOLDERS = {
    persona.name: persona
    for persona in (
        Persona("holder", "holder", (SPARE,), about="an outsider who was given just the permissions that are asked for"),
        Persona(
            *("team_holder", "tholder"),
            team_role=TEAM_SPARE,
            about="a member of the team who was given just the permission that is asked for, in that team",
        ),
        Persona(
            *("channel_holder", "cholder"),
            team_role="team_user",
            channel_role=CHANNEL_SPARE,
            about="a member of the team who was given just the permission that is asked for, in some of its channels",
        ),
        Persona(
            *("bare_holder", "nearmiss", (SPARE,), TEAM_SPARE, CHANNEL_SPARE),
            is_bare=True,
            about="a member who was given just the permissions that are asked for, and has no other role",
        ),
        Persona(
            *("near_miss", "nearmiss", (SPARE,), TEAM_SPARE, CHANNEL_SPARE),
            is_bare=True,
            about="a member who was given every permission but those that are asked for, and has no other role",
        ),
    )
}


@cache
def delegated() -> dict[str, Persona]:
    """Return who holds what a role for delegated administration does: the holder, who is called by its name then."""
    names: list[str] = read(DATA / "spare_roles.yaml")[0].data["delegated"]
    about = "an outsider who was given what that role holds"
    return {name: replace(HOLDERS["holder"], name=name, about=about) for name in names}


def known_persona(name: str) -> Persona | None:
    """Return a persona of whom it is known what they are; None for callers whom single tests make."""
    return PERSONAS.get(name) or BESIDE.get(name) or HOLDERS.get(name) or delegated().get(name)


#: Callers whom single tests make.
OF_TESTS = {
    "editor": "a token_user who was given edit_other_users",
    "bot_editor": "a token_user who was given edit_other_users, asking about a bot",
    "bot": "a bot, through a token of its own",
    "holder_of_one": "an outsider who was given the one permission that is asked for",
    "holder_of_others": "an outsider who was given the permissions of all other operations",
    "slash_manager": "a member who was given manage_slash_commands in the team",
}
#: All callers beside the personas of every world: how the record calls them, and who they are.
MADE = {
    **{name: persona.about for name, persona in BESIDE.items()},
    **OF_TESTS,
    **{name: persona.about for name, persona in (HOLDERS | delegated()).items()},
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


@cache
def _holders(version: Version) -> Mapping[str, frozenset[str]]:
    """Return which roles hold a permission in a version, as data say; of ``*`` those that hold whatever there is."""
    holders = defaultdict[str, set[str]](set)
    for grant in grants():
        if grant.versions.include(version):
            holders[grant.permission].add(grant.role)
    return {permission: frozenset(roles) for permission, roles in holders.items()}


def unlike_a_fresh_role(role: str, granted: set[str], version: Version) -> list[str]:
    """Return the permissions in which a server's role is unlike the one that is shipped, of those that our data name.

    A system administrator holds all that there are; which these are in a version, is told by who else holds them.
    """
    named = {g.permission for g in grants()} - {"*"}
    here = [g for g in grants() if g.versions.include(version)]
    if role == "system_admin":
        return sorted({g.permission for g in here} - {"*"} - granted)
    return sorted(({g.permission for g in here if g.role == role} ^ granted) & named)


#: What everybody is in a channel that they belong to, and what some are; which channels those are is known of nobody.
IN_CHANNELS = ("channel_user", "channel_admin")
#: The roles that decide about the people of a run: a server is asked for these.
ROLES = (
    *("system_user", *sorted({role for persona in (*PERSONAS.values(), *BESIDE.values()) for role in persona.roles})),
    *("team_user", "team_admin", *IN_CHANNELS),
    *("system_guest", "team_guest", "channel_guest"),
)


@dataclass(frozen=True)
class Roles:
    """Who holds what on one server.

    Attributes:
        told: What the server itself says of its roles; empty where it was not asked.
    """

    version: Version
    told: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def know(self, role: str) -> bool:
        """Return whether the server has a role: as it tells, or else as data do."""
        return role in self.told or any(g.role == role and g.versions.include(self.version) for g in grants())

    def hold(self, role: str, permission: str) -> Knowledge:
        """Return whether a role holds a permission: as the server tells, or else as data do.

        Administrators hold all that there are: what they are told not to hold a server later than our data has retired.
        """
        there = is_there(permission, self.version)
        if there and permission not in self.told.get("system_admin", (permission,)):
            there = None
        if permission in self.told.get(role, ()):
            return True
        if there is not True and permission in meanings():
            held = [self.hold(role, name) for name in meanings()[permission]]
            return held[0] if all(answer == held[0] for answer in held) else Unknown("unknown-permission")
        if role in self.told and (there is not None or any(permission in held for held in self.told.values())):
            return False
        if there is False:
            return False  # nobody holds what there is no longer
        return self._is_granted(role, permission, there)

    def _is_granted(self, role: str, permission: str, there: bool | None) -> Knowledge:
        holders = {} if role in self.told else _holders(self.version)
        holds_all = role in holders.get("*", ())
        if permission in holders:
            return holds_all or role in holders[permission]
        return True if there and holds_all else Unknown("unknown-permission")
