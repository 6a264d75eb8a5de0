"""The published results are in step with the catalogue, and the pages with them."""

import subprocess
import sys
from pathlib import Path

import pytest

from spec.catalogue import requirements
from targets import definition, matrix, results

ROOT = Path(__file__).parent.parent
TARGETS = ROOT / "targets"
REPORTS = results.load()


@pytest.mark.parametrize("name", definition.names(TARGETS))
def test_every_target_has_a_result_of_the_whole_catalogue(name: str) -> None:
    report = REPORTS[name]
    assert [(row["id"], row["level"]) for row in report["requirements"]] == [
        (one.id, one.level) for one in requirements().values()
    ]
    assert report["implementation"] == definition.load(name, TARGETS).implementation


def test_the_results_can_be_published() -> None:
    files = [str(file) for file in sorted(results.FOLDER.glob("*.json"))]
    command = [sys.executable, "-m", "conformance", "check", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(files)


def test_no_result_tells_of_the_machine() -> None:
    for file in results.FOLDER.glob("*.json"):
        text = file.read_text("utf-8")
        assert str(ROOT) not in text, file
        assert str(Path.home()) + "/" not in text, file


def test_the_pages_are_made_from_the_results() -> None:
    made = results.pages(TARGETS)
    kept = {
        file: file.read_text("utf-8")
        for file in (results.DOCS / "matrix.md", *results.FINDINGS.rglob("*.md"))
    }
    assert {file.name for file in made} == {file.name for file in kept}
    assert [file for file, text in made.items() if kept[file] != text] == []


@pytest.mark.parametrize("name", definition.names(TARGETS))
def test_every_finding_is_in_the_baseline_of_its_target(name: str) -> None:
    found = [row for row in matrix.failed(REPORTS[name]) if row["level"] == "MUST"]
    assert [row["id"] for row in found if "known" not in row] == []


@pytest.mark.parametrize("name", definition.names(TARGETS))
def test_every_broken_must_says_what_mends_it(name: str) -> None:
    broken = {row["id"] for row in matrix.failed(REPORTS[name]) if row["level"] == "MUST"}
    assert set(results.notes(TARGETS / name)) == broken
