"""Who would send what, and what is held back and why: the answer of ``--dry-run``."""

from collections.abc import Collection, Mapping

from mmconform.contract.clause import Operation
from mmconform.driving.foretold import Foretold, Situation
from mmconform.driving.outlook import Senders
from mmconform.report.folded import WIDTH, folded
from mmconform.servers.target import Target
from mmconform.world.people import HOLDERS

#: Whose resource, as in :class:`mmconform.wire.exchange.Exchange`.
ABOUT = {"self": "their own", "other": "somebody else's", "nobody": "nobody's"}
_ALL, _NOBODY = "all callers", "nobody"
#: Stands behind what is consumed.
_MARK = "*"

_Reasons = tuple[str, ...]


def plan(target: Target, operations: Mapping[str, Operation], foretold: Foretold, tests: int, width: int = WIDTH) -> str:
    """Return the plan of a run for a person: each operation once, below who sends it.

    Nobody looked at a live server for it, so that it says of what it is true: of an empty one that has everything switched on,
    and what is otherwise where the server is.

    Args:
        tests: How many hand-written tests there are; they pass by the same guard.
    """
    absent = {id_ for id_ in foretold.senders if operations[id_].exists_in(target.version) is False}
    callers = {who for said in foretold.senders.values() for who, _ in said} - HOLDERS.keys()
    ways = [why for said in foretold.senders.values() for why in said.values()]
    held = sum(map(bool, ways))
    where = "" if target.is_recorded else "To an empty server of this version that has everything switched on a run would send: "
    more = _elsewhere(dict(foretold.counted()))
    asking = f"asked by {len(callers)} caller{'s' * (len(callers) != 1)} (those of every operation; single tests make others)"
    head = (
        f"Dry run on {target.name}: nothing was sent that changes anything. {where}"
        f"{_operations(foretold.sent())} of {len(foretold.senders)}{more}, {asking} about "
        f"{', '.join(_abouts(foretold))}: of {len(ways)} combinations {len(ways) - held} are sent and {held} held back; "
        f"{tests} hand-written tests keep to the same"
    )
    lines = [*folded(head, width), ""]
    for headline, reasons in _groups(foretold, len(callers), absent).items():
        lines += folded(f"{headline}: {_operations([id_ for ids in reasons.values() for id_ in ids])}", width)
        for why, ids in sorted(reasons.items(), key=lambda one: (-len(one[1]), one[0])):
            lines += [line for reason in why for line in folded(reason, width, "  ", " " * 4)]
            lines += folded(", ".join(id_ + _MARK * bool(operations[id_].consumes) for id_ in ids), width, " " * 4)
        lines.append("")
    if any(operations[id_].consumes for id_ in foretold.senders):
        lines += [*folded(f"{_MARK} about what is made for the request, which consumes it", width), ""]
    return "\n".join(lines[:-1])


def _elsewhere(counted: Mapping[Situation, int]) -> str:
    """Return how many operations are sent in which other situations, in words that leave nothing to be added up."""
    most = max((len(where.lacks) for where in counted), default=0)
    said = ""
    for where, many in counted.items():
        more = " (as a team edition without a licence does)" if len(where.lacks) == most else " alone"
        said += f", {many} where {str(where).replace('the server', 'it') if said else where}{more * bool(where.lacks)}"
    return said


def _abouts(foretold: Foretold) -> list[str]:
    named = {about for said in foretold.senders.values() for _, about in said}
    return [words for about, words in ABOUT.items() if about in named]


def _operations(named: Collection[str]) -> str:
    return f"{len(named)} operation{'' if len(named) == 1 else 's'}"


def _groups(foretold: Foretold, callers: int, absent: Collection[str]) -> dict[str, dict[_Reasons, list[str]]]:
    """Return who sends, with the operations of which that is so by why others do not: what most send first."""
    groups: dict[tuple[int, str], dict[_Reasons, list[str]]] = {}
    for id_, said in foretold.senders.items():
        by = _by(said, callers)
        otherwise = [f"; where {where}: by {_by(senders, callers)}" for where, senders in foretold.otherwise(id_)]
        is_gone = id_ in absent and by != _NOBODY
        gone = " (not in this version, which is asked only whether that is so)" * is_gone
        why = f"held back{'' if by == _NOBODY else ' from all others'}: "
        reasons = tuple(why + reason for reason in sorted({reason for reason in said.values() if reason}))
        rank = 4 if is_gone else 0 if by.startswith(_ALL) else 1 if by != _NOBODY else 2 if otherwise else 3
        groups.setdefault((rank, f"sent by {by}{gone}{''.join(otherwise)}"), {}).setdefault(reasons, []).append(id_)

    def size(group: tuple[int, str]) -> int:
        return sum(map(len, groups[group].values()))

    return {group[1]: groups[group] for group in sorted(groups, key=lambda group: (group[0], -size(group), group[1]))}


def _by(said: Senders, callers: int) -> str:
    """Return who sends an operation, with about whose resource where that is the same for all of them.

    Args:
        callers: How many there are, near misses apart.
    """
    who = dict.fromkeys(name for name, _ in said if name not in HOLDERS)
    about = {name: tuple(whose for whose in ABOUT if said.get((name, whose)) == "") for name in who}
    sending = [name for name in who if about[name]]
    is_partly = any(said.get((name, whose)) for name in sending for whose in ABOUT)
    missing = [name for name in who if not about[name]]
    names = ", ".join(sending)
    if len(sending) == callers > 1:
        names = _ALL
    elif len(sending) == callers - 1 > 0 and len(missing) == 1:
        names = f"all but {missing[0]}"
    if is_partly and len({about[name] for name in sending}) == 1:
        names += f" (about {' and '.join(ABOUT[whose] for whose in about[sending[0]])})"
    elif is_partly:
        names += " (not about everybody's)"
    near = "near misses" * any(not why for (name, _), why in said.items() if name in HOLDERS)
    return " and ".join(filter(None, (names, near))) or _NOBODY
