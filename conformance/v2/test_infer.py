"""Inference: that the model answers, as it should, and the same again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.asking import demands
from conformance.asking.inference import (
    check_same,
    versions,
)
from conformance.asking.model import Model
from conformance.checks.assertions import check, check_takes
from conformance.checks.skips import untested
from conformance.harness.target import Target
from conformance.oracles.answers import cases
from conformance.oracles.known import check_v2

requirement = pytest.mark.requirement
OFTEN = 200  # answers, to show one that differs where one is known to have


@requirement("v2.infer.answers")
@given(data=st.data())
def test_answers(scored: Model, data: st.DataObject) -> None:
    check_takes(scored.name, scored.trial.refusals)
    demands.answers(scored, data.draw(scored.rows(maximum=2)))


@requirement("v2.infer.answers")
def test_answers_batch(scored: Model) -> None:
    demands.answers_batch(scored)


@requirement("v2.infer.known-answers")
def test_known_answers(model: Model, target: Target) -> None:
    listed = cases(target.answers, model.name, "v2")
    if not listed:
        untested("needs known answers: --answers PATH")
    for case in listed:
        answer = model.infer(case.request)
        # FP32 for FP64 or [1] for [-1, 1] may be refused: v2.data.other-datatypes records it.
        if answer.answered or model.fits(case.request):
            check_v2(case, answer)


@requirement("v2.infer.model-name")
def test_model_name(scored: Model) -> None:
    if scored.infer(scored.base_body).model_name is None:
        untested("the answer names no model: v2.infer.schema")
    for version in versions(scored):
        answer = scored.infer(scored.base_body, version)
        got = answer.model_name if answer.answered else scored.name
        check(got == scored.name, "model_name is wrong", answer, got=got, expected=scored.name)


@requirement("v2.infer.deterministic")
def test_deterministic_from_the_first(scored: Model) -> None:
    demands.fails_still(scored)


@requirement("v2.infer.deterministic")
def test_deterministic(scored: Model) -> None:
    first = scored.predict(scored.base_rows)
    for _ in range(3 if scored.deterministic else OFTEN):
        second = scored.predict(scored.base_rows)
        check(second.status == first.status, "the same request has another answer", first, second)
        check_same(first, second, "the same request has another answer")
    for id in ("a", "ab", "abc", "abcd"):
        answer = scored.predict(scored.base_rows, id=id)
        if answer.answered:
            check_same(first, answer, "the id changes the prediction")
