"""POST /invocations: what the predictions must be."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from conformance.asking import strategies
from conformance.asking.batches import apart, cut
from conformance.asking.invocations import (
    PATH,
    Invocations,
    accepted_neighbours,
    answered,
    check_rows,
    check_same,
    check_same_columns,
    each_alone,
    is_text,
    predictions,
    texts_of,
    ways,
    with_text,
)
from conformance.asking.model import Model
from conformance.checks.assertions import check, check_ok, check_status, check_takes
from conformance.checks.skips import not_implemented, untested
from conformance.harness.target import Target
from conformance.oracles.answers import cases
from conformance.oracles.echo import demand_echo
from conformance.oracles.known import check_mlflow, known_parameters
from conformance.oracles.returned import check_returned, extreme, unlike
from conformance.transport.exchange import Exchange
from conformance.transport.together import REQUESTS, ROUNDS, together
from conformance.wire import predictions as reading
from conformance.wire import scoring as wire
from conformance.wire.scoring import CSV, INSTANCES, RECORDS, SPLIT
from conformance.wire.tensors import Row, TensorSpec
from spec.tables import DATATYPES

requirement = pytest.mark.requirement
LARGE, MOST = 1100, 500_000  # rows; elements of them and of their predictions
BLOCKS, GROUP = (16, 32, 64), 100  # rows that fill blocks of the usual sizes; rows in a group of Parquet
ANSWERED_OR_REFUSED = [200, *range(400, 500)]
EXTRA = "conformance"
OFTEN = 200  # answers, to show one that differs where one is known to have
COLUMNS = 16  # that are looked at one by one
# One choice of rows is enough, and a race does not shrink.
once = settings(max_examples=1, phases=[Phase.generate])
few = settings(max_examples=2)


def _table(endpoint: Invocations) -> None:
    if not endpoint.table:
        not_implemented("the model takes tensors, no table")


def _signed(endpoint: Invocations) -> None:
    """Go on only with a model that is known to have a signature: it refuses a table without its columns."""
    _table(endpoint)
    if _without_columns(endpoint).status == 200 or wire.unnamed(endpoint.specs):
        untested("the model has no signature that names columns")


@cache
def _without_columns(endpoint: Invocations) -> Exchange:
    return endpoint.post({SPLIT: {"columns": [EXTRA], "data": [[1]]}})


@requirement("mlflow.predictions.answers")
@given(data=st.data())
def test_answers(scoring: Invocations, data: st.DataObject) -> None:
    check_takes(scoring.model.name, scoring.trial.refusals)
    rows = data.draw(scoring.rows(maximum=2))
    answer = scoring.ask(rows)
    if answer.status != 200 and scoring.model.sample is None:
        check_takes(scoring.model.name, [a for a in (scoring.ask([row]) for row in rows) if a.status != 200])
    check_ok(answer, "the rows fit the model's inputs")


def _check_known(model: Model, target: Target, *, params: bool) -> None:
    listed = cases(target.answers, model.name, "mlflow")
    chosen = [case for case in listed if ("params" in case.request) == params]
    if not chosen:
        untested("needs known answers: --answers PATH")
    for case in chosen:
        check_mlflow(case, model.client.post_json(PATH, case.request))


@requirement("mlflow.predictions.known-answers")
def test_known_answers(mlflow_model: Model, target: Target) -> None:
    _check_known(mlflow_model, target, params=False)


@requirement("mlflow.predictions.params")
def test_params(mlflow_model: Model, target: Target) -> None:
    _check_known(mlflow_model, target, params=True)


@requirement("mlflow.predictions.row-count")
@given(data=st.data())
def test_row_count(batched_scoring: Invocations, data: st.DataObject) -> None:
    rows = data.draw(batched_scoring.rows(maximum=6))
    _check_row_count(answered(batched_scoring, rows), len(rows))


@requirement("mlflow.predictions.row-count")
def test_row_count_of_equal_rows(batched_scoring: Invocations) -> None:
    for count in (2, 3, 5, 8):
        answer = batched_scoring.ask([*batched_scoring.base_rows] * count)
        if answer.status == 200:
            _check_row_count(answer, count)


def _check_row_count(answer: Exchange, count: int) -> None:
    found = reading.rows_of(predictions(answer), count)
    check(found is not None, "not one prediction a row", answer, expected=f"{count} predictions")


@requirement("mlflow.predictions.batch")
@given(data=st.data())
def test_batch(batched_scoring: Invocations, data: st.DataObject) -> None:
    rows = data.draw(batched_scoring.rows(minimum=2, maximum=9))
    check_rows(batched_scoring, rows, answered(batched_scoring, rows))


@requirement("mlflow.predictions.batch")
def test_batch_of_neighbours(batched_scoring: Invocations) -> None:
    """Rows that share most of what they hold: two batches with one first and last row, and full blocks."""
    taken = accepted_neighbours(batched_scoring)
    first, *others = taken
    last = others.pop() if others else first
    sizes = [size for size in BLOCKS if size * batched_scoring.width <= MOST]
    blocks = [Random(0).choices(taken, k=size) for size in sizes]
    small = cut([first, *others, last], batched_scoring.limit)
    batches = ([first, *others, last], [first, *others[::-1], last], *blocks, *small)
    answers = [batched_scoring.ask(batch) for batch in batches]
    alone = each_alone(batched_scoring, taken)
    for batch, answer in zip(batches, answers, strict=True):
        if answer.status == 200:
            check_rows(batched_scoring, batch, answer, alone)


@requirement("mlflow.predictions.large-batch")
@few
@given(data=st.data())
def test_large_batch(batched_scoring: Invocations, data: st.DataObject) -> None:
    size = max(min(LARGE, MOST // batched_scoring.width), 2)
    some = [*batched_scoring.base_rows, *data.draw(batched_scoring.rows(minimum=2, maximum=2))]
    for row in some:
        answered(batched_scoring, [row])
    rows = Random(0).choices(some, k=size)
    answer = batched_scoring.ask(rows)
    check_status(answer, ANSWERED_OR_REFUSED, "a large batch is answered or refused")
    if answer.status == 200:
        found = reading.rows_of(predictions(answer), size)
        check(found is not None, "not one prediction a row", answer, expected=f"{size} predictions")
        check_rows(batched_scoring, rows, answer)


@requirement("mlflow.predictions.large-batch")
def test_large_batch_in_every_form(batched_scoring: Invocations) -> None:
    size = max(min(LARGE, MOST // batched_scoring.width), 2)
    some = [batched_scoring.written(row, portable=True) for row in accepted_neighbours(batched_scoring)][-4:]
    rows = Random(0).choices(some, k=size)
    small, large = batched_scoring.ask(some), batched_scoring.ask(rows)
    if small.status != 200 or large.status != 200:
        untested("a large batch is refused in the first form")
    for way, send in ways(batched_scoring, GROUP).items():
        few = send(some)
        if few.status != 200 or batched_scoring.difference(small, few):
            continue  # the finding of the requirements of the form
        answer = send(rows)
        check_status(answer, ANSWERED_OR_REFUSED, f"a large batch as {way} is answered or refused")
        if answer.status == 200:
            message = f"a large batch as {way} has not the predictions that it has as {batched_scoring.form}"
            check_same_columns(batched_scoring, large, answer, message)


@requirement("mlflow.predictions.column-order")
@given(data=st.data())
def test_column_order(steady_scoring: Invocations, data: st.DataObject) -> None:
    _signed(steady_scoring)
    specs = data.draw(st.permutations(steady_scoring.specs))
    rows = data.draw(steady_scoring.rows(maximum=2))
    rows = [*rows, rows[0]][: steady_scoring.limit]  # of one record there is one order
    bodies = {form: wire.body(form, specs, rows, table=True) for form in steady_scoring.forms}
    for form in {RECORDS, INSTANCES} & set(bodies):  # each record in an order of its own
        bodies[form][form][1:] = [dict(reversed(r.items())) for r in bodies[form][form][1:]]
    asked = {form: steady_scoring.post(body) for form, body in bodies.items()}
    for form, answer in asked.items():
        usual = steady_scoring.ask(rows, form)
        if usual.status == answer.status == 200:
            check_same(steady_scoring, usual, answer, f"the order of the columns counts in {form}")
    if steady_scoring.in_csv and not any(map(is_text, specs)):
        usual, answer = (_in_csv(steady_scoring, some, rows) for some in (steady_scoring.specs, specs))
        if usual.status == answer.status == 200:
            check_same(steady_scoring, usual, answer, "the order of the columns counts in CSV")


def _in_csv(endpoint: Invocations, specs: Sequence[TensorSpec], rows: Sequence[Row]) -> Exchange:
    return endpoint.post_bytes(wire.csv_text(specs, rows).encode(), CSV)


def _with_index(endpoint: Invocations, rows: Sequence[Row], index: Sequence[Any]) -> Exchange:
    return endpoint.post({SPLIT: endpoint.body(rows, SPLIT)[SPLIT] | {"index": index}})


@requirement("mlflow.predictions.index")
@given(data=st.data())
def test_index(steady_scoring: Invocations, data: st.DataObject) -> None:
    _table(steady_scoring)
    rows = data.draw(steady_scoring.rows(minimum=2))
    first = answered(steady_scoring, rows, SPLIT)
    numbers = list(range(len(rows)))
    answer = _with_index(steady_scoring, rows, numbers)
    check_ok(answer, "a split may have an index")
    check_same(steady_scoring, first, answer, "the index changes the predictions")
    if _minds_labels(steady_scoring):
        return
    for index in (numbers[::-1], [7] * len(rows), [f"row {i}" for i in numbers]):
        answer = _with_index(steady_scoring, rows, index)
        if answer.status == 200:
            check_same(steady_scoring, first, answer, "the index changes the predictions")


@cache
def _minds_labels(endpoint: Invocations) -> bool:
    """Whether the label of a single row matters, as it does to a model that computes with labels."""
    answers = [_with_index(endpoint, endpoint.base_rows, [label]) for label in (5, "row")]
    return any(a.status != 200 or endpoint.difference(endpoint.good, a) for a in answers)


@requirement("mlflow.predictions.extra-column")
def test_extra_column(steady_scoring: Invocations) -> None:
    _signed(steady_scoring)
    extra = TensorSpec(EXTRA, "INT64", (-1, 1))
    rows = [{EXTRA: [1], **row} for row in steady_scoring.base_rows]
    usual, specs = steady_scoring.good, [*steady_scoring.specs, extra]
    asked = [(RECORDS, [extra, *steady_scoring.specs]), (SPLIT, specs)]
    pairs = [(usual, steady_scoring.post(wire.body(form, some, rows, table=True))) for form, some in asked]
    if steady_scoring.in_csv:
        pairs.append(
            (_in_csv(steady_scoring, steady_scoring.specs, rows), _in_csv(steady_scoring, specs, rows))
        )
    for usual, answer in pairs:
        if usual.status == answer.status == 200:
            check_same(steady_scoring, usual, answer, "an unknown column changes the prediction")


@requirement("mlflow.predictions.params-empty")
def test_params_empty(steady_scoring: Invocations) -> None:
    answer = steady_scoring.ask(steady_scoring.base_rows, params={})
    check_ok(answer, "the params are empty")
    check_same(steady_scoring, steady_scoring.good, answer, "empty params change the prediction")


@requirement("mlflow.predictions.params-harmless")
def test_params_harmless(steady_scoring: Invocations) -> None:
    for value in ("text", 7, 0.5, True, [1]):
        answer = steady_scoring.ask(steady_scoring.base_rows, params={EXTRA: value})
        if answer.status == 200:
            check_same(
                steady_scoring, steady_scoring.good, answer, "an unknown parameter changes the prediction"
            )


@requirement("mlflow.predictions.params-forms")
def test_params_forms(scoring: Invocations, behaviour: Callable[[str, str], None]) -> None:
    for label, params in {"null": None, "an array": [1], "a text": "a", "unknown": {EXTRA: 1}}.items():
        behaviour(label, scoring.told(scoring.ask(scoring.base_rows, params=params)))


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


@requirement("mlflow.predictions.deterministic")
def test_deterministic(scoring: Invocations) -> None:
    for _ in range(3 if scoring.deterministic else OFTEN):
        again = scoring.ask(scoring.base_rows)
        check_same(scoring, scoring.good, again, "the same request has another answer")


@requirement("mlflow.predictions.concurrent")
@once
@given(data=st.data())
def test_concurrent(steady_scoring: Invocations, target: Target, data: st.DataObject) -> None:
    forms, most = steady_scoring.forms, min(steady_scoring.limit, 3)
    neighbours = [steady_scoring.written(row, portable=True) for row in accepted_neighbours(steady_scoring)]
    drawn = [data.draw(steady_scoring.rows(maximum=1, portable=True))[0] for _ in range(REQUESTS // 2)]
    rows = apart([*neighbours, *drawn], lambda row: steady_scoring.ask([row]), predictions)
    known, bodies = known_parameters(target.answers, steady_scoring.model, "mlflow")[: REQUESTS // 2], []
    for i in range(REQUESTS - len(known) if rows else 0):
        some = [rows[(i + j) % len(rows)] for j in range(1 + i % most)]
        bodies.append(steady_scoring.body(some, forms[(i + i // len(rows)) % len(forms)]))
    bodies += known
    sent = [(body, steady_scoring.client.post_json(PATH, body)) for body in bodies]
    good = [(body, answer) for body, answer in sent if answer.status == 200]
    if len(good) < 2:
        untested("the rows that are drawn are refused: give a valid request with --sample FILE")

    for _ in range(ROUNDS):
        beside = together(steady_scoring.client, [(PATH, body) for body, _ in good])
        for (_, one), two in zip(good, beside, strict=True):
            message = "the answer is another one when other requests run beside it"
            check(two.status == 200, message, one, two, got=f"status {two.status}", expected="status 200")
            check_same(steady_scoring, one, two, message)


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


@requirement("mlflow.predictions.prediction-form")
def test_prediction_form(scoring: Invocations, behaviour: Callable[[str, str], None]) -> None:
    found = predictions(scoring.good)
    inner = f" of {type(found[0]).__name__}" if isinstance(found, list) and found else ""
    behaviour("one row", f"{type(found).__name__}{inner}")
    for form in scoring.forms:
        answer = scoring.ask([], form)
        told = json.dumps(predictions(answer)) if answer.status == 200 else str(answer.status)
        behaviour(f"no rows as {form}", told)
