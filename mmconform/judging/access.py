"""Who may do what, as documented and as answered: read from the answers in a record."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mmconform.contract.clause import Contract, Operation
from mmconform.knowledge import Unknown
from mmconform.record.record import Record
from mmconform.version import Version
from mmconform.world.entitlement import entitlement
from mmconform.world.people import PERSONAS, Roles


@dataclass
class Access:
    """What the valid requests of one persona to one operation, about something that exists, were answered.

    Attributes:
        about: ``self``, ``other``, or ``any`` where it makes no difference.
        is_entitled: What is documented; None where nothing is.
        answers: How often each status came with each error id.
    """

    operation: str
    persona: str
    about: str
    is_entitled: bool | None
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)

    @property
    def served(self) -> int:
        """How many were let in."""
        return self._count(lambda status: 200 <= status < 300)

    @property
    def refused(self) -> int:
        """How many were refused.

        A 404 refuses whoever has no permission, from whom it hides what exists; for others it says that there is nothing.
        """
        return self._count(lambda status: status in ((401, 403, 404) if self.is_entitled is False else (401, 403)))

    @property
    def answered(self) -> str:
        """``allowed``, ``denied``, ``mixed``, or nothing where neither came."""
        if self.served and self.refused:
            return "mixed"
        return "allowed" if self.served else "denied" if self.refused else ""

    def _count(self, what: Callable[[int], bool]) -> int:
        return sum(count for (status, _), count in self.answers.items() if what(status))


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


def self_differs(operation: Operation) -> bool:
    """Return whether it makes a difference whose resource a request is about."""
    return operation.requirement.differs_for_self
