"""Predictions against the signature: what models return, in all the forms that they return it."""

import datetime
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.types.schema import AnyType, Array, ColSpec, DataType, Map, Object, Property, Schema, TensorSpec

from reference_server import encoding, jsonio
from reference_server.codecs.elements import CodecError
from reference_server.errors import ModelError
from reference_server.signature import Side, side

DOUBLE = Schema([ColSpec("double", "y")])
LONG = Schema([ColSpec("long", "y")])
TWO = Schema([ColSpec("double", "a"), ColSpec("string", "b", required=False)])
UNNAMED = Schema([ColSpec("double"), ColSpec("double")])
OBJECT = Schema([ColSpec(Object([Property("k", DataType.long)]), "y")])
ARRAY = Schema([ColSpec(Array(DataType.double), "y")])
TENSOR = Schema([TensorSpec(np.dtype("float32"), (-1, 2))])
TENSORS = Schema([TensorSpec(np.dtype("int64"), (-1, 2), "p"), TensorSpec(np.dtype("str"), (-1,), "q")])


def outputs(schema: Schema | None) -> Side | None:
    """The outputs of a schema."""
    return side(schema, "output-")


def encoded(prediction: Any, schema: Schema | None) -> dict[str, Any]:
    """The shape and the data of each output."""
    parts = encoding.split(prediction, outputs(schema))
    made = [encoding.encode(tensor, values, tensor.content_type) for tensor, values in parts]
    return {o["name"]: (o["shape"], o["data"]) for o in json.loads(jsonio.dumps(made))}


@pytest.mark.parametrize(
    "prediction",
    [
        np.array([1.0, 2.0]),
        np.array([[1.0], [2.0]]),
        np.array([1, 2], "uint8"),
        np.array([1.0, 2.0], object),
        [1.0, 2],
        [[1.0], [2.0]],
        [np.float32(1), np.int64(2)],
        [{"y": 1.0}, {"y": 2.0}],
        pd.Series([1.0, 2.0], name="z"),
        pd.Series([1, 2], dtype="Int64"),
        pd.DataFrame({"y": [1.0, 2.0], "other": ["a", "b"]}),
        {"y": [1.0, 2.0]},
        {"y": np.array([1.0, 2.0])},
    ],
)
def test_a_column_in_all_its_forms(prediction: Any) -> None:
    assert encoded(prediction, DOUBLE) == {"y": ([2, 1], [1.0, 2.0])}


def test_a_single_value_is_a_row() -> None:
    assert encoded(np.float64(1.5), DOUBLE) == {"y": ([1, 1], [1.5])}
    assert encoded("x", Schema([ColSpec("string", "y")])) == {"y": ([1, 1], ["x"])}


@pytest.mark.parametrize(
    ("prediction", "schema", "expected"),
    [
        (pd.DataFrame({"b": ["x"], "a": [1.0]}), TWO, {"a": ([1, 1], [1.0]), "b": ([1, 1], ["x"])}),
        (pd.DataFrame({"a": [1.0]}), TWO, {"a": ([1, 1], [1.0])}),
        ([{"a": 1.0, "b": "x"}], TWO, {"a": ([1, 1], [1.0]), "b": ([1, 1], ["x"])}),
        (np.array([[1.0, 2.0]]), UNNAMED, {"output-0": ([1, 1], [1.0]), "output-1": ([1, 1], [2.0])}),
        (pd.DataFrame([[1.0, 2.0]]), UNNAMED, {"output-0": ([1, 1], [1.0]), "output-1": ([1, 1], [2.0])}),
        ([{"k": 1}, {"k": 2}], OBJECT, {"y": ([2, 1], ['{"k":1}', '{"k":2}'])}),
        (np.ones((1, 2)), TENSOR, {"output-0": ([1, 2], [1.0, 1.0])}),
        (pd.DataFrame([[1.0, 2.0]]), TENSOR, {"output-0": ([1, 2], [1.0, 2.0])}),
        (
            {"p": np.array([[1, 2**53 + 1]]), "q": np.array([b"\xc3\xa9"])},
            TENSORS,
            {"p": ([1, 2], [1, 2**53 + 1]), "q": ([1], ["é"])},
        ),
        (
            [datetime.date(2026, 1, 2)],
            Schema([ColSpec("datetime", "y")]),
            {"y": ([1, 1], ["2026-01-02"])},
        ),
        (pd.DataFrame({"y": []}), LONG, {"y": ([0, 1], [])}),
        ([], DOUBLE, {"y": ([0, 1], [])}),
        ([b"\xff"], Schema([ColSpec("binary", "y")]), {"y": ([1, 1], ["/w=="])}),
        (np.ones((2, 1)), ARRAY, {"y": ([2, 1], ["[1.0]", "[1.0]"])}),
        (np.ones((1, 2)), ARRAY, {"y": ([1, 1], ["[1.0,1.0]"])}),
        ([(1.0, "x")], TWO, {"a": ([1, 1], [1.0]), "b": ([1, 1], ["x"])}),
        ([{"p": [1, 2], "q": "a"}], TENSORS, {"p": ([1, 2], [1, 2]), "q": ([1], ["a"])}),
    ],
)
def test_predictions_that_fit(prediction: Any, schema: Schema, expected: dict[str, Any]) -> None:
    assert encoded(prediction, schema) == expected


BIG = 2**53 + 1


@pytest.mark.parametrize(
    ("prediction", "kind", "expected"),
    [
        (np.array([0.5, np.nan]), "double", [0.5, None]),
        ([0.5, None], "float", [0.5, None]),
        (pd.Series([BIG, None], dtype="Int64"), "long", [BIG, None]),
        ([BIG, None], "long", [BIG, None]),
        ([{"y": BIG}, {"y": None}], "long", [BIG, None]),
        (pd.DataFrame({"y": [1, np.nan]}), "integer", [1, None]),
        (pd.Series([True, None], dtype="boolean"), "boolean", [True, None]),
        (pd.Series(["a", None]), "string", ["a", None]),
        (np.array(["a", np.nan], object), "string", ["a", None]),
        ([b"a", pd.NA], "binary", ["YQ==", None]),
        (pd.to_datetime(pd.Series(["2026-01-01", None])), "datetime", ["2026-01-01T00:00:00", None]),
        ([np.datetime64("NaT"), datetime.date(2026, 1, 2)], "datetime", [None, "2026-01-02"]),
        ([{"k": math.nan}, None], Object([Property("k", DataType.double)]), ['{"k":null}', "null"]),
    ],
)
def test_what_a_prediction_lacks_is_null(prediction: Any, kind: Any, expected: list[Any]) -> None:
    rows = len(expected)
    assert encoded(prediction, Schema([ColSpec(kind, "y")])) == {"y": ([rows, 1], expected)}


def test_what_a_tensor_lacks_is_null() -> None:
    assert encoded(np.array([[0.5, np.nan]], "float32"), TENSOR) == {"output-0": ([1, 2], [0.5, None])}
    texts = {"p": np.array([[1, 2]]), "q": np.array(["a", None], object)}
    assert encoded(texts, TENSORS) == {"p": ([1, 2], [1, 2]), "q": ([2], ["a", None])}


@pytest.mark.parametrize(
    ("prediction", "datatype", "expected"),
    [
        (pd.Series([BIG, None], dtype="Int64"), "INT64", [BIG, None]),
        ([0.5, None], "FP64", [0.5, None]),
        ([True, None], "BOOL", [True, None]),
        (["a", None], "BYTES", ["a", None]),
        ([2**70, None], "BYTES", [str(2**70), "null"]),
    ],
)
def test_gaps_do_not_change_what_a_prediction_is(prediction: Any, datatype: str, expected: Any) -> None:
    ((tensor, values),) = encoding.split(prediction, None)
    assert tensor.datatype == datatype
    assert encoded(values, None) == {"output-0": ([2, 1], expected)}


@pytest.mark.parametrize(
    ("prediction", "schema"),
    [
        (np.array([1.5]), LONG),
        (np.array([2.0**63]), LONG),
        (np.array(["1"]), LONG),
        (np.array([True]), LONG),
        (np.array([np.inf]), DOUBLE),
        ([None, -np.inf], DOUBLE),
        (np.array([np.nan, 1.5]), LONG),
        ({"y": [1.0], 1: [1.0], "1": [1.0]}, DOUBLE),
        (np.ones((1, 2)), DOUBLE),
        (pd.DataFrame({"z": [1.0]}), DOUBLE),
        ({"z": [1.0]}, DOUBLE),
        (None, DOUBLE),
        ([[1.0], [1.0, 2.0]], DOUBLE),
        (np.ones((1, 3)), UNNAMED),
        (pd.DataFrame([[1.0]]), UNNAMED),
        ([1.0], TWO),
        (pd.DataFrame({"a": [1.0], "b": [1]}), TWO),
        ([object()], OBJECT),
        (np.ones((1, 3)), TENSOR),
        (np.array([[1e39, 0.0]]), TENSOR),
        ({"p": np.ones((1, 2))}, TENSORS),
        ({"p": np.ones((1, 2)), "q": np.array([b"\xff"])}, TENSORS),
    ],
)
def test_predictions_that_do_not_fit(prediction: Any, schema: Schema) -> None:
    with pytest.raises(ModelError) as refused:
        encoded(prediction, schema)
    assert refused.value.status == 500
    assert "fit" in str(refused.value)


@pytest.mark.parametrize(
    ("prediction", "name", "datatype", "content_type", "shape"),
    [
        (np.ones((2, 3), "float16"), "output-0", "FP16", "np", [2, 3]),
        (np.ones(2, bool), "output-0", "BOOL", "np", [2, 1]),
        (pd.Series(["a"]), "output-0", "BYTES", "str", [1, 1]),
        ([b"a"], "output-0", "BYTES", "base64", [1, 1]),
        (np.array(["2026-01-01"], "datetime64[s]"), "output-0", "BYTES", "datetime", [1, 1]),
        (pd.Series(pd.to_datetime(["2026-01-01T00:00:00Z"])), "output-0", "BYTES", "datetime", [1, 1]),
        ([{"a": 1}, {"a": None}], "output-0", "BYTES", "pd_json", [2, 1]),
        (pd.DataFrame({7: [1]}), "7", "INT64", "np", [1, 1]),
        ({"k": np.array([[1, 2]], "uint64")}, "k", "UINT64", "np", [1, 2]),
    ],
)
def test_without_a_signature_the_prediction_describes_itself(
    prediction: Any, name: str, datatype: str, content_type: str, shape: list[int]
) -> None:
    ((tensor, values),) = encoding.split(prediction, None)
    output = encoding.encode(tensor, values, tensor.content_type)
    assert (output["name"], output["datatype"], output["shape"]) == (name, datatype, shape)
    assert output["parameters"] == {"content_type": content_type}


@pytest.mark.parametrize(
    ("prediction", "datatype", "shape", "data"),
    [
        ([["a", 1]], "BYTES", [1, 1], ['["a",1]']),
        ([[1, True]], "BYTES", [1, 1], ["[1,true]"]),
        ((1, "a"), "BYTES", [2, 1], ["1", '"a"']),
        ([True, 1], "BYTES", [2, 1], ["true", "1"]),
        ([[1], [1, 2]], "BYTES", [2, 1], ["[1]", "[1,2]"]),
        ([np.ones((1, 1), int), np.ones((1, 2), int)], "BYTES", [2, 1], ["[[1]]", "[[1,1]]"]),
        ([[1, None], [2, 3]], "INT64", [2, 2], [1, None, 2, 3]),
        (np.array([[1, 2]], object), "INT64", [1, 2], [1, 2]),
        ([np.ones(2, "float32")], "FP32", [1, 2], [1.0, 1.0]),
        ([[], []], "FP64", [2, 0], []),
        ([BIG, 0.5], "BYTES", [2, 1], [str(BIG), "0.5"]),
        ([2**63 + 1, -1], "BYTES", [2, 1], [str(2**63 + 1), "-1"]),
        (pd.Series(pd.Categorical([BIG, None])), "INT64", [2, 1], [BIG, None]),
        (pd.Categorical(["a", None]), "BYTES", [2, 1], ["a", None]),
        (pd.array([1, None], "Int64"), "INT64", [2, 1], [1, None]),
        (np.ma.array([1, 2], mask=[False, True]), "INT64", [2, 1], [1, None]),
        (np.array("a"), "BYTES", [1, 1], ["a"]),
        (np.array([["2026-01-01"]], "datetime64[ns]"), "BYTES", [1, 1], ['["2026-01-01T00:00:00"]']),
        ([datetime.time(1, 2), b"hi"], "BYTES", [2, 1], ['"01:02:00"', '"aGk="']),
        (np.array([[b"\xff"]]), "BYTES", [1, 1], ['["/w=="]']),
        (None, "BYTES", [1, 1], ["null"]),
    ],
)
def test_nothing_becomes_something_else_for_the_company_it_has(
    prediction: Any, datatype: str, shape: list[int], data: list[Any]
) -> None:
    ((tensor, values),) = encoding.split(prediction, None)
    assert tensor.datatype == datatype
    assert encoded(values, None) == {"output-0": (shape, data)}


@pytest.mark.parametrize("prediction", [[[1j], [1, 2]], np.array([[1j]])])
def test_what_the_protocol_cannot_carry(prediction: Any) -> None:
    with pytest.raises(ModelError):
        encoded(prediction, None)


def test_every_mlflow_type_has_its_tensor() -> None:
    types = [
        *DataType,
        Array(DataType.long),
        Object([Property("k", DataType.long)]),
        Map(DataType.long),
        AnyType(),
    ]
    found = outputs(Schema([ColSpec(kind, f"c{place}") for place, kind in enumerate(types)]))
    assert found is not None
    assert [(t.datatype, t.content_type) for t in found.tensors.values()] == [
        ("BOOL", "np"),
        ("INT32", "np"),
        ("INT64", "np"),
        ("FP32", "np"),
        ("FP64", "np"),
        ("BYTES", "str"),
        ("BYTES", "base64"),
        ("BYTES", "datetime"),
        *[("BYTES", "pd_json")] * 4,
    ]


@pytest.mark.parametrize(
    ("schema", "content_type", "names"),
    [(DOUBLE, "pd", ["y"]), (TENSOR, "np", ["output-0"]), (TENSORS, "dict", ["p", "q"])],
)
def test_the_signature_says_how_tensors_are_grouped(
    schema: Schema, content_type: str, names: list[str]
) -> None:
    found = outputs(schema)
    assert found is not None
    assert (found.content_type, list(found.tensors)) == (content_type, names)


def test_a_tensor_that_the_protocol_has_no_datatype_for() -> None:
    with pytest.raises(CodecError, match="no datatype for complex128"):
        outputs(Schema([TensorSpec(np.dtype("complex128"), (-1,))]))
