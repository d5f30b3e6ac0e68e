"""`mmconform deviations`: what is known to be broken."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import NamedTuple

from mmconform.commands.shared import FINE, add_format
from mmconform.contract.build import build
from mmconform.contract.clause import RULES, Contract
from mmconform.documents.load import load
from mmconform.errors import MisuseError
from mmconform.judging import deviations
from mmconform.judging.deviations import Deviation
from mmconform.report.alike import many
from mmconform.report.markdown import code, inert
from mmconform.version import Version
from mmconform.wire.tape import tape
from mmconform.world.behaviours import is_newer, newest

EXAMPLE = """mmconform deviations --verdict documentation --format markdown
  mmconform deviations --operation 'Get*Token*' --rule permission --version-of 11.0.3"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--operation",
        metavar="PATTERN",
        action="append",
        default=[],
        help="only operations like this, as for pytest (repeatable)",
    )
    parser.add_argument(
        "--rule", choices=RULES, action="append", default=[], help="only promises of this kind, as for pytest (repeatable)"
    )
    parser.add_argument("--verdict", choices=deviations.VERDICTS, help="only those for which this is to blame")
    parser.add_argument(
        "--version-of",
        metavar="VERSION",
        type=_version,
        help="only those that hold in this version, whether or not a record shows them; of one's first parts (11.0), as in a "
        "target, the newest that is recorded",
    )
    add_format(parser, "markdown")


class _Asked(NamedTuple):
    """A version, and the tape that stands for it where only its first parts were given; else nothing."""

    text: str
    version: Version
    stands_for_it: str = ""


def _version(text: str) -> _Asked:
    parts = text.strip().removeprefix("v")
    recorded = tape.begun_by(parts) if parts.count(".") < len(Version._fields) - 1 else ""
    try:
        return _Asked(text, Version.parse(recorded or text), recorded)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(options: argparse.Namespace) -> int:
    contract = build(load().document)
    asked: _Asked | None = options.version_of
    shown = [
        d
        for d in _about(contract, options.operation, options.rule)
        if options.verdict in (None, d.verdict) and (asked is None or d.is_in(asked.version))
    ]
    print(_listed(options, contract, shown))
    if remark := _remark(asked) if asked else "":
        print(remark, file=sys.stderr)  # at the end, where it is still to be seen
    return FINE


def _remark(asked: _Asked) -> str:
    """Return which version was told, or how it is known what one shows that nobody recorded; nothing of one that is on tape."""
    version = asked.version
    if asked.stands_for_it:
        return f"{asked.text} is taken as {asked.stands_for_it}, the newest that is recorded"
    if is_newer(version):
        return f"our data tell of versions to {newest()}; {version} is on no tape, and told by the newest rules"
    tapes = tape.every()  # a package has none
    if not tapes or version in map(Version.parse, tapes):
        return ""
    near = [name for name in tapes if Version.parse(name)[:2] == version[:2]]
    recorded = f" ({', '.join(near)} {'is' if len(near) == 1 else 'are'})" if near else ""
    return f"{version} is on no tape{recorded}: it is told by the versions that entries name"


def _listed(options: argparse.Namespace, contract: Contract, shown: list[Deviation]) -> str:
    if options.format == "json":
        return json.dumps([{**asdict(d), "personas": sorted(d.personas), "versions": str(d.versions)} for d in shown], indent=2)
    entries = deviations.by_entry(shown)
    lines = [line for entry in entries.values() for line in _told(contract, entry, is_markdown=options.format == "markdown")]
    all_, about = len(deviations.by_entry(deviations.load(contract))), many(len({d.clause for d in shown}), "promise")
    count = f"{len(entries)} of " * (len(entries) < all_) + many(all_, "known deviation")
    lines.append(f"{count} on our list, about {about}, seen in a record or not" if shown else f"nothing known{_asked(options)}")
    return "\n".join(lines)


def _about(contract: Contract, patterns: Sequence[str], rules: Sequence[str]) -> list[Deviation]:
    """Return the known deviations of operations like these, or of all, and of these rules, or of all.

    Raises:
        MisuseError: the documents have no operation like one of these.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in contract.operations):
            what = f"{contract.suggestion(pattern)}`mmconform contract` lists them"
            raise MisuseError(f"--operation {pattern}: the documents describe no such operation; {what}")
    return [
        d
        for d in deviations.load(contract)
        if not patterns or any(fnmatchcase(contract.clauses[d.clause].operation, pattern) for pattern in patterns)
        if not rules or contract.clauses[d.clause].rule in rules
    ]


def _asked(options: argparse.Namespace) -> str:
    """Return what narrowed the list, as it was written."""
    given = [f"--operation {pattern}" for pattern in options.operation] + [f"--rule {rule}" for rule in options.rule]
    given += [f"--verdict {options.verdict}"] if options.verdict else []
    given += [f"--version-of {options.version_of.text}"] if options.version_of else []
    return f" for {' '.join(given)}" if given else ""


def _told(contract: Contract, entry: list[Deviation], *, is_markdown: bool) -> list[str]:
    """Return the lines about one entry of the list."""
    text, literal = (inert, code) if is_markdown else (str, str)
    first = entry[0]
    names = ", ".join(map(literal, dict.fromkeys(d.clause for d in entry)))
    places: dict[str, list[str]] = {}
    for clause in (contract.clauses[name] for name in dict.fromkeys(d.clause for d in entry)):
        places.setdefault(clause.text, []).append(clause.place)
    seen = ", ".join(map(literal, dict.fromkeys(d.signature for d in entry)))
    lines = [f"{text(promise)} ({', '.join(map(literal, dict.fromkeys(at)))})" for promise, at in places.items()]
    lines += [f"{seen}, by {', '.join(sorted(first.personas))}", text(first.reason.strip()), text(first.evidence.strip())]
    title, item = ("## {}", "- {}") if is_markdown else ("{}", "  {}")
    closed = [""] if is_markdown else []
    return [title.format(f"{names}, {first.versions}: {first.verdict}"), *closed, *map(item.format, lines), *closed]
