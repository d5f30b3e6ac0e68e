"""A terminal that does not know all characters, and places that cannot be written: readable, one line, and nothing changed."""

import errno
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mmconform.files import check_writable
from mmconform.paths import REPORTS, ROOT
from mmconform.plugin.output import Output
from mmconform.reference import helpers, places
from mmconform.reference.app import App
from mmconform.reference.operations import HANDLERS, NEEDS
from mmconform.reference.server import Reference
from mmconform.report.encoding import tolerate
from mmconform.version import Version

SMALL = ("suites/permissions/test_commands.py", "-q")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_text_is_written_whatever_the_encoding(encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    tolerate(stream)
    stream.write("● kept\n▲ known … → 漢 \ud800\n")
    stream.flush()
    first, second, rest = stream.buffer.getvalue().decode(encoding).split("\n")
    assert first in ("● kept", "o kept", "* kept") and rest == ""
    assert "known" in second and len(second) == len("▲ known … → 漢 \ud800")


def test_what_can_be_encoded_stays_as_it_is():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    tolerate(stream)
    stream.write("é ·\n")
    stream.flush()
    assert stream.buffer.getvalue() == "é ·\n".encode("latin-1")


def table(text):
    """The rows of the table and its verdict."""
    return [line for line in text.split("\n") if line.startswith(("operation", "RegenCommandToken", "  GREEN"))]


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, {"TERM": "dumb", "PYTHONIOENCODING": "latin-1"}], ids=str)
def test_the_table_is_one_in_every_terminal(as_user, environment):
    """One row an operation, one mark a promise; not one line with its line ends spelled out."""
    ran = as_user("pytest", *SMALL, "--target", "recorded:5.36.1", **environment)
    assert ran.returncode == 0, ran.stdout
    assert "\\n" not in ran.stdout and "\\u" not in ran.stdout
    heading, row, verdict = table(ran.stdout)
    assert heading.split()[0] == "operation" and len(row.split()) > 3 and verdict.startswith("  GREEN  verified")
    assert "* kept" in ran.stdout and "? nothing in this run could show it" in ran.stdout


@pytest.mark.parametrize("command", [["contract", "--operation", "CreateJob"], ["deviations"], ["compare", "--help"]], ids=str)
def test_commands_write_to_it_too(as_user, command):
    done = as_user("mmconform", *command, PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and done.stdout.isascii(), done.stderr


# -- no room, no right -------------------------------------------------------------------------------------------------

#: As the system would say it: whoever runs these tests may be root, who may write everywhere.
FORBIDS = """
import errno, os, sys

def forbid(event, arguments):
    if event != "open" or not isinstance(arguments[0], str) or not isinstance(arguments[2], int):
        return
    path, flags = arguments[0], arguments[2]
    if {place!r} in path and flags & (os.O_WRONLY | os.O_RDWR) and {when}:
        raise OSError({number}, os.strerror({number}), path)

sys.addaudithook(forbid)
"""


@pytest.fixture
def forbidden(run_pytest, tmp_path):
    """Run pytest where nothing can be written to a place."""

    def forbidden(*arguments, place="/reports/", number=errno.EACCES, when="True"):
        (tmp_path / "forbids.py").write_text(FORBIDS.format(place=place, number=number, when=when), encoding="utf-8")
        path = f"{tmp_path}{os.pathsep}{ROOT}"
        return run_pytest(*SMALL, "-p", "forbids", *arguments, PYTHONPATH=path)

    return forbidden


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_where_no_record_can_be_written_no_run_begins(forbidden, number):
    ran = forbidden("--target", "recorded:5.36.1", number=number)
    said = ran.stdout + ran.stderr
    assert ran.returncode == 2 and "Traceback" not in said and "passed" not in said
    [line] = [line for line in said.splitlines() if "cannot be written" in line]
    assert str(REPORTS / "5.36.1") in line and os.strerror(number) in line


def test_a_server_is_not_changed_where_no_journal_can_be_written(forbidden, serve):
    """Not even signed in to."""
    server = serve(lambda *_: (200, [("Content-Type", "application/json"), ("X-Version-Id", "5.36.1.5.36.1.x.false")], b"{}"))
    ran = forbidden("--target", server.url)
    assert ran.returncode == 2 and "cannot be written" in ran.stdout + ran.stderr
    assert {method for method, *_ in server.requests} == {"GET"}


def test_a_disk_that_is_full_at_the_end_is_a_line_and_no_verdict(forbidden):
    ran = forbidden("--target", "recorded:5.36.1", place=".observations.jsonl.", number=errno.ENOSPC)
    assert ran.returncode == 2 and "Traceback" not in ran.stdout + ran.stderr, ran.stdout
    assert "No space left on device" in ran.stdout and "GREEN" not in ran.stdout


#: Where nothing can be written that is not thrown away (full(4)).
FULL = Path("/dev/full")
NO_ROOM = os.strerror(errno.ENOSPC)


def told_nowhere(*command, **environment):
    """Run a module where its output cannot be written; returns the status and what stood on standard error."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MM_", "PYTEST_"))}
    with FULL.open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=clean | {"PYTHONPATH": str(ROOT)} | environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=600,
        )
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("command", ["--help", "--version", "deviations --help", "deviations", "completion bash"])
def test_a_command_whose_output_cannot_be_written_is_one_line_and_no_success(command):
    """Help that nobody could read ended with 0."""
    assert told_nowhere("mmconform", *command.split()) == (2, f"mmconform: the output: {NO_ROOM}\n")


@pytest.mark.parametrize("arguments", [SMALL, SMALL[:1], (*SMALL, "--collect-only"), (*SMALL, "-n", "2")], ids=str)
def test_a_run_whose_output_cannot_be_written_is_one_line_and_no_success(arguments, tmp_path):
    """It was a traceback of pytest's, and of Python's at its end."""
    status, said = told_nowhere("pytest", *arguments, "--target=recorded:5.36.1", f"--reports={tmp_path}")
    assert (status, said) == (2, f"mmconform: the output: {NO_ROOM}; the run ends, exit status 2\n")
    for written in tmp_path.rglob("observations.jsonl"):
        assert '"green":true' not in written.read_text("utf-8").replace(" ", ""), "nobody could read it"


def test_a_run_whose_output_cannot_be_written_leaves_the_server_as_it_was(tmp_path):
    version = Version.parse("11.0.3")
    app = App(version, NEEDS | places.NEEDS, HANDLERS, helpers.routes(version), keeps_documents=True)
    administrator = {"MM_ADMIN_LOGIN": "operator", "MM_ADMIN_PASSWORD": "a-password-for-1-test"}
    with Reference(app, *administrator.values()) as running:
        status, said = told_nowhere(
            "pytest", "-q", "suites/permissions", f"--target={running.url}", f"--reports={tmp_path}", **administrator
        )
    assert status == 2 and said.count("\n") == 1
    made = [user for user in app.store.users.values() if user.username != "operator"]
    assert made and not any(user.is_active for user in made), "it had begun"
    assert not re.search("cleanup", said)


def test_what_fails_to_be_written_is_told_once_and_what_nobody_reads_is_pytests_to_tell(tmp_path, capsys):
    class Failing(io.TextIOWrapper):
        def write(self, text):
            raise self.error

    with Failing((tmp_path / "file").open("wb")) as file:
        output = Output(file)
        file.error = BrokenPipeError()
        with pytest.raises(BrokenPipeError):
            output.write("a")
        assert not output.lost
        file.error = OSError(errno.EFBIG, "too large")
        output.write("a")
        output.write("b")
        assert output.lost == "too large" and output.fileno() == file.fileno()
    assert capsys.readouterr().err == "mmconform: the output: too large; the run ends, exit status 2\n"


def test_trying_leaves_nothing(tmp_path):
    check_writable(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
