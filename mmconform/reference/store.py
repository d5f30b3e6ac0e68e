"""What the reference server remembers."""

import random
import string
import time
from dataclasses import dataclass, field
from typing import Any

from mmconform.reference.facts import is_in, table
from mmconform.version import Version
from mmconform.world.features import features
from mmconform.world.people import grants

_LETTERS = string.ascii_lowercase + string.digits
_random = random.SystemRandom()


def new_id() -> str:
    """Return what servers use for ids and tokens: 26 letters and digits."""
    return "".join(_random.choices(_LETTERS, k=26))


def now() -> int:
    """Return milliseconds since 1970, as everywhere in the API."""
    return int(time.time() * 1000)


@dataclass
class User:
    """A person or, with an owner, a bot."""

    username: str
    email: str
    password: str
    roles: list[str]
    owner: str = ""
    is_active: bool = True
    id: str = field(default_factory=new_id)
    created: int = field(default_factory=now)


@dataclass
class Session:
    """What a credential opens. ``kind`` is ``login``, ``token`` or ``oauth``; ``access_token`` the id of the token behind it."""

    user: str
    kind: str
    token: str = field(default_factory=new_id)
    access_token: str = ""
    csrf: str = ""
    id: str = field(default_factory=new_id)
    created: int = field(default_factory=now)


@dataclass
class AccessToken:
    """A personal access token; ``value`` is the secret."""

    user: str
    description: str
    is_active: bool = True
    id: str = field(default_factory=new_id)
    value: str = field(default_factory=new_id)


@dataclass
class Team:
    """A team, and the roles of each member in it. Whoever likes joins one that ``is_open``."""

    name: str
    members: dict[str, list[str]] = field(default_factory=dict)
    is_archived: bool = False
    is_open: bool = False
    email: str = ""
    invite: str = field(default_factory=new_id)
    id: str = field(default_factory=new_id)


@dataclass
class Channel:
    """A channel of a team, public where it ``is_open``, and the roles of each member in it."""

    team: str
    name: str
    is_open: bool
    creator: str
    members: dict[str, list[str]] = field(default_factory=dict)
    is_archived: bool = False
    id: str = field(default_factory=new_id)
    created: int = field(default_factory=now)


@dataclass
class Post:
    """What somebody wrote in a channel; ``root`` is the post that it answers."""

    channel: str
    user: str
    message: str
    root: str = ""
    files: list[str] = field(default_factory=list)
    is_deleted: bool = False
    id: str = field(default_factory=new_id)
    created: int = field(default_factory=now)


@dataclass
class File:
    """A file that somebody left for a channel; ``post`` is the one that it hangs on."""

    channel: str
    user: str
    name: str
    content: bytes
    post: str = ""
    id: str = field(default_factory=new_id)
    created: int = field(default_factory=now)


@dataclass
class Command:
    """A slash command of a team."""

    team: str
    creator: str
    fields: dict[str, Any]
    is_deleted: bool = False
    id: str = field(default_factory=new_id)
    token: str = field(default_factory=new_id)


@dataclass
class Application:
    """An OAuth application; ``codes`` are those that were given out, and to whom."""

    creator: str
    fields: dict[str, Any]
    codes: dict[str, str] = field(default_factory=dict)
    id: str = field(default_factory=new_id)
    secret: str = field(default_factory=new_id)


@dataclass
class Role:
    """A built-in role. Of ``*``, every permission, the list shows nothing."""

    name: str
    permissions: set[str]
    id: str = field(default_factory=new_id)


class Store:
    """Everything, by id; sessions by their token."""

    def __init__(self, version: Version) -> None:
        self.users: dict[str, User] = {}
        self.sessions: dict[str, Session] = {}
        self.tokens: dict[str, AccessToken] = {}
        self.teams: dict[str, Team] = {}
        self.channels: dict[str, Channel] = {}
        self.posts: dict[str, Post] = {}
        self.files: dict[str, File] = {}
        self.commands: dict[str, Command] = {}
        self.applications: dict[str, Application] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.preferences: dict[tuple[str, str, str], str] = {}
        self.roles = {name: Role(name, set()) for name in ("system_user", "team_user")}
        for grant in grants():
            if grant.versions.include(version):
                self._role(grant.role).permissions.add(grant.permission)
        for row in table("roles.yaml"):
            if is_in(row, version):
                self._role(row["role"]).permissions.update(row["permissions"])
        self.config: dict[str, dict[str, Any]] = {
            "ServiceSettings": {"SiteURL": "", "EnableDeveloper": False},
            "TeamSettings": {"EnableUserDeactivation": False},
            "WebrtcSettings": {},
        }
        for feature in features().values():
            if feature.default is not None:
                self.config.setdefault(feature.section, {})[feature.key] = feature.default

    def _role(self, name: str) -> Role:
        return self.roles.setdefault(name, Role(name, set()))

    def is_on(self, switch: str, section: str = "ServiceSettings") -> bool:
        """Return whether a setting is switched on."""
        return bool(self.config[section].get(switch))

    def user_called(self, name: str) -> User | None:
        """Return the user with a name or e-mail address."""
        return next((user for user in self.users.values() if name in (user.username, user.email)), None)

    def end_sessions(self, *, user: str = "", access_token: str = "") -> None:
        """End all sessions of a user, or all that an access token opened."""
        for session in list(self.sessions.values()):
            if (user and session.user == user) or (access_token and session.access_token == access_token):
                del self.sessions[session.token]
