"""What the page says of a word, the page about words says too."""

from mmconform.paths import ROOT
from mmconform.report.marks import WHY_SKIPPED
from mmconform.world.people import MADE, PERSONAS

WORDS = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")


def test_each_reason_for_skipping_is_explained_in_the_same_words():
    rows = [line for line in WORDS.partition("## Who asks")[0].splitlines() if line.startswith("| `")]
    assert rows == [f"| `{reason}` | {meaning} |" for reason, meaning in WHY_SKIPPED.items()]


def test_each_caller_is_told_who_that_is():
    told = dict(
        line.strip("|").split("|", 1) for line in WORDS.partition("## Who asks")[2].splitlines() if line.startswith("| `")
    )
    assert [name.strip(" `") for name in told] == [*PERSONAS, *MADE]
    assert {name: told[f" `{name}` "].strip() for name in MADE} == MADE
