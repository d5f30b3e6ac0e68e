"""Somebody else's record is shown, and steers nothing: no terminal, no page, no service that reads a job's log."""

import json
import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from msgspec import structs

from mmconform.commands.cli import main
from mmconform.contract.clause import Contract
from mmconform.errors import plain
from mmconform.judging import deviations
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
    "mentions": "cc @everyone, a#123 and GH-7, &#64;everyone",
    "addresses": "see http://evil.invalid or www.evil.invalid, __now__ and **here**",
    "code that ends early": "` @everyone ``` #5 <img",
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


def says_nothing(markdown):
    """Read as CommonMark with tables, nothing of an attack is markup, a link or a mention: only code and text."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    inline = [child for token in tokens for child in token.children or ()]
    markup = {token.type for token in [*tokens, *inline]} & {"html_inline", "html_block", "link_open", "image", "strong_open"}
    text = [child.content for child in inline if child.type == "text"]
    return not markup and not [one for one in text if re.search(r"@\w|#\w|\bGH-\d|://|\bwww\.", one)]


def test_the_terminal(contract, told):
    assert is_inert(show(contract, told, colour=False, width=100))
    assert all(is_inert(failure.explain()) for failure in failures(contract, told))


def test_annotations(contract, told):
    text = github(contract, [told])
    assert is_inert(text, allowed="::error ") and text.count("\n") == text.count("::error ") == text.count("::") / 2


def test_markdown(contract, told, attack):
    text = markdown(contract, [told])
    assert is_inert(text)
    assert says_nothing(text.replace("**1**", "1"))
    heads = [line for line in text.split("\n") if line.startswith(("| ✅", "| ❌"))]
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in heads] == [9], "no cell more than there are columns"


def test_junit_and_sarif(contract, known, told):
    assert is_inert(junit(contract, [told]))
    found = json.loads(sarif(contract, [told], known))
    assert is_inert(json.dumps(found, ensure_ascii=False, indent=1))
    assert not [result for result in found["runs"][0]["results"] if "](" in result["message"]["text"]], "a link"


def test_a_comparison(contract, told, attack):
    change = Change("CreateJob", "CreateJob.status", "answer", (attack,), attack, attack, "worse", 1, attack, 1)
    page = Page(contract, told, told, Comparison([change], 1, 0))
    assert is_inert(page.text()) and is_inert(page.markdown())
    assert says_nothing(page.markdown())


def test_what_a_document_says_is_quoted_in_a_comparison_and_mentions_nobody(contract, told, attack):
    text = f"Who `calls` it, {attack}, is served."
    clauses = {**contract.clauses, "CreateJob.status": replace(contract.clauses["CreateJob.status"], text=text, file=attack)}
    theirs = Contract(contract.base, contract.digest, contract.components, contract.operations)
    theirs.add(clauses.values())
    change = Change("CreateJob", "CreateJob.status", "answer", ("member",), "201", "403", "worse", 1, "t", 1)
    shown = Page(theirs, told, told, Comparison([change], 1, 0)).markdown()
    assert is_inert(shown) and says_nothing(shown)
    [quotation] = [line for line in shown.split("\n") if line.startswith("> ")]
    assert "`calls`" in quotation


def test_a_known_deviation_in_markdown_mentions_nobody_and_is_one_section(contract, attack, monkeypatch, capsys):
    entry = deviations.load(contract)[0]
    entry = replace(entry, signature=attack, reason=attack, evidence=f"a.go@v1 {attack}", place="deviations/a.yaml:1")
    other = replace(entry, clause="CreateJob.status")
    monkeypatch.setattr(deviations, "load", lambda _: [entry, other])
    assert main(["deviations", "--format", "markdown"]) == 0
    shown = capsys.readouterr().out
    assert is_inert(shown) and says_nothing(shown)
    assert shown.count("## ") == 1 and shown.endswith(
        "\n1 known deviation on our list, about 2 promises, seen in a record or not\n"
    )


def test_the_command_that_repeats_a_run_runs_nothing_else(told):
    header = structs.replace(told.header, target="$(touch x)", selection="-k a;touch y --junitxml=/home/x")
    assert command(header).startswith("pytest --target '$(touch x)' --hypothesis-seed=")
    told = command(structs.replace(header, selection="-k a;b"))
    assert "';'" not in told and "'a;b'" in told


def test_names_of_tests_stay_as_they_are():
    assert plain("suites/a/test_b.py::test_c[x] at 10:11::12") == "suites/a/test_b.py::test_c[x] at 10:11::12"
