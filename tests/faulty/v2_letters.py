"""Faults of V2 servers: letters, escapes and headers that few clients send, and what is left of a refusal."""

import re
from dataclasses import replace

from tests.faulty.vocabulary import (
    INFER,
    V2,
    asked,
    at,
    error,
    fault,
    inputs_of,
    outputs_of,
    path_of,
    responds,
    zipped,
)
from tests.faulty.wire import Ask, Request, Response, json_response


@fault("v2.infer.answers")
@responds(INFER)
def status_201(response: Response, request: Request) -> Response:
    """An inference has status 201."""
    return replace(response, status=201) if response.status == 200 else response


@fault("v2.infer.strict-json", model="nonfinite")
@responds(INFER)
def not_a_number_is_a_token(response: Response, request: Request) -> Response:
    """NaN is written as a token that JSON does not have."""
    return replace(response, body=re.sub(rb"(?<=[\[,])null(?=[\],])", b"NaN", response.body))


@fault("v2.http.connection")
@at(V2)
def unread_bodies_are_requests(request: Request, ask: Ask) -> Response:
    """The body of a request to a path that is not there is left: the next request is refused."""
    if request.memory.pop("left", False):
        return error(400, "malformed request")
    response = ask(request)
    request.memory["left"] = (
        bool(request.body) and response.status in (404, 405) and b"inputs" in request.body
    )
    return response


@fault("v2.errors.next-request")
@at(INFER)
def outputs_pile_up(request: Request, ask: Ask) -> Response:
    """After a refusal an answer has its outputs twice."""
    response = ask(request)
    if response.status != 200:
        request.memory["late"] = True
    elif request.memory.pop("late", False):
        answer = response.json
        answer["outputs"] += answer["outputs"]
        return response.with_json(answer)
    return response


@fault("v2.infer.outputs-unknown", model="multi-output")
@at(INFER)
def unknown_outputs_passed_over(request: Request, ask: Ask) -> Response:
    """Outputs that are not there are passed over, where others are asked for."""
    response, document = ask(request), asked(request)
    if response.status == 400 and outputs_of(request)[1:] == ["no-such-output"]:
        return ask(request.with_json(document | {"outputs": document["outputs"][:1]}))
    return response


@fault("v2.errors.body", model="multi-output")
@at(INFER)
def names_of_outputs_not_escaped(request: Request, ask: Ask) -> Response:
    """The error of an output that is not there has its name as it is."""
    response, names = ask(request), outputs_of(request)
    if response.status != 400 or '"' not in "".join(map(str, names)):
        return response
    return replace(response, body=f'{{"error": "there is no output {names[-1]}"}}'.encode())


@fault("v2.data.json-spelling")
@at(INFER)
def slashes_are_not_escaped(request: Request, ask: Ask) -> Response:
    """The escape of a slash is no JSON to it."""
    return error(400, "invalid escape") if re.search(rb"(?<!\\)\\/", request.body) else ask(request)


@fault("v2.http.expect")
@at(INFER)
def expectations_fail(request: Request, ask: Ask) -> Response:
    """Expect: 100-continue is a failure of the server."""
    return error(500) if "expect" in request.headers else ask(request)


@fault("v2.http.path-encoding")
@at(V2)
def letters_are_not_decoded(request: Request, ask: Ask) -> Response:
    """Letters that are percent-encoded in a path are not decoded."""
    return error(404, "no such model") if re.search("%[4-7]", path_of(request)) else ask(request)


@fault("v2.http.answer-coding")
@at(INFER)
def gzip_by_its_name(request: Request, ask: Ask) -> Response:
    """What Accept-Encoding excludes (q=0) is sent."""
    response = ask(request)
    return zipped(response) if "gzip;q=0" in request.headers.get("accept-encoding", "") else response


@fault("v2.errors.status", model="tensor")
@at(INFER)
def shapes_of_64_bits(request: Request, ask: Ask) -> Response:
    """The number of elements is taken in 64 bits: a shape of 2**64 has none, and is answered."""
    response = ask(request)
    for tensor in inputs_of(request) if response.status == 400 else ():
        if tensor.get("data") == [] and tensor.get("shape", [])[:2] == [2**32, 2**32]:
            return json_response({"model_name": "tensor", "outputs": []})
    return response


@fault("v2.errors.element-count")
@at(INFER)
def short_columns_are_filled(request: Request, ask: Ask) -> Response:
    """A column of two rows that lacks an element has its last one twice."""
    response, document = ask(request), asked(request)
    inputs = inputs_of(request) if response.status == 400 else []
    short = [t for t in inputs if t.get("shape") == [2, 1] and isinstance(t.get("data"), list)]
    for tensor in short:
        tensor["data"] = (tensor["data"] * 2)[:2]
    return ask(request.with_json(document | {"inputs": inputs})) if short else response
