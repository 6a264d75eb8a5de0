"""Binary tensor data in answers, to requests in JSON where nothing else is said."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from conformance.asking.batches import bulky_size, repeated
from conformance.asking.binary import answers, ask, for_all, for_each, parts_of, plain
from conformance.asking.inference import check_same, output_names
from conformance.asking.rest import RestModel
from conformance.checks.assertions import check, check_ok, fail
from conformance.checks.http import check_schema
from conformance.checks.skips import not_implemented, untested
from conformance.transport.answer import Answer
from conformance.transport.binary import taken_apart
from conformance.transport.rest import carried
from conformance.wire import contents
from conformance.wire.binary import HEADER, size_of
from conformance.wire.tensors import has_null, is_shape

requirement = pytest.mark.requirement
_DECLARED = "application/octet-stream"


def _forms(answer: Answer) -> dict[str, str] | None:
    """How each output of an answer came; None where the header is wrong (binary.response.header)."""
    exchange = carried(answer)
    found = parts_of(answer)
    if found is None and (HEADER.lower() in exchange.response.headers or exchange.json is None):
        return None
    return {name: "JSON" if size_of(o) is None else "binary" for name, o in answer.outputs.items()}


def _check_forms(answer: Answer, expected: Mapping[str, str], message: str) -> None:
    __tracebackhide__ = True
    got = _forms(answer)
    if got is not None:
        got = {name: form for name, form in got.items() if name in expected}
        check(got == expected, message, answer, got=got, expected=dict(expected))


@requirement("binary.response.default")
def test_default(scored: RestModel) -> None:
    body = scored.base_body
    for answer in (scored.infer(body), ask(scored, body), plain(scored, for_all(body, False))):
        if answer.answered:
            json = carried(answer).json is not None
            check(json, "nothing asks for binary outputs, and the answer is not JSON", answer)
            _check_forms(answer, dict.fromkeys(answer.outputs, "JSON"), "nothing asks for binary outputs")


@requirement("binary.response.one")
def test_one(scored: RestModel) -> None:
    names = output_names(scored)
    for name in names:
        for told in (None, False)[: len(names)]:
            wanted = {other: True if other == name else told for other in names}
            answer = plain(scored, for_each(scored.base_body, wanted))
            check_ok(answer, f"output {name!r} may be asked for as binary")
            expected = {other: "binary" if other == name else "JSON" for other in names}
            _check_forms(answer, expected, f"output {name!r} alone is asked for as binary")


@requirement("binary.response.all")
def test_all(scored: RestModel) -> None:
    body = for_all(scored.base_body)
    asked = [plain(scored, body)] + ([ask(scored, body)] if ask(scored, scored.base_body).answered else [])
    for answer in asked:
        check_ok(answer, "all outputs may be asked for as binary")
        _check_forms(answer, dict.fromkeys(output_names(scored), "binary"), "all are asked for as binary")


@requirement("binary.response.all-named")
def test_all_named(scored: RestModel, behaviour: Callable[[str, str], None]) -> None:
    names = dict.fromkeys(output_names(scored))
    answer = plain(scored, for_all(for_each(scored.base_body, names)))
    forms = _forms(answer)
    told = (
        sorted(set(forms.values())) if forms is not None and answer.answered else [f"status {answer.status}"]
    )
    behaviour("listed without binary_data", " and ".join(told))


@requirement("binary.response.override")
@pytest.mark.parametrize("wanted", [True, False])
def test_override(scored: RestModel, wanted: bool) -> None:
    names = output_names(scored)
    body = for_all(for_each(scored.base_body, dict.fromkeys(names, wanted)), not wanted)
    answer = plain(scored, body)
    check_ok(answer, "outputs may be asked for in either form")
    form = "binary" if wanted else "JSON"
    _check_forms(answer, dict.fromkeys(names, form), "binary_data overrides binary_data_output")


@requirement("binary.response.header")
def test_header(scored: RestModel) -> None:
    names = output_names(scored)
    wanted = [{name: True} for name in names] + [
        dict.fromkeys(names[1:], True) | dict.fromkeys(names[:1], False)
    ]
    bodies = [for_each(scored.base_body, some) for some in wanted if any(some.values())]
    several = {"id": "caf\u00e9 \U0001f377"}  # more bytes than characters
    for body in [for_all(scored.base_body), for_all(scored.base_body | several), *bodies]:
        answer = plain(scored, body)
        exchange = carried(answer)
        headed = HEADER.lower() in exchange.response.headers
        if not answer.answered or (exchange.json is not None and not headed):
            continue  # no answer with binary outputs
        check(headed, f"the answer is no JSON, and has no {HEADER}", answer)
        try:
            taken_apart(exchange)
        except ValueError as error:
            got = f"{exchange.response.headers[HEADER.lower()]}: {error}"
            fail(f"{HEADER} is not the length of the JSON", answer, got=got)


def _flaw(output: Mapping[str, Any], blob: bytes) -> str:
    """What is wrong with the size that an output tells; empty when nothing is, or nothing can be known."""
    shape, datatype, size = output.get("shape"), output.get("datatype"), size_of(output)
    if not is_shape(shape) or datatype not in contents.KNOWN or size is None:
        return ""
    count = math.prod(shape)
    expected = count * contents.SIZES.get(datatype, 0)
    if datatype != "BYTES" and size != expected:
        return f"{size} bytes, expected {expected}"
    if len(blob) < size:
        return ""  # binary.response.length
    try:
        found = len(contents.unpacked(datatype, blob))
    except ValueError as error:
        return str(error)
    return f"{found} elements, expected {count}" if found != count else ""


@requirement("binary.response.size")
def test_size(scored: RestModel) -> None:
    for answer, found in answers(scored):
        for output, blob in found.outputs:
            flaw = _flaw(output, blob) if blob is not None else ""
            told = (
                f"binary_data_size of {output.get('name')!r} is not that of its shape {output.get('shape')}"
            )
            check(not flaw, f"{told} and datatype {output.get('datatype')}", answer, got=flaw)


@requirement("binary.response.length")
def test_length(scored: RestModel) -> None:
    for answer, found in answers(scored):
        if any(_flaw(output, blob) for output, blob in found.outputs if blob is not None):
            continue  # binary.response.size
        told = "the bytes behind the JSON are not those that its outputs say"
        check(found.left == 0, told, answer, got=f"{found.left:+d} bytes")


@requirement("binary.response.one-form")
def test_one_form(scored: RestModel) -> None:
    for answer, found in answers(scored):
        wrong = [
            output.get("name")
            for output, _ in found.outputs
            if (output.get("data") is None) == (size_of(output) is None)
        ]
        check(not wrong, "outputs have data and binary_data_size, or neither", answer, got=wrong)


@requirement("binary.response.one-form")
def test_one_form_empty(batched: RestModel) -> None:
    answer = plain(batched, for_all(batched.body([])))
    if answer.answered and batched.infer(batched.body([])).answered:
        lacking = [
            name
            for name, output in answer.outputs.items()
            if "data" not in output and size_of(output) is None
        ]
        check(not lacking, "outputs without rows have neither data nor binary_data_size", answer, got=lacking)


def _readable(scored: RestModel) -> Iterator[tuple[Answer, dict[str, Any]]]:
    """Answers whose data can all be read, with their members."""
    for answer, found in answers(scored):
        data = [output.get("data") for output in found.members["outputs"]]
        if all(isinstance(elements, list) for elements in data):
            yield answer, found.members


@requirement("binary.response.schema")
def test_schema(scored: RestModel) -> None:
    for answer, members in _readable(scored):
        if not any(isinstance(e, bytes) for o in members["outputs"] for e in o["data"]):
            check_schema(carried(answer), "v2/inference-response", members)


@requirement("binary.response.equals-json")
def test_equals_json(steady: RestModel) -> None:
    names = output_names(steady)
    for row in steady.probes:
        body = steady.body([row])
        usual, answer = steady.infer(body), plain(steady, for_all(body))
        if _readable_all(answer):  # else see binary.response.size, .length
            _check_equals(usual, answer)
            _check_equals(usual, plain(steady, for_each(body, dict.fromkeys(reversed(names), True))))


@requirement("binary.response.equals-json")
def test_equals_json_large(batched: RestModel) -> None:
    """More than fits into a buffer of 64 KiB, and outputs of several rows."""
    if not _readable_all(plain(batched, for_all(batched.base_body))):
        untested("the answer to one row can't be read: binary.response.size, binary.response.length")
    for count in (3, bulky_size(batched)):
        body = batched.body(repeated(batched, count))
        usual, answer = batched.infer(body), plain(batched, for_all(body))
        if usual.answered and not answer.declined:
            check_ok(answer, "the same rows are answered in JSON")
            _check_equals(usual, answer)


def _readable_all(answer: Answer) -> bool:
    """Whether a binary answer can be taken apart, into outputs that all have their elements."""
    outputs = answer.outputs.values()
    return answer.answered and bool(outputs) and all("data" in output for output in outputs)


def _check_equals(usual: Answer, answer: Answer) -> None:
    """A binary answer has the outputs of the one in JSON."""
    __tracebackhide__ = True
    if not (usual.answered and answer.answered):
        return
    check(
        _readable_all(answer), "the data of the outputs are not behind the JSON, where one row's are", answer
    )
    if not has_null(usual.outputs):
        check_same(usual, answer, "the outputs are others than in JSON")
    one, two = ({n: o.get("shape") for n, o in each.outputs.items()} for each in (usual, answer))
    check(one == two, "the shapes are others than in JSON", usual, answer, got=two, expected=one)


@requirement("binary.response.content-coding")
def test_content_coding(scored: RestModel) -> None:
    usual = plain(scored, for_all(scored.base_body))
    answer = plain(scored, for_all(scored.base_body), {"Accept-Encoding": "gzip"})
    plainly = parts_of(usual)
    if plainly is None or plainly.left or not usual.answered:
        untested("no binary answer can be read: binary.response.header, binary.response.length")
    check_ok(answer, "the client accepts gzip")
    found = parts_of(answer)
    check(
        found is not None and found.left == 0,
        f"what is left when Content-Encoding is undone is no answer of which {HEADER} counts the JSON",
        answer,
    )


@requirement("binary.response.members")
def test_members(scored: RestModel) -> None:
    body = scored.base_body | {"id": "conformance"}
    usual, answer = scored.infer(body), plain(scored, for_all(body))
    if not (usual.answered and answer.answered and answer.message):
        untested("there is no answer that can be read: binary.response.all, binary.response.header")
    one, two = ((each.id, each.model_name, each.model_version) for each in (usual, answer))
    told = "the id, the model's name or its version is another one than in JSON"
    check(one == two, told, usual, answer, got=two, expected=one)


@requirement("binary.response.media-type")
def test_media_type(scored: RestModel) -> None:
    seen = False
    for answer, _ in answers(scored):
        seen, got = True, carried(answer).response.media_type
        told = "an answer with binary outputs is declared as something else"
        check(got == _DECLARED, told, answer, got=got or "no Content-Type", expected=_DECLARED)
    if not seen:
        not_implemented("no answer has binary outputs")
