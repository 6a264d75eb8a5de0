"""Inference over gRPC: the id of a request, which its answer returns."""

from collections.abc import Callable

import pytest
from hypothesis import given

from conformance.asking.inference import PARAMETERS, check_id, check_id_of, output_names, versions
from conformance.asking.rpc import RpcModel
from conformance.asking.strategies import HARD_IDS, ids
from conformance.checks.assertions import check_ok

requirement = pytest.mark.requirement


@requirement("grpc.infer.id-echo")
def test_id_echo(rpc_scored: RpcModel) -> None:
    for id in filter(None, HARD_IDS):
        check_id(rpc_scored, id)


@requirement("grpc.infer.id-echo")
@given(id=ids.filter(bool))
def test_id_echo_drawn(rpc_scored: RpcModel, id: str) -> None:
    check_id(rpc_scored, id)


@requirement("grpc.infer.id-echo")
def test_id_echo_beside(rpc_scored: RpcModel) -> None:
    """Whatever else the request has, and of whichever version."""
    rows = [*rpc_scored.base_rows] * (2 if rpc_scored.batched else 1)
    outputs = [{"name": name} for name in output_names(rpc_scored)]
    for members in ({}, {"outputs": outputs}, {"parameters": PARAMETERS}):
        body = rpc_scored.body(rows, id="conformance", **members)
        for version in versions(rpc_scored):
            answer = rpc_scored.infer(body, version)
            if answer.answered:
                check_id_of(answer, "conformance")


@requirement("grpc.infer.id-absent")
def test_id_absent(rpc_scored: RpcModel, behaviour: Callable[[str, str], None]) -> None:
    answer = rpc_scored.infer({k: v for k, v in rpc_scored.base_body.items() if k != "id"})
    check_ok(answer, "the id is optional")
    behaviour("id", "made by the server" if answer.id else "empty")
