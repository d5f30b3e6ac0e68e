"""Executes the notebooks on somebody's records. Needs the extra ``notebooks``."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

from mmconform.errors import MisuseError
from mmconform.files import write_whole
from mmconform.frame import RECORDS

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


def every() -> list[Path]:
    """Return the notebooks in the order in which they are read."""
    return sorted(FOLDER.glob("*.ipynb"))


def execute(path: Path, records: list[Path]) -> Any:
    """Return a notebook with what its cells show of some records.

    Nothing in it tells when or where it was executed.

    Raises:
        MisuseError: a cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=300, record_timing=False, resources={"metadata": {"path": str(path.parent)}})
    told = {RECORDS: os.pathsep.join(map(str, records)), "MM_URL": os.environ.get("MM_URL", "")}
    try:
        client.execute(env=os.environ | told)
    except CellExecutionError as error:
        raise MisuseError(f"{path.name}: {error.ename}: {error.evalue}") from None
    notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return notebook


def pages(records: list[Path], folder: Path) -> Iterator[Path]:
    """Execute every notebook, write what it shows as a page of HTML into a folder, and yield the page.

    Raises:
        MisuseError: as :func:`execute` does.
    """
    # A page is read from a file, often where there is no network, so it fetches nothing.
    exporter = HTMLExporter(require_js_url="", jquery_url="", mathjax_url="", mermaid_js_url="")
    for path in every():
        page, _ = exporter.from_notebook_node(execute(path, records), {"metadata": {"name": path.stem}})
        to = folder / f"{path.stem}.html"
        write_whole(to, page)
        yield to


def renew(records: list[Path]) -> None:
    """Execute every notebook in its place, so that what is committed shows these records."""
    for path in every():
        write_whole(path, nbformat.writes(execute(path, records)) + "\n")
