"""What a client may ask of an answer: id, outputs, content types, params, shapes."""

import base64
from typing import Any

import pytest

from tests.server.conftest import Client


def tensor(name: str, datatype: str, data: list[Any], shape: Any = None, content_type: str = "") -> Any:
    """A request input; a column unless a shape is given."""
    made = {"name": name, "datatype": datatype, "shape": shape or [len(data), 1], "data": data}
    return made | ({"parameters": {"content_type": content_type}} if content_type else {})


@pytest.mark.parametrize("identifier", ["42", "", "naïve ☃ 𝄞", '"\\/\u2028\x00', " " * 1000])
def test_the_id_comes_back(client: Client, wine: dict[str, Any], identifier: str) -> None:
    assert client.infer("wine-classifier", wine | {"id": identifier}).json["id"] == identifier


def test_absent_members_stay_absent(client: Client, wine: dict[str, Any]) -> None:
    assert set(client.infer("wine-classifier", wine).json) == {"model_name", "parameters", "outputs"}


def test_outputs_come_in_the_order_asked_for(client: Client) -> None:
    metadata = client.get("/v2/models/multi-output").json
    names = [output["name"] for output in metadata["outputs"]][::-1]
    inputs = [tensor(i["name"], i["datatype"], [1, 2]) for i in metadata["inputs"]]
    for asked in (names, names[:1], names[1:]):
        answer = client.infer("multi-output", {"inputs": inputs, "outputs": [{"name": n} for n in asked]})
        assert [output["name"] for output in answer.json["outputs"]] == asked
    everything = client.infer("multi-output", {"inputs": inputs}).json
    assert client.infer("multi-output", {"inputs": inputs, "outputs": []}).json == everything


def test_text_can_be_asked_for_as_base64(client: Client) -> None:
    metadata = client.get("/v2/models/string-labels").json
    inputs = [tensor(i["name"], i["datatype"], [1]) for i in metadata["inputs"]]
    name = metadata["outputs"][0]["name"]
    (plain,) = client.infer("string-labels", {"inputs": inputs}).json["outputs"]
    asked = {"name": name, "parameters": {"content_type": "base64"}}
    (encoded,) = client.infer("string-labels", {"inputs": inputs, "outputs": [asked]}).json["outputs"]
    assert [base64.b64decode(text).decode() for text in encoded["data"]] == plain["data"]
    assert (encoded["parameters"], encoded["datatype"]) == ({"content_type": "base64"}, "BYTES")


@pytest.mark.parametrize(
    ("column", "datatype", "data"),
    [
        ("double", "FP16", [0.5, -2.0]),
        ("double", "UINT8", [0, 255]),
        ("double", "INT64", [2**53, -(2**53)]),
        ("float", "FP64", [0.1, 0.2]),
        ("float", "INT16", [1, 2]),
        ("long", "UINT32", [2**32 - 1, 0]),
        ("long", "FP32", [3.0, -4.0]),
        ("long", "INT64", [2**53 + 1, -(2**63)]),
        ("integer", "INT64", [2**31 - 1, -(2**31)]),
    ],
)
def test_values_are_taken_in_every_datatype_that_keeps_them(
    client: Client, column: str, datatype: str, data: list[Any]
) -> None:
    body = {"inputs": [tensor("double", "FP64", [1.0, 1.0]), tensor(column, datatype, data)]}
    body["inputs"] = body["inputs"][column == "double" :]
    answer = client.infer("optional-columns", body)
    assert answer.status == 200, answer
    assert {o["name"]: o["data"] for o in answer.json["outputs"]}[column] == pytest.approx(data, rel=1e-7)


@pytest.mark.parametrize(
    ("column", "datatype", "data"),
    [
        ("long", "FP64", [0.5, 1.0]),
        ("integer", "INT64", [2**31, 0]),
        ("float", "FP64", [1e39, 0.0]),
        ("boolean", "INT8", [0, 1]),
        ("string", "FP64", [0.5, 1.0]),
        ("binary", "BYTES", ["AA=", "AA=="]),
        ("datetime", "BYTES", ["2026-01-01", "x"]),
        ("datetime", "BYTES", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"]),
        ("datetime", "BYTES", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00"]),
        ("datetime", "BYTES", ["0001-01-01", "9999-01-01"]),
        ("datetime", "BYTES", ["now", "today"]),
    ],
)
def test_values_that_a_column_would_change_are_refused(
    client: Client, column: str, datatype: str, data: list[Any]
) -> None:
    inputs = [tensor("double", "FP64", [1.0, 1.0]), tensor(column, datatype, data)]
    answer = client.infer("optional-columns", {"inputs": inputs})
    assert answer.status == 400, answer
    assert f"inputs[1] ({column!r})" in answer.json["error"]


def test_the_requests_content_type_wins(client: Client) -> None:
    columns = [tensor("double", "FP64", [1.0]), tensor("string", "BYTES", ["aGk="], content_type="base64")]
    answer = client.infer("optional-columns", {"inputs": columns})
    assert answer.status == 400
    assert "inputs[1] ('string')" in answer.json["error"]
    columns = [tensor("double", "FP64", [1.0]), tensor("string", "BYTES", ["aGk="], content_type="np")]
    outputs = client.infer("optional-columns", {"inputs": columns}).json["outputs"]
    assert {o["name"]: o["data"] for o in outputs}["string"] == ["aGk="]


@pytest.mark.parametrize(
    ("content_type", "shape", "names", "shapes"),
    [
        ("", [2], ["a"], [[2, 1]]),
        ("pd", [2, 1], ["a"], [[2, 1]]),
        ("", [2, 2], ["output-0"], [[2, 2]]),
        ("np", [2], ["output-0"], [[2, 1]]),
        ("dict", [2, 2], ["a"], [[2, 2]]),
    ],
)
def test_without_a_signature_the_request_says_what_the_model_gets(
    client: Client, content_type: str, shape: list[int], names: list[str], shapes: list[list[int]]
) -> None:
    size = 4 if shape == [2, 2] else 2
    body: dict[str, Any] = {"inputs": [tensor("a", "INT64", list(range(size)), shape)]}
    body |= {"parameters": {"content_type": content_type}} if content_type else {}
    outputs = client.infer("no-signature", body).json["outputs"]
    assert [o["name"] for o in outputs] == names
    assert [o["shape"] for o in outputs] == shapes
    assert [o["data"] for o in outputs] == [list(range(size))]


def test_without_a_signature_every_kind_of_text_comes_back(client: Client) -> None:
    data = {
        "str": "é",
        "base64": "aGk=",
        "datetime": "2026-01-02T03:04:05.000006",
        "pd_json": '{"a":[1,null]}',
    }
    inputs = [tensor(kind, "BYTES", [text], content_type=kind) for kind, text in data.items()]
    outputs = client.infer("no-signature", {"inputs": inputs}).json["outputs"]
    assert {o["parameters"]["content_type"]: o["data"][0] for o in outputs} == data


def test_no_rows_are_rows_for_a_model_that_takes_them(client: Client) -> None:
    answer = client.infer("optional-columns", {"inputs": [tensor("double", "FP64", [])]})
    assert answer.status == 200, answer
    assert [(o["shape"], o["data"]) for o in answer.json["outputs"]] == [([0, 1], [])]


def test_a_tensor_keeps_its_fixed_dimensions(client: Client) -> None:
    body = {"inputs": [tensor("input-0", "FP64", [0.5] * 6, [6])]}
    answer = client.infer("tensor", body)
    assert answer.status == 400
    assert "shape [6] does not fit the model's [-1, 3]" in answer.json["error"]
