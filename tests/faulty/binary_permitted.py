"""Unusual servers with binary tensor data that are right."""

from dataclasses import replace
from typing import Any

from tests.faulty.binary import (
    HEADER,
    Blobs,
    answers,
    binary,
    binary_tensors,
    length_of,
    respond,
    wishes,
)
from tests.faulty.vocabulary import INFER, at, error, headed
from tests.faulty.wire import Ask, Request, Response


@binary()
@at(INFER)
def octets_only(request: Request, ask: Ask) -> Response:
    """Binary requests must be declared as application/octet-stream."""
    right = request.headers.get("content-type") == "application/octet-stream"
    return ask(request) if right or HEADER not in request.headers else error(415)


@binary()
@at(INFER)
def header_on_every_answer(request: Request, ask: Ask) -> Response:
    """Answers in JSON have the header too."""
    response = ask(request)
    if response.status != 200 or length_of(response) is not None:
        return response
    return headed(response, inference_header_content_length=str(len(response.body)))


@binary()
@at(INFER)
def named_outputs_are_json(request: Request, ask: Ask) -> Response:
    """Outputs that are listed without binary_data are JSON, as Triton's and KServe's."""
    return ask(
        wishes(request, lambda usual, own: usual.pop("binary_data_output", None) if own == {} else None)
        if b'"outputs"' in request.body
        else request
    )


@binary()
@respond
def binary_in_chunks(response: Response) -> Response:
    """Binary answers are chunked."""
    return replace(response, framing="chunked")


@binary(model="multi-output")
@answers
def binary_outputs_in_another_order(message: dict[str, Any], blobs: Blobs) -> None:
    """Outputs stand in another order than in JSON, their bytes too."""
    if len(binary_tensors(message, "outputs")) == len(message["outputs"]):
        message["outputs"].reverse()
        blobs[:-1] = blobs[-2::-1]


@binary()
@respond
def header_in_lower_case(response: Response) -> Response:
    """The header's name is in lower case, as HTTP/2 has it."""
    length = response.headers["Inference-Header-Content-Length"]
    kept = {k: v for k, v in response.headers.items() if k.lower() != HEADER}
    return replace(response, headers={**kept, HEADER: length})
