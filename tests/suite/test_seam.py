"""A transport that is not HTTP: the checks that hold for any transport work with it as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from conformance.asking.batches import check_rows
from conformance.asking.inference import check_id, check_parameters, check_same, paired
from conformance.asking.model import Model
from conformance.checks.assertions import NonConformance, check_refused, check_takes
from conformance.harness.recorder import failure_of
from conformance.transport.answer import Answer
from conformance.transport.outcome import Outcome, Wanted

TENSOR = {"name": "x", "datatype": "FP64", "shape": [-1]}
METADATA = {"name": "double", "versions": ["1"], "inputs": [TENSOR], "outputs": [TENSOR]}


@dataclass(frozen=True)
class Call:
    """A call of a function, and what came of it."""

    reproduce: str
    shown: str
    outcome: Outcome
    status: str

    @property
    def request(self) -> "Call":
        return self

    @property
    def spelled(self) -> Mapping[Wanted, str]:
        return {wanted: wanted.name.lower() for wanted in Wanted}


class Local:
    """Calls a model that doubles numbers. ``wrong``: it adds its batch's size, and keeps the id to itself."""

    def __init__(self, *, wrong: bool = False) -> None:
        self.wrong = wrong

    def metadata(self, model: str, version: str) -> Answer:
        return Answer(METADATA, Call(f"metadata({model!r})", "", Outcome.ANSWERED, "fine"))

    def infer(self, model: str, version: str, request: Mapping[str, Any]) -> Answer:
        asked = f"infer({model!r}, {request})"
        tensors = [tensor for tensor in request["inputs"] if tensor["name"] == "x"]
        if not tensors:
            return Answer({}, Call(asked, "no x", Outcome.MISTAKE, "refused"))
        shape, data = tensors[0]["shape"], tensors[0]["data"]
        output = TENSOR | {"shape": shape, "data": [2 * e + self.wrong * len(data) for e in data]}
        id = {} if self.wrong else {k: v for k, v in request.items() if k == "id"}
        return Answer(
            {"model_name": model, "outputs": [output], **id},
            Call(asked, str(output), Outcome.ANSWERED, "fine"),
        )

    def together(self, model: str, version: str, requests: Sequence[Mapping[str, Any]]) -> list[Answer]:
        return [self.infer(model, version, request) for request in requests]


def test_a_right_model_passes() -> None:
    model = Model(Local(), "double")
    assert model.base is not None
    assert model.deterministic
    assert model.limit > 1
    assert model.row_wise
    assert [spec.name for spec, _ in paired(model, model.base)] == ["x"]
    check_takes(model.name, model.trial.refusals)
    check_id(model, "é")
    check_parameters(model, "inputs")
    rows = [{"x": [float(i)]} for i in range(4)]
    check_rows(model, rows, model.predict(rows))
    for one, two in zip(model.together([model.base_body] * 2), [model.base] * 2, strict=True):
        check_same(one, two, "the same request")
    check_refused(model.infer({"inputs": []}), "there is no input")


def test_a_wrong_model_fails_with_what_reproduces_it() -> None:
    model = Model(Local(wrong=True), "double")
    assert model.base is not None
    with pytest.raises(NonConformance) as lost:
        check_id(model, "a")
    failure = failure_of(lost.value)
    assert failure["message"] == "the id is not the request's; expected: a"
    assert failure["curl"][0].startswith("infer('double', {'inputs'")
    rows = [{"x": [1.0]}, {"x": [2.0]}]
    with pytest.raises(NonConformance, match="row 0 of 2 has another prediction in the batch"):
        check_rows(model, rows, model.predict(rows))
    with pytest.raises(NonConformance) as taken:
        check_refused(model.infer(model.base_body), "it is refused")
    assert failure_of(taken.value)["message"] == "it is refused; got: status fine; expected: refusal"
