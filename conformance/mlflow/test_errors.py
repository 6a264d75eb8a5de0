"""POST /invocations: requests that are wrong."""

import json
import re
from collections.abc import Callable, Sequence

import pytest

from conformance.asking.invocations import Invocations
from conformance.asking.rest import RestModel
from conformance.checks.assertions import check, fail
from conformance.checks.http import check_status
from conformance.checks.skips import not_implemented, untested
from conformance.mistakes.scoring import NAME, Probe, Survey
from conformance.transport.exchange import Exchange
from conformance.wire import scoring as scoring_requests
from conformance.wire.scoring import FORMS, RECORDS, SPLIT
from spec.validation import is_valid

requirement = pytest.mark.requirement
# What MLflow itself refuses for the media type, or its framework for the method, has another body.
_LABELS = {"media-type", "no-media-type", "charset", "media-type-parameter", "method"}
_TRACEBACK = re.compile(
    r"Traceback \(most recent call last\)|\bFile \S+\.py\W|[\w/]+/[\w.]+\.py\b|\"stack_trace\""
)


@pytest.fixture(scope="session")
def wrong(scoring: Invocations) -> Survey:
    """The answers to wrong requests."""
    return Survey(scoring)


def _having(survey: Survey, kind: str) -> list[Probe]:
    probes = survey.having(kind)
    if not probes:
        not_implemented("the model's inputs allow no such mistake")
    return probes


def _check_refused(survey: Survey, kind: str) -> None:
    """No such request is answered with a prediction."""
    for probe in _having(survey, kind):
        if probe.answer is None:
            assert probe.lost is not None
            raise probe.lost
        check_status(probe.answer, range(400, 600), probe.malformed.what)


def _refused(survey: Survey, kind: str) -> list[tuple[Probe, Exchange]]:
    """The probes that were refused, with the answers. Skips without any: another requirement's finding."""
    found = [(p, p.answer) for p in _having(survey, kind) if p.answer is not None and p.answer.status >= 400]
    if not found:
        untested(f"it is not refused: see mlflow.errors.{kind}")
    return found


def _check_status(survey: Survey, kind: str) -> None:
    """Such requests, where they are refused, are refused as the client's mistake."""
    for probe, answer in _refused(survey, kind):
        check_status(answer, range(400, 500), f"{probe.malformed.what}: the client can mend it")


def _check_client_error(survey: Survey, kind: str, statuses: Sequence[int] = range(400, 500)) -> None:
    for probe in _having(survey, kind):
        if probe.answer is None:
            assert probe.lost is not None
            raise probe.lost
        check_status(probe.answer, statuses, probe.malformed.what)


@requirement("mlflow.errors.broken-json")
def test_broken_json(wrong: Survey) -> None:
    _check_refused(wrong, "broken-json")


@requirement("mlflow.errors.broken-json-status")
def test_broken_json_status(wrong: Survey) -> None:
    _check_status(wrong, "broken-json")


@requirement("mlflow.errors.broken-csv")
def test_broken_csv(wrong: Survey) -> None:
    _check_refused(wrong, "broken-csv")


@requirement("mlflow.errors.broken-csv-status")
def test_broken_csv_status(wrong: Survey) -> None:
    _check_status(wrong, "broken-csv")


@requirement("mlflow.errors.not-object")
def test_not_object(wrong: Survey) -> None:
    _check_refused(wrong, "not-object")


@requirement("mlflow.errors.not-object-status")
def test_not_object_status(wrong: Survey) -> None:
    _check_status(wrong, "not-object")


@requirement("mlflow.errors.no-form")
def test_no_form(wrong: Survey) -> None:
    _check_refused(wrong, "no-form")


@requirement("mlflow.errors.no-form-status")
def test_no_form_status(wrong: Survey) -> None:
    _check_status(wrong, "no-form")


@requirement("mlflow.errors.two-forms")
def test_two_forms(wrong: Survey) -> None:
    _check_refused(wrong, "two-forms")


@requirement("mlflow.errors.two-forms-status")
def test_two_forms_status(wrong: Survey) -> None:
    _check_status(wrong, "two-forms")


@requirement("mlflow.errors.form-shape")
def test_form_shape(wrong: Survey) -> None:
    _check_refused(wrong, "form-shape")


@requirement("mlflow.errors.form-shape-status")
def test_form_shape_status(wrong: Survey) -> None:
    _check_status(wrong, "form-shape")


@requirement("mlflow.errors.ragged-rows")
def test_ragged_rows(wrong: Survey) -> None:
    _check_refused(wrong, "ragged-rows")


@requirement("mlflow.errors.ragged-rows-status")
def test_ragged_rows_status(wrong: Survey) -> None:
    _check_status(wrong, "ragged-rows")


def _accepted(survey: Survey, kind: str) -> bool:
    return any(probe.answer is not None and probe.answer.status == 200 for probe in survey.having(kind))


@requirement("mlflow.errors.missing-column")
def test_missing_column(wrong: Survey) -> None:
    if _accepted(wrong, "missing-column") and not _demands_columns(wrong.endpoint.model):
        untested("nothing tells that the model demands any column")
    _check_refused(wrong, "missing-column")


def _demands_columns(model: RestModel) -> bool:
    """Whether metadata declares inputs, and inference is refused without them."""
    foreign = {"name": NAME, "shape": [1, 1], "datatype": "INT64", "data": [1]}
    return bool(model.described.get("inputs")) and not model.infer({"inputs": [foreign]}).answered


@requirement("mlflow.errors.missing-column-status")
def test_missing_column_status(wrong: Survey) -> None:
    _check_status(wrong, "missing-column")


@requirement("mlflow.errors.wrong-type")
def test_wrong_type(wrong: Survey) -> None:
    if _accepted(wrong, "missing-column") and not wrong.endpoint.model.described.get("inputs"):
        untested("nothing tells that the model has a signature")
    _check_refused(wrong, "wrong-type")


@requirement("mlflow.errors.wrong-type-status")
def test_wrong_type_status(wrong: Survey) -> None:
    _check_status(wrong, "wrong-type")


@requirement("mlflow.errors.deep")
def test_deep(wrong: Survey) -> None:
    _check_refused(wrong, "deep")


@requirement("mlflow.errors.deep-status")
def test_deep_status(wrong: Survey) -> None:
    _check_status(wrong, "deep")


@requirement("mlflow.errors.not-utf8")
def test_not_utf8(wrong: Survey) -> None:
    _check_client_error(wrong, "not-utf8")


@requirement("mlflow.errors.split-member")
def test_split_member(wrong: Survey) -> None:
    _check_client_error(wrong, "split-member")


@requirement("mlflow.errors.media-type")
def test_media_type(wrong: Survey) -> None:
    _check_client_error(wrong, "media-type")


@requirement("mlflow.errors.charset")
def test_charset(wrong: Survey) -> None:
    _check_client_error(wrong, "charset")


@requirement("mlflow.errors.media-type-parameter")
def test_media_type_parameter(wrong: Survey) -> None:
    _check_client_error(wrong, "media-type-parameter")


@requirement("mlflow.errors.method")
def test_method(wrong: Survey) -> None:
    _check_client_error(wrong, "method", [*range(400, 500), 501])


@requirement("mlflow.errors.no-media-type")
def test_no_media_type(wrong: Survey) -> None:
    _check_client_error(wrong, "no-media-type", range(200, 500))


@requirement("mlflow.errors.body")
def test_body(wrong: Survey) -> None:
    answers = [p.answer for p in wrong.probes if p.answer is not None and p.malformed.kind not in _LABELS]
    refusals = [a for a in answers if 400 <= a.status < 500 and a.status != 415]  # CSV may not be served
    if not refusals:
        untested("nothing is refused with a 4xx status: see the requirements of status")
    for answer in refusals:
        if not is_valid("mlflow/error", answer.json):
            fail(
                "the body is no error of MLflow's",
                answer,
                expected='{"error_code": "…", "message": "…"} as JSON',
            )


def _text(answer: Exchange) -> str:
    """The body as text, without the escapes of JSON."""
    plain = answer.response.body.decode("utf-8", "replace")
    return plain if answer.json is None else json.dumps(answer.json, ensure_ascii=False)


@requirement("mlflow.errors.names-forms")
def test_names_forms(wrong: Survey) -> None:
    for probe, answer in _refused(wrong, "no-form"):
        missing = [form for form in FORMS if form not in _text(answer)]
        check(not missing, f"{probe.malformed.what}: the message does not help", answer, expected=missing)


@requirement("mlflow.errors.names-column")
def test_names_column(wrong: Survey) -> None:
    for _, answer in _refused(wrong, "missing-column"):
        names = [spec.name for spec in wrong.endpoint.specs]
        named = any(json.dumps(name, ensure_ascii=False)[1:-1] in _text(answer) for name in names)
        check(named, "the message names no column", answer, expected=names)


@requirement("mlflow.errors.no-traceback")
def test_no_traceback(wrong: Survey) -> None:
    answers = [probe.answer for probe in wrong.probes if probe.answer is not None]
    for answer in answers:
        found = _TRACEBACK.search(_text(answer)) if answer.status >= 400 else None
        check(found is None, "the refusal shows the server's inside", answer, got=found and found.group())


@requirement("mlflow.errors.recovers")
def test_recovers(wrong: Survey) -> None:
    endpoint = wrong.endpoint
    for probe in wrong.probes:
        if probe.answer is None:
            continue  # the finding of the request itself
        if probe.after is None:
            assert probe.lost is not None
            raise probe.lost
        message = f"after a request in which {probe.malformed.what}, the good one fails"
        check_status(probe.after, [200], message)
        different = endpoint.difference(endpoint.good, probe.after) if endpoint.deterministic else ""
        check(not different, message, probe.answer, probe.after, got=different)


@requirement("mlflow.errors.gaps")
def test_gaps(scoring: Invocations, behaviour: Callable[[str, str], None]) -> None:
    if not scoring.table:
        not_implemented("the model takes tensors, no table")
    rows = [*scoring.base_rows] * 2
    split = scoring.body(rows, SPLIT)[SPLIT]
    short = split | {"data": [split["data"][0], split["data"][1][:-1]]}
    behaviour("a short row", str(scoring.post({SPLIT: short}).status))
    whole, lacking = scoring.body(rows, RECORDS)[RECORDS]
    del lacking[next(iter(lacking))]
    behaviour("a record that lacks a member", str(scoring.post({RECORDS: [whole, lacking]}).status))
    header, line = scoring_requests.csv_text(scoring.specs, scoring.base_rows).splitlines()[:2]
    answer = scoring.post_bytes(f"{header}\n1,{line}\n".encode(), "text/csv")
    behaviour("every line of CSV longer than the header", scoring.told(answer))


@requirement("mlflow.errors.extra-members")
def test_extra_members(scoring: Invocations, behaviour: Callable[[str, str], None]) -> None:
    for name in (NAME, "signature_name"):
        behaviour(name, scoring.told(scoring.post(scoring.base_body | {name: "a"})))
    text = json.dumps(scoring.base_body)
    answer = scoring.post_bytes(f'{{"{scoring.form}": null, {text[1:]}'.encode(), "application/json")
    behaviour("a form twice, null first", scoring.told(answer))


@requirement("mlflow.errors.unknown-column")
def test_unknown_column(scoring: Invocations, behaviour: Callable[[str, str], None]) -> None:
    if not scoring.table:
        not_implemented("the model takes tensors, no table")
    records = [{**record, NAME: 1} for record in scoring.body(scoring.base_rows, RECORDS)[RECORDS]]
    behaviour("an unknown column", scoring.told(scoring.post({RECORDS: records})))
