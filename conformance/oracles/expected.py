"""Answers beside what the model itself predicts (--mlmodel)."""

import math
from collections.abc import Mapping
from typing import Any

from hypothesis import assume

from conformance.asking.model import Model
from conformance.checks.assertions import check
from conformance.checks.skips import untested
from conformance.oracles.mlmodel import Oracle, Prediction, Refused
from conformance.transport.answer import Answer
from conformance.wire import content_types, tensors
from conformance.wire.tensors import TOLERANCE


def predicted(oracle: Oracle, body: Mapping[str, Any]) -> dict[str, Prediction]:
    """What the model itself makes of the request."""
    try:
        return oracle.predict(body)
    except Refused:
        assume(False)
    return {}


def expected_of(oracle: Oracle, body: Mapping[str, Any]) -> dict[str, Prediction]:
    """What the model itself makes of the request, which must be something that JSON can say."""
    found = predicted(oracle, body)
    assume(all(_finite(e) for one in found.values() for e in one.elements))
    return found


def _finite(element: Any) -> bool:
    return not isinstance(element, float) or math.isfinite(element)


def _both_nonfinite(got: Any, expected: Any) -> bool:
    """Whether NaN or Infinity is expected, and null, which is all that JSON has for it, or a token came."""
    return not _finite(expected) and (got is None or not _finite(got))


def paired(
    model: Model, answer: Answer, expected: Mapping[str, Prediction]
) -> list[tuple[Prediction, dict[str, Any]]]:
    """Each expected output with the one in the answer: by name, or the only one.

    A missing output, or one of another name, is v2.infer.output-names' finding.
    """
    found = answer.outputs
    if len(found) == len(expected) == 1:
        output = next(iter(found.values()))
        named = output | {"name": model.outputs[0].name} if len(model.outputs) == 1 else output
        return [(next(iter(expected.values())), named)]
    return [(one, found[name]) for name, one in expected.items() if name in found]


def check_predictions(model: Model, answer: Answer, expected: Mapping[str, Prediction]) -> None:
    """The outputs have the meaning of the expected ones.

    Elements that can't be read by their content type are content-types.readable's finding.
    """
    __tracebackhide__ = True
    for one, output in paired(model, answer, expected):
        try:
            got = content_types.meanings(output, model.outputs)
        except ValueError:
            untested(f"output {output['name']!r} can't be read: see content-types.readable")
        datatype = str(output.get("datatype")).upper()
        elements = [g if _both_nonfinite(g, e) else e for g, e in zip(got, one.elements, strict=False)]
        same = len(got) == len(one.elements) and all(
            content_types.same(a, b, TOLERANCE.get(datatype, 0.0)) for a, b in zip(got, elements, strict=True)
        )
        if one.datatype and len(got) == len(one.elements):
            same = tensors.equal_data(elements, got, datatype)
        message = f"output {output['name']!r} is not what the model itself predicts"
        check(same, message, answer, got=tensors.brief(got), expected=tensors.brief(one.elements))
