"""The documents: they can be built, and what they tell a reader to type works."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from fixtures.zoo import RECIPES
from spec.validation import violations
from tests.conftest import ROOT
from tests.servers import FEW, free_port

DOCS = ROOT / "docs"
_PORTS = ("8080", "8081", "8000", "8001", "5000")
_PEERS = {"mlserver": ROOT / ".cache" / "targets" / "mlserver" / "venv" / "bin"}
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
_STOPPING = 50  # tenths of a second
_FAILS = {"MLServer"}  # what the suite finds there is told beside the command


def _sections() -> list[tuple[str, str, list[str]]]:
    """Page, heading and commands of each section that has some."""
    found = []
    for page in sorted(DOCS.glob("*.md")):
        for section in re.split(r"^#+ ", page.read_text("utf-8"), flags=re.M)[1:]:
            heading = section.partition("\n")[0]
            lines = [line for block in _BLOCK.findall(section) for line in block.splitlines()]
            if lines:
                found.append((page.name, heading, [line.removeprefix("$ ") for line in lines]))
    return found


SECTIONS = _sections()


@pytest.mark.parametrize(("page", "heading", "lines"), SECTIONS, ids=[f"{p}-{h}" for p, h, _ in SECTIONS])
def test_what_is_to_be_typed_works(
    page: str, heading: str, lines: list[str], repository: Path, tmp_path: Path
) -> None:
    program = lines[0].split()[0]
    if program in _PEERS and not (_PEERS[program] / program).exists():
        pytest.skip(f"there is no {program}: make targets")
    (tmp_path / "models").symlink_to(repository)
    ports = {port: str(free_port()) for port in _PORTS}
    script = []
    for line in lines:
        for port, free in ports.items():
            line = re.sub(rf"(?<=[: ]){port}\b", free, line)
        script.append(line if line.endswith("&") else f'{line}\nstatus="$status $?"')
    printed = tmp_path / "printed.txt"
    with printed.open("w") as file:  # no pipe: servers in the background would hold it
        shell = subprocess.Popen(
            ["bash", "-c", "\n".join([*script, 'echo "statuses:$status"'])],
            cwd=tmp_path,
            env=_environment(ports),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        shell.wait(170)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGTERM)
            for _ in range(_STOPPING):
                time.sleep(0.1)
                os.killpg(shell.pid, 0)
            os.killpg(shell.pid, signal.SIGKILL)  # MLServer does not always end when it is told to
    expected = "1" if heading in _FAILS else "0"
    text = printed.read_text("utf-8")
    told = re.findall(r"^statuses:(.*)$", text, re.M)  # servers may have more to say as they end
    assert [set(line.split()) for line in told] == [{expected}], text[-5000:]


def _environment(ports: dict[str, str]) -> dict[str, str]:
    programs = os.pathsep.join(
        [str(Path(sys.executable).parent), *map(str, _PEERS.values()), os.environ["PATH"]]
    )
    mlserver = {
        "HOST": "127.0.0.1",
        "HTTP_PORT": ports["8080"],
        "GRPC_PORT": ports["8081"],
        "METRICS_PORT": str(free_port()),
    }
    return {
        **os.environ,
        **{f"MLSERVER_{name}": value for name, value in mlserver.items()},
        "PATH": programs,
        "PYTEST_ADDOPTS": FEW,
    }


def test_the_known_answers_shown_fit_their_schema() -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```$", (DOCS / "fixtures.md").read_text("utf-8"), re.M | re.S)
    assert violations("suite/answers", json.loads(shown)) == []


def test_every_fixture_is_described() -> None:
    rows = re.findall(r"^\| ([a-z, -]+) \| ", (DOCS / "fixtures.md").read_text("utf-8"), re.M)
    assert {name for row in rows[1:] for name in row.split(", ")} == set(RECIPES)


_HELP = re.compile(r"^  (--[a-z-]+)", re.M)


@pytest.mark.parametrize(
    ("command", "heading", "page"),
    [
        (("pytest", "conformance/", "--help"), "conformance of an inference server:", "README.md"),
        (("reference_server.cli", "start", "--help"), "options:", "docs/server.md"),
    ],
    ids=["suite", "server"],
)
def test_every_option_is_described(command: tuple[str, ...], heading: str, page: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    section = re.split(r"\n\n(?=\S)", done.stdout.partition(f"\n{heading}\n")[2])[0]
    options = set(_HELP.findall(section)) - {"--help"}
    text = (ROOT / page).read_text("utf-8")
    assert len(options) > 10
    assert {option for option in options if not re.search(rf"{option}(?![a-z-])", text)} == set()


def test_the_pages_are_built_without_a_warning(tmp_path: Path) -> None:
    source = shutil.copytree(
        DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("catalogue", "__pycache__")
    )
    for beside in ("CONTRIBUTING.md", "deploy"):  # what the documents include
        (tmp_path / beside).symlink_to(ROOT / beside)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run(
        [*command, str(source), str(tmp_path / "built")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    shown = (tmp_path / "built" / "catalogue" / "v2.html").read_text("utf-8")
    assert 'id="v2-infer-id-echo"' in shown
