"""Messages of the gRPC service, read and written. Numbers become arrays without Python's objects in between.

Source: open_inference_grpc.proto; ``codecs/raw.py`` for raw contents.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from reference_server import decoding, encoding
from reference_server.codecs import raw
from reference_server.codecs.elements import CodecError
from reference_server.errors import BadRequest
from spec.service import calls
from spec.tables import DATATYPES

_KINDS = {bool: "bool_param", int: "int64_param", float: "double_param", str: "string_param"}
# Typed fields of more than one datatype: what is out of range is told when it is read.
_FIELDS = {"int_contents": np.dtype("int32"), "uint_contents": np.dtype("uint32")}


def read(message: Any, blobs: Sequence[raw.Bytes]) -> tuple[dict[str, Any], list[Any]]:
    """The members of a ModelInferRequest, without data; and the data of each input, flat: an array of numbers
    or a list of texts. ``blobs``: its raw contents. Raises ``BadRequest`` for contents that do not fit."""
    if blobs and len(blobs) != len(message.inputs):
        raise BadRequest(f"raw_input_contents: {len(blobs)} entries for {len(message.inputs)} inputs")
    request: dict[str, Any] = {"inputs": []} | ({"id": message.id} if message.id else {})
    request |= _parameters(message)
    data: list[Any] = []
    for place, tensor in enumerate(message.inputs):
        where, shape = f"inputs[{place}] ({tensor.name!r})", list(tensor.shape)
        read_one = partial(_raw, tensor, blobs[place]) if blobs else partial(_typed, tensor)
        data.append(decoding.elements(where, tensor.datatype, shape, read_one))
        members = {"name": tensor.name, "shape": shape, "datatype": tensor.datatype, "data": []}
        request["inputs"].append(members | _parameters(tensor))
    if message.outputs:
        request["outputs"] = [{"name": output.name} | _parameters(output) for output in message.outputs]
    return request, data


def _raw(tensor: Any, data: raw.Bytes) -> Any:
    if tensor.contents.ListFields():
        raise CodecError("contents must not be given beside raw_input_contents")
    return raw.decode(data, tensor.datatype)


def _typed(tensor: Any) -> Any:
    row = DATATYPES[tensor.datatype]
    if not row.contents:
        raise CodecError(f"{tensor.datatype} has no typed contents: use raw_input_contents")
    others = [field.name for field, _ in tensor.contents.ListFields() if field.name != row.contents]
    if others:
        raise CodecError(f"{others[0]} is not for {tensor.datatype}: use {row.contents}")
    elements = getattr(tensor.contents, row.contents)
    if tensor.datatype == "BYTES":
        return raw.texts(list(elements))
    return np.array(elements, _FIELDS.get(row.contents, np.dtype(row.numpy)))


def _parameters(holder: Any) -> dict[str, Any]:
    """The member ``parameters``; those that have no value are not given."""
    if not holder.parameters:
        return {}
    kinds = {name: parameter.WhichOneof("parameter_choice") for name, parameter in holder.parameters.items()}
    return {
        "parameters": {name: getattr(holder.parameters[name], kind) for name, kind in kinds.items() if kind}
    }


def response(answer: dict[str, Any], as_bytes: bool) -> Any:
    """The ModelInferResponse with the members of ``answer``, whose data are arrays of numbers or lists of
    texts. ``as_bytes``: raw, as where an output has no typed field. Raises ``ModelError`` for what is
    missing."""
    message = calls()["ModelInfer"].response(
        model_name=answer["model_name"],
        model_version=answer.get("model_version", ""),
        id=answer.get("id", ""),
    )
    _put_parameters(message, answer)
    as_bytes = as_bytes or not all(DATATYPES[output["datatype"]].contents for output in answer["outputs"])
    for output in answer["outputs"]:
        written = message.outputs.add(name=output["name"], datatype=output["datatype"], shape=output["shape"])
        _put_parameters(written, output)
        elements = encoding.raw_elements(output)
        if as_bytes:
            message.raw_output_contents.append(raw.encode(elements))
        else:
            field = DATATYPES[output["datatype"]].contents
            typed = elements if isinstance(elements, list) else elements.tolist()
            getattr(written.contents, field).extend(typed)
    return message


def _put_parameters(message: Any, holder: dict[str, Any]) -> None:
    for name, value in holder.get("parameters", {}).items():
        setattr(message.parameters[name], _KINDS[type(value)], value)


def metadata(described: dict[str, Any]) -> Any:
    """The ModelMetadataResponse for what HTTP says of a model; its parameters are properties here."""
    tensors = {
        member: [
            {name: tensor[name] for name in ("name", "datatype", "shape")} for tensor in described[member]
        ]
        for member in ("inputs", "outputs")
    }
    return calls()["ModelMetadata"].response(
        name=described["name"],
        versions=described.get("versions", []),
        platform=described["platform"],
        properties=described.get("parameters", {}),
        **tensors,
    )
