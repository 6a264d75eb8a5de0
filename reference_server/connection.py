"""What a Gunicorn worker reads requests from: in time, in large pieces, and in form."""

import errno
import math
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from gunicorn.http import errors
from gunicorn.http.body import Body, LengthReader

from reference_server.errors import BadRequest, RequestTimeout

_PIECE = 2**16  # bytes
_LARGE_PIECE = 2**22  # bytes; of a body whose length is known
_HEAD = 2**13  # bytes; no thread waits for the rest of a shorter one
_PROBE = re.compile(rb"(GET|HEAD) \S+/(live|ready) HTTP/1\.[01]\r\n")
_HAS_BODY = re.compile(rb"\r\n(content-length|transfer-encoding):", re.IGNORECASE)


class Content(Body):  # type: ignore[misc]
    """A body that is read in large pieces: Gunicorn's takes 1,024 bytes at a time, and 8,192 of a connection;
    after each of these, other threads may run for milliseconds."""

    broken = False

    def read(self, size: int | None = None) -> bytes:
        """As it is. Raises ``BadRequest``, once, where chunks are none."""
        if self.broken:
            return b""
        if isinstance(self.reader, LengthReader) and not self.buf.tell():
            return _read(self.reader, self.getsize(size))
        missing = self.getsize(size) - self.buf.tell()
        try:
            while missing > 0 and (data := self.reader.read(min(missing, _PIECE))):
                missing -= self.buf.write(data)
            read: bytes = super().read(size)
        except errors.ParseException as error:
            self.broken = True
            raise BadRequest(f"the chunked body is malformed: {error}") from None
        return read


def _read(body: LengthReader, size: int) -> bytes:
    """So many bytes of a body whose length is known; fewer where it, or the connection, ends before."""
    missing = min(size, body.length)
    here = body.unreader.buf.tell()
    pieces = [body.unreader.read(min(here, missing))] if here else []
    missing -= sum(map(len, pieces))
    while missing > 0 and (piece := body.unreader.sock.recv(min(missing, _LARGE_PIECE), socket.MSG_WAITALL)):
        pieces.append(piece)
        missing -= len(piece)
    read = b"".join(pieces)
    body.length -= len(read)
    return read


class Connection(socket.socket):
    """A connection whose request arrives before ``deadline`` (of ``time.monotonic``), or not at all.

    ``probe``: the next request asks whether something is alive or ready, and is here as a whole.
    """

    deadline = math.inf
    late = probe = False
    _seen = 0  # bytes of a head that is not complete

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())

    def expects(self, seconds: float) -> bool:
        """Whether the head of the next request is still to come, or part of it; the whole request then has
        ``seconds`` from its first byte on. Until then it is readable when there is more than was seen."""
        try:
            head = super().recv(_HEAD, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:  # whoever reads it will see
            return False
        length, end = len(head), head.find(b"\r\n\r\n")
        if end < 0 and self._seen < length < _HEAD and self.deadline > time.monotonic():
            if not self._seen:
                self.deadline = time.monotonic() + seconds
            self._wake_at(length)
            return True
        if self._seen:
            self._wake_at(0)
        self.probe = bool(end > 0 and _PROBE.match(head) and not _HAS_BODY.search(head, 0, end))
        return False

    def _wake_at(self, seen: int) -> None:
        self._seen = seen
        self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, seen + 1)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As it is. Raises ``RequestTimeout``, at the latest when the client was silent once more."""
        data = None
        with suppress(BlockingIOError):  # SO_RCVTIMEO
            data = super().recv(size, flags)
        if data is None or time.monotonic() > self.deadline:
            self.late = True
            raise RequestTimeout("the request did not arrive in time")
        return data

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As it is. Raises ``ConnectionResetError`` where the client takes nothing."""
        try:
            super().sendall(data, flags)
        except BlockingIOError:  # SO_SNDTIMEO
            raise ConnectionResetError(errno.ECONNRESET, "the client takes nothing") from None


class Threads:
    """Threads that answer connections; probes have some of their own, which no client can hold."""

    def __init__(self, probes: int, others: int) -> None:
        self._probes, self._others = ThreadPoolExecutor(probes), ThreadPoolExecutor(others)

    @property
    def busy(self) -> bool:
        """Whether requests wait for a thread."""
        return not self._others._work_queue.empty()

    def submit(self, answer: Callable[[Any], Any], conn: Any) -> Future[Any]:
        """Answer the next request of ``conn``, a connection of Gunicorn's around a ``Connection``."""
        return (self._probes if conn.sock.probe else self._others).submit(answer, conn)

    def shutdown(self, wait: bool = True) -> None:
        """As ``concurrent.futures`` has it."""
        for pool in (self._probes, self._others):
            pool.shutdown(wait)
