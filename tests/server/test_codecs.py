"""The codecs, as functions: what goes in comes out, and nothing else goes in."""

import base64
import datetime as dt
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from reference_server import jsonio
from reference_server.codecs import numeric, text
from reference_server.codecs.elements import CodecError, flatten, unify
from reference_server.codecs.grouping import GROUPINGS
from spec.tables import DATATYPES

NUMERIC = [name for name in DATATYPES if name != "BYTES"]
INTEGERS = [name for name in NUMERIC if DATATYPES[name].element == "integer"]
FLOATS = [name for name in NUMERIC if DATATYPES[name].element == "number"]
shapes = npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def arrays(datatype: str) -> st.SearchStrategy[Any]:
    """Finite arrays of a datatype, of any small shape."""
    dtype = np.dtype(DATATYPES[datatype].numpy)
    return npst.arrays(dtype, shapes, elements=npst.from_dtype(dtype, allow_nan=False, allow_infinity=False))


@given(st.data())
def test_an_array_comes_back_from_its_elements(data: st.DataObject) -> None:
    datatype = data.draw(st.sampled_from(NUMERIC))
    array = data.draw(arrays(datatype))
    for elements in (array.reshape(-1).tolist(), array.tolist()):
        if isinstance(elements, list):
            flat = flatten(elements, array.shape)
            np.testing.assert_array_equal(numeric.decode(flat, datatype, array.shape), array, strict=True)
    encoded = numeric.encode(numeric.finite(array))
    assert encoded.tolist() == array.reshape(-1).tolist()


@given(shapes, st.data())
def test_flat_and_nested_data_are_the_same_tensor(shape: tuple[int, ...], data: st.DataObject) -> None:
    array = data.draw(npst.arrays("int64", shape or (1,)))
    assert flatten(array.tolist(), array.shape) == flatten(array.reshape(-1).tolist(), array.shape)


@given(st.lists(st.integers(0, 9), max_size=30), st.lists(st.integers(0, 2**64 - 1), max_size=6))
def test_data_that_does_not_fill_the_shape_is_refused(data: list[int], shape: list[int]) -> None:
    if math.prod(shape) == len(data):
        assert flatten(data, shape) == data
    else:
        with pytest.raises(CodecError):
            flatten(data, shape)


@pytest.mark.parametrize("data", [[[1], 2], [1, [2]], [[1, 2], [3]], [[[1], [2]]], [[1], [2], [3]]])
def test_ragged_data_is_refused(data: list[Any]) -> None:
    with pytest.raises(CodecError):
        numeric.decode(flatten(data, [2, 1]), "INT64", [2, 1])


@given(st.sampled_from(INTEGERS), st.integers(-(2**65), 2**65))
def test_integers_are_exact_or_refused(datatype: str, value: int) -> None:
    row = DATATYPES[datatype]
    assert row.minimum is not None
    assert row.maximum is not None
    if row.minimum <= value <= row.maximum:
        assert numeric.decode([value], datatype, [1]).tolist() == [value]
    else:
        with pytest.raises(CodecError, match=datatype):
            numeric.decode([value], datatype, [1])


@given(st.sampled_from(INTEGERS), st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_an_integer_only_where_it_surely_is(datatype: str, value: float) -> None:
    info = np.iinfo(DATATYPES[datatype].numpy)
    if value.is_integer() and abs(value) < 2**53 and info.min <= value <= info.max:
        assert numeric.decode([value], datatype, [1]).tolist() == [int(value)]
    else:
        with pytest.raises(CodecError):
            numeric.decode([value], datatype, [1])


@given(st.sampled_from(FLOATS), st.floats(allow_nan=False, allow_infinity=False))
def test_floats_round_but_never_overflow(datatype: str, value: float) -> None:
    with np.errstate(over="ignore"):
        rounded = np.dtype(DATATYPES[datatype].numpy).type(value)
    if np.isinf(rounded):
        with pytest.raises(CodecError, match="out of the range"):
            numeric.decode([value], datatype, [1])
    else:
        assert numeric.decode([value], datatype, [1])[0] == rounded


@pytest.mark.parametrize("datatype", DATATYPES)
@pytest.mark.parametrize("value", [True, 1, 0.5, "1", [1], None])
def test_elements_have_the_json_type_of_the_datatype(datatype: str, value: Any) -> None:
    allowed = {"boolean": (bool,), "integer": (int,), "number": (int, float), "string": (str,)}
    element = DATATYPES[datatype].element
    if value is None and element == "number":
        assert math.isnan(numeric.decode([value], datatype, [1])[0])
    elif type(value) in allowed[element]:
        assert numeric.decode([value], datatype, [1]).tolist() == [value]
    else:
        with pytest.raises(CodecError, match=r"data\[1\]|data\[0\]"):
            numeric.decode([value], datatype, [1])


@given(st.data())
def test_a_cast_keeps_every_value_or_refuses(data: st.DataObject) -> None:
    source, target = (data.draw(st.sampled_from(NUMERIC)) for _ in "ab")
    array = data.draw(arrays(source))
    try:
        result = numeric.cast(array, target)
    except CodecError:
        with np.errstate(all="ignore"):
            same = array.astype(DATATYPES[target].numpy).tolist() == array.tolist()
        assert not same or "BOOL" in (source, target)
        return
    assert result.dtype == DATATYPES[target].numpy
    if {source, target} <= set(FLOATS):
        with np.errstate(over="ignore"):
            np.testing.assert_array_equal(result, array.astype(result.dtype))
    else:
        assert result.tolist() == array.tolist()


@pytest.mark.parametrize("datatype", FLOATS)
def test_infinity_is_refused_and_nan_is_null(datatype: str) -> None:
    dtype = DATATYPES[datatype].numpy
    for value in (math.inf, -math.inf):
        with pytest.raises(CodecError, match="element 1 is"):
            numeric.finite(np.array([0.5, value], dtype))
    gap = numeric.encode(numeric.finite(np.array([0.5, math.nan], dtype)))
    assert json.loads(jsonio.dumps(gap)) == [0.5, None]


@given(st.sampled_from(FLOATS), st.integers(-(2**66), 2**66))
def test_an_integer_in_a_float_tensor_is_exact_or_refused(datatype: str, value: int) -> None:
    try:
        (found,) = numeric.decode([value], datatype, [1]).tolist()
    except CodecError:
        assert datatype != "FP64"
    else:
        assert found == float(value)  # as JSON's numbers are read: the nearest double


@given(st.lists(st.text()))
def test_text_comes_back(values: list[str]) -> None:
    assert text.encode_str(text.decode_str(values)) == values


@given(st.lists(st.binary()))
def test_bytes_come_back(values: list[bytes]) -> None:
    encoded = text.encode_base64(values)
    assert encoded == [base64.b64encode(value).decode() for value in values]
    assert text.decode_base64(encoded) == values


@given(st.lists(st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)), min_size=1))
def test_times_come_back(values: list[Any]) -> None:
    texts = [value.isoformat() for value in values]
    assert text.encode_datetime(text.decode_datetime(texts)) == texts


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2020-W01-1", "2019-12-30T00:00:00"),
        ("20200101T010203.5", "2020-01-01T01:02:03.500000"),
        ("2020-01-01t01:02:03,5", "2020-01-01T01:02:03.500000"),
        ("2020-01-01 01", "2020-01-01T01:00:00"),
        ("2020-01-01T00:00:00,1234567890", "2020-01-01T00:00:00.123456789"),
        ("2020-01-01T00:00:00.000000001z", "2020-01-01T00:00:00.000000001+00:00"),
        ("2020-01-01T00:00:00-0130", "2020-01-01T00:00:00-01:30"),
    ],
)
def test_every_form_of_iso_8601_is_read(written: str, meant: str) -> None:
    assert text.encode_datetime(text.decode_datetime([written])) == [meant]


@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.text() | st.integers(-(2**63), 2**64 - 1), st.lists, max_leaves=6
        )
    )
)
def test_json_comes_back(values: list[Any]) -> None:
    encoded = text.encode_json(values)
    assert [json.loads(value) for value in encoded] == values
    assert text.decode_json(encoded) == values


@pytest.mark.parametrize(
    ("codec", "wrong"),
    [
        (text.decode_str, 1),
        (text.decode_base64, "AA="),
        (text.decode_base64, "AA==\n"),
        (text.decode_base64, "_-=="),
        (text.decode_base64, "AB=="),
        (text.decode_base64, "é"),
        (text.decode_datetime, "yesterday"),
        (text.decode_datetime, ""),
        (text.decode_datetime, "NaT"),
        (text.decode_datetime, "2026-02-30"),
        (text.decode_datetime, "01/02/2020"),
        (text.decode_datetime, "13/02/2020"),
        (text.decode_datetime, "2020-01-01T00:00:00.1234567891"),
        (text.decode_datetime, "2020-01-01x00:00:00"),
        (text.decode_datetime, "2020-01-01T00:00.5"),
        (text.decode_datetime, "2020-01-01T00:00:00+00:00:30"),
        (text.decode_datetime, "2020-01-01T24:00:00"),
        (text.decode_datetime, "2020-W01"),
        (text.decode_json, "{"),
        (text.decode_json, "NaN"),
        (text.decode_json, '{"a":1,"a":2}'),
        (text.encode_str, b"x"),
        (text.encode_base64, 1),
        (text.encode_datetime, "2026-01-01"),
        (text.encode_json, math.inf),
        (text.encode_json, [-math.inf]),
        (text.encode_json, object()),
    ],
)
def test_the_wrong_element_is_named(codec: Any, wrong: Any) -> None:
    right = {"decode_datetime": "2026-01-01", "decode_json": "1", "encode_json": 1}.get(
        codec.__name__, "AA=="
    )
    right = b"x" if codec is text.encode_base64 else right
    right = pd.Timestamp(0) if codec is text.encode_datetime else right
    with pytest.raises(CodecError, match=r"(data\[1\]|element 1) is"):
        codec([right, wrong])


def test_what_is_missing_stays_so() -> None:
    assert text.encode_str(["a", None]) == ["a", None]
    assert text.encode_base64([b"\0", None]) == ["AA==", None]
    assert text.encode_datetime([pd.Timestamp(0), None]) == ["1970-01-01T00:00:00", None]
    gaps = [None, math.nan, {"a": [pd.NaT, pd.NA, 1]}]
    assert text.encode_json(gaps) == ["null", "null", '{"a":[null,null,1]}']


def test_times_may_have_different_fractions() -> None:
    texts = ["2020-01-01T00:00:00", "2020-01-01T00:00:00.5", "2020-01-01T00:00:00.000000001"]
    assert text.encode_datetime(text.decode_datetime(texts)) == [
        "2020-01-01T00:00:00",
        "2020-01-01T00:00:00.500000",
        "2020-01-01T00:00:00.000000001",
    ]


def test_json_text_takes_what_models_return() -> None:
    value = {"a": np.array([1, 2]), "b": np.float32(0.5), "c": pd.Timestamp("2026-01-02"), "d": "é"}
    assert text.encode_json([value]) == ['{"a":[1,2],"b":0.5,"c":"2026-01-02T00:00:00","d":"é"}']


def test_groupings() -> None:
    column, tensor = np.array([[1], [2]]), np.ones((2, 3))
    assert GROUPINGS["pd"]({"a": column, "b": ["x", "y"]}).to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    np.testing.assert_array_equal(GROUPINGS["np"]({"a": tensor}), tensor)
    assert GROUPINGS["dict"]({"a": tensor, "b": ["x"]})["b"].tolist() == ["x"]
    with pytest.raises(CodecError, match="'a' has shape"):
        GROUPINGS["pd"]({"a": tensor})
    with pytest.raises(CodecError, match="number of rows"):
        GROUPINGS["pd"]({"a": column, "b": ["x"]})
    with pytest.raises(CodecError, match="takes one input, the request has 2"):
        GROUPINGS["np"]({"a": tensor, "b": tensor})
    for kind in ("np", "dict"):
        with pytest.raises(CodecError, match="ends with NUL"):
            GROUPINGS[kind]({"a": ["x\0"]})


@pytest.mark.parametrize(
    ("shape", "expected", "fits"),
    [
        ([], [], True),
        ([2], [-1], True),
        ([2, 3], [-1, 3], True),
        ([2, 3], [-1, 4], False),
        ([2], [-1, 1], False),
    ],
)
def test_unify(shape: list[int], expected: list[int], fits: bool) -> None:
    assert unify(shape, expected) is fits
