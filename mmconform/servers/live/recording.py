"""A tape in the making."""

import platform
import shutil
from pathlib import Path
from typing import Any

from mmconform.errors import MisuseError
from mmconform.files import make_folder
from mmconform.record.provenance import now, tools
from mmconform.servers.target import Target, describe
from mmconform.wire.tape import tape


class Recording:
    """A tape in the making: beside its place until it is whole."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.place = tape.place(target.slug if target.is_reference else target.server.name)
        self.folder = self.place.with_name(f".recording-{self.place.name}")
        shutil.rmtree(self.folder, ignore_errors=True)
        make_folder(self.folder)

    def finish(self, *, seed: int, max_examples: int, spec: str) -> Path:
        """Label the tape, search it for secrets and put it in its place.

        Raises:
            MisuseError: a secret stands on the tape in the clear; nothing is kept then.
        """
        found = tape.leaks(self.folder, self.target.redactor.values)
        if found:
            self.drop()
            raise MisuseError(f"a secret stands in the clear in {Path(found[0]).name}; the recording was thrown away")
        label: dict[str, Any] = {
            "server": describe(self.target.server),
            "recorded": now(),
            "tools": tools(),
            "machine": f"{platform.system()} {platform.machine()}",
            "seed": seed,
            "max_examples": max_examples,
            "spec": spec,
            **({"keeps_documents": True} if self.target.keeps_documents else {}),
        }
        tape.write_label(self.folder, label)
        shutil.rmtree(self.place, ignore_errors=True)
        self.folder.rename(self.place)
        return self.place

    def drop(self) -> None:
        """Throw the recording away."""
        shutil.rmtree(self.folder, ignore_errors=True)
