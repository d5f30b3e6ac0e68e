"""The command ``mmconform``. Each subcommand is a module of its own, imported when it is called."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from mmconform import __version__
from mmconform.commands.shared import ENVIRONMENT, MISUSED
from mmconform.errors import MisuseError, meant
from mmconform.report.encoding import tolerate

COMMANDS = {
    "merge": "Merge the source documents and list every repair.",
    "contract": "List every promise of the documents.",
    "deviations": "List the known deviations.",
    "report": "Show records as a page that needs no server and no network, or in a format for CI.",
    "serve": "Run the reference server until Ctrl-C.",
    "campaign": "Run the suites on many targets, side by side, here or on many machines.",
    "prove": "Run the suites on servers with one flaw each: can they fail?",
    "compare": "Say what changed from one server to another, worst first.",
    "doctor": "Say what a run on a server would reach, and what stands in its way; changes nothing there.",
    "cleanup": "Undo what interrupted runs left on a server.",
    "completion": "Print a completion script for a shell.",
}
#: Nobody read on: what any command says then that SIGPIPE ends (128 + 13). It is neither fine nor found.
_CLOSED = 141
#: The same of Ctrl-C (128 + 2).
_INTERRUPTED = 130


def _ends(found: str, interrupted: str) -> str:
    wrong = "used wrongly, or it could not be done: one line says why"
    statuses = {0: "fine", 1: found, MISUSED: wrong, _INTERRUPTED: interrupted}
    return "exit status:\n" + "\n".join(f"  {number:<3}  {what}" for number, what in statuses.items() if what)


class _Parser(argparse.ArgumentParser):
    """A parser that asks about a slip whether another word was meant, and tells the usage of the command in which it stands."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += meant(str(value), map(str, action.choices or ()))
            raise

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        words = sys.argv[1:] if args is None else [*args]
        if self._question(words[:1]):  # before it is said that a command is missing
            self._refuse(words[:1])
        known, rest = super().parse_known_args(words, namespace)
        if rest := self._strange(known, rest):
            self._refuse(rest)
        return known, rest

    def _print_message(self, message: str, file: Any = None) -> None:
        """Say it; what was asked for and cannot be written raises OSError, which argparse takes for shown."""
        if file is sys.stdout:
            file.write(message)
            file.flush()
        else:
            super()._print_message(message, file)

    def _question(self, words: Sequence[str]) -> str:
        slip = next((word.partition("=")[0] for word in words if word.startswith("-")), "")
        if any(option.startswith(slip) for option in self._option_string_actions):
            return ""
        return (
            f"; {slip} is an option of {others}" if (others := commands_with(slip)) else meant(slip, self._option_string_actions)
        )

    def _refuse(self, words: Sequence[str]) -> None:
        self.error(f"unrecognized arguments: {' '.join(words)}{self._question(words)}")

    def _strange(self, known: argparse.Namespace, rest: list[str]) -> list[str]:
        """Return the words of the rest that are nothing here."""
        return rest


class _Subcommand(_Parser):
    """A parser that learns its arguments from its module as soon as they are needed, since most modules take long to import."""

    def __init__(self, *, command: str = "", **arguments: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **arguments)
        self._command = command
        self._gathers = ""

    def learn(self) -> None:
        """Add the arguments, once."""
        if self._command:
            module = import_module(f"mmconform.commands.{self._command}")
            self._command = ""
            ends = _ends(getattr(module, "FOUND_MEANS", ""), getattr(module, "INTERRUPTED_MEANS", "interrupted by Ctrl-C"))
            self.epilog = f"example:\n  {module.EXAMPLE}\n\n{ends}"
            if getattr(module, "ASKS_A_SERVER", False):
                self.epilog += f"\n\n{ENVIRONMENT}"
            self._gathers = getattr(module, "GATHERS", "")
            self.set_defaults(run=module.run)
            module.configure(self)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self.learn()
        return super().parse_known_args(args, namespace)

    def _strange(self, known: argparse.Namespace, rest: list[str]) -> list[str]:
        if self._gathers:  # argparse gives it only those that stand together
            vars(known)[self._gathers].extend(word for word in rest if not word.startswith("-"))
            return [word for word in rest if word.startswith("-")]
        return rest


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Returns 0 when all is fine, 1 when something was found, 2 when it was used wrongly."""
    if sys.stdout is None:  # closed by who called
        print("mmconform: the output is closed", file=sys.stderr)
        return MISUSED
    tolerate(sys.stdout, sys.stderr)
    try:
        options = parser().parse_args(arguments)
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except MisuseError as error:
        print(f"mmconform: {error}", file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt as interrupted:
        left = f": {interrupted}" if interrupted.args else ""
        print(f"mmconform: interrupted{left}", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        _write_nowhere()
        return _CLOSED
    except OSError as error:
        print(f"mmconform: {error.filename or 'the output'}: {error.strerror}", file=sys.stderr)
        if not error.filename:
            _write_nowhere()
        return MISUSED


def _write_nowhere() -> None:
    """Have nothing more come of the output: what is left Python would write once more at the end, and say that it cannot."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def commands_with(option: str) -> str:
    """Return the commands that have an option (``--format``), as they are called; nothing where none has it."""
    subcommands = next(action for action in parser(whole=True)._actions if isinstance(action, argparse._SubParsersAction))
    names = [name for name, command in subcommands.choices.items() if option in command._option_string_actions]
    return f"mmconform {', '.join(names[:-1])}{' and ' if names[1:] else ''}{names[-1]}" if names else ""


def parser(*, whole: bool = False) -> argparse.ArgumentParser:
    """Return what the command understands.

    Args:
        whole: With the arguments of all subcommands, for who wants to know them all at once.
    """
    top = _Parser(prog="mmconform", description="Does this server keep the promises of the Mattermost REST API v4?")
    top.add_argument("--version", action="version", version=f"mmconform {__version__}")
    subcommands = top.add_subparsers(required=True, metavar="COMMAND", parser_class=_Subcommand)
    for name, purpose in COMMANDS.items():
        subcommand = subcommands.add_parser(name, help=purpose, description=purpose, command=name)
        if whole:
            subcommand.learn()
    return top
