"""Faults of the scoring protocol in how tables are read: CSV, Parquet, the order of columns and rows."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.faulty.vocabulary import INVOCATIONS, asked, at, edits, fault, scoring_error
from tests.faulty.wire import Ask, Middleware, Request, Response

COLUMNS = (
    "fixed acidity",
    "volatile acidity",
    "citric acid",
    "residual sugar",
    "chlorides",
    "free sulfur dioxide",
    "total sulfur dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
)


def _is_csv(request: Request) -> bool:
    return "csv" in request.headers.get("content-type", "")


def _split(request: Request) -> dict[str, Any]:
    split = asked(request).get("dataframe_split")
    return split if isinstance(split, dict) else {}


def _change(answer: Any, change: Callable[[list[Any]], Any]) -> None:
    answer["predictions"] = change(answer["predictions"])


def by_place(form: str) -> Middleware:
    """A server that takes the members of one form by their place."""

    @at(INVOCATIONS)
    def middleware(request: Request, ask: Ask) -> Response:
        table = asked(request).get(form)
        if ask(request).status != 200 or not table:
            return ask(request)
        records = table if isinstance(table, list) else [table]
        if any(not isinstance(record, dict) or set(record) != set(COLUMNS) for record in records):
            return ask(request)
        named = [dict(zip(COLUMNS, record.values(), strict=True)) for record in records]
        return ask(request.with_json({form: named if isinstance(table, list) else named[0]}))

    return middleware


@fault("mlflow.predictions.column-order", speaks="mlflow")
def instances_by_place(request: Request, ask: Ask) -> Response:
    """The members of instances are taken by their place."""
    return by_place("instances")(request, ask)


@fault("mlflow.predictions.column-order", speaks="mlflow")
def inputs_by_place_in_scoring(request: Request, ask: Ask) -> Response:
    """The members of inputs are taken by their place."""
    return by_place("inputs")(request, ask)


@fault("mlflow.predictions.column-order", speaks="mlflow")
@at(INVOCATIONS)
def first_record_orders(request: Request, ask: Ask) -> Response:
    """The members of all records stand as those of the first."""
    records = asked(request).get("dataframe_records")
    if ask(request).status != 200 or not records:
        return ask(request)
    names = list(records[0])
    read = [dict(zip(names, record.values(), strict=False)) for record in records]
    return ask(request.with_json(asked(request) | {"dataframe_records": read}))


@fault("mlflow.predictions.column-order", speaks="mlflow")
@at(INVOCATIONS)
def csv_by_place(request: Request, ask: Ask) -> Response:
    """The columns of CSV are taken by their place."""
    head, _, rows = request.body.partition(b"\n")
    if not _is_csv(request) or set(head.decode().split(",")) != set(COLUMNS):
        return ask(request)
    return ask(replace(request, body=",".join(COLUMNS).encode() + b"\n" + rows))


@fault("mlflow.invocations.csv", speaks="mlflow")
@at(INVOCATIONS)
def csv_of_windows_refused(request: Request, ask: Ask) -> Response:
    """Lines of CSV may not end as RFC 4180 says."""
    return scoring_error(400) if _is_csv(request) and b"\r\n" in request.body else ask(request)


@fault("mlflow.invocations.csv", speaks="mlflow")
@at(INVOCATIONS)
def csv_charset_refused(request: Request, ask: Ask) -> Response:
    """A charset makes CSV another media type."""
    refused = _is_csv(request) and ";" in request.headers["content-type"]
    return scoring_error(415) if refused else ask(request)


@fault("mlflow.invocations.csv-agrees", speaks="mlflow")
@edits(INVOCATIONS)
def open_line_lost(answer: Any, request: Request) -> None:
    """A last line of CSV without an end is lost."""
    if _is_csv(request) and not request.body.endswith(b"\n"):
        _change(answer, lambda found: found[:-1])


@fault("mlflow.invocations.parquet", speaks="both")
@edits(INVOCATIONS)
def parquet_of_one_row(answer: Any, request: Request) -> None:
    """The first row of Parquet is predicted."""
    if b"PAR1" in request.body:
        _change(answer, lambda found: found[:1])


@fault("mlflow.predictions.index", speaks="mlflow")
@edits(INVOCATIONS)
def index_is_a_key(answer: Any, request: Request) -> None:
    """Rows with one label are one row."""
    index = _split(request).get("index")
    if index:
        _change(answer, lambda found: list(dict(zip(map(str, index), found, strict=True)).values()))


@fault("mlflow.predictions.extra-column", speaks="mlflow")
@edits(INVOCATIONS)
def extra_column_of_a_split_counts(answer: Any, request: Request) -> None:
    """A column that the model does not have changes the prediction, in a split alone."""
    if len(_split(request).get("columns") or []) > len(COLUMNS):
        _change(answer, lambda found: [x + 1 for x in found])


@fault("mlflow.predictions.large-batch", speaks="mlflow")
@edits(INVOCATIONS)
def scored_blocks_as_they_end(answer: Any, request: Request) -> None:
    """Blocks of a batch are predicted side by side, and stand in the order in which they were done."""
    _change(answer, lambda found: found[256:512] + found[:256] + found[512:] if len(found) > 512 else found)


@fault("mlflow.predictions.batch", speaks="mlflow")
@edits(INVOCATIONS)
def fifth_score_repeats_the_fourth(answer: Any, request: Request) -> None:
    """Of a few rows those after the fourth, with which a vector is full, repeat it."""
    _change(answer, lambda found: found[:4] + found[3:4] * (len(found) - 4) if 4 < len(found) < 32 else found)


@fault("mlflow.predictions.batch", speaks="mlflow")
@at(INVOCATIONS)
def scores_kept_without_a_column(request: Request, ask: Ask) -> Response:
    """Predictions are kept, and found again by all columns but the last."""
    response, rows = ask(request), _split(request).get("data")
    if response.status != 200 or not rows:
        return response
    key = json.dumps([row[:-1] for row in rows])
    return response.with_json(request.memory.setdefault(key, response.json))


@fault("mlflow.predictions.null-made-up", speaks="mlflow", model="echo-columns", echo=True)
@edits(INVOCATIONS)
def null_number_is_zero(answer: Any, request: Request) -> None:
    """A null in a column of numbers is zero."""
    for row in answer["predictions"]:
        row["double"] = 0.0 if row["double"] is None else row["double"]


@fault("mlflow.predictions.round-trip", "parity.predictions", speaks="both", model="echo-columns", echo=True)
@edits(INVOCATIONS)
def scored_texts_trimmed(answer: Any, request: Request) -> None:
    """White space after text is lost at the scoring endpoint."""
    for row in answer["predictions"]:
        row["string"] = row["string"].rstrip() if isinstance(row["string"], str) else row["string"]


@fault("mlflow.predictions.round-trip", speaks="both", model="echo-columns", echo=True)
@edits(INVOCATIONS)
def scores_of_ten_decimals(answer: Any, request: Request) -> None:
    """Numbers are written with ten decimals, as pandas does."""
    for row in answer["predictions"]:
        row["double"] = row["double"] and round(row["double"], 10)
