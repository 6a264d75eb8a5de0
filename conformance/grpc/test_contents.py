"""The contents of tensors: what an answer's typed fields and raw bytes hold."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from conformance.asking.batches import bulky_size, repeated
from conformance.asking.inference import check_same, output_names, whole_numbers
from conformance.asking.rpc import RpcModel
from conformance.checks.assertions import check, check_ok
from conformance.checks.skips import not_implemented, untested
from conformance.transport.answer import Answer
from conformance.transport.rpc import carried
from conformance.wire import contents, tensors
from conformance.wire.messages import Form
from conformance.wire.tensors import Row

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


@requirement("grpc.contents.raw-accepted")
def test_raw_accepted_batch(rpc_scored: RpcModel) -> None:
    rows = _together(rpc_scored)
    if rpc_scored.infer_as(Form.TYPED, rpc_scored.body(rows)).answered:
        answer = rpc_scored.infer_as(Form.RAW, rpc_scored.body(rows))
        check_ok(answer, "the same request is answered where its contents are typed")


def _together(model: RpcModel) -> list[Row]:
    """Rows of all sorts, as many as are taken at once."""
    accepted = [row for row, answer in model.trial.answers if answer.answered] or model.base_rows
    return [*accepted][: model.limit]


def _requests(model: RpcModel) -> Iterator[dict[str, Any]]:
    """Rows alone and together, and each output alone."""
    yield from (model.body([row]) for row in model.probes)
    yield model.body(_together(model))
    yield from (model.base_body | {"outputs": [{"name": name}]} for name in output_names(model))


def _readable(answer: Answer) -> bool:
    """Whether each output has the elements of its shape; else see grpc.contents.answer-raw-size."""
    return answer.answered and all(
        "data" in output and len(output["data"]) == math.prod(output["shape"])
        for output in answer.outputs.values()
    )


@requirement("grpc.contents.raw-equals-typed")
def test_raw_equals_typed(rpc_steady: RpcModel) -> None:
    for body in _requests(rpc_steady):
        _check_same_of_both(rpc_steady, body)


@requirement("grpc.contents.raw-equals-typed")
def test_raw_equals_typed_large(rpc_batched: RpcModel) -> None:
    """More than fits into a buffer of 64 KiB."""
    _check_same_of_both(rpc_batched, rpc_batched.body(repeated(rpc_batched, bulky_size(rpc_batched))))


def _check_same_of_both(model: RpcModel, body: Mapping[str, Any]) -> None:
    __tracebackhide__ = True
    typed, raw = (model.infer_as(form, body) for form in Form)
    if _readable(typed) and _readable(raw):
        check_same(typed, raw, "raw contents have another prediction than typed ones")


@requirement("grpc.contents.raw-datatype")
def test_raw_datatype(rpc_steady: RpcModel) -> None:
    """Whole numbers, as the inputs have them and as another datatype of the same size."""
    whole, others = whole_numbers(rpc_steady)
    typed, usual = (rpc_steady.infer_as(form, whole) for form in Form)
    if not usual.answered:
        untested("raw contents are refused: grpc.contents.raw-accepted")
    if typed.answered and tensors.difference(typed.outputs, usual.outputs):
        untested("raw contents have another prediction than typed ones: grpc.contents.raw-equals-typed")
    answer = rpc_steady.infer_as(Form.RAW, others)
    if answer.answered:
        check_same(usual, answer, "the same numbers as raw contents of another datatype")


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
