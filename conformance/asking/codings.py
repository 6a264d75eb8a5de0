"""Content codings: bodies that are coded, and answers whose coding the client must see as it was sent."""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPException
from typing import Any

from conformance.checks.skips import not_implemented
from conformance.transport.exchange import Exchange
from conformance.transport.http import JSON, Client

RAW = -zlib.MAX_WBITS


def in_chunks(client: Client, path: str, good: Exchange) -> Exchange:
    """The answer to the good request in chunked transfer coding.

    Skips where the server speaks HTTP/1.0, to which no chunks may be sent (RFC 9112, 6.1).
    """
    if good.response.http < 11:
        not_implemented("the server speaks HTTP/1.0, which has no chunks")
    body = good.request.body or b""
    headers = {**JSON, "Transfer-Encoding": "chunked"}
    return client.send("POST", path, body, headers, chunks=[body[:10], body[10:]])


def packed(body: Any) -> Iterator[tuple[str, bytes]]:
    """A JSON body in each coding, with its name: deflate with the header of zlib, and without.

    Source: RFC 9110, 8.4.1.
    """
    text = json.dumps(body, ensure_ascii=False).encode()
    yield "gzip", gzip.compress(text, mtime=0)
    yield "deflate", zlib.compress(text)
    raw = zlib.compressobj(wbits=RAW)
    yield "deflate", raw.compress(text) + raw.flush()


def deflate_flaw(client: Client, path: str, body: Any) -> str:
    """What is wrong with the answer to a client that takes deflate alone; empty when nothing is.

    urllib3 reads deflate without its header too, so the answer is looked at as it came.
    """
    text = json.dumps(body, ensure_ascii=False).encode()
    try:
        with closing(client.begin(path, text, len(text), {"Accept-Encoding": "deflate"})) as connection:
            answer = connection.getresponse()
            got = answer.read()
    except (OSError, HTTPException):
        return ""  # that there is no answer is another requirement's finding
    if answer.status != 200 or (answer.headers.get("Content-Encoding") or "").lower() != "deflate":
        return ""
    try:
        zlib.decompress(got)
    except zlib.error as error:
        return str(error)
    return ""
