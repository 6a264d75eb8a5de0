"""schemathesis, on the server's OpenAPI document, finds nothing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import running, start

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
CONFIGURATION = str(Path(__file__).with_name("schemathesis.toml"))


@pytest.fixture
def server(repository: Path, tmp_path: Path) -> Iterator[str]:
    """A server of version 1 of no-signature."""
    folder = Path(shutil.copytree(repository / "no-signature", tmp_path / "1"))
    settings = json.loads((folder / "model-settings.json").read_text("utf-8"))
    settings["parameters"]["version"] = "1"
    (folder / "model-settings.json").write_text(json.dumps(settings), "utf-8")
    with running(*start(tmp_path)) as url:
        yield url


def test_schemathesis_finds_nothing(server: str, tmp_path: Path) -> None:
    """Without the stateful phase: the server keeps no state."""
    command = [SCHEMATHESIS, "--config-file", CONFIGURATION, "run", f"{server}/v2/docs/dataplane.json"]
    bounds = ["--phases", "examples,coverage,fuzzing", "--max-examples", "30"]
    done = subprocess.run([*command, *bounds], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "9 selected / 9 total" in done.stdout
    assert done.returncode == 0, done.stdout
