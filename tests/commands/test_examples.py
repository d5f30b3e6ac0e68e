"""The examples for CI are valid YAML; and every command of ours in them, and in what people read, exists with its options."""

import os
import re
import shlex
import subprocess
from importlib.metadata import metadata

import pytest
from markdown_it import MarkdownIt
from packaging.specifiers import SpecifierSet

from mmconform.commands.cli import parser
from mmconform.documents.merge import WHERE_OFFICIAL
from mmconform.documents.reader import read
from mmconform.paths import ROOT
from mmconform.servers.target import resolve
from mmconform.wire.tape import tape

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
PAGES = sorted(path for pattern in ("*.md", "docs/*.md", "examples/*.md", "benchmarks/**/*.md") for path in ROOT.glob(pattern))


def load(name):
    return read(ROOT / "examples" / name)[0].data


def lines(node):
    """Every line of every text of a document."""
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        return [line for child in node for line in lines(child)]
    return str(node).split("\n")


def blocks(page):
    """The blocks of code of a page."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [token.content for token in tokens if token.type in ("fence", "code_block")]


def commands(program):
    """The arguments of every call of a program in the examples and in the pages that people read."""
    texts = [line for path in EXAMPLES for line in lines(load(path.name))]
    texts += [line for page in PAGES for block in blocks(page) for line in block.split("\n")]
    found = [re.match(rf"\s*(?:\w+=\S+ )*(?:\.venv/bin/)?{program} (?P<rest>.*)", line) for line in texts]
    return [shlex.split(call["rest"].partition(" >> ")[0], comments=True) for call in found if call]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page):
    inline = [token for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")) if token.type == "inline"]
    links = [child.attrs.get("href") or child.attrs.get("src") for token in inline for child in token.children]
    for link in (link for link in links if link and "://" not in link):
        file, _, heading = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        if heading:
            headings = re.findall(r"(?m)^#+ (.*)", target.read_text(encoding="utf-8"))
            assert heading in [re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings], link


def test_what_a_message_says_of_the_official_description_is_there():
    """Its heading is one that the README links to, and what a page links to is there."""
    assert f"({WHERE_OFFICIAL.rpartition(' ')[2]})" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_a_mapping_in_yaml(path):
    assert isinstance(load(path.name), dict)


def test_every_call_of_mmconform_is_one_that_it_understands():
    calls = commands("mmconform")
    assert {call[call.index("--format") + 1] for call in calls if "--format" in call} >= {"junit", "sarif", "markdown", "github"}
    for call in calls:
        parser().parse_args(call)


def test_every_option_of_pytest_exists(request):
    calls = commands("pytest")
    assert len(calls) >= 10
    for call in calls:
        for option in (word.partition("=")[0] for word in call if word.startswith("-")):
            request.config.getoption(option)


def test_the_recordings_that_are_named_exist():
    texts = [path.read_text(encoding="utf-8") for path in [*EXAMPLES, *PAGES]]
    named = {name for text in texts for name in re.findall(r"recorded:\d[\d.]*\d(?:/whole)?", text)}
    assert named
    assert all(resolve(name) for name in named)


def test_the_readme_names_the_recordings_of_the_last_years():
    """Whoever plans an upgrade to 11.1 learned from an error only what is on tape around it."""
    told = re.search(r"\*On tape\* are.*?\n\n", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert told
    ours, whole = told[0].split("of the whole API")
    named = [re.findall(r"\b\d+\.\d+\.\d+(?:-\w+)?", part) for part in (ours, whole)]
    assert named == [
        [name for name in tape.every() if int(name.partition(".")[0]) >= 9],
        [name[:-6] for name in tape.every_whole()],
    ]


def test_git_ignores_the_pages_that_commands_propose_to_make(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_bytes((ROOT / ".gitignore").read_bytes())
    for name in ("page.html", "before.html", "mmconform/report/page.html"):
        done = subprocess.run(["git", "check-ignore", "-q", name], cwd=tmp_path, check=False)
        assert done.returncode == ("/" in name), name


def test_every_target_of_make_exists():
    targets = set(re.findall(r"(?m)^([\w./-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    called = {word for call in commands("make") for word in call}
    assert called and called <= targets


def test_all_servers_are_told_the_same_settings():
    def settings(told):
        return {k: v for k, v in told.items() if re.match(r"MM_\w+SETTINGS_", k) and not k.endswith("_SITEURL")}

    composed = settings(load("compose.yaml")["services"]["mattermost"]["environment"])
    assert len(composed) > 12
    assert settings(load("gitlab.yaml")["conformance"]["variables"]) == composed


def test_a_composed_server_is_reachable_from_this_machine_only():
    services = load("compose.yaml")["services"].values()
    assert [port.split(":")[0] for service in services for port in service.get("ports", [])] == ["127.0.0.1"]


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yaml")), ids=lambda path: path.name)
def test_what_github_reads_of_this_repository_is_a_mapping_in_yaml(path):
    assert isinstance(read(path)[0].data, dict)


def make(*arguments, **environment):
    """What make says; where another make calls, which CI is, it would also say where it goes in and out."""
    alone = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")} | environment
    return subprocess.run(["make", *arguments], cwd=ROOT, env=alone, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("user", "allows_root"), [(0, True), (1000, False)])
def test_make_notebooks_says_what_takes_time_and_opens_them_for_root_too(tmp_path, user, allows_root):
    (tmp_path / "id").write_text(f"#!/bin/sh\necho {user}\n", encoding="utf-8")
    (tmp_path / "id").chmod(0o755)
    done = make("--dry-run", "--always-make", "notebooks", PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}").splitlines()
    [opens] = [line for line in done if "jupyter lab" in line]
    assert ("--allow-root" in opens) == allows_root
    [installs] = [number for number, line in enumerate(done) if "-r requirements-dev.lock" in line]
    assert "some minutes" in done[installs - 1]


def test_every_locked_package_runs_on_each_python_that_the_project_names():
    """Debian 12 has CPython 3.11.2, and a package that needs 3.11.5 stopped `make develop` there."""
    locked = {
        name for lock in ROOT.glob("requirements*.lock") for name in re.findall(r"^([\w.-]+)==", lock.read_text("utf-8"), re.M)
    }
    # With `importlib_metadata` imported (by dask, in some worker), a field that is not there raises where it was None.
    needs = {name: metadata(name).get("Requires-Python", "") for name in sorted(locked)}
    assert len(needs) > 100
    [first, *_] = re.findall(r'requires-python = ">=([\d.]+)', (ROOT / "pyproject.toml").read_text("utf-8"))
    assert {name: told for name, told in needs.items() if not SpecifierSet(told).contains(f"{first}.0")} == {}


def test_make_help_names_every_target_that_is_for_people():
    said = make("help")
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert targets
    assert [line.split()[1] for line in said.splitlines()] == targets
