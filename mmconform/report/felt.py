"""Who would feel what changed: what is refused or fails that was served, and what is served that was not.

And whom the earlier server alone was seen to serve: what the later one says to that, nobody asked.
"""

from collections.abc import Collection, Iterable
from typing import Literal, get_args

from mmconform.judging.changes import Caller, Change, ServedAlone
from mmconform.report.alike import first_of
from mmconform.report.not_shown import NotShown
from mmconform.report.requests import Requests, share
from mmconform.world.people import power

#: What becomes of requests that are served on one side, worst first.
_Felt = Literal["refused", "fails", "served before, and now not tried", "served"]
_FELT: tuple[_Felt, ...] = get_args(_Felt)
#: Of operations, what changed in each, with how a caller met it.
_Met = dict[str, list[tuple[Change, Caller]]]
#: What is said of operations before and behind their names.
_How = tuple[str, str]
#: Of whom our lists say nothing.
_ANYBODY = "anybody who asks as our lists say above"
#: So many kinds of requests are named.
_FEW_KINDS = 2


def felt(
    changes: Iterable[Change],
    not_shown: Iterable[NotShown],
    requests: Requests,
    served: Iterable[ServedAlone] = (),
    *,
    is_brief: bool,
) -> list[str]:
    """Return a line for all callers who feel the same, the least powerful first.

    Args:
        not_shown: What is known of whoever one of the two servers only was asked as.
        served: Whom the earlier server alone was seen to serve; of those whose loss is known they are told already.
        is_brief: Which of their requests it is need not be told, but how many of how many to each operation.
    """
    found: dict[tuple[str, _Felt], dict[_How, list[str]]] = {}
    for (persona, way, _), of_kind in _alike(changes, requests, is_brief=is_brief).items():
        how = _in_brief(way, of_kind) if is_brief else _with_kinds(of_kind, requests)
        found.setdefault((persona, way), {}).setdefault(how, []).extend(of_kind)
    for one in not_shown:
        if becomes := _becomes(one.before, one.after):
            for persona in one.personas or (_ANYBODY,):
                ways = found.setdefault((persona, becomes), {})
                why = "" if is_brief else f": {one.reason.partition('. ')[0].removesuffix('.')}"
                where = ", where what they need is on" if one.is_untried else ""
                ways.setdefault(("", f" (by our lists{where}, not by these requests{why})"), []).extend(one.operations)
    for alone in served:
        is_told = any(alone.operation in names for names in found.get((alone.persona, "refused"), {}).values())
        if not is_told:
            ways = found.setdefault((alone.persona, "served before, and now not tried"), {})
            ways.setdefault(("", ""), []).append(alone.operation)
    lines: dict[str, list[str]] = {}
    for persona in sorted({persona for persona, _ in found}, key=lambda persona: (persona == _ANYBODY, power(persona))):
        told = [f"{way} {_listed(found[persona, way])}" for way in _FELT if (persona, way) in found]
        lines.setdefault("; ".join(told), []).append(persona)
    return [f"{', '.join(who)}: {line}" for line, who in lines.items()]


def _alike(changes: Iterable[Change], requests: Requests, *, is_brief: bool) -> dict[tuple[str, _Felt, str], _Met]:
    """Return what each caller feels, by the kind of requests: the operations, with what changed there and how they met it."""
    operations: dict[tuple[str, _Felt, str], list[tuple[Change, Caller]]] = {}
    for change in changes:
        way = _becomes({change.before}, {change.after})
        if way and change.kind in ("answer", "operation"):
            for persona in change.personas:
                met = operations.setdefault((persona, way, change.operation), [])
                met += [(change, caller) for caller in change.callers if caller.persona == persona]
    found: dict[tuple[str, _Felt, str], _Met] = {}
    for (persona, way, operation), met in operations.items():
        count, of = share(met)
        kinds = requests.kinds(met, _FEW_KINDS, tells_others=True)
        kind = f"{count} of {of}" if is_brief else kinds
        found.setdefault((persona, way, kind), {})[operation] = met
    return found


def _in_brief(way: _Felt, of_kind: _Met) -> _How:
    """Return of how many requests to each of these operations it is told, before their names: behind, it would be the last's."""
    count, of = share(next(iter(of_kind.values())))
    if not of:  # an operation that came or went
        return ("where nobody was: " if way == "served" else "where nobody is any more: "), ""
    return ("in all: " if count == of else f"in {count} of {of}: "), ""


def _with_kinds(of_kind: _Met, requests: Requests) -> _How:
    """Return of how many requests it is told, behind the names of the operations, and of which; of several operations the sum."""
    met = [share(pairs) for pairs in of_kind.values() if pairs]
    if not met:
        return "", ""
    count, of = (sum(side) for side in zip(*met, strict=True))
    which = requests.kinds([pair for pairs in of_kind.values() for pair in pairs], _FEW_KINDS, tells_others=True)
    return "", f" ({'together ' if len(met) > 1 else ''}{count} of {of}: {which})"


def _becomes(before: Collection[str], after: Collection[str]) -> _Felt | None:
    """Return what becomes of requests that are served on one side; nothing where that is unclear, or so of neither or both.

    Args:
        before, after: All that either of the two may say.
    """
    was, is_ = (any(says.startswith("2") for says in side) for side in (before, after))
    if not (before and after) or was == is_:
        return None
    return "served" if is_ else "fails" if all(says.startswith("5") for says in after) else "refused"


def _listed(ways: dict[_How, list[str]]) -> str:
    if not any(before for before, _ in ways):
        return "in " + ", ".join(f"{first_of(sorted(set(names)))}{behind}" for (_, behind), names in ways.items())
    return "; ".join(f"{before or 'in '}{first_of(sorted(set(names)))}{behind}" for (before, behind), names in ways.items())
