"""A Gunicorn worker whose own answers, to what is no HTTP request, are JSON as well."""

import json
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

# By the names of gunicorn.http.errors, which grow from release to release; all others are bad requests.
_STATUS = {
    "LimitRequestLine": HTTPStatus.REQUEST_URI_TOO_LONG,
    "LimitRequestHeaders": HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "UnsupportedTransferCoding": HTTPStatus.NOT_IMPLEMENTED,
    "ExpectationFailed": HTTPStatus.EXPECTATION_FAILED,
}


class Worker(ThreadWorker):  # type: ignore[misc]
    """Threads, and errors that have the members of both protocols: the path may not be known yet."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what could not be parsed, or what failed outside of the application."""
        parsing = isinstance(exc, errors.ParseException)
        status = (
            _STATUS.get(type(exc).__name__, HTTPStatus.BAD_REQUEST)
            if parsing
            else HTTPStatus.INTERNAL_SERVER_ERROR
        )
        if not parsing:
            self.log.error("request failed", exc_info=exc)
        code = "BAD_REQUEST" if parsing else "INTERNAL_ERROR"
        body = json.dumps({"error": status.phrase, "error_code": code, "message": status.phrase})
        head = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            "Connection: close",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        try:
            client.sendall("\r\n".join([*head, "", body]).encode())
        except OSError:
            self.log.debug("the client is gone")
