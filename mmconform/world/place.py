"""What lies ready where everybody is asked the same: teams, channels, posts and files of ours, and who is where."""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from mmconform.errors import MisuseError
from mmconform.wire.client import Client
from mmconform.wire.exchange import Position
from mmconform.world import kinds
from mmconform.world.admin import Admin
from mmconform.world.build import make_again
from mmconform.world.callers import why_nobody
from mmconform.world.fillers import filler
from mmconform.world.kinds.channel import Channel, PrivateChannel
from mmconform.world.kinds.kind import Owner
from mmconform.world.kinds.team import new_team
from mmconform.world.kinds.user import new_password, renewed, signed_in_again
from mmconform.world.people import BESIDE, Persona
from mmconform.world.world import Person, World

RESIDENT = "resident"
#: Somebody, and how often they were made anew before.
Life = tuple[str, int]
#: Who is meant beside the one to whom a thing belongs: ``{another user}``, ``{third user}``.
_OTHERS = ("other_token_user", "token_user")


@dataclass(frozen=True)
class Spot:
    """Where something lies.

    Attributes:
        kind: Of which kind its channel is.
        is_home: In the world's team; else in one to which only the resident belongs.
        is_joined: Everybody of the team belongs to its channel; else only the resident does.
        is_open: Of a team that whoever may list such teams may find and join.
    """

    name: str
    kind: type[Channel] = Channel
    is_home: bool = True
    is_joined: bool = True
    is_open: bool = False

    def position(self, persona: Persona, *, in_channel: bool) -> Position:
        """Return what a persona is here; of a channel nothing where the question is about a team alone."""
        in_team = self.is_home and persona.team_role is not None
        roles = persona.local_roles(in_team=in_team, in_channel=in_channel and self.is_joined)
        return Position(roles, ("private" if self.kind is PrivateChannel else "public") if in_channel else "")


OPEN = Spot("a public channel of theirs")
SPOTS = (
    OPEN,
    Spot("a private channel of theirs", PrivateChannel),
    Spot("a public channel of others", is_joined=False),
    Spot("a private channel of others", PrivateChannel, is_joined=False),
    Spot("another team", is_home=False, is_joined=False),
)
TEAMS = (OPEN, SPOTS[-1])
#: Who may list open teams is shown one though they are not in it, whatever a sentence says; who may not is asked about it.
OPEN_TEAM = Spot("another team, which is open", is_home=False, is_joined=False, is_open=True)
#: The permission to list them.
LISTS_OPEN_TEAMS = "list_public_teams"


class Place:
    """The spots of one world, made when it begins; things lying there are made when they are first asked about.

    Where a server has no guests, or they could not call, none is asked; nor a bot where nobody can be made one.

    Attributes:
        absent: Who does not ask here for such a reason, and why.

    Raises:
        MisuseError: the server refuses to make one of them.
    """

    def __init__(self, world: World, client: Client) -> None:
        self._world, self._client = world, client
        self._kept: dict[tuple[str, Spot | None, Life, int], str] = {}
        self._fresh: dict[tuple[str, Spot | None, Life], str] = {}
        self._parts: dict[tuple[str, str, str], Any] = {}
        self._spares: dict[str, Person] = {}
        self._doubles: dict[str, Person] = {}
        self._consumed: dict[tuple[str, Spot | None, Life], str] = {}
        self._consumed_people: list[Person] = []
        self.absent = dict[str, str]()
        for persona in BESIDE.values():
            if why := why_nobody(persona, world.version, world.told_roles, world.switched_off):
                self.absent[persona.name] = why
            elif persona.name not in world.people:
                world.people[persona.name] = make_again(world, persona)
        self._away = new_team(world, self._admin, world.name("t"))
        self._admin.join(self._away, world.people[RESIDENT].id)
        self._joining: list[Callable[[str, str], None]] = []
        self._channels = {spot: self._new_channel(spot) for spot in SPOTS}

    @property
    def _admin(self) -> Admin:
        """The operator, whose session may have become another one since the place was made."""
        return self._world.admin(self._client)

    def take_in(self, join: Callable[[str, str], None]) -> None:
        """Have somebody more be where everybody of the team is, also in the teams and channels that are made later.

        Args:
            join: Told ``team`` or ``channel``, and its id.
        """
        self._joining.append(join)
        join("team", self._world.team_id)
        for spot, channel in self._channels.items():
            if spot.is_home and spot.is_joined:
                join("channel", channel)

    def _new_channel(self, spot: Spot) -> str:
        id_ = spot.kind.new(self._world, self._admin, self._team(spot))
        people = (person for person in self._world.people.values() if _joins(person, spot))
        self._admin.join_channel_all(id_, {person.id: person.persona.channel_role for person in people})
        for join in self._joining if spot.is_home and spot.is_joined else ():
            join("channel", id_)
        return id_

    # -- things --------------------------------------------------------------------------------------------------------

    def standing(self, kind: str, spot: Spot | None, owner: str, which: int = 0) -> str:
        """Return the id of a thing of somebody's, lying in a spot, that no request of ours changes.

        Args:
            which: 0, or 1 and 2 for others of the same kind.

        Raises:
            MisuseError, NotHereError: it cannot be made.
        """
        if kind == "user":
            return self._world.people[(owner, *_OTHERS)[which]].id
        if kind == "team":
            spot = OPEN if spot is None or spot.is_home else spot if spot.is_open else TEAMS[-1]
            if not which:
                return self._team(spot)
        if kind == "channel" and not which:
            return self._channels[spot or OPEN]
        key = (kind, spot, self._life(owner), which)
        if key not in self._kept:
            self._kept[key] = self.new(kind, spot, owner)
        return self._kept[key]

    def fresh(self, kind: str, spot: Spot | None, owner: str) -> str:
        """Return the id of a thing that a request may consume: until one does (:meth:`forget`) the same; then it may be renewed.

        Raises:
            MisuseError, NotHereError: it cannot be made.
        """
        key = (kind, spot, self._life(owner))
        if key not in self._fresh:
            consumed = self._consumed.pop(key, "")
            is_renewed = consumed and kinds.by_name()[kind].renew(self.owner(owner, spot), consumed)
            self._fresh[key] = consumed if is_renewed else self.new(kind, spot, owner)
        return self._fresh[key]

    def _life(self, owner: str) -> Life:
        return owner, self._world.lives[owner]

    def forget(self, consumed: Container[str], spot: Spot | None) -> None:
        """Let go of what lies fresh in a spot, of the kinds that a request consumed, and of what things were told to be."""
        gone = {key: id_ for key, id_ in self._fresh.items() if key[0] in consumed and key[1] == spot}
        self._fresh = {key: id_ for key, id_ in self._fresh.items() if key not in gone}
        self._parts.clear()
        self._consumed |= gone
        self._consumed_people += (self._doubles[id_] for id_ in gone.values() if id_ in self._doubles)
        self._see_off(gone.values())

    def new(self, kind: str, spot: Spot | None, owner: str) -> str:
        """Return the id of a new thing of somebody's; a new user is a member of the team whom nobody else needs.

        Raises:
            MisuseError, NotHereError: it cannot be made.
        """
        id_ = self._make_thing(kind, spot, owner)
        self._world.register.learn(id_)
        return id_

    def _make_thing(self, kind: str, spot: Spot | None, owner: str) -> str:
        known = kinds.by_name()[kind]
        match known.state_of or kind:
            case "user":
                id_ = self._somebody("member").id
            case "team":
                id_ = self._new_team(spot)
            case "channel":
                id_ = self._new_channel(spot or OPEN)
            case base:
                id_ = kinds.by_name()[base].make(self.owner(owner, spot))
        if known.state_of:
            known.enter(self.owner(owner, spot), id_)
        return id_

    def owner(self, name: str, spot: Spot | None) -> Owner:
        """Return whose a thing in a spot is."""
        person = self._world.people[name]
        whose = Owner(self._world, self._client, name, person, person.session, self._world)
        return replace(whose, team=self._team(spot), channel=self._channels[spot or OPEN])

    def part(self, kind: str, id_: str, name: str) -> Any:
        """Return a part of what the server tells the operator of a thing, a text or a list of ids; asked once.

        Raises:
            MisuseError: it tells no such part.
        """
        key = (kind, id_, name)
        if key not in self._parts:
            part = self._parts[key] = kinds.by_name()[kind].part(self.owner(RESIDENT, None), id_, name)
            self._world.register.learn(*(part if isinstance(part, list) else [part]))
        return self._parts[key]

    @property
    def resident(self) -> Person:
        """The one to whom belongs what others are asked about."""
        return self._world.people[RESIDENT]

    def filler(self, name: str) -> Any:
        """Return what a text holds that names no thing."""
        if name == "password":
            password = new_password()
            self._client.redactor.learn(password)
            return password
        if name == "invitation":
            return str(self.part("team", self._world.team_id, "invite_id"))
        return self._client.base_url if name == "site" else filler(name, self._world)

    def _team(self, spot: Spot | None) -> str:
        if spot is None or spot.is_home:
            return self._world.team_id
        return self._open_team if spot.is_open else self._away

    @cached_property
    def _open_team(self) -> str:
        """A team of the resident's that everybody may find and join.

        Raises:
            MisuseError: the server refuses to make it.
        """
        id_ = new_team(self._world, self._admin, self._world.name("t"))
        self._admin.join(id_, self.resident.id)
        self._admin.must("PUT", f"/api/v4/teams/{id_}/patch", {"allow_open_invite": True})
        self._world.register.learn(id_)
        return id_

    def _new_team(self, spot: Spot | None) -> str:
        """Return the id of a new team in which everybody is what they are in the world's; or which only the resident is in."""
        id_ = new_team(self._world, self._admin, self._world.name("t"))
        people = (person for person in self._world.people.values() if _belongs(person, spot or OPEN))
        self._admin.join_all(id_, {person.id: person.persona.team_role or "team_user" for person in people})
        for join in self._joining if spot is None or spot.is_home else ():
            join("team", id_)
        return id_

    def settle(self, person: Person, spot: Spot, *, in_team: bool, is_raised: bool = False) -> None:
        """Make somebody be in the channel of a spot what they are to be, or not be in it.

        Args:
            in_team: In the team too, and in all channels of it: whoever is taken out of a team is in none.
            is_raised: They may have been made an administrator there, and not be one.

        Raises:
            MisuseError: the server refuses.
        """
        if not _belongs(person, spot):
            self._admin.ask("DELETE", f"/api/v4/teams/{self._team(spot)}/members/{person.id}")
            return
        if is_raised:
            self._lower(person, f"teams/{self._team(spot)}" if in_team else f"channels/{self._channels[spot]}")
        if in_team:
            self._admin.join(self._team(spot), person.id, person.persona.team_role or "team_user")
            self._world.let_go(person.persona.name)  # with the team went their sidebar (store ClearSidebarOnTeamLeave@91ce593d27)
        for place in (place for place in SPOTS if place.is_home == spot.is_home) if in_team else (spot,):
            if _joins(person, place):
                self._admin.join_channel(self._channels[place], person.id, person.persona.channel_role)
            elif not in_team:
                self._admin.ask("DELETE", f"/api/v4/channels/{self._channels[place]}/members/{person.id}")

    def _lower(self, person: Person, where: str) -> None:
        """Make somebody an ordinary member of a team or channel; who is more than that is given it when they join again."""
        if not person.persona.is_guest:
            roles = f"{where.partition('s/')[0]}_user"
            self._admin.ask("PUT", f"/api/v4/{where}/members/{person.id}/roles", {"roles": roles})

    def is_as_told(self, person: Person, spot: Spot) -> bool:
        """Return whether somebody is in the team and in the channel of a spot, or is not, as it is to be: asked of the server."""
        team = self._team(spot)
        in_team = spot.is_home and person.persona.team_role is not None
        if self._is_member(f"teams/{team}", person) != in_team:
            return False
        return spot.is_open or self._is_member(f"channels/{self._channels[spot]}", person) == (in_team and spot.is_joined)

    def _is_member(self, of: str, person: Person) -> bool:
        found = self._admin.ask("GET", f"/api/v4/{of}/members/{person.id}")
        return found.is_success and not found.json_object.get("delete_at")

    # -- callers that a request consumes -------------------------------------------------------------------------------

    def spare(self, persona: str) -> Person:
        """Return somebody who is what a person is, and whom a request may consume: until one does (:meth:`spend`) the same.

        Raises:
            MisuseError: the server refuses.
        """
        if persona not in self._spares:
            self._spares[persona] = self._somebody(persona)
        return self._spares[persona]

    def spend(self, persona: str) -> None:
        """Let go of somebody whom a request has consumed."""
        if person := self._spares.pop(persona, None):
            self._consumed_people.append(person)
            self._see_off([person.id])

    def _somebody(self, persona: str) -> Person:
        """Return somebody who is what a person is, whom a request may consume: renewed, or else new, since accounts stay."""
        for person in [person for person in self._consumed_people if person.persona.name == persona]:
            self._consumed_people.remove(person)
            if known := renewed(self._world, self._client, person):
                self._doubles[known.id] = known
                return known
        return self.double(self._world.people[persona])

    def see_off_doubles(self) -> None:
        """Let go of whoever was made beside the standing people: a team holds only so many (50, as a server is installed)."""
        self._spares.clear()
        self._fresh = {key: id_ for key, id_ in self._fresh.items() if id_ not in self._doubles}
        self._see_off(list(self._doubles))

    def _see_off(self, ids: Iterable[str]) -> None:
        """Take those of them out of the team who are doubles; who is deactivated at the end need not be now."""
        for id_ in self._doubles.keys() & set(ids):
            self._admin.ask("DELETE", f"/api/v4/teams/{self._world.team_id}/members/{id_}")
            del self._doubles[id_]

    def sign_in(self, person: Person) -> None:
        """Give somebody whose sessions a request ended a new one; a token outlives them.

        Raises:
            MisuseError: the server refuses.
        """
        if not person.persona.calls_with_token:
            self._world.people[person.persona.name] = self.signed_in_again(person)

    def calm(self) -> None:
        """Have the server no longer take itself for busy, so that it refuses nobody for that."""
        self._admin.ask("DELETE", "/api/v4/server_busy")

    def double(self, person: Person) -> Person:
        """Return somebody new who is what a person is, in the system and in the team.

        Raises:
            MisuseError: the server refuses.
        """
        double = make_again(self._world, person.persona)
        self._doubles[double.id] = double
        return double

    def signed_in_again(self, person: Person) -> Person:
        """Return a person with a session of its own for one request.

        Raises:
            MisuseError: the server refuses.
        """
        if person.persona.calls_with_token:
            raise MisuseError(f"{person.persona.name} cannot sign in")
        return signed_in_again(self._client, person)


def _belongs(person: Person, spot: Spot) -> bool:
    """Return whether somebody is to be in the team of a spot."""
    return person.persona.name == RESIDENT or (spot.is_home and person.persona.team_role is not None)


def _joins(person: Person, spot: Spot) -> bool:
    """Return whether somebody is to be in the channel of a spot."""
    return person.persona.name == RESIDENT or (_belongs(person, spot) and spot.is_joined)
