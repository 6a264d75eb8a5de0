"""The WSGI application over models in memory."""

from flask import Flask

from reference_server import routes_mlflow, routes_v2, web
from reference_server.errors import RepositoryError
from reference_server.gate import Gate
from reference_server.limits import DEFAULTS, Limits
from reference_server.repository import Repository
from reference_server.runtime import Model


def build(models: Repository, invocations: str | None = None, limits: Limits = DEFAULTS) -> Flask:
    """The application over ``models``; see ``reference_server.create_app``."""
    app, gate = web.application(limits), Gate(limits)
    app.register_blueprint(routes_v2.blueprint(models, limits, gate))
    app.register_blueprint(routes_mlflow.blueprint(_scored(models, invocations), limits, gate))
    app.wsgi_app = web.AfterFork(app.wsgi_app)  # type: ignore[method-assign]
    return app


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
