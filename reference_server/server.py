"""The reference server under Gunicorn: how its processes start, serve and stop."""

import argparse
import logging
import multiprocessing
import os
import shutil
import socket
import struct
import sys
import tempfile
from contextlib import suppress
from typing import Any, TextIO

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from reference_server.errors import RepositoryError
from reference_server.starting import Starting

_OTHERS = 8
_CANNOT_LOAD = 4  # Gunicorn's status for an application that does not load; it stops the server


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with threads. Each worker loads the models itself, after the fork: threads and OpenMP pools,
    which MLflow and scikit-learn start, do not survive one.

    ``options`` are those of the command line, ``names`` the models to be served. Raises ``RepositoryError``
    where it cannot listen.
    """

    def __init__(self, options: argparse.Namespace, names: list[str]) -> None:
        self._options, self._names = options, names
        host = options.host.strip("[]")
        self._listener = _listen(host, options.port, options.limits.seconds)
        self._reserved = None if options.grpc_port is None else _reserve(host, options.grpc_port)
        # Shared with the workers, which are forked.
        self._ready, self._failed = multiprocessing.Value("i", 0), multiprocessing.Value("i", 0)
        super().__init__(prog="reference-server")

    def load_config(self) -> None:
        """What Gunicorn asks for at first."""
        chosen: dict[str, Any] = {
            "bind": f"fd://{self._listener}",
            "workers": self._options.workers,
            # Those that work, those that wait, and some for what needs no model.
            "threads": self._options.limits.threads + self._options.limits.waiting + _OTHERS,
            "worker_class": "reference_server.worker.Worker",
            "keepalive": self._options.keep_alive,
            "graceful_timeout": self._options.graceful_timeout,
            "timeout": 0,  # a model may hold the interpreter for as long as it takes
            "limit_request_line": 8190,
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": self._listening,
            "child_exit": self._ended,
        }
        for name, value in chosen.items():
            if name in self.cfg.settings:  # control sockets are newer than Gunicorn 23
                self.cfg.set(name, value)

    def load(self) -> Starting:
        """The application of one worker, whose models are not loaded yet."""
        options = self._options
        return Starting(
            options.folder,
            options.invocations,
            options.skip_broken,
            options.root_path,
            options.limits,
            options.access_log,
            None if self._reserved is None else _address(self._reserved),
        )

    @property
    def seconds(self) -> int:
        """For a request to arrive."""
        seconds: int = self._options.limits.seconds
        return seconds

    def run(self) -> None:
        """Serve until stopped. Several workers put their metrics together in a folder: in memory where that
        can be, for a request writes nothing to a disk."""
        master, memory = os.getpid(), "/dev/shm"
        place = memory if os.access(memory, os.W_OK) else None
        folder = tempfile.mkdtemp(prefix="reference-server-", dir=place) if self._options.workers > 1 else ""
        if folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        try:
            _Arbiter(self).run()
        finally:
            if folder and os.getpid() == master:
                shutil.rmtree(folder, ignore_errors=True)

    def _listening(self, arbiter: Arbiter) -> None:
        url = _url(arbiter.LISTENERS[0].sock)
        say(f"loading {', '.join(self._names)}; {url}/v2/health/live answers meanwhile")

    def loaded(self, worker: Any, complaints: list[str]) -> None:
        """A worker is ready, and what it has to say; the last one tells where the server listens."""
        for line in complaints if worker.age == 1 else ():
            say(line)
        with self._ready.get_lock():
            self._ready.value += 1
            if self._ready.value == self._options.workers:
                _write(f"listening on {_url(worker.sockets[0])}", sys.stdout)
                if self._reserved is not None:
                    _write(f"listening on grpc://{_address(self._reserved)}", sys.stdout)

    def failed(self, error: Exception) -> int:
        """The exit status of a worker that cannot load its models; the first one says why."""
        with self._failed.get_lock():
            self._failed.value += 1
            first = self._failed.value == 1
        if first:
            if not isinstance(error, RepositoryError):
                logging.getLogger("gunicorn.error").error("loading failed", exc_info=error)
            say(str(error))
        return _CANNOT_LOAD if first else 0

    def _ended(self, arbiter: Arbiter, worker: Any) -> None:
        """A worker that dies before all are ready will do so again: a model brings it down."""
        if self._options.workers > 1:
            # Imported when the environment is set, which it reads once.
            from prometheus_client.multiprocess import mark_process_dead

            mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
        if arbiter.LISTENERS and self._ready.value < self._options.workers:
            raise HaltServer("a worker ended while its models were loading", _CANNOT_LOAD)


class _Arbiter(Arbiter):  # type: ignore[misc]
    """SIGINT stops as SIGTERM does; a second one stops at once. SIGHUP and SIGUSR2 do nothing: to load models
    again is to start again."""

    handle_int = Arbiter.handle_term

    def reap_workers(self) -> None:
        """As it is; once it stops, that another worker could not load its models is no news."""
        try:
            super().reap_workers()
        except HaltServer:
            if self.LISTENERS:
                raise

    def handle_hup(self) -> None:
        """A terminal has closed."""

    handle_usr2 = handle_hup


def say(line: str) -> None:
    """Tell the person who starts the server."""
    _write(f"reference-server: {line}", sys.stderr)


def _write(line: str, stream: TextIO) -> None:
    with suppress(OSError):  # nobody reads it any more
        print(line, file=stream, flush=True)


def _listen(host: str, port: int, seconds: int) -> int:
    """A file descriptor: Gunicorn itself would try for five seconds. Connections have its options, from the
    first on: a client may be silent, or take nothing, for so many seconds; what is sent waits for nothing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                listener.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))
            listener.bind((host, port))
            listener.listen()
            return listener.detach()
    except (OSError, UnicodeError) as error:
        raise _taken(host, port, "--port", error) from error


def _reserve(host: str, port: int) -> socket.socket:
    """A socket that keeps a port for the workers' gRPC services: each listens on it (SO_REUSEPORT)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as free:  # one that shares it would not notice another server
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind((host, port))
            there = free.getsockname()
        kept = socket.socket(family)
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        kept.bind(there)
        return kept
    except (OSError, UnicodeError) as error:
        raise _taken(host, port, "--grpc-port, or none", error) from error


def _taken(host: str, port: int, option: str, error: Exception) -> RepositoryError:
    reason = getattr(error, "strerror", None) or error
    return RepositoryError(
        f"cannot listen on {host!r}, port {port}: {reason}; choose another --host or {option}"
    )


def _url(listener: Any) -> str:
    return f"http://{_address(listener)}"


def _address(listener: Any) -> str:
    host, port = listener.getsockname()[:2]
    return f"{f'[{host}]' if ':' in host else host}:{port}"
