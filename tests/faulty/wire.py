"""A request and a response of HTTP as values, and what stands between them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any


class HangUp(Exception):
    """The connection ends without an answer."""


class Death(HangUp):
    """The server ends: it takes no connections any more."""


@dataclass(frozen=True)
class Request:
    """A request. ``target``: path and query as they were sent. ``memory``: what the server remembers.

    names: those of the headers, as they were sent.
    """

    method: str
    target: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    memory: dict[str, Any] = field(default_factory=dict, compare=False)
    names: tuple[str, ...] = ()

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        return _parsed(self.body)

    def with_json(self, document: Any) -> "Request":
        """The request with another body."""
        return replace(self, body=json.dumps(document).encode())

    def with_header(self, name: str, value: str) -> "Request":
        """The request with one header replaced (lower-case name)."""
        return replace(self, headers={**self.headers, name: value})


@dataclass(frozen=True)
class Response:
    """A response. ``framing``: how its end is told: by its length, in chunks, or by closing (as HTTP/1.0)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    framing: str = "length"

    @property
    def json(self) -> Any:
        """The body as JSON, read anew, so that it can be changed; None when it is none."""
        return _parsed(self.body)

    def with_json(self, document: Any, **style: Any) -> "Response":
        """The response with another body; ``style`` goes to json.dumps."""
        return replace(self, body=json.dumps(document, **style).encode())

    def with_header(self, name: str, value: str | None) -> "Response":
        """The response with one header replaced, or without it."""
        kept = {k: v for k, v in self.headers.items() if k.lower() != name.lower()}
        return replace(self, headers=kept if value is None else {**kept, name: value})


Ask = Callable[[Request], Response]
Middleware = Callable[[Request, Ask], Response]


def json_response(document: Any, status: int = 200) -> Response:
    """A response with a JSON body."""
    return Response(status, {"Content-Type": "application/json"}, json.dumps(document).encode())


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
