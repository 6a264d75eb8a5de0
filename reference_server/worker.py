"""A Gunicorn worker that lives while models load, answers what it has taken when it is told to stop, and
whose own answers, to what is no HTTP request, are JSON as well."""

import atexit
import ctypes
import json
import math
import os
import select
import selectors
import signal
import sys
import time
from collections import deque
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from itertools import chain
from threading import Thread
from typing import Any

from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from reference_server.connection import Connection, Content, Threads
from reference_server.errors import RequestTimeout

# By the names of gunicorn.http.errors, which grow from release to release; all others are bad requests.
_STATUS = {
    "ConfigurationProblem": HTTPStatus.NOT_FOUND,  # a path outside of SCRIPT_NAME
    "LimitRequestLine": HTTPStatus.REQUEST_URI_TOO_LONG,
    "LimitRequestHeaders": HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "UnsupportedTransferCoding": HTTPStatus.NOT_IMPLEMENTED,
    "RequestTimeout": HTTPStatus.REQUEST_TIMEOUT,
    "ExpectationFailed": HTTPStatus.EXPECTATION_FAILED,
}
# The idle connections of a ThreadWorker: those of Gunicorn 23 come first.
_IDLE = ("_keep", "keepalived_conns")

# By the numbers of glibc's malloc.h: M_ARENA_MAX, M_TRIM_THRESHOLD and M_MMAP_THRESHOLD (bytes).
_MALLOC = {-8: 1, -1: 2**24, -3: 2**22}
_PROBES = 2  # threads
_LOOK = 0.2  # seconds
_FOLLOWING = 2  # milliseconds
_FAREWELL = 0.5  # seconds
_GREETING = 1.0  # seconds; for the first request of a connection when the server stops
_CROWD, _HESITATION = 20, 5e-5  # connections; seconds for each


def _closed(graceful: bool = False) -> None:
    """How to close a connection that is closed."""


def _share_memory() -> None:
    """Let all threads have one heap: each has its own of glibc, which keeps what others could use, and gives
    back what the next request needs (10,000 rows take a third less time). What a very large request took is
    given back."""
    with suppress(AttributeError):  # other C libraries
        for parameter, value in _MALLOC.items():
            ctypes.CDLL(None).mallopt(parameter, value)


class Worker(ThreadWorker):  # type: ignore[misc]
    """Threads. Its application is a ``Starting``, its Gunicorn application a ``Server``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loading = True
        self._stopping: Any = None  # the end of the gRPC service
        self._looked = 0.0
        self._arriving: deque[Any] = deque()  # connections whose next request is still to come

    def init_signals(self) -> None:
        """A terminal sends SIGINT and SIGHUP to the whole group: the arbiter alone decides. SIGTERM is for
        the main thread, whatever it waits for: requests run in others."""
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.siginterrupt(signal.SIGTERM, True)

    def run(self) -> None:
        """Serve. The first workers answer while they load, in a second thread: code of models expects the
        main one. One that replaces another loads before it accepts where others serve meanwhile."""
        _share_memory()
        if self.age > self.cfg.workers > 1:
            self._load()
            super().run()
        else:
            serving = Thread(target=super().run, name="serving", daemon=True)
            serving.start()
            self._load()
            while serving.is_alive():  # a signal that another thread took is handled when this one runs again
                serving.join(_LOOK)
        if self._stopping is not None:
            self._stopping.wait()
        atexit._run_exitfuncs()
        self._leave(0)

    def _load(self) -> None:
        try:
            complaints = self.wsgi.load()
        except Exception as error:
            self._leave(self.app.failed(error))
        self.init_signals()  # models, or what they import, may have set others
        self._loading = False
        self.app.loaded(self, complaints)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop: at once while models load, else when what was taken is answered."""
        if self._loading:
            self._leave(0)
        self._stopping = self._stopping or self.wsgi.stop(self.cfg.graceful_timeout)
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """Stop at once."""
        self._leave(0)

    def _leave(self, status: int) -> None:
        """End without waiting for threads of models."""
        for stream in filter(None, (sys.stdout, sys.stderr)):
            with suppress(OSError):  # nobody reads it any more
                stream.flush()
        os._exit(status)

    def accept(self, *listener: Any) -> None:
        """Take a connection. Of several workers that see it, the one with the fewest is the quickest."""
        if self.cfg.workers > 1:
            time.sleep(min(self.nr_conns, _CROWD) * _HESITATION)
        super().accept(*listener)

    def handle(self, conn: Any) -> Any:
        """Answer a request, and those that follow at once: on the same thread each is spared three changes of
        threads. What a client has sent ahead is in no socket any more, where Gunicorn would wait for it."""
        while True:
            if conn.sock.deadline == math.inf:
                conn.sock.deadline = time.monotonic() + self.app.seconds
            kept = super().handle(conn)
            if not (kept is True and self.alive and not conn.sock.probe and self._follows(conn)):
                break
        if kept is False:  # Gunicorn would wait for the client in its main loop, and let all others wait
            conn.sock.deadline = math.inf
            util.close_graceful(conn.sock, _FAREWELL)
            conn.close = _closed
        return kept

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer one request. What is left of it afterwards is not late any more."""
        req.body = Content(req.body.reader)
        kept = super().handle_request(req, conn)
        conn.sock.deadline = math.inf
        return kept and not (conn.sock.late or req.body.broken)

    def _follows(self, conn: Any) -> bool:
        if self._ahead(conn):
            return True
        if self.tpool.busy:
            return False
        poll = select.poll()
        poll.register(conn.sock, select.POLLIN)
        return bool(poll.poll(_FOLLOWING))

    @staticmethod
    def _ahead(conn: Any) -> bool:
        return conn.parser is not None and conn.parser.unreader.buf.tell() > 0

    def get_thread_pool(self) -> Threads:
        """The threads that answer."""
        return Threads(_PROBES, self.cfg.threads)

    def enqueue_req(self, conn: Any) -> None:
        """Have a request answered by a thread. Its head is waited for here: clients that are slow with it, or
        never send one, hold no thread."""
        if not isinstance(conn.sock, Connection):
            conn.sock = Connection(conn.sock)
            conn.timeout = time.monotonic() + self.cfg.keepalive
        conn.data_ready = True
        conn.sock.probe = False
        if not self._ahead(conn) and conn.sock.expects(self.app.seconds):
            self._arriving.append(conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._arrived, conn))
        else:
            super().enqueue_req(conn)

    def _arrived(self, conn: Any, client: Any = None) -> None:
        self._arriving.remove(conn)
        self.poller.unregister(conn.sock)
        self.enqueue_req(conn)

    def finish_request(self, conn: Any, *future: Any) -> None:
        """What becomes of a connection (Gunicorn 23 gives the future alone). On one that is kept, the next
        request may have been read already."""
        if future and self.alive and future[0].result() is True and self._ahead(conn):
            self.enqueue_req(conn)
        else:
            super().finish_request(conn, *future)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """As it is; when it stops, connections are looked at while it waits."""
        super().wait_for_and_dispatch_events(timeout if self.alive else min(timeout, _LOOK))

    def set_accept_enabled(self, enabled: bool) -> None:
        """When it stops: take the connections that wait, then let the system refuse others."""
        stopping = not (enabled or self.alive)
        for listener in self.sockets if stopping else ():
            while self.nr_conns < self.worker_connections and select.select([listener], [], [], 0)[0]:
                self.accept(listener)
        self.murder_keepalived()  # the loop that would do so may be over
        super().set_accept_enabled(enabled)
        for listener in self.sockets if stopping else ():
            listener.close()

    def murder_keepalived(self) -> None:
        """Close idle connections, all of them when it stops: a client may hold one for longer than the server
        has left."""
        if not self.alive:
            for connection in chain.from_iterable(getattr(self, name, ()) for name in _IDLE):
                connection.timeout = 0
        super().murder_keepalived()
        now = time.monotonic()
        if now - self._looked > _LOOK:  # there may be many of them, and this comes after each event
            self._looked = now
            self._murder_arriving(now)

    def _murder_arriving(self, now: float) -> None:
        """Answer requests that are late, and close connections on which none has begun in time."""
        for connection in list(self._arriving):
            if not self.alive:
                connection.timeout = min(connection.timeout, now + _GREETING)
            sock = connection.sock
            if sock.deadline < now:
                self._arrived(connection)
            elif sock.deadline == math.inf and connection.timeout < now:
                self._arriving.remove(connection)
                self.poller.unregister(sock)
                self.nr_conns -= 1
                connection.close()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what could not be parsed, or what failed outside of the application, with the members of
        both protocols: the path may not be known yet."""
        mistake = isinstance(exc, (errors.ParseException, RequestTimeout))
        status = (
            _STATUS.get(type(exc).__name__, HTTPStatus.BAD_REQUEST)
            if mistake
            else HTTPStatus.INTERNAL_SERVER_ERROR
        )
        if not mistake:
            self.log.error("request failed", exc_info=exc)
        code = "BAD_REQUEST" if mistake else "INTERNAL_ERROR"
        body = json.dumps({"error": status.phrase, "error_code": code, "message": status.phrase})
        head = [
            f"HTTP/1.1 {status.value} {status.phrase}",
            "Connection: close",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        try:
            client.sendall("\r\n".join([*head, "", body]).encode())
        except OSError:
            self.log.debug("the client is gone")
