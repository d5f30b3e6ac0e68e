"""Records, promises, deviations and tapes as pandas tables, for notebooks and whoever likes to ask questions.

Each function returns a DataFrame; its docstring names the columns. Columns with an order of their own (versions,
operations, rules, personas) are ordered categories, so that pivots and plots come out in that order. ``records`` are
files, folders or targets (``"recorded:5.36.1"``); without any, those that the environment variable ``MMCONFORM_RECORDS``
names, else those in ``reports/`` of whole runs by our own documents, of tapes and of live servers, and of these also what
``mmconform compare --save`` kept; where the last run on one was of a part, or came to no end, the one before it, and a line
below the cell says so. Needs the extra ``notebooks``.
"""

import json
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from mmconform.contract.build import build
from mmconform.contract.clause import RULES, Contract
from mmconform.documents.load import load as load_document
from mmconform.documents.merge import WHERE_OFFICIAL
from mmconform.errors import MisuseError
from mmconform.judging import deviations, kept, known_changes, taped
from mmconform.judging.access import accesses, tells_documented
from mmconform.judging.changes import by_question, compare, doubts, ways_broken
from mmconform.judging.deviations import Deviation
from mmconform.judging.known_changes import KnownChange
from mmconform.paths import CASSETTES, REPORTS, SAVED, shown
from mmconform.record import choose, record
from mmconform.record.record import KINDS, Record
from mmconform.record.rows import Evidence, Header
from mmconform.report.comparison import left_off, why_changed
from mmconform.report.marks import MARKS
from mmconform.report.not_shown import not_shown as beside_the_shown
from mmconform.report.summary import clause_states, in_each_state, kept_though_known
from mmconform.servers.target import live
from mmconform.version import Version
from mmconform.wire.client import Client
from mmconform.wire.exchange import Exchange
from mmconform.wire.tape import tape
from mmconform.world.admin import OPERATOR
from mmconform.world.people import MADE, PERSONAS

RECORDS = "MMCONFORM_RECORDS"

#: One, or several.
Documents = str | Path | Sequence[str | Path]
_PERSONAS = (*PERSONAS, *MADE, "everyone")


def load(*records: str | Path, spec: Documents = (), overlay: Documents = ()) -> pd.DataFrame:
    """Return every observation of some records: what was seen of one clause, by one persona, in one test.

    Columns: ``target`` (as the user wrote it; where several are of one, as before an upgrade and after it, the name that a record
    is kept under, or its file, which finds it here again), ``version`` (its name: 11.6.0-dev is not 11.6.0), ``operation``,
    ``rule``, ``clause``, ``persona``, ``outcome`` (pass, fail, skip, error), ``standing`` (of a failure: new or known),
    ``signature`` (what tells a failure, or the reason of a skip, from others), ``seen`` (in words), ``count`` (exchanges that
    showed it), ``test``, ``cassette``, and of the first exchange that showed a failure ``method``, ``url``, ``status`` (a whole
    number, or nothing), ``answer``.

    Args:
        records: Files, folders or targets; those of the module's description where none is named.
        spec: The document, or documents, that the runs had as ``--spec``, where these were not ours:
            ``load("recorded:11.1.0/whole", spec="11.1.yaml")``. Records are then to be named.
        overlay: What they had as ``--overlay``.

    Raises:
        MisuseError: there is no record, or a broken one; the message says what to run.
    """
    read_ = _read(records, _contract(spec, overlay))
    columns = ("operation", "rule", "clause", "persona", "outcome", "standing", "signature", "seen", "count", "test", "cassette")
    rows = [
        {
            **_of(name, record),
            **{column: getattr(row, column) for column in columns},
            **{column: getattr(row.evidence, column, None) for column in ("method", "url", "status", "answer")},
        }
        for name, record in read_.items()
        for row in record.observations
    ]
    return _ordered(pd.DataFrame(rows).astype({"status": "Int64"}), read_.values())


def answers(*records: str | Path, spec: Documents = (), overlay: Documents = ()) -> pd.DataFrame:
    """Return every judged answer of some records.

    Columns: ``target``, ``version``, ``operation``, ``persona``, ``about`` (whose resource the request names: self,
    other, which is somebody else's or a team's, nobody, where none exists or it has no owner, such as a job, or unclear, where
    nobody knows), ``valid`` (a valid request about something that exists), ``status``, ``error`` (the error's
    id, or nothing), ``fields`` (of a 2xx: its top-level fields and their types), ``as_shipped`` (nothing was changed before:
    elsewhere the caller may have been given more than the persona has, or less), ``documented`` (of whether the caller may, by
    what the answer was judged: allowed, denied, or unknown where it was not), ``request`` (the test), ``number`` (of that
    test's requests) and ``sent`` (which of the requests it had the persona send to the operation: what it is about, where all
    these records tell it, and the how manieth such one).

    Merged by ``request``, ``operation``, ``persona`` and ``sent`` the answers of two servers stand together as ``mmconform
    compare`` has them; by ``number`` they do not, since a test may ask one version more than another.

    Args and errors are those of :func:`load`.
    """
    read_ = _read(records, _contract(spec, overlay))
    asked = ("operation", "persona", "about", "valid")
    columns = (*asked, "status", "error", "fields", "as_shipped", "documented", "request", "number")
    rows = [
        {
            **_of(name, record),
            **{column: getattr(row, column) for column in columns},
            "fields": row.fields or None,
            "documented": row.documented or "unknown",
            "sent": f"{which} ({turn})" if which else str(turn),
        }
        for (name, record), answers_of_it in zip(read_.items(), by_question(*read_.values()), strict=True)
        for (*_, which, turn), row in answers_of_it.items()
    ]
    return _ordered(pd.DataFrame(rows, columns=["target", "version", *columns, "sent"]), read_.values())


def runs(*records: str | Path, spec: Documents = (), overlay: Documents = ()) -> pd.DataFrame:
    """Return one row for each record.

    Columns: ``target``, ``version``, ``edition``, ``build``, ``commit``, ``green``, ``promises`` (of the contract),
    ``new``, ``in_error``, ``known``, ``kept``, ``skipped``, ``unobserved`` (clauses in each state, as :func:`states` has them:
    together all promises), ``requests`` (judged), ``seed`` (of generated requests: servers that were asked with another one were
    asked something else) and ``selection`` (what narrowed the run).

    Args and errors are those of :func:`load`.
    """
    contract = _contract(spec, overlay)
    read_ = _read(records, contract)
    rows = [
        {
            **_of(name, record),
            **{column: getattr(record.header.server, column) for column in ("edition", "build", "commit")},
            "green": record.footer.green,
            "promises": record.header.clauses,
            **{MARKS[state].word.replace(" ", "_"): number for state, number in in_each_state(contract, record).items()},
            "requests": sum(row.sent for row in record.operations),
            "seed": record.header.seed,
            "selection": record.header.selection,
        }
        for name, record in read_.items()
    ]
    return _ordered(pd.DataFrame(rows), read_.values())


def newest(*records: str | Path, spec: Documents = (), overlay: Documents = ()) -> str:
    """Return which target a notebook tells of where the reader chooses none, as it is called in every table's ``target``.

    A server of the reader's own where there is one, else a recording; of several the newest release, as a run takes it that names
    no version, and of that the one asked last. What is under development comes only where there is nothing else. Of one address
    it is what was asked last, whatever was kept of it. Which of several servers it is, a line below the cell says, with the
    others: nobody knows which of them was for throwing away.

    Args and errors are those of :func:`load`.
    """
    return _newest(_read(records, _contract(spec, overlay)))


def _newest(read_: dict[str, Record]) -> str:
    read_ = _last_of_each(read_)
    of_kind = [{name: _name(record) for name, record in read_.items() if record.kind == kind} for kind in KINDS]
    of_servers, own = of_kind[0], next(filter(None, of_kind))
    version = tape.newest(own.values())
    newest_ = next(name for name in reversed(own) if own[name] == version)
    rest = sorted(f"{name} ({of})" for name, of in of_servers.items() if name != newest_)
    if rest:
        others = ", ".join(rest)
        _say([f"told of: {newest_} ({version}), of several servers the newest release, asked last; others are {others}"])
    return newest_


def upgrade(*records: str | Path, spec: Documents = (), overlay: Documents = ()) -> tuple[str, str]:
    """Return which two targets a notebook compares where the reader chooses none: before an upgrade, and after it.

    A server of the reader's own as it was kept and as it is now (``mmconform compare --save``), where that is among the records
    and was asked the same: of several kept ones that which was asked last, of several servers that of :func:`newest`. Else the
    oldest of the records that were asked the same, and of the others the one of :func:`newest`. Where there is but one, both are
    it.

    Args and errors are those of :func:`load`.
    """
    read_ = _read(records, _contract(spec, overlay))
    now, before = _last_of_each(read_), {}
    for name, last in now.items():
        of_it = [(one.header.started, other) for other, one in read_.items() if other not in now and _are_one(one, last)]
        if of_it and last.kind == "server":
            before[name] = max(of_it)[1]
    if before:
        after = _newest({name: read_[name] for name in before})
        return before[after], after
    oldest, *others = max(_alike(now), key=len)
    return oldest, _newest({name: read_[name] for name in others}) if others else oldest


def _are_one(before: Record, after: Record) -> bool:
    """Whether both are of one address, and were asked the same."""
    return _address(before) == _address(after) and _asked(before) == _asked(after)


def _last_of_each(read_: dict[str, Record]) -> dict[str, Record]:
    """Return what was asked last of each target, in the same order: what was kept of a server is what it was once."""
    last: dict[str, str] = {}
    for name, one in read_.items():
        other = last.setdefault(_address(one), name)
        if one.header.started >= read_[other].header.started:
            last[_address(one)] = name
    return {name: one for name, one in read_.items() if last[_address(one)] == name}


def _address(one: Record) -> str:
    """Return what a target is, however its address was written."""
    return record.base_of(one.header.target)


def _alike(read_: dict[str, Record]) -> list[list[str]]:
    """Return the names of records by which requests they were asked."""
    asked_of = {name: _asked(one) for name, one in read_.items()}
    return [[name for name in read_ if asked_of[name] == asked] for asked in dict.fromkeys(asked_of.values())]


def states(*records: str | Path, spec: Documents = (), overlay: Documents = ()) -> pd.DataFrame:
    """Return what is to be said of every clause on every target.

    Columns: ``target``, ``version``, ``operation``, ``rule``, ``clause``, ``state`` (the worst that was seen: new, error,
    known, pass, skip or unobserved) and ``though_known`` (of a pass: this version is known to break it, and nobody asked so that
    it shows).

    Args and errors are those of :func:`load`.
    """
    contract = _contract(spec, overlay)
    read_ = _read(records, contract)
    rows = [
        {
            **_of(name, record),
            "operation": clause.operation,
            "rule": clause.rule,
            "clause": clause.id,
            "state": seen[clause.id],
            "though_known": clause.id in unmet,
        }
        for name, record in read_.items()
        for seen, unmet in [(clause_states(contract, record.observations), kept_though_known(contract, record))]
        for clause in contract.clauses.values()
    ]
    return _ordered(pd.DataFrame(rows), read_.values())


def access(*records: str | Path, spec: Documents = (), overlay: Documents = ()) -> pd.DataFrame:
    """Return who may do what, as documented and as answered to valid requests about something real; as the page, Personas.

    A row is of those requests of a caller's to an operation of which the same is documented, and that were answered the same: who
    may have one thing and not another, or was served with one and refused another, has several. Who was refused where the
    documentation lets them in, and with how many requests::

        access = mmconform.access("recorded:11.1.0/whole", spec="11.1.yaml")
        access[(access.documented == "allowed") & (access.answered == "denied")]

    These are those of whom :func:`load` has such a failure, and ``denied`` and ``allowed`` those who were let in though they are
    not to be.

    Columns: ``target``, ``version``, ``operation``, ``about`` (self, other, or any where it makes no difference, or all is
    told together), ``persona``, ``documented`` (allowed, denied, or unknown), ``answered`` (allowed, denied, or neither),
    ``agrees`` (whether that is as documented; missing where nobody judged it) and ``requests`` (how many; what was found in
    invalid ones counts where no valid one shows it). A 404 refuses whoever has no permission; for others it only says that there
    is nothing.

    What is documented is what the roles of people as they are say of them, and of all others, and of whoever asks wherever things
    lie, what a check or a test judged that answer by. It is unknown where none did: no sentence says it, as of ``team_bot``, the
    bot that asks in probes; it is not known what the caller is to the thing, or what is served; or the server does not offer it
    (the reasons are rows of :func:`load` whose outcome is skip).

    Args and errors are those of :func:`load`. Of a record that tells nothing of this, or of an earlier release, which tells
    what is documented of such others only where that is not what came, a line below the cell says so.
    """
    contract = _contract(spec, overlay)
    read_, rows = _read(records, contract), []
    for name, each in read_.items():
        told = [*accesses(contract, each)]
        if not told:
            _say([f"{name}: nothing is told of who may: no valid request was judged by what is documented of that"])
        elif not tells_documented(each):
            told_there = "what is not as documented and of people as they are"
            _say([f"{name}: judged by an earlier release: documented is told of {told_there} alone; run it again"])
        for access in told:
            asked = {"operation": access.operation, "about": access.about, "persona": access.persona}
            for part in access.parts:
                rows.append({**_of(name, each), **asked, **part._asdict(), "documented": part.documented or "unknown"})
    columns = ["operation", "about", "persona", "documented", "answered", "agrees", "requests"]
    frame = pd.DataFrame(rows, columns=["target", "version", *columns]).astype({"agrees": "boolean"})
    return _ordered(frame, read_.values())


def findings(*records: str | Path, spec: Documents = (), overlay: Documents = ()) -> pd.DataFrame:
    """Return what contradicts a principle: two answers that do not go together. No promise is broken by it.

    Columns: ``target``, ``version``, ``principle``, ``operation`` (that gave something away, or went on serving), ``beside``
    (the operation whose answer says otherwise, or after which it had to end), ``field`` (what was given away), ``personas`` (to
    whom), ``standing`` (new, known, or gap: the document is silent about what does no harm), ``seen`` (in words),
    ``deviation`` (the entry that makes it known), and of both answers, as far as the record holds them, ``who`` and
    ``who_beside`` (whose credential was sent), ``request`` and ``request_beside``, ``status`` and ``status_beside`` (whole
    numbers), ``answer`` and ``answer_beside``.

    Args and errors are those of :func:`load`. Runs of ``suites/generated/test_principles.py`` have them, and probes those that
    one answer shows (``hidden``); where there is none, a line below the cell says so.
    """
    read_, rows = _read(records, _contract(spec, overlay)), []
    for name, each in read_.items():
        for row in each.findings:
            told = {column: getattr(row, column) for column in _FINDING} | {"personas": ", ".join(row.personas)}
            first, second, *_ = *row.evidence, None, None
            rows.append({**_of(name, each), **told, **_side(first, ""), **_side(second, "_beside")})
    if not rows:
        suite = "suites/generated/test_principles.py"
        _say([f"nothing contradicts a principle in {', '.join(read_)}, or none was asked about ({suite})"])
    columns = ["target", "version", *_FINDING, *_side(None, ""), *_side(None, "_beside")]
    frame = pd.DataFrame(rows, columns=columns).astype({"status": "Int64", "status_beside": "Int64"})
    return _ordered(frame, read_.values())


_FINDING = ("principle", "operation", "beside", "field", "personas", "standing", "seen", "deviation")


def _side(side: Evidence | None, end: str) -> dict[str, Any]:
    if side is None:
        return dict.fromkeys(f"{name}{end}" for name in ("who", "request", "status", "answer"))
    request, who = f"{side.method} {side.url}", side.credential or "nobody"
    return {f"who{end}": who, f"request{end}": request, f"status{end}": side.status, f"answer{end}": side.answer}


def timeline(*records: str | Path, spec: Documents = (), overlay: Documents = ()) -> pd.DataFrame:
    """Return what changed from each server to the next newer one that was asked the same, as ``mmconform compare`` tells it.

    Columns: ``older_target``, ``target`` (the newer), ``older`` and ``version`` (those of the two), ``operation``, ``clause``,
    ``kind`` (operation, promise, answer, field), ``effect`` (worse, different, better, for whoever calls the server),
    ``personas``, ``before``, ``after``, ``count`` and ``reason`` (as the documents, ``mmconform/data/changes.yaml`` or the known
    deviations tell it). What promise is kept or broken by an answer that changed is told with that answer; others are rows of
    their own.

    Args and errors are those of :func:`load`; an error too is that no two of several named records are of the same requests.
    Where there is nothing to compare otherwise, a line below the cell says so; others name what was off, and so not compared, as
    ``mmconform compare`` does. Where records of versions between are here, what was kept of a server is compared with what it is
    now only if both are named (:func:`upgrade`).
    """
    contract, read_, known = _compared(records, spec, overlay)
    rows = []
    for (from_, before), (to, after) in _pairs(records, read_):
        found = compare(contract, before, after)
        if said := [f"from {from_} to {to}: {line}" for line in left_off(before, after, found)]:
            if records:  # a pair that is named is told of beside its own table
                sys.stderr.writelines(f"{line}\n" for line in said)
            else:
                _say(said)
        seen = (ways_broken(before), ways_broken(after)), (doubts(before), doubts(after))
        between = Version.parse(before.header.server.version), Version.parse(after.header.server.version)
        rows += [
            {
                **{column: getattr(change, column, "") for column in _CHANGE},
                **_of_pair(from_, before, to, after),
                "personas": ", ".join(change.personas),
                "reason": "; ".join(map(str, why_changed(change, contract, *seen, between, known))),
            }
            for change in found.changes
        ]
    return _ordered(pd.DataFrame(rows, columns=[*_PAIR, *_CHANGE]), read_.values())


def not_shown(*records: str | Path, spec: Documents = (), overlay: Documents = ()) -> pd.DataFrame:
    """Return what our lists know to have changed between the servers of :func:`timeline`, and what its requests do not show.

    One of the two does not have the operation, or could not be asked as such a caller; or none of its requests is one that would
    show it. ``mmconform compare`` tells it below the changes.

    Columns: ``older_target``, ``target`` (the newer), ``older`` and ``version`` (those of the two), ``operation`` (all that it is
    about), ``personas`` (nobody: it is known of no caller apart) and ``known`` (in words, with its source).

    Args and errors are those of :func:`timeline`.
    """
    contract, read_, known = _compared(records, spec, overlay)
    rows = []
    for (from_, before), (to, after) in _pairs(records, read_):
        pair = _of_pair(from_, before, to, after).values()
        rows += [
            (*pair, ", ".join(one.operations), ", ".join(one.personas), one.text)
            for one in beside_the_shown(contract, before, after, compare(contract, before, after), known)
        ]
    frame = pd.DataFrame(rows, columns=[*_PAIR, "operation", "personas", "known"])
    frame["version"] = pd.Categorical(frame.version, [*dict.fromkeys(map(_name, read_.values()))], ordered=True)
    return frame


def _compared(
    records: Sequence[str | Path], spec: Documents, overlay: Documents
) -> tuple[Contract, dict[str, Record], tuple[list[KnownChange], list[Deviation]]]:
    """Return the documents, the records, and what is known to change and to be broken: of others' documents, nothing."""
    contract = _contract(spec, overlay)
    read_ = _read(records, contract)
    if spec:
        return contract, read_, ([], [])
    return contract, read_, (known_changes.load(contract), deviations.load(contract))


def _pairs(records: Sequence[str | Path], read_: dict[str, Record]) -> Iterator[tuple[tuple[str, Record], tuple[str, Record]]]:
    """Yield each server and the next newer one that was asked the same, by their names.

    What was kept of one that nobody named comes not between others: a setting of it would be a change of theirs, twice.
    """
    alike = _alike(read_)
    if len(read_) > 1 and len(records) > 1 and len(alike) == len(read_):
        raise MisuseError(
            f"{', '.join(read_)} were asked different requests, so that nothing can be compared; "
            "`mmconform compare` asks the same"
        )
    if all(len(group) == 1 for group in alike):
        _say([f"nothing is compared: here are no two records of the same requests ({', '.join(read_)})"])
    last = {*(read_ if records else _last_of_each(read_))}
    for group in alike:
        now = [name for name in group if name in last]
        for old, new in [*pairwise(now), *(pair for pair in _of_one_address(group, read_, now) if not records)]:
            yield (old, read_[old]), (new, read_[new])


def _of_one_address(group: Sequence[str], read_: dict[str, Record], now: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each record of a server and the next newer one of it, between whose versions none of others lies.

    Args:
        group: Those that were asked the same, oldest first.
        now: Of these what was asked last of each target.
    """
    for address in dict.fromkeys(_address(read_[name]) for name in group):
        for old, new in pairwise(name for name in group if _address(read_[name]) == address):
            ends = record.age(read_[old])[:2], record.age(read_[new])[:2]
            others = (record.age(read_[name])[:2] for name in now if _address(read_[name]) != address)
            if not any(ends[0] < other < ends[1] for other in others):
                yield old, new


def _of_pair(older: str, before: Record, newer: str, after: Record) -> dict[str, str]:
    return dict(zip(_PAIR, (older, newer, _name(before), _name(after)), strict=True))


#: What was compared with what: the names of both records, and their versions.
_PAIR = ("older_target", "target", "older", "version")
_CHANGE = ("operation", "clause", "kind", "effect", "personas", "before", "after", "count", "reason")


def clauses(*specs: str | Path) -> pd.DataFrame:
    """Return every promise of our documents, or of others.

    Columns: ``operation``, ``method``, ``path``, ``rule``, ``clause``, ``text`` (a quotation where ``origin`` is
    ``document``), ``place`` (``file:line``), ``origin`` (document, or overlay: our addition), ``evidence`` (for it),
    ``since`` (the first version that has the operation) and ``requires`` (which permissions it asks for).

    Raises:
        MisuseError: a document cannot be read.
    """
    contract = _contract(specs)
    rows = [
        {
            "operation": clause.operation,
            "method": operation.method,
            "path": operation.path,
            "rule": clause.rule,
            "clause": clause.id,
            "text": clause.text,
            "place": clause.place,
            "origin": clause.origin,
            "evidence": clause.evidence,
            "since": str(operation.since or ""),
            "requires": str(operation.requirement),
        }
        for clause in contract.clauses.values()
        for operation in [contract.operations[clause.operation]]
    ]
    return _ordered(pd.DataFrame(rows), operations=list(contract.operations))


def known_deviations() -> pd.DataFrame:
    """Return what is known to be broken: a row for each promise and each way in which it is.

    One known deviation is one entry of the list, whose rows have the same place: count these.

    Columns: ``clause``, ``operation``, ``rule``, ``personas``, ``when`` (in which versions, in words, as ``mmconform deviations``
    says it), ``versions`` (the same spans as the entry writes them, without those of which nobody knows), ``since`` and
    ``until`` (their outermost ends alone: where a repair was carried back, what lies between may not show it; the latter
    exclusive, empty for no end), ``signature``, ``verdict`` (server, documentation, ambiguous: who is wrong), ``reason``,
    ``evidence``, ``first_seen``, ``place`` (``file:line`` of the entry) and ``text`` (the promise).
    """
    contract = _contract()
    rows = [
        {
            "clause": entry.clause,
            "operation": contract.clauses[entry.clause].operation,
            "rule": contract.clauses[entry.clause].rule,
            "personas": ", ".join(persona for persona in _PERSONAS if persona in entry.personas),
            "when": str(entry.versions),
            "versions": entry.versions.text,
            "since": str(entry.versions.since or ""),
            "until": str(entry.versions.until or ""),
            "signature": entry.signature,
            "verdict": entry.verdict,
            "reason": entry.reason,
            "evidence": entry.evidence,
            "first_seen": entry.first_seen,
            "place": entry.place,
            "text": contract.clauses[entry.clause].text,
        }
        for entry in deviations.load(contract)
    ]
    return _ordered(pd.DataFrame(rows), operations=list(contract.operations))


def exchanges(version: str, operation: str, persona: str | None = None, cassette: str | None = None) -> pd.DataFrame:
    """Return what stands on the tape of a version about an operation, in the order in which it was recorded.

    A version may be written as a target, too (``recorded:5.36.1``), or as its first parts (``5.36``). Of a tape of the whole API
    (``11.1.0/whole``) these are the judged exchanges, in their form alone, numbered through all tests of the operation; and
    there are two columns more: ``about`` (self where what is named is the caller's own or they are, or else other) and ``which``
    (of its test's requests, in words).

    Columns: ``version``, ``operation``, ``persona`` (whose credential it was, the operator's too, who makes what a run needs; or
    unknown), ``credential`` (as it stands on the tape: whose session or token), ``method``, ``url``, ``body`` (sent),
    ``status``, ``error`` (its id), ``answer``, ``cassette`` (named by the test) and ``number`` (of the exchange on its cassette).

    People whom a test gives more than they have stand on a tape as who they were made: the test's name says what they were given.

    Args:
        persona: What this one sent alone.
        cassette: What stands on this one alone; ``.yaml`` may be left out.

    Raises:
        MisuseError: there is no such tape, operation or cassette, or nobody who is called so has asked, and is none of the people
            of every tape.
    """
    version = version.removeprefix("recorded:")
    if version in tape.every_whole():
        return _of_persona(_on_cassette(_on_whole_tape(version, operation), version, cassette), version, operation, persona)
    contract = _contract()
    if operation not in contract.operations:
        raise MisuseError(f"no operation `{operation}`; there are {', '.join(contract.operations)}")
    version = tape.begun_by(version) or version
    if version not in tape.every():
        raise MisuseError(tape.none_of(version))
    rows = []
    for name, path in tape.cassettes(CASSETTES / version).items():
        if cassette in (None, name, name.removesuffix(".yaml")):
            for number, exchange in taped.on_cassette(contract, operation, path):
                shown_ = _shown(replace(exchange, persona=_persona(exchange.credential)))
                rows.append({"version": version, "credential": exchange.credential, **shown_, "cassette": name, "number": number})
    columns = ["version", "operation", "persona", "credential", *_SHOWN[2:], "cassette", "number"]
    frame = _on_cassette(pd.DataFrame(rows, columns=columns), version, cassette)
    return _of_persona(frame, version, operation, persona)


def _on_whole_tape(version: str, operation: str) -> pd.DataFrame:
    """Return the exchanges of an operation on a tape of the whole API."""
    held = kept.read(CASSETTES / version, operation)
    if held is None:
        raise MisuseError(f"no operation `{operation}` on the tape {version}")
    rows = []
    for number, (test, exchange, _) in enumerate(held.asked, 1):
        rows.append({"version": version, "credential": exchange.credential, **_shown(exchange), "cassette": test})
        rows[-1] |= {"number": number, "about": exchange.about, "which": exchange.which}
    columns = ["version", "operation", "persona", "credential", *_SHOWN[2:], "cassette", "number", "about", "which"]
    return pd.DataFrame(rows, columns=columns)


def _on_cassette(frame: pd.DataFrame, version: str, cassette: str | None) -> pd.DataFrame:
    """Return what stands on one cassette; on all, where none is named."""
    if cassette is None:
        return frame
    found = frame[frame.cassette.isin((cassette, f"{cassette}.yaml"))].reset_index(drop=True)
    if found.empty:
        raise MisuseError(f"no `{cassette}` on the tape of {version} with such requests; without it all are shown")
    return found


def _of_persona(frame: pd.DataFrame, version: str, operation: str, persona: str | None) -> pd.DataFrame:
    """Return what one caller sent; all, where nobody is named."""
    if persona is None:
        return frame
    asked = {str(name) for name in frame.persona}
    if persona not in asked and persona not in PERSONAS:
        known = ", ".join(name for name in (*_PERSONAS, OPERATOR, _UNKNOWN) if name in PERSONAS or name in asked)
        why = f" ({MADE[persona]}: a tape has callers by the name they were made with)" if persona in MADE else ""
        raise MisuseError(f"nobody on the tape of {version} asks {operation} as `{persona}`{why}; there are {known}")
    return frame[frame.persona == persona].reset_index(drop=True)


#: Whoever it is whose credential is no persona's.
_UNKNOWN = "unknown"


def send(method: str, path: str, *, body: Any = None, allow_remote: bool = False) -> pd.DataFrame:
    """Send one request to the server that the environment variable ``MM_URL`` names, and return the exchange.

    ``MM_TOKEN``, where it is set, is the session or personal access token of whoever asks; otherwise nobody does.

    Columns: as of :func:`exchanges`, without version, cassette and number. Secrets that the answer holds are shown:
    this is between you and your server, and is recorded nowhere.

    Raises:
        MisuseError: ``MM_URL`` is not set, or the server is not on this machine and ``allow_remote`` is not given, or
            is no Mattermost.
    """
    url, token = os.environ.get("MM_URL"), os.environ.get("MM_TOKEN")
    if not url:
        raise MisuseError("no live server: set MM_URL (and MM_TOKEN) before you start Jupyter, and run this again")
    target = live(url, allow_remote=allow_remote)
    client = Client(target.base_url, target.redactor)
    who = "whoever has MM_TOKEN" if token else "anonymous"
    exchange = client.send(method, path, persona=who, token=token, **({} if body is None else {"json": body}))
    client.close()
    return pd.DataFrame([_shown(exchange)])


_SHOWN = ("operation", "persona", "method", "url", "body", "status", "error", "answer")


def _shown(exchange: Exchange) -> dict[str, Any]:
    sent = (exchange.body or b"").decode("utf-8", "backslashreplace")
    answer = exchange.answer.decode("utf-8", "backslashreplace")
    values = (
        exchange.operation,
        exchange.persona,
        exchange.method,
        exchange.url,
        sent,
        exchange.status,
        exchange.error_id,
        answer,
    )
    return dict(zip(_SHOWN, values, strict=True))


def _persona(credential: str) -> str:
    """People who were made for one test have a number, and sessions and tokens an owner."""
    name = re.split(r"'| ", credential)[0] if credential else "anonymous"
    return name if name in (*PERSONAS, *MADE, OPERATOR) else _UNKNOWN


def _read(records: Sequence[str | Path], contract: Contract) -> dict[str, Record]:
    """Return the records by their names, oldest server first. They have to be about the same documents.

    Two of one address, as before its upgrade and after it, are two servers, and the name of each finds it again.
    """
    is_target = any(not Path(name).exists() for name in records)
    own: dict[str, Record] = {}
    by_target: dict[str, str] = {}
    remarks: dict[Path, str] = {}
    if is_target or (records and os.environ.get(RECORDS)):
        with suppress(MisuseError):  # there may be none
            taken, remarks = _default(contract)
            own = dict(zip(record.called(taken), taken, strict=True))
            by_target = {one.header.target: name for name, one in _last_of_each(own).items()}
    beside: list[Record] = []
    if is_target or any(str(name) in own for name in records):  # of the reader's own records, if it is among them
        beside = [*own.values()]
        full = [(name, record.full_target(name)) for name in map(str, records)]
        names = [(name, name if name in own else by_target.get(target, target)) for name, target in full]
        places = [own[target].file for _, target in names if target in own]
        _say(remarks[place.parent] for place in places if place and place.parent in remarks)
        found = [one for name, target in names for one in ([own[target]] if target in own else _named([name]))]
    else:
        found, remarks = choose.given(records, contract.digest, _read_one, _as_arguments) if records else _default(contract)
        _say(remarks.values())
    record.check(found, contract.digest, contract.clauses, _as_arguments)
    # Of several that may be named, one is called the same whether it is asked for alone or with others.
    names_of = {one.file: name for one, name in zip([*found, *beside], record.called([*found, *beside]), strict=True)}
    return {names_of[one.file]: one for one in sorted(found, key=record.age)}


def _default(contract: Contract) -> tuple[list[Record], dict[Path, str]]:
    """Return the records that are meant where none is named, and what is to be said of others, by the folder of their target."""
    names = [name for name in os.environ.get(RECORDS, "").split(os.pathsep) if name]
    if names:
        return choose.given(names, contract.digest, _read_one, _as_arguments)
    if contract.digest != _contract().digest:
        raise MisuseError('name the records that were judged by these documents, as in load("recorded:11.1.0/whole", spec="…")')
    found, said = choose.current(REPORTS, tape.every(), contract, _read_one, with_live=True, to_see=_to_see)
    kept, said_of_kept = choose.kept_of(found, REPORTS / SAVED.name, contract, _read_one, _to_see)
    return [*found, *kept], said | said_of_kept


def _to_see(path: Path, header: Header) -> str:
    """Return how a record is loaded that nobody named. By its file: its target may be one that is taken from before."""
    documents = f", {_as_arguments(header.documents)}" if header.documents else ""
    return f"mmconform.load({json.dumps(shown(path))}{documents})"


def _as_arguments(documents: Sequence[str]) -> str:
    """Return options of the command line (``--spec=…``) as arguments of these functions."""
    given: dict[str, list[str]] = {}
    for option in documents:
        name, _, file = option.removeprefix("--").partition("=")
        given.setdefault(name, []).append(file)
    told = (f"{name}={json.dumps(files[0] if len(files) == 1 else files, ensure_ascii=False)}" for name, files in given.items())
    return ", ".join(told) or "spec= and overlay="


def _say(remarks: Iterable[str]) -> None:
    for remark in remarks:
        _say_once(remark)


@cache
def _say_once(remark: str) -> None:
    """Say it below the cell that asks first: every table of a notebook reads the same records."""
    sys.stderr.write(f"{remark}\n")


def _named(records: Sequence[str | Path]) -> list[Record]:
    return [_read_one(path) for path in record.find(records)]


def _read_one(path: Path) -> Record:
    return _read_once(path, _state(path))


@cache
def _read_once(path: Path, _now: tuple[Path, int]) -> Record:
    return record.read(path)


def _asked(record: Record) -> tuple[str, int, int]:
    """What decides which requests a run makes."""
    return record.header.spec, record.header.seed, record.header.max_examples


def _paths(documents: Documents, hint: str = "") -> tuple[Path, ...]:
    """Return where documents are: in a notebook names begin at its folder, or, as those of records do, at the checkout."""
    return tuple(_place(Path(name), hint) for name in ([documents] if isinstance(documents, str | Path) else documents))


def _place(document: Path, hint: str) -> Path:
    places = (document, REPORTS.parent / document)
    if found := next((place for place in places if place.exists()), None):
        return found
    looked = " and ".join(dict.fromkeys(shown(place.absolute().parent) for place in places))
    raise MisuseError(f"{document}: no such file or folder; looked in {looked}{hint}")


def _contract(spec: Documents = (), overlay: Documents = ()) -> Contract:
    """Return the contract of documents as they are now: whoever writes an overlay changes it between two cells."""
    specs, overlays = _paths(spec, f"; {WHERE_OFFICIAL}"), _paths(overlay)
    return _built(specs, overlays, tuple(map(_state, (*specs, *overlays))))


@cache
def _built(specs: tuple[Path, ...], overlays: tuple[Path, ...], _states: tuple[tuple[Path, int], ...]) -> Contract:
    return build(load_document([*specs], [*overlays]).document)


def _state(path: Path) -> tuple[Path, int]:
    """Return which file that is, wherever one works meanwhile, and when it was changed; one that is not there is never kept."""
    return path.absolute(), path.stat().st_mtime_ns if path.exists() else 0


def _name(record: Record) -> str:
    """Return what a version is called: 11.6.0-dev is not 11.6.0."""
    return record.header.server.name


def _of(name: str, record: Record) -> dict[str, str]:
    return {"target": name, "version": _name(record)}


def _ordered(frame: pd.DataFrame, records: Collection[Record] = (), operations: Sequence[str] = ()) -> pd.DataFrame:
    """Give the columns that have an order of their own that order; what is not known in it comes last."""
    orders = {
        "version": [_name(record) for record in records],
        "operation": operations or [row.operation for record in islice(records, 1) for row in record.operations],
        "rule": RULES,
        "persona": _PERSONAS,
    }
    for column, order in orders.items():
        if column in frame:
            values = dict.fromkeys([*order, *frame[column]])
            frame[column] = pd.Categorical(frame[column], list(values), ordered=True)
    return frame


__all__ = [
    "access",
    "answers",
    "clauses",
    "exchanges",
    "findings",
    "known_deviations",
    "load",
    "newest",
    "not_shown",
    "runs",
    "send",
    "states",
    "timeline",
    "upgrade",
]
