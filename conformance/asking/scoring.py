"""Scoring requests that differ from a good one, and what of their answers is compared."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

from hypothesis import assume

from conformance.asking.invocations import Invocations, predictions
from conformance.asking.neighbours import neighbours
from conformance.checks.assertions import check
from conformance.checks.skips import not_implemented
from conformance.transport.exchange import Exchange
from conformance.wire import predictions as reading
from conformance.wire import scoring
from conformance.wire.tensors import Row, TensorSpec


def ways(endpoint: Invocations, group: int | None = None) -> dict[str, Callable[[Sequence[Row]], Exchange]]:
    """How rows can be sent: in each form; without texts also as CSV and Parquet (``group``: of its rows)."""
    specs = endpoint.specs
    found: dict[str, Callable[[Sequence[Row]], Exchange]] = {
        form: partial(endpoint.ask, form=form) for form in endpoint.forms
    }
    if endpoint.in_csv and not any(map(is_text, specs)):
        found["CSV"] = lambda rows: endpoint.post_bytes(scoring.csv_text(specs, rows).encode(), scoring.CSV)
        if scoring.parquet_bytes(specs, endpoint.base_rows) is not None:
            found["Parquet"] = lambda rows: endpoint.post_bytes(
                scoring.parquet_bytes(specs, rows, group) or b"", scoring.PARQUET
            )
    return found


def check_same(endpoint: Invocations, one: Exchange, two: Exchange, message: str) -> None:
    """Two answers hold the same predictions."""
    __tracebackhide__ = True
    different = endpoint.difference(one, two)
    check(not different, message, one, two, got=different)


def check_same_columns(endpoint: Invocations, one: Exchange, two: Exchange, message: str) -> None:
    """Two answers hold the same predictions, be it as records or as columns.

    A model without a signature sees the form of the request, and may answer in kind.
    """
    __tracebackhide__ = True
    ours, theirs = (reading.columns_of(predictions(answer)) for answer in (one, two))
    if reading.difference(ours, theirs, endpoint.datatype):
        check_same(endpoint, one, two, message)


@cache
def accepted_neighbours(endpoint: Invocations) -> list[Row]:
    """Rows that share most of what they hold, and are accepted."""
    rows = neighbours(endpoint.specs, endpoint.base_rows[0])
    return [row for row in rows if endpoint.ask([row]).status == 200]


def each_alone(endpoint: Invocations, rows: Sequence[Row]) -> dict[int, Exchange]:
    """The answers to rows alone, by their id()."""
    return {id(row): endpoint.ask([row]) for row in {id(row): row for row in rows}.values()}


def check_rows(
    endpoint: Invocations, rows: Sequence[Row], batch: Exchange, alone: Mapping[int, Exchange] | None = None
) -> None:
    """The batch has the predictions of its rows alone; that it has as many is another requirement."""
    alone = alone or each_alone(endpoint, rows)
    found = reading.rows_of(predictions(batch), len(rows)) or []
    for i, (row, got) in enumerate(zip(rows, found, strict=False)):
        one = alone[id(row)]
        single = reading.rows_of(predictions(one), 1)
        different = reading.difference(got, single[0], endpoint.datatype) if single else ""
        check(not different, f"row {i} of the batch differs from the row alone", batch, one, got=different)


def answered(endpoint: Invocations, rows: Sequence[Row], form: str = "") -> Exchange:
    """The prediction for rows that should be accepted; a refusal is another requirement's finding."""
    answer = endpoint.ask(rows, form)
    assume(answer.status == 200)
    return answer


def is_text(spec: TensorSpec) -> bool:
    """Whether the input holds plain text."""
    return spec.datatype == "BYTES" and spec.content_type in ("", "np", "str")


def texts_of(specs: Sequence[TensorSpec]) -> list[TensorSpec]:
    """The inputs of plain text. Skips when there are none."""
    found = [spec for spec in specs if is_text(spec)]
    if not found:
        not_implemented("the model has no input of text")
    return found


def with_text(specs: Sequence[TensorSpec], row: Row, text: str) -> Row:
    """The row with ``text`` in all its inputs of text. Skips when it has none."""
    return {**row, **{spec.name: [text] * spec.row_size for spec in texts_of(specs)}}
