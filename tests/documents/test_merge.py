"""Many dirty sources, one valid document; nothing about the dirt is hidden."""

import hashlib
import re
import time
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from mmconform.contract.build import build
from mmconform.documents.load import MERGED, load, text_of
from mmconform.documents.merge import WHERE_OFFICIAL, merge, read_sources
from mmconform.errors import DocumentError, MisuseError

FIRST, SECOND = "specs/source/000_ffc896ccf113eb3b.txt", "specs/source/004_c7d9ace494f03dc4.txt"
SEEDS = {
    FIRST: "0e460a26f2d94c06fd793864acebdcffe9f443d90609da7d7257ced614f3146c",
    SECOND: "85c60eb26fc4a5f4ab7735a1fa986310ec0b4c7ec9bad1ef2d0fe9d015e21013",
}
OPERATIONS = {
    ("/users/{user_id}/tokens", "get"),
    ("/users/{user_id}/tokens", "post"),
    ("/users/tokens", "get"),
    ("/users/tokens/search", "post"),
    ("/users/tokens/revoke", "post"),
    ("/users/tokens/{token_id}", "get"),
    ("/users/tokens/disable", "post"),
    ("/users/tokens/enable", "post"),
    ("/webrtc/token", "get"),
    ("/commands/{command_id}/regen_token", "put"),
    ("/jobs", "post"),
}
REGEN = ("paths", "/commands/{command_id}/regen_token", "put")

SWAGGER = """\
swagger: "2.0"
info: {title: A, version: "1"}
host: example.invalid
basePath: /api/v4
consumes: [application/json]
produces: [application/json]
"""
THING = (
    SWAGGER
    + """\
paths:
  /things:
    get:
      operationId: GetThing
      summary: one
      responses: {'200': {description: OK, schema: {type: object}}}
"""
)


def one(path):
    """The document that one file becomes."""
    return merge(read_sources([path])).data


def refusal(*paths):
    """The one line with which reading and merging is refused."""
    with pytest.raises(MisuseError) as caught:
        load(list(paths))
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- our own sources ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SEEDS)
def test_the_seeds_are_kept_byte_for_byte(root, name):
    assert hashlib.sha256((root / name).read_bytes()).hexdigest() == SEEDS[name]


def test_the_seeds_become_one_valid_document_with_eleven_operations(document):
    assert list(OpenAPIV31SpecValidator(document.data).iter_errors()) == []
    assert document.data["openapi"].startswith("3.1")
    assert {(path, method) for path, method, _ in document.operations()} == OPERATIONS
    assert document.data["servers"] == [{"url": "http://your-mattermost-url.com/api/v4"}]


def test_the_committed_document_is_fresh(document):
    assert MERGED.read_text(encoding="utf-8") == text_of(document)


def test_the_raw_seeds_without_our_overlay_are_valid_too(root):
    raw = load([root / FIRST, root / SECOND]).document
    assert list(OpenAPIV31SpecValidator(raw.data).iter_errors()) == []
    assert {(path, method) for path, method, _ in raw.operations()} == OPERATIONS


def test_the_operation_that_both_seeds_hold_is_merged_and_keeps_both_origins(document):
    origins = document.origins[REGEN]
    assert [origin.file for origin in origins] == [FIRST, SECOND]
    assert document.data["paths"][REGEN[1]]["put"]["x-origin"] == [str(origin) for origin in origins]
    notes = [r for r in document.repairs if r.done == "merged into one"]
    assert [(r.kind, r.file, r.line) for r in notes] == [("note", SECOND, origins[1].line)]
    assert str(origins[0]) in notes[0].what


@pytest.mark.parametrize("name", SEEDS)
def test_every_origin_is_the_line_of_its_method(document, root, name):
    lines = (root / name).read_text(encoding="utf-8").splitlines()
    found = {(p[1], p[2]): lines[o.line - 1].strip() for p, all_ in document.origins.items() for o in all_ if o.file == name}
    assert found and all(line == f"{method}:" for (_, method), line in found.items())


# What a repair says, what stands on its line, and where else such lines stand in the seeds: everywhere.
REPAIRS = [
    (r"`#/definitions/holder` is defined nowhere", r"\$ref: '#/definitions/holder'"),
    (r"the operationId is a whole sentence", r"operationId: \S{65,}"),
    (r"the path parameter `\w+` is not marked as required", r"- in: path"),
    (r"the path parameter `\w+` has no type", r"- in: path"),
    (r"the query parameter `\w+` has no type", r"- in: query"),
    (r"the response 200 of \w+ \S+ has no schema", r"200:"),
    (r"the key 200 is a number", r"200:"),
    (r"the tag `Job\.` ends like a sentence", r"- Job\."),
    (r"an empty second document after `---`", r"---(?=$)"),
    (
        r"the title `.*` names the operation put /commands/\{command_id\}/regen_token",
        r"title: Mattermost API Generate a new token",
    ),
    (r"`info` repeats the description of put /commands/\{command_id\}/regen_token", r"description: \|-"),
]


@pytest.mark.parametrize("name", SEEDS)
@pytest.mark.parametrize(("what", "line"), REPAIRS, ids=[line for _, line in REPAIRS[:2]] + [what for what, _ in REPAIRS[2:]])
def test_each_flaw_of_the_seeds_is_listed_at_the_line_where_it_stands(document, root, name, what, line):
    lines = (root / name).read_text(encoding="utf-8").splitlines()
    expected = [n for n, text in enumerate(lines, 1) if re.fullmatch(line, text.strip())]
    if line.startswith("description"):
        expected = [n for n in expected if lines[n - 1].startswith("  description")]  # that of `info`
    if line.startswith("---"):
        expected.remove(1)  # the first `---` opens the first document
    assert [r.line for r in document.repairs if r.file == name and re.fullmatch(what, r.what)] == expected


def test_nothing_else_is_listed(document):
    known = [what for what, _ in REPAIRS] + [r"put /commands/\{command_id\}/regen_token stands in \S+ too, and is equal"]
    assert [str(r) for r in document.repairs if not any(re.fullmatch(what, r.what) for what in known)] == []


# What the seeds hold, counted by hand.
COUNTS = {
    r"`#/definitions/holder` is defined nowhere": 6,
    r"the operationId is a whole sentence": 12,
    r"the path parameter .*": 2 * 5,
    r"the query parameter .*": 4,
    r"the response 200 .*": 12,
    r"the tag .*": 1,
    r"an empty second document .*": 2,
    r"`info` .*|the title .*": 4,
}


@pytest.mark.parametrize("what", COUNTS)
def test_there_are_as_many_repairs_of_a_kind_as_flaws_in_the_seeds(document, what):
    found = [r for r in document.repairs if r.kind == "repair" and re.fullmatch(what, r.what)]
    assert len(found) == COUNTS[what]


def test_a_parameter_repair_names_the_parameter_of_its_line(document, root):
    texts = {name: (root / name).read_text(encoding="utf-8").splitlines() for name in SEEDS}
    about = [(r, found[1]) for r in document.repairs if (found := re.search(r"parameter `(\w+)`", r.what))]
    assert {texts[r.file][r.line].strip() == f"name: {name}" for r, name in about} == {True}


def test_an_info_that_tells_of_an_operation_is_not_the_documents(document):
    assert document.data["info"]["title"] == "Mattermost API"
    assert "description" not in document.data["info"]


# -- several sources ---------------------------------------------------------------------------------------------------


def test_the_same_operation_twice_and_different_is_an_error_that_names_both_places(write):
    write("a.yaml", THING)
    write("b.yaml", THING.replace("summary: one", "summary: two"))
    line = refusal(write("a.yaml", THING).parent)
    assert re.match(r"\S*b\.yaml:9: get /things contradicts \S*a\.yaml:9 ", line)
    assert "`summary`" in line


@pytest.mark.parametrize(("chosen", "summary"), [("a.yaml", "one"), ("b.yaml", "two")])
def test_an_overlay_decides_between_two_that_differ(write, chosen, summary):
    first, second = write("a.yaml", THING), write("b.yaml", THING.replace("summary: one", "summary: two"))
    overlay = write(
        "overlay.yaml",
        f"overlay: 1.0.0\nx-prefer: [{{operation: get /things, source: {chosen}}}]\n"
        "actions: [{target: $.info, description: d, x-evidence: e, update: {x-a: 1}}]\n",
    )
    document = load([first, second], [overlay]).document
    assert document.data["paths"]["/things"]["get"]["summary"] == summary
    assert [(r.line, r.done) for r in document.repairs if "differs" in r.what] == [(9, f"the overlay chose {chosen}")]


def test_two_base_paths_are_an_error_at_the_line_of_the_second(write):
    first = write("a.yaml", THING)
    second = write("b.yaml", THING.replace("/api/v4", "/api/v5").replace("/things", "/others"))
    line = refusal(first, second)
    assert re.match(r"\S*b\.yaml:4: its base path is `/api/v5`, but that of \S*a\.yaml:4 is `/api/v4`", line)


def test_of_two_operations_of_one_name_the_latter_gets_another(write):
    document = load([write("a.yaml", THING), write("b.yaml", THING.replace("/things", "/others"))]).document
    assert [operation["operationId"] for _, _, operation in document.operations()] == ["GetThing", "get_others"]
    (told,) = [repair for repair in document.repairs if "names both" in repair.what]
    assert told.line == 9 and told.file.endswith("b.yaml") and "get /things and get /others" in told.what


def test_tags_that_differ_in_case_alone_are_one_written_as_most_operations_do(write):
    def tagged(path, tag):
        return f"  {path}:\n    get:\n      tags:\n        - {tag}\n      responses: {{'200': {{description: OK}}}}\n"

    paths = "".join(tagged(*one) for one in (("/a", "ldap"), ("/b", "LDAP"), ("/c", "LDAP"), ("/d", "jobs")))
    document = load([write("a.yaml", SWAGGER + "paths:\n" + paths)]).document
    assert [operation["tags"] for _, _, operation in document.operations()] == [["LDAP"], ["LDAP"], ["LDAP"], ["jobs"]]
    [told] = [repair for repair in document.repairs if "the tag" in repair.what]
    assert (told.line, told.done) == (11, "`LDAP`") and "`ldap`" in told.what


MODERN = """openapi: 3.1.0
info: {title: A, version: "1"}
servers: [{url: "{where}/api/v4", variables: {where: {default: "https://chat.invalid/sub"}}}]
paths:
  /things:
    get:
      operationId: GetThing
      body: nothing
      parameters:
        - {name: a, in: query, schema: {type: string, default: false}}
        - {name: b, in: query, schema: {type: boolean, default: false}}
      responses:
        "200": {description: ok, content: {application/json: , schema: {type: object}}}
        "404": {description: no, content: {schema: {type: object}}}
"""


def test_flaws_of_newer_documents_are_mended_and_told(write):
    document = load([write("a.yaml", MODERN)]).document
    get = document.data["paths"]["/things"]["get"]
    assert "body" not in get
    assert [p["schema"] for p in get["parameters"]] == [{"type": "string"}, {"type": "boolean", "default": False}]
    assert get["responses"]["200"]["content"] == {"application/json": {"schema": {"type": "object"}}}
    assert get["responses"]["404"]["content"] == {}
    told = {(repair.line, repair.done) for repair in document.repairs}
    assert {(8, "left out"), (10, "left out"), (13, "the schema beside it is taken as its own"), (14, "left out")} <= told


def test_the_address_of_a_server_can_have_variables(write):
    assert build(load([write("a.yaml", MODERN)]).document).base == "/sub/api/v4"


@pytest.mark.parametrize(("summary", "told"), [("one", "is equal"), ("two", "differs")])
def test_of_a_path_that_stands_twice_the_last_is_taken_and_told(write, summary, told):
    twice = THING + THING[THING.index("  /things") :].replace("summary: one", f"summary: {summary}")
    document = load([write("a.yaml", twice)]).document
    assert document.data["paths"]["/things"]["get"]["summary"] == summary
    assert [repair.what.endswith(told) for repair in document.repairs if "`/things` stands on line" in repair.what] == [True]


def test_swagger_and_openapi_merge_into_one(write):
    newer = 'openapi: 3.0.3\ninfo: {title: B, version: "1"}\nservers: [{url: https://other.invalid/api/v4}]\n'
    newer += "paths: {/others: {get: {operationId: GetOther, responses: {'204': {description: gone}}}}}\n"
    document = load([write("a.yaml", THING), write("b.yaml", newer)]).document
    assert [path for path, _, _ in document.operations()] == ["/things", "/others"]


# -- bad input ---------------------------------------------------------------------------------------------------------

BAD = {
    "no OpenAPI": ("a: 1\n", r":1: is not an OpenAPI document"),
    "a list": ("- 1\n", r":1: is not an OpenAPI document"),
    "a word": ("hello\n", r":1: is not an OpenAPI document"),
    "an unknown version": ("info: {}\nswagger: '1.2'\n", r":2: `swagger: 1\.2` is not supported"),
    "a version to come": ("openapi: 4.0.0\n", r":1: `openapi: 4\.0\.0` is not supported"),
    "broken YAML": ("swagger: '2.0'\npaths: {\n", r":3: broken YAML"),
    "a forbidden character": ("swagger: '2.0'\ninfo: \x07\n", r": broken YAML"),
    "nothing": ("", r":1: is empty"),
    "only a comment": ("# nothing\n", r":1: is empty"),
    "a key twice": (THING.replace("      summary: one\n", "      summary: one\n      summary: two\n"), r":12: the key `summary`"),
    "an alias in itself": ("a: &a\n  b: *a\n", r":1: an alias contains itself"),
    "an external reference": (
        THING.replace("schema: {type: object}", "schema: {$ref: 'other.yaml#/a'}"),
        r":12: `other\.yaml#/a` points outside",
    ),
    "a reference to the net": (
        THING.replace("{type: object}", "{$ref: 'http://x.invalid/a'}"),
        r":12: `http://x\.invalid/a` points",
    ),
    "no UTF-8": (b"swagger: '2.0'\ninfo: \xff\xfe\n", r": cannot be read: is not UTF-8"),
    "no operations": (SWAGGER + "paths: {}\n", r":7: describes no operation"),
    "a path that is none": (SWAGGER + "paths:\n  things: {}\n", r":8: `things` is not a path"),
    "an operation that is none": (
        SWAGGER + "paths:\n  /things:\n    get: hello\n",
        r":9: `paths\./things\.get` is no mapping",
    ),
    "a key that is a list": ("? [a, b]\n: 1\n", r":1: a key is not a plain word"),
    "endless nesting": ("[" * 5000 + "]" * 5000, r":1: is nested too deeply"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_document_is_refused_in_one_line_that_says_where(write, kind):
    text, expected = BAD[kind]
    path = write("bad.yaml", text)
    assert re.match(re.escape(str(path)) + expected, refusal(path))


BOMBS = {
    "lists": ("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n", "[*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]"),
    "mappings": ("a0: &a0 {a: x, b: x, c: x, d: x}\n", "{a: *a, b: *a, c: *a, d: *a, e: *a, f: *a}"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_an_alias_bomb_is_refused_before_it_goes_off(write, kind):
    first, next_ = BOMBS[kind]
    aliases = "".join(f"a{i}: &a{i} {next_.replace('*a', f'*a{i - 1}')}\n" for i in range(1, 30))
    path, began = write("bad.yaml", first + aliases), time.process_time()
    assert re.match(rf"{re.escape(str(path))}:\d+: its aliases unfold to too many values", refusal(path))
    assert time.process_time() - began < 1


def test_a_chain_of_aliases_that_is_deeper_than_any_description_is_refused(write):
    path = write("bad.yaml", "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 5000)))
    assert refusal(path) == f"{path}:1: its aliases unfold to too many values"


def test_what_is_too_large_is_not_read_to_its_end(write):
    path, began = write("bad.yaml", THING + "# " + "x" * 9_000_000), time.process_time()
    assert refusal(path) == f"{path}: is larger than 8 MB; no API description is"
    assert time.process_time() - began < 1


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a device that never ends")
def test_a_device_is_no_document():
    assert refusal(Path("/dev/zero")) == "/dev/zero: is neither a file nor a folder"


def test_nothing_outside_the_folder_is_read(write, tmp_path):
    write("folder/a.yaml", THING)
    secret = write("secret.yaml", "hush: hush\n")
    (tmp_path / "folder" / "b.yaml").symlink_to(secret)
    said = refusal(tmp_path / "folder")
    assert said == f"{tmp_path / 'folder' / 'b.yaml'}: leads out of the folder; only what is in it is read"


ROUND = {
    "schemas": "    A: {$ref: '#/definitions/B'}\n    B: {$ref: '#/definitions/A'}\n",
    "itself": "    A: {$ref: '#/definitions/A'}\n",
}


@pytest.mark.parametrize("kind", ROUND)
def test_a_reference_that_leads_back_to_itself_is_refused(write, kind):
    text = THING.replace("{type: object}", "{$ref: '#/definitions/A'}")
    path = write("a.yaml", text + "definitions:\n" + ROUND[kind].replace("    ", "  "))
    assert re.match(rf"{re.escape(str(path))}:1[45]: .* at components/schemas/A: it has a `\$ref` that leads back", refusal(path))


WRONG_SHAPES = {
    "info: 5": r":\d+: `info` is no mapping",
    "host: []": r":\d+: `host` is no text",
    "definitions: []": r":\d+: `definitions` is no mapping",
    "definitions: {A: {properties: 3}}": r":\d+: `definitions\.A\.properties` is no mapping",
    "definitions: {A: {allOf: [{properties: {b: 3}}]}}": r":\d+: `definitions\.A\.allOf\.0\.properties\.b` is no mapping",
    "definitions: {A: {$ref: 3}}": r":\d+: `definitions\.A\.\$ref` is no text",
    "parameters: {P: [1]}": r":\d+: `parameters\.P` is no mapping",
    "tags: {a: 1}": r":\d+: `tags` is no list",
    "produces: text": r":\d+: `produces` is no list",
    "security: [x]": r":\d+: `security\.0` is no mapping",
}


def test_an_address_that_is_none_is_refused(write):
    path = write(
        "a.yaml", "openapi: 3.0.3\nservers: [{url: 'http://['}]\npaths: {/a: {get: {responses: {'200': {description: d}}}}}\n"
    )
    assert refusal(path) == f"{path}:2: `http://[` is no address of a server"


@pytest.mark.parametrize("line", WRONG_SHAPES)
def test_what_is_no_mapping_where_one_should_be_is_refused(write, line):
    key = line.partition(":")[0]
    rest = "".join(row for row in THING.splitlines(True) if not row.startswith(f"{key}:"))
    path = write("a.yaml", rest + line + "\n")
    assert re.match(re.escape(str(path)) + WRONG_SHAPES[line], refusal(path))


def test_a_missing_file_is_refused_in_one_line(tmp_path):
    assert refusal(tmp_path / "no.yaml") == f"{tmp_path / 'no.yaml'}: no such file or folder; {WHERE_OFFICIAL}"


def test_a_folder_without_documents_is_refused_in_one_line(tmp_path):
    assert refusal(tmp_path).startswith(f"{tmp_path}: holds no OpenAPI document")


# -- older versions of the standard ------------------------------------------------------------------------------------


def test_a_swagger_body_becomes_a_request_body(write):
    path = write(
        "a.yaml",
        SWAGGER
        + """\
definitions:
  Thing: {type: object, properties: {id: {type: string, x-nullable: true}}}
paths:
  /things:
    post:
      operationId: MakeThing
      parameters:
      - {in: body, name: body, description: what to make, required: true, schema: {$ref: '#/definitions/Thing'}}
      responses:
        '201': {description: made, schema: {type: array, items: {$ref: '#/definitions/Thing'}}}
""",
    )
    data = one(path)
    operation = data["paths"]["/things"]["post"]
    assert "parameters" not in operation
    assert operation["requestBody"] == {
        "description": "what to make",
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
    }
    assert operation["responses"]["201"]["content"] == {
        "application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}
    }
    assert data["components"]["schemas"]["Thing"]["properties"]["id"] == {"type": ["string", "null"]}


def test_swagger_form_data_becomes_a_form(write):
    path = write(
        "a.yaml",
        SWAGGER
        + """\
paths:
  /files:
    post:
      operationId: Upload
      consumes: [multipart/form-data]
      parameters:
      - {in: formData, name: file, type: file, required: true}
      - {in: formData, name: size, type: integer, minimum: 1}
      responses: {'201': {description: made, schema: {type: object}}}
""",
    )
    assert one(path)["paths"]["/files"]["post"]["requestBody"]["content"] == {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary"}, "size": {"type": "integer", "minimum": 1}},
                "required": ["file"],
            }
        }
    }


# Swagger 2.0, "collectionFormat", against OpenAPI 3, "style" and "explode".
FORMATS = {
    "csv": {"style": "form", "explode": False},
    "multi": {"style": "form", "explode": True},
    "ssv": {"style": "spaceDelimited", "explode": False},
    "pipes": {"style": "pipeDelimited", "explode": False},
}


@pytest.mark.parametrize("form", FORMATS)
def test_a_swagger_collection_format_becomes_a_style(write, form):
    parameter = f"{{in: query, name: ids, type: array, items: {{type: string}}, collectionFormat: {form}}}"
    path = write("a.yaml", THING.replace("      summary: one\n", f"      parameters: [{parameter}]\n"))
    assert one(path)["paths"]["/things"]["get"]["parameters"] == [
        {"in": "query", "name": "ids", **FORMATS[form], "schema": {"type": "array", "items": {"type": "string"}}}
    ]


def test_shared_swagger_parameters_and_responses_are_found(write):
    path = write(
        "a.yaml",
        SWAGGER
        + """\
parameters:
  page: {in: query, name: page, type: integer}
  body: {in: body, name: body, schema: {type: object}}
responses:
  refused: {description: no, schema: {type: object}}
paths:
  /things/{id}:
    parameters:
    - {in: path, name: id, type: string, required: true}
    put:
      operationId: PutThing
      parameters: [{$ref: '#/parameters/page'}, {$ref: '#/parameters/body'}]
      responses: {'200': {description: OK, schema: {}}, '403': {$ref: '#/responses/refused'}}
""",
    )
    operation = load([path]).document.data["paths"]["/things/{id}"]["put"]
    assert {(p["in"], p["name"], p["schema"]["type"]) for p in operation["parameters"]} == {
        ("path", "id", "string"),
        ("query", "page", "integer"),
    }
    assert operation["requestBody"]["content"] == {"application/json": {"schema": {"type": "object"}}}
    assert operation["responses"]["403"] == {"$ref": "#/components/responses/refused"}


SECURITY = {
    "basic": ("{type: basic}", {"type": "http", "scheme": "basic"}),
    "key": ("{type: apiKey, in: header, name: X}", {"type": "apiKey", "in": "header", "name": "X"}),
    "oauth": (
        "{type: oauth2, flow: accessCode, authorizationUrl: 'http://a/', tokenUrl: 'http://b/', scopes: {x: y}}",
        {
            "type": "oauth2",
            "flows": {"authorizationCode": {"authorizationUrl": "http://a/", "tokenUrl": "http://b/", "scopes": {"x": "y"}}},
        },
    ),
}


@pytest.mark.parametrize("kind", SECURITY)
def test_swagger_security_definitions_become_security_schemes(write, kind):
    old, new = SECURITY[kind]
    path = write("a.yaml", THING + f"securityDefinitions: {{it: {old}}}\nsecurity: [{{it: []}}]\n")
    data = load([path]).document.data
    assert data["components"]["securitySchemes"] == {"it": new}
    assert data["security"] == [{"it": []}]


# OpenAPI 3.0 schemas and what JSON Schema 2020-12 says for the same.
SCHEMAS = {
    "nullable": ("{type: string, nullable: true}", {"type": ["string", "null"]}),
    "not nullable": ("{type: string, nullable: false}", {"type": "string"}),
    "nullable enum": ("{type: string, nullable: true, enum: [a]}", {"type": ["string", "null"], "enum": ["a", None]}),
    "exclusive minimum": ("{type: number, minimum: 0, exclusiveMinimum: true}", {"type": "number", "exclusiveMinimum": 0}),
    "exclusive maximum": ("{type: number, maximum: 9, exclusiveMaximum: true}", {"type": "number", "exclusiveMaximum": 9}),
    "inclusive minimum": ("{type: number, minimum: 0, exclusiveMinimum: false}", {"type": "number", "minimum": 0}),
    "a property called nullable": (
        "{type: object, properties: {nullable: {type: boolean}}}",
        {"type": "object", "properties": {"nullable": {"type": "boolean"}}},
    ),
}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_an_openapi_3_0_schema_becomes_plain_json_schema(write, kind):
    old, new = SCHEMAS[kind]
    path = write(
        "a.yaml",
        'openapi: 3.0.3\ninfo: {title: A, version: "1"}\n'
        f"paths: {{/a: {{get: {{operationId: A, responses: {{'200': {{description: OK, content: {{application/json: "
        f"{{schema: {old}}}}}}}}}}}}}}}\n",
    )
    content = load([path]).document.data["paths"]["/a"]["get"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"] == new


def test_an_openapi_3_1_schema_is_left_as_it_is(write):
    path = write(
        "a.yaml",
        'openapi: 3.1.0\ninfo: {title: A, version: "1"}\n'
        "paths: {/a: {get: {operationId: A, responses: {'200': {description: OK, content: {application/json: "
        "{schema: {exclusiveMinimum: 3, type: [integer, 'null']}}}}}}}}\n",
    )
    content = load([path]).document.data["paths"]["/a"]["get"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"] == {"exclusiveMinimum": 3, "type": ["integer", "null"]}


def test_json_with_tabs_is_read_and_keeps_its_lines(write):
    path = write(
        "a.json",
        '{\n\t"swagger": "2.0",\n\t"info": {"title": "A", "version": "1"},\n\t"paths": {\n\t\t"/a": {\n'
        '\t\t\t"get": {"operationId": "A", "responses": {"200": {"description": "a\\tb", "schema": {}}}}\n\t\t}\n\t}\n}\n',
    )
    document = load([path]).document
    assert document.data["paths"]["/a"]["get"]["responses"]["200"]["description"] == "a\tb"
    assert document.origins["paths", "/a", "get"][0].line == 6


@pytest.mark.parametrize("word", ["on", "yes", "no", "off", "2020-01-01", "y"])
def test_a_word_that_yaml_1_1_takes_for_something_else_stays_a_word(write, word):
    path = write("a.yaml", THING.replace("summary: one", f"summary: {word}"))
    assert one(path)["paths"]["/things"]["get"]["summary"] == word


def test_an_undeclared_path_parameter_is_declared_and_listed(write):
    path = write("a.yaml", THING.replace("/things", "/things/{id}"))
    document = load([path]).document
    assert [p["name"] for p in document.data["paths"]["/things/{id}"]["get"]["parameters"]] == ["id"]
    assert [r.line for r in document.repairs if "`id`" in r.what] == [9]


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_lists_every_repair(command, document):
    done = command("merge")
    assert done.returncode == 0 and done.stderr == ""
    assert [str(r) for r in document.repairs] == done.stdout.splitlines()[:-1]
    assert done.stdout.splitlines()[-1].startswith("11 operations")


def test_strict_makes_repairs_an_error(command):
    assert command("merge", "--strict").returncode == 1


def test_strict_has_nothing_against_a_clean_document(command, write):
    done = command("merge", "--strict", "--spec", write("a.yaml", THING))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("text", ["a: 1\n", "{", b"\xff"], ids=["no OpenAPI", "broken", "no text"])
def test_the_command_refuses_a_bad_document_in_one_line(command, write, text):
    path = write("bad.yaml", text)
    done = command("merge", "--spec", path)
    assert done.returncode == 2 and done.stdout == ""
    assert re.fullmatch(rf"mmconform: {re.escape(str(path))}:?\d*: .+\n", done.stderr)


def test_a_document_error_is_a_misuse():
    assert issubclass(DocumentError, MisuseError)
    assert str(DocumentError("a.yaml", 3, "is wrong")) == "a.yaml:3: is wrong"


def test_a_merged_document_that_is_not_valid_is_refused_with_the_place(write):
    path = write("a.yaml", THING.replace("summary: one", "deprecated: 7"))
    where = re.escape(f"{path}:11: the merged document is not valid OpenAPI at paths//things/get/deprecated")
    assert re.match(where, refusal(path))
