"""Somebody else's record is shown, and steers nothing: no terminal, no page, no service that reads a job's log."""

import json
import re
from dataclasses import replace

import pytest
from msgspec import structs

from mmconform.errors import plain
from mmconform.judging.changes import Change, Comparison
from mmconform.report.comparison import Page
from mmconform.report.failure import failures
from mmconform.report.github import github
from mmconform.report.junit import junit
from mmconform.report.markdown import markdown
from mmconform.report.page import command
from mmconform.report.sarif import sarif
from mmconform.report.terminal import show

ATTACKS = {
    "a command of GitHub": "::error file=x::gotcha",
    "a command at the begin of a line": "\n::stop-commands::x",
    "an old command": "x ##[add-path]/tmp",
    "a command of Azure": "##vso[task.setvariable variable=a]b",
    "a command of TeamCity": "##teamcity[buildStop]",
    "an escape": "\x1b]8;;http://x\x07link\x1b[2J",
    "a long word, cut where a line ends": "x" * 90 + "::error::gotcha",
    "a link": "[click](http://evil.invalid)",
    "a cell of a table": "a | b |\n| c |",
    "markup": "<img src=x onerror=alert(1)>",
}


@pytest.fixture(params=ATTACKS.values(), ids=ATTACKS.keys())
def attack(request):
    return request.param


@pytest.fixture
def told(attack, record_of):
    """A record of which every text that a server or a stranger could choose is an attack."""
    evidence = dict.fromkeys(("method", "url", "body", "media", "answer", "about"), attack)
    evidence |= {"headers": {attack: attack}, "status": 500}
    text = {"persona": attack, "signature": attack, "seen": attack, "test": attack, "cassette": attack}
    new = {"clause": "CreateJob.status", "outcome": "fail", "standing": "new", "evidence": evidence, **text}
    skip = {"clause": "CreateJob.media", "outcome": "skip", **text}
    record = record_of("5.36.1", new, skip)
    server = structs.replace(record.header.server, **dict.fromkeys(("name", "build", "commit", "calls_itself"), attack))
    return replace(record, header=structs.replace(record.header, server=server, target=f"http://x{attack}", selection=attack))


def lines_of(text):
    return re.split(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text)


def is_inert(text, *, allowed=""):
    """Nothing in the text is a command or an escape."""
    commands = [line for line in lines_of(text) if line.lstrip().startswith("::") and not (allowed and line.startswith(allowed))]
    return not commands and not re.search(r"##\w*\[", text) and all(c.isprintable() or c == "\n" for c in text)


def test_the_terminal(contract, told):
    assert is_inert(show(contract, told, colour=False, width=100))
    assert all(is_inert(failure.explain()) for failure in failures(contract, told))


def test_annotations(contract, told):
    text = github(contract, [told])
    assert is_inert(text, allowed="::error ") and text.count("\n") == text.count("::error ") == text.count("::") / 2


def test_markdown(contract, told, attack):
    text = markdown(contract, [told])
    assert is_inert(text)
    outside = re.sub(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", re.sub(r"(?ms)^(`{3,})text$.*?^\1$", "", text))
    assert not re.search(r"click|<img|onerror|\| c \|", outside), "only as code"


def test_junit_and_sarif(contract, known, told):
    assert is_inert(junit(contract, [told]))
    found = json.loads(sarif(contract, [told], known))
    assert is_inert(json.dumps(found, ensure_ascii=False, indent=1))
    assert not [result for result in found["runs"][0]["results"] if "](" in result["message"]["text"]], "a link"


def test_a_comparison(contract, told, attack):
    change = Change("CreateJob", "CreateJob.status", "answer", (attack,), attack, attack, "worse", 1, attack, 1)
    page = Page(contract, told, told, Comparison([change], 1, 0))
    assert is_inert(page.text()) and is_inert(page.markdown())
    outside = re.sub(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", page.markdown())
    assert not re.search(r"click|<img|onerror|\| c \|", outside), "only as code"


def test_the_command_that_repeats_a_run_runs_nothing_else(told):
    header = structs.replace(told.header, target="$(touch x)", selection="-k a;touch y --junitxml=/home/x")
    assert command(header).startswith("pytest --target '$(touch x)' --hypothesis-seed=")
    told = command(structs.replace(header, selection="-k a;b"))
    assert "';'" not in told and "'a;b'" in told


def test_names_of_tests_stay_as_they_are():
    assert plain("suites/a/test_b.py::test_c[x] at 10:11::12") == "suites/a/test_b.py::test_c[x] at 10:11::12"
