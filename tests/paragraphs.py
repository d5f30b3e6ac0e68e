"""The Permissions paragraphs of the official descriptions: listed, drawn, and what we say that they mean.

No sentence of theirs stands in the project. A paragraph is named by its document, one of its operations and the digest of its
text; `tests/contract/labels.yaml` holds what a person read in it. `python -m tests.paragraphs` lists the draw, for a reader.
"""

import hashlib
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from mmconform.paths import ROOT

#: The official descriptions, where they lie beside the checkout.
OFFICIAL = sorted((ROOT.parent / "shared" / "official").glob("*.yaml"))
SEED, DRAWN = "permissions-2026-11-26", 200
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")


class Place(NamedTuple):
    """Where a paragraph stands; an operation without a name is called by its method and path."""

    document: str
    operation: str


def paragraph(description: str) -> str | None:
    """Return what stands under the heading Permissions, white space aside; None where there is no such heading."""
    heading = re.search(r"(?im)^[ \t]*#+[ \t]*permissions?\b:?", description)
    if not heading:
        return None
    return " ".join(re.split(r"(?m)^[ \t]*#+[ \t]", description[heading.end() :], maxsplit=1)[0].split())


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def in_document(path: Path) -> Iterator[tuple[Place, str]]:
    """Yield every Permissions paragraph of a document."""
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for address, item in data["paths"].items():
        for method in sorted(item.keys() & set(_METHODS)):
            text = paragraph(item[method].get("description") or "")
            if text is not None:
                yield Place(path.stem, item[method].get("operationId") or f"{method.upper()} {address}"), text


def drawn(texts: dict[str, list[Place]]) -> Iterator[tuple[str, Place, str]]:
    """Yield what is to be labelled: a digest, one of its places, and its half. A text that stands in many places counts once."""
    chance = random.Random(SEED)
    for number, found in enumerate(chance.sample(sorted(texts), DRAWN)):
        place = random.Random(SEED + found).choice(sorted(texts[found]))
        yield found, place, "develop" if number < DRAWN // 2 else "hold-out"


if __name__ == "__main__":
    where: dict[str, list[Place]] = defaultdict(list)
    said: dict[str, str] = {}
    for place, text in (found for path in OFFICIAL for found in in_document(path)):
        where[digest(text)].append(place)
        said[digest(text)] = text
    for name, place, half in drawn(where):
        print(f"{name} {half} {place.document} {place.operation} ({len(where[name])})\n    {said[name]}")
