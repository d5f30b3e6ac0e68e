"""What holds of an API whatever its sentences say: played after the probes, whose answers count too. No promise is judged."""

import pytest

from mmconform.plugin.suite import untaped
from mmconform.principles import bounded, confidential, consistent, delegates, ended, ended_things, hidden, unlisted
from mmconform.principles.data import Ending, ThingsEnd, endings, places, things
from mmconform.principles.forbidden import Switches, Switching
from mmconform.principles.questions import Questions
from mmconform.world.spare import Spare

pytestmark = untaped


def test_hidden(questions: Questions) -> None:
    """What the operation that reads a thing blanks for somebody, no other answer shows them; credentials are shown to nobody."""
    hidden.ask_all(questions)


@pytest.mark.parametrize("ending", endings(), ids=lambda ending: ending.name.replace(" ", "-"))
def test_ended(questions: Questions, ending: Ending) -> None:
    """Whoever has ended is answered as a twin who never was, whichever operation they ask."""
    questions.found(ended.Life(questions, ending).play())


@pytest.mark.parametrize("end", things(), ids=lambda end: f"{end.kind}-{end.name}")
def test_ended_things(questions: Questions, end: ThingsEnd) -> None:
    """What is deleted takes with it what hangs on it."""
    questions.found(ended_things.of_things(questions, end))


@pytest.mark.parametrize("end", places(), ids=lambda end: f"{end.kind}-{end.name}")
def test_ended_places(questions: Questions, end: ThingsEnd) -> None:
    """In what is archived nothing is changed any more of what was written there, as long as nobody may write there."""
    questions.found(ended_things.of_places(questions, end))


def test_unlisted(questions: Questions) -> None:
    """A property that the request does not list has no effect."""
    unlisted.ask_all(questions)


def test_consistent(questions: Questions, lent: Spare | None) -> None:
    """The same effect needs the same permission, whichever operation brings it about."""
    questions.found(consistent.PermissionComparison(questions, lent).play())


def test_bounded(questions: Questions, lent: Spare | None) -> None:
    """Nobody gets or gives more than they have; nobody below an administrator acts on one."""
    bounded.ask_all(questions, lent)


def test_confidential(questions: Questions, lent: Spare | None) -> None:
    """What the operation that reads a thing refuses somebody, no other operation tells them or lets them use."""
    search = confidential.ask_all(questions)
    if lent:
        questions.found(delegates.Delegates(search, lent).play())


def test_forbidden(questions: Questions, switching: Switching) -> None:
    """What a setting forbids in one operation, it forbids in every other one."""
    questions.found(Switches(questions, switching).play())
