"""Errors: what malformed requests get, and what the next request gets."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking import binary
from conformance.asking.elements import one_of_each_datatype, respelled, taken_as, with_element
from conformance.asking.rest import RestModel
from conformance.checks.assertions import check, check_refused, fail
from conformance.checks.http import check_status
from conformance.checks.leaks import leak, strings
from conformance.checks.skips import not_implemented, untested
from conformance.harness.target import Target
from conformance.mistakes import fuzz
from conformance.mistakes.inference import COERCIONS, LENIENT, NO_JSON, NO_REQUEST, OPEN
from conformance.mistakes.survey import Probe, Survey
from conformance.transport.answer import Answer
from conformance.transport.binary import OCTETS
from conformance.transport.exchange import Exchange
from conformance.transport.rest import carried, path, read
from conformance.wire import tensors
from conformance.wire.jsontext import written
from conformance.wire.spelling import INTEGERS
from spec.tables import DATATYPES
from spec.validation import is_valid

requirement = pytest.mark.requirement
_SHOWN = 64  # characters of a name that a message must have
Behaviour = Callable[[str, str], None]


@pytest.fixture(scope="session")
def survey(scored: RestModel) -> Survey:
    """What the model answers to malformed requests."""
    return Survey(scored)


def _check_none(
    found: Iterable[tuple[Probe, Exchange]], of: int, message: str, got: Callable[[Exchange], Any]
) -> None:
    """Fail with the shortest of the requests that were answered wrongly, and their number."""
    wrong = sorted(found, key=lambda pair: len(pair[0].malformed.body))
    if wrong:
        probe, answer = wrong[0]
        told = f"{probe.malformed.what}: {message} (so for {len(wrong)} of {of} malformed requests)"
        fail(told, answer, got=got(answer))


def _status(answer: Exchange | Answer) -> str:
    return f"status {answer.status}"


# Every malformed request


@requirement("v2.errors.answered")
def test_answered(survey: Survey) -> None:
    for probe in survey.probes:
        if probe.lost is not None:
            raise probe.lost


@requirement("v2.errors.status")
def test_status(survey: Survey) -> None:
    silent = [(p, a) for p, a in survey.answered if survey.outcome(p) == "silent"]
    _check_none(silent, len(survey.answered), "neither an error status nor a prediction", _status)


def _errors(survey: Survey) -> list[tuple[Probe, Exchange]]:
    return [(probe, answer) for probe, answer in survey.answered if answer.status >= 400]


@requirement("v2.errors.body")
def test_body(survey: Survey) -> None:
    errors = _errors(survey)
    wrong = [(p, a) for p, a in errors if not is_valid("v2/error", a.json)]
    _check_none(wrong, len(errors), "the body is no object with a string error", _status)


@requirement("v2.errors.body")
def test_body_with_quotes(scored: RestModel) -> None:
    """An error that repeats a name escapes it."""
    name = 'no "such" thing\\'
    body = scored.base_body | {"outputs": [{"name": name}]}
    for answer in (scored.post(body), scored.client.get(path(name))):
        told = isinstance(answer.json, dict) or answer.response.media_type != "application/json"
        check(answer.status < 400 or told, "the error repeats a name with quotes, and is no JSON", answer)


@requirement("v2.errors.content-type")
def test_content_type(survey: Survey) -> None:
    errors = [(p, a) for p, a in _errors(survey) if isinstance(a.json, dict)]  # others: v2.errors.body
    wrong = [(p, a) for p, a in errors if not _is_json(a.response.media_type)]
    _check_none(
        wrong,
        len(errors),
        "the JSON of the error is not declared as such",
        lambda a: a.response.media_type or "no Content-Type",
    )


@requirement("v2.errors.client-status")
def test_client_status(survey: Survey) -> None:
    mistakes = [(p, a) for p, a in survey.answered if p.malformed.kind != "coerced"]
    wrong = [(p, a) for p, a in mistakes if a.status >= 500]
    _check_none(wrong, len(mistakes), "a client's mistake is told as a server's", _status)


@requirement("v2.errors.client-status")
@given(data=st.data())
def test_client_status_fuzzed(scored: RestModel, data: st.DataObject) -> None:
    body = data.draw(st.one_of(fuzz.cut(written(scored.base_body)), fuzz.replaced(scored.base_body)))
    assume(fuzz.is_malformed(body))
    answer = scored.post(body)
    check(not answer.failed, "a client's mistake is told as a server's", answer, got=_status(answer))


@requirement("v2.errors.client-status")
def test_client_status_of_integers(steady: RestModel) -> None:
    """Who does not take integers among floating-point numbers finds a mistake of the client's."""
    _, answer = respelled(steady, INTEGERS)
    check(not answer.failed, "a client's mistake is told as a server's", answer, got=_status(answer))


@requirement("v2.errors.no-leak")
def test_no_leak(survey: Survey) -> None:
    errors = _errors(survey)
    leaking = [(p, a) for p, a in errors if leak(a, *survey.model.published)]
    message = "the answer tells of the server's inside"
    _check_none(leaking, len(errors), message, lambda a: leak(a, *survey.model.published))


@requirement("v2.errors.message")
def test_message(survey: Survey) -> None:
    errors = [(p, a) for p, a in _errors(survey) if is_valid("v2/error", a.json)]
    silent = [(p, a) for p, a in errors if not a.json["error"].strip()]
    _check_none(silent, len(errors), "the error is empty", _status)


@requirement("v2.errors.names-input")
def test_names_input(survey: Survey) -> None:
    if len(survey.good.one["inputs"]) == 1:
        not_implemented(f"{survey.model.name} has one input, which needs no name to be found")
    told = [(p, a) for p, a in _errors(survey) if p.malformed.tensor and is_valid("v2/error", a.json)]
    if not told:
        untested("no such request has an error object: v2.errors.body")
    silent = [(p, a) for p, a in told if not _names(a, p.malformed.tensor)]
    _check_none(silent, len(told), "the answer does not name the input", _status)


def _names(answer: Exchange, name: str) -> bool:
    """Whether the name stands in the error, as it is or quoted as JSON."""
    texts = list(strings(answer.json))
    begin = name[:_SHOWN]
    return any(q in text for text in texts for q in (begin, json.dumps(begin)[1:-1], repr(begin)[1:-1]))


@requirement("v2.errors.next-request")
def test_next_request(survey: Survey) -> None:
    for probe in survey.probes:
        if probe.after_lost is not None:
            raise probe.after_lost
        if probe.answer is None or probe.after is None:
            continue
        told = f"the good request right after a malformed one ({probe.malformed.what})"
        both = (probe.answer, probe.after)
        check(probe.after.answered, f"{told} is refused", *both, got=_status(probe.after))
        got, expected = (_names_of_outputs(answer) for answer in (probe.after, survey.base))
        check(got == expected, f"{told} has other outputs", *both, got=got, expected=expected)
        if survey.model.deterministic:
            different = tensors.difference(survey.base.outputs, probe.after.outputs)
            check(not different, f"{told} has another answer", *both, got=different)


def _is_json(media_type: str) -> bool:
    """Whether a media type is JSON, such as RFC 9457's application/problem+json."""
    return media_type == "application/json" or media_type.endswith("+json")


def _names_of_outputs(answer: Answer) -> list[str]:
    """The names, sorted; each as often as it stands there."""
    outputs = answer.message.get("outputs")
    listed = outputs if isinstance(outputs, list) else []
    return sorted(str(output.get("name")) for output in listed if isinstance(output, dict))


# Predictions that nobody may make


def _predicted(survey: Survey, kind: str) -> list[tuple[Probe, Exchange]]:
    found = [(p, p.answer) for p in survey.having(kind) if survey.outcome(p) in ("good", "other")]
    return [(probe, answer) for probe, answer in found if answer is not None]


def _check_never(survey: Survey, kind: str) -> None:
    message = "a prediction was made of it"
    _check_none(_predicted(survey, kind), len(survey.having(kind)), message, _status)


@requirement("v2.errors.broken-json")
def test_broken_json(survey: Survey) -> None:
    _check_never(survey, NO_JSON)


@requirement("v2.errors.no-request")
def test_no_request(survey: Survey) -> None:
    _check_never(survey, NO_REQUEST)


@requirement("v2.errors.made-up")
def test_made_up(survey: Survey) -> None:
    judged = [(p, a) for p, a in survey.answered if p.malformed.kind not in OPEN | {NO_JSON, NO_REQUEST}]
    made_up = [(p, a) for p, a in judged if survey.outcome(p) == "other"]
    _check_none(
        made_up,
        len(judged),
        "the prediction is not that of the request without the mistake",
        lambda a: _difference(survey, a) or "the good answer, by chance",
    )


def _difference(survey: Survey, answer: Exchange) -> str:
    """How the outputs differ from those of the good request."""
    return tensors.difference(survey.base.outputs, read(answer).outputs)


@requirement("v2.errors.integer-range")
def test_integer_range(steady: RestModel) -> None:
    """An integer beyond its datatype must not become the one that the low bits give."""
    for index, tensor in one_of_each_datatype(steady):
        row = DATATYPES.get(tensor["datatype"])
        if row is None or row.maximum is None or row.size is None:
            continue
        low = 2 if tensor["data"][0] != 2 else 3
        span = 2 ** (8 * row.size)
        for beyond, edge in ((low + span, row.maximum), (low - span, row.minimum)):
            over, wrapped, outermost = (
                with_element(steady, index, json.dumps(value)) for value in (beyond, low, edge)
            )
            answered = over.answered and wrapped.answered and outermost.answered
            if answered and tensors.difference(wrapped.outputs, outermost.outputs):
                told = f"{tensor['datatype']}: an integer beyond the range was taken as {low}"
                check(bool(tensors.difference(over.outputs, wrapped.outputs)), told, over, wrapped)


@requirement("v2.errors.coercion")
def test_coercion(steady: RestModel, behaviour: Behaviour) -> None:
    for index, tensor in one_of_each_datatype(steady):
        row = DATATYPES.get(tensor["datatype"])
        for text, candidates in COERCIONS[row.element if row else "number"].items():
            answer = with_element(steady, index, text)
            behaviour(f"{tensor['datatype']} {text}", taken_as(steady, index, answer, candidates))


# Mistakes that an answer should not pass over


def _check_refused(survey: Survey, kind: str) -> None:
    """No request of the kind has the good answer; one that has another is v2.errors.made-up's finding."""
    probes = survey.having(kind)
    if not probes:
        not_implemented(f"{survey.model.name} has no inputs to make this mistake with")
    good = [(p, a) for p, a in _predicted(survey, kind) if survey.outcome(p) == "good"]
    _check_none(good, len(probes), "the mistake is passed over", _status)
    if _predicted(survey, kind):
        untested("what is answered is made up: v2.errors.made-up")


@requirement("v2.errors.sloppy-json")
def test_sloppy_json(survey: Survey) -> None:
    _check_refused(survey, "sloppy-json")


@requirement("v2.errors.missing-member")
def test_missing_member(survey: Survey) -> None:
    _check_refused(survey, "missing-member")


@requirement("v2.errors.wrong-type")
def test_wrong_type(survey: Survey) -> None:
    _check_refused(survey, "wrong-type")


@requirement("v2.errors.datatype")
def test_datatype(survey: Survey) -> None:
    _check_refused(survey, "datatype")


@requirement("v2.errors.element")
def test_element(survey: Survey) -> None:
    if any(survey.outcome(p) == "other" for p in survey.having("element")):
        untested("a prediction is made up of such an element: v2.errors.made-up")
    _check_refused(survey, "element")


@requirement("v2.errors.shape")
def test_shape(survey: Survey) -> None:
    _check_refused(survey, "shape")


@requirement("v2.errors.element-count")
def test_element_count(survey: Survey) -> None:
    _check_refused(survey, "element-count")


@requirement("v2.errors.inner-dimension")
def test_inner_dimension(survey: Survey) -> None:
    if not survey.having("inner-dimension"):
        not_implemented("the metadata fixes no inner dimension of the input")
    _check_never(survey, "inner-dimension")


@requirement("v2.errors.nesting")
def test_nesting(survey: Survey) -> None:
    _check_refused(survey, "nesting")


@requirement("v2.errors.duplicate-input")
def test_duplicate_input(survey: Survey) -> None:
    _check_refused(survey, "duplicate-input")


@requirement("v2.errors.row-counts")
def test_row_counts(survey: Survey) -> None:
    _check_refused(survey, "row-counts")


@requirement("v2.errors.missing-input")
def test_missing_input(survey: Survey) -> None:
    if not survey.good.declared:
        not_implemented("the metadata lists no inputs")
    left_out = survey.having("missing-input")
    predicted = _predicted(survey, "missing-input")
    if len(predicted) == len(left_out):
        _check_none(predicted, len(left_out), "a prediction is made all the same", _status)


@requirement("v2.errors.binary-data")
def test_binary_data(scored: RestModel, target: Target) -> None:
    if "binary" not in target.missing:
        not_implemented("the server has binary tensor data")
    if scored.post(scored.base_body, OCTETS).failed:
        untested("it fails at JSON of that media type too: v2.http.media-type")
    check_refused(binary.ask(scored, scored.base_body), "the server has no binary tensor data")


@requirement("v2.errors.leniency")
def test_leniency(survey: Survey, behaviour: Behaviour) -> None:
    for kind, label in LENIENT.items():
        told = sorted({_told(survey, probe) for probe in survey.having(kind)})
        if told:
            behaviour(label, " or ".join(told))


def _told(survey: Survey, probe: Probe) -> str:
    status = str(probe.answer.status) if probe.answer else "no answer"
    return {"good": "passed over", "other": "another prediction"}.get(survey.outcome(probe), status)


@requirement("v2.errors.half-floats")
def test_half_floats(model: RestModel) -> None:
    if not any(spec.datatype in ("FP16", "BF16") for spec in model.inputs):
        not_implemented(f"{model.name} has no input of FP16 or BF16")
    rows = next(iter(model.candidates()))
    answer = carried(model.predict(rows))
    if answer.status != 200:
        check_status(answer, range(400, 500), "numbers for a half-precision input are no server error")
        check(is_valid("v2/error", answer.json), "the refusal does not say why", answer)
