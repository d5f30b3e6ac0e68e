"""Texts that name things of the run, in what a document says of served requests."""

import pytest

from mmconform.contract.build import build
from mmconform.contract.naming import Named, filled, names_in
from mmconform.documents.load import load
from mmconform.errors import MisuseError


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{channel}", [Named("channel")]),
        ("{another user}", [Named("user", 1)]),
        ("{third archived-channel.name}", [Named("archived-channel", 2, "name")]),
        ("a {user} and {unique}", [Named("user"), Named("unique")]),
        ("nothing", []),
        ("{}", ValueError),
        ("{Channel}", ValueError),
        ("{fourth user}", ValueError),
        ("{another unique}", ValueError),
        ("{later.day}", ValueError),
    ],
)
def test_what_a_text_names(text, named):
    if named is ValueError:
        with pytest.raises(ValueError, match="names no kind of thing"):
            list(names_in([{"a": text}]))
    else:
        assert list(names_in({"a": [text]})) == named


def test_what_is_nothing_but_a_name_becomes_what_is_given_and_else_a_text():
    give = {"later": 7, "user": "u"}
    assert filled({"{user}": ["{later}", "at {later}", None, True]}, lambda n: give[n.kind]) == {"u": [7, "at 7", None, True]}


@pytest.fixture
def built(write):
    """Build an operation of which an overlay says something."""

    def build_with(says):
        document = """openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /a/{name}:
    post:
      operationId: A
      parameters:
      - {name: name, in: path, required: true, schema: {type: string}}
      - {name: q, in: query, schema: {type: string}}
      requestBody: {content: {multipart/form-data: {schema: {type: object}}}}
      responses: {'204': {description: d}}
"""
        over = f"""overlay: 1.0.0
info: {{title: o, version: '1'}}
actions:
- target: $.paths.*[?@.operationId=='A']
  description: d
  x-evidence: e
  update: {says}
"""
        return build(load([write("a.yaml", document)], [write("o.yaml", over)]).document).operations["A"]

    return build_with


def test_an_overlay_says_by_the_name_of_an_operation_what_a_served_request_holds(built):
    says = "{x-path: {name: '{team.name}'}, x-query: {q: '{user}'}, x-body: ['{post}'], x-makes: team, x-consumes: [user]}"
    asked = built(says)
    assert (asked.sample.path, asked.sample.query, asked.sample.body) == ({"name": "{team.name}"}, {"q": "{user}"}, ["{post}"])
    assert (asked.makes, asked.consumes, asked.kinds) == ("team", {"user"}, {"team", "user", "post"})


def test_where_a_served_request_departs_from_the_document_its_query_may_hold_what_is_not_declared(built):
    asked = built("{x-departs: it takes an id, x-query: {invite_id: '{team.invite_id}'}}")
    assert (asked.departs, asked.sample.query) == ("it takes an id", {"invite_id": "{team.invite_id}"})


def test_a_body_about_several_things_is_asked_where_the_document_has_what_it_says(built):
    assert built("{x-batch: ['{post}', '{another post}']}").sample.batch == ["{post}", "{another post}"]
    assert built("{x-batch: {ids: ['{post}', '{another post}']}}").sample.batch is None


def test_where_servers_take_json_and_not_the_form_that_is_declared_json_is_sent(built):
    assert built("{x-body: {}}").body.is_json is False
    assert built("{x-body: {}, x-media: application/json}").body.is_json


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ("{x-path: {nome: a}}", "`x-path` of A names no parameter of the path: nome"),
        ("{x-query: {name: a}}", "`x-query` of A names no parameter of the query: name"),
        ("{x-query: [q]}", "`x-query` of A does not map parameters of the query to values"),
        ("{x-body: [{a: '{User}'}]}", "`x-body` of A cannot be filled in: `{User}` names no kind of thing"),
        ("{x-path: {name: '{another later}'}}", "`x-path` of A cannot be filled in: `{another later}` names no kind of thing"),
        ("{x-batch: ['{post}']}", "`x-batch` of A is neither a list of several items nor an object that holds one such list"),
        ("{x-batch: {ids: ['{post}', '{Post}']}}", "`x-batch` of A cannot be filled in: `{Post}` names no kind of thing"),
        ("{x-consumes: user}", "`x-consumes` of A is no list of kinds of things"),
        ("{x-states: [public]}", "`x-states` of A does not map things to what they are"),
        ("{x-makes: [user]}", "`x-makes` of A is no kind of thing"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line_with_its_place(built, says, why):
    with pytest.raises(MisuseError) as caught:
        built(says)
    assert str(caught.value).endswith(why) and "o.yaml:4: " in str(caught.value)
