"""CSV as a table. Source: RFC 4180; mlflow.pyfunc.scoring_server, parse_csv_input, for what pandas reads."""

import io
import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from mlflow.types import DataType, Schema

from reference_server import tables
from reference_server.errors import BadRequest

_INTEGER = re.compile(r"[+-]?[0-9]{1,300}")  # a longer one is a number beyond every type
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INFINITY = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_SHOWN = 40  # characters of a value in a message
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
# What pandas.read_csv takes for a missing value (its parameter na_values); texts are missing when empty.
_MISSING = {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"}
_MISSING |= {"<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}


def read(body: bytes, schema: Schema | None) -> pd.DataFrame:
    """The table in ``body``: a line of column names, then the rows.

    Without a signature pandas guesses the types, and a number that they change is refused. The names are
    missing where the first line is data: every field of it a number, a boolean or a time, and they are
    neither names of the signature nor 0, 1, 2 …, which pandas writes where columns have no names.
    Raises ``BadRequest``.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRequest("the CSV is not valid UTF-8") from None
    frame = _parse(text, dtype=str, na_filter=False)
    header = frame.columns.tolist()
    if not isinstance(frame.index, pd.RangeIndex):
        raise BadRequest(f"the CSV has lines with more fields than the {len(header)} of its first line")
    _require_names(header, schema)
    if schema is None:
        return _guessed(text, frame)
    _require_one_each(text, schema)
    return tables.typed(_values(frame, schema), schema)


def _parse(text: str, **options: Any) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = pd.read_csv(io.StringIO(text), **options)
        return frame
    except Exception as error:  # pandas promises no kind of error
        raise BadRequest(f"the body is no CSV: {str(error).strip()}") from None


def _require_names(header: list[str], schema: Schema | None) -> None:
    known = {str(name) for name in schema.input_names()} if schema and schema.has_input_names() else set()
    places = [str(place) for place in range(len(header))]
    if header != places and known.isdisjoint(header) and all(map(_is_data, header)):
        first = ",".join(header)[:80]
        raise BadRequest(f"the names of the columns are missing: the first line of the CSV is data ({first})")


def _require_one_each(text: str, schema: Schema) -> None:
    """pandas renames the second column of a name, and MLflow drops it."""
    names = list(_parse(text, header=None, nrows=1, dtype=str, na_filter=False).iloc[0])
    for name in schema.input_names() if schema.has_input_names() else ():
        if names.count(str(name)) > 1:
            raise BadRequest(f"column {str(name)!r} is given twice")


def _guessed(text: str, fields: pd.DataFrame) -> pd.DataFrame:
    """The table with the types that pandas finds. Raises ``BadRequest`` where they change a number."""
    frame = _parse(text)
    for label, column in frame.items():
        for row, field in enumerate(fields[label] if column.dtype.kind == "f" else ()):
            value = _read_number(field)
            if isinstance(value, str) or (type(value) is int and int(float(value)) != value):
                became = column.iloc[row]
                raise BadRequest(
                    f"column {label!r}: row {row} is {field[:_SHOWN]}, which would become {became}"
                )
    return frame


def _is_data(field: str) -> bool:
    if _NUMBER.fullmatch(field) or field.lower() in ("true", "false"):
        return True
    try:
        datetime.fromisoformat(field)
    except ValueError:
        return False
    return True


def _values(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The fields as the JSON values that they stand for."""
    for label, spec in tables.specs(frame, schema).items():
        if spec is not None:
            dtype = spec.type.to_numpy() if isinstance(spec.type, DataType) else spec.type
            kind = dtype.kind if isinstance(dtype, np.dtype) else "O"
            frame[label] = pd.Series([_READERS[kind](f) for f in frame[label]], frame.index, object)
    return frame


def _read_number(field: str) -> Any:
    field = field.strip()
    if field in _MISSING:
        return None
    if _INTEGER.fullmatch(field):
        return int(field)
    if _INFINITY.fullmatch(field) or (_NUMBER.fullmatch(field) and math.isfinite(float(field))):
        return float(field)
    return field


def _read_boolean(field: str) -> Any:
    return None if field in _MISSING else _BOOLEANS.get(field.strip().lower(), field)


def _read_text(field: str) -> Any:
    return field or None


def _read_other(field: str) -> Any:
    return None if field in _MISSING else field


_READERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys("iuf", _read_number),
    "b": _read_boolean,
    "U": _read_text,
    **dict.fromkeys("SMO", _read_other),
}
