"""Where things lie in the checkout. Nobody else counts parents."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
#: Knowledge about servers, each row with its source.
DATA = PACKAGE / "data"

ROOT = PACKAGE.parent
SPECS = ROOT / "specs"
CASSETTES = ROOT / "cassettes"
DEVIATIONS = ROOT / "deviations"
#: Those of the official description, of which a document may have a part.
OFFICIAL_DEVIATIONS = DEVIATIONS / "official"
NOTEBOOKS = ROOT / "notebooks"
REPORTS = ROOT / "reports"
#: Records that were kept under a name, to be compared with later.
SAVED = REPORTS / "saved"
SUITES = ROOT / "suites"
TESTS = ROOT / "tests"
