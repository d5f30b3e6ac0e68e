"""The options of a run. They exist only where a run of ours is asked for, and never where somebody else has one of that name."""

import argparse
import itertools
from pathlib import Path
from typing import Any

import pytest

from mmconform.errors import meant
from mmconform.paths import IS_CHECKOUT, REPORTS, ROOT, SUITES, TESTS

_OPTIONS: dict[str, dict[str, Any]] = {
    "--target": {
        "action": "append",
        "metavar": "TARGET",
        "help": "http(s)://HOST[:PORT][/PATH], recorded (the newest release), recorded:VERSION, recorded:all, "
        "reference[@VERSION][:MUTANT], reference:all (every mutant); tapes and references are repeatable",
    },
    "--spec": {
        "action": "append",
        "type": Path,
        "default": [],
        "metavar": "FILE",
        "help": "judge this OpenAPI document instead of ours (repeatable)",
    },
    "--overlay": {
        "action": "append",
        "type": Path,
        "default": [],
        "metavar": "FILE",
        "help": "apply this overlay too (repeatable)",
    },
    "--operation": {
        "action": "append",
        "default": [],
        "metavar": "PATTERN",
        "help": "only the operations whose operationId is like this, such as 'Get*Channel*' (repeatable)",
    },
    "--rule": {
        "action": "append",
        "default": [],
        "metavar": "RULE",
        "help": "judge only promises of this kind, such as permission or status (repeatable)",
    },
    "--allow-remote": {"action": "store_true", "default": False, "help": "the target may be on another machine"},
    "--create-first-admin": {
        "action": "store_true",
        "default": False,
        "help": "on an empty server, make the administrator's account first",
    },
    "--disruptive": {
        "action": "store_true",
        "default": False,
        "help": "change server-wide settings although the server has users of its own",
    },
    "--replace-tape": {
        "action": "store_true",
        "default": False,
        "help": "with --record-mode=rewrite: although the tape of that version is of another server",
    },
    "--built-from": {
        "default": "",
        "metavar": "REPOSITORY",
        "help": "with --record-mode=rewrite: where the commit of the server is found; kept on the tape",
    },
    "--described-by": {
        "default": "",
        "metavar": "COMMIT",
        "help": "with --record-mode=rewrite and --spec: where the description is found, kept on the tape of the whole API",
    },
    "--dry-run": {
        "action": "store_true",
        "default": False,
        "help": "say who would send what, and what is held back and why; send nothing of it",
    },
    "--fail-on": {
        "action": "append",
        "default": [],
        "choices": ["principles"],
        "help": "count what contradicts a principle against the run too",
    },
    "--max-examples": {"type": int, "metavar": "N", "help": "fuzzed cases for each operation on a live target"},
    "--reports": {"type": Path, "default": REPORTS, "metavar": "FOLDER", "help": "where the records go (reports/)"},
    "--request-timeout": {
        "type": float,
        "default": 60,
        "metavar": "SECONDS",
        "help": "for one request and its whole answer (60)",
    },
    "--run-timeout": {
        "type": float,
        "default": 3600,
        "metavar": "SECONDS",
        "help": "after which a run ends, not green (3600)",
    },
}
_HELP = (
    "Mattermost conformance. Exit status: 0 green; 1 not green (a promise is newly broken, or something not judged); 2 the run "
    "could not be made, or the server is not as it was. A live server's administrator is taken from the environment: "
    "MM_ADMIN_TOKEN, or MM_ADMIN_LOGIN and MM_ADMIN_PASSWORD; MM_CA_BUNDLE names the certificate of a private authority"
)
#: What asks for a run of ours, wherever it stands.
_ASKING = ("--target", "--spec")
#: Names that belong to somebody else here.
TAKEN = pytest.StashKey[frozenset[str]]()


def add(config: pytest.Config, parser: pytest.Parser, arguments: list[str]) -> None:
    """Add our options where a run may be one of ours; where somebody else has such a name, it stays theirs."""
    asking = [name for name in _ASKING if _stands_in(name, arguments)]
    if not asking and not is_at_home(config):
        return
    group = parser.getgroup("conformance", _HELP)
    taken = {name for name in asking if not _added(group, name)}
    if taken == set(asking) and not is_at_home(config):
        return
    taken |= {name for name in _OPTIONS if name not in asking and not _added(group, name)}
    config.stash[TAKEN] = frozenset(name for name in taken if _stands_in(name, arguments))
    _refuse_slips(parser, arguments)


def _refuse_slips(parser: pytest.Parser, arguments: list[str]) -> None:
    """Say which of our options was meant by one that pytest has not, or whose it is: pytest only says that it is unknown.

    Raises:
        pytest.UsageError: there is such a slip.
    """
    known = {name for group in (parser._anonymous, *parser._groups) for one in group.options for name in one.names()}
    for argument in itertools.takewhile(lambda argument: argument != "--", arguments):
        name = argument.partition("=")[0]
        if not name.startswith("--") or name in known:
            continue
        from mmconform.commands.cli import commands_with  # all commands, only where there is a slip

        if commands := commands_with(name):
            raise pytest.UsageError(f"{name} is no option of pytest; it is one of {commands}")
        if question := meant(name, _OPTIONS):
            raise pytest.UsageError(f"there is no option {name}{question}")


def option(config: pytest.Config, name: str) -> Any:
    """Return the value of one of our options; its default where it was never added."""
    return getattr(config.option, _place(name), _OPTIONS[name].get("default"))


def asked_paths(config: pytest.Config) -> list[Path]:
    """Return where tests are collected."""
    return [Path(config.invocation_params.dir, str(argument).partition("::")[0]).resolve() for argument in config.args]


def is_asked(config: pytest.Config) -> bool:
    """Return whether a run is ours: a target or a document is named, or our suites are to be collected."""
    paths = asked_paths(config)
    if paths and all(path.is_relative_to(TESTS) for path in paths):
        return False
    return any(map(holds_suites, paths)) or is_named(config)


def is_named(config: pytest.Config) -> bool:
    """Return whether a target or a document is named."""
    return any(option(config, name) for name in _ASKING)


def is_at_home(config: pytest.Config) -> bool:
    """Return whether the run begins in our checkout, or names what lies there."""
    paths = [config.invocation_params.dir, config.inipath, *map(Path, config.known_args_namespace.file_or_dir)]
    return any(Path(config.invocation_params.dir, path).resolve().is_relative_to(ROOT) for path in paths if path)


def holds_suites(path: Path) -> bool:
    """Return whether our suites are collected there: not of a package, which may lie below anybody's folder."""
    is_above = SUITES.is_relative_to(path) and (IS_CHECKOUT or path.is_relative_to(ROOT))
    return path.is_relative_to(SUITES) or (is_above and SUITES.is_dir())


def _added(group: Any, name: str) -> bool:
    try:
        group.addoption(name, dest=_place(name), **_OPTIONS[name])
    except (argparse.ArgumentError, ValueError):
        return False
    return True


def _place(name: str) -> str:
    return "mmconform_" + name.strip("-").replace("-", "_")


def _stands_in(name: str, arguments: list[str]) -> bool:
    return any(argument.partition("=")[0] == name for argument in arguments)
