"""MLflow's scoring protocol: /ping, /health, /version, /invocations. Source: mlflow.pyfunc.scoring_server."""

from flask import Blueprint, Response, request
from mlflow.version import VERSION

from reference_server import scoring
from reference_server.errors import NotFound
from reference_server.gate import Gate
from reference_server.limits import Limits
from reference_server.runtime import Model
from reference_server.web import JSON, body


def blueprint(model: Model | None, limits: Limits, gate: Gate) -> Blueprint:
    """The endpoints of MLflow's protocol; /invocations belongs to ``model``."""
    routes = Blueprint("mlflow", __name__)

    @routes.get("/ping")
    @routes.get("/health")
    def ping() -> Response:
        return Response("\n", mimetype=JSON)

    @routes.get("/version")
    def version() -> Response:
        return Response(VERSION, mimetype=JSON)

    @routes.post("/invocations")
    def invocations() -> Response:
        if model is None:
            raise NotFound("several models are served: start the server with --invocations NAME")
        sent = body()
        with gate.turn():
            answer = scoring.invoke(model, sent, request.mimetype, request.mimetype_params, limits)
        return Response(answer, mimetype=JSON)

    return routes
