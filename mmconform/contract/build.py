"""Reads a document and writes down what it promises."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmconform.contract import prose
from mmconform.contract.clause import Answer, Body, Clause, Contract, Operation, Parameter, Remark, Rule, Sample
from mmconform.contract.identifiers import identifies, identifying_parts
from mmconform.contract.naming import items_of, names_in
from mmconform.contract.permission import Requirement, with_scopes
from mmconform.documents.document import Document, base_path
from mmconform.documents.load import OFFICIAL_OVERLAY_NAME
from mmconform.documents.reader import Pointer
from mmconform.documents.references import resolve
from mmconform.errors import DocumentError, MisuseError
from mmconform.paths import ROOT
from mmconform.version import Version, Versions

#: Where merging notes from which places an operation comes (``file:line``).
_ORIGIN = "x-origin"


def build(document: Document) -> Contract:
    """Return the contract of a merged, overlaid and valid document."""
    data = document.data
    try:
        base = base_path(data.get("servers"))
    except ValueError as error:
        raise MisuseError(f"the address of the server cannot be read: {error}") from None
    contract = Contract(base, _digest(document), data.get("components") or {})
    for path, method, operation in document.operations():
        _Reader(document, contract, path, method, operation).read()
    return contract


def _digest(document: Document) -> str:
    """Return what tells documents from others: the same of a file wherever it lies, and however the command line names it."""
    paths: dict[str, Any] = {path: dict(item) for path, item in document.data["paths"].items()}
    for path, method, operation in document.operations():
        if places := operation.get(_ORIGIN):
            paths[path][method] = {**operation, _ORIGIN: [_without_folder(str(place)) for place in places]}
    return hashlib.sha256(json.dumps({**document.data, "paths": paths}, sort_keys=True).encode()).hexdigest()


def _without_folder(place: str) -> str:
    """Return a place in a file (``file:line``) without its folder; ours have names of their own."""
    file, _, line = place.rpartition(":")
    is_ours = not Path(file).is_absolute() and (ROOT / file).is_file()
    return place if is_ours else f"{Path(file).name}:{line}"


class _Reader:
    """Reads one operation."""

    def __init__(self, document: Document, contract: Contract, path: str, method: str, data: dict[str, Any]) -> None:
        self.document, self.contract, self.data = document, contract, data
        self.path, self.method = path, method
        self.id = str(data["operationId"])
        self.at: Pointer = ("paths", path, method)
        self.requirement: Requirement | None = None
        self.since: Version | None = None
        self.unclear: tuple[Version, Version | None] | None = None
        self.is_secured = bool(data.get("security", document.data.get("security")))

    def read(self) -> None:
        clauses = [*self._answers(), *self._input(), *self._prose()]
        if self.requirement is None:
            self.requirement = Requirement(authenticated=self.is_secured)
        if self.requirement.authenticated is not False:
            clauses.append(self._auth(next((c for c in clauses if c.rule == "permission"), None)))
        removed = self._removed()
        if removed:
            text = f"Exists until {removed}, exclusive."
            clauses.append(self._clause("since", text, (*self.at, "x-removed-in")))
        self.contract.operations[self.id] = Operation(
            self.id,
            self.method.upper(),
            self.path,
            tuple(self._parameters()),
            self._body(),
            {status: self._answer(answer) for status, answer in (self.data.get("responses") or {}).items()},
            self.requirement,
            self._versions(removed),
            self.data.get("x-needs", ""),
            str(self.data.get("x-harmless") or ""),
            frozenset(self._kinds("x-consumes")),
            self._sample(),
            self._made(),
            tuple(map(str, self.data.get("tags") or ())),
            str(self.data.get("x-departs") or ""),
            self._states(),
        )
        self.contract.add(clauses)

    def _versions(self, removed: Version | None) -> Versions:
        if self.unclear and self.since is None:
            return Versions((), ((Version(0), removed),))
        return Versions(((self.since or Version(0), removed),), (self.unclear,) if self.unclear else ())

    def _removed(self) -> Version | None:
        given = self.data.get("x-removed-in")
        try:
            return Version.parse(str(given)) if given else None
        except ValueError as error:
            file, line = self._place("x-removed-in")
            raise DocumentError(file, line, str(error)) from None

    def _place(self, *below: str) -> tuple[str, int]:
        """Return where a part of this operation comes from: the overlay or a source."""
        added = self.document.addition(*self.at, *below)
        if added:
            return added.file, added.line
        origin = self.document.origins[self.at][0]
        return origin.file, origin.source.line_of(*origin.pointer, *below)

    # -- told of served requests: what they hold, make and consume ---------------------------------------------------

    def _kinds(self, key: str) -> list[str]:
        given = self.data.get(key) or []
        if not isinstance(given, list) or not all(isinstance(kind, str) for kind in given):
            raise self._wrong(key, "is no list of kinds of things")
        return given

    def _made(self) -> str:
        given = self.data.get("x-makes") or ""
        if not isinstance(given, str):
            raise self._wrong("x-makes", "is no kind of thing")
        return given

    def _states(self) -> dict[str, str]:
        given = self.data.get("x-states") or {}
        if not isinstance(given, dict) or not all(isinstance(state, str) for state in given.values()):
            raise self._wrong("x-states", "does not map things to what they are")
        return given

    def _sample(self) -> Sample:
        path, query = (self._values(key, place) for key, place in (("x-path", "path"), ("x-query", "query")))
        for key in ("x-path", "x-query", "x-body", "x-batch"):
            try:
                list(names_in(self.data.get(key)))
            except ValueError as error:
                raise self._wrong(key, f"cannot be filled in: {error}") from None
        return Sample(path, query, self.data.get("x-body"), self._batch())

    def _batch(self) -> Any:
        """Return a body about several things, if the document has what it says."""
        batch = self.data.get("x-batch")
        if batch is not None and len(items_of(batch)) < 2:
            raise self._wrong("x-batch", "is neither a list of several items nor an object that holds one such list")
        body = self._body()
        is_declared = isinstance(batch, list) or (body and batch and batch.keys() <= (body.schema.get("properties") or {}).keys())
        return batch if is_declared else None

    def _values(self, key: str, place: str) -> dict[str, Any]:
        """Return what stands for the parameters of a path or a query."""
        given = self.data.get(key) or {}
        if not isinstance(given, dict):
            raise self._wrong(key, f"does not map parameters of the {place} to values")
        there = {p.name for p in self._parameters() if p.place == place}
        if place == "query" and self.data.get("x-departs"):
            there |= set(given)  # servers take what the document does not declare
        unknown = sorted(set(given) - there)
        if unknown and self._place(key)[0] != OFFICIAL_OVERLAY_NAME:
            raise self._wrong(key, f"names no parameter of the {place}: {unknown[0]}")
        return {name: value for name, value in given.items() if name in there}

    def _wrong(self, key: str, what: str) -> DocumentError:
        return DocumentError(*self._place(key), f"`{key}` of {self.id} {what}")

    # -- declared: parameters, bodies, answers ---------------------------------------------------------------------

    def _followed(self, node: Any) -> Any:
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            node = resolve(self.document.data, node["$ref"])
        return node

    def _parameters(self) -> Iterator[Parameter]:
        own = [self._followed(p) for p in self.data.get("parameters") or []]
        shared = [self._followed(p) for p in self.document.data["paths"][self.path].get("parameters") or []]
        names = {(p["in"], p["name"]) for p in own}
        for p in [*own, *(p for p in shared if (p["in"], p["name"]) not in names)]:
            schema = self._followed(p.get("schema") or {})
            kind = p.get("x-resource")
            is_id = identifies(self._followed, p["name"], {**schema, **p}, in_path=p["in"] == "path")
            yield Parameter(p["name"], p["in"], bool(p.get("required")), schema, kind, p.get("x-maximum-served"), is_id)

    def _body(self) -> Body | None:
        body = self._followed(self.data.get("requestBody"))
        content = (body or {}).get("content") or {}
        name = next((name for name in ("application/json", "multipart/form-data") if name in content), "application/json")
        media, name = content.get(name, {}), str(self.data.get("x-media") or name)
        schema = self._followed(media.get("schema"))
        if not body or schema is None:
            return None
        schema = {} if schema is True else {"not": {}} if schema is False else schema
        properties = {n: self._followed(p) for n, p in (schema.get("properties") or {}).items()}
        resources = {n: p["x-resource"] for n, p in properties.items() if isinstance(p, dict) and "x-resource" in p}
        identifying = frozenset(identifying_parts(self._followed, schema))
        return Body(bool(body.get("required")), schema, resources, media.get("example"), identifying, name)

    def _answer(self, answer: Any) -> Answer:
        content = self._followed(answer).get("content") or {}
        return Answer({media: self._followed(entry).get("schema") or {} for media, entry in content.items()})

    def _answers(self) -> Iterator[Clause]:
        responses: dict[str, Any] = self.data.get("responses") or {}
        if not responses:
            return
        statuses = ", ".join(sorted(responses))
        yield self._clause("status", f"Answers with one of: {statuses}.", *((*self.at, "responses", s) for s in responses))
        media = {m for r in responses.values() for m in self._answer(r).content}
        if media:
            yield self._produces(media)
        with_schema = [s for s, r in responses.items() if any(self._answer(r).content.values())]
        if with_schema:
            places = [
                (*self.at, "responses", s, "content", m, "schema")
                for s in with_schema
                for m in self._answer(responses[s]).content
            ]
            yield self._clause("schema", f"Bodies follow the schemas declared for {', '.join(sorted(with_schema))}.", *places)

    def _produces(self, media: set[str]) -> Clause:
        for origin in self.document.origins.get(self.at, []):
            produced = origin.source.data.get("produces") if isinstance(origin.source.data, dict) else None
            if produced:
                line = origin.source.line_of("produces", "0")
                text = f"Produces {', '.join(produced)}."
                return Clause(f"{self.id}.media", self.id, "media", text, origin.file, line)
        return self._clause("media", f"Produces {', '.join(sorted(media))}.", (*self.at, "responses"))

    def _input(self) -> Iterator[Clause]:
        parameters = list(self._parameters())
        says = [p.name for p in parameters if p.schema and p.schema != {"type": "string"}]
        places = [(*self.at, "parameters", str(i), "schema") for i in range(len(self.data.get("parameters") or []))]
        body = self._body()
        if body and body.schema:
            says.append("the body")
            places.append((*self.at, "requestBody"))
        if says:
            yield self._clause("input", f"Input that breaks the schema is refused: {', '.join(says)}.", *places)

    def _auth(self, demand: Clause | None) -> Clause:
        """Return the clause about anonymous callers: the sentence that says so, or else the declared security.

        A sentence that demands a permission demands a session too, but does not say so: it is quoted only where
        nothing else does.
        """
        assert self.requirement
        if demand and not (self.requirement.names_permissions and self.is_secured):
            return replace(demand, id=f"{self.id}.auth", rule="auth")
        text = "Whoever is not authenticated gets 401 and nothing else."
        origin = self.document.addition(*self.at, "security") or self.document.addition("security")
        if origin:
            return Clause(f"{self.id}.auth", self.id, "auth", text, origin.file, origin.line, "overlay", origin.evidence)
        return self._clause("auth", text, (*self.at, "security"))

    def _clause(self, rule: Rule, text: str, *places: Pointer) -> Clause:
        """Return a clause about declared things; ours (``overlay``) as soon as the overlay made one of the places."""
        for place in places:
            added = self._addition_in(place)
            if added:
                return Clause(f"{self.id}.{rule}", self.id, rule, text, added.file, added.line, "overlay", added.evidence)
        file, line = self._place(*(places[0] if places else self.at)[len(self.at) :])
        return Clause(f"{self.id}.{rule}", self.id, rule, text, file, line)

    def _addition_in(self, place: Pointer) -> Any:
        below = (a for pointer, a in self.document.additions.items() if pointer[: len(place)] == place)
        return self.document.addition(*place) or next(below, None)

    # -- prose -----------------------------------------------------------------------------------------------------

    def _prose(self) -> Iterator[Clause]:
        text = self.data.get("description")
        if not isinstance(text, str):
            return
        quoted: dict[str, Clause] = {}
        told = [(sentence, prose.understand(sentence)) for sentence in prose.sentences(text)]
        self._read_versions(told)
        demanded = prose.requirement_of(told, is_secured=self.is_secured)
        self.requirement = demanded and replace(demanded, demand=with_scopes(demanded.demand))
        for sentence, meaning in told:
            if meaning is None or isinstance(meaning, prose.Informative):
                self._remark(sentence, meaning.reason if meaning else None)
                continue
            for suffix, rule in self._meant(meaning):
                id_ = f"{self.id}.{suffix}"
                if id_ in quoted:  # a permission is told in several sentences
                    words = f"{quoted[id_].text} {sentence.text}"
                    quoted[id_] = replace(quoted[id_], text=words, origin="document", evidence="")
                else:
                    quoted[id_] = self._quote(id_, rule, sentence)
        yield from quoted.values()

    def _quote(self, id_: str, rule: Rule, sentence: prose.Sentence) -> Clause:
        added = self.document.addition(*self.at, "description")
        file, line = self._sentence(sentence)
        ours = {"origin": "overlay", "evidence": added.evidence} if added else {}
        return Clause(id_, self.id, rule, sentence.text, file, line, **ours)

    def _remark(self, sentence: prose.Sentence, reason: str | None) -> None:
        self.contract.remarks.append(Remark(*self._sentence(sentence), self.id, sentence.text, reason))

    def _read_versions(self, told: "list[tuple[prose.Sentence, prose.Meaning | None]]") -> None:
        """Find out since when the operation is there, from all sentences about a minimum version.

        Of several the first is the operation's where it is the lowest, and something else is told before the next: that
        one is about what came later. Otherwise nothing is certain between the lowest and the highest.
        """
        found = [n for n, (sentence, _) in enumerate(told) if prose.is_about_versions(sentence)]
        numbers = [number for n in found for number in _numbers(*told[n])]
        if not found:
            return
        first, lowest, highest = told[found[0]][1], min(numbers, default=Version(0)), max(numbers, default=None)
        is_told = isinstance(first, prose.Since) and first.version == lowest
        if is_told and (lowest == highest or found[1] > found[0] + 1):
            self.since = lowest
            for n in found[1:]:
                told[n] = (told[n][0], prose.Informative("a later version, of a part of the operation"))
            return
        self.since, self.unclear = highest, (lowest if is_told else Version(0), highest)
        for n in found:
            if told[n][1] is not None:
                self._remark(told[n][0], None)

    def _sentence(self, sentence: prose.Sentence) -> tuple[str, int]:
        """Return where a sentence of the description stands."""
        added = self.document.addition(*self.at, "description")
        if added:
            return added.file, added.line
        origin = self.document.origins[self.at][0]
        place = (*origin.pointer, "description")
        return origin.file, origin.source.line_within(place, self.data["description"], sentence.offset)

    def _meant(self, meaning: prose.Meaning) -> Iterator[tuple[str, Rule]]:
        match meaning:
            case prose.Since():
                yield "since", "since"
            case prose.Permits() | prose.Grants() | prose.Voids() | prose.Lifts() | prose.Shows():
                yield "permission", "permission"
            case prose.Secret():
                yield "secret", "secret"
            case prose.Paging():
                yield "paging", "paging"
            case prose.Effect(names):
                for name in names:
                    yield f"effect.{name}", "effect"
            case prose.Licensed() | prose.Informative():
                return


def _numbers(sentence: prose.Sentence, meaning: prose.Meaning | None) -> list[Version]:
    return [meaning.version] if isinstance(meaning, prose.Since) else prose.numbers_in(sentence)
