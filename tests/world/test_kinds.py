"""What exists on a server: whose it is, how it is journalled, and what is known of each kind."""

import json
from dataclasses import replace

import pytest

from mmconform.contract.clause import Body, Parameter
from mmconform.errors import MisuseError, NotHereError
from mmconform.version import Version
from mmconform.wire.client import Client
from mmconform.wire.exchange import NO_ROUTE
from mmconform.wire.tape.redact import Redactor
from mmconform.world import kinds
from mmconform.world.admin import Admin
from mmconform.world.kinds import job
from mmconform.world.kinds.kind import Owner, Undoing
from mmconform.world.people import PERSONAS
from mmconform.world.world import Person, World

REFUSED = 403, {"id": "api.context.permissions.app_error", "message": "no", "status_code": 403}


class Noting:
    """A journal, and beside it what the server had been asked when a line was written."""

    def __init__(self, asked):
        self.lines, self.asked = [], asked

    def note(self, **entry):
        self.lines.append(({k: v for k, v in entry.items() if k != "name"}, len(self.asked)))


class Server:
    """It makes whatever is asked for, unless somebody is refused it."""

    def __init__(self, refuse=()):
        self.refuse, self.asked = refuse, []

    def __call__(self, method, path, headers, body):
        who = headers["Authorization"].removeprefix("Bearer ")
        self.asked.append((who, method, path.removeprefix("/api/v4/"), body))
        status, data = (
            REFUSED
            if (who, path.removeprefix("/api/v4/")) in self.refuse
            else (
                201,
                {key: f"{value}{len(self.asked)}" for key, value in (("id", "id"), ("user_id", "id"), ("token", "secret"))},
            )
        )
        data = {"file_infos": [data]} if path.endswith("/files") else data
        return status, [("Content-Type", "application/json"), ("X-Version-Id", "11.1.0")], json.dumps(data).encode()

    @property
    def requests(self):
        return [f"{who} {method} {path}" for who, method, path, _ in self.asked]


@pytest.fixture
def owner(serve):
    """Somebody on a server, whose world notes what is made."""

    def owner(persona, server):
        world = World(Client(serve(server).url, Redactor(replaying=False)), Version(11, 1), "abc123", "operator", team_id="team")
        world.journal = Noting(server.asked)
        person = Person(PERSONAS[persona], f"{persona}-id", persona, persona)
        return Owner(world, world.client, persona, person, persona, world)

    return owner


CHANNELS = {"channel": "O", "private-channel": "P"}


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_channel_is_made_by_whose_it_is_and_written_down_before(owner, kind):
    server = Server()
    member = owner("member", server)
    assert kinds.by_name()[kind].make(member) == "id1"
    assert server.requests == ["member POST channels"]
    sent = json.loads(server.asked[0][3])
    assert (sent["type"], sent["team_id"], sent["name"]) == (CHANNELS[kind], "team", "mmc-abc123-h1")
    line = {"what": "channel", "team": "team"}
    assert member.world.journal.lines == [(line, 0), ({**line, "id": "id1"}, 1)]


def test_whoever_may_make_no_channel_is_put_into_one_of_the_operators(owner):
    server = Server(refuse=[("member", "channels")])
    assert kinds.by_name()["channel"].make(owner("member", server)) == "id2"
    assert server.requests == ["member POST channels", "operator POST channels", "operator POST channels/id2/members"]
    assert json.loads(server.asked[2][3]) == {"user_id": "member-id"}


def test_a_channel_that_nobody_can_make_is_told(owner):
    server = Server(refuse=[("member", "channels"), ("operator", "channels")])
    with pytest.raises(MisuseError, match=r"POST /api/v4/channels by the operator answered 403"):
        kinds.by_name()["channel"].make(owner("member", server))


@pytest.mark.parametrize("kind", ["channel", "private-channel", "post", "file"])
def test_whoever_is_in_no_team_has_nothing_in_it(owner, kind):
    """What was made for them all the same would not be theirs, and so no request about their own."""
    server = Server()
    with pytest.raises(NotHereError, match="in no channel: outsider"):
        kinds.by_name()[kind].make(owner("outsider", server))
    assert server.asked == []


def test_a_post_is_its_owners_in_the_channel_that_they_have_standing(owner):
    server = Server()
    member = owner("member", server)
    assert kinds.by_name()["post"].make(member) == "id2" and kinds.by_name()["post"].make(member) == "id3"
    assert server.requests == ["member POST channels", "member POST posts", "member POST posts"]
    assert json.loads(server.asked[1][3])["channel_id"] == "id1"
    assert member.world.journal.lines[-1] == ({"what": "post", "id": "id3"}, 3)


def test_a_file_is_uploaded_by_its_owner_and_hangs_on_a_post_of_theirs(owner):
    server = Server()
    assert kinds.by_name()["file"].make(owner("member", server)) == "id2"
    assert server.requests == ["member POST channels", "member POST files", "member POST posts"]
    form = server.asked[1][3]
    assert form.index(b'name="channel_id"') < form.index(b'name="files"; filename="mmc-abc123-f2.txt"')
    assert json.loads(server.asked[2][3])["file_ids"] == ["id2"]


def test_what_somebody_has_standing_is_made_once_and_for_each_of_them(owner):
    server = Server()
    member = owner("member", server)
    first = kinds.by_name()["channel"].standing(member)
    assert kinds.by_name()["channel"].standing(member) == first and len(server.asked) == 1
    other = Owner(member.world, member.client, "team_admin", member.person, "team_admin", member.world)
    assert kinds.by_name()["channel"].standing(other) != first


def test_a_token_is_known_as_its_owners_and_counts_for_the_names_of_what_is_made_next(owner):
    """By which the tapes were recorded: whoever only asks for the id makes one too."""
    member = owner("member", Server())
    assert kinds.by_name()["token"].make(member) == "id1"
    assert member.client.redactor.whose("secret1", "nobody") == "member's token 1"
    kinds.by_name()["channel"].make(member)
    assert member.world.journal.lines[-1][0]["id"] == "id2" and member.world.made == 2


# -- what is known of each ---------------------------------------------------------------------------------------------


def test_every_kind_is_found_and_has_a_name_of_its_own():
    assert {"user", "token", "command", "job", "team", "channel", "post", "file", "bot"} <= kinds.by_name().keys()
    assert {"config", "role", "user", "team", "command", "oauth", "job", "channel", "post"} <= kinds.by_line().keys()
    assert {kind.within for kind in kinds.by_name().values()} - {""} <= kinds.by_name().keys()


def test_what_is_within_another_kind_is_made_after_it():
    order = kinds.outermost_first()
    for kind in order:
        assert not kind.within or order.index(kinds.by_name()[kind.within]) < order.index(kind)


@pytest.mark.parametrize(
    ("names", "scope"),
    [(["user"], ""), (["command"], "team"), (["user", "channel"], "channel"), (["team", "post"], "channel"), (["playbook"], "")],
)
def test_permissions_count_in_the_narrowest_place(names, scope):
    assert kinds.scope_of(names) == scope


@pytest.mark.parametrize(
    ("kind", "operation", "is_consumed"),
    [
        ("token", "POST /users/tokens/revoke", True),
        ("token", "GET /users/tokens/{token_id}", False),
        ("post", "DELETE /posts/{post_id}", True),
        ("post", "DELETE /posts/{a_name_of_their_own}", True),
        ("post", "DELETE /posts/{post_id}/reactions", False),
        ("channel", "DELETE /channels/{channel_id}", True),
        ("private-channel", "DELETE /channels/{channel_id}", True),
        ("channel", "GET /channels/{channel_id}", False),
    ],
)
def test_an_operation_that_consumes_what_it_names_is_known_by_method_and_path(kind, operation, is_consumed):
    assert kinds.by_name()[kind].is_consumed_by(*operation.split(" ")) is is_consumed


@pytest.mark.parametrize("kind", [None, "playbook", "a kind of a newer overlay"])
def test_what_nobody_has_told_or_knows_is_puzzling(kind):
    assert kinds.is_puzzling(Parameter("id", "path", True, {}, kind, identifies=True))
    assert not kinds.is_puzzling(Parameter("id", "path", True, {}, "channel", identifies=True))
    assert not kinds.is_puzzling(Parameter("page", "query", True, {}, kind))
    resources = {"a_id": "channel", **({"b_id": kind} if kind else {})}
    body = Body(True, {}, resources, identifying=frozenset({"a_id", "b_id", ""}))
    assert kinds.puzzling_parts(body) == {"b_id", ""}


# -- hooks, emoji, bots ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["incoming-hook", "outgoing-hook"])
def test_a_webhook_is_the_operators_and_written_down_before_it_is_made(owner, kind):
    server = Server()
    member = owner("member", server)
    id_ = kinds.by_name()[kind].make(replace(member, team="team", channel="channel"))
    journal = member.world.journal
    assert journal.lines == [({"what": kind}, 0), ({"what": kind, "id": id_}, 1)]
    ((who, _, path, body),) = server.asked
    told = json.loads(body)
    assert (who, path, told["channel_id"]) == ("operator", f"hooks/{kind.partition('-')[0]}", "channel")
    assert all(url.endswith(".invalid/") for url in told.get("callback_urls", []))


def test_an_emoji_is_its_makers_own_and_written_down_before_it_is_made(owner):
    server = Server()
    member = owner("member", server)
    id_ = kinds.by_name()["emoji"].make(member)
    assert member.world.journal.lines == [({"what": "emoji"}, 0), ({"what": "emoji", "id": id_}, 1)]
    assert [request.split()[0] for request in server.requests] == ["member"]


def test_whoever_may_make_no_emoji_has_none(owner):
    with pytest.raises(NotHereError, match="makes no emoji here"):
        kinds.by_name()["emoji"].make(owner("member", Server(refuse=[("member", "emoji")])))


class SwitchedOff(Server):
    """A server that makes nothing of the kind."""

    def __call__(self, method, path, headers, body):
        _, more, _ = super().__call__(method, path, headers, body)
        return 501, more, b'{"id": "api.some.disabled.app_error", "message": "off", "status_code": 501}'


@pytest.mark.parametrize("kind", ["incoming-hook", "outgoing-hook", "oauth-app"])
def test_what_is_switched_off_nobody_has(owner, kind):
    member = owner("member", SwitchedOff())
    with pytest.raises(NotHereError, match="nobody makes one on this server"):
        kinds.by_name()[kind].make(replace(member, team="team", channel="channel"))


class NoBots(Server):
    """A server on which nobody makes a bot, but a user can be made one."""

    def __call__(self, method, path, headers, body):
        status, more, answer = super().__call__(method, path, headers, body)
        if path.endswith("/bots"):
            status, answer = 403, b'{"id": "api.bot.create_disabled", "message": "no", "status_code": 403}'
        return status, more, answer


def test_where_no_bot_may_be_made_a_user_becomes_one_and_somebody_elses_at_once(owner):
    server = NoBots()
    member = owner("member", server)
    id_ = kinds.by_name()["bot"].make(member)
    assert server.requests[1:] == [
        "operator POST users",
        f"operator POST users/{id_}/convert_to_bot",
        f"operator POST bots/{id_}/assign/{member.id}",
    ]
    assert ({"what": "user"}, 1) in member.world.journal.lines, "what is made is written down before"


# -- what is made of posts, people and channels ------------------------------------------------------------------------

LAID = {
    "post": ["member POST posts"],
    "thread": ["member POST posts", "member POST posts", "member PUT users/member-id/teams/there/threads/id1/following"],
    "reacted-post": ["member POST posts", "member POST reactions"],
    "edited-post": ["member POST posts", "member PUT posts/id1/patch", "member GET posts/id1/edit_history"],
    "image": ["member POST files", "member POST posts"],
    "upload": ["member POST uploads"],
    "category": ["member POST users/member-id/teams/there/channels/categories"],
    "command": ["operator POST commands"],
}


@pytest.mark.parametrize("kind", LAID)
def test_a_thing_lies_where_its_owner_is_told_and_is_the_owners(owner, kind):
    server = Server()
    member = replace(owner("member", server), team="there", channel="here")
    made = kinds.by_name()[kind].make(member)
    assert server.requests == LAID[kind]
    assert made == "id1"
    first = server.asked[0][3]
    assert b"here" in first or json.loads(first)["team_id"] == "there"


def test_a_thread_is_one_post_and_a_reply_to_it_and_both_are_written_down(owner):
    server = Server()
    member = replace(owner("member", server), channel="here")
    kinds.by_name()["thread"].make(member)
    assert [json.loads(body).get("root_id") for *_, path, body in server.asked if path == "posts"] == [None, "id1"]
    assert [line["id"] for line, _ in member.world.journal.lines] == ["id1", "id2"]


def test_words_of_a_status_are_new_each_time_and_set_by_whoever_has_it(owner):
    server = Server()
    member = owner("member", server)
    first, second = (kinds.by_name()["recent-status"].make(member) for _ in range(2))
    assert server.requests == ["member PUT users/member-id/status/custom"] * 2 and first != second
    assert [json.loads(body)["text"] for *_, body in server.asked] == [first, second]


class Telling(Server):
    """It answers one address with something of its own."""

    def __init__(self, path, told):
        super().__init__()
        self.path, self.told = path, told

    def __call__(self, method, path, headers, body):
        status, more, answer = super().__call__(method, path, headers, body)
        return (status, more, json.dumps(self.told).encode()) if path == f"/api/v4/{self.path}" else (status, more, answer)


def test_the_order_of_a_category_is_that_of_all_of_its_sidebar(owner):
    server = Telling("users/member-id/teams/there/channels/categories/order", ["id1", "favorites"])
    member = replace(owner("member", server), team="there")
    made = kinds.by_name()["category"].make(member)
    assert kinds.by_name()["category"].part(member, made, "order") == ["id1", "favorites"]


def test_the_hash_of_a_file_is_that_of_its_link_and_without_links_there_is_none(owner):
    member = owner("member", Telling("files/x/link", {"link": "http://a.invalid/files/x/public?h=abc-_"}))
    assert kinds.by_name()["file"].part(member, "x", "hash") == "abc-_"
    with pytest.raises(NotHereError, match="no file has a link for everybody here"):
        kinds.by_name()["file"].part(owner("member", SwitchedOff()), "x", "hash")


def test_the_password_of_somebody_is_known_to_the_run_and_told_by_nobody(owner):
    server = Server()
    member = owner("member", server)
    member.world.people["member"] = replace(member.person, password="secret")
    assert kinds.by_name()["user"].part(member, "member-id", "password") == "secret" and server.requests == []
    with pytest.raises(MisuseError, match="the password of a-double is not known"):
        kinds.by_name()["user"].part(member, "a-double", "password")


class Imports(Server):
    """A server that keeps what was uploaded to be imported, and may have no route to delete it."""

    can_delete = True

    def __call__(self, method, path, headers, body):
        told = super().__call__(method, path, headers, body)
        if method == "DELETE" and not self.can_delete:
            return 404, told[1], json.dumps({"id": NO_ROUTE, "message": "no", "status_code": 404}).encode()
        if (method, path) == ("GET", "/api/v4/imports"):
            return 200, told[1], json.dumps(["id2_mmc-abc123-i1.zip", "id7_somebodys.zip"]).encode()
        return told


def test_what_is_to_be_imported_is_an_empty_archive_of_the_operators_and_found_again_by_its_name(owner):
    server = Imports()
    member = owner("member", server)
    kind = kinds.by_name()["import"]
    assert kind.make(member) == "id2_mmc-abc123-i1.zip"
    uploaded = ["operator POST uploads", "operator POST uploads/id2"]
    assert server.requests == ["operator DELETE imports/mmc-abc123-i1.zip", *uploaded]
    assert [line.get("id") for line, _ in member.world.journal.lines] == [None, "id2_mmc-abc123-i1.zip"]
    undoing = Undoing(member.admin)
    assert list(kind.lost(undoing, {"what": "import", "name": "mmc-abc123-i1"})) == ["id2_mmc-abc123-i1.zip"]
    assert [line["name"] for line in kind.leftovers(member.admin)] == ["mmc-abc123-i1"]
    assert kind.undo(undoing, {"what": "import", "id": "id2_mmc-abc123-i1.zip"})
    undoing.undone["import"] = [{"id": "id2_mmc-abc123-i1.zip"}]
    assert list(kind.left(undoing)) == ["the import id2_mmc-abc123-i1.zip is still there"]


@pytest.mark.parametrize("may_disrupt", [True, False])
def test_what_could_not_be_deleted_is_uploaded_to_a_throwaway_server_alone(owner, may_disrupt):
    server = Imports()
    server.can_delete = False
    member = owner("member", server)
    member.world.may_disrupt = may_disrupt
    kind = kinds.by_name()["import"]
    if may_disrupt:
        assert kind.make(member) == "id1_mmc-abc123-i1.zip"
        return
    with pytest.raises(NotHereError, match="no route to delete"):
        kind.make(member)
    assert server.requests == ["operator DELETE imports/mmc-abc123-i1.zip"] and member.world.journal.lines == []


@pytest.mark.parametrize("persona", ["member", "token_user"])
@pytest.mark.parametrize(("kind", "maker", "people"), [("direct-channel", "operator", 2), ("group-channel", None, 3)])
def test_a_conversation_is_between_its_owner_and_others_of_ours(owner, kind, maker, people, persona):
    """A group has whoever makes it in it, and nobody can leave one: it would stay in the administrator's own sidebar."""
    server = Server()
    somebody = among_people(owner(persona, server))
    kinds.by_name()[kind].make(somebody)
    [(who, method, path, body)] = server.asked
    among = json.loads(body)
    assert (method, path) == ("POST", f"channels/{kind.partition('-')[0]}")
    assert len(set(among)) == people and among[0] == f"{persona}-id"
    assert set(among) <= {person.id for person in somebody.world.people.values()}
    assert who == maker or (f"{who}-id" in among and who != "operator")


def test_where_only_administrators_make_groups_there_is_none(owner):
    server = Server(refuse=[("token_user", "channels/group")])
    with pytest.raises(NotHereError, match="only administrators make groups here"):
        kinds.by_name()["group-channel"].make(among_people(owner("member", server)))
    assert server.requests == ["token_user POST channels/group"]


def among_people(owner):
    """Return an owner in whose world there are others, each with a session called as themselves."""
    for name in ("member", "token_user", "other_token_user"):
        owner.world.people[name] = Person(PERSONAS[name], f"{name}-id", name, name)
    return owner


@pytest.mark.parametrize(
    ("kind", "request_"),
    [("archived-channel", "DELETE channels/x"), ("archived-team", "DELETE teams/x"), ("guest-account", "PUT users/x/roles")],
)
def test_a_state_is_of_a_kind_and_entered_by_the_operator(owner, kind, request_):
    server = Server()
    state = kinds.by_name()[kind]
    state.enter(owner("member", server), "x")
    assert server.requests == [f"operator {request_}"]
    assert state.state_of in kinds.by_name() and state.scope == kinds.by_name()[state.state_of].scope


def test_a_part_is_what_the_server_tells_the_operator_and_a_kind_nobody_tells_of_has_none(owner):
    server = Server()
    member = owner("member", server)
    assert kinds.by_name()["channel"].part(member, "x", "token") == "secret1"
    assert server.requests == ["operator GET channels/x"]
    with pytest.raises(MisuseError, match="holds no `name`"):
        kinds.by_name()["channel"].part(member, "x", "name")
    with pytest.raises(MisuseError, match="nobody says where a server tells the name of a token"):
        kinds.by_name()["token"].part(member, "x", "name")


def test_a_line_of_a_journal_tells_the_name_and_the_team_of_what_a_request_may_make():
    assert kinds.by_name()["channel"].made({"unique": "n", "team": "t", "user": "u"}) == {
        "what": "channel",
        "name": "n",
        "team": "t",
    }


def test_a_post_in_an_archived_channel_stays_there_and_is_no_failure(serve):
    """No server deletes it (app/post.go@v5.36.1 DeletePost); of another refusal the server is asked whether the post is there."""

    def server(method, path, headers, body):
        error = "api.post.delete_post.can_not_delete_post_in_deleted.error" if path.endswith("/archived") else "refused"
        status, data = (400, {"id": error}) if method == "DELETE" else (200, {"id": "p"})
        return status, [("Content-Type", "application/json"), ("X-Version-Id", "11.1.0")], json.dumps(data).encode()

    undoing = Undoing(Admin(Client(serve(server).url, Redactor(replaying=False)), "operator"))
    assert not kinds.by_name()["post"].undo(undoing, {"what": "post", "id": "archived"}) and undoing.failed == []
    kinds.by_name()["post"].undo(undoing, {"what": "post", "id": "standing"})
    assert undoing.failed == ["DELETE /api/v4/posts/standing: 400 refused"]


def test_a_person_who_was_made_a_bot_is_handed_over_and_disabled_as_one(serve):
    """Deactivated as a person alone, they are listed as a bot in use; and one that owns itself is deactivated for ever."""
    asked = []

    def server(method, path, headers, body):
        asked.append(f"{method} {path.partition('?')[0].removeprefix('/api/v4/')}")
        owners = [("converted", "converted"), ("made", "somebody"), ("disabled", "disabled")]
        rows = [{"user_id": bot, "owner_id": owner, "delete_at": 5 * (bot == "disabled")} for bot, owner in owners]
        data = rows if path.partition("?")[0].endswith("/bots") else {"id": "operator-id"}
        return 200, [("Content-Type", "application/json"), ("X-Version-Id", "11.1.0")], json.dumps(data).encode()

    undoing = Undoing(Admin(Client(serve(server).url, Redactor(replaying=False)), "operator"))
    for name in ("converted", "made", "disabled", "person"):
        assert kinds.by_name()["user"].undo(undoing, {"what": "user", "id": name})
    assert [one for one in asked if one.startswith("POST bots")] == [
        "POST bots/converted/assign/operator-id",
        "POST bots/converted/disable",
        "POST bots/made/disable",
    ]
    assert [one for one in asked if one.startswith("DELETE")] == [
        f"DELETE users/{name}" for name in ("converted", "made", "disabled", "person")
    ]


@pytest.mark.parametrize(
    ("told", "is_renewed"),
    [
        ((200, {"owner_id": "o", "delete_at": 0}), True),
        ((200, {"owner_id": "o", "delete_at": 1}), False),
        ((200, {"owner_id": "another", "delete_at": 0}), False),
        ((404, {"id": "store.sql_bot.get.missing.app_error"}), False),
    ],
)
def test_a_bot_that_was_consumed_is_its_owners_and_active_again_if_that_is_read_back(serve, told, is_renewed):
    asked = []

    def answer(method, path, headers, body):
        asked.append(f"{method} {path.removeprefix('/api/v4/')}")
        status, data = told if method == "GET" else (200, {})
        return status, [("Content-Type", "application/json")], json.dumps(data).encode()

    world = World(Client(serve(answer).url, Redactor(replaying=False)), Version(11, 1), "abc123", "x")
    owner = Owner(world, world.client, "member", Person(PERSONAS["member"], "o", "o", "s"), "s", world)
    assert kinds.by_name()["bot"].renew(owner, "b") is is_renewed
    assert asked == ["POST bots/b/enable", "POST bots/b/assign/o", "GET bots/b"]
    assert kinds.by_name()["post"].renew(owner, "p") is False and len(asked) == 3


@pytest.mark.parametrize(
    ("kind", "method", "path", "is_renewed"),
    [
        ("user", "DELETE", "/users/{user_id}", True),
        ("user", "POST", "/users/{user_id}/convert_to_bot", False),
        ("bot", "POST", "/bots/{bot_user_id}/disable", True),
        ("bot", "POST", "/bots/{bot_user_id}/convert_to_user", False),
    ],
)
def test_after_which_operations_a_thing_is_made_what_it_was(kind, method, path, is_renewed):
    assert kinds.by_name()[kind].is_renewed_after(method, path) is is_renewed


@pytest.mark.parametrize("kind", ["incoming-hook", "outgoing-hook"])
def test_a_hook_of_somebody_who_is_in_no_certain_place_is_in_a_channel_of_theirs(owner, kind):
    """Else the server is told of no channel, and refuses."""
    server = Server()
    kinds.by_name()[kind].make(owner("member", server))
    assert [request.split()[:3:2] for request in server.requests] == [
        ["member", "channels"],
        ["operator", f"hooks/{kind.partition('-')[0]}"],
    ]
    assert json.loads(server.asked[1][3])["channel_id"] == "id1"
    assert json.loads(server.asked[1][3]).get("team_id", "team") == "team"


@pytest.mark.parametrize("kind", ["incoming-hook", "category", "post", "upload"])
def test_whoever_is_in_no_team_has_nothing_there(owner, kind):
    server = Server()
    with pytest.raises(NotHereError, match="whoever is in no team"):
        kinds.by_name()[kind].make(owner("outsider", server))
    assert server.requests == []


def test_whoever_is_in_a_certain_team_has_a_sidebar_there(owner):
    server = Server()
    kinds.by_name()["category"].make(replace(owner("outsider", server), team="another"))
    assert server.requests == ["outsider POST users/outsider-id/teams/another/channels/categories"]


def test_of_somebody_made_anew_nothing_is_kept(owner):
    """A sidebar goes when somebody leaves the team, and is another one when they are back."""
    member, other = owner("member", Server()), owner("outsider", Server())
    kind, world = kinds.by_name()["category"], member.world
    first = kind.standing(member)
    world.kept["category", "outsider"] = "theirs"
    assert kind.standing(member) == first
    world.make_anew(replace(other.person, persona=PERSONAS["outsider"]))
    assert kind.standing(member) == first and ("category", "outsider") not in world.kept
    world.make_anew(member.person)
    assert kind.standing(member) != first and world.lives == {"outsider": 1, "member": 1}


def test_a_document_may_say_in_either_way_that_jobs_are_begun(contract):
    """By the type that stands in the body, or by what is made: else a job of a hand-written test is cancelled by nobody."""
    ours = contract.operations["CreateJob"]
    of_others = replace(ours, body=replace(ours.body, resources={}), makes="job")
    assert job.makes_jobs(ours) and job.makes_jobs(of_others)
    assert not job.makes_jobs(replace(of_others, makes="")) and not job.makes_jobs(contract.operations["GetUserAccessTokens"])


@pytest.mark.parametrize("kind", [name for name, kind in kinds.by_name().items() if kind.made_by and name != "user"])
def test_what_makes_a_thing_is_what_is_counted(owner, kind):
    """A dry run counts what such requests made on a tape. People ask for themselves, and are counted in whole runs."""
    server = Server()
    kinds.by_name()[kind].make(owner("member", server))
    made = [kinds.made_by(method, f"/{path}") for _, method, path, _ in server.asked]
    assert [one for one in made if one] == [kind]
