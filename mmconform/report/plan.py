"""Who would send what, and what is held back and why: the answer of ``--dry-run``."""

from collections.abc import Callable, Collection, Iterator, Sized
from itertools import product

from mmconform.contract.clause import Operation
from mmconform.report.folded import WIDTH, folded
from mmconform.servers.target import Target
from mmconform.world.people import PERSONAS

#: Whether somebody may send an operation about somebody's resource: nothing, or why not.
Refuses = Callable[[Operation, str, str], str]
#: What is said of each caller and kind of resource; nothing where it is sent.
_Said = dict[tuple[str, str], str]

#: Whose resource, as in :class:`mmconform.wire.exchange.Exchange`.
ABOUT = {"self": "their own", "other": "somebody else's", "nobody": "nobody's"}
_ALL = "all callers"


def plan(target: Target, operations: Collection[Operation], refuses: Refuses, tests: int, width: int = WIDTH) -> str:
    """Return the plan of a run for a person: the operations that the version has, grouped by who sends them.

    Nobody looked at a live server for it, so that it says of what it is true: of an empty one that has everything switched on.

    Args:
        operations: Those that are asked, in a collection that can be read twice.
        refuses: What the guard says of an operation, a persona and a resource.
        tests: How many hand-written tests there are; they pass by the same guard.
    """
    every = list(product(PERSONAS, ABOUT))
    absent = sorted(operation.id for operation in operations if operation.exists_in(target.version) is False)
    operations = [operation for operation in operations if operation.id not in absent]
    said = {operation.id: {(who, about): refuses(operation, who, about) for who, about in every} for operation in operations}
    held = sum(bool(reason) for reasons in said.values() for reason in reasons.values())
    where = "" if target.is_recorded else "To an empty server of this version that has everything switched on a run would send: "
    head = (
        f"Dry run on {target.name}: nothing was sent that changes anything. {where}"
        f"{_operations(said)}, asked by {len(PERSONAS)} callers (those of every operation; single tests make others) "
        f"about {', '.join(ABOUT.values())}: of "
        f"{len(said) * len(every)} combinations {len(said) * len(every) - held} are sent and {held} held back; "
        f"{tests} hand-written tests keep to the same"
    )
    spent = sorted(operation.id for operation in operations if operation.consumes)
    beside = [
        *_listed("sent by everybody, about what is made for the request and consumed by it", spent, width),
        *_listed("not in this version, which is asked only whether that is so", absent, width),
    ]
    return "\n".join([*folded(head, width), "", *_groups(said, width), *beside])


def _operations(named: Sized) -> str:
    return f"{len(named)} operation{'' if len(named) == 1 else 's'}"


def _listed(head: str, operations: list[str], width: int) -> Iterator[str]:
    if operations:
        yield from folded(f"{head}: {_operations(operations)}", width)
        yield from folded(", ".join(operations), width, " " * 4)


def _groups(said: dict[str, _Said], width: int) -> Iterator[str]:
    for senders, reasons, operations in sorted(_alike(said), key=lambda group: (-_rank(group[0]), -len(group[2]), group[0])):
        yield from folded(f"{_headline(senders)}: {_operations(operations)}", width)
        for reason in reasons:
            yield from folded(f"{'held back from all others' if senders else 'held back'}: {reason}", width, "  ", " " * 4)
        yield from folded(", ".join(operations), width, " " * 4)
        yield ""


def _alike(said: dict[str, _Said]) -> list[tuple[str, tuple[str, ...], list[str]]]:
    """Return who sends, why others do not, and the operations of which that is so."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for operation, reasons in said.items():
        why = tuple(sorted({reason for reason in reasons.values() if reason}))
        groups.setdefault((_senders(reasons), why), []).append(operation)
    return [(senders, why, operations) for (senders, why), operations in groups.items()]


def _senders(reasons: _Said) -> str:
    """Return who sends an operation, with about whose resource where not about everybody's; nothing when nobody does."""
    if not any(reasons.values()):
        return _ALL
    about = {who: tuple(whose for whose in ABOUT if not reasons[who, whose]) for who in PERSONAS}
    if not any(about.values()):
        return ""
    missing = [who for who, whose in about.items() if not whose]
    partly = any(whose and len(whose) < len(ABOUT) for whose in about.values())
    if len(missing) == 1 and not partly:
        return f"all but {missing[0]}"
    same = len({whose for whose in about.values() if whose}) == 1
    names = [who for who, whose in about.items() if whose]
    if same:
        return ", ".join(names) + _only(about[names[0]])
    return ", ".join(who + _only(whose) for who, whose in about.items() if whose)


def _only(whose: tuple[str, ...]) -> str:
    return "" if len(whose) == len(ABOUT) else f" (about {' and '.join(ABOUT[about] for about in whose)})"


def _headline(senders: str) -> str:
    return f"sent by {senders or 'nobody'}"


def _rank(senders: str) -> int:
    return 2 if senders == _ALL else 1 if senders else 0
