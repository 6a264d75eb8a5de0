"""A model's prediction as the outputs of an inference response.

Source: inference_rest.md, Inference Response JSON Object; content types as MLServer 1.7.1 has them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from reference_server.codecs import numeric, text
from reference_server.codecs.elements import CodecError, unify
from reference_server.errors import ModelError
from reference_server.signature import Side, Tensor

_TEXT_CODECS: dict[str, Callable[[Any], list[str]]] = {
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
        if outputs is not None:
            return _match(prediction, list(outputs.tensors.values()))
        parts = _columns(prediction) or {"output-0": prediction}
        return [(_describe(str(name), values), values) for name, values in parts.items()]
    except ValueError as error:
        why = error if isinstance(error, CodecError) else "it is no array of values"
        raise ModelError(f"the model's prediction does not fit its signature: {why}") from error


def encode(tensor: Tensor, values: Any, content_type: str) -> dict[str, Any]:
    """The response output that carries ``values`` as ``content_type``.

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


def _columns(prediction: Any) -> dict[Any, Any] | None:
    """The named parts of a prediction; None when it has none."""
    if isinstance(prediction, pd.DataFrame):
        return {name: prediction[name] for name in prediction.columns}
    return prediction if isinstance(prediction, dict) else None


def _match(prediction: Any, tensors: list[Tensor]) -> list[tuple[Tensor, Any]]:
    only = tensors[0] if len(tensors) == 1 else None
    objects = only is not None and only.content_type == "pd_json"
    if isinstance(prediction, list) and not objects and {type(row) for row in prediction} == {dict}:
        prediction = pd.DataFrame(prediction)
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


def _split_array(array: np.ndarray[Any, Any], tensors: list[Tensor]) -> dict[Any, Any]:
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


def _column_data(tensor: Tensor, values: Any) -> tuple[list[int], Any]:
    if tensor.content_type != "np":
        encoded = _TEXT_CODECS[tensor.content_type](_as_list(values))
        return [len(encoded), 1], encoded
    array = np.atleast_1d(np.asarray(values))
    if array.dtype == object or (isinstance(values, list) and array.ndim == 1):
        plain = [v.item() if isinstance(v, np.generic) else v for v in _as_list(values)]
        array = numeric.decode(plain, tensor.datatype, [len(plain)])
    if array.ndim != 1 and array.shape[1:] != (1,):
        raise CodecError(f"shape {list(array.shape)} is not a column")
    array = numeric.finite(numeric.cast(array, tensor.datatype))
    return [array.size, 1], numeric.encode(array)


def _tensor_data(tensor: Tensor, values: Any) -> tuple[list[int], Any]:
    array = np.asarray(values)
    if not unify(array.shape, tensor.shape):
        raise CodecError(f"shape {list(array.shape)} is not {list(tensor.shape)}")
    if tensor.datatype != "BYTES":
        return list(array.shape), numeric.encode(numeric.finite(numeric.cast(array, tensor.datatype)))
    plain = [e.decode() if isinstance(e, bytes) else e for e in array.reshape(-1).tolist()]
    return list(array.shape), text.encode_str(plain)


def _describe(name: str, values: Any) -> Tensor:
    """The output that ``values`` are, for a model without a signature: one dimension is a column."""
    array = np.asarray(values)
    if array.ndim > 1:
        return Tensor(name, numeric.datatype_of(array.dtype), array.shape, "np", column=False)
    if array.dtype.kind in "biuf":
        return Tensor(name, numeric.datatype_of(array.dtype), (-1, 1), "np")
    if array.dtype.kind == "M":
        return Tensor(name, "BYTES", (-1, 1), "datetime")
    kinds = {type(value) for value in _as_list(values)}
    content_type = next((name for name, types in _PYTHON_TYPES.items() if kinds <= types), "pd_json")
    return Tensor(name, "BYTES", (-1, 1), content_type)
