"""Who is entitled to what: the documentation's demand against what a persona's roles hold."""

import pytest

from mmconform.contract.permission import Requirement, Term
from mmconform.version import Version
from mmconform.world.people import PERSONAS, grants, holds, is_entitled, role_holds, unlike_a_fresh_role

NOW = Version(5, 36, 1)

SESSION = Requirement()
NOBODY_ASKED = Requirement(authenticated=False)
TOKENS = Requirement(all_of=((Term("read_user_access_token"),),), for_others=((Term("edit_other_users"),),))
SYSTEM = Requirement(all_of=((Term("manage_system"),),))
TEAM = Requirement(all_of=((Term("manage_slash_commands", "team"),),))
SELF_OR = Requirement(all_of=((Term("edit_other_users"),),), or_self=True)
EITHER = Requirement(all_of=((Term("manage_system"), Term("read_user_access_token")),))
BOTH = Requirement(all_of=((Term("manage_system"),), (Term("read_user_access_token"),)))

EVERYBODY = set(PERSONAS)
USERS = EVERYBODY - {"anonymous"}
TOKEN_USERS = {"token_user", "other_token_user"}
ADMIN = {"system_admin"}

# requirement, whose resource: who is let in.
ENTITLED = {
    "nothing demanded": (NOBODY_ASKED, "nobody", EVERYBODY),
    "a session": (SESSION, "nobody", USERS),
    "a session, about oneself": (SESSION, "self", USERS),
    "a system permission": (SYSTEM, "nobody", ADMIN),
    "a system permission, about oneself": (SYSTEM, "self", ADMIN),
    "a permission, about oneself": (TOKENS, "self", TOKEN_USERS | ADMIN),
    "a permission, about somebody else": (TOKENS, "other", ADMIN),
    "a permission, about nobody": (TOKENS, "nobody", ADMIN),
    "a team permission, about the team's": (TEAM, "other", {"team_admin"} | ADMIN),
    "a team permission, about one's own": (TEAM, "self", {"team_admin"} | ADMIN),
    "a team permission, about nothing there": (TEAM, "nobody", ADMIN),
    "self or a permission, about oneself": (SELF_OR, "self", USERS),
    "self or a permission, about somebody else": (SELF_OR, "other", ADMIN),
    "any of two": (EITHER, "nobody", TOKEN_USERS | ADMIN),
    "all of two": (BOTH, "nobody", ADMIN),
}


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("case", ENTITLED)
def test_a_persona_is_entitled_exactly_where_its_roles_hold_what_is_demanded(case, persona):
    requirement, about, entitled = ENTITLED[case]
    assert is_entitled(requirement, PERSONAS[persona], NOW, about) is (persona in entitled)


UNCLEAR = {
    # Self may do more than others, so it depends on what cannot be known; for the others it does not.
    "token_user": None,
    "member": False,
    "system_admin": True,
    "anonymous": False,
}


@pytest.mark.parametrize("persona", UNCLEAR)
def test_an_unclear_request_is_judged_only_where_self_and_others_may_do_the_same(persona):
    assert is_entitled(TOKENS, PERSONAS[persona], NOW, "unclear") is UNCLEAR[persona]


def test_two_demands_together_ask_for_both():
    own, others = Requirement(all_of=((Term("a"),),)), Requirement(for_others=((Term("b"),),))
    assert own.and_(others) == Requirement(all_of=((Term("a"),),), for_others=((Term("b"),),))


# What the version histories of the roles say (the sources stand in data/roles.yaml).
BOUNDS = [
    ("system_user_access_token", "create_user_access_token", "4.0.5", False),
    ("system_user_access_token", "create_user_access_token", "4.1.0", True),
    ("system_user_access_token", "read_user_access_token", "11.0.3", True),
    ("system_user_access_token", "revoke_user_access_token", "4.1.0", True),
    ("team_admin", "manage_slash_commands", "4.0.0", True),
    ("team_admin", "manage_slash_commands", "11.1.9", True),
    ("team_admin", "manage_slash_commands", "11.2.0", False),
    ("system_admin", "manage_jobs", "4.0.0", True),
    ("system_admin", "manage_jobs", "99.0.0", True),
    ("system_user", "manage_jobs", "5.36.1", False),
    ("team_user", "manage_slash_commands", "5.36.1", False),
]


@pytest.mark.parametrize(("role", "permission", "version", "expected"), BOUNDS)
def test_a_role_holds_a_permission_only_in_its_versions(role, permission, version, expected):
    assert role_holds(role, permission, Version.parse(version)) is expected


def test_a_team_role_counts_only_in_the_team():
    assert holds(PERSONAS["team_admin"], "manage_slash_commands", NOW, in_team=True)
    assert not holds(PERSONAS["team_admin"], "manage_slash_commands", NOW, in_team=False)


def test_every_grant_names_its_source():
    assert grants() and all(".go@v" in grant.source for grant in grants())


def test_every_role_of_a_persona_is_known():
    known = {grant.role for grant in grants()}
    assert {role for persona in PERSONAS.values() for role in persona.roles} <= known


def test_personas_have_short_names_of_their_own():
    """User names have room for 22 characters, of which 11 are taken by the prefix and the run id."""
    shorts = [persona.short for persona in PERSONAS.values()]
    assert len(set(shorts)) == len(shorts) and max(map(len, shorts)) <= 11


VERSIONS = [("5.36.1", (5, 36, 1)), ("v4.1", (4, 1, 0)), ("10", (10, 0, 0)), ("5.0.0-rc1", (5, 0, 0)), (" 6.5 ", (6, 5, 0))]


@pytest.mark.parametrize(("text", "expected"), VERSIONS)
def test_a_version_is_read_however_it_is_written(text, expected):
    assert Version.parse(text) == expected


@pytest.mark.parametrize("text", ["", "dev", "-1", "x5.1"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(ValueError, match="is no version"):
        Version.parse(text)


def test_versions_are_ordered_by_number_not_by_letter():
    assert Version.parse("4.9") < Version.parse("4.10") < Version.parse("5.0") < Version.parse("10.0")


FRESH = {g.permission for g in grants() if g.since <= NOW and not (g.until and g.until <= NOW)} - {"*"}


def test_a_system_administrator_of_whom_a_permission_was_taken_is_no_fresh_one():
    assert unlike_a_fresh_role("system_admin", FRESH | {"something_else"}, NOW) == []
    assert unlike_a_fresh_role("system_admin", FRESH - {"manage_slash_commands"}, NOW) == ["manage_slash_commands"]
    assert unlike_a_fresh_role("system_admin", FRESH - {"manage_jobs", "edit_other_users"}, NOW) == [
        "edit_other_users",
        "manage_jobs",
    ]


@pytest.mark.parametrize("permission", ["edit_other_users", "manage_system", "manage_jobs", "create_user_access_token"])
@pytest.mark.parametrize("role", ["system_user", "team_user", "team_admin"])
def test_a_role_that_was_given_what_others_hold_is_no_fresh_one(role, permission):
    shipped = {g.permission for g in grants() if g.role == role}
    assert unlike_a_fresh_role(role, shipped | {"create_post"}, NOW) == []
    assert unlike_a_fresh_role(role, shipped | {permission}, NOW) == [permission]


def test_a_permission_that_a_version_does_not_have_is_missed_of_nobody():
    """From 11.2 on nobody holds what was retired."""
    later = Version(99, 0)
    fresh = {g.permission for g in grants() if g.since <= later and not (g.until and later >= g.until)} - {"*"}
    assert unlike_a_fresh_role("system_admin", fresh, later) == []
