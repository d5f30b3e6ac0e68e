"""`mmconform campaign`: the suites on many targets, side by side."""

import argparse
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from mmconform.campaign.places import CORES, place
from mmconform.campaign.play import join_neighbours, play, shares
from mmconform.campaign.work import Job
from mmconform.commands.progress import progressing
from mmconform.commands.runs import add_live_options, add_picking_options, add_places, live_options, picking_options
from mmconform.commands.shared import FINE, FOUND
from mmconform.contract.build import build
from mmconform.contract.clause import Contract
from mmconform.documents.load import load
from mmconform.errors import MisuseError
from mmconform.paths import REPORTS, RUN, SUITES, shown
from mmconform.record import record
from mmconform.record.record import Record, slug_of
from mmconform.reference import named
from mmconform.report.terminal import show, show_briefly
from mmconform.servers.target import resolve
from mmconform.wire.tape import tape

FOUND_MEANS, ASKS_A_SERVER = "a run is not green", True
INTERRUPTED_MEANS = "interrupted by Ctrl-C: what was judged by then is kept"
#: Of more targets than these only the newest and those that are not green have a table, the others a line: a screen is soon full.
_FEW = 3
#: What may stand between options, as pytest takes it too.
GATHERS = "targets"
EXAMPLE = """mmconform campaign recorded:all
  mmconform campaign http://127.0.0.1:8065 http://127.0.0.1:8066
  mmconform campaign http://127.0.0.1:8065 --spec api.yaml suites/generated/test_probes.py --max-examples 1
  mmconform campaign recorded:all --scheduler tcp://10.0.0.1:8786"""


def configure(parser: argparse.ArgumentParser) -> None:
    what = "as for pytest, so many as you like, or recorded:all; suites/… is a folder, a file or a test, instead of all"
    parser.add_argument("targets", nargs="+", metavar="TARGET", help=what)
    parser.add_argument("--processes", type=int, default=CORES, metavar="N", help=f"how many go side by side here ({CORES})")
    add_picking_options(parser)
    add_live_options(parser)
    add_places(parser)


def run(options: argparse.Namespace) -> int:
    if options.processes < 1:
        raise MisuseError(f"--processes {options.processes}: at least one")
    tests = tuple(text for text in options.targets if _is_test(text))
    targets = [text for text in options.targets if text not in tests]
    if not targets:
        raise MisuseError(f"{tests[0]} of which server? Name a target too, such as http://127.0.0.1:8065")
    contract = build(load([*map(Path, options.spec)], [*map(Path, options.overlay)]).document)
    names = list(dict.fromkeys(name for text in targets for name in _names(text, options.allow_remote)))
    every = Job((), picking_options(options), tests)
    is_green, are_many, newest = True, len(names) > _FEW, f"recorded:{tape.newest()}"
    first = newest if are_many and not options.scheduler else ""
    jobs = [*_jobs(names, every, live_options(options), first, apart=bool(options.scheduler), processes=options.processes)]
    draw = partial(_drawn, contract)
    judged: list[str] = []
    taped = [name for name in (f"recorded:{version}" for version in tape.every()) if name in names]
    waiting = [*taped] if are_many else []
    try:
        with progressing(len(names)) as progress, place(options.scheduler, options.processes, progress.learn) as submit:
            progress.say(f"running the suites on {names[0] if len(names) == 1 else f'{len(names)} servers'} …\n")
            for outcome in play(jobs, submit):
                judged += outcome.job.targets
                is_green = is_green and outcome.status == 0
                with progress.out_of_the_way():
                    if outcome.status:
                        print(outcome.said, flush=True)
                    progress.finish(outcome)
                    if newest in outcome.job.targets and are_many:
                        print(draw(newest), flush=True)
                    lines = [name for name in outcome.job.targets if name not in taped] if are_many else []
                    while waiting and waiting[0] in judged:  # a version waits for those before it, and a live server for nobody
                        lines.append(waiting.pop(0))
                    for name in lines:
                        print(draw(name, is_brief=True), flush=True)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_kept(judged, names)) from None
    if every == Job(()):
        join_neighbours(contract, jobs)
    seen = {name: _record(name) for name in names}
    for name, of_it in seen.items():
        if not (are_many and of_it.footer.green):
            print(draw(name))
    green = sum(of_it.footer.green for of_it in seen.values())
    print(f"{green} of {len(seen)} green; the records are in {shown(REPORTS)} (a page of them: `mmconform report`)")
    if are_many and taped:
        newest_here = tape.newest(map(slug_of, taped))  # on which the fewest promises are of what came later
        print(f"next: `{RUN} {newest_here}` shows one's table, `{RUN} URL` yours")
    return FINE if is_green and green == len(seen) else FOUND


def _kept(judged: list[str], names: list[str]) -> str:
    """Return what is left of a campaign that was interrupted."""
    new = (
        f"{len(judged)} of {len(names)} servers {'is' if len(judged) == 1 else 'are'} judged" if judged else "no server is judged"
    )
    return f"{new}; records from before stay in {shown(REPORTS)} for the others; the same command begins again with all of them"


def _record(name: str) -> Record:
    return record.read(REPORTS / slug_of(name) / record.NAME)


def _drawn(contract: Contract, name: str, *, is_brief: bool = False) -> str:
    """Return what a run of a target says: its table, or one line of many."""
    colour, width = sys.stdout.isatty(), shutil.get_terminal_size((100, 24)).columns
    if is_brief:
        return show_briefly(contract, _record(name), colour=colour, width=width)
    table = show(contract, _record(name), colour=colour, width=width)
    return f"{table}\n  record: {shown(REPORTS / slug_of(name) / record.NAME)}\n"


def _is_test(text: str) -> bool:
    return Path(text.partition("::")[0]).parts[:1] == (SUITES.name,)


def _names(text: str, allow_remote: bool) -> Iterable[str]:
    """Return the targets that a text stands for. Reference servers are started where they are judged."""
    is_ours = re.match(r"reference\b", text)
    return named.every(text) if is_ours else [target.name for target in resolve(text, allow_remote=allow_remote)]


def _jobs(names: list[str], every: Job, of_live: tuple[str, ...], first: str, *, apart: bool, processes: int) -> Iterable[Job]:
    """Return a run for each live server, and the others in shares, which take less time together: all of one share the start.

    Args:
        first: Has a run of its own before them, so that its table is there soon.
    """
    live = [name for name in names if "://" in name]
    others = [name for name in names if name not in live]
    yield from (replace(every, targets=(name,), options=every.options + of_live) for name in live)
    if first in others:
        others.remove(first)
        yield replace(every, targets=(first,))
    yield from (replace(every, targets=share) for share in shares(others, len(others) if apart else processes))
