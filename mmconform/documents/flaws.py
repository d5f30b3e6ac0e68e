"""Flaws of sources that need no knowledge of the version: each is mended in place and told as (pointer, what, done)."""

import re
from collections.abc import Iterator
from typing import Any

from openapi_schema_validator import oas31_format_checker

from mmconform.documents.reader import Pointer
from mmconform.documents.walk import places
from mmconform.json_schema import Draft202012Validator

Flaw = tuple[Pointer, str, str]

#: ECMA 262 names a group otherwise than Python.
_NAMED_GROUP = re.compile(r"\(\?<(?=[A-Za-z_])")

#: Keys whose value is a text, and which may be left out.
_TEXTS = ("title", "summary", "description", "operationId", "termsOfService", "format")
#: Keywords that a default can be held against without following a reference.
_PLAIN = ("type", "enum", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "multipleOf")
_DIALECTS = ("https://json-schema.org/draft/2020-12/schema", "https://spec.openapis.org/oas/3.1/dialect/base")

#: What an operation of OpenAPI 3.x may hold beside extensions (OpenAPI 3.1.0, 4.8.10).
_OPERATION = {"tags", "summary", "description", "externalDocs", "operationId", "parameters", "requestBody", "responses"} | {
    "callbacks",
    "deprecated",
    "security",
    "servers",
}


def mend_operation(operation: dict[str, Any], at: Pointer) -> Iterator[Flaw]:
    """Leave out what is no part of an operation of OpenAPI 3.x, and put schemas where they belong."""
    for key in [k for k in operation if k not in _OPERATION and not k.startswith("x-")]:
        del operation[key]
        yield (*at, key), f"`{key}` is no part of an operation", "left out"
    responses = operation.get("responses")
    bodies: list[tuple[Pointer, Any]] = [((*at, "requestBody"), operation.get("requestBody"))]
    if isinstance(responses, dict):
        bodies += [((*at, "responses", str(status)), response) for status, response in responses.items()]
    for where, body in bodies:
        content = body.get("content") if isinstance(body, dict) else None
        if isinstance(content, dict):
            yield from _mend_content(content, (*where, "content"))


def _mend_content(content: dict[str, Any], at: Pointer) -> Iterator[Flaw]:
    stray = content.pop("schema") if "schema" in content else None
    for media, value in content.items():
        if value is None:
            content[media] = {"schema": stray} if stray is not None else {}
            done = "the schema beside it is taken as its own" if stray is not None else "nothing is known about it"
            yield (*at, media), f"the media type {media} is empty", done
            stray = None
    if stray is not None:
        yield (*at, "schema"), "`schema` is no media type", "left out"


def mend_texts(data: dict[str, Any]) -> Iterator[Flaw]:
    """Leave out texts that are begun and never written: `description:` with nothing behind it."""
    for place in places(data):
        for key in [key for key in _TEXTS if key in place.node and place.node[key] is None]:
            del place.node[key]
            yield (*place.at, key), f"`{key}` is empty", "read as if it were not there"


def mend_schemas(data: dict[str, Any]) -> Iterator[Flaw]:
    """Leave out of schemas what nothing can be held against."""
    for place in places(data):
        if place.is_schema or place.parent in ("parameters", "headers"):
            yield from _mend_default(place.node, place.at)
        if place.is_schema:
            yield from _mend_required(place.node, place.at)
            yield from _mend_pattern(place.node, place.at)
            if place.node.get("$schema", _DIALECTS[0]) not in _DIALECTS:
                yield (*place.at, "$schema"), f"`{place.node.pop('$schema')}` is another dialect", "read as JSON Schema 2020-12"


def _mend_default(schema: dict[str, Any], at: Pointer) -> Iterator[Flaw]:
    value = schema.get("default")
    if value is None:
        return
    plain = {key: schema[key] for key in _PLAIN if isinstance(schema.get(key), (str, list, int, float)) and key in schema}
    if plain.get("type") == "file":
        return
    try:
        error = next(Draft202012Validator(plain, format_checker=oas31_format_checker).iter_errors(value), None)
    except Exception:  # the schema itself is broken, and refused for that later
        return
    if error is not None:
        del schema["default"]
        wanted = f"no {schema['type']}" if error.validator == "type" else f"not what its `{error.validator}` wants"
        yield (*at, "default"), f"the default `{value}` is {wanted}", "left out"


def _mend_required(schema: dict[str, Any], at: Pointer) -> Iterator[Flaw]:
    required = schema.get("required")
    if isinstance(required, bool):  # as drafts of JSON Schema before 4 had it, on the property itself
        del schema["required"]
        yield (*at, "required"), f"`required: {str(required).lower()}` is no list of properties", "left out"
    elif isinstance(required, list) and len(once := list(dict.fromkeys(map(str, required)))) < len(required):
        schema["required"] = once
        yield (*at, "required"), "`required` names a property twice", "named once"


def _mend_pattern(schema: dict[str, Any], at: Pointer) -> Iterator[Flaw]:
    if isinstance(pattern := schema.get("pattern"), str):
        schema["pattern"] = pattern = _NAMED_GROUP.sub("(?P<", pattern)
        if flaw := _flaw_of(pattern):
            del schema["pattern"]
            yield (*at, "pattern"), f"the pattern `{pattern[:80]}` cannot be read ({flaw})", "nothing is held against it"
    named = schema.get("patternProperties")
    named = named if isinstance(named, dict) else {}
    for pattern in [p for p in named if _flaw_of(p)]:
        del named[pattern]
        yield (*at, "patternProperties", pattern), f"the pattern `{pattern[:80]}` cannot be read", "left out"


def _flaw_of(pattern: str) -> str:
    """Return why Python cannot read a regular expression of ECMA 262, or nothing."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return str(error)
    return ""
