"""Which frozen sets of requirements a server meets, by the report of a run; and a badge that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from spec.catalogue import RequirementSet, sets

State = Literal["met", "partly tested", "not met", "not tested"]
# Colours of shields.io, and theirs in the SVG.
_COLOURS: Mapping[State, tuple[str, str]] = {
    "met": ("brightgreen", "#116329"),
    "partly tested": ("yellow", "#7a4b00"),
    "not met": ("red", "#b3261e"),
    "not tested": ("lightgrey", "#57606a"),
}


@dataclass(frozen=True)
class Claim:
    """What a run found of a set. A known failure is one too; what the server lacks breaks nothing."""

    set: RequirementSet
    passed: int
    failed: Sequence[str]
    untested: Sequence[str]

    @property
    def state(self) -> State:
        """Met: nothing failed, and nothing waits to be tested."""
        if self.failed:
            return "not met"
        if not self.passed:
            return "not tested"
        return "partly tested" if self.untested else "met"

    @property
    def told(self) -> str:
        """The state for a person."""
        total = len(self.set.requirements)
        if self.state == "partly tested":
            return f"no failure, {total - len(self.untested)} of {total} tested"
        return f"{self.state}, {len(self.failed)} failed" if self.failed else self.state


def claims(rows: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """What the requirements' rows of a report say of each set."""
    outcomes = {row["id"]: row["outcome"] for row in rows}
    return [_claim(one, outcomes) for one in sets().values()]


def _claim(one: RequirementSet, outcomes: Mapping[str, str]) -> Claim:
    found = {name: outcomes.get(name, "not-selected") for name in one.requirements}
    return Claim(
        one,
        sum(outcome == "passed" for outcome in found.values()),
        [name for name, outcome in found.items() if outcome == "failed"],
        [name for name, outcome in found.items() if outcome in ("untested", "not-selected")],
    )


def told(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The claims as a report has them."""
    return {
        claim.set.name: {
            "state": claim.state,
            "passed": claim.passed,
            "failed": list(claim.failed),
            "untested": list(claim.untested),
        }
        for claim in claims(rows)
    }


def shield(claim: Claim) -> dict[str, Any]:
    """The badge as shields.io takes it. Source: shields.io, Endpoint Badge."""
    return {
        "schemaVersion": 1,
        "label": claim.set.name,
        "message": claim.told,
        "color": _COLOURS[claim.state][0],
    }


def colour(claim: Claim) -> str:
    """The colour of the badge's second half."""
    return _COLOURS[claim.state][1]
