"""The commands in the files for others' CI and clusters, run as those would run them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.servers import FEW, PROGRAMS, address, free_port, running_both, start, started

BIN = Path(sys.executable).parent
DEPLOY = ROOT / "deploy"
HOMELESS = {"HOME": "/dev/null/home"}  # as the user of a container, who has none


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text("utf-8"))


def _copied(containerfile: str, folder: Path) -> Path:
    """What a container is built from."""
    for line in re.findall(r"^COPY (.*)$", (DEPLOY / containerfile).read_text("utf-8"), re.M):
        *sources, destination = line.split()
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(
                    ROOT / source, folder / destination, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                shutil.copy(ROOT / source, folder / destination)
    return folder


@pytest.fixture(scope="module")
def wine(repository: Path) -> Iterator[tuple[str, str]]:
    """A reference server's URL, and its address of gRPC."""
    with running_both(*start(repository / "wine-classifier", "--grpc-port", "0")) as found:
        yield found


def _shell(script: str, folder: Path, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a script as GitHub does (``shell: bash``)."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    variables = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300)


def test_the_action_installs_the_suite_and_runs_it(wine: tuple[str, str], tmp_path: Path) -> None:
    action = _read(ROOT / "action.yml")
    steps = {step["id"]: step for step in action["runs"]["steps"] if "id" in step}
    (source := tmp_path / "action").mkdir()
    places = {
        "GITHUB_ACTION_PATH": str(_copied("suite.Containerfile", source)),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "RUNNER_TEMP": str(tmp_path),
    }
    # What the suite depends on is here already; to fetch it again takes most of a minute.
    installed = _shell(steps["install"]["run"], tmp_path, places | {"PIP_NO_DEPS": "1"})
    assert installed.returncode == 0, installed.stdout + installed.stderr
    places |= {"PYTHONPATH": sysconfig.get_path("purelib"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    given = {
        "target": wine[0],
        "grpc-target": wine[1],
        "model": "wine-classifier",
        "header": "X-Team: a b",
        "options": FEW,
    }
    inputs = {name: given.get(name, str(row.get("default", ""))) for name, row in action["inputs"].items()}
    variables = {
        name: re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: inputs[found[1]], value)
        for name, value in steps["test"]["env"].items()
    }
    done = _shell(steps["test"]["run"], tmp_path, places | variables)
    assert done.returncode == 0, done.stdout + done.stderr
    outputs = dict(line.split("=") for line in (tmp_path / "output").read_text().splitlines())
    assert set(outputs) == set(action["outputs"])
    assert all((tmp_path / file).stat().st_size for file in (*outputs.values(), "oip-reports/junit.xml"))

    unknown = {"MODEL": "no such model", "WAIT": "1"}
    wrong = _shell(steps["test"]["run"], tmp_path, places | variables | unknown)
    assert wrong.returncode == 10, wrong.stdout + wrong.stderr


def test_the_job_of_gitlab_runs(wine: tuple[str, str], tmp_path: Path) -> None:
    job = _read(DEPLOY / "gitlab-ci.yml")["conformance"]
    _, script = job["script"]  # the first one installs the distribution
    variables = job["variables"] | {"TARGET": wine[0], "GRPC_TARGET": wine[1], "PYTEST_ADDOPTS": FEW}
    variables["PATH"] = PROGRAMS
    done = _shell(script, tmp_path, variables)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = [*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]]
    assert [file for file in kept if not (tmp_path / file).exists()] == []


def test_the_job_of_kubernetes_runs(wine: tuple[str, str], tmp_path: Path) -> None:
    (container,) = _read(DEPLOY / "kubernetes" / "check.yaml")["spec"]["template"]["spec"]["containers"]
    (mount,) = container["volumeMounts"]
    lines = (DEPLOY / "suite.Containerfile").read_text("utf-8").splitlines()
    entry = yaml.safe_load(lines[-1].removeprefix("ENTRYPOINT "))
    arguments = [
        arg.replace("$(TOKEN)", "s3cret").replace(mount["mountPath"], str(tmp_path))
        for arg in container["args"]
    ]
    chosen = [f"--target={wine[0]}" if arg.startswith("--target=") else arg for arg in arguments]
    done = subprocess.run(
        [BIN / entry[0], *entry[1:], *chosen, *shlex.split(FEW)],
        env=os.environ | HOMELESS,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "s3cret" not in done.stdout + (tmp_path / "report.json").read_text("utf-8")
    assert (tmp_path / "report.html").exists()


def test_the_runtime_of_kserve_serves_what_is_mounted(repository: Path, tmp_path: Path) -> None:
    folder = _copied("reference-server.Containerfile", tmp_path)
    (container,) = _read(DEPLOY / "kubernetes" / "serving-runtime.yaml")["spec"]["containers"]
    text = (DEPLOY / "reference-server.Containerfile").read_text("utf-8")
    (line,) = re.findall(r"^ENV (.*)$", text, re.M)
    variables: dict[str, str] = dict(pair.split("=") for pair in line.split())
    assert variables.pop("MLSERVER_HOST") == "0.0.0.0"
    variables |= {row["name"]: row["value"] for row in container["env"]}
    model = repository / "wine-classifier" / "model"
    places = {"{{.Name}}": "wine", "/mnt/models": str(model)}
    filled = {name: places.get(value, value) for name, value in variables.items()}
    command = ("-m", "reference_server.cli", "start", "--port=0", f"--grpc-port={free_port()}")
    with started(*command, environment=filled | {"PYTHONPATH": str(folder), **HOMELESS}) as process:
        url = address(process)
        probes = [
            container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")
        ]
        for path in (*probes, "/v2/models/wine/ready"):
            asked = ["curl", "-sf", "--retry", "20", "--retry-delay", "1", url + path]
            assert subprocess.run(asked, capture_output=True, timeout=60).returncode == 0, path
