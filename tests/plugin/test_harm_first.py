"""What a run sends to a server on which some operations do harm, and what it says of the server afterwards."""

import re
from pathlib import Path

import pytest

from mmconform.contract.build import build
from mmconform.documents.load import load
from mmconform.record.record import NAME as NAME_OF_RECORD
from mmconform.record.record import read
from mmconform.reference import helpers, places
from mmconform.reference.app import Answer, App, RefusedError, Route
from mmconform.reference.operations import HANDLERS, NEEDS
from mmconform.reference.server import Reference
from mmconform.reference.store import User
from mmconform.version import Version

DOCUMENT = Path(__file__).parent.parent / "safety" / "dangerous-document.yaml"
NAME, PASSWORD = "operator", "a-password-for-1-test"
OK = {"status": "OK"}


class Watched(App):
    """A reference server that remembers who asked for what, and has a few operations that do harm."""

    def __init__(self):
        version, asked = Version.parse("11.0.3"), []
        more = [Route("POST", "/api/v4" + path, handler) for path, handler in HARMFUL.items()]
        super().__init__(version, NEEDS | places.NEEDS, HANDLERS, [*helpers.routes(version), *more], keeps_documents=True)
        self.asked, self.restarts = asked, 0

    def answer(self, call):
        session = self.session(call) if "authorization" in call.headers else None
        user = self.store.users.get(session.user) if session else None
        signs_out = call.path == "/api/v4/users/logout"  # as the document has it; Mattermost answers anybody with a success
        answer = self.refuse(call, "no-session") if signs_out and not session else super().answer(call)
        self.asked.append((call.method, call.path, user.username if user else "anonymous", answer.status))
        return answer

    def requests(self, method, path):
        """Who sent a request, in turn; the path as a pattern."""
        return [who for asked, where, who, _ in self.asked if asked == method and re.fullmatch(f"/api/v4{path}", where)]


def restart(app, call):
    app.restarts += 1
    return Answer(200, OK)


def make_widget(app, call):
    return Answer(201, OK)


def change_a_setting(app, call):
    app.store.config["ServiceSettings"]["EnableOAuthServiceProvider"] = "by a widget"
    app.store.roles["team_user"].permissions.add("spin_widgets")
    return Answer(200, OK)


def end_every_session(app, call):
    if not app.has(call, "manage_system"):
        raise RefusedError("no-permission")
    for user in list(app.store.users):
        app.store.end_sessions(user=user)
    return Answer(200, OK)


HARMFUL = {
    "/restart": restart,
    "/widgets": make_widget,
    "/widgets/all": change_a_setting,
    "/users/sessions/revoke/all": end_every_session,
}


CONTRACT = build(load([DOCUMENT]).document)


@pytest.fixture
def server():
    app = Watched()
    with Reference(app, NAME, PASSWORD) as running:
        running.slug = running.url.partition("//")[2].replace(":", "-")
        yield running


@pytest.fixture
def run(server, run_pytest):
    """Run the generated cases of the document on the server."""
    known = {"MM_ADMIN_LOGIN": NAME, "MM_ADMIN_PASSWORD": PASSWORD}

    def run(*options, **environment):
        files = () if any(str(option).startswith("suites/") for option in options) else ("suites/generated",)
        arguments = ("--target", server.url, f"--spec={DOCUMENT}", "--max-examples=1", "-q", "-p", "no:cacheprovider")
        return run_pytest(*arguments, *options, *files, **(known | environment))

    return run


def of_operator(names):
    return [name for name in names if name != NAME]


def test_nobody_sends_what_cannot_be_undone(server, run):
    said = run("-k", "Restart or EndEverySession or RemoveUser or MakeWidget").stdout
    assert server.app.requests("POST", "/restart") == []
    assert server.app.requests("POST", "/users/sessions/revoke/all") == []
    assert of_operator(server.app.requests("POST", "/widgets")) and set(server.app.requests("POST", "/widgets")) == {"anonymous"}
    removing = of_operator(server.app.requests("DELETE", "/users/[a-z0-9]+"))
    assert removing and not any(name.endswith("sysadmin") for name in removing)
    assert re.search(r"skipped, would-do-harm: .*Restart", said)
    assert re.search(r"not sent, would-do-harm: \d+ requests to 4 operations", said)
    assert "left the server as it was" in said


def test_a_dry_run_changes_nothing_and_needs_no_credentials(server, run):
    done = run("--dry-run", MM_ADMIN_LOGIN="", MM_ADMIN_PASSWORD="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {method for method, _, _, _ in server.app.asked} == {"GET"}
    assert "operations of 21, " in " ".join(done.stdout.split()) and "stops, restarts or replaces the server" in done.stdout
    assert f"mmconform doctor {server.url}" in done.stdout


def told_by(text):
    """Who sends each operation that a dry run names, by where that is so: "" is an empty server that has everything."""
    found = []
    for group in text.partition("Dry run on")[2].split("\n\n")[1:]:
        head, _, rest = re.sub(r": \d+ operations?\b", "\0", " ".join(group.split()), count=1).partition("\0")
        if head.startswith("sent by "):
            first, *others = head.removeprefix("sent by ").split("; where the server ")
            said = {"": first} | dict(other.split(": by ") for other in others)
            found += [(id_, said) for id_ in CONTRACT.operations if re.search(rf"\b{id_}\b", rest)]
    return found


LICENCE, BUILD = "a licence", "an Enterprise build"


def is_sent(said, *, has_people, lacks):
    """Whether somebody sends an operation on such a server: what is said of the most of what is so there is true."""
    so = {where: ("people" in where, *(name in where for name in lacks)) for where in said}
    others = {LICENCE, BUILD} - set(lacks)
    there = [where for where in said if has_people >= ("people" in where) and not any(name in where for name in others)]
    return not said[max(there, key=lambda where: sum(so[where]))].startswith("nobody")


@pytest.fixture
def furnish(server):
    """Give the server people, a licence and an Enterprise build, or not."""
    app = server.app
    asked = app.answer

    def furnish(*, has_people, lacks):
        about = {"/api/v4/license/client": ("IsLicensed", LICENCE), "/api/v4/config/client": ("BuildEnterpriseReady", BUILD)}

        def answer(call):
            found = asked(call)
            if call.path in about:
                name, feature = about[call.path]
                found = Answer(found.status, {**found.data, name: str(feature not in lacks).lower()})
            return found

        app.answer = answer
        if has_people:
            zoe = User("zoe", "zoe@example.org", PASSWORD, ["system_user"])
            app.store.users[zoe.id] = zoe

    return furnish


def sent_by(run, *which):
    run(*which)
    (seen,) = Path(which[-1].removeprefix("--reports=")).glob("*/" + NAME_OF_RECORD)
    return {row.operation for row in read(seen).operations if row.sent}


@pytest.mark.parametrize("options", [(), ("--disruptive",)])
def test_what_is_sent_is_what_a_dry_run_told_of_each_operation_once(run, tmp_path, options):
    """“Sent by nobody” was said of what probes send where there is no licence, and some stood below two heads."""
    which = ("suites/generated/test_cases.py", *options, f"--reports={tmp_path}")
    told = told_by(run("--dry-run", *which).stdout)
    assert sorted(id_ for id_, _ in told) == sorted(CONTRACT.operations)
    assert sent_by(run, *which) == {id_ for id_, said in told if not said[""].startswith("nobody")}


@pytest.mark.parametrize("lacks", [(), (LICENCE,), (BUILD,), (LICENCE, BUILD)], ids=" and ".join)
@pytest.mark.parametrize("has_people", [False, True], ids=["empty", "people"])
@pytest.mark.parametrize("options", [(), ("--disruptive",)], ids=["", "disruptive"])
def test_on_every_kind_of_server_as_much_is_sent_as_a_dry_run_told(server, run, furnish, tmp_path, options, has_people, lacks):
    """“By nobody” was said of what needs a licence where the server has people, where it has none all the same.

    And accounts were told of the people of a tape alone, where probes make others.
    """
    furnish(has_people=has_people, lacks=lacks)
    which = ("suites/generated/test_probes.py", *options, f"--reports={tmp_path}")
    text = run("--dry-run", *which).stdout
    told = told_by(text)
    assert sorted(id_ for id_, _ in told) == sorted(CONTRACT.operations)
    sent = sent_by(run, *which)
    assert sent == {id_ for id_, said in told if is_sent(said, has_people=has_people, lacks=lacks)}
    head = " ".join(text.partition("would send: ")[2].partition(", asked by ")[0].split())
    assert str(len(sent)) in re.findall(r"(?:^|, )(\d+) ", head)
    made = sum(user.username.startswith("mmc-") for user in server.app.store.users.values())
    assert 0 < made <= int(re.search(r"probes make (\d+) accounts at most", text)[1])
    assert "tests make that are on no tape" not in text


def test_a_world_survives_what_ends_its_people(server, run):
    done = run("--disruptive", "-k", "SignOut or EndEverySession or RemoveUser")
    assert "made anew after SignOut by member: member signed out" in done.stdout
    assert re.search("made anew after EndEverySession by system_admin: the administrator, member, .* signed out", done.stdout)
    assert "made anew after RemoveUser by system_admin: system_admin deactivated" in done.stdout
    assert "GREEN" in done.stdout, done.stdout
    assert "left the server as it was" in done.stdout
    assert [user.username for user in server.app.store.users.values() if user.is_active] == [NAME]


def test_what_keeps_a_worker_from_making_its_people_is_told(server, run):
    """xdist says "keyboard-interrupt"."""
    asked, app = server.app.answer, server.app
    app.answer = lambda call: (
        app.refuse(call, "no-permission") if (call.method, call.path) == ("POST", "/api/v4/users") else asked(call)
    )
    done = run("-k", "SignOut", "-n", "2")
    why = "setting up the test world failed: POST /api/v4/users by the operator answered 403 api.context.permissions.app_error"
    assert re.search(rf"the worker gw\d died \({why}; `No permission.`\); its tests are not judged", done.stdout), done.stdout
    assert done.returncode == 2


def sessions_of(server, name):
    """The sessions that somebody still has there."""
    return [one for one in server.app.store.sessions.values() if server.app.store.users[one.user].username == name]


def test_every_process_of_a_run_goes_on_and_signs_out_after_what_ends_every_session(server, run):
    """A worker that had no people yet died of it, and the sessions that workers began instead stayed on the server."""
    done = run("--disruptive", "-k", "SignOut or EndEverySession or RemoveUser", "-n", "2")
    assert server.app.requests("POST", "/users/sessions/revoke/all")
    assert "died" not in done.stdout and "GREEN" in done.stdout, done.stdout
    assert sessions_of(server, NAME) == []


def test_a_setting_that_a_request_of_ours_changed_is_put_back(server, run):
    before = server.app.store.roles["team_user"].permissions.copy()
    done = run("--disruptive", "-k", "WidgetsOfAllSorts")
    assert server.app.requests("POST", "/widgets/all")
    assert server.app.store.config["ServiceSettings"].get("EnableOAuthServiceProvider") != "by a widget"
    assert server.app.store.roles["team_user"].permissions == before
    assert "left the server as it was" in done.stdout


def test_what_cannot_be_put_back_is_told_and_is_no_success(server, run, monkeypatch):
    config = server.app.store.config
    config["ServiceSettings"]["EnableOAuthServiceProvider"] = False

    class Stubborn(dict):
        def update(self, values):
            super().update({**values, "EnableOAuthServiceProvider": "by a widget"})

    config["ServiceSettings"] = Stubborn(config["ServiceSettings"])
    done = run("--disruptive", "-k", "WidgetsOfAllSorts")
    assert done.returncode == 2
    assert "NOT AS IT WAS: configuration: ServiceSettings.EnableOAuthServiceProvider; after WidgetsOfAllSorts by" in done.stdout
    assert "left the server as it was" not in done.stdout


def test_what_somebody_else_changed_is_not_ours(server, run):
    asked, app = server.app.answer, server.app

    def answer(call):
        if call.path.endswith("/users/ids") and call.method == "POST":  # in the middle of the run
            app.store.config["ServiceSettings"]["SiteURL"] = "http://elsewhere.invalid"
        return asked(call)

    app.answer = answer
    done = run("-k", "UsersByIds")
    assert "changed meanwhile, not by a request of ours: configuration: ServiceSettings.SiteURL" in done.stdout
    assert "elsewhere" not in done.stdout
    assert "left the server as it was" not in done.stdout and "put back what this run had changed" in done.stdout
    assert "NOT AS IT WAS" not in done.stdout


def test_a_path_with_a_placeholder_is_not_sent(server, run):
    done = run("--disruptive", "-k", "PinOfWidget")
    assert not [path for _, path, _, _ in server.app.asked if "{" in path or "%7b" in path.lower()], done.stdout
