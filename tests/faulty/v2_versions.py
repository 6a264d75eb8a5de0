"""Faults at the paths of versions."""

from typing import Any

from tests.faulty.vocabulary import VERSION_INFER, VERSION_METADATA, VERSION_READY, at, edits, fault
from tests.faulty.wire import Ask, Request, Response, json_response


@fault("v2.infer.model-name", model="versioned")
@edits(VERSION_INFER)
def version_in_the_name(answer: Any, request: Request) -> None:
    """A version answers with itself in the name of the model."""
    answer["model_name"] += ":1"


@fault("v2.infer.model-version", model="versioned")
@edits(VERSION_INFER)
def version_scales(answer: Any, request: Request) -> None:
    """The path of a version has other predictions than the model's, which names the same version."""
    for output in answer["outputs"]:
        output["data"] = [x * 2 for x in output["data"]]


@fault("v2.model.versions", model="versioned")
@edits(VERSION_METADATA)
def versions_barely_described(answer: Any, request: Request) -> Any:
    """The metadata of a version is its name."""
    return {"name": answer["name"]}


@fault("v2.health.version-ready", model="versioned")
@edits(VERSION_READY)
def version_ready_false(answer: Any, request: Request) -> None:
    """Status 200, and a body that says the opposite."""
    answer["ready"] = False


@fault("v2.health.version-ready-unknown", model="versioned")
@at(VERSION_READY)
def any_version_ready(request: Request, ask: Ask) -> Response:
    """Every version is ready, whether there is such a one or not."""
    return json_response({"name": request.target.split("/")[3], "ready": True})
