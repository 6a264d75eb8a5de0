"""Several requests at the same time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conformance import tensors
from conformance.checks import check
from conformance.exchange import Exchange
from conformance.model import Model
from conformance.skips import untested

requirement = pytest.mark.requirement
REQUESTS = 16
# One batch of requests is enough, and a race does not shrink.
once = settings(max_examples=2, phases=[Phase.generate])


def _together(model: Model, bodies: Sequence[Any]) -> list[Exchange]:
    def send(body: Any) -> Exchange:
        return model.client.twin().post_json(model.path("infer"), body)

    with ThreadPoolExecutor(REQUESTS) as pool:
        return list(pool.map(send, bodies))


def _bodies(model: Model, data: st.DataObject) -> list[dict[str, Any]]:
    """Requests that differ in id, rows, number of rows and outputs."""
    assert model.base is not None
    names = sorted(tensors.outputs_by_name(model.base.json))
    if not names:
        untested("the good answer has no outputs")
    drawn = [data.draw(model.row()) for _ in range(REQUESTS // 2)]
    counts = [1 + i % 3 if model.batched else 1 for i in range(REQUESTS)]
    rows = [[drawn[(i + j) % len(drawn)] for j in range(count)] for i, count in enumerate(counts)]
    bodies = [model.body(some, id=f"request-{i}") for i, some in enumerate(rows)]
    for i, body in enumerate(bodies[1::2]):
        body["outputs"] = [{"name": names[i % len(names)]}]
    return bodies


def _answered(model: Model, bodies: Sequence[Any]) -> tuple[list[Any], list[Exchange]]:
    """The requests that the model answers when they come alone, and the answers."""
    alone = [(body, model.infer(body)) for body in bodies]
    good = [(body, one) for body, one in alone if one.status == 200 and isinstance(one.json, dict)]
    if len(good) < 2:
        untested(f"{model.name} refuses the rows that are drawn for it: give a valid request with --sample")
    return [body for body, _ in good], [one for _, one in good]


def _check_same(one: Exchange, two: Exchange) -> None:
    """The concurrent answer is the sequential one: id, outputs, shapes, data."""
    message = "the answer is another one when other requests run beside it"
    check(two.status == 200, message, one, two, got=f"status {two.status}", expected="status 200")
    ids = [e.json.get("id") for e in (one, two)]
    check(ids[0] == ids[1], message, one, two, got=f"id {ids[1]}", expected=f"id {ids[0]}")
    different = tensors.difference(one.json, two.json)
    check(not different, message, one, two, got=different)


@requirement("v2.concurrency.isolation")
@once
@given(data=st.data())
def test_isolation(steady: Model, data: st.DataObject) -> None:
    bodies, alone = _answered(steady, _bodies(steady, data))
    for one, two in zip(alone, _together(steady, bodies), strict=True):
        _check_same(one, two)


@requirement("v2.concurrency.bad-neighbour")
def test_bad_neighbour(steady: Model) -> None:
    good = steady.body(steady.base_rows, id="conformance")
    bad = good | {"inputs": []}
    alone = steady.infer(good)
    if alone.status != 200:
        untested(f"{steady.name} does not take the good request with an id")
    # Each good request is the same: what mixes good ones up is v2.concurrency.isolation's finding.
    for answer in _together(steady, [good, bad] * REQUESTS)[::2]:
        _check_same(alone, answer)
