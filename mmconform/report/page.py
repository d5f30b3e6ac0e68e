"""Records as one HTML page that needs nothing but a browser: no server, no network, no other file."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

import msgspec

from mmconform import __version__
from mmconform.contract.clause import PRINCIPLES, RULES, Contract, Operation
from mmconform.errors import MisuseError, plain
from mmconform.judging.access import Access, accesses, self_differs
from mmconform.judging.changes import Change, lacking_in_part, request_of
from mmconform.judging.deviations import VERDICTS, Deviation
from mmconform.judging.known_changes import KnownChange
from mmconform.judging.repeat import SERVER, attempt, caveat, circumstances, curl, host_of
from mmconform.paths import RUN
from mmconform.record.record import KINDS, Record, age, check, slug_of
from mmconform.record.rows import ChangeKind, ChangeRow, Evidence, Header, ObservationRow, OperationRow
from mmconform.report.comparison import in_how_many, not_compared
from mmconform.report.failure import about
from mmconform.report.marks import (
    EFFECT_SIGNS,
    EVERY_MARK,
    FINDING_MARKS,
    MANY,
    MARKS,
    OF_BOTS,
    PRINCIPLE_MEANS,
    WHY_SKIPPED,
    Mark,
)
from mmconform.report.neighbours import compared
from mmconform.report.not_shown import HEAD as NOT_SHOWN
from mmconform.report.not_shown import counted_apart, not_shown
from mmconform.report.requests import Requests, exchanges_call, told_apart
from mmconform.report.summary import clause_states, in_each_state, is_about_nothing, kept_though_known, state_of, why_red
from mmconform.version import Version
from mmconform.wire.tape import tape
from mmconform.world.people import MADE, PERSONAS, known_persona

_HERE = Path(__file__).parent
_POLICY = "base-uri 'none'; form-action 'none'"
#: In a page a state is its first letter, so that twenty versions of a clause are a word of twenty letters.
_LETTER = {state: state[0] for state in MARKS}
#: A state of the page alone, between what is known and what is kept: kept by what was asked, and known to be broken.
_THOUGH_KNOWN = "c"
#: So is what a finding of a principle is held to be.
_STANDING = {standing: standing[0] for standing in FINDING_MARKS}

_ANSWERED = {"allowed": "a", "denied": "d", "mixed": "b", "neither": "o"}

#: What of the evidence for an observation is shown.
_EXCHANGE = ("method", "url", "body", "status", "media", "answer", "about")

#: What of a change since the version before is shown.
_CHANGE = ("against", "clause", "of", "personas", "before", "after", "effect", "count", "standing", "reason")

#: So many calls are told that show what somebody was answered.
_FEW_CALLS = 3

#: What a footer says that the page does not show.
_COUNTS = ("kind", "operations", "observations", "answers", "changes", "seconds", "unobserved")


def as_html(
    contract: Contract,
    records: Sequence[Record],
    deviations: Sequence[Deviation],
    proof: Mapping[str, Any] | None = None,
    changes: Sequence[KnownChange] = (),
) -> str:
    """Return the page about some records as HTML.

    Nothing in it is fetched from anywhere, and its content security policy lets nothing else run than its own script.
    What servers and documents say is in it as data, and the script shows it as text only.

    Raises:
        MisuseError: there is no record, or one was judged against other documents than the contract.
    """
    style, script = ((_HERE / f"page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    # The data stand in a script element of a type that does not run; the only text that could end it is written otherwise.
    data = json.dumps(page_data(contract, records, deviations, proof, changes), ensure_ascii=False, separators=(",", ":"))
    parts = {
        "policy": f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; {_POLICY}",
        "style": style,
        "script": script,
        "data": data.replace("<", "\\u003c"),
    }
    html = (_HERE / "page.html").read_text(encoding="utf-8")
    before, *rest = html.split("{{")
    return before + "".join(parts[name] + after for name, _, after in (part.partition("}}") for part in rest))


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def page_data(
    contract: Contract,
    records: Sequence[Record],
    deviations: Sequence[Deviation],
    proof: Mapping[str, Any] | None = None,
    changes: Sequence[KnownChange] = (),
) -> dict[str, Any]:
    """Return what the page shows: the records side by side, in the order of :func:`mmconform.record.record.age`.

    A list that is called ``at`` has one entry for each target, in the order of ``targets``.

    Args:
        proof: Which flaws the suites were shown to notice, as :func:`mmconform.prove.prove.as_json` tells; left out where it is
            about other documents.
        changes: What is known to have changed from version to version.

    Raises:
        MisuseError: as :func:`as_html`.
    """
    if not records:
        raise MisuseError("there is no record to show; run pytest first")
    check(records, contract.digest, contract.clauses)
    records = sorted(records, key=age)
    cards, exchanges = _Cards(_concrete(deviations, records)), _Table()
    findings = _findings(contract, records, cards, exchanges)
    unmet = [kept_though_known(contract, record, deviations) for record in records]
    is_grouped = len(contract.operations) > MANY
    data: dict[str, Any] = {
        "made_by": f"mmconform {__version__}",
        "base": contract.base,
        "spec": contract.digest,
        "run": RUN,
        "states": _states(),
        "standings": {_STANDING[standing]: _shown(mark) for standing, mark in FINDING_MARKS.items()},
        "effects": EFFECT_SIGNS,
        "reasons": WHY_SKIPPED,
        "rules": RULES,
        "verdicts": VERDICTS,
        "kinds": KINDS,
        "personas": _personas(),
        "made": list(MADE),
        "bots": [name for name in MADE if (persona := known_persona(name)) and persona.is_bot],
        "of_bots": OF_BOTS,
        "not_shown": NOT_SHOWN,
        "targets": [
            {**row, "unmet": len(of_it), **beside}
            for row, of_it, beside in zip(
                _targets(contract, records), unmet, _beside(contract, records, (changes, deviations)), strict=True
            )
        ],
        "tags": sorted({_tag(operation) for operation in contract.operations.values()}, key=str.casefold) if is_grouped else [],
        "operations": [
            {**_operation(operation, contract.base, records), **({"tag": _tag(operation)} if is_grouped else {})}
            for operation in contract.operations.values()
        ],
        "clauses": _clauses(contract, records, unmet, cards),
        "findings": findings,
        "principles": PRINCIPLE_MEANS,
        "contradictions": _contradictions(records),
        "exchanges": exchanges.rows,
        "deviations": cards.rows,
        **_who(contract, records, exchanges),
        "proof": _proof(proof) if proof and proof["spec"] == contract.digest else None,
    }
    return {key: _inert(value) for key, value in data.items()}


def _inert(value: Any) -> Any:
    """Return data in which no text holds a control character other than a line end: it may be copied into a terminal."""
    if isinstance(value, str):
        return value if value.isprintable() else "\n".join(plain(line) for line in value.split("\n"))
    if isinstance(value, Mapping):
        return {_inert(k): _inert(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_inert(v) for v in value]
    return value


class _Table:
    """Values without repetition; a value is named by its number."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}

    def number(self, row: dict[str, Any]) -> int:
        key = json.dumps(row, sort_keys=True)
        if key not in self._numbers:
            self._numbers[key] = len(self.rows)
            self.rows.append(row)
        return self._numbers[key]


# -- what is judged ------------------------------------------------------------------------------------------------


def _states() -> dict[str, dict[str, str]]:
    """Return every state, worst first."""
    return {_LETTER.get(state, _THOUGH_KNOWN): _shown(mark) for state, mark in EVERY_MARK.items()}


def _shown(mark: Mark) -> dict[str, str]:
    """Return what a state is called beside a number, its mark, and what it means."""
    return {"word": mark.word, "mark": mark.sign, "means": mark.meaning}


def _personas() -> dict[str, str]:
    """Return every persona with what it is."""
    known = {p.name: f"{', '.join(('system_user', *p.roles))}; {p.team_role or 'not'} in the team" for p in PERSONAS.values()}
    return known | {"anonymous": "no session"} | MADE


def _tag(operation: Operation) -> str:
    return next(iter(operation.tags), "without a tag")


def _operation(operation: Operation, base: str, records: Sequence[Record]) -> dict[str, Any]:
    requirement = operation.requirement
    return {
        "id": operation.id,
        "method": operation.method,
        "path": operation.path,
        "since": str(operation.since or ""),
        "removed": str(operation.removed or ""),
        "since_at": _first(records, operation.since),
        "removed_at": _first(records, operation.removed),
        "requirement": str(requirement),
        "self_differs": self_differs(operation),
        "curl": attempt(operation, base),
    }


def _first(records: Sequence[Record], version: Version | None) -> int | None:
    """Return which target is the first of a version or later; their number where none is."""
    if version is None:
        return None
    return next((t for t, record in enumerate(records) if age(record)[0] >= version), len(records))


def _clauses(
    contract: Contract, records: Sequence[Record], unmet: Sequence[Mapping[str, Sequence[Deviation]]], cards: "_Cards"
) -> list[dict[str, Any]]:
    """Return every clause with its state in each target, for everybody and for each persona alone, and who saw it kept.

    Who saw it in which tests: each with a 1 for the targets in which it did.

    ``unmet`` has, for each target, the cards of what is known of it and was not met where it looks kept; empty for none at all.
    """
    states = [clause_states(contract, record.observations) for record in records]
    seen: dict[tuple[str, str], list[list[ObservationRow]]] = {}
    for t, record in enumerate(records):
        for row in record.observations:
            seen.setdefault((row.clause, row.persona), [[] for _ in records])[t].append(row)
    rows: dict[str, dict[str, Any]] = {
        clause.id: {
            "id": clause.id,
            "operation": clause.operation,
            "rule": clause.rule,
            "text": clause.text,
            "place": clause.place,
            "evidence": clause.evidence,
            "at": "".join(
                _THOUGH_KNOWN if clause.id in of_it else _LETTER[state[clause.id]]
                for state, of_it in zip(states, unmet, strict=True)
            ),
            "unmet": [[*dict.fromkeys(map(cards.number, of_it.get(clause.id, ())))] for of_it in unmet]
            if any(clause.id in of_it for of_it in unmet)
            else [],
            "by": {},
            "kept": {},
        }
        for clause in contract.clauses.values()
    }
    for (clause, persona), at in seen.items():
        shown = rows[clause]
        expected = [any(persona in d.personas for d in of_it.get(clause, ())) for of_it in unmet]
        seen_ = [_LETTER[state_of(observations)] for observations in at]
        shown["by"][persona] = "".join(
            _THOUGH_KNOWN if letter == "p" and is_expected else letter
            for letter, is_expected in zip(seen_, expected, strict=True)
        )
        passes = [[o for o in observations if o.outcome == "pass"] for observations in at]
        if any(passes):
            of_each = [{_test(o) for o in observations} for observations in passes]
            tests = {name: "".join("01"[name in here] for here in of_each) for name in sorted(set().union(*of_each))}
            shown["kept"][persona] = {"at": [sum(o.count for o in seen) for seen in passes], "tests": tests}
    return list(rows.values())


def _test(row: ObservationRow) -> str:
    """Return the test of an observation without its parameters, of which the target is one."""
    return row.test.partition("[")[0]


def _concrete(deviations: Iterable[Deviation], records: Sequence[Record]) -> Iterator[Deviation]:
    """Yield the deviations, and instead of a habit of all operations what was seen of it."""
    for deviation in deviations:
        if not deviation.is_habit:
            yield deviation
            continue
        rows = (row for record in records for row in record.observations if row.deviation == deviation.place)
        seen = dict.fromkeys((row.clause, row.signature) for row in rows)
        yield from (replace(deviation, clause=clause, signature=signature) for clause, signature in seen)


class _Cards:
    """The entries in the list of known deviations, each as one card, though it may be about several clauses."""

    def __init__(self, deviations: Iterable[Deviation]) -> None:
        self.rows: list[dict[str, Any]] = []
        self._numbers: dict[tuple[str, str, str], int] = {}
        by_place: dict[str, dict[str, Any]] = {}
        for d in deviations:
            if d.place not in by_place:
                row = by_place[d.place] = {
                    "place": d.place,
                    "clauses": [],
                    "signatures": [],
                    "personas": sorted(d.personas),
                    "versions": str(d.versions),
                    "verdict": d.verdict,
                    "reason": d.reason.strip(),
                    "evidence": d.evidence.strip(),
                    "first_seen": d.first_seen,
                    "rare": d.is_rare,
                }
                self.rows.append(row)
            row = by_place[d.place]
            for key, value in (("clauses", d.clause), ("signatures", d.signature)):
                if value not in row[key]:
                    row[key].append(value)
            self._numbers[d.place, d.clause, d.signature] = self.rows.index(row)

    def of(self, row: ObservationRow) -> int | None:
        """Return the number of the card that explains an observation; None where the entry has moved since."""
        return self._numbers.get((row.deviation, row.clause, row.signature))

    def number(self, deviation: Deviation) -> int:
        """Return the number of the card of a deviation that is no habit."""
        return self._numbers[deviation.place, deviation.clause, deviation.signature]


def _findings(contract: Contract, records: Sequence[Record], cards: _Cards, exchanges: _Table) -> list[dict[str, Any]]:
    """Return what was seen other than clauses kept, each once with where it was seen.

    Each value of ``at`` is null or {count, state, seen, test, exchange, cassette, card}; the latter three may be missing. What
    was seen, the test and the exchange are of one observation: the first that has an exchange.
    """
    found: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for t, record in enumerate(records):
        for row in record.observations:
            if row.outcome == "pass":
                continue
            key = (row.clause, row.persona, row.outcome, row.signature)
            finding = found.setdefault(
                key,
                {
                    "clause": key[0],
                    "persona": key[1],
                    "signature": key[3],
                    "at": [None] * len(records),
                },
            )
            here = finding["at"][t]
            if here is None:
                here = finding["at"][t] = {
                    "count": 0,
                    "state": _LETTER[row.state],
                    "seen": row.seen,
                    "test": _test(row),
                }
            here["count"] += row.count
            if row.evidence and "exchange" not in here:
                here["exchange"] = exchanges.number(_exchange(row.evidence, row.persona, record.header.target))
                here |= {"seen": row.seen, "test": _test(row), "cassette": row.cassette}
            if here["state"] == "k" and "card" not in here and (card := cards.of(row)) is not None:
                here["card"] = card
    order = {clause: n for n, clause in enumerate(contract.clauses)}
    return sorted(found.values(), key=lambda f: (order.get(f["clause"], 0), f["signature"], f["persona"]))


def _exchange(evidence: Evidence, persona: str, target: str) -> dict[str, str]:
    shown = {key: str(getattr(evidence, key)) for key in _EXCHANGE}
    so = "; ".join(filter(None, (circumstances(evidence, persona), caveat(evidence, target))))
    return {**shown, "asked": about(evidence), "curl": curl(evidence, persona, host_of(target) or SERVER), "so": so}


def _contradictions(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return what contradicts a principle, each once with where it was seen, by principle.

    Each value of ``at`` is null or {state, personas, seen, sides, entry}, of the worst standing that it has in that target.
    """
    rank = {standing: number for number, standing in enumerate(FINDING_MARKS)}
    merged: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for t, record in enumerate(records):
        for row in sorted(record.findings, key=lambda row: rank[row.standing]):
            key = (row.principle, row.operation, row.beside, row.field)
            names = dict(zip(("principle", "operation", "beside", "field"), key, strict=True))
            here = merged.setdefault(key, {**names, "at": [None] * len(records)})["at"]
            if here[t] is None:
                here[t] = {
                    "state": _STANDING[row.standing],
                    "personas": list(row.personas),
                    "seen": row.seen,
                    "sides": [_side(side) for side in row.evidence],
                    "entry": row.deviation,
                }
    order = {name: number for number, name in enumerate(PRINCIPLES)}
    return [merged[key] for key in sorted(merged, key=lambda key: (order[key[0]], *key[1:]))]  # type: ignore[index]


def _side(side: Evidence) -> dict[str, Any]:
    request, who = f"{side.method} {side.url}", side.credential or "nobody"
    return {"request": request, "who": who, "status": side.status, "answer": side.answer}


# -- who may do what -----------------------------------------------------------------------------------------------


def _who(contract: Contract, records: Sequence[Record], exchanges: _Table) -> dict[str, list[Any]]:
    """Return ``access``, what everybody was answered and how that was judged, and ``apart``, of whom all is told together.

    A row is of an operation, a persona and ``about`` (self, other or any), and has, for each target, ``documented`` (a: allowed,
    d: denied, -: nothing), ``answered`` (a, d, b for both, o for neither), ``state`` (in which the promise is for them; u where
    nobody judged that), each - where nothing is told; ``answers``: the counts of every status with its error id; ``wrong`` (a, d,
    or -: as which of both something was found against it) and, where there are some, ``reasons``: why checks could not judge it.
    Where somebody was both served and refused, ``both`` tells which requests were answered how (:func:`_both`).
    """
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    apart: dict[str, bool] = {}
    letters = ("documented", "answered", "state", "wrong")
    for t, record in enumerate(records):
        kept = [row for row in record.observations if row.evidence and 200 <= row.evidence.status < 300]
        for access in accesses(contract, record):
            key = {"operation": access.operation, "persona": access.persona, "about": access.about}
            nothing = {**{name: ["-"] * len(records) for name in letters}, "answers": [None] * len(records)}
            row = rows.setdefault((access.operation, access.persona, access.about), {**key, **nothing})
            apart[access.persona] = access.is_apart and apart.get(access.persona, True)
            row["documented"][t] = {True: "a", False: "d", None: "-"}[access.is_entitled]
            row["answered"][t] = _ANSWERED[access.answered]
            row["state"][t] = _LETTER.get(access.state, "u")
            row["wrong"][t] = _ANSWERED.get(access.wrongly, "-")
            if access.answers:
                counts = Counter({said: len(same) for said, same in access.answers.items()})
                row["answers"][t] = {_says(said): n for said, n in counts.most_common()}
            if access.answered == "mixed":
                row.setdefault("both", [None for _ in records])[t] = _both(contract, record, access, kept, exchanges)
            if access.reasons:
                row.setdefault("reasons", [[] for _ in records])[t] = access.reasons
    for row in rows.values():
        for name in letters:
            row[name] = "".join(row[name])
    return {"access": list(rows.values()), "apart": [persona for persona, is_apart in apart.items() if is_apart]}


def _says(said: tuple[int, str]) -> str:
    return " ".join(map(str, said)).rstrip()


def _both(
    contract: Contract, record: Record, access: Access, kept: Iterable[ObservationRow], exchanges: _Table
) -> dict[str, Any]:
    """Return of somebody who was served and refused which requests were answered how, in words, and how to see them.

    A record keeps exchanges of what is broken, of which ``kept`` was served: ``served`` is one of these requests, or null.
    ``calls`` show them all.
    """
    name, who = access.operation, access.persona
    served = {row.request for rows in access.answers.values() for row in rows if row.is_served}
    tests = dict.fromkeys(row.request for rows in access.answers.values() for row in rows)
    of_theirs = (row for row in kept if (row.operation, row.persona) == (name, who))
    shown = next((row.evidence for row in of_theirs if request_of(row, slug_of(record.header.target)) in served), None)
    # First those that were served: the others are shown where they break a promise.
    calls = [exchanges_call(record, name, who, test) for test in sorted(tests, key=lambda test: test not in served)]
    return {
        "which": {_says(said): told for said, told in told_apart(contract.operations[name], access.answers).items()},
        "served": exchanges.number(_exchange(shown, who, record.header.target)) if shown else None,
        "calls": [call for call in calls if call][:_FEW_CALLS],
    }


# -- how sure one can be -------------------------------------------------------------------------------------------


def _targets(contract: Contract, records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return what the records say about themselves, under names that tell them apart.

    Where servers and recordings stand side by side, what a target is ``called`` says which it is.
    """
    are_live = [not record.header.target.startswith("recorded:") for record in records]
    names = Counter(record.header.server.name for record in records)
    seen = Counter((record.header.server.name, record.header.target) for record in records)
    rows: list[dict[str, Any]] = []
    for record, is_live in zip(records, are_live, strict=True):
        header, footer, server = record.header, record.footer, record.header.server
        when = header.started if seen[server.name, header.target] > 1 else ""
        where = "recorded" if header.target == f"recorded:{server.name}" else header.target.removeprefix("http://")
        beside = where if any(are_live) and len(records) > 1 else ""
        lacking = lacking_in_part(record)
        rows.append(
            {
                "name": " ".join(filter(None, (server.name, where if names[server.name] > 1 else "", when))),
                "called": " ".join(filter(None, (server.name, where if names[server.name] > 1 else beside, when))),
                "short": server.name,
                # What its column's head says below the version.
                "below": " ".join(filter(None, (where if is_live else beside, when))),
                "kind": record.kind,
                "is_release": tape.is_release(server.name),
                "target": header.target,
                **{key: getattr(server, key) for key in ("edition", "build", "commit", "calls_itself")},
                **{key: getattr(header, key) for key in ("started", "seed", "max_examples", "selection", "tools", "clauses")},
                "newest_known": header.newest_known,
                **{
                    f.encode_name: msgspec.to_builtins(getattr(footer, f.name))
                    for f in msgspec.structs.fields(footer)
                    if f.name not in _COUNTS
                },
                "verified": footer.verified,
                "unobserved": in_each_state(contract, record)["unobserved"],
                "why_red": why_red(footer),
                "command": command(header),
                "documents": " ".join(map(quote, header.documents)),
                "coverage": {row.operation: _coverage(contract, row, lacking) for row in record.operations},
            }
        )
    return rows


def _beside(
    contract: Contract, records: Sequence[Record], known: tuple[Sequence[KnownChange], Sequence[Deviation]]
) -> Iterator[dict[str, Any]]:
    """Yield, for each record, how its server differs from the one beside which it stands here.

    ``changes`` are those of its answers, each with the ``requests`` that show it, in words; and ``lists`` is what our lists alone
    know to have changed: ``worse`` says how many are a loss, and ``told`` has each with its effect. Where not all was compared,
    ``apart`` has how many operations were (``compared``), ``where`` says that behind what is true of these, and ``why`` has what
    was not, in sentences. Where the page does not have what it was compared with, ``lists`` is null, of no change it is known
    which requests show it, and of nothing whether it was compared.
    """
    for t, record in enumerate(records):
        before = next((other for other in records[:t][::-1] if other.header.target == record.footer.against), None)
        found = compared(contract, before, record) if before else None
        # Each once, as a comparison counts: a promise that an answer keeps or breaks is told with that answer.
        rows = [row for row in record.changes if row.of != "promise" or row.apart]
        told = [{key: getattr(row, key) for key in _CHANGE} for row in rows]
        if before is None or found is None:
            yield {"changes": told, "lists": None, "apart": None}
            continue
        requests = Requests(contract, before, record)
        shown_by = {_name(change, change.kind): requests.shown_by([change]) for change in found.changes}
        by_lists = list(not_shown(contract, before, record, found, known))
        where, why = in_how_many(contract, found), not_compared(before, record, found)
        yield {
            "changes": [{**one, "requests": shown_by.get(_name(row, row.of), "")} for one, row in zip(told, rows, strict=True)],
            "lists": {"worse": counted_apart(by_lists), "told": [[one.effect, one.text] for one in by_lists]},
            "apart": {"compared": len(found.compared), "where": where, "why": why} if where or why else None,
        }


def _name(change: Change | ChangeRow, kind: ChangeKind) -> tuple[object, ...]:
    """Return what a change is told by, in a record and in a comparison."""
    return kind, change.clause, change.operation, change.personas, change.before, change.after


def _coverage(contract: Contract, row: OperationRow, lacking: Mapping[str, Collection[str]]) -> list[Any]:
    off = ", ".join(feature for feature, names in lacking.items() if row.operation in names)
    return [row.in_scope, row.sent, row.reached, row.served, row.is_decisive, row.gate, is_about_nothing(contract, row), off]


def command(header: Header) -> str:
    """Return the command that repeats the run of a record; the requests of a tape have only one seed."""
    parts = [RUN, quote(header.target), *map(quote, header.documents), *_selection(header.selection)]
    if not header.target.startswith("recorded:"):
        parts += [f"--hypothesis-seed={header.seed}", f"--max-examples={header.max_examples}"]
    return " ".join(parts)


def _selection(text: str) -> list[str]:
    """Return what narrowed a run as words for a shell; nothing where it is no such thing, but options that do something else."""
    words = text.split()
    known = ("-k", "-m", "--ignore", "--ignore-glob", "--deselect", "--operation", "--rule")
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    return [quote(word) for word in words] if all(option in known for option in options) else []


def _proof(proof: Mapping[str, Any]) -> dict[str, Any]:
    """Return every flaw with how many clauses of which rule noticed it; of its own operation, or ``*``, and of others."""
    rows = []
    for mutant in proof["mutants"]:
        own = [clause for clause in mutant["by"] if mutant["operation"] in ("*", clause.partition(".")[0])]
        row = {key: mutant[key] for key in ("name", "operation", "flaw", "killed", "as_declared", "blind") if key in mutant}
        by = Counter(clause.split(".")[1] for clause in own)
        rows.append({**row, "by": by, "others": sorted(set(mutant["by"]) - set(own)), "plain": mutant.get("schemathesis")})
    return {"made": proof["made"], "seconds": proof["seconds"], "mutants": rows}
