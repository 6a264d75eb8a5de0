"""Requests that may bring a server down. Opt-in: --profile robustness."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException

import pytest

from conformance.asking.rest import RestModel
from conformance.checks.assertions import check
from conformance.checks.skips import no_request, not_implemented
from conformance.harness.target import Target
from conformance.mistakes import hostile
from conformance.mistakes import inference as malformed
from conformance.mistakes.hostile import Assault, Hostile
from conformance.mistakes.survey import Survey
from conformance.transport.answer import Answer
from conformance.transport.exchange import Exchange
from conformance.transport.http import JSON
from conformance.transport.rest import carried, read
from conformance.wire.jsontext import written
from spec.validation import is_valid

requirement = pytest.mark.requirement
_SLOW_SECONDS = 5.0
_NOTICED_SECONDS = 1.0
_ROWS = 10_000
_AT_ONCE = 16


@pytest.fixture(scope="session")
def assault(mlflow_model: RestModel, target: Target) -> Assault:
    """The first model, under hostile requests."""
    if target.alone:
        not_implemented("no --target was given")
    if mlflow_model.base is None:
        no_request(mlflow_model.name)
    return Assault(Survey(mlflow_model))


@pytest.fixture(scope="session")
def scoring_assault(target: Target, assault: Assault) -> Assault:
    """The same, where the target has /invocations."""
    if "mlflow" in target.missing:
        not_implemented(target.missing["mlflow"])
    return assault


def _check_survives(assault: Assault, hostiles: Callable[[malformed.Good, str], list[Hostile]]) -> None:
    assault.check_stands(*assault.infer(hostiles))


@requirement("robustness.shapes")
def test_shapes(assault: Assault) -> None:
    _check_survives(assault, hostile.shapes)


@requirement("robustness.nesting")
def test_nesting(assault: Assault) -> None:
    _check_survives(assault, hostile.nesting)


@requirement("robustness.numbers")
def test_numbers(assault: Assault) -> None:
    _check_survives(assault, hostile.numbers)


@requirement("robustness.long-texts")
def test_long_texts(assault: Assault) -> None:
    _check_survives(assault, hostile.texts)


@requirement("robustness.many-members")
def test_many_members(assault: Assault) -> None:
    _check_survives(assault, hostile.many)


@requirement("robustness.headers")
def test_headers(assault: Assault) -> None:
    _check_survives(assault, hostile.headers)


@requirement("robustness.huge-body")
def test_huge_body(assault: Assault) -> None:
    _check_survives(assault, hostile.huge)


@requirement("robustness.invocations-nesting")
def test_invocations_nesting(scoring_assault: Assault) -> None:
    scoring_assault.check_stands(*scoring_assault.send(hostile.scoring_nesting("/invocations")))


@requirement("robustness.invocations-numbers")
def test_invocations_numbers(scoring_assault: Assault) -> None:
    scoring_assault.check_stands(*scoring_assault.send(hostile.scoring_numbers("/invocations")))


@requirement("robustness.invocations-huge-body")
def test_invocations_huge_body(scoring_assault: Assault) -> None:
    scoring_assault.check_stands(*scoring_assault.send(hostile.scoring_huge("/invocations")))


@requirement("robustness.model-names")
def test_model_names(assault: Assault) -> None:
    names = ("..%2f..%2f..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2f", "..%5c..%5c", "%00", "%ff%fe")
    for name in (*names, "x" * 4000):
        path = f"/v2/models/{name}"
        (blow,) = assault.send([Hostile(f"the model name {name[:40]}", path, None, {}, "GET")])
        assault.check_stands(blow)
        if isinstance(blow.answer, Exchange):
            check(blow.answer.status >= 400, "there is no such model", blow.answer, got=blow.answer.status)


def _end(connection: HTTPConnection) -> None:
    """Send no more, give the server a moment to notice, and close."""
    connection.sock.shutdown(socket.SHUT_WR)
    connection.sock.settimeout(_NOTICED_SECONDS)
    with suppress(OSError):
        while connection.sock.recv(4096):
            pass
    connection.close()


@requirement("robustness.cut-body")
def test_cut_body(assault: Assault) -> None:
    body = written(assault.good)
    for sent in (0, len(body) // 2, len(body)):
        _end(assault.model.client.begin(assault.model.path("infer"), body[:sent], len(body) + 100))
        assault.check_usual(assault.model.infer(assault.good), f"after a body that ends {sent} bytes in")


@requirement("robustness.slow-body")
def test_slow_body(assault: Assault) -> None:
    body = written(assault.good)
    started = time.monotonic()
    assault.model.infer(assault.good)
    enough_seconds = _SLOW_SECONDS + 2 * (time.monotonic() - started)  # for a model that is slow itself
    slow = assault.model.client.begin(assault.model.path("infer"), body[:20], len(body))
    enough = threading.Event()

    def finish() -> None:
        enough.wait(enough_seconds)
        with closing(slow), suppress(OSError, HTTPException):  # a server may have given up on it
            slow.send(body[20:])
            slow.getresponse().read()

    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        finishing = pool.submit(finish)
        answer = assault.model.infer(assault.good)
        waited = time.monotonic() - started
        enough.set()
        finishing.result()
    told = "the good request had to wait until another client was done with its own"
    check(waited < enough_seconds, told, answer, got=f"{waited:.1f} s")


@requirement("robustness.at-once")
def test_at_once(assault: Assault) -> None:
    good, path = written(assault.good), assault.model.path("infer")
    bad = [probe.body for probe in malformed.requests(assault.survey.good)][: _AT_ONCE // 2]

    def send(body: bytes) -> Answer:
        return read(assault.model.client.twin().send("POST", path, body, JSON))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(
            pool.map(send, [body for pair in zip(bad, [good] * len(bad), strict=True) for body in pair])
        )
    for answer in answers[1::2]:
        assault.check_usual(answer, "among malformed ones")


@requirement("robustness.large-batch")
def test_large_batch(assault: Assault) -> None:
    if not assault.model.batched:
        not_implemented(f"{assault.model.name} takes no batches")
    answer = carried(assault.model.predict(list(assault.model.base_rows) * _ROWS))
    if answer.status == 200:
        check(bool(read(answer).outputs), "the answer has no outputs", answer)
        return
    told = is_valid("v2/error", answer.json)
    check(answer.status < 500 and told, f"{_ROWS:,} rows are refused without an error object", answer)


@requirement("robustness.answered")
def test_answered(assault: Assault) -> None:
    assault.check_answered()


@requirement("robustness.client-status")
def test_client_status(assault: Assault) -> None:
    assault.check_no_failure()
