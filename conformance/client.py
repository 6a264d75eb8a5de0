"""The HTTP client: counts what it sends, follows no redirect, and notices a target that died."""

import json
import random
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from email.utils import mktime_tz, parsedate_tz
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import urllib3
from _pytest.outcomes import Skipped
from urllib3.exceptions import HTTPError, ProtocolError, SSLError

from conformance import VERSION
from conformance.exchange import Exchange, Request, Response

JSON = {"Content-Type": "application/json"}
_LONGEST_PAUSE, _PAUSES = 10.0, 300.0  # seconds that a server may ask for: at once, and in all
_SHORT_PAUSE = 0.5  # seconds, where it names none
_TRIES = 6
_RETURN_SECONDS = 10.0  # how long a dead target may take to come back


class NoAnswer(Exception):
    """The target took the request and gave no HTTP response; it still takes connections."""

    def __init__(self, request: Request, cause: str) -> None:
        super().__init__(f"no HTTP response: {cause}")
        self.request = request


class TargetDied(Skipped):
    """The target takes no connections since this request. ``back``: it came back within some seconds.

    It is a skip because Hypothesis lets those through at once: shrinking would kill the target again.
    """

    def __init__(self, request: Request, cause: str, back: bool) -> None:
        super().__init__(f"the target died: {cause}")
        self.request = request
        self.back = back


class Tally:
    """A count that threads share, and the seconds for which a server had them wait."""

    def __init__(self) -> None:
        self.count = 0
        self.paused = 0.0
        self._lock = threading.Lock()

    def add(self) -> None:
        """Count one more."""
        with self._lock:
            self.count += 1


def _pause(answer: urllib3.BaseHTTPResponse) -> float:
    """How long to wait before the request is sent again: 0 unless a server says that it has too many.

    Retry-After is a number of seconds or a date (RFC 9110, 10.2.3); status 429 may lack it (RFC 6585, 4).
    """
    told = answer.headers.get("Retry-After", "")
    if answer.status != 429 and not (answer.status == 503 and told):
        return 0.0
    if told.isdigit():
        seconds = float(told)
    else:
        moment = parsedate_tz(told)
        seconds = mktime_tz(moment) - time.time() if moment else 0.0
    return min(max(seconds, _SHORT_PAUSE), _LONGEST_PAUSE)


class Client:
    """Sends requests to one base URL.

    headers: sent with every request (tokens, Host). timeout: seconds for one request.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
        ca_cert: str | None = None,
    ) -> None:
        self._made_with = (url, headers, timeout, ca_cert)
        self.url = url.rstrip("/")
        self._headers = {"User-Agent": f"oip-conformance/{VERSION}"}
        self.extra = dict(headers or {})
        self._pool = urllib3.PoolManager(
            maxsize=32, retries=False, timeout=urllib3.Timeout(timeout), ca_certs=ca_cert
        )
        self._tally = Tally()

    @property
    def sent(self) -> int:
        """How many requests it and its twins have sent."""
        return self._tally.count

    def twin(self) -> "Client":
        """A client of the same target with a connection of its own, for another thread."""
        twin = Client(*self._made_with)
        twin._tally = self._tally
        return twin

    def begin(
        self, path: str, body: bytes, length: int, headers: Mapping[str, str] | None = None
    ) -> HTTPConnection:
        """POST JSON of ``length`` bytes, but send only ``body``: the caller sends the rest, or closes.

        What the caller reads then is as it was sent, with its content coding.
        """
        url, _, timeout, ca_cert = self._made_with
        parts = urlsplit(url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca_cert)
            connection = HTTPSConnection(parts.hostname or "", parts.port, timeout=timeout, context=context)
        sent = {**self._headers, **self.extra, **JSON, "Content-Length": str(length), **(headers or {})}
        named = {name.lower() for name in sent}
        skipped = {"skip_host": "host" in named, "skip_accept_encoding": "accept-encoding" in named}
        connection.putrequest("POST", parts.path.rstrip("/") + path, **skipped)
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(body)
        self._tally.add()
        return connection

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Exchange:
        """GET the path."""
        return self.send("GET", path, headers=headers)

    def post_json(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Exchange:
        """POST ``body`` as JSON (NaN is written as the token ``NaN``, which is no JSON)."""
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return self.send("POST", path, text.encode("utf-8", "surrogatepass"), {**JSON, **(headers or {})})

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        chunks: Iterable[bytes] | None = None,
    ) -> Exchange:
        """Send one request. ``chunks``: the body in pieces, with chunked transfer coding.

        Raises NoAnswer when no HTTP response came, TargetDied when the target is gone after it.
        """
        own = dict(headers or {})
        request = Request(method, self.url + path, {**self.extra, **own}, body)
        self._tally.add()
        try:
            raw = self._over_kept_connection(request, chunks)
            for _ in range(_TRIES):
                pause = _pause(raw)
                if not pause or chunks is not None or self._tally.paused > _PAUSES:
                    break
                self._tally.paused += pause
                time.sleep(pause * random.uniform(1, 1.5))  # else all that wait come again at once
                raw = self._once(request, chunks)
        except HTTPError as error:
            raise self._no_answer(request, error) from error
        received = {name.lower(): value for name, value in raw.headers.items()}
        return Exchange(request, Response(raw.status, received, raw.data))

    def _over_kept_connection(
        self, request: Request, chunks: Iterable[bytes] | None
    ) -> urllib3.BaseHTTPResponse:
        """Send it; once more when a kept connection was closed, as a server may (RFC 9112, 9.5)."""
        pool = self._pool.connection_from_url(request.url)
        opened = pool.num_connections
        try:
            return self._once(request, chunks)
        except (ProtocolError, SSLError):  # few servers say good-bye on TLS before they close
            if pool.num_connections > opened:
                raise
            self._pool.clear()
            return self._once(request, chunks)

    def _once(self, request: Request, chunks: Iterable[bytes] | None) -> urllib3.BaseHTTPResponse:
        return self._pool.request(
            request.method,
            request.url,
            body=chunks if chunks is not None else request.body,
            chunked=chunks is not None,
            headers={**self._headers, **request.headers},
            redirect=False,
        )

    def _no_answer(self, request: Request, error: HTTPError) -> NoAnswer | TargetDied:
        cause = " ".join(str(error).split())
        if self.accepts():
            return NoAnswer(request, cause)
        deadline = time.monotonic() + _RETURN_SECONDS
        while time.monotonic() < deadline:
            time.sleep(0.2)
            if self.accepts():
                return TargetDied(request, cause, back=True)
        return TargetDied(request, cause, back=False)

    def accepts(self) -> bool:
        """Whether the target takes connections."""
        parts = urlsplit(self.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            socket.create_connection((parts.hostname or "", port), timeout=5).close()
        except OSError:
            return False
        return True
