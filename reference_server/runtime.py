"""A served model: its names, its metadata, and predictions with the blame put where it belongs."""

from collections.abc import Sized
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from mlflow.environment_variables import _MLFLOW_IS_IN_SERVING_ENVIRONMENT
from mlflow.exceptions import MlflowException
from mlflow.models import validate_schema
from mlflow.types import DataType, ParamSpec

from reference_server import hints, nested
from reference_server.codecs.elements import CodecError
from reference_server.errors import BadRequest, ModelError, ServingError
from reference_server.hotpath import Columns, Table
from reference_server.shortcut import Shortcut
from reference_server.signature import Side

# A model with type hints reads times and bytes of text then, as under mlflow.pyfunc.scoring_server, init.
_MLFLOW_IS_IN_SERVING_ENVIRONMENT.set("true")


@dataclass(frozen=True)
class Model:
    """A model in memory, from ``folder``. ``version`` is None where the repository gives none.

    ``columns``: it takes a table of numbers; ``shortcut``: asks it with an array instead.
    """

    name: str
    version: str | None
    pyfunc: Any
    inputs: Side | None
    outputs: Side | None
    platform: str = "mlflow_pyfunc"
    folder: str = ""
    columns: Columns | None = None
    shortcut: Shortcut | None = None

    def metadata(self, versions: list[str]) -> dict[str, Any]:
        """Source: inference_rest.md, Model Metadata Response JSON Object; `parameters` as MLServer has it.

        Without a signature nothing is known about the tensors: both lists are empty.
        """
        return (
            {"name": self.name}
            | ({"versions": versions} if versions else {})
            | {
                "platform": self.platform,
                "inputs": [t.metadata() for t in self.inputs.tensors.values()] if self.inputs else [],
                "outputs": [t.metadata() for t in self.outputs.tensors.values()] if self.outputs else [],
            }
            | ({"parameters": {"content_type": self.inputs.content_type}} if self.inputs else {})
        )

    def predict(self, data: Any, params: Any) -> Any:
        """What the model makes of ``data``; of a ``Table`` by its shortcut, where there is one.

        Raises ``BadRequest`` when data or params do not satisfy the signature, and when the model refuses
        what does: with a ``ValueError``, a ``TypeError`` or an ``MlflowException`` of a client's error code.
        Raises ``ModelError`` when the model fails otherwise.

        Source: mlflow.pyfunc.scoring_server answers 400 BAD_REQUEST for whatever ``predict`` raises; RFC
        9110, section 15.6.1, keeps 500 for a condition that the server did not expect. Clients and gateways
        send the same again after a 5xx status, and not after a 400.
        """
        if isinstance(data, Table):
            if self.shortcut is not None:
                with suppress(Exception):  # asked again below, it is told whose fault it is
                    return self.shortcut(data)
            data = data.frame()
        checked = self._checked(params)
        if isinstance(data, list) and self.inputs is not None and self.inputs.listed:
            data = self._for_hint(data)
        try:
            return self.pyfunc.predict(data, params=checked)
        except BaseException as error:  # PanicException of pyo3, SystemExit
            raise self._blame(data, error) from error

    def _for_hint(self, data: list[Any]) -> list[Any]:
        (column,) = self.pyfunc.metadata.get_input_schema().inputs
        try:
            return [hints.convert(value, column.type, f"[{place}]") for place, value in enumerate(data)]
        except CodecError as error:
            raise BadRequest(f"the input does not satisfy the model's signature: {error}") from error

    def _checked(self, params: Any) -> Any:
        """``params`` with the types of the signature: MLflow narrows some without a look at their range."""
        schema = self.pyfunc.metadata.get_params_schema()
        if schema is None or params is None:
            return params
        if not isinstance(params, dict):
            raise BadRequest(f"params must be an object, not {type(params).__name__}")
        checked = dict(params)
        for spec in schema.params:
            try:
                if spec.name in params:
                    checked[spec.name] = _param(params[spec.name], spec)
            except CodecError as error:
                raise BadRequest(f"parameter {spec.name!r}: {error}") from error
            except MlflowException as error:
                raise BadRequest(f"parameter {spec.name!r}: {error.message}") from error
        return checked

    def _blame(self, data: Any, error: BaseException) -> ServingError:
        schema = self.pyfunc.metadata.get_input_schema()
        try:
            # What type hints say, the model has checked before it failed.
            if schema is not None and not (self.inputs is not None and self.inputs.listed):
                validate_schema(data, schema)
        except MlflowException as mistake:
            return BadRequest(f"the input does not satisfy the model's signature: {mistake.message}")
        except Exception:
            reason = "the input does not satisfy the model's signature"
            return BadRequest("; ".join(filter(None, (reason, self._hint(data)))))
        if _is_empty(data):
            return BadRequest("the input has no rows, which this model cannot score")
        if _is_refusal(error):
            reason = f"model {self.name!r} refuses this input ({type(error).__name__})"
            return BadRequest("; ".join(filter(None, (reason, self._hint(data)))))
        return ModelError(f"model {self.name!r} failed on this input; the server's log has the cause")

    def _hint(self, data: Any) -> str:
        """What may be wrong with input that the model refuses."""
        if self.inputs is not None and self.inputs.listed:
            return hints.violation(data, self.pyfunc.unwrap_python_model().predict_type_hints.input)
        gaps = _gaps(data)
        return f"there are missing values in {', '.join(gaps)}" if gaps else ""


def _param(value: Any, spec: ParamSpec) -> Any:
    """``value`` as the parameter takes it. Raises ``CodecError`` or ``MlflowException``."""
    if spec.shape is not None and isinstance(value, list):
        value = [_converted(element, spec.dtype) for element in value]
    else:
        value = _converted(value, spec.dtype)
    ParamSpec.validate_param_spec(value, spec)  # shapes and objects
    return value


def _converted(value: Any, kind: Any) -> Any:
    found = nested.read(value, kind, required=False)
    if value is None or kind is DataType.datetime:
        return value
    return float(value) if kind is DataType.float else found  # of float and double MLflow makes Python's


def _is_refusal(error: BaseException) -> bool:
    if isinstance(error, MlflowException):
        return bool(400 <= error.get_http_status_code() < 500)
    return isinstance(error, (ValueError, TypeError))


def _gaps(data: Any) -> list[str]:
    """The columns, or the arrays of a dictionary, that have missing values."""
    named = data.items() if isinstance(data, (pd.DataFrame, dict)) else [(None, data)]
    return ["it" if name is None else repr(str(name)) for name, values in named if np.any(pd.isna(values))]


def _is_empty(data: Any) -> bool:
    """Whether there is no row in a DataFrame, an array, a list, or in any array of a dictionary."""
    parts = data.values() if isinstance(data, dict) else [data]
    return any(isinstance(part, Sized) and len(part) == 0 for part in parts)
