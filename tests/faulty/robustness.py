"""Faults that hostile requests bring out: the suite is asked for the profile robustness alone."""

import threading
import time
from collections.abc import Callable
from typing import Any

from tests.faulty.vocabulary import INFER, INVOCATIONS, at, error, fault
from tests.faulty.wire import Ask, HangUp, Middleware, Request, Response, json_response

_MANY = 5_000
_lock = threading.Lock()


def hostile(*breaks: str, speaks: str = "v2") -> Callable[[Middleware], Middleware]:
    """Register a faulty server that the profile robustness finds."""
    return fault(*breaks, speaks=speaks, options=("--profile", "robustness"))


def stumbles(trigger: Callable[[Request], Any]) -> Middleware:
    """A server that fails the good inference request after one that the function picks."""

    def middleware(request: Request, ask: Ask) -> Response:
        response = ask(request)
        if trigger(request):
            request.memory["hurt"] = True
        elif (
            request.target.endswith("/infer") and response.status == 200 and request.memory.pop("hurt", False)
        ):
            return error(500, "out of memory")
        return response

    middleware.__name__, middleware.__doc__ = trigger.__name__, trigger.__doc__
    return middleware


def _to(request: Request, endpoint: str) -> bool:
    return request.method == "POST" and request.target.endswith(endpoint)


@hostile("robustness.shapes")
@stumbles
def huge_shape_hurts(request: Request) -> bool:
    """A shape of 10^18 takes the memory of the next request."""
    return b"[1000000000000000000," in request.body


@hostile("robustness.nesting")
@stumbles
def deep_data_hurts(request: Request) -> bool:
    """Deep nesting takes the stack of the next request."""
    return _to(request, "/infer") and b"[" * _MANY in request.body


@hostile("robustness.numbers")
@stumbles
def long_number_hurts(request: Request) -> bool:
    """A number of many digits hurts the next request."""
    return _to(request, "/infer") and b"1" * _MANY in request.body


@hostile("robustness.long-texts")
@stumbles
def long_text_hurts(request: Request) -> bool:
    """A long name hurts the next request."""
    return b"x" * _MANY in request.body


@hostile("robustness.many-members")
@stumbles
def many_members_hurt(request: Request) -> bool:
    """Many inputs hurt the next request."""
    return request.body.count(b'"conformance-') > _MANY


@hostile("robustness.headers")
def headers_hurt(request: Request, ask: Ask) -> Response:
    """A request whose headers could not be read hurts the next one."""
    return error(500) if request.memory.pop("unreadable", False) else ask(request)


@hostile("robustness.huge-body")
@stumbles
def huge_body_hurts(request: Request) -> bool:
    """A body of many megabytes takes the memory of the next request."""
    return _to(request, "/infer") and len(request.body) > 50 * 2**20


@hostile("robustness.invocations-nesting", speaks="both")
@stumbles
def deep_scoring_hurts(request: Request) -> bool:
    """Deep nesting at the scoring endpoint hurts the next request."""
    return _to(request, "/invocations") and b"[" * _MANY in request.body


@hostile("robustness.invocations-numbers", speaks="both")
@stumbles
def long_scored_number_hurts(request: Request) -> bool:
    """A number of many digits at the scoring endpoint hurts the next request."""
    return _to(request, "/invocations") and b"1" * _MANY in request.body


@hostile("robustness.invocations-huge-body", speaks="both")
@stumbles
def huge_scoring_body_hurts(request: Request) -> bool:
    """A body of many megabytes at the scoring endpoint takes the memory of the next request."""
    return _to(request, "/invocations") and len(request.body) > 50 * 2**20


@hostile("robustness.model-names")
@at("GET /v2/models/%.*")
def path_as_model(request: Request, ask: Ask) -> Response:
    """A model name that is a path finds something."""
    return json_response({"name": "passwd", "platform": "", "inputs": [], "outputs": []})


@hostile("robustness.cut-body")
def cut_body_hurts(request: Request, ask: Ask) -> Response:
    """A body that ends too early is never forgotten: the next request gets an error."""
    return error(500) if request.memory.pop("cut", False) else ask(request)


@hostile("robustness.at-once")
@at(INFER)
def refused_in_company(request: Request, ask: Ask) -> Response:
    """While a malformed request is refused, others are refused as well."""
    response = ask(request)
    if response.status != 200:
        with _lock:
            request.memory["refusing"] = request.memory.get("refusing", 0) + 1
        time.sleep(0.02)
        with _lock:
            request.memory["refusing"] -= 1
        return response
    time.sleep(0.01)
    return error(503) if request.memory.get("refusing") else response


@hostile("robustness.answered")
@at(INFER)
def deep_data_hangs_up(request: Request, ask: Ask) -> Response:
    """Deep nesting ends the connection."""
    if b"[" * _MANY in request.body:
        raise HangUp
    return ask(request)


@hostile("robustness.client-status")
@at(f"{INFER}|{INVOCATIONS}")
def deep_data_breaks(request: Request, ask: Ask) -> Response:
    """Deep nesting is a failure of the server."""
    return error(500) if b"[" * _MANY in request.body else ask(request)


@hostile("robustness.large-batch")
@at(INFER)
def large_batch_breaks(request: Request, ask: Ask) -> Response:
    """A batch of 10,000 rows is a failure of the server."""
    response = ask(request)
    large = response.status == 200 and b'"shape":[10000,' in request.body
    return error(500) if large else response
