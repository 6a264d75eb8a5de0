"""What goes wrong around a server: processes that die, clients that do nothing, disks that are full."""

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from targets.processes import workers
from tests.server.conftest import Client, running, start
from tests.server.handmade import served
from tests.server.test_life import SENT
from tests.servers import address, started


def test_a_worker_is_killed_under_load(tmp_path: Path) -> None:
    """Only what it was working on is lost: a connection that breaks. Another takes its place."""
    served(tmp_path / "m", "time.sleep(0.02); return [1.0]")
    with started(*start(tmp_path, "--workers", "2")) as process:
        url = address(process)
        before = workers(process.pid)
        killed = min(before)

        def ask(_: int) -> int:
            try:
                return Client(url).infer("m", SENT).status
            except Exception:  # the connection broke
                return 0

        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(ask, number) for number in range(300)]
            while not asked[50].done():
                time.sleep(0.01)
            os.kill(killed, signal.SIGKILL)
            found = [one.result() for one in asked]
        assert set(found) <= {200, 0}
        assert found.count(0) <= 8
        deadline = time.monotonic() + 60
        while len(workers(process.pid)) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(workers(process.pid)) == 2
        assert killed not in workers(process.pid)
        assert Client(url).infer("m", SENT).status == 200


def test_idle_connections(tmp_path: Path) -> None:
    served(tmp_path / "m", "return [1.0]")
    with running(*start(tmp_path)) as client:
        there = urlsplit(client.url)
        idle = [socket.create_connection((there.hostname, there.port or 0), timeout=10) for _ in range(500)]
        assert client.infer("m", SENT).status == 200
        for connection in idle[::50]:
            connection.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(2**16).startswith(b"HTTP/1.1 200 ")
        for connection in idle:
            connection.close()
        assert client.infer("m", SENT).status == 200


def test_connections_are_shared_among_workers(tmp_path: Path) -> None:
    served(tmp_path / "m", "return [1.0]")
    with started(*start(tmp_path, "--workers", "2")) as process:
        url = address(process)
        clients = [Client(url) for _ in range(16)]
        assert [client.get("/v2/health/live").status for client in clients] == [200] * 16
        port = urlsplit(url).port
        held = [
            sum(
                one.status == "ESTABLISHED" and one.laddr.port == port
                for one in psutil.Process(pid).net_connections()
            )
            for pid in workers(process.pid)
        ]
        assert sum(held) == 16
        assert min(held) >= 4
        for client in clients:
            client.close()


def test_a_full_disk_for_its_log(tmp_path: Path) -> None:
    served(tmp_path / "m", "raise KeyError(1)")  # which is logged, with a traceback
    with Path("/dev/full").open("w") as full, started(*start(tmp_path), stderr=full.fileno()) as process:
        client = Client(address(process))
        for _ in range(3):
            assert client.infer("m", SENT).status == 500
        assert client.get("/v2/health/ready").status == 200
        client.close()
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize("number", ["1", "2"])
def test_requests_write_nothing(tmp_path: Path, number: str) -> None:
    served(tmp_path / "models" / "m", "return [1.0]")
    (tmp_path / "tmp").mkdir()
    command = start(tmp_path / "models", "--workers", number)
    with running(*command, environment={"TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path)}) as client:
        client.infer("m", SENT)
        before = files(tmp_path)
        body = b'{"inputs": [' + b" " * 2**21
        for _ in range(5):
            assert client.infer("m", SENT).status == 200
            assert client.post("/v2/models/m/infer", body).status == 400
            assert client.post("/invocations", body).status == 400
        assert files(tmp_path) == before


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below ``folder``, its size, and when it was written."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}
