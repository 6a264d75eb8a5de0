"""Messages of the gRPC service, from and to the members that the protocol has in JSON. Pure functions.

Source: open_inference_grpc.proto. What is empty in a message is not given, and no member.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from google.protobuf.message import DecodeError

from conformance.wire import contents
from conformance.wire.tensors import flat
from spec.service import calls

_KINDS = {bool: "bool_param", int: "int64_param", float: "double_param", str: "string_param"}
_INT64 = 2**63


class Form(Enum):
    """How a request carries its tensors' elements."""

    TYPED = "typed"
    RAW = "raw"


def inference_request(model: str, version: str, body: Mapping[str, Any], form: Form = Form.TYPED) -> Any:
    """The ModelInferRequest with the members of ``body``; raw where a datatype has no typed field.

    Raises ValueError for what gRPC can't say.
    """
    request = calls()["ModelInfer"].request(model_name=model, model_version=version, id=body.get("id", ""))
    _add_parameters(request, body)
    raw = form is Form.RAW or not all(contents.field(tensor["datatype"]) for tensor in body["inputs"])
    for tensor in body["inputs"]:
        written = request.inputs.add(name=tensor["name"], datatype=tensor["datatype"], shape=tensor["shape"])
        _add_parameters(written, tensor)
        elements = flat(tensor["data"])
        if raw:
            request.raw_input_contents.append(contents.packed(tensor["datatype"], elements))
        else:
            typed = contents.typed(tensor["datatype"], elements)
            try:
                getattr(written.contents, contents.field(tensor["datatype"])).extend(typed)
            except (TypeError, OverflowError) as error:
                raise ValueError(str(error)) from error
            written.contents.SetInParent()  # there, though it may hold nothing
    for output in body.get("outputs", []):
        _add_parameters(request.outputs.add(name=output["name"]), output)
    return request


def _add_parameters(message: Any, holder: Mapping[str, Any]) -> None:
    for name, value in holder.get("parameters", {}).items():
        kind = _KINDS.get(type(value))
        if kind is None:
            raise ValueError(f"gRPC has no parameter that is a {type(value).__name__}")
        large = kind == "int64_param" and value >= _INT64
        setattr(message.parameters[name], "uint64_param" if large else kind, value)


def inference_response(message: Any) -> dict[str, Any]:
    """The members of a ModelInferResponse. An output whose data can't be read has none."""
    named = {
        member: getattr(message, member)
        for member in ("model_name", "model_version", "id")
        if getattr(message, member)
    }
    outputs = []
    for place, output in enumerate(message.outputs):
        read = {"name": output.name, "datatype": output.datatype, "shape": list(output.shape)}
        outputs.append(read | parameters(output) | _data(message, place))
    return named | parameters(message) | {"outputs": outputs}


def _data(message: Any, place: int) -> dict[str, Any]:
    output, raw = message.outputs[place], message.raw_output_contents
    if not raw:
        name = contents.field(output.datatype)
        found = getattr(output.contents, name) if name else []
        return {"data": [contents.as_text(e) if isinstance(e, bytes) else e for e in found]}
    try:
        return {"data": contents.unpacked(output.datatype, raw[place])}
    except (ValueError, IndexError):
        return {}


def parameters(message: Any) -> dict[str, Any]:
    """The member ``parameters`` of a message, without those that have no value; none where it has none."""
    found = {name: _value(parameter) for name, parameter in message.parameters.items()}
    known = {name: value for name, value in found.items() if value is not None}
    return {"parameters": known} if known else {}


def _value(parameter: Any) -> Any:
    kind = parameter.WhichOneof("parameter_choice")
    return None if kind is None else getattr(parameter, kind)


def model_metadata(message: Any) -> dict[str, Any]:
    """The members of a ModelMetadataResponse."""

    def tensors(listed: Any) -> list[dict[str, Any]]:
        return [{"name": t.name, "datatype": t.datatype, "shape": list(t.shape)} for t in listed]

    found = {
        "name": message.name,
        "versions": list(message.versions),
        "platform": message.platform,
        "inputs": tensors(message.inputs),
        "outputs": tensors(message.outputs),
        "properties": dict(message.properties),
    }
    return {member: value for member, value in found.items() if value}


def parsed(call: str, data: bytes) -> Any:
    """The answer of a call in ``data``. Raises ValueError where it is no such message."""
    try:
        return calls()[call].response.FromString(data)
    except DecodeError as error:
        raise ValueError(f"no {call} answer of the protocol: {error}") from error
