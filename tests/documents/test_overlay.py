"""The overlay adds what the sources lack; each action does something, and says why and from what."""

import re

import pytest

from mmconform.contract.build import build
from mmconform.contract.naming import FILLERS, names_in
from mmconform.documents import overlay
from mmconform.documents.load import OFFICIAL_OVERLAY, OVERLAY, SOURCES, load
from mmconform.documents.merge import merge, read_sources
from mmconform.documents.reader import read
from mmconform.errors import MisuseError
from mmconform.world import kinds

ACTIONS = overlay.actions_of(read(OVERLAY, "specs/overlay.yaml")[0])
NAMES = [f"line {action.line}" for action in ACTIONS]

GOOD = """\
overlay: 1.0.0
info: {title: T, version: "1"}
actions:
- target: $.info
  description: why
  x-evidence: from what
  update: {x-mark: 1}
"""


def applied(actions):
    """Our sources with the actions applied, and how many places each changed."""
    document = merge(read_sources([SOURCES]))
    return document, overlay.apply(document, list(actions))


@pytest.fixture(scope="module")
def whole():
    return applied(ACTIONS)


def test_there_are_actions():
    assert len(ACTIONS) >= 11, "each of the eleven operations gets at least its name"


@pytest.mark.parametrize("i", range(len(ACTIONS)), ids=NAMES)
def test_each_action_changes_something(whole, i):
    assert whole[1][i] > 0


@pytest.mark.parametrize("i", range(len(ACTIONS)), ids=NAMES)
def test_without_the_action_the_document_is_another(whole, i):
    without, _ = applied(ACTIONS[:i] + ACTIONS[i + 1 :])
    assert without.data != whole[0].data


@pytest.mark.parametrize("action", ACTIONS, ids=NAMES)
def test_each_action_says_why_and_from_what_other_than_a_recording(action):
    assert action.reason.strip()
    assert re.search(r"official API reference|\w+\.go\b.*@v\d+\.\d+\.\d+", action.evidence, re.DOTALL)
    assert not re.search(r"\b(record(ed|ing)s?|tapes?|cassettes?|observed)\b", action.evidence, re.IGNORECASE)


def test_no_action_of_ours_is_idle(loaded):
    assert loaded.idle == []


def test_an_idle_action_is_told(write):
    path = write("o.yaml", GOOD.replace("$.info", "$.nowhere"))
    assert [(a.file, a.line) for a in load([], [path]).idle] == [(str(path), 4)]


def test_what_an_action_touched_is_known_with_its_line_and_evidence(write):
    path = write("o.yaml", GOOD)
    document = load([], [path]).document
    assert document.data["info"]["x-mark"] == 1
    found = document.addition("info", "x-mark")
    assert (found.file, found.line, found.reason, found.evidence) == (str(path), 4, "why", "from what")
    assert document.addition("info", "title") is None


# OpenAPI Overlay 1.0, 4.4.3: objects are merged, an array gets the update appended, `remove` takes the target away.
SEMANTICS = {
    "merge an object": ("$.info", "update: {license: {name: MIT}}", lambda d: d["info"]["license"] == {"name": "MIT"}),
    "keep what is beside": ("$.info", "update: {license: {name: MIT}}", lambda d: d["info"]["title"] == "Mattermost API"),
    "append to an array": ("$.servers", "update: {url: /api/v4}", lambda d: d["servers"][1:] == [{"url": "/api/v4"}]),
    "concatenate arrays": ("$", "update: {servers: [{url: /api/v4}]}", lambda d: [*d["servers"]][-1] == {"url": "/api/v4"}),
    "replace a value": ("$", "update: {info: {title: Other}}", lambda d: d["info"]["title"] == "Other"),
    "remove a key": ("$.info.termsOfService", "remove: true", lambda d: "termsOfService" not in d["info"]),
    "every match": (
        "$.paths[*][*]",
        "update: {x-all: 1}",
        lambda d: all(operation["x-all"] == 1 for item in d["paths"].values() for operation in item.values()),
    ),
    "remove several items": (
        "$.paths['/users/tokens'].get.tags[*]",
        "remove: true",
        lambda d: d["paths"]["/users/tokens"]["get"]["tags"] == [],
    ),
}


@pytest.mark.parametrize("what", SEMANTICS)
def test_an_action_does_what_the_overlay_standard_says(write, what):
    target, change, holds = SEMANTICS[what]
    path = write(
        "o.yaml",
        GOOD.replace("target: $.info", f"target: {target}").replace("update: {x-mark: 1}", change),
    )
    assert holds(load([], [path]).document.data)


BAD = {
    "no overlay": (GOOD.replace("overlay: 1.0.0\n", ""), 1, "is not an OpenAPI Overlay"),
    "a list": ("- 1\n", 1, "is not an OpenAPI Overlay"),
    "no actions": ("overlay: 1.0.0\ninfo: {}\n", 1, "holds no `actions`"),
    "empty actions": ("overlay: 1.0.0\nactions: []\n", 2, "holds no `actions`"),
    "an action that is a word": ("overlay: 1.0.0\nactions:\n- hello\n", 3, "the action has no `target`"),
    "no target": (GOOD.replace("- target: $.info\n ", "-"), 4, "the action has no `target`"),
    "no reason": (GOOD.replace("  description: why\n", ""), 4, "has no `description`"),
    "no evidence": (GOOD.replace("  x-evidence: from what\n", ""), 4, "has no `x-evidence`"),
    "nothing to do": (GOOD.replace("  update: {x-mark: 1}\n", ""), 4, "needs either `update` or `remove: true`"),
    "two things to do": (GOOD + "  remove: true\n", 4, "needs either `update` or `remove: true`"),
    "no JSONPath": (GOOD.replace("$.info", "info["), 4, "is no JSONPath"),
    "half a preference": (GOOD + "x-prefer:\n- {operation: get /a}\n", 9, "an `x-prefer` entry needs"),
    "a preference for nothing": (GOOD + "x-prefer:\n- hello\n", 9, "an `x-prefer` entry needs"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_overlay_is_refused_in_one_line_that_says_where(write, kind):
    text, line, message = BAD[kind]
    path = write("o.yaml", text)
    with pytest.raises(MisuseError) as caught:
        load([], [path])
    assert str(caught.value).startswith(f"{path}:{line}: ") and message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_overlay_that_breaks_the_document_is_refused(write):
    path = write("o.yaml", GOOD.replace("$.info", "$.info.title").replace("{x-mark: 1}", "[1]"))
    with pytest.raises(MisuseError, match="is not valid OpenAPI"):
        load([], [path])


def test_an_overlay_that_gives_two_operations_one_name_is_refused_with_a_place(write):
    path = write("o.yaml", GOOD.replace("$.info", "$.paths['/jobs'].post").replace("x-mark: 1", "operationId: GetWebrtcToken"))
    with pytest.raises(MisuseError, match=r"004_c7d9ace494f03dc4\.txt:23: `GetWebrtcToken` names both get /webrtc/token and"):
        load([], [path])


HOSTILE = {
    "removes everything": ("$", "remove: true"),
    "replaces everything": ("$", "update: [1]"),
    "makes the paths a number": ("$.paths", "update: 3"),
    "removes a name": ("$.paths['/jobs'].post.operationId", "remove: true"),
    "adds an operation without a name": ("$.paths", "update: {/x: {get: {responses: {'200': {description: OK}}}}}"),
    "adds a second operation of one name": (
        "$.paths",
        "update: {/x: {get: {operationId: CreateJob, responses: {'200': {description: OK}}}}}",
    ),
    "removes it in no version": ("$.paths['/jobs'].post", "update: {x-removed-in: soon}"),
    "refers to nothing": ("$.paths['/jobs'].post", "update: {parameters: [{$ref: '#/components/parameters/no'}]}"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_an_overlay_that_spoils_the_document_is_refused_in_one_short_line(write, what):
    target, change = HOSTILE[what]
    path = write("o.yaml", GOOD.replace("target: $.info", f"target: {target}").replace("update: {x-mark: 1}", change))
    with pytest.raises(MisuseError) as caught:
        build(load([], [path]).document)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_an_overlay_may_add_an_operation_with_a_description(write):
    """The clauses that its sentences make are ours, with our evidence."""
    path = write(
        "o.yaml",
        GOOD.replace("$.info", "$.paths").replace(
            "{x-mark: 1}",
            "{/x: {get: {operationId: X, description: Must be authenticated., responses: {'200': {description: OK}}}}}",
        ),
    )
    clause = build(load([], [path]).document).clauses["X.permission"]
    assert (clause.origin, clause.evidence, clause.file, clause.line) == ("overlay", "from what", str(path), 4)


# -- an overlay made for one document, on another that says more -------------------------------------------------------

FULLER = """openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /a:
    post:
      operationId: A
      parameters: [{name: page, in: query, schema: {type: integer}}]
      requestBody: {content: {application/json: {schema: {type: object, required: [description]}}}}
      responses: {'204': {description: d}}
"""
OVER = """overlay: 1.0.0
info: {title: o, version: '1'}
actions:
- target: $.paths['/a'].post
  description: d
  x-evidence: e
  update:
    parameters: [{name: page, in: query, schema: {minimum: 0}}, {name: size, in: query, schema: {}}]
    requestBody: {content: {application/json: {schema: {required: [description, name]}}}}
"""


def test_what_an_overlay_adds_to_a_list_and_stands_there_already_is_not_added_again(write):
    document = load([write("a.yaml", FULLER)], [write("o.yaml", OVER)]).document
    operation = document.data["paths"]["/a"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"]["required"] == ["description", "name"]
    notes = [(r.kind, r.line, r.done) for r in document.repairs if "stands there already" in r.what]
    assert notes == [("note", 4, "not added again")]


def test_a_parameter_that_an_overlay_knows_better_is_updated_and_not_declared_twice(write):
    document = load([write("a.yaml", FULLER)], [write("o.yaml", OVER)]).document
    page, size = document.data["paths"]["/a"]["post"]["parameters"]
    assert page == {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 0}}
    assert size == {"name": "size", "in": "query", "schema": {}}


# -- what we say of the official description -----------------------------------------------------------------------------

SAID = [(action, action.update) for action in overlay.actions_of(read(OFFICIAL_OVERLAY)[0])]


def test_each_kind_that_the_overlay_of_the_official_description_names_is_one_that_we_have():
    named = set()
    for _, says in SAID:
        named |= {says.get("x-resource"), says.get("x-makes"), *says.get("x-consumes", ())}
        named |= {name.kind for name in names_in([says.get(f"x-{part}") for part in ("path", "query", "body")])} - FILLERS
    assert named - {None, "caller", "membership", "sessions", "calm"} <= kinds.by_name().keys()


def test_the_overlay_of_the_official_description_adds_no_promise_and_names_its_source():
    for action, says in SAID:
        assert all(key.startswith("x-") for key in says), action.line
        assert re.search(r"\w+\.go@", action.evidence), action.line
