"""requests, with nothing but JSON, reads what it sent."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.clients.values import LABELS, SCORES, SIGNED, TENSORS, WINE, Array, columns, wine


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


def tensors(arrays: dict[str, Array], datatypes: dict[str, str]) -> list[dict[str, Any]]:
    """Inputs of a request, with flat data."""
    return [
        {"name": n, "shape": list(a.shape), "datatype": datatypes[n], "data": a.flatten().tolist()}
        for n, a in arrays.items()
    ]


def described(session: requests.Session, model: str) -> dict[str, str]:
    """The datatypes of a model's inputs, as its metadata has them."""
    return {tensor["name"]: tensor["datatype"] for tensor in session.get(model).json()["inputs"]}


def test_scores_the_wine_rows(session: requests.Session, url: str) -> None:
    model = f"{url}/v2/models/wine-classifier"
    answer = session.post(f"{model}/infer", json={"inputs": tensors(wine(), described(session, model))})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["outputs"][0]["data"] == pytest.approx(SCORES, abs=1e-9)


def test_invocations_score_the_wine_rows(session: requests.Session, url: str) -> None:
    rows = [dict(zip(WINE, row, strict=True)) for row in zip(*WINE.values(), strict=True)]
    answer = session.post(f"{url}/invocations", json={"dataframe_records": rows})
    assert answer.json() == {"predictions": pytest.approx(SCORES, abs=1e-9)}
    lines = [",".join(WINE), *(",".join(map(str, row.values())) for row in rows)]
    csv = session.post(f"{url}/invocations", "\n".join(lines), headers={"Content-Type": "text/csv"})
    assert csv.json() == answer.json()


@pytest.mark.parametrize(("model", "arrays"), [("echo-columns", columns()), ("tensors", TENSORS)])
def test_reads_back_what_it_sent(
    session: requests.Session, url: str, model: str, arrays: dict[str, Array]
) -> None:
    inputs = tensors(arrays, described(session, f"{url}/v2/models/{model}"))
    answer = session.post(f"{url}/v2/models/{model}/infer", json={"id": "a-1", "inputs": inputs}).json()
    for output in answer["outputs"]:
        del output["parameters"]
    assert (answer["id"], answer["outputs"]) == ("a-1", inputs)


def test_a_body_in_chunks_is_read(session: requests.Session, url: str) -> None:
    body = json.dumps({"inputs": tensors({"x": SIGNED}, {"x": "FP64"})}).encode()
    chunks = (body[i : i + 10] for i in range(0, len(body), 10))
    headers = {"Content-Type": "application/json"}
    answer = session.post(f"{url}/v2/models/string-labels/infer", data=chunks, headers=headers)
    assert answer.json()["outputs"][0]["data"] == LABELS


def test_next_request_of_a_session_works_after_an_error(session: requests.Session, url: str) -> None:
    for path in ("/v2/models/unknown/infer", "/v2/models/wine-classifier/infer", "/v2/nothing", "/ping"):
        refused = session.post(url + path, json={"inputs": "x" * 100_000})
        assert 400 <= refused.status_code < 500, path
        assert refused.json(), path
        assert session.get(f"{url}/v2/health/ready", timeout=5).json() == {"ready": True}
