"""Who is asked about what: places, owners and callers of the probes of an operation."""

from dataclasses import replace

import pytest

from mmconform.contract.clause import Body, Operation, Parameter
from mmconform.contract.permission import Requirement
from mmconform.driving.asking import Asker
from mmconform.driving.probes import CALLERS, can_be_probed, probes
from mmconform.errors import NotHereError
from mmconform.judging.judge import Judge
from mmconform.servers.target import Server, Target
from mmconform.version import Version, Versions
from mmconform.wire.exchange import Position
from mmconform.wire.tape.redact import Redactor
from mmconform.world.people import known_persona
from mmconform.world.place import OPEN, SPOTS, TEAMS


def operation(*kinds, method="GET", **more):
    named = tuple(Parameter(f"{kind}_id", "path", True, {}, kind) for kind in kinds)
    path = "/x" + "".join(f"/{{{kind}_id}}" for kind in kinds)
    return Operation("X", method, path, named, None, {}, Requirement(), Versions(), **more)


def spots_of(asked):
    return list(dict.fromkeys(probe.spot for probe in probes(asked)))


@pytest.mark.parametrize(
    ("kinds", "spots"),
    [((), [None]), (("user",), [None]), (("team",), list(TEAMS)), (("channel",), list(SPOTS)), (("team", "post"), list(SPOTS))],
    ids=str,
)
def test_what_lies_in_a_team_or_a_channel_is_asked_about_wherever_such_a_thing_can_lie(kinds, spots):
    assert spots_of(operation(*kinds)) == spots


def test_everybody_is_asked_about_somebody_elses_and_whoever_can_have_one_about_their_own():
    asked = {(probe.persona, probe.about) for probe in probes(operation("post")) if probe.spot is OPEN}
    members = {"guest", "member", "channel_admin", "team_admin", "system_admin"}
    assert asked == {(name, "other") for name in CALLERS} | {(name, "self") for name in members}
    elsewhere = {probe.about for probe in probes(operation("post")) if probe.spot is not OPEN}
    assert elsewhere == {"other"}  # nobody but the resident posts there
    assert {(p.persona, p.about) for p in probes(operation("user")) if p.about == "self"} == {
        (name, "self") for name in set(CALLERS) - {"anonymous"}
    }


@pytest.mark.parametrize(
    ("persona", "spot", "roles"),
    [
        ("outsider", 0, set()),
        ("guest", 0, {"team_guest", "channel_guest"}),
        ("guest", 2, {"team_guest"}),
        ("member", 1, {"team_user", "channel_user"}),
        ("member", 3, {"team_user"}),
        ("member", 4, set()),
        ("channel_admin", 0, {"team_user", "channel_user", "channel_admin"}),
        ("channel_admin", 2, {"team_user"}),
        ("team_admin", 0, {"team_user", "team_admin", "channel_user"}),
        ("team_admin", 4, set()),
    ],
)
def test_what_somebody_is_where_the_thing_lies(persona, spot, roles):
    assert SPOTS[spot].position(known_persona(persona), in_channel=True).roles == roles
    if not SPOTS[spot].is_joined:
        assert SPOTS[spot].position(known_persona(persona), in_channel=False).roles == roles


def test_where_the_question_is_about_the_team_nobodys_role_in_a_channel_counts():
    assert OPEN.position(known_persona("channel_admin"), in_channel=False) == Position(frozenset({"team_user"}))


def test_what_changes_something_is_probed_where_it_is_known_what_a_served_request_says():
    assert can_be_probed(operation("post"))
    assert not can_be_probed(operation("post", method="DELETE"))
    assert can_be_probed(operation("post", method="DELETE", consumes=frozenset({"post"})))
    assert can_be_probed(operation("post", method="PUT", sample={}))
    puzzling = Parameter("thing_id", "path", True, {}, None, identifies=True)
    assert not can_be_probed(replace(operation(), path="/x/{thing_id}", parameters=(puzzling,)))
    assert not can_be_probed(replace(operation(), path="/x/{thing_id}"))  # nobody says what it stands for


def test_a_body_that_names_a_channel_is_asked_about_wherever_a_channel_lies():
    body = Body(True, {}, {"channel_id": "channel"})
    assert spots_of(replace(operation(method="POST", sample={}), body=body)) == list(SPOTS)


def test_what_this_server_does_not_offer_is_not_judged(contract):
    """Where tokens are switched off and stay so, none can be made to be asked about: that is no error of the run."""
    server = Server(Version(5, 36, 1), "5.36.1", "5.36.1", "", "team", "")
    judge = Judge(contract, Target("x", "x", "http://x", server, Redactor(replaying=True)), [])

    def send():
        raise NotHereError("personal access tokens are switched off on this server")

    Asker(contract.operations["GetUserAccessToken"], None, None, judge).ask("member", send)
    assert {(o.outcome, o.signature) for o in judge.observations} == {("skip", "not-on-this-target")}
    assert {o.clause for o in judge.observations} == {clause.id for clause in contract.of("GetUserAccessToken")}
