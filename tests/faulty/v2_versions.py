"""Faults at the paths of versions."""

import re
from dataclasses import replace
from typing import Any

from tests.faulty.vocabulary import (
    VERSION_INFER,
    VERSION_METADATA,
    VERSION_READY,
    at,
    edits,
    fault,
    responds,
    text,
)
from tests.faulty.wire import Ask, Request, Response, json_response

_VERSIONS = f"{VERSION_INFER}|{VERSION_METADATA}|{VERSION_READY}"


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


def _unversioned(request: Request) -> Request:
    """The request without its version, where that is a number."""
    return replace(request, target=re.sub(r"/versions/\d+", "", request.target))


@fault("v2.infer.unknown-version", "v2.model.unknown-version", "v2.health.version-ready-unknown")
@at(_VERSIONS)
def any_number_is_the_model(request: Request, ask: Ask) -> Response:
    """A model without versions answers at each number."""
    return ask(_unversioned(request))


@fault(
    "v2.infer.unknown-version",
    "v2.model.unknown-version",
    "v2.health.version-ready-unknown",
    model="versioned",
)
@at(_VERSIONS)
def unknown_number_is_default(request: Request, ask: Ask) -> Response:
    """A version that is a number and not there is the default one."""
    response = ask(request)
    return ask(_unversioned(request)) if response.status == 404 else response


@fault("v2.model.versions", model="versioned")
@edits(VERSION_METADATA)
def version_described_as_another(answer: Any, request: Request) -> None:
    """The metadata of a version has the outputs of another one."""
    for output in answer["outputs"]:
        output["datatype"] = "INT64"


@fault("v2.infer.version-errors", model="versioned")
@responds(VERSION_INFER, [400])
def version_errors_break(response: Response, request: Request) -> Response:
    """A malformed request to a version is a failure of the server, told in HTML."""
    return text(500, "<h1>Internal Server Error</h1>", "text/html")
