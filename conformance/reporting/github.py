"""A report where GitHub's CI shows it: annotations, and the summary of a step.

Source: GitHub Actions, Workflow commands: what follows ``::error::`` is one line, in which %, CR and LF are
escaped; a property has colons and commas escaped too.
"""

from collections.abc import Iterator

from conformance.reporting.claims import claims
from conformance.reporting.document import Document, fails, name
from conformance.reporting.markup import cell, table

_SHOWN = 10  # annotations of one kind; GitHub shows no more for a step


def annotations(document: Document) -> Iterator[str]:
    """A line for each requirement that fails the run, and for those that are reported only."""
    failed = [row for row in document["requirements"] if row["outcome"] == "failed" and not row.get("known")]
    level = document["level"]
    for kind, rows in (
        ("error", [row for row in failed if fails(row, level)]),
        ("warning", [row for row in failed if not fails(row, level)]),
    ):
        for row in rows[:_SHOWN]:
            message = row["failures"][0]["message"]
            yield f"::{kind} title={_property(row['id'])}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summary(document: Document) -> str:
    """The summary of a run, in Markdown."""
    return "\n".join(_summary(document)) + "\n"


def _summary(document: Document) -> Iterator[str]:
    rows = document["requirements"]
    failing = [row for row in rows if fails(row, document["level"])]
    verdict = f"failed: {len(failing)} requirements" if failing else "passed"
    yield f"## {cell(name(document))}: {verdict} at level {document['level']}"
    yield ""
    counts = document["profiles"]
    outcomes = list(dict.fromkeys(outcome for row in counts.values() for outcome in row))
    yield from table(
        ["profile", *outcomes],
        [[profile, *(str(row.get(outcome, 0)) for outcome in outcomes)] for profile, row in counts.items()],
    )
    yield ""
    tested = [claim for claim in claims(rows) if claim.state != "not tested"]
    yield from table(["set", "state"], [[claim.set.name, claim.told] for claim in tested])
    failed = [row for row in rows if row["outcome"] == "failed"]
    if failed:
        yield ""
        told = [
            [row["level"], row["id"], row["failures"][0]["message"], row.get("known", "")] for row in failed
        ]
        yield from table(["level", "requirement", "found", "known"], told)
