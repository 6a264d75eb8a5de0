"""The metadata against the signature of the model itself."""

from collections.abc import Callable, Sequence

import pytest

from conformance.asking.declared import specs
from conformance.asking.model import Model
from conformance.checks.assertions import check
from conformance.checks.skips import not_implemented
from conformance.harness.target import Target
from conformance.oracles.mlmodel import Declared, Oracle
from conformance.wire.tensors import TensorSpec

requirement = pytest.mark.requirement


@pytest.fixture
def signed(oracle: Oracle) -> Oracle:
    """The local model, which has a signature."""
    if not oracle.inputs:
        not_implemented("the model has no signature")
    return oracle


@pytest.fixture
def typed(target: Target, signed: Oracle) -> Oracle:
    """The same, where metadata have a place for content types."""
    if target.alone:
        not_implemented("metadata over gRPC have no content types")
    return signed


def _told(model: Model, member: str) -> list[TensorSpec]:
    """The inputs or outputs of the metadata. Skips when it lists none, which v2.model.tensors finds."""
    found = specs(model.described.get(member))
    if not found:
        not_implemented(f"the metadata of {model.name} lists no {member}")
    return found


def _pairs(declared: Sequence[Declared], told: Sequence[TensorSpec]) -> list[tuple[TensorSpec, TensorSpec]]:
    """What the signature makes of each tensor, with what metadata tells of it.

    By name; tensors that have no name in the signature by their place.
    """
    if declared and not declared[0].named:
        return [(one.spec, two) for one, two in zip(declared, told, strict=False)]
    by_name = {spec.name: spec for spec in told}
    return [(one.spec, by_name[one.spec.name]) for one in declared if one.spec.name in by_name]


def _check_names(model: Model, declared: Sequence[Declared], told: Sequence[TensorSpec]) -> None:
    __tracebackhide__ = True
    if declared and not declared[0].named:
        message = "the metadata has not as many tensors as the signature"
        check(len(told) == len(declared), message, model.metadata, got=len(told), expected=len(declared))
        return
    got, expected = sorted(spec.name for spec in told), sorted(one.spec.name for one in declared)
    check(got == expected, "the names are not the signature's", model.metadata, got=got, expected=expected)


@requirement("signature.metadata.input-names")
def test_input_names(mlflow_model: Model, signed: Oracle) -> None:
    _check_names(mlflow_model, signed.inputs, _told(mlflow_model, "inputs"))


@requirement("signature.metadata.output-names")
def test_output_names(mlflow_model: Model, signed: Oracle) -> None:
    _check_names(mlflow_model, signed.outputs, _told(mlflow_model, "outputs"))


@requirement("signature.metadata.default-names")
def test_default_names(mlflow_model: Model, signed: Oracle) -> None:
    unnamed = [
        (declared, told)
        for declared, told in (
            (signed.inputs, _told(mlflow_model, "inputs")),
            (signed.outputs, _told(mlflow_model, "outputs")),
        )
        if declared and not declared[0].named
    ]
    if not unnamed:
        not_implemented("the signature names its inputs and outputs")
    for declared, told in unnamed:
        got, expected = [spec.name for spec in told], [one.spec.name for one in declared]
        message = "tensors without names in the signature are called otherwise"
        check(got == expected, message, mlflow_model.metadata, got=got, expected=expected)


@requirement("signature.metadata.order")
def test_order(mlflow_model: Model, signed: Oracle) -> None:
    for declared, told in (
        (signed.inputs, _told(mlflow_model, "inputs")),
        (signed.outputs, _told(mlflow_model, "outputs")),
    ):
        common = {spec.name for spec in told} & {one.spec.name for one in declared}
        got = [spec.name for spec in told if spec.name in common]
        expected = [one.spec.name for one in declared if one.spec.name in common]
        check(got == expected, "the order is not the signature's", mlflow_model.metadata, got=got)


def _check_each(
    model: Model,
    declared: Sequence[Declared],
    told: Sequence[TensorSpec],
    what: str,
    fits: Callable[[TensorSpec, TensorSpec], bool],
) -> None:
    """Each tensor of the metadata has the attribute ``what`` that the signature gives it."""
    __tracebackhide__ = True
    for expected, got in _pairs(declared, told):
        message = f"{got.name!r} has not the {what.replace('_', ' ')} of the signature"
        values = {"got": getattr(got, what), "expected": getattr(expected, what)}
        check(fits(expected, got), message, model.metadata, **values)


def _same_datatype(expected: TensorSpec, got: TensorSpec) -> bool:
    return got.datatype == expected.datatype


def _same_shape(expected: TensorSpec, got: TensorSpec) -> bool:
    return got.shape == expected.shape or (expected.shape == (-1, 1) and got.shape == (-1,))


def _same_content_type(expected: TensorSpec, got: TensorSpec) -> bool:
    return got.content_type in ("", expected.content_type)


@requirement("signature.metadata.input-datatypes")
def test_input_datatypes(mlflow_model: Model, signed: Oracle) -> None:
    _check_each(mlflow_model, signed.inputs, _told(mlflow_model, "inputs"), "datatype", _same_datatype)


@requirement("signature.metadata.output-datatypes")
def test_output_datatypes(mlflow_model: Model, signed: Oracle) -> None:
    _check_each(mlflow_model, signed.outputs, _told(mlflow_model, "outputs"), "datatype", _same_datatype)


@requirement("signature.metadata.input-shapes")
def test_input_shapes(mlflow_model: Model, signed: Oracle) -> None:
    _check_each(mlflow_model, signed.inputs, _told(mlflow_model, "inputs"), "shape", _same_shape)


@requirement("signature.metadata.output-shapes")
def test_output_shapes(mlflow_model: Model, signed: Oracle) -> None:
    _check_each(mlflow_model, signed.outputs, _told(mlflow_model, "outputs"), "shape", _same_shape)


def _naming_content_types(model: Model, member: str) -> list[TensorSpec]:
    told = _told(model, member)
    if not any(spec.content_type for spec in told):
        not_implemented(f"the metadata of {model.name} names no content types of {member}")
    return told


@requirement("signature.metadata.input-content-types")
def test_input_content_types(mlflow_model: Model, typed: Oracle) -> None:
    told = _naming_content_types(mlflow_model, "inputs")
    _check_each(mlflow_model, typed.inputs, told, "content_type", _same_content_type)


@requirement("signature.metadata.output-content-types")
def test_output_content_types(mlflow_model: Model, typed: Oracle) -> None:
    told = _naming_content_types(mlflow_model, "outputs")
    _check_each(mlflow_model, typed.outputs, told, "content_type", _same_content_type)


@requirement("signature.metadata.text-content-types")
def test_text_content_types(mlflow_model: Model, typed: Oracle) -> None:
    columns = _pairs(typed.inputs, _told(mlflow_model, "inputs")) + _pairs(
        typed.outputs, _told(mlflow_model, "outputs")
    )
    text = [(expected, got) for expected, got in columns if expected.content_type != "np"]
    if not text:
        not_implemented("the signature has no column of text, bytes, times or structures")
    for expected, got in text:
        message = f"nothing tells that {got.name!r} is {expected.content_type}"
        check(bool(got.content_type), message, mlflow_model.metadata)


@requirement("signature.metadata.model-content-type")
def test_model_content_type(mlflow_model: Model, typed: Oracle) -> None:
    got = mlflow_model.content_type
    if not got:
        not_implemented(f"the metadata of {mlflow_model.name} names no content type of its own")
    message = "the content type does not belong to the signature"
    check(got == typed.content_type, message, mlflow_model.metadata, got=got, expected=typed.content_type)


@requirement("signature.metadata.content-types-complete")
def test_content_types_complete(mlflow_model: Model, typed: Oracle) -> None:
    for declared, member in ((typed.inputs, "inputs"), (typed.outputs, "outputs")):
        for expected, got in _pairs(declared, _told(mlflow_model, member)):
            message = f"nothing tells that {got.name!r} is {expected.content_type}"
            check(bool(got.content_type) or expected.content_type != "np", message, mlflow_model.metadata)
    message = f"nothing tells that the model takes {typed.content_type}"
    check(bool(mlflow_model.content_type), message, mlflow_model.metadata)


@requirement("signature.metadata.optional")
def test_optional(mlflow_model: Model, signed: Oracle, behaviour: Callable[[str, str], None]) -> None:
    optional = {one.spec.name for one in signed.inputs if not one.required}
    if not optional:
        not_implemented("the signature has no optional input")
    found = [t for t in mlflow_model.described.get("inputs") or [] if t.get("name") in optional]
    told = {name for tensor in found for name in tensor.get("parameters") or {}} - {"content_type"}
    behaviour("parameters of optional inputs", ", ".join(sorted(told)) or "none tells")
