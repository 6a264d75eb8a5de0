"""Models whose signature comes from the type hint of predict: both endpoints answer alike."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from mlflow.types.schema import Array, DataType, Map, Object, Property

from reference_server import create_app, hints
from reference_server.codecs.elements import CodecError
from tests.saving import save

EACH = "[repr(one) for one in x]"
ITEM = "Item(name='a', price=1.0, tags=None)"
TIME = "datetime.datetime(2020, 1, 1, 0, 0, 0, 500000)"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], FlaskClient]:
    """The client of a model with a type hint; saved once."""
    root, clients = tmp_path_factory.mktemp("hints"), dict[str, FlaskClient]()

    def client(hint: str) -> FlaskClient:
        if hint not in clients:
            folder: Path = save(root / str(len(clients)), EACH, hint=hint)
            clients[hint] = create_app(folder).test_client()
        return clients[hint]

    return client


def both(client: FlaskClient, data: list[Any]) -> tuple[Any, Any]:
    """The predictions of both endpoints; the status where there are none."""
    scored = client.post("/invocations", json={"inputs": data})
    (tensor,) = client.get("/v2/models/m").json["inputs"]  # type: ignore[index]
    elements = list(map(json.dumps, data)) if tensor["parameters"]["content_type"] == "pd_json" else data
    inputs = [
        {"name": tensor["name"], "datatype": tensor["datatype"], "shape": [len(data)], "data": elements}
    ]
    inferred = client.post("/v2/models/m/infer", json={"inputs": inputs})
    return (
        scored.json["predictions"] if scored.status_code == 200 else scored.status_code,  # type: ignore[index]
        [json.loads(text) for text in inferred.json["outputs"][0]["data"]]  # type: ignore[index]
        if inferred.status_code == 200
        else inferred.status_code,
    )


@pytest.mark.parametrize(
    ("hint", "data", "expected"),
    [
        ("list[Item]", [{"name": "a", "price": 1}], [ITEM]),
        ("list[Item]", [{"name": "a", "price": 1.0, "tags": None}] * 2, [ITEM] * 2),
        ("list[Item]", [{"price": 1.5}], 400),
        ("list[Item]", [{"name": "a", "price": "1"}], 400),
        ("list[Item]", ["a"], 400),
        ("list[str]", ["a", ""], ["'a'", "''"]),
        ("list[str]", [1], 400),
        ("list[int]", [1, 2.0], ["1", "2"]),
        ("list[int]", [1.5], 400),
        ("list[float]", [1, 2.5], ["1.0", "2.5"]),
        ("list[float]", [None], 400),
        ("list[list[float]]", [[1, 0.5], []], ["[1.0, 0.5]", "[]"]),
        ("list[dict[str, int]]", [{"a": 1}, {"b": 2.0}], ["{'a': 1}", "{'b': 2}"]),
        ("list[datetime.datetime]", ["2020-01-01T00:00:00.5"], [TIME]),
        ("list[datetime.datetime]", ["01/02/2020"], 400),
        ("list[datetime.datetime]", ["2020-01-01T00:00:00.0000001"], 400),
        ("list[bytes]", [base64.b64encode(b"hi").decode()], ["b'hi'"]),
        ("list[bytes]", ["aGk"], 400),
        ("list[Any]", [1, None, {"a": [2**64]}], ["1", "None", "{'a': [18446744073709551616]}"]),
    ],
)
@pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")
def test_both_endpoints_answer_alike(
    model: Callable[[str], FlaskClient], hint: str, data: list[Any], expected: Any
) -> None:
    scored, inferred = both(model(hint), data)
    assert scored == inferred
    assert (
        scored == expected
        if isinstance(expected, int)
        else [str(text).strip('"') for text in scored] == expected
    )


def test_what_breaks_the_hint_is_named(model: Callable[[str], FlaskClient]) -> None:
    answer = model("list[Item]").post("/invocations", json={"inputs": [{"name": "a"}]})
    assert answer.json is not None
    assert "[0].price: Field required" in answer.json["message"]


def test_values_inside_of_models_have_pythons_types() -> None:
    kind = Object([Property("t", DataType.datetime), Property("b", DataType.binary)])
    found = hints.convert([{"t": "2020-01-01", "b": "aGk=\n", "other": 1}], Array(kind), "")
    assert repr(found) == "[{'t': datetime.datetime(2020, 1, 1, 0, 0), 'b': b'hi', 'other': 1}]"
    assert hints.convert({"a": 1, "b": True, "c": None}, Map(DataType.double), "") == {
        "a": 1.0,
        "b": True,
        "c": None,
    }
    for part, path in (
        ({"t": "13/02/2020"}, r"\[1\]\.t is not an ISO 8601"),
        ({"b": "a"}, r"\.b is not base64"),
    ):
        with pytest.raises(CodecError, match=path):
            hints.convert([{}, part], Array(kind), "")
