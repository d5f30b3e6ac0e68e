"""What a run needs on a target: the people, and what they have there."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mmconform.contract.clause import Operation
from mmconform.errors import SwitchedOffError
from mmconform.version import Version
from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange
from mmconform.world.admin import Admin
from mmconform.world.behaviours import JobType, harmless_job, job_types
from mmconform.world.features import OFF_THERE, needed_by
from mmconform.world.people import Persona, Roles
from mmconform.world.register import Register

#: What every name that we give on a server begins with.
PREFIX = "mmc-"


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
        made: How many things were made beside those of a new world, for their names.
        kept: What people have as long as the world stands, by kind and persona; made when it was first asked for.
        lives: How often people were made anew or put back, by persona: what was theirs before may be gone (:meth:`let_go`).
        register: What is the run's own: requests that change something name nothing else.
        owners: To which account each thing belongs that the run made, by kind and id: nothing where that is the operator's or a
            place's; None for what is no longer there.
        may_disrupt: What is on the closed list may be sent: a disruptive run, and nobody but ourselves uses the server.
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
    made: int = 0
    kept: dict[tuple[str, str], str] = field(default_factory=dict)
    lives: Counter[str] = field(default_factory=Counter)
    register: Register = field(default_factory=Register, repr=False)
    owners: dict[tuple[str, str], str | None] = field(default_factory=dict, repr=False)
    may_disrupt: bool = False

    def __post_init__(self) -> None:
        self.register.learn_names(f"{PREFIX}{self.run}")

    def note(self, **entry: Any) -> None:
        """Write a change down, before or right after it is made; on tape nothing changes and nothing is written."""
        self.register.learn(entry.get("id"), entry.get("name"))
        if self.journal:
            self.journal.note(**entry)

    def belongs(self, kind: str, id_: str, owner: str = "") -> None:
        """Take in whose something is that was made: an account's, by its id, or the operator's, in a place of ours."""
        self.owners[kind, id_] = owner

    def make_anew(self, person: Person) -> None:
        """Have somebody be made anew from now on, and let go of what was theirs."""
        self.people[person.persona.name] = person
        self.let_go(person.persona.name)

    def let_go(self, persona: str) -> None:
        """Let go of what is somebody's: it may have gone with their account, or with their place in the team."""
        self.lives[persona] += 1
        self.kept = {key: id_ for key, id_ in self.kept.items() if key[1] != persona}

    def look_after(self, exchange: Exchange, client: Client) -> bool:
        """Have the people looked after, where an exchange gives reason to; return whether its caller was no longer who they were.

        Raises:
            MisuseError: the world cannot be made what it was.
            UnseenError: the server does not answer.
        """
        return self.keeper is not None and exchange.persona in self.keeper.after(exchange, client)

    @property
    def harmless_job(self) -> str:
        """The type of a job that does nothing."""
        return harmless_job(self.version)

    @property
    def job_types(self) -> list[JobType]:
        """The types of jobs that the server takes."""
        return job_types(self.version)

    @property
    def roles(self) -> Roles:
        """Who holds what."""
        return Roles(self.version, self.told_roles)

    def name(self, what: str) -> str:
        """Return a name for something new that is to stand as long as the world."""
        self.made += 1
        return f"{PREFIX}{self.run}-{what}{self.made}"

    def admin(self, client: Client | None = None) -> Admin:
        """Return the operator, who asks through the world's client or another."""
        return Admin(client or self.client, self.operator)

    def lacks(self, operation: Operation) -> bool:
        """Whether the server has switched off what an operation needs to be served."""
        return not self.switched_off.isdisjoint(needed_by(operation))

    def what_is_lacking(self, operation: Operation) -> str:
        """Return in words what of that is switched off; nothing where it is all there."""
        return _off(*sorted(self.switched_off & needed_by(operation))) * self.lacks(operation)

    def has(self, feature: str) -> bool:
        """Whether a feature is not switched off here."""
        return feature not in self.switched_off

    def need_all_of(self, operation: Operation) -> None:
        """Say that a test cannot go on without what an operation needs.

        Raises:
            SwitchedOffError: it is switched off here, and may not or cannot be switched on.
        """
        for feature in sorted(needed_by(operation)):
            self.need(feature)

    def need(self, feature: str) -> None:
        """Say that a test cannot go on without a feature.

        Raises:
            SwitchedOffError: it is switched off here, and may not or cannot be switched on.
        """
        if not self.has(feature):
            raise SwitchedOffError(_off(feature))


def _off(*features: str) -> str:
    return OFF_THERE + ", ".join(features)
