"""What the page says of a word, the page about words says too."""

from mmconform.paths import ROOT
from mmconform.report.page import _WHY_SKIPPED

WORDS = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")


def test_each_reason_for_skipping_is_explained_in_the_same_words():
    rows = [line for line in WORDS.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{reason}` | {meaning} |" for reason, meaning in _WHY_SKIPPED.items()]
