"""A tape in the making."""

import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from mmconform.errors import MisuseError
from mmconform.files import make_folder, writing
from mmconform.paths import ROOT
from mmconform.record.provenance import now, tools
from mmconform.servers.target import Target, describe
from mmconform.wire.tape import tape

#: What of a label tells one server of a version from another; the rest of ``X-Version-Id`` is a digest of settings.
_WHO = ("calls_itself", "build", "commit", "edition")


class Recording:
    """A tape in the making: beside its place until it is whole.

    Args:
        may_replace: Whether it may take the place of the tape of another server of that version.
        is_whole: It is one of the whole API, beside that of our own operations.
        built_from: The repository, and the folder in it, that has the commit; a server tells the commit alone.

    Raises:
        MisuseError: it may not, or it cannot be written.
    """

    def __init__(self, target: Target, *, may_replace: bool, built_from: str = "", is_whole: bool = False) -> None:
        self.target, self.built_from = target, built_from
        self.place = tape.place(target.slug if target.is_reference else target.server.name)
        self.folder = self.place.with_name(f".recording-{self.place.name}")
        if is_whole:
            self.place, self.folder = self.place / tape.WHOLE, self.folder.with_name(f"{self.folder.name}-{tape.WHOLE}")
        self._refuse_place()
        if not (may_replace or target.is_reference):
            self._refuse_another_server()
        shutil.rmtree(self.folder, ignore_errors=True)
        with writing(self.folder):
            make_folder(self.folder)

    def finish(self, *, seed: int, max_examples: int, spec: str, more: Mapping[str, Any] | None = None) -> Path:
        """Label the tape, search it for secrets and put it in its place.

        Args:
            more: What else the label says.

        Raises:
            MisuseError: a secret stands on the tape in the clear, and nothing is kept; or it cannot take its place.
        """
        found = tape.leaks(self.folder, self.target.redactor.values)
        if found:
            self.drop()
            raise MisuseError(f"a secret stands in the clear in {Path(found[0]).name}; the recording was thrown away")
        label: dict[str, Any] = {
            "server": msgspec.structs.asdict(describe(self.target.server)),
            **({"built_from": self.built_from} if self.built_from else {}),
            "recorded": now(),
            "tools": tools(),
            "machine": f"{platform.system()} {platform.machine()}",
            "seed": seed,
            "max_examples": max_examples,
            "spec": spec,
            **({"keeps_documents": True} if self.target.keeps_documents else {}),
            **(more or {}),
        }
        try:
            tape.write_label(self.folder, label)
            self._take_place()
        except OSError as error:
            raise MisuseError(
                f"{self._shown} cannot be replaced: {error.strerror}; the recording is {self.folder.name}"
            ) from None
        return self.place

    def drop(self) -> None:
        """Throw the recording away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _shown(self) -> str:
        return os.path.relpath(self.place, ROOT)

    def _take_place(self) -> None:
        before = self.folder.with_name(f"{self.folder.name}-before")
        shutil.rmtree(before, ignore_errors=True)
        make_folder(self.place.parent)
        if self.place.exists():
            self.place.rename(before)
            if (before / tape.WHOLE).exists():
                (before / tape.WHOLE).rename(self.folder / tape.WHOLE)
        self.folder.rename(self.place)
        shutil.rmtree(before, ignore_errors=True)

    def _refuse_place(self) -> None:
        if self.place.is_symlink():
            raise MisuseError(f"{self._shown} is a symbolic link; a tape is recorded into a folder of its own")
        if self.place.exists() and not self.place.is_dir():
            raise MisuseError(f"{self._shown} is no folder; a tape cannot take its place")

    def _refuse_another_server(self) -> None:
        """Refuse that what only calls itself so takes the place of what a real server answered."""
        if not tape.cassettes(self.place):
            return
        there, this = tape.read_label(self.place)["server"], msgspec.structs.asdict(describe(self.target.server))
        differs = [key for key in _WHO if there.get(key) != this[key]]
        if differs:
            what = ", ".join(f"{key} `{there.get(key)}` there, `{this[key]}` now" for key in differs)
            raise MisuseError(f"{self._shown} is the tape of another server ({what}); --replace-tape replaces it all the same")
