"""What probes would ask of a server, on one screen: the answer of `mmconform doctor --spec`."""

from collections import Counter
from collections.abc import Iterable, Iterator

from mmconform.driving.outlook import WHY, Outlook, Prospect
from mmconform.errors import plain
from mmconform.report.folded import WIDTH, folded

#: So many names are told of many.
_MANY = 6
_INDENT = " " * 16


def outlook_lines(outlook: Outlook, width: int = WIDTH) -> Iterator[str]:
    """Yield the lines for a person; which operation is meant, the answer for machines tells."""
    asked = outlook.asked
    requests = sum(prospect.requests for prospect in asked)

    def told(head: str, text: str) -> list[str]:
        return folded(text, width, f"  {head:13} ", _INDENT)

    yield from told("probes", f"ask {len(asked)} of {len(outlook.prospects)} operations, with some {requests} requests")
    yield from told("accounts", f"{outlook.accounts} at most, bots among them{_consumed(asked)}")
    made = "a run of everything made 271 on 11.1.0, of which 81 were active at one time"
    yield from told("", f"by probes alone, near misses and principles make more: {made}")
    for reason, count in Counter(prospect.reason for prospect in outlook.prospects if prospect.reason).most_common():
        head = "not there" if reason == "not-in-version" else "not asked"
        yield from told(head, f"{count}, {reason}: {WHY[reason]}{_named(outlook, reason)}")
    for need, count in Counter(need for prospect in asked for need in prospect.needs).most_common():
        yield from told("may be gated", f"{count} of those asked: the server has not what they need, {need}")
    yield from told("by tag", f"asked of all: {', '.join(_by_tag(outlook.prospects))}")


def _consumed(asked: Iterable[Prospect]) -> str:
    consumers = [f"{prospect.operation} {prospect.accounts}" for prospect in asked if prospect.accounts]
    return f"; of these, consumed by {', '.join(consumers)}" if consumers else ""


def _named(outlook: Outlook, reason: str) -> str:
    if reason != "unknown-identifier":
        return ""
    names = [f"{plain(name)} {count}" for name, count in outlook.unknown.items()]
    more = f" and {len(names) - _MANY} others" if len(names) > _MANY else ""
    return f" ({', '.join(names[:_MANY])}{more})"


def _by_tag(prospects: Iterable[Prospect]) -> Iterator[str]:
    all_, asked = Counter[str](), Counter[str]()
    for prospect in prospects:
        all_[plain(prospect.tag)] += 1
        asked[plain(prospect.tag)] += not prospect.reason
    yield from (f"{tag} {asked[tag]}/{count}" for tag, count in sorted(all_.items()))
