"""A model's prediction as the outputs of an inference response.

Source: inference_rest.md, Inference Response JSON Object; content types as MLServer 1.7.1 has them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionDtype

from reference_server.codecs import numeric, text
from reference_server.codecs.elements import CodecError, unify
from reference_server.errors import ModelError
from reference_server.signature import Side, Tensor

_TEXT_CODECS: dict[str, Callable[[Any], Any]] = {
    "str": text.encode_str,
    "base64": text.encode_base64,
    "datetime": text.encode_datetime,
    "pd_json": text.encode_json,
}
_PYTHON_TYPES: dict[str, set[type]] = {
    "str": {str, np.str_},
    "base64": {bytes, np.bytes_},
    "datetime": {datetime, pd.Timestamp},
}
# What may be asked for instead of the content type that the output has.
ALTERNATIVES = {
    "np": ("np",),
    "str": ("str", "np", "base64"),
    "base64": ("base64",),
    "datetime": ("datetime", "str"),
    "pd_json": ("pd_json", "str"),
}


def split(prediction: Any, outputs: Side | None) -> list[tuple[Tensor, Any]]:
    """The values of each output. Raises ``ModelError`` when the prediction does not fit ``outputs``."""
    try:
        if prediction is None:
            raise CodecError("it is None")
        if outputs is not None and outputs.tensors:
            return _match(prediction, list(outputs.tensors.values()))
        parts = _columns(prediction) or {"output-0": prediction}
        return [(_describe(name, values), values) for name, values in parts.items()]
    except ValueError as error:
        why = error if isinstance(error, CodecError) else "it is no array of values"
        raise ModelError(f"the model's prediction does not fit its signature: {why}") from error


def encode(tensor: Tensor, values: Any, content_type: str) -> dict[str, Any]:
    """The response output that carries ``values`` as ``content_type``. What is missing is null.

    None, NaN, NaT and pd.NA are missing, in a column of any type (ruling: MLServer writes null for NaN).
    Raises ``ModelError`` when the values do not fit the tensor, or cannot be said in JSON.
    """
    try:
        shape, data = _column_data(tensor, values) if tensor.column else _tensor_data(tensor, values)
    except (ValueError, TypeError) as error:
        why = error if isinstance(error, CodecError) else "no such values"
        raise ModelError(f"output {tensor.name!r} does not fit the model's metadata: {why}") from error
    if content_type == "base64" and tensor.content_type == "str":
        data = text.encode_base64(data)
    return {
        "name": tensor.name,
        "shape": shape,
        "datatype": tensor.datatype,
        "parameters": {"content_type": content_type},
        "data": data,
    }


def _columns(prediction: Any) -> dict[str, Any] | None:
    """The named parts of a prediction; None when it has none. A name that is no text is told as text."""
    if not isinstance(prediction, (pd.DataFrame, dict)):
        return None
    named = [(str(name), values) for name, values in prediction.items()]
    parts = dict(named)
    if len(parts) < len(named):
        raise CodecError(f"it has two parts of one name: {', '.join(name for name, _ in named)}")
    return parts


def _match(prediction: Any, tensors: list[Tensor]) -> list[tuple[Tensor, Any]]:
    only = tensors[0] if len(tensors) == 1 else None
    objects = only is not None and only.content_type == "pd_json"
    if isinstance(prediction, list) and not objects and {type(row) for row in prediction} == {dict}:
        prediction = pd.DataFrame(prediction, dtype=object)  # a gap makes no floats of integers
    parts = _columns(prediction)
    if only is not None and (parts is None or (isinstance(prediction, pd.DataFrame) and not only.column)):
        return [(only, prediction)]
    if parts is None:
        parts = _split_array(np.asarray(prediction), tensors)
    if not tensors[0].named:
        if len(parts) != len(tensors):
            raise CodecError(f"it has {len(parts)} parts for {len(tensors)} outputs")
        parts = dict(zip((tensor.name for tensor in tensors), parts.values(), strict=True))
    missing = [tensor.name for tensor in tensors if tensor.required and tensor.name not in parts]
    if missing:
        raise CodecError(f"it has no {', '.join(map(repr, missing))}")
    return [(tensor, parts[tensor.name]) for tensor in tensors if tensor.name in parts]


def _split_array(array: np.ndarray[Any, Any], tensors: list[Tensor]) -> dict[str, Any]:
    if array.ndim != 2 or array.shape[1] != len(tensors):
        raise CodecError(f"it has shape {list(array.shape)} for {len(tensors)} outputs")
    return {tensor.name: array[:, place] for place, tensor in enumerate(tensors)}


def _as_list(values: Any) -> list[Any]:
    """The rows of a column: of a Series, a list, an array of shape [N] or [N, 1], or a single value."""
    if isinstance(values, list):
        return values
    if isinstance(values, pd.DataFrame):
        values = values.to_numpy()
    if isinstance(values, np.ndarray) and values.ndim > 1:
        if values.shape[1:] != (1,):
            raise CodecError(f"shape {list(values.shape)} is not a column")
        values = values.reshape(-1)
    if isinstance(values, (pd.Series, np.ndarray, pd.Index)):
        return list(values)
    return [values]


def _cells(values: Any) -> list[Any]:
    """The rows of a column, those that are missing as None."""
    cells = _as_list(values)
    gaps = pd.Series(cells, dtype=object).isna()
    return [None if gap else cell for cell, gap in zip(cells, gaps, strict=True)] if gaps.any() else cells


def _column_data(tensor: Tensor, values: Any) -> tuple[list[int], Any]:
    if tensor.content_type != "np":
        data = _TEXT_CODECS[tensor.content_type](_cells(values))
    else:
        array = np.atleast_1d(np.asarray(values, object) if isinstance(values, list) else _array(values))
        if array.ndim > 1 and array.shape[1:] != (1,):
            raise CodecError(f"shape {list(array.shape)} is not a column")
        data = _numbers(array.reshape(-1), tensor.datatype)
    return [len(data), *tensor.shape[1:]], data


def _tensor_data(tensor: Tensor, values: Any) -> tuple[list[int], Any]:
    array = np.asarray(values)
    if not unify(array.shape, tensor.shape):
        raise CodecError(f"shape {list(array.shape)} is not {list(tensor.shape)}")
    if tensor.datatype != "BYTES":
        return list(array.shape), _numbers(array.reshape(-1), tensor.datatype)
    plain = [e.decode() if isinstance(e, bytes) else e for e in _cells(array.reshape(-1).tolist())]
    return list(array.shape), text.encode_str(plain)


def _numbers(flat: np.ndarray[Any, Any], datatype: str) -> Any:
    """The elements, for JSON. A gap leaves the others as they are: integers stay integers."""
    gaps = pd.isna(flat)
    found = flat[~gaps] if gaps.any() else flat
    if found.dtype == object:
        plain = [v.item() if isinstance(v, np.generic) else v for v in found]
        found = numeric.decode(plain, datatype, [len(plain)])
    data = numeric.encode(numeric.finite(numeric.cast(found, datatype)))
    if not gaps.any():
        return data
    elements = np.full(flat.size, None, object)
    elements[~gaps] = data
    return elements.tolist()


def _array(values: Any) -> np.ndarray[Any, Any]:
    """The array of ``values``. NumPy makes floats of pandas' integers where one is missing."""
    if isinstance(values, pd.Series) and isinstance(values.dtype, ExtensionDtype) and values.hasnans:
        return values.to_numpy(object)
    return np.asarray(values)


def _describe(name: str, values: Any) -> Tensor:
    """The output that ``values`` are, for a model without a signature: one dimension is a column."""
    array = _array(values)
    if array.ndim > 1:
        return Tensor(name, numeric.datatype_of(array.dtype), array.shape, "np", column=False)
    found = [cell for cell in _cells(values) if cell is not None] if array.dtype == object else []
    kinds = set(map(type, found))
    numbers = all(issubclass(kind, (int, float, np.number)) and kind is not bool for kind in kinds)
    if kinds and (numbers or kinds <= {bool, np.bool_}):
        array = np.asarray(found)
    if array.dtype.kind in "biuf":
        return Tensor(name, numeric.datatype_of(array.dtype), (-1, 1), "np")
    if array.dtype.kind == "M":
        return Tensor(name, "BYTES", (-1, 1), "datetime")
    kinds = kinds or {type(cell) for cell in _as_list(values)}
    content_type = next((name for name, types in _PYTHON_TYPES.items() if kinds <= types), "pd_json")
    return Tensor(name, "BYTES", (-1, 1), content_type)
