"""What is said, in one line, when the suite is used wrongly or finds bad input."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

#: How commands begin that a service which runs jobs takes from their log: ``::error …::`` (GitHub), ``##[error]`` and
#: ``##vso[…]`` (GitHub and Azure), ``##teamcity[…]``. Not what names a test in a file.
_COMMANDS = re.compile(r"(?<!\.py):(?=:[A-Za-z])|#(?=#\w*\[)")


def plain(text: str) -> str:
    """Return text that steers nothing: neither a terminal by its control characters, nor a service that reads a job's log.

    What a server, a document or somebody's record says goes through this before it is shown.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    return _COMMANDS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def meant(word: str, known: Iterable[str]) -> str:
    """Return what is to be asked of who wrote a word that nobody knows: which of the known ones it was to be, if one is alike."""
    alike = get_close_matches(word, [*known], n=1)
    return f"; did you mean {alike[0]}?" if alike else ""


class MisuseError(Exception):
    """Bad input or wrong use: one line that says what, where and what to do; exit status 2."""

    def __init__(self, text: str) -> None:
        super().__init__(plain(text))

    def _render_traceback_(self) -> list[str]:
        """What IPython shows of it: the line, since where in our code it was raised helps nobody."""
        return [str(self)]


class NotHereError(MisuseError):
    """The server at hand cannot be brought to show it: it is not judged there."""


class SwitchedOffError(NotHereError):
    """What a run switches on itself where it may is switched off, and stays so."""


class DocumentError(MisuseError):
    """A document that cannot be used. Its text starts with ``file:line:``."""

    def __init__(self, file: str, line: int | None, message: str) -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {message}")
