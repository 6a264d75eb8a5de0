"""Tensor data: forms, elements, rows."""

import math
from collections.abc import Callable, Sequence
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conformance.asking import strategies
from conformance.asking.batches import (
    MOST,
    REFUSALS,
    accepted_neighbours,
    check_rows,
    cut,
    large_answer,
    large_size,
)
from conformance.asking.inference import PARAMETERS, parametrised
from conformance.asking.model import Model
from conformance.asking.neighbours import around_null, respelled
from conformance.checks.assertions import by_rows, check, check_ok, check_status
from conformance.checks.skips import not_implemented, untested
from conformance.harness.target import Target
from conformance.oracles.echo import demand_echo
from conformance.oracles.known import known_parameters
from conformance.transport.exchange import Exchange
from conformance.transport.http import JSON
from conformance.wire import spelling, tensors
from conformance.wire.tensors import Row, TensorSpec
from spec.tables import CONTENT_TYPES, DATATYPES

requirement = pytest.mark.requirement
_fresh = count()
BLOCKS = (16, 32, 64, 128, 256)  # rows that fill the blocks in which servers predict


def _answered(model: Model, rows: Sequence[Row], **members: Any) -> Exchange:
    """The prediction for rows that the metadata allows; a refusal is v2.infer.answers' finding."""
    answer = model.predict(rows, **members)
    assume(answer.status == 200)
    return answer


def _base_or_drawn(model: Model) -> st.SearchStrategy[list[Row]]:
    """The good row, which comes first, or other rows."""
    return st.one_of(st.just(list(model.base_rows)), model.rows())


@requirement("v2.data.element-count")
@given(data=st.data())
def test_element_count(scored: Model, data: st.DataObject) -> None:
    answer = _answered(scored, data.draw(_base_or_drawn(scored)))
    for name, output in tensors.outputs_by_name(answer.json).items():
        shape, content = output.get("shape"), output.get("data")
        if not tensors.is_shape(shape):
            continue  # v2.infer.schema
        got = tensors.dimensions(content)
        count = math.prod(shape)
        fits = got in (tuple(shape), (count,)) or (count == 0 and not tensors.flat(content))
        check(
            fits,
            f"output {name!r} has not the elements of its shape {shape}",
            answer,
            got=got,
            expected=count,
        )


@requirement("v2.data.element-types")
@given(data=st.data())
def test_element_types(scored: Model, data: st.DataObject) -> None:
    answer = _answered(scored, data.draw(_base_or_drawn(scored)))
    for name, output in tensors.outputs_by_name(answer.json).items():
        datatype = str(output.get("datatype")).upper()
        for element in tensors.flat(output.get("data")):
            if element is None:
                continue  # v2.data.nonfinite
            wrong = tensors.misfit(datatype, element)
            check(not wrong, f"an element of {name!r} ({datatype}) {wrong}", answer, got=element)


@requirement("v2.data.integer-spelling")
@given(data=st.data())
def test_integer_spelling(scored: Model, data: st.DataObject) -> None:
    answer = _answered(scored, data.draw(_base_or_drawn(scored)))
    for output in tensors.outputs_by_name(answer.json).values():
        _check_spelling(answer, output)


@requirement("v2.data.integer-spelling")
def test_integer_spelling_of_metadata(model: Model) -> None:
    for member in ("inputs", "outputs"):
        declared = model.described.get(member)
        for tensor in declared if isinstance(declared, list) else []:
            if isinstance(tensor, dict):
                _check_spelling(model.metadata, tensor)


def _check_spelling(answer: Exchange, tensor: dict[str, Any]) -> None:
    found = tensors.with_fraction(tensor)
    check(not found, "an integer is written with a fraction", answer, got=found)


@requirement("v2.data.nested-accepted")
@given(data=st.data())
def test_nested_accepted(scored: Model, data: st.DataObject) -> None:
    rows = data.draw(scored.rows())
    _answered(scored, rows)
    check_ok(scored.predict(rows, nested=True), "the same data was accepted flat")
    flat, nested = (scored.body(rows, nested=n) for n in (False, True))
    if len(flat["inputs"]) > 1:
        mixed = flat | {"inputs": [*nested["inputs"][:1], *flat["inputs"][1:]]}
        check_ok(scored.infer(mixed), "the same data was accepted flat, and nested in all inputs")


@requirement("v2.data.flat-nested")
@given(data=st.data())
def test_flat_nested(steady: Model, data: st.DataObject) -> None:
    def compare(rows: Sequence[Row]) -> None:
        flat, nested = _answered(steady, rows), _answered(steady, rows, nested=True)
        different = tensors.difference(flat.json, nested.json)
        check(not different, "flat and nested data give different predictions", flat, nested, got=different)

    by_rows(compare, data.draw(steady.rows()))


@requirement("v2.data.batch-is-rows")
@given(data=st.data())
def test_batch_is_rows(batched: Model, data: st.DataObject) -> None:
    rows = data.draw(batched.rows(minimum=2, maximum=9))
    check_rows(batched, rows, _answered(batched, rows))


@requirement("v2.data.batch-is-rows")
def test_batch_is_neighbours(batched: Model) -> None:
    """Rows that share most of what they hold, in two batches that share their first and last rows."""
    first, *others = accepted_neighbours(batched)
    last = others.pop() if others else first
    for between in (others, others[::-1]):
        rows = [first, *between, last]
        if not _checked(batched, rows):
            for some in cut(rows, batched.limit):
                _checked(batched, some)


def _checked(model: Model, rows: Sequence[Row]) -> bool:
    """Whether the batch is answered; then it has the predictions of its rows."""
    answer = model.predict(rows)
    if answer.status == 200:
        check_rows(model, rows, answer)
    return answer.status == 200


@requirement("v2.data.batch-is-rows")
def test_batch_of_full_blocks(batched: Model) -> None:
    """Sizes at which servers cut, with few rows to ask for alone."""
    first, *others = accepted_neighbours(batched)
    few = [first, *others[-3:]]
    if batched.predict(few[:2]).status != 200:
        untested(f"{batched.name} refuses two rows that it accepts one at a time: v2.infer.answers")
    for size in (size for size in BLOCKS if size * batched.width <= MOST):
        rows = Random(size).choices(few, k=size)
        answer = batched.predict(rows)
        if answer.status in REFUSALS:
            break  # a server may limit the batch
        check_ok(answer, "a batch of two such rows was answered")
        check_rows(batched, rows, answer)


@requirement("v2.data.large-batch")
@settings(max_examples=2)
@given(data=st.data())
def test_large_batch(batched: Model, data: st.DataObject) -> None:
    few = data.draw(st.lists(batched.row(), min_size=3, max_size=3), label="rows")
    for row in few:
        _answered(batched, [row])
    rows = Random(0).choices(few, k=large_size(batched))
    check_rows(batched, rows, large_answer(batched, rows))


@requirement("v2.data.large-batch")
def test_large_batch_of_neighbours(batched: Model) -> None:
    """Two batches that differ in their middle row alone."""
    usual, *others = accepted_neighbours(batched)
    one = batched.predict([usual]).json
    other = next((row for row in others if tensors.difference(one, batched.predict([row]).json)), usual)
    size = large_size(batched)
    for middle in (usual, other):
        rows = [usual] * (size // 2) + [middle] + [usual] * (size - size // 2 - 1)
        check_rows(batched, rows, large_answer(batched, rows))


@requirement("v2.data.input-order")
@given(data=st.data())
def test_input_order(steady: Model, data: st.DataObject) -> None:
    if len(steady.inputs) < 2:
        not_implemented("the model has one input")
    body = steady.body(data.draw(steady.rows(maximum=2)))
    order = data.draw(st.permutations(body["inputs"]))
    one, two = steady.infer(body), steady.infer(body | {"inputs": order})
    assume(one.status == 200)
    check_ok(two, "the same inputs were accepted in another order")
    different = tensors.difference(one.json, two.json)
    check(not different, "the order of the inputs changes the prediction", one, two, got=different)


@requirement("v2.data.json-spelling")
def test_json_spelling(steady: Model) -> None:
    body = steady.base_body
    usual = steady.infer(body)
    for text in spelling.others(body):
        answer = steady.client.send("POST", steady.path("infer"), text.encode(), JSON)
        check_ok(answer, "the same JSON was accepted in another spelling")
        _check_same(answer, usual)


@requirement("v2.data.json-spelling")
@pytest.mark.parametrize("spelled", ["EXPONENTS", "INTEGERS", "DECIMALS", "SURROGATES"])
def test_json_spelling_of_elements(steady: Model, spelled: str) -> None:
    same: spelling.Spelling = getattr(spelling, spelled)
    usual, answer = respelled(steady, same)
    if same.refusable and answer.status != 200:
        untested(f"{same.other} are refused: v2.data.other-datatypes")
    check_ok(answer, "the same elements were accepted in another spelling")
    if same.exact:
        _check_same(answer, usual)


def _check_same(answer: Exchange, usual: Exchange) -> None:
    different = tensors.difference(answer.json, usual.json)
    check(not different, "the spelling of the JSON changes the prediction", answer, usual, got=different)


@requirement("v2.data.stateless")
@given(data=st.data())
def test_stateless(steady: Model, data: st.DataObject) -> None:
    assert steady.base is not None
    plain = steady.predict(steady.base_rows)
    different = tensors.difference(plain.json, steady.base.json)
    check(not different, "the answer changed after other requests", plain, got=different)
    # New ids: an answer that is kept by its id must not be the good one already.
    usual_id, id = (f"conformance-{next(_fresh):06}" for _ in range(2))
    usual = steady.predict(steady.base_rows, id=usual_id)
    assume(not tensors.difference(usual.json, steady.base.json))  # else v2.infer.deterministic
    other = steady.predict(data.draw(steady.rows(maximum=2)), id=id)
    again = steady.predict(steady.base_rows, id=id)
    different = tensors.difference(again.json, usual.json)
    check(not different, "the answer changed after another request", other, again, got=different)


@requirement("v2.data.stateless")
def test_stateless_selection(steady: Model) -> None:
    assert steady.base is not None
    names = list(tensors.outputs_by_name(steady.base.json))
    if not names:
        untested("the good answer has no outputs")
    usual = steady.predict(steady.base_rows)
    other = steady.predict(steady.base_rows, outputs=[{"name": names[0]}])
    again = steady.predict(steady.base_rows)
    different = tensors.difference(again.json, usual.json)
    check(not different, "the answer changed after a request for one output", other, again, got=different)


@requirement("v2.data.stateless")
@pytest.mark.parametrize("level", ["request", "inputs", "outputs"])
def test_stateless_parameters(steady: Model, target: Target, level: str) -> None:
    """Parameters and content types of one request are gone at the next, at whichever level they were."""
    usual = steady.infer(steady.base_body)
    known = known_parameters(target.answers, steady, "v2") if level == "request" else []
    asked = [steady.base_body | {"parameters": body["parameters"]} for body in known]
    for parameters in (PARAMETERS, *({"content_type": name} for name in CONTENT_TYPES)):
        asked.append(parametrised(steady, level, parameters))
    for body in asked:
        other, again = steady.infer(body), steady.infer(steady.base_body)
        message = f"the answer changed after a request with parameters of the {level}"
        check(again.status == usual.status, message, other, again, got=f"status {again.status}")
        different = tensors.difference(again.json, usual.json)
        check(not different, message, other, again, got=different)


def _echoes(model: Model, target: Target, element: str) -> list[TensorSpec]:
    """The inputs of this JSON type, when the model is known to return its inputs."""
    demand_echo(model, target.answers)
    datatypes = {name for name, row in DATATYPES.items() if row.element == element}
    # Text as a NumPy array ends at its last character that is not NUL: content-types.round-trip.np.
    contents = ("", "str") if element == "string" else ("", "np")
    plain = [s for s in model.inputs if s.datatype in datatypes and s.content_type in contents]
    if not plain:
        not_implemented(f"the model has no such input: {', '.join(sorted(datatypes))}")
    return plain


def _check_echo(model: Model, target: Target, element: str, data: st.DataObject | None = None) -> None:
    """Whatever the inputs of this JSON type hold comes back: what is drawn, else the hard elements."""
    specs = _echoes(model, target, element)
    if data is not None:
        _check_returned(model, specs, data.draw(strategies.extreme_row(specs)))
        return
    for row in strategies.hard_rows(specs):
        _check_returned(model, specs, row)
        _check_returned(model, specs, row, nested=True)


def _check_returned(model: Model, specs: Sequence[TensorSpec], sent: Row, *, nested: bool = False) -> None:
    """What the row holds comes back in the outputs of the same names."""
    answer = model.predict([{**model.base_rows[0], **sent}], nested=nested)
    if answer.status != 200 and nested:
        untested("nested data is refused: v2.data.nested-accepted")
    check_ok(answer, "the request fits the metadata of a model that takes anything")
    outputs = tensors.outputs_by_name(answer.json)
    for position, spec in enumerate(model.inputs):
        if spec not in specs:
            continue
        output = outputs.get(spec.name) or list(outputs.values())[position]
        got, expected = tensors.flat(output.get("data")), list(sent[spec.name])
        message = f"{spec.name!r} ({spec.datatype}) came back changed"
        same = got == expected or tensors.held(got, spec.datatype) == tensors.held(expected, spec.datatype)
        check(same, message, answer, got=got, expected=expected)


@requirement("v2.data.exact-integers")
@given(data=st.data())
def test_exact_integers_drawn(scored: Model, target: Target, data: st.DataObject) -> None:
    _check_echo(scored, target, "integer", data)


@requirement("v2.data.exact-integers")
def test_exact_integers(scored: Model, target: Target) -> None:
    _check_echo(scored, target, "integer")


@requirement("v2.data.exact-floats")
@given(data=st.data())
def test_exact_floats_drawn(scored: Model, target: Target, data: st.DataObject) -> None:
    _check_echo(scored, target, "number", data)


@requirement("v2.data.exact-floats")
def test_exact_floats(scored: Model, target: Target) -> None:
    _check_echo(scored, target, "number")


@requirement("v2.data.exact-strings")
@given(data=st.data())
def test_exact_strings_drawn(scored: Model, target: Target, data: st.DataObject) -> None:
    _check_echo(scored, target, "string", data)


@requirement("v2.data.exact-strings")
def test_exact_strings(scored: Model, target: Target) -> None:
    _check_echo(scored, target, "string")


@requirement("v2.data.exact-booleans")
@given(data=st.data())
def test_exact_booleans_drawn(scored: Model, target: Target, data: st.DataObject) -> None:
    _check_echo(scored, target, "boolean", data)


@requirement("v2.data.exact-booleans")
def test_exact_booleans(scored: Model, target: Target) -> None:
    _check_echo(scored, target, "boolean")


@requirement("v2.data.null")
def test_null(scored: Model, target: Target) -> None:
    """A null alone, before and after a number."""
    for spec in _echoes(scored, target, "number"):
        for rows, place in around_null(scored, spec):
            answer = scored.predict(rows)
            if answer.status == 200:
                output = tensors.outputs_by_name(answer.json).get(spec.name, {})
                got = tensors.flat(output.get("data"))[place * spec.row_size :][: spec.row_size]
                told = [e for e in got if e is not None and e == e]
                check(not told, f"a number was made up for null in {spec.name!r}", answer, got=got)


@requirement("v2.data.zero-rows")
def test_zero_rows(batched: Model) -> None:
    answer = batched.predict([])
    check_status(answer, range(200, 500), "a batch of no rows is no failure of the server")
    if answer.status == 200:
        left = {n: o.get("data") for n, o in tensors.outputs_by_name(answer.json).items() if o.get("data")}
        check(not left, "no rows were sent, yet rows came back", answer, got=left)
        shapes = [o.get("shape") for o in tensors.outputs_by_name(answer.json).values()]
        full = [shape for shape in shapes if tensors.is_shape(shape) and 0 not in shape]
        check(not full, "no rows were sent, yet a shape tells of some", answer, got=full)


@requirement("v2.data.answer-form")
def test_answer_form(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    answer = scored.infer(scored.base_body)
    outputs = tensors.outputs_by_name(answer.json).values()
    nested = {
        len(tensors.dimensions(o.get("data")) or ()) > 1 for o in outputs if len(o.get("shape") or []) > 1
    }
    behaviour("data", " and ".join(sorted("nested" if n else "flat" for n in nested)) or "one dimension")


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
