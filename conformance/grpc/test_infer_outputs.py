"""Inference over gRPC: the outputs of the answer, and those asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.asking import demands
from conformance.asking.inference import declared, drawn
from conformance.asking.rpc import RpcModel
from conformance.checks.assertions import check
from conformance.checks.skips import untested
from conformance.wire import tensors
from conformance.wire.contents import KNOWN
from conformance.wire.messages import Form

requirement = pytest.mark.requirement


@requirement("grpc.infer.output-names")
def test_output_names(rpc_scored: RpcModel) -> None:
    demands.all_outputs(rpc_scored)


@requirement("grpc.infer.output-datatypes")
@given(data=st.data())
def test_output_datatypes(rpc_scored: RpcModel, data: st.DataObject) -> None:
    declared(rpc_scored)
    if any(spec.datatype not in KNOWN for spec in rpc_scored.outputs):
        untested("the metadata has datatypes that are none: grpc.model.tensors")
    demands.output_datatypes(rpc_scored, drawn(rpc_scored, data))


@requirement("grpc.infer.output-shapes")
@given(data=st.data())
def test_output_shapes(rpc_scored: RpcModel, data: st.DataObject) -> None:
    answer = drawn(rpc_scored, data)
    for name, output in answer.outputs.items():
        sizes = tensors.is_shape(output["shape"])
        check(sizes, f"output {name!r} has a dimension below 0", answer, got=output["shape"])
    if any(size < -1 for spec in rpc_scored.outputs for size in spec.shape):
        untested("the metadata has dimensions below -1: grpc.model.tensors")
    demands.output_shapes(rpc_scored, answer)


@requirement("grpc.infer.output-unique")
def test_output_unique(rpc_scored: RpcModel) -> None:
    for form in Form:
        answer = rpc_scored.infer_as(form, rpc_scored.base_body)
        names = [output["name"] for output in answer.message.get("outputs", [])]
        twice = sorted({name for name in names if names.count(name) > 1})
        check(not twice, "outputs share a name", answer, got=", ".join(twice))


@requirement("grpc.infer.outputs-subset")
def test_outputs_subset(rpc_scored: RpcModel) -> None:
    demands.outputs_subset(rpc_scored)


@requirement("grpc.infer.outputs-data")
def test_outputs_data(rpc_steady: RpcModel) -> None:
    demands.outputs_data(rpc_steady)


@requirement("grpc.infer.outputs-unknown")
def test_outputs_unknown(rpc_scored: RpcModel) -> None:
    demands.unknown_output(rpc_scored)
