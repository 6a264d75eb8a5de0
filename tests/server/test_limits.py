"""What a request may take, and what becomes of one that takes more."""

import json
import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.server.conftest import JSON, Answer, Client, running, start
from tests.server.echoes import CSV
from tests.server.handmade import served
from tests.server.test_life import SENT, count, waiting

HEAD = (
    b"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 90\r\n"
)
ALIVE = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"


def column(rows: int, **more: Any) -> dict[str, Any]:
    """A request of so many rows."""
    return {"inputs": [{"name": "a", "shape": [rows], "datatype": "FP64", "data": [1.0] * rows}], **more}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server of small limits, whose model takes anything."""
    folder = tmp_path_factory.mktemp("limits")
    declared = {"inputs": [{"name": "a", "datatype": "FP64", "shape": [-1]}]}
    served(folder / "m", "return [1.0]", settings=declared)
    limits = ("--max-body", "2000", "--max-rows", "3", "--max-depth", "6", "--request-timeout", "1")
    with running(*start(folder, *limits)) as client:
        yield client


def message(answer: Answer) -> str:
    """What the error says."""
    found: str = answer.json.get("error") or answer.json["message"]
    return found


def test_bytes(small: Client) -> None:
    body = json.dumps(column(1)).encode()
    assert small.infer("m", body.ljust(2000)).status == 200
    for path in ("/v2/models/m/infer", "/invocations"):
        answer = small.post(path, body.ljust(2001))
        assert (answer.status, "larger than 2000 bytes" in message(answer)) == (413, True)


def test_rows(small: Client) -> None:
    assert small.infer("m", column(3)).status == 200
    for request in (column(4), column(4, parameters={"content_type": "dict"})):
        answer = small.infer("m", request)
        assert (answer.status, message(answer)) == (400, "inputs[0].shape: 4 rows; at most 3 are taken here")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"dataframe_split":{"columns":["a"],"data":[[1.5],[2],[3]%s]}}', JSON),
        (b'{"dataframe_records":[{"a":1},{"a":2},{"a":3}%s]}', JSON),
        (b'{"inputs":[1,2,3%s]}', JSON),
        (b'{"inputs":{"a":[1,2,3%s]}}', JSON),
        (b"a\n1\n2\n3%s\n", CSV),
    ],
)
def test_rows_to_be_scored(small: Client, body: bytes, headers: dict[str, str]) -> None:
    more = {b"split": b",[4]", b"records": b',{"a":4}', b"a\n": b"\n4"}
    fourth = next((text for form, text in more.items() if form in body), b",4")
    assert small.send("POST", "/invocations", body % b"", headers).status == 200
    answer = small.send("POST", "/invocations", body % fourth, headers)
    assert (answer.status, message(answer)) == (400, "the request has 4 rows; at most 3 are taken here")


def test_depth(small: Client) -> None:
    for path in ("/v2/models/m/infer", "/invocations"):
        assert "6 deep" not in message(small.post(path, b"[" * 6 + b"]" * 6))
        answer = small.post(path, b"[" * 7 + b"]" * 7)
        assert (answer.status, "more than 6 deep" in message(answer)) == (400, True)


@pytest.mark.parametrize("sent", [b"GET /v2/health/live HT", HEAD, HEAD + b"\r\n", HEAD + b"\r\n{"])
def test_a_request_that_does_not_arrive(small: Client, sent: bytes) -> None:
    with connected(small) as connection:
        connection.sendall(sent)
        assert received(connection).startswith(b"HTTP/1.1 408 ")


def test_a_request_that_drips(small: Client) -> None:
    with connected(small) as connection:
        connection.sendall(HEAD + b"\r\n")
        for _ in range(40):  # each piece is in time, together they are not
            connection.sendall(b" ")
            if select.select([connection], [], [], 0.1)[0]:
                break
        else:
            pytest.fail("it goes on for ever")
        assert received(connection).startswith(b"HTTP/1.1 408 ")


def test_an_answer_that_is_not_taken(tmp_path: Path) -> None:
    served(tmp_path / "m", "return ['x' * 2**26]")
    with running(*start(tmp_path, "--request-timeout", "1")) as client, connected(client) as connection:
        body = json.dumps(column(1)).encode()
        connection.sendall(HEAD.replace(b"90", str(len(body)).encode()) + b"\r\n" + body)
        time.sleep(4)
        assert 0 < len(received(connection)) < 2**26


def test_requests_beyond_those_that_wait_and_probes(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    served(tmp_path / "models" / "m", f"{waiting(gate)}; return [1.0]")
    command = start(tmp_path / "models", "--threads", "1", "--max-waiting", "2")
    with running(*command) as client, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(client.infer, "m", SENT) for _ in range(8)]
        refused = [one for one in asked if wait_for(one.done, 2)]
        assert len(refused) == 5
        for answer in (one.result() for one in refused):
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
            assert message(answer) == "2 requests wait already; ask again"
        for path in ("/v2/health/ready", "/v2/models/m/ready", "/v2/models/m"):
            assert client.get(path).status == 200
        assert count(gate) == 1
        gate.touch()
        assert [one.result().status for one in asked if one not in refused] == [200] * 3


def test_a_request_whose_turn_does_not_come(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    served(tmp_path / "models" / "m", f"{waiting(gate)}; return [1.0]")
    command = start(tmp_path / "models", "--threads", "1", "--request-timeout", "1")
    with running(*command) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.infer, "m", SENT)
        while not count(gate):
            time.sleep(0.05)
        answer = client.infer("m", SENT)
        assert (answer.status, message(answer)) == (503, "no turn came in 1 s; ask again")
        gate.touch()
        assert first.result().status == 200
        assert client.infer("m", SENT).status == 200


def test_requests_sent_ahead_are_answered(small: Client) -> None:
    with connected(small) as connection:
        connection.sendall(ALIVE * 3)
        found = b""
        while found.count(b"HTTP/1.1 200") < 3:
            found += connection.recv(2**16)


HALF = ALIVE[:30]


@pytest.mark.parametrize("sent", [b"", HALF, HEAD, ALIVE + HALF, ALIVE * 2 + HALF])
def test_clients_that_are_slow_with_heads_hold_up_nobody(tmp_path: Path, sent: bytes) -> None:
    served(tmp_path / "m", "return [1.0]")
    with running(*start(tmp_path, "--threads", "1", "--max-waiting", "1")) as client:
        slow = [connected(client) for _ in range(40)]
        for connection in slow:
            connection.sendall(sent)
        for _ in range(3):
            assert client.get("/v2/health/ready").status == 200
            assert sent.startswith(ALIVE) or client.infer("m", SENT).status == 200
        for connection in slow:
            connection.close()
        assert client.infer("m", SENT).status == 200


def test_clients_that_are_slow_with_bodies_hold_up_no_probe(tmp_path: Path) -> None:
    served(tmp_path / "m", "return [1.0]")
    with running(*start(tmp_path, "--threads", "1", "--max-waiting", "1")) as client:
        slow = [connected(client) for _ in range(40)]
        for connection in slow:
            connection.sendall(HEAD + b"\r\n{")
        for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/m/ready") * 2:
            assert client.get(path).status == 200
        for connection in slow:
            connection.close()
        assert client.infer("m", SENT).status == 200


@pytest.mark.parametrize("pieces", [(1,), (30, 60), (len(ALIVE) - 1,)])
def test_a_head_in_pieces(small: Client, pieces: tuple[int, ...]) -> None:
    with connected(small) as connection:
        for _ in range(2):
            for begin, end in pairwise((0, *pieces, len(ALIVE))):
                connection.sendall(ALIVE[begin:end])
                time.sleep(0.05)
            assert connection.recv(2**16).startswith(b"HTTP/1.1 200 ")


def test_a_head_of_which_the_client_ends_the_half(small: Client) -> None:
    with connected(small) as connection:
        connection.sendall(HALF)
        connection.shutdown(socket.SHUT_WR)
        assert received(connection) == b""


def test_clients_that_do_not_close_hold_up_nobody(small: Client) -> None:
    last = ALIVE.replace(b"Host", b"Connection: close\r\nHost")
    asked = [connected(small) for _ in range(10)]
    for connection in asked:
        connection.sendall(last)
        assert connection.recv(2**16).startswith(b"HTTP/1.1 200 ")
    with connected(small) as connection:
        connection.settimeout(5)  # ten times two seconds, if one waits for all
        connection.sendall(ALIVE)
        assert connection.recv(2**16).startswith(b"HTTP/1.1 200 ")
    for connection in asked:
        connection.close()


def test_chunks_that_are_none(small: Client) -> None:
    head = HEAD.replace(b"Content-Length: 90", b"Transfer-Encoding: chunked")
    with connected(small) as connection:
        connection.sendall(head + b"\r\n0\r\n{}: 1\r\n\r\n" + ALIVE)
        found = received(connection)
    assert found.startswith(b"HTTP/1.1 400 ")
    assert found.count(b"HTTP/1.1") == 1
    assert b"the chunked body is malformed" in found


def connected(client: Client) -> socket.socket:
    """A connection to the server."""
    there = urlsplit(client.url)
    return socket.create_connection((there.hostname, there.port or 0), timeout=20)


def received(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    found = b""
    try:
        while data := connection.recv(2**20):
            found += data
    except ConnectionError:
        pass
    return found


def wait_for(condition: Any, seconds: float) -> bool:
    """Whether ``condition`` becomes true in time."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(condition())
