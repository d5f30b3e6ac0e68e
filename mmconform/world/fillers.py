"""What stands in a request where a text names no thing of ours: new names, times, small files."""

import base64
import time
from typing import Any

from mmconform.world.world import World

#: A file to upload: its name, what is in it, and its media type.
Upload = tuple[str, bytes, str]
_DAY = 24 * 60 * 60
#: One pixel; and a folder with nothing in it.
PICTURE: Upload = (
    "small.png",
    base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGMwSJgAAAHkASHKbNIyAAAAAElFTkSuQmCC"),
    "image/png",
)
_TEXT: Upload = ("small.txt", b"made for a test\n", "text/plain")
ARCHIVE: Upload = ("small.zip", b"PK\x05\x06" + bytes(18), "application/zip")


def filler(name: str, world: World) -> Any:
    """Return a new name, a time to come in milliseconds, or a file to upload (``mmconform.contract.naming``)."""
    if name == "unique":
        return world.name("x")
    if name == "later":
        return (int(time.time()) + _DAY) * 1000
    return {"picture": PICTURE, "text": _TEXT, "archive": ARCHIVE}[name]
