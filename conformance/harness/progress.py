"""One line on a terminal while the suite runs: how far it is, what it found, how long it will take."""

import time
from collections.abc import Generator, Sequence
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

_OFTEN = 0.1  # seconds between two lines


def fits(terminal: TerminalReporter) -> bool:
    """Whether a line can be written over and over: not into a file, nor where each test is to be told."""
    return bool(terminal.isatty) and terminal.verbosity <= 0 and not terminal.no_summary


class Progress:
    """Writes that line, in place of pytest's letters and names of files."""

    def __init__(self, terminal: TerminalReporter) -> None:
        self._terminal = terminal
        self._began = self._written = time.monotonic()
        self._total = self._done = self._requests = self._failed = 0
        self._requirements: set[str] = set()
        terminal.showfspath = False

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Take the number of tests."""
        self._total = len(session.items)
        self._began = time.monotonic()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """The same with pytest-xdist, whose processes collect the tests."""
        self._total = len(ids)
        self._began = time.monotonic()

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        """Keep the category, write no letter."""
        category, *_ = yield
        return category, "", ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count, and write the line anew, not too often."""
        record = getattr(report, "conformance", None)
        if record is None:
            return
        self._done += 1
        self._requests += record["requests"]
        self._failed += report.failed
        self._requirements.add(record["requirement"])
        now = time.monotonic()
        if now - self._written >= _OFTEN or self._done == self._total:
            self._written = now
            width = self._terminal._tw.fullwidth - 1
            self._terminal.rewrite(self._line(now)[:width], erase=True)

    def _line(self, now: float) -> str:
        """What is known at this second."""
        left = (now - self._began) * (self._total - self._done) / self._done
        told = [
            f"{self._done} of {self._total} tests",
            f"{len(self._requirements)} requirements",
            f"{self._requests:,} requests",
            f"{self._failed} failed",
        ]
        return ", ".join([*told, f"about {left:.0f} s left" if self._done < self._total else "done"])
