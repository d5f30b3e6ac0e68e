"""Many source documents, one valid OpenAPI 3.1 document."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmconform.documents.document import METHODS, Document, Origin, Repair, base_path
from mmconform.documents.reader import Pointer, Source, read
from mmconform.documents.upgrade import Upgrade, slug
from mmconform.errors import DocumentError, MisuseError

#: What is said where a description is missed: the official one is nobody's to copy into this repository.
WHERE_OFFICIAL = "how to get the official description: docs/whole-api.md#get-the-description"
_ENDINGS = (".yaml", ".yml", ".json", ".txt")


def read_sources(paths: Sequence[Path], relative_to: Path | None = None) -> list[Source]:
    """Read every document in the given files and folders, files of a folder in order of name.

    Raises:
        MisuseError: nothing is there, or a file cannot be read.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(f for f in path.rglob("*") if f.is_file() and f.suffix in _ENDINGS)
            for file in found:
                if not file.resolve().is_relative_to(path.resolve()):
                    raise MisuseError(f"{file}: leads out of the folder; only what is in it is read")
            if not found:
                raise MisuseError(f"{path}: holds no OpenAPI document ({', '.join(_ENDINGS)})")
            files += found
        elif path.is_file():
            files.append(path)
        elif path.exists():
            raise MisuseError(f"{path}: is neither a file nor a folder")
        else:
            raise MisuseError(f"{path}: no such file or folder; {WHERE_OFFICIAL}")

    def name(file: Path) -> str:
        if relative_to and file.resolve().is_relative_to(relative_to.resolve()):
            return str(file.resolve().relative_to(relative_to.resolve()))
        return str(file)

    return [source for file in files for source in read(file, name(file))]


def merge(sources: Iterable[Source], preferred: Mapping[Pointer, str] | None = None) -> Document:
    """Merge the sources, in order, into one document.

    Args:
        sources: Swagger 2.0 or OpenAPI 3.x documents.
        preferred: For an operation (pointer) that two sources describe differently, the file to believe.

    Raises:
        DocumentError: no OpenAPI, two base paths, or an operation or component described in two ways.
    """
    upgrades = [Upgrade(source) for source in sources]
    first = upgrades[0]
    document = Document({"openapi": "3.1.0", "info": first.data["info"]})
    data = document.data
    _servers(upgrades, data)
    for upgrade in upgrades:
        document.repairs += upgrade.repairs
        document.places |= upgrade.places
        for key, value in upgrade.data.items():
            if key in ("openapi", "info", "servers", "paths", "components"):
                continue
            if key in data and data[key] != value:
                origin = upgrade.origin(key)
                document.repairs.append(Repair(origin.file, origin.line, f"`{key}` differs from the first source's", "left out"))
            data.setdefault(key, value)
        _components(document, upgrade)
        for path, item in upgrade.data["paths"].items():
            merged = data.setdefault("paths", {}).setdefault(path, {})
            for key, value in item.items():
                pointer = ("paths", path, key)
                _put(document, merged, key, value, pointer, upgrade.origin(*pointer), dict(preferred or {}))
    _names(document)
    _tags(document)
    document.repairs.sort()
    for path, method, operation in document.operations():
        operation["x-origin"] = [str(origin) for origin in document.origins["paths", path, method]]
    return document


def _names(document: Document) -> None:
    """Give an operation another name when its own is that of an earlier one: a name has to mean one operation."""
    seen: dict[str, str] = {}
    for path, method, operation in document.operations():
        name, where = operation["operationId"], f"{method} {path}"
        if name in seen:
            operation["operationId"] = slug(method, path)
            origin = document.origins["paths", path, method][0]
            what = f"`{name}` names both {seen[name]} and {where}"
            document.repairs.append(Repair(origin.file, origin.line, what, f"the latter is called `{slug(method, path)}`"))
        seen.setdefault(operation["operationId"], where)


def _tags(document: Document) -> None:
    """Write tags that differ in case alone as most operations do: readers group by them, and would see two groups."""
    count = Counter(tag for _, _, operation in document.operations() for tag in operation.get("tags") or ())
    usual: dict[str, str] = {}
    for tag, _ in count.most_common():
        usual.setdefault(tag.casefold(), tag)
    for path, method, operation in document.operations():
        for i, tag in enumerate(operation.get("tags") or ()):
            if (written := usual[tag.casefold()]) != tag:
                file, line = document.place("paths", path, method, "tags", str(i))
                what = f"the tag `{tag}` is written `{written}` by other operations"
                document.repairs.append(Repair(file, line, what, f"`{written}`"))
                operation["tags"][i] = written


def _servers(upgrades: list[Upgrade], data: dict[str, Any]) -> None:
    first_base: tuple[str, Origin] | None = None
    for upgrade in upgrades:
        servers = upgrade.data.get("servers") or [{"url": "/"}]
        data.setdefault("servers", servers)
        origin = upgrade.origin("basePath" if "basePath" in upgrade.source.data else "servers")
        try:
            base = base_path(servers)
        except ValueError:
            raise DocumentError(origin.file, origin.line, f"`{servers[0]['url']}` is no address of a server") from None
        if first_base and first_base[0] != base:
            raise DocumentError(
                origin.file,
                origin.line,
                f"its base path is `{base or '/'}`, but that of {first_base[1]} is `{first_base[0] or '/'}`; "
                "documents of one API share one base path",
            )
        first_base = first_base or (base, origin)


def _components(document: Document, upgrade: Upgrade) -> None:
    for section, entries in (upgrade.data.get("components") or {}).items():
        merged = document.data.setdefault("components", {}).setdefault(section, {})
        for name, value in entries.items():
            old_section = {"schemas": "definitions", "securitySchemes": "securityDefinitions"}.get(section, section)
            at = (old_section, name) if upgrade.version == "2.0" else ("components", section, name)
            _put(document, merged, name, value, ("components", section, name), upgrade.origin(*at), {})


def _put(
    document: Document,
    into: dict[str, Any],
    key: str,
    value: Any,
    pointer: Pointer,
    origin: Origin,
    preferred: dict[Pointer, str],
) -> None:
    """Put a part in its place; the same part again is a note, another part in its place an error."""
    origins = document.origins.setdefault(pointer, [])
    is_operation = pointer[0] == "paths" and key in METHODS
    name = f"{key} {pointer[1]}" if is_operation else f"`{'/'.join(pointer[1:])}`"
    if key not in into:
        into[key] = value
    elif into[key] == value:
        what = f"{name} stands in {origins[0]} too, and is equal"
        document.repairs.append(Repair(origin.file, origin.line, what, "merged into one", "note"))
    elif pointer in preferred:
        if preferred[pointer] in (origin.file, Path(origin.file).name):
            into[key] = value
        what = f"{name} stands in {origins[0]} too, and differs"
        document.repairs.append(Repair(origin.file, origin.line, what, f"the overlay chose {preferred[pointer]}"))
    else:
        raise DocumentError(
            origin.file,
            origin.line,
            f"{name} contradicts {origins[0]} (they differ in {_difference(into[key], value)}); "
            "remove one, or let an overlay decide with `x-prefer`",
        )
    origins.append(origin)


def _difference(node: Any, other: Any) -> str:
    if isinstance(node, dict) and isinstance(other, dict):
        keys = [key for key in {**node, **other} if node.get(key) != other.get(key)]
        return ", ".join(f"`{key}`" for key in keys[:4])
    return "their values"
