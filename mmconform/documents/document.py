"""A merged API description, and where each part of it comes from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mmconform.documents.reader import Pointer, Source

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True, order=True)
class Repair:
    """One thing in a source that was not as OpenAPI wants it, and what was made of it.

    ``kind`` is ``repair`` (the source breaks the standard or contradicts itself) or ``note`` (it is sound, but the
    reader should know).
    """

    file: str
    line: int
    what: str
    done: str
    kind: str = "repair"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind}: {self.what}; {self.done}"


@dataclass(frozen=True)
class Origin:
    """A place in a source document."""

    source: Source
    pointer: Pointer

    @property
    def file(self) -> str:
        return self.source.file

    @property
    def line(self) -> int:
        return self.source.line_of(*self.pointer)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Addition:
    """What an overlay action did to one place of the document."""

    file: str
    line: int
    reason: str
    evidence: str


@dataclass
class Document:
    """OpenAPI 3.1 data with its repairs, the sources of each operation and the overlay's additions."""

    data: dict[str, Any]
    repairs: list[Repair] = field(default_factory=list)
    origins: dict[Pointer, list[Origin]] = field(default_factory=dict)
    additions: dict[Pointer, Addition] = field(default_factory=dict)
    #: Where each mapping comes from, by identity; with the mapping, whose identity is its own as long as it is kept.
    places: dict[int, tuple[dict[str, Any], Origin]] = field(default_factory=dict)

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield (path, method in lower case, operation object) in document order."""
        yield from operations_of(self.data)

    def addition(self, *pointer: str) -> Addition | None:
        """Return the overlay's addition that made the value at the pointer, or a parent of it."""
        for end in range(len(pointer), 0, -1):
            found = self.additions.get(pointer[:end])
            if found is not None:
                return found
        return None

    def place(self, *pointer: str) -> tuple[str, int]:
        """Return the file and line that a part of the document comes from: of the overlay where that made it."""
        added = self.addition(*pointer)
        if added:
            return added.file, added.line
        found: tuple[Origin, Pointer] | None = None
        node: Any = self.data
        for depth, key in enumerate(pointer, 1):
            node = node[int(key)] if isinstance(node, list) else node.get(key) if isinstance(node, dict) else None
            origins = self.origins.get(pointer[:depth])
            if origins and (id(node) not in self.places):
                found = origins[0], pointer[depth:]
            elif id(node) in self.places:
                found = self.places[id(node)][1], pointer[depth:]
        if found is None:
            return "the merged document", 0
        origin, below = found
        return origin.file, origin.source.line_of(*origin.pointer, *below)


def parameter_names(path: str) -> list[str]:
    """Return the names in the curly brackets of a path."""
    return re.findall(r"{([^{}]+)}", path)


def base_path(servers: Any) -> str:
    """Return the path in the address of the first server, without a slash at the end; variables as they are by default."""
    first = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], dict) else {}
    url = str(first.get("url", "/"))
    for name, variable in (first.get("variables") or {}).items():
        url = url.replace(f"{{{name}}}", str(variable.get("default", "")) if isinstance(variable, dict) else "")
    return urlsplit(url).path.rstrip("/")


def operations_of(data: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (path, method in lower case, operation object) of any OpenAPI or Swagger data."""
    paths = data.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        for method in METHODS:
            if isinstance(item, dict) and isinstance(item.get(method), dict):
                yield path, method, item[method]
