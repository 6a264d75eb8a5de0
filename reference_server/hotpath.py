"""The hot path: requests of plain numbers, whose data never become Python's objects.

What most requests are, and nothing else: at /infer every input of the signature, flat, of one datatype; at
/invocations a dataframe_split with every column. Whatever is otherwise, even a little, and whatever is wrong
is None here, and the plain path (``decoding``, ``tables``) reads the request again: it alone knows the rest
of both protocols, and tells mistakes. Both give the same values, bit for bit (tests/server/test_hotpath.py).

What a request of 11 columns costs, in microseconds, and what the plain path takes for the same:

    rows                                    1       10,000
    parse the text (simdjson)               1        1,300      (orjson: 4, 2,800)
    numbers as an array, checks            40          700      (Python's lists: 400, 9,000)
    the scikit-learn call on an array     120          180      (``pyfunc.predict``: 1,600, 1,900)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import simdjson

from reference_server.checking import check
from reference_server.codecs import numeric
from reference_server.codecs.numeric import Array
from reference_server.decoding import fit_numbers
from reference_server.errors import BadRequest
from reference_server.signature import Side
from spec.tables import DATATYPES

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # which simdjson passes over
_NO_PARAMETERS: tuple[dict[str, Any], ...] = ({}, {"content_type": "np"})
# The type of simdjson's buffers by what JSON has: all of them have eight bytes.
_BUFFERS = {"number": ("d", np.float64), "integer": ("i", np.int64)}
_DEPTH = 8  # of what is not data


class _Plain(Exception):
    """The request is for the plain path."""


@dataclass(frozen=True)
class Columns:
    """The inputs of a model that takes a table of numbers, all of one ``datatype``.

    ``places`` by name; ``index``: what the model calls them; ``named``: a signature has the names;
    ``brackets``: how many "[" are in them.
    """

    places: dict[str, int]
    index: "pd.Index[Any]"
    datatype: str
    named: bool
    brackets: int

    def frame(self, values: Array) -> pd.DataFrame:
        """``values`` of shape [columns, rows] as the table that the model takes: one block, no copy."""
        return pd.DataFrame(values.T, columns=self.index, copy=False)


def columns(inputs: Side | None) -> Columns | None:
    """What the hot path has to know of ``inputs``; None where they are not for it."""
    tensors = list(inputs.tensors.values()) if inputs is not None and not inputs.listed else []
    datatypes = {tensor.datatype for tensor in tensors}
    if inputs is None or inputs.content_type != "pd" or len(datatypes) != 1:
        return None
    if not all(tensor.column and tensor.content_type == "np" for tensor in tensors):
        return None
    if DATATYPES[tensors[0].datatype].element not in _BUFFERS:
        return None
    return Columns(
        {tensor.name: place for place, tensor in enumerate(tensors)},
        pd.Index([tensor.key for tensor in tensors]),
        tensors[0].datatype,
        all(tensor.named and tensor.kind is not None for tensor in tensors),
        sum(tensor.name.count("[") for tensor in tensors),
    )


def inference(body: bytes, wanted: Columns) -> tuple[dict[str, Any], Array] | None:
    """The request of /infer without its data, and these as an array of shape [columns, rows].

    None where the plain path has to read it. Raises ``BadRequest`` as ``checking.check`` does.
    """
    try:
        request, values = _inference(body, wanted)
    except BadRequest:
        raise
    except Exception:  # simdjson has no class of its own for errors
        return None
    return request, values


def dataframe_split(body: bytes, wanted: Columns) -> Array | None:
    """The table in a request of /invocations, of shape [columns, rows]; None as for ``inference``."""
    try:
        return _dataframe_split(body, wanted)
    except Exception:
        return None


def _inference(body: bytes, wanted: Columns) -> tuple[dict[str, Any], Array]:
    document = _parse(body)
    request = {key: _native(document[key], _DEPTH) for key in document if key != "inputs"}
    inputs = document["inputs"]
    _require(len(request) + 1 == len(document) and len(inputs) == len(wanted.places))
    first = inputs[0]
    datatype: str = first["datatype"]
    shape: list[Any] = first["shape"].as_list()
    _require(shape[1:] in ([], [1]) and type(shape[0]) is int and shape[0] > 0)
    kind, dtype = _BUFFERS[DATATYPES[datatype].element]
    buffers: dict[int, Any] = {}
    for tensor in inputs:
        _require(tensor["datatype"] == datatype and tensor["shape"].as_list() == shape)
        if len(tensor) != 4:  # those above and below, each once
            given = _native(tensor["parameters"], _DEPTH)
            _require(len(tensor) == 5 and given in _NO_PARAMETERS)
        data = tensor["data"]
        _require(len(data) == shape[0])
        buffers[wanted.places[tensor["name"]]] = data.as_buffer(of_type=kind)
    _require(len(buffers) == len(wanted.places))
    # simdjson's buffers flatten nested arrays: there must be no array but those that are known.
    known = 1 + 2 * len(buffers) + wanted.brackets + sum(map(_brackets, request.values()))
    _require(body.count(b"[") == known)
    joined = bytearray().join(buffers[place] for place in range(len(buffers)))  # models may write into it
    values = _fit(np.frombuffer(joined, dtype).reshape(len(buffers), shape[0]), datatype, wanted.datatype)
    outline = [{"name": name, "shape": shape, "datatype": datatype, "data": []} for name in wanted.places]
    return check(request | {"inputs": outline}), values


def _dataframe_split(body: bytes, wanted: Columns) -> Array:
    document = _parse(body)
    split = document["dataframe_split"]
    names: list[str] = split["columns"].as_list()
    rows = split["data"]
    width = len(wanted.places)
    _require(wanted.named and len(document) == 1 and len(split) == 2)
    _require(len(names) == width and wanted.places.keys() == set(names))
    kind, dtype = _BUFFERS[DATATYPES[wanted.datatype].element]
    buffer = rows.as_buffer(of_type=kind)
    _require(len(rows) > 0 and all(len(row) == width for row in rows))
    _require(body.count(b"[") == 2 + len(rows) + wanted.brackets)
    table = np.frombuffer(buffer, dtype).reshape(len(rows), width)
    order = [names.index(name) for name in wanted.places]
    return _fit(np.ascontiguousarray(table.T[order]), wanted.datatype, wanted.datatype)


def _parse(body: bytes) -> Any:
    _require(not body.startswith(_BYTE_ORDER_MARK))
    return simdjson.Parser().parse(body)


def _fit(values: Array, datatype: str, wanted: str) -> Array:
    """``values``, written as ``datatype``, as the model takes them; see ``numeric.decode`` and ``cast``."""
    exact = numeric.cast(values, datatype)
    if values.dtype != exact.dtype and exact.dtype.kind == "f":
        # Whole numbers that were rounded: the text alone tells whether they were integers.
        _require(not ((exact != values) & (values % 1 == 0)).any())
    fitted: Array = fit_numbers(exact, datatype, wanted)
    return fitted


def _require(condition: bool) -> None:
    if not condition:
        raise _Plain


def _native(node: Any, depth: int) -> Any:
    """What is not data as Python's values; members given twice are for the plain path."""
    _require(depth > 0)
    if isinstance(node, simdjson.Object):
        value = {key: _native(node[key], depth - 1) for key in node}
        _require(len(value) == len(node))
        return value
    return [_native(part, depth - 1) for part in node] if isinstance(node, simdjson.Array) else node


def _brackets(value: Any) -> int:
    """How many "[" the JSON text of ``value`` has, which is no text with escapes."""
    if isinstance(value, str):
        return value.count("[")
    return sum(map(_brackets, _parts(value))) + isinstance(value, list)


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, list):
        yield from value
