"""The good request with other JSON text for elements of its inputs."""

import json
from collections.abc import Iterable
from typing import Any

from conformance.asking.rest import RestModel
from conformance.checks.skips import not_implemented, untested
from conformance.transport.answer import Answer
from conformance.transport.rest import read
from conformance.wire import tensors
from conformance.wire.jsontext import written
from conformance.wire.spelling import Spelling, with_elements


def one_of_each_datatype(model: RestModel) -> list[tuple[int, dict[str, Any]]]:
    """The first input of each datatype that has an element, with its index."""
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for index, tensor in enumerate(model.base_body["inputs"]):
        if tensor["data"]:
            found.setdefault(tensor["datatype"], (index, tensor))
    return list(found.values())


def with_element(model: RestModel, index: int, element: str) -> Answer:
    """The good request with other JSON text for the first element of an input."""
    body = model.base_body
    mark = "conformance-element"
    data = body["inputs"][index]["data"]
    body["inputs"][index]["data"] = [mark, *data[1:]]
    text = written(body).replace(json.dumps(mark).encode(), element.encode())
    return read(model.post(text))


def respelled(model: RestModel, same: Spelling) -> tuple[Answer, Answer]:
    """The answers to a good request of two rows, one where there are no batches, in the two spellings."""
    body = model.body([*model.base_rows] * min(model.limit, 2))
    plain = [s for s in model.inputs if s.content_type in ("", "np", "str")]
    names = [s.name for s in plain if s.datatype in same.datatypes]
    if not names:
        not_implemented(f"the model has no such input: {', '.join(same.datatypes)}")
    usual, answer = (
        read(model.post(with_elements(body, names, elements))) for elements in (same.plain, same.other)
    )
    if not usual.answered:
        untested(f"{model.name} refuses {', '.join(same.plain)}: status {usual.status}")
    return usual, answer


def taken_as(model: RestModel, index: int, answer: Answer, candidates: Iterable[Any]) -> str:
    """What an answer says that an element was taken as: one of the candidates, or something else."""
    if not answer.answered:
        return answer.status
    for candidate in candidates:
        text = json.dumps(candidate)
        if not tensors.difference(answer.outputs, with_element(model, index, text).outputs):
            return f"taken as {text}"
    return "taken"
