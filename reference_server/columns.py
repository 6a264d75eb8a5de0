"""JSON values as the types of an MLflow signature have them: exactly the values that were sent, or none.

MLflow's own readers cut fractions off, wrap integers, and make true of "false" (source:
mlflow.utils.proto_json_utils, mlflow.models.utils). Functions here are pure, and raise ``CodecError``.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from mlflow.types import DataType
from mlflow.types.schema import AnyType

from reference_server import nested
from reference_server.codecs import numeric, text
from reference_server.codecs.elements import CodecError, flatten
from spec.tables import MLFLOW_TYPES

_FLOATS = (DataType.float, DataType.double)
_SHOWN = 40  # characters of a value in a message
_HINTS = {
    DataType.datetime: ": write ISO 8601, without a UTC offset, in the years 1678 to 2261",
    DataType.binary: ": write base64",
}


def column(cells: list[Any], kind: Any, required: bool = True) -> Any:
    """The cells of a column, one a row, as ``kind`` (of a ``ColSpec``) has them: an array, a list, an index.

    Missing are null and NaN, and in times "NaT", which MLflow's client writes. They stay missing in floats,
    times and texts, and in optional columns of booleans and bytes; other columns refuse them.
    """
    if isinstance(kind, AnyType):
        return cells
    if not isinstance(kind, DataType):  # NaN: a record lacks the member
        plain = [None if isinstance(cell, float) and cell != cell else cell for cell in cells]
        return [nested.read(cell, kind, required, f"row {row}") for row, cell in enumerate(plain)]
    holes = _missing(cells, kind)
    if kind is DataType.string:
        _decoded(["" if i in holes or _are_texts(cell) else cell for i, cell in enumerate(cells)], kind)
        return [None if i in holes else cell for i, cell in enumerate(cells)]
    fill = _FILLS.get(kind) if not required or kind in _ALWAYS else None
    if not holes or fill is None:
        return _decoded(cells, kind)
    values = _decoded([fill if i in holes else cell for i, cell in enumerate(cells)], kind)
    return values if kind in _FLOATS else [None if i in holes else v for i, v in enumerate(values)]


def tensor(value: Any, dtype: np.dtype[Any]) -> Any:
    """Nested lists, or a single element, as an array of ``dtype``. null is NaN, in floats alone."""
    if dtype.kind == "O":
        return np.array(value, object)
    shape, part = [], value
    while isinstance(part, list):
        shape.append(len(part))
        part = part[0] if part else None
    elements = flatten(value if shape else [value], shape)
    if dtype.kind in "US":
        return _texts(elements, dtype.kind).reshape(shape)
    if dtype.kind == "f":
        elements = [np.nan if element is None else element for element in elements]
    return numeric.decode(elements, numeric.datatype_of(dtype), shape).astype(dtype)


def _decoded(cells: list[Any], kind: DataType) -> Any:
    decode = _DECODERS[kind]
    try:
        return decode(cells)
    except CodecError as error:
        odd = next((place for place, cell in enumerate(cells) if not _is_one(cell, decode)), None)
        if odd is None:
            raise CodecError(f"{error}{_HINTS.get(kind, '')}") from None
    value = json.dumps(cells[odd])
    shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
    raise CodecError(f"row {odd} is {shown}, which is no {kind.name}{_HINTS.get(kind, '')}")


def _is_one(cell: Any, decode: Callable[[list[Any]], Any]) -> bool:
    try:
        decode([cell])
    except CodecError:
        return False
    return True


def _missing(cells: list[Any], kind: DataType) -> set[int]:
    if kind in _FLOATS:  # NaN is one
        return {place for place, cell in enumerate(cells) if cell is None}
    extra = "NaT" if kind is DataType.datetime else None
    return {place for place, cell in enumerate(cells) if cell is None or cell == extra or cell != cell}


def _number(cells: list[Any], kind: DataType) -> Any:
    return numeric.decode(cells, MLFLOW_TYPES[kind.name].datatype, [len(cells)])


def _are_texts(cell: Any) -> bool:
    """Lists of texts stand in text columns, where MLflow leaves them alone."""
    return isinstance(cell, list) and all(isinstance(part, str) for part in cell)


def _binary(cells: list[Any]) -> list[Any]:
    """Bytes from base64, with the line ends that MLflow's encoder writes."""
    return text.decode_base64(["".join(c.split()) if isinstance(c, str) else c for c in cells])


def _datetime(cells: list[Any]) -> pd.DatetimeIndex:
    """Times as MLflow's datetime has them: nanoseconds, without a UTC offset."""
    times = text.decode_datetime(cells)
    try:
        if times.tz is None:
            return times.as_unit("ns")
    except ValueError:  # out of range
        pass
    raise CodecError("these are no such times")


_DECODERS: dict[DataType, Callable[[list[Any]], Any]] = {
    **{kind: partial(_number, kind=kind) for kind in DataType if kind.name in MLFLOW_TYPES},
    DataType.string: text.decode_str,
    DataType.binary: _binary,
    DataType.datetime: _datetime,
}
# What stands for a missing value while the others are decoded: in optional columns, and in some in all.
_FILLS: dict[DataType, Any] = {
    **dict.fromkeys(_FLOATS, np.nan),
    DataType.datetime: "1970-01-01",
    DataType.boolean: False,
    DataType.binary: "",
}
_ALWAYS = (*_FLOATS, DataType.datetime)


def _texts(elements: list[Any], kind: str) -> Any:
    texts = text.decode_str(elements)
    array = np.array([t.encode() for t in texts] if kind == "S" else texts, kind)
    if any(t.endswith("\0") for t in texts):
        raise CodecError("a text ends with NUL, which an array of texts does not keep")
    return array
