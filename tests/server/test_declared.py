"""Tensors that model-settings.json declares, for a model without a signature."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from reference_server.codecs.elements import CodecError
from reference_server.decoding import decode
from reference_server.encoding import encode, split
from reference_server.errors import BadRequest
from reference_server.signature import declared_side
from tests.server.test_outputs import tensor


def declared(name: str, datatype: str, shape: list[int], content_type: str = "") -> dict[str, Any]:
    """A metadata tensor."""
    made = {"name": name, "datatype": datatype, "shape": shape}
    return made | ({"parameters": {"content_type": content_type}} if content_type else {})


X, IMAGE = declared("x", "FP32", [-1]), declared("image", "UINT8", [-1, 2, 2])
TIME, TEXT = declared("t", "BYTES", [-1, 1], "datetime"), declared("s", "BYTES", [-1, 1])


@pytest.mark.parametrize(
    ("tensors", "content_type", "grouping"),
    [
        ([X], None, "pd"),
        ([X, TEXT], None, "pd"),
        ([IMAGE], None, "np"),
        ([IMAGE, X], None, "dict"),
        ([X], "np", "np"),
        ([X], "dict", "dict"),
        ([], "pd", "pd"),
    ],
)
def test_how_they_are_grouped(tensors: list[Any], content_type: str | None, grouping: str) -> None:
    side = declared_side(tensors, content_type)
    assert side.content_type == grouping
    assert list(side.tensors) == [t["name"] for t in tensors]


@pytest.mark.parametrize(
    ("tensors", "content_type", "fragment"),
    [
        ([X, {"name": "y"}], None, r"\[1\]: 'datatype' is a required property"),
        ([X | {"datatype": "fp32"}], None, r"\[0\]\.datatype: 'fp32' is not one of"),
        ([X | {"datatype": "BF16"}], None, r"\[0\]\.datatype: BF16 is not supported"),
        ([X | {"shape": [-2]}], None, r"\[0\]\.shape\[0\]: -2"),
        ([X | {"parameters": {"content_type": "str"}}], None, r"\[0\]\.parameters\.content_type: 'str'"),
        ([X | {"parameters": {"content_type": "pd"}}], None, r"\[0\]\.parameters\.content_type: 'pd'"),
        ([X | {"parameters": 1}], None, r"\[0\]: 1 is not of type 'object'"),
        (["x"], None, r"\[0\]: 'x' is not of type 'object'"),
        ([X, X], None, "'x' is the name of two tensors"),
        ([X], "str", "content_type 'str' is not supported"),
        ([IMAGE], "pd", "content_type pd takes columns"),
        ([IMAGE, X], "np", "content_type np takes one tensor, not 2"),
    ],
)
def test_what_is_wrong_is_named(tensors: list[Any], content_type: str | None, fragment: str) -> None:
    with pytest.raises(CodecError, match=fragment):
        declared_side(tensors, content_type)


def test_requests_are_decoded_by_them() -> None:
    inputs = [tensor("t", "BYTES", ["2026-01-01"]), tensor("x", "INT32", [1])]
    frame = decode({"inputs": inputs}, declared_side([X, TIME], None))
    pd.testing.assert_frame_equal(
        frame, pd.DataFrame({"x": np.array([1], "float32"), "t": pd.DatetimeIndex(["2026-01-01"])})
    )
    image = tensor("image", "UINT8", [0, 1, 2, 3], [1, 2, 2])
    assert decode({"inputs": [image]}, declared_side([IMAGE], None)).tolist() == [[[0, 1], [2, 3]]]
    text = decode({"inputs": [tensor("s", "BYTES", ["a"])]}, declared_side([TEXT], "dict"))
    assert text["s"].tolist() == [["a"]]
    with pytest.raises(BadRequest, match="'x' missing"):
        decode({"inputs": inputs[:1]}, declared_side([X, TIME], None))
    with pytest.raises(BadRequest, match="does not fit the model's"):
        decode({"inputs": [image | {"shape": [1, 4]}]}, declared_side([IMAGE], None))


def test_a_content_type_alone_takes_every_tensor() -> None:
    assert decode({"inputs": [tensor("any", "INT32", [1])]}, declared_side([], "np")).tolist() == [[1]]
    ((output, values),) = split(np.array([1.5]), declared_side([], "np"))
    assert encode(output, values, output.content_type)["name"] == "output-0"


def test_predictions_have_the_declared_shape_and_datatype() -> None:
    side = declared_side([X, TEXT], None)
    parts = split(pd.DataFrame({"s": ["a"], "x": [1]}), side)
    made = [encode(output, values, output.content_type) for output, values in parts]
    assert [(o["name"], o["datatype"], o["shape"]) for o in made] == [
        ("x", "FP32", [1]),
        ("s", "BYTES", [1, 1]),
    ]
