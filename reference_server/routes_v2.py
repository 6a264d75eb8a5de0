"""The endpoints under /v2. Source: inference_rest.md, HTTP/REST; the repository index is MLServer's."""

from flask import Blueprint, Response, request

from reference_server import __version__, binary, jsonio
from reference_server.errors import BadRequest, Unavailable
from reference_server.gate import Gate
from reference_server.inference import infer
from reference_server.limits import Limits
from reference_server.openapi import document
from reference_server.repository import Repository
from reference_server.tracing import REQUEST_ID
from reference_server.web import answer, answer_binary, body, require_json

_MODEL = ("/models/<name>", "/models/<name>/versions/<version>")


def blueprint(repository: Repository, limits: Limits, gate: Gate) -> Blueprint:
    """The V2 endpoints over ``repository``."""
    routes = Blueprint("v2", __name__, url_prefix="/v2")

    @routes.get("")
    def server_metadata() -> Response:
        extensions = ["model_repository_index", binary.NAME]
        return answer({"name": "reference-server", "version": __version__, "extensions": extensions})

    @routes.get("/health/live")
    def live() -> Response:
        return answer({"live": True})

    @routes.get("/health/ready")
    def ready() -> Response:
        if repository.broken:
            names = ", ".join(sorted({model.name for model in repository.broken}))
            return answer({"ready": False, "error": f"not every model is ready: {names}"}, 503)
        return answer({"ready": True})

    @routes.get(_MODEL[0])
    @routes.get(_MODEL[1])
    def metadata(name: str, version: str | None = None) -> Response:
        return answer(repository.find(name, version).metadata(repository.versions(name)))

    @routes.get(_MODEL[0] + "/ready")
    @routes.get(_MODEL[1] + "/ready")
    def model_ready(name: str, version: str | None = None) -> Response:
        try:
            return answer({"name": repository.find(name, version).name, "ready": True})
        except Unavailable as error:
            return answer({"name": name, "ready": False, "error": str(error)}, error.status)

    @routes.post(_MODEL[0] + "/infer")
    @routes.post(_MODEL[1] + "/infer")
    def inference(name: str, version: str | None = None) -> Response:
        model = repository.find(name, version)
        length = request.headers.get(binary.HEADER)
        require_json(*([] if length is None else [binary.MEDIA_TYPE]))
        sent = body()
        with gate.turn():
            response, blobs = infer(model, sent, length, limits)
        request.environ[REQUEST_ID] = response.get("id")
        return answer_binary(response, blobs) if blobs else answer(response)

    @routes.post("/repository/index")
    def index() -> Response:
        return answer(_index(repository, _only_ready()))

    @routes.get("/docs/dataplane.json")
    def dataplane() -> Response:
        return answer(document() | {"servers": [{"url": request.script_root or "/"}]})

    return routes


def _only_ready() -> bool | None:
    """The member ``ready`` of the request: only models that are (not) ready; all of them when absent."""
    require_json()
    raw = body() if request.content_length != 0 else b""
    asked = jsonio.loads(raw) if raw else {}
    ready = asked.get("ready") if isinstance(asked, dict) else asked
    if ready is not None and not isinstance(ready, bool):
        raise BadRequest("the body must be an object, and its member ready true or false")
    return ready


def _index(repository: Repository, ready: bool | None) -> list[dict[str, str]]:
    loaded = [(m.name, m.version, "READY", "") for m in repository.models() if ready is not False]
    broken = [(m.name, m.version, "UNAVAILABLE", m.reason) for m in repository.broken if ready is not True]
    return [
        {"name": name} | ({"version": version} if version else {}) | {"state": state, "reason": reason}
        for name, version, state, reason in loaded + broken
    ]
