"""Binary tensor data that is wrong."""

from collections.abc import Mapping
from typing import Any

import pytest

from conformance.asking.binary import ask, for_all, for_each, plain, send
from conformance.asking.demands import NO_OUTPUT
from conformance.asking.inference import asking, output_names
from conformance.asking.rest import RestModel
from conformance.checks.assertions import check_no_failure, check_ok, check_refused, check_rejected, fail
from conformance.checks.http import check_error
from conformance.checks.skips import not_implemented, untested
from conformance.transport.http import JSON
from conformance.transport.lost import NoAnswer
from conformance.transport.rest import carried
from conformance.wire.binary import HEADER, SIZE, WANTED, moved
from conformance.wire.contents import SIZES
from conformance.wire.jsontext import written
from spec.validation import is_valid

requirement = pytest.mark.requirement
Request = tuple[dict[str, Any], list[bytes]]


@pytest.fixture(scope="session")
def good(scored: RestModel) -> Request:
    """A request that is accepted: its JSON, and the bytes of its inputs."""
    if not ask(scored, scored.base_body).answered:
        untested("the good request is refused as binary data: binary.request.accepted")
    return moved(scored.base_body)


def _place(good: Request, bytes_: bool = False) -> int:
    """The first input with data whose elements have a size, or whose elements are BYTES."""
    message, blobs = good
    places = [
        place
        for place, (tensor, blob) in enumerate(zip(message["inputs"], blobs, strict=True))
        if blob and (tensor["datatype"] == "BYTES" if bytes_ else tensor["datatype"] in SIZES)
    ]
    if not places:
        not_implemented(f"the model has no input of {'BYTES' if bytes_ else 'numbers'}")
    return places[0]


def _with(good: Request, place: int, blob: bytes, **members: Any) -> Request:
    """The request with other bytes, and other members, for one input."""
    message, blobs = good
    inputs, others = [*message["inputs"]], [*blobs]
    parameters = {**inputs[place]["parameters"], SIZE: len(blob)}
    inputs[place], others[place] = {**inputs[place], "parameters": parameters} | members, blob
    return {**message, "inputs": inputs}, others


def _sized(good: Request, place: int, size: Any) -> Mapping[str, Any]:
    """The JSON of the request with another binary_data_size for one input."""
    message, _ = _with(good, place, b"")
    message["inputs"][place]["parameters"][SIZE] = size
    return message


@requirement("binary.errors.body")
def test_body(scored: RestModel) -> None:
    body = scored.base_body | {"inputs": "none"}
    usual, answer = scored.post(body), scored.post(for_all(body))
    if not is_valid("v2/error", usual.json):
        untested("without a wish for binary outputs the error is no error object either: v2.errors.body")
    check_error(answer, "the request has no inputs")


@requirement("binary.errors.body")
def test_body_after_bytes(scored: RestModel, good: Request) -> None:
    message, _ = good
    answer = carried(send(scored, message, []))
    if answer.answered:
        untested("a request without its bytes is answered: binary.errors.missing-bytes")
    check_error(answer, "the bytes of the inputs are missing")


@requirement("binary.errors.size-shape")
def test_size_shape(scored: RestModel, good: Request) -> None:
    place = _place(good)
    blob, size = good[1][place], SIZES[good[0]["inputs"][place]["datatype"]]
    changed = {"an element too many": blob + blob[-size:], "an element too few": blob[:-size]}
    if size > 1:
        changed["a byte too few"] = blob[:-1]
    for what, other in changed.items():
        check_refused(send(scored, *_with(good, place, other)), f"inputs[{place}] has {what} for its shape")


@requirement("binary.errors.size-shape")
def test_size_shape_of_texts(scored: RestModel, good: Request) -> None:
    place = _place(good, bytes_=True)
    answer = send(scored, *_with(good, place, good[1][place] + b"\1\0\0\0x"))
    check_refused(answer, f"inputs[{place}] has an element too many for its shape")


@requirement("binary.errors.size-type")
@pytest.mark.parametrize("size", [-8, "8", None, [8]], ids=str)
def test_size_type(scored: RestModel, good: Request, size: Any) -> None:
    place = _place(good)
    answer = send(scored, _sized(good, place, size), good[1])
    check_refused(answer, f"binary_data_size of inputs[{place}] is {size!r}")


@requirement("binary.errors.size-type")
@pytest.mark.parametrize("beyond", [2**32, 2**40, 2**62, 2**64], ids=str)
def test_size_beyond(scored: RestModel, good: Request, beyond: int) -> None:
    place = _place(good)
    size = len(good[1][place]) + beyond
    answer = send(scored, _sized(good, place, size), good[1])
    check_refused(answer, f"binary_data_size of inputs[{place}] is {size}")
    check_ok(ask(scored, scored.base_body), "the request before had a binary_data_size that is too large")


@requirement("binary.errors.no-data")
def test_no_data(scored: RestModel, good: Request) -> None:
    place, (message, blobs) = _place(good), good
    inputs = [
        {k: v for k, v in tensor.items() if k != "parameters"} if i == place else tensor
        for i, tensor in enumerate(message["inputs"])
    ]
    others = [blob for i, blob in enumerate(blobs) if i != place]
    answer = send(scored, {**message, "inputs": inputs}, others)
    check_refused(answer, f"inputs[{place}] has neither data nor binary_data_size")


@requirement("binary.errors.outputs")
def test_outputs(scored: RestModel) -> None:
    """An output that is not there, and binary_data that is no boolean."""
    usual = asking(scored, [NO_OUTPUT])
    if usual.refused:
        answer = plain(scored, for_each(scored.base_body, {NO_OUTPUT: True}))
        check_refused(answer, f"there is no output {NO_OUTPUT}, and in JSON this is refused")
    for name in output_names(scored)[:1]:
        body = for_each(scored.base_body, {name: True})
        body["outputs"][0]["parameters"] = {WANTED: "conformance"}
        check_no_failure(plain(scored, body), f"{WANTED} of output {name!r} is a text")


@requirement("binary.errors.next-request")
def test_next_request(scored: RestModel) -> None:
    message, blobs = moved(scored.base_body)
    ask(scored, scored.base_body)  # it may be the one after a request of another test
    if not ask(scored, scored.base_body).answered:
        untested("the good request is refused as binary data: binary.request.accepted")
    for what, sent, headers in (
        ("a header that is no number", blobs, {HEADER: "abc"}),
        ("bytes left over", [*blobs, b"\0" * 8], None),
        ("bytes missing", [b"".join(blobs)[:-1]], None),
    ):
        answer = send(scored, message, sent, headers)
        try:
            check_ok(ask(scored, scored.base_body), f"the request before had {what}")
        except NoAnswer as lost:
            fail(f"the request after one with {what} is lost", answer, got=str(lost))


@requirement("binary.errors.missing-bytes")
def test_missing_bytes(scored: RestModel, good: Request) -> None:
    _place(good)
    message, blobs = good
    whole = b"".join(blobs)
    for what, left in (("the last byte is missing", whole[:-1]), ("all bytes are missing", b"")):
        check_refused(send(scored, message, [left]), what)


@requirement("binary.errors.left-over")
def test_left_over(scored: RestModel, good: Request) -> None:
    message, blobs = good
    check_refused(send(scored, message, [*blobs, b"\0" * 8]), "8 bytes are left over")


@requirement("binary.errors.header")
@pytest.mark.parametrize("length", ["abc", "-1", "1000000000", str(2**31 + 8), str(2**63), str(2**64 + 8)])
def test_header(scored: RestModel, good: Request, length: str) -> None:
    answer = send(scored, *good, {HEADER: length})
    check_refused(answer, f"{HEADER} is {length}, the JSON has {len(written(good[0]))} bytes")


@requirement("binary.errors.header")
def test_header_too_short(scored: RestModel, good: Request) -> None:
    """What is left of the JSON is none; of which status that is, is v2.errors.client-status."""
    check_rejected(send(scored, *good, {HEADER: "10"}), f"{HEADER} is 10, and ends within the JSON")


@requirement("binary.errors.no-header")
def test_no_header(scored: RestModel, good: Request) -> None:
    message, blobs = good
    without = {HEADER: None}
    check_rejected(send(scored, message, blobs, without), f"there is no {HEADER}, and the body is no JSON")
    check_refused(send(scored, message, [], {**without, **JSON}), f"there are no data, and no {HEADER}")


@requirement("binary.errors.both-forms")
def test_both_forms(scored: RestModel, good: Request) -> None:
    place = _place(good)
    data = scored.base_body["inputs"][place]["data"]
    answer = send(scored, *_with(good, place, good[1][place], data=data))
    check_refused(answer, f"inputs[{place}] has data and binary_data_size")


@requirement("binary.errors.length-prefix")
def test_length_prefix(scored: RestModel, good: Request) -> None:
    place = _place(good, bytes_=True)
    blob = good[1][place]
    changed = {
        "a length beyond its data": b"\xff\xff\xff\x7f" + blob[4:],
        "a length that is cut": blob + b"\x01\0",
    }
    for what, other in changed.items():
        check_refused(send(scored, *_with(good, place, other)), f"inputs[{place}] has {what}")
