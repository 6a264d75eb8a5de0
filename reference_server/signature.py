"""The tensors of a model's metadata, from its MLflow signature or from what its settings declare.

Source: MLServer 1.7.1, runtimes/mlflow/mlserver_mlflow/metadata.py; mlserver/settings.py, ModelSettings.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, Schema, TensorSpec

from reference_server.codecs.elements import CodecError
from reference_server.codecs.grouping import GROUPINGS
from reference_server.codecs.numeric import datatype_of
from spec.tables import CONTENT_TYPES, DATATYPES, MLFLOW_TYPES
from spec.validation import violations


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model.

    ``column``: a column of a table, not a tensor of its own. ``named``: the signature has the name.
    ``numpy``: the dtype that the model takes, where it takes a tensor. ``key``: what the model calls it: the
    signature's name as it is (an integer stays one), the position where it has none. ``kind``: the MLflow
    type of a column, None where the settings declare it.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    content_type: str
    column: bool = True
    required: bool = True
    named: bool = True
    numpy: str = ""
    key: Any = ""
    kind: Any = None

    def metadata(self) -> dict[str, Any]:
        """The metadata tensor. Source: inference_rest.md, Model Metadata Response JSON Object."""
        return {
            "name": self.name,
            "datatype": self.datatype,
            "shape": list(self.shape),
            "parameters": {"content_type": self.content_type},
        }


@dataclass(frozen=True)
class Side:
    """All inputs, or all outputs, and the content type that groups them: pd, np or dict.

    No tensors: only the content type is known, every tensor is taken. ``listed``: the model has type hints,
    and takes the only column as a list of Python's values.
    """

    tensors: dict[str, Tensor]
    content_type: str
    listed: bool = False


def side(schema: Schema | None, prefix: str) -> Side | None:
    """The inputs ("input-") or outputs ("output-") of a schema; None without a schema.

    Raises ``CodecError`` when the protocol has no datatype for a tensor of the schema, or no name: it knows
    text only, so that the names 0 and "0" are one.
    """
    if schema is None:
        return None
    tensors = [_tensor(spec, place, prefix) for place, spec in enumerate(schema.inputs)]
    named = bool(schema.has_input_names())
    grouping = ("dict" if named else "np") if schema.is_tensor_spec() else "pd"
    return Side(_by_name(tensors), grouping)


def sides(signature: ModelSignature | None) -> tuple[Side | None, Side | None]:
    """The inputs and the outputs of a signature. Raises ``CodecError`` as ``side`` does, and for an input
    that MLflow itself confuses: it reads the names 0 and "" as the input's position."""
    if signature is None:
        return None, None
    inputs = side(signature.inputs, "input-")
    if inputs is not None and signature.inputs.has_input_names():
        for place, tensor in enumerate(inputs.tensors.values()):
            if not tensor.key and tensor.key != place:
                raise CodecError(f"input {place} is called {tensor.key!r}, which MLflow takes for {place}")
    if inputs is not None and signature._is_signature_from_type_hint:
        hinted = {name: replace(tensor, kind=None) for name, tensor in inputs.tensors.items()}
        inputs = Side(hinted, inputs.content_type, listed=True)
    return inputs, side(signature.outputs, "output-")


def declared_side(tensors: list[dict[str, Any]], content_type: str | None) -> Side:
    """The inputs, or the outputs, that model-settings.json declares as metadata tensors.

    ``content_type`` groups them; without it columns ([N] or [N, 1]) make a DataFrame, a single tensor an
    array, several a dictionary. Without ``tensors`` only the content type is known.
    Raises ``CodecError`` that names the tensor and the field.
    """
    if content_type is not None and content_type not in GROUPINGS:
        raise CodecError(f"content_type {content_type!r} is not supported; use one of {', '.join(GROUPINGS)}")
    for place, tensor in enumerate(tensors):
        found = violations("v2/metadata-tensor", tensor) or violations(
            "v2/parameters", tensor.get("parameters", {})
        )
        if found:
            raise CodecError(f"[{place}]{'.' if found[0].path else ': '}{found[0]}")
    columns = all(len(t["shape"]) == 1 or t["shape"][1:] == [1] for t in tensors)
    grouping = content_type or ("pd" if columns else "np" if len(tensors) == 1 else "dict")
    if grouping == "pd" and not columns:
        raise CodecError("content_type pd takes columns, of shape [-1] or [-1, 1]")
    if grouping == "np" and len(tensors) > 1:
        raise CodecError(f"content_type np takes one tensor, not {len(tensors)}")
    made = [_declared(tensor, f"[{place}]", grouping == "pd") for place, tensor in enumerate(tensors)]
    return Side(_by_name(made), grouping)


def _by_name(tensors: list[Tensor]) -> dict[str, Tensor]:
    twice = [name for name, count in Counter(tensor.name for tensor in tensors).items() if count > 1]
    if twice:
        raise CodecError(f"{twice[0]!r} is the name of two tensors: names are text, give each its own")
    return {tensor.name: tensor for tensor in tensors}


def _tensor(spec: ColSpec | TensorSpec, place: int, prefix: str) -> Tensor:
    named = spec.name is not None
    key = spec.name if named else place
    if isinstance(key, (list, tuple)):
        raise CodecError(f"a column is called {key!r}: give it one name, without levels")
    name = str(key) if named else f"{prefix}{place}"
    if isinstance(spec, TensorSpec):
        datatype = datatype_of(spec.type)
        return Tensor(name, datatype, tuple(spec.shape), "np", False, True, named, spec.type.str, key)
    row = MLFLOW_TYPES[spec.to_dict()["type"]]
    required = bool(spec.required)
    return Tensor(
        name, row.datatype, (-1, 1), row.content_type, True, required, named, key=key, kind=spec.type
    )


def _declared(tensor: dict[str, Any], where: str, column: bool) -> Tensor:
    datatype = tensor["datatype"]
    if datatype not in DATATYPES:
        raise CodecError(f"{where}.datatype: {datatype} is not supported; use one of {', '.join(DATATYPES)}")
    text = datatype == "BYTES"
    content_type = tensor.get("parameters", {}).get("content_type", "str" if text else "np")
    row = CONTENT_TYPES.get(content_type)
    if row is None or not row.tensor or (row.text and not text):
        raise CodecError(
            f"{where}.parameters.content_type: {content_type!r} does not fit datatype {datatype}"
        )
    numpy = "object" if text else DATATYPES[datatype].numpy
    name, shape = tensor["name"], tuple(tensor["shape"])
    return Tensor(name, datatype, shape, content_type, column, numpy=numpy, key=name)
