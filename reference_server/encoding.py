"""A model's prediction as the outputs of an inference response.

Source: inference_rest.md, Inference Response JSON Object; content types as MLServer 1.7.1 has them.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from mlflow.types.schema import AnyType, Array
from pandas.api.extensions import ExtensionArray, ExtensionDtype

from reference_server.codecs import numeric, raw, text
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
    "datetime": {datetime, pd.Timestamp, np.datetime64},
}
_ARRAYS = (pd.Series, pd.Index, ExtensionArray)
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
        if outputs is not None and outputs.tensors:
            if prediction is None:
                raise CodecError("it is None")
            return _match(prediction, list(outputs.tensors.values()))
        parts = _columns(prediction) or {"output-0": prediction}
        return [(_describe(name, values), values) for name, values in parts.items()]
    except ValueError as error:
        why = error if isinstance(error, CodecError) else "it is no array of values"
        raise ModelError(f"the model's prediction does not fit its signature: {why}") from error


def encode(tensor: Tensor, values: Any, content_type: str, exact: bool = False) -> dict[str, Any]:
    """The response output that carries ``values`` as ``content_type``. What is missing is null; with
    ``exact``, numbers are an array of the tensor's datatype, and a missing one is NaN.

    None, NaN, NaT and pd.NA are missing, in a column of any type (ruling: MLServer writes null for NaN).
    Raises ``ModelError`` when the values do not fit the tensor, or cannot be said in JSON.
    """
    try:
        read = _column_data if tensor.column else _tensor_data
        shape, data = read(tensor, values, exact)
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


def raw_elements(output: dict[str, Any]) -> numeric.Array | list[bytes]:
    """The data of an output as its bytes are made of. Raises ``ModelError`` for what only JSON can say."""
    try:
        return raw.elements(output["data"], output["datatype"])
    except CodecError as error:
        raise ModelError(f"output {output['name']!r}: {error}") from None


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
        parts = _split_array(_array(prediction), tensors)
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


def _as_list(values: Any, tensor: Tensor) -> list[Any]:
    """The rows of a column: of a Series, a list, an array of shape [N] or [N, 1], or a single value.

    What is a JSON text each may be an array of more dimensions: its rows are arrays.
    """
    if isinstance(values, (list, tuple)):
        return list(values)
    if isinstance(values, pd.DataFrame):
        values = values.to_numpy()
    if isinstance(values, np.ndarray):
        values = np.atleast_1d(_array(values))
        lists = tensor.content_type == "pd_json" and (
            isinstance(tensor.kind, Array) or values.shape[1:] != (1,)
        )
        if not lists:
            values = _flat_column(values)
    return list(values) if isinstance(values, (np.ndarray, *_ARRAYS)) else [values]


def _flat_column(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.ndim > 1 and array.shape[1:] != (1,):
        raise CodecError(f"shape {list(array.shape)} is not a column")
    return array.reshape(-1)


def _with_gaps(cells: list[Any]) -> list[Any]:
    """``cells``, those that are missing as None."""
    gaps = pd.Series(cells, dtype=object).isna()
    return [None if gap else cell for cell, gap in zip(cells, gaps, strict=True)] if gaps.any() else cells


def _column_data(tensor: Tensor, values: Any, exact: bool) -> tuple[list[int], Any]:
    if tensor.content_type != "np":
        data = _TEXT_CODECS[tensor.content_type](_with_gaps(_as_list(values, tensor)))
    else:
        data = _numbers(_flat_column(np.atleast_1d(_array(values))), tensor.datatype, exact)
    return [len(data), *tensor.shape[1:]], data


def _tensor_data(tensor: Tensor, values: Any, exact: bool) -> tuple[list[int], Any]:
    array = _array(values.tolist() if isinstance(values, pd.Series) else values)
    if not unify(array.shape, tensor.shape):
        raise CodecError(f"shape {list(array.shape)} is not {list(tensor.shape)}")
    if tensor.datatype != "BYTES":
        return list(array.shape), _numbers(array.reshape(-1), tensor.datatype, exact)
    plain = [e.decode() if isinstance(e, bytes) else e for e in _with_gaps(array.reshape(-1).tolist())]
    return list(array.shape), text.encode_str(plain)


def _numbers(flat: np.ndarray[Any, Any], datatype: str, exact: bool) -> Any:
    """The elements, for JSON unless ``exact``. A gap leaves others as they are: integers stay integers."""
    if exact and flat.dtype.kind == "f":
        return numeric.cast(flat, datatype)
    gaps = pd.isna(flat)
    found = flat[~gaps] if gaps.any() else flat
    if found.dtype == object:
        plain = [v.item() if isinstance(v, np.generic) else v for v in found]
        found = numeric.decode(plain, datatype, [len(plain)])
    cast = numeric.cast(found, datatype)
    if exact and gaps.any():
        return _with_nan(cast, gaps)
    data = cast if exact else numeric.encode(numeric.finite(cast))
    if not gaps.any():
        return data
    elements = np.full(flat.size, None, object)
    elements[~gaps] = data
    return elements.tolist()


def _with_nan(found: np.ndarray[Any, Any], gaps: Any) -> np.ndarray[Any, Any]:
    if found.dtype.kind != "f":
        raise CodecError(f"it has missing values, and {found.dtype} has none")
    elements = np.full(gaps.size, np.nan, found.dtype)
    elements[~gaps] = found
    return elements


def _array(values: Any) -> np.ndarray[Any, Any]:
    """The array of ``values``, of Python's objects where NumPy would make others of them.

    It makes text of numbers beside text, and floats of integers beside floats, or where one is missing.
    """
    if isinstance(values, np.ma.MaskedArray):
        masked = values.data.astype(object)
        masked[np.ma.getmaskarray(values)] = None
        return masked
    if isinstance(values, _ARRAYS) and isinstance(values.dtype, ExtensionDtype) and pd.isna(values).any():
        return pd.Series(list(values), dtype=object).to_numpy()
    if not isinstance(values, (list, tuple)) or {type(value) for value in values} <= {np.ndarray}:
        with suppress(ValueError):  # arrays of different shapes
            return np.asarray(values)
    try:
        array = np.asarray(values, object)
        return array if array.size else np.asarray(values)
    except ValueError:
        return pd.Series(list(values), dtype=object).to_numpy()


def _describe(name: str, values: Any) -> Tensor:
    """The output that ``values`` are, for a model without a signature.

    One dimension is a column. More are a tensor of numbers, booleans or text, or else a column of lists.
    """
    array = _array(values)
    many, dtype = array.ndim > 1, array.dtype
    cells = [] if dtype.kind in "biuf" else list(array.flat)
    found = [cell for cell in _with_gaps(cells) if cell is not None] or cells
    kinds = set(map(type, found))
    if dtype.kind == "O":
        dtype = _common(found, kinds)
    if dtype.kind in "biuf":
        return Tensor(name, numeric.datatype_of(dtype), array.shape if many else (-1, 1), "np", not many)
    if many and (kinds <= {str, np.str_, type(None)} or _are_utf8(found)):
        return Tensor(name, "BYTES", array.shape, "np", column=False)
    if many:
        return Tensor(name, "BYTES", (-1, 1), "pd_json", kind=Array(AnyType()))
    if dtype.kind == "M":
        return Tensor(name, "BYTES", (-1, 1), "datetime")
    content_type = next((name for name, types in _PYTHON_TYPES.items() if kinds <= types), "pd_json")
    return Tensor(name, "BYTES", (-1, 1), content_type)


def _common(found: list[Any], kinds: set[type]) -> np.dtype[Any]:
    """The dtype that has every number, or every boolean, of ``found`` as it is; object when there is none."""
    booleans = kinds <= {bool, np.bool_}
    numbers = all(issubclass(kind, (int, float, np.number)) and kind is not bool for kind in kinds)
    if not kinds or not (booleans or numbers):
        return np.dtype(object)
    array = np.asarray(found)
    integers = (value for value in found if isinstance(value, (int, np.integer)))
    exact = array.dtype.kind != "f" or all(int(float(value)) == value for value in integers)
    return array.dtype if exact else np.dtype(object)


def _are_utf8(found: list[Any]) -> bool:
    try:
        return all(isinstance(value, bytes) and value.decode() is not None for value in found)
    except UnicodeDecodeError:
        return False
