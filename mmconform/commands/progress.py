"""Tells on standard error how far runs are, so that whatever stands on standard output stays what was asked for."""

import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from mmconform.campaign.work import Outcome

#: Of more servers than these it is told how many are done, and no names.
_FEW = 3
#: How far pytest says that it is.
_PERCENT = re.compile(r"\[ *(\d+)%\]")
#: Where nothing can be written over, as in a CI's log, a line comes no more often than after so many seconds.
_EVERY = 30


@contextmanager
def progressing(servers: int = 0) -> "Iterator[Progress]":
    """Show how far runs are as long as they go on.

    Args:
        servers: How many are judged in all.
    """
    progress = Progress(servers)
    try:
        yield progress
    finally:
        progress.end()


class Progress:
    """Shows how far runs are: on a terminal in one line no wider than it is, elsewhere in a plain line now and then."""

    def __init__(self, servers: int = 0) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._servers, self._judged = servers, 0
        self._shares: dict[str, int] = {}
        self._length = 0
        self._lock = RLock()  # runs are read by threads of their own
        self._told = time.monotonic()

    def learn(self, name: str, line: str) -> None:
        """Take note of a line that pytest printed."""
        if percent := _PERCENT.search(line):
            with self._lock:
                self._shares[name] = int(percent[1])
                if self._shares[name] == 100:
                    del self._shares[name]
                self.show(self._in_words())

    def _in_words(self) -> str:
        """Return how far the runs are that go on; nothing where none does."""
        if self._servers <= _FEW:
            return "   ".join(f"{name} {percent} %" for name, percent in self._shares.items())
        shares = " and ".join(f"{percent} %" for percent in self._shares.values())
        runs = "one run goes on" if len(self._shares) == 1 else f"{len(self._shares)} runs go on side by side"
        return f"{self._judged} of {self._servers} servers done; {runs}, {shares} done" if shares else ""

    def show(self, text: str) -> None:
        """Show how far it all is, in the place of what was shown before."""
        if not self._is_terminal:
            if text and time.monotonic() - self._told >= _EVERY:
                self.say(f"{text}\n")
            return
        width = shutil.get_terminal_size().columns - 1
        text = text if len(text) <= width else f"{text[: width - 1]}…"  # what wraps, no carriage return takes away
        with self._lock:
            self._clear()
            self._length = len(text)
            self._write(text)

    def finish(self, outcome: Outcome) -> None:
        """Say that a run is done, and how it left a live server."""
        done = outcome.job.targets
        self._judged += len(done)
        if self._servers > _FEW and len(done) > 1:  # which of them is told by who asked for them, in a list
            said = ""
        else:
            of_all = f" ({self._judged} of {self._servers} servers)" if self._servers > 1 else ""
            said = f"{outcome.job.name}: done{of_all}\n"
        if outcome.left or said:
            self.say(f"{outcome.left}{said}")

    def say(self, text: str) -> None:
        """Write what stays, in whole lines."""
        with self.out_of_the_way():
            self._write(text)
        self._told = time.monotonic()

    @contextmanager
    def out_of_the_way(self) -> Iterator[None]:
        """Take the line away, and keep it away as long as something else is written, on whichever stream."""
        with self._lock:
            self._clear()
            yield

    def end(self) -> None:
        """Leave nothing behind: what stays was said."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        if self._length:
            self._write("\r" + " " * self._length + "\r")
        self._length = 0

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
