"""Flaws of sources that need no knowledge of the version: each is mended in place and told as (pointer, what, done)."""

from collections.abc import Iterator
from typing import Any

from mmconform.documents.reader import Pointer

Flaw = tuple[Pointer, str, str]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}

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
    bodies += [((*at, "responses", str(status)), one) for status, one in responses.items()] if isinstance(responses, dict) else []
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


def mend_defaults(node: Any, at: Pointer = ()) -> Iterator[Flaw]:
    """Leave out defaults that are not of their schema's own type."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    if isinstance(node, dict) and "default" in node and isinstance(node.get("type"), str):
        types = _TYPES.get(node["type"])
        value = node["default"]
        if types and value is not None and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
            del node["default"]
            yield (*at, "default"), f"the default `{value}` is no {node['type']}", "left out"
    for key, child in list(children):
        yield from mend_defaults(child, (*at, str(key)))
