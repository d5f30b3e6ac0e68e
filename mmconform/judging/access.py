"""Who may do what, as documented and as answered: read from the answers in a record."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from mmconform.contract.clause import Contract, Operation
from mmconform.knowledge import Unknown
from mmconform.record.record import Record, slug_of
from mmconform.version import Version
from mmconform.wire.tape.name import name_of_test
from mmconform.world.behaviours import NotKnownError, Refusal, denial
from mmconform.world.entitlement import entitlement
from mmconform.world.people import PERSONAS, Roles


@dataclass
class Access:
    """What the valid requests of one persona to one operation, about something that exists, were answered.

    Attributes:
        about: ``self``, ``other``, or ``any`` where it makes no difference.
        is_entitled: What is documented; None where nothing is, or it changed between the requests.
        answers: How often each status came with each error id.
        denials: How the operation refuses whoever lacks its permission, where that is known: status and error id.
    """

    operation: str
    persona: str
    about: str
    is_entitled: bool | None
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    denials: frozenset[tuple[int, str]] = frozenset()

    @property
    def served(self) -> int:
        """How many were let in."""
        return self._count(lambda status, _: 200 <= status < 300)

    @property
    def refused(self) -> int:
        """How many were refused.

        A 404 refuses whoever has no permission, from whom it hides what exists; for others it says that there is nothing, unless
        it is how the operation refuses.
        """
        codes = (401, 403, 404) if self.is_entitled is False else (401, 403)
        return self._count(lambda status, error: status in codes or (status, error) in self.denials)

    @property
    def answered(self) -> str:
        """``allowed``, ``denied``, ``mixed``, or nothing where neither came."""
        if self.served and self.refused:
            return "mixed"
        return "allowed" if self.served else "denied" if self.refused else ""

    def _count(self, what: Callable[[int, str], bool]) -> int:
        return sum(count for answer, count in self.answers.items() if what(*answer))


def accesses(contract: Contract, record: Record) -> Iterator[Access]:
    """Yield, for every operation, persona of the world and ``about``, what a record tells, in the order of the answers."""
    roles = Roles(Version.parse(record.header.server.version), {r: frozenset(held) for r, held in record.header.roles.items()})
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
            entitled = entitlement(operation, PERSONAS[persona], roles, asked)
            known = None if isinstance(entitled, Unknown) else entitled
            access = found.setdefault((operation.id, persona, about), Access(operation.id, persona, about, known))
            access.answers[answer.status, answer.error] += 1
    yield from found.values()


def tried(contract: Contract, record: Record) -> Iterator[Access]:
    """Yield, for every operation and caller, what their valid requests were answered where it was judged whether it is for them.

    Beside what :func:`accesses` tells of the people of the world these are callers whom a test makes, and those who ask wherever
    things lie: what they may differs from one request to the next, so that nothing is documented of all (``about`` is ``any``).
    """
    version, slug = Version.parse(record.header.server.version), slug_of(record.header.target)
    judged = {
        (name_of_test(row.test, slug), row.operation, row.persona)
        for row in record.observations
        if row.outcome in ("pass", "fail") and row.rule == ("auth" if row.persona == "anonymous" else "permission")
    }
    found: dict[tuple[str, str], Access] = {}
    for answer in record.answers:
        key = answer.operation, answer.persona
        is_told = answer.as_shipped or (answer.request, *key) in judged
        if answer.valid and is_told and answer.operation in contract.operations:
            denials = frozenset((one.status, one.id) for one in _denials(answer.operation, version))
            access = found.setdefault(key, Access(*key, "any", None, denials=denials))
            access.answers[answer.status, answer.error] += 1
    yield from found.values()


def _denials(operation: str, version: Version) -> list[Refusal]:
    with suppress(NotKnownError):
        return denial(operation, version)
    return []


def self_differs(operation: Operation) -> bool:
    """Return whether it makes a difference whose resource a request is about."""
    return operation.requirement.differs_for_self
