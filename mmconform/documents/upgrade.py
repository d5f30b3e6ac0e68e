"""One source document, of any OpenAPI version, as OpenAPI 3.1.

Swagger 2.0 and OpenAPI 3.0 are brought to 3.1 because its schemas are plain JSON Schema: what generates requests and
what judges answers then read the same words the same way. No maintained offline converter for Python exists
(tooling-facts.md A2), hence this one. Whatever the source gets wrong on the way is repaired and listed.
"""

import copy
import re
from typing import Any

from mmconform.documents import shape
from mmconform.documents.document import METHODS, Origin, Repair, operations_of, parameter_names
from mmconform.documents.flaws import mend_operation, mend_schemas, mend_texts
from mmconform.documents.reader import Pointer, Source
from mmconform.documents.references import References, parts_of, resolve
from mmconform.documents.walk import places, schemas
from mmconform.errors import DocumentError

_SCHEMA_KEYS = (
    *("type", "format", "items", "default", "enum", "pattern", "multipleOf", "minLength", "maxLength"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "uniqueItems"),
)
_LONGEST_OPERATION_ID = 64
_COMPONENTS = {"definitions": "schemas", "parameters": "parameters", "responses": "responses"}


def version_of(source: Source) -> str:
    """Return ``2.0``, ``3.0`` or ``3.1``.

    Raises:
        DocumentError: the source is no OpenAPI document, or of a version that is not known here.
    """
    data = source.data
    if isinstance(data, dict):
        if str(data.get("swagger")) == "2.0":
            return "2.0"
        found = re.match(r"3\.[01](?=\.|$)", str(data.get("openapi", "")))
        if found:
            return found.group()
        for key in ("swagger", "openapi"):
            if key in data:
                raise DocumentError(
                    source.file,
                    source.line_of(key),
                    f"`{key}: {data[key]}` is not supported; give Swagger 2.0, OpenAPI 3.0 or 3.1",
                )
    raise DocumentError(source.file, source.line, "is not an OpenAPI document: it has neither `swagger` nor `openapi`")


class Upgrade:
    """Upgrades one source; afterwards ``data`` is OpenAPI 3.1 and ``repairs`` says what had to be mended."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.version = version_of(source)
        self.repairs: list[Repair] = []
        self._moved: dict[Pointer, Pointer] = {}
        data = copy.deepcopy(source.data)
        self._paths(data)
        shape.check(source, data)
        #: Every mapping of the source, by identity: where it stands, whatever becomes of what is around it.
        self.places = {id(place.node): (place.node, self.origin(*place.at)) for place in places(data)}
        for line in source.empty_documents:
            self.repairs.append(Repair(source.file, line, "an empty second document after `---`", "left out"))
        for key, line, first, is_equal in source.repeated_keys:
            what = f"`{key}` stands on line {first} too, and {'is equal' if is_equal else 'differs'}"
            self.repairs.append(Repair(source.file, line, what, "kept once" if is_equal else "this one is taken"))
        for pointer in source.number_keys:
            self._note(pointer, f"the key {pointer[-1]} is a number", "read as text")
        for flaw in mend_texts(data):
            self._repair(*flaw)
        references = References(source, self.version, data, self._repair)
        references.mend()
        self._moved |= references.renamed
        for flaw in mend_schemas(data):
            self._repair(*flaw)
        self._info(data)
        for path, method, operation in operations_of(data):
            self._operation(data, path, method, operation)
        self.data = self._from_swagger(data) if self.version == "2.0" else data
        if self.version != "3.1":
            _modern_schemas(self.data)
        self.data["openapi"] = "3.1.0"

    def origin(self, *pointer: str) -> Origin:
        """Return where a part of the data came from."""
        for long in (3, 2):
            if pointer[:long] in self._moved:
                return Origin(self.source, (*self._moved[pointer[:long]], *pointer[long:]))
        return Origin(self.source, pointer)

    def _repair(self, pointer: Pointer, what: str, done: str) -> None:
        self.repairs.append(Repair(self.source.file, self.origin(*pointer).line, what, done))

    def _note(self, pointer: Pointer, what: str, done: str) -> None:
        self.repairs.append(Repair(self.source.file, self.origin(*pointer).line, what, done, "note"))

    def _refused(self, pointer: Pointer, what: str) -> DocumentError:
        return DocumentError(self.source.file, self.source.line_of(*pointer), what)

    # -- paths ---------------------------------------------------------------------------------------------------

    def _paths(self, data: dict[str, Any]) -> None:
        """Leave only paths with operations: no extensions, no references, no methods in capitals."""
        paths = data.get("paths")
        if not isinstance(paths, dict) or not paths:
            raise self._refused(("paths",), "describes no operation: `paths` is missing or empty")
        for path in [path for path in paths if path.startswith("x-")]:
            del paths[path]
            self._note(("paths", path), f"`{path}` is an extension and no path", "left out")
        for path, item in paths.items():
            if not path.startswith("/") or not isinstance(item, dict):
                raise self._refused(("paths", path), f"`{path}` is not a path with operations")
            for key in [key for key in item if key not in METHODS and key.lower() in METHODS]:
                self._small(path, item, key)
        for path, item in paths.items():
            if "$ref" in item:
                paths[path] = self._item(data, path, item)

    def _small(self, path: str, item: dict[str, Any], key: str) -> None:
        at = ("paths", path, key)
        if key.lower() in item:
            raise self._refused(at, f"{path} has both `{key}` and `{key.lower()}`; methods are written in small letters")
        self._moved["paths", path, key.lower()] = at
        self._repair(at, f"the method `{key}` of {path} is written in capitals", f"read as `{key.lower()}`")
        for name in list(item):
            item[name.lower() if name == key else name] = item.pop(name)

    def _item(self, data: dict[str, Any], path: str, item: dict[str, Any]) -> dict[str, Any]:
        """Return the operations that a path borrows; its own count before those."""
        at: Pointer = ("paths", path)
        borrowed = item
        seen: list[Any] = []
        while isinstance(borrowed, dict) and "$ref" in borrowed:
            reference = borrowed["$ref"]
            if not isinstance(reference, str) or not reference.startswith("#/") or reference in seen:
                says = (
                    "leads back to itself" if reference in seen else "points outside the document; bundle it into one file first"
                )
                raise self._refused((*at, "$ref"), f"`{reference}` {says}")
            seen.append(reference)
            borrowed = resolve(data, reference)
        if not isinstance(borrowed, dict):
            self._repair((*at, "$ref"), f"`{seen[-1]}` is defined nowhere", f"{path} has no operations but its own")
            borrowed = {}
        own = {key: value for key, value in item.items() if key != "$ref"}
        for key in own.keys() & borrowed.keys():
            self._repair((*at, key), f"`{key}` of {path} stands in `{seen[-1]}` too", "the path's own is taken")
        for key in borrowed.keys() - own.keys():
            self._moved["paths", path, key] = (*parts_of(seen[-1]), key)
        return {**copy.deepcopy(borrowed), **own}

    # -- what sources get wrong ----------------------------------------------------------------------------------

    def _info(self, data: dict[str, Any]) -> None:
        """Drop an ``info`` that describes an operation instead of the API."""
        info = data.get("info")
        if not isinstance(info, dict):
            self._repair(("info",), "`info` is missing", "a neutral one was put in")
            info = {}
        owners = {
            operation["description"]: (path, method)
            for path, method, operation in operations_of(data)
            if operation.get("description")
        }
        owner = owners.get(info.get("description") or "")
        name = str(data.get("x-collection-name") or "Merged")
        title = info.get("title") or f"{name} API"
        if owner:
            path, method = owner
            self._repair(
                ("info", "description"), f"`info` repeats the description of {method} {path}", "the description is left out"
            )
            del info["description"]
            summary = data["paths"][path][method].get("summary")
            if summary and title.endswith(summary):
                self._repair(("info", "title"), f"the title `{title}` names the operation {method} {path}", f"`{name} API`")
                title = f"{name} API"
        data["info"] = {**info, "title": title, "version": str(info.get("version") or "0")}

    def _operation(self, data: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> None:
        at = ("paths", path, method)
        name = operation.get("operationId")
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w*", name):
            short = slug(method, path)
            if isinstance(name, str) and len(name) > _LONGEST_OPERATION_ID:
                self._repair((*at, "operationId"), "the operationId is a whole sentence", f"`{short}`")
            else:
                self._repair((*at, "operationId"), "the operationId is missing or no name", f"`{short}`")
            operation["operationId"] = short
        if self.version != "2.0":
            for flaw in mend_operation(operation, at):
                self._repair(*flaw)
        for i, tag in enumerate(operation.get("tags") or []):
            if tag != str(tag).rstrip(". "):
                self._repair((*at, "tags", str(i)), f"the tag `{tag}` ends like a sentence", f"`{str(tag).rstrip('. ')}`")
                operation["tags"][i] = str(tag).rstrip(". ")
        shared, wanted = data["paths"][path].get("parameters") or [], parameter_names(path)
        self._twice(at, operation)
        for place, parameters in ((at, operation.get("parameters") or []), (at[:2], shared)):
            for i, parameter in enumerate(parameters):
                self._parameter((*place, "parameters", str(i)), parameter)
        declared = self._declared(data, [*(operation.get("parameters") or []), *shared])
        for extra in [p for p in operation.get("parameters") or [] if p.get("in") == "path" and p.get("name") not in wanted]:
            self._repair(at, f"the path parameter `{extra.get('name')}` is not in {path}", "left out")
            operation["parameters"].remove(extra)
        for missing in [name for name in wanted if name not in declared]:
            self._repair(at, f"the path parameter `{missing}` of {path} is not declared", "declared as a string")
            added: dict[str, Any] = {"name": missing, "in": "path", "required": True}
            added |= {"type": "string"} if self.version == "2.0" else {"schema": {"type": "string"}}
            operation.setdefault("parameters", []).append(added)
        if not operation.get("responses"):
            self._repair(at, f"{method} {path} declares no response", "any response is taken as undescribed")
            operation["responses"] = {"default": {"description": "Not described by the source."}}
        for status, response in operation["responses"].items():
            if isinstance(response, dict) and "$ref" not in response:
                response.setdefault("description", "")
                if status.startswith("2") and status != "204" and "schema" not in response and "content" not in response:
                    self._repair(
                        (*at, "responses", status),
                        f"the response {status} of {method} {path} has no schema",
                        "nothing is known about its body",
                    )

    def _declared(self, data: dict[str, Any], parameters: list[dict[str, Any]]) -> set[str]:
        """Return the names of the path parameters among those."""
        found = [resolve(data, p["$ref"]) if "$ref" in p else p for p in parameters]
        return {str(p.get("name")) for p in found if isinstance(p, dict) and p.get("in") == "path"}

    def _twice(self, at: Pointer, operation: dict[str, Any]) -> None:
        """Keep one of two equal parameters."""
        kept: list[Any] = []
        for i, parameter in enumerate(operation.get("parameters") or []):
            if parameter in kept:
                what = f"the parameter `{parameter.get('name', parameter.get('$ref'))}` stands here twice, and is equal"
                self._repair((*at, "parameters", str(i)), what, "kept once")
            else:
                kept.append(parameter)
        if kept:
            operation["parameters"] = kept

    def _parameter(self, at: Pointer, parameter: dict[str, Any]) -> None:
        if "$ref" in parameter:
            return
        place, name = parameter.get("in"), parameter.get("name")
        if place == "path" and parameter.get("required") is not True:
            self._repair(at, f"the path parameter `{name}` is not marked as required", "required")
            parameter["required"] = True
        if place == "body" or "schema" in parameter or "content" in parameter or "type" in parameter:
            return
        kind = "string" if place == "path" else None
        self._repair(at, f"the {place} parameter `{name}` has no type", kind or "any value is accepted")
        if self.version != "2.0":
            parameter["schema"] = {"type": kind} if kind else {}
        elif kind:
            parameter["type"] = kind

    # -- Swagger 2.0 ---------------------------------------------------------------------------------------------

    def _from_swagger(self, old: dict[str, Any]) -> dict[str, Any]:
        new: dict[str, Any] = {"openapi": "3.1.0", "info": old["info"]}
        host, base = old.get("host"), old.get("basePath") or ""
        new["servers"] = [{"url": f"{s}://{host}{base}" if host else base or "/"} for s in old.get("schemes") or ["https"]]
        new |= {key: old[key] for key in old if key.startswith("x-") or key in ("tags", "externalDocs", "security")}
        components: dict[str, Any] = {}
        if old.get("definitions"):
            components["schemas"] = old["definitions"]
        if old.get("responses"):
            components["responses"] = {k: _response(v, old, {}) for k, v in old["responses"].items()}
        simple = {k: v for k, v in (old.get("parameters") or {}).items() if v.get("in") not in ("body", "formData")}
        if simple:
            components["parameters"] = {k: _new_parameter(v) for k, v in simple.items()}
        if old.get("securityDefinitions"):
            components["securitySchemes"] = {k: _security(v) for k, v in old["securityDefinitions"].items()}
        if components:
            new["components"] = components
        new["paths"] = {}
        for path, item in old["paths"].items():
            shared = item.get("parameters") or []
            new["paths"][path] = {key: value for key, value in item.items() if key not in (*METHODS, "parameters")}
            for method in METHODS:
                if method in item:
                    new["paths"][path][method] = _new_operation(item[method], shared, old)
        return _rewrite_references(new)


def slug(method: str, path: str) -> str:
    return "_".join([method, *re.findall(r"\w+", path)])


def _new_operation(old: dict[str, Any], shared: list[Any], root: dict[str, Any]) -> dict[str, Any]:
    new = {key: value for key, value in old.items() if key not in ("parameters", "responses", "consumes", "produces", "schemes")}
    own = [_followed(p, root) for p in old.get("parameters") or []]
    names = {(p.get("in"), p.get("name")) for p in own}
    inherited = [p for p in (_followed(q, root) for q in shared) if (p.get("in"), p.get("name")) not in names]
    every = [*inherited, *own]
    consumes = old.get("consumes") or root.get("consumes") or ["application/json"]
    plain = [_new_parameter(p) for p in every if p.get("in") not in ("body", "formData")]
    if plain:
        new["parameters"] = plain
    bodies = [p for p in every if p.get("in") == "body"]
    fields = [p for p in every if p.get("in") == "formData"]
    if bodies:
        body = bodies[0]
        new["requestBody"] = {
            **({"description": body["description"]} if body.get("description") else {}),
            "required": bool(body.get("required")),
            "content": {media: {"schema": body.get("schema", {})} for media in consumes},
        }
    elif fields:
        forms = [m for m in consumes if m.startswith(("multipart/", "application/x-www-form"))] or ["multipart/form-data"]
        schema: dict[str, Any] = {"type": "object", "properties": {p["name"]: _new_parameter(p)["schema"] for p in fields}}
        if required := [p["name"] for p in fields if p.get("required")]:
            schema["required"] = required
        new["requestBody"] = {"content": {media: {"schema": schema} for media in forms}}
    new["responses"] = {status: _response(r, root, old) for status, r in old["responses"].items()}
    return new


def _followed(parameter: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    target = resolve(root, parameter["$ref"]) if "$ref" in parameter else parameter
    return target if isinstance(target, dict) else {}


def _new_parameter(old: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in old:
        return old
    new = {key: value for key, value in old.items() if key not in (*_SCHEMA_KEYS, "collectionFormat", "allowEmptyValue")}
    schema = {key: old[key] for key in _SCHEMA_KEYS if key in old}
    if schema.get("type") == "file":
        schema = {"type": "string", "format": "binary"}
    if schema.get("type") == "array":
        form = old.get("collectionFormat", "csv")
        if form == "multi":
            new |= {"style": "form", "explode": True}
        elif form == "csv" and old.get("in") == "query":
            new |= {"style": "form", "explode": False}
        elif form in ("ssv", "pipes"):
            new |= {"style": {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}[form], "explode": False}
    return {**new, "schema": schema}


def _response(old: dict[str, Any], root: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in old:
        return old
    new = {key: value for key, value in old.items() if key not in ("schema", "examples", "headers")}
    if "headers" in old:
        new["headers"] = {name: {k: v for k, v in _new_parameter(h).items() if k != "in"} for name, h in old["headers"].items()}
    produces = operation.get("produces") or root.get("produces") or ["application/json"]
    if "schema" in old:
        new["content"] = {media: {"schema": old["schema"]} for media in produces}
        for media, example in (old.get("examples") or {}).items():
            new["content"].setdefault(media, {"schema": old["schema"]})["example"] = example
    else:
        new["content"] = {media: {} for media in produces}
    return new


def _security(old: dict[str, Any]) -> dict[str, Any]:
    if old.get("type") == "basic":
        return {"type": "http", "scheme": "basic"}
    if old.get("type") != "oauth2":
        return old
    name = {"accessCode": "authorizationCode", "application": "clientCredentials"}.get(old.get("flow", ""), old.get("flow", ""))
    flow = {key: old[key] for key in ("authorizationUrl", "tokenUrl") if key in old}
    return {"type": "oauth2", "flows": {name: {**flow, "scopes": old.get("scopes") or {}}}}


def _rewrite_references(data: dict[str, Any]) -> dict[str, Any]:
    """Let references lead to where OpenAPI 3 keeps what Swagger keeps elsewhere; in place, so that everything stays itself."""
    for place in places(data):
        reference = place.node.get("$ref")
        if isinstance(reference, str):
            head, _, rest = reference[2:].partition("/")
            if head in _COMPONENTS:
                place.node["$ref"] = f"#/components/{_COMPONENTS[head]}/{rest}"
    return data


def _modern_schemas(data: dict[str, Any]) -> None:
    """Rewrite what JSON Schema 2020-12 says differently: nullable, exclusive bounds, file and single examples."""
    for place in schemas(data):
        _modern(place.node)


def _modern(schema: dict[str, Any]) -> None:
    for flag in ("nullable", "x-nullable"):
        if isinstance(schema.get(flag), bool):
            allowed = schema.pop(flag)
            if allowed and isinstance(schema.get("type"), str):
                schema["type"] = [schema["type"], "null"]
                if "enum" in schema and None not in schema["enum"]:
                    schema["enum"] = [*schema["enum"], None]
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and bound in schema:
            schema[exclusive] = schema.pop(bound)
    if schema.get("type") == "file":
        schema["type"], schema["format"] = "string", "binary"
    if isinstance(schema.get("discriminator"), str):
        schema["discriminator"] = {"propertyName": schema["discriminator"]}
