"""Known failures: requirements that a target is known to break, each with a reason."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from spec.catalogue import requirements
from spec.validation import violations


def load(path: Path) -> dict[str, str]:
    """Reason by requirement id. Raises ValueError that names the entry and what is wrong with it."""
    document = tomllib.loads(path.read_text("utf-8"))
    wrong = violations("suite/known-failures", document)
    if wrong:
        raise ValueError(f"{path}: {wrong[0]}")
    found: dict[str, str] = {}
    for entry in document.get("known-failure", []):
        name = entry["requirement"]
        if name not in requirements():
            raise ValueError(f"{path}: {name} is no requirement of this suite")
        if requirements()[name].level == "CHARACTERISE":
            raise ValueError(f"{path}: {name} never fails: it records behaviour")
        if name in found:
            raise ValueError(f"{path}: {name} is listed twice")
        found[name] = entry["reason"]
    return found


def write(path: Path, failures: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Write an entry for each failing requirement; a reason that is known already is kept."""
    path.write_text("\n".join(_entries(failures, known)), "utf-8")


def _entries(failures: Mapping[str, str], known: Mapping[str, str]) -> Iterable[str]:
    for name, message in failures.items():
        reason = known.get(name, message)
        yield f"[[known-failure]]\nrequirement = {json.dumps(name)}\nreason = {json.dumps(reason)}\n"
