"""Changes of which the same is to be said, told once, in the order in which they matter."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mmconform.judging.changes import EFFECTS, Change, flat, severity
from mmconform.world.people import CALLERS

#: The least powerful first; who is none of these (a bot, the holder of a single permission) comes before the administrator.
_POWER = {caller: i for i, caller in enumerate((*CALLERS[:-1], "", CALLERS[-1]))}


@dataclass(frozen=True)
class Alike:
    """The same change of one operation or several, for the same reasons."""

    changes: tuple[Change, ...]
    reasons: tuple[str, ...]

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


def alike(changes: Iterable[Change], reasons: Mapping[Change, str]) -> list[Alike]:
    """Return changes with what is alike together.

    Args:
        reasons: Why each change, and each promise that is told with it, came about; empty where nobody knows.
    """
    groups: dict[tuple[str, ...], list[Change]] = {}
    whys: dict[tuple[str, ...], tuple[str, ...]] = {}
    for change in changes:
        why = tuple(dict.fromkeys(reasons[one] for one in flat([change]) if reasons[one]))
        key = (change.effect, str(severity(change)), change.kind, change.before, change.after, *why)
        groups.setdefault(key, []).append(change)
        whys[key] = why
    return sorted((Alike(tuple(of_group), whys[key]) for key, of_group in groups.items()), key=lambda group: group.order)


def power(persona: str) -> tuple[int, str]:
    """Return what orders callers, the least powerful first."""
    return _POWER.get(persona, _POWER[""]), persona
