"""The forms of a scoring request, brought to the one value that a model with a signature takes.

Source: mlflow.utils.proto_json_utils (dataframe_from_parsed_json, parse_tf_serving_input) and
mlflow.models.utils (_enforce_schema), for what is a row. The values are those of ``columns``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from mlflow.types import Schema
from mlflow.types.schema import AnyType, Array, Map, Object

from reference_server import columns
from reference_server.codecs.elements import CodecError
from reference_server.errors import BadRequest

_STRUCTURES = (Array, Object, Map)


def read(form: str, data: Any, schema: Schema) -> Any:
    """The DataFrame, array or dictionary of arrays in ``data``, which stands under the name of ``form``.

    Columns that the signature does not have, and those that are missing, are left for MLflow to judge.
    Raises ``BadRequest``, which names the column.
    """
    if form in _FRAMES:
        return typed(_frame(form, **_FRAMES[form](data)), schema)
    if schema.is_tensor_spec():
        return _tensors(data, schema)
    return typed(_frame(form, **_rows(data, schema)), schema, arrays=True)


def bare(data: dict[str, Any], schema: Schema) -> Any:
    """The table in a request to a language model, whose members stand for themselves."""
    if schema.is_tensor_spec():
        return _tensors(data, schema)
    return typed(_frame("the request", **_members(data, schema, bare=True)), schema)


def typed(frame: pd.DataFrame, schema: Schema, *, arrays: bool = False) -> pd.DataFrame:
    """``frame``, whose cells are JSON values, with the columns that the signature has.

    ``arrays``: an Array is a NumPy array, as MLflow has it in instances and inputs.
    """
    parts: dict[Any, Any] = {}
    for label, spec in specs(frame, schema).items():
        name = label if spec is None or spec.name is None else spec.name
        if name in parts:
            raise BadRequest(f"column {name!r} is given twice")
        parts[name] = frame[label] if spec is None else _series(label, frame[label], spec, arrays)
    return pd.DataFrame(parts, frame.index)


def specs(frame: pd.DataFrame, schema: Schema) -> dict[Any, Any]:
    """What the signature says of each column: by its name, which may be a number there, or by its place.

    Raises ``BadRequest`` when two columns have one name.
    """
    require_one_each(frame)
    if not schema.has_input_names():
        unnamed = schema.inputs * len(frame.columns) if schema.is_tensor_spec() else schema.inputs
        return dict.fromkeys(frame.columns) | dict(zip(frame.columns, unnamed, strict=False))
    specs = {str(spec.name): spec for spec in schema.inputs}
    return {label: specs.get(str(label)) for label in frame.columns}


def _series(label: Any, cells: "pd.Series[Any]", spec: Any, arrays: bool) -> "pd.Series[Any]":
    """The cells of a column as ``spec`` has them."""
    what, index, values = f"column {label!r}", cells.index, cells.tolist()
    if isinstance(spec.type, np.dtype):
        if not any(isinstance(value, list) for value in values):
            return pd.Series(_named(what, columns.tensor, values, spec.type), index)
        return pd.Series([_named(what, columns.tensor, value, spec.type) for value in values], index, object)
    values = _named(what, columns.column, values, spec.type, spec.required)
    if arrays and isinstance(spec.type, Array):
        values = [_array(value) for value in values]
    return pd.Series(values, index, object if isinstance(spec.type, _STRUCTURES) else None)


def _named(what: str, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except CodecError as error:
        raise BadRequest(f"{what}: {error}") from None


def _array(value: Any) -> Any:
    try:
        return np.array(value) if isinstance(value, list) else value
    except ValueError:  # lists of different lengths
        return value


def _frame(form: str, **arguments: Any) -> pd.DataFrame:
    """A DataFrame whose cells are the values of the request."""
    try:
        frame = pd.DataFrame(**arguments, dtype=object)
        hash(tuple(frame.columns))
    except Exception as error:  # pandas promises no kind of error
        raise BadRequest(f"{form} is no table: {error}") from None
    require_rows(form, frame, arguments["data"])
    return frame


def require_rows(form: str, frame: pd.DataFrame, data: Any) -> None:
    """Raises ``BadRequest`` where pandas repeats the only row for each label of an index."""
    if isinstance(data, list) and len(data) != len(frame):
        raise BadRequest(f"{form}: index has {len(frame)} labels, data has {len(data)} rows")


def require_one_each(frame: pd.DataFrame) -> None:
    """Raises ``BadRequest`` when two columns have one name."""
    if not frame.columns.is_unique:
        raise BadRequest(f"column {frame.columns[frame.columns.duplicated()][0]!r} is given twice")


def _split(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise BadRequest(f"dataframe_split must be an object, not {type(data).__name__}")
    if "data" not in data or not set(data) <= {"columns", "data", "index"}:
        raise BadRequest(f"dataframe_split has data, and columns and index if any; this has {list(data)}")
    return data


def _records(data: Any) -> dict[str, Any]:
    if not isinstance(data, list):
        raise BadRequest(f"dataframe_records must be a list of records, not {type(data).__name__}")
    return {"data": data}


_FRAMES = {"dataframe_split": _split, "dataframe_records": _records}


def _rows(data: Any, schema: Schema) -> dict[str, Any]:
    """The rows that ``instances`` or ``inputs`` hold."""
    named = bool(schema.has_input_names())
    if are_records(data):
        return {"data": data}
    if named and len(schema.inputs) == 1 and isinstance(data, list):
        data = {schema.inputs[0].name: data}
    if isinstance(data, dict):
        if not named:
            raise BadRequest("the model's inputs have no names: send rows, not an object")
        return _members(data, schema)
    if named and not isinstance(data, list):
        raise BadRequest(
            f"the columns of the model's signature are {schema.input_names()}; send them by name"
        )
    return {"data": data if isinstance(data, list) else [data]}


def _members(data: dict[str, Any], schema: Schema, *, bare: bool = False) -> dict[str, Any]:
    """The columns of an object, or its only row: a list is a column unless the signature has structures."""
    kinds = {spec.name: spec.type for spec in schema.inputs}

    def is_cell(name: str, value: Any) -> bool:
        texts = bare or isinstance(kinds.get(name), AnyType)
        return not isinstance(value, list) or (texts and all(isinstance(part, str) for part in value))

    structured = any(isinstance(kind, _STRUCTURES) for kind in kinds.values())
    one_row = structured or all(is_cell(name, value) for name, value in data.items())
    return {"data": [data] if one_row else data}


def are_records(data: Any) -> bool:
    """Whether ``data`` is a list of objects, and not empty."""
    return isinstance(data, list) and bool(data) and all(isinstance(record, dict) for record in data)


def by_name(records: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The members of records that all have the same ones. Raises ``BadRequest``."""
    first = records[0].keys()
    odd = next((place for place, record in enumerate(records) if record.keys() != first), None)
    if odd is not None:
        raise BadRequest(f"row {odd} has {list(records[odd])}, and row 0 has {list(first)}")
    return {name: [record[name] for record in records] for name in first}


def _tensors(data: Any, schema: Schema) -> Any:
    """The array, or the arrays by name, that ``instances`` or ``inputs`` hold."""
    if not schema.has_input_names():
        if isinstance(data, dict):
            raise BadRequest("the model's input has no name: send an array, not an object")
        return _named("the input", columns.tensor, data, schema.inputs[0].type)
    if are_records(data):
        data = by_name(data)
    elif isinstance(data, list) and len(schema.inputs) == 1:
        data = {schema.inputs[0].name: data}
    if not isinstance(data, dict):
        raise BadRequest(f"the model takes tensors by name: {schema.input_names()}")
    dtypes = {str(spec.name): spec.type for spec in schema.inputs}
    return {
        name: _named(f"input {name!r}", columns.tensor, value, dtypes[name]) if name in dtypes else value
        for name, value in data.items()
    }
