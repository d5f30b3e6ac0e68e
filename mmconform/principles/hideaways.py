"""Where things lie that others may not see: each holds a random mark, put in by its owner, that no request ever holds."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from mmconform.errors import MisuseError, NotHereError
from mmconform.principles.questions import Questions, new_mark
from mmconform.wire.exchange import Position
from mmconform.world import kinds
from mmconform.world.kinds.channel import new_post, upload_file
from mmconform.world.kinds.conversations import DirectChannel, GroupChannel
from mmconform.world.kinds.kind import Owner
from mmconform.world.kinds.written import EMOJI
from mmconform.world.people import Persona
from mmconform.world.place import RESIDENT, SPOTS, Spot

_PRIVATE, _AWAY = SPOTS[3], SPOTS[4]
PRIVATE, ELSEWHERE, CONVERSATION = "a private channel of others", "another team", "a conversation of others"
SOMEBODY = "somebody in no place of theirs"
#: Where most is asked: what differs in the others, differs for everybody.
FEW = (PRIVATE, ELSEWHERE, CONVERSATION, SOMEBODY)


@dataclass(frozen=True)
class Hidden:
    """A thing that lies there.

    Attributes:
        mark: What was put into it, if the server lets anybody.
    """

    kind: str
    id: str
    mark: str


@dataclass
class Hideaway:
    """A place with all that lies there.

    Attributes:
        spot: Where it is as people's roles count there; None where nobody of those who ask has one.
        things: The ids of what lies there, by every kind that it may be named as.
    """

    name: str
    spot: Spot | None
    secrets: list[Hidden] = field(default_factory=list)
    things: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, id_: str, mark: str) -> None:
        """Note what lies there."""
        self.secrets.append(Hidden(kind, id_, mark))
        self.things |= dict.fromkeys(names_of(kind), id_)

    def position(self, persona: Persona) -> Position:
        """Return what somebody is there who is not in it."""
        return self.spot.position(persona, in_channel=True) if self.spot else Position(frozenset(), "private")


def names_of(kind: str) -> frozenset[str]:
    """Return the kinds as which a thing of a kind may be named: those of the same class, and its states."""
    every = kinds.by_name()
    base = type(every[kind])
    same = {name for name, known in every.items() if isinstance(known, base) or known.state_of == kind}
    return frozenset(same | ({"direct-channel", "group-channel"} if kind == "channel" else set()))


class Hider:
    """Makes the places, and fills them.

    Attributes:
        word: Stands in every text beside its mark; may be searched for.
    """

    def __init__(self, questions: Questions) -> None:
        self._questions, self._place = questions, questions.place
        self._admin = questions.world.admin(questions.client)
        self.word = f"word{secrets.token_hex(6)}"

        self._marks: dict[str, str] = {}
        self._makers: dict[str, Callable[[], Hideaway]] = {}

    def hide(self) -> Iterator[Hideaway]:
        """Yield each place that can be made on the server."""
        for make in (self._private, self._another_team, self._direct, self._group, self._archived, self._somebody):
            with self._questions.trying():
                hideaway = self._known(make())
                self._makers[hideaway.name] = make
                yield hideaway

    def again(self, hideaway: Hideaway) -> Hideaway | None:
        """Return one more such place, with as much in it, if it can be made."""
        with self._questions.trying():
            other = self._known(self._makers[hideaway.name]())
            if [secret.kind for secret in other.secrets] == [secret.kind for secret in hideaway.secrets]:
                return other
        return None

    def _known(self, hideaway: Hideaway) -> Hideaway:
        """Return a place with what is read by an operation of its own: of nothing else it is known whether it is hidden."""
        hideaway.secrets = [secret for secret in hideaway.secrets if secret.kind in self._questions.sightings.reads]
        for secret in hideaway.secrets:
            self._questions.world.register.learn(secret.id)
            self._questions.sightings.knows(secret.kind, [secret.id])
        return hideaway

    def _private(self) -> Hideaway:
        return self._of_channel(PRIVATE, _PRIVATE, self._place.new("channel", _PRIVATE, RESIDENT))

    def _archived(self) -> Hideaway:
        channel = self._place.new("channel", _PRIVATE, RESIDENT)
        hideaway = self._of_channel("an archived private channel of others", _PRIVATE, channel, stays=False)
        self._admin.must("DELETE", f"/api/v4/channels/{channel}")
        return hideaway

    def _direct(self) -> Hideaway:
        return self._of_channel(CONVERSATION, None, DirectChannel().make(self._place.owner(RESIDENT, None)))

    def _group(self) -> Hideaway:
        return self._of_channel("a group conversation of others", None, GroupChannel().make(self._place.owner(RESIDENT, None)))

    def _another_team(self) -> Hideaway:
        """A new team: in the one that stands some of those who ask may have been, and know it."""
        team = self._place.new("team", _AWAY, RESIDENT)
        channel = _AWAY.kind.new(self._questions.world, self._admin, team)
        self._admin.join_channel(channel, self._place.resident.id)
        hideaway = self._of_channel(ELSEWHERE, _AWAY, channel, team=team)
        mark = self._mark(team)
        self._admin.ask("PUT", f"/api/v4/teams/{team}/patch", {"description": self._text(mark)})
        hideaway.add("team", team, mark)
        return hideaway

    def _somebody(self) -> Hideaway:
        """Somebody who shares nothing with those who ask."""
        hideaway = Hideaway(SOMEBODY, None)
        person, mark = self._place.double(self._questions.world.people["outsider"]), new_mark()
        about = {"nickname": self._text(mark), "first_name": self._text(mark)}
        self._admin.ask("PUT", f"/api/v4/users/{person.id}/patch", about)
        hideaway.add("user", person.id, mark)
        return hideaway

    def _mark(self, id_: str) -> str:
        """Return what is put into a thing that may be made again as the same one."""
        return self._marks.setdefault(id_, new_mark())

    def _text(self, mark: str) -> str:
        return f"{self.word} {mark}"

    # -- what lies in a channel ----------------------------------------------------------------------------------------

    def _of_channel(self, name: str, spot: Spot | None, channel: str, *, team: str = "", stays: bool = True) -> Hideaway:
        """Return a channel, filled.

        Args:
            team: In which it is, where that is not the one that stands in the spot.
            stays: It is not archived afterwards, with all that its team would have there.
        """
        hideaway, owner = Hideaway(name, spot), self._place.owner(RESIDENT, spot)
        owner = replace(owner, channel=channel, team=team or owner.team)
        mark = self._mark(channel)
        about = {"header": self._text(mark), "purpose": self._text(mark)}
        if not self._admin.ask("PUT", f"/api/v4/channels/{channel}/patch", about).is_success:  # a conversation has no purpose
            owner.ask("PUT", f"/api/v4/channels/{channel}/patch", json={"header": self._text(mark)})
        hideaway.add("channel", channel, mark)
        self._fill(hideaway, owner, partial(new_post, owner, channel))
        if spot and stays:
            self._add_of_team(hideaway, owner)
        return hideaway

    def _fill(self, hideaway: Hideaway, owner: Owner, write: Callable[..., str]) -> None:
        """Write there, as many ways as the server has."""
        file, of_file, of_post, of_reply = "", new_mark(), new_mark(), new_mark()
        with suppress(MisuseError, NotHereError):
            upload = (f"{self.word}-{of_file}.txt", self._text(of_file).encode(), "text/plain")
            file = upload_file(owner, owner.channel, upload)
        root = write(message=self._text(of_post), file_ids=[file] if file else [])
        reply = write(message=self._text(of_reply), root_id=root)
        owner.ask("POST", f"/api/v4/posts/{root}/pin")
        owner.ask("POST", "/api/v4/reactions", json={"user_id": owner.id, "post_id": root, "emoji_name": EMOJI})
        hideaway.add("post", reply, of_reply)
        hideaway.add("post", root, of_post)
        if file:
            hideaway.add("file", file, of_file)

    def _add_of_team(self, hideaway: Hideaway, owner: Owner) -> None:
        """Add what the team has there: whatever kind is within one, and is read by an operation of its own."""
        for kind in kinds.by_name().values():
            if (kind.within, kind.scope) == ("team", "team") and kind.what and kind.name in self._questions.sightings.reads:
                mark = new_mark()
                with suppress(MisuseError, NotHereError):
                    hideaway.add(kind.name, kind.make(replace(owner, purpose=self._text(mark))), mark)
