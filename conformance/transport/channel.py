"""The gRPC client: bytes out and bytes in, so that what is no message can be sent and seen."""

import base64
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import grpc

from conformance import VERSION
from conformance.transport.credentials import renew
from conformance.transport.endpoints import OTHER
from conformance.transport.http import Client
from conformance.transport.lost import NoAnswer, TargetDied
from conformance.transport.reply import CallRequest, Reply, call_request
from conformance.transport.route import Route
from spec.service import calls

Metadatum = tuple[str, str | bytes]

# gRPC's own library has statuses too, and only its words tell them from those of a server.
_LATE = "Deadline Exceeded"
_BROKEN = re.compile(
    "failed to connect|socket closed|recvmsg|connection (reset|refused|closed)|broken pipe|stream removed"
    "|goaway|cancelling all calls|end of tcp stream|endpoint clos|transport clos|fd shutdown|keepalive"
    "|rst_stream",
    re.IGNORECASE,
)
_EXHAUSTED = "RESOURCE_EXHAUSTED"
_AGAIN = {"UNAVAILABLE", _EXHAUSTED}  # too many requests
_KEPT_OUT = {"UNAUTHENTICATED", "PERMISSION_DENIED"}
_PAUSE, _PAUSES = 0.5, 10.0  # seconds: for one, in all
_MOMENT, _TRIES = 0.2, 5  # seconds, and how often, after too many at once
_REFILLS = 12  # pauses that a quota may take
_SHORT = 2**20  # bytes of a message that is not refused for its length
_OPTIONS = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.primary_user_agent", f"oip-conformance/{VERSION}"),
]


class Channel:
    """Calls one server, by one route, with the headers of the HTTP client's credentials as metadata."""

    def __init__(self, route: Route, client: Client) -> None:
        self.route, self._client = route, client
        self.url = route.url.rstrip("/")
        self._channel = _open(route)
        self._good: tuple[str, bytes] | None = None  # a call that the target has let in
        self._refills = True  # whether a quota, where there is one, has been over after a while

    def twin(self) -> "Channel":
        """A channel to the same target with a connection of its own."""
        return Channel(self.route, self._client)

    def close(self) -> None:
        """Give up the connection."""
        self._channel.close()

    def connects(self, seconds: float) -> bool:
        """Whether something there speaks HTTP/2."""
        with suppress(grpc.FutureTimeoutError):
            grpc.channel_ready_future(self._channel).result(seconds)
            return True
        return False

    def ask(self, call: str, **members: Any) -> Reply:
        """The reply to a call of the protocol, whose message has these members."""
        return self.send(calls()[call].path, calls()[call].request(**members).SerializeToString())

    def send(self, path: str, message: bytes, *metadata: Metadatum, **how: Any) -> Reply:
        """The reply to a call. ``how``: further arguments of gRPC's library.

        Raises NoAnswer, TargetDied when the target is gone after it, AccessLost when it lets nothing in.
        """
        used = self._client.shared.credentials.headers
        reply = self._sent(path, message, metadata, how)
        if reply.code == "OK" and (self._good is None or not self._client.shared.begun):
            self._good = (path, message)
        if self._was_a_quota(reply, message):
            reply = self._sent(path, message, metadata, how)
        if self._good is None or reply.code not in _KEPT_OUT or self._is_let_in():
            return reply
        renew(self._client.shared.credentials, used, reply.code, self._is_let_in)
        return self._sent(path, message, metadata, how)

    def _was_a_quota(self, reply: Reply, message: bytes) -> bool:
        """Whether a call was one too many, and now is none: even the good one was refused for a while."""
        if reply.code != _EXHAUSTED or self._good is None or len(message) >= _SHORT or not self._refills:
            return False
        for pause in (_MOMENT, *[_PAUSE] * _REFILLS):
            let_in = self._sent(*self._good, (), {}).code != _EXHAUSTED
            time.sleep(pause)  # when the good one is let in, too: it may have taken the place that was free
            if let_in:
                return True
        self._refills = False
        return False

    def _is_let_in(self) -> bool:
        """Whether the call known to be good is let in: then a refusal is about its own call."""
        assert self._good is not None
        return self._sent(*self._good, (), {}).code not in _KEPT_OUT

    def _sent(
        self, path: str, message: bytes, metadata: Sequence[Metadatum], how: Mapping[str, Any]
    ) -> Reply:
        for again in (True, False):
            request, call, own = self._ready(path, message, metadata, how)
            begun = time.perf_counter()
            reply = self._reply(request, lambda: call(message, **own), again)  # noqa: B023 (called at once)
            if reply is not None:
                self._client.shared.timed(request.call or OTHER, time.perf_counter() - begun)
                return reply
        raise AssertionError  # the second time there is a reply, or it raises

    def patient(self, path: str, message: bytes, deadline: float | None) -> Reply:
        """The reply to a call with this deadline, in seconds, or with none. Raises as ``send`` does."""
        reply = self._waited_for(path, message, deadline)
        return self._waited_for(path, message, deadline) if self._was_a_quota(reply, message) else reply

    def _waited_for(self, path: str, message: bytes, deadline: float | None) -> Reply:
        request, future = self._begin(path, message, timeout=deadline)
        try:
            future.exception(self.route.timeout)
        except grpc.FutureTimeoutError:
            future.cancel()
            raise NoAnswer(request, "no gRPC answer in time") from None
        reply = self._reply(request, future.result, again=False)
        assert reply is not None
        return reply

    def streams(self, path: str, message: bytes) -> bytes:
        """The first answer of a call with streams in both directions; empty where there is none."""
        begin: Any = self._channel.stream_stream(path)
        call = begin(iter([message]), timeout=self.route.timeout)
        self._client.shared.add()
        with suppress(grpc.RpcError):
            return bytes(next(iter(call), b""))
        return b""

    def together(self, path: str, sent: Sequence[bytes], connections: int = 1) -> list[Reply]:
        """The replies to calls that are sent at the same time, over so many connections."""
        others = [self.twin() for _ in range(connections - 1)]
        ways = [self, *others]
        begun = [ways[i % len(ways)]._begin(path, message) for i, message in enumerate(sent)]
        replies = [self._reply(request, future.result, again=True) for request, future in begun]
        for other in others:
            other.close()
        return [
            self.alone(path, message) if reply is None or reply.code in _AGAIN | _KEPT_OUT else reply
            for message, reply in zip(sent, replies, strict=True)
        ]

    def drop(self, path: str, sent: Sequence[bytes]) -> None:
        """Send calls at the same time over a connection of their own; when the first is answered, end it."""
        other = self.twin()
        begun = [other._begin(path, message) for message in sent]
        with suppress(grpc.RpcError):
            begun[0][1].result()
        other.close()

    def alone(self, path: str, message: bytes) -> Reply:
        """The reply to a call, once others are over that the server may still work at: it has a moment."""
        reply = self.send(path, message)
        for _ in range(_TRIES):
            if reply.code not in _AGAIN:
                break
            time.sleep(_MOMENT)
            reply = self.send(path, message)
        return reply

    def _begin(self, path: str, message: bytes, **how: Any) -> tuple[CallRequest, Any]:
        """A call that is sent now; its end is in the future."""
        request, call, own = self._ready(path, message, (), how)
        return request, call.future(message, **own)

    def _ready(
        self, path: str, message: bytes, metadata: Sequence[Metadatum], how: Mapping[str, Any]
    ) -> tuple[CallRequest, Any, dict[str, Any]]:
        """A call that can be sent: what it is, and gRPC's callable with its arguments beside the message."""
        headers = {k.lower(): v for k, v in self._client.shared.credentials.headers.items()}
        headers |= {name: _readable(value) for name, value in metadata}
        self._client.shared.add()
        way = ("--http2" if self.route.encrypted else "--http2-prior-knowledge", *self.route.curl)
        request = call_request(self.url, path, message, headers, way)
        given = {**headers, **dict(metadata)}
        own: dict[str, Any] = {"timeout": self.route.timeout, "metadata": tuple(given.items()), **how}
        return request, self._channel.unary_unary(path), own

    def _reply(self, request: CallRequest, end: Callable[[], bytes], again: bool) -> Reply | None:
        """What comes at the ``end``. None where the connection broke, or the server is busy: it may be sent
        ``again``."""
        try:
            return Reply(request, "OK", "", end())
        except grpc.RpcError as error:
            code, details = error.code().name, error.details() or ""
        except grpc.FutureCancelledError:
            return Reply(request, "CANCELLED", "given up by the client")
        late = details == _LATE
        if not (late or _BROKEN.search(details)):
            if code == "UNAVAILABLE" and again and self._client.shared.paused < _PAUSES:
                self._client.shared.paused += _PAUSE
                time.sleep(_PAUSE)
                return None
            return Reply(request, code, details)
        cause = f"no gRPC answer: {code}: {details}"
        if not self.route.accepts():
            begun = self._client.shared.begun
            raise TargetDied(request, cause, back=begun and self.route.comes_back())
        if late or not again:
            raise NoAnswer(request, cause)
        return None


def _readable(value: str | bytes) -> str:
    """A value of metadata as HTTP/2 carries it: bytes, of a key that ends in -bin, in base64."""
    return value if isinstance(value, str) else base64.b64encode(value).decode("ascii")


def _open(route: Route) -> grpc.Channel:
    address = route.url.partition("://")[2].rstrip("/")
    if not route.encrypted:
        return grpc.insecure_channel(address, _OPTIONS)
    roots, cert, key = (
        file.read_bytes() if file else None for file in (route.ca_cert, route.cert, route.key)
    )
    shown = grpc.ssl_channel_credentials(roots, key or cert, cert)
    return grpc.secure_channel(address, shown, _OPTIONS)
