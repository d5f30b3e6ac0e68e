"""Who may do what, as documented, as answered, and whether that was judged: read from a record, for all who tell of it."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from mmconform.contract.clause import Contract, Operation, Rule
from mmconform.knowledge import Unknown
from mmconform.record.record import Record, slug_of
from mmconform.record.rows import AnswerRow, Documented, Evidence, ObservationRow
from mmconform.version import Version
from mmconform.wire.tape.name import name_of_test
from mmconform.wire.tape.tape import is_of_whole
from mmconform.world.behaviours import NotKnownError, Refusal, denial
from mmconform.world.entitlement import entitlement
from mmconform.world.people import PERSONAS, Roles

#: What came of a request: it was served, or refused, or neither.
Answered = Literal["allowed", "denied", "neither"]


class Part(NamedTuple):
    """Those of somebody's requests of which the documentation says the same, and that were answered the same.

    Attributes:
        documented: Empty where nobody has judged them by it, or nothing is.
        agrees: Whether that is as documented; None where nobody judged it.
        requests: How many there were.
    """

    documented: Documented
    answered: Answered
    agrees: bool | None
    requests: int


@dataclass
class Access:
    """What one persona's valid requests to one operation, about something that exists, were answered, and how that was judged.

    Attributes:
        about: ``self``, ``other``, or ``any`` where it makes no difference, or all is told together.
        is_entitled: What is documented; None where nothing is, or it changes from one request to the next.
        answers: By status and error id.
        denials: How the operation refuses whoever lacks its permission, where that is known: status and error id.
        is_apart: Of callers whom a test makes, and of those who ask wherever things lie, what is documented changes from one
            request to the next, and the checks alone have judged it.
        is_kept: A check found some of it as documented. Without that an answer as documented is no verdict.
        against: What checks found in it that is not as documented.
        reasons: Why checks could not judge some of it.
    """

    operation: str
    persona: str
    about: str
    is_entitled: bool | None = None
    answers: dict[tuple[int, str], list[AnswerRow]] = field(default_factory=lambda: defaultdict(list))
    denials: frozenset[tuple[int, str]] = frozenset()
    is_apart: bool = False
    is_kept: bool = False
    against: list[ObservationRow] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def served(self) -> int:
        """How many were let in."""
        return sum(count for (_, answered), count in self._came.items() if answered == "allowed")

    @property
    def refused(self) -> int:
        """How many were refused.

        A 404 refuses whoever has no permission, from whom it hides what exists; for others it says that there is nothing, unless
        it is how the operation refuses.
        """
        return sum(count for (_, answered), count in self._came.items() if answered == "denied")

    @property
    def answered(self) -> Literal["allowed", "denied", "mixed", "neither"]:
        """What came, or else what was found in requests that prove nothing but that."""
        if self.served and self.refused:
            return "mixed"
        if self.served or self.refused:
            return "allowed" if self.served else "denied"
        return self.wrongly or "neither"

    @property
    def wrongly(self) -> Literal["allowed", "denied", ""]:
        """Whether those were let in of whom something was found, or refused; nothing where it was neither, or both."""
        statuses = [row.evidence.status if row.evidence else 0 for row in self.against]
        if statuses and all(200 <= status < 300 for status in statuses):
            return "allowed"
        return "denied" if statuses and all(status in (401, 403) for status in statuses) else ""

    @property
    def state(self) -> Literal["new", "known", "pass", ""]:
        """In which state the promise is for them; nothing where nobody judged whether all is as documented."""
        if self.against:
            return "new" if any(row.state == "new" for row in self.against) else "known"
        documented = {True: "allowed", False: "denied", None: ""}[self.is_entitled]
        return "pass" if self.is_kept and (self.is_apart or documented == self.answered) else ""

    @property
    def parts(self) -> list[Part]:
        """All of it by what is documented and by what came: so it can be told of whom that changes from request to request.

        What was found against it is a part too where no valid request shows it, as of an invalid one that was served.
        """
        came = self._came
        wrong: Counter[tuple[Documented, Answered]] = Counter()
        for row in self.against:
            wrong[_found(row)] += row.count
        judged = self.is_kept or self.is_entitled is None
        # As in records of earlier releases: some of it was judged, and nobody knows which.
        is_untold = self.is_apart and self.is_kept and not any(documented for documented, _ in came)

        def agrees(documented: Documented, answered: Answered) -> bool | None:
            if (documented, answered) in wrong:
                return False
            return True if is_untold or (judged and documented == answered) else None

        parts = [Part(*kind, agrees(*kind), came[kind] or wrong[kind]) for kind in dict.fromkeys((*came, *wrong))]
        # Of who has no session a check judges invalid requests too, and there may be no others.
        return parts or [Part("denied" if self.persona == "anonymous" else "", "neither", self.is_kept or None, 0)]

    @property
    def _came(self) -> Counter[tuple[Documented, Answered]]:
        return Counter(self._kind(row) for rows in self.answers.values() for row in rows)

    def _kind(self, row: AnswerRow) -> tuple[Documented, Answered]:
        told: dict[bool | None, Documented] = {True: "allowed", False: "denied", None: row.documented}
        documented = told[self.is_entitled]
        refusals = (401, 403, 404) if documented == "denied" else (401, 403)
        is_refused = row.status in refusals or (row.status, row.error) in self.denials
        return documented, "allowed" if row.is_served else "denied" if is_refused else "neither"


def _found(row: ObservationRow) -> tuple[Documented, Answered]:
    """Return what is documented of those of whom something was found, and what came: the contrary, or what the evidence wants."""
    evidence = row.evidence or Evidence()
    if 200 <= evidence.status < 300:
        return "denied", "allowed"
    answered: Answered = "denied" if evidence.status in (401, 403) else "neither"
    if row.rule == "auth" or evidence.expected == "denied":
        return "denied", answered
    return "allowed" if answered == "denied" or evidence.expected == "served" else "", answered


def accesses(contract: Contract, record: Record) -> Iterator[Access]:
    """Yield, for every operation, persona and ``about``, what a record tells.

    Of people of the world as they are it is documented what they may do with their own and with what is somebody else's. Callers
    whom a test makes, and whoever asks wherever things lie, are told apart: a row for each operation, whose ``about`` is ``any``.
    """
    rows = {(row.operation, row.persona, row.about): row for row in _as_shipped(contract, record)}
    people = {persona for _, persona, _ in rows}
    others = {(row.operation, row.persona): row for row in _apart(contract, record)}
    wherever = {answer.persona for answer in record.answers if _is_whole(record) or answer.request.startswith(_PROBES)} - people
    for key, row in others.items():
        if row.persona in wherever or row.persona not in PERSONAS:
            rows[*key, "any"] = row
    for seen in record.observations:
        operation, persona = contract.operations.get(seen.operation), seen.persona
        if operation is None or not _is_about_access(seen):
            continue
        if persona in PERSONAS and persona not in wherever:
            if seen.outcome == "fail":
                whose = seen.evidence.about if seen.evidence else "unclear"
                both = ["self", "other"] if self_differs(operation) else ["any"]
                for about in [whose] if whose in both else both:
                    # Of what is only asked while roles are changed, all answers are told together.
                    blank = Access(operation.id, persona, about)
                    if (beside := others.get((operation.id, persona))) is not None:
                        blank.answers, blank.denials = beside.answers, beside.denials
                    rows.setdefault((operation.id, persona, about), blank).against.append(seen)
        elif seen.outcome in ("pass", "fail") or (operation.id, persona, "any") in rows:
            row = rows.setdefault((operation.id, persona, "any"), Access(operation.id, persona, "any", is_apart=True))
            row.is_kept |= seen.outcome == "pass"
            if seen.outcome == "fail":
                row.against.append(seen)
            elif seen.outcome == "skip" and seen.signature not in row.reasons:
                row.reasons.append(seen.signature)
    why = _why_skipped(record)
    for row in rows.values():
        if not (row.is_apart or row.is_kept or row.against):
            clause = f"{row.operation}.{_rule(row.persona)}"
            row.reasons = [*dict.fromkeys(why.get((clause, row.persona), []) + why.get((clause, "everyone"), []))]
        yield row


#: The tests in which people of the world ask wherever things lie, and how records name what they send.
PROBES = "suites/generated/test_probes.py"
_PROBES = "generated/probes/"


def _is_whole(record: Record) -> bool:
    """Whether it is of a tape of the whole API, most of whose answers are to probes."""
    return is_of_whole(record.header.target)


def tells_documented(record: Record) -> bool:
    """Return whether a record tells by what its answers were judged, if any were: one of an earlier release does not."""
    judged = any(row.outcome in ("pass", "fail") and _is_about_access(row) for row in record.observations)
    return not (judged and record.answers) or any(answer.documented for answer in record.answers)


def has_probed(record: Record) -> bool:
    """Return whether probes asked in a run, of which a tape of the whole API keeps no texts."""
    return not _is_whole(record) and any(answer.request.startswith(_PROBES) for answer in record.answers)


def _why_skipped(record: Record) -> dict[tuple[str, str], list[str]]:
    """Return, by clause and by whom, for what reasons checks did not judge it."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in record.observations:
        if row.outcome == "skip":
            found.setdefault((row.clause, row.persona), []).append(row.signature)
    return found


def _is_about_access(row: ObservationRow) -> bool:
    return row.rule == _rule(row.persona)


def _rule(persona: str) -> Rule:
    return "auth" if persona == "anonymous" else "permission"


def _as_shipped(contract: Contract, record: Record) -> Iterator[Access]:
    """Yield what people of the world were answered as they are; on a tape of the whole API they ask wherever things lie."""
    if _is_whole(record):
        return
    roles = Roles(Version.parse(record.header.server.version), {r: frozenset(held) for r, held in record.header.roles.items()})
    slug = slug_of(record.header.target)
    kept = {
        (name_of_test(row.test, slug), row.operation, row.persona)
        for row in record.observations
        if row.outcome == "pass" and _is_about_access(row)
    }
    found: dict[tuple[str, str, str], Access] = {}
    for answer in record.answers:
        operation, persona = contract.operations.get(answer.operation), answer.persona
        if operation is None or not answer.valid or not operation.exists_in(roles.version):
            continue
        if persona not in PERSONAS or not answer.as_shipped:
            continue
        about = answer.about if self_differs(operation) else "any"
        if about in ("self", "other", "any"):
            asked = "other" if about == "any" else about
            # Where a session alone is demanded and no sentence says who may, nothing says either that all others may.
            is_told = f"{operation.id}.{_rule(persona)}" in contract.clauses
            entitled = entitlement(operation, PERSONAS[persona], roles, asked) if is_told else None
            known = None if isinstance(entitled, Unknown) else entitled
            access = found.setdefault((operation.id, persona, about), Access(operation.id, persona, about, known))
            access.answers[answer.status, answer.error].append(answer)
            access.is_kept |= (answer.request, operation.id, persona) in kept
    yield from found.values()


def _apart(contract: Contract, record: Record) -> Iterator[Access]:
    """Yield, for every operation and caller, what their valid requests were answered in tests that ask whether they may.

    These are probes, and all in which a check was asked about it, though it may have known nothing: of a bot no sentence says
    what it may, and of an operation there may be none at all.
    """
    version, slug = Version.parse(record.header.server.version), slug_of(record.header.target)
    judged = {
        (name_of_test(row.test, slug), row.operation, row.persona)
        for row in record.observations
        if row.outcome in ("pass", "fail", "skip") and _is_about_access(row)
    }
    found: dict[tuple[str, str], Access] = {}
    for answer in record.answers:
        key = answer.operation, answer.persona
        is_told = answer.as_shipped or answer.request.startswith(_PROBES) or (answer.request, *key) in judged
        if answer.valid and is_told and answer.operation in contract.operations:
            denials = frozenset((one.status, one.id) for one in _denials(answer.operation, version))
            access = found.setdefault(key, Access(*key, "any", denials=denials, is_apart=True))
            access.answers[answer.status, answer.error].append(answer)
    yield from found.values()


def _denials(operation: str, version: Version) -> list[Refusal]:
    with suppress(NotKnownError):
        return denial(operation, version)
    return []


def self_differs(operation: Operation) -> bool:
    """Return whether it makes a difference whose resource a request is about."""
    return operation.requirement.differs_for_self
