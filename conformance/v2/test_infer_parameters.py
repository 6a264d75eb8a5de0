"""Inference: parameters, and other members that a request may have."""

from typing import Any

import pytest

from conformance.asking import demands
from conformance.asking.inference import (
    PARAMETERS,
    check_parameters,
)
from conformance.asking.model import Model
from conformance.checks.assertions import check_no_failure

requirement = pytest.mark.requirement


@requirement("v2.infer.request-parameters")
def test_request_parameters(scored: Model) -> None:
    check_parameters(scored, "request")


@requirement("v2.infer.input-parameters")
def test_input_parameters(scored: Model) -> None:
    check_parameters(scored, "inputs")


@requirement("v2.infer.output-parameters")
def test_output_parameters(scored: Model) -> None:
    check_parameters(scored, "outputs")


@requirement("v2.infer.optional-members")
def test_optional_members(scored: Model) -> None:
    some = dict(list(PARAMETERS.items())[:2])
    odd: list[dict[str, Any]] = [{"outputs": []}, {"conformance": 1}, {"parameters": some}]
    for members in odd:
        answer = scored.infer(scored.base_body | members)
        check_no_failure(answer, f"{next(iter(members))} as it is here is no server error")


@requirement("v2.infer.parameters-harmless")
def test_parameters_harmless(steady: Model) -> None:
    demands.parameters_harmless(steady)
