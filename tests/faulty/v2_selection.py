"""Faults of requests for some of the outputs."""

import math
from typing import Any

from tests.faulty.vocabulary import INFER, at, edits, fault, outputs_of
from tests.faulty.wire import Ask, Request, Response

SEVERAL = "multi-output"


@fault("v2.infer.outputs-data", model=SEVERAL)
@edits(INFER)
def selection_of_one_row(answer: Any, request: Request) -> None:
    """An output that was asked for has the first row of the batch alone."""
    for output in answer["outputs"] if outputs_of(request) else []:
        rows = output["shape"][0]
        if rows > 1:
            output["data"], output["shape"] = output["data"][: len(output["data"]) // rows], [1, 1]


@fault("v2.infer.output-shapes", model=SEVERAL)
@edits(INFER)
def selection_squeezed(answer: Any, request: Request) -> None:
    """An output that was asked for has one dimension less."""
    for output in answer["outputs"] if outputs_of(request) else []:
        output["shape"] = [math.prod(output["shape"])]


@fault("v2.infer.output-datatypes", model=SEVERAL)
@edits(INFER)
def selection_called_single(answer: Any, request: Request) -> None:
    """An output that was asked for is FP32 where the metadata says FP64."""
    for output in answer["outputs"] if outputs_of(request) else []:
        output["datatype"] = {"FP64": "FP32"}.get(output["datatype"], output["datatype"])


@fault("v2.infer.outputs-subset", model=SEVERAL)
@edits(INFER)
def selection_of_one(answer: Any, request: Request) -> None:
    """Of several outputs that were asked for the first is answered."""
    if len(outputs_of(request)) > 1:
        answer["outputs"] = answer["outputs"][:1]


@fault("v2.data.stateless", "content-types.column-shapes", model=SEVERAL)
@at(INFER)
def selection_kept(request: Request, ask: Ask) -> Response:
    """A request for all outputs after one for some has these: the next that compares two answers is red."""
    response, names = ask(request), outputs_of(request)
    # Requests with an id are left alone: those come at the same time, in whatever order.
    if response.status != 200 or "id" in request.json:
        return response
    kept = [] if names else request.memory.pop("kept", [])
    if names:
        request.memory["kept"] = names
    answer = response.json
    chosen = [output for output in answer["outputs"] if output["name"] in kept]
    return response.with_json(answer | {"outputs": chosen}) if chosen else response
