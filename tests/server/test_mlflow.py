"""MLflow's scoring protocol: the answers of MLflow's own scoring server, errors in its form."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from mlflow.pyfunc import scoring_server

from fixtures.zoo import RECIPES
from reference_server import repository as repositories
from reference_server import scoring
from reference_server.errors import ModelError, ServingError
from reference_server.repository import Repository
from spec.validation import violations
from tests.server.conftest import JSON, Client, running

CSV = {"Content-Type": "text/csv"}
PARQUET = {"Content-Type": "application/vnd.apache.parquet"}


@pytest.fixture(scope="module")
def models(repository: Path) -> Repository:
    return repositories.load(repository)


@pytest.fixture
def frame(wine: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({i["name"]: [float(i["data"][0])] for i in wine["inputs"]})


@pytest.fixture(scope="module")
def nameless(repository: Path) -> Iterator[Client]:
    """Two models and none named for /invocations; started by Gunicorn's own command."""
    application = f"reference_server:create_app({str(repository)!r})"
    announce = "tests.server.gunicorn_conf"
    command = ("-m", "gunicorn", application, "--config", f"python:{announce}", "--threads", "2")
    with running(*command) as client:
        yield client


@pytest.mark.parametrize("model", RECIPES)
def test_answers_are_those_of_mlflow(models: Repository, repository: Path, model: str) -> None:
    served = models.find(model)
    cases = json.loads((repository / model / "answers.json").read_text("utf-8"))["cases"]
    for case in cases:
        body = json.dumps(case["request"]).encode()
        if case["protocol"] == "mlflow" and case["response"] is not None:
            schema = served.pyfunc.metadata.get_input_schema()
            expected = scoring_server.invocations(body, "application/json", served.pyfunc, schema)
            assert json.loads(scoring.invoke(served, body, "application/json")) == json.loads(
                expected.response
            )
        elif case["protocol"] == "mlflow":
            with pytest.raises(ServingError) as refused:
                scoring.invoke(served, body, "application/json")
            assert refused.value.status // 100 == int(case["status"][0]), case["name"]


@pytest.mark.parametrize(("path", "body"), [("/ping", b"\n"), ("/health", b"\n"), ("/version", None)])
def test_health_and_version(client: Client, path: str, body: bytes | None) -> None:
    answer = client.get(path)
    assert answer.status == 200
    assert answer.body == (body or mlflow.__version__.encode())


def test_csv_and_parquet(client: Client, frame: pd.DataFrame) -> None:
    expected = client.post("/invocations", {"dataframe_split": frame.to_dict("split")}).json
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    csv = frame.to_csv(index=False).encode()
    assert client.send("POST", "/invocations", csv, CSV).json == expected
    assert (
        client.send("POST", "/invocations", csv, {"Content-Type": "TEXT/CSV; charset=UTF-8"}).json == expected
    )
    assert client.send("POST", "/invocations", parquet.getvalue(), PARQUET).json == expected


def failed(answer: Any, status: int) -> str:
    """The message of an error in MLflow's form."""
    assert answer.status == status, answer
    assert not violations("mlflow/error", answer.json)
    assert set(answer.json) == {"error_code", "message"}
    message = str(answer.json["message"])
    assert "Traceback" not in message
    assert "site-packages" not in message
    return message


@pytest.mark.parametrize(
    ("body", "fragment"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"inputs": [NaN, nan]}', "not valid JSON"),
        (b'{"inputs": [-NaN]}', "not valid JSON"),
        (b'{"inputs": [NaN], "inputs": 1}', "two members named 'inputs'"),
        (b'{"inputs": 1, "inputs": 1}', "two members named 'inputs'"),
        (b"[]", "must be a JSON dictionary"),
        (b"{}", "exactly one of the input fields"),
        (b'{"inputs": [1], "instances": [1]}', "exactly one of the input fields"),
        (b'{"inputs": null}', "signature"),
        (b'{"instances": 5}', "signature"),
        (b'{"dataframe_split": [1]}', "dataframe_split must be an object"),
        (b'{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}', "dataframe_split"),
        (b'{"dataframe_records": "x"}', "must be a list of records"),
        (b'{"dataframe_records": [{"a": {}}]}', "missing inputs ['fixed acidity'"),
    ],
)
def test_json_at_fault(client: Client, body: bytes, fragment: str) -> None:
    assert fragment in failed(client.post("/invocations", body), 400)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, b"{}", 415),
        ({"Content-Type": "application/pdf"}, b"{}", 415),
        ({"Content-Type": "application/json; charset=utf-16"}, b"{}", 415),
        ({"Content-Type": "application/json; format=pandas-split"}, b"{}", 415),
        (JSON | {"Content-Encoding": "gzip"}, b"{}", 415),
        (CSV, b"a,b\n1,2,3,4\n1", 400),
        (CSV, b"", 400),
        (CSV, b"\xff\xfe", 400),
        (PARQUET, b"PAR1", 400),
    ],
)
def test_media_types_at_fault(client: Client, headers: dict[str, str], body: bytes, status: int) -> None:
    failed(client.send("POST", "/invocations", body, headers), status)


def test_the_framework_speaks_mlflows_form(client: Client) -> None:
    assert "no such endpoint" in failed(client.get("/nothing"), 404)
    answer = client.get("/invocations")
    assert failed(answer, 405) == "GET is not allowed here; use POST"
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("form", ["inputs", "instances", "dataframe_split", "dataframe_records"])
def test_no_rows_for_a_model_that_needs_them(client: Client, frame: pd.DataFrame, form: str) -> None:
    empty = frame.head(0)
    named = {"inputs": empty.to_dict("list"), "dataframe_split": empty.to_dict("split")}
    failed(client.post("/invocations", {form: named.get(form, [])}), 400)


def test_params_of_another_type_are_refused(models: Repository) -> None:
    served = models.find("params")
    body = {"dataframe_split": {"columns": ["x"], "data": [[1.0]]}, "params": {"factor": []}}
    with pytest.raises(ServingError, match="parameter 'factor'") as refused:
        scoring.invoke(served, json.dumps(body).encode(), "application/json")
    assert refused.value.status == 400


def test_a_failing_model_is_no_mistake_of_the_client(models: Repository) -> None:
    served = models.find("raises")
    name = served.pyfunc.metadata.get_input_schema().input_names()[0]
    body = json.dumps({"dataframe_split": {"columns": [name], "data": [[1.0]]}}).encode()
    with pytest.raises(ModelError) as refused:
        scoring.invoke(served, body, "application/json")
    assert str(refused.value) == "model 'raises' failed on this input; the server's log has the cause"


def test_nan_is_null_and_infinity_an_error(models: Repository) -> None:
    served = models.find("nonfinite")
    body = b'{"dataframe_split": {"columns": ["x"], "data": [[0.5], [%s]]}}'
    answer = scoring.invoke(served, body % b"1", "application/json")
    assert json.loads(answer) == {"predictions": [{"y": 0.5}, {"y": None}]}
    for value in (b"2", b"3"):
        with pytest.raises(ModelError, match="Infinity"):
            scoring.invoke(served, body % value, "application/json")


def test_invocations_asks_for_a_name_among_several_models(nameless: Client) -> None:
    message = failed(nameless.post("/invocations", {"inputs": [1]}), 404)
    assert "--invocations NAME" in message
    assert nameless.get("/ping").status == 200
    assert nameless.get("/v2/models/tensor/ready").status == 200
