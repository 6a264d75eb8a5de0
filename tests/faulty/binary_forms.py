"""Faults of binary tensor data in answers: headers, flags, order, and what is large or empty."""

from typing import Any

import numpy as np

from tests.faulty.binary import (
    HEADER,
    Blobs,
    answers,
    binary,
    binary_tensors,
    length_of,
    requests,
    respond,
    split,
    wishes,
)
from tests.faulty.vocabulary import INFER, at, zipped
from tests.faulty.wire import Ask, Request, Response

_SIZES = {"FP32": 4, "FP64": 8, "INT64": 8, "INT32": 4}


@binary("response.header")
@respond
def header_counts_characters(response: Response) -> Response:
    """The header of the answer counts characters of the JSON, which is UTF-8."""
    length = length_of(response) or 0
    return response.with_header("Inference-Header-Content-Length", str(len(response.body[:length].decode())))


@binary("response.header", model="multi-output")
@respond
def header_where_all_are_binary(response: Response) -> Response:
    """The header is given only where all outputs are binary."""
    message, blobs = split(response.body, length_of(response) or 0, "outputs")
    mixed = len(blobs) - 1 < len(message["outputs"])
    return response.with_header("Inference-Header-Content-Length", None) if mixed else response


@binary("response.content-coding")
@at(INFER)
def gzip_without_a_word(request: Request, ask: Ask) -> Response:
    """For a client that takes gzip a binary answer is in gzip, and no header says so."""
    response = ask(request)
    if length_of(response) is None or "gzip" not in request.headers.get("accept-encoding", ""):
        return response
    return zipped(response).with_header("Content-Encoding", None)


@binary("response.one-form", model="tensor")
@answers
def nothing_for_no_rows(message: dict[str, Any], blobs: Blobs) -> None:
    """An output without elements has neither data nor a size."""
    for output in binary_tensors(message, "outputs"):
        if output["parameters"]["binary_data_size"] == 0:
            del output["parameters"]["binary_data_size"]


@binary("response.all")
@requests
def json_after_binary(message: dict[str, Any], blobs: Blobs) -> None:
    """A binary request is always answered in JSON; only requests in JSON can have binary answers."""
    message.get("parameters", {}).pop("binary_data_output", None)
    for output in message.get("outputs", []):
        output.get("parameters", {}).pop("binary_data", None)


@binary("response.default")
@at(INFER)
def binary_where_it_is_false(request: Request, ask: Ask) -> Response:
    """binary_data_output false counts as true: only its presence is looked at."""

    def change(usual: dict[str, Any], own: dict[str, Any]) -> None:
        if usual.get("binary_data_output") is False:
            usual["binary_data_output"] = True

    return ask(wishes(request, change))


@binary("response.one", model="multi-output")
@at(INFER)
def last_flag_wins(request: Request, ask: Ask) -> Response:
    """One variable for the flags of all outputs: that of the last is everybody's."""
    document = request.json
    if isinstance(document, dict) and HEADER not in request.headers and document.get("outputs"):
        flag = document["outputs"][-1].get("parameters", {}).get("binary_data")
        if isinstance(flag, bool):
            for output in document["outputs"]:
                output.setdefault("parameters", {})["binary_data"] = flag
        return ask(request.with_json(document))
    return ask(request)


@binary("response.equals-json", model="tensor")
@answers
def columns_first(message: dict[str, Any], blobs: Blobs) -> None:
    """Outputs of two dimensions are written column by column."""
    for place, output in enumerate(binary_tensors(message, "outputs")):
        size = _SIZES.get(output["datatype"], 0)
        if len(output["shape"]) == 2 and size:
            array = np.frombuffer(blobs[place], f"V{size}").reshape(output["shape"])
            blobs[place] = array.tobytes(order="F")


@binary("response.equals-json", model="multi-output")
@answers
def blobs_in_the_models_order(message: dict[str, Any], blobs: Blobs) -> None:
    """The data of outputs are written in the model's order, where the JSON has the request's."""
    names = [output["name"] for output in binary_tensors(message, "outputs")]
    order = sorted(range(len(names)), key=lambda i: ["sum", "floor", "larger", "sign"].index(names[i]))
    blobs[:-1] = [blobs[i] for i in order]
