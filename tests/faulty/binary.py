"""The words in which faults of binary tensor data are written: messages, with the bytes behind them."""

import functools
import json
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.faulty.vocabulary import INFER, at, error, fault
from tests.faulty.wire import Ask, Middleware, Request, Response

HEADER = "inference-header-content-length"
Blobs = list[bytes]


def split(body: bytes, length: int, tensors: str) -> tuple[dict[str, Any], Blobs]:
    """A message, and the bytes of those tensors that have some, in their order; last, what is left over."""
    message, place, blobs = json.loads(body[:length]), length, []
    for tensor in message[tensors]:
        size = tensor.get("parameters", {}).get("binary_data_size")
        if size is not None:
            blobs.append(body[place : place + size])
            place += size
    return message, [*blobs, body[place:]]


def joined(message: Any, blobs: Blobs) -> tuple[bytes, str]:
    """The body, and the length of its JSON."""
    text = json.dumps(message).encode()
    return b"".join([text, *blobs]), str(len(text))


def binary_tensors(message: dict[str, Any], tensors: str) -> list[dict[str, Any]]:
    """The tensors that have their data behind the JSON."""
    return [tensor for tensor in message[tensors] if "binary_data_size" in tensor.get("parameters", {})]


def length_of(response: Response) -> int | None:
    """The length of the JSON of a binary answer; None of another one."""
    found = {name.lower(): value for name, value in response.headers.items()}.get(HEADER)
    return None if found is None else int(found)


def told(request: Request) -> int | None:
    """The length of the JSON of a request whose header is a number that fits."""
    length = request.headers.get(HEADER, "")
    return int(length) if length.isdigit() and 0 < int(length) <= len(request.body) else None


def parts(request: Request) -> tuple[dict[str, Any], Blobs] | None:
    """The message of a binary request, and the bytes of its inputs with those left over; None of others."""
    length = told(request)
    try:
        return None if length is None else split(request.body, length, "inputs")
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def rebuilt(request: Request, message: Any, blobs: Blobs) -> Request:
    """The request with this message and these bytes."""
    body, length = joined(message, blobs)
    return replace(request, body=body).with_header(HEADER, length)


def respond(function: Callable[[Response], Response]) -> Middleware:
    """The function makes another response of a binary one."""

    @at(INFER)
    def middleware(request: Request, ask: Ask) -> Response:
        response = ask(request)
        return response if length_of(response) is None else function(response)

    return functools.update_wrapper(middleware, function)


def answers(function: Callable[[dict[str, Any], Blobs], object]) -> Middleware:
    """The function changes a binary answer: its message, and the bytes of its binary outputs."""

    def changed(response: Response) -> Response:
        message, blobs = split(response.body, length_of(response) or 0, "outputs")
        function(message, blobs)
        body, told = joined(message, blobs)
        return replace(response, body=body).with_header("Inference-Header-Content-Length", told)

    return functools.update_wrapper(respond(changed), function)


def requests(function: Callable[[dict[str, Any], Blobs], object]) -> Middleware:
    """The function changes a binary request whose header is a number: its message, and the bytes of its
    inputs with those left over; what it returns instead of None is the status of a refusal."""

    @at(INFER)
    def middleware(request: Request, ask: Ask) -> Response:
        found = parts(request)
        if found is None:
            return ask(request)
        status = function(*found)
        return error(status) if isinstance(status, int) else ask(rebuilt(request, *found))

    return functools.update_wrapper(middleware, function)


def without_binary(ask: Ask) -> Ask:
    """The reference server as if it had no binary tensor data."""

    def answer(request: Request) -> Response:
        if HEADER in request.headers:
            return error(415, "data must be JSON")
        if b'"binary_data' in request.body:
            request = replace(request, body=request.body.replace(b'"binary_data', b'"other_data'))
        response = ask(request)
        listed = response.status == 200 and b"binary_tensor_data" in response.body
        if listed and request.method == "GET":
            document = response.json
            document["extensions"] = [x for x in document["extensions"] if x != "binary_tensor_data"]
            return response.with_json(document)
        return response

    return answer


def swapped(blob: bytes) -> bytes:
    """Elements of eight bytes in the other order of bytes."""
    return b"".join(blob[i : i + 8][::-1] for i in range(0, len(blob), 8))


def texts(blob: bytes) -> list[bytes]:
    """The elements of BYTES."""
    found = []
    while len(blob) >= 4:
        (length,) = struct.unpack_from("<I", blob)
        found.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return found


def lengths(elements: list[bytes]) -> bytes:
    """Elements of BYTES behind their lengths."""
    return b"".join(struct.pack("<I", len(element)) + element for element in elements)


def each(message: dict[str, Any], blobs: Blobs, datatype: str, change: Callable[[bytes], bytes]) -> None:
    """Change the bytes of the outputs of a datatype."""
    for place, output in enumerate(binary_tensors(message, "outputs")):
        if output["datatype"] == datatype:
            blobs[place] = change(blobs[place])
            output["parameters"]["binary_data_size"] = len(blobs[place])


def each_number(message: dict[str, Any], blobs: Blobs, datatype: str, change: Callable[[Any], Any]) -> None:
    """Change each number of the outputs of a datatype of eight bytes."""
    code = {"FP64": "<d", "INT64": "<q"}[datatype]

    def changed(blob: bytes) -> bytes:
        return b"".join(struct.pack(code, change(value)) for (value,) in struct.iter_unpack(code, blob))

    each(message, blobs, datatype, changed)


def binary(*breaks: str, **more: Any) -> Callable[[Middleware], Middleware]:
    """Register a server that has binary tensor data, and breaks these requirements of it."""
    return fault(*(f"binary.{name}" for name in breaks), **{"speaks": "binary"} | more)


def wishes(request: Request, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> Request:
    """The request in JSON, its parameters and those of each output changed."""
    document = request.json
    if not isinstance(document, dict) or HEADER in request.headers:
        return request
    own = [output.setdefault("parameters", {}) for output in document.get("outputs", [])]
    usual = document.setdefault("parameters", {})
    for parameters in own or [{}]:
        change(usual, parameters)
    return request.with_json(document)
