"""How the server lives and dies: while models load, when it is told to stop, and with a broken model.

Models wait for files here, so that nothing depends on how long something takes.
"""

import ctypes
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3

from reference_server import app, repository
from spec.validation import is_valid
from tests.server.conftest import JSON, Client, running, start
from tests.server.handmade import served, write
from tests.servers import address, started

SENT = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [1], "data": [1.0]}]}


def waiting(file: Path) -> str:
    """What a model does to wait until ``file`` is there, and to be counted."""
    return f"open({f'{file}-waits'!r}, 'a').write('x'); wait({str(file)!r})"


def count(file: Path) -> int:
    """How many wait for ``file``."""
    waits = Path(f"{file}-waits")
    return len(waits.read_text()) if waits.exists() else 0


def told(process: subprocess.Popen[str]) -> Client:
    """A client of a server whose models load: standard error says where it listens."""
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("reference-server: loading m; http://127.0.0.1:"), line
    return Client(line.split()[3].removesuffix("/v2/health/live"))


def test_it_lives_while_models_load(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    served(tmp_path / "models" / "m", "return [1.0]", waiting(gate))
    with started(*start(tmp_path / "models", "--workers", "2"), stderr=subprocess.PIPE) as process:
        client = told(process)
        while count(gate) < 2:
            assert client.get("/v2/health/live").json == {"live": True}
            for method, path, key in (
                ("GET", "/v2/health/ready", "error"),
                ("GET", "/v2/models/m/ready", "error"),
                ("POST", "/v2/models/m/infer", "error"),
                ("POST", "/v2/health/live", "error"),
                ("GET", "/ping", "message"),
                ("POST", "/invocations", "message"),
            ):
                answer = client.send(
                    method, path, json.dumps(SENT).encode() if method == "POST" else None, JSON
                )
                assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
                assert answer.json[key] == "models are loading; ask again"
        gate.touch()
        assert address(process) == client.url
        assert [client.get("/v2/health/ready").status for _ in range(20)] == [200] * 20
        assert client.infer("m", SENT).json["outputs"][0]["data"] == [1.0]
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize("sent", [(signal.SIGHUP, signal.SIGTERM), (signal.SIGQUIT,)])
def test_it_stops_at_once_while_models_load(tmp_path: Path, sent: tuple[signal.Signals, ...]) -> None:
    gate = tmp_path / "gate"
    served(tmp_path / "models" / "m", "return [1.0]", waiting(gate))
    with started(*start(tmp_path / "models"), stderr=subprocess.PIPE) as process:
        client = told(process)
        while not count(gate):
            assert client.get("/v2/health/live").status == 200
        for one in sent:
            process.send_signal(one)
        assert process.wait(30) == 0


def test_it_outlives_what_models_do(tmp_path: Path) -> None:
    """They end the thread that asks them, keep one of their own, set signals, are killed; nobody reads the
    output."""
    gate, pid = tmp_path / "gate", tmp_path / "pid"
    gate.touch()
    served(
        tmp_path / "models" / "m",
        "raise (SystemExit, GeneratorExit)[int(numpy.ravel(data)[0])]",
        "import signal, threading; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "threading.Thread(target=wait, args=('never',)).start(); "
        f"open({str(pid)!r}, 'w').write(str(os.getpid())); {waiting(gate)}",
    )
    command = start(tmp_path / "models", "--graceful-timeout", "1000")
    with started(*command, stderr=subprocess.PIPE) as process:
        client = told(process)
        assert process.stdout is not None
        process.stdout.close()
        while client.get("/v2/health/ready").status == 503:
            time.sleep(0.05)
        for value in (0, 1):
            given = {"name": "x", "datatype": "FP64", "shape": [1], "data": [value]}
            answer = client.infer("m", {"inputs": [given]})
            assert answer.status == 500
            assert answer.json["error"].startswith("model 'm' failed on this input")
        gate.unlink()
        os.kill(int(pid.read_text()), signal.SIGKILL)
        while count(gate) < 2:
            time.sleep(0.05)
        assert Client(client.url).get("/v2/health/live").status == 200
        gate.touch()
        while client.get("/v2/health/ready").status == 503:
            time.sleep(0.05)
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize(("sent", "workers"), [(signal.SIGTERM, "1"), (signal.SIGINT, "2")])
def test_what_was_taken_is_answered(tmp_path: Path, sent: signal.Signals, workers: str) -> None:
    """Four requests for each worker of two threads: half of them waits for a thread when the signal comes."""
    gate, requests = tmp_path / "gate", 4 * int(workers)
    served(tmp_path / "models" / "m", f"{waiting(gate)}; return [1.0]")
    command = start(tmp_path / "models", "--workers", workers, "--threads", "2", "--keep-alive", "1000")
    with started(*command) as process:
        url = address(process)
        idle = [Client(url) for _ in range(8)]
        assert [client.get("/v2/health/ready").status for client in idle] == [200] * 8
        asked = [http.client.HTTPConnection(urlsplit(url).netloc, timeout=60) for _ in range(requests)]
        for connection in asked:
            connection.request("POST", "/v2/models/m/infer", json.dumps(SENT), JSON)
        while count(gate) < 2:
            time.sleep(0.05)
        process.send_signal(sent)
        while is_open(url):
            time.sleep(0.05)
        assert process.poll() is None
        with pytest.raises(urllib3.exceptions.HTTPError):
            idle[0].get("/v2/health/ready")
        gate.touch()
        assert [_status(connection) for connection in asked] == [200] * requests
        assert process.wait(20) == 0


def _status(connection: http.client.HTTPConnection) -> int:
    with closing(connection), connection.getresponse() as answer:
        answer.read()
        return answer.status


def is_open(url: str) -> bool:
    """Whether anybody accepts a connection."""
    there = urlsplit(url)
    try:
        socket.create_connection((there.hostname, there.port or 0), timeout=5).close()
    except ConnectionError:
        return False
    return True


def test_what_takes_too_long_is_given_up(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    served(tmp_path / "models" / "m", f"{waiting(gate)}; return [1.0]")
    command = start(tmp_path / "models", "--graceful-timeout", "1")
    with started(*command) as process, ThreadPoolExecutor(1) as pool:
        url = address(process)
        asked = pool.submit(lambda: Client(url).infer("m", SENT))
        while not count(gate):
            time.sleep(0.05)
        process.terminate()
        assert process.wait(30) == 0
        assert isinstance(asked.exception(), urllib3.exceptions.HTTPError)


def test_it_stops_whichever_thread_takes_the_signal(tmp_path: Path) -> None:
    """The system gives a signal to any thread of a process; Python's handlers run in the main one."""
    served(tmp_path / "models" / "m", "return [1.0]")
    with started(*start(tmp_path / "models"), stderr=subprocess.PIPE) as process:
        address(process)
        (worker,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        threads = {path.name for path in Path(f"/proc/{worker}/task").iterdir()} - {worker}
        tgkill = ctypes.CDLL(None).tgkill
        missed = {thread for thread in threads if tgkill(int(worker), int(thread), signal.SIGTERM)}
        assert missed < threads
        # One that has loaded the models may have ended.
        assert not any(Path(f"/proc/{worker}/task/{thread}").exists() for thread in missed)
        deadline = time.monotonic() + 10
        while Path(f"/proc/{worker}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_broken_model_of_several(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Left out; an input example that fails is told, and is no reason to."""
    example = "\nsaved_input_example_info:\n  serving_input_path: example.json\n"
    served(tmp_path / "good", "return [1.0]", mlmodel=example)
    (tmp_path / "good" / "model" / "example.json").write_text('{"inputs": [1.0]}')
    served(tmp_path / "picky", "raise ValueError('two,\\nplease')", mlmodel=example)
    (tmp_path / "picky" / "model" / "example.json").write_text('{"inputs": [1.0]}')
    served(tmp_path / "raises", "pass", f"raise OSError({str(tmp_path)!r})")
    write(tmp_path / "foreign", {"implementation": "mlserver_sklearn.SKLearnModel"})
    write(tmp_path / "text", "{")
    with running(*start(tmp_path, "--skip-broken", "--invocations", "good")) as client:
        assert client.get("/v2/health/live").status == 200
        ready = client.get("/v2/health/ready")
        assert (ready.status, ready.json["ready"]) == (503, False)
        index = client.post("/v2/repository/index", {}).json
        assert is_valid("mlserver/repository-index", index)
        states = {entry["name"]: entry["state"] for entry in index}
        bad = dict.fromkeys(("foreign", "raises", "text"), "UNAVAILABLE")
        assert states == {"good": "READY", "picky": "READY"} | bad
        unready = client.post("/v2/repository/index", {"ready": False}).json
        assert {entry["name"] for entry in unready} == set(bad)
        (reason,) = (entry["reason"] for entry in index if entry["name"] == "foreign")
        assert reason.startswith("its implementation must be mlserver_mlflow.MLflowRuntime")
        assert str(tmp_path) not in json.dumps(index)
        assert client.infer("good", SENT).status == 200
        assert client.post("/invocations", {"inputs": [1.0]}).status == 200
        for name in bad:
            _unavailable(client, name)
    told = capfd.readouterr().err
    assert f"reference-server: skipped: model 'raises' cannot be loaded: OSError: {tmp_path}" in told
    assert told.count("reference-server: model 'picky' fails on its input example: ") == 1
    assert "'good'" not in told


def test_a_broken_folder_called_as_a_good_model(tmp_path: Path) -> None:
    write(tmp_path / "a", "{")
    served(tmp_path / "b", "return [1.0]", settings={"name": "a"})
    client = app.build(repository.load(tmp_path, skip_broken=True)).test_client()
    assert client.get("/v2/health/ready").status_code == 503
    assert client.get("/v2/models/a/ready").status_code == 200
    assert client.post("/invocations", json={"inputs": [1.0]}).json == {"predictions": [1.0]}


def _unavailable(client: Client, name: str) -> None:
    for answer in (client.get(f"/v2/models/{name}"), client.infer(name, SENT)):
        assert answer.status == 503
        assert answer.json["error"].startswith(f"model '{name}' is unavailable: its ") or name == "raises"
        assert "/" not in answer.json["error"]
    ready = client.get(f"/v2/models/{name}/ready")
    assert (ready.status, ready.json["name"], ready.json["ready"]) == (503, name, False)


def test_openmp_after_a_fork(tmp_path: Path) -> None:
    """``gunicorn --preload``: the model has used OpenMP in the process that was forked."""
    import pickle

    import numpy as np
    from sklearn.ensemble import HistGradientBoostingRegressor

    rows = np.arange(2000.0).reshape(-1, 1)
    forest = HistGradientBoostingRegressor(max_iter=1).fit(rows, rows[:, 0])
    folder = served(
        tmp_path / "m",
        "return Model.forest.predict(numpy.arange(2000.0).reshape(-1, 1))[:1]",
        "import pickle; Model.forest = pickle.load(open(path + '/forest', 'rb')); Model().predict(None)",
    )
    (folder / "model" / "forest").write_bytes(pickle.dumps(forest))
    application = f"reference_server:create_app({str(tmp_path)!r})"
    command = ("-m", "gunicorn", application, "--config", "python:tests.server.gunicorn_conf", "--preload")
    with running(*command) as client:
        answer = client.infer("m", SENT)
        assert answer.json["outputs"][0]["data"] == pytest.approx(forest.predict(rows[:1]))
