"""Stands between the suites and a live server: what would do harm is not sent, whoever wrote the request."""

import re
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl, urlsplit

from mmconform.contract.clause import Contract, Operation
from mmconform.contract.permission import Holds, Requirement, is_there, leaves
from mmconform.version import Version
from mmconform.wire.client import HeldBackError, Sending, UnseenError
from mmconform.world.admin import OPERATOR
from mmconform.world.entitlement import entitlement
from mmconform.world.features import needed_by
from mmconform.world.harm import below_the_api, dangerous, harmless
from mmconform.world.people import PERSONAS, Roles

#: The reasons by which the record counts what was held back.
WOULD_DO_HARM, UNFILLED = "would-do-harm", "unknown-identifier"
_ABOUT_ACCESS = re.compile(r"permission|authenti|session|logged in|log in|token", re.IGNORECASE)
_NOT_DECLARED = "who could be served would change something, and nothing declares the operation harmless"


def require_filled(operation: Operation, values: Container[str]) -> None:
    """Let a request be made, or not.

    Raises:
        HeldBackError: it would be sent with a placeholder of the template in its path.
    """
    missing = [name for name in operation.placeholders if name not in values]
    if missing:
        raise HeldBackError(UNFILLED, f"{operation.label}: nobody says what `{{{missing[0]}}}` stands for")


@dataclass(frozen=True)
class Guard:
    """Decides who may send what to one server, and remembers what was sent that may have changed it.

    Attributes:
        is_disruptive: The user allows what changes the server (``--disruptive``).
        is_throwaway: Nobody but the administrator and ourselves uses the server.
        sent: Told of each request that was sent and is not harmless, with the status of its answer (0: none came).
        lacks: Features of which the server says that it does not have them: what needs one can do nothing there, whoever asks.
    """

    contract: Contract
    version: Version
    is_disruptive: bool = False
    is_throwaway: bool = False
    sent: Callable[[Sending, int], None] = field(default=lambda sending, status: None)
    lacks: frozenset[str] = frozenset()
    _served_after_all: set[str] = field(default_factory=set)

    def before(self, sending: Sending) -> None:
        """Let a request through, or not; what the administrator arranges is journalled and put back, and passes.

        Raises:
            HeldBackError: it would do harm; also where its address is, for a router, that of another operation than was meant.
        """
        if sending.persona == OPERATOR:
            return
        address = urlsplit(sending.url)
        parameters = frozenset(name for name, _ in parse_qsl(address.query, keep_blank_values=True))
        operation = self.contract.operations.get(sending.operation)
        lacks = self._lacked_by(operation) if operation and sending.is_spending else frozenset()
        reason = self._danger(sending.method, below_the_api(address.path), parameters, lacks)
        if operation:
            reason = reason or self.refuses(operation, sending.persona, sending.about, is_spending=sending.is_spending)
        if reason:
            raise HeldBackError(WOULD_DO_HARM, f"{sending.method} {address.path} by {sending.persona}: {reason}")

    def after(self, sending: Sending, status: int) -> None:
        """Remember a request that may have changed something.

        Raises:
            UnseenError: it was served, which it could not be.
        """
        operation = self.contract.operations.get(sending.operation)
        if operation is None or self.is_harmless(operation):
            return
        self.sent(sending, status)
        if 200 <= status < 300 and not self.is_disruptive and (lacks := self._lacked_by(operation)):
            self._served_after_all.add(operation.id)
            without = " and ".join(sorted(lacks))
            what = f"was served by a server that says it has not got {without}: look what it did; it is not asked again"
            raise UnseenError(operation.label, what)

    def refuses(self, operation: Operation, persona: str, about: str, *, is_spending: bool = False) -> str:
        """Return why somebody does not send an operation about somebody's resource; nothing when they do.

        Args:
            is_spending: What it names is ours, and what it may consume was made for this request.
        """
        lacks = self._lacked_by(operation) if is_spending else frozenset()
        if danger := self._danger(operation.method, self._template(operation), lacks=lacks):
            return danger
        is_harmless = bool(lacks) or self.is_harmless(operation, is_spending=is_spending)
        if self.is_disruptive or is_harmless or not self._could_be_served(operation, persona, about):
            return ""
        return _NOT_DECLARED

    def is_harmless(self, operation: Operation, *, is_spending: bool = False) -> bool:
        """Whether an operation is declared to change nothing, or only what is ours; nothing of it that is to stay is consumed."""
        if operation.consumes and not is_spending:
            return False
        method = "GET" if operation.method == "HEAD" else operation.method
        path, resources = self._template(operation), operation.kinds
        return bool(operation.harmless) or any(
            row.is_about(method, path) and (not row.where or row.where in resources) for row in harmless()
        )

    def _template(self, operation: Operation) -> str:
        return below_the_api(self.contract.base + operation.path)

    def _lacked_by(self, operation: Operation) -> frozenset[str]:
        """Return what an operation needs and the server lacks, so that it can do nothing; none once it was served after all."""
        return frozenset() if operation.id in self._served_after_all else self.lacks & needed_by(operation)

    def _danger(
        self, method: str, path: str, parameters: frozenset[str] = frozenset(), lacks: frozenset[str] = frozenset()
    ) -> str:
        if self.is_disruptive and self.is_throwaway:
            return ""
        rows = (row for row in dangerous() if row.is_about(method, path, parameters) and row.needs not in lacks)
        return next((row.reason for row in rows), "")

    def _could_be_served(self, operation: Operation, persona: str, about: str) -> bool:
        """Whether a server may serve somebody; whoever is known to lack what is demanded may not be."""
        known = PERSONAS.get(persona)
        if known is None or operation.id in self._unclear:
            return True
        if not known.is_anonymous and not self._is_known(operation.requirement):
            return True
        return entitlement(operation, known, Roles(self.version), about) is not False

    @cached_property
    def _unclear(self) -> frozenset[str]:
        """The operations of which a sentence about who is served is not understood: even anonymous could be."""
        unknown = (remark for remark in self.contract.remarks if remark.reason is None)
        half = (id_ for id_, operation in self.contract.operations.items() if not operation.requirement.is_understood)
        return frozenset({remark.operation for remark in unknown if _ABOUT_ACCESS.search(remark.text)} | set(half))

    def _is_known(self, requirement: Requirement) -> bool:
        """Whether all the permissions of a requirement are those that the server has: else it asks for others."""
        named = [leaf.permission for leaf in leaves(requirement.demand) if isinstance(leaf, Holds)]
        return all(is_there(permission, self.version) for permission in named)
