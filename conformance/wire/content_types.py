"""Content types: what the elements of a tensor mean, and which content type a tensor has. Pure.

Source: MLServer 1.7.1, mlserver/codecs.
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from conformance.wire import tensors
from conformance.wire.tensors import TensorSpec

Body = dict[str, Any]


def named(parametrised: Mapping[str, Any]) -> str:
    """The content type that the parameters of a tensor, a request or an answer name; empty when none."""
    parameters = parametrised.get("parameters")
    found = parameters.get("content_type") if isinstance(parameters, dict) else None
    return found if isinstance(found, str) else ""


def of(tensor: Mapping[str, Any], specs: Iterable[TensorSpec]) -> str:
    """The content type of a tensor: its own, or else the one that metadata declares."""
    declared = {spec.name: spec.content_type for spec in specs}
    return named(tensor) or declared.get(str(tensor.get("name")), "")


def explicit(body: Body, specs: Iterable[TensorSpec], content_type: str) -> Body:
    """The request with the content types of the metadata named where it names none itself."""
    declared = list(specs)
    inputs = [_with(tensor, of(tensor, declared)) for tensor in body["inputs"]]
    return _with(body | {"inputs": inputs}, named(body) or content_type)


def _with(parametrised: Body, content_type: str) -> Body:
    if not content_type:
        return parametrised
    return parametrised | {"parameters": {**parametrised.get("parameters", {}), "content_type": content_type}}


def implicit(body: Body) -> Body:
    """The request without content types."""
    return _without(body | {"inputs": [_without(tensor) for tensor in body["inputs"]]})


def _without(parametrised: Body) -> Body:
    parameters = {k: v for k, v in parametrised.get("parameters", {}).items() if k != "content_type"}
    rest = {k: v for k, v in parametrised.items() if k != "parameters"}
    return rest | ({"parameters": parameters} if parameters else {})


def _from_json(text: str) -> Any:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(token: str) -> None:
    raise ValueError(f"{token} is no JSON")


_MEANINGS: dict[str, Callable[[str], Any]] = {
    "base64": lambda text: base64.b64decode(text, validate=True),
    "datetime": datetime.fromisoformat,
    "pd_json": _from_json,
}


def meaning(content_type: str, element: Any) -> Any:
    """What an element stands for. Raises ValueError when it can't be read so."""
    if content_type not in _MEANINGS:
        return element
    if not isinstance(element, str):
        raise ValueError("it is no string")
    return _MEANINGS[content_type](element)


def meanings(output: Mapping[str, Any], specs: Iterable[TensorSpec]) -> list[Any]:
    """What the elements of an output stand for. Raises ValueError when one can't be read."""
    content_type = of(output, specs)
    return [meaning(content_type, element) for element in tensors.flat(output.get("data"))]


def same(got: Any, expected: Any, tolerance: float = 0.0) -> bool:
    """Whether two meanings are the same: text is its UTF-8 bytes, a time in UTC is one without a zone."""
    if isinstance(got, str) and isinstance(expected, bytes):
        return got.encode() == expected
    if isinstance(got, bytes) and isinstance(expected, str):
        return got == expected.encode()
    if isinstance(got, datetime) and isinstance(expected, datetime):
        return _moment(got) == _moment(expected)
    return tensors.close(got, expected, tolerance)


def _moment(time: datetime) -> datetime:
    return time.replace(tzinfo=None) - (time.utcoffset() or timedelta(0))
