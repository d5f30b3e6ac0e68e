"""What `$ref` means in one source: every reference is brought to the one form `#/…` that everything else follows.

Anchors, `$id`, the file's own name and percent-encoding (RFC 6901, 6) are read. What leads into a place that a reader of
OpenAPI does not look into (a path, an extension) is moved into the components or put where it is wanted. What leads
nowhere is replaced by what says nothing; what leads into another file is refused.
"""

import posixpath
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote, urljoin

from mmconform.documents.json_reader import MAX_DEPTH
from mmconform.documents.reader import Pointer, Source
from mmconform.documents.walk import Place, places, schemas
from mmconform.errors import DocumentError

Report = Callable[[Pointer, str, str], None]

#: Where references may lead without being moved.
_HOMES = {"2.0": ("definitions", "parameters", "responses"), "3.0": ("components",), "3.1": ("components",)}
#: What may stand beside the `$ref` of anything but a schema (OpenAPI 3.1.0, 4.8.23).
_BESIDE: dict[str, set[str]] = {"2.0": set(), "3.0": set(), "3.1": {"summary", "description"}}
#: What a component may be called.
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def parts_of(reference: str) -> list[str]:
    """Return the keys that a reference `#/…` names, decoded."""
    return [part.replace("~1", "/").replace("~0", "~") for part in unquote(reference[2:]).split("/")]


def reference_to(pointer: Pointer) -> str:
    """Return the reference to a place of the document."""
    return "#/" + "/".join(quote(part.replace("~", "~0").replace("/", "~1"), safe="~!$&'()*+,;=:@") for part in pointer)


def resolve(root: Any, reference: str) -> Any:
    """Return what a reference `#/…` leads to, or None."""
    node = root
    for part in parts_of(reference):
        if isinstance(node, list) and part.isascii() and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            node = node[part]
        else:
            return None
    return node


def _unused(name: str, taken: dict[str, Any]) -> str:
    return name if name not in taken else next(f"{name}_{n}" for n in range(2, len(taken) + 3) if f"{name}_{n}" not in taken)


class References:
    """Mends the references of one source, in place.

    Args:
        repair: Told of everything that was not as the standard wants it, as (pointer, what, done).

    Raises:
        DocumentError: a reference into another file, or one that leads back to itself.
    """

    def __init__(self, source: Source, version: str, data: dict[str, Any], repair: Report) -> None:
        self.source, self.version, self.data, self.repair = source, version, data, repair
        self.anchors: dict[str, Pointer] = {}
        self.ids: dict[str, Pointer] = {}
        self.moved: dict[str, str] = {}
        self.gone: list[Place] = []
        #: Of components that got another name: where they stand in the source.
        self.renamed: dict[Pointer, Pointer] = {}

    def mend(self) -> None:
        moved = -1
        while moved < len(self.moved):  # what was moved is looked into for the first time
            moved = len(self.moved)
            self._alone()
            if self.version == "3.1":
                self._names()
            for place in places(self.data):
                if isinstance(place.node.get("$ref"), str):
                    self._mend(place)
        for place in self.gone:
            self._leave_out(place)
        self._rename()
        for place in schemas(self.data) if self.ids else ():
            place.node.pop("$id", None)

    def _alone(self) -> None:
        """Take away what stands beside a `$ref`, where the standard says that it is ignored."""
        for place in places(self.data):
            if not isinstance(place.node.get("$ref"), str) or (place.is_schema and self.version == "3.1"):
                continue
            beside = [key for key in place.node if key != "$ref" and key not in _BESIDE[self.version]]
            for key in beside:
                del place.node[key]
            if beside:
                names = ", ".join(f"`{key}`" for key in beside)
                self.repair((*place.at, "$ref"), f"{names} beside `$ref` says nothing in OpenAPI {self.version}", "left out")

    def _names(self) -> None:
        """Note which schemas have a name of their own, and read a dynamic reference as a plain one."""
        around: Pointer = ("nowhere",)
        for place in schemas(self.data):
            node = place.node
            for key in ("$anchor", "$dynamicAnchor"):
                if isinstance(node.get(key), str):
                    self.anchors.setdefault(node[key], place.at)
            if isinstance(node.get("$id"), str):
                self.ids.setdefault(node["$id"], place.at)
            if node.pop("$recursiveAnchor", None) is True:
                around = place.at
            if node.get("$recursiveRef") == "#" and "$ref" not in node and around == place.at[: len(around)]:
                del node["$recursiveRef"]
                node["$ref"] = reference_to(around)
                self.repair((*place.at, "$recursiveRef"), "`$recursiveRef` is of an earlier draft", "read as `$ref`")
            if isinstance(node.get("$dynamicRef"), str) and "$ref" not in node:
                node["$ref"] = node.pop("$dynamicRef")
                self.repair((*place.at, "$dynamicRef"), "`$dynamicRef` can lead to several places", "read as `$ref`")

    def _mend(self, place: Place) -> None:
        node = place.node
        if len(place.at) > MAX_DEPTH:
            raise self._refused(place, f"`{node['$ref']}` leads back to itself")
        reference = self._plain(place, node["$ref"])
        target = resolve(self.data, reference) if reference else None
        if not isinstance(target, dict) and not (place.is_schema and isinstance(target, bool)):
            self._dangling(place)
        elif parts_of(reference)[0] in _HOMES[self.version]:
            node["$ref"] = reference
        elif place.is_schema:
            node["$ref"] = self._at_home(reference, target)
        elif isinstance(target, dict):
            self._put(place, reference, target)

    def _plain(self, place: Place, reference: str) -> str:
        """Return a reference as `#/…`, or an empty text for one that leads nowhere."""
        file, _, fragment = reference.partition("#")
        base = self._resource(place, file)
        if fragment.startswith("/"):
            below = reference_to((*base, *parts_of(f"#{fragment}")))
            return below if resolve(self.data, below) is not None else reference_to(tuple(parts_of(f"#{fragment}")))
        if fragment and self.version == "3.1":
            return reference_to(self.anchors[fragment]) if fragment in self.anchors else ""
        if fragment or not base:
            says = "has no anchors" if fragment else "knows no schema of the whole document"
            raise self._refused(place, f"`{reference}` leads nowhere; OpenAPI {self.version} {says}, write `#/…`")
        return reference_to(base)

    def _resource(self, place: Place, file: str) -> Pointer:
        """Return where the resource begins that a reference names before its `#`: the document, or a schema with an `$id`."""
        around = next((at for at in self.ids.values() if at == place.at[: len(at)]), ())
        if not file:
            return around
        base = next((id_ for id_, at in self.ids.items() if at == around and around), "")
        found = self.ids.get(file, self.ids.get(urljoin(base, file)))
        if found is not None:
            return found
        if posixpath.normpath(unquote(file)) == posixpath.basename(self.source.file.replace("\\", "/")):
            return ()
        raise self._refused(
            place,
            f"`{place.node['$ref']}` points outside the document; bundle it into one file first, "
            "for example with `redocly bundle` or `swagger-cli bundle`",
        )

    def _at_home(self, reference: str, target: Any) -> str:
        """Return a reference to the same schema within the components, where it is put unless it is there already."""
        if reference not in self.moved:
            home = ("definitions",) if self.version == "2.0" else ("components", "schemas")
            schemas_ = self.data
            for key in home:
                schemas_ = schemas_.setdefault(key, {})
            name = _unused("_".join(re.findall(r"[A-Za-z0-9]+", "/".join(parts_of(reference)))) or "schema", schemas_)
            schemas_[name] = target
            self.moved[reference] = reference_to((*home, name))
        return self.moved[reference]

    def _put(self, place: Place, reference: str, target: dict[str, Any]) -> None:
        """Put what a reference leads to in its place."""
        seen = {reference}
        while isinstance(target.get("$ref"), str):
            reference = self._plain(Place(place.at, target, None, None, False, place.parent), target["$ref"])
            following = resolve(self.data, reference) if reference else None
            if reference in seen or not isinstance(following, dict):
                raise self._refused(place, f"`{place.node['$ref']}` leads back to itself, or nowhere")
            seen.add(reference)
            target = following
        place.container[place.key] = target

    def _rename(self) -> None:
        """Give a component another name whose own is none (OpenAPI 3.1.0, 4.8.7)."""
        new: dict[Pointer, Pointer] = {}
        for section in self._sections():
            entries = resolve(self.data, reference_to(section))
            for name in [name for name in entries if not _NAME.fullmatch(name) and not name.startswith("x-")]:
                better = _unused(re.sub(r"[^A-Za-z0-9._-]+", "_", name), entries)
                new[*section, name] = (*section, better)
                self.renamed[*section, better] = (*section, name)
                self.repair((*section, name), f"`{name}` is no name for a component", f"`{better}`")
                for key in list(entries):  # the order stays
                    entries[better if key == name else key] = entries.pop(key)
        for place in places(self.data) if new else ():
            if isinstance(place.node.get("$ref"), str):
                parts = tuple(parts_of(place.node["$ref"]))
                long = next((n for n in (2, 3) if parts[:n] in new), 0)
                place.node["$ref"] = reference_to((*new[parts[:long]], *parts[long:]) if long else parts)

    def _sections(self) -> list[Pointer]:
        if self.version == "2.0":
            return [(key,) for key in _HOMES["2.0"] if isinstance(self.data.get(key), dict)]
        components = self.data.get("components") or {}
        return [("components", key) for key, entries in components.items() if isinstance(entries, dict) and key[:2] != "x-"]

    def _dangling(self, place: Place) -> None:
        what = f"`{place.node['$ref']}` is defined nowhere"
        if place.is_schema:
            place.container[place.key] = {}
            self.repair((*place.at, "$ref"), what, "any value is accepted")
        elif place in self.gone:
            return
        elif place.parent == "responses":
            place.container[place.key] = {"description": ""}
            self.repair((*place.at, "$ref"), what, "nothing is known about the answer")
        else:
            self.gone.append(place)
            self.repair((*place.at, "$ref"), what, "left out")

    def _leave_out(self, place: Place) -> None:
        if isinstance(place.container, list):
            place.container[:] = [item for item in place.container if item is not place.node]
        else:
            del place.container[place.key]

    def _refused(self, place: Place, what: str) -> DocumentError:
        return DocumentError(self.source.file, self.source.line_of(*place.at, "$ref"), what)
