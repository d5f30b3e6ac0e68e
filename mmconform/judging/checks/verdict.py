"""What a check is told and what it says."""

from dataclasses import dataclass
from functools import cached_property

from mmconform.contract.clause import Contract, Operation
from mmconform.judging.routes import reaches
from mmconform.judging.schemas import violations
from mmconform.knowledge import Knowledge, Unknown, every
from mmconform.version import Version
from mmconform.wire.exchange import Exchange
from mmconform.world import kinds
from mmconform.world.behaviours import keeps_secrets
from mmconform.world.entitlement import entitlement
from mmconform.world.people import Roles, known_persona


@dataclass(frozen=True)
class Verdict:
    """What one exchange shows about one clause.

    Attributes:
        passed: Whether the promise was kept.
        signature: What tells this failure from others of the same clause: a status and error id, or a schema path.
            Holds no ids and no times, so that it is the same tomorrow.
        seen: The failure in words.
        expected: What the promise wants instead.
        source: Where that is known from, beside the promise itself.
    """

    passed: bool
    signature: str = ""
    seen: str = ""
    expected: str = ""
    source: str = ""


KEPT = Verdict(True)

#: The signature of a secret that was told to somebody who is not to know it.
TOLD = "secret value in the answer"

#: Content too large, address too long, too many requests, headers too large: the server refused the message itself,
#: before it came to the operation, and nothing is said about that (RFC 9110, 15.5; RFC 6585).
MESSAGE_REFUSED = (413, 414, 429, 431)


def broken(signature: str, seen: str, expected: str, source: str = "") -> Verdict:
    """Return the verdict that a promise was not kept."""
    return Verdict(False, signature, seen, expected, source)


#: Nobody knows a request that is served, so that what a test expects of an answer proves nothing.
UNKNOWN_REQUEST = "unknown-request"


@dataclass(frozen=True)
class Context:
    """Everything that a check may know beside the clause: the exchange, and what the contract says about it.

    Attributes:
        roles: Who holds what on the server; None for what data say of its version.
    """

    contract: Contract
    version: Version
    exchange: Exchange
    secrets: frozenset[str] = frozenset()
    roles: Roles | None = None

    @cached_property
    def operation(self) -> Operation:
        return self.contract.operations[self.exchange.operation]

    @cached_property
    def exists(self) -> bool:
        """Whether the contract says for certain that the server's version has the operation."""
        return self.operation.exists_in(self.version) is True

    @cached_property
    def is_routed(self) -> bool:
        """Whether the request, as it was sent, reaches the operation rather than another one or none."""
        return reaches(self.contract, self.operation, self.exchange)

    @cached_property
    def violations(self) -> list[str]:
        """In what the request breaks the operation's schema; empty for a valid one. A body that has to depart may."""
        told_otherwise = self.operation.departs and "" in self.exchange.told
        return violations(self.contract, self.operation, self.exchange, skips_body=bool(told_otherwise))

    @cached_property
    def entitled(self) -> Knowledge:
        """Whether the documentation lets the persona through."""
        return self._entitled(is_licensed=False)

    @cached_property
    def entitled_but_for_a_licence(self) -> Knowledge:
        """Whether the documentation lets the persona through on a server that has the licence which it demands.

        Where that is known without a licence, one changes nothing.
        """
        return self._entitled(is_licensed=True) if isinstance(self.entitled, Unknown) else self.entitled

    def _entitled(self, *, is_licensed: bool) -> Knowledge:
        persona, at = known_persona(self.exchange.persona), self.exchange
        if persona is None:
            return Unknown()
        roles = self.roles or Roles(self.version)
        return entitlement(self.operation, persona, roles, at.as_meant, at.position, is_licensed=is_licensed)

    @property
    def source_of_roles(self) -> str:
        """Where it is known from who holds what."""
        return "the server's own list of its roles" if self.roles and self.roles.told else "data/permissions.yaml"

    @property
    def is_permission_told(self) -> bool:
        """Whether the documentation says who may call."""
        return f"{self.operation.id}.permission" in self.contract.clauses

    @property
    def tells_a_kept_secret(self) -> bool:
        """Whether the answer holds a secret value that the caller did not send, and that the operation tells nobody.

        Where the document promises to keep secrets, that is another clause's.
        """
        operation = self.operation
        if not keeps_secrets(operation.method, self.contract.base + operation.path) or not self.is_answered:
            return False
        if f"{operation.id}.secret" in self.contract.clauses:
            return False
        answer, sent = (part.decode("utf-8", "replace") for part in (self.exchange.answer, self.exchange.body or b""))
        return any(value in answer and value not in sent for value in self.secrets)

    @property
    def is_anonymous(self) -> bool:
        return self.exchange.persona == "anonymous"

    @cached_property
    def is_answered(self) -> bool:
        """Whether the operation itself answered: it exists, the request reached it, and was not refused as a message."""
        return self.exists and self.is_routed and self.exchange.status not in MESSAGE_REFUSED

    @property
    def has_no_route(self) -> bool:
        """Whether the server says that it has no such path."""
        return self.exchange.has_no_route

    @cached_property
    def is_real(self) -> Knowledge:
        """Whether the request names a resource that exists, or needs to name none."""
        if self.exchange.as_meant not in ("self", "other") and self.operation.kinds & kinds.by_name().keys():
            return False
        return Unknown("unknown-identifier") if self._puzzles else True

    @cached_property
    def is_about_nothing(self) -> bool:
        """Whether the request names something that nobody has: only who gets how far shows anything."""
        return kinds.is_absent(self.operation.kinds)

    @property
    def _puzzles(self) -> bool:
        """Whether the request holds an identifier of which nobody has told what it identifies."""
        told, query = self.exchange.told, {name for name, _ in self.exchange.query}
        untold = (p for p in self.operation.parameters if p.name not in told and (p.place == "path" or p.name in query))
        if any(kinds.is_puzzling(p) for p in untold):
            return True
        if "" in told or not self.operation.body or not self.exchange.body:
            return False
        puzzling = kinds.puzzling_parts(self.operation.body)
        return "" in puzzling or bool(puzzling & set(self.exchange.json_sent))

    @cached_property
    def is_valid(self) -> Knowledge:
        """Whether it is a valid request, about something that exists, that reached the operation: only such a one proves much."""
        return every([self.is_routed, self.exists, not self.violations, self.is_real])
