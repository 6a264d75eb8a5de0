"""Inference: a request of the protocol to a model, its prediction to a response of the protocol.

Source: inference_rest.md, Inference.
"""

from typing import Any

from reference_server import binary, decoding, encoding, hotpath, jsonio
from reference_server.checking import check
from reference_server.errors import BadRequest
from reference_server.limits import DEFAULTS, Limits
from reference_server.runtime import Model
from reference_server.signature import Tensor

_OUTPUT_TYPES = ("np", "str", "base64", "datetime", "pd_json")


def infer(
    model: Model, body: bytes, length: str | None = None, limits: Limits = DEFAULTS
) -> tuple[dict[str, Any], list[bytes]]:
    """The inference response for ``body``, and the bytes of those outputs that are wanted so. ``length``: of
    its JSON, where there may be bytes behind it.

    Raises ``BadRequest`` for a request at fault, ``ModelError`` when the model fails or its prediction does
    not fit its metadata.
    """
    if length is not None:
        request, data = binary.read(body, length, model.inputs, limits.depth)
        table = _table(model, request, data)
    else:
        hot = hotpath.inference(body, model.columns) if model.columns is not None else None
        request, table = hot or (check(_json(body, limits)), None)
    wanted = binary.wanted(request)
    response = _infer(model, request, table, limits, exact=wanted)
    return response, binary.take_bytes(response["outputs"], wanted)


def _json(body: bytes, limits: Limits) -> Any:
    try:
        return jsonio.loads(body, limits.depth)
    except BadRequest as error:
        if b"binary_data_size" in body:
            raise BadRequest(f"{error}; with binary data, {binary.HEADER} is needed") from None
        raise


def of_tensors(
    model: Model, request: dict[str, Any], data: list[Any], limits: Limits = DEFAULTS
) -> dict[str, Any]:
    """The inference response for a request whose inputs have their ``data`` beside them, as arrays of numbers
    and lists of texts; those of its outputs are of these kinds too. Raises as ``infer`` does."""
    check(request)
    return _infer(model, request, _table(model, request, data), limits, exact=lambda _: True)


def _table(model: Model, request: dict[str, Any], data: list[Any]) -> hotpath.Table | None:
    """The table that the data of the inputs are; None where they are none, and the inputs have them."""
    table = None
    if model.columns is not None and request.get("parameters", {}).get("content_type") in (None, "pd"):
        table = hotpath.gathered(request["inputs"], data, model.columns)
    if table is None:
        for tensor, values in zip(request["inputs"], data, strict=True):
            if values is not None:
                tensor["data"] = values if isinstance(values, list) else values.tolist()
    return table


def _infer(
    model: Model,
    request: dict[str, Any],
    table: hotpath.Table | None,
    limits: Limits,
    exact: binary.Wanted,
) -> dict[str, Any]:
    """``exact``: outputs whose numbers are as they are, NaN and infinities too; others as JSON has them."""
    _refuse_rows(_rows(request) if table is None else [table.rows], limits.rows)
    asked = _asked(request)
    if model.outputs is not None and model.outputs.tensors:
        _refuse_unknown(asked, list(model.outputs.tensors))
    data = decoding.decode(request, model.inputs) if table is None else table
    prediction = model.predict(data, _params(model, request))
    parts = {tensor.name: (tensor, values) for tensor, values in encoding.split(prediction, model.outputs)}
    _refuse_unknown(asked, list(parts))
    wanted = asked or dict.fromkeys(parts)
    outputs = [
        encoding.encode(*parts[name], _as(parts[name][0], wanted[name]), exact(name)) for name in wanted
    ]
    return _response(model, request, outputs)


def _refuse_rows(rows: list[int], most: int) -> None:
    for place, count in enumerate(rows):
        if count > most:
            raise BadRequest(f"inputs[{place}].shape: {count} rows; at most {most} are taken here")


def _rows(request: dict[str, Any]) -> list[int]:
    """The rows of each input, as far as there are data for them."""
    return [min(len(tensor["data"]), *(tensor["shape"] or [1])[:1]) for tensor in request["inputs"]]


def _response(model: Model, request: dict[str, Any], outputs: list[dict[str, Any]]) -> dict[str, Any]:
    response: dict[str, Any] = {"model_name": model.name}
    if model.version is not None:
        response["model_version"] = model.version
    if "id" in request:
        response["id"] = request["id"]
    if model.outputs is not None:
        response["parameters"] = {"content_type": model.outputs.content_type}
    return response | {"outputs": outputs}


def _asked(request: dict[str, Any]) -> dict[str, str | None]:
    """The requested outputs, in their order, each with the content type asked for; none means all."""
    asked: dict[str, str | None] = {}
    for place, output in enumerate(request.get("outputs", [])):
        if output["name"] in asked:
            raise BadRequest(f"outputs[{place}].name: {output['name']!r} is requested twice")
        where = f"outputs[{place}].parameters"
        asked[output["name"]] = decoding.content_type(output, _OUTPUT_TYPES, where)
    return asked


def _refuse_unknown(asked: dict[str, str | None], names: list[str]) -> None:
    for place, name in enumerate(asked):
        if name not in names:
            raise BadRequest(f"outputs[{place}].name: {name!r} is not an output; use {names}")


def _as(tensor: Tensor, asked: str | None) -> str:
    allowed = encoding.ALTERNATIVES[tensor.content_type]
    if asked is not None and asked not in allowed:
        raise BadRequest(
            f"output {tensor.name!r} cannot be given as {asked!r}; use one of {', '.join(allowed)}"
        )
    return asked or tensor.content_type


def _params(model: Model, request: dict[str, Any]) -> dict[str, Any] | None:
    """The request's parameters that the model's signature declares; the others are not for the model."""
    schema = model.pyfunc.metadata.get_params_schema()
    if schema is None:
        return None
    given = request.get("parameters", {})
    return {spec.name: given[spec.name] for spec in schema.params if spec.name in given}
