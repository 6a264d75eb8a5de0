"""The predictions of /invocations against those of MLflow's scoring code."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking.invocations import PATH, Invocations, predictions
from conformance.asking.rest import RestModel
from conformance.asking.strategies import SCALARS
from conformance.checks.assertions import (
    check,
    check_no_failure,
)
from conformance.checks.skips import no_request, not_implemented
from conformance.harness.target import Target
from conformance.oracles.mlmodel import Oracle, Refused
from conformance.transport.exchange import Exchange
from conformance.wire import tensors
from conformance.wire.scoring import RECORDS, SPLIT
from conformance.wire.tensors import TOLERANCE, Row

requirement = pytest.mark.requirement
Rows = st.SearchStrategy[list[Row]]


@pytest.fixture(scope="session")
def endpoint(target: Target, rows: Rows, mlflow_model: RestModel) -> Invocations:
    """The scoring endpoint of a model whose rows are known."""
    if "mlflow" in target.missing:
        not_implemented(target.missing["mlflow"])
    found = Invocations(mlflow_model)
    if not found.forms:
        not_implemented("no form of scoring request holds the inputs of this model")
    return found


def _scoring_request(endpoint: Invocations, oracle: Oracle, data: st.DataObject) -> dict[str, Any]:
    """A scoring request with some optional cells null and some params."""
    form = data.draw(st.sampled_from(endpoint.forms), label="form")
    portable = form not in (SPLIT, RECORDS)  # elsewhere MLflow keeps bytes as base64, and null as None
    rows: list[Row] = [dict(row) for row in data.draw(endpoint.rows(portable=portable))]
    optional = [one.spec.name for one in oracle.inputs if not one.required]
    if optional and endpoint.table and not portable:
        null = data.draw(st.sets(st.sampled_from(optional)), label="null")
        place = data.draw(st.integers(0, len(rows) - 1), label="row")
        rows[place] = {**rows[place], **{name: [None] for name in null}}
    params = {p["name"]: SCALARS[p["type"]] for p in oracle.params if p["shape"] is None}
    given = data.draw(st.fixed_dictionaries({}, optional=params), label="params")
    return endpoint.body(rows, form) | ({"params": given} if given else {})


def _score(oracle: Oracle, body: Any) -> Any:
    try:
        return oracle.score(body)
    except Refused:
        assume(False)


@requirement("signature.predictions.invocations-accepted")
@given(data=st.data())
def test_invocations_accepted(endpoint: Invocations, oracle: Oracle, data: st.DataObject) -> None:
    body = _scoring_request(endpoint, oracle, data)
    _score(oracle, body)
    check_no_failure(endpoint.post(body), "MLflow's scoring code answers the request")


def _with_nulls(endpoint: Invocations, oracle: Oracle) -> Iterator[tuple[dict[str, Any], Any, str]]:
    """Tables whose last row has a null in an optional column, what MLflow makes of them, and the column."""
    optional = [one.spec.name for one in oracle.inputs if not one.required]
    if not optional or not endpoint.table:
        not_implemented("no column is optional")
    if endpoint.base is None:
        no_request(PATH)
    for name in optional:
        last = {**endpoint.base_rows[0], name: [None]}
        for rows in ([last], [*endpoint.base_rows, last]):
            body = endpoint.body(rows, SPLIT)
            with suppress(Refused):
                yield body, oracle.score(body)["predictions"], name


@requirement("signature.predictions.invocations-accepted")
def test_invocations_null(endpoint: Invocations, oracle: Oracle) -> None:
    for body, _, name in _with_nulls(endpoint, oracle):
        message = f"MLflow's scoring code answers null in {name!r}"
        check_no_failure(endpoint.post(body), message)


def _check_scores(endpoint: Invocations, answer: Exchange, expected: Any) -> None:
    """The predictions are those of MLflow's scoring code."""
    __tracebackhide__ = True
    got = predictions(answer)
    same = tensors.close(got, expected, TOLERANCE[endpoint.datatype])
    message = "the predictions are not those of MLflow's scoring code"
    check(same, message, answer, got=tensors.brief(got), expected=tensors.brief(expected))


@requirement("signature.predictions.invocations-equal")
def test_invocations_null_equal(endpoint: Invocations, oracle: Oracle) -> None:
    for body, expected, _ in _with_nulls(endpoint, oracle):
        answer = endpoint.post(body)
        if answer.answered:
            _check_scores(endpoint, answer, expected)


@requirement("signature.predictions.invocations-equal")
@given(data=st.data())
def test_invocations_equal(endpoint: Invocations, oracle: Oracle, data: st.DataObject) -> None:
    body = _scoring_request(endpoint, oracle, data)
    expected = _score(oracle, body)["predictions"]
    answer = endpoint.post(body)
    assume(answer.answered)
    _check_scores(endpoint, answer, expected)
