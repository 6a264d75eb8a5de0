"""A defect is shown by the smallest request that has it."""

import json
from pathlib import Path

from reference_server import create_app
from tests.faulty.reference import remembered
from tests.faulty.server import serve
from tests.faulty.wire import Ask, Request, Response
from tests.suite.conftest import Suite


def _loses_the_sign_of_alcohol(request: Request, ask: Ask) -> Response:
    """/infer takes the absolute value of one column."""
    if request.method == "POST" and request.target.endswith("/infer") and isinstance(request.json, dict):
        body = json.loads(request.body)
        for tensor in body["inputs"]:
            if tensor["name"] == "alcohol":
                tensor["data"] = [abs(x) for x in tensor.get("data", [])]
        return ask(request.with_json(body))
    return ask(request)


def test_a_defect_of_negative_values_is_shown_by_one_row(suite: Suite, repository: Path) -> None:
    ask = remembered(create_app(repository / "wine-classifier"))
    with serve(lambda request: _loses_the_sign_of_alcohol(request, ask)) as url:
        run = suite("--target", url, "--requirement=parity.predictions")
    assert run.outcome("parity.predictions") == "failed"
    infer = next(r for r in run.row("parity.predictions")["failures"][0]["request"] if '"shape"' in r)
    inputs = {tensor["name"]: tensor for tensor in json.loads(infer)["inputs"]}
    assert {tuple(tensor["shape"]) for tensor in inputs.values()} == {(1, 1)}
    (alcohol,) = inputs["alcohol"]["data"]
    assert alcohol < 0
    assert all(tensor["data"] == [0.0] for name, tensor in inputs.items() if name != "alcohol")
