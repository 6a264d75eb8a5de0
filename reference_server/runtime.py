"""A served model: its names, its metadata, and predictions with the blame put where it belongs."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.models import validate_schema
from mlflow.types import ParamSpec

from reference_server import columns
from reference_server.codecs.elements import CodecError
from reference_server.errors import BadRequest, ModelError, ServingError
from reference_server.signature import Side


@dataclass(frozen=True)
class Model:
    """A model in memory. ``version`` is None where the repository gives none."""

    name: str
    version: str | None
    pyfunc: Any
    inputs: Side | None
    outputs: Side | None

    def metadata(self, versions: list[str]) -> dict[str, Any]:
        """Source: inference_rest.md, Model Metadata Response JSON Object; `parameters` as MLServer has it.

        Without a signature nothing is known about the tensors: both lists are empty.
        """
        return (
            {"name": self.name}
            | ({"versions": versions} if versions else {})
            | {
                "platform": "mlflow_pyfunc",
                "inputs": [t.metadata() for t in self.inputs.tensors.values()] if self.inputs else [],
                "outputs": [t.metadata() for t in self.outputs.tensors.values()] if self.outputs else [],
            }
            | ({"parameters": {"content_type": self.inputs.content_type}} if self.inputs else {})
        )

    def predict(self, data: Any, params: Any) -> Any:
        """What the model makes of ``data``.

        Raises ``BadRequest`` when data or params do not satisfy the signature, ``ModelError`` when the model
        fails on data that does.
        """
        given = self._params(params)
        try:
            return self.pyfunc.predict(data, params=given)
        except Exception as error:
            raise self._blame(data, error) from error

    def _params(self, params: Any) -> Any:
        """``params`` with the values that the signature declares; the others are not for the model."""
        schema = self.pyfunc.metadata.get_params_schema()
        if schema is None or params is None:
            return params
        if not isinstance(params, dict):
            raise BadRequest(f"params must be an object, not {type(params).__name__}")
        found = dict(params)
        for spec in schema.params:
            try:
                if spec.name in params:
                    found[spec.name] = columns.parameter(params[spec.name], spec.dtype)
                    ParamSpec.validate_param_spec(found[spec.name], spec)
            except MlflowException as error:
                raise BadRequest(f"parameter {spec.name!r}: {error.message}") from error
            except CodecError as error:
                raise BadRequest(f"parameter {spec.name!r}: {error}") from None
        return found

    def _blame(self, data: Any, error: Exception) -> ServingError:
        schema = self.pyfunc.metadata.get_input_schema()
        try:
            if schema is not None:
                validate_schema(data, schema)
        except MlflowException as mistake:
            return BadRequest(f"the input does not satisfy the model's signature: {mistake.message}")
        except Exception:
            return BadRequest("the input does not satisfy the model's signature")
        if _is_empty(data):
            return BadRequest("the input has no rows, which this model cannot score")
        return ModelError(f"model {self.name!r} failed on this input; the server's log has the cause")


def _is_empty(data: Any) -> bool:
    """Whether there is no row in a DataFrame, an array, a list, or in any array of a dictionary."""
    parts = data.values() if isinstance(data, dict) else [data]
    return any(isinstance(part, Sized) and len(part) == 0 for part in parts)
