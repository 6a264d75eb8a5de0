"""The command ``reference-server start FOLDER``: the server under Gunicorn."""

import argparse
import sys
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from reference_server import create_app, settings
from reference_server.errors import RepositoryError

_CANNOT_LOAD = 4  # Gunicorn's status for an application that does not load; it stops the server


def main(arguments: list[str] | None = None) -> None:
    """Serve until stopped. Exit status 2: wrong command or folder; 4: a model cannot be loaded."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        settings.find(options.folder)
    except RepositoryError as error:
        parser.error(str(error))
    _Server(options).run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reference-server", description=__doc__)
    start = parser.add_subparsers(dest="command", required=True).add_parser("start", help="serve a folder")
    start.add_argument("folder", type=Path, metavar="FOLDER", help="holds a model-settings.json, or several")
    start.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    start.add_argument("--port", type=_port, default=8080, help="0 takes a free one (default: %(default)s)")
    start.add_argument("--workers", type=_count, default=1, help="processes (default: %(default)s)")
    start.add_argument("--threads", type=_count, default=4, help="threads a process (default: %(default)s)")
    start.add_argument("--invocations", metavar="NAME", help="the model behind /invocations, among several")
    return parser


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) < 2**16):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 0 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


class _Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with threads. Each worker loads the models itself, after the fork: threads and OpenMP pools,
    which MLflow and scikit-learn start, do not survive one."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        super().__init__(prog="reference-server")

    def load_config(self) -> None:
        host = f"[{self._options.host}]" if ":" in self._options.host else self._options.host
        chosen: dict[str, Any] = {
            "bind": f"{host}:{self._options.port}",
            "workers": self._options.workers,
            "threads": self._options.threads,
            "worker_class": "reference_server.worker.Worker",
            "keepalive": 30,
            "graceful_timeout": 5,
            "limit_request_line": 8190,
            "loglevel": "warning",
            "post_worker_init": _announce,
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        try:
            return create_app(self._options.folder, self._options.invocations)
        except RepositoryError as error:
            print(f"reference-server: {error}", file=sys.stderr, flush=True)
            sys.exit(_CANNOT_LOAD)


def _announce(worker: Any) -> None:
    """Say where the server listens, once: the first worker is ready."""
    if worker.age == 1:
        host, port = worker.sockets[0].getsockname()[:2]
        print(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)


if __name__ == "__main__":
    main()
