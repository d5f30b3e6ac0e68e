"""Stands between the suites and a live server: what would do harm is not sent, whoever wrote the request."""

import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qsl, unquote, urlsplit

from mmconform.contract.clause import Contract, Operation
from mmconform.contract.permission import Holds, Requirement, is_there, leaves
from mmconform.contract.templates import below_the_api
from mmconform.safety.harm import dangerous_about, harmless_about, only_reads
from mmconform.version import Version
from mmconform.wire.client import HeldBackError, Sending, UnseenError
from mmconform.world.admin import OPERATOR
from mmconform.world.entitlement import entitlement
from mmconform.world.features import needed_by
from mmconform.world.people import PERSONAS, Roles
from mmconform.world.register import Register

#: The reasons by which the record counts what was held back.
WOULD_DO_HARM, UNFILLED, FOREIGN = "would-do-harm", "unknown-identifier", "foreign-identifier"
HELD_BACK = (WOULD_DO_HARM, UNFILLED, FOREIGN)
#: Changes nothing, wherever it is sent, but for what the closed list names.
_READS = ("GET", "HEAD", "OPTIONS")
_ABOUT_ACCESS = re.compile(r"permission|authenti|session|logged in|log in|token", re.IGNORECASE)
#: Stands in a path for whoever asks.
_ONESELF = "me"
_SIGN_IN = "/users/login"
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
        register: What requests that change something may name.
    """

    contract: Contract
    version: Version
    is_disruptive: bool = False
    is_throwaway: bool = False
    sent: Callable[[Sending, int], None] = field(default=lambda sending, status: None)
    lacks: frozenset[str] = frozenset()
    register: Register = field(default_factory=Register, repr=False)
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
        path = below_the_api(address.path)
        reason = self._danger(sending.method, path, parameters, lacks, is_spending=sending.is_spending)
        if operation:
            reason = reason or self.refuses(operation, sending.persona, sending.about, is_spending=sending.is_spending)
        if reason:
            raise HeldBackError(WOULD_DO_HARM, f"{sending.method} {address.path} by {sending.persona}: {reason}")
        if foreign := next(self._foreign(sending, operation), ""):
            told = f"it changes something and names `{foreign}`, which this run neither made nor drew"
            raise HeldBackError(FOREIGN, f"{sending.method} {address.path} by {sending.persona}: {told}")

    def after(self, sending: Sending, status: int, answer: bytes = b"") -> None:
        """Remember a request that may have changed something, and what it made.

        Raises:
            UnseenError: it was served, which it could not be.
        """
        operation = self.contract.operations.get(sending.operation)
        if 200 <= status < 300 and self._makes(sending, operation):
            self.register.learn_made(answer)
        if operation is None or self.is_harmless(operation):
            return
        self.sent(sending, status)
        if 200 <= status < 300 and not self.is_disruptive and (lacks := self._lacked_by(operation)):
            self._served_after_all.add(operation.id)
            without = " and ".join(sorted(lacks))
            what = f"was served by a server that says it has not got {without}: look what it did; it is not asked again"
            raise UnseenError(operation.label, what)

    def _foreign(self, sending: Sending, operation: Operation | None) -> Iterator[str]:
        """Yield what a request that changes something names of somebody else's."""
        if sending.method in _READS and (operation is None or self.is_harmless(operation, is_spending=True)):
            return
        yield from self.register.foreign(sending.url, sending.body)
        named = operation.named_in(self._own_path(sending.url)) if operation else ()
        yield from (name for name in named if name != _ONESELF and not self.register.knows(name))

    def _own_path(self, url: str) -> str:
        return unquote(urlsplit(url).path).removeprefix(self.contract.base)

    def _makes(self, sending: Sending, operation: Operation | None) -> bool:
        """Whether what an answer tells of was made by the request: of some, nothing was; and who signs in was there before."""
        path = below_the_api(urlsplit(sending.url).path)
        told = self._template(operation) if operation else path
        return sending.method == "POST" and path != _SIGN_IN and not only_reads(sending.method, told)

    def refuses(
        self,
        operation: Operation,
        persona: str,
        about: str,
        parameters: frozenset[str] = frozenset(),
        *,
        is_spending: bool = False,
    ) -> str:
        """Return why somebody does not send an operation about somebody's resource; nothing when they do.

        Args:
            parameters: What stands in its query.
            is_spending: What it names is ours, and what it may consume was made for this request.
        """
        lacks = self._lacked_by(operation) if is_spending else frozenset()
        if danger := self._danger(operation.method, self._template(operation), parameters, lacks, is_spending=is_spending):
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
        return bool(operation.harmless) or any(not row.where or row.where in resources for row in harmless_about(method, path))

    def _template(self, operation: Operation) -> str:
        return below_the_api(self.contract.base + operation.path)

    def _lacked_by(self, operation: Operation) -> frozenset[str]:
        """Return what an operation needs and the server lacks, so that it can do nothing; none once it was served after all."""
        return frozenset() if operation.id in self._served_after_all else self.lacks & needed_by(operation)

    def _danger(
        self,
        method: str,
        path: str,
        parameters: frozenset[str] = frozenset(),
        lacks: frozenset[str] = frozenset(),
        *,
        is_spending: bool = False,
    ) -> str:
        if self.is_disruptive and self.is_throwaway:
            return ""
        rows = (row for row in dangerous_about(method, path, parameters) if row.needs not in lacks)
        return next((row.reason for row in rows if not (row.drawn and is_spending)), "")

    def _could_be_served(self, operation: Operation, persona: str, about: str) -> bool:
        """Whether a request may be served, so that it is held back: by anybody but who is known to lack what is demanded."""
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
