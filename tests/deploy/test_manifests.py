"""What others' CI and clusters take: each file fits the schema of what reads it.

No container engine and no cluster is here: Containerfiles are linted, manifests are checked.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tests.clients.conftest import environment_of
from tests.conftest import ROOT

BIN = Path(sys.executable).parent
KUBERNETES = ROOT / "deploy" / "kubernetes"


def _passes(command: Sequence[str | Path]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("github-actions", "action.yml"),
        ("gitlab-ci", "deploy/gitlab-ci.yml"),
        *(("github-issue-forms", f".github/ISSUE_TEMPLATE/{n}.yml") for n in ("false-alarm", "missed-fault")),
    ],
)
def test_files_for_ci_fit_their_schemas(schema: str, file: str) -> None:
    _passes([BIN / "check-jsonschema", f"--builtin-schema=vendor.{schema}", file])


def test_the_workflow_of_the_documents_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs" / "ci.md").read_text("utf-8"), re.M | re.S)
    (file := tmp_path / "workflow.yml").write_text(text, "utf-8")
    _passes([BIN / "check-jsonschema", "--builtin-schema=vendor.github-workflows", file])
    (given,) = [
        step["with"] for step in yaml.safe_load(text)["jobs"]["conformance"]["steps"] if "with" in step
    ]
    assert set(given) <= set(yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"])


@pytest.mark.parametrize("file", sorted((ROOT / "deploy").glob("*.Containerfile")), ids=lambda f: f.stem)
def test_containerfiles_pass_their_linter(file: Path) -> None:
    _passes([BIN / "hadolint", "--no-color", file])


@pytest.mark.parametrize("version", ["1.29", "1.36"])
def test_the_job_fits_the_schema_of_kubernetes(version: str) -> None:
    _passes([BIN / "kubernetes-validate", "--strict", "-k", version, KUBERNETES / "check.yaml"])


@pytest.mark.parametrize("name", ["serving-runtime", "inference-service"])
def test_manifests_of_kserve_have_what_its_types_have(name: str, tmp_path: Path) -> None:
    file = KUBERNETES / f"{name}.yaml"
    assert _unknown(file) == []
    text = file.read_text("utf-8").replace("name: mlflow", "nam: mlflow")
    (spoilt := tmp_path / "spoilt.yaml").write_text(text, "utf-8")
    (told,) = _unknown(spoilt)
    assert told.endswith(".nam is unknown")


def _unknown(file: Path) -> list[str]:
    command = [environment_of("kserve", "kserve"), "-m", "tests.deploy.with_kserve", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found
