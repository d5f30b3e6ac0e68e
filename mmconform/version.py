"""Server versions: three numbers, ordered; whatever follows them (``-dev``, ``-rc1``) does not order."""

import re
from typing import NamedTuple


class Version(NamedTuple):
    """A Mattermost server version such as 5.36.1."""

    major: int
    minor: int = 0
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Return the version that the text begins with, with or without a ``v``.

        Raises:
            ValueError: the text does not begin with a number.
        """
        found = re.match(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?", text.strip())
        if not found:
            raise ValueError(f"`{text}` is no version; expected something like 5.36.1")
        return cls(*(int(part) for part in found.groups() if part is not None))
