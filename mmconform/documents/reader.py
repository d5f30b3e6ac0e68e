"""Reads YAML and JSON and remembers on which line everything stands.

The only module that parses YAML. It builds plain data from the node graph (YAML 1.2 core types: ``on`` is a word and
a date is a string) and keeps, beside it, the lines of every key, so that a repair or a quoted sentence can say
``file:line``.
"""

import math
import re
from base64 import b64decode
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from mmconform.documents.json_reader import MAX_DEPTH, json_node
from mmconform.errors import DocumentError

Pointer = tuple[str, ...]

#: Aliases are expanded while reading; a document that unfolds to more nodes than this is an attack or a mistake.
MAX_NODES = 1_000_000
#: No API description is larger; what is would take longer than anybody waits.
MAX_BYTES = 8 * 2**20


class _Loader(yaml.CSafeLoader):
    """YAML 1.2 core schema (10.3.2): `on` is a word, a date is a text, 010 is ten and 1e3 a number; and merge keys."""


_CORE = {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    "merge": r"<<",
}
_TAG = "tag:yaml.org,2002:"
_KINDS = {"map": yaml.MappingNode, "seq": yaml.SequenceNode, **dict.fromkeys((*_CORE, "str"), yaml.ScalarNode)}
_Loader.yaml_implicit_resolvers = {None: [(_TAG + name, re.compile(rf"(?:{pattern})\Z")) for name, pattern in _CORE.items()]}


@dataclass(frozen=True)
class _Scalar:
    """Where a scalar begins and ends (the node's own lines, 0-based) and whether it is a block scalar (``|`` or ``>``)."""

    first: int
    last: int
    is_block: bool


@dataclass
class Source:
    """One YAML document: its data, and the line of everything in it."""

    file: str
    text: str
    data: Any
    line: int = 1
    number_keys: list[Pointer] = field(default_factory=list)
    empty_documents: list[int] = field(default_factory=list)
    #: Key, line, line of the first, and whether both say the same; of two different paths the last counts, as for all readers.
    repeated_keys: list[tuple[str, int, int, bool]] = field(default_factory=list)
    _keys: dict[Pointer, int] = field(default_factory=dict)
    _scalars: dict[Pointer, _Scalar] = field(default_factory=dict)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def line_of(self, *pointer: str) -> int:
        """Return the line (from 1) of the key or list item at the pointer, or of its nearest known parent."""
        for end in range(len(pointer), 0, -1):
            found = self._keys.get(pointer[:end])
            if found is not None:
                return found
        return self.line

    def line_within(self, pointer: Pointer, value: str, offset: int) -> int:
        """Return the line on which the character at the offset of a string value stands in the file.

        YAML folds and indents, but it never reorders: the n-th visible character of the value is the n-th visible
        character of the scalar in the file. Exact for block, plain and single-quoted scalars; escapes in a
        double-quoted scalar do not span lines, so its count can only be off within a line.
        """
        scalar = self._scalars.get(pointer)
        if scalar is None:
            return self.line_of(*pointer)
        visible = sum(not c.isspace() for c in value[:offset])
        row = scalar.first + 1 if scalar.is_block else scalar.first
        start = value.split(maxsplit=1)[0] if value.split() else ""
        while row < min(scalar.last + 1, len(self.lines)):
            line = self.lines[row]
            if not scalar.is_block and row == scalar.first:
                line = line[max(line.find(start), 0) :]
            visible -= sum(not c.isspace() for c in line)
            if visible < 0:
                return row + 1
            row += 1
        return scalar.last + 1


def read(path: Path, name: str | None = None, *, binary: bool = False) -> list[Source]:
    """Read every non-empty YAML document of a file.

    Args:
        path: A YAML or JSON file in UTF-8.
        name: How messages call it; the path as given when absent.
        binary: Whether it may hold `!!binary`, which becomes bytes: a cassette may, a description of an API may not.

    Raises:
        DocumentError: unreadable, broken, empty, a key given twice, or aliases that unfold without end.
    """
    file = name or str(path)
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise DocumentError(file, None, f"is larger than {MAX_BYTES // 2**20} MB; no API description is")
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise DocumentError(file, None, f"cannot be read: {reason}") from None
    if (node := json_node(file, text, must=path.suffix == ".json")) is not None:
        source = Source(file, text, None, node.start_mark.line + 1)
        source.data = _Builder(source, binary).build(node, ())
        return [source]
    sources: list[Source] = []
    empty: list[int] = []
    try:
        _check_depth(file, text)
        for node in yaml.compose_all(text, Loader=_Loader):
            if isinstance(node, yaml.ScalarNode) and not node.value:
                empty.append(node.start_mark.line)
                continue
            _check_aliases(file, node)
            source = Source(file, text, None, node.start_mark.line + 1)
            source.data = _Builder(source, binary).build(node, ())
            sources.append(source)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = (error.problem or "is not valid YAML").replace("\n", " ")
        raise DocumentError(file, mark.line + 1 if mark else None, f"broken YAML: {problem}") from None
    except yaml.YAMLError as error:
        raise DocumentError(file, None, f"broken YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise DocumentError(file, None, "is nested too deeply to be an API description") from None
    if not sources:
        raise DocumentError(file, 1, "is empty; expected an OpenAPI document")
    sources[-1].empty_documents = [min(line + 1, len(text.splitlines())) for line in empty]
    return sources


def _check_depth(file: str, text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise DocumentError(file, _line(event) or 1, "is nested too deeply to be an API description")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_aliases(file: str, root: yaml.Node) -> None:
    """Count what the aliases unfold to before they do: each node once."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) not in sizes:
            sizes[id(node)] = 1  # for one that contains itself, which is refused later
            children = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
            sizes[id(node)] = 1 + sum(size(child) for child in children)
        if sizes[id(node)] > MAX_NODES:
            raise DocumentError(file, node.start_mark.line + 1, "its aliases unfold to too many values")
        return sizes[id(node)]

    size(root)


def _line(event: yaml.Event) -> int | None:
    return event.start_mark.line + 1 if event.start_mark else None


_BOOLEANS = {"true": True, "false": False}
_INFINITE = re.compile(r"\.(inf|nan)", re.IGNORECASE)


class _Builder:
    """Turns YAML nodes into plain data, filling the lines of one source."""

    def __init__(self, source: Source, binary: bool) -> None:
        self.kinds = _KINDS | ({"binary": yaml.ScalarNode} if binary else {})
        self.source = source
        self.open: set[int] = set()

    def build(self, node: yaml.Node, at: Pointer) -> Any:
        if node.tag != "!" and not isinstance(node, self.kinds.get(node.tag.removeprefix(_TAG), ())):
            problem = f"the tag `{node.tag.replace(_TAG, '!!')}` is not read; write what it stands for"
            raise DocumentError(self.source.file, node.start_mark.line + 1, problem)
        if isinstance(node, yaml.ScalarNode):
            self.source._scalars[at] = _Scalar(node.start_mark.line, node.end_mark.line, node.style in ("|", ">"))
            return self._scalar(node)
        if id(node) in self.open:
            raise DocumentError(self.source.file, node.start_mark.line + 1, "an alias contains itself")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self._item(child, (*at, str(i))) for i, child in enumerate(node.value)]
            assert isinstance(node, yaml.MappingNode)
            return self._mapping(node, at)
        finally:
            self.open.discard(id(node))

    def _item(self, node: yaml.Node, at: Pointer) -> Any:
        self.source._keys[at] = node.start_mark.line + 1
        return self.build(node, at)

    def _mapping(self, node: yaml.MappingNode, at: Pointer) -> dict[str, Any]:
        """Build a mapping; a key given twice has to say the same both times.

        But for paths: of two the last is taken, as other readers of YAML do, and the repair is listed.
        """
        built: dict[str, Any] = {}
        merged = [value for key, value in node.value if key.tag == f"{_TAG}merge"]
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise DocumentError(self.source.file, line, "a key is not a plain word")
            if key.tag == f"{_TAG}merge":
                continue
            where = (*at, key.value)
            if key.value in built:
                first = self.source.line_of(*where)
                is_equal = self.build(value, (*where, "again")) == built[key.value]
                if not is_equal and at != ("paths",):
                    raise DocumentError(
                        self.source.file, line, f"the key `{key.value}` is given twice, and not as on line {first}"
                    )
                self.source.repeated_keys.append((key.value, line, first, is_equal))
                if is_equal:
                    continue
            self.source._keys[where] = line
            if key.tag != "tag:yaml.org,2002:str":
                self.source.number_keys.append(where)
            built[key.value] = self.build(value, where)
        for value in merged:
            self._merge(value, at, built)
        return built

    def _merge(self, node: yaml.Node, at: Pointer, into: dict[str, Any]) -> None:
        """Put in what a merge key (`<<: *common`) adds; what stands beside it, or in an earlier mapping, counts before it."""
        for part in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(part, yaml.MappingNode):
                raise DocumentError(self.source.file, part.start_mark.line + 1, "`<<` merges mappings, and this is none")
            lines = dict(self.source._keys)
            for key, value in self.build(part, at).items():
                if key in into:
                    self.source._keys[*at, key] = lines[*at, key]
                into.setdefault(key, value)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        value = node.value
        try:
            match node.tag.removeprefix(_TAG):
                case "null":
                    return None
                case "bool":
                    return _BOOLEANS[value.lower()]
                case "int":
                    return int(value, 0 if value[:2] in ("0o", "0x") else 10)
                case "binary":
                    return b64decode(value)
                case "float":
                    return self._float(node)
                case _:
                    return value
        except (KeyError, ValueError):
            raise DocumentError(self.source.file, node.start_mark.line + 1, f"`{value[:40]}` is no `{node.tag}`") from None

    def _float(self, node: yaml.ScalarNode) -> float:
        """Return a number; JSON, in which all this is sent, has no other than finite ones."""
        number = float(_INFINITE.sub(r"\1", node.value))
        if not math.isfinite(number):
            raise DocumentError(self.source.file, node.start_mark.line + 1, f"`{node.value[:40]}` is no number that JSON has")
        return int(number) if "." not in node.value and number.is_integer() and abs(number) < 2**53 else number


def dump(data: Any) -> str:
    """Return YAML as a person would write it: insertion order, blocks for long text, no aliases."""
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)
