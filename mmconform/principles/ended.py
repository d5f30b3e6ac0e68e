"""``ended``: whoever was deactivated, removed, demoted or signed out is so in every operation; what is deleted is gone.

Somebody who was made for it lives first where the end is to come: writes there, and asks everything, with every credential.
Then the administrator ends them, the request is answered, and they ask everything again. A credential that is over opens
nothing. Who left a place, or lost a rank, is answered as a twin is who never was there: not served where the twin is refused,
and told nothing of what the resident put there that the twin is not told.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mmconform.contract.clause import Contract, Operation
from mmconform.contract.templates import below_the_api, pattern_of
from mmconform.principles.data import Ending
from mmconform.principles.questions import Questions, new_mark
from mmconform.principles.sightings import Finding
from mmconform.wire.exchange import Exchange
from mmconform.world.kinds.channel import new_post
from mmconform.world.place import RESIDENT, SPOTS, Spot
from mmconform.world.world import Person

#: A private channel in which everybody of the team is.
WITHIN: Spot = SPOTS[1]


@dataclass(frozen=True)
class Asked:
    """One question, by an operation and by what it names, and the answers to it.

    Attributes:
        twin: The twin's answer, or that to nobody's credential.
    """

    operation: Operation
    ended: Exchange
    twin: Exchange


class Life:
    """Somebody from their arrival to after their end."""

    def __init__(self, questions: Questions, ending: Ending) -> None:
        self._questions, self._ending = questions, ending
        world, place = questions.world, questions.place
        self._admin = world.admin(questions.client)
        self._channel = place.standing("channel", WITHIN, RESIDENT)
        self._person = place.double(world.people[ending.persona])
        self._twin = place.double(world.people[ending.twin]) if ending.twin else None
        self._mark = new_mark()

    def play(self) -> Iterator[Finding]:
        """Live, end, and yield what went on.

        Raises:
            MisuseError: what it takes could not be made.
        """
        root = self._post(self._questions.world.people[RESIDENT], self._mark)
        self._live(self._person, root)
        if self._twin and self._ending.ends == "rank":
            self._live(self._twin, root)
        if not all(self._admin.ask(*self._request(request)).is_success for request in self._ending.first):
            return  # this server has no such thing
        used = self._use(root)
        end = self._end()
        if end.is_success:
            if operation := ending_operation(self._questions.contract, self._ending.by):
                self._questions.sightings.count(operation.id)
            yield from self._of_credentials(end, root, used) if self._ending.is_of_credentials else self._of_place(end, root)

    def _live(self, person: Person, root: str) -> None:
        """Come where the end is to be, and answer what the resident wrote: whoever does follows it."""
        self._admin.join_channel(self._channel, person.id, person.persona.channel_role)
        self._post(person, "made for a test", root_id=root)

    def _post(self, person: Person, message: str, **more: str) -> str:
        return new_post(self._questions.owner(person), self._channel, message=message, **more)

    def _use(self, root: str) -> dict[str, str]:
        """Ask with every credential, and return those that open something: what does not has not lived."""
        held = {"a session": self._person.session, "a personal access token": self._person.token}
        used = {}
        for name, credential in held.items():
            most = None if name == "a session" else 1
            answers = self._ask_all(self._person, credential, root, most=most) if credential else {}
            if credential and any(answer.is_success for answer in answers.values()):
                used[name] = credential
        return used

    def _end(self) -> Exchange:
        return self._admin.ask(*self._request(self._ending.by), self._body())

    def _request(self, request: str) -> tuple[str, str]:
        """Return the method and the address of a request about the person."""
        verb, _, path = request.partition(" ")
        return verb, "/api/v4" + path.format(**self._ids)

    def _body(self) -> Mapping[str, Any] | None:
        body = self._ending.body
        return body and {name: value.format(**self._ids) if isinstance(value, str) else value for name, value in body.items()}

    @property
    def _ids(self) -> dict[str, str]:
        person, world = self._person, self._questions.world
        ids = {"user_id": person.id, "bot_user_id": person.id, "token_id": person.token_id}
        return {**ids, "channel_id": self._channel, "team_id": world.team_id, "resident": world.people[RESIDENT].id}

    # -- asking --------------------------------------------------------------------------------------------------------

    def _ask_all(
        self, person: Person | None, credential: str | None, root: str, *, own: str = "", most: int | None = None
    ) -> dict[tuple[str, str], Exchange]:
        """Ask everything, about oneself and about the resident, and return what was answered."""
        answers = {}
        for operation in self._questions.reading[:most]:
            for about in ("self", "other") if "user" in operation.kinds else ("other",):
                named = {"post": root, **({"user": own or (person.id if person else "")} if about == "self" else {})}
                name = person.persona.name if person else "anonymous"
                if answer := self._questions.ask(operation, name, person, credential, about=named, spot=WITHIN):
                    answers[operation.id, about] = answer
        return answers

    def _both(self, ended: Mapping[tuple[str, str], Exchange], twin: Mapping[tuple[str, str], Exchange]) -> list[Asked]:
        operations = self._questions.contract.operations
        return [Asked(operations[key[0]], ended[key], twin[key]) for key in ended.keys() & twin.keys()]

    # -- what went on --------------------------------------------------------------------------------------------------

    def _of_credentials(self, end: Exchange, root: str, used: Mapping[str, str]) -> Iterator[Finding]:
        nobody = self._ask_all(None, None, root, own=self._person.id)
        for name, credential in used.items():
            if self._ending.is_over(name):
                found = opened(self._both(self._ask_all(self._person, credential, root), nobody))
                if found:
                    yield self._credential_lives(name, end, found)

    def _credential_lives(self, name: str, end: Exchange, found: list[Asked]) -> Finding:
        first = min(found, key=lambda asked: asked.operation.id)
        operation = ending_operation(self._questions.contract, self._ending.by)
        seen = f"{self._ending.name}: {name} still opens {len(found)} operations, first {first.operation.id}"
        sides = (self._questions.sightings.side(end, "answered before"), self._questions.sightings.side(first.ended, "served"))
        return Finding(
            "ended",
            operation.id if operation else first.operation.id,
            first.operation.id if operation else self._ending.by,
            f"{self._ending.name}: {name}",
            self._ending.persona,
            seen,
            sides,
        )

    def _of_place(self, end: Exchange, root: str) -> Iterator[Finding]:
        assert self._twin
        ended = self._ask_all(self._person, self._person.session, root)
        twin = self._ask_all(self._twin, self._twin.session, root)
        marks = {"what the resident wrote": self._mark, "the channel's id": self._channel, "the post's id": root}
        operation = ending_operation(self._questions.contract, self._ending.by)
        for asked in self._both(ended, twin):
            if seen := differs(asked, marks if self._ending.ends == "place" else {}):
                yield Finding(
                    "ended",
                    asked.operation.id,
                    operation.id if operation else self._ending.by,
                    self._ending.name,
                    self._ending.persona,
                    f"{self._ending.name}: {seen}",
                    (
                        self._questions.sightings.side(asked.ended, "served"),
                        self._questions.sightings.side(asked.twin, f"a twin is answered {asked.twin.says}"),
                    ),
                )


def opened(asked: list[Asked]) -> list[Asked]:
    """Return what a credential was served with that is over: whatever nobody gets without one."""
    return [pair for pair in asked if pair.ended.is_success and pair.twin.status == 401]


def differs(asked: Asked, marks: Mapping[str, str]) -> str:
    """Return in what somebody who ended is answered more than a twin; nothing where it is the same.

    Args:
        marks: What the answer may tell only whoever is there; what the question itself held is no news.
    """
    ended, twin = asked.ended, asked.twin
    if ended.is_success and twin.status in (401, 403, 404):
        return f"is served, and a twin who never was there is answered {twin.says}"
    if not ended.is_success:
        return ""
    told = [
        name
        for name, mark in marks.items()
        if mark.encode() in ended.answer and mark.encode() not in twin.answer and mark not in ended.url
    ]
    return f"is told {', '.join(told)}, and a twin who never was there is not" if told else ""


def ending_operation(contract: Contract, by: str) -> Operation | None:
    """Return the operation by which somebody ends, where the document has it."""
    verb, _, path = by.partition(" ")
    pattern = pattern_of(path)
    found = (operation for operation in contract.operations.values() if operation.method == verb and "{" in operation.path)
    return next((operation for operation in found if pattern.fullmatch(below_the_api(contract.base + operation.path))), None)
