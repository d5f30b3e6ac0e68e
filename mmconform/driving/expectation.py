"""What a hand-written test expects of an answer, and the exception in which its verdict travels."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

from mmconform.wire.exchange import Exchange
from mmconform.world.behaviours import NotKnownError


class Judged(Protocol):
    """An answer of which something is expected (:class:`mmconform.driving.actor.Reply`)."""

    exchange: Exchange
    stage: Any
    number: int

    @property
    def is_denied(self) -> bool: ...

    @property
    def is_unsteady(self) -> bool: ...

    @property
    def doubt(self) -> str: ...

    def shows(self, is_so: bool, complaint: str) -> "Expectation": ...


@dataclass(frozen=True, repr=False)
class Expectation:
    """True where it is met; to ask for the truth of one that is not raises what was broken, with the answer that broke it.

    ``|`` joins two of which one has to be met.

    Attributes:
        wanted: Every answer that would do, in words; the last one is in the signature of a failure.
        source: Where that is known from, beside the promise itself.
        complaint: What is wrong with an answer of the right status.
        clause: What it is about, where the test is about several promises in turn.
        is_of_the_form: It lacks what the test has to look at, which the schema of the answer may have said already.
    """

    reply: Judged
    wanted: tuple[str, ...]
    is_met: bool
    source: str = ""
    complaint: str = ""
    clause: str = ""
    is_of_the_form: bool = False

    def __bool__(self) -> bool:
        self.reply.stage.expectations.append(self)
        if self.is_met:
            return True
        if doubt := self.reply.doubt:
            raise NotKnownError(f"whether this breaks a promise is not known ({self.seen})", doubt)
        raise BrokenPromiseError(self)

    def require(self) -> None:
        """Raise what was broken, if it is not met."""
        bool(self)

    def __or__(self, other: "Expectation") -> "Expectation":
        sources = "; ".join(dict.fromkeys(source for source in (self.source, other.source) if source))
        return replace(other, wanted=(*self.wanted, *other.wanted), is_met=self.is_met or other.is_met, source=sources)

    @property
    def signature(self) -> str:
        return self.complaint or f"{self.reply.exchange.says}, not {self.wanted[-1]}"

    @property
    def seen(self) -> str:
        return self.complaint or f"{self.reply}, not {' or '.join(self.wanted)}"


class BrokenPromiseError(AssertionError):
    """An answer is not what a test expects of it.

    Attributes:
        is_unsteady: Whether the server says something else a moment later: asked at once, while the roles and settings that a
            test changes for a while are still so.
    """

    def __init__(self, expectation: Expectation) -> None:
        super().__init__(expectation.seen)
        self.expectation = expectation
        self.is_unsteady = expectation.reply.is_unsteady
