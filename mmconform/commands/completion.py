"""`mmconform completion`: what a shell needs to complete our command."""

import argparse

import shtab

from mmconform.commands import cli
from mmconform.commands.shared import FINE

EXAMPLE = 'eval "$(mmconform completion bash)"'


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=shtab.SUPPORTED_SHELLS)


def run(options: argparse.Namespace) -> int:
    print(shtab.complete(cli.parser(whole=True), shell=options.shell))
    return FINE
