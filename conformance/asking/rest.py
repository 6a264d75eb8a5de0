"""A model asked over HTTP with JSON, for what that alone has: paths, methods, headers, bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.asking.model import Model
from conformance.transport import rest
from conformance.transport.exchange import Exchange
from conformance.transport.http import JSON, Client
from conformance.transport.rest import Rest, carried
from conformance.wire.jsontext import written


@dataclass(eq=False, repr=False)
class RestModel(Model):
    """A model behind HTTP with JSON."""

    transport: Rest

    @property
    def client(self) -> Client:
        """The HTTP client."""
        return self.transport.client

    def path(self, *parts: str) -> str:
        """A path below the model's own, or below that of its version; each part quoted."""
        return rest.path(self.name, *parts, version=self.version)

    @property
    def page(self) -> Exchange:
        """The exchange that brought the metadata."""
        return carried(self.metadata)

    def post(self, body: Any, headers: Mapping[str, str] | None = None) -> Exchange:
        """POST an inference request: parsed JSON, or bytes as they are."""
        sent = body if isinstance(body, bytes) else written(body)
        return self.client.send("POST", self.path("infer"), sent, {**JSON, **(headers or {})})
