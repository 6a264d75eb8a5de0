"""Inference over gRPC: the outputs of the answer, and those asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.asking.inference import asking, check_selected, declared, drawn, output_names, paired
from conformance.asking.rpc import RpcModel
from conformance.checks.assertions import check, check_ok, check_refused
from conformance.wire import contents, tensors

requirement = pytest.mark.requirement
_NO_OUTPUT = "no-such-output"


@requirement("grpc.infer.output-names")
def test_output_names(rpc_scored: RpcModel) -> None:
    expected = declared(rpc_scored)
    answer = rpc_scored.infer({k: v for k, v in rpc_scored.base_body.items() if k != "outputs"})
    got = set(answer.outputs)
    message = "the outputs are not the metadata's"
    check(got == expected, message, answer, got=sorted(got), expected=sorted(expected))


@requirement("grpc.infer.output-datatypes")
@given(data=st.data())
def test_output_datatypes(rpc_scored: RpcModel, data: st.DataObject) -> None:
    declared(rpc_scored)
    answer = drawn(rpc_scored, data)
    for spec, output in paired(rpc_scored, answer):
        if spec.datatype not in contents.KNOWN:
            continue  # grpc.model.tensors
        message = f"output {spec.name!r} has not the datatype of the metadata"
        got = output["datatype"]
        check(got == spec.datatype, message, answer, rpc_scored.metadata, got=got, expected=spec.datatype)


@requirement("grpc.infer.output-shapes")
@given(data=st.data())
def test_output_shapes(rpc_scored: RpcModel, data: st.DataObject) -> None:
    answer = drawn(rpc_scored, data)
    for name, output in answer.outputs.items():
        sizes = tensors.is_shape(output["shape"])
        check(sizes, f"output {name!r} has a dimension below 0", answer, got=output["shape"])
    for spec, output in paired(rpc_scored, answer):
        got = output["shape"]
        message = f"output {spec.name!r} has not a shape of the metadata"
        fits = tensors.unifies(got, spec.shape) or min(spec.shape, default=0) < -1  # else grpc.model.tensors
        check(fits, message, answer, rpc_scored.metadata, got=got, expected=list(spec.shape))


@requirement("grpc.infer.output-unique")
def test_output_unique(rpc_scored: RpcModel) -> None:
    answer = rpc_scored.infer(rpc_scored.base_body)
    names = [output["name"] for output in answer.message.get("outputs", [])]
    twice = sorted({name for name in names if names.count(name) > 1})
    check(not twice, "outputs share a name", answer, got=", ".join(twice))


@requirement("grpc.infer.outputs-subset")
def test_outputs_subset(rpc_scored: RpcModel) -> None:
    names = output_names(rpc_scored)
    for wanted in (names, names[:1], names[-1:]) if names else ():
        answer = asking(rpc_scored, wanted)
        check_ok(answer, "these are outputs of the model")
        got = sorted(answer.outputs)
        check(got == wanted, "the outputs are not those asked for", answer, got=got, expected=wanted)


@requirement("grpc.infer.outputs-data")
def test_outputs_data(rpc_steady: RpcModel) -> None:
    for count in {1, min(rpc_steady.limit, 2)}:
        rows = [*rpc_steady.base_rows] * count
        usual = rpc_steady.predict(rows)
        for name in output_names(rpc_steady):
            answer = rpc_steady.predict(rows, outputs=[{"name": name}])
            if usual.answered and answer.answered:
                check_selected(answer, usual)


@requirement("grpc.infer.outputs-unknown")
def test_outputs_unknown(rpc_scored: RpcModel) -> None:
    check_refused(asking(rpc_scored, [_NO_OUTPUT]), f"there is no output {_NO_OUTPUT}")
