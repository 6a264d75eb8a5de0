"""How many requests a run sends and how long that takes, said before the first test."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# Requests of a test on average: always, and for each example that it draws. Seconds of the suite's own for
# a request. Measured with models of one to eleven inputs.
_ALWAYS, _DRAWN, _OWN = 4.0, 0.25, 0.005
_LONG = 60.0  # seconds


@dataclass(frozen=True)
class Announcer:
    """Says it.

    missing: the profiles that are not tested. pace: seconds of a request; 0 when not known. also: more lines.
    """

    missing: Collection[str]
    pace: float
    models: int
    examples: int
    processes: int = 1
    also: Sequence[str] = ()

    def pytest_report_collectionfinish(self, items: Sequence[pytest.Item]) -> list[str]:
        """Below the number of tests."""
        return self.told(item.nodeid for item in items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """The same with pytest-xdist, whose processes collect the tests."""
        terminal = node.config.pluginmanager.get_plugin("terminalreporter")
        if node.gateway.id == "gw0" and terminal:
            terminal.ensure_newline()
            for line in self.told(ids):
                terminal.write_line(line)

    def told(self, tests: Iterable[str]) -> list[str]:
        """What to expect of tests (pytest's ids); how to shorten it, where that is long."""
        count = sum(_profile(test) not in self.missing for test in tests)
        requests = count * (_ALWAYS + _DRAWN * self.examples)
        seconds = requests * (self.pace + _OWN) / self.processes
        if not self.pace or not count:
            return [*self.also, f"about {_rounded(requests)} requests"]
        lines = [
            *self.also,
            f"about {_rounded(requests)} requests of {self.pace * 1000:.0f} ms: {_spelled(seconds)}",
        ]
        if seconds > _LONG:
            one = f"--model NAME leaves {self.models - 1} models out, " if self.models > 1 else ""
            lines.append(f"shorter: {one}-n 4 asks in parallel, --max-examples 2 asks less, --profile a part")
        return lines


def _profile(test: str) -> str:
    return Path(test.partition("::")[0]).parent.name.replace("_", "-")


def _rounded(number: float) -> str:
    digits = max(len(str(int(number))) - 2, 0)
    return f"{round(number, -digits):,.0f}"


def _spelled(seconds: float) -> str:
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"about {seconds / size:.0f} {unit}"
    return f"about {max(seconds, 1):.0f} seconds"
