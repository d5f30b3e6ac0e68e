"""Tells on standard error how far runs are, so that whatever stands on standard output stays what was asked for."""

import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mmconform.campaign.work import Outcome

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
        self._shares: dict[str, str] = {}
        self._length = 0
        self._told = time.monotonic()

    def learn(self, name: str, line: str) -> None:
        """Take note of a line that pytest printed."""
        if percent := _PERCENT.search(line):
            self._shares[name] = f"{name} {percent[1]} %"
            if percent[1] == "100":
                del self._shares[name]
            self.show("   ".join(self._shares.values()))

    def show(self, text: str) -> None:
        """Show how far it all is, in the place of what was shown before."""
        if not self._is_terminal:
            if text and time.monotonic() - self._told >= _EVERY:
                self.say(f"{text}\n")
            return
        self.clear()
        width = shutil.get_terminal_size().columns - 1
        text = text if len(text) <= width else f"{text[: width - 1]}…"  # what wraps, no carriage return takes away
        self._length = len(text)
        self._write(text)

    def finish(self, outcome: Outcome) -> None:
        """Say that a run is done, and how it left a live server."""
        self._judged += len(outcome.job.targets)
        count = f" ({self._judged} of {self._servers} servers)" if self._servers > 1 else ""
        self.say(f"{outcome.left}{outcome.job.name}: done{count}\n")

    def say(self, text: str) -> None:
        """Write what stays, in whole lines."""
        self.clear()
        self._write(text)
        self._told = time.monotonic()

    def clear(self) -> None:
        """Take the line away, for something else to be written there."""
        if self._length:
            self._write("\r" + " " * self._length + "\r")
        self._length = 0

    def end(self) -> None:
        """Leave the line."""
        if self._length:
            self._write("\n")
        self._length = 0

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
