"""`mmconform completion`: what a shell needs to complete our command."""

import argparse
from collections.abc import Iterator

import shtab

from mmconform.commands import cli
from mmconform.commands.shared import FINE
from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.reference import named
from mmconform.wire.tape import tape

EXAMPLE = 'eval "$(mmconform completion bash)"'
#: How arguments are called that can be files or folders.
_FILES = ("FILE", "RECORD", "TARGET", "BEFORE", "AFTER")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=shtab.SUPPORTED_SHELLS)


def run(options: argparse.Namespace) -> int:
    whole = cli.parser(whole=True)
    operations = list(build(load().document).operations)
    for action in _actions(whole):
        if action.metavar in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.dest == "operation":
            action.choices = operations
        elif action.dest == "target":  # of the reference server alone: others can be files
            action.choices = [*named.known(tape.every())]
    print(shtab.complete(whole, shell=options.shell))
    return FINE


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield what a parser and its subcommands take."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for subcommand in action.choices.values():
                yield from _actions(subcommand)
