"""The suite over gRPC, run as a user runs it: its options, its failures, and servers that are wrong."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from reference_server.repository import load
from spec.service import NAME
from tests.conftest import ROOT
from tests.faulty.rpc import INFER, Asked, Calls, RpcVariant, Status, remembered, serve
from tests.servers import running_both, start
from tests.suite.conftest import Suite

WINE = "--model=wine-classifier"
ECHO = "--requirement=grpc.infer.id-echo"


@pytest.fixture(scope="session")
def calls(repository: Path) -> Calls:
    """The reference server's, over the wine model."""
    return remembered(load(repository / "wine-classifier"))


@contextmanager
def behaving(calls: Calls, answer: Any, credentials: Any = None, **how: Any) -> Iterator[str]:
    """The address of a server that answers so."""
    with serve(RpcVariant("server", "", frozenset(), answer, **how), calls, credentials) as address:
        yield address


def right(asked: Asked) -> Any:
    """The reference server's answer."""
    return asked.answer()


def forgetful(asked: Asked) -> Any:
    """Without the id."""
    answer = asked.answer()
    if asked.call == INFER:
        answer.id = ""
    return answer


def test_a_server_of_grpc_alone(suite: Suite, calls: Calls) -> None:
    with behaving(calls, right) as address:
        run = suite("--grpc-target", address, WINE, "--level=should")
    assert run.status == 0, run.output
    assert run.report["target"]["grpc"] == f"http://{address}"
    assert run.outcome("grpc.infer.id-echo") == "passed"
    assert run.row("v2.infer.id-echo")["reason"] == "no --target was given"
    assert "not tested: v2 (no --target was given)" in run.output


def test_the_model_itself_and_hostile_calls(suite: Suite, calls: Calls, repository: Path) -> None:
    model = repository / "wine-classifier" / "model"
    chosen = ("--profile=signature", "--profile=robustness", "--level=should", "-n2")
    with behaving(calls, right) as address:
        run = suite("--grpc-target", address, WINE, "--mlmodel", model, *chosen)
    assert run.status == 0, run.output
    assert run.outcome("signature.predictions.equal") == "passed"
    assert run.outcome("robustness.grpc-shapes") == "passed"
    assert run.row("signature.metadata.model-content-type")["outcome"] == "not-implemented"
    assert run.row("robustness.shapes")["reason"] == "no --target was given"


def test_a_server_of_both(suite: Suite, repository: Path) -> None:
    folder = repository / "wine-classifier"
    command = start(folder, "--grpc-port", "0")
    with running_both(*command) as (url, address):
        run = suite("--target", url, "--grpc-target", address, "--level=should", "-n2")
    assert run.status == 0, run.output
    assert run.outcome("grpc.parity.predictions") == run.outcome("v2.infer.id-echo") == "passed"


def test_without_the_option_grpc_is_not_tested(suite: Suite, wine: str) -> None:
    run = suite("--target", wine, WINE, "--requirement=v2.health.live", "-v")
    assert run.outcome("grpc.infer.id-echo") == "not-selected"
    assert "not tested: grpc (no --grpc-target was given)" in run.output


def test_a_failure_is_reproduced_by_its_line(suite: Suite, calls: Calls) -> None:
    with behaving(calls, forgetful) as address:
        run = suite("--grpc-target", address, WINE, ECHO, "-k", "test_id_echo_drawn")
        (failure,) = run.row("grpc.infer.id-echo")["failures"]
        (line,) = failure["curl"]
        again = subprocess.run(["bash", "-c", line], capture_output=True, timeout=30)
    assert run.status == 1
    assert f"http://{address}/inference.GRPCInferenceService/ModelInfer" in line
    assert line in run.output
    assert b"grpc-status: 0" in again.stdout
    assert re.search(r'model_name: "wine-classifier" id: ".{1,4}" inputs', failure["request"][0])
    assert failure["response"][0].startswith("OK")
    assert "Source: Open Inference Protocol, open_inference_grpc.proto at d49cc23" in run.output


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("here", "is no address: write HOST:PORT"),
        ("http://127.0.0.1:1", "is no address: write HOST:PORT"),
        ("127.0.0.1:1/v2", "is more than an address"),
        ("127.0.0.1:x", "is no address"),
    ],
)
def test_addresses_that_are_none(suite: Suite, address: str, told: str) -> None:
    run = suite("--grpc-target", address)
    assert run.status == 4
    assert told in run.errors


def test_nothing_there(suite: Suite) -> None:
    run = suite("--grpc-target", "127.0.0.1:1", WINE)
    assert run.status == 10
    assert "nothing answers at http://127.0.0.1:1" in run.errors


def test_http_is_no_grpc(suite: Suite, wine: str) -> None:
    run = suite("--grpc-target", wine.removeprefix("http://"), WINE)
    assert run.status == 10
    assert "does not speak gRPC" in run.errors


def test_a_model_must_be_named(suite: Suite, calls: Calls) -> None:
    with behaving(calls, right) as address:
        for options, told in (((), "name one with --model NAME"), (("--model=x",), "has no model 'x'")):
            run = suite("--grpc-target", address, *options)
            assert run.status == 10
            assert told in run.errors


def test_a_service_that_is_not_ready_is_waited_for(suite: Suite, calls: Calls) -> None:
    ready = time.monotonic() + 4

    def late(asked: Asked) -> Any:
        answer = asked.answer()
        if asked.call == "ServerReady" and time.monotonic() < ready:
            answer.ready = False
        return answer

    with behaving(calls, late) as address:
        run = suite("--grpc-target", address, WINE, "--wait=30", "--requirement=grpc.health.ready")
    assert run.status == 0, run.output
    assert time.monotonic() > ready


def test_the_extra_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "grpc.py").write_text("raise ImportError('No module named grpc')", "utf-8")
    command = [sys.executable, "-m", "pytest", "conformance/", "--grpc-target=127.0.0.1:1", WINE]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 10
    assert "--grpc-target needs the extra grpc: pip install 'oip-conformance[grpc]'" in done.stderr
    code = "import sys, conformance.conftest; assert 'grpc' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_headers_are_metadata_and_stay_out(suite: Suite, calls: Calls) -> None:
    def guarded(asked: Asked) -> Any:
        if asked.metadata.get("authorization") != "Bearer s3cret-s3cret":
            raise Status("UNAUTHENTICATED")
        return forgetful(asked)

    with behaving(calls, guarded) as address:
        token = ("--header", "Authorization: Bearer s3cret-s3cret")
        run = suite("--grpc-target", address, WINE, ECHO, *token)
        without = suite("--grpc-target", address, WINE, ECHO)
    assert without.status == 10
    assert "does not let this in: ServerReady ends with UNAUTHENTICATED" in without.errors
    assert run.outcome("grpc.infer.id-echo") == "failed"
    assert "s3cret" not in run.output + json.dumps(run.report)
    assert "authorization: ***" in run.output


def test_tls_with_certificates_on_both_sides(suite: Suite, calls: Calls, pem: Path) -> None:
    cert, key = (pem / name for name in ("cert.pem", "key.pem"))
    pair = (key.read_bytes(), cert.read_bytes())
    credentials = grpc.ssl_server_credentials([pair], cert.read_bytes(), require_client_auth=True)
    files = ("--ca-cert", cert, "--cert", cert, "--key", key)
    with behaving(calls, forgetful, credentials) as address:
        run = suite("--grpc-target", f"grpcs://{address}", WINE, ECHO, *files, "-k", "test_id_echo_drawn")
        (line,) = run.row("grpc.infer.id-echo")["failures"][0]["curl"]
        again = subprocess.run(["bash", "-c", line], capture_output=True, timeout=30)
        assert b"grpc-status: 0" in again.stdout
        assert f"--cacert {cert}" in line
        without = suite("--grpc-target", f"grpcs://{address}", WINE)
    assert without.status == 10


@pytest.mark.parametrize("back", [True, False])
def test_a_server_that_dies(suite: Suite, calls: Calls, back: bool) -> None:
    """It hangs up on garbage, and is gone for a while, or for good."""
    variant = RpcVariant("server", "", frozenset(), right)
    with serve(variant, calls) as address, _mortal(address, 1.0 if back else None) as mortal:
        run = suite("--grpc-target", mortal, WINE, "--requirement=grpc.service.garbage")
    row = run.row("grpc.health.survives")
    assert row["outcome"] == "failed"
    assert "printf" in row["failures"][0]["curl"][0]
    assert run.status == 1


@contextmanager
def _mortal(address: str, pause: float | None) -> Iterator[str]:
    """A relay that dies of the word "conformance" in a frame of ModelInfer alone; back after a pause."""
    host, _, port = address.rpartition(":")
    state: dict[str, Any] = {"listener": socket.create_server(("127.0.0.1", 0)), "over": False}
    here = state["listener"].getsockname()
    opened: list[socket.socket] = []

    def die() -> None:
        state["listener"].close()
        for one in opened:
            one.close()
        if pause is not None:
            time.sleep(pause)
            state["listener"] = socket.create_server(here)
            threading.Thread(target=accept, daemon=True).start()

    def pump(source: socket.socket, sink: socket.socket, deadly: bool) -> None:
        try:
            while data := source.recv(2**16):
                if deadly and b"\xff\xff\xff\xff conformance" in data:
                    die()
                    return
                sink.sendall(data)
        except OSError:
            pass

    def accept() -> None:
        while not state["over"]:
            try:
                client, _ = state["listener"].accept()
            except OSError:
                return
            server = socket.create_connection((host, int(port)))
            opened.extend((client, server))
            threading.Thread(target=pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=pump, args=(server, client, False), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"{here[0]}:{here[1]}"
    finally:
        state["over"] = True
        state["listener"].close()
        for one in opened:
            one.close()


def test_known_failures_and_levels(suite: Suite, calls: Calls, tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    file.write_text('[[known-failure]]\nrequirement = "grpc.infer.id-echo"\nreason = "forgets"\n', "utf-8")
    with behaving(calls, forgetful) as address:
        run = suite("--grpc-target", address, WINE, ECHO, "--known-failures", file)
    assert run.status == 0
    assert "known" in run.output


def test_another_service_is_told_once(suite: Suite, calls: Calls) -> None:
    with behaving(calls, right, service="inference.GrpcInferenceService") as address:
        run = suite("--grpc-target", address, WINE, "--level=should")
    failed = [row["id"] for row in run.report["requirements"] if row["outcome"] == "failed"]
    assert failed == ["grpc.service.path"]
    assert f"the server has no service {NAME}" in run.output
