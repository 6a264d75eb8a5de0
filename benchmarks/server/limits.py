"""What no server of this kind can pass: its framework, the model, and the parser, each alone."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import orjson
import pandas as pd
import simdjson
from flask import Flask, Response, request
from urllib3.exceptions import HTTPError

from benchmarks.server.cases import INFER, body, table
from benchmarks.server.load import LoadError, drive, post
from targets.server import free_ports
from targets.walkthrough import COLUMNS

ROOT = Path(__file__).parent.parent.parent
_SECONDS = 0.5

app = Flask(__name__)


@app.post("/")
def constant() -> Response:
    """Reads the request and answers the same each time."""
    request.get_data(cache=False)
    return Response(b"{}", mimetype="application/json")


def measure(model: Path, rows: int, seconds: int) -> dict[str, float]:
    """Calls a second, or requests a second over one connection, by what is called."""
    pyfunc = mlflow.pyfunc.load_model(str(model))
    estimator, cells, text = pyfunc.get_raw_model(), np.array(table(rows)), body(INFER, rows)
    frame, plain = pd.DataFrame(cells, columns=COLUMNS), estimator.__class__(**estimator.get_params())
    plain.fit(cells, estimator.predict(frame))  # an estimator that knows no names
    return {
        "Flask and Gunicorn, a constant answer": _constant(text, seconds),
        "pyfunc.predict": _calls(lambda: pyfunc.predict(frame)),
        "scikit-learn on an array": _calls(lambda: plain.predict(cells)),
        "parsing the JSON, orjson": _calls(lambda: orjson.loads(text)),
        "parsing the JSON, simdjson": _calls(lambda: simdjson.Parser().parse(text)),
    }


def _calls(function: Callable[[], object]) -> float:
    function()
    start, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < _SECONDS:
        function()
        count += 1
    return count / passed


def _constant(text: bytes, seconds: int) -> float:
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
    command += ["--threads", "4", "--keep-alive", "75", "--graceful-timeout", "1", "--log-level", "error"]
    command += [f"{__name__}:app"]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        _wait(f"http://127.0.0.1:{port}/", text)
        return drive(f"http://127.0.0.1:{port}", "/", text, 1, seconds).rate
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str, text: bytes) -> None:
    for _ in range(100):
        try:
            post(url, text)
            return
        except (HTTPError, LoadError):
            time.sleep(0.2)
    raise LoadError(f"nothing answers at {url}")
