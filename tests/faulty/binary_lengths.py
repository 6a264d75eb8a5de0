"""Faults of binary tensor data in requests: lengths, headers, paths, and what stands beside the data."""

import functools
import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.faulty.binary import (
    HEADER,
    Blobs,
    binary,
    binary_tensors,
    length_of,
    lengths,
    parts,
    rebuilt,
    requests,
    texts,
    told,
    wishes,
)
from tests.faulty.vocabulary import INFER, VERSION_INFER, at, error
from tests.faulty.wire import Ask, Middleware, Request, Response

_ECHO: dict[str, Any] = {"model": "echo-columns", "echo": True}


def ends(function: Callable[[bytes, int], bytes]) -> Middleware:
    """The JSON of a binary request is what the function makes of its body and the length that it tells."""

    @at(INFER)
    def middleware(request: Request, ask: Ask) -> Response:
        length = told(request)
        if length is None:
            return ask(request)
        return ask(request.with_header(HEADER, str(len(function(request.body, length)))))

    return functools.update_wrapper(middleware, function)


@binary("request.json-length")
@ends
def length_in_characters(body: bytes, length: int) -> bytes:
    """The length of the JSON is taken as a count of characters, not bytes."""
    return body.decode("utf-8", "surrogateescape")[:length].encode("utf-8", "surrogateescape")


@binary("request.json-length")
@ends
def json_ends_where_it_is_parsed(body: bytes, length: int) -> bytes:
    """The JSON ends where the parser says; the header is not looked at: white space behind it is data."""
    return body[:length].rstrip()


@binary("request.equals-json")
@at(INFER)
def zeros_behind_64_kib(request: Request, ask: Ask) -> Response:
    """One read of 64 KiB; behind it the buffer has zeros."""
    cut = 2**16
    if told(request) and len(request.body) > cut:
        request = replace(request, body=request.body[:cut].ljust(len(request.body), b"\0"))
    return ask(request)


@binary("request.header-name")
@at(INFER)
def header_in_one_spelling(request: Request, ask: Ask) -> Response:
    """The header is known in one spelling only."""
    if HEADER in request.headers and "Inference-Header-Content-Length" not in request.names:
        return ask(replace(request, headers={k: v for k, v in request.headers.items() if k != HEADER}))
    return ask(request)


@binary("request.version", model="versioned")
@at(VERSION_INFER)
def versions_take_json_only(request: Request, ask: Ask) -> Response:
    """The route with a version knows no binary data."""
    return error(400, "invalid JSON") if HEADER in request.headers else ask(request)


@binary("request.version", model="versioned")
@at(VERSION_INFER)
def versions_give_json_only(request: Request, ask: Ask) -> Response:
    """The route with a version answers in JSON, whatever is asked for."""

    def drop(usual: dict[str, Any], own: dict[str, Any]) -> None:
        usual.pop("binary_data_output", None)
        own.pop("binary_data", None)

    return ask(wishes(request, drop))


@binary("request.members", model="multi-output")
@at(INFER)
def all_outputs_of_binary_requests(request: Request, ask: Ask) -> Response:
    """A binary request cannot select outputs: all are returned."""
    found = parts(request)
    if not found or ask(request).status != 200 or "outputs" not in found[0]:
        return ask(request)
    return ask(rebuilt(request, {k: v for k, v in found[0].items() if k != "outputs"}, found[1]))


@binary("errors.size-type")
@at(INFER)
def sizes_of_32_bits(request: Request, ask: Ask) -> Response:
    """A size is cut to 32 bits: 2**32 + 8 is 8."""
    length = told(request)
    try:
        message = json.loads(request.body[:length]) if length else None
        for tensor in message["inputs"] if message else []:
            size = tensor.get("parameters", {}).get("binary_data_size")
            if type(size) is int:
                tensor["parameters"]["binary_data_size"] = size % 2**32
    except (ValueError, TypeError, KeyError, AttributeError):
        return ask(request)
    if not message:
        return ask(request)
    text = json.dumps(message).encode()
    return ask(replace(request, body=text + request.body[length:]).with_header(HEADER, str(len(text))))


@binary("errors.no-data")
@at(INFER)
def no_data_is_a_failure(request: Request, ask: Ask) -> Response:
    """An input with neither data nor size, in a binary request, is a failure of the server."""
    found = parts(request)
    bare = found and [
        t for t in found[0]["inputs"] if "data" not in t and "binary_data_size" not in t.get("parameters", {})
    ]
    return error(500) if bare else ask(request)


@binary("errors.outputs")
@at(INFER)
def unknown_binary_output_is_a_failure(request: Request, ask: Ask) -> Response:
    """An unknown output that is wanted as binary is a failure of the server."""
    response = ask(request)
    found = parts(request)
    document = found[0] if found else request.json
    outputs = document.get("outputs") if isinstance(document, dict) else None
    if response.status == 400 and isinstance(outputs, list) and b'"binary_data"' in request.body:
        return error(500, "KeyError")
    return response


@binary("errors.outputs")
@at(INFER)
def a_word_for_a_flag_is_a_failure(request: Request, ask: Ask) -> Response:
    """A flag that is no boolean is a failure of the server."""
    if re.search(rb'"binary_data(_output)?": *["0-9\[{n]', request.body):
        return error(500)
    return ask(request)


@binary("errors.size-shape", **_ECHO)
@requests
def more_texts_than_elements(message: dict[str, Any], blobs: Blobs) -> None:
    """More elements of BYTES than the shape says: the others are ignored."""
    for place, tensor in enumerate(binary_tensors(message, "inputs")):
        if tensor["datatype"] == "BYTES" and lengths(texts(blobs[place])) == blobs[place]:
            blobs[place] = lengths(texts(blobs[place])[: math.prod(tensor["shape"])])
            tensor["parameters"]["binary_data_size"] = len(blobs[place])


@binary("request.isolation")
@at(INFER)
def one_buffer_for_all(request: Request, ask: Ask) -> Response:
    """One buffer for the data of all requests: those at the same time get the last one's."""
    found = parts(request)
    if not found or ask(request).status != 200:
        return ask(request)
    key = repr([len(blob) for blob in found[1]])
    request.memory[key] = found[1]
    time.sleep(0.02)
    return ask(rebuilt(request, found[0], request.memory[key]))


@binary("request.isolation")
@at(INFER)
def one_buffer_for_answers(request: Request, ask: Ask) -> Response:
    """Binary answers are written through one buffer, which answers at the same time share."""
    response = ask(request)
    if length_of(response) is None:
        return response
    request.memory["answer"] = response
    time.sleep(0.02)
    kept: Response = request.memory["answer"]
    return kept


@binary("request.datatype")
@requests
def datatype_of_the_model(message: dict[str, Any], blobs: Blobs) -> None:
    """The bytes are read as the datatype of the metadata."""
    for tensor in binary_tensors(message, "inputs"):
        if tensor["datatype"] == "INT64":
            tensor["datatype"] = "FP64"


@binary("errors.next-request")
@at(INFER)
def left_in_the_buffer(request: Request, ask: Ask) -> Response:
    """What is left of a binary request that was refused for its lengths is before the next one's data."""
    if told(request) and request.memory.pop("left", False):
        return error(400, "unexpected data")
    response = ask(request)
    wrong = response.status == 400 and "bytes" in str(response.json)
    request.memory["left"] = request.memory.get("left", False) or (HEADER in request.headers and wrong)
    return response
