"""POST /invocations: what single values and single rows become."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from conformance.asking.invocations import Invocations, predictions
from conformance.checks.assertions import check
from conformance.checks.skips import not_implemented, untested
from conformance.harness.target import Target
from conformance.oracles.echo import demand_echo
from conformance.transport.exchange import Exchange
from conformance.wire import predictions as reading
from conformance.wire.tensors import TensorSpec
from spec.tables import DATATYPES

requirement = pytest.mark.requirement
COLUMNS = 8  # of a kind that are looked at


def _columns(endpoint: Invocations, kind: str, content_types: Sequence[str]) -> list[TensorSpec]:
    """The columns of one kind of elements, of a table that a model is known to return."""
    found = [
        spec
        for spec in endpoint.specs
        if spec.datatype in DATATYPES
        and DATATYPES[spec.datatype].element == kind
        and spec.content_type in content_types
    ]
    if not endpoint.table or not found:
        not_implemented(f"the model has no column of {kind} elements")
    return found[:COLUMNS]


def _integers(endpoint: Invocations, target: Target) -> list[TensorSpec]:
    demand_echo(endpoint.model, target.answers)
    return _columns(endpoint, "integer", ("", "np"))


def _returned(endpoint: Invocations, spec: TensorSpec, value: Any) -> Iterator[tuple[Exchange, Any]]:
    """What comes back for a value in each form that takes it, alone and below a usual one."""
    row = endpoint.base_rows[0]
    changed = {**row, spec.name: [value]}
    for form in endpoint.forms:
        for rows in ([changed], [row, changed])[: endpoint.limit]:
            answer = endpoint.ask(rows, form)
            if answer.status == 200:
                column = reading.columns_of(predictions(answer)).get(spec.name) or [None]
                yield answer, column[-1]


@requirement("mlflow.values.integer-range")
def test_integer_range(scoring: Invocations, target: Target) -> None:
    for spec in _integers(scoring, target):
        row = DATATYPES[spec.datatype]
        assert row.minimum is not None
        assert row.maximum is not None
        for number in (row.maximum + 1, row.minimum - 1, 2**64, 2**64 + 1, 10**30):
            for answer, got in _returned(scoring, spec, number):
                message = f"{number} in {spec.name!r} ({spec.datatype}) became another number"
                same = got == (float(number) if isinstance(got, float) else number)
                check(same, message, answer, got=got, expected=f"{number}, or a refusal")


@requirement("mlflow.values.fraction")
def test_fraction(scoring: Invocations, target: Target) -> None:
    for spec in _integers(scoring, target):
        for answer, got in _returned(scoring, spec, 1.5):
            message = f"1.5 in {spec.name!r} ({spec.datatype}) became another number"
            check(got == 1.5, message, answer, got=got, expected="1.5, or a refusal")


@requirement("mlflow.values.datetime-guessed")
def test_datetime_guessed(scoring: Invocations, target: Target) -> None:
    demand_echo(scoring.model, target.answers)
    for spec in _columns(scoring, "string", ("datetime",)):
        for text in ("01/02/2020", "13/02/2020", "tomorrow"):
            for answer, got in _returned(scoring, spec, text):
                check(got == text, f"{text!r} in {spec.name!r} is no ISO 8601", answer, got=got)


@requirement("mlflow.values.one-row")
def test_one_row(scoring: Invocations) -> None:
    if not scoring.model.batched or not scoring.model.rows_alone:
        untested("/invocations takes no batches of independent rows")
    two = scoring.ask([*scoring.base_rows] * 2)
    if two.status != 200 or reading.rows_of(predictions(two), 2) is None:
        untested("the predictions of two rows are no list of two")
    alone = reading.rows_of(predictions(scoring.good), 1) is not None
    message = "the predictions of two rows are a list, that of one is not"
    check(alone, message, scoring.good, two, got=predictions(scoring.good))
