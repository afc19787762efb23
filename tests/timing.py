"""What a test run took: the slowest tests, and each folder's time, at its end.

Under pytest-xdist the reports of all workers come together in the process that prints.
"""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

SLOWEST = 10
"""Tests that are shown."""


class Timing:
    """Adds up reports."""

    def __init__(self) -> None:
        self._tests: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what making ready, running or cleaning up took."""
        self._tests[report.nodeid] += report.duration  # type: ignore[assignment]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print."""
        folders: defaultdict[str, list[float]] = defaultdict(list)
        for test, seconds in self._tests.items():
            folders[posixpath.dirname(test.partition("::")[0])].append(seconds)
        if not folders:
            return
        terminalreporter.section(f"the {SLOWEST} slowest tests, with what they had made ready")
        for test, seconds in self._tests.most_common(SLOWEST):
            terminalreporter.write_line(f"{seconds:7.1f} s  {test}")
        terminalreporter.section("time of each folder, all workers together")
        for folder, each in sorted(folders.items(), key=lambda one: -sum(one[1])):
            terminalreporter.write_line(f"{sum(each):7.1f} s  {folder}  ({len(each)} tests)")
