"""The forms of a scoring request for a model with named columns, brought to one table.

MLflow reads base64 in dataframe_split and dataframe_records only, and makes false of a null boolean (source:
mlflow.utils.proto_json_utils, cast_df_types_according_to_schema). What can't be read as a table is left to
MLflow, which says what is wrong with it.
"""

from collections.abc import Iterator
from typing import Any

from mlflow.types import DataType, Schema

from reference_server.errors import BadRequest

_FORMS = {"dataframe_split", "dataframe_records", "instances", "inputs"}


def as_table(document: dict[str, Any], schema: Schema | None) -> dict[str, Any]:
    """The request with ``instances`` and ``inputs`` as dataframe_records and dataframe_split.

    Raises ``BadRequest`` for a null in a boolean column.
    """
    if schema is None or schema.is_tensor_spec() or not schema.has_input_names():
        return document
    forms = _FORMS & set(document)
    if len(forms) != 1:
        return document
    (form,) = forms
    rest = {key: value for key, value in document.items() if key != form}
    table = rest | _written(form, document[form])
    for name in (column.name for column in schema.inputs if column.type is DataType.boolean):
        if any(cell is None for cell in _column(table, name)):
            raise BadRequest(f"column {name!r} is boolean, and null is neither true nor false")
    return table


def _written(form: str, data: Any) -> dict[str, Any]:
    if form == "instances" and _are(dict, data):
        return {"dataframe_records": data}
    columns = list(data.values()) if form == "inputs" and isinstance(data, dict) else []
    if _are(list, columns) and len(set(map(len, columns))) == 1:
        rows = [list(row) for row in zip(*columns, strict=True)]
        return {"dataframe_split": {"columns": list(data), "data": rows}}
    return {form: data}


def _are(kind: type, parts: Any) -> bool:
    """Whether it is a list of this kind of parts, and not empty."""
    return isinstance(parts, list) and bool(parts) and all(isinstance(part, kind) for part in parts)


def _column(table: dict[str, Any], name: str) -> Iterator[Any]:
    match table:
        case {"dataframe_records": list(records)}:
            yield from (r[name] for r in records if isinstance(r, dict) and name in r)
        case {"dataframe_split": {"columns": list(columns), "data": list(rows)}} if name in columns:
            position = columns.index(name)
            yield from (row[position] for row in rows if isinstance(row, list) and len(row) > position)
