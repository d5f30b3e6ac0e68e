"""`mmconform report`: records as a page, in a format for CI, or as notebooks."""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mmconform.commands.shared import FINE, confirm_folder, write
from mmconform.contract.build import build
from mmconform.contract.clause import Contract
from mmconform.documents.load import load
from mmconform.errors import MisuseError
from mmconform.judging import deviations, known_changes
from mmconform.judging.deviations import Deviation
from mmconform.paths import IS_CHECKOUT, REPORTS
from mmconform.prove import prove
from mmconform.record import choose
from mmconform.record.record import Record, age, check, find
from mmconform.report.badge import badge
from mmconform.report.github import github
from mmconform.report.har import har
from mmconform.report.junit import junit
from mmconform.report.markdown import markdown
from mmconform.report.neighbours import side_by_side
from mmconform.report.page import as_html
from mmconform.report.sarif import sarif
from mmconform.wire.tape import tape

EXAMPLE = "mmconform report 11.0.3 my-run/observations.jsonl --output page.html\n  mmconform report 5.36.1 --format junit"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "records",
        nargs="*",
        metavar="RECORD",
        help="a record, a folder with some, or a target; else those of all tapes, or of live servers where no tape was judged",
    )
    parser.add_argument("--format", choices=tuple(_FORMATS), help="html when not given")
    parser.add_argument("--notebook", action="store_true", help="execute the notebooks on these records, into pages")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="instead of reports/index.html for html, standard output for others; a folder instead of reports/notebooks; it is "
        "written into a folder that is there",
    )
    parser.add_argument("--spec", action="append", type=Path, default=[], metavar="FILE", help="what the runs had as --spec")
    parser.add_argument("--overlay", action="append", type=Path, default=[], metavar="FILE", help="what they had as --overlay")


def _page(contract: Contract, records: Sequence[Record], known: Sequence[Deviation]) -> str:
    is_ours = not any(record.header.documents for record in records)
    changes = known_changes.load(contract, is_of_many=not is_ours)
    return as_html(contract, side_by_side(contract, changes, records), known, prove.published(), changes)


#: From the contract, the records and the known deviations to text.
_FORMATS: dict[str, Callable[[Contract, Sequence[Record], Sequence[Deviation]], str]] = {
    "html": _page,
    "markdown": markdown,
    "github": github,
    "sarif": sarif,
    "junit": junit,
    "badge": badge,
    "har": har,
}


def run(options: argparse.Namespace) -> int:
    if options.output:
        confirm_folder("--output", options.output)
    if options.notebook:
        return _notebooks(options)
    format_ = options.format or "html"
    loaded = load(options.spec, options.overlay)
    contract = build(loaded.document)
    if options.records:
        records, remarks = choose.given(options.records, contract.digest)
    else:
        records, remarks = _here(contract)
    for remark in remarks.values():
        print(remark, file=sys.stderr)
    check(records, contract.digest, contract.clauses)
    known = deviations.known(contract, is_ours=not options.spec, is_official=loaded.is_official)
    text = _FORMATS[format_](contract, sorted(records, key=age), known)
    output = options.output or (REPORTS / "index.html" if format_ == "html" else None)
    if output is None:
        print(text, end="")
        if not text:
            print(f"nothing to annotate: {len(records)} green, no promise broken in a new way", file=sys.stderr)
        return FINE
    write(output, text)
    if format_ == "html":
        print(f"{len(records)} {'record' if len(records) == 1 else 'records'} in one page: {output.resolve().as_uri()}")
    return FINE


def _here(contract: Contract) -> tuple[list[Record], dict[Path, str]]:
    """Return the records of tapes; of live servers where there are none, as where nothing else was judged.

    Raises:
        MisuseError: there is nothing at all.
    """
    try:
        return choose.current(REPORTS, tape.every(), contract)
    except MisuseError:
        with suppress(MisuseError):
            return choose.current(REPORTS, tape.every(), contract, with_live=True)
        raise


def _notebooks(options: argparse.Namespace) -> int:
    for name in ("format", "spec", "overlay"):
        if vars(options)[name]:
            raise MisuseError(f"--notebook makes pages of what the notebooks show, by our own documents; leave out --{name}")
    if not IS_CHECKOUT:
        raise MisuseError("notebooks are in a clone of the repository: a package has none")
    try:
        from mmconform.notebooks import execute
    except ModuleNotFoundError as error:
        raise MisuseError(f"notebooks need `{error.name}`, which `make develop` installs in a checkout") from None
    for page in execute.pages(find(options.records), options.output or REPORTS / "notebooks"):
        print(page)
    return FINE
