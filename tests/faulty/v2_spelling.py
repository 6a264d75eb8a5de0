"""Faults in how elements are spelled, and in how they are read."""

import re
import struct
from dataclasses import replace
from typing import Any

from tests.faulty.vocabulary import (
    INFER,
    METADATA,
    at,
    edits,
    elements_of,
    error,
    fault,
    inputs_of,
    receives,
)
from tests.faulty.wire import Ask, Request, Response


@fault("v2.data.integer-spelling")
@edits(INFER)
def dimensions_as_floats(answer: Any, request: Request) -> None:
    """The shapes of outputs are written as 1.0."""
    for output in answer["outputs"]:
        output["shape"] = [float(dimension) for dimension in output["shape"]]


@fault("v2.data.integer-spelling")
@edits(METADATA)
def declared_as_floats(answer: Any, request: Request) -> None:
    """The shapes in metadata are written as -1.0."""
    for tensor in answer["inputs"] + answer["outputs"]:
        tensor["shape"] = [float(dimension) for dimension in tensor["shape"]]


@fault("v2.data.integer-spelling", model="multi-output")
@edits(INFER)
def integers_as_floats(answer: Any, request: Request) -> None:
    """Integers, where a double can hold them, are written with a fraction."""
    for output in answer["outputs"]:
        if output["datatype"] == "INT64":
            output["data"] = [float(x) if abs(x) < 2**53 else x for x in output["data"]]


@fault("v2.data.json-spelling")
@receives(INFER)
def first_element_tells_the_type(document: Any) -> None:
    """Where the first element of a tensor is an integer, the others are cut to integers."""
    for tensor in document["inputs"]:
        elements = elements_of(tensor["data"])[::-1]
        if elements and isinstance(elements[0], int):
            tensor["data"] = [int(x) for x in elements]


@fault("v2.errors.client-status")
@at(INFER)
def mixed_numbers_break(request: Request, ask: Ask) -> Response:
    """Integers among floating-point numbers are a failure of the server."""
    response = ask(request)
    kinds = [{type(x) for x in elements_of(t.get("data"))} for t in inputs_of(request)]
    mixed = response.status == 200 and {int, float} in kinds
    return error(500, "mixed types") if mixed else response


@fault("v2.data.json-spelling")
@at(INFER)
def exponent_needs_point(request: Request, ask: Ask) -> Response:
    """A number with an exponent and without a fraction is refused."""
    response = ask(request)
    found = re.search(rb"[\[,: ]-?\d+[eE][-+]?\d", request.body)
    return error(400, "bad number") if response.status == 200 and found else response


@fault("v2.data.json-spelling")
@at(INFER)
def negative_exponents_lost(request: Request, ask: Ask) -> Response:
    """The sign of an exponent is passed over."""
    unsigned = replace(request, body=re.sub(rb"(?<=\d)[eE]-0?", b"e", request.body))
    return ask(unsigned) if ask(request).status == 200 else ask(request)


@fault("v2.data.json-spelling", "v2.infer.id-echo", model="echo-columns")
@at(INFER)
def surrogate_pairs_lost(request: Request, ask: Ask) -> Response:
    """An escaped surrogate pair becomes two question marks."""
    body = re.sub(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..", b"??", request.body)
    return ask(replace(request, body=body)) if ask(request).status == 200 else ask(request)


@fault("v2.data.json-spelling", model="tensor")
@at(INFER)
def inexact_single_refused(request: Request, ask: Ask) -> Response:
    """A number for FP32 that FP32 does not hold exactly is refused."""
    elements = [x for t in inputs_of(request) for x in elements_of(t.get("data"))]
    response = ask(request)
    inexact = any(isinstance(x, float) and struct.unpack("f", struct.pack("f", x)) != (x,) for x in elements)
    return error(400, "no FP32") if response.status == 200 and inexact else response


@fault("v2.data.exact-strings", model="echo-columns", echo=True)
@edits(INFER)
def strings_of_4096(answer: Any, request: Request) -> None:
    """Text is cut to 4,096 characters."""
    for output in answer["outputs"]:
        if output["datatype"] == "BYTES":
            output["data"] = [x[:4096] for x in output["data"]]


@fault("v2.data.nested-accepted")
@at(INFER)
def nesting_mixed_breaks(request: Request, ask: Ask) -> Response:
    """The first input tells for all of them whether data is nested."""
    response = ask(request)
    if response.status != 200:
        return response
    kinds = {any(isinstance(x, list) for x in tensor["data"]) for tensor in inputs_of(request)}
    return error(500, "ragged") if len(kinds) > 1 else response
