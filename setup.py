"""Puts into the package what judging needs of a checkout; all else is in pyproject.toml.

Tapes stay out: they are 75 MB, and answer for servers that are at hand otherwise.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

#: What is carried, and where `mmconform/paths.py` looks for it.
CARRIED, PLACE = ("conftest.py", "pyproject.toml", "suites", "specs", "deviations", "benchmarks/prove.json"), "mmconform/checkout"


def carried() -> list[str]:
    """Return the files, as paths from the checkout."""
    files = [file for name in CARRIED for file in (Path(name).rglob("*") if Path(name).is_dir() else [Path(name)])]
    return sorted(file.as_posix() for file in files if file.is_file() and file.suffix != ".pyc")


class BuildWithSuites(build_py):
    """Builds the package with a part of the checkout in it, unless it is installed to be edited: then the checkout is there."""

    def run(self) -> None:
        super().run()
        for to, file in self._copies().items():
            Path(to).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, to)

    def get_source_files(self) -> list[str]:
        """Name what an sdist needs too."""
        return [*super().get_source_files(), *carried()]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        return [*super().get_outputs(include_bytecode), *self._copies()]

    def get_output_mapping(self) -> dict[str, str]:
        return {**super().get_output_mapping(), **self._copies()}

    def _copies(self) -> dict[str, str]:
        return {} if self.editable_mode else {f"{self.build_lib}/{PLACE}/{file}": file for file in carried()}


setup(cmdclass={"build_py": BuildWithSuites})
