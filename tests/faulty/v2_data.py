"""Faults of tensor data."""

import json
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.faulty.vocabulary import (
    INFER,
    METADATA,
    asked,
    at,
    edits,
    elements_of,
    error,
    fault,
    inputs_of,
    receives,
)
from tests.faulty.wire import Ask, Request, Response, json_response


@fault("v2.data.element-count")
@edits(INFER)
def shape_too_large(answer: Any, request: Request) -> None:
    """The shape counts one row more than there is."""
    for output in answer["outputs"]:
        output["shape"][0] += 1


@fault("v2.data.element-count")
@edits(INFER)
def nested_the_other_way(answer: Any, request: Request) -> None:
    """Nested data has the shape [1, N] where the shape says [N, 1]."""
    for output in answer["outputs"]:
        output["data"] = [output["data"]]


@fault("v2.data.element-types")
@edits(INFER)
def numbers_as_text(answer: Any, request: Request) -> None:
    """Numbers are written as strings, as decimals are."""
    for output in answer["outputs"]:
        output["data"] = [str(x) for x in output["data"]]


@fault("v2.data.element-types", model="echo-columns")
@edits(INFER)
def booleans_as_numbers(answer: Any, request: Request) -> None:
    """BOOL elements are 0 and 1."""
    for output in answer["outputs"]:
        if output["datatype"] == "BOOL":
            output["data"] = [int(x) for x in output["data"]]


@fault("v2.data.flat-nested", model="tensors")
@receives(INFER)
def nested_read_by_column(document: Any) -> None:
    """Nested data is read column by column."""
    for tensor in document["inputs"]:
        data, shape = tensor["data"], tensor["shape"]
        if len(shape) == 2 and data and isinstance(data[0], list):
            tensor["data"] = [row[i] for i in range(shape[1]) for row in data]


@fault("v2.data.flat-nested", "v2.data.batch-is-rows", "v2.data.large-batch", model="tensor")
@receives(INFER)
def flat_read_by_column(document: Any) -> None:
    """Flat data is read column by column, which mixes the rows of every batch of flat data."""
    for tensor in document["inputs"]:
        data, shape = tensor["data"], tensor["shape"]
        if len(shape) == 2 and data and not isinstance(data[0], list):
            tensor["data"] = [data[j * shape[0] + i] for i in range(shape[0]) for j in range(shape[1])]


@fault("v2.data.nested-accepted")
@at(INFER)
def nested_refused(request: Request, ask: Ask) -> Response:
    """Nested data is refused."""
    data = [t.get("data") for t in inputs_of(request)]
    nested = any(isinstance(x, list) for part in data if isinstance(part, list) for x in part)
    return error(400, "data must be flat") if nested else ask(request)


def _rows(answer: Any, change: Callable[[list[Any]], list[Any]]) -> None:
    """Change the rows of every output with one column."""
    for output in answer["outputs"]:
        output["data"] = change(output["data"])
        output["shape"][0] = len(output["data"])


@fault("v2.data.batch-is-rows")
@edits(INFER)
def small_batches_reversed(answer: Any, request: Request) -> None:
    """The rows of small batches come in reverse, as they left a stack."""
    _rows(answer, lambda data: data[::-1] if len(data) < 32 else data)


@fault("v2.data.batch-is-rows", "v2.data.large-batch")
@edits(INFER)
def rows_sorted(answer: Any, request: Request) -> None:
    """Predictions come sorted, in small batches and in large ones."""
    _rows(answer, sorted)


@fault("v2.data.batch-is-rows")
@edits(INFER)
def third_row_dropped(answer: Any, request: Request) -> None:
    """The last row of a small batch of more than two is lost."""
    _rows(answer, lambda data: data[:-1] if 2 < len(data) < 32 else data)


@fault("v2.data.large-batch")
@edits(INFER)
def cut_at_512(answer: Any, request: Request) -> None:
    """A batch is cut after 512 rows."""
    _rows(answer, lambda data: data[:512])


@fault("v2.data.large-batch")
@edits(INFER)
def second_block_repeats_the_first(answer: Any, request: Request) -> None:
    """A large batch is predicted in blocks, and the last one is padded with the first row."""
    _rows(answer, lambda data: data if len(data) < 512 else data[:768] + [data[0]] * (len(data) - 768))


@fault("v2.data.large-batch")
@edits(INFER)
def cut_at_1024(answer: Any, request: Request) -> None:
    """A batch is cut after 1,024 rows."""
    _rows(answer, lambda data: data[:1024])


@fault("v2.data.large-batch")
@edits(INFER)
def blocks_as_they_end(answer: Any, request: Request) -> None:
    """Blocks of a batch are predicted side by side, and stand in the order in which they were done."""
    _rows(answer, lambda data: data[256:512] + data[:256] + data[512:] if len(data) > 512 else data)


@fault("v2.data.large-batch")
@edits(INFER)
def seams_repeated(answer: Any, request: Request) -> None:
    """The first row of a block repeats the last one of the block before."""
    _rows(answer, lambda data: [data[i - 1] if i and i % 256 == 0 else x for i, x in enumerate(data)])


@fault("v2.data.batch-is-rows")
@edits(INFER)
def fifth_row_repeats_the_fourth(answer: Any, request: Request) -> None:
    """Of a few rows those after the fourth, with which a vector is full, repeat it."""
    _rows(answer, lambda data: data[:4] + data[3:4] * (len(data) - 4) if 4 < len(data) < 32 else data)


@fault("v2.data.batch-is-rows", "v2.data.large-batch", model="tensor")
@edits(f"{METADATA}|{INFER}")
def shape_transposed(answer: Any, request: Request) -> None:
    """The shape of several rows is turned round, their data is not; the metadata allows any shape."""
    for output in answer["outputs"]:
        shape = output["shape"] if output["shape"][0] == 1 else output["shape"][::-1]
        output["shape"] = [-1, -1] if request.method == "GET" else shape


@fault("v2.data.input-order")
@edits(INFER)
def inputs_by_place(answer: Any, request: Request) -> None:
    """The model takes the inputs by their place, whatever their names."""
    names = [tensor["name"] for tensor in asked(request)["inputs"]]
    if names[0] != "fixed acidity":
        _rows(answer, lambda data: [x + 1 for x in data])


@fault("v2.data.json-spelling")
@at(INFER)
def white_space_refused(request: Request, ask: Ask) -> Response:
    """A body is JSON when it begins with a brace."""
    return ask(request) if request.body.startswith(b"{") else error(400, "the body is no JSON")


@fault("v2.data.json-spelling")
@at(INFER)
def name_must_be_first(request: Request, ask: Ask) -> Response:
    """The parser wants the members of an input in the order of the specification."""
    late = any("name" in tensor and next(iter(tensor)) != "name" for tensor in inputs_of(request))
    return error(400, "expected name") if late else ask(request)


@fault("v2.data.json-spelling")
@at(INFER)
def exponents_passed_over(request: Request, ask: Ask) -> Response:
    """The parser stops a number at its exponent."""
    return ask(replace(request, body=re.sub(rb"(?<=\.\d)E\+0", b"1", request.body)))


@fault("v2.data.stateless")
@edits(INFER)
def kept_by_id(answer: Any, request: Request) -> None:
    """Answers are kept by the id of their requests: the next request with the id gets the same."""
    if "id" in answer:
        answer["outputs"] = request.memory.setdefault(answer["id"], answer["outputs"])


@fault("v2.data.stateless")
@edits(INFER)
def learns(answer: Any, request: Request) -> None:
    """The model is fitted again when it sees its second row."""
    first = request.memory.setdefault("first", asked(request)["inputs"])
    request.memory["fitted"] = request.memory.get("fitted") or asked(request)["inputs"] != first
    if request.memory["fitted"]:
        _rows(answer, lambda data: [x * 2 for x in data])


def _elements(answer: Any, datatype: str, change: Callable[[Any], Any]) -> None:
    for output in answer["outputs"]:
        if output["datatype"] == datatype:
            output["data"] = [x if x is None else change(x) for x in output["data"]]


@fault("v2.data.exact-integers", model="echo-columns", echo=True)
@edits(INFER)
def integers_through_double(answer: Any, request: Request) -> None:
    """Integers go through floating point, and are clipped to what INT64 holds."""
    _elements(answer, "INT64", lambda x: min(int(float(x)), 2**63 - 1))


@fault("v2.data.exact-integers", model="echo-columns", echo=True)
@receives(INFER)
def nested_integers_through_double(document: Any) -> None:
    """Integers in nested data go through floating point."""
    for tensor in document["inputs"]:
        if tensor["datatype"] == "INT64" and any(isinstance(x, list) for x in tensor["data"]):
            tensor["data"] = [[min(int(float(x)), 2**63 - 1) for x in row] for row in tensor["data"]]


@fault("v2.data.exact-floats", model="echo-columns", echo=True)
@edits(INFER)
def eight_digits(answer: Any, request: Request) -> None:
    """Numbers are written with 8 digits, which not every FP32 survives."""
    _elements(answer, "FP32", lambda x: float(f"{x:.8g}"))


@fault("v2.data.exact-floats", model="echo-columns", echo=True)
@edits(INFER)
def subnormals_zero(answer: Any, request: Request) -> None:
    """FP32 numbers that are not normal become zero."""
    _elements(answer, "FP32", lambda x: 0.0 if abs(x) < 2**-126 else x)


@fault("v2.data.exact-floats", model="echo-columns", echo=True)
@edits(INFER)
def fifteen_digits(answer: Any, request: Request) -> None:
    """Numbers are written with 15 digits, which not every double survives."""
    _elements(answer, "FP64", lambda x: float(f"{x:.15g}"))


@fault("v2.data.exact-floats", model="echo-columns", echo=True)
@edits(INFER)
def small_numbers_zero(answer: Any, request: Request) -> None:
    """Numbers too small for FP32 become zero."""
    _elements(answer, "FP64", lambda x: 0.0 if abs(x) < 1e-45 else x)


@fault("v2.data.exact-strings", model="echo-columns", echo=True)
@edits(INFER)
def strings_lose_their_line_end(answer: Any, request: Request) -> None:
    """A line end after the text is lost."""
    _elements(answer, "BYTES", lambda x: x.rstrip("\r\n"))


# A string column that is given back changed breaks the protocol and its content type.
@fault("v2.data.exact-strings", "content-types.round-trip.str", model="echo-columns", echo=True)
@edits(INFER)
def strings_trimmed(answer: Any, request: Request) -> None:
    """White space around text is lost."""
    _elements(answer, "BYTES", str.strip)


@fault("v2.data.exact-strings", model="echo-columns", echo=True)
@edits(INFER)
def strings_normalised(answer: Any, request: Request) -> None:
    """Text is brought to Unicode's compatible composed form."""
    _elements(answer, "BYTES", lambda x: unicodedata.normalize("NFKC", x))


@fault("v2.data.exact-strings", model="echo-columns", echo=True)
@edits(INFER)
def strings_escaped(answer: Any, request: Request) -> None:
    """Text is escaped for a use in HTML."""
    _elements(answer, "BYTES", lambda x: x.replace("<", "&lt;").replace(">", "&gt;"))


@fault("v2.data.exact-strings", model="echo-columns", echo=True)
@edits(INFER)
def strings_of_three_bytes(answer: Any, request: Request) -> None:
    """Characters of four bytes in UTF-8 are lost, as in some databases."""
    _elements(answer, "BYTES", lambda x: "".join(c if ord(c) < 2**16 else "?" for c in x))


@fault("v2.data.exact-strings", model="echo-columns", echo=True)
@edits(INFER)
def strings_end_at_nul(answer: Any, request: Request) -> None:
    """Text ends where it has a NUL, as NumPy's does."""
    _elements(answer, "BYTES", lambda x: x.partition("\0")[0])


@fault("v2.data.exact-strings", model="echo-columns", echo=True)
@edits(INFER)
def strings_of_255(answer: Any, request: Request) -> None:
    """Text is cut to 255 characters."""
    _elements(answer, "BYTES", lambda x: x[:255])


@fault("v2.data.exact-strings", model="echo-columns", echo=True)
@edits(INFER)
def strings_unescaped(answer: Any, request: Request) -> None:
    """A backslash and an n become a line end."""
    _elements(answer, "BYTES", lambda x: x.replace("\\n", "\n"))


@fault("v2.data.exact-booleans", model="echo-columns", echo=True)
@edits(INFER)
def booleans_true(answer: Any, request: Request) -> None:
    """Every boolean is true, as every text but the empty one is."""
    _elements(answer, "BOOL", lambda x: True)


@fault("v2.data.zero-rows")
@at(INFER)
def no_rows_break(request: Request, ask: Ask) -> Response:
    """A batch of no rows is a failure of the server."""
    empty = any(t.get("shape") == [0, 1] and t.get("data") == [] for t in inputs_of(request))
    return error(500, "Found array with 0 samples") if empty else ask(request)


@fault("v2.data.zero-rows", model="multi-output")
@edits(INFER)
def no_rows_of_one(answer: Any, request: Request) -> None:
    """A batch of no rows has the shape of one."""
    for output in answer["outputs"]:
        output["shape"] = output["shape"] if output["data"] else [1, 1]


def nan_as(request: Request, ask: Ask, element: Any) -> Response:
    """The answer of the model nonfinite with this for NaN and for what the reference server refuses."""
    response = ask(request)
    if response.status != 200 and b"no JSON number" not in response.body:
        return response
    (tensor,) = inputs_of(request)
    data = [element if x in (1, 2, 3) else x for x in elements_of(tensor["data"])[::-1]]
    output = {"name": "y", "datatype": "FP64", "shape": tensor["shape"], "data": data}
    rest = {key: value for key, value in asked(request).items() if key == "id"}
    return json_response({"model_name": "nonfinite", **rest, "outputs": [output]})


@fault("signature.predictions.equal", "signature.predictions.null", model="nonfinite", oracle=True)
@at(INFER)
def nan_is_zero(request: Request, ask: Ask) -> Response:
    """A prediction that is NaN is zero."""
    return nan_as(request, ask, 0.0)


@fault("v2.data.element-types", model="nonfinite")
@at(INFER)
def nan_is_text(request: Request, ask: Ask) -> Response:
    """A prediction that is NaN is a string."""
    return nan_as(request, ask, "NaN")


@fault("v2.infer.known-answers", answers=True)
@edits(INFER)
def slightly_off(answer: Any, request: Request) -> None:
    """Every prediction is off by a hair, always by the same."""
    _rows(answer, lambda data: [x + 1e-4 for x in data])


@fault("v2.infer.known-answers", answers=True)
@edits(INFER)
def rounded_to_single(answer: Any, request: Request) -> None:
    """Predictions have the precision of FP32."""
    _rows(answer, lambda data: [json.loads(f"{x:.7g}") for x in data])


@fault("v2.infer.known-answers", answers=True)
@receives(INFER)
def column_ignored(document: Any) -> None:
    """One column does not reach the model."""
    for tensor in document["inputs"]:
        if tensor["name"] == "alcohol":
            tensor["data"] = [0.0] * math.prod(tensor["shape"])
