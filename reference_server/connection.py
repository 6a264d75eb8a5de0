"""What a Gunicorn worker reads requests from: in time, in large pieces, and in form."""

import errno
import math
import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.http import errors
from gunicorn.http.body import Body

from reference_server.errors import BadRequest, RequestTimeout

_PIECE = 2**16  # bytes


class Content(Body):  # type: ignore[misc]
    """A body that is read in large pieces: Gunicorn's takes 1,024 bytes at a time."""

    broken = False

    def read(self, size: int | None = None) -> bytes:
        """As it is. Raises ``BadRequest``, once, where chunks are none."""
        if self.broken:
            return b""
        missing = self.getsize(size) - self.buf.tell()
        try:
            while missing > 0 and (data := self.reader.read(min(missing, _PIECE))):
                missing -= self.buf.write(data)
            read: bytes = super().read(size)
        except errors.ParseException as error:
            self.broken = True
            raise BadRequest(f"the chunked body is malformed: {error}") from None
        return read


class Connection(socket.socket):
    """A connection whose request arrives before ``deadline`` (of ``time.monotonic``), or not at all."""

    deadline = math.inf
    late = False

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())

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
