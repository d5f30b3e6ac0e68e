"""A role of the server's that nobody has: filled for a while, somebody holds just what is asked for, or everything but that.

The roles that others have stay as they are. What this one held is written down before it is changed, and put back like all that a
run changes; whoever got it is deactivated with the others whom a run made.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from mmconform.documents.reader import read
from mmconform.errors import NotHereError
from mmconform.paths import DATA
from mmconform.wire.client import Client
from mmconform.wire.tape.cassette import NOT_TAPED
from mmconform.world.admin import Admin, moments
from mmconform.world.behaviours import gate
from mmconform.world.build import new_name
from mmconform.world.kinds.user import is_ours, make_account, signed_in_again
from mmconform.world.people import CHANNEL_SPARE, HOLDERS, SPARE, TEAM_SPARE, Persona, delegated
from mmconform.world.place import Place
from mmconform.world.world import Person, World

#: Who lacks something, of whom servers may demand that they have what everybody has.
NEAR_MISS = "near_miss"
#: How a server without schemes, or without the licence for them, answers a question for their list.
_NO_SCHEMES = range(400, 600)


class NoSpareError(NotHereError):
    """There is no such role here; ``reason`` is one of ``mmconform.judging.judge.SKIPS``."""

    def __init__(self, text: str, reason: str = "not-on-this-target") -> None:
        super().__init__(text)
        self.reason = reason


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = read(DATA / "spare_roles.yaml")[0].data
    return data


@cache
def never_given() -> frozenset[str]:
    """Return the permissions that nobody is given."""
    return frozenset(permission for row in _data()["never"] for permission in row["permissions"])


@dataclass
class Spare:
    """The role on one server, and who has it.

    Attributes:
        name: Of the role.
        everything: What can be held there, without what is given to nobody.
        delegated: Of that, what the roles for delegated administration hold as the server ships them.
        held: What the role was seen to hold; None where another process may have filled it since.
        people: Who has it, made when first asked for.
        _is_base_kept: Nobody in a team or a channel may lack the role that everybody has there.
    """

    world: World
    client: Client
    place: Place
    id: str
    name: str
    everything: frozenset[str]
    delegated: Mapping[str, frozenset[str]]
    held: frozenset[str] | None = None
    people: dict[str, Person] = field(default_factory=dict)
    _is_base_kept: bool = False

    @property
    def _admin(self) -> Admin:
        return self.world.admin(self.client)

    def hold(self, permissions: frozenset[str]) -> None:
        """Let the role hold just these, as the server says when it is asked for it by name: so it looks roles up itself.

        The server forgets what it remembered of a role when that is saved (localcachelayer/role_layer.go@91ce593d27 Save).

        Raises:
            NoSpareError: it says that it does, and does not.
            MisuseError: it refuses.
        """
        if self.held == permissions or (self.held is None and self.holds(permissions)):
            return
        self._admin.must("PUT", f"/api/v4/roles/{self.id}/patch", {"permissions": sorted(permissions)})
        if not any(self.holds(permissions) for _ in moments()):
            raise NoSpareError(f"what the role {self.name} holds cannot be changed on this server: it says so, and does not")

    def holds(self, permissions: frozenset[str]) -> bool:
        """Return whether the role holds just these now."""
        self.held = frozenset(self._admin.role(self.name)["permissions"])
        return self.held == permissions

    def forgetful(self) -> "Spare":
        """Return the role, of which nobody knows what it holds: another process may have had its turn."""
        self.held = None
        return self

    def told(self, permissions: frozenset[str]) -> dict[str, frozenset[str]]:
        """Return what holds what while the role holds these."""
        everybodys = self.world.told_roles if self._is_base_kept else {}
        in_team, in_channel = (permissions | everybodys.get(role, frozenset()) for role in ("team_user", "channel_user"))
        return {SPARE: permissions, TEAM_SPARE: in_team, CHANNEL_SPARE: in_channel}

    # -- who has it ------------------------------------------------------------------------------------------------

    def person(self, name: str) -> Person:
        """Return a holder; the accounts are fewer than their names.

        Raises:
            MisuseError: the server refuses.
        """
        name = NEAR_MISS if name == "bare_holder" else "holder" if name in delegated() else name
        if name not in self.people:
            self.people[name] = self._make(HOLDERS[name])
        return self.people[name]

    def is_as_told(self, name: str, permissions: frozenset[str]) -> bool:
        """Return whether a holder has the role, and that holds just these: asked of the server."""
        person = self.person(name)
        account = self._admin.ask("GET", f"/api/v4/users/{person.id}").json_object
        wanted = self._roles(person.persona.system_roles)["roles"].split()
        return set(str(account.get("roles")).split()) == set(wanted) and self.holds(permissions)

    def is_signed_out(self, name: str) -> bool:
        """Return whether a holder's session is over."""
        session = self.person(name).session
        return self.client.send("GET", "/api/v4/users/me", persona=name, token=session, headers=NOT_TAPED).status == 401

    def sign_in_again(self, name: str) -> None:
        """Renew a holder's session, which something has ended.

        Raises:
            MisuseError: the server refuses.
        """
        person = self.person(name)
        self.people[person.persona.name] = signed_in_again(self.client, person)

    def _make(self, persona: Persona) -> Person:
        called = new_name(self.world, persona)
        person = make_account(self.world, self._admin, persona, called, persona.short, persona.name, "")
        self._admin.must("PUT", f"/api/v4/users/{person.id}/roles", self._roles(persona.system_roles))
        if persona.team_role:
            self.place.take_in(partial(self._join, person))
        return person

    def _join(self, person: Person, scope: str, id_: str) -> None:
        """Make a holder a member of a team, or of a channel, with the roles that they have there.

        Servers of 11.6 leave nobody there without the role that everybody has, so that it is theirs too
        (channels/app/team.go@b748732e14 updateTeamMemberRolesInternal, channel.go updateChannelMemberRolesInternal).
        """
        in_team, everywhere = (person.persona.local_roles(in_team=True, in_channel=too) for too in (False, True))
        if scope == "team":
            self._admin.join(id_, person.id)
        else:
            self._admin.join_channel(id_, person.id)
        roles = in_team if scope == "team" else everywhere - in_team
        url = f"/api/v4/{scope}s/{id_}/members/{person.id}/roles"
        if person.persona.is_bare and not self._is_base_kept:
            if self._admin.ask("PUT", url, self._roles(roles)).is_success:
                return
            self._is_base_kept = True
        self._admin.must("PUT", url, self._roles(roles | {f"{scope}_user"}))

    def _roles(self, roles: Iterable[str]) -> dict[str, str]:
        """Return the body that gives somebody roles, under the name that the spare one has here."""
        known = (self.name if role in (SPARE, TEAM_SPARE, CHANNEL_SPARE) else role for role in sorted(roles))
        return {"roles": " ".join(known)}


def find(world: World, client: Client, place: Place) -> Spare:
    """Return the role, journalled and emptied.

    Raises:
        NoSpareError: there is none, or its permissions cannot be moved here.
        MisuseError: the server refuses.
    """
    admin = world.admin(client)
    in_schemes = set(_roles_of_schemes(admin))
    for name in _data()["spare"]:
        answer = admin.ask("GET", f"/api/v4/roles/name/{name}")
        if answer.is_success and name not in in_schemes and not _is_used(admin, name):
            break
    else:
        raise NoSpareError("somebody has each of the roles that could be filled for a while, or the server has none of them")
    role = answer.json_object
    world.note(what="role", id=role["id"], permissions=role["permissions"])
    told = world.told_roles
    everything = told.get("system_admin", frozenset()) - never_given()
    held = {role: everything & told[role] for role in delegated() if role in told}
    spare = Spare(world, client, place, str(role["id"]), name, everything, held)
    _confirm_movable(admin, spare)
    spare.person(NEAR_MISS)  # the server tells then whether they may lack what everybody has
    return spare


def _confirm_movable(admin: Admin, spare: Spare) -> None:
    """Try the largest change.

    Raises:
        NoSpareError: the server refuses; before 6.0 it takes a licence (api4/role.go@v5.36.1 patchRole).
    """
    answer = admin.ask("PUT", f"/api/v4/roles/{spare.id}/patch", {"permissions": sorted(spare.everything)})
    if not answer.is_success:
        why = f"what the role {spare.name} holds cannot be changed on this server: {answer.says}"
        known = gate(answer.error_id)
        raise NoSpareError(why) if known is None else NoSpareError(why, known.reason)
    spare.hold(frozenset())


def _is_used(admin: Admin, role: str) -> bool:
    """Whether anybody has a role whom no run has made; servers that do not look for the role itself tell of more."""
    users = admin.rows(f"/api/v4/users?role={role}")
    return any(role in str(user.get("roles")).split() and not is_ours(user) for user in users)


def _roles_of_schemes(admin: Admin) -> Iterator[str]:
    rows = admin.rows("/api/v4/schemes", none=_NO_SCHEMES)
    return (str(value) for row in rows for name, value in row.items() if name.endswith("_role"))
