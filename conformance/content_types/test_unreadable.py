"""Elements that can't be read as their content type."""

from collections.abc import Callable

import pytest

from conformance.asking.model import Model
from conformance.checks.assertions import (
    check_refused,
)
from conformance.checks.skips import not_implemented
from conformance.harness.target import Target
from conformance.oracles.echo import carrier, good_carrier
from conformance.wire import tensors

requirement = pytest.mark.requirement


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
