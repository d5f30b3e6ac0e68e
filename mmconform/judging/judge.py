"""Runs the checks over exchanges and gathers what they say into observations."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import msgspec

from mmconform.contract.clause import RULES, Clause, Contract, Rule
from mmconform.contract.fit import lead
from mmconform.judging.checks import CHECKS, Context
from mmconform.judging.checks.access import gate_of, is_kept_out, is_let_in
from mmconform.judging.checks.verdict import TOLD, UNKNOWN_REQUEST
from mmconform.judging.deviations import Deviation
from mmconform.knowledge import Unknown
from mmconform.record.rows import About, AnswerRow, Documented, Evidence, Outcome, Standing, excerpt
from mmconform.safety.guard import HELD_BACK
from mmconform.servers.target import Target
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape.redact import Redactor
from mmconform.world.behaviours import gate

#: What the document says of the requests of an operation defeats the generator.
NOT_GENERATED = "not-generated"
#: A refusal of the server's own that the official description does not declare: a gap in it, told apart from broken promises.
GAP = "undeclared-refusal"
#: Nobody can be had who holds, or lacks, just what is demanded: all may, or what would let in is given to nobody.
NO_SUCH_CALLER = "no-such-caller"
#: Nobody knows what servers of this version do, or what its own document would promise.
UNKNOWN_IN_VERSION = "unknown-in-version"
#: A tape of the whole API holds nothing of the operation.
NOT_ON_TAPE = "not-on-tape"
#: Something that it needs is switched off there, or it would change a server that people use.
NOT_HERE = "not-on-this-target"
#: Why a clause was not judged; there are no other reasons.
SKIPS = (
    *("not-in-version", "needs-licence", NOT_HERE, NOT_ON_TAPE, NOT_GENERATED, *HELD_BACK),
    *("unknown-permission", "unknown-relation", UNKNOWN_IN_VERSION, UNKNOWN_REQUEST, "partly-understood", GAP, NO_SUCH_CALLER),
)

#: The rules that say who is let in.
OF_ACCESS: tuple[Rule, ...] = ("auth", "permission")

#: So many characters of an answer are kept; of a request so many that whoever repeats it sends the same, as a shell takes them.
_LONGEST_EXCERPT, _LONGEST_BODY = 600, 16_384
#: Headers that our HTTP library sends of itself.
_OF_THE_CLIENT = ("user-agent", "accept", "accept-encoding", "connection", "content-length")


@dataclass
class Observation:
    """What was seen of one clause, by one persona, on one target, in one test.

    ``outcome`` is ``pass``, ``fail``, ``skip`` or ``error``; ``standing`` of a failure is ``new`` or ``known``.
    """

    clause: str
    persona: str
    outcome: Outcome
    signature: str = ""
    seen: str = ""
    count: int = 0
    standing: Standing = ""
    deviation: str = ""
    evidence: Evidence | None = None


@dataclass
class Coverage:
    """How far the requests to one operation got; ``puzzling`` ones may be about something that exists, or not.

    ``let_in`` counts entitled callers who came past the permission check, ``kept_out`` refusals of others; ``gate`` is the first
    error id that told one of them that the server does not offer the operation.
    """

    sent: int = 0
    reached: int = 0
    served: int = 0
    puzzling: int = 0
    let_in: int = 0
    kept_out: int = 0
    gate: str = ""

    def add(self, other: "Coverage") -> None:
        """Add what another test saw."""
        for count in ("sent", "reached", "served", "puzzling", "let_in", "kept_out"):
            setattr(self, count, getattr(self, count) + getattr(other, count))
        self.gate = self.gate or other.gate


class Noting(Protocol):
    """What takes note of answers beside the judge, and asks nothing of promises."""

    def note(self, exchange: Exchange) -> None: ...


class Keeping(Protocol):
    """What keeps judged answers for a tape."""

    def note(self, exchange: Exchange, clauses: Iterable[Clause]) -> None: ...

    def hold_back(self, reason: str, why: str, rules: tuple[Rule, ...]) -> None: ...


class Judge:
    """Judges the exchanges of one test.

    Args:
        deviations: The known ones.
        rules: The kinds of promises that are judged.
        tells_gaps: Undeclared refusals are gaps of the document, and no broken promises.
        vouches: Which requests are served is known of these documents: they are ours.

    Attributes:
        not_taped: Requests to which the tape has no answer.
        answers: Every judged answer, as the record writes it.
        beside: Takes note of every judged answer too, for what holds of several operations.
        keeper: Keeps every judged answer, and what was not asked, for a tape.
    """

    def __init__(
        self,
        contract: Contract,
        target: Target,
        deviations: Iterable[Deviation],
        rules: Sequence[Rule] = RULES,
        *,
        tells_gaps: bool = False,
        vouches: bool = True,
    ) -> None:
        self.tells_gaps, self.vouches = tells_gaps, vouches
        self.contract, self.target, self.rules = contract, target, frozenset(rules)
        self.deviations = list(deviations)
        self.coverage: dict[str, Coverage] = {}
        self.not_taped: list[str] = []
        self.answers: list[AnswerRow] = []
        self.beside: Noting | None = None
        self.keeper: Keeping | None = None
        self._lead = lead(contract, target.version) if tells_gaps else 0
        self._seen: dict[tuple[str, str, str, str], Observation] = {}

    def context(self, exchange: Exchange) -> Context:
        """Return an exchange with what the contract and the target say about it."""
        told = self.target.redactor.values_in(exchange.answer)
        return Context(self.contract, self.target.version, exchange, told, self.target.roles)

    def see(self, exchange: Exchange, clauses: Iterable[Clause] | None = None) -> None:
        """Judge one exchange by the given clauses, or by all of its operation's."""
        at = self.context(exchange)
        if self.beside:
            self.beside.note(exchange)
        coverage = self.coverage.setdefault(exchange.operation, Coverage())
        coverage.sent += 1
        is_valid = at.is_valid is True
        coverage.puzzling += isinstance(at.is_valid, Unknown)
        coverage.reached += is_valid
        coverage.served += exchange.is_success and is_valid and not at.is_about_nothing
        coverage.let_in += is_let_in(at)
        coverage.kept_out += is_kept_out(at)
        coverage.gate = coverage.gate or gate_of(at)
        self.answers.append(_answer(exchange, len(self.answers) + 1, is_valid, self.target.redactor))
        judged = list(self.contract.of(exchange.operation) if clauses is None else clauses)
        for clause in judged:
            verdict = CHECKS[clause.rule](clause, at)
            if isinstance(verdict, Unknown):
                self._add(clause.id, exchange.persona, "skip", verdict.reason, verdict.reason)
            elif verdict is not None and not verdict.passed and self.tells_gaps and _is_gap(clause, exchange):
                self._add(clause.id, exchange.persona, "skip", GAP, verdict.seen)
            elif verdict is not None:
                outcome: Outcome = "pass" if verdict.passed else "fail"
                expected = {"expected": verdict.expected, "source": verdict.source or clause.place} if verdict.expected else {}
                told = self._add(clause.id, exchange.persona, outcome, verdict.signature, verdict.seen, exchange, expected)
                if told == outcome and clause.rule in OF_ACCESS:
                    self.judged_by(len(self.answers), "allowed" if at.entitled is True and not at.is_anonymous else "denied")

        if self.keeper:
            self.keeper.note(exchange, judged)

    def name_last(self, request: str) -> None:
        """Say of which test the answer is that was judged last; else it is of the one that is running."""
        self.answers[-1] = msgspec.structs.replace(self.answers[-1], request=request)

    def judged_by(self, number: int, documented: Documented) -> None:
        """Say of an answer, by its number, whether the documentation lets the caller in: it was judged by that."""
        self.answers[number - 1] = msgspec.structs.replace(self.answers[number - 1], documented=documented)

    def doubt(self, exchange: Exchange, *, is_generic: bool) -> str:
        """Return why an answer that a hand-written test did not expect says nothing of itself; nothing where it does.

        What our own documents promise, tapes vouch for. Of others' it is not known that a request is served which was made of
        what they say alone; and what is not offered, or does not exist, keeps and breaks nothing.

        Args:
            is_generic: The request was made so.
        """
        if self.vouches:
            return ""
        if (gated := gate(exchange.error_id)) is not None:
            return gated.reason
        is_valid = self.context(exchange).is_valid
        reason = is_valid.reason if isinstance(is_valid, Unknown) else ""
        return reason or (UNKNOWN_REQUEST if is_generic or is_valid is not True else "")

    def conclude(
        self,
        clause: str,
        persona: str,
        signature: str,
        seen: str,
        exchange: Exchange | None,
        expected: Mapping[str, str] | None = None,
    ) -> None:
        """Note what a whole test showed of its own clause; an empty signature means that it was kept.

        Args:
            expected: ``expected`` and its ``source``, for the evidence.
        """
        self._add(clause, persona, "fail" if signature else "pass", signature, seen, exchange, expected or {})

    def skip(self, clause: Clause, reason: str, persona: str = "everyone", why: str = "") -> None:
        """Note that a clause cannot be judged here, for a reason of the closed list; ``why`` may say more."""
        assert reason in SKIPS
        self._add(clause.id, persona, "skip", reason, why or reason)

    def held_back(self, operation: str, reason: str, why: str, *rules: Rule) -> None:
        """Note that a request was not sent: of an operation of which none is, nothing can be judged.

        Args:
            rules: Of others, the kinds of promises beside which it is noted.
        """
        for clause in self.contract.of(operation, *rules):
            self._add(clause.id, "everyone", "skip", reason, why)
        if self.keeper:
            self.keeper.hold_back(reason, why, rules)

    def unseen(self, operation: str, persona: str, reason: str, seen: str = "") -> None:
        """Note that no answer came: nothing can be said about the server.

        Args:
            reason: The same tomorrow; ``seen`` may say more about the first time.
        """
        for clause in self.contract.of(operation, "status"):
            self._add(clause.id, persona, "error", reason, seen or reason)

    def withdraw(self, reason: str) -> None:
        """Take back all that was seen: it says nothing about the server, and its operations could not be seen."""
        operations = {self.contract.clauses[clause].operation for clause, *_ in self._seen} | set(self.coverage)
        self._seen.clear()
        self.coverage.clear()
        self.answers.clear()
        for operation in sorted(operations):
            self.unseen(operation, "everyone", reason)

    def _add(
        self,
        clause: str,
        persona: str,
        outcome: Outcome,
        signature: str,
        seen: str,
        exchange: Exchange | None = None,
        expected: Mapping[str, str] | None = None,
    ) -> Outcome | None:
        """Note what was seen; return as which outcome, and nothing where that kind of promise is not judged."""
        if outcome in ("fail", "error"):  # in what a server says may stand what it should keep
            signature, seen = self.target.redactor.text(signature), self.target.redactor.text(seen)
        known = self.deviations if outcome == "fail" else []
        covers = [(d.covers(clause, persona, signature, self.target.version), d.place) for d in known]  # an entry may be several
        covering = [place for is_covered, place in covers if is_covered]
        if not covering and any(is_covered is None for is_covered, _ in covers):  # nobody knows whether this version shows it
            outcome, signature, seen = "skip", UNKNOWN_IN_VERSION, UNKNOWN_IN_VERSION
        elif outcome == "fail" and not covering and self._may_be_of_age(self.contract.clauses[clause], signature, exchange):
            outcome, signature, seen = "skip", UNKNOWN_IN_VERSION, f"the document is of another major version: {seen}"
        if self.contract.clauses[clause].rule not in self.rules and outcome != "error":
            return None
        key = (clause, persona, outcome, signature)
        observation = self._seen.get(key)
        if observation is None:
            observation = self._seen[key] = Observation(clause, persona, outcome, signature, seen)
            if outcome == "fail":
                observation.deviation = covering[0] if covering else ""
                observation.standing = "known" if covering else "new"
                if exchange:
                    observation.evidence = evidence(exchange, self.target, expected or {}, keeps_content=self.vouches)
        observation.count += 1
        return outcome

    def _may_be_of_age(self, clause: Clause, signature: str, exchange: Exchange | None) -> bool:
        """Whether a failure may show no more than that the document tells of another major version than the server's.

        At any age no server breaks down or tells a secret, and since when something is there a later document tells too.
        """
        breaks_down = exchange is not None and exchange.status >= 500 and exchange.status != 501
        is_told = self._lead > 0 and clause.rule == "since"
        return self._lead != 0 and not (breaks_down or is_told or signature == TOLD)

    @property
    def observations(self) -> list[Observation]:
        return sorted(self._seen.values(), key=lambda o: (o.clause, o.persona, o.outcome, o.signature))


def _is_gap(clause: Clause, exchange: Exchange) -> bool:
    """Return whether a status that is not declared is a refusal of the server's own: of the caller or the question, or a gate."""
    return clause.rule == "status" and bool(exchange.error_id) and (exchange.status < 500 or exchange.status == 501)


def _answer(exchange: Exchange, number: int, is_valid: bool, redactor: Redactor) -> AnswerRow:
    return AnswerRow(
        request="",  # of which the test knows the name
        number=number,
        operation=exchange.operation,
        persona=exchange.persona,
        about=cast(About, exchange.about),
        valid=is_valid,
        status=exchange.status,
        error=redactor.text(exchange.error_id),
        fields={redactor.text(_nameless(name)): types for name, types in exchange.fields.items()},
        which=redactor.text(exchange.which),
    )


def evidence(exchange: Exchange, target: Target, expected: Mapping[str, str], *, keeps_content: bool = True) -> Evidence:
    """Return an exchange for the record, with what was expected: secrets redacted, other people's rows and long texts cut.

    What the run made has the name that it has on the server.

    Args:
        keeps_content: Of operations that any document describes an answer may be the configuration, a log, an export,
            somebody's profile or posts: of these only the shape is kept, and of an error its id.
    """
    redactor = target.redactor
    answer = exchange.answer if keeps_content else _shape(exchange).encode()
    data = exchange.json_or_none if keeps_content else None
    if isinstance(data, list):
        rows = [row for row in data if isinstance(row, dict) and (exchange.own & {row.get("id"), row.get("user_id")})]
        answer = f"{len(data)} rows, of which {len(rows)} are the caller's own".encode()
    url, body = redactor.text(exchange.url, keeps_names=True), _decoded(redactor.body(exchange.body or b"", keeps_names=True))
    return Evidence(
        method=exchange.method,
        url=url,
        body=excerpt(body, _LONGEST_BODY),
        status=exchange.status,
        media=redactor.text(exchange.answer_headers.get("content-type", "")),
        answer=excerpt(_decoded(redactor.body(answer, keeps_names=True)), _LONGEST_EXCERPT),
        about=exchange.about,
        which=redactor.text(exchange.which),
        credential=exchange.credential,
        headers=_headers(exchange, redactor),
        expected=expected.get("expected", ""),
        source=expected.get("source", ""),
        settings=tuple(redactor.text(setting) for setting in exchange.settings),
        own=tuple(sorted(name for name in exchange.own if name and name in url + body)),
    )


def _shape(exchange: Exchange) -> str:
    """Return what an answer is made of, without what it says."""
    data = exchange.json_or_none
    if exchange.error_id:
        return json.dumps({"id": exchange.error_id, "status_code": exchange.status})
    if isinstance(data, dict | list):
        rows = f"{len(data)} rows: " if isinstance(data, list) else ""
        return rows + json.dumps({_nameless(name): types for name, types in exchange.fields.items()})
    return f"{len(exchange.answer)} bytes" + (f", JSON: {type(data).__name__}" if data is not None else "")


def _nameless(name: str) -> str:
    """Return the name of a field; what is named by what somebody has or is called (an id, an address) has none."""
    return "…" if re.search(r"[a-z0-9]{26}|@", name) else name


def _headers(exchange: Exchange, redactor: Redactor) -> dict[str, str]:
    """Return what of the headers decides the answer; for a credential stands ``<whose it is>``."""
    told = {name: value for name, value in exchange.headers.items() if name.lower() not in _OF_THE_CLIENT}
    bearer = {"Authorization": f"Bearer <{exchange.credential}>"} if exchange.credential else {}
    return bearer | {name: redactor.text(redactor.named(str(value)), keeps_names=True) for name, value in told.items()}


def _decoded(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")
