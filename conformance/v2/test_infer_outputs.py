"""Inference: the outputs of the answer, and those asked for."""

from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking import demands
from conformance.asking.inference import (
    asking,
    check_selected,
    choices,
    declared,
    drawn,
    order_of,
)
from conformance.asking.model import Model
from conformance.checks.assertions import check, check_ok

requirement = pytest.mark.requirement


@requirement("v2.infer.output-names")
def test_output_names(scored: Model) -> None:
    demands.all_outputs(scored)


@requirement("v2.infer.output-datatypes")
@given(data=st.data())
def test_output_datatypes(scored: Model, data: st.DataObject) -> None:
    declared(scored)
    demands.output_datatypes(scored, drawn(scored, data))


@requirement("v2.infer.output-shapes")
@given(data=st.data())
def test_output_shapes(scored: Model, data: st.DataObject) -> None:
    declared(scored)
    demands.output_shapes(scored, drawn(scored, data))


@requirement("v2.infer.output-unique")
def test_output_unique(scored: Model) -> None:
    answer = scored.infer(scored.base_body)
    outputs = answer.message.get("outputs")
    names = [o.get("name") for o in outputs or [] if isinstance(o, dict)]
    check(len(names) == len(set(names)), "outputs share a name", answer, got=names)


@requirement("v2.infer.outputs-subset")
@given(data=st.data())
def test_outputs_subset(scored: Model, data: st.DataObject) -> None:
    names = data.draw(choices(scored))
    answer = asking(scored, names)
    check_ok(answer, "these are outputs of the model")
    got = sorted(answer.outputs)
    message = "the outputs are not those asked for"
    check(got == sorted(names), message, answer, got=got, expected=sorted(names))


@requirement("v2.infer.outputs-subset")
def test_outputs_subset_of_all(scored: Model) -> None:
    demands.outputs_subset(scored)


@requirement("v2.infer.outputs-data")
@given(data=st.data())
def test_outputs_data(steady: Model, data: st.DataObject) -> None:
    rows = data.draw(steady.rows())
    usual = steady.predict(rows)
    answer = steady.predict(rows, outputs=[{"name": name} for name in data.draw(choices(steady))])
    assume(usual.answered and answer.answered)
    check_selected(answer, usual)


@requirement("v2.infer.outputs-data")
def test_outputs_data_of_a_batch(steady: Model) -> None:
    demands.outputs_data(steady)


@requirement("v2.infer.outputs-unknown")
def test_outputs_unknown(scored: Model) -> None:
    demands.unknown_output(scored)


@requirement("v2.infer.outputs-made-up")
def test_outputs_made_up(scored: Model) -> None:
    answer = asking(scored, [demands.NO_OUTPUT])
    made_up = demands.NO_OUTPUT in answer.outputs
    check(not made_up, f"there is no output {demands.NO_OUTPUT}, yet the answer has it", answer)


@requirement("v2.infer.outputs-order")
def test_outputs_order(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    assert scored.base is not None
    names = list(scored.base.outputs)
    asked = {"an empty list": [], "a name twice": names[:1] * 2}
    if len(names) > 1:
        asked["in reverse"] = names[::-1]
    for label, wanted in asked.items():
        answer = asking(scored, wanted)
        behaviour(label, order_of(answer, wanted, len(names)) if answer.answered else answer.status)
