"""POST /invocations: the order, the index and the names of columns."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.asking.invocations import Invocations
from conformance.asking.scoring import answered, check_same, is_text
from conformance.checks.assertions import check_ok
from conformance.checks.skips import not_implemented, untested
from conformance.transport.exchange import Exchange
from conformance.wire import scoring as wire
from conformance.wire.scoring import CSV, INSTANCES, RECORDS, SPLIT
from conformance.wire.tensors import Row, TensorSpec

requirement = pytest.mark.requirement
EXTRA = "conformance"


def _table(endpoint: Invocations) -> None:
    if not endpoint.table:
        not_implemented("the model takes tensors, no table")


def _signed(endpoint: Invocations) -> None:
    """Go on only with a model that is known to have a signature: it refuses a table without its columns."""
    _table(endpoint)
    if _without_columns(endpoint).status == 200 or wire.unnamed(endpoint.specs):
        untested("the model has no signature that names columns")


@cache
def _without_columns(endpoint: Invocations) -> Exchange:
    return endpoint.post({SPLIT: {"columns": [EXTRA], "data": [[1]]}})


@requirement("mlflow.predictions.column-order")
@given(data=st.data())
def test_column_order(steady_scoring: Invocations, data: st.DataObject) -> None:
    _signed(steady_scoring)
    specs = data.draw(st.permutations(steady_scoring.specs))
    rows = data.draw(steady_scoring.rows(maximum=2))
    rows = [*rows, rows[0]][: steady_scoring.limit]  # of one record there is one order
    bodies = {form: wire.body(form, specs, rows, table=True) for form in steady_scoring.forms}
    for form in {RECORDS, INSTANCES} & set(bodies):  # each record in an order of its own
        bodies[form][form][1:] = [dict(reversed(r.items())) for r in bodies[form][form][1:]]
    asked = {form: steady_scoring.post(body) for form, body in bodies.items()}
    for form, answer in asked.items():
        usual = steady_scoring.ask(rows, form)
        if usual.status == answer.status == 200:
            check_same(steady_scoring, usual, answer, f"the order of the columns counts in {form}")
    if steady_scoring.in_csv and not any(map(is_text, specs)):
        usual, answer = (_in_csv(steady_scoring, some, rows) for some in (steady_scoring.specs, specs))
        if usual.status == answer.status == 200:
            check_same(steady_scoring, usual, answer, "the order of the columns counts in CSV")


def _in_csv(endpoint: Invocations, specs: Sequence[TensorSpec], rows: Sequence[Row]) -> Exchange:
    return endpoint.post_bytes(wire.csv_text(specs, rows).encode(), CSV)


def _with_index(endpoint: Invocations, rows: Sequence[Row], index: Sequence[Any]) -> Exchange:
    return endpoint.post({SPLIT: endpoint.body(rows, SPLIT)[SPLIT] | {"index": index}})


@requirement("mlflow.predictions.index")
@given(data=st.data())
def test_index(steady_scoring: Invocations, data: st.DataObject) -> None:
    _table(steady_scoring)
    rows = data.draw(steady_scoring.rows(minimum=2))
    first = answered(steady_scoring, rows, SPLIT)
    numbers = list(range(len(rows)))
    answer = _with_index(steady_scoring, rows, numbers)
    check_ok(answer, "a split may have an index")
    check_same(steady_scoring, first, answer, "the index changes the predictions")
    if _minds_labels(steady_scoring):
        return
    for index in (numbers[::-1], [7] * len(rows), [f"row {i}" for i in numbers]):
        answer = _with_index(steady_scoring, rows, index)
        if answer.status == 200:
            check_same(steady_scoring, first, answer, "the index changes the predictions")


@cache
def _minds_labels(endpoint: Invocations) -> bool:
    """Whether the label of a single row matters, as it does to a model that computes with labels."""
    answers = [_with_index(endpoint, endpoint.base_rows, [label]) for label in (5, "row")]
    return any(a.status != 200 or endpoint.difference(endpoint.good, a) for a in answers)


@requirement("mlflow.predictions.extra-column")
def test_extra_column(steady_scoring: Invocations) -> None:
    _signed(steady_scoring)
    extra = TensorSpec(EXTRA, "INT64", (-1, 1))
    rows = [{EXTRA: [1], **row} for row in steady_scoring.base_rows]
    usual, specs = steady_scoring.good, [*steady_scoring.specs, extra]
    asked = [(RECORDS, [extra, *steady_scoring.specs]), (SPLIT, specs)]
    pairs = [(usual, steady_scoring.post(wire.body(form, some, rows, table=True))) for form, some in asked]
    if steady_scoring.in_csv:
        pairs.append(
            (_in_csv(steady_scoring, steady_scoring.specs, rows), _in_csv(steady_scoring, specs, rows))
        )
    for usual, answer in pairs:
        if usual.status == answer.status == 200:
            check_same(steady_scoring, usual, answer, "an unknown column changes the prediction")
