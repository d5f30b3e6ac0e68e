"""What probes would ask of a server, and what not and why, told before anything is made there."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmconform.contract.clause import Contract, Operation
from mmconform.contract.templates import below_the_api
from mmconform.driving.composing import Probe
from mmconform.driving.offered import unmet
from mmconform.driving.probes import (
    can_be_probed,
    is_closed,
    is_shown_by_right,
    is_signed_out_for_good,
    position_of,
    probes,
    unknown_names,
    why_not,
)
from mmconform.driving.variants import Plain, asked_beside
from mmconform.knowledge import Knowledge
from mmconform.safety.guard import Guard
from mmconform.world import kinds
from mmconform.world.behaviours import is_newer
from mmconform.world.entitlement import entitlement
from mmconform.world.people import BESIDE, PERSONAS, PROBING, Persona, Roles, known_persona
from mmconform.world.place import RESIDENT

#: Why no probe asks about an operation: one word each, and what it means. The words that records know are theirs.
WHY = {
    "not-in-version": "this version does not have it, and is asked only whether that is so",
    "partly-understood": "the document does not tell clearly whether this version has it",
    "unknown-identifier": "nobody says what an identifier of its path names",
    "unknown-request": "it changes something, and nobody says what a request says that is served",
    "would-do-harm": "it would do harm: it cannot be undone, leaves the server, or is not declared harmless",
}

#: Who sends an operation, by caller and whose thing it is about: nothing where it is sent, or why it is not.
Senders = dict[tuple[str, str], str]

#: The kinds of which each thing is an account, which servers keep for ever.
_ACCOUNTS = frozenset({"user", "guest-account", "bot"})


@dataclass(frozen=True)
class Prospect:
    """What probes would ask about one operation.

    Attributes:
        reason: Why they ask nothing (``WHY``); empty where they do.
        needs: What it needs that the server does not have: it may be refused for that.
        accounts: How many accounts are made for it, and consumed for good, at most.
    """

    operation: str
    tag: str
    reason: str = ""
    needs: tuple[str, ...] = ()
    requests: int = 0
    accounts: int = 0


@dataclass(frozen=True)
class Outlook:
    """What probes would ask about all operations of a contract.

    Attributes:
        accounts: How many a run of the probes makes, at most: who asks, whom and which bots it is about, and what is consumed.
        unknown: Of which identifiers in paths nobody knows the kind, with the number of operations, most frequent first.
    """

    prospects: tuple[Prospect, ...]
    accounts: int
    unknown: Mapping[str, int]

    @property
    def asked(self) -> tuple[Prospect, ...]:
        return tuple(prospect for prospect in self.prospects if not prospect.reason)


@dataclass(frozen=True)
class Foresight:
    """What is known of a server before a run.

    Attributes:
        config: Its configuration, as the administrator is told.
        absent: Who cannot be had there (:mod:`mmconform.world.callers`).
    """

    contract: Contract
    guard: Guard
    roles: Roles
    config: Mapping[str, Any]
    is_licensed: bool
    absent: Collection[str] = ()

    def outlook(self) -> Outlook:
        """Return what probes would ask."""
        prospects = tuple(self._prospect(operation) for operation in self.contract.operations.values())
        people = sum(
            1 for persona in (*PERSONAS.values(), *BESIDE.values()) if self._can_ask(persona) and not persona.is_anonymous
        )
        unknown = Counter(name for operation in self.contract.operations.values() for name in unknown_names(operation))
        accounts = people + self._kept() + sum(prospect.accounts for prospect in prospects)
        return Outlook(prospects, accounts, dict(unknown.most_common()))

    def _kept(self) -> int:
        """Return how many accounts are made for several operations: bots that stay, and whoever is consumed and renewed."""
        owners = {
            (kind, kind in operation.consumes, probe.persona if probe.about == "self" else RESIDENT)
            for operation in self.contract.operations.values()
            for kind in _ACCOUNTS & (operation.kinds | operation.consumes)
            for probe in self._asked(operation)
        }
        return sum(1 for kind, is_consumed, _ in owners if is_consumed or kind == "bot")

    def senders(self, operation: Operation) -> Senders:
        """Return who sends probes of an operation about whose things, and why others do not: of a version without it, too."""
        if not can_be_probed(operation):
            reason = why_not(operation)[1]
            return {(name, "other"): reason for name in PROBING if name not in self.absent}
        found: Senders = {}
        for probe in probes(operation):
            if (why := self._why_not(operation, probe)) is not None and found.get((probe.persona, probe.about)) != "":
                found[probe.persona, probe.about] = why
        return found

    def _asked(self, operation: Operation) -> list[Probe]:
        if self._reason(operation):
            return []
        return [probe for probe in probes(operation) if self._is_asked(operation, probe)]

    def _prospect(self, operation: Operation) -> Prospect:
        tag = next(iter(operation.tags), "without a tag")
        asked = self._asked(operation)
        if not asked:
            return Prospect(operation.id, tag, self._reason(operation) or "would-do-harm")
        path = below_the_api(self.contract.base + operation.path)
        lacks = tuple(map(str, unmet(operation.method, path, self.config, is_licensed=self.is_licensed)))
        beside = [] if lacks else list(self._asked_beside(operation, asked))
        consumed = 0 if lacks else self._consumed(operation, [*asked, *beside])
        return Prospect(operation.id, tag, needs=lacks, requests=len(asked) + len(beside), accounts=consumed)

    def _reason(self, operation: Operation) -> str:
        exists = operation.exists_in(self.guard.version)
        if exists is not True:
            return "partly-understood" if exists is None else "not-in-version"
        if not can_be_probed(operation):
            return why_not(operation)[0]
        return ""

    def _is_asked(self, operation: Operation, probe: Probe) -> bool:
        return self._why_not(operation, probe) == ""

    def _why_not(self, operation: Operation, probe: Probe) -> str | None:
        """Return why a probe is not sent, in words; nothing where it is, and None where there is nobody, or nothing, to ask."""
        persona = known_persona(probe.persona)
        if persona is None or not self._can_ask(persona) or is_shown_by_right(probe, self.roles):
            return None
        if is_signed_out_for_good(operation, persona):
            return "it would end a session that they cannot begin anew"
        return self.guard.refuses(operation, probe.persona, probe.about, is_spending=True)

    def _asked_beside(self, operation: Operation, asked: Sequence[Probe]) -> Iterator[Probe]:
        """Yield the probes that are asked with a flag, or about several things, where who is to be served is served."""
        told = ((probe, self._entitled(operation, probe)) for probe in asked)
        plain = [Plain(probe, entitled is not False, entitled) for probe, entitled in told]
        for probe, variant in asked_beside(operation, plain):
            parameters = frozenset(variant.query)
            if not self.guard.refuses(operation, probe.persona, probe.about, parameters, is_spending=True):
                yield probe

    def _can_ask(self, persona: Persona) -> bool:
        return persona.name not in self.absent

    def _consumed(self, operation: Operation, asked: Sequence[Probe]) -> int:
        """Return how many accounts are made anew: by each who is served, or after them where what was consumed is not renewed."""
        path = below_the_api(self.contract.base + operation.path)
        states = (kinds.by_name()[kind] for kind in _ACCOUNTS & operation.consumes)
        consumed = (kinds.by_name()[kind.state_of or kind.name] for kind in states)
        is_renewed = all(kind.is_renewed_after(operation.method, path) for kind in consumed)
        if is_renewed and operation.makes != "user":
            return 0
        return sum(self._entitled(operation, probe) is not False for probe in asked)

    def _entitled(self, operation: Operation, probe: Probe) -> Knowledge:
        persona = known_persona(probe.persona)
        assert persona
        return entitlement(operation, persona, self.roles, probe.about, position_of(operation, probe))


def untold(contract: Contract) -> Iterator[str]:
    """Yield why the official description in hand needs a newer overlay than ours, which says nothing of its operations.

    What is on the closed list needs none, nor do a few requests that nobody can know, such as a code that was mailed.
    """
    unknown = [operation.id for operation in contract.operations.values() if not is_closed(operation) and _is_news(operation)]
    if unknown:
        many = f"{len(unknown)} operations" if unknown[1:] else "one operation"
        first = f" (first: {unknown[0]})" if unknown[1:] else f" ({unknown[0]})"
        yield f"our overlay says nothing of {many}{first}: what it is about is unknown, and no probe asks; a newer mmconform may"


def _is_news(operation: Operation) -> bool:
    is_later = operation.since is not None and is_newer(operation.since)
    return bool(unknown_names(operation)) or (is_later and not can_be_probed(operation))
