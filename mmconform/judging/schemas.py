"""JSON Schema: in what a request or an answer breaks the document."""

import json
import re
from typing import Any
from weakref import WeakKeyDictionary

from mmconform.contract.clause import Contract, Operation, Parameter
from mmconform.json_schema import Draft202012Validator, Glance
from mmconform.wire.exchange import Exchange


class _Schemas:
    """What the schemas of one contract are compiled to, each once: they are told apart by identity, not by their text."""

    def __init__(self, contract: Contract) -> None:
        self.components = contract.components
        self.names = _property_names(contract.components)
        self._compiled: dict[int, tuple[Any, Glance, Draft202012Validator, set[str]]] = {}

    def of(self, schema: Any) -> tuple[Glance, Draft202012Validator, set[str]]:
        """Return two validators, and the property names that only the schema itself speaks of."""
        known = self._compiled.get(id(schema))
        if known is None:
            whole = {**schema, "components": self.components} if isinstance(schema, dict) else schema
            # The schema is kept with it, since the identity of what is gone may be given to something else.
            own_names = _property_names(schema) - self.names
            known = self._compiled[id(schema)] = (schema, Glance(whole), Draft202012Validator(whole), own_names)
        return known[1:]


_schemas: "WeakKeyDictionary[Contract, _Schemas]" = WeakKeyDictionary()


def mismatches(contract: Contract, schema: Any, value: Any) -> list[str]:
    """Return what in a JSON value breaks a schema, worst place first: ``items/token: is a required property``.

    Ids and values are left out, so that the same flaw reads the same in every answer.
    """
    schemas = _schemas.get(contract) or _schemas.setdefault(contract, _Schemas(contract))
    glance, validator, own_names = schemas.of(schema)
    if glance.is_valid(value):
        return []
    found = set()
    for error in validator.iter_errors(value):
        parts = (
            "items" if isinstance(part, int) else part if part in schemas.names or part in own_names else "*"
            for part in error.absolute_path
        )
        place = "/".join(parts) or "the body"
        wanted = json.dumps(error.validator_value) if error.validator in ("type", "pattern", "enum", "const") else ""
        if error.validator == "required":
            wanted = ", ".join(name for name in error.validator_value if name not in error.instance)
        found.add(f"{place}: {error.validator} {wanted}".strip())
    return sorted(found)


def _property_names(node: Any) -> set[str]:
    """Return every property name that a schema declares; a sender may have made up others."""
    if isinstance(node, list):
        return set().union(*(_property_names(child) for child in node))
    if not isinstance(node, dict):
        return set()
    own = set(node["properties"]) if isinstance(node.get("properties"), dict) else set()
    return own.union(*(_property_names(child) for child in node.values()))


def violations(contract: Contract, operation: Operation, exchange: Exchange, *, skips_body: bool = False) -> list[str]:
    """Return in what a request, as it was sent, breaks the operation's parameters and body."""
    found = []
    sent = exchange.query
    for parameter in operation.parameters:
        if parameter.place == "query":
            values = [value for name, value in sent if name == parameter.name]
            if not values and parameter.required:
                found.append(f"query {parameter.name}: missing")
            # Of a repeated parameter the first counts (net/url of the server); the others say nothing.
            found += [f"query {parameter.name}: {flaw}" for flaw in _flaws(contract, parameter, values[:1])]
        elif parameter.place == "path":
            found += [
                f"path {parameter.name}: {flaw}"
                for flaw in _flaws(contract, parameter, _segment(contract, operation, exchange, parameter))
            ]
    if operation.body and not skips_body:
        found += _body_flaws(contract, operation, exchange)
    return found


def _segment(contract: Contract, operation: Operation, exchange: Exchange, parameter: Parameter) -> list[str]:
    template = operation.path.strip("/").split("/")
    sent = exchange.path[len(contract.base) :].strip("/").split("/")
    if len(template) != len(sent):
        return [""]
    return [value for name, value in zip(template, sent, strict=True) if name == f"{{{parameter.name}}}"]


def _flaws(contract: Contract, parameter: Parameter, values: list[str]) -> list[str]:
    return [
        flaw.removeprefix("the body: ")
        for text in values
        for flaw in mismatches(contract, parameter.schema, _typed(text, parameter.schema))
    ]


def _typed(text: str, schema: dict[str, Any]) -> Any:
    """Read a parameter's text as the type that its schema declares, or leave it a text."""
    kind = schema.get("type")
    if kind in ("integer", "number") and re.fullmatch(r"-?[0-9]{1,300}(\.[0-9]+)?", text):
        return float(text) if "." in text else int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _body_flaws(contract: Contract, operation: Operation, exchange: Exchange) -> list[str]:
    body = operation.body
    assert body is not None
    if not exchange.body:
        return ["body: missing"] if body.required else []
    media = next((v for k, v in exchange.headers.items() if k.lower() == "content-type"), "application/json")
    if "json" not in media or not body.is_json:
        return []
    try:
        value = json.loads(exchange.body)
    except (ValueError, RecursionError):
        return ["body: not JSON"]
    return [f"body {flaw}" for flaw in mismatches(contract, body.schema, value)]
