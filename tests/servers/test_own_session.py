"""The administrator's session that a run begins, and that a later cleanup ends."""

from dataclasses import replace

import pytest

from mmconform.commands.cli import main
from mmconform.reference import named
from mmconform.reference.server import Reference
from mmconform.servers.live import live_server
from mmconform.servers.live.journal import Journal
from mmconform.servers.live.prepare import own_session, sign_in
from mmconform.wire.client import Client
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
    return app.store.sessions[begun].id, own_session(Admin(client, token), seconds)


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
    assert own_session(Admin(client, token), 1.0) == ""


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
    note.note(what="lease", run="aaaaaa", user=me, session=left)
    assert main(["cleanup", url]) == 0
    assert capsys.readouterr().out == ("1 session ended\n" if is_there else "nothing was left to undo\n")
    assert [session.id for session in app.store.sessions.values()] == [other] and not note.path.exists()
