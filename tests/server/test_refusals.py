"""Whose fault it is that a model does not predict: 400 for what it refuses, 500 for other failures."""

from pathlib import Path
from typing import Any

import pytest
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, Schema

from reference_server import create_app
from tests.saving import save
from tests.server.test_outputs import tensor

pytestmark = pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")  # MLflow advises
SIGNATURE = ModelSignature(
    Schema([ColSpec("double", "a"), ColSpec("double", "b")]), Schema([ColSpec("double")])
)
MLFLOW = "(_ for _ in ()).throw(__import__('mlflow').MlflowException('secret', error_code={code}))"


@pytest.mark.parametrize(
    ("expression", "status", "words"),
    [
        ("int('secret')", 400, "model 'm' refuses this input (ValueError)"),
        ("np.zeros(2) @ np.zeros(3)", 400, "(ValueError)"),
        ("'secret' + 1", 400, "(TypeError)"),
        ("b'\\xff'.decode()", 400, "(UnicodeDecodeError)"),
        (MLFLOW.format(code=1000), 400, "(MlflowException)"),
        (MLFLOW.format(code=1), 500, "model 'm' failed on this input"),
        ("x['secret']", 500, "model 'm' failed on this input"),
        ("1 / 0", 500, "model 'm' failed on this input"),
        ("['text'] * len(x)", 500, "does not fit"),
    ],
)
def test_a_refusal_is_the_clients_and_a_failure_the_servers(
    tmp_path: Path, expression: str, status: int, words: str
) -> None:
    client = create_app(save(tmp_path / "m", expression, signature=SIGNATURE)).test_client()
    inputs = [tensor("a", "FP64", [1.0]), tensor("b", "FP64", [1.0])]
    inferred = client.post("/v2/models/m/infer", json={"inputs": inputs})
    assert inferred.status_code == status
    assert words in inferred.text
    table: Any = {"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, 1.0]]}}
    scored = client.post("/invocations", json=table)
    if words != "does not fit":  # MLflow's protocol has no output types
        assert scored.status_code == status
        assert words in scored.text
    assert "secret" not in inferred.text + scored.text


def test_the_inputs_with_gaps_are_named(tmp_path: Path) -> None:
    client = create_app(save(tmp_path / "m", "int('x')", signature=SIGNATURE)).test_client()
    inputs = [tensor("a", "FP64", [1.0]), tensor("b", "FP64", [None])]
    words = "model 'm' refuses this input (ValueError); there are missing values in 'b'"
    assert words in client.post("/v2/models/m/infer", json={"inputs": inputs}).text
    table: Any = {"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, None]]}}
    assert words in client.post("/invocations", json=table).text
