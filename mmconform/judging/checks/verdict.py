"""What a check is told and what it says."""

from dataclasses import dataclass
from functools import cached_property

from mmconform.contract.clause import Contract, Operation
from mmconform.judging.routes import reaches
from mmconform.judging.schemas import violations
from mmconform.version import Version
from mmconform.wire.exchange import Exchange
from mmconform.world.people import PERSONAS, is_entitled


@dataclass(frozen=True)
class Verdict:
    """What one exchange shows about one clause.

    Attributes:
        passed: Whether the promise was kept.
        signature: What tells this failure from others of the same clause: a status and error id, or a schema path.
            Holds no ids and no times, so that it is the same tomorrow.
        seen: The failure in words.
    """

    passed: bool
    signature: str = ""
    seen: str = ""


KEPT = Verdict(True)

#: Content too large, address too long, too many requests, headers too large: the server refused the message itself,
#: before it came to the operation, and nothing is said about that (RFC 9110, 15.5; RFC 6585).
MESSAGE_REFUSED = (413, 414, 429, 431)


def broken(signature: str, seen: str) -> Verdict:
    """Return the verdict that a promise was not kept."""
    return Verdict(False, signature, seen)


@dataclass(frozen=True)
class Setting:
    """Everything that a check may know beside the clause: the exchange, and what the contract says about it."""

    contract: Contract
    version: Version
    exchange: Exchange
    secrets: frozenset[str] = frozenset()

    @property
    def operation(self) -> Operation:
        return self.contract.operations[self.exchange.operation]

    @property
    def exists(self) -> bool:
        """Whether the operation exists in the server's version, according to the contract."""
        return self.operation.exists_in(self.version)

    @cached_property
    def is_routed(self) -> bool:
        """Whether the request, as it was sent, reaches the operation rather than another one or none."""
        return reaches(self.contract, self.operation, self.exchange)

    @cached_property
    def violations(self) -> list[str]:
        """In what the request breaks the operation's schema; empty for a valid one."""
        return violations(self.contract, self.operation, self.exchange)

    @cached_property
    def is_entitled(self) -> bool | None:
        """Whether the documentation lets the persona through; None when that cannot be known."""
        persona = PERSONAS.get(self.exchange.persona)
        return is_entitled(self.operation.requirement, persona, self.version, self.exchange.about) if persona else None

    @property
    def is_anonymous(self) -> bool:
        return self.exchange.persona == "anonymous"

    @property
    def is_answered(self) -> bool:
        """Whether the operation itself answered: it exists, the request reached it, and was not refused as a message."""
        return self.exists and self.is_routed and self.exchange.status not in MESSAGE_REFUSED

    @property
    def is_real(self) -> bool:
        """Whether the request names a resource that exists, or needs to name none."""
        return self.exchange.about in ("self", "other") or not (
            any(p.resource for p in self.operation.parameters) or (self.operation.body and self.operation.body.resources)
        )
