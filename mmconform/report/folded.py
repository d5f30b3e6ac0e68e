"""Text in lines of a certain width."""

import sys
from shutil import get_terminal_size
from textwrap import wrap

#: Columns where no terminal says how many it has.
WIDTH = 100


def terminal_width() -> int:
    """Return how many columns the terminal has, or :data:`WIDTH` where the text goes elsewhere."""
    return get_terminal_size((WIDTH, 0)).columns if sys.stdout.isatty() else WIDTH


def folded(text: str, width: int, first: str = "", later: str | None = None) -> list[str]:
    """Return a text in lines of at most so many columns; a word that is longer than they are stays whole, for whoever copies it.

    Args:
        first: What the first line begins with.
        later: What the others begin with; the same where nothing is said.
    """
    rest = first if later is None else later
    return wrap(text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False)
