"""The wire format of tensors, read and written straight from the protocol's text. Pure functions."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeGuard

import numpy as np

from spec.tables import DATATYPES

FLEXIBLE = 2  # what a variable inner dimension becomes in a request
# Relative differences that arithmetic in the datatype may leave between two ways to the same answer.
TOLERANCE = {"FP64": 1e-9, "FP32": 1e-4, "FP16": 1e-2, "BF16": 2e-2}


@dataclass(frozen=True)
class TensorSpec:
    """A tensor as metadata describes it. ``shape``: -1 where a dimension varies."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    content_type: str = ""

    @property
    def batched(self) -> bool:
        """Whether the first dimension counts the rows."""
        return bool(self.shape) and self.shape[0] == -1

    @cached_property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one row (of the whole tensor when it is not batched)."""
        inner = self.shape[1:] if self.batched else self.shape
        return tuple(FLEXIBLE if d < 0 else d for d in inner)

    @cached_property
    def row_size(self) -> int:
        """The number of elements in one row."""
        return math.prod(self.row_shape)


# One row of a request: the elements of each input in row-major order.
Row = Mapping[str, Sequence[Any]]
# Output tensors by name, with the members that could be read.
Outputs = Mapping[str, Mapping[str, Any]]


def tensor(spec: TensorSpec, rows: Sequence[Row], *, nested: bool = False) -> dict[str, Any]:
    """The request input that holds ``rows``, flat or in its natural dimensions."""
    shape = [len(rows), *spec.row_shape] if spec.batched else list(spec.row_shape)
    data = [element for row in rows for element in row[spec.name]]
    written = nest(data, shape) if nested else data
    return {"name": spec.name, "shape": shape, "datatype": spec.datatype, "data": written}


def request(specs: Iterable[TensorSpec], rows: Sequence[Row], *, nested: bool = False) -> dict[str, Any]:
    """The inference request for ``rows``."""
    return {"inputs": [tensor(spec, rows, nested=nested) for spec in specs]}


def rows_of(inputs: Iterable[Mapping[str, Any]], specs: Iterable[TensorSpec]) -> list[dict[str, list[Any]]]:
    """The rows in the inputs of a request; the opposite of ``request``. Raises KeyError, ValueError."""
    tensors = {t["name"]: flat(t["data"]) for t in inputs}
    known = [s for s in specs if s.name in tensors]
    counts = {len(tensors[s.name]) // max(s.row_size, 1) if s.batched else 1 for s in known}
    if len(counts) != 1:
        raise ValueError(f"the inputs differ in their number of rows: {sorted(counts)}")
    (count,) = counts
    return [
        {s.name: tensors[s.name][i * s.row_size : (i + 1) * s.row_size] for s in known} for i in range(count)
    ]


def nest(data: Sequence[Any], shape: Sequence[int]) -> Any:
    """Row-major ``data`` as nested lists of ``shape``."""
    if len(shape) <= 1:
        return list(data)
    step = math.prod(shape[1:])
    return [nest(data[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def flat(data: Any) -> list[Any]:
    """The elements of flat or nested tensor data in row-major order."""
    if not isinstance(data, list):
        return [data]
    if list not in map(type, data):
        return data
    return [leaf for element in data for leaf in flat(element)]


def dimensions(data: Any) -> tuple[int, ...] | None:
    """The shape of nested lists; None when they are ragged."""
    if not isinstance(data, list):
        return ()
    inner = {dimensions(element) for element in data}
    if len(inner) > 1 or None in inner:
        return None
    return (len(data), *(inner.pop() or ())) if inner else (0,)


def misfit(datatype: str, element: Any) -> str:
    """Why ``element`` can't be one of ``datatype``; empty when it can."""
    row = DATATYPES.get(datatype)
    if row is None:
        return ""
    kind = row.element
    is_number = isinstance(element, int | float) and not isinstance(element, bool)
    if kind == "boolean":
        return "" if isinstance(element, bool) else "must be true or false"
    if kind == "string":
        return "" if isinstance(element, str) else "must be a string"
    if not is_number:
        return "must be a number"
    if kind == "integer":
        if isinstance(element, float) and not element.is_integer():
            return "must be an integer"
        if row.minimum is not None and row.maximum is not None and not row.minimum <= element <= row.maximum:
            return f"must be between {row.minimum} and {row.maximum}"
    return ""


def has_misfit(tensor: Mapping[str, Any]) -> bool:
    """Whether an element of a tensor is none of its datatype."""
    return any(misfit(tensor["datatype"], element) for element in flat(tensor["data"]))


def with_fraction(tensor: Mapping[str, Any]) -> str:
    """Where a tensor has an integer that is written with a fraction or an exponent, and the number.

    Looks at the dimensions, and at the elements of integer datatypes; empty when there is none.
    """
    row = DATATYPES.get(str(tensor.get("datatype")).upper())
    elements = flat(tensor.get("data")) if row and row.element == "integer" else []
    shape = tensor.get("shape")
    for where, numbers in (("shape", shape if isinstance(shape, list) else []), ("data", elements)):
        found = next((n for n in numbers if isinstance(n, float) and n.is_integer()), None)
        if found is not None:
            return f"{where} of {tensor.get('name')!r}: {found}"
    return ""


def is_shape(value: Any) -> TypeGuard[list[int]]:
    """Whether it is a shape of data: a list of dimensions, none of them negative."""
    return isinstance(value, list) and all(type(d) is int and d >= 0 for d in value)


def unifies(shape: Sequence[int], declared: Sequence[int]) -> bool:
    """Whether an answer's shape is one of those that metadata declares (-1: any size)."""
    return len(shape) == len(declared) and all(d in (-1, s) for s, d in zip(shape, declared, strict=True))


def overflowing(number: int) -> tuple[int, int]:
    """Two dimensions whose product is ``number``, at least 1, where it is taken in 64 bits."""
    wrap = 2**64
    found = ((odd, pow(odd, -1, wrap) * number % wrap) for odd in range(3, 1000, 2))
    return next((one, two) for one, two in found if number < two < wrap // 2)


def equal_elements(left: Any, right: Any, tolerance: float) -> bool:
    """Whether two elements are the same, numbers within a relative tolerance.

    A boolean is no number here, and NaN is itself.
    """
    numbers = all(isinstance(e, int | float) and not isinstance(e, bool) for e in (left, right))
    if not numbers:
        return type(left) is type(right) and bool(left == right)
    if isinstance(left, int) and isinstance(right, int):
        return left == right
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return math.isclose(left, right, rel_tol=tolerance, abs_tol=tolerance * 1e-3)


def close(got: Any, expected: Any, tolerance: float) -> bool:
    """Whether two JSON documents are the same, numbers within a relative tolerance."""
    if isinstance(expected, dict):
        return (
            isinstance(got, dict)
            and set(got) == set(expected)
            and all(close(got[key], value, tolerance) for key, value in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(got, list)
            and len(got) == len(expected)
            and all(close(one, two, tolerance) for one, two in zip(got, expected, strict=True))
        )
    return equal_elements(got, expected, tolerance)


def equal_data(left: Any, right: Any, datatype: str = "FP64") -> bool:
    """Whether two tensors' data, flat or nested, hold the same elements.

    Differences of floating point are measured against the largest element: sums cancel.
    """
    one, two = flat(left), flat(right)
    if len(one) != len(two):
        return False
    if one == two and list(map(type, one)) == list(map(type, two)):  # soon told of an image
        return True
    # A datatype that can't be read is another finding: its numbers are compared as doubles.
    name = datatype.upper() if datatype.upper() in DATATYPES else "FP64"
    tolerance = TOLERANCE.get(name, 0.0)
    finite = [abs(e) for e in one if isinstance(e, float) and math.isfinite(e)]
    slack = tolerance * max(finite, default=0.0)
    return all(equal_elements(a, b, tolerance) or _near(a, b, slack) for a, b in zip(one, two, strict=True))


def _near(left: Any, right: Any, slack: float) -> bool:
    floats = isinstance(left, float) and isinstance(right, float | int) and not isinstance(right, bool)
    return floats and abs(left - right) <= slack


def outputs_by_name(body: Any) -> dict[str, dict[str, Any]]:
    """The output tensors of an inference response by name; empty when there are none to read."""
    outputs = body.get("outputs") if isinstance(body, dict) else None
    if not isinstance(outputs, list):
        return {}
    return {o["name"]: o for o in outputs if isinstance(o, dict) and isinstance(o.get("name"), str)}


def has_null(outputs: Outputs) -> bool:
    """Whether an element is missing, as JSON says it: without null it may be NaN, or an infinity."""
    return any(None in flat(output.get("data")) for output in outputs.values())


def difference(one: Outputs, two: Outputs) -> str:
    """The first difference between two sets of output tensors; empty when they agree.

    Names, datatypes and data count; the form (nested or flat) and the order of outputs do not.
    """
    if set(one) != set(two):
        return f"outputs {sorted(one)} against {sorted(two)}"
    for name, output in one.items():
        other = two[name]
        if output.get("datatype") != other.get("datatype"):
            return f"output {name!r}: datatype {output.get('datatype')} against {other.get('datatype')}"
        if not equal_data(output.get("data"), other.get("data"), str(output.get("datatype"))):
            return f"output {name!r}: data {brief(output.get('data'))} against {brief(other.get('data'))}"
    return ""


def held(data: Sequence[Any], datatype: str) -> list[Any]:
    """The elements as the datatype holds them: FP32 may be written with the digits that tell it apart."""
    numbers = all(isinstance(e, int | float) and not isinstance(e, bool) for e in data)
    if not numbers or datatype not in ("FP16", "FP32"):
        return list(data)
    with np.errstate(over="ignore"):
        return list(np.array(data, np.float64).astype(DATATYPES[datatype].numpy).tolist())


def split_rows(outputs: Outputs, counts: Sequence[int]) -> list[dict[str, list[Any]]] | None:
    """The data of each output cut into consecutive blocks of ``counts`` rows.

    None when an output does not hold a whole number of elements a row, so is not row-wise.
    """
    total = sum(counts)
    blocks: list[dict[str, list[Any]]] = [{} for _ in counts]
    for name, output in outputs.items():
        data = flat(output.get("data"))
        if total == 0 or len(data) % total:
            return None
        width, start = len(data) // total, 0
        for block, count in zip(blocks, counts, strict=True):
            block[name] = data[start : start + count * width]
            start += count * width
    return blocks


def brief(value: Any) -> str:
    """A value as JSON, cut."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else text[:200] + " …"
