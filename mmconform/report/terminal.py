"""The record of a run as a table for the terminal."""

import io
import os
from collections.abc import Collection, Iterator, Mapping
from shlex import quote

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmconform.contract.clause import RULES, Contract, Rule
from mmconform.errors import plain
from mmconform.judging.judge import GAP
from mmconform.record.record import Record
from mmconform.record.rows import FindingRow
from mmconform.report.failure import Failure, failures
from mmconform.report.folded import folded
from mmconform.report.marks import EVERY_MARK, MANY, MARKS, NEW_FINDING
from mmconform.report.summary import (
    Cell,
    held_back,
    in_each_state,
    kept_though_known,
    left_out_by_us,
    newer_than_known,
    problems,
    skip_reasons,
    table,
    together,
    unanswered,
    unobserved,
    unserved,
    why_red,
)
from mmconform.safety.guard import WOULD_DO_HARM
from mmconform.world.behaviours import gate_in_words
from mmconform.world.features import features

_HEADINGS = {"permission": "perm."}
_SHORT = {"status": "stat", "schema": "schem", "input": "inp", "permission": "perm"} | {
    "secret": "secr",
    "paging": "page",
    "effect": "eff",
}
#: Before lines that go on, or stand below a head.
_BELOW = " " * 6
_WIDE, _NARROWEST = 92, 80
#: In fewer columns all lines of many servers are in fewer words: one wording for all of them.
_WIDE_FOR_LINES = 100
#: So many columns it takes to say of a tag's operations all that was seen; in fewer, the worst.
_WIDE_FOR_TAGS = 130


def show(contract: Contract, record: Record, *, colour: bool, width: int) -> str:
    """Return the table, the legend and the verdict of one record."""
    text = io.StringIO()
    console = _console(text, colour=colour, width=width)
    server = record.header.server
    edition = f"{server.edition} edition, build {server.build or 'unknown'} {server.commit[:10]}".rstrip()
    unmet = kept_though_known(contract, record)
    rows = table(contract, record, unmet)
    asked = {operation: cells for operation, cells in rows.items() if any(c.state != "unobserved" for c in cells.values())}
    is_folded = len(asked) > MANY
    grid = Table(
        title=Text(plain(f"Mattermost {server.name} ({edition})")),
        title_justify="left",
        box=None,
        padding=(0, 1),
        collapse_padding=True,
        pad_edge=False,
    )
    heads = [(_SHORT if width < _WIDE else _HEADINGS).get(rule, rule) for rule in RULES]
    room = console.width - sum(len(head) + 1 for head in heads)  # a name may be cut there: where it is new it is told below
    grid.add_column("tag (operations)" if is_folded else "operation", no_wrap=True, max_width=room)
    for head in heads:
        grid.add_column(head, justify="center", no_wrap=True)
    tells_worst = is_folded and width < _WIDE_FOR_TAGS
    for name, cells in _folded(contract, asked) if is_folded else asked.items():
        grid.add_row(name, *(_cell(cells.get(rule), tells_worst=tells_worst) for rule in RULES))
    console.print(grid)
    used = {state for cells in asked.values() for cell in cells.values() for state in cell.counts}
    legend = [Text.assemble((mark.sign, mark.style), f" {mark.meaning}") for state, mark in EVERY_MARK.items() if state in used]
    if is_folded or any(sum(cell.counts.values()) > 1 for cells in asked.values() for cell in cells.values()):
        of_each = f", of each the worst ({_WIDE_FOR_TAGS} columns show all)" if tells_worst else ""
        legend.append(Text(f"a number: so many promises{of_each}"))
    if width < _WIDE:
        legend += [Text(f"{short}: {rule}") for rule, short in _SHORT.items()]
    for told in _in_lines(legend, console.width):
        console.print(told, soft_wrap=True)
    for detail in _details(contract, record, unmet):
        for line in folded(detail.strip(), console.width, "  ", " " * 6):
            console.print(line, soft_wrap=True, markup=False)
    for line in _rest(contract, record, [operation for operation in rows if operation not in asked]):
        console.print(line)
    for failure in failures(contract, record):
        if failure.standing == "new":
            console.print(*_new(failure, console.width), sep="\n", soft_wrap=True)
    for finding in record.findings:
        if finding.standing == "new":
            console.print(*_finding(finding, console.width), sep="\n", soft_wrap=True)
    console.print(_verdict(contract, record, console.width), soft_wrap=True)
    return "\n".join(line.rstrip() for line in text.getvalue().rstrip("\n").split("\n"))


def show_briefly(contract: Contract, record: Record, *, colour: bool, width: int) -> str:
    """Return one line: which server, and the verdict, why it is red first, in so many words as the width has room for."""
    text, name = io.StringIO(), plain(record.header.server.name)
    line = Text(f"{name:10}").append(_verdict(contract, record, width, is_line=True, is_short=width < _WIDE_FOR_LINES))
    line.truncate(max(width, _NARROWEST), overflow="ellipsis")
    _console(text, colour=colour, width=width).print(line, soft_wrap=True)
    return text.getvalue().rstrip()


def _console(text: io.StringIO, *, colour: bool, width: int) -> Console:
    return Console(
        file=text,
        force_terminal=colour,
        no_color=not colour or "NO_COLOR" in os.environ,
        width=max(width, _NARROWEST),
        highlight=False,
        markup=False,  # what a server or a document calls itself is text
        emoji=False,
    )


def _folded(contract: Contract, rows: Mapping[str, Mapping[Rule, Cell]]) -> Iterator[tuple[str, Mapping[Rule, Cell]]]:
    """Yield one row for all the operations of a tag, and below it each of them that broke a promise in a way that is new."""
    tags: dict[str, list[str]] = {}
    for operation in rows:
        tags.setdefault(next(iter(contract.operations[operation].tags), "without a tag"), []).append(operation)
    for tag, operations in sorted(tags.items(), key=lambda one: one[0].casefold()):
        yield f"{plain(tag)} ({len(operations)})", together(rows[operation] for operation in operations)
        yield from (
            (f"  {operation}", rows[operation])
            for operation in operations
            if any(c.state == "new" for c in rows[operation].values())
        )


def _in_lines(entries: list[Text], width: int) -> Iterator[Text]:
    """Yield the entries of a legend, none of them broken, in as few lines as the width has room for."""
    line = Text()
    for entry in entries:
        if line and line.cell_len + len("   ") + entry.cell_len > width:
            yield line
            line = Text()
        line = Text.assemble(line or " ", "   " if line else " ", entry)
    yield line


def _cell(cell: Cell | None, *, tells_worst: bool) -> Text:
    if cell is None:
        return Text("")
    text = Text()
    for state, count in list(cell.counts.items())[: 1 if tells_worst else None]:
        mark = EVERY_MARK[state]
        text.append(mark.sign + (str(count) if sum(cell.counts.values()) > 1 else ""), mark.style)
    return text


def _new(failure: Failure, width: int) -> list[Text]:
    mark = MARKS["new"]
    tests = "one test" if len(failure.tests) == 1 else f"{len(failure.tests)} tests"
    first = plain(failure.tests[0].rpartition("/")[2])
    seen = f"{plain(failure.seen)}\nasked by {failure.asked_by}; in {tests}, first {first}"
    head = Text("  ").append(f"{mark.sign} {failure.clause.id}", mark.style).append(f" ({failure.clause.place})")
    return [head, *_below(seen, width)]


def _finding(finding: FindingRow, width: int) -> list[Text]:
    head = Text(f"  principle {finding.principle}: ").append(f"{finding.operation}, {plain(finding.field)}", "bold")
    sides = "\n".join(
        f"{side.method} {plain(side.url)} by {side.credential or 'nobody'}: {side.status}" for side in finding.evidence
    )
    seen = f"{plain(finding.seen)}\nfor {', '.join(finding.personas)}\n{sides}"
    return [head, *_below(seen, width)]


def _below(text: str, width: int) -> Iterator[Text]:
    """Yield lines that stand below a head."""
    for line in text.split("\n"):
        yield from map(Text, folded(line, width, _BELOW))


def _rest(contract: Contract, record: Record, silent: list[str]) -> Iterator[str]:
    """Yield how many operations with how many promises are not in the table: not asked, or nothing of these was seen."""
    sent = {row.operation for row in record.operations if row.sent}
    kinds = {"not asked": [o for o in silent if o not in sent], "asked, and nothing judged": [o for o in silent if o in sent]}
    for what, operations in kinds.items():
        if operations:
            promises = sum(1 for operation in operations for _ in contract.of(operation))
            yield f"  {what}: {_many(len(operations), 'other operation')}, with {_many(promises, 'promise')}"


def _many(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _details(contract: Contract, record: Record, unmet: Collection[str]) -> list[str]:
    skipped = skip_reasons(contract, record)
    counts = record.footer.reasons
    lines = [f"  note: {plain(sentence)}" for sentence in newer_than_known(record)]
    for reason, operations in skipped.items():
        many = f"{counts[reason]} promises of " if counts.get(reason, 0) > len(operations) else ""
        why = _why_not_here(record) if reason == "not-on-this-target" else ""
        lines.append(f"  skipped, {plain(reason)}: {many}{_named(operations)}{why}")
    lines += [f"  nobody asked as {persona}: {plain(why)}" for persona, why in record.footer.absent.items()]
    lines += [f"  not played, {plain(told)}" for told in left_out_by_us(record)]
    if unmet:
        lines.append(f"  known to be broken in this version, and not met by what was asked here: {', '.join(unmet)}")
    for reason, requests in held_back(record).items():
        many = f"{_many(sum(requests.values()), 'request')} to {_many(len(requests), 'operation')}"
        which = "--dry-run tells which" if reason == WOULD_DO_HARM else _named([*requests])
        lines.append(f"  not sent, {plain(reason)}: {many} ({which})")
    gated: dict[str, list[str]] = {}
    for row in record.operations:
        if row.gate:
            gated.setdefault(row.gate, []).append(row.operation)
    told: dict[str, list[str]] = {}
    for gate, names in sorted(gated.items()):
        told.setdefault(gate_in_words(gate), []).append(f"{_named(names)} ({plain(gate)})")
    if gaps := sorted({row.operation for row in record.observations if row.signature == GAP}):
        lines.append(
            f"  gaps of the document, refusals that it does not declare: {_many(len(gaps), 'operation')}, {_named(gaps)}"
        )
    lines += [f"  not offered here, {why}: {'; '.join(operations)}" for why, operations in sorted(told.items())]
    for_principles = sum(row.for_principles for row in record.operations)
    if record.findings or for_principles:
        new, known = (sum(1 for finding in record.findings if finding.standing == standing) for standing in ("new", "known"))
        found = f"{new} new finding{'s' * (new != 1)}, {known} known"
        but = "" if record.footer.counted else " and make no run red"
        means = f" ({NEW_FINDING})" if new else ""
        lines.append(f"  principles: {found}, of {for_principles} answers with a 2xx; they break no promise{but}{means}")
    if without := unanswered(record):
        lines.append(f"  no answer in time: {plain(without)}")
    if silent := sorted({finding.operation for finding in record.findings if finding.standing == "gap"}):
        what = f"{_many(len(silent), 'operation')}, {_named(silent)}"
        lines.append(f"  gaps of the document, properties that are accepted and listed nowhere: {what}")
    sent = sum(row.sent for row in record.operations)
    reached = sum(row.reached for row in record.operations)
    lines.append(f"  {sent} requests judged, {reached} of them valid and about something that exists")
    if len(record.operations) > MANY:
        lines.append(
            f"  of {len(record.operations)} operations {sum(1 for row in record.operations if row.sent)} were asked, "
            f"{sum(1 for row in record.operations if row.served)} served somebody, and of "
            f"{sum(1 for row in record.operations if row.is_decisive)} it was seen who is let in and who is not"
        )
    nobodys, of_nothing = unserved(contract, record)
    if nobodys:
        lines.append(f"  asked, and nobody was served, which no answer explains: {_named(nobodys)}")
    if of_nothing:
        lines.append(f"  asked about what no run can make, so that it is seen who is let in alone: {_named(of_nothing)}")
    return lines + [f"  {kind}: {plain(sentence)}" for kind, sentence in problems(record)]


def _why_not_here(record: Record) -> str:
    """Return what a live server, or a run on it, lacks of what was skipped for that, where it is known, and who says more.

    That command looks at what is switched off, and not at what single requests meet.
    """
    rows = (row for row in record.observations if row.outcome == "skip" and row.signature == "not-on-this-target")
    known = sorted({plain(row.seen) for row in rows if row.seen not in ("", row.signature)})
    asked = plain(" ".join(["mmconform doctor", record.header.target, *map(quote, record.header.documents)]))
    looks = not known or any(one.arranged and one.name in words for one in features().values() for words in known)
    says = [f"`{asked}` says {'more' if known else 'why'}"] if looks and "://" in record.header.target else []
    return f" ({'; '.join(known + says)})" if known or says else ""


def _named(operations: list[str]) -> str:
    """Return the names of operations, of very many only the first."""
    more = f" and {len(operations) - MANY} more" if len(operations) > MANY else ""
    return ", ".join(operations[:MANY]) + more


def _verdict(contract: Contract, record: Record, width: int, *, is_line: bool = False, is_short: bool = False) -> Text:
    """Return the verdict, with counts that are together all promises; what nobody saw below them where a line has no room for it.

    Args:
        is_line: One line is all that there is room for.
    """
    footer, promises, in_error = record.footer, len(contract.clauses), in_each_state(contract, record)["error"]
    text = Text("  ")
    text.append("GREEN" if footer.green else "RED", "bold green" if footer.green else "bold red")
    verified = f"{footer.verified} of {promises}" if is_short else f"verified {footer.verified} of {promises} promises"
    why = "" if footer.green else f"{', '.join(why_red(footer))}; "
    is_told = is_line and not footer.green  # what is new or in error is a reason, and one line has no room for it twice
    text.append(f"  {why}{verified}: {footer.kept} kept, {footer.known} known" + ("" if is_told else f", {footer.new} new"))
    text.append(_counted((footer.skipped, "skipped"), (0 if is_told else in_error, "in error")))
    asked, others = map(len, unobserved(contract, record))
    unseen = _counted((asked + others, "unobserved")) + f" ({others} not asked for)" * bool(others and not is_line)
    has_room = is_line or text.cell_len + len(unseen) <= width
    return text.append(unseen if has_room else f",\n{_BELOW}{unseen[2:]}")


def _counted(*counts: tuple[int, str]) -> str:
    return "".join(f", {count} {word}" for count, word in counts if count)
