"""The HTTP client: counts what it sends, follows no redirect, and notices a target that died."""

import random
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from email.utils import mktime_tz, parsedate_tz
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, ProtocolError, SSLError

from conformance import VERSION
from conformance.transport.credentials import Credentials, renew
from conformance.transport.endpoints import endpoint
from conformance.transport.exchange import Exchange, Request, Response
from conformance.transport.lost import NoAnswer, TargetDied
from conformance.transport.route import Route
from conformance.wire.jsontext import written

JSON = {"Content-Type": "application/json"}
REDIRECTS = {301, 302, 303, 307, 308}
GUARDED = {401, 403}
KEPT_OUT = GUARDED | REDIRECTS
ABSENT = {404, 405, 501}
DOWN = {502, 503, 504}
UNAVAILABLE = ABSENT | DOWN  # whatever the request holds
_LONGEST_PAUSE = 10.0  # seconds that a server may ask for at once
_PAUSES = {False: 10.0, True: 300.0}  # seconds in all: in the preflight, after it
_SHORT_PAUSE = 0.5  # seconds, where it names none
_TRIES = 6
_ONCE = urllib3.Retry(False, redirect=False)


class Shared:
    """What a client shares with its twins.

    count: requests sent. times: seconds that answers took, by endpoint. paused: the seconds for which it
    waited as it was told to. good: a request that the target has let in. begun: whether the preflight is
    over, in which little is waited for.
    """

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.count = 0
        self.times: dict[str, list[float]] = {}
        self.paused = 0.0
        self.good: Request | None = None
        self.begun = False
        self._lock = threading.Lock()

    def add(self) -> None:
        """Count one more request."""
        with self._lock:
            self.count += 1

    def timed(self, endpoint: str, seconds: float) -> None:
        """Note how long an answer took."""
        with self._lock:
            self.times.setdefault(endpoint, []).append(seconds)


def _pause(answer: urllib3.BaseHTTPResponse) -> float:
    """How long to wait before the request is sent again: 0 unless a server says that it has too many.

    Retry-After is a number of seconds or a date (RFC 9110, 10.2.3); status 429 may lack it (RFC 6585, 4).
    """
    told = answer.headers.get("Retry-After", "")
    if answer.status != 429 and not (answer.status == 503 and told):
        return 0.0
    return min(max(_seconds_until(told), _SHORT_PAUSE), _LONGEST_PAUSE)


def _seconds_until(told: str) -> float:
    """The seconds of a Retry-After header; 0 for what is neither a number nor a date."""
    if told.isdecimal():
        return float(told)
    try:
        moment = parsedate_tz(told)
        return mktime_tz(moment) - time.time() if moment else 0.0
    except (ValueError, OverflowError):  # a date of no calendar, such as the year 99999
        return 0.0


class Client:
    """Sends requests to one base URL, by one route, with the headers of the credentials (tokens, Host)."""

    def __init__(self, route: Route, credentials: Credentials | None = None) -> None:
        self.route = route
        self.url = route.url.rstrip("/")
        self._own = {"User-Agent": f"oip-conformance/{VERSION}"}
        self._pool = route.pool()
        self.shared = Shared(credentials or Credentials())

    @property
    def sent(self) -> int:
        """How many requests it and its twins have sent."""
        return self.shared.count

    def twin(self) -> "Client":
        """A client of the same target with a connection of its own, for another thread."""
        twin = Client(self.route)
        twin.shared = self.shared
        return twin

    def begin(
        self, path: str, body: bytes, length: int, headers: Mapping[str, str] | None = None
    ) -> HTTPConnection:
        """POST JSON of ``length`` bytes, but send only ``body``: the caller sends the rest, or closes.

        What the caller reads then is as it was sent, with its content coding.
        """
        connection = self.route.connection()
        own = {**self._own, **self.shared.credentials.headers, **JSON, "Content-Length": str(length)}
        sent = {**own, **(headers or {})}
        url = urlsplit(self.url + path)
        if self.route.proxy and not self.route.encrypted:
            sent |= {"Host": url.netloc, **sent, **self.route.proxy_headers}
        else:
            url = url._replace(scheme="", netloc="")
        named = {name.lower() for name in sent}
        skipped = {"skip_host": "host" in named, "skip_accept_encoding": "accept-encoding" in named}
        try:
            connection.putrequest("POST", url.geturl(), **skipped)
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders()
            connection.send(body)
        except OSError:
            connection.close()
            raise
        self.shared.add()
        return connection

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Exchange:
        """GET the path."""
        return self.send("GET", path, headers=headers)

    def post_json(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Exchange:
        """POST ``body`` as JSON (NaN is written as the token ``NaN``, which is no JSON)."""
        return self.send("POST", path, written(body), {**JSON, **(headers or {})})

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

        Raises NoAnswer when no HTTP response came, TargetDied when the target is gone after it, AccessLost
        when the target lets in nothing any longer.
        """
        used = self.shared.credentials.headers
        answer = self._asked(self.request(method, path, body, headers), chunks)
        if answer.status == 200 and not self.shared.begun:  # the best that the preflight knows so far
            self.shared.good = answer.request
        if self.shared.good is None or answer.status not in KEPT_OUT:
            return answer
        if not self._is_let_in():
            renew(self.shared.credentials, used, answer.status, self._is_let_in)
        if self.shared.credentials.headers == used:
            return answer
        return self._asked(self.request(method, path, body, headers), chunks)

    def request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> Request:
        """The request as it is sent, with the headers of the credentials."""
        sent = {**self.shared.credentials.headers, **(headers or {})}
        return Request(method, self.url + path, sent, body, self.route.curl)

    def _is_let_in(self) -> bool:
        """Whether the request known to be good is still let in: then an answer is about its own request."""
        return self.again().status not in KEPT_OUT

    def again(self) -> Exchange:
        """The answer to the request known to be good, with the headers of now."""
        good = self.shared.good
        assert good is not None
        headers = {**good.headers, **self.shared.credentials.headers}
        return self._asked(replace(good, headers=headers), None)

    def _asked(self, request: Request, chunks: Iterable[bytes] | None) -> Exchange:
        """The answer to a request, after the pauses that the server asks for."""
        self.shared.add()
        try:
            raw = self._over_kept_connection(request, chunks)
            for _ in range(_TRIES):
                pause = _pause(raw)
                if not pause or chunks is not None or self.shared.paused > _PAUSES[self.shared.begun]:
                    break
                self.shared.paused += pause
                time.sleep(pause * random.uniform(1, 1.5))  # else all that wait come again at once
                raw = self._once(request, chunks)
        except HTTPError as error:
            raise self._no_answer(request, error) from error
        received = {name.lower(): value for name, value in raw.headers.items()}
        return Exchange(request, Response(raw.status, received, raw.data, raw.version))

    def _over_kept_connection(
        self, request: Request, chunks: Iterable[bytes] | None
    ) -> urllib3.BaseHTTPResponse:
        """Send it; once more when a kept connection was closed, as a server may (RFC 9112, 9.5)."""
        pool = self._pool
        opened = pool.num_connections
        try:
            return self._once(request, chunks)
        except (ProtocolError, SSLError):  # few servers say good-bye on TLS before they close
            if pool.num_connections > opened:
                raise
            self._pool = self.route.pool()
            return self._once(request, chunks)

    def _once(self, request: Request, chunks: Iterable[bytes] | None) -> urllib3.BaseHTTPResponse:
        begun = time.perf_counter()
        answer = self._pool.urlopen(  # not PoolManager.request, which takes half as long again
            request.method,
            self.route.target(request.url),
            body=chunks if chunks is not None else request.body,
            chunked=chunks is not None,
            headers={**self._own, **request.headers},
            retries=_ONCE,
            redirect=False,
            assert_same_host=False,
        )
        self.shared.timed(endpoint(request.url, self.url), time.perf_counter() - begun)
        return answer

    def _no_answer(self, request: Request, error: HTTPError) -> NoAnswer | TargetDied:
        cause = " ".join(str(error).split())
        if self.route.accepts():
            return NoAnswer(request, f"no HTTP response: {cause}")
        return TargetDied(request, cause, back=self.shared.begun and self.route.comes_back())
