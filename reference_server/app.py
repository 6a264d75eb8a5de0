"""The WSGI application over models in memory."""

from flask import Flask, Response

from reference_server import metrics, routes_mlflow, routes_v2, web
from reference_server.errors import RepositoryError
from reference_server.gate import Gate
from reference_server.limits import DEFAULTS, Limits
from reference_server.observing import AccessLog, Observed
from reference_server.repository import Repository
from reference_server.runtime import Model


def build(
    models: Repository,
    invocations: str | None = None,
    limits: Limits = DEFAULTS,
    log: AccessLog | None = None,
    gate: Gate | None = None,
) -> Flask:
    """The application over ``models``; see ``reference_server.create_app``. ``gate``: shared with gRPC."""
    app, gate = web.application(limits), gate or Gate(limits)
    app.register_blueprint(routes_v2.blueprint(models, limits, gate))
    scored = _scored(models, invocations)
    app.register_blueprint(routes_mlflow.blueprint(scored, limits, gate))
    app.add_url_rule("/metrics", view_func=_metrics, methods=["GET"])
    inner = web.AfterFork(app.wsgi_app)
    name = scored.name if scored is not None else ""
    app.wsgi_app = Observed(inner, frozenset(models.names()), name, log)  # type: ignore[method-assign]
    return app


def _metrics() -> Response:
    return Response(metrics.page(), content_type=metrics.CONTENT_TYPE)


def _scored(models: Repository, invocations: str | None) -> Model | None:
    """The model behind /invocations: the one that is named, or the only one."""
    names = models.names()
    if invocations is None:
        return models.find(names[0]) if len(names) == 1 else None
    if invocations not in names:
        raise RepositoryError(f"--invocations {invocations}: no such model; there are {', '.join(names)}")
    broken = [one for one in models.broken if one.name == invocations]
    if broken and invocations not in {model.name for model in models.models()}:
        raise RepositoryError(f"--invocations {invocations}: {broken[0].error}")
    return models.find(invocations)
