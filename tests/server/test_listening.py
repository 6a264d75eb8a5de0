"""Connections that are there before the first worker runs."""

import socket
import struct

from reference_server.server import _listen


def test_the_first_connections_are_like_all_others() -> None:
    """One that lacks TCP_NODELAY waits 40 ms for each answer, as long as it is kept."""
    with (
        socket.socket(fileno=_listen("127.0.0.1", 0, 7)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as connection,
    ):
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        waits = connection.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.calcsize("ll"))
        assert struct.unpack("ll", waits) == (7, 0)
