"""A run that was not whole: what was asked for and not judged is never green, and what was not asked for is never red."""

import json
import os
import re

import pytest

from mmconform.commands.cli import main
from mmconform.judging.judge import NOT_HERE
from mmconform.paths import REPORTS, ROOT, SPECS
from mmconform.record.record import NAME, PREVIOUS, PREVIOUS_PART, read
from mmconform.reference import named
from mmconform.reference.server import Reference
from mmconform.reference.store import User
from mmconform.report.summary import clause_states
from mmconform.world.people import PERSONAS, PROBING

#: One process after the other: runs of the reference server write one record.
pytestmark = pytest.mark.xdist_group("reference")

TAPE = "recorded:5.36.1"
SMALL = "suites/permissions/test_commands.py"


@pytest.fixture
def meddled(run_pytest, tmp_path):
    """Run some suites beside a plugin that meddles."""

    def meddled(plugin, *arguments):
        (tmp_path / "meddler.py").write_text(plugin, encoding="utf-8")
        path = f"{tmp_path}{os.pathsep}{ROOT}"
        return run_pytest("-q", "-p", "meddler", "--target", TAPE, *arguments, PYTHONPATH=path)

    return meddled


def seen(slug="5.36.1"):
    return read(REPORTS / slug / NAME)


LEAVES_OUT = """
def pytest_collection_modifyitems(items):
    del items[::2]
"""
ANNOUNCES = """
import pytest
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    shard, rest = items[::2], items[1::2]
    items[:] = shard
    config.hook.pytest_deselected(items=rest)
"""
SKIPS = """
import pytest
def pytest_runtest_setup(item):
    if "regenerate" in item.name:
        pytest.skip("not today")
"""
SKIPS_LATE = """
import pytest
@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    yield
    pytest.skip("enough")
"""
MARKS = """
import pytest
def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.skip(reason="broken here"))
"""
PRETENDS = """
import pytest
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    return True
"""
MEDDLERS = {
    "takes tests away": (LEAVES_OUT, "taken off the list by a plugin or a conftest.py"),
    "shards": (ANNOUNCES, "taken off the list by a plugin or a conftest.py"),
    "skips": (SKIPS, "skipped by somebody else (not today)"),
    "skips after the test": (SKIPS_LATE, "skipped by somebody else (enough)"),
    "marks all": (MARKS, "skipped by somebody else (broken here)"),
    "runs nothing": (PRETENDS, "never came to an end"),
}


@pytest.mark.parametrize("how", MEDDLERS)
def test_what_somebody_else_leaves_out_is_not_green_and_disproves_no_deviation(meddled, how):
    plugin, told = MEDDLERS[how]
    ran = meddled(plugin, SMALL)
    assert ran.returncode != 0 and "GREEN" not in ran.stdout, ran.stdout
    assert "left-out" in ran.stdout and told in ran.stdout, ran.stdout
    assert "delete the entry" not in ran.stdout


def test_what_the_user_leaves_out_is_not_red(meddled):
    ran = meddled("", SMALL, "-k", "regenerate", f"--deselect={SMALL}::nothing")
    assert ran.returncode == 0 and "GREEN" in ran.stdout, ran.stdout
    assert seen().footer.left_out == () and seen().header.selection


def test_what_failed_last_time_can_be_run_alone_and_is_the_users_choice(meddled, tmp_path):
    fails = """
def pytest_runtest_call(item):
    assert "team_administrator_who_leaves" not in item.name, "once"
"""
    cache = ("-o", f"cache_dir={tmp_path / 'cache'}")
    assert meddled(fails, SMALL, *cache).returncode == 1
    again = meddled("", SMALL, "--lf", *cache)
    assert again.returncode == 0 and "1 passed" in again.stdout and "GREEN" in again.stdout, again.stdout
    assert seen().header.selection.startswith("--lf ")


def test_whoever_wants_nothing_kept_of_it_says_so(run_pytest):
    """``-p no:cacheprovider`` is pytest's own; a setting of ours about the cache was unknown then, and ended the run."""
    ran = run_pytest("-q", "-p", "no:cacheprovider", "--target", TAPE, SMALL, "-k", "regenerate")
    assert ran.returncode == 0 and "GREEN" in ran.stdout, ran.stdout + ran.stderr


def test_a_file_that_cannot_be_read_is_not_green(meddled):
    broken = """
import _pytest.python
original = _pytest.python.Module._getobj
def broken(self):
    if self.path.name == "test_bots.py":
        raise ImportError("no such thing")
    return original(self)
_pytest.python.Module._getobj = broken
"""
    ran = meddled(broken, SMALL, "suites/permissions/test_bots.py", "--continue-on-collection-errors")
    assert ran.returncode == 1 and "RED" in ran.stdout, ran.stdout
    assert seen().footer.left_out == ("suites/permissions/test_bots.py: could not be collected",)


def test_nothing_verified_is_not_green(meddled):
    """A test of an operation that this version does not have."""
    ran = meddled("", "suites/permissions/test_matrix.py", "-k", "nobody_is_served and GetWebrtcToken")
    assert "RED  nothing verified; verified 0 of 96" in ran.stdout and "nothing-verified" in ran.stdout, ran.stdout
    assert ran.returncode == 1


ALONE = (
    "suites/permissions/test_input.py",
    "suites/permissions/test_credentials.py",
    "suites/compatibility/test_since.py",
)


@pytest.mark.parametrize("file", ALONE)
def test_a_passing_test_is_green_when_it_is_run_alone(run_pytest, file):
    listed = run_pytest(file, "--collect-only", "-q", "--target", TAPE).stdout
    test = next(line for line in listed.splitlines() if "::" in line)
    ran = run_pytest(test, "-q", "--target", TAPE)
    assert ran.returncode == 0 and "GREEN" in ran.stdout, ran.stdout


def test_a_typo_leaves_the_last_record_and_a_run_sets_it_aside(run_pytest, capsys):
    slug = "reference-5.36.1"
    place = REPORTS / slug
    first = run_pytest(SMALL, "-q", "--target", "reference@5.36.1", "-k", "without_the_permission")
    assert first.returncode == 0, first.stdout
    before = (place / NAME).read_bytes()
    typo = run_pytest("-q", "--target", "reference@5.36.1", "-k", "no_such_test")
    assert typo.returncode == 5 and (place / NAME).read_bytes() == before
    killed = "import os, signal\ndef pytest_runtest_teardown(item):\n    os.kill(os.getpid(), signal.SIGINT)\n"
    (place / "interrupting.py").write_text(killed, encoding="utf-8")
    path = f"{place}{os.pathsep}{ROOT}"
    again = run_pytest(SMALL, "-q", "-p", "interrupting", "--target", "reference@5.36.1", PYTHONPATH=path)
    (place / "interrupting.py").unlink()
    assert again.returncode == 2 and not (place / NAME).exists(), again.stdout
    assert (place / PREVIOUS).read_bytes() == before
    assert f"the record from before is kept: reports/{slug}/{PREVIOUS}" in again.stdout
    assert main(["report", slug]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"reports/{slug}/{PREVIOUS}" in line


def test_a_run_of_a_part_says_where_the_whole_record_is_and_keeps_it(run_pytest, tmp_path):
    place, part = tmp_path / "5.36.1", ("-k", "RegenCommandToken", "--rule=permission")
    place.mkdir()
    (place / NAME).write_text('{"selection":""}\n', encoding="utf-8")
    whole = f"{place / PREVIOUS}\n"
    second = f"{place / PREVIOUS_PART}, of a part only ({' '.join(part)}); that of the whole run before it is {whole}"
    for kept in (whole, second):  # the second takes nothing away either
        ran = run_pytest("-q", "--target", TAPE, *part, f"--reports={tmp_path}")
        assert ran.returncode == 0 and f"  kept from before: {kept}" in ran.stdout, ran.stdout
        assert (place / PREVIOUS).read_text("utf-8") == '{"selection":""}\n'


DIES = """
import os, signal, pytest

@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item):
    if os.environ.get("PYTEST_XDIST_WORKER") == "gw0":
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_that_is_killed_is_not_green_and_leaves_nobody_behind(as_user, tmp_path):
    (tmp_path / "dying.py").write_text(DIES, encoding="utf-8")
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    ran = as_user("pytest", SMALL, "-q", "-n", "2", "-p", "dying", "--target", "reference@5.36.1", PYTHONPATH=path)
    assert ran.returncode == 1 and "GREEN" not in ran.stdout and "the worker gw0 died" in ran.stdout, ran.stdout
    footer = seen("reference-5.36.1").footer
    assert not footer.green and footer.errors > 0
    made = [int(number) for number in re.findall(r"(\d+) accounts deactivated", ran.stdout)]
    assert sum(made) > 6  # those of the dead worker too
    assert list((REPORTS / "reference-5.36.1").glob("journal-*")) == []


def test_a_part_is_asked_for_by_operation_and_by_kind_of_promise(run_pytest):
    ran = run_pytest("--target=recorded", "--operation=Get*Token", "--rule=auth", "--collect-only", "-q")
    asked = [line for line in ran.stdout.splitlines() if line.startswith("suites/")]
    assert any("test_cases" in line for line in asked) and any("test_credentials" in line for line in asked)
    assert all("GetUserAccessToken]" in line or "GetWebrtcToken" in line for line in asked if "test_cases" in line)
    assert not any("CreateJob" in line or "who_may_call" in line for line in asked)


@pytest.mark.parametrize("operation", ["RegenCommandToken", "CreateJob"])
def test_k_finds_all_tests_about_an_operation_whatever_they_are_called(run_pytest, operation):
    def listed(*by):
        said = run_pytest("--target", TAPE, *by, "--collect-only", "-q").stdout
        return [line for line in said.splitlines() if line.startswith("suites/")]

    found = listed("-k", operation)
    assert found == listed("--operation", operation)
    assert any(operation not in test for test in found), "not only those that bear its name"


def test_what_k_finds_shows_the_deviation_that_a_whole_run_shows(run_pytest, contract, tmp_path):
    ran = run_pytest("-q", "--target", TAPE, "-k", "RegenCommandToken", "--rule=permission", f"--reports={tmp_path}")
    assert ran.returncode == 0, ran.stdout
    observations = read(tmp_path / "5.36.1" / NAME).observations
    assert clause_states(contract, observations)["RegenCommandToken.permission"] == "known"


@pytest.mark.parametrize(
    ("option", "line"),
    [
        (
            "--operation=RegenCommandToken --rule=paging",
            "--operation RegenCommandToken --rule paging: the documents promise nothing",
        ),
        ("--rule=taste", "--rule taste: there is no such kind of promises; there are status, schema"),
        (
            "--operation=GetTaem*",
            "--operation GetTaem*: the documents describe no such operation; `mmconform contract` lists them",
        ),
        (
            "--operation=RegenComandToken",
            "describe no such operation; did you mean RegenCommandToken? `mmconform contract` lists them",
        ),
        (
            "--operation=GetTaem --spec=specs/small.yaml --target=reference",
            "`mmconform contract --spec=specs/small.yaml` lists them",
        ),
    ],
)
def test_what_there_is_not_and_is_asked_for_is_one_line(run_pytest, option, line):
    ran = run_pytest(*([] if "--target" in option else ["--target=recorded"]), *option.split(), "-q")
    assert ran.returncode == 2
    assert line in ran.stdout + ran.stderr


@pytest.fixture
def peoples():
    """A reference server that somebody uses beside its administrator."""
    app = named.app("reference", "11.0.3")
    app.store.config["ServiceSettings"]["EnableUserAccessTokens"] = True
    somebody = User("zoe", "zoe@example.org", "Passw0rd!", ["system_user"])
    app.store.users[somebody.id] = somebody
    with Reference(app, "operator", "a-password-for-1-test") as running:
        yield running


def test_what_the_suites_leave_out_themselves_is_counted_with_its_reason_and_makes_no_run_red(peoples, run_pytest, tmp_path):
    """On a server with users of its own what turns settings is not asked: somebody else was blamed, and no such run was green."""
    files = ("suites/generated/test_probes.py", "suites/generated/test_principles.py")
    known = {"MM_ADMIN_LOGIN": "operator", "MM_ADMIN_PASSWORD": "a-password-for-1-test"}
    options = ("--target", peoples.url, f"--spec={SPECS / 'small.yaml'}", "--max-examples=1", f"--reports={tmp_path}", "-q")
    ran = run_pytest(*options, *files, "-k", "GetTeam or forbidden or bounded", "-p", "no:cacheprovider", **known)
    assert ran.returncode == 0 and "GREEN" in ran.stdout and "somebody else" not in ran.stdout, ran.stdout
    told = " ".join(ran.stdout.split())
    assert "not played, not-on-this-target: test_forbidden (the server has users of its own; --disruptive" in told
    assert "not played, not-on-this-target: test_bounded, as somebody whose role is filled for it (the server has users" in told
    (record,) = tmp_path.glob("*/" + NAME)
    left_out = {(one.test.partition("[")[0].rpartition("::")[2], one.part != "") for one in read(record).footer.not_played}
    assert left_out == {("test_forbidden", False), ("test_bounded", True)}


def test_why_a_promise_is_not_judged_stands_in_the_record_in_words(peoples, run_pytest, tmp_path):
    """It was told to pytest alone."""
    known = {"MM_ADMIN_LOGIN": "operator", "MM_ADMIN_PASSWORD": "a-password-for-1-test"}
    options = ("--target", peoples.url, f"--reports={tmp_path}", "-q", "-p", "no:cacheprovider")
    ran = run_pytest(*options, "suites/permissions/test_bots.py", "-k", "test_a_bot_makes_no_token_for_itself", **known)
    (record,) = tmp_path.glob("*/" + NAME)
    told = {row.seen for row in read(record).observations if row.signature == NOT_HERE}
    why = "the server has users of its own; --disruptive, if it may be thrown away, changes its settings all the same"
    assert told == {why}, ran.stdout
    assert read(record).footer.not_played == ()


def test_where_no_token_can_be_made_what_needs_none_is_asked_and_nobody_is_made_for_the_rest(peoples, run_pytest, tmp_path):
    """Seven operations that are served there were not asked at all, a page that fails among them."""
    peoples.app.store.config["ServiceSettings"]["EnableUserAccessTokens"] = False
    known = {"MM_ADMIN_LOGIN": "operator", "MM_ADMIN_PASSWORD": "a-password-for-1-test"}
    options = ("--target", peoples.url, f"--reports={tmp_path}", "-q", "-p", "no:cacheprovider", "--max-examples=1")
    about = "(test_paging or test_model or test_cases) and (UserAccessToken or page or lives)"
    ran = run_pytest(*options, "suites", "-k", about, **known)
    assert ran.returncode == 0, ran.stdout
    (written,) = tmp_path.glob("*/" + NAME)
    found = read(written)
    negative = {row.outcome for row in found.observations if "test_a_negative_page_of_a_user" in row.test}
    assert negative == {"pass"} and found.footer.not_exercised == () and found.footer.green
    left_out = {row.seen for row in found.observations if row.signature == NOT_HERE}
    assert left_out == {"switched off there: personal access tokens"}
    for test in ("test_pages_hold_every_row_once", "test_a_page_of_a_user_holds_at_most_200", "test_the_lives_of_tokens"):
        assert [row.signature for row in found.observations if test in row.test] == [NOT_HERE]
    of_tests = {row.test for row in found.observations if "_page_of_a_user" in row.test and row.signature != NOT_HERE}
    made = [user.username for user in peoples.app.store.users.values() if user.username.startswith("mmc-")]
    assert len(made) == len(PERSONAS) - 1 + len(of_tests), made  # the world's, none of which is anonymous, and theirs


def test_as_whom_nobody_asked_is_told_with_the_reason_as_the_doctor_did(peoples, run_pytest, command, tmp_path, monkeypatch):
    """A guest was announced where personal access tokens are off, without which none can call; and nothing said that none did."""
    peoples.app.store.config["ServiceSettings"]["EnableUserAccessTokens"] = False
    known = {"MM_ADMIN_LOGIN": "operator", "MM_ADMIN_PASSWORD": "a-password-for-1-test"}
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    small = f"--spec={SPECS / 'small.yaml'}"
    foretold = json.loads(command("doctor", peoples.url, small, "--format=json").stdout)
    assert "guest" not in foretold["callers"] and "team_bot" in foretold["callers"]
    options = ("--target", peoples.url, small, "--max-examples=1", f"--reports={tmp_path}", "-q", "-p", "no:cacheprovider")
    ran = run_pytest(*options, "suites/generated/test_probes.py", "--operation=GetTeam", **known)
    assert ran.returncode == 0 and f"nobody asked as guest: {foretold['missing']['guest']}" in " ".join(ran.stdout.split()), (
        ran.stdout
    )
    (record,) = tmp_path.glob("*/" + NAME)
    assert read(record).footer.absent == {"guest": foretold["missing"]["guest"]}
    assert {answer.persona for answer in read(record).answers} == {*PROBING} - {"guest"}


UNHEARD = """
from mmconform.wire.client import Client, UnseenError

send = Client.send

def silent(client, method, url, *, operation="", **rest):
    if operation == "DeleteUser":
        raise UnseenError(f"{method} {url}", "the server did not answer in time")
    return send(client, method, url, operation=operation, **rest)

Client.send = silent
"""


@pytest.mark.parametrize("processes", [0, 2])
def test_what_principles_asked_in_vain_is_told_and_makes_no_run_red(as_user, tmp_path, processes):
    """The run stood still for a minute at each such request, and neither its summary nor its record said why."""
    (tmp_path / "unheard.py").write_text(UNHEARD, encoding="utf-8")
    files = ("suites/generated/test_probes.py", "suites/generated/test_principles.py")
    options = ("-p", "unheard", "-n", str(processes), "--target=reference", f"--spec={SPECS / 'small.yaml'}", "--max-examples=1")
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    picked = ("-k", "GetTeam or bounded", "-q", f"--reports={tmp_path}", "-p", "no:cacheprovider")
    ran = as_user("pytest", *options, *files, *picked, PYTHONPATH=path)
    assert ran.returncode == 0 and "GREEN" in ran.stdout, ran.stdout
    footer = read(tmp_path / "reference" / NAME).footer
    assert footer.unanswered.keys() == {"DeleteUser"} and footer.errors == 0
    many = footer.unanswered["DeleteUser"]
    said = f"no answer in time: {many} request{'s' * (many != 1)} of principles, which so show nothing: DeleteUser ({many})"
    assert said in " ".join(ran.stdout.split())
