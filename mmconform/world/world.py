"""The users, team, command and tokens that a run needs on a target."""

import secrets
import string
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from mmconform.contract.clause import Operation
from mmconform.contract.knowledge import Unknown
from mmconform.errors import MisuseError
from mmconform.version import Version
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.wire.secret import Secret
from mmconform.wire.tape.cassette import NOT_TAPED
from mmconform.wire.tape.redact import MARK, TAPED_RUN
from mmconform.world.admin import OPERATOR, Admin, arranged, message
from mmconform.world.behaviours import NotKnownError, harmless_job
from mmconform.world.obstacles import explain
from mmconform.world.people import PERSONAS, Persona, Roles, entitlement, role_exists, unlike_a_fresh_role

#: What every name that we give on a server begins with.
PREFIX = "mmc-"
#: Features that operations need, as the document's ``x-needs`` names them.
TOKENS, COMMANDS, WEBRTC = "personal access tokens", "slash commands", "WebRTC"
#: With a licence the job that does nothing without one does something.
JOBS = "jobs that do nothing"
#: From 11.10 on a server can demand that tokens end (model/user_access_token.go@0c97a1ef93): then ours do, and to make one as
#: the document says, without an end, is no valid request there.
ENDLESS = "personal access tokens without an end"
_DAY = 24 * 60 * 60 * 1000


class Journaling(Protocol):
    """What writes down changes before they are made."""

    def note(self, **entry: Any) -> None: ...


class Keeping(Protocol):
    """What notices that people of a world are no longer what they were."""

    def after(self, exchange: Exchange, client: Client) -> frozenset[str]:
        """Look after everybody where an exchange gives reason to, and return who was made anew."""


@dataclass(frozen=True)
class Person:
    """A persona's account on the target: its session, its personal access token, and the password to sign in again."""

    persona: Persona
    id: str
    username: str
    session: str | None = field(repr=False)
    token_id: str = ""
    token: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


@dataclass
class World:
    """What was prepared on one target.

    Attributes:
        switched_off: Features of the server that a run would need and may not switch on.
        journal: What writes down changes; None on tape.
        told_roles: What the server says of its roles, where it was asked.
        keeper: What looks after the people; None on tape.
    """

    client: Client
    version: Version
    run: str
    operator: str | None = field(repr=False)
    people: dict[str, Person] = field(default_factory=dict)
    team_id: str = ""
    command_id: str = ""
    switched_off: frozenset[str] = frozenset()
    journal: Journaling | None = None
    told_roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    keeper: Keeping | None = None

    def note(self, **entry: Any) -> None:
        """Write a change down, before or right after it is made; on tape nothing changes and nothing is written."""
        if self.journal:
            self.journal.note(**entry)

    def look_after(self, exchange: Exchange, client: Client) -> bool:
        """Have the people looked after, where an exchange gives reason to; return whether its caller was no longer who they were.

        Raises:
            MisuseError: the world cannot be made what it was.
            UnseenError: the server does not answer.
        """
        return self.keeper is not None and exchange.persona in self.keeper.after(exchange, client)

    def note_job(self, answer: Exchange | None = None) -> None:
        """Write down that a job is asked for, and then what came of it: only the answer tells its id."""
        if answer is None:
            self.note(what="job", type=self.harmless_job)
        else:
            self.note(what="job", id=answer.json_id if answer.is_success else "")

    @property
    def harmless_job(self) -> str:
        """The type of a job that does nothing."""
        return harmless_job(self.version)

    @property
    def roles(self) -> Roles:
        """Who holds what."""
        return Roles(self.version, self.told_roles)

    def lets(self, operation: Operation, persona: Persona, about: str) -> bool:
        """Return whether the documentation lets a persona call an operation about something of this world.

        Raises:
            NotKnownError: that is not known.
        """
        entitled = entitlement(operation, persona, self.roles, about)
        if isinstance(entitled, Unknown):
            raise NotKnownError(f"whether {persona.name} may call {operation.id} is not known", entitled.reason)
        return entitled

    def admin(self, client: Client | None = None) -> Admin:
        """Return the operator, who asks through the world's client or another."""
        return Admin(client or self.client, self.operator)

    def lacks(self, operation: Operation) -> bool:
        """Whether the server has switched off what an operation needs to be served."""
        return not self.switched_off.isdisjoint(features_of(operation))

    def token_body(self, description: str) -> dict[str, Any]:
        """Return the body with which the administrator makes a token for somebody: one that ends only where it has to."""
        ends = {"expires_at": time.time_ns() // 10**6 + _DAY} if ENDLESS in self.switched_off else {}
        return {"description": description, **ends}

    def token_for(self, persona: str, client: Client) -> str:
        """Return the id of a new personal access token of a persona."""
        made = self.admin(client).must("POST", f"/api/v4/users/{self.people[persona].id}/tokens", self.token_body("spare"))
        return str(made["id"])


def features_of(operation: Operation) -> set[str]:
    """Return the features without which an operation serves nobody what it promises."""
    return {operation.needs, ENDLESS} if operation.id == "CreateUserAccessToken" else {operation.needs}


def new_run_id() -> str:
    """Return what tells this run's names from every other run's: six random letters and digits."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(6))


def build(world: World) -> None:
    """Make every account, the team, the command and the tokens in a world that is empty yet.

    Raises:
        MisuseError: the server refuses something, or its roles are not what our data says.
    """
    redactor = world.client.redactor
    if world.operator:
        redactor.learn_credential(world.operator, OPERATOR)
    redactor.learn(world.run, TAPED_RUN)
    redactor.learn(world.run.upper(), TAPED_RUN.upper())
    if world.version >= Version(4, 9):
        confirm_roles(world.admin(), world.version)
    team = f"{PREFIX}{world.run}"
    world.note(what="team", name=team)
    world.team_id = world.admin().make_team(team)
    world.note(what="team", name=team, id=world.team_id)
    for persona in PERSONAS.values():
        if not persona.is_anonymous:
            world.people[persona.name] = make_person(world, persona)
            if len(world.people) == 1:
                _confirm_admitted(world, world.people[persona.name])
    if COMMANDS in world.switched_off:
        return
    command = {"team_id": world.team_id, "url": "http://conformance.invalid/", "method": "P", "trigger": f"mmc{world.run}"}
    world.command_id = world.admin().must("POST", "/api/v4/commands", command)["id"]
    world.note(what="command", id=world.command_id, team=world.team_id)


def make_person(world: World, persona: Persona, *, again: bool = False) -> Person:
    """Make a standing persona's account, with a session and a personal access token.

    Args:
        again: The account of that name is lost; this one has another.

    Raises:
        MisuseError: the server refuses.
    """
    name = f"{PREFIX}{world.run}-{persona.short[:6] + secrets.token_hex(2) if again else persona.short}"
    admin = world.admin()
    person = make_account(world, admin, persona, name, persona.short, persona.name, world.team_id if persona.team_role else "")
    if world.version < Version(4, 1) or TOKENS in world.switched_off:
        return person
    token = admin.must("POST", f"/api/v4/users/{person.id}/tokens", world.token_body("standing"))
    return replace(person, token_id=token["id"], token=Secret(token["token"]))


def make_account(world: World, admin: Admin, persona: Persona, name: str, label: str, called: str, team: str) -> Person:
    """Make somebody with a session: journalled before, given the persona's roles, and put into a team.

    Args:
        label: By which a tape tells their password from others'.
        called: The persona whose credential the session is.
        team: In which they are what the persona is in the world's; nothing for none.

    Raises:
        MisuseError: the server refuses.
    """
    redactor = admin.client.redactor
    taped = f"{MARK}-password-{label}"
    password = Secret(taped if redactor.replaying else new_password())
    redactor.learn(password, taped)
    world.note(what="user", name=name)
    id_ = admin.make_user(name, password)
    world.note(what="user", name=name, id=id_)
    if roles := [role for role in persona.roles if role_exists(role, world.version)]:
        admin.give_roles(id_, roles)
    if team and persona.team_role:
        admin.join(team, id_, persona.team_role)
    return Person(persona, id_, name, login(admin.client, name, password, called), password=password)


def new_password() -> str:
    """Return a password that satisfies every rule a server may have: of every kind of character, and as long as any takes."""
    return "Aa1!" + secrets.token_hex(30)


def _confirm_admitted(world: World, person: Person) -> None:
    """Ask something as the first of our people: whatever keeps them out, no verdict is about them.

    Not about ``me``, which servers that demand a second factor answer all the same (web/context.go@v5.36.1 MfaRequired).
    """
    if not world.client.redactor.replaying:
        url = f"/api/v4/users/{person.id}"
        arranged(world.client, "GET", url, person.persona.name, person.session, headers=NOT_TAPED)


def login(client: Client, login_id: str, password: str, persona: str) -> str:
    """Return a session token, known from now on as the persona's credential.

    Raises:
        MisuseError: the server refuses.
    """
    try:
        exchange = client.send(
            "POST", "/api/v4/users/login", persona="anonymous", json={"login_id": login_id, "password": password}
        )
    except UnseenError as error:
        raise MisuseError(f"logging in failed: {error}") from None
    session = exchange.answer_headers.get("token")
    if not exchange.is_success or not session:
        why = f"`{message(exchange, client.redactor)}`{explain(exchange.error_id)}"
        raise MisuseError(f"logging in as `{login_id}` failed: the server answered {exchange.says}; {why}")
    client.redactor.learn_credential(session, persona)
    return Secret(session)


def confirm_roles(admin: Admin, version: Version) -> None:
    """Compare what the server's roles grant with our data; on a difference every verdict would be doubtful.

    No tape has the role of system administrators, and each has the others.

    Raises:
        MisuseError: a role grants something else.
    """
    roles = {role for persona in PERSONAS.values() for role in persona.roles} | {"team_admin", "system_user", "team_user"}
    for role in sorted(roles):
        asks = admin.off_tape if role == "system_admin" else admin
        if not asks.is_taped and admin.client.redactor.replaying:
            continue
        granted = set(asks.role(role)["permissions"])
        for permission in unlike_a_fresh_role(role, granted, version):
            has = "holds" if permission in granted else "does not hold"
            raise MisuseError(
                f"the role `{role}` {has} `{permission}` on this server, unlike a fresh {version}; "
                "put its permissions back to the defaults, or no verdict about permissions could be trusted"
            )
