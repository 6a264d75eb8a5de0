"""Requests at fault on /v2: each is answered with 4xx, JSON, and the field's name; the next one works."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from spec.validation import violations
from tests.server.conftest import JSON, Client

INFER = "/v2/models/wine-classifier/infer"

# What of the first input is changed, and what the error must name.
INPUTS: list[tuple[dict[str, Any], str]] = [
    ({"name": 3}, "inputs[0].name"),
    ({"name": "acidity"}, "inputs[0].name: 'acidity' is not an input"),
    ({"name": "alcohol"}, "inputs[10].name: 'alcohol' is given twice"),
    ({"shape": [-1]}, "inputs[0].shape[0]"),
    ({"shape": [1.5]}, "inputs[0].shape[0]"),
    ({"shape": "1"}, "inputs[0].shape"),
    ({"shape": [2]}, "inputs[0] ('fixed acidity'): shape [2] takes 2 elements, data has 1"),
    ({"shape": [10**18, 1]}, "takes 1000000000000000000 elements, data has 1"),
    ({"shape": [10**18, 0], "data": []}, "[N] or [N, 1]"),
    ({"shape": [0, 2**63], "data": []}, "is too large"),
    ({"shape": [2**64]}, "inputs[0].shape[0]"),
    ({"shape": [1] * 65}, "65 dimensions"),
    ({"shape": []}, "[N] or [N, 1]"),
    ({"shape": [], "data": [[1]]}, "inputs[0] ('fixed acidity')"),
    ({"shape": [1, 2], "data": [1, 2]}, "[N] or [N, 1]"),
    ({"shape": [2], "data": [1, 2]}, "the inputs differ in their number of rows"),
    ({"shape": [2, 2], "data": [[1], [1, 2]]}, "data is not nested as shape [2, 2] says"),
    ({"data": [[[1]]]}, "inputs[0] ('fixed acidity')"),
    ({"data": 1}, "inputs[0].data"),
    ({"data": [None]}, "refuses this input (ValueError); there are missing values in 'fixed acidity'"),
    ({"datatype": "INT32", "data": [None]}, "data[0] is null, and integers have no missing value"),
    ({"datatype": "BOOL", "data": [None]}, "data[0] is null, and this input is required"),
    ({"data": [{}]}, "data[0] is a JSON object; FP32 takes number elements"),
    ({"datatype": "INT64", "data": [2**64]}, "data[0] is 18446744073709551616, which is no INT64"),
    ({"datatype": "UINT64", "data": [2**64]}, "data[0] is 18446744073709551616, which is no UINT64"),
    ({"data": [2**24 + 1]}, "data[0] is 16777217, which FP32 holds not exactly"),
    ({"data": ["a"]}, "data[0] is a JSON string; FP32 takes number elements"),
    ({"data": [True]}, "data[0] is a JSON boolean; FP32 takes number elements"),
    ({"data": [1e39]}, "out of the range of FP32"),
    ({"datatype": "FLOAT"}, "inputs[0].datatype"),
    ({"datatype": "fp32"}, "inputs[0].datatype"),
    ({"datatype": "BF16"}, "inputs[0].datatype: BF16 is not supported"),
    ({"datatype": "BYTES", "data": ["7.4"]}, "datatype BYTES cannot be given as FP64"),
    ({"datatype": "BOOL", "data": [True]}, "bool values cannot be given as FP64"),
    ({"datatype": "INT32", "data": [1.5]}, "data[0] is 1.5, which is no INT32"),
    ({"datatype": "INT32", "data": [True]}, "data[0] is a JSON boolean; INT32 takes integer elements"),
    ({"datatype": "UINT8", "data": [256]}, "data[0] is 256, which is no UINT8"),
    ({"datatype": "INT64", "data": [2**63]}, "which is no INT64"),
    ({"datatype": "INT64", "data": [-(2**63) - 1]}, "which is no INT64"),
    ({"datatype": "INT64", "data": [2**53 + 1]}, "cannot be given as FP64 without a loss"),
    ({"parameters": {"content_type": "zz"}}, "inputs[0].parameters.content_type 'zz' is not supported"),
    ({"parameters": {"content_type": "str"}}, "content type str takes datatype BYTES"),
    ({"parameters": {"x": None}}, "inputs[0].parameters.x"),
    ({"parameters": []}, "inputs[0].parameters"),
]

# What is added to the request, and what the error must name.
REQUESTS: list[tuple[dict[str, Any], str]] = [
    ({"id": 3}, "id: 3"),
    ({"id": None}, "id: None"),
    ({"inputs": []}, "'fixed acidity'"),
    ({"inputs": {}}, "inputs"),
    ({"outputs": {}}, "outputs"),
    ({"outputs": [{}]}, "outputs[0]: 'name'"),
    ({"outputs": [{"name": "q"}]}, "outputs[0].name: 'q' is not an output"),
    ({"outputs": [{"name": "quality"}] * 2}, "outputs[1].name: 'quality' is requested twice"),
    ({"outputs": [{"name": "quality", "parameters": {"content_type": "pd"}}]}, "outputs[0].parameters"),
    ({"outputs": [{"name": "quality", "parameters": {"content_type": "str"}}]}, "output 'quality'"),
    ({"parameters": {"content_type": "zz"}}, "parameters.content_type 'zz' is not supported"),
    ({"parameters": {"content_type": "np"}}, "content type np takes one input"),
    ({"parameters": {"x": {}}}, "parameters.x"),
]

# Bodies that are no inference request at all.
BODIES: list[tuple[bytes, str]] = [
    (b"", "not valid JSON"),
    (b"{", "not valid JSON"),
    (b'{"inputs": NaN}', "not valid JSON: NaN is no JSON: write null"),
    (b'{"id": "NaN", "inputs": [-Infinity]}', "not valid JSON: -Infinity is no JSON"),
    (b'{"id": "NaN", "inputs": [nan]}', "not valid JSON: invalid literal"),
    (b'{"inputs": [1e400]}', "not valid JSON"),
    (b'\xef\xbb\xbf{"inputs": []}', "not valid JSON"),
    ('{"inputs": []}'.encode("utf-16"), "not valid JSON"),
    (b'{"id": "\xff", "inputs": []}', "not valid JSON"),
    (b'{"id": "\\ud800", "inputs": []}', "not valid JSON"),
    (b'{"inputs": [], "inputs": []}', "two members named 'inputs'"),
    (b'{"inputs": [{"name": "x", "name": "x"}]}', "two members named 'name'"),
    (b"[" * 100_000, "not valid JSON"),
    (b"[" * 65 + b"]" * 65, "more than 64 deep"),
    (b"[]", "must be a JSON object"),
    (b"null", "must be a JSON object"),
    (b"{}", "'inputs' is a required property"),
]


@pytest.fixture(autouse=True)
def the_next_request_works(client: Client, wine: dict[str, Any]) -> Iterator[None]:
    good = deepcopy(wine)
    yield
    assert client.infer("wine-classifier", good).status == 200


def refused(client: Client, body: Any, fragment: str) -> None:
    answer = client.post(INFER, body)
    assert answer.status == 400, answer
    assert not violations("v2/error", answer.json)
    assert fragment in answer.json["error"]
    assert "Traceback" not in answer.json["error"]
    assert ".py" not in answer.json["error"]


@pytest.mark.parametrize(("change", "fragment"), INPUTS, ids=lambda v: v if isinstance(v, str) else None)
def test_an_input_at_fault(client: Client, wine: dict[str, Any], change: Any, fragment: str) -> None:
    wine["inputs"][0] |= change
    refused(client, wine, fragment)


@pytest.mark.parametrize(("change", "fragment"), REQUESTS, ids=lambda v: v if isinstance(v, str) else None)
def test_a_request_at_fault(client: Client, wine: dict[str, Any], change: Any, fragment: str) -> None:
    refused(client, wine | change, fragment)


@pytest.mark.parametrize(("body", "fragment"), BODIES, ids=lambda v: v if isinstance(v, str) else None)
def test_a_body_at_fault(client: Client, body: bytes, fragment: str) -> None:
    refused(client, body, fragment)


@pytest.mark.parametrize("member", ["name", "shape", "datatype", "data"])
def test_an_input_lacks_a_member(client: Client, wine: dict[str, Any], member: str) -> None:
    del wine["inputs"][1][member]
    refused(client, wine, f"inputs[1]: '{member}' is a required property")


def test_a_column_is_missing(client: Client, wine: dict[str, Any]) -> None:
    del wine["inputs"][1]
    refused(client, wine, "inputs: 'volatile acidity' missing")


def test_no_rows_for_a_model_that_needs_them(client: Client, wine: dict[str, Any]) -> None:
    inputs = [tensor | {"shape": [0], "data": []} for tensor in wine["inputs"]]
    refused(client, {"inputs": inputs}, "no rows")


def test_a_large_request_at_fault_is_explained_at_once(client: Client, wine: dict[str, Any]) -> None:
    rows = 200_000
    inputs = [tensor | {"shape": [rows], "data": tensor["data"] * rows} for tensor in wine["inputs"]]
    inputs[3] |= {"data": [*inputs[3]["data"][1:], "x"]}
    refused(client, {"inputs": inputs}, "inputs[3]")


def test_a_long_name_is_not_repeated_whole(client: Client, wine: dict[str, Any]) -> None:
    wine["inputs"][0] |= {"name": "x" * 1_000_000}
    answer = client.post(INFER, wine)
    assert answer.status == 400
    assert len(answer.body) < 5000


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Content-Type": "Application/JSON; Charset=UTF-8"}, 200),
        ({"Content-Type": 'application/json; charset="utf-8"'}, 200),
        ({"Content-Type": "application/json; charset=latin-1"}, 415),
        ({"Content-Type": "text/plain"}, 415),
        (JSON | {"Content-Encoding": "identity"}, 200),
        (JSON | {"Content-Encoding": "gzip"}, 415),
    ],
)
def test_media_types(client: Client, wine: dict[str, Any], headers: dict[str, str], status: int) -> None:
    answer = client.send("POST", INFER, json.dumps(wine).encode(), headers)
    assert answer.status == status
    assert ("error" in answer.json) == (status != 200)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", INFER, "POST"),
        ("OPTIONS", INFER, "POST"),
        ("DELETE", "/v2", "GET, HEAD"),
        ("POST", "/v2/health/live", "GET, HEAD"),
        ("GET", "/v2/repository/index", "POST"),
    ],
)
def test_methods(client: Client, method: str, path: str, allowed: str) -> None:
    answer = client.send(method, path)
    assert answer.status == 405
    assert sorted(answer.headers["Allow"].split(", ")) == allowed.split(", ")
    assert answer.json["error"] == f"{method} is not allowed here; use {allowed}"


@pytest.mark.parametrize(
    "path", ["/v2/x", "/v2/models", "/v2/models/x", "/v2//health/live", "/v2/models/%2F%00"]
)
def test_paths(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status, list(answer.json)) == (404, ["error"])


def test_a_failing_model_tells_nothing(client: Client) -> None:
    (tensor,) = client.get("/v2/models/raises").json["inputs"]
    body = {"inputs": [{"name": tensor["name"], "datatype": tensor["datatype"], "shape": [1], "data": [1]}]}
    answer = client.infer("raises", body)
    assert answer.status == 500
    assert answer.json == {"error": "model 'raises' failed on this input; the server's log has the cause"}


def test_a_prediction_that_is_missing(client: Client) -> None:
    body = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [2], "data": [0.5, 1.0]}]}
    (output,) = client.infer("nonfinite", body).json["outputs"]
    assert (output["datatype"], output["data"]) == ("FP64", [0.5, None])


@pytest.mark.parametrize("value", [2.0, 3.0])
def test_a_prediction_that_json_cannot_express(client: Client, value: float) -> None:
    body = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [2], "data": [0.5, value]}]}
    answer = client.infer("nonfinite", body)
    assert answer.status == 500
    assert "output 'y'" in answer.json["error"]
    assert "element 1 is" in answer.json["error"]
