"""Content type np: tensors as NumPy arrays, checked against their datatype.

Source: inference_rest.md, Tensor Data and Tensor Data Types; MLServer 1.7.1, mlserver/codecs/numpy.py.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reference_server.codecs.elements import CodecError
from spec.tables import DATATYPES

Array = np.ndarray[Any, np.dtype[Any]]

_NULL = type(None)
_PYTHON: dict[str, set[type]] = {
    "boolean": {bool},
    "integer": {int, float},
    "number": {int, float, _NULL},
    "string": {str},
}
_JSON = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    _NULL: "null",
}
_KINDS = {"b": {"boolean"}, "i": {"integer", "number"}, "u": {"integer", "number"}}
EXACT = 2**53  # from here on a float does not tell which integer was meant


def decode(elements: list[Any], datatype: str, shape: Sequence[int]) -> Array:
    """An array of ``datatype`` and ``shape`` from flat JSON elements; BYTES gives an object array of str.

    None is NaN among floating-point numbers (MLServer, "Support for NaN values"). Those are the nearest ones
    to what is written (RFC 8259, section 6); but an integer that FP32 or FP16 cannot hold is refused: there
    it would become another one.
    Raises ``CodecError`` for an element of another JSON type, with a fraction, or out of range.
    """
    element = DATATYPES[datatype].element
    kinds = set(map(type, elements))
    if not kinds <= _PYTHON[element]:
        place, odd = next((i, e) for i, e in enumerate(elements) if type(e) not in _PYTHON[element])
        raise CodecError(f"data[{place}] is a JSON {_json_type(odd)}; {datatype} takes {element} elements")
    if element == "integer":
        return _reshape(_integers(elements, datatype), shape)
    if element == "number":
        return _reshape(_numbers(elements, datatype, int in kinds), shape)
    return _reshape(np.array(elements, DATATYPES[datatype].numpy), shape)


def cast(array: Array, datatype: str) -> Array:
    """``array`` as ``datatype``: fractions may be rounded to the type's precision, nothing else is lost.

    Raises ``CodecError`` when an integer would change, a fraction be dropped or the range be left.
    """
    target = DATATYPES[datatype]
    if array.dtype == target.numpy:
        return array
    if not array.size:
        return array.astype(target.numpy)
    if target.element == "number" and array.dtype.kind == "f":
        return _floats(array, datatype)
    if target.element not in _KINDS.get(array.dtype.kind, {"integer"}) or array.dtype.kind not in "biuf":
        raise CodecError(f"{array.dtype} values cannot be given as {datatype}")
    with np.errstate(invalid="ignore", over="ignore"):
        result = array.astype(target.numpy)
        changed = (result != array) | (result.astype(array.dtype) != array)
    if changed.any():
        raise CodecError(f"{array[changed].flat[0]} cannot be given as {datatype} without a loss")
    return result


def finite(array: Array) -> Array:
    """``array``, which has no infinity. Raises ``CodecError``: JSON has no number for it."""
    if array.dtype.kind == "f" and np.isinf(array).any():
        odd = int(np.flatnonzero(np.isinf(array))[0])
        raise CodecError(f"element {odd} is {array.flat[odd]}, which no JSON number expresses")
    return array


def encode(array: Array) -> Any:
    """The elements in row-major order, for JSON. Floats are written with all the digits of a double.

    NaN is written as null (ruling: the protocol has no way to say it, and MLServer writes null).
    """
    flat = array.reshape(-1)
    if flat.dtype == object:
        return flat.tolist()
    return np.ascontiguousarray(flat, "float64" if flat.dtype.kind == "f" else flat.dtype)


def datatype_of(dtype: np.dtype[Any]) -> str:
    """The datatype that holds values of ``dtype``. Raises ``CodecError`` when the protocol has none."""
    if dtype.kind in "OUS":
        return "BYTES"
    found = next((name for name, row in DATATYPES.items() if row.numpy == dtype.name), None)
    if found is None:
        raise CodecError(f"the protocol has no datatype for {dtype}")
    return found


def _reshape(array: Array, shape: Sequence[int]) -> Array:
    try:
        return array.reshape(shape)
    except (
        ValueError,
        OverflowError,
    ):  # a dimension of 0 beside huge ones: the product fits, the sizes do not
        raise CodecError(f"shape {list(shape)} is too large") from None


def _json_type(value: Any) -> str:
    return _JSON.get(type(value), type(value).__name__)


def _integers(elements: list[Any], datatype: str) -> Array:
    odd = next((e for e in elements if type(e) is float and (e % 1 or abs(e) >= EXACT)), None)
    if odd is None:
        try:
            return np.array(list(map(int, elements)), DATATYPES[datatype].numpy)
        except OverflowError:
            allowed = np.iinfo(DATATYPES[datatype].numpy)
            odd = next(e for e in elements if not allowed.min <= e <= allowed.max)
    raise CodecError(f"data[{elements.index(odd)}] is {odd}, which is no {datatype}")


def _numbers(elements: list[Any], datatype: str, integers: bool) -> Array:
    try:
        array = np.array(elements, "float64")
    except OverflowError:  # an integer beyond the largest double
        raise CodecError(f"data has a number out of the range of {datatype}") from None
    result = _floats(array, datatype)
    if integers and result.dtype != array.dtype:
        odd = next((place for place in np.flatnonzero(result != array) if type(elements[place]) is int), None)
        if odd is not None:
            raise CodecError(f"data[{odd}] is {elements[odd]}, which {datatype} holds not exactly: send FP64")
    return result


def _floats(array: Array, datatype: str) -> Array:
    with np.errstate(over="ignore"):
        result = array.astype(DATATYPES[datatype].numpy)
    overflow = np.isinf(result) & np.isfinite(array)
    if overflow.any():
        place = int(np.flatnonzero(overflow)[0])
        raise CodecError(f"data[{place}] is {array.flat[place]}, out of the range of {datatype}")
    return result
