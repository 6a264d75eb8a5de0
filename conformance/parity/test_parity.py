"""Both endpoints of one model: /infer and /invocations."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking import strategies
from conformance.asking.inference import check_same
from conformance.asking.invocations import PATH, Invocations, predictions
from conformance.asking.rest import RestModel
from conformance.asking.scoring import check_same as check_same_scores
from conformance.checks.assertions import by_rows, check
from conformance.checks.skips import no_request, not_implemented, untested
from conformance.harness.target import Target
from conformance.mistakes import inference as malformed
from conformance.mistakes import scoring as malformed_scoring
from conformance.mistakes.survey import Survey
from conformance.oracles.answers import cases
from conformance.transport.answer import Answer
from conformance.transport.exchange import Exchange
from conformance.transport.lost import NoAnswer
from conformance.transport.rest import read
from conformance.transport.together import in_json, together
from conformance.wire import content_types, tensors
from conformance.wire import predictions as reading
from conformance.wire import scoring as wire
from conformance.wire.scoring import RECORDS, SPLIT
from conformance.wire.tensors import Row, TensorSpec
from spec.tables import DATATYPES

requirement = pytest.mark.requirement
NAME = "conformance"  # of a parameter that no model has
_MOMENTS = (
    "2020-02-29T12:30:00",
    "2020-02-29T12:30:00.5",
    "2020-02-29T12:30:00.000001",
    "1969-12-31T23:59:59.999999",
    "2020-02-29T12:30:00Z",
    "2020-02-29T12:30:00+05:30",
    "2020-02-29",
)
THREADS = 8
MANY = 32  # inputs, of which each is left out once


@dataclass(frozen=True)
class Both:
    """The two endpoints, with rows that both accept."""

    scoring: Invocations
    rows: Sequence[Row]

    @property
    def model(self) -> RestModel:
        """The model behind both."""
        return self.scoring.model

    def ask(self, rows: Sequence[Row]) -> tuple[Answer, Exchange]:
        """The answers of /infer and of /invocations to the same rows."""
        return self.model.predict(rows), self.scoring.ask(rows)


@pytest.fixture(scope="session")
def endpoint(mlflow_model: RestModel) -> Invocations:
    """The scoring endpoint, whether it accepts anything or not."""
    return Invocations(mlflow_model)


@pytest.fixture(scope="session")
def both(steady_scoring: Invocations) -> Both:
    """Two endpoints that give the same answer to the same request."""
    model = steady_scoring.model
    if model.base is None or not model.deterministic:
        untested(f"/infer accepts no request that is known, or {model.name} answers it differently")
    found = [Both(steady_scoring, rows) for rows in (model.base_rows, steady_scoring.base_rows)]
    accepted = [both for both in found if all(answer.answered for answer in both.ask(both.rows))]
    if not accepted:
        untested("no row is known that both endpoints accept")
    return accepted[0]


def _pairs(v2: Answer, scored: Exchange) -> list[tuple[dict[str, Any], list[Any]]]:
    """Each output of /infer with the predictions of /invocations; none where names keep them apart."""
    outputs, columns = v2.outputs, reading.columns_of(predictions(scored))
    if len(outputs) == len(columns) == 1:
        return [(*outputs.values(), *columns.values())]  # type: ignore[list-item]
    return [(outputs[name], columns[name]) for name in columns] if set(outputs) == set(columns) else []


def _check_same(both: Both, v2: Answer, scored: Exchange, message: str) -> bool:
    """Two good answers hold the same predictions.

    Returns whether they could be compared: what can't be read or paired is another requirement's finding.
    """
    __tracebackhide__ = True
    pairs = _pairs(v2, scored)
    for output, column in pairs:
        content_type = content_types.of(output, both.model.outputs)
        try:
            ours = [reading.meant(e, content_type) for e in tensors.flat(output.get("data"))]
            theirs = [reading.predicted(e, content_type) for e in column]
        except ValueError:
            return False
        datatype = "FP64" if content_type == "pd_json" else str(output.get("datatype"))
        different = reading.difference(ours, theirs, datatype)
        check(not different, message, v2, scored, got=different and f"at /infer {different} at /invocations")
    return bool(pairs)


def _compared(both: Both, rows: Sequence[Row], message: str, **parameters: Any) -> bool:
    """Whether both endpoints accept the rows, and their answers, which must be the same, can be compared."""
    __tracebackhide__ = True
    v2 = both.model.predict(rows, **({"parameters": parameters} if parameters else {}))
    scored = both.scoring.post(both.scoring.body(rows) | ({"params": parameters} if parameters else {}))
    return v2.answered and scored.answered and _check_same(both, v2, scored, message)


@requirement("parity.predictions")
@given(data=st.data())
def test_predictions(both: Both, data: st.DataObject) -> None:
    tabular = both.scoring.form in (SPLIT, RECORDS)
    rows = data.draw(both.scoring.rows(maximum=6, portable=not tabular))
    assume(by_rows(lambda rows: _compared(both, rows, "the endpoints disagree"), rows))


@requirement("parity.predictions")
def test_predictions_texts(both: Both) -> None:
    texts = _of(both, "string", ["", "str"])
    compared = [
        _compared(both, [{**both.rows[0], **row}], "the endpoints disagree on a text")
        for row in strategies.hard_rows(texts)
    ]
    if not any(compared):
        untested("no text of those that are known to get lost is accepted at both endpoints")


@requirement("parity.answers")
def test_answers(mlflow_model: RestModel, endpoint: Invocations) -> None:
    """Rows of all sorts that fit the metadata, whatever either endpoint makes of them."""
    model, form = mlflow_model, next(iter(endpoint.forms), "")
    if not form:
        not_implemented("the model's inputs can't be written as a scoring request")
    asked = [*endpoint.base_rows, *model.probes] if endpoint.base else model.probes
    compared = False
    for row in [endpoint.written(row) for row in asked]:
        v2, scored = model.infer(model.body([row])), endpoint.ask([row], endpoint.form or form)
        compared |= v2.answered or scored.answered
        told = f"{v2.status} at /infer, {scored.status} at /invocations"
        message = "one endpoint answers a row that is a server error at the other"
        fine = not (v2.answered or scored.answered) or not (v2.failed or scored.failed)
        check(fine, message, v2, scored, got=told)
    if not compared:
        no_request(f"{model.name}, or {PATH},")


@requirement("parity.concurrent")
def test_concurrent(both: Both) -> None:
    infer = in_json(both.model.path("infer"), both.model.body(both.rows))
    score = in_json(PATH, both.scoring.body(both.rows))
    usual = both.ask(both.rows)
    answers = together(both.model.client, [infer, score] * THREADS)
    message = "the answer is another one when the other endpoint is asked at the same time"
    for inferred, scored in zip(answers[::2], answers[1::2], strict=True):
        _check_inferred(usual[0], read(inferred), message)
        _check_scored(both, usual[1], scored, message)


@requirement("parity.errors")
def test_errors(both: Both) -> None:
    survey, (inferred, scored) = Survey(both.model), both.ask(both.rows)
    message = "the good request after a wrong one at the other endpoint ({}) has another answer"
    for wrong in {m.kind: m for m in malformed.requests(survey.good)}.values():
        with suppress(NoAnswer):  # v2.errors.answered
            survey.send(wrong)
        _check_scored(both, scored, both.scoring.ask(both.rows), message.format(wrong.what))
    for mistake in {m.kind: m for m in malformed_scoring.requests(both.scoring)}.values():
        with suppress(NoAnswer):  # mlflow.errors
            malformed_scoring.send(both.scoring, mistake)
        _check_inferred(inferred, both.model.predict(both.rows), message.format(mistake.what))


def _check_inferred(usual: Answer, answer: Answer, message: str) -> None:
    """An answer of /infer is its usual one."""
    check(answer.answered, message, usual, answer, got=f"status {answer.status}")
    check_same(usual, answer, message)


def _check_scored(both: Both, usual: Exchange, answer: Exchange, message: str) -> None:
    """An answer of /invocations is its usual one."""
    check(answer.answered, message, usual, answer, got=f"status {answer.status}")
    check_same_scores(both.scoring, usual, answer, message)


def _of(both: Both, kind: str, content_types: Sequence[str]) -> list[TensorSpec]:
    """The inputs of one kind of elements and one of the content types. Skips when there are none."""
    found = [
        spec
        for spec in both.model.inputs
        if spec.datatype in DATATYPES
        and DATATYPES[spec.datatype].element == kind
        and spec.content_type in content_types
    ]
    if not found:
        not_implemented(f"the model has no input of {kind} elements that are {' or '.join(content_types)}")
    return found


def _integers(both: Both) -> list[TensorSpec]:
    """The integer inputs of a model that takes any integer."""
    specs = _of(both, "integer", ["np", ""])
    if both.model.sample is not None or both.scoring.trial.domain:
        untested("the model does not take any integer")
    return specs


def _same_integers(both: Both, integers: Row) -> bool:
    """Whether the answers to the good row with these integers, which must be the same, can be compared."""
    __tracebackhide__ = True
    return _compared(both, [{**both.rows[0], **integers}], "the endpoints disagree on an integer")


@requirement("parity.integers")
@given(data=st.data())
def test_integers_drawn(both: Both, data: st.DataObject) -> None:
    assume(_same_integers(both, data.draw(strategies.extreme_row(_integers(both)))))


@requirement("parity.integers")
def test_integers(both: Both) -> None:
    compared = [_same_integers(both, row) for row in strategies.hard_rows(_integers(both))]
    if not any(compared):
        untested("no integer beyond the precision of a double is accepted at both endpoints")


@requirement("parity.datetimes")
def test_datetimes(both: Both) -> None:
    specs = _of(both, "string", ["datetime"])
    rows = [{**both.rows[0], **{spec.name: [text] for spec in specs}} for text in _MOMENTS]
    compared = [_compared(both, [row], f"the endpoints disagree on {row[specs[0].name][0]}") for row in rows]
    if not any(compared):
        untested("no datetime is accepted at both endpoints")


@requirement("parity.output-names")
def test_output_names(both: Both) -> None:
    v2, scored = both.ask(both.rows)
    columns = set(reading.columns_of(predictions(scored)))
    if all(name.isdigit() or not name for name in columns):
        not_implemented("the predictions have no names")
    outputs = set(v2.outputs)
    message = "the outputs have other names"
    check(outputs == columns, message, v2, scored, got=sorted(outputs), expected=sorted(columns))


@requirement("parity.missing-input")
def test_missing_input(both: Both) -> None:
    specs = both.model.inputs
    if len(specs) < 2 or wire.unnamed(specs):
        not_implemented("the model has not several named inputs")
    for left_out in specs[:MANY]:
        rest = [spec for spec in specs if spec != left_out]
        body = both.model.body(both.rows)
        inputs = [tensor for tensor in body["inputs"] if tensor["name"] != left_out.name]
        v2 = both.model.infer(body | {"inputs": inputs})
        scoring = both.scoring
        scored = scoring.post(wire.body(scoring.form, rest, both.rows, table=scoring.table))
        message = f"without {left_out.name!r}, the endpoints disagree"
        told = f"{v2.status} at /infer, {scored.status} at /invocations"
        check(v2.answered == scored.answered, message, v2, scored, got=told)
        if v2.answered:
            _check_same(both, v2, scored, message)


@requirement("parity.null")
def test_null(both: Both) -> None:
    specs = [spec for spec in both.model.inputs if spec.content_type != "pd_json"]
    compared = []
    for spec in specs[:MANY]:
        row = {**both.rows[0], spec.name: [None] * spec.row_size}
        compared.append(_compared(both, [row], f"the endpoints disagree on null in {spec.name!r}"))
    if not any(compared):
        untested("no null is accepted at both endpoints")


def _known_parameters(both: Both, target: Target) -> list[tuple[Sequence[Row], Mapping[str, Any]]]:
    """Rows with scalar parameters, from the known answers of /invocations."""
    name = both.model.name
    listed = cases(target.answers, name, "mlflow")
    found: list[tuple[Sequence[Row], Mapping[str, Any]]] = []
    for case in listed:
        params = case.request.get("params") if case.response is not None else None
        if isinstance(params, dict):
            scalars = {k: v for k, v in params.items() if isinstance(v, str | int | float | bool)}
            inputs = wire.sample_of(case.request)["inputs"]
            found.append((tensors.rows_of(inputs, both.model.inputs), scalars))
    return found


@requirement("parity.parameters")
def test_parameters(both: Both, target: Target) -> None:
    message = "the endpoints disagree on parameters"
    compared = [_compared(both, rows, message, **params) for rows, params in _known_parameters(both, target)]
    if not any(compared):
        untested("needs known answers with params that both endpoints accept: --answers PATH")


@requirement("parity.unknown-parameters")
def test_unknown_parameters(both: Both, behaviour: Callable[[str, str], None]) -> None:
    behaviour("/infer", both.model.predict(both.rows, parameters={NAME: 1}).status)
    behaviour("/invocations", str(both.scoring.ask(both.rows, params={NAME: 1}).status))


@requirement("parity.zero-rows")
def test_zero_rows(both: Both, behaviour: Callable[[str, str], None]) -> None:
    if not both.model.batched:
        not_implemented("the model takes no batches")
    v2, scored = both.ask([])
    behaviour("/infer", v2.status)
    behaviour("/invocations", str(scored.status))
