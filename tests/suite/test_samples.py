"""Samples as people have them: V2, and what MLflow writes beside a model. Used, or refused with a reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.asking.sample import load
from tests.suite.conftest import Suite, Tiny, serving


def _tensor(name: str, datatype: str, *data: Any) -> dict[str, Any]:
    return {"name": name, "shape": [len(data), 1], "datatype": datatype, "data": list(data)}


X = _tensor("x", "FP64", 1.5, 2.5)


def _flat(name: str, datatype: str, *data: Any) -> dict[str, Any]:
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": list(data)}


ONE = _tensor("x", "FP64", 1.5)
HOLE = "1 rows with missing values"
NO_COLUMN = "the column 'o', which is missing; the rows after the first, 1 of them"


@pytest.mark.parametrize(
    ("text", "inputs", "left_out"),
    [
        (json.dumps({"inputs": [X]}), [X], ""),
        ('{"dataframe_split":{"columns":["x"],"data":[[1.5],[2.5]]}}', [X], ""),
        ('{"dataframe_split":{"columns":["x"],"data":[[1.5]],"index":[7]}}', [ONE], "the index"),
        ('{"dataframe_split":{"data":[[1.5],[2.5]]}}', [{**X, "name": "0"}], ""),
        ('{"dataframe_split":{"columns":["x"],"data":[[1.5],[NaN],[2.5]]}}', [X], HOLE),
        ('{"dataframe_split":{"columns":["x","o"],"data":[[1.5,null],[2.5,NaN]]}}', [ONE], NO_COLUMN),
        ('{"dataframe_records":[{"x":1.5,"o":"a"},{"x":2}]}', [ONE, _tensor("o", "BYTES", "a")], HOLE),
        ('{"instances":[{"x":1},{"x":2}],"more":1}', [_flat("x", "INT64", 1, 2)], "the member 'more'"),
        ('{"inputs":{"texts":["a","b"]}}', [_flat("texts", "BYTES", "a", "b")], ""),
        ('{"inputs":[1,2]}', [_flat("input-0", "INT64", 1, 2)], ""),
    ],
)
def test_the_inference_request_of_a_sample(text: str, inputs: list[dict[str, Any]], left_out: str) -> None:
    found = load(text)
    assert found.reason == ""
    assert found.request is not None
    assert found.request["inputs"] == inputs
    assert "; ".join(found.left_out) == left_out


def test_params_of_a_sample() -> None:
    found = load('{"inputs":[1],"params":{"depth":2,"stop":["a"]}}')
    assert found.request is not None
    assert found.request["parameters"] == {"depth": 2}
    assert found.left_out == ["the param 'stop', at /infer"]


@pytest.mark.parametrize(
    "text",
    [
        '{"messages":[{"role":"user","content":"hi"}]}',
        '{"prompt":"hi"}',
        '{"inputs":{"a":{"b":1}}}',
        '{"dataframe_split":{"columns":["x"],"data":[[null]]}}',
        '{"dataframe_split":{"columns":["x"],"data":[]}}',
        '{"dataframe_split":{"columns":["x"],"data":[[1,2]]}}',
        '{"dataframe_split":{"columns":["x"],"data":[1]}}',
        '{"dataframe_split":{"data":null}}',
    ],
)
def test_what_has_no_form_in_v2_keeps_its_own(text: str) -> None:
    found = load(text)
    assert found.request is None
    assert found.scored == json.loads(text)
    assert "no inference request" in found.reason or "no form as an inference request: " in found.reason


@pytest.mark.parametrize("text", ["[1]", '"a"', "{}", '{"input_example":1}', "NaN", "[" * 100_000])
def test_what_is_no_sample(text: str) -> None:
    with pytest.raises(ValueError, match=r"it is no inference request: |too deeply"):
        load(text)


class Chat(Tiny):
    """MLflow's endpoint alone, in front of a language model."""

    def do_GET(self) -> None:
        self.answer(200 if self.path in ("/ping", "/health", "/version") else 404, "1.0")

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/invocations":
            return self.answer(404, {})
        try:
            said = json.loads(raw)["messages"][0]["content"]
        except (ValueError, KeyError, TypeError, IndexError):
            return self.answer(400, {"error_code": "BAD_REQUEST", "message": "no messages"})
        return self.answer(200, {"predictions": f"you say {said}"})


def test_a_request_to_a_language_model(suite: Suite, tmp_path: Path) -> None:
    file = tmp_path / "sample.json"
    file.write_text('{"messages":[{"role":"user","content":"hi"}]}')
    with serving(type("Right", (Chat,), {})) as url:
        run = suite("--target", url, "--sample", file, "-k", "mlflow")
    assert "an error of the suite" not in run.output, run.output
    assert run.outcome("mlflow.invocations.schema") == "passed"
    assert run.outcome("mlflow.invocations.content-type") == "passed"
    assert run.outcome("mlflow.predictions.deterministic") == "passed"
    assert run.status == 0, run.output


def test_a_sample_that_v2_can_not_hold(suite: Suite, tiny: str, tmp_path: Path) -> None:
    file = tmp_path / "sample.json"
    file.write_text('{"messages":[]}')
    run = suite("--target", tiny, "--model=double", "--sample", file)
    assert run.status == 10
    assert run.errors.startswith(f"cannot test: --sample {file}: it is no inference request: 'inputs' is a")
    assert "--profile mlflow" in run.errors


def test_a_sample_without_names_takes_those_of_the_metadata(suite: Suite, tiny: str, tmp_path: Path) -> None:
    file = tmp_path / "sample.json"
    file.write_text('{"dataframe_split":{"data":[[1.5],[null]]}}')
    run = suite("--target", tiny, "--model=double", "--sample", file, "--requirement=v2.infer.id-echo", "-q")
    assert run.outcome("v2.infer.id-echo") == "passed"
    assert "--sample: no request holds 1 rows with missing values" in run.output


class Bare(Tiny):
    """Answers inference requests, and nothing else of a model: TorchServe's REST."""

    def do_GET(self) -> None:
        if self.path.startswith("/v2/models/"):
            return self.answer(404, {"error": "there is nothing here"})
        return super().do_GET()


class Graph(Tiny):
    """Its metadata has no datatypes and no shapes: OpenVINO's MediaPipe graphs."""

    def do_GET(self) -> None:
        if self.path != "/v2/models/double":
            return super().do_GET()
        inputs, outputs = ([{"name": name, "datatype": "INVALID", "shape": []}] for name in "xy")
        return self.answer(200, {"name": "double", "platform": "tiny", "inputs": inputs, "outputs": outputs})


@pytest.mark.parametrize(
    ("server", "broken"), [(Bare, "v2.health.model-ready"), (Graph, "v2.model.metadata")]
)
def test_a_sample_tells_what_metadata_does_not(
    suite: Suite, tmp_path: Path, server: type[Tiny], broken: str
) -> None:
    file = tmp_path / "sample.json"
    file.write_text(json.dumps({"inputs": [X]}))
    chosen = ("v2.infer.id-echo", "v2.model.metadata", "v2.health.model-ready")
    with serving(type("Right", (server,), {})) as url:
        run = suite(
            "--target", url, "--model=double", "--sample", file, *(f"--requirement={c}" for c in chosen)
        )
    assert run.outcome("v2.infer.id-echo") == "passed"
    assert run.outcome(broken) == "failed"
    assert run.status == 1


class Stateful(Tiny):
    """Adds up what one sequence sends; every request must name one."""

    sums: dict[Any, float]
    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            body = json.loads(raw)
            parameters, data = body["parameters"], body["inputs"][0]["data"]
            key = parameters["sequence_id"]
            self.sums[key] = self.sums.get(key, 0.0) + sum(data)
        except (ValueError, KeyError, TypeError, IndexError):
            return self.answer(400, {"error": "the request must name a sequence"})
        self.asked.append(parameters)
        output = {
            "name": "y",
            "datatype": "FP64",
            "shape": [len(data), 1],
            "data": [self.sums[key]] * len(data),
        }
        answer = {"model_name": "double", "outputs": [output]}
        return self.answer(200, answer | ({"id": body["id"]} if "id" in body else {}))


def test_a_stateful_model_is_tested_for_its_form(suite: Suite, tmp_path: Path) -> None:
    file = tmp_path / "sample.json"
    file.write_text(json.dumps({"inputs": [X], "parameters": {"sequence_id": 7, "sequence_start": True}}))
    handler = type("Right", (Stateful,), {"sums": {}, "asked": []})
    with serving(handler) as url:
        run = suite(
            "--target", url, "--model=double", "--sample", file, "-k", "id_echo or parameters or batch"
        )
    assert run.status == 0, run.output
    assert run.outcome("v2.infer.id-echo") == "passed"
    assert run.outcome("v2.data.batch-is-rows") == "untested"
    assert run.output.count("double answers the same request differently") == 1
    asked = vars(handler)["asked"]
    assert all(parameters["sequence_id"] == 7 for parameters in asked)
    assert any(len(parameters) > 2 for parameters in asked)
