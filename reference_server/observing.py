"""Every request, seen from outside of the application: counted, and told to the access log."""

import json
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from reference_server import metrics, tracing
from reference_server.errors import RepositoryError

_MODEL = re.compile(r"/v2/models/([^/]+)(?:/versions/[^/]+)?(/infer|/ready)?/?")
_OF_MODEL = {"/infer": "infer", "/ready": "health", None: "metadata"}
_ENDPOINTS = {
    "/invocations": "invocations",
    "/v2": "metadata",
    "/version": "metadata",
    "/v2/health/live": "health",
    "/v2/health/ready": "health",
    "/ping": "health",
    "/health": "health",
    "/v2/repository/index": "index",
    "/metrics": "metrics",
}


def endpoint(path: str) -> tuple[str, str]:
    """The kind of endpoint, and the model's name where one is in the path."""
    if found := _MODEL.fullmatch(path):
        return _OF_MODEL[found[2]], found[1]
    return _ENDPOINTS.get(path.rstrip("/"), "other"), ""


def _path(environ: dict[str, Any]) -> str:
    """The path as the client meant it: WSGI has its bytes as Latin-1 (PEP 3333, Unicode Issues)."""
    path: str = environ["PATH_INFO"]
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


class Observed:
    """A WSGI application whose requests are counted. ``models``: the names that are told in metrics, which
    would grow without bounds otherwise; ``scored``: the one behind /invocations."""

    def __init__(self, app: Any, models: Collection[str], scored: str, log: "AccessLog | None") -> None:
        self._app, self._models, self._scored, self._log = app, models, scored, log

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start, told = perf_counter(), ["500", "0"]
        metrics.began()

        def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            told[:] = status[:3], next((v for k, v in headers if k == "Content-Length"), "0")
            return start_response(status, headers, *more)

        try:
            answer: Iterable[bytes] = self._app(environ, started)
            return answer
        finally:
            seconds = perf_counter() - start
            kind, name = endpoint(_path(environ))
            name = self._scored if kind == "invocations" else name
            metrics.ended(kind, name if name in self._models else "", told[0], seconds)
            if self._log is not None:
                self._log.write(environ, kind, name, int(told[0]), int(told[1]), seconds)


class AccessLog:
    """A line of JSON for each request, to ``file``; "-" is standard output. Raises ``RepositoryError``."""

    def __init__(self, file: str) -> None:
        try:
            self._descriptor = (
                sys.stdout.fileno()
                if file == "-"
                else os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            )
        except OSError as error:
            raise RepositoryError(
                f"--access-log {file}: {error.strerror}; name a file to write to"
            ) from error

    def write(
        self, environ: dict[str, Any], kind: str, model: str, status: int | str, size: int, seconds: float
    ) -> None:
        """Tell of one request: neither its query nor its headers, which may hold what is secret.

        ``status``: of gRPC by its name.
        """
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": environ["REQUEST_METHOD"],
            "path": _path(environ),
            "endpoint": kind,
            "model": model,
            "status": status,
            "seconds": round(seconds, 6),
            # Of a body in chunks nobody knows.
            "bytes_in": None
            if "HTTP_TRANSFER_ENCODING" in environ
            else int(environ.get("CONTENT_LENGTH") or 0),
            "bytes_out": size,
            "client": environ.get("REMOTE_ADDR", ""),
        }
        line |= {k: v for k, v in tracing.context(environ).items() if v}
        with suppress(OSError):  # a full disk is no reason not to answer
            os.write(self._descriptor, json.dumps(line).encode() + b"\n")
