"""What the README tells a newcomer to type works, and gives what it says. Left out: ``make`` and ``pip``."""

import os
import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.servers import FEW, PROGRAMS, running, running_both, start

TEXT = (ROOT / "README.md").read_text("utf-8")
_LEFT_OUT = ("pip ", "python -m fixtures build")


def typed(heading: str) -> str:
    """The indented lines of a section."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)^## ", TEXT, re.M | re.S)
    lines = re.findall(r"(?:^    .*\n)+", section, re.M)
    return textwrap.dedent("".join(lines))


def bash(script: str, **environment: str) -> str:
    """What a script prints, each of whose commands ends with status 0."""
    done = subprocess.run(
        ["bash", "-ec", script],
        cwd=ROOT,
        env={**os.environ, "PATH": PROGRAMS, **environment},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("heading", ["Test your own server", "Silence a known failure"])
def test_the_suite_as_the_readme_runs_it(heading: str, repository: Path, tmp_path: Path) -> None:
    commands = [
        line.partition(" # ")[0] for line in typed(heading).splitlines() if line.startswith("pytest ")
    ]
    assert len(commands) > 1
    with running_both(*start(repository / "wine-classifier", "--grpc-port", "0")) as (url, address):
        places = {
            "http://127.0.0.1:8080": url,
            "127.0.0.1:8081": address,
            "URL": url,
            "--model M ": "--model wine-classifier ",
            "my-model": "wine-classifier",
            "known.toml": str(tmp_path / "known.toml"),
        }
        for command in commands:
            for told, real in places.items():
                command = command.replace(told, real)
            assert "exit status 0" in bash(command, PYTEST_ADDOPTS=FEW)


def test_the_reference_server_as_the_readme_asks_it(repository: Path) -> None:
    script = "".join(
        line
        for line in typed("The reference server").splitlines(keepends=True)
        if not line.startswith((*_LEFT_OUT, "reference-server start"))
    )
    assert script.count("curl ") == 3
    with running(*start(repository / "wine-classifier")) as url:
        printed = bash(script.replace("http://127.0.0.1:8080", url).replace(" models/", f" {repository}/"))
    told = re.findall(r"5\.5768839\d*", script)
    assert len(told) == 2
    assert [number for number in told if number not in printed] == []
    assert "loader_module: mlflow.sklearn" in printed
    assert printed.count('"datatype":"FP64","shape":[-1,1],"parameters":{"content_type":"np"}') >= 11
