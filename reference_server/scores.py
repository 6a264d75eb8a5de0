"""Predictions as JSON of the scoring protocol. Source: mlflow.pyfunc.scoring_server, predictions_to_json."""

import json
from typing import Any

import numpy as np
import pandas as pd
from mlflow.utils.proto_json_utils import NumpyEncoder, _get_jsonable_obj
from pandas.api.extensions import ExtensionArray

from reference_server import jsonio
from reference_server.codecs import text
from reference_server.errors import ModelError

# The numbers that JSON has as they are, each by the type as which it is written.
_NUMBERS = {"float32": "float64", "float64": "float64", "bool": "bool"}
_NUMBERS |= {f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}


def written(prediction: Any, *, bare: bool = False) -> bytes:
    """The answer with ``prediction``; ``bare``: without the member predictions.

    What is missing (NaN, None, NA, NaT) is null. Raises ``ModelError`` for what JSON has not, infinities
    among others, and for parts of one name, of which JSON's readers keep one.
    """
    numbers = _numbers(prediction)
    text = _written(prediction) if numbers is None else jsonio.dumps(numbers)
    return text if bare else b'{"predictions": %s}' % text


def _numbers(prediction: Any) -> Any:
    """An array of numbers as orjson writes it, with all the digits of a double, as MLflow does; else None."""
    if type(prediction) is not np.ndarray or prediction.dtype.name not in _NUMBERS or not prediction.ndim:
        return None
    if prediction.dtype.kind == "f" and np.isinf(prediction).any():
        return None
    return np.ascontiguousarray(prediction, _NUMBERS[prediction.dtype.name])


def _written(prediction: Any) -> bytes:
    names = [str(name) for name in prediction] if isinstance(prediction, (pd.DataFrame, dict)) else []
    if len(set(names)) < len(names):
        raise ModelError(f"the model's prediction has two parts of one name: {', '.join(names)}")
    times = isinstance(prediction, np.ndarray) and prediction.dtype.kind == "M"
    value = prediction if times else _get_jsonable_obj(prediction, pandas_orient="records")
    try:
        answer = json.dumps(value, cls=_Encoder)
    except (TypeError, ValueError, RecursionError):
        raise ModelError("the model's prediction cannot be written as JSON") from None
    if "NaN" not in answer and "Infinity" not in answer:
        return answer.encode()
    return json.dumps(json.loads(answer, parse_constant=_constant)).encode()


class _Encoder(NumpyEncoder):  # type: ignore[misc]  # mlflow has no types
    """MLflow's, which writes NaT as a text and NumPy's nanoseconds as integers, and neither NA nor a single
    object in an array, nor a Series inside of something else."""

    def try_convert(self, o: Any) -> tuple[Any, bool]:
        if o is pd.NA or o is pd.NaT:
            return None, True
        if isinstance(o, np.ndarray) and o.dtype == object:
            return o.tolist(), True
        if isinstance(o, (np.ndarray, np.datetime64)) and o.dtype.kind == "M":
            return text.plain_times(o), True
        if isinstance(o, (pd.Series, pd.Index, ExtensionArray)):
            return o.tolist(), True
        if isinstance(o, pd.DataFrame):
            return o.to_dict(orient="records"), True
        converted: tuple[Any, bool] = super().try_convert(o)
        return converted


def _constant(token: str) -> None:
    if token != "NaN":
        raise ModelError(f"a prediction is {token}, which no JSON number expresses")
