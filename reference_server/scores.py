"""Predictions as JSON of the scoring protocol. Source: mlflow.pyfunc.scoring_server, predictions_to_json."""

import json
from typing import Any

import numpy as np
import pandas as pd
from mlflow.utils.proto_json_utils import NumpyEncoder, _get_jsonable_obj

from reference_server.errors import ModelError


def written(prediction: Any, *, bare: bool = False) -> str:
    """The answer with ``prediction``; ``bare``: without the member predictions.

    What is missing (NaN, None, NA, NaT) is null. Raises ``ModelError`` for what JSON has not: infinities
    among others.
    """
    value = _get_jsonable_obj(prediction, pandas_orient="records")
    try:
        text = json.dumps(value if bare else {"predictions": value}, cls=_Encoder)
    except (TypeError, ValueError, RecursionError):
        raise ModelError("the model's prediction cannot be written as JSON") from None
    if "NaN" not in text and "Infinity" not in text:
        return text
    return json.dumps(json.loads(text, parse_constant=_constant))


class _Encoder(NumpyEncoder):  # type: ignore[misc]  # mlflow has no types
    """MLflow's, which writes NaT as a text, and neither NA nor a single object in an array."""

    def try_convert(self, o: Any) -> tuple[Any, bool]:
        if o is pd.NA or o is pd.NaT:
            return None, True
        if isinstance(o, np.ndarray) and o.dtype == object:
            return o.tolist(), True
        converted: tuple[Any, bool] = super().try_convert(o)
        return converted


def _constant(token: str) -> None:
    if token != "NaN":
        raise ModelError(f"a prediction is {token}, which no JSON number expresses")
