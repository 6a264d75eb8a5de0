"""Several requests at the same time."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conformance.asking.batches import REQUESTS, ROUNDS, accepted_neighbours, apart
from conformance.asking.model import Model
from conformance.checks.assertions import check
from conformance.checks.skips import untested
from conformance.harness.target import Target
from conformance.oracles.known import known_parameters
from conformance.transport.answer import Answer
from conformance.wire import tensors
from conformance.wire.tensors import Row

requirement = pytest.mark.requirement
# One choice of rows is enough, and a race does not shrink.
once = settings(max_examples=1, phases=[Phase.generate])


def _told(answer: Answer) -> Any:
    """The data of the outputs."""
    return {name: output.get("data") for name, output in answer.outputs.items()}


def _bodies(model: Model, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Requests that differ in id, rows, number of rows and outputs."""
    assert model.base is not None
    names = sorted(model.base.outputs)
    if not names:
        untested("the good answer has no outputs")
    counts = [1 + i % min(3, model.limit) for i in range(REQUESTS)]
    some = [[rows[(i + j) % len(rows)] for j in range(count)] for i, count in enumerate(counts)]
    bodies = [model.body(rows, id=f"request-{i}") for i, rows in enumerate(some)]
    for i, body in enumerate(bodies[3::4]):
        body["outputs"] = [{"name": names[i % len(names)]}]
    return bodies


def _answered(model: Model, bodies: Sequence[Any]) -> tuple[list[Any], list[Answer]]:
    """The requests that the model answers when they come alone, and the answers."""
    alone = [(body, model.infer(body)) for body in bodies]
    good = [(body, one) for body, one in alone if one.answered and one.message]
    if len(good) < 2:
        untested(f"{model.name} refuses the rows that are drawn for it: give a valid request with --sample")
    return [body for body, _ in good], [one for _, one in good]


def _check_same(one: Answer, two: Answer) -> None:
    """The concurrent answer is the sequential one: id, outputs, shapes, data."""
    message = "the answer is another one when other requests run beside it"
    check(two.answered, message, one, two, got=f"status {two.status}", expected=f"status {one.status}")
    check(one.id == two.id, message, one, two, got=f"id {two.id}", expected=f"id {one.id}")
    different = tensors.difference(one.outputs, two.outputs)
    check(not different, message, one, two, got=different)


@requirement("v2.concurrency.isolation")
@once
@given(data=st.data())
def test_isolation(steady: Model, target: Target, data: st.DataObject) -> None:
    drawn = [*accepted_neighbours(steady), *(data.draw(steady.row()) for _ in range(REQUESTS // 2))]
    rows = apart(drawn, lambda row: steady.predict([row]), _told) or steady.base_rows
    known = [
        body | {"id": f"known-{i}"} for i, body in enumerate(known_parameters(target.answers, steady, "v2"))
    ]
    known = known[: REQUESTS // 2]
    bodies = [*_bodies(steady, rows)[: REQUESTS - len(known)], *known]
    bodies, alone = _answered(steady, bodies)
    for _ in range(ROUNDS):
        for one, two in zip(alone, steady.together(bodies), strict=True):
            _check_same(one, two)


@requirement("v2.concurrency.bad-neighbour")
def test_bad_neighbour(steady: Model) -> None:
    good = steady.body(steady.base_rows, id="conformance")
    bad = good | {"inputs": []}
    alone = steady.infer(good)
    if not alone.answered:
        untested(f"{steady.name} does not take the good request with an id")
    # Each good request is the same: what mixes good ones up is v2.concurrency.isolation's finding.
    for answer in steady.together([good, bad] * REQUESTS)[::2]:
        _check_same(alone, answer)
