"""The contents of tensors: those of a request that do not fit its shapes, its datatypes, or each other."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from conformance.asking.rpc import RpcModel
from conformance.checks.assertions import check_refused
from conformance.checks.skips import not_implemented, untested
from conformance.transport.answer import Answer
from conformance.wire import contents
from conformance.wire.messages import Form
from spec.tables import DATATYPES

requirement = pytest.mark.requirement
_OTHER = {"fp32_contents": "int64_contents", "fp64_contents": "fp32_contents"}


def _good(model: RpcModel, form: Form) -> None:
    """Go on where the good request is taken in this form."""
    if form is Form.TYPED and not all(contents.field(t["datatype"]) for t in model.base_body["inputs"]):
        not_implemented("the model has an input that is raw only")
    if not model.infer_as(form, model.base_body).answered:
        untested(f"the good request is refused in its {form.value} form: grpc.contents.{form.value}-accepted")


def _sized(model: RpcModel) -> int:
    """The place of the first input whose elements have a size, and that has any."""
    inputs = model.base_body["inputs"]
    places = [p for p, tensor in enumerate(inputs) if tensor["datatype"] in contents.SIZES and tensor["data"]]
    if not places:
        not_implemented("the model has no input of numbers")
    return places[0]


def _field(message: Any, place: int) -> Any:
    """The typed field of an input that holds its elements."""
    tensor = message.inputs[place]
    return getattr(tensor.contents, contents.field(tensor.datatype))


@requirement("grpc.contents.both-refused")
def test_both_refused(rpc_scored: RpcModel) -> None:
    for form in Form:
        _good(rpc_scored, form)
    raw = rpc_scored.message(Form.RAW).raw_input_contents
    answer = rpc_scored.changed(lambda m: m.raw_input_contents.extend(raw), Form.TYPED)
    check_refused(answer, "the request has typed contents and raw ones")


@requirement("grpc.contents.raw-count-refused")
def test_raw_count_refused(rpc_scored: RpcModel) -> None:
    _good(rpc_scored, Form.RAW)

    def fewer(message: Any) -> None:
        del message.raw_input_contents[-1]

    if len(rpc_scored.inputs) > 1:  # of one input, none is left, and it has no contents
        answer = rpc_scored.changed(fewer, Form.RAW)
        check_refused(answer, "raw contents are missing for the last input")
    answer = rpc_scored.changed(lambda m: m.raw_input_contents.append(m.raw_input_contents[-1]), Form.RAW)
    check_refused(answer, "there are more raw contents than inputs")


def _raw(model: RpcModel, place: int, change: Callable[[bytes], bytes]) -> Answer:
    message = model.message(Form.RAW)
    message.raw_input_contents[place] = change(message.raw_input_contents[place])
    return model.send(message)


@requirement("grpc.contents.raw-size-refused")
def test_raw_size_refused(rpc_scored: RpcModel) -> None:
    _good(rpc_scored, Form.RAW)
    place = _sized(rpc_scored)
    size = contents.SIZES[rpc_scored.base_body["inputs"][place]["datatype"]]
    for what, change in _sizes(size):
        check_refused(_raw(rpc_scored, place, change), f"inputs[{place}]: {what}")


def _sizes(size: int) -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    yield "its raw contents have an element too many", lambda raw: raw + raw[-size:]
    yield "its raw contents lack an element", lambda raw: raw[:-size]
    if size > 1:
        yield "its raw contents lack a byte", lambda raw: raw[:-1]


@requirement("grpc.contents.typed-count-refused")
def test_typed_count_refused(rpc_scored: RpcModel) -> None:
    _good(rpc_scored, Form.TYPED)
    place = _sized(rpc_scored)

    def more(message: Any) -> None:
        _field(message, place).append(_field(message, place)[-1])

    def fewer(message: Any) -> None:
        del _field(message, place)[-1]

    for what, change in (("an element too many", more), ("an element too few", fewer)):
        check_refused(rpc_scored.changed(change, Form.TYPED), f"inputs[{place}] has {what}")


@requirement("grpc.contents.wrong-field-refused")
def test_wrong_field_refused(rpc_scored: RpcModel) -> None:
    _good(rpc_scored, Form.TYPED)
    place = _sized(rpc_scored)

    def moved(message: Any) -> None:
        right = contents.field(message.inputs[place].datatype)
        wrong = _OTHER.get(right, "fp64_contents")
        count = len(_field(message, place))
        message.inputs[place].ClearField("contents")
        getattr(message.inputs[place].contents, wrong).extend([1] * count)

    answer = rpc_scored.changed(moved, Form.TYPED)
    check_refused(answer, f"the elements of inputs[{place}] stand in the field of another datatype")


@requirement("grpc.contents.range-refused")
def test_range_refused(rpc_scored: RpcModel) -> None:
    """INT8 and INT16 stand in a field of 32 bits, UINT8 and UINT16 too."""
    _good(rpc_scored, Form.TYPED)
    small = {"INT8", "INT16", "UINT8", "UINT16"}
    tensors = rpc_scored.base_body["inputs"]
    places = [p for p, tensor in enumerate(tensors) if tensor["datatype"] in small and tensor["data"]]
    if not places:
        not_implemented(f"the model has no input of {', '.join(sorted(small))}")
    for place in places:
        above = (DATATYPES[tensors[place]["datatype"]].maximum or 0) + 1
        message = rpc_scored.message(Form.TYPED)
        _field(message, place)[0] = above
        check_refused(rpc_scored.send(message), f"{above} in inputs[{place}] is out of range")


@requirement("grpc.contents.length-prefix-refused")
def test_length_prefix_refused(rpc_scored: RpcModel) -> None:
    _good(rpc_scored, Form.RAW)
    places = [
        p for p, t in enumerate(rpc_scored.base_body["inputs"]) if t["datatype"] == "BYTES" and t["data"]
    ]
    if not places:
        not_implemented("the model has no input of BYTES")
    for what, change in (
        ("a length is beyond its buffer", lambda raw: b"\xff\xff\xff\x7f" + raw[4:]),
        ("a length is cut", lambda raw: raw + b"\x01\0"),
    ):
        check_refused(_raw(rpc_scored, places[0], change), f"inputs[{places[0]}]: {what}")


@requirement("grpc.contents.half-typed-refused")
def test_half_typed_refused(rpc_scored: RpcModel) -> None:
    places = [
        p for p, t in enumerate(rpc_scored.base_body["inputs"]) if t["datatype"] == "FP16" and t["data"]
    ]
    if not places:
        not_implemented("the model has no input of FP16")
    others = [t["datatype"] for t in rpc_scored.base_body["inputs"] if t["datatype"] != "FP16"]
    body = rpc_scored.base_body
    typed = body | {
        "inputs": [t | {"datatype": "FP32"} if t["datatype"] == "FP16" else t for t in body["inputs"]]
    }
    message = rpc_scored.message(Form.TYPED, typed)
    for place in places:
        message.inputs[place].datatype = "FP16"
    check_refused(rpc_scored.send(message), f"FP16 is raw only (beside {', '.join(others) or 'nothing'})")


@requirement("grpc.contents.missing-refused")
def test_missing_refused(rpc_scored: RpcModel) -> None:
    _good(rpc_scored, Form.TYPED)
    place = _sized(rpc_scored)
    answer = rpc_scored.changed(lambda m: m.inputs[place].ClearField("contents"), Form.TYPED)
    check_refused(answer, f"inputs[{place}] has no contents")
