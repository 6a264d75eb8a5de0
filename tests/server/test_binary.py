"""Binary tensor data at the reference server: what it takes and gives, and how it tells mistakes."""

import json
import struct
from typing import Any

import pytest

from tests.server.conftest import Answer, Client

HEADER = "Inference-Header-Content-Length"
OCTETS = {"Content-Type": "application/octet-stream"}
X, Y = struct.pack("<d", 1.5), struct.pack("<d", 2.0)


def binary(name: str, blob: bytes, datatype: str = "FP64", **members: Any) -> dict[str, Any]:
    """An input of one row that is binary."""
    size = {"binary_data_size": len(blob)}
    return {"name": name, "shape": [1, 1], "datatype": datatype, "parameters": size} | members


def send(
    client: Client, model: str, message: Any, *blobs: bytes, length: object = None, **more: Any
) -> Answer:
    """The answer to a message and bytes behind it. ``length``: another header than it should have."""
    text = json.dumps(message).encode() if message is not None else b""
    headers = OCTETS | {HEADER: str(len(text) if length is None else length)} | more
    return client.send("POST", f"/v2/models/{model}/infer", b"".join([text, *blobs]), headers)


def read(answer: Answer) -> tuple[dict[str, Any], bytes]:
    """The JSON of a binary answer, and the bytes behind it."""
    assert answer.headers["Content-Type"] == "application/octet-stream"
    end = int(answer.headers[HEADER])
    return json.loads(answer.body[:end]), answer.body[end:]


def pair(*outputs: tuple[str, bool | None], **parameters: bool) -> dict[str, Any]:
    """A request of multi-output in JSON and binary data, with its outputs."""
    inputs = [binary("x", X), {"name": "y", "shape": [1, 1], "datatype": "FP64", "data": [2.0]}]
    listed = [
        {"name": name} | ({} if told is None else {"parameters": {"binary_data": told}})
        for name, told in outputs
    ]
    return {"inputs": inputs, "parameters": parameters} | ({"outputs": listed} if listed else {})


def test_each_output_in_its_form(client: Client) -> None:
    wanted = pair(("sign", True), ("sum", False), ("floor", None), ("larger", True))
    message, blob = read(send(client, "multi-output", wanted, X))
    sign, total, floor, larger = message["outputs"]
    assert sign["parameters"] == {"content_type": "str", "binary_data_size": 4 + len("≥0".encode())}
    assert (total["data"], floor["data"]) == ([3.5], [1])
    assert larger["parameters"]["binary_data_size"] == 1
    assert not {"data"} & (sign.keys() | larger.keys())
    assert blob == struct.pack("<I", 4) + "≥0".encode() + b"\0"


@pytest.mark.parametrize(
    ("outputs", "all_", "expected"),
    [
        ([("sum", None)], True, True),
        ([("sum", False)], True, False),
        ([("sum", True)], False, True),
        ([("sum", None)], False, False),
    ],
)
def test_an_output_overrides_the_request(
    client: Client, outputs: list[tuple[str, bool | None]], all_: bool, expected: bool
) -> None:
    answer = send(client, "multi-output", pair(*outputs, binary_data_output=all_), X)
    assert answer.status == 200
    assert (HEADER in answer.headers) == expected


def test_numbers_that_json_lacks(client: Client) -> None:
    data = struct.pack("<2I", 0x7FC00123, 0x80000000) + struct.pack("<f", float("-inf"))  # NaN, -0.0
    tensor = binary("input-0", data, "FP32", shape=[1, 3])
    message = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    assert read(send(client, "tensor", message, data))[1] == data


def test_a_body_of_data_alone(client: Client) -> None:
    data = struct.pack("<3f", 0.5, -1.25, 16777216.0)
    message, blob = read(send(client, "tensor", None, data))
    assert message["outputs"][0]["shape"] == [1, 3]
    assert blob == data


DOUBLE = {"inputs": [binary("x", X), binary("y", Y)]}


def changed(**members: Any) -> dict[str, Any]:
    """The request with other members of its first input."""
    return {"inputs": [binary("x", X) | members, binary("y", Y)]}


@pytest.mark.parametrize(
    ("message", "blobs", "length", "told"),
    [
        (DOUBLE, (X,), None, "inputs[1] ('y'): binary_data_size is 8, and 0 bytes are left of the body"),
        (DOUBLE, (X, Y, b"abc"), None, "3 bytes are left of the body after those of all inputs"),
        (changed(shape=[2, 1]), (X, Y), None, "inputs[0] ('x'): 1 elements for shape [2, 1]"),
        (changed(data=[1.5]), (X, Y), None, "inputs[0] has data and binary_data_size: send one of the two"),
        (changed(datatype="FP80"), (X, Y), None, "datatype"),
        (changed(shape=[1] * 65), (X, Y), None, "inputs[0] ('x'): shape has 65 dimensions"),
        (changed(parameters={"binary_data_size": -8}), (X, Y), None, "binary_data_size must be a number of"),
        (changed(parameters={"binary_data_size": "8"}), (X, Y), None, "must be a number of bytes, not 8"),
        (changed(parameters={"binary_data_size": True}), (X, Y), None, "must be a number of bytes, not True"),
        (changed(parameters={"binary_data_size": 7}), (X, Y), None, "7 bytes are no whole number of FP64"),
        (changed(parameters={}), (X, Y), None, "inputs[0]: 'data' is a required property"),
        (DOUBLE, (X, Y), "ten", f"{HEADER} must be the length of the JSON, 0 to "),
        (DOUBLE, (X, Y), -1, "not '-1'"),
        (DOUBLE, (X, Y), 10**30, "not '1000000000000000000000000000000'"),
        (DOUBLE, (X, Y), 5, "the body is not valid JSON"),
        (DOUBLE, (X, Y), 0, f"{HEADER} 0 is for models with one input of numbers"),
        ([1], (), None, "the body must be a JSON object"),
        ({"inputs": 7}, (), None, "inputs"),
        ({"inputs": [7]}, (), None, "inputs[0]"),
        (DOUBLE | {"parameters": {"binary_data_output": 1}}, (X, Y), None, "parameters.binary_data_output"),
        (
            DOUBLE | {"outputs": [{"name": "sum", "parameters": {"binary_data": "yes"}}]},
            (X, Y),
            None,
            "outputs[0].parameters.binary_data must be true or false, not yes",
        ),
    ],
)
def test_mistakes_are_told(
    client: Client, message: Any, blobs: tuple[bytes, ...], length: object, told: str
) -> None:
    answer = send(client, "multi-output", message, *blobs, length=length)
    assert answer.status == 400
    assert told in answer.json["error"]
    assert send(client, "multi-output", DOUBLE, X, Y).status == 200


@pytest.mark.parametrize(
    ("blob", "told"),
    [
        (b"\xff\xff\xff\xffx", "the element at byte 0 is longer than what is left"),
        (b"\1\0", "the element at byte 0 is longer than what is left"),
        (struct.pack("<I", 1) + b"\xff", "is no UTF-8, and this server takes text"),
    ],
)
def test_texts_at_fault(client: Client, blob: bytes, told: str) -> None:
    answer = send(client, "text", {"inputs": [binary("text", blob, "BYTES")]}, blob)
    assert answer.status == 400
    assert told in answer.json["error"]


def test_bytes_without_the_header(client: Client) -> None:
    text = json.dumps(DOUBLE).encode()
    answer = client.post("/v2/models/multi-output/infer", text + X + Y)
    assert answer.status == 400
    assert answer.json["error"].endswith(f"with binary data, {HEADER} is needed")
