"""What a kind of thing on a server has to tell: how one is made, told to be ours, undone, and seen to be undone."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal, Protocol

from mmconform.contract.templates import pattern_of
from mmconform.errors import MisuseError, NotHereError
from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange
from mmconform.world.admin import GONE, SWITCHED_OFF, Admin, moments, told
from mmconform.world.features import missing
from mmconform.world.world import PREFIX, Person, World

#: In which place of ours something lies, so that the roles that people have there count.
Scope = Literal["", "team", "channel"]
#: A line of a journal.
Entry = dict[str, Any]

#: The names that worlds and tests give (``World.run``, ``Stage.name``); nobody else's begin like that by accident.
_NAME = re.compile(PREFIX + r"[a-z0-9]{6}(-[a-z0-9]+)?")


#: Ends, where it is counted what became of things, those that the server has no route to undo.
STAY = " stay"


def is_name_of_ours(name: object) -> bool:
    """Return whether a name is one that runs give."""
    return bool(_NAME.fullmatch(str(name)))


def is_gone(answer: Exchange) -> bool:
    """Return whether the server itself says that there is no such thing: anybody else's 404 is no ``AppError``."""
    return answer.status == GONE and bool(answer.error_id)


def _is_among(operations: Iterable[str], method: str, path: str) -> bool:
    wanted = (operation.partition(" ") for operation in operations)
    return any(method == verb and pattern_of(template).fullmatch(path) for verb, _, template in wanted)


class Naming(Protocol):
    """What gives names, and counts what was made: a test's, or the world's."""

    made: int

    def name(self, what: str) -> str: ...


@dataclass(frozen=True)
class Owner:
    """Whose a thing is, or is to be, and what making one takes.

    Attributes:
        persona: How the record calls them.
        person: Their account; None for who has none.
        purpose: Written to what is made, where there is room for it.
        team: In which team their things are to lie; nothing for the world's.
        channel: In which channel; nothing for one of theirs.
    """

    world: World
    client: Client
    persona: str
    person: Person | None
    credential: str | None = field(repr=False)
    naming: Naming
    purpose: str = "made for a test"
    team: str = ""
    channel: str = ""

    @property
    def id(self) -> str:
        assert self.person, "an anonymous caller has no id"
        return self.person.id

    @property
    def team_id(self) -> str:
        """In which team their things lie, where they need not be in it."""
        return self.team or self.world.team_id

    @property
    def own_team_id(self) -> str:
        """In which team their things lie.

        Raises:
            NotHereError: they are in none.
        """
        if not self.team and not (self.person and self.person.persona.team_role):
            raise NotHereError(f"whoever is in no team has nothing there: {self.persona}")
        return self.team_id

    @property
    def admin(self) -> Admin:
        return self.world.admin(self.client)

    def ask(self, method: str, url: str, **arguments: Any) -> Exchange:
        """Send a request of the owner's own."""
        return self.client.send(method, url, persona=self.persona, token=self.credential, **arguments)

    def arranged(self, url: str, about: dict[str, Any]) -> dict[str, Any]:
        """Return what the server tells of something new that the operator makes for the owner.

        Raises:
            NotHereError: the server says that it is switched off.
            MisuseError: it refuses.
        """
        made = self.admin.ask("POST", url, about)
        if made.status == SWITCHED_OFF and made.error_id:
            raise NotHereError(f"nobody makes one on this server: {made.says}")
        if not made.is_success:
            raise MisuseError(f"the test could not be set up: the operator makes one for {self.persona}: {made.says}")
        about_it: dict[str, Any] = told(made)
        return about_it

    def must(self, what: str, method: str, url: str, **arguments: Any) -> Exchange:
        """Send a request of the owner's own that has to succeed.

        Raises:
            MisuseError: it is refused; says what could not be done.
            NotHereError: by the answer, the feature is switched off here.
        """
        answer = self.ask(method, url, **arguments)
        if feature := missing(answer, self.world.version):
            raise NotHereError(f"{feature} are switched off on this server")
        if not answer.is_success:
            raise MisuseError(f"the test could not be set up: {self.persona} {what}: {answer.says}")
        return answer


class Kind:
    """A kind of thing on a server. What is only told of it is not undone by itself: it goes with what holds it.

    Attributes:
        name: As ``x-resource`` of a document names it.
        what: As journals name it; nothing where they have no line of it.
        within: The kind that holds it.
        scope: In which place of ours its things lie.
        made_by: The operations of which a served request makes one, such as ``POST /posts``; not told of what a request can hold.
        consumed_by: The operations after which a thing is no longer what it was, such as ``DELETE /posts/{post_id}``.
        renewed_after: Those of them after which it can be made what it was.
        ended_by: The operations after which a thing is no longer there.
        is_never_drawn: What was drawn instead of it is never sent.
        is_absent: A run makes none and names one that does not exist.
        is_name: What names one is a name, not an id.
        is_place: Many are in it, and nobody owns it.
        is_owned: Each belongs to somebody, of whom it matters whether they ask.
        may_hide: While it is put back, what was undone before may become hidden from who reads that back.
        state_of: The kind of which it is a state, such as archived.
        address: Where the server tells of one, below the API.
    """

    name: ClassVar[str] = ""
    what: ClassVar[str] = ""
    within: ClassVar[str] = ""
    scope: ClassVar[Scope] = ""
    made_by: ClassVar[tuple[str, ...]] = ()
    consumed_by: ClassVar[tuple[str, ...]] = ()
    ended_by: ClassVar[tuple[str, ...]] = ()
    renewed_after: ClassVar[tuple[str, ...]] = ()
    is_never_drawn: ClassVar[bool] = False
    is_absent: ClassVar[bool] = False
    is_name: ClassVar[bool] = False
    is_owned: ClassVar[bool] = False
    is_place: ClassVar[bool] = False
    may_hide: ClassVar[bool] = False
    state_of: ClassVar[str] = ""
    address: ClassVar[str] = ""

    def make(self, owner: Owner) -> str:
        """Return the id of a new one that belongs to somebody, or lies where they are; journalled before and after.

        Raises:
            MisuseError: the server refuses.
            NotHereError: somebody like that has none, or the feature is switched off.
        """
        raise NotImplementedError

    def standing(self, owner: Owner) -> str:
        """Return the id of the one that somebody has as long as the world stands: made when it is first asked for.

        Raises:
            MisuseError, NotHereError: as :meth:`make`.
        """
        kept = owner.world.kept
        if (self.name, owner.persona) not in kept:
            kept[self.name, owner.persona] = self.make(owner)
        return kept[self.name, owner.persona]

    def enter(self, owner: Owner, id_: str) -> None:
        """Bring a thing into this state.

        Raises:
            MisuseError: the server refuses.
        """

    def renew(self, owner: Owner, id_: str) -> bool:
        """Make one that a request consumed what a new one is, and return whether it is that, read back."""
        return False

    def part(self, owner: Owner, id_: str, name: str) -> Any:
        """Return a part of what the server tells the operator of one: a text, or a list of ids.

        Raises:
            MisuseError: it tells no such part.
        """
        if not self.address:
            raise MisuseError(f"nobody says where a server tells the {name} of a {self.name}")
        return str(owner.admin.must("GET", f"/api/v4{self.address.format(id_)}")[name])

    def made(self, names: dict[str, str]) -> Entry:
        """Return a journal's line of one that a request of ours may make.

        Args:
            names: What the request named: ``unique``, and things by their kinds.
        """
        told = {"name": names.get("unique"), "team": names.get("team")}
        return {"what": self.what, **{key: value for key, value in told.items() if value}}

    def is_ours_to_make(self, world: World) -> bool:
        """Return whether what a request makes is new, so that a run may undo it: not where it replaces somebody else's.

        Raises:
            UnseenError: the server does not tell.
        """
        return True

    def is_made_by(self, method: str, path: str) -> bool:
        """Return whether a request that is served makes one, by the path below the API."""
        return _is_among(self.made_by, method, path)

    def is_consumed_by(self, method: str, path: str) -> bool:
        """Return whether an operation consumes what it names, by the path below the API."""
        return _is_among(self.consumed_by, method, path)

    def is_ended_by(self, method: str, path: str) -> bool:
        """Return whether what an operation names is no longer there after it."""
        return _is_among(self.ended_by, method, path)

    def is_renewed_after(self, method: str, path: str) -> bool:
        """Return whether what an operation consumes can be made what it was."""
        return _is_among(self.renewed_after, method, path)

    def leftovers(self, admin: Admin) -> Iterator[Entry]:
        """Yield what the server's lists show of things that runs made and left, as lines of a journal.

        Raises:
            MisuseError: the server refuses.
            UnseenError: it does not answer.
        """
        yield from ()

    def lost(self, undoing: "Undoing", entry: Entry) -> Iterator[str]:
        """Yield the ids of what may have been made of a line that tells none: a run was killed before the answer."""
        yield from ()

    def undo(self, undoing: "Undoing", entry: Entry) -> bool:
        """Undo what a line tells, with its id; return whether it has to be read back."""
        return False

    def twins(self, undoing: "Undoing") -> Iterator[Entry]:
        """Yield lines of what was made beside what journals tell: something in front sent a request twice, and told one id."""
        yield from ()

    def left(self, undoing: "Undoing") -> Iterator[str]:
        """Yield what is still there of what was undone."""
        yield from ()


class Undoing:
    """What undoing uses, and what came of it.

    Attributes:
        admin: The operator, who asks again where no answer comes.
        done: How many of each were put right.
        failed: What the server refused, or did not do.
        told: The lines of what is to be undone, each with its id, by their ``what``, newest first.
        undone: Those of them that were undone and have still to be read back.
    """

    def __init__(self, admin: Admin) -> None:
        self.admin = admin
        self.done: Counter[str] = Counter()
        self.failed: list[str] = []
        self.told = defaultdict[str, list[Entry]](list)
        self.undone = defaultdict[str, list[Entry]](list)

    def attempt(
        self, what: str, exchange: Exchange, is_gone_already: Callable[[], bool] = lambda: False, *, count: int = 1
    ) -> bool:
        """Note what came of a change; where the server has no route for it, that the thing stays, which no clean-up changes.

        Args:
            what: The things, and what was done with them: ``imports deleted``.
            is_gone_already: Asked where the server refuses, or has no route: some do so for what is undone already.
            count: So many things are put right by it.

        Returns:
            Whether the server says that it made it.
        """
        if exchange.is_success:
            self.done[what] += count
        elif exchange.has_no_route and not is_gone_already():
            self.done[f"{what.partition(' ')[0]}{STAY}"] += 1
        elif not is_gone(exchange) and not is_gone_already():
            self.fail(exchange)
        return exchange.is_success

    def fail(self, exchange: Exchange) -> None:
        self.failed.append(f"{exchange.method} {exchange.path}: {exchange.says}")

    def found(self, url: str, *none: int) -> Iterator[str]:
        """Yield the id of what is at an address, if it is there; another status of the server's may tell that nothing is."""
        answer = self.admin.ask("GET", url)
        if answer.is_success and answer.json_id:
            yield answer.json_id
        elif not is_gone(answer) and not (answer.status in none and answer.error_id):
            self.fail(answer)

    def rows(self, url: str, *none: int, is_paged: bool = True) -> Iterator[dict[str, Any]]:
        """Yield the rows of a list; none where what it is of is gone, or where another status tells that there are none."""
        try:
            yield from (self.admin.rows if is_paged else self.admin.listed)(url, (GONE, *none))
        except MisuseError as error:
            self.failed.append(str(error))

    def empty(
        self, url: str, what: str, remove: Callable[[str], Exchange], whose: str, *none: int, is_paged: bool = True
    ) -> None:
        """Remove all that a list shows, by their ids, and read back that it shows nothing more."""
        for row in list(self.rows(url, *none, is_paged=is_paged)):
            self.attempt(what, remove(str(row["id"])))
        if not self.failed and not any(not list(self.rows(url, *none, is_paged=is_paged)) for _ in moments()):
            self.failed.append(f"the {whose} are still there after they were {what.partition(' ')[2]}")

    @cached_property
    def me(self) -> str:
        """The operator's id; nothing where the server does not tell it."""
        found = self.admin.ask("GET", "/api/v4/users/me")
        return found.json_id if found.is_success else ""

    @cached_property
    def bot_owners(self) -> dict[str, str]:
        """To whom each bot belongs that is not disabled; none where the server knows no bots."""
        return {
            str(bot.get("user_id")): str(bot.get("owner_id")) for bot in self.rows("/api/v4/bots") if not bot.get("delete_at")
        }

    def namesakes(self, what: str, rows: Iterable[dict[str, Any]], field: str) -> Iterator[Entry]:
        """Yield lines of those rows that bear a name of what is told, and are not it; names are unique to a run."""
        ids = {entry["id"]: str(entry.get("name", "")) for entry in self.told[what]}
        for row in rows:
            if row.get(field) in set(ids.values()) - {""} and row.get("id") not in ids:
                yield {"what": what, "name": row[field], "id": str(row.get("id"))}

    def ids(self, what: str) -> list[str]:
        """Return the ids of what was undone of a kind of lines."""
        return [str(entry["id"]) for entry in self.undone[what]]

    def is_archived(self, url: str) -> bool:
        """Whether the server says that something is archived, or gone."""
        answer = self.admin.ask("GET", url)
        return is_gone(answer) or (answer.is_success and bool(answer.json_object.get("delete_at")))
