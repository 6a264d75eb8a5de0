"""The WSGI application."""

import os
from pathlib import Path

from flask import Flask

from reference_server import repository, routes_mlflow, routes_v2, web
from reference_server.errors import RepositoryError
from reference_server.repository import Repository
from reference_server.runtime import Model

MAX_BODY = 64 * 2**20


def build(folder: str | Path, invocations: str | None = None) -> Flask:
    """The application over the models of ``folder``; see ``reference_server.create_app``."""
    # As `mlflow models serve` does: models with type hints read JSON differently when they are served.
    os.environ["_MLFLOW_IS_IN_SERVING_ENVIRONMENT"] = "true"
    models = repository.load(Path(folder))
    app = Flask("reference_server", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.register_blueprint(routes_v2.blueprint(models))
    app.register_blueprint(routes_mlflow.blueprint(_scored(models, invocations)))
    web.install(app)
    return app


def _scored(models: Repository, invocations: str | None) -> Model | None:
    """The model behind /invocations: the one that is named, or the only one."""
    names = models.names()
    if invocations is None:
        return models.find(names[0]) if len(names) == 1 else None
    if invocations not in names:
        raise RepositoryError(f"--invocations {invocations}: no such model; there are {', '.join(names)}")
    return models.find(invocations)
