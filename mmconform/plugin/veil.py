"""The last net: whatever pytest is about to show of a test that broke, it shows without a secret."""

from collections.abc import Callable, Generator
from typing import Any

import pytest

from mmconform.errors import MisuseError
from mmconform.wire.client import UnseenError

#: What is raised with words of ours.
_OURS = (pytest.fail.Exception, pytest.skip.Exception, pytest.exit.Exception, MisuseError, UnseenError)


class Veil:
    """Covers reports, however they came about: tracebacks with arguments and locals, captured output, reasons of skips.

    Args:
        hide: Returns a text without secrets.
        shows_values: Where a test breaks, what it was about may be shown; else answers hold what is not ours, however they were
            asked for (``--tb=long``, ``--showlocals``).
    """

    def __init__(self, hide: Callable[[str], str], *, shows_values: bool = True) -> None:
        self._hide, self._shows_values = hide, shows_values

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        report = yield
        if call.excinfo and not self._shows_values and not isinstance(call.excinfo.value, _OURS):
            report.longrepr = places(call.excinfo)
        self._cover(report)
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Generator[None, Any, Any]:
        report = yield
        self._cover(report)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> None:
        """An error of pytest or of a plugin, such as ours, is shown by whoever comes after us."""
        clean = self._hide(str(excrepr))
        if clean != str(excrepr):
            excrepr.toterminal = lambda terminal: terminal.line(clean)

    def _cover(self, report: Any) -> None:
        shown = report.longrepr
        if isinstance(shown, tuple):  # of a skip: file, line, reason
            report.longrepr = (*shown[:-1], self._hide(str(shown[-1])))
        elif shown is not None:
            text, crash = report.longreprtext, getattr(getattr(shown, "reprcrash", None), "message", "")
            clean = self._hide(text)
            if clean != text or self._hide(crash) != crash:
                report.longrepr = clean
        report.sections = [(name, self._hide(text)) for name, text in report.sections]


def places(broken: pytest.ExceptionInfo[BaseException]) -> str:
    """Return where a test broke and with what kind of error, without anything that stood there."""
    passed = (f"{entry.path}:{entry.lineno + 1}: in {entry.name}" for entry in broken.traceback)
    return "\n".join([*passed, f"{broken.typename}, of which nothing is shown: it may hold what the server told"])
