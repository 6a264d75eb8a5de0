"""Inference over gRPC: the id of a request, which its answer returns."""

from collections.abc import Callable

import pytest
from hypothesis import given

from conformance.asking import demands
from conformance.asking.inference import check_id, check_id_of
from conformance.asking.rpc import RpcModel
from conformance.asking.strategies import HARD_IDS, ids
from conformance.checks.assertions import check_ok
from conformance.wire.messages import Form

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
    demands.id_beside(rpc_scored)


@requirement("grpc.infer.id-echo")
def test_id_echo_forms(rpc_scored: RpcModel) -> None:
    for form in Form:
        answer = rpc_scored.infer_as(form, rpc_scored.base_body | {"id": "conformance"})
        if answer.answered:
            check_id_of(answer, "conformance")


@requirement("grpc.infer.id-absent")
def test_id_absent(rpc_scored: RpcModel, behaviour: Callable[[str, str], None]) -> None:
    answer = rpc_scored.infer({k: v for k, v in rpc_scored.base_body.items() if k != "id"})
    check_ok(answer, "the id is optional")
    behaviour("id", "made by the server" if answer.id else "empty")
