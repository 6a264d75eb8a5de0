"""The good request with other elements in one of its inputs."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from conformance.asking.model import Model
from conformance.checks.skips import not_implemented, untested
from conformance.transport.exchange import Exchange
from conformance.transport.http import JSON
from conformance.wire import tensors
from conformance.wire.jsontext import written
from conformance.wire.spelling import Spelling, with_elements
from conformance.wire.tensors import Row, TensorSpec

_SIDE = 5  # inputs at the start and at the end of the row that are moved
# What two decimals don't tell, and what six don't, of numbers near one.
_LITTLE = (2**-10, 2**-21)
_SINGLE = 1 + 2**-26  # the factor to a number that FP32 doesn't tell apart
_MOST = 500_000  # elements of all rows
_FAR = 1000.0  # where such a factor shows in a prediction


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


def respelled(model: Model, same: Spelling) -> tuple[Exchange, Exchange]:
    """The answers to a good request of two rows, one where there are no batches, in the two spellings."""
    body = model.body([*model.base_rows] * min(model.limit, 2))
    plain = [s for s in model.inputs if s.content_type in ("", "np", "str")]
    names = [s.name for s in plain if s.datatype in same.datatypes]
    if not names:
        not_implemented(f"the model has no such input: {', '.join(same.datatypes)}")
    usual, answer = (
        model.client.send("POST", model.path("infer"), with_elements(body, names, elements), JSON)
        for elements in (same.plain, same.other)
    )
    if usual.status != 200:
        untested(f"{model.name} refuses {', '.join(same.plain)}: status {usual.status}")
    return usual, answer


def moved(element: Any) -> Any:
    """Another element of the same type."""
    if isinstance(element, bool):
        return not element
    return element + element if isinstance(element, str) else element + 1


def neighbours(specs: Sequence[TensorSpec], row: Row) -> list[Row]:
    """The row, and rows that differ from it in one input each, in all by little, or in their sign.

    The fewer, the more elements a row has, but three.
    """
    plain = [s for s in specs if s.content_type in ("", "np", "str")]
    tried = [
        {**row, s.name: [moved(e) for e in row[s.name]]} for s in (*plain[:_SIDE], *plain[_SIDE:][-_SIDE:])
    ]
    floats = {s.name for s in plain if s.datatype.startswith("FP")}
    doubles = {s.name for s in plain if s.datatype == "FP64"}
    signed = floats | {s.name for s in plain if s.datatype.startswith("INT")}
    changes: list[tuple[set[str], Callable[[Any], Any]]] = [
        (floats, lambda e: e + _LITTLE[0]),
        (doubles, lambda e: e + _LITTLE[1]),
        (doubles, lambda e: e + _FAR),
        (doubles, lambda e: (e + _FAR) * _SINGLE),
        (signed, lambda e: type(e)(-1)),  # Python's hash of -1 is that of -2
        (signed, lambda e: type(e)(-2)),
    ]
    for names, change in changes:
        tried.append({name: [change(e) for e in row[name]] if name in names else row[name] for name in row})
    return [row, *tried][: max(_MOST // max(sum(map(len, row.values())), 1), 3)]


def around_null(model: Model, spec: TensorSpec) -> list[tuple[list[Row], int]]:
    """The good row with null in an input: alone, and where batches are taken after and before the good one.

    Each with the place of that row.
    """
    (row,) = model.base_rows
    lacking = {**row, spec.name: [None] * spec.row_size}
    together = [([row, lacking], 1), ([lacking, row], 0)] if model.limit > 1 else []
    return [([lacking], 0), *together]


def taken_as(model: Model, index: int, answer: Exchange, candidates: Iterable[Any]) -> str:
    """What an answer says that an element was taken as: one of the candidates, or something else."""
    if answer.status != 200:
        return str(answer.status)
    for candidate in candidates:
        text = json.dumps(candidate)
        if not tensors.difference(answer.json, with_element(model, index, text).json):
            return f"taken as {text}"
    return "taken"
