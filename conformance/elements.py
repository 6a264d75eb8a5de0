"""The good request with another first element in one of its inputs."""

import json
from collections.abc import Iterable
from typing import Any

from conformance import tensors
from conformance.client import JSON
from conformance.exchange import Exchange
from conformance.malformed import written
from conformance.model import Model


def one_of_each_datatype(model: Model) -> list[tuple[int, dict[str, Any]]]:
    """The first input of each datatype that has an element, with its index."""
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for index, tensor in enumerate(model.base_body["inputs"]):
        if tensor["data"]:
            found.setdefault(tensor["datatype"], (index, tensor))
    return list(found.values())


def with_element(model: Model, index: int, element: str) -> Exchange:
    """The good request with other JSON text for the first element of an input."""
    body = model.base_body
    mark = "conformance-element"
    data = body["inputs"][index]["data"]
    body["inputs"][index]["data"] = [mark, *data[1:]]
    text = written(body).replace(json.dumps(mark).encode(), element.encode())
    return model.client.send("POST", model.path("infer"), text, JSON)


def taken_as(model: Model, index: int, answer: Exchange, candidates: Iterable[Any]) -> str:
    """What an answer says that an element was taken as: one of the candidates, or something else."""
    if answer.status != 200:
        return str(answer.status)
    for candidate in candidates:
        text = json.dumps(candidate)
        if not tensors.difference(answer.json, with_element(model, index, text).json):
            return f"taken as {text}"
    return "taken"
