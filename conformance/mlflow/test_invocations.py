"""POST /invocations: forms of the request, predictions."""

import gzip
import json
import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.asking import strategies
from conformance.asking.codings import deflate_flaw, in_chunks, packed
from conformance.asking.invocations import PATH, Invocations
from conformance.asking.scoring import answered, check_same, check_same_columns, is_text, with_text
from conformance.checks.assertions import check, check_ok, fail
from conformance.checks.http import check_status
from conformance.checks.skips import not_implemented, untested
from conformance.transport.exchange import Exchange
from conformance.transport.http import JSON
from conformance.wire import scoring as wire
from conformance.wire import spelling
from conformance.wire.jsontext import flaw
from conformance.wire.scoring import CSV, INPUTS, INSTANCES, PARQUET, RECORDS, SPLIT
from conformance.wire.tensors import Row

requirement = pytest.mark.requirement
_WORD = re.compile(r"(?!(na|nan|null|none|true|false|inf|infinity)$)[a-z]([a-z _-]*[a-z])?", re.IGNORECASE)
# What many functions make NaN or infinity of.
_TELLING = (None, -1.0, 0.0, 1.0, 2.0, 3.0, 1000.0, 1e308)

MANY = 100  # rows of an answer that a server may think worth compressing
QUOTED = ("a, b", 'a "b"', "two\nlines")  # texts that stand in quotes in CSV


def _table(endpoint: Invocations) -> None:
    if not endpoint.table:
        not_implemented("the model takes tensors, no table")


def _check_form(endpoint: Invocations, form: str) -> None:
    if form not in endpoint.forms:
        not_implemented(f"the model's inputs can't be written as {form}")
    check_ok(endpoint.ask(endpoint.base_rows, form), f"the same rows are accepted as {endpoint.form}")


@requirement("mlflow.invocations.split")
def test_split(scoring: Invocations) -> None:
    _check_form(scoring, SPLIT)


@requirement("mlflow.invocations.records")
def test_records(scoring: Invocations) -> None:
    _check_form(scoring, RECORDS)


@requirement("mlflow.invocations.instances")
def test_instances(scoring: Invocations) -> None:
    _check_form(scoring, INSTANCES)


@requirement("mlflow.invocations.inputs")
def test_inputs(scoring: Invocations) -> None:
    _check_form(scoring, INPUTS)


@requirement("mlflow.invocations.schema")
def test_schema(scoring: Invocations) -> None:
    answer = scoring.ask(scoring.base_rows)
    check(isinstance(answer.json, dict) and "predictions" in answer.json, "there are no predictions", answer)


@requirement("mlflow.invocations.content-type")
def test_content_type(scoring: Invocations) -> None:
    answer = scoring.ask(scoring.base_rows)
    got = answer.response.media_type
    check(got == "application/json", "the media type is wrong", answer, got=got, expected="application/json")


@requirement("mlflow.invocations.accept")
def test_accept(scoring: Invocations) -> None:
    for accept in ("application/json", "*/*", "application/json, text/plain, */*"):
        answer = scoring.post(scoring.base_body, {"Accept": accept})
        check_ok(answer, f"Accept: {accept} takes JSON")


@requirement("mlflow.invocations.content-coding")
def test_content_coding(scoring: Invocations) -> None:
    for count in (1, MANY) if scoring.batched else (1,):
        body = scoring.body([*scoring.base_rows] * count)
        plain = scoring.post(body, {"Accept-Encoding": "identity"})
        coding = plain.response.headers.get("content-encoding", "identity")
        check(coding == "identity", "the client accepts no coding", plain, got=coding)
        packed = scoring.post(body, {"Accept-Encoding": "gzip"})
        if packed.status == 200 and packed.json is None:
            fail("the body can't be read as its Content-Encoding says", packed)


@requirement("mlflow.invocations.content-coding")
def test_content_coding_deflate(scoring: Invocations) -> None:
    found = deflate_flaw(scoring.client, PATH, scoring.base_body)
    check(not found, "an answer in deflate coding is not in the zlib format", scoring.good, got=found)


@requirement("mlflow.invocations.content-coding")
def test_content_coding_of_request(steady_scoring: Invocations) -> None:
    for coding, body in packed(steady_scoring.base_body):
        answer = steady_scoring.client.send("POST", PATH, body, {**JSON, "Content-Encoding": coding})
        check_status(answer, [*range(200, 500), 501], f"the body is coded as Content-Encoding: {coding} says")
        if answer.status == 200:
            message = f"the request in {coding} coding has another prediction"
            check_same(steady_scoring, steady_scoring.good, answer, message)


@requirement("mlflow.invocations.chunked")
def test_chunked(scoring: Invocations) -> None:
    answer = in_chunks(scoring.client, PATH, scoring.good)
    check_status(answer, [200, 411], "the request is good, in chunks")
    if answer.status == 200 and scoring.deterministic:
        check_same(scoring, scoring.good, answer, "the request in chunks has another prediction")


@requirement("mlflow.invocations.json-spelling")
def test_json_spelling(steady_scoring: Invocations) -> None:
    (row,), specs = steady_scoring.base_rows, steady_scoring.specs
    rows = [row]
    if any(map(is_text, specs)):
        rows.append(with_text(specs, row, "é 🍷"))
    for body in (steady_scoring.body([row]) for row in rows):
        usual = steady_scoring.post(body)
        for text in spelling.others(body) if usual.status == 200 else ():
            answer = steady_scoring.post_bytes(text.encode(), "application/json")
            check_ok(answer, "the same JSON was accepted in another spelling")
            check_same(steady_scoring, usual, answer, "the spelling of the JSON changes the prediction")


@requirement("mlflow.invocations.strict-json")
def test_strict_json(scoring: Invocations) -> None:
    answers = [scoring.good, *(scoring.ask([_with_number(scoring, number)]) for number in _TELLING)]
    for answer in answers:
        found = flaw(answer.response.body) if answer.status == 200 else ""
        check(not found, "the answer is no strict JSON", answer, got=found)


def _with_number(endpoint: Invocations, number: float | None) -> Row:
    """The good row with one number in all its inputs of floating-point numbers."""
    (row,) = endpoint.base_rows
    floating = [spec for spec in endpoint.specs if spec.datatype.startswith(("FP", "BF"))]
    return {**row, **{spec.name: [number] * spec.row_size for spec in floating}}


def _check_forms(endpoint: Invocations, rows: Sequence[Row]) -> None:
    first = answered(endpoint, rows)
    for form in endpoint.forms:
        answer = first if form == endpoint.form else endpoint.ask(rows, form)
        if answer.status == 200:
            check_same_columns(endpoint, first, answer, f"{form} has not the predictions of {endpoint.form}")


@requirement("mlflow.invocations.forms-agree")
@given(data=st.data())
def test_forms_agree(steady_scoring: Invocations, data: st.DataObject) -> None:
    if len(steady_scoring.forms) < 2:
        not_implemented("the model's inputs can be written in one form only")
    _check_forms(steady_scoring, data.draw(steady_scoring.rows(portable=True)))


@requirement("mlflow.invocations.binary-forms")
@given(data=st.data())
def test_binary_forms(steady_scoring: Invocations, data: st.DataObject) -> None:
    binary = [spec.name for spec in steady_scoring.specs if spec.content_type == "base64"]
    if not binary or not steady_scoring.table:
        not_implemented("the model has no binary column")
    (row,) = data.draw(steady_scoring.rows(maximum=1, portable=True))
    _check_forms(steady_scoring, [{**row, **{name: [data.draw(strategies.base64s)] for name in binary}}])


@requirement("mlflow.invocations.inputs-forms")
def test_inputs_forms(scoring: Invocations, behaviour: Callable[[str, str], None]) -> None:
    _table(scoring)
    split = scoring.body(scoring.base_rows, SPLIT)[SPLIT]
    for label, body in {
        "inputs as records": {INPUTS: scoring.body(scoring.base_rows, RECORDS)[RECORDS]},
        "inputs as rows": {INPUTS: split["data"]},
        "instances as rows": {INSTANCES: split["data"]},
        "split without columns": {SPLIT: {"data": split["data"]}},
    }.items():
        behaviour(label, scoring.told(scoring.post(body)))


def _in_csv(endpoint: Invocations) -> None:
    _table(endpoint)
    if not endpoint.in_csv:
        not_implemented("the request has columns, or params, that CSV can't carry")


def _post_csv(endpoint: Invocations, rows: Sequence[Row], end: str = "\n") -> Exchange:
    """The answer to rows as CSV. ``end``: what ends its lines; empty: a line feed, but for the last one."""
    text = wire.csv_text(endpoint.specs, rows)
    return endpoint.post_bytes((text.replace("\n", end) if end else text.rstrip("\n")).encode(), CSV)


@requirement("mlflow.invocations.csv")
def test_csv(scoring: Invocations) -> None:
    _in_csv(scoring)
    for end in ("\n", "\r\n", ""):
        check_ok(_post_csv(scoring, scoring.base_rows, end), f"the same rows are accepted as {scoring.form}")
    body = wire.csv_text(scoring.specs, scoring.base_rows).encode()
    check_ok(scoring.post_bytes(body, f"{CSV}; charset=utf-8"), "a charset leaves text/csv what it is")


@requirement("mlflow.invocations.csv")
def test_csv_quoted(scoring: Invocations) -> None:
    _in_csv(scoring)
    rows = [with_text(scoring.specs, scoring.base_rows[0], text) for text in QUOTED]
    for row in rows:
        if scoring.ask([row]).status == 200:
            check_ok(_post_csv(scoring, [row]), f"the same row is accepted as {scoring.form}")


@requirement("mlflow.invocations.csv-bom")
def test_csv_bom(scoring: Invocations) -> None:
    _in_csv(scoring)
    text = wire.csv_text(scoring.specs, scoring.base_rows)
    if scoring.post_bytes(text.encode(), CSV).status != 200:
        untested("CSV is not accepted: see mlflow.invocations.csv")
    check_ok(scoring.post_bytes(text.encode("utf-8-sig"), CSV), "the same CSV without the mark is accepted")


@requirement("mlflow.invocations.csv-agrees")
@given(data=st.data())
def test_csv_agrees(steady_scoring: Invocations, data: st.DataObject) -> None:
    _in_csv(steady_scoring)
    rows = [_as_words(row) for row in data.draw(steady_scoring.rows())]
    usual = answered(steady_scoring, rows)
    for end in ("\n", "\r\n", ""):
        answer = _post_csv(steady_scoring, rows, end)
        if answer.status == 200:
            check_same(steady_scoring, usual, answer, "CSV has not the predictions of JSON")


def _as_words(row: Row) -> Row:
    """The row with texts that no reader of CSV takes for a missing value or ends a line at."""
    return {
        name: [_as_word(e) if isinstance(e, str) else e for e in elements] for name, elements in row.items()
    }


def _as_word(text: str) -> str:
    return text if _WORD.fullmatch(text) else "a" + "".join(filter(str.isprintable, text))


@requirement("mlflow.invocations.csv-text")
def test_csv_text(steady_scoring: Invocations) -> None:
    _in_csv(steady_scoring)
    (row,) = steady_scoring.base_rows
    for text in ("007", "1e3", "2021-01-01", 'a, "b"', " padded ", *QUOTED):
        rows = [with_text(steady_scoring.specs, row, text)]
        usual, answer = steady_scoring.ask(rows), _post_csv(steady_scoring, rows)
        if usual.status == answer.status == 200:
            check_same(steady_scoring, usual, answer, "CSV has not the predictions of JSON")


@requirement("mlflow.invocations.parquet")
@given(data=st.data())
def test_parquet(steady_scoring: Invocations, data: st.DataObject) -> None:
    _table(steady_scoring)
    if not steady_scoring.in_csv:
        not_implemented("the request has columns that this test does not write as Parquet, or params")
    rows = [*steady_scoring.base_rows, *data.draw(steady_scoring.rows(maximum=3))]
    rows = rows[: None if steady_scoring.batched else 1]
    usual = answered(steady_scoring, rows)
    body = wire.parquet_bytes(steady_scoring.specs, rows)
    if body is None:
        untested("needs pyarrow: install the server extra")
    answer = steady_scoring.post_bytes(body or b"", PARQUET)
    check_status(answer, [200, *range(400, 500)], "Parquet is read or refused")
    if answer.status == 200:
        check_same(steady_scoring, usual, answer, "Parquet has not the predictions of JSON")


@requirement("mlflow.invocations.charset")
def test_charset(scoring: Invocations) -> None:
    for media_type in (
        "application/json; charset=utf-8",
        "application/json;charset=utf-8",
        "application/json; charset=UTF-8",
    ):
        check_ok(scoring.post(scoring.base_body, {"Content-Type": media_type}), f"{media_type} is JSON")


@requirement("mlflow.invocations.media-type-forms")
def test_media_type_forms(scoring: Invocations) -> None:
    for media_type in (
        "Application/JSON",
        "application/json; Charset=utf-8",
        'application/json; charset="utf-8"',
    ):
        check_ok(scoring.post(scoring.base_body, {"Content-Type": media_type}), f"{media_type} is JSON")


@requirement("mlflow.invocations.transport")
def test_transport(scoring: Invocations, behaviour: Callable[[str, str], None]) -> None:
    body = gzip.compress(json.dumps(scoring.base_body).encode(), mtime=0)
    packed = scoring.client.send("POST", PATH, body, {**JSON, "Content-Encoding": "gzip"})
    behaviour("a body in gzip", str(packed.status))
    answer = scoring.post(scoring.base_body, {"Accept": CSV})
    behaviour("Accept: text/csv", f"{answer.status}, {answer.response.media_type}")
