"""The committed matrix is in step with the catalogue and with itself."""

import json
from pathlib import Path

from spec.catalogue import requirements
from targets import definition, matrix

ROOT = Path(__file__).parent.parent
MATRIX = json.loads((ROOT / "docs" / "matrix.json").read_text("utf-8"))


def test_it_has_the_requirements_of_the_catalogue() -> None:
    assert MATRIX["levels"] == {name: r.level for name, r in requirements().items()}


def test_it_has_every_target() -> None:
    assert [t["name"] for t in MATRIX["targets"]] == definition.names(ROOT / "targets")


def test_the_page_is_written_from_the_data() -> None:
    assert (ROOT / "docs" / "matrix.md").read_text("utf-8") == matrix.page(MATRIX)


def test_every_finding_is_in_the_baseline_of_its_target() -> None:
    for target in MATRIX["targets"]:
        rows = target.get("requirements", {})
        failing = {n for n, r in rows.items() if r["outcome"] == "failed" and MATRIX["levels"][n] == "MUST"}
        assert {n for n in failing if "known" not in rows[n]} == set(), target["name"]
