"""Answers that are kept, and found again for other requests."""

import json
import struct
from collections.abc import Callable
from typing import Any

from tests.faulty.vocabulary import INFER, at, elements_of, fault, inputs_of
from tests.faulty.wire import Ask, Middleware, Request, Response

Inputs = dict[str, list[Any]]


def cached(key: Callable[[Inputs], Any]) -> Middleware:
    """A server that keeps its outputs by what the function makes of the inputs, and by their shapes."""

    @at(INFER)
    def middleware(request: Request, ask: Ask) -> Response:
        response = ask(request)
        if response.status != 200:
            return response
        inputs = {t["name"]: elements_of(t["data"])[::-1] for t in inputs_of(request)}
        found = json.dumps([key(inputs), [t["shape"] for t in inputs_of(request)]], sort_keys=True)
        kept = request.memory.setdefault(found, response.json["outputs"])
        return response.with_json(response.json | {"outputs": kept})

    middleware.__name__, middleware.__doc__ = key.__name__, key.__doc__
    return middleware


@fault("v2.data.batch-is-rows")
@cached
def cache_lacks_a_column(inputs: Inputs) -> Any:
    """The key lacks the column that was added last."""
    return {name: data for name, data in inputs.items() if name != "alcohol"}


@fault("v2.data.batch-is-rows")
@cached
def cache_rounds(inputs: Inputs) -> Any:
    """The key has whole numbers."""
    return {name: [round(x) for x in data] for name, data in inputs.items()}


@fault("v2.data.batch-is-rows")
@cached
def cache_forgets_names(inputs: Inputs) -> Any:
    """The key has the values of all inputs, sorted."""
    return sorted(inputs.values())


@fault("v2.data.batch-is-rows", "v2.data.large-batch")
@cached
def cache_by_first_row(inputs: Inputs) -> Any:
    """The key has the first row of a batch."""
    return {name: data[:1] for name, data in inputs.items()}


@fault("v2.data.batch-is-rows", "v2.data.large-batch")
@cached
def cache_by_last_row(inputs: Inputs) -> Any:
    """The key has the last row of a batch."""
    return {name: data[-1:] for name, data in inputs.items()}


@fault("v2.data.batch-is-rows")
@cached
def cache_by_hash(inputs: Inputs) -> Any:
    """The key is Python's hash, which is the same for -1 and -2."""
    return hash(tuple(sorted((name, tuple(data)) for name, data in inputs.items())))


@fault("v2.data.batch-is-rows")
@cached
def cache_of_six_decimals(inputs: Inputs) -> Any:
    """The key has six decimals."""
    return {name: [round(x, 6) for x in data] for name, data in inputs.items()}


@fault("v2.data.batch-is-rows")
@cached
def cache_in_single(inputs: Inputs) -> Any:
    """The key has the precision of FP32."""
    return {name: [struct.pack("f", x).hex() for x in data] for name, data in inputs.items()}


@fault("v2.data.large-batch")
@cached
def cache_by_text(inputs: Inputs) -> Any:
    """The key is NumPy's text of the inputs, which leaves out the middle of a long one."""
    return {n: data if len(data) <= 1000 else [data[:3], data[-3:]] for n, data in inputs.items()}


@fault("v2.data.large-batch")
@cached
def cache_of_1024_characters(inputs: Inputs) -> Any:
    """The key is the beginning of each input."""
    return {name: json.dumps(data)[:1024] for name, data in inputs.items()}
