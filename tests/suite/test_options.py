"""The options that shape a run, and the report that tells of them."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from conformance.harness.pace import Announcer
from spec.validation import violations
from tests.suite.conftest import Run, Suite, Tiny, serving

ECHO = "--requirement=v2.infer.id-echo"


@pytest.fixture
def failure(suite: Suite, forgetful: str) -> Run:
    """A run with one failure."""
    one = ("--target", forgetful, "--model", "double", "-k", "id_echo_drawn")
    return suite(*one, "--header", "Authorization: Bearer s3cret")


def test_failure_text(failure: Run, forgetful: str) -> None:
    text = failure.output
    assert "v2.infer.id-echo (MUST): The id of a request comes back in its answer" in text
    assert "inference_rest.md at d49cc23, 'Inference Request JSON Object' <https://" in text
    assert "Found: the id is not the request's; got: null; expected: \"" in text or "expected:" in text
    assert "To change: Copy the id string" in text
    assert f"curl -si {forgetful}/v2/models/double/infer -H 'Authorization: ***'" in text
    assert "Response: 200, application/json" in text
    assert "Traceback" not in text
    screen = text.partition("FAILURES")[2].partition("verdict")[0]
    assert screen.count("\n") < 30


def test_failures_are_shrunk(failure: Run) -> None:
    (request,) = failure.row("v2.infer.id-echo")["failures"][0]["request"]
    assert len(json.loads(request)["id"]) <= 2


def test_secrets_stay_out(failure: Run) -> None:
    assert "s3cret" not in failure.output + json.dumps(failure.report)
    assert failure.report["options"]["header"] == {"Authorization": "***"}


def test_report_fits_its_schema(failure: Run) -> None:
    assert violations("suite/report", failure.report) == []
    report = failure.report
    assert report["target"]["name"] == ""
    assert report["target"]["models"] == ["double"]
    assert report["requests"] > 0
    assert report["suite"]["sources"]["oip-md"].endswith("d49cc23")


def test_junit_names_the_requirement(suite: Suite, tiny: str, tmp_path: Path) -> None:
    file = tmp_path / "junit.xml"
    suite("--target", tiny, "--model", "double", ECHO, f"--junitxml={file}")
    properties = ElementTree.parse(file).iter("property")
    assert {"name": "requirement", "value": "v2.infer.id-echo"} in [p.attrib for p in properties]


def test_headers_are_sent(suite: Suite) -> None:
    class Seeing(Tiny):
        pass

    with serving(Seeing) as url:
        suite(
            "--target",
            url,
            "--model",
            "double",
            ECHO,
            "--header",
            "Host: model.example",
            "--header",
            "X-Key: 1",
        )
        headers = [sent for _, _, sent in Seeing.seen]
    assert len(headers) > 5
    assert all(sent["Host"] == "model.example" and sent["X-Key"] == "1" for sent in headers)


def test_same_run_twice_and_another_seed(suite: Suite) -> None:
    class Seeing(Tiny):
        pass

    def sent(*arguments: object) -> int:
        with serving(Seeing) as url:
            report = suite("--target", url, "--model", "double", ECHO, *arguments).report
        return int(report["requests"])

    assert sent() == sent()
    assert sent("--max-examples", "40") > sent("--max-examples", "5")
    assert sent("--seed", "1") > 0


def test_seed_is_reported(suite: Suite, tiny: str) -> None:
    run = suite("--target", tiny, "--model", "double", ECHO, "--seed", "7")
    assert run.status == 0
    assert run.report["options"]["seed"] == 7


def test_profiles(suite: Suite, tiny: str) -> None:
    run = suite("--target", tiny, "--model", "double", "--profile", "v2", "-k", "health")
    assert run.status == 0, run.output
    assert run.outcome("v2.health.live") == "passed"
    assert run.report["profiles"]["mlflow"]["not-selected"] > 0


def test_marks_select_by_level(suite: Suite, tiny: str) -> None:
    run = suite("--target", tiny, "--model", "double", "-m", "should and v2", "-k", "server")
    assert run.outcome("v2.server.names-itself") == "passed"
    assert run.outcome("v2.server.metadata") == "not-selected"


def test_sample_keeps_requests_in_the_domain(suite: Suite, tmp_path: Path) -> None:
    class Narrow(Tiny):
        """Takes numbers between 40 and 50 only."""

        def answer(self, status: int, document: Any) -> None:
            scored = isinstance(document, dict) and "model_name" in document
            wrong = scored and any(not 80 <= x <= 100 for x in document["outputs"][0]["data"])
            super().answer(400 if wrong else status, {"error": "out of range"} if wrong else document)

    tensor = {"name": "x", "shape": [2, 1], "datatype": "FP64", "data": [44.0, 45.0]}
    file = tmp_path / "sample.json"
    file.write_text(json.dumps({"inputs": [tensor]}))
    with serving(Narrow) as url:
        blind = suite("--target", url, "--model", "double", "--requirement=v2.data.batch-is-rows")
        led = suite(
            "--target", url, "--model", "double", "--requirement=v2.data.batch-is-rows", "--sample", file
        )
    assert blind.outcome("v2.data.batch-is-rows") == "untested"
    assert "--sample" in blind.row("v2.data.batch-is-rows")["reason"]
    assert led.outcome("v2.data.batch-is-rows") == "passed"


def test_a_narrow_model_without_a_sample_is_tested_with_the_rows_that_it_takes(suite: Suite) -> None:
    class Picky(Tiny):
        """Takes a few numbers only."""

        def answer(self, status: int, document: Any) -> None:
            scored = isinstance(document, dict) and "model_name" in document
            wrong = scored and any(x not in (0.0, 2.0, 20.0) for x in document["outputs"][0]["data"])
            super().answer(400 if wrong else status, {"error": "not that"} if wrong else document)

    with serving(Picky) as url:
        run = suite("--target", url, "--model", "double", "-k", "v2 and (test_data.py or test_data_)")
    assert run.report["requests"] < 800
    assert run.outcome("v2.data.batch-is-rows") == "passed"


def test_not_row_wise(suite: Suite, tiny: str) -> None:
    name = "v2.data.batch-is-rows"
    run = suite("--target", tiny, "--model", "double", f"--requirement={name}", "--not-row-wise")
    assert run.outcome(name) == "untested"


def test_known_answers(suite: Suite, tiny: str, tmp_path: Path) -> None:
    def case(result: float) -> str:
        inputs = [{"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [2.5]}]
        response = {"outputs": [{"name": "y", "datatype": "FP64", "data": [result]}]}
        row = {"name": "twice", "protocol": "v2", "request": {"inputs": inputs}, "response": response}
        return json.dumps({"model": "double", "cases": [row]})

    name = "v2.infer.known-answers"
    for result, outcome in ((5.0, "passed"), (5.0001, "failed")):
        (tmp_path / "answers.json").write_text(case(result))
        run = suite("--target", tiny, "--model", "double", f"--requirement={name}", "--answers", tmp_path)
        assert run.outcome(name) == outcome, run.output


def test_how_many_requests_a_run_sends_is_said_before_it_begins(suite: Suite, tiny: str) -> None:
    def asked(*arguments: str) -> int:
        run = suite("--target", tiny, "--model", "double", "-k", "v2 and test_infer", *arguments)
        line = next(line for line in run.output.splitlines() if line.startswith("about "))
        words = line.split()
        assert words[2:4] == ["requests", "of"]
        count = int(words[1].replace(",", ""))
        assert count / 4 < run.report["requests"] < count * 4
        return count

    assert asked() > asked("--max-examples", "2", "-n", "2")


@pytest.mark.parametrize(
    ("pace", "models", "examples", "processes", "told"),
    [
        (0.0, 1, 10, 1, ["about 2,000 requests"]),
        (0.005, 1, 10, 1, ["about 2,000 requests of 5 ms: about 20 seconds"]),
        (2.0, 1, 10, 1, ["about 2,000 requests of 2000 ms: about 65 minutes", "shorter: -n 4"]),
        (2.0, 1, 10, 4, ["about 2,000 requests of 2000 ms: about 16 minutes", "shorter: -n 4"]),
        (
            0.1,
            300,
            10,
            1,
            ["about 580,000 requests of 100 ms: about 17 hours", "shorter: --model NAME leaves 299"],
        ),
    ],
)
def test_how_long_a_run_takes(
    pace: float, models: int, examples: int, processes: int, told: list[str]
) -> None:
    tests = [f"conformance/v2/test_infer.py::test_{i}" for i in range(300 * models)]
    others = ["mlflow/test_errors.py::test_a", "content_types/test_round_trip.py::test_b"]
    announcer = Announcer({"mlflow", "content-types"}, pace, models, examples, processes)
    lines = announcer.told([*tests, *others])
    assert [line[: len(start)] for line, start in zip(lines, told, strict=True)] == told
