"""Makes the pictures of the README, and the outputs of the notebooks, anew: `make pictures`.

The pictures are what the terminal shows of two real runs, as SVG without anything from elsewhere.

They are of a copy, so that the records here stay those of all versions, each beside the one before; the second run is
without one of the known deviations, so that there is a failure to show. Of pytest's own header only what is the same
everywhere is left.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from mmconform.notebooks import execute
from mmconform.paths import REPORTS
from mmconform.record.record import NAME
from mmconform.wire.tape import tape

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 100
#: Rich's picture of a window, with fonts of the reader's machine instead of fetched ones.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px;
line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}</defs>
<rect fill="#0c0c0c" width="{width}" height="{height}" rx="8" />
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""
ELSEWHERE = re.compile(r"(?m)^(platform|rootdir|configfile|testpaths|plugins|, [a-z]+-\d).*\n")


def terminal(folder: Path, *arguments: str) -> str:
    """Return what pytest shows of a run in a checkout, with colours."""
    told = {"PYTHONPATH": str(folder), "COLUMNS": str(WIDTH), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MM_", "PYTEST_", "NO_COLOR"))}
    command = [sys.executable, "-m", "pytest", "--color=yes", *arguments]
    run = subprocess.run(command, cwd=folder, env=clean | told, capture_output=True, text=True, check=False)
    return f"$ pytest {' '.join(arguments)}\n{ELSEWHERE.sub('', run.stdout)}"


def picture(name: str, shown: str) -> None:
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text.from_ansi(shown), soft_wrap=False)
    console.save_svg(str(ROOT / "docs" / f"{name}.svg"), theme=MONOKAI, code_format=FORMAT, unique_id=name)


def without(folder: Path, clause: str) -> None:
    """Take the known deviations of a clause out of a checkout."""
    for path in (folder / "deviations").glob("*.yaml"):
        entries = re.split(r"(?m)^(?=- clause:)", path.read_text(encoding="utf-8"))
        path.write_text("".join(e for e in entries if not e.startswith(f"- clause: {clause}\n")), encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "copy"
        others = [path.name for path in (ROOT / "cassettes").iterdir() if path.name != "5.36.1"]
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "reports", *others))
        picture("green", terminal(copy, "--target", "recorded:5.36.1"))
        without(copy, "RegenCommandToken.permission")
        picture("red", terminal(copy, "--target", "recorded:5.36.1", "suites/permissions/test_commands.py"))
    execute.renew([REPORTS / version / NAME for version in tape.every()])


if __name__ == "__main__":
    main()
