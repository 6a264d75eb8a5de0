"""Tensor data: an answer does not depend on other requests."""

from itertools import count

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking import demands
from conformance.asking.inference import PARAMETERS, parametrised
from conformance.asking.model import Model
from conformance.checks.assertions import check
from conformance.checks.skips import untested
from conformance.harness.target import Target
from conformance.oracles.known import known_parameters
from conformance.wire import tensors
from spec.tables import CONTENT_TYPES

requirement = pytest.mark.requirement
_fresh = count()


@requirement("v2.data.stateless")
@given(data=st.data())
def test_stateless(steady: Model, data: st.DataObject) -> None:
    assert steady.base is not None
    plain = steady.predict(steady.base_rows)
    different = tensors.difference(plain.outputs, steady.base.outputs)
    check(not different, "the answer changed after other requests", plain, got=different)
    # New ids: an answer that is kept by its id must not be the good one already.
    usual_id, id = (f"conformance-{next(_fresh):06}" for _ in range(2))
    usual = steady.predict(steady.base_rows, id=usual_id)
    assume(not tensors.difference(usual.outputs, steady.base.outputs))  # else v2.infer.deterministic
    other = steady.predict(data.draw(steady.rows(maximum=2)), id=id)
    again = steady.predict(steady.base_rows, id=id)
    different = tensors.difference(again.outputs, usual.outputs)
    check(not different, "the answer changed after another request", other, again, got=different)


@requirement("v2.data.stateless")
def test_stateless_selection(steady: Model) -> None:
    assert steady.base is not None
    names = list(steady.base.outputs)
    if not names:
        untested("the good answer has no outputs")
    usual = steady.predict(steady.base_rows)
    other = steady.predict(steady.base_rows, outputs=[{"name": names[0]}])
    again = steady.predict(steady.base_rows)
    different = tensors.difference(again.outputs, usual.outputs)
    check(not different, "the answer changed after a request for one output", other, again, got=different)


@requirement("v2.data.stateless")
def test_stateless_inputs(steady: Model) -> None:
    demands.missing_inputs(steady)


@requirement("v2.data.stateless")
@pytest.mark.parametrize("level", ["request", "inputs", "outputs"])
def test_stateless_parameters(steady: Model, target: Target, level: str) -> None:
    """Parameters and content types of one request are gone at the next, at whichever level they were."""
    usual = steady.infer(steady.base_body)
    known = known_parameters(target.answers, steady, "v2") if level == "request" else []
    asked = [steady.base_body | {"parameters": body["parameters"]} for body in known]
    for parameters in (PARAMETERS, *({"content_type": name} for name in CONTENT_TYPES)):
        asked.append(parametrised(steady, level, parameters))
    for body in asked:
        other, again = steady.infer(body), steady.infer(steady.base_body)
        message = f"the answer changed after a request with parameters of the {level}"
        check(again.status == usual.status, message, other, again, got=f"status {again.status}")
        different = tensors.difference(again.outputs, usual.outputs)
        check(not different, message, other, again, got=different)
