"""The protocol over HTTP with JSON. Source: inference_rest.md."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from conformance.transport.answer import Answer
from conformance.transport.exchange import Exchange
from conformance.transport.http import Client
from conformance.transport.together import in_json, together


class Rest:
    """A transport: JSON over HTTP."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def metadata(self, model: str, version: str) -> Answer:
        """The answer to GET at the model's path."""
        return read(self.client.get(path(model, version=version)))

    def infer(self, model: str, version: str, request: Mapping[str, Any]) -> Answer:
        """The answer to POST at the model's path for inference."""
        return read(self.client.post_json(path(model, "infer", version=version), request))

    def together(self, model: str, version: str, requests: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """The answers to requests POSTed at the same time."""
        asked = [in_json(path(model, "infer", version=version), request) for request in requests]
        return [read(exchange) for exchange in together(self.client, asked)]


def path(model: str, *parts: str, version: str = "") -> str:
    """A path below the model's own, or below that of its version; each part quoted."""
    below = ("versions", version) if version and parts[:1] != ("versions",) else ()
    return "/".join(["/v2/models", *(quote(part, safe="") for part in (model, *below, *parts))])


def read(exchange: Exchange) -> Answer:
    """What an exchange says in the protocol's terms."""
    return Answer(exchange.json if isinstance(exchange.json, dict) else {}, exchange)


def carried(answer: Answer) -> Exchange:
    """The exchange that brought an answer over HTTP."""
    assert isinstance(answer.evidence, Exchange)
    return answer.evidence
