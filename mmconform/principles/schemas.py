"""What the document says of the shape of requests and answers: which properties they list."""

from typing import Any

from mmconform.contract.clause import Contract, Operation
from mmconform.documents.references import resolve


def listed(contract: Contract, operation: Operation) -> frozenset[str]:
    """Return the properties that the request of an operation lists; none where it is no JSON object, or lists nothing."""
    body = operation.body
    return frozenset(properties(contract, body.schema)) if body and body.is_json else frozenset()


def properties(contract: Contract, schema: Any) -> dict[str, Any]:
    """Return the properties of an object with their schemas, those of its parts too."""
    schema = followed(contract, schema)
    parts = [part for name in ("allOf", "anyOf", "oneOf") for part in schema.get(name) or ()]
    found = {name: value for part in parts for name, value in properties(contract, part).items()}
    return found | {name: followed(contract, value) for name, value in (schema.get("properties") or {}).items()}


def followed(contract: Contract, schema: Any) -> dict[str, Any]:
    """Return a schema itself where a reference to it stands; nothing for what is none."""
    while isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        schema = resolve({"components": contract.components}, schema["$ref"])
    return schema if isinstance(schema, dict) else {}


def answered(operation: Operation) -> Any:
    """Return the schema of the JSON with which an operation serves; None where none is declared."""
    answers = (operation.answers[status] for status in ("200", "201") if status in operation.answers)
    return next((answer.content.get("application/json") for answer in answers), None)
