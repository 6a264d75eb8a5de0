"""Requests that a server has at the same time."""

import io
import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPException
from typing import Any

from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from conformance.transport.exchange import Exchange, Response
from conformance.transport.http import JSON, KEPT_OUT, Client
from conformance.transport.lost import NoAnswer

FEW = 4  # which no server finds too many
_AHEAD = 4096  # bytes of a body that are sent ahead: as many as any connection takes without a reader
_PATIENCE = 5.0  # seconds for all to come to the start
_AGAIN = KEPT_OUT | {429, 503}  # statuses of a token that expired, and of too many requests


def together(client: Client, asked: Sequence[tuple[str, Any]]) -> list[Exchange]:
    """The answers to JSON bodies POSTed to their paths at the same time.

    All are sent but for their ends, and then the ends at once: what is left between them is less than a
    server takes for one. A request that is one too many is sent again, and where one has no answer all are,
    a few at a time: a short queue of connections is no fault. Raises NoAnswer.
    """
    try:
        return _at_once(client, asked)
    except NoAnswer:
        parts = [asked[i : i + FEW] for i in range(0, len(asked), FEW)]
        return [answer for part in parts for answer in _at_once(client, part)]


def _at_once(client: Client, asked: Sequence[tuple[str, Any]]) -> list[Exchange]:
    start = threading.Barrier(len(asked))
    texts = [(path, json.dumps(body, ensure_ascii=False).encode()) for path, body in asked]
    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(lambda one: _sent(client.twin(), one[0], one[1], start), texts))


def _sent(client: Client, path: str, body: bytes, start: threading.Barrier) -> Exchange:
    ahead = min(len(body) - 1, _AHEAD)
    request = client.request("POST", path, body, JSON)
    try:
        with closing(client.begin(path, body[:ahead], len(body))) as connection:
            with suppress(threading.BrokenBarrierError):
                start.wait(_PATIENCE)
            connection.send(body[ahead:])
            raw = connection.getresponse()
            received = {name.lower(): value for name, value in raw.headers.items()}
            told = HTTPResponse(io.BytesIO(raw.read()), received, raw.status)
            response = Response(raw.status, received, told.data)
    except (OSError, HTTPException, HTTPError) as error:
        start.abort()
        raise NoAnswer(request, f"no HTTP response: {type(error).__name__}: {error}") from error
    if response.status in _AGAIN:
        return client.send("POST", path, body, JSON)
    return Exchange(request, response)
