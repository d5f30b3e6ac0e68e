"""``ended``, of things: what is deleted takes with it what hangs on it, and in what is archived nothing changes any more."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from mmconform.contract.clause import Operation
from mmconform.driving.composing import Probe
from mmconform.errors import MisuseError, NotHereError
from mmconform.principles.data import ThingsEnd
from mmconform.principles.ended import WITHIN, ending_operation
from mmconform.principles.questions import Questions, new_mark
from mmconform.principles.sightings import Finding
from mmconform.wire.exchange import Exchange
from mmconform.world import kinds
from mmconform.world.admin import moments
from mmconform.world.kinds.channel import new_post, upload_file
from mmconform.world.kinds.kind import Owner
from mmconform.world.place import RESIDENT

#: Of what was written there, not of who is there or has seen it: what a place holds.
_CONTENT = frozenset({"post", "thread", "file", "reacted-post", "bookmark"})
#: Milliseconds since 1970, which change whatever somebody does.
_MOMENT = re.compile(rb"\b1[0-9]{12}\b")
#: Who asks, in a place in which they are an ordinary member.
_ASKS = "member"


def of_things(questions: Questions, end: ThingsEnd) -> Iterator[Finding]:
    """Have the resident write something and end it, and yield where it is still shown.

    Raises:
        MisuseError: what it takes could not be made.
    """
    people, mark = questions.world.people, new_mark()
    channel, resident = questions.place.standing("channel", WITHIN, RESIDENT), people[RESIDENT]
    writer = questions.owner(resident)
    file = _file(writer, channel, mark)
    root = new_post(writer, channel, message=mark, file_ids=[file] if file else [])
    new_post(questions.owner(people["member"]), channel, message=mark, root_id=root)
    about = {"post": root, **({"file": file} if file else {})}
    ask: Callable[[Operation, str], Exchange | None] = lambda operation, name: questions.ask(  # noqa: E731
        operation, name, people[name], about=about, spot=WITHIN
    )
    shown = [
        operation for operation in questions.reading if (answer := ask(operation, "member")) and mark.encode() in answer.answer
    ]
    verb, _, path = end.by.partition(" ")
    url = "/api/v4" + path.replace(f"{{{end.kind}_id}}", root)
    ended = questions.client.send(verb, url, persona=RESIDENT, token=resident.session)
    by = ending_operation(questions.contract, end.by)
    if by and ended.is_success:
        questions.sightings.count(by.id)
    for operation in shown if ended.is_success else ():
        for name in ("member", RESIDENT):
            answer = _last(partial(ask, operation, name), mark)
            if answer and mark.encode() in answer.answer:
                side = questions.sightings.side(answer, "shows what is deleted")
                seen = f"{end.name}: what was in the {end.kind} is still shown"
                yield Finding("ended", operation.id, by.id if by else end.by, f"{end.kind} {end.name}", name, seen, (side,))


@dataclass(frozen=True)
class _Stay:
    """A channel, and a post in it of who asks."""

    channel: str
    post: str

    @property
    def things(self) -> dict[str, str]:
        return {"channel": self.channel, "post": self.post}


def of_places(questions: Questions, end: ThingsEnd) -> Iterator[Finding]:
    """Have a channel end, and yield what a member still changes of what was written there, once they may not write there.

    Each change was served in a channel that stands, and showed in what the administrator reads there.

    Raises:
        MisuseError: what it takes could not be made.
    """
    stands, ends = _stay(questions), _stay(questions)
    asked = {
        operation.id: operation
        for operation in questions.changing
        if kinds.scope_of(operation.kinds) == "channel" and not _takes_away(operation)
    }
    works = [id_ for id_, operation in asked.items() if _try(questions, operation, stands).has_changed]
    verb, _, path = end.by.partition(" ")
    admin = questions.world.admin(questions.client)
    if not admin.ask(verb, "/api/v4" + path.replace("{channel_id}", ends.channel)).is_success:
        return
    if by := ending_operation(questions.contract, end.by):
        questions.sightings.count(by.id)
    after = {id_: _try(questions, asked[id_], ends) for id_ in works}
    refusals = {id_: tried.answer for id_, tried in after.items() if tried.answer and tried.answer.status in (400, 403)}
    first = next((id_ for id_ in refusals if asked[id_].path.endswith("/posts")), "")
    side = questions.sightings.side
    for id_, tried in after.items() if first else ():
        if tried.answer and tried.has_changed:
            seen = f"{end.name}: what was written in the {end.kind} is still changed, and {first} is refused there"
            sides = side(tried.answer, "served"), side(refusals[first], "refused")
            yield Finding("ended", id_, first, f"{end.kind} {end.name}", _ASKS, seen, sides)


@dataclass(frozen=True)
class _Tried:
    """The answer to one change, and whether it showed."""

    answer: Exchange | None
    has_changed: bool = False


def _stay(questions: Questions) -> _Stay:
    person = questions.world.people[_ASKS]
    channel = questions.place.new("channel", WITHIN, RESIDENT)
    return _Stay(channel, new_post(questions.owner(person), channel, message="made for a test"))


def _takes_away(operation: Operation) -> bool:
    """Whether it only takes away, from whom or what belongs there; which may go on."""
    return operation.method == "DELETE" or bool(operation.consumes)


def _try(questions: Questions, operation: Operation, stay: _Stay) -> _Tried:
    """Send a change, and look whether the administrator then reads something else there."""
    before = _content(questions, stay)
    probe = Probe(_ASKS, "self" if "user" in operation.kinds else "other", WITHIN)
    answer = questions.send(operation, probe, things=stay.things)
    return _Tried(answer, bool(answer and answer.is_success) and _content(questions, stay) != before)


def _content(questions: Questions, stay: _Stay) -> list[str]:
    """Return what the administrator reads of what was written in a channel, without moments."""
    admin = questions.world.people["system_admin"]
    answers = []
    for operation in questions.reading:
        if operation.kinds & _CONTENT or operation.path.endswith("/{channel_id}/posts"):
            answer = questions.ask(operation, "system_admin", admin, about=stay.things, spot=WITHIN)
            answers.append(_MOMENT.sub(b"", answer.answer).decode("utf-8", "replace") if answer and answer.is_success else "")
    return answers


def _last(ask: Callable[[], Exchange | None], mark: str) -> Exchange | None:
    """Return an answer without the mark, or the last one of some: a server may go on deleting after it has answered."""
    for _ in moments():
        answer = ask()
        if answer is None or mark.encode() not in answer.answer:
            break
    return answer


def _file(owner: Owner, channel: str, mark: str) -> str:
    """Return the id of a file; nothing where a server takes none."""
    with suppress(MisuseError, NotHereError):
        return upload_file(owner, channel, ("small.txt", mark.encode(), "text/plain"))
    return ""
