"""An inference request as the value that a model takes.

Source: inference_rest.md, Inference Request JSON Object; content types as MLServer 1.7.1 has them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from reference_server.codecs import numeric, text
from reference_server.codecs.elements import CodecError, flatten, rows, unify
from reference_server.codecs.grouping import GROUPINGS
from reference_server.errors import BadRequest
from reference_server.signature import Side, Tensor
from spec.tables import DATATYPES

_TEXT_CODECS: dict[str, Callable[[list[Any]], Any]] = {
    "str": text.decode_str,
    "base64": text.decode_base64,
    "datetime": text.decode_datetime,
    "pd_json": text.decode_json,
}
CONTENT_TYPES = ("np", *_TEXT_CODECS)
_TEXT_ELEMENTS: dict[str, type] = {"str": str, "base64": bytes}


def content_type(parametrised: dict[str, Any], allowed: tuple[str, ...], where: str) -> str | None:
    """The content type that ``parameters`` give. Raises ``BadRequest`` when it is not in ``allowed``."""
    given: str | None = parametrised.get("parameters", {}).get("content_type")
    if given is not None and given not in allowed:
        raise BadRequest(f"{where}.content_type {given!r} is not supported; use one of {', '.join(allowed)}")
    return given


def decode(request: dict[str, Any], inputs: Side | None) -> Any:
    """The DataFrame, array or dictionary of arrays that the inputs of a checked request make.

    Raises ``BadRequest`` for names, datatypes, shapes or data that do not fit the model's ``inputs``.
    """
    grouping = content_type(request, tuple(GROUPINGS), "parameters")
    by_name: dict[str, Any] = {}
    for place, tensor in enumerate(request["inputs"]):
        name = tensor["name"]
        if name in by_name:
            raise BadRequest(f"inputs[{place}].name: {name!r} is given twice")
        if inputs is not None and name not in inputs.tensors:
            raise BadRequest(f"inputs[{place}].name: {name!r} is not an input; use {list(inputs.tensors)}")
        by_name[name] = _decode_input(tensor, inputs.tensors[name] if inputs else None, f"inputs[{place}]")
    if inputs is None:
        grouping = grouping or _default_grouping(by_name)
    else:
        missing = [n for n, t in inputs.tensors.items() if t.required and n not in by_name]
        if missing:
            raise BadRequest(f"inputs: {', '.join(map(repr, missing))} missing")
        grouping = grouping or inputs.content_type
    try:
        return GROUPINGS[grouping](by_name)
    except CodecError as error:
        raise BadRequest(f"inputs: {error}") from None


def _default_grouping(by_name: dict[str, Any]) -> str:
    """Without a signature: columns make a DataFrame, a single tensor of more dimensions is an array."""
    wide = any(isinstance(v, np.ndarray) and v.ndim > 1 and v.shape[1:] != (1,) for v in by_name.values())
    return ("np" if len(by_name) == 1 else "dict") if wide else "pd"


def _decode_input(tensor: dict[str, Any], expected: Tensor | None, where: str) -> Any:
    given = content_type(tensor, CONTENT_TYPES, f"{where}.parameters")
    datatype = tensor["datatype"]
    if datatype not in DATATYPES:
        raise BadRequest(f"{where}.datatype: {datatype} is not supported; use one of {', '.join(DATATYPES)}")
    codec = given or (expected.content_type if expected else "str" if datatype == "BYTES" else "np")
    shape = [int(size) for size in tensor["shape"]]
    try:
        values = _decode_elements(flatten(tensor["data"], shape), datatype, shape, codec)
        return values if expected is None else _fit(values, shape, expected)
    except CodecError as error:
        raise BadRequest(f"{where} ({tensor['name']!r}): {error}") from None


def _decode_elements(elements: list[Any], datatype: str, shape: list[int], codec: str) -> Any:
    if codec == "np":
        return numeric.decode(elements, datatype, shape)
    if datatype != "BYTES":
        raise CodecError(f"content type {codec} takes datatype BYTES, not {datatype}")
    rows(shape)
    return _TEXT_CODECS[codec](elements)


def _fit(values: Any, shape: list[int], expected: Tensor) -> Any:
    """``values`` with the type and the shape that the signature has."""
    if not expected.column:
        if not unify(shape, expected.shape):
            raise CodecError(f"shape {shape} does not fit the model's {list(expected.shape)}")
        return _fit_tensor(values, shape, expected)
    rows(shape)
    column = values.reshape(-1) if isinstance(values, np.ndarray) else values
    if expected.content_type == "np":
        if not isinstance(column, np.ndarray) or column.dtype == object:
            raise CodecError(f"datatype BYTES cannot be given as {expected.datatype}")
        return numeric.cast(column, expected.datatype)
    if expected.content_type == "datetime":
        return _times(column)
    column = column.tolist() if isinstance(column, np.ndarray) else list(column)
    wanted = _TEXT_ELEMENTS.get(expected.content_type, object)
    if column and not isinstance(column[0], wanted):
        raise CodecError(f"gives {type(column[0]).__name__} elements, the model takes {wanted.__name__}")
    return column


def _fit_tensor(values: Any, shape: list[int], expected: Tensor) -> Any:
    target = np.dtype(expected.numpy)
    if expected.datatype != "BYTES":
        return numeric.cast(np.asarray(values), expected.datatype)
    array = np.asarray(values, object).reshape(shape)
    if target.kind == "S":
        array = np.array([e.encode() if isinstance(e, str) else e for e in array.flat], object).reshape(shape)
    return array.astype(target)


def _times(column: Any) -> pd.DatetimeIndex:
    """Times as MLflow's datetime has them: nanoseconds, without a UTC offset."""
    if not isinstance(column, pd.DatetimeIndex):
        raise CodecError("the model takes dates and times: use content type datetime")
    if column.tz is not None:
        raise CodecError("the model takes times without a UTC offset")
    try:
        return column.as_unit("ns")
    except ValueError:
        raise CodecError("a time is outside of the years 1678 to 2261") from None
