"""The contract: every promise of the document, one testable clause each."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Literal, get_args

from mmconform.contract.naming import names_in
from mmconform.contract.permission import Requirement
from mmconform.version import Version, Versions

#: The kinds of clauses, in the order in which tables show them.
Rule = Literal["status", "schema", "media", "input", "auth", "permission", "since", "secret", "paging", "effect"]
RULES: tuple[Rule, ...] = get_args(Rule)
#: What holds of a whole API, whatever its sentences say: most compare two operations (``mmconform.principles``).
Principle = Literal["hidden", "ended", "confidential", "bounded", "unlisted", "consistent", "forbidden"]
PRINCIPLES: tuple[Principle, ...] = get_args(Principle)
#: From which share of characters in common a name is taken for a slip of another.
_ALIKE = 0.8


@dataclass(frozen=True)
class Clause:
    """One promise.

    Attributes:
        id: ``<operation>.<rule>``; an effect, of which an operation can have several, adds its name:
            ``<operation>.effect.<name>``.
        text: The promise: a quotation where ``origin`` is ``document``.
        origin: ``document``, or ``overlay`` where we added it; ``evidence`` then says from what.
    """

    id: str
    operation: str
    rule: Rule
    text: str
    file: str
    line: int
    origin: str = "document"
    evidence: str = ""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Parameter:
    """A path or query parameter.

    Attributes:
        resource: What its value identifies (``mmconform.world.kinds``), where somebody has told (``x-resource``).
        identifies: Its value identifies something.
    """

    name: str
    place: str
    required: bool
    schema: dict[str, Any]
    resource: str | None = None
    maximum_served: int | None = None
    identifies: bool = False


@dataclass(frozen=True)
class Body:
    """A request body: JSON, or a form with files.

    Attributes:
        media: ``application/json`` or ``multipart/form-data``.
        resources: What its properties identify, where somebody has told.
        identifying: The properties that identify something; ``""`` for the whole body.
        example: The document's.
    """

    required: bool
    schema: dict[str, Any]
    resources: dict[str, str]
    example: Any = None
    identifying: frozenset[str] = frozenset()
    media: str = "application/json"

    @property
    def is_json(self) -> bool:
        return self.media == "application/json"


@dataclass(frozen=True)
class Answer:
    """A declared response: JSON Schema by media type; an empty schema says nothing."""

    content: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Sample:
    """What a request that is served holds, beside identifiers; its texts may name things (:mod:`mmconform.contract.naming`).

    Attributes:
        path: The values of path parameters, by name (``x-path``).
        query: Those of query parameters (``x-query``).
        body: The body, or what it holds (``x-body``); None where nobody says.
        batch: The body that asks the same about several things of one owner (``x-batch``); None where nobody says.
    """

    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    batch: Any = None

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of the things that it names."""
        named = names_in([dict(self.path), dict(self.query), self.body])
        return frozenset(name.kind for name in named if not name.is_filler)


@dataclass(frozen=True)
class Operation:
    """What a request to one operation looks like, and what may come back.

    Attributes:
        versions: Those that have it, and those of which the document does not tell clearly.
        needs: The feature that must be switched on for it to be served.
        harmless: Why it is harmless to send, where the document says so (``x-harmless``).
        consumes: The kinds of what is no longer what it was when a request was served (``x-consumes``); ``caller`` for who asks,
            ``membership`` for what the user is in the team and channel, ``sessions`` for the user's, ``calm`` for the server's.
        sample: What a request that is served holds, as far as somebody says.
        makes: The kind of what a served request makes (``x-makes``).
        tags: The document's, by which readers group operations.
        states: How that is of which the request of its sample speaks, where a sentence tells of cases (``x-states``).
        departs: In what a body that is served departs from what the document says of it (``x-departs``).
    """

    id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    body: Body | None
    answers: dict[str, Answer]
    requirement: Requirement
    versions: Versions
    needs: str = ""
    harmless: str = ""
    consumes: frozenset[str] = frozenset()
    sample: Sample = Sample()
    makes: str = ""
    tags: tuple[str, ...] = ()
    departs: str = ""
    states: Mapping[str, str] = field(default_factory=dict)

    @property
    def since(self) -> Version | None:
        """The first version that has it; None: every one before ``removed``."""
        return self.versions.since

    @property
    def removed(self) -> Version | None:
        """The first version that no longer has it."""
        return self.versions.until

    def exists_in(self, version: Version) -> bool | None:
        """Return whether a version has it; None where the document does not tell clearly."""
        return self.versions.include(version)

    @property
    def identified(self) -> frozenset[str]:
        """The kinds of what its identifiers name, as far as somebody has told them."""
        in_body = self.body.resources.values() if self.body else ()
        return frozenset({p.resource for p in self.parameters if p.resource} | set(in_body))

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of what a served request names: in its sample, and by identifiers of which that says nothing."""
        told = {"path": self.sample.path, "query": self.sample.query}
        bound = {p.resource for p in self.parameters if p.resource and p.name not in told.get(p.place, ())}
        return self.sample.kinds | bound | frozenset(self.body.resources.values() if self.body else ())

    @property
    def required_query(self) -> frozenset[str]:
        """The names without which no query is valid."""
        return frozenset(p.name for p in self.parameters if p.place == "query" and p.required)

    @property
    def flags(self) -> Iterator[tuple[str, str]]:
        """Yield where a parameter or a property of its JSON body stands that is true or false, and its name."""
        yield from (("query", p.name) for p in self.parameters if p.place == "query" and _is_flag(p.schema))
        properties = self.body.schema.get("properties") or {} if self.body and self.body.is_json else {}
        yield from (("body", name) for name, schema in properties.items() if _is_flag(schema))

    @property
    def placeholders(self) -> list[str]:
        """The names of what has to be filled in in its path."""
        return re.findall(r"\{([^{}]*)\}", self.path)

    def filled(self, values: Mapping[str, str]) -> str:
        """Return its path with the values in it; a value may look like a placeholder and stays what it is.

        Raises:
            KeyError: there is none for a placeholder.
        """
        return re.sub(r"\{([^{}]*)\}", lambda found: str(values[found[1]]), self.path)

    def named_in(self, path: str) -> Iterator[str]:
        """Yield the names that stand in a path of its own for what identifies something; of other paths nothing."""
        names = {p.name for p in self.parameters if p.place == "path" and p.identifies and not p.name.lower().endswith("id")}
        yield from (value for name, value in self.values_in(path).items() if name in names)

    def values_in(self, path: str) -> dict[str, str]:
        """Return what stands in a path of its own for the placeholders, by their names; of another path nothing."""
        found = self._pattern.fullmatch(path)
        return dict(zip(self.placeholders, found.groups(), strict=True)) if found else {}

    def is_at(self, method: str, path: str) -> bool:
        """Whether a request of this method and path, without what all paths begin with, calls the operation."""
        return method == self.method and self._pattern.fullmatch(path) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{[^{}]*\\}", "([^/]+)", re.escape(self.path)))

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"


def _is_flag(schema: Any) -> bool:
    declared = schema.get("type") if isinstance(schema, dict) else None
    return "boolean" in (declared if isinstance(declared, list) else [declared])


@dataclass(frozen=True)
class Remark:
    """A sentence that promises nothing, with the reason (``informative``), or that nobody understands yet."""

    file: str
    line: int
    operation: str
    text: str
    reason: str | None


@dataclass(eq=False)
class Contract:
    """All operations and clauses of one document. Whatever is asked for each answer is looked up, never searched.

    Attributes:
        base: The path before every operation's path, such as ``/api/v4``.
        components: The document's shared schemas, for references in the operations' schemas.
        digest: SHA-256 of the merged document, so that a record says against what it judged.
    """

    base: str
    digest: str
    components: dict[str, Any]
    operations: dict[str, Operation] = field(default_factory=dict)
    clauses: dict[str, Clause] = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    _clauses_of: dict[str, list[Clause]] = field(default_factory=dict)
    _more_literal: dict[str, tuple[Operation, ...]] = field(default_factory=dict)

    def of(self, operation: str, *rules: str) -> Iterator[Clause]:
        """Yield the clauses of an operation, of the given rules or of all."""
        for clause in self._clauses_of.get(operation, ()):
            if not rules or clause.rule in rules:
                yield clause

    def part(self, names: Container[str]) -> "Contract":
        """Return the same of these operations alone."""
        operations = {name: operation for name, operation in self.operations.items() if name in names}
        found = replace(self, operations=operations, clauses={}, _clauses_of={}, _more_literal={})
        found.add(clause for clause in self.clauses.values() if clause.operation in operations)
        return found

    def matching(self, patterns: Iterable[str]) -> list[str]:
        """Return the operations whose names are like one of these (``Get*Channel*``)."""
        patterns = list(patterns)
        return [name for name in self.operations if any(fnmatchcase(name, pattern) for pattern in patterns)]

    def add(self, clauses: Iterable[Clause]) -> None:
        for clause in clauses:
            if clause.id not in self.clauses:
                self.clauses[clause.id] = clause
                self._clauses_of.setdefault(clause.operation, []).append(clause)

    def suggestion(self, name: str) -> str:
        """Return a question for who wrote the name of an operation that there is not: the one that is alike, if any."""
        names = {operation.casefold(): operation for operation in self.operations}
        alike = get_close_matches(name.casefold(), names, n=1, cutoff=_ALIKE)
        return f"did you mean {names[alike[0]]}? " if alike else ""

    def more_literal(self, operation: Operation) -> tuple[Operation, ...]:
        """Return the operations with paths as long as this one's and fewer parameters: a router tries them first."""
        if operation.id not in self._more_literal:
            self._more_literal[operation.id] = tuple(
                other
                for other in self.operations.values()
                if other.method == operation.method
                and other.path.count("/") == operation.path.count("/")
                and other.path.count("{") < operation.path.count("{")
            )
        return self._more_literal[operation.id]
