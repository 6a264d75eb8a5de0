"""A target that dies in the middle of a run: told once, as the finding of the request that killed it."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import ROOT
from tests.suite.conftest import Suite

DYING = """
import http.server, os, sys
from tests.suite.conftest import Tiny

class Dying(Tiny):
    seen = []
    def do_POST(self):
        if self.headers.get("Content-Encoding") == "gzip":
            os._exit(1)
        super().do_POST()

http.server.ThreadingHTTPServer.allow_reuse_address = True
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Dying).serve_forever()
"""
AGAIN = """
import subprocess, sys
for _ in range(20):
    subprocess.run([sys.executable, "-c", sys.argv[2], sys.argv[1]])
"""


@contextmanager
def _dying(*, returns: bool) -> Iterator[str]:
    """The URL of a server that ends at a body in gzip; with ``returns`` something starts it again."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", AGAIN if returns else DYING, str(port), DYING]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    try:
        _wait(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        subprocess.run(["kill", "--", f"-{process.pid}"], check=False, stderr=subprocess.DEVNULL)
        process.wait(10)


def _wait(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the server did not start")


ASKED = [
    "--requirement=v2.infer.gzip-request",
    "--requirement=v2.infer.media-types",
    "--requirement=v2.health.live",
]


def test_a_dead_target_is_told_once(suite: Suite) -> None:
    with _dying(returns=False) as url:
        run = suite("--target", url, "--model", "double", *ASKED)
    assert run.status == 1
    row = run.row("v2.health.survives")
    assert row["outcome"] == "failed"
    assert len(row["failures"]) == 1
    assert "the target died" in row["failures"][0]["message"]
    assert "Content-Encoding: gzip" in row["failures"][0]["curl"][0]
    assert run.output.partition("short test summary")[0].count("the target died:") == 1
    assert run.outcome("v2.infer.media-types") == "untested"
    assert "did not come back" in run.row("v2.infer.media-types")["reason"]


def test_the_run_goes_on_when_the_target_comes_back(suite: Suite) -> None:
    with _dying(returns=True) as url:
        run = suite("--target", url, "--model", "double", *ASKED)
    assert run.status == 1
    assert run.outcome("v2.health.survives") == "failed"
    assert run.outcome("v2.infer.media-types") == "passed"
