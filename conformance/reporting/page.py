"""The report of a run as one page: a file that needs no network, and shows what a server sent as text."""

import base64
import hashlib
import math
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from conformance.reporting.claims import Claim, claims, colour
from conformance.reporting.compare import Comparison
from conformance.reporting.document import Document, fails, name
from spec.catalogue import LEVELS, PROFILES, requirements, sources

_TEMPLATES = Path(__file__).parent / "templates"
OUTCOMES = ("failed", "passed", "untested", "not-implemented", "not-selected")
# A sign beside the colour, and the word that a person reads.
SIGNS = {
    "failed": ("✗", "failed"),
    "passed": ("✓", "passed"),
    "untested": ("?", "untested"),
    "not-implemented": ("○", "not there"),
    "not-selected": ("·", "not selected"),
}


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    made = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals.update(signs=SIGNS, outcomes=OUTCOMES)
    return made


def rendered(template: str, **values: Any) -> str:
    """A page made of a template, in which no other script than its own runs."""
    script = (_TEMPLATES / "page.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    style = (_TEMPLATES / "page.css").read_text("utf-8")
    shared = {"script": script, "style": style, "script_hash": f"'sha256-{digest}'"}
    return _environment().get_template(template).render(**shared, **values)


def page(document: Document) -> str:
    """The report as a page."""
    rows = [_row(row) for row in document["requirements"]]
    failed = [row for row in rows if row["outcome"] == "failed"]
    return rendered(
        "report.html",
        report=document,
        name=name(document),
        verdict=_verdict(document),
        claims=claims(document["requirements"]),
        profiles=[_profile(document, profile) for profile in PROFILES if profile in document["profiles"]],
        failed=sorted(failed, key=lambda row: (bool(row["known"]), LEVELS.index(row["level"]))),
        areas=list(_areas(rows)),
        behaviours=[row for row in rows if row.get("behaviour")],
        lacking=list(_lacking(rows)),
        times=list(_times(document.get("times", {}))),
        sources=sources(),
    )


def badge(claim: Claim) -> str:
    """What a run found of a set, as an image (SVG)."""
    label, message = claim.set.name, claim.told
    left, right = (7 * len(text) + 12 for text in (label, message))
    sizes = {"left": left, "right": right, "colour": colour(claim)}
    return _environment().get_template("badge.svg").render(label=label, message=message, **sizes)


def compared(found: Comparison) -> str:
    """Reports beside each other, as a page."""
    return rendered("compare.html", found=found)


def _verdict(document: Document) -> dict[str, Any]:
    """Whether the run passed at its level, and what failed at each."""
    failed = [row for row in document["requirements"] if row["outcome"] == "failed"]
    known = [row for row in failed if row.get("known")]
    by_level = {level: sum(row["level"] == level for row in failed) for level in ("MUST", "SHOULD")}
    tested = sum(row["outcome"] in ("passed", "failed") for row in document["requirements"])
    passed = not any(fails(row, document["level"]) for row in failed)
    return {"passed": passed and tested > 0, "tested": tested, "known": len(known), **by_level}


def _profile(document: Document, profile: str) -> dict[str, Any]:
    rows = [row for row in document["requirements"] if row["profile"] == profile]
    counts = {outcome: document["profiles"][profile].get(outcome, 0) for outcome in OUTCOMES}
    broken = sum(row["outcome"] == "failed" and row["level"] == "MUST" for row in rows)
    reasons = [row["reason"] for row in rows if row.get("reason")]
    tested = counts["passed"] + counts["failed"]
    told = "failed" if broken else "passed" if tested else "not-selected"
    reason = max(set(reasons), key=reasons.count) if reasons and not tested else ""
    over = "gRPC" if profile == "grpc" else "HTTP"
    return {
        "name": profile,
        "over": over,
        "counts": counts,
        "tested": tested,
        "broken": broken,
        "outcome": told,
        "reason": reason,
    }


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A requirement's row, with what the catalogue says of it; a report may have others than this suite."""
    known = requirements().get(row["id"])
    told: dict[str, Any] = {"asks": "", "fix": "", "ruling": "", "source": None, "section": ""}
    if known:
        key, _, section = known.source.partition(": ")
        told = {
            "asks": known.asks,
            "fix": known.fix,
            "ruling": known.ruling,
            "source": sources()[key],
            "section": section,
        }
    return {**told, "reason": "", "known": "", "behaviour": {}, **row}


def _areas(rows: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The requirements by profile and area."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["id"].rpartition(".")[0], []).append(row)
    yield from found.items()


def _times(found: Mapping[str, Mapping[str, float]]) -> Iterator[dict[str, Any]]:
    """How long answers took by endpoint; ``half`` and ``most``: parts of the longest, by their logarithms."""
    longest = math.log1p(max((row["p99"] for row in found.values()), default=0)) or 1
    for endpoint, row in found.items():
        parts = {"half": math.log1p(row["p50"]) / longest, "most": math.log1p(row["p99"]) / longest}
        yield {"endpoint": endpoint, **row, **{name: round(part, 3) for name, part in parts.items()}}


def _lacking(rows: list[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """Why requirements were not tested, each reason with those that wait for it."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row["outcome"] in ("untested", "not-implemented") and row["reason"]:
            found.setdefault(row["reason"], []).append(row["id"])
    yield from sorted(found.items(), key=lambda item: -len(item[1]))
