"""Inputs that are missing, or too many, by the signature."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from conformance.asking.inference import told
from conformance.asking.model import Model
from conformance.checks.assertions import (
    check_ok,
    check_refused,
    check_rejected,
)
from conformance.checks.skips import not_implemented, untested
from conformance.oracles.expected import check_predictions
from conformance.oracles.mlmodel import Oracle, Refused
from conformance.wire import tensors
from conformance.wire.tensors import Row, TensorSpec
from spec.tables import DATATYPES

requirement = pytest.mark.requirement
UNKNOWN = "conformance_unknown"


def _without(body: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return body | {"inputs": [tensor for tensor in body["inputs"] if tensor["name"] not in names]}


def _optional(oracle: Oracle) -> list[str]:
    found = [one.spec.name for one in oracle.inputs if not one.required]
    if not found:
        not_implemented("the signature has no optional input")
    return found


@requirement("signature.predictions.optional-absent")
def test_optional_absent(mlflow_model: Model, oracle: Oracle) -> None:
    optional = _optional(oracle)
    signed = {one.spec.name: one.spec for one in oracle.inputs}
    full = mlflow_model.body([_simple([signed.get(spec.name, spec) for spec in mlflow_model.inputs])])
    whole = mlflow_model.infer(full).answered
    for absent in (set(optional), *({name} for name in optional if whole)):
        body = _without(full, absent)
        try:
            expected = oracle.predict(body)
        except Refused:
            untested("the model itself refuses plain values")
        answer = mlflow_model.infer(body)
        if not answer.answered and not whole:
            untested(f"{mlflow_model.name} refuses the request with its optional inputs too")
        check_ok(answer, f"only optional inputs are absent: {', '.join(sorted(absent))}")
        check_predictions(mlflow_model, answer, expected)


@requirement("signature.predictions.optional-null")
def test_optional_null(mlflow_model: Model, oracle: Oracle, behaviour: Callable[[str, str], None]) -> None:
    needed = {one.spec.name for one in oracle.inputs if one.required}
    for name in _optional(oracle):
        spec = next((spec for spec in mlflow_model.inputs if spec.name == name), None)
        if spec is None:
            continue
        specs = [s for s in mlflow_model.inputs if s.name in needed or s is spec]
        body = tensors.request(specs, [{**_simple(specs), name: [None] * spec.row_size}])
        answer = mlflow_model.infer(body)
        output = answer.outputs.get(name, {})
        told = f"{tensors.brief(output['data'])} came back" if "data" in output else "answered"
        label = spec.content_type if spec.datatype == "BYTES" else spec.datatype
        behaviour(label or spec.datatype, told if answer.answered else f"refused ({answer.status})")


def _simple(specs: Sequence[TensorSpec]) -> Row:
    """A row of plain elements."""
    return {spec.name: [_plain(spec)] * spec.row_size for spec in specs}


def _plain(spec: TensorSpec) -> Any:
    """An element that any model should take."""
    row = DATATYPES.get(spec.datatype)
    written = {"base64": "YQ==", "datetime": "2020-01-01T00:00:00", "pd_json": "{}"}
    plain = {"boolean": True, "integer": 1, "number": 1.0, "string": written.get(spec.content_type, "a")}
    return plain[row.element if row else "number"]


@requirement("signature.predictions.required-missing")
def test_required_missing(good: Model, oracle: Oracle) -> None:
    for name in _required(good, oracle):
        answer = good.infer(_without(good.base_body, {name}))
        check_rejected(answer, f"the model can't predict without {name!r}")


def _required(model: Model, oracle: Oracle) -> list[str]:
    """Some inputs that the model needs, beside others."""
    told = {spec.name for spec in model.inputs}
    found = [one.spec.name for one in oracle.inputs if one.required and one.spec.name in told]
    if not found or len(told) < 2:
        not_implemented("the model has one input")
    return found if len(found) <= 4 else [*found[:2], *found[-2:]]


@requirement("signature.predictions.refusals")
def test_refusals(good: Model, oracle: Oracle) -> None:
    wrong = [_reshaped(good, spec.name) for spec in good.inputs if spec.row_shape not in ((), (1,))][:3]
    if len(good.inputs) > 1:
        wrong += [_without(good.base_body, {name}) for name in _required(good, oracle)]
    refused = [body for body in wrong if _refuses(oracle, body)]
    if not refused:
        not_implemented("the signature refuses nothing that could be tried")
    for body in refused:
        check_refused(good.infer(body), "the signature does not allow it")


def _reshaped(model: Model, name: str) -> dict[str, Any]:
    """The good request with one more element in the last dimension of a tensor."""
    body = model.base_body
    for tensor in body["inputs"]:
        if tensor["name"] == name:
            *outer, last = tensor["shape"]
            tensor["shape"] = [*outer, last + 1]
            tensor["data"] = (tensors.flat(tensor["data"]) * 2)[: math.prod(tensor["shape"])]
    return body


def _refuses(oracle: Oracle, body: Mapping[str, Any]) -> bool:
    try:
        oracle.predict(body)
    except Refused as refusal:
        return refusal.by_schema
    return False


@requirement("signature.predictions.extra-inputs")
def test_extra_inputs(good: Model, behaviour: Callable[[str, str], None]) -> None:
    body = good.base_body
    extra = body["inputs"][0] | {"name": UNKNOWN}
    behaviour("at the end", told(good, good.infer(body | {"inputs": [*body["inputs"], extra]})))
    behaviour("at the start", told(good, good.infer(body | {"inputs": [extra, *body["inputs"]]})))
