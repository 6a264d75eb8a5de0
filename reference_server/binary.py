"""Binary tensor data: a message in JSON, and behind it the data of tensors as raw bytes.

Source: Triton's extension_binary_data.md.
"""

from collections.abc import Callable
from typing import Any

from reference_server import decoding, encoding, jsonio
from reference_server.checking import check
from reference_server.codecs import raw
from reference_server.errors import BadRequest
from reference_server.signature import Side, Tensor
from spec.tables import DATATYPES

NAME = "binary_tensor_data"  # under extensions
HEADER = "Inference-Header-Content-Length"  # of the JSON, in bytes
MEDIA_TYPE = "application/octet-stream"
_SIZE, _WANTED, _ALL_WANTED = "binary_data_size", "binary_data", "binary_data_output"
_DIGITS = 18  # of a length that fits into 64 bits

Wanted = Callable[[str], bool]


def read(
    body: bytes, length: str, inputs: Side | None, depth: int = jsonio.MAX_DEPTH
) -> tuple[dict[str, Any], list[Any]]:
    """The request in a body whose header has this ``length``, and the data of each input, flat: an array of
    numbers or a list of texts; None of one whose data are in the JSON.

    A length of 0: the body is the data of the only one of the model's ``inputs``. Raises ``BadRequest``.
    """
    end = _length(length, len(body))
    if end == 0:
        return _raw(body, inputs)
    request = jsonio.loads(body[:end], depth)
    listed = request.get("inputs") if isinstance(request, dict) else None
    tensors = listed if isinstance(listed, list) else []
    sizes = [_take_size(tensor, f"inputs[{place}]") for place, tensor in enumerate(tensors)]
    check(request)
    data: list[Any] = []
    whole = memoryview(body)
    for place, (tensor, size) in enumerate(zip(tensors, sizes, strict=True)):
        where = f"inputs[{place}] ({tensor['name']!r})"
        if size is not None and end + size > len(body):
            raise BadRequest(f"{where}: {_SIZE} is {size}, and {len(body) - end} bytes are left of the body")
        data.append(None if size is None else _decoded(tensor, whole[end : end + size], where))
        end += size or 0
    if end != len(body):
        raise BadRequest(f"{len(body) - end} bytes are left of the body after those of all inputs")
    return request, data


def _length(told: str, most: int) -> int:
    if not (told.isascii() and told.isdigit() and len(told) <= _DIGITS) or int(told) > most:
        raise BadRequest(f"{HEADER} must be the length of the JSON, 0 to {most} here, not {told[:40]!r}")
    return int(told)


def _take_size(tensor: Any, where: str) -> int | None:
    """How many bytes an input has behind the JSON, taken from its parameters; None where it has none."""
    parameters = tensor.get("parameters") if isinstance(tensor, dict) else None
    if not isinstance(parameters, dict) or _SIZE not in parameters:
        return None
    size = parameters.pop(_SIZE)
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadRequest(f"{where}.parameters.{_SIZE} must be a number of bytes, not {str(size)[:40]}")
    if "data" in tensor:
        raise BadRequest(f"{where} has data and {_SIZE}: send one of the two")
    tensor["data"] = []
    return size


def _decoded(tensor: dict[str, Any], data: raw.Bytes, where: str) -> Any:
    datatype = tensor["datatype"]
    return decoding.elements(where, datatype, tensor["shape"], lambda: raw.decode(data, datatype))


def _raw(body: bytes, inputs: Side | None) -> tuple[dict[str, Any], list[Any]]:
    """The request of one row, in a body that is its data. All outputs are binary.

    Source: extension_binary_data.md, Raw Binary Request.
    """
    tensors = list(inputs.tensors.values()) if inputs is not None else []
    shape = _row(tensors[0]) if len(tensors) == 1 else None
    if shape is None:
        raise BadRequest(f"{HEADER} 0 is for models with one input of numbers, whose rows have one size")
    tensor = {"name": tensors[0].name, "shape": shape, "datatype": tensors[0].datatype, "data": []}
    request = {"inputs": [tensor], "parameters": {_ALL_WANTED: True}}
    return request, [_decoded(tensor, body, f"the body, which is input {tensor['name']!r}")]


def _row(tensor: Tensor) -> list[int] | None:
    """The shape of one row; None where it can have several, or elements have no size."""
    first, *others = tensor.shape or (1,)
    if DATATYPES[tensor.datatype].size is None or min(others, default=1) < 0:
        return None
    return [max(first, 1), *others] if tensor.shape else []


def wanted(request: dict[str, Any]) -> Wanted:
    """Whether an output is wanted as bytes, by its name. Raises ``BadRequest`` for what is no such wish."""
    usual = _flag(request, _ALL_WANTED, "parameters", default=False)
    listed = enumerate(request.get("outputs", []))
    own = {o["name"]: _flag(o, _WANTED, f"outputs[{place}].parameters", usual) for place, o in listed}
    return lambda name: own.get(name, usual)


def _flag(holder: dict[str, Any], name: str, where: str, default: bool) -> bool:
    value = holder.get("parameters", {}).get(name, default)
    if not isinstance(value, bool):
        raise BadRequest(f"{where}.{name} must be true or false, not {str(value)[:40]}")
    return value


def take_bytes(outputs: list[dict[str, Any]], binary: Wanted) -> list[bytes]:
    """The bytes of those outputs that are wanted so, taken out of them. Raises ``ModelError``."""
    blobs = []
    for output in outputs:
        if binary(output["name"]):
            blobs.append(raw.encode(encoding.raw_elements(output)))
            del output["data"]
            output["parameters"][_SIZE] = len(blobs[-1])
    return blobs
