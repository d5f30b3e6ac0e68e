"""Reads JSON as JSON, and remembers on which line everything stands: as the nodes that YAML is read as, too.

A scanner of YAML 1.1 refuses or misreads much that is JSON (half of a surrogate pair, a key of 1,025 characters, U+007F,
1e+16). Python's own reader keeps no lines, but its parts can be put together to one that does.
"""

import json
import re
from bisect import bisect
from json.decoder import scanstring  # type: ignore[attr-defined]  # as public as the module, and in no stub

import yaml

from mmconform.errors import DocumentError

#: No API description is nested deeper than this; the readers would not survive what is.
MAX_DEPTH = 300

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"true|false|null|NaN|-?Infinity")
_TAGS = {"true": "bool", "false": "bool", "null": "null"}


def json_node(file: str, text: str, must: bool) -> yaml.Node | None:
    """Return what a JSON text holds, or None for one that is no JSON and need not be.

    Args:
        must: Whether it has to be JSON; where it need not, `{a: 1}` is left to a reader of YAML.

    Raises:
        DocumentError: it had to be JSON and is not; or it is, but for a number that JSON has not.
    """
    if not must and text.lstrip()[:1] not in ("{", "["):
        return None
    reader = _Reader(file, text)
    try:
        return reader.whole()
    except json.JSONDecodeError as error:
        if not must:
            return None
        problem = (
            f"broken JSON: {error.msg[:1].lower()}{error.msg[1:]}" if text.strip() else "is empty; expected an OpenAPI document"
        )
        raise DocumentError(file, error.lineno, problem) from None


class _Reader:
    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def whole(self) -> yaml.Node:
        node, end = self._value(self._skip(0), 1)
        end = self._skip(end)
        if end < len(self.text):
            raise json.JSONDecodeError("Extra data", self.text, end)
        return node

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def _mark(self, at: int) -> yaml.Mark:
        return yaml.Mark(self.file, at, bisect(self.starts, at) - 1, 0, None, 0)

    def _value(self, at: int, depth: int) -> tuple[yaml.Node, int]:
        if depth > MAX_DEPTH:
            raise DocumentError(self.file, self._mark(at).line + 1, "is nested too deeply to be an API description")
        match self.text[at : at + 1]:
            case "{":
                return self._object(at, depth)
            case "[":
                return self._array(at, depth)
            case '"':
                return self._string(at)
        if word := _WORD.match(self.text, at):
            if word.group() not in _TAGS:
                raise DocumentError(self.file, self._mark(at).line + 1, f"`{word.group()}` is no number that JSON has")
            return self._scalar(_TAGS[word.group()], word.group(), at, word.end())
        if number := _NUMBER.match(self.text, at):
            kind = "float" if number[1] or number[2] else "int"
            return self._scalar(kind, number.group(), at, number.end())
        raise json.JSONDecodeError("Expecting value", self.text, at)

    def _scalar(self, kind: str, value: str, at: int, end: int, style: str | None = None) -> tuple[yaml.Node, int]:
        mark = self._mark(at)
        return yaml.ScalarNode(f"tag:yaml.org,2002:{kind}", value, mark, mark, style), end

    def _string(self, at: int) -> tuple[yaml.Node, int]:
        value, end = scanstring(self.text, at + 1, True)
        return self._scalar("str", value, at, end, '"')

    def _object(self, at: int, depth: int) -> tuple[yaml.Node, int]:
        pairs: list[tuple[yaml.Node, yaml.Node]] = []
        end = self._skip(at + 1)
        while self.text[end : end + 1] != "}" or pairs:
            if self.text[end : end + 1] != '"':
                raise json.JSONDecodeError("Expecting property name enclosed in double quotes", self.text, end)
            key, end = self._string(end)
            end = self._skip(end)
            if self.text[end : end + 1] != ":":
                raise json.JSONDecodeError("Expecting ':' delimiter", self.text, end)
            value, end = self._value(self._skip(end + 1), depth + 1)
            pairs.append((key, value))
            end = self._skip(end)
            if self.text[end : end + 1] == "}":
                break
            end = self._comma(end)
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, self._mark(at), self._mark(end)), end + 1

    def _array(self, at: int, depth: int) -> tuple[yaml.Node, int]:
        items: list[yaml.Node] = []
        end = self._skip(at + 1)
        while self.text[end : end + 1] != "]" or items:
            item, end = self._value(end, depth + 1)
            items.append(item)
            end = self._skip(end)
            if self.text[end : end + 1] == "]":
                break
            end = self._comma(end)
        return yaml.SequenceNode("tag:yaml.org,2002:seq", items, self._mark(at), self._mark(end)), end + 1

    def _comma(self, at: int) -> int:
        if self.text[at : at + 1] != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", self.text, at)
        return self._skip(at + 1)
