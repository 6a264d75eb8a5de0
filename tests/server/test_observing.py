"""What operators see of requests: metrics, and the access log."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from reference_server.observing import AccessLog
from tests.server.conftest import JSON, Client, running, start
from tests.server.handmade import served
from tests.server.test_life import SENT
from tests.servers import address, started

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Client]:
    """A server of the model m."""
    served(folder / "models" / "m", "return [1.0]")
    with running(*start(folder / "models", *options)) as client:
        yield client


def metrics(client: Client) -> dict[tuple[str, ...], float]:
    """Each value by its name and its labels."""
    answer = client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    samples = [one for family in parse(answer.body.decode()) for one in family.samples]
    return {(one.name, *one.labels.values()): one.value for one in samples}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_requests_are_counted_in_all_workers(tmp_path: Path, workers: str) -> None:
    with serving(tmp_path, "--workers", workers) as client:
        for _ in range(10):
            fresh = Client(client.url)  # of another worker, maybe
            assert fresh.infer("m", SENT).status == 200
            assert fresh.post("/invocations", {}).status == 400
            fresh.close()
        found = metrics(client)
        assert found["reference_server_requests_total", "infer", "m", "200"] == 10
        assert found["reference_server_requests_total", "invocations", "m", "400"] == 10
        assert found["reference_server_request_seconds_count", "infer", "m"] == 10
        assert 0 < found["reference_server_request_seconds_sum", "infer", "m"] < 60
        assert found["reference_server_requests_in_flight",] == 1  # that for the metrics
        assert found["reference_server_model_load_seconds", "m", ""] > 0


def test_a_model_whose_name_is_not_ascii_is_told(tmp_path: Path) -> None:
    served(tmp_path / "models" / "modèle", "return [1.0]")
    log = tmp_path / "access.log"
    with running(*start(tmp_path / "models", "--access-log", str(log))) as client:
        sent = json.dumps(SENT).encode()
        assert client.send("POST", "/v2/models/mod%C3%A8le/infer", sent, JSON).status == 200
        assert client.get("/v2/%FF").status == 404  # no UTF-8
        assert metrics(client)["reference_server_requests_total", "infer", "modèle", "200"] == 1
    first, second, *_ = map(json.loads, log.read_text("utf-8").splitlines())
    assert (first["path"], first["model"]) == ("/v2/models/modèle/infer", "modèle")
    assert second["path"] == "/v2/\ufffd"


def test_clients_cannot_make_metrics_grow(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        before = metrics(client)
        for number in range(50):
            client.infer(f"model-{number}", SENT)
            client.get(f"/path-{number}")
            client.send(f"METHOD{number}", "/v2")
        after = metrics(client)
        assert after["reference_server_requests_total", "infer", "", "404"] == 50
        assert after["reference_server_requests_total", "other", "", "404"] == 50
        assert not any("model-" in label or "path-" in label for key in after for label in map(str, key))
        assert len(after) - len(before) < 100  # five kinds of requests, with a histogram each


def test_numbers_of_several_workers_leave_nothing_behind(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as client:
        assert client.get("/metrics").status == 200
        found = metrics(client)
        assert found["reference_server_requests_total", "metrics", "", "200"] == 1
        folders = {path.parent for path in Path("/dev/shm").glob("reference-server-*/*.db")}
        assert folders
        mine = {one for one in folders if _created_by_child(one)}
    assert mine
    assert not any(one.exists() for one in mine)


def _created_by_child(folder: Path) -> bool:
    """Whether a file there is named after a process that this one has started, directly or not."""
    here = {child.pid for child in psutil.Process().children(recursive=True)}
    return any(int(file.stem.rpartition("_")[2]) in here for file in folder.glob("*.db"))


def test_a_line_for_each_request(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    parent = f"00-{TRACE}-{SPAN}-01"
    with serving(tmp_path, "--access-log", str(log), "--workers", "2") as client:
        client.infer("m", SENT | {"id": 'a"\n7'})
        client.send("GET", "/v2/models/m%0Ax?token=secret", headers={"Authorization": "secret"})
        client.send("POST", "/invocations", b"{}", JSON | {"X-Request-Id": "r-1", "traceparent": parent})
    text = log.read_text("utf-8")
    first, second, third = map(json.loads, text.splitlines())
    assert first | {"endpoint": "infer", "model": "m", "status": 200, "method": "POST"} == first
    assert first["request_id"] == 'a"\n7'
    assert (first["bytes_in"], first["bytes_out"] > 50) == (len(json.dumps(SENT | {"id": 'a"\n7'})), True)
    assert second | {"path": "/v2/models/m\nx", "status": 404} == second
    assert "secret" not in text
    assert third | {"request_id": "r-1", "trace_id": TRACE, "span_id": SPAN, "status": 400} == third


@pytest.mark.parametrize(
    "parent",
    [f"00-{TRACE}-{SPAN}", f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01",
     f"00-{TRACE.upper()}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01-more"],
)  # fmt: skip
def test_a_trace_that_is_none_is_left_out(tmp_path: Path, parent: str) -> None:
    assert "trace_id" not in _logged(tmp_path, parent)


def test_a_trace_of_a_later_version(tmp_path: Path) -> None:
    assert _logged(tmp_path, f"01-{TRACE}-{SPAN}-01-more")["trace_id"] == TRACE


def _logged(folder: Path, parent: str) -> dict[str, Any]:
    """The line for a request with this traceparent."""
    file = folder / "log"
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/v2", "HTTP_TRACEPARENT": parent}
    AccessLog(str(file)).write(environ, "metadata", "", 200, 2, 0.1)
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def test_a_log_that_cannot_be_opened(tmp_path: Path) -> None:
    served(tmp_path / "models" / "m", "return [1.0]")
    command = start(tmp_path / "models", "--access-log", str(tmp_path))
    with started(*command, stderr=subprocess.PIPE) as process:
        _, told = process.communicate(timeout=60)
        assert process.returncode == 4
    assert f"--access-log {tmp_path}: Is a directory; name a file to write to" in told
    assert "Traceback" not in told


def test_a_body_in_chunks_has_no_length(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    with serving(tmp_path, "--access-log", str(log)) as client:
        client.send("POST", "/v2/models/m/infer", iter([json.dumps(SENT).encode()]), JSON)
    assert json.loads(log.read_text("utf-8"))["bytes_in"] is None


def test_the_error_log_says_whose_failure_it_was(tmp_path: Path) -> None:
    served(tmp_path / "m", "raise RuntimeError('no')")
    headers = JSON | {"X-Request-Id": "r-1", "traceparent": f"00-{TRACE}-{SPAN}-01"}
    with (tmp_path / "log").open("w") as log, started(*start(tmp_path), stderr=log.fileno()) as process:
        body = json.dumps(SENT).encode()
        assert Client(address(process)).send("POST", "/v2/models/m/infer", body, headers).status == 500
    wanted = f"POST /v2/models/m/infer failed request_id='r-1' trace_id='{TRACE}' span_id='{SPAN}'"
    assert wanted in (tmp_path / "log").read_text("utf-8")


def test_a_full_disk_is_no_reason_not_to_answer(tmp_path: Path) -> None:
    with serving(tmp_path, "--access-log", "/dev/full") as client:
        assert client.infer("m", SENT).status == 200
