"""The pages of findings, followed: the server is started as they say, and answers as they say."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from targets import definition, environment, findings, results
from targets.definition import Target
from targets.server import stop
from tests.clients.conftest import environment_of
from tests.conftest import ROOT
from tests.servers import free_port

TARGETS = ROOT / "targets"
BROKEN = sorted({page.parent.name for page in results.FINDINGS.glob("*/*.md")})
_PATIENCE = 15  # seconds
_BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```$", re.M | re.S)


def _blocks(page: Path) -> list[str]:
    return [text for _, text in _BLOCK.findall(page.read_text("utf-8"))]


@contextmanager
def _started(target: Target, line: str, ports: dict[str, str]) -> Iterator[None]:
    """The server that the last line of a page's first block starts, with other ports and our environment."""
    environment_of(target.name, target.name)  # skips where it is not installed
    prepared = environment.prepare(target, ROOT / ".cache" / "targets")
    places = {"venv/": f"{prepared.cache}/venv/", " models": f" {environment.build_models(target, prepared)}"}
    for old, new in (places | ports).items():
        line = line.replace(old, new)
    log = prepared.cache / "findings.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["bash", "-c", line], cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield
    finally:
        stop(process, 10.0)


@pytest.mark.parametrize("name", BROKEN)
def test_the_pages_of_a_server_can_be_followed(name: str) -> None:
    target = definition.load(name, TARGETS)
    pages = sorted((results.FINDINGS / name).glob("*.md"))
    ports = {port: str(free_port()) for port in findings.PORTS.values()}
    first = _blocks(pages[0])[0]
    assert {_blocks(page)[0] for page in pages} == {first}
    wanted, built = first.splitlines()[1:3]
    assert shlex.split(wanted)[2:] == list(target.requirements)
    assert built == f"venv/bin/python -m fixtures build models --only {' '.join(target.models)}"
    with _started(target, first.splitlines()[3], ports):
        ready = f"http://127.0.0.1:{ports['8080']}" + target.ready.format(model=target.models[0])
        asked = ["curl", "-sf", "--retry", "100", "--retry-delay", "1", "--retry-all-errors", ready]
        assert subprocess.run(asked, capture_output=True, timeout=180).returncode == 0
        for page in pages:
            _, ask, *_, comes, _ = _blocks(page)
            for old, new in ports.items():
                ask = ask.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
            assert _status(ask) == comes.split(",")[0].split(":")[0].split()[0], page


def _status(ask: str) -> str:
    """The status that the last line of a request gives: of HTTP, or of gRPC by its name; No without any."""
    command = ["timeout", str(_PATIENCE), "bash", "-c", ask]
    shown = subprocess.run(command, capture_output=True).stdout.decode("latin-1")
    if called := re.findall(r"grpc-status: (\d+)\r", shown):
        return next(code.name for code in grpc.StatusCode if code.value[0] == int(called[-1]))
    return next(reversed(re.findall(r"^HTTP/\S+ (\d+)", shown, re.M)), "No")
