"""Faults of the scoring protocol in batches: large ones, full blocks, rows after the first."""

import io
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet

from tests.faulty.vocabulary import INVOCATIONS, asked, at, edits, fault
from tests.faulty.wire import Ask, Request, Response

_LISTS = ("dataframe_records", "instances")


def _is_csv(request: Request) -> bool:
    return "csv" in request.headers.get("content-type", "")


@fault("mlflow.predictions.large-batch", speaks="mlflow")
@edits(INVOCATIONS)
def csv_cut_at_100(answer: Any, request: Request) -> None:
    """CSV is read in pieces of 100 rows, of which the first counts."""
    if _is_csv(request):
        answer["predictions"] = answer["predictions"][:100]


@fault("mlflow.predictions.large-batch", speaks="mlflow")
@edits(INVOCATIONS)
def large_csv_reversed(answer: Any, request: Request) -> None:
    """The predictions of many rows of CSV come in reverse."""
    if _is_csv(request) and len(answer["predictions"]) > 16:
        answer["predictions"].reverse()


@fault("mlflow.predictions.large-batch", speaks="mlflow")
@edits(INVOCATIONS)
def records_cut_at_100(answer: Any, request: Request) -> None:
    """Of records, instances and inputs the first 100 are predicted."""
    if set(asked(request)) & {*_LISTS, "inputs"}:
        answer["predictions"] = answer["predictions"][:100]


@fault("mlflow.predictions.large-batch", speaks="both")
@at(INVOCATIONS)
def parquet_first_group(request: Request, ask: Ask) -> Response:
    """Of Parquet the first group of rows is predicted."""
    response = ask(request)
    if response.status != 200 or not request.body.startswith(b"PAR1"):
        return response
    file = pyarrow.parquet.ParquetFile(io.BytesIO(request.body))
    return response.with_json(
        {"predictions": response.json["predictions"][: file.metadata.row_group(0).num_rows]}
    )


@fault("mlflow.predictions.batch", speaks="mlflow")
@edits(INVOCATIONS)
def last_full_block_backwards(answer: Any, request: Request) -> None:
    """Where rows fill blocks of 16, those of the last block come in reverse."""
    found = answer["predictions"]
    if found and len(found) % 16 == 0:
        found[-16:] = found[-16:][::-1]


def _rows(document: Any) -> Iterator[dict[Any, Any]]:
    """The rows of a scoring request by column; what is changed in them goes back to the request."""
    split = document.get("dataframe_split")
    for cells in split["data"] if split else []:
        row = dict(enumerate(cells))
        yield row
        cells[:] = row.values()
    for form in _LISTS:
        yield from document.get(form, [])


@fault("mlflow.predictions.integers-for-doubles", speaks="mlflow")
@at(INVOCATIONS)
def first_row_types(request: Request, ask: Ask) -> Response:
    """A column whose first cell is an integer is a column of integers."""
    response, document = ask(request), request.json
    if response.status != 200 or not isinstance(document, dict):
        return response
    integers: set[Any] = set()
    for number, row in enumerate(_rows(document)):
        integers = integers if number else {name for name, cell in row.items() if type(cell) is int}
        row.update({name: int(row[name]) for name in integers})
    return ask(request.with_json(document))


@fault("mlflow.errors.wrong-type", speaks="mlflow")
@at(INVOCATIONS)
def later_words_scored(request: Request, ask: Ask) -> Response:
    """A word in a record after the first is zero."""
    response, records = ask(request), asked(request).get("dataframe_records")
    if response.status != 400 or not isinstance(records, list):
        return response
    mended = [{k: 0.0 if isinstance(v, str) else v for k, v in record.items()} for record in records]
    return ask(request.with_json({"dataframe_records": [*records[:1], *mended[1:]]}))


@fault("mlflow.errors.ragged-rows", speaks="mlflow")
@at(INVOCATIONS)
def scored_columns_cut(request: Request, ask: Ask) -> Response:
    """Inputs whose columns differ in length are cut to the shortest."""
    response, columns = ask(request), asked(request).get("inputs")
    if response.status != 400 or not isinstance(columns, dict):
        return response
    shortest = min(map(len, columns.values()))
    return ask(request.with_json({"inputs": {name: cells[:shortest] for name, cells in columns.items()}}))


@fault("signature.predictions.invocations-equal", model="optional-columns", speaks="both", oracle=True)
@at(INVOCATIONS)
def scored_null_filled_forward(request: Request, ask: Ask) -> Response:
    """A null after the first row is the value of the row before."""
    response, document = ask(request), request.json
    if response.status != 200 or not isinstance(document, dict):
        return response
    before: dict[Any, Any] = {}
    for row in _rows(document):
        row.update({name: before.get(name) for name, cell in row.items() if cell is None})
        before = row
    return ask(request.with_json(document))


@fault("signature.predictions.invocations-equal", model="optional-columns", speaks="both", oracle=True)
@at(INVOCATIONS)
def scored_rows_with_null_dropped(request: Request, ask: Ask) -> Response:
    """Of several rows those with a null are left out."""
    response, document = ask(request), request.json
    if response.status != 200 or not isinstance(document, dict):
        return response
    whole = [None not in row.values() for row in _rows(document)]
    found = response.json["predictions"]
    if not any(whole) or len(whole) != len(found):
        return response
    return response.with_json({"predictions": [row for row, kept in zip(found, whole, strict=True) if kept]})
