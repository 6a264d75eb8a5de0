"""The published results: ``docs/results`` holds a report for each server, and pages are made of them."""

import json
import tomllib
from pathlib import Path

from targets import definition, findings, matrix
from targets.environment import ROOT
from targets.matrix import Json

DOCS = ROOT / "docs"
FOLDER = DOCS / "results"
FINDINGS = DOCS / "findings"


def load() -> dict[str, Json]:
    """The reports, by the name of their file."""
    return {file.stem: json.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.json"))}


def publish(name: str, report: Path) -> None:
    """Keep a target's report, which stands beside the folder of its environment, without the folders of this
    machine: tracebacks of servers name them."""
    text = report.read_text("utf-8")
    for folder, told in ((f"{report.parent / name}/", ""), (f"{ROOT}/", ""), (str(ROOT), ".")):
        text = text.replace(folder, told)
    (FOLDER / f"{name}.json").write_text(text, "utf-8")


def notes(folder: Path) -> dict[str, dict[str, str]]:
    """What a person found out of each finding of a target, by requirement: ``cause`` and ``change``."""
    file = folder / "findings.toml"
    return tomllib.loads(file.read_text("utf-8")) if file.exists() else {}


def pages(root: Path) -> dict[Path, str]:
    """Every page, by its file: the matrix, and what is found on the targets of ``root``."""
    reports = load()
    targets = {name: definition.load(name, root) for name in definition.names(root) if name in reports}
    commands = {name: f"python -m targets run {name}" for name in targets}
    made = {DOCS / "matrix.md": matrix.page(reports, commands)}
    for name, target in targets.items():
        for one, text in findings.pages(target, reports[name], notes(target.folder)).items():
            made[FINDINGS / name / f"{one}.md"] = text
    names = [str(file.relative_to(FINDINGS).with_suffix("")) for file in made if FINDINGS in file.parents]
    return made | {FINDINGS / "index.md": findings.index(names)}


def write_pages(root: Path) -> int:
    """Write the pages, and remove those of what is mended."""
    made = pages(root)
    for file in FINDINGS.glob("*/*.md"):
        if file not in made:
            file.unlink()
    for file, text in made.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return 0
