"""The reference server over gRPC: messages, statuses, limits, and how it starts and stops."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from spec.service import NAME, calls
from targets.walkthrough import COLUMNS
from tests.conftest import ROOT
from tests.server.conftest import Client
from tests.server.handmade import served
from tests.server.test_life import count, waiting
from tests.servers import running_both, start, started

ONE = {"inputs": [{"name": "a", "datatype": "FP64", "shape": [-1]}]}
Code = grpc.StatusCode


class Calls:
    """The calls of one server; each answers with the message, or the status and its details."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.channel = grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])

    def __call__(self, name: str, message: Any = None, /, **members: Any) -> Any:
        sent = message if message is not None else calls()[name].request(**members)
        data = sent if isinstance(sent, bytes) else sent.SerializeToString()
        call: Any = self.channel.unary_unary(calls()[name].path)
        try:
            return calls()[name].response.FromString(call(data, timeout=30))
        except grpc.RpcError as error:
            return error.code(), error.details()


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[Client, Calls]]:
    """A server of both transports."""
    with running_both(*start(folder, "--grpc-port", "0", *options)) as (url, address):
        asked = Calls(address)
        yield Client(url), asked
        asked.channel.close()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Calls]]:
    """A server of small limits, whose model returns its column."""
    folder = tmp_path_factory.mktemp("grpc")
    served(folder / "m", "return list(data['a'])", settings=ONE)
    with serving(folder, "--max-body", "4000", "--max-rows", "3") as found:
        yield found


def column(values: list[float], raw: bool = False, **members: Any) -> Any:
    """A request with one column of FP64."""
    message = calls()["ModelInfer"].request(model_name="m", **members)
    tensor = message.inputs.add(name="a", datatype="FP64", shape=[len(values)])
    if raw:
        message.raw_input_contents.append(np.array(values, "<f8").tobytes())
    else:
        tensor.contents.fp64_contents.extend(values)
    return message


def test_the_form_of_the_answer_is_that_of_the_request(both: tuple[Client, Calls]) -> None:
    typed, raw = (both[1]("ModelInfer", column([1.5, -0.0], raw, id="7")) for raw in (False, True))
    assert (typed.id, list(typed.outputs[0].contents.fp64_contents)) == ("7", [1.5, 0.0])
    assert typed.raw_output_contents == []
    assert raw.raw_output_contents == [np.array([1.5, -0.0], "<f8").tobytes()]
    assert not raw.outputs[0].HasField("contents")


@pytest.mark.parametrize("raw", [False, True])
def test_what_json_cannot_say(both: tuple[Client, Calls], raw: bool) -> None:
    sent = [float("inf"), float("-inf"), float("nan")]
    answer = both[1]("ModelInfer", column(sent, raw))
    found = answer.outputs[0].contents.fp64_contents
    got = np.frombuffer(answer.raw_output_contents[0], "<f8") if raw else np.array(found)
    np.testing.assert_array_equal(got, sent)


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (lambda m: setattr(m, "model_name", "x"), Code.NOT_FOUND, "there is no model 'x'"),
        (lambda m: setattr(m, "model_version", "2"), Code.NOT_FOUND, "there is no version '2'"),
        (lambda m: m.raw_input_contents.append(b""), Code.INVALID_ARGUMENT, "must not be given beside"),
        (lambda m: m.raw_input_contents.extend([b"", b""]), Code.INVALID_ARGUMENT, "2 entries for 1 inputs"),
        (lambda m: m.inputs[0].shape.append(2), Code.INVALID_ARGUMENT, "1 elements for shape [1, 2]"),
        (lambda m: m.inputs[0].shape.insert(0, -1), Code.INVALID_ARGUMENT, "a dimension below 0"),
        (lambda m: m.inputs[0].shape.extend([2**62, 2**62]), Code.INVALID_ARGUMENT, "1 elements for shape"),
        (lambda m: m.inputs[0].shape.extend([2**62] * 64), Code.INVALID_ARGUMENT, "shape has 65 dimensions"),
        (lambda m: setattr(m.inputs[0], "datatype", "FP65"), Code.INVALID_ARGUMENT, "'FP65' is not"),
        (lambda m: setattr(m.inputs[0], "datatype", "FP16"), Code.INVALID_ARGUMENT, "use raw_input_contents"),
        (lambda m: setattr(m.inputs[0], "datatype", "INT8"), Code.INVALID_ARGUMENT, "use int_contents"),
        (lambda m: setattr(m.inputs[0], "name", ""), Code.INVALID_ARGUMENT, "inputs[0].name"),
        (lambda m: m.outputs.add(name="x"), Code.INVALID_ARGUMENT, "outputs[0].name: 'x' is not an output"),
        (lambda m: setattr(m, "id", "x" * 5000), Code.RESOURCE_EXHAUSTED, "larger"),
    ],
)  # fmt: skip
def test_statuses(both: tuple[Client, Calls], change: Any, code: Any, told: str) -> None:
    message = column([1.0])
    change(message)
    found, details = both[1]("ModelInfer", message)
    assert (found, told in details) == (code, True), details
    assert both[1]("ModelInfer", column([1.0])).outputs


def test_an_input_that_stands_twice(repository: Path) -> None:
    """Instead of another one, and with another datatype."""
    request = calls()["ModelInfer"].request(model_name="wine-classifier")
    for name in [*COLUMNS[:-1], COLUMNS[0]]:
        datatype, kind = ("FP32", "<f4") if len(request.inputs) == 10 else ("FP64", "<f8")
        request.inputs.add(name=name, datatype=datatype, shape=[1])
        request.raw_input_contents.append(np.ones(1, kind).tobytes())
    with serving(repository / "wine-classifier") as (_, asked):
        code, details = asked("ModelInfer", request)
    assert (code, details) == (Code.INVALID_ARGUMENT, "inputs[10].name: 'fixed acidity' is given twice")


def test_rows_are_limited(both: tuple[Client, Calls]) -> None:
    code, details = both[1]("ModelInfer", column([1.0] * 4))
    assert (code, details) == (Code.INVALID_ARGUMENT, "inputs[0].shape: 4 rows; at most 3 are taken here")


def test_bytes_that_are_no_message(both: tuple[Client, Calls]) -> None:
    code, details = both[1]("ModelInfer", b"\xff\xff")
    assert (code, details) == (Code.INVALID_ARGUMENT, "these bytes are no ModelInferRequest")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"\1\0\0\0\xff", "is no UTF-8"),
        (b"\xff\xff\xff\xffx", "longer than what is left"),
        (b"\1\0", "longer than what is left"),
    ],
)
def test_raw_texts_at_fault(tmp_path: Path, both: tuple[Client, Calls], raw: bytes, told: str) -> None:
    message = calls()["ModelInfer"].request(model_name="m", raw_input_contents=[raw])
    message.inputs.add(name="a", datatype="BYTES", shape=[1])
    code, details = both[1]("ModelInfer", message)
    assert (code, told in details) == (Code.INVALID_ARGUMENT, True), details


def test_large_messages(tmp_path: Path) -> None:
    """Numbers and texts; and the same mistakes as in small ones."""
    text = {"inputs": [{"name": "a", "datatype": "BYTES", "shape": [-1]}]}
    served(tmp_path / "m", "return list(data['a'])", settings=ONE)
    served(tmp_path / "t", "return list(data['a'])", settings=text)
    numbers, words = np.arange(20_000.0), [str(i) * (i % 9) for i in range(20_000)]
    texts = calls()["ModelInfer"].request(model_name="t", id="7")
    texts.inputs.add(name="a", datatype="BYTES", shape=[len(words)])
    texts.raw_input_contents.append(b"".join(len(w).to_bytes(4, "little") + w.encode() for w in words))
    more = column(list(numbers), raw=True)
    more.raw_input_contents.append(b"")
    with serving(tmp_path) as (_, asked):
        assert asked("ModelInfer", column(list(numbers), raw=True)).raw_output_contents == [numbers.tobytes()]
        echoed = asked("ModelInfer", texts)
        assert (echoed.id, echoed.raw_output_contents) == ("7", texts.raw_input_contents)
        code, details = asked("ModelInfer", more)
        assert (code, details) == (Code.INVALID_ARGUMENT, "raw_input_contents: 2 entries for 1 inputs")
        code, details = asked("ModelInfer", more.SerializeToString()[:-9])
        assert (code, details) == (Code.INVALID_ARGUMENT, "these bytes are no ModelInferRequest")


def test_metrics_have_both_transports(both: tuple[Client, Calls]) -> None:
    both[1]("ModelInfer", column([1.0]))
    page = both[0].get("/metrics").body.decode()
    assert 'reference_server_requests_total{endpoint="infer",model="m",status="OK"}' in page


def test_the_access_log_has_both_transports(tmp_path: Path) -> None:
    served(tmp_path / "models" / "m", "return [1.0]", settings=ONE)
    log = tmp_path / "access.log"
    with serving(tmp_path / "models", "--access-log", str(log)) as (client, asked):
        client.get("/v2/health/live")
        asked("ModelInfer", column([1.0], id="r-1"))
        asked("ModelInfer", b"\xff")
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [line["status"] for line in lines] == [200, "OK", "INVALID_ARGUMENT"]
    assert lines[1] | {"request_id": "r-1", "model": "m", "path": calls()["ModelInfer"].path} == lines[1]
    assert lines[1]["bytes_in"] == len(column([1.0], id="r-1").SerializeToString())


def test_the_health_service(both: tuple[Client, Calls]) -> None:
    stub = health_pb2_grpc.HealthStub(both[1].channel)
    for name in ("", NAME):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_describes_the_service(both: tuple[Client, Calls]) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(both[1].channel)
    asked = reflection_pb2.ServerReflectionRequest(file_containing_symbol=NAME)
    (answer,) = stub.ServerReflectionInfo(iter([asked]), timeout=10)
    assert NAME.rpartition(".")[2].encode() in answer.file_descriptor_response.file_descriptor_proto[0]


def test_failures_are_internal_and_say_little(tmp_path: Path) -> None:
    served(tmp_path / "m", "raise RuntimeError('/srv/secret')", settings=ONE)
    with serving(tmp_path) as (_, asked):
        code, details = asked("ModelInfer", column([1.0]))
    assert (code, details) == (
        Code.INTERNAL,
        "model 'm' failed on this input; the server's log has the cause",
    )


def test_the_turns_are_those_of_http(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    served(tmp_path / "models" / "m", f"{waiting(gate)}; return [1.0]", settings=ONE)
    limits = ("--threads", "1", "--max-waiting", "1")
    with serving(tmp_path / "models", *limits) as (client, asked), ThreadPoolExecutor(2) as pool:
        first = [pool.submit(asked, "ModelInfer", column([1.0])) for _ in range(2)]
        while not count(gate):
            time.sleep(0.05)
        time.sleep(0.5)
        code, details = asked("ModelInfer", column([1.0]))
        assert (code, details) == (Code.UNAVAILABLE, "1 requests wait already; ask again")
        assert asked("ServerLive").live
        body = {"inputs": [{"name": "a", "shape": [1], "datatype": "FP64", "data": [1.0]}]}
        assert client.infer("m", body).status == 503
        gate.touch()
        assert all(one.result().outputs for one in first)


def test_what_was_taken_is_answered_when_it_stops(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    served(tmp_path / "models" / "m", f"{waiting(gate)}; return [1.0]", settings=ONE)
    command = start(tmp_path / "models", "--grpc-port", "0", "--workers", "2")
    with started(*command) as process, ThreadPoolExecutor(1) as pool:
        assert process.stdout is not None
        _, there = (process.stdout.readline().split("://")[1].strip() for _ in range(2))
        asked = pool.submit(Calls(there), "ModelInfer", column([1.0]))
        while not count(gate):
            time.sleep(0.05)
        process.terminate()
        time.sleep(1)
        assert Calls(there)("ServerLive")[0] is Code.UNAVAILABLE
        gate.touch()
        assert asked.result().outputs
        assert process.wait(30) == 0


def test_all_workers_answer(tmp_path: Path) -> None:
    served(tmp_path / "m", "import os; return [float(os.getpid())]", settings=ONE)
    with serving(tmp_path, "--workers", "2") as (_, asked):
        found = {
            Calls(asked.address)("ModelInfer", column([1.0])).outputs[0].contents.fp64_contents[0]
            for _ in range(32)
        }
    assert len(found) == 2


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    served(tmp_path / "m", "import os; return [float(os.getpid())]", settings=ONE)
    with serving(tmp_path) as (_, asked):
        first = int(asked("ModelInfer", column([1.0])).outputs[0].contents.fp64_contents[0])
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + 60
        answer = Calls(asked.address)("ServerLive")
        while isinstance(answer, tuple) and time.monotonic() < deadline:
            time.sleep(0.2)
            answer = Calls(asked.address)("ServerLive")
        assert answer.live


@pytest.mark.parametrize(("option", "told"), [("--grpc-port", "--grpc-port, or none"), ("--port", "--port")])
def test_a_port_that_is_taken(tmp_path: Path, option: str, told: str) -> None:
    served(tmp_path / "m", "return [1.0]")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        command = [sys.executable, *start(tmp_path), option, str(port)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"port {port}: Address already in use" in done.stderr
    assert f"choose another --host or {told}\n" in done.stderr


def test_two_servers_do_not_share_a_port(tmp_path: Path) -> None:
    """The workers of one do."""
    served(tmp_path / "m", "return [1.0]")
    with running_both(*start(tmp_path, "--grpc-port", "0")) as (_, address):
        command = [sys.executable, *start(tmp_path), "--grpc-port", address.rpartition(":")[2]]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "Address already in use" in done.stderr


def test_a_broken_model_is_not_ready(tmp_path: Path) -> None:
    served(tmp_path / "good", "return [1.0]")
    served(tmp_path / "bad", "return [1.0]", "raise RuntimeError('no')")
    with serving(tmp_path, "--skip-broken") as (_, asked):
        assert not asked("ServerReady").ready
        code, details = asked("ModelReady", name="bad")
        assert (code, "bad" in details) == (Code.UNAVAILABLE, True)
        assert asked("ModelReady", name="good").ready
        stub = health_pb2_grpc.HealthStub(asked.channel)
        status = stub.Check(health_pb2.HealthCheckRequest(), timeout=10).status
        assert status == health_pb2.HealthCheckResponse.NOT_SERVING
