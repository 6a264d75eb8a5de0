"""A JSON value as the type of a signature has it; what would become another value is refused.

MLflow checks the same later, but takes no integer for a double, guesses at times, and makes "n" of a null
among texts. JSON has one kind of number (RFC 8259, section 6): 1 and 1.0 are one value. A double or a float
is the number nearest to what is written, save that a float holds an integer as it is or not at all.
Source: MLflow, mlflow.models.utils, _enforce_type (which values may be missing, and where).
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from mlflow.types import DataType
from mlflow.types.schema import AnyType, Array, Map, Object

from reference_server.codecs import numeric, text
from reference_server.codecs.elements import CodecError

_SCALARS: dict[DataType, Callable[[Any], Any]] = {
    DataType.boolean: lambda value: numeric.decode([value], "BOOL", [1]).tolist()[0],
    # NumPy's scalars, for MLflow takes a Python number for 64 bits, and those for too many.
    DataType.integer: lambda value: numeric.decode([value], "INT32", [1])[0],
    DataType.long: lambda value: numeric.decode([value], "INT64", [1]).tolist()[0],
    DataType.float: lambda value: numeric.decode([value], "FP32", [1])[0],
    DataType.double: lambda value: numeric.decode([value], "FP64", [1]).tolist()[0],
    DataType.string: lambda value: text.decode_str([value])[0],
    DataType.binary: lambda value: text.decode_str([value])[0],  # MLflow decodes no base64 in here
    DataType.datetime: lambda value: text.naive(text.decode_datetime([value])).to_numpy()[0],
}
# What null is in an array of these.
_MISSING = {DataType.float: np.float32("nan"), DataType.double: float("nan")}


def read(value: Any, kind: Any, required: bool = True, where: str = "") -> Any:
    """``value``, parsed JSON, as ``kind``: a DataType, Array, Object, Map or AnyType of MLflow.

    Not ``required``: None is taken, as in all that it holds. Raises ``CodecError`` with the path of what does
    not fit, after ``where``.
    """
    if isinstance(kind, AnyType) or (value is None and (not required or _of_any(kind))):
        return value
    if isinstance(kind, DataType):
        return _scalar(value, kind, where)
    if isinstance(kind, Array):
        return _array(value, kind, required, where)
    if not isinstance(value, dict):
        raise CodecError(f"{where or 'the value'} is {_said(value)}, not an object")
    if isinstance(kind, Map):
        return {k: read(v, kind.value_type, required, f"{where}.{k}") for k, v in value.items()}
    return _object(value, kind, where)


def _scalar(value: Any, kind: DataType, where: str) -> Any:
    try:
        if value is not None:
            return _SCALARS[kind](value)
    except CodecError:
        pass
    raise CodecError(f"{where or 'the value'} is {_said(value)}, which is no {kind.name}")


def _array(value: Any, kind: Array, required: bool, where: str) -> Any:
    if not isinstance(value, list):
        raise CodecError(f"{where or 'the value'} is {_said(value)}, not an array")
    scalars = isinstance(kind.dtype, DataType)  # MLflow makes "n" and False of null among them
    found = [
        _MISSING[kind.dtype]
        if element is None and kind.dtype in (DataType.float, DataType.double)
        else read(element, kind.dtype, required or scalars, f"{where}[{place}]")
        for place, element in enumerate(value)
    ]
    if kind.dtype is DataType.datetime:  # of a list MLflow makes integers
        return np.array(found, "datetime64[ns]")
    if kind.dtype is DataType.string and any(str(element).endswith("\0") for element in found):
        raise CodecError(f"{where or 'the value'} has a text that ends with NUL, which NumPy does not keep")
    return found


def _object(value: dict[str, Any], kind: Object, where: str) -> dict[str, Any]:
    properties = {found.name: found for found in kind.properties}
    if unknown := value.keys() - properties.keys():
        raise CodecError(f"{where}.{min(unknown)} is not in the signature; it has {', '.join(properties)}")
    missing = [name for name, found in properties.items() if found.required and name not in value]
    if missing:
        raise CodecError(f"{where}.{missing[0]} is missing")
    return {k: read(v, properties[k].dtype, properties[k].required, f"{where}.{k}") for k, v in value.items()}


def _of_any(kind: Any) -> bool:
    return isinstance(kind.dtype if isinstance(kind, Array) else getattr(kind, "value_type", None), AnyType)


def _said(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
