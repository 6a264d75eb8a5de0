"""MLflow's client of scoring servers reads what it sent."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from mlflow.version import VERSION

from tests.clients.values import BINARY, DATETIME, NUMBERS, SCORES, STRING, WINE, columns
from tests.servers import running, start


def connect(url: str) -> ScoringServerClient:
    address = urlsplit(url)
    return ScoringServerClient(address.hostname, address.port)


@pytest.fixture
def client(url: str) -> ScoringServerClient:
    """At wine-classifier."""
    return connect(url)


@pytest.fixture(scope="module")
def at(repository: Path) -> Iterator[Callable[[str], ScoringServerClient]]:
    """A client at another model: a server has one /invocations."""
    with ExitStack() as servers:
        yield lambda model: connect(servers.enter_context(running(*start(repository / model))))


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


def test_reads_back_the_columns(at: Callable[[str], ScoringServerClient]) -> None:
    sent = pd.DataFrame({name: array[:, 0] for name, array in columns().items()})
    read = at("echo-columns").invoke(sent).get_predictions()
    assert list(read) == list(sent)
    for name, array in NUMBERS.items():
        assert read[name].tolist() == array[:, 0].tolist(), name
    assert read["string"].tolist() == STRING
    assert [base64.b64decode(text) for text in read["binary"]] == BINARY
    assert [datetime.fromisoformat(text) for text in read["datetime"]] == DATETIME


def test_parameters_reach_the_model(at: Callable[[str], ScoringServerClient]) -> None:
    client, row = at("params"), pd.DataFrame({"x": [1.5]})
    given = {"factor": 2.0, "offset": -7, "label": "☃", "weights": [0.5, 0.25, 0.125]}
    (default,) = client.invoke(row)["predictions"]
    (changed,) = client.invoke(row, params=given)["predictions"]
    assert (default["scaled"], default["weight"], default["label"]) == (1.5, 3.0, "naïve")
    assert (changed["scaled"], changed["weight"], changed["label"]) == (-4.0, 0.875, "☃")
