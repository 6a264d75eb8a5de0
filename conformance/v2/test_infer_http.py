"""Inference over HTTP with JSON: bodies, media types, codings, errors."""

import gzip
import json
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking.codings import deflate_flaw, in_chunks
from conformance.asking.inference import (
    check_id_of,
)
from conformance.asking.rest import RestModel
from conformance.asking.server import UNKNOWN, unknown_versions
from conformance.checks.assertions import check, check_no_failure, check_ok, check_refused, check_takes, fail
from conformance.checks.http import check_error, check_schema, check_status
from conformance.checks.nulls import nulls
from conformance.checks.skips import not_implemented, untested
from conformance.transport.http import JSON, UNAVAILABLE
from conformance.transport.rest import carried, read
from conformance.wire.jsontext import flaw
from spec.validation import is_valid

requirement = pytest.mark.requirement


@requirement("v2.infer.answers")
def test_answers_any(model: RestModel) -> None:
    """A model that fails at every row that fits its metadata, and is asked for nothing else."""
    if model.base is None and model.refusal is not None:
        answer = carried(model.refusal)
        check(not 200 < answer.status < 300, "an inference that succeeds has status 200", answer)
        if answer.status not in UNAVAILABLE:
            check_takes(model.name, [model.refusal])


@requirement("v2.infer.schema")
@given(data=st.data())
def test_schema(scored: RestModel, data: st.DataObject) -> None:
    answer = carried(scored.predict(data.draw(scored.rows())))
    assume(answer.answered)
    check_schema(answer, "v2/inference-response")


@requirement("v2.infer.content-type")
def test_content_type(scored: RestModel) -> None:
    for accept in ("", "application/json", "*/*", "application/json, text/plain, */*"):
        answer = scored.post(scored.base_body, {"Accept": accept} if accept else {})
        got = answer.response.media_type
        message = "the media type is wrong"
        check(got == "application/json", message, answer, got=got, expected="application/json")
        check_ok(answer, "the client accepts JSON")


@requirement("v2.infer.strict-json")
@given(data=st.data())
def test_strict_json(scored: RestModel, data: st.DataObject) -> None:
    answer = carried(scored.predict(data.draw(scored.rows())))
    assume(answer.answered)
    found = flaw(answer.response.body)
    check(not found, "the answer is no strict JSON", answer, got=found)


@requirement("v2.infer.strict-json")
def test_strict_json_of_probes(scored: RestModel) -> None:
    for row in scored.probes:
        answer = carried(scored.infer(scored.body([row])))
        found = flaw(answer.response.body) if answer.answered else ""
        check(not found, "the answer is no strict JSON", answer, got=found)


@requirement("v2.infer.strict-json")
def test_strict_json_error(scored: RestModel) -> None:
    for answer in (RestModel(scored.transport, UNKNOWN).post(scored.base_body), scored.post({"inputs": []})):
        found = flaw(answer.response.body) if answer.status >= 400 and answer.json is not None else ""
        check(not found, "the error is no strict JSON", answer, got=found)


@requirement("v2.infer.unknown-model")
def test_unknown_model(scored: RestModel) -> None:
    check_error(RestModel(scored.transport, UNKNOWN).post(scored.base_body), "there is no such model")


@requirement("v2.infer.unknown-version")
def test_unknown_version(scored: RestModel) -> None:
    for version in unknown_versions(scored):
        answer = scored.client.post_json(scored.path("versions", version, "infer"), scored.base_body)
        check_error(answer, f"there is no version {version}")


@requirement("v2.infer.version-errors")
def test_version_errors(scored: RestModel) -> None:
    if not scored.versions:
        not_implemented("the metadata lists no versions")
    paths = [scored.path("infer"), *(scored.path("versions", v, "infer") for v in scored.versions)]
    told = "the model's own path refuses it with a 4xx status and an error object"
    for body in (b"{", b'{"inputs": 1}'):
        own, *others = (scored.client.send("POST", path, body, JSON) for path in paths)
        if not own.refused or not is_valid("v2/error", own.json):
            untested(
                "the model's own path does not refuse it with a 4xx status and an error object: v2.errors"
            )
        for answer in others:
            check_refused(answer, told)
            check(is_valid("v2/error", answer.json), told, answer, own)


@requirement("v2.infer.id-echo")
def test_id_echo_refusable(scored: RestModel) -> None:
    """Ids that a server may find too long or too odd, escaped as ASCII; what it takes it returns."""
    for id in ("\U0001f377", "a\tb", "a\0b", "x" * 5000):
        answer = read(scored.post(json.dumps(scored.base_body | {"id": id}).encode()))
        check_no_failure(answer, "the request differs from a good one only by its id")
        if answer.answered:
            check_id_of(answer, id)


@requirement("v2.infer.null-members")
def test_null_members(scored: RestModel) -> None:
    answer = scored.post(scored.base_body)
    found = nulls(answer.json)
    check(not found, "members are null", answer, got=", ".join(found), expected="absent members")


@requirement("v2.infer.charset")
def test_charset(scored: RestModel) -> None:
    written = "application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"
    for media_type in written:
        answer = scored.post(scored.base_body, {"Content-Type": media_type})
        check_ok(answer, f"{media_type} is application/json")


@requirement("v2.infer.chunked")
def test_chunked(scored: RestModel) -> None:
    answer = in_chunks(scored.client, scored.path("infer"), scored.post(scored.base_body))
    check_status(answer, [200, 411], "the request is good, in chunks")


@requirement("v2.infer.content-coding")
def test_content_coding(scored: RestModel) -> None:
    packed = scored.post(scored.base_body, {"Accept-Encoding": "gzip"})
    check_ok(packed, "the client accepts gzip")
    if packed.json is None:
        fail("the body can't be read as its Content-Encoding says", packed)


@requirement("v2.infer.content-coding")
def test_content_coding_deflate(scored: RestModel) -> None:
    found = deflate_flaw(scored.client, scored.path("infer"), scored.base_body)
    if found:
        headers = {"Accept-Encoding": "deflate"}
        fail(
            "an answer in deflate coding is not in the zlib format",
            scored.post(scored.base_body, headers),
            got=found,
        )


@requirement("v2.infer.gzip-request")
def test_gzip_request(scored: RestModel, behaviour: Callable[[str, str], None]) -> None:
    body = gzip.compress(json.dumps(scored.base_body).encode(), mtime=0)
    answer = scored.post(body, {"Content-Encoding": "gzip"})
    behaviour("gzip", str(answer.status))


@requirement("v2.infer.media-types")
def test_media_types(scored: RestModel, behaviour: Callable[[str, str], None]) -> None:
    body = json.dumps(scored.base_body).encode()
    for media_type in ("", "text/plain", "application/x-www-form-urlencoded", "application/xml"):
        headers = {"Content-Type": media_type} if media_type else {}
        answer = scored.client.send("POST", scored.path("infer"), body, headers)
        behaviour(media_type or "none", str(answer.status))


@requirement("v2.infer.unknown-members")
def test_unknown_members(scored: RestModel, behaviour: Callable[[str, str], None]) -> None:
    body = scored.base_body
    behaviour("unknown", str(scored.post(body | {"conformance": 1}).status))
    behaviour("null id", str(scored.post(body | {"id": None}).status))
    text = json.dumps(body | {"id": "first"})[:-1] + ', "id": "second"}'
    answer = scored.post(text.encode())
    got = answer.json.get("id") if isinstance(answer.json, dict) else None
    behaviour("id twice", f"the {got}" if answer.answered else str(answer.status))
