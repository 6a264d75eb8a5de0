"""Predictions of every kind as the JSON that /invocations answers with: what is missing is null."""

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reference_server import scores
from reference_server.errors import ModelError
from tests.server.conftest import reads

NAN = float("nan")


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        (pd.DataFrame({"f": [1.5, NAN]}), [{"f": 1.5}, {"f": None}]),
        (pd.DataFrame({"s": ["NaN", None]}), [{"s": "NaN"}, {"s": None}]),
        (pd.DataFrame({"s": pd.array(["a", pd.NA], "string")}), [{"s": "a"}, {"s": None}]),
        (pd.DataFrame({"s": pd.Series(["a", None], dtype=object)}), [{"s": "a"}, {"s": None}]),
        (pd.DataFrame({"n": pd.array([2**62 + 1, pd.NA], "Int64")}), [{"n": 2**62 + 1}, {"n": None}]),
        (pd.DataFrame({"b": pd.array([True, pd.NA], "boolean")}), [{"b": True}, {"b": None}]),
        (pd.DataFrame({"f": pd.array([0.5, pd.NA], "Float64")}), [{"f": 0.5}, {"f": None}]),
        (pd.DataFrame({"c": pd.Categorical(["a", None])}), [{"c": "a"}, {"c": None}]),
        (
            pd.DataFrame({"t": [pd.Timestamp("2020-01-01"), pd.NaT]}),
            [{"t": "2020-01-01T00:00:00"}, {"t": None}],
        ),
        (pd.DataFrame({"v": [[1.0, NAN], [None, pd.NA, pd.NaT]]}), [{"v": [1.0, None]}, {"v": [None] * 3}]),
        (pd.Series(pd.array([1, pd.NA], "Int64"), name="n"), [{"n": 1}, {"n": None}]),
        (np.array([[1.5, NAN]]), [[1.5, None]]),
        (np.array(["a", None, NAN, pd.NA, pd.NaT], object), ["a", None, None, None, None]),
        ([1, NAN, None, pd.NA, pd.NaT, np.float32(NAN), np.datetime64("NaT", "s")], [1] + [None] * 6),
        ({"a": np.array([NAN]), "b": {"c": [pd.NA]}}, {"a": [None], "b": {"c": [None]}}),
        ({"a": np.array(["x", pd.NaT], object)}, {"a": ["x", None]}),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        ({"a": np.array(None, object), "b": np.array([[pd.NaT]], object)}, {"a": None, "b": [[None]]}),
        (None, None),
        (np.array(["2020-01-01", "NaT"], "datetime64[ns]"), ["2020-01-01T00:00:00", None]),
        ({"t": np.datetime64("2020-01-01", "ns")}, {"t": "2020-01-01T00:00:00"}),
        ({"s": pd.Series(["a", None])}, {"s": ["a", None]}),
        (pd.array([1, None], "Int64"), [1, None]),
        ([pd.DataFrame({"a": [1]})], [[{"a": 1}]]),
    ],
)  # fmt: skip
def test_what_is_missing_is_null(prediction: Any, expected: Any) -> None:
    assert reads(scores.written(prediction)) == {"predictions": expected}
    if not isinstance(prediction, pd.DataFrame | pd.Series):
        assert reads(scores.written(prediction, bare=True)) == expected


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_infinity_is_an_error_with_words(value: float) -> None:
    for prediction in ([value], np.array([value]), pd.DataFrame({"x": [value]}), {"a": [NAN, value]}):
        with pytest.raises(ModelError, match="Infinity, which no JSON number expresses"):
            scores.written(prediction)


@pytest.mark.parametrize("value", [{1, 2}, Decimal(1), object(), 1j, lambda: None])
def test_what_json_has_not_is_an_error_with_words(value: Any) -> None:
    with pytest.raises(ModelError, match="cannot be written as JSON"):
        scores.written([value])


@pytest.mark.parametrize("prediction", [pd.DataFrame([[1, 2]], columns=["a", "a"]), {1: 1, "1": 2}])
def test_two_parts_of_one_name_are_an_error_with_words(prediction: Any) -> None:
    with pytest.raises(ModelError, match="has two parts of one name"):
        scores.written(prediction)
