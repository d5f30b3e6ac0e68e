"""What finds by chance is asked where it is named, so that a run says the same each time."""

import pytest

from mmconform.reference import named
from mmconform.reference.server import Reference

FILE = "suites/lifecycle/test_races.py"


@pytest.fixture(scope="module")
def server():
    with Reference(named.app("reference", "11.0.3"), "boss", "Passw0rd!") as running:
        yield running.url


@pytest.mark.parametrize(
    ("named_too", "is_asked"),
    [
        ([], False),
        (["suites"], False),
        (["suites/lifecycle"], False),
        ([FILE], True),
        ([f"{FILE}::test_a_token_that_ends_while_it_is_in_use"], True),
    ],
)
def test_callers_race_where_their_file_is_named(run_pytest, server, named_too, is_asked):
    ran = run_pytest(
        "--collect-only",
        "-q",
        "--target",
        server,
        "--disruptive",
        *named_too,
        MM_ADMIN_LOGIN="boss",
        MM_ADMIN_PASSWORD="Passw0rd!",
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ("test_races" in ran.stdout) == is_asked


def test_no_tape_is_asked_so(run_pytest):
    assert "no tests collected" in run_pytest("--collect-only", "-q", "--target", "recorded:11.0.3", FILE).stdout
