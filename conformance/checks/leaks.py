"""What an error tells of the server's inside."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from conformance.transport.exchange import Exchange, Request

_INSIDE = re.compile(
    r"Traceback \(most recent call last\)"
    r"|site-packages"
    r'|File \\?"[^"]+\\?", line \d+'
    r"|[\w/\\.-]+\.(?:py|java|go|rs|cc|cpp)(?::\d+|\(\d+\))"
    r"|(?<![\w.:/#])/(?:home|usr|opt|tmp|var|root|srv|app|mnt|etc|Users)/[\w.-]+"
)
_URL = re.compile(r"https?://[^\s\"'<>]+")
_SHORTEST = 3  # characters of a string that may be taken out


def leak(answer: Exchange, *published: str) -> str:
    """The first traceback, source file or path in the body of an error; empty when there is none.

    What the request itself said, and names that the server publishes, tell nothing when they are repeated.
    """
    text = " ".join(strings(answer.json)) or answer.response.body.decode("utf-8", "replace")
    return leak_in(text, {*_said(answer.request), *published})


def leak_in(text: str, published: Iterable[str]) -> str:
    """The first traceback, source file or path in a text, without what is known to everybody; else empty."""
    text = _URL.sub(" ", text)
    for said in sorted(published, key=len, reverse=True):
        if len(said) >= _SHORTEST:
            text = text.replace(said, " ")
    found = _INSIDE.search(text)
    return found.group() if found else ""


def strings(document: Any) -> Iterator[str]:
    """Every string in parsed JSON, the names of members included."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for name, member in document.items():
            yield name
            yield from strings(member)
    elif isinstance(document, list):
        for item in document:
            yield from strings(item)


def _said(request: Request) -> Iterator[str]:
    """The strings of a request: its host and path, as they are and decoded, and those in its body."""
    parts = urlsplit(request.url)
    yield from (parts.netloc, parts.path, unquote(parts.path))
    try:
        yield from strings(json.loads(request.body or b"null"))
    except (ValueError, RecursionError):
        yield (request.body or b"").decode("utf-8", "replace")
