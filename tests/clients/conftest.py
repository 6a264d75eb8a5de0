"""A reference server, and the clients that talk to it from environments of their own."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.servers import running_both, start


@pytest.fixture(scope="session")
def both(repository: Path) -> Iterator[tuple[str, str]]:
    """A server of every fixture; /invocations belongs to wine-classifier. Its URL, its address of gRPC."""
    options = ("--invocations", "wine-classifier", "--grpc-port", "0")
    with running_both(*start(repository, *options)) as found:
        yield found


@pytest.fixture(scope="session")
def url(both: tuple[str, str]) -> str:
    """The URL of the server."""
    return both[0]


@pytest.fixture(scope="session")
def address(both: tuple[str, str]) -> str:
    """The address of its gRPC service."""
    return both[1]


def environment_of(client: str, target: str) -> str:
    """The Python of the environment of ``target``; skips as ``read_by``."""
    folder = ROOT / ".cache" / "targets" / target
    if not (folder / "installed.sha256").exists():
        pytest.skip(f"{client} is not installed; python -m targets run {target} does that")
    return str(folder / "venv" / "bin" / "python")


def read_by(client: str, target: str, url: str) -> dict[str, Any]:
    """What ``with_CLIENT.py``, run in the environment of ``target``, reads from the server, by case.

    Skips when that environment is not installed: this does not install it, which takes minutes.
    """
    command = [environment_of(client, target), "-m", f"tests.clients.with_{client}", url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {line["case"]: line["read"] for line in map(json.loads, done.stdout.splitlines())}
