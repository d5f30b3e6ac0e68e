"""Where a run says what it sees: a full disk is one line and the end of the run, not an error of pytest's in every hook."""

import os
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TextIO


class Heartbeat:
    """Says now and then how many answers a test that takes minutes has had.

    Args:
        what: The test.
        say: Writes a line where the user looks.
        every: Seconds between two lines, at least.
    """

    def __init__(self, what: str, say: Callable[[str], None], every: float = 15) -> None:
        self._what, self._say, self._every = what, say, every
        self._count, self._told = 0, time.monotonic()

    def beat(self) -> None:
        """Count an answer."""
        self._count += 1
        if (now := time.monotonic()) - self._told >= self._every:
            self._told = now
            self._say(f"{self._what}: {self._count} answers so far")


class Output:
    """A file that is written as long as it can be. Whoever stops reading, as at the end of a pipe, is pytest's to tell.

    Attributes:
        lost: Why nothing can be written any more, in the system's words; nothing as long as something can.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.lost = ""

    def write(self, text: str) -> int:
        with self._noticing():
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with self._noticing():
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    @contextmanager
    def _noticing(self) -> Generator[None, None, None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            if not self.lost:
                self.lost = error.strerror or str(error)
                sys.stderr.write(f"mmconform: the output: {self.lost}; the run ends, exit status 2\n")
            nowhere = os.open(os.devnull, os.O_WRONLY)
            # What is left of it would be written once more, at the latest when Python ends; pytest's capturing restores the file.
            os.dup2(nowhere, self._file.fileno())
            os.close(nowhere)
            self._file.flush()
