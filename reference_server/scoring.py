"""A request of MLflow's scoring protocol to a model, answered as MLflow's scoring server does.

Source: mlflow.pyfunc.scoring_server.
"""

import json
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server

from reference_server import jsonio
from reference_server.errors import BadRequest, ModelError, ServingError, UnsupportedMediaType
from reference_server.runtime import Model
from reference_server.tables import as_table


class _Call:
    """One prediction, as MLflow's ``invocations`` asks for it. It turns every failure of ``predict`` into
    status 400: ``failure`` keeps whose fault it was."""

    def __init__(self, model: Model) -> None:
        self.metadata = model.pyfunc.metadata
        self._model = model
        self.reached = False
        self.failure: ServingError | None = None

    def predict(self, data: Any, params: Any = None) -> Any:
        self.reached = True
        try:
            return self._model.predict(data, params)
        except ServingError as error:
            self.failure = error
            raise


def invoke(model: Model, body: bytes, content_type: str) -> str:
    """The JSON text that answers ``body``. Predictions that are NaN are null.

    Raises ``BadRequest``, ``UnsupportedMediaType`` or ``ModelError``.
    """
    call = _Call(model)
    schema = call.metadata.get_input_schema()
    try:
        data: Any = as_table(_object(body), schema) if _is_json(content_type) else body
        result = scoring_server.invocations(data, content_type, call, schema)
    except ServingError:
        raise
    except Exception as error:
        raise _blame(call, error) from error
    if result.status != 200:
        raise UnsupportedMediaType(result.response)
    return _strict(result.response)


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip() == "application/json"


def _object(body: bytes) -> dict[str, Any]:
    value = jsonio.loads(body)
    if not isinstance(value, dict):
        raise BadRequest(f"{scoring_server.REQUIRED_INPUT_FORMAT}; this is {type(value).__name__}")
    return value


def _blame(call: _Call, error: Exception) -> ServingError:
    if call.failure is not None:
        return call.failure
    if call.reached:
        return ModelError("the model's prediction cannot be written as JSON")
    if isinstance(error, MlflowException):
        return BadRequest(error.message)
    return BadRequest("the input cannot be read; check it against the model's signature")


def _strict(text: str) -> str:
    """``text`` without the tokens NaN and Infinity, which Python's json writes and JSON does not have."""
    if "NaN" not in text and "Infinity" not in text:
        return text
    return json.dumps(json.loads(text, parse_constant=_constant))


def _constant(token: str) -> None:
    if token != "NaN":
        raise ModelError(f"a prediction is {token}, which no JSON number expresses")
