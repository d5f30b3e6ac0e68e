"""Which tests a run was asked for, and which of them came to judge: what was asked for and was not judged is never green."""

from collections.abc import Iterable
from typing import Any


class Attendance:
    """The list of the tests of one run, each named by its node id.

    Attributes:
        asked: The target (its slug) of each test that the command line asks for.
        judged: Those that came to an end of their own, skipped for a reason of ours among them.
        skipped: Why, of those that somebody else skipped.
        left_out: Those that somebody else took off the list.
        uncollected: Files of which no test could be collected, and why.
    """

    def __init__(self) -> None:
        self.asked: dict[str, str] = {}
        self.judged: set[str] = set()
        self.skipped: dict[str, str] = {}
        self.left_out: set[str] = set()
        self.uncollected: dict[str, str] = {}

    def tell(self) -> dict[str, Any]:
        """Return what only the process that collected knows, for the first one."""
        return {"asked": self.asked, "left_out": sorted(self.left_out), "uncollected": self.uncollected}

    def learn(self, other: dict[str, Any]) -> None:
        """Take over what a process that collected tells."""
        self.asked |= other.get("asked", {})
        self.left_out |= set(other.get("left_out", ()))
        self.uncollected = other.get("uncollected", {}) | self.uncollected

    def missing(self, target: str) -> list[str]:
        """Return what of a target was asked for and not judged: one sentence a reason."""
        asked = [test for test, slug in self.asked.items() if slug == target and test not in self.judged]
        left_out = [test for test in asked if test in self.left_out]
        skipped = [test for test in asked if test in self.skipped]
        lost = [test for test in asked if test not in self.left_out and test not in self.skipped]
        why = self.skipped[skipped[0]] if skipped else ""
        return [
            *_counted(left_out, "taken off the list by a plugin or a conftest.py"),
            *_counted(skipped, f"skipped by somebody else ({why})"),
            *_counted(lost, "never came to an end"),
            *(f"{file}: {reason}" for file, reason in sorted(self.uncollected.items())),
        ]


def _counted(tests: Iterable[str], what: str) -> list[str]:
    found = list(tests)
    number = "1 test" if len(found) == 1 else f"{len(found)} tests"
    return [f"{number} {what}, first {found[0]}"] if found else []
