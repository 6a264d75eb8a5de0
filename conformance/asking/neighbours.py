"""Rows that differ from a good one by little, or by a null."""

from collections.abc import Callable, Sequence
from typing import Any

from conformance.asking.model import Model
from conformance.wire.tensors import Row, TensorSpec

_SIDE = 5  # inputs at the start and at the end of the row that are moved
# What two decimals don't tell, and what six don't, of numbers near one.
_LITTLE = (2**-10, 2**-21)
_SINGLE = 1 + 2**-26  # the factor to a number that FP32 doesn't tell apart
_MOST = 500_000  # elements of all rows
_FAR = 1000.0  # where such a factor shows in a prediction


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
