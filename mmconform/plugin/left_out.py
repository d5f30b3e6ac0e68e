"""What the suites themselves do not ask on a target, and why: it is counted with its reason, and nobody else left it out."""

from typing import NoReturn

import pytest

from mmconform.contract.clause import Clause
from mmconform.judging.judge import SKIPS, Judge
from mmconform.record.rows import NotPlayedRow

_PARTS = pytest.StashKey[list[NotPlayedRow]]()


class LeftOut(pytest.skip.Exception):  # type: ignore[name-defined, misc]  # pytest tells its type to nobody
    """The suites leave a test out.

    Attributes:
        reason: One of :data:`mmconform.judging.judge.SKIPS`.
        why: More about it, in words; it may be empty.
    """

    def __init__(self, reason: str, why: str = "") -> None:
        assert reason in SKIPS
        super().__init__(f"{reason}: {why}" if why else reason)
        self.reason, self.why = reason, why


def leave_out(reason: str, why: str, judge: Judge, *clauses: Clause, persona: str = "everyone") -> NoReturn:
    """End a test that its target cannot be asked: the promises that it is about are not judged, for that reason.

    Raises:
        LeftOut: always.
    """
    for clause in clauses:
        judge.skip(clause, reason, persona, why)
    raise LeftOut(reason, why)


def leave_out_part(item: pytest.Item, part: str, reason: str, why: str) -> None:
    """Note that a test plays here without a part of it, which is about no single promise."""
    assert reason in SKIPS
    item.stash.setdefault(_PARTS, []).append(NotPlayedRow(item.nodeid, reason, why, part))


def not_played(item: pytest.Item, raised: BaseException | None) -> list[NotPlayedRow]:
    """Return what of a test was left out by the suites: parts of it, or all."""
    whole = [NotPlayedRow(item.nodeid, raised.reason, raised.why)] if isinstance(raised, LeftOut) else []
    return [*item.stash.get(_PARTS, []), *whole]
