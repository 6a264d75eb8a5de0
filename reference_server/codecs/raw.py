"""Elements as raw bytes: little-endian, without padding; those of BYTES each behind its length.

Source: Triton's extension_binary_data.md, which gRPC's raw contents follow too.
"""

import struct
from typing import Any

import numpy as np

from reference_server.codecs.elements import CodecError
from reference_server.codecs.numeric import Array
from spec.tables import DATATYPES

Bytes = bytes | memoryview

_LENGTH = struct.Struct("<I")  # before each element of BYTES
_NATIVE = {name: np.dtype(row.numpy) for name, row in DATATYPES.items() if row.size is not None}
_LITTLE_ENDIAN = {name: dtype.newbyteorder("<") for name, dtype in _NATIVE.items()}


def decode(data: Bytes, datatype: str) -> Array | list[str]:
    """The elements, flat: an array of numbers or booleans, or a list of texts.

    Raises ``CodecError`` for bytes that are no such elements.
    """
    row = DATATYPES[datatype]
    if row.size is None:
        return texts(_split(data))
    if len(data) % row.size:
        raise CodecError(f"{len(data)} bytes are no whole number of {datatype}")
    if datatype == "BOOL" and np.frombuffer(data, np.uint8).max(initial=0) > 1:
        raise CodecError("an element of BOOL is one byte, 0 or 1")
    return np.frombuffer(data, _LITTLE_ENDIAN[datatype]).astype(_NATIVE[datatype], copy=False)


def _split(data: Bytes) -> list[bytes]:
    found, place = [], 0
    while place < len(data):
        end = place + _LENGTH.size
        if end <= len(data):
            end += _LENGTH.unpack_from(data, place)[0]
        if end > len(data) or end < place + _LENGTH.size:
            raise CodecError(f"the element at byte {place} is longer than what is left")
        found.append(bytes(data[place + _LENGTH.size : end]))
        place = end
    return found


def texts(elements: list[bytes]) -> list[str]:
    """The texts that elements of BYTES are. Raises ``CodecError`` where one is no UTF-8."""
    try:
        return [element.decode() for element in elements]
    except UnicodeDecodeError as error:
        raise CodecError(f"{error.object[:20]!r} is no UTF-8, and this server takes text") from None


def elements(data: Any, datatype: str) -> Array | list[bytes]:
    """Elements of an output as their bytes are made of: an array of the datatype, or bytes of each text.

    Raises ``CodecError`` for a missing text.
    """
    row = DATATYPES[datatype]
    if row.element != "string":
        return np.asarray(data, row.numpy).reshape(-1)
    if None in data:
        raise CodecError("there are missing texts, which can be told in JSON only")
    return [text.encode() for text in data]


def encode(found: Array | list[bytes]) -> bytes:
    """The bytes of elements."""
    if isinstance(found, list):
        return b"".join(_LENGTH.pack(len(element)) + element for element in found)
    return found.astype(found.dtype.newbyteorder("<"), copy=False).tobytes()
