"""Requests that a server has at the same time."""

import io
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPException
from typing import Any

from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from conformance.transport.exchange import Exchange, Response
from conformance.transport.http import JSON, KEPT_OUT, Client
from conformance.transport.lost import NoAnswer
from conformance.wire.jsontext import written

Asked = tuple[str, bytes, Mapping[str, str]]  # a path, a body, its headers
FEW = 4  # which no server finds too many
_AHEAD = 4096  # bytes of a body that are sent ahead: as many as any connection takes without a reader
_PATIENCE = 5.0  # seconds for all to come to the start
_AGAIN = KEPT_OUT | {429, 503}  # statuses of a token that expired, and of too many requests


def in_json(path: str, body: Any) -> Asked:
    """A request with a body of JSON."""
    return path, written(body), JSON


def together(client: Client, asked: Sequence[Asked]) -> list[Exchange]:
    """The answers to bodies POSTed to their paths at the same time.

    All are sent but for their ends, and then the ends at once: what is left between them is less than a
    server takes for one. A request that is one too many is sent again, and where one has no answer all are,
    a few at a time: a short queue of connections is no fault. Raises NoAnswer.
    """
    try:
        return _at_once(client, asked)
    except NoAnswer:
        parts = [asked[i : i + FEW] for i in range(0, len(asked), FEW)]
        return [answer for part in parts for answer in _at_once(client, part)]


def _at_once(client: Client, asked: Sequence[Asked]) -> list[Exchange]:
    start = threading.Barrier(len(asked))
    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(lambda one: _sent(client.twin(), one, start), asked))


def _sent(client: Client, asked: Asked, start: threading.Barrier) -> Exchange:
    path, body, headers = asked
    ahead = min(len(body) - 1, _AHEAD)
    request = client.request("POST", path, body, headers)
    try:
        with closing(client.begin(path, body[:ahead], len(body), headers)) as connection:
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
        return client.send("POST", path, body, headers)
    return Exchange(request, response)
