"""The report of a run, as --report-json wrote it."""

import json
from pathlib import Path
from typing import Any

from spec.validation import violations

Document = dict[str, Any]
# The levels of requirements that fail a run at a level.
FAILING = {"must": {"MUST"}, "should": {"MUST", "SHOULD"}}


def load(file: Path) -> Document:
    """The report in a file. Raises ValueError that says what is wrong with it, OSError."""
    try:
        document = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is no JSON: {error}") from error
    wrong = violations("suite/report", document)
    if wrong:
        raise ValueError(f"{file} is no report of this suite (--report-json): {wrong[0]}")
    found: Document = document
    return found


def name(document: Document) -> str:
    """The server as a person calls it: as the user names it, else as it names itself, else its address."""
    for named in (document.get("implementation", {}), document["target"]):
        if told := " ".join(filter(None, (named.get("name"), named.get("version")))):
            return told
    return str(document["target"]["url"])


def fails(row: Document, level: str) -> bool:
    """Whether a requirement's row fails a run at ``level``, and is not known to."""
    return row["outcome"] == "failed" and row["level"] in FAILING[level] and not row.get("known")
