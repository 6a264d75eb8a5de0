"""The OpenAPI 3.1 document of the V2 endpoints, assembled from the schemas in spec/."""

from functools import cache
from typing import Any

from reference_server import __version__
from spec.validation import names, schema, urn

# (method, path, request schema, answer schema); an empty name: no body, or any JSON.
_OPERATIONS = [
    ("get", "/v2", "", "v2/server-metadata"),
    ("get", "/v2/health/live", "", "v2/server-live"),
    ("get", "/v2/health/ready", "", "v2/server-ready"),
    ("get", "/v2/models/{model_name}", "", "v2/model-metadata"),
    ("get", "/v2/models/{model_name}/ready", "", "v2/model-ready"),
    ("post", "/v2/models/{model_name}/infer", "v2/inference-request", "v2/inference-response"),
    ("get", "/v2/models/{model_name}/versions/{model_version}", "", "v2/model-metadata"),
    ("get", "/v2/models/{model_name}/versions/{model_version}/ready", "", "v2/model-ready"),
    (
        "post",
        "/v2/models/{model_name}/versions/{model_version}/infer",
        "v2/inference-request",
        "v2/inference-response",
    ),
]


@cache
def document() -> dict[str, Any]:
    """The whole document; every schema of spec/ under v2/ is a component of it."""
    used = [name for name in names() if name.startswith("v2/")]
    paths: dict[str, Any] = {}
    for method, path, asks, answers in _OPERATIONS:
        paths.setdefault(path, {"parameters": _parameters(path)})[method] = _operation(path, asks, answers)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Open Inference Protocol, HTTP/REST", "version": __version__},
        "paths": paths,
        "components": {"schemas": {_component(name): _component_schema(name) for name in used}},
    }


def _component(name: str) -> str:
    return name.replace("/", ".")


def _pointer(name: str) -> str:
    return f"#/components/schemas/{_component(name)}"


def _component_schema(name: str) -> dict[str, Any]:
    """A schema without its own address; its references lead to the other components."""
    moved: dict[str, Any] = _relocate(schema(name), name)
    return {key: value for key, value in moved.items() if key not in ("$schema", "$id")}


def _relocate(node: Any, name: str) -> Any:
    if isinstance(node, list):
        return [_relocate(item, name) for item in node]
    if not isinstance(node, dict):
        return node
    moved = {key: _relocate(value, name) for key, value in node.items()}
    if isinstance(node.get("$ref"), str):
        target, _, fragment = node["$ref"].partition("#")
        of = next((n for n in names() if urn(n) == target), name)
        moved["$ref"] = _pointer(of) + fragment
    return moved


def _parameters(path: str) -> list[dict[str, Any]]:
    used = [name for name in ("model_name", "model_version") if f"{{{name}}}" in path]
    return [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in used]


def _operation(path: str, asks: str, answers: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": schema(answers)["title"],
        "responses": {
            "200": _content(answers, "Success"),
            "4XX": _content("v2/error", "The request is at fault"),
        },
    }
    if "{" in path:
        operation["responses"]["5XX"] = _content("v2/error", "The model or the server failed")
    if asks:
        operation["requestBody"] = _content(asks, "The inference request") | {"required": True}
    return operation


def _content(name: str, description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": {"$ref": _pointer(name)}}}}
