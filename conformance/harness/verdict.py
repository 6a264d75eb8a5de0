"""From the results of tests to the outcome of each requirement. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from conformance.reporting.document import FAILING
from spec.catalogue import PROFILES, Requirement

Result = Literal["passed", "failed", "error", "not-implemented", "untested"]
Outcome = Literal["passed", "failed", "not-implemented", "not-selected", "untested"]
OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "not-implemented", "untested", "not-selected")


@dataclass
class TestResult:
    """What one test found out about its requirement.

    result: what it found; error: the suite itself broke. failure: message, curl, request, response, for a
    failed one. reason: why it could not be carried out. behaviour: what a CHARACTERISE test recorded, by
    label. times: milliseconds that answers took, by endpoint. stopped: whether the run had to stop at it, or
    before it.
    """

    __test__ = False

    test: str
    requirement: str
    result: Result
    failure: dict[str, Any] | None = None
    reason: str = ""
    behaviour: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    times: dict[str, list[float]] = field(default_factory=dict)
    stopped: bool = False


@dataclass(frozen=True)
class Verdict:
    """The outcome of one requirement over all its tests."""

    requirement: Requirement
    outcome: Outcome
    results: Sequence[TestResult]

    @property
    def reason(self) -> str:
        """Why it was not tested; empty when it was."""
        if self.outcome in ("passed", "failed"):
            return ""
        told = self.requirement.untestable or next((r.reason for r in self.results if r.reason), "")
        return told or "no test of it was selected"

    @property
    def failing(self) -> list[TestResult]:
        """The results of the tests that failed."""
        return [result for result in self.results if result.failure]

    @property
    def message(self) -> str:
        """What the first test that failed says; empty when none did."""
        return next((str(r.failure["message"]) for r in self.results if r.failure), "")

    def fails(self, level: str) -> bool:
        """Whether it fails a run at ``level`` ("must" or "should")."""
        return self.outcome == "failed" and self.requirement.level in FAILING[level]


def verdicts(catalogue: Mapping[str, Requirement], results: Iterable[TestResult]) -> list[Verdict]:
    """The outcome of every requirement of the catalogue, in its order."""
    by_id: dict[str, list[TestResult]] = {name: [] for name in catalogue}
    for result in results:
        by_id[result.requirement].append(result)
    return [
        Verdict(catalogue[name], _outcome(catalogue[name], found), found) for name, found in by_id.items()
    ]


def _outcome(requirement: Requirement, results: Sequence[TestResult]) -> Outcome:
    found = {result.result for result in results}
    if "failed" in found:
        return "failed"
    if "error" in found or any(result.stopped for result in results):
        return "untested"
    order: tuple[Outcome, ...] = ("passed", "not-implemented", "untested")
    for outcome in order:
        if outcome in found:
            return outcome
    return "untested" if requirement.untestable else "not-selected"


def counts(found: Iterable[Verdict]) -> dict[str, dict[Outcome, int]]:
    """How many requirements of each profile have each outcome."""
    table: dict[str, dict[Outcome, int]] = {p: dict.fromkeys(OUTCOMES, 0) for p in PROFILES}
    for verdict in found:
        table[verdict.requirement.profile][verdict.outcome] += 1
    return table


def times(results: Iterable[TestResult]) -> dict[str, dict[str, float]]:
    """How many answers each endpoint gave, and the milliseconds within which half and 99 % of them came."""
    taken: dict[str, list[float]] = {}
    for result in results:
        for name, found in result.times.items():
            taken.setdefault(name, []).extend(found)
    return {
        name: {"count": len(found), "p50": _quantile(found, 0.5), "p99": _quantile(found, 0.99)}
        for name, found in sorted(taken.items())
    }


def _quantile(found: Sequence[float], part: float) -> float:
    return sorted(found)[min(int(part * len(found)), len(found) - 1)]
