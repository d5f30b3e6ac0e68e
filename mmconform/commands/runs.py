"""Runs the suites for commands that need the record of a target."""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from mmconform.campaign.places import place
from mmconform.campaign.play import play
from mmconform.campaign.work import Job
from mmconform.commands.progress import progressing
from mmconform.driving.generate import SEED
from mmconform.errors import MisuseError
from mmconform.judging.access import PROBES
from mmconform.paths import REPORTS, RUN, SAVED, shown
from mmconform.record import record
from mmconform.record.choose import name_one_that_fits
from mmconform.record.record import NAME, PREVIOUS, Record, place_aside
from mmconform.servers.target import Target, confirm_described, resolve
from mmconform.wire.tape.tape import every_whole, is_of_whole

#: What a record may be kept as: no path, and no version, which would be a tape's.
SAVED_AS = re.compile(r"[A-Za-z][\w.-]{0,99}")
#: What pytest is told about live targets.
LIVE_OPTIONS = ("--allow-remote", "--create-first-admin", "--disruptive")
#: What pytest is told about what is judged, and how often.
_PICKING = {
    "--spec": "FILE",
    "--overlay": "FILE",
    "--operation": "PATTERN",
    "--rule": "RULE",
    "--fail-on": "principles",
    "-k": "TEXT",
    "--max-examples": "N",
    "--hypothesis-seed": "N",
}
#: What asks about any operation of any document, each in a few ways.
_PROBES = (PROBES,)
_REPEATABLE = ("--spec", "--overlay", "--operation", "--rule", "--fail-on")


def add_live_options(parser: argparse.ArgumentParser) -> None:
    """Add what pytest is told about live targets."""
    for option in LIVE_OPTIONS:
        parser.add_argument(option, action="store_true", help="of a live target, as for pytest")


def live_options(options: argparse.Namespace) -> tuple[str, ...]:
    """Return those that were given."""
    return tuple(option for option in LIVE_OPTIONS if vars(options)[_place(option)])


def add_picking_options(parser: argparse.ArgumentParser) -> None:
    """Add what pytest is told about what is judged."""
    for option, metavar in _PICKING.items():
        repeatable: dict[str, Any] = {"action": "append", "default": []} if option in _REPEATABLE else {}
        parser.add_argument(option, metavar=metavar, help="as for pytest", **repeatable)


def picking_options(options: argparse.Namespace) -> tuple[str, ...]:
    """Return those that were given."""
    return tuple(chain.from_iterable(_picked(option, vars(options)[_place(option)]) for option in _PICKING))


def _picked(option: str, value: str | list[str] | None) -> Iterator[str]:
    values = value if isinstance(value, list) else [value]
    yield from (f"{option}={value}" if option.startswith("--") else f"{option}{value}" for value in values if value is not None)


def _place(option: str) -> str:
    return option.lstrip("-").replace("-", "_")


def add_places(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where runs are made."""
    parser.add_argument(
        "--scheduler",
        default="",
        metavar="ADDRESS",
        help="run on the workers of this Dask scheduler (tcp://HOST:PORT), each with this checkout and, for live targets, the "
        "administrator's credentials in its environment; else in processes on this machine",
    )


def records_of(
    names: Sequence[str], options: Sequence[str] = (), scheduler: str = "", digest: str = "", *, is_official: bool = False
) -> list[Record]:
    """Return the record of each name: one that is there, or that of a run of the suites over a target.

    Runs go side by side, and are told on standard error, with how far they are.

    Args:
        names: Records of runs (files, or the folders in which they are) or targets.
        options: Of ``LIVE_OPTIONS``, documents (``--spec=…``), and the operations that live targets are asked about; beside a
            tape or a record one is asked about those of that.
        scheduler: Where they are made, as in :func:`mmconform.campaign.places.place`.
        digest: Of the documents, where a record of others is not to be had beside a run.
        is_official: They are the official description.

    Raises:
        MisuseError: a name is neither, a record is broken, or a run came to nothing, or would be of no use beside a record.
    """
    chosen = [_file(name) or _target(name, "--allow-remote" in options) for name in names]
    kept = {choice: record.read(choice) for choice in chosen if isinstance(choice, Path)}  # before a run writes over one of them
    for name, choice in zip(names, chosen, strict=True):
        if isinstance(choice, Path) and digest not in ("", kept[choice].header.spec) and not Path(name).is_file():
            name_one_that_fits(choice, kept[choice].header, digest)
    targets = {target.slug: target for target in chosen if isinstance(target, Target)}
    if kept or any(target.is_recorded for target in targets.values()):
        # What somebody is answered may hang on what was asked before, of other operations, too.
        options = (*(option for option in options if not option.startswith("--operation=")), *_narrowed(kept.values()))
    _confirm_alike(targets.values(), any(option.startswith("--spec=") for option in options))
    confirm_described(targets.values(), is_official=is_official)
    for there in kept.values() if targets else ():
        _confirm_fits(there, digest)
    if jobs := [_job(target, options) for target in targets.values()]:
        with progressing(len(jobs)) as progress, place(scheduler, len(jobs), progress.learn) as submit:
            for outcome in play(jobs, submit):  # whichever comes first: where one came to nothing, nobody needs the others
                progress.finish(outcome)
    return [kept[choice] if isinstance(choice, Path) else record.read(REPORTS / choice.slug / NAME) for choice in chosen]


def _confirm_alike(targets: Iterable[Target], has_documents: bool) -> None:
    """Check, before anything runs, that a tape of our operations meets nothing that is judged by other documents.

    Raises:
        MisuseError: it would.
    """
    tapes = [target for target in targets if target.is_recorded]
    ours = next((target.name for target in tapes if not target.is_whole), "")
    whole = next((target.name for target in tapes if target.is_whole), "")
    if ours and (whole or has_documents):
        there = ", ".join(f"recorded:{name}" for name in every_whole()) or "none here"
        beside = f"{whole} of the whole API" if whole else "what --spec describes is the whole API"
        raise MisuseError(
            f"{ours} is a tape of our own documents' operations, and {beside}: compare the one without --spec, with another "
            f"version or a server, and the other by --spec, with a server or a tape of the whole API ({there}); nothing was asked"
        )


def _confirm_fits(kept: Record, digest: str) -> None:
    """Check, before a server is asked for minutes, that its answers can be compared with those of a record.

    Raises:
        MisuseError: they could not.
    """
    header, name = kept.header, f"the record of {kept.header.target} of {kept.header.started[:10]}"
    if digest and header.spec != digest:
        raise MisuseError(
            f"{name} was judged by {record.judged_by(header)}, in another state or not named here; nothing was asked"
        )
    if header.seed != SEED:
        raise MisuseError(
            f"{name} is of other requests: each run of a server draws its own. `mmconform compare --save NAME TARGET` keeps one "
            "of those that every comparison sends; nothing was asked"
        )


def _narrowed(kept: Iterable[Record]) -> tuple[str, ...]:
    """Return what narrowed these records to some operations."""
    return tuple(dict.fromkeys(option for there in kept for option in record.narrowed_to(there.header)))


def place_of(name: str, of: Record) -> str:
    """Return how to name once more what a name stood for: of a live server the record, so that it is not asked again.

    A tape keeps its name: its record may soon be that of one test.

    Args:
        of: The record that :func:`records_of` made of it.
    """
    is_live = of.header.target.startswith("http")
    return shown(REPORTS / record.slug_of(of.header.target)) if is_live and not _file(name) else name


def _file(name: str) -> Path | None:
    for path in (Path(name), SAVED / name):
        file = path / NAME if path.is_dir() else path
        if file.is_file():
            return file
        if (path / PREVIOUS).is_file():
            raise MisuseError(f"no record `{name}`: {record.instead_of_last(path)}")
    return None


def _target(name: str, allow_remote: bool) -> Target:
    tape = record.target_named(name) if is_of_whole(name) else ""  # as a bare version is its tape
    if name.endswith(".jsonl") or ("/" in name and ":" not in name and not tape):
        raise MisuseError(f"{name}: there is no record of a run; `{RUN} …` writes them to {REPORTS.name}/")
    if SAVED_AS.fullmatch(name) and not record.target_named(name):
        kept = ", ".join(sorted(path.parent.name for path in SAVED.glob(f"*/{NAME}")))
        raise MisuseError(f"no record is kept as `{name}` (kept are: {kept or 'none'}); or name a target, as `{RUN}` takes them")
    targets = resolve(tape or name, allow_remote=allow_remote)
    if len(targets) > 1:
        raise MisuseError(f"`{name}` is more than one server; name one")
    return targets[0]


def _job(target: Target, options: Sequence[str]) -> Job:
    """Return a whole run, a live one with the requests of the tapes, so that answers can be compared.

    About documents that were given these are probes: all other tests take half an hour, and hardly tell more of two servers.
    """
    before = REPORTS / target.slug / NAME
    kept = f" (then the record of the run before is kept as {shown(place_aside(before))})"
    sys.stderr.write(f"running the suites on {target.name} …{'' if target.is_recorded or not before.exists() else kept}\n")
    documents = tuple(option for option in options if option.startswith("--spec="))
    if target.is_recorded:
        return Job((target.name,), ("--tb=no", *(documents if target.is_whole else ())))
    few = ("--max-examples=1",) if documents else ()
    return Job((target.name,), ("--tb=no", f"--hypothesis-seed={SEED}", *few, *options), _PROBES if documents else ())
