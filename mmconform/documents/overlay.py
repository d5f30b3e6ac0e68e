"""Applies an OpenAPI Overlay (1.0) and remembers, for each place it touched, by which action and on what evidence."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonpath_rfc9535 as jsonpath

from mmconform.documents.document import Addition, Document, Repair
from mmconform.documents.reader import Pointer, Source
from mmconform.errors import DocumentError


@dataclass(frozen=True)
class Action:
    """One action: where it applies (JSONPath, RFC 9535), what it does, why, and from what evidence."""

    file: str
    line: int
    target: str
    update: Any
    remove: bool
    reason: str
    evidence: str


def actions_of(source: Source) -> list[Action]:
    """Return the actions of an overlay document.

    Raises:
        DocumentError: no overlay, an action without target, without reason or evidence, or with neither
            ``update`` nor ``remove``.
    """
    data = source.data
    if not isinstance(data, dict) or not str(data.get("overlay", "")).startswith("1."):
        raise DocumentError(source.file, source.line, "is not an OpenAPI Overlay: it does not begin with `overlay: 1.0.0`")
    if not isinstance(data.get("actions"), list) or not data["actions"]:
        raise DocumentError(source.file, source.line_of("actions"), "holds no `actions`")
    actions = []
    for i, action in enumerate(data["actions"]):
        line = source.line_of("actions", str(i))
        if not isinstance(action, dict) or not isinstance(action.get("target"), str):
            raise DocumentError(source.file, line, "the action has no `target`")
        for key in ("description", "x-evidence"):
            if not action.get(key):
                raise DocumentError(source.file, line, f"the action on {action['target']} has no `{key}`")
        if ("update" in action) == (action.get("remove") is True):
            raise DocumentError(source.file, line, f"the action on {action['target']} needs either `update` or `remove: true`")
        actions.append(
            Action(
                source.file,
                line,
                action["target"],
                action.get("update"),
                action.get("remove") is True,
                str(action["description"]),
                str(action["x-evidence"]),
            )
        )
    return actions


def preferences(source: Source) -> Mapping[Pointer, str]:
    """Return what the overlay's ``x-prefer`` says: for an operation (pointer), the source file to believe."""
    chosen: dict[Pointer, str] = {}
    for i, entry in enumerate(source.data.get("x-prefer") or [] if isinstance(source.data, dict) else []):
        parts = str(entry.get("operation", "")).split(" ") if isinstance(entry, dict) else []
        if len(parts) != 2 or not entry.get("source"):
            line = source.line_of("x-prefer", str(i))
            raise DocumentError(source.file, line, "an `x-prefer` entry needs `operation: put /path` and `source: file`")
        chosen["paths", parts[1], parts[0].lower()] = str(entry["source"])
    return chosen


def apply(document: Document, actions: list[Action]) -> list[int]:
    """Apply the actions in order, in place. Return how many places each one changed.

    Raises:
        DocumentError: a target that is no JSONPath.
    """
    changes: list[int] = []
    for action in actions:
        try:
            nodes = jsonpath.find(action.target, document.data)
        except jsonpath.JSONPathError as error:
            raise DocumentError(action.file, action.line, f"`{action.target}` is no JSONPath: {error}") from None
        count = 0
        places = [tuple(node.location) for node in nodes]
        for place in reversed(places) if action.remove else places:
            if not place and (action.remove or not isinstance(action.update, dict)):
                raise DocumentError(action.file, action.line, "the whole document cannot be removed or replaced")
            known: list[Pointer] = []
            touched = list(
                _remove(document.data, place) if action.remove else _update(document.data, place, action.update, known)
            )
            document.repairs += [_known(action, at) for at in known]
            count += len(touched)
            addition = Addition(action.file, action.line, action.reason, action.evidence)
            document.additions |= dict.fromkeys(touched, addition)
        changes.append(count)
    return changes


def _known(action: Action, at: Pointer) -> Repair:
    what = f"what the action on {action.target} adds to {'/'.join(at)} stands there already"
    return Repair(action.file, action.line, what, "not added again", "note")


def _node(data: Any, location: tuple[Any, ...]) -> Any:
    for part in location:
        data = data[part]
    return data


def _remove(data: Any, location: tuple[Any, ...]) -> Iterator[Pointer]:
    del _node(data, location[:-1])[location[-1]]
    yield tuple(str(part) for part in location)


def _update(data: Any, location: tuple[Any, ...], update: Any, known: list[Pointer]) -> Iterator[Pointer]:
    node = _node(data, location)
    pointer = tuple(str(part) for part in location)
    if isinstance(node, list):
        yield from _append(node, [update], pointer, known)
    elif isinstance(node, dict) and isinstance(update, dict):
        yield from _merge(node, update, pointer, known)
    elif node != update:
        _node(data, location[:-1])[location[-1]] = copy.deepcopy(update)
        yield pointer


def _merge(node: dict[str, Any], update: dict[str, Any], at: Pointer, known: list[Pointer]) -> Iterator[Pointer]:
    for key, value in update.items():
        old = node.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            yield from _merge(old, value, (*at, key), known)
        elif isinstance(old, list) and isinstance(value, list):
            yield from _append(old, value, (*at, key), known)
        elif key not in node or old != value:
            node[key] = copy.deepcopy(value)
            yield (*at, key)


def _append(node: list[Any], items: list[Any], at: Pointer, known: list[Pointer]) -> Iterator[Pointer]:
    """Append what is not there yet: an overlay made for one document has to fit another that says more.

    Of a parameter that is there under the same name and place, only what differs is updated.
    """
    for item in items:
        if item in node:
            known.append((*at, str(node.index(item))))
        elif (same := next((i for i, old in enumerate(node) if _is_same_parameter(old, item)), None)) is not None:
            yield from _merge(node[same], item, (*at, str(same)), known)
        else:
            yield (*at, str(len(node)))
            node.append(copy.deepcopy(item))


def _is_same_parameter(old: Any, new: Any) -> bool:
    if not (isinstance(old, dict) and isinstance(new, dict) and {"name", "in"} <= old.keys() & new.keys()):
        return False
    return (old["name"], old["in"]) == (new["name"], new["in"])
