"""Content types in answers."""

from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking.content_types import TEXT, marked
from conformance.asking.inference import paired
from conformance.asking.model import Model
from conformance.checks.assertions import (
    check,
    fail,
)
from conformance.checks.skips import untested
from conformance.harness.target import Target
from conformance.oracles.echo import good_answers
from conformance.wire import content_types, tensors

requirement = pytest.mark.requirement


@requirement("content-types.output-datatypes")
def test_output_datatypes(model: Model, target: Target) -> None:
    answers = list(good_answers(model, target.answers))
    if not answers:
        untested(f"{model.name} answers no request that is known to be good")
    for answer in answers:
        for name, output in answer.outputs.items():
            own, got = content_types.named(output), str(output.get("datatype")).upper()
            fits = got == "BYTES" or own not in TEXT
            check(fits, f"output {name!r} can't be {own}", answer, got=got, expected="BYTES")


@requirement("content-types.readable")
@given(data=st.data())
def test_readable(scored: Model, data: st.DataObject) -> None:
    answer = scored.predict(data.draw(scored.rows()))
    assume(answer.answered)
    for spec, output in paired(scored, answer):
        content_type = content_types.named(output) or spec.content_type
        for element in tensors.flat(output.get("data")):
            try:
                content_types.meaning(content_type, element)
            except ValueError as error:
                fail(f"output {spec.name!r} is no {content_type}: {error}", answer, got=element)


@requirement("content-types.consistent")
def test_consistent(model: Model, target: Target) -> None:
    answers = list(good_answers(model, target.answers))
    if not answers:
        untested(f"{model.name} answers no request that is known to be good")
    for answer in answers:
        for spec, output in paired(model, answer):
            got = content_types.named(output)
            message = f"output {spec.name!r} has another content type than in the metadata"
            same = not (got and spec.content_type) or got == spec.content_type
            check(same, message, answer, model.metadata, got=got, expected=spec.content_type)


@requirement("content-types.answer-names")
def test_answer_names(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    answer = scored.infer(scored.base_body)
    found = [content_types.named(o) or "none" for o in answer.outputs.values()]
    behaviour("outputs", ", ".join(sorted(set(found))))
    behaviour("answer", content_types.named(answer.message) or "none")


@requirement("content-types.requested")
def test_requested(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    assert scored.base is not None
    for name, output in list(scored.base.outputs.items())[:4]:
        wanted = TEXT if output.get("datatype") == "BYTES" else ["str"]
        for content_type in ["np", *wanted]:
            asked = [{"name": name, **marked(content_type)}]
            answer = scored.infer(scored.base_body | {"outputs": asked})
            got = answer.outputs.get(name, {})
            told = f"answered as {content_types.named(got) or 'none'}" if answer.answered else "refused"
            own = content_types.named(output) or output.get("datatype")
            behaviour(f"{content_type} for {own}", f"{told} ({answer.status})")
