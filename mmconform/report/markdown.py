"""Records as Markdown, for the summary of a CI job or a comment."""

import re
from collections.abc import Collection, Sequence

from mmconform.contract.clause import RULES, Contract
from mmconform.errors import plain
from mmconform.judging.deviations import Deviation
from mmconform.record.record import Record
from mmconform.record.rows import FindingRow
from mmconform.report.failure import Failure, failures
from mmconform.report.marks import EVERY_MARK, FINDING_MARKS, KEPT_THOUGH_KNOWN, MARKS, NEW_FINDING
from mmconform.report.summary import (
    Cell,
    kept_though_known,
    left_out_by_us,
    newer_than_known,
    problems,
    skip_reasons,
    table,
    unanswered,
)


def markdown(contract: Contract, records: Sequence[Record], known: Sequence[Deviation] = ()) -> str:
    """Return a headline and a line for each record, the table of each, what is new in full, and what contradicts a principle."""
    lines = ["# Mattermost conformance", "", "| | server | target | verified | kept | known | new | skipped |", "|" + "---|" * 8]
    lines += [_line(contract, record, known) for record in records]
    for record in records:
        lines += ["", *_section(contract, record, known, folded=len(records) > 1)]
    return "\n".join(lines) + "\n"


def _line(contract: Contract, record: Record, known: Sequence[Deviation]) -> str:
    footer, unmet = record.footer, len(kept_though_known(contract, record, known))
    cells = [
        ("✅ green" if footer.green else "❌ red") + (" (a part)" if record.header.selection else ""),
        code(f"Mattermost {record.header.server.name}", in_table=True),
        code(record.header.target, in_table=True),
        f"{footer.verified} of {len(contract.clauses)} promises",
        f"{footer.kept}{f', {unmet} though known' if unmet else ''}",
        str(footer.known),
        f"**{footer.new}**" if footer.new else "0",
        str(footer.skipped),
    ]
    return f"| {' | '.join(cells)} |"


def _section(contract: Contract, record: Record, known: Sequence[Deviation], *, folded: bool) -> list[str]:
    footer, unmet = record.footer, kept_though_known(contract, record, known)
    lines = [
        f"## {code('Mattermost ' + record.header.server.name)}",
        "",
        f"Verified {footer.verified} of {len(contract.clauses)} promises: {footer.new} new, {footer.known} known"
        + (f", {len(unmet)} {KEPT_THOUGH_KNOWN.word}." if unmet else "."),
        "",
        *(f"- {kind}: {sentence}" for kind, sentence in _details(contract, record)),
        *([f"- {KEPT_THOUGH_KNOWN.meaning}: {', '.join(map(code, unmet))}"] if unmet else []),
        "",
    ]
    grid = _grid(contract, record, unmet)
    lines += ["<details><summary>operations × rules</summary>", "", *grid, "", "</details>"] if folded else grid
    for failure in failures(contract, record):
        if failure.standing == "new":
            lines += ["", *_full(failure)]
    return lines + _principles(record)


def _principles(record: Record) -> list[str]:
    """Return a section of its own about what contradicts a principle, since it breaks no promise; only the new is unfolded."""
    if not record.findings:
        return []
    by = {standing: [row for row in record.findings if row.standing == standing] for standing in FINDING_MARKS}
    new, rest = by["new"], [row for standing, rows in by.items() if standing != "new" for row in rows]
    counted = ", ".join(f"{len(rows)} {FINDING_MARKS[standing].word}" for standing, rows in by.items())
    lines = [
        "",
        "### Principles",
        "",
        f"What contradicts one breaks no promise: {counted}{f' ({inert(NEW_FINDING)})' if new else ''}.",
        "",
        *map(_finding, new),
    ]
    if rest:
        lines += ["", "<details><summary>known, and gaps of the document</summary>", "", *map(_finding, rest), "", "</details>"]
    return lines


def _finding(row: FindingRow) -> str:
    what = f"{row.principle}: {code(row.operation)}{', ' + code(row.field) if row.field else ''}"
    beside = f", beside {code(row.beside)}" if row.beside else ""
    who = ", ".join(map(_name, row.personas))
    entry = f" ({code(row.deviation)})" if row.deviation else ""
    return f"- {FINDING_MARKS[row.standing].sign} {what}{beside}, for {who}: {code(row.seen)}{entry}"


def _details(contract: Contract, record: Record) -> list[tuple[str, str]]:
    wrong = [("of a part only", code(record.header.selection))] if record.header.selection else []
    wrong += [(f"**{kind}**", code(sentence)) for kind, sentence in problems(record)]
    skipped = skip_reasons(contract, record).items()
    wrong += [("note", code(sentence)) for sentence in newer_than_known(record)]
    wrong += [(f"nobody asked as {code(persona)}", code(why)) for persona, why in record.footer.absent.items()]
    wrong += [("not played", code(told)) for told in left_out_by_us(record)]
    wrong += [("no answer in time", code(without))] if (without := unanswered(record)) else []
    return wrong + [(f"skipped, {code(reason)}", ", ".join(map(code, operations))) for reason, operations in skipped]


def _grid(contract: Contract, record: Record, unmet: Collection[str]) -> list[str]:
    rows = table(contract, record, unmet)
    states = {state for cells in rows.values() for cell in cells.values() for state in cell.counts}
    return [
        f"| operation | {' | '.join(RULES)} |",
        "|---|" + ":-:|" * len(RULES),
        *(
            f"| {code(operation, in_table=True)} | {' | '.join(_cell(cells.get(rule)) for rule in RULES)} |"
            for operation, cells in rows.items()
        ),
        "",
        ", ".join(f"{mark.sign} {mark.meaning}" for state, mark in EVERY_MARK.items() if state in states),
    ]


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return ""
    several = sum(cell.counts.values()) > 1
    return " ".join(EVERY_MARK[state].sign + (str(count) if several else "") for state, count in cell.counts.items())


def _full(failure: Failure) -> list[str]:
    return [
        f"### {MARKS['new'].sign} {code(failure.clause.id)} as {', '.join(map(_name, failure.personas))}",
        "",
        *_block(failure.explain()),
    ]


def _name(persona: str) -> str:
    return persona if re.fullmatch("[a-z_]+", persona) else code(persona)


def code(text: str, *, in_table: bool = False) -> str:
    """Text as code: nothing in it is markup, a link or a mention. Its fence is longer than any in it."""
    text = plain(text)
    if not text:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text.replace('|', chr(92) + '|') if in_table else text}{padding}{fence}"


#: A line of prose in pieces: what stands between backticks, words, and all else.
_PIECE = re.compile(r"(?<!`)`([^`]+)`(?!`)|[^\s`]+|\s+|`+")
#: A word of which a forge makes a link or a mention.
_LINK = re.compile(r"[@#]\w|://|\bwww\.|\bGH-\d")


def inert(text: str) -> str:
    """Text as a line of prose in which nothing is markup, a link or a mention; what stands between backticks is code."""
    pieces = (
        code(piece[1]) if piece[1] else _word(piece[0]) if _LINK.search(piece[0]) else _escaped(piece[0])
        for piece in _PIECE.finditer(plain(text))
    )
    return "".join(pieces)


def _word(text: str) -> str:
    """A word as code; the brackets around it and the stop after it belong to the sentence."""
    found = re.fullmatch(r"([(\[“]*)(.*?)([)\]”.,;:]*)", text)
    before, inner, after = found.groups() if found else ("", text, "")
    return _escaped(before) + code(inner) + _escaped(after)


def _escaped(text: str) -> str:
    return re.sub(r"[\\`*_\[\]<>|#&~]", r"\\\g<0>", text)


def _block(text: str) -> list[str]:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return [f"{fence}text", *text.split("\n"), fence]
