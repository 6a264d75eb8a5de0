"""The command ``reference-server start FOLDER``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from reference_server import create_app
from reference_server.errors import RepositoryError


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped. Exit status 2 for a wrong command, 3 when a model cannot be loaded."""
    options = _parser().parse_args(arguments)
    _Server(options).run()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reference-server", description=__doc__)
    start = parser.add_subparsers(dest="command", required=True).add_parser("start", help="serve a folder")
    start.add_argument(
        "folder", type=_folder, metavar="FOLDER", help="holds model-settings.json, or several below"
    )
    start.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    start.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: %(default)s)")
    start.add_argument("--workers", type=int, default=1, help="processes, each with the models (default: 1)")
    start.add_argument("--threads", type=int, default=4, help="threads a process (default: %(default)s)")
    start.add_argument(
        "--invocations", metavar="NAME", help="the model behind /invocations, if there are several"
    )
    return parser


def _folder(text: str) -> Path:
    folder = Path(text)
    if not any(folder.rglob("model-settings.json")):
        raise argparse.ArgumentTypeError(f"there is no model-settings.json in {text} or below it")
    return folder


class _Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with threads. Each worker loads the models itself: what MLflow and scikit-learn start
    (threads, OpenMP pools) does not survive a fork."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        super().__init__(prog="reference-server")

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": f"{self._options.host}:{self._options.port}",
            "workers": self._options.workers,
            "threads": self._options.threads,
            "worker_class": "gthread",
            "keepalive": 30,
            "loglevel": "warning",
            "post_worker_init": _announce,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        try:
            return create_app(self._options.folder, self._options.invocations)
        except RepositoryError as error:
            print(f"reference-server: {error}", file=sys.stderr, flush=True)
            sys.exit(4)


def _announce(worker: Any) -> None:
    """Say where the server listens, once: the first worker is ready."""
    if worker.age == 1:
        host, port = worker.sockets[0].getsockname()[:2]
        print(f"reference-server listens on http://{host}:{port}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
