"""What stands where in an OpenAPI document: objects, schemas, and data that may look like either."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mmconform.documents.reader import Pointer

_SCHEMA, _OBJECT = "schema", "object"

#: Keywords of JSON Schema 2020-12, and of the drafts before it, that hold one schema, a list of them, or named ones.
_ONE_SCHEMA = {"items", "not", "additionalProperties", "additionalItems", "contains", "propertyNames", "if", "then", "else"}
_ONE_SCHEMA |= {"unevaluatedItems", "unevaluatedProperties", "contentSchema"}
_SCHEMAS = {"allOf", "anyOf", "oneOf", "prefixItems", "items"}
_NAMED_SCHEMAS = {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
#: Keys of objects that hold named objects, so that what follows is a name and no keyword.
_NAMED = {"paths", "webhooks", "pathItems", "responses", "parameters", "headers", "content", "encoding", "callbacks", "links"}
_NAMED |= {"requestBodies", "securitySchemes", "securityDefinitions", "examples", "variables", "flows"}
#: Keys of objects that hold whatever their author likes.
_DATA = {"example", "default", "enum", "value", "mapping", "scopes", "security"}
#: Objects with names in which `x-` begins an extension all the same (OpenAPI 3.1.0, 4.8.8, 4.8.16, 4.8.18).
_EXTENSIBLE = {"paths", "responses", "callbacks"}


@dataclass(frozen=True)
class Place:
    """A mapping within a document, and where it hangs: ``container[key]``.

    ``is_schema`` tells a schema from other objects; ``parent`` is the nearest key above that is no name and no number.
    """

    at: Pointer
    node: dict[str, Any]
    container: Any
    key: Any
    is_schema: bool
    parent: str


def places(data: dict[str, Any]) -> Iterator[Place]:
    """Yield every object and schema of a document, each before what is in it; nothing that is data.

    The yielded node may be changed; what hangs in it afterwards is walked.
    """
    is_swagger = "swagger" in data
    todo: list[Place] = [Place((), data, None, None, False, "")]
    while todo:
        place = todo.pop()
        yield place
        node = place.node if place.container is None else place.container[place.key]
        if isinstance(node, dict):
            below = _in_schema(place, node) if place.is_schema else _in_object(place, node, is_swagger)
            todo.extend(reversed(list(below)))


def schemas(data: dict[str, Any]) -> Iterator[Place]:
    """Yield every schema of a document, those within schemas too."""
    return (place for place in places(data) if place.is_schema)


def schemas_in(schema: dict[str, Any]) -> Iterator[Place]:
    """Yield the schemas that stand directly in one."""
    return _in_schema(Place((), schema, None, None, True, ""), schema)


def _in_schema(place: Place, node: dict[str, Any]) -> Iterator[Place]:
    for key, child in node.items():
        if (key in _SCHEMAS and isinstance(child, list)) or (key in _NAMED_SCHEMAS and isinstance(child, dict)):
            yield from _children((*place.at, key), child, True, key)
        elif key in _ONE_SCHEMA and isinstance(child, dict):
            yield Place((*place.at, key), child, node, key, True, key)


def _in_object(place: Place, node: dict[str, Any], is_swagger: bool) -> Iterator[Place]:
    for key, child in node.items():
        at = (*place.at, key)
        if key in _DATA or key.startswith("x-") or (key == "examples" and is_swagger):
            continue
        if key in ("schema", "items") and isinstance(child, dict):
            yield Place(at, child, node, key, True, key)
        elif key in ("schemas", "definitions") and isinstance(child, dict):
            yield from _children(at, child, True, key)
        elif key in _NAMED and isinstance(child, dict):
            named = {k: v for k, v in child.items() if not (key in _EXTENSIBLE and k.startswith("x-"))}
            yield from (Place((*at, k), v, child, k, False, key) for k, v in named.items() if isinstance(v, dict))
        elif isinstance(child, list):
            yield from _children(at, child, False, key)
        elif isinstance(child, dict):
            yield Place(at, child, node, key, False, key)


def _children(at: Pointer, container: Any, is_schema: bool, parent: str) -> Iterator[Place]:
    pairs = container.items() if isinstance(container, dict) else enumerate(container)
    return (Place((*at, str(k)), v, container, k, is_schema, parent) for k, v in pairs if isinstance(v, dict))
