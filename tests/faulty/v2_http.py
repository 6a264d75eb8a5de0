"""Faults in the HTTP around the protocol."""

import time
from typing import Any

from tests.faulty.vocabulary import MODEL_INFER, V2, edits, error, fault, headed, path_of, responds, text
from tests.faulty.wire import Ask, HangUp, Request, Response


@fault("v2.http.connection", options=("--timeout", "4"))
def next_request_swallowed(request: Request, ask: Ask) -> Response:
    """What is left of the body of a refused request is read as such out of the next request."""
    if request.memory.pop("left", False):
        time.sleep(5)
        raise HangUp
    response = ask(request)
    request.memory["left"] = "transfer-encoding" in request.headers and response.status >= 400
    return response


@fault("v2.http.unknown-path")
@responds("(GET|POST) /v2/models/[^/]+/[^/]+", [404])
def unknown_paths_break(response: Response, request: Request) -> Response:
    """A path that is not there is a failure of the server."""
    return error(500)


@fault("v2.http.method")
@responds("PUT .*/infer", [405])
def put_breaks(response: Response, request: Request) -> Response:
    """A method that is not there is a failure of the server."""
    return error(500)


@fault("v2.http.allow")
@responds(V2, [405])
def methods_not_told(response: Response, request: Request) -> Response:
    """Status 405 comes without the methods that are allowed."""
    return headed(response, allow=None)


@fault("v2.http.body")
@responds(V2, [405])
def method_refused_in_text(response: Response, request: Request) -> Response:
    """A method that is not there is refused by the framework, in text."""
    return headed(text(405, "Method Not Allowed"), allow="GET")


@fault("v2.http.media-type")
@responds(MODEL_INFER, [415])
def media_types_break(response: Response, request: Request) -> Response:
    """Another media type is a failure of the server."""
    return error(500) if "content-encoding" not in request.headers else response


@fault("v2.http.content-coding")
@responds(MODEL_INFER, [415])
def codings_break(response: Response, request: Request) -> Response:
    """A coding that the server does not have is a failure of the server."""
    return error(500) if "content-encoding" in request.headers else response


@fault("v2.http.no-leak")
@edits(V2, [404, 405])
def router_shows_itself(answer: Any, request: Request) -> None:
    """An error of the router names the line that raised it."""
    answer["error"] += " (raised at /srv/server/router.py:120)"


@fault("v2.http.no-leak")
@edits("GET /v2/models/[^/]+", [404])
def missing_model_shows_folder(answer: Any, request: Request) -> None:
    """The error for a model that is not there names the folder in which it was sought."""
    answer["error"] = f"no such file: /mnt/models{path_of(request).removeprefix('/v2/models')}"
