"""A tape: the folder of all cassettes of one server version, and its label TAPE.yaml."""

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmconform.documents.reader import dump, read
from mmconform.errors import MisuseError, plain
from mmconform.files import write_whole
from mmconform.paths import CASSETTES, REPORTS
from mmconform.version import Version
from mmconform.wire.tape.redact import MARK

LABEL = "TAPE.yaml"
WORLD = "world.yaml"
#: The folder, inside that of a version, of a second tape: of the whole API, as its official description tells of it.
WHOLE = "whole"
FORMAT = 1
#: What a server may call its version: it becomes the name of a folder, and a server may say anything.
VERSION = r"[0-9]{1,4}(\.[0-9]{1,4}){1,2}([.+-][A-Za-z0-9]{1,30})*"

_BANNER = "# What this tape was recorded from. Recorded, never edited: a tape is deleted or recorded anew.\n"


def every() -> list[str]:
    """Return the versions of which there is a tape, oldest first; one that lost its label is among them, to be refused."""
    names = [path.name for path in _folders() if is_version(path.name) and _is_begun(path)]
    return sorted(names, key=lambda name: (Version.parse(name), is_release(name)))


def _is_begun(folder: Path) -> bool:
    """Whether a folder holds something of a tape of its own: one of the whole API inside it is none."""
    return (folder / LABEL).exists() or bool(cassettes(folder))


def every_whole() -> list[str]:
    """Return the tapes of the whole API (``11.1.0/whole``), oldest first: no newest, and nobody's neighbour."""
    names = [path.parent.parent.name for path in CASSETTES.glob(f"[!.]*/{WHOLE}/{LABEL}") if is_version(path.parent.parent.name)]
    return [f"{name}/{WHOLE}" for name in sorted(names, key=Version.parse)]


def none_of(version: str) -> str:
    """Return that there is no tape of a version, or of the whole API (``11.1/whole``), and which there are."""
    whole = every_whole()
    if is_of_whole(version):
        return f"no tape of the whole API `{version}`; there are {', '.join(whole) or 'none'}"
    of_whole = f"; and, of the whole API, {', '.join(whole)}" if whole else ""
    meant = [name for name in every() if name.startswith(f"{version}-")]
    of_version = f"`{version}`{f', but of {meant[0]}' if meant else ''}"
    return f"no tape of version {of_version}; there are {', '.join(every()) or 'none'}{of_whole}"


def is_of_whole(name: str) -> bool:
    """Return whether a target or a version names the tape of the whole API inside a version's (``11.1.0/whole``)."""
    return name.endswith(f"/{WHOLE}")


def newest(names: Iterable[str] | None = None) -> str:
    """Return the newest release among tapes, oldest first, or all; where there is none the newest of them, if any.

    What is still under development is judged where it is named: what people ask for is what people run.
    """
    names = every() if names is None else list(names)
    return next(reversed([name for name in names if is_release(name)] or names), "")


def begun_by(parts: str) -> str:
    """Return the newest release, as :func:`newest`, of the tapes whose version begins with these parts; nothing where none does.

    Args:
        parts: All or the first of a version's (``9.11``).
    """
    return newest(name for name in every() if f"{name}.".startswith(f"{parts}."))


def is_release(name: str) -> bool:
    """Return whether a version is no ``-dev`` and no ``-rc1``."""
    return "-" not in name


def foreign() -> list[str]:
    """Return the folders beside the tapes that are not named like one. They are left alone."""
    return [path.name for path in _folders() if not is_version(path.name)]


def is_version(name: str) -> bool:
    """Return whether a server may call its version so, and hence a tape."""
    return bool(re.fullmatch(VERSION, name))


def _folders() -> list[Path]:
    return sorted(path for path in CASSETTES.glob("[!.]*") if path.is_dir())


def before(name: str) -> str:
    """Return the tape of the version before, or nothing: what is known to have changed is told of neighbours only."""
    names = every()
    return names[names.index(name) - 1] if name in names[1:] else ""


def place(name: str) -> Path:
    """Return the folder of a tape: of a version, or of a reference server, which is evidence of nothing and kept nowhere else."""
    return REPORTS / name / "tape" if name.startswith("reference") else CASSETTES / name


def cassettes(folder: Path) -> dict[str, Path]:
    """Return the cassettes of a tape, by their name relative to it."""
    found = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.suffix in (".yaml", ".json")}
    return {name.as_posix(): path for name, path in found.items() if path.name != LABEL and name.parts[0] != WHOLE}


def read_label(folder: Path) -> dict[str, Any]:
    """Return what the label says.

    Raises:
        MisuseError: it is missing, broken, or of another format.
    """
    path = folder / LABEL
    data = read(path, _shown(path))[0].data
    keys = ("format", "server", "recorded", "tools", "seed", "max_examples", "spec", "cassettes")
    missing = [key for key in keys if not isinstance(data, dict) or key not in data]
    if missing:
        raise MisuseError(f"{_shown(path)}: says nothing about `{missing[0]}`; record the tape anew")
    if not isinstance(data["cassettes"], dict):
        raise MisuseError(f"{_shown(path)}: `cassettes` lists no digests; restore it from git or record the tape anew")
    if data["format"] != FORMAT:
        raise MisuseError(f"{_shown(path)}: is of format {data['format']}, and this suite reads format {FORMAT}")
    of_version = folder.parent if folder.name == WHOLE else folder
    if of_version.parent == CASSETTES and isinstance(server := data["server"], dict):
        name, version = str(server.get("name")), str(server.get("version"))
        if (name, version) != (of_version.name, str(Version.parse(of_version.name))):
            what = plain(name if name.startswith(version) else f"{name} and {version}")[:80]
            raise MisuseError(f"{_shown(path)}: is the tape of {what}, not of {of_version.name}; give the folder its name back")
    return dict(data)


def write_label(folder: Path, label: dict[str, Any]) -> None:
    """Write the label, with the digest of every cassette."""
    label = {"format": FORMAT, **label, "cassettes": {name: digest(path) for name, path in cassettes(folder).items()}}
    write_whole(folder / LABEL, _BANNER + dump(label), private=True)


def verify(folder: Path, label: dict[str, Any]) -> None:
    """Check that every cassette is there and is what was recorded.

    Raises:
        MisuseError: names the first that is not.
    """
    there = cassettes(folder)
    for name, recorded in label["cassettes"].items():
        if name not in there:
            raise MisuseError(f"{_shown(folder / name)}: is missing from the tape; restore it from git or record the tape anew")
        if digest(there[name]) != recorded:
            raise MisuseError(
                f"{_shown(folder / name)}: is not what was recorded (its digest differs from {LABEL}: corrupt, cut short or "
                "edited); restore it from git or record the tape anew"
            )
    for name in there.keys() - label["cassettes"].keys():
        raise MisuseError(f"{_shown(folder / name)}: does not belong to the tape ({LABEL} does not list it)")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def leaks(folder: Path, values: frozenset[str]) -> list[str]:
    """Return the files below a folder in which one of the secret values stands in the clear."""
    secret = [value.encode() for value in values if not value.startswith(MARK)]
    return [str(p) for p in sorted(folder.rglob("*")) if p.is_file() and any(v in p.read_bytes() for v in secret)]


def _shown(path: Path) -> str:
    return os.path.relpath(path, CASSETTES.parent)
