"""Known deviations: data, each with a reason and evidence. They never change what was seen, only what it means."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmconform.contract.clause import PRINCIPLES, RULES, Contract
from mmconform.documents.reader import Source, read
from mmconform.errors import DocumentError
from mmconform.judging.reason import Reason
from mmconform.paths import DEVIATIONS, OFFICIAL_DEVIATIONS
from mmconform.version import Version, Versions
from mmconform.world.people import MADE, PERSONAS

VERDICTS = ("server", "documentation", "ambiguous")
#: Members with a role that gives nothing but tokens: by the official description, only generated requests are theirs.
_LIKE_MEMBERS = ("token_user", "other_token_user")
_KEYS = ("clause", "personas", "versions", "signature", "verdict", "reason", "evidence", "first_seen")


@dataclass(frozen=True)
class Deviation:
    """A failing observation that is known and explained.

    Attributes:
        personas: Who sees it.
        versions: Those that show it, and those of which nobody knows whether they do.
        is_met_by_hand: Hand-written tests meet it, in every whole run; others only generated requests do (`generated: true`, or
            those signatures of an entry with which only they do).
        is_rare: Few requests meet it, so that a run which does not meet it says nothing (`rare: true`).
        clause: That of an operation; of a habit that all operations share, ``*.RULE`` (only of the official description).
        signature: As the check states it; another signature of the same clause is another deviation. Of a habit its beginning,
            with ``*`` for the rest.
        verdict: Who is wrong: the ``server`` (only where the clause quotes the document), the ``documentation``, or
            ``ambiguous``.
    """

    clause: str
    personas: frozenset[str]
    versions: Versions
    signature: str
    verdict: str
    reason: str
    evidence: str
    first_seen: str
    place: str
    is_rare: bool = False
    is_met_by_hand: bool = True

    def is_in(self, version: Version) -> bool:
        """Whether it is known that a version shows it."""
        return self.versions.include(version) is True

    def covers(self, clause: str, persona: str, signature: str, version: Version) -> bool | None:
        """Return whether it explains what was seen; None where nobody knows whether that version is to show it."""
        is_it = self._is_about(clause) and persona in self.personas and self._is_seen_as(signature)
        return is_it and self.versions.include(version)

    def _is_about(self, clause: str) -> bool:
        return self.clause == clause or (self.is_habit and clause.endswith(self.clause[1:]))

    def _is_seen_as(self, signature: str) -> bool:
        return self.signature == signature or (self.is_habit and signature.startswith(self.signature.removesuffix("*")))

    @property
    def is_habit(self) -> bool:
        """Whether it is about all operations alike."""
        return self.clause.startswith("*.")

    def overlaps(self, other: "Deviation") -> bool:
        return (
            (self.clause, self.signature) == (other.clause, other.signature)
            and bool(self.personas & other.personas)
            and self.versions.overlap(other.versions)
        )


def load(contract: Contract, folder: Path = DEVIATIONS, *, is_of_many: bool = False) -> list[Deviation]:
    """Return the known deviations of the contract's clauses.

    Args:
        is_of_many: The folder is about several documents: a clause that this one does not have is no mistake.

    Raises:
        DocumentError: an unknown clause, persona or verdict, something missing, or two entries for the same thing.
    """
    found: list[Deviation] = []
    for path in sorted(folder.glob("*.yaml")):
        name = f"{'deviations/' if folder.parent == DEVIATIONS else ''}{folder.name}/{path.name}"
        source = read(path, name)[0]
        if not isinstance(source.data, list):
            raise DocumentError(name, 1, "expected a list of deviations")
        for i, entry in enumerate(source.data):
            for deviation in _entries(source, i, entry, contract, is_of_many=is_of_many):
                twin = next((d for d in found if d.overlaps(deviation)), None)
                if twin:
                    raise DocumentError(
                        name, source.line_of(str(i)), f"`{deviation.clause}` overlaps with {twin.place}; join them"
                    )
                found.append(deviation)
    return found


def known(contract: Contract, *, is_ours: bool, is_official: bool) -> list[Deviation]:
    """Return what is known of our own document, or of the official description; of others' documents nothing is.

    Raises:
        DocumentError: as :func:`load`.
    """
    if is_ours:
        return load(contract)
    if not is_official:
        return []
    official = load(contract, OFFICIAL_DEVIATIONS, is_of_many=True)
    # The eleven operations are in it too. Which of their tests meet an entry there, nobody has told: none has to.
    ours = [replace(entry, is_rare=True) for entry in load(contract, is_of_many=True)]
    return official + [entry for entry in ours if not any(entry.overlaps(other) for other in official)]


def by_entry(deviations: Iterable[Deviation]) -> dict[str, list[Deviation]]:
    """Return deviations by the place of their entry (``file:line``): an entry is what is counted as one known deviation.

    Those of one entry differ in clause and signature alone.
    """
    entries: dict[str, list[Deviation]] = {}
    for deviation in deviations:
        entries.setdefault(deviation.place, []).append(deviation)
    return entries


def between(entries: Iterable[Deviation], before: Version, after: Version) -> Iterable[tuple[Deviation, str]]:
    """Yield what is known to be broken in one of two versions and not in the other, each with one persona who sees it."""
    seen = [(entry, persona) for entry in entries for persona in sorted(entry.personas)]

    def ways(version: Version, is_in: bool | None) -> set[tuple[str, str, str]]:
        return {(e.clause, p, e.signature) for e, p in seen if e.versions.include(version) is is_in}

    unclear = ways(before, None) | ways(after, None)
    changed = (ways(before, True) ^ ways(after, True)) - unclear
    for entry, persona in seen:
        is_of_one = entry.is_in(before) != entry.is_in(after)
        if is_of_one and (entry.clause, persona, entry.signature) in changed:
            yield entry, persona


def explain(clause: str, version: Version, ways: Mapping[str, Iterable[str]], entries: Iterable[Deviation]) -> list[Reason]:
    """Return why a version is known to break a promise in these ways, each reason once, with the place of its entry.

    Args:
        ways: The signatures, by the persona who saw them.
    """
    seen = [(persona, signature) for persona, signatures in ways.items() for signature in signatures]
    about = [entry for entry in entries if any(entry.covers(clause, *one, version) is True for one in seen)]
    told = (Reason(f"{entry.verdict}: {entry.reason.strip()}", entry.evidence.strip(), entry.place) for entry in about)
    return list(dict.fromkeys(told))


def _entries(source: Source, i: int, entry: Any, contract: Contract, *, is_of_many: bool) -> Iterable[Deviation]:
    line = source.line_of(str(i))

    def wrong(message: str) -> DocumentError:
        return DocumentError(source.file, line, message)

    if not isinstance(entry, dict):
        raise wrong("expected a mapping")
    for key in _KEYS:
        if not entry.get(key):
            raise wrong(f"the deviation has no `{key}`")
    unknown = sorted(entry.keys() - {*_KEYS, "rare", "generated", "unknown", "carried_back"})
    if unknown:
        raise wrong(f"`{unknown[0]}` is no part of a deviation")
    everybody = [*PERSONAS, *MADE] if is_of_many else list(PERSONAS)
    personas = everybody if entry["personas"] == "all" else entry["personas"]
    strangers = (
        [str(p) for p in personas if str(p) not in PERSONAS and str(p) not in MADE]
        if isinstance(personas, list)
        else [str(personas)]
    )
    if strangers:
        raise wrong(f"`{strangers[0]}` is no persona; there are {', '.join([*PERSONAS, *MADE])}")
    if entry["verdict"] not in VERDICTS:
        raise wrong(f"`{entry['verdict']}` is no verdict; there are {', '.join(VERDICTS)}")
    if is_of_many and "member" in personas:
        personas = [*personas, *_LIKE_MEMBERS]
    versions = _versions(entry, wrong)
    for key in ("reason", "evidence", "first_seen", "verdict"):
        if not isinstance(entry[key], str):
            raise wrong(f"`{key}` is no text")
    clauses = entry["clause"] if isinstance(entry["clause"], list) else [entry["clause"]]
    signatures = entry["signature"] if isinstance(entry["signature"], list) else [entry["signature"]]

    generated = entry.get("generated", [])
    if not isinstance(generated, bool) and not (isinstance(generated, list) and all(one in signatures for one in generated)):
        raise wrong("`generated` is neither `true` nor a list of signatures of the entry")

    def made(clause: str, signature: str, *, is_rare: bool) -> Deviation:
        return Deviation(
            clause,
            frozenset(personas),
            versions,
            signature,
            entry["verdict"],
            entry["reason"],
            entry["evidence"],
            entry["first_seen"],
            f"{source.file}:{line}",
            is_rare,
            not (generated is True or (generated and signature in generated)),
        )

    for name in clauses:
        clause = contract.clauses.get(name)
        operation, _, rule = str(name).partition(".")
        is_of_principle = rule in PRINCIPLES and operation in contract.operations
        if is_of_many and operation == "*" and rule in RULES:
            yield from (made(name, str(signature), is_rare=True) for signature in signatures)
            continue
        if clause is None and is_of_many and not is_of_principle:
            continue
        if clause is None and not is_of_principle:
            raise wrong(f"`{name}` is no clause of the contract; `mmconform contract` lists them")
        if is_of_many and entry["verdict"] == "server" and clause and clause.origin != "document":
            continue
        if entry["verdict"] == "server" and clause and clause.origin != "document":
            raise wrong(f"`{name}` is our own addition, so its failure cannot be held against the server; say `ambiguous`")
        yield from (made(name, str(signature), is_rare=entry.get("rare") is True) for signature in signatures)


def _versions(entry: dict[str, Any], wrong: Callable[[str], DocumentError]) -> Versions:
    try:
        return Versions.of(entry)
    except ValueError as error:
        raise wrong(f"`versions: {entry['versions']}` is no range: {error}") from None
