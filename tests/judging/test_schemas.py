"""Schemas: a glance at a value says that it is valid, or nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmconform.json_schema import Draft202012Validator, Glance
from mmconform.judging.schemas import mismatches

TEXTS = st.text(st.characters(exclude_categories=()), max_size=4) | st.sampled_from(["a", "b", "a\n", "1", "é", "\ud800"])
NUMBERS = (
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0, 1, -1, 1.0, 0.5, 2**53, 2**64, 10**30])
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from("ab") | TEXTS, v, max_size=3), max_leaves=6
)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
SIZES = st.integers(0, 3)
#: As documents have them.
PATTERNS = st.sampled_from(["^[a-z0-9]{26}$", "^a", "b$", "^[^/]*$", ".", "^(a|b)+$", r"^\S+$"])


def of_parts(parts):
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
            "enum": st.lists(SCALARS, min_size=1, max_size=3),
            "const": VALUES,
            "minimum": st.integers(-2, 2),
            "exclusiveMaximum": st.integers(-2, 2),
            "minLength": SIZES,
            "maxLength": SIZES,
            "pattern": PATTERNS,
            "minItems": SIZES,
            "uniqueItems": st.booleans(),
            "items": parts,
            "required": st.lists(st.sampled_from("ab"), max_size=2, unique=True),
            "properties": st.dictionaries(st.sampled_from("ab"), parts, max_size=2),
            "additionalProperties": parts | st.booleans(),
            "maxProperties": SIZES,
            "anyOf": st.lists(parts, min_size=1, max_size=2),
            "oneOf": st.lists(parts, min_size=1, max_size=2),
            "not": parts,
            "$ref": st.just("#/components/schemas/a"),
        },
    )


SCHEMAS = st.recursive(
    st.fixed_dictionaries({}, optional={"type": TYPES, "enum": st.lists(SCALARS, min_size=1)}), of_parts, max_leaves=5
)


@given(SCHEMAS, VALUES)
@settings(max_examples=500, deadline=None)
def test_what_a_glance_lets_pass_is_valid(schema, value):
    whole = {**schema, "components": {"schemas": {"a": {"type": ["integer", "object"]}}}}
    if Glance(whole).is_valid(value):
        assert Draft202012Validator(whole).is_valid(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "x"),
        ({"type": "integer"}, 10**30),
        ({"type": "object", "properties": {"a": {"$ref": "#/components/schemas/a"}}}, {"a": []}),
    ],
)
def test_a_glance_is_enough_for_what_is_valid(schema, value):
    assert Glance({**schema, "components": {"schemas": {"a": {"type": "array"}}}}).is_valid(value)


@pytest.mark.parametrize("schema", [{"type": "nothing"}, {"$ref": "#/nowhere"}, {"pattern": "(?<"}, None])
def test_a_glance_says_nothing_of_a_schema_that_it_does_not_understand(schema):
    assert not Glance(schema).is_valid(1)


def test_half_a_character_is_looked_at_again(contract):
    assert mismatches(contract, {"type": "string"}, "\ud800") == []
    assert mismatches(contract, {"type": "integer"}, "\ud800") == ['the body: type "integer"']
