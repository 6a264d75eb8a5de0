"""The MLflow model behind the target, loaded here: it tells what metadata and predictions must be.

Source: MLServer 1.7.1, runtimes/mlflow/mlserver_mlflow; the schema is enforced by MLflow itself.
"""

import importlib.util
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from conformance.wire import content_types, jsontext, tensors
from conformance.wire.tensors import TensorSpec
from spec.tables import DATATYPES, MLFLOW_TYPES

_JSON = "application/json"


class Refused(Exception):
    """The model does not take the input. ``by_schema``: it does not satisfy the signature."""

    def __init__(self, cause: Exception, by_schema: bool) -> None:
        super().__init__(str(cause))
        self.by_schema = by_schema


@dataclass(frozen=True)
class Declared:
    """An input or output of the signature, and the metadata tensor that MLServer makes of it.

    named: the signature has the name. required: the model needs it. dtype: of NumPy, for a tensor; empty for
    a column.
    """

    spec: TensorSpec
    named: bool
    required: bool
    dtype: str = ""


@dataclass(frozen=True)
class Prediction:
    """One output as the model gives it. datatype: of NumPy values; empty for objects. elements: flat."""

    datatype: str
    elements: Sequence[Any]


def check(folder: Path) -> None:
    """Whether ``folder`` can be loaded at all. Raises ValueError saying what is missing."""
    if not (folder / "MLmodel").is_file():
        inside = folder / "model" / "MLmodel"
        hint = f"try {inside.parent}" if inside.is_file() else "give the folder of a logged MLflow model"
        raise ValueError(f"--mlmodel {folder}: there is no file MLmodel in it; {hint}")
    if importlib.util.find_spec("mlflow") is None:
        raise ValueError("--mlmodel needs MLflow here: pip install 'oip-conformance[server]'")


@contextmanager
def _quiet() -> Iterator[None]:
    """What MLflow and the model warn of is no matter of the target's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Oracle:
    """The model in ``folder``. Raises ValueError when it can't be loaded."""

    def __init__(self, folder: Path) -> None:
        check(folder)
        with _quiet():
            import mlflow.pyfunc

            try:
                self._model = mlflow.pyfunc.load_model(str(folder), suppress_warnings=True)
            except Exception as error:
                raise ValueError(f"--mlmodel {folder}: MLflow can't load it: {error}") from error
        self.signature: Any = self._model.metadata.signature

    @cached_property
    def inputs(self) -> list[Declared]:
        """The inputs of the signature; none without one."""
        return _declared(self.signature and self.signature.inputs, "input-")

    @cached_property
    def outputs(self) -> list[Declared]:
        """The outputs of the signature; none without one."""
        return _declared(self.signature and self.signature.outputs, "output-")

    @cached_property
    def params(self) -> list[dict[str, Any]]:
        """The parameters of the signature: name, type, shape and default of each."""
        found = self.signature and self.signature.params
        return list(found.to_dict()) if found else []

    @property
    def content_type(self) -> str:
        """The content type of a whole request: dict, np or pd; empty without a signature.

        Source: metadata.py, to_model_content_type.
        """
        if not self.inputs:
            return ""
        if not self.inputs[0].dtype:
            return "pd"
        return "dict" if self.inputs[0].named else "np"

    def predict(self, body: Mapping[str, Any]) -> dict[str, Prediction]:
        """The outputs for an inference request, by the names that metadata gives them. Raises Refused."""
        declared = {one.spec.name: one for one in self.inputs}
        try:
            given = {
                t["name"]: _value(declared[t["name"]], t) for t in body["inputs"] if t["name"] in declared
            }
            data = self._grouped(given)
        except (ValueError, TypeError, OverflowError) as error:
            raise Refused(error, by_schema=True) from error
        wanted = {param["name"] for param in self.params}
        params = {k: v for k, v in body.get("parameters", {}).items() if k in wanted}
        return self._named(self._predict(data, params))

    def _grouped(self, given: Mapping[str, Any]) -> Any:
        if self.content_type == "pd":
            import pandas as pd

            frame = pd.DataFrame(given)
            unnamed = not self.inputs[0].named
            return frame.set_axis(range(len(frame.columns)), axis=1) if unnamed else frame
        return dict(given) if self.content_type == "dict" else next(iter(given.values()))

    def _predict(self, data: Any, params: Mapping[str, Any]) -> Any:
        from mlflow.exceptions import MlflowException

        with _quiet():
            try:
                return self._model.predict(data, params=dict(params))
            except Exception as error:
                raise Refused(error, by_schema=isinstance(error, MlflowException)) from error

    def _named(self, prediction: Any) -> dict[str, Prediction]:
        parts = _parts(prediction, max(len(self.outputs), 1))
        declared = [one.spec.name for one in self.outputs]
        if len(parts) == len(declared) and not parts.keys() <= set(declared):
            parts = dict(zip(declared, parts.values(), strict=True))
        return {str(name): _prediction(values) for name, values in parts.items()}

    def score(self, body: Any) -> Any:
        """The answer of MLflow's own scoring code to a scoring request, as JSON. Raises Refused.

        An answer that is no strict JSON (NaN) is a refusal too: nothing can be expected of a target.
        """
        from mlflow.pyfunc import scoring_server

        with _quiet():
            try:
                schema = self._model.metadata.get_input_schema()
                answer = scoring_server.invocations(json.dumps(body), _JSON, self._model, schema)
            except Exception as error:
                raise Refused(error, by_schema=True) from error
        if jsontext.flaw(answer.response.encode()):
            raise Refused(ValueError("the prediction is no JSON"), by_schema=False)
        return json.loads(answer.response)


def _declared(schema: Any, prefix: str) -> list[Declared]:
    """What MLServer's metadata makes of a schema. Source: metadata.py, to_metadata_tensors."""
    columns = schema.to_dict() if schema else []
    return [_one(column, f"{prefix}{place}") for place, column in enumerate(columns)]


def _one(column: Mapping[str, Any], default: str) -> Declared:
    name, named = str(column.get("name") or default), bool(column.get("name"))
    if column["type"] == "tensor":
        dtype, shape = np.dtype(column["tensor-spec"]["dtype"]), column["tensor-spec"]["shape"]
        return Declared(TensorSpec(name, _datatype(dtype), tuple(shape), "np"), named, True, dtype.str)
    row = MLFLOW_TYPES[column["type"]]
    spec = TensorSpec(name, row.datatype, (-1, 1), row.content_type)
    return Declared(spec, named, column.get("required") is not False)


def _datatype(dtype: np.dtype[Any]) -> str:
    """The datatype for a NumPy type; empty when there is none. Source: numpy.py, to_datatype."""
    if dtype.kind in "OUS":
        return "BYTES"
    return next((name for name, row in DATATYPES.items() if row.numpy == dtype.name), "")


def _value(declared: Declared, tensor: Mapping[str, Any]) -> Any:
    """What the model gets of a request's tensor: a column, or an array of the tensor's shape."""
    import pandas as pd

    elements = tensors.flat(tensor["data"])
    spec = declared.spec
    if declared.dtype:
        dtype = np.dtype(declared.dtype)
        if dtype.kind == "S":
            elements = [element.encode() for element in elements]
        return np.array(elements, dtype if dtype.itemsize else dtype.kind).reshape(tensor["shape"])
    if spec.content_type == "np":
        return pd.Series(np.array(elements, DATATYPES[spec.datatype].numpy))
    values = [content_types.meaning(spec.content_type, element) for element in elements]
    return pd.Series(values, dtype="datetime64[ns]" if spec.content_type == "datetime" else None)


def _parts(prediction: Any, count: int) -> dict[Any, Any]:
    """The values of each output, by the model's own names, or by place."""
    import pandas as pd

    if isinstance(prediction, list) and prediction and all(isinstance(row, dict) for row in prediction):
        prediction = pd.DataFrame(prediction)
    if isinstance(prediction, pd.DataFrame):
        return {name: prediction[name] for name in prediction.columns}
    if isinstance(prediction, dict):
        return prediction
    array = np.asarray(prediction)
    if count > 1 and array.ndim == 2 and array.shape[1] == count:
        return {place: array[:, place] for place in range(count)}
    return {0: prediction}


def _prediction(values: Any) -> Prediction:
    array = np.asarray(values)
    datatype = "" if array.dtype.kind in "OUSM" else _datatype(array.dtype)
    found = values.tolist() if hasattr(values, "tolist") and array.ndim == 1 else array.reshape(-1).tolist()
    return Prediction(datatype, [_plain(value) for value in found])


def _plain(value: Any) -> Any:
    """A value with the NumPy values inside it as Python's own."""
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(member) for member in value]
    return value.item() if isinstance(value, np.generic) else value
