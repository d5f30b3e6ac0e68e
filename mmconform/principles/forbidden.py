"""``forbidden``: what a setting forbids in one operation, it forbids in every other one.

Derived: everything is asked as the server is set, and what told something once more with switches of its configuration the
other way: several at once, and fewer where that changed an answer. Where an operation goes from served to refused, or the one
that reads a kind blanks what it told, about a thing that was there before, the setting forbids it. Whatever else still tells
the same person the same is a way round, if the first operation tells them again once the setting is back.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from functools import partial

from mmconform.contract.clause import Operation
from mmconform.errors import MisuseError, NotHereError
from mmconform.principles.consistent import is_denied
from mmconform.principles.data import never_switched
from mmconform.principles.questions import Questions, new_mark
from mmconform.principles.sightings import Finding
from mmconform.wire.exchange import Exchange
from mmconform.world.admin import Sections
from mmconform.world.kinds.channel import new_post, upload_file
from mmconform.world.kinds.kind import Owner
from mmconform.world.place import OPEN, RESIDENT
from mmconform.world.world import Person

#: Who asks: an administrator may see what others may not.
_CALLERS = ("member", "guest")
#: So many settings are turned together.
_AT_ONCE = 8

#: Changes settings for a while, and puts them back.
Switching = Callable[[Sections], AbstractContextManager[None]]


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked again and again: an operation, by somebody, about things that were there before."""

    operation: Operation
    caller: str
    about: str


@dataclass(frozen=True)
class Switch:
    """A switch of the server's configuration, and what it is turned to."""

    section: str
    key: str
    value: bool

    def __str__(self) -> str:
        return f"{self.section}.{self.key}"

    @property
    def sections(self) -> Sections:
        return {self.section: {self.key: self.value}}


@dataclass(frozen=True)
class Things:
    """What questions are about, in one state, and what stands in them.

    Attributes:
        marks: What nobody has but these things, by what it is.
    """

    ids: Mapping[str, str]
    marks: Mapping[str, bytes]

    def shown_by(self, answer: Exchange | None) -> frozenset[str]:
        """Return which marks an answer tells that the question did not hold."""
        if answer is None or not answer.is_success:
            return frozenset()
        sent = answer.url.encode() + (answer.body or b"")
        return frozenset(name for name, mark in self.marks.items() if mark in answer.answer and mark not in sent)


Answers = dict[Question, Exchange | None]


class Switches:
    """Turns the switches of one server and asks."""

    def __init__(self, questions: Questions, switching: Switching) -> None:
        self._questions, self._switching = questions, switching
        self._world, self._place = questions.world, questions.place
        self._admin = questions.world.admin(questions.client)
        self._things: dict[str, Things] = {}

    def play(self) -> Iterator[Finding]:
        """Yield what is still told that a setting forbids.

        Raises:
            MisuseError: what it takes could not be made, or the server refuses.
        """
        self._things = self._make()
        before = self._ask([question for question in self._questions_about_all() if question.caller in self._world.people])
        telling = [question for question in before if self._shown(question, before) or self._is_closed(before[question])]
        settings = list(self._settings())
        for start in range(0, len(settings), _AT_ONCE):
            for setting, turned in self._moving(settings[start : start + _AT_ONCE], before, telling):
                yield from self._ways_round(setting, before, turned, partial(self._ask, telling))
                back = replace(setting, value=not setting.value)
                yield from self._ways_round(back, turned, before, partial(self._under, [setting], telling))

    def _moving(self, settings: list[Switch], before: Answers, asked: list[Question]) -> Iterator[tuple[Switch, Answers]]:
        """Yield each setting that changes an answer, with the answers then; what cannot be turned together is turned apart."""
        turned = self._under(settings, asked)
        if turned and not any(self._moves(question, before, turned) for question in asked):
            return
        if len(settings) == 1:
            yield from ((setting, turned) for setting in settings if turned)
            return
        half = len(settings) // 2
        for some in (settings[:half], settings[half:]):
            yield from self._moving(some, before, asked)

    def _moves(self, question: Question, before: Answers, turned: Answers) -> bool:
        both = before[question], turned.get(question)
        return bool(self._lost(question, *both) or self._lost(question, *both[::-1]))

    def _is_closed(self, answer: Exchange | None) -> bool:
        """Return whether an operation is refused for another reason than a lacking permission: it may be a setting."""
        is_refused = answer is not None and answer.status > 401 and bool(answer.error_id)
        return answer is not None and is_refused and answer.status != 404 and not is_denied(answer, self._world.version)

    # -- what there is ---------------------------------------------------------------------------------------------

    def _settings(self) -> Iterator[Switch]:
        config = self._admin.config().json_object
        for section, values in config.items():
            for key, value in values.items() if isinstance(values, dict) else ():
                if isinstance(value, bool) and not any(row.is_about(section, key) for row in never_switched()):
                    yield Switch(section, key, not value)

    def _make(self) -> dict[str, Things]:
        """Return things of somebody's: as they are, and in a channel that is archived by now."""
        author, name = self._place.double(self._world.people["member"]), new_mark()
        self._admin.ask("PUT", f"/api/v4/users/{author.id}/patch", {"first_name": name})
        address = self._admin.ask("GET", f"/api/v4/users/{author.id}").json_object.get("email") or name
        marks = {"the name": name, "the address": str(address)}
        made = {}
        for state in ("", "archived"):
            channel = self._place.new("channel", OPEN, RESIDENT)
            made[state] = self._put_into(channel, self._questions.owner(author), marks)
            if state:
                self._admin.must("DELETE", f"/api/v4/channels/{channel}")
        return made

    def _put_into(self, channel: str, owner: Owner, marks: Mapping[str, str]) -> Things:
        text, within = (new_mark() for _ in range(2))
        ids = {"channel": channel, "user": owner.id}
        self._admin.join_channel(channel, owner.id)
        with suppress(MisuseError, NotHereError):
            ids["file"] = upload_file(owner, channel, (f"{within}.txt", f"{within} {text}".encode(), "text/plain"))
        ids["post"] = new_post(owner, channel, message=text, file_ids=[ids["file"]] if "file" in ids else [])
        told = {**marks, "what was written": text, "what the file holds": within}
        return Things(ids, {name: mark.encode() for name, mark in told.items()})

    # -- asking ----------------------------------------------------------------------------------------------------

    def _questions_about_all(self) -> list[Question]:
        return [
            Question(operation, caller, state)
            for operation in self._questions.reading
            for state in self._things
            for caller in _CALLERS
            if not state or {"channel", "post", "file"} & operation.kinds
        ]

    def _ask(self, questions: list[Question]) -> Answers:
        return {question: self._answer(question) for question in questions}

    def _answer(self, question: Question) -> Exchange | None:
        person: Person = self._world.people[question.caller]
        return self._questions.ask(question.operation, question.caller, person, about=self._things[question.about].ids)

    def _under(self, settings: list[Switch], questions: list[Question]) -> Answers:
        """Return what is answered while settings are turned; nothing where they cannot be."""
        wanted: Sections = {}
        for setting in settings:
            wanted.setdefault(setting.section, {})[setting.key] = setting.value
        with suppress(NotHereError, MisuseError), self._switching(wanted):
            return self._ask(questions)
        return {}

    # -- what is forbidden -----------------------------------------------------------------------------------------

    def _lost(self, question: Question, allowed: Exchange | None, forbidden: Exchange | None) -> frozenset[str]:
        """Return which marks somebody is no longer told: refused, or blanked by the operation that reads a kind."""
        things = self._things[question.about]
        if allowed is None or forbidden is None or not allowed.is_success:
            return frozenset()
        is_refused = forbidden.status > 401 and bool(forbidden.error_id)
        is_blanked = forbidden.is_success and question.operation in self._questions.sightings.reads.values()
        return things.shown_by(allowed) - things.shown_by(forbidden) if is_refused or is_blanked else frozenset()

    def _ways_round(
        self, setting: Switch, allowed: Answers, forbidden: Answers, ask_again: Callable[[], Answers]
    ) -> Iterator[Finding]:
        """Yield what still tells what one operation no longer does, and does again afterwards.

        Args:
            setting: With the value that forbids.
        """
        lost = {
            question: marks
            for question in forbidden
            if (marks := self._lost(question, allowed.get(question), forbidden[question]))
        }
        again = ask_again() if lost else {}
        told = set[tuple[str, str]]()
        for first in lost:
            marks = lost[first] & self._shown(first, again)
            for question in forbidden:
                is_alike = (question.caller, question.about) == (first.caller, first.about)
                still = (
                    marks & self._shown(question, forbidden)
                    if is_alike and question.operation is not first.operation
                    else frozenset()
                )
                if still and (question.operation.id, question.caller) not in told:
                    told.add((question.operation.id, question.caller))
                    yield self._finding(setting, question, forbidden[question], first, forbidden[first], still)

    def _shown(self, question: Question, answers: Answers) -> frozenset[str]:
        return self._things[question.about].shown_by(answers.get(question))

    def _finding(
        self,
        setting: Switch,
        question: Question,
        shown: Exchange | None,
        first: Question,
        hidden: Exchange | None,
        marks: frozenset[str],
    ) -> Finding:
        assert shown and hidden
        what, value = " and ".join(sorted(marks)), json.dumps(setting.value)
        where = " in what is archived" if question.about else ""
        kept = f"refuses it with {hidden.says}" if not hidden.is_success else "blanks it"
        return Finding(
            "forbidden",
            question.operation.id,
            first.operation.id,
            str(setting),
            question.caller,
            f"tells {what}{where} while {setting} is {value}; {first.operation.id} {kept} then",
            (self._questions.sightings.side(shown, f"tells {what}"), self._questions.sightings.side(hidden, kept)),
        )
