"""The good request with other elements in one of its inputs."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from conformance import tensors
from conformance.client import JSON
from conformance.exchange import Exchange
from conformance.malformed import written
from conformance.model import Model
from conformance.tensors import Row, TensorSpec

_SIDE = 5  # inputs at the start and at the end of the row that are moved
_LITTLE = 2**-10  # what two decimals don't tell


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


def moved(element: Any) -> Any:
    """Another element of the same type."""
    if isinstance(element, bool):
        return not element
    return element + element if isinstance(element, str) else element + 1


def neighbours(specs: Sequence[TensorSpec], row: Row) -> list[Row]:
    """The row, and rows that differ from it in one input each or in all by little."""
    plain = [s for s in specs if s.content_type in ("", "np", "str")]
    tried = [
        {**row, s.name: [moved(e) for e in row[s.name]]} for s in (*plain[:_SIDE], *plain[_SIDE:][-_SIDE:])
    ]
    floats = {s.name for s in plain if s.datatype.startswith("FP")}
    tried.append(
        {name: [e + _LITTLE for e in data] if name in floats else data for name, data in row.items()}
    )
    return [row, *tried]


def taken_as(model: Model, index: int, answer: Exchange, candidates: Iterable[Any]) -> str:
    """What an answer says that an element was taken as: one of the candidates, or something else."""
    if answer.status != 200:
        return str(answer.status)
    for candidate in candidates:
        text = json.dumps(candidate)
        if not tensors.difference(answer.json, with_element(model, index, text).json):
            return f"taken as {text}"
    return "taken"
