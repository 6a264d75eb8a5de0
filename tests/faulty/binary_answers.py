"""Faults of binary tensor data in answers."""

import math
from typing import Any

from tests.faulty.binary import (
    Blobs,
    answers,
    binary,
    binary_tensors,
    each,
    each_number,
    lengths,
    requests,
    respond,
    swapped,
    texts,
    wishes,
)
from tests.faulty.vocabulary import INFER, at, headed
from tests.faulty.wire import Ask, Request, Response

_ECHO: dict[str, Any] = {"model": "echo-columns", "echo": True}


@binary("response.default")
@requests
def binary_after_binary(message: dict[str, Any], blobs: Blobs) -> None:
    """A binary request has a binary answer."""
    message.setdefault("parameters", {}).setdefault("binary_data_output", True)


@binary("response.one", model="multi-output")
@at(INFER)
def one_for_all(request: Request, ask: Ask) -> Response:
    """Where one output is asked for as binary, all are."""
    document = request.json
    outputs = document.get("outputs", []) if isinstance(document, dict) else []
    wanted = [o for o in outputs if o.get("parameters", {}).get("binary_data")]
    for output in outputs if wanted else []:
        output["parameters"] = {"binary_data": True}
    return ask(request.with_json(document) if wanted else request)


@binary("response.one", "response.override")
@at(INFER)
def binary_data_ignored(request: Request, ask: Ask) -> Response:
    """binary_data of outputs is not looked at."""
    return ask(wishes(request, lambda _, own: own.pop("binary_data", None)))


@binary("response.all")
@at(INFER)
def binary_data_output_ignored(request: Request, ask: Ask) -> Response:
    """binary_data_output is not looked at."""
    return ask(wishes(request, lambda usual, _: usual.pop("binary_data_output", None)))


@binary("response.override")
@at(INFER)
def no_override(request: Request, ask: Ask) -> Response:
    """binary_data_output holds whatever an output says."""
    return ask(wishes(request, lambda usual, own: own.update(binary_data=True) if _all(usual) else None))


def _all(usual: dict[str, Any]) -> bool:
    return usual.get("binary_data_output") is True


@binary("response.header")
@respond
def no_header(response: Response) -> Response:
    """Binary answers do not say how long their JSON is."""
    return headed(response, inference_header_content_length=None)


@binary("response.header")
@respond
def header_of_the_whole(response: Response) -> Response:
    """The header has the length of the whole body."""
    return headed(response, inference_header_content_length=str(len(response.body)))


@binary("response.header")
@respond
def header_off_by_one(response: Response) -> Response:
    """The header counts one byte too few."""
    length = int(response.headers["Inference-Header-Content-Length"])
    return headed(response, inference_header_content_length=str(length - 1))


@binary("response.size")
@answers
def size_in_elements(message: dict[str, Any], blobs: Blobs) -> None:
    """binary_data_size counts elements."""
    for output in binary_tensors(message, "outputs"):
        output["parameters"]["binary_data_size"] = math.prod(output["shape"])


@binary("response.length")
@answers
def padded(message: dict[str, Any], blobs: Blobs) -> None:
    """The body is filled up with zeros."""
    blobs.append(b"\0\0\0")


@binary("response.length")
@answers
def last_byte_lost(message: dict[str, Any], blobs: Blobs) -> None:
    """The last byte is missing."""
    blobs[-2] = blobs[-2][:-1]


@binary("response.one-form")
@answers
def data_and_bytes(message: dict[str, Any], blobs: Blobs) -> None:
    """Binary outputs have an empty list of data too."""
    for output in binary_tensors(message, "outputs"):
        output["data"] = []


@binary("response.schema")
@answers
def objects_among_parameters(message: dict[str, Any], blobs: Blobs) -> None:
    """Binary answers have a parameter that is an object."""
    message["parameters"] = {"timing": {"predict": 1}}


@binary("response.equals-json")
@answers
def big_endian_outputs(message: dict[str, Any], blobs: Blobs) -> None:
    """Numbers are written in the other order of bytes."""
    blobs[:-1] = [swapped(blob) for blob in blobs[:-1]]


@binary("response.equals-json", model="multi-output")
@answers
def blobs_of_two_outputs_swapped(message: dict[str, Any], blobs: Blobs) -> None:
    """The bytes of the first two outputs, of one size, stand in the other order."""
    if len(blobs) > 2 and len(blobs[0]) == len(blobs[1]):
        blobs[:2] = blobs[1::-1]


@binary("response.equals-json")
@answers
def flat_shapes(message: dict[str, Any], blobs: Blobs) -> None:
    """Binary outputs have one dimension."""
    for output in binary_tensors(message, "outputs"):
        output["shape"] = [math.prod(output["shape"])]


@binary("response.members")
@answers
def id_lost(message: dict[str, Any], blobs: Blobs) -> None:
    """Binary answers have no id."""
    message.pop("id", None)


@binary("response.members")
@answers
def another_model_name(message: dict[str, Any], blobs: Blobs) -> None:
    """Binary answers name another model."""
    message["model_name"] = "model"


@binary("response.media-type")
@respond
def binary_declared_as_json(response: Response) -> Response:
    """Binary answers are declared as JSON."""
    return headed(response, content_type="application/json")


@binary("data.exact-integers", **_ECHO)
@answers
def integers_through_doubles(message: dict[str, Any], blobs: Blobs) -> None:
    """INT64 passes through floating point."""
    each_number(message, blobs, "INT64", lambda v: max(min(int(float(v)), 2**63 - 1), -(2**63)))


@binary("data.exact-floats", **_ECHO)
@answers
def subnormals_flushed(message: dict[str, Any], blobs: Blobs) -> None:
    """Numbers too small to be normal are 0."""
    each_number(message, blobs, "FP64", lambda v: 0.0 if 0 < abs(v) < 2.0**-1022 else v)


@binary("data.exact-specials", **_ECHO)
@answers
def nan_as_zero(message: dict[str, Any], blobs: Blobs) -> None:
    """NaN is 0."""
    each_number(message, blobs, "FP64", lambda v: 0.0 if math.isnan(v) else v)


@binary("data.exact-booleans", "response.size", **_ECHO)
@answers
def true_as_255(message: dict[str, Any], blobs: Blobs) -> None:
    """True is 255."""
    each(message, blobs, "BOOL", lambda blob: blob.replace(b"\1", b"\xff"))


@binary("data.exact-text", **_ECHO)
@answers
def text_ends_at_nul(message: dict[str, Any], blobs: Blobs) -> None:
    """Text ends at its first NUL."""
    each(message, blobs, "BYTES", lambda blob: lengths([t.partition(b"\0")[0] for t in texts(blob)]))


@binary("data.exact-bytes", **_ECHO)
@requests
def bytes_replaced(message: dict[str, Any], blobs: Blobs) -> None:
    """What is no UTF-8 is replaced."""
    for place, tensor in enumerate(binary_tensors(message, "inputs")):
        if tensor["datatype"] == "BYTES" and lengths(texts(blobs[place])) == blobs[place]:
            blobs[place] = lengths([t.decode("utf-8", "replace").encode() for t in texts(blobs[place])])
            tensor["parameters"]["binary_data_size"] = len(blobs[place])


@binary("data.lengths", **_ECHO)
@answers
def empty_texts_beside_others(message: dict[str, Any], blobs: Blobs) -> None:
    """Among several elements an empty one is a question mark."""
    each(
        message,
        blobs,
        "BYTES",
        lambda blob: lengths([t or b"?" for t in texts(blob)]) if len(texts(blob)) > 1 else blob,
    )
