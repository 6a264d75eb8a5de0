"""Starts a target's server on free ports of 127.0.0.1, and stops it surely."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from targets.definition import Target
from targets.environment import ROOT, Environment

START_SECONDS = 180.0
STOP_SECONDS = 20.0
_TAIL_LINES = 30


class StartError(Exception):
    """The server did not come up; the message ends with the last lines of its log."""


@dataclass(frozen=True)
class Server:
    """A running server: its ``url``, the address of its ``grpc``, and the ``log`` that it writes."""

    url: str
    grpc: str
    log: Path
    process: subprocess.Popen[bytes]

    def tail(self) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])


@contextmanager
def running(
    target: Target,
    environment: Environment,
    repository: Path,
    start_seconds: float = START_SECONDS,
    stop_seconds: float = STOP_SECONDS,
) -> Iterator[Server]:
    """The server of ``target`` on ``repository``, ready; stopped on leaving. Raises ``StartError``."""
    ports = _free_ports(3)
    values = _values(target, environment, repository, ports)
    server = _start(target, environment, values, ports)
    try:
        _wait_until_ready(server, target.ready.format_map(values), start_seconds)
        yield server
    finally:
        stop(server.process, stop_seconds)


def stop(process: subprocess.Popen[bytes], seconds: float) -> None:
    """End ``process`` and all of its group: SIGTERM, then SIGKILL to what is left after ``seconds``."""
    for sent, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sent)
        if _wait_until_gone(process, patience):
            return


def _values(target: Target, environment: Environment, repository: Path, ports: list[int]) -> dict[str, str]:
    """What the placeholders of a target stand for."""
    values = {
        "python": environment.python,
        "bin": environment.bin,
        "library": environment.libpython or "",
        "root": ROOT,
        "here": target.folder.resolve(),
        "cache": environment.cache,
        "repository": repository,
        "model": target.models[0] if target.models else "",
    }
    names = ("port", "grpc_port", "metrics_port")
    return {key: str(value) for key, value in values.items()} | {
        name: str(port) for name, port in zip(names, ports, strict=True)
    }


def _start(target: Target, environment: Environment, values: dict[str, str], ports: list[int]) -> Server:
    port, grpc_port, *_ = ports
    folder = environment.cache / "logs"
    folder.mkdir(exist_ok=True)
    log = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{port}.log"
    variables = {"PATH": f"{environment.bin}{os.pathsep}{os.environ.get('PATH', '')}"}
    variables |= {key: value.format_map(values) for key, value in target.environment.items()}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [word.format_map(values) for word in target.command],
            cwd=environment.cache,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Server(f"http://127.0.0.1:{port}", f"127.0.0.1:{grpc_port}", log, process)


def _wait_until_ready(server: Server, path: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not _answers(server.url + path):
        if (status := server.process.poll()) is not None:
            raise StartError(f"the server ended with status {status}; {server.log}:\n{server.tail()}")
        if time.monotonic() > deadline:
            raise StartError(f"not ready after {seconds:g} s at {path}; {server.log}:\n{server.tail()}")
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


def _wait_until_gone(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether all of the group ended in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        process.poll()
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def _free_ports(count: int) -> list[int]:
    """Distinct ports that nothing listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
