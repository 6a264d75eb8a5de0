"""POST /invocations: params."""

from collections.abc import Callable

import pytest

from conformance.asking.invocations import Invocations
from conformance.asking.scoring import check_same
from conformance.checks.assertions import check_ok

requirement = pytest.mark.requirement
EXTRA = "conformance"


@requirement("mlflow.predictions.params-empty")
def test_params_empty(steady_scoring: Invocations) -> None:
    answer = steady_scoring.ask(steady_scoring.base_rows, params={})
    check_ok(answer, "the params are empty")
    check_same(steady_scoring, steady_scoring.good, answer, "empty params change the prediction")


@requirement("mlflow.predictions.params-harmless")
def test_params_harmless(steady_scoring: Invocations) -> None:
    for value in ("text", 7, 0.5, True, [1]):
        answer = steady_scoring.ask(steady_scoring.base_rows, params={EXTRA: value})
        if answer.status == 200:
            check_same(
                steady_scoring, steady_scoring.good, answer, "an unknown parameter changes the prediction"
            )


@requirement("mlflow.predictions.params-forms")
def test_params_forms(scoring: Invocations, behaviour: Callable[[str, str], None]) -> None:
    for label, params in {"null": None, "an array": [1], "a text": "a", "unknown": {EXTRA: 1}}.items():
        behaviour(label, scoring.told(scoring.ask(scoring.base_rows, params=params)))
