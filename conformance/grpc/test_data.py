"""Tensor data over gRPC: rows, batches, and that requests do not touch each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.asking import demands
from conformance.asking.batches import (
    REQUESTS,
    ROUNDS,
    accepted_neighbours,
    check_batches,
    check_rows,
    large_answer,
    large_size,
    repeated,
)
from conformance.asking.inference import answered, check_same
from conformance.asking.rpc import RpcModel
from conformance.checks.assertions import check, check_no_failure, check_ok
from conformance.checks.skips import untested
from conformance.transport.rpc import INFER, read
from conformance.wire import tensors
from conformance.wire.messages import Form
from spec.service import calls

requirement = pytest.mark.requirement


@requirement("grpc.data.batch-is-rows")
@given(data=st.data())
def test_batch_is_rows(rpc_batched: RpcModel, data: st.DataObject) -> None:
    rows = data.draw(rpc_batched.rows(minimum=2, maximum=9))
    check_rows(rpc_batched, rows, answered(rpc_batched, rows))


@requirement("grpc.data.batch-is-rows")
def test_batch_of_neighbours(rpc_batched: RpcModel) -> None:
    rows = repeated(rpc_batched, large_size(rpc_batched))
    check_rows(rpc_batched, rows, large_answer(rpc_batched, rows))


@requirement("grpc.data.batch-is-rows")
def test_batches_beside_others(rpc_batched: RpcModel) -> None:
    check_batches(rpc_batched)


@requirement("grpc.data.stateless")
def test_stateless(rpc_steady: RpcModel) -> None:
    usual = rpc_steady.predict(rpc_steady.base_rows)
    for row in rpc_steady.probes:
        other = rpc_steady.predict([row], id="conformance")
        again = rpc_steady.predict(rpc_steady.base_rows)
        different = tensors.difference(again.outputs, usual.outputs)
        check(not different, "the answer changed after another request", other, again, got=different)


@requirement("grpc.data.stateless")
def test_stateless_ids(rpc_steady: RpcModel) -> None:
    """An id may come again, with another request."""
    for row in accepted_neighbours(rpc_steady):
        usual, other = rpc_steady.predict([row]), rpc_steady.predict([row], id="conformance")
        if usual.answered and other.answered:
            check_same(usual, other, "the id had been another request's, and the answer is another one")


@requirement("grpc.data.stateless")
def test_stateless_inputs(rpc_steady: RpcModel) -> None:
    demands.missing_inputs(rpc_steady)


@requirement("grpc.data.zero-rows")
@pytest.mark.parametrize("form", Form)
def test_zero_rows(rpc_batched: RpcModel, form: Form) -> None:
    if not rpc_batched.infer_as(form, rpc_batched.base_body).answered:
        untested(f"the good request is refused in its {form.value} form: grpc.contents.{form.value}-accepted")
    answer = rpc_batched.infer_as(form, rpc_batched.body([]))
    check_no_failure(answer, "a batch of no rows is no failure of the server")
    if answer.answered:
        left = {name: output["data"] for name, output in answer.outputs.items() if output.get("data")}
        check(not left, "no rows were sent, yet rows came back", answer, got=left)


@requirement("grpc.data.isolation")
@pytest.mark.parametrize("connections", [1, 4])
def test_isolation(rpc_steady: RpcModel, connections: int) -> None:
    """Requests that differ in id, rows and outputs, over one connection and over several."""
    rows = [row for row in accepted_neighbours(rpc_steady) if rpc_steady.predict([row]).answered]
    names = list(rpc_steady.base.outputs) if rpc_steady.base is not None else []
    if not (rows and names):
        untested(f"{rpc_steady.name} has too few rows or outputs to tell answers apart")
    bodies = [rpc_steady.body([rows[i % len(rows)]], id=f"request-{i}") for i in range(REQUESTS)]
    for i, body in enumerate(bodies[3::4]):
        body["outputs"] = [{"name": names[i % len(names)]}]
    alone = [rpc_steady.infer(body) for body in bodies]
    sent = [rpc_steady.message(body=body).SerializeToString() for body in bodies]
    for _ in range(ROUNDS):
        replies = rpc_steady.channel.together(calls()[INFER].path, sent, connections)
        for body, one, two in zip(bodies, alone, map(read, replies), strict=True):
            if one.answered:
                check_ok(two, "it was answered when it came alone")
                same = one.id == two.id
                check(same, "the id is another one", one, two, got=two.id, expected=body["id"])
                check_same(one, two, "the answer is another one when other requests run beside it")
