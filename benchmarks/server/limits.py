"""What no server of this kind can pass: its framework, the model, and the parser, each alone."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow.pyfunc
import numpy as np
import orjson
import pandas as pd
import simdjson
from flask import Flask, Response, request

from benchmarks.server.cases import INFER, body, table
from benchmarks.server.load import drive
from targets import environment, server
from targets.definition import Target
from targets.walkthrough import COLUMNS

_SECONDS = 0.5
_CONSTANT = Target(
    folder=Path(__file__).parent / "constant",
    command=["{python}", "-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--worker-class", "gthread",
             "--threads", "4", "--keep-alive", "75", "--graceful-timeout", "1", f"{__name__}:app"],
    ready="/",
    models=(),
    profiles=(),
    environment={"PYTHONPATH": "{root}"},
)  # fmt: skip

app = Flask(__name__)


@app.route("/", methods=["GET", "POST"])
def answer() -> Response:
    """Reads the request and answers the same each time."""
    request.get_data(cache=False)
    return Response(b"{}", mimetype="application/json")


@contextmanager
def constant(cache: Path) -> Iterator[str]:
    """The URL of Flask and Gunicorn, which answer the same each time."""
    prepared = environment.prepare(_CONSTANT, cache)
    with server.running(_CONSTANT, prepared, prepared.cache) as started:
        yield started.url


def measure(url: str, model: Path, rows: int, seconds: int) -> dict[str, float]:
    """Calls a second, or requests a second over one connection to ``url``, by what is called."""
    pyfunc = mlflow.pyfunc.load_model(str(model))
    estimator, cells, text = pyfunc.get_raw_model(), np.array(table(rows)), body(INFER, rows)
    frame, plain = pd.DataFrame(cells, columns=COLUMNS), estimator.__class__(**estimator.get_params())
    plain.fit(cells, estimator.predict(frame))  # an estimator that knows no names
    return {
        "Flask and Gunicorn, a constant answer": drive(url, "/", text, 1, seconds).rate,
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
