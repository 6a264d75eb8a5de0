"""Faults of MLServer's content types."""

import base64
import re
from collections.abc import Callable
from typing import Any

from tests.faulty.v2_errors import forgives
from tests.faulty.vocabulary import (
    INFER,
    METADATA,
    at,
    edits,
    error,
    fault,
    inputs_of,
    receives,
)
from tests.faulty.wire import Ask, Middleware, Request, Response

ECHO = "echo-columns"


def named(holder: dict[str, Any]) -> Any:
    """The content type that the parameters name."""
    parameters = holder.get("parameters")
    return parameters.get("content_type") if isinstance(parameters, dict) else None


def _texts(change: Callable[[str], str], column: str) -> Middleware:
    """The elements of one output are changed."""

    @edits(INFER)
    def middleware(answer: Any, request: Request) -> None:
        for output in answer["outputs"]:
            if output["name"] == column:
                output["data"] = [change(x) for x in output["data"]]

    return middleware


def _in_texts(data: Any, pattern: str, other: str) -> Any:
    """The data, nested or flat, with something else in the place of a pattern."""
    if isinstance(data, list):
        return [_in_texts(part, pattern, other) for part in data]
    return re.sub(pattern, other, data)


@fault("content-types.known")
@edits(f"{METADATA}|{INFER}")
def home_made_content_type(answer: Any, request: Request) -> None:
    """The outputs have a content type that nobody else knows."""
    for output in answer["outputs"]:
        output["parameters"] = {"content_type": "arrow"}


@fault("content-types.metadata-datatypes")
@edits(f"{METADATA}|{INFER}")
def number_called_text(answer: Any, request: Request) -> None:
    """Metadata calls an FP64 output text; answers do not name a content type."""
    for output in answer["outputs"]:
        output["parameters"] = {"content_type": "str"} if request.method == "GET" else {}


@fault("content-types.output-datatypes", "content-types.consistent")
@edits(INFER)
def answer_called_text(answer: Any, request: Request) -> None:
    """Answers call an FP64 output text, which they cannot do and agree with possible metadata."""
    for output in answer["outputs"]:
        output["parameters"] = {"content_type": "str"}


@fault("content-types.consistent", model="string-labels")
@edits(INFER)
def answer_as_array(answer: Any, request: Request) -> None:
    """Metadata says str of an output, answers np."""
    for output in answer["outputs"]:
        output["parameters"] = {"content_type": "np"}


@fault("content-types.single", model="multi-output")
@edits(INFER)
def outputs_as_one_array(answer: Any, request: Request) -> None:
    """An answer with several outputs calls itself one array."""
    if len(answer["outputs"]) > 1:
        answer["parameters"] = {"content_type": "np"}


@fault("content-types.readable", model=ECHO)
def times_with_slashes(request: Request, ask: Ask) -> Response:
    """Times are written as people do."""
    return _texts(lambda text: text.replace("-", "/"), "datetime")(request, ask)


@fault("content-types.explicit")
@at(INFER)
def content_types_refused(request: Request, ask: Ask) -> Response:
    """A request may not name a content type, not even the one that the metadata declares."""
    response = ask(request)
    several = any(named(tensor) for tensor in inputs_of(request))
    return error(400, "content_type is not supported") if response.status == 200 and several else response


@fault("content-types.default", "v2.infer.known-answers", model="nested-columns", answers=True)
@at(INFER)
def structures_need_their_name(request: Request, ask: Ask) -> Response:
    """Only a request that names the content type of its structures is read; a known answer tells too."""
    response = ask(request)
    silent = any(t.get("datatype") == "BYTES" and not named(t) for t in inputs_of(request))
    return error(400, "content_type is missing") if response.status == 200 and silent else response


@fault("content-types.precedence", model=ECHO, echo=True)
@forgives
def request_overruled(document: Any) -> None:
    """The content type in the metadata counts, not the one in the request."""
    for tensor in document["inputs"]:
        if named(tensor) in ("str", "base64"):
            del tensor["parameters"]


@fault("content-types.precedence")
@forgives
def request_not_looked_at(document: Any) -> None:
    """The content type of the request is not looked at: eleven inputs are one array."""
    if named(document) in ("np", "str"):
        del document["parameters"]


@fault("content-types.precedence")
@forgives
def input_not_looked_at(document: Any) -> None:
    """The content type of an input is not looked at: a number is a datetime."""
    for tensor in document["inputs"]:
        if named(tensor) in ("base64", "datetime"):
            del tensor["parameters"]


@fault("content-types.unknown")
@at(INFER)
def unknown_content_type_breaks(request: Request, ask: Ask) -> Response:
    """An unknown content type is a failure of the server."""
    return error(500) if b"no-such-content-type" in request.body else ask(request)


@fault("content-types.round-trip.np", "v2.data.exact-floats", model="tensor", echo=True)
@edits(INFER)
def rows_read_backwards(answer: Any, request: Request) -> None:
    """The elements of each row come backwards: numbers of V2, and an array by its content type."""
    for output in answer["outputs"]:
        rows, width = output["shape"]
        data = output["data"]
        output["data"] = [x for i in range(rows) for x in data[i * width : (i + 1) * width][::-1]]


@fault("content-types.round-trip.str", model=ECHO, echo=True)
def text_read_as_date(request: Request, ask: Ask) -> Response:
    """Text that looks like a date becomes a moment."""
    return _texts(lambda x: re.sub(r"^(\d{4}-\d\d-\d\d)$", r"\1T00:00:00", x), "string")(request, ask)


@fault("content-types.round-trip.base64", model=ECHO, echo=True)
def bytes_read_as_text(request: Request, ask: Ask) -> Response:
    """Bytes go through text, where those that are no UTF-8 are lost."""

    def through_text(x: str) -> str:
        return base64.b64encode(base64.b64decode(x).decode("utf-8", "replace").encode()).decode()

    return _texts(through_text, "binary")(request, ask)


@fault("content-types.round-trip.datetime", model=ECHO, echo=True)
def fraction_dropped(request: Request, ask: Ask) -> Response:
    """The fraction of a second is lost."""
    return _texts(lambda x: re.sub(r"\.\d+", "", x), "datetime")(request, ask)


@fault("content-types.round-trip.datetime-zoned", model=ECHO, echo=True)
@forgives
def zone_dropped(document: Any) -> None:
    """The zone of a time is not read: the moment is another one."""
    for tensor in document["inputs"]:
        if tensor["name"] == "datetime":
            tensor["data"] = _in_texts(tensor["data"], r"[+-]\d\d:\d\d$", "")


@fault("content-types.round-trip.pd-json", model="nested-columns", answers=True)
@receives(INFER)
def escapes_lost(document: Any) -> None:
    """Escaped characters in the JSON of an element are lost; those that are not escaped are not."""
    for tensor in document["inputs"]:
        tensor["data"] = _in_texts(tensor["data"], r"\\u[0-9a-f]{4}", "?")


@fault("content-types.round-trip.dict", model="tensors", echo=True)
@at(INFER)
def tensors_of_one_length(request: Request, ask: Ask) -> Response:
    """All tensors of a request must have as many rows."""
    response = ask(request)
    if response.status != 200:
        return response
    rows = {t["shape"][0] for t in inputs_of(request) if t["name"] in ("pairs", "cube", "pixels")}
    return error(400, "the inputs differ in their number of rows") if len(rows) > 1 else response


@fault("content-types.round-trip.null", model=ECHO, echo=True)
@forgives
def null_is_zero(document: Any) -> None:
    """A null in a tensor of integers counts as zero."""
    for tensor in document["inputs"]:
        if tensor["datatype"] in ("INT32", "INT64"):
            tensor["data"] = [0 if x is None else x for x in tensor["data"]]


@fault("content-types.round-trip.null", model=ECHO, echo=True)
@forgives
def null_is_none(document: Any) -> None:
    """A null in a tensor of text is the text None."""
    for tensor in document["inputs"]:
        if tensor["name"] == "string":
            tensor["data"] = ["None" if x is None else x for x in tensor["data"]]


@fault("content-types.column-shapes")
@edits(INFER)
def one_dimension_read_as_one_row(answer: Any, request: Request) -> None:
    """Columns of shape [N] have other predictions than those of [N, 1]."""
    if any(len(tensor["shape"]) == 1 for tensor in inputs_of(request)):
        for output in answer["outputs"]:
            output["data"] = [x + 1 for x in output["data"]]


@fault("content-types.invalid-datetime", model=ECHO, answers=True)
@at(INFER)
def odd_times_break(request: Request, ask: Ask) -> Response:
    """A time that is none is a failure of the server."""
    return error(500) if b'"tomorrow"' in request.body else ask(request)
