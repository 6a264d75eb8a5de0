"""Answers compared with known ones."""

from typing import Any

from conformance.asking.model import Model
from conformance.checks.assertions import check, check_ok, check_rejected
from conformance.oracles.answers import Case, Known, cases
from conformance.transport.answer import Answer
from conformance.transport.outcome import Judged
from conformance.wire import tensors

_PARAMETERS = {"v2": "parameters", "mlflow": "params"}


def known_parameters(known: Known, model: Model, protocol: str) -> list[dict[str, Any]]:
    """The requests with parameters, or params, that have a known answer."""
    member = _PARAMETERS[protocol]
    answered = cases(known, model.name, protocol)
    return [case.request for case in answered if case.response is not None and case.request.get(member)]


def check_v2(case: Case, answer: Answer) -> None:
    """An inference response gives each output of the known answer: its datatype and its data."""
    __tracebackhide__ = True
    if _refused(case, answer):
        return
    outputs = answer.outputs
    for wanted in case.response["outputs"]:
        name = wanted["name"]
        # An output of another name is a finding of v2.infer.output-names, when it is the only one.
        alone = len(outputs) == len(case.response["outputs"]) == 1
        output = outputs.get(name) or (next(iter(outputs.values())) if alone else {})
        got, expected = (
            tensors.held(tensors.flat(one.get("data")), wanted["datatype"]) for one in (output, wanted)
        )
        same = tensors.close(got, expected, case.tolerance)
        check(same, f"{case.name}: output {name!r} is wrong", answer, got=got, expected=expected)


def check_mlflow(case: Case, answer: Judged, got: Any) -> None:
    """A scoring response gives the predictions of the known answer. ``got``: its predictions."""
    __tracebackhide__ = True
    if _refused(case, answer):
        return
    expected = case.response["predictions"]
    check(
        tensors.close(got, expected, case.tolerance),
        f"{case.name}: wrong predictions",
        answer,
        got=got,
        expected=expected,
    )


def _refused(case: Case, answer: Judged) -> bool:
    """Whether the case asks for a refusal, which is then checked."""
    __tracebackhide__ = True
    if case.response is not None:
        check_ok(answer, f"{case.name}: the request is good")
        return False
    check_rejected(answer, f"{case.name}: the request has no answer")
    return True
