"""Tensor data: what a model that returns its inputs makes of hard elements."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.asking import strategies
from conformance.asking.model import Model
from conformance.asking.neighbours import around_null
from conformance.checks.assertions import check, check_ok
from conformance.checks.skips import not_implemented, untested
from conformance.harness.target import Target
from conformance.oracles.echo import demand_echo
from conformance.wire import tensors
from conformance.wire.tensors import Row, TensorSpec
from spec.tables import DATATYPES

requirement = pytest.mark.requirement


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
    if not answer.answered and nested:
        untested("nested data is refused: v2.data.nested-accepted")
    check_ok(answer, "the request fits the metadata of a model that takes anything")
    outputs = answer.outputs
    for position, spec in enumerate(model.inputs):
        if spec not in specs:
            continue
        output = outputs.get(spec.name) or dict(enumerate(outputs.values())).get(position, {})
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
            if answer.answered:
                output = answer.outputs.get(spec.name, {})
                got = tensors.flat(output.get("data"))[place * spec.row_size :][: spec.row_size]
                told = [e for e in got if e is not None and e == e]
                check(not told, f"a number was made up for null in {spec.name!r}", answer, got=got)
