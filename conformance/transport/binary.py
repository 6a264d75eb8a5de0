"""Inference over HTTP with binary tensor data. Source: Triton's extension_binary_data.md."""

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.transport.answer import Answer
from conformance.transport.exchange import Exchange
from conformance.transport.http import Client
from conformance.wire.binary import HEADER, Parts, parts
from conformance.wire.jsontext import written

OCTETS = {"Content-Type": "application/octet-stream"}


def send(
    client: Client,
    path: str,
    message: Mapping[str, Any] | bytes,
    blobs: Sequence[bytes],
    headers: Mapping[str, str | None] | None = None,
) -> Answer:
    """The answer to a message, and bytes behind it. ``headers``: beside those that the extension asks for, or
    instead of them; without those that are None."""
    body, own = written_with(message, blobs)
    given = {name: value for name, value in {**own, **(headers or {})}.items() if value is not None}
    return read(client.send("POST", path, body, given))


def written_with(message: Mapping[str, Any] | bytes, blobs: Sequence[bytes]) -> tuple[bytes, dict[str, str]]:
    """The body of a message and bytes behind it, and the headers that the extension asks for."""
    text = message if isinstance(message, bytes) else written(message)
    return b"".join([text, *blobs]), {**OCTETS, HEADER: str(len(text))}


def read(exchange: Exchange) -> Answer:
    """What an exchange says in the protocol's terms, the data of binary outputs among it."""
    message = exchange.json
    try:
        found = taken_apart(exchange)
        message = found.members if found else message
    except ValueError:  # binary.response.header
        message = None
    return Answer(message if isinstance(message, dict) else {}, exchange)


def taken_apart(exchange: Exchange) -> Parts | None:
    """The parts of an answer; None of one in JSON alone. Raises ValueError, which says what is wrong."""
    length = exchange.response.headers.get(HEADER.lower())
    return None if length is None else parts(exchange.response.body, length)
