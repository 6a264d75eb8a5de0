"""Whether a body is an inference request, and if not, why. Source: inference_rest.md, Inference Request."""

from itertools import islice
from typing import Any

from reference_server.errors import BadRequest
from spec.validation import is_valid, violations

_REQUEST = "v2/inference-request"
_PARTS = {"inputs": "v2/request-input", "outputs": "v2/request-output"}
# Explaining takes a thousand times as long as checking: only the head of a long array is looked at.
_HEAD = 64


def check(body: Any) -> dict[str, Any]:
    """``body``, which satisfies the protocol's schema, save that the elements of data are left to the codecs:
    theirs is to say which are null. Raises ``BadRequest`` naming the field at fault."""
    outline = _outline(body)
    if not is_valid(_REQUEST, outline):
        raise BadRequest(_explain(outline))
    request: dict[str, Any] = body
    return request


def _outline(body: Any) -> Any:
    """``body`` without the elements of its inputs' data."""
    inputs = body.get("inputs") if isinstance(body, dict) else None
    if not isinstance(inputs, list):
        return body
    return body | {"inputs": [_without_elements(tensor) for tensor in inputs]}


def _without_elements(tensor: Any) -> Any:
    if isinstance(tensor, dict) and isinstance(tensor.get("data"), list):
        return tensor | {"data": []}
    return tensor


def _explain(body: Any) -> str:
    if not isinstance(body, dict):
        return "the body must be a JSON object"
    for member, kind in _PARTS.items():
        parts = body.get(member)
        for place, part in enumerate(parts if isinstance(parts, list) else []):
            if not is_valid(kind, part):
                return _first_violation(kind, part, f"{member}[{place}]")
    rest = {key: [] if key in _PARTS and isinstance(value, list) else value for key, value in body.items()}
    return _first_violation(_REQUEST, rest, "")


def _first_violation(kind: str, part: Any, where: str) -> str:
    found = violations(kind, _head(part))
    if not found:
        return f"{where}: beyond its first {_HEAD} elements something does not satisfy the schema {kind}"
    path = ".".join(filter(None, (where, found[0].path)))
    return f"{path}: {found[0].message}" if path else found[0].message


def _head(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _head(value) for key, value in islice(node.items(), _HEAD)}
    if isinstance(node, list):
        return [
            _head(value) if i == 0 or not isinstance(value, (list, dict)) else []
            for i, value in enumerate(node[:_HEAD])
        ]
    return node
