"""The Permissions paragraphs of the official descriptions, and what somebody read in 200 of them.

No sentence of theirs stands in the project. A paragraph is named by its document, one of its operations and the digest of its
text; `tests/contract/labels.yaml` says what it demands. `benchmarks/prose.py` lists the draw and tells how many are understood.
"""

import hashlib
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from mmconform.contract import prose
from mmconform.contract.permission import (
    Cases,
    Demand,
    Every,
    Holds,
    Is,
    Oneself,
    Requirement,
    Where,
    Within,
    all_of,
    any_of,
    is_met,
    leaves,
    with_scopes,
)
from mmconform.knowledge import Knowledge
from mmconform.paths import ROOT
from mmconform.version import Versions

#: The official descriptions, where they lie beside the checkout.
OFFICIAL = sorted((ROOT.parent / "shared" / "official").glob("*.yaml"))
SEED, DRAWN = "permissions-2026-11-26", 200
LABELS: list[dict[str, Any]] = yaml.safe_load((ROOT / "tests" / "contract" / "labels.yaml").read_text(encoding="utf-8"))
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_HEADING = re.compile(r"(?im)^[ \t]*#+[ \t]*permissions?\b:?")


class Place(NamedTuple):
    """Where a paragraph stands; an operation without a name is called by its method and path."""

    document: str
    operation: str


def paragraph(description: str) -> str | None:
    """Return what stands under the heading Permissions; None where there is no such heading."""
    heading = _HEADING.search(description)
    return re.split(r"(?m)^[ \t]*#+[ \t]", description[heading.end() :], maxsplit=1)[0] if heading else None


def digest(text: str) -> str:
    """Return what names a text, white space aside."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:12]


@cache
def paragraphs() -> dict[Place, str]:
    """Return every Permissions paragraph of the official descriptions."""
    return {place: text for path in OFFICIAL for place, text in _in_document(path)}


def _in_document(path: Path) -> Iterator[tuple[Place, str]]:
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for address, item in data["paths"].items():
        for method in sorted(item.keys() & set(_METHODS)):
            text = paragraph(item[method].get("description") or "")
            if text is not None:
                yield Place(path.stem, item[method].get("operationId") or f"{method.upper()} {address}"), text


def drawn() -> Iterator[tuple[str, Place, str]]:
    """Yield what is labelled: a digest, one of its places, and its half. A text that stands in many places counts once."""
    places: dict[str, list[Place]] = defaultdict(list)
    for place, text in paragraphs().items():
        places[digest(text)].append(place)
    for number, found in enumerate(random.Random(SEED).sample(sorted(places), DRAWN)):
        place = random.Random(SEED + found).choice(sorted(places[found]))
        yield found, place, "develop" if number < DRAWN // 2 else "hold-out"


def reading(text: str) -> Requirement | None:
    """Return what the grammar reads in a Permissions paragraph."""
    told = [(sentence, prose.understand(sentence)) for sentence in prose.sentences(f"##### Permissions\n{text}")]
    return prose.requirement_of(told, is_secured=True)


def labelled(needs: Any) -> Requirement | None:
    """Return what a label says, as the grammar would; None for what is no requirement, or one that no structure holds."""
    if needs in ("unsayable", "nothing"):
        return None
    return Requirement(authenticated=needs != "nobody", demand=_demand(needs))


def _demand(needs: Any) -> Demand:
    match needs:
        case "session" | "nobody":
            return Every()
        case "self":
            return Oneself()
        case str():
            permission, _, scope = needs.partition(" in the ")
            return Holds(permission, scope)
        case {"every": parts}:
            return all_of(*map(_demand, parts))
        case {"some": parts}:
            return any_of(*map(_demand, parts))
        case {"is": relation, "of": thing}:
            return Is(relation, thing)
        case {"where": thing, "is": state}:
            return Where(thing, state)
        case {"versions": versions}:
            return Within(Versions.parse(versions))
        case {"cases": cases, **rest}:
            told = tuple((_demand(condition), _demand(then)) for condition, then in cases)
            return Cases(told, _demand(rest["otherwise"]) if rest else None)
    raise AssertionError(f"{needs} is no label")


def verdict(label: dict[str, Any], text: str) -> str:
    """Return how the grammar reads a labelled paragraph: ``right``, ``wrong``, or ``not understood``."""
    read, meant = reading(text), labelled(label["needs"])
    if read is None or not read.is_understood:
        return "not understood"
    return "right" if meant and _says_the_same(read, meant) else "wrong"


def _says_the_same(one: Requirement, other: Requirement) -> bool:
    """Return whether two requirements let the same people in, whoever holds and is what."""
    demands = [with_scopes(one.demand), with_scopes(other.demand)]
    terms = sorted({leaf for demand in demands for leaf in leaves(demand)}, key=repr)
    worlds = [dict(zip(terms, known, strict=True)) for known in product((True, False), repeat=len(terms))]

    def seen(demand: Demand) -> list[Knowledge]:
        return [is_met(demand, world.__getitem__) for world in worlds]

    return one.authenticated == other.authenticated and seen(demands[0]) == seen(demands[1])
