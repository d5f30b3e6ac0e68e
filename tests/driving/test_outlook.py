"""What probes would ask of a server, told in advance: which operations, why not the others, what is lacking, who is consumed."""

import pytest

from mmconform.contract.build import build
from mmconform.contract.fit import misfits
from mmconform.documents.load import load
from mmconform.driving.outlook import WHY, Foresight, untold
from mmconform.judging.judge import SKIPS
from mmconform.report.outlook import outlook_lines
from mmconform.safety.guard import Guard
from mmconform.version import Version
from mmconform.world.people import Roles

ON = {"PluginSettings": {"Enable": True}, "ServiceSettings": {}}
DOCUMENT = """\
openapi: 3.0.0
info: {title: ours, version: "1"}
servers: [{url: /api/v4}]
paths:
  /plugins: {get: {operationId: ListPlugins, tags: [plugins], responses: {"200": {description: x}}}}
  /groups: {get: {operationId: ListGroups, responses: {"200": {description: x}}}}
  /usage/posts: {get: {operationId: CountPosts, responses: {"200": {description: x}}}}
  /later: {get: {operationId: Later, description: "__Minimum server version__: 12.3", responses: {"200": {description: x}}}}
  /restart: {post: {operationId: Restart, x-body: {}, responses: {"200": {description: x}}}}
  /posts: {post: {operationId: Post, responses: {"200": {description: x}}}}
  "/hooks/incoming/{hook_id}":
    get:
      operationId: Hook
      parameters: [{name: hook_id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: x}}
"""


@pytest.fixture
def contract(write):
    return build(load([write("document.yaml", DOCUMENT)]).document)


@pytest.fixture
def outlook(contract):
    guard = Guard(contract, Version.parse("11.1.0"), is_throwaway=True)

    def outlook(config=ON, *, is_licensed=False, has_guests=False):
        return Foresight(contract, guard, Roles(guard.version), config, is_licensed, [] if has_guests else ["guest"]).outlook()

    return outlook


def test_each_operation_is_asked_or_there_is_a_reason(outlook):
    assert {one.operation: one.reason for one in outlook().prospects} == {
        "ListPlugins": "",
        "ListGroups": "",
        "CountPosts": "",
        "Later": "not-in-version",
        "Restart": "would-do-harm",
        "Post": "unknown-request",
        "Hook": "unknown-identifier",
    }
    assert outlook().unknown == {"hook_id": 1}


def test_the_reasons_are_those_that_records_tell_where_they_tell_one():
    assert WHY.keys() <= set(SKIPS)


def test_what_the_server_lacks_is_told_beforehand(outlook):
    off = {"PluginSettings": {"Enable": False}}
    needs = {one.operation: one.needs for one in outlook(off).prospects if one.needs}
    assert needs == {"ListPlugins": ("plugins (PluginSettings.Enable is false)",), "ListGroups": ("a licence",)}
    assert {one.operation for one in outlook({}, is_licensed=True).prospects if one.needs} == set()


def test_a_guest_is_counted_where_one_could_call(outlook):
    assert outlook(has_guests=True).accounts == outlook().accounts + 1
    asked = {one.operation: one.requests for one in outlook().asked}
    assert {one.operation: one.requests - asked[one.operation] for one in outlook(has_guests=True).asked} == dict.fromkeys(
        asked, 1
    )


def test_a_person_reads_it_by_tag(outlook):
    told = "\n".join(outlook_lines(outlook()))
    assert "ask 3 of 7 operations" in told and "plugins 1/1" in told and "without a tag 2/6" in told and "hook_id 1" in told
    there_is_not = "not there 1, not-in-version: this version does not have it, and is asked only whether that is so"
    assert there_is_not in " ".join(told.split())


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("11.1.0", ["ahead of the server: one operation begins after 11.1.0", "another major version"]),
        ("12.1.0", ["ahead of the server: one operation begins after 12.1.0"]),
        ("12.3.0", []),
        ("12.9.0", []),
        ("13.0.0", []),
        ("13.1.0", ["behind the server", "another major version"]),
        ("14.0.0", ["behind the server", "another major version"]),
    ],
)
def test_a_document_of_another_version_is_doubted(contract, version, says):
    found = list(misfits(contract, Version.parse(version), is_official=True))
    assert len(found) == len(says) and all(part in one for part, one in zip(says, found, strict=True))
    others = list(misfits(contract, Version.parse(version), is_official=False))
    assert [one.partition("; what")[0] for one in others] == [one for one in found if "another major" not in one]


def test_of_a_document_that_tells_no_version_nothing_is_said(write):
    text = "\n".join(line for line in DOCUMENT.splitlines() if "Later" not in line)
    found = misfits(build(load([write("document.yaml", text)]).document), Version.parse("11.1.0"), is_official=True)
    assert list(found) == []


NEWS = """
  "/{news}/{{{novelty}_id}}":
    post:
      operationId: {id}
      description: "__Minimum server version__: {since}"
      parameters: [{{name: {novelty}_id, in: path, required: true, schema: {{type: string}}}}]
      responses: {{"200": {{description: x}}}}
"""


@pytest.mark.parametrize(
    ("novelty", "since", "is_told"),
    [("novelty", "5.1", True), ("novelty", "99.1", True), ("post", "99.1", True), ("post", "5.1", False)],
)
def test_a_description_that_needs_a_newer_overlay_says_so(write, novelty, since, is_told):
    """What an identifier of its names nobody knows; or what a later request says that is served."""
    start, _, _ = DOCUMENT.partition("paths:")
    official = start.replace("ours", "Mattermost API Reference") + "paths:"
    text = official + NEWS.format(news="news", novelty=novelty, id="News", since=since)
    told = list(untold(build(load([write("document.yaml", text)]).document)))
    assert ["our overlay says nothing of one operation (News)" in one for one in told] == [True] * is_told


def test_several_of_which_the_overlay_says_nothing_are_counted_and_those_of_the_closed_list_are_not_among_them(write):
    start, _, _ = DOCUMENT.partition("paths:")
    text = start.replace("ours", "Mattermost API Reference") + "paths:"
    for number, news in enumerate(("news", "more", "cloud")):
        text += NEWS.format(news=news, novelty="novelty", id=f"News{number}", since="5.1")
    (told,) = untold(build(load([write("document.yaml", text)]).document))
    assert "nothing of 2 operations (first: News0)" in told


#: The beginning of a document whose operations ask for a session.
SIGNED_IN = """\
openapi: 3.0.0
info: {title: ours, version: "1"}
servers: [{url: /api/v4}]
security: [{s: []}]
components: {securitySchemes: {s: {type: http, scheme: bearer}}}
paths:
"""

ACCOUNTS = (
    SIGNED_IN
    + """\
  "/users/{user_id}":
    parameters: [{name: user_id, in: path, required: true, schema: {type: string}, x-resource: user}]
    delete:
      operationId: Delete
      description: "##### Permissions\\nMust be the user or have `edit_other_users` permission."
      x-harmless: ours
      x-consumes: [user]
      responses: {"200": {description: x}}
"""
)
FOR_GOOD = """\
  "/users/{user_id}/convert_to_bot":
    parameters: [{name: user_id, in: path, required: true, schema: {type: string}, x-resource: user}]
    post:
      operationId: Convert
      description: "##### Permissions\\nMust have `manage_system` permission."
      x-harmless: ours
      x-consumes: [user]
      responses: {"200": {description: x}}
"""
MADE = """\
  "/users":
    post:
      operationId: Make
      description: "##### Permissions\\nMust have `manage_system` permission."
      x-harmless: ours
      x-makes: user
      x-body: {}
      responses: {"200": {description: x}}
"""
BOTS = """\
  "/bots/{bot_user_id}":
    get:
      operationId: Bot
      parameters: [{name: bot_user_id, in: path, required: true, schema: {type: string}, x-resource: bot}]
      responses: {"200": {description: x}}
"""
#: Without guests: six personas of every world, the resident, the administrator of a channel and a bot.
PEOPLE = 9
#: Whoever is consumed is renewed: one of the resident's, and a member and an administrator who ask about themselves.
RENEWED = 3


@pytest.mark.parametrize(
    ("more", "accounts"),
    [
        ("", 0),
        (FOR_GOOD, 3),  # the administrator is served, about others and themselves, a bot may be, and what was consumed stays so
        (MADE, 1),
        (BOTS, 3),  # one for each of whom a bot is asked about
    ],
)
def test_accounts_are_counted_in_advance_and_those_that_are_renewed_once(write, more, accounts):
    contract = build(load([write("document.yaml", ACCOUNTS + more)]).document)
    guard = Guard(contract, Version.parse("11.1.0"), is_throwaway=True)
    outlook = Foresight(contract, guard, Roles(guard.version), ON, is_licensed=False, absent=["guest"]).outlook()
    assert outlook.accounts == PEOPLE + RENEWED + accounts


FLAGS = (
    SIGNED_IN
    + """\
  "PATH":
    METHOD:
      operationId: Asked
      description: "##### Permissions\\nMust have `manage_system` permission."
      parameters: [{name: permanent, in: query, schema: {type: boolean}}]
      x-harmless: ours
      responses: {"200": {description: x}}
"""
)


@pytest.mark.parametrize(
    ("method", "path", "asked_beside"),
    [
        ("get", "/config", 4),  # on and off, by an administrator and by a member
        ("delete", "/users", 0),  # on the closed list
        ("get", "/groups", 0),  # without a licence nobody is served
    ],
)
def test_flags_are_counted_where_somebody_is_served(write, method, path, asked_beside):
    def requests(text):
        contract = build(load([write("document.yaml", text.replace("METHOD", method).replace("PATH", path))]).document)
        guard = Guard(contract, Version.parse("11.1.0"), is_throwaway=True)
        return Foresight(contract, guard, Roles(guard.version), ON, is_licensed=False, absent=["guest"]).outlook().prospects[0]

    assert requests(FLAGS).requests - requests(FLAGS.replace("boolean", "string")).requests == asked_beside
