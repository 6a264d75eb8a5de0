"""Gunicorn on a free port, saying which."""

from typing import Any

bind = "127.0.0.1:0"
loglevel = "warning"
graceful_timeout = 5


def post_worker_init(worker: Any) -> None:
    host, port = worker.sockets[0].getsockname()
    print(f"listening on http://{host}:{port}", flush=True)  # noqa: T201
