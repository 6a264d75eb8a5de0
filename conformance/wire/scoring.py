"""The requests of MLflow's scoring protocol, written and read straight from its text. Pure functions.

Source: MLflow, mlflow/pyfunc/scoring_server and mlflow/utils/proto_json_utils.py.
"""

import base64
import contextlib
import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from conformance.wire import tensors
from conformance.wire.tensors import Row, TensorSpec
from spec.tables import DATATYPES

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
SPLIT, RECORDS, INSTANCES, INPUTS = FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_NOT_IN_CSV = {"base64", "datetime", "pd_json"}
# The names that metadata gives to the columns or the tensor of a signature without names.
_UNNAMED = re.compile(r"input-\d+")


def is_table(specs: Sequence[TensorSpec], content_type: str) -> bool:
    """Whether the inputs are columns of a table; else they are tensors.

    ``content_type``: that of the whole request, where metadata gives one.
    """
    if content_type:
        return content_type == "pd"
    return all(spec.batched and spec.row_size == 1 for spec in specs)


def forms(specs: Sequence[TensorSpec], content_type: str) -> tuple[str, ...]:
    """The forms in which rows for these inputs can be written without loss.

    A table takes all four. Where its columns have no names, or hold structures, MLflow reads ``instances``
    and ``inputs`` as something else. Tensors are no table, and have no rows unless all are batched.
    """
    if not specs:
        return ()
    if is_table(specs, content_type):
        plain = not unnamed(specs) and not any(spec.content_type == "pd_json" for spec in specs)
        return FORMS if plain else (SPLIT, RECORDS)
    return (INSTANCES, INPUTS) if all(spec.batched for spec in specs) else (INPUTS,)


def unnamed(specs: Sequence[TensorSpec]) -> bool:
    """Whether the model's signature gives no names."""
    return all(_UNNAMED.fullmatch(spec.name) for spec in specs)


def is_positional(request: Mapping[str, Any] | None) -> bool:
    """Whether a scoring request is a table whose columns have no names."""
    return request is not None and SPLIT in request and not isinstance(request[SPLIT].get("columns"), list)


def body(form: str, specs: Sequence[TensorSpec], rows: Sequence[Row], *, table: bool) -> dict[str, Any]:
    """The scoring request that holds ``rows`` in one form."""
    write = _TABLE[form] if table else _TENSORS[form]
    return {form: write(specs, rows)}


def cell(spec: TensorSpec, row: Row) -> Any:
    """The JSON value of one column in one row: a structure as itself, anything else as V2 has it."""
    value = row[spec.name][0]
    return json.loads(value) if spec.content_type == "pd_json" else value


def _split(specs: Sequence[TensorSpec], rows: Sequence[Row]) -> dict[str, Any]:
    return {"columns": [s.name for s in specs], "data": [[cell(s, row) for s in specs] for row in rows]}


def _records(specs: Sequence[TensorSpec], rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{s.name: cell(s, row) for s in specs} for row in rows]


def _by_column(specs: Sequence[TensorSpec], rows: Sequence[Row]) -> dict[str, list[Any]]:
    return {s.name: [cell(s, row) for row in rows] for s in specs}


def _tensors_by_row(specs: Sequence[TensorSpec], rows: Sequence[Row]) -> list[Any]:
    if unnamed(specs) and len(specs) == 1:
        return [_one(specs[0], row) for row in rows]
    return [{s.name: _one(s, row) for s in specs} for row in rows]


def _one(spec: TensorSpec, row: Row) -> Any:
    return tensors.nest(row[spec.name], spec.row_shape) if spec.row_shape else row[spec.name][0]


def _tensors(specs: Sequence[TensorSpec], rows: Sequence[Row]) -> Any:
    written = {s.name: tensors.tensor(s, rows, nested=True)["data"] for s in specs}
    return written[specs[0].name] if unnamed(specs) and len(specs) == 1 else written


_TABLE = {SPLIT: _split, RECORDS: _records, INSTANCES: _records, INPUTS: _by_column}
_TENSORS = {INSTANCES: _tensors_by_row, INPUTS: _tensors}


def in_csv(specs: Sequence[TensorSpec]) -> bool:
    """Whether every column can stand in CSV: numbers, booleans and text can."""
    return not any(spec.content_type in _NOT_IN_CSV for spec in specs)


def csv_text(specs: Sequence[TensorSpec], rows: Sequence[Row]) -> str:
    """The rows as CSV below a line of column names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([spec.name for spec in specs])
    writer.writerows([[cell(spec, row) for spec in specs] for row in rows])
    return text.getvalue()


def parquet_bytes(specs: Sequence[TensorSpec], rows: Sequence[Row], group: int | None = None) -> bytes | None:
    """The rows as a Parquet file with groups of so many rows; None where pyarrow is not installed."""
    try:
        import pyarrow.json
        import pyarrow.parquet
    except ImportError:
        return None
    records = _records(specs, rows)
    types = [(s.name, _arrow(pyarrow, s, [record[s.name] for record in records])) for s in specs]
    lines = "\n".join(map(json.dumps, records)).encode()
    # Not pyarrow.array, which imports pandas first: that takes as long as a hundred requests.
    table = pyarrow.json.read_json(
        io.BytesIO(lines),
        pyarrow.json.ReadOptions(block_size=len(lines)),  # a record may not be longer than a block
        pyarrow.json.ParseOptions(explicit_schema=pyarrow.schema(types)),
    )
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file, row_group_size=group)
    return file.getvalue()


def _arrow(pyarrow: Any, spec: TensorSpec, cells: Sequence[Any]) -> Any:
    """The Arrow type of a column; one of 64 bits where the datatype would round a number, or has only 16."""
    row = DATATYPES.get(spec.datatype)
    if row is None or row.element == "string":
        return pyarrow.string()
    wide = row.element == "number" and (
        row.size == 2 or any(float(np.dtype(row.numpy).type(c)) != c for c in cells)
    )
    return pyarrow.float64() if wide else pyarrow.type_for_alias(row.numpy)


def sample_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """The V2 inference request that holds the data of a scoring request; datatypes follow the JSON.

    Raises ValueError where a column has no value to tell its datatype.
    """
    form = next(form for form in FORMS if form in request)
    data = request[form]
    if form == SPLIT:
        names = [str(name) for name in data.get("columns") or []]
        table = {name: [row[i] for row in data["data"]] for i, name in enumerate(names)}
        return {"inputs": [_tensor_of(name, cells, [len(cells), 1]) for name, cells in table.items()]}
    if isinstance(data, list) and data and all(isinstance(row, dict) for row in data):
        data = {name: [row[name] for row in data] for name in data[0] if all(name in row for row in data)}
        if form == RECORDS:
            return {"inputs": [_tensor_of(name, cells, [len(cells), 1]) for name, cells in data.items()]}
    named = data if isinstance(data, dict) else {"input-0": data}
    return {"inputs": [_tensor_of(n, v, list(tensors.dimensions(v) or [])) for n, v in named.items()]}


def _tensor_of(name: str, values: Any, shape: list[int]) -> dict[str, Any]:
    structured = len(shape) == 2 and shape[1] == 1 and any(isinstance(v, dict | list) for v in values)
    if structured and tensors.dimensions(values) != tuple(shape):
        texts = [json.dumps(value) for value in values]
        parameters = {"content_type": "pd_json"}
        return {"name": name, "shape": shape, "datatype": "BYTES", "data": texts, "parameters": parameters}
    data = tensors.flat(values)
    return {"name": name, "shape": shape, "datatype": _datatype_of(name, data), "data": data}


def _datatype_of(name: str, data: Sequence[Any]) -> str:
    kinds = {type(value) for value in data}
    for wanted, datatype in (({bool}, "BOOL"), ({int}, "INT64"), ({int, float}, "FP64"), ({str}, "BYTES")):
        if kinds and kinds <= wanted:
            return datatype
    raise ValueError(f"the values of {name!r} in the sample must be all numbers, all texts or all booleans")


def likely_content_type(elements: Sequence[Any]) -> str:
    """What texts of an input seem to be, where nothing declares it: base64, datetime, or just texts ('').

    To take a text for base64 does no harm: what is drawn for it is a text too.
    """
    texts = [element for element in elements if element]
    if texts and all(isinstance(text, str) for text in texts):
        for content_type, read in _READERS.items():
            with contextlib.suppress(ValueError):
                for text in texts:
                    read(text)
                return content_type
    return ""


_READERS: dict[str, Callable[[str], Any]] = {
    "datetime": lambda text: datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"),
    "base64": lambda text: base64.b64decode(text, validate=True),
}
