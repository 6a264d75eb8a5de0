"""The suite against small servers that are right, and unusual in what no wrapper of another can show."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from conformance.transport.http import Client
from conformance.transport.route import Route
from conformance.transport.together import in_json, together
from tests.suite.conftest import Suite, Tiny, serving

Serve = Callable[[type[Tiny]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """The URL of a server of a handler."""
    with ExitStack() as stack:
        yield lambda handler: stack.enter_context(serving(handler))


class Guarded(Tiny):
    """A gateway stands before it, and forbids whatever it does not know."""

    def answer(self, status: int, document: Any) -> None:
        super().answer(403 if status == 404 else status, document)


def test_what_a_gateway_forbids_is_not_there(suite: Suite, serve: Serve) -> None:
    run = suite("--target", serve(Guarded), "--model", "double", "-k", "health")
    assert run.status == 0, run.output
    assert run.outcome("mlflow.health.ping") == "not-implemented"


class Locked(Tiny):
    """Takes nothing without a token."""

    def answer(self, status: int, document: Any) -> None:
        super().answer(401, {"error": "who are you?"})


def test_a_missing_token_is_told(suite: Suite, serve: Serve) -> None:
    run = suite("--target", serve(Locked), "--model", "double")
    assert run.status == 10
    assert "--header" in run.errors


class Loading(Tiny):
    """Its model is not loaded yet."""

    def answer(self, status: int, document: Any) -> None:
        waiting = self.path.endswith(("/double/ready", "/infer", "/health/ready"))
        super().answer(503 if waiting else status, {"error": "loading"} if waiting else document)


def test_a_model_that_is_not_loaded_is_not_tested(suite: Suite, serve: Serve) -> None:
    run = suite("--target", serve(Loading), "--model", "double")
    assert run.status == 10
    assert "has not loaded 'double'" in run.errors


class OneLoading(Tiny):
    """It has another model, which is not loaded yet."""

    def answer(self, status: int, document: Any) -> None:
        if self.path == "/v2/health/ready":
            status, document = 503, {"ready": False}
        if self.path == "/v2/repository/index":
            rows = [{"name": "double", "state": "READY"}, {"name": "large", "state": "LOADING"}]
            status, document = 200, rows
        super().answer(status, document)


def test_a_server_waits_for_all_its_models(suite: Suite, serve: Serve) -> None:
    run = suite("--target", serve(OneLoading), "-k", "health or repository_index")
    assert run.status == 0, run.output
    assert "large" in run.row("v2.health.ready")["reason"]


class Whole(Tiny):
    """Takes two rows, no fewer and no more: the metadata can't say so."""

    def answer(self, status: int, document: Any) -> None:
        single = status == 200 and self.path.endswith("/infer") and document["outputs"][0]["shape"] != [2, 1]
        super().answer(400 if single else status, {"error": "two rows, please"} if single else document)


def test_a_sample_that_can_not_be_cut_is_sent_whole(suite: Suite, serve: Serve, tmp_path: Path) -> None:
    sample = tmp_path / "sample.json"
    sample.write_text('{"inputs": [{"name": "x", "shape": [2, 1], "datatype": "FP64", "data": [1.5, 2.5]}]}')
    options = ("--model", "double", "--sample", sample, "-k", "test_answers or batch or id_echo")
    run = suite("--target", serve(Whole), *options)
    assert run.status == 0, run.output
    assert run.outcome("v2.infer.answers") == "passed"
    assert run.outcome("v2.data.batch-is-rows") == "untested"


def _odd(doubles: list[float]) -> bool:
    return any(x % 2 for x in doubles)


class Picky(Tiny):
    """Takes whole numbers only: the metadata can't say so."""

    def answer(self, status: int, document: Any) -> None:
        wrong = self.path.endswith("/infer") and status == 200 and _odd(document["outputs"][0]["data"])
        super().answer(400 if wrong else status, {"error": "whole numbers, please"} if wrong else document)


def test_a_sample_whose_numbers_can_not_be_moved_is_sent_as_it_is(
    suite: Suite, serve: Serve, tmp_path: Path
) -> None:
    sample = tmp_path / "sample.json"
    sample.write_text('{"inputs": [{"name": "x", "shape": [2, 1], "datatype": "FP64", "data": [3.0, 7.0]}]}')
    options = ("--model", "double", "--sample", sample, "--level", "should", "-k", "test_answers or batch")
    run = suite("--target", serve(Picky), *options)
    assert run.status == 0, run.output
    assert run.outcome("v2.infer.answers") == "passed"


class Scalar(Tiny):
    """Takes two numbers without a dimension."""

    def answer(self, status: int, document: Any) -> None:
        for tensor in [*document.get("inputs", []), *document.get("outputs", [])]:
            tensor["shape"] = []
        if "inputs" in document:
            document["inputs"] += [document["inputs"][0] | {"name": "unused"}]
        super().answer(status, document)


def test_inputs_may_have_no_dimension(suite: Suite, serve: Serve) -> None:
    run = suite(
        "--target", serve(Scalar), "--model", "double", "-k", "test_schema or test_answers or metadata"
    )
    assert run.status == 0, run.output
    assert run.outcome("v2.infer.answers") == "passed"


class Silent(Tiny):
    """Its answers have no outputs."""

    def answer(self, status: int, document: Any) -> None:
        super().answer(status, {**document, "outputs": []} if "outputs" in document else document)


def test_a_model_without_outputs_is_no_error_of_the_suite(suite: Suite, serve: Serve) -> None:
    chosen = "v2 and (test_data.py or test_data_ or test_concurrency)"
    run = suite("--target", serve(Silent), "--model", "double", "-k", chosen)
    assert "StopIteration" not in run.output
    assert "ZeroDivisionError" not in run.output
    assert run.outcome("v2.concurrency.isolation") == "untested"


class Crowded(Tiny):
    """Closes the connections that are more than four at a time, without a word."""

    open = 0
    lock = threading.Lock()

    def handle(self) -> None:
        with self.lock:
            Crowded.open += 1
        try:
            if Crowded.open <= 4:
                super().handle()
        finally:
            with self.lock:
                Crowded.open -= 1


def test_few_connections_at_a_time_are_no_failure(serve: Serve) -> None:
    tensor = {"name": "x", "datatype": "FP64", "shape": [1, 1], "data": [1.5]}
    asked = [in_json("/v2/models/double/infer", {"inputs": [tensor], "id": str(i)}) for i in range(16)]
    answers = together(Client(Route(serve(Crowded))), asked)
    assert [answer.json["id"] for answer in answers] == [str(i) for i in range(16)]
