"""Tensor data: a batch has the predictions of its rows."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.asking.batches import (
    MOST,
    accepted_neighbours,
    check_rows,
    checked,
    cut,
    large_answer,
    large_size,
)
from conformance.asking.inference import answered
from conformance.asking.model import Model
from conformance.checks.assertions import check_ok
from conformance.checks.skips import untested
from conformance.wire import tensors

requirement = pytest.mark.requirement
BLOCKS = (16, 32, 64, 128, 256)  # rows that fill the blocks in which servers predict


@requirement("v2.data.batch-is-rows")
@given(data=st.data())
def test_batch_is_rows(batched: Model, data: st.DataObject) -> None:
    rows = data.draw(batched.rows(minimum=2, maximum=9))
    check_rows(batched, rows, answered(batched, rows))


@requirement("v2.data.batch-is-rows")
def test_batch_is_neighbours(batched: Model) -> None:
    """Rows that share most of what they hold, in two batches that share their first and last rows."""
    first, *others = accepted_neighbours(batched)
    last = others.pop() if others else first
    for between in (others, others[::-1]):
        rows = [first, *between, last]
        if not checked(batched, rows):
            for some in cut(rows, batched.limit):
                checked(batched, some)


@requirement("v2.data.batch-is-rows")
def test_batch_of_full_blocks(batched: Model) -> None:
    """Sizes at which servers cut, with few rows to ask for alone."""
    first, *others = accepted_neighbours(batched)
    few = [first, *others[-3:]]
    if not batched.predict(few[:2]).answered:
        untested(f"{batched.name} refuses two rows that it accepts one at a time: v2.infer.answers")
    for size in (size for size in BLOCKS if size * batched.width <= MOST):
        rows = Random(size).choices(few, k=size)
        answer = batched.predict(rows)
        if answer.declined:
            break  # a server may limit the batch
        check_ok(answer, "a batch of two such rows was answered")
        check_rows(batched, rows, answer)


@requirement("v2.data.large-batch")
@settings(max_examples=2)
@given(data=st.data())
def test_large_batch(batched: Model, data: st.DataObject) -> None:
    few = data.draw(st.lists(batched.row(), min_size=3, max_size=3), label="rows")
    for row in few:
        answered(batched, [row])
    rows = Random(0).choices(few, k=large_size(batched))
    check_rows(batched, rows, large_answer(batched, rows))


@requirement("v2.data.large-batch")
def test_large_batch_of_neighbours(batched: Model) -> None:
    """Two batches that differ in their middle row alone."""
    usual, *others = accepted_neighbours(batched)
    one = batched.predict([usual]).outputs
    other = next((row for row in others if tensors.difference(one, batched.predict([row]).outputs)), usual)
    size = large_size(batched)
    for middle in (usual, other):
        rows = [usual] * (size // 2) + [middle] + [usual] * (size - size // 2 - 1)
        check_rows(batched, rows, large_answer(batched, rows))
