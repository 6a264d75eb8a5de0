"""What Hypothesis draws: rows that fit a model's metadata, ids, and elements of every datatype."""

import base64
import datetime
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import cycle, islice
from random import Random
from typing import Any

from hypothesis import strategies as st

from conformance.asking.ordinary import ordinary, simplest
from conformance.wire.tensors import Row, TensorSpec
from spec.tables import DATATYPES

_DRAWN = 31  # elements of a kind in a row; a prime, so that no two lines of an image are the same
_PLACES = 6  # of a choice, four bits each: beyond 24 bits Hypothesis prefers small integers

# Any text that JSON can carry: no lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# Ids that servers are known to change: numbers, constants, padding, capitals, other letters, what has a
# meaning in HTML, URLs and headers, a UUID.
HARD_IDS = (
    "42", "007", "null", "true", "1e3", " padded ", " ", "Capital", "caf\u00e9", "e\u0301", "🍷", "\u202eabc",
    '"\\/', "<&>", "a+b%20c", "two\nlines", "123E4567E89B12D3A456426614174000",
    "123E4567-E89B-12D3-A456-426614174000", "x" * 1024,
)  # fmt: skip
ids = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
datetimes = st.datetimes(
    min_value=datetime.datetime(1970, 1, 2), max_value=datetime.datetime(2200, 1, 1)
).map(lambda moment: moment.isoformat())
base64s = st.binary(max_size=12).map(lambda raw: base64.b64encode(raw).decode("ascii"))


def any_element(spec: TensorSpec) -> st.SearchStrategy[Any]:
    """Any element that the datatype can hold and JSON can carry, the edges included."""
    row = DATATYPES.get(spec.datatype)
    if row is None or row.element == "boolean":
        return st.booleans() if row else st.floats(-1000, 1000, width=16)
    if row.element == "integer" and row.minimum is not None and row.maximum is not None:
        edges = st.sampled_from([row.minimum, row.maximum, 0])
        return st.one_of(edges, st.integers(row.minimum, row.maximum))
    if row.element == "number" and row.size is not None:
        width: Any = row.size * 8
        return st.floats(width=width, allow_nan=False, allow_infinity=False)
    return {"base64": base64s, "datetime": datetimes, "pd_json": st.just("{}")}.get(spec.content_type, texts)


def hard_elements(spec: TensorSpec) -> list[Any]:
    """Elements of the datatype that are known to get lost on their way; there are always some."""
    row = DATATYPES.get(spec.datatype)
    kind = row.element if row else "number"
    if kind == "integer" and row is not None and row.minimum is not None and row.maximum is not None:
        beyond_double = [2**53 + 1, row.maximum - 1, row.minimum + 1]
        return [e for e in (row.minimum, row.maximum, *beyond_double) if row.minimum <= e <= row.maximum]
    if kind == "number":
        return [*_HARD_NUMBERS, *_OF_DATATYPE.get(spec.datatype, [])]
    if kind == "boolean":
        return [True, False]
    # NumPy's text, which an np tensor may become, ends before the last NUL.
    return [text for text in _HARD_TEXTS if spec.content_type != "np" or not text.endswith("\0")]


def hard_rows(specs: Sequence[TensorSpec]) -> list[Row]:
    """Rows that hold each of the hard elements of each input."""
    hard = {spec.name: hard_elements(spec) for spec in specs}
    return [
        {s.name: [hard[s.name][(i + j) % len(hard[s.name])] for j in range(s.row_size)] for s in specs}
        for i in range(max(map(len, hard.values()), default=0))
    ]


_HARD_NUMBERS = [0.0, -0.5, 1.5, 1024.0]
# Numbers that need all the digits of their datatype, its smallest and its largest.
_OF_DATATYPE = {
    "FP64": [0.1, 1 / 3, 16777217.0, 5e-324, 1.7976931348623157e308],
    "FP32": [0.3333333432674408, 126573.0546875, 1.401298464324817e-45, 3.4028234663852886e38],
    "FP16": [0.333251953125, 1025 / 1024, 65504.0],
}
_HARD_TEXTS = [
    "", " padded ", "line\r\n", "tab\t", "a\0b", "a\0", '"\\/', "<&>", "\u2028", "e\u0301", "ﬁ", "🍷",
    "\ufeff", "Capital", "\\n", "x" * 70_000,
]  # fmt: skip


def row(specs: Sequence[TensorSpec]) -> st.SearchStrategy[Row]:
    """One row for the inputs: ordinary elements in the places that are drawn, the simplest in all others."""
    return _row(tuple(specs))


@lru_cache  # Hypothesis looks a strategy over before its first use
def _row(specs: Sequence[TensorSpec]) -> st.SearchStrategy[Row]:
    """Of few choices, each of which takes long; it shrinks to few places."""
    sizes = _sizes(specs)
    choice = st.integers(0, 16**_PLACES - 1)
    masks = [choice] * -(-sum(sizes.values()) // _PLACES)
    return st.tuples(choice, *masks).map(lambda drawn: _dealt(specs, _ordinary(specs, sizes, *drawn)))


def extreme_row(specs: Sequence[TensorSpec]) -> st.SearchStrategy[Row]:
    """One row for the inputs, of any elements."""
    sizes = _sizes(specs)
    kinds = {_kind(spec): spec for spec in specs}
    drawn = (st.tuples(*[any_element(spec)] * sizes[kind]) for kind, spec in kinds.items())
    return st.tuples(*drawn).map(lambda found: _dealt(specs, dict(zip(kinds, found, strict=True))))


def _sizes(specs: Sequence[TensorSpec]) -> dict[tuple[str, str], int]:
    """How many elements of each kind are made: of an image, some are repeated, for thousands take minutes."""
    kinds = dict.fromkeys(map(_kind, specs))
    return {kind: min(sum(s.row_size for s in specs if _kind(s) == kind), _DRAWN) for kind in kinds}


def _kind(spec: TensorSpec) -> tuple[str, str]:
    return spec.datatype, spec.content_type


def _ordinary(
    specs: Sequence[TensorSpec], sizes: Mapping[tuple[str, str], int], seed: int, *masks: int
) -> dict[tuple[str, str], list[Any]]:
    """The elements of each kind; a place gets an ordinary one where its four bits of a mask are not zero."""
    one = {_kind(spec): spec for spec in specs}
    random = Random(seed)
    places = (mask >> 4 * i & 15 for mask in masks for i in range(_PLACES))
    return {
        # All are made, kept or not, so that what a place holds does not depend on the others.
        kind: [
            made if next(places) else simplest(one[kind])
            for made in (ordinary(one[kind], random) for _ in range(size))
        ]
        for kind, size in sizes.items()
    }


def _dealt(specs: Sequence[TensorSpec], drawn: Mapping[tuple[str, str], Sequence[Any]]) -> Row:
    """The elements of each kind, dealt to the inputs one after the other."""
    left = {kind: cycle(elements) for kind, elements in drawn.items()}
    return {spec.name: list(islice(left[_kind(spec)], spec.row_size)) for spec in specs}


def recombined(samples: Sequence[Row], specs: Sequence[TensorSpec]) -> st.SearchStrategy[Row]:
    """A row that takes each column from one of the sample rows, floating-point numbers moved a little."""
    return st.fixed_dictionaries({s.name: _column(samples, s) for s in specs})


def _column(samples: Sequence[Row], spec: TensorSpec) -> st.SearchStrategy[Sequence[Any]]:
    chosen = st.sampled_from([list(sample[spec.name]) for sample in samples])
    if not spec.datatype.startswith("FP"):
        return chosen
    factor = st.sampled_from([1.0, 0.96875, 0.9375])  # towards zero: the largest number stays finite
    return st.tuples(chosen, factor).map(lambda pair: [value * pair[1] for value in pair[0]])


def alike(value: Any) -> st.SearchStrategy[Any]:
    """JSON values of the same structure and types as ``value``: other leaves, the same members."""
    if isinstance(value, dict):
        return st.fixed_dictionaries({name: alike(member) for name, member in value.items()})
    if isinstance(value, list):
        return st.tuples(*map(alike, value)).map(list)
    if isinstance(value, float):
        return st.floats(allow_nan=False, allow_infinity=False)
    if isinstance(value, str):
        return texts
    if isinstance(value, int) and not isinstance(value, bool):
        return st.integers(-(2**63), 2**63 - 1)
    return st.booleans() if isinstance(value, bool) else st.just(value)


# Scalars by their type in a signature of MLflow.
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(-1000, 1000),
    "long": st.integers(-1000, 1000),
    "float": st.integers(-64, 64).map(lambda i: i / 4),
    "double": st.floats(-1000, 1000),
    "string": texts,
    "datetime": datetimes,
}
