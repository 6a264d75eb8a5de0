"""Content types in the metadata."""

import pytest

from conformance.asking.content_types import ON_REQUESTS, ON_TENSORS, SINGLE, TEXT, declared
from conformance.asking.model import Model
from conformance.checks.assertions import (
    check,
)
from conformance.harness.target import Target
from conformance.oracles.echo import good_answers
from conformance.wire import content_types

requirement = pytest.mark.requirement


@requirement("content-types.known")
def test_known(model: Model) -> None:
    for spec in declared(model):
        known = spec.content_type in ON_TENSORS
        message = f"{spec.name!r} has a content type that is none of MLServer's"
        check(known, message, model.metadata, got=spec.content_type, expected=ON_TENSORS)
    known = model.content_type in ["", *ON_REQUESTS]
    message = "the model has a content type that is none of MLServer's"
    check(known, message, model.metadata, got=model.content_type, expected=ON_REQUESTS)


@requirement("content-types.metadata-datatypes")
def test_metadata_datatypes(model: Model) -> None:
    for spec in declared(model):
        fits = spec.datatype == "BYTES" or spec.content_type not in TEXT
        message = f"{spec.name!r} can't be {spec.content_type}"
        check(fits, message, model.metadata, got=spec.datatype, expected="BYTES")


@requirement("content-types.single")
def test_single(model: Model, target: Target) -> None:
    declared(model)
    alone = model.content_type not in SINGLE or len(model.inputs) == 1
    message = f"the content type {model.content_type} is for one input"
    check(alone, message, model.metadata, got=len(model.inputs), expected=1)
    for answer in good_answers(model, target.answers):
        whole, count = content_types.named(answer.message), len(answer.outputs)
        message = f"the content type {whole} is for one output"
        check(whole not in SINGLE or count == 1, message, answer, got=count, expected=1)
