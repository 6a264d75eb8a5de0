"""Servers of this project as processes of their own, on free ports of 127.0.0.1."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT

# A PATH with the programs of this environment, and options with which the suite asks little.
PROGRAMS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
FEW = "--max-examples=2 -k 'id_echo or metadata'"


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(folder: Path, *options: str) -> tuple[str, ...]:
    """The command that serves ``folder`` with the reference server on a free port; without gRPC, unless the
    options have its port."""
    fixed = ("--port", "0", "--grpc-port", "none")
    return ("-m", "reference_server.cli", "start", str(folder), *fixed, *options)


@contextmanager
def started(
    *command: str, environment: dict[str, str] | None = None, stderr: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """``python COMMAND``, killed on leaving; its output can be read."""
    process = subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        cwd=ROOT,
        env=os.environ | {"TZ": "UTC"} | (environment or {}),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def running(*command: str, environment: dict[str, str] | None = None) -> Iterator[str]:
    """The URL of the server that ``python COMMAND`` starts: the end of its first line of output.

    On leaving, the server must stop with status 0.
    """
    with started(*command, environment=environment) as process:
        yield address(process)
        process.terminate()
        assert process.wait(30) == 0


@contextmanager
def running_both(*command: str) -> Iterator[tuple[str, str]]:
    """The URL and the address of gRPC of a server that has both; as ``running``."""
    with started(*command) as process:
        url = address(process)
        assert process.stdout is not None
        yield url, process.stdout.readline().removeprefix("listening on grpc://").strip()
        process.terminate()
        assert process.wait(30) == 0


def address(process: subprocess.Popen[str]) -> str:
    """The URL that a server prints when it is ready."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening on http://127.0.0.1:"), line
    return line.split()[-1]
