"""The HTTP around the protocol: paths, methods, media types, content codings, connections."""

import time
from collections.abc import Iterator

import pytest

from conformance.asking.codings import packed
from conformance.asking.inference import check_same
from conformance.asking.rest import RestModel
from conformance.asking.server import UNKNOWN, odd_models
from conformance.checks.assertions import check, check_ok, fail
from conformance.checks.http import check_status
from conformance.checks.leaks import leak
from conformance.checks.skips import untested
from conformance.transport.exchange import Exchange
from conformance.transport.http import JSON
from conformance.transport.lost import NoAnswer
from conformance.transport.rest import read
from conformance.wire.jsontext import written
from spec.validation import is_valid

requirement = pytest.mark.requirement
NOWHERE = "no-such-endpoint-of-the-conformance-suite"
_CLOSE = {"Connection": "close"}  # what is left unread is v2.http.connection
_CODED = {"Content-Encoding": "conformance"}
_CODING_STATUSES = [*range(200, 500), 501]  # 501: the server lacks the coding


def _stray(model: RestModel) -> list[Exchange]:
    """Requests to paths that no one defines."""
    paths = (f"/v2/{NOWHERE}", model.path(NOWHERE))
    return [
        model.client.send(method, path, None if method == "GET" else b"")
        for path in paths
        for method in ("GET", "POST")
    ]


def _wrong_methods(model: RestModel) -> list[Exchange]:
    """Requests with methods that an endpoint does not have, and that could do no harm if it had."""
    infer, ready = model.path("infer"), model.path("ready")
    asked = [("GET", infer), ("PUT", infer), ("DELETE", infer), ("POST", ready), ("POST", "/v2/health/live")]
    return [
        model.client.send(method, path, None if method == "GET" else b"")
        for method, path in [*asked, ("POST", "/v2")]
    ]


@requirement("v2.http.unknown-path")
def test_unknown_path(model: RestModel) -> None:
    for answer in _stray(model):
        check_status(answer, range(400, 500), "there is no such endpoint")


@requirement("v2.http.method")
def test_method(model: RestModel) -> None:
    for answer in _wrong_methods(model):
        check_status(answer, [*range(400, 500), 501], "the endpoint does not have this method")


@requirement("v2.http.allow")
def test_allow(model: RestModel) -> None:
    refused = [answer for answer in _wrong_methods(model) if answer.status == 405]
    if not refused:
        untested("no method is refused with 405")
    for answer in refused:
        check("allow" in answer.response.headers, "status 405 comes without Allow", answer)


@requirement("v2.http.body")
def test_framework_body(model: RestModel) -> None:
    for answer in [*_stray(model), *_wrong_methods(model)]:
        told = is_valid("v2/error", answer.json)
        check(answer.status < 400 or told, "the body is no object with a string error", answer)


@requirement("v2.http.no-leak")
def test_no_leak(model: RestModel) -> None:
    nobody = RestModel(model.transport, UNKNOWN)
    unknown = [nobody.path(), nobody.path("ready"), model.path("versions", UNKNOWN)]
    foreign = [*map(model.client.get, unknown), nobody.post({"inputs": []}), *odd_models(model.client)]
    for answer in [*_stray(model), *_wrong_methods(model), *foreign]:
        found = leak(answer, *model.published) if answer.status >= 400 else ""
        check(not found, "the answer tells of the server's inside", answer, got=found)


@requirement("v2.http.media-type")
def test_media_type(scored: RestModel) -> None:
    body = written(scored.base_body)
    for media_type in ("", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=x"):
        headers = {**_CLOSE, **({"Content-Type": media_type} if media_type else {})}
        answer = scored.post(body, headers)
        check_status(answer, range(200, 500), f"Content-Type {media_type or 'absent'} is no server error")


def _coded(model: RestModel, body: bytes, coding: str) -> Exchange:
    """The answer to a request whose Content-Encoding names a coding."""
    headers = {**JSON, **_CLOSE, "Content-Encoding": coding}
    return model.post(body, headers)


@requirement("v2.http.content-coding")
def test_content_coding(scored: RestModel) -> None:
    for coding in ("gzip", "deflate", "br", "conformance"):
        answer = _coded(scored, written(scored.base_body), coding)
        told = f"a body that is not coded as Content-Encoding: {coding} says"
        check_status(answer, _CODING_STATUSES, told)


@requirement("v2.http.content-coding")
def test_content_coding_true(scored: RestModel) -> None:
    for coding, body in packed(scored.base_body):
        told = f"a body that is coded as Content-Encoding: {coding} says"
        check_status(_coded(scored, body, coding), _CODING_STATUSES, told)


@requirement("v2.http.content-coding")
def test_content_coding_same(steady: RestModel) -> None:
    usual = steady.infer(steady.base_body)
    for coding, body in packed(steady.base_body):
        answer = _coded(steady, body, coding)
        if answer.status == 200:
            check_same(read(answer), usual, f"the request in {coding} coding has another answer")


@requirement("v2.http.answer-coding")
def test_answer_coding(scored: RestModel) -> None:
    plain, refused = {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip;q=0, identity"}
    rows = [*scored.base_rows] * (100 if scored.batched else 1)
    bodies = [scored.base_body, scored.body(rows), {"inputs": []}]
    answers = [scored.post(body, headers) for body in bodies for headers in (plain, refused)]
    answers += [scored.client.get(path, plain) for path in ("/v2", scored.path())]
    for answer in answers:
        coding = answer.response.headers.get("content-encoding", "identity").lower()
        check(coding == "identity", "the client accepts no coding", answer, got=coding)


@requirement("v2.http.expect")
def test_expect(scored: RestModel) -> None:
    answer = scored.post(scored.base_body, {"Expect": "100-continue"})
    check_status(answer, [200, 417], "the client waits for 100 Continue, as curl does with a large body")


@requirement("v2.http.path-encoding")
def test_path_encoding(model: RestModel) -> None:
    if not model.name[:1].isascii() or not model.name[:1].isalnum():
        untested("the model's name begins with no letter")
    encoded = f"/v2/models/%{ord(model.name[0]):02X}{model.path().removeprefix('/v2/models/')[1:]}"
    if model.page.status == 200:
        answer = model.client.get(encoded)
        check_status(answer, [200], "this is the path of the model, with a letter that is encoded")


@requirement("v2.http.header-names")
def test_header_names(scored: RestModel) -> None:
    body = written(scored.base_body)
    for name in ("content-type", "CONTENT-TYPE"):
        answer = scored.client.send("POST", scored.path("infer"), body, {name: "application/json"})
        check_ok(answer, f"{name} is Content-Type")


class _Paused:
    """A body in two pieces, the second a moment later: most servers have refused the request by then."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self.body[:20]
        time.sleep(0.02)
        yield self.body[20:]


@requirement("v2.http.connection")
def test_connection(scored: RestModel) -> None:
    infer, body = scored.path("infer"), _Paused(written(scored.base_body))
    unread = [("POST", scored.path(NOWHERE), JSON), ("PUT", infer, JSON), ("POST", infer, {**JSON, **_CODED})]
    for method, path, headers in [*unread, ("POST", infer, {"Content-Type": "text/plain"})] * 2:
        try:
            refused = scored.client.send(method, path, headers=headers, chunks=body)
        except NoAnswer:
            continue  # closing the connection is permitted
        told = "the body came in two pieces, and the good request after it on the same connection"
        try:
            after = scored.infer(scored.base_body)
        except NoAnswer as lost:
            fail(f"{told} is lost", refused, got=str(lost))
        check(after.answered, f"{told} is refused", refused, after, got=f"status {after.status}")
