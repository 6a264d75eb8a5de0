"""A request of MLflow's scoring protocol to a model, answered as MLflow's scoring server does.

Source: mlflow.pyfunc.scoring_server.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server
from mlflow.pyfunc.utils.serving_data_parser import SUPPORTED_LLM_FORMATS

from reference_server import csvtable, hotpath, jsonio, scores, tables
from reference_server.errors import BadRequest, UnsupportedMediaType
from reference_server.limits import DEFAULTS, Limits
from reference_server.runtime import Model

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")


@dataclass(frozen=True)
class _Request:
    """What a model is asked. ``bare``: as a language model is, and the answer has no member predictions."""

    data: Any
    params: Any = None
    bare: bool = False


_Reader = Callable[[Model, bytes, int], _Request]  # the last one: how deep JSON may nest


def invoke(
    model: Model,
    body: bytes,
    media_type: str,
    parameters: Mapping[str, str] | None = None,
    limits: Limits = DEFAULTS,
) -> bytes:
    """The JSON text that answers ``body``, whose Content-Type has been taken apart.

    Raises ``BadRequest``, ``UnsupportedMediaType`` or ``ModelError``.
    """
    request = _reader(media_type, parameters or {})(model, body, limits.depth)
    rows = _rows(request.data)
    if rows > limits.rows:
        raise BadRequest(f"the request has {rows} rows; at most {limits.rows} are taken here")
    return scores.written(model.predict(request.data, request.params), bare=request.bare)


def _rows(data: Any) -> int:
    """The rows of a table, an array, a list, or the longest of several by name; else 1."""
    if isinstance(data, dict):
        return max((_rows(part) for part in data.values()), default=0)
    if isinstance(data, hotpath.Table):
        return data.rows
    return len(data) if isinstance(data, (pd.DataFrame, list)) or np.ndim(data) else 1


def _reader(media_type: str, parameters: Mapping[str, str]) -> _Reader:
    if media_type not in _READERS:
        given = f"Content-Type {media_type!r} is not supported" if media_type else "there is no Content-Type"
        raise UnsupportedMediaType(f"{given}; send one of {', '.join(_READERS)}")
    for name, value in parameters.items():
        if name != "charset" or value.lower() not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(f"Content-Type has {name}={value}; it may have charset=utf-8 alone")
    return _READERS[media_type]


def _read_json(model: Model, body: bytes, depth: int) -> _Request:
    if model.columns is not None and (table := hotpath.dataframe_split(body, model.columns)) is not None:
        return _Request(table)
    document = jsonio.loads_python(body, depth)
    if not isinstance(document, dict):
        raise BadRequest(f"{_WANTED}; this is {type(document).__name__}")
    schema = model.pyfunc.metadata.get_input_schema()
    if not SUPPORTED_LLM_FORMATS.isdisjoint(document):
        return _language_model(model, document)
    params = document.get("params")
    if model.pyfunc.metadata._is_signature_from_type_hint():
        if "inputs" not in document:
            raise BadRequest(f"the model has type hints: the request must have inputs, not {list(document)}")
        return _Request(document["inputs"], params)
    forms = [form for form in FORMS if form in document]
    if len(forms) != 1:
        raise BadRequest(f"{_WANTED}; this has {list(document)}")
    (form,) = forms
    if schema is not None:
        return _Request(tables.read(form, document[form], schema), params)
    return _Request(_guessed(form, document[form]), params)


def _language_model(model: Model, document: dict[str, Any]) -> _Request:
    """A request that stands for itself: MLflow knows it by the member messages, prompt or input."""
    metadata = model.pyfunc.metadata
    schema, declared = metadata.get_input_schema(), metadata.get_params_schema()
    names = {spec.name for spec in declared.params} if declared else set()
    data: Any = {name: value for name, value in document.items() if name not in names}
    params = {name: value for name, value in document.items() if name in names}
    if schema is not None and not metadata._is_signature_from_type_hint():
        data = tables.bare(data, schema)
    return _Request(data, params, bare=True)


def _guessed(form: str, data: Any) -> Any:
    """The data for a model without a signature, with the types that NumPy and pandas find in it.

    Raises ``BadRequest`` where they make another number of an integer, a float for the company it has, where
    they drop the end of a text, a column or the place of a value, and where they repeat a row.
    """
    try:
        found = scoring_server.infer_and_parse_data({form: data})
    except MlflowException as error:
        raise BadRequest(error.message) from None
    if isinstance(found, pd.DataFrame):
        tables.require_one_each(found)
        tables.require_rows(form, found, data["data"] if form == "dataframe_split" else data)
        arrays = [part.to_numpy() for _, part in found.items()]
    elif isinstance(found, dict):
        columns = tables.by_name(data) if tables.are_records(data) else data
        arrays = [_kept(form, np.asarray(array), columns[name]) for name, array in found.items()]
    else:
        arrays = [_kept(form, np.asarray(found), data)]
    for number in _inexact(data):
        if any(array.dtype.kind == "f" and (array == float(number)).any() for array in arrays):
            raise BadRequest(f"{form}: {number} would become {int(float(number))} beside what is no integer")
    return found


def _kept(form: str, array: np.ndarray[Any, Any], values: Any) -> np.ndarray[Any, Any]:
    """``array``, made of ``values``."""
    if array.dtype.kind == "U" and any(str(value).endswith("\0") for value in _scalars(values)):
        raise BadRequest(f"{form}: a text ends with NUL, which NumPy does not keep")
    return array


def _inexact(value: Any) -> Iterator[int]:
    """The integers in ``value`` that no float expresses."""
    return (part for part in _scalars(value) if type(part) is int and int(float(part)) != part)


def _scalars(value: Any) -> Iterator[Any]:
    if not isinstance(value, (dict, list)):
        yield value
        return
    for part in value.values() if isinstance(value, dict) else value:
        yield from _scalars(part)


def _read_csv(model: Model, body: bytes, _: int) -> _Request:
    return _Request(csvtable.read(body, model.pyfunc.metadata.get_input_schema()))


def _read_parquet(model: Model, body: bytes, _: int) -> _Request:
    try:
        return _Request(pd.read_parquet(io.BytesIO(body)))
    except Exception:  # neither pandas nor pyarrow promises a kind of error
        raise BadRequest("the body is no Parquet file with a table") from None


_WANTED = f"The input must be a JSON dictionary with exactly one of the input fields {', '.join(FORMS)}"
_READERS: dict[str, _Reader] = {
    "text/csv": _read_csv,
    "application/json": _read_json,
    "application/vnd.apache.parquet": _read_parquet,
}
