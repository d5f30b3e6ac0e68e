"""The lines of a record as classes: validated as they are decoded, and what the published JSON Schema is made from.

A line is a JSON object whose ``kind`` says which of these it is.
"""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from mmconform.contract.clause import Principle, Rule

FORMAT = 5
PUBLISHED = Path(__file__).with_name("record.schema.json")

Count = Annotated[int, Meta(ge=0)]
Time = Annotated[
    str,
    Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", description="UTC, ISO 8601, whole seconds"),
]
Outcome = Literal["pass", "fail", "skip", "error"]
Standing = Literal["", "new", "known"]
FindingStanding = Literal["new", "known", "gap"]
Effect = Literal["worse", "different", "better"]
ChangeKind = Literal["operation", "promise", "answer", "field"]
About = Literal["self", "other", "nobody", "unclear"]
Documented = Literal["", "allowed", "denied"]


class _Row(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="kind"):
    """What all lines have in common: a field that has its default is left out."""


class _Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A piece of a line."""


class ServerRow(_Part, frozen=True):
    """A server as it describes itself (:class:`mmconform.servers.target.Server`)."""

    name: str
    version: str
    calls_itself: str
    build: str
    commit: str
    edition: str
    x_version_id: str


class Header(_Row, tag="header", frozen=True, kw_only=True):
    """Which run, on which target, against which documents."""

    format: Annotated[int, Meta(ge=FORMAT, le=FORMAT)]
    target: str
    server: ServerRow
    spec: Annotated[str, Meta(description="SHA-256 of the merged document")]
    clauses: Annotated[int, Meta(description="promises in the contract")]
    tools: dict[str, str]
    seed: int
    max_examples: int
    started: Time
    selection: Annotated[str, Meta(description="what narrowed the run; empty for a whole one")]
    roles: Annotated[
        dict[str, tuple[str, ...]],
        Meta(
            description="what the server said that its roles hold, of the permissions that the documents name; empty: not asked"
        ),
    ] = field(default_factory=dict)
    newest_known: Annotated[str, Meta(description="the newest version that our data know, where the server is newer")] = ""
    documents: Annotated[
        tuple[str, ...], Meta(description="what was judged by instead of our own documents, as options of the command line")
    ] = ()


class OperationRow(_Row, tag="operation", frozen=True):
    """How far the requests to one operation got."""

    operation: str
    in_scope: Annotated[bool, Meta(description="exists in this version and can be asked on this target")]
    sent: Count
    reached: Annotated[Count, Meta(description="valid requests about a real resource that reached the operation")]
    served: Annotated[Count, Meta(description="of those, answered with a 2xx")]
    exercised: bool
    let_in: Annotated[Count, Meta(description="answers that show an entitled caller past the permission check")] = 0
    kept_out: Annotated[Count, Meta(description="refusals of callers who are not entitled, asking the same")] = 0
    gate: Annotated[str, Meta(description="the error id by which the server says that it does not offer it; empty: it does")] = ""
    for_principles: Annotated[Count, Meta(description="answered with a 2xx to what was asked for a principle; not judged")] = 0

    @property
    def is_decisive(self) -> bool:
        """Whether somebody entitled was let in, and somebody who is not was refused."""
        return bool(self.let_in and self.kept_out)


#: What a text ends with of which the first part alone is kept (:func:`excerpt`).
_CUT = re.compile(r"… \((\d+) characters\)\Z")


def excerpt(text: str, most: int) -> str:
    """Return a text, or its first part and how many characters it has."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters)"


class Evidence(_Part, frozen=True):
    """One exchange, redacted and cut."""

    method: str = ""
    url: str = ""
    body: str = ""
    status: int = 0
    media: str = ""
    answer: str = ""
    about: str = ""
    which: Annotated[str, Meta(description="in words: where that lies which it names, and in what it is not the plain one")] = ""
    credential: Annotated[str, Meta(description="whose session or token was sent; empty for none")] = ""
    headers: Annotated[dict[str, str] | None, Meta(description="sent; `<persona>` is a credential; null: not told")] = None
    expected: str = ""
    source: Annotated[str, Meta(description="of what was expected")] = ""
    settings: Annotated[tuple[str, ...], Meta(description="what the run had set otherwise for this request")] = ()
    own: Annotated[tuple[str, ...], Meta(description="what it names that is the caller's own, such as their id")] = ()

    @property
    def whole_body(self) -> int:
        """How many characters the body of the request had, where the record keeps the first of them only; else 0."""
        return int(cut[1]) if (cut := _CUT.search(self.body)) else 0


class ObservationRow(_Row, tag="observation", frozen=True):
    """What was seen of one clause, by one persona, in one test."""

    clause: str
    operation: str
    rule: Rule
    persona: str
    test: str
    outcome: Outcome
    count: Annotated[int, Meta(ge=1, description="exchanges that showed it")]
    standing: Annotated[Standing, Meta(description="of a failure")] = ""
    signature: Annotated[str, Meta(description="what tells this failure, or reason to skip, from others")] = ""
    seen: str = ""
    cassette: Annotated[str, Meta(description="where the exchanges are, relative to the tape")] = ""
    deviation: Annotated[str, Meta(description="the entry that makes it known, as file:line at the time of the run")] = ""
    evidence: Annotated[Evidence | None, Meta(description="the first exchange that showed it")] = None

    @property
    def state(self) -> str:
        """``new`` or ``known`` of a failure, else the outcome."""
        return self.standing or self.outcome


class AnswerRow(_Row, tag="answer", frozen=True):
    """One judged answer."""

    request: Annotated[str, Meta(description="what sent it: the test as its cassette is named, without ending")]
    number: Annotated[int, Meta(ge=1, description="of the test's judged exchanges")]
    operation: str
    persona: str
    about: Annotated[About, Meta(description="whose resource it names")]
    valid: Annotated[bool, Meta(description="a valid request that reached the operation, about something that exists")]
    status: int
    error: Annotated[str, Meta(description="the id of the error, or nothing")]
    fields: Annotated[
        dict[str, str],
        Meta(
            description="of a 2xx in JSON: its top-level fields, those of a list's rows with `[].` before them, and their types"
        ),
    ] = field(default_factory=dict)
    as_shipped: Annotated[
        bool, Meta(description="nothing was changed before it was asked for, so that it tells who may do what")
    ] = False
    which: Annotated[
        str,
        Meta(description="of the test's requests, in words: where that lies which it names, and in what it is not the plain one"),
    ] = ""
    documented: Annotated[
        Documented,
        Meta(description="whether the documentation lets the caller in, where a check or test judged the answer by that"),
    ] = ""

    @property
    def is_served(self) -> bool:
        return 200 <= self.status < 300

    @property
    def says(self) -> str:
        """Status and error id."""
        return f"{self.status} {self.error}".strip()


class ChangeRow(_Row, tag="change", frozen=True):
    """What a tape answers otherwise than that of the version before it, in a run over both."""

    against: Annotated[str, Meta(description="the target before")]
    operation: str
    clause: str
    of: ChangeKind
    personas: tuple[str, ...]
    before: str
    after: str
    effect: Effect
    count: Annotated[int, Meta(ge=1, description="answers that show it; of a promise, personas")]
    standing: Annotated[
        Literal["new", "known", "unjudged"],
        Meta(description="unjudged: of two records that a page puts side by side, never in a record"),
    ]
    request: Annotated[str, Meta(description="the first of them")] = ""
    number: int = 0
    reason: str = ""
    apart: Annotated[bool, Meta(description="of a promise: no changed answer of another row is all that keeps or breaks it")] = (
        False
    )


class FindingRow(_Row, tag="finding", frozen=True, kw_only=True):
    """What contradicts a principle: two answers that do not go together. No promise is broken by it."""

    principle: Principle
    operation: Annotated[str, Meta(description="the one that gave something away, or went on serving")]
    beside: Annotated[str, Meta(description="the operation whose answer says otherwise, or after which it had to end")]
    field: Annotated[str, Meta(description="what was given away: a field, a credential, or how somebody ended")]
    personas: tuple[str, ...]
    seen: str
    standing: Annotated[FindingStanding, Meta(description="gap: the document is silent about what does no harm")]
    deviation: Annotated[str, Meta(description="the entry that makes it known, as file:line at the time of the run")] = ""
    evidence: Annotated[tuple[Evidence, ...], Meta(description="both sides, that of the operation first")] = ()


class NotPlayedRow(_Part, frozen=True):
    """A test of ours that the target could not be asked, or a part of one, and that is about no single promise."""

    test: str
    reason: Annotated[str, Meta(description="one of those for which clauses are not judged")]
    why: Annotated[str, Meta(description="in words")] = ""
    part: Annotated[str, Meta(description="what of it; empty: all")] = ""


class Footer(_Row, tag="footer", frozen=True, kw_only=True):
    """What the run says. Its five first counts are the lines of the record, which so is known to be whole."""

    operations: Count = 0
    observations: Count = 0
    answers: Count = 0
    changes: Count = 0
    findings: Count = 0
    green: bool
    kept: Annotated[int, Meta(description="clauses")] = field(name="pass")
    known: Annotated[int, Meta(description="clauses")]
    new: Annotated[int, Meta(description="clauses")]
    skipped: Annotated[int, Meta(description="clauses")] = field(name="skip")
    reasons: Annotated[
        dict[str, Annotated[int, Meta(ge=1)]],
        Meta(description="clauses by the reason why they were not judged; one can have several"),
    ] = field(name="skipped", default_factory=dict)
    errors: Annotated[int, Meta(description="clauses and tests")] = field(name="error")
    fixed: Annotated[tuple[str, ...], Meta(description="known deviations that this run disproves")]
    changed: Annotated[int, Meta(description="new changes since the version before, in a run over both")]
    against: Annotated[str, Meta(description="the target before, with which this one was compared; empty: with none")] = ""
    not_taped: Annotated[int, Meta(description="requests that were not on the tape")]
    not_met: Annotated[
        tuple[str, ...], Meta(description="known deviations that hand-written tests had to meet, and did not, in a whole run")
    ] = ()
    not_exercised: tuple[str, ...]
    left_out: Annotated[tuple[str, ...], Meta(description="what was asked for and judged by nobody")] = ()
    not_played: Annotated[
        tuple[NotPlayedRow, ...], Meta(description="what the suites themselves left out here that is about no single promise")
    ] = ()
    absent: Annotated[
        dict[str, str],
        Meta(description="callers of probes and principles as whom nobody asked, and why: there is no such caller here"),
    ] = field(default_factory=dict)
    unanswered: Annotated[
        dict[str, Annotated[int, Meta(ge=1)]],
        Meta(
            description="requests of principles to which no answer of the server's own came in time, by operation; of none: what "
            "was to make something first"
        ),
    ] = field(default_factory=dict)
    counted: Annotated[Count, Meta(description="new findings of principles, where these count (`--fail-on principles`)")] = 0
    unobserved: Annotated[tuple[str, ...], Meta(description="clauses in scope that no exchange of this run could judge")]
    finished: Time = ""
    seconds: Annotated[float, Meta(ge=0, description="that the tests of this target took, one after the other")] = 0.0

    @property
    def verified(self) -> int:
        """How many clauses were judged."""
        return self.kept + self.known + self.new


Row = Header | OperationRow | ObservationRow | AnswerRow | ChangeRow | FindingRow | Footer


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a line."""
    schema = json.loads(json.dumps(msgspec.json.schema(Row)))  # lists where it has tuples
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "One line of a conformance record", **schema}


def main() -> None:
    """Write the published schema anew."""
    PUBLISHED.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
