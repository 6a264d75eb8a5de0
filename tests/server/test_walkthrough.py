"""The seed's three requests, and the known answers of every fixture."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.zoo import RECIPES
from spec.tables import DATATYPES
from spec.validation import is_valid, violations
from tests.server.conftest import Client

WINE = 5.576883967129615


def test_infer_scores_the_seeds_row(client: Client, wine: dict[str, Any]) -> None:
    answer = client.infer("wine-classifier", wine)
    assert answer.status == 200, answer
    (output,) = answer.json["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("quality", "FP64", [1, 1])
    assert output["data"] == pytest.approx([WINE], abs=1e-5)


def test_invocations_scores_the_seeds_row(client: Client, wine: dict[str, Any]) -> None:
    names, row = zip(*[(i["name"], *i["data"]) for i in wine["inputs"]], strict=True)
    answer = client.post("/invocations", {"dataframe_split": {"columns": names, "data": [row]}})
    assert answer.status == 200, answer
    assert answer.json == {"predictions": [pytest.approx(WINE, abs=1e-9)]}


@pytest.mark.parametrize("slash", ["", "/"])
def test_metadata_says_what_the_signature_says(client: Client, wine: dict[str, Any], slash: str) -> None:
    answer = client.get("/v2/models/wine-classifier" + slash).json
    tensor = {"datatype": "FP64", "shape": [-1, 1], "parameters": {"content_type": "np"}}
    assert answer["inputs"] == [{"name": i["name"]} | tensor for i in wine["inputs"]]
    assert answer["outputs"] == [{"name": "quality"} | tensor]
    assert answer["parameters"] == {"content_type": "pd"}
    assert (answer["name"], answer["platform"]) == ("wine-classifier", "mlflow_pyfunc")
    assert "versions" not in answer


@pytest.mark.parametrize("model", RECIPES)
def test_infer_gives_the_known_answers(client: Client, repository: Path, model: str) -> None:
    cases = json.loads((repository / model / "answers.json").read_text("utf-8"))["cases"]
    for case in cases:
        if case["protocol"] == "v2":
            _check_infer(client, model, case)


def _check_infer(client: Client, model: str, case: dict[str, Any]) -> None:
    answer = client.infer(model, case["request"])
    if not is_valid("v2/inference-request", case["request"]):
        assert answer.status == 400, (case["name"], answer)
        return
    if case["response"] is None:
        assert answer.status // 100 == int(case["status"][0]), (case["name"], answer)
        assert not violations("v2/error", answer.json)
        return
    assert answer.status == 200, (case["name"], answer)
    assert not violations("v2/inference-response", answer.json)
    metadata = {t["name"]: t for t in client.get(f"/v2/models/{model}").json["outputs"]}
    for output, known in zip(answer.json["outputs"], case["response"]["outputs"], strict=True):
        assert (output["name"], output["datatype"]) == (known["name"], known["datatype"])
        _assert_same(output["data"], known, case.get("tolerance", 0))
        if metadata:
            said = metadata[output["name"]]
            assert output["datatype"] == said["datatype"]
            assert output["parameters"] == said["parameters"]
            assert [n if m == -1 else m for n, m in zip(output["shape"], said["shape"], strict=True)] == (
                output["shape"]
            )


def _assert_same(data: list[Any], known: dict[str, Any], tolerance: float) -> None:
    dtype = DATATYPES[known["datatype"]].numpy
    if np.dtype(dtype).kind == "f":
        np.testing.assert_allclose(np.array(data, dtype), np.array(known["data"], dtype), rtol=tolerance)
    else:
        assert data == known["data"]
