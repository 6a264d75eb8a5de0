"""Content types that a request names, and those of the metadata."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking.content_types import SINGLE, UNKNOWN, declared, marked
from conformance.asking.model import Model
from conformance.checks.assertions import (
    check,
    check_no_failure,
    check_ok,
)
from conformance.checks.skips import not_implemented, untested
from conformance.harness.target import Target
from conformance.oracles.echo import bodies, echo_carrier
from conformance.wire import content_types, tensors

requirement = pytest.mark.requirement


@requirement("content-types.explicit")
@given(data=st.data())
def test_explicit(steady: Model, data: st.DataObject) -> None:
    declared(steady)
    plain = content_types.implicit(steady.body(data.draw(steady.rows())))
    one = steady.infer(plain)
    assume(one.answered)
    two = steady.infer(content_types.explicit(plain, steady.inputs, steady.content_type))
    check_ok(two, "the same request was accepted without content types")
    different = tensors.difference(one.outputs, two.outputs)
    check(not different, "naming the content types changes the prediction", one, two, got=different)


@requirement("content-types.default")
def test_default(model: Model, target: Target) -> None:
    declared(model)
    accepted = 0
    for _, body in zip(range(6), bodies(model, target.answers), strict=False):
        named = model.infer(content_types.explicit(body, model.inputs, model.content_type))
        if named.answered:
            accepted += 1
            plain = model.infer(content_types.implicit(body))
            check_ok(plain, "the same request was accepted with the metadata's content types")
    if not accepted:
        untested(f"{model.name} accepts no request that names its content types")


@requirement("content-types.precedence")
@pytest.mark.parametrize(("declared", "given"), [("str", "base64"), ("base64", "str")])
def test_precedence(model: Model, target: Target, declared: str, given: str) -> None:
    found = echo_carrier(model, target.answers, declared)
    sent = {t["name"]: ["YWJj"] * len(tensors.flat(t["data"])) for t in found.inputs}
    if any(spec.content_type != declared for spec in model.inputs if spec.name in sent):
        not_implemented("the metadata declares another content type")
    answer = found.with_data(sent, parameters={"content_type": given})
    if not answer.answered:
        not_implemented(f"{model.name} takes no {given} for its {declared} input")
    expected = content_types.meaning(given, "YWJj")
    for name in sent:
        got = content_types.meanings(found.echoed(answer, name), model.outputs)
        same = all(content_types.same(one, expected) for one in got)
        check(same, f"{name!r} was not read as {given}", answer, got=repr(got), expected=repr(expected))


def _unreadable(model: Model) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a good request can't be read as, and the request that says it is.

    Inputs are told so where metadata names the content type of some, and requests where it names theirs.
    """
    body = model.base_body
    named = any(spec.content_type for spec in model.inputs)
    for place, tensor in enumerate(body["inputs"] if named else []):
        if tensor["datatype"].startswith(("FP", "INT", "UINT")) and tensor["data"]:
            for content_type in ("base64", "datetime"):
                inputs = [*body["inputs"]]
                inputs[place] = tensor | marked(content_type)
                yield f"{tensor['name']!r} holds numbers, no {content_type}", body | {"inputs": inputs}
            break
    for content_type in SINGLE if model.content_type and len(body["inputs"]) > 1 else ():
        yield f"several inputs are not one {content_type}", body | marked(content_type)


@requirement("content-types.precedence")
def test_precedence_unreadable(steady: Model) -> None:
    declared(steady)
    usual, asked = steady.infer(steady.base_body), list(_unreadable(steady))
    if not asked:
        not_implemented("the model has one input, and it holds no numbers")
    for what, body in asked:
        answer = steady.infer(body)
        heeded = not answer.answered or tensors.difference(usual.outputs, answer.outputs)
        check(bool(heeded), f"{what}: it was read by the metadata", answer)


@requirement("content-types.unknown")
def test_unknown(scored: Model) -> None:
    body = scored.base_body
    assert scored.base is not None
    outputs = [{"name": n, **marked(UNKNOWN)} for n in scored.base.outputs]
    first, *others = body["inputs"]
    for members in (
        marked(UNKNOWN),
        {"inputs": [first | marked(UNKNOWN), *others]},
        {"outputs": outputs},
    ):
        answer = scored.infer(body | members)
        check_no_failure(answer, "an unknown content type is no failure of the server")
