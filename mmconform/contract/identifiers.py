"""Which values of a request identify something: where nobody tells of which kind it is, it may exist or not."""

import re
from collections.abc import Callable, Iterator
from typing import Any

_NAME = re.compile(r"(?:^|_|-)ids?$|(?<=[a-z])Ids?$", re.ASCII)
_WORDS = re.compile(r"\b(?:IDs?|ids|GUIDs?|UUIDs?|identifiers?)\b")
#: How deep a body is looked into.
_DEEPEST = 6

_Follow = Callable[[Any], Any]


def identifies(follow: _Follow, name: str, schema: dict[str, Any], *, in_path: bool = False) -> bool:
    """Return whether a value identifies something, by its place, its name or its description.

    Args:
        follow: Gives for a reference what it leads to.
        schema: Of the value, or the parameter with its schema's keywords.
    """
    if "enum" in schema or "const" in schema or schema.get("type") == "boolean":
        return False
    if in_path:
        return True
    is_named = bool(_NAME.search(name) or _WORDS.search(str(schema.get("description", ""))))
    items = follow(schema.get("items"))
    return is_named and (_is_text(schema) or (schema.get("type") == "array" and (items is None or _is_text(items))))


def _is_text(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type", "string") in ("string", ["string", "null"])


def identifying_parts(follow: _Follow, body: dict[str, Any]) -> Iterator[str]:
    """Yield the properties of a body that identify something, or hold what does; ``""`` for a list of texts."""
    if _is_text(follow(body.get("items"))):
        yield ""
    for name, schema in _properties(follow, body):
        if _holds_one(follow, name, schema, _DEEPEST):
            yield name
    items = follow(body.get("items"))
    if isinstance(items, dict) and any(_holds_one(follow, name, schema, _DEEPEST) for name, schema in _properties(follow, items)):
        yield ""


def _properties(follow: _Follow, schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    properties = schema.get("properties")
    for name, schema_of_property in properties.items() if isinstance(properties, dict) else ():
        yield name, follow(schema_of_property)


def _holds_one(follow: _Follow, name: str, schema: Any, deep: int) -> bool:
    if not isinstance(schema, dict) or not deep:
        return False
    if identifies(follow, name, schema):
        return True
    inner = [schema, follow(schema.get("items"))]
    return any(
        _holds_one(follow, inner_name, schema_inside, deep - 1)
        for part in inner
        if isinstance(part, dict)
        for inner_name, schema_inside in _properties(follow, part)
    )
