"""The last net: whatever pytest is about to show of a test that broke, it shows without a secret."""

from collections.abc import Callable, Generator
from typing import Any

import pytest


class Veil:
    """Covers reports, however they came about: tracebacks with arguments and locals, captured output, reasons of skips.

    Args:
        hide: Returns a text without secrets.
    """

    def __init__(self, hide: Callable[[str], str]) -> None:
        self._hide = hide

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        report = yield
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
