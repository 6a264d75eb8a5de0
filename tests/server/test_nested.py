"""JSON values as the types of a signature: the very value, or a refusal that says where."""

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.models.utils import _enforce_type
from mlflow.types.schema import AnyType, Array, DataType, Map, Object, Property

from reference_server import nested
from reference_server.codecs.elements import CodecError

NAN = float("nan")
THING = Object(
    [
        Property("name", DataType.string),
        Property("age", DataType.long, required=False),
        Property("weight", DataType.float, required=False),
        Property("born", DataType.datetime, required=False),
        Property("path", Array(DataType.integer), required=False),
    ]
)


def kept(value: Any, kind: Any, required: bool = True) -> Any:
    """What a model gets: ``nested.read``, then MLflow's own check."""
    return _enforce_type(deepcopy(nested.read(value, kind, required)), kind, required)


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ([1, 2.5, None], Array(DataType.double), [1.0, 2.5, NAN]),
        ([1, 0.5, None], Array(DataType.float), [1.0, 0.5, NAN]),
        ([1, 2.0], Array(DataType.long), [1, 2]),
        ([2**63 - 1], Array(DataType.long), [2**63 - 1]),
        ([1, 2], Array(DataType.integer), [1, 2]),
        ([[1], []], Array(Array(DataType.double)), [[1.0], []]),
        ([True], Array(DataType.boolean), [True]),
        ({"a": 1}, Map(DataType.double), {"a": 1.0}),
        ({"name": "x", "weight": 1, "path": [1]}, THING, {"name": "x", "weight": 1.0, "path": [1]}),
        ({"name": "x", "age": None}, THING, {"name": "x", "age": None}),
        ([None, 1, "a"], Array(AnyType()), [None, 1, "a"]),
        (None, Array(AnyType()), None),
    ],
)
def test_what_fits_is_kept(value: Any, kind: Any, expected: Any) -> None:
    np.testing.assert_equal(kept(value, kind), expected)


def test_times_inside_of_values() -> None:
    found = kept({"name": "x", "born": "2020-01-01T00:00:00.5"}, THING)
    assert str(found["born"]) == "2020-01-01 00:00:00.500000"
    times = kept(["2020-01-01", "2020-01-01T00:00:00.000000001"], Array(DataType.datetime))
    assert times.tolist() == [1577836800 * 10**9, 1577836800 * 10**9 + 1]


@pytest.mark.parametrize(
    ("value", "kind", "fragment"),
    [
        ([1, 2**63], Array(DataType.long), r"data\[1\] is 9223372036854775808, which is no long"),
        ([2**64], Array(DataType.long), "is no long"),
        ([1.5], Array(DataType.long), "is no long"),
        ([9007199254740993.0], Array(DataType.long), "is no long"),
        ([True], Array(DataType.long), r"data\[0\] is true"),
        ([None], Array(DataType.long), r"data\[0\] is null"),
        ([2**31], Array(DataType.integer), "is no integer"),
        ([2**24 + 1], Array(DataType.float), "is no float"),
        ([1e39], Array(DataType.float), "is no float"),
        ([None], Array(DataType.boolean), r"data\[0\] is null, which is no boolean"),
        ([1], Array(DataType.boolean), "is no boolean"),
        (["a", None], Array(DataType.string), r"data\[1\] is null, which is no string"),
        (["a\0"], Array(DataType.string), "ends with NUL"),
        (["01/02/2020"], Array(DataType.datetime), "is no datetime"),
        ("x" * 100, Array(DataType.long), "x…, not an array"),
        ([], Map(DataType.long), r"data is \[\], not an object"),
        ({"a": None}, Map(DataType.long), r"data\.a is null"),
        ({}, THING, r"data\.name is missing"),
        ({"name": "x", "nome": "x"}, THING, r"data\.nome is not in the signature; it has age, born"),
        ({"name": "x", "path": [0.5]}, THING, r"data\.path\[0\] is 0\.5, which is no integer"),
        (None, THING, "data is null, not an object"),
    ],
)
def test_what_does_not_fit_is_named(value: Any, kind: Any, fragment: str) -> None:
    with pytest.raises(CodecError, match=fragment):
        nested.read(value, kind, where="data")


def test_what_is_optional_may_be_null() -> None:
    assert kept(None, THING, required=False) is None
    assert kept({"a": None}, Map(DataType.long), required=False) == {"a": None}
    for kind in (DataType.string, DataType.boolean, DataType.long, DataType.datetime):
        with pytest.raises(CodecError, match=r"\[0\] is null"):
            nested.read([None], Array(kind), required=False)


@given(st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_kept_or_refused(value: float) -> None:
    for kind in (DataType.integer, DataType.long, DataType.double):
        try:
            found = nested.read(value, kind)
        except CodecError:
            continue
        assert found == value or (kind is DataType.double and found == float(value))
