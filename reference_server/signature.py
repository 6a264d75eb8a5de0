"""The tensors of a model's metadata, from its MLflow signature.

Source: MLServer 1.7.1, runtimes/mlflow/mlserver_mlflow/metadata.py.
"""

from dataclasses import dataclass
from typing import Any

from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, Schema, TensorSpec

from reference_server.codecs.numeric import datatype_of
from spec.tables import MLFLOW_TYPES


@dataclass(frozen=True)
class Tensor:
    """An input or output of a model.

    ``column``: from a column of the signature, not from a tensor of it. ``named``: the signature has the
    name. ``numpy``: the dtype that the model takes, where the signature has a tensor.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    content_type: str
    column: bool = True
    required: bool = True
    named: bool = True
    numpy: str = ""

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
    """All inputs, or all outputs, and the content type that groups them: pd, np or dict."""

    tensors: dict[str, Tensor]
    content_type: str


def side(schema: Schema | None, prefix: str) -> Side | None:
    """The inputs ("input-") or outputs ("output-") of a schema; None without a schema.

    Raises ``CodecError`` when the protocol has no datatype for a tensor of the schema.
    """
    if schema is None:
        return None
    tensors = [_tensor(spec, f"{prefix}{place}") for place, spec in enumerate(schema.inputs)]
    named = bool(schema.has_input_names())
    grouping = ("dict" if named else "np") if schema.is_tensor_spec() else "pd"
    return Side({tensor.name: tensor for tensor in tensors}, grouping)


def sides(signature: ModelSignature | None) -> tuple[Side | None, Side | None]:
    """The inputs and the outputs of a signature."""
    if signature is None:
        return None, None
    return side(signature.inputs, "input-"), side(signature.outputs, "output-")


def _tensor(spec: ColSpec | TensorSpec, default: str) -> Tensor:
    name, named = spec.name or default, bool(spec.name)
    if isinstance(spec, TensorSpec):
        datatype = datatype_of(spec.type)
        return Tensor(name, datatype, tuple(spec.shape), "np", False, True, named, spec.type.str)
    kind = MLFLOW_TYPES[spec.to_dict()["type"]]
    return Tensor(name, kind.datatype, (-1, 1), kind.content_type, True, bool(spec.required), named)
