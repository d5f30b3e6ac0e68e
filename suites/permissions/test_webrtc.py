"""WebRTC, which servers had until 5.5: whoever has a session may ask."""

import pytest

from mmconform.judging.judge import Judge
from mmconform.plugin.suite import Actor, Settings, Stage, applies, clause


@clause("GetWebrtcToken.permission")
@applies(since="4.1")
def test_through_a_token_too(member: Actor) -> None:
    """Must be authenticated, in whatever way."""
    assert member.do("GetWebrtcToken").served
    assert member.through().do("GetWebrtcToken").served


@clause("GetWebrtcToken.effect.belongs-to-the-session")
def test_the_token_is_the_sessions(member: Actor, outsider: Actor) -> None:
    """The token returned is for the current user's session: the same for one session, another for another."""
    first, again, others = (actor.do("GetWebrtcToken") for actor in (member, member, outsider))
    assert first.served
    assert again.served
    assert others.served
    assert again.shows(first["token"] == again["token"], "two calls of one session got two tokens")
    assert first["token"] != others["token"], "two sessions got the same token"


@clause("GetWebrtcToken.status")
def test_switched_off_it_says_so(member: Actor, settings: Settings) -> None:
    """501 when WebRTC is switched off, and only then."""
    with settings(WebrtcSettings={"Enable": False}):
        assert member.do("GetWebrtcToken").refused_as("webrtc-off")
    assert member.do("GetWebrtcToken").served


@clause("GetWebrtcToken.auth")
def test_without_a_session_nobody_learns_that_it_is_off(anonymous: Actor, member: Actor, settings: Settings) -> None:
    """The session comes before the switch."""
    with settings(WebrtcSettings={"Enable": False}):
        assert anonymous.do("GetWebrtcToken").refused_as("no-session")
    assert member.do("GetWebrtcToken").served


@clause("GetWebrtcToken.since")
def test_it_is_there_until_5_6_and_then_for_nobody(anonymous: Actor, member: Actor, judge: Judge, stage: Stage) -> None:
    """No document says so, but from 5.6 on there is no such route, with or without a session."""
    if judge.contract.operations["GetWebrtcToken"].exists_in(stage.world.version):
        assert member.do("GetWebrtcToken").served
    else:
        assert member.do("GetWebrtcToken").refused_as("no-route")
        assert anonymous.do("GetWebrtcToken").refused_as("no-route")


@clause("GetWebrtcToken.status")
@pytest.mark.parametrize("gateway", ["away", "another server"])
def test_no_token_is_told_that_no_gateway_knows(member: Actor, settings: Settings, stage: Stage, gateway: str) -> None:
    """A gateway that is not there, or says no: whatever the server answers, it tells no token."""
    url = "http://127.0.0.1:1" if gateway == "away" else stage.client.base_url
    with settings(WebrtcSettings={"GatewayAdminUrl": f"{url}/api/v4/no/gateway"}):
        reply = member.do("GetWebrtcToken")
        assert reply.shows(not reply.exchange.is_success, "the answer tells a token that the gateway does not know")
    assert member.do("GetWebrtcToken").served
