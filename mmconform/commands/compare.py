"""`mmconform compare`: what changed from one server to another."""

import argparse
import json
import shlex
import shutil
from pathlib import Path

from mmconform.commands.runs import SAVED_AS, add_live_options, add_places, live_options, place_of, records_of
from mmconform.commands.shared import FINE, FOUND, add_format
from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.errors import MisuseError, plain
from mmconform.judging import deviations
from mmconform.judging.changes import compare, lacking_in_part, switched_off
from mmconform.paths import SAVED, shown
from mmconform.record.record import NAME, age, head_of, write
from mmconform.report.comparison import Page, asked_in_part, off_means
from mmconform.report.folded import WIDTH
from mmconform.report.summary import why_red

FOUND_MEANS, ASKS_A_SERVER = "something got worse, by the answers or by our lists alone", True
#: What is not to be said again afterwards: by then there is an administrator.
_FOR_ONCE = ("--create-first-admin",)
EXAMPLE = """mmconform compare 5.36.1 11.0.3
  mmconform compare recorded:10.8.1 http://127.0.0.1:8065
  mmconform compare --save before http://127.0.0.1:8065   # then upgrade the server, and:
  mmconform compare before http://127.0.0.1:8065
  mmconform compare recorded:10.8.1/whole recorded:11.1.0/whole --spec=official.yaml   # the whole API
  mmconform compare --save before-all http://127.0.0.1:8065 --spec=official.yaml   # then upgrade the server, and:
  mmconform compare before-all http://127.0.0.1:8065 --spec=official.yaml
  mmconform compare before-all reports/127.0.0.1-8065 --spec=official.yaml '--operation=*Channel*'"""


def configure(parser: argparse.ArgumentParser) -> None:
    what = "a target (a bare version is its tape), a record of a run, or the name of one that was kept"
    parser.add_argument("before", metavar="BEFORE", help=what)
    parser.add_argument("after", metavar="AFTER", nargs="?", default="", help="the same")
    parser.add_argument("--save", metavar="NAME", help="compare nothing: keep the record of BEFORE under this name, for later")
    parser.add_argument(
        "--spec",
        action="append",
        type=Path,
        default=[],
        metavar="FILE",
        help="of the whole API: its description; of a live target what probes are answered",
    )
    parser.add_argument(
        "--operation",
        action="append",
        default=[],
        metavar="PATTERN",
        help="tell of these operations alone, such as 'Get*Channel*', and more of each where they are few (repeatable); "
        "two live targets, or one with --save, are asked about them alone",
    )
    add_format(parser, "markdown")
    add_live_options(parser)
    add_places(parser)


def _save(name: str, target: str, other: str, chosen: tuple[str, ...], scheduler: str, *, is_official: bool) -> int:
    """Run the suites on a target, or read a record, and keep the record under a name."""
    path = SAVED / name / NAME
    if other:
        raise MisuseError(f"--save keeps the record of one target; {target} and {other} are two")
    if not SAVED_AS.fullmatch(name):
        raise MisuseError(f"`{name}` is no name for a record: letters, digits, `.`, `_` and `-`, a letter first, at most 100")
    if path.exists():
        held = head_of(path)
        what = f"of {plain(str(held.get('target', '?')))} of {plain(str(held.get('started', '?')))[:10]}"
        raise MisuseError(
            f"as `{name}` a record is kept already, {what} ({shown(path)}), and is not written over: take another name"
        )
    (kept,) = records_of([target], chosen, scheduler, is_official=is_official)
    write(path, kept)
    if names := sorted(switched_off(kept)):
        why = off_means(is_ours=not kept.header.documents)
        print(f"not judged in it, since {why} on {target}: {', '.join(names)}; no comparison with it will judge them")
    for line in asked_in_part(target, lacking_in_part(kept)):
        print(line)
    if not kept.footer.green:
        more = shlex.join(["mmconform", "report", shown(path), *kept.header.documents, "--output", f"{name}.html"])
        print(f"it is red: {', '.join(why_red(kept.footer))}; a page that says more: {more}")
    again = shlex.join([name, target, *(option for option in chosen if option not in _FOR_ONCE)])
    print(f"kept as `{name}` ({kept.header.server.name}). Afterwards: mmconform compare {again}")
    return FINE


def run(options: argparse.Namespace) -> int:
    loaded = load(options.spec)
    contract = build(loaded.document)
    for pattern in options.operation:
        if not contract.matching([pattern]):
            what = f"the documents describe no such operation; {contract.suggestion(pattern)}`mmconform contract` lists them"
            raise MisuseError(f"--operation {pattern}: {what}")
    narrowed = tuple(f"--operation={pattern}" for pattern in options.operation)
    chosen = (*live_options(options), *(f"--spec={path}" for path in options.spec), *narrowed)
    if options.save is not None:
        return _save(options.save, options.before, options.after, chosen, options.scheduler, is_official=loaded.is_official)
    if not options.after:
        raise MisuseError("compare with what? Name a second target or record, or keep this one with --save NAME")
    names = [options.before, options.after]
    before, after = records_of(names, chosen, options.scheduler, contract.digest, is_official=loaded.is_official)
    for record in (before, after):
        age(record)  # which says whether it tells its version
    known = deviations.known(contract, is_ours=not options.spec, is_official=loaded.is_official)
    places = [place_of(name, record) for name, record in zip(names, (before, after), strict=True)]
    words = (*places, *(f"--spec={path}" for path in options.spec))
    page = Page(contract, before, after, compare(contract, before, after, options.operation), known, words, options.operation)
    if options.format == "text":
        print(page.text(shutil.get_terminal_size((WIDTH, 24)).columns))
    else:
        print(page.markdown() if options.format == "markdown" else json.dumps(page.json(), indent=2, ensure_ascii=False))
    return FOUND if page.is_worse else FINE
