"""The words in which a faulty server is written: what it breaks, and what it does to requests and answers."""

import functools
import gzip
import json
import re
from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from typing import Any

from tests.faulty.wire import Ask, Middleware, Request, Response, json_response

WINE = "wine-classifier"
_MODEL = "/v2/models/[^/]+"
_VERSION = f"{_MODEL}/versions/[^/]+"

# Requests: the method and the path, as one regular expression.
LIVE = "GET /v2/health/live"
READY = "GET /v2/health/ready"
SERVER = "GET /v2/?"
INDEX = "POST /v2/repository/index"
MODEL_METADATA = f"GET {_MODEL}"
VERSION_METADATA = f"GET {_VERSION}"
METADATA = f"{MODEL_METADATA}|{VERSION_METADATA}"
MODEL_READY = f"GET {_MODEL}/ready"
VERSION_READY = f"GET {_VERSION}/ready"
MODEL_INFER = f"POST {_MODEL}/infer"
VERSION_INFER = f"POST {_VERSION}/infer"
INFER = f"{MODEL_INFER}|{VERSION_INFER}"
INVOCATIONS = "POST /invocations"
V2 = ".* /v2(/.*)?"
ANY = ".*"

SUCCESS = range(200, 300)
ERROR = range(400, 600)


@dataclass(frozen=True)
class Variant:
    """A server that differs from the reference server.

    breaks: the requirements that must turn red, exactly; none for a permitted variation. model: what it
    serves. speaks: v2, mlflow or both, the protocols that it has; binary: v2 with
    binary tensor data, which the others lack. answers, echo, oracle: the suite is told
    the known answers, that the model returns its inputs, the MLflow model. options: further options.
    """

    name: str
    note: str
    breaks: frozenset[str]
    middleware: Middleware
    model: str = WINE
    speaks: str = "v2"
    answers: bool = False
    echo: bool = False
    oracle: bool = False
    options: tuple[str, ...] = ()


VARIANTS: dict[str, Variant] = {}


def fault(*breaks: str, **more: Any) -> Callable[[Middleware], Middleware]:
    """Register a faulty server, named and described by the function: one that breaks these requirements."""

    def register(middleware: Middleware) -> Middleware:
        name = middleware.__name__
        assert name not in VARIANTS, name
        assert middleware.__doc__, name
        VARIANTS[name] = Variant(name, middleware.__doc__, frozenset(breaks), middleware, **more)
        return middleware

    return register


def permitted(**more: Any) -> Callable[[Middleware], Middleware]:
    """Register an unusual server that breaks nothing. It has both protocols."""
    return fault(**{"speaks": "both"} | more)


def path_of(request: Request) -> str:
    """The path, without the query."""
    return request.target.partition("?")[0]


def at(where: str) -> Callable[[Middleware], Middleware]:
    """The function answers the requests whose method and path match; the reference server the others."""

    def decorate(function: Middleware) -> Middleware:
        def middleware(request: Request, ask: Ask) -> Response:
            here = re.fullmatch(where, f"{request.method} {path_of(request)}")
            return function(request, ask) if here else ask(request)

        return functools.update_wrapper(middleware, function)

    return decorate


def edits(
    where: str, statuses: Container[int] = SUCCESS, **style: Any
) -> Callable[[Callable[[Any, Request], Any]], Middleware]:
    """The function changes the JSON of the answer, in place or by returning another document.

    ``style``: how the JSON is written, as json.dumps has it.
    """

    def decorate(function: Callable[[Any, Request], Any]) -> Middleware:
        @at(where)
        def middleware(request: Request, ask: Ask) -> Response:
            response = ask(request)
            if response.status not in statuses or response.json is None:
                return response
            document = json.loads(response.body)
            other = function(document, request)
            return response.with_json(document if other is None else other, **style)

        return functools.update_wrapper(middleware, function)

    return decorate


def responds(
    where: str, statuses: Container[int] = SUCCESS
) -> Callable[[Callable[[Response, Request], Response]], Middleware]:
    """The function makes another response of the reference server's, where that has one of ``statuses``."""

    def decorate(function: Callable[[Response, Request], Response]) -> Middleware:
        @at(where)
        def middleware(request: Request, ask: Ask) -> Response:
            response = ask(request)
            return function(response, request) if response.status in statuses else response

        return functools.update_wrapper(middleware, function)

    return decorate


def receives(where: str) -> Callable[[Callable[[Any], Any]], Middleware]:
    """The function changes the JSON of a request, in place or by returning another document.

    What the reference server would refuse stays as it is.
    """

    def decorate(function: Callable[[Any], Any]) -> Middleware:
        @at(where)
        def middleware(request: Request, ask: Ask) -> Response:
            response = ask(request)
            if response.status != 200:
                return response
            document = json.loads(request.body)
            other = function(document)
            return ask(request.with_json(document if other is None else other))

        return functools.update_wrapper(middleware, function)

    return decorate


def error(status: int, message: str = "no") -> Response:
    """A refusal in the protocol's form."""
    return json_response({"error": message}, status)


def scoring_error(status: int, message: str = "no") -> Response:
    """A refusal in the form of MLflow's scoring server."""
    return json_response({"error_code": "BAD_REQUEST", "message": message}, status)


def text(status: int, body: str, content_type: str = "text/plain; charset=utf-8") -> Response:
    """An answer that is no JSON."""
    return Response(status, {"Content-Type": content_type}, body.encode())


def asked(request: Request) -> dict[str, Any]:
    """The request's JSON object; empty when it is none."""
    return request.json if isinstance(request.json, dict) else {}


def outputs_of(request: Request) -> list[str]:
    """The names of the outputs that the request asks for."""
    outputs = asked(request).get("outputs")
    listed = [o.get("name") for o in outputs if isinstance(o, dict)] if isinstance(outputs, list) else []
    return [name for name in listed if isinstance(name, str)]


def inputs_of(request: Request) -> list[dict[str, Any]]:
    """The inputs of the request."""
    inputs = asked(request).get("inputs")
    return [tensor for tensor in inputs if isinstance(tensor, dict)] if isinstance(inputs, list) else []


def elements_of(data: Any) -> list[Any]:
    """The elements of flat or nested data, whatever its depth."""
    found, left = [], [data]
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        else:
            found.append(part)
    return found


def without_outputs(request: Request) -> Request:
    """The request for all outputs."""
    return request.with_json({k: v for k, v in asked(request).items() if k != "outputs"})


def without_params(request: Request) -> Request:
    """The scoring request without its params."""
    return request.with_json({k: v for k, v in asked(request).items() if k != "params"})


def kept_for_the_next(request: Request, ask: Ask, member: str) -> Response:
    """The answer to a request that has the member of the good one before it, where it has none of its own."""
    response, sent = ask(request), asked(request)
    if response.status != 200:
        return response
    if sent.get(member):
        request.memory[member] = sent[member]
        return response
    left = request.memory.pop(member, None)
    return ask(request.with_json(sent | {member: left})) if left else response


def headed(response: Response, **headers: str | None) -> Response:
    """The response with headers (content_type for Content-Type) replaced or, None, removed."""
    for name, value in headers.items():
        response = response.with_header(name.replace("_", "-").title(), value)
    return response


def answered(response: Response, status: int) -> Response:
    """The response with another status."""
    return replace(response, status=status)


def zipped(response: Response) -> Response:
    """The response in gzip coding."""
    return headed(replace(response, body=gzip.compress(response.body, mtime=0)), content_encoding="gzip")
