"""Tensor data: elements, rows, inputs."""

import math
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking.inference import answered, good_or_drawn
from conformance.asking.model import Model
from conformance.checks.assertions import check, check_no_failure, check_ok
from conformance.checks.skips import not_implemented
from conformance.transport.answer import Answer
from conformance.wire import tensors

requirement = pytest.mark.requirement


@requirement("v2.data.element-count")
@given(data=st.data())
def test_element_count(scored: Model, data: st.DataObject) -> None:
    _check_counts(answered(scored, data.draw(good_or_drawn(scored))))


@requirement("v2.data.element-count")
def test_element_count_of_a_batch(scored: Model) -> None:
    answer = scored.predict([*scored.base_rows] * min(scored.limit, 3))
    if answer.answered:
        _check_counts(answer)


def _check_counts(answer: Answer) -> None:
    """The data of each output has the elements of its shape, flat or nested as the shape says."""
    for name, output in answer.outputs.items():
        shape, content = output.get("shape"), output.get("data")
        if not tensors.is_shape(shape):
            continue  # v2.infer.schema
        got = tensors.dimensions(content)
        count = math.prod(shape)
        fits = got in (tuple(shape), (count,)) or (count == 0 and not tensors.flat(content))
        message = f"output {name!r} has not the elements of its shape {shape}"
        check(fits, message, answer, got=got, expected=count)


@requirement("v2.data.element-types")
@given(data=st.data())
def test_element_types(scored: Model, data: st.DataObject) -> None:
    answer = answered(scored, data.draw(good_or_drawn(scored)))
    for name, output in answer.outputs.items():
        datatype = str(output.get("datatype")).upper()
        for element in tensors.flat(output.get("data")):
            if element is None:
                continue  # v2.data.nonfinite
            wrong = tensors.misfit(datatype, element)
            check(not wrong, f"an element of {name!r} ({datatype}) {wrong}", answer, got=element)


@requirement("v2.data.input-order")
@given(data=st.data())
def test_input_order(steady: Model, data: st.DataObject) -> None:
    if len(steady.inputs) < 2:
        not_implemented("the model has one input")
    body = steady.body(data.draw(steady.rows(maximum=2)))
    order = data.draw(st.permutations(body["inputs"]))
    one, two = steady.infer(body), steady.infer(body | {"inputs": order})
    assume(one.answered)
    check_ok(two, "the same inputs were accepted in another order")
    different = tensors.difference(one.outputs, two.outputs)
    check(not different, "the order of the inputs changes the prediction", one, two, got=different)


@requirement("v2.data.zero-rows")
def test_zero_rows(batched: Model) -> None:
    answer = batched.predict([])
    check_no_failure(answer, "a batch of no rows is no failure of the server")
    if answer.answered:
        left = {n: o.get("data") for n, o in answer.outputs.items() if o.get("data")}
        check(not left, "no rows were sent, yet rows came back", answer, got=left)
        shapes = [o.get("shape") for o in answer.outputs.values()]
        full = [shape for shape in shapes if tensors.is_shape(shape) and 0 not in shape]
        check(not full, "no rows were sent, yet a shape tells of some", answer, got=full)


@requirement("v2.data.other-datatypes")
def test_other_datatypes(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    floats = [s.name for s in scored.inputs if s.datatype == "FP64"]
    if not floats:
        not_implemented("the model has no FP64 input")
    body = scored.base_body
    narrow = [t | {"datatype": "FP32"} if t["name"] in floats else t for t in body["inputs"]]
    whole = [
        t | {"data": [round(x) for x in tensors.flat(t["data"])]} if t["name"] in floats else t
        for t in body["inputs"]
    ]
    behaviour("FP32 for FP64", str(scored.infer(body | {"inputs": narrow}).status))
    behaviour("1 for 1.0", str(scored.infer(body | {"inputs": whole}).status))
