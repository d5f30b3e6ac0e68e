"""The journal: every change is written down before it is made, and undone newest first."""

import ast
import json
import re
import time

import pytest

from mmconform.errors import MisuseError
from mmconform.paths import ROOT
from mmconform.plugin import conformance
from mmconform.servers.live import journal, tidy
from mmconform.servers.live.journal import Journal
from mmconform.wire.client import Client
from mmconform.wire.exchange import NO_ROUTE
from mmconform.wire.tape.redact import Redactor
from mmconform.world import admin
from mmconform.world.admin import Admin

EMPTY = {"ServiceSettings": {"EnableCommands": True, "Other": 1}}
GONE = {"id": "store.gone.app_error", "message": "no", "status_code": 404}


def told(path):
    """A journal's entries without the time of each."""
    return [{k: v for k, v in entry.items() if k != "at"} for entry in journal.read(path)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reports" / "host" / "journal-abc123.jsonl"


class Mattermost:
    """A server on which everything that runs make is there until it is undone.

    Attributes:
        refuse: Changes that it refuses.
        deaf: Changes to which it says 200, and that it does not make.
        front: What something in front of it answers instead.
        patches: It can change single settings (from 5.20 on).
        held: The roles of people, by their ids.
        me: The id of the administrator.
    """

    def __init__(self, refuse=(), deaf=(), tokens=1, lists=None, front=None, patches=False, held=None, me=""):
        self.patches, self.held, self.me = patches, dict(held or {}), me
        self.refuse, self.deaf, self.front, self.lists = refuse, deaf, front, lists or {}
        self.tokens, self.undone, self.config, self.roles = tokens, set(), json.loads(json.dumps(EMPTY)), {}

    def __call__(self, method, path, headers, body):
        if self.front:
            return self.front
        url, _, _ = path.removeprefix("/api/v4").partition("?")
        what, sent = f"{method} {url}", json.loads(body or b"null")
        if what in self.refuse:
            status, data = 500, {"id": "a.b", "message": "no", "status_code": 500}
        elif what == "PUT /config/patch" and not self.patches:
            status, data = 404, {"id": "api.context.404.app_error", "message": "no", "status_code": 404}
        elif method == "GET" or url == "/users/ids":
            status, data = self.told(what, url, sent)
        else:
            status, data = 200, {"status": "OK"}
            if what not in self.deaf:
                self.change(what, url, sent)
        return (
            status,
            [("Content-Type", "application/json"), ("X-Version-Id", "5.36.0.5.36.1.x.false")],
            json.dumps(data).encode(),
        )

    def change(self, what, url, sent):
        self.undone.add(url.removesuffix("/cancel"))
        self.tokens -= what == "POST /users/tokens/revoke"
        if what == "PUT /config":
            self.config = sent
        elif what == "PUT /config/patch":
            self.config = {section: {**values, **sent.get(section, {})} for section, values in self.config.items()}
        elif re.fullmatch("/users/[^/]+/roles", url):
            self.held[url.split("/")[2]] = sent["roles"]
        elif url.startswith("/roles/"):
            self.roles[url.removesuffix("/patch")] = sent["permissions"]

    def told(self, what, url, sent):
        ended = 5 * (url in self.undone)
        lists = {"GET /jobs": [], "GET /oauth/apps": [], "GET /commands": [], "GET /config": self.config, **self.lists}
        if url == "/users/me" and self.me:
            return 200, {"id": self.me}
        if "/name/" in what or "/username/" in what:
            return 200, {"id": url.rpartition("/")[2] + "-id"}
        if url.endswith("/tokens"):
            return 200, [{"id": "token-id"}] * self.tokens
        if url == "/users/ids":
            return 200, [self.user(id_) for id_ in sent]
        if url.removeprefix("/users/") in self.held:
            return 200, self.user(url.removeprefix("/users/"))
        if url in self.roles:
            return 200, {"permissions": self.roles[url]}
        if url.startswith(("/teams/", "/channels/")):
            return 200, {"delete_at": ended}
        if url.startswith("/posts/"):
            return (404, GONE) if ended else (200, {"id": url.rpartition("/")[2]})
        rows = lists.get(what, GONE)
        if isinstance(rows, list):
            place = url if url != "/jobs" else ""
            rows = [row for row in rows if f"{place}/{row['id']}" not in self.undone]
            rows = [{**row, "status": "canceled"} if f"/jobs/{row['id']}" in self.undone else row for row in rows]
        return (404 if rows is GONE else 200), rows

    def user(self, id_):
        ended = 5 * (f"/users/{id_}" in self.undone)
        return {"id": id_, "username": id_, "delete_at": ended, "roles": self.held.get(id_, "system_user")}


@pytest.fixture(autouse=True)
def no_moment(monkeypatch):
    monkeypatch.setattr(tidy, "_MOMENT", 0.0)


@pytest.fixture
def undo(path, serve):
    """Note the entries and undo them; returns what was done, the changes that were asked for, and the file."""

    def undo(*entries, server=Mattermost, **faults):
        running = serve(server(**faults))
        kept = Journal(path, running.url)
        for entry in entries:
            kept.note(**entry)
        client = Client(running.url, Redactor(replaying=False))
        try:
            done = dict(tidy.undo([path], Admin(client, "operators-token")))
        except MisuseError as error:
            done = str(error)
        asked = [f"{method} {url.removeprefix('/api/v4')}" for method, url, _, _ in running.requests if method != "GET"]
        return done, [change for change in asked if change not in ("POST /users/ids", "PUT /config/patch")], running

    return undo


def test_without_a_change_there_is_no_journal(path):
    Journal(path, "http://a")
    assert not path.exists()


def test_a_journal_begins_with_the_server(path):
    kept = Journal(path, "http://a")
    kept.note(what="team", name="t")
    kept.note(what="team", name="t", id="1")
    assert told(path) == [
        {"what": "server", "url": "http://a"},
        {"what": "team", "name": "t"},
        {"what": "team", "name": "t", "id": "1"},
    ]


def test_an_entry_is_on_disk_as_soon_as_it_is_noted(path):
    Journal(path, "http://a").note(what="user", name="u")
    assert told(path)[-1] == {"what": "user", "name": "u"}


@pytest.mark.parametrize("lost", range(1, 12))
def test_a_last_line_that_was_cut_short_is_left_out(path, lost):
    kept = Journal(path, "http://a")
    kept.note(what="user", name="u")
    kept.note(what="user", name="v")
    path.write_bytes(path.read_bytes()[: -1 - lost])
    assert told(path)[1:] == [{"what": "user", "name": "u"}]


def test_journals_are_found_by_their_server(tmp_path):
    for name, url in (("journal-a", "http://a"), ("journal-b", "http://b"), ("journal-c", "http://a/"), ("other", "http://a")):
        Journal(tmp_path / name / f"{name}.jsonl", url).note(what="team", name="t")
    (tmp_path / "journal-empty.jsonl").write_text("", encoding="utf-8")
    assert [p.stem for p in journal.of_server(tmp_path, "http://a/")] == ["journal-a", "journal-c"]


@pytest.mark.parametrize(
    ("held", "left"),
    [
        ("system_user", "system_user"),
        ("system_guest", "system_guest"),
        ("system_user system_admin", "system_user"),
        ("system_guest system_manager", "system_guest"),
        ("system_admin", "system_user"),
    ],
)
def test_who_is_deactivated_holds_nothing_that_not_everybody_has_and_a_guest_stays_one(undo, held, left):
    done, changes, server = undo(USER, tokens=0, held={"1": held})
    is_more = held != left
    assert changes == ["PUT /users/1/roles"] * is_more + ["DELETE /users/1"]
    assert [json.loads(body) for method, _, _, body in server.requests if method == "PUT"] == [{"roles": left}] * is_more
    assert done == {"accounts deactivated": 1} | ({"roles of our accounts taken back": 1} if is_more else {})


def test_that_somebody_holds_no_more_is_believed_when_it_was_read_back(undo, path):
    done, _, _ = undo(USER, tokens=0, held={"1": "system_user system_admin"}, deaf=["PUT /users/1/roles"])
    assert "user 1 still holds system_admin" in done and path.exists()


def test_the_administrator_leaves_a_team_before_it_is_archived(undo):
    _, changes, _ = undo(TEAM, me="a1")
    assert changes == ["DELETE /teams/1/members/a1", "DELETE /teams/1"]


def test_everything_is_undone_newest_first_and_the_journal_is_gone(undo, path):
    done, changes, _ = undo(
        {"what": "config", "before": {"ServiceSettings": {"EnableCommands": False}}},
        {"what": "team", "name": "t"},
        {"what": "team", "name": "t", "id": "team-id"},
        {"what": "user", "name": "u"},
        {"what": "user", "name": "u", "id": "user-id"},
        {"what": "command", "id": "command-id"},
        {"what": "job", "id": "job-id"},
    )
    assert changes == [
        "POST /jobs/job-id/cancel",
        "DELETE /commands/command-id",
        "POST /users/tokens/revoke",
        "DELETE /users/user-id",
        "DELETE /teams/team-id",
        "PUT /config",
    ]
    assert done == {
        "jobs cancelled": 1,
        "commands deleted": 1,
        "tokens revoked": 1,
        "accounts deactivated": 1,
        "teams archived": 1,
        "changes of ServiceSettings.EnableCommands undone": 1,
    }
    assert not path.exists()


def test_what_was_noted_before_a_crash_is_found_by_its_name(undo):
    """The line before the change is there, the one after it, with the id, is not."""
    _, changes, _ = undo({"what": "team", "name": "t"}, {"what": "user", "name": "u"}, tokens=0)
    assert changes == ["DELETE /users/u-id", "DELETE /teams/t-id"]


def test_a_command_whose_id_was_never_told_goes_with_its_team(undo):
    _, changes, _ = undo({"what": "team", "name": "t", "id": "1"}, lists={"GET /commands": [{"id": "lost"}]})
    assert changes == ["DELETE /commands/lost", "DELETE /teams/1"]


def test_an_application_whose_id_was_never_told_is_found_by_its_name(undo):
    apps = [{"id": "other", "name": "Jira"}, {"id": "lost", "name": "o"}]
    _, changes, _ = undo({"what": "oauth", "name": "o"}, lists={"GET /oauth/apps": apps})
    assert changes == ["DELETE /oauth/apps/lost"]


def test_a_channel_whose_id_was_never_told_is_found_by_its_name(undo):
    _, changes, _ = undo({"what": "channel", "name": "mmc-h1", "team": "t"})
    assert changes == ["DELETE /channels/mmc-h1-id"]


class SwitchedOff(Mattermost):
    """A server that has nothing of the kind, since a setting forbids it."""

    def __call__(self, method, path, headers, body):
        if "/config" in path:
            return super().__call__(method, path, headers, body)
        off = b'{"id": "api.some.disabled.app_error", "message": "off", "status_code": 501}'
        return 501, [("X-Version-Id", "5.36.0.5.36.1.x.false")], off


@pytest.mark.parametrize("what", ["emoji", "incoming-hook", "outgoing-hook", "oauth", "import"])
def test_what_a_server_makes_none_of_it_has_not_made(undo, path, what):
    done, changes, _ = undo({"what": what, "name": "n"}, server=SwitchedOff)
    assert (done, [change for change in changes if "config" not in change]) == ({}, []) and not path.exists()


class Gated(Mattermost):
    """A server that tells of emoji as long as a setting is on."""

    def told(self, what, url, sent):
        if not url.startswith("/emoji/"):
            return super().told(what, url, sent)
        if not self.config["ServiceSettings"]["EnableCommands"]:
            return 501, {"id": "api.emoji.disabled.app_error", "message": "off", "status_code": 501}
        return (404, GONE) if url in self.undone else (200, {"id": "1"})


@pytest.mark.parametrize("deaf", [[], ["DELETE /emoji/1"]])
def test_what_a_setting_hides_is_read_back_before_that_is_put_back(undo, path, deaf):
    switched_on = {"what": "config", "before": {"ServiceSettings": {"EnableCommands": False}}}
    done, changes, _ = undo(switched_on, {"what": "emoji", "name": "n", "id": "1"}, server=Gated, deaf=deaf)
    assert changes == ["DELETE /emoji/1", "PUT /config"]
    assert path.exists() is bool(deaf) and ("emoji 1 is still there" in done) is bool(deaf)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_brand_image_that_was_made_is_deleted(undo, path, is_there):
    class Pictured(Mattermost):
        def __call__(self, method, url, headers, body):
            if url == "/api/v4/brand/image" and (method == "GET" or not is_there):
                gone = json.dumps({**GONE, "detailed_error": ""}).encode()
                status = 404 if url.removeprefix("/api/v4") in self.undone or not is_there else 200
                return status, [("X-Version-Id", "5.36.0.5.36.1.x.false")], gone
            return super().__call__(method, url, headers, body)

    done, changes, _ = undo({"what": "brand-image"}, server=Pictured)
    assert changes == ["DELETE /brand/image"] and not path.exists()
    assert done == ({"pictures deleted": 1} if is_there else {})
    said, _, _ = undo({"what": "brand-image"}, server=Pictured, deaf=["DELETE /brand/image"])
    assert path.exists() is is_there and ("still there" in said) is is_there


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize(
    ("entry", "url", "stays"),
    [
        ({"what": "import", "name": "mmc-abc123-i1", "id": "1_mmc-abc123-i1.zip"}, "/imports", "imports"),
        ({"what": "brand-image"}, "/brand/image", "pictures"),
    ],
)
def test_what_a_server_has_no_route_to_delete_is_told_if_it_is_there(undo, path, entry, url, stays, is_there):
    """10.8.1 cannot delete an import: it stayed, and was told nowhere. No later clean-up could do more, so no journal stays."""

    class Routeless(Mattermost):
        def __call__(self, method, path, headers, body):
            headers = [("Content-Type", "application/json"), ("X-Version-Id", "10.8.1.10.8.1.x.false")]
            if method == "DELETE":
                return 404, headers, json.dumps({**GONE, "id": NO_ROUTE}).encode()
            if path == f"/api/v4{url}":
                gone = (404, GONE) if url == "/brand/image" else (200, [])
                status, told = (200, [entry.get("id")]) if is_there else gone
                return status, headers, json.dumps(told).encode()
            return super().__call__(method, path, headers, body)

    done, _, _ = undo(entry, server=Routeless)
    assert done == ({f"{stays} stay": 1} if is_there else {}) and not path.exists()


@pytest.mark.parametrize("entry", ["channel", "post"])
def test_what_was_undone_before_and_is_refused_now_counts_as_undone(undo, path, entry):
    """5.36.1 answers 400 of a channel that is archived already, and 403 of a post that is deleted."""
    refused = f"DELETE /{entry}s/1"

    class Undone(Mattermost):
        def __init__(self):
            super().__init__(refuse=[refused])
            self.undone.add(f"/{entry}s/1")

    done, changes, _ = undo({"what": entry, "id": "1"}, server=Undone)
    assert changes == [refused] and done == {} and not path.exists()
    said, _, _ = undo({"what": entry, "id": "1"}, refuse=[refused])
    assert f"{refused.replace(' /', ' /api/v4/')}: 500 a.b" in said and path.exists()


def test_a_job_of_which_no_answer_came_is_looked_for(undo):
    """It is of the same kind, not older, and still waiting; of all others the answer told the id."""
    since = time.time_ns() // 10**6
    jobs = [
        {"id": "lost", "type": "nothing", "status": "pending", "create_at": since},
        {"id": "other", "type": "something", "status": "pending", "create_at": since},
        {"id": "done", "type": "nothing", "status": "success", "create_at": since},
        {"id": "old", "type": "nothing", "status": "pending", "create_at": since - 3_600_000},
    ]
    asked = {"what": "job", "type": "nothing"}
    told = ({"what": "job", "id": "told"}, asked, {"what": "job", "id": ""})
    _, changes, _ = undo(asked, *told, asked, lists={"GET /jobs": jobs})
    assert changes == ["POST /jobs/lost/cancel", "POST /jobs/told/cancel"]
    _, changes, _ = undo(asked, *told, lists={"GET /jobs": jobs})
    assert changes == ["POST /jobs/told/cancel"], "nothing was lost"


SECOND = {"id": "second", "name": "mmc-x", "display_name": "mmc-x", "type": "nothing", "status": "pending", "create_at": 10**6}
#: What a request made that something in front sent twice, passing on the second answer; and what of others' is beside it.
TWICE = {
    "oauth": ("GET /oauth/apps", {"name": "Jira"}, "DELETE /oauth/apps/{}"),
    "incoming-hook": ("GET /hooks/incoming", {"display_name": "Jira"}, "DELETE /hooks/incoming/{}"),
    "job": ("GET /jobs", {"create_at": 1}, "POST /jobs/{}/cancel"),
    "job of another type": ("GET /jobs", {"type": "something"}, "POST /jobs/{}/cancel"),
    "job that is done": ("GET /jobs", {"status": "success"}, "POST /jobs/{}/cancel"),
}


@pytest.mark.parametrize("what", TWICE)
def test_what_was_made_twice_is_undone_twice(undo, what):
    """Only one answer came, and told one id."""
    listed, otherwise, change = TWICE[what]
    rows = [SECOND, {**SECOND, "id": "first", "create_at": 10**6 - 20}, {**SECOND, "id": "other", **otherwise}]
    entry = {"what": what.partition(" ")[0], "id": "second", **({} if "job" in what else {"name": "mmc-x"})}
    _, changes, _ = undo(entry, lists={listed: rows})
    assert changes == [change.format("second"), change.format("first")]


def test_the_twin_of_what_a_test_deleted_itself_is_undone(undo):
    class Deleted(Mattermost):
        def __call__(self, method, path, headers, body):
            if (method, path) == ("DELETE", "/api/v4/oauth/apps/second"):
                return 404, [("X-Version-Id", "5.36.0.5.36.1.x.false")], json.dumps({**GONE, "detailed_error": ""}).encode()
            return super().__call__(method, path, headers, body)

    rows = {"GET /oauth/apps": [{**SECOND, "id": "first"}]}
    done, changes, _ = undo({"what": "oauth", "id": "second", "name": "mmc-x"}, lists=rows, server=Deleted)
    assert changes == ["DELETE /oauth/apps/second", "DELETE /oauth/apps/first"] and done == {"applications deleted": 1}


def test_a_list_that_a_lagging_replica_tells_is_read_once_more(undo, path, monkeypatch):
    """Right after the last token was revoked it is told still."""
    monkeypatch.setattr(admin, "_MOMENT", 0.0)

    class Lagging(Mattermost):
        late = 1

        def told(self, what, url, sent):
            if url.endswith("/tokens") and not self.tokens and self.late:
                self.late -= 1
                return 200, [{"id": "token-id"}]
            return super().told(what, url, sent)

    done, changes, _ = undo({"what": "user", "name": "u", "id": "2"}, server=Lagging)
    assert changes == ["POST /users/tokens/revoke", "DELETE /users/2"] and not path.exists(), done


def test_a_journal_that_has_just_gone_is_none(tmp_path):
    """Its run has put everything back meanwhile."""
    assert journal.read(tmp_path / "journal-a.jsonl") == []


def test_settings_are_put_back_and_others_left_as_they_are_now(undo):
    before = {"ServiceSettings": {"EnableCommands": False}, "New": {"a": 1}}
    _, _, server = undo({"what": "config", "before": before})
    sent = [json.loads(body) for method, url, _, body in server.requests if f"{method} {url}" == "PUT /api/v4/config"]
    assert sent == [{"ServiceSettings": {"EnableCommands": False, "Other": 1}, "New": {"a": 1}}]


def test_the_operator_undoes_it(undo):
    _, _, server = undo({"what": "command", "id": "c"})
    assert {headers["Authorization"] for _, _, headers, _ in server.requests} == {"Bearer operators-token"}


def test_the_journal_stays_when_the_server_refuses(undo, path):
    said, changes, _ = undo(
        {"what": "team", "name": "t", "id": "1"}, {"what": "user", "name": "u", "id": "2"}, refuse=["DELETE /users/2"]
    )
    assert "could not undo everything (DELETE /api/v4/users/2: 500 a.b)" in said and str(path.parent) in said
    assert "DELETE /teams/1" in changes, "the rest is undone all the same"
    assert path.exists()


def test_tokens_that_cannot_be_revoked_do_not_hold_it_up_for_ever(undo, path):
    said, _, _ = undo({"what": "user", "name": "u", "id": "2"}, refuse=["POST /users/tokens/revoke"])
    assert "POST /api/v4/users/tokens/revoke" in said and path.exists()


def test_what_is_gone_already_counts_as_undone(undo, path, serve):
    running = serve(lambda *_: (404, [("Content-Type", "application/json")], json.dumps(GONE).encode()))
    Journal(path, running.url).note(what="command", id="c")
    Journal(path, running.url).note(what="user", name="u")
    assert dict(tidy.undo([path], Admin(Client(running.url, Redactor(replaying=False)), "t"))) == {}
    assert not path.exists()


def test_the_journal_stays_when_the_server_is_gone(path, closed_port):
    Journal(path, closed_port).note(what="command", id="c")
    with pytest.raises(MisuseError, match=r"cleanup stopped: .*; the journals in .* stay"):
        tidy.undo([path], Admin(Client(closed_port, Redactor(replaying=False)), "t"))
    assert path.exists()


def test_journals_of_one_server_are_undone_as_one_newest_first(tmp_path, serve):
    """A test's own journal tells of a later change of the same setting than the run's: its name says nothing."""
    running = serve(Mattermost())
    run, test = Journal(tmp_path / "journal-zzz.jsonl", running.url), Journal(tmp_path / "journal-aaa.jsonl", running.url)
    run.note(what="config", before={"ServiceSettings": {"EnableCommands": "before the run"}})
    test.note(what="config", before={"ServiceSettings": {"EnableCommands": "before the test"}})
    tidy.undo([test.path, run.path], Admin(Client(running.url, Redactor(replaying=False)), "t"))
    whole = [json.loads(body) for method, url, _, body in running.requests if f"{method} {url}" == "PUT /api/v4/config"]
    put = [config["ServiceSettings"]["EnableCommands"] for config in whole]
    assert put == ["before the test", "before the run"]
    assert not run.path.exists() and not test.path.exists()


def test_a_journal_is_found_by_any_name_of_this_machine(tmp_path):
    Journal(tmp_path / "journal-a.jsonl", "http://127.0.0.1:8065").note(what="team", name="t")
    assert journal.of_server(tmp_path, "http://localhost:8065/") == [tmp_path / "journal-a.jsonl"]
    assert journal.of_server(tmp_path, "http://127.0.0.1:8066") == []


# -- an undoing is believed when it was read back ----------------------------------------------------------------------

USER, TEAM, JOB, CHANNEL, POST = ({"what": what, "name": "n", "id": "1"} for what in ("user", "team", "job", "channel", "post"))
SETTING = {"what": "config", "before": {"ServiceSettings": {"EnableCommands": False}}}
ROLE = {"what": "role", "id": "1", "permissions": ["a", "b"]}
APP = {"what": "oauth", "name": "o", "id": "1"}
ROW = {"id": "1", "name": "o", "type": "nothing", "status": "pending"}
#: A change that says 200 and changes nothing, and what is then told.
DEAF = {
    "settings": (SETTING, "PUT /config", {}, "ServiceSettings.EnableCommands is true after it was put back"),
    "roles": (ROLE, "PUT /roles/1/patch", {}, "the role 1 does not hold what it held before"),
    "tokens": (USER, "POST /users/tokens/revoke", {}, "the tokens of user 1 are still there"),
    "users": (USER, "DELETE /users/1", {}, "user 1 is still active"),
    "teams": (TEAM, "DELETE /teams/1", {}, "team 1 is still there"),
    "commands": (TEAM, "DELETE /commands/1", {"GET /commands": [ROW]}, "the commands of team 1 are still there"),
    "applications": (APP, "DELETE /oauth/apps/1", {"GET /oauth/apps": [ROW]}, "application 1 is still there"),
    "channels": (CHANNEL, "DELETE /channels/1", {}, "channel 1 is still there"),
    "posts": (POST, "DELETE /posts/1", {}, "post 1 is still there"),
    "jobs": (JOB, "POST /jobs/1/cancel", {"GET /jobs": [ROW]}, "job 1 is still pending"),
}


@pytest.mark.parametrize("kind", DEAF)
def test_a_200_that_changed_nothing_is_told_and_the_journal_stays(undo, path, kind):
    entry, change, lists, told = DEAF[kind]
    said, changes, _ = undo(entry, deaf=[change], lists=lists)
    assert change in changes and told in said and "mmconform cleanup http://" in said
    assert path.exists()
    done, _, _ = undo(lists=lists)
    assert isinstance(done, dict) and not path.exists(), "and when it is asked once more, it is undone"


def test_what_comes_a_moment_later_is_undone(undo, monkeypatch):
    """A replica of the database may lag behind."""
    late = []

    class Lagging(Mattermost):
        def change(self, what, url, sent):
            late.append(lambda: super(Lagging, self).change(what, url, sent))

        def told(self, what, url, sent):
            return (200, []) if url.endswith("/tokens") else super().told(what, url, sent)

    monkeypatch.setattr(tidy.time, "sleep", lambda _: [change() for change in late])
    assert undo(USER, SETTING, server=Lagging)[0] == {
        "accounts deactivated": 1,
        "changes of ServiceSettings.EnableCommands undone": 1,
    }


class Forgetful(Mattermost):
    """It lists people from a cache that it does not renew when somebody is deactivated, as servers did to 5.5 and later."""

    def told(self, what, url, sent):
        if url == "/users/ids":
            return 200, [{"id": id_, "username": id_, "delete_at": 0} for id_ in sent]
        if what == "GET /users/1":
            return 200, {"id": "1", "username": "1", "delete_at": 5 * (url in self.undone)}
        return super().told(what, url, sent)


def test_who_is_active_in_a_list_alone_is_not(undo):
    assert undo(USER, server=Forgetful)[0]["accounts deactivated"] == 1
    assert "user 1 is still active" in undo(USER, server=Forgetful, deaf=["DELETE /users/1"])[0]


class Discreet(Mattermost):
    """It does not tell its secrets."""

    def told(self, what, url, sent):
        status, data = super().told(what, url, sent)
        return status, {**data, "WebrtcSettings": {"Secret": "*" * 32}} if url == "/config" else data


def test_a_secret_that_is_not_told_is_no_other_setting(undo):
    before = {"ServiceSettings": {"EnableCommands": True}, "WebrtcSettings": {"Secret": "s"}}
    assert undo({"what": "config", "before": before}, server=Discreet)[0] == {
        "changes of ServiceSettings.EnableCommands, WebrtcSettings.Secret undone": 2
    }


PAGE = b"<html><title>Maintenance</title></html>"
FRONTS = {
    "a maintenance page": (200, [("Content-Type", "text/html")], PAGE),
    "an ingress that finds nothing": (404, [("Content-Type", "text/html")], b"default backend - 404"),
    "a block page": (403, [("Content-Type", "text/html")], PAGE),
    "a login page": (401, [("WWW-Authenticate", "Basic")], PAGE),
    "a gateway that speaks JSON": (404, [("Content-Type", "application/json")], b'{"error": "no route"}'),
    "a gateway that likes everything": (200, [("Content-Type", "application/json")], b"{}"),
}
EVERYTHING = (
    SETTING,
    ROLE,
    TEAM,
    {"what": "user", "name": "u"},
    {"what": "command", "id": "c", "team": "t"},
    APP,
    JOB,
    CHANNEL,
    POST,
)


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("entry", EVERYTHING, ids=lambda e: e["what"])
def test_what_somebody_else_answers_undoes_nothing(undo, path, front, entry):
    said, _, _ = undo(entry, front=FRONTS[front])
    assert isinstance(said, str) and "stay" in said and "mmconform cleanup http://" in said
    assert path.exists()
    assert undo()[0] != {} and not path.exists(), "once it is gone, the rest is undone"


def test_what_was_put_right_is_told_in_words():
    done = {
        "accounts deactivated": 6,
        "changes of A.B undone": 1,
        "bots among our accounts disabled": 1,
        "bots of ours handed to the administrator": 1,
        "jobs cancelled": 0,
        "emoji deleted": 1,
    }
    assert tidy.in_words(done) == (
        "6 accounts deactivated, 1 change of A.B undone, 1 bot among our accounts disabled, "
        "1 bot of ours handed to the administrator, 1 emoji deleted"
    )


def test_what_stays_is_told_apart_from_what_was_put_right():
    done = {"accounts deactivated": 2, "imports stay": 1, "pictures stay": 2}
    assert tidy.in_words(done) == "2 accounts deactivated" and tidy.staying(done) == "1 import, 2 pictures"
    assert tidy.staying({"accounts deactivated": 2}) == ""


def counted():
    """The words by which tidying up counts, as its source writes them; of settings what stands around their names."""
    constants = {}
    for path in [*(ROOT / "mmconform/world/kinds").glob("*.py"), *(ROOT / "mmconform/servers/live").glob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant):
                constants[node.targets[0].id] = node.value
        for node in ast.walk(tree):
            told = None
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("attempt", "empty"):
                told = node.args[node.func.attr == "empty"]
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Subscript):
                if ast.unparse(node.target.value) not in ("undoing.done", "ended"):  # others count what is told elsewhere
                    continue
                told = node.target.slice
            told = constants.get(told.id) if isinstance(told, ast.Name) else told
            if isinstance(told, ast.JoinedStr):
                yield " *setting* ".join(part.value.strip() for part in told.values if isinstance(part, ast.Constant))
            elif isinstance(told, ast.Constant) and isinstance(told.value, str):
                yield told.value


def test_what_may_stand_in_the_last_line_of_a_run_is_explained():
    """Bots that became the administrator's, and an import, stood there, and in no list."""
    text = (ROOT / "docs" / "live-server.md").read_text(encoding="utf-8")
    explained = {word.strip() for row in re.findall(r"^  \| ([^|]+) \|", text, re.MULTILINE) for word in row.split(",")}
    of_all = {word for word in explained if word in conformance._BUT}
    of_some = {"no route to take away *things*"}
    assert explained - {"it says"} == set(counted()) | of_all | of_some and of_all
    assert conformance._NO_ROUTE.strip().endswith(next(iter(of_some)).removesuffix(" *things*"))
