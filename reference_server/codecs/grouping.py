"""Request content types: how decoded inputs become the one value that a model takes.

Source: MLServer 1.7.1, mlserver/codecs/{pandas,numpy}.py and runtimes/mlflow/mlserver_mlflow/codecs.py.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from reference_server.codecs.elements import CodecError


def to_frame(inputs: dict[str, Any]) -> pd.DataFrame:
    """pd: a DataFrame with a column for each input. Raises ``CodecError`` when the lengths differ."""
    columns = {name: _column(name, values) for name, values in inputs.items()}
    sizes = {len(column): name for name, column in columns.items()}
    if len(sizes) > 1:
        few = ", ".join(f"{name!r} has {size}" for size, name in islice(sizes.items(), 3))
        raise CodecError(f"the inputs differ in their number of rows: {few}")
    return pd.DataFrame(columns)


def to_array(inputs: dict[str, Any]) -> Any:
    """np: the only input, as an array. Raises ``CodecError`` unless there is one input."""
    if len(inputs) != 1:
        raise CodecError(f"content type np takes one input, the request has {len(inputs)}")
    return _array(*inputs.values())


def to_dict(inputs: dict[str, Any]) -> dict[str, Any]:
    """dict: an array for each name."""
    return {name: _array(values) for name, values in inputs.items()}


GROUPINGS: dict[str, Callable[[dict[str, Any]], Any]] = {"pd": to_frame, "np": to_array, "dict": to_dict}


def _array(values: Any) -> Any:
    if isinstance(values, list) and any(isinstance(value, str) and value.endswith("\0") for value in values):
        raise CodecError("a text ends with NUL, which an array of texts does not keep")
    return np.asarray(values)


def _column(name: str, values: Any) -> Any:
    if isinstance(values, np.ndarray):
        if values.ndim == 2 and values.shape[1] == 1:
            return values.reshape(-1)
        if values.ndim != 1:
            raise CodecError(f"input {name!r} has shape {list(values.shape)}; a column is [N] or [N, 1]")
    return values
