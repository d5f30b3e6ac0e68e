"""A role that nobody has, filled for a while: found, written down before, read back, and put back."""

import pytest

from mmconform.contract.permission import permissions
from mmconform.reference import named
from mmconform.reference.app import Answer
from mmconform.reference.server import Reference
from mmconform.reference.store import Role, User
from mmconform.servers.live import tidy
from mmconform.servers.live.journal import Journal, read
from mmconform.version import Version
from mmconform.wire.client import Client
from mmconform.wire.tape.redact import Redactor
from mmconform.world import spare
from mmconform.world.build import build
from mmconform.world.kinds.user import login
from mmconform.world.people import CHANNEL_SPARE, HOLDERS, SPARE, TEAM_SPARE, Roles, known_persona
from mmconform.world.place import OPEN, Place
from mmconform.world.spare import NoSpareError, find, never_given
from mmconform.world.world import World

NEWEST, ROLE = "11.0.3", "system_custom_group_admin"
#: A role that a server has beside the one that is tried first.
OTHER = "system_post_all"


@pytest.fixture(scope="module")
def made():
    """A server with a world and a place on it."""
    app = named.app("reference", NEWEST)
    app.store.config["ServiceSettings"]["EnableUserAccessTokens"] = True
    with Reference(app, "operator", "a password") as running:
        client = Client(running.url, Redactor(replaying=False))
        world = World(client, Version.parse(NEWEST), "abc123", login(client, "operator", "a password", "operator"))
        world.told_roles = {name: frozenset(role.permissions) for name, role in app.store.roles.items()}
        world.told_roles["system_admin"] = frozenset(permissions())
        build(world)
        yield app, world, Place(world, client)


@pytest.fixture
def app(made, monkeypatch):
    """The server; what a test does to it is undone."""
    app, _, place = made
    roles = {name: Role(name, set(role.permissions), role.id) for name, role in app.store.roles.items()}
    monkeypatch.setattr(app.store, "roles", roles)
    monkeypatch.setattr(app, "handlers", dict(app.handlers))
    monkeypatch.setattr(app.store, "users", dict(app.store.users))
    monkeypatch.setattr(place, "_joining", [])
    monkeypatch.setattr(place, "_consumed_people", [])
    for held in ("_fresh", "_spares", "_doubles"):
        monkeypatch.setattr(place, held, {})
    return app


@pytest.fixture
def world(made, tmp_path, monkeypatch):
    monkeypatch.setattr(
        made[1], "journal", Journal(tmp_path / "reports" / "host" / "journal-abc123.jsonl", made[1].client.base_url)
    )
    return made[1]


@pytest.fixture
def place(made):
    return made[2]


def found(world, place):
    return find(world, world.client, place)


def shipped(app, role=ROLE):
    return {*app.store.roles[role].permissions}


# -- which role ----------------------------------------------------------------------------------------------------


def test_the_first_that_nobody_has_is_written_down_before_it_is_changed(app, world, place):
    held = shipped(app)
    assert held and found(world, place).name == ROLE
    assert app.store.roles[ROLE].permissions == set()
    [line] = [row for row in read(world.journal.path) if row["what"] == "role"]
    assert (line["id"], set(line["permissions"])) == (app.store.roles[ROLE].id, held)


@pytest.mark.parametrize("is_active", [True, False])
def test_one_that_somebody_has_is_left_alone(app, world, place, is_active):
    app.store.roles[OTHER] = Role(OTHER, {"create_post"})
    stranger = User("somebody", "somebody@example.org", "", ["system_user", ROLE])
    stranger.is_active = is_active  # who may come back
    app.store.users[stranger.id] = stranger
    held = shipped(app)
    assert found(world, place).name == OTHER and shipped(app) == held


def test_who_had_it_in_an_earlier_run_of_ours_is_nobody(app, world, place):
    ours = User("mmc-zzzzzz-nearmi1234", "mmc-zzzzzz-nearmi1234@conformance.invalid", "", [ROLE])
    app.store.users[ours.id] = ours
    assert found(world, place).name == ROLE


def test_one_that_a_scheme_gives_is_left_alone(app, world, place):
    app.handlers["GetSchemes"] = lambda app, call: Answer(200, [{"id": "s", "default_team_user_role": ROLE}])
    held = shipped(app)
    with pytest.raises(NoSpareError, match="somebody has each of the roles"):
        found(world, place)
    assert shipped(app) == held


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(501, {"id": "api.roles.patch_roles.license.error", "message": "no", "status_code": 501}), "needs-licence"),
        (Answer(403, {"id": "api.context.permissions.app_error", "message": "no", "status_code": 403}), "not-on-this-target"),
    ],
)
def test_where_permissions_cannot_be_moved_the_server_says_why(app, world, place, answer, reason, monkeypatch):
    held = shipped(app)
    usual = app.answer
    monkeypatch.setattr(app, "answer", lambda call: answer if call.path.endswith("/patch") else usual(call))
    with pytest.raises(NoSpareError) as missing:
        found(world, place)
    assert missing.value.reason == reason and shipped(app) == held


def test_a_change_is_believed_when_it_was_read_back(app, world, place, monkeypatch):
    """Somebody in front of the server says 200 to whatever it is asked."""
    monkeypatch.setattr(spare, "moments", lambda: iter([None]))
    usual = app.answer
    monkeypatch.setattr(app, "answer", lambda call: Answer(200, {}) if call.path.endswith("/patch") else usual(call))
    with pytest.raises(NoSpareError, match="says so, and does not"):
        found(world, place)


# -- who has it ----------------------------------------------------------------------------------------------------


def test_holders_have_it_where_they_are_to_have_it_and_nowhere_else(app, world, place):
    role = found(world, place)
    people = {name: role.person(name) for name in HOLDERS}
    assert {name: app.store.users[person.id].roles for name, person in people.items()} == {
        "holder": [ROLE, "system_user"],
        "team_holder": ["system_user"],
        "channel_holder": ["system_user"],
        "near_miss": [ROLE],
        "bare_holder": [ROLE],
    }
    members = app.store.teams[world.team_id].members
    assert {name: members.get(person.id) for name, person in people.items()} == {
        "holder": None,
        "team_holder": [ROLE, "team_user"],
        "channel_holder": ["team_user"],
        "near_miss": [ROLE],
        "bare_holder": [ROLE],
    }
    made_later = place.new("channel", OPEN, "resident")
    for channel in (place.standing("channel", OPEN, "resident"), made_later):
        members = app.store.channels[channel].members
        assert {name: members.get(person.id) for name, person in people.items()} == {
            "holder": None,
            "team_holder": ["channel_user"],
            "channel_holder": [ROLE, "channel_user"],
            "near_miss": [ROLE],
            "bare_holder": [ROLE],
        }
    accounts = {person.id for person in people.values()}
    assert role.person("system_manager").id in accounts and len(accounts) == 4


def test_where_nobody_may_lack_what_everybody_has_there_they_have_it_and_are_judged_by_that(app, world, place, monkeypatch):
    """As 11.6 does: a server that refuses it is no reason to ask nobody."""
    usual = app.answer

    def answer(call):
        scope = call.path.split("/")[3][:-1]
        lacks = call.path.endswith("/roles") and scope in ("team", "channel") and f"{scope}_user" not in call.body.decode()
        return Answer(400, {"id": f"api.{scope}.unset_user_scheme.app_error"}) if lacks else usual(call)

    monkeypatch.setattr(app, "answer", answer)
    role = found(world, place)
    held = frozenset({"create_team"})
    everybodys = {scope: world.told_roles[f"{scope}_user"] for scope in ("team", "channel")}
    assert role.told(held) == {SPARE: held, TEAM_SPARE: held | everybodys["team"], CHANNEL_SPARE: held | everybodys["channel"]}
    near_miss = role.person("near_miss").id
    assert app.store.users[near_miss].roles == [ROLE]
    assert app.store.teams[world.team_id].members[near_miss] == [ROLE, "team_user"]
    assert app.store.channels[place.standing("channel", OPEN, "resident")].members[near_miss] == [ROLE, "channel_user"]


def test_where_they_may_nobody_holds_more_than_the_role_does(app, world, place):
    held = frozenset({"create_team"})
    assert found(world, place).told(held) == dict.fromkeys((SPARE, TEAM_SPARE, CHANNEL_SPARE), held)


def test_what_it_holds_is_asked_of_the_server_before_anybody_is_blamed(app, world, place):
    role = found(world, place)
    wanted = frozenset({"create_team", "view_team"})
    role.hold(wanted)
    assert app.store.roles[ROLE].permissions == wanted and role.is_as_told("holder", wanted)
    app.store.users[role.person("holder").id].roles.remove(ROLE)
    assert not role.is_as_told("holder", wanted)
    app.store.users[role.person("holder").id].roles.append(ROLE)
    app.store.roles[ROLE].permissions = {"create_team"}
    assert not role.is_as_told("holder", wanted)


def test_another_process_may_have_filled_it_meanwhile(app, world, place):
    role = found(world, place)
    role.hold(frozenset({"create_team"}))
    app.store.roles[ROLE].permissions = {"view_team"}
    role.forgetful().hold(frozenset({"create_team"}))
    assert app.store.roles[ROLE].permissions == {"create_team"}


def test_whoever_is_signed_out_is_noticed_and_signs_in_again(app, world, place):
    role = found(world, place)
    person = role.person("near_miss")
    assert not role.is_signed_out("near_miss")
    app.store.end_sessions(user=person.id)
    assert role.is_signed_out("near_miss")
    role.sign_in_again("near_miss")
    assert not role.is_signed_out("bare_holder") and role.person("bare_holder").id == person.id


def test_the_journal_puts_it_back_and_says_so_when_it_was_read_back(app, world, place):
    held = shipped(app)
    role = found(world, place)
    role.hold(role.everything)
    done = tidy.undo([world.journal.path], world.admin())
    assert done["roles restored"] == 1 and shipped(app) == held


# -- what is given to nobody ---------------------------------------------------------------------------------------


def test_what_lets_its_holder_take_more_is_given_to_nobody(app, world, place):
    """`manage_system` stands for everything; these are all permissions that servers know."""
    assert "manage_system" in never_given() and never_given() <= permissions().keys()
    role = found(world, place)
    assert role.everything == permissions().keys() - never_given()
    assert all(held <= role.everything for held in role.delegated.values())


@pytest.mark.parametrize("name", [*HOLDERS, "system_manager", "system_custom_group_admin"])
def test_a_holder_holds_what_the_role_does_and_a_bare_one_nothing_else(name):
    persona = known_persona(name)
    roles = Roles(
        Version.parse(NEWEST),
        {
            **dict.fromkeys((SPARE, TEAM_SPARE, CHANNEL_SPARE), frozenset({"view_team"})),
            "system_user": frozenset({"create_team"}),
            "system_admin": frozenset(),
        },
    )
    holds = {p for p in ("view_team", "create_team") for role in persona.system_roles if roles.hold(role, p) is True}
    assert holds == ({"view_team"} if SPARE in persona.system_roles else set()) | (set() if persona.is_bare else {"create_team"})


def test_who_was_made_beside_the_standing_people_leaves_the_team_when_no_longer_needed(app, world, place):
    """A team holds as many people as the server is set to, 50 as it is installed: each test made some, and all stayed."""
    members = app.store.teams[world.team_id].members
    before = set(members)
    person, consumed = place.spare("member"), place.fresh("user", OPEN, "member")
    kept = place.fresh("user", None, "member")
    assert {person.id, consumed, kept} <= members.keys()
    place.spend("member")
    place.forget({"user"}, OPEN)
    assert set(members) == before | {kept}
    place.double(world.people["member"])
    place.see_off_doubles()
    assert set(members) == before and place.fresh("user", None, "member") not in before | {kept}


def deactivated(user):
    user.is_active = False


def given_another_role(user):
    user.roles = ["system_user", "system_admin"]


@pytest.mark.parametrize("consume", [deactivated, given_another_role])
def test_who_was_consumed_is_made_who_they_were_and_consumed_again(app, place, consume):
    """Accounts are never deleted: a run makes few, and reads back what they are."""
    consumed, person = place.fresh("user", None, "resident"), place.spare("member")
    for id_ in (consumed, person.id):
        consume(app.store.users[id_])
        app.store.end_sessions(user=id_)
    place.forget({"user"}, None)
    place.spend("member")
    made = set(app.store.users)
    again = {place.fresh("user", None, "resident"), place.spare("member").id}
    assert again == {consumed, person.id} and set(app.store.users) == made
    for id_ in again:
        user = app.store.users[id_]
        assert (user.is_active, user.roles) == (True, ["system_user"])
        assert app.store.teams[place._world.team_id].members[id_] == ["team_user"]
    assert place.spare("member").session in app.store.sessions


@pytest.mark.parametrize(
    ("password", "told"),
    [("another", {}), ("", {"is_bot": True}), ("", {"auth_service": "gitlab"}), ("", {"delete_at": 1}), ("", {"roles": "x"})],
)
def test_who_is_not_what_they_were_is_somebody_new(app, place, password, told, monkeypatch):
    consumed = place.fresh("user", None, "resident")
    app.store.users[consumed].password = password or app.store.users[consumed].password
    usual = app.handlers["GetUser"]

    def changed(app, call):
        answer = usual(app, call)
        return answer._replace(data={**answer.data, **told}) if answer.data["id"] == consumed else answer

    monkeypatch.setitem(app.handlers, "GetUser", changed)
    place.forget({"user"}, None)
    assert place.fresh("user", None, "resident") != consumed


def test_what_lay_ready_of_somebody_is_made_again_when_they_were_made_anew(app, world, place):
    """Their sidebar went with the team that they were taken out of: the next request would be about nothing."""
    kept, fresh = place.standing("token", None, "member"), place.fresh("token", None, "member")
    others = place.standing("token", None, "outsider")
    assert (place.standing("token", None, "member"), place.fresh("token", None, "member")) == (kept, fresh)
    world.make_anew(world.people["member"])
    assert place.standing("token", None, "member") != kept and place.fresh("token", None, "member") != fresh
    assert place.standing("token", None, "outsider") == others


def test_what_lay_ready_of_somebody_is_made_again_when_they_were_put_back_into_the_team(app, world, place):
    fresh, others = place.fresh("token", None, "member"), place.fresh("token", None, "outsider")
    place.settle(world.people["member"], OPEN, in_team=False)
    assert place.fresh("token", None, "member") == fresh
    place.settle(world.people["member"], OPEN, in_team=True)
    assert place.fresh("token", None, "member") != fresh and place.fresh("token", None, "outsider") == others
