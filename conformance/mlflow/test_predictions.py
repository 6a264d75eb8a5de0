"""POST /invocations: what the predictions must be."""

import json
from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conformance.asking.batches import REQUESTS, ROUNDS, apart
from conformance.asking.invocations import PATH, Invocations, predictions
from conformance.asking.rest import RestModel
from conformance.asking.scoring import accepted_neighbours, check_same
from conformance.checks.assertions import check, check_ok, check_takes
from conformance.checks.skips import untested
from conformance.harness.target import Target
from conformance.oracles.answers import cases
from conformance.oracles.known import check_mlflow, known_parameters
from conformance.transport.together import in_json, together

requirement = pytest.mark.requirement
OFTEN = 200  # answers, to show one that differs where one is known to have
# One choice of rows is enough, and a race does not shrink.
once = settings(max_examples=1, phases=[Phase.generate])


@requirement("mlflow.predictions.answers")
@given(data=st.data())
def test_answers(scoring: Invocations, data: st.DataObject) -> None:
    check_takes(scoring.model.name, scoring.trial.refusals)
    rows = data.draw(scoring.rows(maximum=2))
    answer = scoring.ask(rows)
    if answer.status != 200 and scoring.model.sample is None:
        check_takes(scoring.model.name, [a for a in (scoring.ask([row]) for row in rows) if a.status != 200])
    check_ok(answer, "the rows fit the model's inputs")


def _check_known(model: RestModel, target: Target, *, params: bool) -> None:
    listed = cases(target.answers, model.name, "mlflow")
    chosen = [case for case in listed if ("params" in case.request) == params]
    if not chosen:
        untested("needs known answers: --answers PATH")
    for case in chosen:
        answer = model.client.post_json(PATH, case.request)
        check_mlflow(case, answer, predictions(answer))


@requirement("mlflow.predictions.known-answers")
def test_known_answers(mlflow_model: RestModel, target: Target) -> None:
    _check_known(mlflow_model, target, params=False)


@requirement("mlflow.predictions.params")
def test_params(mlflow_model: RestModel, target: Target) -> None:
    _check_known(mlflow_model, target, params=True)


@requirement("mlflow.predictions.deterministic")
def test_deterministic(scoring: Invocations) -> None:
    scoring.ask(scoring.base_rows)  # what the request before leaves for the next is mlflow.isolation.params
    for _ in range(3 if scoring.deterministic else OFTEN):
        again = scoring.ask(scoring.base_rows)
        check_same(scoring, scoring.good, again, "the same request has another answer")


@requirement("mlflow.predictions.concurrent")
@once
@given(data=st.data())
def test_concurrent(steady_scoring: Invocations, target: Target, data: st.DataObject) -> None:
    forms, most = steady_scoring.forms, min(steady_scoring.limit, 3)
    neighbours = [steady_scoring.written(row, portable=True) for row in accepted_neighbours(steady_scoring)]
    drawn = [data.draw(steady_scoring.rows(maximum=1, portable=True))[0] for _ in range(REQUESTS // 2)]
    rows = apart([*neighbours, *drawn], lambda row: steady_scoring.ask([row]), predictions)
    known, bodies = known_parameters(target.answers, steady_scoring.model, "mlflow")[: REQUESTS // 2], []
    for i in range(REQUESTS - len(known) if rows else 0):
        some = [rows[(i + j) % len(rows)] for j in range(1 + i % most)]
        bodies.append(steady_scoring.body(some, forms[(i + i // len(rows)) % len(forms)]))
    bodies += known
    sent = [(body, steady_scoring.client.post_json(PATH, body)) for body in bodies]
    good = [(body, answer) for body, answer in sent if answer.status == 200]
    if len(good) < 2:
        untested("the rows that are drawn are refused: give a valid request with --sample FILE")

    for _ in range(ROUNDS):
        beside = together(steady_scoring.client, [in_json(PATH, body) for body, _ in good])
        for (_, one), two in zip(good, beside, strict=True):
            message = "the answer is another one when other requests run beside it"
            check(two.status == 200, message, one, two, got=f"status {two.status}", expected="status 200")
            check_same(steady_scoring, one, two, message)


@requirement("mlflow.predictions.prediction-form")
def test_prediction_form(scoring: Invocations, behaviour: Callable[[str, str], None]) -> None:
    found = predictions(scoring.good)
    inner = f" of {type(found[0]).__name__}" if isinstance(found, list) and found else ""
    behaviour("one row", f"{type(found).__name__}{inner}")
    for form in scoring.forms:
        answer = scoring.ask([], form)
        told = json.dumps(predictions(answer)) if answer.status == 200 else str(answer.status)
        behaviour(f"no rows as {form}", told)
