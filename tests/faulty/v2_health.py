"""Faults of liveness and readiness."""

from typing import Any

from tests.faulty.vocabulary import (
    INDEX,
    INFER,
    LIVE,
    MODEL_READY,
    READY,
    VERSION_READY,
    at,
    edits,
    error,
    fault,
)
from tests.faulty.wire import Ask, Request, Response, json_response


@fault("v2.health.live")
@at(LIVE)
def live_but_503(request: Request, ask: Ask) -> Response:
    """A probe that answers 503 although the server works."""
    return error(503)


@fault("v2.health.live")
@at(LIVE)
def live_elsewhere(request: Request, ask: Ask) -> Response:
    """Liveness is told at another path."""
    return error(404, "there is no such endpoint")


@fault("v2.health.live-body")
@edits(LIVE)
def live_false(answer: Any, request: Request) -> None:
    """Status 200, and a body that says the opposite."""
    answer["live"] = False


@fault("v2.health.live-body")
@edits(LIVE)
def live_as_text(answer: Any, request: Request) -> None:
    """The member live is a string."""
    answer["live"] = "true"


@fault("v2.health.ready")
@at(READY)
def ready_never(request: Request, ask: Ask) -> Response:
    """Readiness is not told although every model answers."""
    return error(400)


@fault("v2.health.ready-body")
@edits(READY)
def ready_false(answer: Any, request: Request) -> None:
    """Status 200, and a body that says the opposite."""
    answer["ready"] = False


@fault("v2.health.model-ready")
@at(MODEL_READY)
def model_ready_missing(request: Request, ask: Ask) -> Response:
    """There is no ready endpoint for models."""
    return error(404, "there is no such endpoint")


@fault("v2.health.model-ready-body")
@edits(MODEL_READY)
def model_ready_names_another(answer: Any, request: Request) -> None:
    """The model's ready endpoint names the server instead of the model."""
    answer["name"] = "model-server"


@fault("v2.health.model-ready-body")
@edits(MODEL_READY)
def model_ready_false(answer: Any, request: Request) -> None:
    """Status 200, and a body that says the opposite."""
    answer["ready"] = False


@fault("v2.health.model-ready-unknown")
@at(MODEL_READY)
def any_model_ready(request: Request, ask: Ask) -> Response:
    """Every name is ready, whether there is such a model or not."""
    return json_response({"name": request.target.split("/")[3], "ready": True})


@fault("v2.health.version-ready", model="versioned")
@at(VERSION_READY)
def versions_never_ready(request: Request, ask: Ask) -> Response:
    """Versions are listed, and their ready endpoints are not there."""
    return error(404, "there is no such endpoint")


@fault("v2.health.ready-means-infer")
@at(INFER)
def ready_but_unavailable(request: Request, ask: Ask) -> Response:
    """The model is ready, and inference is not available."""
    response = ask(request)
    return error(503, "the model is loading") if response.status == 200 else response


@fault("v2.health.ready-index")
@edits(INDEX)
def ready_without_a_model(answer: Any, request: Request) -> None:
    """A model of the repository could not be loaded, and the server is ready."""
    answer.append({"name": "broken", "state": "UNAVAILABLE", "reason": "no module named prep"})


@fault("v2.health.ready-index")
@edits(INDEX)
def ready_while_loading(answer: Any, request: Request) -> None:
    """A model is being loaded, and the server is ready."""
    answer.append({"name": "slow", "version": "1", "state": "LOADING", "reason": ""})
