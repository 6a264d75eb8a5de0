"""The catalogue of requirements, and the tests that name them."""

import ast
import hashlib
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from spec.catalogue import PROFILES, Requirement, requirements, sets, sources, uncovered

ROOT = Path(__file__).parent.parent
CATALOGUE = requirements()


def _marks() -> list[tuple[str, str, str]]:
    """Folder and file, test and requirement (empty when it names none) of every test of the suite."""
    found = []
    for file in sorted((ROOT / "conformance").glob("*/test_*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.append((f"{file.parent.name}/{file.name}", node.name, _named(node)))
    return found


def _named(node: ast.FunctionDef) -> str:
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) in (
            "requirement",
            "pytest.mark.requirement",
        ):
            return str(ast.literal_eval(mark.args[0]))
    return ""


MARKS = _marks()


@pytest.mark.parametrize(("module", "test", "named"), MARKS, ids=[f"{m}-{t}" for m, t, _ in MARKS])
def test_each_test_names_a_requirement_of_its_module(module: str, test: str, named: str) -> None:
    assert named in CATALOGUE, f"{module}.{test}"
    assert fnmatch(module, CATALOGUE[named].modules)


@pytest.mark.parametrize("requirement", CATALOGUE.values(), ids=lambda r: r.id)
def test_each_requirement_has_a_test_or_a_reason(requirement: Requirement) -> None:
    tested = any(named == requirement.id for _, _, named in MARKS)
    assert tested != bool(requirement.untestable)


@pytest.mark.parametrize("requirement", CATALOGUE.values(), ids=lambda r: r.id)
def test_each_requirement_is_well_formed(requirement: Requirement) -> None:
    assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", requirement.id)
    assert requirement.profile in PROFILES
    assert requirement.level in ("MUST", "SHOULD", "CHARACTERISE")
    assert requirement.asks.endswith(".")
    key, _, section = requirement.source.partition(": ")
    assert key in sources()
    assert section
    assert all(link.startswith("https://github.com/") for link in requirement.seen)
    if requirement.level != "CHARACTERISE" and not requirement.untestable:
        assert requirement.fix, "say what the author of a server should change"


def test_sources_are_pinned() -> None:
    for key, source in sources().items():
        assert re.search(r"/(blob|tree)/[v0-9a-f.]+/|rfc\d+|docs\.|protobuf\.dev", source.url), key


def test_every_source_is_cited() -> None:
    cited = {r.source.partition(": ")[0] for r in CATALOGUE.values()}
    schemas = "".join(f.read_text("utf-8") for f in (ROOT / "spec" / "schemas").rglob("*.json"))
    assert {key for key in sources() if key not in cited and key not in schemas} == set()


def test_uncovered_sentences_name_their_source_and_what_comes_close() -> None:
    for one in uncovered():
        assert one.source.partition(": ")[0] in sources()
        assert one.says.endswith(".")
        assert one.why.endswith(".")
        assert one.near
        assert [name for name in one.near if name not in CATALOGUE] == []


# What was frozen: a server that met a set meets it for ever.
FROZEN = {
    "mlflow-scoring-2026-12": "77e566e468958e4dd1a966dfc8d2099454eea47e627af5731f8f086b9382d712",
    "oip-grpc-2026-12": "3f96f3a91414756e13dca1628280bc50c0c79ec2645549197834a8786d291dfd",
    "oip-rest-2026-12": "62d8e501560e4c3c52ad4db599c64b72aad88d148154f9d7b36c3cdcdf08aab4",
}


def test_frozen_sets_stay() -> None:
    found = {
        name: hashlib.sha256("\n".join(one.requirements).encode()).hexdigest() for name, one in sets().items()
    }
    assert {name: found.get(name) for name in FROZEN} == FROZEN
    assert sorted(found) == sorted(FROZEN)


@pytest.mark.parametrize("name", sets())
def test_requirements_of_a_set_can_be_met(name: str) -> None:
    for one in sets()[name].requirements:
        assert CATALOGUE[one].level == "MUST"
        assert CATALOGUE[one].profile == sets()[name].profile
        assert not CATALOGUE[one].untestable
