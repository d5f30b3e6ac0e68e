"""Who is entitled to what: the documentation's demand against what a persona's roles hold."""

from dataclasses import replace

import pytest

from mmconform.contract.clause import Operation, Parameter
from mmconform.contract.permission import (
    UNKNOWN_RELATION,
    Cases,
    Every,
    Holds,
    Is,
    Oneself,
    Requirement,
    Some,
    Where,
    Within,
    meanings,
    permissions,
)
from mmconform.knowledge import Unknown
from mmconform.version import Version, Versions
from mmconform.wire.exchange import Position
from mmconform.world import kinds
from mmconform.world.entitlement import entitlement
from mmconform.world.people import PERSONAS, Persona, Roles, grants, known_persona, unlike_a_fresh_role

NOW = Version(5, 36, 1)

EDIT = Holds("edit_other_users", "system")
READ = Holds("read_user_access_token", "system")
MANAGE = Holds("manage_system", "system")
SLASH = Holds("manage_slash_commands", "team")

SESSION = Requirement()
NOBODY_ASKED = Requirement(authenticated=False)
TOKENS = Requirement(demand=Every((READ, Some((Oneself(), EDIT)))))
SYSTEM = Requirement(demand=MANAGE)
TEAM = Requirement(demand=SLASH)
SELF_OR = Requirement(demand=Some((Oneself(), EDIT)))
EITHER = Requirement(demand=Some((MANAGE, READ)))
BOTH = Requirement(demand=Every((MANAGE, READ)))


def asked(requirement, kind="command"):
    """An operation with this requirement, about something of a kind."""
    named = Parameter("id", "path", True, {}, kind)
    return Operation("X", "GET", "/x/{id}", (named,), None, {}, requirement, Versions())


def entitled(requirement, persona, about, roles=None, kind="command"):
    return entitlement(asked(requirement, kind), PERSONAS[persona], roles or Roles(NOW), about)


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
    "self or a permission, about oneself": (SELF_OR, "self", USERS),
    "self or a permission, about somebody else": (SELF_OR, "other", ADMIN),
    "any of two": (EITHER, "nobody", TOKEN_USERS | ADMIN),
    "all of two": (BOTH, "nobody", ADMIN),
}


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("case", ENTITLED)
def test_a_persona_is_entitled_exactly_where_its_roles_hold_what_is_demanded(case, persona):
    requirement, about, those = ENTITLED[case]
    assert entitled(requirement, persona, about) is (persona in those)


UNCLEAR = {
    # Self may do more than others, so it depends on what cannot be known; for the others it does not.
    "token_user": Unknown(),
    "member": False,
    "system_admin": True,
    "anonymous": False,
}


@pytest.mark.parametrize("persona", UNCLEAR)
def test_an_unclear_request_is_judged_only_where_self_and_others_may_do_the_same(persona):
    assert entitled(TOKENS, persona, "unclear") == UNCLEAR[persona]


def test_two_demands_together_ask_for_both():
    """`A. Must be logged in as the user or have B.` is A, and self or B; not: self, or A and B."""
    both = Requirement(demand=READ).and_(SELF_OR)
    assert both == TOKENS
    assert entitled(both, "member", "self") is False
    assert entitled(both, "token_user", "self") is True
    assert entitled(both, "token_user", "other") is False


# -- what is not known ---------------------------------------------------------------------------------------------------

LATER = Roles(Version(11, 1))


def told(**more):
    """What a server of 11.1 says of its roles."""
    granted = {"system_admin": {"create_post", "view_team", "manage_system"}, "system_user": set(), "team_user": {"view_team"}}
    granted |= {"team_admin": set(), "channel_user": {"create_post"}, "channel_admin": set(), "system_user_access_token": set()}
    return Roles(Version(11, 1), {role: frozenset(held) for role, held in (granted | more).items()})


def test_a_permission_of_which_no_row_tells_is_held_by_nobody_knows_whom_but_the_administrator():
    demand = Requirement(demand=Holds("create_team", "system"))
    assert entitled(demand, "member", "nobody", LATER) == Unknown("unknown-permission")
    assert entitled(demand, "system_admin", "nobody", LATER) is True


@pytest.mark.parametrize("persona", sorted(USERS))
def test_a_name_that_no_server_knows_is_held_by_nobody_knows_whom(persona):
    demand = Requirement(demand=Holds("manage_systems"))
    assert entitled(demand, persona, "nobody", LATER) == Unknown("unknown-permission")
    assert entitled(demand, persona, "nobody", told()) == Unknown("unknown-permission")


@pytest.mark.parametrize(("permission", "version"), [("manage_outgoing_oauth_connections", "5.36.1"), ("manage_jobs", "4.0.5")])
def test_a_permission_that_a_version_has_not_yet_is_held_by_nobody_knows_whom(permission, version):
    roles = Roles(Version.parse(version))
    assert entitled(Requirement(demand=Holds(permission)), "system_admin", "nobody", roles) == Unknown("unknown-permission")


@pytest.mark.parametrize("persona", sorted(USERS))
def test_a_permission_that_nobody_holds_there_though_data_have_it_is_no_longer_known(persona):
    """A server later than our data has retired it: nobody is served without it, who is served."""
    demand = Requirement(demand=Holds("create_team", "system"))
    assert entitled(demand, persona, "nobody", told()) == Unknown("unknown-permission")
    somebodys = told(team_user={"view_team", "create_team"})
    assert entitled(demand, persona, "nobody", somebodys) is False


@pytest.mark.parametrize("persona", sorted(USERS))
def test_a_permission_that_was_retired_is_held_by_nobody(persona):
    assert entitled(TEAM, persona, "other", Roles(Version(11, 6))) is False
    assert entitled(TEAM, persona, "other", Roles(Version(11, 1, 9))) is (persona in {"team_admin", "system_admin"})


def test_the_server_itself_says_who_holds_what():
    system = Requirement(demand=Holds("manage_system", "system"))
    assert entitled(system, "member", "nobody", told()) is False
    assert entitled(system, "member", "nobody", told(system_user={"manage_system"})) is True
    view = Requirement(demand=Holds("view_team", "system"))  # which somebody else holds, so that it is there
    assert entitled(view, "system_admin", "nobody", told(system_admin=set())) is False


def test_of_a_role_that_the_server_did_not_tell_data_do():
    roles = Roles(Version(11, 1), {"system_user": frozenset()})
    assert entitled(TOKENS, "token_user", "self", roles) is True
    assert entitled(TOKENS, "member", "self", roles) is False


IN_SOME_TEAM = Requirement(demand=Holds("view_team", "team"))
IN_SOME_CHANNEL = Requirement(demand=Holds("create_post", "channel"))


def test_a_team_permission_counts_in_the_team_and_anywhere_else_nobody_knows():
    assert entitled(IN_SOME_TEAM, "member", "other", told()) is True
    assert entitled(IN_SOME_TEAM, "member", "nobody", told()) == Unknown("unknown-identifier")
    assert entitled(IN_SOME_TEAM, "member", "other", told(), kind="user") == Unknown("unknown-identifier")
    assert entitled(IN_SOME_TEAM, "outsider", "other", told()) is False
    assert entitled(IN_SOME_TEAM, "system_admin", "nobody", told()) is True


def test_a_channel_permission_may_count_in_any_channel():
    assert entitled(IN_SOME_CHANNEL, "outsider", "other", told()) == Unknown("unknown-identifier")
    assert entitled(IN_SOME_CHANNEL, "outsider", "other", told(channel_user=set())) is False
    assert entitled(IN_SOME_CHANNEL, "system_admin", "other", told()) is True


POSTING = Requirement(demand=Holds("create_post", "channel"))
READING = Requirement(demand=Holds("read_public_channel", "channel"))
MANAGING = Requirement(demand=Holds("manage_channel_roles", "channel"))


def test_in_a_channel_of_ours_it_is_known_who_holds_what():
    """A member of the team is in their own channel and in nobody else's; whoever made theirs is its administrator too."""
    roles = told(team_user={"read_public_channel"}, channel_user={"create_post"}, channel_admin={"manage_channel_roles"})
    assert entitled(POSTING, "member", "self", roles, kind="post") is True
    assert entitled(POSTING, "member", "other", roles, kind="post") is False
    assert entitled(READING, "member", "other", roles, kind="channel") is True
    assert entitled(READING, "outsider", "other", roles, kind="channel") is False
    assert entitled(MANAGING, "member", "self", roles, kind="channel") == Unknown("unknown-identifier")
    assert entitled(MANAGING, "member", "other", roles, kind="channel") is False
    assert entitled(IN_SOME_TEAM, "member", "self", told(), kind="file") is True
    assert entitled(POSTING, "member", "nobody", roles, kind="post") == Unknown("unknown-identifier")


@pytest.mark.parametrize("persona", sorted(USERS))
def test_what_is_not_understood_entitles_and_refuses_nobody(persona):
    """The sentence may demand more than the rest, or, as in "having this one voids the above", less."""
    for demand in (Every(), MANAGE):
        partly = Requirement(demand=demand, is_understood=False)
        assert entitled(partly, persona, "self") == Unknown("partly-understood")


HERE, THERE = Within(Versions.parse(">=11.0")), Within(Versions.parse("<11.0"))
RELATIONS = [Is("author", "post"), Where("channel", "public"), Cases(((HERE, Is("member", "channel")),))]


@pytest.mark.parametrize("demand", RELATIONS)
def test_what_somebody_is_to_a_thing_is_not_known_but_may_not_matter(demand):
    def asks(whole):
        return [entitled(Requirement(demand=whole), persona, "other", told()) for persona in ("member", "system_admin")]

    unknown = Unknown("unknown-relation")
    assert asks(demand) == [unknown, unknown]
    assert asks(Some((demand, MANAGE))) == [unknown, True]
    assert asks(Every((demand, MANAGE))) == [False, unknown]


def test_a_case_of_other_versions_does_not_count():
    demand = Requirement(demand=Cases(((THERE, READ), (HERE, MANAGE))))
    assert entitled(demand, "system_admin", "nobody", told()) is True
    assert entitled(demand, "token_user", "nobody", told()) is False
    assert entitled(demand, "token_user", "nobody", Roles(Version(10, 8))) is True


def test_unknown_is_taken_for_neither_yes_nor_no():
    with pytest.raises(TypeError):
        bool(Unknown("partly-understood"))


# What the version histories of the roles say (the sources stand in data/roles.yaml).
BOUNDS = [
    ("system_user_access_token", "create_user_access_token", "4.1.0", True),
    ("system_user_access_token", "read_user_access_token", "11.0.3", True),
    ("system_user_access_token", "revoke_user_access_token", "4.1.0", True),
    ("team_admin", "manage_slash_commands", "4.0.0", True),
    ("team_admin", "manage_slash_commands", "11.1.9", True),
    ("team_admin", "manage_slash_commands", "11.2.0", False),
    ("team_admin", "manage_others_slash_commands", "11.6.0", True),
    ("team_admin", "manage_own_slash_commands", "11.2.0", True),
    ("system_admin", "manage_slash_commands", "11.2.0", False),
    ("system_admin", "manage_jobs", "4.1.0", True),
    ("system_admin", "manage_jobs", "99.0.0", True),
    ("system_user", "manage_jobs", "5.36.1", False),
    ("team_user", "manage_slash_commands", "5.36.1", False),
]


@pytest.mark.parametrize(("role", "permission", "version", "expected"), BOUNDS)
def test_a_role_holds_a_permission_only_in_its_versions(role, permission, version, expected):
    assert Roles(Version.parse(version)).hold(role, permission) is expected


def test_a_server_has_the_roles_that_it_tells_of_and_those_that_data_name():
    poster = Persona("poster", "poster", ("system_post_all", "system_user_access_token"), "team_user")
    assert poster.system_roles_among(Roles(NOW)) == {"system_user", "system_user_access_token"}
    assert poster.system_roles_among(Roles(NOW, {"system_post_all": frozenset()})) == set(poster.system_roles)
    assert poster.system_roles_among(Roles(Version(4, 0))) == {"system_user"}


def test_every_grant_names_its_source():
    assert grants() and all(".go@" in grant.source for grant in grants())


def test_every_role_of_a_persona_is_known():
    known = {grant.role for grant in grants()}
    assert {role for persona in PERSONAS.values() for role in persona.roles} <= known


def test_personas_have_short_names_of_their_own():
    """User names have room for 22 characters, of which 11 are taken by the prefix and the run id."""
    shorts = [persona.short for persona in PERSONAS.values()]
    assert len(set(shorts)) == len(shorts) and max(map(len, shorts)) <= 11


FRESH = {g.permission for g in grants() if g.versions.include(NOW)} - {"*"}


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
    shipped = {g.permission for g in grants() if g.role == role and g.versions.include(NOW)}
    assert unlike_a_fresh_role(role, shipped | {"create_post"}, NOW) == []
    assert unlike_a_fresh_role(role, shipped | {permission}, NOW) == [permission]


def test_a_permission_that_a_version_does_not_have_is_missed_of_nobody():
    """From 11.2 on nobody holds what was retired."""
    later = Version(99, 0)
    fresh = {g.permission for g in grants() if g.versions.include(later)} - {"*"}
    assert unlike_a_fresh_role("system_admin", fresh, later) == []


CHANNEL = Requirement(demand=Holds("read_channel", "channel"))


@pytest.mark.parametrize(
    ("persona", "local_roles", "is_entitled"),
    [
        ("member", {"team_user", "channel_user"}, True),
        ("member", {"team_user"}, False),
        ("guest", {"team_guest", "channel_guest"}, True),
        ("guest", {"team_guest"}, False),
        ("outsider", set(), False),
        ("system_admin", set(), True),
    ],
)
def test_a_permission_in_a_channel_is_held_through_what_somebody_is_there(persona, local_roles, is_entitled):
    told = {
        "system_user": {"create_team"},
        "system_guest": set(),
        "system_admin": {"read_channel"},
        "team_user": {"view_team"},
        "team_guest": {"view_team"},
        "channel_user": {"read_channel"},
        "channel_guest": {"read_channel"},
    }
    roles = Roles(NOW, {role: frozenset(held) for role, held in told.items()})
    asker = known_persona(persona)
    assert entitlement(asked(CHANNEL, "channel"), asker, roles, "other", Position(frozenset(local_roles))) == is_entitled


def test_a_guest_holds_nothing_that_everybody_with_an_account_holds():
    roles = Roles(NOW, {"system_user": frozenset({"create_team"}), "system_guest": frozenset()})
    requirement = Requirement(demand=Holds("create_team", "system"))
    assert entitlement(asked(requirement), known_persona("guest"), roles, "other") is False
    assert entitlement(asked(requirement), known_persona("member"), roles, "other") is True


@pytest.mark.parametrize(
    ("demand", "about", "position", "is_entitled"),
    [
        (Is("uploader", "channel"), "self", Position(frozenset()), True),
        (Is("uploader", "channel"), "other", Position(frozenset()), False),
        (Is("uploader", "file"), "other", Position(frozenset()), UNKNOWN_RELATION),  # the request names no file
        (Is("uploader", "channel"), "self", None, UNKNOWN_RELATION),
        (Is("member", "channel"), "other", Position(frozenset({"channel_guest"})), True),
        (Is("non-guest member", "channel"), "other", Position(frozenset({"channel_guest"})), False),
        (Is("admin", "channel"), "other", Position(frozenset({"channel_user"})), False),
        (Where("channel", "public"), "other", Position(frozenset(), "public"), True),
        (Where("channel", "public"), "other", Position(frozenset(), "private"), False),
        (Where("channel", "public"), "other", Position(frozenset()), UNKNOWN_RELATION),
        (Where("licence", "cloud"), "other", Position(frozenset(), "public"), UNKNOWN_RELATION),
    ],
)
def test_what_somebody_is_to_a_thing_is_known_where_it_is_known_where_that_lies(demand, about, position, is_entitled):
    expected = Unknown(is_entitled) if is_entitled is UNKNOWN_RELATION else is_entitled
    requirement = Requirement(demand=demand)
    assert entitlement(asked(requirement, "channel"), PERSONAS["member"], Roles(NOW), about, position) == expected


@pytest.mark.parametrize(
    ("demand", "kind", "about", "is_entitled"),
    [
        (Is("creator", "emoji"), "emoji", "self", True),  # each is somebody's, wherever it lies
        (Is("creator", "emoji"), "emoji", "other", False),
        (Is("creator", "emoji"), "emoji", "unclear", UNKNOWN_RELATION),
        (Is("creator", "emoji"), "emoji", "nobody", UNKNOWN_RELATION),
        (Is("creator", "oauth-app"), "oauth-app", "other", UNKNOWN_RELATION),  # nobody says whose it is
        (Is("creator", "upload"), "user", "self", True),  # it tells of the uploads of that user
        (Is("creator", "upload"), "user", "other", False),
        (Is("creator", "upload"), "team", "other", UNKNOWN_RELATION),
        (Is("creator", "something"), "user", "self", UNKNOWN_RELATION),
        (Is("one of", "users"), "user", "self", True),
        (Is("one of", "users"), "user", "other", False),
        (Is("one of", "users"), "team", "other", UNKNOWN_RELATION),
    ],
)
def test_whose_a_thing_is_is_known_of_what_somebody_owns(demand, kind, about, is_entitled):
    expected = Unknown(is_entitled) if is_entitled is UNKNOWN_RELATION else is_entitled
    assert entitled(Requirement(demand=demand), "member", about, kind=kind) == expected


@pytest.mark.parametrize(
    ("kind", "position", "is_entitled"),
    [("image", Position(frozenset()), False), ("file", Position(frozenset()), False), ("post", Position(frozenset()), None)],
)
def test_a_picture_is_a_file_so_that_its_uploader_is_one(kind, position, is_entitled):
    found = entitlement(
        asked(Requirement(demand=Is("uploader", "file")), kind), PERSONAS["member"], Roles(NOW), "other", position
    )
    assert found == (Unknown(UNKNOWN_RELATION) if is_entitled is None else is_entitled)


@pytest.mark.parametrize(
    "name_of", [("archived-channel", "channel", True), ("thread", "post", True), ("post", "thread", False), ("app", "app", True)]
)
def test_a_special_form_and_a_state_of_a_kind_are_that_kind(name_of):
    name, of, expected = name_of
    assert kinds.is_a(name, of) is expected


def test_what_a_request_of_ours_asks_for_decides_between_cases_and_of_another_request_nobody_knows():
    """A probe says what it asks for; whoever asks otherwise has no place."""
    public = replace(asked(Requirement(demand=Where("channel", "public")), "team"), states={"channel": "public"})
    private = replace(public, requirement=Requirement(demand=Where("channel", "private")))
    there = Position(frozenset())
    assert entitlement(public, PERSONAS["member"], Roles(NOW), "other", there) is True
    assert entitlement(private, PERSONAS["member"], Roles(NOW), "other", there) is False
    assert entitlement(public, PERSONAS["member"], Roles(NOW), "other") == Unknown(UNKNOWN_RELATION)


# -- permissions that documents call otherwise -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({"manage_incoming_webhooks", "manage_outgoing_webhooks"}, True),
        ({"manage_incoming_webhooks"}, Unknown("unknown-permission")),
        (set(), False),
    ],
)
def test_a_permission_that_was_divided_is_held_by_who_holds_all_of_it(held, expected):
    """app/permissions_migrations.go@v5.36.1 getWebhooksPermissionsSplitMigration."""
    roles = Roles(Version.parse("11.1.0"), {"team_admin": frozenset(held), "system_user": frozenset()})
    assert roles.hold("team_admin", "manage_webhooks") == expected


def test_a_server_that_has_the_permission_itself_is_asked_for_nothing_else():
    roles = Roles(Version.parse("5.12.6"), {"team_admin": frozenset({"manage_webhooks"}), "team_user": frozenset()})
    assert roles.hold("team_admin", "manage_webhooks") is True
    assert roles.hold("team_user", "manage_webhooks") is False


def test_what_a_misspelt_permission_means_is_one_that_servers_have():
    assert all(name in permissions() for means in meanings().values() for name in means)
    roles = Roles(Version.parse("11.1.0"), {"system_admin": frozenset({"manage_oauth"}), "system_user": frozenset()})
    assert roles.hold("system_admin", "mange_oauth") is True and roles.hold("system_user", "mange_oauth") is False


def test_of_whom_a_request_speaks_that_names_but_a_place_is_not_known():
    """A webhook of a channel is made for oneself unless the request says otherwise, at which nobody has looked."""
    demand = Requirement(demand=Some((Oneself(), Holds("edit_other_users", "system"))))
    for kind in ("team", "channel"):
        assert entitled(demand, "member", "other", kind=kind) == Unknown(UNKNOWN_RELATION)
        assert entitled(demand, "system_admin", "other", kind=kind) is True
    assert entitled(demand, "member", "other", kind="command") is False
