"""Faults in the HTTP around the protocol."""

import gzip
import time
import zlib
from dataclasses import replace
from typing import Any

from tests.faulty.vocabulary import (
    ERROR,
    INFER,
    METADATA,
    MODEL_INFER,
    V2,
    at,
    edits,
    error,
    fault,
    headed,
    path_of,
    responds,
    text,
    zipped,
)
from tests.faulty.wire import Ask, HangUp, Request, Response

_GZIP = b"\x1f\x8b"


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


@fault("v2.http.answer-coding")
@responds(INFER)
def always_gzip(response: Response, request: Request) -> Response:
    """Every answer is gzipped, whether the client takes that or not."""
    return zipped(response)


@fault("v2.http.answer-coding")
@responds(INFER)
def large_answers_gzip(response: Response, request: Request) -> Response:
    """Answers of more than 500 bytes are gzipped, whether the client takes that or not."""
    return zipped(response) if len(response.body) > 500 else response


@fault("v2.http.answer-coding")
@responds(METADATA)
def metadata_gzip(response: Response, request: Request) -> Response:
    """Metadata are gzipped, whether the client takes that or not."""
    return zipped(response)


@fault("v2.http.answer-coding")
@responds(INFER, ERROR)
def errors_gzip(response: Response, request: Request) -> Response:
    """Errors are gzipped, whether the client takes that or not."""
    return zipped(response)


def _unzipped(request: Request) -> Request:
    headers = {k: v for k, v in request.headers.items() if k != "content-encoding"}
    return replace(request, body=gzip.decompress(request.body), headers=headers)


@fault("v2.http.content-coding")
@at(INFER)
def gzip_request_breaks(request: Request, ask: Ask) -> Response:
    """A body in gzip coding is a failure of the server."""
    return error(500, "UnicodeDecodeError") if request.body[:2] == _GZIP else ask(request)


@fault("v2.http.content-coding")
@at(INFER)
def gzip_request_mixed(request: Request, ask: Ask) -> Response:
    """A body in gzip coding has another answer."""
    if request.body[:2] != _GZIP:
        return ask(request)
    response = ask(_unzipped(request))
    outputs = [output | {"data": [0.0 for _ in output["data"]]} for output in response.json["outputs"]]
    return response.with_json(response.json | {"outputs": outputs})


@fault("v2.http.header-names")
@at(INFER)
def header_names_by_case(request: Request, ask: Ask) -> Response:
    """Content-Type must be spelled so: content-type is another header."""
    return error(415, "send Content-Type") if "content-type" in request.names else ask(request)


@fault("v2.http.no-leak")
@edits("GET /v2/models/[^/]*%2F[^/]*", [404])
def odd_name_shows_folder(answer: Any, request: Request) -> None:
    """The error for a model with a slash in its name names the folder in which it was sought."""
    answer["error"] = "no such folder: /mnt/models/a/b"


def _raw(packed: bytes) -> bytes:
    """Deflate without the header of zlib and its sum."""
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return raw.compress(packed) + raw.flush()


@fault("v2.infer.content-coding")
@responds(INFER)
def answers_in_raw_deflate(response: Response, request: Request) -> Response:
    """Answers in deflate coding lack the header of zlib, for clients that take it."""
    if "deflate" not in request.headers.get("accept-encoding", ""):
        return response
    return headed(replace(response, body=_raw(response.body)), content_encoding="deflate")


@fault("v2.http.content-coding")
@at(INFER)
def raw_deflate_breaks(request: Request, ask: Ask) -> Response:
    """A body in deflate coding without the header of zlib is a failure of the server."""
    raw = request.headers.get("content-encoding") == "deflate" and request.body[:1] not in b"\x78{"
    return error(500) if raw else ask(request)
