"""`mmconform deviations`: what is known to be broken."""

import argparse
import json
from dataclasses import asdict

from mmconform.commands.shared import FINE, add_format
from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.judging import deviations
from mmconform.version import Version

EXAMPLE = "mmconform deviations --verdict documentation --format markdown"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--verdict", choices=deviations.VERDICTS, help="only those for which this is to blame")
    parser.add_argument("--version-of", metavar="VERSION", type=_version, help="only those that this version shows")
    add_format(parser, "markdown")


def _version(text: str) -> Version:
    try:
        return Version.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(options: argparse.Namespace) -> int:
    contract = build(load().document)
    shown = [
        d
        for d in deviations.load(contract)
        if options.verdict in (None, d.verdict) and (options.version_of is None or d.is_in(options.version_of))
    ]
    if options.format == "json":
        print(json.dumps([{**asdict(d), "personas": sorted(d.personas), "versions": str(d.versions)} for d in shown], indent=2))
        return FINE
    title, item = ("## {}", "- {}") if options.format == "markdown" else ("{}", "  {}")
    for d in shown:
        clause = contract.clauses[d.clause]
        lines = [f"{clause.text} ({clause.place})", f"{d.signature}, by {', '.join(sorted(d.personas))}", d.reason, d.evidence]
        print("\n".join([title.format(f"{d.clause}, {d.versions}: {d.verdict}"), *map(item.format, lines)]))
    print(f"{len(shown)} known deviations" if options.format == "text" else "")
    return FINE
