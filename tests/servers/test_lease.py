"""Two runs on one server: the lease is on the server, and whoever dies with it loses it."""

import json
import re
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

import pytest

from mmconform.commands.cli import main
from mmconform.errors import MisuseError
from mmconform.servers.live import lease, live_server
from mmconform.servers.live.journal import Journal
from mmconform.servers.live.lease import Lease, Leased, LeaseLostError, LeaseMark
from mmconform.servers.target import live
from mmconform.wire.client import Client, Patience, UnseenError
from mmconform.wire.tape.cassette import recording_to
from mmconform.wire.tape.redact import Redactor
from mmconform.world.kinds.user import is_ours

ADMIN = {"id": "a1", "username": "admin", "email": "a@example.org", "roles": "system_user system_admin", "delete_at": 0}
SECOND = {**ADMIN, "id": "a2", "username": "second"}


class Fake:
    """As much of a server as a lease and a clean-up need; the clock is its own."""

    def __init__(self):
        self.kept, self.clock, self.me = {}, time.time() + 10**6, ADMIN
        self.users, self.teams, self.apps, self.commands, self.deleted = [ADMIN, SECOND], [], [], [], []
        self.channels, self.private = [], []

    def __call__(self, method, path, headers, body):
        status, data = self.answer(method, path.removeprefix("/api/v4/"), json.loads(body or b"null"))
        return status, [("X-Version-Id", "5.36.1.5.36.1.abc.false")], json.dumps(data).encode()

    def answer(self, method, path, sent):
        path = path.partition("?")[0]
        lists = {"users": self.users, "teams": self.teams, "oauth/apps": self.apps, "commands": self.commands}
        lists |= {kind: [] for kind in ("bots", "emoji", "hooks/incoming", "hooks/outgoing")}
        lists |= {"channels": [*self.channels, *self.private]}
        if method == "DELETE":
            self.deleted.append(path)
            if "/members/" in path:
                return 200, {"status": "OK"}
            kind, _, id_ = path.rpartition("/")
            lists[kind][:] = [
                {**row, "delete_at": 9} if row["id"] == id_ else row
                for row in lists[kind]
                if row["id"] != id_ or kind in ("users", "teams")
            ]
            return 200, {"status": "OK"}
        if path in lists:
            return 200, lists[path]
        if path == "users/ids":
            return 200, [row for row in self.users if row["id"] in sent]
        if path.startswith("channels/"):
            return 200, {"delete_at": 9 * (path in self.deleted)}
        if path.startswith("teams/t1/channels"):
            return 200, self.private if path.endswith("/private") else self.channels
        if path.startswith("teams/"):
            return 200, next(row for row in self.teams if row["id"] == path.rpartition("/")[2])
        if path == "users/me":
            return 200, self.me
        if path == "users/a1":
            return 200, ADMIN
        if path == "users/x9":
            return 404, {"id": "app.user.missing_account.const", "message": "no", "detailed_error": "", "status_code": 404}
        if path == "system/ping":
            return 200, {"status": "OK"}
        if path == "config/client":
            return 200, {"Version": "5.36.1", "BuildNumber": "5.36.1"}
        user = path.partition("/")[2].partition("/")[0]
        if method == "PUT":
            self.kept[user] = sent[0]["value"]
        elif path.endswith("/preferences/delete"):
            self.kept.pop(user, None)
        elif path.endswith("/tokens"):
            return 200, []
        elif user not in self.kept:
            return 404, {"id": "store.sql_preference.get.app_error", "message": "no", "detailed_error": "", "status_code": 404}
        else:
            return 200, {"user_id": user, "category": "mmconform", "name": "lease", "value": self.kept[user]}
        return 200, {"status": "OK"}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(lease, "_MOMENT", 0.0)
    fake = Fake()
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda _: formatdate(fake.clock, usegmt=True))
    return fake


@pytest.fixture
def of(serve, server):
    """Make the lease of a run."""
    url = serve(server).url
    made = []

    def of(run):
        made.append(Lease(Client(url, Redactor(replaying=False)), "t" * 26, run))
        return made[-1]

    yield of
    for one in made:
        one._over.set()


def test_a_second_run_is_told_who_the_first_is_and_what_to_do(of):
    of("aaaaaa").take()
    with pytest.raises(MisuseError, match=r"^http://\S+ is in use by run aaaaaa on .*`mmconform cleanup"):
        of("bbbbbb").take()


def test_a_second_run_of_another_administrator_is_told_too(of, server):
    of("aaaaaa").take()
    server.me = SECOND
    with pytest.raises(MisuseError, match="run aaaaaa"):
        of("bbbbbb").take()
    assert list(server.kept) == ["a1"]


def test_whoever_gives_it_back_leaves_nothing(of, server):
    first = of("aaaaaa")
    first.take()
    first.release()
    assert server.kept == {}
    of("bbbbbb").take()


def test_a_lease_is_given_back_though_a_gateway_spoils_an_answer_now_and_then(of, server, monkeypatch):
    """The run ended in order, and nobody could use the server for five minutes; its own cleanup neither."""
    first = of("aaaaaa")
    first.take()
    holders, spoilt = first.holders, iter([True, False])

    def looked():
        if next(spoilt, False):
            raise UnseenError("GET /users", "a gateway answered 520")
        return holders()

    monkeypatch.setattr(first, "holders", looked)
    first.release()
    assert server.kept == {}


def test_a_lease_expires_by_the_servers_clock(of, server):
    of("aaaaaa").take()
    server.clock += 299
    assert [holder.run for holder in of("bbbbbb").holders()] == ["aaaaaa"]
    server.clock += 2
    of("bbbbbb").take()
    assert [holder.run for holder in of("bbbbbb").holders()] == ["bbbbbb"]


def test_a_lease_is_renewed_while_the_run_goes_on(of, server, monkeypatch):
    monkeypatch.setattr(lease, "_RENEWED", 0.01)
    of("aaaaaa").take()
    for _ in range(5):
        server.clock += 200
        assert any(holder.until > server.clock + 200 for _ in range(500) for holder in of("bbbbbb").holders())
        assert [holder.run for holder in of("bbbbbb").holders()] == ["aaaaaa"]


def test_a_run_finds_out_that_its_lease_was_taken(of, server, monkeypatch):
    monkeypatch.setattr(lease, "_RENEWED", 0.01)
    first = of("aaaaaa")
    first.take()
    server.kept["a1"] = server.kept["a1"].replace("aaaaaa", "bbbbbb")
    deadline = time.monotonic() + 5
    while not first.is_lost and time.monotonic() < deadline:
        time.sleep(0.01)
    assert first.is_lost and "bbbbbb" in server.kept["a1"]


@pytest.mark.parametrize("account", [ADMIN, SECOND])
def test_of_two_who_come_at_once_one_goes(of, server, monkeypatch, account):
    """Both have looked and found nobody; the second writes before the first looks again."""
    first, second = of("aaaaaa"), of("bbbbbb")
    write = first._write

    def meanwhile(since):
        written = write(since)
        server.me = account
        second._write(None)
        server.me = ADMIN
        return written

    monkeypatch.setattr(first, "_write", meanwhile)
    if account is ADMIN:
        with pytest.raises(MisuseError, match="run bbbbbb"):
            first.take()
        assert [holder.run for holder in first.holders()] == ["bbbbbb"]
    else:
        first.take()
        assert first.holders()[0].run == "aaaaaa", "the second finds that it is second"


NO_LEASE = ["", "null", "[]", "{}", '{"run": 1}', "[" * 9999, '{"since": "x", "run": 1, "until": 2, "machine": 3}']


@pytest.mark.parametrize("value", NO_LEASE, ids=range(len(NO_LEASE)))
def test_what_is_no_lease_of_ours_holds_nobody_up(of, server, value):
    server.kept["a1"] = value
    of("bbbbbb").take()


def test_what_a_lease_says_does_not_steer_a_terminal(of, server):
    server.kept["a2"] = json.dumps({"since": 1, "until": 1e12, "run": "\x1b[31m" * 99, "machine": "\r\n\x07" * 99})
    with pytest.raises(MisuseError) as caught:
        of("bbbbbb").take()
    assert str(caught.value).isprintable()


def test_a_lease_is_never_on_tape(serve, server, tmp_path):
    url = serve(server).url
    redactor = Redactor(replaying=False)
    client = Client(url, redactor)
    with recording_to(tmp_path / "a.yaml", redactor, url):
        one = Lease(client, "t" * 26, "aaaaaa")
        one.take()
        client.send("GET", "/api/v4/system/ping", persona="anonymous")
        one.release()
    assert re.findall(r"uri: '?([^',}\s]+)", (tmp_path / "a.yaml").read_text()) == ["http://recorded.invalid/api/v4/system/ping"]


# -- a run that was stopped for longer than its lease ------------------------------------------------------------------


class Everything:
    """A guard that lets everything through."""

    def before(self, sending):
        return

    def after(self, sending, status, answer=b""):
        return


@pytest.fixture
def sleep(server, monkeypatch):
    """Let so many seconds pass while nobody does anything, as for a laptop that sleeps."""
    passed = [0.0]
    began = lease.clock()
    monkeypatch.setattr(lease, "clock", lambda: began + passed[0])

    def sleep(seconds):
        passed[0] += seconds
        server.clock += seconds

    return sleep


def test_while_the_lease_lasts_nothing_is_asked(of, server, sleep):
    one = of("aaaaaa")
    one.take()
    server.answer = None  # whatever is asked now breaks off
    sleep(290)
    one.confirm()
    assert not one.is_lost


def test_a_run_that_slept_while_nobody_came_takes_its_lease_again(of, server, sleep):
    one = of("aaaaaa")
    one.take()
    sleep(4000)
    assert of("bbbbbb").holders() == []
    one.confirm()
    assert [holder.run for holder in of("bbbbbb").holders()] == ["aaaaaa"] and not one.is_lost


@pytest.mark.parametrize("account", ["a1", "a2"])
def test_a_run_that_slept_while_somebody_came_has_lost_its_lease(of, server, sleep, account):
    """Also where the other has the same account, and so the same preference."""
    one = of("aaaaaa")
    one.take()
    sleep(400)
    held(server, "bbbbbb", account)
    kept = dict(server.kept)
    for _ in range(2):
        with pytest.raises(LeaseLostError, match=r"run bbbbbb on far away.*has it now.*`mmconform cleanup http://"):
            one.confirm()
    assert one.is_lost and server.kept == kept, "and the other's is as it was"


def test_without_the_lease_nothing_is_changed_and_everything_may_be_read(of, server, sleep):
    one = of("aaaaaa")
    one.take()
    one._client.guard = None
    client = Client(one._client.base_url, Redactor(replaying=False), guard=Leased(Everything(), one.confirm))
    client.send("DELETE", "/api/v4/commands/c1", persona="operator")
    sleep(400)
    held(server, "bbbbbb")
    assert client.send("GET", "/api/v4/system/ping", persona="operator").status == 200
    for method, url in (("PUT", "/api/v4/config"), ("POST", "/api/v4/users"), ("DELETE", "/api/v4/commands/c2")):
        with pytest.raises(LeaseLostError):
            client.send(method, url, persona="operator", json={})
    assert server.deleted == ["commands/c1"]


def test_a_run_without_its_lease_puts_nothing_back_and_keeps_its_journal(of, server, sleep, tmp_path, monkeypatch):
    monkeypatch.setattr(live_server, "REPORTS", tmp_path)
    one = of("aaaaaa")
    one.take()
    target = live(one._client.base_url)
    target.guard = Leased(Everything(), one.confirm)
    run = live_server.LiveServer(target, "t" * 26, frozenset(), lease=one)
    note = run.journal("aaaaaa-server")
    note.note(what="command", id="c1")
    note.note(what="config", before={"ServiceSettings": {"EnableCommands": False}})
    sleep(400)
    held(server, "bbbbbb")
    with pytest.raises(LeaseLostError, match="changes nothing there any more"):
        run.clean()
    assert note.path.exists() and server.deleted == [] and "bbbbbb" in server.kept["a2"]


def test_a_run_whose_time_is_over_tidies_up_though_its_lease_has_to_be_looked_at(of, server, sleep, tmp_path, monkeypatch):
    """Tidying up has time of its own; the lease may have expired in a test that took the rest of the run's."""
    monkeypatch.setattr(live_server, "REPORTS", tmp_path)
    held = of("aaaaaa")
    held.take()
    target = live(held._client.base_url)
    run = live_server.LiveServer(target, "t" * 26, frozenset(), lease=held)
    server.commands += [{"id": "c1"}]
    run.journal("aaaaaa-server").note(what="command", id="c1")
    sleep(400)
    held._client.patience = Patience(until=0.0)
    assert run.clean() == {"commands deleted": 1} and "commands/c1" in server.deleted


def test_whoever_was_never_let_in_is_told_by_whom_and_not_that_something_was_lost(of, server, tmp_path, monkeypatch):
    monkeypatch.setattr(live_server, "REPORTS", tmp_path)
    monkeypatch.setenv("MM_ADMIN_TOKEN", "t" * 26)
    held(server, "bbbbbb")
    target = live(of("aaaaaa")._client.base_url)
    with pytest.raises(MisuseError, match=r"^http://\S+ is in use by run bbbbbb on far away"):
        live_server.enter_server(target, "aaaaaa", create_first_admin=False)
    assert list(tmp_path.rglob("journal-*")) == [] and "bbbbbb" in server.kept["a2"]


def test_the_other_processes_of_a_run_see_its_lease(of, server, sleep, tmp_path, monkeypatch):
    monkeypatch.setattr(lease, "_PATIENCE", 0.0)
    path = tmp_path / "reports" / "lease"
    one = of("aaaaaa")
    one._mark = path
    one.take()
    LeaseMark(path).confirm()
    sleep(400)
    with pytest.raises(LeaseLostError):
        LeaseMark(path).confirm()
    one.confirm()
    LeaseMark(path).confirm()
    sleep(400)
    held(server, "bbbbbb")
    with pytest.raises(LeaseLostError):
        one.confirm()
    with pytest.raises(LeaseLostError):
        LeaseMark(path).confirm()
    one.release()
    assert not path.exists() and "bbbbbb" in server.kept["a2"]


# -- clean-up ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def cleanup(serve, server, tmp_path, monkeypatch, capsys):
    """Call `mmconform cleanup` with the journals of a folder; returns its status and what it says."""
    monkeypatch.setattr("mmconform.commands.cleanup.REPORTS", tmp_path)
    monkeypatch.setattr(live_server, "REPORTS", tmp_path)
    monkeypatch.setenv("MM_ADMIN_TOKEN", "t" * 26)
    url = serve(server).url

    def cleanup(*options):
        status = main(["cleanup", url, *options])
        said = capsys.readouterr()
        return status, said.out + said.err

    cleanup.url, cleanup.folder = url, tmp_path
    return cleanup


def held(server, run, account="a2"):
    server.kept[account] = json.dumps({"since": 1, "until": server.clock + 100, "run": run, "machine": "far away"})


def test_cleanup_ends_the_lease_of_the_run_that_it_undoes(cleanup, server):
    held(server, "aaaaaa")
    note = Journal(cleanup.folder / "journal-aaaaaa-server.jsonl", cleanup.url)
    note.note(what="lease", run="aaaaaa")
    note.note(what="command", id="c1")
    assert cleanup() == (0, "1 command deleted\n")
    assert server.kept == {} and server.deleted == ["commands/c1"] and not note.path.exists()


@pytest.mark.parametrize(("account", "is_known"), [("a1", True), ("x9", False)])
def test_cleanup_puts_nothing_of_one_server_into_another_at_the_same_address(cleanup, server, account, is_known):
    """Told by the administrator who ran, whom no other server knows."""
    note = Journal(cleanup.folder / "journal-aaaaaa-server.jsonl", cleanup.url)
    note.note(what="lease", run="aaaaaa", user=account)
    note.note(what="command", id="c1")
    status, said = cleanup()
    assert (status == 0) == is_known == (server.deleted == ["commands/c1"]) == (not note.path.exists())
    if not is_known:
        assert status == 2 and "another server" in said and said.count("\n") == 1


def test_cleanup_keeps_out_of_somebody_elses_run(cleanup, server):
    held(server, "bbbbbb")
    Journal(cleanup.folder / "journal-a.jsonl", cleanup.url).note(what="command", id="c1")
    status, said = cleanup()
    assert status == 2 and "is in use by run bbbbbb on far away" in said and said.count("\n") == 1
    assert server.deleted == [] and "a2" in server.kept


def test_cleanup_without_a_journal_says_how_to_undo_what_others_left(cleanup):
    status, said = cleanup()
    assert status == 0 and said.startswith("nothing to undo on") and "--everything" in said


@pytest.mark.parametrize("option", [[], ["--everything"]])
def test_no_cleanup_comes_between_a_run_and_its_server(cleanup, server, option):
    held(server, "bbbbbb")
    server.commands += [{"id": "c1"}]
    status, said = cleanup(*option)
    assert status == 2 and "is in use by run bbbbbb on far away" in said and said.count("\n") == 1
    assert server.deleted == [] and "a2" in server.kept


def test_everything_is_told_by_its_name(cleanup, server):
    ours = "mmc-bbbbbb-0a1b2c3d"
    server.users += [
        {**ADMIN, "id": "u1", "username": "mmc-bbbbbb-member", "email": "mmc-bbbbbb-member@conformance.invalid", "roles": ""},
        {**ADMIN, "id": "u2", "username": f"{ours}b1", "is_bot": True, "email": "x@localhost", "roles": ""},
        {**ADMIN, "id": "u3", "username": "mmc-bbbbbb-member2", "email": "m@conformance.invalid", "roles": "", "delete_at": 5},
        {**ADMIN, "id": "p1", "username": "mmc-maria", "email": "maria@conformance.invalid", "roles": ""},
        {**ADMIN, "id": "p2", "username": "mmc-bbbbbb-member3", "email": "x@example.org", "roles": ""},
        {**ADMIN, "id": "p3", "username": "zoe", "is_bot": True, "roles": ""},
    ]
    server.teams += [
        {"id": "t1", "name": "mmc-bbbbbb", "delete_at": 0},
        {"id": "t2", "name": f"{ours}t1", "delete_at": 7},
        {"id": "t3", "name": "mmc-community", "delete_at": 0},
        {"id": "t4", "name": "people", "delete_at": 0},
    ]
    server.apps += [{"id": "o1", "name": f"{ours}o1"}, {"id": "o2", "name": "Jira"}]
    server.commands += [{"id": "c1"}]
    server.channels += [{"id": "h1", "name": f"{ours}h1", "delete_at": 0}, {"id": "h2", "name": "town-square", "delete_at": 0}]
    server.private += [{"id": "h3", "name": f"{ours}h2", "delete_at": 0}]
    status, said = cleanup("--everything")
    assert status == 0, said
    assert set(server.deleted) == {
        *("channels/h1", "channels/h3", "oauth/apps/o1", "users/u2", "users/u1", "commands/c1", "teams/t1/members/a1", "teams/t1")
    }
    assert server.deleted.index("channels/h1") < server.deleted.index("teams/t1"), "what is within goes first"
    done = said.partition("\nsettings, roles and")[0].split(", ")
    assert sorted(done) == sorted(
        ["1 application deleted", "2 channels archived", "2 accounts deactivated", "1 command deleted", "1 team archived"]
    )
    assert server.kept == {} and list(cleanup.folder.rglob("journal-*")) == []


@pytest.mark.parametrize("name", ["mmc-abc123", "mmc-abc123-member", "mmc-abc123-0123abcdu12"])
def test_a_name_of_ours_is_told(name):
    assert is_ours({"username": name, "email": f"{name}@conformance.invalid"})
