"""MLflow's client of scoring servers reads what it sent."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from mlflow.version import VERSION

from tests.clients.values import BINARY, DATETIME, NUMBERS, SCORES, STRING, WINE, columns
from tests.saving import save
from tests.servers import running, start


def connect(url: str) -> ScoringServerClient:
    address = urlsplit(url)
    return ScoringServerClient(address.hostname, address.port)


@pytest.fixture
def client(url: str) -> ScoringServerClient:
    """At wine-classifier."""
    return connect(url)


@pytest.fixture(scope="module")
def at() -> Iterator[Callable[[Path], ScoringServerClient]]:
    """A client at the model of a folder: a server has one /invocations."""
    with ExitStack() as servers:
        yield lambda folder: connect(servers.enter_context(running(*start(folder))))


def test_finds_the_server(client: ScoringServerClient) -> None:
    client.wait_server_ready(timeout=5)
    client.ping()
    assert client.get_version() == VERSION


def test_scores_the_wine_rows(client: ScoringServerClient) -> None:
    predictions = client.invoke(pd.DataFrame(WINE))
    assert predictions["predictions"] == pytest.approx(SCORES, abs=1e-9)
    assert predictions.get_predictions("ndarray", "float64").shape == (2,)


def test_understands_an_error(client: ScoringServerClient) -> None:
    with pytest.raises(Exception, match=r"error code 400, .*missing inputs \['alcohol'\]"):
        client.invoke(pd.DataFrame(WINE).drop(columns="alcohol"))


def test_reads_back_the_columns(at: Callable[[Path], ScoringServerClient], repository: Path) -> None:
    sent = pd.DataFrame({name: array[:, 0] for name, array in columns().items()})
    read = at(repository / "echo-columns").invoke(sent).get_predictions()
    assert list(read) == list(sent)
    for name, array in NUMBERS.items():
        assert read[name].tolist() == array[:, 0].tolist(), name
    assert read["string"].tolist() == STRING
    assert [base64.b64decode(text) for text in read["binary"]] == BINARY
    assert [datetime.fromisoformat(text) for text in read["datetime"]] == DATETIME


def test_parameters_reach_the_model(at: Callable[[Path], ScoringServerClient], repository: Path) -> None:
    client, row = at(repository / "params"), pd.DataFrame({"x": [1.5]})
    given = {"factor": 2.0, "offset": -7, "label": "☃", "weights": [0.5, 0.25, 0.125]}
    (default,) = client.invoke(row)["predictions"]
    (changed,) = client.invoke(row, params=given)["predictions"]
    assert (default["scaled"], default["weight"], default["label"]) == (1.5, 3.0, "naïve")
    assert (changed["scaled"], changed["weight"], changed["label"]) == (-4.0, 0.875, "☃")


def test_what_is_missing_in_a_frame_is_missing_to_the_model(
    at: Callable[[Path], ScoringServerClient], tmp_path: Path
) -> None:
    frame = pd.DataFrame(
        {
            "x": [0.5, float("nan"), float("inf")],
            "s": ["a", None, "NaN"],
            "t": [pd.Timestamp("2026-01-02T03:04:05.5"), pd.NaT, pd.Timestamp("2026-01-02")],
        }
    )
    told = "[x.isna().values.tolist(), [x[name].map(str).tolist() for name in x]]"
    folder = save(tmp_path / "frame", told, input_example=frame)
    missing, (numbers, texts, times) = at(folder).invoke(frame)["predictions"]
    assert missing == [[False] * 3, [True] * 3, [False] * 3]
    assert (numbers[0], numbers[2]) == ("0.5", "inf")
    assert (texts[0], texts[2]) == ("a", "NaN")
    assert (times[0], times[2]) == ("2026-01-02 03:04:05.500000", "2026-01-02 00:00:00")


def test_an_array_with_nan_comes_back(at: Callable[[Path], ScoringServerClient], repository: Path) -> None:
    array = np.array([[0.5, float("nan"), 3.0]], "float32")
    predictions = at(repository / "tensor").invoke(array)["predictions"]
    assert predictions == [[0.5, None, 3.0]]


def test_a_model_with_type_hints_gets_its_list_and_its_params(
    at: Callable[[Path], ScoringServerClient], tmp_path: Path
) -> None:
    folder = save(tmp_path / "hint", "[x, params]", hint="list[str]", input_example=(["a"], {"k": 2}))
    client = at(folder)
    assert client.invoke(["a", "b"], params={"k": 3})["predictions"] == [["a", "b"], {"k": 3}]
    with pytest.raises(Exception, match="error code 4"):
        client.invoke([1])
