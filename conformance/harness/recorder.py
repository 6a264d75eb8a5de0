"""The hooks that run in every process: tests to their requirements, results to records, failures to text."""

import gc
from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

import hypothesis
import pytest
from hypothesis.errors import FlakyFailure, Unsatisfiable
from hypothesis.internal.conjecture import engine

from conformance.checks.assertions import NonConformance
from conformance.checks.skips import NOT_IMPLEMENTED, UNTESTED, not_implemented, untested
from conformance.harness.known_failures import KnownFailures
from conformance.harness.target import Target
from conformance.harness.verdict import TestResult
from conformance.transport.http import Client
from conformance.transport.lost import AccessLost, NoAnswer, TargetDied
from conformance.transport.text import clean, cleaned, fits, mapped
from conformance.wire.tensors import brief
from spec.catalogue import Requirement, requirements

T = TypeVar("T")

SURVIVES = "v2.health.survives"
GRPC_SURVIVES = "grpc.health.survives"
SHRINKING = 10  # seconds for one failure: a slow target must not keep its user waiting for five minutes
_TOLD = 200  # characters of an error of the suite's own
BEHAVIOUR = pytest.StashKey[dict[str, str]]()


def requirement_of(item: pytest.Item) -> Requirement:
    """The one requirement that a test names. Raises pytest.UsageError when it names none, or none of ours."""
    mark = item.get_closest_marker("requirement")
    if mark is None or len(mark.args) != 1:
        raise pytest.UsageError(f"{item.nodeid} must name one requirement")
    name = mark.args[0]
    if name not in requirements():
        raise pytest.UsageError(f"{item.nodeid} names {name}, which is no requirement")
    return requirements()[name]


class Recorder:
    """Turns what pytest reports about a test into a record of its requirement."""

    def __init__(self, target: Target, level: str, known: KnownFailures) -> None:
        self.target = target
        self.client: Client = target.client
        self.level = level
        self.known = known
        self.gone = ""
        self.stopped = False
        self._sent = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """What is loaded stays: to look for garbage in it over and over takes a fifteenth of a run."""
        gc.freeze()

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Skip what the target lacks, and everything once it is gone."""
        self._sent = self.client.sent
        requirement = requirement_of(item)
        item.user_properties += [("requirement", requirement.id), ("level", requirement.level)]
        if self.gone:
            untested(self.gone)
        missing = self.target.missing.get(requirement.profile)
        if missing:
            not_implemented(missing)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach the record to the report, and let the level and the known failures decide its outcome."""
        error = call.excinfo.value if call.excinfo else None
        finding = finding_of(error)
        if finding is not None:  # its text is ours: pytest need not read the sources for a traceback
            item.repr_failure = lambda *_: str(finding)  # type: ignore[method-assign]
        report = yield
        vars(item).pop("repr_failure", None)
        report.sections = cleaned(report.sections)
        if call.when == "teardown" or (call.when == "setup" and report.passed):
            return report
        requirement = requirement_of(item)
        if isinstance(finding, AccessLost):
            self.gone, self.stopped, finding = str(finding), True, None
        if isinstance(finding, TargetDied):
            if requirement.profile != "robustness":  # there, to survive is each requirement's own statement
                requirement = requirements()[GRPC_SURVIVES if requirement.profile == "grpc" else SURVIVES]
            self.gone = "" if finding.back else f"the target died and did not come back: {item.name}"
        if report.failed and finding is None and not isinstance(error, Unsatisfiable):
            reason = f"an error of the suite itself: {type(error).__name__}: {error}"
            broken = TestResult(item.nodeid, requirement.id, "error", reason=self._fit(reason[:_TOLD]))
            report.conformance = asdict(broken)  # type: ignore[attr-defined]
            if not fits(report.longreprtext):
                report.longrepr = clean(report.longreprtext)
            return report  # pytest's traceback tells it best
        result = self._result(item, requirement, report, error, finding)
        report.conformance = asdict(result)  # type: ignore[attr-defined]
        self._judge(report, requirement, result)
        return report

    def _result(
        self,
        item: pytest.Item,
        requirement: Requirement,
        report: pytest.TestReport,
        error: BaseException | None,
        finding: BaseException | None,
    ) -> TestResult:
        result = TestResult(item.nodeid, requirement.id, "passed", requests=self.client.sent - self._sent)
        taken, self.client.shared.times = self.client.shared.times, {}
        result.times = {name: [round(1000 * s, 2) for s in seconds] for name, seconds in taken.items()}
        result.behaviour = item.stash.get(BEHAVIOUR, {})
        result.stopped = self.stopped
        if isinstance(error, Unsatisfiable):
            result.result = "untested"
            result.reason = "no generated request was accepted: give a valid one with --sample FILE"
        elif finding is not None:
            result.result, result.failure = "failed", failure_of(finding)
        elif report.skipped:
            reason = str(error)
            result.result = "not-implemented" if reason.startswith(NOT_IMPLEMENTED) else "untested"
            result.reason = reason.removeprefix(NOT_IMPLEMENTED).removeprefix(UNTESTED)
        if requirement.level == "CHARACTERISE" and result.failure:
            result.behaviour = {"": result.failure["message"]}
            result.result, result.failure = "passed", None
        result.behaviour, result.reason = self._fit(result.behaviour), self._fit(result.reason)
        result.failure = self._fit(result.failure)
        return result

    def _fit(self, told: T) -> T:
        """What is told of the target, fit for reports: without secrets that it sent back."""
        return cleaned(mapped(told, self.client.shared.credentials.hide))

    def _judge(self, report: pytest.TestReport, requirement: Requirement, result: TestResult) -> None:
        if result.failure:
            report.longrepr = failure_text(requirement, result.failure)
            report.outcome = "failed"
            reason = self.known.excuses(requirement.id, result.test)
            if reason:
                _excuse(report, f"known failure: {reason}")
            elif requirement.level == "SHOULD" and self.level == "must":
                _excuse(report, "SHOULD")
        elif result.result == "untested" and report.failed:
            report.outcome, report.longrepr = "skipped", ("", 0, f"Skipped: {result.reason}")
        elif result.result == "passed":
            report.outcome, report.longrepr = "passed", None


def _excuse(report: pytest.TestReport, why: str) -> None:
    report.outcome = "skipped"
    report.wasxfail = why


def finding_of(error: BaseException | None) -> BaseException | None:
    """The finding inside an error: a NonConformance, NoAnswer, TargetDied or AccessLost; None without one."""
    if isinstance(error, NonConformance | NoAnswer | TargetDied | AccessLost):
        return error
    if isinstance(error, FlakyFailure | BaseExceptionGroup):
        return next(filter(None, map(finding_of, error.exceptions)), None)
    return None


def failure_of(finding: BaseException) -> dict[str, Any]:
    """The record of a finding: message, curl, request, response."""
    if isinstance(finding, NonConformance):
        both = {"got": finding.got, "expected": finding.expected}
        alike = len({brief(value).strip('"') for value in both.values()}) == 1  # 42 and "42"
        told = "".join(
            f"; {label}: {brief(value) if alike else _plainly(value)}"
            for label, value in both.items()
            if value is not None
        )
        return {
            "message": finding.message + told,
            "curl": [e.request.reproduce for e in finding.evidence],
            "request": [e.request.shown for e in finding.evidence],
            "response": [e.shown for e in finding.evidence],
        }
    assert isinstance(finding, NoAnswer | TargetDied)
    request = finding.request
    message = str(finding)
    return {"message": message, "curl": [request.reproduce], "request": [request.shown], "response": []}


def _plainly(value: Any) -> str:
    """A value as it is where a person can read it so, else as JSON."""
    plain = isinstance(value, str) and bool(value.strip()) and value.isprintable()
    return str(value) if plain else brief(value)


def failure_text(requirement: Requirement, failure: Mapping[str, Any]) -> str:
    """What a person reads of a failure: one screen."""
    return "\n".join(_lines(requirement, failure))


def _lines(requirement: Requirement, failure: Mapping[str, Any]) -> Iterator[str]:
    yield f"{requirement.id} ({requirement.level}): {requirement.asks}"
    yield f"Source: {requirement.reference}"
    if requirement.ruling:
        yield f"Ruling: {requirement.ruling}"
    yield f"Found: {failure['message']}"
    if requirement.fix:
        yield f"To change: {requirement.fix}"
    responses = [*failure["response"], *[""] * len(failure["curl"])]
    for curl, response in zip(failure["curl"], responses, strict=False):
        yield f"Reproduce with:\n  {curl}"
        if response:
            yield f"Response: {response}"
    if requirement.seen:
        yield f"Seen elsewhere: {requirement.seen[0]}"


def hypothesis_settings(max_examples: int) -> hypothesis.settings:
    """Deterministic, no deadline, no database: the target decides how long a request takes."""
    engine.MAX_SHRINKING_SECONDS = SHRINKING
    return hypothesis.settings(
        max_examples=max_examples,
        derandomize=True,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate, hypothesis.Phase.shrink],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
