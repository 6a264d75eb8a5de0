"""Tensor data as a flat list of elements. Source: inference_rest.md, Tensor Data."""

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

MAX_RANK = 64  # NumPy's


class CodecError(ValueError):
    """Data that does not mean what its shape, datatype or content type says."""


def count(shape: Sequence[int]) -> int:
    """How many elements a shape has.

    Raises ``CodecError`` for a dimension below 0, and for more dimensions than NumPy has: the product of very
    many takes minutes.
    """
    if len(shape) > MAX_RANK:
        raise CodecError(f"shape has {len(shape)} dimensions; at most {MAX_RANK} are supported")
    if min(shape, default=0) < 0:
        raise CodecError(f"shape {list(shape)} has a dimension below 0")
    return math.prod(shape)


def flatten(data: list[Any], shape: Sequence[int]) -> list[Any]:
    """The elements of ``data`` in row-major order; ``data`` is flat or nested along ``shape``.

    Raises ``CodecError`` when the data does not fill the shape. Takes no memory for the shape itself.
    """
    expected = count(shape)
    if not shape or not data or type(data[0]) is not list:
        if len(data) != expected:
            raise CodecError(f"shape {list(shape)} takes {expected} elements, data has {len(data)}")
        return data
    if len(data) != shape[0]:
        raise CodecError(f"shape {list(shape)} has {shape[0]} rows, data has {len(data)}")
    for axis, size in enumerate(shape[1:], start=1):
        if any(type(row) is not list or len(row) != size for row in data):
            raise CodecError(f"data is not nested as shape {list(shape)} says: dimension {axis} has {size}")
        data = list(chain.from_iterable(data))
    return data


def unify(shape: Sequence[int], expected: Sequence[int]) -> bool:
    """Whether ``shape`` fits ``expected``, where -1 stands for any size."""
    return len(shape) == len(expected) and all(
        want in (-1, have) for have, want in zip(shape, expected, strict=True)
    )


def rows(shape: Sequence[int]) -> int:
    """The rows of a column. Raises ``CodecError`` unless the shape is [N] or [N, 1]."""
    if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1):
        return shape[0]
    raise CodecError(f"a column has shape [N] or [N, 1], not {list(shape)}")
