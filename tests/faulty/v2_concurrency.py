"""Faults that show when requests run side by side."""

import threading
import time
from collections.abc import Callable
from typing import Any

from tests.faulty.vocabulary import INFER, INVOCATIONS, MODEL_READY, READY, asked, at, edits, error, fault
from tests.faulty.wire import Ask, Middleware, Request, Response, json_response

_TOGETHER = 0.005  # seconds in which requests meet
_lock = threading.Lock()


@fault("v2.concurrency.isolation")
@at(INFER)
def id_shared(request: Request, ask: Ask) -> Response:
    """The id is kept where concurrent requests overwrite it."""
    response = ask(request)
    if response.status != 200:
        return response
    answer = response.json
    request.memory["id"] = answer.get("id")
    time.sleep(_TOGETHER)
    return response.with_json(answer | {"id": request.memory["id"]}) if "id" in answer else response


@fault("v2.concurrency.isolation")
@edits(INFER)
def batched_wrongly(answer: Any, request: Request) -> None:
    """Concurrent requests are predicted in one batch, which is handed out in the order of arrival."""
    _mixed_up(answer, request, "outputs")


@fault("mlflow.predictions.concurrent", speaks="mlflow")
@edits(INVOCATIONS)
def scores_of_a_neighbour(answer: Any, request: Request) -> None:
    """Concurrent requests share the place of their predictions."""
    _mixed_up(answer, request, "predictions")


def _mixed_up(answer: Any, request: Request, member: str) -> None:
    """Put the member of the answer that came last into those that came before."""
    memory = request.memory
    with _lock:
        memory["running"] = memory.get("running", 0) + 1
        memory["last"] = answer[member]
    time.sleep(_TOGETHER)
    with _lock:
        memory["running"] -= 1
        if memory["running"] > 0:
            answer[member] = memory["last"]


@fault("v2.concurrency.bad-neighbour")
@at(INFER)
def refused_together(request: Request, ask: Ask) -> Response:
    """Concurrent requests are checked in one batch, and refused together."""
    response = ask(request)
    if response.status >= 400:
        request.memory["refusing"] = request.memory.get("refusing", 0) + 1
        time.sleep(2 * _TOGETHER)
        request.memory["refusing"] -= 1
        return response
    time.sleep(_TOGETHER)
    return error(400, "the batch is wrong") if request.memory.get("refusing") and asked(request) else response


def _kept(seconds: float, threads: int, where: str) -> Callable[[Middleware], Middleware]:
    """A model that keeps its input where another thread puts its own: so many at once, apart by seconds."""

    def decorate(named: Middleware) -> Middleware:
        @at(where)
        def middleware(request: Request, ask: Ask) -> Response:
            with _lock:
                workers = request.memory.setdefault(f"workers of {where}", threading.Semaphore(threads))
            with workers:
                request.memory["x"] = request
                time.sleep(seconds)
                used: Request = request.memory["x"]
                answer = ask(used)
            mine = asked(request).get("id")
            if answer.status != 200 or "outputs" not in (answer.json or {}) or mine == asked(used).get("id"):
                return answer
            rest = {k: v for k, v in answer.json.items() if k != "id"}
            return answer.with_json(rest | ({"id": mine} if mine is not None else {}))

        middleware.__name__, middleware.__doc__ = named.__name__, named.__doc__
        return middleware

    return decorate


@fault("v2.concurrency.isolation", "v2.concurrency.bad-neighbour")
@_kept(0.0005, 4, INFER)
def input_kept_in_the_model(request: Request, ask: Ask) -> Response:
    """Four threads, and the model keeps its input in an attribute for half a millisecond."""
    return ask(request)


@fault("v2.concurrency.isolation", "v2.concurrency.bad-neighbour")
@_kept(0, 2, INFER)
def input_kept_for_a_moment(request: Request, ask: Ask) -> Response:
    """Two threads, and the model keeps its input in an attribute while another thread may run."""
    return ask(request)


@fault("mlflow.predictions.concurrent", speaks="mlflow")
@_kept(0.0005, 4, INVOCATIONS)
def scored_input_kept_in_the_model(request: Request, ask: Ask) -> Response:
    """Four threads of the scoring endpoint, and the model keeps its input for half a millisecond."""
    return ask(request)


@fault("v2.concurrency.isolation", model="params", answers=True)
@at(INFER)
def parameters_of_a_neighbour(request: Request, ask: Ask) -> Response:
    """Parameters are kept where concurrent requests overwrite them."""
    response = ask(request)
    if response.status != 200:
        return response
    request.memory["parameters"] = asked(request).get("parameters", {})
    time.sleep(_TOGETHER)
    return ask(request.with_json(asked(request) | {"parameters": request.memory["parameters"]}))


@fault("mlflow.predictions.concurrent", model="params", speaks="mlflow", answers=True)
@at(INVOCATIONS)
def params_of_a_neighbour(request: Request, ask: Ask) -> Response:
    """Params are kept where concurrent requests overwrite them."""
    response = ask(request)
    if response.status != 200 or not asked(request):
        return response
    request.memory["params"] = asked(request).get("params", {})
    time.sleep(_TOGETHER)
    return ask(request.with_json(asked(request) | {"params": request.memory["params"]}))


def _when_idle(path: str, busy: Response) -> Callable[[Middleware], Middleware]:
    """A server that answers the path with ``busy`` while an inference request runs."""

    def decorate(named: Middleware) -> Middleware:
        @at(f"{INFER}|{path}")
        def middleware(request: Request, ask: Ask) -> Response:
            running = request.memory.setdefault("running", [])
            if request.method == "GET":
                return busy if running else ask(request)
            running.append(request)
            response = ask(request)
            time.sleep(_TOGETHER)
            running.pop()
            return response

        middleware.__name__, middleware.__doc__ = named.__name__, named.__doc__
        return middleware

    return decorate


@fault("v2.concurrency.health")
@_when_idle(READY, error(503, "busy"))
def ready_when_idle(request: Request, ask: Ask) -> Response:
    """The server is ready when no request runs."""
    return ask(request)


@fault("v2.concurrency.health")
@_when_idle(MODEL_READY, json_response({"name": "wine-classifier", "ready": False}))
def model_ready_when_idle(request: Request, ask: Ask) -> Response:
    """A model is ready when no request runs, its body says."""
    return ask(request)
