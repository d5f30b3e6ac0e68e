"""Run every test of the suites alone on one tape: a test that passes in the whole is green by itself.

    .venv/bin/python benchmarks/alone.py [VERSION] [EVERY]

Each test is a pytest run of its own, in a process that is split off where everything is imported already; EVERY is how many tests
to go on by (1, all). Prints what is red, and how many there were; exits with 1 when something is.
"""

import contextlib
import io
import os
import re
import sys

import pytest

from mmconform.paths import ROOT


class Outcomes:
    """Which tests pass when all are run, by node id."""

    def __init__(self) -> None:
        self.passed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.passed.append(report.nodeid)


def run(version: str, *arguments: str, plugins: tuple[object, ...] = ()) -> str:
    """Run pytest in a child of this process, and return what it said last."""
    reading, writing = os.pipe()
    if child := os.fork():
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as said:
            text = said.read()
        os.waitpid(child, 0)
        return text
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        pytest.main(["-q", "--target", f"recorded:{version}", *arguments], plugins=list(plugins))
    passed = [name for plugin in plugins if isinstance(plugin, Outcomes) for name in plugin.passed]
    with os.fdopen(writing, "w", encoding="utf-8") as saying:
        saying.write("\n".join(passed) if plugins else told.getvalue())
    os._exit(0)


def main(version: str = "5.36.1", every: str = "1") -> int:
    os.chdir(ROOT)
    import mmconform.plugin.conformance  # noqa: F401  (what every child needs)

    tests = run(version, "suites", plugins=(Outcomes(),)).splitlines()
    red = []
    for test in tests[:: int(every)]:
        said = run(version, test)
        if not re.search(r"^  GREEN", said, re.MULTILINE):
            why = [line.strip() for line in said.splitlines() if line.startswith("  ")]
            red.append(test)
            print(f"{test}\n    {' | '.join(why[-6:-1]) or said[-300:]}", flush=True)
    print(f"{len(red)} of {len(tests[:: int(every)])} tests that pass are not green when they are run alone")
    return int(bool(red) or not tests)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
