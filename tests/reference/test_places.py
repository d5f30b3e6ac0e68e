"""Teams, channels, posts, files and people on the reference server: what a real 11.1.0 does, read in its source."""

import json
from collections import defaultdict
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from mmconform.contract import prose
from mmconform.contract.clause import PRINCIPLES
from mmconform.prove import prove
from mmconform.reference import named
from mmconform.reference.app import BASE, SMALL, Call, contract
from mmconform.reference.mutants import MUTANTS
from mmconform.reference.server import Reference
from mmconform.reference.store import Session, User, new_id
from mmconform.wire.client import Client
from mmconform.wire.tape.redact import Redactor

NEWEST = "11.0.3"
OF_PRINCIPLES = {name for name, one in MUTANTS.items() if any(kill.partition(".")[2] in PRINCIPLES for kill in one.kills)}
ABOUT_THIS = [name for name, one in MUTANTS.items() if one.document and name not in OF_PRINCIPLES]
DENIED = "api.context.permissions.app_error"


class Place:
    """A server with one team, a private and a public channel, and people; made by asking, as a run makes it.

    The author made the channels; the member and the guest are in both, the colleague in neither, the stranger not in the team.
    """

    def __init__(self, name="reference"):
        self.app = named.app(name, NEWEST)
        self.app.store.config["ServiceSettings"]["EnableUserAccessTokens"] = True
        self.sessions = {"nobody": ""}
        for who in ("admin", "author", "member", "guest", "colleague", "stranger", "head"):
            self.person(who, ["system_user", *(["system_admin"] if who == "admin" else [])])
        self.become_a_guest("guest")
        self.team = self.made("admin", "POST", "/teams", {"name": "team", "display_name": "team", "type": "O"})
        for who in ("author", "member", "guest", "colleague", "head"):
            self.made("admin", "POST", f"/teams/{self.team}/members", {"team_id": self.team, "user_id": self.id(who)})
        self.asks("admin", "PUT", f"/teams/{self.team}/members/{self.id('head')}/roles", {"roles": "team_user team_admin"})
        self.channels = {kind: self.channel(kind) for kind in ("O", "P")}
        self.posts = {kind: self.post(kind) for kind in ("O", "P")}

    def person(self, who, roles=("system_user",)):
        user = User(who, f"{who}@conformance.invalid", "Passw0rd!", list(roles))
        session = Session(user.id, "login")
        self.app.store.users[user.id] = user
        self.app.store.sessions[session.token] = session
        self.sessions[who] = session.token
        return user.id

    def become_a_guest(self, who):
        token = self.asks("admin", "POST", f"/users/{self.id(who)}/tokens", {"description": "for a guest"}).data["token"]
        assert self.asks("admin", "PUT", f"/users/{self.id(who)}/roles", {"roles": "system_guest"}).status == 200
        self.sessions[who] = token

    def channel(self, kind):
        about = {"team_id": self.team, "name": f"a-{kind.lower()}", "display_name": kind, "type": kind}
        id_ = self.made("author", "POST", "/channels", about)
        for who in ("member", "guest"):
            self.made("author", "POST", f"/channels/{id_}/members", {"user_id": self.id(who)})
        return id_

    def post(self, kind, by="author", **more):
        return self.made(by, "POST", "/posts", {"channel_id": self.channels[kind], "message": "made for a test", **more})

    def id(self, who):
        return self.app.store.user_called(who).id

    def made(self, who, *request):
        answer = self.asks(who, *request)
        assert answer.status == 201, answer
        return answer.data.get("id")

    def asks(self, who, method, path, body=None, headers=(), query=()):
        session = self.sessions[who]
        sent = {**dict(headers), **({"authorization": f"Bearer {session}"} if session else {})}
        text = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.app.answer(Call(method, BASE + path, list(query), sent, text))

    def uploads(self, who, channel, content=b"small\r\n\x00\xff"):
        form = {"channel_id": (None, channel), "files": ("small.bin", content)}
        form = requests.Request("POST", "http://conformance.invalid", files=form).prepare()
        return self.asks(who, "POST", "/files", form.body, {"content-type": form.headers["Content-Type"]})


@pytest.fixture
def place():
    return Place()


# -- who is served -------------------------------------------------------------------------------------------------

ALL = ("admin", "author", "member", "guest", "colleague", "stranger", "head")
WITHIN = ("admin", "author", "member", "guest")
THE_TEAM = (*WITHIN, "colleague", "head")
POSTERS = (*WITHIN, "head")  # a team's administrator holds create_post, but not read_channel
SERVED = {
    ("GET", "/teams/{team}"): THE_TEAM,
    ("GET", "/channels/{O}"): THE_TEAM,
    ("GET", "/channels/{P}"): WITHIN,
    ("GET", "/channels/{O}/members"): WITHIN,
    ("GET", "/channels/{P}/members"): WITHIN,
    ("GET", "/posts/{post_O}"): THE_TEAM,
    ("GET", "/posts/{post_P}"): WITHIN,
    ("GET", "/posts/{post_O}/thread"): THE_TEAM,
    ("GET", "/posts/{post_P}/thread"): WITHIN,
    ("GET", "/teams/{team}/channels"): ("admin", "author", "member", "colleague", "head"),
    ("GET", "/teams/{team}/channels/private"): ("admin",),
    ("GET", "/users/{stranger}"): ("admin", "author", "member", "colleague", "stranger", "head"),
    ("GET", "/users/{member}"): ALL,
    ("GET", "/schemes"): ("admin",),
}


@pytest.mark.parametrize(("method", "path"), SERVED)
def test_who_is_served_and_who_is_refused(place, method, path):
    names = {"team": place.team, **place.channels, **{f"post_{kind}": post for kind, post in place.posts.items()}}
    filled = path.format(**names, **{who: place.id(who) for who in ALL})
    answers = {who: place.asks(who, method, filled) for who in ALL}
    assert {who: one.status for who, one in answers.items()} == {w: 200 if w in SERVED[method, path] else 403 for w in ALL}
    assert {one.data["id"] for one in answers.values() if one.status != 200} <= {DENIED}
    assert place.asks("nobody", method, filled).data["id"] == "api.context.session_expired.app_error"


@pytest.mark.parametrize("kind", ["O", "P"])
def test_who_may_post_and_upload(place, kind):
    channel = place.channels[kind]
    posted = {who: place.asks(who, "POST", "/posts", {"channel_id": channel, "message": "x"}).status for who in ALL}
    assert posted == {who: 201 if who in POSTERS else 403 for who in ALL}
    assert {who: place.uploads(who, channel).status for who in ALL} == {who: 201 if who in WITHIN else 403 for who in ALL}


@pytest.mark.parametrize("kind", ["O", "P"])
def test_who_may_let_somebody_into_a_channel(place, kind):
    path = f"/channels/{place.channels[kind]}/members"
    for who in ALL:
        newcomer = place.person(f"for-{who}")
        place.made("admin", "POST", f"/teams/{place.team}/members", {"team_id": place.team, "user_id": newcomer})
        assert place.asks(who, "POST", path, {"user_id": newcomer}).status == (
            201 if who in ("admin", "author", "member", "head") else 403
        ), who


@pytest.mark.parametrize(("who", "kind", "status"), [("colleague", "O", 201), ("colleague", "P", 403), ("stranger", "O", 403)])
def test_who_may_come_in_by_themselves(place, who, kind, status):
    assert place.asks(who, "POST", f"/channels/{place.channels[kind]}/members", {"user_id": place.id(who)}).status == status


def test_who_is_in_already_may_come_in_again_without_a_permission(place):
    again = place.asks("guest", "POST", f"/channels/{place.channels['O']}/members", {"user_id": place.id("guest")})
    assert (again.status, again.data["roles"], again.data["scheme_guest"]) == (201, "channel_guest", True)


def test_several_are_let_in_at_once_and_told_as_a_list(place):
    ids = [place.id("colleague"), place.id("head")]
    let_in = place.asks("member", "POST", f"/channels/{place.channels['P']}/members", {"user_ids": ids})
    assert (let_in.status, [row["user_id"] for row in let_in.data]) == (201, ids)


DELETING = {"author": 200, "head": 200, "admin": 200, "member": 403, "guest": 403, "colleague": 403, "stranger": 403}


@pytest.mark.parametrize("who", DELETING)
def test_a_post_is_deleted_by_its_author_and_by_who_may_delete_others(place, who):
    post = place.post("P")
    assert place.asks(who, "DELETE", f"/posts/{post}").status == DELETING[who]
    assert place.asks("author", "GET", f"/posts/{post}").status == (404 if DELETING[who] == 200 else 200)


def test_a_guest_may_not_delete_even_their_own(place):
    assert place.asks("guest", "DELETE", f"/posts/{place.post('P', by='guest')}").data["id"] == DENIED


def test_a_channels_administrator_is_made_and_makes_others(place):
    """They hold `manage_channel_roles`; what others wrote they may not delete."""
    path = f"/channels/{place.channels['P']}/members/{place.id('member')}"
    assert place.asks("member", "PUT", f"{path}/roles", {"roles": "channel_user channel_admin"}).status == 403
    assert place.asks("author", "PUT", f"{path}/roles", {"roles": "channel_user channel_admin"}).status == 200
    assert place.asks("guest", "GET", path).data["scheme_admin"]
    assert place.asks("member", "DELETE", f"/posts/{place.post('P')}").status == 403
    assert place.asks("author", "PUT", f"{path}/roles", {"roles": "channel_emperor"}).status == 400


# -- posts, threads and files --------------------------------------------------------------------------------------


def test_a_thread_is_a_post_with_its_answers_which_go_with_it(place):
    root = place.posts["P"]
    answer = place.post("P", by="member", root_id=root)
    other = place.post("P")
    assert place.asks("member", "GET", f"/posts/{answer}/thread").data["order"] == [answer, root]
    assert place.asks("member", "GET", f"/posts/{root}").data["reply_count"] == 1
    place.asks("author", "DELETE", f"/posts/{root}")
    assert place.asks("member", "GET", f"/posts/{answer}").data["id"] == "app.post.get.app_error"
    assert place.asks("member", "GET", f"/posts/{other}").status == 200


@pytest.mark.parametrize("root", ["elsewhere", "an answer", "nothing"])
def test_what_cannot_be_answered(place, root):
    answer = place.post("P", root_id=place.posts["P"])
    root = {"elsewhere": place.posts["O"], "an answer": answer, "nothing": new_id()}[root]
    body = {"channel_id": place.channels["P"], "message": "x", "root_id": root}
    assert place.asks("author", "POST", "/posts", body).data["id"] == "api.post.create_post.root_id.app_error"


def test_in_an_archived_channel_nothing_is_written_or_deleted_and_all_is_read(place):
    channel, post = place.channels["P"], place.posts["P"]
    assert place.asks("guest", "DELETE", f"/channels/{channel}").status == 403
    assert place.asks("member", "DELETE", f"/channels/{channel}").status == 200
    refused = place.asks("author", "POST", "/posts", {"channel_id": channel, "message": "x"})
    assert refused.data["id"] == "api.post.create_post.can_not_post_to_deleted.error"
    assert place.asks("author", "DELETE", f"/posts/{post}").status == 400
    assert place.asks("guest", "GET", f"/posts/{post}").status == 200
    assert place.asks("guest", "GET", f"/channels/{channel}").data["delete_at"] > 0


def test_a_file_is_given_to_its_uploader_and_to_who_reads_the_channel(place):
    content = bytes(range(256)) + b"\r\n\r\n--x\n\r"
    made = place.uploads("guest", place.channels["P"], content).data["file_infos"][0]
    assert (made["size"], made["name"], made["user_id"]) == (len(content), "small.bin", place.id("guest"))
    answers = {who: place.asks(who, "GET", f"/files/{made['id']}") for who in ALL}
    assert {who: one.status for who, one in answers.items()} == {who: 200 if who in WITHIN else 403 for who in ALL}
    assert answers["member"].data == content
    place.asks("author", "DELETE", f"/channels/{place.channels['P']}/members/{place.id('guest')}")
    assert place.asks("guest", "GET", f"/files/{made['id']}").status == 200


def test_a_file_hangs_on_the_post_of_its_uploader_only(place):
    file = place.uploads("member", place.channels["P"]).data["file_infos"][0]["id"]
    theirs = place.post("P", file_ids=[file, new_id()])
    own = place.post("P", by="member", file_ids=[file])
    assert place.asks("member", "GET", f"/posts/{theirs}").data["file_ids"] is None
    assert place.asks("member", "GET", f"/posts/{own}").data["file_ids"] == [file]


def test_the_body_may_be_the_file_itself(place):
    query = [("channel_id", place.channels["P"]), ("filename", "plain.txt")]
    made = place.asks("member", "POST", "/files", b"plain", query=query).data["file_infos"][0]
    assert (made["name"], made["mime_type"], made["extension"]) == ("plain.txt", "text/plain", "txt")
    assert place.asks("member", "POST", "/files", b"plain", query=query[:1]).status == 400
    assert place.asks("member", "POST", "/files", b"", query=query).status == 400


def test_a_file_comes_back_over_http_as_it_went(place):
    content, token = b"\x00\r\n\xff small", place.sessions["member"]
    form = {"data": {"channel_id": place.channels["P"]}, "files": {"files": ("small.bin", content)}}
    with Reference(place.app) as server:
        client = Client(server.url, Redactor(replaying=False))
        made = client.send("POST", f"{BASE}/files", persona="member", token=token, **form)
        got = client.send("GET", f"{BASE}/files/{made.json['file_infos'][0]['id']}", persona="member", token=token)
    assert (got.status, got.answer) == (200, content)


# -- people --------------------------------------------------------------------------------------------------------


def test_a_guest_has_a_token_and_no_password(place):
    login = place.asks("nobody", "POST", "/users/login", {"login_id": "guest", "password": "Passw0rd!"})
    assert login.data["id"] == "api.user.login.guest_accounts.license.error"
    assert place.asks("guest", "GET", "/users/me").data["roles"] == "system_guest"


def test_logging_out_ends_one_session_and_asks_nobody_for_one(place):
    assert place.asks("member", "POST", "/users/logout").status == 200
    assert place.asks("member", "GET", "/users/me").status == 401
    assert place.asks("nobody", "POST", "/users/logout").status == 200
    assert place.asks("author", "GET", "/users/me").status == 200


@pytest.mark.parametrize(("method", "path", "body"), [("DELETE", "", None), ("PUT", "/active", {"active": False})])
def test_who_may_deactivate_whom(place, method, path, body):
    """By oneself only where the server lets people leave, which it does not from the start."""

    def tells(who, whom):
        return place.asks(who, method, f"/users/{place.id(whom)}{path}", body)

    assert tells("member", "stranger").status == 403
    assert tells("member", "member").data["id"] == "api.user.update_active.not_enable.app_error"
    place.app.store.config["TeamSettings"]["EnableUserDeactivation"] = True
    assert tells("member", "member").status == tells("admin", "stranger").status == 200
    for gone in ("member", "stranger"):
        assert place.asks(gone, "GET", "/users/me").status == 401
        assert place.asks("admin", "GET", f"/users/{place.id(gone)}").data["delete_at"] > 0


def test_the_licence_is_missed_by_who_holds_the_permission_and_nobody_else(place):
    refused = {who: place.asks(who, "GET", "/compliance/reports").data["id"] for who in ("admin", "member")}
    assert refused == {"admin": "ent.compliance.licence_disable.app_error", "member": DENIED}


@pytest.mark.parametrize(("name", "shown"), [("reference", True), ("reference@8.1.0", True), ("reference@5.36.1", False)])
def test_what_stands_in_a_channel_takes_a_permission_of_its_own_since_8_1(name, shown):
    place = Place(name)
    held = place.asks("member", "GET", "/roles/name/channel_user").data["permissions"]
    assert ("read_channel_content" in held) is shown
    assert place.asks("member", "GET", f"/posts/{place.posts['P']}").status == 200
    place.app.store.roles["channel_user"].permissions -= {"read_channel_content" if shown else "read_channel"}
    assert place.asks("member", "GET", f"/posts/{place.posts['P']}").status == 403


MISSING = {
    ("GET", "/teams/{id}"): "404 app.team.get.find.app_error",
    ("GET", "/channels/{id}"): "404 app.channel.get.existing.app_error",
    ("GET", "/channels/{id}/members"): f"403 {DENIED}",
    ("POST", "/channels/{id}/members"): "404 app.channel.get.existing.app_error",
    ("GET", "/posts/{id}"): "404 app.post.get.app_error",
    ("GET", "/posts/{id}/thread"): "404 app.post.get.app_error",
    ("DELETE", "/posts/{id}"): "404 app.post.get.app_error",
    ("GET", "/files/{id}"): "404 app.file_info.get.app_error",
    ("GET", "/users/{id}"): "404 app.user.missing_account.const",
    ("DELETE", "/users/{id}"): f"403 {DENIED}",
}


@pytest.mark.parametrize(("method", "path"), MISSING)
def test_what_is_not_there(place, method, path):
    body = {"user_id": place.id("member")} if method == "POST" else None
    answer = place.asks("member", method, path.format(id=new_id()), body)
    assert f"{answer.status} {answer.data['id']}" == MISSING[method, path]


# -- the document, and the flaws -----------------------------------------------------------------------------------


def test_every_operation_of_the_document_is_served():
    promised = contract(SMALL.name).operations
    assert {id_: id_ in Place().app.handlers for id_ in promised} == dict.fromkeys(promised, True)
    assert len(promised) == 16


def test_of_every_sentence_about_permissions_it_is_known_that_it_is_one():
    told = defaultdict(list)
    for remark in contract(SMALL.name).remarks:
        told[remark.operation].append(remark.text)
    asking = {one.operation for one in contract(SMALL.name).clauses.values() if one.rule == "permission"}
    assert asking | told.keys() == contract(SMALL.name).operations.keys()
    assert all(prose.understand(prose.Sentence(text, "permissions", 0)) is None for texts in told.values() for text in texts)


FLAWS = {
    "channel-is-shown-to-everybody": ("stranger", "GET", "/channels/{P}", None),
    "channel-members-are-listed-for-everybody": ("stranger", "GET", "/channels/{P}/members", None),
    "channel-takes-whom-an-outsider-adds": ("stranger", "POST", "/channels/{P}/members", {"user_id": "{colleague}"}),
    "post-to-any-channel-of-the-team": ("colleague", "POST", "/posts", {"channel_id": "{P}", "message": "x"}),
    "post-is-shown-to-everybody": ("stranger", "GET", "/posts/{post}", None),
    "post-is-shown-to-who-asks-for-deleted-ones-too": ("stranger", "GET", "/posts/{post}?include_deleted=true", None),
    "post-of-others-is-deleted-by-any-member": ("member", "DELETE", "/posts/{post}", None),
    "file-is-taken-from-everybody": ("stranger", "POST", "/files", b"x"),
    "file-is-given-to-everybody": ("stranger", "GET", "/files/{file}", None),
    "user-is-deactivated-by-everybody": ("stranger", "DELETE", "/users/{member}", None),
    "schemes-are-listed-for-everybody": ("stranger", "GET", "/schemes", None),
}


#: What only somebody with a permission of no role of people's meets: which, and the statuses without the flaw and with it.
HIDDEN = {
    "schemes-are-listed-for-who-reads-channels-in-the-console": (
        *("sysconsole_read_user_management_channels", "GET", "/schemes", 403, 200),
    ),
    "post-is-deleted-without-a-question-to-who-manages-jobs": ("manage_jobs", "DELETE", "/posts/{post}", 403, 200),
    "user-is-deactivated-by-administrators-alone": ("edit_other_users", "DELETE", "/users/{member}", 200, 403),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_flaw_is_met_by_who_holds_one_permission_and_is_no_administrator(name):
    permission, method, path, right, wrong = HIDDEN[name]

    def told(target):
        place = Place(target)
        place.app.store.roles["system_custom_group_admin"].permissions = {permission}
        place.person("holder", ["system_user", "system_custom_group_admin"])
        return place.asks("holder", method, path.format(post=place.posts["P"], member=place.id("member"))).status

    assert (told("reference"), told(f"reference:{name}")) == (right, wrong)


@pytest.mark.parametrize("name", FLAWS)
def test_a_flaw_serves_whom_the_server_without_it_refuses(name):
    who, method, path, body = FLAWS[name]

    def told(target):
        place = Place(target)
        file = place.uploads("author", place.channels["P"]).data["file_infos"][0]["id"]
        names = {"P": place.channels["P"], "post": place.posts["P"], "file": file, **{one: place.id(one) for one in ALL}}
        filled = {key: value.format(**names) for key, value in body.items()} if isinstance(body, dict) else body
        query = [("channel_id", names["P"]), ("filename", "x")] if body == b"x" else parse_qsl(urlsplit(path).query)
        return place.asks(who, method, urlsplit(path).path.format(**names), filled, query=query).status

    assert told("reference") == 403 and told(f"reference:{name}") in (200, 201)


#: Of several people the server without it lets in those whom the caller may let in.
OF_SEVERAL = "channel-takes-all-whom-somebody-names-after-themselves"


def test_of_several_people_those_are_let_in_whom_the_caller_may_let_in():
    def let_in(target):
        place = Place(target)
        named = [place.id("colleague"), place.id("head")]
        answer = place.asks("colleague", "POST", f"/channels/{place.channels['O']}/members", {"user_ids": named})
        return [named.index(row["user_id"]) for row in answer.data]

    assert let_in("reference") == [0] and let_in(f"reference:{OF_SEVERAL}") == [0, 1]


def test_the_flaws_are_proved_by_their_own_document_and_no_other():
    assert set(prove.chosen("", SMALL.name)) - OF_PRINCIPLES == set(ABOUT_THIS) == FLAWS.keys() | HIDDEN.keys() | {OF_SEVERAL}
    assert not set(prove.chosen("")) & set(ABOUT_THIS)
    assert not {f"reference:{name}" for name in ABOUT_THIS} & set(named.every("reference:all"))
