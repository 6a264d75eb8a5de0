"""The parameters of the signature."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.asking.inference import told
from conformance.asking.model import Model
from conformance.asking.strategies import SCALARS
from conformance.checks.assertions import (
    check_ok,
    check_refused,
)
from conformance.checks.skips import not_implemented
from conformance.oracles.expected import check_predictions, expected_of
from conformance.oracles.mlmodel import Oracle
from conformance.wire.tensors import Row

requirement = pytest.mark.requirement
UNKNOWN = "conformance_unknown"
Rows = st.SearchStrategy[list[Row]]


def _scalars(oracle: Oracle) -> dict[str, str]:
    """The types of the parameters that a request can carry, by name."""
    found = {p["name"]: p["type"] for p in oracle.params if p["shape"] is None and p["type"] in SCALARS}
    if not found:
        not_implemented("the signature has no parameters of a scalar type")
    return found


@requirement("signature.predictions.params")
@given(data=st.data())
def test_params(good: Model, oracle: Oracle, rows: Rows, data: st.DataObject) -> None:
    optional = {name: SCALARS[kind] for name, kind in _scalars(oracle).items()}
    params = data.draw(st.fixed_dictionaries({}, optional=optional), label="params")
    body = good.body(data.draw(rows), parameters=params)
    expected = expected_of(oracle, body)
    answer = good.infer(body)
    check_ok(answer, "the parameters are those of the signature")
    check_predictions(good, answer, expected)


@requirement("signature.predictions.params-invalid")
def test_params_invalid(good: Model, oracle: Oracle) -> None:
    for name, kind in _scalars(oracle).items():
        wrong: Any = 1.5 if kind in ("string", "boolean", "integer", "long") else "no such value"
        answer = good.infer(good.base_body | {"parameters": {name: wrong}})
        check_refused(answer, f"{wrong!r} is no {kind}, which the parameter {name!r} is")


@requirement("signature.predictions.params-unknown")
def test_params_unknown(good: Model, behaviour: Callable[[str, str], None]) -> None:
    answer = good.infer(good.base_body | {"parameters": {UNKNOWN: 1}})
    behaviour("unknown parameter", told(good, answer))
