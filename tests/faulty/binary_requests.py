"""Faults of binary tensor data in requests, right ones and wrong ones."""

import json
import math
import struct
from dataclasses import replace
from typing import Any

from tests.faulty.binary import (
    HEADER,
    Blobs,
    binary,
    binary_tensors,
    lengths,
    requests,
    swapped,
)
from tests.faulty.vocabulary import INFER, SERVER, at, edits, error, fault, headed, text
from tests.faulty.wire import Ask, Request, Response

_ECHO: dict[str, Any] = {"model": "echo-columns", "echo": True}


@binary("server.advertised")
@edits(SERVER)
def binary_unlisted(answer: Any, request: Request) -> None:
    """The server does not list binary_tensor_data."""
    answer["extensions"] = ["model_repository_index"]


@binary("request.accepted")
@requests
def binary_inputs_refused(message: dict[str, Any], blobs: Blobs) -> object:
    """Binary inputs are refused, binary outputs given."""
    return 400 if binary_tensors(message, "inputs") else None


@binary("request.accepted")
@requests
def several_binary_rows_refused(message: dict[str, Any], blobs: Blobs) -> object:
    """Several rows of binary inputs are refused, which JSON may have."""
    several = any(tensor["shape"][0] > 1 for tensor in binary_tensors(message, "inputs"))
    return 400 if several else None


@binary("request.equals-json", "request.mixed", "request.order")
@requests
def big_endian_inputs(message: dict[str, Any], blobs: Blobs) -> None:
    """Numbers are read in the other order of bytes."""
    blobs[:-1] = [swapped(blob) for blob in blobs[:-1]]


@binary("request.mixed")
@requests
def all_or_nothing(message: dict[str, Any], blobs: Blobs) -> object:
    """All inputs must be binary, or none."""
    count = len(binary_tensors(message, "inputs"))
    return 400 if 0 < count < len(message["inputs"]) else None


@binary("request.mixed")
@requests
def blobs_counted_for_json_inputs(message: dict[str, Any], blobs: Blobs) -> None:
    """The bytes are given to the first inputs, whichever are binary."""
    sized = binary_tensors(message, "inputs")
    others = [tensor["data"][0] for tensor in message["inputs"] if "data" in tensor]
    if others and len(sized) + len(others) == len(message["inputs"]):
        data = [struct.unpack("<d", blob)[0] for blob in blobs[: len(sized)]]
        for tensor, value in zip(message["inputs"], data + others, strict=True):
            tensor.pop("parameters", None)
            tensor["data"] = [value]
        blobs[:] = []


@binary("request.order")
@requests
def inputs_in_the_models_order(message: dict[str, Any], blobs: Blobs) -> None:
    """The bytes are read in the order of the model's inputs."""
    names = [tensor["name"] for tensor in message["inputs"]]
    if names[:1] == ["alcohol"] and len(names) == 11:
        message["inputs"].reverse()


@binary("request.zero-rows")
@requests
def no_bytes_end_in_500(message: dict[str, Any], blobs: Blobs) -> object:
    """Binary inputs without bytes are a failure of the server."""
    empty = any(tensor["shape"][0] == 0 for tensor in binary_tensors(message, "inputs"))
    return 500 if empty else None


def _raw(request: Request) -> bool:
    return request.headers.get(HEADER) == "0"


@binary("request.raw", model="tensor")
@at(INFER)
def no_raw_requests(request: Request, ask: Ask) -> Response:
    """A body of data alone is refused."""
    return error(400, "there is no JSON") if _raw(request) else ask(request)


@binary("request.raw", model="tensor")
@at(INFER)
def raw_request_answered_in_json(request: Request, ask: Ask) -> Response:
    """A body of data alone is answered in JSON."""
    response = ask(request)
    if not _raw(request) or response.status != 200:
        return response
    end = int(response.headers["Inference-Header-Content-Length"])
    message = json.loads(response.body[:end])
    (output,) = message["outputs"]
    kind = {"FP64": "d", "FP32": "f", "INT64": "q"}[output["datatype"]]
    output["data"] = list(struct.unpack(f"<{math.prod(output['shape'])}{kind}", response.body[end:]))
    del output["parameters"]["binary_data_size"]
    plain = headed(response, inference_header_content_length=None, content_type="application/json")
    return plain.with_json(message)


@binary("errors.body")
@at(INFER)
def plain_text_errors_after_bytes(request: Request, ask: Ask) -> Response:
    """Errors of binary requests are text."""
    response = ask(request)
    return text(response.status, "no") if HEADER in request.headers and response.status != 200 else response


@binary("errors.body")
@at(INFER)
def binary_errors(request: Request, ask: Ask) -> Response:
    """Errors of requests for binary outputs are bytes."""
    response = ask(request)
    asked = b"binary_data_output" in request.body and HEADER not in request.headers
    return replace(response, body=b"\xff\0") if asked and response.status != 200 else response


def _fitted(tensor: dict[str, Any], blob: bytes) -> bytes:
    size = 8 * math.prod(tensor["shape"])
    tensor["parameters"]["binary_data_size"] = size
    return blob[:size].ljust(size, b"\0")


@binary("errors.size-shape")
@requests
def sizes_made_to_fit(message: dict[str, Any], blobs: Blobs) -> None:
    """Bytes beyond the shape are passed over, those that are missing are 0."""
    sized = binary_tensors(message, "inputs")
    told = [tensor["parameters"]["binary_data_size"] for tensor in sized]
    if all(isinstance(size, int) for size in told) and told == [len(blob) for blob in blobs[:-1]]:
        blobs[:-1] = [_fitted(*pair) for pair in zip(sized, blobs, strict=False)]


@binary("errors.size-type")
@at(INFER)
def odd_sizes_end_in_500(request: Request, ask: Ask) -> Response:
    """A size that is no number of bytes is a failure of the server."""
    response = ask(request)
    odd = b"binary_data_size must be" in response.body
    return error(500) if odd else response


@binary("errors.missing-bytes")
@at(INFER)
def missing_bytes_are_zero(request: Request, ask: Ask) -> Response:
    """Bytes that are missing are 0."""
    response = ask(request)
    if b"are left of the body" in response.body and b"binary_data_size is" in response.body:
        for missing in (1, 88):
            filled = ask(replace(request, body=request.body + bytes(missing)))
            response = filled if filled.status == 200 else response
    return response


@binary("errors.left-over")
@requests
def left_over_passed_over(message: dict[str, Any], blobs: Blobs) -> None:
    """Bytes after those of the last input are passed over."""
    blobs[-1] = b""


@binary("errors.header")
@at(INFER)
def words_as_header_end_in_500(request: Request, ask: Ask) -> Response:
    """A header that is no number is a failure of the server."""
    return error(500) if not request.headers.get(HEADER, "0").isdigit() else ask(request)


@binary("errors.header")
@at(INFER)
def long_headers_end_in_500(request: Request, ask: Ask) -> Response:
    """A header beyond 32 bits is a failure of the server."""
    told = request.headers.get(HEADER, "0")
    return error(500) if told.isdigit() and int(told) >= 2**31 else ask(request)


@binary("errors.no-header")
@at(INFER)
def zeros_without_header(request: Request, ask: Ask) -> Response:
    """Without the header the data of inputs that have a size are zeros."""
    document = request.json
    if HEADER in request.headers or b"binary_data_size" not in request.body or document is None:
        return ask(request)
    for tensor in document["inputs"]:
        tensor.setdefault("data", [0.0] * math.prod(tensor["shape"]))
    return ask(request.with_json(document))


@binary("errors.both-forms")
@requests
def data_before_bytes(message: dict[str, Any], blobs: Blobs) -> None:
    """Of data and bytes the data are taken."""
    kept = []
    for tensor, blob in zip(binary_tensors(message, "inputs"), blobs, strict=False):
        if "data" in tensor:
            del tensor["parameters"]["binary_data_size"]
        else:
            kept.append(blob)
    blobs[:] = [*kept, blobs[-1]]


@binary("errors.length-prefix", **_ECHO)
@requests
def long_texts_are_cut(message: dict[str, Any], blobs: Blobs) -> None:
    """A text that is longer than what is left ends there."""
    for place, tensor in enumerate(binary_tensors(message, "inputs")):
        if tensor["datatype"] == "BYTES" and blobs[place][:4] == b"\xff\xff\xff\x7f":
            blobs[place] = lengths([blobs[place][4:]])
            tensor["parameters"]["binary_data_size"] = len(blobs[place])


@fault("v2.errors.binary-data")
@at(INFER)
def binary_data_end_in_500(request: Request, ask: Ask) -> Response:
    """A server without binary tensor data fails at it."""
    return error(500, "not UTF-8") if HEADER in request.headers else ask(request)
