"""The application from the first moment on: it lives at once, and is ready when its models are."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flask import Flask, Response

from reference_server import web
from reference_server.errors import NotNow
from reference_server.limits import Limits


class Starting:
    """A WSGI application. Until ``load`` has returned, it answers /v2/health/live, and 503 to all else.

    ``grpc``: the address at which the gRPC service begins then; None for none.
    """

    def __init__(
        self,
        folder: Path,
        invocations: str | None,
        skip_broken: bool,
        root_path: str,
        limits: Limits,
        access_log: str | None,
        grpc: str | None,
    ) -> None:
        self._folder, self._invocations, self._skip_broken = folder, invocations, skip_broken
        self._root_path, self._limits, self._access_log = root_path, limits, access_log
        self._grpc = grpc
        self._service: Any = None
        self._app: web.Wsgi = web.Mounted(_waiting(limits), root_path)

    def load(self) -> list[str]:
        """Load the models, ask each its input example, and serve them; what went wrong, line by line.

        Raises ``RepositoryError`` when there is nothing to serve.
        """
        # MLflow starts threads, which do not survive a fork: it is imported by the worker that serves.
        from reference_server import app, examples, observing, repository
        from reference_server.gate import Gate

        log = observing.AccessLog(self._access_log) if self._access_log else None
        models = repository.load(self._folder, self._skip_broken)
        gate = Gate(self._limits)
        loaded = app.build(models, self._invocations, self._limits, log, gate)
        complaints = [f"skipped: {model.error}" for model in models.broken]
        complaints += examples.ask_examples(models.models())
        if self._grpc is not None:
            from reference_server.rpc import Server  # no object of gRPC's survives a fork

            self._service = Server(self._grpc, models, self._limits, gate, log)
        self._app = web.Mounted(loaded, self._root_path)
        return complaints

    def stop(self, seconds: float) -> Any:
        """Let gRPC answer what it has taken, within ``seconds``: the event of its end, None where it never
        began."""
        return None if self._service is None else self._service.stop(seconds)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return self._app(environ, start_response)


def _waiting(limits: Limits) -> Flask:
    app = web.application(limits)

    @app.get("/v2/health/live")
    def live() -> Response:
        return web.answer({"live": True})

    @app.errorhandler(404)
    @app.errorhandler(405)
    def other(_: Exception) -> Response:
        return web.explain(NotNow("models are loading; ask again"))

    return app
