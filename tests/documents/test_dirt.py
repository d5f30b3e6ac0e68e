"""Other people's documents as they come: read, repaired with a line that says so, or refused with the place."""

import json
import re

import pytest

from mmconform.contract.build import build
from mmconform.documents import reader
from mmconform.documents.load import load
from mmconform.documents.references import resolve
from mmconform.errors import MisuseError
from mmconform.paths import ROOT

HEAD = "openapi: {version}\ninfo: {{title: T, version: '1'}}\nservers: [{{url: 'http://h.example/api/v4'}}]\n"
OFFICIAL = sorted((ROOT.parent / "shared" / "official").glob("*.yaml"))


def answering(schema, rest="", version="3.0.3"):
    """A document of one operation whose answer has the schema, on line 9."""
    paths = "paths:\n  /a:\n    get:\n      operationId: GetA\n      responses:\n"
    answer = f"        '200': {{description: d, content: {{application/json: {{schema: {schema}}}}}}}\n"
    return HEAD.format(version=version) + paths + answer + rest


@pytest.fixture
def read(write):
    """Read a document and return the schema of its one answer, every reference followed, and what was repaired."""

    def read(text, name="a.yaml"):
        document = load([write(name, text)]).document
        schema = build(document).operations["GetA"].answers["200"].content["application/json"]
        while "$ref" in schema:
            schema = resolve(document.data, schema["$ref"])
        return schema, [(r.line, r.what, r.done) for r in document.repairs if r.kind == "repair"]

    return read


def refusal(path):
    with pytest.raises(MisuseError) as caught:
        load([path])
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.skipif(not OFFICIAL, reason="the official descriptions do not lie beside the checkout (shared/official)")
@pytest.mark.parametrize("path", OFFICIAL, ids=[path.stem for path in OFFICIAL])
def test_an_official_description_loses_no_operation_and_gains_none(path):
    document = load([path]).document
    methods = re.findall(r"(?m)^ {4}(?:get|put|post|delete|patch|head|options):", path.read_text(encoding="utf-8"))
    paths = path.read_text(encoding="utf-8").partition("\npaths:")[2]
    twice = [r for r in document.repairs if re.match(r"`/.*` stands on line", r.what)]
    assert paths and len(list(document.operations())) >= len(methods) - len(twice)
    assert all(r.line > 0 and r.file for r in document.repairs)


# -- references --------------------------------------------------------------------------------------------------------

U = "components: {schemas: {U: {type: object, required: [id]}}}\n"
WANTED = {"type": "object", "required": ["id"]}
REFERENCES = {
    "plain": ("{$ref: '#/components/schemas/U'}", U, "3.0.3"),
    "percent-encoded": ("{$ref: '#/components/schemas/%55'}", U, "3.0.3"),
    "the file itself": ("{$ref: 'a.yaml#/components/schemas/U'}", U, "3.0.3"),
    "the file itself, by ./": ("{$ref: './a.yaml#/components/schemas/U'}", U, "3.0.3"),
    "an anchor": ("{$ref: '#user'}", U.replace("{type", "{$anchor: user, type"), "3.1.0"),
    "an id": ("{$ref: 'http://x.example/u'}", U.replace("{type", "{$id: 'http://x.example/u', type"), "3.1.0"),
    "within an extension": ("{$ref: '#/x-shared/U'}", "x-shared: {U: {type: object, required: [id]}}\n", "3.0.3"),
}


@pytest.mark.parametrize("kind", REFERENCES)
def test_a_reference_leads_to_what_it_names(read, kind):
    schema, rest, version = REFERENCES[kind]
    found, repairs = read(answering(schema, rest, version))
    assert {key: found[key] for key in WANTED} == WANTED and repairs == []


RECURSIVE = {
    "$recursiveRef": "{$recursiveAnchor: true, type: object, properties: {n: {$recursiveRef: '#'}}}",
    "$dynamicRef": "{$dynamicAnchor: n, type: object, properties: {n: {$dynamicRef: '#n'}}}",
}


@pytest.mark.parametrize("key", RECURSIVE)
def test_a_schema_that_leads_to_itself_by_a_name_of_its_own_does(read, key):
    found, repairs = read(
        answering("{$ref: '#/components/schemas/T'}", f"components: {{schemas: {{T: {RECURSIVE[key]}}}}}\n", "3.1.0")
    )
    assert found["properties"] == {"n": {"$ref": "#/components/schemas/T"}}
    assert [(line, done) for line, _, done in repairs] == [(10, "read as `$ref`")]


def test_a_reference_into_another_operation_is_followed(read):
    rest = (
        "  /b/{id}:\n    get:\n      operationId: GetB\n"
        "      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]\n"
        "      responses: {'200': {description: d, content: {application/json: {schema: {type: object, required: [id]}}}}}\n"
    )
    at = "#/paths/~1b~1%7Bid%7D/get/responses/200/content/application~1json/schema"
    assert read(answering(f"{{$ref: '{at}'}}", rest)) == (WANTED, [])


def test_a_component_with_a_name_that_is_none_gets_another_and_is_found(read):
    found, repairs = read(answering("{$ref: '#/components/schemas/My%20Type'}", U.replace("U:", "My Type:")))
    assert found == WANTED
    assert repairs == [(10, "`My Type` is no name for a component", "`My_Type`")]


@pytest.mark.parametrize(("version", "is_kept"), [("3.0.3", False), ("3.1.0", True)])
def test_what_stands_beside_a_reference_counts_where_the_standard_says_so(write, version, is_kept):
    path = write("a.yaml", answering("{type: array, $ref: '#/components/schemas/U'}", U, version))
    document = load([path]).document
    schema = document.data["paths"]["/a"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert ("type" in schema) == is_kept
    told = [(r.line, r.what) for r in document.repairs]
    assert told == ([] if is_kept else [(9, "`type` beside `$ref` says nothing in OpenAPI 3.0")])


def test_what_stands_beside_the_reference_of_an_answer_is_left_out(write):
    head = "swagger: '2.0'\ninfo: {title: T, version: '1'}\npaths:\n  /a:\n    get:\n      operationId: GetA\n      responses:\n"
    answer = "        '500':\n          $ref: '#/responses/Oops'\n          schema: {type: object}\n"
    document = load([write("a.yaml", head + answer + "responses:\n  Oops: {description: bad}\n")]).document
    assert document.data["paths"]["/a"]["get"]["responses"]["500"] == {"$ref": "#/components/responses/Oops"}
    assert [(r.line, r.what) for r in document.repairs] == [(9, "`schema` beside `$ref` says nothing in OpenAPI 2.0")]


DATA = ["example: {$ref: other.yaml}", "default: {$ref: other.yaml}", "enum: [{$ref: '#/no'}]", "x-more: {$ref: other.yaml}"]


@pytest.mark.parametrize("data", DATA)
def test_a_reference_in_data_is_data(read, data):
    key = data.partition(":")[0]
    found, repairs = read(answering(f"{{{data}}}"))
    assert repairs == [] and "$ref" in json.dumps(found[key])


def test_properties_that_are_called_like_data_are_schemas_all_the_same(read):
    found, _ = read(
        answering("{type: object, properties: {example: {$ref: '#/no'}, x-a: {$ref: '#/no'}, default: {$ref: '#/no'}}}")
    )
    assert found["properties"] == {"example": {}, "x-a": {}, "default": {}}


REFUSED = {
    "another file": ("{$ref: 'other.yaml#/U'}", r"`other\.yaml#/U` points outside the document; bundle it into one file first"),
    "the net": ("{$ref: 'https://x.example/u.json'}", r"`https://x\.example/u\.json` points outside the document; bundle"),
    "an anchor of 3.0": ("{$ref: '#user'}", r"`#user` leads nowhere; OpenAPI 3\.0 has no anchors"),
    "a type that is none": (
        "{type: object, properties: {n: {type: bool}}}",
        r"the merged document is not valid OpenAPI at "
        r"paths//a/get/responses/200/content/application/json/schema/properties/n/type: 'bool' is not valid",
    ),
    "in a circle": (
        "{$ref: '#/components/schemas/A'}",
        r".* at components/schemas/A: it has a `\$ref` that leads back",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refusal_says_file_line_and_the_whole_path(write, kind):
    schema, said = REFUSED[kind]
    path = write("a.yaml", answering(schema, "components: {schemas: {A: {allOf: [{$ref: '#/components/schemas/A'}]}}}\n"))
    line = 10 if kind == "in a circle" else 9
    assert re.match(rf"{re.escape(str(path))}:{line}: {said}", refusal(path))


def test_a_request_body_is_looked_at_like_an_answer(write):
    body = "{application/json: {schema: {type: object, properties: {n: {type: bool}}}}}"
    text = answering("{type: object}").replace("      responses:", f"      requestBody: {{content: {body}}}\n      responses:")
    path = write("a.yaml", text.replace("    get:", "    post:"))
    where = "paths//a/post/requestBody/content/application/json/schema/properties/n/type"
    assert refusal(path).startswith(f"{path}:8: the merged document is not valid OpenAPI at {where}: ")


# -- paths -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", ["x-note: hello", "x-note: {get: {operationId: GetNote}}"])
def test_an_extension_under_paths_is_no_path(write, extension):
    document = load([write("a.yaml", answering("{}").replace("paths:\n", f"paths:\n  {extension}\n"))]).document
    assert [path for path, _, _ in document.operations()] == ["/a"]


def test_a_path_can_borrow_its_operations(write):
    text = answering("{type: object}") + "  /b: {$ref: '#/x-paths/b'}\nx-paths:\n  b:\n    get:\n      operationId: GetB\n"
    document = load([write("a.yaml", text + "      responses: {'204': {description: d}}\n")]).document
    assert {operation["operationId"]: path for path, _, operation in document.operations()} == {"GetA": "/a", "GetB": "/b"}
    assert document.origins["paths", "/b", "get"][0].line == 13


def test_a_method_in_capitals_is_no_lost_operation(write):
    document = load([write("a.yaml", answering("{}").replace("get:", "GET:"))]).document
    assert [method for _, method, _ in document.operations()] == ["get"]
    assert [(r.line, r.done) for r in document.repairs] == [(6, "read as `get`")]


def test_a_document_without_operations_says_so_and_speaks_of_no_overlay(write):
    path = write("a.yaml", HEAD.format(version="3.0.3") + "paths: {/a: {parameters: []}}\n")
    assert refusal(path) == f"{path}: describes no operation"


# -- YAML and JSON -----------------------------------------------------------------------------------------------------


def test_a_merge_key_merges(read):
    rest = "components:\n  schemas:\n    A: &a {type: object, required: [id]}\n    B:\n      <<: *a\n      description: more\n"
    assert read(answering("{$ref: '#/components/schemas/B'}", rest)) == ({"description": "more", **WANTED}, [])


def test_what_stands_beside_a_merge_key_counts_before_it_and_keeps_its_line(write):
    text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc:\n  <<: [*a, *b]\n  y: 3\n"
    source = reader.read(write("m.yaml", text))[0]
    assert source.data["c"] == {"y": 3, "x": 1, "z": 2}
    assert [source.line_of("c", key) for key in ("y", "x", "z")] == [5, 1, 2]


JSON = {
    "half of a surrogate pair": json.dumps({"description": "\U0001f600"}),
    "a long key": json.dumps({"description": "Hi", "example": {"k" * 2000: 1}}),
    "DEL": '{"description": "Hi \x7f"}',
    "a control character of C1": '{"description": "Hi \x96"}',
    "a number": '{"maximum": 1e+16, "minimum": -1E3}',
    "tabs": '{\t"description":\t"Hi"\t}',
}


@pytest.mark.parametrize("kind", JSON)
def test_json_is_read_as_json(read, kind):
    text = json.dumps(
        {"openapi": "3.0.3", "info": {"title": "T", "version": "1"}, "paths": {"/a": {"get": {"operationId": "GetA"}}}}
    )
    answers = f'{{"200": {{"description": "d", "content": {{"application/json": {{"schema": {JSON[kind]}}}}}}}}}'
    found, repairs = read(text.replace('"GetA"', f'"GetA", "responses": {answers}'), "a.json")
    assert found == json.loads(JSON[kind]) and repairs == []


BROKEN_JSON = {
    "NaN": ('{\n"openapi": NaN}', ":2: `NaN` is no number that JSON has"),
    "too large a number": ('{\n"openapi": 1e999}', ":2: `1e999` is no number that JSON has"),
    "a comma too many": ('{\n"openapi": "3.0.3",\n}', ":3: broken JSON: expecting property name"),
    "two": ("{}\n{}", ":2: broken JSON: extra data"),
    "a key twice": ('{"openapi": "3.0.3",\n"a": 1,\n"a": 2}', ":3: the key `a` is given twice, and not as on line 2"),
}


@pytest.mark.parametrize("kind", BROKEN_JSON)
def test_what_is_no_json_is_refused_with_its_line(write, kind):
    text, said = BROKEN_JSON[kind]
    path = write("a.json", text)
    assert refusal(path).startswith(f"{path}{said}")


NUMBERS = {"1e3": 1000, "010": 10, "0o10": 8, "0x10": 16, "12:30:45": "12:30:45", "1_000": "1_000", "1.5": 1.5, "0b1": "0b1"}


@pytest.mark.parametrize("text", NUMBERS)
def test_a_plain_scalar_is_what_yaml_1_2_says(read, text):
    assert read(answering(f"{{example: {text}}}"))[0] == {"example": NUMBERS[text]}


def test_a_tag_that_is_not_understood_loses_nothing_silently(write):
    path = write("a.yaml", answering("!include other.yaml"))
    assert refusal(path) == f"{path}:9: the tag `!include` is not read; write what it stands for"


def test_bytes_are_read_where_they_may_stand(write):
    path = write("c.yaml", "body: !!binary aGk=\n")
    assert reader.read(path, binary=True)[0].data == {"body": b"hi"}
    assert refusal(path) == f"{path}:1: the tag `!!binary` is not read; write what it stands for"


def test_texts_that_were_never_written_are_listed_and_read_as_absent(read):
    found, repairs = read(answering("{type: object, description: }").replace("description: d", "description: "))
    assert found == {"type": "object"}
    assert repairs == [(9, "`description` is empty", "read as if it were not there")] * 2


FLAWS = {
    "{type: object, required: [a, a]}": ({"type": "object", "required": ["a"]}, "named once"),
    "{type: string, required: true}": ({"type": "string"}, "left out"),
    "{type: string, enum: [a], default: b}": ({"type": "string", "enum": ["a"]}, "left out"),
    r"{type: string, pattern: '^\p{L}+$'}": ({"type": "string"}, "nothing is held against it"),
    "{type: string, pattern: '^(?<a>x)$'}": ({"type": "string", "pattern": "^(?P<a>x)$"}, None),
}


@pytest.mark.parametrize("schema", FLAWS)
def test_a_flaw_of_a_schema_that_can_be_mended_is(read, schema):
    wanted, done = FLAWS[schema]
    found, repairs = read(answering(schema))
    assert found == wanted
    assert [(line, what) for line, _, what in repairs] == ([(9, done)] if done else [])


# -- what would take for ever ------------------------------------------------------------------------------------------

_TEN = "{allOf: [" + ", ".join(["{$ref: '#/components/schemas/L?'}"] * 10) + "]}"
LEVELS = "components:\n  schemas:\n    L0: {type: object}\n"
LEVELS += "".join(f"    L{i}: {_TEN}\n".replace("?", str(i - 1)) for i in range(1, 9))


def test_a_schema_that_unfolds_without_end_is_replaced_and_listed(read):
    found, repairs = read(answering("{$ref: '#/components/schemas/L8'}", LEVELS))
    assert found == {}
    assert [(line, done) for line, _, done in repairs] == [(6, "any value is accepted")]


def test_a_schema_that_is_merely_large_is_not(read):
    found, repairs = read(answering("{$ref: '#/components/schemas/L2'}", LEVELS))
    assert len(found["allOf"]) == 10 and repairs == []
