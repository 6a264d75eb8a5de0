"""MLServer's content types: in metadata, in answers, and in requests."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking.inference import paired
from conformance.asking.model import Model
from conformance.checks.assertions import (
    check,
    check_no_failure,
    check_ok,
    check_refused,
    check_rejected,
    fail,
)
from conformance.checks.skips import not_implemented, untested
from conformance.harness.target import Target
from conformance.oracles.echo import bodies, carrier, echo_carrier, good_carrier
from conformance.transport.answer import Answer
from conformance.wire import content_types, tensors
from conformance.wire.tensors import TensorSpec
from spec.tables import CONTENT_TYPES

requirement = pytest.mark.requirement
UNKNOWN = "no-such-content-type"
_ON_TENSORS = [name for name, row in CONTENT_TYPES.items() if row.tensor]
_ON_REQUESTS = [name for name, row in CONTENT_TYPES.items() if row.request]
_TEXT = [name for name, row in CONTENT_TYPES.items() if row.text]
_SINGLE = [name for name, row in CONTENT_TYPES.items() if row.single]


# Metadata


def _declared(model: Model) -> list[TensorSpec]:
    """The inputs and outputs with a content type."""
    found = [spec for spec in model.inputs + model.outputs if spec.content_type]
    if not found and not model.content_type:
        not_implemented(f"the metadata of {model.name} names no content type")
    return found


@requirement("content-types.known")
def test_known(model: Model) -> None:
    for spec in _declared(model):
        known = spec.content_type in _ON_TENSORS
        message = f"{spec.name!r} has a content type that is none of MLServer's"
        check(known, message, model.metadata, got=spec.content_type, expected=_ON_TENSORS)
    known = model.content_type in ["", *_ON_REQUESTS]
    message = "the model has a content type that is none of MLServer's"
    check(known, message, model.metadata, got=model.content_type, expected=_ON_REQUESTS)


@requirement("content-types.metadata-datatypes")
def test_metadata_datatypes(model: Model) -> None:
    for spec in _declared(model):
        fits = spec.datatype == "BYTES" or spec.content_type not in _TEXT
        message = f"{spec.name!r} can't be {spec.content_type}"
        check(fits, message, model.metadata, got=spec.datatype, expected="BYTES")


@requirement("content-types.single")
def test_single(model: Model, target: Target) -> None:
    _declared(model)
    alone = model.content_type not in _SINGLE or len(model.inputs) == 1
    message = f"the content type {model.content_type} is for one input"
    check(alone, message, model.metadata, got=len(model.inputs), expected=1)
    for answer in _answers(model, target):
        whole, count = content_types.named(answer.message), len(answer.outputs)
        message = f"the content type {whole} is for one output"
        check(whole not in _SINGLE or count == 1, message, answer, got=count, expected=1)


# Answers


def _answers(model: Model, target: Target) -> Iterator[Answer]:
    """Good answers, some at most."""
    for _, body in zip(range(6), bodies(model, target.answers), strict=False):
        answer = model.infer(body)
        if answer.answered and answer.message:
            yield answer


@requirement("content-types.output-datatypes")
def test_output_datatypes(model: Model, target: Target) -> None:
    answers = list(_answers(model, target))
    if not answers:
        untested(f"{model.name} answers no request that is known to be good")
    for answer in answers:
        for name, output in answer.outputs.items():
            own, got = content_types.named(output), str(output.get("datatype")).upper()
            fits = got == "BYTES" or own not in _TEXT
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
    answers = list(_answers(model, target))
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


# Where a content type may be named


@requirement("content-types.explicit")
@given(data=st.data())
def test_explicit(steady: Model, data: st.DataObject) -> None:
    _declared(steady)
    plain = content_types.implicit(steady.body(data.draw(steady.rows())))
    one = steady.infer(plain)
    assume(one.answered)
    two = steady.infer(content_types.explicit(plain, steady.inputs, steady.content_type))
    check_ok(two, "the same request was accepted without content types")
    different = tensors.difference(one.outputs, two.outputs)
    check(not different, "naming the content types changes the prediction", one, two, got=different)


@requirement("content-types.default")
def test_default(model: Model, target: Target) -> None:
    _declared(model)
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
                inputs[place] = tensor | _marked(content_type)
                yield f"{tensor['name']!r} holds numbers, no {content_type}", body | {"inputs": inputs}
            break
    for content_type in _SINGLE if model.content_type and len(body["inputs"]) > 1 else ():
        yield f"several inputs are not one {content_type}", body | _marked(content_type)


@requirement("content-types.precedence")
def test_precedence_unreadable(steady: Model) -> None:
    _declared(steady)
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
    outputs = [{"name": n, **_marked(UNKNOWN)} for n in scored.base.outputs]
    first, *others = body["inputs"]
    for members in (
        _marked(UNKNOWN),
        {"inputs": [first | _marked(UNKNOWN), *others]},
        {"outputs": outputs},
    ):
        answer = scored.infer(body | members)
        check_no_failure(answer, "an unknown content type is no failure of the server")


def _marked(content_type: str) -> dict[str, Any]:
    return {"parameters": {"content_type": content_type}}


@requirement("content-types.requested")
def test_requested(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    assert scored.base is not None
    for name, output in list(scored.base.outputs.items())[:4]:
        wanted = _TEXT if output.get("datatype") == "BYTES" else ["str"]
        for content_type in ["np", *wanted]:
            asked = [{"name": name, **_marked(content_type)}]
            answer = scored.infer(scored.base_body | {"outputs": asked})
            got = answer.outputs.get(name, {})
            told = f"answered as {content_types.named(got) or 'none'}" if answer.answered else "refused"
            own = content_types.named(output) or output.get("datatype")
            behaviour(f"{content_type} for {own}", f"{told} ({answer.status})")


# Columns


def _columns(model: Model) -> list[TensorSpec]:
    """The inputs, when all of them are columns."""
    if not model.inputs or not all(spec.batched and spec.row_shape in ((), (1,)) for spec in model.inputs):
        not_implemented(f"the inputs of {model.name} are not all columns")
    return model.inputs


def _shaped(body: dict[str, Any], *inner: int) -> dict[str, Any]:
    return body | {"inputs": [t | {"shape": [t["shape"][0], *inner]} for t in body["inputs"]]}


@requirement("content-types.pd-lengths")
def test_pd_lengths(scored: Model) -> None:
    columns = _columns(scored)
    if len(columns) < 2 or scored.content_type != "pd":
        not_implemented(f"{scored.name} does not take several columns as pd")
    two = scored.body([scored.base_rows[0]] * 2)["inputs"]
    one = scored.body(scored.base_rows)["inputs"]
    for place in (0, len(columns) - 1):
        inputs = [*two[:place], one[place], *two[place + 1 :]]
        answer = scored.infer({"inputs": inputs})
        check_rejected(answer, f"{columns[place].name!r} has one row, the others have two")


@requirement("content-types.column-shapes")
@given(data=st.data())
def test_column_shapes(steady: Model, data: st.DataObject) -> None:
    _columns(steady)
    body = steady.body(data.draw(steady.rows()))
    one, two = steady.infer(_shaped(body)), steady.infer(_shaped(body, 1))
    assume(one.answered and two.answered)
    different = tensors.difference(one.outputs, two.outputs)
    check(not different, "[N] and [N, 1] give different predictions", one, two, got=different)


@requirement("content-types.column-forms")
def test_column_forms(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    _columns(scored)
    for label, inner in (("[N]", ()), ("[N, 1]", (1,))):
        answer = scored.infer(_shaped(scored.base_body, *inner))
        shapes = {len(o.get("shape") or []) for o in answer.outputs.values()}
        ranks = " and ".join(map(str, sorted(shapes)))
        behaviour(label, f"outputs of rank {ranks}" if answer.answered else answer.status)


# What is not readable


@requirement("content-types.null-numbers")
def test_null_numbers(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    floats = [spec for spec in scored.inputs if spec.datatype.startswith("FP")]
    if not floats:
        not_implemented(f"{scored.name} has no floating-point input")
    for spec in {spec.datatype: spec for spec in floats}.values():
        row = {**scored.base_rows[0], spec.name: [None] * spec.row_size}
        answer = scored.predict([row])
        output = answer.outputs.get(spec.name, {})
        told = f"answered, {tensors.brief(output['data'])} came back" if "data" in output else "answered"
        behaviour(spec.datatype, told if answer.answered else f"refused ({answer.status})")


@requirement("content-types.invalid-base64")
def test_invalid_base64(model: Model, target: Target, behaviour: Callable[[str, str], None]) -> None:
    found = good_carrier(model, target.answers, "base64")
    for label, text in (("not base64", "not base64!"), ("no padding", "YWI"), ("line break", "YW\nJj")):
        name = found.names[0]
        count = len(tensors.flat(found.inputs[0]["data"]))
        answer = found.with_data({name: [text] * count})
        output = found.echoed(answer, name)
        told = f"answered, {tensors.brief(output['data'][:1])} came back" if "data" in output else "answered"
        behaviour(label, told if answer.answered else f"refused ({answer.status})")


def _check_refused(model: Model, target: Target, content_type: str, invalid: list[str]) -> None:
    __tracebackhide__ = True
    found = carrier(model, target.answers, content_type)
    for tensor in found.inputs[:2]:
        rest = tensors.flat(tensor["data"])[1:]
        for text in invalid:
            answer = found.with_data({tensor["name"]: [text, *rest]})
            message = f"{text!r} in {tensor['name']!r} is no {content_type}"
            check_refused(answer, message)


@requirement("content-types.invalid-datetime")
def test_invalid_datetime(model: Model, target: Target) -> None:
    invalid = ["tomorrow", "", "2026-02-30T00:00:00", "2026-13-01", "01/02/2020"]
    _check_refused(model, target, "datetime", invalid)


@requirement("content-types.invalid-pd-json")
def test_invalid_pd_json(model: Model, target: Target) -> None:
    _check_refused(model, target, "pd_json", ["{", "", "{'a': 1}", "[1] x"])
