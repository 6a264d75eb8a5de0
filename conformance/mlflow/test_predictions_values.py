"""POST /invocations: what becomes of elements."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking import strategies
from conformance.asking.invocations import Invocations, predictions
from conformance.asking.scoring import answered, check_same, is_text, texts_of, with_text
from conformance.checks.assertions import check, check_ok
from conformance.checks.skips import not_implemented, untested
from conformance.harness.target import Target
from conformance.oracles.echo import demand_echo
from conformance.oracles.returned import check_returned, extreme, unlike
from conformance.transport.exchange import Exchange
from conformance.wire import predictions as reading
from conformance.wire.scoring import SPLIT
from conformance.wire.tensors import Row, TensorSpec
from spec.tables import DATATYPES

requirement = pytest.mark.requirement
COLUMNS = 16  # that are looked at one by one


def _is_moderate(element: Any) -> bool:
    """Whether it is no number, or one that is an integer next to another."""
    return not isinstance(element, float) or abs(element) < 2**53


def _with_integers(specs: Sequence[TensorSpec], row: Row, kind: type) -> Row:
    floating = {spec.name for spec in specs if spec.datatype.startswith(("FP", "BF"))}
    return {name: [kind(round(e)) for e in data] if name in floating else data for name, data in row.items()}


@requirement("mlflow.predictions.integers-for-doubles")
@given(data=st.data())
def test_integers_for_doubles(steady_scoring: Invocations, data: st.DataObject) -> None:
    specs = steady_scoring.specs
    if not any(spec.datatype.startswith(("FP", "BF")) for spec in specs):
        not_implemented("the model takes no floating-point numbers")
    rows = data.draw(steady_scoring.rows(maximum=2))
    assume(all(_is_moderate(e) for row in rows for column in row.values() for e in column))
    floats = answered(steady_scoring, [_with_integers(specs, row, float) for row in rows])
    integers = steady_scoring.ask([_with_integers(specs, row, int) for row in rows])
    check_ok(integers, "the same numbers were accepted with a fraction of 0")
    check_same(steady_scoring, floats, integers, "integers are other numbers")


@requirement("mlflow.predictions.integers-for-doubles")
def test_integers_before_fractions(steady_scoring: Invocations) -> None:
    """The first of two rows written in integers, the second with fractions."""
    (row,), specs = steady_scoring.base_rows, steady_scoring.specs
    if not steady_scoring.model.batched or not any(spec.datatype.startswith(("FP", "BF")) for spec in specs):
        not_implemented("the model takes no batches of floating-point numbers")
    floats, integers = (_with_integers(specs, row, kind) for kind in (float, int))
    broken = {s.name: [e + 0.5 if isinstance(e, float) else e for e in floats[s.name]] for s in specs}
    for form in steady_scoring.forms:
        usual = steady_scoring.ask([floats, broken], form)
        if usual.status == 200:
            mixed = steady_scoring.ask([integers, broken], form)
            check_ok(mixed, "the same numbers were accepted with a fraction of 0")
            check_same(steady_scoring, usual, mixed, f"integers before fractions are other numbers in {form}")


@requirement("mlflow.predictions.round-trip")
@given(data=st.data())
def test_round_trip(steady_scoring: Invocations, target: Target, data: st.DataObject) -> None:
    demand_echo(steady_scoring.model, target.answers)
    row = unlike(steady_scoring.specs, data.draw(extreme(steady_scoring)))
    check_returned(steady_scoring, [row], steady_scoring.specs)


@requirement("mlflow.predictions.round-trip")
def test_round_trip_hard(steady_scoring: Invocations, target: Target) -> None:
    demand_echo(steady_scoring.model, target.answers)
    specs = [spec for spec in steady_scoring.specs if spec.content_type in ("", "np", "str")]
    if steady_scoring.model.sample or not steady_scoring.model.described.get("inputs"):
        specs = [spec for spec in specs if is_text(spec)]  # of numbers nothing tells how large they may be
    if not specs:
        untested("nothing tells which elements the columns can hold")
    for row in strategies.hard_rows(specs):
        whole = {**steady_scoring.base_rows[0], **row}
        sent = steady_scoring.written(whole, portable=not steady_scoring.table)
        check_returned(steady_scoring, [unlike(specs, sent)], specs)


@requirement("mlflow.predictions.text-kept")
def test_text_kept(steady_scoring: Invocations, target: Target) -> None:
    demand_echo(steady_scoring.model, target.answers)
    (row,) = steady_scoring.base_rows
    texts = ["2021-01-01", "2021-01-01T00:00:00Z", "007", "1e3", "true", "null", "NaN", ""]
    for text in texts:
        changed = with_text(steady_scoring.specs, row, text)
        check_returned(steady_scoring, [changed], texts_of(steady_scoring.specs))


def _changed(endpoint: Invocations, datatypes: set[str], value: Any) -> tuple[TensorSpec, Exchange] | None:
    """The good table with ``value`` in its first column of the datatypes; None when it has none."""
    spec = next((s for s in endpoint.specs if s.datatype in datatypes and s.content_type != "pd_json"), None)
    return (spec, _with_cell(endpoint, spec, value)) if spec and endpoint.table else None


def _with_cell(endpoint: Invocations, spec: TensorSpec, value: Any) -> Exchange:
    """The answer to the good table with ``value`` in one column."""
    split = endpoint.body(endpoint.base_rows, SPLIT)[SPLIT]
    (row,) = split["data"]
    changed = [value if name == spec.name else cell for name, cell in zip(split["columns"], row, strict=True)]
    return endpoint.post({SPLIT: split | {"data": [changed]}})


@requirement("mlflow.predictions.null-made-up")
def test_null_made_up(scoring: Invocations, target: Target) -> None:
    demand_echo(scoring.model, target.answers)
    plain = [spec for spec in scoring.specs if spec.content_type in ("", "np", "str")]
    for spec in plain[:COLUMNS] if scoring.table else []:
        answer = _with_cell(scoring, spec, None)
        if answer.status == 200:
            got = reading.columns_of(predictions(answer)).get(spec.name) or []
            told = [e for e in got if e is not None and e == e]  # NaN is a null too
            check(not told, f"null in {spec.name!r} became a value", answer, got=got)


_DATATYPES = {
    kind: {name for name, row in DATATYPES.items() if row.element == kind}
    for kind in ("integer", "number", "boolean", "string")
}


@requirement("mlflow.predictions.coercion")
def test_coercion(scoring: Invocations, behaviour: Callable[[str, str], None]) -> None:
    for kind, values in {
        "number": (None, "1", True),
        "integer": (None, "1", 1.5, True, 2**63),
        "boolean": (None, "yes", 2),
        "string": (None, 1, True),
    }.items():
        for value in values:
            found = _changed(scoring, _DATATYPES[kind], value)
            if found is not None:
                spec, answer = found
                got = reading.columns_of(predictions(answer)).get(spec.name, ["a prediction"])
                told = json.dumps(got[0]) if answer.status == 200 and got else str(answer.status)
                behaviour(f"{json.dumps(value)} for a {kind}", told)
