"""Who is asked as holder of just what is demanded, and as who lacks just that; and what is found to have opened."""

from dataclasses import replace

import pytest

from mmconform.contract.clause import Operation, Parameter, Sample
from mmconform.contract.permission import Cases, Every, Holds, Is, Oneself, Requirement, Where, all_of, any_of, permissions
from mmconform.driving.composing import Probe
from mmconform.driving.near_misses import NearMisses, Trials, decides
from mmconform.version import Version, Versions
from mmconform.wire.client import UnseenError
from mmconform.wire.exchange import Exchange
from mmconform.world.people import Roles
from mmconform.world.place import OPEN, SPOTS
from mmconform.world.spare import Spare, never_given

PRIVATE, ELSEWHERE = SPOTS[1], SPOTS[2]
VIEW, ADD, JOBS, EDIT = (
    Holds("view_team", "team"),
    Holds("add_user_to_team", "team"),
    Holds("manage_jobs", "system"),
    Holds("edit_other_users", "system"),
)
READ, PUBLIC = Holds("read_channel", "channel"), Holds("read_public_channel", "team")
MANAGE = Holds("manage_system", "system")
EVERYTHING = frozenset(name for name, one in permissions().items() if one.versions.include(Version(11, 1))) - never_given()
#: What everybody holds on the server of these tests.
ROLES = Roles(
    Version(11, 1),
    {
        "system_user": frozenset({"create_team"}),
        "team_user": frozenset({"view_team", "read_public_channel"}),
        "channel_user": frozenset({"read_channel"}),
        "system_admin": frozenset(permissions()),
    },
)


def operation(demand, *kinds, **more):
    named = tuple(Parameter(f"{kind}_id", "path", True, {}, kind) for kind in kinds)
    path = "/x" + "".join(f"/{{{kind}_id}}" for kind in kinds)
    return Operation("X", "GET", path, named, None, {}, Requirement(demand=demand, **more), Versions())


def trials(demand, *kinds, **more):
    held = {"system_manager": frozenset({"manage_jobs"}), "system_user_manager": frozenset({"view_team"})}
    return Trials(operation(demand, *kinds, **more), ROLES, Spare(None, None, None, "id", "role", EVERYTHING, held))


def holders(*demand):
    return [(t.probe.persona, set(t.held), t.probe.spot) for t in trials(*demand).of_holders()]


def near_misses(*demand):
    asked = list(trials(*demand).of_near_misses())
    assert all(t.held == EVERYTHING - t.about for t in asked) and {t.probe.persona for t in asked} <= {"near_miss"}
    return [(set(t.about), t.probe.spot) for t in asked]


def test_of_what_stands_for_one_another_each_is_enough_and_who_lacks_all_is_refused():
    either = any_of(JOBS, EDIT)
    assert holders(either) == [("holder", {"edit_other_users"}, None), ("holder", {"manage_jobs"}, None)]
    assert near_misses(either) == [({"edit_other_users", "manage_jobs"}, None)]


def test_of_what_is_demanded_together_who_lacks_one_is_refused():
    both = all_of(JOBS, EDIT)
    assert holders(both) == [("holder", {"edit_other_users", "manage_jobs"}, None)]
    assert near_misses(both) == [({"edit_other_users"}, None), ({"manage_jobs"}, None)]


def test_whoever_has_a_persons_things_about_which_nobody_asks_is_not_a_near_miss():
    """They ask about somebody else's: of their own they would be let in."""
    assert near_misses(any_of(Oneself(), EDIT), "user") == [({"edit_other_users"}, None)]


def test_many_that_stand_for_one_another_are_lacked_all_at_once():
    many = [Holds(name, "system") for name in sorted(EVERYTHING) if name.startswith("sysconsole_read_environment")]
    assert len(many) > 5
    assert near_misses(any_of(*many)) == [({one.permission for one in many}, None)]
    assert len(holders(any_of(*many))) == len(many)


def test_a_permission_is_held_where_it_counts():
    """In the team, or in the channel, and nowhere else; what all who are there hold, by somebody who has no other role."""
    assert holders(ADD, "team") == [("team_holder", {"add_user_to_team"}, OPEN)]
    assert holders(Holds("delete_others_posts", "channel"), "channel") == [("channel_holder", {"delete_others_posts"}, OPEN)]
    assert holders(all_of(ADD, EDIT), "team") == [("holder", {"add_user_to_team", "edit_other_users"}, OPEN)]
    assert holders(VIEW, "team") == [("bare_holder", {"view_team"}, OPEN)]
    assert near_misses(VIEW, "team") == [({"view_team"}, OPEN)]


def test_what_another_case_gives_is_not_there_in_the_place_where_they_are_refused():
    """A public channel is read by who may read those of the team; a private one is not."""
    seen = any_of(READ, all_of(Where("channel", "public"), PUBLIC))
    assert near_misses(seen, "channel") == [({"read_channel", "read_public_channel"}, OPEN), ({"read_channel"}, PRIVATE)]
    apart = Cases(((Where("channel", "public"), PUBLIC), (Where("channel", "private"), READ)))
    assert near_misses(apart, "channel") == [({"read_public_channel"}, OPEN), ({"read_channel"}, PRIVATE)]


def test_members_are_let_in_without_a_permission_and_refused_where_they_are_none():
    inside = any_of(Is("member", "channel"), READ)
    assert near_misses(inside, "channel") == [({"read_channel"}, ELSEWHERE)]


@pytest.mark.parametrize("demand", [Every(), any_of(Is("creator", "app"), JOBS), any_of(Where("licence", "cloud"), JOBS)])
def test_where_it_is_not_known_who_is_refused_nobody_is(demand):
    assert near_misses(demand) == []


def test_what_the_server_does_not_have_is_given_to_nobody_and_lacked_by_all():
    assert holders(any_of(JOBS, Holds("no_such_permission", "system"))) == [("holder", {"manage_jobs"}, None)]


def test_what_documents_call_otherwise_is_what_the_server_calls_it():
    """And where it was divided there, all parts of it are held, or lacked."""
    parts = {"manage_incoming_webhooks", "manage_outgoing_webhooks"}
    assert holders(Holds("manage_webhooks", "team"), "team") == [("team_holder", parts, OPEN)]
    assert near_misses(Holds("manage_webhooks", "team"), "team") == [(parts, OPEN)]


def test_whoever_lacks_only_what_is_given_to_nobody_holds_all_else():
    [near] = trials(MANAGE).of_near_misses()
    assert (near.held, near.about) == (EVERYTHING, {"manage_system"})
    [holder] = trials(MANAGE).of_holders()
    assert not holder.held <= EVERYTHING


def test_a_delegated_role_is_asked_where_it_is_known_whether_it_lets_in():
    asked = {
        name: [(t.probe, t.held) for t in trials(JOBS).of_delegated(name)]
        for name in ("system_manager", "system_user_manager", "absent")
    }
    assert asked == {
        "system_manager": [(Probe("system_manager", "other", None), {"manage_jobs"})],
        "system_user_manager": [(Probe("system_user_manager", "other", None), {"view_team"})],
        "absent": [],
    }
    assert list(trials(Is("creator", "app")).of_delegated("system_manager")) == []


def test_whose_permissions_do_not_decide_is_asked_about_by_nobody():
    assert decides(operation(JOBS)) and not decides(operation(Every())) and not decides(operation(JOBS, is_understood=False))
    assert not decides(operation(JOBS, "nobody-knows-what"))


def test_of_the_closed_list_only_probes_ask_and_no_near_miss():
    """A disruptive run may send it; once each is enough."""
    assert not decides(replace(operation(JOBS), method="POST", path="/caches/invalidate", sample=Sample(body={})))


# -- what opened ---------------------------------------------------------------------------------------------------


class Halving(NearMisses):
    """Asks nobody: the server serves whoever holds one of some sets."""

    def __init__(self, *opening):
        self.opening, self.asked, self.operation = [frozenset(one) for one in opening], [], operation(JOBS)

    def _answer_with(self, held, trial):
        self.asked.append(held)
        is_open = any(one <= held for one in self.opening)
        return Exchange("X", "near_miss", "other", "GET", "/x", {}, None, 200 if is_open else 403, {}, b"")


@pytest.mark.parametrize(
    "opening",
    [
        ["edit_brand"],
        [min(EVERYTHING)],
        [max(EVERYTHING)],
        ["create_team", "view_team"],
        ["add_reaction", "edit_brand", "view_team"],
        [],
    ],
)
def test_what_opened_is_found_by_few_questions(opening):
    [near] = trials(MANAGE).of_near_misses()
    server = Halving(opening)
    found, answer = server._opened_by(near)
    assert found == set(opening) and answer.is_success
    assert len(server.asked) <= 1 + 10 * len(opening)


def test_of_several_that_open_one_is_told():
    [near] = trials(MANAGE).of_near_misses()
    assert Halving(["view_team"], ["edit_brand"])._opened_by(near)[0] == {"edit_brand"}


def test_a_server_that_no_longer_serves_is_blamed_for_nothing():
    [near] = trials(MANAGE).of_near_misses()
    with pytest.raises(UnseenError):
        Halving()._opened_by(near)
