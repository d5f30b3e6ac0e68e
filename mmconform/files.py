"""Writes files that are there whole or not at all, and, unless they are for everybody, for their owner only."""

import errno
import fnmatch
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE
from typing import IO

from filelock import FileLock, Timeout

from mmconform.errors import MisuseError

#: What helps against an error of the system while a file is written.
_ADVICE = (
    dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room, or have it written elsewhere")
    | dict.fromkeys((errno.EACCES, errno.EPERM), "take a folder in which you may write, or the right to")
    | {errno.EROFS: "nothing there can be changed; have it written elsewhere"}
    | {errno.ENOENT: "no folder can be made there; have it written elsewhere"}
    | dict.fromkeys((errno.ENOTDIR, errno.EEXIST), "a file stands where a folder is to be; have it written elsewhere")
    | {errno.EISDIR: "a folder stands where the file is to be; have it written elsewhere"}
    | {errno.ENAMETOOLONG: "take a shorter name"}
)
_OWNER_FILE, _OWNER_FOLDER, _EVERYBODY = 0o600, 0o700, 0o666


def is_locked(path: Path) -> bool:
    """Return whether somebody holds the lock on a file; where there is no file, nobody does, and none is made."""
    if not path.is_file():
        return False
    try:
        with FileLock(path, timeout=0, mode=_OWNER_FILE, thread_local=False):
            return False
    except Timeout:
        return True
    except OSError:  # somebody else's, which tells nothing
        return False


def files_below(folder: Path, pattern: str) -> list[Path]:
    """Return the files of such a name below a folder, however deep; a folder that goes away meanwhile holds none."""
    return sorted(Path(place, name) for place, _, names in os.walk(folder) for name in fnmatch.filter(names, pattern))


def write_whole(path: Path, text: str, *, private: bool = False) -> None:
    """Write text in UTF-8; whoever reads meanwhile sees the old file or the new one, never half of one.

    Args:
        private: Nobody but its owner may read it, however wide the umask; what the umask forbids stays forbidden. So is
            everything that comes from a server.

    Raises:
        MisuseError: it cannot be written.
    """
    with writing(path):
        _write_whole(path, text, private)


def _write_whole(path: Path, text: str, private: bool) -> None:
    make_folder(path.parent, private=private)
    beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_FILE if private else _EVERYBODY)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def open_private(path: Path, mode: str) -> IO[str]:
    """Open a text file that only its owner may read, also one that was there before.

    Raises:
        MisuseError: it cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if mode == "a" else os.O_TRUNC)
    with writing(path):
        make_folder(path.parent)
        descriptor = os.open(path, flags, _OWNER_FILE)
    with suppress(OSError):  # somebody else's
        _close_to_others(path)
    return os.fdopen(descriptor, mode, encoding="utf-8")


def make_folder(path: Path, *, private: bool = True) -> None:
    """Make a folder and those above it that are not there; what is there stays as it is."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(_OWNER_FOLDER if private else 0o777, exist_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in one line that a file cannot be written: no right to, a full disk, a read-only folder.

    Raises:
        MisuseError: an error of the system while it is written.
    """
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "have it written elsewhere")
        raise MisuseError(f"{path} cannot be written: {error.strerror}; {advice}") from None


def check_writable(folder: Path) -> None:
    """Try whether files can be written in a folder, before it is too late to find out.

    Raises:
        MisuseError: they cannot.
    """
    trial = folder / f".{secrets.token_hex(6)}"
    with writing(folder):  # which the user knows, and the name of the trial nobody
        _write_whole(trial, "a line\n" * 1000, private=True)
    trial.unlink()


def close_to_others(folder: Path) -> None:
    """Take from everybody but the owner what they may do with the files and folders below a folder."""
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            with suppress(OSError):  # gone meanwhile, or somebody else's
                _close_to_others(Path(place, name))


def _close_to_others(path: Path) -> None:
    mode = S_IMODE(path.lstat().st_mode)
    if mode & 0o077 and not path.is_symlink():
        path.chmod(mode & ~0o077)
