"""Inference over gRPC: that the model answers, as it should, and the same again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.asking import demands
from conformance.asking.batches import accepted_neighbours
from conformance.asking.inference import check_same, versions
from conformance.asking.rpc import RpcModel
from conformance.asking.server import UNKNOWN, unknown_versions
from conformance.checks.absent import check_absent
from conformance.checks.assertions import check, check_no_failure, check_ok, check_rejected, check_takes
from conformance.checks.skips import not_implemented, untested
from conformance.harness.target import Target
from conformance.oracles.answers import cases
from conformance.oracles.known import check_v2
from conformance.transport.answer import Answer
from conformance.wire import tensors
from conformance.wire.messages import Form

requirement = pytest.mark.requirement
_KINDS: dict[str, Any] = {
    "bool_param": True,
    "int64_param": 7,
    "string_param": "text",
    "double_param": 0.5,
    "uint64_param": 2**64 - 1,
}


@requirement("grpc.infer.answers")
@given(data=st.data())
def test_answers(rpc_scored: RpcModel, data: st.DataObject) -> None:
    check_takes(rpc_scored.name, rpc_scored.trial.refusals)
    demands.answers(rpc_scored, data.draw(rpc_scored.rows(maximum=2)))


@requirement("grpc.infer.answers")
def test_answers_batch(rpc_scored: RpcModel) -> None:
    demands.answers_batch(rpc_scored)


@requirement("grpc.infer.known-answers")
def test_known_answers(rpc_model: RpcModel, target: Target) -> None:
    listed = cases(target.answers, rpc_model.name, "v2")
    if not listed:
        untested("needs known answers: --answers PATH")
    for case in listed:
        if case.response is None and any(map(tensors.has_misfit, case.request["inputs"])):
            continue  # gRPC can't say it
        for form in Form if case.response is not None else [rpc_model.transport.form]:
            answer = rpc_model.infer_as(form, case.request)
            # FP32 for FP64 or [1] for [-1, 1] may be refused, as over HTTP.
            if answer.answered or rpc_model.fits(case.request):
                check_v2(case, answer)


@requirement("grpc.infer.model-name")
def test_model_name(rpc_scored: RpcModel) -> None:
    for version in versions(rpc_scored):
        answer = rpc_scored.infer(rpc_scored.base_body, version)
        _check_name(rpc_scored, answer)


@requirement("grpc.infer.model-name")
def test_model_name_forms(rpc_scored: RpcModel) -> None:
    for form in Form:
        _check_name(rpc_scored, rpc_scored.infer_as(form, rpc_scored.base_body))


def _check_name(model: RpcModel, answer: Answer) -> None:
    __tracebackhide__ = True
    got = answer.model_name if answer.answered else model.name
    check(got == model.name, "model_name is wrong", answer, got=got, expected=model.name)


@requirement("grpc.infer.model-version")
def test_model_version(rpc_scored: RpcModel) -> None:
    demands.listed_versions(rpc_scored)


@requirement("grpc.infer.model-version")
def test_named_version(rpc_scored: RpcModel) -> None:
    named = rpc_scored.infer(rpc_scored.base_body).model_version
    if not named:
        not_implemented("an answer names no version")
    answer = rpc_scored.infer(rpc_scored.base_body, named)
    check_ok(answer, f"an answer names {named!r} as the version that was used")


@requirement("grpc.infer.unknown-model")
def test_unknown_model(rpc_scored: RpcModel) -> None:
    answer = rpc_scored.transport.infer(UNKNOWN, "", rpc_scored.base_body)
    check_rejected(answer, "there is no such model")


@requirement("grpc.infer.unknown-version")
def test_unknown_version(rpc_scored: RpcModel) -> None:
    for version in unknown_versions(rpc_scored):
        check_rejected(rpc_scored.infer(rpc_scored.base_body, version), f"there is no version {version}")


@requirement("grpc.infer.unknown-status")
def test_unknown_status(rpc_scored: RpcModel) -> None:
    versions = [rpc_scored.infer(rpc_scored.base_body, version) for version in unknown_versions(rpc_scored)]
    check_absent(rpc_scored.transport.infer(UNKNOWN, "", rpc_scored.base_body), versions)


@requirement("grpc.infer.deterministic")
def test_deterministic_from_the_first(rpc_scored: RpcModel) -> None:
    demands.fails_still(rpc_scored)


@requirement("grpc.infer.deterministic")
def test_deterministic(rpc_scored: RpcModel) -> None:
    first = rpc_scored.predict(rpc_scored.base_rows)
    for _ in range(3 if rpc_scored.deterministic else 200):
        second = rpc_scored.predict(rpc_scored.base_rows)
        check(second.status == first.status, "the same request has another answer", first, second)
        check_same(first, second, "the same request has another answer")


@requirement("grpc.infer.parameters")
@pytest.mark.parametrize("level", ["request", "inputs", "outputs"])
def test_parameters(rpc_scored: RpcModel, level: str) -> None:
    assert rpc_scored.base is not None
    for kind, value in _KINDS.items():
        message = rpc_scored.message()
        if level == "outputs":
            for name in rpc_scored.base.outputs:
                message.outputs.add(name=name)
        for holder in [message] if level == "request" else getattr(message, level):
            setattr(holder.parameters["conformance"], kind, value)
        check_no_failure(rpc_scored.send(message), f"a {kind} of the {level} is no server error")


@requirement("grpc.infer.parameters-harmless")
def test_parameters_harmless(rpc_steady: RpcModel) -> None:
    demands.parameters_harmless(rpc_steady)


@requirement("grpc.infer.parameter-unset")
def test_parameter_unset(rpc_scored: RpcModel) -> None:
    answer = rpc_scored.changed(lambda message: message.parameters["conformance"].SetInParent())
    check_no_failure(answer, "a parameter without a value is no server error")


@requirement("grpc.infer.input-order")
@pytest.mark.parametrize("form", Form)
def test_input_order(rpc_steady: RpcModel, form: Form) -> None:
    if len(rpc_steady.inputs) < 2:
        not_implemented("the model has one input")
    for row in accepted_neighbours(rpc_steady):
        body = rpc_steady.body([row])
        turned = body | {"inputs": body["inputs"][::-1]}
        one, two = (rpc_steady.infer_as(form, asked) for asked in (body, turned))
        if not one.answered:
            untested(f"the good request is refused in its {form.value} form")
        check_ok(two, "the same inputs were accepted in another order")
        check_same(one, two, "the order of the inputs changes the prediction")
