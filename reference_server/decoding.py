"""An inference request as the value that a model takes.

Source: inference_rest.md, Inference Request JSON Object; content types as MLServer 1.7.1 has them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from mlflow.types.schema import AnyType

from reference_server import nested
from reference_server.codecs import numeric, text
from reference_server.codecs.elements import CodecError, count, flatten, rows, unify
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
# What stands for null while a column is decoded that has nothing else.
_FILLERS: dict[str, Any] = {"str": "", "base64": "", "datetime": "1970-01-01", "pd_json": "null"}
_TEXT_ELEMENTS: dict[str, type] = {"str": str, "base64": bytes}


def content_type(parametrised: dict[str, Any], allowed: tuple[str, ...], where: str) -> str | None:
    """The content type that ``parameters`` give. Raises ``BadRequest`` when it is not in ``allowed``."""
    given: str | None = parametrised.get("parameters", {}).get("content_type")
    if given is not None and given not in allowed:
        raise BadRequest(f"{where}.content_type {given!r} is not supported; use one of {', '.join(allowed)}")
    return given


def decode(request: dict[str, Any], inputs: Side | None) -> Any:
    """The DataFrame, array or dictionary of arrays that the inputs of a checked request make.

    With a signature they have the names and the order that it has. Raises ``BadRequest`` for names,
    datatypes, shapes or data that do not fit the model's ``inputs``.
    """
    listed = inputs is not None and inputs.listed
    grouping = content_type(request, ("pd",) if listed else tuple(GROUPINGS), "parameters")
    known = inputs.tensors if inputs is not None else {}
    by_name: dict[str, Any] = {}
    for place, tensor in enumerate(request["inputs"]):
        name = tensor["name"]
        if name in by_name:
            raise BadRequest(f"inputs[{place}].name: {name!r} is given twice")
        if known and name not in known:
            raise BadRequest(f"inputs[{place}].name: {name!r} is not an input; use {list(known)}")
        by_name[name] = _decode_input(tensor, known.get(name), f"inputs[{place}]")
    missing = [name for name, tensor in known.items() if tensor.required and name not in by_name]
    if missing:
        raise BadRequest(f"inputs: {', '.join(map(repr, missing))} missing")
    given = {tensor.key: by_name[name] for name, tensor in known.items() if name in by_name} or by_name
    grouping = grouping or (inputs.content_type if inputs is not None else _default_grouping(by_name))
    try:
        return _listed(*by_name.values()) if listed else GROUPINGS[grouping](given)
    except CodecError as error:
        raise BadRequest(f"inputs: {error}") from None


def elements(where: str, datatype: str, shape: Sequence[int], read: Callable[[], Any]) -> Any:
    """The elements of a tensor that are no JSON, as ``read`` makes them: as many as the shape says.

    Raises ``BadRequest`` where there are others, or ``read`` raises ``CodecError``.
    """
    if datatype not in DATATYPES:
        allowed = ", ".join(DATATYPES)
        raise BadRequest(f"{where}: datatype {datatype!r} is not supported; use one of {allowed}")
    try:
        expected, found = count(shape), read()
    except CodecError as error:
        raise BadRequest(f"{where}: {error}") from None
    if len(found) != expected:
        raise BadRequest(f"{where}: {len(found)} elements for shape {list(shape)}")
    return found


def _listed(column: Any) -> list[Any]:
    """The column as Python's values, which type hints ask for: a missing number is None."""
    if isinstance(column, pd.DatetimeIndex):
        return text.python_times(column)
    if isinstance(column, np.ndarray):
        return [None if value != value else value for value in column.tolist()]
    return list(column)


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
        elements = flatten(tensor["data"], shape)
        gaps = _gaps(elements, datatype, expected)
        filler = _FILLERS.get(codec, "" if datatype == "BYTES" else False)
        filler = next((element for element in elements if element is not None), filler)
        filled = [filler if element is None else element for element in elements] if gaps else elements
        values = _decode_elements(filled, datatype, shape, codec)
        return _without(values if expected is None else _fit(values, datatype, shape, expected), gaps)
    except CodecError as error:
        raise BadRequest(f"{where} ({tensor['name']!r}): {error}") from None


def _gaps(elements: list[Any], datatype: str, expected: Tensor | None) -> list[int]:
    """Where text and booleans are missing; floating-point numbers know null.

    Raises ``CodecError`` for null where nothing may be missing: in integers, in text and booleans that are
    required.
    Source: MLServer 1.7.1, "Support for NaN values" (floating-point numbers); MLflow, mlflow.models.utils,
    _enforce_mlflow_datatype, which keeps None among booleans and text, and has no integers beside it.
    """
    takes = {DATATYPES[name].element for name in (datatype, expected.datatype if expected else datatype)}
    if takes == {"number"} or None not in elements:
        return []
    gap = f"data[{elements.index(None)}] is null"
    if "integer" in takes:
        raise CodecError(f"{gap}, and integers have no missing value")
    if expected is not None and expected.required and not isinstance(expected.kind, AnyType):
        raise CodecError(f"{gap}, and this input is required")
    return [place for place, element in enumerate(elements) if element is None]


def _without(values: Any, gaps: list[int]) -> Any:
    """``values``, of which those in the gaps are missing."""
    if not gaps:
        return values
    missing = set(gaps)
    if isinstance(values, pd.DatetimeIndex):
        return values.where([place not in missing for place in range(len(values))])
    if isinstance(values, np.ndarray):
        array = values.astype(object)
        array.reshape(-1)[gaps] = None
        return array
    return [None if place in missing else value for place, value in enumerate(values)]


def _decode_elements(elements: list[Any], datatype: str, shape: list[int], codec: str) -> Any:
    if codec == "np":
        return numeric.decode(elements, datatype, shape)
    if datatype != "BYTES":
        raise CodecError(f"content type {codec} takes datatype BYTES, not {datatype}")
    rows(shape)
    return _TEXT_CODECS[codec](elements)


def _fit(values: Any, datatype: str, shape: list[int], expected: Tensor) -> Any:
    """``values`` of ``datatype`` with the type and the shape that the model takes."""
    if not expected.column:
        if not unify(shape, expected.shape):
            raise CodecError(f"shape {shape} does not fit the model's {list(expected.shape)}")
        return _fit_tensor(values, shape, expected)
    rows(shape)
    column = values.reshape(-1) if isinstance(values, np.ndarray) else values
    if expected.content_type == "np":
        return fit_numbers(column, datatype, expected.datatype)
    if expected.content_type == "datetime":
        if not isinstance(column, pd.DatetimeIndex):
            raise CodecError("the model takes dates and times: use content type datetime")
        return column if expected.kind is None else text.naive(column)
    column = list(column) if not isinstance(column, np.ndarray) else column.tolist()
    wanted = _TEXT_ELEMENTS.get(expected.content_type, object)
    if column and not isinstance(column[0], wanted):
        raise CodecError(f"gives {type(column[0]).__name__} elements, the model takes {wanted.__name__}")
    if expected.content_type != "pd_json" or expected.kind is None:
        return column
    return [nested.read(v, expected.kind, expected.required, f"data[{i}]") for i, v in enumerate(column)]


def fit_numbers(column: Any, datatype: str, wanted: str) -> Any:
    """An array of ``datatype`` as ``wanted``. Raises ``CodecError`` where a value would become another."""
    if datatype == "BYTES":
        raise CodecError(f"datatype {datatype} cannot be given as {wanted}")
    if datatype == "FP64" and DATATYPES[wanted].element == "integer":
        odd = column[np.abs(column) >= numeric.EXACT]
        if odd.size:
            raise CodecError(f"{odd[0]} in FP64 does not tell which integer it was: send {wanted}")
    return numeric.cast(column, wanted)


def _fit_tensor(values: Any, shape: list[int], expected: Tensor) -> Any:
    target = np.dtype(expected.numpy)
    if expected.datatype != "BYTES":
        return numeric.cast(np.asarray(values), expected.datatype)
    array = np.asarray(values, object).reshape(shape)
    if target.kind in "US" and any(e.endswith("\0" if isinstance(e, str) else b"\0") for e in array.flat):
        raise CodecError("a text ends with NUL, which NumPy does not keep")
    if target.kind == "S":
        array = np.array([e.encode() if isinstance(e, str) else e for e in array.flat], object).reshape(shape)
    return array.astype(target)
