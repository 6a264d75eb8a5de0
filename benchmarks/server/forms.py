"""The forms of one request: JSON, binary tensor data over HTTP, raw contents over gRPC.

A client of Python's own sends all, each connection from a thread: what it costs itself is part of each rate.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import urllib3

from benchmarks.server import cases
from benchmarks.server.cases import INFER, MODEL, PATHS
from benchmarks.server.load import LoadError
from benchmarks.server.servers import Running
from spec.service import calls
from targets.walkthrough import COLUMNS

JSON, BINARY, GRPC = "JSON", "binary", "gRPC"
# Few digits are JSON's best case: numbers with all of theirs take it three times as many bytes.
_CASES = [(n, few, c) for n, few in ((1, True), (10_000, True), (10_000, False)) for c in (1, 4)]
_UNBOUND = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
]
_HEADER = "Inference-Header-Content-Length"
Ask = Callable[[], Any]


def measure(running: list[Running], rounds: int, seconds: int) -> Iterator[dict[str, Any]]:
    """A row for each server, form, case and round: with ``rate``, answers a second. What a server does not
    speak is left out. Raises ``LoadError`` for answers with other predictions than the model's."""
    for rows, rounded, connections in _CASES:
        asks = {
            (server.name, form): [ask() for _ in range(connections)]
            for server in running
            for form, ask in _spoken(server, rows, rounded, running[0].model)
        }
        for ways in asks.values():
            _rate(ways, 1)
        for turn in range(rounds):
            for (name, form), ways in asks.items():
                case = {"rows": rows, "rounded": rounded, "connections": connections, "round": turn}
                yield case | {"server": name, "form": form, "rate": _rate(ways, seconds)}


def _spoken(
    server: Running, rows: int, rounded: bool, model: Path
) -> Iterator[tuple[str, Callable[[], Ask]]]:
    """The forms that a server speaks, once each was checked, and what makes a connection for it."""
    document = cases.body(INFER, rows, rounded), {"Content-Type": "application/json"}
    cases.check(server.url, INFER, rows, model, rounded)
    expected, blobs = cases.expected(model, rows, rounded), _blobs(rows, rounded)
    yield JSON, lambda: _over_http(server, document)
    mixed = _binary(rows, blobs)
    try:
        body, length = _over_http(server, mixed)()
    except LoadError:
        length = ""
    if length:
        _compare(server, BINARY, np.frombuffer(body[int(length) :], "<f8"), expected)
        yield BINARY, lambda: _over_http(server, mixed)
    message = _message(rows, blobs)
    try:
        answer = calls()["ModelInfer"].response.FromString(_over_grpc(server, message)())
    except grpc.RpcError:
        return
    contents = answer.outputs[0].contents.fp64_contents
    found = np.frombuffer(answer.raw_output_contents[0], "<f8") if answer.raw_output_contents else contents
    _compare(server, GRPC, found, expected)
    yield GRPC, lambda: _over_grpc(server, message)


def _blobs(rows: int, rounded: bool) -> list[bytes]:
    """The columns of the request of ``cases.body``, as raw bytes."""
    return [
        np.ascontiguousarray(column, "<f8").tobytes() for column in np.array(cases.table(rows, rounded)).T
    ]


def _message(rows: int, columns: list[bytes]) -> bytes:
    request = calls()["ModelInfer"].request(model_name=MODEL, raw_input_contents=columns)
    for name in COLUMNS:
        request.inputs.add(name=name, datatype="FP64", shape=[rows, 1])
    return bytes(request.SerializeToString())


def _binary(rows: int, columns: list[bytes]) -> tuple[bytes, dict[str, str]]:
    """The body, there and back binary, and its headers."""
    size = {"binary_data_size": len(columns[0])}
    inputs = [{"name": n, "datatype": "FP64", "shape": [rows, 1], "parameters": size} for n in COLUMNS]
    text = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    headers = {"Content-Type": "application/octet-stream", _HEADER: str(len(text))}
    return b"".join([text, *columns]), headers


def _over_grpc(server: Running, sent: bytes) -> Ask:
    """Sends a message over a connection of its own."""
    call: Any = grpc.insecure_channel(server.grpc, _UNBOUND).unary_unary(calls()["ModelInfer"].path)
    return lambda: call(sent, timeout=30)


def _over_http(server: Running, sent: tuple[bytes, dict[str, str]]) -> Ask:
    """Sends a body over a connection of its own; the answer, and its header for binary data."""
    pool = urllib3.PoolManager(maxsize=1)
    url, (body, headers) = server.url + PATHS[INFER], sent

    def ask() -> tuple[bytes, str]:
        answer = pool.request("POST", url, body=body, headers=headers)
        if answer.status != 200:
            raise LoadError(f"{url} answers {answer.status}")
        return answer.data, answer.headers.get(_HEADER, "")

    return ask


def _compare(server: Running, form: str, found: Any, expected: Any) -> None:
    if not np.allclose(found, expected, rtol=1e-12, atol=0):
        raise LoadError(f"{server.name} answers {len(expected)} rows with other predictions by {form}")


def _rate(asks: list[Ask], seconds: float) -> float:
    """Answers a second, each of ``asks`` in a thread of its own."""
    deadline = time.monotonic() + seconds

    def loop(ask: Ask) -> int:
        count = 0
        while time.monotonic() < deadline:
            ask()
            count += 1
        return count

    begun = time.monotonic()
    with ThreadPoolExecutor(len(asks)) as pool:
        return sum(pool.map(loop, asks)) / (time.monotonic() - begun)
