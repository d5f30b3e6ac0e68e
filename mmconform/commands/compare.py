"""`mmconform compare`: what changed from one server to another."""

import argparse
import json

from mmconform.commands.runs import LIVE_OPTIONS, records_of
from mmconform.commands.shared import FINE, FOUND, add_format
from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.judging.changes import compare
from mmconform.record.record import age
from mmconform.report.comparison import Page

EXAMPLE = "mmconform compare 5.36.1 11.0.3\n  mmconform compare recorded:10.8.1 http://127.0.0.1:8065"


def configure(parser: argparse.ArgumentParser) -> None:
    for side in ("before", "after"):
        parser.add_argument(side, metavar=side.upper(), help="a target (a bare version is its tape) or a record of a run")
    add_format(parser, "markdown")
    for option in LIVE_OPTIONS:
        parser.add_argument(option, action="store_true", help="of a live target, as for pytest")


def run(options: argparse.Namespace) -> int:
    contract = build(load().document)
    chosen = [option for option in LIVE_OPTIONS if vars(options)[option[2:].replace("-", "_")]]
    before, after = records_of([options.before, options.after], chosen)
    for record in (before, after):
        age(record)  # which says whether it tells its version
    page = Page(contract, before, after, compare(contract, before, after))
    shown = {"text": page.text, "markdown": page.markdown}.get(options.format)
    print(shown() if shown else json.dumps(page.json(), indent=2, ensure_ascii=False))
    return FOUND if any(change.effect == "worse" for change in page.comparison.changes) else FINE
