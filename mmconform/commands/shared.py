"""What several commands have in common: exit statuses, options, how a file is written."""

import argparse
from pathlib import Path

from mmconform.errors import MisuseError
from mmconform.files import write_whole
from mmconform.paths import REPORTS

FINE, FOUND, MISUSED = 0, 1, 2
#: What commands that ask a server take from the environment.
ENVIRONMENT = """\
environment:
  MM_ADMIN_TOKEN                         a system administrator's token or session, or else
  MM_ADMIN_LOGIN, MM_ADMIN_PASSWORD      the account
  MM_CA_BUNDLE                           the certificate of a private authority"""


def add_documents(parser: argparse.ArgumentParser) -> None:
    """Add the options that name other documents than ours."""
    parser.add_argument(
        "--spec", action="append", type=Path, default=[], metavar="FILE", help="this document or folder instead of ours"
    )
    parser.add_argument("--overlay", action="append", type=Path, default=[], metavar="FILE", help="apply this overlay too")


def add_format(parser: argparse.ArgumentParser, *formats: str) -> None:
    """Add the option that chooses the output: text for people, json for machines, or others in between."""
    parser.add_argument("--format", choices=("text", *formats, "json"), default="text", help="json is for machines")


def confirm_folder(option: str, file: Path) -> None:
    """Refuse a file in a folder that is not there, which is a slip: only where runs write anyway, one is made.

    Raises:
        MisuseError: so it is.
    """
    folder = file.absolute().parent
    if not folder.is_dir() and folder != REPORTS:
        raise MisuseError(f"{option} {file}: there is no folder {file.parent}; make it, or name another")


def write(file: Path, text: str, *, private: bool = True) -> None:
    """Write a file that the user named; ``private`` for its owner only.

    Raises:
        MisuseError: it cannot be written.
    """
    try:
        write_whole(file, text, private=private)
    except OSError as error:
        raise MisuseError(f"{file}: cannot be written: {error.strerror}") from None
