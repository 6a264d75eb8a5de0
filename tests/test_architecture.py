"""The layout: who may import whom, and what a file may be."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"spec", "conformance", "reference_server", "fixtures", "targets", "tests", "benchmarks"}
ALLOWED = {
    "spec": set(),
    "conformance": {"spec"},
    "reference_server": {"spec"},
    "fixtures": set(),
    "targets": set(),
}


def _imports(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found & OURS


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_they_may(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    wrong = {str(f.relative_to(ROOT)): _imports(f) - ALLOWED[package] - {package} for f in files}
    assert {file: names for file, names in wrong.items() if names} == {}


def test_the_suite_needs_no_server_package_to_be_imported() -> None:
    heavy = {"mlflow", "flask", "pandas", "gunicorn", "sklearn", "yaml", "requests"}
    tops = {
        f.name: {n for node in ast.parse(f.read_text()).body for n in _top_names(node)} & heavy
        for f in (ROOT / "conformance").glob("*.py")
    }
    assert {file: names for file, names in tops.items() if names} == {}


def _top_names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    return {(node.module or "").partition(".")[0]} if isinstance(node, ast.ImportFrom) else set()


def test_no_file_names_a_path_of_a_machine() -> None:
    found = subprocess.run(
        ["git", "grep", "-nE", "/(work|root|home)/[a-z]", "--", ".", ":!tests/test_architecture.py"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert found.stdout == ""
