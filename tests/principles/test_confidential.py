"""Confidential: how what is hidden is asked for, and what counts as hidden, and as told."""

import json

import pytest

from mmconform.contract.build import build
from mmconform.contract.clause import Body, Operation, Parameter, Sample
from mmconform.contract.permission import Requirement
from mmconform.documents.load import load
from mmconform.paths import SPECS
from mmconform.principles.confidential import Attempt, Property, is_refused, learn, naming, only_reads, plain
from mmconform.principles.data import exceptions, lets_in, sight, uses
from mmconform.principles.delegates import Delegates, gives_sight
from mmconform.principles.hideaways import names_of
from mmconform.principles.questions import new_mark
from mmconform.version import Versions
from mmconform.wire.exchange import Exchange
from mmconform.world import kinds

POST, CHANNEL, FILE = "post" * 6 + "00", "chan" * 6 + "00", "file" * 6 + "00"
HIDDEN = {"post": POST, "channel": CHANNEL, "file": FILE}


def operation(*parameters, method="GET", path="/x", **more):
    return Operation("X", method, path, parameters, more.pop("body", None), {}, Requirement(()), Versions.parse(">=4.0"), **more)


def in_path(name, kind):
    return Parameter(name, "path", True, {"type": "string"}, kind)


def in_query(name, kind=None, schema=None, *, identifies=False):
    return Parameter(name, "query", False, schema or {"type": "string"}, kind, identifies=identifies)


def asked(attempts):
    return [(one.about, dict(one.things), dict(one.params), one.body) for one in attempts]


# -- what is asked --------------------------------------------------------------------------------------------------------


def test_each_hidden_thing_is_named_by_itself_among_ones_own_and_all_together():
    both = operation(in_path("channel_id", "channel"), in_path("post_id", "post"), path="/{channel_id}/{post_id}")
    assert asked(naming(both, HIDDEN, {})) == [
        ("self", {"channel": CHANNEL}, {}, None),
        ("self", {"post": POST}, {}, None),
        ("self", {"channel": CHANNEL, "post": POST}, {}, None),
    ]


def test_what_names_somebody_is_asked_about_oneself_and_about_whose_the_thing_is():
    about = operation(in_path("user_id", "user"), in_path("post_id", "post"))
    assert [one[0] for one in asked(naming(about, HIDDEN, {}))] == ["self", "other"]


def test_what_is_hidden_is_named_where_nothing_has_to_be_named():
    listing = operation(in_path("team_id", "team"), in_query("in_channel", identifies=True), in_query("before"), in_query("page"))
    assert asked(naming(listing, HIDDEN, {})) == [
        ("self", {}, {"in_channel": CHANNEL}, None),
        ("self", {}, {"before": POST}, None),
    ]


def test_what_is_hidden_is_named_by_properties_that_a_request_does_not_list():
    known = {"root_id": Property("post"), "file_ids": Property("file", is_list=True), "team_id": Property("team")}
    held = [one[3] for one in asked(naming(operation(method="POST"), HIDDEN, known))]
    assert held == [{"root_id": POST}, {"file_ids": [FILE]}]


def test_what_names_nothing_is_asked_with_each_switch_and_for_the_word_beside_the_marks():
    switch = in_query("all", schema={"type": "boolean"})
    searching = operation(switch, in_query("name"), sample=Sample(body={"term": "x"}), body=Body(False, {}, {}))
    assert asked(plain(searching, "word")) == [
        ("self", {}, {}, None),
        ("self", {}, {"all": "true"}, None),
        ("self", {}, {"name": "word"}, None),
        ("self", {}, {}, {"term": "word"}),
    ]


@pytest.mark.parametrize(
    ("parameter", "kind"),
    [
        (in_query("x", "team"), "team"),
        (in_query("not_in_channel"), "channel"),
        (in_query("channelIds"), "channel"),
        (in_query("fromPost"), "post"),
        (in_query("after"), "post"),
        (in_query("x_id", identifies=True), "post"),
        (in_query("page", schema={"type": "integer"}), ""),
        (in_query("sort", schema={"type": "string", "enum": ["a"]}), ""),
        (in_query("direction"), ""),
        (in_query("username"), ""),
    ],
    ids=lambda value: value.name if isinstance(value, Parameter) else value or "none",
)
def test_of_which_kind_a_part_of_a_query_is(parameter, kind):
    assert kinds.kind_of(parameter) == kind


def test_which_properties_name_something_is_learned_from_answers():
    found = {}
    learn(
        {"id": POST, "root_id": POST, "files": [{"post_id": POST}], "file_ids": [FILE], "message": "x"},
        {POST: "post", FILE: "file"},
        found,
    )
    assert found == {"root_id": Property("post"), "post_id": Property("post"), "file_ids": Property("file", is_list=True)}


def test_the_same_is_asked_about_another_thing():
    old, new = POST, "new0" * 6 + "00"
    attempt = Attempt(operation(), "self", {"post": old}, {"before": old}, [{"ids": [old], "message": f"see /pl/{old}", "n": 1}])
    other = attempt.about_others({old: new})
    assert (other.things, other.params) == ({"post": new}, {"before": new})
    assert other.body == [{"ids": [new], "message": f"see /pl/{new}", "n": 1}]


def test_what_only_reads():
    small = build(load([SPECS / "small.yaml"]).document)
    assert {one.id for one in small.operations.values() if not only_reads(one, small.base)} == {
        *("AddChannelMember", "CreatePost", "DeletePost", "DeleteUser", "Logout", "UpdateUserActive", "UploadFile")
    }
    assert only_reads(operation(method="POST", path="/users/ids"), "/api/v4")


# -- what counts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "data", "is_it"), [(403, {"id": "x"}, True), (404, {"id": "x"}, True), (404, {}, False), (200, {"id": "x"}, False)]
)
def test_only_the_servers_own_refusal_hides(status, data, is_it):
    told = Exchange("X", "member", "other", "GET", "/x", {}, None, status, {}, json.dumps(data).encode())
    assert is_refused(told) is is_it


def test_a_thing_may_be_named_as_each_kind_that_it_is():
    assert {"post", "thread", "reacted-post"} <= names_of("post")
    assert {"file", "image"} <= names_of("file")
    assert {"channel", "archived-channel", "direct-channel"} <= names_of("channel")
    assert "channel" not in names_of("post")


def test_marks_are_never_the_same():
    assert new_mark() != new_mark()


def test_what_may_be_done_with_a_name_or_an_id_has_a_source_and_is_an_operation_whatever_its_parameters_are_called():
    assert all("@" in one.source for one in uses())
    assert lets_in()
    assert all(sight().values())
    (flags,) = (one for one in uses() if one.by.startswith("PUT"))
    assert flags.is_by("PUT", "/users/{id}/preferences")
    assert not flags.is_by("PUT", "/users/{id}/roles")


@pytest.mark.parametrize(
    ("permission", "kind", "is_it"),
    [
        ("sysconsole_read_user_management_channels", "channel", True),
        ("sysconsole_read_user_management_groups", "channel", False),
        ("sysconsole_read_user_management_groups", "user", False),
        ("sysconsole_read_compliance_data_retention_policy", "channel", True),
        ("list_private_teams", "team", True),
        ("list_private_teams", "post", False),
    ],
)
def test_a_permission_gives_sight_of_what_its_name_or_the_data_speak_of(permission, kind, is_it):
    assert gives_sight(permission, kind) is is_it


OPENS = {"channels": {"groups", "everything"}, "posts": {"audits"}}


class Held:
    """A role, and what is told while it holds something."""

    everything = frozenset({"groups", "audits", "everything", *(f"other_{number}" for number in range(13))})

    def __init__(self):
        self.times = 0

    def hold(self, permissions):
        self.times += 1
        self.held = permissions


def test_which_permissions_tell_something_alone_is_found_by_halving():
    role, delegates = Held(), object.__new__(Delegates)
    delegates._told = lambda held, asked: role.hold(held) or [(one, None, []) for one in asked if OPENS[one] & set(held)]
    found = {(permission, one) for permission, one, _, _ in delegates._alone(sorted(role.everything), list(OPENS))}
    assert found == {("groups", "channels"), ("everything", "channels"), ("audits", "posts")}
    assert role.times < 2 * len(role.everything)


def test_what_is_meant_is_meant_for_whom_it_is_told():
    (meant,) = (one for one in exceptions() if one.operation == "GET /teams/{team_id}/channels/name/{channel_name}")
    about = "confidential", "GET", "/api/v4/teams/x/channels/name/y", "channel"
    assert meant.is_about(*about, "team_admin")
    assert not meant.is_about(*about, "member")
