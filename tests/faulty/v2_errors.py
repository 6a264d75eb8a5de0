"""Faults in the answers to malformed requests."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.faulty.vocabulary import (
    INFER,
    MODEL_INFER,
    asked,
    at,
    edits,
    error,
    fault,
    headed,
    inputs_of,
    responds,
    text,
)
from tests.faulty.wire import Ask, Death, HangUp, Middleware, Request, Response, json_response

_REFUSED = [400]


def forgives(mend: Callable[[Any], Any]) -> Middleware:
    """A server that answers what the reference server refuses, once the function has mended it."""

    @at(INFER)
    def middleware(request: Request, ask: Ask) -> Response:
        response = ask(request)
        if response.status not in _REFUSED or not isinstance(request.json, dict):
            return response
        document = json.loads(request.body)
        try:
            mend(document)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            return response  # it is wrong in another way
        mended = ask(request.with_json(document))
        return mended if mended.status == 200 else response

    middleware.__name__, middleware.__doc__ = mend.__name__, mend.__doc__
    return middleware


def _poisoned(request: Request, ask: Ask, trigger: bool) -> Response | None:
    """The answer to a good request, where a request with the trigger came before it; once."""
    response = ask(request)
    if trigger:
        request.memory["poisoned"] = True
    return response if response.status == 200 and request.memory.pop("poisoned", False) else None


@fault("v2.errors.answered")
@at(INFER)
def negative_shape_hangs_up(request: Request, ask: Ask) -> Response:
    """A negative dimension ends the connection."""
    if any(d == -1 for t in inputs_of(request) for d in _dimensions(t)):
        raise HangUp
    return ask(request)


def _dimensions(tensor: dict[str, Any]) -> list[Any]:
    shape = tensor.get("shape")
    return shape if isinstance(shape, list) else []


@fault("v2.health.survives")
@at(INFER)
def negative_shape_kills(request: Request, ask: Ask) -> Response:
    """A negative dimension ends the server; what it did not come to is untested, not red."""
    if any(d == -1 for t in inputs_of(request) for d in _dimensions(t)):
        raise Death
    return ask(request)


@fault("v2.errors.status")
@at(MODEL_INFER)
def wrong_datatype_told_with_200(request: Request, ask: Ask) -> Response:
    """A datatype that is not there is told in the body of a status 200."""
    response = ask(request)
    small = any(str(t.get("datatype")).islower() for t in inputs_of(request))
    return replace(response, status=200) if small and response.status == 400 else response


@fault("v2.errors.body")
@responds(MODEL_INFER, _REFUSED)
def detail_for_error(response: Response, request: Request) -> Response:
    """Errors are the framework's: a list of details."""
    return json_response({"detail": [{"loc": ["body"], "msg": response.json["error"]}]}, 422)


@fault("v2.errors.body")
@responds(MODEL_INFER, _REFUSED)
def error_as_object(response: Response, request: Request) -> Response:
    """The member error is an object with a code."""
    return json_response({"error": {"code": 400, "message": response.json["error"]}}, 400)


@fault("v2.errors.body")
@responds(MODEL_INFER, _REFUSED)
def error_as_html(response: Response, request: Request) -> Response:
    """Errors are pages for people."""
    return text(400, f"<h1>Bad Request</h1><p>{response.json['error']}</p>", "text/html")


@fault("v2.errors.content-type")
@responds(MODEL_INFER, _REFUSED)
def error_as_text(response: Response, request: Request) -> Response:
    """The JSON of an error is called text."""
    return headed(response, content_type="text/plain; charset=utf-8")


@fault("v2.errors.client-status")
@at(MODEL_INFER)
def broken_json_breaks(request: Request, ask: Ask) -> Response:
    """A body that is no JSON is a failure of the server."""
    response = ask(request)
    return replace(response, status=500) if response.status == 400 and request.json is None else response


@fault("v2.errors.no-leak")
@edits(MODEL_INFER, _REFUSED)
def traceback_in_error(answer: Any, request: Request) -> None:
    """The error holds the traceback."""
    where = 'Traceback (most recent call last):\n  File "/srv/server/handlers.py", line 12, in infer\n'
    answer["error"] = where + answer["error"]


@fault("v2.errors.message")
@edits(MODEL_INFER, _REFUSED)
def unknown_datatypes_unspoken(answer: Any, request: Request) -> None:
    """An error about a datatype has no text."""
    if "datatype" in answer["error"]:
        answer["error"] = ""


@fault("v2.errors.names-input")
@edits(MODEL_INFER, _REFUSED)
def error_says_nothing(answer: Any, request: Request) -> None:
    """Every error has the same text."""
    answer["error"] = "bad request"


@fault("v2.errors.next-request")
@at(MODEL_INFER)
def fails_once_after_an_error(request: Request, ask: Ask) -> Response:
    """The good request after one with data nested too deep is refused."""
    deep = request.body.startswith(b'{"inputs"') and b"[[[[[[[[" in request.body
    return error(500) if _poisoned(request, ask, deep) else ask(request)


@fault("v2.errors.next-request")
@at(MODEL_INFER)
def keeps_the_rejected_row(request: Request, ask: Ask) -> Response:
    """The good request after one with data nested too deep has another prediction."""
    response = _poisoned(request, ask, b"[[[[[[[[" in request.body)
    if response is None:
        return ask(request)
    answer = response.json
    answer["outputs"][0]["data"] = [x + 1 for x in answer["outputs"][0]["data"]]
    return response.with_json(answer)


@fault("v2.errors.broken-json")
@at(MODEL_INFER)
def closes_the_last_brace(request: Request, ask: Ask) -> Response:
    """A body that lacks its last brace is read as if it had it."""
    mended = ask(replace(request, body=request.body + b"}")) if request.json is None else None
    return mended if mended is not None and mended.status == 200 else ask(request)


@fault("v2.errors.no-request")
@at(MODEL_INFER)
def repeats_without_inputs(request: Request, ask: Ask) -> Response:
    """A request without inputs has the answer of the request before."""
    response = ask(request)
    if response.status == 200:
        request.memory["last"] = response
    lacking = isinstance(request.json, dict) and "inputs" not in request.json
    return request.memory["last"] if lacking else response


@fault("v2.errors.made-up")
@forgives
def words_are_zero(document: Any) -> None:
    """A word in a tensor of numbers counts as zero."""
    for tensor in document["inputs"]:
        tensor["data"] = [0.0 if isinstance(x, str) else x for x in tensor["data"]]


@fault("v2.errors.made-up")
@forgives
def later_words_are_zero(document: Any) -> None:
    """Of a tensor of numbers the first element is checked: a word after it counts as zero."""
    for tensor in document["inputs"]:
        tensor["data"][1:] = [0.0 if isinstance(x, str) else x for x in tensor["data"][1:]]


def _halve_words(tensor: Any) -> None:
    tensor["data"] = [0.5 if isinstance(x, str) else x for x in tensor["data"]]


@fault("v2.errors.element")
@forgives
def words_of_first_input_are_half(document: Any) -> None:
    """A word in the first input, at which the model does not look, counts as 0.5."""
    _halve_words(document["inputs"][0])


@fault("v2.errors.made-up")
@forgives
def words_of_last_input_are_half(document: Any) -> None:
    """A word in the last input counts as 0.5."""
    _halve_words(document["inputs"][-1])


@fault("v2.errors.element-count")
@forgives
def counts_of_first_and_last_unchecked(document: Any) -> None:
    """Further elements in the first and in the last input are dropped."""
    for tensor in (document["inputs"][0], document["inputs"][-1]):
        tensor["data"] = tensor["data"][: tensor["shape"][0]]


@fault("v2.errors.client-status")
@at(MODEL_INFER)
def lone_surrogate_breaks(request: Request, ask: Ask) -> Response:
    """Half a surrogate pair is a failure of the server."""
    return error(500, "codec") if b'"\\ud800x"' in request.body else ask(request)


@fault("v2.errors.made-up")
@forgives
def words_are_their_numbers(document: Any) -> None:
    """A word that begins with a number counts as that number."""
    for tensor in document["inputs"]:
        tensor["data"] = [float(x[0]) if isinstance(x, str) and x != "1" else x for x in tensor["data"]]


@fault("v2.errors.made-up")
@forgives
def bytes_are_zero(document: Any) -> None:
    """An input of BYTES, where the metadata says numbers, counts as zero."""
    for tensor in document["inputs"]:
        if tensor["datatype"] == "BYTES":
            tensor["datatype"], tensor["data"] = "FP64", [0.0 for _ in tensor["data"]]


@fault("v2.errors.integer-range", model="echo-columns")
@forgives
def negative_integers_wrap(document: Any) -> None:
    """An integer below the range is cut to the bits of its datatype."""
    for tensor in document["inputs"]:
        if tensor["datatype"] in ("INT32", "INT64"):
            span = 2 ** int(tensor["datatype"][3:])
            tensor["data"] = [x + span if x < -span // 2 else x for x in tensor["data"]]


@fault("v2.errors.integer-range", model="echo-columns")
@forgives
def integers_wrap(document: Any) -> None:
    """An integer out of range is cut to the bits of its datatype."""
    for tensor in document["inputs"]:
        if tensor["datatype"] in ("INT32", "INT64"):
            bits = int(tensor["datatype"][3:])
            half = 2 ** (bits - 1)
            tensor["data"] = [(x + half) % 2**bits - half for x in tensor["data"]]


@fault("v2.errors.sloppy-json")
@at(MODEL_INFER)
def text_after_the_json(request: Request, ask: Ask) -> Response:
    """What comes after the JSON is not read."""
    end = request.body.rfind(b"}") + 1
    mended = ask(replace(request, body=request.body[:end])) if end < len(request.body) else None
    return mended if mended is not None and mended.status == 200 else ask(request)


@fault("v2.errors.missing-member")
@forgives
def shape_found_out(document: Any) -> None:
    """An input without a shape has that of its data."""
    for tensor in document["inputs"]:
        tensor.setdefault("shape", [len(tensor["data"]), 1])


@fault("v2.errors.wrong-type")
@forgives
def id_of_any_type(document: Any) -> None:
    """An id may be anything."""
    document["id"] = str(document["id"])


@fault("v2.errors.datatype")
@forgives
def datatype_in_any_case(document: Any) -> None:
    """Datatypes are read in upper and lower case."""
    for tensor in document["inputs"]:
        tensor["datatype"] = tensor["datatype"].upper()


@fault("v2.errors.shape")
@forgives
def minus_one_resolved(document: Any) -> None:
    """A dimension of -1 is what is left, as in NumPy."""
    for tensor in document["inputs"]:
        tensor["shape"] = [len(tensor["data"]) if d == -1 else d for d in tensor["shape"]]


@fault("v2.errors.element-count", "v2.errors.inner-dimension")
@forgives
def shape_corrected(document: Any) -> None:
    """A shape that the data contradicts is corrected; a further element is dropped."""
    for tensor in document["inputs"]:
        if all(type(d) is int and d >= 0 for d in tensor["shape"]) and tensor["shape"][0] != len(
            tensor["data"]
        ):
            tensor["data"], tensor["shape"] = tensor["data"][:1], [1, 1]


@fault("v2.errors.nesting")
@forgives
def any_nesting(document: Any) -> None:
    """Data is flattened, however it is nested."""
    for tensor in document["inputs"]:
        while any(isinstance(x, list) for x in tensor["data"]):
            parts = [part if isinstance(part, list) else [part] for part in tensor["data"]]
            tensor["data"] = [x for part in parts for x in part]


@fault("v2.errors.duplicate-input")
@forgives
def last_of_two_inputs(document: Any) -> None:
    """Of two inputs with one name the last counts."""
    document["inputs"] = list({tensor["name"]: tensor for tensor in document["inputs"]}.values())


@fault("v2.errors.missing-input")
@at(MODEL_INFER)
def missing_inputs_are_zero(request: Request, ask: Ask) -> Response:
    """An input that is missing is zero."""
    tensors = inputs_of(request)
    metadata = ask(Request("GET", request.target.removesuffix("/infer"), {}, b"")).json
    names = [tensor["name"] for tensor in metadata.get("inputs", [])]
    whole = isinstance(asked(request).get("inputs"), list) and len(tensors) == len(asked(request)["inputs"])
    if ask(request).status != 400 or not whole or not {str(t.get("name")) for t in tensors} < set(names):
        return ask(request)
    given = {t.get("name"): t for t in tensors}
    zero = {"shape": [1, 1], "datatype": "FP64", "data": [0.0]}
    mended = ask(request.with_json({"inputs": [given.get(n, {"name": n, **zero}) for n in names]}))
    return mended if mended.status == 200 else ask(request)


@fault("v2.errors.row-counts", "content-types.pd-lengths")
@forgives
def columns_cut_to_the_shortest(document: Any) -> None:
    """Columns of different lengths are cut to the shortest: V2 and the content type pd both forbid it."""
    rows = min(tensor["shape"][0] for tensor in document["inputs"])
    for tensor in document["inputs"]:
        if tensor["shape"][0] is not True and len(tensor["data"]) == tensor["shape"][0]:
            tensor["data"], tensor["shape"] = tensor["data"][:rows], [rows, 1]


@fault("v2.errors.inner-dimension")
@forgives
def wide_columns_cut(document: Any) -> None:
    """Of a column that is wider than the metadata says, the first value of each row is taken."""
    for tensor in document["inputs"]:
        rows, width = tensor["shape"]
        if width == 2 and len(tensor["data"]) == 2 * rows:
            tensor["data"], tensor["shape"] = tensor["data"][::2], [rows, 1]
