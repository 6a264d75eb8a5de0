"""The layout: who may import whom, and what a file may be."""

import ast
import re
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
    "targets": {"spec"},
}


# The rooms of the suite, each above what it may use.
ROOMS = ("wire", "transport", "checks", "asking", "mistakes", "oracles", "reporting", "harness")


HTTP_ITSELF = {"transport/http.py", "transport/exchange.py", "transport/rest.py", "transport/together.py"}
# Profiles of the protocol, and those of their test modules that hold for HTTP with JSON alone.
ANY_TRANSPORT = ("v2", "content_types", "signature")
HTTP_ALONE = re.compile(r"_(http|json|errors|health|model|server|invocations)$")


def _imported(file: Path) -> set[str]:
    """The modules that a file imports, anywhere in it, by their full names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _imports(file: Path) -> set[str]:
    return {name.partition(".")[0] for name in _imported(file)} & OURS


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_they_may(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    wrong = {str(f.relative_to(ROOT)): _imports(f) - ALLOWED[package] - {package} for f in files}
    assert {file: names for file, names in wrong.items() if names} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_of_the_suite_uses_the_rooms_below_it(room: str) -> None:
    below = {*ROOMS[: ROOMS.index(room) + 1], "VERSION"}
    assert _used(f"{room}/*.py", below) == {}


def test_tests_of_the_suite_use_its_rooms_and_not_each_other() -> None:
    assert _used("*/test_*.py", {*ROOMS}) == {}


def test_what_holds_for_any_transport_reaches_no_http() -> None:
    """Tests of these profiles, but those of HTTP's own, and all that they use below the harness."""
    suite = ROOT / "conformance"
    roots = [
        f for name in ANY_TRANSPORT for f in suite.glob(f"{name}/test_*.py") if not HTTP_ALONE.search(f.stem)
    ]
    assert len(roots) > 10
    seen: set[Path] = set()
    while roots:
        file = roots.pop()
        seen.add(file)
        parts = [name.split(".")[1:3] for name in _imported(file) if name.startswith("conformance.")]
        used = {suite.joinpath(*part).with_suffix(".py") for part in parts if part[0] != "harness"}
        roots += [other for other in used - seen if other.exists()]
    reached = {str(f.relative_to(suite)) for f in seen}
    assert "transport/answer.py" in reached
    assert not reached & HTTP_ITSELF


def _used(files: str, allowed: set[str]) -> dict[str, set[str]]:
    """What files of the suite use of it beside what is allowed, by file."""
    found: dict[str, set[str]] = {}
    for file in (ROOT / "conformance").glob(files):
        parts = {name.split(".")[1] for name in _imported(file) if name.startswith("conformance.")}
        found[str(file.relative_to(ROOT))] = parts - allowed
    assert found
    return {file: parts for file, parts in found.items() if parts}


def test_the_suite_needs_no_server_package_to_be_imported() -> None:
    heavy = {"mlflow", "flask", "pandas", "gunicorn", "sklearn", "yaml", "requests"}
    tops = {
        str(f): {n for node in ast.parse(f.read_text()).body for n in _top_names(node)} & heavy
        for f in (ROOT / "conformance").rglob("*.py")
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
