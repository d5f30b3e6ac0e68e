"""Is the merged document valid OpenAPI 3.1? Whatever is not is told with its whole path and where it comes from."""

from collections.abc import Iterator
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from mmconform.documents.document import Document, parameter_names
from mmconform.documents.reader import Pointer
from mmconform.documents.references import resolve
from mmconform.documents.walk import Place, places, schemas
from mmconform.errors import DocumentError
from mmconform.json_schema import Draft202012Validator

_META = Draft202012Validator(Draft202012Validator.META_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
#: Keywords whose schemas are held against the very value that their own schema is.
_APPLIED_ONE = ("not", "if", "then", "else")
_APPLIED = ("allOf", "anyOf", "oneOf")


def validate(document: Document) -> None:
    """Check the merged document against OpenAPI 3.1 and JSON Schema 2020-12.

    Raises:
        DocumentError: it is not valid; says the first place that is not.
    """
    for flaws in (_structure, _references, _parameters, _schemas, _circles):
        for pointer, what in flaws(document):
            file, line = document.place(*pointer)
            where = "/".join(pointer) or "/"
            raise DocumentError(file, line, f"the merged document is not valid OpenAPI at {where}: {what}"[:500])


def _structure(document: Document) -> Iterator[tuple[Pointer, str]]:
    for error in OpenAPIV31SpecValidator.schema_validator.iter_errors(document.data):
        yield tuple(str(part) for part in error.absolute_path), _short(error.message)


def _references(document: Document) -> Iterator[tuple[Pointer, str]]:
    """An overlay can put in references that no source has."""
    for place in places(document.data):
        reference = place.node.get("$ref")
        if isinstance(reference, str) and (not reference.startswith("#/") or resolve(document.data, reference) is None):
            yield (*place.at, "$ref"), f"`{reference}` leads nowhere in the merged document"


def _parameters(document: Document) -> Iterator[tuple[Pointer, str]]:
    for path, method, operation in document.operations():
        shared = document.data["paths"][path].get("parameters") or []
        named = [_named(document, p) for p in operation.get("parameters") or []]
        for i, own in enumerate(named):
            if own in named[:i]:
                yield ("paths", path, method, "parameters", str(i)), f"the {own[0]} parameter `{own[1]}` is declared twice"
        declared = {name for place, name in [*named, *(_named(document, p) for p in shared)] if place == "path"}
        for name in parameter_names(path):
            if name not in declared:
                yield ("paths", path, method), f"the path parameter `{name}` is not declared"


def _named(document: Document, parameter: dict[str, Any]) -> tuple[str, str]:
    found = resolve(document.data, parameter["$ref"]) if "$ref" in parameter else parameter
    return (str(found.get("in")), str(found.get("name"))) if isinstance(found, dict) else ("", "")


def _schemas(document: Document) -> Iterator[tuple[Pointer, str]]:
    around: Pointer | None = None
    for place in schemas(document.data):
        if around is not None and place.at[: len(around)] == around:
            continue  # looked at with the schema around it
        around = place.at
        errors = sorted(_META.iter_errors(place.node), key=lambda error: [str(part) for part in error.absolute_path])
        for error in errors:
            yield (*place.at, *(str(part) for part in error.absolute_path)), _short(error.message)


def _circles(document: Document) -> Iterator[tuple[Pointer, str]]:
    """A schema that is held against the same value by way of itself says nothing, and would never be done with."""
    done: set[int] = set()
    for place in schemas(document.data):
        if circle := _circle(document, place, done):
            yield circle, "it has a `$ref` that leads back to itself, with nothing in between"


def _circle(document: Document, start: Place, done: set[int]) -> Pointer | None:
    """Go down, without recursion, through what is held against the same value; return where it comes round."""
    open_: dict[int, None] = {}
    todo: list[tuple[Any, bool]] = [(start.node, True)]
    while todo:
        node, enters = todo.pop()
        if not enters:
            open_.pop(id(node), None)
            done.add(id(node))
        elif id(node) in open_:
            return start.at
        elif id(node) not in done:
            open_[id(node)] = None
            todo.append((node, False))
            todo.extend((child, True) for child in applied(document.data, node))
    return None


def applied(data: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the schemas that are held against the same value as this one."""
    found = [schema.get(key) for key in _APPLIED_ONE]
    for key in _APPLIED:
        found += schema[key] if isinstance(schema.get(key), list) else []
    found += schema["dependentSchemas"].values() if isinstance(schema.get("dependentSchemas"), dict) else []
    if isinstance(schema.get("$ref"), str):
        found.append(resolve(data, schema["$ref"]))
    return [schema_inside for schema_inside in found if isinstance(schema_inside, dict)]


def _short(message: object) -> str:
    return str(message).split("\n", 1)[0][:200]
