"""Tensor data in JSON: flat or nested, and how numbers and texts are spelled."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.asking.elements import respelled
from conformance.asking.inference import answered, check_same, good_or_drawn
from conformance.asking.model import Model
from conformance.asking.rest import RestModel
from conformance.checks.assertions import by_rows, check, check_ok
from conformance.checks.skips import untested
from conformance.transport.answer import Answer
from conformance.transport.rest import read
from conformance.wire import spelling, tensors
from conformance.wire.jsontext import written
from conformance.wire.tensors import Row

requirement = pytest.mark.requirement


@requirement("v2.data.integer-spelling")
@given(data=st.data())
def test_integer_spelling(scored: Model, data: st.DataObject) -> None:
    answer = answered(scored, data.draw(good_or_drawn(scored)))
    for output in answer.outputs.values():
        _check_spelling(answer, output)


@requirement("v2.data.integer-spelling")
def test_integer_spelling_of_metadata(model: RestModel) -> None:
    for member in ("inputs", "outputs"):
        declared = model.described.get(member)
        for tensor in declared if isinstance(declared, list) else []:
            if isinstance(tensor, dict):
                _check_spelling(model.metadata, tensor)


def _check_spelling(answer: Answer, tensor: dict[str, Any]) -> None:
    found = tensors.with_fraction(tensor)
    check(not found, "an integer is written with a fraction", answer, got=found)


@requirement("v2.data.nested-accepted")
@given(data=st.data())
def test_nested_accepted(scored: Model, data: st.DataObject) -> None:
    rows = data.draw(scored.rows())
    answered(scored, rows)
    check_ok(scored.predict(rows, nested=True), "the same data was accepted flat")
    flat, nested = (scored.body(rows, nested=n) for n in (False, True))
    if len(flat["inputs"]) > 1:
        mixed = flat | {"inputs": [*nested["inputs"][:1], *flat["inputs"][1:]]}
        check_ok(scored.infer(mixed), "the same data was accepted flat, and nested in all inputs")


@pytest.fixture(scope="module")
def nesting(steady: Model) -> Model:
    """A steady model that takes the good request with nested data."""
    if not steady.predict(steady.base_rows, nested=True).answered:
        untested("nested data is refused: v2.data.nested-accepted")
    return steady


@requirement("v2.data.flat-nested")
@given(data=st.data())
def test_flat_nested(nesting: Model, data: st.DataObject) -> None:
    def compare(rows: Sequence[Row]) -> None:
        flat, nested = answered(nesting, rows), answered(nesting, rows, nested=True)
        different = tensors.difference(flat.outputs, nested.outputs)
        check(not different, "flat and nested data give different predictions", flat, nested, got=different)

    by_rows(compare, data.draw(nesting.rows()))


@requirement("v2.data.json-spelling")
def test_json_spelling(steady: RestModel) -> None:
    body = steady.base_body
    usual = steady.infer(body)
    for text in spelling.others(body):
        answer = read(steady.post(text.encode()))
        check_ok(answer, "the same JSON was accepted in another spelling")
        check_same(answer, usual, "the spelling of the JSON changes the prediction")


@requirement("v2.data.json-spelling")
def test_json_spelling_of_slashes(steady: RestModel) -> None:
    """With an escape before each slash, as PHP writes it."""
    text = written(steady.base_body | {"id": "a/b"})
    usual, answer = (read(steady.post(sent)) for sent in (text, text.replace(b"a/b", b"a\\/b")))
    if usual.answered:
        check_ok(answer, "the same JSON was accepted in another spelling")


@requirement("v2.data.json-spelling")
@pytest.mark.parametrize("spelled", ["EXPONENTS", "INTEGERS", "DECIMALS", "SURROGATES"])
def test_json_spelling_of_elements(steady: RestModel, spelled: str) -> None:
    same: spelling.Spelling = getattr(spelling, spelled)
    usual, answer = respelled(steady, same)
    if same.refusable and not answer.answered:
        untested(f"{same.other} are refused: v2.data.other-datatypes")
    check_ok(answer, "the same elements were accepted in another spelling")
    if same.exact:
        check_same(answer, usual, "the spelling of the JSON changes the prediction")


@requirement("v2.data.answer-form")
def test_answer_form(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    answer = scored.infer(scored.base_body)
    outputs = answer.outputs.values()
    nested = {
        len(tensors.dimensions(o.get("data")) or ()) > 1 for o in outputs if len(o.get("shape") or []) > 1
    }
    behaviour("data", " and ".join(sorted("nested" if n else "flat" for n in nested)) or "one dimension")
