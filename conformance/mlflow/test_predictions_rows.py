"""POST /invocations: a prediction for each row, whatever the batch."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.asking.batches import cut
from conformance.asking.invocations import Invocations, predictions
from conformance.asking.scoring import (
    accepted_neighbours,
    answered,
    check_rows,
    check_same_columns,
    each_alone,
    ways,
)
from conformance.checks.assertions import check
from conformance.checks.http import check_status
from conformance.checks.skips import untested
from conformance.transport.exchange import Exchange
from conformance.wire import predictions as reading

requirement = pytest.mark.requirement
LARGE, MOST = 1100, 500_000  # rows; elements of them and of their predictions
BLOCKS, GROUP = (16, 32, 64), 100  # rows that fill blocks of the usual sizes; rows in a group of Parquet
ANSWERED_OR_REFUSED = [200, *range(400, 500)]
few = settings(max_examples=2)


@requirement("mlflow.predictions.row-count")
@given(data=st.data())
def test_row_count(batched_scoring: Invocations, data: st.DataObject) -> None:
    rows = data.draw(batched_scoring.rows(maximum=6))
    _check_row_count(answered(batched_scoring, rows), len(rows))


@requirement("mlflow.predictions.row-count")
def test_row_count_of_equal_rows(batched_scoring: Invocations) -> None:
    for count in (2, 3, 5, 8):
        answer = batched_scoring.ask([*batched_scoring.base_rows] * count)
        if answer.status == 200:
            _check_row_count(answer, count)


def _check_row_count(answer: Exchange, count: int) -> None:
    found = reading.rows_of(predictions(answer), count)
    check(found is not None, "not one prediction a row", answer, expected=f"{count} predictions")


@requirement("mlflow.predictions.batch")
@given(data=st.data())
def test_batch(batched_scoring: Invocations, data: st.DataObject) -> None:
    rows = data.draw(batched_scoring.rows(minimum=2, maximum=9))
    check_rows(batched_scoring, rows, answered(batched_scoring, rows))


@requirement("mlflow.predictions.batch")
def test_batch_of_neighbours(batched_scoring: Invocations) -> None:
    """Rows that share most of what they hold: two batches with one first and last row, and full blocks."""
    taken = accepted_neighbours(batched_scoring)
    first, *others = taken
    last = others.pop() if others else first
    sizes = [size for size in BLOCKS if size * batched_scoring.width <= MOST]
    blocks = [Random(0).choices(taken, k=size) for size in sizes]
    small = cut([first, *others, last], batched_scoring.limit)
    batches = ([first, *others, last], [first, *others[::-1], last], *blocks, *small)
    answers = [batched_scoring.ask(batch) for batch in batches]
    alone = each_alone(batched_scoring, taken)
    for batch, answer in zip(batches, answers, strict=True):
        if answer.status == 200:
            check_rows(batched_scoring, batch, answer, alone)


@requirement("mlflow.predictions.large-batch")
@few
@given(data=st.data())
def test_large_batch(batched_scoring: Invocations, data: st.DataObject) -> None:
    size = max(min(LARGE, MOST // batched_scoring.width), 2)
    some = [*batched_scoring.base_rows, *data.draw(batched_scoring.rows(minimum=2, maximum=2))]
    for row in some:
        answered(batched_scoring, [row])
    rows = Random(0).choices(some, k=size)
    answer = batched_scoring.ask(rows)
    check_status(answer, ANSWERED_OR_REFUSED, "a large batch is answered or refused")
    if answer.status == 200:
        found = reading.rows_of(predictions(answer), size)
        check(found is not None, "not one prediction a row", answer, expected=f"{size} predictions")
        check_rows(batched_scoring, rows, answer)


@requirement("mlflow.predictions.large-batch")
def test_large_batch_in_every_form(batched_scoring: Invocations) -> None:
    size = max(min(LARGE, MOST // batched_scoring.width), 2)
    some = [batched_scoring.written(row, portable=True) for row in accepted_neighbours(batched_scoring)][-4:]
    rows = Random(0).choices(some, k=size)
    small, large = batched_scoring.ask(some), batched_scoring.ask(rows)
    if small.status != 200 or large.status != 200:
        untested("a large batch is refused in the first form")
    for way, send in ways(batched_scoring, GROUP).items():
        few = send(some)
        if few.status != 200 or batched_scoring.difference(small, few):
            continue  # the finding of the requirements of the form
        answer = send(rows)
        check_status(answer, ANSWERED_OR_REFUSED, f"a large batch as {way} is answered or refused")
        if answer.status == 200:
            message = f"a large batch as {way} has not the predictions that it has as {batched_scoring.form}"
            check_same_columns(batched_scoring, large, answer, message)
