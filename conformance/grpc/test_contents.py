"""The contents of tensors: what an answer's typed fields and raw bytes hold."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.asking.inference import output_names
from conformance.asking.rpc import RpcModel
from conformance.checks.assertions import check, check_ok
from conformance.checks.skips import not_implemented, untested
from conformance.transport.answer import Answer
from conformance.transport.rpc import carried
from conformance.wire import contents, tensors
from conformance.wire.messages import Form

requirement = pytest.mark.requirement
_HALF = ("FP16", "BF16")


def _answers(model: RpcModel) -> Iterator[tuple[Form, Answer, Any]]:
    """Good answers and their messages: in both forms, to one row and to several, for all outputs and one."""
    names = [[], output_names(model)[-1:]]
    for form in Form:
        for count in {1, min(model.limit, 3)}:
            for wanted in names:
                asked: dict[str, Any] = {"outputs": [{"name": name} for name in wanted]} if wanted else {}
                answer = model.infer_as(form, model.body([*model.base_rows] * count, **asked))
                if answer.answered and carried(answer).message is not None:
                    yield form, answer, carried(answer).message


def _held(output: Any) -> dict[str, int]:
    """How many elements each typed field of an output has, those that have any."""
    return {field.name: len(value) for field, value in output.contents.ListFields()}


@requirement("grpc.contents.typed-accepted")
def test_typed_accepted(rpc_scored: RpcModel) -> None:
    if any(spec.datatype in _HALF for spec in rpc_scored.inputs):
        not_implemented("the model has an input that is raw only")
    check_ok(rpc_scored.infer_as(Form.TYPED, rpc_scored.base_body), "the contents are typed")


@requirement("grpc.contents.raw-accepted")
def test_raw_accepted(rpc_scored: RpcModel) -> None:
    check_ok(rpc_scored.infer_as(Form.RAW, rpc_scored.base_body), "the contents are raw")


def _readable(answer: Answer) -> bool:
    """Whether each output has the elements of its shape; else see grpc.contents.answer-raw-size."""
    return answer.answered and all(
        "data" in output and len(output["data"]) == math.prod(output["shape"])
        for output in answer.outputs.values()
    )


@requirement("grpc.contents.raw-equals-typed")
def test_raw_equals_typed(rpc_steady: RpcModel) -> None:
    for row in rpc_steady.probes:
        typed, raw = (rpc_steady.infer_as(form, rpc_steady.body([row])) for form in Form)
        if _readable(typed) and _readable(raw):
            different = tensors.difference(typed.outputs, raw.outputs)
            check(
                not different,
                "raw contents have another prediction than typed ones",
                typed,
                raw,
                got=different,
            )


@requirement("grpc.contents.answer-one-form")
def test_answer_one_form(rpc_scored: RpcModel) -> None:
    for _, answer, message in _answers(rpc_scored):
        both = (
            [output.name for output in message.outputs if _held(output)]
            if message.raw_output_contents
            else []
        )
        check(not both, "the answer has raw contents, and typed ones beside them", answer, got=both)


@requirement("grpc.contents.answer-raw-count")
def test_answer_raw_count(rpc_scored: RpcModel) -> None:
    for _, answer, message in _answers(rpc_scored):
        got, expected = len(message.raw_output_contents), len(message.outputs)
        told = "raw contents are not one for each output"
        check(got in (0, expected), told, answer, got=got, expected=expected)


@requirement("grpc.contents.answer-raw-size")
def test_answer_raw_size(rpc_scored: RpcModel) -> None:
    for _, answer, message in _answers(rpc_scored):
        for output, raw in zip(message.outputs, message.raw_output_contents, strict=False):
            try:
                got: Any = len(contents.unpacked(output.datatype, raw))
            except ValueError as error:
                got = str(error)
            _check_count(answer, output, got)


def _check_count(answer: Answer, output: Any, got: Any) -> None:
    __tracebackhide__ = True
    if min(output.shape, default=0) < 0 or output.datatype not in contents.KNOWN:
        return  # grpc.infer.output-shapes, grpc.infer.output-datatypes
    expected = math.prod(output.shape)
    message = f"{output.name!r} has not the elements of its shape {list(output.shape)}"
    check(got == expected, message, answer, got=got, expected=expected)


@requirement("grpc.contents.answer-typed-field")
def test_answer_typed_field(rpc_scored: RpcModel) -> None:
    for _, answer, message in _answers(rpc_scored):
        for output in message.outputs if not message.raw_output_contents else ():
            expected = contents.field(output.datatype)
            wrong = sorted(set(_held(output)) - {expected})
            told = f"{output.name!r} ({output.datatype}) has its elements in another field"
            check(output.datatype in _HALF or not wrong, told, answer, got=wrong, expected=expected)


@requirement("grpc.contents.answer-typed-count")
def test_answer_typed_count(rpc_scored: RpcModel) -> None:
    for _, answer, message in _answers(rpc_scored):
        for output in message.outputs if not message.raw_output_contents else ():
            if field := contents.field(output.datatype):
                held = _held(output)
                if not held.keys() - {field}:  # else grpc.contents.answer-typed-field
                    _check_count(answer, output, held.get(field, 0))


@requirement("grpc.contents.half-raw")
def test_half_raw(rpc_scored: RpcModel) -> None:
    found = False
    for _, answer, message in _answers(rpc_scored):
        for output in message.outputs:
            if output.datatype in _HALF:
                found = True
                raw = bool(message.raw_output_contents)
                check(raw, f"{output.name!r} ({output.datatype}) has no typed field: it must be raw", answer)
    if not found:
        not_implemented("the model has no output of FP16 or BF16")


@requirement("grpc.contents.answer-elements")
def test_answer_elements(rpc_scored: RpcModel) -> None:
    """Small integers stand in fields of 32 bits, which can hold more."""
    for _, answer, _ in _answers(rpc_scored):
        for name, output in answer.outputs.items():
            for element in output.get("data", []):
                wrong = "" if isinstance(element, bytes) else tensors.misfit(output["datatype"], element)
                check(
                    not wrong, f"an element of {name!r} ({output['datatype']}) {wrong}", answer, got=element
                )


@requirement("grpc.contents.answer-form")
def test_answer_form(rpc_scored: RpcModel, behaviour: Callable[[str, str], None]) -> None:
    seen = False
    for form, _, message in _answers(rpc_scored):
        behaviour(f"after {form.value}", "raw" if message.raw_output_contents else "typed")
        seen = True
    if not seen:
        untested("no answer can be read")
