"""One running server: its limits, many requests at once, and what is hardly HTTP."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from reference_server.limits import DEFAULTS
from tests.server.conftest import JSON, Client

INFER = "/v2/models/wine-classifier/infer"


def test_a_body_at_the_limit_and_beyond(client: Client, wine: dict[str, Any]) -> None:
    body = json.dumps(wine).encode()
    assert client.post(INFER, body.ljust(DEFAULTS.body)).status == 200
    for path, key in ((INFER, "error"), ("/invocations", "message")):
        answer = client.post(path, body.ljust(DEFAULTS.body + 1))
        assert answer.status == 413
        assert answer.json[key].startswith(f"the body is larger than {DEFAULTS.body} bytes")


def test_chunked_bodies(client: Client, wine: dict[str, Any]) -> None:
    def chunks(size: int) -> Iterator[bytes]:
        yield json.dumps(wine).encode()
        for _ in range(size // 2**20):
            yield b" " * 2**20

    for size, status in ((0, 200), (2**20, 200), (DEFAULTS.body + 2**21, 413)):
        assert client.send("POST", INFER, chunks(size), JSON).status == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v2/health/live", 200), ("GET", "/v2/x", 404), ("PUT", INFER, 405), ("POST", INFER, 415)],
)
def test_a_body_that_nobody_reads_does_not_break_the_connection(
    client: Client, method: str, path: str, status: int
) -> None:
    address = urlsplit(client.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    for _ in range(3):
        connection.request(method, path, b" " * 200_000, {"Content-Type": "text/plain"})
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (status, True)
    connection.close()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET /v2 HTTP/9.9\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET /v2 HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"POST /v2 HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /v2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n", 501),
        (b"POST " + INFER.encode() + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n", 400),
    ],
)
def test_what_is_hardly_http_gets_json(client: Client, text: bytes, status: int) -> None:
    address = urlsplit(client.url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as connection:
        connection.sendall(text)
        answer = b""
        while b"}" not in answer and (part := connection.recv(4096)):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Content-Type: application/json" in head
    assert "error" in json.loads(body)


def test_requests_at_once_do_not_mix(client: Client, wine: dict[str, Any]) -> None:
    def score(place: int) -> tuple[str, float]:
        inputs = [i | {"data": [place] if i["name"] == "alcohol" else i["data"]} for i in wine["inputs"]]
        answer = client.infer("wine-classifier", {"id": str(place), "inputs": inputs}).json
        return answer["id"], answer["outputs"][0]["data"][0]

    alone = list(map(score, range(40)))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(score, range(40))) == alone
    assert len({value for _, value in alone}) == 40


def test_a_slow_model_holds_up_no_other(client: Client, wine: dict[str, Any]) -> None:
    metadata = client.get("/v2/models/slow").json
    inputs = [
        {"name": i["name"], "datatype": i["datatype"], "shape": [1], "data": [1]} for i in metadata["inputs"]
    ]
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(client.infer, "slow", {"inputs": inputs})
        time.sleep(0.1)
        assert client.infer("wine-classifier", wine).status == 200
        assert not slow.done()
        assert slow.result(60).status == 200
