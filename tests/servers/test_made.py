"""What a run makes on a server is told before: held against what runs on the reference server put right at their end."""

import re

import pytest

from mmconform.driving.foretold import BY_HAND, foretell
from mmconform.report.plan import plan
from mmconform.safety.guard import Guard
from mmconform.servers import made
from mmconform.servers.made import Made, made_on
from mmconform.servers.target import Server, Target
from mmconform.version import Version
from mmconform.wire.tape import tape
from mmconform.wire.tape.redact import Redactor

#: Runs on a reference server wait for no other one.
pytestmark = pytest.mark.xdist_group("reference")
#: Targets, which tests, and by how many processes.
RUNS = [("reference@5.36.1", "RegenCommandToken", 1), ("reference@11.0.3", "bot and not SearchUserAccessTokens", 2)]


@pytest.mark.parametrize(("target", "tests", "processes"), RUNS)
def test_as_many_accounts_and_teams_are_made_as_a_dry_run_says(run_pytest, tmp_path, target, tests, processes):
    """A reference server is asked what the tapes were asked; of a live one what is drawn at random is another number."""
    which = ("--target", target, "-k", tests, f"--reports={tmp_path}", "-p", "no:cacheprovider")
    told = " ".join(run_pytest(*which, "--dry-run").stdout.split())
    first, more = (
        [int(number) for number in numbers]
        for numbers in re.findall(r"makes (?:some )?(\d+) accounts?(?: \(\d+ bots? among them\))?, (\d+) teams?", told)
    )
    done = run_pytest(*which, *(["-n", str(processes)] if processes > 1 else []))
    assert done.returncode == 0, done.stdout
    accounts = sum(map(int, re.findall(r"(\d+) accounts deactivated", done.stdout)))
    teams = sum(map(int, re.findall(r"(\d+) teams archived", done.stdout)))
    assert [accounts, teams] == [one + (processes - 1) * other for one, other in zip(first, more, strict=True)]


def test_who_did_not_look_says_of_which_server_it_is_true(contract):
    version = Version(10, 8, 1)
    server = Server(version, "10.8.1", "10.8.1", "", "team", "")
    target = Target("http://127.0.0.1:9", "127.0.0.1-9", "http://127.0.0.1:9", server, Redactor(replaying=False))
    foretold = foretell(Guard(contract, version, is_disruptive=True), {id_: [BY_HAND] for id_ in contract.operations})
    told = plan(target, contract.operations, foretold, 3, width=80)
    assert "To an empty server of this version that has everything switched on" in " ".join(told.split())
    assert "of 231 combinations" in " ".join(told.split())
    assert " ".join(told.split()).endswith("asked only whether that is so): 1 operation GetWebrtcToken")
    assert max(map(len, told.split("\n"))) <= 80


def test_on_a_tape_nothing_is_made(run_pytest):
    done = run_pytest("--target=recorded:11.0.3", "--dry-run", "-k", "RegenCommandToken")
    assert "Dry run on recorded:11.0.3" in done.stdout and "makes" not in done.stdout


@pytest.mark.parametrize(
    ("version", "name"), [("1.0.0", "4.0.5"), ("5.0.4", "5.5.3"), ("5.5.3", "5.5.3"), ("99.0.0", tape.every()[-1])]
)
def test_the_nearest_tape_is_the_first_that_is_not_older_or_else_the_last(version, name):
    assert made_on(Version.parse(version), []).tape == name


def test_what_no_test_asks_makes_the_world_alone():
    found = made_on(Version(11, 0, 3), [])
    assert found.by_kind == found.of_world and found.by_kind["team"] == 1


def test_where_there_is_no_tape_nothing_is_told(monkeypatch):
    monkeypatch.setattr(made.tape, "every", list)
    assert made_on(Version(11)) == Made() and not str(Made())


def test_of_tests_that_send_what_is_left_out_nothing_is_counted():
    whole, none = made_on(Version(11, 0, 3)), made_on(Version(11, 0, 3), without=lambda method, path: True)
    assert none.by_kind == none.of_world and none.is_part and not whole.is_part
    assert made_on(Version(11, 0, 3), without=lambda method, path: False).by_kind == whole.by_kind
    no_jobs = made_on(Version(11, 0, 3), without=lambda method, path: (method, path) == ("POST", "/jobs")).by_kind
    assert no_jobs["job"] == 0 < whole.by_kind["job"] and no_jobs["token"] > no_jobs.total() / 2
