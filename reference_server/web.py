"""Requests and answers as both protocols here have them: strict JSON, one funnel for errors."""

import logging
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import ClientDisconnected, HTTPException, MethodNotAllowed, RequestEntityTooLarge

from reference_server import binary, jsonio, tracing
from reference_server.errors import NotNow, ServingError, UnsupportedMediaType
from reference_server.limits import Limits

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
JSON = "application/json"
_MESSAGE_LENGTH = 2000
_DRAINED = 2**28
_log = logging.getLogger(__name__)

# What the client reads where the framework, not this server, refuses a request.
_MESSAGES = {404: "there is no such endpoint"}
# Source: mlflow/exceptions.py, ERROR_CODE_TO_HTTP_STATUS.
_MLFLOW_CODES = {404: "ENDPOINT_NOT_FOUND", 500: "INTERNAL_ERROR"}


def answer(value: Any, status: int = 200) -> Response:
    """An answer with ``value`` as JSON."""
    return Response(jsonio.dumps(value), status, mimetype=JSON)


def answer_binary(value: Any, blobs: list[bytes]) -> Response:
    """An answer with ``value`` as JSON, and bytes behind it."""
    text = jsonio.dumps(value)
    response = Response(b"".join([text, *blobs]), mimetype=binary.MEDIA_TYPE)
    response.headers[binary.HEADER] = str(len(text))
    return response


def body() -> bytes:
    """The request's body. Raises ``UnsupportedMediaType`` for an encoded one, 413 when it is too large."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMediaType(f"Content-Encoding {encoding!r} is not supported; send the body as it is")
    length, most = request.content_length, request.max_content_length
    if length is None:
        chunked = request.get_data(cache=False)
        if len(chunked) == most:
            raise RequestEntityTooLarge  # Werkzeug cuts a chunked body there
        return chunked
    if most is not None and length > most:
        raise RequestEntityTooLarge
    data: bytes = request.environ["wsgi.input"].read(length)  # Werkzeug would take it in small pieces
    if len(data) < length:
        raise ClientDisconnected
    return data


def require_json(*others: str) -> None:
    """Raises ``UnsupportedMediaType`` for a Content-Type other than JSON in UTF-8, or these others; there
    need be none."""
    given = request.headers.get("Content-Type")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if given is not None and request.mimetype not in (JSON, *others):
        raise UnsupportedMediaType(f"Content-Type {given!r} is not supported; send {JSON}")
    if charset not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(f"charset {charset!r} is not supported; send UTF-8")


def application(limits: Limits) -> Flask:
    """An application without routes, whose every failure is JSON in the form of the path's protocol."""
    app = Flask("reference_server", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = limits.body
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.register_error_handler(Exception, explain)
    app.after_request(_drain)
    return app


class AfterFork:
    """A WSGI application that leaves alone the main thread of a process forked after it was made
    (``gunicorn --preload``): there OpenMP waits for ever for the threads that the parent's main thread had.
    """

    def __init__(self, app: Wsgi) -> None:
        self._app, self._maker = app, os.getpid()
        self._pool = ThreadPoolExecutor(1)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if os.getpid() == self._maker or threading.current_thread() is not threading.main_thread():
            return self._app(environ, start_response)
        return self._pool.submit(self._app, environ, start_response).result()


class Mounted:
    """A WSGI application under ``root``, and without it: some gateways strip it, others do not.

    Source: MLServer 1.7.1, mlserver/settings.py, root_path, which Starlette takes in the same way.
    """

    def __init__(self, app: Flask, root: str) -> None:
        self._app, self._root = app, root

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if f"{path}/".startswith(f"{self._root}/"):
            environ["PATH_INFO"] = path.removeprefix(self._root)
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + self._root
        return self._app(environ, start_response)


def explain(error: Exception) -> Response:
    """The answer to a request that ends in ``error``."""
    if getattr(error, "status", 500) == 500 and not isinstance(error, HTTPException):
        context = "".join(f" {k}={v!r}" for k, v in tracing.context(request.environ).items() if v)
        _log.error("%s %s failed%s", request.method, request.path, context, exc_info=error)
    response = answer_error(*_explain(error))
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = _allowed(error)
    if isinstance(error, NotNow):
        response.headers["Retry-After"] = "1"
    return response


def _allowed(error: MethodNotAllowed) -> str:
    return ", ".join(sorted(error.valid_methods or ()))


def _drain(response: Response) -> Response:
    """Read what is left of the body, within bounds: many clients read no answer before they have sent all,
    and the connection can only be used again from there on."""
    stream, left = request.environ["wsgi.input"], _DRAINED
    with suppress(OSError, ServingError):
        while left > 0 and (chunk := stream.read(2**16)):
            left -= len(chunk)
    return response


def answer_error(status: int, message: str) -> Response:
    """An error: ``error`` under /v2, MLflow's ``error_code`` and ``message`` elsewhere."""
    if len(message) > _MESSAGE_LENGTH:  # names and values of the request may be long
        message = message[:_MESSAGE_LENGTH] + "..."
    if request.path == "/v2" or request.path.startswith("/v2/"):
        return answer({"error": message}, status)
    code = _MLFLOW_CODES.get(status, "BAD_REQUEST")
    return answer({"error_code": code, "message": message}, status)


def _explain(error: Exception) -> tuple[int, str]:
    if isinstance(error, ServingError):
        return error.status, str(error)
    if isinstance(error, MethodNotAllowed):
        return 405, f"{request.method} is not allowed here; use {_allowed(error)}"
    if isinstance(error, RequestEntityTooLarge):
        return 413, f"the body is larger than {request.max_content_length} bytes, which is the limit here"
    if isinstance(error, HTTPException):
        status = error.code or 500
        return status, _MESSAGES.get(status, HTTPStatus(status).phrase)
    return 500, "the server failed; its log has the cause"
