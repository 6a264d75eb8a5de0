"""Binary tensor data in requests; their answers are JSON."""

import gzip
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conformance.asking.batches import REQUESTS, ROUNDS, accepted_neighbours, bulky_size, repeated
from conformance.asking.binary import NAME, ask, for_all, parts_of, plain, send, together
from conformance.asking.inference import check_same, output_names, told, whole_numbers
from conformance.asking.model import Model
from conformance.asking.rest import RestModel
from conformance.checks.assertions import check, check_no_failure, check_ok
from conformance.checks.skips import not_implemented, untested
from conformance.harness.target import Target
from conformance.transport import binary as transport
from conformance.transport.answer import Answer
from conformance.transport.binary import OCTETS, read
from conformance.transport.rest import carried
from conformance.wire import tensors
from conformance.wire.binary import HEADER, moved, size_of
from conformance.wire.contents import SIZES
from conformance.wire.jsontext import written

requirement = pytest.mark.requirement
Behaviour = Callable[[str, str], None]


@requirement("binary.request.accepted")
def test_accepted(scored: RestModel) -> None:
    for count in sorted({1, min(scored.limit, 3)}):
        body = scored.body([*scored.base_rows] * count)
        if scored.infer(body).answered:
            check_ok(ask(scored, body), "the same request is answered in JSON")


@requirement("binary.request.equals-json")
def test_equals_json_large(batched: RestModel) -> None:
    """More than fits into a buffer of 64 KiB."""
    _taken(batched)
    size = bulky_size(batched)
    body = batched.body(repeated(batched, size))
    usual, answer = batched.infer(body), ask(batched, body)
    if usual.answered and not answer.declined:
        check_ok(answer, f"the same {size} rows are answered in JSON")
        check_same(usual, answer, "binary data have another prediction than JSON")


@requirement("binary.request.header-name")
@pytest.mark.parametrize("change", [str.lower, str.upper], ids=["lower", "upper"])
def test_header_name(scored: RestModel, change: Callable[[str], str]) -> None:
    _taken(scored)
    message, blobs = moved(scored.base_body)
    headers = {HEADER: None, change(HEADER): str(len(written(message)))}
    check_ok(send(scored, message, blobs, headers), f"{change(HEADER)} is {HEADER}")


@requirement("binary.request.json-length")
def test_json_length(steady: RestModel) -> None:
    """An id whose characters are more than one byte, and white space around the JSON."""
    plainly = _taken(steady)
    body = steady.base_body | {"id": "caf\u00e9 \U0001f377"}
    message, blobs = moved(body)
    text = written(message)
    if not steady.infer(body).answered:
        untested("the id is refused in JSON too: v2.infer.id-echo")
    for what, sent in (
        ("characters of several bytes", text),
        ("white space around it", b" " + text + b"\n "),
    ):
        answer = send(steady, sent, blobs)
        check_ok(answer, f"the JSON has {what}, and the header its length in bytes")
        check_same(plainly, answer, f"the JSON has {what}, and another prediction than without")


@requirement("binary.request.version")
def test_version(steady: RestModel) -> None:
    plainly = _taken(steady)
    if not steady.versions:
        not_implemented("the metadata lists no versions")
    body = for_all(steady.base_body)
    at_model = plain(steady, body)
    for version in steady.versions:
        path, usual = steady.path("versions", version, "infer"), steady.infer(steady.base_body, version)
        if not usual.answered:
            continue  # v2.infer.model-version
        taken = transport.send(steady.client, path, *moved(steady.base_body))
        given = read(steady.client.post_json(path, body))
        for answer in (taken, given):
            check_ok(answer, f"version {version} answers JSON")
            if not tensors.difference(usual.outputs, plainly.outputs):  # else versions predict differently
                check_same(plainly, answer, "the version has another prediction for binary data")
        check(
            carried(at_model).json is not None or carried(given).json is None,
            "binary outputs are given at the path of the model, and not at that of its version",
            at_model,
            given,
        )


@requirement("binary.request.members")
def test_members(steady: RestModel) -> None:
    _taken(steady)
    for name in output_names(steady):
        body = steady.base_body | {"id": "conformance", "outputs": [{"name": name}]}
        usual, answer = steady.infer(body), ask(steady, body)
        if usual.answered and answer.answered:
            one, two = ([each.id, *each.outputs] for each in (usual, answer))
            told = "the id, or the outputs, are others than of the same request in JSON"
            check(one == two, told, usual, answer, got=two, expected=one)


@requirement("binary.request.datatype")
def test_datatype(steady: RestModel) -> None:
    """Whole numbers, as the inputs have them and as another datatype of the same size."""
    _taken(steady)
    body, other = whole_numbers(steady)
    json, usual, answer = steady.infer(body), ask(steady, body), ask(steady, other)
    if tensors.difference(json.outputs, usual.outputs):
        untested("binary data have another prediction than JSON: binary.request.equals-json")
    if usual.answered and answer.answered:
        check_same(usual, answer, "the same numbers as bytes of another datatype")


@requirement("binary.request.isolation")
def test_isolation(steady: RestModel) -> None:
    """Binary requests at the same time, for binary outputs."""
    _taken(steady)
    rows = accepted_neighbours(steady)
    bodies = [for_all(steady.body([rows[i % len(rows)]], id=f"request-{i}")) for i in range(REQUESTS)]
    alone = [ask(steady, body) for body in bodies]
    for _ in range(ROUNDS):
        for one, two in zip(alone, together(steady, bodies), strict=True):
            if one.answered:
                message = "the answer is another one when other requests run beside it"
                check_ok(two, message)
                check(one.id == two.id, message, one, two, got=two.id, expected=one.id)
                check_same(one, two, message)


@requirement("binary.request.equals-json")
@given(data=st.data())
def test_equals_json(steady: RestModel, data: st.DataObject) -> None:
    rows = data.draw(st.one_of(st.just(list(steady.base_rows)), steady.rows()))
    body = steady.body(rows)
    usual, answer = steady.infer(body), ask(steady, body)
    assume(usual.answered and answer.answered)
    check_same(usual, answer, "binary data have another prediction than JSON")


def _several(model: Model) -> list[str]:
    names = [spec.name for spec in model.inputs]
    if len(names) < 2:
        not_implemented("the model has one input")
    return names


@requirement("binary.request.mixed")
def test_mixed(steady: RestModel) -> None:
    names = _several(steady)
    _taken(steady)
    bodies = [steady.body([row]) for row in accepted_neighbours(steady)]
    usual = [steady.infer(body) for body in bodies]
    for inputs in (names[::2], names[1::2]):
        answer = ask(steady, steady.base_body, inputs)
        check_ok(answer, f"binary are {', '.join(inputs)}, the others JSON")
        for body, one in zip(bodies, usual, strict=True):
            two = ask(steady, body, inputs)
            if one.answered and two.answered:
                check_same(one, two, "another prediction than where all are JSON")


@requirement("binary.request.order")
def test_order(steady: RestModel) -> None:
    _several(steady)
    for row in accepted_neighbours(steady):
        body = steady.body([row])
        body["inputs"].reverse()
        usual, answer = steady.infer(body), ask(steady, body)
        if usual.answered and answer.answered:
            check_same(usual, answer, "inputs in another order have another prediction than in JSON")


def _taken(model: RestModel) -> Answer:
    """The answer to the good request, as binary data."""
    answer = ask(model, model.base_body)
    if not answer.answered:
        untested("the good request is refused as binary data: binary.request.accepted")
    return answer


@requirement("binary.request.zero-rows")
def test_zero_rows(batched: RestModel) -> None:
    _taken(batched)
    body = batched.body([])
    if batched.infer(body).failed:
        untested("in JSON it is a failure of the server too: v2.data.zero-rows")
    answer = ask(batched, body)
    if batched.infer(body).answered:
        check_ok(answer, "a batch of no rows is answered in JSON")
    check_no_failure(answer, "a batch of no rows is no failure of the server")
    if answer.answered:
        left = {name: output["data"] for name, output in answer.outputs.items() if output.get("data")}
        check(not left, "no rows were sent, yet rows came back", answer, got=left)


@requirement("binary.request.raw")
def test_raw(steady: RestModel, target: Target) -> None:
    if NAME not in (target.server.get("extensions") or ()):
        not_implemented(f"the server does not list {NAME}")
    inputs = steady.inputs
    if len(inputs) != 1 or inputs[0].datatype not in SIZES or min(inputs[0].shape[1:], default=1) < 0:
        not_implemented("the model has not one input of numbers, whose rows have one size")
    _, (blob,) = moved(steady.base_body)
    answer = send(steady, b"", [blob])
    check_ok(answer, "the body is the data of the one input")
    check(
        carried(answer).json is None, "a raw request asks for binary outputs, and the answer is JSON", answer
    )
    if (found := parts_of(answer)) is not None:  # else binary.response.header
        others = [output.get("name") for output, _ in found.outputs if size_of(output) is None]
        check(not others, "the answer to a raw request has outputs that are not binary", answer, got=others)
        check_same(steady.infer(steady.base_body), answer, "another prediction than in JSON")


def _worth(model: Model, answer: Answer) -> str:
    """What an answer is worth beside the one to the good request in JSON."""
    return told(model, answer).replace("ignored", "the same prediction")


@requirement("binary.request.header-alone")
def test_header_alone(scored: RestModel, behaviour: Behaviour) -> None:
    behaviour("no binary data", _worth(scored, send(scored, scored.base_body, [])))


@requirement("binary.request.media-type")
def test_media_type(scored: RestModel, behaviour: Behaviour) -> None:
    _taken(scored)
    for value in ("application/json", None):
        answer = ask(scored, scored.base_body, headers={"Content-Type": value})
        behaviour(value or "none", _worth(scored, answer))


@requirement("binary.request.content-coding")
def test_content_coding(scored: RestModel, behaviour: Behaviour) -> None:
    _taken(scored)
    message, blobs = moved(scored.base_body)
    text = written(message)
    headers = {**OCTETS, HEADER: str(len(text)), "Content-Encoding": "gzip"}
    body = gzip.compress(b"".join([text, *blobs]), mtime=0)
    answer = read(scored.client.send("POST", scored.path("infer"), body, headers))
    behaviour("gzip, counted before", _worth(scored, answer))
