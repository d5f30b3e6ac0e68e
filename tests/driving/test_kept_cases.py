"""Cases that are kept are those that would be generated, and whatever is not kept is generated."""

import json
import re

import pytest

from mmconform.documents.load import load
from mmconform.driving.generate import Generator, describe
from mmconform.record import provenance

BODIES = """\
openapi: 3.1.0
info: {title: bodies, version: "1"}
paths:
  /a/{id}:
    post:
      operationId: A
      parameters:
      - {name: id, in: path, required: true, schema: {type: string}}
      - {name: many, in: query, schema: {type: array, items: {type: number}}}
      - {name: X-Odd, in: header, schema: {type: string}}
      - {name: biscuit, in: cookie, schema: {type: string}}
      requestBody:
        content:
          application/json: {schema: {}}
          multipart/form-data: {schema: {type: object, properties: {file: {type: string, format: binary}}}}
      responses: {"200": {description: fine}}
"""

#: Which is random.
_BOUNDARY = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def generators(write, tmp_path):
    """Generators of a document that keep what they draw in the same folder."""
    path = write("bodies.yaml", BODIES)
    return lambda **more: Generator(load([path]).document, 5, 10, kept_in=tmp_path / "kept", **more)


def requests(cases):
    """All that is sent of cases, as text."""
    return [[*describe(case), _BOUNDARY.sub("boundary", repr(sent(case)))] for case in cases]


def sent(case):
    request = case.request(case.path_parameters, case.body)
    request["headers"].pop("X-Schemathesis-TestCaseId")  # which is random
    return request


@pytest.fixture
def drawing(monkeypatch):
    """Notes which operations are generated."""
    drawn = []
    test = Generator._test
    monkeypatch.setattr(
        Generator, "_test", lambda self, operation, collect: drawn.append(operation) or test(self, operation, collect)
    )
    return drawn


def test_what_is_kept_is_what_would_be_generated(document, tmp_path, drawing):
    names = [operation["operationId"] for _, _, operation in document.operations()]
    first, second = (Generator(document, 5, 10, kept_in=tmp_path) for _ in range(2))
    generated = {name: requests(first.cases(name)) for name in names}
    assert drawing == names and all(generated[name] for name in names)
    assert {name: requests(second.cases(name)) for name in names} == generated
    assert drawing == names


def test_bodies_of_every_kind_are_kept_or_generated_again(generators):
    assert requests(generators().cases("A")) == requests(generators().cases("A"))


def test_another_document_seed_number_or_tool_has_other_cases(generators, write, tmp_path, drawing, monkeypatch):
    generators().cases("A")
    folder = tmp_path / "kept"
    one = load([write("one.yaml", BODIES.replace("number", "integer"))]).document
    Generator(one, 5, 10, kept_in=folder).cases("A")
    Generator(one, 6, 10, kept_in=folder).cases("A")
    Generator(one, 6, 11, kept_in=folder).cases("A")
    monkeypatch.setattr("mmconform.driving.kept_cases.tools", lambda: {"hypothesis": "0"})
    Generator(one, 6, 11, kept_in=folder).cases("A")
    assert drawing == ["A"] * 5


@pytest.mark.parametrize("tool", ["schemathesis", "hypothesis", "jsonschema-rs"])
def test_another_version_of_what_draws_and_of_what_says_what_is_valid_has_other_cases(generators, drawing, monkeypatch, tool):
    generators().cases("A")
    real = provenance.installed
    monkeypatch.setattr(provenance, "installed", lambda name: "0" if name == tool else real(name))
    generators().cases("A")
    assert drawing == ["A"] * 2


@pytest.mark.parametrize("spoil", ["", "[", "[]", "{}", "[{}]", '[{"phase": 1}]', "ünï"])
def test_a_file_that_was_spoilt_is_none(write, tmp_path, drawing, document, spoil):
    first = Generator(document, 5, 10, kept_in=tmp_path / "kept")
    expected = requests(first.cases("CreateJob"))
    [file] = (tmp_path / "kept").glob("*.json")
    file.write_text(spoil, encoding="utf-8")
    assert requests(Generator(document, 5, 10, kept_in=tmp_path / "kept").cases("CreateJob")) == expected
    assert drawing == ["CreateJob"] * 2 and json.loads(file.read_text(encoding="ascii"))


def test_a_folder_that_cannot_be_written_keeps_nothing(document, tmp_path):
    (tmp_path / "kept").write_text("a file")
    assert Generator(document, 5, 10, kept_in=tmp_path / "kept").cases("CreateJob")
