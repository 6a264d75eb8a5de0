"""What is asked: rows of wine, written as both protocols have them, and what must come back."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd

from benchmarks.server.load import LoadError, post
from targets.walkthrough import COLUMNS, ROW

MODEL = "wine-classifier"
INFER, INVOCATIONS = "/infer", "/invocations"
PATHS = {INFER: f"/v2/models/{MODEL}/infer", INVOCATIONS: "/invocations"}
_DECIMALS = (1, 2, 2, 1, 3, 0, 0, 4, 2, 2, 1)  # as in the data


@dataclass(frozen=True)
class Case:
    """One load: so many rows in a request, connections, and workers of the server."""

    endpoint: str
    rows: int
    connections: int
    workers: int


CASES = [Case(e, r, c, 1) for e in PATHS for r in (1, 100, 10_000) for c in (1, 16)]
CASES += [Case(e, r, 16, 2) for e in PATHS for r in (1, 10_000)]


def table(rows: int, rounded: bool = True) -> list[list[float]]:
    """Rows like those of the wine data: the first one varied by a fifth, the same ones in every run.

    rounded: with the few decimals that the data have; otherwise with all digits of FP64.
    """
    varied = np.array(ROW) * np.random.default_rng(0).uniform(0.8, 1.2, (rows, len(ROW)))
    cells: list[list[float]] = varied.tolist()
    if not rounded:
        return cells
    return [[round(v, d) for v, d in zip(row, _DECIMALS, strict=True)] for row in cells]


def body(endpoint: str, rows: int, rounded: bool = True) -> bytes:
    """The request: columns of FP64, or a dataframe_split."""
    cells = table(rows, rounded)
    document: dict[str, Any] = {"dataframe_split": {"columns": COLUMNS, "data": cells}}
    if endpoint == INFER:
        columns = zip(COLUMNS, zip(*cells, strict=True), strict=True)
        shared = {"shape": [rows, 1], "datatype": "FP64"}
        document = {"inputs": [{"name": name, **shared, "data": data} for name, data in columns]}
    return json.dumps(document).encode()


def check(url: str, endpoint: str, rows: int, model: Path, rounded: bool = True) -> None:
    """Ask once, and compare with the model itself. Raises ``LoadError`` for other predictions."""
    answer = post(url + PATHS[endpoint], body(endpoint, rows, rounded))
    found = answer["outputs"][0]["data"] if endpoint == INFER else answer["predictions"]
    if not np.allclose(np.ravel(found), expected(model, rows, rounded), rtol=1e-12, atol=0):
        raise LoadError(f"{url}{PATHS[endpoint]} answers {rows} rows with other predictions than the model")


@cache
def expected(model: Path, rows: int, rounded: bool = True) -> Any:
    """The model's own predictions for the rows."""
    cells = pd.DataFrame(table(rows, rounded), columns=COLUMNS)
    return mlflow.pyfunc.load_model(str(model)).predict(cells)
