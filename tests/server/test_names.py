"""Names of columns that are no text: metadata names them as text, the model gets those of its signature."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from flask.testing import FlaskClient
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, Schema

from reference_server import create_app
from reference_server.codecs.elements import CodecError
from reference_server.signature import sides
from tests.saving import save
from tests.server.test_outputs import tensor

TWICE = "x[[0, 2]] * 2"
FRAME = pd.DataFrame(np.ones((1, 3)))


def schema(*names: Any) -> Schema:
    """Columns of doubles."""
    return Schema([ColSpec("double", name) for name in names])


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A model of three numbered columns that returns two of them, doubled."""
    signature = ModelSignature(schema(0, 1, 2), schema(0, 2))
    return create_app(save(tmp_path_factory.mktemp("m") / "m", TWICE, signature=signature)).test_client()


def infer(client: FlaskClient, *inputs: Any, **more: Any) -> Any:
    """The outputs by name, or the error."""
    answer: Any = client.post("/v2/models/m/infer", json={"inputs": inputs, **more}).json
    return answer.get("error") or {o["name"]: o["data"] for o in answer["outputs"]}


def test_metadata_names_numbers_as_text(numbered: FlaskClient) -> None:
    metadata = numbered.get("/v2/models/m").json
    assert metadata is not None
    assert [i["name"] for i in metadata["inputs"]] == ["0", "1", "2"]
    assert [o["name"] for o in metadata["outputs"]] == ["0", "2"]


def test_both_endpoints_take_numbers_for_names(numbered: FlaskClient) -> None:
    inputs = [tensor(str(n), "FP64", [n + 1.0]) for n in (2, 0, 1)]
    assert infer(numbered, *inputs) == {"0": [2.0], "2": [6.0]}
    assert infer(numbered, *inputs, outputs=[{"name": "2"}]) == {"2": [6.0]}
    table = {"dataframe_split": {"columns": [0, 1, 2], "data": [[1, 2, 3]]}}
    assert numbered.post("/invocations", json=table).json == {"predictions": [{"0": 2.0, "2": 6.0}]}
    assert "'3' is not an input; use ['0', '1', '2']" in infer(numbered, tensor("3", "FP64", [1.0]))


def test_negative_numbers_beside_text_and_no_outputs_in_the_signature(tmp_path: Path) -> None:
    signature = ModelSignature(schema(-1, "a"))
    client = create_app(save(tmp_path / "m", "{7: x[-1], 'b': x['a']}", signature=signature)).test_client()
    found = infer(client, tensor("a", "FP64", [2.0]), tensor("-1", "FP64", [1.0]))
    assert found == {"7": [1.0], "b": [2.0]}


def test_columns_without_names_are_numbered_and_in_the_signatures_order(tmp_path: Path) -> None:
    signature = ModelSignature(Schema([ColSpec("double"), ColSpec("string")]))
    client = create_app(save(tmp_path / "m", "x.to_dict('records')", signature=signature)).test_client()
    found = infer(client, tensor("input-1", "BYTES", ["a"]), tensor("input-0", "FP64", [0.5]))
    assert found == {"output-0": ['{"0":0.5,"1":"a"}']}


@pytest.mark.parametrize(
    ("names", "fragment"),
    [
        ((0, "0"), "'0' is the name of two tensors"),
        ((["a", 1], ["a", 2]), r"called \['a', 1\]: give it one name"),
        ((1, 0), "input 1 is called 0, which MLflow takes for 1"),
        (("", "a"), "input 0 is called '', which MLflow takes for 0"),
    ],
)
def test_names_that_cannot_be_served_are_refused_at_start(names: Any, fragment: str) -> None:
    with pytest.raises(CodecError, match=fragment):
        sides(ModelSignature(schema(*names)))
