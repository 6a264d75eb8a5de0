"""The hooks that run once: collect the records, print the verdict, write the report, set the exit status."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter

from conformance import VERSION
from conformance.harness import known_failures
from conformance.harness.known_failures import KnownFailures
from conformance.harness.verdict import OUTCOMES, TestResult, Verdict, counts, times, verdicts
from conformance.reporting import claims, github
from conformance.reporting.page import page
from spec.catalogue import requirements, sources
from spec.validation import is_valid, violations

SETUP_EXIT = 10
# What exit statuses mean; README.md has the whole table.
_MEANT: Mapping[int, str] = {
    pytest.ExitCode.OK: "nothing fails that is not known to",
    pytest.ExitCode.TESTS_FAILED: "something fails, or a known failure passes",
    pytest.ExitCode.INTERRUPTED: "interrupted",
    pytest.ExitCode.INTERNAL_ERROR: "an error of the suite itself",
    pytest.ExitCode.USAGE_ERROR: "it can't be asked so",
    pytest.ExitCode.NO_TESTS_COLLECTED: "nothing is selected",
    SETUP_EXIT: "it can't be tested",
}
_DONE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
SHOWN = 3  # requirements that wait for the same


@dataclass(frozen=True)
class ReportOptions:
    """What the report needs of the command line. ``shown``: the options with secrets redacted;
    ``implementation``: what the user says of the server."""

    level: str
    known: KnownFailures
    json_file: Path | None
    html_file: Path | None
    write_known: Path | None
    shown: Mapping[str, Any]
    implementation: Mapping[str, str]


class Reporter:
    """Collects what every process records, and tells it."""

    def __init__(self, target: Mapping[str, Any], options: ReportOptions) -> None:
        self.target = target
        self.options = options
        self.results: list[TestResult] = []
        self.status = int(pytest.ExitCode.OK)
        self.started = datetime.now(UTC)
        self._clock = time.monotonic()
        self._seconds = 0.0  # of the whole run, once it has ended

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the record off a report; reports of other processes come here too."""
        record = getattr(report, "conformance", None)
        if record is not None:
            self.results.append(TestResult(**record))

    @property
    def verdicts(self) -> list[Verdict]:
        """The outcome of every requirement."""
        return verdicts(requirements(), self.results)

    @property
    def stale(self) -> list[str]:
        """The known failures that pass."""
        return self.options.known.stale(self.verdicts)

    @property
    def unknown(self) -> list[Verdict]:
        """What fails at the level of the run, and is not known to."""
        return [v for v in self.verdicts if v.fails(self.options.level) and not self.options.known.reason(v)]

    @property
    def stopped(self) -> str:
        """Why the run had to stop; empty when it did not."""
        return next((result.reason for result in self.results if result.stopped), "")

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Nothing selected, or a run that stopped, is a set-up error; a stale known failure fails the run.

        So does a finding that another plugin takes back, such as one that runs what failed again.
        """
        self._seconds = round(time.monotonic() - self._clock, 1)
        nothing = not self.results and not session.config.option.collectonly
        if exitstatus in _DONE and (nothing or self.stopped):
            session.exitstatus = SETUP_EXIT
        elif exitstatus == pytest.ExitCode.OK and (self.stale or self.unknown):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self.status = int(session.exitstatus)
        if self.options.json_file:
            self._write_json(self.options.json_file)
        if self.options.html_file:
            self.options.html_file.write_text(page(self.document()), "utf-8")
        if self.options.write_known:
            failing = [v for v in self.verdicts if v.outcome == "failed"]
            known_failures.write(self.options.write_known, failing, self.options.known)

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Print findings below the failing level, behaviours and the verdict of each profile; where GitHub's
        CI runs it, tell that too."""
        for title, lines in self._sections():
            if lines:
                terminalreporter.section(title)
                for line in lines:
                    terminalreporter.line(line)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            document = self.document()
            for line in github.annotations(document):
                terminalreporter.line(line)
            if file := os.environ.get("GITHUB_STEP_SUMMARY"):
                with Path(file).open("a", encoding="utf-8") as summary:
                    summary.write(github.summary(document))

    def _sections(self) -> Iterator[tuple[str, Sequence[str]]]:
        found = self.verdicts
        should = [v for v in found if v.outcome == "failed" and not v.fails(self.options.level)]
        yield "SHOULD findings, reported only", [f"{v.requirement.id}: {v.message}" for v in should]
        behaviours = [
            f"{v.requirement.id}: {'; '.join(_told(label, value) for label, value in rows.items())}"
            for v in found
            if (rows := _behaviour(v))
        ]
        yield "behaviours where the protocol leaves room", behaviours
        yield "untested, and why", [*_untested(found)]
        yield "known failures that pass: remove them from the file", self.stale
        yield (
            "verdict",
            [*_table(found), *self._closing(found), f"exit status {self.status}: {_MEANT[self.status]}"],
        )

    def _closing(self, found: Sequence[Verdict]) -> Iterator[str]:
        failing = [v for v in found if v.fails(self.options.level)]
        known = [v for v in failing if self.options.known.reason(v)]
        for verdict in self.unknown:
            yield f"failed: {verdict.requirement.id} ({verdict.requirement.level})"
        yield f"{len(failing)} requirements fail at level {self.options.level}, {len(known)} of them known"
        broken = [r for r in self.results if r.result == "error"]
        if broken:
            yield f"{len(broken)} tests ended in an error of the suite itself: please report it"
        if self.stopped:
            yield f"the run stopped: {self.stopped}"
        if not self.results:
            yield "no test was selected"
        for file in filter(None, (self.options.json_file, self.options.html_file)):
            yield f"report: {file}"
        if failing and self.options.json_file:
            yield f"to ask again what failed: --only-failed {self.options.json_file}"

    def document(self) -> dict[str, Any]:
        """The report of a run that has ended, as JSON (spec/schemas/suite/report.json)."""
        rows = [self._row(v) for v in self.verdicts]
        own = {"implementation": dict(self.options.implementation)} if self.options.implementation else {}
        return own | {
            "target": dict(self.target),
            "suite": {"version": VERSION, "sources": {k: s.title for k, s in sources().items()}},
            "options": dict(self.options.shown),
            "level": self.options.level,
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": self._seconds,
            "requests": sum(r.requests for r in self.results),
            "times": times(self.results),
            "profiles": {
                profile: {outcome: row[outcome] for outcome in OUTCOMES}
                for profile, row in counts(self.verdicts).items()
            },
            "sets": claims.told(rows),
            "requirements": rows,
        }

    def _row(self, verdict: Verdict) -> dict[str, Any]:
        requirement = verdict.requirement
        row: dict[str, Any] = {
            "id": requirement.id,
            "level": requirement.level,
            "profile": requirement.profile,
            "outcome": verdict.outcome,
            "tests": [r.test for r in verdict.results],
            "failures": [{"test": r.test, **r.failure} for r in verdict.results if r.failure],
        }
        optional = {
            "reason": verdict.reason,
            "known": self.options.known.reason(verdict),
            "behaviour": _behaviour(verdict),
        }
        return row | {key: value for key, value in optional.items() if value}

    def _write_json(self, file: Path) -> None:
        document = self.document()
        if not is_valid("suite/report", document):
            raise ValueError(f"the report breaks its own schema: {violations('suite/report', document)[0]}")
        file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _behaviour(verdict: Verdict) -> dict[str, str]:
    """What the tests of a CHARACTERISE requirement recorded; what all models share is said once."""
    found: dict[str, list[str]] = {}
    for result in verdict.results:
        for label, value in result.behaviour.items():
            values = found.setdefault(label, [])
            if value not in values:
                values.append(value)
    return {label: " or ".join(values) for label, values in found.items()}


def _told(label: str, value: str) -> str:
    return f"{label}: {value}" if label else value


def _untested(found: Sequence[Verdict]) -> Iterator[str]:
    """The reasons, each with the requirements that wait for it; what no test can check is left out."""
    waiting: dict[str, list[str]] = {}
    for verdict in found:
        if verdict.outcome == "untested" and verdict.results:
            waiting.setdefault(verdict.reason, []).append(verdict.requirement.id)
    for reason, names in waiting.items():
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield f"{reason}: {', '.join(names[:SHOWN])}{more}"


def _table(found: Sequence[Verdict]) -> Iterator[str]:
    yield "".join([f"{'profile':<15}", *(f"{outcome:>17}" for outcome in OUTCOMES)])
    for profile, row in counts(found).items():
        yield "".join([f"{profile:<15}", *(f"{row[outcome]:>17}" for outcome in OUTCOMES)])
