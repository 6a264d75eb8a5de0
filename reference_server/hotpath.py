"""The hot path: requests of plain numbers, whose data never become Python's objects.

What most requests are, and nothing else: at /infer every input of the signature, flat; at /invocations a
dataframe_split with every column. Whatever is otherwise, even a little, and whatever is wrong
is None here, and the plain path (``decoding``, ``tables``) reads the request again: it alone knows the rest
of both protocols, and tells mistakes. Both give the same values, bit for bit (tests/server/test_hotpath.py).

What a request of 11 columns costs, in microseconds, and what the plain path takes for the same:

    rows                                    1       10,000
    parse the text (simdjson)               1        1,300      (orjson: 4, 2,800)
    numbers as an array, checks            40          700      (Python's lists: 400, 9,000)
    the scikit-learn call on an array     120          180      (``pyfunc.predict``: 1,600, 1,900)
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import simdjson

from reference_server.checking import check
from reference_server.codecs import numeric
from reference_server.codecs.numeric import Array
from reference_server.decoding import fit_numbers
from reference_server.signature import Side
from spec.tables import DATATYPES

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # which simdjson passes over
_NO_PARAMETERS: tuple[dict[str, Any], ...] = ({}, {"content_type": "np"})
# The type of simdjson's buffers for each datatype of numbers.
_ELEMENTS = {"number": np.dtype("float64"), "integer": np.dtype("int64")}
_KINDS = {name: _ELEMENTS[row.element] for name, row in DATATYPES.items() if row.element in _ELEMENTS}
_BUFFERS = {_ELEMENTS["number"]: "d", _ELEMENTS["integer"]: "i"}
_DEPTH = 8  # of what is not data


class _Plain(Exception):
    """The request is for the plain path."""


@dataclass(frozen=True)
class Columns:
    """The inputs of a model that takes a table of numbers: their ``datatypes``, and the ``places`` by name.

    ``groups``: the places of each datatype; ``index``: what the model calls them; ``named``: a signature has
    the names; ``brackets``: how many "[" are in them.
    """

    places: dict[str, int]
    datatypes: list[str]
    groups: dict[str, list[int]]
    index: "pd.Index[Any]"
    named: bool
    brackets: int


@dataclass(frozen=True)
class Table:
    """Numbers for a model, which may write into them. ``parts``: arrays of shape [columns, rows], each with
    the places of its columns, by which it is sorted."""

    columns: Columns
    parts: list[tuple[list[int], Array]]

    @property
    def rows(self) -> int:
        return int(self.parts[0][1].shape[1])

    def frame(self) -> pd.DataFrame:
        """The DataFrame that the model takes: of numbers of one type it is one block, and no copy."""
        if len(self.parts) == 1:
            return pd.DataFrame(self.parts[0][1].T, columns=self.columns.index, copy=False)
        rows = {place: row for places, part in self.parts for place, row in zip(places, part, strict=True)}
        return pd.DataFrame({key: rows[place] for place, key in enumerate(self.columns.index)})

    def array(self) -> Array:
        """What NumPy makes of that DataFrame: shape [rows, columns], in Fortran's order, of one type."""
        if len(self.parts) == 1:
            return self.parts[0][1].T
        dtype = np.result_type(*(part.dtype for _, part in self.parts))
        whole = np.empty((len(self.columns.places), self.rows), dtype)
        for places, part in self.parts:
            whole[places] = part
        return whole.T


def columns(inputs: Side | None) -> Columns | None:
    """What the hot path has to know of ``inputs``; None where they are not for it."""
    tensors = list(inputs.tensors.values()) if inputs is not None and not inputs.listed else []
    if inputs is None or inputs.content_type != "pd" or not tensors:
        return None
    if not all(t.column and t.content_type == "np" and t.datatype in _KINDS for t in tensors):
        return None
    datatypes = [tensor.datatype for tensor in tensors]
    return Columns(
        {tensor.name: place for place, tensor in enumerate(tensors)},
        datatypes,
        {kind: [place for place, one in enumerate(datatypes) if one == kind] for kind in datatypes},
        pd.Index([tensor.key for tensor in tensors]),
        all(tensor.named and tensor.kind is not None for tensor in tensors),
        sum(tensor.name.count("[") for tensor in tensors),
    )


def inference(body: bytes, wanted: Columns) -> tuple[dict[str, Any], Table] | None:
    """The request of /infer without its data, and these as a table. None where the plain path has to read it.

    Raises ``BadRequest`` as ``checking.check`` does.
    """
    try:
        request, table = _inference(body, wanted)
    except Exception:  # simdjson has no class of its own for errors
        return None
    return check(request), table


def gathered(tensors: list[dict[str, Any]], data: list[Any], wanted: Columns) -> Table | None:
    """The table of inputs whose ``data`` are arrays already; None as for ``inference``."""
    try:
        return _gathered(tensors, data, wanted)
    except Exception:
        return None


def dataframe_split(body: bytes, wanted: Columns) -> Table | None:
    """The table in a request of /invocations; None as for ``inference``."""
    try:
        return _dataframe_split(body, wanted)
    except Exception:
        return None


def _inference(body: bytes, wanted: Columns) -> tuple[dict[str, Any], Table]:
    document = _parse(body)
    request = {_native(key, 1): _native(document[key], _DEPTH) for key in document if key != "inputs"}
    inputs = document["inputs"]
    _require(len(request) + 1 == len(document) and len(inputs) == len(wanted.places))
    _require(request.get("parameters", {}).get("content_type") in (None, "pd"))
    shape: list[Any] = inputs[0]["shape"].as_list()
    _require(shape[1:] in ([], [1]) and shape[0] > 0)
    buffers: dict[tuple[str, str], dict[int, Any]] = {}
    for tensor in inputs:
        place, datatype, data = wanted.places[tensor["name"]], tensor["datatype"], tensor["data"]
        sizes = tensor["shape"].as_list()
        _require(sizes == shape and len(data) == shape[0] and set(map(type, sizes)) == {int})  # true is 1
        if len(tensor) != 4:  # the members above, each once
            given = _native(tensor["parameters"], _DEPTH)
            _require(len(tensor) == 5 and given in _NO_PARAMETERS)
        group = buffers.setdefault((datatype, wanted.datatypes[place]), {})
        group[place] = data.as_buffer(of_type=_BUFFERS[_KINDS[datatype]])
    _require_arrays(body, 1 + 2 * len(inputs) + _arrays(request), wanted)
    _require(len({place for group in buffers.values() for place in group}) == len(inputs))  # each once
    parts = [(sorted(group), _part(group, shape[0], *types)) for types, group in buffers.items()]
    outline = [{"name": name, "shape": shape, "datatype": "FP64", "data": []} for name in wanted.places]
    return request | {"inputs": outline}, Table(wanted, parts)


def _gathered(tensors: list[dict[str, Any]], data: list[Any], wanted: Columns) -> Table:
    shape = tensors[0]["shape"]
    _require(len(tensors) == len(wanted.places) and shape[1:] in ([], [1]) and shape[0] > 0)
    groups: dict[tuple[str, str], dict[int, Array]] = {}
    for tensor, values in zip(tensors, data, strict=True):
        place, datatype = wanted.places[tensor["name"]], tensor["datatype"]
        _require(tensor["shape"] == shape and tensor.get("parameters", {}) in _NO_PARAMETERS)
        _require(datatype in _KINDS)
        groups.setdefault((datatype, wanted.datatypes[place]), {})[place] = values
    _require(len({place for group in groups.values() for place in group}) == len(tensors))
    parts = []
    for (datatype, kind), group in groups.items():
        places = sorted(group)
        joined = np.concatenate([group[place] for place in places]).reshape(len(places), shape[0])
        exact = numeric.cast(joined, datatype)
        parts.append((places, fit_numbers(exact, datatype, kind)))
    return Table(wanted, parts)


def _part(group: dict[int, Any], rows: int, datatype: str, wanted: str) -> Array:
    joined = bytearray().join(group[place] for place in sorted(group))
    return _fit(np.frombuffer(joined, _KINDS[datatype]).reshape(len(group), rows), datatype, wanted)


def _dataframe_split(body: bytes, wanted: Columns) -> Table:
    document = _parse(body)
    split = document["dataframe_split"]
    names: list[str] = split["columns"].as_list()
    rows = split["data"]
    width = len(wanted.places)
    _require(wanted.named and len(document) == 1 and len(split) == 2)
    _require(len(names) == width and wanted.places.keys() == set(names))
    _require(len(rows) > 0 and all(len(row) == width for row in rows))
    _require_arrays(body, 2 + len(rows), wanted)
    kinds = {_KINDS[datatype] for datatype in wanted.groups}
    kind = kinds.pop() if len(kinds) == 1 else np.dtype("float64")
    cells = np.frombuffer(rows.as_buffer(of_type=_BUFFERS[kind]), kind).reshape(len(rows), width)
    order = [names.index(name) for name in wanted.places]
    parts = []
    for datatype, places in wanted.groups.items():
        part = np.ascontiguousarray(cells.T[[order[place] for place in places]])
        written = datatype if _KINDS[datatype] == kind else "FP64"
        parts.append((places, _fit(part, written, datatype)))
    return Table(wanted, parts)


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


def _require_arrays(body: bytes, count: int, wanted: Columns) -> None:
    """simdjson's buffers flatten nested arrays: there must be none but those that are known."""
    _require(body.count(b"[") == count + wanted.brackets)
    _require(not wanted.brackets or b"\\" not in body)  # a bracket in a name may be written as an escape


def _native(node: Any, depth: int) -> Any:
    """What is not data as Python's values; brackets in texts, and members twice, are for the plain path."""
    _require(depth > 0)
    if isinstance(node, simdjson.Object):
        value = {_native(key, depth): _native(node[key], depth - 1) for key in node}
        _require(len(value) == len(node))
        return value
    if isinstance(node, simdjson.Array):
        return [_native(part, depth - 1) for part in node]
    _require(not (isinstance(node, str) and "[" in node))
    return node


def _arrays(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_arrays, value.values()))
    return 1 + sum(map(_arrays, value)) if isinstance(value, list) else 0
