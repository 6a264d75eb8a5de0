"""Binary tensor data: the JSON of a message, and behind it the data of tensors as raw bytes. Pure functions.

Source: Triton's extension_binary_data.md.
"""

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.wire import contents
from conformance.wire.tensors import flat, is_shape

HEADER = "Inference-Header-Content-Length"  # of the JSON, in bytes
SIZE = "binary_data_size"  # a parameter of an input or an output: it is binary, and has so many bytes
WANTED = "binary_data"  # a parameter of a requested output
ALL_WANTED = "binary_data_output"  # a parameter of a request


def moved(
    request: Mapping[str, Any], inputs: Collection[str] | None = None
) -> tuple[dict[str, Any], list[bytes]]:
    """A request without the data of these inputs, of all where none are named; and their data as bytes.

    Raises ValueError for an element that has no raw form.
    """
    tensors, blobs = [], []
    for tensor in request["inputs"]:
        if inputs is None or tensor["name"] in inputs:
            blobs.append(contents.packed(tensor["datatype"], flat(tensor["data"])))
            parameters = {**tensor.get("parameters", {}), SIZE: len(blobs[-1])}
            tensor = {k: v for k, v in tensor.items() if k != "data"} | {"parameters": parameters}
        tensors.append(tensor)
    return {**request, "inputs": tensors}, blobs


@dataclass(frozen=True)
class Parts:
    """An answer, taken apart.

    message: its JSON. blobs: the bytes of each output, by its place; None of one whose data is in the JSON.
    left: how many bytes there are beyond these, below 0 where some are missing.
    """

    message: dict[str, Any]
    blobs: list[bytes | None]
    left: int

    @property
    def outputs(self) -> list[tuple[dict[str, Any], bytes | None]]:
        """Each output with its bytes."""
        return list(zip(_outputs(self.message), self.blobs, strict=True))

    @property
    def members(self) -> dict[str, Any]:
        """The message, in which outputs have their data as far as their bytes can be read."""
        outputs = [output | _data(output, blob) for output, blob in self.outputs]
        return self.message | {"outputs": outputs}


def parts(body: bytes, length: str) -> Parts:
    """The parts of a body whose JSON has this length. Raises ValueError, which says why there are none."""
    if not (length.isascii() and length.isdigit()):
        raise ValueError(f"{length!r} is no length")
    if int(length) > len(body):
        raise ValueError(f"the body has {len(body)} bytes")
    try:
        message = json.loads(body[: int(length)])
    except RecursionError as error:
        raise ValueError(str(error)) from error
    if not isinstance(message, dict):
        raise ValueError("the JSON is no object")
    blobs: list[bytes | None] = []
    place = int(length)
    for output in _outputs(message):
        size = size_of(output)
        blobs.append(None if size is None else body[place : place + size])
        place += size or 0
    return Parts(message, blobs, len(body) - place)


def size_of(output: Mapping[str, Any]) -> int | None:
    """How many bytes an output says that it has; None where it says nothing that can be read."""
    parameters = output.get("parameters")
    size = parameters.get(SIZE) if isinstance(parameters, dict) else None
    return size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None


def _outputs(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = message.get("outputs")
    return [output for output in listed if isinstance(output, dict)] if isinstance(listed, list) else []


def _data(output: Mapping[str, Any], blob: bytes | None) -> dict[str, Any]:
    shape = output.get("shape")
    if blob is None or not is_shape(shape):
        return {}
    try:
        elements = contents.unpacked(str(output.get("datatype")), blob)
    except ValueError:
        return {}
    return {"data": elements} if len(elements) == math.prod(shape) else {}
