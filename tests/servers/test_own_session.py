"""The administrator's session that a run begins, and that a later cleanup ends."""

import json
import time
from dataclasses import replace

import pytest

from mmconform.commands import doctor
from mmconform.commands.cli import main
from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.errors import MisuseError
from mmconform.reference import named
from mmconform.reference.server import Reference
from mmconform.servers.live import journal, lease, live_server, locks, prepare
from mmconform.servers.live.journal import Journal
from mmconform.servers.live.prepare import own_session, sign_in
from mmconform.servers.target import live
from mmconform.wire.client import Client, UnseenError
from mmconform.wire.tape.redact import Redactor
from mmconform.world.admin import Admin

WHO = ("boss", "Passw0rd!")


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("MM_ADMIN_TOKEN", raising=False)
    app = named.app("reference", "11.0.3")
    with Reference(app, *WHO) as running:
        yield app, running.url


def begin(server, seconds=1.0):
    """Sign in; returns the id of that session, and what it is told to be."""
    app, url = server
    before = set(app.store.sessions)
    client = Client(url, Redactor(replaying=False))
    token = sign_in(client, ours=WHO)
    [begun] = set(app.store.sessions) - before
    account, told = own_session(Admin(client, token), seconds) or (app.store.sessions[begun].user, "")
    assert account == app.store.sessions[begun].user
    return app.store.sessions[begun].id, told


def age(app, seconds):
    for token, session in app.store.sessions.items():
        app.store.sessions[token] = replace(session, created=session.created - int(seconds * 1000))


def test_the_session_of_a_run_is_the_newest(server):
    first, told = begin(server)
    assert told == first
    age(server[0], 60)
    second, told = begin(server)
    assert told == second != first


@pytest.mark.parametrize(("apart", "seconds", "is_known"), [(4, 0.5, False), (7, 0.5, True), (7, 3.0, False)])
def test_of_two_that_began_at_about_the_same_time_neither_is_known(server, apart, seconds, is_known):
    """Whoever else signed in while the run did may have the newer one."""
    begin(server)
    age(server[0], apart)
    begun, told = begin(server, seconds)
    assert told == (begun if is_known else "")


def test_a_session_that_was_given_is_not_the_runs(server, monkeypatch):
    client = Client(server[1], Redactor(replaying=False))
    token = sign_in(client, ours=WHO)
    monkeypatch.setenv("MM_ADMIN_TOKEN", token)
    assert own_session(Admin(client, token), 1.0) is None


def test_of_a_list_that_lags_behind_no_older_session_is_taken_for_the_runs(server, monkeypatch):
    """Cleanup would sign out somebody who did nothing: the administrator in a browser, since this morning."""
    app, url = server
    begin(server)
    age(app, 60)
    earlier = [{"id": one.id, "user_id": one.user, "create_at": one.created} for one in app.store.sessions.values()]
    client = Client(url, Redactor(replaying=False))
    admin = Admin(client, sign_in(client, ours=WHO))
    send = client.send

    def lagging(method, path, **more):
        answer = send(method, path, **more)
        return replace(answer, answer=json.dumps(earlier).encode()) if path.endswith("/me/sessions") else answer

    monkeypatch.setattr(client, "send", lagging)
    assert own_session(admin, 1.0) is None


@pytest.mark.parametrize("says", [b"<html>", b"null", b"{}", b'[7, {"create_at": "now"}]'])
def test_what_is_no_list_of_sessions_tells_none(server, monkeypatch, says):
    client = Client(server[1], Redactor(replaying=False))
    admin = Admin(client, sign_in(client, ours=WHO))
    send = client.send
    monkeypatch.setattr(client, "send", lambda *what, **more: replace(send(*what, **more), answer=says))
    assert own_session(admin, 1.0) is None


@pytest.mark.parametrize("is_there", [True, False])
def test_cleanup_ends_the_session_of_a_run_that_was_killed_and_no_other(server, tmp_path, monkeypatch, capsys, is_there):
    app, url = server
    other, _ = begin(server)
    age(app, 60)
    _, left = begin(server)
    if not is_there:  # expired, or ended by somebody
        app.store.sessions = {token: session for token, session in app.store.sessions.items() if session.id != left}
    monkeypatch.setattr("mmconform.commands.cleanup.REPORTS", tmp_path)
    monkeypatch.setattr(live_server, "REPORTS", tmp_path)
    monkeypatch.setenv("MM_ADMIN_LOGIN", WHO[0])
    monkeypatch.setenv("MM_ADMIN_PASSWORD", WHO[1])
    me = app.store.user_called(WHO[0]).id
    note = Journal(tmp_path / "journal-aaaaaa-server.jsonl", url)
    note.note(what="lease", run="aaaaaa", user=me)
    note.note(what="session", user=me, session=left)
    assert main(["cleanup", url]) == 0
    assert capsys.readouterr().out == ("1 session ended\n" if is_there else "nothing was left to undo\n")
    assert [session.id for session in app.store.sessions.values()] == [other] and not note.path.exists()


@pytest.fixture
def live_one(server, tmp_path, monkeypatch):
    """The server as a run, or a worker of one, has it: with a session that was begun elsewhere."""
    app, url = server
    for module in (live_server, locks):
        monkeypatch.setattr(module, "REPORTS", tmp_path)
    monkeypatch.setenv("MM_ADMIN_LOGIN", WHO[0])
    monkeypatch.setenv("MM_ADMIN_PASSWORD", WHO[1])
    target = live(url)
    return app, live_server.LiveServer(target, sign_in(target.client(), ours=WHO), frozenset(), run="bbbbbb")


def test_a_worker_ends_the_session_that_it_began_and_no_other(live_one):
    app, worker = live_one
    worker.clean()
    assert [one.token for one in app.store.sessions.values()] == [worker.operator], "it is the first process's"
    app.store.sessions.clear()
    assert worker.sign_in_again() == worker.sign_in_again(), "there is one again"
    assert journal.sessions_of(journal.of_server(live_server.REPORTS, worker.target.base_url)) == {worker.session}
    worker.clean()
    assert app.store.sessions == {} and not [*live_server.REPORTS.rglob("journal-*")]


def test_the_first_process_ends_the_session_of_a_worker_that_was_killed(live_one):
    app, first = live_one
    first.sign_in(first.target.client(), ours=WHO)
    first.lock = locks.only_run(first.target)
    first.note_session()
    mine, theirs = app.store.sessions[str(first.operator)], app.store.sessions[signed_in(first)]
    note = Journal(live_server.REPORTS / first.target.slug / "journal-dddddd-server.jsonl", first.target.base_url)
    note.note(what="session", user=theirs.user, session=theirs.id)
    others = {one.id for one in app.store.sessions.values()} - {mine.id, theirs.id}
    assert first.clean() == {"sessions ended": 1} and not note.path.exists()
    assert {one.id for one in app.store.sessions.values()} == others != set()


def signed_in(server):
    """Sign in once more, as a worker does; returns the token."""
    return str(sign_in(server.target.client(), ours=WHO))


def test_a_run_that_stops_before_it_has_the_lease_ends_its_session(live_one, monkeypatch):
    app, _ = live_one
    app.store.sessions.clear()

    def broken(*_):
        raise UnseenError("GET /api/v4/users/me/sessions", "no connection")

    monkeypatch.setattr(live_server, "own_session", broken)
    with pytest.raises(MisuseError, match="no connection"):
        live_server.enter_server(live(live_one[1].target.base_url), "cccccc", create_first_admin=False)
    assert app.store.sessions == {}


def test_who_is_no_administrator_or_whose_session_cannot_be_trusted_is_signed_out_again(live_one, monkeypatch):
    app, worker = live_one
    app.store.sessions.clear()
    with monkeypatch.context() as patched:
        patched.setattr(prepare, "_confirm_errors_are_passed_on", lambda *_: pytest.fail("interrupted"))
        with pytest.raises(pytest.fail.Exception):
            sign_in(worker.target.client(), ours=WHO)
    assert app.store.sessions == {}
    app.store.user_called(WHO[0]).roles = ["system_user"]
    with pytest.raises(MisuseError, match="no system administrator"):
        sign_in(worker.target.client(), ours=WHO)
    assert app.store.sessions == {}


def test_doctor_leaves_no_session_where_it_comes_to_nothing(live_one, monkeypatch):
    app, worker = live_one
    app.store.sessions.clear()
    monkeypatch.setattr(doctor, "people", lambda _: pytest.fail("interrupted"))
    with pytest.raises(pytest.fail.Exception):
        doctor.examine(live(worker.target.base_url), build(load().document))
    assert app.store.sessions == {}


def test_a_lease_is_renewed_after_another_process_of_the_run_ended_every_session(live_one, monkeypatch):
    """It ran out after five minutes, and the workers, which asked what ended all, changed nothing any more."""
    app, _ = live_one
    monkeypatch.setattr(lease, "_RENEWED", 0.02)
    monkeypatch.setattr(lease, "_MOMENT", 0)
    server = live_server.enter_server(live(live_one[1].target.base_url), "cccccc", create_first_admin=False)
    server.lease.take()
    app.store.sessions.clear()
    first = server.lease._until
    for _ in range(500):
        if server.lease._until > first and app.store.sessions:
            break
        time.sleep(0.01)
    assert server.lease._until > first and server.lease.token == server.operator
    server.clean()
    assert app.store.sessions == {}
