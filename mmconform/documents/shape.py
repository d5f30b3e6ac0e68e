"""What an OpenAPI document has to look like for anything to be read from it: where mappings, lists and texts stand.

Sources may be dirty, and much is mended later; but where a mapping should be and a number is, nothing can be.
A shape is a type, ``[shape]`` for a list, ``{"key": shape}`` for a mapping (``*`` for every other key), or ``_schema``,
which stands for the shape of a schema within that of one.
"""

from collections.abc import Iterator
from typing import Any

from mmconform.documents.document import METHODS
from mmconform.documents.reader import Pointer, Source
from mmconform.errors import DocumentError

Shape = Any
_NAMES: dict[Any, str] = {dict: "mapping", list: "list", str: "text"}


#: Stands for the shape of a schema, within that of a schema.
_schema: Any = object()
_REFERENCE: Shape = {"$ref": str}
_SCHEMA: Shape = _REFERENCE | {
    "properties": {"*": _schema},
    **dict.fromkeys(("items", "not", "additionalProperties"), _schema),
    "allOf": [_schema],
    "anyOf": [_schema],
    "oneOf": [_schema],
    "enum": list,
}
_MEDIA: Shape = {"schema": _schema}
_PARAMETER: Shape = _REFERENCE | {"name": str, "in": str, "description": str, "schema": _schema, "items": _schema}
_PARAMETER |= {"content": {"*": _MEDIA}}
_RESPONSE: Shape = _REFERENCE | {"description": str, "schema": _schema, "content": {"*": _MEDIA}, "headers": {"*": dict}}
_BODY: Shape = _REFERENCE | {"description": str, "content": {"*": _MEDIA}}
_OPERATION: Shape = {
    **dict.fromkeys(("operationId", "summary", "description"), str),
    "tags": [str],
    "consumes": [str],
    "produces": [str],
    "parameters": [_PARAMETER],
    "requestBody": _BODY,
    "responses": {"*": _RESPONSE},
    "security": [dict],
    "servers": [{"url": str}],
}
_PATH: Shape = _REFERENCE | {"parameters": [_PARAMETER], "servers": [{"url": str}], **dict.fromkeys(METHODS, _OPERATION)}
_KINDS: Shape = {"parameters": {"*": _PARAMETER}, "responses": {"*": _RESPONSE}, "securitySchemes": {"*": dict}}
_KINDS |= {"schemas": {"*": _schema}, "requestBodies": {"*": _BODY}, "headers": {"*": dict}, "examples": {"*": dict}}
_DOCUMENT: Shape = {
    "info": {"title": str, "description": str},
    "paths": {"*": _PATH},
    "components": {**_KINDS, "*": dict},
    "definitions": {"*": _schema},
    "parameters": {"*": _PARAMETER},
    "responses": {"*": _RESPONSE},
    "securityDefinitions": {"*": dict},
    "security": [dict],
    "servers": [{"url": str}],
    "tags": [dict],
    **dict.fromkeys(("host", "basePath"), str),
    "schemes": [str],
    "consumes": [str],
    "produces": [str],
}


def check(source: Source, data: dict[str, Any]) -> None:
    """Check that everything of a source's data stands where it can be read.

    Raises:
        DocumentError: the first that does not; says what should be there.
    """
    for pointer, wanted in _wrong(data, _DOCUMENT, ()):
        raise DocumentError(source.file, source.line_of(*pointer), f"`{'.'.join(pointer)}` is no {wanted}"[:300])


def _wrong(node: Any, shape: Shape, at: Pointer) -> Iterator[tuple[Pointer, str]]:
    if shape is _MEDIA and node is None:
        return  # mended later
    if shape is _schema:
        if isinstance(node, bool):
            return  # any schema may be one
        shape = _SCHEMA
    if node is None and shape is str and at[-1:] != ("$ref",):
        return  # `description:` with nothing behind it
    kind: Any = shape if isinstance(shape, type) else type(shape)
    if not isinstance(node, kind):
        yield at, _NAMES[kind]
    elif isinstance(shape, list):
        for i, child in enumerate(node):
            yield from _wrong(child, shape[0], (*at, str(i)))
    elif isinstance(shape, dict):
        for key, child in node.items():
            inner = shape.get(key, shape.get("*"))
            if inner is not None and not (key.startswith("x-") and "*" in shape):
                yield from _wrong(child, inner, (*at, key))
