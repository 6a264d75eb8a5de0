"""``python -m benchmarks.rpc``: raw gRPC and binary data beside JSON, the reference server and its peers.

A client of Python's own sends all, each connection from a thread: what it costs itself is part of each. The
answers are checked before they are timed. Prints requests a second: medians, and ratios within rounds.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import urllib3

from benchmarks.server import cases, servers
from benchmarks.server.cases import INFER, MODEL, PATHS
from benchmarks.server.load import LoadError
from benchmarks.server.servers import Running
from spec.service import calls
from targets.environment import Unavailable
from targets.server import StartError
from targets.walkthrough import COLUMNS

ROOT = Path(__file__).parent.parent
_UNBOUND = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
]
_HEADER = "Inference-Header-Content-Length"
Ask = Callable[[], Any]


def blobs(rows: int) -> list[bytes]:
    """The columns of the request of ``cases.body``, as raw bytes."""
    return [np.ascontiguousarray(column, "<f8").tobytes() for column in np.array(cases.table(rows)).T]


def message(rows: int) -> bytes:
    """The request of ``cases.body`` with raw contents."""
    request = calls()["ModelInfer"].request(model_name=MODEL, raw_input_contents=blobs(rows))
    for name in COLUMNS:
        request.inputs.add(name=name, datatype="FP64", shape=[rows, 1])
    return bytes(request.SerializeToString())


def binary(rows: int) -> tuple[bytes, dict[str, str]]:
    """The same with binary tensor data over HTTP, there and back: the body, and its headers."""
    columns = blobs(rows)
    size = {"binary_data_size": len(columns[0])}
    inputs = [{"name": n, "datatype": "FP64", "shape": [rows, 1], "parameters": size} for n in COLUMNS]
    text = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    headers = {"Content-Type": "application/octet-stream", _HEADER: str(len(text))}
    return b"".join([text, *columns]), headers


def over_grpc(server: Running, sent: bytes) -> Ask:
    """Sends a message over a connection of its own."""
    call: Any = grpc.insecure_channel(server.grpc, _UNBOUND).unary_unary(calls()["ModelInfer"].path)
    return lambda: call(sent, timeout=30)


def over_http(server: Running, sent: tuple[bytes, dict[str, str]]) -> Ask:
    """Sends a body over a connection of its own; the answer, and its header for binary data."""
    pool = urllib3.PoolManager(maxsize=1)
    url, (body, headers) = server.url + PATHS[INFER], sent

    def ask() -> tuple[bytes, str]:
        answer = pool.request("POST", url, body=body, headers=headers)
        if answer.status != 200:
            raise LoadError(f"{url} answers {answer.status}")
        return answer.data, answer.headers.get(_HEADER, "")

    return ask


def check_binary(server: Running, rows: int, model: Path) -> bool:
    """Ask once with binary data; False where the server has none. Raises LoadError as ``check`` does."""
    try:
        body, length = over_http(server, binary(rows))()
    except LoadError:
        return False
    if not length:
        return False
    compare(server, "binary data", np.frombuffer(body[int(length) :], "<f8"), cases.expected(model, rows))
    return True


def check(server: Running, sent: bytes, rows: int, model: Path) -> None:
    """Ask once; raises LoadError for other predictions than those of ``model``."""
    answer = calls()["ModelInfer"].response.FromString(over_grpc(server, sent)())
    contents = answer.outputs[0].contents.fp64_contents
    found = np.frombuffer(answer.raw_output_contents[0], "<f8") if answer.raw_output_contents else contents
    compare(server, "gRPC", found, cases.expected(model, rows))


def compare(server: Running, way: str, found: Any, expected: Any) -> None:
    """Raises LoadError for other predictions than those expected."""
    if not np.allclose(found, expected, rtol=1e-12, atol=0):
        raise LoadError(f"{server.name} answers {len(expected)} rows with other predictions by {way}")


def rate(asks: list[Ask], seconds: float) -> float:
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


def measure(running: list[Running], rows: int, connections: int, options: argparse.Namespace) -> None:
    """One case, and its line for each server."""
    json_body = (cases.body(INFER, rows), {"Content-Type": "application/json"})
    bodies: dict[str, Any] = {"gRPC": message(rows), "binary": binary(rows), "JSON": json_body}
    makers: dict[str, Callable[..., Ask]] = {"gRPC": over_grpc, "binary": over_http, "JSON": over_http}
    asks: dict[tuple[str, str], list[Ask]] = {}
    for server in running:
        try:
            check(server, bodies["gRPC"], rows, running[0].model)
            kinds = ["gRPC", "JSON"]
        except grpc.RpcError as error:
            print(f"{server.name}: no raw contents: {error.code().name} {error.details()}")
            kinds = ["JSON"]
        kinds += ["binary"] * check_binary(server, rows, running[0].model)
        cases.check(server.url, INFER, rows, running[0].model)
        for kind in kinds:
            asks[server.name, kind] = [makers[kind](server, bodies[kind]) for _ in range(connections)]
    for one in asks.values():
        rate(one, 1)
    found: dict[tuple[str, str], list[float]] = {key: [] for key in asks}
    for _ in range(options.rounds):
        for key, one in asks.items():
            found[key].append(rate(one, options.seconds))
    for (name, kind), rates in found.items():
        told = f"{name:<10} {kind:<6} {statistics.median(rates):>8.1f}/s"
        times = [
            f"{_times(found['reference', ours], rates):.2f} times in {ours}" for ours in ("gRPC", "binary")
        ]
        print(f"{rows:>6} rows {connections} connections {told}  ours: {', '.join(times)}", flush=True)


def _times(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(one / two for one, two in zip(ours, theirs, strict=True))


def main() -> int:
    """Run the command. Exit status 1: a server was not there, or answered wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rpc", description=__doc__)
    parser.add_argument("--peers", nargs="*", default=["mlserver", "kserve", "triton"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "targets", metavar="DIR")
    options = parser.parse_args()
    try:
        with servers.running(["reference", *options.peers], 1, options.cache.resolve(), None) as running:
            for rows in (1, 10_000):
                for connections in (1, 4):
                    measure(running, rows, connections, options)
    except (LoadError, StartError, Unavailable) as error:
        print(f"benchmarks.rpc: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
