"""Inference: the members of the request and of the answer."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking.codings import deflate_flaw, in_chunks
from conformance.asking.inference import (
    PARAMETERS,
    asking,
    check_id,
    check_id_of,
    check_id_taken,
    check_parameters,
    check_refused_alike,
    check_same,
    check_selected,
    choices,
    declared,
    drawn,
    infer_paths,
    order_of,
    output_names,
    paired,
    with_parameters,
)
from conformance.asking.model import Model
from conformance.asking.server import UNKNOWN, unknown_versions
from conformance.asking.strategies import HARD_IDS, ids
from conformance.checks.assertions import (
    check,
    check_error,
    check_ok,
    check_schema,
    check_status,
    check_takes,
    fail,
)
from conformance.checks.nulls import nulls
from conformance.checks.skips import not_implemented, untested
from conformance.harness.target import Target
from conformance.oracles.answers import cases
from conformance.oracles.known import check_v2
from conformance.transport.http import JSON, UNAVAILABLE
from conformance.wire import tensors
from conformance.wire.jsontext import flaw

requirement = pytest.mark.requirement
OFTEN = 200  # answers, to show one that differs where one is known to have


@requirement("v2.infer.answers")
@given(data=st.data())
def test_answers(scored: Model, data: st.DataObject) -> None:
    check_takes(scored.name, scored.trial.refusals)
    rows = data.draw(scored.rows(maximum=2))
    answer = scored.predict(rows)
    if answer.status != 200 and scored.sample is None:
        check_takes(scored.name, [a for a in (scored.predict([row]) for row in rows) if a.status != 200])
    check_ok(answer, "the request fits the metadata")


@requirement("v2.infer.answers")
def test_answers_batch(scored: Model) -> None:
    if scored.limit > 1:
        answer = scored.predict([*scored.base_rows] * 2)
        check_status(answer, range(200, 500), "a row that is accepted stands there twice")


@requirement("v2.infer.answers")
def test_answers_any(model: Model) -> None:
    """A model that fails at every row that fits its metadata, and is asked for nothing else."""
    if model.base is None and model.refusal is not None and model.refusal.status not in UNAVAILABLE:
        check_takes(model.name, [model.refusal])


@requirement("v2.infer.known-answers")
def test_known_answers(model: Model, target: Target) -> None:
    listed = cases(target.answers, model.name, "v2")
    if not listed:
        untested("needs known answers: --answers PATH")
    for case in listed:
        answer = model.infer(case.request)
        # FP32 for FP64 or [1] for [-1, 1] may be refused: v2.data.other-datatypes records it.
        if answer.status == 200 or model.fits(case.request):
            check_v2(case, answer)


@requirement("v2.infer.schema")
@given(data=st.data())
def test_schema(scored: Model, data: st.DataObject) -> None:
    answer = scored.predict(data.draw(scored.rows()))
    assume(answer.status == 200)
    check_schema(answer, "v2/inference-response")


@requirement("v2.infer.content-type")
def test_content_type(scored: Model) -> None:
    for accept in ("", "application/json", "*/*", "application/json, text/plain, */*"):
        answer = scored.infer(scored.base_body, {"Accept": accept} if accept else {})
        got = answer.response.media_type
        message = "the media type is wrong"
        check(got == "application/json", message, answer, got=got, expected="application/json")
        check_ok(answer, "the client accepts JSON")


@requirement("v2.infer.strict-json")
@given(data=st.data())
def test_strict_json(scored: Model, data: st.DataObject) -> None:
    answer = scored.predict(data.draw(scored.rows()))
    assume(answer.status == 200)
    found = flaw(answer.response.body)
    check(not found, "the answer is no strict JSON", answer, got=found)


@requirement("v2.infer.strict-json")
def test_strict_json_error(scored: Model) -> None:
    for answer in (Model(scored.client, UNKNOWN).infer(scored.base_body), scored.infer({"inputs": []})):
        found = flaw(answer.response.body) if answer.status >= 400 and answer.json is not None else ""
        check(not found, "the error is no strict JSON", answer, got=found)


@requirement("v2.infer.model-name")
def test_model_name(scored: Model) -> None:
    if "model_name" not in (scored.infer(scored.base_body).json or {}):
        untested("the answer names no model: v2.infer.schema")
    for path in infer_paths(scored):
        answer = scored.client.post_json(path, scored.base_body)
        got = answer.json.get("model_name") if answer.status == 200 else scored.name
        check(got == scored.name, "model_name is wrong", answer, got=got, expected=scored.name)


@requirement("v2.infer.model-version")
def test_model_version(scored: Model) -> None:
    if not scored.versions:
        not_implemented("the metadata lists no versions")
    for version in scored.versions:
        answer = scored.client.post_json(scored.path("versions", version, "infer"), scored.base_body)
        check_ok(answer, f"version {version} is listed")
        got = answer.json.get("model_version") if isinstance(answer.json, dict) else None
        check(got in (None, version), "another version answered", answer, got=got, expected=version)


@requirement("v2.infer.model-version")
def test_model_version_named(steady: Model) -> None:
    body = steady.base_body | {"id": "conformance"}
    usual = steady.infer(body)
    version = usual.json.get("model_version") if isinstance(usual.json, dict) else None
    if version not in steady.versions:
        not_implemented("the answer names no version that the metadata lists")
    answer = steady.client.post_json(steady.path("versions", str(version), "infer"), body)
    if answer.status == 200:
        check_same(answer, usual, f"version {version} answered, and answers otherwise at its own path")


@requirement("v2.infer.version-named")
def test_version_named(scored: Model) -> None:
    if not scored.versions:
        not_implemented("the metadata lists no versions")
    answer = scored.infer(scored.base_body)
    got = answer.json.get("model_version") if isinstance(answer.json, dict) else None
    check(got in scored.versions, "the version is not named", answer, got=got, expected=scored.versions)


@requirement("v2.infer.no-version")
def test_no_version(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    if scored.versions:
        not_implemented("the metadata lists versions")
    answer = scored.infer(scored.base_body)
    got = answer.json.get("model_version") if isinstance(answer.json, dict) else None
    behaviour("model_version", "absent" if got is None else "named")


@requirement("v2.infer.unknown-model")
def test_unknown_model(scored: Model) -> None:
    check_error(Model(scored.client, UNKNOWN).infer(scored.base_body), "there is no such model")


@requirement("v2.infer.unknown-version")
def test_unknown_version(scored: Model) -> None:
    for version in unknown_versions(scored):
        answer = scored.client.post_json(scored.path("versions", version, "infer"), scored.base_body)
        check_error(answer, f"there is no version {version}")


@requirement("v2.infer.version-errors")
def test_version_errors(scored: Model) -> None:
    if not scored.versions:
        not_implemented("the metadata lists no versions")
    for body in (b"{", b'{"inputs": 1}'):
        check_refused_alike(scored, body)


@requirement("v2.infer.id-echo")
def test_id_echo(scored: Model) -> None:
    for id in HARD_IDS:
        check_id(scored, id)


@requirement("v2.infer.id-echo")
def test_id_echo_refusable(scored: Model) -> None:
    """Ids that a server may find too long or too odd; what it takes it returns."""
    for id in ("\U0001f377", "a\tb", "a\0b", "x" * 5000):
        check_id_taken(scored, id)


@requirement("v2.infer.id-echo")
@given(id=ids)
def test_id_echo_drawn(scored: Model, id: str) -> None:
    check_id(scored, id)


@requirement("v2.infer.id-echo")
def test_id_echo_beside(scored: Model) -> None:
    """Whatever else the request has, and at whichever path."""
    rows = [*scored.base_rows] * (2 if scored.batched else 1)
    outputs = [{"name": name} for name in output_names(scored)]
    for members in ({}, {"outputs": outputs}, {"parameters": PARAMETERS}):
        body = scored.body(rows, id="conformance", **members)
        for path in infer_paths(scored):
            answer = scored.client.post_json(path, body)
            if answer.status == 200:
                check_id_of(answer, "conformance")


@requirement("v2.infer.id-empty")
def test_id_empty(scored: Model) -> None:
    check_id(scored, "")


@requirement("v2.infer.id-absent")
def test_id_absent(scored: Model) -> None:
    body = {k: v for k, v in scored.base_body.items() if k != "id"}
    one, two = scored.infer(body | {"id": "conformance-other"}), scored.infer(body)
    check_ok(two, "the id is optional")
    got = two.json.get("id") if isinstance(two.json, dict) else None
    check(got != "conformance-other", "the id is that of another request", one, two, got=got)


@requirement("v2.infer.id-none-asked")
def test_id_none_asked(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    answer = scored.infer({k: v for k, v in scored.base_body.items() if k != "id"})
    got = answer.json.get("id", "absent") if isinstance(answer.json, dict) else "absent"
    behaviour("id", {"absent": "absent", None: "null", "": "empty"}.get(got, "made by the server"))


@requirement("v2.infer.null-members")
def test_null_members(scored: Model) -> None:
    answer = scored.infer(scored.base_body)
    found = nulls(answer.json)
    check(not found, "members are null", answer, got=", ".join(found), expected="absent members")


@requirement("v2.infer.output-names")
def test_output_names(scored: Model) -> None:
    expected = declared(scored)
    answer = scored.infer({k: v for k, v in scored.base_body.items() if k != "outputs"})
    got = set(tensors.outputs_by_name(answer.json))
    message = "the outputs are not the metadata's"
    check(got == expected, message, answer, got=sorted(got), expected=sorted(expected))


@requirement("v2.infer.output-datatypes")
@given(data=st.data())
def test_output_datatypes(scored: Model, data: st.DataObject) -> None:
    declared(scored)
    answer = drawn(scored, data)
    for spec, output in paired(scored, answer):
        got = str(output.get("datatype", spec.datatype)).upper()  # it must be there: v2.infer.schema
        message = f"output {spec.name!r} has not the datatype of the metadata"
        check(got == spec.datatype, message, answer, scored.metadata, got=got, expected=spec.datatype)


@requirement("v2.infer.output-shapes")
@given(data=st.data())
def test_output_shapes(scored: Model, data: st.DataObject) -> None:
    declared(scored)
    answer = drawn(scored, data)
    for spec, output in paired(scored, answer):
        got = output.get("shape")
        if not tensors.is_shape(got):
            continue  # v2.infer.schema
        fits = tensors.unifies(got, spec.shape)
        message = f"output {spec.name!r} has not a shape of the metadata"
        check(fits, message, answer, scored.metadata, got=got, expected=list(spec.shape))


@requirement("v2.infer.output-unique")
def test_output_unique(scored: Model) -> None:
    answer = scored.infer(scored.base_body)
    outputs = answer.json.get("outputs") if isinstance(answer.json, dict) else []
    names = [o.get("name") for o in outputs or [] if isinstance(o, dict)]
    check(len(names) == len(set(names)), "outputs share a name", answer, got=names)


@requirement("v2.infer.outputs-subset")
@given(data=st.data())
def test_outputs_subset(scored: Model, data: st.DataObject) -> None:
    names = data.draw(choices(scored))
    answer = asking(scored, names)
    check_ok(answer, "these are outputs of the model")
    got = sorted(tensors.outputs_by_name(answer.json))
    message = "the outputs are not those asked for"
    check(got == sorted(names), message, answer, got=got, expected=sorted(names))


@requirement("v2.infer.outputs-data")
@given(data=st.data())
def test_outputs_data(steady: Model, data: st.DataObject) -> None:
    rows = data.draw(steady.rows())
    usual = steady.predict(rows)
    answer = steady.predict(rows, outputs=[{"name": name} for name in data.draw(choices(steady))])
    assume(usual.status == answer.status == 200)
    check_selected(answer, usual)


@requirement("v2.infer.outputs-data")
def test_outputs_data_of_a_batch(steady: Model) -> None:
    rows = [*steady.base_rows] * min(steady.limit, 2)
    usual = steady.predict(rows)
    for name in output_names(steady):
        answer = steady.predict(rows, outputs=[{"name": name}])
        if usual.status == answer.status == 200:
            check_selected(answer, usual)


_NO_OUTPUT = "no-such-output"


@requirement("v2.infer.outputs-unknown")
def test_outputs_unknown(scored: Model) -> None:
    check_status(asking(scored, [_NO_OUTPUT]), range(400, 500), f"there is no output {_NO_OUTPUT}")


@requirement("v2.infer.outputs-made-up")
def test_outputs_made_up(scored: Model) -> None:
    answer = asking(scored, [_NO_OUTPUT])
    made_up = _NO_OUTPUT in tensors.outputs_by_name(answer.json)
    check(not made_up, f"there is no output {_NO_OUTPUT}, yet the answer has it", answer)


@requirement("v2.infer.outputs-order")
def test_outputs_order(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    assert scored.base is not None
    names = list(tensors.outputs_by_name(scored.base.json))
    asked = {"an empty list": [], "a name twice": names[:1] * 2}
    if len(names) > 1:
        asked["in reverse"] = names[::-1]
    for label, wanted in asked.items():
        answer = asking(scored, wanted)
        behaviour(label, order_of(answer, wanted, len(names)) if answer.status == 200 else str(answer.status))


@requirement("v2.infer.deterministic")
def test_deterministic(scored: Model) -> None:
    first = scored.predict(scored.base_rows)
    for _ in range(3 if scored.deterministic else OFTEN):
        second = scored.predict(scored.base_rows)
        check_status(second, [first.status], "the same request has another answer")
        check_same(first, second, "the same request has another answer")
    for id in ("a", "ab", "abc", "abcd"):
        answer = scored.predict(scored.base_rows, id=id)
        if answer.status == 200:
            check_same(first, answer, "the id changes the prediction")


@requirement("v2.infer.request-parameters")
def test_request_parameters(scored: Model) -> None:
    check_parameters(scored, "request")


@requirement("v2.infer.input-parameters")
def test_input_parameters(scored: Model) -> None:
    check_parameters(scored, "inputs")


@requirement("v2.infer.output-parameters")
def test_output_parameters(scored: Model) -> None:
    check_parameters(scored, "outputs")


@requirement("v2.infer.optional-members")
def test_optional_members(scored: Model) -> None:
    some = dict(list(PARAMETERS.items())[:2])
    odd: list[dict[str, Any]] = [{"outputs": []}, {"conformance": 1}, {"parameters": some}]
    for members in odd:
        answer = scored.infer(scored.base_body | members)
        check_status(answer, range(200, 500), f"{next(iter(members))} as it is here is no server error")


@requirement("v2.infer.parameters-harmless")
def test_parameters_harmless(steady: Model) -> None:
    for level in ("request", "inputs", "outputs"):
        usual, answer = (with_parameters(steady, level, some) for some in ({}, PARAMETERS))
        if answer.status == usual.status == 200:
            check_same(answer, usual, f"parameters of the {level} changed the prediction")


@requirement("v2.infer.charset")
def test_charset(scored: Model) -> None:
    written = "application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"
    for media_type in written:
        answer = scored.infer(scored.base_body, {"Content-Type": media_type})
        check_ok(answer, f"{media_type} is application/json")


@requirement("v2.infer.chunked")
def test_chunked(scored: Model) -> None:
    answer = in_chunks(scored.client, scored.path("infer"), scored.infer(scored.base_body))
    check_status(answer, [200, 411], "the request is good, in chunks")


@requirement("v2.infer.content-coding")
def test_content_coding(scored: Model) -> None:
    packed = scored.infer(scored.base_body, {"Accept-Encoding": "gzip"})
    check_ok(packed, "the client accepts gzip")
    if packed.json is None:
        fail("the body can't be read as its Content-Encoding says", packed)


@requirement("v2.infer.content-coding")
def test_content_coding_deflate(scored: Model) -> None:
    found = deflate_flaw(scored.client, scored.path("infer"), scored.base_body)
    if found:
        headers = {"Accept-Encoding": "deflate"}
        fail(
            "an answer in deflate coding is not in the zlib format",
            scored.infer(scored.base_body, headers),
            got=found,
        )


@requirement("v2.infer.gzip-request")
def test_gzip_request(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    body = gzip.compress(json.dumps(scored.base_body).encode(), mtime=0)
    answer = scored.client.send("POST", scored.path("infer"), body, {**JSON, "Content-Encoding": "gzip"})
    behaviour("gzip", str(answer.status))


@requirement("v2.infer.media-types")
def test_media_types(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    body = json.dumps(scored.base_body).encode()
    for media_type in ("", "text/plain", "application/x-www-form-urlencoded", "application/xml"):
        headers = {"Content-Type": media_type} if media_type else {}
        answer = scored.client.send("POST", scored.path("infer"), body, headers)
        behaviour(media_type or "none", str(answer.status))


@requirement("v2.infer.unknown-members")
def test_unknown_members(scored: Model, behaviour: Callable[[str, str], None]) -> None:
    body = scored.base_body
    behaviour("unknown", str(scored.infer(body | {"conformance": 1}).status))
    behaviour("null id", str(scored.infer(body | {"id": None}).status))
    text = json.dumps(body | {"id": "first"})[:-1] + ', "id": "second"}'
    answer = scored.client.send("POST", scored.path("infer"), text.encode(), JSON)
    got = answer.json.get("id") if isinstance(answer.json, dict) else None
    behaviour("id twice", f"the {got}" if answer.status == 200 else str(answer.status))
