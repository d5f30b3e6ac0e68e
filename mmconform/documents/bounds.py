"""What would take for ever is found before it begins, by counting: the same document is judged the same on every machine.

A few lines of schema can stand for billions of steps: eight levels of ten `allOf`, a text of at least 10^9 characters.
Where an answer or a request cannot be held against its schema, nothing is known about it; where requests cannot be
generated from it, none are. Either is said of that operation alone.
"""

from collections.abc import Iterator
from typing import Any

from mmconform.documents.document import Document, Repair
from mmconform.documents.references import resolve
from mmconform.documents.validate import applied
from mmconform.documents.walk import Place, schemas, schemas_in

#: Schemas that one value may be held against at once. (The most in an official description: 8.)
MAX_APPLIED = 2_000
#: Schemas, with the values of an enumeration, that an operation's requests may unfold to. (The most there: 231.)
MAX_UNFOLDED = 1_000
#: What a generated text, list or object must have at least.
MAX_LENGTH = 10_000

_LENGTHS = ("minLength", "minItems", "minProperties", "minContains")


def bound(document: Document) -> None:
    """Take away what cannot be judged, and mark with `x-not-generated`, and the reason, what cannot be generated."""
    sizes = _Sizes(document.data)
    excessive = {id(p.node): p for p in schemas(document.data) if sizes.applied(p.node) > MAX_APPLIED}
    for path, method, operation in document.operations():
        roots = list(_roots(document.data, path, operation))
        reason = next((r for place, is_asked in roots if is_asked and (r := sizes.reason(place.node))), "")
        for place, is_asked in roots:
            if excessive and sizes.reaches(place.node, excessive):
                place.container[place.key] = {}
                at = ("paths", path, method)
                what = f"a schema of {method} {path} is held against one value in more than {MAX_APPLIED:,} ways"
                document.repairs.append(Repair(*document.place(*at), what, "any value is accepted"))
                reason = reason or (what if is_asked else "")
        if reason:
            operation["x-not-generated"] = reason


def _roots(data: dict[str, Any], path: str, operation: dict[str, Any]) -> Iterator[tuple[Place, bool]]:
    """Yield the schemas of an operation, and whether each is about what is asked."""
    parameters = [*(operation.get("parameters") or []), *(data["paths"][path].get("parameters") or [])]
    asked = [*parameters, operation.get("requestBody")]
    for part, is_asked in [
        *((body, True) for body in asked),
        *((response, False) for response in (operation.get("responses") or {}).values()),
    ]:
        whole = resolve(data, part["$ref"]) if isinstance(part, dict) and isinstance(part.get("$ref"), str) else part
        if isinstance(whole, dict):
            for holder in [whole, *(whole.get("content") or {}).values()]:
                if isinstance(holder, dict) and isinstance(holder.get("schema"), dict):
                    yield Place((), holder["schema"], holder, "schema", True, ""), is_asked


class _Sizes:
    """Counts, following references."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self._applied: dict[int, int] = {}

    def applied(self, schema: dict[str, Any]) -> int:
        """Return how many schemas a value is held against by way of this one; validation has seen that it ends."""
        todo = [schema]
        while todo:
            below = applied(self.data, todo[-1])
            missing = [inner for inner in below if id(inner) not in self._applied]
            if missing:
                todo += missing
            else:
                self._applied[id(todo.pop())] = 1 + sum(self._applied[id(inner)] for inner in below)
        return self._applied[id(schema)]

    def reaches(self, schema: dict[str, Any], excessive: dict[int, Place]) -> bool:
        seen: dict[int, dict[str, Any]] = {}
        todo = [schema]
        while todo:
            node = todo.pop()
            if id(node) in excessive:
                return True
            if id(node) not in seen:
                seen[id(node)] = node
                todo += self._below(node)
        return False

    def _below(self, schema: dict[str, Any]) -> list[dict[str, Any]]:
        below = [place.node for place in schemas_in(schema)]
        target = resolve(self.data, schema["$ref"]) if isinstance(schema.get("$ref"), str) else None
        return [*below, target] if isinstance(target, dict) else below

    def reason(self, schema: dict[str, Any]) -> str:
        """Return why requests cannot be generated from a schema, or nothing."""
        count = 0
        todo: list[tuple[dict[str, Any], frozenset[int]]] = [(schema, frozenset())]
        while todo:
            node, around = todo.pop()
            count += 1 + (len(node["enum"]) if isinstance(node.get("enum"), list) else 0)
            if count > MAX_UNFOLDED:
                return f"the schemas of its requests unfold to more than {MAX_UNFOLDED:,}"
            for key in _LENGTHS:
                if isinstance(node.get(key), (int, float)) and node[key] > MAX_LENGTH:
                    return f"`{key}` of {node[key]:,} is more than the {MAX_LENGTH:,} that are generated"
            if id(node) not in around:
                todo += [(inner, around | {id(node)}) for inner in self._below(node)]
        return ""
