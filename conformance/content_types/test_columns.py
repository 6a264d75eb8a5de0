"""Inputs that are the columns of a table."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking.model import Model
from conformance.checks.assertions import (
    check,
    check_rejected,
)
from conformance.checks.skips import not_implemented
from conformance.wire import tensors
from conformance.wire.tensors import TensorSpec

requirement = pytest.mark.requirement


def _columns(model: Model) -> list[TensorSpec]:
    """The inputs, when all of them are columns."""
    if not model.inputs or not all(spec.batched and spec.row_shape in ((), (1,)) for spec in model.inputs):
        not_implemented(f"the inputs of {model.name} are not all columns")
    return model.inputs


def _shaped(body: dict[str, Any], *inner: int) -> dict[str, Any]:
    return body | {"inputs": [t | {"shape": [t["shape"][0], *inner]} for t in body["inputs"]]}


@requirement("content-types.pd-lengths")
def test_pd_lengths(scored: Model) -> None:
    columns = _columns(scored)
    if len(columns) < 2 or scored.content_type != "pd":
        not_implemented(f"{scored.name} does not take several columns as pd")
    two = scored.body([scored.base_rows[0]] * 2)["inputs"]
    one = scored.body(scored.base_rows)["inputs"]
    for place in (0, len(columns) - 1):
        inputs = [*two[:place], one[place], *two[place + 1 :]]
        answer = scored.infer({"inputs": inputs})
        check_rejected(answer, f"{columns[place].name!r} has one row, the others have two")


@requirement("content-types.column-shapes")
@given(data=st.data())
def test_column_shapes(steady: Model, data: st.DataObject) -> None:
    _columns(steady)
    body = steady.body(data.draw(steady.rows()))
    one, two = steady.infer(_shaped(body)), steady.infer(_shaped(body, 1))
    assume(one.answered and two.answered)
    different = tensors.difference(one.outputs, two.outputs)
    check(not different, "[N] and [N, 1] give different predictions", one, two, got=different)


@requirement("content-types.column-forms")
def test_column_forms(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    _columns(scored)
    for label, inner in (("[N]", ()), ("[N, 1]", (1,))):
        answer = scored.infer(_shaped(scored.base_body, *inner))
        shapes = {len(o.get("shape") or []) for o in answer.outputs.values()}
        ranks = " and ".join(map(str, sorted(shapes)))
        behaviour(label, f"outputs of rank {ranks}" if answer.answered else answer.status)
