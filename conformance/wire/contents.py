"""The elements of a tensor in typed fields (gRPC), or as raw bytes (binary tensor data too). Pure functions.

Sources: inference_grpc.md, Tensor Data; for the raw form of BYTES and the order of bytes, Triton's
extension_binary_data.md (ruling in spec/requirements/grpc-contents.toml).
"""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from spec.tables import DATATYPES

_LENGTH = struct.Struct("<I")  # before each element of BYTES
SIZES = {name: row.size for name, row in DATATYPES.items() if row.size} | {"BF16": 2}
KNOWN = {*DATATYPES, "BF16"}


def field(datatype: str) -> str:
    """The typed field of a datatype; empty where it has none, and for what is no datatype."""
    return DATATYPES[datatype].contents if datatype in DATATYPES else ""


def typed(datatype: str, elements: Sequence[Any]) -> list[Any]:
    """The elements for the typed field: text as bytes, numbers as numbers of the field's kind.

    Raises ValueError for an element that it can't hold.
    """
    if datatype not in KNOWN:
        raise ValueError(f"{datatype!r} is no datatype")
    kind = "number" if datatype == "BF16" else DATATYPES[datatype].element
    if kind == "string":
        return [as_bytes(element) for element in elements]
    if kind == "number":
        return [float("nan") if element is None else float(element) for element in elements]
    if None in elements:
        raise ValueError(f"there is no null for {datatype}")
    return list(elements) if kind == "boolean" else [int(element) for element in elements]


def packed(datatype: str, elements: Sequence[Any]) -> bytes:
    """The elements as raw bytes. Raises ValueError for one that the datatype can't hold."""
    if datatype == "BYTES":
        return b"".join(_LENGTH.pack(len(data)) + data for data in map(as_bytes, elements))
    values = typed(datatype, elements)
    try:
        with np.errstate(over="ignore"):
            if datatype == "BF16":  # the upper half of FP32
                return bytes((np.array(values, "<f4").view("<u4") >> 16).astype("<u2").tobytes())
            array = np.array(values, np.float64) if DATATYPES[datatype].element == "number" else values
            return np.asarray(array).astype(_dtype(datatype)).tobytes() if values else b""
    except OverflowError as error:
        raise ValueError(str(error)) from error


def unpacked(datatype: str, data: bytes) -> list[Any]:
    """The elements in raw bytes, BYTES that are UTF-8 as text. Raises ValueError, which says why."""
    if datatype == "BYTES":
        return [as_text(element) for element in _split(data)]
    if datatype not in SIZES:
        raise ValueError(f"{datatype!r} is no datatype")
    if len(data) % SIZES[datatype]:
        raise ValueError(f"{len(data)} bytes are no whole number of {datatype}")
    if datatype == "BF16":  # the upper half of FP32
        return list((np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).tolist())
    if datatype == "BOOL" and (odd := set(data) - {0, 1}):
        raise ValueError(f"{min(odd)} is no BOOL: it is 0 or 1")
    return list(np.frombuffer(data, _dtype(datatype)).tolist())


def as_bytes(element: Any) -> bytes:
    """An element of BYTES. Raises ValueError for what is neither text nor bytes."""
    if isinstance(element, str):
        return element.encode("utf-8", "surrogatepass")
    if isinstance(element, bytes):
        return element
    raise ValueError(f"BYTES can be no {type(element).__name__}")


def as_text(element: bytes) -> str | bytes:
    """The text that an element of BYTES is in UTF-8; itself where it is none."""
    try:
        return element.decode("utf-8")
    except UnicodeDecodeError:
        return element


def _dtype(datatype: str) -> Any:
    return np.dtype(DATATYPES[datatype].numpy).newbyteorder("<")


def _split(data: bytes) -> list[bytes]:
    found, place = [], 0
    while place < len(data):
        if len(data) < place + _LENGTH.size:
            raise ValueError(f"byte {place}: {len(data) - place} bytes are left, a length takes 4")
        (length,) = _LENGTH.unpack_from(data, place)
        place += _LENGTH.size
        if len(data) < place + length:
            raise ValueError(f"byte {place}: an element of {length} bytes, and {len(data) - place} are left")
        found.append(data[place : place + length])
        place += length
    return found
