"""How much of the Permissions paragraphs of the official descriptions is understood: `python -m benchmarks.prose`.

Counts, for each half of the labels, what is read rightly, wrongly and not, and for each document what is understood. `--draw`
lists the labelled paragraphs with their text, for a reader; `--open develop` those of a half with what is read in them.
"""

import argparse
from collections import Counter

from mmconform.contract.build import build
from mmconform.documents.load import load
from tests.paragraphs import LABELS, OFFICIAL, digest, drawn, paragraphs, reading, verdict


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draw", action="store_true", help="list the draw with its texts")
    parser.add_argument("--open", choices=["develop", "hold-out", "rest"], help="tell of each paragraph of a half how it is read")
    options = parser.parse_args()
    said = {digest(text): text for text in paragraphs().values()}
    if options.draw:
        for name, place, half in drawn():
            print(f"{name} {half} {place.document} {place.operation}\n    {' '.join(said[name].split())}")
    elif options.open:
        _open(options.open, said)
    else:
        _count()


def _open(half: str, said: dict[str, str]) -> None:
    labels = {label["digest"]: label for label in LABELS}
    of_the_half = {n: t for n, t in said.items() if (labels[n]["half"] if n in labels else "rest") == half}
    told = {n: verdict(labels[n], t) if n in labels else "" for n, t in of_the_half.items()}
    for name, text in of_the_half.items():
        needs = labels[name]["needs"] if name in labels else "?"
        print(f"{name} {told[name]}\n    {' '.join(text.split())}\n    label: {needs}\n    read:  {reading(text)}")
    print(Counter(told.values()))


def _count() -> None:
    """Tell the figures: of a document as its contract has them, without what the labels call no requirement."""
    texts = {digest(text): text for text in paragraphs().values()}
    for half in ("develop", "hold-out"):
        print(half, dict(Counter(verdict(label, texts[label["digest"]]) for label in LABELS if label["half"] == half)))
    nothing = {label["digest"] for label in LABELS if label["needs"] == "nothing"}
    said = paragraphs()
    for path in OFFICIAL:
        operations = build(load([path]).document).operations
        here = {place.operation: digest(text) for place, text in said.items() if place.document == path.stem}
        states = {name: found for name, found in here.items() if found not in nothing and name in operations}
        understood = [name for name in states if operations[name].requirement.is_understood]
        print(f"{path.stem}: {len(understood)} of {len(states)} understood, {len(understood) / len(states):.1%}")


if __name__ == "__main__":
    main()
