"""Where things lie: in the checkout, or in the package that was made of one. Nobody else counts parents."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
#: Knowledge about servers, each row with its source.
DATA = PACKAGE / "data"

#: What an installed package has of the checkout, put there by ``setup.py``: what judging needs.
_CARRIED = PACKAGE / "checkout"
IS_CHECKOUT = not _CARRIED.is_dir()
ROOT = PACKAGE.parent if IS_CHECKOUT else _CARRIED
SPECS = ROOT / "specs"
CASSETTES = ROOT / "cassettes"
DEVIATIONS = ROOT / "deviations"
#: Those of the official description, of which a document may have a part.
OFFICIAL_DEVIATIONS = DEVIATIONS / "official"
NOTEBOOKS = ROOT / "notebooks"
#: What runs write. A package may be read-only, and is shared by whoever uses it: it leaves that where it is called.
REPORTS = (ROOT if IS_CHECKOUT else Path.cwd()) / "reports"
#: Records that were kept under a name, to be compared with later.
SAVED = REPORTS / "saved"
SUITES = ROOT / "suites"
TESTS = ROOT / "tests"

#: How a run is begun, before its targets and options: pytest by itself would not find the suites of a package.
RUN = "pytest --target" if IS_CHECKOUT else "mmconform campaign"


def shown(path: Path) -> str:
    """Return a path as people read it: from the checkout, or from where they are."""
    near = next((folder for folder in (ROOT, REPORTS.parent) if path.is_relative_to(folder)), None)
    return path.relative_to(near).as_posix() if near else str(path)
