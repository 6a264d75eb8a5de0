"""The reference server's application as a function from Request to Response."""

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask
from werkzeug.test import run_wsgi_app

from tests.faulty.wire import Ask, Request, Response

_OF_THE_CONNECTION = {"host", "user-agent", "connection", "content-length", "transfer-encoding"}
_KEPT = 2**20  # bytes of the longest request whose answer is kept


def remembered(app: Flask) -> Ask:
    """``app`` with its answers kept: it has no state, and every faulty server is sent the same requests."""
    answers: dict[Any, Response] = {}

    def ask(request: Request) -> Response:
        sent = {k: v for k, v in request.headers.items() if k not in _OF_THE_CONNECTION}
        key = (request.method, request.target, frozenset(sent.items()), request.body)
        if key in answers:
            return answers[key]
        response = _called(app, request)
        if len(request.body) < _KEPT:
            answers[key] = response
        return response

    return ask


def _called(app: Callable[..., Any], request: Request) -> Response:
    body, status, headers = run_wsgi_app(app, _environ(request), buffered=True)
    told = {name: value for name, value in headers if name != "Content-Length"}
    return Response(int(status.split()[0]), told, b"".join(body))


def _environ(request: Request) -> dict[str, Any]:
    path, _, query = request.target.partition("?")
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH", "TRANSFER_ENCODING"):
        named.pop(f"HTTP_{name}", None)
    return named | {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(request.body)),
        **({"CONTENT_TYPE": request.headers["content-type"]} if "content-type" in request.headers else {}),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
