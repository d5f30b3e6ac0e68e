"""The package that is made of this checkout judges a server wherever it is called, and writes nothing into itself."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from mmconform.paths import ROOT
from mmconform.reference import named
from mmconform.reference.server import Reference

#: In one process, since making a package takes some seconds.
pytestmark = pytest.mark.xdist_group("package")
#: What a package is made of: an image is built from no more.
RECIPE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SOURCES = [word for line in re.findall(r"(?m)^COPY (?!--from)(.*)", RECIPE) for word in line.split()[:-1]]
LOGIN, PASSWORD = "operator", "Password-of-a-test-1"
BUILD = "import sys, setuptools.build_meta as build; to = sys.argv[1]; build.build_sdist(to); build.build_wheel(to)"
#: Several commands in one process, which has to import but once: each with its status and what it said last.
COMMANDS = """
import contextlib, io, json, sys
from mmconform.commands.cli import main
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        status = main(arguments)
    print(json.dumps([status, out.getvalue()]))
"""


def run(*command, cwd, **environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MM_", "PYTEST_", "PYTHON", "COLUMNS"))}
    clean |= {"PYTHONDONTWRITEBYTECODE": "1", **environment}
    return subprocess.run([*map(str, command)], cwd=cwd, env=clean, capture_output=True, text=True, check=False, timeout=600)


def done(ran):
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """An sdist and a wheel of this checkout, without the network; made in a copy, since making leaves things behind."""
    copy, built = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("built")
    for name in SOURCES:
        (copy / name).parent.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    done(run(sys.executable, "-c", BUILD, built, cwd=copy))
    return built


@pytest.fixture(scope="module")
def python(built, tmp_path_factory):
    """The Python of a fresh environment, which nobody may write to, with our wheel and all other packages of this one."""
    folder = tmp_path_factory.mktemp("project") / "environment"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    (packages,) = folder.glob("lib/python*/site-packages")
    install = ("install", "--quiet", "--no-deps", "--no-index", next(built.glob("*.whl")))
    done(run(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, *install, cwd=folder))
    (packages / "others.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    for path in (packages, *packages.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    yield python
    for path in (packages, *packages.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)


@pytest.fixture(scope="module")
def server():
    with Reference(named.app("reference@11.0.3", ""), LOGIN, PASSWORD) as server:
        yield server


@pytest.fixture(scope="module")
def judged(python, server, tmp_path_factory):
    """An empty folder of a user who called for a small run there; what that said, and what came into the package meanwhile."""
    folder, packages = tmp_path_factory.mktemp("user"), python.parent.parent / "lib"
    before = {*packages.rglob("*")}
    arguments = (server.url, "--operation", "CreateJob", "-k", "kind", "--hypothesis-seed=1", "suites/permissions/test_jobs.py")
    ran = run(python.with_name("mmconform"), "campaign", *arguments, cwd=folder, MM_ADMIN_LOGIN=LOGIN, MM_ADMIN_PASSWORD=PASSWORD)
    return folder, ran, {*packages.rglob("*")} - before


def commands(python, folder, *every):
    ran = run(python, "-c", COMMANDS, json.dumps(every), cwd=folder, MM_ADMIN_LOGIN=LOGIN, MM_ADMIN_PASSWORD=PASSWORD)
    return [json.loads(line) for line in done(ran).stdout.splitlines()]


# -- what is in it -------------------------------------------------------------------------------------------------


def contents(path):
    with zipfile.ZipFile(path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("/RECORD")}


def test_an_sdist_builds_the_same_wheel(built, tmp_path):
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        sdist.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # 3.11.2 has none
    (unpacked,) = tmp_path.iterdir()
    done(run(sys.executable, "-c", BUILD, tmp_path, cwd=unpacked))
    assert contents(next(tmp_path.glob("*.whl"))) == contents(next(built.glob("*.whl")))


def test_it_holds_the_suites_and_what_they_judge_by_and_no_tape(built):
    names = {name.removeprefix("mmconform/checkout/") for name in contents(next(built.glob("*.whl")))}
    needed = [
        *ROOT.glob("suites/**/*.py"),
        *ROOT.glob("specs/**/*.*"),
        *ROOT.glob("deviations/**/*.yaml"),
        ROOT / "pyproject.toml",
    ]
    assert len(needed) > 30
    assert {path.relative_to(ROOT).as_posix() for path in needed} <= names
    assert not [name for name in names if name.startswith(("cassettes", "tests", "docs", "build"))]


# -- a run ---------------------------------------------------------------------------------------------------------


def test_it_judges_a_server_and_writes_where_it_is_called(judged, server):
    folder, ran, _ = judged
    assert ran.returncode == 0 and "GREEN" in ran.stdout, ran.stdout + ran.stderr
    slug = server.url.removeprefix("http://").replace(":", "-")
    assert f"record: reports/{slug}/observations.jsonl" in ran.stdout
    header = json.loads((folder / "reports" / slug / "observations.jsonl").read_text().partition("\n")[0])
    assert header["selection"] == "-k kind --operation=CreateJob suites/permissions/test_jobs.py"
    assert [path.name for path in folder.iterdir()] == ["reports"]


def test_nothing_is_written_into_it(judged):
    assert judged[2] == set()


def test_every_command_that_needs_no_clone_works_on_what_was_written(python, server, judged):
    folder = judged[0]
    record = server.url.removeprefix("http://").replace(":", "-")
    asked = (
        ["doctor", server.url],
        ["contract"],
        ["deviations"],
        ["cleanup", server.url],
        ["report", record],
        ["report", record, "--format", "badge"],
        ["compare", f"reports/{record}", f"reports/{record}"],
        ["compare", "--save", "before", f"reports/{record}"],
        ["prove", "--list"],
    )
    for arguments, (status, said) in zip(asked, commands(python, folder, *asked), strict=True):
        assert status == 0, (arguments, said)
    written = {path.relative_to(folder).as_posix() for path in folder.glob("reports/**/*.*")}
    assert {"reports/index.html", "reports/saved/before/observations.jsonl"} <= written


# -- what it has not -----------------------------------------------------------------------------------------------


def test_what_needs_a_clone_is_one_line(python, tmp_path):
    asked = {
        "recorded:all": ["campaign", "recorded:all"],
        "tapes are not in the package": ["compare", "5.36.1", "11.0.3"],
        "--write is for a clone": ["merge", "--write"],
        "notebooks are in a clone": ["report", "--notebook"],
        "name a record": ["report"],
    }
    for (says, arguments), (status, said) in zip(asked.items(), commands(python, tmp_path, *asked.values()), strict=True):
        assert status == 2 and says in said and said.count("\n") == 1, (arguments, said)


def test_pytest_by_itself_says_how_a_run_begins(python, tmp_path):
    ran = run(python, "-m", "pytest", "--target", "http://127.0.0.1:8065", cwd=tmp_path)
    assert ran.returncode == 2
    assert ran.stdout.count("\n") + ran.stderr.count("\n") == 1 and "`mmconform campaign TARGET`" in ran.stdout + ran.stderr


def test_where_somebody_has_it_in_an_environment_below_their_tests_they_are_theirs(python):
    project = python.parents[2]
    (project / "test_own.py").write_text("def test_own():\n    pass\n")
    ran = run(python, "-m", "pytest", cwd=project)
    assert ran.returncode == 0 and "1 passed" in ran.stdout and "= conformance" not in ran.stdout, ran.stdout


def test_a_checkout_carries_nothing_itself():
    """Where the folder is, the package takes itself for an installed one."""
    assert not Path(ROOT, "mmconform", "checkout").exists()
