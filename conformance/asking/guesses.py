"""Rows that a model may accept, as far as the datatypes of its inputs tell."""

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.wire.tensors import Row, TensorSpec
from spec.tables import DATATYPES

GUESSES: list[dict[str, Any]] = [
    {"boolean": True, "integer": 1, "number": 1.0, "string": "a"},
    {"boolean": False, "integer": 0, "number": 0.0, "string": ""},
    {"boolean": True, "integer": 10, "number": 10.0, "string": "1"},
]
# What many models with a narrower domain refuse: categories, probabilities, tokens, lengths.
PROBES: list[dict[str, Any]] = [
    {"boolean": True, "integer": -100, "number": -1.0, "string": "conformance"},
    {"boolean": False, "integer": 100, "number": 1000.0, "string": "é 🍷"},
    {"boolean": True, "integer": 3, "number": 0.5, "string": "2.5"},
]
_WRITTEN = {"base64": "YQ==", "datetime": "2020-01-01T00:00:00", "pd_json": "{}"}


def filled(specs: Sequence[TensorSpec], guess: Mapping[str, Any]) -> Row:
    """The row that has a guess in all its elements."""
    return {spec.name: [_guessed(spec, guess)] * spec.row_size for spec in specs}


def _guessed(spec: TensorSpec, guess: Mapping[str, Any]) -> Any:
    row = DATATYPES.get(spec.datatype)
    kind = row.element if row else "number"
    if kind == "string":
        return _WRITTEN.get(spec.content_type, guess[kind])
    return max(guess[kind], 0) if kind == "integer" and row and row.minimum == 0 else guess[kind]
