"""The predictions against those of the model itself."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking.model import Model
from conformance.asking.neighbours import around_null
from conformance.checks.assertions import (
    by_rows,
    check,
    check_no_failure,
    fail,
)
from conformance.checks.skips import not_implemented
from conformance.oracles.expected import check_predictions, expected_of, paired, predicted
from conformance.oracles.mlmodel import Oracle, Refused
from conformance.wire import content_types, tensors
from conformance.wire.tensors import Row, TensorSpec

requirement = pytest.mark.requirement
Rows = st.SearchStrategy[list[Row]]
_NULLS = 8  # inputs of which each holds a null once


@requirement("signature.predictions.accepted")
@given(data=st.data())
def test_accepted(mlflow_model: Model, oracle: Oracle, rows: Rows, data: st.DataObject) -> None:
    body = mlflow_model.body(data.draw(rows))
    expected_of(oracle, body)
    answer = mlflow_model.infer(body)
    check_no_failure(answer, "the model itself takes the request")


@requirement("signature.predictions.equal")
@given(data=st.data())
def test_equal(good: Model, oracle: Oracle, rows: Rows, data: st.DataObject) -> None:
    def compare(rows: Sequence[Row]) -> None:
        body = good.body(rows)
        expected = predicted(oracle, body)
        answer = good.infer(body)
        assume(answer.answered)
        check_predictions(good, answer, expected)

    by_rows(compare, data.draw(rows))


@requirement("signature.predictions.datatypes")
@given(data=st.data())
def test_datatypes(good: Model, oracle: Oracle, rows: Rows, data: st.DataObject) -> None:
    body = good.body(data.draw(rows))
    expected = expected_of(oracle, body)
    answer = good.infer(body)
    assume(answer.answered)
    signed = {one.spec.name: one.spec.datatype for one in oracle.outputs}
    for name, one in expected.items():
        for found, output in paired(good, answer, expected):
            if found is one and one.datatype:
                allowed = sorted({one.datatype, signed.get(name, one.datatype)})
                got = str(output.get("datatype")).upper()
                message = f"output {output['name']!r} has not the datatype of the prediction"
                check(got in allowed, message, answer, got=got, expected=" or ".join(allowed))


@requirement("signature.predictions.null")
def test_null(good: Model, oracle: Oracle) -> None:
    steady = good.deterministic  # else a refusal is all that can be compared
    for body in _lacking(good):
        answer = good.infer(body)
        if not answer.answered:
            continue
        try:
            expected = oracle.predict(body)
        except Refused as refusal:
            message = "the model itself does not take a missing value, and yet there is a prediction"
            fail(
                message,
                answer,
                got=tensors.brief(answer.outputs),
                expected=str(refusal),
            )
        if steady:
            check_predictions(good, answer, expected)


def _lacking(model: Model) -> Iterator[dict[str, Any]]:
    """Good requests with a null in one input of floating-point numbers: alone, before and after a number."""
    floats = [spec for spec in model.inputs if spec.datatype.startswith("FP")]
    if not floats:
        not_implemented("the model has no input of floating-point numbers")
    for spec in floats[:_NULLS]:
        yield from (model.body(rows) for rows, _ in around_null(model, spec))


@requirement("signature.predictions.no-signature")
def test_no_signature(mlflow_model: Model, oracle: Oracle) -> None:
    if oracle.signature is not None:
        not_implemented("the model has a signature")
    column = {"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [1.0]}
    known = [request for request in (mlflow_model.sample, mlflow_model.known) if request]
    for body in (*known, {"inputs": [column]}):
        explicit = content_types.explicit(body, [TensorSpec("x", "FP64", (-1, 1), "np")], "pd")
        check_no_failure(mlflow_model.infer(explicit), "the request says how to read it")
