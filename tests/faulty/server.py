"""HTTP for a function from Request to Response: threads, kept connections, a free port of 127.0.0.1."""

import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any, cast

from werkzeug.serving import DechunkedInput

from tests.faulty.wire import Ask, Death, HangUp, Request, Response


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True
    block_on_close = False
    ask: Ask
    memory: dict[str, Any]
    crashes: list[str]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what the variant's own code raised."""
        self.crashes.append(traceback.format_exc())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle_one_request(self) -> None:
        """One request off the connection, whatever its method."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
            self.close_connection = not self.raw_requestline
            if self.raw_requestline and self.parse_request():
                self._answer()
        except Death:
            self.server.shutdown()
            self.server.server_close()
            self.close_connection = True
        except (HangUp, ConnectionError):
            self.close_connection = True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no HTTP, or more of it than is taken."""
        self.server.memory["unreadable"] = True
        super().send_error(code, message, explain)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        response = self.server.ask(
            Request(self.command, self.path, headers, self._body(), self.server.memory, (*self.headers,))
        )
        self.close_connection |= response.framing == "close"
        self.wfile.write(_written(response, self.command == "HEAD"))

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return bytes(DechunkedInput(cast(IO[bytes], self.rfile)).readall() or b"")
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            self.server.memory["cut"] = True
            raise HangUp
        return body


def _written(response: Response, head: bool) -> bytes:
    version = "1.0" if response.framing == "close" else "1.1"
    lines = [f"HTTP/{version} {response.status} {responses.get(response.status, '')}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    body = b"" if head else response.body
    if response.framing == "length":
        lines.append(f"Content-Length: {len(response.body)}")
    elif response.framing == "chunked":
        lines.append("Transfer-Encoding: chunked")
        pieces = [piece for piece in (body[:7], body[7:]) if piece]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@contextmanager
def serve(ask: Ask) -> Iterator[str]:
    """The base URL of a server that answers with ``ask`` as long as the context lasts."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.ask, server.memory, server.crashes = ask, {}, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert not server.crashes, server.crashes[0]
