"""A document that defeats the grammar or the generator costs little, and one line about the operation that it is about."""

import pytest

from mmconform.contract import prose
from mmconform.documents.load import load
from mmconform.driving.generate import Generator

HEAD = """openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /a:
    post:
      operationId: A
      requestBody: {required: true, content: {application/json: {schema: SCHEMA}}}
      responses: {'204': {description: d}}
  /b:
    get:
      operationId: B
      parameters: [{name: n, in: query, schema: {type: integer}}]
      responses: {'204': {description: d}}
"""
WIDE = "{type: object, properties: {" + ", ".join(f"p{i}: {{$ref: '#/components/schemas/L?'}}" for i in range(10)) + "}}"
LEVELS = "components:\n  schemas:\n    L0: {type: string}\n"
LEVELS += "".join(f"    L{i}: {WIDE}\n".replace("?", str(i - 1)) for i in range(1, 9))


DEFEATING = {
    "unfolds without end": ("{$ref: '#/components/schemas/L8'}", "the schemas of its requests unfold to more than 1,000"),
    "an enormous text": ("{type: string, minLength: 1000000000}", "`minLength` of 1,000,000,000 is more than"),
    "an enormous list": ("{type: array, items: {}, minItems: 1000000}", "`minItems` of 1,000,000 is more than"),
    "an enormous enumeration": (f"{{enum: [{', '.join(map(str, range(2000)))}]}}", "the schemas of its requests unfold"),
    "all levels of ten": ("{allOf: [{$ref: '#/components/schemas/L8'}]}", "the schemas of its requests unfold"),
}


@pytest.mark.parametrize("kind", DEFEATING)
def test_what_defeats_the_generator_is_said_of_that_operation_alone(write, kind):
    schema, said = DEFEATING[kind]
    generator = Generator(load([write("a.yaml", HEAD.replace("SCHEMA", schema) + LEVELS)]).document, max_examples=3)
    assert generator.cases("A") == () and generator.not_generated("A").startswith(said)
    assert generator.cases("B") and not generator.not_generated("B")


@pytest.mark.parametrize("schema", ["{allOf: [{type: string}, {type: integer}]}", "{type: string, minLength: 5, maxLength: 2}"])
def test_what_nothing_satisfies_gives_no_valid_case_and_no_traceback(write, schema):
    generator = Generator(load([write("a.yaml", HEAD.replace("SCHEMA", schema))]).document, max_examples=3)
    assert not any(case.valid for case in generator.cases("A")) or generator.not_generated("A")
    assert generator.cases("B")


def test_a_schema_that_holds_itself_is_generated(write):
    again = "components: {schemas: {T: {type: object, properties: {n: {$ref: '#/components/schemas/T'}}}}}\n"
    document = load([write("a.yaml", HEAD.replace("SCHEMA", "{$ref: '#/components/schemas/T'}") + again)]).document
    assert any(case.valid for case in Generator(document, max_examples=3).cases("A"))


#: What a pattern with two parts that match the same characters takes for ever on.
CLASSES = [
    "_",
    "`",
    " ",
    "*",
    "#",
    "-",
    "\t",
    "\n",
    "\n ",
    "__ ",
    "`a` or ",
    "`a`, ",
    "the ",
    "a.",
    ". ",
    "<br",
    "_\n",
    "# ",
    "see ",
    " if ",
    "unless ",
    "and, ",
    "being updated ",
    "`public_` or ",
]
AROUND = ["", "##### Permissions ", "##### ", "__Minimum server version__: 5", "Must have `a` or ", "see ", "a. ", "\n\n__"]


@pytest.mark.parametrize("character", CLASSES)
def test_no_text_takes_more_than_linear_time(character):
    """Cubic time would be years here: a test that does not end."""
    for before in AROUND:
        for sentence in prose.sentences(before + character * (10_000 // len(character)) + "!"):
            assert len(sentence.text) <= prose.LONGEST_SENTENCE or prose.understand(sentence) is None
