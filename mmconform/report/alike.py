"""Changes of which the same is to be said, told once, in the order in which they matter."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mmconform.judging.changes import EFFECTS, NO_OPERATION, Change, flat, severity
from mmconform.judging.reason import Reason, each_once
from mmconform.world.people import power


@dataclass(frozen=True)
class Alike:
    """The same change of one operation or several, for the same reasons."""

    changes: tuple[Change, ...]
    reasons: tuple[Reason, ...]

    @property
    def one(self) -> Change:
        """One of them, for what they have in common: effect, kind, before and after."""
        return self.changes[0]

    @property
    def operations(self) -> dict[str, set[str]]:
        """Each operation, and who meets it there."""
        found: dict[str, set[str]] = {}
        for change in self.changes:
            found.setdefault(change.operation, set()).update(change.personas)
        return found

    def name(self, literal: Callable[[str], str] = str) -> str:
        """Return what changed, in few words, and of how many operations.

        Args:
            literal: How what a server said is written.
        """
        how_many = counted(self.operations)
        if self.is_about_routes:
            return how_many.replace(" ", " new ") if self.one.before == NO_OPERATION else f"{how_many} gone"
        return f"{self.one.kind} {literal(self.one.before)} → {literal(self.one.after)}, {how_many}"

    @property
    def is_about_routes(self) -> bool:
        """Whether one of the servers does not know these operations at all; what the other says may be several things."""
        return self.one.kind == "operation" and NO_OPERATION in (self.one.before, self.one.after)

    @property
    def answers(self) -> dict[tuple[str, tuple[str, ...]], list[str]]:
        """For each answer of the server that knows these operations, and those who get it, the operations."""
        found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for change in sorted(self.changes, key=lambda change: change.after if change.before == NO_OPERATION else change.before):
            said = change.after if change.before == NO_OPERATION else change.before
            found.setdefault((said, tuple(sorted(change.personas, key=power))), []).append(change.operation)
        return found

    @property
    def callers(self) -> dict[tuple[str, ...], list[str]]:
        """Who meets it, least powerful first, and in which operations."""
        found: dict[tuple[str, ...], list[str]] = {}
        for operation, personas in self.operations.items():
            found.setdefault(tuple(sorted(personas, key=power)), []).append(operation)
        return found

    @property
    def order(self) -> tuple[int, int, int, int]:
        """Worst first, then what most operations show, then what meets those with the fewest permissions."""
        least = min((power(persona)[0] for change in self.changes for persona in change.personas), default=0)
        return EFFECTS.index(self.one.effect), severity(self.one), -len(self.operations), least


def alike(changes: Iterable[Change], reasons: Mapping[Change, tuple[Reason, ...]]) -> list[Alike]:
    """Return changes with what is alike together.

    Args:
        reasons: Why each change, and each promise that is told with it, came about; empty where nobody knows.
    """
    groups: dict[tuple[object, ...], list[Change]] = {}
    whys: dict[tuple[object, ...], list[Reason]] = {}
    for change in changes:
        why = each_once(reason for one in flat([change]) for reason in reasons[one])
        key = (change.effect, severity(change), change.kind, *_told(change, why))
        groups.setdefault(key, []).append(change)
        whys.setdefault(key, []).extend(why)
    return sorted(
        (Alike(tuple(of_group), tuple(each_once(whys[key]))) for key, of_group in groups.items()), key=lambda group: group.order
    )


def _told(change: Change, why: Iterable[Reason]) -> tuple[object, ...]:
    """Return what is to be the same of changes that are told together: of operations that come or go nothing but that."""
    if change.kind == "operation" and NO_OPERATION in (change.before, change.after):
        return ("comes",) if change.before == NO_OPERATION else ("goes",)
    return change.before, change.after, *why


def counted(names: Collection[str]) -> str:
    """Return how many operations these are."""
    return many(len(names), "operation")


def many(count: int, what: str) -> str:
    """Return so many of something."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def first_of(names: Sequence[str], most: int = 12) -> str:
    """Return some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
