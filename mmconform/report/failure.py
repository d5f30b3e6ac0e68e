"""A failure for a person: the promise, what was seen, who asked, how to repeat it, how to declare it known."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from mmconform.contract.clause import Clause, Contract
from mmconform.errors import plain
from mmconform.judging.repeat import SERVER, caveat, circumstances, curl, host_of, rerun
from mmconform.record.record import Record
from mmconform.record.rows import Evidence, ObservationRow, ServerRow

#: The observations that are failures, in the order in which people look at them.
STANDINGS = ("new", "known")


@dataclass(frozen=True)
class Failure:
    """One clause that was broken in one way on one target.

    Attributes:
        server: The header's description of the server.
        target: As the user wrote it.
        documents: The options that name what it is judged by; none where that is our own.
        personas, tests: Who saw it, and in which tests.
        count: Exchanges that showed it.
        deviations: The entries that make it known, as ``file:line`` at the time of the run.
        evidence: The first of them; empty where a whole test showed it.
    """

    clause: Clause
    signature: str
    standing: str
    seen: str
    server: ServerRow
    target: str
    documents: tuple[str, ...]
    personas: tuple[str, ...]
    tests: tuple[str, ...]
    count: int
    evidence: Evidence | None
    deviations: tuple[str, ...]

    def explain(self) -> str:
        """Return the failure as text of several lines, safe for a terminal whatever the server said."""
        clause, evidence = self.clause, self.evidence or Evidence()
        ours = f" (our addition; evidence: {plain(clause.evidence)})" if clause.evidence else ""
        lines = [
            f"{clause.id} is not kept by Mattermost {plain(self.server.name)}",
            f"  promise   {plain(clause.text)}",
            f"            {clause.place}{ours}",
            *_expected(evidence),
            f"  seen      {plain(self.seen)} ({'once' if self.count == 1 else f'{self.count} times'})",
        ]
        if self.evidence:
            lines.append(f"  answer    {plain(evidence.answer)[:240]}")
        lines.append(f"  asked by  {self.asked_by}{_through(evidence)}")
        if self.evidence:
            lines.append(f"  repeat    {self.curl}")
            lines += [f"            {told}" for told in (self.circumstances, caveat(self.evidence, self.target)) if told]
        lines.append(f"  in        {rerun(self.target, self.documents, self.tests[0])}")
        if self.standing == "new":
            lines.append("  known?    if this is to be expected, add to deviations/*.yaml:")
            lines += [f"            {line}" for line in self.entry]
        return "\n".join(lines)

    @property
    def asked_by(self) -> str:
        """Who saw it, and what the first asked about."""
        what = about(self.evidence or Evidence())
        told = f" ({'the first ' if self.count > 1 else ''}{what})" if what else ""
        return plain(", ".join(self.personas)) + told

    @property
    def curl(self) -> str:
        """The command that repeats the first request; credentials are shell variables named like the personas."""
        return curl(self.evidence or Evidence(), self.personas[0], host_of(self.target) or SERVER)

    @property
    def circumstances(self) -> str:
        """Who asked first, where their name does not tell, and what the run had set otherwise then."""
        return circumstances(self.evidence or Evidence(), self.personas[0])

    @property
    def entry(self) -> list[str]:
        """The lines of the deviation that would declare it known; what only a person knows is left open."""
        return [
            f"- clause: {self.clause.id}",
            f"  personas: [{plain(', '.join(self.personas))}]",
            f'  versions: ">={plain(self.server.version)}"',
            f"  signature: {plain(json.dumps(self.signature))}",
            f"  verdict: {'server | ' if self.clause.origin == 'document' else ''}documentation | ambiguous",
            "  reason: …",
            "  evidence: …",
            "  first_seen: …",
        ]


def about(evidence: Evidence) -> str:
    """Return whose resource a request names, where that lies, and in what it is not the plain one: on all hangs who may."""
    whose = {"self": "about their own", "other": "about somebody else's"}.get(evidence.about, "")
    return plain(", ".join(filter(None, (whose, placed(evidence.which)))))


def placed(which: str) -> str:
    """Return what tells a request from others of its test, which begins with a place where that is known, with a preposition."""
    if not which or which.startswith("where"):
        return which
    return f"{'in' if which.startswith('a ') and not which.startswith('a batch') else 'with'} {which}"


def _expected(evidence: Evidence) -> list[str]:
    if not evidence.expected:
        return []
    source = f" ({plain(evidence.source)})" if evidence.source else ""
    return [f"  expected  {plain(evidence.expected)}{source}"]


def _through(evidence: Evidence) -> str:
    """Say with what kind of credential the first of them asked."""
    if evidence.credential:
        kinds = (("OAuth", "an OAuth session"), ("'s token", "a personal access token"), ("", "a session"))
        return f", through {next(kind for mark, kind in kinds if mark in evidence.credential)}"
    shown = [name for name in evidence.headers or () if name.lower() != "content-type"]
    return f", through the headers {plain(', '.join(shown))}" if shown else ""


def failures(contract: Contract, record: Record) -> list[Failure]:
    """Return what is broken on one target, the new ones first.

    Raises:
        KeyError: the record is about clauses that the contract has not.
    """
    header = record.header
    return gather(contract, header.server, header.target, record.observations, header.documents)


def gather(
    contract: Contract, server: ServerRow, target: str, rows: Iterable[ObservationRow], documents: tuple[str, ...] = ()
) -> list[Failure]:
    """Return the failures among some observations: one for each clause, signature and standing."""
    groups: dict[tuple[str, str, str], list[ObservationRow]] = {}
    for row in rows:
        if row.outcome == "fail":
            groups.setdefault((row.standing, row.clause, row.signature), []).append(row)
    found = [
        Failure(
            contract.clauses[clause],
            signature,
            standing,
            same[0].seen,
            server,
            target,
            documents,
            tuple(dict.fromkeys(row.persona for row in same)),
            tuple(dict.fromkeys(row.test for row in same)),
            sum(row.count for row in same),
            same[0].evidence,
            tuple(dict.fromkeys(row.deviation for row in same)),
        )
        for (standing, clause, signature), same in groups.items()
    ]
    return sorted(found, key=lambda f: STANDINGS.index(f.standing))
