"""Executes the notebooks on somebody's records. Needs the extra ``notebooks``."""

import os
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

from mmconform.errors import MisuseError
from mmconform.files import write_whole
from mmconform.notebooks.tables import RECORDS
from mmconform.paths import NOTEBOOKS


def every() -> list[Path]:
    """Return the notebooks in the order in which they are read."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def execute(path: Path, records: list[Path]) -> Any:
    """Return a notebook with what its cells show of some records.

    Nothing in it tells when or where it was executed.

    Raises:
        MisuseError: a cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        record_timing=False,
        extra_arguments=["--log-level=40"],  # the kernel warns that it speaks plainly; it does so on this machine only
        resources={"metadata": {"path": str(path.parent)}},
    )
    variables = {RECORDS: os.pathsep.join(str(path.resolve()) for path in records), "MM_URL": os.environ.get("MM_URL", "")}
    try:
        client.execute(env=os.environ | variables)
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
        page, _ = exporter.from_notebook_node(_described(execute(path, records)), {"metadata": {"name": path.stem}})
        to = folder / f"{path.stem}.html"
        write_whole(to, re.sub(r'<script src="">\s*</script>', "", page), private=True)
        yield to


def _described(notebook: Any) -> Any:
    """Write pictures with their text as HTML, since nbconvert leaves the text out."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if text := output.get("metadata", {}).get("image/png", {}).get("alt"):
                source = f"data:image/png;base64,{output['data']['image/png'].strip()}"
                output["data"] = {"text/html": f'<img alt="{escape(text)}" src="{source}" style="max-width:100%">'}
    return notebook


def renew(records: list[Path]) -> None:
    """Execute every notebook in its place, so that what is committed shows these records."""
    for path in every():
        write_whole(path, nbformat.writes(execute(path, records)) + "\n")
