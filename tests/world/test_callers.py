"""Who can be had as a caller on a server, and why others cannot."""

import pytest

from mmconform.version import Version
from mmconform.world.callers import missing, why_nobody
from mmconform.world.features import TOKENS
from mmconform.world.people import BESIDE, HOLDERS, MADE, OF_TESTS, TEAM_BOT

NEW, GUESTS = Version(11), {"system_guest"}


@pytest.mark.parametrize(
    ("version", "roles", "off", "nobody"),
    [
        (NEW, GUESTS, (), {}),
        (NEW, None, (), {}),
        (NEW, (), (), {"guest": "no guests"}),
        (NEW, GUESTS, {TOKENS}, {"guest": "calls with a token"}),
        (Version(5, 12), None, (), {TEAM_BOT: "made a bot"}),
        (Version(5, 11), None, (), {"guest": "no guests", TEAM_BOT: "made a bot"}),
    ],
)
def test_a_guest_calls_with_a_token_and_a_bot_needs_no_setting(version, roles, off, nobody):
    told = {name: why for name, one in BESIDE.items() if (why := why_nobody(one, version, roles, off))}
    assert told.keys() == nobody.keys() and all(part in told[name] for name, part in nobody.items())


def test_where_people_are_nobody_is_given_anything_for_a_moment():
    assert dict(missing(NEW, GUESTS, probes=True)) == {}
    assert dict(missing(NEW, GUESTS, may_configure=False, probes=False)).keys() == OF_TESTS.keys()
    assert dict(missing(NEW, GUESTS, may_configure=False, probes=True)).keys() == MADE.keys() - BESIDE.keys()


def test_before_roles_were_data_nobody_is_had_beside_the_people_of_every_world_but_who_needs_none():
    assert dict(missing(Version(4, 8), {}, probes=False)).keys() == OF_TESTS.keys()
    assert dict(missing(Version(5), GUESTS, probes=False)).keys() == {"bot", "bot_editor"}
    assert HOLDERS.keys() < dict(missing(Version(4, 8), {}, probes=True)).keys()
