"""Faults that show when requests run side by side."""

import threading
import time
from typing import Any

from tests.faulty.vocabulary import INFER, asked, at, edits, error, fault
from tests.faulty.wire import Ask, Request, Response

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
    memory = request.memory
    with _lock:
        memory["running"] = memory.get("running", 0) + 1
        memory["last"] = answer["outputs"]
    time.sleep(_TOGETHER)
    with _lock:
        memory["running"] -= 1
        if memory["running"] > 0:
            answer["outputs"] = memory["last"]


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
