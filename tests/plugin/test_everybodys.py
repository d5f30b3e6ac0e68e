"""Our plugin is installed for everybody: beside somebody else's tests it does, adds and says nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mmconform.paths import REPORTS, SUITES

OWN = """
import socket
import pytest

@pytest.fixture(params=["one", "two"])
def target(request):
    return request.param

@pytest.fixture
def world():
    return "world"

@pytest.fixture
def client(world):
    return f"client of {world}"

@pytest.fixture
def judge():
    return "judge"

@pytest.fixture
def member():
    return "member"

@pytest.fixture
def settings():
    return {}

@pytest.mark.clause
def test_own_fixtures(target, world, client, judge, member, settings):
    assert (world, client, judge, member, settings) == ("world", "client of world", "judge", "member", {})

def test_the_network_is_there():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()

@pytest.mark.parametrize("operation", ["any"])
def test_an_operation(operation):
    assert operation == "any"
"""
INI = "[pytest]\nmarkers =\n    clause: a chapter of ours\n"
PASSED = 4


@pytest.fixture
def elsewhere(write, as_user, tmp_path):
    """Run pytest in a project that has nothing to do with us."""

    def elsewhere(*arguments, tests=OWN, **files):
        write("pytest.ini", INI)
        write("test_own.py", tests)
        for name, text in files.items():
            write(f"{name}.py", text)
        return as_user("pytest", *arguments, cwd=tmp_path, PYTHONPATH="")

    return elsewhere


@pytest.fixture
def untouched():
    """Nobody else's run puts an empty record in the place of ours. (Tests beside this one write records that are not.)"""

    def empty():
        lines = {path: path.read_text(encoding="utf-8") for path in REPORTS.rglob("observations.jsonl")}
        return {path for path, text in lines.items() if '"kind":"observation"' not in text}

    before = empty()
    yield
    assert empty() <= before


def says_nothing_of_us(ran):
    assert not any(
        word in ran.stdout for word in ("conformance:", "= conformance", "target:", "verified", "contract:", "record:")
    )


@pytest.mark.parametrize("more", [[], ["-n", "2", "--strict-markers", "--strict-config"]], ids=["plain", "strict"])
def test_an_unrelated_run_is_left_alone(elsewhere, untouched, more):
    ran = elsewhere(*more)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{PASSED} passed" in ran.stdout
    says_nothing_of_us(ran)


@pytest.mark.parametrize("option", ["--help", "--fixtures"])
def test_nothing_of_ours_is_listed(elsewhere, option):
    ran = elsewhere(option)
    assert ran.returncode == 0
    assert not any(word in ran.stdout for word in ("--target", "--max-examples", "applies(", "new_person", "token_user"))


OPTIONS = """
import pytest

def pytest_addoption(parser):
    parser.addoption("--target", default="prod")
    parser.addoption("--spec", action="store_true")
    parser.addoption("--run-timeout", type=int, default=5)

@pytest.fixture
def where(request):
    return [request.config.getoption(name) for name in ("--target", "--spec", "--run-timeout")]
"""
ASKS = "def test_own_options(where):\n    assert where == {}\n"


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["--target", "test"], ["test", False, 5]),
        (["--target=test", "--spec", "--run-timeout=7", "-n", "1"], ["test", True, 7]),
    ],
    ids=["one", "all"],
)
def test_options_of_the_same_names_belong_to_whoever_has_them(elsewhere, arguments, where):
    ran = elsewhere(*arguments, tests=ASKS.format(where), conftest=OPTIONS)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    says_nothing_of_us(ran)


def test_where_our_suites_are_named_an_option_of_somebody_else_is_a_line(as_user, write, tmp_path):
    write("own_options.py", OPTIONS)
    ran = as_user("pytest", "-p", "own_options", "--target", "recorded:5.36.1", SUITES, "--collect-only", PYTHONPATH=tmp_path)
    assert ran.returncode in (2, 4)
    said = ran.stdout + ran.stderr
    assert "--target belongs to another plugin here" in said and "Traceback" not in said


RECORDED = """
import urllib.request
import pytest

@pytest.fixture(scope="module")
def vcr_config():
    return {"filter_headers": ["authorization"]}

@pytest.mark.vcr
def test_a_cassette_of_ones_own():
    assert urllib.request.urlopen("http://127.0.0.1:9/own").read() == b"taped"

@pytest.mark.block_network
def test_a_block_of_ones_own():
    with pytest.raises(RuntimeError, match="disabled"):
        urllib.request.urlopen("http://127.0.0.1:9/")
"""
CASSETTE = """
interactions:
- request: {body: null, headers: {}, method: GET, uri: 'http://127.0.0.1:9/own'}
  response: {body: {string: taped}, headers: {}, status: {code: 200, message: OK}}
version: 1
"""


def test_cassettes_of_somebody_else_are_played_as_ever(elsewhere, write):
    write("cassettes/test_own/test_a_cassette_of_ones_own.yaml", CASSETTE)
    ran = elsewhere(tests=RECORDED)
    assert ran.returncode == 0, ran.stdout
    assert "2 passed" in ran.stdout


def test_with_a_target_named_somebody_elses_tests_are_still_theirs(elsewhere, write):
    """Their own fixture `target`, their own cassettes, their own network; and none of it is judged."""
    write("cassettes/test_taped/test_a_cassette_of_ones_own.yaml", CASSETTE)
    ran = elsewhere("--target=recorded:11.0.3", "test_own.py", "test_taped.py", test_taped=RECORDED)
    assert f"{PASSED + 2} passed" in ran.stdout, ran.stdout
    assert "  RED  " in ran.stdout and "verified 0 of" in ran.stdout and ran.returncode == 1  # a target was named, none judged


def test_our_own_tests_run_without_it(as_user):
    ran = as_user("pytest", "tests/test_architecture.py", "-q", "-k", "there_are_suites")
    assert ran.returncode == 0 and "1 passed" in ran.stdout
    says_nothing_of_us(ran)


def test_being_installed_costs_nothing_that_is_heavy():
    """What a run needs is imported when one begins."""
    code = "import json, sys; import mmconform.plugin.hooks; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd().anchor)
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"jsonschema", "schemathesis", "hypothesis", "vcr", "rich", "requests", "yaml", "waitress"}
